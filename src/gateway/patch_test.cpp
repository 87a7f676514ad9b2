// Patches: the engine, and what each update takes and refuses, with the texts recorded of the service.
#include "gateway/patch.hpp"

#include <gtest/gtest.h>

#include "gateway/testing.hpp"

namespace sallyport::gateway {
namespace {

using testing::World;

TEST(PatchPath, NamesAreSegmentsAndTheLastOneIsTheRest) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(match_patch_path("/name", "/name"), Names{});
  EXPECT_EQ(match_patch_path("/variables/{name}", "/variables/a"), Names{"a"});
  EXPECT_EQ(match_patch_path("/binaryMediaTypes/{type}", "/binaryMediaTypes/image~1png"), Names{"image/png"});
  EXPECT_EQ(match_patch_path("/x/{name}", "/x/a~0b~01"), Names{"a~b~1"}) << "~0 is decoded last";
  EXPECT_EQ(match_patch_path("/requestParameters/{name}", "/requestParameters/method.request.header.X-B/c"),
            Names{"method.request.header.X-B/c"});
  EXPECT_EQ(match_patch_path("/a/{b}/c/{d}", "/a/1/c/2/3"), (Names{"1", "2/3"}));
  for (const auto path : {"", "name", "/nam", "/name/", "/name/x", "/variables/", "/variables"})
    EXPECT_FALSE(match_patch_path("/name", path) || match_patch_path("/variables/{name}", path)) << path;
}

class PatchTest : public ::testing::Test {
 public:
  PatchTest() {
    world.method("/", "GET");
    EXPECT_TRUE(operations.put_integration({api, "root", "GET", "MOCK", {}, {}, {}, {}, {{"application/json", "{\"statusCode\":200}"}}}));
    EXPECT_TRUE(operations.put_method_response({api, "root", "GET", "200", {{"method.response.header.B", true}}, {}}));
    EXPECT_TRUE(operations.put_integration_response({api, "root", "GET", "200", {}, {{"method.response.header.B", "'b'"}}, {}, {}}));
    EXPECT_TRUE(operations.create_deployment({api, "d1", {}, "dev", {}, {}}));
    EXPECT_TRUE(operations.create_deployment({api, "d2", {}, {}, {}, {}}));
  }
  static PatchOperations one(std::string op, std::string path, std::optional<std::string> value = std::nullopt,
                             std::optional<std::string> from = std::nullopt) {
    return {{std::move(op), std::move(path), std::move(value), std::move(from)}};
  }
  static std::string text(const Answer<>& answer) { return answer ? "good" : cat(answer.error().code, " ", answer.error().message); }
  std::string stage(std::string op, std::string path, std::optional<std::string> value = std::nullopt,
                    std::optional<std::string> from = std::nullopt) {
    return text(operations.update_stage(api, "dev", one(std::move(op), std::move(path), std::move(value), std::move(from))));
  }
  std::string rest_api(std::string op, std::string path, std::optional<std::string> value = std::nullopt) {
    return text(operations.update_rest_api(api, one(std::move(op), std::move(path), std::move(value))));
  }
  std::string method(std::string op, std::string path, std::optional<std::string> value = std::nullopt) {
    return text(operations.update_method({api, "root", "GET"}, one(std::move(op), std::move(path), std::move(value))));
  }
  std::string method_response(std::string op, std::string path, std::optional<std::string> value = std::nullopt) {
    return text(operations.update_method_response({api, "root", "GET"}, "200", one(std::move(op), std::move(path), std::move(value))));
  }
  std::string integration(std::string op, std::string path, std::optional<std::string> value = std::nullopt) {
    return text(operations.update_integration({api, "root", "GET"}, one(std::move(op), std::move(path), std::move(value))));
  }
  const RestApi& now() const { return *world.state.apis.at(api); }
  const MethodSettings& method_now() const { return now().draft->resources.at("root").methods.at("GET"); }
  const StageSettings& stage_now() const { return now().stages.at("dev"); }

