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
  // A role of another account would let one account act with another's rights.
  const auto arn = aws::parse_arn(credentials);
  if (!own && (!arn || arn->account_id != exchange.stage->account_id)) return fail(cat(credentials, " is a role of another account"));
  const auto target = services.invoker.target_of(function_arn);
  if (!target) return fail(cat("there is no function ", function_arn));
  control::Access access{"lambda:InvokeFunction", target->arn, {{"lambda:FunctionArn", {target->function_arn}}}, target->account_id};
  for (const auto& [key, value] : target->tags) access.context.push_back({cat("aws:ResourceTag/", key), {value}});
  control::Circumstances circumstances;
  circumstances.now = exchange.at;
  circumstances.peer_address = exchange.peer_address;
  circumstances.region = exchange.stage->region;
  const auto verdict = services.guard.decide(*caller, access, circumstances);
  if (!verdict) return fail(control::denial_message(*caller, access, verdict));
  return lambda::AuthorizedCall::by_role(*caller);
}

}  // namespace sallyport::gateway
