// APIs, resources, deployments and stages. Methods and what hangs on them are in method_operations.cpp.
#include "gateway/operations.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "gateway/api_error.hpp"
#include "gateway/checks.hpp"
#include "gateway/domain_operations.hpp"
#include "gateway/request_validation.hpp"
#include "gateway/resource_policy.hpp"
#include "json/parse.hpp"
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

Answer<> check_api_key_source(std::string_view source, std::string_view member) {
  if (source == "HEADER" || source == "AUTHORIZER") return {};
  return invalid_value(source, member, "Member must satisfy enum value set: [HEADER, AUTHORIZER]");
}

Answer<> check_endpoint(std::string_view type, std::string_view ip_address_type) {
  if (type == "PRIVATE") return unsupported("private APIs are not served: use EDGE or REGIONAL");
  if (type != "EDGE" && type != "REGIONAL")
    return invalid_value(type, "createRestApiInput.endpointConfiguration.types",
                         "Member must satisfy constraint: [Member must satisfy enum value set: [PRIVATE, EDGE, REGIONAL]]");
  if (ip_address_type == "dualstack") return unsupported("ipAddressType dualstack is not supported: the listener's address decides");
  if (ip_address_type != "ipv4")
    return invalid_value(ip_address_type, "createRestApiInput.endpointConfiguration.ipAddressType",
                         "Member must satisfy enum value set: [ipv4, dualstack]");
  return {};
}

Answer<> patch_media_type(RestApi& api, const PatchStep& step) {
  auto& types = api.draft.edit().binary_media_types;
  auto given = read_media_types({step.verb == PatchVerb::replace && !step.value.empty() ? step.value : step.names[0]});
  if (!given) return std::unexpected(given.error());
  const auto named = std::find(types.begin(), types.end(), step.names[0]);
  if (step.verb == PatchVerb::remove) {
    if (named == types.end()) return not_found("Invalid binary media type specified");
    types.erase(named);
  } else if (step.verb == PatchVerb::replace && named != types.end()) {
    *named = given->front();
  } else if (std::find(types.begin(), types.end(), given->front()) == types.end()) {
    types.push_back(given->front());
  }
  return {};
}

/// Every API has them from its beginning. Source: recorded answers of the service.
std::vector<Model> default_models(std::string_view api_id) {
  const auto model = [&](std::string_view name, std::string_view description, std::string_view schema) {
    return Model{cat(api_id.substr(0, 5), name == "Empty" ? "0" : "1"), std::string(name), std::string(description), "application/json",
                 std::string(schema)};
  };
  return {model("Empty", "This is a default empty schema model",
                "{\n  \"$schema\" : \"http://json-schema.org/draft-04/schema#\",\n  \"title\" : \"Empty Schema\",\n  \"type\" : "
                "\"object\"\n}"),
          model("Error", "This is a default error schema model",
                "{\n  \"$schema\" : \"http://json-schema.org/draft-04/schema#\",\n  \"title\" : \"Error Schema\",\n  \"type\" : "
                "\"object\",\n  \"properties\" : {\n    \"message\" : { \"type\" : \"string\" }\n  }\n}")};
}

using Resources = std::map<std::string, Resource, std::less<>>;

std::string path_below(const Resource& parent, std::string_view part) { return cat(parent.path == "/" ? "" : parent.path, "/", part); }

/// Of all below a resource whose path changed.
void write_out_paths(Resources& resources, const std::string& root) {
  std::vector<std::string> parents{root};
  for (std::size_t i = 0; i < parents.size(); ++i)
    for (auto& [id, resource] : resources)
      if (resource.parent_id == parents[i]) {
        resource.path = path_below(resources.at(parents[i]), resource.path_part);
        parents.push_back(id);
      }
}

