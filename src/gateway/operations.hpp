// API Gateway's control plane: one function per AWS operation. Nothing here knows HTTP; templates and the API call the same functions.
// Nothing is accepted and then ignored: what this version does not do is refused with its name. Source: API Gateway REST API reference
// (2015-07-09); error texts as AWS answers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aws/arn.hpp"
#include "base/result.hpp"
#include "gateway/patch.hpp"
#include "gateway/state.hpp"

namespace sallyport::gateway {

struct MethodAddress {
  std::string rest_api_id;
  std::string resource_id;
  std::string http_method;
};

struct CreateRestApiRequest {
  std::string id;                // the caller's choice: lower-case letters and digits
  std::string root_resource_id;  // the same
  std::string name;
  std::string description;
  std::vector<std::string> binary_media_types;  // `image/png`, also as `image~1png`
  std::string api_key_source = "HEADER";        // or AUTHORIZER
  std::string endpoint_type = "EDGE";           // EDGE or REGIONAL: both are served as regional
  std::optional<json::Value> policy;            // the resource policy
  std::string version;
  bool disable_execute_api_endpoint = false;
  std::string ip_address_type = "ipv4";  // `dualstack` is refused
  TextMap tags;
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
  std::string authorization_type = "NONE";  // CUSTOM, AWS_IAM, COGNITO_USER_POOLS or JWT
  std::optional<std::string> authorizer_id;
  bool api_key_required = false;
  std::string operation_name;
  std::map<std::string, bool, std::less<>> request_parameters;
  TextMap request_models;            // content type -> name of a model
  std::string request_validator_id;  // empty: none
  std::vector<std::string> authorization_scopes = {};
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
  std::string type;                             // AWS_PROXY, AWS, HTTP_PROXY, HTTP or MOCK
  std::string uri;                              // a Lambda invocation ARN, or http://…; empty for MOCK
  std::string integration_http_method;          // empty for MOCK
  std::optional<std::string> credentials;       // the ARN of a role, or arn:aws:iam::*:user/*; for functions
  TextMap request_parameters;                   // integration.request.header.X -> source
  TextMap request_templates;                    // content type -> template
  std::string passthrough_behavior = "";        // WHEN_NO_MATCH (the default), WHEN_NO_TEMPLATES or NEVER
  std::optional<int> timeout_ms;                // 50..29000
  std::optional<std::string> content_handling;  // CONVERT_TO_TEXT or CONVERT_TO_BINARY
  std::string connection_type;                  // empty or INTERNET
  std::string cache_namespace = {};             // empty: the resource's id
  std::vector<std::string> cache_key_parameters = {};
};

struct PutIntegrationResponseRequest {
  std::string rest_api_id;
  std::string resource_id;
  std::string http_method;
  std::string status_code;
  std::string selection_pattern;
  TextMap response_parameters;  // method.response.header.Name -> source
  TextMap response_templates;
  std::optional<std::string> content_handling;  // CONVERT_TO_TEXT or CONVERT_TO_BINARY
};

struct CreateAuthorizerRequest {
  std::string rest_api_id;
  std::string id;  // the caller's choice
  std::string name;
  std::string type;  // TOKEN, REQUEST, COGNITO_USER_POOLS or JWT
  std::string authorizer_uri;
  std::optional<std::string> authorizer_credentials;   // the ARN of a role
  std::string identity_source;                         // comma-separated
  std::string identity_validation_expression;          // of TOKEN and COGNITO_USER_POOLS; ignored for REQUEST, as on AWS
  std::optional<int> ttl_s;                            // 0..3600, default 300
  std::vector<std::string> provider_arns = {};         // of user pools; COGNITO_USER_POOLS only
  std::optional<JwtConfiguration> jwt = std::nullopt;  // JWT only, its key sets found already
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
  std::optional<bool> cache_cluster_enabled = std::nullopt;  // of the stage
  std::string cache_cluster_size = {};
};

struct CreateStageRequest {
  std::string rest_api_id;
  std::string stage_name;
  std::string deployment_id;
  std::string description;
  TextMap variables;
  std::string documentation_version;
  TextMap tags;
  bool cache_cluster_enabled = false;
  std::string cache_cluster_size = {};
};

struct CreateModelRequest {
  std::string rest_api_id;
  std::string id;  // the caller's choice
  std::string name;
  std::string description;
  std::string content_type;
  std::string schema;  // JSON Schema, draft 4
};

struct CreateRequestValidatorRequest {
  std::string rest_api_id;
  std::string id;  // the caller's choice
  std::string name;
  bool validate_request_body = false;
  bool validate_request_parameters = false;
};

struct CreateApiKeyRequest {
  std::string id;     // the caller's choice
  std::string value;  // 20 to 128 characters
  std::string name;
  std::string description;
  std::string customer_id;
  bool enabled = false;
  TextMap tags;
};

struct CreateUsagePlanRequest {
  std::string id;  // the caller's choice
  std::string name;
  std::string description;
  std::vector<PlanStage> stages;
  std::optional<ThrottleSettings> throttle;
  std::optional<QuotaSettings> quota;
  TextMap tags;
};

/// Changes a draft of the state; the owner publishes it when all went well (`Stages::publish`). A draft of which an operation was refused
/// is thrown away.
class Operations {
 public:
  /// `draft` must outlive this object. `now` dates what is made.
  explicit Operations(State& draft, WallTime now = {}) : state_(draft), now_(now) {}

