// ServedStage: one deployed stage of one HTTP API, compiled. Immutable: a request pins it and sees this deployment to its end.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gateway/router.hpp"
#include "gateway/served_apis.hpp"
#include "gateway/stage.hpp"
#include "gateway/uri.hpp"
#include "http_api/choices.hpp"
#include "http_api/parameter_mapping.hpp"
#include "http_api/selection.hpp"
#include "http_api/state.hpp"
#include "identity/jwt.hpp"
#include "lambda/invoker.hpp"
#include "lambda/url_config.hpp"

namespace sallyport::http_api {

/// Says who the caller is, by a token or by asking a function. One serves all requests of one stage.
struct ServedAuthorizer {
  std::string id;
  std::string name;
  AuthorizerType type = AuthorizerType::request;
  std::string problem;                    // why it can let nobody in; empty: it works
  std::vector<std::string> source_texts;  // as configured: $request.header.X
  std::vector<Selection> sources;
  // JWT
  identity::TokenRules rules;
  std::vector<std::string> audiences;
  // REQUEST
  PayloadVersion payload = PayloadVersion::v2;
  bool simple_responses = false;
  std::chrono::seconds ttl{0};
  std::string function_arn;
  std::string credentials;  // the role it is called as; empty: none
  std::string source_arn;   // arn:…:<api>/authorizers/<id>
  std::string key_prefix;   // what every cache key of this authorizer in this stage and generation begins with
};

/// A Lambda function that gets the whole request and answers with the whole response.
struct FunctionIntegration {
  gateway::LambdaTarget function;
  PayloadVersion payload = PayloadVersion::v2;
};

/// An HTTP server that gets the request and whose response goes back.
struct HttpIntegration {
  std::string method;  // or ANY: the request's own
  gateway::HttpUri uri;
  struct Piece {
    std::string text;  // or the name of a variable
    bool is_variable = false;
  };
  std::vector<Piece> path;
  std::chrono::milliseconds timeout{0};
};

using Target = std::variant<FunctionIntegration, HttpIntegration, gateway::BrokenIntegration>;

/// One deployed route. It carries its authorization: there is no second place that says who may call it.
struct ServedRoute {
  std::string id;
  std::string key;     // `GET /pets/{id}`
  std::string method;  // as configured, may be ANY; empty for `$default`
  std::string path;    // its template, or `$default`
  std::string operation_name;
  std::vector<std::string> path_variables;
  AuthorizationType authorization = AuthorizationType::none;
  const ServedAuthorizer* authorizer = nullptr;  // of CUSTOM and JWT; null there only when it is gone, and then nobody gets in
  std::vector<std::string> scopes;
  std::optional<gateway::MethodThrottle> throttle;  // none: as fast as they come
  Target integration;
  std::vector<ParameterMapping> request_mappings;
  std::map<int, std::vector<ParameterMapping>> response_mappings;  // by the integration's status
};

struct ServedStage {
  std::string api_id;
  std::string name;
  std::string deployment_id;
  std::string account_id;
  std::string region;
  std::uint64_t generation = 0;
  std::string arn_prefix;  // arn:…:<api>/<stage>/
  TextMap variables;
  std::optional<lambda::UrlCors> cors;
  bool endpoint_disabled = false;  // the API is served under custom domain names alone
  Choices choices;
  gateway::Router router{gateway::TrailingSlash::counts};
  std::vector<ServedRoute> routes;
  std::optional<std::uint32_t> default_route;
  std::vector<std::unique_ptr<const ServedAuthorizer>> authorizers;

  // what it was compiled from, to recognise an unchanged stage
  Stage settings;
  std::shared_ptr<const Definition> definition;

  /// The route of a request: the most specific one with the verb, else `$default`. `values` are those of its path variables.
  const ServedRoute* find(std::string_view verb, std::string_view path, std::vector<std::string_view>& values) const;
};

/// The stages that serve now. May be used from any thread.
class Stages {
 public:
  /// Serves the stages of this state from now on, in place of those of its account and region. A stage that is what it was is kept with its
  /// generation, and so keeps its cached authorizations; other limits alone keep it too. `functions` are those the stages call; null:
  /// whatever serves at the time of a call.
  void publish(const State& state, std::shared_ptr<const lambda::State> functions = nullptr, const Choices& choices = {});

  /// Is it the id of an HTTP API?
  bool has(std::string_view api_id) const { return static_cast<bool>(served_.pin(api_id).stages); }

  struct Pinned {
    std::shared_ptr<const ServedStage> stage;  // null: no such API, no such stage, or nothing is deployed to it
    std::shared_ptr<const lambda::State> functions;
    bool by_path = false;  // the path's first segment names the stage
  };
  /// The stage of exactly that name.
  Pinned pin(std::string_view api_id, std::string_view stage) const;
  /// The stage that the first segment of a path names, else `$default`.
  Pinned select(std::string_view api_id, std::string_view first_segment) const;

 private:
  using Served = gateway::ServedApis<Api, ServedStage>;
  std::shared_ptr<const Served::StageMap> compile(const aws::Scope& scope, const Api& api, const Served::StageMap* before,
                                                  const Choices& choices);

  Served served_;
  std::mutex publishing_;
  std::map<std::string, Choices> choices_;  // by account and region, as last published
  std::uint64_t last_generation_ = 0;
};

/// Cannot fail: what does not compile after all answers 500, or lets nobody in.
std::shared_ptr<const ServedStage> compile_stage(const aws::Scope& scope, const Api& api, const Stage& settings,
                                                 const std::shared_ptr<const Definition>& definition, std::uint64_t generation,
                                                 const Choices& choices);

}  // namespace sallyport::http_api
