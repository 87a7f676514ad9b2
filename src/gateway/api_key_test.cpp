// API keys and usage plans, end to end through the gateway and the API.
#include "gateway/api_testing.hpp"
#include "gateway/trace.hpp"

namespace sallyport::gateway {
namespace {

using testing::ApiWorld;
using testing::FakeInvoker;
using testing::World;

constexpr std::string_view forbidden = R"({"message":"Forbidden"})";

class ApiKeyTest : public ::testing::Test {
 public:
  void SetUp() override {
    world.invoker.functions["backend"] = [this](const std::string& event) {
      last_event = *json::parse(event);
      return FakeInvoker::Ending{R"({"statusCode":200,"body":"in"})"};
    };
  }
  void keyed(std::string_view path, std::optional<std::string> authorizer = std::nullopt) {
    PutMethodRequest request{world.api_id, world.resource(path), "GET", authorizer ? "CUSTOM" : "NONE", authorizer};
    request.api_key_required = true;
    ASSERT_TRUE(world.operations.put_method(std::move(request)));
    ASSERT_TRUE(
        world.operations.put_integration({world.api_id, world.resource(path), "GET", "AWS_PROXY", World::function_uri("backend"), "POST"}));
  }
  void key(std::string id, bool enabled = true) {
    CreateApiKeyRequest request;
    request.id = id;
    request.value = cat(id, "-value-of-twenty-and-more");
    request.enabled = enabled;
    ASSERT_TRUE(world.operations.create_api_key(std::move(request)));
  }
  void plan(std::string id, std::vector<std::string> keys, CreateUsagePlanRequest request = {}) {
    request.id = request.name = id;
    if (request.stages.empty()) request.stages = {{world.api_id, "prod", {}}};
    const auto made = world.operations.create_usage_plan(std::move(request));
    ASSERT_TRUE(made) << made.error().message;
    for (const auto& each : keys) ASSERT_TRUE(world.operations.create_usage_plan_key(id, each, "API_KEY"));
    publish();
  }
  void publish() { world.stages.publish(world.state); }
  testing::Answer get(std::string_view path, std::string_view id) {
    return world.send("GET", path,
                      id.empty() ? std::vector<std::string>() : std::vector{cat("x-aPi-key: ", id, "-value-of-twenty-and-more")});
  }

