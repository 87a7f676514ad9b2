// Stage: one deployed stage of one API, compiled. Immutable: a request pins it and sees this deployment to its end.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/published.hpp"
#include "gateway/answer_source.hpp"
#include "gateway/choices.hpp"
#include "gateway/expression.hpp"
#include "gateway/key_ring.hpp"
#include "gateway/router.hpp"
#include "gateway/source.hpp"
#include "gateway/state.hpp"
#include "gateway/template.hpp"
#include "gateway/throttle.hpp"
#include "lambda/invoker.hpp"
#include "policy/policy.hpp"
#include "vtl/template.hpp"

namespace sallyport::gateway {

struct RequestRules;

/// Says who the caller is, by asking a function or by a token. One serves all requests of one stage.
struct Authorizer {
  std::string id;
  std::string name;
  AuthorizerType type = AuthorizerType::token;
  std::chrono::seconds ttl{0};
  std::vector<std::string> source_texts;  // as configured: method.request.header.X
  std::vector<Source> sources;
  std::optional<Expression> expression;
  std::string function_arn;
  std::string credentials;                // the role it is called as; empty: none
  std::string source_arn;                 // arn:…:<api>/authorizers/<id>
  std::string key_prefix;                 // what every cache key of this authorizer in this stage and generation begins with
  std::vector<std::string> pool_issuers;  // of user pools
  JwtConfiguration jwt;                   // of an authorizer of type JWT

  bool reads_tokens() const { return type == AuthorizerType::cognito_user_pools || type == AuthorizerType::jwt; }
};

/// A Lambda function and how it is called.
struct LambdaTarget {
  std::string function_arn;
  std::string source_arn;   // arn:…:<api>/<stage>/<configured method>/<resource template>
  std::string credentials;  // whom it is called as; empty: the function's own policy is asked
  std::chrono::milliseconds timeout{0};
};

/// A Lambda function that gets the whole request and answers with the whole response.
struct AwsProxyIntegration {
  LambdaTarget function;
};

/// An HTTP server that gets the request and whose response goes back.
struct HttpProxyIntegration {
  std::string method;  // or ANY: the request's own
  std::string host;
  int port = 80;
  bool tls = false;
  struct Piece {
    std::string text;  // or the name of a variable
    bool is_variable = false;
    std::optional<Source> mapped = std::nullopt;  // none: the route's variable of the same name
  };
  std::vector<Piece> path;
  std::string query;  // of the URI, without `?`
  std::vector<std::pair<std::string, Source>> headers;
  std::vector<std::pair<std::string, Source>> queries;
  std::chrono::milliseconds timeout{0};
};

/// What the backend gets of a request, by its media type.
struct RequestMapping {
  ContentHandling handling = ContentHandling::as_it_comes;
  std::vector<std::pair<std::string, vtl::Template>> templates;  // by content type in lower case
  Passthrough passthrough = Passthrough::when_no_match;
};

/// One response of an integration that is no proxy.
struct ResponseMapping {
  std::optional<Expression> pattern;  // none: the default
  int status = 200;
  bool is_declared = false;  // the method has a response of that status
  std::vector<std::pair<std::string, AnswerSource>> headers;
  std::vector<std::pair<std::string, vtl::Template>> templates;
  ContentHandling handling = ContentHandling::as_it_comes;
};

/// An HTTP server that gets what a template makes of the request.
struct HttpIntegration {
  HttpProxyIntegration backend;
  RequestMapping request;
  std::vector<ResponseMapping> responses;  // by status
};

/// A Lambda function that gets what a template makes of the request.
struct AwsIntegration {
  LambdaTarget function;
  RequestMapping request;
  std::vector<ResponseMapping> responses;  // by status
};

/// An answer made here.
struct MockIntegration {
  RequestMapping request;
  std::vector<ResponseMapping> responses;  // by status
};

/// A configuration that AWS accepts and then answers every call with 500.
struct BrokenIntegration {
  std::string reason;
};

using Integration =
    std::variant<AwsProxyIntegration, HttpProxyIntegration, HttpIntegration, MockIntegration, AwsIntegration, BrokenIntegration>;

/// How a method's answers are kept.
struct MethodCache {
  enum class Unauthorized : std::uint8_t { fail_with_403, succeed_with_header, succeed_without_header };
  std::chrono::seconds ttl{0};
  std::size_t bytes_max = 0;  // of the stage
  std::string part;           // the stage's own in the cache
  std::string key;            // of the namespace
  std::vector<Source> parameters;
  bool varies_by_accept = false;       // what the client accepts may choose the template, or the form of the body
  bool requires_authorization = true;  // to ask for an answer past the cache
  Unauthorized unauthorized = Unauthorized::succeed_with_header;
};

/// Of one method of one stage.
struct MethodThrottle {
  ThrottleLimit limit;
  std::string key;  // of its bucket
};

/// One deployed method. The route carries its authorization: there is no second place that says who may call it.
struct Method {
  std::string resource_id;
  std::string resource_path;  // template
  std::string http_method;    // as configured, may be ANY
  std::string operation_name;
  std::vector<std::string> path_variables;
  AuthorizationType authorization = AuthorizationType::none;
  const Authorizer* authorizer = nullptr;  // null where the authorization is `none` or `aws_iam`, and never elsewhere
  std::vector<std::string> scopes;         // of which a token needs one
  bool api_key_required = false;
  std::shared_ptr<const RequestRules> request_rules;  // null: requests are not validated
  std::optional<MethodThrottle> throttle;             // none: as fast as they come
  std::optional<MethodCache> cache;                   // none: answers are not kept
  Integration integration;
};

/// A customised gateway response.
struct GatewayResponse {
  std::optional<int> status;
  std::vector<std::pair<std::string, Source>> headers;
  Templates templates;
};

struct ResourcePolicy {
  std::optional<policy::Document> document;  // none: not usable, so nobody gets in
  bool reads_circumstances = false;          // has conditions or variables
  bool names_principals = false;             // then it lets nobody in whom IAM has not authenticated
};

struct Stage {
  std::string api_id;
  std::string name;
  std::string deployment_id;
  std::string account_id;
  std::string region;
  std::uint64_t generation = 0;
  std::string arn_prefix;  // arn:…:<api>/<stage>/
  TextMap variables;
  std::vector<std::string> binary_media_types;
  bool keys_from_authorizer = false;
  std::optional<ResourcePolicy> resource_policy;
  Choices choices;
  Router router;
  std::vector<Method> methods;
  std::vector<std::unique_ptr<const Authorizer>> authorizers;
  std::map<ResponseType, GatewayResponse> gateway_responses;

