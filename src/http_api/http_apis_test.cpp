// The pipeline besides authorization: stages, routes, CORS, events, integrations, the gateway's own answers.
#include "http_api/http_apis.hpp"

#include "base/encoding.hpp"
#include "http_api/testing.hpp"
#include "json/write.hpp"

namespace sallyport::http_api {
namespace {

using testing::FakeInvoker;
using testing::HttpWorld;

class HttpApisTest : public ::testing::Test {
 public:
  void SetUp() override {
    world.invoker.functions["f"] = [this](const std::string& event) {
      last_event = event;
      return ending;
    };
  }
  json::Value event() const { return *json::parse(last_event); }
  std::string at(std::string_view path) const {
    const auto parsed = event();
    const auto* value = &parsed;
    for (auto name : split(path, '/')) {
      value = value->find(name);
      if (!value) return "absent";
    }
    return value->string() ? *value->string() : json::to_text(*value);
  }
  testing::Answer answer_of(std::string payload) {
    ending.payload = std::move(payload);
    return world.send("GET", "/open");
  }

  FakeInvoker::Ending ending{R"({"statusCode":200,"body":"b"})"};
  std::string last_event;
  HttpWorld world;  // the last: it finishes calls under way when it goes
};

TEST_F(HttpApisTest, OwnAnswersHaveTheirIdAndNoErrorType) {
  world.route("GET /open", world.function("f"));
  world.publish();
  const auto answer = world.send("GET", "/nowhere");
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.body, R"({"message":"Not Found"})");
  EXPECT_EQ(answer.header("apigw-requestid").size(), 16u);
  EXPECT_EQ(answer.header("x-amzn-ErrorType"), "");
  EXPECT_EQ(answer.header("x-amzn-RequestId"), "");
  EXPECT_EQ(world.send("POST", "/open").status, 404);
  EXPECT_EQ(world.send("GET", "/open/").status, 404) << "a trailing slash is another path";
  EXPECT_EQ(world.send("GET", "/open").status, 200);
  EXPECT_EQ(world.answered_count, 4);
  ASSERT_TRUE(world.trace(answer));
  EXPECT_EQ(world.trace(answer)->refused, RefusalKind::not_found);
  Choices choices;
  choices.trailing_slash = Choices::TrailingSlash::ignored;
  world.publish(choices);
  EXPECT_EQ(world.send("GET", "/open/").status, 200);
}

TEST_F(HttpApisTest, TheMostSpecificRouteAnswers) {
  for (const auto* key : {"GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "ANY /pets/dog/{id}"})
    world.route(key, world.function("f"));
  world.publish();
  const auto route_of = [&](std::string_view method, std::string_view target) {
    last_event = "{}";
    world.send(method, target);
    return at("routeKey");
  };
  EXPECT_EQ(route_of("GET", "/pets/dog/1"), "GET /pets/dog/1");
  EXPECT_EQ(route_of("GET", "/pets/dog/2"), "GET /pets/dog/{id}");
  EXPECT_EQ(route_of("PUT", "/pets/dog/2"), "ANY /pets/dog/{id}");
  EXPECT_EQ(route_of("GET", "/pets/cat/1"), "GET /pets/{proxy+}");
  EXPECT_EQ(route_of("POST", "/pets/cat/1"), "ANY /{proxy+}");
  EXPECT_EQ(at("pathParameters/proxy"), "pets/cat/1");
  EXPECT_EQ(route_of("GET", "/"), "absent");
  world.route("$default", world.function("f"));
  world.publish();
  EXPECT_EQ(route_of("GET", "/"), "$default");
  EXPECT_EQ(at("pathParameters"), "absent");
  EXPECT_EQ(route_of("TRACE", "/"), "absent");
}

TEST_F(HttpApisTest, TheFirstSegmentNamesTheStageElseDefault) {
  world.route("ANY /pets", world.function("f"));
  world.route("GET /", world.function("f"));
  world.stage("dev", {{"v", "1"}});
  world.publish();
  EXPECT_EQ(world.send("GET", "/pets").status, 200);
  EXPECT_EQ(at("requestContext/stage"), "$default");
  EXPECT_EQ(at("rawPath"), "/pets");
  EXPECT_EQ(at("stageVariables"), "absent");
  EXPECT_EQ(world.send("GET", "/dev/pets").status, 200);
  EXPECT_EQ(at("requestContext/stage"), "dev");
  EXPECT_EQ(at("rawPath"), "/dev/pets");
  EXPECT_EQ(at("requestContext/http/path"), "/dev/pets");
  EXPECT_EQ(at("stageVariables/v"), "1");
  EXPECT_EQ(world.send("GET", "/dev").status, 200);
  EXPECT_EQ(at("routeKey"), "GET /");
  EXPECT_EQ(world.send("GET", "/$default/pets").status, 404) << "$default has no name in paths";
  StageInput empty;
  ASSERT_TRUE(world.operations.create_stage(world.api_id, "bare", std::move(empty)));
  world.publish();
  EXPECT_EQ(world.send("GET", "/bare/pets").status, 404) << "nothing is deployed there, and it is not $default";
}

TEST_F(HttpApisTest, KnowsItsApisAndForgetsThoseThatAreGone) {
  world.route("GET /open", world.function("f"));
  world.publish();
  EXPECT_TRUE(world.apis.has(world.api_id));
  EXPECT_FALSE(world.apis.has("zzzzzzzzzz"));
  ASSERT_TRUE(world.operations.delete_api(world.api_id));
  world.stages.publish(world.state);
  EXPECT_FALSE(world.apis.has(world.api_id));
  EXPECT_EQ(world.send("GET", "/open").status, 404);
}

TEST_F(HttpApisTest, ADisabledEndpointServesCustomDomainsAlone) {
  world.route("GET /open", world.function("f"));
  ApiInput input;
  input.disable_execute_api_endpoint = true;
  ASSERT_TRUE(world.operations.update_api(world.api_id, std::move(input)));
  world.publish();
  const auto answer = world.send("GET", "/open");
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.body, R"({"message":"Not Found"})");
  EXPECT_TRUE(world.invoker.calls.empty());
  world.mapped = gateway::Address{world.api_id, "$default", "/open", "/v1/open", "api.example.com"};
  world.mapped->by_custom_domain = true;
  EXPECT_EQ(world.send("GET", "/v1/open").status, 200);
  EXPECT_EQ(at("rawPath"), "/v1/open");
  EXPECT_EQ(at("requestContext/domainName"), "api.example.com");
  world.mapped->stage = "gone";
  EXPECT_EQ(world.send("GET", "/v1/open").status, 404) << "no other stage stands in for the mapped one";
}

TEST_F(HttpApisTest, Event2HasAwsMembersInAwsForms) {
  world.route("POST /pets/{id}", world.function("f"));
  world.publish();
  world.send("POST", "/pets/a%2Bb?a=1&a=2&b=x%20y", {"X-One: 1", "x-one: 2", "Cookie: c=1; d=2", "Content-Type: application/json"}, "{}");
  std::vector<std::string> keys;
  const auto value = event();
  for (const auto& [key, ignored] : *value.object()) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"version", "routeKey", "rawPath", "rawQueryString", "cookies", "headers",
                                            "queryStringParameters", "requestContext", "pathParameters", "body", "isBase64Encoded"}));
  EXPECT_EQ(at("version"), "2.0");
  EXPECT_EQ(at("rawPath"), "/pets/a%2Bb");
  EXPECT_EQ(at("rawQueryString"), "a=1&a=2&b=x%20y");
  EXPECT_EQ(at("cookies"), R"(["c=1","d=2"])");
  EXPECT_EQ(at("headers/x-one"), "1,2");
  EXPECT_EQ(at("headers/cookie"), "absent");
  EXPECT_EQ(at("headers/content-length"), "2");
  EXPECT_EQ(at("headers/x-forwarded-port"), "4566");
  EXPECT_EQ(at("queryStringParameters"), R"({"a":"1,2","b":"x y"})");
  EXPECT_EQ(at("pathParameters"), R"({"id":"a%2Bb"})");
  EXPECT_EQ(at("body"), "{}");
  EXPECT_EQ(at("isBase64Encoded"), "false");
  EXPECT_EQ(at("requestContext/accountId"), "123456789012");
  EXPECT_EQ(at("requestContext/apiId"), world.api_id);
  EXPECT_EQ(at("requestContext/authorizer"), "absent");
  EXPECT_EQ(at("requestContext/domainPrefix"), world.api_id);
  EXPECT_EQ(at("requestContext/http/method"), "POST");
  EXPECT_EQ(at("requestContext/routeKey"), "POST /pets/{id}");
  EXPECT_EQ(at("requestContext/time"), "14/Nov/2023:22:13:20 +0000");
  EXPECT_EQ(at("requestContext/timeEpoch"), "1700000000000");
  world.send("POST", "/pets/1");
  EXPECT_EQ(at("body"), "absent");
  EXPECT_EQ(at("queryStringParameters"), "absent");
  EXPECT_EQ(at("headers/content-length"), "0");
}

