#include "wire/router.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace sallyport::wire {
namespace {

http::Header scope(std::string_view service) {
  return {"Authorization",
          cat("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/", service, "/aws4_request, SignedHeaders=host, Signature=00")};
}

/// "service Operation label=value ..." or "! service code".
std::string called(std::string_view method, std::string_view target, const std::vector<http::Header>& headers, std::string_view body = {}) {
  const auto routed = route(http::assemble_request(method, target, headers), body);
  if (!routed) return cat("! ", routed.error().service, routed.error().service.empty() ? "" : " ", routed.error().error.code);
  auto out = cat(routed->service->name, " ", routed->operation->name);
  for (const auto& [name, value] : routed->labels) out += cat(" ", name, "=", value);
  return out;
}

std::string in_lambda(std::string_view method, std::string_view target) { return called(method, target, {scope("lambda")}); }
std::string in_gateway(std::string_view method, std::string_view target) { return called(method, target, {scope("apigateway")}); }

TEST(Router, LambdaByMethodAndPath) {
  EXPECT_EQ(in_lambda("POST", "/2015-03-31/functions"), "lambda CreateFunction");
  EXPECT_EQ(in_lambda("GET", "/2015-03-31/functions?MaxItems=3"), "lambda ListFunctions");
  EXPECT_EQ(in_lambda("POST", "/2015-03-31/functions/f/invocations?Qualifier=%24LATEST"), "lambda Invoke FunctionName=f");
  EXPECT_EQ(in_lambda("PUT", "/2017-10-31/functions/f/concurrency"), "lambda PutFunctionConcurrency FunctionName=f");
  EXPECT_EQ(in_lambda("GET", "/2019-09-30/functions/f/concurrency"), "lambda GetFunctionConcurrency FunctionName=f");
  EXPECT_EQ(in_lambda("DELETE", "/2015-03-31/functions/f/policy/sid-1"), "lambda RemovePermission FunctionName=f StatementId=sid-1");
}

TEST(Router, ATrailingSlashIsAcceptedAndNoMoreThanOne) {
  EXPECT_EQ(in_lambda("POST", "/2015-03-31/functions/"), "lambda CreateFunction");
  EXPECT_EQ(in_lambda("GET", "/2015-03-31/functions/"), "lambda ListFunctions");
  EXPECT_EQ(in_lambda("GET", "/2015-03-31/functions/f/"), "lambda GetFunction FunctionName=f");
  EXPECT_EQ(in_lambda("GET", "/2015-03-31/functions//"), "! lambda UnknownOperationException");
  EXPECT_EQ(in_lambda("GET", "/2015-03-31/functions//policy"), "! lambda UnknownOperationException");
}

TEST(Router, SegmentsAreDecodedAfterTheyWereMatched) {
  EXPECT_EQ(in_lambda("GET", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Af/policy"),
            "lambda GetPolicy FunctionName=arn:aws:lambda:us-east-1:123456789012:function:f");
  EXPECT_EQ(in_gateway("PUT", "/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Frestapis%2Fabc%2Fstages%2Fdev"),
            "apigateway TagResource resource_arn=arn:aws:apigateway:us-east-1::/restapis/abc/stages/dev");
  EXPECT_EQ(in_gateway("GET", "/restapis/a%2Fstages%2Fb"), "apigateway GetRestApi restapi_id=a/stages/b");
  EXPECT_EQ(in_gateway("GET", "/restapis/a/stages/%24default"), "apigateway GetStage restapi_id=a stage_name=$default");
  EXPECT_EQ(in_lambda("GET", "/2015-03-31/functions/%zz"), "! lambda UnknownOperationException");
  EXPECT_EQ(in_lambda("GET", "/2015-03-31/functions/%FF"), "! lambda UnknownOperationException");
}

TEST(Router, QueryLiteralsDecideBetweenOperationsOfOnePath) {
  EXPECT_EQ(in_gateway("POST", "/restapis"), "apigateway CreateRestApi");
  EXPECT_EQ(in_gateway("POST", "/restapis?mode=import&failonwarnings=true"), "apigateway ImportRestApi");
  EXPECT_EQ(in_gateway("POST", "/restapis?failonwarnings=true&mode=import"), "apigateway ImportRestApi");
  EXPECT_EQ(in_gateway("POST", "/restapis?mode=importing"), "apigateway CreateRestApi");
  EXPECT_EQ(in_lambda("GET", "/2018-10-31/layers"), "lambda ListLayers");
  EXPECT_EQ(in_lambda("GET", "/2018-10-31/layers?find=LayerVersion&Arn=x"), "lambda GetLayerVersionByArn");
  EXPECT_EQ(in_lambda("GET", "/2019-09-30/functions/f/provisioned-concurrency?List=ALL"),
            "lambda ListProvisionedConcurrencyConfigs FunctionName=f");
  EXPECT_EQ(in_lambda("GET", "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=1&x-id=GetIt"),
            "lambda GetProvisionedConcurrencyConfig FunctionName=f");
}

TEST(Router, LiteralSegmentsWinOverLabels) {
  EXPECT_EQ(in_gateway("DELETE", "/restapis/a/stages/s/cache/data"), "apigateway FlushStageCache restapi_id=a stage_name=s");
  EXPECT_EQ(in_gateway("GET", "/restapis/a/models/m/default_template"), "apigateway GetModelTemplate restapi_id=a model_name=m");
}

TEST(Router, QueryProtocolByActionInBodyOrQuery) {
  const std::vector<http::Header> iam{scope("iam")}, sts{scope("sts")};
  EXPECT_EQ(called("POST", "/", iam, "Action=CreateRole&Version=2010-05-08&RoleName=r"), "iam CreateRole");
  EXPECT_EQ(called("POST", "/", sts, "Version=2011-06-15&Action=GetCallerIdentity"), "sts GetCallerIdentity");
  EXPECT_EQ(
      called("GET", "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Credential=AKID%2F20260101%2Fus-east-1%2Fsts%2Faws4_request", {}),
      "sts GetCallerIdentity");
  EXPECT_EQ(called("POST", "/", iam, "Action=GetCallerIdentity&Version=2011-06-15"), "! iam InvalidAction");
  EXPECT_EQ(called("POST", "/", iam, "Action=CreateRole&Version=2011-06-15"), "! iam InvalidAction");
  EXPECT_EQ(called("POST", "/elsewhere", iam, "Action=CreateRole&Version=2010-05-08"), "! iam InvalidAction");
  EXPECT_EQ(called("POST", "/", iam, "RoleName=r"), "! iam MissingAction");
}

TEST(Router, JsonProtocolByTarget) {
  const auto logs = scope("logs");
  EXPECT_EQ(called("POST", "/", {logs, {"X-Amz-Target", "Logs_20140328.PutLogEvents"}}), "logs PutLogEvents");
  EXPECT_EQ(called("POST", "/", {logs, {"X-Amz-Target", "Logs_20140328.Nothing"}}), "! logs UnknownOperationException");
  EXPECT_EQ(called("POST", "/", {logs, {"X-Amz-Target", "AmazonSSM.GetParameter"}}), "! logs UnknownOperationException");
  EXPECT_EQ(called("POST", "/", {logs}), "! logs UnknownOperationException");
}

TEST(Router, UnsignedCallsByTargetActionAndPath) {
  EXPECT_EQ(called("POST", "/", {{"X-Amz-Target", "Logs_20140328.CreateLogGroup"}}), "logs CreateLogGroup");
  EXPECT_EQ(called("POST", "/", {}, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15"), "sts AssumeRoleWithWebIdentity");
  EXPECT_EQ(called("GET", "/2015-03-31/functions/f", {}), "lambda GetFunction FunctionName=f");
  EXPECT_EQ(called("GET", "/restapis/a", {}), "apigateway GetRestApi restapi_id=a");
  EXPECT_EQ(called("GET", "/account", {}), "apigateway GetAccount");
}

TEST(Router, OperationsWithoutShapesAreKnownByName) {
  const auto routed = route(http::assemble_request("GET", "/2015-03-31/event-source-mappings/abc", {scope("lambda")}), "");
  ASSERT_TRUE(routed);
  EXPECT_EQ(routed->operation->name, "GetEventSourceMapping");
  EXPECT_FALSE(routed->operation->has_shapes);
}

TEST(Router, TwoServicesSignWithOneName) {
  for (const auto& headers : {std::vector<http::Header>{}, {scope("apigateway")}}) {
    EXPECT_EQ(called("GET", "/v2/apis", headers), "apigatewayv2 GetApis");
    EXPECT_EQ(called("GET", "/v2/apis/a/stages/%24default", headers), "apigatewayv2 GetStage apiId=a stageName=$default");
    EXPECT_EQ(called("POST", "/v2/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Fapis%2Fa", headers),
              "apigatewayv2 TagResource resource-arn=arn:aws:apigateway:us-east-1::/apis/a");
    EXPECT_EQ(called("DELETE", "/v2/apis/a/stages/s/routesettings/GET%20%2Fx", headers),
              "apigatewayv2 DeleteRouteSettings apiId=a stageName=s routeKey=GET /x");
    EXPECT_EQ(called("GET", "/restapis/a", headers), "apigateway GetRestApi restapi_id=a");
    EXPECT_EQ(called("GET", "/v2/restapis/a", headers), "! apigatewayv2 UnknownOperationException");
  }
}

TEST(Router, OtherServicesAreNamed) {
  EXPECT_EQ(called("POST", "/", {scope("dynamodb"), {"X-Amz-Target", "DynamoDB_20120810.ListTables"}}),
            "! dynamodb NotImplementedException");
  EXPECT_EQ(called("POST", "/", {{"X-Amz-Target", "AWSCognitoIdentityService.GetId"}}), "! cognito-identity NotImplementedException");
  EXPECT_EQ(called("POST", "/", {}, "Action=DescribeStacks&Version=2010-05-15"), "! cloudformation NotImplemented");
  EXPECT_EQ(called("GET", "/", {scope("a<b>")}), "! ab NotImplementedException");
}

TEST(Router, OtherServicesAreAnsweredInTheirProtocol) {
  const auto protocol = [](const std::vector<http::Header>& headers, std::string_view body) {
    return route(http::assemble_request("POST", "/", headers), body).error().protocol;
  };
  EXPECT_EQ(protocol({scope("s3")}, ""), Protocol::rest_xml);
  EXPECT_EQ(protocol({scope("dynamodb"), {"X-Amz-Target", "D.L"}}, ""), Protocol::json_1_1);
  EXPECT_EQ(protocol({scope("cloudformation")}, "Action=DescribeStacks&Version=2010-05-15"), Protocol::query);
  EXPECT_EQ(protocol({scope("appsync")}, ""), Protocol::rest_json);
}

TEST(Router, WhatIsNoCallIsNeverGivenToAService) {
  EXPECT_EQ(called("GET", "/", {}), "! MissingAuthenticationTokenException");
  EXPECT_EQ(called("GET", "/bucket/key", {}), "! MissingAuthenticationTokenException");
  EXPECT_EQ(called("POST", "/", {}, "Action=Anything&Version=1999-01-01"), "! MissingAuthenticationTokenException");
  EXPECT_EQ(called("GET", "/", {{"Authorization", "Bearer x"}}), "! MissingAuthenticationTokenException");
  EXPECT_EQ(called("GET", "/", {{"Authorization", "AWS4-HMAC-SHA256 nonsense"}}), "! MissingAuthenticationTokenException");
}

TEST(Router, TheScopeDecidesBeforeEverythingElse) {
  EXPECT_EQ(called("GET", "/2015-03-31/functions", {scope("apigateway")}), "! apigateway UnknownOperationException");
  EXPECT_EQ(called("POST", "/", {scope("sts"), {"X-Amz-Target", "Logs_20140328.CreateLogGroup"}}, "Action=GetCallerIdentity"),
            "sts GetCallerIdentity");
}

TEST(Models, KnowTheirServices) {
  ASSERT_EQ(all_models().size(), 7u);
  EXPECT_EQ(find_model("sts")->signing_name, "sts");
  EXPECT_EQ(find_model("dynamodb"), nullptr);
  EXPECT_TRUE(find_model("sts")->find_operation("AssumeRoleWithSAML")->is_unsigned);
  EXPECT_FALSE(find_model("sts")->find_operation("AssumeRole")->is_unsigned);
  EXPECT_EQ(find_model("iam")->find_error("NoSuchEntity")->status, 404);
  EXPECT_EQ(find_model("iam")->find_error("NoSuchEntityException"), nullptr);
  EXPECT_EQ(find_model("lambda")->find_operation("CreateFunction")->status, 201);
}

/// A table that is not in order would hide what stands in it.
TEST(Models, EverythingIsFoundByItsName) {
  for (const auto* model : all_models()) {
    for (const auto& operation : model->operations) EXPECT_EQ(model->find_operation(operation.name), &operation);
    for (const auto* error : model->errors) EXPECT_EQ(model->find_error(error->code), error);
  }
}

}  // namespace
}  // namespace sallyport::wire
