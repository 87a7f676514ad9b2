// What exists: REST APIs, their resources, methods, authorizers, deployments and stages. Values: copy, change, publish.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws/arn.hpp"
#include "gateway/response_type.hpp"
#include "json/value.hpp"

namespace sallyport::gateway {

using TextMap = std::map<std::string, std::string, std::less<>>;

enum class IntegrationType : std::uint8_t { aws_proxy, http_proxy, mock };
enum class Passthrough : std::uint8_t { when_no_match, when_no_templates, never };
enum class AuthorizerType : std::uint8_t { token, request };

struct IntegrationResponse {
  std::string selection_pattern;  // empty: the default response
  TextMap response_parameters;    // method.response.header.Name -> source
  TextMap response_templates;     // content type -> template
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
  bool operator==(const IntegrationSettings&) const = default;
};

/// Which response headers an answer of one status may carry.
struct MethodResponse {
  std::map<std::string, bool, std::less<>> response_parameters;
  TextMap response_models;
  bool operator==(const MethodResponse&) const = default;
};

struct MethodSettings {
  std::optional<std::string> authorizer_id;  // none: authorizationType NONE
  std::string operation_name;
  std::map<std::string, bool, std::less<>> request_parameters;  // method.request.header.X -> required
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

struct AuthorizerSettings {
  std::string id;
  std::string name;
  AuthorizerType type = AuthorizerType::token;
  std::string uri;
  std::vector<std::string> identity_sources;
  std::string validation_expression;
  std::chrono::seconds ttl{300};
  bool operator==(const AuthorizerSettings&) const = default;
};

/// What PutGatewayResponse set for one type.
struct GatewayResponseSettings {
  std::optional<int> status;
  TextMap parameters;  // gatewayresponse.header.Name -> source
  TextMap templates;   // content type -> template
  bool operator==(const GatewayResponseSettings&) const = default;
};

/// All of an API that a deployment freezes.
struct Definition {
  std::map<std::string, Resource, std::less<>> resources;  // by id
  std::map<std::string, AuthorizerSettings, std::less<>> authorizers;
  std::map<ResponseType, GatewayResponseSettings> gateway_responses;
  std::vector<std::string> binary_media_types;
  std::optional<json::Value> resource_policy;  // abbreviated resources already written out
  bool operator==(const Definition&) const = default;
};

struct Deployment {
  std::string id;
  std::string description;
  std::shared_ptr<const Definition> definition;
};

struct StageSettings {
  std::string name;
  std::string deployment_id;
  std::string description;
  TextMap variables;
  int flushes = 0;  // a flushed stage is a changed stage: it gets a new generation, which no cached entry belongs to
};

struct RestApi {
  std::string id;
  std::string name;
  std::string description;
  std::string api_key_source;
  std::string endpoint_type;
  std::string root_resource_id;
  Definition draft;
  std::map<std::string, Deployment, std::less<>> deployments;
  std::map<std::string, StageSettings, std::less<>> stages;
};

/// All REST APIs of one account and region. A value.
struct State {
  aws::Scope scope;
  std::map<std::string, RestApi, std::less<>> apis;
};

}  // namespace sallyport::gateway