TEST_F(HttpApisTest, BodiesThatAreNoTextArriveInBase64) {
  world.route("POST /", world.function("f"));
  world.route("POST /one", world.function("f", "1.0"));
  world.publish();
  for (const auto* target : {"/", "/one"}) {
    world.send("POST", target, {"Content-Type: image/png"}, "\x89PNG");
    EXPECT_EQ(at("body"), to_base64("\x89PNG")) << target;
    EXPECT_EQ(at("isBase64Encoded"), "true");
    world.send("POST", target, {"Content-Type: application/x-www-form-urlencoded"}, "a=b");
    EXPECT_EQ(at("body"), to_base64("a=b"));
    world.send("POST", target, {"Content-Type: text/plain"}, "a=b");
    EXPECT_EQ(at("body"), "a=b");
    EXPECT_EQ(at("isBase64Encoded"), "false");
  }
  Choices choices;
  choices.form_body = Choices::FormBody::text;
  world.publish(choices);
  world.send("POST", "/", {"Content-Type: application/x-www-form-urlencoded"}, "a=b");
  EXPECT_EQ(at("body"), "a=b");
}

TEST_F(HttpApisTest, Event1IsTheOneOfRestApisWithAVersion) {
  world.route("ANY /pets/{id}", world.function("f", "1.0"));
  world.stage("dev", {{"v", "1"}});
  world.publish();
  world.send("GET", "/dev/pets/7?a=1&a=2", {"X-One: 1", "x-one: 2", "user-agent: u"});
  std::vector<std::string> keys;
  const auto value = event();
  for (const auto& [key, ignored] : *value.object()) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"version", "resource", "path", "httpMethod", "headers", "multiValueHeaders",
                                            "queryStringParameters", "multiValueQueryStringParameters", "requestContext", "pathParameters",
                                            "stageVariables", "body", "isBase64Encoded"}));
  EXPECT_EQ(at("version"), "1.0");
  EXPECT_EQ(at("resource"), "/pets/{id}");
  EXPECT_EQ(at("path"), "/dev/pets/7");
  EXPECT_EQ(at("headers/X-One"), "2");
  EXPECT_EQ(at("headers/User-Agent"), "u");
  EXPECT_EQ(at("headers/Content-Length"), "0");
  EXPECT_EQ(at("multiValueHeaders/X-One"), R"(["1","2"])");
  EXPECT_EQ(at("queryStringParameters/a"), "2");
  EXPECT_EQ(at("multiValueQueryStringParameters/a"), R"(["1","2"])");
  EXPECT_EQ(at("pathParameters"), R"({"id":"7"})");
  EXPECT_EQ(at("stageVariables"), R"({"v":"1"})");
  EXPECT_EQ(at("body"), "null");
  EXPECT_EQ(at("requestContext/resourceId"), "ANY /pets/{id}");
  EXPECT_EQ(at("requestContext/requestId"), at("requestContext/extendedRequestId"));
  EXPECT_EQ(at("requestContext/identity/user"), "null");
  world.send("GET", "/pets/7");
  EXPECT_EQ(at("queryStringParameters"), "null");
  EXPECT_EQ(at("stageVariables"), "null");
}

