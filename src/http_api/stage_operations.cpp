// Stages: which deployment is served under which name, and how.
#include <algorithm>

#include "base/text.hpp"
#include "gateway/api_error.hpp"
#include "gateway/checks.hpp"
#include "http_api/lookup.hpp"
#include "http_api/operations.hpp"

namespace sallyport::http_api {
namespace {

using gateway::bad_request;
using gateway::conflict;
using gateway::not_found;

constexpr std::size_t stage_name_bytes_max = 128, tags_max = 50;
constexpr double limit_max = 1e9;

Answer<> check_name(std::string_view name) {
  if (name == "$default") return {};
  const bool good = !name.empty() && name.size() <= stage_name_bytes_max &&
                    std::all_of(name.begin(), name.end(), [](char c) { return is_alpha(c) || is_digit(c) || c == '_' || c == '-'; });
  if (!good) return bad_request("Stage name only allows alphanumeric characters, hyphens and underscores, or $default");
  return {};
}

Answer<> check_settings(const RouteSettings& settings) {
  const bool good_rate =
      !settings.throttling_rate_limit || (*settings.throttling_rate_limit >= 0 && *settings.throttling_rate_limit <= limit_max);
  const bool good_burst = !settings.throttling_burst_limit || *settings.throttling_burst_limit >= 0;
  if (!good_rate || !good_burst) return bad_request("Invalid throttle limit specified");
  return {};
}

/// Settings of a route that is not there would be kept and would limit nothing.
Answer<> check_route_settings(const Api& api, const std::map<std::string, RouteSettings, std::less<>>& settings) {
  for (const auto& [key, each] : settings) {
    const auto& routes = api.draft->routes;
    if (std::none_of(routes.begin(), routes.end(), [&](const auto& route) { return route.second.key == key; }))
      return not_found(cat("Unable to find Route by key ", key, " within the provided RouteSettings"));
    if (auto good = check_settings(each); !good) return good;
  }
  return {};
}

Answer<> change_variables(Stage& stage, TextMap given) {
  for (auto& [name, value] : given) {
    if (value.empty())
      stage.variables.erase(name);
    else
      stage.variables.insert_or_assign(name, std::move(value));
  }
  return gateway::check_variables(stage.variables);
}

Answer<> change_access_log(Stage& stage, StageInput& input) {
  if (input.access_log_destination) {
    if (!aws::parse_arn(*input.access_log_destination)) return bad_request("Invalid ARN specified in the request");
    stage.access_log_destination = std::move(*input.access_log_destination);
  }
  if (input.access_log_format) stage.access_log_format = std::move(*input.access_log_format);
  if (stage.access_log_destination.empty() != stage.access_log_format.empty())
    return bad_request("Access log settings need both a destination and a format");
  return {};
}

}  // namespace

Answer<> Operations::change_stage(const Api& api, Stage& stage, StageInput input) const {
  if (input.auto_deploy) stage.auto_deploy = *input.auto_deploy;
  if (input.deployment_id && !input.deployment_id->empty() && *input.deployment_id != stage.deployment_id) {
    if (stage.auto_deploy) return bad_request("A deployment cannot be specified for a stage that deploys changes automatically");
    if (!api.deployments.contains(*input.deployment_id)) return bad_request("Deployment id does not exist");
    stage.deployment_id = std::move(*input.deployment_id);
  }
  if (input.description) stage.description = std::move(*input.description);
  if (input.variables)
    if (auto good = change_variables(stage, std::move(*input.variables)); !good) return good;
  if (input.default_route_settings) {
    if (auto good = check_settings(*input.default_route_settings); !good) return good;
    stage.default_route_settings = *input.default_route_settings;
  }
  if (input.route_settings) {
    if (auto good = check_route_settings(api, *input.route_settings); !good) return good;
    for (auto& [key, settings] : *input.route_settings) stage.route_settings.insert_or_assign(key, settings);
  }
  if (auto good = change_access_log(stage, input); !good) return good;
  stage.updated = now_;
  return {};
}

Answer<const Stage*> Operations::create_stage(const std::string& api_id, const std::string& name, StageInput input, TextMap tags) {
  const auto api = find_api(api_id);
  if (!api) return std::unexpected(api.error());
  if (auto good = check_name(name); !good) return std::unexpected(good.error());
  if ((*api)->stages.contains(name)) return conflict("Stage already exists");
  if (tags.size() > tags_max) return bad_request(cat("A resource can have at most ", tags_max, " tags"));
  Stage stage;
  stage.name = name;
  stage.tags = std::move(tags);
  stage.created = now_;
  if (auto good = change_stage(**api, stage, std::move(input)); !good) return std::unexpected(good.error());
  return &((*api)->stages[name] = std::move(stage));
}

Answer<> Operations::update_stage(const std::string& api_id, const std::string& name, StageInput input) {
  const auto stage = find_stage(api_id, name);
  if (!stage) return std::unexpected(stage.error());
  return change_stage(*state_.apis.at(api_id), **stage, std::move(input));
}

Answer<> Operations::delete_stage(const std::string& api_id, const std::string& name) {
  const auto api = find_api(api_id);
  if (!api) return std::unexpected(api.error());
  if ((*api)->stages.erase(name) == 0) return no_such_stage();
  return {};
}

Answer<> Operations::delete_route_settings(const std::string& api_id, const std::string& stage_name, const std::string& route_key) {
  const auto stage = find_stage(api_id, stage_name);
  if (!stage) return std::unexpected(stage.error());
  if ((*stage)->route_settings.erase(route_key) == 0)
    return not_found(cat("Unable to find Route by key ", route_key, " within the provided RouteSettings"));
  (*stage)->updated = now_;
  return {};
}

Answer<> Operations::delete_access_log_settings(const std::string& api_id, const std::string& stage_name) {
  const auto stage = find_stage(api_id, stage_name);
  if (!stage) return std::unexpected(stage.error());
  (*stage)->access_log_destination.clear();
  (*stage)->access_log_format.clear();
  (*stage)->updated = now_;
  return {};
}

Answer<> Operations::reset_authorizers_cache(const std::string& api_id, const std::string& stage_name) {
  const auto stage = find_stage(api_id, stage_name);
  if (!stage) return std::unexpected(stage.error());
  ++(*stage)->flushes;
  return {};
}

}  // namespace sallyport::http_api
