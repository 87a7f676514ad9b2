#include "schema/decimal.hpp"

#include <gtest/gtest.h>

namespace sallyport::schema {
namespace {

Decimal number(std::string_view text) {
  const auto decimal = Decimal::read(text);
  EXPECT_TRUE(decimal) << text;
  return decimal.value_or(Decimal());
}

TEST(Decimal, EqualValuesAreEqualHoweverTheyAreWritten) {
  for (const auto* one : {"1", "1.0", "1.000", "10e-1", "0.1e1", "1E0", "1e+0", "1e-000", "1000e-3"})
    EXPECT_EQ(number(one), number("1")) << one;
  for (const auto* zero : {"0", "-0", "0.0", "-0.0", "0e5", "0E-99"}) {
    EXPECT_EQ(number(zero), Decimal()) << zero;
    EXPECT_TRUE(number(zero).is_zero());
    EXPECT_FALSE(number(zero).is_negative());
  }
  EXPECT_NE(number("1"), number("-1"));
  EXPECT_NE(number("100000000000000000000"), number("100000000000000000001"));
  EXPECT_NE(number("0.1"), number("0.10000000000000000000000000000000001"));
}

TEST(Decimal, OrderIsThatOfTheValues) {
  const std::string_view ascending[] = {
      "-1e400",   "-123", "-12.5", "-12", "-0.001", "-1e-400", "0",   "1e-400",           "0.00999",          "0.01",
      "0.010001", "1",    "1.5",   "9",   "10",     "99.99",   "100", "9007199254740993", "9007199254740994", "1e400",
      "10.1e400"};
  for (std::size_t i = 0; i < std::size(ascending); ++i)
    for (std::size_t k = 0; k < std::size(ascending); ++k)
      EXPECT_TRUE((number(ascending[i]) <=> number(ascending[k])) == (i <=> k)) << ascending[i] << " and " << ascending[k];
}

TEST(Decimal, MultiplesAreExact) {
  const auto divides = [](std::string_view divisor, std::string_view text) { return number(text).is_multiple_of(number(divisor)); };
  EXPECT_TRUE(divides("0.01", "19.99"));
  EXPECT_TRUE(divides("0.01", "4.35"));
  EXPECT_TRUE(divides("0.01", "0"));
  EXPECT_TRUE(divides("0.01", "-0.07"));
  EXPECT_TRUE(divides("3", "9e0"));
  EXPECT_TRUE(divides("7", "7000000000000000000000000000000000000000000000000000"));
  EXPECT_TRUE(divides("1.5", "3"));
  EXPECT_TRUE(divides("2", "1e900000000000000"));
  EXPECT_TRUE(divides("10", "120"));
  EXPECT_TRUE(divides("999999999999999999", "1999999999999999998"));
  EXPECT_FALSE(divides("0.01", "19.995"));
  EXPECT_FALSE(divides("3", "1e900000000000000"));
  EXPECT_FALSE(divides("7", "7000000000000000000000000000000000000000000000000001"));
  EXPECT_FALSE(divides("10", "12"));
  EXPECT_FALSE(divides("1.5", "2"));
  EXPECT_FALSE(divides("1e5", "10000"));
  EXPECT_FALSE(divides("999999999999999999", "999999999999999998"));
}

TEST(Decimal, AnExponentBeyondFifteenDigitsIsNotRead) {
  EXPECT_TRUE(Decimal::read("1e000000000000000000000999999999999999"));
  EXPECT_FALSE(Decimal::read("1e1000000000000000"));
  EXPECT_FALSE(Decimal::read("1e-99999999999999999999999999999999"));
}

}  // namespace
}  // namespace sallyport::schema
