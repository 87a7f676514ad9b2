// The service as clients meet it: shapes, refusals, automatic deployments, pages, what is kept over a restart.
#include "http_api/api_service.hpp"

#include <gtest/gtest.h>

#include <set>

#include "http_api/api_testing.hpp"
#include "http_api/operations.hpp"

namespace sallyport::http_api {
namespace {

using testing::ApiWorld;
using testing::Reply;

constexpr std::string_view function_arn = "arn:aws:lambda:us-east-1:123456789012:function:f";
constexpr std::string_view function_uri =
    "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:f/invocations";

class ApiServiceTest : public ::testing::Test {
 public:
  std::string with(std::string_view more = "") const { return cat(R"({"ApiId":")", api, "\"", more.empty() ? "" : ",", more, "}"); }
  Reply call(std::string operation, std::string_view more = "") { return world.call(std::move(operation), with(more)); }
  std::string refusal(std::string operation, std::string_view more = "") { return call(std::move(operation), more).refusal(); }
  std::string made(std::string operation, std::string_view more, std::string_view id_member) {
    return world.made(std::move(operation), with(more), id_member);
  }

  std::string integration(std::string_view more = R"("PayloadFormatVersion":"2.0")") {
    return made("CreateIntegration", cat(R"("IntegrationType":"AWS_PROXY","IntegrationUri":")", function_uri, "\",", more),
                "IntegrationId");
  }
  std::string route(std::string_view key, std::string_view more = "") {
    return made("CreateRoute", cat(R"("RouteKey":")", key, "\"", more.empty() ? "" : ",", more), "RouteId");
  }
  std::string jwt(std::string_view name = "jwt") {
    return made("CreateAuthorizer",
                cat(R"("Name":")", name, R"(","AuthorizerType":"JWT","IdentitySource":["$request.header.Authorization"],)",
                    R"("JwtConfiguration":{"Issuer":"https://issuer.example","Audience":["a"]})"),
                "AuthorizerId");
  }
  std::string request_authorizer(std::string_view name = "lam") {
    return made(
        "CreateAuthorizer",
        cat(R"("Name":")", name, R"(","AuthorizerType":"REQUEST","IdentitySource":["$request.header.X"],"AuthorizerUri":")", function_uri,
            R"(","AuthorizerPayloadFormatVersion":"2.0","EnableSimpleResponses":true,"AuthorizerResultTtlInSeconds":300)"),
        "AuthorizerId");
  }
  std::string create_authorizer_refusal(std::string_view more, std::string_view name = "x") {
    return refusal("CreateAuthorizer", cat(R"("Name":")", name, "\",", more));
  }
  const Api& kept() { return *world.ledger.read({})->apis.at(api); }
  /// What the stage serves.
  const Definition* served(const std::string& stage) {
    const auto& id = kept().stages.at(stage).deployment_id;
    return id.empty() ? nullptr : kept().deployments.at(id)->definition.get();
  }

  ApiWorld world;
  const std::string api = world.made("CreateApi", R"({"Name":"shop","ProtocolType":"HTTP"})", "ApiId");
};

