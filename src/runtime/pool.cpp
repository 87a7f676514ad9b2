#include "runtime/pool.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "json/write.hpp"

namespace sallyport::runtime {
namespace {

constexpr std::chrono::seconds wait_time_max{29};

}  // namespace

Pool::~Pool() = default;

Task<Outcome> Pool::invoke(io::Loop& loop, Invocation invocation) {
  for (;;) {
    auto grant = co_await acquire(loop);
    if (auto* fault = std::get_if<InitFault>(&grant)) co_return fault_outcome(*fault, invocation);
    auto* granted = std::get_if<std::shared_ptr<Instance>>(&grant);
    if (!granted) co_return Outcome{true, "TooManyRequestsException", {}, true};
    auto instance = std::move(*granted);
    co_await instance->loop().switch_to();
    // It may have died between being granted and now; nothing has seen the event yet, so another one can take it.
    if (!instance->alive()) {
      instance.reset();
      co_await loop.switch_to();
      continue;
    }
    auto outcome = co_await instance->invoke(invocation);
    release(std::move(instance));
    co_await loop.switch_to();
    co_return outcome;
  }
}

Outcome Pool::fault_outcome(const InitFault& fault, const Invocation& invocation) const {
  Outcome outcome{true, fault.error_type, fault.payload};
  const auto& id = invocation.request_id.text();
  const auto error_object = [&](std::string_view message) {
    std::string out;
    json::Writer(out)
        .begin_object()
        .key("errorType")
        .string(fault.error_type)
        .key("errorMessage")
        .string(cat("RequestId: ", id, " Error: ", message))
        .end_object();
    return out;
  };
  const auto log = [&](const std::string& text) { surroundings_.logs.write({LogLine::Source::platform, spec_.function_name, id, text}); };
  log(cat("START RequestId: ", id, " Version: ", spec_.version));
  if (fault.took_too_long) {
    std::string text = "Task timed out after ";
    append_fixed2(text, static_cast<double>(spec_.timeout.count()));
    text += " seconds";
    outcome.payload = error_object(text);
    log(cat(iso8601_millis(surroundings_.clock.wall_now()), " ", id, " ", text));
  } else if (!outcome.payload.starts_with('{')) {
    outcome.payload = error_object(fault.payload);
    log(cat("RequestId: ", id, " Error: ", fault.payload, "\r", fault.error_type));
  }
  log(cat("END RequestId: ", id));
  log(report_line(spec_, id, fault.duration_ms, fault.max_memory_mb, std::nullopt, fault.error_type));
  return outcome;
}

// What an init that came to nothing leaves in the log, before the event that waited for it gets its own lines.
void Pool::log_init_report(const InitFault& fault, std::string_view phase) const {
  std::string text = "INIT_REPORT Init Duration: ";
  append_fixed2(text, fault.duration_ms);
  text += " ms";
  text += cat("\tPhase: ", phase, "\tStatus: ");
  text += fault.took_too_long ? std::string("timeout") : cat("error\tError Type: ", fault.error_type);
  surroundings_.logs.write({LogLine::Source::platform, spec_.function_name, {}, text});
}

bool Pool::wants_start_locked() {
  return static_cast<std::size_t>(starting_) < waiting_.size() && starting_ < capacity_.starts_max() && capacity_.take();
}

Task<Pool::Grant> Pool::acquire(io::Loop& loop) {
  io::Completion<Grant> grant;
  bool start = false;
  {
    std::scoped_lock lock(mutex_);
    if (!idle_.empty()) {
      auto instance = std::move(idle_.back());
      idle_.pop_back();
      co_return instance;
    }
    waiting_.push_back({grant, &loop});
    start = wants_start_locked();
    if (start) ++starting_;
  }
  if (start) loop.scope().spawn(bring_up(shared_from_this(), loop));
  io::Deadline patience(loop, wait_time_max, [grant]() mutable { grant.deliver(Grant{}); });
  co_return co_await grant.wait_on(loop);
}

Task<void> Pool::bring_up(std::shared_ptr<Pool> self, io::Loop& loop) {
  for (;;) {
    auto grant = co_await self->start_one(loop);
    {
      std::scoped_lock lock(self->mutex_);
      --self->starting_;
    }
    self->hand_over(std::move(grant));
    std::scoped_lock lock(self->mutex_);
    if (!self->wants_start_locked()) co_return;
    ++self->starting_;
  }
}

// Init has ten seconds; what overruns is started once more under the function's own timeout, as AWS does inside the first invocation.
Task<Pool::Grant> Pool::start_one(io::Loop& loop) {
  for (const bool second : {false, true}) {
    // The overrunning process gave its place back when it ended.
    if (second && !capacity_.take()) break;
    auto instance = Instance::start(loop, surroundings_, spec_, [self = shared_from_this()](Instance* gone) { self->forget(gone); });
    if (!instance) {
      capacity_.give_back();
      co_return InitFault{"Runtime.InvalidEntrypoint", instance.error().message};
    }
    const auto time = second ? std::chrono::milliseconds(spec_.timeout) : std::chrono::milliseconds(limits::init_time);
    auto ready = co_await attempt((*instance)->init(time));
    if (ready) co_return std::move(*instance);
    log_init_report(ready.error(), second ? "invoke" : "init");
    if (!ready.error().took_too_long || second) co_return std::move(ready.error());
  }
  co_return InitFault{"Sandbox.Timedout", {}, true};
}

void Pool::hand_over(Grant grant) {
  for (;;) {
    std::optional<Waiter> waiter;
    {
      std::scoped_lock lock(mutex_);
      if (waiting_.empty()) {
        auto* instance = std::get_if<std::shared_ptr<Instance>>(&grant);
        if (!instance) return;
        if (!retired_) {
          idle_.push_back(std::move(*instance));
          return;
        }
      } else {
        waiter = std::move(waiting_.front());
        waiting_.pop_front();
      }
    }
    if (!waiter) {
      std::get<std::shared_ptr<Instance>>(grant)->kill();
      return;
    }
    // A waiter whose patience ran out has its answer already; the grant goes to the next one.
    if (waiter->grant.deliver(grant)) return;
  }
}

void Pool::release(std::shared_ptr<Instance> instance) {
  if (instance->alive()) hand_over(std::move(instance));
}

void Pool::forget(Instance* instance) {
  capacity_.give_back();
  std::shared_ptr<Instance> dead;  // dies outside the lock
  bool start = false;
  {
    std::scoped_lock lock(mutex_);
    const auto found = std::find_if(idle_.begin(), idle_.end(), [&](const auto& idle) { return idle.get() == instance; });
    if (found != idle_.end()) {
      dead = std::move(*found);
      idle_.erase(found);
    }
    start = !waiting_.empty() && wants_start_locked();
    if (start) ++starting_;
  }
  if (start) instance->loop().scope().spawn(bring_up(shared_from_this(), instance->loop()));
}

void Pool::retire() {
  std::vector<std::shared_ptr<Instance>> idle;
  {
    std::scoped_lock lock(mutex_);
    retired_ = true;
    idle.swap(idle_);
  }
  for (auto& instance : idle) {
    auto& loop = instance->loop();
    loop.post([instance = std::move(instance)] { instance->kill(); });
  }
}

}  // namespace sallyport::runtime
