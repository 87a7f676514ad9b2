#include "schema/canonical.hpp"

#include "schema/testing.hpp"

namespace sallyport::schema {
namespace {

std::string canonical(std::string_view text) {
  Budget budget(10'000);
  std::string out;
  EXPECT_TRUE(append_canonical(out, parsed(text), std::string::npos, budget));
  return out;
}

TEST(Canonical, EqualValuesShareAText) {
  EXPECT_EQ(canonical("1"), canonical("1.0"));
  EXPECT_EQ(canonical("[1e2,-0]"), canonical("[100,0]"));
  EXPECT_EQ(canonical(R"({"a":1,"b":[true,null]})"), canonical(R"({"b":[true,null],"a":1.0})"));
  EXPECT_EQ(canonical(R"("\u00e9")"), canonical("\"é\""));
}

TEST(Canonical, DifferentValuesDoNot) {
  const std::string_view different[] = {"null",
                                        "true",
                                        "false",
                                        "0",
                                        "1",
                                        "-1",
                                        "10",
                                        "0.1",
                                        "\"\"",
                                        "\"1\"",
                                        "\"null\"",
                                        "[]",
                                        "{}",
                                        "[[]]",
                                        "[[],[]]",
                                        "[1,2]",
                                        "[2,1]",
                                        "[12]",
                                        "[\"1\",2]",
                                        R"(["a"])",
                                        R"(["ab"])",
                                        R"(["a","b"])",
                                        R"({"a":1})",
                                        R"({"a":2})",
                                        R"({"b":1})",
                                        R"({"a":{"b":1}})",
                                        R"([{"a":1}])",
                                        "1e999999999999999999",
                                        "1e999999999999999998"};
  for (const auto a : different)
    for (const auto b : different) EXPECT_EQ(canonical(a) == canonical(b), a == b) << a << " and " << b;
}

TEST(Canonical, StopsAtTheLengthAndAtTheBudget) {
  const auto value = parsed(R"(["aaaaaaaaaaaaaaaa","bbbbbbbbbbbbbbbb"])");
  Budget budget(1'000), none(3);
  std::string out;
  EXPECT_TRUE(append_canonical(out, value, canonical(R"(["aaaaaaaaaaaaaaaa","bbbbbbbbbbbbbbbb"])").size(), budget));
  EXPECT_FALSE(append_canonical(out, value, 20, budget));
  EXPECT_FALSE(budget.is_exhausted());
  EXPECT_FALSE(append_canonical(out, value, std::string::npos, none));
  EXPECT_TRUE(none.is_exhausted());
}

}  // namespace
}  // namespace sallyport::schema
