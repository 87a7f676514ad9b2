#include "openapi/http_import.hpp"

#include <gtest/gtest.h>

#include "http_api/operations.hpp"
#include "json/write.hpp"
#include "openapi/export.hpp"
#include "openapi/testing.hpp"

namespace sallyport::openapi {
namespace {

using testing::function_uri;

class HttpImportTest : public ::testing::Test {
 public:
  HttpImportTest() {
    http_api::ApiInput input;
    input.name = "before";
    EXPECT_TRUE(operations.create_api("api", "HTTP", std::move(input)));
  }
  Findings import(std::string_view text) {
    const auto document = testing::parse(text);
    HttpImportOptions options;
    options.api_id = "api";
    return import_http_api(document, options, state, {}, ids).findings;
  }
  std::string problems(std::string_view text) {
    std::string out;
    for (const auto& finding : import(text).all())
      out += cat(finding.problem.at.line, ":", finding.problem.at.column, ": ", finding.problem.message, "\n");
    return out;
  }
  const http_api::Api& api() const { return *state.apis.at("api"); }
  const http_api::Definition& definition() const { return *api().draft; }
  const http_api::Route* route(std::string_view key) const {
    for (const auto& [id, route] : definition().routes)
      if (route.key == key) return &route;
    return nullptr;
  }

