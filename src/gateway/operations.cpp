// APIs, resources, deployments and stages. Methods and what hangs on them are in method_operations.cpp.
#include "gateway/operations.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "gateway/api_error.hpp"
#include "policy/policy.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::size_t stage_name_bytes_max = 128;

bool is_word(char c) { return is_alpha(c) || is_digit(c) || c == '_'; }

bool is_path_part(std::string_view part) {
  if (part.starts_with('{') && part.ends_with('}')) {
    part = part.substr(1, part.size() - 2);
    if (part.ends_with('+')) part.remove_suffix(1);
  }
  return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) {
    return is_word(c) || c == '.' || c == '-' || c == ':' || c == '~' || c == '$' || c == '@' || c == '!' || c == '*' || c == '\'' ||
           c == ',' || c == '%';
  });
}
bool is_variable(std::string_view part) { return part.starts_with('{'); }
bool is_greedy(std::string_view part) { return part.ends_with("+}"); }

Answer<std::vector<std::string>> read_media_types(std::vector<std::string> types) {
  for (auto& type : types) {
    type = replace_all(type, "~1", "/");
    const auto slash = type.find('/');
    if (slash == std::string::npos || slash == 0 || slash + 1 == type.size())
      return bad_request(cat("Invalid content type specified: ", type));
  }
  return types;
}

/// `execute-api:/stage/GET/path` stands for the whole ARN in an API's own policy.
void write_out_resource(json::Value& resource, std::string_view prefix) {
  constexpr std::string_view brief = "execute-api:/";
  if (auto* text = resource.string(); text && text->starts_with(brief)) *text = cat(prefix, std::string_view(*text).substr(brief.size()));
  if (auto* list = resource.array())
    for (auto& each : *list)
      if (auto* text = each.string(); text && text->starts_with(brief)) *text = cat(prefix, std::string_view(*text).substr(brief.size()));
}

void write_out_resources(json::Value& policy, std::string_view prefix) {
  const auto of_statement = [&](json::Value& statement) {
    auto* members = statement.object();
    if (!members) return;
    for (auto& [name, value] : *members)
      if (name == "Resource" || name == "NotResource") write_out_resource(value, prefix);
  };
  auto* members = policy.object();
  if (!members) return;
  for (auto& [name, value] : *members) {
    if (name != "Statement") continue;
    if (auto* list = value.array())
      std::for_each(list->begin(), list->end(), of_statement);
    else
      of_statement(value);
  }
}

Answer<void> check_variables(const TextMap& variables) {
  for (const auto& [name, value] : variables) {
    if (name.empty() || !std::all_of(name.begin(), name.end(), is_word))
      return bad_request("Stage variable name can only contain alphanumeric characters and underscores.");
    const bool good = std::all_of(value.begin(), value.end(),
                                  [](char c) { return is_word(c) || std::string_view("-.~:/?#&=,").find(c) != std::string_view::npos; });
    if (!good)
      return bad_request(
          cat("Stage variable value for '", name, "' can only contain alphanumeric characters and the characters -._~:/?#&=,"));
  }
  return {};
}

Answer<void> check_stage_name(std::string_view name) {
  const bool good = !name.empty() && name.size() <= stage_name_bytes_max &&
                    std::all_of(name.begin(), name.end(), [](char c) { return is_word(c) || c == '-'; });
  if (!good) return bad_request("Stage name only allows a-zA-Z0-9_");
  return {};
}

}  // namespace

Answer<RestApi*> Operations::find_api(const std::string& id) {
  const auto found = state_.apis.find(id);
  if (found == state_.apis.end()) return not_found(cat("Invalid API identifier specified ", state_.scope.account_id, ":", id));
  return &found->second;
}

Answer<Resource*> Operations::find_resource(const std::string& api_id, const std::string& id) {
  const auto api = find_api(api_id);
  if (!api) return std::unexpected(api.error());
  const auto found = (*api)->draft.resources.find(id);
  if (found == (*api)->draft.resources.end()) return not_found("Invalid Resource identifier specified");
  return &found->second;
}

Answer<MethodSettings*> Operations::find_method(const std::string& api_id, const std::string& resource_id, const std::string& http_method) {
  const auto resource = find_resource(api_id, resource_id);
  if (!resource) return std::unexpected(resource.error());
  const auto found = (*resource)->methods.find(http_method);
  if (found == (*resource)->methods.end()) return not_found("Invalid Method identifier specified");
  return &found->second;
}

