#include "http_api/authorizer_call.hpp"

#include "base/text.hpp"
#include "gateway/authorizer_call.hpp"
#include "gateway/stage.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::http_api {
namespace {

Result<json::Value> parse_context(const json::Value* context, PayloadVersion version) {
  if (!context || context->is_null()) return json::Value();
  if (!context->object()) return fail(cat("context is ", context->kind(), ", not an object"));
  if (version == PayloadVersion::v1)
    for (const auto& [key, value] : *context->object())
      if (!value.string() && !value.number() && !value.boolean())
        return fail(cat("context.", key, " is ", value.kind(), ": format 1.0 allows strings, numbers and booleans alone"));
  return *context;
}

Result<Grant> parse_simple(const json::Value& answer) {
  const auto* verdict = answer.find("isAuthorized");
  if (!verdict) return fail("the answer has no isAuthorized, as a simple response must");
  if (!verdict->boolean()) return fail(cat("isAuthorized is ", verdict->kind(), ", not a boolean"));
  Grant grant;
  grant.is_authorized = *verdict->boolean();
  return grant;
}

Result<Grant> parse_policy(const json::Value& answer) {
  const auto* principal = answer.find("principalId");
  if (!principal || !principal->string()) return fail("the answer has no principalId that is a string");
  const auto* document = answer.find("policyDocument");
  if (!document) return fail("the answer has no policyDocument");
  auto policy = gateway::parse_policy_document(*document);
  if (!policy) return std::unexpected(policy.error());
  Grant grant;
  grant.principal_id = *principal->string();
  grant.policy = std::move(*policy);
  grant.policy_reads_circumstances = gateway::reads_circumstances(json::to_text(*document));
  return grant;
}

auto internal(std::string why) { return fail(Refusal{RefusalKind::internal_error, std::move(why)}); }

Refusal judge_function_error(const lambda::InvokeResponse& response, const Choices& choices) {
  const auto error = json::parse(response.payload);
  const auto* message = error ? error->find("errorMessage") : nullptr;
  const auto* text = message ? message->string() : nullptr;
  if (text && *text == "Unauthorized" && choices.raised_unauthorized == Choices::RaisedUnauthorized::unauthorized)
    return {RefusalKind::unauthorized, "the authorizer raised `Unauthorized`"};
  return {RefusalKind::internal_error,
          cat("the authorizer function failed: ", text ? std::string_view(*text) : std::string_view("no errorMessage"))};
}

}  // namespace

Result<Grant> parse_grant(std::string_view payload, PayloadVersion version, ResponseForm form) {
  if (payload.size() > gateway::limits::authorizer_answer_bytes_max)
    return fail(cat("the answer is larger than ", gateway::limits::authorizer_answer_bytes_max, " bytes"));
  const auto parsed = json::parse(payload, json::limits::document_depth_max);
  if (!parsed) return fail(cat("the answer is not JSON: ", parsed.error().message));
  if (!parsed->object()) return fail(cat("the answer is ", parsed->kind(), ", not an object"));
  auto grant = form == ResponseForm::simple ? parse_simple(*parsed) : parse_policy(*parsed);
  if (!grant) return grant;
  auto context = parse_context(parsed->find("context"), version);
  if (!context) return std::unexpected(context.error());
  grant->context = std::move(*context);
  return grant;
}

Result<Grant, Refusal> judge(const gateway::Invocation& invocation, PayloadVersion version, ResponseForm form, const Choices& choices) {
  if (!invocation) {
    const auto& failure = invocation.error();
    if (failure.kind == gateway::InvocationFailure::Kind::timed_out) return internal("the authorizer function did not answer in time");
    return internal(cat("the authorizer function could not be called: ", failure.error.code, ": ", failure.error.message));
  }
  if (invocation->function_error) return fail(judge_function_error(*invocation, choices));
  auto grant = parse_grant(invocation->payload, version, form);
  if (!grant) return internal(std::move(grant.error().message));
  return std::move(*grant);
}

}  // namespace sallyport::http_api
