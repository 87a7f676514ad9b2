// AWS::Lambda::EventInvokeConfig.
#include "base/text.hpp"
#include "cloudformation/handlers.hpp"

namespace sallyport::cloudformation {
namespace {

constexpr int retries_max = 2, age_s_min = 60, age_s_max = 21'600;

/// Empty where there is none, or none that is here.
std::string read_destination(Properties& config, std::string_view side_name) {
  auto side = config.object(side_name);
  if (!side) return {};
  auto destination = side->text("Destination").value_or("");
  const auto arn = aws::parse_arn(destination);
  if (arn && arn->service != "lambda") {
    side->unsupported("Destination", "only functions can be destinations here");
    destination.clear();
  }
  side->finish();
  return destination;
}

}  // namespace

std::optional<Attributes> make_event_invoke_config(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  lambda::EventInvokeRequest request;
  request.function_name = properties.required_text("FunctionName");
  request.qualifier = properties.required_text("Qualifier");
  request.retries = properties.integer("MaximumRetryAttempts", 0, retries_max);
  request.age_s = properties.integer("MaximumEventAgeInSeconds", age_s_min, age_s_max);
  if (auto config = properties.object("DestinationConfig")) {
    request.destinations.emplace();
    request.destinations->on_success = read_destination(*config, "OnSuccess");
    request.destinations->on_failure = read_destination(*config, "OnFailure");
    config->finish();
  }
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  const auto made = workshop.functions.put_event_invoke_config(request);
  if (!made) {
    workshop.refused(resource, properties.whole(), made.error());
    return std::nullopt;
  }
  return named(resource, workshop.physical_name(resource.logical_id));
}

}  // namespace sallyport::cloudformation