  World world;
  Operations& operations = world.operations;
  const std::string& api = world.api_id;
};

TEST_F(PatchTest, RestApi) {
  EXPECT_EQ(rest_api("replace", "/name", "api2"), "good");
  EXPECT_EQ(rest_api("replace", "/description", "d"), "good");
  EXPECT_EQ(rest_api("add", "/binaryMediaTypes/image~1png"), "good");
  EXPECT_EQ(rest_api("add", "/binaryMediaTypes/a~1b"), "good");
  EXPECT_EQ(rest_api("add", "/binaryMediaTypes/image~1png"), "good") << "a set member twice";
  EXPECT_EQ(now().draft->binary_media_types, (std::vector<std::string>{"image/png", "a/b"}));
  EXPECT_EQ(rest_api("replace", "/binaryMediaTypes/image~1png", "x/y"), "good");
  EXPECT_EQ(rest_api("remove", "/binaryMediaTypes/a~1b"), "good");
  EXPECT_EQ(now().draft->binary_media_types, std::vector<std::string>{"x/y"});
  EXPECT_EQ(now().name, "api2");
  EXPECT_EQ(rest_api("replace", "/endpointConfiguration/types/0", "REGIONAL"), "good");
  EXPECT_EQ(rest_api("replace", "/endpointConfiguration/types/REGIONAL", "EDGE"), "good");
  EXPECT_NE(rest_api("replace", "/endpointConfiguration/types/0", "PRIVATE"), "good");
  EXPECT_EQ(rest_api("replace", "/minimumCompressionSize", "-1"),
            "BadRequestException Invalid minimum compression size, must be between 0 and 10485760");
  EXPECT_EQ(rest_api("replace", "/minimumCompressionSize", "test"),
            "BadRequestException Invalid minimum compression size, must be between 0 and 10485760");
  EXPECT_EQ(rest_api("add", "/minimumCompressionSize", "10"),
            "BadRequestException Invalid patch operation specified. Must be one of: [replace]");
  EXPECT_TRUE(rest_api("replace", "/minimumCompressionSize", "10").starts_with("UnsupportedOperationException"));
  EXPECT_EQ(
      rest_api("replace", "/policy",
               R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"execute-api:/*"}]})"),
      "good");
  EXPECT_TRUE(now().draft->resource_policy);
  EXPECT_NE(rest_api("replace", "/policy", "{"), "good");
  EXPECT_EQ(rest_api("replace", "/policy", ""), "good");
  EXPECT_FALSE(now().draft->resource_policy);
  EXPECT_TRUE(
      rest_api("replace", "/nope", "x")
          .starts_with(
              "BadRequestException Invalid patch path  '/nope' specified for op 'replace'. Must be one of: [/name, /description, "));
  EXPECT_NE(rest_api("replace", "/name", ""), "good");
}

TEST_F(PatchTest, WhereNoPathTakesTheOperation) {
  EXPECT_EQ(text(operations.update_deployment(api, "d1", one("add", "/description", "x"))),
            "BadRequestException Invalid patch path  '/description' specified for op 'add'. Please choose supported operations");
  EXPECT_EQ(text(operations.update_deployment(api, "d1", one("replace", "/invalidPath", "x"))),
            "BadRequestException Invalid patch path  '/invalidPath' specified for op 'replace'. Must be one of: [/description]");
  EXPECT_EQ(text(operations.update_deployment(api, "d1", one("replace", "/description", "x"))), "good");
}

TEST_F(PatchTest, Resources) {
  ASSERT_TRUE(operations.create_resource({api, "a", "root", "pets"}));
  ASSERT_TRUE(operations.create_resource({api, "b", "a", "{id}"}));
  EXPECT_EQ(text(operations.update_resource(api, "a", one("replace", "/pathPart", "dogs"))), "good");
  EXPECT_EQ(now().draft->resources.at("b").path, "/dogs/{id}") << "what is below it moves along";
  EXPECT_NE(text(operations.update_resource(api, "a", one("replace", "/parentId", "b"))), "good") << "below itself";
  EXPECT_NE(text(operations.update_resource(api, "a", one("replace", "/pathPart", "{all+}"))), "good") << "it has children";
  EXPECT_NE(text(operations.update_resource(api, "root", one("replace", "/pathPart", "x"))), "good");
}

