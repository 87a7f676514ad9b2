#include "http_api/description.hpp"

#include <charconv>

#include "base/text.hpp"

namespace sallyport::http_api {
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

Array texts(const std::vector<std::string>& list) { return Array(list.begin(), list.end()); }
void add_texts(Object& out, std::string_view name, const std::optional<std::vector<std::string>>& list) {
  if (list) out.emplace_back(name, texts(*list));
}

Object object_of(const TextMap& map) {
  Object out;
  for (const auto& [key, value] : map) out.emplace_back(key, value);
  return out;
}

Value describe(const Cors& cors) {
  Object out;
  if (cors.allow_credentials) out.emplace_back("AllowCredentials", *cors.allow_credentials);
  add_texts(out, "AllowHeaders", cors.allow_headers);
  add_texts(out, "AllowMethods", cors.allow_methods);
  add_texts(out, "AllowOrigins", cors.allow_origins);
  add_texts(out, "ExposeHeaders", cors.expose_headers);
  if (cors.max_age_s) out.emplace_back("MaxAge", *cors.max_age_s);
  return out;
}

Value describe(const RouteSettings& settings) {
  Object out{{"DetailedMetricsEnabled", settings.detailed_metrics_enabled.value_or(false)}};
  if (settings.throttling_burst_limit) out.emplace_back("ThrottlingBurstLimit", *settings.throttling_burst_limit);
  if (settings.throttling_rate_limit) out.emplace_back("ThrottlingRateLimit", real(*settings.throttling_rate_limit));
  return out;
}

/// http://ID.execute-api.localhost:4566
std::string endpoint_of(std::string_view api_id, std::string_view origin) {
  const auto scheme_end = origin.find("://");
  const auto scheme = scheme_end == std::string_view::npos ? std::string_view("http") : origin.substr(0, scheme_end);
  const auto port_at = origin.rfind(':');
  const auto port = port_at == std::string_view::npos ? std::string_view() : origin.substr(port_at + 1);
  const bool has_port = parse_number<int>(port).has_value();
  return cat(scheme, "://", api_id, ".execute-api.localhost", has_port ? ":" : "", has_port ? port : std::string_view());
}

}  // namespace

Value describe(const TextMap& map) { return object_of(map); }

Value describe(const Api& api, std::string_view origin) {
  Object out{
      {"ApiEndpoint", endpoint_of(api.id, origin)}, {"ApiId", api.id}, {"ApiKeySelectionExpression", api.api_key_selection_expression}};
  if (api.draft->cors) out.emplace_back("CorsConfiguration", describe(*api.draft->cors));
  out.emplace_back("CreatedDate", seconds(api.created));
  add_text(out, "Description", api.description);
  out.emplace_back("DisableExecuteApiEndpoint", api.draft->disable_execute_api_endpoint);
  if (!api.import_info.empty()) out.emplace_back("ImportInfo", texts(api.import_info));
  out.emplace_back("IpAddressType", "ipv4");
  out.emplace_back("Name", api.name);
  out.emplace_back("ProtocolType", "HTTP");
  out.emplace_back("RouteSelectionExpression", api.route_selection_expression);
  out.emplace_back("Tags", object_of(api.tags));
  add_text(out, "Version", api.version);
  if (!api.warnings.empty()) out.emplace_back("Warnings", texts(api.warnings));
  return out;
}

Value describe(const Integration& integration) {
  Object out;
  if (integration.managed) out.emplace_back("ApiGatewayManaged", true);
  out.emplace_back("ConnectionType", "INTERNET");
  add_text(out, "CredentialsArn", integration.credentials);
  add_text(out, "Description", integration.description);
  out.emplace_back("IntegrationId", integration.id);
  out.emplace_back("IntegrationMethod", integration.method);
  out.emplace_back("IntegrationType", name_of(integration.type));
  out.emplace_back("IntegrationUri", integration.uri);
  out.emplace_back("PayloadFormatVersion", name_of(integration.payload));
  if (!integration.request_parameters.empty()) out.emplace_back("RequestParameters", object_of(integration.request_parameters));
  if (!integration.response_parameters.empty()) {
    Object responses;
    for (const auto& [status, mappings] : integration.response_parameters) responses.emplace_back(status, object_of(mappings));
    out.emplace_back("ResponseParameters", std::move(responses));
  }
  out.emplace_back("TimeoutInMillis", integration.timeout.count());
  return out;
}

