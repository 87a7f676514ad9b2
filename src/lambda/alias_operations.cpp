// Aliases, function URLs and tags.
#include "lambda/checks.hpp"
#include "lambda/operations.hpp"
#include "lambda/shapes.hpp"

namespace sallyport::lambda {
namespace {

constexpr std::size_t tags_max = 50;

auto no_such_alias(const State& state, const std::string& function_name, std::string_view alias) {
  return refuse("ResourceNotFoundException", 404, cat("Cannot find alias arn: ", aws::function_arn(state.scope, function_name, alias)));
}

Answer<void> check_version(const Function& function, const std::string& version) {
  if (version != "$LATEST" && !function.versions.contains(version)) return not_found(cat(function.latest.function_arn, ":", version));
  return {};
}

/// What an alias may stand for.
Answer<void> check_targets(const Function& function, const std::string& version, const std::map<std::string, double>& weights) {
  if (auto good = check_version(function, version); !good) return good;
  if (weights.size() > 1) return invalid("Number of items in AdditionalVersionWeights cannot be greater than 1");
  for (const auto& [other, weight] : weights) {
    const auto refuse_pair = [&](std::string_view constraint) {
      return validation(cat("{", other, "=", number_json(weight).text, "}"), "routingConfig.additionalVersionWeights", constraint);
    };
    if (!(weight >= 0 && weight <= 1))
      return refuse_pair(
          "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater "
          "than or equal to 0.0, Member must not be null]");
    if (other == version)
      return invalid(
          cat("Invalid function version ", version, ". Function version ", version, " is already included in routing configuration."));
    if (version == "$LATEST") return invalid_untyped("$LATEST is not supported for an alias pointing to more than 1 version");
    if (!is_number(other))
      return refuse_pair(
          "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater "
          "than or equal to 1, Member must satisfy regular expression pattern: [0-9]+, Member must not be null]");
    if (auto good = check_version(function, other); !good) return good;
  }
  return {};
}

}  // namespace

Answer<Alias> Operations::create_alias(CreateAliasRequest request) {
  auto found = find_whole(request.function_name);
  if (!found) return std::unexpected(found.error());
  auto& function = found->function;
  if (!is_name(request.name) || is_number(request.name) || request.name.size() > 128)
    return validation(request.name, "name", "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)");
  if (auto good = check_targets(function, request.function_version, request.weights); !good) return std::unexpected(good.error());
  if (function.aliases.contains(request.name))
    return refuse("ResourceConflictException", 409, cat("Alias already exists: ", function.latest.function_arn, ":", request.name));
  const auto revision = next_revision(cat(function.latest.function_arn, ":", request.name));
  return function.aliases[request.name] =
             Alias{request.name, std::move(request.function_version), std::move(request.description), revision, std::move(request.weights)};
}

Answer<Alias> Operations::update_alias(UpdateAliasRequest request) {
  auto found = find_whole(request.function_name);
  if (!found) return std::unexpected(found.error());
  const auto alias = found->function.aliases.find(request.name);
  if (alias == found->function.aliases.end()) return no_such_alias(state_, found->reference.function_name, request.name);
  if (!request.revision_id.empty() && request.revision_id != alias->second.revision_id)
    return refuse("PreconditionFailedException", 412, std::string(stale_revision));
  auto changed = alias->second;
  if (request.function_version) changed.function_version = std::move(*request.function_version);
  if (request.weights) changed.weights = std::move(*request.weights);
  if (auto good = check_targets(found->function, changed.function_version, changed.weights); !good) return std::unexpected(good.error());
  if (found->function.provisioned.contains(request.name)) {
    if (changed.function_version == "$LATEST") return invalid(std::string(latest_cannot_be_provisioned));
    if (found->function.provisioned.contains(changed.function_version))
      return refuse("ResourceConflictException", 409, std::string(version_is_provisioned));
  }
  if (request.description) changed.description = std::move(*request.description);
  alias->second = std::move(changed);
  revise(found->function, request.name);
  return alias->second;
}

Answer<void> Operations::delete_alias(std::string_view function_name, std::string_view name) {
  auto found = find_whole(function_name);
  if (!found) return std::unexpected(found.error());
  // Its URL stays and leads nowhere, as on AWS; its grants go, so that they do not come back with another alias of the name.
  found->function.aliases.erase(std::string(name));
  found->function.policies.erase(std::string(name));
  found->function.event_invoke_configs.erase(std::string(name));
  found->function.provisioned.erase(std::string(name));
  return {};
}

Answer<Operations::Found> Operations::find_url(std::string_view function_name, std::string_view qualifier, bool must_exist) {
  auto reference = parse_function_reference(state_.scope, function_name);
  if (!reference) return std::unexpected(reference.error());
  if (!qualifier.empty() && (!is_name(qualifier) || is_number(qualifier)))
    return validation(qualifier, "qualifier", "Member must satisfy regular expression pattern: ((?!^\\d+$)^[0-9a-zA-Z-_]+$)");
  if (auto same = add_qualifier(*reference, qualifier); !same) return std::unexpected(same.error());
  const auto found = state_.functions.find(reference->function_name);
  if (found == state_.functions.end()) {
    if (must_exist) return no_such_resource();
    return refuse("ResourceNotFoundException", 404, "Function does not exist");
  }
  if (must_exist && !found->second->urls.contains(reference->qualifier)) return no_such_resource();
  return Found{std::move(*reference), found->second.edit()};
}

Answer<UrlConfig> Operations::create_function_url(CreateFunctionUrlRequest request) {
  auto found = find_url(request.function_name, request.qualifier, false);
  if (!found) return std::unexpected(found.error());
  auto& function = found->function;
  const auto& alias = found->reference.qualifier;
  if (!alias.empty() && !function.aliases.contains(alias)) return refuse("ResourceNotFoundException", 404, "Function does not exist");
  if (function.urls.contains(alias))
    return refuse("ResourceConflictException", 409,
                  cat("Failed to create function url config for [functionArn = ",
                      aws::function_arn(state_.scope, found->reference.function_name, alias),
                      "]. Error message:  FunctionUrlConfig exists for this Lambda function"));
  if (!request.cors_given.object() || request.cors_given.object()->empty()) request.cors.reset();
  UrlConfig url{std::move(request.url_id), alias, request.auth_type, std::move(request.cors), std::move(request.cors_given), now_, now_,
                request.invoke_mode};
  if (!url.cors) url.cors_given = nullptr;
  return function.urls[alias] = std::move(url);
}

Answer<UrlConfig> Operations::update_function_url(UpdateFunctionUrlRequest request) {
  auto found = find_url(request.function_name, request.qualifier, false);
  if (!found) return std::unexpected(found.error());
  const auto& alias = found->reference.qualifier;
  if (!alias.empty() && !found->function.aliases.contains(alias))
    return refuse("ResourceNotFoundException", 404, "Function does not exist");
  const auto url = found->function.urls.find(alias);
  if (url == found->function.urls.end()) return no_such_resource();
  if (request.auth_type) url->second.auth_type = *request.auth_type;
  if (request.invoke_mode) url->second.invoke_mode = *request.invoke_mode;
  if (request.cors) {
    // Nothing in it takes the setting away.
    const bool empty = !request.cors_given.object() || request.cors_given.object()->empty();
    url->second.cors = empty ? std::nullopt : std::move(request.cors);
    url->second.cors_given = empty ? json::Value() : std::move(request.cors_given);
  }
  url->second.modified = now_;
  return url->second;
}

Answer<void> Operations::delete_function_url(std::string_view function_name, std::string_view qualifier) {
  auto found = find_url(function_name, qualifier, true);
  if (!found) return std::unexpected(found.error());
  found->function.urls.erase(found->reference.qualifier);
  return {};
}

UrlCors read_cors(const wire::Parameters& in) {
  UrlCors cors;
  const auto list = [&](std::string_view name) { return in.texts(name).value_or(std::vector<std::string>()); };
  cors.allow_credentials = in.boolean("AllowCredentials").value_or(false);
  cors.allow_headers = list("AllowHeaders");
  cors.allow_methods = list("AllowMethods");
  cors.allow_origins = list("AllowOrigins");
  cors.expose_headers = list("ExposeHeaders");
  if (const auto seconds = in.integer("MaxAge")) cors.max_age_s = static_cast<int>(*seconds);
  return cors;
}

Answer<void> check_tags(const TextMap& tags) {
  if (tags.size() > tags_max) return invalid("Number of tags exceeds resource tag limit.");
  for (const auto& [key, value] : tags) {
    if (key.empty() || key.size() > 128 * 4 || value.size() > 256 * 4)
      return invalid("Tag keys have 1 to 128 characters, their values at most 256.");
    if (starts_with_ignoring_case(key, "aws:")) return invalid(cat("Your request contains a tag key with a prefix of 'aws:': ", key));
  }
  return {};
}

Answer<void> Operations::tag_resource(std::string_view function_arn, const TextMap& tags) {
  auto found = find(function_arn);
  if (!found) return std::unexpected(found.error());
  if (!found->reference.qualifier.empty())
    return invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.");
  if (tags.empty()) return invalid("An error occurred and the request cannot be processed.");
  auto merged = found->function.tags;
  for (const auto& [key, value] : tags) merged.insert_or_assign(key, value);
  if (auto good = check_tags(merged); !good) return good;
  found->function.tags = std::move(merged);
  return {};
}

Answer<void> Operations::untag_resource(std::string_view function_arn, const std::vector<std::string>& keys) {
  auto found = find(function_arn);
  if (!found) return std::unexpected(found.error());
  if (!found->reference.qualifier.empty())
    return invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.");
  for (const auto& key : keys) found->function.tags.erase(key);
  return {};
}

}  // namespace sallyport::lambda