TEST_F(PatchTest, Methods) {
  EXPECT_EQ(method("add", "/requestParameters/method.request.querystring.optional", "true"), "good");
  EXPECT_EQ(method("add", "/requestModels/application~1json", "Empty"), "good");
  EXPECT_EQ(method("replace", "/operationName", "o"), "good");
  EXPECT_EQ(method("replace", "/authorizationType", "AWS_IAM"), "good");
  EXPECT_EQ(method_now().authorization, AuthorizationType::aws_iam);
  EXPECT_TRUE(method_now().integration) << "the rest of the method stays";
  EXPECT_NE(method("replace", "/authorizationType", "CUSTOM"), "good") << "without an authorizer";
  EXPECT_EQ(method("remove", "/requestParameters/nope"), "NotFoundException Invalid parameter name specified");
  EXPECT_EQ(method("remove", "/requestParameters/method.request.querystring.optional"), "good");
  EXPECT_EQ(method("replace", "/apiKeyRequired", "true"), "good");
  EXPECT_TRUE(method_now().api_key_required);
  EXPECT_EQ(method("replace", "/operationName", "p"), "good");
  EXPECT_TRUE(method_now().api_key_required) << "another patch leaves it";
  EXPECT_EQ(method("add", "/authorizationScopes", "a/b"), "good") << "AWS_IAM asks for no scopes: none is kept";
  EXPECT_TRUE(method_now().authorization_scopes.empty());
  const auto authorizer = world.authorizer("TOKEN", "check", "method.request.header.X-Token", 0);
  EXPECT_EQ(text(operations.update_method({api, "root", "GET"},
                                          {{"replace", "/authorizationType", "CUSTOM", {}}, {"replace", "/authorizerId", authorizer, {}}})),
            "good");
  EXPECT_EQ(method_now().authorization, AuthorizationType::custom);
  EXPECT_NE(method("remove", "/authorizerId"), "good") << "the method would be open";
  EXPECT_EQ(method("replace", "/authorizationType", "NONE"), "good");
  EXPECT_FALSE(method_now().authorizer_id);
}

TEST_F(PatchTest, MethodResponses) {
  EXPECT_EQ(method_response("remove", "/responseParameters/method.response.header.my-header"),
            "NotFoundException Invalid parameter name specified");
  EXPECT_EQ(method_response("remove", "/responseModels/application~1json"), "NotFoundException Content-Type specified was not found");
  EXPECT_EQ(method_response("add", "/wrong/method.response.header.my-header", "true"),
            "BadRequestException Invalid patch path /wrong/method.response.header.my-header");
  EXPECT_EQ(method_response("add", "/responseParameters/method.response.header.X", "false"), "good");
  EXPECT_EQ(method_response("add", "/responseModels/application~1json", "Empty"), "good");
}

TEST_F(PatchTest, IntegrationsWithFunctions) {
  const auto function = [this](std::string op, std::string path, std::string value = {}) {
    return text(operations.update_integration({api, "root", "GET"}, one(std::move(op), std::move(path), std::move(value))));
  };
  ASSERT_TRUE(operations.put_integration({api, "root", "GET", "AWS", testing::World::function_uri("f"), "POST"}));
  ASSERT_TRUE(operations.put_integration_response({api, "root", "GET", "200", "", {}, {{"application/json", "$input.body"}}}));
  EXPECT_EQ(function("replace", "/credentials", "arn:aws:iam::123456789012:role/r"), "good");
  EXPECT_EQ(function("replace", "/timeoutInMillis", "60"), "good");
  EXPECT_EQ(method_now().integration->credentials, "arn:aws:iam::123456789012:role/r") << "another patch leaves them";
  EXPECT_NE(function("replace", "/credentials", "x"), "good");
  EXPECT_EQ(function("add", "/requestTemplates/application~1json", "#set($x = 1)$x"), "good");
  EXPECT_NE(function("add", "/requestTemplates/application~1json", "#if("), "good");
  EXPECT_NE(function("add", "/requestParameters/integration.request.header.X", "'x'"), "good");
  EXPECT_NE(function("replace", "/uri", "arn:aws:apigateway:us-east-1:sqs:path/q"), "good");
  EXPECT_EQ(function("remove", "/credentials"), "good");
  EXPECT_EQ(method_now().integration->credentials, "");
  EXPECT_EQ(method_now().integration->responses.size(), 1u);
}

