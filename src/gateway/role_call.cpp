#include "gateway/role_call.hpp"

#include "base/text.hpp"
#include "gateway/invocation.hpp"
#include "gateway/stage.hpp"

namespace sallyport::gateway {
namespace {

// As seen in the names of sessions that API Gateway makes.
constexpr std::string_view session_name = "BackplaneAssumeRoleSession";

}  // namespace

Result<lambda::AuthorizedCall> authorize_role_call(const Services& services, const Exchange& exchange, std::string_view credentials,
                                                   std::string_view function_arn) {
  const bool own = credentials == callers_own_credentials;
  const auto caller = own ? exchange.caller : services.guard.assume(credentials, gateway_service, session_name, exchange.at);
  if (!caller)
    return fail(own ? std::string("the caller's own credentials are wanted, and the method authenticates nobody with IAM")
                    : cat("API Gateway may not assume ", credentials));
  control::Access access{"lambda:InvokeFunction", std::string(function_arn)};
  if (const auto arn = aws::parse_arn(function_arn)) access.resource_account_id = std::string(arn->account_id);
  control::Circumstances circumstances;
  circumstances.now = exchange.at;
  circumstances.peer_address = exchange.peer_address;
  circumstances.region = exchange.stage->region;
  const auto verdict = services.guard.decide(*caller, access, circumstances);
  if (!verdict) return fail(control::denial_message(*caller, access, verdict));
  return lambda::AuthorizedCall::by_role(*caller);
}

}  // namespace sallyport::gateway
