// AWS::Serverless::Api: the API with everything in it, its deployment and its stage.
#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "cloudformation/properties.hpp"
#include "cloudformation/sam_parts.hpp"
#include "json/write.hpp"

namespace sallyport::cloudformation::sam {
namespace {

constexpr std::string_view by_iam = "AWS_IAM";  // in the place of an authorizer's name
constexpr std::string_view caller_credentials = "arn:aws:iam::*:user/*";

constexpr std::size_t cors_bytes_max = 10'240;  // AWS: all headers of an answer together

struct Cors {
  Location at;
  Node allow_origin;
  std::optional<Node> allow_methods, allow_headers, max_age;
  bool allow_credentials = false;
};

struct Auth {
  std::string default_authorizer;  // empty for none
  std::set<std::string, std::less<>> authorizers;
  std::set<std::string, std::less<>> refused;       // those of them that cannot be made, which is reported already
  std::map<std::string, Node, std::less<>> scopes;  // of them, by name: a list
  std::set<std::string, std::less<>> of_pools;      // those of user pools
  bool on_preflight = true;
  bool api_key_required = false;
  bool api_key_on_preflight = true;
  std::optional<Node> policy;  // ResourcePolicy: a mapping
  std::optional<Node> invoke_role;
};

class Api {
 public:
  Api(const ResourceDeclaration& declaration, const Node& own, const std::vector<ApiEvent>& events, Output& out,
      std::optional<SharedPlan>& shared_plan)
      : id_(declaration.logical_id),
        at_(declaration.at),
        where_(declaration.where),
        events_(events),
        out_(out),
        shared_plan_(shared_plan),
        properties_(&own, at_, where_, "AWS::Serverless::Api", out.report()),
        depends_on_(declaration.depends_on) {}

  void expand() {
    stage_ = properties_.required_text("StageName");
    Node api(at_, Map{});
    read_definition(api);
    if (const auto* name = properties_.node("Name"))
      api.map()->push_back({"Name", properties_.at("Name"), *name});
    else if (!has_definition_)
      api.map()->push_back({"Name", at_, make_ref(at_, "AWS::StackName")});
    for (const auto name : {"Description", "BinaryMediaTypes", "ApiKeySourceType", "MinimumCompressionSize", "Mode",
                            "DisableExecuteApiEndpoint", "SecurityPolicy", "EndpointAccessMode", "FailOnWarnings"})
      copy(properties_, name, api);
    if (const auto* endpoint = properties_.node("EndpointConfiguration"))
      api.map()->push_back({"EndpointConfiguration", properties_.at("EndpointConfiguration"), endpoint_of(*endpoint)});
    read_auth();
    cors_ = read_cors();
    if (auto policy = resource_policy()) api.map()->push_back({"Policy", policy->at, *policy});

    auto& made = out_.add(id_, "AWS::ApiGateway::RestApi", at_, where_, std::move(api));
    made.depends_on = depends_on_;
    // SAM's body mentions every function the API calls, so that a function that mentions its own API is a cycle, here as on AWS.
    for (const auto& event : events_)
      for (const auto& mention : Evaluator::mentions(event.function, "")) made.depends_on.push_back({mention.logical_id, event.at});
    for (const auto& mention : authorizer_mentions_) made.depends_on.push_back({mention.logical_id, mention.at});

    if (!has_definition_) {
      add_models();
      add_methods();
      add_cors();
      add_gateway_responses();
    }
    add_stage(stage_);
    add_usage_plan();
    add_domain();
    for (const auto& event : events_) add_event_permission(event, stage_, out_);
    refuse_the_rest();
  }

 private:
  Node text(Location at, std::string_view value) { return {at, value}; }
  Node sub(Location at, std::string_view pattern, Node variables) {
    return make_map(at, {{"Fn::Sub", Node(at, List{Node(at, pattern), std::move(variables)})}});
  }

  static Node endpoint_of(const Node& endpoint) {
    const auto* type = endpoint.map() != nullptr ? endpoint.find("Type") : &endpoint;
    if (type == nullptr || type->scalar() == std::nullopt) return endpoint;
    Node out = make_map(endpoint.at, {{"Types", Node(type->at, List{*type})}});
    if (const auto* entries = endpoint.map())
      for (const auto& entry : *entries)
        if (entry.key != "Type") out.map()->push_back(entry);
    return out;
  }

  void add(const std::string& suffix, std::string_view type, Location at, const std::string& where, Node properties) {
    frozen_.push_back({id_ + suffix, at});
    digest_ += json::to_text(properties.to_json());
    out_.add(id_ + suffix, type, at, where, std::move(properties));
  }

  // Definition

  void read_definition(Node& api) {
    const auto* body = properties_.node("DefinitionBody");
    const auto* uri = properties_.node("DefinitionUri");
    has_definition_ = body || uri;
    if (!has_definition_) return;
    if (body && uri) properties_.refuse("DefinitionUri", "cannot be given together with DefinitionBody");
    for (const auto name : {"Cors", "GatewayResponses", "Models"})
      if (properties_.node(name) != nullptr) properties_.refuse(name, "is not put into a definition here", "write it into the definition");
    copy(properties_, "DefinitionBody", api, "Body");
    copy(properties_, "DefinitionUri", api, "BodyS3Location");
    // SAM adds nothing of events to a definition but the permission to call the function. An Auth that has no effect would look like one.
    for (const auto& event : events_)
      if (event.has_auth)
        out_.report().problem(event.at, cat(event.where, ".Auth"), cat("is not put into the definition of ", id_),
                              "write security into the definition");
  }

