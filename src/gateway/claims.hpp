// Claims: what an authorizer that reads tokens tells the backend. User pools' claims are all text, as AWS's Java service prints them; those
// of JWT authorizers keep their JSON types. Source: recorded events; API Gateway developer guide, "JWT authorizers for REST APIs".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "gateway/state.hpp"
#include "json/value.hpp"

namespace sallyport::gateway {

/// Mon Jun 15 05:56:21 UTC 2026
std::string java_date(WallTime time);

/// `requestContext.authorizer.claims` of a proxy event.
json::Object claims_for_event(AuthorizerType type, const json::Value& claims);
/// A claim as `$context.authorizer.claims.<name>` has it: of a user pool its text, of a JWT authorizer its JSON text, quotes and all, with
/// everything beyond ASCII escaped. Nothing when there is no such claim.
std::optional<std::string> claim_text(AuthorizerType type, const json::Value& claims, std::string_view name);

}  // namespace sallyport::gateway
