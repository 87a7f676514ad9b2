// AWS::ApiGatewayV2::Api, Integration, Route, Authorizer, Deployment and Stage: HTTP APIs.
#include "base/text.hpp"
#include "cloudformation/bodies.hpp"
#include "cloudformation/handlers.hpp"
#include "openapi/http_import.hpp"

namespace sallyport::cloudformation {
namespace {

constexpr auto websocket = "of WebSocket APIs, which are not served";
constexpr std::size_t id_size = 7, api_id_size = 10;

using TextMap = http_api::TextMap;

template <class T>
bool good(Workshop& workshop, const ResourceDeclaration& resource, const Properties& properties, const T& answer) {
  if (!answer) workshop.refused(resource, properties.whole(), answer.error());
  return static_cast<bool>(answer);
}

/// A list, or nothing where the property is not there: an empty list is something else.
std::optional<std::vector<std::string>> list_of(Properties& properties, std::string_view name) {
  if (!properties.has(name)) return std::nullopt;
  return properties.texts(name);
}

http_api::Cors read_cors(Properties& cors) {
  http_api::Cors out;
  out.allow_credentials = cors.boolean("AllowCredentials");
  out.allow_headers = list_of(cors, "AllowHeaders");
  out.allow_methods = list_of(cors, "AllowMethods");
  out.allow_origins = list_of(cors, "AllowOrigins");
  out.expose_headers = list_of(cors, "ExposeHeaders");
  out.max_age_s = cors.integer("MaxAge", -1, 86'400);
  cors.finish();
  return out;
}

http_api::RouteSettings read_route_settings(Properties& settings) {
  http_api::RouteSettings out;
  out.detailed_metrics_enabled = settings.boolean("DetailedMetricsEnabled");
  out.throttling_burst_limit = settings.integer("ThrottlingBurstLimit", 0, 1'000'000'000);
  out.throttling_rate_limit = settings.number("ThrottlingRateLimit", 0, 1e9);
  settings.only_default("DataTraceEnabled", "false", websocket);
  settings.unsupported("LoggingLevel", websocket);
  settings.finish();
  return out;
}

/// Writes the API as its definition says.
bool import_body(Workshop& workshop, Properties& properties, const Body& body, const std::string& api_id, bool takes_name,
                 openapi::BasePath base_path) {
  openapi::HttpImportOptions options;
  options.api_id = api_id;
  options.base_path = base_path;
  options.takes_name = takes_name;
  const auto import =
      openapi::import_http_api(*body.document, options, workshop.stack.http_api, workshop.options.now, body_ids(workshop, api_id));
  auto& sources = workshop.stack.sources;
  std::set<Location> with_security;
  const auto* paths = body.document->find("paths");
  for (const auto& path : paths == nullptr || paths->map() == nullptr ? Map{} : *paths->map())
    for (const auto& operation : path.value.map() == nullptr ? Map{} : *path.value.map())
      if (operation.value.find("security") != nullptr) with_security.insert(operation.key_at);
  for (const auto& [id, at] : import.routes) {
    sources.http_routes.emplace(std::pair(api_id, id), body.place(at));
    if (with_security.contains(at)) sources.open_on_purpose.emplace(api_id, id);
  }
  for (const auto& [id, at] : import.authorizers) sources.http_authorizers.emplace(std::pair(api_id, id), body.place(at));
  return report_findings(workshop, properties, body, import.findings);
}

}  // namespace

std::optional<Attributes> make_http_api(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  const auto body = read_body(workshop, properties);
  http_api::ApiInput input;
  input.name = properties.text("Name");
  input.description = properties.text("Description");
  input.version = properties.text("Version");
  input.route_selection_expression = properties.text("RouteSelectionExpression");
  input.api_key_selection_expression = properties.text("ApiKeySelectionExpression");
  input.disable_execute_api_endpoint = properties.boolean("DisableExecuteApiEndpoint");
  input.target = properties.text("Target");
  input.route_key = properties.text("RouteKey");
  input.credentials = properties.text("CredentialsArn");
  if (auto cors = properties.object("CorsConfiguration")) input.cors = read_cors(*cors);
  const auto protocol = properties.text("ProtocolType").value_or("HTTP");
  const auto tags = properties.text_map("Tags");
  auto base_path = openapi::BasePath::ignore;
  if (const auto given = properties.text("BasePath")) {
    const auto parsed = openapi::parse_base_path(*given);
    if (!parsed) properties.refuse("BasePath", cat("`", *given, "` is neither ignore, prepend nor split"));
    base_path = parsed.value_or(base_path);
  }
  const bool fails_on_warnings = properties.boolean("FailOnWarnings").value_or(false);
  properties.only_default("DisableSchemaValidation", "false", websocket);
  properties.only_default("IpAddressType", "ipv4", "the listener's address decides");
  if (!body.given && !input.name) properties.refuse("Name", "missing", "an API without Body needs a name");
  if (body.given && input.target) properties.refuse("Target", "cannot be given together with a definition");
  properties.finish();
  if (!properties.ok()) return std::nullopt;

  const bool takes_name = !input.name;
  if (takes_name) input.name = body.title().value_or(workshop.stack.name);
  // A definition writes the API anew; what stands beside it comes after.
  auto cors = body.given ? std::exchange(input.cors, std::nullopt) : std::nullopt;
  const auto disables = body.given ? std::exchange(input.disable_execute_api_endpoint, std::nullopt) : std::nullopt;
  const auto id = workshop.physical_id(resource.logical_id, api_id_size);
  if (!good(workshop, resource, properties, workshop.http_apis.create_api(id, protocol, std::move(input), {tags.begin(), tags.end()})))
    return std::nullopt;
  if (body.given &&
      (!import_body(workshop, properties, body, id, takes_name, base_path) || !warnings_pass(workshop, properties, fails_on_warnings)))
    return std::nullopt;
  if (cors || disables) {
    http_api::ApiInput rest;
    rest.cors = std::move(cors);
    rest.disable_execute_api_endpoint = disables;
    if (!good(workshop, resource, properties, workshop.http_apis.update_api(id, std::move(rest)))) return std::nullopt;
  }
  auto out = named(resource, id, {"ApiId"});
  out.attributes.emplace("ApiEndpoint", Node(resource.at, workshop.api_endpoint(id)));
  return out;
}

std::optional<Attributes> make_http_integration(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  http_api::IntegrationInput input;
  const auto api_id = properties.required_text("ApiId");
  input.type = properties.required_text("IntegrationType");
  input.connection_type = properties.text("ConnectionType");
  input.description = properties.text("Description");
  input.uri = properties.text("IntegrationUri");
  input.method = properties.text("IntegrationMethod");
  input.payload_format_version = properties.text("PayloadFormatVersion");
  input.credentials = properties.text("CredentialsArn");
  if (properties.has("RequestParameters")) input.request_parameters = properties.text_map("RequestParameters");
  input.timeout_ms = properties.integer("TimeoutInMillis", 50, 30'000);
  if (auto responses = properties.object("ResponseParameters")) {
    const auto* entries = responses->whole();
    input.response_parameters.emplace();
    for (const auto& entry : entries == nullptr ? Map{} : *entries->map()) {
      auto response = responses->object(entry.key);
      auto& mappings = (*input.response_parameters)[entry.key];
      for (auto& mapping : response->objects("ResponseParameters")) {
        const auto destination = mapping.required_text("Destination");
        mappings.insert_or_assign(destination, mapping.required_text("Source"));
        mapping.finish();
      }
      response->finish();
    }
  }
  properties.unsupported("ConnectionId", "VPC links do not exist here");
  properties.unsupported("IntegrationSubtype", "integrations with other services of AWS do not exist here");
  properties.unsupported("TlsConfig", "certificates of integrations are always checked");
  for (const auto name : {"ContentHandlingStrategy", "PassthroughBehavior", "RequestTemplates", "TemplateSelectionExpression"})
    properties.unsupported(name, websocket);
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  const auto made = workshop.http_apis.create_integration(api_id, workshop.physical_id(resource.logical_id, id_size), std::move(input));
  if (!good(workshop, resource, properties, made)) return std::nullopt;
  return named(resource, (*made)->id, {"IntegrationId"});
}

std::optional<Attributes> make_http_route(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  http_api::RouteInput input;
  const auto api_id = properties.required_text("ApiId");
  input.key = properties.required_text("RouteKey");
  input.target = properties.text("Target");
  input.authorization_type = properties.text("AuthorizationType");
  input.authorizer_id = properties.text("AuthorizerId");
  input.scopes = list_of(properties, "AuthorizationScopes");
  input.operation_name = properties.text("OperationName");
  if (properties.boolean("ApiKeyRequired").value_or(false))
    properties.refuse("ApiKeyRequired", "HTTP APIs have no API keys", "use a REST API, or an authorizer");
  for (const auto name : {"ModelSelectionExpression", "RequestModels", "RequestParameters", "RouteResponseSelectionExpression"})
    properties.unsupported(name, websocket);
  properties.finish_guard();
  if (!properties.ok()) return std::nullopt;
  const auto made = workshop.http_apis.create_route(api_id, workshop.physical_id(resource.logical_id, id_size), std::move(input));
  if (!good(workshop, resource, properties, made)) return std::nullopt;
  workshop.stack.sources.http_routes.emplace(std::pair(api_id, (*made)->id), resource.at);
  if (properties.has("AuthorizationType")) workshop.stack.sources.open_on_purpose.emplace(api_id, (*made)->id);
  return named(resource, (*made)->id, {"RouteId"});
}

std::optional<Attributes> make_http_authorizer(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  http_api::AuthorizerInput input;
  const auto api_id = properties.required_text("ApiId");
  input.name = properties.required_text("Name");
  input.type = properties.required_text("AuthorizerType");
  input.identity_sources = list_of(properties, "IdentitySource");
  if (auto jwt = properties.object("JwtConfiguration")) {
    input.issuer = jwt->text("Issuer");
    input.audiences = list_of(*jwt, "Audience");
    jwt->finish_guard();
  }
  input.uri = properties.text("AuthorizerUri");
  input.credentials = properties.text("AuthorizerCredentialsArn");
  input.payload_format_version = properties.text("AuthorizerPayloadFormatVersion");
  input.simple_responses = properties.boolean("EnableSimpleResponses");
  input.ttl_s = properties.integer("AuthorizerResultTtlInSeconds", 0, 3'600);
  if (properties.node("IdentityValidationExpression") != nullptr)
    properties.refuse("IdentityValidationExpression", "HTTP APIs have none: AWS takes no notice of it", "take it out");
  properties.finish_guard();
  if (!properties.ok()) return std::nullopt;
  const auto made = workshop.http_apis.create_authorizer(api_id, workshop.physical_id(resource.logical_id, 6), std::move(input));
  if (!good(workshop, resource, properties, made)) return std::nullopt;
  workshop.stack.sources.http_authorizers.emplace(std::pair(api_id, (*made)->id), resource.at);
  return named(resource, (*made)->id, {"AuthorizerId"});
}

std::optional<Attributes> make_http_deployment(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  const auto api_id = properties.required_text("ApiId");
  const auto stage = properties.text("StageName").value_or("");
  const auto description = properties.text("Description").value_or("");
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  const auto made = workshop.http_apis.create_deployment(api_id, workshop.physical_id(resource.logical_id, 6), description, stage);
  if (!good(workshop, resource, properties, made)) return std::nullopt;
  return named(resource, (*made)->id, {"DeploymentId"});
}

std::optional<Attributes> make_http_stage(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  http_api::StageInput input;
  const auto api_id = properties.required_text("ApiId");
  const auto name = properties.required_text("StageName");
  input.description = properties.text("Description");
  input.deployment_id = properties.text("DeploymentId");
  input.auto_deploy = properties.boolean("AutoDeploy");
  if (properties.has("StageVariables")) {
    const auto variables = properties.text_map("StageVariables");
    input.variables.emplace(variables.begin(), variables.end());
  }
  if (auto settings = properties.object("DefaultRouteSettings")) input.default_route_settings = read_route_settings(*settings);
  if (auto settings = properties.object("RouteSettings")) {
    input.route_settings.emplace();
    const auto* entries = settings->whole();
    for (const auto& entry : entries == nullptr ? Map{} : *entries->map()) {
      auto of_route = settings->object(entry.key);
      input.route_settings->emplace(entry.key, read_route_settings(*of_route));
    }
  }
  if (auto log = properties.object("AccessLogSettings")) {
    input.access_log_destination = log->text("DestinationArn");
    input.access_log_format = log->text("Format");
    log->finish();
  }
  const auto tags = properties.text_map("Tags");
  properties.unsupported("AccessPolicyId", "AWS has no use for it");
  if (properties.node("ClientCertificateId") != nullptr)
    properties.refuse("ClientCertificateId", "of WebSocket APIs: it would have no effect on AWS either");
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  const auto made = workshop.http_apis.create_stage(api_id, name, std::move(input), {tags.begin(), tags.end()});
  if (!good(workshop, resource, properties, made)) return std::nullopt;
  return named(resource, (*made)->name);
}

}  // namespace sallyport::cloudformation
