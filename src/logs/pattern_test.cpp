#include <gtest/gtest.h>

#include "logs/pattern.hpp"

namespace sallyport::logs {
namespace {

bool matches(std::string_view pattern, std::string_view message) {
  auto parsed = FilterPattern::parse(pattern);
  EXPECT_TRUE(parsed) << pattern << ": " << parsed.error().message;
  return parsed && parsed->matches(message);
}

bool is_refused(std::string_view pattern) { return !FilterPattern::parse(pattern); }

TEST(Pattern, EmptyMatchesAll) {
  EXPECT_TRUE(matches("", "anything"));
  EXPECT_TRUE(matches("  ", ""));
  EXPECT_TRUE(matches("\" \"", "one two"));
}

TEST(Pattern, Terms) {
  EXPECT_TRUE(matches("ERROR", "[ERROR 400] BAD REQUEST"));
  EXPECT_FALSE(matches("ERROR", "error")) << "case counts";
  EXPECT_TRUE(matches("ERROR REQUEST", "BAD REQUEST: ERROR")) << "all, in any order";
  EXPECT_FALSE(matches("ERROR REQUEST", "ERROR"));
  EXPECT_TRUE(matches("\"INTERNAL SERVER\"", "INTERNAL SERVER ERROR"));
  EXPECT_FALSE(matches("\"INTERNAL SERVER\"", "INTERNAL  SERVER"));
  EXPECT_TRUE(matches(R"("a \"b\" \\")", R"(x a "b" \ y)"));
  EXPECT_TRUE(matches("ERROR -Exiting", "ERROR here"));
  EXPECT_FALSE(matches("ERROR -Exiting", "ERROR Exiting"));
  EXPECT_TRUE(matches("-\"a b\"", "ab"));
  EXPECT_FALSE(matches("-\"a b\"", "a b"));
  EXPECT_TRUE(matches("?ERROR ?WARN", "WARN"));
  EXPECT_TRUE(matches("?ERROR ?\"W W\"", "a W W b"));
  EXPECT_FALSE(matches("?ERROR ?WARN", "INFO"));
}

TEST(Pattern, JsonComparisons) {
  const auto message =
      R"({"type":"UpdateTrail","n":75,"big":1e3,"list":["a",{"k":"v"}],"off":false,"on":true,"none":null,"o":{"a-b":"c"}})";
  EXPECT_TRUE(matches(R"({ $.type = "UpdateTrail" })", message));
  EXPECT_TRUE(matches(R"({$.type=UpdateTrail})", message));
  EXPECT_FALSE(matches(R"({ $.type = "updatetrail" })", message));
  EXPECT_TRUE(matches(R"({ $.type = "Up*il" })", message));
  EXPECT_TRUE(matches(R"({ $.type = * })", message));
  EXPECT_FALSE(matches(R"({ $.type != "Up*" })", message));
  EXPECT_TRUE(matches(R"({ $.type != "x" })", message));
  EXPECT_FALSE(matches(R"({ $.missing != "x" })", message));
  EXPECT_TRUE(matches(R"({ $.n > 74.5 && $.n < 76 && $.n >= 75 && $.n <= 75 && $.n = 75.0 })", message));
  EXPECT_FALSE(matches(R"({ $.n > 75 })", message));
  EXPECT_FALSE(matches(R"({ $.n != 75 })", message));
  EXPECT_TRUE(matches(R"({ $.n != -75 })", message));
  EXPECT_TRUE(matches(R"({ $.big = 1000 })", message));
  EXPECT_FALSE(matches(R"({ $.type > 1 })", message)) << "no number";
  EXPECT_TRUE(matches(R"({ $.list[0] = "a" })", message));
  EXPECT_TRUE(matches(R"({ $.list[1].k = "v" })", message));
  EXPECT_FALSE(matches(R"({ $.list[2] = "a" })", message));
  EXPECT_TRUE(matches(R"({ $.o.a-b = "c" })", message));
  EXPECT_TRUE(matches(R"({ $.off IS FALSE })", message));
  EXPECT_FALSE(matches(R"({ $.off IS TRUE })", message));
  EXPECT_TRUE(matches(R"({ $.none IS NULL })", message));
  EXPECT_FALSE(matches(R"({ $.missing IS NULL })", message));
  EXPECT_TRUE(matches(R"({ $.missing NOT EXISTS })", message));
  EXPECT_FALSE(matches(R"({ $.none NOT EXISTS })", message));
}

TEST(Pattern, JsonConnections) {
  EXPECT_TRUE(matches("{ $.a = 1 || $.b = 1 && $.c = 1 }", R"({"a":1})")) << "&& binds closer";
  EXPECT_FALSE(matches("{ ($.a = 1 || $.b = 1) && $.c = 1 }", R"({"a":1})"));
  EXPECT_TRUE(matches("{ ($.a = 1 || $.b = 1) && $.c = 1 }", R"({"b":1,"c":1})"));
}

TEST(Pattern, JsonMatchesJsonAlone) {
  EXPECT_FALSE(matches("{ $.a NOT EXISTS }", "plain"));
  EXPECT_FALSE(matches("{ $.a NOT EXISTS }", "{broken"));
  EXPECT_FALSE(matches("{ $.a NOT EXISTS }", ""));
  EXPECT_TRUE(matches("{ $[0] = 1 }", "[1]"));
}

TEST(Pattern, WhatIsNotUnderstoodIsRefused) {
  for (const auto* pattern : {"a.b",
                              "a-b",
                              "-",
                              "?",
                              "\"open",
                              "?a b",
                              "?a -b",
                              "%regex%",
                              "[w1, w2]",
                              "{",
                              "{}",
                              "{ $.a }",
                              "{ $.a = }",
                              "{ a = 1 }",
                              "{ $.a == 1 }",
                              "{ $.a = 1",
                              "{ $.a = 1 } x",
                              "{ ($.a = 1 }",
                              "{ $.a = 1 && }",
                              "{ $.a > x }",
                              "{ $.a IS 1 }",
                              "{ $.a NOT }",
                              "{ $.a[*] = 1 }",
                              "{ $.a = %x% }",
                              "{ $. = 1 }",
                              "{ $.a = \"open }"})
    EXPECT_TRUE(is_refused(pattern)) << pattern;
  EXPECT_TRUE(is_refused("{" + std::string(500, '(') + "$.a=1" + std::string(500, ')') + "}")) << "nesting is limited";
}

}  // namespace
}  // namespace sallyport::logs
