// AWS::Serverless::Function: function, role, version, alias and its events.
#include <algorithm>

#include "base/text.hpp"
#include "cloudformation/properties.hpp"
#include "cloudformation/sam_parts.hpp"
#include "json/write.hpp"

namespace sallyport::cloudformation::sam {
namespace {

constexpr std::string_view verbs[] = {"ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"};

constexpr std::size_t path_bytes_max = 1'024;  // AWS: 1,600 bytes for the whole method ARN

/// CodeUri and InlineCode to the Code of AWS::Lambda::Function.
Node code_of(Properties& properties, Location at) {
  const auto* uri = properties.node("CodeUri");
  const auto* text = properties.node("InlineCode");
  // SAM's own rule: InlineCode wins.
  if (text != nullptr) return make_map(properties.at("InlineCode"), {{"ZipFile", *text}});
  if (uri == nullptr) {
    properties.refuse("", "has no code", "give it a CodeUri (a folder or a .zip file) or InlineCode");
    return {at, Broken{}};
  }
  if (uri->map() == nullptr || as_intrinsic(*uri)) return *uri;
  Node s3(uri->at, Map{});
  for (const auto& entry : *uri->map()) {
    const auto name = entry.key == "Bucket"    ? "S3Bucket"
                      : entry.key == "Key"     ? "S3Key"
                      : entry.key == "Version" ? "S3ObjectVersion"
                                               : entry.key;
    s3.map()->push_back({name, entry.key_at, entry.value});
  }
  return s3;
}

/// Version and alias of AutoPublishAlias; returns the alias's logical id, or nothing without one.
std::optional<std::string> add_alias(const ResourceDeclaration& declaration, Properties& properties, const Node& code, Output& out) {
  const auto name = properties.text("AutoPublishAlias");
  const auto description = properties.node("VersionDescription");
  if (!name) {
    if (properties.node("ProvisionedConcurrencyConfig"))
      properties.refuse("ProvisionedConcurrencyConfig", "needs an AutoPublishAlias: environments are kept ready for a version",
                        "add AutoPublishAlias: live");
    return std::nullopt;
  }
  const auto at = properties.at("AutoPublishAlias");
  const auto& function = declaration.logical_id;
  auto version_properties = make_map(at, {{"FunctionName", make_ref(at, function)}});
  if (description != nullptr) version_properties.set("Description", *description);
  const auto version = cat(function, "Version", short_digest(json::to_text(code.to_json())));
  out.add(version, "AWS::Lambda::Version", at, declaration.where, std::move(version_properties));
  const auto alias = cat(function, "Alias", *name);
  auto alias_properties = make_map(at, {{"Name", Node(at, std::string_view(*name))},
                                        {"FunctionName", make_ref(at, function)},
                                        {"FunctionVersion", make_get_att(at, version, "Version")}});
  copy(properties, "ProvisionedConcurrencyConfig", alias_properties);
  out.add(alias, "AWS::Lambda::Alias", at, declaration.where, std::move(alias_properties));
  out.alias(function + ".Version", version);
  out.alias(function + ".Alias", alias);
  return alias;
}

/// The logical id a Ref of an event names, when it is one of the types.
std::optional<std::string> resource_of(Properties& event, std::string_view property, const std::vector<ResourceDeclaration>& all,
                                       std::initializer_list<std::string_view> types) {
  const auto* node = event.node(property);
  const auto function = node == nullptr ? std::nullopt : as_intrinsic(*node);
  const auto shown = *types.begin();
  if (!function || function->name != "Ref" || function->argument.string() == nullptr) {
    if (node == nullptr || !node->is_broken()) event.refuse(property, cat("must be a !Ref to an ", shown, " of this template"));
    return std::nullopt;
  }
  const auto& id = *function->argument.string();
  const auto found = std::ranges::find(all, id, &ResourceDeclaration::logical_id);
  if (found != all.end() && std::ranges::find(types, std::string_view(found->type)) != types.end()) return id;
  event.refuse(property, cat("`", id, "` is no ", shown, " of this template"));
  return std::nullopt;
}

/// `get` as GET, `*` as ANY; refuses what is no verb.
std::string read_verb(Properties& properties, std::string verb) {
  std::ranges::transform(verb, verb.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  if (verb == "*" || verb == "X-AMAZON-APIGATEWAY-ANY-METHOD") verb = "ANY";
  if (properties.has("Method") && std::ranges::find(verbs, verb) == std::end(verbs))
    properties.refuse("Method", cat("`", verb, "` is no method"), "get, post, ... or any");
  return verb;
}

std::optional<HttpEvent> read_http_event(const ResourceDeclaration& declaration, const std::string& name, Properties properties,
                                         const std::vector<ResourceDeclaration>& all, const Node& function, const Node& integration_uri) {
  HttpEvent event;
  event.function_id = declaration.logical_id;
  event.name = name;
  event.at = properties.at();
  event.where = properties.where();
  event.function = function;
  event.integration_uri = integration_uri;
  if (!properties.has("Path") && !properties.has("Method")) {
    event.path = "/$default";
    event.verb = "ANY";
  } else {
    event.path = properties.required_text("Path");
    event.verb = read_verb(properties, properties.required_text("Method"));
    if (event.path == "$default") event.path = "/$default";
    if (!event.path.empty() && !event.path.starts_with('/')) properties.refuse("Path", cat("`", event.path, "` must begin with `/`"));
    if (event.path.size() > path_bytes_max) {
      properties.refuse("Path", cat("is longer than ", path_bytes_max, " characters"));
      event.path.clear();
    }
    if (event.path.size() > 1 && event.path.ends_with('/')) event.path.pop_back();
  }
  const auto* api = properties.node("ApiId");
  const auto reference = api == nullptr ? std::nullopt : as_intrinsic(*api);
  if (api == nullptr || (reference && reference->name == "Ref" && reference->argument.scalar() == implicit_http_api_id))
    event.api_id = implicit_http_api_id;
  else
    event.api_id = resource_of(properties, "ApiId", all, {"AWS::Serverless::HttpApi"}).value_or("");
  if (auto auth = properties.object("Auth")) {
    event.has_auth = true;
    event.authorizer = auth->text("Authorizer");
    if (const auto* scopes = auth->node("AuthorizationScopes")) {
      if (scopes->list() != nullptr)
        event.scopes = *scopes->list();
      else
        auth->refuse("AuthorizationScopes", "must be a list");
    }
    auth->finish_guard();
  }
  const auto take = [&](std::string_view member) {
    const auto* node = properties.node(member);
    return node ? std::optional(*node) : std::nullopt;
  };
  event.timeout = take("TimeoutInMillis");
  event.payload_version = take("PayloadFormatVersion");
  event.route_settings = take("RouteSettings");
  properties.no_effect({"Stage"});  // SAM's own
  properties.finish();
  if (event.path.empty() || event.verb.empty() || event.api_id.empty()) return std::nullopt;
  return event;
}

/// SAM's own transform puts the function into the pool's LambdaConfig and lets Cognito call it.
std::optional<CognitoEvent> read_cognito_event(const ResourceDeclaration& declaration, Properties properties,
                                               const std::vector<ResourceDeclaration>& all, const Node& function, const Node& function_arn,
                                               Output& out) {
  CognitoEvent event;
  event.at = properties.at();
  event.where = properties.where();
  event.function_arn = function_arn;
  event.pool_id = resource_of(properties, "UserPool", all, {"AWS::Cognito::UserPool"}).value_or("");
  const auto* trigger = properties.node("Trigger");
  if (trigger == nullptr)
    properties.refuse("Trigger", "missing", "PreSignUp, PostConfirmation, ...");
  else if (trigger->list() != nullptr)
    event.triggers = properties.texts("Trigger");
  else
    event.triggers = {properties.text("Trigger").value_or("")};
  properties.finish();
  if (event.pool_id.empty() || event.triggers.empty()) return std::nullopt;
  const auto permission = cat(declaration.logical_id, "CognitoPermission");
  if (!out.has(permission))
    out.add(permission, "AWS::Lambda::Permission", event.at, event.where,
            make_map(event.at, {{"Action", Node(event.at, "lambda:InvokeFunction")},
                                {"FunctionName", function},
                                {"Principal", Node(event.at, "cognito-idp.amazonaws.com")},
                                {"SourceArn", make_get_att(event.at, event.pool_id, "Arn")}}));
  return event;
}

/// The API an event belongs to: a Ref to one of this template, or the implicit one.
std::optional<std::string> api_of(Properties& event, const std::vector<ResourceDeclaration>& all) {
  const auto* node = event.node("RestApiId");
  if (node == nullptr) return std::string(implicit_api_id);
  const auto function = as_intrinsic(*node);
  if (!function || function->name != "Ref") {
    if (!node->is_broken()) event.refuse("RestApiId", "must be a !Ref to an AWS::Serverless::Api of this template");
    return std::nullopt;
  }
  const auto& id = *function->argument.string();
  if (id == implicit_api_id) return id;
  const auto found = std::ranges::find(all, id, &ResourceDeclaration::logical_id);
  if (found != all.end() && (found->type == "AWS::Serverless::Api" || found->type == "AWS::ApiGateway::RestApi")) return id;
  event.refuse("RestApiId", cat("`", id, "` is no AWS::Serverless::Api of this template"));
  return std::nullopt;
}

/// FunctionUrlConfig; `called` names the function or its alias. Who may call an open URL must be let in twice: to the URL, and to the
/// function through a URL.
void add_url(const ResourceDeclaration& declaration, Properties& properties, const Node& called, Output& out) {
  auto config = properties.object("FunctionUrlConfig");
  if (!config) return;
  const auto at = properties.at("FunctionUrlConfig");
  const auto& id = declaration.logical_id;
  const auto auth_type = config->required_text("AuthType");
  auto url = make_map(at, {{"TargetFunctionArn", called}});
  for (const auto name : {"AuthType", "Cors", "InvokeMode"}) copy(*config, name, url);
  config->finish();
  out.add(id + "Url", "AWS::Lambda::Url", at, config->where(), std::move(url));
  if (auth_type != "NONE") return;
  out.add(id + "UrlPublicPermissions", "AWS::Lambda::Permission", at, config->where(),
          make_map(at, {{"Action", Node(at, "lambda:InvokeFunctionUrl")},
                        {"FunctionName", called},
                        {"Principal", Node(at, "*")},
                        {"FunctionUrlAuthType", Node(at, "NONE")}}));
  out.add(id + "URLInvokeAllowPublicAccess", "AWS::Lambda::Permission", at, config->where(),
          make_map(at, {{"Action", Node(at, "lambda:InvokeFunction")},
                        {"FunctionName", called},
                        {"Principal", Node(at, "*")},
                        {"InvokedViaFunctionUrl", Node(at, true)}}));
}

void read_event_auth(Properties& properties, ApiEvent& event) {
  auto auth = properties.object("Auth");
  if (!auth) return;
  event.has_auth = true;
  event.authorizer = auth->text("Authorizer");
  const auto take = [&](std::string_view name) { return auth->node(name) ? std::optional(*auth->node(name)) : std::nullopt; };
  event.invoke_role = take("InvokeRole");
  event.scopes = take("AuthorizationScopes");
  event.api_key_required = auth->boolean("ApiKeyRequired");
  event.resource_policy = take("ResourcePolicy");
  auth->only_default("OverrideApiAuth", "false", "it is for APIs with a DefinitionBody: write security into the definition");
  auth->finish_guard();
}

std::optional<ApiEvent> read_event(const ResourceDeclaration& declaration, const std::string& name, Properties properties,
                                   const std::vector<ResourceDeclaration>& all, const Node& function, const Node& integration_uri) {
  ApiEvent event{declaration.logical_id,
                 name,
                 properties.required_text("Path"),
                 "",
                 "",
                 std::nullopt,
                 properties.at(),
                 properties.where(),
                 function,
                 integration_uri,
                 {},
                 {}};
  event.verb = read_verb(properties, properties.required_text("Method"));
  if (properties.has("Path") && !event.path.starts_with('/')) properties.refuse("Path", cat("`", event.path, "` must begin with `/`"));
  if (event.path.size() > path_bytes_max) {
    properties.refuse("Path", cat("is longer than ", path_bytes_max, " characters"));
    event.path.clear();
  }
  if (event.path.size() > 1 && event.path.ends_with('/')) event.path.pop_back();
  if (auto api = api_of(properties, all)) event.api_id = std::move(*api);
  read_event_auth(properties, event);
  if (const auto* timeout = properties.node("TimeoutInMillis")) event.timeout = *timeout;
  if (const auto* parameters = properties.node("RequestParameters")) event.request_parameters = *parameters;
  if (const auto* model = properties.node("RequestModel")) event.request_model = *model;
  properties.only_default("ResponseTransferMode", "BUFFERED", "answers are buffered");
  properties.finish();
  if (event.path.empty() || event.verb.empty() || event.api_id.empty()) return std::nullopt;
  return event;
}

/// An alias moves at once here, as AllAtOnce says. What else a deployment brings would be CodeDeploy's work.
void refuse_gradual_deployment(Properties& properties) {
  auto preference = properties.object("DeploymentPreference");
  if (!preference) return;
  preference->no_effect({"Role", "PassthroughCondition"});
  if (!preference->boolean("Enabled").value_or(true)) {
    preference->no_effect({"Type", "Alarms", "Hooks", "TriggerConfigurations"});
  } else {
    preference->only_default("Type", "AllAtOnce", "an alias moves at once");
    preference->unsupported("Alarms", "there is no CloudWatch here that watches a deployment");
    preference->unsupported("Hooks", "there is no CodeDeploy here that calls functions around a deployment");
    preference->unsupported("TriggerConfigurations", "there are no topics here");
    if (!properties.has("AutoPublishAlias")) properties.refuse("DeploymentPreference", "needs an AutoPublishAlias");
  }
  preference->finish();
}

}  // namespace

void copy(Properties& from, std::string_view name, Node& to, std::string_view as) {
  if (const auto* node = from.node(name)) to.map()->push_back({std::string(as.empty() ? name : as), from.at(name), *node});
}

Events expand_function(const ResourceDeclaration& declaration, const Node& own, const std::vector<ResourceDeclaration>& all, Output& out) {
  const auto& id = declaration.logical_id;
  const auto at = declaration.at;
  Properties properties(&own, at, declaration.where, declaration.type, out.report());
  if (declaration.built_by_sam)
    out.report().unsupported(at, cat("Resources.", id, ".Metadata.BuildMethod"), "code is not built here",
                             "build it first and point CodeUri at the result");

  Node function(at, Map{});
  for (const auto name : {"FunctionName",
                          "Runtime",
                          "Handler",
                          "Description",
                          "Timeout",
                          "MemorySize",
                          "Environment",
                          "Architectures",
                          "PackageType",
                          "ImageUri",
                          "ImageConfig",
                          "EphemeralStorage",
                          "Layers",
                          "VpcConfig",
                          "KmsKeyArn",
                          "FileSystemConfigs",
                          "ReservedConcurrentExecutions",
                          "SnapStart",
                          "LoggingConfig",
                          "CodeSigningConfigArn",
                          "RuntimeManagementConfig",
                          "RecursiveLoop"})
    copy(properties, name, function);
  const auto code = code_of(properties, at);
  function.map()->push_back({"Code", properties.at(properties.has("InlineCode") ? "InlineCode" : "CodeUri"), code});
  if (const auto* tracing = properties.node("Tracing"))
    function.map()->push_back({"TracingConfig", properties.at("Tracing"), make_map(tracing->at, {{"Mode", *tracing}})});
  if (properties.has("Role")) {
    copy(properties, "Role", function);
    properties.no_effect({"Policies", "PermissionsBoundary", "RolePath", "AssumeRolePolicyDocument"});
  } else {
    function.map()->push_back({"Role", at, make_get_att(at, id + "Role", "Arn")});
  }
  auto& made = out.add(id, "AWS::Lambda::Function", at, declaration.where, std::move(function));
  made.depends_on = declaration.depends_on;
  if (!properties.has("Role")) add_role(declaration, properties, out);
  const auto alias = add_alias(declaration, properties, code, out);
  add_url(declaration, properties, make_ref(at, alias ? *alias : id), out);
  add_event_config(declaration, properties, alias, out);

  properties.no_effect({"Tags", "PropagateTags", "AutoPublishAliasAllProperties", "AutoPublishCodeSha256", "VersionDeletionPolicy"});
  properties.unsupported("DeadLetterQueue", "there are no queues and topics here: EventInvokeConfig can tell a function of failures");
  refuse_gradual_deployment(properties);

  Events events;
  constexpr std::string_view uri =
      "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${__Function__}/invocations";
  auto declared = properties.object("Events");
  for (const auto& entry : declared&& own.find("Events")->map() != nullptr ? *own.find("Events")->map() : Map{}) {
    auto event = declared->object(entry.key);
    const auto type = event->required_text("Type");
    if (type == "Api" || type == "HttpApi" || type == "Cognito") {
      const Node empty(entry.key_at, Map{});
      const auto* node = event->node("Properties");
      const auto where = cat(event->where(), ".Properties");
      const auto called = alias ? make_ref(entry.key_at, *alias) : make_get_att(entry.key_at, id, "Arn");
      const auto uri_node =
          make_map(entry.key_at,
                   {{"Fn::Sub", Node(entry.key_at, List{Node(entry.key_at, uri), make_map(entry.key_at, {{"__Function__", called}})})}});
      const auto function_ref = make_ref(entry.key_at, alias ? *alias : id);
      Properties inner(node == nullptr ? &empty : node, entry.key_at, where, cat(type == "Api" ? "an " : "a ", type, " event"),
                       out.report());
      if (type == "Api") {
        if (auto read = read_event(declaration, entry.key, std::move(inner), all, function_ref, uri_node))
          events.api.push_back(std::move(*read));
      } else if (type == "HttpApi") {
        if (auto read = read_http_event(declaration, entry.key, std::move(inner), all, function_ref, uri_node))
          events.http.push_back(std::move(*read));
      } else if (auto read = read_cognito_event(declaration, std::move(inner), all, function_ref, called, out)) {
        events.cognito.push_back(std::move(*read));
      }
      event->finish();
    } else if (!type.empty()) {
      out.report().unsupported(event->at("Type"), cat(event->where(), ".Type"), cat("events of type `", type, "` are not supported"),
                               "Api, HttpApi and Cognito events are what brings calls here");
    }
  }
  properties.finish();

  // SAM adds no route to an API it does not make itself, only the permission.
  for (const auto& event : events.api) {
    const auto api = std::ranges::find(all, event.api_id, &ResourceDeclaration::logical_id);
    if (api != all.end() && api->type == "AWS::ApiGateway::RestApi") add_event_permission(event, "Stage", out);
  }
  return events;
}

std::string without_variables(std::string_view path) {
  std::string out;
  for (std::size_t i = 0; i < path.size();) {
    const auto close = path[i] == '{' ? path.find('}', i) : std::string_view::npos;
    if (close == std::string_view::npos) {
      out += path[i++];
    } else {
      out += '*';
      i = close + 1;
    }
  }
  return out;
}

void add_event_permission(const ApiEvent& event, std::string_view stage, Output& out) {
  const auto path = without_variables(event.path);
  const auto at = event.at;
  // The path is a variable and not part of the text: it may hold what Fn::Sub would take for a name.
  const auto variables =
      make_map(at, {{"__ApiId__", make_ref(at, event.api_id)}, {"__Route__", Node(at, cat(event.verb == "ANY" ? "*" : event.verb, path))}});
  constexpr std::string_view arn = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${__ApiId__}/*/${__Route__}";
  const auto source = make_map(at, {{"Fn::Sub", Node(at, List{Node(at, arn), variables})}});
  out.add(cat(event.function_id, event.name, "Permission", id_suffix(stage)), "AWS::Lambda::Permission", at, event.where,
          make_map(at, {{"Action", Node(at, "lambda:InvokeFunction")},
                        {"FunctionName", event.function},
                        {"Principal", Node(at, "apigateway.amazonaws.com")},
                        {"SourceArn", source}}));
}

}  // namespace sallyport::cloudformation::sam