TEST_F(HttpApisTest, AnswersInFormat2) {
  world.route("GET /open", world.function("f"));
  world.publish();
  auto answer = answer_of(R"({"hello":"world"})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, R"({"hello":"world"})");
  EXPECT_EQ(answer.header("Content-Type"), "application/json");
  EXPECT_EQ(answer_of(R"("text")").body, "text");
  EXPECT_EQ(answer_of(R"([1,"a"])").body, R"([1,"a"])");
  answer =
      answer_of(R"({"statusCode":201,"unknown":1,"cookies":["a=1","b=2"],"headers":{"X-A":"1"},"body":"aGk=","isBase64Encoded":true})");
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.body, "hi");
  EXPECT_EQ(answer.header("X-A"), "1");
  EXPECT_NE(answer.head.find("set-cookie: a=1\r\nset-cookie: b=2"), answer.head.npos) << answer.head;
  for (const auto* payload : {R"({"statusCode":"x"})", R"({"statusCode":100})", R"({"statusCode":200,"headers":{"a":{}}})", "{"}) {
    answer = answer_of(payload);
    EXPECT_EQ(answer.status, 500) << payload;
    EXPECT_EQ(answer.body, R"({"message":"Internal Server Error"})");
  }
}

TEST_F(HttpApisTest, AnswersInFormat1) {
  world.route("GET /open", world.function("f", "1.0"));
  world.publish();
  auto answer =
      answer_of(R"({"statusCode":200,"headers":{"X-M":"solo"},"multiValueHeaders":{"x-m":["one"]},"body":"aGk=","isBase64Encoded":true})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "hi") << "isBase64Encoded alone decides";
  EXPECT_NE(answer.head.find("x-m: one\r\nx-m: solo"), answer.head.npos) << answer.head;
  EXPECT_EQ(answer_of(R"({"hello":"world"})").status, 500) << "nothing is made up in format 1.0";
}

TEST_F(HttpApisTest, FunctionsThatFailOrAreRefused) {
  world.route("GET /open", world.function("f"));
  world.route("GET /gone", world.function("nobody"));
  world.publish();
  ending = FakeInvoker::fails(R"({"errorMessage":"boom"})");
  auto answer = world.send("GET", "/open");
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body, R"({"message":"Internal Server Error"})");
  EXPECT_NE(world.trace(answer)->detail.find("boom"), std::string::npos);
  EXPECT_EQ(world.send("GET", "/gone").status, 500);
  ending = FakeInvoker::refuses("AccessDeniedException", 403);
  answer = world.send("GET", "/open");
  EXPECT_EQ(answer.status, 500);
  EXPECT_FALSE(world.trace(answer)->integration_called);
  ending = FakeInvoker::refuses("RequestEntityTooLargeException", 413);
  answer = world.send("GET", "/open");
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.body, R"({"message":"Request Entity Too Large"})");
}