  Answer<const RestApi*> create_rest_api(CreateRestApiRequest request);
  Answer<> update_rest_api(const std::string& rest_api_id, const PatchOperations& patch);
  Answer<> delete_rest_api(const std::string& rest_api_id);

  Answer<const Resource*> create_resource(CreateResourceRequest request);
  Answer<> update_resource(const std::string& rest_api_id, const std::string& resource_id, const PatchOperations& patch);
  /// With everything below it. The root stays.
  Answer<> delete_resource(const std::string& rest_api_id, const std::string& resource_id);

  Answer<> put_method(PutMethodRequest request);
  Answer<> update_method(const MethodAddress& method, const PatchOperations& patch);
  Answer<> delete_method(const std::string& rest_api_id, const std::string& resource_id, const std::string& http_method);
  Answer<> put_method_response(PutMethodResponseRequest request);
  Answer<> update_method_response(const MethodAddress& method, const std::string& status_code, const PatchOperations& patch);
  Answer<> delete_method_response(const MethodAddress& method, const std::string& status_code);
  /// Replaces the integration with its responses.
  Answer<> put_integration(PutIntegrationRequest request);
  Answer<> update_integration(const MethodAddress& method, const PatchOperations& patch);
  Answer<> delete_integration(const MethodAddress& method);
  Answer<> put_integration_response(PutIntegrationResponseRequest request);
  Answer<> update_integration_response(const MethodAddress& method, const std::string& status_code, const PatchOperations& patch);
  Answer<> delete_integration_response(const MethodAddress& method, const std::string& status_code);

  Answer<const AuthorizerSettings*> create_authorizer(CreateAuthorizerRequest request);
  /// `key_sets`: the `jwks_uri` of each issuer a JWT authorizer has afterwards.
  Answer<> update_authorizer(const std::string& rest_api_id, const std::string& authorizer_id, const PatchOperations& patch,
                             const TextMap& key_sets = {});
  Answer<> delete_authorizer(const std::string& rest_api_id, const std::string& authorizer_id);
  Answer<> put_gateway_response(PutGatewayResponseRequest request);
  Answer<> update_gateway_response(const std::string& rest_api_id, const std::string& response_type, const PatchOperations& patch);
  Answer<> delete_gateway_response(const std::string& rest_api_id, const std::string& response_type);

  Answer<const Model*> create_model(CreateModelRequest request);
  Answer<> update_model(const std::string& rest_api_id, const std::string& name, const PatchOperations& patch);
  Answer<> delete_model(const std::string& rest_api_id, const std::string& name);
  Answer<const RequestValidator*> create_request_validator(CreateRequestValidatorRequest request);
  Answer<> update_request_validator(const std::string& rest_api_id, const std::string& validator_id, const PatchOperations& patch);
  Answer<> delete_request_validator(const std::string& rest_api_id, const std::string& validator_id);