Answer<const RestApi*> Operations::create_rest_api(CreateRestApiRequest request) {
  if (request.name.empty()) return bad_request("Name cannot be empty");
  if (state_.apis.contains(request.id)) return conflict(cat("An API with the identifier ", request.id, " already exists"));
  if (request.api_key_source != "HEADER" && request.api_key_source != "AUTHORIZER")
    return invalid_value(request.api_key_source, "createRestApiInput.apiKeySource",
                         "Member must satisfy enum value set: [HEADER, AUTHORIZER]");
  if (request.endpoint_type == "PRIVATE") return unsupported("private APIs are not served: use EDGE or REGIONAL");
  if (request.endpoint_type != "EDGE" && request.endpoint_type != "REGIONAL")
    return invalid_value(request.endpoint_type, "createRestApiInput.endpointConfiguration.types",
                         "Member must satisfy constraint: [Member must satisfy enum value set: [PRIVATE, EDGE, REGIONAL]]");
  auto media_types = read_media_types(std::move(request.binary_media_types));
  if (!media_types) return std::unexpected(media_types.error());

  RestApi api;
  api.id = request.id;
  api.name = std::move(request.name);
  api.description = std::move(request.description);
  api.api_key_source = std::move(request.api_key_source);
  api.endpoint_type = std::move(request.endpoint_type);
  api.root_resource_id = request.root_resource_id;
  api.draft.binary_media_types = std::move(*media_types);
  if (request.policy) {
    write_out_resources(*request.policy, cat("arn:", state_.scope.partition, ":execute-api:", state_.scope.region, ":",
                                             state_.scope.account_id, ":", api.id, "/"));
    if (auto document = policy::Document::compile(*request.policy, policy::DocumentKind::resource); !document)
      return bad_request(
          cat("Invalid policy document. Please check the policy syntax and ensure that Principals are valid. ", document.error().message));
    api.draft.resource_policy = std::move(*request.policy);
  }
  api.draft.resources.emplace(request.root_resource_id, Resource{request.root_resource_id, {}, {}, "/", {}});
  return &(state_.apis[request.id] = std::move(api));
}

Answer<const Resource*> Operations::create_resource(CreateResourceRequest request) {
  const auto api = find_api(request.rest_api_id);
  if (!api) return std::unexpected(api.error());
  auto& resources = (*api)->draft.resources;
  const auto parent = resources.find(request.parent_id);
  if (parent == resources.end()) return not_found("Invalid Resource identifier specified");
  if (!is_path_part(request.path_part))
    return bad_request(
        "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the beginning and the end.");
  if (is_greedy(parent->second.path_part))
    return bad_request(cat("Cannot create a child of a resource with a greedy path variable: ", parent->second.path_part));
  for (const auto& [id, sibling] : resources) {
    if (sibling.parent_id != request.parent_id) continue;
    if (sibling.path_part == request.path_part)
      return conflict(cat("Another resource with the same parent already has this name: ", request.path_part));
    if (is_variable(sibling.path_part) && is_variable(request.path_part) && is_greedy(sibling.path_part) == is_greedy(request.path_part))
      return bad_request(
          cat("A sibling (", sibling.path_part, ") of this resource already has a variable path part -- only one is allowed"));
  }
  if (resources.contains(request.id)) return conflict(cat("A resource with the identifier ", request.id, " already exists"));
  const auto path = cat(parent->second.path == "/" ? "" : parent->second.path, "/", request.path_part);
  Resource resource{request.id, request.parent_id, std::move(request.path_part), path, {}};
  return &(resources[request.id] = std::move(resource));
}

