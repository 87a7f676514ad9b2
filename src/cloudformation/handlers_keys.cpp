// AWS::ApiGateway::ApiKey, UsagePlan, UsagePlanKey, Model, RequestValidator.
#include "base/text.hpp"
#include "cloudformation/handlers.hpp"
#include "json/write.hpp"

namespace sallyport::cloudformation {
namespace {

constexpr std::size_t key_id_size = 10, key_value_size = 40, plan_id_size = 6;
constexpr int limit_max = 2'000'000'000;

gateway::TextMap read_tags(Properties& properties) {
  gateway::TextMap out;
  for (auto& tag : properties.objects("Tags")) {
    const auto key = tag.required_text("Key");
    out.insert_or_assign(key, tag.required_text("Value"));
    tag.finish();
  }
  return out;
}

gateway::ThrottleSettings read_throttle(Properties throttle) {
  gateway::ThrottleSettings out;
  out.rate_limit = throttle.number("RateLimit", 0, 1e9).value_or(0);
  out.burst_limit = throttle.integer("BurstLimit", 0, limit_max).value_or(0);
  throttle.finish();
  return out;
}

template <class T>
bool good(Workshop& workshop, const ResourceDeclaration& resource, const Properties& properties, const T& answer) {
  if (!answer) workshop.refused(resource, properties.whole(), answer.error());
  return static_cast<bool>(answer);
}

}  // namespace

std::optional<Attributes> make_api_key(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  gateway::CreateApiKeyRequest request;
  request.id = workshop.physical_id(resource.logical_id, key_id_size);
  request.name = properties.text("Name").value_or(workshop.physical_name(resource.logical_id, 255));
  request.description = properties.text("Description").value_or("");
  request.customer_id = properties.text("CustomerId").value_or("");
  request.enabled = properties.boolean("Enabled").value_or(false);
  request.tags = read_tags(properties);
  properties.boolean("GenerateDistinctId");  // ids and values are always distinct
  properties.unsupported("StageKeys", "AWS has put usage plans in their place: add AWS::ApiGateway::UsagePlan and ::UsagePlanKey");
  const auto value = properties.text("Value");
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  const auto* present = workshop.options.present_apis;
  const auto before = present ? present->api_keys.find(request.id) : decltype(present->api_keys.find(request.id)){};
  if (value)
    request.value = *value;
  else if (present && before != present->api_keys.end())
    request.value = before->second->value;  // its holders have it
  else
    request.value = make_id(workshop.random, key_value_size, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
  const auto made = workshop.apis.create_api_key(std::move(request));
  if (!good(workshop, resource, properties, made)) return std::nullopt;
  return named(resource, (*made)->id, {"APIKeyId"});
}

std::optional<Attributes> make_usage_plan(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  gateway::CreateUsagePlanRequest request;
  request.id = workshop.physical_id(resource.logical_id, plan_id_size);
  request.name = properties.text("UsagePlanName").value_or(workshop.physical_name(resource.logical_id, 255));
  request.description = properties.text("Description").value_or("");
  for (auto& stage : properties.objects("ApiStages")) {
    auto& made = request.stages.emplace_back();
    made.api_id = stage.required_text("ApiId");
    made.stage = stage.required_text("Stage");
    if (auto throttles = stage.object("Throttle")) {
      const auto* entries = throttles->whole();
      for (const auto& entry : entries == nullptr ? Map{} : *entries->map())
        made.throttles.emplace(entry.key, read_throttle(*throttles->object(entry.key)));
    }
    stage.finish();
  }
  if (auto throttle = properties.object("Throttle")) request.throttle = read_throttle(std::move(*throttle));
  if (auto quota = properties.object("Quota")) {
    request.quota.emplace();
    request.quota->limit = quota->integer("Limit", 0, limit_max).value_or(0);
    request.quota->offset = quota->integer("Offset", 0, limit_max).value_or(0);
    request.quota->period = quota->text("Period").value_or("");
    quota->finish();
  }
  request.tags = read_tags(properties);
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  const auto made = workshop.apis.create_usage_plan(std::move(request));
  if (!good(workshop, resource, properties, made)) return std::nullopt;
  return named(resource, (*made)->id, {"Id"});
}

std::optional<Attributes> make_usage_plan_key(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  const auto plan = properties.required_text("UsagePlanId");
  const auto key = properties.required_text("KeyId");
  const auto type = properties.required_text("KeyType");
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  if (!good(workshop, resource, properties, workshop.apis.create_usage_plan_key(plan, key, type))) return std::nullopt;
  return named(resource, cat(key, ":", plan), {"Id"});
}

std::optional<Attributes> make_model(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  gateway::CreateModelRequest request;
  request.id = workshop.physical_id(resource.logical_id, 6);
  request.rest_api_id = properties.required_text("RestApiId");
  request.name = properties.text("Name").value_or("");
  if (request.name.empty()) request.name = workshop.physical_id(resource.logical_id, 12);
  request.description = properties.text("Description").value_or("");
  request.content_type = properties.text("ContentType").value_or("application/json");
  const auto* schema = properties.node("Schema");
  if (schema != nullptr && !schema->is_broken())
    request.schema = schema->string() != nullptr ? *schema->string() : json::to_text(schema->to_json());
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  const auto made = workshop.apis.create_model(std::move(request));
  if (!good(workshop, resource, properties, made)) return std::nullopt;
  return named(resource, (*made)->name);
}

std::optional<Attributes> make_request_validator(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  gateway::CreateRequestValidatorRequest request;
  request.id = workshop.physical_id(resource.logical_id, 6);
  request.rest_api_id = properties.required_text("RestApiId");
  request.name = properties.text("Name").value_or(workshop.physical_name(resource.logical_id));
  request.validate_request_body = properties.boolean("ValidateRequestBody").value_or(false);
  request.validate_request_parameters = properties.boolean("ValidateRequestParameters").value_or(false);
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  const auto made = workshop.apis.create_request_validator(std::move(request));
  if (!good(workshop, resource, properties, made)) return std::nullopt;
  return named(resource, (*made)->id, {"RequestValidatorId"});
}

std::optional<Attributes> refuse_client_certificate(Workshop& workshop, const ResourceDeclaration& resource, Properties&) {
  workshop.report.problem(resource.at, cat("Resources.", resource.logical_id), "API Gateway shows no certificates to backends here",
                          "take it out, and ClientCertificateId of the stages");
  return std::nullopt;
}

}  // namespace sallyport::cloudformation
