// One event in an environment: what is sent, what comes back, what is written about it, and what happens when it takes too much.
#include <cmath>

#include "base/text.hpp"
#include "base/thread_time.hpp"
#include "base/time_text.hpp"
#include "runtime/instance.hpp"
#include "runtime/response_stream.hpp"

namespace sallyport::runtime {
namespace {

// A debugger's user takes the time it takes.
constexpr std::chrono::hours debugging_time{12};
// Looking at the memory costs a few file operations: after events this long, and once in a while.
constexpr std::chrono::milliseconds long_event{20};
constexpr std::chrono::seconds memory_reading_age_max{1};
// A function can make a look slow (many processes, many mappings): it costs the loop a twentieth of its time at most, and a worker thread
// as much. Of processor time: on a machine that is busy a look that had to wait would put off the next for seconds.
constexpr int memory_check_cost_factor = 20;
// Of an event; each of the looks that follow is twice as far from the last, up to `limits::memory_check_interval`. Processes that a
// function starts and waits for may live for a moment only.
constexpr std::chrono::milliseconds first_memory_check{20};

}  // namespace

Task<Outcome> Instance::invoke(const Invocation& invocation) {
  busy_ = true;
  settling_ = timed_out_ = out_of_memory_ = false;
  init_in_event_.reset();
  wake();
  const std::chrono::milliseconds timeout = spec_.debug ? debugging_time : std::chrono::milliseconds(spec_.timeout);
  log_.start(invocation);
  auto& event = event_.emplace(
      Event{invocation.request_id.text(), surroundings_.clock.monotonic_now(), surroundings_.clock.wall_now() + timeout, {}});
  watch(timeout, first_memory_check);
  std::optional<Outcome> outcome;
  if (!warm_) {
    // Its init failed or overran, or the one before it did not survive: init again, in this event's time. No cold start is reported for it.
    const auto ready = co_await attempt(come_up(Phase::invoke));
    init_in_event_ = ready.has_value();
    if (!ready) outcome = outcome_of(ready.error(), invocation);
  }
  if (!outcome) outcome = co_await run_event(invocation);
  event.outcome = {outcome->failed, outcome->error_type, {}};
  const auto streamed = invocation.stream ? invocation.stream->size() : 0;
  event.produced_bytes = streamed ? streamed : outcome->payload.size();
  // A runtime over HTTP is done when it asks for its next event; what it does before that is a part of this one.
  const bool done = !running() || process_->channel;
  settling_ = !broken_ && (has_extensions() || !done);
  if (!settling_)
    report_event();
  else if (done)
    runtime_done(surroundings_.clock.monotonic_now());
  co_return std::move(*outcome);
}

Task<Outcome> Instance::run_event(const Invocation& invocation) {
  if (has_extensions()) api_->extensions().announce(invocation, event_->deadline);
  co_await channel().send(invocation, event_->deadline);
  auto message = co_await channel().next();
  std::optional<Outcome> outcome;
  if (auto* answered = std::get_if<Answered>(&message)) outcome = Outcome{false, {}, std::move(answered->payload)};
  // Of one that was killed it may say that its answer was cut off.
  if (auto* failed = std::get_if<Failed>(&message); failed && !killed_)
    outcome = Outcome{true, std::move(failed->error_type), std::move(failed->payload)};
  if (auto* failed = std::get_if<FailedForGood>(&message)) {
    outcome = Outcome{true, std::move(failed->error_type), std::move(failed->payload)};
    warm_ = false;
    // Its last lines belong to this event; the function's time still bounds how long it takes over them.
    if (running()) co_await process_->ended.wait_on(loop_);
    if (!has_extensions()) co_await reset();
  }
  if (!outcome) co_return co_await ended_during(invocation);
  if (outcome->payload.size() > limits::response_bytes_max) co_return Outcome{true, "Function.ResponseSizeTooLarge", response_too_large()};
  co_return std::move(*outcome);
}

// The process broke off in the middle of an event: it exited, crashed, spoke nonsense, or was killed by us for a reason.
Task<Outcome> Instance::ended_during(const Invocation& invocation) {
  const bool ended_itself = !killed_;
  // Extensions live until `settle` has told them.
  if (running() || !has_extensions()) kill_runtime();
  co_await runtime_gone();
  if (ended_itself) killed_ = false;
  const auto prefix = cat("RequestId: ", invocation.request_id.text(), " Error: ");
  if (timed_out_) {
    const auto text = timed_out_text(spec_);
    log_.platform_line(cat(iso8601_millis(surroundings_.clock.wall_now()), " ", invocation.request_id.text(), " ", text));
    co_return Outcome{true, "Sandbox.Timedout", error_object("Sandbox.Timedout", prefix + text)};
  }
  const auto fault = fault_of_end();
  log_.platform_line(cat(prefix, fault.payload, "\n", fault.error_type));
  co_return Outcome{true, fault.error_type, error_object(fault.error_type, prefix + fault.payload)};
}

Outcome Instance::outcome_of(const InitFault& fault, const Invocation& invocation) {
  if (fault.payload.starts_with('{') && !fault.took_too_long) return {true, fault.error_type, fault.payload};
  const auto& id = invocation.request_id.text();
  const auto text = fault.took_too_long ? timed_out_text(spec_) : fault.payload;
  log_.platform_line(fault.took_too_long ? cat(iso8601_millis(surroundings_.clock.wall_now()), " ", id, " ", text)
                                         : cat("RequestId: ", id, " Error: ", text, "\n", fault.error_type));
  return {true, fault.error_type, error_object(fault.error_type, cat("RequestId: ", id, " Error: ", text))};
}

Task<void> Instance::settle() {
  if (warm_ && !co_await api_->runtime_settled()) warm_ = false;
  if (warm_) {
    // Extensions may wait for this before they ask for the next event.
    if (!event_->runtime_done) runtime_done(surroundings_.clock.monotonic_now());
    if (!co_await api_->settled()) warm_ = false;
  }
  if (warm_ || broken_) {
    report_event();
  } else {
    watch_.reset();
    if (killed_) co_await runtime_gone();
    note_end();
    report_event();  // for those as well who hear of SHUTDOWN now
    if (!broken_)
      co_await api_->extensions().shut_down(timed_out_ ? ShutdownReason::timeout : ShutdownReason::failure, running() ? process_->pid : 0);
    co_await reset();
  }
  settling_ = false;
}

// The caller has the answer: what became of the environment afterwards is for the log and for telemetry.
void Instance::note_end() {
  auto& event = *event_;
  if (timed_out_) {
    if (event.outcome.error_type == "Sandbox.Timedout") return;
    log_.platform_line(cat(iso8601_millis(surroundings_.clock.wall_now()), " ", event.id, " ", timed_out_text(spec_)));
    event.outcome = {true, "Sandbox.Timedout", {}};
  } else if (!event.outcome.failed) {
    const auto fault = fault_of_end();
    log_.platform_line(cat("RequestId: ", event.id, " Error: ", fault.payload, "\n", fault.error_type));
    event.outcome = {true, fault.error_type, {}};
  }
}

Ending Instance::ending() const {
  const auto& outcome = event_->outcome;
  if (outcome.error_type == "Sandbox.Timedout") return Ending::timeout;
  if (outcome.error_type.starts_with("Extension.") || outcome.error_type.starts_with("Sandbox.Failure")) return Ending::error;
  return outcome.failed ? Ending::failure : Ending::success;
}

// Killing after the function's time is not the function's.
double Instance::duration_ms(MonotonicTime now) const {
  const auto duration = milliseconds(now - event_->begun);
  return timed_out_ ? std::min(duration, milliseconds(spec_.timeout)) : duration;
}

void Instance::runtime_done(MonotonicTime now) {
  event_->runtime_done = true;
  if (process_) process_->output->drain();
  log_.runtime_done({event_->id, ending(), event_->outcome.error_type, duration_ms(now), event_->produced_bytes});
}

void Instance::report_event() {
  watch_.reset();
  const auto now = surroundings_.clock.monotonic_now();
  if (!event_->runtime_done)
    runtime_done(now);
  else if (process_)
    process_->output->drain();
  const auto& event = *event_;
  const auto& outcome = event.outcome;
  const auto duration = duration_ms(now);
  if (warm_ && (now - event.begun > long_event || now - memory_read_ > memory_reading_age_max)) refresh_memory();
  const bool fatal = outcome.failed && !warm_;
  const auto init_ms = std::exchange(init_ms_, std::nullopt);
  EventReport report{
      event.id,       ending(), fatal ? outcome.error_type : std::string_view(), duration, static_cast<long>(std::ceil(duration)),
      max_memory_mb_, init_ms};
  log_.report(report, report_line(spec_, event.id, duration, max_memory_mb_, init_ms, report.error_type));
  event_.reset();
}

// One timer for both: the end of the time, and where nobody else keeps the limit a look at the memory on the way there.
void Instance::watch(std::chrono::milliseconds left, std::chrono::milliseconds look) {
  if (spec_.debug) return;
  const auto step = std::min(left, std::max(look, memory_check_pause_));
  watch_.emplace(loop_, step, [this, left = left - step, look] {
    if (left.count() <= 0) {
      timed_out_ = true;
      kill_runtime();
      return;
    }
    if (!look_at_memory()) return;
    watch(left, std::min(2 * look, limits::memory_check_interval));
  });
}

// False when that was the end.
bool Instance::look_at_memory() {
  if (!sandbox_ || broken_) return true;
  const auto began = thread_processor_time();
  const auto memory = sandbox_->memory();
  memory_check_pause_ = std::chrono::ceil<std::chrono::milliseconds>(memory_check_cost_factor * (thread_processor_time() - began));
  note_peak(memory.peak_kib);
  if (memory.enforced || memory.now_kib <= 1024L * spec_.memory_mb) return true;
  if (memory.shares_counted_often) {
    if (!looking_closer_ && surroundings_.clock.monotonic_now() >= closer_look_from_) loop_.scope().spawn(look_closer(shared_from_this()));
    return true;
  }
  out_of_memory_ = true;
  kill_runtime();
  return false;
}

// Counting pages that are shared may take long, so another thread does it.
Task<void> Instance::look_closer(std::shared_ptr<Instance> self) {
  auto& me = *self;
  me.looking_closer_ = true;
  const auto sandbox = me.sandbox_;
  const int pid = me.process_ ? me.process_->pid : 0;
  long now_kib = 0;
  std::chrono::nanoseconds took{};
  co_await io::run_blocking(me.loop_, [&] {
    const auto began = thread_processor_time();
    now_kib = sandbox->shared_memory_kib();
    took = thread_processor_time() - began;
  });
  me.looking_closer_ = false;
  me.closer_look_from_ = me.surroundings_.clock.monotonic_now() + memory_check_cost_factor * took;
  // The event it was looked at for may have ended.
  const bool same = me.watch_ && (me.process_ ? me.process_->pid : 0) == pid;
  if (!same || me.killed_ || now_kib <= 1024L * me.spec_.memory_mb) co_return;
  me.watch_.reset();
  me.out_of_memory_ = true;
  me.kill_runtime();
}

}  // namespace sallyport::runtime
