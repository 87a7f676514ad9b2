// The service as clients meet it: shapes, refusals, pages, what is kept over a restart.
#include "gateway/api_service.hpp"

#include <gtest/gtest.h>

#include "gateway/api_testing.hpp"

namespace sallyport::gateway {
namespace {

using testing::ApiWorld;
using testing::World;

class ApiServiceTest : public ::testing::Test {
 public:
  std::string with(std::string_view more = "") const { return cat(R"({"restApiId":")", api, "\"", more.empty() ? "" : ",", more, "}"); }
  std::string on_method(std::string_view more = "", std::string_view verb = "GET") const {
    return with(cat(R"("resourceId":")", root, R"(","httpMethod":")", verb, "\"", more.empty() ? "" : ",", more));
  }
  static std::string patch(std::string_view op, std::string_view path, std::string_view value) {
    return cat(R"("patchOperations":[{"op":")", op, R"(","path":")", path, R"(","value":")", value, "\"}]");
  }
  /// An open MOCK method on the root, deployed to `dev`.
  std::string deploy() {
    EXPECT_TRUE(world.call("PutMethod", on_method(R"("authorizationType":"NONE")")));
    EXPECT_TRUE(world.call("PutIntegration", on_method(R"("type":"MOCK","requestTemplates":{"application/json":"{\"statusCode\":200}"})")));
    return world.id_of("CreateDeployment", with(R"("stageName":"dev","variables":{"a":"b"})"));
  }

  ApiWorld world;
  const std::string api = world.id_of("CreateRestApi", R"({"name":"shop"})");
  const std::string root = world.call("GetRestApi", with()).at("rootResourceId");
};

TEST_F(ApiServiceTest, ARestApiLooksAsAwsShowsIt) {
  EXPECT_EQ(api.size(), 10u);
  const auto made = world.call("CreateRestApi", R"({"name":"n","description":"d","version":"1","binaryMediaTypes":["b/b","a/a"],
      "endpointConfiguration":{"types":["REGIONAL"]},"tags":{"k":"v"},"disableExecuteApiEndpoint":true,
      "policy":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"execute-api:Invoke\",\"Resource\":\"execute-api:/*\"}]}"})");
  EXPECT_EQ(
      made.text(),
      cat(R"({"id":")", made.at("id"), R"(","name":"n","description":"d","createdDate":1700000000,"version":"1",)",
          R"("binaryMediaTypes":["b/b","a/a"],"apiKeySource":"HEADER","endpointConfiguration":{"types":["REGIONAL"],"ipAddressType":"ipv4"},)",
          R"("policy":"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\",\\\"Principal\\\":\\\"*\\\",)",
          R"(\\\"Action\\\":\\\"execute-api:Invoke\\\",\\\"Resource\\\":\\\"execute-api:)",
          R"(/*\\\"}]}","tags":{"k":"v"},"disableExecuteApiEndpoint":true,"rootResourceId":")", made.at("rootResourceId"), "\"}"));
  const auto plain = world.call("GetRestApi", with());
  EXPECT_EQ(plain.text(), cat(R"({"id":")", api, R"(","name":"shop","createdDate":1700000000,"apiKeySource":"HEADER",)",
                              R"("endpointConfiguration":{"types":["EDGE"],"ipAddressType":"ipv4"},"tags":{},)",
                              R"("disableExecuteApiEndpoint":false,"rootResourceId":")", root, "\"}"));
}

