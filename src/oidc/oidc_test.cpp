#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "base/text.hpp"
#include "identity/token_testing.hpp"
#include "oidc/trusted_issuers.hpp"
#include "serve/server.hpp"

namespace sallyport::oidc {
namespace {

using identity::TokenFault;
namespace tokens = identity::testing;
using namespace std::chrono_literals;

const std::string issuer(tokens::token_issuer);
const std::string discovery_url = issuer + "/.well-known/openid-configuration";
const std::string keys_url = "https://keys.example/jwks";

class TestClock final : public Clock {
 public:
  WallTime wall_now() const override { return WallTime(std::chrono::seconds(tokens::tokens_issued)) + shift.load(); }
  MonotonicTime monotonic_now() const override { return MonotonicTime(1h) + shift.load(); }
  std::atomic<std::chrono::seconds> shift{10s};
  void pass(std::chrono::seconds time) { shift = shift.load() + time; }
};

std::string text_of(const Url& url) {
  const bool usual = url.port == (url.tls ? 443 : 80);
  return cat(url.tls ? "https://" : "http://", url.host, usual ? "" : cat(":", url.port), url.target);
}

/// Documents by address. With `gate`, answers wait until it is delivered.
class FakeFetcher final : public Fetcher {
 public:
  Task<Result<std::string>> fetch(io::Loop& loop, Url url, Addresses addresses) override {
    const auto address = text_of(url);
    Result<std::string> answer = fail("answered with status 404");
    {
      std::scoped_lock lock(mutex);
      calls.push_back(address);
      last_addresses = addresses;
      if (const auto found = documents.find(address); found != documents.end()) answer = found->second;
    }
    if (throws) throw std::runtime_error("broken");
    if (slow) co_await io::sleep_for(loop, 20ms);
    co_return answer;
  }
  std::size_t count() {
    std::scoped_lock lock(mutex);
    return calls.size();
  }
  std::mutex mutex;
  std::map<std::string, std::string> documents;
  std::vector<std::string> calls;
  Addresses last_addresses = Addresses::any;
  bool slow = false, throws = false;
};

class FakePools final : public LocalIssuers {
 public:
  std::optional<identity::KeySet> find(std::string_view name) const override { return name == issuer ? keys : std::nullopt; }
  std::optional<identity::KeySet> keys;
};

std::string discovery_document(std::string_view for_issuer = issuer, std::string_view jwks = keys_url) {
  return cat(R"({"issuer":")", for_issuer, R"(","jwks_uri":")", jwks, R"(","extra":1})");
}

class TrustedIssuersTest : public testing::Test {
 public:
  TrustedIssuersTest() {
    fetcher.documents[discovery_url] = discovery_document();
    fetcher.documents[keys_url] = std::string(tokens::key_set_1);
    rebuild({});
  }
  void rebuild(TrustedIssuers::Options options) {
    issuers = std::move(TrustedIssuers::make(clock, &pools, fetcher, std::move(options)).value());
  }
  /// The fault, or nothing.
  std::optional<TokenFault> verify(std::string_view token) {
    const auto verified = run_now(issuers->verify(*loop, token, rules));
    if (verified) return std::nullopt;
    last_detail = verified.error().detail;
    return verified.error().fault;
  }
  /// For fetchers that take their time.
  std::vector<std::optional<TokenFault>> verify_together(std::vector<std::string_view> texts) {
    std::vector<std::optional<TokenFault>> out(texts.size());
    std::size_t left = texts.size();
    for (std::size_t i = 0; i < texts.size(); ++i)
      loop->scope().spawn(
          [](TrustedIssuersTest& test, std::string_view text, std::optional<TokenFault>& fault, std::size_t& open) -> Task<void> {
            const auto verified = co_await attempt(test.issuers->verify(*test.loop, text, test.rules));
            if (!verified) fault = verified.error().fault;
            if (--open == 0) test.loop->stop();
          }(*this, texts[i], out[i], left));
    loop->run();
    return out;
  }
  void rotate() { fetcher.documents[keys_url] = std::string(tokens::key_set_2); }