  // Resource policy: what SAM writes for its lists. Source: AWS SAM developer guide, "ResourcePolicyStatement".

  /// `execute-api:/STAGE/VERB/path` for the verbs of a path.
  List resources_of(const std::string& path, const std::set<std::string>& verbs, Location at) {
    List out;
    for (const auto& verb : verbs)
      out.push_back(sub(at, cat("execute-api:/${__Stage__}/", verb == "ANY" ? "*" : verb, "${__Path__}"),
                        make_map(at, {{"__Stage__", text(at, stage_)}, {"__Path__", text(at, without_variables(path))}})));
    return out;
  }

  void add_statement(Location at, std::string_view effect, Node principal, const List& resources, std::optional<Node> condition) {
    auto statement = make_map(at, {{"Effect", text(at, effect)},
                                   {"Action", text(at, "execute-api:Invoke")},
                                   {"Resource", Node(at, resources)},
                                   {"Principal", std::move(principal)}});
    if (condition) statement.set("Condition", std::move(*condition));
    const auto key = json::to_text(statement.to_json());
    if (seen_statements_.insert(key).second) statements_.push_back(std::move(statement));
  }

  /// Everybody, but those of the condition.
  void add_pair(Location at, const List& resources, std::string_view test, std::string_view key, const Node& values) {
    add_statement(at, "Allow", text(at, "*"), resources, {});
    add_statement(at, "Deny", text(at, "*"), resources, make_map(at, {{test, make_map(at, {{key, values}})}}));
  }

  static Node list_of(const Node& node) { return node.list() != nullptr ? node : Node(node.at, List{node}); }

  void add_vpcs(Properties& policy, const List& resources, std::string_view color, std::string_view test) {
    List networks, endpoints;
    for (const auto& name : policy.texts(cat("SourceVpc", color))) {
      const auto at = policy.at(cat("SourceVpc", color));
      if (name.starts_with("vpce-"))
        endpoints.push_back(text(at, name));
      else if (name.starts_with("vpc-"))
        networks.push_back(text(at, name));
      else
        policy.refuse(cat("SourceVpc", color), cat("`", name, "` is neither a vpc-... nor a vpce-...: AWS SAM leaves it out"));
    }
    const auto take = [&](const std::string& name, List& into) {
      const auto* node = policy.node(name);
      if (node == nullptr) return;
      if (node->list() == nullptr) return policy.refuse(name, "must be a list");
      into.insert(into.end(), node->list()->begin(), node->list()->end());
    };
    take(cat("IntrinsicVpc", color), networks);
    take(cat("IntrinsicVpce", color), endpoints);
    if (networks.empty() && endpoints.empty()) return;
    const auto at = policy.at();
    Node keys(at, Map{});
    if (!networks.empty()) keys.set("aws:SourceVpc", Node(at, std::move(networks)));
    if (!endpoints.empty()) keys.set("aws:SourceVpce", Node(at, std::move(endpoints)));
    add_statement(at, "Allow", text(at, "*"), resources, {});
    add_statement(at, "Deny", text(at, "*"), resources, make_map(at, {{test, std::move(keys)}}));
  }

  void add_lists(Properties& policy, const List& resources) {
    const auto accounts = [&](std::string_view name, std::string_view effect) {
      if (const auto* node = policy.node(name))
        add_statement(policy.at(name), effect, make_map(node->at, {{"AWS", list_of(*node)}}), resources, {});
    };
    const auto ranges = [&](std::string_view name, std::string_view test) {
      if (const auto* node = policy.node(name)) add_pair(policy.at(name), resources, test, "aws:SourceIp", list_of(*node));
    };
    accounts("AwsAccountWhitelist", "Allow");
    accounts("AwsAccountBlacklist", "Deny");
    ranges("IpRangeWhitelist", "NotIpAddress");
    ranges("IpRangeBlacklist", "IpAddress");
    add_vpcs(policy, resources, "Blacklist", "StringEquals");
    add_vpcs(policy, resources, "Whitelist", "StringNotEquals");
  }

  void add_custom_statements(Properties& policy) {
    const auto* custom = policy.node("CustomStatements");
    if (custom == nullptr) return;
    const auto all = list_of(*custom);
    for (const auto& statement : *all.list())
      if (seen_statements_.insert(json::to_text(statement.to_json())).second) statements_.push_back(statement);
  }

  /// Verbs by path, with the preflights that CORS adds.
  std::map<std::string, std::set<std::string>> verbs_of_paths() const {
    std::map<std::string, std::set<std::string>> out;
    for (const auto& event : events_) out[event.path].insert(event.verb);
    if (cors_)
      for (auto& [path, verbs] : out) verbs.insert("OPTIONS");
    return out;
  }

