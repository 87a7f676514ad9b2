// Test invocations: the draft runs without a deployment, and nobody's authorizer is asked.
#include "gateway/test_invoke.hpp"

#include "gateway/api_testing.hpp"

namespace sallyport::gateway {
namespace {

using testing::ApiWorld;
using testing::FakeInvoker;
using testing::World;

class TestInvokeTest : public ::testing::Test {
 public:
  TestInvokeTest() {
    world.world.invoker.functions["f"] = [](const std::string&) {
      return FakeInvoker::Ending{R"({"statusCode":201,"multiValueHeaders":{"X-A":["1","2"]},"body":"ran"})"};
    };
    authorizer =
        world.id_of("CreateAuthorizer",
                    with(cat(R"("name":"a","type":"TOKEN","identitySource":"method.request.header.Authorization","authorizerUri":")",
                             World::function_uri("check"), "\"")));
    resource = world.id_of("CreateResource",
                           with(cat(R"("pathPart":"{id}","parentId":")", world.call("GetRestApi", with()).at("rootResourceId"), "\"")));
    EXPECT_TRUE(world.call("PutMethod", on_method(cat(R"("authorizationType":"CUSTOM","authorizerId":")", authorizer, "\""))));
  }
  std::string with(std::string_view more = "") const { return cat(R"({"restApiId":")", api, "\"", more.empty() ? "" : ",", more, "}"); }
  std::string on_method(std::string_view more = "") const {
    return with(cat(R"("httpMethod":"GET","resourceId":")", resource, "\"", more.empty() ? "" : ",", more));
  }
  void integrate() {
    ASSERT_TRUE(world.call("PutIntegration",
                           on_method(cat(R"("type":"AWS_PROXY","integrationHttpMethod":"POST","uri":")", World::function_uri("f"), "\""))));
  }
  ApiWorld world;
  const std::string api = world.id_of("CreateRestApi", R"({"name":"n"})");
  std::string authorizer, resource;
};

TEST_F(TestInvokeTest, AwsIntegrationsRunWithTheirTemplates) {
  const auto templates = R"t("requestTemplates":{"application/json":"{\"id\":\"$input.params('id')\"}"})t";
  ASSERT_TRUE(world.call("PutIntegration", on_method(cat(R"("type":"AWS","integrationHttpMethod":"POST","uri":")", World::function_uri("f"),
                                                         "\",", templates))));
  ASSERT_TRUE(world.call("PutMethodResponse", on_method(R"("statusCode":"200")")));
  ASSERT_TRUE(world.call("PutIntegrationResponse",
                         on_method(R"t("statusCode":"200","responseTemplates":{"application/json":"$input.path('$.statusCode')"})t")));
  const auto reply = world.call("TestInvokeMethod", on_method(R"("pathWithQueryString":"/7","body":"hello")"));
  ASSERT_TRUE(reply) << reply.refusal();
  EXPECT_EQ(reply.at("status"), "200");
  EXPECT_EQ(reply.at("body"), "201");
  EXPECT_EQ(world.world.invoker.calls.at(0).request.payload, R"({"id":"7"})");
}

TEST_F(TestInvokeTest, AMethodRunsWithoutItsAuthorizer) {
  integrate();
  const auto reply = world.call(
      "TestInvokeMethod", on_method(R"("pathWithQueryString":"/7?q=1","headers":{"X-B":"b"},"body":"hello","stageVariables":{"v":"1"})"));
  ASSERT_TRUE(reply) << reply.refusal();
  EXPECT_EQ(reply.at("status"), "201");
  EXPECT_EQ(reply.at("body"), "ran");
  EXPECT_EQ(reply.at("multiValueHeaders.X-A"), R"(["1","2"])");
  EXPECT_EQ(reply.at("headers.X-A"), "2");
  EXPECT_NE(reply.at("log").find("Method completed with status: 201"), std::string::npos);
  EXPECT_EQ(world.world.invoker.count("check"), 0);
  ASSERT_EQ(world.world.invoker.calls.size(), 1u);
  const auto& request = world.world.invoker.calls[0].request;
  const auto event = *json::parse(request.payload);
  EXPECT_EQ(*event.find("pathParameters")->find("id")->string(), "7");
  EXPECT_EQ(*event.find("queryStringParameters")->find("q")->string(), "1");
  EXPECT_EQ(*event.find("body")->string(), "hello");
  EXPECT_EQ(*event.find("requestContext")->find("stage")->string(), "test-invoke-stage");
  EXPECT_EQ(request.caller.source_arn, cat("arn:aws:execute-api:us-east-1:123456789012:", api, "/test-invoke-stage/GET/{id}"));
}

TEST_F(TestInvokeTest, AFailureLooksAsAClientWouldSeeIt) {
  integrate();
  world.world.invoker.functions["f"] = [](const std::string&) { return FakeInvoker::fails(R"({"errorMessage":"x"})"); };
  const auto reply = world.call("TestInvokeMethod", on_method());
  EXPECT_EQ(reply.at("status"), "502");
  EXPECT_EQ(reply.at("body"), R"({"message":"Internal server error"})");
}

TEST_F(TestInvokeTest, WhatIsNotThere) {
  EXPECT_EQ(world.call("TestInvokeMethod", R"({"restApiId":"nope","resourceId":"r","httpMethod":"GET"})").refusal(),
            "NotFoundException 404 Invalid Resource identifier specified");
  EXPECT_EQ(world.call("TestInvokeMethod", with(cat(R"("httpMethod":"PUT","resourceId":")", resource, "\""))).refusal(),
            "NotFoundException 404 Invalid Method identifier specified");
  EXPECT_EQ(world.call("TestInvokeMethod", on_method()).at("status"), "500") << "no integration";
  EXPECT_FALSE(world.call("TestInvokeMethod", on_method(R"("headers":{"a b":"c"})")));
  EXPECT_FALSE(world.call("TestInvokeMethod", on_method(R"("pathWithQueryString":"/a b")")));
  EXPECT_TRUE(world.call("TestInvokeMethod", on_method(R"("clientCertificateId":"x")")).refusal().contains("501"));
}

TEST_F(TestInvokeTest, AnAuthorizersAnswer) {
  const auto test = [&](std::string_view more) {
    return world.call("TestInvokeAuthorizer", with(cat(R"("authorizerId":")", authorizer, "\"", more)));
  };
  world.world.invoker.functions["check"] = [](const std::string& event) {
    return FakeInvoker::Ending{testing::policy_text("Deny", testing::method_arn_of(event), R"(,"context":{"k":"v"})")};
  };
  EXPECT_EQ(test("").at("clientStatus"), "401") << "no token";
  EXPECT_EQ(world.world.invoker.count("check"), 0);
  const auto reply = test(R"(,"headers":{"Authorization":"t"})");
  EXPECT_EQ(reply.at("clientStatus"), "200") << "a denial too";
  EXPECT_EQ(reply.at("principalId"), "user");
  EXPECT_EQ(
      reply.at("policy"),
      cat(R"({"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Deny","Resource":"arn:aws:execute-api:us-east-1:123456789012:)",
          api, R"(/ESTestInvoke-stage/GET/"}]})"));
  EXPECT_EQ(reply.at("authorization.k"), R"(["v"])");
  world.world.invoker.functions["check"] = [](const std::string&) { return FakeInvoker::Ending{"nonsense"}; };
  EXPECT_EQ(test(R"(,"headers":{"Authorization":"t"})").at("clientStatus"), "500");
}

}  // namespace
}  // namespace sallyport::gateway
