// What one turn of an event is, and what becomes of it afterwards.
#include <algorithm>
#include <exception>
#include <utility>

#include "base/text.hpp"
#include "io/completion.hpp"
#include "lambda/event_queue.hpp"
#include "lambda/function_invoker.hpp"

namespace sallyport::lambda {
namespace {

constexpr int retries_default = 2;  // AWS

}  // namespace

Task<void> EventQueue::run(io::Loop& loop, Event event) {
  const auto began = parts_.clock.monotonic_now();
  std::string fetched;
  std::optional<Turn> turn;
  if (!event->payload) {
    auto text = co_await attempt(read(loop, event_key(*event)));
    auto payload = text && *text ? read_event_payload(**text) : fail("it is not there");
    if (payload)
      fetched = std::move(*payload);
    else if (text)
      turn = Turn{.end = Turn::End::dropped, .why = cat("its record cannot be used: ", payload.error().message)};
    else
      turn = Turn{.end = Turn::End::no_room, .delay = delays_.throttled_max};
  }
  const auto& payload = event->payload ? *event->payload : fetched;
  if (!turn) turn = co_await take_turn(loop, *event, payload);
  {
    std::scoped_lock lock(mutex_);
    schedule_.ended(event->function_arn, parts_.clock.monotonic_now() - began, turn->end == Turn::End::no_room);
    // It may have failed because everything ends: the next start finds it as it was.
    if (stopped_ && turn->condition != condition::success) co_return;
  }
  pump();
  co_await settle(loop, std::move(event), std::move(*turn), payload);
}

Task<EventQueue::Turn> EventQueue::take_turn(io::Loop& loop, const AcceptedEvent& event, const std::string& payload) {
  using End = Turn::End;
  auto function = function_of(event);
  if (!function) co_return Turn{.end = End::dropped, .why = "its function is gone"};
  if (function->function->reserved_concurrency == 0)
    co_return Turn{.end = End::done, .condition = condition::zero_reserved_concurrency, .attempts = event.failures};
  if (parts_.clock.wall_now() >= end_of(event, function->config)) {
    Turn turn{.end = End::done, .condition = condition::event_age_exceeded, .attempts = event.failures};
    const auto text = event.failures > 0 ? co_await attempt(read(loop, attempt_key(event))) : Result<std::optional<std::string>>();
    if (auto last = text && *text ? read_attempt(**text) : fail("there was none"); last)
      turn.response = LastResponse{std::move(last->executed_version), std::move(last->function_error), std::move(last->payload)};
    co_return turn;
  }
  InvokeRequest request;
  request.function_arn = event.invoked_arn();
  request.authorized = AuthorizedCall::by_event(event);
  request.payload = payload;
  request.trace_id = event.trace_id;
  request.request_id = event.request_id;
  auto answer = Result<InvokeResponse, aws::ApiError>(fail(aws::ApiError{"ServiceException", 500, {}}));
  try {
    answer = co_await attempt(parts_.invoker.invoke(loop, std::move(request)));
  } catch (const std::exception&) {
    // No memory, or a broken promise: as any other fault of ours.
  }
  // What is configured by now decides how it goes on.
  if (auto now = function_of(event)) function = std::move(now);
  co_return judge(event, *function, std::move(answer));
}

EventQueue::Turn EventQueue::judge(const AcceptedEvent& event, const EventFunction& function,
                                   Result<InvokeResponse, aws::ApiError> answer) const {
  using End = Turn::End;
  const auto now = parts_.clock.wall_now();
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_of(event, function.config) - now);
  if (!answer) {
    // Throttled, or a fault of ours. Everything else stays as it is: the function is gone, or the event was never right.
    if (answer.error().status != 429 && answer.error().status < 500) return {.end = End::dropped, .why = answer.error().message};
    const auto delay = event.waited ? std::min(*event.waited * 2, delays_.throttled_max) : delays_.throttled;
    return {.end = End::no_room, .delay = std::min(delay, std::max(left, std::chrono::milliseconds(0)))};
  }
  const int attempts = event.failures + 1;
  LastResponse response{std::move(answer->executed_version), std::move(answer->function_error), std::move(answer->payload)};
  const auto done = [&](std::string_view condition) {
    return Turn{.end = End::done, .condition = condition, .attempts = attempts, .response = std::move(response)};
  };
  if (!response.function_error) return done(condition::success);
  if (attempts > function.config.retries.value_or(retries_default)) return done(condition::retries_exhausted);
  const auto delay = attempts == 1 ? delays_.first_retry : delays_.second_retry;
  // AWS does not wait for an attempt that would come too late.
  if (delay > left) return done(condition::event_age_exceeded);
  return {.end = End::failed, .attempts = attempts, .response = std::move(response), .delay = delay};
}

WallTime EventQueue::end_of(const AcceptedEvent& event, const EventInvokeConfig& config) const {
  return event.accepted + (config.age_s ? std::chrono::milliseconds(std::chrono::seconds(*config.age_s)) : delays_.age_max);
}

