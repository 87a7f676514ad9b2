// What the files of the SAM transform share.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cloudformation/properties.hpp"
#include "cloudformation/sam.hpp"

namespace sallyport::cloudformation::sam {

/// An event of Type Api.
struct ApiEvent {
  std::string function_id;
  std::string name;
  std::string path;
  std::string verb;  // upper case, `ANY` for any
  std::string api_id;
  std::optional<std::string> authorizer;  // as written; none: the API's default
  Location at;
  std::string where;
  Node function;  // Ref to the function, or to its alias
  Node integration_uri;
  std::optional<Node> timeout;
  std::optional<Node> request_parameters;  // a list of names, or of mappings of a name to {Required}
  bool has_auth = false;                   // has a mapping Auth, whatever is in it
  std::optional<Node> invoke_role = {};
  std::optional<Node> scopes = {};
  std::optional<bool> api_key_required = {};
  std::optional<Node> resource_policy = {};  // a mapping
  std::optional<Node> request_model = {};    // {Model, Required, ValidateBody, ValidateParameters}
};

/// An event of Type HttpApi.
struct HttpEvent {
  std::string function_id;
  std::string name;
  std::string path;  // `/$default` for the default route
  std::string verb;  // upper case, `ANY` for any
  std::string api_id;
  Location at;
  std::string where;
  Node function;  // Ref to the function, or to its alias
  Node integration_uri;
  bool has_auth = false;
  std::optional<std::string> authorizer = {};
  std::vector<Node> scopes = {};
  std::optional<Node> timeout = {}, payload_version = {}, route_settings = {};
};

/// An event of Type Cognito: the function becomes triggers of a user pool.
struct CognitoEvent {
  std::string pool_id;  // logical
  std::vector<std::string> triggers;
  Node function_arn;
  Location at;
  std::string where;
};

struct Events {
  std::vector<ApiEvent> api;
  std::vector<HttpEvent> http;
  std::vector<CognitoEvent> cognito;
};

/// One usage plan for all APIs that share it.
struct SharedPlan {
  Location at;
  std::string where;
  Node properties;  // of AWS::ApiGateway::UsagePlan, without its stages
  List stages;
};

/// Collects what the transform makes, and refuses a logical id that is taken.
class Output {
 public:
  Output(Expanded& expanded, Report& report) : expanded_(expanded), report_(report) {}

  ResourceDeclaration& add(std::string logical_id, std::string_view type, Location at, std::string where, Node properties);
  void keep(ResourceDeclaration declaration);
  bool has(std::string_view logical_id) const { return ids_.contains(logical_id); }
  void alias(std::string name, std::string logical_id) { expanded_.aliases.emplace(std::move(name), std::move(logical_id)); }
  Report& report() { return report_; }

 private:
  Expanded& expanded_;
  Report& report_;
  std::set<std::string, std::less<>> ids_;
};

/// Global and own properties: own scalars win, mappings merge, lists are joined with the global part first. `globals` may be null.
Node merge(const Node* globals, const Node& own);
/// Refuses properties of Globals that SAM does not take there.
void check_globals(const Node& globals, Report& report);

/// Takes a property over as it is, under another name where `as` gives one.
void copy(Properties& from, std::string_view name, Node& to, std::string_view as = {});

/// The role of a function that names none: trusted by Lambda, allowed to log, with the function's Policies.
void add_role(const ResourceDeclaration& function, Properties& properties, Output& out);

/// The EventInvokeConfig of a function, or of its alias by that logical id; and what the role SAM makes is allowed for it.
void add_event_config(const ResourceDeclaration& function, Properties& properties, const std::optional<std::string>& alias, Output& out);
List destination_policies(const ResourceDeclaration& function, const Properties& properties);

/// Function, role, version, alias, URL and permissions; returns its events.
Events expand_function(const ResourceDeclaration& declaration, const Node& properties, const std::vector<ResourceDeclaration>& all,
                       Output& out);

/// A layer version. Returns it under its own logical id.
void expand_layer(const ResourceDeclaration& declaration, const Node& properties, Output& out);

/// API, resources, methods, authorizers, gateway responses, deployment, stage and permissions. `events` are all of its events.
void expand_api(const ResourceDeclaration& declaration, const Node& properties, const std::vector<ApiEvent>& events, Output& out,
                std::optional<SharedPlan>& shared_plan);
/// The plan `expand_api` gathered, its key, and the key in the plan.
void add_shared_plan(SharedPlan plan, Output& out);

/// API (as an OpenAPI definition), stage, domain and permissions.
void expand_http_api(const ResourceDeclaration& declaration, const Node& properties, const std::vector<HttpEvent>& events, Output& out);

/// What is written once and copied to every route is held to a length; refuses what is longer.
inline constexpr std::size_t scopes_bytes_max = 10'240, resource_policy_bytes_max = 65'536;
bool is_short(Properties& of, std::string_view name, const Node& value, std::size_t bytes_max);

/// BasePath of a Domain: a text or a list; one empty path where it is not there.
std::vector<std::string> base_paths(Properties& domain);
/// `/pets/{id}` as `/pets/*`.
std::string without_variables(std::string_view path);

/// The integration permission of one event; `stage` names the API's stage.
void add_event_permission(const ApiEvent& event, std::string_view stage, Output& out);

/// As SAM appends a value to a logical id: itself when it is alphanumeric, else ten hexadecimal digits of a digest.
std::string id_suffix(std::string_view value);
/// Ten hexadecimal digits.
std::string short_digest(std::string_view text);

inline constexpr std::string_view implicit_api_id = "ServerlessRestApi";
inline constexpr std::string_view implicit_stage = "Prod";
inline constexpr std::string_view implicit_http_api_id = "ServerlessHttpApi";

}  // namespace sallyport::cloudformation::sam
