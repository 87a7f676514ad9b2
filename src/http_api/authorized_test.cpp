// Who is let in, what authorizers see, what is kept: end to end through the data plane.
#include "http_api/authorized.hpp"

#include <type_traits>

#include "http_api/integration.hpp"
#include "http_api/testing.hpp"
#include "identity/signer.hpp"
#include "json/write.hpp"

namespace sallyport::http_api {
namespace {

using gateway::testing::policy_text;
using testing::FakeInvoker;
using testing::HttpWorld;

// No proof without `authorize`, and no call without a proof.
static_assert(!std::is_constructible_v<Authorized, HttpExchange&> && !std::is_copy_constructible_v<Authorized>);
static_assert(!std::is_invocable_v<decltype(&call_integration), const Services&, io::Loop&, HttpExchange&, serve::BodyReader&>);

constexpr std::string_view unauthorized = R"({"message":"Unauthorized"})", forbidden = R"({"message":"Forbidden"})",
                           internal_error = R"({"message":"Internal Server Error"})";

class HttpAuthorizedTest : public ::testing::Test {
 public:
  void SetUp() override {
    world.invoker.functions["backend"] = [this](const std::string& event) {
      backend_event = event;
      return FakeInvoker::Ending{R"({"statusCode":200,"body":"in"})"};
    };
    world.invoker.functions["check"] = [this](const std::string& event) {
      check_event = event;
      return ending ? ending(event) : FakeInvoker::Ending{answer};
    };
    backend = world.function("backend");
  }
  static std::string at(const std::string& text, std::string_view path) {
    const auto parsed = json::parse(text);
    const auto* value = &*parsed;
    for (auto name : split(path, '/')) {
      value = value->find(name);
      if (!value) return "absent";
    }
    return value->string() ? *value->string() : json::to_text(*value);
  }
  void expect_refused(const testing::Answer& got, int status, std::string_view body) {
    EXPECT_EQ(got.status, status);
    EXPECT_EQ(got.body, body);
    EXPECT_EQ(got.header("x-amzn-ErrorType"), "");
    EXPECT_EQ(world.invoker.count("backend"), let_in) << "nobody else reaches the backend";
  }
  void expect_let_in(const testing::Answer& got) {
    EXPECT_EQ(got.status, 200) << got.body << " " << (world.trace(got) ? world.trace(got)->detail : std::string());
    EXPECT_EQ(world.invoker.count("backend"), ++let_in);
  }

