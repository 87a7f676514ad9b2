#include "gateway/throttle.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace sallyport::gateway