TEST_F(HttpApisTest, TheFunctionIsAskedForByTheRoute) {
  world.route("GET /pets/{id}", world.function("f"));
  world.route("$default", world.function("f"));
  world.publish();
  world.send("GET", "/pets/1");
  EXPECT_EQ(world.invoker.calls.back().request.caller.source_arn,
            "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/$default/GET/pets/{id}");
  EXPECT_EQ(world.invoker.calls.back().request.caller.service, "apigateway.amazonaws.com");
  world.send("GET", "/else");
  EXPECT_EQ(world.invoker.calls.back().request.caller.source_arn,
            "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/$default/$default");
  EXPECT_FALSE(world.invoker.calls.back().request.authorized);
}

TEST_F(HttpApisTest, AFunctionThatIsLateIs503) {
  IntegrationInput input;
  input.type = "AWS_PROXY";
  input.uri = HttpWorld::function_arn("f");
  input.payload_format_version = "2.0";
  input.timeout_ms = 50;
  world.route("GET /slow", world.integration(std::move(input)));
  world.publish();
  world.invoker.holding = true;
  const auto answer = world.send("GET", "/slow");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body, R"({"message":"Service Unavailable"})");
  world.invoker.release();
}

TEST_F(HttpApisTest, BodiesThatAreTooLargeAreRefusedUnread) {
  world.route("POST /open", world.function("f"));
  world.publish();
  const auto answer =
      world.send_all({cat("POST /open HTTP/1.1\r\nHost: ", world.domain(), "\r\nConnection: close\r\nContent-Length: 10485761\r\n\r\n")})
          .front();
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.body, R"({"message":"Request Entity Too Large"})");
  EXPECT_TRUE(world.invoker.calls.empty());
}