  World world;
  json::Value last_event;
};

TEST_F(ApiKeyTest, OnlyAnEnabledKeyInAPlanOfThisStage) {
  keyed("/k");
  world.proxy("/open", "GET", "backend");
  world.deploy();
  for (const auto id : {"good", "unplanned", "elsewhere"}) key(id);
  key("disabled", false);
  world.operations.create_stage({world.api_id, "other", "d1", {}, {}});
  plan("p", {"good", "disabled"});
  CreateUsagePlanRequest other;
  other.stages = {{world.api_id, "other", {}}};
  plan("q", {"elsewhere"}, other);
  EXPECT_EQ(get("/k", "good").status, 200);
  EXPECT_EQ(get("/open", "").status, 200);
  EXPECT_FALSE(last_event.find("requestContext")->find("identity")->find("apiKey")) << "only where a key is asked for";
  for (const auto id : {"", "nobody", "disabled", "unplanned", "elsewhere"}) {
    const auto answer = get("/k", id);
    EXPECT_EQ(answer.status, 403) << id;
    EXPECT_EQ(answer.body, forbidden);
    EXPECT_EQ(answer.header("x-amzn-ErrorType"), "ForbiddenException");
    EXPECT_EQ(world.trace(answer)->response_type, ResponseType::invalid_api_key);
  }
  const auto record = json::to_text(describe(*world.trace(get("/k", "disabled"))));
  EXPECT_TRUE(record.contains(R"("api_key":{"source":"the header X-API-Key","id":"disabled"})")) << record;
  EXPECT_FALSE(record.contains("value-of-twenty")) << "a key's value never stands in a trace";

  ASSERT_TRUE(world.operations.update_api_key("good", {{"replace", "/enabled", "false", {}}}));
  publish();
  EXPECT_EQ(get("/k", "good").status, 403) << "takes effect without a deployment";
}

TEST_F(ApiKeyTest, TheBackendIsToldWhichKey) {
  keyed("/k");
  world.deploy();
  key("good");
  plan("p", {"good"});
  ASSERT_EQ(get("/k", "good").status, 200);
  const auto* identity = last_event.find("requestContext")->find("identity");
  EXPECT_EQ(*identity->find("apiKeyId")->string(), "good");
  EXPECT_EQ(*identity->find("apiKey")->string(), "good-value-of-twenty-and-more");
}

TEST_F(ApiKeyTest, TheAuthorizerMayNameTheKey) {
  ASSERT_TRUE(world.operations.update_rest_api(world.api_id, {{"replace", "/apiKeySource", "AUTHORIZER", {}}}));
  std::string named = R"(,"usageIdentifierKey":"good-value-of-twenty-and-more")";
  world.invoker.functions["check"] = [&](const std::string&) { return FakeInvoker::Ending{testing::policy_text("Allow", "*", named)}; };
  keyed("/k", world.authorizer("TOKEN", "check", "method.request.header.Authorization", 0));
  keyed("/bare");
  world.deploy();
  key("good");
  key("sent");
  plan("p", {"good", "sent"});
  const std::vector<std::string> sent{"Authorization: t", "X-API-Key: sent-value-of-twenty-and-more"};
  EXPECT_EQ(world.send("GET", "/k", sent).status, 200);
  EXPECT_EQ(*last_event.find("requestContext")->find("identity")->find("apiKeyId")->string(), "good");
  EXPECT_EQ(world.send("GET", "/bare", sent).status, 403) << "nobody to name it";
  named = "";
  EXPECT_EQ(world.send("GET", "/k", sent).status, 403) << "the header does not count";
}

TEST_F(ApiKeyTest, TheAuthorizerComesFirst) {
  world.invoker.functions["check"] = [](const std::string&) { return FakeInvoker::Ending{testing::policy_text("Deny", "*")}; };
  keyed("/k", world.authorizer("TOKEN", "check", "method.request.header.Authorization", 0));
  world.deploy();
  EXPECT_EQ(world.trace(world.send("GET", "/k", {"Authorization: t"}))->response_type, ResponseType::access_denied);
  EXPECT_EQ(world.trace(world.send("GET", "/k"))->response_type, ResponseType::unauthorized);
}

TEST_F(ApiKeyTest, RatesPerKeyAndPerMethod) {
  keyed("/k");
  keyed("/slow/{id}");
  world.deploy();
  key("a");
  key("b");
  CreateUsagePlanRequest request;
  request.throttle = ThrottleSettings{2, 3};
  request.stages = {{world.api_id, "prod", {{"/slow/{id}/GET", {1, 1}}}}};
  plan("p", {"a", "b"}, request);
  const auto admitted = [&](std::string_view path, std::string_view id) {
    int count = 0;
    for (int i = 0; i < 6; ++i) count += get(path, id).status == 200;
    return count;
  };
  EXPECT_EQ(admitted("/k", "a"), 3);
  EXPECT_EQ(admitted("/k", "b"), 3) << "each key has its own bucket";
  EXPECT_EQ(admitted("/slow/1", "a"), 1) << "the method's limit in place of the plan's";
  const auto refused = get("/k", "a");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.body, R"({"message":"Too Many Requests"})");
  EXPECT_EQ(refused.header("x-amzn-ErrorType"), "TooManyRequestsException");
  EXPECT_EQ(refused.header("Retry-After"), "");
  world.clock.now += std::chrono::milliseconds(500);
  EXPECT_EQ(admitted("/k", "a"), 1);
}

TEST_F(ApiKeyTest, QuotasAndWhatIsRefusedCostsNothing) {
  keyed("/k");
  world.deploy();
  key("a");
  CreateUsagePlanRequest request;
  request.quota = QuotaSettings{2, 0, "DAY"};
  plan("p", {"a"}, request);
  EXPECT_EQ(get("/k", "a").status, 200);
  EXPECT_EQ(get("/k", "a").status, 200);
  for (int i = 0; i < 3; ++i) {
    const auto refused = get("/k", "a");
    EXPECT_EQ(refused.status, 429);
    EXPECT_EQ(refused.body, R"({"message":"Limit Exceeded"})");
    EXPECT_EQ(refused.header("x-amzn-ErrorType"), "LimitExceededException");
    EXPECT_EQ(world.trace(refused)->response_type, ResponseType::quota_exceeded);
  }
  EXPECT_EQ(world.usage.report({"123456789012", "us-east-1", "p", "a"}, request.quota, day_of(world.clock.wall), day_of(world.clock.wall)),
            (std::vector<DailyUsage>{{2, 0}}));
  world.clock.wall += std::chrono::hours(24);
  EXPECT_EQ(get("/k", "a").status, 200);
}

TEST_F(ApiKeyTest, AKeyIsInOnePlanOfAStage) {
  world.proxy("/open", "GET", "backend");
  world.deploy();
  key("a");
  plan("p", {"a"});
  plan("q", {});
  const auto again = world.operations.create_usage_plan_key("q", "a", "API_KEY");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, "ConflictException");
  EXPECT_TRUE(world.state.usage_plans.at("q")->keys.empty());
}