  /// Freezes the API as it is now. Refuses an API without methods and a method without integration.
  Answer<const Deployment*> create_deployment(CreateDeploymentRequest request);
  Answer<> update_deployment(const std::string& rest_api_id, const std::string& deployment_id, const PatchOperations& patch);
  Answer<> delete_deployment(const std::string& rest_api_id, const std::string& deployment_id);
  Answer<const StageSettings*> create_stage(CreateStageRequest request);
  Answer<> update_stage(const std::string& rest_api_id, const std::string& stage_name, const PatchOperations& patch);
  Answer<> delete_stage(const std::string& rest_api_id, const std::string& stage_name);
  /// Forgets the answers the stage has kept; takes effect when the state is published.
  Answer<> flush_stage_cache(const std::string& rest_api_id, const std::string& stage_name);
  /// DELETE /restapis/{id}/stages/{stage}/cache/authorizers: takes effect when the state is published.
  Answer<> flush_stage_authorizers_cache(const std::string& rest_api_id, const std::string& stage_name);

  Answer<const ApiKey*> create_api_key(CreateApiKeyRequest request);
  Answer<> update_api_key(const std::string& id, const PatchOperations& patch);
  Answer<> delete_api_key(const std::string& id);
  Answer<const UsagePlan*> create_usage_plan(CreateUsagePlanRequest request);
  Answer<> update_usage_plan(const std::string& id, const PatchOperations& patch);
  /// Refused while stages belong to it.
  Answer<> delete_usage_plan(const std::string& id);
  Answer<const ApiKey*> create_usage_plan_key(const std::string& usage_plan_id, const std::string& key_id, const std::string& key_type);
  Answer<> delete_usage_plan_key(const std::string& usage_plan_id, const std::string& key_id);
  Answer<> update_account(const PatchOperations& patch);

  /// `arn`: arn:aws:apigateway:<region>::/restapis/<id>, …/restapis/<id>/stages/<name>, …/apikeys/<id>, …/usageplans/<id> or
  /// …/domainnames/<name>.
  Answer<> tag_resource(std::string_view arn, const TextMap& tags);
  Answer<> untag_resource(std::string_view arn, const std::vector<std::string>& keys);

 private:
  Answer<RestApi*> find_api(const std::string& id);
  Answer<Definition*> find_definition(const std::string& api_id);
  Answer<Resource*> find_resource(const std::string& api_id, const std::string& id);
  Answer<MethodSettings*> find_method(const std::string& api_id, const std::string& resource_id, const std::string& http_method);
  Answer<MethodSettings*> find_method(const MethodAddress& method);
  Answer<StageSettings*> find_stage(const std::string& api_id, const std::string& name);
  Answer<PlanStage> find_plan_stage(std::string_view api_and_stage) const;
  Answer<> check_plan_stages(const std::vector<PlanStage>& stages) const;
  Answer<> check_keys_of(const UsagePlan& plan) const;
  Answer<json::Value> read_policy(const std::string& api_id, json::Value policy) const;
  void leave_plans(const std::string& api_id, const std::string& stage);
  State& state_;
  WallTime now_;
};

// Names as AWS writes them.
std::string_view name_of(IntegrationType type);      // AWS_PROXY
std::string_view name_of(Passthrough passthrough);   // WHEN_NO_MATCH
std::string_view name_of(ContentHandling handling);  // CONVERT_TO_TEXT
std::string_view name_of(AuthorizerType type);       // TOKEN
std::string_view name_of(ClaimRule::Format format);  // single-string
std::string_view name_of(AuthorizationType type);    // NONE

/// A policy as UpdateRestApi gets it: JSON text.
Answer<json::Value> parse_policy_text(std::string_view text);
/// Of minimumCompressionSize: a bad value has its text, a good one is refused.
Answer<> check_compression(std::int64_t bytes);

/// The tags of what an ARN names, as TagResource takes it.
Answer<TextMap> tags_of(const State& state, std::string_view arn);

/// How methods say that they are asked by an authorizer of that type.
AuthorizationType authorization_by(AuthorizerType type);

/// jwtConfiguration as JSON text, all of it: `{"defaultAlgorithms": [...], "issuers": [{"issuer", "audiences", "additionalClaims"}]}`.
Answer<JwtConfiguration> read_jwt_configuration(std::string_view text);

/// `https://cognito-idp.REGION.amazonaws.com/POOL` for the ARN of a user pool; nothing for another text.
std::optional<std::string> issuer_of_pool(std::string_view arn);

/// The ARN wrapped in `arn:aws:apigateway:<region>:lambda:path/2015-03-31/functions/<function ARN>/invocations`; nothing for another text.
/// `${stageVariables.x}` may still be in it.
std::optional<std::string> function_arn_of_uri(std::string_view uri);

}  // namespace sallyport::gateway