  std::optional<Node> resource_policy() {
    const auto at = auth_.policy ? auth_.policy->at : at_;
    for (const auto& event : events_) {
      if (!event.resource_policy) continue;
      Properties policy(&*event.resource_policy, event.resource_policy->at, cat(event.where, ".Auth.ResourcePolicy"), "ResourcePolicy",
                        out_.report());
      add_lists(policy, resources_of(event.path, {event.verb}, event.resource_policy->at));
      add_custom_statements(policy);
      policy.finish_guard();
    }
    if (auth_.policy) {
      Properties policy(&*auth_.policy, at, cat(where_, ".Auth.ResourcePolicy"), "ResourcePolicy", out_.report());
      if (has_definition_) {
        const auto* entries = policy.whole();
        for (const auto& entry : entries == nullptr ? Map{} : *entries->map())
          if (entry.key != "CustomStatements")
            policy.refuse(entry.key, "is not put into a definition here", "write the statements as CustomStatements");
      } else {
        for (const auto& [path, verbs] : verbs_of_paths()) add_lists(policy, resources_of(path, verbs, at));
      }
      add_custom_statements(policy);
      policy.finish_guard();
    }
    if (statements_.empty()) return std::nullopt;
    return make_map(at, {{"Version", text(at, "2012-10-17")}, {"Statement", Node(at, std::move(statements_))}});
  }

  // Authorizers

  void read_auth() {
    auto auth = properties_.object("Auth");
    if (!auth) return;
    auth_.default_authorizer = auth->text("DefaultAuthorizer").value_or("");
    auth_.on_preflight = auth->boolean("AddDefaultAuthorizerToCorsPreflight").value_or(true);
    if (const auto* role = auth->node("InvokeRole")) auth_.invoke_role = *role;
    if (auto authorizers = auth->object("Authorizers")) {
      const auto* entries = properties_.node("Auth")->find("Authorizers")->map();
      for (const auto& entry : entries == nullptr ? Map{} : *entries) {
        if (entry.key == by_iam) {
          authorizers->refuse(entry.key, "is the name of IAM's own authorization", "give the authorizer another name");
          continue;
        }
        auth_.authorizers.insert(entry.key);
        if (!add_authorizer(entry.key, *authorizers->object(entry.key))) auth_.refused.insert(entry.key);
      }
    }
    const auto& name = auth_.default_authorizer;
    if (!name.empty() && name != by_iam && !auth_.authorizers.contains(name)) {
      auth_.refused.insert(name);
      auth->refuse("DefaultAuthorizer", cat("`", name, "` is not among Authorizers"), suggestion(name));
    }
    auth_.api_key_required = auth->boolean("ApiKeyRequired").value_or(false);
    auth_.api_key_on_preflight = auth->boolean("AddApiKeyRequiredToCorsPreflight").value_or(true);
    if (const auto* policy = auth->node("ResourcePolicy");
        policy != nullptr && is_short(*auth, "ResourcePolicy", *policy, resource_policy_bytes_max))
      auth_.policy = *policy;
    auth->node("UsagePlan");
    if (has_definition_)
      for (const auto key : {"Authorizers", "DefaultAuthorizer", "ApiKeyRequired"})
        if (auth->has(key))
          auth->refuse(key, "is not put into a definition here", "write securitySchemes and security into the definition");
    auth->finish_guard();
  }

  /// As whom API Gateway calls the function of a route with AWS_IAM: not written at all means as the caller, NONE or nothing as itself.
  std::optional<Node> credentials_of(const ApiEvent& event) {
    const bool asks_iam = event.authorizer ? *event.authorizer == by_iam : auth_.default_authorizer == by_iam && !event.has_auth;
    if (!asks_iam) return std::nullopt;
    const auto& role = event.invoke_role ? event.invoke_role : auth_.invoke_role;
    if (!role || role->scalar() == "CALLER_CREDENTIALS") return text(event.at, caller_credentials);
    const bool is_none = role->is_null() || role->scalar() == "NONE" || role->scalar() == "";
    return is_none ? std::nullopt : role;
  }

  std::string suggestion(std::string_view name) const {
    const auto like = nearest(name, {auth_.authorizers.begin(), auth_.authorizers.end()});
    return like.empty() ? "" : cat("did you mean ", like, "?");
  }

  bool add_authorizer(const std::string& name, Properties properties) {
    const auto at = properties.at();
    const auto* function = properties.node("FunctionArn");
    const auto type = properties.text("FunctionPayloadType").value_or("TOKEN");
    // Not `ok()`: that is the whole API's, and one wrong authorizer must not hide what is wrong with the next.
    const bool known_type = type == "TOKEN" || type == "REQUEST";
    if (properties.has("UserPoolArn")) return add_pool_authorizer(name, properties);
    if (function == nullptr) properties.refuse("FunctionArn", "missing", "or UserPoolArn, for tokens of a user pool");
    if (!known_type) properties.refuse("FunctionPayloadType", cat("`", type, "` is neither TOKEN nor REQUEST"));
    if (!known_type || function == nullptr) return false;
    if (properties.node("AuthorizationScopes") != nullptr) properties.refuse("AuthorizationScopes", "scopes belong to Cognito authorizers");

    auto made = make_map(
        at, {{"RestApiId", make_ref(at, id_)}, {"Name", text(at, name)}, {"Type", text(properties.at("FunctionPayloadType"), type)}});
    made.set(
        "AuthorizerUri",
        sub(function->at, "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${__FunctionArn__}/invocations",
            make_map(function->at, {{"__FunctionArn__", *function}})));
    read_identity(type, properties, made);
    if (const auto* role = properties.node("FunctionInvokeRole"); role != nullptr && role->scalar() != "NONE")
      made.map()->push_back({"AuthorizerCredentials", properties.at("FunctionInvokeRole"), *role});
    const bool no_permission = properties.boolean("DisableFunctionDefaultPermissions").value_or(false);
    properties.finish_guard();

    for (auto& mention : Evaluator::mentions(*function, "")) authorizer_mentions_.push_back(std::move(mention));
    add(cat(name, "Authorizer"), "AWS::ApiGateway::Authorizer", at, properties.where(), std::move(made));
    if (no_permission) return true;
    out_.add(
        cat(id_, name, "AuthorizerPermission"), "AWS::Lambda::Permission", at, properties.where(),
        make_map(at, {{"Action", text(at, "lambda:InvokeFunction")},
                      {"FunctionName", *function},
                      {"Principal", text(at, "apigateway.amazonaws.com")},
                      {"SourceArn", sub(at, "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${__ApiId__}/authorizers/*",
                                        make_map(at, {{"__ApiId__", make_ref(at, id_)}}))}}));
    return true;
  }

