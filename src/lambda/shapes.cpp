#include "lambda/shapes.hpp"

#include <charconv>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "crypto/digest.hpp"

namespace sallyport::lambda {
namespace {

/// 2026-11-22T10:00:00.000+0000
std::string modified_time(WallTime time) {
  auto text = iso8601_millis(time);
  text.pop_back();
  return text + "+0000";
}

void set_phase(json::Value& out, Phase phase) {
  switch (phase) {
    case Phase::creating:
      out.set("State", "Pending");
      out.set("StateReason", "The function is being created.");
      out.set("StateReasonCode", "Creating");
      break;
    case Phase::updating:
      out.set("State", "Active");
      out.set("LastUpdateStatus", "InProgress");
      out.set("LastUpdateStatusReason", "The function is being created.");
      out.set("LastUpdateStatusReasonCode", "Creating");
      break;
    case Phase::settled:
      out.set("State", "Active");
      out.set("LastUpdateStatus", "Successful");
      break;
    case Phase::listed: break;
  }
}

json::Value logging_json(const FunctionConfiguration& configuration) {
  const auto& logging = configuration.logging;
  json::Value out;
  out.set("LogFormat", logging.json ? "JSON" : "Text");
  if (!logging.application_level.empty()) out.set("ApplicationLogLevel", logging.application_level);
  if (!logging.system_level.empty()) out.set("SystemLogLevel", logging.system_level);
  out.set("LogGroup", logging.group.empty() ? cat("/aws/lambda/", configuration.function_name) : logging.group);
  return out;
}

}  // namespace

json::Value tags_json(const std::map<std::string, std::string, std::less<>>& tags) {
  json::Object out;
  for (const auto& [key, value] : tags) out.emplace_back(key, value);
  return out;
}

json::Value configuration_json(const FunctionConfiguration& configuration, const aws::Scope& scope, std::string_view qualifier,
                               Phase phase) {
  json::Value out;
  out.set("FunctionName", configuration.function_name);
  out.set("FunctionArn", aws::function_arn(scope, configuration.function_name, qualifier));
  out.set("Runtime", configuration.runtime);
  out.set("Role", configuration.role);
  if (!configuration.handler.empty()) out.set("Handler", configuration.handler);
  out.set("CodeSize", configuration.code_bytes);
  out.set("Description", configuration.description);
  out.set("Timeout", configuration.timeout.count());
  out.set("MemorySize", configuration.memory_mb);
  out.set("LastModified", modified_time(configuration.last_modified));
  out.set("CodeSha256", configuration.code_sha256);
  out.set("Version", configuration.version);
  if (configuration.environment_given) {
    json::Object variables;
    for (const auto& [name, value] : configuration.environment) variables.emplace_back(name, value);
    out.set("Environment", json::Object{{"Variables", std::move(variables)}});
  }
  out.set("TracingConfig", json::Object{{"Mode", "PassThrough"}});
  out.set("RevisionId", configuration.revision_id);
  set_phase(out, phase);
  out.set("PackageType", "Zip");
  out.set("Architectures", json::Array{configuration.architecture});
  if (!configuration.layers.empty()) {
    json::Array layers;
    for (const auto& layer : configuration.layers) layers.push_back(json::Object{{"Arn", layer.arn}, {"CodeSize", layer.code_bytes}});
    out.set("Layers", std::move(layers));
  }
  out.set("EphemeralStorage", json::Object{{"Size", configuration.tmp_mb}});
  out.set("SnapStart", json::Object{{"ApplyOn", "None"}, {"OptimizationStatus", "Off"}});
  if (phase != Phase::listed)
    out.set("RuntimeVersionConfig", json::Object{{"RuntimeVersionArn", runtime_version_arn(scope, configuration.runtime)}});
  out.set("LoggingConfig", logging_json(configuration));
  return out;
}

std::string runtime_version_arn(const aws::Scope& scope, std::string_view runtime) {
  return cat("arn:", scope.partition, ":lambda:", scope.region, "::runtime:", to_hex(crypto::sha256(runtime)));
}

json::Number number_json(double number) {
  char text[32];
  return {std::string(text, std::to_chars(text, text + sizeof text, number).ptr)};
}

json::Value alias_json(const Alias& alias, const aws::Scope& scope, std::string_view function_name) {
  json::Value out;
  out.set("AliasArn", aws::function_arn(scope, function_name, alias.name));
  out.set("Name", alias.name);
  out.set("FunctionVersion", alias.function_version);
  out.set("Description", alias.description);
  out.set("RevisionId", alias.revision_id);
  if (!alias.weights.empty()) {
    json::Object weights;
    for (const auto& [version, weight] : alias.weights) weights.emplace_back(version, number_json(weight));
    out.set("RoutingConfig", json::Object{{"AdditionalVersionWeights", std::move(weights)}});
  }
  return out;
}

std::string url_time(WallTime time) { return iso8601_millis(time); }

json::Value url_json(const UrlConfig& url, const aws::Scope& scope, std::string_view function_name, std::string_view origin) {
  const auto scheme_end = origin.find("://");
  const auto scheme = scheme_end == std::string_view::npos ? std::string_view("http") : origin.substr(0, scheme_end);
  const auto port_at = origin.rfind(':');
  const auto port = port_at == std::string_view::npos || port_at == scheme_end ? std::string_view() : origin.substr(port_at + 1);
  const bool has_port = !port.empty() && parse_number<int>(port);
  json::Value out;
  out.set("FunctionUrl", cat(scheme, "://", url.url_id, ".lambda-url.", scope.region, ".localhost", has_port ? ":" : "",
                             has_port ? port : std::string_view(), "/"));
  out.set("FunctionArn", aws::function_arn(scope, function_name, url.qualifier));
  out.set("AuthType", to_text(url.auth_type));
  if (url.cors) out.set("Cors", url.cors_given);
  out.set("CreationTime", url_time(url.created));
  return out;
}

}  // namespace sallyport::lambda