TEST_F(PatchTest, Integrations) {
  EXPECT_EQ(integration("replace", "/timeoutInMillis", "6000"), "good");
  EXPECT_EQ(method_now().integration->timeout.count(), 6000);
  EXPECT_EQ(method_now().integration->responses.size(), 1u) << "unlike a put, a patch leaves the responses";
  EXPECT_NE(integration("replace", "/timeoutInMillis", "soon"), "good");
  EXPECT_NE(integration("replace", "/timeoutInMillis", "30000"), "good");
  EXPECT_EQ(integration("replace", "/requestTemplates/application~1xml", "{\"statusCode\":201}"), "good");
  EXPECT_TRUE(integration("replace", "/credentials", "arn:aws:iam::123456789012:role/r").starts_with("UnsupportedOperationException"))
      << "a MOCK calls nobody";
  EXPECT_EQ(integration("replace", "/cacheNamespace", "x"), "good");
  EXPECT_EQ(integration("add", "/cacheKeyParameters/method.request.querystring.q", ""), "good");
  EXPECT_EQ(method_now().integration->cache_key_parameters, std::vector<std::string>{"method.request.querystring.q"});
  EXPECT_EQ(integration("replace", "/contentHandling", "CONVERT_TO_TEXT"), "good");
  EXPECT_EQ(integration("replace", "/timeoutInMillis", "7000"), "good");
  EXPECT_EQ(method_now().integration->content_handling, ContentHandling::to_text) << "another patch leaves it";
  EXPECT_NE(integration("replace", "/contentHandling", "x"), "good");
  EXPECT_EQ(text(operations.update_integration_response({api, "root", "GET"}, "200", one("replace", "/selectionPattern", "2.."))), "good");
  EXPECT_EQ(text(operations.update_integration_response({api, "root", "GET"}, "404", one("replace", "/selectionPattern", "2.."))),
            "NotFoundException Invalid Integration Response identifier specified");
}

TEST_F(PatchTest, AuthorizersCannotBeSlippedPastAMapping) {
  const auto id = world.authorizer("TOKEN", "check", "method.request.header.X-Token", 60);
  const auto update = [&](std::string path, std::string value) {
    return text(operations.update_authorizer(api, id, one("replace", std::move(path), std::move(value))));
  };
  EXPECT_EQ(update("/authorizerResultTtlInSeconds", "0"), "good");
  EXPECT_EQ(update("/identityValidationExpression", "^Bearer x.*"), "good");
  EXPECT_NE(update("/identityValidationExpression", "("), "good");
  EXPECT_EQ(now().draft->authorizers.at(id).ttl.count(), 0);
  EXPECT_NE(update("/type", "COGNITO_USER_POOLS"), "good");
  world.method("/x", "GET", id);
  PutIntegrationRequest proxy{api, world.resource("/x"), "GET", "HTTP_PROXY", "http://localhost:1/", "GET"};
  proxy.request_parameters = {{"integration.request.header.X-Other", "'x'"}};
  ASSERT_TRUE(operations.put_integration(proxy));
  const auto before = world.state;
  EXPECT_TRUE(update("/identitySource", "method.request.header.X-Other").starts_with("UnsupportedOperationException"));
  world.state = before;  // as for every draft of which something was refused
  // Nor does a method come by such an authorizer later.
  world.method("/y", "GET");
  proxy.resource_id = world.resource("/y");
  proxy.request_parameters = {{"integration.request.header.X-Token", "'x'"}};
  ASSERT_TRUE(operations.put_integration(proxy));
  EXPECT_TRUE(text(operations.update_method({api, proxy.resource_id, "GET"},
                                            {{"replace", "/authorizationType", "CUSTOM", {}}, {"replace", "/authorizerId", id, {}}}))
                  .starts_with("UnsupportedOperationException"));
}

