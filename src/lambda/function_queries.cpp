// What functions and versions there are.
#include <cstdio>
#include <map>

#include "base/encoding.hpp"
#include "lambda/checks.hpp"
#include "lambda/handlers.hpp"
#include "lambda/shapes.hpp"
#include "wire/page.hpp"

namespace sallyport::lambda {
namespace {

std::string version_key(std::string_view version) {
  const auto number = parse_number<int>(version).value_or(0);  // $LATEST comes first
  char digits[16];
  std::snprintf(digits, sizeof digits, "%010d", number);
  return digits;
}

struct Version {
  Looked looked;
  const FunctionConfiguration* configuration;
};

Answer<Version> choose_version(const Call& call, Looked looked) {
  if (auto same = add_qualifier(looked.reference, call.in.text_or("Qualifier", "")); !same) return std::unexpected(same.error());
  const auto& qualifier = looked.reference.qualifier;
  const auto* configuration = resolve(*looked.function, qualifier);
  if (!configuration) return not_found(aws::function_arn(looked.state->scope, looked.name(), qualifier));
  return Version{std::move(looked), configuration};
}

/// In the error for a function that is not there stands the qualifier, too.
std::string suffix_of(const Call& call) {
  auto reference = parse_any_function_reference(call.scope, call.in.required("FunctionName"));
  if (!reference || !add_qualifier(*reference, call.in.text_or("Qualifier", "")) || reference->qualifier.empty()) return {};
  return cat(":", reference->qualifier);
}

}  // namespace

Answer<PageRequest> read_page(const Call& call, std::size_t items_max) {
  const auto wanted = call.in.integer("MaxItems").value_or(static_cast<std::int64_t>(items_max));
  PageRequest page{std::clamp<std::size_t>(wanted < 1 ? 1 : static_cast<std::size_t>(wanted), 1, items_max), std::nullopt};
  if (const auto marker = call.in.text("Marker"); marker && !marker->empty()) {
    page.after = wire::page_key(*marker);
    if (!page.after) return invalid("Invalid pagination token.");
  }
  return page;
}

Answer<Looked> Handlers::look(const Call& call, std::string_view member, std::string_view suffix) const {
  auto reference = parse_any_function_reference(call.scope, call.in.required(member));
  if (!reference) return std::unexpected(reference.error());
  auto scope = call.scope;
  scope.account_id = reference->account_id;
  auto state = parts_.ledger.read(scope);
  const auto found = state->functions.find(reference->function_name);
  if (found == state->functions.end()) return not_found(cat(aws::function_arn(scope, reference->function_name), suffix));
  const auto* function = &*found->second;
  return Looked{std::move(state), std::move(*reference), function};
}

Output Handlers::get_function(Call& call) {
  auto version = co_await choose_version(call, co_await look(call, "FunctionName", suffix_of(call)));
  co_await control::refuse_unread(call);
  const auto& [looked, configuration] = version;
  json::Value code;
  code.set("RepositoryType", "S3");
  const auto digest = from_base64(configuration->code_sha256);
  code.set("Location", configuration->packaged && digest ? parts_.links.make(call.origin, to_hex(*digest), call.now)
                                                         : cat("file://", configuration->code_directory));
  json::Value out;
  out.set("Configuration", configuration_json(*configuration, looked.state->scope, looked.reference.qualifier, Phase::settled));
  out.set("Code", std::move(code));
  if (!looked.function->tags.empty()) out.set("Tags", tags_json(looked.function->tags));
  if (const auto& reserved = looked.function->reserved_concurrency)
    out.set("Concurrency", json::Object{{"ReservedConcurrentExecutions", *reserved}});
  co_return out;
}

Output Handlers::get_function_configuration(Call& call) {
  auto version = co_await choose_version(call, co_await look(call, "FunctionName", suffix_of(call)));
  co_await control::refuse_unread(call);
  co_return configuration_json(*version.configuration, version.looked.state->scope, version.looked.reference.qualifier, Phase::settled);
}

Output Handlers::list_functions(Call& call) {
  const auto page = co_await read_page(call);
  const auto wanted = call.in.text_or("FunctionVersion", "");
  if (!wanted.empty() && wanted != "ALL") co_return validation(wanted, "functionVersion", "Member must satisfy enum value set: [ALL]");
  co_await control::refuse_unread(call);
  const auto state = parts_.ledger.read(call.scope);
  json::Array functions;
  std::optional<std::string> next;
  if (wanted.empty()) {
    next = wire::page(state->functions, page.after, page.items, [&](const std::string&, const Shared<Function>& function) {
      functions.push_back(configuration_json(function->latest, state->scope, {}, Phase::listed));
      return true;
    });
  } else {
    std::map<std::string, const FunctionConfiguration*> all;
    for (const auto& [name, function] : state->functions) {
      all.emplace(cat(name, "\n", version_key("$LATEST")), &function->latest);
      for (const auto& [number, version] : function->versions) all.emplace(cat(name, "\n", version_key(number)), &*version);
    }
    next = wire::page(all, page.after, page.items, [&](const std::string&, const FunctionConfiguration* each) {
      functions.push_back(configuration_json(*each, state->scope, each->version, Phase::listed));
      return true;
    });
  }
  json::Value out;
  out.set("Functions", std::move(functions));
  if (next) out.set("NextMarker", *next);
  co_return out;
}

Output Handlers::list_versions_by_function(Call& call) {
  const auto page = co_await read_page(call);
  const auto looked = co_await look(call);
  co_await control::refuse_unread(call);
  std::map<std::string, const FunctionConfiguration*> all{{version_key("$LATEST"), &looked.function->latest}};
  for (const auto& [number, version] : looked.function->versions) all.emplace(version_key(number), &*version);
  json::Array versions;
  const auto next = wire::page(all, page.after, page.items, [&](const std::string&, const FunctionConfiguration* each) {
    versions.push_back(configuration_json(*each, looked.state->scope, each->version, Phase::listed));
    return true;
  });
  json::Value out;
  out.set("Versions", std::move(versions));
  if (next) out.set("NextMarker", *next);
  co_return out;
}

Output Handlers::get_function_code_signing_config(Call& call) {
  const auto looked = co_await look(call);
  co_await control::refuse_unread(call);
  co_return json::Object{{"CodeSigningConfigArn", ""}, {"FunctionName", looked.name()}};
}

}  // namespace sallyport::lambda
