// Lambda authorizers, end to end through the gateway: who is let in, what the authorizer sees, what is kept.
#include "gateway/authorized.hpp"
#include "gateway/iam_authorization.hpp"
#include "gateway/stage.hpp"
#include "gateway/testing.hpp"

namespace sallyport::gateway {
namespace {

using testing::FakeInvoker;
using testing::method_arn_of;
using testing::policy_text;
using testing::World;

constexpr std::string_view denied_explicitly =
    R"({"Message":"User is not authorized to access this resource with an explicit deny in an identity-based policy"})";
constexpr std::string_view denied_implicitly =
    R"({"Message":"User is not authorized to access this resource because no identity-based policy allows the execute-api:Invoke action"})";
constexpr std::string_view unauthorized = R"({"message":"Unauthorized"})";
constexpr std::string_view broken = R"({"message":null})";

class AuthorizedTest : public ::testing::Test {
 public:
  void SetUp() override {
    world.invoker.functions["backend"] = [](const std::string&) { return FakeInvoker::Ending{R"({"statusCode":200,"body":"in"})"}; };
    world.invoker.functions["check"] = [this](const std::string& event) {
      last_event = event;
      return ending ? ending(event) : FakeInvoker::Ending{answer.empty() ? policy_text("Allow", method_arn_of(event)) : answer};
    };
  }
  void guard(std::string type, std::string source, int ttl_s, std::string expression = {}) {
    id = world.authorizer(std::move(type), "check", std::move(source), ttl_s, std::move(expression));
    world.proxy("/pets", "GET", "backend", id);
    world.proxy("/pets", "POST", "backend", id);
    world.proxy("/pets/{id}", "GET", "backend", id);
    world.deploy();
  }
  testing::Answer get(std::string_view target, std::vector<std::string> headers = {"Authorization: t"}) {
    return world.send("GET", target, std::move(headers));
  }