  bool add_pool_authorizer(const std::string& name, Properties& properties) {
    const auto at = properties.at();
    const auto& pools = *properties.node("UserPoolArn");
    for (const auto each : {"FunctionArn", "FunctionPayloadType", "FunctionInvokeRole", "DisableFunctionDefaultPermissions"})
      if (properties.node(each) != nullptr) properties.refuse(each, "is not for Cognito authorizers", "take it or UserPoolArn out");
    auto made = make_map(at, {{"RestApiId", make_ref(at, id_)},
                              {"Name", text(at, name)},
                              {"Type", text(at, "COGNITO_USER_POOLS")},
                              {"ProviderARNs", pools.list() != nullptr ? pools : Node(pools.at, List{pools})}});
    auto header = std::string("Authorization");
    if (auto identity = properties.object("Identity")) {
      header = identity->text("Header").value_or(header);
      if (const auto* expression = identity->node("ValidationExpression"))
        made.map()->push_back({"IdentityValidationExpression", identity->at("ValidationExpression"), *expression});
      // SAM reads it and writes it nowhere.
      identity->no_effect({"ReauthorizeEvery"});
      identity->finish_guard();
    }
    made.set("IdentitySource", text(at, "method.request.header." + header));
    if (const auto* scopes = properties.node("AuthorizationScopes")) {
      if (scopes->list() == nullptr) return properties.refuse("AuthorizationScopes", "must be a list"), false;
      if (!is_short(properties, "AuthorizationScopes", *scopes, scopes_bytes_max)) return false;
      auth_.scopes.emplace(name, *scopes);
    }
    properties.finish_guard();
    auth_.of_pools.insert(name);
    for (auto& mention : Evaluator::mentions(pools, "")) authorizer_mentions_.push_back(std::move(mention));
    add(cat(name, "Authorizer"), "AWS::ApiGateway::Authorizer", at, properties.where(), std::move(made));
    return true;
  }

  void read_identity(const std::string& type, Properties& authorizer, Node& made) {
    std::vector<std::string> sources;
    auto identity = authorizer.object("Identity");
    const auto at = identity ? identity->at() : authorizer.at();
    const auto* ttl = identity ? identity->node("ReauthorizeEvery") : nullptr;
    if (ttl != nullptr) made.map()->push_back({"AuthorizerResultTtlInSeconds", identity->at("ReauthorizeEvery"), *ttl});
    if (type == "TOKEN") {
      const auto header = identity ? identity->text("Header").value_or("Authorization") : "Authorization";
      sources.push_back("method.request.header." + header);
      if (identity)
        if (const auto* expression = identity->node("ValidationExpression"))
          made.map()->push_back({"IdentityValidationExpression", identity->at("ValidationExpression"), *expression});
    } else if (identity) {
      for (const auto& name : identity->texts("Headers")) sources.push_back("method.request.header." + name);
      for (const auto& name : identity->texts("QueryStrings")) sources.push_back("method.request.querystring." + name);
      for (const auto& name : identity->texts("StageVariables")) sources.push_back("stageVariables." + name);
      for (const auto& name : identity->texts("Context")) sources.push_back("context." + name);
    }
    if (identity) identity->finish_guard();
    if (sources.empty() && (ttl == nullptr || ttl->scalar() != "0"))
      authorizer.refuse(identity ? "Identity" : "", "a REQUEST authorizer that caches needs an identity source",
                        "give Identity one of Headers, QueryStrings, StageVariables and Context, or ReauthorizeEvery: 0");
    if (!sources.empty()) made.map()->push_back({"IdentitySource", at, text(at, join(sources, ", "))});
  }

  // Methods

  /// The Ref (or the root's GetAtt) of a path's resource; makes what is missing on the way.
  Node resource(const std::string& path, const ApiEvent& event) {
    if (path == "/") return make_get_att(event.at, id_, "RootResourceId");
    const auto suffix = cat("Resource", short_digest(path));
    if (paths_.insert(path).second) {
      const auto slash = path.rfind('/');
      const auto parent = resource(slash == 0 ? "/" : path.substr(0, slash), event);
      add(suffix, "AWS::ApiGateway::Resource", event.at, event.where,
          make_map(event.at, {{"RestApiId", make_ref(event.at, id_)},
                              {"ParentId", parent},
                              {"PathPart", text(event.at, std::string_view(path).substr(slash + 1))}}));
    }
    return make_ref(event.at, id_ + suffix);
  }

