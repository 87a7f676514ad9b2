#include "cloudformation/sam.hpp"

#include <algorithm>
#include <map>
#include <span>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "cloudformation/sam_parts.hpp"
#include "crypto/digest.hpp"

namespace sallyport::cloudformation {
namespace sam {
namespace {

constexpr std::string_view function_globals[] = {"Handler",
                                                 "Runtime",
                                                 "CodeUri",
                                                 "DeadLetterQueue",
                                                 "Description",
                                                 "MemorySize",
                                                 "Timeout",
                                                 "VpcConfig",
                                                 "Environment",
                                                 "Tags",
                                                 "PropagateTags",
                                                 "Tracing",
                                                 "KmsKeyArn",
                                                 "AutoPublishAlias",
                                                 "AutoPublishAliasAllProperties",
                                                 "Layers",
                                                 "DeploymentPreference",
                                                 "RolePath",
                                                 "PermissionsBoundary",
                                                 "ReservedConcurrentExecutions",
                                                 "ProvisionedConcurrencyConfig",
                                                 "AssumeRolePolicyDocument",
                                                 "EventInvokeConfig",
                                                 "FileSystemConfigs",
                                                 "CodeSigningConfigArn",
                                                 "Architectures",
                                                 "SnapStart",
                                                 "EphemeralStorage",
                                                 "FunctionUrlConfig",
                                                 "RuntimeManagementConfig",
                                                 "LoggingConfig",
                                                 "RecursiveLoop",
                                                 "SourceKMSKeyArn",
                                                 "TenancyConfig",
                                                 "DurableConfig",
                                                 "CapacityProviderConfig",
                                                 "FunctionScalingConfig",
                                                 "PublishToLatestPublished",
                                                 "VersionDeletionPolicy"};
constexpr std::string_view api_globals[] = {"Auth",
                                            "Name",
                                            "DefinitionUri",
                                            "CacheClusterEnabled",
                                            "CacheClusterSize",
                                            "MergeDefinitions",
                                            "Variables",
                                            "EndpointConfiguration",
                                            "MethodSettings",
                                            "BinaryMediaTypes",
                                            "MinimumCompressionSize",
                                            "Cors",
                                            "GatewayResponses",
                                            "AccessLogSetting",
                                            "CanarySetting",
                                            "TracingEnabled",
                                            "OpenApiVersion",
                                            "Domain",
                                            "AlwaysDeploy",
                                            "PropagateTags",
                                            "SecurityPolicy",
                                            "EndpointAccessMode"};
constexpr std::string_view http_api_globals[] = {
    "Auth",   "AccessLogSettings", "StageVariables", "Tags",         "CorsConfiguration", "DefaultRouteSettings",
    "Domain", "RouteSettings",     "FailOnWarnings", "PropagateTags"};
constexpr std::string_view other_globals[] = {"SimpleTable", "StateMachine", "LayerVersion", "CapacityProvider", "WebSocketApi"};

void check_section(const Node& globals, std::string_view section, std::span<const std::string_view> known, Report& report) {
  const auto* node = globals.find(section);
  if (node == nullptr) return;
  const auto where = cat("Globals.", section);
  if (node->map() == nullptr) return report.problem(node->at, where, cat("must be a mapping, is ", node->kind()));
  for (const auto& entry : *node->map()) {
    if (std::ranges::find(known, entry.key) != known.end()) continue;
    const auto like = nearest(entry.key, {known.begin(), known.end()});
    report.problem(entry.key_at, cat(where, ".", entry.key), cat("SAM does not take this property in Globals"),
                   like.empty() ? "set it on each resource" : cat("did you mean ", like, "?"));
  }
}

/// What of Globals applies to a resource with this IgnoreGlobals attribute.
Node applying(const Node* section, const ResourceDeclaration& resource, Report& report) {
  Node out(resource.at, Map{});
  if (section == nullptr || section->map() == nullptr) return out;
  out = *section;
  if (!resource.ignore_globals) return out;
  const auto& ignore = *resource.ignore_globals;
  if (ignore.scalar() == "*") return {resource.at, Map{}};
  if (ignore.list() == nullptr) {
    report.problem(ignore.at, cat("Resources.", resource.logical_id, ".IgnoreGlobals"), "must be \"*\" or a list of names");
    return out;
  }
  for (const auto& name : *ignore.list()) {
    const auto removed = std::erase_if(*out.map(), [&](const Entry& entry) { return name.scalar() == entry.key; });
    if (removed == 0) report.problem(name.at, cat("Resources.", resource.logical_id, ".IgnoreGlobals"), "names nothing in Globals");
  }
  return out;
}

/// The functions of Cognito events, in the pool's LambdaConfig.
void add_triggers(ResourceDeclaration& pool, const std::vector<CognitoEvent>& events, Report& report) {
  if (pool.properties.is_null()) pool.properties = Node(pool.at, Map{});
  if (pool.properties.map() == nullptr) return;
  const auto* present = pool.properties.find("LambdaConfig");
  auto config = present == nullptr ? Node(pool.at, Map{}) : *present;
  if (config.map() == nullptr) return;
  for (const auto& event : events)
    for (const auto& trigger : event.triggers) {
      if (config.find(trigger) != nullptr)
        report.problem(event.at, cat(event.where, ".Trigger"), cat("the trigger `", trigger, "` is defined twice for ", pool.logical_id));
      config.set(trigger, event.function_arn);
    }
  pool.properties.set("LambdaConfig", std::move(config));
}

}  // namespace

ResourceDeclaration& Output::add(std::string logical_id, std::string_view type, Location at, std::string where, Node properties) {
  ResourceDeclaration declaration{std::move(logical_id), std::string(type), at, std::move(properties), std::move(where)};
  keep(std::move(declaration));
  return expanded_.resources.back();
}

void Output::keep(ResourceDeclaration declaration) {
  if (!ids_.insert(declaration.logical_id).second)
    report_.problem(declaration.at, cat("Resources.", declaration.logical_id), "SAM makes a resource of this name as well",
                    "rename one of them");
  expanded_.resources.push_back(std::move(declaration));
}

Node merge(const Node* globals, const Node& own) {
  if (globals == nullptr) return own;
  if (globals->list() != nullptr && own.list() != nullptr) {
    List joined = *globals->list();
    joined.insert(joined.end(), own.list()->begin(), own.list()->end());
    return {own.at, std::move(joined)};
  }
  if (globals->map() == nullptr || own.map() == nullptr || as_intrinsic(*globals) || as_intrinsic(own)) return own;
  Map merged;
  for (const auto& entry : *globals->map())
    if (own.find(entry.key) == nullptr) merged.push_back(entry);
  for (const auto& [key, key_at, value] : *own.map()) merged.push_back({key, key_at, merge(globals->find(key), value)});
  return {own.at, std::move(merged)};
}

void check_globals(const Node& globals, Report& report) {
  if (globals.map() == nullptr) return report.problem(globals.at, "Globals", cat("must be a mapping, is ", globals.kind()));
  check_section(globals, "Function", function_globals, report);
  check_section(globals, "Api", api_globals, report);
  check_section(globals, "HttpApi", http_api_globals, report);
  for (const auto& entry : *globals.map())
    if (entry.key != "Function" && entry.key != "Api" && entry.key != "HttpApi" &&
        std::ranges::find(other_globals, entry.key) == std::end(other_globals))
      report.problem(entry.key_at, cat("Globals.", entry.key), "Globals has no such section", "Function, Api or HttpApi");
}

std::string short_digest(std::string_view text) { return to_hex(crypto::sha256(text)).substr(0, 10); }

std::string id_suffix(std::string_view value) {
  const bool plain = !value.empty() && std::ranges::all_of(value, [](char c) { return is_alpha(c) || is_digit(c); });
  return plain ? std::string(value) : short_digest(value);
}

}  // namespace sam

Expanded expand_serverless(const Node& sections, std::vector<ResourceDeclaration> declarations, Evaluator& evaluator, Report& report) {
  Node globals;
  if (const auto* section = sections.find("Globals")) {
    globals = evaluator.constants(*section, "Globals").value_or(Node());
    sam::check_globals(globals, report);
  }
  const auto* function_globals = globals.find("Function");

  Expanded expanded;
  sam::Output out(expanded, report);
  if (weight(globals) * declarations.size() > limits::made_bytes_max) {
    report.problem(globals.at, "Globals", cat("is too large for ", declarations.size(), " resources"));
    return expanded;
  }
  const auto own_of = [](const ResourceDeclaration& declaration) {
    return declaration.properties.is_null() ? Node(declaration.at, Map{}) : declaration.properties;
  };
  std::map<std::string, std::vector<sam::ApiEvent>, std::less<>> api_events;
  std::map<std::string, std::vector<sam::HttpEvent>, std::less<>> http_events;
  std::map<std::string, std::vector<sam::CognitoEvent>, std::less<>> cognito_events;
  for (const auto& declaration : declarations) {
    if (declaration.type != "AWS::Serverless::Function") continue;
    const auto applying = sam::applying(function_globals, declaration, report);
    auto events = sam::expand_function(declaration, sam::merge(&applying, own_of(declaration)), declarations, out);
    for (auto& event : events.api) api_events[event.api_id].push_back(std::move(event));
    for (auto& event : events.http) http_events[event.api_id].push_back(std::move(event));
    for (auto& event : events.cognito) cognito_events[event.pool_id].push_back(std::move(event));
  }

  std::optional<sam::SharedPlan> shared_plan;
  for (auto& declaration : declarations) {
    if (declaration.type == "AWS::Serverless::Function") continue;
    if (declaration.type == "AWS::Serverless::Api") {
      const auto applying = sam::applying(globals.find("Api"), declaration, report);
      sam::expand_api(declaration, sam::merge(&applying, own_of(declaration)), api_events[declaration.logical_id], out, shared_plan);
    } else if (declaration.type == "AWS::Serverless::HttpApi") {
      const auto applying = sam::applying(globals.find("HttpApi"), declaration, report);
      sam::expand_http_api(declaration, sam::merge(&applying, own_of(declaration)), http_events[declaration.logical_id], out);
    } else if (declaration.type == "AWS::Serverless::LayerVersion") {
      sam::expand_layer(declaration, own_of(declaration), out);
    } else {
      if (const auto events = cognito_events.find(declaration.logical_id); events != cognito_events.end())
        sam::add_triggers(declaration, events->second, report);
      out.keep(std::move(declaration));
    }
  }
  if (const auto implicit = api_events.find(sam::implicit_api_id); implicit != api_events.end()) {
    const auto at = implicit->second.front().at;
    const ResourceDeclaration api{std::string(sam::implicit_api_id), "AWS::Serverless::Api", at, {}, implicit->second.front().where};
    const auto own = make_map(at, {{"StageName", Node(at, sam::implicit_stage)}});
    sam::expand_api(api, sam::merge(globals.find("Api"), own), implicit->second, out, shared_plan);
  }
  if (const auto implicit = http_events.find(sam::implicit_http_api_id); implicit != http_events.end()) {
    const auto at = implicit->second.front().at;
    const ResourceDeclaration api{
        std::string(sam::implicit_http_api_id), "AWS::Serverless::HttpApi", at, {}, implicit->second.front().where};
    sam::expand_http_api(api, sam::merge(globals.find("HttpApi"), Node(at, Map{})), implicit->second, out);
  }
  if (shared_plan) sam::add_shared_plan(std::move(*shared_plan), out);
  return expanded;
}

}  // namespace sallyport::cloudformation
