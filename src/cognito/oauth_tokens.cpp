// The endpoints programs call: token, userInfo, revoke.
#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "cognito/oauth_call.hpp"
#include "cognito/schema.hpp"
#include "identity/jwt.hpp"
#include "json/write.hpp"

namespace sallyport::cognito {
namespace {

bool contains(const std::vector<std::string>& list, std::string_view text) { return std::ranges::find(list, text) != list.end(); }

std::string value_of(const TextMap& map, std::string_view name) {
  const auto found = map.find(name);
  return found == map.end() ? std::string() : found->second;
}

/// The client a request is from, which has proven it where it has a secret; null when it has not.
const Client* authenticated_client(const OauthCall& call) {
  const auto credentials = read_client_credentials(call.request.find("Authorization"), call.form);
  const auto* client = credentials ? call.place.pool->client(credentials->client_id) : nullptr;
  if (!client) return nullptr;
  if (client->secret.empty()) return credentials->secret && !credentials->secret->empty() ? nullptr : client;
  return credentials->secret && client->secret.equals(*credentials->secret) ? client : nullptr;
}

http::Response tokens_answer(const IssuedTokens& tokens) {
  std::string body;
  json::Writer writer(body);
  writer.begin_object();
  if (!tokens.id_token.empty()) writer.key("id_token").string(tokens.id_token);
  writer.key("access_token").string(tokens.access_token);
  if (!tokens.refresh_token.empty()) writer.key("refresh_token").string(tokens.refresh_token);
  writer.key("expires_in").number(tokens.expires_in.count()).key("token_type").string("Bearer").end_object();
  return oauth_json(200, std::move(body));
}

/// Why no tokens were made, in OAuth's words: what a function of the pool said is for its owner's log.
http::Response refusal_of(const aws::ApiError& error) {
  if (error.code.find("Lambda") != std::string::npos) return oauth_error("invalid_request");
  if (error.status >= 500) return oauth_json(500, R"({"error":"server_error"})");
  return oauth_error("invalid_grant");
}

Task<http::Response> exchange_code(OauthCall& call, const Client& client) {
  if (!client.oauth_enabled || !contains(client.oauth_flows, "code")) co_return oauth_error("unauthorized_client");
  const auto code = value_of(call.form, "code");
  if (code.empty()) co_return oauth_error("invalid_request");
  auto taken = call.codes.take(code, call.now);
  auto& tokens = call.sign_in.rooms().tokens;
  if (!taken.session_to_end.empty() && taken.pool_id == call.place.pool->id)
    co_await attempt(tokens.end_session(call.loop, call.place.state->scope, taken.pool_id, taken.session_to_end));
  if (!taken.granted) co_return oauth_error("invalid_grant");
  auto& granted = *taken.granted;
  const auto verifier = value_of(call.form, "code_verifier");
  const bool proven = granted.code_challenge.empty() ? verifier.empty() : verifies_challenge(granted.code_challenge, verifier);
  if (granted.user.pool_id != call.place.pool->id || granted.user.client_id != client.id ||
      granted.redirect_uri != value_of(call.form, "redirect_uri") || !proven)
    co_return oauth_error("invalid_grant");
  const auto issued = co_await attempt(tokens.issue(call.loop, std::move(granted.user)));
  if (!issued) co_return refusal_of(issued.error());
  if (!call.codes.exchanged(code, issued->session_id)) {
    co_await attempt(tokens.end_session(call.loop, call.place.state->scope, call.place.pool->id, issued->session_id));
    co_return oauth_error("invalid_grant");
  }
  co_return tokens_answer(*issued);
}

Task<http::Response> exchange_refresh_token(OauthCall& call, const Client& client) {
  if (!client.oauth_enabled) co_return oauth_error("unauthorized_client");
  RefreshRequest request{client.id, value_of(call.form, "refresh_token")};
  if (request.refresh_token.empty()) co_return oauth_error("invalid_request");
  const auto issued = co_await attempt(call.sign_in.rooms().tokens.refresh(call.loop, call.place, std::move(request)));
  co_return issued ? tokens_answer(*issued) : refusal_of(issued.error());
}

Task<http::Response> grant_to_client(OauthCall& call, const Client& client) {
  if (!client.oauth_enabled || !contains(client.oauth_flows, "client_credentials") || client.secret.empty())
    co_return oauth_error("unauthorized_client");
  const auto& pool = *call.place.pool;
  auto scopes = split_scopes(value_of(call.form, "scope"));
  const bool all = scopes.empty();
  if (all) scopes = client.oauth_scopes;
  std::vector<std::string> granted;
  for (const auto& scope : scopes) {
    // What is a user's to give is no client's own.
    const bool may = contains(client.oauth_scopes, scope) && scope.find('/') != std::string::npos && scope_exists(pool, scope);
    if (may)
      granted.push_back(scope);
    else if (!all)
      co_return oauth_error("invalid_scope");
  }
  if (granted.empty()) co_return oauth_error("invalid_scope");
  const auto issued = co_await attempt(call.sign_in.rooms().tokens.issue_to_client(call.loop, call.place, client.id, std::move(granted)));
  co_return issued ? tokens_answer(*issued) : refusal_of(issued.error());
}

http::Response invalid_token(std::string_view description) {
  std::string body;
  json::Writer(body).begin_object().key("error").string("invalid_token").key("error_description").string(description).end_object();
  auto response = oauth_json(401, std::move(body));
  response.add("WWW-Authenticate", cat("error=\"invalid_token\", error_description=\"", description, "\""));
  return response;
}

}  // namespace

Task<http::Response> answer_token(OauthCall& call) {
  const auto grant = value_of(call.form, "grant_type");
  if (grant.empty()) co_return oauth_error("invalid_request");
  const auto* client = authenticated_client(call);
  if (!client) co_return oauth_error("invalid_client");
  if (grant == "authorization_code") co_return co_await exchange_code(call, *client);
  if (grant == "refresh_token") co_return co_await exchange_refresh_token(call, *client);
  if (grant == "client_credentials") co_return co_await grant_to_client(call, *client);
  co_return oauth_error("unsupported_grant_type");
}

http::Response answer_user_info(OauthCall& call) {
  const auto* authorization = call.request.find("Authorization");
  if (!authorization || !starts_with_ignoring_case(*authorization, "Bearer ")) {
    auto response = oauth_json(400, R"({"error":"invalid_request","error_description":"the access token is missing"})");
    return response;
  }
  const auto bearer = call.sign_in.rooms().tokens.verify_any(identity::bare_token(*authorization), call.now);
  if (!bearer || bearer->pool_id != call.place.pool->id)
    return invalid_token("Access token is expired, disabled, or deleted, or the user has globally signed out.");
  if (!contains(bearer->scopes, "openid")) return invalid_token("Access token does not contain openid scope.");
  const auto* user = call.place.pool->users.find(bearer->username);
  const auto* client = call.place.pool->client(bearer->client_id);
  if (!user || !client) return invalid_token("Access token is expired, disabled, or deleted, or the user has globally signed out.");
  // Everything is text here, what an ID token has as true and false as well.
  std::string body;
  json::Writer writer(body);
  writer.begin_object().key("sub").string(user->sub);
  for (const auto& [name, value] : attribute_claims(*client, *user, bearer->scopes)) writer.key(name).string(*user->attribute(name));
  writer.key("username").string(user->username).end_object();
  return oauth_json(200, std::move(body));
}

Task<http::Response> answer_revoke(OauthCall& call) {
  auto token = value_of(call.form, "token");
  if (token.empty()) co_return oauth_error("invalid_request");
  const auto* client = authenticated_client(call);
  if (!client) co_return oauth_error("invalid_client");
  if (!client->revocation) co_return oauth_error("invalid_request");
  if (identity::read_unverified(token)) co_return oauth_error("unsupported_token_type");
  const auto outcome = co_await attempt(call.sign_in.rooms().tokens.revoke(call.loop, call.place, client->id, std::move(token)));
  if (!outcome) co_return refusal_of(outcome.error());
  if (*outcome == TokenIssuer::Revocation::other_client) co_return oauth_error("invalid_client");
  // A token that nobody knows does nobody any harm (RFC 7009, 2.2).
  co_return oauth_json(200, "");
}

}  // namespace sallyport::cognito
