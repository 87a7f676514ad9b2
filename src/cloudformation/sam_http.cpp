// AWS::Serverless::HttpApi: SAM writes an OpenAPI definition and lets the service import it. So does this.
#include <algorithm>
#include <map>
#include <set>

#include "base/text.hpp"
#include "cloudformation/properties.hpp"
#include "cloudformation/sam_parts.hpp"

namespace sallyport::cloudformation::sam {
namespace {

constexpr std::string_view by_iam = "AWS_IAM", any_method = "x-amazon-apigateway-any-method", default_path = "/$default";
constexpr std::string_view integration_key = "x-amazon-apigateway-integration", authorizer_key = "x-amazon-apigateway-authorizer";

struct Authorizer {
  std::vector<Node> scopes;
  bool refused = false;
};

class HttpApi {
 public:
  HttpApi(const ResourceDeclaration& declaration, const Node& own, const std::vector<HttpEvent>& events, Output& out)
      : id_(declaration.logical_id),
        at_(declaration.at),
        where_(declaration.where),
        events_(events),
        out_(out),
        properties_(&own, at_, where_, "AWS::Serverless::HttpApi", out.report()),
        depends_on_(declaration.depends_on) {}

  void expand() {
    if (!read_definition()) return refuse_the_rest();
    read_auth();
    for (const auto& event : events_) add_route(event);
    guard_definition();
    add_cors();
    Node api(at_, Map{});
    copy(properties_, "FailOnWarnings", api);
    copy(properties_, "DisableExecuteApiEndpoint", api);
    copy(properties_, "Description", api);
    if (definition_uri_) {
      api.set("BodyS3Location", *definition_uri_);
    } else {
      if (const auto* name = properties_.node("Name"); name != nullptr) api.map()->push_back({"Name", properties_.at("Name"), *name});
      api.map()->push_back({"Body", body_at_, body_});
    }
    if (!properties_.ok()) return refuse_the_rest();  // with a part of its authorization missing it would be another API
    auto& made = out_.add(id_, "AWS::ApiGatewayV2::Api", at_, where_, std::move(api));
    made.depends_on = depends_on_;
    add_stage();
    add_domain();
    for (const auto& event : events_) add_permission(event);
    refuse_the_rest();
  }

 private:
  Node text(Location at, std::string_view value) const { return {at, value}; }

  bool read_definition() {
    const auto* body = properties_.node("DefinitionBody");
    const auto* uri = properties_.node("DefinitionUri");
    body_at_ = at_;
    if (body && uri) return properties_.refuse("DefinitionUri", "cannot be given together with DefinitionBody"), false;
    if (uri) {
      for (const auto name : {"Auth", "CorsConfiguration", "Name"})
        if (properties_.has(name))
          properties_.refuse(name, "works only with an inline DefinitionBody, in SAM as well", "write it into the definition");
      if (!events_.empty())
        out_.report().problem(events_.front().at, events_.front().where, cat(id_, " has a DefinitionUri: SAM adds no routes to it"),
                              "write the route into the definition");
      definition_uri_ = *uri;
      return true;
    }
    if (body) {
      if (body->map() == nullptr) {
        if (!body->is_broken()) properties_.refuse("DefinitionBody", cat("must be a mapping, is ", body->kind()));
        return false;
      }
      body_ = *body;
      body_at_ = properties_.at("DefinitionBody");
      has_own_body_ = true;
      if (body_.find("paths") == nullptr) body_.set("paths", Node(body_at_, Map{}));
      return true;
    }
    if (events_.empty()) {
      properties_.refuse("", "has no routes: SAM refuses it",
                         "give it a DefinitionBody or DefinitionUri, or add an HttpApi event to a function");
      return false;
    }
    body_ = make_map(at_, {{"openapi", text(at_, "3.0.1")},
                           {"info", make_map(at_, {{"version", text(at_, "1.0")}, {"title", make_ref(at_, "AWS::StackName")}})},
                           {"paths", Node(at_, Map{})}});
    return true;
  }

