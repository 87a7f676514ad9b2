#include "gateway/resource_policy.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace sallyport::gateway {
namespace {

void write_out_resource(json::Value& resource, std::string_view prefix) {
  constexpr std::string_view brief = "execute-api:/";
  if (auto* text = resource.string(); text && text->starts_with(brief)) *text = cat(prefix, std::string_view(*text).substr(brief.size()));
  if (auto* list = resource.array())
    for (auto& each : *list)
      if (auto* text = each.string(); text && text->starts_with(brief)) *text = cat(prefix, std::string_view(*text).substr(brief.size()));
}

}  // namespace

json::Value write_out_resources(json::Value policy, const aws::Scope& scope, std::string_view api_id) {
  const auto prefix = cat("arn:", scope.partition, ":execute-api:", scope.region, ":", scope.account_id, ":", api_id, "/");
  const auto of_statement = [&](json::Value& statement) {
    auto* members = statement.object();
    if (!members) return;
    for (auto& [name, value] : *members)
      if (name == "Resource" || name == "NotResource") write_out_resource(value, prefix);
  };
  auto* members = policy.object();
  if (!members) return policy;
  for (auto& [name, value] : *members) {
    if (name != "Statement") continue;
    if (auto* list = value.array())
      std::for_each(list->begin(), list->end(), of_statement);
    else
      of_statement(value);
  }
  return policy;
}

}  // namespace sallyport::gateway
