// What functions are configured to do about asynchronous events.
#include "base/text.hpp"
#include "lambda/checks.hpp"
#include "lambda/operations.hpp"

namespace sallyport::lambda {
namespace {

constexpr int retries_max = 2, age_s_min = 60, age_s_max = 21'600;
/// Those that AWS delivers to and nobody here could.
constexpr std::string_view other_destinations[] = {"sqs", "sns", "events", "s3"};

enum class Verdict : std::uint8_t { good, wrong_service };

/// `side`: OnSuccess or OnFailure.
Answer<Verdict> check_destination(const State& state, std::string_view function_name, std::string_view side, std::string_view destination) {
  if (destination.empty()) return Verdict::good;
  const auto arn = aws::parse_arn(destination);
  const auto service = arn ? arn->service : destination.substr(0, destination.find(':'));
  if (std::ranges::find(other_destinations, service) != std::end(other_destinations) || service == "kafka")
    return unsupported(cat("DestinationConfig.", side,
                           ".Destination is not supported by Sallyport: only functions can be destinations; there are no queues, ",
                           "topics, event buses, buckets and streams"));
  if (service != "lambda") return Verdict::wrong_service;
  if (arn->account_id != state.scope.account_id && arn->region == state.scope.region)
    return unsupported(
        cat("DestinationConfig.", side, ".Destination is not supported by Sallyport: functions of other accounts cannot be destinations"));
  const auto reference = parse_function_reference(state.scope, destination);
  const auto found = reference ? state.functions.find(reference->function_name) : state.functions.end();
  if (found == state.functions.end() || !resolve(*found->second, reference->qualifier))
    return invalid(cat("The destination ARN ", destination, " is invalid."));
  if (reference->function_name == function_name) return invalid("You can't specify the function as a destination for itself.");
  return Verdict::good;
}

Answer<> check_destinations(const State& state, std::string_view function_name, const EventDestinations& destinations) {
  const auto failure = check_destination(state, function_name, "OnFailure", destinations.on_failure);
  if (!failure) return std::unexpected(failure.error());
  const auto success = check_destination(state, function_name, "OnSuccess", destinations.on_success);
  if (!success) return std::unexpected(success.error());
  if (*failure == Verdict::good && *success == Verdict::good) return {};
  const auto shown = [](std::string_view side, const std::string& destination) {
    return destination.empty() ? std::string("null") : cat(side, "(destination=", destination, ")");
  };
  return invalid(cat("The provided destination config DestinationConfig(onSuccess=", shown("OnSuccess", destinations.on_success),
                     ", onFailure=", shown("OnFailure", destinations.on_failure), ") is invalid."));
}

Answer<> check_range(const std::optional<int>& value, std::string_view member, int least, int most) {
  if (value && *value < least) return validation(cat(*value), member, cat("Member must have value greater than or equal to ", least));
  if (value && *value > most) return validation(cat(*value), member, cat("Member must have value less than or equal to ", most));
  return {};
}

}  // namespace

aws::ApiError no_event_invoke_config(const aws::Scope& scope, const FunctionReference& reference) {
  const auto qualifier = reference.qualifier.empty() ? std::string_view("$LATEST") : std::string_view(reference.qualifier);
  return {"ResourceNotFoundException", 404,
          cat("The function ", aws::function_arn(scope, reference.function_name, qualifier), " doesn't have an EventInvokeConfig")};
}

std::string event_invoke_place(std::string_view qualifier) { return qualifier == "$LATEST" ? std::string() : std::string(qualifier); }

Answer<EventInvokeConfig> Operations::put_event_invoke_config(const EventInvokeRequest& request) {
  auto reference = parse_function_reference(state_.scope, request.function_name);
  if (!reference) return std::unexpected(reference.error());
  if (auto same = add_qualifier(*reference, request.qualifier); !same) return std::unexpected(same.error());
  if (!request.retries && !request.age_s && !request.destinations)
    return invalid("You must specify at least one of error handling or destination setting.");
  if (auto good = check_range(request.retries, "maximumRetryAttempts", 0, retries_max); !good) return std::unexpected(good.error());
  if (auto good = check_range(request.age_s, "maximumEventAgeInSeconds", age_s_min, age_s_max); !good) return std::unexpected(good.error());
  const auto found = state_.functions.find(reference->function_name);
  if (found == state_.functions.end() || !resolve(*found->second, reference->qualifier))
    return refuse("ResourceNotFoundException", 404, "The function doesn't exist.");
  const auto place = event_invoke_place(reference->qualifier);
  if (request.merge == EventInvokeRequest::Merge::keep && !found->second->event_invoke_configs.contains(place))
    return std::unexpected(no_event_invoke_config(state_.scope, *reference));
  if (request.destinations)
    if (auto good = check_destinations(state_, reference->function_name, *request.destinations); !good)
      return std::unexpected(good.error());
  auto& config = found->second.edit().event_invoke_configs[place];
  if (request.merge == EventInvokeRequest::Merge::replace) config = {};
  if (request.retries) config.retries = request.retries;
  if (request.age_s) config.age_s = request.age_s;
  if (request.destinations) {
    config.on_success = request.destinations->on_success;
    config.on_failure = request.destinations->on_failure;
  }
  config.modified = now_;
  return config;
}

}  // namespace sallyport::lambda