  World world;
  std::string id;
  std::string answer, last_event;
  std::function<FakeInvoker::Ending(const std::string&)> ending;
};

TEST_F(AuthorizedTest, TokenEventHasThreeKeysAndTheTokenVerbatim) {
  guard("TOKEN", "method.request.header.Authorization", 0);
  EXPECT_EQ(get("/pets/7?q=1", {"authorization: Bearer abc"}).status, 200);
  EXPECT_EQ(
      last_event,
      R"({"type":"TOKEN","authorizationToken":"Bearer abc","methodArn":"arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/prod/GET/pets/7"})");
}

TEST_F(AuthorizedTest, MissingOrEmptySourceIsRefusedWithoutACall) {
  guard("TOKEN", "method.request.header.Authorization", 0);
  for (const auto& headers : {std::vector<std::string>{}, {"Authorization:"}, {"Authorization:  "}}) {
    const auto response = get("/pets", headers);
    EXPECT_EQ(response.status, 401);
    EXPECT_EQ(response.body, unauthorized);
    EXPECT_EQ(response.header("x-amzn-ErrorType"), "UnauthorizedException");
  }
  EXPECT_TRUE(world.invoker.calls.empty());
}

TEST_F(AuthorizedTest, ExpressionMustMatchTheWholeToken) {
  guard("TOKEN", "method.request.header.Authorization", 0, "Bearer [a-z]+");
  EXPECT_EQ(get("/pets", {"Authorization: Bearer abc"}).status, 200);
  EXPECT_EQ(get("/pets", {"Authorization: Bearer abc1"}).status, 401);
  EXPECT_EQ(get("/pets", {"Authorization: x Bearer abc"}).status, 401);
  EXPECT_EQ(world.invoker.count("check"), 1);
  Choices choices;
  choices.expression_match = Choices::ExpressionMatch::anywhere;
  world.deploy({}, choices);
  EXPECT_EQ(get("/pets", {"Authorization: x Bearer abc"}).status, 200);
}

TEST_F(AuthorizedTest, EveryRequestSourceMustBeThere) {
  guard("REQUEST", "method.request.header.X-Auth, method.request.querystring.q", 0);
  EXPECT_EQ(get("/pets?q=1", {"X-Auth: a"}).status, 200);
  EXPECT_EQ(get("/pets", {"X-Auth: a"}).status, 401);
  EXPECT_EQ(get("/pets?q=", {"X-Auth: a"}).status, 401);
  EXPECT_EQ(get("/pets?q=1", {}).status, 401);
  EXPECT_EQ(world.invoker.count("check"), 1);
}

TEST_F(AuthorizedTest, RequestAuthorizerWithoutSourcesIsAlwaysCalled) {
  guard("REQUEST", "", 0);
  EXPECT_EQ(get("/pets", {}).status, 200);
  EXPECT_EQ(world.invoker.count("check"), 1);
}

TEST_F(AuthorizedTest, OnlyExactlyUnauthorizedIs401) {
  guard("TOKEN", "method.request.header.Authorization", 0);
  const auto failing = [this](std::string_view message) {
    ending = [message](const std::string&) {
      return FakeInvoker::fails(cat(R"({"errorMessage":")", message, R"(","errorType":"Exception"})"));
    };
    return get("/pets");
  };
  auto response = failing("Unauthorized");
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(response.body, unauthorized);
  for (auto message : {"unauthorized", "Unauthorized: expired", "'Authorization'"}) {
    response = failing(message);
    EXPECT_EQ(response.status, 500);
    EXPECT_EQ(response.body, broken);
    EXPECT_EQ(response.header("x-amzn-ErrorType"), "AuthorizerConfigurationException");
  }
  EXPECT_EQ(world.invoker.count("backend"), 0);
}

TEST_F(AuthorizedTest, WhatIsNoUsableAnswerIs500) {
  guard("TOKEN", "method.request.header.Authorization", 0);
  const std::string policy =
      R"("policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"*"}]})";
  for (
      const auto& text : std::vector<std::string>{
          "null", "\"Allow\"", "[]", "nonsense", "{}", R"({"principalId":"u"})", cat("{", policy, "}"),
          cat(R"({"principalId":7,)", policy, "}"), R"({"principalId":"u","policyDocument":"{}"})",
          R"({"principalId":"u","policyDocument":{"Version":"2012-10-17"}})",
          R"({"principalId":"u","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"allow","Resource":"*"}]}})",
          R"({"principalId":"u","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"*","Condition":{"NoSuch":{"a":"b"}}}]}})",
          cat(R"({"principalId":"u","context":{"a":{"b":1}},)", policy, "}"),
          cat(R"({"principalId":"u","context":{"a":[1]},)", policy, "}"), cat(R"({"principalId":"u","context":{"a":null},)", policy, "}"),
          cat(R"({"principalId":"u","usageIdentifierKey":7,)", policy, "}"), std::string(10'000'000, 'x')}) {
    answer = text;
    const auto response = get("/pets");
    EXPECT_EQ(response.status, 500) << text.substr(0, 200);
    EXPECT_EQ(response.body, broken);
  }
  EXPECT_EQ(world.invoker.count("backend"), 0);
}

TEST_F(AuthorizedTest, RefusedCallsAre500) {
  guard("TOKEN", "method.request.header.Authorization", 0);
  for (const auto& [code, status] :
       {std::pair{"AccessDeniedException", 403}, {"ResourceNotFoundException", 404}, {"TooManyRequestsException", 429}}) {
    ending = [code, status](const std::string&) { return FakeInvoker::refuses(code, status); };
    const auto response = get("/pets");
    EXPECT_EQ(response.status, 500);
    EXPECT_EQ(response.header("x-amzn-ErrorType"), "AuthorizerConfigurationException");
  }
  ending = [](const std::string&) { return FakeInvoker::refuses("ServiceException", 500); };
  EXPECT_EQ(get("/pets").header("x-amzn-ErrorType"), "AuthorizerFailureException");
}

TEST_F(AuthorizedTest, TheTwoDenialsReadDifferently) {
  guard("TOKEN", "method.request.header.Authorization", 0);
  answer = policy_text("Deny", "*");
  auto response = get("/pets");
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.body, denied_explicitly);
  EXPECT_EQ(response.header("x-amzn-ErrorType"), "AccessDeniedException");
  answer = policy_text("Allow", "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/prod/GET/other");
  response = get("/pets");
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.body, denied_implicitly);
  Choices choices;
  choices.denial_text = Choices::DenialText::brief;
  world.deploy({}, choices);
  EXPECT_EQ(get("/pets").body, R"({"Message":"User is not authorized to access this resource"})");
}

