// Issuers: the keys of those who issue tokens, found through OpenID Connect discovery, kept and fetched anew within bounds; and tokens
// verified with them, kept until they expire.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "identity/jwt.hpp"
#include "io/loop.hpp"

namespace sallyport::oidc {

/// Issuers that live in this process (user pools): asked before anything is fetched. May be called from any thread; must not wait.
class LocalIssuers {
 public:
  virtual ~LocalIssuers() = default;
  /// The keys of `https://cognito-idp.REGION.amazonaws.com/POOL`; nothing for an issuer that is not ours.
  virtual std::optional<identity::KeySet> find(std::string_view issuer) const = 0;
};

/// May be called on every loop.
class Issuers {
 public:
  virtual ~Issuers() = default;
  /// Signature, issuer and times of a token. Keys come from the local issuers, from configured key sets, or from
  /// `<issuer>/.well-known/openid-configuration` and its `jwks_uri`. A token that was verified before with the same rules and keys costs
  /// one look-up.
  virtual Task<Result<identity::TokenPtr, identity::TokenRefusal>> verify(io::Loop& loop, std::string_view token,
                                                                          const identity::TokenRules& rules) = 0;
  /// The token, if `verify` would find it verified before with the same rules and keys: without reading the text, waiting or asking
  /// anybody. Null says nothing about it.
  virtual identity::TokenPtr known(std::string_view /*token*/, const identity::TokenRules& /*rules*/) { return nullptr; }
  /// The issuer's `jwks_uri`, read now: for who configures an authorizer and wants to know whether it can work.
  virtual Task<Result<std::string>> discover(io::Loop& loop, std::string issuer) = 0;
};

}  // namespace sallyport::oidc
