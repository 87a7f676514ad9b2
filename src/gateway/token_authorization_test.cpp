// Authorizers that read tokens, end to end through the gateway: whose tokens open which method, and what the backend is told.
#include <random>

#include "gateway/claims.hpp"
#include "gateway/testing.hpp"
#include "gateway/trace.hpp"

namespace sallyport::gateway {
namespace {

using testing::FakeInvoker;
using testing::FakeIssuers;
using testing::World;

constexpr std::string_view pool_arn = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_abc";
constexpr std::string_view pool = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_abc";
constexpr std::string_view unauthorized = R"({"message":"Unauthorized"})";

json::Object claims_of(std::string_view issuer, std::string_view use) {
  return {{"iss", issuer},          {"sub", "s-1"},          {"token_use", use},
          {"exp", 1'700'003'600},   {"iat", 1'700'000'000},  {"auth_time", 1'699'999'999},
          {"email_verified", true}, {"custom:role", "admin"}};
}
json::Object with(json::Object claims, std::string_view name, json::Value value) {
  std::erase_if(claims, [&](const json::Member& member) { return member.first == name; });
  claims.emplace_back(name, std::move(value));
  return claims;
}
json::Object id_claims() { return with(claims_of(pool, "id"), "aud", "client1"); }
json::Object access_claims(std::string_view scope) { return with(claims_of(pool, "access"), "scope", scope); }

class TokenAuthorizationTest : public ::testing::Test {
 public:
  void SetUp() override {
    world.invoker.functions["backend"] = [this](const std::string& event) {
      last_event = *json::parse(event);
      return FakeInvoker::Ending{R"({"statusCode":200,"body":"in"})"};
    };
  }
  std::string make_authorizer(CreateAuthorizerRequest request) {
    request.rest_api_id = world.api_id;
    request.id = request.name = cat("auth", world.state.apis.at(world.api_id)->draft->authorizers.size());
    request.identity_source = "method.request.header.Authorization";
    const auto id = request.id;
    const auto made = world.operations.create_authorizer(std::move(request));
    EXPECT_TRUE(made) << made.error().message;
    return id;
  }
  std::string pool_authorizer(std::string expression = {}) {
    CreateAuthorizerRequest request;
    request.type = "COGNITO_USER_POOLS";
    request.provider_arns = {std::string(pool_arn)};
    request.identity_validation_expression = std::move(expression);
    return make_authorizer(std::move(request));
  }
  void method(std::string_view path, std::string type, std::string authorizer, std::vector<std::string> scopes = {}) {
    PutMethodRequest request{world.api_id, world.resource(path), "GET", std::move(type), std::move(authorizer)};
    request.authorization_scopes = std::move(scopes);
    const auto made = world.operations.put_method(std::move(request));
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_TRUE(
        world.operations.put_integration({world.api_id, world.resource(path), "GET", "AWS_PROXY", World::function_uri("backend"), "POST"}));
  }
  testing::Answer get(std::string_view path, std::string_view token) { return world.send("GET", path, {cat("Authorization: ", token)}); }
  int status(std::string_view path, const json::Object& claims) { return get(path, FakeIssuers::token(claims)).status; }
  std::string why(const testing::Answer& answer) { return world.trace(answer)->detail; }

  World world;
  json::Value last_event;
};

TEST_F(TokenAuthorizationTest, AnIdTokenWithoutScopesAnAccessTokenWithThem) {
  const auto id = pool_authorizer();
  method("/id", "COGNITO_USER_POOLS", id);
  method("/scoped", "COGNITO_USER_POOLS", id, {"res/read", "res/write"});
  world.deploy();
  EXPECT_EQ(status("/id", id_claims()), 200);
  EXPECT_EQ(get("/id", cat("Bearer ", FakeIssuers::token(id_claims()))).status, 200);
  EXPECT_EQ(status("/id", access_claims("res/read")), 401);
  EXPECT_EQ(status("/scoped", access_claims("x/y res/write")), 200);
  EXPECT_EQ(status("/scoped", access_claims("res/other")), 401) << "a missing scope is 401 here";
  EXPECT_EQ(status("/scoped", with(id_claims(), "scope", "res/read")), 401) << "an ID token has no scopes that count";
  EXPECT_EQ(status("/id", with(id_claims(), "token_use", "ID")), 401);
  EXPECT_EQ(status("/id", with(id_claims(), "iss", "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_other")), 401);
  EXPECT_EQ(world.send("GET", "/id").body, unauthorized);
  EXPECT_EQ(get("/id", "nonsense").body, unauthorized);
}

TEST_F(TokenAuthorizationTest, AKnownTokenIsJudgedAllTheSame) {
  world.issuers.remembers = true;
  const auto id = pool_authorizer();
  method("/id", "COGNITO_USER_POOLS", id);
  method("/scoped", "COGNITO_USER_POOLS", id, {"res/read"});
  world.deploy();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(status("/id", id_claims()), 200);
    EXPECT_EQ(*last_event.find("requestContext")->find("authorizer")->find("claims")->find("sub"), "s-1");
    EXPECT_EQ(status("/scoped", id_claims()), 401) << "an ID token has no scopes that count";
    EXPECT_EQ(status("/scoped", access_claims("res/other")), 401);
    EXPECT_EQ(status("/id", access_claims("res/other")), 401);
  }
  EXPECT_EQ(world.issuers.verified, 2) << "each token once";
  EXPECT_EQ(get("/id", FakeIssuers::token(id_claims(), "RS256", "forged")).body, unauthorized);
}

TEST_F(TokenAuthorizationTest, RefusalsAsAwsGivesThem) {
  method("/id", "COGNITO_USER_POOLS", pool_authorizer());
  world.deploy();
  const auto expired = get("/id", FakeIssuers::token(with(id_claims(), "exp", 1'700'000'000)));
  EXPECT_EQ(expired.status, 401);
  EXPECT_EQ(expired.body, R"({"message":"The incoming token has expired"})");
  EXPECT_EQ(expired.header("x-amzn-ErrorType"), "UnauthorizedException");
  EXPECT_EQ(get("/id", FakeIssuers::token(id_claims(), "ES256")).body, unauthorized) << "RS256 and nothing else";
  EXPECT_EQ(get("/id", FakeIssuers::token(id_claims(), "RS256", "forged")).body, unauthorized);
  world.issuers.out_of_reach = true;
  const auto broken = get("/id", FakeIssuers::token(id_claims()));
  EXPECT_EQ(broken.status, 500);
  EXPECT_EQ(broken.body, R"({"message":null})");
  EXPECT_EQ(broken.header("x-amzn-ErrorType"), "AuthorizerConfigurationException");
}

TEST_F(TokenAuthorizationTest, TheExpressionIsMatchedWithTheAudience) {
  const auto id = pool_authorizer("client[12]");
  method("/id", "COGNITO_USER_POOLS", id);
  method("/scoped", "COGNITO_USER_POOLS", id, {"a/b"});
  world.deploy();
  EXPECT_EQ(status("/id", id_claims()), 200);
  EXPECT_EQ(status("/id", with(id_claims(), "aud", "client3")), 401);
  EXPECT_EQ(status("/id", with(id_claims(), "aud", "xclient1")), 401) << "all of it";
  EXPECT_EQ(status("/scoped", access_claims("a/b")), 401) << "an access token has no aud";
}

TEST_F(TokenAuthorizationTest, ClaimsAreTextAndTheOnlyThingTheBackendIsTold) {
  method("/id", "COGNITO_USER_POOLS", pool_authorizer());
  world.deploy();
  const auto claims = with(id_claims(), "cognito:groups", json::Array{"a", "b"});
  const auto answer = get("/id", FakeIssuers::token(claims));
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(json::to_text(*last_event.find("requestContext")->find("authorizer")),
            R"({"claims":{"iss":"https://cognito-idp.us-east-1.amazonaws.com/us-east-1_abc","sub":"s-1","token_use":"id",)"
            R"("exp":"Tue Nov 14 23:13:20 UTC 2023","iat":"Tue Nov 14 22:13:20 UTC 2023","auth_time":"1699999999","email_verified":"true",)"
            R"("custom:role":"admin","aud":"client1","cognito:groups":"a,b"}})");
  const auto record = json::to_text(describe(*world.trace(answer)));
  EXPECT_TRUE(record.contains("allowed: the token is valid")) << record;
  EXPECT_TRUE(record.contains(R"("type":"COGNITO_USER_POOLS")")) << record;
  EXPECT_FALSE(record.contains(FakeIssuers::token(claims))) << "a token never stands in a trace";
  EXPECT_FALSE(record.contains(FakeIssuers::token(claims).substr(0, 30)));
}

TEST_F(TokenAuthorizationTest, ClaimsInTemplates) {
  const auto id = pool_authorizer();
  PutMethodRequest request{world.api_id, world.resource("/t"), "GET", "COGNITO_USER_POOLS", id};
  ASSERT_TRUE(world.operations.put_method(request));
  PutIntegrationRequest mock{world.api_id, world.resource("/t"), "GET", "MOCK"};
  mock.request_templates = {{"application/json", R"({"statusCode":200})"}};
  ASSERT_TRUE(world.operations.put_integration(mock));
  ASSERT_TRUE(world.operations.put_method_response(
      {world.api_id, world.resource("/t"), "GET", "200", {{"method.response.header.X-Sub", false}}, {}}));
  ASSERT_TRUE(world.operations.put_integration_response(
      {world.api_id,
       world.resource("/t"),
       "GET",
       "200",
       "",
       {{"method.response.header.X-Sub", "context.authorizer.claims.sub"}},
       {{"application/json", "$context.authorizer.claims.sub $context.authorizer.claims['custom:role'] $context.authorizer.claims.exp"}}}));
  ASSERT_TRUE(world.operations.put_gateway_response(
      {world.api_id, "ACCESS_DENIED", {}, {}, {{"application/json", "no, $context.authorizer.claims.sub$context.authorizer.claims"}}}));
  world.deploy();
  const auto answer = get("/t", FakeIssuers::token(id_claims()));
  EXPECT_EQ(answer.body, "s-1 admin Tue Nov 14 23:13:20 UTC 2023");
  EXPECT_EQ(answer.header("X-Sub"), "s-1");
}

TEST_F(TokenAuthorizationTest, TheResourcePolicyDecidesByItself) {
  const auto id = pool_authorizer();
  method("/id", "COGNITO_USER_POOLS", id);
  method("/other", "COGNITO_USER_POOLS", id);
  const auto policy = [&](std::string_view effect, std::string_view principal) {
    const auto document = cat(R"({"Version":"2012-10-17","Statement":[{"Effect":")", effect, R"(","Principal":)", principal,
                              R"(,"Action":"execute-api:Invoke","Resource":"execute-api:/*/GET/id"}]})");
    ASSERT_TRUE(world.operations.update_rest_api(world.api_id, {{"replace", "/policy", document, {}}}));
    world.deploy();
  };
  policy("Allow", "\"*\"");
  EXPECT_EQ(status("/id", id_claims()), 200);
  EXPECT_EQ(get("/id", "x").status, 401) << "the policy opens nothing to a bad token";
  EXPECT_EQ(status("/other", id_claims()), 403) << "silence denies";
  policy("Deny", "\"*\"");
  EXPECT_EQ(status("/id", id_claims()), 403);
  EXPECT_EQ(get("/id", "x").status, 401) << "the token is looked at first";
  policy("Allow", R"({"AWS":"arn:aws:iam::123456789012:root"})");
  EXPECT_EQ(status("/id", id_claims()), 403) << "names whom only IAM could authenticate";
}

JwtConfiguration two_issuers() {
  return *read_jwt_configuration(R"({"defaultAlgorithms":["RS256","ES256"],"issuers":[
      {"issuer":"https://a.example/","audiences":["one","two"],"additionalClaims":[
          {"claimName":"tenant","format":"single-string","expectedValues":["blue"],"required":true},
          {"claimName":"roles","format":"string-array","expectedValues":["admin","owner"]},
          {"claimName":"areas","format":"SPACE_SEPARATED_VALUES","expectedValues":["north"]}]},
      {"issuer":"https://b.example","audiences":["three"]}]})");
}

TEST_F(TokenAuthorizationTest, AnyIssuersTokens) {
  CreateAuthorizerRequest request;
  request.type = "JWT";
  request.jwt = two_issuers();
  const auto id = make_authorizer(std::move(request));
  method("/j", "JWT", id);
  method("/scoped", "JWT", id, {"s1", "s2"});
  world.deploy();
  json::Object good{
      {"iss", "https://a.example/"}, {"aud", "two"}, {"exp", 1'700'003'600}, {"tenant", "blue"}, {"n", 42}, {"t", "42"}, {"é", "ü"}};
  EXPECT_EQ(status("/j", good), 200);
  EXPECT_EQ(json::to_text(*last_event.find("requestContext")->find("authorizer")->find("claims")->find("n")), "42") << "types stay";
  EXPECT_EQ(get("/j", cat("bearer ", FakeIssuers::token(good, "ES256"))).status, 200);
  EXPECT_EQ(get("/j", FakeIssuers::token(good, "PS256")).status, 401);
  EXPECT_EQ(status("/j", with(good, "iss", "https://a.example")), 401) << "to the letter";
  EXPECT_EQ(status("/j", with(good, "aud", "three")), 401) << "each issuer has audiences of its own";
  EXPECT_EQ(status("/j", with(good, "tenant", "red")), 401);
  EXPECT_EQ(status("/j", with(good, "tenant", json::Array{"blue"})), 401) << "of another form";
  EXPECT_EQ(status("/j", with(good, "tenant", nullptr)), 401);
  EXPECT_EQ(status("/j", with(good, "roles", json::Array{"owner"})), 200);
  EXPECT_EQ(status("/j", with(good, "roles", json::Array{"guest"})), 401);
  EXPECT_EQ(status("/j", with(good, "roles", "owner")), 401);
  EXPECT_EQ(status("/j", with(good, "areas", "south north")), 200);
  EXPECT_EQ(status("/j", with(good, "areas", "south")), 401);
  EXPECT_EQ(status("/j", {{"iss", "https://b.example"}, {"aud", json::Array{"x", "three"}}, {"exp", 1'700'003'600}}), 200);
  const auto denied = get("/scoped", FakeIssuers::token(good));
  EXPECT_EQ(denied.status, 403);
  EXPECT_EQ(denied.body, R"({"message":"Forbidden"})");
  EXPECT_EQ(status("/scoped", with(good, "scp", json::Array{"s2"})), 200);
  EXPECT_EQ(get("/j", FakeIssuers::token(with(good, "exp", 1))).body, unauthorized);
}

TEST_F(TokenAuthorizationTest, ClaimsOfIssuersAreJsonTextInTemplates) {
  const json::Value claims = json::Object{{"n", 42}, {"t", "42"}, {"u", "ü\U0001F600"}, {"l", json::Array{"a", true}}};
  const auto text = [&](std::string_view name) { return claim_text(AuthorizerType::jwt, claims, name).value_or("-"); };
  EXPECT_EQ(text("n"), "42");
  EXPECT_EQ(text("t"), "\"42\"");
  EXPECT_EQ(text("u"), R"("\u00fc\ud83d\ude00")");
  EXPECT_EQ(text("l"), R"(["a",true])");
  EXPECT_EQ(text("nope"), "-");
}

TEST(JwtConfigurationTest, WhatCouldNotBeHonouredIsRefused) {
  const auto good = [](std::string_view text) { return read_jwt_configuration(text).has_value(); };
  const auto with_issuer = [&](std::string_view issuer, std::string_view algorithm = "RS256") {
    return good(cat(R"({"defaultAlgorithms":[")", algorithm, R"("],"issuers":[{"issuer":")", issuer, R"(","audiences":["a"]}]})"));
  };
  EXPECT_TRUE(with_issuer("https://a.example/x/"));
  EXPECT_TRUE(with_issuer("http://localhost:8080/x"));
  EXPECT_TRUE(with_issuer("http://[::1]:8080"));
  for (const auto issuer :
       {"http://a.example", "http://localhost.evil.example", "https://", "https:///x", "ftp://a", "https://a?x", "https://a#x", ""})
    EXPECT_FALSE(with_issuer(issuer)) << issuer;
  for (const auto algorithm : {"none", "HS256", "rs256", "", "EdDSA"}) EXPECT_FALSE(with_issuer("https://a", algorithm)) << algorithm;
  for (const auto text :
       {"", "[]", "{}", R"({"defaultAlgorithms":[],"issuers":[{"issuer":"https://a","audiences":["a"]}]})",
        R"({"defaultAlgorithms":["RS256"],"issuers":[]})",
        R"({"defaultAlgorithms":["RS256"],"issuers":[{"issuer":"https://a","audiences":[]}]})",
        R"({"defaultAlgorithms":["RS256"],"issuers":[{"issuer":"https://a","audiences":["a"],"jwksUri":"https://b"}]})",
        R"({"defaultAlgorithms":["RS256"],"issuers":[{"issuer":"https://a","audiences":["a"],"more":1}]})",
        R"({"defaultAlgorithms":["RS256"],"issuers":[{"issuer":"https://a","audiences":["a"],"additionalClaims":[{"claimName":"x"}]}]})"})
    EXPECT_FALSE(good(text)) << text;
}

// Whatever is done to a good token: it is refused, unless what it says and who signed it are what they were.
TEST_F(TokenAuthorizationTest, NoForgedTokenIsEverTaken) {
  method("/id", "COGNITO_USER_POOLS", pool_authorizer());
  world.deploy();
  std::mt19937 random(7);
  const auto pick = [&](std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random); };
  const auto good = FakeIssuers::token(id_claims());
  constexpr std::string_view alphabet = "ABCxyz019-_.=";
  for (int round = 0; round < 1500; ++round) {
    auto token = good;
    for (std::size_t changes = 1 + pick(3); changes-- > 0;) {
      const auto at = pick(token.size());
      switch (pick(4)) {
        case 0: token[at] = alphabet[pick(alphabet.size())]; break;
        case 1: token.erase(at, 1 + pick(5)); break;
        case 2: token.insert(at, 1, alphabet[pick(alphabet.size())]); break;
        case 3: token = cat(token.substr(at), token.substr(0, at)); break;
      }
      if (token.empty()) token = ".";
    }
    if (token == good) continue;
    ASSERT_EQ(get("/id", token).status, 401) << token;
  }
  for (const auto& claims : {with(id_claims(), "iss", "https://evil.example"), with(id_claims(), "token_use", "access"),
                             with(id_claims(), "exp", 1), with(id_claims(), "exp", "1700003600")})
    EXPECT_EQ(status("/id", claims), 401);
  const auto parts = split(good, '.');
  const auto none = to_base64url(R"({"alg":"none","kid":"k"})");
  for (const auto& token : {cat(none, ".", parts[1], "."), cat(none, ".", parts[1], ".", parts[2]), cat(parts[0], ".", parts[1]),
                            cat(parts[0], ".", parts[1], "."), cat(parts[0], "..", parts[2])})
    EXPECT_EQ(get("/id", token).status, 401) << token;
  EXPECT_EQ(get("/id", good).status, 200);
}

TEST_F(TokenAuthorizationTest, AnAuthorizerOfAnotherKindOpensNothing) {
  const auto id = pool_authorizer();
  method("/id", "COGNITO_USER_POOLS", id);
  // A state that operations would not make: the method is left out, nobody can call it.
  auto& definition = world.state.apis.at(world.api_id).edit().draft.edit();
  definition.authorizers.at(id).type = AuthorizerType::token;
  definition.authorizers.at(id).uri = World::function_uri("backend");
  world.deploy();
  EXPECT_EQ(status("/id", id_claims()), 403);
  EXPECT_EQ(world.send("GET", "/id").body, R"({"message":"Missing Authentication Token"})");
}

}  // namespace
}  // namespace sallyport::gateway
