// What exists: HTTP APIs, their routes, integrations, authorizers, deployments and stages. Values: copy, change, publish.
// Source: API Gateway V2 API reference (2018-11-29); API Gateway developer guide, "HTTP APIs".
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/arn.hpp"
#include "base/clock.hpp"
#include "base/shared.hpp"
#include "gateway/state.hpp"

namespace sallyport::http_api {

using gateway::TextMap;

enum class IntegrationType : std::uint8_t { aws_proxy, http_proxy };
/// Of events and answers of a Lambda function, as an integration and as an authorizer.
enum class PayloadVersion : std::uint8_t { v1, v2 };
enum class AuthorizerType : std::uint8_t { request, jwt };
/// Who may call a route: anyone, whom IAM allows execute-api:Invoke, whom its REQUEST authorizer lets in, or who bears a token its JWT
/// authorizer accepts.
enum class AuthorizationType : std::uint8_t { none, aws_iam, custom, jwt };

struct Integration {
  std::string id;
  IntegrationType type = IntegrationType::aws_proxy;
  std::string description;
  std::string uri;     // as given: a function's ARN or its invocation ARN, or http(s)://…; stage variables and {path} not yet replaced
  std::string method;  // with HTTP_PROXY the request's own, ANY: as it came; POST with AWS_PROXY, or empty
  PayloadVersion payload = PayloadVersion::v1;
  std::string credentials;     // the role the function is called as, or the caller's own; empty: the function's own policy is asked
  TextMap request_parameters;  // append:header.x -> $request.header.y; understood by `parse_parameter_mapping`
  std::map<std::string, TextMap, std::less<>> response_parameters;  // status code -> overwrite:statuscode -> 204
  std::chrono::milliseconds timeout{30'000};
  bool managed = false;  // made by quick create
  bool operator==(const Integration&) const = default;
};

struct Route {
  std::string id;
  std::string key;             // `GET /pets/{id}`, `ANY /{proxy+}`, `$default`; understood by `parse_route_key`
  std::string integration_id;  // empty: none yet
  AuthorizationType authorization = AuthorizationType::none;
  std::optional<std::string> authorizer_id;  // with CUSTOM and JWT, and only then
  std::vector<std::string> scopes;           // with JWT: at least one must be in the token
  std::string operation_name;
  bool managed = false;
  bool operator==(const Route&) const = default;
};

struct Authorizer {
  std::string id;
  std::string name;
  AuthorizerType type = AuthorizerType::request;
  std::vector<std::string> identity_sources;  // $request.header.X; exactly one for JWT; understood by `parse_selection`
  // JWT
  std::string issuer;
  std::vector<std::string> audiences;
  // REQUEST
  std::string uri;          // the function's invocation ARN
  std::string credentials;  // the role the function is called as; empty: the function's own policy is asked
  PayloadVersion payload = PayloadVersion::v2;
  bool simple_responses = false;
  std::chrono::seconds ttl{0};  // 0: nothing is cached
  bool operator==(const Authorizer&) const = default;
};

/// What was not set is not there; an empty list is something else than none, and is shown.
struct Cors {
  std::optional<bool> allow_credentials;
  std::optional<std::vector<std::string>> allow_headers, allow_methods, allow_origins, expose_headers;
  std::optional<int> max_age_s;
  bool operator==(const Cors&) const = default;
};

/// All of an API that a deployment freezes.
struct Definition {
  std::map<std::string, Integration, std::less<>> integrations;  // by id, as the others
  std::map<std::string, Route, std::less<>> routes;
  std::map<std::string, Authorizer, std::less<>> authorizers;
  std::optional<Cors> cors;
  bool disable_execute_api_endpoint = false;  // then the API is not served at its own host
  bool operator==(const Definition&) const = default;
};

struct Deployment {
  std::string id;
  std::string description;
  WallTime created;
  bool auto_deployed = false;
  std::shared_ptr<const Definition> definition;  // never null
};

/// What is not mentioned has its default: no metrics, no limit of the stage's own.
struct RouteSettings {
  std::optional<bool> detailed_metrics_enabled;  // shown, of no effect
  std::optional<double> throttling_rate_limit;   // requests a second, of each route this is for
  std::optional<int> throttling_burst_limit;
  bool operator==(const RouteSettings&) const = default;
};

struct Stage {
  std::string name;           // `$default` is served without a stage in the path
  std::string deployment_id;  // empty: nothing is deployed, every request is answered as one that no route fits
  std::string description;
  bool auto_deploy = false;
  TextMap variables;
  std::optional<RouteSettings> default_route_settings;
  std::map<std::string, RouteSettings, std::less<>> route_settings;  // by route key
  std::string access_log_destination;                                // kept, shown
  std::string access_log_format;
  std::string last_deployment_message;  // of automatic deployments
  int flushes = 0;                      // a flushed stage is a changed stage: it gets a new generation, which no cached entry belongs to
  bool managed = false;
  TextMap tags;
  WallTime created;
  WallTime updated;
  bool operator==(const Stage&) const = default;
};

struct Api {
  std::string id;
  std::string name;
  std::string description;
  std::string version;
  std::string route_selection_expression = "$request.method $request.path";
  std::string api_key_selection_expression = "$request.header.x-api-key";  // shown, of no effect for HTTP APIs
  std::vector<std::string> import_info;
  std::vector<std::string> warnings;
  TextMap tags;
  WallTime created;
  Shared<Definition> draft;
  std::map<std::string, Shared<Deployment>, std::less<>> deployments;
  std::map<std::string, Stage, std::less<>> stages;
};

/// All HTTP APIs of one account and region. A value that copies cheaply.
struct State {
  aws::Scope scope;
  std::map<std::string, Shared<Api>, std::less<>> apis;
};

// Names as AWS writes them; empty for a value that is none.
std::string_view name_of(IntegrationType type);    // AWS_PROXY
std::string_view name_of(PayloadVersion version);  // 1.0
std::string_view name_of(AuthorizerType type);     // REQUEST
std::string_view name_of(AuthorizationType type);  // NONE

}  // namespace sallyport::http_api
