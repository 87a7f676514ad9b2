// AWS::ApiGateway::RestApi, Resource, Method, Authorizer, GatewayResponse, Deployment and Stage.
#include <charconv>

#include "base/text.hpp"
#include "cloudformation/bodies.hpp"
#include "cloudformation/handlers.hpp"
#include "json/write.hpp"
#include "openapi/rest_import.hpp"

namespace sallyport::cloudformation {
namespace {

constexpr auto clone_hint = "declare what the other API has";

Attributes attributes(const ResourceDeclaration& resource, const std::string& physical_id, std::string_view name) {
  const Node id(resource.at, std::string_view(physical_id));
  Attributes out{id, {}};
  if (!name.empty()) out.attributes.emplace(name, id);
  return out;
}

std::string endpoint_type(Properties& properties) {
  auto configuration = properties.object("EndpointConfiguration");
  if (!configuration) return "EDGE";
  const auto types = configuration->texts("Types");
  configuration->unsupported("VpcEndpointIds", "private APIs are not served");
  configuration->only_default("IpAddressType", "ipv4", "the listener's address decides");
  configuration->finish();
  if (types.size() > 1) configuration->refuse("Types", "takes one type");
  return types.empty() ? "EDGE" : types.front();
}

gateway::PutIntegrationRequest read_integration(Properties& integration, std::vector<gateway::PutIntegrationResponseRequest>& responses) {
  gateway::PutIntegrationRequest request;
  request.type = integration.required_text("Type");
  request.uri = integration.text("Uri").value_or("");
  request.integration_http_method = integration.text("IntegrationHttpMethod").value_or("");
  request.credentials = integration.text("Credentials");
  request.request_parameters = integration.text_map("RequestParameters");
  request.request_templates = integration.text_map("RequestTemplates");
  request.passthrough_behavior = integration.text("PassthroughBehavior").value_or("");
  request.timeout_ms = integration.integer("TimeoutInMillis", 50, 29'000);
  request.content_handling = integration.text("ContentHandling");
  for (auto& answer : integration.objects("IntegrationResponses")) {
    gateway::PutIntegrationResponseRequest response;
    response.status_code = answer.required_text("StatusCode");
    response.selection_pattern = answer.text("SelectionPattern").value_or("");
    response.response_parameters = answer.text_map("ResponseParameters");
    response.response_templates = answer.text_map("ResponseTemplates");
    response.content_handling = answer.text("ContentHandling");
    answer.finish();
    responses.push_back(std::move(response));
  }
  integration.only_default("ConnectionType", "INTERNET", "VPC links do not exist here");
  integration.unsupported("ConnectionId", "VPC links do not exist here");
  request.cache_namespace = integration.text("CacheNamespace").value_or("");
  request.cache_key_parameters = integration.texts("CacheKeyParameters");
  integration.unsupported("TlsConfig", "certificates of integrations are always checked");
  integration.only_default("ResponseTransferMode", "BUFFERED", "answers are buffered");
  integration.finish();
  return request;
}

}  // namespace

namespace {

/// Writes what the definition says into the API.
bool import_body(Workshop& workshop, Properties& properties, const Body& body, openapi::RestImportOptions options) {
  const auto import = openapi::import_rest_api(*body.document, options, workshop.stack.gateway, workshop.options.now,
                                               body_ids(workshop, options.rest_api_id));
  auto& sources = workshop.stack.sources;
  for (const auto& [place, at] : import.methods)
    sources.methods.emplace(std::tuple(options.rest_api_id, place.first, place.second), body.place(at));
  for (const auto& [id, at] : import.authorizers) sources.authorizers.emplace(std::pair(options.rest_api_id, id), body.place(at));
  return report_findings(workshop, properties, body, import.findings);
}

openapi::RestImportOptions read_import(Properties& properties) {
  openapi::RestImportOptions options;
  options.mode = openapi::RestImportOptions::Mode::overwrite;
  if (const auto mode = properties.text("Mode")) {
    if (*mode == "merge")
      options.mode = openapi::RestImportOptions::Mode::merge;
    else if (*mode != "overwrite")
      properties.refuse("Mode", cat("`", *mode, "` is neither overwrite nor merge"));
  }
  if (auto parameters = properties.object("Parameters")) {
    if (const auto base_path = parameters->text("basepath")) {
      const auto parsed = openapi::parse_base_path(*base_path);
      if (!parsed) parameters->refuse("basepath", cat("`", *base_path, "` is neither ignore, prepend nor split"));
      options.base_path = parsed.value_or(options.base_path);
    }
    parameters->only_default("ignore", "documentation", "documentation is never imported");
    parameters->only_default("endpointConfigurationTypes", "REGIONAL", "use EndpointConfiguration");
    parameters->finish();
  }
  return options;
}

}  // namespace

std::optional<Attributes> make_rest_api(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  gateway::CreateRestApiRequest request;
  request.id = workshop.physical_id(resource.logical_id, 10);
  request.root_resource_id = workshop.physical_id(resource.logical_id + "/", 10);
  const auto body = read_body(workshop, properties);
  auto options = read_import(properties);
  options.rest_api_id = request.id;
  const auto name = properties.text("Name");
  options.takes_name = !name;
  if (!name && !body.given) properties.refuse("Name", "missing");
  request.name = name.value_or(body.title().value_or(workshop.stack.name));
  request.description = properties.text("Description").value_or("");
  request.binary_media_types = properties.texts("BinaryMediaTypes");
  request.api_key_source = properties.text("ApiKeySourceType").value_or(request.api_key_source);
  request.endpoint_type = endpoint_type(properties);
  request.disable_execute_api_endpoint = properties.boolean("DisableExecuteApiEndpoint").value_or(false);
  const auto* policy = properties.node("Policy");
  if (policy != nullptr) request.policy = policy->to_json();
  const auto* binary = properties.whole() ? properties.whole()->find("BinaryMediaTypes") : nullptr;
  properties.no_effect({"Tags"});
  properties.unsupported("CloneFrom", clone_hint);
  properties.unsupported("MinimumCompressionSize", "answers are not compressed");
  properties.only_default("EndpointAccessMode", "BASIC", "it is of private and strict endpoints");
  properties.unsupported("SecurityPolicy", "the listener's certificate and versions of TLS are those of --tls-port");
  const bool fails_on_warnings = properties.boolean("FailOnWarnings").value_or(false);
  properties.finish();
  if (!properties.ok()) return std::nullopt;

  const auto kept_policy = request.policy;
  const auto kept_types = request.binary_media_types;
  const auto made = workshop.apis.create_rest_api(std::move(request));
  if (!made) {
    workshop.refused(resource, properties.whole(), made.error());
    return std::nullopt;
  }
  auto out = attributes(resource, (*made)->id, "RestApiId");
  out.attributes.emplace("RootResourceId", Node(resource.at, std::string_view((*made)->root_resource_id)));
  if (!body.given) return out;
  if (!import_body(workshop, properties, body, options) || !warnings_pass(workshop, properties, fails_on_warnings)) return std::nullopt;
  // The template's own properties come after the definition, as with CloudFormation.
  gateway::PatchOperations patch;
  if (kept_policy) patch.push_back({"replace", "/policy", json::to_text(*kept_policy), {}});
  if (binary != nullptr)
    for (const auto& type : kept_types)
      patch.push_back({"add", cat("/binaryMediaTypes/", replace_all(replace_all(type, "~", "~0"), "/", "~1")), {}, {}});
  if (const auto patched = patch.empty() ? gateway::Answer<>() : workshop.apis.update_rest_api(options.rest_api_id, patch); !patched) {
    workshop.refused(resource, properties.whole(), patched.error());
    return std::nullopt;
  }
  return out;
}

std::optional<Attributes> make_resource(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  gateway::CreateResourceRequest request;
  request.id = workshop.physical_id(resource.logical_id, 10);
  request.rest_api_id = properties.required_text("RestApiId");
  request.parent_id = properties.required_text("ParentId");
  request.path_part = properties.required_text("PathPart");
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  const auto made = workshop.apis.create_resource(std::move(request));
  if (!made) {
    workshop.refused(resource, made.error());
    return std::nullopt;
  }
  return attributes(resource, (*made)->id, "ResourceId");
}

std::optional<Attributes> make_method(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  gateway::PutMethodRequest method;
  method.rest_api_id = properties.required_text("RestApiId");
  method.resource_id = properties.required_text("ResourceId");
  method.http_method = properties.required_text("HttpMethod");
  method.authorization_type = properties.text("AuthorizationType").value_or("NONE");
  method.authorizer_id = properties.text("AuthorizerId");
  method.api_key_required = properties.boolean("ApiKeyRequired").value_or(false);
  method.operation_name = properties.text("OperationName").value_or("");
  method.request_parameters = properties.boolean_map("RequestParameters");
  method.authorization_scopes = properties.texts("AuthorizationScopes");
  method.request_models = properties.text_map("RequestModels");
  method.request_validator_id = properties.text("RequestValidatorId").value_or("");

  std::vector<gateway::PutMethodResponseRequest> method_responses;
  for (auto& answer : properties.objects("MethodResponses")) {
    gateway::PutMethodResponseRequest response;
    response.status_code = answer.required_text("StatusCode");
    response.response_parameters = answer.boolean_map("ResponseParameters");
    response.response_models = answer.text_map("ResponseModels");
    answer.finish();
    method_responses.push_back(std::move(response));
  }
  std::optional<gateway::PutIntegrationRequest> integration;
  std::vector<gateway::PutIntegrationResponseRequest> integration_responses;
  if (auto inner = properties.object("Integration")) integration = read_integration(*inner, integration_responses);
  properties.finish_guard();
  if (!properties.ok()) return std::nullopt;

  const auto of_method = [&](auto request) {
    request.rest_api_id = method.rest_api_id;
    request.resource_id = method.resource_id;
    request.http_method = method.http_method;
    return request;
  };
  auto answer = workshop.apis.put_method(method);
  for (auto& response : method_responses)
    if (answer) answer = workshop.apis.put_method_response(of_method(std::move(response)));
  if (answer && integration) answer = workshop.apis.put_integration(of_method(std::move(*integration)));
  for (auto& response : integration_responses)
    if (answer) answer = workshop.apis.put_integration_response(of_method(std::move(response)));
  if (!answer) {
    workshop.refused(resource, answer.error());
    return std::nullopt;
  }
  workshop.stack.sources.methods.emplace(std::tuple(method.rest_api_id, method.resource_id, method.http_method), resource.at);
  return attributes(resource, workshop.physical_name(resource.logical_id), "");
}

std::optional<Attributes> make_authorizer(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  gateway::CreateAuthorizerRequest request;
  request.id = workshop.physical_id(resource.logical_id, 6);
  request.rest_api_id = properties.required_text("RestApiId");
  request.name = properties.required_text("Name");
  request.type = properties.required_text("Type");
  request.authorizer_uri = properties.text("AuthorizerUri").value_or("");
  request.authorizer_credentials = properties.text("AuthorizerCredentials");
  request.identity_source = properties.text("IdentitySource").value_or("");
  request.identity_validation_expression = properties.text("IdentityValidationExpression").value_or("");
  request.ttl_s = properties.integer("AuthorizerResultTtlInSeconds", 0, 3'600);
  request.provider_arns = properties.texts("ProviderARNs");
  if (request.type == "JWT" || properties.has("JwtConfiguration"))
    properties.refuse("Type", "CloudFormation makes no JWT authorizers for REST APIs",
                      "use COGNITO_USER_POOLS, an HTTP API, or `aws apigateway create-authorizer`");
  properties.no_effect({"AuthType"});  // only shown in exported OpenAPI
  properties.finish_guard();
  if (!properties.ok()) return std::nullopt;
  const auto api_id = request.rest_api_id;
  const auto made = workshop.apis.create_authorizer(std::move(request));
  if (!made) {
    workshop.refused(resource, made.error());
    return std::nullopt;
  }
  workshop.stack.sources.authorizers.emplace(std::pair(api_id, (*made)->id), resource.at);
  return attributes(resource, (*made)->id, "AuthorizerId");
}

std::optional<Attributes> make_gateway_response(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  gateway::PutGatewayResponseRequest request;
  request.rest_api_id = properties.required_text("RestApiId");
  request.response_type = properties.required_text("ResponseType");
  request.status_code = properties.text("StatusCode");
  request.response_parameters = properties.text_map("ResponseParameters");
  request.response_templates = properties.text_map("ResponseTemplates");
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  if (const auto made = workshop.apis.put_gateway_response(std::move(request)); !made) {
    workshop.refused(resource, made.error());
    return std::nullopt;
  }
  return attributes(resource, workshop.physical_id(resource.logical_id, 6), "Id");
}

namespace {

std::string text_of(double number) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, number).ptr};
}

/// MethodSettings and AccessLogSetting, as the patches that set them.
gateway::PatchOperations read_stage_settings(Properties& stage) {
  gateway::PatchOperations out;
  const auto add = [&](std::string path, std::string value) { out.push_back({"replace", std::move(path), std::move(value), {}}); };
  auto all = stage.objects("MethodSettings");
  for (auto& setting : all) {
    // `/pets` and, as in patches, `/~1pets` are the same; `/*` is every path.
    auto path = setting.text("ResourcePath").value_or("/*");
    const auto verb = setting.text("HttpMethod").value_or("*");
    if (path == "/*" || path.starts_with("/~1")) path.erase(0, 1);
    path = replace_all(path, "/", "~1");
    const auto front = cat("/", path, "/", verb);
    const auto text = [&](std::string_view name, std::string_view at) {
      if (const auto value = setting.text(name)) add(cat(front, at), *value);
    };
    if (const auto rate = setting.number("ThrottlingRateLimit", -1, 1e9)) add(cat(front, "/throttling/rateLimit"), text_of(*rate));
    if (const auto burst = setting.integer("ThrottlingBurstLimit", -1, 2'000'000'000))
      add(cat(front, "/throttling/burstLimit"), std::to_string(*burst));
    text("CachingEnabled", "/caching/enabled");
    text("CacheTtlInSeconds", "/caching/ttlInSeconds");
    text("CacheDataEncrypted", "/caching/dataEncrypted");
    text("LoggingLevel", "/logging/loglevel");
    text("DataTraceEnabled", "/logging/dataTrace");
    text("MetricsEnabled", "/metrics/enabled");
    setting.finish();
  }
  if (auto log = stage.object("AccessLogSetting")) {
    if (const auto value = log->text("DestinationArn")) add("/accessLogSettings/destinationArn", *value);
    if (const auto value = log->text("Format")) add("/accessLogSettings/format", *value);
    log->finish();
  }
  stage.only_default("TracingEnabled", "false", "traces are not sent to X-Ray");
  stage.unsupported("CanarySetting", "canaries are not supported");
  if (stage.node("ClientCertificateId") != nullptr)
    stage.refuse("ClientCertificateId", "API Gateway shows no certificates to backends here");
  return out;
}

bool set_up_stage(Workshop& workshop, const ResourceDeclaration& resource, const Properties& properties, const std::string& api_id,
                  const std::string& stage, const gateway::PatchOperations& patch) {
  const auto done = patch.empty() ? gateway::Answer<>() : workshop.apis.update_stage(api_id, stage, patch);
  if (!done) workshop.refused(resource, properties.whole(), done.error());
  return done.has_value();
}

}  // namespace

std::optional<Attributes> make_deployment(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  gateway::CreateDeploymentRequest request;
  request.id = workshop.physical_id(resource.logical_id, 6);
  request.rest_api_id = properties.required_text("RestApiId");
  request.description = properties.text("Description").value_or("");
  request.stage_name = properties.text("StageName").value_or("");
  gateway::PatchOperations stage_patch;
  if (auto stage = properties.object("StageDescription")) {
    request.stage_description = stage->text("Description").value_or("");
    request.variables = stage->text_map("Variables");
    request.cache_cluster_enabled = stage->boolean("CacheClusterEnabled");
    request.cache_cluster_size = stage->text("CacheClusterSize").value_or("");
    stage_patch = read_stage_settings(*stage);
    stage->no_effect({"Tags"});
    stage->finish();
  }
  properties.unsupported("DeploymentCanarySettings", "canaries are not supported");
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  const auto api_id = request.rest_api_id;
  const auto stage_name = request.stage_name;
  const auto made = workshop.apis.create_deployment(std::move(request));
  if (!made) {
    workshop.refused(resource, properties.whole(), made.error());
    return std::nullopt;
  }
  if (!stage_name.empty() && !set_up_stage(workshop, resource, properties, api_id, stage_name, stage_patch)) return std::nullopt;
  workshop.stack.sources.deployments.emplace(std::pair(api_id, (*made)->id), resource.at);
  return attributes(resource, (*made)->id, "DeploymentId");
}

std::optional<Attributes> make_stage(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  gateway::CreateStageRequest request;
  request.rest_api_id = properties.required_text("RestApiId");
  request.stage_name = properties.required_text("StageName");
  request.deployment_id = properties.required_text("DeploymentId");
  request.description = properties.text("Description").value_or("");
  request.variables = properties.text_map("Variables");
  request.documentation_version = properties.text("DocumentationVersion").value_or("");
  request.cache_cluster_enabled = properties.boolean("CacheClusterEnabled").value_or(false);
  request.cache_cluster_size = properties.text("CacheClusterSize").value_or("");
  const auto patch = read_stage_settings(properties);
  properties.no_effect({"Tags"});
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  const auto api_id = request.rest_api_id;
  const auto made = workshop.apis.create_stage(std::move(request));
  if (!made) {
    workshop.refused(resource, properties.whole(), made.error());
    return std::nullopt;
  }
  const auto name = (*made)->name;
  if (!set_up_stage(workshop, resource, properties, api_id, name, patch)) return std::nullopt;
  return attributes(resource, name, "");
}

}  // namespace sallyport::cloudformation
