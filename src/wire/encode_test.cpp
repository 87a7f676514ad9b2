#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "json/parse.hpp"
#include "wire/codec.hpp"
#include "wire/page.hpp"
#include "wire/testing.hpp"

namespace sallyport::wire {
namespace {

http::Response encoded(std::string_view service, std::string_view operation, json::Value output) {
  const auto* model = find_model(service);
  return encode(*model, *model->find_operation(operation), std::move(output), "id-1");
}
http::Response encoded(std::string_view service, std::string_view operation, const char* output) {
  return encoded(service, operation, *json::parse(output));
}
http::Response error(std::string_view service, const aws::ApiError& error) { return encode_error(*find_model(service), error, "id-1"); }

std::string header(const http::Response& response, std::string_view name) {
  const auto* value = response.find(name);
  return value ? *value : "(none)";
}

TEST(EncodeRest, JsonWithStatusAndRequestId) {
  const auto response =
      encoded("lambda", "CreateFunction", R"({"FunctionName":"f","Timeout":3,"LastModified":"2026-11-22T10:00:00.000+0000"})");
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(header(response, "x-amzn-RequestId"), "id-1");
  EXPECT_EQ(header(response, "Content-Type"), "application/json");
  EXPECT_EQ(response.body, R"({"FunctionName":"f","Timeout":3,"LastModified":"2026-11-22T10:00:00.000+0000"})");
}

TEST(EncodeRest, WireNamesAndEpochSeconds) {
  EXPECT_EQ(encoded("apigateway", "GetRestApis", R"({"items":[{"id":"a","createdDate":1700000000}],"position":"p"})").body,
            R"({"item":[{"id":"a","createdDate":1700000000}],"position":"p"})");
}

TEST(EncodeRest, HeadersStatusCodeAndPayload) {
  json::Value output;
  output.set("StatusCode", 202);
  output.set("ExecutedVersion", "$LATEST");
  output.set("FunctionError", "Unhandled");
  output.set("Payload", std::string("\x00\xFF", 2));
  const auto response = encoded("lambda", "Invoke", output);
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(header(response, "X-Amz-Executed-Version"), "$LATEST");
  EXPECT_EQ(header(response, "X-Amz-Function-Error"), "Unhandled");
  EXPECT_EQ(header(response, "Content-Type"), "application/json");
  EXPECT_EQ(response.body, std::string("\x00\xFF", 2));
}

TEST(EncodeRest, AContentTypeOfTheOutputIsKept) {
  const auto response = encoded("apigateway", "GetExport", R"({"contentType":"application/yaml","body":"a: b"})");
  EXPECT_EQ(header(response, "Content-Type"), "application/yaml");
  EXPECT_EQ(response.body, "a: b");
}

TEST(EncodeRest, AHeaderThatWouldSplitTheResponseIsLeftOut) {
  EXPECT_EQ(header(encoded("lambda", "Invoke", R"({"FunctionError":"a\r\nX: y"})"), "X-Amz-Function-Error"), "(none)");
}

TEST(EncodeRest, NoOutputNoBody) {
  const auto response = encoded("lambda", "TagResource", json::Value());
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(header(response, "Content-Type"), "(none)");
  EXPECT_EQ(encoded("lambda", "ListAliases", json::Value()).body, "{}");
  EXPECT_EQ(encoded("apigateway", "DeleteRestApi", json::Value()).status, 202);
}

TEST(Encode, WhatTheModelDoesNotHaveIsLeftOut) {
  EXPECT_EQ(
      encoded("lambda", "GetAlias", R"({"Name":"n","Colour":"red","Description":null,"FunctionVersion":7,"RoutingConfig":{"X":1}})").body,
      R"({"Name":"n","RoutingConfig":{}})");
  EXPECT_EQ(encoded("logs", "DescribeLogGroups", R"({"logGroups":[{"storedBytes":0},"x"]})").body, R"({"logGroups":[{"storedBytes":0}]})");
}

TEST(EncodeJson11, HasItsContentType) {
  const auto response = encoded("logs", "DescribeLogStreams", R"({"logStreams":[],"nextToken":"t"})");
  EXPECT_EQ(header(response, "Content-Type"), "application/x-amz-json-1.1");
  EXPECT_EQ(response.body, R"({"logStreams":[],"nextToken":"t"})");
  EXPECT_EQ(encoded("logs", "CreateLogGroup", json::Value()).body, "");
}

TEST(EncodeQuery, XmlWithWrapperListsAndTimes) {
  const auto response =
      encoded("iam", "GetRole",
              R"({"Role":{"RoleName":"r","CreateDate":1700000000,"Tags":[{"Key":"a","Value":"<&>\"\r\u0001"},{"Key":"b","Value":""}]}})");
  EXPECT_EQ(header(response, "Content-Type"), "text/xml");
  EXPECT_EQ(
      response.body,
      "<GetRoleResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><GetRoleResult><Role><RoleName>r</RoleName>"
      "<CreateDate>2023-11-14T22:13:20Z</CreateDate><Tags><member><Key>a</Key><Value>&lt;&amp;&gt;&quot;&#xD;\xEF\xBF\xBD</Value></member>"
      "<member><Key>b</Key><Value></Value></member></Tags></Role></GetRoleResult><ResponseMetadata><RequestId>id-1</RequestId>"
      "</ResponseMetadata></GetRoleResponse>");
}

