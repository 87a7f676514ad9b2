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
  return authorize_role_call(
      services.guard, services.invoker,
      {credentials, function_arn, exchange.stage->account_id, exchange.stage->region, exchange.caller, exchange.peer_address, exchange.at});
}

Result<lambda::AuthorizedCall> authorize_role_call(const control::Guard& guard, const lambda::Invoker& invoker, const RoleCall& call) {
  const bool own = call.credentials == callers_own_credentials;
  const auto caller = own ? call.caller : guard.assume(call.credentials, gateway_service, session_name, call.at);
  if (!caller)
    return fail(own ? std::string("the caller's own credentials are wanted, and the method authenticates nobody with IAM")
                    : cat("API Gateway may not assume ", call.credentials));
  // A role of another account would let one account act with another's rights.
  const auto arn = aws::parse_arn(call.credentials);
  if (!own && (!arn || arn->account_id != call.account_id)) return fail(cat(call.credentials, " is a role of another account"));
  const auto target = invoker.target_of(call.function_arn);
  if (!target) return fail(cat("there is no function ", call.function_arn));
  control::Access access{"lambda:InvokeFunction", target->arn, {{"lambda:FunctionArn", {target->function_arn}}}, target->account_id};
  for (const auto& [key, value] : target->tags) access.context.push_back({cat("aws:ResourceTag/", key), {value}});
  control::Circumstances circumstances;
  circumstances.now = call.at;
  circumstances.peer_address = call.peer_address;
  circumstances.region = call.region;
  const auto verdict = guard.decide(*caller, access, circumstances);
  if (!verdict) return fail(control::denial_message(*caller, access, verdict));
  return lambda::AuthorizedCall::by_role(*caller);
}

}  // namespace sallyport::gateway