TEST_F(ApiServiceTest, WhatIsNotHonouredIsRefusedByName) {
  EXPECT_EQ(world.call("CreateRestApi", R"({"name":"x","description":""})").refusal(),
            "BadRequestException 400 Description cannot be an empty string");
  EXPECT_TRUE(world.call("CreateRestApi", R"({"name":"x","cloneFrom":"abc"})").refusal().contains("501 CreateRestApi: cloneFrom is not"));
  EXPECT_EQ(world.call("CreateRestApi", R"({"name":"x","minimumCompressionSize":-1})").refusal(),
            "BadRequestException 400 Invalid minimum compression size, must be between 0 and 10485760");
  EXPECT_TRUE(world.call("CreateRestApi", R"({"name":"x","minimumCompressionSize":100})").refusal().starts_with("UnsupportedOperation"));
  EXPECT_TRUE(
      world.call("PutMethod", on_method(R"("authorizationType":"COGNITO_USER_POOLS")")).refusal().contains("400 Invalid authorizer"));
  EXPECT_TRUE(world.call("PutMethod", on_method(R"("authorizationType":"NONE","authorizationScopes":["a/b"])"))
                  .refusal()
                  .contains("400 authorizationScopes"));
  EXPECT_EQ(world.call("GetMethod", on_method()).refusal(), "NotFoundException 404 Invalid Method identifier specified")
      << "what was refused is not there";
  deploy();
  for (const auto more : {R"("tracingEnabled":true)", R"("canarySettings":{"percentTraffic":10})"})
    EXPECT_TRUE(world.call("CreateDeployment", with(more)).refusal().contains(" 501 ")) << more;
}

TEST_F(ApiServiceTest, WhatDoesNotExistIsRefusedAsAwsRefusesIt) {
  const auto gone =
      R"({"restApiId":"nope","resourceId":"r","httpMethod":"GET","authorizerId":"a","requestValidatorId":"v","statusCode":"200"})";
  EXPECT_EQ(world.call("GetResources", gone).refusal(), "NotFoundException 404 Invalid API identifier specified 123456789012:nope");
  EXPECT_EQ(world.call("GetAuthorizers", gone).refusal(), "NotFoundException 404 Invalid API identifier specified 123456789012:nope");
  EXPECT_EQ(world.call("GetIntegration", gone).refusal(), "NotFoundException 404 Invalid Resource identifier specified");
  EXPECT_EQ(world.call("GetRequestValidator", gone).refusal(), "NotFoundException 404 Invalid Request Validator identifier specified");
  EXPECT_EQ(world.call("CreateRequestValidator", R"({"restApiId":"nope"})").refusal(),
            "BadRequestException 400 Invalid REST API identifier specified");
  EXPECT_EQ(world.call("GetIntegration", on_method()).refusal(), "NotFoundException 404 Invalid Method identifier specified");
  ASSERT_TRUE(world.call("PutMethod", on_method(R"("authorizationType":"NONE")")));
  EXPECT_EQ(world.call("GetIntegration", on_method()).refusal(), "NotFoundException 404 Invalid Integration identifier specified");
  EXPECT_EQ(world.call("DeleteRestApi", R"({"restApiId":"nope"})").refusal(),
            "NotFoundException 404 Invalid API identifier specified 123456789012:nope");
}

