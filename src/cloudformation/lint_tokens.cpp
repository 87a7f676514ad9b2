#include "cloudformation/lint_tokens.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "cognito/operations.hpp"
#include "cognito/signing_keys.hpp"
#include "gateway/operations.hpp"

namespace sallyport::cloudformation {
namespace {

constexpr std::string_view self_service_scope = "aws.cognito.signin.user.admin";
constexpr std::size_t listed_max = 4;

bool contains(const std::vector<std::string>& list, std::string_view text) { return std::ranges::find(list, text) != list.end(); }

std::string list(std::vector<std::string> names) {
  const bool more = names.size() > listed_max;
  if (more) names.resize(listed_max);
  return cat(join(names, ", "), more ? ", ..." : "");
}

/// Does a sign-in by the API or SRP give this client's users tokens? Clients of client_credentials have no users.
bool has_users(const cognito::Client& client) {
  const bool by_page = client.oauth_enabled && (contains(client.oauth_flows, "code") || contains(client.oauth_flows, "implicit"));
  const auto& flows = client.explicit_auth_flows;
  const bool by_api = std::ranges::any_of(flows, [](const std::string& flow) { return !flow.ends_with("REFRESH_TOKEN_AUTH"); });
  return by_page || (by_api && !(client.oauth_enabled && contains(client.oauth_flows, "client_credentials")));
}

/// May an access token of this client carry the scope?
bool may_have(const cognito::Client& client, std::string_view scope) {
  if (scope == self_service_scope && has_users(client)) return true;
  return client.oauth_enabled && contains(client.oauth_scopes, scope);
}

class TokenLinter {
 public:
  TokenLinter(const Stack& stack, const Finder& find) : stack_(stack), find_(find) {}

  void run() {
    for (const auto& [api_id, api] : stack_.gateway.apis)
      for (const auto& [name, stage] : api->stages)
        if (const auto deployment = api->deployments.find(stage.deployment_id); deployment != api->deployments.end())
          check_rest(*api, *deployment->second->definition);
    for (const auto& [api_id, api] : stack_.http_api.apis)
      for (const auto& [name, stage] : api->stages)
        if (const auto deployment = api->deployments.find(stage.deployment_id); deployment != api->deployments.end())
          check_http(*api, *deployment->second->definition);
  }

 private:
  using Pools = std::vector<const cognito::UserPool*>;

  static Location at(const auto& places, const auto& key) {
    const auto found = places.find(key);
    return found == places.end() ? Location{} : found->second;
  }

  template <class Test>
  static bool any_client(const Pools& pools, Test test) {
    return std::ranges::any_of(pools, [&](const auto* pool) {
      return std::ranges::any_of(pool->clients, [&](const auto& entry) { return test(*entry.second); });
    });
  }
  static bool have_clients(const Pools& pools) {
    return std::ranges::any_of(pools, [](const auto* pool) { return !pool->clients.empty(); });
  }

  void check_rest(const gateway::RestApi& api, const gateway::Definition& definition) {
    for (const auto& [id, resource] : definition.resources)
      for (const auto& [verb, method] : resource.methods) {
        if (method.authorization != gateway::AuthorizationType::cognito_user_pools || !method.authorizer_id) continue;
        const auto authorizer = definition.authorizers.find(*method.authorizer_id);
        if (authorizer == definition.authorizers.end()) continue;
        const auto pools = pools_of(authorizer->second);
        if (!pools || !have_clients(*pools)) continue;  // clients may be made elsewhere
        check_scopes(*pools, method.authorization_scopes, at(stack_.sources.methods, std::tuple(api.id, id, verb)),
                     cat("method ", verb, " ", resource.path), "401", true);
      }
    check_policy(api, definition);
  }

  /// Nothing when one of them is not of this stack.
  std::optional<Pools> pools_of(const gateway::AuthorizerSettings& authorizer) const {
    Pools out;
    for (const auto& arn : authorizer.provider_arns) {
      const auto id = cognito::pool_id_of_arn(arn);
      const auto* pool = id ? cognito::find_pool(stack_.cognito, *id) : nullptr;
      if (!pool) return std::nullopt;
      out.push_back(pool);
    }
    return out;
  }

  void check_scopes(const Pools& pools, const std::vector<std::string>& scopes, Location place, const std::string& where,
                    std::string_view status, bool id_tokens_without) {
    if (scopes.empty()) {
      if (!id_tokens_without || any_client(pools, has_users)) return;
      find_(place, where,
            cat("has no AuthorizationScopes and so takes ID tokens alone, and the clients of its user pool get access tokens alone "
                "(client_credentials): AWS answers every call with ",
                status),
            "add AuthorizationScopes: with them access tokens are taken");
      return;
    }
    const bool somebody = std::ranges::any_of(scopes, [&](const auto& scope) {
      return any_client(pools, [&](const cognito::Client& client) { return may_have(client, scope); });
    });
    if (somebody) return;
    find_(place, where,
          cat("asks for the scope ", list(scopes), ", which no client of its user pool may ask for: AWS answers every call with ", status),
          "add it to AllowedOAuthScopes of a client (with AllowedOAuthFlowsUserPoolClient: true), or take it out");
  }

