#include "lambda/event_delivery.hpp"

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"
#include "lambda/function_invoker.hpp"
#include "lambda/operations.hpp"

namespace sallyport::lambda {
namespace {

constexpr std::string_view lambda_service = "lambda.amazonaws.com";

/// JSON goes in as it is; what is none, as a string.
void add_payload(json::Writer& record, std::string_view name, std::string_view payload) {
  record.key(name);
  if (payload.empty()) {
    record.null();
    return;
  }
  const auto parsed = json::parse(payload);
  // Names that stand twice are ours to refuse nowhere: AWS takes them.
  if (parsed || parsed.error().message.find("stands twice") != std::string::npos)
    record.raw(payload);
  else
    record.string(payload);
}

}  // namespace

std::optional<EventFunction> find_event_function(std::shared_ptr<const State> state, const AcceptedEvent& event) {
  if (!state) return std::nullopt;
  const auto name = std::string_view(event.function_arn).substr(event.function_arn.rfind(':') + 1);
  const auto found = state->functions.find(name);
  if (found == state->functions.end()) return std::nullopt;
  const auto* function = &*found->second;
  const auto* configuration = resolve(*function, event.qualifier);
  if (!configuration) return std::nullopt;
  const auto config = function->event_invoke_configs.find(event.qualifier == "$LATEST" ? std::string() : event.qualifier);
  return EventFunction{std::move(state), function, configuration,
                       config == function->event_invoke_configs.end() ? EventInvokeConfig() : config->second};
}

std::string destination_record(const AcceptedEvent& event, std::string_view payload, std::string_view condition, int attempts,
                               const std::optional<LastResponse>& response, WallTime now) {
  const auto write = [&](bool with_request, bool with_response) {
    std::string out;
    json::Writer record(out);
    record.begin_object().key("version").string("1.0").key("timestamp").string(iso8601_millis(now));
    record.key("requestContext").begin_object().key("requestId").string(event.request_id);
    record.key("functionArn").string(cat(event.function_arn, ":", event.qualifier.empty() ? "$LATEST" : event.qualifier));
    record.key("condition").string(condition).key("approximateInvokeCount").number(attempts).end_object();
    if (with_request) add_payload(record, "requestPayload", payload);
    if (response) {
      record.key("responseContext").begin_object().key("statusCode").number(200);
      record.key("executedVersion").string(response->executed_version);
      if (response->function_error) record.key("functionError").string(*response->function_error);
      record.end_object();
      if (with_response) add_payload(record, "responsePayload", response->payload);
    }
    record.end_object();
    return out;
  };
  auto out = write(true, true);
  if (out.size() > limits::async_event_bytes_max) out = write(true, false);
  if (out.size() > limits::async_event_bytes_max) out = write(false, false);
  return out;
}

Result<Delivery> authorize_delivery(const control::Guard& guard, const EventFunction& from, std::string_view executed_version,
                                    std::string_view destination, WallTime now) {
  const auto& scope = from.state->scope;
  const auto reference = parse_function_reference(scope, destination);
  const auto found = reference ? from.state->functions.find(reference->function_name) : from.state->functions.end();
  if (found == from.state->functions.end() || !resolve(*found->second, reference->qualifier)) return fail("there is no such function");
  const auto* executed = executed_version.empty() ? nullptr : resolve(*from.function, executed_version);
  const auto& role = executed ? executed->role : from.configuration->role;
  // A role of another account would let one account act with another's rights.
  const auto role_arn = aws::parse_arn(role);
  if (!role_arn || role_arn->account_id != scope.account_id) return fail("its function has no execution role of its own account");
  const auto caller = guard.assume(role, lambda_service, from.configuration->function_name, now);
  if (!caller) return fail(cat("Lambda may not assume ", role));

  const auto qualifier = reference->qualifier == "$LATEST" ? std::string() : reference->qualifier;
  Delivery delivery{aws::function_arn(scope, reference->function_name), reference->qualifier};
  control::Access access{"lambda:InvokeFunction",
                         aws::function_arn(scope, reference->function_name, qualifier),
                         {{"lambda:FunctionArn", {delivery.function_arn}}},
                         scope.account_id};
  for (const auto& [key, value] : found->second->tags) access.context.push_back({cat("aws:ResourceTag/", key), {value}});
  if (const auto policy = found->second->policies.find(qualifier); policy != found->second->policies.end())
    access.resource_policy = policy->second.document;
  control::Circumstances circumstances;
  circumstances.now = now;
  circumstances.region = scope.region;
  const auto verdict = guard.decide(*caller, access, circumstances);
  if (!verdict) return fail(control::denial_message(*caller, access, verdict));
  return delivery;
}

}  // namespace sallyport::lambda
