#include "runtime/instance.hpp"

#include <signal.h>
#include <unistd.h>

#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "json/write.hpp"
#include "runtime/runtime_api.hpp"
#include "sandbox/sandbox.hpp"

namespace sallyport::runtime {
namespace {

double milliseconds_between(MonotonicTime from, MonotonicTime to) { return std::chrono::duration<double, std::milli>(to - from).count(); }

// Go's names, which AWS's texts carry.
std::string_view signal_name(int number) {
  switch (number) {
    case SIGKILL: return "killed";
    case SIGSEGV: return "segmentation fault";
    case SIGABRT: return "aborted";
    case SIGBUS: return "bus error";
    case SIGFPE: return "floating point exception";
    case SIGILL: return "illegal instruction";
    case SIGTERM: return "terminated";
    default: return {};
  }
}

std::string error_object(std::string_view type, std::string_view message) {
  std::string out;
  json::Writer(out).begin_object().key("errorType").string(type).key("errorMessage").string(message).end_object();
  return out;
}

}  // namespace

std::string response_too_large() {
  return R"({"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"})";
}

namespace {

Result<sandbox::Launch> launch_of(const FunctionSpec& spec, const Surroundings& surroundings) {
  sandbox::Launch launch;
  launch.directory = spec.code_directory;
  const auto family = family_of(spec.runtime);
  if (!family) return std::unexpected(family.error());
  if (*family == RuntimeFamily::provided) {
    launch.program = spec.code_directory + "/bootstrap";
    launch.arguments = {launch.program};
    if (access(launch.program.c_str(), X_OK)) return fail(cat("Couldn't find valid bootstrap(s): [", launch.program, "]"));
    return launch;
  }
  auto interpreter = surroundings.interpreters.find(spec.runtime);
  if (!interpreter) return std::unexpected(interpreter.error());
  launch.program = interpreter->path;
  if (*family == RuntimeFamily::python)
    launch.arguments = {launch.program, "-X", cat("pycache_prefix=", surroundings.scratch_directory, "/pycache"),
                        surroundings.scratch_directory + "/bootstrap.py"};
  else
    launch.arguments = {launch.program, surroundings.scratch_directory + "/bootstrap.mjs"};
  return launch;
}

}  // namespace

Result<std::shared_ptr<Instance>> Instance::start(io::Loop& loop, const Surroundings& surroundings, const FunctionSpec& spec,
                                                  std::move_only_function<void(Instance*)> gone) {
  auto launch = launch_of(spec, surroundings);
  if (!launch) return std::unexpected(launch.error());
  std::shared_ptr<Instance> instance(new Instance(loop, surroundings, spec, std::move(gone)));
  std::string address = "127.0.0.1:9001";
  const bool provided = family_of(spec.runtime) == RuntimeFamily::provided;
  if (provided) {
    auto api = RuntimeApi::open(loop, surroundings.clock);
    if (!api) return std::unexpected(api.error());
    instance->api_ = api->get();
    instance->channel_ = std::move(*api);
    address = instance->api_->address();
  }
  instance->log_stream_ = make_log_stream(spec, surroundings.clock.wall_now(), surroundings.random);
  launch->environment =
      environment_of(spec, address, instance->log_stream_, surroundings.random,
                     surroundings.service_variables ? surroundings.service_variables(spec) : std::map<std::string, std::string>());
  instance->started_ = surroundings.clock.monotonic_now();
  auto process = sandbox::launch(loop, *launch, [raw = instance.get()](io::ExitStatus exit) { raw->exited_.deliver(exit); });
  if (!process) {
    if (instance->api_) loop.scope().spawn([](std::shared_ptr<Instance> self) -> Task<void> { co_await self->api_->close(); }(instance));
    return std::unexpected(process.error());
  }
  instance->process_ = std::move(*process);
  if (!provided) instance->channel_ = make_frame_channel(instance->process_->frames());
  loop.scope().spawn(instance->live(instance));
  return instance;
}

Instance::~Instance() = default;

void Instance::log(LogLine::Source source, std::string_view text) {
  surroundings_.logs.write({source, spec_.function_name, request_id_, text, spec_.function_arn, log_stream_});
}

Task<void> Instance::live(std::shared_ptr<Instance> self) {
  io::Completion<bool> read;
  loop_.scope().spawn([](std::shared_ptr<Instance> me, io::Completion<bool> done) -> Task<void> {
    co_await me->pump_output();
    done.deliver(true);
  }(self, read));
  exit_ = co_await exited_.wait_on(loop_);
  alive_ = false;
  ended_.deliver(true);
  process_->drain_frames();
  channel_->process_ended();
  process_->drain_output();
  log_output_lines(true);
  gone_(this);
  process_->output().close();
  co_await read.wait_on(loop_);
  if (api_) co_await api_->close();
}

Task<void> Instance::pump_output() {
  auto& output = process_->output();
  do log_output_lines(false);
  while (co_await output.read_more());
  log_output_lines(true);
}

void Instance::log_output_lines(bool ended) {
  auto& output = process_->output();
  for (;;) {
    const auto text = output.incoming();
    auto end = text.find('\n');
    const bool whole = end != std::string_view::npos;
    if (!whole) {
      if (text.size() < limits::log_line_bytes_max && !(ended && !text.empty())) return;
      end = std::min(text.size(), limits::log_line_bytes_max);
    }
    log(LogLine::Source::function, text.substr(0, end));
    output.consume(end + (whole ? 1 : 0));
  }
}

Task<Result<void, InitFault>> Instance::init(std::chrono::milliseconds time) {
  bool late = false;
  io::Deadline deadline(loop_, time, [this, &late] {
    late = true;
    kill();
  });
  auto message = co_await channel_->next();
  // What init took is the least that a first event can report, should the process not live to its end.
  refresh_memory();
  memory_read_ = {};
  if (std::holds_alternative<Ready>(message)) {
    init_ms_ = milliseconds_between(started_, surroundings_.clock.monotonic_now());
    co_return Result<void, InitFault>{};
  }
  if (auto* failed = std::get_if<FailedForGood>(&message)) {
    process_->drain_output();
    kill();
    if (failed->payload.size() > limits::response_bytes_max)
      co_return fail(init_fault("Function.ResponseSizeTooLarge", response_too_large()));
    co_return fail(init_fault(std::move(failed->error_type), std::move(failed->payload)));
  }
  kill();
  const auto exit = co_await exit_status();
  process_->drain_output();
  if (late) co_return fail(init_fault("Sandbox.Timedout", {}, true));
  co_return fail(init_fault("Runtime.ExitError", fault_text(exit)));
}

InitFault Instance::init_fault(std::string error_type, std::string payload, bool took_too_long) {
  return {std::move(error_type), std::move(payload), took_too_long, milliseconds_between(started_, surroundings_.clock.monotonic_now()),
          max_memory_mb_};
}

Task<io::ExitStatus> Instance::exit_status() {
  if (!exit_) co_await ended_.wait_on(loop_);
  co_return *exit_;
}

std::string Instance::fault_text(io::ExitStatus exit) const {
  if (exit.signal) {
    const auto name = signal_name(exit.signal);
    return name.empty() ? cat("Runtime exited with error: signal: signal ", exit.signal) : cat("Runtime exited with error: signal: ", name);
  }
  if (exit.code == 0) return "Runtime exited without providing a reason";
  return cat("Runtime exited with error: exit status ", exit.code);
}

Task<Outcome> Instance::invoke(const Invocation& invocation) {
  request_id_ = invocation.request_id.text();
  log(LogLine::Source::platform, cat("START RequestId: ", request_id_, " Version: ", spec_.version));
  const auto begun = surroundings_.clock.monotonic_now();
  auto outcome = co_await run_event(invocation);
  const auto duration = milliseconds_between(begun, surroundings_.clock.monotonic_now());
  process_->drain_output();
  log_report(invocation, outcome, duration);
  request_id_.clear();
  co_return outcome;
}

Task<Outcome> Instance::run_event(const Invocation& invocation) {
  timed_out_ = out_of_memory_ = false;
  const auto timeout = std::chrono::duration_cast<std::chrono::milliseconds>(spec_.timeout);
  watch(timeout);
  co_await channel_->send(invocation, surroundings_.clock.wall_now() + timeout);
  auto message = co_await channel_->next();
  std::optional<Outcome> outcome;
  if (auto* answered = std::get_if<Answered>(&message)) outcome = Outcome{false, {}, std::move(answered->payload)};
  if (auto* failed = std::get_if<Failed>(&message)) outcome = Outcome{true, std::move(failed->error_type), std::move(failed->payload)};
  if (auto* failed = std::get_if<FailedForGood>(&message)) {
    outcome = Outcome{true, std::move(failed->error_type), std::move(failed->payload)};
    // Its last lines belong to this event; the function's time still bounds how long it takes over them.
    co_await exit_status();
    kill();
  }
  watch_.reset();
  if (!outcome) co_return co_await ended_during(invocation);
  if (outcome->payload.size() > limits::response_bytes_max) co_return Outcome{true, "Function.ResponseSizeTooLarge", response_too_large()};
  co_return std::move(*outcome);
}

// The process broke off in the middle of an event: it exited, crashed, spoke nonsense, or was killed by us for a reason.
Task<Outcome> Instance::ended_during(const Invocation& invocation) {
  watch_.reset();
  kill();
  const auto exit = co_await exit_status();
  const auto prefix = cat("RequestId: ", invocation.request_id.text(), " Error: ");
  if (timed_out_) {
    std::string text = "Task timed out after ";
    append_fixed2(text, static_cast<double>(spec_.timeout.count()));
    text += " seconds";
    log(LogLine::Source::platform, cat(iso8601_millis(surroundings_.clock.wall_now()), " ", invocation.request_id.text(), " ", text));
    co_return Outcome{true, "Sandbox.Timedout", error_object("Sandbox.Timedout", prefix + text)};
  }
  const auto type = out_of_memory_ ? "Runtime.OutOfMemory" : "Runtime.ExitError";
  const auto text = prefix + (out_of_memory_ ? "Runtime exited with error: signal: killed" : fault_text(exit));
  process_->drain_output();
  log(LogLine::Source::platform, cat(text, "\r", type));
  co_return Outcome{true, type, error_object(type, text)};
}

// One timer for both: the end of the function's time, and a look at its memory on the way there.
void Instance::watch(std::chrono::milliseconds left) {
  const auto step = std::min(left, limits::memory_check_interval);
  watch_.emplace(loop_, step, [this, left = left - step] {
    if (left.count() <= 0) {
      timed_out_ = true;
      kill();
      return;
    }
    refresh_memory();
    if (max_memory_mb_ > spec_.memory_mb) {
      out_of_memory_ = true;
      kill();
      return;
    }
    watch(left);
  });
}

void Instance::refresh_memory() {
  memory_read_ = surroundings_.clock.monotonic_now();
  std::ifstream status(cat("/proc/", process_->pid(), "/status"));
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("VmHWM:")) continue;
    long kib = 0;
    const auto digits = line.find_first_of("0123456789");
    if (digits == std::string::npos) return;
    std::from_chars(line.data() + digits, line.data() + line.size(), kib);
    max_memory_mb_ = std::max(max_memory_mb_, (kib + 1023) / 1024);
    return;
  }
}

