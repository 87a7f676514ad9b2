#include "openapi/local.hpp"

#include "openapi/testing.hpp"

namespace sallyport::openapi {
namespace {

std::string made(std::string_view text) {
  const auto document = testing::parse(text);
  const auto made = to_template(document);
  if (made) return json::to_text(made->find("Resources")->to_json());
  std::string out;
  for (const auto& problem : made.error()) out += yaml::to_text(problem) + "\n";
  return out;
}

TEST(Local, ADefinitionIsKnownByItsVersion) {
  EXPECT_TRUE(is_definition(testing::parse("openapi: 3.0.1")));
  EXPECT_TRUE(is_definition(testing::parse("swagger: '2.0'")));
  EXPECT_FALSE(is_definition(testing::parse("Resources: {}")));
  EXPECT_FALSE(is_definition(testing::parse("[openapi]")));
}

TEST(Local, ARestApiGetsADeploymentAndAStage) {
  EXPECT_EQ(
      made("{openapi: 3.0.0, info: {title: t}, paths: {}}"),
      R"({"Api":{"Type":"AWS::ApiGateway::RestApi","Properties":{"Body":{"openapi":"3.0.0","info":{"title":"t"},"paths":{}},"Name":"t"}},)"
      R"("Deployment":{"Type":"AWS::ApiGateway::Deployment","Properties":{"RestApiId":{"Ref":"Api"}}},)"
      R"("Stage":{"Type":"AWS::ApiGateway::Stage","Properties":{"RestApiId":{"Ref":"Api"},"DeploymentId":{"Ref":"Deployment"},"StageName":"dev"}}})");
}

TEST(Local, AnHttpApiIsKnownByWhatOnlyItHas) {
  for (const auto* more : {"x-sallyport: {kind: HTTP}", "x-amazon-apigateway-cors: {}", "paths: {/$default: {}}",
                           "paths: {/a: {get: {x-amazon-apigateway-integration: {payloadFormatVersion: '2.0'}}}}",
                           "components: {securitySchemes: {j: {x-amazon-apigateway-authorizer: {jwtConfiguration: {}}}}}"}) {
    const auto text = made(cat("{openapi: 3.0.0, info: {title: t}, ", more, "}"));
    EXPECT_NE(text.find("AWS::ApiGatewayV2::Api"), std::string::npos) << text;
    EXPECT_NE(text.find(R"("StageName":"$default","AutoDeploy":true)"), std::string::npos) << text;
    EXPECT_EQ(text.find("x-sallyport"), std::string::npos) << text;
  }
}

TEST(Local, FunctionsBesideIntegrationsAreMade) {
  const auto text = made(R"(
openapi: 3.0.0
info: {title: t}
x-sallyport: {stage: v1}
paths:
  /a:
    get: {x-sallyport-function: &f {handler: app.handler, runtime: python3.12, codeUri: ./src, environment: {A: 1}}}
    put:
      x-sallyport-function: *f
      x-amazon-apigateway-integration: {type: aws_proxy, httpMethod: POST, timeoutInMillis: 100}
components:
  securitySchemes:
    tok:
      x-sallyport-function: {handler: auth.handler, runtime: nodejs22.x}
      x-amazon-apigateway-authorizer: {type: token}
)");
  EXPECT_EQ(text.find("x-sallyport"), std::string::npos) << text;
  const auto uri = [](std::string_view id) {
    return cat(R"({"Fn::Sub":"arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${)", id,
               R"(.Arn}/invocations"})");
  };
  EXPECT_NE(text.find(cat(R"("get":{"x-amazon-apigateway-integration":{"type":"aws_proxy","httpMethod":"POST","uri":)", uri("Function1"))),
            std::string::npos)
      << text;
  EXPECT_NE(text.find(cat(R"("timeoutInMillis":100,"uri":)", uri("Function1"))), std::string::npos)
      << "the same description, the same function";
  EXPECT_NE(text.find(cat(R"({"type":"token","authorizerUri":)", uri("Function2"))), std::string::npos) << text;
  EXPECT_NE(
      text.find(
          R"("Function1":{"Type":"AWS::Serverless::Function","Properties":{"Handler":"app.handler","Runtime":"python3.12","CodeUri":"./src",)"
          R"("Environment":{"Variables":{"A":"1"}}}})"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find(R"("Function2Permission":{"Type":"AWS::Lambda::Permission")"), std::string::npos);
  EXPECT_NE(text.find(R"("StageName":"v1")"), std::string::npos);
}

TEST(Local, MistakesHaveTheirPlace) {
  EXPECT_EQ(made("openapi: 3.0.0\npaths: {/a: {get: {x-sallyport-function: {runtime: python3.12, speed: high}}}}"),
            ":2:42: paths./a.get.x-sallyport-function.handler: a function needs `handler`\n"
            ":2:64: paths./a.get.x-sallyport-function.speed: `speed` is not supported here by this version (it would have no effect: "
            "remove it)\n");
  EXPECT_EQ(made("{openapi: 3.0.0, x-sallyport: {kind: SOAP}}"), ":1:32: x-sallyport.kind: an API is of kind REST or HTTP\n");
}

}  // namespace
}  // namespace sallyport::openapi