TEST_F(HttpApisTest, LimitsOfTheRouteGoBeforeThoseOfTheStage) {
  world.route("GET /limited", world.function("f"));
  world.route("GET /other", world.function("f"));
  StageInput input;
  input.default_route_settings = RouteSettings{std::nullopt, 1, 2};
  input.route_settings = std::map<std::string, RouteSettings, std::less<>>{{"GET /limited", {std::nullopt, 1, 1}}};
  ASSERT_TRUE(world.operations.update_stage(world.api_id, "$default", std::move(input)));
  world.publish();
  EXPECT_EQ(world.send("GET", "/limited").status, 200);
  const auto answer = world.send("GET", "/limited");
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.body, R"({"message":"Too Many Requests"})");
  EXPECT_EQ(world.send("GET", "/other").status, 200);
  EXPECT_EQ(world.send("GET", "/other").status, 200);
  EXPECT_EQ(world.send("GET", "/other").status, 429) << "a bucket of its own";
  world.clock.now += std::chrono::seconds(1);
  EXPECT_EQ(world.send("GET", "/limited").status, 200);
}

class CorsTest : public HttpApisTest {
 public:
  void configure(Cors cors) {
    ApiInput input;
    input.cors = std::move(cors);
    const auto made = world.operations.update_api(world.api_id, std::move(input));
    ASSERT_TRUE(made) << made.error().message;
    world.route("GET /open", world.function("f"));
    world.route("ANY /guarded", world.function("f"), "JWT", world.jwt_authorizer());
    world.publish();
  }
  static Cors usual() {
    Cors cors;
    cors.allow_origins = {"https://app.example.com", "http://*"};
    cors.allow_methods = {"GET", "PUT"};
    cors.allow_headers = {"authorization"};
    cors.expose_headers = {"x-total"};
    cors.allow_credentials = true;
    cors.max_age_s = 300;
    return cors;
  }
};

TEST_F(CorsTest, PreflightsAreAnsweredBeforeAuthorizationAndWithoutARoute) {
  configure(usual());
  for (const auto* target : {"/open", "/guarded", "/nowhere"}) {
    const auto answer = world.send("OPTIONS", target, {"Origin: https://app.example.com", "Access-Control-Request-Method: PUT"});
    EXPECT_EQ(answer.status, 204) << target;
    EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), "https://app.example.com");
    EXPECT_EQ(answer.header("Access-Control-Allow-Methods"), "GET,PUT");
    EXPECT_EQ(answer.header("Access-Control-Allow-Headers"), "authorization");
    EXPECT_EQ(answer.header("Access-Control-Allow-Credentials"), "true");
    EXPECT_EQ(answer.header("Access-Control-Max-Age"), "300");
  }
  auto answer = world.send("OPTIONS", "/open", {"Origin: https://evil.example.com", "Access-Control-Request-Method: PUT"});
  EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), "");
  answer = world.send("OPTIONS", "/open", {"Origin: https://app.example.com", "Access-Control-Request-Method: DELETE"});
  EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), "");
  EXPECT_EQ(world.send("OPTIONS", "/guarded").status, 401) << "no preflight: an OPTIONS request like any other";
  EXPECT_TRUE(world.invoker.calls.empty());
}

TEST_F(CorsTest, TheConfigurationOverridesTheIntegration) {
  configure(usual());
  ending.payload = R"({"statusCode":200,"headers":{"Access-Control-Allow-Origin":"*","access-control-max-age":"1","X-A":"1"}})";
  auto answer = world.send("GET", "/open", {"Origin: http://any.where"});
  EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), "http://any.where");
  EXPECT_EQ(answer.header("Access-Control-Expose-Headers"), "x-total");
  EXPECT_EQ(answer.header("access-control-max-age"), "");
  EXPECT_EQ(answer.header("X-A"), "1");
  answer = world.send("GET", "/open");
  EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), "");
  answer = world.send("GET", "/guarded", {"Origin: http://any.where"});
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), "http://any.where") << "so that a page can read the refusal";
}

