// The operations as SDKs call them.
#include <gtest/gtest.h>

#include <set>

#include "gateway/api_testing.hpp"
#include "http_api/api_testing.hpp"
#include "openapi/api_service.hpp"
#include "openapi/testing.hpp"

namespace sallyport::openapi {
namespace {

std::string literal(std::string_view text) {
  std::string out;
  json::append_string(out, text);
  return out;
}

constexpr auto document =
    R"({"openapi":"3.0.1","info":{"title":"t","version":"1"},"paths":{"/a":{"get":{"responses":{"200":{"description":"ok"}},
"x-amazon-apigateway-integration":{"type":"mock","requestTemplates":{"application/json":"{\"statusCode\": 200}"},"responses":{"default":{"statusCode":"200"}}}}}}})";

class RestServiceTest : public ::testing::Test {
 public:
  RestServiceTest() { add_import_operations(world.service, world.ledger, world.world.random); }
  gateway::testing::Reply put(std::string_view body, std::string_view more = "") {
    return world.call("PutRestApi", cat(R"({"restApiId":")", api, R"(","body":)", literal(body), more, "}"));
  }
  gateway::testing::ApiWorld world;
  std::string api;
};

TEST_F(RestServiceTest, ImportsReplacesAndExports) {
  api = world.id_of("ImportRestApi", cat(R"({"body":)", literal(document),
                                         R"(,"failOnWarnings":true,"parameters":{"endpointConfigurationTypes":"REGIONAL"}})"));
  auto shown = world.call("GetRestApi", cat(R"({"restApiId":")", api, R"("})"));
  EXPECT_EQ(shown.at("name"), "t");
  EXPECT_EQ(shown.at("endpointConfiguration.types.0"), "REGIONAL");
  ASSERT_TRUE(world.call("CreateDeployment", cat(R"({"restApiId":")", api, R"(","stageName":"s"})")));

  const auto again = put(replace_all(document, "/a", "/b"), R"(,"mode":"overwrite")");
  EXPECT_TRUE(again) << again.refusal();
  const auto resources = world.call("GetResources", cat(R"({"restApiId":")", api, R"("})")).text();
  EXPECT_NE(resources.find("\"/b\""), std::string::npos);
  EXPECT_EQ(resources.find("\"/a\""), std::string::npos);

  const auto exported =
      world.call("GetExport",
                 cat(R"({"restApiId":")", api,
                     R"(","stageName":"s","exportType":"oas30","parameters":{"extensions":"integrations"},"accepts":"application/yaml"})"));
  ASSERT_TRUE(exported) << exported.refusal();
  EXPECT_EQ(exported.at("contentType"), "application/octet-stream");
  EXPECT_EQ(exported.at("contentDisposition"), "attachment; filename=\"oas30_1.yaml\"");
  const auto body = testing::parse(exported.at("body"));
  ASSERT_NE(body.find("paths")->find("/a"), nullptr) << "what the stage serves, not the API as it is now";
  EXPECT_NE(body.find("paths")->find("/a")->find("get")->find("x-amazon-apigateway-integration"), nullptr);
}

TEST_F(RestServiceTest, ARefusedImportLeavesEverythingAsItWas) {
  api = world.id_of("ImportRestApi", cat(R"({"body":)", literal(document), "}"));
  const auto before = *world.ledger.read({})->apis.at(api)->draft;
  const auto refused = put(R"({"openapi":"3.0.1","info":{"title":"u"},"paths":{"/b":{"get":{}},"/c":{"get":{"security":[{"x":[]}]}}}})",
                           R"(,"mode":"overwrite")");
  EXPECT_EQ(refused.refusal(),
            "BadRequestException 400 Errors found during import:\n\tUnable to put method 'GET' on resource at path '/c': the security "
            "scheme 'x' is not "
            "defined: the method would be open to everyone: define the scheme, or take it out of `security` (line 1)");
  EXPECT_EQ(*world.ledger.read({})->apis.at(api)->draft, before);
  EXPECT_EQ(world.ledger.read({})->apis.at(api)->name, "t");
  EXPECT_EQ(put("{").refusal().substr(0, 60), "BadRequestException 400 Invalid OpenAPI input: not valid YAM");
  EXPECT_EQ(put(document, R"(,"parameters":{"x":"y"})").refusal(),
            "UnsupportedOperationException 501 the parameter x=y is not supported by this version");
  EXPECT_EQ(world.call("PutRestApi", cat(R"({"restApiId":"none","body":)", literal(document), "}")).refusal(),
            "NotFoundException 404 Invalid API identifier specified 123456789012:none");
  EXPECT_EQ(world.ledger.read({})->apis.size(), 1u);
}

