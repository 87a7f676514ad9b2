#include "gateway/throttle.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

namespace sallyport::gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const MonotonicTime start{std::chrono::hours(1)};

int admitted(Throttles& throttles, std::string_view key, const ThrottleLimit& limit, MonotonicTime at, int tries) {
  int count = 0;
  for (int i = 0; i < tries; ++i) count += throttles.admit(key, limit, at);
  return count;
}

TEST(ThrottlesTest, ABurstPassesAndThenTheRate) {
  Throttles throttles;
  const ThrottleLimit limit{2, 5};
  EXPECT_EQ(admitted(throttles, "a", limit, start, 10), 5);
  EXPECT_EQ(admitted(throttles, "a", limit, start + milliseconds(499), 10), 0);
  EXPECT_EQ(admitted(throttles, "a", limit, start + milliseconds(500), 10), 1);
  EXPECT_EQ(admitted(throttles, "a", limit, start + seconds(100), 10), 5) << "never more than the burst";
}

TEST(ThrottlesTest, KeysDoNotShare) {
  Throttles throttles;
  const ThrottleLimit limit{1, 1};
  EXPECT_EQ(admitted(throttles, "a", limit, start, 3), 1);
  EXPECT_EQ(admitted(throttles, "b", limit, start, 3), 1);
}

TEST(ThrottlesTest, ZeroLetsNothingThrough) {
  Throttles throttles;
  EXPECT_EQ(admitted(throttles, "a", {0, 0}, start, 3), 0);
  EXPECT_EQ(admitted(throttles, "a", {0, 0}, start + seconds(3600), 3), 0);
}

TEST(ThrottlesTest, ALowerLimitTakesEffectAtOnce) {
  Throttles throttles;
  EXPECT_EQ(admitted(throttles, "a", {1, 10}, start, 1), 1);
  EXPECT_EQ(admitted(throttles, "a", {1, 2}, start, 10), 2);
}

TEST(ThrottlesTest, FullBucketsAreForgotten) {
  Throttles throttles;
  for (int i = 0; i < 1000; ++i) throttles.admit(std::to_string(i), {10, 10}, start);
  EXPECT_EQ(throttles.size(), 1000u);
  // Each shard looks after its own when it is asked.
  for (int i = 0; i < 200; ++i) throttles.admit("again" + std::to_string(i), {10, 10}, start + seconds(120));
  EXPECT_EQ(throttles.size(), 200u);
}

// Against a count of tokens in whole numbers: of a rate that divides a second, tokens come at multiples of the interval after the last one
// that was not yet full.
TEST(ThrottlesTest, AgreesWithAReference) {
  std::mt19937 random(11);
  const auto pick = [&](int below) { return std::uniform_int_distribution<int>(0, below - 1)(random); };
  for (int round = 0; round < 300; ++round) {
    const std::int64_t per_second = std::array{1, 2, 4, 5, 10, 100}[pick(6)], burst = 1 + pick(8);
    const std::int64_t interval = 1'000'000'000 / per_second;
    Throttles throttles;
    SharedBucket shared;
    const ThrottleLimit limit{static_cast<double>(per_second), static_cast<double>(burst)};
    std::int64_t now = 0, level = burst * interval, level_at = 0;  // in nanoseconds of refill
    for (int i = 0; i < 200; ++i) {
      now += pick(3) == 0 ? 0 : pick(static_cast<int>(interval));
      level = std::min(burst * interval, level + now - level_at);
      level_at = now;
      const bool expected = level >= interval;
      if (expected) level -= interval;
      const auto at = start + std::chrono::nanoseconds(now);
      ASSERT_EQ(shared.admit(limit, at), expected) << round << " " << i;
      // Counting in floating point may be a hair off where a token is just whole.
      const bool is_edge = std::abs((expected ? level : level - interval) % interval) < 10 || level % interval == 0;
      if (throttles.admit("a", limit, at) != expected) {
        ASSERT_TRUE(is_edge) << round << " " << i;
        break;
      }
    }
  }
}

TEST(SharedBucketTest, ManyThreadsNeverGetMoreThanTheBurst) {
  SharedBucket bucket;
  std::atomic<int> admitted = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) admitted += bucket.admit({1000, 500}, start);
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(admitted, 500);
}

TEST(SharedBucketTest, ZeroLetsNothingThrough) {
  SharedBucket bucket;
  EXPECT_FALSE(bucket.admit({0, 0}, start));
  SharedBucket once;
  EXPECT_TRUE(once.admit({0, 2}, start));
  EXPECT_TRUE(once.admit({0, 2}, start));
  EXPECT_FALSE(once.admit({0, 2}, start + seconds(100'000))) << "without a rate it never fills again";
}

}  // namespace
}  // namespace sallyport::gateway
