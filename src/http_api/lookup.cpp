#include "http_api/lookup.hpp"

#include "base/text.hpp"
#include "gateway/api_error.hpp"

namespace sallyport::http_api {
namespace {

using gateway::not_found;

/// A member of one of a definition's maps; of an unknown API the API is refused.
template <class T>
Answer<const T*> member_of(const State& state, const std::string& api_id, std::map<std::string, T, std::less<>> Definition::* map,
                           const std::string& id, std::unexpected<aws::ApiError> (*absent)()) {
  const auto api = look_up_api(state, api_id);
  if (!api) return std::unexpected(api.error());
  const auto& members = (*(*api)->draft).*map;
  const auto found = members.find(id);
  if (found == members.end()) return absent();
  return &found->second;
}

}  // namespace

std::unexpected<aws::ApiError> no_such_api(const State& state, std::string_view id) {
  return not_found(cat("Invalid API identifier specified ", state.scope.account_id, ":", id));
}
std::unexpected<aws::ApiError> no_such_integration() { return not_found("Invalid Integration identifier specified"); }
std::unexpected<aws::ApiError> no_such_route() { return not_found("Invalid Route identifier specified"); }
std::unexpected<aws::ApiError> no_such_authorizer() { return not_found("Invalid Authorizer identifier specified"); }
std::unexpected<aws::ApiError> no_such_deployment() { return not_found("Invalid Deployment identifier specified"); }
std::unexpected<aws::ApiError> no_such_stage() { return not_found("Invalid stage identifier specified"); }

Answer<const Api*> look_up_api(const State& state, const std::string& id) {
  const auto found = state.apis.find(id);
  if (found == state.apis.end()) return no_such_api(state, id);
  return &*found->second;
}

Answer<const Integration*> look_up_integration(const State& state, const std::string& api_id, const std::string& id) {
  return member_of(state, api_id, &Definition::integrations, id, no_such_integration);
}

Answer<const Route*> look_up_route(const State& state, const std::string& api_id, const std::string& id) {
  return member_of(state, api_id, &Definition::routes, id, no_such_route);
}

Answer<const Authorizer*> look_up_authorizer(const State& state, const std::string& api_id, const std::string& id) {
  return member_of(state, api_id, &Definition::authorizers, id, no_such_authorizer);
}

Answer<const Deployment*> look_up_deployment(const State& state, const std::string& api_id, const std::string& id) {
  const auto api = look_up_api(state, api_id);
  if (!api) return std::unexpected(api.error());
  const auto found = (*api)->deployments.find(id);
  if (found == (*api)->deployments.end()) return no_such_deployment();
  return &*found->second;
}

Answer<const Stage*> look_up_stage(const State& state, const std::string& api_id, const std::string& name) {
  const auto api = look_up_api(state, api_id);
  if (!api) return std::unexpected(api.error());
  const auto found = (*api)->stages.find(name);
  if (found == (*api)->stages.end()) return no_such_stage();
  return &found->second;
}

}  // namespace sallyport::http_api