TEST_F(CorsTest, WithoutAConfigurationEverythingIsTheIntegrations) {
  world.route("GET /open", world.function("f"));
  world.route("OPTIONS /open", world.function("f"));
  world.publish();
  ending.payload = R"({"statusCode":200,"headers":{"Access-Control-Allow-Origin":"*"}})";
  EXPECT_EQ(world.send("GET", "/open").header("Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(world.send("OPTIONS", "/open", {"Origin: http://a", "Access-Control-Request-Method: GET"}).status, 200);
  EXPECT_EQ(world.invoker.count("f"), 2);
}

TEST_F(HttpApisTest, MappingsChangeTheEvent) {
  world.route("POST /pets/{id}",
              world.function("f", "2.0",
                             {{"overwrite:header.x-id", "$request.path.id"},
                              {"append:header.x-more", "${context.stage}/${stageVariables.none}/${request.querystring.q}"},
                              {"remove:header.x-secret", "''"},
                              {"overwrite:header.x-user", "$context.authorizer.claims.sub"},
                              {"append:querystring.name", "$request.body.pet.names[1]"},
                              {"remove:querystring.q", "''"},
                              {"overwrite:path", "/animals/${request.path.id}"}}));
  world.publish();
  world.send("POST", "/pets/7?q=1&keep=%20x", {"X-Id: spoofed", "x-more: own", "X-Secret: s", "X-User: spoofed"},
             R"({"pet":{"names":["a","b c"]}})");
  EXPECT_EQ(at("headers/x-id"), "7");
  EXPECT_EQ(at("headers/x-more"), "own,$default//1");
  EXPECT_EQ(at("headers/x-secret"), "absent");
  EXPECT_EQ(at("headers/x-user"), "absent") << "what cannot be had does not leave the client's own in its place";
  EXPECT_EQ(at("rawQueryString"), "keep=%20x&name=b%20c");
  EXPECT_EQ(at("rawPath"), "/animals/7");
}

TEST_F(HttpApisTest, MappingsChangeTheAnswerOfTheirStatus) {
  world.route("GET /open", world.function("f", "2.0", {},
                                          {{"500",
                                            {{"overwrite:statuscode", "418"},
                                             {"append:header.x-status", "$context.integrationStatus"},
                                             {"overwrite:header.x-code", "$response.body.code"},
                                             {"overwrite:header.x-copy", "$response.header.x-from"},
                                             {"remove:header.x-from", "''"}}}}));
  world.publish();
  auto answer = answer_of(R"({"statusCode":500,"headers":{"X-From":"a"},"body":"{\"code\":7}"})");
  EXPECT_EQ(answer.status, 418);
  EXPECT_EQ(answer.header("x-status"), "500");
  EXPECT_EQ(answer.header("x-code"), "7");
  EXPECT_EQ(answer.header("x-copy"), "a");
  EXPECT_EQ(answer.header("x-from"), "");
  answer = answer_of(R"({"statusCode":200,"headers":{"X-From":"a"}})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("x-from"), "a");
}

TEST_F(HttpApisTest, DescribesWhatHappened) {
  world.route("GET /open", world.function("f"));
  world.publish();
  const auto answer = world.send("GET", "/open");
  const auto told = describe(*world.trace(answer));
  EXPECT_EQ(*told.find("request_id")->string(), answer.header("apigw-requestid"));
  EXPECT_EQ(*told.find("route")->string(), "GET /open");
  EXPECT_EQ(*told.find("authorization")->string(), "NONE");
  EXPECT_EQ(*told.find("verdict")->string(), "open: the route has no authorization");
  EXPECT_EQ(*told.find("answer")->find("status")->integer(), 200);
}

}  // namespace
}  // namespace sallyport::http_api
