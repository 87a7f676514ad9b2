// The control plane of HTTP APIs: one function per AWS operation. Nothing here knows HTTP; templates, imports and the API call the same
// functions. Nothing is accepted and then ignored: what this version does not do is refused with its name.
// Source: API Gateway V2 API reference (2018-11-29); error texts as AWS answers where they are known.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "control/service.hpp"
#include "http_api/state.hpp"

namespace sallyport::http_api {

using control::Answer;

// What is said about a thing, in creation and in updates: what is absent keeps its value, in creation its default.

struct ApiInput {
  std::optional<std::string> name;
  std::optional<std::string> description;
  std::optional<std::string> version;
  std::optional<std::string> route_selection_expression;  // `$request.method $request.path`, also with braces
  std::optional<std::string> api_key_selection_expression;
  std::optional<std::string> ip_address_type;  // ipv4
  std::optional<Cors> cors;                    // the whole of it
  std::optional<bool> disable_execute_api_endpoint;
  // Quick create: an integration, a route and a `$default` stage that deploys by itself.
  std::optional<std::string> target;     // a function's ARN, or http://…
  std::optional<std::string> route_key;  // `$default` when absent
  std::optional<std::string> credentials;
};

struct IntegrationInput {
  std::optional<std::string> type;             // AWS_PROXY or HTTP_PROXY
  std::optional<std::string> connection_type;  // INTERNET
  std::optional<std::string> description;
  std::optional<std::string> uri;
  std::optional<std::string> method;
  std::optional<std::string> payload_format_version;  // 1.0 or 2.0
  std::optional<std::string> credentials;             // empty: none
  /// Added to those there are; one without a value is removed.
  std::optional<TextMap> request_parameters;
  /// By status code; one without mappings is removed.
  std::optional<std::map<std::string, TextMap, std::less<>>> response_parameters;
  std::optional<int> timeout_ms;  // 50..30000
};

struct RouteInput {
  std::optional<std::string> key;
  std::optional<std::string> target;              // integrations/ID; empty: none
  std::optional<std::string> authorization_type;  // NONE, AWS_IAM, CUSTOM or JWT
  std::optional<std::string> authorizer_id;       // empty: none
  std::optional<std::vector<std::string>> scopes;
  std::optional<std::string> operation_name;
};

struct AuthorizerInput {
  std::optional<std::string> name;
  std::optional<std::string> type;  // REQUEST or JWT
  std::optional<std::vector<std::string>> identity_sources;
  std::optional<std::string> issuer;
  std::optional<std::vector<std::string>> audiences;
  std::optional<std::string> uri;
  std::optional<std::string> credentials;             // empty: none
  std::optional<std::string> payload_format_version;  // 1.0 or 2.0
  std::optional<bool> simple_responses;
  std::optional<int> ttl_s;  // 0..3600
};

struct StageInput {
  std::optional<std::string> description;
  std::optional<std::string> deployment_id;
  std::optional<bool> auto_deploy;
  /// Added to those there are; one without a value is removed.
  std::optional<TextMap> variables;
  std::optional<RouteSettings> default_route_settings;  // the whole of it
  /// By route key, added to those there are.
  std::optional<std::map<std::string, RouteSettings, std::less<>>> route_settings;
  std::optional<std::string> access_log_destination;
  std::optional<std::string> access_log_format;
};

/// Makes an identifier of so many lower-case letters and digits.
using NewId = std::function<std::string(std::size_t length)>;

/// Changes a draft of the state; the owner publishes it when all went well. A draft of which an operation was refused is thrown away.
/// Identifiers are the caller's choice; an empty one is made up. Pointers last until the next change.
class Operations {
 public:
  /// `draft` must outlive this object. `now` dates what is made.
  Operations(State& draft, NewId new_id, WallTime now = {}) : state_(draft), new_id_(std::move(new_id)), now_(now) {}

