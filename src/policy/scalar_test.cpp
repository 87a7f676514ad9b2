#include "policy/scalar.hpp"

#include <gtest/gtest.h>

namespace sallyport::policy {
namespace {

TEST(Scalar, Decimals) {
  EXPECT_EQ(parse_decimal("10"), 10.0);
  EXPECT_EQ(parse_decimal("-0.5"), -0.5);
  EXPECT_EQ(parse_decimal("+3"), 3.0);
  EXPECT_EQ(parse_decimal("1e3"), 1000.0);
  EXPECT_EQ(parse_decimal("10.0"), parse_decimal("10"));
  for (const auto* bad : {"", " 1", "1 ", "abc", "1a", "0x10", "inf", "nan", "-", "+-1", "--1", "1e", "1,5", "1.2.3", "1e999"})
    EXPECT_EQ(parse_decimal(bad), std::nullopt) << bad;
}

WallTime at(std::int64_t seconds) { return WallTime{std::chrono::seconds{seconds}}; }

TEST(Scalar, Dates) {
  EXPECT_EQ(parse_date("2026-04-01T00:00:00Z"), at(1'775'001'600));
  EXPECT_EQ(parse_date("2026-04-01"), at(1'775'001'600));
  EXPECT_EQ(parse_date("2026-04"), at(1'775'001'600));
  EXPECT_EQ(parse_date("2026-04-01T02:00:00+02:00"), at(1'775'001'600));
  EXPECT_EQ(parse_date("1775001600"), at(1'775'001'600));
  EXPECT_EQ(parse_date("1775001600.5"), at(1'775'001'600) + std::chrono::milliseconds(500));
  EXPECT_EQ(parse_date("-1"), at(-1));
  EXPECT_EQ(parse_date("0"), at(0));
  for (const auto* bad : {"", "tomorrow", "2026-04-01T00:00:00", "2026-13-01", "2026-1", "1e300", "-1e13", "2026-04-*"})
    EXPECT_EQ(parse_date(bad), std::nullopt) << bad;
}

TEST(Scalar, Booleans) {
  EXPECT_EQ(parse_boolean("true"), true);
  EXPECT_EQ(parse_boolean("False"), false);
  for (const auto* bad : {"", "1", "yes", "true "}) EXPECT_EQ(parse_boolean(bad), std::nullopt) << bad;
}

bool in(std::string_view address, std::string_view network) {
  const auto a = parse_address(address);
  const auto n = parse_network(network);
  EXPECT_TRUE(a) << address;
  EXPECT_TRUE(n) << network;
  return a && n && n->contains(*a);
}

TEST(Scalar, Networks) {
  EXPECT_TRUE(in("203.0.113.9", "203.0.113.9"));
  EXPECT_FALSE(in("203.0.113.10", "203.0.113.9"));
  EXPECT_TRUE(in("203.0.113.127", "203.0.113.0/25"));
  EXPECT_FALSE(in("203.0.113.128", "203.0.113.0/25"));
  EXPECT_TRUE(in("203.0.113.128", "203.0.113.255/24"));
  EXPECT_TRUE(in("8.8.8.8", "0.0.0.0/0"));
  EXPECT_FALSE(in("2001:db8::1", "0.0.0.0/0"));
  EXPECT_FALSE(in("8.8.8.8", "::/0"));
  EXPECT_TRUE(in("2001:db8::7", "2001:DB8::/32"));
  EXPECT_FALSE(in("2001:db9::7", "2001:db8::/32"));
  EXPECT_TRUE(in("2001:db8:0:0:0:0:0:7", "2001:db8::7"));
  EXPECT_TRUE(in("2001:db8::7f", "2001:db8::70/124"));
  EXPECT_FALSE(in("2001:db8::80", "2001:db8::70/124"));
  EXPECT_FALSE(in("::1", "0.0.0.1"));
}

TEST(Scalar, MappedAddressesAreIpv4) {
  EXPECT_TRUE(in("::ffff:10.1.2.3", "10.0.0.0/8"));
  EXPECT_TRUE(in("10.1.2.3", "::ffff:10.0.0.0/104"));
  EXPECT_FALSE(in("11.1.2.3", "::ffff:10.0.0.0/104"));
  EXPECT_FALSE(in("::ffff:10.1.2.3", "::/0"));
}

TEST(Scalar, RefusesWhatIsNoAddress) {
  for (const auto* bad : {"", "10.0.0", "10.0.0.256", "10.0.0.0.0", "010.0.0.1", "10.0.0.1 ", "::g", "fe80::1%eth0", "1:2:3:4:5:6:7:8:9",
                          "localhost", "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"})
    EXPECT_FALSE(parse_address(bad)) << bad;
  EXPECT_FALSE(parse_address(std::string_view("10.0.0.1\0x", 10)));
  for (const auto* bad : {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.0/8/8", "::/129", "/8", "::ffff:10.0.0.0/64",
                          "10.0.0.0/0008", "10.*"})
    EXPECT_FALSE(parse_network(bad)) << bad;
}

}  // namespace
}  // namespace sallyport::policy
