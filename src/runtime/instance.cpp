// How an environment comes up, rests and goes down; what happens in an event is in event.cpp.
#include "runtime/instance.hpp"

#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/text.hpp"

namespace sallyport::runtime {
namespace {

constexpr std::chrono::seconds cleaning_time{5};  // for a killed process to be gone; one that is not costs the sandbox
constexpr std::size_t unclaimed_max = 64;
constexpr int exits_per_turn_max = 256;
constexpr int last_frames_reads_max = 64;

}  // namespace

Instance::Instance(io::Loop& loop, const Surroundings& surroundings, const FunctionSpec& spec, Initialization initialization, Owner owner)
    : loop_(loop),
      surroundings_(surroundings),
      spec_(spec),
      initialization_(initialization),
      born_(surroundings.clock.monotonic_now()),
      owner_(std::move(owner)),
      log_(surroundings.logs, spec_, make_log_stream(spec, surroundings.clock.wall_now(), surroundings.random), surroundings.clock) {}

Instance::~Instance() = default;

std::shared_ptr<Instance> Instance::make(io::Loop& loop, const Surroundings& surroundings, const FunctionSpec& spec,
                                         Initialization initialization, Owner owner) {
  std::shared_ptr<Instance> instance(new Instance(loop, surroundings, spec, initialization, std::move(owner)));
  loop.scope().spawn(live(instance));
  return instance;
}

// ---- coming up

Task<Result<void, InitFault>> Instance::init(std::chrono::milliseconds time) {
  busy_ = true;
  timed_out_ = out_of_memory_ = false;
  watch(time, limits::memory_check_interval);
  auto ready = co_await attempt(come_up(Phase::init));
  watch_.reset();
  if (ready) init_ms_ = milliseconds(surroundings_.clock.monotonic_now() - begun_);
  co_return ready;
}

Task<Result<void, InitFault>> Instance::come_up(Phase phase) {
  auto ready = co_await attempt(start_runtime(phase));
  const auto done = [&] {
    if (!ready && timed_out_) ready.error().error_type = "Sandbox.Timedout";
    const auto ending = ready ? Ending::success : timed_out_ ? Ending::timeout : Ending::error;
    return InitDone{to_text(initialization_), phase, ending, ready ? std::string_view() : ready.error().error_type,
                    milliseconds(surroundings_.clock.monotonic_now() - begun_)};
  };
  // Extensions may wait for this before they ask for their first event.
  log_.init_runtime_done(done());
  if (ready) ready = co_await attempt(wait_for_extensions());
  const auto all_done = done();
  log_.init_report(all_done);
  if (ready) co_return Result<void, InitFault>{};
  const auto took = all_done.duration_ms;
  InitFault fault{
      std::move(ready.error().error_type), std::move(ready.error().payload), timed_out_, took, max_memory_mb_, log_.log_stream()};
  if (spec_.log_format != "JSON") log_.platform_line(init_report_line(took, to_text(phase), fault.error_type, fault.took_too_long));
  co_return fail(std::move(fault));
}

Task<Result<void, Instance::Fault>> Instance::start_runtime(Phase phase) {
  begun_ = surroundings_.clock.monotonic_now();
  // An extension that failed while it rested had it killed, and its end may not have been reported yet.
  if (running()) co_await reset();
  if (broken_) co_return fail(Fault{"Sandbox.Failure", "the last process could not be ended"});
  killed_ = false;
  std::optional<RuntimeProcess> waiting;
  if (!sandbox_) {
    waiting = co_await open();
  } else {
    process_.reset();
    unclaimed_.clear();
    sandbox_->begin_anew();
    max_memory_mb_ = 0;
    co_await api_->start_over();
  }
  api_->extensions().on_fault([this] { kill(); });
  const auto version = runtime_version_of(spec_, plan_);
  log_.init_start({to_text(initialization_), phase, version, spec_.runtime_version_arn});
  // The time may be over already; nobody who is started from here on would be told.
  if (killed_) {
    co_await reset();
    co_return fail(fault_of_end());
  }
  environment_ = make_environment();
  if (!plan_.extensions.empty() && !co_await api_->extensions().launch(plan_.extensions, environment_)) {
    co_await reset();
    co_return fail(fault_of_end());
  }
  if (waiting) {
    co_await adopt(std::move(*waiting));
    const auto layers = spec_.layers_directory.empty() ? std::string() : sandbox_->layers_root();
    co_await process_->events->write(assign_frame(sandbox_->task_root(), layers, environment_));
  } else {
    co_await execute();
  }
  co_return co_await attempt(wait_until_ready());
}

// What may block, on another thread.
Result<Instance::Made, Instance::Fault> Instance::make_sandbox() const {
  const auto plan = plan_of(spec_, surroundings_.interpreters, surroundings_.scratch_directory);
  if (!plan) return fail(Fault{"Runtime.InvalidEntrypoint", plan.error().message});
  if (!plan->exec && surroundings_.reserve)
    if (auto waiting = surroundings_.reserve->take(spec_, plan->family, *plan->interpreter))
      if (waiting->sandbox->assign(assignment_of(spec_))) return Made{*plan, std::move(waiting->sandbox), std::move(waiting->process)};
  auto made = surroundings_.spawner.create(blueprint_of(plan->interpreter, surroundings_.scratch_directory));
  if (!made) return fail(Fault{"Sandbox.Failure", made.error().message});
  if (const auto assigned = (*made)->assign(assignment_of(spec_)); !assigned)
    return fail(Fault{"Sandbox.Failure", assigned.error().message});
  return Made{*plan, std::move(*made), std::nullopt};
}

Task<Result<std::optional<RuntimeProcess>, Instance::Fault>> Instance::open() {
  std::optional<Result<Made, Fault>> tried;
  co_await io::run_blocking(loop_, [this, &tried] { tried.emplace(make_sandbox()); });
  if (!*tried) co_return fail(std::move(tried->error()));
  auto made = std::move(**tried);
  plan_ = std::move(made.plan);
  const auto network = surroundings_.spawner.settings().network;
  auto api = EnvironmentApi::open({loop_, surroundings_.clock, surroundings_.random, spec_, log_, made.sandbox.get(), network,
                                   plan_.family == RuntimeFamily::provided});
  if (!api) co_return fail(Fault{"Sandbox.Failure", api.error().message});
  api_ = std::move(*api);
  sandbox_ = std::move(made.sandbox);
  auto events = io::Watch::readable(loop_, sandbox_->events(), [this] { on_events(); });
  if (!events) {
    broken_ = true;
    co_return fail(Fault{"Sandbox.Failure", events.error().message});
  }
  events_ = std::move(*events);
  if (network == sandbox::Network::isolated && surroundings_.serve_inside)
    if (auto listener = sandbox_->take_endpoint_listener()) {
      inside_ = surroundings_.serve_inside(loop_, std::move(listener));
      endpoint_url_ = cat("http://", sandbox::inside_address, ":", sandbox::endpoint_port);
    }
  co_return std::move(made.waiting);
}

std::vector<std::string> Instance::make_environment() {
  EnvironmentPlaces places;
  places.task_root = sandbox_->task_root();
  places.layers_root = layers_root_of(spec_, *sandbox_);
  places.runtime_api = api_->address();
  places.log_stream = log_.log_stream();
  places.endpoint_url = endpoint_url_;
  places.initialization = initialization_;
  return environment_of(spec_, places, surroundings_.random,
                        surroundings_.service_variables ? surroundings_.service_variables(spec_) : std::map<std::string, std::string>());
}

Task<Result<void, Instance::Fault>> Instance::execute() {
  std::optional<Result<RuntimeProcess>> started;
  co_await io::run_blocking(loop_, [this, &started] {
    started.emplace(start_process(*sandbox_, command_of(spec_, plan_, *sandbox_),
                                  environment_for_bootstrap(spec_, plan_, *sandbox_, environment_), sandbox_->task_root(),
                                  plan_.family != RuntimeFamily::provided));
  });
  if (*started) {
    co_await adopt(std::move(**started));
    co_return Result<void, Fault>{};
  }
  co_await reset();
  // On AWS a shell starts the wrapper, and ends as shells do that find no program (127) or cannot execute it (126).
  if (plan_.family != RuntimeFamily::provided && spec_.environment.contains("AWS_LAMBDA_EXEC_WRAPPER")) {
    const bool missing = started->error().message.ends_with(std::strerror(ENOENT));
    co_return fail(Fault{"Runtime.ExitError", exit_text({0, missing ? 127 : 126, 0})});
  }
  co_return fail(Fault{"Runtime.InvalidEntrypoint", started->error().message});
}

Result<void, Instance::Fault> Instance::adopt(RuntimeProcess process) {
  const auto refuse = [this](const std::string& why) {
    kill();  // it runs already
    return fail(Fault{"Sandbox.Failure", why});
  };
  auto output = io::adopt_stream(loop_, process.output.release());
  if (!output) return refuse(output.error().message);
  std::unique_ptr<io::Stream> events, frames;
  if (process.frames) {
    auto to = io::adopt_stream(loop_, process.events.release());
    if (!to) return refuse(to.error().message);
    auto from = io::adopt_stream(loop_, process.frames.release());
    if (!from) return refuse(from.error().message);
    events = std::move(*to);
    frames = std::move(*from);
  }
  process_ = std::make_unique<Process>();
  auto& mine = *process_;
  mine.pid = process.pid;
  mine.output =
      OutputReader::start(loop_, surroundings_.clock, std::move(*output), [this](std::string_view line) { log_.function_line(line); });
  mine.events = std::move(events);
  mine.frames = std::move(frames);
  if (mine.frames) mine.channel = make_frame_channel(loop_, *mine.frames, *mine.events);
  if (killed_) kill();  // it was not there yet when that was asked for
  const auto early = std::find_if(unclaimed_.begin(), unclaimed_.end(), [&](const auto& exit) { return exit.pid == mine.pid; });
  if (early != unclaimed_.end()) runtime_ended(*early);
  unclaimed_.clear();
  return {};
}

Task<Result<void, Instance::Fault>> Instance::wait_until_ready() {
  auto message = co_await channel().next();
  // What init took is the least that a first event can report, should the process not live to its end.
  refresh_memory();
  memory_read_ = {};
  if (const auto* ready = std::get_if<Ready>(&message)) {
    if (ready->uses_sdk && surroundings_.reserve) surroundings_.reserve->note_sdk_use(spec_);
    co_return Result<void, Fault>{};
  }
  if (auto* failed = std::get_if<FailedForGood>(&message)) {
    process_->output->drain();
    co_await reset();
    if (failed->payload.size() > limits::response_bytes_max) co_return fail(Fault{"Function.ResponseSizeTooLarge", response_too_large()});
    co_return fail(Fault{std::move(failed->error_type), std::move(failed->payload)});
  }
  co_await reset();
  co_return fail(fault_of_end());
}

Task<Result<void, Instance::Fault>> Instance::wait_for_extensions() {
  if (co_await api_->extensions().ready() && running()) {
    warm_ = true;
    co_return Result<void, Fault>{};
  }
  co_await reset();
  co_return fail(fault_of_end());
}

// ---- going down

void Instance::on_events() {
  // A program that forks without end must not keep the loop: what is left is read in the next turn.
  for (int left = exits_per_turn_max;; --left) {
    if (!left) return;
    const auto exit = sandbox_->next_exit();
    if (!exit) break;
    on_exit(*exit);
  }
  if (!sandbox_->gone()) return;
  broken_ = true;
  // Not from within the watch's own call.
  loop_.post([self = shared_from_this()] { self->events_.reset(); });
  if (running()) runtime_ended({process_->pid, 0, SIGKILL});
  if (!busy_) end();
}

void Instance::on_exit(const sandbox::Exit& exit) {
  note_peak(exit.peak_kib);
  if (api_->extensions().process_ended(exit)) return;
  if (process_ && exit.pid == process_->pid) return runtime_ended(exit);
  if (unclaimed_.size() < unclaimed_max) unclaimed_.push_back(exit);
}

void Instance::runtime_ended(const sandbox::Exit& exit) {
  if (!running()) return;
  process_->exit = exit;
  warm_ = false;
  if (process_->frames) io::drain(*process_->frames, last_frames_reads_max);
  channel().process_ended();
  process_->output->close();
  api_->extensions().runtime_ended();
  // What it left behind ends with it; extensions have a word to say first where an event or the end is under way.
  if (!((busy_ || ending_) && has_extensions()) && sandbox_ && !broken_) sandbox_->kill_all();
  process_->ended.deliver(true);
}

Instance::Fault Instance::fault_of_end() const {
  if (api_)
    if (const auto& fault = api_->extensions().fault()) return {fault->error_type, fault->text};
  const auto exit = process_ && process_->exit ? *process_->exit : sandbox::Exit{0, 0, SIGKILL};
  if (out_of_memory_ || (exit.signal == SIGKILL && !killed_ && sandbox_ && sandbox_->memory().limit_hit))
    return {"Runtime.OutOfMemory", exit_text({0, 0, SIGKILL})};
  return {"Runtime.ExitError", exit_text(exit)};
}

void Instance::kill() {
  killed_ = true;
  warm_ = false;
  wake();
  if (api_) api_->extensions().expect_exits();
  if (sandbox_ && !broken_) sandbox_->kill_all();
}

// Extensions are told before they are killed, too.
void Instance::kill_runtime() {
  if (!has_extensions() || !running() || broken_) return kill();
  killed_ = true;
  warm_ = false;
  sandbox_->signal(process_->pid, SIGKILL);
}

Task<void> Instance::reset() {
  kill();
  co_await runtime_gone();
}

Task<void> Instance::runtime_gone() {
  if (!running()) co_return;
  io::Deadline stuck(loop_, cleaning_time, [this] {
    broken_ = true;
    runtime_ended({process_->pid, 0, SIGKILL});
  });
  co_await process_->ended.wait_on(loop_);
}

void Instance::end(ShutdownReason reason) {
  ending_ = true;
  warm_ = false;
  end_.deliver(reason);
}

// Keeps it, and the loop's scope, until it has ended.
Task<void> Instance::live(std::shared_ptr<Instance> self) {
  const auto reason = co_await self->end_.wait_on(self->loop_);
  auto& me = *self;
  me.rest_.reset();
  me.watch_.reset();
  me.wake();
  if (me.has_extensions() && !me.broken_) co_await me.api_->extensions().shut_down(reason, me.running() ? me.process_->pid : 0);
  me.kill();
  me.events_.reset();
  if (me.running()) me.runtime_ended({me.process_->pid, 0, SIGKILL});
  if (me.api_) co_await me.api_->close();
  me.inside_.reset();
  me.api_.reset();
  me.process_.reset();
  me.sandbox_.reset();
  me.owner_.gone(&me);
}

// ---- resting

void Instance::wake() {
  if (!std::exchange(frozen_, false)) return;
  if (sandbox_ && !broken_) sandbox_->thaw();
  if (api_) api_->frozen(false);
}

void Instance::rest() {
  busy_ = false;
  rests_since_ = surroundings_.clock.monotonic_now();
  if (!rest_) on_rest();
}

// One timer, set again when it finds that the rest has been too short: an event between costs nothing.
void Instance::on_rest() {
  rest_.reset();
  if (busy_ || ending_ || spec_.debug) return;
  const auto rested = std::chrono::duration_cast<std::chrono::milliseconds>(surroundings_.clock.monotonic_now() - rests_since_);
  std::optional<std::chrono::milliseconds> next;
  if (surroundings_.freeze_after.count() && warm_ && !frozen_) {
    if (rested >= surroundings_.freeze_after) {
      frozen_ = true;
      api_->frozen(true);
      sandbox_->freeze();
    } else {
      next = surroundings_.freeze_after - rested;
    }
  }
  if (surroundings_.idle_time.count() && !provisioned()) {
    if (rested >= surroundings_.idle_time) return owner_.idle_too_long(this);
    next = std::min(next.value_or(surroundings_.idle_time), surroundings_.idle_time - rested);
  }
  if (next) rest_.emplace(loop_, *next + std::chrono::milliseconds(1), [this] { on_rest(); });
}

void Instance::refresh_memory() {
  if (!sandbox_ || broken_) return;
  memory_read_ = surroundings_.clock.monotonic_now();
  const auto memory = sandbox_->memory();
  note_peak(memory.peak_kib);
  resident_mb_ = (memory.now_kib + 1023) / 1024;
}

}  // namespace sallyport::runtime