  // Authorizers

  Node& member(Node& of, std::string_view name, Location at) {
    if (of.find(name) == nullptr) of.set(name, Node(at, Map{}));
    for (auto& entry : *of.map())
      if (entry.key == name) return entry.value;
    return of;
  }

  void add_scheme(std::string_view name, Location at, Node scheme) {
    auto& components = member(body_, "components", at);
    auto& schemes = member(components, "securitySchemes", at);
    if (schemes.map() != nullptr) schemes.set(name, std::move(scheme));
  }

  void read_auth() {
    auto auth = properties_.object("Auth");
    if (!auth) return;
    const auto iam = auth->boolean("EnableIamAuthorizer").value_or(false);
    if (iam) {
      const auto at = auth->at("EnableIamAuthorizer");
      authorizers_.emplace(by_iam, Authorizer{});
      add_scheme(by_iam, at,
                 make_map(at, {{"type", text(at, "apiKey")},
                               {"name", text(at, "Authorization")},
                               {"in", text(at, "header")},
                               {"x-amazon-apigateway-authtype", text(at, "awsSigv4")}}));
    }
    if (auto authorizers = auth->object("Authorizers")) {
      const auto* entries = authorizers->whole();
      for (const auto& entry : entries == nullptr ? Map{} : *entries->map()) {
        if (entry.key == by_iam || entry.key == "NONE") {
          authorizers->refuse(entry.key, "is a name SAM has another meaning for", "give the authorizer another name");
          continue;
        }
        auto& kept = authorizers_[entry.key];
        kept.refused = !add_authorizer(entry.key, *authorizers->object(entry.key), kept);
      }
    }
    default_authorizer_ = auth->text("DefaultAuthorizer").value_or("");
    if (!default_authorizer_.empty() && !authorizers_.contains(default_authorizer_)) {
      auth->refuse("DefaultAuthorizer", cat("`", default_authorizer_, "` is not among Authorizers"),
                   default_authorizer_ == by_iam ? "set EnableIamAuthorizer: true" : suggestion(default_authorizer_));
      authorizers_[default_authorizer_].refused = true;
    }
    auth->finish_guard();
  }

  std::string suggestion(std::string_view name) const {
    std::vector<std::string_view> names;
    for (const auto& [known, authorizer] : authorizers_) names.push_back(known);
    const auto like = nearest(name, names);
    return like.empty() ? "" : cat("did you mean ", like, "?");
  }

