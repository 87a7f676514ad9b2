// API Gateway's control plane: one function per AWS operation. Nothing here knows HTTP; templates and the API call the same functions.
// Nothing is accepted and then ignored: what this version does not do is refused with its name. Source: API Gateway REST API reference
// (2015-07-09); error texts as AWS answers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aws/arn.hpp"
#include "base/result.hpp"
#include "gateway/state.hpp"

namespace sallyport::gateway {

template <class T = void>
using Answer = Result<T, aws::ApiError>;

struct CreateRestApiRequest {
  std::string id;                // the caller's choice: lower-case letters and digits
  std::string root_resource_id;  // the same
  std::string name;
  std::string description;
  std::vector<std::string> binary_media_types;  // `image/png`, also as `image~1png`
  std::string api_key_source = "HEADER";        // or AUTHORIZER
  std::string endpoint_type = "EDGE";           // EDGE or REGIONAL: both are served as regional
  std::optional<json::Value> policy;            // the resource policy
};

struct CreateResourceRequest {
  std::string rest_api_id;
  std::string id;  // the caller's choice
  std::string parent_id;
  std::string path_part;  // `pets`, `{id}` or `{proxy+}`
};

struct PutMethodRequest {
  std::string rest_api_id;
  std::string resource_id;
  std::string http_method;                  // DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT or ANY
  std::string authorization_type = "NONE";  // or CUSTOM
  std::optional<std::string> authorizer_id;
  bool api_key_required = false;  // true is refused
  std::string operation_name;
  std::map<std::string, bool, std::less<>> request_parameters;
};

struct PutMethodResponseRequest {
  std::string rest_api_id;
  std::string resource_id;
  std::string http_method;
  std::string status_code;
  std::map<std::string, bool, std::less<>> response_parameters;  // method.response.header.Name -> required
  TextMap response_models;                                       // kept, shown, not enforced, as on AWS
};

struct PutIntegrationRequest {
  std::string rest_api_id;
  std::string resource_id;
  std::string http_method;
  std::string type;                             // AWS_PROXY, HTTP_PROXY or MOCK
  std::string uri;                              // a Lambda invocation ARN, or http://…; empty for MOCK
  std::string integration_http_method;          // empty for MOCK
  std::optional<std::string> credentials;       // refused
  TextMap request_parameters;                   // integration.request.header.X -> source
  TextMap request_templates;                    // content type -> template
  std::string passthrough_behavior = "";        // WHEN_NO_MATCH (the default), WHEN_NO_TEMPLATES or NEVER
  std::optional<int> timeout_ms;                // 50..29000
  std::optional<std::string> content_handling;  // refused
};

struct PutIntegrationResponseRequest {
  std::string rest_api_id;
  std::string resource_id;
  std::string http_method;
  std::string status_code;
  std::string selection_pattern;
  TextMap response_parameters;  // method.response.header.Name -> source
  TextMap response_templates;
  std::optional<std::string> content_handling;  // refused
};

struct CreateAuthorizerRequest {
  std::string rest_api_id;
  std::string id;  // the caller's choice
  std::string name;
  std::string type;  // TOKEN or REQUEST
  std::string authorizer_uri;
  std::optional<std::string> authorizer_credentials;  // refused
  std::string identity_source;                        // comma-separated
  std::string identity_validation_expression;         // TOKEN only; ignored for REQUEST, as on AWS
  std::optional<int> ttl_s;                           // 0..3600, default 300
};

struct PutGatewayResponseRequest {
  std::string rest_api_id;
  std::string response_type;               // UNAUTHORIZED, DEFAULT_4XX, ...
  std::optional<std::string> status_code;  // three digits
  TextMap response_parameters;             // gatewayresponse.header.Name -> source
  TextMap response_templates;
};

struct CreateDeploymentRequest {
  std::string rest_api_id;
  std::string id;  // the caller's choice
  std::string description;
  /// With a name, the stage is made, or pointed at this deployment when it exists.
  std::string stage_name;
  std::string stage_description;
  TextMap variables;
};

struct CreateStageRequest {
  std::string rest_api_id;
  std::string stage_name;
  std::string deployment_id;
  std::string description;
  TextMap variables;
};

/// Changes a draft of the state; the owner publishes it when all went well (`compile_stages`).
class Operations {
 public:
  /// `draft` must outlive this object.
  explicit Operations(State& draft) : state_(draft) {}

  Answer<const RestApi*> create_rest_api(CreateRestApiRequest request);
  Answer<const Resource*> create_resource(CreateResourceRequest request);
  Answer<> put_method(PutMethodRequest request);
  Answer<> put_method_response(PutMethodResponseRequest request);
  Answer<> put_integration(PutIntegrationRequest request);
  Answer<> put_integration_response(PutIntegrationResponseRequest request);
  Answer<const AuthorizerSettings*> create_authorizer(CreateAuthorizerRequest request);
  Answer<> put_gateway_response(PutGatewayResponseRequest request);
  /// Freezes the API as it is now. Refuses an API without methods and a method without integration.
  Answer<const Deployment*> create_deployment(CreateDeploymentRequest request);
  Answer<const StageSettings*> create_stage(CreateStageRequest request);
  /// UpdateStage with the one patch this version knows: `/deploymentId`.
  Answer<> update_stage_deployment(const std::string& rest_api_id, const std::string& stage_name, const std::string& deployment_id);
  /// DELETE /restapis/{id}/stages/{stage}/cache/authorizers: takes effect when the state is published.
  Answer<> flush_stage_authorizers_cache(const std::string& rest_api_id, const std::string& stage_name);

  Answer<> delete_rest_api(const std::string& rest_api_id);
  /// With everything below it. The root stays.
  Answer<> delete_resource(const std::string& rest_api_id, const std::string& resource_id);
  Answer<> delete_method(const std::string& rest_api_id, const std::string& resource_id, const std::string& http_method);
  Answer<> delete_authorizer(const std::string& rest_api_id, const std::string& authorizer_id);
  Answer<> delete_gateway_response(const std::string& rest_api_id, const std::string& response_type);
  Answer<> delete_stage(const std::string& rest_api_id, const std::string& stage_name);
  Answer<> delete_deployment(const std::string& rest_api_id, const std::string& deployment_id);

 private:
  Answer<RestApi*> find_api(const std::string& id);
  Answer<Resource*> find_resource(const std::string& api_id, const std::string& id);
  Answer<> check_identity_kept(const MethodSettings& method, const std::string& api_id, const TextMap& request_parameters);
  Answer<MethodSettings*> find_method(const std::string& api_id, const std::string& resource_id, const std::string& http_method);
  State& state_;
};

/// The ARN wrapped in `arn:aws:apigateway:<region>:lambda:path/2015-03-31/functions/<function ARN>/invocations`; nothing for another text.
/// `${stageVariables.x}` may still be in it.
std::optional<std::string> function_arn_of_uri(std::string_view uri);

}  // namespace sallyport::gateway
