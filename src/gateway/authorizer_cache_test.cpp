#include "gateway/authorizer_cache.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "base/text.hpp"

namespace sallyport::gateway {
namespace {

constexpr MonotonicTime start{std::chrono::hours(1)};

AuthorizerCache::Call call_with(std::string answer) {
  auto document = policy::Document::parse(R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]})",
                                          policy::DocumentKind::authorizer);
  return std::make_shared<const AuthorizerCall>(
      AuthorizerCall{Grant{"user", *document, false, {}, {}}, RequestId("r"), {}, {}, std::move(answer)});
}

TEST(AuthorizerCacheTest, FirstAskerCallsTheNextWaitAndLaterOnesHit) {
  SystemRandom random;
  AuthorizerCache cache(random);
  const auto first = cache.find("key", start), second = cache.find("key", start);
  EXPECT_TRUE(first.must_call);
  EXPECT_FALSE(second.must_call);
  EXPECT_TRUE(second.waiting);
  EXPECT_TRUE(cache.find("other", start).must_call);
  const auto call = call_with("a");
  cache.finish("key", "api", call, start + std::chrono::seconds(10));
  EXPECT_EQ(cache.find("key", start).hit, call);
  EXPECT_EQ(cache.find("key", start + std::chrono::seconds(9)).hit, call);
  EXPECT_TRUE(cache.find("key", start + std::chrono::seconds(10)).must_call) << "over to the second";
}

TEST(AuthorizerCacheTest, WhatIsNotKeptIsAskedForAgain) {
  SystemRandom random;
  AuthorizerCache cache(random);
  EXPECT_TRUE(cache.find("key", start).must_call);
  cache.finish("key", "api", call_with("a"), std::nullopt);
  EXPECT_TRUE(cache.find("key", start).must_call);
  EXPECT_EQ(cache.entry_count(), 0u);
}

TEST(AuthorizerCacheTest, AnApiAboveItsShareGivesUpItsOwnEntriesFirst) {
  SystemRandom random;
  AuthorizerCache cache(random, 16 * 64 * 1024);
  const auto keep = [&](std::string key, std::string api, std::size_t bytes) {
    cache.find(key, start);
    cache.finish(key, api, call_with(std::string(bytes, 'x')), start + std::chrono::hours(1));
  };
  for (int i = 0; i < 16; ++i) keep(cat("quiet", i), "quiet", 10);
  for (int i = 0; i < 2000; ++i) keep(cat("greedy", i), "greedy", 4000);
  EXPECT_LE(cache.byte_count(), 16u * 64 * 1024);
  for (int i = 0; i < 16; ++i) EXPECT_TRUE(cache.find(cat("quiet", i), start).hit) << i;
}

TEST(AuthorizerCacheTest, ManyThreads) {
  SystemRandom random;
  AuthorizerCache cache(random, 1 << 20);
  std::atomic<int> hits = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        const auto key = cat("key", (i * 7 + t) % 50);
        const auto found = cache.find(key, start);
        if (found.hit) {
          EXPECT_EQ(found.hit->answer, key) << "never another key's answer";
          ++hits;
        }
        if (found.must_call)
          cache.finish(key, cat("api", t), call_with(key), i % 3 ? std::optional(start + std::chrono::hours(1)) : std::nullopt);
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_GT(hits, 0);
}

}  // namespace
}  // namespace sallyport::gateway
