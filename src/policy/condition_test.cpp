#include <gtest/gtest.h>

#include "policy/testing.hpp"

namespace sallyport::policy {
namespace {

using testing::Ask;
using Texts = std::vector<std::string>;
using Values = std::vector<std::string_view>;

/// Tests a key with these values against an operator; with none, the key is there but empty.
bool holds(std::string_view operator_name, const Texts& wanted, const Values& values) {
  Ask ask;
  ask.with("Test:Key", values).with("aws:username", {"bob"});
  const auto result = test_condition(operator_name, "test:key", wanted, ask);
  EXPECT_TRUE(result) << result.error().message;
  return result && *result;
}
bool holds_without_key(std::string_view operator_name, const Texts& wanted = {"1"}) {
  const auto result = test_condition(operator_name, "test:key", wanted, Ask());
  EXPECT_TRUE(result) << result.error().message;
  return result && *result;
}
std::string refused(std::string_view operator_name, const Texts& wanted) {
  const auto result = test_condition(operator_name, "test:key", wanted, Ask());
  return result ? "accepted" : result.error().message;
}

TEST(Condition, Strings) {
  EXPECT_TRUE(holds("StringEquals", {"x", "y"}, {"y"}));
  EXPECT_FALSE(holds("StringEquals", {"x"}, {"X"}));
  EXPECT_FALSE(holds("StringEquals", {"*"}, {"x"}));
  EXPECT_TRUE(holds("StringEquals", {""}, {""}));
  EXPECT_TRUE(holds("StringEqualsIgnoreCase", {"X"}, {"x"}));
  EXPECT_FALSE(holds("StringEqualsIgnoreCase", {"xy"}, {"x"}));
  EXPECT_TRUE(holds("StringLike", {"curl/*"}, {"curl/8:1"}));
  EXPECT_TRUE(holds("StringLike", {"a?c"}, {"abc"}));
  EXPECT_FALSE(holds("StringLike", {"a?c"}, {"ac"}));
  EXPECT_FALSE(holds("StringLike", {"A*"}, {"abc"}));
}

TEST(Condition, NegatedStringsAreNeither) {
  EXPECT_TRUE(holds("StringNotEquals", {"x", "y"}, {"z"}));
  EXPECT_FALSE(holds("StringNotEquals", {"x", "y"}, {"y"}));
  EXPECT_FALSE(holds("StringNotEqualsIgnoreCase", {"X"}, {"x"}));
  EXPECT_FALSE(holds("StringNotLike", {"q", "a*"}, {"abc"}));
  EXPECT_TRUE(holds("StringNotLike", {"a*"}, {"xabc"}));
}

TEST(Condition, Numbers) {
  EXPECT_TRUE(holds("NumericEquals", {"10"}, {"10.0"}));
  EXPECT_FALSE(holds("NumericEquals", {"10"}, {"-10"}));
  EXPECT_TRUE(holds("NumericNotEquals", {"10", "11"}, {"12"}));
  EXPECT_FALSE(holds("NumericNotEquals", {"10", "11"}, {"11"}));
  EXPECT_TRUE(holds("NumericLessThan", {"10"}, {"9.99"}));
  EXPECT_FALSE(holds("NumericLessThan", {"10"}, {"10"}));
  EXPECT_TRUE(holds("NumericLessThanEquals", {"10"}, {"10"}));
  EXPECT_FALSE(holds("NumericLessThanEquals", {"10"}, {"10.01"}));
  EXPECT_TRUE(holds("NumericGreaterThan", {"-1"}, {"-0.5"}));
  EXPECT_FALSE(holds("NumericGreaterThan", {"2"}, {"10e-1"}));
  EXPECT_TRUE(holds("NumericGreaterThanEquals", {"100", "2"}, {"2"}));
  EXPECT_FALSE(holds("NumericGreaterThanEquals", {"9"}, {"10x"}));
}

TEST(Condition, Dates) {
  EXPECT_TRUE(holds("DateEquals", {"2026-04-01"}, {"2026-04-01T00:00:00Z"}));
  EXPECT_TRUE(holds("DateEquals", {"2026-04-01T00:00:00Z"}, {"1775001600"}));
  EXPECT_TRUE(holds("DateEquals", {"1775001600"}, {"2026-04-01T02:00:00+02:00"}));
  EXPECT_FALSE(holds("DateNotEquals", {"1775001600"}, {"2026-04-01"}));
  EXPECT_TRUE(holds("DateLessThan", {"2026-04-01T00:00:00Z"}, {"2026-03-04T00:00:00Z"}));
  EXPECT_FALSE(holds("DateLessThan", {"2026-04-01"}, {"2026-04-01"}));
  EXPECT_TRUE(holds("DateLessThanEquals", {"2026-04-01"}, {"2026-04-01"}));
  EXPECT_FALSE(holds("DateGreaterThan", {"2026-04-01"}, {"2026-03-04"}));
  EXPECT_TRUE(holds("DateGreaterThanEquals", {"2026-04-01"}, {"1775001600.25"}));
  EXPECT_FALSE(holds("DateGreaterThanEquals", {"2026-04-01"}, {"soon"}));
}

TEST(Condition, BooleansAndBinary) {
  EXPECT_TRUE(holds("Bool", {"true"}, {"true"}));
  EXPECT_TRUE(holds("Bool", {"True"}, {"tRUE"}));
  EXPECT_FALSE(holds("Bool", {"true"}, {"false"}));
  EXPECT_TRUE(holds("Bool", {"false"}, {"false"}));
  EXPECT_FALSE(holds("Bool", {"false"}, {"no"}));
  EXPECT_TRUE(holds("BinaryEquals", {"QmluYXJ5VmFsdWVJbkJhc2U2NA=="}, {"QmluYXJ5VmFsdWVJbkJhc2U2NA=="}));
  EXPECT_FALSE(holds("BinaryEquals", {"QmluYXJ5VmFsdWVJbkJhc2U2NA=="}, {"qmluYXJ5VmFsdWVJbkJhc2U2NA=="}));
}

TEST(Condition, Addresses) {
  EXPECT_TRUE(holds("IpAddress", {"10.0.0.0/8", "203.0.113.0/25"}, {"203.0.113.127"}));
  EXPECT_FALSE(holds("IpAddress", {"203.0.113.0/25"}, {"203.0.113.128"}));
  EXPECT_FALSE(holds("IpAddress", {"0.0.0.0/0"}, {"not an address"}));
  EXPECT_FALSE(holds("NotIpAddress", {"10.0.0.0/8", "203.0.113.9"}, {"203.0.113.9"}));
  EXPECT_TRUE(holds("NotIpAddress", {"10.0.0.0/8"}, {"2001:db8::1"}));
}

TEST(Condition, Arns) {
  constexpr std::string_view function = "arn:aws:lambda:us-east-1:123456789012:function:f:1";
  for (const auto* name : {"ArnEquals", "ArnLike"}) {
    EXPECT_TRUE(holds(name, {"arn:aws:lambda:*:123456789012:function:f*"}, {function}));
    EXPECT_TRUE(holds(name, {"arn:aws:lambda:us-east-?:*:*"}, {function}));
    EXPECT_FALSE(holds(name, {"arn:aws:lambda:*:function:f:1"}, {function}));
    EXPECT_FALSE(holds(name, {"arn:aws:Lambda:*:*:*"}, {function}));
    EXPECT_FALSE(holds(name, {"arn:aws:lambda:*:*:*"}, {"lambda"}));
  }
  EXPECT_FALSE(holds("ArnNotLike", {"arn:aws:lambda:*:*:*"}, {function}));
  EXPECT_TRUE(holds("ArnNotEquals", {"arn:aws:s3:*:*:*"}, {function}));
  EXPECT_TRUE(holds("ArnLike", {"arn:aws:iam::*:user/${aws:username}"}, {"arn:aws:iam::123456789012:user/bob"}));
}

TEST(Condition, AMissingKeyFailsPositiveOperatorsAndPassesNegatedOnes) {
  for (const auto* name : {"StringEquals", "StringEqualsIgnoreCase", "StringLike", "NumericEquals", "NumericLessThan",
                           "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals", "DateEquals", "DateLessThan",
                           "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"}) {
    EXPECT_FALSE(holds_without_key(name)) << name;
    EXPECT_TRUE(holds_without_key(std::string(name) + "IfExists")) << name;
  }
  for (const auto* name : {"StringNotEquals", "StringNotEqualsIgnoreCase", "StringNotLike", "NumericNotEquals", "DateNotEquals"}) {
    EXPECT_TRUE(holds_without_key(name)) << name;
    EXPECT_TRUE(holds_without_key(std::string(name) + "IfExists")) << name;
  }
  EXPECT_FALSE(holds_without_key("Bool", {"false"}));
  EXPECT_FALSE(holds_without_key("BinaryEquals", {"MQ=="}));
  EXPECT_FALSE(holds_without_key("IpAddress", {"0.0.0.0/0"}));
  EXPECT_TRUE(holds_without_key("NotIpAddress", {"0.0.0.0/0"}));
  EXPECT_FALSE(holds_without_key("ArnLike", {"arn:*:*:*:*:*"}));
  EXPECT_TRUE(holds_without_key("ArnNotLike", {"arn:*:*:*:*:*"}));
}

TEST(Condition, IfExistsStillLooksAtAKeyThatIsThere) {
  EXPECT_FALSE(holds("StringEqualsIfExists", {"x"}, {"y"}));
  EXPECT_TRUE(holds("StringEqualsIfExists", {"x"}, {"x"}));
  EXPECT_FALSE(holds("StringNotEqualsIfExists", {"x"}, {"x"}));
}

TEST(Condition, AKeyWithoutValuesIsMissing) {
  EXPECT_FALSE(holds("StringEquals", {""}, {}));
  EXPECT_TRUE(holds("StringNotEquals", {"x"}, {}));
  EXPECT_TRUE(holds("StringEqualsIfExists", {"x"}, {}));
  EXPECT_TRUE(holds("Null", {"true"}, {}));
}

TEST(Condition, Null) {
  EXPECT_TRUE(holds_without_key("Null", {"true"}));
  EXPECT_FALSE(holds_without_key("Null", {"false"}));
  EXPECT_FALSE(holds("Null", {"true"}, {"x"}));
  EXPECT_TRUE(holds("Null", {"false"}, {"x"}));
  EXPECT_TRUE(holds("Null", {"true"}, {""}));
  EXPECT_TRUE(holds("Null", {"true", "false"}, {"x"}));
}

TEST(Condition, ForAllValues) {
  EXPECT_TRUE(holds("ForAllValues:StringEquals", {"a", "b"}, {"a"}));
  EXPECT_TRUE(holds("ForAllValues:StringEquals", {"a", "b"}, {"b", "a"}));
  EXPECT_FALSE(holds("ForAllValues:StringEquals", {"a", "b"}, {"a", "c"}));
  EXPECT_TRUE(holds("ForAllValues:StringEquals", {"a"}, {}));
  EXPECT_TRUE(holds("ForAllValues:StringEquals", {"a"}, {""}));
  EXPECT_FALSE(holds("ForAllValues:StringEquals", {"a"}, {"", "a"}));
  EXPECT_TRUE(holds_without_key("ForAllValues:StringEquals"));
  EXPECT_TRUE(holds_without_key("ForAllValues:StringEqualsIfExists"));
  EXPECT_TRUE(holds("ForAllValues:StringNotEquals", {"a", "b"}, {"c", "d"}));
  EXPECT_FALSE(holds("ForAllValues:StringNotEquals", {"a", "b"}, {"c", "a"}));
  EXPECT_TRUE(holds("forallvalues:StringLike", {"a*"}, {"ab", "ac"}));
}

TEST(Condition, ForAnyValue) {
  EXPECT_TRUE(holds("ForAnyValue:StringEquals", {"a", "b"}, {"c", "b"}));
  EXPECT_FALSE(holds("ForAnyValue:StringEquals", {"a", "b"}, {"c", "d"}));
  EXPECT_FALSE(holds("ForAnyValue:StringEquals", {"a"}, {}));
  EXPECT_FALSE(holds("ForAnyValue:StringNotEquals", {"a"}, {""}));
  EXPECT_FALSE(holds_without_key("ForAnyValue:StringEquals"));
  EXPECT_FALSE(holds_without_key("ForAnyValue:StringNotEquals"));
  EXPECT_FALSE(holds_without_key("ForAnyValue:StringEqualsIfExists"));
  EXPECT_TRUE(holds("ForAnyValue:StringNotEquals", {"a", "b"}, {"a", "c"}));
  EXPECT_FALSE(holds("ForAnyValue:StringNotEquals", {"a", "b"}, {"a", "b"}));
  EXPECT_TRUE(holds("ForAnyValue:NumericGreaterThan", {"5"}, {"1", "9"}));
}

TEST(Condition, SeveralValuesWithoutAPrefix) {
  EXPECT_TRUE(holds("StringEquals", {"a"}, {"x", "a"}));
  EXPECT_FALSE(holds("StringEquals", {"a"}, {"x", "y"}));
  EXPECT_TRUE(holds("StringNotEquals", {"a"}, {"x", "y"}));
  EXPECT_FALSE(holds("StringNotEquals", {"a"}, {"x", "a"}));
}

TEST(Condition, NoPolicyValues) {
  EXPECT_FALSE(holds("StringEquals", {}, {"a"}));
  EXPECT_TRUE(holds("StringNotEquals", {}, {"a"}));
  EXPECT_FALSE(holds("ForAllValues:StringEquals", {}, {"a"}));
  EXPECT_FALSE(holds("Null", {}, {"a"}));
}

TEST(Condition, Variables) {
  EXPECT_TRUE(holds("StringEquals", {"${aws:username}"}, {"bob"}));
  EXPECT_TRUE(holds("StringLike", {"${AWS:userName}/*"}, {"bob/x"}));
  EXPECT_TRUE(holds("StringEqualsIgnoreCase", {"${aws:username}"}, {"BOB"}));
  EXPECT_FALSE(holds("StringEquals", {"${aws:missing}"}, {"${aws:missing}"}));
  EXPECT_TRUE(holds("StringEquals", {"${aws:missing}", "x"}, {"x"}));
  EXPECT_TRUE(holds("StringNotEquals", {"${aws:missing}"}, {"x"}));
  EXPECT_TRUE(holds("StringEquals", {"${aws:missing, 'x'}"}, {"x"}));
  EXPECT_TRUE(holds("StringEquals", {"${*}"}, {"*"}));
}

TEST(Condition, OperatorNamesAreCaseBlind) {
  EXPECT_TRUE(holds("stringequalsifexists", {"a"}, {"a"}));
  EXPECT_TRUE(holds("FORANYVALUE:STRINGLIKE", {"a*"}, {"ab"}));
}

TEST(Condition, RefusesUnknownOperators) {
  for (const auto* name :
       {"", "StringMatches", "NullIfExists", "ForAllValues:Null", "ForAnyValue:", "IfExists", "StringEqualsIfExistsIfExists",
        "ForSomeValues:StringEquals", "ForAllValues:ForAllValues:StringEquals", "StringEquals "})
    EXPECT_EQ(refused(name, {"x"}), "unknown condition operator `" + std::string(name) + "`");
}

TEST(Condition, RefusesValuesTheOperatorCannotRead) {
  EXPECT_EQ(refused("NumericEquals", {"1", "one"}), "`one` is not a number");
  EXPECT_EQ(refused("DateLessThan", {"soon"}), "`soon` is not an ISO 8601 date with time zone or a number of seconds");
  EXPECT_EQ(refused("Bool", {"yes"}), "`yes` is not true or false");
  EXPECT_EQ(refused("Null", {""}), "`` is not true or false");
  EXPECT_EQ(refused("NotIpAddress", {"10.0.0.0/33"}), "`10.0.0.0/33` is not an IP address or a CIDR block");
  EXPECT_EQ(refused("BinaryEquals", {"MQ="}), "`MQ=` is not base64");
  EXPECT_EQ(refused("ArnLike", {"*"}), "`*` is not an ARN of six parts");
  EXPECT_EQ(refused("StringLike", {"${x"}), "`${x` has a policy variable that is not of the form ${key} or ${key, 'default'}");
  EXPECT_EQ(refused("NumericEquals", {"${aws:epochtime}"}), "`${aws:epochtime}` is not a number");
}

TEST(Condition, RefusesKeysWithoutAService) {
  const auto result = test_condition("StringEquals", "username", Texts{"x"}, Ask());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "`username` is no condition key: it has no service prefix");
}

}  // namespace
}  // namespace sallyport::policy