TEST_F(ApiServiceTest, AnApiLooksAsAwsShowsIt) {
  EXPECT_EQ(api.size(), 10u);
  EXPECT_EQ(call("GetApi").text(),
            cat(R"({"ApiEndpoint":"http://)", api, R"(.execute-api.localhost:4566","ApiId":")", api,
                R"(","ApiKeySelectionExpression":"$request.header.x-api-key","CreatedDate":1700000000,"DisableExecuteApiEndpoint":false,)",
                R"("IpAddressType":"ipv4","Name":"shop","ProtocolType":"HTTP",)",
                R"("RouteSelectionExpression":"$request.method $request.path","Tags":{}})"));
  const auto full = world.call("CreateApi", R"({"Name":"n","ProtocolType":"HTTP","Description":"d","Version":"1","Tags":{"k":"v"},
      "ApiKeySelectionExpression":"$request.header.x-api-key","RouteSelectionExpression":"${request.method} ${request.path}",
      "DisableExecuteApiEndpoint":true,"DisableSchemaValidation":false,"IpAddressType":"ipv4",
      "CorsConfiguration":{"AllowCredentials":false,"AllowHeaders":[],"AllowMethods":[],"AllowOrigins":["*"],"ExposeHeaders":[],"MaxAge":0}})");
  EXPECT_EQ(full.at("CorsConfiguration"),
            R"({"AllowCredentials":false,"AllowHeaders":[],"AllowMethods":[],"AllowOrigins":["*"],"ExposeHeaders":[],"MaxAge":0})")
      << "as it was given";
  EXPECT_EQ(full.at("Description"), "d");
  EXPECT_EQ(full.at("Version"), "1");
  EXPECT_EQ(full.at("Tags"), R"({"k":"v"})");
  EXPECT_EQ(full.at("DisableExecuteApiEndpoint"), "true");
  EXPECT_EQ(full.at("RouteSelectionExpression"), "${request.method} ${request.path}");
  const auto updated = call("UpdateApi", R"("Description":"new","CorsConfiguration":{"AllowOrigins":["https://a"]})");
  EXPECT_EQ(updated.at("Description"), "new");
  EXPECT_EQ(updated.at("Name"), "shop");
  EXPECT_EQ(updated.at("CorsConfiguration"), R"({"AllowOrigins":["https://a"]})");
  EXPECT_EQ(call("DeleteCorsConfiguration").text(), "{}");
  EXPECT_EQ(call("GetApi").at("CorsConfiguration"), "");
  EXPECT_EQ(call("DeleteApi").text(), "{}");
  EXPECT_EQ(refusal("GetApi"), cat("NotFoundException 404 Invalid API identifier specified 123456789012:", api));
  EXPECT_EQ(refusal("DeleteApi"), cat("NotFoundException 404 Invalid API identifier specified 123456789012:", api));
}

TEST_F(ApiServiceTest, WhatAnApiCannotBeIsRefused) {
  const auto create = [&](std::string_view more) {
    return world.call("CreateApi", cat(R"({"Name":"n","ProtocolType":"HTTP",)", more, "}")).refusal();
  };
  EXPECT_EQ(world.call("CreateApi", R"({"Name":"n","ProtocolType":"WEBSOCKET"})").refusal(),
            "UnsupportedOperationException 501 protocolType WEBSOCKET is not supported: use HTTP");
  EXPECT_EQ(world.call("CreateApi", R"({"Name":"n","ProtocolType":"TCP"})").refusal(),
            "BadRequestException 400 Invalid protocol specified. Must be one of [HTTP, WEBSOCKET]");
  EXPECT_TRUE(create(R"("RouteSelectionExpression":"$request.body.action")").starts_with("BadRequestException 400"));
  EXPECT_TRUE(create(R"("DisableSchemaValidation":true)").contains(" 501 "));
  EXPECT_TRUE(create(R"("IpAddressType":"dualstack")").contains(" 501 ipAddressType dualstack"));
  EXPECT_TRUE(create(R"("RouteKey":"GET /")").starts_with("BadRequestException 400"));
  EXPECT_EQ(create(R"("CorsConfiguration":{"AllowOrigins":["*"],"AllowCredentials":true})"),
            "BadRequestException 400 allow-credentials is not supported if 'allow-origin' is *");
  EXPECT_TRUE(create(R"("CorsConfiguration":{"AllowHeaders":["a\r\nb"]})").starts_with("BadRequestException 400")) << "one header, not two";
  EXPECT_TRUE(create(R"("CorsConfiguration":{"AllowOrigins":["https://a\nb"]})").starts_with("BadRequestException 400"));
  EXPECT_TRUE(create(R"("CorsConfiguration":{"AllowOrigins":["example.com"]})").starts_with("BadRequestException 400"));
  EXPECT_TRUE(create(R"("CorsConfiguration":{"MaxAge":86401})").starts_with("BadRequestException 400"));
  EXPECT_TRUE(create(R"("Unheard":"of")").contains("501 CreateApi: Unheard"));
  EXPECT_EQ(world.ledger.read({})->apis.size(), 1u);
}

TEST_F(ApiServiceTest, QuickCreateMakesAnApiThatCanBeCalled) {
  const auto quick = world.made("CreateApi", cat(R"({"Name":"q","ProtocolType":"HTTP","Target":")", function_arn, R"("})"), "ApiId");
  const auto in = [&](std::string_view more = "") { return cat(R"({"ApiId":")", quick, "\"", more.empty() ? "" : ",", more, "}"); };
  const auto integrations = world.call("GetIntegrations", in());
  const auto integration_id = integrations.at("Items.0.IntegrationId");
  EXPECT_EQ(integrations.at("Items.0"), cat(R"({"ApiGatewayManaged":true,"ConnectionType":"INTERNET","IntegrationId":")", integration_id,
                                            R"(","IntegrationMethod":"POST","IntegrationType":"AWS_PROXY","IntegrationUri":")",
                                            function_arn, R"(","PayloadFormatVersion":"2.0","TimeoutInMillis":30000})"));
  const auto routes = world.call("GetRoutes", in());
  EXPECT_EQ(routes.at("Items.0"),
            cat(R"({"ApiGatewayManaged":true,"ApiKeyRequired":false,"AuthorizationType":"NONE","RouteId":")", routes.at("Items.0.RouteId"),
                R"(","RouteKey":"$default","Target":"integrations/)", integration_id, "\"}"));
  const auto stage = world.call("GetStage", in(R"("StageName":"$default")"));
  const auto deployment = stage.at("DeploymentId");
  EXPECT_EQ(
      stage.text(),
      cat(R"({"ApiGatewayManaged":true,"AutoDeploy":true,"CreatedDate":1700000000,"DefaultRouteSettings":{"DetailedMetricsEnabled":false},)",
          R"("DeploymentId":")", deployment, R"(","LastDeploymentStatusMessage":"Successfully deployed stage with deployment ID ')",
          deployment, R"('","LastUpdatedDate":1700000000,"RouteSettings":{},"StageName":"$default","StageVariables":{},"Tags":{}})"));
  EXPECT_EQ(world.call("GetDeployment", in(cat(R"("DeploymentId":")", deployment, "\""))).text(),
            cat(R"({"AutoDeployed":true,"CreatedDate":1700000000,"DeploymentId":")", deployment,
                R"(","DeploymentStatus":"DEPLOYED","Description":"Automatic deployment triggered by changes to the Api configuration"})"));

  ASSERT_TRUE(world.call("UpdateApi", in(R"("Target":"http://127.0.0.1:1/x","RouteKey":"GET /x")")));
  const auto changed = world.call("GetIntegrations", in());
  EXPECT_EQ(changed.at("Items.0.IntegrationType"), "HTTP_PROXY");
  EXPECT_EQ(changed.at("Items.0.IntegrationMethod"), "ANY");
  EXPECT_EQ(changed.at("Items.0.PayloadFormatVersion"), "1.0");
  EXPECT_EQ(world.call("GetRoutes", in()).at("Items.0.RouteKey"), "GET /x");
  EXPECT_NE(world.call("GetStage", in(R"("StageName":"$default")")).at("DeploymentId"), deployment);
  const auto route_id = world.call("GetRoutes", in()).at("Items.0.RouteId");
  EXPECT_TRUE(
      world.call("UpdateRoute", in(cat(R"("RouteId":")", route_id, R"(","RouteKey":"GET /y")"))).refusal().starts_with("BadRequest"));
  EXPECT_TRUE(world.call("UpdateRoute", in(cat(R"("RouteId":")", route_id, R"(","AuthorizationType":"AWS_IAM")"))));
  EXPECT_TRUE(refusal("UpdateApi", R"("RouteKey":"GET /x")").starts_with("BadRequestException 400")) << "was not made that way";
  EXPECT_TRUE(world.call("CreateApi", R"({"Name":"q","ProtocolType":"HTTP","Target":"nonsense"})").refusal().starts_with("BadRequest"));
}

TEST_F(ApiServiceTest, AnIntegrationLooksAsAwsShowsIt) {
  const auto full =
      call("CreateIntegration",
           cat(R"("IntegrationType":"AWS_PROXY","ConnectionType":"INTERNET","Description":"d","IntegrationUri":")", function_uri,
               R"(","PayloadFormatVersion":"1.0","CredentialsArn":"arn:aws:iam::123456789012:role/r","TimeoutInMillis":50,)",
               R"("RequestParameters":{"append:header.x":"$request.path"},"ResponseParameters":{"500":{"overwrite:statuscode":"502"}})"));
  const auto id = full.at("IntegrationId");
  EXPECT_EQ(id.size(), 7u);
  EXPECT_EQ(full.text(),
            cat(R"({"ConnectionType":"INTERNET","CredentialsArn":"arn:aws:iam::123456789012:role/r","Description":"d","IntegrationId":")",
                id, R"(","IntegrationMethod":"POST","IntegrationType":"AWS_PROXY","IntegrationUri":")", function_uri,
                R"(","PayloadFormatVersion":"1.0","RequestParameters":{"append:header.x":"$request.path"},)",
                R"("ResponseParameters":{"500":{"overwrite:statuscode":"502"}},"TimeoutInMillis":50})"));
  const auto named = cat(R"("IntegrationId":")", id, "\"");
  EXPECT_EQ(call("GetIntegration", named).text(), full.text());
  const auto updated =
      call("UpdateIntegration",
           cat(named, R"(,"IntegrationType":"AWS_PROXY","PayloadFormatVersion":"2.0","CredentialsArn":"","RequestParameters":)",
               R"({"append:header.x":"","overwrite:path":"/y"},"ResponseParameters":{"500":{},"404":{"append:header.a":"b"}})"));
  EXPECT_EQ(updated.at("PayloadFormatVersion"), "2.0");
  EXPECT_EQ(updated.at("CredentialsArn"), "");
  EXPECT_EQ(updated.at("TimeoutInMillis"), "50") << "what is not mentioned stays";
  EXPECT_EQ(updated.at("RequestParameters"), R"({"overwrite:path":"/y"})") << "an empty value takes the mapping away";
  EXPECT_EQ(updated.at("ResponseParameters"), R"({"404":{"append:header.a":"b"}})");
  EXPECT_EQ(call("GetIntegrations").at("Items.0.IntegrationId"), id);
  const auto user = route("GET /x", cat(R"("Target":"integrations/)", id, "\""));
  EXPECT_EQ(refusal("DeleteIntegration", named),
            cat("ConflictException 409 Cannot delete Integration because it is referenced by the following Routes with Ids: [", user, "]"));
  ASSERT_TRUE(call("DeleteRoute", cat(R"("RouteId":")", user, "\"")));
  EXPECT_EQ(call("DeleteIntegration", named).text(), "{}");
  for (const auto* operation : {"GetIntegration", "UpdateIntegration", "DeleteIntegration"})
    EXPECT_EQ(refusal(operation, named), "NotFoundException 404 Invalid Integration identifier specified");
}