TEST_F(ApiServiceTest, AMethodWithAllThatHangsOnIt) {
  const auto made = world.call("CreateResource", with(cat(R"("parentId":")", root, R"(","pathPart":"{id}")")));
  EXPECT_EQ(made.text(), cat(R"({"id":")", made.at("id"), R"(","parentId":")", root, R"(","pathPart":"{id}","path":"/{id}"})"));
  EXPECT_EQ(made.at("id").size(), 6u);
  EXPECT_EQ(
      world
          .call("PutMethod",
                on_method(R"("authorizationType":"AWS_IAM","operationName":"o","requestParameters":{"method.request.header.X":true})"))
          .text(),
      R"({"httpMethod":"GET","authorizationType":"AWS_IAM","apiKeyRequired":false,"operationName":"o","requestParameters":{"method.request.header.X":true}})");
  EXPECT_EQ(
      world
          .call(
              "PutMethodResponse",
              on_method(
                  R"("statusCode":"200","responseParameters":{"method.response.header.B":true},"responseModels":{"application/json":"Empty"})"))
          .text(),
      R"({"statusCode":"200","responseParameters":{"method.response.header.B":true},"responseModels":{"application/json":"Empty"}})");
  EXPECT_EQ(
      world
          .call(
              "PutIntegration",
              on_method(
                  R"("type":"MOCK","connectionType":"INTERNET","timeoutInMillis":5000,"requestTemplates":{"application/json":"{\"statusCode\":200}"})"))
          .text(),
      cat(R"({"type":"MOCK","connectionType":"INTERNET","requestTemplates":{"application/json":"{\"statusCode\":200}"},)",
          R"("passthroughBehavior":"WHEN_NO_MATCH","timeoutInMillis":5000,"cacheNamespace":")", root, R"(","cacheKeyParameters":[]})"));
  EXPECT_EQ(world
                .call("PutIntegrationResponse",
                      on_method(R"("statusCode":"200","selectionPattern":"x","responseParameters":{"method.response.header.B":"'b'"})"))
                .text(),
            R"({"statusCode":"200","selectionPattern":"x","responseParameters":{"method.response.header.B":"'b'"}})");
  EXPECT_EQ(
      world
          .call(
              "PutIntegration",
              on_method(cat(
                  R"("type":"AWS","integrationHttpMethod":"POST","credentials":"arn:aws:iam::123456789012:role/r","passthroughBehavior":"NEVER",)",
                  R"("requestTemplates":{"application/json":"$input.body"},"uri":")", World::function_uri("f"), "\"")))
          .text(),
      cat(R"({"type":"AWS","httpMethod":"POST","uri":")", World::function_uri("f"),
          R"(","credentials":"arn:aws:iam::123456789012:role/r","requestTemplates":{"application/json":"$input.body"},)",
          R"("passthroughBehavior":"NEVER","timeoutInMillis":29000,"cacheNamespace":")", root, R"(","cacheKeyParameters":[]})"));
  EXPECT_EQ(
      world
          .call(
              "PutIntegrationResponse",
              on_method(
                  R"("statusCode":"200","selectionPattern":"x","responseParameters":{"method.response.header.B":"integration.response.body.b"},"responseTemplates":{"application/json":"$input.body"})"))
          .text(),
      R"({"statusCode":"200","selectionPattern":"x","responseParameters":{"method.response.header.B":"integration.response.body.b"},"responseTemplates":{"application/json":"$input.body"}})");
  const auto whole = world.call("GetMethod", on_method());
  EXPECT_EQ(whole.at("methodIntegration|integrationResponses|200|selectionPattern", '|'), "x");
  EXPECT_EQ(whole.at("methodResponses|200|statusCode", '|'), "200");
  EXPECT_EQ(world.call("GetResource", with(cat(R"("resourceId":")", root, "\""))).at("resourceMethods"), R"({"GET":{}})");
  const auto all = world.call("GetResources", with(R"("embed":["methods"],"limit":500)"));
  EXPECT_NE(all.text().find(R"("resourceMethods":{"GET":{"httpMethod":"GET","authorizationType":"AWS_IAM")"), std::string::npos);
  EXPECT_EQ(world.call("DeleteIntegrationResponse", on_method(R"("statusCode":"200")")).text(), "{}");
  EXPECT_EQ(world.call("DeleteMethodResponse", on_method(R"("statusCode":"200")")).text(), "{}");
  EXPECT_EQ(world.call("DeleteIntegration", on_method()).text(), "{}");
  EXPECT_EQ(world.call("DeleteMethod", on_method()).text(), "{}");
  EXPECT_EQ(world.call("GetMethod", on_method()).refusal(), "NotFoundException 404 Invalid Method identifier specified");
}