TEST_F(PatchTest, StageVariablesAndDeployment) {
  EXPECT_EQ(stage("replace", "/variables/a", "c"), "good");
  EXPECT_EQ(stage("add", "/variables/d", "e"), "good");
  EXPECT_EQ(stage_now().variables, (TextMap{{"a", "c"}, {"d", "e"}}));
  EXPECT_EQ(stage("remove", "/variables/d"), "good");
  EXPECT_NE(stage("replace", "/variables/a", "white space"), "good");
  EXPECT_EQ(stage("replace", "/deploymentId", "d2"), "good");
  EXPECT_EQ(stage("replace", "/deploymentId", "nope"), "BadRequestException Deployment id does not exist");
  EXPECT_EQ(stage_now().deployment_id, "d2");
  EXPECT_EQ(stage("replace", "/accessLogSettings/destinationArn", "arn:aws:logs:us-east-1:123456789012:log-group:x"), "good");
  EXPECT_EQ(stage("replace", "/accessLogSettings/format", "$context.requestId"), "good");
  EXPECT_EQ(stage("remove", "/accessLogSettings"), "good");
  EXPECT_EQ(stage_now().access_log_format, "");
}

TEST_F(PatchTest, StageMethodSettings) {
  EXPECT_EQ(stage("replace", "/*/*/logging/loglevel", "INFO"), "good");
  EXPECT_EQ(stage("replace", "/*/*/caching/ttlInSeconds", "60"), "good");
  EXPECT_EQ(stage("replace", "/*/*/metrics/enabled", "true"), "good");
  EXPECT_EQ(stage("replace", "/~1pets~1{id}/GET/logging/loglevel", "ERROR"), "good");
  EXPECT_EQ(stage("replace", "/*/*/throttling/rateLimit", "-1"), "good") << "no limit is what there is";
  EXPECT_FALSE(stage_now().method_settings.at("*/*").throttling_rate_limit);
  EXPECT_EQ(stage("replace", "/*/*/throttling/rateLimit", "100.000000"), "good");
  EXPECT_EQ(stage("replace", "/*/*/throttling/burstLimit", "50"), "good");
  EXPECT_EQ(stage_now().method_settings.at("*/*").throttling_rate_limit, 100.0);
  EXPECT_EQ(stage_now().method_settings.at("*/*").throttling_burst_limit, 50);
  EXPECT_TRUE(stage("replace", "/*/*/throttling/rateLimit", "-2").starts_with("BadRequestException"));
  EXPECT_EQ(stage_now().method_settings.at("*/*").logging_level, "INFO");
  EXPECT_EQ(stage_now().method_settings.at("*/*").cache_ttl_s, 60);
  EXPECT_EQ(stage_now().method_settings.at("~1pets~1{id}/GET").logging_level, "ERROR");
  for (const auto& [path, value] : std::map<std::string, std::string>{{"/*/*/logging/dataTrace", "true"},
                                                                      {"/tracingEnabled", "true"},
                                                                      {"/canarySettings/percentTraffic", "10"},
                                                                      {"/clientCertificateId", "x"}})
    EXPECT_TRUE(stage("replace", path, value).starts_with("UnsupportedOperationException " + path)) << path;
  EXPECT_EQ(stage("replace", "/*/*/caching/enabled", "true"), "good");
  EXPECT_EQ(stage("replace", "/cacheClusterEnabled", "true"), "good");
  EXPECT_EQ(stage_now().cache_cluster_size, "0.5");
  EXPECT_EQ(stage("replace", "/cacheClusterSize", "1.6"), "good");
  EXPECT_NE(stage("replace", "/cacheClusterSize", "2"), "good");
  EXPECT_EQ(stage("remove", "/*/*"), "good");
  EXPECT_FALSE(stage_now().method_settings.contains("*/*"));
  EXPECT_EQ(stage("remove", "/*/*"),
            "BadRequestException Cannot remove method setting */* because there is no method setting for this method ");
}