  void set_authorizer(Node& method, Location at, std::string_view name) {
    const bool of_pool = auth_.of_pools.contains(name);
    method.set("AuthorizationType", text(at, name.empty() ? "NONE" : name == by_iam ? by_iam : of_pool ? "COGNITO_USER_POOLS" : "CUSTOM"));
    if (!name.empty() && name != by_iam) method.set("AuthorizerId", make_ref(at, cat(id_, name, "Authorizer")));
    if (const auto scopes = auth_.scopes.find(name); of_pool && scopes != auth_.scopes.end())
      method.set("AuthorizationScopes", scopes->second);
  }

  void set_scopes(Node& method, const ApiEvent& event, std::string_view name) {
    if (!event.scopes) return;
    const auto refuse = [&](std::string message) {
      out_.report().problem(event.scopes->at, cat(event.where, ".Auth.AuthorizationScopes"), std::move(message));
    };
    if (event.scopes->list() == nullptr) return refuse("must be a list");
    if (!auth_.of_pools.contains(name)) return refuse("scopes belong to Cognito authorizers");
    method.set("AuthorizationScopes", *event.scopes);
  }

  /// Empty for none; nothing when the route must not be made.
  std::optional<std::string> authorizer_of(const ApiEvent& event) {
    auto name = choose_authorizer(event);
    return name && auth_.refused.contains(*name) ? std::nullopt : name;
  }

  std::optional<std::string> choose_authorizer(const ApiEvent& event) {
    const auto refuse = [&](std::string message, std::string hint = {}) {
      out_.report().problem(event.at, cat(event.where, ".Auth.Authorizer"), std::move(message), std::move(hint));
      return std::nullopt;
    };
    if (!event.authorizer) return event.verb == "OPTIONS" && !auth_.on_preflight ? "" : auth_.default_authorizer;
    const auto& name = *event.authorizer;
    if (name == "NONE") {
      if (auth_.default_authorizer.empty())
        return refuse("NONE says nothing where the API has no DefaultAuthorizer", "leave it out: the route is open already");
      return "";
    }
    if (name == by_iam) return name;
    if (!auth_.authorizers.contains(name)) return refuse(cat("the API has no authorizer `", name, "`"), suggestion(name));
    return name;
  }

  void add_methods() {
    std::set<std::string> seen;
    for (const auto& event : events_) {
      if (!seen.insert(cat(event.verb, " ", event.path)).second) {
        out_.report().problem(event.at, event.where, cat(event.verb, " ", event.path, " is declared twice for ", id_));
        continue;
      }
      if (event.path.find("//") != std::string::npos) {
        out_.report().problem(event.at, cat(event.where, ".Path"), "a path has no empty part");
        continue;
      }
      const auto authorizer = authorizer_of(event);
      if (!authorizer) continue;
      auto integration = make_map(
          event.at,
          {{"Type", text(event.at, "AWS_PROXY")}, {"IntegrationHttpMethod", text(event.at, "POST")}, {"Uri", event.integration_uri}});
      if (event.timeout) integration.map()->push_back({"TimeoutInMillis", event.timeout->at, *event.timeout});
      if (auto credentials = credentials_of(event)) integration.map()->push_back({"Credentials", event.at, std::move(*credentials)});
      auto method = make_map(event.at, {{"RestApiId", make_ref(event.at, id_)},
                                        {"ResourceId", resource(event.path, event)},
                                        {"HttpMethod", text(event.at, event.verb)}});
      set_authorizer(method, event.at, *authorizer);
      set_scopes(method, event, *authorizer);
      const bool key_by_default = auth_.api_key_required && (event.verb != "OPTIONS" || auth_.api_key_on_preflight);
      if (event.api_key_required.value_or(key_by_default)) method.set("ApiKeyRequired", Node(event.at, Node::Data(true)));
      set_model(method, event);
      if (event.request_parameters) method.set("RequestParameters", request_parameters(event));
      if (const auto keys = cache_keys_.find(&event); keys != cache_keys_.end())
        integration.set("CacheKeyParameters", Node(event.at, keys->second));
      method.set("Integration", std::move(integration));
      add(cat("Method", short_digest(cat(event.verb, event.path))), "AWS::ApiGateway::Method", event.at, event.where, std::move(method));
    }
  }

  Node request_parameters(const ApiEvent& event) {
    const auto& given = *event.request_parameters;
    Node out(given.at, Map{});
    if (given.list() == nullptr) return given;
    for (const auto& item : *given.list()) {
      const auto* entries = item.map();
      if (const auto name = item.scalar()) {
        out.map()->push_back({*name, item.at, Node(item.at, false)});
      } else if (entries != nullptr && entries->size() == 1) {
        Properties settings(&entries->front().value, entries->front().key_at, cat(event.where, ".RequestParameters.", entries->front().key),
                            "a request parameter", out_.report());
        out.map()->push_back({entries->front().key, item.at, Node(item.at, settings.boolean("Required").value_or(false))});
        if (settings.boolean("Caching").value_or(false)) cache_keys_[&event].push_back(text(item.at, entries->front().key));
        settings.finish();
      } else {
        out_.report().problem(item.at, cat(event.where, ".RequestParameters"), "must be a name or a mapping of one name");
      }
    }
    return out;
  }

  // Models

