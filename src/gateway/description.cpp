#include "gateway/description.hpp"

#include <charconv>

#include "base/text.hpp"
#include "gateway/operations.hpp"
#include "json/write.hpp"

namespace sallyport::gateway {
namespace {

using json::Array;
using json::Object;
using json::Value;

Value seconds(WallTime time) { return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count(); }

Value real(double number) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, number).ptr;
  return json::Number{std::string(text, end)};
}

void add_text(Object& out, std::string_view name, std::string_view text) {
  if (!text.empty()) out.emplace_back(name, text);
}

template <class Map>
Object object_of(const Map& map) {
  Object out;
  for (const auto& [key, value] : map) out.emplace_back(key, value);
  return out;
}

template <class Map>
void add_map(Object& out, std::string_view name, const Map& map) {
  if (!map.empty()) out.emplace_back(name, object_of(map));
}

Array texts(const std::vector<std::string>& list) { return Array(list.begin(), list.end()); }

/// A policy is JSON text in which quotes are escaped once more than JSON needs: clients take that off themselves.
std::string escaped_policy(const Value& policy) {
  std::string literal;
  json::append_string(literal, json::to_text(policy));
  return literal.substr(1, literal.size() - 2);
}

Object throttle_object(const ThrottleSettings& throttle) {
  return {{"burstLimit", throttle.burst_limit}, {"rateLimit", real(throttle.rate_limit)}};
}

Value describe(const MethodSetting& setting) {
  return Object{{"metricsEnabled", setting.metrics_enabled},
                {"loggingLevel", setting.logging_level},
                {"dataTraceEnabled", setting.data_trace_enabled},
                {"throttlingBurstLimit", setting.throttling_burst_limit.value_or(-1)},
                {"throttlingRateLimit", real(setting.throttling_rate_limit.value_or(-1))},
                {"cachingEnabled", setting.caching_enabled},
                {"cacheTtlInSeconds", setting.cache_ttl_s},
                {"cacheDataEncrypted", setting.cache_data_encrypted},
                {"requireAuthorizationForCacheControl", setting.cache_control_requires_authorization},
                {"unauthorizedCacheControlHeaderStrategy", setting.unauthorized_cache_control}};
}

}  // namespace

Value describe(const TextMap& map) { return object_of(map); }

Value describe(const RestApi& api, EmptyTags tags) {
  const auto& definition = *api.draft;
  Object out{{"id", api.id}, {"name", api.name}};
  add_text(out, "description", api.description);
  out.emplace_back("createdDate", seconds(api.created));
  add_text(out, "version", api.version);
  if (!definition.binary_media_types.empty()) out.emplace_back("binaryMediaTypes", texts(definition.binary_media_types));
  out.emplace_back("apiKeySource", api.api_key_source);
  out.emplace_back("endpointConfiguration", Object{{"types", Array{api.endpoint_type}}, {"ipAddressType", "ipv4"}});
  if (definition.resource_policy) out.emplace_back("policy", escaped_policy(*definition.resource_policy));
  if (tags == EmptyTags::shown || !api.tags.empty()) out.emplace_back("tags", object_of(api.tags));
  out.emplace_back("disableExecuteApiEndpoint", definition.disable_execute_api_endpoint);
  out.emplace_back("rootResourceId", api.root_resource_id);
  return out;
}

Value describe(const Resource& resource, bool whole) {
  Object out{{"id", resource.id}};
  add_text(out, "parentId", resource.parent_id);
  add_text(out, "pathPart", resource.path_part);
  out.emplace_back("path", resource.path);
  if (resource.methods.empty()) return out;
  Object methods;
  for (const auto& [verb, method] : resource.methods)
    methods.emplace_back(verb, whole ? describe(resource, verb, method) : Value(Object{}));
  out.emplace_back("resourceMethods", std::move(methods));
  return out;
}

Value describe(const Resource& resource, std::string_view http_method, const MethodSettings& method) {
  Object out{{"httpMethod", http_method}, {"authorizationType", name_of(method.authorization)}};
  if (method.authorizer_id) out.emplace_back("authorizerId", *method.authorizer_id);
  if (!method.authorization_scopes.empty()) out.emplace_back("authorizationScopes", texts(method.authorization_scopes));
  out.emplace_back("apiKeyRequired", method.api_key_required);
  add_text(out, "requestValidatorId", method.request_validator_id);
  add_text(out, "operationName", method.operation_name);
  add_map(out, "requestParameters", method.request_parameters);
  add_map(out, "requestModels", method.request_models);
  if (!method.responses.empty()) {
    Object responses;
    for (const auto& [status, response] : method.responses) responses.emplace_back(status, describe(status, response));
    out.emplace_back("methodResponses", std::move(responses));
  }
  if (method.integration) out.emplace_back("methodIntegration", describe(resource.id, *method.integration));
  return out;
}