  bool add_authorizer(const std::string& name, Properties properties, Authorizer& kept) {
    const auto at = properties.at();
    if (const auto* scopes = properties.node("AuthorizationScopes")) {
      if (scopes->list() == nullptr) return properties.refuse("AuthorizationScopes", "must be a list"), false;
      if (!is_short(properties, "AuthorizationScopes", *scopes, scopes_bytes_max)) return false;
      kept.scopes = *scopes->list();
    }
    Node made(at, Map{});
    bool good = true;
    const auto only = [&](std::initializer_list<std::string_view> names, std::string_view what) {
      for (const auto each : names)
        if (properties.has(each)) properties.refuse(each, cat("is only for ", what)), good = false;
    };
    if (const auto* jwt = properties.node("JwtConfiguration")) {
      only({"FunctionArn", "FunctionInvokeRole", "Identity", "AuthorizerPayloadFormatVersion", "EnableSimpleResponses",
            "EnableFunctionDefaultPermissions"},
           "Lambda authorizers");
      const auto* source = properties.node("IdentitySource");
      if (source == nullptr) return properties.refuse("IdentitySource", "missing", "$request.header.Authorization"), false;
      if (jwt->map() == nullptr) return properties.refuse("JwtConfiguration", "must be a mapping"), false;
      Node configuration(jwt->at, Map{});
      for (const auto& entry : *jwt->map()) configuration.map()->push_back({lower(entry.key), entry.key_at, entry.value});
      made = make_map(at, {{"type", text(at, "jwt")}, {"jwtConfiguration", configuration}, {"identitySource", *source}});
      properties.finish_guard();
      add_scheme(name, at, make_map(at, {{"type", text(at, "oauth2")}, {authorizer_key, made}}));
      return good;
    }
    only({"AuthorizationScopes", "IdentitySource"}, "OAuth 2 authorizers, which have a JwtConfiguration");
    const auto* function = properties.node("FunctionArn");
    const auto* version = properties.node("AuthorizerPayloadFormatVersion");
    if (function == nullptr) properties.refuse("FunctionArn", "missing", "or JwtConfiguration, for tokens"), good = false;
    if (version == nullptr) properties.refuse("AuthorizerPayloadFormatVersion", "missing", "\"1.0\" or \"2.0\""), good = false;
    if (!good) return false;
    constexpr std::string_view uri =
        "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${__FunctionArn__}/invocations";
    made = make_map(
        at, {{"type", text(at, "request")},
             {"authorizerUri", make_map(at, {{"Fn::Sub", Node(at, List{text(at, uri), make_map(at, {{"__FunctionArn__", *function}})})}})},
             {"authorizerPayloadFormatVersion", *version}});
    if (const auto* role = properties.node("FunctionInvokeRole"); role != nullptr && role->scalar() != "NONE")
      made.map()->push_back({"authorizerCredentials", properties.at("FunctionInvokeRole"), *role});
    if (const auto* simple = properties.node("EnableSimpleResponses"))
      made.map()->push_back({"enableSimpleResponses", simple->at, *simple});
    read_identity(properties, made);
    const bool permits = properties.boolean("EnableFunctionDefaultPermissions").value_or(false);
    properties.finish_guard();
    add_scheme(
        name, at,
        make_map(at, {{"type", text(at, "apiKey")}, {"name", text(at, "Unused")}, {"in", text(at, "header")}, {authorizer_key, made}}));
    if (permits) add_authorizer_permission(name, properties, *function);
    return true;
  }

  void read_identity(Properties& authorizer, Node& made) {
    auto identity = authorizer.object("Identity");
    if (!identity) return;
    if (const auto* ttl = identity->node("ReauthorizeEvery"))
      made.map()->push_back({"authorizerResultTtlInSeconds", identity->at("ReauthorizeEvery"), *ttl});
    List sources;
    for (const auto& [name, prefix] : {std::pair{"Headers", "$request.header."},
                                       {"QueryStrings", "$request.querystring."},
                                       {"StageVariables", "$stageVariables."},
                                       {"Context", "$context."}})
      for (const auto& source : identity->texts(name)) sources.push_back(text(identity->at(name), cat(prefix, source)));
    made.map()->push_back({"identitySource", identity->at(), Node(identity->at(), std::move(sources))});
    identity->finish_guard();
  }