/// May a resource of this name stand there, beside those that are there?
Answer<> check_place(const Resources& resources, const std::string& parent_id, std::string_view path_part) {
  const auto parent = resources.find(parent_id);
  if (parent == resources.end()) return not_found("Invalid Resource identifier specified");
  if (!is_path_part(path_part))
    return bad_request(
        "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the beginning and the end.");
  if (is_greedy(parent->second.path_part))
    return bad_request(cat("Cannot create a child of a resource with a greedy path variable: ", parent->second.path_part));
  for (const auto& [id, sibling] : resources) {
    if (sibling.parent_id != parent_id) continue;
    if (sibling.path_part == path_part) return conflict(cat("Another resource with the same parent already has this name: ", path_part));
    if (is_variable(sibling.path_part) && is_variable(path_part) && is_greedy(sibling.path_part) == is_greedy(path_part))
      return bad_request(
          cat("A sibling (", sibling.path_part, ") of this resource already has a variable path part -- only one is allowed"));
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

Answer<json::Value> parse_policy_text(std::string_view text) {
  auto document = json::parse(text, json::limits::document_depth_max);
  if (!document)
    return bad_request(
        cat("Invalid policy document. Please check the policy syntax and ensure that Principals are valid. ", document.error().message));
  return std::move(*document);
}

Answer<> check_compression(std::int64_t bytes) {
  constexpr std::int64_t bytes_max = 10'485'760;
  if (bytes < 0 || bytes > bytes_max) return bad_request("Invalid minimum compression size, must be between 0 and 10485760");
  return unsupported("minimumCompressionSize is not supported by this version: answers are not compressed");
}

Answer<RestApi*> Operations::find_api(const std::string& id) {
  const auto found = state_.apis.find(id);
  if (found == state_.apis.end()) return not_found(cat("Invalid API identifier specified ", state_.scope.account_id, ":", id));
  return &found->second.edit();
}

Answer<Definition*> Operations::find_definition(const std::string& api_id) {
  const auto api = find_api(api_id);
  if (!api) return std::unexpected(api.error());
  return &(*api)->draft.edit();
}

// An unknown API is an unknown resource here, on AWS too.
Answer<Resource*> Operations::find_resource(const std::string& api_id, const std::string& id) {
  const auto api = state_.apis.find(api_id);
  if (api == state_.apis.end() || !api->second->draft->resources.contains(id)) return not_found("Invalid Resource identifier specified");
  return &api->second.edit().draft.edit().resources.find(id)->second;
}

Answer<MethodSettings*> Operations::find_method(const std::string& api_id, const std::string& resource_id, const std::string& http_method) {
  const auto resource = find_resource(api_id, resource_id);
  if (!resource) return std::unexpected(resource.error());
  const auto found = (*resource)->methods.find(http_method);
  if (found == (*resource)->methods.end()) return not_found("Invalid Method identifier specified");
  return &found->second;
}

Answer<MethodSettings*> Operations::find_method(const MethodAddress& method) {
  return find_method(method.rest_api_id, method.resource_id, method.http_method);
}

Answer<StageSettings*> Operations::find_stage(const std::string& api_id, const std::string& name) {
  const auto api = find_api(api_id);
  if (!api) return std::unexpected(api.error());
  const auto found = (*api)->stages.find(name);
  if (found == (*api)->stages.end()) return not_found("Invalid stage identifier specified");
  return &found->second;
}

Answer<json::Value> Operations::read_policy(const std::string& api_id, json::Value policy) const {
  const auto written_out = write_out_resources(policy, state_.scope, api_id);
  if (auto document = policy::Document::compile(written_out, policy::DocumentKind::resource); !document)
    return bad_request(
        cat("Invalid policy document. Please check the policy syntax and ensure that Principals are valid. ", document.error().message));
  return policy;
}

Answer<const RestApi*> Operations::create_rest_api(CreateRestApiRequest request) {
  if (request.name.empty()) return bad_request("Name cannot be empty");
  if (state_.apis.contains(request.id)) return conflict(cat("An API with the identifier ", request.id, " already exists"));
  if (auto good = check_api_key_source(request.api_key_source, "createRestApiInput.apiKeySource"); !good)
    return std::unexpected(good.error());
  if (auto good = check_endpoint(request.endpoint_type, request.ip_address_type); !good) return std::unexpected(good.error());
  auto media_types = read_media_types(std::move(request.binary_media_types));
  if (!media_types) return std::unexpected(media_types.error());

  RestApi api;
  api.id = request.id;
  api.name = std::move(request.name);
  api.description = std::move(request.description);
  api.version = std::move(request.version);
  api.api_key_source = std::move(request.api_key_source);
  api.endpoint_type = std::move(request.endpoint_type);
  api.root_resource_id = request.root_resource_id;
  api.tags = std::move(request.tags);
  api.created = now_;
  auto& definition = api.draft.edit();
  definition.binary_media_types = std::move(*media_types);
  definition.disable_execute_api_endpoint = request.disable_execute_api_endpoint;
  if (request.policy) {
    auto policy = read_policy(api.id, std::move(*request.policy));
    if (!policy) return std::unexpected(policy.error());
    definition.resource_policy = std::move(*policy);
  }
  definition.resources.emplace(request.root_resource_id, Resource{request.root_resource_id, {}, {}, "/", {}});
  for (auto& model : default_models(api.id)) definition.models.emplace(model.name, model);
  auto& kept = state_.apis[request.id];
  kept = std::move(api);
  return &*kept;
}

Answer<> Operations::update_rest_api(const std::string& rest_api_id, const PatchOperations& patch) {
  const auto api = find_api(rest_api_id);
  if (!api) return std::unexpected(api.error());
  using Target = RestApi;
  using enum PatchVerb;
  const std::vector<PatchRule<Target>> rules = {
      {"/name", {replace}, patch_text(&Target::name)},
      {"/description", {replace}, patch_text(&Target::description)},
      {"/version", {replace}, patch_text(&Target::version)},
      {"/apiKeySource",
       {replace},
       [](Target& api, const PatchStep& step) -> Answer<> {
         if (auto good = check_api_key_source(step.value, "updateRestApiInput.apiKeySource"); !good) return good;
         api.api_key_source = step.value;
         return {};
       }},
      {"/disableExecuteApiEndpoint",
       {replace},
       [](Target& api, const PatchStep& step) -> Answer<> {
         const auto value = patch_boolean(step);
         if (!value) return std::unexpected(value.error());
         api.draft.edit().disable_execute_api_endpoint = *value;
         return {};
       }},
      {"/policy",
       {add, replace, remove},
       [this](Target& api, const PatchStep& step) -> Answer<> {
         auto& kept = api.draft.edit().resource_policy;
         if (step.verb == remove || step.value.empty()) {
           kept.reset();
           return {};
         }
         auto document = parse_policy_text(step.value);
         if (!document) return std::unexpected(document.error());
         auto policy = read_policy(api.id, std::move(*document));
         if (!policy) return std::unexpected(policy.error());
         kept = std::move(*policy);
         return {};
       }},
      {"/minimumCompressionSize",
       {add, remove, replace},
       [](Target&, const PatchStep& step) -> Answer<> {
         if (step.verb != replace) return bad_request("Invalid patch operation specified. Must be one of: [replace]");
         if (step.value.empty()) return {};
         return check_compression(parse_number<std::int64_t>(step.value).value_or(-1));
       }},
      {"/binaryMediaTypes/{media_type}", {add, remove, replace}, patch_media_type},
      {"/endpointConfiguration/types/{endpoint_type}",
       {add, remove, replace},
       [](Target& api, const PatchStep& step) -> Answer<> {
         // An API has one type: the value of a replacement is its new one.
         if (step.verb != replace) return unsupported("an API has exactly one endpoint type: replace it");
         if (auto good = check_endpoint(step.value, "ipv4"); !good) return good;
         api.endpoint_type = step.value;
         return {};
       }},
      {"/endpointConfiguration/ipAddressType",
       {replace},
       [](Target& api, const PatchStep& step) { return check_endpoint(api.endpoint_type, step.value); }},
      {"/endpointConfiguration/vpcEndpointIds",
       {add, remove, replace},
       [](Target&, const PatchStep&) -> Answer<> { return unsupported("private APIs are not served: VPC endpoints do not exist here"); }},
  };
  if (auto good = apply_patch(**api, patch, rules); !good) return good;
  if ((*api)->name.empty()) return bad_request("Name cannot be empty");
  return {};
}

Answer<const Resource*> Operations::create_resource(CreateResourceRequest request) {
  const auto api = find_api(request.rest_api_id);
  if (!api) return std::unexpected(api.error());
  auto& resources = (*api)->draft.edit().resources;
  if (auto good = check_place(resources, request.parent_id, request.path_part); !good) return std::unexpected(good.error());
  if (resources.contains(request.id)) return conflict(cat("A resource with the identifier ", request.id, " already exists"));
  const auto path = path_below(resources.at(request.parent_id), request.path_part);
  Resource resource{request.id, request.parent_id, std::move(request.path_part), path, {}};
  return &(resources[request.id] = std::move(resource));
}

Answer<> Operations::update_resource(const std::string& rest_api_id, const std::string& resource_id, const PatchOperations& patch) {
  const auto resource = find_resource(rest_api_id, resource_id);
  if (!resource) return std::unexpected(resource.error());
  auto& resources = find_definition(rest_api_id).value()->resources;
  auto changed = resources.at(resource_id);
  const std::vector<PatchRule<Resource>> rules = {
      {"/pathPart", {PatchVerb::replace}, patch_text(&Resource::path_part)},
      {"/parentId", {PatchVerb::replace}, patch_text(&Resource::parent_id)},
  };
  if (auto good = apply_patch(changed, patch, rules); !good) return good;
  if (changed == resources.at(resource_id)) return {};
  if (changed.path == "/") return bad_request("Root resource cannot be updated");
  for (auto above = resources.find(changed.parent_id); above != resources.end(); above = resources.find(above->second.parent_id))
    if (above->first == resource_id) return bad_request("A resource cannot be moved below itself");
  auto others = resources;
  others.erase(resource_id);
  if (auto good = check_place(others, changed.parent_id, changed.path_part); !good) return good;
  if (is_greedy(changed.path_part) &&
      std::any_of(others.begin(), others.end(), [&](const auto& other) { return other.second.parent_id == resource_id; }))
    return bad_request(cat("Cannot create a child of a resource with a greedy path variable: ", changed.path_part));
  changed.path = path_below(resources.at(changed.parent_id), changed.path_part);
  resources.at(resource_id) = std::move(changed);
  write_out_paths(resources, resource_id);
  return {};
}

Answer<const Deployment*> Operations::create_deployment(CreateDeploymentRequest request) {
  const auto api = find_api(request.rest_api_id);
  if (!api) return std::unexpected(api.error());
  bool has_method = false;
  for (const auto& [id, resource] : (*api)->draft->resources)
    for (const auto& [verb, method] : resource.methods) {
      has_method = true;
      if (!method.integration) return bad_request("No integration defined for method");
      if (const auto rules = compile_request_rules((*api)->id, *(*api)->draft, method); rules && !rules->broken.empty())
        return unsupported(cat("requests of ", verb, " ", resource.path, " cannot be validated: ", rules->broken));
    }
  if (!has_method) return bad_request("The REST API doesn't contain any methods");
  if ((*api)->deployments.contains(request.id)) return conflict(cat("A deployment with the identifier ", request.id, " already exists"));
  if (!request.stage_name.empty())
    if (auto good = check_stage_name(request.stage_name); !good) return std::unexpected(good.error());
  if (auto good = check_variables(request.variables); !good) return std::unexpected(good.error());
  if (auto good = check_cache_size(request.cache_cluster_size); !good) return std::unexpected(good.error());
  if (request.stage_name.empty() && (request.cache_cluster_enabled || !request.cache_cluster_size.empty()))
    return bad_request("Cache settings belong to a stage: a deployment without stageName has none");

  auto& deployment = (*api)->deployments[request.id];
  auto frozen = std::make_shared<Definition>(*(*api)->draft);
  frozen->keys_from_authorizer = (*api)->api_key_source == "AUTHORIZER";
  deployment = Deployment{request.id, std::move(request.description), now_, std::move(frozen)};
  if (!request.stage_name.empty()) {
    auto& stage = (*api)->stages[request.stage_name];
    if (stage.name.empty()) stage.created = now_;
    stage.name = request.stage_name;
    stage.deployment_id = request.id;
    stage.updated = now_;
    if (!request.stage_description.empty()) stage.description = std::move(request.stage_description);
    if (!request.variables.empty()) stage.variables = std::move(request.variables);
    if (request.cache_cluster_enabled) stage.cache_cluster_enabled = *request.cache_cluster_enabled;
    if (!request.cache_cluster_size.empty()) stage.cache_cluster_size = std::move(request.cache_cluster_size);
    if (stage.cache_cluster_enabled && stage.cache_cluster_size.empty()) stage.cache_cluster_size = smallest_cache;
  }
  return &*deployment;
}

Answer<> Operations::update_deployment(const std::string& rest_api_id, const std::string& deployment_id, const PatchOperations& patch) {
  const auto api = find_api(rest_api_id);
  if (!api) return std::unexpected(api.error());
  const auto found = (*api)->deployments.find(deployment_id);
  if (found == (*api)->deployments.end()) return not_found("Invalid Deployment identifier specified");
  const std::vector<PatchRule<Deployment>> rules = {{"/description", {PatchVerb::replace}, patch_text(&Deployment::description)}};
  return apply_patch(found->second.edit(), patch, rules);
}

Answer<const StageSettings*> Operations::create_stage(CreateStageRequest request) {
  const auto api = find_api(request.rest_api_id);
  if (!api) return std::unexpected(api.error());
  if (auto good = check_stage_name(request.stage_name); !good) return std::unexpected(good.error());
  if ((*api)->stages.contains(request.stage_name)) return conflict("Stage already exists");
  if (!(*api)->deployments.contains(request.deployment_id)) return bad_request("Deployment id does not exist");
  if (auto good = check_variables(request.variables); !good) return std::unexpected(good.error());
  StageSettings stage;
  stage.name = request.stage_name;
  stage.deployment_id = std::move(request.deployment_id);
  stage.description = std::move(request.description);
  stage.variables = std::move(request.variables);
  stage.documentation_version = std::move(request.documentation_version);
  if (auto good = check_cache_size(request.cache_cluster_size); !good) return std::unexpected(good.error());
  stage.cache_cluster_enabled = request.cache_cluster_enabled;
  stage.cache_cluster_size = request.cache_cluster_enabled && request.cache_cluster_size.empty() ? std::string(smallest_cache)
                                                                                                 : std::move(request.cache_cluster_size);
  stage.tags = std::move(request.tags);
  stage.created = stage.updated = now_;
  return &((*api)->stages[request.stage_name] = std::move(stage));
}

Answer<> Operations::flush_stage_cache(const std::string& rest_api_id, const std::string& stage_name) {
  const auto stage = find_stage(rest_api_id, stage_name);
  if (!stage) return std::unexpected(stage.error());
  ++(*stage)->cache_flushes;
  return {};
}

Answer<> Operations::flush_stage_authorizers_cache(const std::string& rest_api_id, const std::string& stage_name) {
  const auto stage = find_stage(rest_api_id, stage_name);
  if (!stage) return std::unexpected(stage.error());
  ++(*stage)->flushes;
  return {};
}

Answer<> Operations::delete_rest_api(const std::string& rest_api_id) {
  if (const auto api = find_api(rest_api_id); !api) return std::unexpected(api.error());
  if (const auto domains = domains_of(state_, rest_api_id); !domains.empty())
    return bad_request(cat("Please remove all base path mappings related to the API in your domains: ", domains));
  leave_plans(rest_api_id, {});
  state_.apis.erase(rest_api_id);
  return {};
}

Answer<> Operations::delete_resource(const std::string& rest_api_id, const std::string& resource_id) {
  const auto api = find_api(rest_api_id);
  if (!api) return std::unexpected(api.error());
  auto& resources = (*api)->draft.edit().resources;
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
  if (!(*api)->stages.contains(stage_name)) return not_found("Invalid stage identifier specified");
  if (const auto domains = domains_of(state_, rest_api_id, stage_name); !domains.empty())
    return bad_request(cat("Please remove all base path mappings related to the stage in your domains: ", domains));
  (*api)->stages.erase(stage_name);
  leave_plans(rest_api_id, stage_name);
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