  /// Allow statements for principals of IAM let nobody in where nobody says who he is.
  void check_policy(const gateway::RestApi& api, const gateway::Definition& definition) {
    if (!definition.resource_policy || !allows_named_principals_alone(*definition.resource_policy)) return;
    std::vector<std::string> open;
    Location place;
    for (const auto& [id, resource] : definition.resources)
      for (const auto& [verb, method] : resource.methods) {
        if (method.authorization != gateway::AuthorizationType::none) continue;
        if (open.empty()) place = at(stack_.sources.methods, std::tuple(api.id, id, verb));
        open.push_back(cat(verb, " ", resource.path));
      }
    if (open.empty()) return;
    find_(place, cat("API ", api.name),
          cat("its resource policy allows certain principals alone, and ", list(open),
              " asks nobody to sign: callers there are nobody's principals, and AWS answers them with 403"),
          "set AuthorizationType: AWS_IAM on the method, or allow Principal \"*\" in the policy");
  }

  static bool allows_named_principals_alone(const json::Value& policy) {
    const auto* statements = policy.find("Statement");
    if (statements == nullptr) return false;
    const json::Array one{*statements};
    const auto& all = statements->array() ? *statements->array() : one;
    bool names = false;
    for (const auto& statement : all) {
      const auto* effect = statement.find("Effect");
      if (effect == nullptr || effect->string() == nullptr || *effect->string() != "Allow") continue;
      const auto* principal = statement.find("Principal");
      if (principal == nullptr) return false;
      const auto* aws = principal->find("AWS");
      if (aws == nullptr || is_everybody(*aws)) return false;  // everybody, or a service
      names = true;
    }
    return names;
  }
  static bool is_everybody(const json::Value& principal) {
    if (const auto* text = principal.string()) return *text == "*";
    return principal.array() && std::ranges::any_of(*principal.array(), [](const json::Value& each) { return is_everybody(each); });
  }

  // HTTP APIs

  void check_http(const http_api::Api& api, const http_api::Definition& definition) {
    for (const auto& [id, authorizer] : definition.authorizers) check_audiences(api, authorizer, definition);
    for (const auto& [id, route] : definition.routes) {
      if (route.authorization != http_api::AuthorizationType::jwt || !route.authorizer_id) continue;
      const auto authorizer = definition.authorizers.find(*route.authorizer_id);
      const auto* pool = authorizer == definition.authorizers.end() ? nullptr : pool_of(authorizer->second.issuer);
      if (!pool || pool->clients.empty() || route.scopes.empty()) continue;
      check_scopes({pool}, route.scopes, at(stack_.sources.http_routes, std::pair(api.id, id)), cat("route ", route.key), "403", false);
    }
    check_open_routes(api, definition);
  }

  const cognito::UserPool* pool_of(std::string_view issuer) const {
    for (const auto& [id, pool] : stack_.cognito.pools)
      if (cognito::issuer_of(*pool) == issuer) return &*pool;
    return nullptr;
  }

  void check_audiences(const http_api::Api& api, const http_api::Authorizer& authorizer, const http_api::Definition& definition) {
    const auto* pool = authorizer.type == http_api::AuthorizerType::jwt ? pool_of(authorizer.issuer) : nullptr;
    const bool used =
        std::ranges::any_of(definition.routes, [&](const auto& entry) { return entry.second.authorizer_id == authorizer.id; });
    if (!pool || !used || pool->clients.empty()) return;
    if (std::ranges::any_of(authorizer.audiences, [&](const auto& audience) { return pool->client(audience) != nullptr; })) return;
    find_(at(stack_.sources.http_authorizers, std::pair(api.id, authorizer.id)), cat("authorizer ", authorizer.name),
          cat("its audience ", list(authorizer.audiences),
              " is no client of its user pool, and tokens name the client they are for: AWS "
              "answers every call with 401"),
          "name the client: JwtConfiguration.Audience: [!Ref Client]");
  }

  void check_open_routes(const http_api::Api& api, const http_api::Definition& definition) {
    const bool guards = std::ranges::any_of(
        definition.routes, [](const auto& entry) { return entry.second.authorization != http_api::AuthorizationType::none; });
    if (!guards) return;
    for (const auto& [id, route] : definition.routes) {
      if (route.authorization != http_api::AuthorizationType::none || route.key.starts_with("OPTIONS ")) continue;
      if (stack_.sources.open_on_purpose.contains(std::pair(api.id, id))) continue;
      find_(at(stack_.sources.http_routes, std::pair(api.id, id)), cat("route ", route.key),
            "says nothing of who may call it, beside routes that are guarded: everybody may",
            "name its authorizer, or say that it is open (AuthorizationType: NONE; in a definition `security: []`)");
    }
  }

  const Stack& stack_;
  const Finder& find_;
};

}  // namespace

void lint_tokens(const Stack& stack, const Finder& find) { TokenLinter(stack, find).run(); }

}  // namespace sallyport::cloudformation