  void add_authorizer_permission(const std::string& name, const Properties& properties, const Node& function) {
    const auto at = properties.at();
    constexpr std::string_view arn = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${__ApiId__}/authorizers/*";
    out_.add(
        cat(id_, name, "AuthorizerPermission"), "AWS::Lambda::Permission", at, properties.where(),
        make_map(at, {{"Action", text(at, "lambda:InvokeFunction")},
                      {"FunctionName", function},
                      {"Principal", text(at, "apigateway.amazonaws.com")},
                      {"SourceArn",
                       make_map(at, {{"Fn::Sub", Node(at, List{text(at, arn), make_map(at, {{"__ApiId__", make_ref(at, id_)}})})}})}}));
  }

  // Routes

  /// The security of a route; nothing for an open one. False when the route must not be made.
  bool security_of(const HttpEvent& event, std::optional<Node>& security) {
    const auto refuse = [&](std::string_view member, std::string message, std::string hint = {}) {
      properties_.give_up();
      out_.report().problem(event.at, cat(event.where, ".Auth.", member), std::move(message), std::move(hint));
      return false;
    };
    const auto name = event.authorizer.value_or(default_authorizer_);
    if (event.has_auth && name.empty())
      return refuse("Authorizer", "missing, and the API has no DefaultAuthorizer", "name one, or leave Auth out");
    if (name == "NONE") {
      if (default_authorizer_.empty())
        return refuse("Authorizer", "NONE says nothing where the API has no DefaultAuthorizer", "leave it out: the route is open already");
      security = Node(event.at, List{});
      return true;
    }
    if (name.empty()) return true;
    const auto found = authorizers_.find(name);
    if (found == authorizers_.end())
      return refuse("Authorizer", cat("the API has no authorizer `", name, "`"),
                    name == by_iam ? "set Auth.EnableIamAuthorizer: true on the API" : suggestion(name));
    if (found->second.refused) return false;
    const auto& scopes = !event.scopes.empty() ? event.scopes : found->second.scopes;
    security = Node(event.at, List{make_map(event.at, {{name, Node(event.at, name == by_iam ? List{} : List(scopes))}})});
    return true;
  }

  void add_route(const HttpEvent& event) {
    auto* paths = &member(body_, "paths", body_at_);
    if (paths->map() == nullptr || definition_uri_) return;
    auto& path = member(*paths, event.path, event.at);
    const auto verb = event.verb == "ANY" ? std::string(any_method) : lower(event.verb);
    if (path.map() == nullptr) return;
    if (path.find(verb) != nullptr && (!has_own_body_ || made_.contains(cat(verb, event.path)))) {
      out_.report().problem(event.at, event.where, cat(event.verb, " ", event.path, " is declared twice for ", id_));
      return properties_.give_up();
    }
    auto& method = member(path, verb, event.at);
    if (method.is_null()) method = Node(event.at, Map{});
    if (method.map() == nullptr || method.find(integration_key) != nullptr) return;  // the definition's own stays, as with SAM
    made_.insert(cat(verb, event.path));
    auto integration =
        make_map(event.at, {{"type", text(event.at, "aws_proxy")},
                            {"httpMethod", text(event.at, "POST")},
                            {"uri", event.integration_uri},
                            {"payloadFormatVersion", event.payload_version ? *event.payload_version : text(event.at, "2.0")}});
    if (event.timeout) integration.map()->push_back({"timeoutInMillis", event.timeout->at, *event.timeout});
    std::optional<Node> security;
    if (!security_of(event, security)) return properties_.give_up();
    method.at = event.at;
    method.set(integration_key, std::move(integration));
    if (security) method.set("security", std::move(*security));
    if (method.find("responses") == nullptr) method.set("responses", Node(event.at, Map{}));
  }

  /// The default authorizer guards what the definition itself says too, where it says nothing of its own.
  void guard_definition() {
    if (!has_own_body_ || default_authorizer_.empty()) return;
    auto& paths = member(body_, "paths", body_at_);
    if (paths.map() == nullptr) return;
    const auto& authorizer = authorizers_[default_authorizer_];
    for (auto& path : *paths.map()) {
      if (path.value.map() == nullptr) continue;
      for (auto& method : *path.value.map()) {
        if (method.key == "parameters" || method.key == "options" || method.value.map() == nullptr) continue;
        if (method.value.find(integration_key) == nullptr || made_.contains(cat(method.key, path.key))) continue;
        const auto* security = method.value.find("security");
        if (security != nullptr && security->list() != nullptr && !security->list()->empty()) continue;
        method.value.set(
            "security",
            Node(method.key_at, List{make_map(method.key_at, {{default_authorizer_, Node(method.key_at, List(authorizer.scopes))}})}));
      }
    }
  }

  void add_cors() {
    const auto* cors = properties_.node("CorsConfiguration");
    if (cors == nullptr || definition_uri_) return;
    const auto at = properties_.at("CorsConfiguration");
    Node out(at, Map{});
    if (cors->scalar() == "true") {
      out.set("allowOrigins", Node(at, List{text(at, "*")}));
    } else if (cors->scalar() == "false") {
      return;
    } else if (as_intrinsic(*cors)) {
      out.set("allowOrigins", *cors);
    } else if (cors->map() != nullptr) {
      auto object = properties_.object("CorsConfiguration");
      for (const auto& [name, as] : {std::pair{"AllowOrigins", "allowOrigins"},
                                     {"AllowHeaders", "allowHeaders"},
                                     {"AllowMethods", "allowMethods"},
                                     {"ExposeHeaders", "exposeHeaders"},
                                     {"MaxAge", "maxAge"}})
        if (const auto* value = object->node(name)) out.map()->push_back({as, object->at(name), *value});
      const bool credentials = object->boolean("AllowCredentials").value_or(false);
      const auto* origins = out.find("allowOrigins");
      const bool everybody =
          origins == nullptr || (origins->list() != nullptr && origins->list()->size() == 1 && origins->list()->front().scalar() == "*");
      if (credentials && everybody)
        object->refuse("AllowCredentials", "cannot be true while AllowOrigins is [\"*\"] or not set", "browsers refuse that pair");
      if (credentials) out.set("allowCredentials", Node(object->at("AllowCredentials"), Node::Data(true)));
      object->finish();
    } else {
      return properties_.refuse("CorsConfiguration", cat("must be true or a mapping, is ", cors->kind()));
    }
    body_.set("x-amazon-apigateway-cors", std::move(out));
  }

  // Stage and domain

  void add_stage() {
    const auto stage = properties_.text("StageName").value_or("$default");
    const auto at = properties_.at("StageName");
    auto made = make_map(at, {{"ApiId", make_ref(at, id_)}, {"StageName", text(at, stage)}, {"AutoDeploy", Node(at, Node::Data(true))}});
    for (const auto name : {"StageVariables", "AccessLogSettings", "DefaultRouteSettings"}) copy(properties_, name, made);
    Node settings(at, Map{});
    if (const auto* given = properties_.node("RouteSettings")) settings = *given;
    for (const auto& event : events_) {
      if (!event.route_settings || settings.map() == nullptr) continue;
      auto path = event.path == default_path ? std::string("$default") : event.path;
      const auto key = event.verb == "ANY" ? path : cat(event.verb, " ", path);
      const auto* present = settings.find(key);
      settings.set(key, merge(present, *event.route_settings));
    }
    if (settings.map() == nullptr || !settings.map()->empty()) made.set("RouteSettings", std::move(settings));
    const bool plain = !stage.empty() && std::ranges::all_of(stage, [](char c) { return is_alpha(c) || is_digit(c); });
    stage_id_ = stage == "$default" ? cat(id_, "ApiGatewayDefaultStage")
                : plain             ? cat(id_, stage, "Stage")
                                    : cat(id_, "Stage", short_digest(stage));
    out_.add(stage_id_, "AWS::ApiGatewayV2::Stage", at, where_, std::move(made));
    out_.alias(id_ + ".Stage", stage_id_);
  }

  void add_domain() {
    auto domain = properties_.object("Domain");
    if (!domain) return;
    const auto at = properties_.at("Domain");
    const auto* name = domain->node("DomainName");
    const auto* certificate = domain->node("CertificateArn");
    if (name == nullptr) domain->refuse("DomainName", "missing");
    if (certificate == nullptr) domain->refuse("CertificateArn", "missing");
    auto configuration = make_map(at, {{"EndpointType", text(at, domain->text("EndpointConfiguration").value_or("REGIONAL"))}});
    if (certificate != nullptr) configuration.set("CertificateArn", *certificate);
    copy(*domain, "SecurityPolicy", configuration);
    copy(*domain, "OwnershipVerificationCertificateArn", configuration);
    Node made(at, Map{});
    if (name != nullptr) made.set("DomainName", *name);
    made.set("DomainNameConfigurations", Node(at, List{configuration}));
    copy(*domain, "MutualTlsAuthentication", made);
    const auto paths = base_paths(*domain);
    domain->unsupported("Route53", "there is no Route 53 here: names are resolved by the machine");
    domain->unsupported("IpAddressType", "the listener's address decides");
    const bool normalizes = domain->boolean("NormalizeBasePath").value_or(true);
    domain->finish();
    if (name == nullptr || certificate == nullptr) return;
    const auto domain_id = cat("ApiGatewayDomainNameV2", short_digest(name->scalar().value_or(std::string(id_))));
    out_.add(domain_id, "AWS::ApiGatewayV2::DomainName", at, domain->where(), std::move(made));
    for (const auto& path : paths) {
      std::string plain;
      for (const char c : path)
        if (is_alpha(c) || is_digit(c)) plain += c;
      auto mapping =
          make_map(at, {{"ApiId", make_ref(at, id_)}, {"DomainName", make_ref(at, domain_id)}, {"Stage", make_ref(at, stage_id_)}});
      const auto key = normalizes ? plain : path;
      if (!key.empty()) mapping.set("ApiMappingKey", text(at, key));
      out_.add(cat(id_, plain, "ApiMapping"), "AWS::ApiGatewayV2::ApiMapping", at, domain->where(), std::move(mapping));
    }
  }

  void add_permission(const HttpEvent& event) {
    const auto at = event.at;
    const auto is_default = event.path == default_path;
    const auto route = cat(event.verb == "ANY" ? "*" : event.verb, is_default ? "" : without_variables(event.path));
    constexpr std::string_view arn = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${__ApiId__}/*/${__Route__}";
    const auto variables = make_map(at, {{"__ApiId__", make_ref(at, id_)}, {"__Route__", text(at, route)}});
    out_.add(cat(event.function_id, event.name, "Permission"), "AWS::Lambda::Permission", at, event.where,
             make_map(at, {{"Action", text(at, "lambda:InvokeFunction")},
                           {"FunctionName", event.function},
                           {"Principal", text(at, "apigateway.amazonaws.com")},
                           {"SourceArn", make_map(at, {{"Fn::Sub", Node(at, List{text(at, arn), variables})}})}}));
  }

