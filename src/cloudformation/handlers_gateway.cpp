// AWS::ApiGateway::RestApi, Resource, Method, Authorizer, GatewayResponse, Deployment and Stage.
#include "base/text.hpp"
#include "cloudformation/handlers.hpp"

namespace sallyport::cloudformation {
namespace {

constexpr auto openapi_hint = "OpenAPI definitions are not read: declare AWS::ApiGateway::Resource and ::Method";
constexpr auto would_open = "it cannot be ignored: the route would be open to those it keeps out";

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
  integration.unsupported("CacheKeyParameters", "answers are not cached");
  integration.unsupported("CacheNamespace", "answers are not cached");
  integration.unsupported("TlsConfig", "certificates of integrations are always checked");
  integration.only_default("ResponseTransferMode", "BUFFERED", "answers are buffered");
  integration.finish();
  return request;
}

}  // namespace

std::optional<Attributes> make_rest_api(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  gateway::CreateRestApiRequest request;
  request.id = workshop.physical_id(resource.logical_id, 10);
  request.root_resource_id = workshop.physical_id(resource.logical_id + "/", 10);
  for (const auto name : {"Body", "BodyS3Location"})
    if (properties.node(name) != nullptr) properties.refuse(name, "not supported", openapi_hint);
  request.name = properties.required_text("Name");
  request.description = properties.text("Description").value_or("");
  request.binary_media_types = properties.texts("BinaryMediaTypes");
  request.api_key_source = properties.text("ApiKeySourceType").value_or(request.api_key_source);
  request.endpoint_type = endpoint_type(properties);
  if (const auto* policy = properties.node("Policy")) request.policy = policy->to_json();
  properties.no_effect({"Tags"});
  properties.unsupported("CloneFrom", openapi_hint);
  properties.unsupported("Mode", openapi_hint);
  properties.unsupported("Parameters", openapi_hint);
  properties.only_default("FailOnWarnings", "false", "nothing is imported here");
  properties.unsupported("MinimumCompressionSize", "answers are not compressed");
  properties.only_default("DisableExecuteApiEndpoint", "false", "the API answers at its own address only");
  properties.finish();
  if (!properties.ok()) return std::nullopt;

  const auto made = workshop.apis.create_rest_api(std::move(request));
  if (!made) {
    workshop.refused(resource, made.error());
    return std::nullopt;
  }
  auto out = attributes(resource, (*made)->id, "RestApiId");
  out.attributes.emplace("RootResourceId", Node(resource.at, std::string_view((*made)->root_resource_id)));
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
  if (properties.node("AuthorizationScopes") != nullptr) properties.refuse("AuthorizationScopes", "scopes are not supported", would_open);
  properties.unsupported("RequestModels", "request bodies are not validated here");
  properties.unsupported("RequestValidatorId", "requests are not validated here");

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
  properties.finish();
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
  if (properties.node("ProviderARNs") != nullptr) properties.refuse("ProviderARNs", "Cognito authorizers are not supported", would_open);
  properties.no_effect({"AuthType"});  // only shown in exported OpenAPI
  properties.finish();
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

std::optional<Attributes> make_deployment(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  gateway::CreateDeploymentRequest request;
  request.id = workshop.physical_id(resource.logical_id, 6);
  request.rest_api_id = properties.required_text("RestApiId");
  request.description = properties.text("Description").value_or("");
  request.stage_name = properties.text("StageName").value_or("");
  if (auto stage = properties.object("StageDescription")) {
    request.stage_description = stage->text("Description").value_or("");
    request.variables = stage->text_map("Variables");
    stage->no_effect({"Tags"});
    stage->finish();
  }
  properties.unsupported("DeploymentCanarySettings", "canaries are not supported");
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  const auto api_id = request.rest_api_id;
  const auto made = workshop.apis.create_deployment(std::move(request));
  if (!made) {
    workshop.refused(resource, made.error());
    return std::nullopt;
  }
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
  properties.no_effect({"Tags"});
  properties.only_default("TracingEnabled", "false", "traces are not sent to X-Ray");
  properties.only_default("CacheClusterEnabled", "false", "answers are not cached");
  properties.unsupported("CacheClusterSize", "answers are not cached");
  properties.unsupported("MethodSettings", "throttling, caching and metrics per method are not supported");
  properties.unsupported("AccessLogSetting", "requests are logged to the terminal");
  properties.unsupported("CanarySetting", "canaries are not supported");
  if (properties.node("ClientCertificateId") != nullptr) properties.refuse("ClientCertificateId", "not supported");
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  const auto made = workshop.apis.create_stage(std::move(request));
  if (!made) {
    workshop.refused(resource, made.error());
    return std::nullopt;
  }
  return attributes(resource, (*made)->name, "");
}

}  // namespace sallyport::cloudformation