TEST_F(ApiServiceTest, AuthorizersAndGatewayResponses) {
  const auto uri = World::function_uri("check");
  const auto id =
      world.id_of("CreateAuthorizer",
                  with(cat(R"("name":"tok","type":"TOKEN","authorizerUri":")", uri,
                           R"(","identitySource":"method.request.header.Authorization","identityValidationExpression":"^Bearer .*")")));
  EXPECT_EQ(
      world.call("GetAuthorizer", with(cat(R"("authorizerId":")", id, "\""))).text(),
      cat(R"({"id":")", id, R"(","name":"tok","type":"TOKEN","authType":"custom","authorizerUri":")", uri,
          R"(","identitySource":"method.request.header.Authorization","identityValidationExpression":"^Bearer .*","authorizerResultTtlInSeconds":300})"));
  EXPECT_EQ(
      world.call("GetGatewayResponse", with(R"("responseType":"MISSING_AUTHENTICATION_TOKEN")")).text(),
      R"({"responseType":"MISSING_AUTHENTICATION_TOKEN","statusCode":"403","responseParameters":{},"responseTemplates":{"application/json":"{\"message\":$context.error.messageString}"},"defaultResponse":true})");
  EXPECT_EQ(
      world
          .call("PutGatewayResponse",
                with(R"("responseType":"UNAUTHORIZED","statusCode":"401","responseTemplates":{"application/json":"{}"})"))
          .text(),
      R"({"responseType":"UNAUTHORIZED","statusCode":"401","responseParameters":{},"responseTemplates":{"application/json":"{}"},"defaultResponse":false})");
  EXPECT_EQ(world.call("GetGatewayResponses", with(R"("limit":100)")).value->find("items")->array()->size(), named_response_types);
  EXPECT_TRUE(world.call("DeleteGatewayResponse", with(R"("responseType":"UNAUTHORIZED")")));
  EXPECT_EQ(world.call("GetGatewayResponse", with(R"("responseType":"UNAUTHORIZED")")).at("defaultResponse"), "true");
}

TEST_F(ApiServiceTest, DeploymentsAndStages) {
  const auto deployment = deploy();
  const auto stage = world.call("GetStage", with(R"("stageName":"dev")"));
  EXPECT_EQ(
      stage.text(),
      cat(R"({"deploymentId":")", deployment, R"(","stageName":"dev","cacheClusterEnabled":false,"cacheClusterStatus":"NOT_AVAILABLE",)",
          R"("methodSettings":{},"variables":{"a":"b"},"tracingEnabled":false,"createdDate":1700000000,"lastUpdatedDate":1700000000})"));
  EXPECT_TRUE(world.world.stages.pin(api, "dev").stage) << "a write is published before it is acknowledged";
  const auto second = world.id_of("CreateDeployment", with(R"("description":"","stageName":"","variables":{})"));
  EXPECT_EQ(world.call("GetStages", with()).value->find("item")->array()->size(), 1u) << "an empty name is no stage";
  EXPECT_EQ(world.call("DeleteDeployment", with(cat(R"("deploymentId":")", deployment, "\""))).refusal(),
            "BadRequestException 400 Active stages pointing to this deployment must be moved or deleted");
  EXPECT_EQ(world.call("GetDeployment", with(cat(R"("embed":["apisummary"],"deploymentId":")", second, "\""))).at("apiSummary"),
            R"({"/":{"GET":{"authorizationType":"NONE","apiKeyRequired":false}}})");
  EXPECT_EQ(world.call("CreateStage", with(cat(R"("stageName":"dev","deploymentId":")", second, "\""))).refusal(),
            "ConflictException 409 Stage already exists");
  const auto before = world.world.stages.pin(api, "dev").stage;
  EXPECT_TRUE(world.call("FlushStageCache", with(R"("stageName":"dev")")));
  EXPECT_EQ(world.world.stages.pin(api, "dev").stage, before);
  EXPECT_TRUE(world.call("FlushStageAuthorizersCache", with(R"("stageName":"dev")")));
  EXPECT_GT(world.world.stages.pin(api, "dev").stage->generation, before->generation);
  EXPECT_TRUE(world.call("UpdateStage", with(cat(R"("stageName":"dev",)", patch("replace", "/deploymentId", second)))));
  EXPECT_TRUE(world.call("DeleteDeployment", with(cat(R"("deploymentId":")", deployment, "\""))));
  EXPECT_TRUE(world.call("DeleteStage", with(R"("stageName":"dev")")));
  EXPECT_FALSE(world.world.stages.pin(api, "dev").stage);
}

TEST_F(ApiServiceTest, AnEndpointThatIsDisabledIsNotServedOnceDeployed) {
  deploy();
  ASSERT_TRUE(world.call("UpdateRestApi", with(patch("replace", "/disableExecuteApiEndpoint", "true"))));
  const auto disabled = [&] { return world.world.stages.pin(api, "dev").stage->definition->disable_execute_api_endpoint; };
  EXPECT_FALSE(disabled());
  ASSERT_TRUE(world.call("CreateDeployment", with(R"("stageName":"dev")")));
  EXPECT_TRUE(disabled());
}

