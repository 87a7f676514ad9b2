// Functions that API Gateway calls as somebody: `credentials` of an integration or authorizer.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "gateway/exchange.hpp"
#include "gateway/services.hpp"
#include "lambda/invoker.hpp"

namespace sallyport::gateway {

/// The caller's own credentials instead of a role's.
inline constexpr std::string_view callers_own_credentials = "arn:aws:iam::*:user/*";

/// May the function be called as this role (or as the caller), in place of the function's own policy? The role's trust policy has to let
/// apigateway.amazonaws.com in, and its policies have to allow lambda:InvokeFunction. The error says what is missing.
/// Source: API Gateway developer guide, "API Gateway permissions model for invoking an API", credentials of integrations.
Result<lambda::AuthorizedCall> authorize_role_call(const Services& services, const Exchange& exchange, std::string_view credentials,
                                                   std::string_view function_arn);

/// A call of a function on behalf of a request, whatever kind of API it came to.
struct RoleCall {
  std::string_view credentials, function_arn;
  std::string_view account_id, region;        // of the API
  std::shared_ptr<const aws::Caller> caller;  // whom IAM has authenticated; null: nobody
  std::string_view peer_address;
  WallTime at;
};
Result<lambda::AuthorizedCall> authorize_role_call(const control::Guard& guard, const lambda::Invoker& invoker, const RoleCall& call);

}  // namespace sallyport::gateway
