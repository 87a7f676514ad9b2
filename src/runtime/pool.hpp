// Pool: the execution environments of one function version. Newest idle first, one event per environment, started when events wait.
#pragma once

#include <atomic>
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

/// How many processes there may be. Shared by all pools of the server.
class Capacity {
 public:
  Capacity(int instances_max, int starts_max) : instances_max_(instances_max), starts_max_(starts_max) {}
  /// At the same time, per function: more starts than processors only make all of them slower.
  int starts_max() const { return starts_max_; }
  bool take() {
    if (used_.fetch_add(1) < instances_max_) return true;
    used_.fetch_sub(1);
    return false;
  }
  void give_back() { used_.fetch_sub(1); }

 private:
  const int instances_max_, starts_max_;
  std::atomic<int> used_{0};
};

/// May be used from any loop. Always held by shared_ptr: its instances' tasks keep it alive until the last process is gone.
class Pool : public std::enable_shared_from_this<Pool> {
 public:
  Pool(FunctionSpec spec, const Surroundings& surroundings, Capacity& capacity)
      : spec_(std::move(spec)), surroundings_(surroundings), capacity_(capacity) {}
  ~Pool();

  const FunctionSpec& spec() const { return spec_; }

  /// Runs one event. Waits for a free environment as long as the patience of a synchronous caller (29 s), then answers `throttled`.
  Task<Outcome> invoke(io::Loop& loop, Invocation invocation);

  /// The function was replaced or the server stops: idle environments end at once, busy ones after their event.
  void retire();

 private:
  using Grant = std::variant<std::shared_ptr<Instance>, InitFault, std::monostate>;
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
  bool wants_start_locked();
  void log_init_report(const InitFault& fault, std::string_view phase) const;
  Outcome fault_outcome(const InitFault& fault, const Invocation& invocation) const;

  const FunctionSpec spec_;
  const Surroundings& surroundings_;
  Capacity& capacity_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Instance>> idle_;  // newest last
  std::deque<Waiter> waiting_;
  int starting_ = 0;
  bool retired_ = false;
};

}  // namespace sallyport::runtime
