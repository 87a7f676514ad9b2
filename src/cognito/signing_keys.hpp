// The RSA key pairs a pool signs its tokens with: made, used, published (RFC 7517), replaced.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "cognito/state.hpp"

namespace sallyport::cognito {

/// RSA of 2,048 bits, as AWS's. Blocks for some 100 ms: never on a loop. A pool has two in use, the first for ID tokens and the second for
/// access tokens: call it twice.
SigningKey make_signing_key(WallTime now);

/// Of which of a pool's keys in use a token gets its signature.
enum class TokenUse { id, access };
/// Null for a pool without keys.
const SigningKey* signing_key(const UserPool& pool, TokenUse use);

/// A JWS in compact form (RFC 7515) with RS256. Some 1 ms. The error: the key is none.
Result<std::string> sign_token(const SigningKey& key, std::string_view claims);

/// `{"keys": [...]}`: keys in use and those that signed tokens which may not have expired yet.
std::string key_set_text(const UserPool& pool, WallTime now);

/// Puts new keys in the place of those in use, which stay published until every token they signed has expired. Keys that nothing can be
/// signed with any more go.
void replace_signing_keys(UserPool& pool, SigningKey for_id_tokens, SigningKey for_access_tokens, WallTime now);

/// The same as an operation: makes the keys and writes them down. Blocks.
control::Answer<> rotate_signing_keys(Ledger& ledger, const aws::Scope& scope, std::string_view pool_id, WallTime now);

/// https://cognito-idp.REGION.amazonaws.com/POOL
std::string issuer_of(const UserPool& pool);
/// The pool's region, from its id.
std::string_view region_of_pool(std::string_view pool_id);

/// `/.well-known/openid-configuration` of a pool. `endpoints`: scheme and host (and path) of the pool's domain; empty: it has none.
std::string openid_configuration_text(const UserPool& pool, std::string_view key_set_address, std::string_view endpoints);

}  // namespace sallyport::cognito
