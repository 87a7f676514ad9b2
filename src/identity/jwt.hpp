// JSON Web Tokens: who says so, and is it true? Pure: keys and the time are given.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "identity/key_set.hpp"
#include "json/value.hpp"

namespace sallyport::identity {

/// Why a token is not believed.
enum class TokenFault : std::uint8_t {
  malformed,       // no JWS in compact form, or its parts are not what they must be
  segments,        // not three parts: AWS has a text of its own for this
  algorithm,       // none, symmetric, not among the allowed, or not the key's
  unknown_key,     // no key of that `kid`: the caller may fetch anew
  signature,
  issuer,
  expired,
  not_yet_valid,   // nbf or iat lies ahead
  claims,          // exp is missing, or a claim has the wrong type
  audience,
  scope,
  token_use,
  keys_unavailable,  // the issuer's keys could not be read
};

struct TokenRefusal {
  TokenFault fault;
  std::string detail;  // for traces, one sentence, lower case, never the token itself
};

/// A token whose signature, issuer and times hold. Immutable.
struct Token {
  std::string algorithm;
  std::string kid;
  json::Value claims;  // an object
  WallTime expires;

  /// A claim that is text; nothing for other kinds.
  std::string_view text(std::string_view claim) const;
  /// From `scope` (separated by spaces) or `scp` (a list, or text).
  std::vector<std::string> scopes() const;
};
using TokenPtr = std::shared_ptr<const Token>;

/// What a door asks of every token before it looks at audience and scopes.
struct TokenRules {
  std::string issuer;                    // equals `iss` to the letter
  std::vector<std::string> algorithms;   // allowed `alg`: RS256, ES384, PS512, EdDSA, ...; never none or HS*
};

/// Header, payload and issuer of a token as it claims them, nothing verified: only to find the keys it would have to be signed with.
struct UnverifiedToken {
  std::string algorithm;
  std::string kid;
  std::string issuer;
  json::Value claims;
};
Result<UnverifiedToken, TokenRefusal> read_unverified(std::string_view token);

/// Verifies with these keys, at this time.
Result<TokenPtr, TokenRefusal> verify_token(std::string_view token, const KeySet& keys, const TokenRules& rules, WallTime now);

/// Takes `Bearer ` (any case) away from in front of a token.
std::string_view bare_token(std::string_view header_value);

/// HTTP APIs: `aud` (text or list), or `client_id` where there is no `aud`, is one of these.
bool fits_audience(const Token& token, const std::vector<std::string>& audience);
/// At least one of `wanted` is among the token's scopes; true when nothing is wanted.
bool has_scope(const Token& token, const std::vector<std::string>& wanted);

}  // namespace sallyport::identity