TEST_F(ApiKeyTest, AllRequestsOfAnAccountTogether) {
  world.proxy("/open", "GET", "backend");
  world.deploy();
  world.settings.account_throttle = ThrottleLimit{10, 2};
  world.restart();
  EXPECT_EQ(get("/open", "").status, 200);
  EXPECT_EQ(get("/open", "").status, 200);
  EXPECT_EQ(get("/open", "").body, R"({"message":"Too Many Requests"})");
  world.deploy();
  EXPECT_EQ(get("/open", "").status, 429) << "a deployment fills no bucket";
  world.clock.now += std::chrono::milliseconds(100);
  EXPECT_EQ(get("/open", "").status, 200);
}

class UsageApiTest : public ::testing::Test {
 public:
  void SetUp() override {
    ASSERT_TRUE(world.world.usage.load(world.store));
    api = world.id_of("CreateRestApi", R"({"name":"shop"})");
    const auto root = world.call("GetRestApi", with("")).at("rootResourceId");
    const auto method = cat(R"("httpMethod":"GET","resourceId":")", root, "\"");
    ASSERT_TRUE(world.call("PutMethod", with(cat(method, R"(,"authorizationType":"NONE","apiKeyRequired":true)"))));
    EXPECT_EQ(world.call("GetMethod", with(method)).at("apiKeyRequired"), "true");
    ASSERT_TRUE(world.call("PutIntegration", with(cat(method, R"(,"type":"MOCK")"))));
    ASSERT_TRUE(world.call("CreateDeployment", with(R"("stageName":"dev")")));
    key = world.id_of("CreateApiKey", R"({"name":"k","enabled":true})");
    plan = world.id_of("CreateUsagePlan",
                       cat(R"({"name":"p","quota":{"limit":10,"period":"WEEK"},"apiStages":[{"apiId":")", api, R"(","stage":"dev"}]})"));
    ASSERT_TRUE(world.call("CreateUsagePlanKey", of_plan(cat(R"("keyType":"API_KEY","keyId":")", key, "\""))));
  }
  std::string with(std::string_view more) const { return cat(R"({"restApiId":")", api, "\"", more.empty() ? "" : ",", more, "}"); }
  std::string of_plan(std::string_view more) const { return cat(R"({"usagePlanId":")", plan, "\",", more, "}"); }

  ApiWorld world;
  std::string api, key, plan;
};