  // what it was compiled from, to recognise an unchanged stage
  std::map<std::string, MethodSetting, std::less<>> method_settings;
  std::shared_ptr<const Definition> definition;
  int flushes = 0;
  std::string cache_part;  // empty: the stage has no cache

  /// application/json, image/png, ...: is it (or what stands in its first part) on the API's list?
  bool is_binary(std::string_view media_type) const;
};

/// The stages that serve now, each with the functions it was published with. What is pinned stays valid. May be used from any thread.
class Stages {
 public:
  /// Serves the stages of this state from now on, in place of those of its account and region; other scopes are left alone. API ids are
  /// unique over all of them. Compiles what is new: an API that is the same value as last time is not looked at, and a stage that is what
  /// it was is kept with its generation, and so keeps its cached authorizations; all others get new generations. An API whose own endpoint
  /// is disabled is not served. `functions` are those the stages call; null: whatever serves at the time of a call.
  void publish(const State& state, std::shared_ptr<const lambda::State> functions = nullptr, const Choices& choices = {});
  struct Pinned {
    std::shared_ptr<const Stage> stage;  // null when there is no such API or stage
    std::shared_ptr<const lambda::State> functions;
    std::shared_ptr<SharedBucket> account;  // of all requests to the account's APIs in this region
  };
  Pinned pin(std::string_view api_id, std::string_view stage) const;
  /// The API keys of the state last published for an account and region; null when there was none.
  std::shared_ptr<const KeyRing> keys_of(std::string_view account_id, std::string_view region) const;

 private:
  using StageMap = std::map<std::string, std::shared_ptr<const Stage>, std::less<>>;
  struct ServedApi {
    std::string scope;
    std::shared_ptr<const StageMap> stages;
    std::shared_ptr<const lambda::State> functions;
    std::shared_ptr<SharedBucket> account;
  };
  // By API id, in parts: a change of one API copies the part it is in.
  using Part = std::map<std::string, ServedApi, std::less<>>;
  using Serving = std::array<std::shared_ptr<const Part>, 64>;
  /// What a scope's stages were made from.
  struct Origin {
    std::map<std::string, Shared<RestApi>, std::less<>> apis;
    std::shared_ptr<const lambda::State> functions;
    Choices choices;
    std::shared_ptr<SharedBucket> account = std::make_shared<SharedBucket>();
  };
  using KeyRings = std::map<std::string, std::shared_ptr<const KeyRing>, std::less<>>;  // by account/region
  static std::size_t part_of(std::string_view api_id);
  void publish_keys(const std::string& scope, const State& state);
  std::shared_ptr<const StageMap> compile(const aws::Scope& scope, const RestApi& api, const StageMap* before, const Choices& choices);

  Published<Serving> published_{std::make_shared<const Serving>()};
  Published<KeyRings> keys_{std::make_shared<const KeyRings>()};
  std::mutex publishing_;
  std::map<std::string, Origin> origins_;
  std::uint64_t last_generation_ = 0;
};

/// Cannot fail: what does not compile after all answers 500, or lets nobody in.
std::shared_ptr<const Stage> compile_stage(const aws::Scope& scope, const RestApi& api, const StageSettings& settings,
                                           const std::shared_ptr<const Definition>& definition, std::uint64_t generation,
                                           const Choices& choices);

/// Does the text of a policy hold conditions or variables? If not, no circumstances need to be gathered to decide by it.
bool reads_circumstances(std::string_view policy_text);

}  // namespace sallyport::gateway
