// Events: who gets which environment, and what becomes of it afterwards. How environments are started is in pool_starts.cpp.
#include "runtime/pool.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "runtime/response_stream.hpp"

namespace sallyport::runtime {
namespace {

constexpr std::chrono::hours debugging_patience{12};

// In the network of that process. A line is `sl local_address rem_address st ...`, addresses in hex, 0A is LISTEN.
bool somebody_listens(int pid, int port) {
  char wanted[8];
  std::snprintf(wanted, sizeof wanted, ":%04X", static_cast<unsigned>(port));
  for (const auto family : {"tcp", "tcp6"}) {
    std::ifstream table(cat("/proc/", pid, "/net/", std::string_view(family)));
    std::string line, number, local, remote, state;
    while (std::getline(table, line)) {
      std::istringstream words(line);
      if (words >> number >> local >> remote >> state && state == "0A" && local.ends_with(wanted)) return true;
    }
  }
  return false;
}

}  // namespace

Pool::~Pool() = default;

Task<Outcome> Pool::invoke(io::Loop& loop, Invocation invocation) {
  Outcome outcome;
  for (;;) {
    auto grant = co_await acquire(loop);
    if (auto* fault = std::get_if<InitFault>(&grant)) {
      outcome = fault_outcome(*fault, invocation);
      break;
    }
    auto* granted = std::get_if<std::shared_ptr<Instance>>(&grant);
    if (!granted) {
      outcome = Outcome{true, "TooManyRequestsException", {}, true};
      break;
    }
    auto instance = std::move(*granted);
    co_await instance->loop().switch_to();
    // It may have broken between being granted and now; nothing has seen the event yet, so another one can take it.
    if (!instance->usable()) {
      instance->end();
      instance.reset();
      co_await loop.switch_to();
      continue;
    }
    outcome = co_await instance->invoke(invocation);
    if (instance->settling()) {
      auto& its_loop = instance->loop();
      io::Completion<bool> settled;
      {
        std::scoped_lock lock(mutex_);
        ++settling_;
      }
      its_loop.scope().spawn(settle(shared_from_this(), std::move(instance), settled));
      if (invocation.wants_report) {
        io::Deadline enough(its_loop, limits::report_wait, [settled]() mutable { settled.deliver(false); });
        co_await settled.wait_on(its_loop);
      }
    } else {
      release(std::move(instance));
    }
    co_await loop.switch_to();
    break;
  }
  if (invocation.stream)
    invocation.stream->end({outcome.failed ? outcome.error_type : std::string(), outcome.failed ? outcome.payload : std::string()});
  co_return outcome;
}

Task<void> Pool::settle(std::shared_ptr<Pool> self, std::shared_ptr<Instance> instance, io::Completion<bool> settled) {
  co_await instance->settle();
  {
    std::scoped_lock lock(self->mutex_);
    --self->settling_;
  }
  self->release(std::move(instance));
  settled.deliver(true);
}

Outcome Pool::fault_outcome(const InitFault& fault, const Invocation& invocation) const {
  EnvironmentLog log(surroundings_.logs, spec_, fault.log_stream, surroundings_.clock);
  const auto& id = invocation.request_id.text();
  const auto prefix = cat("RequestId: ", id, " Error: ");
  Outcome outcome{true, fault.error_type, fault.payload};
  log.start(invocation);
  if (fault.took_too_long) {
    const auto text = timed_out_text(spec_);
    outcome.payload = error_object(fault.error_type, prefix + text);
    log.platform_line(cat(iso8601_millis(surroundings_.clock.wall_now()), " ", id, " ", text));
  } else if (!outcome.payload.starts_with('{')) {
    outcome.payload = error_object(fault.error_type, prefix + fault.payload);
    log.platform_line(cat(prefix, fault.payload, "\n", fault.error_type));
  }
  const auto ending = fault.took_too_long ? Ending::timeout : Ending::error;
  EventReport report{id, ending, fault.error_type, fault.duration_ms, static_cast<long>(fault.duration_ms + 1), fault.max_memory_mb, {}};
  log.report(report, report_line(spec_, id, fault.duration_ms, fault.max_memory_mb, std::nullopt, fault.error_type));
  return outcome;
}

// Under the lock. Provisioned ones first, then those of the caller's own loop, which cost no way there and back, then the newest; one that
// would have to start its runtime again only when there is no other.
std::shared_ptr<Instance> Pool::take_idle(const io::Loop& loop) {
  const auto now = surroundings_.clock.monotonic_now();
  const int top = provisioned_.requested ? 7 : 5;
  while (!idle_.empty()) {
    auto best = idle_.end();
    int best_rank = -1;
    for (auto each = idle_.end(); each != idle_.begin() && best_rank < top;) {
      --each;
      const auto& instance = *each->instance;
      const int rank = (instance.warm() ? 4 : 0) + (instance.provisioned() ? 2 : 0) + (&instance.loop() == &loop ? 1 : 0);
      if (rank <= best_rank) continue;
      best_rank = rank;
      best = each;
    }
    auto instance = best->instance;
    remove_idle(best);
    if (!instance->outlived(now)) return instance;
    instance->end();
  }
  return nullptr;
}

// Under the lock.
void Pool::remove_idle(std::vector<Idle>::iterator where) {
  capacity_.count_memory(-where->memory_mb);
  idle_.erase(where);
}

bool Pool::is_full(std::size_t more, bool settling_too) {
  if (capacity_.when_full() != Capacity::WhenFull::throttle) return false;
  std::size_t lacking = 0;
  {
    std::scoped_lock lock(mutex_);
    const auto coming = static_cast<std::size_t>(starting_) + (settling_too ? settling_ : 0);
    if (idle_.empty() && waiting_.size() + more > coming) lacking = waiting_.size() + more - coming;
  }
  return lacking && !capacity_.has_room(this, lacking);
}

Task<Pool::Grant> Pool::acquire(io::Loop& loop) {
  if (is_full(1, true)) co_return Grant{};
  io::Completion<Grant> grant;
  std::uint64_t id = 0;
  bool soon_free = false;
  {
    std::scoped_lock lock(mutex_);
    if (auto instance = take_idle(loop)) co_return instance;
    if (waiting_.size() >= limits::waiting_events_max) co_return Grant{};
    id = ++waiters_;
    waiting_.push_back({id, grant, &loop});
    soon_free = waiting_.size() <= settling_;
    if (!std::exchange(enrolled_, true)) capacity_.enroll(weak_from_this());
  }
  std::optional<io::Deadline> not_so_soon;
  if (!soon_free)
    try_to_start(loop);
  else
    not_so_soon.emplace(loop, limits::settling_grace, [this, &loop, grant]() mutable {
      if (is_full(0, false))
        grant.deliver(Grant{});
      else
        try_to_start(loop);
    });
  const auto patience = spec_.debug ? std::chrono::milliseconds(debugging_patience) : patience_;
  io::Deadline impatient(loop, patience, [grant]() mutable { grant.deliver(Grant{}); });
  auto granted = co_await grant.wait_on(loop);
  if (std::holds_alternative<std::monostate>(granted)) stop_waiting(id);
  co_return granted;
}

// Its patience is over: no environment is to be started for it, and it takes no room from others.
void Pool::stop_waiting(std::uint64_t waiter) {
  std::scoped_lock lock(mutex_);
  std::erase_if(waiting_, [&](const Waiter& each) { return each.id == waiter; });
  if (waiting_.empty()) capacity_.leave_line(this);
}

// Under the lock.
bool Pool::may_stay(const Instance& instance) {
  if (retired_) return false;
  if (!instance.provisioned()) return !capacity_.others_wait(this);
  return std::count_if(living_.begin(), living_.end(), [](const auto& each) { return each->provisioned(); }) <= provisioned_.requested;
}

// On the loop of the instance, if it is one.
void Pool::hand_over(Grant grant) {
  for (;;) {
    std::optional<Waiter> waiter;
    std::shared_ptr<Instance> resting;
    long memory_mb = 0;
    bool to_all = false;
    {
      std::scoped_lock lock(mutex_);
      auto* instance = std::get_if<std::shared_ptr<Instance>>(&grant);
      // While starts are spaced out, everybody who waits gets to know why.
      to_all = !instance && spaced_out();
      const auto now = surroundings_.clock.monotonic_now();
      if (waiting_.empty()) {
        if (!instance) return;
        // One whose init fails again and again is kept for nobody.
        if (may_stay(**instance) && ((*instance)->warm() || !spaced_out())) {
          resting = *instance;
          memory_mb = resting->resident_mb();
          idle_.push_back({resting, now, memory_mb});
        }
      } else if (!instance || (*instance)->provisioned() || !capacity_.others_starve(this, now)) {
        waiter = std::move(waiting_.front());
        waiting_.pop_front();
      }
    }
    if (resting) {
      resting->rest();
      capacity_.count_memory(memory_mb);
      return;
    }
    if (!waiter) return std::get<std::shared_ptr<Instance>>(grant)->end();
    // A waiter whose patience ran out has its answer already; the grant goes to the next one.
    if (waiter->grant.deliver(grant) && !to_all) return;
  }
}

void Pool::release(std::shared_ptr<Instance> instance) {
  bool hopeless = false;
  if (const auto good = instance->init_in_event()) {
    note_init(*good);
    std::scoped_lock lock(mutex_);
    hopeless = !*good && spaced_out();
  }
  if (hopeless || !instance->usable() || instance->outlived(surroundings_.clock.monotonic_now())) return instance->end();
  if (instance->provisioned() && !instance->warm()) {
    auto& loop = instance->loop();
    loop.scope().spawn(warm_up_again(shared_from_this(), std::move(instance)));
    return;
  }
  hand_over(std::move(instance));
}

void Pool::reap(Instance* instance) {
  std::shared_ptr<Instance> tired;
  {
    std::scoped_lock lock(mutex_);
    const auto found = std::find_if(idle_.begin(), idle_.end(), [&](const auto& idle) { return idle.instance.get() == instance; });
    if (found == idle_.end()) return;  // an event has it
    tired = found->instance;
    remove_idle(found);
  }
  tired->end();
}

std::size_t Pool::idle_count() const {
  std::scoped_lock lock(mutex_);
  return static_cast<std::size_t>(
      std::count_if(idle_.begin(), idle_.end(), [](const auto& idle) { return !idle.instance->provisioned(); }));
}

std::optional<MonotonicTime> Pool::idle_since() const {
  std::scoped_lock lock(mutex_);
  for (const auto& idle : idle_)
    if (!idle.instance->provisioned()) return idle.since;
  return std::nullopt;
}

bool Pool::give_up_idle() {
  std::shared_ptr<Instance> instance;
  {
    std::scoped_lock lock(mutex_);
    const auto found = std::find_if(idle_.begin(), idle_.end(), [](const auto& idle) { return !idle.instance->provisioned(); });
    if (found == idle_.end()) return false;
    instance = found->instance;
    remove_idle(found);
  }
  instance->end();
  return true;
}

void Pool::retire() {
  std::vector<std::shared_ptr<Instance>> idle;
  {
    std::scoped_lock lock(mutex_);
    retired_ = true;
    provisioned_.requested = 0;
    while (!idle_.empty()) {
      idle.push_back(idle_.back().instance);
      remove_idle(std::prev(idle_.end()));
    }
    sleeper_.deliver(true);
    if (living_.empty())
      for (auto& waiter : draining_) waiter.deliver(true);
  }
  for (const auto& instance : idle) instance->end();
}

Task<void> Pool::drained(io::Loop& loop) {
  io::Completion<bool> done;
  {
    std::scoped_lock lock(mutex_);
    if (retired_ && living_.empty()) co_return;
    draining_.push_back(done);
  }
  co_await done.wait_on(loop);
}

Task<std::shared_ptr<sandbox::Sandbox>> Pool::newest_sandbox(io::Loop& loop) {
  std::shared_ptr<Instance> newest;
  {
    std::scoped_lock lock(mutex_);
    for (const auto& each : living_)
      if (each->warm()) newest = each;
  }
  if (!newest) co_return nullptr;
  co_await newest->loop().switch_to();
  auto sandbox = newest->sandbox();
  newest.reset();
  co_await loop.switch_to();
  co_return sandbox;
}

Task<Result<sandbox::Fd>> Pool::dial(io::Loop& loop, int port) {
  const auto sandbox = co_await newest_sandbox(loop);
  if (!sandbox) co_return fail("no environment of the function is up");
  std::optional<Result<sandbox::Fd>> connection;
  co_await io::run_blocking(loop, [&] { connection.emplace(sandbox->dial(port)); });
  if (*connection)
    if (auto accepted = co_await attempt(io::await_connected(loop, (*connection)->get(), std::chrono::seconds(1))); !accepted)
      co_return std::unexpected(accepted.error());
  co_return std::move(*connection);
}

Task<bool> Pool::listens(io::Loop& loop, int port) {
  const auto sandbox = co_await newest_sandbox(loop);
  bool found = false;
  if (sandbox) co_await io::run_blocking(loop, [&] { found = somebody_listens(sandbox->host_pid(), port); });
  co_return found;
}

}  // namespace sallyport::runtime