  /// `protocol`: HTTP. With `input.target` the API is ready to be called.
  Answer<const Api*> create_api(std::string id, std::string_view protocol, ApiInput input, TextMap tags = {});
  Answer<> update_api(const std::string& api_id, ApiInput input);
  Answer<> delete_api(const std::string& api_id);
  Answer<> delete_cors_configuration(const std::string& api_id);
  /// Takes all routes, integrations, authorizers and the CORS configuration away, for an import that writes the API anew. Stages and
  /// deployments stay.
  Answer<> clear(const std::string& api_id);
  /// What an import had to say about the API.
  Answer<> set_import_notes(const std::string& api_id, std::vector<std::string> info, std::vector<std::string> warnings);

  Answer<const Integration*> create_integration(const std::string& api_id, std::string id, IntegrationInput input);
  Answer<> update_integration(const std::string& api_id, const std::string& id, IntegrationInput input);
  /// Refused while a route names it.
  Answer<> delete_integration(const std::string& api_id, const std::string& id);

  Answer<const Route*> create_route(const std::string& api_id, std::string id, RouteInput input);
  Answer<> update_route(const std::string& api_id, const std::string& id, RouteInput input);
  Answer<> delete_route(const std::string& api_id, const std::string& id);

  Answer<const Authorizer*> create_authorizer(const std::string& api_id, std::string id, AuthorizerInput input);
  Answer<> update_authorizer(const std::string& api_id, const std::string& id, AuthorizerInput input);
  /// Refused while a route names it: it must not become an open one.
  Answer<> delete_authorizer(const std::string& api_id, const std::string& id);

  /// Freezes the API as it is now, and points the stage at it when one is named. Refuses an API without routes.
  Answer<const Deployment*> create_deployment(const std::string& api_id, std::string id, std::string description,
                                              const std::string& stage_name);
  Answer<> update_deployment(const std::string& api_id, const std::string& id, std::string description);
  /// Refused while a stage serves it.
  Answer<> delete_deployment(const std::string& api_id, const std::string& id);

  Answer<const Stage*> create_stage(const std::string& api_id, const std::string& name, StageInput input, TextMap tags = {});
  Answer<> update_stage(const std::string& api_id, const std::string& name, StageInput input);
  Answer<> delete_stage(const std::string& api_id, const std::string& name);
  Answer<> delete_route_settings(const std::string& api_id, const std::string& stage_name, const std::string& route_key);
  Answer<> delete_access_log_settings(const std::string& api_id, const std::string& stage_name);
  /// Takes effect when the state is published.
  Answer<> reset_authorizers_cache(const std::string& api_id, const std::string& stage_name);

  /// `arn`: arn:aws:apigateway:REGION::/apis/ID or …/apis/ID/stages/NAME.
  Answer<> tag_resource(std::string_view arn, const TextMap& tags);
  Answer<> untag_resource(std::string_view arn, const std::vector<std::string>& keys);

  /// Deploys what was changed through this object to the stages that deploy by themselves. To be called once, after the last change. An API
  /// that has lost its last route is taken from those stages. Of deployments nobody asked for, the newest few that no stage serves are
  /// kept.
  void auto_deploy();

 private:
  Answer<Api*> find_api(const std::string& id);
  Answer<Definition*> find_definition(const std::string& api_id);
  Answer<Stage*> find_stage(const std::string& api_id, const std::string& name);
  Answer<TextMap*> find_tags(std::string_view arn);
  std::string id_or_new(std::string id, std::size_t length) const { return id.empty() ? new_id_(length) : std::move(id); }
  Answer<> quick_create(Api& api, const ApiInput& input);
  Answer<> quick_update(Api& api, const ApiInput& input);
  Answer<> change_stage(const Api& api, Stage& stage, StageInput input) const;
  void deploy_to_stages(Api& api);

  State& state_;
  const NewId new_id_;
  const WallTime now_;
  std::set<std::string> touched_;  // APIs that may have to be deployed
};

/// The tags of what an ARN names, as TagResource takes it.
Answer<TextMap> tags_of(const State& state, std::string_view arn);

/// The function of an integration or authorizer: its ARN as it stands, or wrapped in
/// `arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/ARN/invocations`; nothing for another text. `${stageVariables.x}` may still
/// be in it.
std::optional<std::string> function_arn_of(std::string_view uri);

}  // namespace sallyport::http_api
