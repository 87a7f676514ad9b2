// AuthorizerCall: what one call of a REQUEST authorizer's function gave. Immutable; the cache, every request it served and the traces share
// it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/name.hpp"
#include "base/result.hpp"
#include "gateway/call_cache.hpp"
#include "gateway/invocation.hpp"
#include "http_api/choices.hpp"
#include "http_api/refusal.hpp"
#include "http_api/state.hpp"
#include "json/value.hpp"
#include "policy/policy.hpp"

namespace sallyport::http_api {

namespace limits {
inline constexpr std::chrono::milliseconds authorizer_time{10'000};  // AWS
}  // namespace limits

/// A usable answer: whom the function recognised and what it lets them do.
struct Grant {
  std::string principal_id;                // of a policy response; may be empty
  std::optional<policy::Document> policy;  // none: a simple response
  bool policy_reads_circumstances = false;
  bool is_authorized = false;  // of a simple response
  json::Value context;         // an object, or null
};

struct AuthorizerCall {
  Result<Grant, Refusal> outcome;
  std::string request_id;         // of the request that made the call
  RequestId function_request_id;  // of the invocation; empty when nothing ran
  std::chrono::milliseconds latency{0};
  std::string answer;  // as the function gave it, for `explain`

  /// What it takes in memory, about.
  std::size_t byte_count() const { return 1024 + 3 * answer.size() + (outcome && outcome->policy ? outcome->policy->byte_count() : 0); }
};

/// The policy is kept and asked anew for each request; a simple response is kept as the verdict it is.
class AuthorizerCache final : public gateway::CallCache<AuthorizerCall> {
 public:
  using CallCache::CallCache;
};

enum class ResponseForm : std::uint8_t { policy, simple };

/// The function's result to a grant. Errors are for people; to the client every one of them is 500. Format 1.0 takes strings, numbers and
/// booleans in `context`, format 2.0 everything. Source: API Gateway developer guide, "Lambda authorizers" of HTTP APIs.
Result<Grant> parse_grant(std::string_view payload, PayloadVersion version, ResponseForm form);

/// What an invocation came to.
Result<Grant, Refusal> judge(const gateway::Invocation& invocation, PayloadVersion version, ResponseForm form, const Choices& choices);

}  // namespace sallyport::http_api