TEST_F(AuthorizedTest, DenyOfOnePathLeavesTheOthers) {
  guard("TOKEN", "method.request.header.Authorization", 0);
  answer =
      R"({"principalId":"u","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"*"},
    {"Action":"execute-api:Invoke","Effect":"Deny","Resource":"arn:aws:execute-api:*:*:*/*/GET/pets/7"}]}})";
  EXPECT_EQ(get("/pets/7").status, 403);
  EXPECT_EQ(get("/pets/8").status, 200);
}

TEST_F(AuthorizedTest, CachedPolicyIsDecidedAnewForEveryMethod) {
  guard("TOKEN", "method.request.header.Authorization", 300);
  EXPECT_EQ(get("/pets").status, 200);
  EXPECT_EQ(get("/pets").status, 200);
  const auto other = get("/pets/7");
  EXPECT_EQ(other.status, 403) << "the policy was made for GET /pets";
  EXPECT_EQ(other.body, denied_implicitly);
  EXPECT_EQ(world.invoker.count("check"), 1);
  EXPECT_EQ(world.trace(other)->cache_use, CacheUse::hit);
  EXPECT_EQ(get("/pets/7", {"Authorization: other"}).status, 200) << "another token is another entry";
  EXPECT_EQ(world.invoker.count("check"), 2);
}

TEST_F(AuthorizedTest, EntriesDieWithTheirTimeToLive) {
  guard("TOKEN", "method.request.header.Authorization", 300);
  get("/pets");
  world.clock.now += std::chrono::seconds(299);
  get("/pets");
  EXPECT_EQ(world.invoker.count("check"), 1);
  world.clock.now += std::chrono::seconds(1);
  get("/pets");
  EXPECT_EQ(world.invoker.count("check"), 2) << "using an entry does not renew it";
}

TEST_F(AuthorizedTest, DenialsAreKeptAndFailuresAreNot) {
  guard("TOKEN", "method.request.header.Authorization", 300);
  answer = policy_text("Deny", "*");
  EXPECT_EQ(get("/pets").status, 403);
  EXPECT_EQ(get("/pets").status, 403);
  EXPECT_EQ(world.invoker.count("check"), 1);
  for (const auto& text : {R"({"errorMessage":"Unauthorized"})", R"({"errorMessage":"boom"})"}) {
    ending = [text](const std::string&) { return FakeInvoker::fails(text); };
    const int before = world.invoker.count("check");
    get("/pets", {"Authorization: fails"});
    get("/pets", {"Authorization: fails"});
    EXPECT_EQ(world.invoker.count("check"), before + 2);
  }
}

TEST_F(AuthorizedTest, TimeToLiveZeroCallsForEveryRequest) {
  guard("TOKEN", "method.request.header.Authorization", 0);
  get("/pets");
  get("/pets");
  EXPECT_EQ(world.invoker.count("check"), 2);
}

TEST_F(AuthorizedTest, FlushRedeploymentAndOtherStagesShareNothing) {
  guard("TOKEN", "method.request.header.Authorization", 300);
  get("/pets");
  ASSERT_TRUE(world.operations.flush_stage_authorizers_cache(world.api_id, "prod"));
  world.stages.publish(world.state);
  get("/pets");
  EXPECT_EQ(world.invoker.count("check"), 2);
  world.proxy("/more", "GET", "backend");
  world.deploy();
  get("/pets");
  EXPECT_EQ(world.invoker.count("check"), 3);
  ASSERT_TRUE(world.operations.create_stage({world.api_id, "test", "d2", {}, {}}));
  world.stages.publish(world.state);
  EXPECT_EQ(world.send_all({world.request_text("GET", "/test/pets", {"Authorization: t"}, {})}).front().status, 200);
  EXPECT_EQ(world.invoker.count("check"), 4) << "a new stage has entries of its own";
  get("/pets");
  EXPECT_EQ(world.invoker.count("check"), 4) << "and the untouched stage keeps its own";
}