  void add_models() {
    auto models = properties_.object("Models");
    if (!models) return;
    const auto* entries = models->whole();
    for (const auto& entry : entries == nullptr ? Map{} : *entries->map()) {
      models->node(entry.key);
      const auto name = lower(entry.key);  // as SAM writes it
      const auto suffix = cat("Model", short_digest(name));
      models_.emplace(name, id_ + suffix);
      add(suffix, "AWS::ApiGateway::Model", entry.key_at, cat(models->where(), ".", entry.key),
          make_map(entry.key_at, {{"RestApiId", make_ref(entry.key_at, id_)},
                                  {"Name", text(entry.key_at, name)},
                                  {"ContentType", text(entry.key_at, "application/json")},
                                  {"Schema", entry.value}}));
    }
  }

  void set_model(Node& method, const ApiEvent& event) {
    if (!event.request_model) return;
    Properties model(&*event.request_model, event.request_model->at, cat(event.where, ".RequestModel"), "RequestModel", out_.report());
    const auto name = lower(model.required_text("Model"));
    model.boolean("Required");  // SAM marks the body as required in the definition, which API Gateway takes no notice of
    const auto body = model.boolean("ValidateBody"), parameters = model.boolean("ValidateParameters");
    model.finish();
    const auto found = models_.find(name);
    if (found == models_.end()) {
      if (!name.empty()) model.refuse("Model", cat("`", name, "` is not among the API's Models"));
      return;
    }
    method.set("RequestModels", make_map(event.at, {{"application/json", make_ref(event.at, found->second)}}));
    if (!body && !parameters) return;
    const bool both = body.value_or(false) && parameters.value_or(false);
    const auto validator = both                         ? "body-and-params"
                           : body.value_or(false)       ? "body-only"
                           : parameters.value_or(false) ? "params-only"
                                                        : "no-validation";
    const auto suffix = cat("Validator", short_digest(validator));
    if (validators_.insert(validator).second)
      add(suffix, "AWS::ApiGateway::RequestValidator", event.at, event.where,
          make_map(event.at, {{"RestApiId", make_ref(event.at, id_)},
                              {"Name", text(event.at, validator)},
                              {"ValidateRequestBody", Node(event.at, Node::Data(body.value_or(false)))},
                              {"ValidateRequestParameters", Node(event.at, Node::Data(parameters.value_or(false)))}}));
    method.set("RequestValidatorId", make_ref(event.at, id_ + suffix));
  }

  // CORS

  std::optional<Cors> read_cors() {
    const auto* node = properties_.node("Cors");
    if (node == nullptr || has_definition_) return std::nullopt;
    const auto at = properties_.at("Cors");
    if (weight(*node) > cors_bytes_max) {
      properties_.refuse("Cors", cat("is longer than ", cors_bytes_max, " bytes, more than the headers of an answer may have"));
      return std::nullopt;
    }
    Cors cors{at, text(at, "'*'"), {}, {}, {}, false};
    if (node->map() == nullptr || as_intrinsic(*node)) {
      cors.allow_origin = *node;
      return cors;
    }
    auto object = properties_.object("Cors");
    const auto take = [&](std::string_view name) {
      const auto* value = object->node(name);
      return value == nullptr ? std::nullopt : std::optional(*value);
    };
    cors.allow_origin = take("AllowOrigin").value_or(cors.allow_origin);
    cors.allow_methods = take("AllowMethods");
    cors.allow_headers = take("AllowHeaders");
    cors.max_age = take("MaxAge");
    cors.allow_credentials = object->boolean("AllowCredentials").value_or(false);
    if (cors.allow_credentials && cors.allow_origin.scalar() == "'*'")
      object->refuse("AllowCredentials", "cannot be true while AllowOrigin is \"'*'\" or not set", "browsers refuse that pair");
    object->finish();
    return cors;
  }

  void add_cors() {
    const auto& cors = cors_;
    if (!cors) return;
    std::map<std::string, std::set<std::string>> verbs;
    for (const auto& event : events_) verbs[event.path].insert(event.verb);
    for (const auto& event : events_) {
      auto of_path = verbs.find(event.path);
      if (of_path == verbs.end()) continue;
      auto allowed =
          of_path->second.contains("ANY") ? std::set<std::string>{"DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"} : of_path->second;
      const bool has_options = of_path->second.contains("OPTIONS");
      verbs.erase(of_path);
      if (has_options) continue;
      allowed.insert("OPTIONS");
      add_preflight(*cors, event, cat("'", join({allowed.begin(), allowed.end()}, ","), "'"));
    }
  }