Value describe(std::string_view status_code, const MethodResponse& response) {
  Object out{{"statusCode", status_code}};
  add_map(out, "responseParameters", response.response_parameters);
  add_map(out, "responseModels", response.response_models);
  return out;
}

Value describe(std::string_view resource_id, const IntegrationSettings& integration) {
  Object out{{"type", name_of(integration.type)}};
  add_text(out, "httpMethod", integration.http_method);
  add_text(out, "uri", integration.uri);
  if (integration.names_connection) out.emplace_back("connectionType", "INTERNET");
  add_text(out, "credentials", integration.credentials);
  add_map(out, "requestParameters", integration.request_parameters);
  add_map(out, "requestTemplates", integration.request_templates);
  out.emplace_back("passthroughBehavior", name_of(integration.passthrough));
  if (integration.content_handling != ContentHandling::as_it_comes)
    out.emplace_back("contentHandling", name_of(integration.content_handling));
  out.emplace_back("timeoutInMillis", integration.timeout.count());
  out.emplace_back("cacheNamespace", integration.cache_namespace.empty() ? resource_id : std::string_view(integration.cache_namespace));
  out.emplace_back("cacheKeyParameters", texts(integration.cache_key_parameters));
  if (!integration.responses.empty()) {
    Object responses;
    for (const auto& [status, response] : integration.responses) responses.emplace_back(status, describe(status, response));
    out.emplace_back("integrationResponses", std::move(responses));
  }
  return out;
}

Value describe(std::string_view status_code, const IntegrationResponse& response) {
  Object out{{"statusCode", status_code}};
  add_text(out, "selectionPattern", response.selection_pattern);
  add_map(out, "responseParameters", response.response_parameters);
  add_map(out, "responseTemplates", response.response_templates);
  if (response.content_handling != ContentHandling::as_it_comes) out.emplace_back("contentHandling", name_of(response.content_handling));
  return out;
}

namespace {

Value describe(const JwtConfiguration& configuration) {
  Array issuers;
  for (const auto& issuer : configuration.issuers) {
    Object one{{"issuer", issuer.issuer}, {"audiences", texts(issuer.audiences)}};
    Array claims;
    for (const auto& claim : issuer.claims) {
      Object rule{{"claimName", claim.name}, {"format", name_of(claim.format)}};
      if (!claim.expected.empty()) rule.emplace_back("expectedValues", texts(claim.expected));
      rule.emplace_back("required", claim.required);
      claims.emplace_back(std::move(rule));
    }
    if (!claims.empty()) one.emplace_back("additionalClaims", std::move(claims));
    add_text(one, "jwksUri", issuer.jwks_uri);
    issuers.emplace_back(std::move(one));
  }
  return Object{{"defaultAlgorithms", texts(configuration.algorithms)}, {"issuers", std::move(issuers)}};
}

}  // namespace

Value describe(const AuthorizerSettings& authorizer) {
  Object out{{"id", authorizer.id}, {"name", authorizer.name}, {"type", name_of(authorizer.type)}};
  if (authorizer.type == AuthorizerType::cognito_user_pools || authorizer.type == AuthorizerType::jwt) {
    // Tokens are verified each time: there is no result to keep, and only what was asked for is shown.
    if (authorizer.type == AuthorizerType::cognito_user_pools) {
      out.emplace_back("providerARNs", texts(authorizer.provider_arns));
      out.emplace_back("authType", "cognito_user_pools");
    } else {
      out.emplace_back("jwtConfiguration", describe(authorizer.jwt));
    }
    add_text(out, "identitySource", authorizer.identity_source);
    add_text(out, "identityValidationExpression", authorizer.validation_expression);
    if (authorizer.ttl != AuthorizerSettings{}.ttl) out.emplace_back("authorizerResultTtlInSeconds", authorizer.ttl.count());
    return out;
  }
  out.emplace_back("authType", "custom");
  out.emplace_back("authorizerUri", authorizer.uri);
  add_text(out, "identitySource", authorizer.identity_source);
  add_text(out, "identityValidationExpression", authorizer.validation_expression);
  add_text(out, "authorizerCredentials", authorizer.credentials);
  out.emplace_back("authorizerResultTtlInSeconds", authorizer.ttl.count());
  return out;
}

Value describe(ResponseType type, const Definition& definition) {
  const auto& row = row_of(type);
  const auto found = definition.gateway_responses.find(type);
  const auto* customised = found == definition.gateway_responses.end() ? nullptr : &found->second;
  Object out{{"responseType", row.name}};
  if (customised && customised->status)
    out.emplace_back("statusCode", cat(*customised->status));
  else if (!customised && row.status != 0)
    out.emplace_back("statusCode", cat(row.status));
  out.emplace_back("responseParameters", customised ? object_of(customised->parameters) : Object{});
  out.emplace_back("responseTemplates", customised ? object_of(customised->templates)
                                                   : Object{{"application/json", R"({"message":$context.error.messageString})"}});
  out.emplace_back("defaultResponse", customised == nullptr);
  return out;
}

