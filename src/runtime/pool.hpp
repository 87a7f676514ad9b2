// Pool: the execution environments of one function version. Newest idle first, one event per environment, started when events wait.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <variant>
#include <vector>

#include "base/task.hpp"
#include "io/completion.hpp"
#include "runtime/instance.hpp"
#include "runtime/spec.hpp"

namespace sallyport::runtime {

class Pool;

/// How many processes there may be. Shared by all pools of the server, and outlives them. A pool that finds no place left lines up here:
/// the pool with most idle environments gives one up for it, or else the next environment that would go idle ends. May be used from any
/// thread.
class Capacity {
 public:
  Capacity(int instances_max, int starts_max) : instances_max_(instances_max), starts_max_(starts_max) {}
  /// At the same time, per function: more starts than processors only make all of them slower.
  int starts_max() const { return starts_max_; }
  /// False when no place is left, or when others wait for it and it is not this one's `turn`.
  bool take(bool turn);
  /// The place goes to whoever is first in line.
  void give_back();
  /// Makes a pool known, so that it can be asked for idle environments.
  void enroll(std::weak_ptr<Pool> pool);
  /// Lines up; `Pool::on_place` is called on the loop when it is the pool's turn.
  void line_up(const std::shared_ptr<Pool>& pool, io::Loop& loop, MonotonicTime now);
  /// For a pool with no events waiting, which leaves the line by that: does any other wait?
  bool others_wait(const Pool* pool);
  /// For a pool that could use its environment itself: has another waited so long that it is its turn?
  bool others_starve(const Pool* pool, MonotonicTime now);
  /// Whoever was first in line has no use for the place any more.
  void call_next();

 private:
  struct Turn {
    std::weak_ptr<Pool> pool;
    io::Loop* loop;
    MonotonicTime since;
  };
  const int instances_max_, starts_max_;
  std::mutex mutex_;  // may be taken while a pool's is held, never the other way round
  int used_ = 0;
  std::vector<std::weak_ptr<Pool>> pools_;
  std::deque<Turn> line_;
};

/// May be used from any loop. Always held by shared_ptr: its instances' tasks keep it alive until the last process is gone.
class Pool : public std::enable_shared_from_this<Pool> {
 public:
  Pool(FunctionSpec spec, const Surroundings& surroundings, Capacity& capacity, std::chrono::milliseconds patience = limits::wait_time)
      : spec_(std::move(spec)), surroundings_(surroundings), capacity_(capacity), patience_(patience) {}
  ~Pool();

  const FunctionSpec& spec() const { return spec_; }

  /// Runs one event. Waits for a free environment for `patience` at most and in a queue of limited length; beyond either the answer is
  /// `throttled`.
  Task<Outcome> invoke(io::Loop& loop, Invocation invocation);

  /// The function was replaced or the server stops: idle environments end at once, busy ones after their event.
  void retire();

  /// For Capacity: a place is free and this pool is the one to take it. Called on the loop.
  void on_place(io::Loop& loop);
  std::size_t idle_count();
  /// Ends the environment that has been idle longest; false when there is none.
  bool give_up_idle();

 private:
  /// Nothing: nobody had an environment to give in time.
  using Grant = std::variant<std::monostate, std::shared_ptr<Instance>, InitFault>;
  struct Waiter {
    io::Completion<Grant> grant;
    io::Loop* loop;
  };

  Task<Grant> acquire(io::Loop& loop);
  void release(std::shared_ptr<Instance> instance);
  static Task<void> bring_up(std::shared_ptr<Pool> self, io::Loop& loop);
  Task<Grant> start_one(io::Loop& loop);
  void hand_over(Grant grant);
  void forget(Instance* instance);
  enum class Claim { made, lined_up, needless };
  Claim claim_place(io::Loop& loop, bool turn = false);
  void log_init_report(const InitFault& fault, std::string_view phase) const;
  Outcome fault_outcome(const InitFault& fault, const Invocation& invocation) const;

  const FunctionSpec spec_;
  const Surroundings& surroundings_;
  Capacity& capacity_;
  const std::chrono::milliseconds patience_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Instance>> idle_;  // newest last
  std::deque<Waiter> waiting_;
  int starting_ = 0;
  bool retired_ = false, enrolled_ = false;
};

}  // namespace sallyport::runtime