  void add_preflight(const Cors& cors, const ApiEvent& event, const std::string& allowed) {
    const auto at = cors.at;
    Node values(at, Map{});
    Node declared(at, Map{});
    const auto header = [&](std::string_view name, const std::optional<Node>& value) {
      if (!value) return;
      const auto key = cat("method.response.header.Access-Control-", name);
      values.map()->push_back({key, at, *value});
      declared.map()->push_back({key, at, Node(at, false)});
    };
    header("Allow-Origin", cors.allow_origin);
    header("Allow-Headers", cors.allow_headers);
    header("Allow-Methods", cors.allow_methods ? cors.allow_methods : std::optional(text(at, allowed)));
    header("Max-Age", cors.max_age);
    if (cors.allow_credentials) header("Allow-Credentials", text(at, "'true'"));

    auto answer = make_map(at, {{"StatusCode", text(at, "200")},
                                {"ResponseParameters", values},
                                {"ResponseTemplates", make_map(at, {{"application/json", text(at, "{}\n")}})}});
    auto method =
        make_map(at, {{"RestApiId", make_ref(at, id_)}, {"ResourceId", resource(event.path, event)}, {"HttpMethod", text(at, "OPTIONS")}});
    set_authorizer(method, at, auth_.on_preflight && !auth_.refused.contains(auth_.default_authorizer) ? auth_.default_authorizer : "");
    if (auth_.api_key_required && auth_.api_key_on_preflight) method.set("ApiKeyRequired", Node(at, Node::Data(true)));
    method.set("Integration",
               make_map(at, {{"Type", text(at, "MOCK")},
                             {"RequestTemplates", make_map(at, {{"application/json", text(at, "{\n  \"statusCode\" : 200\n}\n")}})},
                             {"IntegrationResponses", Node(at, List{std::move(answer)})}}));
    method.set("MethodResponses", Node(at, List{make_map(at, {{"StatusCode", text(at, "200")}, {"ResponseParameters", declared}})}));
    add(cat("Method", short_digest(cat("OPTIONS", event.path))), "AWS::ApiGateway::Method", at, cat(where_, ".Cors"), std::move(method));
  }

  // Gateway responses, deployment and stage

  void add_gateway_responses() {
    auto responses = properties_.object("GatewayResponses");
    if (!responses) return;
    const auto* entries = properties_.node("GatewayResponses")->map();
    for (const auto& entry : entries == nullptr ? Map{} : *entries) {
      auto response = *responses->object(entry.key);
      const auto at = entry.key_at;
      auto made = make_map(at, {{"RestApiId", make_ref(at, id_)}, {"ResponseType", text(at, entry.key)}});
      for (const auto name : {"StatusCode", "ResponseTemplates"})
        if (const auto* node = response.node(name)) made.map()->push_back({name, response.at(name), *node});
      if (auto parameters = response.object("ResponseParameters")) {
        Node prefixed(parameters->at(), Map{});
        for (const auto& [name, prefix] : {std::pair{"Headers", "header."}, {"Paths", "path."}, {"QueryStrings", "querystring."}}) {
          const auto* group = parameters->node(name);
          if (group == nullptr) continue;
          if (group->map() == nullptr) parameters->refuse(name, cat("must be a mapping, is ", group->kind()));
          for (const auto& value : group->map() == nullptr ? Map{} : *group->map())
            prefixed.map()->push_back({cat("gatewayresponse.", prefix, value.key), value.key_at, value.value});
        }
        parameters->finish();
        made.set("ResponseParameters", std::move(prefixed));
      }
      response.finish();
      add(cat("GatewayResponse", short_digest(entry.key)), "AWS::ApiGateway::GatewayResponse", at, response.where(), std::move(made));
    }
  }

  void add_stage(const std::string& stage) {
    auto deployment = make_map(at_, {{"RestApiId", make_ref(at_, id_)}});
    // SAM makes a second stage, called Stage, unless OpenApiVersion is set: an old mistake it keeps for those who rely on it.
    if (properties_.node("OpenApiVersion") == nullptr) deployment.set("StageName", text(at_, "Stage"));
    const auto deployment_id = cat(id_, "Deployment", short_digest(digest_));
    out_.add(deployment_id, "AWS::ApiGateway::Deployment", at_, where_, std::move(deployment)).depends_on = frozen_;

    const auto at = properties_.at("StageName");
    auto made =
        make_map(at, {{"RestApiId", make_ref(at, id_)}, {"DeploymentId", make_ref(at, deployment_id)}, {"StageName", text(at, stage)}});
    for (const auto name :
         {"Variables", "TracingEnabled", "MethodSettings", "AccessLogSetting", "CacheClusterEnabled", "CacheClusterSize", "CanarySetting"})
      if (const auto* node = properties_.node(name)) made.map()->push_back({name, properties_.at(name), *node});
    const bool plain = !stage.empty() && std::ranges::all_of(stage, [](char c) { return is_alpha(c) || is_digit(c); });
    const auto stage_id = plain ? cat(id_, stage, "Stage") : cat(id_, "Stage", short_digest(stage));
    stage_id_ = stage_id;
    out_.add(stage_id, "AWS::ApiGateway::Stage", at, where_, std::move(made));
    out_.alias(id_ + ".Stage", stage_id);
    out_.alias(id_ + ".Deployment", deployment_id);
  }

  // Usage plan and domain

  void add_usage_plan() {
    const auto* auth = properties_.node("Auth");
    const auto* node = auth == nullptr ? nullptr : auth->find("UsagePlan");
    if (node == nullptr) return;
    const auto at = node->at;
    Properties plan(node, at, cat(where_, ".Auth.UsagePlan"), "UsagePlan", out_.report());
    const auto kind = plan.required_text("CreateUsagePlan");
    if (!kind.empty() && kind != "PER_API" && kind != "SHARED" && kind != "NONE")
      plan.refuse("CreateUsagePlan", cat("`", kind, "` is neither PER_API, SHARED nor NONE"));
    Node made(at, Map{});
    for (const auto name : {"UsagePlanName", "Description", "Quota", "Tags", "Throttle"}) copy(plan, name, made);
    plan.finish();
    const auto stage = make_map(at, {{"ApiId", make_ref(at, id_)}, {"Stage", make_ref(at, stage_id_)}});
    if (kind == "PER_API") {
      made.set("ApiStages", Node(at, List{stage}));
      add_plan(id_, at, plan.where(), std::move(made), out_);
    } else if (kind == "SHARED") {
      // As with SAM, what the last API says of the plan is what the plan has.
      if (!shared_plan_) shared_plan_ = SharedPlan{at, plan.where(), Node(at, Map{}), {}};
      shared_plan_->stages.push_back(stage);
      for (const auto& entry : *made.map()) shared_plan_->properties.set(entry.key, entry.value);
    }
  }