TEST(EncodeQuery, MapsBooleansAndNoOutput) {
  EXPECT_THAT(encoded("iam", "GetAccountSummary", R"({"SummaryMap":{"Users":3}})").body,
              ::testing::HasSubstr("<SummaryMap><entry><key>Users</key><value>3</value></entry></SummaryMap>"));
  EXPECT_THAT(encoded("iam", "ListUsers", R"({"Users":[],"IsTruncated":false})").body,
              ::testing::HasSubstr("<Users></Users><IsTruncated>false</IsTruncated>"));
  EXPECT_EQ(encoded("iam", "DeleteRole", json::Value()).body,
            "<DeleteRoleResponse "
            "xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata>"
            "</DeleteRoleResponse>");
}

TEST(EncodeQuery, FractionsOfASecondAreMillis) {
  EXPECT_THAT(encoded("sts", "AssumeRole", R"({"Credentials":{"Expiration":1700000000.25}})").body,
              ::testing::HasSubstr("<Expiration>2023-11-14T22:13:20.250Z</Expiration>"));
}

TEST(EncodeError, LambdaNamesTheMessageByTheModel) {
  const auto response = error("lambda", {"ResourceNotFoundException", 404, "Function not found: x"});
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(header(response, "x-amzn-ErrorType"), "ResourceNotFoundException");
  EXPECT_EQ(header(response, "x-amzn-RequestId"), "id-1");
  EXPECT_EQ(response.body, R"({"Type":"User","Message":"Function not found: x"})");
  EXPECT_EQ(error("lambda", {"InvalidParameterValueException", 400, "m"}).body, R"({"Type":"User","message":"m"})");
  EXPECT_EQ(error("lambda", {"ResourceConflictException", 409, "m"}).body, R"({"Type":"User","message":"m"})");
  EXPECT_EQ(error("lambda", {"PreconditionFailedException", 412, "m"}).body, R"({"Type":"User","message":"m"})");
  EXPECT_EQ(error("lambda", {"ProvisionedConcurrencyConfigNotFoundException", 404, "m"}).body, R"({"Type":"User","message":"m"})");
  EXPECT_EQ(error("lambda", {"ServiceException", 500, "m"}).body, R"({"Type":"Service","Message":"m"})");
  EXPECT_EQ(error("lambda", {"ValidationException", 400, "m"}).body, R"({"message":"m"})");
  EXPECT_EQ(error("lambda", {"AccessDeniedException", 403, "m"}).body, R"({"Message":"m"})");
  EXPECT_EQ(error("lambda", {"RequestEntityTooLargeException", 413, "m"}).body, R"({"Message":"m"})");
  EXPECT_EQ(error("lambda", {"TooManyRequestsException", 429, "Rate Exceeded.", "ReservedFunctionConcurrentInvocationLimitExceeded"}).body,
            R"({"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."})");
  aws::ApiError untyped{"InvalidParameterValueException", 400, "m"};
  untyped.untyped = true;
  EXPECT_EQ(error("lambda", untyped).body, R"({"message":"m"})") << "AWS tells no Type where a limit of concurrency is the matter";
}

