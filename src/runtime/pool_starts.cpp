// How a pool's environments come to be: for events that wait, ahead of them, and not too often when they fail.
#include <algorithm>

#include "base/text.hpp"
#include "runtime/pool.hpp"

namespace sallyport::runtime {
namespace {

constexpr std::chrono::milliseconds no_place_pause{1'000};

}  // namespace

// A place for one more start, if events wait that nobody starts an environment for yet.
Pool::Claim Pool::claim_place(io::Loop& loop, bool turn) {
  std::chrono::milliseconds pause{};
  {
    std::scoped_lock lock(mutex_);
    if (static_cast<std::size_t>(starting_) >= waiting_.size() || starting_ >= capacity_.starts_max()) return Claim::needless;
    if (spec_.debug && !living_.empty()) return Claim::needless;
    const auto now = surroundings_.clock.monotonic_now();
    if (now < not_before_) {
      if (std::exchange(sleeping_, true)) return Claim::later;
      pause = std::chrono::ceil<std::chrono::milliseconds>(not_before_ - now);
    } else if (capacity_.take(turn)) {
      ++starting_;
      return Claim::made;
    }
  }
  if (pause.count()) {
    loop.scope().spawn(start_later(shared_from_this(), loop, pause));
    return Claim::later;
  }
  capacity_.line_up(shared_from_this(), loop, surroundings_.clock.monotonic_now());
  return Claim::lined_up;
}

void Pool::try_to_start(io::Loop& loop) {
  if (claim_place(loop) == Claim::made) loop.scope().spawn(bring_up(shared_from_this(), loop));
}

void Pool::on_place(io::Loop& loop) {
  switch (claim_place(loop, true)) {
    case Claim::made: loop.scope().spawn(bring_up(shared_from_this(), loop)); break;
    case Claim::needless:
    case Claim::later: capacity_.call_next(); break;
    case Claim::lined_up: break;
  }
}

Task<void> Pool::start_later(std::shared_ptr<Pool> self, io::Loop& loop, std::chrono::milliseconds pause) {
  io::Completion<bool> woken;
  {
    std::scoped_lock lock(self->mutex_);
    self->sleeper_ = woken;
    if (self->retired_) woken.deliver(true);
  }
  {
    io::Deadline alarm(loop, pause, [woken]() mutable { woken.deliver(true); });
    co_await woken.wait_on(loop);
  }
  io::Loop* provisions_on = nullptr;
  {
    std::scoped_lock lock(self->mutex_);
    self->sleeping_ = false;
    if (self->retired_) self->not_before_ = {};
    provisions_on = self->provisions_on_;
  }
  self->try_to_start(loop);
  if (provisions_on) provisions_on->post([self, provisions_on] { self->keep_provisioned(*provisions_on); });
}

void Pool::note_init(bool good) {
  std::scoped_lock lock(mutex_);
  crashes_ = good ? 0 : crashes_ + 1;
  if (!spaced_out()) return;
  const auto pause = limits::crash_pause * (1 << std::min(crashes_ - limits::init_crashes_free, 10));
  not_before_ = surroundings_.clock.monotonic_now() + std::min(pause, limits::crash_pause_max);
}

Task<void> Pool::bring_up(std::shared_ptr<Pool> self, io::Loop& loop) {
  for (;;) {
    auto started = co_await self->start_one(loop);
    bool everybody = false;
    {
      std::scoped_lock lock(self->mutex_);
      --self->starting_;
      everybody = started.fault && self->spaced_out();
    }
    // What failed is tried again inside an event. Who cannot have that one, while starts are spaced out, gets to know why.
    const bool usable = started.instance->usable();
    if (usable)
      self->hand_over(std::move(started.instance));
    else
      started.instance->end();
    if (started.fault && (everybody || !usable)) self->hand_over(std::move(*started.fault));
    if (self->claim_place(loop) != Claim::made) co_return;
  }
}

std::shared_ptr<Instance> Pool::make_instance(io::Loop& loop, Initialization initialization) {
  auto instance = Instance::make(loop, surroundings_, spec_, initialization,
                                 {[self = shared_from_this()](Instance* gone) { self->forget(gone); },
                                  [pool = weak_from_this()](Instance* idle) {
                                    if (const auto self = pool.lock()) self->reap(idle);
                                  }});
  std::scoped_lock lock(mutex_);
  living_.push_back(instance);
  return instance;
}

// Init has ten seconds. What fails or overruns is left as it is: its first event does it once more, in its own time, as on AWS.
Task<Pool::Started> Pool::start_one(io::Loop& loop) {
  Started started{make_instance(loop, Initialization::on_demand), std::nullopt};
  auto ready = co_await attempt(started.instance->init(surroundings_.init_time));
  note_init(ready.has_value());
  if (!ready) started.fault = std::move(ready.error());
  co_return started;
}

void Pool::forget(Instance* instance) {
  std::shared_ptr<Instance> dead;  // dies outside the lock
  io::Loop* provisions_on = nullptr;
  {
    std::scoped_lock lock(mutex_);
    const auto idle = std::find_if(idle_.begin(), idle_.end(), [&](const auto& each) { return each.instance.get() == instance; });
    if (idle != idle_.end()) remove_idle(idle);
    const auto living = std::find_if(living_.begin(), living_.end(), [&](const auto& each) { return each.get() == instance; });
    if (living != living_.end()) {
      dead = std::move(*living);
      living_.erase(living);
    }
    if (retired_ && living_.empty())
      for (auto& waiter : draining_) waiter.deliver(true);
    provisions_on = provisions_on_;
  }
  capacity_.give_back(instance->provisioned());
  try_to_start(instance->loop());
  if (provisions_on) provisions_on->post([self = shared_from_this(), provisions_on] { self->keep_provisioned(*provisions_on); });
}

// ---- provisioned concurrency

void Pool::provision(io::Loop& loop, int count) {
  std::vector<std::shared_ptr<Instance>> surplus;
  {
    std::scoped_lock lock(mutex_);
    if (retired_) return;
    provisioned_.requested = count;
    provisioned_.failure.clear();
    provisions_on_ = &loop;
    if (!std::exchange(enrolled_, true)) capacity_.enroll(weak_from_this());
    auto all = std::count_if(living_.begin(), living_.end(), [](const auto& each) { return each->provisioned(); });
    for (auto each = idle_.begin(); each != idle_.end() && all > count;) {
      if (!each->instance->provisioned()) {
        ++each;
        continue;
      }
      const auto at = each - idle_.begin();
      surplus.push_back(each->instance);
      remove_idle(each);
      each = idle_.begin() + at;
      --all;
    }
  }
  for (const auto& instance : surplus) instance->end();
  loop.post([self = shared_from_this(), &loop] { self->keep_provisioned(loop); });
}

Provisioned Pool::provisioned() const {
  std::scoped_lock lock(mutex_);
  auto result = provisioned_;
  result.ready =
      static_cast<int>(std::count_if(living_.begin(), living_.end(), [](const auto& each) { return each->provisioned() && each->warm(); }));
  return result;
}

void Pool::keep_provisioned(io::Loop& loop) {
  for (;;) {
    std::chrono::milliseconds pause{};
    {
      std::scoped_lock lock(mutex_);
      const auto have = std::count_if(living_.begin(), living_.end(), [](const auto& each) { return each->provisioned(); });
      if (retired_ || provisions_on_ != &loop || have >= provisioned_.requested || starting_provisioned_ >= capacity_.starts_max()) return;
      const auto now = surroundings_.clock.monotonic_now();
      if (now < not_before_) {
        pause = std::chrono::ceil<std::chrono::milliseconds>(not_before_ - now);
      } else if (capacity_.take_to_keep()) {
        ++starting_provisioned_;
      } else {
        provisioned_.failure =
            cat("this server runs ", capacity_.instances_max(), " environments at the same time (--max-instances), and keeps ",
                capacity_.kept_max(), " of them at most for provisioned concurrency");
        pause = no_place_pause;
      }
      if (pause.count() && std::exchange(sleeping_, true)) return;
    }
    if (pause.count()) return loop.scope().spawn(start_later(shared_from_this(), loop, pause));
    loop.scope().spawn(bring_up_provisioned(shared_from_this(), loop));
  }
}

Task<void> Pool::bring_up_provisioned(std::shared_ptr<Pool> self, io::Loop& loop) {
  auto instance = self->make_instance(loop, Initialization::provisioned);
  const auto time = std::max(std::chrono::milliseconds(limits::provisioned_init_time), std::chrono::milliseconds(self->spec_.timeout));
  const auto ready = co_await attempt(instance->init(time));
  self->note_init(ready.has_value());
  {
    std::scoped_lock lock(self->mutex_);
    --self->starting_provisioned_;
    self->provisioned_.failure = ready ? std::string() : cat(ready.error().error_type, ": ", ready.error().payload);
  }
  if (ready)
    self->hand_over(std::move(instance));
  else
    instance->end();
  self->keep_provisioned(loop);
}

// After a crash or a timeout: nobody waits for it, so no event has to pay for its init.
Task<void> Pool::warm_up_again(std::shared_ptr<Pool> self, std::shared_ptr<Instance> instance) {
  const auto time = std::max(std::chrono::milliseconds(limits::provisioned_init_time), std::chrono::milliseconds(self->spec_.timeout));
  const auto ready = co_await attempt(instance->init(time));
  self->note_init(ready.has_value());
  if (ready)
    self->hand_over(std::move(instance));
  else
    instance->end();
}

void Pool::start_ahead(io::Loop& loop, int count) {
  loop.post([self = shared_from_this(), &loop, count] {
    for (;;) {
      {
        std::scoped_lock lock(self->mutex_);
        if (self->retired_ || self->living_.size() >= static_cast<std::size_t>(count) || !self->capacity_.take(false)) return;
        if (!std::exchange(self->enrolled_, true)) self->capacity_.enroll(self);
        ++self->starting_;  // an event that comes meanwhile waits for it and starts no other
      }
      loop.scope().spawn(bring_up(self, loop));
    }
  });
}

}  // namespace sallyport::runtime