TEST_F(RestServiceTest, WarningsAreListedOrRefused) {
  const auto text = R"({"openapi":"3.0.1","info":{"title":"t"},"paths":{"/a":{"get":{"parameters":[{"name":"c","in":"cookie"}]}}}})";
  const auto taken = world.call("ImportRestApi", cat(R"({"body":)", literal(text), "}"));
  EXPECT_EQ(taken.at("warnings.0"), "Parse issue: the parameter 'c' in 'cookie' is not one of a method (line 1)");
  EXPECT_EQ(world.call("ImportRestApi", cat(R"({"body":)", literal(text), R"(,"failOnWarnings":true})")).refusal(),
            "BadRequestException 400 Warnings found during import:\n\tParse issue: the parameter 'c' in 'cookie' is not one of a method "
            "(line 1)");
  EXPECT_EQ(world.ledger.read({})->apis.size(), 1u);
}

TEST_F(RestServiceTest, RolesAndPoliciesOfADocumentTakePermissions) {
  const auto text =
      R"({"openapi":"3.0.1","info":{"title":"t"},"x-amazon-apigateway-policy":{},"paths":{"/a":{"get":{"x-amazon-apigateway-integration":
    {"\u0063redentials":"arn:aws:iam::123456789012:role/r","type":"aws_proxy"}}}}})";
  const auto* operation = world.service.find("ImportRestApi");
  control::Call call{*world.world.loop,
                     "ImportRestApi",
                     "r",
                     {},
                     std::make_shared<const aws::Caller>(),
                     {},
                     "",
                     "",
                     wire::Parameters(json::Object{{"body", text}})};
  const auto access = operation->access(call);
  ASSERT_TRUE(access);
  std::set<std::string> actions;
  for (const auto& each : *access) actions.insert(cat(each.action, " ", each.resource));
  EXPECT_EQ(actions, (std::set<std::string>{"apigateway:POST arn:aws:apigateway:us-east-1::/restapis",
                                            "apigateway:UpdateRestApiPolicy arn:aws:apigateway:us-east-1::/restapis",
                                            "iam:PassRole arn:aws:iam::123456789012:role/r"}));
}

class HttpServiceTest : public ::testing::Test {
 public:
  HttpServiceTest() { add_import_operations(world.service, world.ledger, world.world.random); }
  http_api::testing::ApiWorld world;
};

TEST_F(HttpServiceTest, ImportsReimportsAndExports) {
  const auto body = [](std::string_view path) {
    return literal(cat("{openapi: 3.0.1, info: {title: t, version: '1'}, paths: {", path,
                       ": {get: {x-amazon-apigateway-integration: {type: http_proxy, httpMethod: GET, uri: 'http://127.0.0.1:1/'}}}}}"));
  };
  const auto id = world.made("ImportApi", cat(R"({"Body":)", body("/a"), "}"), "ApiId");
  EXPECT_EQ(world.call("GetRoutes", cat(R"({"ApiId":")", id, R"("})")).at("Items.0.RouteKey"), "GET /a");
  const auto again = world.call("ReimportApi", cat(R"({"ApiId":")", id, R"(","Body":)", body("/b"), "}"));
  EXPECT_TRUE(again) << again.refusal();
  EXPECT_EQ(world.call("GetRoutes", cat(R"({"ApiId":")", id, R"("})")).at("Items.0.RouteKey"), "GET /b");
  const auto exported = world.call("ExportApi", cat(R"({"ApiId":")", id, R"(","Specification":"OAS30","OutputType":"JSON"})"));
  ASSERT_TRUE(exported) << exported.refusal();
  EXPECT_NE(exported.at("body").find("\"/b\":{\"get\""), std::string::npos) << exported.at("body");
  EXPECT_EQ(world.call("ReimportApi", cat(R"({"ApiId":"none","Body":)", body("/b"), "}")).error.status, 404);
  EXPECT_EQ(world.call("ReimportApi", cat(R"({"ApiId":")", id, R"(","Body":"{}"})")).refusal().substr(0, 70),
            "BadRequestException 400 Errors found during import:\n\tInvalid OpenAPI i");
}

}  // namespace
}  // namespace sallyport::openapi