  http_api::State state;
  testing::Ids ids;
  http_api::Operations operations{state, [](std::size_t) { return std::string("op"); }};
};

std::string document() {
  return cat(R"(openapi: 3.0.1
info: {title: shop, version: '2', description: about}
tags: [{name: team, x-amazon-apigateway-tag-value: blue}, {name: only for people}]
paths:
  /pets:
    get:
      operationId: list
      security: [{jwt: [pets.read]}]
      x-amazon-apigateway-integration: {$ref: '#/components/x-amazon-apigateway-integrations/fn'}
    x-amazon-apigateway-any-method:
      security: [{fn: []}]
      x-amazon-apigateway-integration: {$ref: '#/components/x-amazon-apigateway-integrations/fn'}
  /pets/{id}:
    put:
      x-amazon-apigateway-auth: {type: AWS_IAM}
      x-amazon-apigateway-integration:
        {type: http_proxy, httpMethod: ANY, uri: 'http://127.0.0.1:8080/{id}', connectionType: INTERNET, timeoutInMillis: 1000,
         requestParameters: {'overwrite:header.x': $request.path.id}, responseParameters: {'200': {'append:header.y': "'z'"}}}
  /$default:
    x-amazon-apigateway-any-method:
      isDefaultRoute: true
      x-amazon-apigateway-integration: {type: aws_proxy, httpMethod: POST, payloadFormatVersion: '1.0', uri: ')",
             function_uri("d"), R"('}
components:
  x-amazon-apigateway-integrations:
    fn: {type: AWS_PROXY, httpMethod: POST, payloadFormatVersion: 2.0, uri: ')",
             function_uri(), R"('}
  securitySchemes:
    jwt:
      type: oauth2
      flows: {}
      x-amazon-apigateway-authorizer:
        {type: jwt, identitySource: $request.header.Authorization, jwtConfiguration: {issuer: 'https://issuer.example', audience: [a, b]}}
    fn:
      type: apiKey
      name: Authorization
      in: header
      x-amazon-apigateway-authorizer:
        {type: request, identitySource: '$request.header.A,$request.querystring.b', authorizerUri: ')",
             function_uri("a"), R"(',
         authorizerPayloadFormatVersion: '2.0', authorizerResultTtlInSeconds: 60, enableSimpleResponses: true}
x-amazon-apigateway-cors: {allowOrigins: ['https://a.example'], allowMethods: '*', maxAge: 60, allowCredentials: true}
x-amazon-apigateway-importexport-version: '1.0'
)");
}

TEST_F(HttpImportTest, ReadsRoutesIntegrationsAndAuthorizers) {
  const auto findings = import(document());
  ASSERT_TRUE(findings.ok()) << findings.to_error().message;
  EXPECT_EQ(api().name, "shop");
  EXPECT_EQ(api().version, "2");
  EXPECT_EQ(api().tags, (gateway::TextMap{{"team", "blue"}}));
  EXPECT_EQ(definition().routes.size(), 4u);
  const auto *get = route("GET /pets"), *any = route("ANY /pets"), *put = route("PUT /pets/{id}"), *fallback = route("$default");
  ASSERT_TRUE(get && any && put && fallback);
  EXPECT_EQ(get->authorization, http_api::AuthorizationType::jwt);
  EXPECT_EQ(get->scopes, (std::vector<std::string>{"pets.read"}));
  EXPECT_EQ(get->operation_name, "list");
  EXPECT_EQ(get->integration_id, any->integration_id) << "one place in the document is one integration";
  EXPECT_EQ(any->authorization, http_api::AuthorizationType::custom);
  EXPECT_EQ(put->authorization, http_api::AuthorizationType::aws_iam);
  EXPECT_EQ(fallback->authorization, http_api::AuthorizationType::none);
  EXPECT_EQ(definition().integrations.size(), 3u);
  const auto& backend = definition().integrations.at(put->integration_id);
  EXPECT_EQ(backend.type, http_api::IntegrationType::http_proxy);
  EXPECT_EQ(backend.timeout.count(), 1'000);
  EXPECT_EQ(backend.request_parameters.size(), 1u);
  EXPECT_EQ(backend.response_parameters.at("200").size(), 1u);
  const auto& jwt = definition().authorizers.at(*get->authorizer_id);
  EXPECT_EQ(jwt.issuer, "https://issuer.example");
  EXPECT_EQ(jwt.audiences, (std::vector<std::string>{"a", "b"}));
  const auto& function = definition().authorizers.at(*any->authorizer_id);
  EXPECT_EQ(function.identity_sources, (std::vector<std::string>{"$request.header.A", "$request.querystring.b"}));
  EXPECT_TRUE(function.simple_responses);
  ASSERT_TRUE(definition().cors);
  EXPECT_EQ(definition().cors->allow_methods, (std::vector<std::string>{"*"}));
  EXPECT_EQ(definition().cors->max_age_s, 60);
}

TEST_F(HttpImportTest, ExportIsTheSameApiAgain) {
  ASSERT_TRUE(import(document()).ok());
  const auto before = definition();
  for (const bool as_yaml : {false, true}) {
    HttpExportOptions options;
    options.stage = "$default";
    const auto exported = export_http_api(api(), definition(), options);
    const auto text = as_yaml ? to_yaml(exported) : json::to_text(exported);
    const auto findings = import(text);
    ASSERT_TRUE(findings.ok()) << findings.to_error().message << text;
    auto after = definition();
    // A shared integration has its place by id, and gets the one of the first route that leads there.
    EXPECT_EQ(after.authorizers, before.authorizers);
    EXPECT_EQ(after.cors, before.cors);
    EXPECT_EQ(after.integrations, before.integrations) << text;
    EXPECT_EQ(after.routes, before.routes);
    EXPECT_EQ(api().tags, (gateway::TextMap{{"team", "blue"}}));
  }
}

TEST_F(HttpImportTest, AnEndpointThatIsOffStaysOffWhereTheDocumentIsSilent) {
  const std::string silent = "{openapi: 3.0.0, info: {title: t}, paths: {}";
  ASSERT_TRUE(import(silent + ", x-amazon-apigateway-endpoint-configuration: {disableExecuteApiEndpoint: true}}").ok());
  ASSERT_TRUE(import(silent + "}").ok());
  EXPECT_TRUE(definition().disable_execute_api_endpoint);
}

TEST_F(HttpImportTest, WhatCannotBeEnforcedIsRefused) {
  const auto with = [](std::string_view operation, std::string_view rest) {
    return cat("openapi: 3.0.0\ninfo: {title: t}\npaths: {/a: {get: {", operation, "}}}\n", rest);
  };
  EXPECT_EQ(problems(with("security: [{key: []}]", "components: {securitySchemes: {key: {type: apiKey, name: x-api-key, in: header}}}")),
            "3:32: Unable to put method 'GET' on resource at path '/a': the security scheme 'key' is not one that API Gateway enforces\n");
  EXPECT_EQ(problems(with("x-amazon-apigateway-request-validator: all", "x-amazon-apigateway-policy: {}")),
            "3:20: the extension `x-amazon-apigateway-request-validator` is not supported here by this version\n"
            "4:1: the extension `x-amazon-apigateway-policy` is not supported here by this version\n");
  EXPECT_EQ(problems(with("x-amazon-apigateway-integration: {type: mock, payloadFormatVersion: '1.0'}", "")).substr(0, 61),
            "3:53: Unable to create integration for 'GET /a': Currently, a");
  EXPECT_EQ(
      problems(with("x-amazon-apigateway-integration: {type: aws_proxy, integrationSubtype: SQS-SendMessage, uri: x}", "")).substr(0, 74),
      "3:71: `integrationSubtype` is not supported by this version\n3:53: Unable t");
  EXPECT_EQ(definition().routes.size(), 1u);
}

TEST_F(HttpImportTest, ARouteWithoutItsIntegrationKeepsOthersFromAnsweringForIt) {
  // Nobody may come to the open default route under the path of a guarded one, where what is not supported is passed over.
  EXPECT_FALSE(import("{openapi: 3.0.0, info: {title: t}, paths: {/a: {get: {x-amazon-apigateway-auth: {type: AWS_IAM}, "
                      "x-amazon-apigateway-integration: {type: http_proxy, httpMethod: GET, uri: 'http://127.0.0.1:1/', "
                      "connectionType: VPC_LINK}}}, /$default: {x-amazon-apigateway-any-method: {x-amazon-apigateway-integration: "
                      "{type: http_proxy, httpMethod: GET, uri: 'http://127.0.0.1:1/'}}}}}")
                   .ok());
  ASSERT_TRUE(route("GET /a"));
  EXPECT_EQ(route("GET /a")->authorization, http_api::AuthorizationType::aws_iam);
  EXPECT_EQ(route("GET /a")->integration_id, "");
  EXPECT_TRUE(route("$default"));
}

TEST_F(HttpImportTest, StagesThatDeployByThemselvesGetTheResult) {
  ASSERT_TRUE(import(document()).ok());
  http_api::StageInput stage;
  stage.auto_deploy = true;
  ASSERT_TRUE(operations.create_stage("api", "$default", std::move(stage)));
  operations.auto_deploy();
  ASSERT_TRUE(import("{openapi: 3.0.0, info: {title: t}, paths: {/x: {get: {x-amazon-apigateway-integration: {type: http_proxy, "
                     "httpMethod: GET, uri: 'http://127.0.0.1:1/'}}}}}")
                  .ok());
  const auto& deployment = api().deployments.at(api().stages.at("$default").deployment_id);
  ASSERT_EQ(deployment->definition->routes.size(), 1u);
  EXPECT_EQ(deployment->definition->routes.begin()->second.key, "GET /x");
}

}  // namespace
}  // namespace sallyport::openapi
