// Pool: the execution environments of one function version. Newest idle first, one event per environment, started when events wait.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/task.hpp"
#include "io/completion.hpp"
#include "runtime/capacity.hpp"
#include "runtime/instance.hpp"
#include "runtime/spec.hpp"
#include "runtime/surroundings.hpp"

namespace sallyport::runtime {

/// Provisioned concurrency of a version.
struct Provisioned {
  int requested = 0;
  int ready = 0;        // initialised, at work or not
  std::string failure;  // why the last one did not come up; empty once one does
};

/// May be used from any loop. Always held by shared_ptr: its instances' tasks keep it alive until the last sandbox is gone.
class Pool : public std::enable_shared_from_this<Pool> {
 public:
  Pool(FunctionSpec spec, const Surroundings& surroundings, Capacity& capacity, std::chrono::milliseconds patience = limits::wait_time)
      : spec_(std::move(spec)), surroundings_(surroundings), capacity_(capacity), patience_(patience) {}
  ~Pool();

  const FunctionSpec& spec() const { return spec_; }

  /// Runs one event. Waits for a free environment for `patience` at most and in a queue of limited length (or not at all, see
  /// `Capacity::WhenFull`); beyond either the answer is `throttled`. A stream of the event's is ended, however it ends. Is back with the
  /// answer; what runtime and extensions do about the event afterwards goes on behind it.
  Task<Outcome> invoke(io::Loop& loop, Invocation invocation);

  /// The function was replaced or the server stops: idle environments end at once, busy ones after their event. Provisioned ones too.
  void retire();
  /// After `retire`: waits until the last environment is gone.
  Task<void> drained(io::Loop& loop);

  /// Keeps so many environments initialised ahead, on that loop, never ended for being idle and replaced when they die; events beyond them
  /// go to others. 0 releases them.
  void provision(io::Loop& loop, int count);
  Provisioned provisioned() const;
  /// Brings environments up, on that loop, until there are `count`.
  void start_ahead(io::Loop& loop, int count);
  /// A connection to a port that something in the newest warm environment listens on.
  Task<Result<sandbox::Fd>> dial(io::Loop& loop, int port);
  /// Does something in that environment listen on a port? Nothing is connected to find out: a debugger would take it for its user.
  Task<bool> listens(io::Loop& loop, int port);

  /// For Capacity: a place is free and this pool is the one to take it. Called on the loop.
  void on_place(io::Loop& loop);
  std::size_t idle_count() const;
  /// Since when the one that has been idle longest is; nothing when there is none that may be given up.
  std::optional<MonotonicTime> idle_since() const;
  /// Ends the environment that has been idle longest; false when there is none.
  bool give_up_idle();

 private:
  Task<std::shared_ptr<sandbox::Sandbox>> newest_sandbox(io::Loop& loop);
  /// Nothing: nobody had an environment to give in time.
  using Grant = std::variant<std::monostate, std::shared_ptr<Instance>, InitFault>;
  struct Waiter {
    std::uint64_t id;
    io::Completion<Grant> grant;
    io::Loop* loop;
  };
  struct Idle {
    std::shared_ptr<Instance> instance;
    MonotonicTime since;
    long memory_mb = 0;
  };

  Task<Grant> acquire(io::Loop& loop);
  void stop_waiting(std::uint64_t waiter);
  std::shared_ptr<Instance> take_idle(const io::Loop& loop);
  void remove_idle(std::vector<Idle>::iterator where);
  void release(std::shared_ptr<Instance> instance);
  static Task<void> settle(std::shared_ptr<Pool> self, std::shared_ptr<Instance> instance, io::Completion<bool> settled);
  /// Where events are throttled rather than kept waiting: is there no place for those that wait and so many more? Environments that start
  /// take one each, and those that settle where they count.
  bool is_full(std::size_t more, bool settling_too);

  static Task<void> bring_up(std::shared_ptr<Pool> self, io::Loop& loop);
  std::shared_ptr<Instance> make_instance(io::Loop& loop, Initialization initialization);
  struct Started {
    std::shared_ptr<Instance> instance;  // warm without a fault
    std::optional<InitFault> fault;
  };
  Task<Started> start_one(io::Loop& loop);
  void hand_over(Grant grant);
  bool may_stay(const Instance& instance);
  void forget(Instance* instance);
  void reap(Instance* instance);
  enum class Claim { made, lined_up, needless, later };
  Claim claim_place(io::Loop& loop, bool turn = false);
  void try_to_start(io::Loop& loop);
  /// Counts inits that fail in a row; beyond a few the next start waits.
  void note_init(bool good);
  bool spaced_out() const { return crashes_ >= limits::init_crashes_free; }  // under the lock
  static Task<void> start_later(std::shared_ptr<Pool> self, io::Loop& loop, std::chrono::milliseconds pause);
  Outcome fault_outcome(const InitFault& fault, const Invocation& invocation) const;

  void keep_provisioned(io::Loop& loop);
  static Task<void> bring_up_provisioned(std::shared_ptr<Pool> self, io::Loop& loop);
  static Task<void> warm_up_again(std::shared_ptr<Pool> self, std::shared_ptr<Instance> instance);

  const FunctionSpec spec_;
  const Surroundings& surroundings_;
  Capacity& capacity_;
  const std::chrono::milliseconds patience_;
  mutable std::mutex mutex_;
  std::vector<Idle> idle_;                         // newest last
  std::vector<std::shared_ptr<Instance>> living_;  // all that hold a place
  std::deque<Waiter> waiting_;
  std::uint64_t waiters_ = 0;  // so far
  std::vector<io::Completion<bool>> draining_;
  int starting_ = 0;          // on behalf of events that wait, or may come
  std::size_t settling_ = 0;  // answered, and about to be free
  int crashes_ = 0;           // of inits, in a row
  MonotonicTime not_before_{};
  io::Completion<bool> sleeper_;  // wakes whoever waits to start again
  io::Loop* provisions_on_ = nullptr;
  Provisioned provisioned_;
  int starting_provisioned_ = 0;
  bool retired_ = false, enrolled_ = false, sleeping_ = false;
};

}  // namespace sallyport::runtime
