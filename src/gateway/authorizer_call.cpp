#include "gateway/authorizer_call.hpp"

#include "base/text.hpp"
#include "gateway/stage.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::gateway {
namespace {

Result<void> check_resource_sizes(const json::Value& statement) {
  for (auto key : {"Resource", "NotResource"}) {
    const auto* value = statement.find(key);
    if (!value) continue;
    const auto too_long = [](const json::Value& one) { return one.string() && one.string()->size() > limits::policy_resource_bytes_max; };
    const auto* list = value->array();
    if (too_long(*value) || (list && std::any_of(list->begin(), list->end(), too_long)))
      return fail(cat("a ", key, " in policyDocument is longer than ", limits::policy_resource_bytes_max, " characters"));
  }
  return {};
}

Result<std::vector<std::pair<std::string, std::string>>> parse_context(const json::Value& context, const Choices& choices) {
  std::vector<std::pair<std::string, std::string>> result;
  if (context.is_null()) return result;
  const auto* members = context.object();
  if (!members) return fail(cat("context is ", context.kind(), ", not an object"));
  for (const auto& [key, value] : *members) {
    if (const auto* text = value.string())
      result.emplace_back(key, *text);
    else if (const auto* number = value.number())
      result.emplace_back(key, number->text);
    else if (const auto* boolean = value.boolean())
      result.emplace_back(key, *boolean ? "true" : "false");
    else if (value.is_null() && choices.null_context == Choices::NullContext::left_out)
      continue;
    else
      return fail(cat("context.", key, " is ", value.kind(), ": only strings, numbers and booleans are allowed"));
  }
  return result;
}

Refusal configuration_error(std::string why) { return {ResponseType::authorizer_configuration_error, std::nullopt, 0, std::move(why)}; }

Refusal judge_function_error(const lambda::InvokeResponse& response) {
  const auto error = json::parse(response.payload);
  const auto* message = error ? error->find("errorMessage") : nullptr;
  const auto* text = message ? message->string() : nullptr;
  if (text && *text == "Unauthorized") return {ResponseType::unauthorized, std::nullopt, 0, "the authorizer raised `Unauthorized`"};
  return configuration_error(cat("the authorizer function failed: ", text ? std::string_view(*text) : std::string_view("no errorMessage")));
}

}  // namespace

Result<policy::Document> parse_policy_document(const json::Value& text) {
  if (!text.object()) return fail(cat("policyDocument is ", text.kind(), ", not an object"));
  if (const auto* statements = text.find("Statement")) {
    const auto* list = statements->array();
    if (!list) {
      if (auto good = check_resource_sizes(*statements); !good) return std::unexpected(good.error());
    } else {
      for (const auto& statement : *list)
        if (auto good = check_resource_sizes(statement); !good) return std::unexpected(good.error());
    }
  }
  auto document = policy::Document::compile(text, policy::DocumentKind::authorizer);
  if (!document) return fail(cat("policyDocument: ", document.error().message));
  return document;
}

Result<Grant> parse_grant(std::string_view payload, const Choices& choices) {
  if (payload.size() > limits::authorizer_answer_bytes_max)
    return fail(cat("the answer is larger than ", limits::authorizer_answer_bytes_max, " bytes"));
  const auto parsed = json::parse(payload, json::limits::document_depth_max);
  if (!parsed) return fail(cat("the answer is not JSON: ", parsed.error().message));
  if (!parsed->object()) return fail(cat("the answer is ", parsed->kind(), ", not an object"));
  const auto* principal = parsed->find("principalId");
  if (!principal || !principal->string()) return fail("the answer has no principalId that is a string");
  const auto* policy_text = parsed->find("policyDocument");
  if (!policy_text) return fail("the answer has no policyDocument");
  auto document = parse_policy_document(*policy_text);
  if (!document) return std::unexpected(document.error());
  const auto* context_value = parsed->find("context");
  auto context = parse_context(context_value ? *context_value : json::Value(), choices);
  if (!context) return std::unexpected(context.error());
  Grant grant{*principal->string(), std::move(*document), reads_circumstances(json::to_text(*policy_text)), std::move(*context), {}};
  if (const auto* key = parsed->find("usageIdentifierKey"); key && !key->is_null()) {
    if (!key->string()) return fail(cat("usageIdentifierKey is ", key->kind(), ", not a string"));
    grant.usage_identifier_key = *key->string();
  }
  return grant;
}

Result<Grant, Refusal> judge(const Invocation& invocation, const Choices& choices) {
  if (!invocation) {
    const auto& failure = invocation.error();
    if (failure.kind == InvocationFailure::Kind::timed_out)
      return fail(configuration_error("the authorizer function did not answer in time"));
    const auto why = cat("the authorizer function could not be called: ", failure.error.code, ": ", failure.error.message);
    // Faults of the machinery, as opposed to the configuration, have a type of their own.
    if (failure.error.status >= 500) return fail(Refusal{ResponseType::authorizer_failure, std::nullopt, 0, why});
    return fail(configuration_error(why));
  }
  if (invocation->function_error) return fail(judge_function_error(*invocation));
  auto grant = parse_grant(invocation->payload, choices);
  if (!grant) return fail(configuration_error(std::move(grant.error().message)));
  return std::move(*grant);
}

}  // namespace sallyport::gateway
