// UpdateStage: a language of its own, where method settings are addressed by what they are for.
#include <algorithm>
#include <array>

#include "gateway/api_error.hpp"
#include "gateway/checks.hpp"
#include "gateway/operations.hpp"

namespace sallyport::gateway {
namespace {

/// Source: recorded answers of the service, with its missing commas.
constexpr std::string_view known_paths =
    "[/deploymentId, /description, /cacheClusterEnabled, /cacheClusterSize, /clientCertificateId, /accessLogSettings, "
    "/accessLogSettings/destinationArn, /accessLogSettings/format, /{resourcePath}/{httpMethod}/metrics/enabled, "
    "/{resourcePath}/{httpMethod}/logging/dataTrace, /{resourcePath}/{httpMethod}/logging/loglevel, "
    "/{resourcePath}/{httpMethod}/throttling/burstLimit/{resourcePath}/{httpMethod}/throttling/rateLimit/{resourcePath}/{httpMethod}/"
    "caching/"
    "ttlInSeconds, /{resourcePath}/{httpMethod}/caching/enabled, /{resourcePath}/{httpMethod}/caching/dataEncrypted, "
    "/{resourcePath}/{httpMethod}/caching/requireAuthorizationForCacheControl, "
    "/{resourcePath}/{httpMethod}/caching/unauthorizedCacheControlHeaderStrategy, /*/*/metrics/enabled, /*/*/logging/dataTrace, "
    "/*/*/logging/loglevel, /*/*/throttling/burstLimit /*/*/throttling/rateLimit /*/*/caching/ttlInSeconds, /*/*/caching/enabled, "
    "/*/*/caching/dataEncrypted, /*/*/caching/requireAuthorizationForCacheControl, /*/*/caching/unauthorizedCacheControlHeaderStrategy, "
    "/variables/{variable_name}, /tracingEnabled]";

std::unexpected<aws::ApiError> invalid_path(const PatchOperation& operation) {
  return bad_request(cat("Invalid method setting path: ", operation.path, ". Must be one of: ", known_paths));
}

std::unexpected<aws::ApiError> nothing_to_remove(const PatchOperation& operation) {
  return bad_request(cat("Cannot remove method setting ", std::string_view(operation.path).substr(1),
                         " because there is no method setting for this method "));
}

std::unexpected<aws::ApiError> not_enforced(std::string_view path, std::string_view why) {
  return unsupported(cat(path, " is not supported by this version: ", why));
}

constexpr double limit_max = 1e9;

/// One setting of a method, by the end of its path.
struct SettingRule {
  std::string_view suffix;
  Answer<> (*apply)(MethodSetting&, const PatchStep&);
};

Answer<> set_flag(bool& flag, const PatchStep& step) {
  const auto value = patch_boolean(step);
  if (!value) return std::unexpected(value.error());
  flag = *value;
  return {};
}

Answer<> refuse_true(const PatchStep& step, std::string_view why) {
  const auto value = patch_boolean(step);
  if (!value) return std::unexpected(value.error());
  if (*value) return not_enforced(step.path, why);
  return {};
}

/// Minus one says that there is no limit.
template <class T>
Answer<> set_limit(std::optional<T>& limit, const PatchStep& step, const Answer<T>& value) {
  if (!value) return std::unexpected(value.error());
  if (*value == -1) return limit.reset(), Answer<>();
  if (*value < 0 || *value > limit_max) return bad_request(cat("Invalid throttle limit specified: ", step.value));
  limit = *value;
  return {};
}

constexpr std::array<SettingRule, 10> setting_rules = {{
    {"/metrics/enabled", [](MethodSetting& setting, const PatchStep& step) { return set_flag(setting.metrics_enabled, step); }},
    {"/logging/loglevel",
     [](MethodSetting& setting, const PatchStep& step) -> Answer<> {
       if (step.value != "OFF" && step.value != "ERROR" && step.value != "INFO")
         return bad_request(cat("Invalid logging level specified: ", step.value, ". Must be one of: [OFF, ERROR, INFO]"));
       setting.logging_level = step.value;
       return {};
     }},
    {"/logging/dataTrace",
     [](MethodSetting&, const PatchStep& step) { return refuse_true(step, "requests are not logged with their bodies"); }},
    {"/throttling/burstLimit",
     [](MethodSetting& setting, const PatchStep& step) { return set_limit(setting.throttling_burst_limit, step, patch_integer(step)); }},
    {"/throttling/rateLimit",
     [](MethodSetting& setting, const PatchStep& step) { return set_limit(setting.throttling_rate_limit, step, patch_number(step)); }},
    {"/caching/enabled", [](MethodSetting& setting, const PatchStep& step) { return set_flag(setting.caching_enabled, step); }},
    {"/caching/ttlInSeconds",
     [](MethodSetting& setting, const PatchStep& step) -> Answer<> {
       const auto value = patch_integer(step);
       if (!value) return std::unexpected(value.error());
       if (*value < 0 || *value > 3600) return bad_request("Invalid cache TTL, must be between 0 and 3600");
       setting.cache_ttl_s = *value;
       return {};
     }},
    {"/caching/dataEncrypted", [](MethodSetting& setting, const PatchStep& step) { return set_flag(setting.cache_data_encrypted, step); }},
    {"/caching/requireAuthorizationForCacheControl",
     [](MethodSetting& setting, const PatchStep& step) { return set_flag(setting.cache_control_requires_authorization, step); }},
    {"/caching/unauthorizedCacheControlHeaderStrategy",
     [](MethodSetting& setting, const PatchStep& step) -> Answer<> {
       constexpr std::array<std::string_view, 3> known = {"FAIL_WITH_403", "SUCCEED_WITH_RESPONSE_HEADER",
                                                          "SUCCEED_WITHOUT_RESPONSE_HEADER"};
       if (std::find(known.begin(), known.end(), step.value) == known.end())
         return bad_request(cat("Invalid cache control strategy specified: ", step.value));
       setting.unauthorized_cache_control = step.value;
       return {};
     }},
}};

/// `*/*`, `pets/GET` or `~1pets~1{id}/GET`: a resource and one of its methods, or all.
bool is_setting_key(std::string_view key) {
  const auto slash = key.rfind('/');
  if (slash == std::string_view::npos || slash == 0) return false;
  const auto verb = key.substr(slash + 1);
  // Half a wildcard would be kept and would match nothing.
  if ((key.substr(0, slash) == "*") != (verb == "*")) return false;
  constexpr std::array<std::string_view, 9> known = {"*", "ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"};
  return std::find(known.begin(), known.end(), verb) != known.end();
}

constexpr std::array<std::string_view, 4> canary_members = {"deploymentId", "percentTraffic", "stageVariableOverrides", "useStageCache"};

bool is_canary_path(std::string_view path) {
  constexpr std::string_view prefix = "/canarySettings/";
  if (!path.starts_with(prefix)) return false;
  const auto member = path.substr(prefix.size(), path.find('/', prefix.size()) - prefix.size());
  return std::find(canary_members.begin(), canary_members.end(), member) != canary_members.end();
}

Answer<> copy_from_canary(const PatchOperation& operation) {
  const auto from = operation.from.value_or("");
  if ((operation.path != "/deploymentId" && operation.path != "/variables") ||
      (from != "/canarySettings/deploymentId" && from != "/canarySettings/stageVariableOverrides"))
    return bad_request(cat("Invalid copy operation with path: ", operation.path, " and from ", from,
                           ". Valid copy:path are [/deploymentId, /variables] and valid copy:from are [/canarySettings/deploymentId, "
                           "/canarySettings/stageVariableOverrides]"));
  return bad_request("Promotion not available. Canary does not exist.");
}

Answer<> remove_from_stage(StageSettings& stage, const PatchOperation& operation) {
  const std::string_view path = operation.path;
  if (const auto name = match_patch_path("/variables/{variable_name}", path)) {
    if (stage.variables.erase(name->front()) == 0) return nothing_to_remove(operation);
    return {};
  }
  if (path == "/description") return stage.description.clear(), Answer<>();
  if (path == "/accessLogSettings") {
    stage.access_log_destination.clear();
    stage.access_log_format.clear();
    return {};
  }
  if (path == "/accessLogSettings/destinationArn") return stage.access_log_destination.clear(), Answer<>();
  if (path == "/accessLogSettings/format") return stage.access_log_format.clear(), Answer<>();
  if (path == "/canarySettings" || !path.starts_with('/')) return invalid_path(operation);
  // All settings of a method at once.
  if (const auto found = stage.method_settings.find(path.substr(1)); found != stage.method_settings.end()) {
    stage.method_settings.erase(found);
    return {};
  }
  return nothing_to_remove(operation);
}

}  // namespace

Answer<> Operations::update_stage(const std::string& rest_api_id, const std::string& stage_name, const PatchOperations& patch) {
  const auto found = find_stage(rest_api_id, stage_name);
  if (!found) return std::unexpected(found.error());
  auto& stage = **found;
  const auto& deployments = state_.apis.at(rest_api_id)->deployments;

  const auto replace = [&](const PatchOperation& operation) -> Answer<> {
    PatchStep step{PatchVerb::replace, {}, operation.value.value_or(""), operation.path};
    const std::string_view path = operation.path;
    if (path == "/deploymentId") {
      if (operation.op == "add") return bad_request(cat("Invalid add operation with path: ", path));
      if (!deployments.contains(step.value)) return bad_request("Deployment id does not exist");
      stage.deployment_id = step.value;
      return {};
    }
    if (path == "/description") return stage.description = step.value, Answer<>();
    if (path == "/documentationVersion") return stage.documentation_version = step.value, Answer<>();
    if (path == "/accessLogSettings/destinationArn") return stage.access_log_destination = step.value, Answer<>();
    if (path == "/accessLogSettings/format") return stage.access_log_format = step.value, Answer<>();
    if (path == "/tracingEnabled") return refuse_true(step, "traces are not sent to X-Ray");
    if (path == "/cacheClusterEnabled") {
      if (auto good = set_flag(stage.cache_cluster_enabled, step); !good) return good;
      if (stage.cache_cluster_enabled && stage.cache_cluster_size.empty()) stage.cache_cluster_size = smallest_cache;
      return {};
    }
    if (path == "/cacheClusterSize") {
      if (auto good = check_cache_size(step.value); !good) return good;
      stage.cache_cluster_size = step.value;
      return {};
    }
    if (path == "/clientCertificateId") {
      if (step.value.empty()) return {};
      return not_enforced(path, "backends are not shown client certificates");
    }
    if (is_canary_path(path)) {
      if (operation.op == "add") return bad_request(cat("Invalid add operation with path: ", path));
      return not_enforced(path, "canaries are not supported");
    }
    if (const auto name = match_patch_path("/variables/{variable_name}", path)) {
      if (auto good = check_variables({{name->front(), step.value}}); !good) return good;
      stage.variables.insert_or_assign(name->front(), step.value);
      return {};
    }
    for (const auto& rule : setting_rules) {
      if (!path.ends_with(rule.suffix)) continue;
      const auto key = path.substr(1, path.size() - rule.suffix.size() - 1);
      if (!is_setting_key(key)) break;
      return rule.apply(stage.method_settings[std::string(key)], step);
    }
    return invalid_path(operation);
  };

  for (const auto& operation : patch) {
    auto applied = operation.op == "remove" ? remove_from_stage(stage, operation)
                   : operation.op == "copy" ? copy_from_canary(operation)
                   : operation.op == "add" || operation.op == "replace"
                       ? replace(operation)
                       : Answer<>(bad_request(cat("Invalid ", operation.op, " operation with path: ", operation.path)));
    if (!applied) return applied;
  }
  stage.updated = now_;
  return {};
}

}  // namespace sallyport::gateway