TEST_F(AuthorizedTest, ValuesOfSeveralSourcesCannotBeShifted) {
  guard("REQUEST", "method.request.header.A,method.request.header.B", 300);
  answer = policy_text("Allow", "*");
  get("/pets", {"A: 1", "B: 23"});
  get("/pets", {"A: 12", "B: 3"});
  get("/pets", {"A: 1;1:2", "B: 3"});
  get("/pets", {"A: x", "A: 1", "B: 23"});
  EXPECT_EQ(world.invoker.count("check"), 4);
  get("/pets", {"A: 1", "B: 23", "C: not a source"});
  EXPECT_EQ(world.invoker.count("check"), 4);
}

TEST_F(AuthorizedTest, EqualRequestsWaitForOneCall) {
  guard("TOKEN", "method.request.header.Authorization", 300);
  answer = policy_text("Allow", "*");
  world.invoker.holding = true;
  std::vector<std::string> texts(20, world.request_text("GET", "/prod/pets", {"Authorization: t"}, {}));
  texts.push_back(world.request_text("GET", "/prod/pets", {"Authorization: other"}, {}));
  const auto answers = world.send_all(texts, [this] {
    EXPECT_EQ(world.invoker.count("check"), 2);
    world.invoker.release();
  });
  for (const auto& each : answers) EXPECT_EQ(each.status, 200);
  EXPECT_EQ(world.invoker.count("check"), 2);
  EXPECT_EQ(world.trace(answers[0])->cache_use, CacheUse::miss);
  EXPECT_EQ(world.trace(answers[1])->cache_use, CacheUse::joined);
  EXPECT_EQ(world.trace(answers[1])->authorizer_call->request_id, world.trace(answers[0])->id);
}

TEST_F(AuthorizedTest, ContextReachesTheBackendAsStrings) {
  guard("TOKEN", "method.request.header.Authorization", 0);
  answer = policy_text("Allow", "*", R"(,"context":{"s":"text","n":42,"f":1.50,"b":true},"usageIdentifierKey":"k","more":1)");
  EXPECT_EQ(get("/pets").status, 200);
  const auto event = json::parse(world.invoker.calls.back().request.payload);
  const auto* authorizer = event->find("requestContext")->find("authorizer");
  EXPECT_EQ(*authorizer->find("principalId")->string(), "user");
  EXPECT_EQ(*authorizer->find("s")->string(), "text");
  EXPECT_EQ(*authorizer->find("n")->string(), "42");
  EXPECT_EQ(*authorizer->find("f")->string(), "1.50");
  EXPECT_EQ(*authorizer->find("b")->string(), "true");
  EXPECT_TRUE(authorizer->find("integrationLatency")->number());
}

TEST_F(AuthorizedTest, CallsComeFromTheAuthorizersAndTheMethodsOwnArn) {
  guard("TOKEN", "method.request.header.Authorization", 0);
  get("/pets/7");
  EXPECT_EQ(world.invoker.calls[0].request.caller.source_arn, "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/authorizers/auth0");
  EXPECT_EQ(world.invoker.calls[1].request.caller.source_arn, "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/prod/GET/pets/{id}");
  EXPECT_EQ(world.invoker.calls[1].request.caller.service, "apigateway.amazonaws.com");
  EXPECT_EQ(world.invoker.calls[1].request.caller.source_account, "123456789012");
}

