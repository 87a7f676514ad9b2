// AWS::Lambda::Version and Alias.
#include "base/text.hpp"
#include "cloudformation/handlers.hpp"

namespace sallyport::cloudformation {
namespace {

Node text_node(const ResourceDeclaration& resource, std::string_view text) { return {resource.at, text}; }

/// Environments to keep ready; 0 for none.
int read_provisioned(Properties& properties) {
  auto config = properties.object("ProvisionedConcurrencyConfig");
  if (!config) return 0;
  const auto count = config->integer("ProvisionedConcurrentExecutions", 1, 100'000);
  if (!count && config->ok()) config->refuse("ProvisionedConcurrentExecutions", "missing");
  config->finish();
  return count.value_or(0);
}

/// False, with a problem, when the function cannot have them.
bool provide(Workshop& workshop, const ResourceDeclaration& resource, const std::string& function, const std::string& qualifier,
             int count) {
  if (count == 0) return true;
  const auto made = workshop.functions.put_provisioned_concurrency(function, qualifier, count);
  if (!made) workshop.refused(resource, made.error());
  return made.has_value();
}

std::map<std::string, double> read_weights(Properties& properties) {
  std::map<std::string, double> out;
  auto config = properties.object("RoutingConfig");
  if (!config) return out;
  for (auto& weight : config->objects("AdditionalVersionWeights")) {
    const auto version = weight.required_text("FunctionVersion");
    const auto share = weight.number("FunctionWeight", 0, 1);
    if (!share && weight.ok()) weight.refuse("FunctionWeight", "missing");
    weight.finish();
    out.emplace(version, share.value_or(0));
  }
  config->finish();
  return out;
}

std::string qualified_arn(const Workshop& workshop, const lambda::FunctionConfiguration& function, std::string_view qualifier) {
  return aws::function_arn(workshop.scope, function.function_name, qualifier);
}

/// A function by name, partial ARN or ARN, without a qualifier.
std::optional<std::string> read_function_name(const Workshop& workshop, Properties& properties) {
  const auto written = properties.required_text("FunctionName");
  if (written.empty()) return std::nullopt;
  const auto reference = lambda::parse_function_reference(workshop.scope, written);
  if (!reference) {
    properties.refuse("FunctionName", reference.error().message);
    return std::nullopt;
  }
  if (!reference->qualifier.empty() && reference->qualifier != "$LATEST") {
    properties.refuse("FunctionName", "must name the function, not a version or alias of it");
    return std::nullopt;
  }
  return reference->function_name;
}

}  // namespace

std::optional<Attributes> make_version(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  const auto function = read_function_name(workshop, properties);
  const auto description = properties.text("Description").value_or("");
  const int provisioned = read_provisioned(properties);
  properties.unsupported("CodeSha256", "code is used as it is");
  properties.finish();
  if (!properties.ok() || !function) return std::nullopt;
  const auto made = workshop.functions.publish_version({*function, description});
  if (!made) {
    workshop.refused(resource, made.error());
    return std::nullopt;
  }
  if (!provide(workshop, resource, *function, made->version, provisioned)) return std::nullopt;
  const auto arn = qualified_arn(workshop, *made, made->version);
  return Attributes{text_node(resource, arn), {{"Version", text_node(resource, made->version)}, {"FunctionArn", text_node(resource, arn)}}};
}

std::optional<Attributes> make_alias(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  const auto function = read_function_name(workshop, properties);
  const auto name = properties.required_text("Name");
  const auto version = properties.required_text("FunctionVersion");
  const auto description = properties.text("Description").value_or("");
  const auto weights = read_weights(properties);
  const int provisioned = read_provisioned(properties);
  properties.finish();
  if (!properties.ok() || !function) return std::nullopt;
  const auto made = workshop.functions.create_alias({*function, name, version, description, weights});
  if (!made) {
    workshop.refused(resource, made.error());
    return std::nullopt;
  }
  if (!provide(workshop, resource, *function, name, provisioned)) return std::nullopt;
  const auto arn = text_node(resource, aws::function_arn(workshop.scope, *function, name));
  return Attributes{arn, {{"AliasArn", arn}}};
}

}  // namespace sallyport::cloudformation