TEST_F(ApiServiceTest, WhatAnIntegrationCannotBeIsRefused) {
  const auto create = [&](std::string_view members) { return refusal("CreateIntegration", members); };
  const auto lambda = [&](std::string_view more) {
    return create(cat(R"("IntegrationType":"AWS_PROXY","PayloadFormatVersion":"2.0","IntegrationUri":")", function_arn, "\",", more));
  };
  const auto backend = [&](std::string_view more) {
    return create(cat(R"("IntegrationType":"HTTP_PROXY","PayloadFormatVersion":"1.0",)", more));
  };
  for (const auto* type : {"AWS", "HTTP", "MOCK"})
    EXPECT_EQ(create(cat(R"("PayloadFormatVersion":"1.0","IntegrationType":")", type, "\"")),
              "BadRequestException 400 Currently, an API with a protocol type of HTTP may only be associated with proxy integrations "
              "(AWS_PROXY, HTTP_PROXY)");
  EXPECT_EQ(create(cat(R"("IntegrationType":"AWS_PROXY","IntegrationUri":")", function_arn, "\"")),
            "BadRequestException 400 PayloadFormatVersion is a required parameter for integration");
  EXPECT_EQ(create(R"("IntegrationType":"AWS_PROXY","PayloadFormatVersion":"2.0","IntegrationUri":"http://a")").substr(0, 23),
            "BadRequestException 400");
  EXPECT_EQ(create(R"("IntegrationType":"AWS_PROXY","PayloadFormatVersion":"2.0")"),
            "BadRequestException 400 Invalid function ARN or invalid uri");
  EXPECT_TRUE(create(cat(R"("IntegrationType":"AWS_PROXY","PayloadFormatVersion":"3.0","IntegrationUri":")", function_arn, "\""))
                  .starts_with("BadRequestException 400 Invalid PayloadFormatVersion"));
  EXPECT_EQ(lambda(R"("TimeoutInMillis":49)"), "BadRequestException 400 Timeout should be between 50 ms and 30000 ms");
  EXPECT_EQ(lambda(R"("TimeoutInMillis":30001)"), "BadRequestException 400 Timeout should be between 50 ms and 30000 ms");
  EXPECT_EQ(lambda(R"("CredentialsArn":"arn:aws:iam::1:user/u")"), "BadRequestException 400 Invalid ARN specified in the request");
  EXPECT_EQ(lambda(R"("CredentialsArn":"arn:aws:iam::*:user/*")"), "good") << "the caller's own";
  EXPECT_TRUE(
      lambda(R"("RequestParameters":{"overwrite:header.Authorization":"x"})").starts_with("BadRequestException 400 Invalid mapping"));
  EXPECT_TRUE(lambda(R"("ResponseParameters":{"20":{"append:header.a":"x"}})").starts_with("BadRequestException 400 Invalid status code"));
  EXPECT_TRUE(
      lambda(R"("ResponseParameters":{"200":{"append:querystring.a":"x"}})").starts_with("BadRequestException 400 Invalid mapping"));
  EXPECT_TRUE(lambda(R"("ConnectionType":"VPC_LINK")").contains(" 501 connectionType VPC_LINK"));
  EXPECT_TRUE(lambda(R"("ConnectionId":"abc")").contains(" 501 CreateIntegration: ConnectionId"));
  EXPECT_TRUE(lambda(R"("IntegrationSubtype":"SQS-SendMessage")").contains(" 501 CreateIntegration: IntegrationSubtype"));
  EXPECT_TRUE(lambda(R"("TlsConfig":{"ServerNameToVerify":"x"})").contains(" 501 CreateIntegration: TlsConfig"));
  EXPECT_TRUE(lambda(R"("RequestTemplates":{"a/b":"x"})").contains(" 501 CreateIntegration: RequestTemplates"));
  EXPECT_EQ(backend(R"("IntegrationMethod":"ANY","IntegrationUri":"http://127.0.0.1:8080/{proxy}")"), "good");
  EXPECT_EQ(backend(R"("IntegrationMethod":"GET","IntegrationUri":"http://${stageVariables.host}/x")"), "good");
  EXPECT_TRUE(backend(R"("IntegrationUri":"http://127.0.0.1:8080/")").starts_with("BadRequestException 400")) << "no method";
  EXPECT_TRUE(backend(R"("IntegrationMethod":"BREW","IntegrationUri":"http://a/")").starts_with("BadRequestException 400"));
  EXPECT_TRUE(backend(R"("IntegrationMethod":"GET","IntegrationUri":"ftp://a/")").starts_with("BadRequestException 400"));
  EXPECT_TRUE(backend(R"("IntegrationMethod":"GET","IntegrationUri":"http://a/","CredentialsArn":"arn:aws:iam::123456789012:role/r")")
                  .contains(" 501 "));
  EXPECT_TRUE(backend(R"("IntegrationMethod":"GET","IntegrationUri":"arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/x")")
                  .contains(" 501 "));
  EXPECT_TRUE(
      create(R"("IntegrationType":"HTTP_PROXY","PayloadFormatVersion":"2.0","IntegrationMethod":"GET","IntegrationUri":"http://a/")")
          .starts_with("BadRequestException 400"));
  EXPECT_EQ(world.call("CreateIntegration", R"({"ApiId":"nope","IntegrationType":"AWS_PROXY"})").refusal(),
            "NotFoundException 404 Invalid API identifier specified 123456789012:nope");
}

TEST_F(ApiServiceTest, ARouteLooksAsAwsShowsIt) {
  const auto target = integration();
  const auto authorizer = jwt();
  const auto full =
      call("CreateRoute", cat(R"("RouteKey":"GET /x","Target":"integrations/)", target, R"(","AuthorizationType":"JWT","AuthorizerId":")",
                              authorizer, R"(","AuthorizationScopes":["a/b"],"OperationName":"getX","ApiKeyRequired":false)"));
  const auto id = full.at("RouteId");
  EXPECT_EQ(id.size(), 7u);
  EXPECT_EQ(full.text(),
            cat(R"({"ApiKeyRequired":false,"AuthorizationScopes":["a/b"],"AuthorizationType":"JWT","AuthorizerId":")", authorizer,
                R"(","OperationName":"getX","RouteId":")", id, R"(","RouteKey":"GET /x","Target":"integrations/)", target, "\"}"));
  const auto named = cat(R"("RouteId":")", id, "\"");
  EXPECT_EQ(call("GetRoute", named).text(), full.text());
  EXPECT_EQ(call("UpdateRoute", cat(named, R"(,"RouteKey":"GET /y")")).at("AuthorizationType"), "JWT") << "what is not mentioned stays";
  const auto open = call("UpdateRoute", cat(named, R"(,"AuthorizationType":"NONE","AuthorizerId":"","OperationName":"","Target":"")"));
  EXPECT_EQ(open.text(), cat(R"({"ApiKeyRequired":false,"AuthorizationType":"NONE","RouteId":")", id, R"(","RouteKey":"GET /y"})"));
  EXPECT_EQ(call("DeleteRoute", named).text(), "{}");
  for (const auto* operation : {"GetRoute", "UpdateRoute", "DeleteRoute"})
    EXPECT_EQ(refusal(operation, named), "NotFoundException 404 Invalid Route identifier specified");
}

TEST_F(ApiServiceTest, RouteKeysAreUnique) {
  route("GET /a/{id}/b");
  route("GET /a/{id}");
  route("$default");
  EXPECT_EQ(refusal("CreateRoute", R"("RouteKey":"GET /a/{id}")"),
            "ConflictException 409 Route with key GET /a/{id} already exists for this API");
  EXPECT_EQ(refusal("CreateRoute", R"("RouteKey":"$default")"),
            "ConflictException 409 Route with key $default already exists for this API");
  EXPECT_EQ(
      refusal("CreateRoute", R"("RouteKey":"GET /a/{other}/b")"),
      R"(ConflictException 409 The provided route key "GET /a/{other}/b" has a conflicting variable on the same hierarchical level as "GET /a/{id}/b")");
  EXPECT_EQ(refusal("CreateRoute", R"("RouteKey":"POST /a/{other}/b")"), "good");
  EXPECT_EQ(refusal("CreateRoute", R"("RouteKey":"GET /a/{id+}")"), "good");
  EXPECT_EQ(refusal("CreateRoute", R"("RouteKey":"ANY /a/{id}")"), "good");
  const auto other = route("GET /z");
  EXPECT_TRUE(refusal("UpdateRoute", cat(R"("RouteId":")", other, R"(","RouteKey":"GET /a/{id}")")).starts_with("ConflictException 409"));
  EXPECT_EQ(refusal("UpdateRoute", cat(R"("RouteId":")", other, R"(","RouteKey":"GET /z")")), "good") << "its own";
  EXPECT_EQ(refusal("CreateRoute", R"("RouteKey":"")"), "BadRequestException 400 Route key is required");
  EXPECT_TRUE(
      refusal("CreateRoute", R"("RouteKey":"GET x")")
          .starts_with("BadRequestException 400 The provided route key is not formatted properly for HTTP protocol. Format should be "
                       "\"<HTTP METHOD> /<RESOURCE PATH>\" or \"$default\""));
}

TEST_F(ApiServiceTest, ARouteIsNeverMoreOpenThanWasSaid) {
  const auto token = jwt();
  const auto function = request_authorizer();
  const auto create = [&](std::string_view more) { return refusal("CreateRoute", cat(R"("RouteKey":"GET /x",)", more)); };
  EXPECT_EQ(
      create(R"("AuthorizationType":"JWT")"),
      "BadRequestException 400 Invalid authorizer ID specified. Setting the authorization type to JWT requires a valid JWT authorizer.");
  EXPECT_TRUE(create(cat(R"("AuthorizationType":"JWT","AuthorizerId":")", function, "\"")).contains("requires a valid JWT authorizer"));
  EXPECT_TRUE(create(R"("AuthorizationType":"JWT","AuthorizerId":"nope")").contains("requires a valid JWT authorizer"));
  EXPECT_EQ(
      create(cat(R"("AuthorizationType":"CUSTOM","AuthorizerId":")", token, "\"")),
      "BadRequestException 400 Invalid authorizer ID specified. Setting the authorization type to CUSTOM requires a valid authorizer.");
  EXPECT_TRUE(create(cat(R"("AuthorizerId":")", token, "\"")).starts_with("BadRequestException 400"))
      << "without the type it would be open";
  EXPECT_TRUE(create(cat(R"("AuthorizationType":"AWS_IAM","AuthorizerId":")", token, "\"")).starts_with("BadRequestException 400"));
  EXPECT_TRUE(create(R"("AuthorizationScopes":["a"])").starts_with("BadRequestException 400")) << "nobody would look at them";
  EXPECT_TRUE(create(cat(R"("AuthorizationType":"CUSTOM","AuthorizationScopes":["a"],"AuthorizerId":")", function, "\""))
                  .starts_with("BadRequestException 400"));
  EXPECT_TRUE(create(cat(R"("AuthorizationType":"JWT","AuthorizationScopes":["a b"],"AuthorizerId":")", token, "\""))
                  .starts_with("BadRequestException 400"));
  EXPECT_TRUE(
      create(cat(R"("AuthorizationType":"JWT","AuthorizationScopes":["1","2","3","4","5","6","7","8","9","10","11"],"AuthorizerId":")",
                 token, "\""))
          .starts_with("BadRequestException 400"));
  EXPECT_TRUE(create(R"("AuthorizationType":"jwt")").starts_with("BadRequestException 400"));
  EXPECT_TRUE(create(R"("ApiKeyRequired":true)").contains(" 501 apiKeyRequired"));
  EXPECT_TRUE(create(R"("RequestModels":{"a":"b"})").contains(" 501 CreateRoute: RequestModels"));
  EXPECT_EQ(create(R"("Target":"integrations/nope")"), "NotFoundException 404 Invalid Integration identifier specified");
  EXPECT_TRUE(create(R"("Target":"nope")").starts_with("BadRequestException 400"));
  EXPECT_TRUE(kept().draft->routes.empty());

  const auto guarded = route("GET /x", cat(R"("AuthorizationType":"JWT","AuthorizationScopes":["s"],"AuthorizerId":")", token, "\""));
  const auto update = [&](std::string_view more) { return call("UpdateRoute", cat(R"("RouteId":")", guarded, "\",", more)); };
  EXPECT_TRUE(update(R"("AuthorizerId":"")").refusal().starts_with("BadRequestException 400"));
  EXPECT_TRUE(update(R"("AuthorizationType":"CUSTOM")").refusal().starts_with("BadRequestException 400"))
      << "its authorizer is of another type";
  EXPECT_EQ(update(cat(R"("AuthorizationType":"CUSTOM","AuthorizerId":")", function, "\"")).at("AuthorizationScopes"), "");
  EXPECT_EQ(update(R"("AuthorizationType":"AWS_IAM")").at("AuthorizerId"), "");
}

TEST_F(ApiServiceTest, AuthorizersLookAsAwsShowsThem) {
  const auto id = jwt();
  EXPECT_EQ(id.size(), 6u);
  const auto named = cat(R"("AuthorizerId":")", id, "\"");
  EXPECT_EQ(call("GetAuthorizer", named).text(),
            cat(R"({"AuthorizerId":")", id, R"(","AuthorizerType":"JWT","IdentitySource":["$request.header.Authorization"],)",
                R"("JwtConfiguration":{"Audience":["a"],"Issuer":"https://issuer.example"},"Name":"jwt"})"));
  EXPECT_EQ(
      call("UpdateAuthorizer", cat(named, R"(,"IdentitySource":["$request.querystring.t"],"JwtConfiguration":{"Audience":["b","c"]})"))
          .text(),
      cat(R"({"AuthorizerId":")", id, R"(","AuthorizerType":"JWT","IdentitySource":["$request.querystring.t"],)",
          R"("JwtConfiguration":{"Audience":["b","c"],"Issuer":"https://issuer.example"},"Name":"jwt"})"));
  const auto function = request_authorizer();
  EXPECT_EQ(call("GetAuthorizer", cat(R"("AuthorizerId":")", function, "\"")).text(),
            cat(R"({"AuthorizerId":")", function, R"(","AuthorizerPayloadFormatVersion":"2.0","AuthorizerResultTtlInSeconds":300,)",
                R"("AuthorizerType":"REQUEST","AuthorizerUri":")", function_uri,
                R"(","EnableSimpleResponses":true,"IdentitySource":["$request.header.X"],"Name":"lam"})"));
  EXPECT_EQ(call("GetAuthorizers").at("Items.1.Name").empty(), false);
  route("GET /x", cat(R"("AuthorizationType":"JWT","AuthorizerId":")", id, "\""));
  EXPECT_EQ(refusal("DeleteAuthorizer", named), "ConflictException 409 Cannot delete authorizer 'jwt', is referenced in route: GET /x");
  EXPECT_EQ(call("DeleteAuthorizer", cat(R"("AuthorizerId":")", function, "\"")).text(), "{}");
  for (const auto* operation : {"GetAuthorizer", "UpdateAuthorizer", "DeleteAuthorizer"})
    EXPECT_EQ(refusal(operation, R"("AuthorizerId":"nope")"), "NotFoundException 404 Invalid Authorizer identifier specified");
}

TEST_F(ApiServiceTest, WhatAnAuthorizerCannotBeIsRefused) {
  const auto bad = [&](std::string_view members, std::string_view name = "x") {
    return create_authorizer_refusal(members, name).starts_with("BadRequestException 400");
  };
  const auto jwt_with = [&](std::string_view source, std::string_view issuer, std::string_view audience, std::string_view more = "") {
    return bad(cat(R"("AuthorizerType":"JWT","IdentitySource":[)", source, R"(],"JwtConfiguration":{"Issuer":")", issuer,
                   R"(","Audience":[)", audience, "]}", more));
  };
  constexpr std::string_view header = R"("$request.header.Authorization")", issuer = "https://issuer.example";
  EXPECT_TRUE(jwt_with("", issuer, R"("a")"));
  EXPECT_TRUE(jwt_with(R"("$request.header.A","$request.header.B")", issuer, R"("a")")) << "one source, not two";
  EXPECT_TRUE(jwt_with(R"("$context.routeKey")", issuer, R"("a")"));
  EXPECT_TRUE(jwt_with(R"("method.request.header.A")", issuer, R"("a")"));
  EXPECT_TRUE(jwt_with(header, "", R"("a")"));
  EXPECT_TRUE(jwt_with(header, "issuer.example", R"("a")"));
  EXPECT_TRUE(jwt_with(header, "https://", R"("a")"));
  EXPECT_TRUE(jwt_with(header, "https://issuer.example/?x", R"("a")"));
  EXPECT_TRUE(jwt_with(header, issuer, "")) << "every token of the issuer would be let in";
  EXPECT_TRUE(jwt_with(header, issuer, R"("")"));
  EXPECT_TRUE(jwt_with(header, issuer, R"("a")", R"(,"AuthorizerResultTtlInSeconds":300)"));
  EXPECT_TRUE(jwt_with(header, issuer, R"("a")", R"(,"EnableSimpleResponses":true)"));
  EXPECT_TRUE(jwt_with(header, issuer, R"("a")", cat(R"(,"AuthorizerUri":")", function_uri, "\"")));
  EXPECT_FALSE(jwt_with(header, issuer, R"("a")", R"(,"EnableSimpleResponses":false)"));

  const auto uri = cat(R"("AuthorizerUri":")", function_uri, "\"");
  EXPECT_EQ(create_authorizer_refusal(cat(R"("AuthorizerType":"REQUEST","IdentitySource":[],)", uri)),
            "BadRequestException 400 AuthorizerPayloadFormatVersion is a required parameter for REQUEST authorizer");
  const auto request = [&](std::string_view more) {
    return bad(cat(R"("AuthorizerType":"REQUEST","AuthorizerPayloadFormatVersion":"2.0",)", more), "y");
  };
  EXPECT_TRUE(request(R"("IdentitySource":[])")) << "no function";
  EXPECT_TRUE(request(cat(R"("IdentitySource":[],"AuthorizerUri":")", function_arn, "\"")));
  EXPECT_TRUE(request(cat(R"("IdentitySource":["$request.body.x"],)", uri)));
  EXPECT_TRUE(request(cat(R"("IdentitySource":["$request.path"],)", uri)));
  EXPECT_TRUE(request(cat(R"("IdentitySource":["Authorization"],)", uri)));
  EXPECT_TRUE(request(cat(R"("IdentitySource":[],"AuthorizerResultTtlInSeconds":1,)", uri))) << "all callers would share one answer";
  EXPECT_TRUE(request(cat(R"("IdentitySource":["$request.header.X"],"AuthorizerResultTtlInSeconds":3601,)", uri)));
  EXPECT_TRUE(request(cat(R"("IdentitySource":[],"AuthorizerCredentialsArn":"arn:aws:iam::1:user/u",)", uri)));
  EXPECT_TRUE(request(cat(R"("IdentitySource":[],"JwtConfiguration":{"Issuer":"https://a","Audience":["a"]},)", uri)));
  EXPECT_TRUE(bad(
      cat(R"("AuthorizerType":"REQUEST","AuthorizerPayloadFormatVersion":"1.0","EnableSimpleResponses":true,"IdentitySource":[],)", uri)));
  EXPECT_TRUE(bad(cat(R"("AuthorizerType":"REQUEST","AuthorizerPayloadFormatVersion":"3","IdentitySource":[],)", uri)));
  EXPECT_TRUE(bad(cat(R"("AuthorizerType":"TOKEN","IdentitySource":[],)", uri)));
  EXPECT_TRUE(create_authorizer_refusal(cat(R"("AuthorizerType":"REQUEST","AuthorizerPayloadFormatVersion":"2.0","IdentitySource":[],)",
                                            R"("IdentityValidationExpression":"x",)", uri),
                                        "z")
                  .contains(" 501 "));
  EXPECT_FALSE(request(cat(R"("IdentitySource":["$request.querystring.q","$context.routeKey","$stageVariables.v"],)", uri)));
  EXPECT_TRUE(request(cat(R"("IdentitySource":[],)", uri))) << "the name is taken";
  const auto id = jwt("third");
  EXPECT_TRUE(
      refusal("UpdateAuthorizer", cat(R"("AuthorizerType":"REQUEST","AuthorizerId":")", id, "\"")).starts_with("BadRequestException 400"));
  EXPECT_TRUE(refusal("UpdateAuthorizer", cat(R"("JwtConfiguration":{"Audience":[]},"AuthorizerId":")", id, "\""))
                  .starts_with("BadRequestException 400"));
  for (int i = 0; i < 7; ++i) jwt(cat("more", i));
  EXPECT_TRUE(create_authorizer_refusal(R"("AuthorizerType":"JWT")", "z").starts_with("TooManyRequestsException 429"));
}

TEST_F(ApiServiceTest, AStageLooksAsAwsShowsIt) {
  route("GET /x");
  const auto deployment = made("CreateDeployment", R"("Description":"first")", "DeploymentId");
  EXPECT_EQ(deployment.size(), 6u);
  const auto full = call(
      "CreateStage",
      cat(R"("StageName":"prod","DeploymentId":")", deployment, R"(","Description":"d","StageVariables":{"a":"b"},"Tags":{"t":"v"},)",
          R"("DefaultRouteSettings":{"DetailedMetricsEnabled":true,"DataTraceEnabled":false,"LoggingLevel":"OFF",)",
          R"("ThrottlingBurstLimit":5,"ThrottlingRateLimit":2.5},"RouteSettings":{"GET /x":{"ThrottlingRateLimit":1}},)",
          R"("AccessLogSettings":{"DestinationArn":"arn:aws:logs:us-east-1:123456789012:log-group:g","Format":"$context.requestId"})"));
  EXPECT_EQ(
      full.text(),
      cat(R"({"AccessLogSettings":{"DestinationArn":"arn:aws:logs:us-east-1:123456789012:log-group:g","Format":"$context.requestId"},)",
          R"("AutoDeploy":false,"CreatedDate":1700000000,"DefaultRouteSettings":{"DetailedMetricsEnabled":true,"ThrottlingBurstLimit":5,)",
          R"("ThrottlingRateLimit":2.5},"DeploymentId":")", deployment, R"(","Description":"d","LastUpdatedDate":1700000000,)",
          R"("RouteSettings":{"GET /x":{"DetailedMetricsEnabled":false,"ThrottlingRateLimit":1}},"StageName":"prod",)",
          R"("StageVariables":{"a":"b"},"Tags":{"t":"v"}})"));
  world.world.clock.wall += std::chrono::seconds(60);
  const auto updated =
      call("UpdateStage", R"("StageName":"prod","StageVariables":{"a":"","c":"d"},"DefaultRouteSettings":{"ThrottlingBurstLimit":7})");
  EXPECT_EQ(updated.at("StageVariables"), R"({"c":"d"})") << "an empty value takes the variable away";
  EXPECT_EQ(updated.at("DefaultRouteSettings"), R"({"DetailedMetricsEnabled":false,"ThrottlingBurstLimit":7})");
  EXPECT_EQ(updated.at("Description"), "d");
  EXPECT_EQ(updated.at("CreatedDate"), "1700000000");
  EXPECT_EQ(updated.at("LastUpdatedDate"), "1700000060");
  EXPECT_EQ(refusal("DeleteRouteSettings", R"("StageName":"prod","RouteKey":"GET /y")").substr(0, 21), "NotFoundException 404");
  EXPECT_EQ(call("DeleteRouteSettings", R"("StageName":"prod","RouteKey":"GET /x")").text(), "{}");
  EXPECT_EQ(call("DeleteAccessLogSettings", R"("StageName":"prod")").text(), "{}");
  const auto less = call("GetStage", R"("StageName":"prod")");
  EXPECT_EQ(less.at("RouteSettings"), "{}");
  EXPECT_EQ(less.at("AccessLogSettings"), "");
  EXPECT_EQ(call("ResetAuthorizersCache", R"("StageName":"prod")").text(), "{}");
  EXPECT_EQ(kept().stages.at("prod").flushes, 1);
  EXPECT_EQ(call("GetStages").at("Items.0.StageName"), "prod");
  EXPECT_EQ(refusal("DeleteDeployment", cat(R"("DeploymentId":")", deployment, "\"")),
            "BadRequestException 400 Active stages pointing to this deployment must be moved or deleted");
  EXPECT_EQ(call("DeleteStage", R"("StageName":"prod")").text(), "{}");
  EXPECT_EQ(call("DeleteDeployment", cat(R"("DeploymentId":")", deployment, "\"")).text(), "{}");
  for (const auto* operation : {"GetStage", "UpdateStage", "DeleteStage", "DeleteAccessLogSettings", "ResetAuthorizersCache"})
    EXPECT_EQ(refusal(operation, R"("StageName":"prod")"), "NotFoundException 404 Invalid stage identifier specified") << operation;
}

TEST_F(ApiServiceTest, WhatAStageCannotBeIsRefused) {
  const auto create = [&](std::string_view more) { return refusal("CreateStage", more); };
  const auto bad = [&](std::string_view more) { return create(cat(R"("StageName":"s",)", more)).starts_with("BadRequestException 400"); };
  EXPECT_TRUE(create(R"("StageName":"a b")").starts_with("BadRequestException 400"));
  EXPECT_TRUE(create(R"("StageName":"$other")").starts_with("BadRequestException 400"));
  EXPECT_TRUE(create(R"("StageName":"a/b")").starts_with("BadRequestException 400"));
  EXPECT_TRUE(bad(R"("DeploymentId":"nope")"));
  EXPECT_TRUE(bad(R"("StageVariables":{"a b":"c"})"));
  EXPECT_TRUE(bad(R"("StageVariables":{"a":"{c}"})"));
  EXPECT_TRUE(bad(R"("DefaultRouteSettings":{"ThrottlingRateLimit":-1})"));
  EXPECT_TRUE(bad(R"("DefaultRouteSettings":{"ThrottlingBurstLimit":-1})"));
  EXPECT_EQ(create(R"("StageName":"s","DefaultRouteSettings":{"LoggingLevel":"INFO"})"),
            "BadRequestException 400 Execution logs are not supported on protocolType HTTP");
  EXPECT_TRUE(bad(R"("DefaultRouteSettings":{"DataTraceEnabled":true})"));
  EXPECT_EQ(create(R"("StageName":"s","RouteSettings":{"DELETE /x":{}})"),
            "NotFoundException 404 Unable to find Route by key DELETE /x within the provided RouteSettings");
  EXPECT_TRUE(bad(R"("AccessLogSettings":{"DestinationArn":"nope","Format":"f"})"));
  EXPECT_TRUE(bad(R"("AccessLogSettings":{"Format":"f"})"));
  EXPECT_TRUE(create(R"("StageName":"s","ClientCertificateId":"c")").contains(" 501 CreateStage: ClientCertificateId"));
  EXPECT_EQ(create(R"("StageName":"s")"), "good") << "a stage may wait for its deployment";
  EXPECT_EQ(create(R"("StageName":"s")"), "ConflictException 409 Stage already exists");
  EXPECT_EQ(refusal("CreateDeployment"), "BadRequestException 400 Unable to deploy API because no routes exist in this API");
  EXPECT_EQ(refusal("GetDeployment", R"("DeploymentId":"nope")"), "NotFoundException 404 Invalid Deployment identifier specified");
  EXPECT_EQ(refusal("UpdateDeployment", R"("DeploymentId":"nope")"), "NotFoundException 404 Invalid Deployment identifier specified");
}

TEST_F(ApiServiceTest, ADeploymentIsWhatTheApiWas) {
  route("GET /a");
  call("CreateStage", R"("StageName":"s")");
  const auto first = made("CreateDeployment", R"("StageName":"s")", "DeploymentId");
  EXPECT_EQ(call("GetStage", R"("StageName":"s")").at("DeploymentId"), first);
  route("GET /b");
  EXPECT_EQ(served("s")->routes.size(), 1u) << "nothing is deployed by itself";
  const auto second = made("CreateDeployment", "", "DeploymentId");
  EXPECT_EQ(served("s")->routes.size(), 1u);
  EXPECT_EQ(call("UpdateStage", cat(R"("StageName":"s","DeploymentId":")", second, "\"")).at("DeploymentId"), second);
  EXPECT_EQ(served("s")->routes.size(), 2u);
  EXPECT_EQ(call("UpdateDeployment", cat(R"("DeploymentId":")", first, R"(","Description":"old")")).at("Description"), "old");
  EXPECT_EQ(call("GetDeployment", cat(R"("DeploymentId":")", first, "\"")).text(),
            cat(R"({"AutoDeployed":false,"CreatedDate":1700000000,"DeploymentId":")", first,
                R"(","DeploymentStatus":"DEPLOYED","Description":"old"})"));
  EXPECT_EQ(refusal("CreateDeployment", R"("StageName":"nope")"), "NotFoundException 404 Invalid stage identifier specified");
}

TEST_F(ApiServiceTest, ChangesAreDeployedByThemselves) {
  const auto stage = call("CreateStage", R"("StageName":"$default","AutoDeploy":true)");
  EXPECT_EQ(stage.at("LastDeploymentStatusMessage"), "Deployment attempt failed: Unable to deploy API because no routes exist in this API");
  EXPECT_EQ(stage.at("DeploymentId"), "");
  const auto first = route("GET /a");
  ASSERT_TRUE(served("$default"));
  EXPECT_EQ(*served("$default"), *kept().draft);
  const auto every = {
      std::pair<std::string, std::string>{"CreateRoute", R"("RouteKey":"GET /b")"},
      {"UpdateRoute", cat(R"("RouteId":")", first, R"(","AuthorizationType":"AWS_IAM")")},
      {"UpdateApi", R"("CorsConfiguration":{"AllowOrigins":["*"]})"},
      {"DeleteCorsConfiguration", ""},
      {"UpdateApi", R"("DisableExecuteApiEndpoint":true)"},
      {"CreateIntegration", cat(R"("IntegrationType":"AWS_PROXY","PayloadFormatVersion":"2.0","IntegrationUri":")", function_arn, "\"")},
      {"CreateAuthorizer", R"("Name":"j","AuthorizerType":"JWT","IdentitySource":["$request.header.A"],
                        "JwtConfiguration":{"Issuer":"https://a","Audience":["a"]})"},
      {"DeleteRoute", cat(R"("RouteId":")", first, "\"")}};
  for (const auto& [operation, input] : every) {
    const auto before = kept().stages.at("$default").deployment_id;
    ASSERT_TRUE(call(operation, input)) << operation;
    EXPECT_NE(kept().stages.at("$default").deployment_id, before) << operation;
    EXPECT_EQ(*served("$default"), *kept().draft) << operation;
  }
  const auto serving = kept().stages.at("$default").deployment_id;
  ASSERT_TRUE(call("UpdateApi", R"("Description":"d")"));
  ASSERT_TRUE(call("UpdateStage", R"("StageName":"$default","Description":"d")"));
  EXPECT_EQ(kept().stages.at("$default").deployment_id, serving) << "nothing that is served has changed";
  EXPECT_TRUE(refusal("CreateDeployment", R"("StageName":"$default")").starts_with("BadRequestException 400"));
  const auto by_hand = made("CreateDeployment", "", "DeploymentId");
  EXPECT_TRUE(
      refusal("UpdateStage", cat(R"("StageName":"$default","DeploymentId":")", by_hand, "\"")).starts_with("BadRequestException 400"));

  for (int i = 0; i < 15; ++i) route(cat("GET /r", i));
  EXPECT_EQ(kept().deployments.size(), 12u) << "the one that serves, the one made by hand, and ten";
  EXPECT_TRUE(kept().deployments.contains(by_hand));
  const auto all = kept().draft->routes;
  for (const auto& [id, each] : all) ASSERT_TRUE(call("DeleteRoute", cat(R"("RouteId":")", id, "\"")));
  EXPECT_FALSE(served("$default")) << "what has been deleted is not served";
}

TEST_F(ApiServiceTest, AStageThatBeginsToDeployCatchesUp) {
  route("GET /a");
  const auto old = made("CreateDeployment", "", "DeploymentId");
  call("CreateStage", cat(R"("StageName":"s","DeploymentId":")", old, "\""));
  route("GET /b");
  EXPECT_EQ(served("s")->routes.size(), 1u);
  const auto caught_up = call("UpdateStage", R"("StageName":"s","AutoDeploy":true)");
  EXPECT_NE(caught_up.at("DeploymentId"), old);
  EXPECT_EQ(served("s")->routes.size(), 2u);
  call("UpdateStage", R"("StageName":"s","AutoDeploy":false)");
  route("GET /c");
  EXPECT_EQ(served("s")->routes.size(), 2u);
  EXPECT_EQ(world.published, 8) << "a change and its deployment are one write";
}

TEST_F(ApiServiceTest, TagsGoByArn) {
  call("CreateStage", R"("StageName":"$default")");
  const auto of_api = cat(R"({"ResourceArn":"arn:aws:apigateway:us-east-1::/apis/)", api, "\"");
  const auto of_stage = cat(R"({"ResourceArn":"arn:aws:apigateway:us-east-1::/apis/)", api, "/stages/$default\"");
  EXPECT_EQ(world.call("TagResource", cat(of_api, R"(,"Tags":{"a":"1","b":"2"}})")).text(), "{}");
  EXPECT_TRUE(world.call("TagResource", cat(of_stage, R"(,"Tags":{"c":"3"}})")));
  EXPECT_TRUE(world.call("UntagResource", cat(of_api, R"(,"TagKeys":["a"]})")));
  EXPECT_EQ(world.call("GetTags", cat(of_api, "}")).text(), R"({"Tags":{"b":"2"}})");
  EXPECT_EQ(call("GetStage", R"("StageName":"$default")").at("Tags"), R"({"c":"3"})");
  const auto refused = [&](std::string_view arn) { return world.call("GetTags", cat(R"({"ResourceArn":")", arn, "\"}")).refusal(); };
  EXPECT_EQ(refused("arn:aws:apigateway:us-east-1::/apis/nope"),
            "NotFoundException 404 Invalid API identifier specified 123456789012:nope");
  EXPECT_EQ(refused(cat("arn:aws:apigateway:us-east-1::/apis/", api, "/stages/nope")),
            "NotFoundException 404 Invalid stage identifier specified");
  EXPECT_EQ(refused(cat("arn:aws:apigateway:eu-west-1::/apis/", api)), "BadRequestException 400 Invalid ARN specified in the request");
  EXPECT_EQ(refused("nonsense"), "BadRequestException 400 Invalid ARN specified in the request");
}

TEST_F(ApiServiceTest, ListsComeInPages) {
  for (int i = 0; i < 4; ++i) route(cat("GET /", i));
  std::set<std::string> seen;
  std::string token;
  int pages = 0;
  do {
    const auto page = call("GetRoutes", cat(R"("MaxResults":"3")", token.empty() ? "" : cat(R"(,"NextToken":")", token, "\"")));
    ASSERT_TRUE(page) << page.refusal();
    for (int i = 0; i < 3; ++i)
      if (auto key = page.at(cat("Items.", i, ".RouteKey")); !key.empty()) seen.insert(key);
    token = page.at("NextToken");
    ++pages;
  } while (!token.empty());
  EXPECT_EQ(seen.size(), 4u);
  EXPECT_EQ(pages, 2);
  EXPECT_TRUE(refusal("GetRoutes", R"("MaxResults":"0")").starts_with("BadRequestException 400"));
  EXPECT_TRUE(refusal("GetRoutes", R"("MaxResults":"x")").starts_with("BadRequestException 400"));
  EXPECT_TRUE(refusal("GetRoutes", R"("NextToken":"%")").starts_with("BadRequestException 400"));
  EXPECT_EQ(world.call("GetApis").at("Items.0.ApiId"), api);
  for (const auto* operation : {"GetRoutes", "GetIntegrations", "GetAuthorizers", "GetStages", "GetDeployments"})
    EXPECT_TRUE(world.call(operation, R"({"ApiId":"nope"})").refusal().starts_with("NotFoundException 404")) << operation;
}

TEST_F(ApiServiceTest, PermissionsAreAskedForByMethodAndPath) {
  const auto access = [&](std::string operation, std::string_view more = "") {
    call(std::move(operation), more);
    std::string out;
    for (const auto& each : world.last_access) out += cat(out.empty() ? "" : "; ", each.action, " ", each.resource);
    return out;
  };
  const auto arn = cat("arn:aws:apigateway:us-east-1::/apis/", api);
  EXPECT_EQ(access("GetApi"), cat("apigateway:GET ", arn));
  EXPECT_EQ(access("UpdateApi"), cat("apigateway:PATCH ", arn));
  EXPECT_EQ(access("DeleteCorsConfiguration"), cat("apigateway:DELETE ", arn, "/cors"));
  EXPECT_EQ(access("GetRoute", R"("RouteId":"r")"), cat("apigateway:GET ", arn, "/routes/r"));
  EXPECT_EQ(access("GetStage", R"("StageName":"$default")"), cat("apigateway:GET ", arn, "/stages/$default"));
  EXPECT_EQ(access("GetStage", R"("StageName":"a/../b")"), cat("apigateway:GET ", arn, "/stages/a%2F..%2Fb")) << "never another path";
  EXPECT_EQ(access("CreateStage", R"("StageName":"s","Tags":{"t":"v"})"),
            cat("apigateway:POST ", arn, "/stages; apigateway:POST arn:aws:apigateway:us-east-1::/tags/*"));
  EXPECT_EQ(world.last_access.front().context.front(), (std::pair<std::string, std::vector<std::string>>{"aws:RequestTag/t", {"v"}}));
  EXPECT_EQ(access("CreateIntegration", R"("IntegrationType":"AWS_PROXY","CredentialsArn":"arn:aws:iam::999999999999:role/r")"),
            cat("apigateway:POST ", arn, "/integrations; iam:PassRole arn:aws:iam::999999999999:role/r"));
  EXPECT_EQ(world.last_access.back().resource_account_id, "999999999999");
  EXPECT_EQ(access("CreateIntegration", R"("IntegrationType":"AWS_PROXY","CredentialsArn":"arn:aws:iam::*:user/*")"),
            cat("apigateway:POST ", arn, "/integrations"))
      << "the caller's own are nobody's role";
  EXPECT_EQ(access("UpdateAuthorizer", R"("AuthorizerId":"a","AuthorizerCredentialsArn":"arn:aws:iam::123456789012:role/r")"),
            cat("apigateway:PATCH ", arn, "/authorizers/a; iam:PassRole arn:aws:iam::123456789012:role/r"));
  call("GetStage", R"("StageName":"s")");
  EXPECT_EQ(world.last_access.front().context.front(), (std::pair<std::string, std::vector<std::string>>{"aws:ResourceTag/t", {"v"}}));
  EXPECT_EQ(access("GetApis"), "apigateway:GET arn:aws:apigateway:us-east-1::/apis");
}

TEST_F(ApiServiceTest, EverythingIsThereAfterARestart) {
  const auto target = integration();
  route("GET /x", cat(R"("AuthorizationType":"JWT","AuthorizerId":")", jwt(), R"(","Target":"integrations/)", target, "\""));
  call("CreateStage", R"("StageName":"$default","AutoDeploy":true,"StageVariables":{"a":"b"})");
  Ledger again{service_name, world.store};
  ASSERT_TRUE(again.load());
  const auto state = again.read({});
  EXPECT_EQ(*state->apis.at(api)->draft, *kept().draft);
  EXPECT_EQ(state->apis.at(api)->stages, kept().stages);
  EXPECT_EQ(*state->apis.at(api)->deployments.begin()->second->definition, *kept().draft);
  ASSERT_TRUE(call("DeleteApi"));
  EXPECT_TRUE(world.store.records.empty()) << "draft, deployment and stage go together";
}

TEST_F(ApiServiceTest, WhatCannotBeStoredIsNotMade) {
  world.store.failing = true;
  EXPECT_EQ(call("DeleteApi").error.code, "ServiceException");
  world.store.failing = false;
  EXPECT_TRUE(call("GetApi"));
}

TEST_F(ApiServiceTest, AnImportWritesAnApiAnew) {
  const auto target = integration();
  route("GET /x", cat(R"("Target":"integrations/)", target, "\""));
  call("CreateStage", R"("StageName":"$default","AutoDeploy":true)");
  State draft = *world.ledger.read({});
  int count = 0;
  Operations operations(draft, [&](std::size_t) { return cat("id", ++count); });
  ASSERT_TRUE(operations.clear(api));
  ASSERT_TRUE(operations.create_route(api, "mine", {.key = "GET /new"}));
  ASSERT_TRUE(operations.set_import_notes(api, {"info"}, {"warning"}));
  operations.auto_deploy();
  const auto& after = *draft.apis.at(api);
  EXPECT_EQ(after.stages.at("$default").deployment_id, "id1");
  const auto& definition = *after.deployments.at("id1")->definition;
  ASSERT_EQ(definition.routes.size(), 1u);
  EXPECT_EQ(definition.routes.at("mine").key, "GET /new");
  EXPECT_TRUE(definition.integrations.empty());
  EXPECT_EQ(after.import_info.front(), "info");
  EXPECT_EQ(after.warnings.front(), "warning");
  EXPECT_EQ(kept().draft->routes.size(), 1u) << "the snapshot others read is untouched";
  EXPECT_TRUE(kept().draft->integrations.contains(target));
}

TEST_F(ApiServiceTest, EveryOperationOfTheServiceIsInTheModel) {
  const auto* model = wire::find_model(service_name);
  ASSERT_TRUE(model);
  for (const auto& [name, operation] : world.service.operations()) {
    const auto* known = model->find_operation(name);
    EXPECT_TRUE(known && known->has_shapes) << name;
  }
}

}  // namespace
}  // namespace sallyport::http_api
