// The control plane: what is taken, what is refused, and with which of AWS's texts.
#include "gateway/operations.hpp"
#include "gateway/resource_policy.hpp"

#include "gateway/testing.hpp"

namespace sallyport::gateway {
namespace {

using testing::World;

class OperationsTest : public ::testing::Test {
 public:
  template <class T>
  static std::string text(const Result<T, aws::ApiError>& answer) {
    return answer ? "good" : cat(answer.error().code, " ", answer.error().status, " ", answer.error().message);
  }
  World world;
  Operations& operations = world.operations;
  const std::string& api = world.api_id;
};

TEST_F(OperationsTest, UnknownThings) {
  EXPECT_EQ(text(operations.create_resource({"nope", "r", "root", "a"})),
            "NotFoundException 404 Invalid API identifier specified 123456789012:nope");
  EXPECT_EQ(text(operations.create_resource({api, "r", "nope", "a"})), "NotFoundException 404 Invalid Resource identifier specified");
  EXPECT_EQ(text(operations.put_integration({api, "root", "GET", "MOCK"})), "NotFoundException 404 Invalid Method identifier specified");
  CreateAuthorizerRequest request;
  request.rest_api_id = "nope";
  EXPECT_EQ(text(operations.create_authorizer(request)),
            "ConflictException 409 Unable to complete operation due to concurrent modification. Please try again later.");
  EXPECT_EQ(text(operations.delete_stage(api, "nope")), "NotFoundException 404 Invalid stage identifier specified");
}

TEST_F(OperationsTest, Resources) {
  EXPECT_EQ(text(operations.create_resource({api, "a", "root", "pets"})), "good");
  EXPECT_EQ(world.state.apis.at(api)->draft->resources.at("a").path, "/pets");
  EXPECT_EQ(text(operations.create_resource({api, "b", "root", "pets"})),
            "ConflictException 409 Another resource with the same parent already has this name: pets");
  EXPECT_EQ(text(operations.create_resource({api, "c", "a", "{id}"})), "good");
  EXPECT_EQ(world.state.apis.at(api)->draft->resources.at("c").path, "/pets/{id}");
  EXPECT_EQ(text(operations.create_resource({api, "d", "a", "{other}"})),
            "BadRequestException 400 A sibling ({id}) of this resource already has a variable path part -- only one is allowed");
  EXPECT_EQ(text(operations.create_resource({api, "e", "a", "{proxy+}"})), "good");
  EXPECT_EQ(text(operations.create_resource({api, "f", "e", "x"})),
            "BadRequestException 400 Cannot create a child of a resource with a greedy path variable: {proxy+}");
  for (auto part : {"", "a/b", "{}", "{a", "a}", "{a+b}", "a b"})
    EXPECT_TRUE(text(operations.create_resource({api, "g", "root", part})).starts_with("BadRequestException")) << part;
  EXPECT_EQ(text(operations.delete_resource(api, "root")), "BadRequestException 400 Root resource cannot be deleted");
  EXPECT_EQ(text(operations.delete_resource(api, "a")), "good");
  EXPECT_EQ(world.state.apis.at(api)->draft->resources.size(), 1u) << "what is below it goes along";
}

TEST_F(OperationsTest, MethodsNeverLoseTheirAuthorizer) {
  PutMethodRequest method{api, "root", "GET", "CUSTOM"};
  EXPECT_EQ(text(operations.put_method(method)),
            "BadRequestException 400 Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS "
            "requires a valid authorizer.");
  method.authorizer_id = "nope";
  EXPECT_NE(text(operations.put_method(method)), "good");
  method.authorizer_id = world.authorizer("TOKEN", "check", "method.request.header.Authorization", 300);
  EXPECT_EQ(text(operations.put_method(method)), "good");
  EXPECT_EQ(text(operations.put_method(method)), "ConflictException 409 Method already exists for this resource");
  EXPECT_EQ(text(operations.delete_authorizer(api, *method.authorizer_id)),
            "ConflictException 409 Cannot delete authorizer auth0, is referenced in method: GET /");
}

TEST_F(OperationsTest, WhatIsNotEnforcedIsNotTaken) {
  PutMethodRequest method{api, "root", "GET", "COGNITO_USER_POOLS"};
  EXPECT_TRUE(text(operations.put_method(method)).starts_with("BadRequestException 400 Invalid authorizer ID specified"));
  method.authorizer_id = world.authorizer("TOKEN", "check", "method.request.header.Authorization", 300);
  EXPECT_TRUE(text(operations.put_method(method)).starts_with("BadRequestException 400 Invalid authorizer ID specified"))
      << "a function's authorizer reads no tokens";
  method.authorization_type = "CUSTOM";
  method.authorization_scopes = {"a/b"};
  EXPECT_TRUE(text(operations.put_method(method)).starts_with("BadRequestException 400 authorizationScopes"))
      << "nobody would ask for them";
  world.method("/", "POST");
  const auto integration = [&](auto change) {
    PutIntegrationRequest request{api, "root", "POST", "AWS_PROXY", World::function_uri("f"), "POST"};
    change(request);
    return text(operations.put_integration(request));
  };
  EXPECT_EQ(integration([](auto&) {}), "good");
  EXPECT_TRUE(integration([](auto& r) { r.type = "HTTP"; }).starts_with("BadRequestException 400 Invalid HTTP endpoint"));
  EXPECT_TRUE(
      integration([](auto& r) { r.type = "WHAT"; }).starts_with("ValidationException 400 1 validation error detected: Value 'WHAT'"));
  EXPECT_TRUE(integration([](auto& r) { r.content_handling = "CONVERT_TO_TEXT"; }).starts_with("UnsupportedOperationException"));
  EXPECT_EQ(
      integration([](auto& r) { r.uri = "arn:aws:apigateway:us-east-1:s3:path/b/k"; }),
      "BadRequestException 400 Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream invocations.");
  EXPECT_EQ(integration([](auto& r) { r.uri = "arn:aws:apigateway:us-east-1:lambda:x"; }),
            "BadRequestException 400 AWS ARN for integration must contain path or action");
  EXPECT_EQ(integration([](auto& r) { r.timeout_ms = 30'000; }), "BadRequestException 400 Timeout should be between 50 ms and 29000 ms");
  EXPECT_TRUE(integration([](auto& r) {
                r.request_parameters = {{"integration.request.header.X", "true"}};
              }).starts_with("BadRequestException 400 Invalid mapping expression specified"));
  EXPECT_TRUE(integration([](auto& r) {
                r.type = "MOCK";
                r.request_templates = {{"application/json", "#set($x = )"}};
              }).starts_with("UnsupportedOperationException 501 the mapping template for application/json: line 1"));
  EXPECT_EQ(integration([](auto& r) {
              r.type = "HTTP_PROXY";
              r.uri = "https://example.com";
            }),
            "good");
  EXPECT_TRUE(integration([](auto& r) { r.cache_key_parameters = {"nonsense"}; }).starts_with("BadRequestException 400 Invalid cache key"));
}

TEST_F(OperationsTest, MappingsLeaveCredentialsAndTheConnectionAlone) {
  world.method("/", "GET", world.authorizer("TOKEN", "check", "method.request.header.X-Token", 0));
  const auto with = [&](std::string target) {
    PutIntegrationRequest request{api, "root", "GET", "HTTP_PROXY", "http://localhost:1/", "GET"};
    request.request_parameters = {{std::move(target), "'x'"}};
    return text(operations.put_integration(request));
  };
  EXPECT_EQ(with("integration.request.header.X-Other"), "good");
  EXPECT_TRUE(with("integration.request.header.x-token").starts_with("UnsupportedOperationException 501 the mapping to"));
  for (auto header : {"Host", "Connection", "X-Forwarded-For", "te"})
    EXPECT_TRUE(with(cat("integration.request.header.", header)).starts_with("UnsupportedOperationException")) << header;
}

TEST_F(OperationsTest, Authorizers) {
  const auto create = [&](auto change) {
    CreateAuthorizerRequest request;
    request.rest_api_id = api;
    request.id = cat("id", world.state.apis.at(api)->draft->authorizers.size());
    request.name = request.id;
    request.type = "TOKEN";
    request.authorizer_uri = World::function_uri("f");
    request.identity_source = "method.request.header.Authorization";
    change(request);
    return text(operations.create_authorizer(request));
  };
  EXPECT_EQ(create([](auto&) {}), "good");
  EXPECT_EQ(world.state.apis.at(api)->draft->authorizers.at("id0").ttl, std::chrono::seconds(300));
  EXPECT_NE(create([](auto& r) { r.name = "id0"; }), "good");
  EXPECT_NE(create([](auto& r) { r.identity_source = ""; }), "good");
  EXPECT_NE(create([](auto& r) { r.identity_source = "method.request.header.A,method.request.header.B"; }), "good");
  EXPECT_NE(create([](auto& r) { r.identity_source = "method.request.querystring.q"; }), "good");
  EXPECT_NE(create([](auto& r) { r.ttl_s = 3601; }), "good");
  EXPECT_NE(create([](auto& r) { r.authorizer_uri = "arn:aws:lambda:us-east-1:123456789012:function:f"; }), "good");
  EXPECT_NE(create([](auto& r) { r.identity_validation_expression = "("; }), "good");
  const auto pools = [](std::vector<std::string> arns) {
    return [arns](auto& r) { r.type = "COGNITO_USER_POOLS", r.authorizer_uri = "", r.provider_arns = arns; };
  };
  const std::string pool = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_abc";
  EXPECT_EQ(create(pools({pool})), "good");
  EXPECT_NE(create(pools({})), "good") << "whose tokens would it take?";
  for (const auto arn : {"x", "arn:aws:iam::123456789012:userpool/us-east-1_abc", "arn:aws:cognito-idp:us-east-1:123456789012:userpool/",
                         "arn:aws:cognito-idp:us-east-1:123456789012:userpool/a/../b_c"})
    EXPECT_NE(create(pools({pool, arn})), "good") << arn;
  EXPECT_NE(create([&](auto& r) { r.provider_arns = {pool}; }), "good") << "a function's authorizer has no pools";
  EXPECT_NE(create([&](auto& r) { pools({pool})(r), r.identity_source = "method.request.querystring.q"; }), "good");
  EXPECT_NE(create([&](auto& r) { pools({pool})(r), r.authorizer_uri = World::function_uri("f"); }), "good");
  EXPECT_NE(create([](auto& r) { r.type = "JWT", r.authorizer_uri = ""; }), "good") << "without a configuration";
  const auto request_type = [](std::string source, int ttl) {
    return [source, ttl](auto& r) { r.type = "REQUEST", r.identity_source = source, r.ttl_s = ttl; };
  };
  EXPECT_EQ(create(request_type("", 0)), "good");
  EXPECT_NE(create(request_type("", 300)), "good") << "caching needs a source";
  EXPECT_EQ(create(request_type("method.request.querystring.q, stageVariables.v,context.identity.sourceIp", 300)), "good");
  EXPECT_NE(create(request_type("method.request.path.id", 0)), "good");
  EXPECT_NE(create(request_type("context.nonsense", 0)), "good");
}

TEST_F(OperationsTest, GatewayResponsesAndStages) {
  EXPECT_TRUE(text(operations.put_gateway_response({api, "NOPE", {}, {}, {}}))
                  .starts_with("ValidationException 400 1 validation error detected: Value 'NOPE' at 'responseType' failed to satisfy "
                               "constraint: Member must satisfy enum value set: [ACCESS_DENIED, "));
  EXPECT_NE(text(operations.put_gateway_response({api, "UNAUTHORIZED", "600", {}, {}})), "good");
  EXPECT_NE(text(operations.put_gateway_response({api, "REQUEST_TOO_LARGE", "400", {}, {}})), "good");
  EXPECT_NE(text(operations.put_gateway_response({api, "UNAUTHORIZED", {}, {{"gatewayresponse.header.A b", "'x'"}}, {}})), "good");
  EXPECT_NE(text(operations.put_gateway_response({api, "UNAUTHORIZED", {}, {{"gatewayresponse.header.A", "'x\r\ny'"}}, {}})), "good");
  EXPECT_NE(text(operations.put_gateway_response({api, "UNAUTHORIZED", {}, {{"gatewayresponse.header.Content-Length", "'1'"}}, {}})),
            "good");
  EXPECT_EQ(text(operations.put_gateway_response({api, "UNAUTHORIZED", "418", {{"gatewayresponse.header.A", "'x'"}}, {}})), "good");

  EXPECT_EQ(text(operations.create_deployment({api, "d", {}, "prod", {}, {}})),
            "BadRequestException 400 The REST API doesn't contain any methods");
  world.method("/", "GET");
  EXPECT_EQ(text(operations.create_deployment({api, "d", {}, "prod", {}, {}})),
            "BadRequestException 400 No integration defined for method");
  ASSERT_TRUE(operations.put_integration({api, "root", "GET", "MOCK"}));
  EXPECT_NE(text(operations.create_deployment({api, "d", {}, "pr/od", {}, {}})), "good");
  EXPECT_EQ(text(operations.create_deployment({api, "d", {}, "prod", {}, {}})), "good");
  EXPECT_EQ(text(operations.create_stage({api, "prod", "d", {}, {}})), "ConflictException 409 Stage already exists");
  EXPECT_EQ(text(operations.create_stage({api, "test", "nope", {}, {}})), "BadRequestException 400 Deployment id does not exist");
  EXPECT_EQ(text(operations.delete_deployment(api, "d")),
            "BadRequestException 400 Active stages pointing to this deployment must be moved or deleted");
}

TEST_F(OperationsTest, PoliciesAreCheckedAndKeptAsGiven) {
  CreateRestApiRequest request;
  request.id = "other";
  request.root_resource_id = "r";
  request.name = "n";
  request.policy = *json::parse(
      R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":["execute-api:/*/GET/a","*"]}})");
  ASSERT_EQ(text(operations.create_rest_api(request)), "good");
  EXPECT_EQ(*(*world.state.apis.at("other")->draft->resource_policy->find("Statement")->find("Resource")->array())[0].string(),
            "execute-api:/*/GET/a")
      << "tools that compare it with what they sent see no difference";
  const auto written_out = write_out_resources(*request.policy, world.state.scope, "other");
  EXPECT_EQ(*(*written_out.find("Statement")->find("Resource")->array())[0].string(),
            "arn:aws:execute-api:us-east-1:123456789012:other/*/GET/a");
  request.id = "third";
  request.policy = *json::parse(R"({"Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"*"}]})");
  EXPECT_TRUE(text(operations.create_rest_api(request)).starts_with("BadRequestException 400 Invalid policy document"));
  request.policy.reset();
  request.endpoint_type = "PRIVATE";
  EXPECT_TRUE(text(operations.create_rest_api(request)).starts_with("UnsupportedOperationException"));
}

}  // namespace
}  // namespace sallyport::gateway
