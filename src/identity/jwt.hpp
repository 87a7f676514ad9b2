// JSON Web Tokens: who says so, and is it true? Pure: keys and the time are given.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "identity/jws.hpp"
#include "identity/key_set.hpp"
#include "json/value.hpp"

namespace sallyport::identity {

/// A token whose signature, issuer and times hold. Immutable.
struct Token {
  std::string algorithm;
  std::string kid;
  json::Value claims;  // an object
  WallTime expires;
  WallTime not_before{};  // the later of nbf and iat

  /// A claim that is text; nothing for other kinds.
  std::string_view text(std::string_view claim) const;
  /// From `scope` (separated by spaces) or `scp` (a list, or text).
  std::vector<std::string> scopes() const;
};
using TokenPtr = std::shared_ptr<const Token>;

/// What a door asks of every token before it looks at audience and scopes.
struct TokenRules {
  std::string issuer;                   // equals `iss` to the letter
  std::vector<std::string> algorithms;  // allowed `alg`: RS256, ES384, PS512, EdDSA, ...; never none or HS*
  /// How long fetched keys of this issuer count as fresh. Two hours at HTTP APIs, one at REST APIs.
  std::chrono::seconds keys_fresh{std::chrono::hours(2)};
};

/// Algorithms on RSA keys: what HTTP APIs and user pools go by.
const std::vector<std::string>& rsa_algorithms();
/// Whether a door may have this algorithm on its list at all.
bool is_door_algorithm(std::string_view name);

/// Header, payload and issuer of a token as it claims them, nothing verified: only to find the keys it would have to be signed with.
struct UnverifiedToken {
  std::string algorithm;
  std::string kid;
  std::string issuer;
  json::Value claims;
};
Result<UnverifiedToken, TokenRefusal> read_unverified(std::string_view token);

/// Verifies with these keys, at this time: form and algorithm, signature, then issuer, times. A token without `kid` is refused. The end
/// counts as expired; the times have no leeway.
Result<TokenPtr, TokenRefusal> verify_token(std::string_view token, const KeySet& keys, const TokenRules& rules, WallTime now);

/// What may change about a token that was verified before: whether its issuer and algorithm suit these rules, and its times this clock.
Result<void, TokenRefusal> check_again(const Token& token, const TokenRules& rules, WallTime now);

/// Takes `Bearer ` (any case) away from in front of a token.
std::string_view bare_token(std::string_view header_value);

/// HTTP APIs: `aud` (text or list), or `client_id` where there is no `aud`, is one of these.
bool fits_audience(const Token& token, const std::vector<std::string>& audience);
/// At least one of `wanted` is among the token's scopes; true when nothing is wanted.
bool has_scope(const Token& token, const std::vector<std::string>& wanted);

/// `error_description` of the WWW-Authenticate header of an HTTP API. Three texts are recorded from AWS (segments, audience,
/// keys_unavailable); the others are ours, one fixed text a fault.
std::string_view error_description(TokenFault fault);

}  // namespace sallyport::identity
