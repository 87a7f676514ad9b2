// AuthorizerCall: what one call of an authorizer function gave. Immutable; the cache, every request it served and the traces share it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/name.hpp"
#include "base/result.hpp"
#include "gateway/choices.hpp"
#include "gateway/invocation.hpp"
#include "gateway/response_type.hpp"
#include "policy/policy.hpp"

namespace sallyport::gateway {

namespace limits {
inline constexpr std::size_t authorizer_answer_bytes_max = 64 * 1024;
inline constexpr std::size_t policy_resource_bytes_max = 512;  // AWS's own figure
inline constexpr std::chrono::milliseconds authorizer_time{29'000};
}  // namespace limits

/// A usable answer: whom the function recognised and what it lets them do.
struct Grant {
  std::string principal_id;
  policy::Document policy;
  bool policy_reads_circumstances;                           // has conditions or variables
  std::vector<std::pair<std::string, std::string>> context;  // every value as text
  std::optional<std::string> usage_identifier_key;
};

struct AuthorizerCall {
  Result<Grant, Refusal> outcome;
  RequestId request_id;               // of the request that made the call
  RequestId function_request_id;      // of the invocation: the id in the function's log lines; empty when nothing ran
  std::chrono::milliseconds latency;  // of the call
  std::string answer;                 // as the function gave it, for `explain`

  /// What it takes in memory, about.
  std::size_t byte_count() const { return 1024 + 2 * answer.size() + (outcome ? outcome->policy.byte_count() : 0); }
};

/// The `policyDocument` of an authorizer's answer. Refuses a Resource that is too long.
Result<policy::Document> parse_policy_document(const json::Value& document);

/// The function's result to a grant. Errors are for people; to the client every one of them is AUTHORIZER_CONFIGURATION_ERROR.
/// Unknown members are ignored. Source: API Gateway developer guide, "Output from a Lambda authorizer".
Result<Grant> parse_grant(std::string_view payload, const Choices& choices);

/// What an invocation came to. `errorMessage` exactly `Unauthorized` is a 401, every other failure a 500.
Result<Grant, Refusal> judge(const Invocation& invocation, const Choices& choices);

}  // namespace sallyport::gateway