TEST_F(PatchTest, StageRefusalsAsRecorded) {
  EXPECT_EQ(stage("remove", "/canarySettings/stageVariableOverrides"),
            "BadRequestException Cannot remove method setting canarySettings/stageVariableOverrides because there is no method setting for "
            "this method ");
  EXPECT_EQ(stage("remove", "/canarySettings/badPath"),
            "BadRequestException Cannot remove method setting canarySettings/badPath because there is no method setting for this method ");
  EXPECT_EQ(
      stage("replace", "/canarySettings/badPath", "x"),
      "BadRequestException Invalid method setting path: /canarySettings/badPath. Must be one of: [/deploymentId, /description, "
      "/cacheClusterEnabled, /cacheClusterSize, /clientCertificateId, /accessLogSettings, /accessLogSettings/destinationArn, "
      "/accessLogSettings/format, /{resourcePath}/{httpMethod}/metrics/enabled, /{resourcePath}/{httpMethod}/logging/dataTrace, "
      "/{resourcePath}/{httpMethod}/logging/loglevel, "
      "/{resourcePath}/{httpMethod}/throttling/burstLimit/{resourcePath}/{httpMethod}/throttling/rateLimit/{resourcePath}/{httpMethod}/"
      "caching/ttlInSeconds, /{resourcePath}/{httpMethod}/caching/enabled, /{resourcePath}/{httpMethod}/caching/dataEncrypted, "
      "/{resourcePath}/{httpMethod}/caching/requireAuthorizationForCacheControl, "
      "/{resourcePath}/{httpMethod}/caching/unauthorizedCacheControlHeaderStrategy, /*/*/metrics/enabled, /*/*/logging/dataTrace, "
      "/*/*/logging/loglevel, /*/*/throttling/burstLimit /*/*/throttling/rateLimit /*/*/caching/ttlInSeconds, /*/*/caching/enabled, "
      "/*/*/caching/dataEncrypted, /*/*/caching/requireAuthorizationForCacheControl, "
      "/*/*/caching/unauthorizedCacheControlHeaderStrategy, /variables/{variable_name}, /tracingEnabled]");
  EXPECT_TRUE(stage("remove", "/canarySettings").starts_with("BadRequestException Invalid method setting path: /canarySettings. Must be"));
  EXPECT_EQ(stage("add", "/canarySettings/deploymentId", "d2"),
            "BadRequestException Invalid add operation with path: /canarySettings/deploymentId");
  EXPECT_EQ(stage("copy", "/canarySettings/stageVariableOverrides", {}, "/variables"),
            "BadRequestException Invalid copy operation with path: /canarySettings/stageVariableOverrides and from /variables. Valid "
            "copy:path are [/deploymentId, /variables] and valid copy:from are [/canarySettings/deploymentId, "
            "/canarySettings/stageVariableOverrides]");
  EXPECT_EQ(stage("copy", "/deploymentId", {}, "/canarySettings/deploymentId"),
            "BadRequestException Promotion not available. Canary does not exist.");
}

TEST_F(PatchTest, GatewayResponses) {
  const auto update = [&](std::string op, std::string path, std::string value) {
    return text(operations.update_gateway_response(api, "UNAUTHORIZED", one(std::move(op), std::move(path), std::move(value))));
  };
  EXPECT_EQ(update("replace", "/statusCode", "418"), "good");
  EXPECT_EQ(update("add", "/responseParameters/gatewayresponse.header.X", "'x'"), "good");
  EXPECT_EQ(update("replace", "/responseTemplates/application~1json", "{}"), "good");
  const auto& kept = now().draft->gateway_responses.at(ResponseType::unauthorized);
  EXPECT_EQ(kept.status, 418);
  EXPECT_EQ(kept.templates.at("application/json"), "{}");
  EXPECT_NE(update("add", "/responseParameters/gatewayresponse.header.Content-Length", "'1'"), "good");
}

}  // namespace
}  // namespace sallyport::gateway