TEST_F(ApiServiceTest, ModelsAndValidators) {
  EXPECT_EQ(world.call("GetModel", with(R"("modelName":"Empty")")).at("contentType"), "application/json");
  EXPECT_TRUE(world.call("CreateModel", with(R"("name":"M","contentType":"application/json","schema":"{\"type\":\"object\"}")")));
  EXPECT_FALSE(world.call("CreateModel", with(R"("name":"N","contentType":"application/json","schema":"{")")));
  EXPECT_EQ(
      world.call("UpdateModel", with(cat(R"("modelName":"M",)", patch("replace", "/schema", R"({\"type\":\"array\"})")))).at("schema"),
      R"({"type":"array"})");
  const auto validator = world.call("CreateRequestValidator", with(R"("name":"v","validateRequestBody":true)"));
  EXPECT_EQ(validator.text(),
            cat(R"({"id":")", validator.at("id"), R"(","name":"v","validateRequestBody":true,"validateRequestParameters":false})"));
  ASSERT_TRUE(
      world.call("PutMethod", on_method(cat(R"("authorizationType":"NONE","requestModels":{"application/json":"M"},"requestValidatorId":")",
                                            validator.at("id"), "\""))));
  EXPECT_TRUE(world.call("DeleteModel", with(R"("modelName":"M")")).refusal().starts_with("ConflictException"));
  const auto named = cat(R"("requestValidatorId":")", validator.at("id"), "\"");
  EXPECT_TRUE(world.call("DeleteRequestValidator", with(named)).refusal().starts_with("ConflictException"))
      << "the method would let everything through";
  EXPECT_EQ(world.call("UpdateRequestValidator", with(cat(named, ",", patch("replace", "/validateRequestBody", "false"))))
                .at("validateRequestBody"),
            "false");
  EXPECT_FALSE(world.call("PutMethod", on_method(R"("authorizationType":"NONE","requestValidatorId":"nope")", "POST")));
  EXPECT_FALSE(world.call("PutMethod", on_method(R"("authorizationType":"NONE","requestModels":{"application/json":"Nope"})", "POST")));
}

TEST_F(ApiServiceTest, KeysAndPlans) {
  const auto key = world.call("CreateApiKey", R"({"name":"probe","enabled":true,"value":"","tags":{"proj":"x"}})");
  EXPECT_EQ(key.at("value").size(), 40u);
  EXPECT_EQ(key.at("stageKeys"), "[]");
  const auto id = key.at("id");
  EXPECT_EQ(world.call("GetApiKey", cat(R"({"apiKey":")", id, "\"}")).at("value"), "");
  EXPECT_EQ(world.call("GetApiKey", cat(R"({"includeValue":true,"apiKey":")", id, "\"}")).at("value"), key.at("value"));
  EXPECT_EQ(world.call("CreateApiKey", R"({"value":"short"})").refusal(),
            "BadRequestException 400 API Key value should be at least 20 characters");
  EXPECT_EQ(world.call("CreateApiKey", cat(R"({"value":")", std::string(129, 'a'), "\"}")).refusal(),
            "BadRequestException 400 API Key value exceeds maximum size of 128 characters");
  EXPECT_EQ(world.call("GetApiKeys", R"({"nameQuery":"PROBE"})").at("items"), "[]");
  EXPECT_EQ(world.call("GetApiKeys", R"({"nameQuery":"pro"})").at("items.0.id"), id);
  EXPECT_TRUE(world.call("CreateUsagePlan", cat(R"({"name":"up","apiStages":[{"apiId":")", api, R"(","stage":"dev"}]})"))
                  .refusal()
                  .starts_with("NotFoundException"));
  deploy();
  const auto plan = world.call(
      "CreateUsagePlan", cat(R"({"name":"up","apiStages":[{"apiId":")", api,
                             R"(","stage":"dev"}],"quota":{"limit":1000,"period":"DAY"},"throttle":{"burstLimit":5,"rateLimit":10}})"));
  EXPECT_EQ(plan.text(),
            cat(R"({"id":")", plan.at("id"), R"(","name":"up","apiStages":[{"apiId":")", api,
                R"(","stage":"dev"}],"throttle":{"burstLimit":5,"rateLimit":10},"quota":{"limit":1000,"offset":0,"period":"DAY"}})"));
  const auto of_plan = [&](std::string_view more) { return cat(R"({"usagePlanId":")", plan.at("id"), "\",", more, "}"); };
  EXPECT_EQ(world.call("CreateUsagePlanKey", of_plan(cat(R"("keyType":"API_KEY","keyId":")", id, "\""))).text(),
            cat(R"({"id":")", id, R"(","type":"API_KEY","value":")", key.at("value"), R"(","name":"probe"})"));
  EXPECT_EQ(world.call("GetUsagePlanKeys", of_plan(R"("nameQuery":"probe")")).at("items.0.id"), id);
  EXPECT_EQ(world.call("GetUsagePlanKeys", R"({"usagePlanId":"nope"})").text(), R"({"items":[]})");
  EXPECT_EQ(world
                .call("UpdateUsagePlan", of_plan(R"("patchOperations":[{"op":"replace","path":"/quota/limit","value":"2000"},
      {"op":"replace","path":"/quota/offset","value":"0"},{"op":"replace","path":"/throttle/rateLimit","value":"100.000000"}])"))
                .at("quota.limit"),
            "2000")
      << "numbers are numbers, though patches are text";
  EXPECT_TRUE(world.call("DeleteUsagePlan", of_plan(R"("x":null)")).refusal().starts_with("BadRequestException"));
  EXPECT_TRUE(world.call("UpdateUsagePlan", of_plan(patch("remove", "/apiStages", cat(api, ":dev")))));
  EXPECT_TRUE(world.call("DeleteUsagePlanKey", of_plan(cat(R"("keyId":")", id, "\""))));
  EXPECT_TRUE(world.call("DeleteUsagePlan", of_plan(R"("x":null)")));
  EXPECT_TRUE(world.call("DeleteApiKey", cat(R"({"apiKey":")", id, "\"}")));
}

