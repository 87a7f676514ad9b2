#include "oidc/trusted_issuers.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace sallyport::oidc {
namespace {

using identity::TokenFault;
using identity::TokenRefusal;

/// Nobody is called for a token that could not be believed whatever the keys are.
Result<void, TokenRefusal> is_worth_a_call(std::string_view token, const identity::TokenRules& rules) {
  const auto claimed = identity::read_unverified(token);
  if (!claimed) return std::unexpected(claimed.error());
  if (std::ranges::find(rules.algorithms, claimed->algorithm) == rules.algorithms.end())
    return fail(TokenRefusal{TokenFault::algorithm, "the algorithm is not among the allowed"});
  if (claimed->issuer != rules.issuer) return fail(TokenRefusal{TokenFault::issuer, "the token is of another issuer"});
  if (claimed->kid.empty()) return fail(TokenRefusal{TokenFault::malformed, "the header names no `kid`"});
  return {};
}

}  // namespace

Result<std::unique_ptr<TrustedIssuers>> TrustedIssuers::make(const Clock& clock, const LocalIssuers* local, Fetcher& fetcher,
                                                             Options options) {
  Configured configured;
  for (const auto& [issuer, text] : options.configured) {
    auto keys = identity::KeySet::parse(text);
    if (!keys) return fail(cat("the keys of issuer `", issuer, "`: ", keys.error().message));
    if (keys->empty()) return fail(cat("the keys of issuer `", issuer, "`: none of them can verify a token"));
    configured.emplace(issuer, std::move(*keys));
  }
  return std::unique_ptr<TrustedIssuers>(new TrustedIssuers(clock, local, fetcher, std::move(configured), std::move(options)));
}

TrustedIssuers::TrustedIssuers(const Clock& clock, const LocalIssuers* local, Fetcher& fetcher, Configured configured, Options options)
    : clock_(clock),
      local_(local),
      configured_(std::move(configured)),
      fetched_(clock, fetcher, std::move(options.reach), options.fetching),
      cache_(options.cache) {}

std::optional<identity::KeySet> TrustedIssuers::keys_at_hand(std::string_view issuer) const {
  if (local_)
    if (auto keys = local_->find(issuer)) return keys;
  if (const auto found = configured_.find(issuer); found != configured_.end()) return found->second;
  return std::nullopt;
}

TrustedIssuers::Verified TrustedIssuers::check(std::string_view text, const identity::KeySet& keys, const identity::TokenRules& rules) {
  const auto now = clock_.wall_now();
  if (text.size() > identity::limits::token_bytes_max) return identity::verify_token(text, keys, rules, now);
  const auto digest = TokenCache::digest_of(text);
  if (auto known = cache_.find(digest, keys)) {
    auto good = identity::check_again(*known, rules, now);
    if (good) return known;
    if (good.error().fault == TokenFault::expired) cache_.drop(digest);
    return std::unexpected(std::move(good.error()));
  }
  auto verified = identity::verify_token(text, keys, rules, now);
  if (verified) cache_.keep(digest, text.size(), keys, *verified);
  return verified;
}

Task<TrustedIssuers::Verified> TrustedIssuers::verify_with_fetched(io::Loop& loop, std::string_view token,
                                                                   const identity::TokenRules& rules) {
  auto keys = fetched_.fresh(rules.issuer, rules.keys_fresh);
  if (!keys) {
    if (auto worth = is_worth_a_call(token, rules); !worth) co_return std::unexpected(std::move(worth.error()));
    auto found = co_await attempt(fetched_.find(loop, rules.issuer, rules.keys_fresh));
    if (!found) co_return fail(TokenRefusal{TokenFault::keys_unavailable, std::move(found.error().message)});
    keys = std::move(*found);
  }
  auto verified = check(token, *keys, rules);
  if (verified || verified.error().fault != TokenFault::unknown_key || !is_worth_a_call(token, rules)) co_return verified;
  const auto newer = co_await attempt(fetched_.find_newer(loop, rules.issuer, *keys));
  if (!newer || newer->keys() == keys->keys()) co_return verified;
  co_return check(token, *newer, rules);
}

Task<Result<identity::TokenPtr, TokenRefusal>> TrustedIssuers::verify(io::Loop& loop, std::string_view token,
                                                                      const identity::TokenRules& rules) {
  if (const auto keys = keys_at_hand(rules.issuer)) co_return check(token, *keys, rules);
  co_return co_await attempt(verify_with_fetched(loop, token, rules));
}

identity::TokenPtr TrustedIssuers::known(std::string_view token, const identity::TokenRules& rules) {
  if (token.size() > identity::limits::token_bytes_max) return nullptr;
  auto keys = keys_at_hand(rules.issuer);
  if (!keys) keys = fetched_.fresh(rules.issuer, rules.keys_fresh);
  if (!keys) return nullptr;
  auto found = cache_.find(TokenCache::digest_of(token), *keys);
  return found && identity::check_again(*found, rules, clock_.wall_now()) ? found : nullptr;
}

Task<Result<std::string>> TrustedIssuers::discover(io::Loop& loop, std::string issuer) {
  if (keys_at_hand(issuer)) co_return cat(issuer.ends_with('/') ? issuer.substr(0, issuer.size() - 1) : issuer, "/.well-known/jwks.json");
  co_return co_await attempt(fetched_.discover(loop, std::move(issuer)));
}

}  // namespace sallyport::oidc