  void refuse_the_rest() {
    properties_.no_effect({"Tags", "PropagateTags", "Auth", "CorsConfiguration", "Domain", "StageName", "StageVariables",
                           "AccessLogSettings", "DefaultRouteSettings", "RouteSettings", "Name", "Description", "FailOnWarnings",
                           "DisableExecuteApiEndpoint"});
    properties_.finish();
  }

  const std::string& id_;
  Location at_;
  const std::string& where_;
  const std::vector<HttpEvent>& events_;
  Output& out_;
  Properties properties_;
  std::vector<Dependency> depends_on_;
  Node body_;
  Location body_at_;
  bool has_own_body_ = false;
  std::optional<Node> definition_uri_;
  std::map<std::string, Authorizer, std::less<>> authorizers_;
  std::string default_authorizer_;  // empty for none
  std::set<std::string> made_;      // verb and path of the routes that events brought
  std::string stage_id_;
};

}  // namespace

void expand_http_api(const ResourceDeclaration& declaration, const Node& own, const std::vector<HttpEvent>& events, Output& out) {
  HttpApi(declaration, own, events, out).expand();
}

bool is_short(Properties& of, std::string_view name, const Node& value, std::size_t bytes_max) {
  if (weight(value) <= bytes_max) return true;
  of.refuse(name, cat("is longer than ", bytes_max, " bytes"));
  return false;
}

std::vector<std::string> base_paths(Properties& domain) {
  const auto* node = domain.node("BasePath");
  if (node == nullptr) return {""};
  if (node->list() != nullptr) return domain.texts("BasePath");
  return {domain.text("BasePath").value_or("")};
}

}  // namespace sallyport::cloudformation::sam
