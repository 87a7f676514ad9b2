// EventQueue: asynchronous invocations. Taken in at once, run in the background, tried again as AWS does. Lives in memory: what has not run
// when the server ends is lost.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <utility>

#include "base/clock.hpp"
#include "io/completion.hpp"
#include "io/loop.hpp"
#include "lambda/invoker.hpp"

namespace sallyport::lambda {

namespace limits {
inline constexpr std::size_t queued_events_max = 10'000;
inline constexpr std::size_t queued_bytes_max = 256u << 20;
}  // namespace limits

/// May be used from any loop; must outlive the loops' tasks.
class EventQueue {
 public:
  /// Source: Lambda developer guide, "Asynchronous invocation".
  struct Delays {
    std::chrono::milliseconds first_retry{60'000}, second_retry{120'000};  // after the function failed
    std::chrono::milliseconds throttled{1'000}, throttled_max{300'000};    // doubled each time
    std::chrono::milliseconds age_max{std::chrono::hours(6)};
  };
  EventQueue(Invoker& invoker, const Clock& clock) : EventQueue(invoker, clock, Delays{}) {}
  EventQueue(Invoker& invoker, const Clock& clock, const Delays& delays) : invoker_(invoker), clock_(clock), delays_(delays) {}

  /// What a function's own configuration says; nothing: AWS's figures.
  struct Patience {
    std::optional<int> retries = std::nullopt;
    std::optional<std::chrono::milliseconds> age_max = std::nullopt;
  };
  /// The event will run on this loop, with the function's code of then. TooManyRequestsException when the queue is full.
  Result<void, aws::ApiError> push(io::Loop& loop, InvokeRequest request, Patience patience);
  Result<void, aws::ApiError> push(io::Loop& loop, InvokeRequest request) { return push(loop, std::move(request), Patience()); }
  /// Events that wait for another attempt are let go, and no others are taken: the server ends.
  void stop();
  std::size_t size() const;

 private:
  using Wake = io::Completion<bool>;
  Task<void> run(io::Loop& loop, InvokeRequest request, Patience patience);
  /// How long until the next attempt; nothing when there is none.
  struct Attempts {
    int failed = 0;
    std::chrono::milliseconds throttled;
    MonotonicTime since;
    int retries;
    std::chrono::milliseconds age_max;
  };
  std::optional<std::chrono::milliseconds> delay_after(const Result<InvokeResponse, aws::ApiError>& answer, Attempts& attempts) const;
  /// False: stopped meanwhile.
  Task<bool> pause(io::Loop& loop, std::chrono::milliseconds time);

  Invoker& invoker_;
  const Clock& clock_;
  const Delays delays_;
  mutable std::mutex mutex_;
  std::size_t events_ = 0, bytes_ = 0;
  std::list<Wake> waiting_;
  bool stopped_ = false;
};

}  // namespace sallyport::lambda
