#include <gtest/gtest.h>

#include "json/parse.hpp"
#include "json/write.hpp"
#include "wire/codec.hpp"
#include "wire/form.hpp"
#include "wire/testing.hpp"

namespace sallyport::wire {
namespace {

/// The input as JSON text, or "code: message".
std::string decoded(std::string_view service, const testing::Draft& draft) {
  const auto* model = find_model(service);
  auto signed_draft = draft;
  signed_draft.headers.emplace_back("Authorization", testing::scope_header(*model));
  const auto request = signed_draft.request();
  const auto routed = route(request, draft.body);
  if (!routed) return routed.error().error.message;
  const auto input = decode(*routed, request, draft.body);
  return input ? json::to_text(*input) : cat(input.error().status, " ", input.error().code, ": ", input.error().message);
}

std::string create_function(std::string_view body) {
  return decoded("lambda", {.target = "/2015-03-31/functions", .body = std::string(body)});
}
std::string iam(std::string_view parameters) { return decoded("iam", {.body = cat("Version=2010-05-08&", parameters)}); }
std::string logs(std::string_view operation, std::string_view body) {
  return decoded("logs", {.headers = {{"X-Amz-Target", cat("Logs_20140328.", operation)}}, .body = std::string(body)});
}

TEST(DecodeRest, MembersComeFromPathQueryHeaderAndBody) {
  EXPECT_EQ(decoded("lambda", {.target = "/2015-03-31/functions/f%3A1/policy?Qualifier=live",
                               .body = R"({"StatementId":"s","Action":"lambda:InvokeFunction","Principal":"*"})"}),
            R"({"FunctionName":"f:1","Qualifier":"live","StatementId":"s","Action":"lambda:InvokeFunction","Principal":"*"})");
  EXPECT_EQ(decoded("lambda",
                    {.target = "/2015-03-31/functions/f/invocations", .headers = {{"x-amz-invocation-type", "Event"}}, .body = "\x01{"}),
            R"({"FunctionName":"f","InvocationType":"Event","Payload":"\u0001{"})");
}

TEST(DecodeRest, AnEmptyPayloadIsNone) {
  EXPECT_EQ(decoded("lambda", {.target = "/2015-03-31/functions/f/invocations"}), R"({"FunctionName":"f"})");
}

TEST(DecodeRest, QueryMembersHaveTheKindOfTheModel) {
  EXPECT_EQ(decoded("lambda", {.method = "GET", .target = "/2015-03-31/functions?MaxItems=10&Marker=a%2Bb"}),
            R"({"Marker":"a+b","MaxItems":10})");
  EXPECT_EQ(decoded("apigateway", {.method = "GET", .target = "/apikeys/k?includeValue=true"}), R"({"apiKey":"k","includeValue":true})");
  EXPECT_EQ(decoded("apigateway", {.method = "DELETE", .target = "/tags/arn?tagKeys=a&tagKeys=b"}),
            R"({"resourceArn":"arn","tagKeys":["a","b"]})");
  EXPECT_EQ(decoded("lambda", {.method = "GET", .target = "/2015-03-31/functions?MaxItems=ten"}),
            "400 SerializationException: class java.lang.String can not be converted to an Integer");
  EXPECT_EQ(decoded("lambda", {.method = "GET", .target = "/2015-03-31/functions?Marker=%zz"}),
            "400 SerializationException: The query string can not be decoded.");
}

TEST(DecodeRest, AMapOfParametersTakesWhatIsLeftOfTheQuery) {
  EXPECT_EQ(decoded("apigateway", {.target = "/restapis?mode=import&failonwarnings=true&basepath=split&x-id=ImportRestApi", .body = "{}"}),
            R"({"failOnWarnings":true,"parameters":{"basepath":"split"},"body":"{}"})");
}

TEST(DecodeRest, WireNamesBecomeMemberNames) {
  EXPECT_EQ(decoded("apigateway", {.target = "/restapis/a/resources/p", .body = R"({"pathPart":"x"})"}),
            R"({"restApiId":"a","parentId":"p","pathPart":"x"})");
}

TEST(DecodeJson, UnknownMembersAndNullsAreLeftOut) {
  EXPECT_EQ(create_function(R"({"FunctionName":"f","Nonsense":[1],"functionname":"g","Role":null,"Timeout":3})"),
            R"({"FunctionName":"f","Timeout":3})");
}

TEST(DecodeJson, NullsInsideListsStay) { EXPECT_EQ(create_function(R"({"Layers":["a",null]})"), R"({"Layers":["a",null]})"); }

TEST(DecodeJson, BlobsAreBytes) {
  EXPECT_EQ(create_function(R"({"Code":{"ZipFile":"UEsDBA=="}})"), R"({"Code":{"ZipFile":"PK\u0003\u0004"}})");
  EXPECT_EQ(create_function(R"({"Code":{"ZipFile":"*"}})"),
            "400 SerializationException: class java.lang.String can not be converted to an ByteBuffer");
}

TEST(DecodeJson, WrongKindsAreRefusedInAwsWords) {
  EXPECT_EQ(create_function(R"({"FunctionName":true})"),
            "400 SerializationException: class java.lang.Boolean can not be converted to an String");
  EXPECT_EQ(create_function(R"({"FunctionName":1})"),
            "400 SerializationException: class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String");
  EXPECT_EQ(create_function(R"({"FunctionName":{}})"), "400 SerializationException: Start of structure or map found where not expected.");
  EXPECT_EQ(create_function(R"({"FunctionName":[]})"), "400 SerializationException: Unrecognized collection type class java.lang.String");
  EXPECT_EQ(create_function(R"({"Environment":"x"})"), "400 SerializationException: Unexpected value type in payload");
  EXPECT_EQ(create_function(R"({"Environment":{"Variables":{"A":1}}})"),
            "400 SerializationException: class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String");
  EXPECT_EQ(create_function(R"({"Timeout":"3"})"), "400 SerializationException: class java.lang.String can not be converted to an Integer");
  EXPECT_EQ(create_function("[]"), "400 SerializationException: Unexpected value type in payload");
  EXPECT_TRUE(create_function("{").starts_with("400 SerializationException: Could not parse request body into json: "));
  EXPECT_TRUE(create_function(R"({"Role":"a","Role":"b"})").starts_with("400 SerializationException: "));
}

TEST(DecodeJson, IntegersMayBeWrittenWithAnEmptyFraction) {
  EXPECT_EQ(create_function(R"({"Timeout":3.0,"MemorySize":1e3})"), R"({"Timeout":3,"MemorySize":1000})");
  EXPECT_EQ(create_function(R"({"Timeout":3.5})"),
            "400 SerializationException: class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an Integer");
  EXPECT_TRUE(create_function(R"({"Timeout":1e400})").starts_with("400 "));
}

TEST(DecodeJson, AnEmptyBodyIsAnEmptyInput) {
  EXPECT_EQ(create_function(""), "{}");
  EXPECT_EQ(logs("DescribeLogGroups", " \n"), "{}");
}

TEST(DecodeJson, Version11ReadsTheSameWay) {
  EXPECT_EQ(logs("PutLogEvents", R"({"logGroupName":"g","logEvents":[{"timestamp":1700000000000,"message":"m"}]})"),
            R"({"logGroupName":"g","logEvents":[{"timestamp":1700000000000,"message":"m"}]})");
}

TEST(DecodeQuery, ListsStructuresAndEmptyLists) {
  EXPECT_EQ(iam("Action=CreateRole&RoleName=r&Tags.member.2.Key=b&Tags.member.2.Value=&Tags.member.1.Key=a&Tags.member.1.Value=1&"
                "MaxSessionDuration=3600"),
            R"({"RoleName":"r","MaxSessionDuration":3600,"Tags":[{"Key":"a","Value":"1"},{"Key":"b","Value":""}]})");
  EXPECT_EQ(iam("Action=CreateRole&Tags="), R"({"Tags":[]})");
  EXPECT_EQ(iam("Action=SimulateCustomPolicy&ActionNames.member.10=j&ActionNames.member.9=i"), R"({"ActionNames":["i","j"]})");
  EXPECT_EQ(iam("Action=CreateRole&Nonsense=1&RoleName=a%2Bb+c"), R"({"RoleName":"a+b c"})");
}

TEST(DecodeQuery, BooleansAndNumbersAreText) {
  EXPECT_EQ(iam("Action=CreatePolicyVersion&SetAsDefault=true"), R"({"SetAsDefault":true})");
  EXPECT_EQ(iam("Action=CreatePolicyVersion&SetAsDefault=yes"),
            "400 MalformedInput: class java.lang.String can not be converted to an Boolean");
  EXPECT_EQ(iam("Action=ListUsers&MaxItems=x"), "400 MalformedInput: class java.lang.String can not be converted to an Integer");
}

TEST(DecodeQuery, WhatHasNoOneReadingIsRefused) {
  EXPECT_EQ(iam("Action=CreateRole&RoleName=a&RoleName=b"), "400 MalformedInput: The parameter RoleName was sent twice.");
  EXPECT_EQ(iam("Action=CreateRole&Tags.member.x.Key=a"), "400 MalformedInput: Unexpected list element x");
  EXPECT_EQ(iam("Action=CreateRole&Tags=a"), "400 MalformedInput: Unexpected text where a list or map was expected");
  EXPECT_EQ(iam("Action=CreateRole&Tags.1.Key=a"), "400 MalformedInput: Unexpected list element termination");
  EXPECT_EQ(iam("Action=CreateRole&RoleName.member.1=a"), "400 MalformedInput: Start of structure or map found where not expected.");
  std::string deep = "Action=CreateRole&a";
  for (int i = 0; i < 40; ++i) deep += ".a";
  EXPECT_TRUE(iam(deep + "=1").starts_with("400 MalformedInput: The parameter a.a."));
}

TEST(DecodeQuery, ManyParametersAreRefused) {
  std::string body = "Action=CreateRole";
  for (int i = 0; i < 20'000; ++i) body += cat("&a", i, "=");
  EXPECT_EQ(iam(body), "400 MalformedInput: The request has too many parameters.");
}

TEST(Form, AmpersandAloneSeparates) {
  const auto form = parse_form("a=1;b=2&c&d=+%2B&&");
  ASSERT_TRUE(form);
  EXPECT_EQ(*form, (std::vector<FormPair>{{"a", "1;b=2"}, {"c", ""}, {"d", " +"}}));
  EXPECT_FALSE(parse_form("a=%4"));
  EXPECT_FALSE(parse_form("a=%ff"));
}

}  // namespace
}  // namespace sallyport::wire
