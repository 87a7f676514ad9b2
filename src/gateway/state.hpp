// What exists: REST APIs, their resources, methods, authorizers, deployments and stages. Values: copy, change, publish.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws/arn.hpp"
#include "base/clock.hpp"
#include "base/shared.hpp"
#include "gateway/response_type.hpp"
#include "json/value.hpp"

namespace sallyport::gateway {

using TextMap = std::map<std::string, std::string, std::less<>>;

enum class IntegrationType : std::uint8_t { aws_proxy, http_proxy, mock, aws, http };
enum class Passthrough : std::uint8_t { when_no_match, when_no_templates, never };
/// What becomes of a body between text and binary: as its media type says, base64 text, or the bytes behind base64 text.
enum class ContentHandling : std::uint8_t { as_it_comes, to_text, to_binary };
enum class AuthorizerType : std::uint8_t { token, request, cognito_user_pools, jwt };
/// Who may call a method: anyone, whom its function lets in, whom IAM allows execute-api:Invoke, or who has a token of a user pool or of
/// another issuer.
enum class AuthorizationType : std::uint8_t { none, custom, aws_iam, cognito_user_pools, jwt };

struct IntegrationResponse {
  std::string selection_pattern;  // empty: the default response
  TextMap response_parameters;    // method.response.header.Name -> source
  TextMap response_templates;     // content type -> template
  ContentHandling content_handling = ContentHandling::as_it_comes;
  bool operator==(const IntegrationResponse&) const = default;
};

struct IntegrationSettings {
  IntegrationType type = IntegrationType::mock;
  std::string uri;          // as given, stage variables not yet replaced
  std::string http_method;  // the integration's own; empty for MOCK
  TextMap request_parameters;
  TextMap request_templates;
  Passthrough passthrough = Passthrough::when_no_match;
  std::chrono::milliseconds timeout{29'000};
  std::map<std::string, IntegrationResponse, std::less<>> responses;  // by status code
  bool names_connection = false;                                      // connectionType INTERNET was said, and is shown
  std::string credentials;  // the role the function is called as, or the caller's own; empty: the function's own policy is asked
  ContentHandling content_handling = ContentHandling::as_it_comes;
  std::string cache_namespace;                    // empty: the resource's id. Answers are shared within a namespace
  std::vector<std::string> cache_key_parameters;  // method.request.querystring.x, ...: what makes two requests different
  bool operator==(const IntegrationSettings&) const = default;
};

/// Which response headers an answer of one status may carry.
struct MethodResponse {
  std::map<std::string, bool, std::less<>> response_parameters;
  TextMap response_models;
  bool operator==(const MethodResponse&) const = default;
};

struct MethodSettings {
  AuthorizationType authorization = AuthorizationType::none;
  std::optional<std::string> authorizer_id;       // with CUSTOM, COGNITO_USER_POOLS and JWT, and only then
  std::vector<std::string> authorization_scopes;  // of which a token needs one; empty: none is asked for
  bool api_key_required = false;
  std::string operation_name;
  std::map<std::string, bool, std::less<>> request_parameters;  // method.request.header.X -> required
  TextMap request_models;                                       // content type -> name of a model
  std::string request_validator_id;                             // empty: requests are not validated
  std::map<std::string, MethodResponse, std::less<>> responses;
  std::optional<IntegrationSettings> integration;
  bool operator==(const MethodSettings&) const = default;
};

struct Resource {
  std::string id;
  std::string parent_id;                                       // empty for the root
  std::string path_part;                                       // empty for the root
  std::string path;                                            // `/pets/{id}`
  std::map<std::string, MethodSettings, std::less<>> methods;  // by verb or `ANY`
  bool operator==(const Resource&) const = default;
};

/// A claim that tokens must have besides those every token has.
struct ClaimRule {
  enum class Format : std::uint8_t { single_string, string_array, space_separated };
  std::string name;
  Format format = Format::single_string;
  std::vector<std::string> expected;  // one of them must be there; empty: any value will do
  bool required = false;
  bool operator==(const ClaimRule&) const = default;
};

/// Whose tokens a JWT authorizer takes.
struct JwtIssuer {
  std::string issuer;
  std::vector<std::string> audiences;
  std::vector<ClaimRule> claims;
  std::string jwks_uri;  // as found when the authorizer was made; shown
  bool operator==(const JwtIssuer&) const = default;
};

struct JwtConfiguration {
  std::vector<std::string> algorithms;
  std::vector<JwtIssuer> issuers;
  bool operator==(const JwtConfiguration&) const = default;
};

struct AuthorizerSettings {
  std::string id;
  std::string name;
  AuthorizerType type = AuthorizerType::token;
  std::string uri;
  std::string credentials;      // the role the function is called as; empty: the function's own policy is asked
  std::string identity_source;  // as given: the parts below, with commas between
  std::vector<std::string> identity_sources;
  std::string validation_expression;
  std::chrono::seconds ttl{300};
  std::vector<std::string> provider_arns;  // of user pools
  JwtConfiguration jwt;                    // of a JWT authorizer
  bool operator==(const AuthorizerSettings&) const = default;
};

/// What PutGatewayResponse set for one type.
struct GatewayResponseSettings {
  std::optional<int> status;
  TextMap parameters;  // gatewayresponse.header.Name -> source
  TextMap templates;   // content type -> template
  bool operator==(const GatewayResponseSettings&) const = default;
};

/// The JSON schema of a body.
struct Model {
  std::string id;
  std::string name;
  std::string description;
  std::string content_type;
  std::string schema;
  bool operator==(const Model&) const = default;
};

struct RequestValidator {
  std::string id;
  std::string name;
  bool validates_body = false;
  bool validates_parameters = false;
  bool operator==(const RequestValidator&) const = default;
};

/// All of an API that a deployment freezes.
struct Definition {
  std::map<std::string, Resource, std::less<>> resources;  // by id
  std::map<std::string, AuthorizerSettings, std::less<>> authorizers;
  std::map<ResponseType, GatewayResponseSettings> gateway_responses;
  std::map<std::string, Model, std::less<>> models;  // by name
  std::map<std::string, RequestValidator, std::less<>> validators;
  std::vector<std::string> binary_media_types;
  std::optional<json::Value> resource_policy;  // as given: resources may lack the ARN (resource_policy.hpp)
  bool disable_execute_api_endpoint = false;   // then the API is not served at its own host
  bool keys_from_authorizer = false;           // set when it is frozen, from the API's apiKeySource
  bool operator==(const Definition&) const = default;
};

struct Deployment {
  std::string id;
  std::string description;
  WallTime created;
  std::shared_ptr<const Definition> definition;
};

/// Settings of the methods of a stage. What is not mentioned here has its default and no other.
struct MethodSetting {
  bool metrics_enabled = false;       // shown, of no effect
  std::string logging_level = "OFF";  // the same: ERROR or INFO
  bool data_trace_enabled = false;    // the same
  bool caching_enabled = false;       // of effect where the stage has a cache
  int cache_ttl_s = 300;              // 0: nothing is kept
  bool cache_data_encrypted = false;  // shown: what is kept is in memory alone
  bool cache_control_requires_authorization = true;
  std::string unauthorized_cache_control = "SUCCEED_WITH_RESPONSE_HEADER";
  std::optional<double> throttling_rate_limit = std::nullopt;  // requests a second, of each method this setting is for; none: no limit
  std::optional<int> throttling_burst_limit = std::nullopt;
  bool operator==(const MethodSetting&) const = default;
};

struct StageSettings {
  std::string name;
  std::string deployment_id;
  std::string description;
  TextMap variables;
  bool cache_cluster_enabled = false;
  std::string cache_cluster_size;  // gigabytes, as AWS names them: 0.5, 1.6, ...
  int cache_flushes = 0;           // counts up with every flush: kept answers belong to one count
  int flushes = 0;                 // a flushed stage is a changed stage: it gets a new generation, which no cached entry belongs to
  std::map<std::string, MethodSetting, std::less<>> method_settings;  // `*/*` or `pets/{id}/GET`
  std::string access_log_destination;                                 // shown, of no effect
  std::string access_log_format;
  std::string documentation_version;
  TextMap tags;
  WallTime created;
  WallTime updated;
  bool operator==(const StageSettings&) const = default;
};

struct RestApi {
  std::string id;
  std::string name;
  std::string description;
  std::string version;
  std::string api_key_source;
  std::string endpoint_type;
  std::string root_resource_id;
  TextMap tags;
  WallTime created;
  Shared<Definition> draft;
  std::map<std::string, Shared<Deployment>, std::less<>> deployments;
  std::map<std::string, StageSettings, std::less<>> stages;
};

struct ApiKey {
  std::string id;
  std::string value;
  std::string name;
  std::string description;
  std::string customer_id;
  bool enabled = false;
  TextMap tags;
  WallTime created;
  WallTime updated;
};

struct ThrottleSettings {
  double rate_limit = 0;
  int burst_limit = 0;
  bool operator==(const ThrottleSettings&) const = default;
};

struct QuotaSettings {
  int limit = 0;
  int offset = 0;
  std::string period;  // DAY, WEEK or MONTH
  bool operator==(const QuotaSettings&) const = default;
};

struct PlanStage {
  std::string api_id;
  std::string stage;
  std::map<std::string, ThrottleSettings, std::less<>> throttles;  // by `/path/METHOD`
  bool operator==(const PlanStage&) const = default;
};

/// Which keys may call which stages, how fast and how often.
struct UsagePlan {
  std::string id;
  std::string name;
  std::string description;
  std::string product_code;
  std::vector<PlanStage> stages;
  std::optional<ThrottleSettings> throttle;
  std::optional<QuotaSettings> quota;
  std::vector<std::string> keys;  // ids of API keys, in the order they were added
  TextMap tags;
};

struct AccountSettings {
  std::string cloudwatch_role_arn;  // shown, of no effect
  bool operator==(const AccountSettings&) const = default;
};

/// What paths below a base path of a custom domain name lead to: a stage of a REST API or of an HTTP API.
struct ApiMapping {
  std::string id;
  std::string key;  // the base path, without slashes at its ends; empty: every path that no other mapping takes
  std::string api_id;
  std::string stage;  // empty: the first segment after the base path names it; REST APIs only
  bool operator==(const ApiMapping&) const = default;
};

/// Clients must show a certificate that comes from one of the authorities in the truststore.
struct MutualTls {
  std::string truststore_uri;
  std::string truststore_version;  // shown
  bool operator==(const MutualTls&) const = default;
};

/// A custom domain name, for REST and HTTP APIs alike.
struct DomainName {
  std::string name;              // lower case; may begin with `*.`
  std::string certificate_arn;   // what --certificate ARN=… gives the files of
  std::string certificate_name;  // shown
  std::string ownership_certificate_arn;
  std::string endpoint_type;  // REGIONAL or EDGE
  std::string endpoint_id;    // of the name AWS would give the endpoint
  std::string security_policy;
  std::optional<MutualTls> mutual_tls;
  TextMap tags;
  WallTime created;
  WallTime certificate_given;
  std::map<std::string, ApiMapping, std::less<>> mappings;  // by key
};

/// All REST APIs of one account and region, and its custom domain names. A value that copies cheaply.
struct State {
  aws::Scope scope;
  std::map<std::string, Shared<RestApi>, std::less<>> apis;
  std::map<std::string, Shared<ApiKey>, std::less<>> api_keys;
  std::map<std::string, Shared<UsagePlan>, std::less<>> usage_plans;
  std::map<std::string, Shared<DomainName>, std::less<>> domains;  // by name
  AccountSettings account;
};

}  // namespace sallyport::gateway
