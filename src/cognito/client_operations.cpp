// Clients of user pools.
#include <algorithm>

#include "cognito/errors.hpp"
#include "cognito/operations.hpp"
#include "cognito/schema.hpp"

namespace sallyport::cognito {
namespace {

constexpr std::size_t clients_max = 1000;
constexpr std::size_t id_length = 26, secret_length = 52;
constexpr const char* lower_alphanumeric = "abcdefghijklmnopqrstuvwxyz0123456789";

bool contains(const std::vector<std::string>& list, std::string_view text) { return std::ranges::find(list, text) != list.end(); }

std::unexpected<aws::ApiError> bad_flow(std::string message) { return refused("InvalidOAuthFlowException", std::move(message)); }

Answer<> check_flows(const ClientRequest& request) {
  bool old_style = false, new_style = false;
  for (const auto& flow : request.explicit_auth_flows) (flow.starts_with("ALLOW_") ? new_style : old_style) = true;
  if (old_style && new_style)
    return invalid_parameter(
        "Values of ExplicitAuthFlows that begin with ALLOW_ and those of before cannot be mixed: ADMIN_NO_SRP_AUTH, CUSTOM_AUTH_FLOW_ONLY, "
        "USER_PASSWORD_AUTH");
  return {};
}

Answer<> check_url(std::string_view url) {
  if (url.find("://") == std::string_view::npos || url.find('#') != std::string_view::npos)
    return invalid_parameter(cat("Invalid URL: ", url, ": it has to be absolute and without a fragment"));
  if (!url.starts_with("http://")) return {};
  const auto host = url.substr(7);
  for (const std::string_view local : {"localhost", "127.0.0.1", "[::1]"})
    if (host == local || (host.starts_with(local) && (host[local.size()] == ':' || host[local.size()] == '/' || host[local.size()] == '?')))
      return {};
  return invalid_parameter(cat(url, " cannot use the HTTP protocol."));
}

Answer<> check_urls(const ClientRequest& request) {
  for (const auto* list : {&request.callback_urls, &request.logout_urls})
    for (const auto& url : *list)
      if (auto checked = check_url(url); !checked) return checked;
  if (!request.default_redirect_uri.empty() && !contains(request.callback_urls, request.default_redirect_uri))
    return invalid_parameter("DefaultRedirectURI is not in CallbackURLs");
  return {};
}

Answer<> check_scopes(const UserPool& pool, const std::vector<std::string>& scopes) {
  constexpr std::string_view of_everybody[] = {"openid", "email", "phone", "profile", "aws.cognito.signin.user.admin"};
  for (const auto& scope : scopes) {
    if (std::ranges::find(of_everybody, scope) != std::end(of_everybody)) continue;
    const bool known = std::ranges::any_of(pool.resource_servers, [&](const auto& each) {
      return std::ranges::any_of(each.second->scopes, [&](const Scope& own) { return cat(each.first, "/", own.name) == scope; });
    });
    if (!known) return refused("ScopeDoesNotExistException", cat("Invalid scope requested: ", scope));
  }
  return {};
}

Answer<> check_oauth(const UserPool& pool, const ClientRequest& request, bool has_secret) {
  const auto& flows = request.oauth_flows;
  if (request.oauth_enabled && (flows.empty() || request.oauth_scopes.empty()))
    return invalid_parameter("AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed to use OAuth flows.");
  if (contains(flows, "client_credentials")) {
    if (flows.size() > 1) return bad_flow("client_credentials flow can not be selected along with code flow or implicit flow.");
    if (!has_secret) return bad_flow("client_credentials flow can not be selected if client does not have a client secret.");
    for (const auto& scope : request.oauth_scopes)
      if (scope.find('/') == std::string::npos)
        return bad_flow(cat("The scope ", scope, " can not be selected with the client_credentials flow: only those of resource servers"));
  }
  for (const auto& provider : request.supported_identity_providers)
    if (provider != "COGNITO") return invalid_parameter(cat("The provider ", provider, " does not exist for User Pool ", pool.id));
  return check_scopes(pool, request.oauth_scopes);
}

Answer<> check_validity(const ClientRequest& request) {
  constexpr Seconds access_min{300}, access_max{86'400}, refresh_min{3600}, refresh_max{315'360'000};
  const auto access = lifetime_of(request.access_token, "hours", Seconds(3600));
  const auto id = lifetime_of(request.id_token, "hours", Seconds(3600));
  const auto refresh = lifetime_of(request.refresh_token, "days", Seconds(30 * 86'400));
  for (const auto lifetime : {access, id})
    if (lifetime < access_min || lifetime > access_max) return invalid_parameter("Invalid range for token validity.");
  if (refresh < refresh_min || refresh > refresh_max) return invalid_parameter("Invalid range for token validity.");
  if (refresh < access || refresh < id) return invalid_parameter("Refresh token validity cannot be less than access or id token validity.");
  return {};
}

Answer<> check_permissions(const UserPool& pool, const ClientRequest& request) {
  for (const auto& name : request.read_attributes)
    if (!pool.schema_attribute(name)) return invalid_parameter("Invalid read attributes specified while creating a client");
  for (const auto& name : request.write_attributes)
    if (!pool.schema_attribute(name) || name == "sub" || name == "email_verified" || name == "phone_number_verified")
      return invalid_parameter("Invalid write attributes specified while creating a client");
  if (request.write_attributes.empty()) return {};
  for (const auto& each : *pool.schema)
    if (each.required && each.name != "sub" && !contains(request.write_attributes, each.name))
      return invalid_parameter("Invalid write attributes specified while creating a client");
  return {};
}

}  // namespace

Answer<Client> Operations::make_client(const UserPool& pool, const ClientRequest& request) const {
  const auto* before = pool.client(request.id);
  const bool has_secret = before ? !before->secret.empty() : request.generate_secret || !request.secret.empty();
  if (auto checked = check_flows(request); !checked) return std::unexpected(std::move(checked.error()));
  if (auto checked = check_urls(request); !checked) return std::unexpected(std::move(checked.error()));
  if (auto checked = check_oauth(pool, request, has_secret); !checked) return std::unexpected(std::move(checked.error()));
  if (auto checked = check_validity(request); !checked) return std::unexpected(std::move(checked.error()));
  if (auto checked = check_permissions(pool, request); !checked) return std::unexpected(std::move(checked.error()));
  if (request.propagates_user_context && !has_secret)
    return invalid_parameter("EnablePropagateAdditionalUserContextData can only be activated in a client that has a client secret");
  const bool rotates = request.refresh_token_rotation.value_or(false);
  if (rotates && contains(request.explicit_auth_flows, "ALLOW_REFRESH_TOKEN_AUTH"))
    return invalid_parameter("Refresh token rotation cannot be enabled together with ALLOW_REFRESH_TOKEN_AUTH.");
  Client client;
  client.id = request.id;
  client.name = request.name;
  client.modified = now_;
  client.explicit_auth_flows = request.explicit_auth_flows;
  if (client.explicit_auth_flows.empty()) {
    client.explicit_auth_flows = {"ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH"};
    if (rotates) client.explicit_auth_flows.erase(client.explicit_auth_flows.begin());
  }
  client.access_token = request.access_token;
  client.id_token = request.id_token;
  client.refresh_token = request.refresh_token;
  client.shows_validity_units = request.says_validity_units;
  client.read_attributes = request.read_attributes;
  client.write_attributes = request.write_attributes;
  client.limits_reading = !request.read_attributes.empty();
  client.limits_writing = !request.write_attributes.empty();
  client.supported_identity_providers = request.supported_identity_providers;
  client.callback_urls = request.callback_urls;
  client.logout_urls = request.logout_urls;
  client.default_redirect_uri = request.default_redirect_uri;
  client.oauth_flows = request.oauth_flows;
  client.oauth_scopes = request.oauth_scopes;
  client.oauth_enabled = request.oauth_enabled;
  client.prevent_user_existence = request.prevent_user_existence_errors;
  client.hides_user_existence = request.prevent_user_existence_errors == "ENABLED";
  client.revocation = request.token_revocation;
  client.propagates_user_context = request.propagates_user_context;
  client.auth_session_validity_minutes = request.auth_session_validity_minutes;
  client.rotates_refresh_tokens = rotates;
  client.shows_rotation = request.refresh_token_rotation.has_value();
  client.rotation_grace_s = request.rotation_grace_s;
  return client;
}

Answer<const Client*> Operations::create_user_pool_client(ClientRequest request) {
  const auto* pool = cognito::find_pool(state_, request.pool_id);
  if (!pool) return no_such_pool(request.pool_id);
  if (pool->clients.size() >= clients_max)
    return refused("LimitExceededException", cat("The user pool has ", clients_max, " clients already"));
  if (request.generate_secret && !request.secret.empty())
    return invalid_parameter("GenerateSecret and ClientSecret cannot be specified together");
  if (request.id.empty()) do {
      request.id = make_id(random_, id_length, lower_alphanumeric);
    } while (find_pool_of_client(state_, request.id));
  else if (find_pool_of_client(state_, request.id))
    return invalid_parameter(cat("User pool client ", request.id, " already exists."));
  auto client = make_client(*pool, request);
  if (!client) return std::unexpected(std::move(client.error()));
  client->created = now_;
  if (request.generate_secret) request.secret = make_id(random_, secret_length, lower_alphanumeric);
  client->secret = crypto::Secret(std::move(request.secret));
  put_client(state_, request.pool_id, std::move(*client));
  return cognito::find_pool(state_, request.pool_id)->client(request.id);
}

Answer<const Client*> Operations::update_user_pool_client(ClientRequest request) {
  const auto* pool = cognito::find_pool(state_, request.pool_id);
  if (!pool) return no_such_pool(request.pool_id);
  const auto* before = pool->client(request.id);
  if (!before) return no_such_client(request.id);
  if (request.name.empty()) request.name = before->name;
  auto client = make_client(*pool, request);
  if (!client) return std::unexpected(std::move(client.error()));
  client->created = before->created;
  client->secret = before->secret;
  put_client(state_, request.pool_id, std::move(*client));
  return cognito::find_pool(state_, request.pool_id)->client(request.id);
}

Answer<> Operations::delete_user_pool_client(std::string_view pool_id, std::string_view client_id) {
  auto pool = find_pool(pool_id);
  if (!pool) return std::unexpected(std::move(pool.error()));
  if (!(*pool)->client(client_id)) return no_such_client(client_id);
  std::vector<std::string> ended;
  (*pool)->sessions.walk([&](const std::string& id, const Session& session) {
    if (session.client_id == client_id) ended.push_back(id);
    return true;
  });
  for (const auto& id : ended) erase_session(**pool, id);
  erase_client(state_, pool_id, client_id);
  return {};
}

}  // namespace sallyport::cognito