TEST_F(UsageApiTest, UsageByDaysAndMoreOfIt) {
  const UsageKey counter{"123456789012", "us-east-1", plan, key};
  const QuotaSettings quota{10, 0, "WEEK"};
  // 2023-11-14, a Tuesday.
  for (int i = 0; i < 3; ++i) world.world.usage.admit(counter, quota, world.world.clock.wall);
  EXPECT_EQ(world.call("GetUsage", of_plan(R"("startDate":"2023-11-13","endDate":"2023-11-15")")).text(),
            cat(R"({"usagePlanId":")", plan, R"(","startDate":"2023-11-13","endDate":"2023-11-15","items":{")", key,
                R"(":[[0,10],[3,7],[0,7]]}})"));
  const auto update = cat(R"("keyId":")", key, R"(","patchOperations":[{"op":"replace","path":"/remaining","value":"20"}])");
  EXPECT_EQ(world.call("UpdateUsage", of_plan(update)).text(),
            cat(R"({"usagePlanId":")", plan, R"(","startDate":"2023-11-14","endDate":"2023-11-14","items":{")", key, R"(":[[3,20]]}})"));
  EXPECT_FALSE(world.store.records.empty());
  EXPECT_TRUE(std::any_of(world.store.records.begin(), world.store.records.end(), [](const auto& record) {
    return record.first.service == "apigateway-usage";
  })) << "durable when it is answered";
  for (const auto bad : {R"("startDate":"2023-11-13","endDate":"x")", R"("startDate":"2023-11-13","endDate":"2023-11-12")",
                         R"("startDate":"2023-01-01","endDate":"2023-12-31")"})
    EXPECT_TRUE(world.call("GetUsage", of_plan(bad)).refusal().starts_with("BadRequestException 400")) << bad;
  EXPECT_TRUE(world.call("GetUsage", of_plan(R"("keyId":"nope","startDate":"2023-11-13","endDate":"2023-11-13")"))
                  .refusal()
                  .starts_with("NotFoundException"));
  EXPECT_TRUE(
      world.call("UpdateUsage", of_plan(cat(R"("keyId":")", key, R"(","patchOperations":[{"op":"add","path":"/remaining","value":"1"}])")))
          .refusal()
          .starts_with("BadRequestException"));
}

TEST_F(UsageApiTest, KeysFromAFile) {
  const auto file = cat(R"(Name,key,description,Enabled,usageplanIds\nfirst,abcdefghijklmnopqrst1,\"a, b\",TRUE,\")", plan,
                        R"(,nope\"\nshort,abc,,true,\nsecond,abcdefghijklmnopqrst2,,false,\n)");
  const auto made = world.call("ImportApiKeys", cat(R"({"format":"csv","body":")", file, "\"}"));
  ASSERT_TRUE(made) << made.refusal();
  EXPECT_EQ(made.at("ids.1").size(), 10u);
  EXPECT_EQ(made.at("ids.2"), "");
  EXPECT_EQ(made.at("warnings.0"), "line 2: Invalid Usage Plan ID specified");
  EXPECT_EQ(made.at("warnings.1"), "line 3: API Key value should be at least 20 characters");
  const auto first = world.call("GetApiKey", cat(R"({"includeValue":true,"apiKey":")", made.at("ids.0"), "\"}"));
  EXPECT_EQ(first.at("value"), "abcdefghijklmnopqrst1");
  EXPECT_EQ(first.at("description"), "a, b");
  EXPECT_EQ(first.at("enabled"), "true");
  EXPECT_EQ(world.call("GetUsagePlanKeys", of_plan(R"("nameQuery":"first")")).at("items.0.id"), made.at("ids.0"));
  EXPECT_TRUE(world.call("ImportApiKeys", cat(R"({"format":"csv","failOnWarnings":true,"body":")", file, "\"}"))
                  .refusal()
                  .starts_with("ConflictException"));
  EXPECT_FALSE(world.call("ImportApiKeys", R"({"format":"csv","body":"nonsense"})"));
}

class AuthorizerApiTest : public UsageApiTest {
 public:
  static constexpr std::string_view configuration =
      R"({"defaultAlgorithms":["RS256"],"issuers":[{"issuer":"https://a.example","audiences":["x"]}]})";
};

