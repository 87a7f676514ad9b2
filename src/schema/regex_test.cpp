#include "schema/regex.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace sallyport::schema {
namespace {

bool found(std::string_view pattern, std::string_view text) {
  const auto regex = Regex::compile(pattern);
  EXPECT_TRUE(regex) << pattern << ": " << (regex ? "" : regex.error().message);
  return regex && regex->is_found_in(text);
}
std::string refusal(std::string_view pattern) {
  const auto regex = Regex::compile(pattern);
  return regex ? "" : regex.error().message;
}

TEST(Regex, IsFoundAnywhereUnlessAnchored) {
  EXPECT_TRUE(found("b", "abc"));
  EXPECT_FALSE(found("^b", "abc"));
  EXPECT_FALSE(found("b$", "abc"));
  EXPECT_TRUE(found("^abc$", "abc"));
  EXPECT_FALSE(found("^abc$", "abc\n"));
  EXPECT_FALSE(found("^abc$", "x\nabc\ny"));
  EXPECT_TRUE(found("", ""));
}

TEST(Regex, TheDotIsOneCharacterAndNoLineEnd) {
  EXPECT_TRUE(found("^.$", "a"));
  EXPECT_TRUE(found("^.$", "😀"));
  for (const auto* end : {"\n", "\r", "\u2028", "\u2029"}) EXPECT_FALSE(found("^.$", end));
}

TEST(Regex, EscapesOfEcma) {
  EXPECT_TRUE(found("^\\d$", "7"));
  EXPECT_FALSE(found("^\\d$", "৪"));
  EXPECT_TRUE(found("^\\D$", "৪"));
  EXPECT_TRUE(found("^\\w+$", "aZ_9"));
  EXPECT_FALSE(found("^\\w$", "é"));
  EXPECT_TRUE(found("^\\W$", "é"));
  for (const auto* space :
       {" ", "\t", "\n", "\v", "\f", "\r", "\u00a0", "\u1680", "\u2003", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\ufeff"}) {
    EXPECT_TRUE(found("^\\s$", space)) << space;
    EXPECT_TRUE(found("^[\\s]$", space)) << space;
    EXPECT_FALSE(found("^\\S$", space)) << space;
    EXPECT_FALSE(found("^[\\S]$", space)) << space;
    EXPECT_FALSE(found("^[^\\s]$", space)) << space;
  }
  for (const auto* other : {"a", "\x01", "\u200b", "\u2013", "é", "😀"}) {
    EXPECT_FALSE(found("^\\s$", other)) << other;
    EXPECT_TRUE(found("^\\S$", other)) << other;
    EXPECT_TRUE(found("^[\\S]$", other)) << other;
  }
  EXPECT_TRUE(found("^\\u00e9\\xe9\\u{1F600}\\ud83d\\ude00$", "éé😀😀"));
  EXPECT_TRUE(found("^\\cC\\t\\n\\v\\f\\r$", "\x03\t\n\v\f\r"));
  EXPECT_TRUE(found("^\\0$", std::string_view("\0", 1)));
  EXPECT_TRUE(found("^\\/\\-\\.\\$\\_\\\"$", "/-.$_\""));
  EXPECT_TRUE(found("\\bfoo\\b", "a foo b"));
  EXPECT_FALSE(found("\\bfoo\\b", "afoob"));
  EXPECT_TRUE(found("\\Boo", "foo"));
  EXPECT_TRUE(found("^\\p{Letter}\\p{Lu}\\p{gc=Decimal_Number}\\P{L}\\p{Script=Greek}$", "éÉ৪1α"));
}

TEST(Regex, Classes) {
  EXPECT_TRUE(found("^[a-c_é]+$", "abc_é"));
  EXPECT_FALSE(found("^[a-c]$", "d"));
  EXPECT_TRUE(found("^[^a-c]$", "d"));
  EXPECT_TRUE(found("^[a-]+$", "a-"));
  EXPECT_TRUE(found("^[-a]+$", "a-"));
  EXPECT_TRUE(found("^[\\w-.]+$", "a-."));
  EXPECT_TRUE(found("^[a-\\d]+$", "a-7"));
  EXPECT_FALSE(found("^[a-\\d]+$", "b"));
  EXPECT_TRUE(found("^[[:alpha:]]+$", "a]"));  // no POSIX names: one of `[:alph`, then `]`
  EXPECT_FALSE(found("^[[:alpha:]]+$", "z]"));
  EXPECT_TRUE(found("^[\\b]$", "\b"));
  EXPECT_TRUE(found("^[^]$", "\n"));
  EXPECT_FALSE(found("[]", "a"));
  EXPECT_TRUE(found("^[\\]\\\\^]+$", "]\\^"));
}

TEST(Regex, GroupsAndRepetition) {
  EXPECT_TRUE(found("^(ab|c(?:d))+$", "abcdab"));
  EXPECT_TRUE(found("^(?<year>\\d{4})-\\d{2,}$", "2026-01"));
  EXPECT_TRUE(found("^a{2,3}?$", "aaa"));
  EXPECT_FALSE(found("^a{2,3}$", "aaaa"));
  EXPECT_TRUE(found("^.{1,1000}$", std::string(1'000, 'x')));
}

TEST(Regex, WhatCannotRunIsRefusedByName) {
  EXPECT_EQ(refusal("^(?=a)"), "the regular expression `^(?=a)` is not usable: look-around is not supported");
  for (const auto* pattern : {"(?!a)", "(?<=a)b", "(?<!a)b"}) EXPECT_NE(refusal(pattern).find("look-around"), std::string::npos) << pattern;
  for (const auto* pattern : {"(a)\\1", "(?<n>a)\\k<n>"}) EXPECT_NE(refusal(pattern).find("back-references"), std::string::npos) << pattern;
  for (const auto* pattern :
       {"\\Z",         "\\A",   "\\Qa",    "\\a",   "\\C",     "(?i)a",          "(?P<n>a)", "(",    ")",    "[a",        "[b-a]",
        "a**",         "*",     "\\",      "\\u12", "\\ud800", "\\ud800\\u0041", "\\x1",     "\\c1", "\\01", "\\p{Nope}", "\\pL",
        "\\u{110000}", "\\u{}", "a{1001}", "[\\B]", "[\\"})
    EXPECT_NE(refusal(pattern), "") << pattern;
  EXPECT_NE(refusal("\xff"), "");
}

TEST(Regex, MemoryIsLimited) {
  EXPECT_NE(refusal("((.{100}){10}|(.{99}){10}|(.{98}){10}|(.{97}){10}|(.{96}){10}|(.{95}){10}|(.{94}){10}|(.{93}){10})"), "");
}

}  // namespace
}  // namespace sallyport::schema
