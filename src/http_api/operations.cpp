// APIs, deployments, tags. Routes and what they lead to are in route_operations.cpp, stages in stage_operations.cpp.
#include "http_api/operations.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "gateway/api_error.hpp"
#include "gateway/operations.hpp"
#include "http/message.hpp"
#include "http_api/lookup.hpp"

namespace sallyport::http_api {
namespace {

using gateway::bad_request;
using gateway::conflict;
using gateway::unsupported;

constexpr std::size_t api_id_size = 10, deployment_id_size = 6, tags_max = 50;
constexpr std::size_t unused_deployments_kept = 10;  // of automatic ones; each holds the whole API
constexpr std::string_view auto_description = "Automatic deployment triggered by changes to the Api configuration";
constexpr std::string_view no_routes = "Unable to deploy API because no routes exist in this API";

Answer<> check_selection_expression(std::string_view text) {
  if (text == "$request.method $request.path" || text == "${request.method} ${request.path}") return {};
  return bad_request("Invalid route selection expression specified: an API with a protocol type of HTTP has $request.method $request.path");
}

using Texts = std::optional<std::vector<std::string>>;

/// They end up in headers.
Answer<> check_cors_list(const Texts& list, std::string_view member, bool (*good)(std::string_view)) {
  for (const auto& text : list.value_or(std::vector<std::string>()))
    if (text.empty() || !good(text)) return bad_request(cat("Invalid value for ", member, " specified: ", text));
  return {};
}

bool is_origin(std::string_view text) {
  return http::is_field_value(text) && text.find_first_of(" \t,") == std::string_view::npos &&
         (text == "*" || text == "null" || text.find("://") != std::string_view::npos);
}

Answer<> check_cors(const Cors& cors) {
  constexpr int max_age_s_max = 86'400;
  const auto names = [](const Texts& list, std::string_view text) {
    return list && std::find(list->begin(), list->end(), text) != list->end();
  };
  if (cors.allow_credentials.value_or(false) && names(cors.allow_origins, "*"))
    return bad_request("allow-credentials is not supported if 'allow-origin' is *");
  if (auto good = check_cors_list(cors.allow_origins, "allowOrigins", is_origin); !good) return good;
  if (auto good = check_cors_list(cors.allow_methods, "allowMethods", http::is_token); !good) return good;
  if (auto good = check_cors_list(cors.allow_headers, "allowHeaders", http::is_token); !good) return good;
  if (auto good = check_cors_list(cors.expose_headers, "exposeHeaders", http::is_token); !good) return good;
  if (cors.max_age_s && (*cors.max_age_s < -1 || *cors.max_age_s > max_age_s_max))
    return bad_request("Invalid maxAge specified, must be between -1 and 86400");
  return {};
}

/// Everything but quick create.
Answer<> change_api(Api& api, ApiInput& input) {
  if (input.name) {
    if (input.name->empty()) return bad_request("Name cannot be empty");
    api.name = std::move(*input.name);
  }
  if (input.description) api.description = std::move(*input.description);
  if (input.version) api.version = std::move(*input.version);
  if (input.route_selection_expression) {
    if (auto good = check_selection_expression(*input.route_selection_expression); !good) return good;
    api.route_selection_expression = std::move(*input.route_selection_expression);
  }
  if (input.api_key_selection_expression) api.api_key_selection_expression = std::move(*input.api_key_selection_expression);
  if (input.ip_address_type && *input.ip_address_type != "ipv4")
    return unsupported(cat("ipAddressType ", *input.ip_address_type, " is not supported: the listener's address decides"));
  if (input.cors) {
    if (auto good = check_cors(*input.cors); !good) return good;
    api.draft.edit().cors = std::move(*input.cors);
  }
  if (input.disable_execute_api_endpoint) api.draft.edit().disable_execute_api_endpoint = *input.disable_execute_api_endpoint;
  return {};
}

/// What quick create makes of its target.
IntegrationInput quick_integration(const ApiInput& input) {
  IntegrationInput integration;
  if (input.target) {
    const bool calls_function = function_arn_of(*input.target).has_value();
    integration.type = calls_function ? "AWS_PROXY" : "HTTP_PROXY";
    integration.uri = *input.target;
    integration.method = calls_function ? "POST" : "ANY";
    integration.payload_format_version = calls_function ? "2.0" : "1.0";
  }
  integration.credentials = input.credentials;
  return integration;
}

template <class T>
T* managed_of(std::map<std::string, T, std::less<>>& map) {
  const auto found = std::find_if(map.begin(), map.end(), [](const auto& each) { return each.second.managed; });
  return found == map.end() ? nullptr : &found->second;
}

struct TagPlace {
  std::string api_id;
  std::string stage;  // empty: the API
};

Answer<TagPlace> find_tagged(const State& state, std::string_view text) {
  const auto arn = aws::parse_arn(text);
  if (!arn || arn->service != "apigateway" || arn->region != state.scope.region || !arn->account_id.empty() ||
      !arn->resource.starts_with('/'))
    return bad_request("Invalid ARN specified in the request");
  const auto parts = split(arn->resource.substr(1), '/');
  const bool names_stage = parts.size() == 4 && parts[2] == "stages";
  if (parts[0] != "apis" || (parts.size() != 2 && !names_stage)) return bad_request("Invalid ARN specified in the request");
  TagPlace place{std::string(parts[1]), names_stage ? std::string(parts[3]) : std::string()};
  const auto api = look_up_api(state, place.api_id);
  if (!api) return std::unexpected(api.error());
  if (names_stage && !(*api)->stages.contains(place.stage)) return no_such_stage();
  return place;
}

}  // namespace

std::optional<std::string> function_arn_of(std::string_view uri) {
  if (auto wrapped = gateway::function_arn_of_uri(uri)) return wrapped;
  const auto arn = aws::parse_arn(uri);
  if (!arn || arn->service != "lambda" || !arn->resource.starts_with("function:")) return std::nullopt;
  return std::string(uri);
}

Answer<Api*> Operations::find_api(const std::string& id) {
  const auto found = state_.apis.find(id);
  if (found == state_.apis.end()) return no_such_api(state_, id);
  touched_.insert(id);
  return &found->second.edit();
}

Answer<Definition*> Operations::find_definition(const std::string& api_id) {
  const auto api = find_api(api_id);
  if (!api) return std::unexpected(api.error());
  return &(*api)->draft.edit();
}

Answer<Stage*> Operations::find_stage(const std::string& api_id, const std::string& name) {
  const auto api = find_api(api_id);
  if (!api) return std::unexpected(api.error());
  const auto found = (*api)->stages.find(name);
  if (found == (*api)->stages.end()) return no_such_stage();
  return &found->second;
}

Answer<const Api*> Operations::create_api(std::string id, std::string_view protocol, ApiInput input, TextMap tags) {
  if (protocol == "WEBSOCKET") return unsupported("protocolType WEBSOCKET is not supported: use HTTP");
  if (protocol != "HTTP") return bad_request("Invalid protocol specified. Must be one of [HTTP, WEBSOCKET]");
  if (!input.name) return bad_request("Name cannot be empty");
  if (tags.size() > tags_max) return bad_request(cat("A resource can have at most ", tags_max, " tags"));
  Api api;
  api.id = id_or_new(std::move(id), api_id_size);
  if (state_.apis.contains(api.id)) return conflict(cat("An API with the identifier ", api.id, " already exists"));
  api.tags = std::move(tags);
  api.created = now_;
  if (auto good = change_api(api, input); !good) return std::unexpected(good.error());
  const auto api_id = api.id;
  auto& kept = state_.apis[api_id];
  kept = std::move(api);
  touched_.insert(api_id);
  if (auto good = quick_create(kept.edit(), input); !good) return std::unexpected(good.error());
  return &*kept;
}

Answer<> Operations::quick_create(Api& api, const ApiInput& input) {
  if (!input.target) {
    if (input.route_key || input.credentials) return bad_request("routeKey and credentialsArn can only be specified together with target");
    return {};
  }
  const auto integration = create_integration(api.id, {}, quick_integration(input));
  if (!integration) return std::unexpected(integration.error());
  const auto integration_id = (*integration)->id;
  const auto route =
      create_route(api.id, {}, {.key = input.route_key.value_or("$default"), .target = cat("integrations/", integration_id)});
  if (!route) return std::unexpected(route.error());
  const auto route_id = (*route)->id;
  auto& definition = api.draft.edit();
  definition.integrations.at(integration_id).managed = true;
  definition.routes.at(route_id).managed = true;
  if (auto stage = create_stage(api.id, "$default", {.auto_deploy = true}); !stage) return std::unexpected(stage.error());
  api.stages.at("$default").managed = true;
  return {};
}

Answer<> Operations::quick_update(Api& api, const ApiInput& input) {
  if (!input.target && !input.route_key && !input.credentials) return {};
  auto& definition = api.draft.edit();
  const auto* integration = managed_of(definition.integrations);
  const auto* route = managed_of(definition.routes);
  if (!integration || !route)
    return bad_request("target, routeKey and credentialsArn can only be updated for an API that was made by quick create");
  const auto integration_id = integration->id, route_id = route->id;
  if (input.target || input.credentials) {
    if (auto good = update_integration(api.id, integration_id, quick_integration(input)); !good) return good;
  }
  if (!input.route_key) return {};
  // A managed key changes here and nowhere else.
  definition.routes.at(route_id).managed = false;
  auto good = update_route(api.id, route_id, {.key = input.route_key});
  api.draft.edit().routes.at(route_id).managed = true;
  return good;
}

Answer<> Operations::update_api(const std::string& api_id, ApiInput input) {
  const auto api = find_api(api_id);
  if (!api) return std::unexpected(api.error());
  if (auto good = change_api(**api, input); !good) return good;
  return quick_update(**api, input);
}

Answer<> Operations::delete_api(const std::string& api_id) {
  if (state_.apis.erase(api_id) == 0) return no_such_api(state_, api_id);
  touched_.erase(api_id);
  return {};
}

Answer<> Operations::delete_cors_configuration(const std::string& api_id) {
  const auto definition = find_definition(api_id);
  if (!definition) return std::unexpected(definition.error());
  (*definition)->cors.reset();
  return {};
}

Answer<> Operations::clear(const std::string& api_id) {
  const auto definition = find_definition(api_id);
  if (!definition) return std::unexpected(definition.error());
  const bool disabled = (*definition)->disable_execute_api_endpoint;
  **definition = Definition{};
  (*definition)->disable_execute_api_endpoint = disabled;
  return {};
}

Answer<> Operations::set_import_notes(const std::string& api_id, std::vector<std::string> info, std::vector<std::string> warnings) {
  const auto api = find_api(api_id);
  if (!api) return std::unexpected(api.error());
  (*api)->import_info = std::move(info);
  (*api)->warnings = std::move(warnings);
  return {};
}

Answer<const Deployment*> Operations::create_deployment(const std::string& api_id, std::string id, std::string description,
                                                        const std::string& stage_name) {
  const auto api = find_api(api_id);
  if (!api) return std::unexpected(api.error());
  if ((*api)->draft->routes.empty()) return bad_request(std::string(no_routes));
  Stage* stage = nullptr;
  if (!stage_name.empty()) {
    const auto found = (*api)->stages.find(stage_name);
    if (found == (*api)->stages.end()) return no_such_stage();
    if (found->second.auto_deploy)
      return bad_request(cat("Deployments cannot be made for stage ", stage_name, ": it deploys changes automatically"));
    stage = &found->second;
  }
  id = id_or_new(std::move(id), deployment_id_size);
  if ((*api)->deployments.contains(id)) return conflict(cat("A deployment with the identifier ", id, " already exists"));
  auto& deployment = (*api)->deployments[id];
  deployment = Deployment{id, std::move(description), now_, false, std::make_shared<const Definition>(*(*api)->draft)};
  if (stage) {
    stage->deployment_id = id;
    stage->updated = now_;
  }
  return &*deployment;
}

Answer<> Operations::update_deployment(const std::string& api_id, const std::string& id, std::string description) {
  const auto api = find_api(api_id);
  if (!api) return std::unexpected(api.error());
  const auto found = (*api)->deployments.find(id);
  if (found == (*api)->deployments.end()) return no_such_deployment();
  found->second.edit().description = std::move(description);
  return {};
}

Answer<> Operations::delete_deployment(const std::string& api_id, const std::string& id) {
  const auto api = find_api(api_id);
  if (!api) return std::unexpected(api.error());
  if (!(*api)->deployments.contains(id)) return no_such_deployment();
  for (const auto& [name, stage] : (*api)->stages)
    if (stage.deployment_id == id) return bad_request("Active stages pointing to this deployment must be moved or deleted");
  (*api)->deployments.erase(id);
  return {};
}

void Operations::auto_deploy() {
  for (const auto& id : std::exchange(touched_, {}))
    if (const auto api = state_.apis.find(id); api != state_.apis.end()) deploy_to_stages(api->second.edit());
}

void Operations::deploy_to_stages(Api& api) {
  std::string made;
  for (auto& [name, stage] : api.stages) {
    if (!stage.auto_deploy) continue;
    if (api.draft->routes.empty()) {
      stage.deployment_id.clear();
      stage.last_deployment_message = cat("Deployment attempt failed: ", no_routes);
      continue;
    }
    const auto served = api.deployments.find(stage.deployment_id);
    if (served != api.deployments.end() && *served->second->definition == *api.draft) continue;
    if (made.empty()) {
      made = new_id_(deployment_id_size);
      api.deployments[made] = Deployment{made, std::string(auto_description), now_, true, std::make_shared<const Definition>(*api.draft)};
    }
    stage.deployment_id = made;
    stage.last_deployment_message = cat("Successfully deployed stage with deployment ID '", made, "'");
    stage.updated = now_;
  }
  if (made.empty()) return;
  std::vector<std::pair<WallTime, std::string>> unused;
  for (const auto& [id, deployment] : api.deployments) {
    const bool served =
        std::any_of(api.stages.begin(), api.stages.end(), [&](const auto& stage) { return stage.second.deployment_id == id; });
    if (deployment->auto_deployed && !served) unused.emplace_back(deployment->created, id);
  }
  std::sort(unused.rbegin(), unused.rend());
  for (std::size_t i = unused_deployments_kept; i < unused.size(); ++i) api.deployments.erase(unused[i].second);
}

Answer<TextMap> tags_of(const State& state, std::string_view arn) {
  const auto place = find_tagged(state, arn);
  if (!place) return std::unexpected(place.error());
  const auto& api = *state.apis.at(place->api_id);
  return place->stage.empty() ? api.tags : api.stages.at(place->stage).tags;
}

Answer<TextMap*> Operations::find_tags(std::string_view arn) {
  const auto place = find_tagged(state_, arn);
  if (!place) return std::unexpected(place.error());
  auto& api = state_.apis.at(place->api_id).edit();
  return place->stage.empty() ? &api.tags : &api.stages.at(place->stage).tags;
}

Answer<> Operations::tag_resource(std::string_view arn, const TextMap& tags) {
  const auto found = find_tags(arn);
  if (!found) return std::unexpected(found.error());
  for (const auto& [key, value] : tags) (*found)->insert_or_assign(key, value);
  if ((*found)->size() > tags_max) return bad_request(cat("A resource can have at most ", tags_max, " tags"));
  return {};
}

Answer<> Operations::untag_resource(std::string_view arn, const std::vector<std::string>& keys) {
  const auto found = find_tags(arn);
  if (!found) return std::unexpected(found.error());
  for (const auto& key : keys) (*found)->erase(key);
  return {};
}

}  // namespace sallyport::http_api