TEST_F(AuthorizerApiTest, UserPools) {
  constexpr std::string_view pool = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_abc";
  // As Terraform sends it.
  const auto made = world.call(
      "CreateAuthorizer",
      with(
          cat(R"("authorizerResultTtlInSeconds":300,"identitySource":"method.request.header.Authorization","name":"cog","providerARNs":[")",
              pool, R"("],"type":"COGNITO_USER_POOLS")")));
  EXPECT_EQ(made.text(), cat(R"({"id":")", made.at("id"), R"(","name":"cog","type":"COGNITO_USER_POOLS","providerARNs":[")", pool,
                             R"("],"authType":"cognito_user_pools","identitySource":"method.request.header.Authorization"})"));
  const auto on = cat(R"("authorizerId":")", made.at("id"), "\",");
  const auto patch = [&](std::string_view op, std::string_view value) {
    return world.call("UpdateAuthorizer",
                      with(cat(on, R"("patchOperations":[{"op":")", op, R"(","path":"/providerARNs","value":")", value, "\"}]")));
  };
  EXPECT_EQ(patch("add", "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_xyz").at("providerARNs.1"),
            "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_xyz");
  EXPECT_EQ(patch("remove", pool).at("providerARNs.1"), "");
  EXPECT_FALSE(patch("remove", pool));
  EXPECT_FALSE(patch("add", "x"));

  const auto token = testing::FakeIssuers::token(json::Object{
      {"iss", "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_xyz"}, {"token_use", "id"}, {"sub", "s"}, {"exp", 1'700'003'600}});
  const auto tested = world.call("TestInvokeAuthorizer", with(cat(on, R"("headers":{"Authorization":")", token, "\"}")));
  EXPECT_EQ(tested.at("clientStatus"), "200") << tested.text();
  EXPECT_EQ(tested.at("claims.sub"), "s");
  EXPECT_EQ(tested.at("claims.exp"), "Tue Nov 14 23:13:20 UTC 2023");
  EXPECT_EQ(world.call("TestInvokeAuthorizer", with(cat(on, R"("headers":{"Authorization":"x"})"))).at("clientStatus"), "401");
}

TEST_F(AuthorizerApiTest, AnyIssuerBehindItsSwitch) {
  const auto create = [&] {
    return world.call(
        "CreateAuthorizer",
        with(cat(R"("type":"JWT","name":"j","identitySource":"method.request.header.Authorization","jwtConfiguration":)", configuration)));
  };
  EXPECT_TRUE(create().refusal().contains("501 authorizers of type JWT on REST APIs are switched off")) << create().refusal();
  world.services.settings.rest_jwt_authorizers = true;
  world.service = make_service(world.ledger, world.services);
  world.world.issuers.out_of_reach = true;
  EXPECT_TRUE(create().refusal().starts_with("BadRequestException 400 The OpenID configuration"));
  world.world.issuers.out_of_reach = false;
  const auto made = create();
  ASSERT_TRUE(made) << made.refusal();
  EXPECT_EQ(made.at("jwtConfiguration.issuers.0.jwksUri"), "https://a.example/keys");
  const auto on = cat(R"("authorizerId":")", made.at("id"), "\",");
  world.world.issuers.discovered.clear();
  ASSERT_TRUE(world.call("UpdateAuthorizer", with(cat(on, R"("patchOperations":[{"op":"replace","path":"/name","value":"k"}])"))));
  EXPECT_EQ(world.world.issuers.discovered, std::vector<std::string>{"https://a.example"}) << "read on every update";
  const auto changed = world.call(
      "UpdateAuthorizer",
      with(cat(on, R"("patchOperations":[{"op":"replace","path":"/jwtConfiguration","value":"{\"defaultAlgorithms\":[\"ES256\"],)"
                   R"(\"issuers\":[{\"issuer\":\"https://b.example\",\"audiences\":[\"y\"]}]}"}])")));
  EXPECT_EQ(changed.at("jwtConfiguration.issuers.0.jwksUri"), "https://b.example/keys") << changed.text();
  EXPECT_EQ(changed.at("jwtConfiguration.issuers.1"), "") << "nothing is merged";
}

}  // namespace
}  // namespace sallyport::gateway
