// How asynchronous events are tried, and who is told: PutFunctionEventInvokeConfig and its siblings.
#include "base/text.hpp"
#include "lambda/checks.hpp"
#include "lambda/handlers.hpp"
#include "wire/page.hpp"

namespace sallyport::lambda {
namespace {

json::Value destination_json(const std::string& destination) {
  return destination.empty() ? json::Object{} : json::Object{{"Destination", destination}};
}

json::Value config_json(const EventInvokeConfig& config, const aws::Scope& scope, const std::string& function_name,
                        const std::string& place) {
  json::Value out;
  out.set("LastModified", json::Number{cat(config.modified.time_since_epoch().count() / 1'000'000)});
  out.set("FunctionArn", aws::function_arn(scope, function_name, place.empty() ? std::string_view("$LATEST") : std::string_view(place)));
  if (config.retries) out.set("MaximumRetryAttempts", *config.retries);
  if (config.age_s) out.set("MaximumEventAgeInSeconds", *config.age_s);
  out.set("DestinationConfig",
          json::Object{{"OnSuccess", destination_json(config.on_success)}, {"OnFailure", destination_json(config.on_failure)}});
  return out;
}

Answer<FunctionReference> reference_of(const Call& call) {
  auto reference = parse_function_reference(call.scope, call.in.required("FunctionName"));
  if (!reference) return reference;
  if (auto same = add_qualifier(*reference, call.in.text_or("Qualifier", "")); !same) return std::unexpected(same.error());
  return reference;
}

}  // namespace

Output Handlers::write_event_invoke_config(Call& call, EventInvokeRequest::Merge merge) {
  const auto reference = co_await reference_of(call);
  EventInvokeRequest request{reference.function_name, reference.qualifier};
  request.merge = merge;
  if (const auto retries = call.in.integer("MaximumRetryAttempts")) request.retries = fitting(*retries);
  if (const auto age = call.in.integer("MaximumEventAgeInSeconds")) request.age_s = fitting(*age);
  if (const auto destinations = call.in.structure("DestinationConfig")) {
    const auto read = [&](std::string_view side) {
      const auto structure = destinations->structure(side);
      return structure ? structure->text_or("Destination", "") : std::string();
    };
    request.destinations = EventDestinations{read("OnSuccess"), read("OnFailure")};
  }
  co_return co_await parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    const auto made = operations(draft, call).put_event_invoke_config(request);
    if (!made) return std::unexpected(made.error());
    return config_json(*made, call.scope, reference.function_name, event_invoke_place(reference.qualifier));
  });
}

Output Handlers::put_event_invoke_config(Call& call) { return write_event_invoke_config(call, EventInvokeRequest::Merge::replace); }
Output Handlers::update_event_invoke_config(Call& call) { return write_event_invoke_config(call, EventInvokeRequest::Merge::keep); }

Output Handlers::get_event_invoke_config(Call& call) {
  const auto reference = co_await reference_of(call);
  const auto state = parts_.ledger.read(call.scope);
  const auto place = event_invoke_place(reference.qualifier);
  const auto found = state->functions.find(reference.function_name);
  if (found == state->functions.end() || !found->second->event_invoke_configs.contains(place))
    co_return std::unexpected(no_event_invoke_config(call.scope, reference));
  co_return config_json(found->second->event_invoke_configs.at(place), call.scope, reference.function_name, place);
}

Output Handlers::delete_event_invoke_config(Call& call) {
  const auto reference = co_await reference_of(call);
  co_return co_await parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    const auto found = draft.functions.find(reference.function_name);
    const auto place = event_invoke_place(reference.qualifier);
    if (found == draft.functions.end() || !found->second->event_invoke_configs.contains(place))
      return std::unexpected(no_event_invoke_config(call.scope, reference));
    found->second.edit().event_invoke_configs.erase(place);
    return json::Object{};
  });
}

Output Handlers::list_event_invoke_configs(Call& call) {
  const auto page = co_await read_page(call);
  const auto reference = co_await parse_function_reference(call.scope, call.in.required("FunctionName"));
  const auto state = parts_.ledger.read(call.scope);
  const auto found = state->functions.find(reference.function_name);
  if (found == state->functions.end()) co_return refuse("ResourceNotFoundException", 404, "The function doesn't exist.");
  json::Array configs;
  const auto next = wire::page(found->second->event_invoke_configs, page.after, page.items,
                               [&](const std::string& place, const EventInvokeConfig& config) {
                                 configs.push_back(config_json(config, call.scope, reference.function_name, place));
                                 return true;
                               });
  json::Value out;
  out.set("FunctionEventInvokeConfigs", std::move(configs));
  if (next) out.set("NextMarker", *next);
  co_return out;
}

}  // namespace sallyport::lambda
