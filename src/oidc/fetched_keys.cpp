#include "oidc/fetched_keys.hpp"

#include <algorithm>
#include <exception>

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "json/parse.hpp"

namespace sallyport::oidc {
namespace {

/// The document's `jwks_uri`, if the document is this issuer's.
Result<std::string> key_address(std::string_view document, std::string_view issuer) {
  const auto parsed = json::parse(document, json::limits::document_depth_max);
  if (!parsed || !parsed->object()) return fail("the discovery document is no JSON object");
  const auto* named = parsed->find("issuer");
  if (!named || !named->string() || *named->string() != issuer) return fail("the discovery document is of another issuer");
  const auto* address = parsed->find("jwks_uri");
  if (!address || !address->string()) return fail("the discovery document has no `jwks_uri`");
  return *address->string();
}

}  // namespace

FetchedKeys::FetchedKeys(const Clock& clock, Fetcher& fetcher, Reach reach, Limits limits)
    : clock_(clock), fetcher_(fetcher), reach_(std::move(reach)), limits_(limits) {}

bool FetchedKeys::is_usable(const Issuer& issuer, MonotonicTime now) const {
  return issuer.keys && now - issuer.fetched < limits_.stale_max;
}

std::optional<identity::KeySet> FetchedKeys::fresh(std::string_view issuer, std::chrono::seconds fresh) {
  const auto now = clock_.monotonic_now();
  std::scoped_lock lock(mutex_);
  const auto found = issuers_.find(issuer);
  if (found == issuers_.end() || !is_usable(found->second, now) || now - found->second.fetched >= fresh) return std::nullopt;
  found->second.used = now;
  return found->second.keys;
}

FetchedKeys::Step FetchedKeys::join(Issuer& issuer) {
  Step step;
  step.must_fetch = !std::exchange(issuer.fetching, true);
  step.waiting = issuer.waiting.emplace_back();
  return step;
}

/// The issuer that was asked for the longest ago makes room; false when all are being fetched.
bool FetchedKeys::make_room() {
  if (issuers_.size() < limits_.issuers_max) return true;
  auto oldest = issuers_.end();
  for (auto each = issuers_.begin(); each != issuers_.end(); ++each)
    if (!each->second.fetching && (oldest == issuers_.end() || each->second.used < oldest->second.used)) oldest = each;
  if (oldest == issuers_.end()) return false;
  issuers_.erase(oldest);
  return true;
}

FetchedKeys::Step FetchedKeys::look(std::string_view name, std::chrono::seconds fresh) {
  const auto now = clock_.monotonic_now();
  std::scoped_lock lock(mutex_);
  auto found = issuers_.find(name);
  if (found == issuers_.end()) {
    if (!make_room()) return {.outcome = fail("too many issuers are being read")};
    found = issuers_.emplace(std::string(name), Issuer()).first;
  }
  auto& issuer = found->second;
  issuer.used = now;
  const bool usable = is_usable(issuer, now);
  if (usable && (now - issuer.fetched < fresh || issuer.fetching || now < issuer.retry_at)) return {.outcome = *issuer.keys};
  if (!issuer.fetching && now < issuer.retry_at) return {.outcome = fail(issuer.failure)};
  return join(issuer);
}

FetchedKeys::Step FetchedKeys::look_for_newer(std::string_view name, const identity::KeySet& known) {
  const auto now = clock_.monotonic_now();
  std::scoped_lock lock(mutex_);
  const auto found = issuers_.find(name);
  if (found == issuers_.end()) return {.outcome = known};
  auto& issuer = found->second;
  if (issuer.keys && issuer.keys->keys() != known.keys()) return {.outcome = *issuer.keys};
  if (!issuer.fetching && (now < issuer.refetch_at || now < issuer.retry_at)) return {.outcome = known};
  return join(issuer);
}

Task<FetchedKeys::Outcome> FetchedKeys::finish(io::Loop& loop, std::string issuer, Step step) {
  if (step.outcome) co_return std::move(*step.outcome);
  if (step.must_fetch) loop.scope().spawn(fetch_and_land(loop, std::move(issuer)));
  co_return co_await step.waiting->wait_on(loop);
}

Task<Result<identity::KeySet>> FetchedKeys::find(io::Loop& loop, std::string issuer, std::chrono::seconds fresh) {
  auto step = look(issuer, fresh);
  co_return co_await attempt(finish(loop, std::move(issuer), std::move(step)));
}

Task<Result<identity::KeySet>> FetchedKeys::find_newer(io::Loop& loop, std::string issuer, identity::KeySet known) {
  auto step = look_for_newer(issuer, known);
  co_return co_await attempt(finish(loop, std::move(issuer), std::move(step)));
}

/// What an issuer may send us on to: one out in the world leads to nothing that we alone can reach.
Reach FetchedKeys::onward_reach(const Url& issuer) const {
  const auto addresses = check_reach(issuer, reach_);
  return addresses && *addresses == Addresses::any ? reach_ : Reach();
}

Task<Result<std::string>> FetchedKeys::fetch_text(io::Loop& loop, std::string address, Reach reach) {
  auto url = co_await parse_url(address);
  const auto addresses = co_await check_reach(url, reach);
  co_return co_await attempt(fetcher_.fetch(loop, std::move(url), addresses));
}

Task<Result<std::string>> FetchedKeys::discover(io::Loop& loop, std::string issuer) {
  const auto issuer_url = co_await check_issuer(issuer, reach_);
  const auto document = co_await attempt(fetch_text(loop, discovery_address(issuer), reach_));
  if (!document) co_return fail(cat("the discovery document could not be read: ", document.error().message));
  auto address = co_await key_address(*document, issuer);
  const auto url = co_await parse_url(address);
  co_await check_reach(url, onward_reach(issuer_url));
  co_return address;
}

Task<Result<std::string>> FetchedKeys::fetch_key_text(io::Loop& loop, std::string issuer) {
  auto address = co_await discover(loop, issuer);
  const auto issuer_url = co_await check_issuer(issuer, reach_);
  auto text = co_await attempt(fetch_text(loop, std::move(address), onward_reach(issuer_url)));
  if (!text) co_return fail(cat("the key set could not be read: ", text.error().message));
  co_return text;
}

Task<void> FetchedKeys::fetch_and_land(io::Loop& loop, std::string issuer) {
  Result<std::string> text = fail("the issuer could not be read");
  try {
    text = co_await attempt(fetch_key_text(loop, issuer));
  } catch (const std::exception& error) {
    text = fail(cat("the issuer could not be read: ", error.what()));
  }
  land(issuer, std::move(text));
}

/// Ends a fetch, whatever came of it: everyone who waits is answered, and the next attempt has its time.
void FetchedKeys::land(std::string_view name, Result<std::string> text) {
  auto keys = text ? identity::KeySet::parse(*text) : std::unexpected(text.error());
  auto digest = keys ? crypto::sha256(*text) : std::string();
  const auto now = clock_.monotonic_now();
  std::vector<Waiting> waiting;
  Outcome outcome = fail("the issuer is no longer asked for");
  {
    std::scoped_lock lock(mutex_);
    const auto found = issuers_.find(name);
    if (found == issuers_.end()) return;  // never while it is being fetched
    auto& issuer = found->second;
    issuer.fetching = false;
    waiting = std::exchange(issuer.waiting, {});
    if (keys) {
      // The same text keeps the same set, and with it what was verified before.
      if (!issuer.keys || issuer.digest != digest) issuer.keys = std::move(*keys);
      issuer.digest = std::move(digest);
      issuer.fetched = now;
      issuer.refetch_at = now + limits_.refetch_min;
      issuer.retry_at = {};
      issuer.failures = 0;
    } else {
      const auto doubled = limits_.back_off_min * (1 << std::min(issuer.failures, 10u));
      issuer.retry_at = now + std::min<std::chrono::seconds>(doubled, limits_.back_off_max);
      ++issuer.failures;
      issuer.failure = keys.error().message;
    }
    outcome = is_usable(issuer, now) ? Outcome(*issuer.keys) : Outcome(fail(issuer.failure));
  }
  for (auto& one : waiting) one.deliver(outcome);
}

}  // namespace sallyport::oidc
