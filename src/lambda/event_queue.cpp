#include "lambda/event_queue.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/text.hpp"
#include "io/completion.hpp"

namespace sallyport::lambda {
namespace {

aws::ApiError too_many() { return {"TooManyRequestsException", 429, "Rate Exceeded.", "CallerRateLimitExceeded"}; }

}  // namespace

EventQueue::Delays EventQueue::Delays::scaled(double factor) const {
  const auto scale = [&](std::chrono::milliseconds time) {
    return std::chrono::milliseconds(static_cast<std::int64_t>(static_cast<double>(time.count()) * factor));
  };
  return {scale(first_retry), scale(second_retry), scale(throttled), scale(throttled_max), age_max};
}

// ---- taking in

Task<Result<void, aws::ApiError>> EventQueue::push(io::Loop& loop, InvokeRequest request) {
  const auto arn = aws::parse_arn(request.function_arn);
  const auto resource = arn ? split(arn->resource, ':') : std::vector<std::string_view>();  // function:name[:qualifier]
  if (resource.size() < 2)
    co_return fail(aws::ApiError{"ResourceNotFoundException", 404, cat("Function not found: ", request.function_arn)});
  auto event = std::make_shared<AcceptedEvent>();
  event->account_id = arn->account_id;
  event->region = arn->region;
  event->qualifier = resource.size() > 2 ? std::string(resource[2]) : std::string();
  event->function_arn = request.function_arn.substr(0, request.function_arn.size() - (resource.size() > 2 ? resource[2].size() + 1 : 0));
  event->request_id = request.request_id.empty() ? make_uuid(parts_.random) : std::move(request.request_id);
  event->trace_id = std::move(request.trace_id);
  event->accepted = parts_.clock.wall_now();
  event->payload_bytes = request.payload.size();
  event->payload = std::move(request.payload);
  {
    std::scoped_lock lock(mutex_);
    if (events_ >= limits_.events_max || bytes_ + event->payload_bytes > limits_.bytes_max) co_return fail(too_many());
    event->sequence = next_sequence_++;
    ++events_;
    bytes_ += event->payload_bytes;
  }
  store::Batch batch;
  batch.put(event_key(*event), event_text(*event, *event->payload));
  io::Completion<Result<>> done;
  // It runs from here on, whether or not anybody still waits for the answer.
  parts_.store.commit(std::move(batch), [this, event, done](Result<> durable) mutable {
    if (durable)
      enter(event);
    else
      release(*event, false);
    done.deliver(std::move(durable));
  });
  if (auto durable = co_await done.wait_on(loop); !durable)
    co_return fail(aws::ApiError{"ServiceException", 500, cat("The event could not be stored: ", durable.error().message)});
  co_return Result<void, aws::ApiError>();
}

Result<> EventQueue::load() {
  std::map<std::string, Kept> kept;
  auto read = parts_.store.load(event_service, [&](const store::Record& record) { return take_back(record, kept); });
  if (!read) return read;
  const auto now = parts_.clock.wall_now();
  const auto monotonic_now = parts_.clock.monotonic_now();
  std::scoped_lock lock(mutex_);
  for (auto& [name, each] : kept) {
    next_sequence_ = std::max(next_sequence_, each.event->sequence + 1);
    if (each.next_at && *each.next_at > now)
      schedule_.add_at(std::move(each.event), monotonic_now + (*each.next_at - now));
    else
      schedule_.add(std::move(each.event));
  }
  return {};
}

Result<> EventQueue::take_back(const store::Record& record, std::map<std::string, Kept>& kept) {
  const auto damaged = [&](const Error& error) {
    return fail(cat("the record of event ", record.key.name, " is damaged: ", error.message));
  };
  if (record.key.kind == attempt_kind) {
    const auto found = kept.find(record.key.name);
    if (found == kept.end()) return {};
    auto attempt = read_attempt(record.value);
    if (!attempt) return damaged(attempt.error());
    found->second.event->failures = attempt->failures;
    found->second.next_at = attempt->next_at;
    return {};
  }
  auto event = read_event(record);
  if (!event) return damaged(event.error());
  std::scoped_lock lock(mutex_);
  ++events_;
  bytes_ += event->payload_bytes;
  if (memory_bytes_ + event->payload_bytes > limits_.memory_bytes_max)
    event->payload.reset();
  else
    memory_bytes_ += event->payload_bytes;
  kept[record.key.name].event = std::make_shared<AcceptedEvent>(std::move(*event));
  return {};
}

void EventQueue::enter(const Event& event) {
  {
    std::scoped_lock lock(mutex_);
    if (memory_bytes_ + event->payload_bytes > limits_.memory_bytes_max)
      event->payload.reset();
    else
      memory_bytes_ += event->payload_bytes;
    schedule_.add(event);
  }
  pump();
}

void EventQueue::release(const AcceptedEvent& event, bool entered) {
  std::scoped_lock lock(mutex_);
  --events_;
  bytes_ -= event.payload_bytes;
  if (entered && event.payload) memory_bytes_ -= event.payload_bytes;
}

std::size_t EventQueue::size() const {
  std::scoped_lock lock(mutex_);
  return events_;
}

// ---- whose turn it is

void EventQueue::start(std::vector<io::Loop*> loops) {
  {
    std::scoped_lock lock(mutex_);
    loops_ = std::move(loops);
  }
  pump();
  arm();
}

int EventQueue::room_of(const std::string& function_arn) const {
  constexpr int any = std::numeric_limits<int>::max();
  const auto arn = aws::parse_arn(function_arn);
  const auto state = arn ? parts_.functions(arn->account_id, arn->region) : nullptr;
  const auto found = state ? state->functions.find(function_arn.substr(function_arn.rfind(':') + 1)) : decltype(state->functions.end()){};
  if (!state || found == state->functions.end()) return any;
  // With nothing reserved for it an event ends without running.
  return found->second->reserved_concurrency.value_or(0) == 0 ? any : *found->second->reserved_concurrency;
}

void EventQueue::pump() {
  std::vector<std::pair<Event, io::Loop*>> turns;
  {
    std::scoped_lock lock(mutex_);
    if (stopped_ || loops_.empty()) return;
    while (auto event = schedule_.take([this](const std::string& function_arn) { return room_of(function_arn); })) {
      turns.emplace_back(std::move(event), loops_[next_loop_]);
      next_loop_ = (next_loop_ + 1) % loops_.size();
    }
  }
  for (auto& [event, loop] : turns)
    loop->post([this, loop, event = std::move(event)]() mutable {
      {
        std::scoped_lock lock(mutex_);
        if (stopped_) return;
      }
      loop->scope().spawn(run(*loop, std::move(event)));
    });
}

void EventQueue::put_back(Event event, std::chrono::milliseconds delay) {
  {
    std::scoped_lock lock(mutex_);
    schedule_.add_at(std::move(event), parts_.clock.monotonic_now() + delay);
  }
  arm();
}

void EventQueue::tick() {
  {
    std::scoped_lock lock(mutex_);
    if (stopped_) return;
    schedule_.advance(parts_.clock.monotonic_now());
  }
  pump();
  arm();
}

void EventQueue::arm() {
  io::Loop* keeper = nullptr;
  {
    std::scoped_lock lock(mutex_);
    const auto due = schedule_.next_due();
    if (stopped_ || loops_.empty() || !due || *due >= armed_for_) return;
    armed_for_ = *due;
    keeper = loops_.front();
  }
  keeper->post([this] { set_timer(); });
}

void EventQueue::set_timer() {
  std::scoped_lock lock(mutex_);
  timer_.reset();
  if (stopped_ || armed_for_ == MonotonicTime::max()) return;
  const auto time = std::chrono::ceil<std::chrono::milliseconds>(armed_for_ - parts_.clock.monotonic_now());
  timer_.emplace(*loops_.front(), time, [this] {
    {
      std::scoped_lock relock(mutex_);
      armed_for_ = MonotonicTime::max();
    }
    tick();
  });
}

void EventQueue::stop() {
  std::scoped_lock lock(mutex_);
  stopped_ = true;
  if (loops_.empty()) return;
  if (loops_.front()->is_here())
    timer_.reset();
  else
    loops_.front()->post([this] { set_timer(); });
}

}  // namespace sallyport::lambda
