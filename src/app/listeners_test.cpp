#include "app/listeners.hpp"

#include <gtest/gtest.h>

#include "runtime/spec.hpp"

namespace sallyport::app {
namespace {

constexpr auto host = sandbox::Network::host, isolated = sandbox::Network::isolated;
constexpr std::size_t of_environment = limits::descriptors_of_environment + runtime::limits::api_connections_max;

TEST(ConnectionsMaxTest, LeavesEnvironmentsWhatTheyMayUse) {
  EXPECT_EQ(connections_max(1'000'000, 64, host, false).front, 1'000'000 - limits::own_descriptors - 64 * of_environment);
  EXPECT_EQ(connections_max(1'000'000, 64, isolated, false).front,
            1'000'000 - limits::own_descriptors - 64 * (of_environment + limits::connections_of_sandbox_max));
}

TEST(ConnectionsMaxTest, BothDoorsTogetherHaveNoMoreThanOne) {
  const auto one = connections_max(20'000, 64, isolated, false), two = connections_max(20'000, 64, isolated, true);
  EXPECT_EQ(one.control, 0u);
  EXPECT_EQ(two.front + two.control, one.front);
  EXPECT_GT(two.control, 0u);
  EXPECT_GT(two.front, two.control);
}

TEST(ConnectionsMaxTest, AQuarterIsForConnectionsHoweverFewThereAre) {
  EXPECT_EQ(connections_max(4'096, 10'000, isolated, false).front, 1'024u);
  EXPECT_EQ(connections_max(100, 1, host, false).front, 25u);
}

}  // namespace
}  // namespace sallyport::app