Value describe(const Route& route) {
  Object out;
  if (route.managed) out.emplace_back("ApiGatewayManaged", true);
  out.emplace_back("ApiKeyRequired", false);
  if (!route.scopes.empty()) out.emplace_back("AuthorizationScopes", texts(route.scopes));
  out.emplace_back("AuthorizationType", name_of(route.authorization));
  if (route.authorizer_id) out.emplace_back("AuthorizerId", *route.authorizer_id);
  add_text(out, "OperationName", route.operation_name);
  out.emplace_back("RouteId", route.id);
  out.emplace_back("RouteKey", route.key);
  if (!route.integration_id.empty()) out.emplace_back("Target", cat("integrations/", route.integration_id));
  return out;
}

Value describe(const Authorizer& authorizer) {
  Object out;
  add_text(out, "AuthorizerCredentialsArn", authorizer.credentials);
  out.emplace_back("AuthorizerId", authorizer.id);
  if (authorizer.type == AuthorizerType::request) {
    out.emplace_back("AuthorizerPayloadFormatVersion", name_of(authorizer.payload));
    out.emplace_back("AuthorizerResultTtlInSeconds", authorizer.ttl.count());
  }
  out.emplace_back("AuthorizerType", name_of(authorizer.type));
  add_text(out, "AuthorizerUri", authorizer.uri);
  if (authorizer.type == AuthorizerType::request) out.emplace_back("EnableSimpleResponses", authorizer.simple_responses);
  out.emplace_back("IdentitySource", texts(authorizer.identity_sources));
  if (authorizer.type == AuthorizerType::jwt)
    out.emplace_back("JwtConfiguration", Object{{"Audience", texts(authorizer.audiences)}, {"Issuer", authorizer.issuer}});
  out.emplace_back("Name", authorizer.name);
  return out;
}

Value describe(const Deployment& deployment) {
  Object out{{"AutoDeployed", deployment.auto_deployed},
             {"CreatedDate", seconds(deployment.created)},
             {"DeploymentId", deployment.id},
             {"DeploymentStatus", "DEPLOYED"}};
  add_text(out, "Description", deployment.description);
  return out;
}

Value describe(const Stage& stage) {
  Object out;
  if (!stage.access_log_destination.empty())
    out.emplace_back("AccessLogSettings", Object{{"DestinationArn", stage.access_log_destination}, {"Format", stage.access_log_format}});
  if (stage.managed) out.emplace_back("ApiGatewayManaged", true);
  out.emplace_back("AutoDeploy", stage.auto_deploy);
  out.emplace_back("CreatedDate", seconds(stage.created));
  out.emplace_back("DefaultRouteSettings", describe(stage.default_route_settings.value_or(RouteSettings())));
  add_text(out, "DeploymentId", stage.deployment_id);
  add_text(out, "Description", stage.description);
  add_text(out, "LastDeploymentStatusMessage", stage.last_deployment_message);
  out.emplace_back("LastUpdatedDate", seconds(stage.updated));
  Object settings;
  for (const auto& [key, each] : stage.route_settings) settings.emplace_back(key, describe(each));
  out.emplace_back("RouteSettings", std::move(settings));
  out.emplace_back("StageName", stage.name);
  out.emplace_back("StageVariables", object_of(stage.variables));
  out.emplace_back("Tags", object_of(stage.tags));
  return out;
}

}  // namespace sallyport::http_api