TEST_F(AuthorizedTest, ConditionsSeeTheRequest) {
  guard("TOKEN", "method.request.header.Authorization", 0);
  const auto with = [this](std::string_view condition, std::vector<std::string> headers = {"Authorization: t"}) {
    answer = cat(
        R"({"principalId":"u","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:*","Effect":"Allow","Resource":"*","Condition":)",
        condition, "}]}}");
    return get("/pets", std::move(headers)).status;
  };
  EXPECT_EQ(with(R"({"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}})"), 200);
  EXPECT_EQ(with(R"({"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}})"), 403);
  EXPECT_EQ(with(R"({"NotIpAddress":{"aws:SourceIp":"127.0.0.0/8"}})"), 403);
  EXPECT_EQ(with(R"({"Bool":{"aws:SecureTransport":"true"}})"), 403);
  EXPECT_EQ(with(R"({"StringLike":{"aws:UserAgent":"curl*"}})", {"Authorization: t", "User-Agent: curl/8"}), 200);
  EXPECT_EQ(with(R"({"DateGreaterThan":{"aws:CurrentTime":"2023-11-14T22:13:19Z"}})"), 200);
  EXPECT_EQ(with(R"({"NumericLessThan":{"aws:EpochTime":"1700000000"}})"), 403);
  EXPECT_EQ(with(R"({"StringEquals":{"aws:username":"u"}})"), 403) << "nobody was authenticated by IAM";
}

TEST_F(AuthorizedTest, UnknownPathsAndOpenMethodsNeverReachTheAuthorizer) {
  id = world.authorizer("TOKEN", "check", "method.request.header.Authorization", 0);
  world.proxy("/pets", "GET", "backend", id);
  world.proxy("/pets", "OPTIONS", "backend");
  world.deploy();
  EXPECT_EQ(get("/nothing", {}).status, 403);
  EXPECT_EQ(world.send("OPTIONS", "/pets").status, 200);
  EXPECT_EQ(world.invoker.count("check"), 0);
}

class NoBody final : public serve::BodyReader {
 public:
  std::optional<std::size_t> declared_size() const override { return 0; }
  Task<Result<std::string, serve::BodyError>> read_all(std::size_t) override { co_return std::string(); }
};

TEST_F(AuthorizedTest, AMethodWhoseAuthorizerIsNotThereIsClosed) {
  guard("TOKEN", "method.request.header.Authorization", 0);
  const auto stage = world.trace(get("/pets"))->stage;
  const auto services = world.services();
  const auto come_to = [&](AuthorizationType authorization) {
    Method method = stage->methods.front();
    method.authorization = authorization;
    method.authorizer = nullptr;
    Exchange exchange{};
    exchange.stage = stage;
    exchange.method = &method;
    NoBody body;
    std::optional<Result<Authorized, Refusal>> out;
    const auto run = [&]() -> Task<void> {
      out.emplace(co_await attempt(authorize(services, *world.loop, exchange, body)));
      world.loop->stop();
    };
    world.loop->scope().spawn(run());
    world.loop->run();
    return *out ? std::string("open") : std::string(row_of(out->error().type).name);
  };
  EXPECT_EQ(come_to(AuthorizationType::none), "open");
  for (const auto authorization : {AuthorizationType::custom, AuthorizationType::cognito_user_pools, AuthorizationType::jwt})
    EXPECT_EQ(come_to(authorization), "AUTHORIZER_CONFIGURATION_ERROR");
}

TEST_F(AuthorizedTest, OverlongMethodArnsAreRefused) {
  guard("TOKEN", "method.request.header.Authorization", 0);
  answer = policy_text("Allow", "*");
  EXPECT_EQ(get(cat("/pets/", std::string(1500, 'x'))).status, 200);
  EXPECT_EQ(get(cat("/pets/", std::string(1600, 'x'))).status, 414);
}

TEST(IamCircumstances, SayWhetherTheRequestCameOverTls) {
  const auto of = [](std::shared_ptr<const io::TlsFacts> tls) {
    Exchange exchange{RequestId("r"), "", {}, {}, http::assemble_request("GET", "/", {{"Host", "a"}, {"User-Agent", "u"}}),
                      "192.0.2.1",    {}};
    exchange.tls = std::move(tls);
    exchange.stage = std::make_shared<Stage>();
    return circumstances_of(exchange);
  };
  EXPECT_FALSE(of(nullptr).secure_transport);
  EXPECT_TRUE(of(std::make_shared<const io::TlsFacts>()).secure_transport) << "or aws:SecureTransport refuses everybody";
  EXPECT_EQ(of(nullptr).user_agent, "u") << "InvalidateCache is decided by these as well";
}

}  // namespace
}  // namespace sallyport::gateway
