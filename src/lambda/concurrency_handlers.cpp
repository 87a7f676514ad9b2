// Reserved and provisioned concurrency, and what an account may have of everything.
#include "base/time_text.hpp"
#include "lambda/checks.hpp"
#include "lambda/concurrency.hpp"
#include "lambda/handlers.hpp"
#include "wire/page.hpp"

namespace sallyport::lambda {
namespace {

auto no_config() {
  return refuse("ProvisionedConcurrencyConfigNotFoundException", 404, "No Provisioned Concurrency Config found for this function");
}

/// 2026-11-22T10:00:00+0000
std::string modified_text(WallTime time) {
  const auto text = iso8601_millis(time);
  return cat(text.substr(0, text.find('.')), "+0000");
}

json::Value config_json(const ProvisionedConcurrency& config, int ready, std::string_view failure) {
  json::Value out;
  out.set("RequestedProvisionedConcurrentExecutions", config.requested);
  out.set("AvailableProvisionedConcurrentExecutions", ready);
  out.set("AllocatedProvisionedConcurrentExecutions", ready);
  out.set("Status", ready >= config.requested ? "READY" : failure.empty() ? "IN_PROGRESS" : "FAILED");
  if (ready < config.requested && !failure.empty()) out.set("StatusReason", failure);
  out.set("LastModified", modified_text(config.modified));
  return out;
}

}  // namespace

Output Handlers::put_function_concurrency(Call& call) {
  const auto function_name = call.in.required("FunctionName");
  const auto reserved = call.in.integer("ReservedConcurrentExecutions").value_or(0);
  const int count = static_cast<int>(std::clamp<std::int64_t>(reserved, 0, 1'000'000'000));
  co_return co_await parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    if (auto done = operations(draft, call).put_function_concurrency(function_name, count); !done) return std::unexpected(done.error());
    return json::Object{{"ReservedConcurrentExecutions", count}};
  });
}

Output Handlers::get_function_concurrency(Call& call) {
  const auto looked = co_await look(call, "FunctionName", ":$LATEST");
  co_await control::refuse_unread(call);
  json::Value out{json::Object{}};
  if (const auto& reserved = looked.function->reserved_concurrency) out.set("ReservedConcurrentExecutions", *reserved);
  co_return out;
}

Output Handlers::delete_function_concurrency(Call& call) {
  const auto function_name = call.in.required("FunctionName");
  co_return co_await parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    if (auto done = operations(draft, call).delete_function_concurrency(function_name); !done) return std::unexpected(done.error());
    return json::Object{};
  });
}

Output Handlers::put_provisioned_concurrency_config(Call& call) {
  const auto function_name = call.in.required("FunctionName"), qualifier = call.in.required("Qualifier");
  const int requested = fitting(call.in.integer("ProvisionedConcurrentExecutions").value_or(0));
  co_return co_await parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    const auto made = operations(draft, call).put_provisioned_concurrency(function_name, qualifier, std::min(requested, 1'000'000'000));
    if (!made) return std::unexpected(made.error());
    return config_json(*made, 0, {});
  });
}

// Environments are a version's; where several configurations stand for it they are told to be the first one's, then the next one's.
json::Value Handlers::provisioned_json(const Call&, const Function& function, const std::string& qualifier) const {
  const auto version_of = [&](const std::string& name) -> const std::string& {
    const auto alias = function.aliases.find(name);
    return alias == function.aliases.end() ? name : alias->second.function_version;
  };
  const auto& version = version_of(qualifier);
  const auto state = parts_.invoker.readiness(function.latest.function_arn, version);
  int ready = state.ready;
  for (const auto& [other, config] : function.provisioned) {
    if (other == qualifier) break;
    if (version_of(other) == version) ready -= config.requested;
  }
  const auto& config = function.provisioned.at(qualifier);
  // Whatever the environment said stands in the log; AWS tells this word.
  return config_json(config, std::clamp(ready, 0, config.requested), state.failure.empty() ? "" : "FUNCTION_ERROR_INIT_FAILURE");
}

Output Handlers::get_provisioned_concurrency_config(Call& call) {
  auto reference = co_await parse_any_function_reference(call.scope, call.in.required("FunctionName"));
  co_await add_qualifier(reference, call.in.required("Qualifier"));
  co_await control::refuse_unread(call);
  if (reference.qualifier.empty() || reference.qualifier == "$LATEST")
    co_return invalid("The function resource provided must be an alias or a published version.");
  auto scope = call.scope;
  scope.account_id = reference.account_id;
  const auto state = parts_.ledger.read(scope);
  co_await check_provisionable(*state, reference);
  const auto& function = *state->functions.find(reference.function_name)->second;
  if (!function.provisioned.contains(reference.qualifier)) co_return no_config();
  co_return provisioned_json(call, function, reference.qualifier);
}

Output Handlers::delete_provisioned_concurrency_config(Call& call) {
  const auto function_name = call.in.required("FunctionName"), qualifier = call.in.required("Qualifier");
  co_return co_await parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    if (auto gone = operations(draft, call).delete_provisioned_concurrency(function_name, qualifier); !gone)
      return std::unexpected(gone.error());
    return json::Object{};
  });
}

Output Handlers::list_provisioned_concurrency_configs(Call& call) {
  const auto page = co_await read_page(call);
  const auto looked = co_await look(call);
  co_await control::refuse_unread(call);
  json::Array configs;
  const auto next = wire::page(looked.function->provisioned, page.after, page.items, [&](const std::string& qualifier, const auto&) {
    auto config = provisioned_json(call, *looked.function, qualifier);
    config.set("FunctionArn", aws::function_arn(looked.state->scope, looked.name(), qualifier));
    configs.push_back(std::move(config));
    return true;
  });
  json::Value out;
  out.set("ProvisionedConcurrencyConfigs", std::move(configs));
  if (next) out.set("NextMarker", *next);
  co_return out;
}

Output Handlers::get_account_settings(Call& call) {
  co_await control::refuse_unread(call);
  const auto state = parts_.ledger.read(call.scope);
  const auto& limits = parts_.limits;
  json::Value limit;
  limit.set("TotalCodeSize", limits.code_bytes_max);
  limit.set("CodeSizeUnzipped", lambda::limits::unpacked_bytes_max);
  limit.set("CodeSizeZipped", lambda::limits::package_bytes_max);
  limit.set("ConcurrentExecutions", limits.concurrent_executions);
  limit.set("UnreservedConcurrentExecutions", unreserved_concurrency(*state, limits.concurrent_executions));
  json::Value usage;
  usage.set("TotalCodeSize", stored_code_bytes(*state));
  usage.set("FunctionCount", state->functions.size());
  json::Value out;
  out.set("AccountLimit", std::move(limit));
  out.set("AccountUsage", std::move(usage));
  co_return out;
}

}  // namespace sallyport::lambda
