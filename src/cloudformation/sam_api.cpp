// AWS::Serverless::Api: the API with everything in it, its deployment and its stage.
#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "cloudformation/properties.hpp"
#include "cloudformation/sam_parts.hpp"
#include "json/write.hpp"

namespace sallyport::cloudformation::sam {
namespace {

constexpr auto would_open = "it cannot be ignored: the API would be open to those it keeps out";

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
  std::set<std::string, std::less<>> refused;  // those of them that cannot be made, which is reported already
  bool on_preflight = true;
  std::optional<Node> policy;
  std::optional<Node> invoke_role;
};

class Api {
 public:
  Api(const ResourceDeclaration& declaration, const Node& own, const std::vector<ApiEvent>& events, Output& out)
      : id_(declaration.logical_id),
        at_(declaration.at),
        where_(declaration.where),
        events_(events),
        out_(out),
        properties_(&own, at_, where_, "AWS::Serverless::Api", out.report()),
        depends_on_(declaration.depends_on) {}

  void expand() {
    const auto stage = properties_.required_text("StageName");
    Node api(at_, Map{});
    if (const auto* name = properties_.node("Name"))
      api.map()->push_back({"Name", properties_.at("Name"), *name});
    else
      api.map()->push_back({"Name", at_, make_ref(at_, "AWS::StackName")});
    for (const auto name : {"Description", "BinaryMediaTypes", "ApiKeySourceType", "MinimumCompressionSize", "Mode"})
      if (const auto* node = properties_.node(name)) api.map()->push_back({name, properties_.at(name), *node});
    if (const auto* endpoint = properties_.node("EndpointConfiguration"))
      api.map()->push_back({"EndpointConfiguration", properties_.at("EndpointConfiguration"), endpoint_of(*endpoint)});
    read_auth();
    if (auth_.policy) api.map()->push_back({"Policy", auth_.policy->at, *auth_.policy});

    auto& made = out_.add(id_, "AWS::ApiGateway::RestApi", at_, where_, std::move(api));
    made.depends_on = depends_on_;
    // SAM's body mentions every function the API calls, so that a function that mentions its own API is a cycle, here as on AWS.
    for (const auto& event : events_)
      for (const auto& mention : Evaluator::mentions(event.function, "")) made.depends_on.push_back({mention.logical_id, event.at});
    for (const auto& mention : authorizer_mentions_) made.depends_on.push_back({mention.logical_id, mention.at});

    add_methods();
    add_cors();
    add_gateway_responses();
    add_stage(stage);
    for (const auto& event : events_) add_event_permission(event, stage, out_);
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
    for (const auto key : {"ApiKeyRequired", "AddApiKeyRequiredToCorsPreflight"}) {
      const auto* node = auth->node(key);
      if (node != nullptr && node->scalar() != "false") auth->refuse(key, "API keys are not supported", would_open);
    }
    auth->unsupported("UsagePlan", "usage plans and API keys are not supported");
    if (auto policy = auth->object("ResourcePolicy")) {
      if (const auto* statements = policy->node("CustomStatements"))
        auth_.policy = make_map(statements->at, {{"Version", text(statements->at, "2012-10-17")}, {"Statement", *statements}});
      const auto* entries = properties_.node("Auth")->find("ResourcePolicy")->map();
      for (const auto& entry : entries == nullptr ? Map{} : *entries)
        if (entry.key != "CustomStatements")
          policy->refuse(entry.key, "not supported: write the statements as CustomStatements", would_open);
    }
    auth->finish();
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
    if (properties.has("UserPoolArn"))
      properties.refuse("UserPoolArn", "Cognito authorizers are not supported", would_open);
    else if (function == nullptr)
      properties.refuse("FunctionArn", "missing");
    if (!known_type) properties.refuse("FunctionPayloadType", cat("`", type, "` is neither TOKEN nor REQUEST"));
    if (!known_type || function == nullptr) return false;
    if (properties.has("AuthorizationScopes")) properties.refuse("AuthorizationScopes", "scopes belong to Cognito authorizers");

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
    properties.finish();

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
    if (identity) identity->finish();
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
    method.set("AuthorizationType", text(at, name.empty() ? "NONE" : name == by_iam ? by_iam : "CUSTOM"));
    if (!name.empty() && name != by_iam) method.set("AuthorizerId", make_ref(at, cat(id_, name, "Authorizer")));
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
      method.set("Integration", std::move(integration));
      if (event.request_parameters) method.set("RequestParameters", request_parameters(event));
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
        settings.only_default("Caching", "false", "answers are not cached");
        settings.finish();
      } else {
        out_.report().problem(item.at, cat(event.where, ".RequestParameters"), "must be a name or a mapping of one name");
      }
    }
    return out;
  }

  // CORS

  std::optional<Cors> read_cors() {
    const auto* node = properties_.node("Cors");
    if (node == nullptr) return std::nullopt;
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
    const auto cors = read_cors();
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
    out_.add(stage_id, "AWS::ApiGateway::Stage", at, where_, std::move(made));
    out_.alias(id_ + ".Stage", stage_id);
    out_.alias(id_ + ".Deployment", deployment_id);
  }

  void refuse_the_rest() {
    properties_.no_effect({"Tags", "PropagateTags", "AlwaysDeploy"});
    properties_.only_default("FailOnWarnings", "false", "nothing is imported here");
    for (const auto name : {"DefinitionBody", "DefinitionUri", "MergeDefinitions", "Models"})
      properties_.unsupported(name, "OpenAPI definitions are not read: declare the routes as Api events of the functions");
    for (const auto name : {"Domain", "SecurityPolicy", "EndpointAccessMode"})
      properties_.unsupported(name, "custom domains are not served: the API answers at its own address");
    if (properties_.node("DisableExecuteApiEndpoint") != nullptr)
      properties_.refuse("DisableExecuteApiEndpoint", "needs a DefinitionBody, which is not supported");
    properties_.finish();
  }

  const std::string& id_;
  Location at_;
  const std::string& where_;
  const std::vector<ApiEvent>& events_;
  Output& out_;
  Properties properties_;
  std::vector<Dependency> depends_on_;
  Auth auth_;
  std::vector<Mention> authorizer_mentions_;
  std::set<std::string> paths_;
  std::vector<Dependency> frozen_;  // what the deployment must wait for
  std::string digest_;
};

}  // namespace

void expand_api(const ResourceDeclaration& declaration, const Node& own, const std::vector<ApiEvent>& events, Output& out) {
  Api(declaration, own, events, out).expand();
}

}  // namespace sallyport::cloudformation::sam
