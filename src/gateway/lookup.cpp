#include "gateway/lookup.hpp"

#include <algorithm>

#include "gateway/api_error.hpp"

namespace sallyport::gateway {
namespace {

/// A member of one of an API's maps; `absent` refuses both an unknown API and an unknown member.
template <class Map>
Answer<const typename Map::mapped_type*> member_of(const State& state, const std::string& api_id, Map Definition::* map,
                                                   const std::string& key, std::string_view absent) {
  const auto api = state.apis.find(api_id);
  if (api == state.apis.end()) return not_found(std::string(absent));
  const auto& members = (*api->second->draft).*map;
  const auto found = members.find(key);
  if (found == members.end()) return not_found(std::string(absent));
  return &found->second;
}

}  // namespace

Answer<const RestApi*> look_up_api(const State& state, const std::string& id) {
  const auto found = state.apis.find(id);
  if (found == state.apis.end()) return not_found(cat("Invalid API identifier specified ", state.scope.account_id, ":", id));
  return &*found->second;
}

Answer<const Resource*> look_up_resource(const State& state, const std::string& api_id, const std::string& id) {
  return member_of(state, api_id, &Definition::resources, id, "Invalid Resource identifier specified");
}

Answer<const MethodSettings*> look_up_method(const State& state, const MethodAddress& method) {
  const auto resource = look_up_resource(state, method.rest_api_id, method.resource_id);
  if (!resource) return std::unexpected(resource.error());
  const auto found = (*resource)->methods.find(method.http_method);
  if (found == (*resource)->methods.end()) return not_found("Invalid Method identifier specified");
  return &found->second;
}

Answer<const MethodResponse*> look_up_method_response(const State& state, const MethodAddress& method, const std::string& status_code) {
  const auto found = look_up_method(state, method);
  if (!found) return std::unexpected(found.error());
  const auto response = (*found)->responses.find(status_code);
  if (response == (*found)->responses.end()) return not_found("Invalid Response status code specified");
  return &response->second;
}

Answer<const IntegrationSettings*> look_up_integration(const State& state, const MethodAddress& method) {
  const auto found = look_up_method(state, method);
  if (!found) return std::unexpected(found.error());
  if (!(*found)->integration) return not_found("Invalid Integration identifier specified");
  return &*(*found)->integration;
}

Answer<const IntegrationResponse*> look_up_integration_response(const State& state, const MethodAddress& method,
                                                                const std::string& status_code) {
  const auto integration = look_up_integration(state, method);
  if (!integration) return std::unexpected(integration.error());
  const auto response = (*integration)->responses.find(status_code);
  if (response == (*integration)->responses.end()) return not_found("Invalid Integration Response identifier specified");
  return &response->second;
}

Answer<const AuthorizerSettings*> look_up_authorizer(const State& state, const std::string& api_id, const std::string& id) {
  return member_of(state, api_id, &Definition::authorizers, id, "Invalid Authorizer identifier specified");
}

Answer<const Model*> look_up_model(const State& state, const std::string& api_id, const std::string& name) {
  return member_of(state, api_id, &Definition::models, name, cat("Invalid model name specified: ", name));
}

Answer<const RequestValidator*> look_up_validator(const State& state, const std::string& api_id, const std::string& id) {
  return member_of(state, api_id, &Definition::validators, id, "Invalid Request Validator identifier specified");
}

Answer<const Deployment*> look_up_deployment(const State& state, const std::string& api_id, const std::string& id) {
  const auto api = state.apis.find(api_id);
  if (api != state.apis.end())
    if (const auto found = api->second->deployments.find(id); found != api->second->deployments.end()) return &*found->second;
  return not_found("Invalid Deployment identifier specified");
}

Answer<const StageSettings*> look_up_stage(const State& state, const std::string& api_id, const std::string& name) {
  const auto api = state.apis.find(api_id);
  if (api != state.apis.end())
    if (const auto found = api->second->stages.find(name); found != api->second->stages.end()) return &found->second;
  return not_found("Invalid stage identifier specified");
}

Answer<const ApiKey*> look_up_key(const State& state, const std::string& id) {
  const auto found = state.api_keys.find(id);
  if (found == state.api_keys.end()) return not_found("Invalid API Key identifier specified");
  return &*found->second;
}

Answer<const UsagePlan*> look_up_plan(const State& state, const std::string& id) {
  const auto found = state.usage_plans.find(id);
  if (found == state.usage_plans.end()) return not_found("Invalid Usage Plan ID specified");
  return &*found->second;
}

Answer<const ApiKey*> look_up_plan_key(const State& state, const std::string& plan_id, const std::string& key_id) {
  const auto plan = look_up_plan(state, plan_id);
  if (!plan) return std::unexpected(plan.error());
  const auto& keys = (*plan)->keys;
  if (std::find(keys.begin(), keys.end(), key_id) == keys.end()) return not_found("Invalid Usage Plan Key identifier specified");
  return look_up_key(state, key_id);
}

}  // namespace sallyport::gateway