 public:
  static void add_plan(std::string_view prefix, Location at, const std::string& where, Node plan, Output& out) {
    const auto plan_id = cat(prefix, "UsagePlan"), key_id = cat(prefix, "ApiKey");
    out.add(plan_id, "AWS::ApiGateway::UsagePlan", at, where, std::move(plan));
    out.add(key_id, "AWS::ApiGateway::ApiKey", at, where, make_map(at, {{"Enabled", Node(at, Node::Data(true))}})).depends_on = {
        {plan_id, at}};
    out.add(cat(prefix, "UsagePlanKey"), "AWS::ApiGateway::UsagePlanKey", at, where,
            make_map(at, {{"KeyId", make_ref(at, key_id)}, {"KeyType", Node(at, "API_KEY")}, {"UsagePlanId", make_ref(at, plan_id)}}));
  }

 private:
  void add_domain() {
    auto domain = properties_.object("Domain");
    if (!domain) return;
    const auto at = properties_.at("Domain");
    const auto* name = domain->node("DomainName");
    const auto* certificate = domain->node("CertificateArn");
    if (name == nullptr) domain->refuse("DomainName", "missing");
    if (certificate == nullptr) domain->refuse("CertificateArn", "missing");
    const auto endpoint = domain->text("EndpointConfiguration").value_or("REGIONAL");
    Node made(at, Map{});
    if (name != nullptr) made.set("DomainName", *name);
    if (certificate != nullptr) made.set(endpoint == "REGIONAL" ? "RegionalCertificateArn" : "CertificateArn", *certificate);
    made.set("EndpointConfiguration", make_map(at, {{"Types", Node(at, List{text(at, endpoint)})}}));
    for (const auto property : {"MutualTlsAuthentication", "SecurityPolicy", "OwnershipVerificationCertificateArn"})
      copy(*domain, property, made);
    const auto paths = base_paths(*domain);
    const bool normalizes = domain->boolean("NormalizeBasePath").value_or(true);
    domain->unsupported("Route53", "there is no Route 53 here: names are resolved by the machine");
    for (const auto property : {"Policy", "AccessAssociation"}) domain->unsupported(property, "of private domain names");
    domain->only_default("IpAddressType", "ipv4", "the listener's address decides");
    domain->finish();
    if (name == nullptr || certificate == nullptr) return;
    const auto domain_id = cat("ApiGatewayDomainName", short_digest(name->scalar().value_or(id_)));
    if (out_.has(domain_id)) {
      domain->refuse("DomainName", "another API of this template has it", "make an AWS::ApiGateway::DomainName and map both");
      return;
    }
    out_.add(domain_id, "AWS::ApiGateway::DomainName", at, domain->where(), std::move(made));
    for (const auto& path : paths) {
      std::string plain;
      for (const char c : path)
        if (is_alpha(c) || is_digit(c)) plain += c;
      auto mapping =
          make_map(at, {{"DomainName", make_ref(at, domain_id)}, {"RestApiId", make_ref(at, id_)}, {"Stage", make_ref(at, stage_id_)}});
      const auto base = normalizes ? plain : path;
      if (!base.empty()) mapping.set("BasePath", text(at, base));
      out_.add(cat(id_, plain, "BasePathMapping"), "AWS::ApiGateway::BasePathMapping", at, domain->where(), std::move(mapping));
    }
  }

  void refuse_the_rest() {
    properties_.no_effect({"Tags", "PropagateTags", "AlwaysDeploy"});
    properties_.only_default("MergeDefinitions", "false", "declare the routes in the definition or as events, not both");
    properties_.finish();
  }

  const std::string& id_;
  Location at_;
  const std::string& where_;
  const std::vector<ApiEvent>& events_;
  Output& out_;
  std::optional<SharedPlan>& shared_plan_;
  Properties properties_;
  std::vector<Dependency> depends_on_;
  std::string stage_;
  std::string stage_id_;
  bool has_definition_ = false;
  std::optional<Cors> cors_;
  std::map<std::string, std::string> models_;  // as SAM names them -> logical id
  std::set<std::string> validators_;
  Auth auth_;
  std::vector<Mention> authorizer_mentions_;
  std::set<std::string> paths_;
  std::vector<Dependency> frozen_;  // what the deployment must wait for
  std::string digest_;
  List statements_;  // of the resource policy
  std::set<std::string> seen_statements_;
  std::map<const ApiEvent*, List> cache_keys_;
};

}  // namespace

void expand_api(const ResourceDeclaration& declaration, const Node& own, const std::vector<ApiEvent>& events, Output& out,
                std::optional<SharedPlan>& shared_plan) {
  Api(declaration, own, events, out, shared_plan).expand();
}

void add_shared_plan(SharedPlan plan, Output& out) {
  plan.properties.set("ApiStages", Node(plan.at, std::move(plan.stages)));
  Api::add_plan("Serverless", plan.at, plan.where, std::move(plan.properties), out);
}

}  // namespace sallyport::cloudformation::sam