void Instance::log_report(const Invocation& invocation, const Outcome& outcome, double duration_ms) {
  const auto& id = invocation.request_id.text();
  // The high-water mark costs two file operations, so it is read anew at most once a second.
  if (alive_ && surroundings_.clock.monotonic_now() - memory_read_ > std::chrono::seconds(1)) refresh_memory();
  log(LogLine::Source::platform, cat("END RequestId: ", id));
  const std::string_view fatal = outcome.failed && !alive_ ? std::string_view(outcome.error_type) : std::string_view();
  log(LogLine::Source::platform, report_line(spec_, id, duration_ms, max_memory_mb_, std::exchange(init_ms_, std::nullopt), fatal));
}

std::string report_line(const FunctionSpec& spec, std::string_view request_id, double duration_ms, long max_memory_mb,
                        std::optional<double> init_ms, std::string_view fatal_error_type) {
  std::string report = cat("REPORT RequestId: ", request_id, "\tDuration: ");
  append_fixed2(report, duration_ms);
  report += cat(" ms\tBilled Duration: ", static_cast<long>(std::ceil(duration_ms)), " ms\tMemory Size: ", spec.memory_mb,
                " MB\tMax Memory Used: ", max_memory_mb, " MB\t");
  if (init_ms) {
    report += "Init Duration: ";
    append_fixed2(report, *init_ms);
    report += " ms\t";
  }
  if (fatal_error_type == "Sandbox.Timedout")
    report += "Status: timeout";
  else if (!fatal_error_type.empty())
    report += cat("Status: error\tError Type: ", fatal_error_type);
  return report;
}

// Once the process is reaped its group is gone too, and the number may belong to somebody else by now.
void Instance::kill() {
  alive_ = false;
  if (process_ && !exit_) process_->kill();
}

}  // namespace sallyport::runtime
