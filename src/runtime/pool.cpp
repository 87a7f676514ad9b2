#include "runtime/pool.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "json/write.hpp"

namespace sallyport::runtime {
bool Capacity::take(bool turn) {
  std::scoped_lock lock(mutex_);
  if (used_ >= instances_max_ || (!turn && !line_.empty())) return false;
  ++used_;
  return true;
}

void Capacity::give_back() {
  {
    std::scoped_lock lock(mutex_);
    --used_;
  }
  call_next();
}

void Capacity::enroll(std::weak_ptr<Pool> pool) {
  std::scoped_lock lock(mutex_);
  std::erase_if(pools_, [](const auto& known) { return known.expired(); });
  pools_.push_back(std::move(pool));
}

void Capacity::line_up(const std::shared_ptr<Pool>& pool, io::Loop& loop, MonotonicTime now) {
  std::vector<std::shared_ptr<Pool>> pools;
  {
    std::scoped_lock lock(mutex_);
    for (const auto& turn : line_)
      if (turn.pool.lock() == pool) return;
    // A place may have come free since it was asked for; then nobody would call.
    const bool free = line_.empty() && used_ < instances_max_;
    line_.push_back({pool, &loop, now});
    if (!free)
      for (const auto& known : pools_)
        if (auto other = known.lock()) pools.push_back(std::move(other));
  }
  if (pools.empty()) return call_next();
  const auto richest =
      std::max_element(pools.begin(), pools.end(), [](const auto& a, const auto& b) { return a->idle_count() < b->idle_count(); });
  (*richest)->give_up_idle();
}

bool Capacity::others_wait(const Pool* pool) {
  std::scoped_lock lock(mutex_);
  std::erase_if(line_, [&](const Turn& turn) { return turn.pool.lock().get() == pool; });
  return !line_.empty();
}

bool Capacity::others_starve(const Pool* pool, MonotonicTime now) {
  std::scoped_lock lock(mutex_);
  return std::any_of(line_.begin(), line_.end(),
                     [&](const Turn& turn) { return now - turn.since >= limits::starving_time && turn.pool.lock().get() != pool; });
}

void Capacity::call_next() {
  for (;;) {
    Turn turn;
    {
      std::scoped_lock lock(mutex_);
      if (line_.empty()) return;
      turn = std::move(line_.front());
      line_.pop_front();
    }
    auto pool = turn.pool.lock();
    if (!pool) continue;
    turn.loop->post([pool = std::move(pool), loop = turn.loop] { pool->on_place(*loop); });
    return;
  }
}

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
  const auto log = [&](const std::string& text) {
    surroundings_.logs.write({LogLine::Source::platform, spec_.function_name, id, text, spec_.function_arn});
  };
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
  surroundings_.logs.write({LogLine::Source::platform, spec_.function_name, {}, text, spec_.function_arn});
}

// A place for one more start, if events wait that nobody starts an environment for yet.
Pool::Claim Pool::claim_place(io::Loop& loop, bool turn) {
  {
    std::scoped_lock lock(mutex_);
    if (static_cast<std::size_t>(starting_) >= waiting_.size() || starting_ >= capacity_.starts_max()) return Claim::needless;
    if (capacity_.take(turn)) {
      ++starting_;
      return Claim::made;
    }
  }
  capacity_.line_up(shared_from_this(), loop, surroundings_.clock.monotonic_now());
  return Claim::lined_up;
}

void Pool::on_place(io::Loop& loop) {
  switch (claim_place(loop, true)) {
    case Claim::made: loop.scope().spawn(bring_up(shared_from_this(), loop)); break;
    case Claim::needless: capacity_.call_next(); break;
    case Claim::lined_up: break;
  }
}

Task<Pool::Grant> Pool::acquire(io::Loop& loop) {
  io::Completion<Grant> grant;
  {
    std::scoped_lock lock(mutex_);
    while (!idle_.empty()) {
      auto instance = std::move(idle_.back());
      idle_.pop_back();
      if (!instance->outlived(surroundings_.clock.monotonic_now())) co_return instance;
      auto& its_loop = instance->loop();
      its_loop.post([instance = std::move(instance)] { instance->kill(); });
    }
    if (waiting_.size() >= limits::waiting_events_max) co_return Grant{};
    waiting_.push_back({grant, &loop});
    if (!std::exchange(enrolled_, true)) capacity_.enroll(weak_from_this());
  }
  if (claim_place(loop) == Claim::made) loop.scope().spawn(bring_up(shared_from_this(), loop));
  io::Deadline patience(loop, patience_, [grant]() mutable { grant.deliver(Grant{}); });
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
    if (self->claim_place(loop) != Claim::made) co_return;
  }
}

// Init has ten seconds; what overruns is started once more under the function's own timeout, as AWS does inside the first invocation.
Task<Pool::Grant> Pool::start_one(io::Loop& loop) {
  for (const bool second : {false, true}) {
    // The overrunning process gave its place back when it ended.
    if (second && !capacity_.take(true)) break;
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
      auto* instance = std::get_if<std::shared_ptr<Instance>>(&grant);
      if (waiting_.empty()) {
        if (!instance) return;
        if (!retired_ && !capacity_.others_wait(this)) {
          idle_.push_back(std::move(*instance));
          return;
        }
      } else if (!instance || !capacity_.others_starve(this, surroundings_.clock.monotonic_now())) {
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
  if (!instance->alive()) return;
  if (instance->outlived(surroundings_.clock.monotonic_now()))
    instance->kill();
  else
    hand_over(std::move(instance));
}

void Pool::forget(Instance* instance) {
  std::shared_ptr<Instance> dead;  // dies outside the lock
  {
    std::scoped_lock lock(mutex_);
    const auto found = std::find_if(idle_.begin(), idle_.end(), [&](const auto& idle) { return idle.get() == instance; });
    if (found != idle_.end()) {
      dead = std::move(*found);
      idle_.erase(found);
    }
  }
  capacity_.give_back();
  if (claim_place(instance->loop()) == Claim::made) instance->loop().scope().spawn(bring_up(shared_from_this(), instance->loop()));
}

std::size_t Pool::idle_count() {
  std::scoped_lock lock(mutex_);
  return idle_.size();
}

bool Pool::give_up_idle() {
  std::shared_ptr<Instance> instance;
  {
    std::scoped_lock lock(mutex_);
    if (idle_.empty()) return false;
    instance = std::move(idle_.front());
    idle_.erase(idle_.begin());
  }
  auto& loop = instance->loop();
  loop.post([instance = std::move(instance)] { instance->kill(); });
  return true;
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