// ---- what comes after it

Task<void> EventQueue::settle(io::Loop& loop, Event event, Turn turn, const std::string& payload) {
  switch (turn.end) {
    case Turn::End::no_room:
      event->waited = turn.delay;
      put_back(std::move(event), turn.delay);
      co_return;
    case Turn::End::failed: {
      FailedAttempt failed{turn.attempts, parts_.clock.wall_now() + turn.delay, std::move(turn.response->executed_version),
                           turn.response->function_error.value_or("")};
      if (turn.response->payload.size() <= limits::async_event_bytes_max) failed.payload = std::move(turn.response->payload);
      store::Batch batch;
      batch.put(attempt_key(*event), attempt_text(failed));
      event->failures = turn.attempts;
      event->waited.reset();
      const AcceptedEvent named{.function_arn = event->function_arn, .request_id = event->request_id};
      // Noted before the next attempt can end the event and its notes. After a crash in between it would have one attempt more.
      if (auto durable = co_await attempt(commit(loop, std::move(batch))); !durable)
        log(named, cat("an attempt of an event could not be noted: ", durable.error().message));
      put_back(std::move(event), turn.delay);
      co_return;
    }
    case Turn::End::dropped:
      log(*event, cat("an event was dropped: ", turn.why));
      co_await finish(loop, std::move(event), nullptr);
      co_return;
    case Turn::End::done: {
      auto delivery = make_delivery(*event, turn, payload);
      co_await finish(loop, std::move(event), std::move(delivery));
      co_return;
    }
  }
}

Task<void> EventQueue::finish(io::Loop& loop, Event event, Event delivery) {
  store::Batch batch;
  batch.erase(event_key(*event));
  if (event->failures > 0) batch.erase(attempt_key(*event));
  // In one with what it leads to: neither is there without the other.
  if (delivery) batch.put(event_key(*delivery), event_text(*delivery, *delivery->payload));
  auto durable = co_await attempt(commit(loop, std::move(batch)));
  if (!durable) log(*event, cat("the end of an event could not be noted, it will run again after a restart: ", durable.error().message));
  release(*event, true);
  if (!delivery) co_return;
  if (durable)
    enter(delivery);
  else
    release(*delivery, false);
}

EventQueue::Event EventQueue::make_delivery(const AcceptedEvent& event, const Turn& turn, const std::string& payload) {
  const auto function = function_of(event);
  const bool success = turn.condition == condition::success;
  const auto destination = !function ? std::string() : success ? function->config.on_success : function->config.on_failure;
  if (destination.empty()) {
    if (!success) log(event, cat("an event ended without success and without a destination: ", turn.condition));
    return nullptr;
  }
  const auto untold = [&](std::string_view why) {
    log(event, cat("the destination ", destination, " was not told of the end of an event (", turn.condition, "): ", why));
    return nullptr;
  };
  if (event.hops >= limits::event_hops_max)
    return untold(cat("there were ", limits::event_hops_max, " deliveries before it, which looks like a loop of functions"));
  const auto now = parts_.clock.wall_now();
  const auto executed_version = turn.response ? std::string_view(turn.response->executed_version) : std::string_view();
  auto to = authorize_delivery(parts_.guard, *function, executed_version, destination, now);
  if (!to) return untold(to.error().message);
  auto made = std::make_shared<AcceptedEvent>();
  made->account_id = event.account_id;
  made->region = event.region;
  made->function_arn = std::move(to->function_arn);
  made->qualifier = std::move(to->qualifier);
  made->request_id = make_uuid(parts_.random);
  made->trace_id = event.trace_id;
  made->accepted = now;
  made->hops = event.hops + 1;
  made->payload = destination_record(event, payload, turn.condition, turn.attempts, turn.response, now);
  made->payload_bytes = made->payload->size();
  std::scoped_lock lock(mutex_);
  made->sequence = next_sequence_++;
  ++events_;
  bytes_ += made->payload_bytes;
  return made;
}

Task<Result<std::optional<std::string>>> EventQueue::read(io::Loop& loop, store::Key key) {
  Result<std::optional<std::string>> value;
  co_await io::run_blocking(loop, [&] { value = parts_.store.read(key); });
  co_return value;
}

Task<Result<>> EventQueue::commit(io::Loop& loop, store::Batch batch) {
  io::Completion<Result<>> done;
  parts_.store.commit(std::move(batch), [done](Result<> durable) mutable { done.deliver(std::move(durable)); });
  co_return co_await done.wait_on(loop);
}

void EventQueue::log(const AcceptedEvent& event, std::string_view text) const {
  const auto name = std::string_view(event.function_arn).substr(event.function_arn.rfind(':') + 1);
  parts_.log.write({runtime::LogLine::Source::platform, name, event.request_id, text, event.function_arn});
}

}  // namespace sallyport::lambda
