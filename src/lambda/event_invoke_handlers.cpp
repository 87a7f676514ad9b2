// How asynchronous events are tried: PutFunctionEventInvokeConfig and its siblings.
#include <charconv>

#include "base/text.hpp"
#include "lambda/checks.hpp"
#include "lambda/handlers.hpp"
#include "wire/page.hpp"

namespace sallyport::lambda {
namespace {

constexpr std::int64_t retries_max = 2, age_s_min = 60, age_s_max = 21'600;

/// The key of a configuration: `$LATEST` is the function itself.
std::string place_of(const FunctionReference& reference) { return reference.qualifier == "$LATEST" ? std::string() : reference.qualifier; }

auto no_config(const aws::Scope& scope, const FunctionReference& reference) {
  return refuse(
      "ResourceNotFoundException", 404,
      cat("The function ", aws::function_arn(scope, reference.function_name, reference.qualifier.empty() ? "$LATEST" : reference.qualifier),
          " doesn't have an EventInvokeConfig"));
}

json::Value config_json(const EventInvokeConfig& config, const std::string& function_arn) {
  json::Value out;
  out.set("LastModified", json::Number{cat(config.modified.time_since_epoch().count() / 1'000'000)});
  out.set("FunctionArn", function_arn);
  if (config.retries) out.set("MaximumRetryAttempts", *config.retries);
  if (config.age_s) out.set("MaximumEventAgeInSeconds", *config.age_s);
  out.set("DestinationConfig", json::Object{{"OnSuccess", json::Object{}}, {"OnFailure", json::Object{}}});
  return out;
}

std::string arn_of(const aws::Scope& scope, const std::string& function_name, const std::string& place) {
  return aws::function_arn(scope, function_name, place.empty() ? std::string_view("$LATEST") : std::string_view(place));
}

}  // namespace

Output Handlers::write_event_invoke_config(Call& call, Merge merge) {
  auto reference = co_await parse_function_reference(call.scope, call.in.required("FunctionName"));
  co_await add_qualifier(reference, call.in.text_or("Qualifier", ""));
  const auto retries = call.in.integer("MaximumRetryAttempts"), age = call.in.integer("MaximumEventAgeInSeconds");
  // Destinations that are empty ask for nothing; others are not read, and so refused by name.
  if (const auto destinations = call.in.structure("DestinationConfig"))
    for (auto side : {"OnSuccess", "OnFailure"}) destinations->structure(side);
  if (merge == Merge::replace && !retries && !age)
    co_return invalid("You must specify at least one of error handling or destination setting.");
  if (retries && (*retries < 0 || *retries > retries_max))
    co_return validation(cat(*retries), "maximumRetryAttempts", "Member must have value less than or equal to 2");
  if (age && (*age < age_s_min || *age > age_s_max))
    co_return validation(cat(*age), "maximumEventAgeInSeconds", "Member must have value between 60 and 21600");
  co_return co_await parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    const auto found = draft.functions.find(reference.function_name);
    if (found == draft.functions.end() || !resolve(*found->second, reference.qualifier))
      return not_found(aws::function_arn(call.scope, reference.function_name, reference.qualifier));
    auto& configs = found->second.edit().event_invoke_configs;
    const auto place = place_of(reference);
    if (merge == Merge::keep && !configs.contains(place)) return no_config(call.scope, reference);
    auto& config = configs[place];
    if (merge == Merge::replace) config = {};
    if (retries) config.retries = static_cast<int>(*retries);
    if (age) config.age_s = static_cast<int>(*age);
    config.modified = call.now;
    return config_json(config, arn_of(call.scope, reference.function_name, place));
  });
}

Output Handlers::put_event_invoke_config(Call& call) { return write_event_invoke_config(call, Merge::replace); }
Output Handlers::update_event_invoke_config(Call& call) { return write_event_invoke_config(call, Merge::keep); }

Output Handlers::get_event_invoke_config(Call& call) {
  auto looked = co_await look(call);
  co_await add_qualifier(looked.reference, call.in.text_or("Qualifier", ""));
  const auto place = place_of(looked.reference);
  const auto config = looked.function->event_invoke_configs.find(place);
  if (config == looked.function->event_invoke_configs.end()) co_return no_config(looked.state->scope, looked.reference);
  co_return config_json(config->second, arn_of(looked.state->scope, looked.name(), place));
}

Output Handlers::delete_event_invoke_config(Call& call) {
  auto reference = co_await parse_function_reference(call.scope, call.in.required("FunctionName"));
  co_await add_qualifier(reference, call.in.text_or("Qualifier", ""));
  co_return co_await parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    const auto found = draft.functions.find(reference.function_name);
    if (found == draft.functions.end()) return not_found(aws::function_arn(call.scope, reference.function_name));
    if (found->second.edit().event_invoke_configs.erase(place_of(reference)) == 0) return no_config(call.scope, reference);
    return json::Object{};
  });
}

Output Handlers::list_event_invoke_configs(Call& call) {
  const auto page = co_await read_page(call);
  const auto looked = co_await look(call);
  json::Array configs;
  const auto next = wire::page(looked.function->event_invoke_configs, page.after, page.items,
                               [&](const std::string& place, const EventInvokeConfig& config) {
                                 configs.push_back(config_json(config, arn_of(looked.state->scope, looked.name(), place)));
                                 return true;
                               });
  json::Value out;
  out.set("FunctionEventInvokeConfigs", std::move(configs));
  if (next) out.set("NextMarker", *next);
  co_return out;
}

}  // namespace sallyport::lambda
