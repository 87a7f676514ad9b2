#include "policy/pattern.hpp"

#include <gtest/gtest.h>

#include <random>

#include "policy/testing.hpp"

namespace sallyport::policy {
namespace {

bool matches(std::string_view pattern, std::string_view text, Wildcards wildcards, std::span<const ContextKey> context = {}) {
  const auto compiled = Pattern::compile(pattern, {.wildcards = wildcards, .variables = true});
  EXPECT_TRUE(compiled) << pattern;
  return compiled && compiled->matches(arn_subject(text), context);
}
bool free(std::string_view pattern, std::string_view text) { return matches(pattern, text, Wildcards::free); }
bool arn(std::string_view pattern, std::string_view text) { return matches(pattern, text, Wildcards::arn); }
bool resource(std::string_view pattern, std::string_view text) { return matches(pattern, text, Wildcards::resource); }

TEST(Pattern, LiteralText) {
  EXPECT_TRUE(free("abc", "abc"));
  EXPECT_FALSE(free("abc", "ab"));
  EXPECT_FALSE(free("abc", "abcd"));
  EXPECT_FALSE(free("abc", "ABC"));
  EXPECT_TRUE(free("", ""));
  EXPECT_FALSE(free("", "a"));
  EXPECT_TRUE(matches("a*?", "a*?", Wildcards::none));
  EXPECT_FALSE(matches("a*?", "abc", Wildcards::none));
}

TEST(Pattern, FreeWildcards) {
  EXPECT_TRUE(free("*", ""));
  EXPECT_TRUE(free("*", "a:b/c"));
  EXPECT_TRUE(free("a*c*e", "abcde"));
  EXPECT_TRUE(free("a*c*e", "ace"));
  EXPECT_FALSE(free("a*c*e", "aec"));
  EXPECT_TRUE(free("*ab", "aab"));
  EXPECT_TRUE(free("***a", "xa"));
  EXPECT_TRUE(free("a?c", "a:c"));
  EXPECT_FALSE(free("a?c", "ac"));
  EXPECT_TRUE(free("?*?", "ab"));
  EXPECT_FALSE(free("?*?", "a"));
  EXPECT_TRUE(free("curl/*", "curl/8.1"));
}

TEST(Pattern, IgnoresCaseWhereTold) {
  const auto pattern = Pattern::compile("execute-API:inv*E", {.wildcards = Wildcards::free, .ignore_case = true});
  ASSERT_TRUE(pattern);
  EXPECT_TRUE(pattern->matches({"Execute-api:InvokE"}, {}));
  EXPECT_FALSE(pattern->matches({"Execute-api:Invoked"}, {}));
  EXPECT_EQ(pattern->text(), "execute-API:inv*E");
}

// The example of the user guide: a wildcard of an ARN operator stays in its part, one of a string operator does not.
TEST(Pattern, ArnWildcardsStayInTheirPart) {
  constexpr std::string_view pattern = "arn:aws:someservice:*:111122223333:finance/*";
  constexpr std::string_view value = "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt";
  EXPECT_TRUE(free(pattern, value));
  EXPECT_FALSE(arn(pattern, value));
  EXPECT_TRUE(arn(pattern, "arn:aws:someservice:us-east-2:111122223333:finance/a/b:c"));
  EXPECT_FALSE(arn("arn:aws:s3?:::b", "arn:aws:s3:::b"));
  EXPECT_FALSE(arn("arn:aws:iam:?:::b", "arn:aws:iam::::b"));
  EXPECT_TRUE(arn("arn:*:*:*:*:*", "arn:aws:lambda:r:a:function:f:1"));
  EXPECT_FALSE(arn("*", "arn:aws:lambda:r:a:f"));
}

TEST(Pattern, ResourceWildcardsAtTheEndOfASegmentRunPastColons) {
  constexpr std::string_view method = "arn:aws:execute-api:us-east-1:123456789012:a1/dev/GET/pets";
  for (const auto* pattern : {"*", "arn:aws:execute-api:*", "arn:aws:execute-api:us-east-1:*:*", "arn:aws:execute-api:us-*",
                              "arn:aws:execute-api:*:*:*", "arn:aws:execute-api:*:123456789012:a1/*", "arn:aws:execute-api:us-east-?:*"})
    EXPECT_TRUE(resource(pattern, method)) << pattern;
  for (const auto* pattern :
       {"arn:aws:execute-api:us*1:1*2:a1/prod/*", "arn:aws:lambda:*", "arn:aws:execute-api:us-east-1:*2a1/*",
        "arn:aws:execute-api:us*t-1/*", "arn:aws:execute-api:us-east-1?123456789012:a1/*", "arn:aws:execute-api:*/dev/GET/pets"})
    EXPECT_FALSE(resource(pattern, method)) << pattern;
}

TEST(Pattern, ColonsAfterTheFifthAreOrdinary) {
  constexpr std::string_view qualified = "arn:aws:lambda:us-east-1:123456789012:function:f:1";
  EXPECT_TRUE(resource("arn:aws:lambda:us-east-1:123456789012:function:f*", qualified));
  EXPECT_TRUE(resource("arn:aws:lambda:us-east-1:123456789012:f*1", qualified));
  EXPECT_TRUE(resource("arn:aws:lambda:us-east-1:123456789012:function?f:1", qualified));
  EXPECT_FALSE(resource("arn:aws:lambda:us-east-1:123456789012:function:f:*", "arn:aws:lambda:us-east-1:123456789012:function:f"));
}

// A wildcard that is stopped by a colon is helped by an earlier one that may pass it.
TEST(Pattern, ReturnsToAnEarlierWildcard) {
  EXPECT_TRUE(resource("arn:*:a*b", "arn:q:ax:ab"));
  EXPECT_TRUE(resource("arn:*:a?:x", "arn:a::ab:x"));
  EXPECT_FALSE(resource("arn:*:a*b", "arn:q:ax:b"));
}

TEST(Pattern, Variables) {
  testing::Ask ask;
  ask.with("aws:UserName", {"bob"}).with("aws:wild", {"*"}).with("aws:many", {"a", "b"}).with("aws:empty", {""}).with("aws:none", {});
  const auto context = ask.request.context;
  const auto m = [&](std::string_view pattern, std::string_view text) { return matches(pattern, text, Wildcards::free, context); };
  EXPECT_TRUE(m("home/${aws:username}/*", "home/bob/x"));
  EXPECT_TRUE(m("${AWS:USERNAME}", "bob"));
  EXPECT_TRUE(m("${ aws:username }", "bob"));
  EXPECT_FALSE(m("home/${aws:username}", "home/eve"));
  EXPECT_TRUE(m("${aws:wild}x", "*x"));
  EXPECT_FALSE(m("${aws:wild}x", "yx"));
  EXPECT_TRUE(m("a${aws:empty}b", "ab"));
  for (const auto* valueless : {"${aws:missing}", "${aws:none}", "${aws:many}", "*${aws:missing}"}) {
    EXPECT_FALSE(m(valueless, "")) << valueless;
    EXPECT_FALSE(m(valueless, valueless)) << valueless;
  }
  EXPECT_TRUE(m("${aws:missing, 'x'}", "x"));
  EXPECT_TRUE(m("${aws:many,'*'}", "*"));
  EXPECT_FALSE(m("${aws:many,'*'}", "y"));
  EXPECT_TRUE(m("${aws:missing, ''}", ""));
  EXPECT_TRUE(m("${aws:username, 'x'}", "bob"));
  EXPECT_TRUE(m("${aws:missing, '}, '}!", "}, !"));
  EXPECT_TRUE(m("${*}${?}${$}{x}", "*?${x}"));
  EXPECT_FALSE(m("${*}", "x"));
  EXPECT_TRUE(m("$default $", "$default $"));
}

TEST(Pattern, VariablesOnlyWhereTold) {
  const auto pattern = Pattern::compile("${aws:username}", {.wildcards = Wildcards::free});
  ASSERT_TRUE(pattern);
  EXPECT_TRUE(pattern->matches({"${aws:username}"}, {}));
}

TEST(Pattern, RefusesBrokenVariables) {
  for (const auto* text : {"${", "${a:b", "${}", "${ }", "${a:b,}", "${a:b,x}", "${a:b,'x}", "${a:b,'x' y}", "${a:${b}}", "x${$"})
    EXPECT_FALSE(Pattern::compile(text, {.variables = true})) << text;
}

// The rule itself, tried in every way: exponential, and obviously right.
bool obviously(std::string_view pattern, std::string_view text, std::size_t at, std::size_t fifth, Wildcards wildcards) {
  if (pattern.empty()) return at == text.size();
  const auto rest = pattern.substr(1);
  const bool limited = wildcards != Wildcards::free;
  const auto stops = [&](std::size_t i) { return limited && text[i] == ':' && i <= fifth; };
  if (pattern[0] == '*') {
    const bool past = wildcards == Wildcards::resource && (rest.empty() || rest[0] == ':');
    for (auto i = at;; ++i) {
      if (obviously(rest, text, i, fifth, wildcards)) return true;
      if (i == text.size() || (!past && stops(i))) return false;
    }
  }
  if (at == text.size()) return false;
  if (pattern[0] == '?' ? stops(at) : pattern[0] != text[at]) return false;
  return obviously(rest, text, at + 1, fifth, wildcards);
}

TEST(Pattern, AgreesWithTheObviousMatcher) {
  int positive = 0;
  for (unsigned seed = 1; seed <= 60'000; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&](std::string_view letters, std::size_t longest) {
      std::string text(random() % (longest + 1), ' ');
      for (auto& c : text) c = letters[random() % letters.size()];
      return text;
    };
    const auto pattern = pick("ab::*?*", 10), text = pick("aab::", 12);
    const auto wildcards = std::array{Wildcards::free, Wildcards::arn, Wildcards::resource}[random() % 3];
    const auto subject = arn_subject(text);
    const bool expected = obviously(pattern, text, 0, subject.fifth_colon, wildcards);
    positive += expected;
    const auto compiled = Pattern::compile(pattern, {.wildcards = wildcards});
    ASSERT_TRUE(compiled);
    ASSERT_EQ(compiled->matches(subject, {}), expected)
        << "seed " << seed << ": `" << pattern << "` against `" << text << "`, wildcards " << static_cast<int>(wildcards);
  }
  EXPECT_GT(positive, 3000);
}

// What an attacker can choose is the text; the worst of it must cost no more than text times pattern.
TEST(Pattern, HostileTextsCostLittle) {
  const std::string letters(20'000, 'a');
  EXPECT_FALSE(free("*a*a*a*a*a*a*a*a*b", letters));
  std::string colons;
  while (colons.size() < 20'000) colons += ":aa";
  EXPECT_FALSE(resource("arn:aws:execute-api:*:a*a*a*ab", "arn:aws:execute-api:r:1:" + colons));
  EXPECT_FALSE(resource("arn:*:*:*:*a?b", "arn:" + colons));
}

}  // namespace
}  // namespace sallyport::policy