Answer<const Deployment*> Operations::create_deployment(CreateDeploymentRequest request) {
  const auto api = find_api(request.rest_api_id);
  if (!api) return std::unexpected(api.error());
  bool has_method = false;
  for (const auto& [id, resource] : (*api)->draft.resources)
    for (const auto& [verb, method] : resource.methods) {
      has_method = true;
      if (!method.integration) return bad_request("No integration defined for method");
    }
  if (!has_method) return bad_request("The REST API doesn't contain any methods");
  if ((*api)->deployments.contains(request.id)) return conflict(cat("A deployment with the identifier ", request.id, " already exists"));
  if (!request.stage_name.empty())
    if (auto good = check_stage_name(request.stage_name); !good) return std::unexpected(good.error());
  if (auto good = check_variables(request.variables); !good) return std::unexpected(good.error());

  auto& deployment = (*api)->deployments[request.id];
  deployment = {request.id, std::move(request.description), std::make_shared<const Definition>((*api)->draft)};
  if (!request.stage_name.empty()) {
    auto& stage = (*api)->stages[request.stage_name];
    stage.name = request.stage_name;
    stage.deployment_id = request.id;
    if (!request.stage_description.empty()) stage.description = std::move(request.stage_description);
    if (!request.variables.empty()) stage.variables = std::move(request.variables);
  }
  return &deployment;
}

Answer<const StageSettings*> Operations::create_stage(CreateStageRequest request) {
  const auto api = find_api(request.rest_api_id);
  if (!api) return std::unexpected(api.error());
  if (auto good = check_stage_name(request.stage_name); !good) return std::unexpected(good.error());
  if ((*api)->stages.contains(request.stage_name)) return conflict("Stage already exists");
  if (!(*api)->deployments.contains(request.deployment_id)) return bad_request("Deployment id does not exist");
  if (auto good = check_variables(request.variables); !good) return std::unexpected(good.error());
  return &((*api)->stages[request.stage_name] = {request.stage_name, std::move(request.deployment_id), std::move(request.description),
                                                 std::move(request.variables)});
}

Answer<> Operations::update_stage_deployment(const std::string& rest_api_id, const std::string& stage_name,
                                             const std::string& deployment_id) {
  const auto api = find_api(rest_api_id);
  if (!api) return std::unexpected(api.error());
  const auto stage = (*api)->stages.find(stage_name);
  if (stage == (*api)->stages.end()) return not_found("Invalid stage identifier specified");
  if (!(*api)->deployments.contains(deployment_id)) return bad_request("Deployment id does not exist");
  stage->second.deployment_id = deployment_id;
  return {};
}

Answer<> Operations::flush_stage_authorizers_cache(const std::string& rest_api_id, const std::string& stage_name) {
  const auto api = find_api(rest_api_id);
  if (!api) return std::unexpected(api.error());
  const auto stage = (*api)->stages.find(stage_name);
  if (stage == (*api)->stages.end()) return not_found("Invalid stage identifier specified");
  ++stage->second.flushes;
  return {};
}

Answer<> Operations::delete_rest_api(const std::string& rest_api_id) {
  if (const auto api = find_api(rest_api_id); !api) return std::unexpected(api.error());
  state_.apis.erase(rest_api_id);
  return {};
}

Answer<> Operations::delete_resource(const std::string& rest_api_id, const std::string& resource_id) {
  const auto api = find_api(rest_api_id);
  if (!api) return std::unexpected(api.error());
  auto& resources = (*api)->draft.resources;
  if (!resources.contains(resource_id)) return not_found("Invalid Resource identifier specified");
  if (resource_id == (*api)->root_resource_id) return bad_request("Root resource cannot be deleted");
  std::vector<std::string> doomed{resource_id};
  for (std::size_t i = 0; i < doomed.size(); ++i)
    for (const auto& [id, resource] : resources)
      if (resource.parent_id == doomed[i]) doomed.push_back(id);
  for (const auto& id : doomed) resources.erase(id);
  return {};
}

Answer<> Operations::delete_stage(const std::string& rest_api_id, const std::string& stage_name) {
  const auto api = find_api(rest_api_id);
  if (!api) return std::unexpected(api.error());
  if ((*api)->stages.erase(stage_name) == 0) return not_found("Invalid stage identifier specified");
  return {};
}

Answer<> Operations::delete_deployment(const std::string& rest_api_id, const std::string& deployment_id) {
  const auto api = find_api(rest_api_id);
  if (!api) return std::unexpected(api.error());
  if (!(*api)->deployments.contains(deployment_id)) return not_found("Invalid Deployment identifier specified");
  for (const auto& [name, stage] : (*api)->stages)
    if (stage.deployment_id == deployment_id) return bad_request("Active stages pointing to this deployment must be moved or deleted");
  (*api)->deployments.erase(deployment_id);
  return {};
}

}  // namespace sallyport::gateway
