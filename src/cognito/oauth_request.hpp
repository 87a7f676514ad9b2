// What a client sends to a pool's OAuth endpoints, read strictly: forms, client credentials, authorization requests. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "cognito/state.hpp"

namespace sallyport::cognito {

namespace limits {
inline constexpr std::size_t oauth_body_bytes_max = 64 * 1024;
inline constexpr std::size_t oauth_parameter_bytes_max = 4'096;  // of `state` and its like
}  // namespace limits

/// Parameters of a query or a form post. Nothing where one is there twice (RFC 6749, 3.1), or the text has no one reading.
std::optional<TextMap> read_parameters(std::string_view text);

/// How a client names itself and proves it.
struct ClientCredentials {
  std::string client_id;
  std::optional<std::string> secret;
};
/// From `Authorization: Basic` (null when there is none) or from the form; nothing when both speak, or neither does.
std::optional<ClientCredentials> read_client_credentials(const std::string_view* authorization, const TextMap& form);

/// An authorization request that its client may make.
struct AuthorizationRequest {
  std::string client_id;
  std::string redirect_uri;  // one of the client's
  bool implicit = false;     // response_type=token
  std::vector<std::string> scopes;
  std::string state, nonce, code_challenge, login_hint;
};
/// Why one may not be made. Without `redirect_uri` there is nowhere to send the browser with it: it is shown.
struct AuthorizationRefusal {
  std::string error;  // invalid_request, unauthorized_client, invalid_scope, unsupported_response_type, login_required
  std::string description;
  std::string redirect_uri = {};
  std::string state = {};
  bool implicit = false;
};
Result<AuthorizationRequest, AuthorizationRefusal> read_authorization_request(const UserPool& pool, const TextMap& parameters);

/// Is this one of the everybody's scopes, or one of a resource server of this pool as it is now?
bool scope_exists(const UserPool& pool, std::string_view scope);

/// Does the verifier belong to the challenge (RFC 7636, S256)?
bool verifies_challenge(std::string_view challenge, std::string_view verifier);

/// `uri` with parameters behind it, in its query or in its fragment.
std::string with_parameters(std::string_view uri, const std::vector<std::pair<std::string, std::string>>& parameters, bool in_fragment);

}  // namespace sallyport::cognito