Value describe(const Model& model) {
  Object out{{"id", model.id}, {"name", model.name}};
  add_text(out, "description", model.description);
  add_text(out, "schema", model.schema);
  out.emplace_back("contentType", model.content_type);
  return out;
}

Value describe(const RequestValidator& validator) {
  Object out{{"id", validator.id}};
  add_text(out, "name", validator.name);
  out.emplace_back("validateRequestBody", validator.validates_body);
  out.emplace_back("validateRequestParameters", validator.validates_parameters);
  return out;
}

Value describe(const Deployment& deployment, bool summary) {
  Object out{{"id", deployment.id}};
  add_text(out, "description", deployment.description);
  out.emplace_back("createdDate", seconds(deployment.created));
  if (!summary) return out;
  Object paths;
  for (const auto& [id, resource] : deployment.definition->resources) {
    if (resource.methods.empty()) continue;
    Object methods;
    for (const auto& [verb, method] : resource.methods)
      methods.emplace_back(verb, Object{{"authorizationType", name_of(method.authorization)}, {"apiKeyRequired", method.api_key_required}});
    paths.emplace_back(resource.path, std::move(methods));
  }
  out.emplace_back("apiSummary", std::move(paths));
  return out;
}

Value describe(const StageSettings& stage) {
  Object out{{"deploymentId", stage.deployment_id}, {"stageName", stage.name}};
  add_text(out, "description", stage.description);
  out.emplace_back("cacheClusterEnabled", stage.cache_cluster_enabled);
  add_text(out, "cacheClusterSize", stage.cache_cluster_size);
  out.emplace_back("cacheClusterStatus", stage.cache_cluster_enabled ? "AVAILABLE" : "NOT_AVAILABLE");
  Object settings;
  for (const auto& [method, setting] : stage.method_settings) settings.emplace_back(method, describe(setting));
  out.emplace_back("methodSettings", std::move(settings));
  add_map(out, "variables", stage.variables);
  add_text(out, "documentationVersion", stage.documentation_version);
  if (!stage.access_log_destination.empty() || !stage.access_log_format.empty()) {
    Object log;
    add_text(log, "format", stage.access_log_format);
    add_text(log, "destinationArn", stage.access_log_destination);
    out.emplace_back("accessLogSettings", std::move(log));
  }
  out.emplace_back("tracingEnabled", false);
  add_map(out, "tags", stage.tags);
  out.emplace_back("createdDate", seconds(stage.created));
  out.emplace_back("lastUpdatedDate", seconds(stage.updated));
  return out;
}

Value describe(const ApiKey& key, bool with_value) {
  Object out{{"id", key.id}};
  if (with_value) out.emplace_back("value", key.value);
  add_text(out, "name", key.name);
  add_text(out, "customerId", key.customer_id);
  add_text(out, "description", key.description);
  out.emplace_back("enabled", key.enabled);
  out.emplace_back("createdDate", seconds(key.created));
  out.emplace_back("lastUpdatedDate", seconds(key.updated));
  out.emplace_back("stageKeys", Array{});
  add_map(out, "tags", key.tags);
  return out;
}

Value describe(const UsagePlan& plan) {
  Object out{{"id", plan.id}, {"name", plan.name}};
  add_text(out, "description", plan.description);
  Array stages;
  for (const auto& stage : plan.stages) {
    Object one{{"apiId", stage.api_id}, {"stage", stage.stage}};
    if (!stage.throttles.empty()) {
      Object throttles;
      for (const auto& [method, throttle] : stage.throttles) throttles.emplace_back(method, throttle_object(throttle));
      one.emplace_back("throttle", std::move(throttles));
    }
    stages.emplace_back(std::move(one));
  }
  out.emplace_back("apiStages", std::move(stages));
  if (plan.throttle) out.emplace_back("throttle", throttle_object(*plan.throttle));
  if (plan.quota)
    out.emplace_back("quota", Object{{"limit", plan.quota->limit}, {"offset", plan.quota->offset}, {"period", plan.quota->period}});
  add_text(out, "productCode", plan.product_code);
  add_map(out, "tags", plan.tags);
  return out;
}

Value describe_plan_key(const ApiKey& key) {
  Object out{{"id", key.id}, {"type", "API_KEY"}, {"value", key.value}};
  add_text(out, "name", key.name);
  return out;
}

Value describe(const AccountSettings& account, const std::optional<ThrottleLimit>& limit) {
  Object out;
  add_text(out, "cloudwatchRoleArn", account.cloudwatch_role_arn);
  out.emplace_back("throttleSettings",
                   throttle_object(limit ? ThrottleSettings{limit->rate, static_cast<int>(limit->burst)} : ThrottleSettings{-1, -1}));
  out.emplace_back("features", Array{"UsagePlans"});
  out.emplace_back("apiKeyVersion", "4");
  return out;
}

}  // namespace sallyport::gateway
