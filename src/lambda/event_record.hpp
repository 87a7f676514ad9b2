// How accepted events lie in the store: one record an event with its payload, written once, and a small one beside it after an attempt that
// failed. Both go when the event is done.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "store/store.hpp"

namespace sallyport::lambda {

/// An asynchronous invocation that was acknowledged and is not done.
struct AcceptedEvent {
  std::uint64_t sequence = 0;  // of acceptance; its name in the store
  std::string account_id, region;
  std::string function_arn;  // unqualified
  std::string qualifier;     // as the caller gave it, empty for none
  std::string request_id;    // one for all attempts
  std::string trace_id;
  WallTime accepted{};
  int hops = 0;  // deliveries to a destination between the first call and this event
  std::size_t payload_bytes = 0;
  std::optional<std::string> payload;  // nothing: in the store alone

  int failures = 0;                                 // attempts that the function failed
  std::optional<std::chrono::milliseconds> waited;  // before the last attempt that found no room; not kept over a restart

  /// As the caller named it.
  std::string invoked_arn() const { return qualifier.empty() ? function_arn : function_arn + ":" + qualifier; }
};

/// What an attempt that failed leaves for the next one, or for the record of the end.
struct FailedAttempt {
  int failures = 0;
  WallTime next_at{};
  std::string executed_version, function_error;
  std::string payload;  // what the function answered
};

/// The service of the records' keys, so that starting reads nothing else.
inline constexpr std::string_view event_service = "lambda-events";
inline constexpr std::string_view event_kind = "event", attempt_kind = "failed-attempt";

store::Key event_key(const AcceptedEvent& event);
store::Key attempt_key(const AcceptedEvent& event);
/// One line of JSON, and the payload as it came.
std::string event_text(const AcceptedEvent& event, std::string_view payload);
std::string attempt_text(const FailedAttempt& attempt);

/// With its payload. Fails on a record that is not ours.
Result<AcceptedEvent> read_event(const store::Record& record);
/// Of the text of an event's record.
Result<std::string> read_event_payload(std::string_view text);
Result<FailedAttempt> read_attempt(std::string_view text);

}  // namespace sallyport::lambda
