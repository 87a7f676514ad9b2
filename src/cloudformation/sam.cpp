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
constexpr std::string_view other_globals[] = {"HttpApi", "SimpleTable", "StateMachine", "LayerVersion", "CapacityProvider", "WebSocketApi"};

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
  for (const auto& entry : *globals.map())
    if (entry.key != "Function" && entry.key != "Api" && std::ranges::find(other_globals, entry.key) == std::end(other_globals))
      report.problem(entry.key_at, cat("Globals.", entry.key), "Globals has no such section", "Function or Api");
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
  const auto* api_globals = globals.find("Api");

  Expanded expanded;
  sam::Output out(expanded, report);
  if (weight(globals) * declarations.size() > limits::made_bytes_max) {
    report.problem(globals.at, "Globals", cat("is too large for ", declarations.size(), " resources"));
    return expanded;
  }
  std::map<std::string, std::vector<sam::ApiEvent>, std::less<>> events;
  for (const auto& declaration : declarations) {
    if (declaration.type != "AWS::Serverless::Function") continue;
    const Node empty(declaration.at, Map{});
    const auto own = declaration.properties.is_null() ? empty : declaration.properties;
    const auto applying = sam::applying(function_globals, declaration, report);
    for (auto& event : sam::expand_function(declaration, sam::merge(&applying, own), declarations, out))
      events[event.api_id].push_back(std::move(event));
  }

  for (auto& declaration : declarations) {
    if (declaration.type == "AWS::Serverless::Function") continue;
    if (declaration.type == "AWS::Serverless::Api") {
      const Node empty(declaration.at, Map{});
      const auto own = declaration.properties.is_null() ? empty : declaration.properties;
      const auto applying = sam::applying(api_globals, declaration, report);
      sam::expand_api(declaration, sam::merge(&applying, own), events[declaration.logical_id], out);
    } else {
      out.keep(std::move(declaration));
    }
  }
  if (const auto implicit = events.find(sam::implicit_api_id); implicit != events.end()) {
    const auto at = implicit->second.front().at;
    const ResourceDeclaration api{std::string(sam::implicit_api_id), "AWS::Serverless::Api", at, {}, implicit->second.front().where};
    const auto own = make_map(at, {{"StageName", Node(at, sam::implicit_stage)}});
    sam::expand_api(api, sam::merge(api_globals, own), implicit->second, out);
  }
  return expanded;
}

}  // namespace sallyport::cloudformation
