#include "lambda/event_queue.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace sallyport::lambda {
namespace {

constexpr int retries_default = 2;  // AWS

}  // namespace

Result<void, aws::ApiError> EventQueue::push(io::Loop& loop, InvokeRequest request, Patience patience) {
  const auto size = request.payload.size();
  {
    std::scoped_lock lock(mutex_);
    if (stopped_ || events_ >= limits::queued_events_max || bytes_ + size > limits::queued_bytes_max)
      return fail(aws::ApiError{"TooManyRequestsException", 429, "Rate Exceeded.", "CallerRateLimitExceeded"});
    ++events_;
    bytes_ += size;
  }
  request.functions.reset();
  loop.scope().spawn(run(loop, std::move(request), patience));
  return {};
}

std::optional<std::chrono::milliseconds> EventQueue::delay_after(const Result<InvokeResponse, aws::ApiError>& answer,
                                                                 Attempts& attempts) const {
  if (clock_.monotonic_now() - attempts.since > attempts.age_max) return std::nullopt;
  if (answer) {
    if (!answer->function_error || ++attempts.failed > attempts.retries) return std::nullopt;
    return attempts.failed == 1 ? delays_.first_retry : delays_.second_retry;
  }
  // Throttled, or a fault of ours. Everything else stays as it is: the function is gone, or the event was never right.
  if (answer.error().status != 429 && answer.error().status < 500) return std::nullopt;
  return std::exchange(attempts.throttled, std::min(attempts.throttled * 2, delays_.throttled_max));
}

Task<void> EventQueue::run(io::Loop& loop, InvokeRequest request, Patience patience) {
  Attempts attempts{0, delays_.throttled, clock_.monotonic_now(), patience.retries.value_or(retries_default),
                    patience.age_max.value_or(delays_.age_max)};
  const auto size = request.payload.size();
  for (;;) {
    auto answer = Result<InvokeResponse, aws::ApiError>(fail(aws::ApiError{"ServiceException", 500, {}}));
    try {
      answer = co_await attempt(invoker_.invoke(loop, request));
    } catch (const std::exception&) {
      // No memory, or a broken promise: as any other fault of ours.
    }
    const auto delay = delay_after(answer, attempts);
    if (!delay || !co_await pause(loop, *delay)) break;
  }
  std::scoped_lock lock(mutex_);
  --events_;
  bytes_ -= size;
}

Task<bool> EventQueue::pause(io::Loop& loop, std::chrono::milliseconds time) {
  Wake wake;
  std::list<Wake>::iterator place;
  {
    std::scoped_lock lock(mutex_);
    if (stopped_) co_return false;
    place = waiting_.insert(waiting_.end(), wake);
  }
  io::Deadline deadline(loop, time, [wake]() mutable { wake.deliver(true); });
  const bool go_on = co_await wake.wait_on(loop);
  std::scoped_lock lock(mutex_);
  waiting_.erase(place);
  co_return go_on;
}

void EventQueue::stop() {
  std::scoped_lock lock(mutex_);
  stopped_ = true;
  for (auto& wake : waiting_) wake.deliver(false);
}

std::size_t EventQueue::size() const {
  std::scoped_lock lock(mutex_);
  return events_;
}

}  // namespace sallyport::lambda
