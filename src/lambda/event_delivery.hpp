// What becomes of an event that is done: the record its destination gets, and whether the function may call that destination.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "control/guard.hpp"
#include "lambda/event_record.hpp"
#include "lambda/state.hpp"

namespace sallyport::lambda {

/// How an event ended, in the words of the record.
namespace condition {
inline constexpr std::string_view success = "Success", retries_exhausted = "RetriesExhausted", event_age_exceeded = "EventAgeExceeded",
                                  zero_reserved_concurrency = "ZeroReservedConcurrency";
}

/// What the function answered last.
struct LastResponse {
  std::string executed_version;
  std::optional<std::string> function_error;
  std::string payload;
};

/// The function of an event as it is now. The pointers live as long as `state`.
struct EventFunction {
  std::shared_ptr<const State> state;
  const Function* function;
  const FunctionConfiguration* configuration;  // of what the event's qualifier stands for
  EventInvokeConfig config;                    // of that qualifier; empty when there is none
};
/// Nothing when the function, or the version or alias, is gone.
std::optional<EventFunction> find_event_function(std::shared_ptr<const State> state, const AcceptedEvent& event);

/// The record as AWS writes it, member by member. A payload that would make it too large for an event is left out, the response first.
/// `attempts`: those the function ran. Source: Lambda developer guide, "Capturing records of asynchronous invocations".
std::string destination_record(const AcceptedEvent& event, std::string_view payload, std::string_view condition, int attempts,
                               const std::optional<LastResponse>& response, WallTime now);

struct Delivery {
  std::string function_arn;  // unqualified
  std::string qualifier;     // as the destination has it
};
/// May the function's role call the destination, a function of the same account and region? The role is that of the version that ran: of an
/// alias with weights not always the first one's. `executed_version` is empty when none did; then, and when that version is gone, the role
/// is that of what the event's qualifier stands for. The error says why not.
Result<Delivery> authorize_delivery(const control::Guard& guard, const EventFunction& from, std::string_view executed_version,
                                    std::string_view destination, WallTime now);

}  // namespace sallyport::lambda