TEST_F(ApiServiceTest, TagsAndTheAccount) {
  const auto arn = cat(R"("resourceArn":"arn:aws:apigateway:us-east-1::/restapis/)", api, "\"");
  EXPECT_TRUE(world.call("TagResource", cat("{", arn, R"(,"tags":{"proj":"y","n":"1"}})")));
  EXPECT_EQ(world.call("GetTags", cat("{", arn, "}")).at("tags"), R"({"n":"1","proj":"y"})");
  EXPECT_TRUE(world.call("UntagResource", cat("{", arn, R"(,"tagKeys":["n"]})")));
  EXPECT_EQ(world.call("GetRestApi", with()).at("tags"), R"({"proj":"y"})");
  EXPECT_FALSE(world.call("GetTags", R"({"resourceArn":"arn:aws:apigateway:us-east-1::/restapis/nope"})"));
  EXPECT_EQ(world.call("GetAccount").text(),
            R"({"throttleSettings":{"burstLimit":-1,"rateLimit":-1},"features":["UsagePlans"],"apiKeyVersion":"4"})");
  EXPECT_EQ(world.call("UpdateAccount", cat("{", patch("replace", "/cloudwatchRoleArn", "arn:aws:iam::123456789012:role/r"), "}"))
                .at("cloudwatchRoleArn"),
            "arn:aws:iam::123456789012:role/r");
}

TEST_F(ApiServiceTest, ListsComeInPages) {
  for (const auto part : {"a", "b", "c"})
    world.id_of("CreateResource", with(cat(R"("parentId":")", root, R"(","pathPart":")", part, "\"")));
  std::set<std::string> seen;
  std::string position;
  int pages = 0;
  do {
    const auto page = world.call("GetResources", with(cat(R"("limit":3,"position":")", position, "\"")));
    ASSERT_TRUE(page) << page.refusal();
    for (const auto& item : *page.value->find("items")->array()) seen.insert(*item.find("path")->string());
    position = page.at("position");
    ++pages;
  } while (!position.empty());
  EXPECT_EQ(seen, (std::set<std::string>{"/", "/a", "/b", "/c"}));
  EXPECT_EQ(pages, 2);
  EXPECT_FALSE(world.call("GetResources", with(R"("limit":501)")));
  EXPECT_FALSE(world.call("GetResources", with(R"("position":"!")")));
}

