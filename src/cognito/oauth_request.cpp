#include "cognito/oauth_request.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "wire/form.hpp"

namespace sallyport::cognito {
namespace {

constexpr std::array<std::string_view, 5> common_scopes{"openid", "email", "phone", "profile", "aws.cognito.signin.user.admin"};
constexpr std::array<std::string_view, 3> scopes_beside_openid{"email", "phone", "profile"};

bool contains(const std::vector<std::string>& list, std::string_view text) { return std::ranges::find(list, text) != list.end(); }

std::string value_of(const TextMap& map, std::string_view name) {
  const auto found = map.find(name);
  return found == map.end() ? std::string() : found->second;
}

bool is_unreserved(char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~'; }

/// 43 characters of base64url: a SHA-256 digest.
bool is_challenge(std::string_view text) {
  const auto bytes = from_base64url(text);
  return bytes && bytes->size() == 32;
}

std::optional<std::vector<std::string>> wanted_scopes(const UserPool& pool, const Client& client, std::string_view text) {
  std::vector<std::string> scopes;
  if (text.empty()) {
    for (const auto& scope : client.oauth_scopes)
      if (scope_exists(pool, scope)) scopes.push_back(scope);
    return scopes;
  }
  for (const auto part : split(text, ' ')) {
    if (part.empty() || contains(scopes, part)) continue;
    if (!contains(client.oauth_scopes, part) || !scope_exists(pool, part)) return std::nullopt;
    scopes.emplace_back(part);
  }
  const bool needs_openid = std::ranges::any_of(scopes_beside_openid, [&](std::string_view scope) { return contains(scopes, scope); });
  if (scopes.empty() || (needs_openid && !contains(scopes, "openid"))) return std::nullopt;
  return scopes;
}

}  // namespace

std::optional<TextMap> read_parameters(std::string_view text) {
  TextMap out;
  if (text.empty()) return out;
  const auto pairs = wire::parse_form(text);
  if (!pairs) return std::nullopt;
  for (const auto& [name, value] : *pairs)
    if (!out.emplace(name, value).second) return std::nullopt;
  return out;
}

std::optional<ClientCredentials> read_client_credentials(const std::string_view* authorization, const TextMap& form) {
  const auto id = value_of(form, "client_id");
  const bool secret_in_form = form.contains("client_secret");
  if (!authorization) {
    if (id.empty()) return std::nullopt;
    return ClientCredentials{id, secret_in_form ? std::optional(value_of(form, "client_secret")) : std::nullopt};
  }
  constexpr std::string_view scheme = "Basic ";
  if (secret_in_form || !starts_with_ignoring_case(*authorization, scheme)) return std::nullopt;
  const auto bytes = from_base64(trim(authorization->substr(scheme.size())));
  const auto colon = bytes ? bytes->find(':') : std::string::npos;
  if (colon == std::string::npos) return std::nullopt;
  auto named = percent_decode(std::string_view(*bytes).substr(0, colon), Plus::is_space);
  auto secret = percent_decode(std::string_view(*bytes).substr(colon + 1), Plus::is_space);
  if (!named || !secret || named->empty() || (!id.empty() && id != *named)) return std::nullopt;
  return ClientCredentials{std::move(*named), std::move(*secret)};
}

bool scope_exists(const UserPool& pool, std::string_view scope) {
  if (std::ranges::find(common_scopes, scope) != common_scopes.end()) return true;
  const auto slash = scope.rfind('/');
  if (slash == std::string_view::npos) return false;
  const auto server = pool.resource_servers.find(scope.substr(0, slash));
  return server != pool.resource_servers.end() &&
         std::ranges::any_of(server->second->scopes, [&](const Scope& each) { return each.name == scope.substr(slash + 1); });
}

Result<AuthorizationRequest, AuthorizationRefusal> read_authorization_request(const UserPool& pool, const TextMap& parameters) {
  AuthorizationRequest out;
  const auto shown = [](std::string description) { return fail(AuthorizationRefusal{"invalid_request", std::move(description)}); };
  for (const auto& [name, value] : parameters)
    if (value.size() > limits::oauth_parameter_bytes_max) return shown(cat("the parameter ", name.substr(0, 64), " is too long"));
  out.client_id = value_of(parameters, "client_id");
  const auto* client = pool.client(out.client_id);
  if (!client) return shown("there is no client with this client_id");
  out.redirect_uri = value_of(parameters, "redirect_uri");
  if (out.redirect_uri.empty()) out.redirect_uri = client->default_redirect_uri;
  // To the letter: a browser with a code is sent nowhere else.
  if (out.redirect_uri.empty() || !contains(client->callback_urls, out.redirect_uri))
    return shown("redirect_uri is not one of the client's callback URLs");
  out.state = value_of(parameters, "state");
  const auto type = value_of(parameters, "response_type");
  out.implicit = type == "token";
  const auto sent_back = [&](std::string error, std::string description) {
    return fail(AuthorizationRefusal{std::move(error), std::move(description), out.redirect_uri, out.state, out.implicit});
  };
  if (type != "code" && type != "token") return sent_back("unsupported_response_type", "response_type must be code or token");
  if (!client->oauth_enabled || !contains(client->oauth_flows, out.implicit ? "implicit" : "code"))
    return sent_back("unauthorized_client", "the client may not use this flow");
  if (!contains(client->supported_identity_providers, "COGNITO"))
    return sent_back("unauthorized_client", "the client does not sign in users of the pool itself");
  auto scopes = wanted_scopes(pool, *client, value_of(parameters, "scope"));
  if (!scopes) return sent_back("invalid_scope", "the client may not have these scopes");
  out.scopes = std::move(*scopes);
  out.code_challenge = value_of(parameters, "code_challenge");
  const auto method = value_of(parameters, "code_challenge_method");
  if (method.empty() != out.code_challenge.empty() || (!method.empty() && method != "S256") ||
      (!out.code_challenge.empty() && !is_challenge(out.code_challenge)))
    return sent_back("invalid_request", "code_challenge must come with code_challenge_method S256");
  if (const auto provider = value_of(parameters, "identity_provider"); !provider.empty() && provider != "COGNITO")
    return sent_back("invalid_request", "there is no such identity provider");
  for (const auto* name : {"idp_identifier", "resource", "request", "request_uri"})
    if (!value_of(parameters, name).empty()) return sent_back("invalid_request", cat(name, " is not supported"));
  // Nobody is ever signed in already: each request shows the page.
  if (value_of(parameters, "prompt") == "none") return sent_back("login_required", "the user has to sign in");
  out.nonce = value_of(parameters, "nonce");
  out.login_hint = value_of(parameters, "login_hint");
  return out;
}

bool verifies_challenge(std::string_view challenge, std::string_view verifier) {
  if (verifier.size() < 43 || verifier.size() > 128 || !std::ranges::all_of(verifier, is_unreserved)) return false;
  return crypto::equals_in_constant_time(to_base64url(crypto::sha256(verifier)), challenge);
}

std::string with_parameters(std::string_view uri, const std::vector<std::pair<std::string, std::string>>& parameters, bool in_fragment) {
  std::string out(uri);
  char separator = in_fragment ? '#' : uri.find('?') == std::string_view::npos ? '?' : '&';
  for (const auto& [name, value] : parameters) {
    out += cat(separator, percent_encode(name), "=", percent_encode(value));
    separator = '&';
  }
  return out;
}

}  // namespace sallyport::cognito