  std::unique_ptr<io::Loop> loop = *io::Loop::make();
  TestClock clock;
  FakeFetcher fetcher;
  FakePools pools;
  identity::TokenRules rules{.issuer = issuer, .algorithms = {"RS256", "ES256"}};
  std::unique_ptr<TrustedIssuers> issuers;
  std::string last_detail;
};

TEST_F(TrustedIssuersTest, FetchesByDiscoveryAndOnce) {
  EXPECT_EQ(verify(tokens::token_k1), std::nullopt);
  EXPECT_EQ(fetcher.calls, (std::vector<std::string>{discovery_url, keys_url}));
  EXPECT_EQ(fetcher.last_addresses, Addresses::public_only);
  EXPECT_EQ(verify(tokens::token_k1), std::nullopt);
  EXPECT_EQ(verify(tokens::token_e1), std::nullopt);
  EXPECT_EQ(verify(tokens::token_k1_other_user), std::nullopt);
  EXPECT_EQ(fetcher.count(), 2u);
}

TEST_F(TrustedIssuersTest, OwnPoolsComeFirstAndAreNeverFetched) {
  pools.keys = *identity::KeySet::parse(tokens::key_set_2);
  EXPECT_EQ(verify(tokens::token_k2), std::nullopt);
  EXPECT_EQ(verify(tokens::token_k1), TokenFault::unknown_key);
  EXPECT_EQ(fetcher.count(), 0u);
  EXPECT_EQ(*run_now(issuers->discover(*loop, issuer)), issuer + "/.well-known/jwks.json");
  EXPECT_EQ(fetcher.count(), 0u);
}

TEST_F(TrustedIssuersTest, ConfiguredKeysNeedNoCall) {
  rebuild({.configured = {{issuer, std::string(tokens::key_set_1)}}});
  EXPECT_EQ(verify(tokens::token_k1), std::nullopt);
  EXPECT_EQ(verify(tokens::token_k2), TokenFault::unknown_key);
  EXPECT_EQ(fetcher.count(), 0u);
}

TEST_F(TrustedIssuersTest, ConfiguredKeysThatCannotBeUsedStopTheStart) {
  const auto message = [&](std::string text) {
    return TrustedIssuers::make(clock, nullptr, fetcher, {.configured = {{"https://i.example", std::move(text)}}}).error().message;
  };
  EXPECT_EQ(message("{}"), "the keys of issuer `https://i.example`: the key set has no list `keys`");
  EXPECT_EQ(message(R"({"keys":[{"kty":"oct","k":"AAAA"}]})"), "the keys of issuer `https://i.example`: none of them can verify a token");
}

TEST_F(TrustedIssuersTest, AKnownTokenIsOneThatWouldBeVerified) {
  EXPECT_FALSE(issuers->known(tokens::token_k1, rules)) << "nobody verified it";
  EXPECT_EQ(fetcher.count(), 0u) << "and nobody is asked";
  EXPECT_EQ(verify(tokens::token_k1), std::nullopt);
  EXPECT_TRUE(issuers->known(tokens::token_k1, rules));
  EXPECT_FALSE(issuers->known(cat(tokens::token_k1, "x"), rules));
  EXPECT_FALSE(issuers->known(std::string(identity::limits::token_bytes_max + 1, 'x'), rules));
  rules.algorithms = {"ES256"};
  EXPECT_FALSE(issuers->known(tokens::token_k1, rules)) << "not for who does not allow its algorithm";
  rules.algorithms = {"RS256"};
  rules.issuer = "https://elsewhere.example";
  EXPECT_FALSE(issuers->known(tokens::token_k1, rules)) << "nor for another issuer";
  rules.issuer = issuer;
  clock.shift = -10s;
  EXPECT_FALSE(issuers->known(tokens::token_k1, rules)) << "not before its time";
  clock.shift = 3599s;
  EXPECT_TRUE(issuers->known(tokens::token_k1, rules));
  clock.shift = 3600s;
  EXPECT_FALSE(issuers->known(tokens::token_k1, rules)) << "nor after it";
  clock.shift = 0s;
  pools.keys = *identity::KeySet::parse(tokens::key_set_2);
  EXPECT_FALSE(issuers->known(tokens::token_k1, rules)) << "nor with other keys";
}

TEST_F(TrustedIssuersTest, AVerifiedTokenIsLookedAtAgain) {
  EXPECT_EQ(verify(tokens::token_k1), std::nullopt);
  EXPECT_EQ(verify(tokens::token_k1), std::nullopt);
  rules.algorithms = {"ES256"};
  EXPECT_EQ(verify(tokens::token_k1), TokenFault::algorithm);
  rules.algorithms = {"RS256"};
  clock.shift = -10s;
  EXPECT_EQ(verify(tokens::token_k1), TokenFault::not_yet_valid);
  clock.shift = 3599s;
  EXPECT_EQ(verify(tokens::token_k1), std::nullopt);
  clock.shift = 3600s;
  EXPECT_EQ(verify(tokens::token_k1), TokenFault::expired);
}

TEST_F(TrustedIssuersTest, AVerifiedTokenGoesWithItsKeys) {
  pools.keys = *identity::KeySet::parse(tokens::key_set_1);
  EXPECT_EQ(verify(tokens::token_k1), std::nullopt);
  pools.keys = *identity::KeySet::parse(tokens::key_set_2);
  EXPECT_EQ(verify(tokens::token_k1), TokenFault::unknown_key);
  pools.keys = identity::KeySet();
  EXPECT_EQ(verify(tokens::token_k1), TokenFault::unknown_key);
}

TEST_F(TrustedIssuersTest, AnotherIssuersRulesDoNotTakeAVerifiedToken) {
  rebuild({.configured = {{issuer, std::string(tokens::key_set_1)}, {"https://elsewhere.example", std::string(tokens::key_set_1)}}});
  EXPECT_EQ(verify(tokens::token_k1), std::nullopt);
  EXPECT_EQ(verify(tokens::token_k1_other_issuer), TokenFault::issuer);
  rules.issuer = "https://elsewhere.example";
  EXPECT_EQ(verify(tokens::token_k1), TokenFault::issuer);
  EXPECT_EQ(verify(tokens::token_k1_other_issuer), std::nullopt);
}

TEST_F(TrustedIssuersTest, NobodyIsCalledForATokenThatCannotBeGood) {
  for (const auto token : {std::string_view("a.b"), std::string_view("a.b.c"), tokens::token_k1_other_issuer}) EXPECT_TRUE(verify(token));
  rules.algorithms = {"PS256"};
  EXPECT_EQ(verify(tokens::token_k1), TokenFault::algorithm);
  EXPECT_EQ(fetcher.count(), 0u);
}

TEST_F(TrustedIssuersTest, AnUnknownKeyIsFetchedButNotMoreThanTwiceAMinute) {
  EXPECT_EQ(verify(tokens::token_k1), std::nullopt);
  rotate();
  EXPECT_EQ(verify(tokens::token_k2), TokenFault::unknown_key) << "fetched just now";
  EXPECT_EQ(fetcher.count(), 2u);
  clock.pass(30s);
  EXPECT_EQ(verify(tokens::token_k2), std::nullopt);
  EXPECT_EQ(fetcher.count(), 4u);
  EXPECT_EQ(verify(tokens::token_k1), TokenFault::unknown_key) << "withdrawn, though it was verified before";
  EXPECT_EQ(fetcher.count(), 4u);
  clock.pass(30s);
  EXPECT_EQ(verify("a.b.c"), TokenFault::malformed);
  EXPECT_EQ(fetcher.count(), 4u);
}

TEST_F(TrustedIssuersTest, KeysAreFetchedAnewWhenTheyAreNoLongerFresh) {
  rules.keys_fresh = 60min;
  rebuild({});
  EXPECT_EQ(verify(tokens::token_k1), std::nullopt);
  clock.pass(50min);
  EXPECT_EQ(verify(tokens::token_k1), std::nullopt);
  EXPECT_EQ(fetcher.count(), 2u);
  rules.keys_fresh = 40min;
  EXPECT_EQ(verify(tokens::token_k1), std::nullopt);
  EXPECT_EQ(fetcher.count(), 4u);
}

TEST_F(TrustedIssuersTest, StaleKeysBridgeAnOutageForADay) {
  pools.keys = std::nullopt;
  EXPECT_EQ(verify(tokens::token_k1), std::nullopt);
  fetcher.documents.clear();
  clock.pass(2h);
  EXPECT_EQ(verify(tokens::token_k1), TokenFault::expired) << "and not that the keys are missing";
  EXPECT_EQ(fetcher.count(), 3u);
  EXPECT_EQ(verify(tokens::token_k1), TokenFault::expired);
  EXPECT_EQ(fetcher.count(), 3u) << "backs off";
  clock.pass(1s);
  EXPECT_EQ(verify(tokens::token_k1), TokenFault::expired);
  EXPECT_EQ(fetcher.count(), 4u);
  clock.pass(22h);
  EXPECT_EQ(verify(tokens::token_k1), TokenFault::keys_unavailable);
}

TEST_F(TrustedIssuersTest, FailuresAreRememberedForAWhile) {
  fetcher.documents.clear();
  EXPECT_EQ(verify(tokens::token_k1), TokenFault::keys_unavailable);
  EXPECT_EQ(last_detail, "the discovery document could not be read: answered with status 404");
  EXPECT_EQ(verify(tokens::token_k1), TokenFault::keys_unavailable);
  EXPECT_EQ(last_detail, "the discovery document could not be read: answered with status 404");
  EXPECT_EQ(fetcher.count(), 1u);
  for (int i = 0; i < 10; ++i) {
    clock.pass(30s);
    EXPECT_EQ(verify(tokens::token_k1), TokenFault::keys_unavailable);
  }
  EXPECT_EQ(fetcher.count(), 11u) << "never less often than every 30 seconds";
  clock.pass(29s);
  verify(tokens::token_k1);
  EXPECT_EQ(fetcher.count(), 11u);
  fetcher.documents[discovery_url] = discovery_document();
  fetcher.documents[keys_url] = std::string(tokens::key_set_1);
  clock.pass(1s);
  EXPECT_EQ(verify(tokens::token_k1), std::nullopt);
}

TEST_F(TrustedIssuersTest, ADocumentMustBeWhatItClaims) {
  struct {
    std::string discovery, keys, detail;
  } const cases[] = {
      {discovery_document("https://issuer.example/pool/"), {}, "the discovery document is of another issuer"},
      {discovery_document("https://evil.example"), {}, "the discovery document is of another issuer"},
      {R"({"jwks_uri":"https://keys.example/jwks"})", {}, "the discovery document is of another issuer"},
      {R"({"issuer":"https://issuer.example/pool"})", {}, "the discovery document has no `jwks_uri`"},
      {"[]", {}, "the discovery document is no JSON object"},
      {"<html>", {}, "the discovery document is no JSON object"},
      {discovery_document(issuer, "http://keys.example/jwks"), {}, "http may be used on loopback alone"},
      {discovery_document(issuer, "https://127.0.0.1/jwks"), {}, "addresses of this machine may not be called"},
      {discovery_document(issuer, "file:///etc/passwd"), {}, "the address is neither https nor http"},
      {discovery_document(issuer, "https://user@keys.example/jwks"), {}, "the address has a user"},
      {discovery_document(), "{}", "the key set has no list `keys`"},
      {discovery_document(), "", "the key set could not be read: answered with status 404"},
  };
  for (const auto& one : cases) {
    rebuild({});
    fetcher.documents = {{discovery_url, one.discovery}};
    if (!one.keys.empty()) fetcher.documents[keys_url] = one.keys;
    EXPECT_EQ(verify(tokens::token_k1), TokenFault::keys_unavailable);
    EXPECT_EQ(last_detail, one.detail);
  }
}

TEST_F(TrustedIssuersTest, PlainHttpOnLoopbackAloneAndOnlyWhereAllowed) {
  rules.issuer = "http://localhost:8080/realm";
  const auto discovery = "http://localhost:8080/realm/.well-known/openid-configuration", keys = "http://localhost:8080/keys";
  fetcher.documents = {{discovery, discovery_document(rules.issuer, keys)}, {keys, std::string(tokens::key_set_1)}};
  EXPECT_EQ(verify(tokens::token_k1_loopback), TokenFault::keys_unavailable);
  EXPECT_EQ(last_detail, "addresses of this machine may not be called");
  EXPECT_EQ(fetcher.count(), 0u);
  rebuild({.reach = {.loopback = true}});
  EXPECT_EQ(verify(tokens::token_k1_loopback), std::nullopt);
  EXPECT_EQ(fetcher.last_addresses, Addresses::any);
}

TEST_F(TrustedIssuersTest, AnIssuerOutInTheWorldLeadsNowhereInside) {
  const Reach reach{.loopback = true, .private_hosts = {"keys.inside.example"}};
  const std::string local = "http://localhost:8080/keys", inside = "https://keys.inside.example/keys";
  for (const auto& address : {local, inside}) fetcher.documents[address] = std::string(tokens::key_set_1);
  rebuild({.reach = reach});
  fetcher.documents[discovery_url] = discovery_document(issuer, local);
  EXPECT_EQ(verify(tokens::token_k1), TokenFault::keys_unavailable);
  EXPECT_EQ(last_detail, "addresses of this machine may not be called");
  EXPECT_FALSE(run_now(issuers->discover(*loop, issuer)));
  rebuild({.reach = reach});
  fetcher.documents[discovery_url] = discovery_document(issuer, inside);
  EXPECT_EQ(verify(tokens::token_k1), std::nullopt);
  EXPECT_EQ(fetcher.calls.back(), inside);
  EXPECT_EQ(fetcher.last_addresses, Addresses::public_only);
}

TEST_F(TrustedIssuersTest, ManyAsksOneFetch) {
  fetcher.slow = true;
  const auto faults =
      verify_together({tokens::token_k1, tokens::token_k1_other_user, tokens::token_e1, tokens::token_k2, tokens::token_k1});
  EXPECT_EQ(faults, (std::vector<std::optional<TokenFault>>{{}, {}, {}, TokenFault::unknown_key, {}}));
  EXPECT_EQ(fetcher.count(), 2u);
}

TEST_F(TrustedIssuersTest, WhoAsksDuringARefreshGetsTheStaleKeys) {
  EXPECT_EQ(verify(tokens::token_k1), std::nullopt);
  clock.pass(50min);
  rules.keys_fresh = 10min;
  fetcher.slow = true;
  rotate();
  const auto faults = verify_together({tokens::token_k1, tokens::token_k1_other_user});
  EXPECT_EQ(faults[0], TokenFault::unknown_key) << "the first waits for the new ones";
  EXPECT_EQ(faults[1], std::nullopt);
}

TEST_F(TrustedIssuersTest, ABrokenFetcherFailsTheRequestAndNothingElse) {
  fetcher.throws = true;
  EXPECT_EQ(verify(tokens::token_k1), TokenFault::keys_unavailable);
  fetcher.throws = false;
  clock.pass(30s);
  EXPECT_EQ(verify(tokens::token_k1), std::nullopt);
}

TEST_F(TrustedIssuersTest, TheSameKeysFetchedAgainKeepWhatWasVerified) {
  FetchedKeys keys(clock, fetcher, {});
  const auto first = run_now(keys.find(*loop, issuer, 2h)).value();
  clock.pass(3h);
  EXPECT_FALSE(keys.fresh(issuer, 2h));
  const auto second = run_now(keys.find(*loop, issuer, 2h)).value();
  EXPECT_EQ(first.keys(), second.keys());
  rotate();
  clock.pass(3h);
  EXPECT_NE(run_now(keys.find(*loop, issuer, 2h))->keys(), first.keys());
}

TEST_F(TrustedIssuersTest, IssuersAreBounded) {
  FetchedKeys keys(clock, fetcher, {}, {.issuers_max = 2});
  EXPECT_TRUE(run_now(keys.find(*loop, issuer, 2h)));
  for (int i = 0; i < 5; ++i) {
    clock.pass(1s);
    EXPECT_FALSE(run_now(keys.find(*loop, cat("https://", i, ".example"), 2h)));
  }
  EXPECT_FALSE(keys.fresh(issuer, 2h)) << "made room";
  EXPECT_TRUE(run_now(keys.find(*loop, issuer, 2h)));
}

TEST_F(TrustedIssuersTest, DiscoverReadsNow) {
  EXPECT_EQ(*run_now(issuers->discover(*loop, issuer)), keys_url);
  EXPECT_EQ(*run_now(issuers->discover(*loop, issuer)), keys_url);
  EXPECT_EQ(fetcher.count(), 2u);
  const auto message = [&](std::string name) { return run_now(issuers->discover(*loop, std::move(name))).error().message; };
  EXPECT_EQ(message("https://nobody.example"), "the discovery document could not be read: answered with status 404");
  EXPECT_EQ(message("issuer"), "the address is neither https nor http");
  EXPECT_EQ(message("https://issuer.example/pool?a=b"), "an issuer has no query");
  EXPECT_EQ(message("https://issuer.example/pool#a"), "the address has a fragment");
}

TEST_F(TrustedIssuersTest, ManyLoops) {
  fetcher.slow = true;
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      auto own = *io::Loop::make();
      own->scope().spawn([](TrustedIssuersTest& test, io::Loop& here, std::atomic<int>& count) -> Task<void> {
        for (int i = 0; i < 50; ++i)
          if (co_await attempt(test.issuers->verify(here, i % 2 ? tokens::token_k1 : tokens::token_e1, test.rules))) ++count;
        co_await io::sleep_for(here, 60ms);  // a fetch for the others may be under way here
        here.stop();
      }(*this, *own, good));
      own->run();
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 150);
  EXPECT_EQ(fetcher.count(), 2u);
}

TEST(TokenCacheTest, IsBoundedAndForgetsTheLeastRecentlyUsed) {
  TokenCache cache({.entries_max = 160, .bytes_max = 1 << 30});
  const auto keys = *identity::KeySet::parse(tokens::key_set_1);
  const auto token = std::make_shared<const identity::Token>();
  const auto favourite = TokenCache::digest_of("favourite");
  cache.keep(favourite, 100, keys, token);
  for (int i = 0; i < 5000; ++i) {
    cache.keep(TokenCache::digest_of(std::to_string(i)), 100, keys, token);
    EXPECT_TRUE(cache.find(favourite, keys));
  }
  EXPECT_LE(cache.entry_count(), 160u);
  EXPECT_FALSE(cache.find(TokenCache::digest_of("0"), keys));
  EXPECT_FALSE(cache.find(favourite, *identity::KeySet::parse(tokens::key_set_1))) << "equal keys, but not this set";
  EXPECT_FALSE(cache.find(favourite, keys)) << "gone";
  TokenCache narrow({.entries_max = 1 << 20, .bytes_max = 16 * 10'000});
  for (int i = 0; i < 1000; ++i) narrow.keep(TokenCache::digest_of(std::to_string(i)), 1000, keys, token);
  EXPECT_LE(narrow.entry_count(), 16u);
  narrow.keep(favourite, 100, keys, token);
  narrow.drop(favourite);
  EXPECT_FALSE(narrow.find(favourite, keys));
}

TEST(UrlTest, Parses) {
  EXPECT_EQ(*parse_url("https://Issuer.Example"), (Url{true, "issuer.example", 443, "/"}));
  EXPECT_EQ(*parse_url("HTTP://a:8080/b?c=d"), (Url{false, "a", 8080, "/b?c=d"}));
  EXPECT_EQ(*parse_url("https://a?b"), (Url{true, "a", 443, "/?b"}));
  EXPECT_EQ(*parse_url("http://[::1]:80/x"), (Url{false, "[::1]", 80, "/x"}));
  EXPECT_EQ(*parse_url("https://[2001:db8::1]"), (Url{true, "[2001:db8::1]", 443, "/"}));
  for (const auto* text : {"",
                           "https://",
                           "https:///a",
                           "//a",
                           "a.example",
                           "ftp://a",
                           "https:/a",
                           "javascript:alert(1)",
                           "https://a b",
                           "https://a\n/",
                           "https://a\r\nX: y",
                           "https://u@a",
                           "https://u:p@a/",
                           "https://a:0",
                           "https://a:65536",
                           "https://a:",
                           "https://a:x",
                           "https://a:-1",
                           "https://a:+1",
                           "https://a:80:80",
                           "https://a#f",
                           "https://a/b#f",
                           "https://[::1",
                           "https://::1",
                           "https://[]",
                           "https://[g::1]",
                           "https://[::1]x/",
                           "https://a\\b",
                           "https://a%2eb/",
                           "https://\xc3\xa4.example",
                           "https://a/\"",
                           "https://a/\x7f"})
    EXPECT_FALSE(parse_url(text)) << text;
  EXPECT_FALSE(parse_url(cat("https://a/", std::string(3000, 'x'))));
}

TEST(UrlTest, Reach) {
  const auto reach = [](std::string_view text, const Reach& allowed) { return check_reach(parse_url(text).value(), allowed); };
  const Reach none, loopback{.loopback = true}, vouched{.private_hosts = {"keycloak"}};
  EXPECT_EQ(*reach("https://a.example", none), Addresses::public_only);
  EXPECT_EQ(*reach("https://10.0.0.1", none), Addresses::public_only) << "refused when connecting";
  EXPECT_FALSE(reach("http://a.example", loopback));
  for (const auto* local :
       {"http://localhost", "http://127.0.0.1:8080", "http://127.255.0.1", "http://[::1]", "https://localhost", "https://LOCALHOST"}) {
    EXPECT_FALSE(reach(local, none)) << local;
    EXPECT_EQ(*reach(local, loopback), Addresses::any) << local;
  }
  for (const auto* other :
       {"http://localhost.example", "http://a.localhost", "http://127.0.0.1.example", "http://127.1", "http://127.0.0.256",
        "http://0.0.0.0", "http://128.0.0.1", "http://2130706433", "http://[::ffff:127.0.0.1]", "http://127.0.0.0x1"})
    EXPECT_FALSE(reach(other, loopback)) << other;
  EXPECT_EQ(*reach("https://127.1", loopback), Addresses::public_only) << "a name, to be looked at once it is resolved";
  EXPECT_EQ(*reach("https://keycloak:8443/x", vouched), Addresses::any);
  EXPECT_EQ(*reach("https://keycloak.example", vouched), Addresses::public_only);
  EXPECT_FALSE(reach("http://keycloak", vouched));
}

/// An identity provider on loopback, over real connections.
class Provider final : public serve::Handler {
 public:
  Task<http::Response> handle(io::Loop&, const http::Request& request, serve::BodyReader&, const serve::Peer&) override {
    http::Response response;
    if (request.path == "/redirect") {
      response.status = 302;
      response.add("Location", "/large");
    } else if (request.path == "/large") {
      response.body = std::string(150'001, ' ');
    } else if (request.path == "/good") {
      response.body = "text";
    } else {
      response.status = 404;
    }
    co_return response;
  }
  void refused(const serve::Peer&, int, std::string_view) override {}
};

TEST(NetworkFetcherTest, TakesAnAnswer200WithinTheLimits) {
  auto loop = *io::Loop::make();
  TestClock clock;
  Provider provider;
  serve::Server server{*loop, clock, provider, 16};
  auto listener = io::Listener::open(*loop, "127.0.0.1", 0, [&](std::unique_ptr<io::Stream> stream) { server.accept(std::move(stream)); });
  ASSERT_TRUE(listener);
  NetworkFetcher fetcher;
  std::vector<std::string> answers;
  loop->scope().spawn([](io::Loop& here, NetworkFetcher& network, int port, std::vector<std::string>& out) -> Task<void> {
    for (const auto* path : {"/good", "/redirect", "/large", "/none"}) {
      auto answer = co_await attempt(network.fetch(here, {false, "127.0.0.1", port, path}, Addresses::any));
      out.push_back(answer ? *answer : cat("error: ", answer.error().message));
    }
    const auto guarded = co_await attempt(network.fetch(here, {false, "127.0.0.1", port, "/good"}, Addresses::public_only));
    out.push_back(guarded ? "reached" : "refused");
    here.stop();
  }(*loop, fetcher, (*listener)->port(), answers));
  loop->run();
  server.shut_down(0ms, [&] { loop->stop(); });
  loop->run();
  EXPECT_EQ(answers, (std::vector<std::string>{"text", "error: answered with status 302", "error: answer is too large",
                                               "error: answered with status 404", "refused"}));
}

}  // namespace
}  // namespace sallyport::oidc