TEST_F(ApiServiceTest, AccessIsTheMethodOnThePath) {
  const auto access = [&](std::string operation, std::string_view input) {
    world.call(std::move(operation), input);
    return cat(world.last_access.action, " ", world.last_access.resource);
  };
  EXPECT_EQ(access("GetRestApis", "{}"), "apigateway:GET arn:aws:apigateway:us-east-1::/restapis");
  EXPECT_EQ(access("PutIntegration", on_method(R"("type":"MOCK")")),
            cat("apigateway:PUT arn:aws:apigateway:us-east-1::/restapis/", api, "/resources/", root, "/methods/GET/integration"));
  EXPECT_EQ(access("DeleteRestApi", R"({"restApiId":"a/../b"})"), "apigateway:DELETE arn:aws:apigateway:us-east-1::/restapis/a%2F..%2Fb");
  EXPECT_EQ(access("TagResource", R"({"resourceArn":"arn:aws:apigateway:us-east-1::/apikeys/k","tags":{"t":"v"}})"),
            "apigateway:PUT arn:aws:apigateway:us-east-1::/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Fapikeys%2Fk");
  ASSERT_EQ(world.last_access.context.size(), 2u);
  EXPECT_EQ(world.last_access.context[0], (std::pair<std::string, std::vector<std::string>>{"aws:RequestTag/t", {"v"}}));
  EXPECT_EQ(world.last_access.context[1], (std::pair<std::string, std::vector<std::string>>{"aws:TagKeys", {"t"}}));
  world.call("TagResource", cat(R"({"resourceArn":"arn:aws:apigateway:us-east-1::/restapis/)", api, R"(","tags":{"team":"red"}})"));
  world.call("GetRestApi", with());
  ASSERT_EQ(world.last_access.context.size(), 1u);
  EXPECT_EQ(world.last_access.context[0].first, "aws:ResourceTag/team");
}

TEST_F(ApiServiceTest, EverythingIsThereAfterARestart) {
  deploy();
  world.call("CreateApiKey", R"({"name":"k","value":"abcdefghijklmnopqrst"})");
  world.call("UpdateStage", with(cat(R"("stageName":"dev",)", patch("replace", "/*/*/logging/loglevel", "INFO"))));
  Stages stages;
  Ledger again{service_name, world.store, [&](Ledger::Snapshot snapshot) { stages.publish(*snapshot); }};
  ASSERT_TRUE(again.load());
  EXPECT_TRUE(stages.pin(api, "dev").stage);
  const auto state = again.read({});
  EXPECT_EQ(*state->apis.at(api)->draft, *world.ledger.read({})->apis.at(api)->draft);
  EXPECT_EQ(state->apis.at(api)->stages, world.ledger.read({})->apis.at(api)->stages);
  EXPECT_EQ(state->api_keys.begin()->second->value, "abcdefghijklmnopqrst");
  const auto before = world.store.records.size();
  ASSERT_TRUE(world.call("DeleteRestApi", with()));
  EXPECT_EQ(world.store.records.size(), before - 3) << "draft, deployment and stage go together";
}

TEST_F(ApiServiceTest, WhatCannotBeStoredIsNotMade) {
  world.store.failing = true;
  EXPECT_EQ(world.call("DeleteRestApi", with()).error.code, "ServiceException");
  world.store.failing = false;
  EXPECT_TRUE(world.call("GetRestApi", with()));
}

TEST_F(ApiServiceTest, EveryOperationOfTheServiceIsInTheModel) {
  const auto* model = wire::find_model(service_name);
  ASSERT_TRUE(model);
  for (const auto& [name, operation] : world.service.operations()) {
    const auto* known = model->find_operation(name);
    EXPECT_TRUE(known && known->has_shapes) << name;
  }
  for (const auto name : {"GetExport", "ImportRestApi", "PutRestApi"}) EXPECT_FALSE(world.service.find(name)) << name;
}

}  // namespace
}  // namespace sallyport::gateway
