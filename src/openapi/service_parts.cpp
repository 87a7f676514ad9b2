#include "openapi/service_parts.hpp"

#include <algorithm>
#include <expected>
#include <optional>
#include <set>

#include "base/text.hpp"
#include "gateway/api_error.hpp"
#include "gateway/role_call.hpp"
#include "io/loop.hpp"
#include "json/write.hpp"
#include "openapi/export.hpp"
#include "openapi/http_import.hpp"
#include "yaml/parse.hpp"

namespace sallyport::openapi {
namespace {

/// Everything anywhere in the document that could become credentials of an integration or an authorizer: rather too much than too little.
void collect(const yaml::Node& node, std::set<std::string>& roles, bool& sets_policy) {
  if (const auto* items = node.list())
    for (const auto& item : *items) collect(item, roles, sets_policy);
  const auto* entries = node.map();
  if (entries == nullptr) return;
  for (const auto& entry : *entries) {
    if (entry.key == "x-amazon-apigateway-policy") sets_policy = true;
    if (entry.key == "credentials" || entry.key == "authorizerCredentials")
      if (auto role = entry.value.scalar(); role && role->starts_with("arn:") && *role != gateway::callers_own_credentials)
        roles.insert(*role);
    collect(entry.value, roles, sets_policy);
  }
}

}  // namespace

Task<control::Answer<yaml::Node>> read_body(control::Call& call, std::string body) {
  std::optional<std::expected<yaml::Node, yaml::Problem>> read;
  co_await io::run_blocking(call.loop, [&] { read = yaml::parse(body, yaml::Dialect::plain); });
  if (*read) co_return std::move(**read);
  const auto& problem = read->error();
  co_return gateway::bad_request(
      cat("Invalid OpenAPI input: ", problem.message,
          problem.at.line == 0 ? std::string() : cat(" (line ", problem.at.line, ", column ", problem.at.column, ")")));
}

void add_access_of_body(std::vector<control::Access>& access, const aws::Scope& scope, std::string_view body) {
  const auto document = yaml::parse(body, yaml::Dialect::plain);
  if (!document || access.empty()) return;
  std::set<std::string> roles;
  bool sets_policy = false;
  collect(*document, roles, sets_policy);
  if (sets_policy) {
    auto policy = access.front();
    policy.action = "apigateway:UpdateRestApiPolicy";
    access.push_back(std::move(policy));
  }
  if (const auto tags = tags_of(*document); !tags.empty()) {
    control::Access tagging{"apigateway:POST", cat("arn:", scope.partition, ":apigateway:", scope.region, "::/tags/*")};
    std::vector<std::string> keys;
    for (const auto& [key, value] : tags) {
      tagging.context.push_back({cat("aws:RequestTag/", key), {value}});
      keys.push_back(key);
    }
    tagging.context.push_back({"aws:TagKeys", std::move(keys)});
    access.push_back(std::move(tagging));
  }
  for (const auto& role : roles) {
    control::Access pass{"iam:PassRole", role, {{"iam:PassedToService", {"apigateway.amazonaws.com"}}}};
    if (const auto arn = aws::parse_arn(role)) pass.resource_account_id = std::string(arn->account_id);
    access.push_back(std::move(pass));
  }
}

MakeId random_ids(Random& random) {
  return [&random](std::string_view, std::size_t length) { return make_id(random, length, "abcdefghijklmnopqrstuvwxyz0123456789"); };
}

control::Answer<Format> read_format(std::string_view text) {
  const auto type = lower(trim(text.substr(0, text.find_first_of(",;"))));
  if (type.empty() || type == "*/*" || type == "application/json" || type == "json") return Format::json;
  if (type == "application/yaml" || type == "application/x-yaml" || type == "yaml") return Format::yaml;
  return gateway::bad_request(cat("Invalid content type '", type, "'. Valid values are application/json, application/yaml"));
}

std::string write_document(const json::Value& document, Format format) {
  return format == Format::yaml ? to_yaml(document) : json::to_text(document);
}

std::string file_name_part(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (is_alpha(c) || is_digit(c) || c == '.' || c == '-' || c == '_' || c == ':') out += c;
  return out;
}

}  // namespace sallyport::openapi
