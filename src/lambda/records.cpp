#include "lambda/records.hpp"

#include "base/text.hpp"
#include "lambda/operations.hpp"

namespace sallyport::lambda {

json::Value statement_record(const PermissionStatement& statement) {
  json::Value out;
  out.set("sid", statement.sid);
  out.set("action", statement.action);
  out.set("principal", statement.principal);
  const auto set = [&](std::string_view name, const std::optional<std::string>& value) {
    if (value) out.set(name, *value);
  };
  set("source_arn", statement.source_arn);
  set("source_account", statement.source_account);
  set("event_source_token", statement.event_source_token);
  set("principal_org_id", statement.principal_org_id);
  set("function_url_auth_type", statement.function_url_auth_type);
  if (statement.invoked_via_function_url) out.set("invoked_via_function_url", *statement.invoked_via_function_url);
  return out;
}

PermissionStatement statement_of(const wire::Parameters& in) {
  return {in.required("sid"),
          in.required("action"),
          in.required("principal"),
          in.text("source_arn"),
          in.text("source_account"),
          in.text("event_source_token"),
          in.text("principal_org_id"),
          in.text("function_url_auth_type"),
          in.boolean("invoked_via_function_url")};
}

json::Value used_layer_record(const UsedLayer& layer) {
  json::Value out;
  out.set("arn", layer.arn);
  out.set("code_sha256", layer.code_sha256);
  out.set("code_bytes", layer.code_bytes);
  out.set("unpacked_bytes", layer.unpacked_bytes);
  out.set("directory", layer.directory);
  out.set("brings_sdk", layer.brings_sdk);
  return out;
}

UsedLayer used_layer_of(const wire::Parameters& in) {
  return {in.required("arn"),
          in.required("code_sha256"),
          in.integer("code_bytes").value_or(0),
          in.integer("unpacked_bytes").value_or(0),
          in.required("directory"),
          in.boolean("brings_sdk").value_or(true)};
}

namespace {

json::Array texts_of(const std::vector<std::string>& texts) { return {texts.begin(), texts.end()}; }

}  // namespace

json::Value layer_record(const Layer& layer) {
  json::Value out;
  out.set("newest_version", layer.newest_version);
  json::Array versions;
  for (const auto& [number, version] : layer.versions) {
    json::Value value;
    value.set("number", number);
    value.set("description", version.description);
    value.set("license", version.license);
    value.set("runtimes", texts_of(version.runtimes));
    value.set("architectures", texts_of(version.architectures));
    value.set("code_sha256", version.code_sha256);
    value.set("code_bytes", version.code_bytes);
    value.set("created_us", microseconds(version.created));
    value.set("unpacked_bytes", version.unpacked_bytes);
    value.set("directory", version.directory);
    value.set("brings_sdk", version.brings_sdk);
    value.set("retained", version.retained);
    if (version.policy) {
      json::Array statements;
      for (const auto& statement : version.policy->statements) statements.push_back(statement_record(statement));
      value.set("statements", std::move(statements));
    }
    value.set("revision_id", version.revision_id);
    versions.push_back(std::move(value));
  }
  out.set("versions", std::move(versions));
  return out;
}

Result<> read_layer(Layer& layer, const wire::Parameters& in, const std::string& arn) {
  layer.newest_version = static_cast<int>(in.integer("newest_version").value_or(0));
  for (const auto& each : in.structures("versions").value_or(std::vector<wire::Parameters>())) {
    const auto number = static_cast<int>(each.integer("number").value_or(0));
    auto& version = layer.versions[number];
    version.description = each.required("description");
    version.license = each.required("license");
    version.runtimes = each.texts("runtimes").value_or(std::vector<std::string>());
    version.architectures = each.texts("architectures").value_or(std::vector<std::string>());
    version.code_sha256 = each.required("code_sha256");
    version.code_bytes = each.integer("code_bytes").value_or(0);
    version.created = time_of(each, "created_us");
    version.unpacked_bytes = each.integer("unpacked_bytes").value_or(0);
    version.directory = each.required("directory");
    version.brings_sdk = each.boolean("brings_sdk").value_or(true);
    version.retained = each.boolean("retained").value_or(false);
    version.revision_id = each.required("revision_id");
    const auto statements = each.structures("statements");
    if (!statements) continue;
    auto& policy = version.policy.emplace();
    for (const auto& statement : *statements) policy.statements.push_back(statement_of(statement));
    if (auto compiled = compile_policy(policy, cat(arn, ":", number)); !compiled) return compiled;
  }
  return {};
}

}  // namespace sallyport::lambda
