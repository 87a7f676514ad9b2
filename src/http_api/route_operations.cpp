// Routes: what is answered, by what, and for whom.
#include <algorithm>

#include "base/text.hpp"
#include "gateway/api_error.hpp"
#include "http_api/lookup.hpp"
#include "http_api/operations.hpp"
#include "http_api/route_key.hpp"

namespace sallyport::http_api {
namespace {

using gateway::bad_request;
using gateway::conflict;

constexpr std::size_t route_id_size = 7, scopes_max = 10;  // AWS's quota of scopes for one route

/// Do both answer the same requests, under whatever names their variables have?
bool are_one(const RouteKey& a, const RouteKey& b) {
  return a.method == b.method && a.is_default == b.is_default && a.ends_in_slash == b.ends_in_slash &&
         std::equal(a.segments.begin(), a.segments.end(), b.segments.begin(), b.segments.end(), [](const auto& x, const auto& y) {
           return x.kind == y.kind && (x.kind != RouteSegment::Kind::literal || x.text == y.text);
         });
}

Answer<> check_key(const Definition& definition, const Route& route) {
  if (route.key.empty()) return bad_request("Route key is required");
  const auto key = parse_route_key(route.key);
  if (!key)
    return bad_request(cat("The provided route key is not formatted properly for HTTP protocol. Format should be \"<HTTP METHOD> ",
                           "/<RESOURCE PATH>\" or \"$default\": ", key.error().message));
  for (const auto& [id, other] : definition.routes) {
    if (id == route.id) continue;
    if (other.key == route.key) return conflict(cat("Route with key ", route.key, " already exists for this API"));
    if (const auto theirs = parse_route_key(other.key); theirs && are_one(*key, *theirs))
      return conflict(cat("The provided route key \"", route.key, "\" has a conflicting variable on the same hierarchical level as \"",
                          other.key, "\""));
  }
  return {};
}

Answer<> change_target(const Definition& definition, Route& route, std::string_view target) {
  constexpr std::string_view prefix = "integrations/";
  if (target.empty()) {
    route.integration_id.clear();
    return {};
  }
  if (!target.starts_with(prefix)) return bad_request("Invalid target specified. It must have the form integrations/{integrationId}");
  route.integration_id = target.substr(prefix.size());
  if (!definition.integrations.contains(route.integration_id)) return no_such_integration();
  return {};
}

Answer<AuthorizationType> read_authorization(std::string_view name) {
  for (int i = 0; !name_of(static_cast<AuthorizationType>(i)).empty(); ++i)
    if (name_of(static_cast<AuthorizationType>(i)) == name) return static_cast<AuthorizationType>(i);
  return bad_request("Invalid authorization type specified. Must be one of [NONE, AWS_IAM, CUSTOM, JWT]");
}

std::unexpected<aws::ApiError> invalid_authorizer(AuthorizationType type) {
  return bad_request(cat("Invalid authorizer ID specified. Setting the authorization type to ", name_of(type), " requires a valid ",
                         type == AuthorizationType::jwt ? "JWT " : "", "authorizer."));
}

/// A route must never be open to more than was said: what belongs to another type of authorization is refused.
Answer<> change_authorization(const Definition& definition, Route& route, RouteInput& input) {
  if (input.authorization_type) {
    const auto type = read_authorization(*input.authorization_type);
    if (!type) return std::unexpected(type.error());
    route.authorization = *type;
  }
  const bool asks_authorizer = route.authorization == AuthorizationType::custom || route.authorization == AuthorizationType::jwt;
  const bool names_authorizer = input.authorizer_id && !input.authorizer_id->empty();
  if (names_authorizer && !asks_authorizer)
    return bad_request("An authorizer ID can only be specified with authorization type CUSTOM or JWT");
  if (!asks_authorizer || (input.authorizer_id && !names_authorizer)) route.authorizer_id.reset();
  if (names_authorizer) route.authorizer_id = std::move(*input.authorizer_id);
  if (asks_authorizer) {
    if (!route.authorizer_id) return invalid_authorizer(route.authorization);
    const auto authorizer = definition.authorizers.find(*route.authorizer_id);
    const auto wanted = route.authorization == AuthorizationType::jwt ? AuthorizerType::jwt : AuthorizerType::request;
    if (authorizer == definition.authorizers.end() || authorizer->second.type != wanted) return invalid_authorizer(route.authorization);
  }
  if (input.scopes) {
    if (!input.scopes->empty() && route.authorization != AuthorizationType::jwt)
      return bad_request("Authorization scopes can only be specified with authorization type JWT");
    if (input.scopes->size() > scopes_max) return bad_request(cat("A route can have at most ", scopes_max, " authorization scopes"));
    for (const auto& scope : *input.scopes)
      if (scope.empty() || scope.find(' ') != std::string::npos) return bad_request(cat("Invalid authorization scope specified: ", scope));
    route.scopes = std::move(*input.scopes);
  }
  if (route.authorization != AuthorizationType::jwt) route.scopes.clear();
  return {};
}

Answer<> change_route(const Definition& definition, Route& route, RouteInput input) {
  if (input.key) {
    if (route.managed && *input.key != route.key)
      return bad_request("The route key of a route that quick create made is changed with UpdateApi");
    route.key = std::move(*input.key);
  }
  if (auto good = check_key(definition, route); !good) return good;
  if (input.target)
    if (auto good = change_target(definition, route, *input.target); !good) return good;
  if (auto good = change_authorization(definition, route, input); !good) return good;
  if (input.operation_name) route.operation_name = std::move(*input.operation_name);
  return {};
}

}  // namespace

Answer<const Route*> Operations::create_route(const std::string& api_id, std::string id, RouteInput input) {
  const auto definition = find_definition(api_id);
  if (!definition) return std::unexpected(definition.error());
  Route route;
  route.id = id_or_new(std::move(id), route_id_size);
  if ((*definition)->routes.contains(route.id)) return conflict(cat("A route with the identifier ", route.id, " already exists"));
  if (auto good = change_route(**definition, route, std::move(input)); !good) return std::unexpected(good.error());
  auto& kept = (*definition)->routes[route.id];
  kept = std::move(route);
  return &kept;
}

Answer<> Operations::update_route(const std::string& api_id, const std::string& id, RouteInput input) {
  const auto definition = find_definition(api_id);
  if (!definition) return std::unexpected(definition.error());
  const auto found = (*definition)->routes.find(id);
  if (found == (*definition)->routes.end()) return no_such_route();
  return change_route(**definition, found->second, std::move(input));
}

Answer<> Operations::delete_route(const std::string& api_id, const std::string& id) {
  const auto definition = find_definition(api_id);
  if (!definition) return std::unexpected(definition.error());
  if ((*definition)->routes.erase(id) == 0) return no_such_route();
  return {};
}

}  // namespace sallyport::http_api
