#include "lambda/persistence.hpp"

#include <set>
#include <utility>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"
#include "lambda/operations.hpp"
#include "lambda/records.hpp"
#include "lambda/shapes.hpp"
#include "wire/parameters.hpp"

namespace sallyport::lambda {
namespace {

constexpr std::string_view service = "lambda", function_kind = "function", version_kind = "version", layer_kind = "layer";

std::string seal_id(const aws::Scope& scope, const FunctionConfiguration& configuration) {
  return cat("lambda/", scope.account_id, "/", scope.region, "/", configuration.function_name, ":", configuration.version, "/environment");
}

template <class Map>
json::Value object_of(const Map& map) {
  json::Object out;
  for (const auto& [name, value] : map) out.emplace_back(name, value);
  return out;
}

json::Value configuration_record(const FunctionConfiguration& configuration, const aws::Scope& scope, const store::Store& store) {
  json::Value out;
  out.set("name", configuration.function_name);
  out.set("version", configuration.version);
  out.set("runtime", configuration.runtime);
  out.set("handler", configuration.handler);
  out.set("role", configuration.role);
  out.set("description", configuration.description);
  out.set("timeout_s", configuration.timeout.count());
  out.set("memory_mb", configuration.memory_mb);
  if (!configuration.environment.empty())
    out.set("sealed_environment", store.seal(json::to_text(object_of(configuration.environment)), seal_id(scope, configuration)));
  out.set("environment_given", configuration.environment_given);
  out.set("architecture", configuration.architecture);
  // A package lies below the code store, wherever that is at the next start.
  const auto slash = configuration.code_directory.rfind('/');
  out.set("code_directory", configuration.packaged && slash != std::string::npos ? configuration.code_directory.substr(slash + 1)
                                                                                 : configuration.code_directory);
  out.set("code_sha256", configuration.code_sha256);
  out.set("code_bytes", configuration.code_bytes);
  out.set("packaged", configuration.packaged);
  out.set("unpacked_bytes", configuration.unpacked_bytes);
  out.set("brings_sdk", configuration.brings_sdk);
  json::Array layers;
  for (const auto& layer : configuration.layers) layers.push_back(used_layer_record(layer));
  if (!layers.empty()) out.set("layers", std::move(layers));
  out.set("tmp_mb", configuration.tmp_mb);
  const auto& [json, application_level, system_level, group] = configuration.logging;
  if (json) out.set("log_json", true);
  if (!application_level.empty()) out.set("application_log_level", application_level);
  if (!system_level.empty()) out.set("system_log_level", system_level);
  if (!group.empty()) out.set("log_group", group);
  out.set("revision_id", configuration.revision_id);
  out.set("last_modified_us", microseconds(configuration.last_modified));
  out.set("content_revision", configuration.content_revision);
  return out;
}

Result<FunctionConfiguration> configuration_of(const wire::Parameters& in, const aws::Scope& scope, const store::Store& store) {
  FunctionConfiguration out;
  out.function_name = in.required("name");
  out.function_arn = aws::function_arn(scope, out.function_name);
  out.version = in.required("version");
  out.runtime = in.required("runtime");
  out.handler = in.required("handler");
  out.role = in.required("role");
  out.description = in.required("description");
  out.timeout = std::chrono::seconds(in.integer("timeout_s").value_or(3));
  out.memory_mb = static_cast<int>(in.integer("memory_mb").value_or(128));
  out.environment_given = in.boolean("environment_given").value_or(false);
  if (const auto sealed = in.text("sealed_environment")) {
    const auto opened = store.unseal(*sealed, seal_id(scope, out));
    if (!opened) return fail(cat("the environment of function ", out.function_name, ": ", opened.error().message));
    const auto environment = json::parse(*opened);
    if (!environment || !environment->object()) return fail(cat("the environment of function ", out.function_name, " is damaged"));
    for (const auto& [name, value] : *environment->object())
      if (value.string()) out.environment.emplace(name, *value.string());
  }
  out.architecture = in.required("architecture");
  out.code_directory = in.required("code_directory");
  out.code_sha256 = in.required("code_sha256");
  out.code_bytes = in.integer("code_bytes").value_or(0);
  out.packaged = in.boolean("packaged").value_or(false);
  out.unpacked_bytes = in.integer("unpacked_bytes").value_or(0);
  out.brings_sdk = in.boolean("brings_sdk").value_or(true);  // nobody looked in earlier releases
  for (const auto& layer : in.structures("layers").value_or(std::vector<wire::Parameters>())) out.layers.push_back(used_layer_of(layer));
  out.tmp_mb = static_cast<int>(in.integer("tmp_mb").value_or(512));
  out.logging = {in.boolean("log_json").value_or(false), in.text_or("application_log_level", ""), in.text_or("system_log_level", ""),
                 in.text_or("log_group", "")};
  out.revision_id = in.required("revision_id");
  out.last_modified = time_of(in, "last_modified_us");
  out.content_revision = static_cast<std::uint64_t>(in.integer("content_revision").value_or(0));
  return out;
}

json::Value function_record(const Function& function, const aws::Scope& scope, const store::Store& store) {
  json::Value out;
  out.set("latest", configuration_record(function.latest, scope, store));
  out.set("newest_version", function.newest_version);
  json::Array aliases;
  for (const auto& [name, alias] : function.aliases) {
    json::Value value;
    value.set("name", name);
    value.set("function_version", alias.function_version);
    value.set("description", alias.description);
    value.set("revision_id", alias.revision_id);
    if (!alias.weights.empty()) {
      json::Object weights;
      for (const auto& [version, weight] : alias.weights) weights.emplace_back(version, number_json(weight));
      value.set("weights", std::move(weights));
    }
    aliases.push_back(std::move(value));
  }
  out.set("aliases", std::move(aliases));
  json::Array policies;
  for (const auto& [qualifier, policy] : function.policies) {
    json::Array statements;
    for (const auto& statement : policy.statements) statements.push_back(statement_record(statement));
    policies.push_back(json::Object{{"qualifier", qualifier}, {"statements", std::move(statements)}});
  }
  out.set("policies", std::move(policies));
  json::Array urls;
  for (const auto& [qualifier, url] : function.urls) {
    json::Value value;
    value.set("id", url.url_id);
    value.set("qualifier", qualifier);
    value.set("auth_type", to_text(url.auth_type));
    if (url.invoke_mode != UrlInvokeMode::buffered) value.set("invoke_mode", to_text(url.invoke_mode));
    if (url.cors) value.set("cors", url.cors_given);
    value.set("created_us", microseconds(url.created));
    value.set("modified_us", microseconds(url.modified));
    urls.push_back(std::move(value));
  }
  out.set("urls", std::move(urls));
  json::Array event_invoke_configs;
  for (const auto& [qualifier, config] : function.event_invoke_configs) {
    json::Value value;
    value.set("qualifier", qualifier);
    if (config.retries) value.set("retries", *config.retries);
    if (config.age_s) value.set("age_s", *config.age_s);
    if (!config.on_success.empty()) value.set("on_success", config.on_success);
    if (!config.on_failure.empty()) value.set("on_failure", config.on_failure);
    value.set("modified_us", microseconds(config.modified));
    event_invoke_configs.push_back(std::move(value));
  }
  out.set("event_invoke_configs", std::move(event_invoke_configs));
  out.set("tags", object_of(function.tags));
  if (function.reserved_concurrency) out.set("reserved_concurrency", *function.reserved_concurrency);
  json::Array provisioned;
  for (const auto& [qualifier, config] : function.provisioned)
    provisioned.push_back(
        json::Object{{"qualifier", qualifier}, {"requested", config.requested}, {"modified_us", microseconds(config.modified)}});
  if (!provisioned.empty()) out.set("provisioned", std::move(provisioned));
  return out;
}

Result<> read_function(Function& function, const wire::Parameters& in, const aws::Scope& scope, const store::Store& store) {
  const auto latest = in.structure("latest");
  if (!latest) return fail("a function without configuration");
  auto configuration = configuration_of(*latest, scope, store);
  if (!configuration) return std::unexpected(configuration.error());
  function.latest = std::move(*configuration);
  function.newest_version = static_cast<int>(in.integer("newest_version").value_or(0));
  for (const auto& alias : in.structures("aliases").value_or(std::vector<wire::Parameters>())) {
    auto& read = function.aliases[alias.required("name")];
    read = {alias.required("name"), alias.required("function_version"), alias.required("description"), alias.required("revision_id")};
    if (const auto* weights = alias.value("weights"); weights && weights->object())
      for (const auto& [version, weight] : *weights->object())
        read.weights.emplace(version, wire::Parameters(*weights).number(version).value_or(0));
  }
  for (const auto& each : in.structures("policies").value_or(std::vector<wire::Parameters>())) {
    const auto qualifier = each.required("qualifier");
    auto& policy = function.policies[qualifier];
    for (const auto& statement : each.structures("statements").value_or(std::vector<wire::Parameters>()))
      policy.statements.push_back(statement_of(statement));
    if (auto compiled = compile_policy(policy, aws::function_arn(scope, function.latest.function_name, qualifier)); !compiled)
      return compiled;
  }
  for (const auto& url : in.structures("urls").value_or(std::vector<wire::Parameters>())) {
    UrlConfig config{url.required("id"), url.required("qualifier"),
                     url.required("auth_type") == "NONE" ? UrlAuthType::none : UrlAuthType::aws_iam};
    if (const auto cors = url.structure("cors")) {
      config.cors = read_cors(*cors);
      config.cors_given = *url.value("cors");
    }
    config.invoke_mode = invoke_mode_of(url.text_or("invoke_mode", ""));
    config.created = time_of(url, "created_us");
    config.modified = time_of(url, "modified_us");
    function.urls[config.qualifier] = std::move(config);
  }
  for (const auto& each : in.structures("event_invoke_configs").value_or(std::vector<wire::Parameters>())) {
    auto& config = function.event_invoke_configs[each.required("qualifier")];
    if (const auto retries = each.integer("retries")) config.retries = static_cast<int>(*retries);
    if (const auto age = each.integer("age_s")) config.age_s = static_cast<int>(*age);
    config.on_success = each.text_or("on_success", "");
    config.on_failure = each.text_or("on_failure", "");
    config.modified = time_of(each, "modified_us");
  }
  function.tags = in.text_map("tags").value_or(TextMap());
  if (const auto reserved = in.integer("reserved_concurrency")) function.reserved_concurrency = static_cast<int>(*reserved);
  for (const auto& each : in.structures("provisioned").value_or(std::vector<wire::Parameters>()))
    function.provisioned[each.required("qualifier")] = {static_cast<int>(each.integer("requested").value_or(0)),
                                                        time_of(each, "modified_us")};
  return {};
}

store::Key key(const aws::Scope& scope, std::string_view kind, std::string name) {
  return {std::string(service), scope.account_id, scope.region, std::string(kind), std::move(name)};
}

void save_versions(const Function& before, const Function& after, const State& state, store::Batch& batch, const store::Store& store) {
  const auto name_of = [&](const std::string& version) {
    return cat(after.latest.function_name.empty() ? before.latest.function_name : after.latest.function_name, ":", version);
  };
  for (const auto& [version, configuration] : before.versions)
    if (!after.versions.contains(version)) batch.erase(key(state.scope, version_kind, name_of(version)));
  for (const auto& [version, configuration] : after.versions) {
    const auto old = before.versions.find(version);
    if (old != before.versions.end() && old->second.is(configuration)) continue;
    batch.put(key(state.scope, version_kind, name_of(version)), json::to_text(configuration_record(*configuration, state.scope, store)));
  }
}

void save_layers(const State& before, const State& after, store::Batch& batch) {
  for (const auto& [name, layer] : after.layers) {
    const auto old = before.layers.find(name);
    if (old == before.layers.end() || !old->second.is(layer))
      batch.put(key(after.scope, layer_kind, name), json::to_text(layer_record(*layer)));
  }
  for (const auto& [name, layer] : before.layers)
    if (!after.layers.contains(name)) batch.erase(key(after.scope, layer_kind, name));
}

}  // namespace

void save(const State& before, const State& after, store::Batch& batch, const store::Store& store) {
  save_layers(before, after, batch);
  static const Function nothing;
  const auto gone = [&](const std::string& name, const Function& function) {
    batch.erase(key(after.scope, function_kind, name));
    save_versions(function, nothing, after, batch, store);
  };
  const auto put = [&](const std::string& name, const Function& old, const Function& function) {
    batch.put(key(after.scope, function_kind, name), json::to_text(function_record(function, after.scope, store)));
    save_versions(old, function, after, batch, store);
  };
  // Both are in the order of names: one walk finds what came, went and changed.
  auto old_one = before.functions.begin();
  auto new_one = after.functions.begin();
  while (old_one != before.functions.end() || new_one != after.functions.end()) {
    if (new_one == after.functions.end() || (old_one != before.functions.end() && old_one->first < new_one->first)) {
      gone(old_one->first, *old_one->second);
      ++old_one;
    } else if (old_one == before.functions.end() || new_one->first < old_one->first) {
      put(new_one->first, nothing, *new_one->second);
      ++new_one;
    } else {
      if (!old_one->second.is(new_one->second)) put(new_one->first, *old_one->second, *new_one->second);
      ++old_one;
      ++new_one;
    }
  }
}

Result<> restore(State& state, const store::Record& record, const store::Store& store) {
  auto document = json::parse(record.value);
  const auto damaged = [&](std::string_view why) {
    return fail(cat("the record of ", record.key.kind, " ", record.key.name, " is damaged: ", why));
  };
  if (!document) return damaged(document.error().message);
  const wire::Parameters in(std::move(*document));
  if (record.key.kind == function_kind) {
    auto read = read_function(state.functions[record.key.name].edit(), in, state.scope, store);
    return read ? read : damaged(read.error().message);
  }
  if (record.key.kind == layer_kind) {
    auto read = read_layer(state.layers[record.key.name].edit(), in, layer_arn(state.scope, record.key.name));
    return read ? read : damaged(read.error().message);
  }
  if (record.key.kind != version_kind) return damaged("no such kind");
  auto configuration = configuration_of(in, state.scope, store);
  if (!configuration) return damaged(configuration.error().message);
  auto& function = state.functions[configuration->function_name].edit();
  const auto version = configuration->version;
  function.versions.insert_or_assign(version, Shared(std::move(*configuration)));
  return {};
}

}  // namespace sallyport::lambda
