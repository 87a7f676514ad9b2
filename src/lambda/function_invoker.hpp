// FunctionInvoker: the one door to running a function. Checks the permission, finds the version, hands the event to its pool.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/published.hpp"
#include "lambda/invoker.hpp"
#include "lambda/state.hpp"
#include "runtime/pool.hpp"

namespace sallyport::lambda {

namespace limits {
inline constexpr std::size_t event_bytes_max = 6'291'456;  // AWS: synchronous invocation
}  // namespace limits

/// May be used from any loop.
class FunctionInvoker final : public Invoker {
 public:
  FunctionInvoker(const runtime::Surroundings& surroundings, runtime::Capacity& capacity)
      : surroundings_(surroundings), capacity_(capacity) {}

  Task<Result<InvokeResponse, aws::ApiError>> invoke(io::Loop& loop, InvokeRequest request) override;

  /// The new state serves every call from now on. Environments of functions that are no longer the same end: idle ones at once, busy ones
  /// after their event; those of unchanged functions stay warm.
  void publish(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state() const { return state_.pin(); }

  /// Ends all environments.
  void retire_all();

 private:
  struct Entry {
    std::shared_ptr<const State> state;  // the last one whose configuration was compared with the pool's
    std::shared_ptr<runtime::Pool> pool;
  };
  std::shared_ptr<runtime::Pool> pool_of(const std::shared_ptr<const State>& state, const FunctionConfiguration& configuration);

  const runtime::Surroundings& surroundings_;
  runtime::Capacity& capacity_;
  Published<State> state_;
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Entry> pools_;  // by name and version
};

}  // namespace sallyport::lambda