  std::string backend, backend_event, check_event, answer;
  std::function<FakeInvoker::Ending(const std::string&)> ending;
  int let_in = 0;
  HttpWorld world;  // the last: it finishes calls under way when it goes
};

// ---- JWT

class JwtTest : public HttpAuthorizedTest {
 public:
  void SetUp() override {
    HttpAuthorizedTest::SetUp();
    id = world.jwt_authorizer();
    world.route("GET /jwt", backend, "JWT", id);
    world.route("GET /scoped", backend, "JWT", id, {"pets/read", "pets/write"});
    world.publish();
  }
  testing::Answer get(std::string_view target, const std::string& token) {
    return world.send("GET", target, {cat("Authorization: Bearer ", token)});
  }
  std::string id;
};

TEST_F(JwtTest, AGoodTokenAndItsClaims) {
  expect_let_in(get("/jwt", world.token({{"groups", json::Array{"a", "b c"}}, {"ok", true}, {"n", 7}})));
  EXPECT_EQ(at(backend_event, "requestContext/authorizer"),
            R"({"jwt":{"claims":{"iss":"https://issuer.example.com","aud":"client","sub":"alice","exp":"1700003600",)"
            R"("groups":"[a b c]","ok":"true","n":"7"},"scopes":null}})");
  expect_let_in(world.send("GET", "/jwt", {cat("authorization: ", world.token())}));
  expect_let_in(world.send("GET", "/jwt", {cat("Authorization: bearer ", world.token())}));
}

TEST_F(JwtTest, WithoutATokenTheSchemeIsNamed) {
  for (const auto& headers : {std::vector<std::string>{}, {"Authorization:"}, {"Authorisation: x"}}) {
    const auto got = world.send("GET", "/jwt", headers);
    expect_refused(got, 401, unauthorized);
    EXPECT_EQ(got.header("www-authenticate"), "Bearer");
  }
  expect_refused(world.send("GET", "/jwt", {cat("Authorization: ", world.token()), "Authorization: x"}), 401, unauthorized);
}

TEST_F(JwtTest, BadTokensAreToldWhy) {
  auto got = get("/jwt", "abc");
  expect_refused(got, 401, unauthorized);
  EXPECT_EQ(got.header("www-authenticate"),
            R"(Bearer scope="" error="invalid_token" error_description="token contains an invalid number of segments")");
  got = get("/jwt", world.token({{"aud", "stranger"}}));
  expect_refused(got, 401, unauthorized);
  EXPECT_EQ(got.header("www-authenticate"),
            R"(Bearer scope="" error="invalid_token" error_description="the token does not have a valid audience")");
  expect_refused(get("/jwt", world.token({{"exp", 1'699'999'999}})), 401, unauthorized);
  expect_refused(get("/jwt", world.token({{"iss", "https://issuer.example.com/"}})), 401, unauthorized);
  expect_refused(get("/jwt", world.token({}, "RS256", "forged")), 401, unauthorized);
  for (const auto* algorithm : {"none", "HS256", "ES256", "PS256x"})
    expect_refused(get("/jwt", world.token({}, algorithm)), 401, unauthorized);
}

TEST_F(JwtTest, ClientIdStandsInForAMissingAudience) {
  json::Value claims(json::Object{{"iss", HttpWorld::issuer}, {"client_id", "client"}, {"exp", 1'700'003'600}});
  expect_let_in(get("/jwt", testing::FakeIssuers::token(claims)));
  claims.set("aud", "stranger");
  expect_refused(get("/jwt", testing::FakeIssuers::token(claims)), 401, unauthorized);
}

TEST_F(JwtTest, OneOfTheRoutesScopesIsEnough) {
  expect_let_in(get("/scoped", world.token({{"scope", "openid pets/write"}})));
  EXPECT_EQ(at(backend_event, "requestContext/authorizer/jwt/scopes"), R"(["openid","pets/write"])");
  expect_let_in(get("/scoped", world.token({{"scp", json::Array{"pets/read"}}})));
  for (const auto& token : {world.token(), world.token({{"scope", "pets"}}), world.token({{"scope", "pets/readx"}})}) {
    const auto got = get("/scoped", token);
    expect_refused(got, 403, forbidden);
    EXPECT_TRUE(got.header("www-authenticate").starts_with(R"(Bearer scope="pets/read pets/write" error="insufficient_scope")"))
        << got.header("www-authenticate");
  }
}

TEST_F(JwtTest, AnIssuerNobodyReachesLetsNobodyIn) {
  world.issuers.out_of_reach = true;
  const auto got = get("/jwt", world.token());
  expect_refused(got, 401, unauthorized);
  EXPECT_EQ(got.header("www-authenticate"),
            R"(Bearer scope="" error="invalid_token" error_description="OIDC discovery endpoint communication error")");
  Choices choices;
  choices.keys_unavailable = Choices::KeysUnavailable::internal_error;
  world.publish(choices);
  expect_refused(get("/jwt", world.token()), 500, internal_error);
}

TEST_F(JwtTest, TheTokenMayStandInTheQuery) {
  world.route("GET /query", backend, "JWT", world.jwt_authorizer("$request.querystring.token"));
  world.publish();
  expect_let_in(world.send("GET", cat("/query?token=", world.token())));
  expect_refused(world.send("GET", "/query?Token=x", {cat("Authorization: ", world.token())}), 401, unauthorized);
}

TEST_F(JwtTest, ClaimsInFormat1) {
  world.route("GET /one", world.function("backend", "1.0"), "JWT", id);
  world.publish();
  expect_let_in(get("/one", world.token()));
  EXPECT_EQ(at(backend_event, "requestContext/authorizer/claims/sub"), "alice");
  EXPECT_EQ(at(backend_event, "requestContext/authorizer/scopes"), "null");
}

// ---- REQUEST

class RequestAuthorizerTest : public HttpAuthorizedTest {
 public:
  void guard(std::vector<std::string> sources, int ttl_s, bool simple, std::string version = "2.0") {
    const auto id = world.lambda_authorizer("check", std::move(sources), ttl_s, simple, std::move(version));
    world.route("GET /pets", backend, "CUSTOM", id);
    world.route("POST /pets", backend, "CUSTOM", id);
    world.route("GET /pets/{id}", backend, "CUSTOM", id);
    world.publish();
  }
  testing::Answer get(std::string_view target, std::vector<std::string> headers = {"Authorization: t"}) {
    return world.send("GET", target, std::move(headers));
  }
  static std::string arn(std::string_view rest) { return cat("arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/$default/", rest); }
};

TEST_F(RequestAuthorizerTest, TheEventOfFormat2) {
  guard({"$request.header.Authorization", "$request.querystring.q"}, 0, true);
  answer = R"({"isAuthorized":true})";
  expect_let_in(get("/pets/7?q=a&q=b", {"Authorization: t", "Cookie: c=1"}));
  std::vector<std::string> keys;
  const auto parsed = json::parse(check_event);
  for (const auto& [key, ignored] : *parsed->object()) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"version", "type", "routeArn", "identitySource", "routeKey", "rawPath", "rawQueryString",
                                            "cookies", "headers", "queryStringParameters", "requestContext", "pathParameters"}));
  EXPECT_EQ(at(check_event, "type"), "REQUEST");
  EXPECT_EQ(at(check_event, "routeArn"), arn("GET/pets/7"));
  EXPECT_EQ(at(check_event, "identitySource"), R"(["t","a,b"])");
  EXPECT_EQ(at(check_event, "routeKey"), "GET /pets/{id}");
  EXPECT_EQ(at(check_event, "requestContext/authorizer"), "absent");
  EXPECT_EQ(at(check_event, "headers/authorization"), "t");
  EXPECT_EQ(world.invoker.calls.front().request.caller.source_arn,
            cat("arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/authorizers/",
                world.state.apis.at(world.api_id)->draft->authorizers.begin()->first));
}

TEST_F(RequestAuthorizerTest, TheEventOfFormat1) {
  guard({"$request.header.Authorization", "$request.header.X-More"}, 0, false, "1.0");
  answer = policy_text("Allow", "*");
  expect_let_in(get("/pets/7", {"Authorization: t", "x-more: m"}));
  EXPECT_EQ(at(check_event, "version"), "1.0");
  EXPECT_EQ(at(check_event, "methodArn"), arn("GET/pets/7"));
  EXPECT_EQ(at(check_event, "identitySource"), "t,m");
  EXPECT_EQ(at(check_event, "authorizationToken"), "t,m");
  EXPECT_EQ(at(check_event, "resource"), "/pets/{id}");
  EXPECT_EQ(at(check_event, "pathParameters"), R"({"id":"7"})");
  EXPECT_EQ(at(check_event, "queryStringParameters"), "{}");
  EXPECT_EQ(at(check_event, "requestContext/resourcePath"), "/pets/{id}");
}

TEST_F(RequestAuthorizerTest, EverySourceMustBeThere) {
  guard({"$request.header.Authorization", "$request.querystring.q", "$stageVariables.v"}, 0, true);
  world.stage("dev", {{"v", "1"}});
  world.publish();
  answer = R"({"isAuthorized":true})";
  expect_refused(world.send("GET", "/dev/pets?q=1"), 401, unauthorized);
  expect_refused(get("/dev/pets"), 401, unauthorized);
  expect_refused(get("/dev/pets?q="), 401, unauthorized);
  expect_refused(get("/dev/pets?Q=1"), 401, unauthorized);
  expect_refused(get("/pets?q=1"), 401, unauthorized);
  EXPECT_EQ(world.invoker.count("check"), 0);
  expect_let_in(get("/dev/pets?q=1", {"AUTHORIZATION: t"}));
}

TEST_F(RequestAuthorizerTest, SimpleResponses) {
  guard({"$request.header.Authorization"}, 0, true);
  answer = R"({"isAuthorized":true,"context":{"text":"a","list":[1,{"b":null}]}})";
  expect_let_in(get("/pets"));
  EXPECT_EQ(at(backend_event, "requestContext/authorizer"), R"({"lambda":{"text":"a","list":[1,{"b":null}]}})");
  answer = R"({"isAuthorized":true})";
  expect_let_in(get("/pets"));
  EXPECT_EQ(at(backend_event, "requestContext/authorizer"), R"({"lambda":null})");
  answer = R"({"isAuthorized":false})";
  const auto got = get("/pets");
  expect_refused(got, 403, forbidden);
  EXPECT_EQ(world.trace(got)->verdict, Verdict::denied_by_authorizer);
  for (const auto* broken : {R"({"isAuthorized":"true"})", R"({"isAuthorized":1})", "{}", "true", R"({"isAuthorized":true,"context":[]})",
                             R"({"isAuthorized":true,"isAuthorized":false})", "null", "{"}) {
    answer = broken;
    expect_refused(get("/pets"), 500, internal_error);
  }
  answer = policy_text("Allow", "*");
  expect_refused(get("/pets"), 500, internal_error);
}

TEST_F(RequestAuthorizerTest, PoliciesAreDecidedByTheEngine) {
  guard({"$request.header.Authorization"}, 0, false);
  const auto with = [&](std::string text) {
    answer = std::move(text);
    return get("/pets/7");
  };
  expect_let_in(with(policy_text("Allow", arn("GET/pets/*"), R"(,"context":{"n":7,"deep":{"a":[1]}})")));
  EXPECT_EQ(at(backend_event, "requestContext/authorizer"), R"({"lambda":{"n":7,"deep":{"a":[1]}}})");
  expect_refused(with(policy_text("Allow", arn("POST/pets/*"))), 403, forbidden);
  auto got = with(policy_text("Deny", "*"));
  expect_refused(got, 403, forbidden);
  EXPECT_EQ(world.trace(got)->verdict, Verdict::denied_explicitly);
  const auto statement = [](std::string_view range) {
    return cat(
        R"({"principalId":"p","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Allow",)",
        R"("Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":")", range, R"("}}}]}})");
  };
  expect_refused(with(statement("203.0.113.0/24")), 403, forbidden);
  for (const auto* broken : {R"({"principalId":"p"})", R"({"policyDocument":{"Version":"2012-10-17","Statement":[]}})",
                             R"({"principalId":"p","policyDocument":{"Statement":[{"Effect":"Perhaps","Action":"*","Resource":"*"}]}})",
                             R"({"isAuthorized":true})"})
    expect_refused(with(broken), 500, internal_error);
}

TEST_F(RequestAuthorizerTest, Format1TakesPlainContextAlone) {
  guard({"$request.header.Authorization"}, 0, false, "1.0");
  answer = policy_text("Allow", "*", R"(,"context":{"n":7,"s":"a"})");
  expect_let_in(get("/pets"));
  answer = policy_text("Allow", "*", R"(,"context":{"list":[]})");
  expect_refused(get("/pets"), 500, internal_error);
}

TEST_F(RequestAuthorizerTest, FailuresLetNobodyIn) {
  guard({"$request.header.Authorization"}, 60, true);
  ending = [](const std::string&) { return FakeInvoker::fails(R"({"errorMessage":"Unauthorized"})"); };
  expect_refused(get("/pets"), 401, unauthorized);
  ending = [](const std::string&) { return FakeInvoker::fails(R"({"errorMessage":"unauthorized"})"); };
  expect_refused(get("/pets"), 500, internal_error);
  ending = [](const std::string&) { return FakeInvoker::refuses("AccessDeniedException", 403); };
  expect_refused(get("/pets"), 500, internal_error);
  ending = nullptr;
  answer = R"({"isAuthorized":true})";
  expect_let_in(get("/pets"));
  EXPECT_EQ(world.invoker.count("check"), 4) << "failures are not kept";
}

TEST_F(RequestAuthorizerTest, AnAnswerIsKeptForAllRoutesOfTheAuthorizer) {
  guard({"$request.header.Authorization"}, 60, true);
  answer = R"({"isAuthorized":true})";
  expect_let_in(get("/pets"));
  answer = R"({"isAuthorized":false})";
  expect_let_in(get("/pets/7"));
  expect_let_in(world.send("POST", "/pets", {"Authorization: t"}));
  EXPECT_EQ(world.invoker.count("check"), 1);
  expect_refused(get("/pets", {"Authorization: other"}), 403, forbidden);
  expect_refused(get("/pets/7", {"Authorization: other"}), 403, forbidden);
  EXPECT_EQ(world.invoker.count("check"), 2) << "a no is kept as well";
  world.clock.now += std::chrono::seconds(60);
  expect_refused(get("/pets"), 403, forbidden);
  EXPECT_EQ(world.invoker.count("check"), 3);
}

TEST_F(RequestAuthorizerTest, TheRouteCountsWhenItIsASource) {
  guard({"$request.header.Authorization", "$context.routeKey"}, 60, true);
  answer = R"({"isAuthorized":true})";
  expect_let_in(get("/pets/7"));
  expect_let_in(get("/pets/8"));
  EXPECT_EQ(world.invoker.count("check"), 1);
  answer = R"({"isAuthorized":false})";
  expect_refused(get("/pets"), 403, forbidden);
  EXPECT_EQ(world.invoker.count("check"), 2);
}

TEST_F(RequestAuthorizerTest, APolicyIsKeptAndAskedAnew) {
  guard({"$request.header.Authorization"}, 60, false);
  answer = policy_text("Allow", arn("GET/pets"));
  expect_let_in(get("/pets"));
  expect_refused(get("/pets/7"), 403, forbidden);
  expect_refused(world.send("POST", "/pets", {"Authorization: t"}), 403, forbidden);
  EXPECT_EQ(world.invoker.count("check"), 1);
}

TEST_F(RequestAuthorizerTest, NoTwoTuplesOfValuesShareAnAnswer) {
  guard({"$request.header.a", "$request.header.b"}, 60, true);
  answer = R"({"isAuthorized":true})";
  expect_let_in(get("/pets", {"a: x,y", "b: z"}));
  answer = R"({"isAuthorized":false})";
  expect_refused(get("/pets", {"a: x", "b: y,z"}), 403, forbidden);
  expect_refused(get("/pets", {"a: x", "a: y", "b: z"}), 403, forbidden);
  EXPECT_EQ(world.invoker.count("check"), 3);
}

TEST_F(RequestAuthorizerTest, ADeploymentEndsWhatIsKeptAndALimitDoesNot) {
  guard({"$request.header.Authorization"}, 60, true);
  answer = R"({"isAuthorized":true})";
  expect_let_in(get("/pets"));
  StageInput limits;
  limits.default_route_settings = RouteSettings{std::nullopt, 100, 100};
  ASSERT_TRUE(world.operations.update_stage(world.api_id, "$default", std::move(limits)));
  world.publish();
  expect_let_in(get("/pets"));
  EXPECT_EQ(world.invoker.count("check"), 1);
  world.route("GET /new", backend);
  world.publish();
  expect_let_in(get("/pets"));
  EXPECT_EQ(world.invoker.count("check"), 2);
  ASSERT_TRUE(world.operations.reset_authorizers_cache(world.api_id, "$default"));
  world.publish();
  expect_let_in(get("/pets"));
  EXPECT_EQ(world.invoker.count("check"), 3);
}

TEST_F(RequestAuthorizerTest, EqualCallsUnderWayAreOneCall) {
  guard({"$request.header.Authorization"}, 60, true);
  answer = R"({"isAuthorized":true})";
  world.invoker.holding = true;
  const std::vector<std::string> texts(8, world.request_text("GET", "/pets", {"Authorization: t"}));
  for (const auto& got : world.send_all(texts, [this] { world.invoker.release(); })) EXPECT_EQ(got.status, 200);
  EXPECT_EQ(world.invoker.count("check"), 1);
  EXPECT_EQ(world.invoker.count("backend"), 8);
}

TEST_F(RequestAuthorizerTest, WithCredentialsItIsCalledAsThatRole) {
  AuthorizerInput input;
  input.type = "REQUEST";
  input.uri = cat("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/", HttpWorld::function_arn("check"), "/invocations");
  input.payload_format_version = "2.0";
  input.identity_sources = {"$request.header.Authorization"};
  input.simple_responses = true;
  input.credentials = "arn:aws:iam::123456789012:role/r";
  world.route("GET /role", backend, "CUSTOM", world.authorizer(std::move(input)));
  world.publish();
  answer = R"({"isAuthorized":true})";
  expect_refused(get("/role"), 500, internal_error);
  EXPECT_EQ(world.invoker.count("check"), 0) << "there is no such role";
  aws::Caller session;
  session.kind = aws::CallerKind::role_session;
  session.arn = "arn:aws:sts::123456789012:assumed-role/r/s";
  world.identity.roles["arn:aws:iam::123456789012:role/r"] = std::make_shared<const aws::Caller>(session);
  expect_refused(get("/role"), 500, internal_error);
  world.identity.verdicts[session.arn] = {policy::Outcome::allowed};
  expect_let_in(get("/role"));
}

TEST_F(RequestAuthorizerTest, ARouteWhoseAuthorizerIsGoneIsNotOpen) {
  world.route("$default", backend);
  guard({"$request.header.Authorization"}, 0, true);
  auto& api = world.state.apis.at(world.api_id).edit();
  auto broken = *api.deployments.at(api.stages.at("$default").deployment_id)->definition;
  broken.authorizers.clear();
  api.deployments.at(api.stages.at("$default").deployment_id).edit().definition = std::make_shared<const Definition>(std::move(broken));
  world.stages.publish(world.state);
  expect_refused(get("/pets"), 500, internal_error);
}

// ---- AWS_IAM

class IamTest : public HttpAuthorizedTest {
 public:
  void SetUp() override {
    HttpAuthorizedTest::SetUp();
    world.route("ANY /iam", backend, "AWS_IAM");
    world.publish();
    aws::Caller alice;
    alice.kind = aws::CallerKind::user;
    alice.account_id = "123456789012";
    alice.arn = "arn:aws:iam::123456789012:user/alice";
    alice.user_id = "AIDAALICE";
    alice.access_key_id = "AKIAALICE";
    identity::Credential credential{"AKIAALICE", crypto::Secret("secret")};
    credential.caller = std::make_shared<const aws::Caller>(alice);
    world.identity.keys["AKIAALICE"] = std::make_shared<const identity::Credential>(std::move(credential));
  }
  testing::Answer call(std::string_view secret = "secret", std::string_view service = "execute-api", std::string_view body = "x",
                       std::string_view signed_body = "x") {
    const std::vector<http::Header> headers{{"Host", cat(world.domain(), ":4566")}};
    std::vector<std::string> lines;
    for (const auto& [name, value] : identity::sign({"AKIAALICE", crypto::Secret(std::string(secret)), {}}, "us-east-1", service, "POST",
                                                    "/iam", headers, signed_body, world.clock.wall_now()))
      lines.push_back(cat(name, ": ", value));
    return world.send("POST", "/iam", lines, body);
  }
};

TEST_F(IamTest, TheCallersPoliciesDecide) {
  expect_refused(call(), 403, forbidden);
  EXPECT_EQ(world.identity.asked.back().action, "execute-api:Invoke");
  EXPECT_EQ(world.identity.asked.back().resource, "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/$default/POST/iam");
  world.identity.verdicts["arn:aws:iam::123456789012:user/alice"] = {policy::Outcome::allowed};
  expect_let_in(call());
  EXPECT_EQ(at(backend_event, "requestContext/authorizer"),
            R"({"iam":{"accessKey":"AKIAALICE","accountId":"123456789012","callerId":"AIDAALICE","cognitoIdentity":null,)"
            R"("principalOrgId":null,"userArn":"arn:aws:iam::123456789012:user/alice","userId":"AIDAALICE"}})");
  EXPECT_EQ(at(backend_event, "headers/authorization"), "absent");
  EXPECT_EQ(at(backend_event, "body"), "x");
}

TEST_F(IamTest, WhatIsNotSignedByAKnownKeyIsForbidden) {
  world.identity.verdicts["arn:aws:iam::123456789012:user/alice"] = {policy::Outcome::allowed};
  expect_refused(world.send("POST", "/iam"), 403, forbidden);
  expect_refused(world.send("POST", "/iam", {"Authorization: Bearer x"}), 403, forbidden);
  expect_refused(call("wrong"), 403, forbidden);
  expect_refused(call("secret", "lambda"), 403, forbidden);
  expect_refused(call("secret", "execute-api", "y", "x"), 403, forbidden);
  world.clock.wall += std::chrono::minutes(6);
  world.identity.keys.clear();
  expect_refused(call(), 403, forbidden);
}

}  // namespace
}  // namespace sallyport::http_api