TEST(EncodeError, OtherProtocols) {
  EXPECT_EQ(error("apigateway", {"NotFoundException", 404, "m"}).body, R"({"message":"m"})");
  const auto logs = error("logs", {"ResourceNotFoundException", 400, "m"});
  EXPECT_EQ(logs.body, R"({"__type":"ResourceNotFoundException","message":"m"})");
  EXPECT_EQ(header(logs, "Content-Type"), "application/x-amz-json-1.1");
  const auto iam = error("iam", {"NoSuchEntity", 404, "<r>"});
  EXPECT_EQ(iam.status, 404);
  EXPECT_EQ(iam.body,
            "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type><Code>NoSuchEntity</Code>"
            "<Message>&lt;r&gt;</Message></Error><RequestId>id-1</RequestId></ErrorResponse>");
  EXPECT_THAT(error("sts", {"InternalFailure", 500, "m"}).body, ::testing::HasSubstr("<Type>Receiver</Type>"));
}

TEST(EncodeError, OfAMisroute) {
  const auto response =
      encode_error(Misroute{.service = "s3", .protocol = Protocol::rest_xml, .error = {"NotImplementedException", 501, "m"}}, "id-1");
  EXPECT_EQ(response.status, 501);
  EXPECT_EQ(header(response, "x-amz-request-id"), "id-1");
  EXPECT_EQ(response.body,
            "<?xml version=\"1.0\" "
            "encoding=\"UTF-8\"?>\n<Error><Code>NotImplementedException</Code><Message>m</Message><RequestId>id-1</RequestId></Error>");
}

TEST(OutputProblems, AreNamed) {
  const auto problems = [](std::string_view service, std::string_view operation, std::string_view output) {
    return output_problems(*find_model(service)->find_operation(operation), *json::parse(output));
  };
  EXPECT_THAT(problems("iam", "GetRole", R"({"Role":{"Path":"/","RoleName":"r","RoleId":"i","Arn":"a","CreateDate":1}})"),
              ::testing::IsEmpty());
  EXPECT_THAT(problems("iam", "GetRole", R"({"Role":{"Path":"/","RoleName":"r","RoleId":1,"CreateDate":"x","Colour":"red"}})"),
              ::testing::UnorderedElementsAre("Role.Arn is missing", "Role.RoleId is a number", "Role.CreateDate is a string",
                                              "Role.Colour is unknown"));
  EXPECT_THAT(problems("iam", "GetRole", "{}"), ::testing::ElementsAre("Role is missing"));
  EXPECT_THAT(problems("iam", "DeleteRole", R"({"x":1})"), ::testing::ElementsAre("x is unknown"));
}

TEST(Page, WalksAMapByItsKeys) {
  const std::map<std::string, int> items{{"a", 1}, {"b", 2}, {"c", 3}, {"d", 4}};
  std::vector<int> seen;
  const auto odd = [&](const std::string&, int value) {
    if (value % 2 == 0) return false;
    seen.push_back(value);
    return true;
  };
  const auto token = page(items, std::nullopt, 1, odd);
  ASSERT_TRUE(token);
  EXPECT_EQ(page_key(*token), "a");
  EXPECT_FALSE(page(items, page_key(*token), 5, odd));
  EXPECT_EQ(seen, (std::vector<int>{1, 3}));
  EXPECT_FALSE(page_key("*"));
  EXPECT_FALSE(page_key("")) << "no page ends there";
  EXPECT_FALSE(page_key(to_base64url("a"))) << "not one of ours";
}

TEST(Page, GoesOnAfterAnEmptyKey) {
  const std::map<std::string, int> items{{"", 1}, {"a", 2}};
  std::vector<int> seen;
  const auto all = [&](const std::string&, int value) {
    seen.push_back(value);
    return true;
  };
  const auto token = page(items, std::nullopt, 1, all);
  ASSERT_TRUE(token);
  EXPECT_FALSE(token->empty()) << "an empty one is the end to clients";
  EXPECT_EQ(page_key(*token), "");
  EXPECT_FALSE(page(items, page_key(*token), 1, all));
  EXPECT_EQ(seen, (std::vector<int>{1, 2}));
}

}  // namespace
}  // namespace sallyport::wire
