// TrustedIssuers: the one implementation of Issuers. Keys of this process first, then configured ones, then fetched ones.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "oidc/fetched_keys.hpp"
#include "oidc/issuers.hpp"
#include "oidc/token_cache.hpp"

namespace sallyport::oidc {

/// May be used on every loop; outlives the tasks of all loops. `clock`, `local` and `fetcher` outlive it.
class TrustedIssuers final : public Issuers {
 public:
  struct Options {
    /// Issuer to the text of its key set (RFC 7517), for issuers that cannot be called, or must not be.
    std::map<std::string, std::string, std::less<>> configured;
    Reach reach;
    FetchedKeys::Limits fetching;
    TokenCache::Limits cache;
  };
  /// Fails when a configured text is no key set, or has no key that can be used.
  static Result<std::unique_ptr<TrustedIssuers>> make(const Clock& clock, const LocalIssuers* local, Fetcher& fetcher, Options options);

  Task<Result<identity::TokenPtr, identity::TokenRefusal>> verify(io::Loop& loop, std::string_view token,
                                                                  const identity::TokenRules& rules) override;
  identity::TokenPtr known(std::string_view token, const identity::TokenRules& rules) override;
  /// Issuers of this process and configured ones have no document to read: theirs is where Cognito keeps it,
  /// `<issuer>/.well-known/jwks.json`.
  Task<Result<std::string>> discover(io::Loop& loop, std::string issuer) override;

 private:
  using Verified = Result<identity::TokenPtr, identity::TokenRefusal>;
  using Configured = std::map<std::string, identity::KeySet, std::less<>>;
  TrustedIssuers(const Clock& clock, const LocalIssuers* local, Fetcher& fetcher, Configured configured, Options options);
  /// Keys nobody has to be asked for.
  std::optional<identity::KeySet> keys_at_hand(std::string_view issuer) const;
  Verified check(std::string_view token, const identity::KeySet& keys, const identity::TokenRules& rules);
  Task<Verified> verify_with_fetched(io::Loop& loop, std::string_view token, const identity::TokenRules& rules);

  const Clock& clock_;
  const LocalIssuers* local_;
  const Configured configured_;
  FetchedKeys fetched_;
  TokenCache cache_;
};

}  // namespace sallyport::oidc
