// The pipeline besides authorization: addresses, routes, events, integrations, the gateway's own answers.
#include "gateway/testing.hpp"

#include "json/write.hpp"

namespace sallyport::gateway {
namespace {

using testing::FakeInvoker;
using testing::World;

class GatewayTest : public ::testing::Test {
 public:
  void SetUp() override {
    world.invoker.functions["f"] = [this](const std::string& event) {
      last_event = event;
      return ending;
    };
  }
  json::Value event() const { return *json::parse(last_event); }
  testing::Answer answer_of(std::string payload, std::vector<std::string> headers = {}) {
    ending.payload = std::move(payload);
    return world.send("GET", "/open", std::move(headers));
  }

  World world;
  FakeInvoker::Ending ending{R"({"statusCode":200,"body":"b"})"};
  std::string last_event;
};

TEST_F(GatewayTest, UnmatchedRoutesAnswerByTheAuthorizationHeader) {
  world.proxy("/open", "GET", "f");
  world.deploy();
  auto answer = world.send("GET", "/nowhere");
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.body, R"({"message":"Missing Authentication Token"})");
  EXPECT_EQ(answer.header("x-amzn-ErrorType"), "MissingAuthenticationTokenException");
  EXPECT_EQ(world.send("DELETE", "/open").body, answer.body);
  answer = world.send("GET", "/nowhere", {"Authorization: eyJ.a.b"});
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.header("x-amzn-ErrorType"), "IncompleteSignatureException");
  EXPECT_EQ(
      answer.body,
      R"({"message":"Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): 'ovh8E5lxVi4J9xBxLgmrexxDgWRlKgLLuBBHbyrwPOI='."})");
  EXPECT_EQ(world.send("GET", "/nowhere", {"Authorization: AWS4-HMAC-SHA256 Credential=x"}).header("x-amzn-ErrorType"),
            "IncompleteSignatureException");
  EXPECT_EQ(world
                .send("GET", "/nowhere",
                      {"X-Amz-Date: 20231114T221320Z",
                       "Authorization: AWS4-HMAC-SHA256 Credential=AKIAX/20231114/us-east-1/execute-api/aws4_request, SignedHeaders=host, "
                       "Signature=00"})
                .header("x-amzn-ErrorType"),
            "UnrecognizedClientException");
}

TEST_F(GatewayTest, AMethodsLimitIsKeptBeforeItsAuthorizerIsAsked) {
  world.proxy("/limited", "GET", "f");
  world.proxy("/free", "GET", "f");
  world.invoker.functions["f"] = [](const std::string&) { return FakeInvoker::Ending{R"({"statusCode":200})"}; };
  world.deploy();
  const PatchOperations limits{{.op = "replace", .path = "/limited/GET/throttling/burstLimit", .value = "2"},
                               {.op = "replace", .path = "/limited/GET/throttling/rateLimit", .value = "1.000000"}};
  ASSERT_TRUE(world.operations.update_stage(world.api_id, "prod", limits));
  world.stages.publish(world.state);
  EXPECT_EQ(world.send("GET", "/limited").status, 200);
  EXPECT_EQ(world.send("GET", "/limited").status, 200);
  const auto refused = world.send("GET", "/limited");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.body, R"({"message":"Too Many Requests"})");
  EXPECT_EQ(refused.header("x-amzn-ErrorType"), "TooManyRequestsException");
  EXPECT_EQ(world.send("GET", "/free").status, 200);
  world.clock.now += std::chrono::seconds(1);
  EXPECT_EQ(world.send("GET", "/limited").status, 200);
}

TEST_F(GatewayTest, AnAuthorizerWithCredentialsIsCalledAsThatRole) {
  CreateAuthorizerRequest request;
  request.rest_api_id = world.api_id;
  request.id = request.name = "role";
  request.type = "TOKEN";
  request.authorizer_uri = World::function_uri("auth");
  request.authorizer_credentials = "arn:aws:iam::123456789012:role/r";
  request.identity_source = "method.request.header.Authorization";
  request.ttl_s = 0;
  ASSERT_TRUE(world.operations.create_authorizer(std::move(request)));
  world.proxy("/guarded", "GET", "f", "role");
  world.invoker.functions["f"] = [](const std::string&) { return FakeInvoker::Ending{R"({"statusCode":200})"}; };
  world.invoker.functions["auth"] = [](const std::string&) {
    return FakeInvoker::Ending{
        R"({"principalId":"p","policyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}})"};
  };
  world.deploy();
  const auto ask = [&] { return world.send("GET", "/guarded", {"Authorization: t"}).status; };
  EXPECT_EQ(ask(), 500) << "there is no such role, or it does not trust API Gateway";
  EXPECT_EQ(world.invoker.count("auth"), 0);

  aws::Caller session;
  session.kind = aws::CallerKind::role_session;
  session.arn = "arn:aws:sts::123456789012:assumed-role/r/s";
  world.identity.roles["arn:aws:iam::123456789012:role/r"] = std::make_shared<const aws::Caller>(session);
  EXPECT_EQ(ask(), 500) << "the role may not invoke the function";
  EXPECT_EQ(world.invoker.count("auth"), 0);

  world.identity.verdicts[session.arn] = {policy::Outcome::allowed};
  EXPECT_EQ(ask(), 200);
  EXPECT_EQ(world.identity.asked.back().action, "lambda:InvokeFunction");
  ASSERT_EQ(world.invoker.calls.front().name, "auth");
  EXPECT_TRUE(world.invoker.calls.front().request.authorized) << "the function's own policy is not asked";
}

TEST_F(GatewayTest, UnknownStagesAreForbidden) {
  world.proxy("/open", "GET", "f");
  world.deploy();
  for (auto target : {"/nostage/open", "/", "/prod2"}) {
    const auto answer = world.send_all({world.request_text("GET", target, {}, {})}).front();
    EXPECT_EQ(answer.status, 403);
    EXPECT_EQ(answer.body, R"({"message":"Forbidden"})");
    EXPECT_EQ(answer.header("x-amzn-ErrorType"), "ForbiddenException");
    EXPECT_FALSE(answer.header("x-amzn-RequestId").empty());
  }
}

TEST_F(GatewayTest, NothingChangesUntilDeployed) {
  world.proxy("/open", "GET", "f");
  world.deploy();
  world.proxy("/later", "GET", "f");
  world.stages.publish(world.state);
  EXPECT_EQ(world.send("GET", "/later").status, 403);
  world.deploy();
  EXPECT_EQ(world.send("GET", "/later").status, 200);
}

TEST_F(GatewayTest, ProxyEventHasAwsKeysInAwsForms) {
  world.proxy("/open", "POST", "f");
  world.deploy({{"v", "1"}});
  world.send("POST", "/open?a=1&a=2&b=x%20y+z&e=", {"aUThorization: t", "user-Agent: u", "X-One: 1", "x-one: 2"}, "h\xc3\xa9llo");
  const auto value = event();
  std::vector<std::string> keys;
  for (const auto& [key, ignored] : *value.object()) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"resource", "path", "httpMethod", "headers", "multiValueHeaders", "queryStringParameters",
                                            "multiValueQueryStringParameters", "pathParameters", "stageVariables", "requestContext", "body",
                                            "isBase64Encoded"}));
  EXPECT_EQ(json::to_text(*value.find("queryStringParameters")), R"({"a":"2","b":"x y z","e":""})");
  EXPECT_EQ(json::to_text(*value.find("multiValueQueryStringParameters")), R"({"a":["1","2"],"b":["x y z"],"e":[""]})");
  EXPECT_TRUE(value.find("pathParameters")->is_null());
  EXPECT_EQ(json::to_text(*value.find("stageVariables")), R"({"v":"1"})");
  EXPECT_EQ(*value.find("headers")->find("Authorization")->string(), "t");
  EXPECT_EQ(*value.find("headers")->find("User-Agent")->string(), "u");
  EXPECT_EQ(*value.find("headers")->find("X-One")->string(), "2");
  EXPECT_EQ(json::to_text(*value.find("multiValueHeaders")->find("X-One")), R"(["1","2"])");
  EXPECT_EQ(value.find("headers")->find("Content-Length"), nullptr);
  EXPECT_EQ(*value.find("body")->string(), "h\xc3\xa9llo");
  EXPECT_EQ(*value.find("isBase64Encoded")->boolean(), false);
  const auto* context = value.find("requestContext");
  EXPECT_EQ(*context->find("path")->string(), "/prod/open");
  EXPECT_EQ(*context->find("requestTime")->string(), "14/Nov/2023:22:13:20 +0000");
  EXPECT_EQ(context->find("authorizer"), nullptr);
  EXPECT_TRUE(context->find("identity")->find("user")->is_null());
}

TEST_F(GatewayTest, PathsAreNotDecodedAndSlashesAreKept) {
  world.proxy("/px/{proxy+}", "ANY", "f");
  world.deploy();
  world.send("GET", "/px/a//b%2Bc/");
  EXPECT_EQ(*event().find("path")->string(), "/px/a//b%2Bc/");
  EXPECT_EQ(*event().find("pathParameters")->find("proxy")->string(), "a//b%2Bc");
  world.send("GET", "//px/x");
  EXPECT_EQ(*event().find("path")->string(), "/px/x");
  EXPECT_EQ(*event().find("requestContext")->find("path")->string(), "/prod//px/x");
}

TEST_F(GatewayTest, ProxyAnswersThatBreakTheContractAre502) {
  world.proxy("/open", "GET", "f");
  world.deploy();
  for (auto payload : {R"({"statusCode":200,"wrong":"x"})", R"("text")", "null", "[]", "7", R"({"statusCode":"test"})", R"({"body":{}})",
                       R"({"headers":{"a":{}}})", R"({"multiValueHeaders":{"a":"b"}})", R"({"headers":{"a b":"c"}})",
                       R"({"headers":{"a":"b\r\nc: d"}})", R"({"statusCode":99})", "{"}) {
    const auto answer = answer_of(payload);
    EXPECT_EQ(answer.status, 502) << payload;
    EXPECT_EQ(answer.body, R"({"message":"Internal server error"})");
    EXPECT_EQ(answer.header("x-amzn-ErrorType"), "InternalServerErrorException");
  }
}

TEST_F(GatewayTest, ProxyAnswersWithinTheContract) {
  world.proxy("/open", "GET", "f");
  world.deploy();
  auto answer = answer_of("{}");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Content-Type"), "application/json");
  EXPECT_TRUE(answer.header("X-Amzn-Trace-Id").starts_with("Root=1-"));
  EXPECT_EQ(answer.header("x-amzn-ErrorType"), "");
  EXPECT_EQ(answer_of(R"({"statusCode":"201"})").status, 201);
  EXPECT_EQ(answer_of(R"({"statusCode":200,"headers":null})").status, 200);
  answer = answer_of(R"({"headers":{"X-M":"solo","b":true,"n":7},"multiValueHeaders":{"x-m":["one"]}})");
  EXPECT_NE(answer.head.find("x-m: one\r\nx-m: solo"), answer.head.npos) << answer.head;
  EXPECT_EQ(answer.header("b"), "true");
  EXPECT_EQ(answer.header("n"), "7");
  answer = answer_of(R"({"headers":{"WWW-Authenticate":"x","Server":"y","Date":"z","Connection":"close","X-Amzn-Trace-Id":"q"}})");
  EXPECT_EQ(answer.header("x-amzn-Remapped-WWW-Authenticate"), "x");
  EXPECT_EQ(answer.header("x-amzn-Remapped-Server"), "y");
  EXPECT_EQ(answer.header("WWW-Authenticate"), "");
}

TEST_F(GatewayTest, FunctionsThatFailOrAreRefused) {
  world.proxy("/open", "GET", "f");
  world.deploy();
  ending = FakeInvoker::fails(R"({"errorMessage":"x"})");
  EXPECT_EQ(world.send("GET", "/open").status, 502);
  for (auto code : {"TooManyRequestsException", "AccessDeniedException", "ResourceNotFoundException"}) {
    ending = FakeInvoker::refuses(code, 429);
    const auto answer = world.send("GET", "/open");
    EXPECT_EQ(answer.status, 500) << code;
    EXPECT_EQ(answer.body, R"({"message":"Internal server error"})");
  }
  ending = FakeInvoker::refuses("RequestEntityTooLargeException", 413);
  const auto answer = world.send("GET", "/open");
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.body, R"({"message":"Request Too Long"})");
}

TEST_F(GatewayTest, BinaryNeedsTheListAndTheFirstAcceptedType) {
  World binary;
  binary.state.apis.at(binary.api_id).edit().draft.edit().binary_media_types = {"image/png", "font/*", "*/test"};
  std::string seen;
  binary.invoker.functions["f"] = [&seen](const std::string& text) {
    seen = text;
    return FakeInvoker::Ending{R"({"isBase64Encoded":true,"body":"AP8="})"};
  };
  binary.proxy("/open", "POST", "f");
  binary.deploy();
  const auto body_with = [&](std::string accept) { return binary.send("POST", "/open", {"Accept: " + accept}, "x").body; };
  EXPECT_EQ(body_with("image/png, */*"), std::string("\0\xff", 2));
  EXPECT_EQ(body_with("font/woff"), std::string("\0\xff", 2));
  for (auto accept : {"image/*", "*/*", "text/html, image/png", "a/test", "*/test"}) EXPECT_EQ(body_with(accept), "AP8=") << accept;
  binary.send("POST", "/open", {"Content-Type: image/png"}, std::string("\0\xff", 2));
  EXPECT_EQ(*json::parse(seen)->find("body")->string(), "AP8=");
  EXPECT_EQ(*json::parse(seen)->find("isBase64Encoded")->boolean(), true);
}

TEST_F(GatewayTest, BodiesOverTenMegabytesAreRefusedAsText) {
  world.proxy("/open", "POST", "f");
  world.deploy();
  const auto answer = world.send_all({cat("POST /prod/open HTTP/1.1\r\nHost: h\r\nContent-Length: 10485761\r\n\r\n")}).front();
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.body, "HTTP content length exceeded 10485760 bytes.");
  EXPECT_EQ(answer.header("x-amzn-ErrorType"), "");
  EXPECT_TRUE(world.invoker.calls.empty());
}

TEST_F(GatewayTest, ClientsMayNameTheirRequest) {
  world.proxy("/open", "GET", "f");
  world.deploy();
  const auto answer = world.send("GET", "/open", {"x-amzn-RequestId: mine"});
  EXPECT_EQ(answer.header("x-amzn-RequestId"), "mine");
  EXPECT_NE(world.trace(answer), nullptr) << "the answer's id finds the trace all the same";
  EXPECT_NE(*event().find("requestContext")->find("requestId")->string(), "mine") << "the name is used for nothing else";
  EXPECT_EQ(answer.header("x-amz-apigw-id").size(), 16u);
}

TEST_F(GatewayTest, GatewayResponsesAreCustomised) {
  const auto customise = [&](std::string type, std::optional<std::string> status, TextMap parameters, TextMap templates) {
    const auto made = world.operations.put_gateway_response(
        {world.api_id, std::move(type), std::move(status), std::move(parameters), std::move(templates)});
    ASSERT_TRUE(made) << made.error().message;
  };
  customise(
      "MISSING_AUTHENTICATION_TOKEN", "404",
      {{"gatewayresponse.header.X-Path", "method.request.path.x"},
       {"gatewayresponse.header.X-T", "'text'"},
       {"gatewayresponse.header.X-H", "method.request.header.h"}},
      {{"application/json",
        R"({"m":$context.error.messageString,"t":"$context.error.responseType","p":"$context.path","v":"$stageVariables.v","none":"$context.nonsense"})"}});
  customise("DEFAULT_5XX", "599", {{"gatewayresponse.header.X-D", "context.requestId"}}, {});
  world.proxy("/open", "GET", "f");
  world.deploy({{"v", "1"}});
  auto answer = world.send("GET", "/nowhere", {"h: 7"});
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.body,
            R"({"m":"Missing Authentication Token","t":"MISSING_AUTHENTICATION_TOKEN","p":"/prod/nowhere","v":"1","none":""})");
  EXPECT_EQ(answer.header("X-T"), "text");
  EXPECT_EQ(answer.header("X-H"), "7");
  EXPECT_EQ(answer.header("x-amzn-ErrorType"), "MissingAuthenticationTokenException");
  answer = answer_of("nonsense");
  EXPECT_EQ(answer.status, 599) << "502 falls back to DEFAULT_5XX";
  EXPECT_EQ(answer.header("X-D"), answer.header("x-amzn-RequestId"));
}

TEST_F(GatewayTest, MockAnswersByItsTemplates) {
  world.method("/mock", "GET");
  ASSERT_TRUE(world.operations.put_method_response(
      {world.api_id, world.resource("/mock"), "GET", "200", {{"method.response.header.X-M", true}}, {}}));
  ASSERT_TRUE(world.operations.put_method_response({world.api_id, world.resource("/mock"), "GET", "418", {}, {}}));
  PutIntegrationRequest integration{world.api_id, world.resource("/mock"), "GET", "MOCK"};
  integration.request_templates = {{"application/json", "{statusCode: $input.params('s')}"}};
  ASSERT_TRUE(world.operations.put_integration(integration));
  ASSERT_TRUE(world.operations.put_integration_response({world.api_id,
                                                         world.resource("/mock"),
                                                         "GET",
                                                         "200",
                                                         "",
                                                         {{"method.response.header.X-M", "'yes'"}},
                                                         {{"application/json", R"({"s":"$context.stage"})"}}}));
  ASSERT_TRUE(world.operations.put_integration_response({world.api_id, world.resource("/mock"), "GET", "418", "4\\d\\d", {}, {}}));
  world.deploy();
  auto answer = world.send("GET", "/mock?s=200");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, R"({"s":"prod"})");
  EXPECT_EQ(answer.header("X-M"), "yes");
  EXPECT_EQ(answer.header("X-Amzn-Trace-Id"), "");
  EXPECT_EQ(world.send("GET", "/mock?s=404").status, 418);
  EXPECT_EQ(world.send("GET", "/mock?s=x").status, 500);
  EXPECT_EQ(world.send("GET", "/mock?s=200", {"Content-Type: text/plain"}).status, 500)
      << "the empty body is passed through and names no status";
}

TEST_F(GatewayTest, WrongIntegrationMethodBreaksEveryCall) {
  world.method("/open", "GET");
  PutIntegrationRequest integration{world.api_id, world.resource("/open"), "GET", "AWS_PROXY", World::function_uri("f"), "GET"};
  ASSERT_TRUE(world.operations.put_integration(integration));
  world.deploy();
  const auto answer = world.send("GET", "/open");
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body, R"({"message":"Internal server error"})");
  EXPECT_TRUE(world.invoker.calls.empty());
}

TEST_F(GatewayTest, ResourcePoliciesGuardOpenMethodsAndComeBeforeTheAuthorizer) {
  world.invoker.functions["check"] = [](const std::string&) { return FakeInvoker::Ending{testing::policy_text("Allow", "*")}; };
  const auto id = world.authorizer("TOKEN", "check", "method.request.header.Authorization", 0);
  world.proxy("/open", "GET", "f");
  world.proxy("/guarded", "GET", "f", id);
  const auto with = [&](std::string_view statements) {
    world.state.apis.at(world.api_id).edit().draft.edit().resource_policy =
        *json::parse(cat(R"({"Version":"2012-10-17","Statement":[)", statements, "]}"));
    world.deploy();
  };
  with(
      R"({"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/prod/GET/open"})");
  EXPECT_EQ(world.send("GET", "/open").status, 200);
  EXPECT_EQ(world.send("GET", "/guarded", {"Authorization: t"}).status, 200) << "the authorizer allows what the policy does not mention";
  with(R"({"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:*:*:*/test/*"})");
  const auto silent = world.send("GET", "/open");
  EXPECT_EQ(silent.status, 403);
  EXPECT_EQ(
      silent.body,
      R"({"Message":"User: anonymous is not authorized to perform: execute-api:Invoke on resource: arn:aws:execute-api:us-east-1:********9012:a1b2c3d4e5/prod/GET/open because no resource-based policy allows the execute-api:Invoke action"})");
  const int before = world.invoker.count("check");
  with(
      R"({"Effect":"Deny","Principal":"*","Action":"execute-api:Invoke","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"127.0.0.1"}}})");
  const auto denied = world.send("GET", "/guarded", {"Authorization: t"});
  EXPECT_EQ(denied.status, 403);
  EXPECT_NE(denied.body.find(" with an explicit deny in a resource-based policy"), denied.body.npos) << denied.body;
  EXPECT_EQ(world.invoker.count("check"), before);
  with(R"({"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"execute-api:Invoke","Resource":"*"})");
  EXPECT_EQ(world.send("GET", "/open").status, 403);
  EXPECT_EQ(world.send("GET", "/guarded", {"Authorization: t"}).status, 403);
}

TEST_F(GatewayTest, TracesTellTheDecisionAndHideTheToken) {
  world.invoker.functions["check"] = [](const std::string&) {
    return FakeInvoker::Ending{testing::policy_text("Allow", "arn:aws:execute-api:*:*:*/prod/GET/other")};
  };
  world.proxy("/guarded", "GET", "f", world.authorizer("TOKEN", "check", "method.request.header.Authorization", 300));
  world.deploy();
  const auto first = world.send("GET", "/guarded", {"Authorization: Bearer secret-secret-secret"});
  const auto second = world.send("GET", "/guarded", {"Authorization: Bearer secret-secret-secret"});
  const auto text = json::to_text(describe(*world.trace(second)));
  EXPECT_EQ(text.find("secret-secret"), text.npos) << text;
  EXPECT_NE(text.find(cat(R"("answered_for_request":")", first.header("x-amzn-RequestId"))), text.npos) << text;
  EXPECT_NE(text.find("hit: the function was not called"), text.npos);
  EXPECT_NE(text.find(R"("matched":false,"because":"resource)"), text.npos) << text;
  EXPECT_NE(text.find("ACCESS_DENIED"), text.npos);
  EXPECT_EQ(world.answered_count, 2);
}

TEST(TraceBufferTest, ForgetsTheOldestFirst) {
  TraceBuffer traces(3);
  const auto keep = [&](std::string id) {
    Exchange exchange{};
    exchange.id = RequestId(std::move(id));
    traces.keep(std::make_shared<const Exchange>(std::move(exchange)));
  };
  for (auto id : {"1", "2", "3", "4"}) keep(id);
  EXPECT_EQ(traces.find("1"), nullptr);
  for (auto id : {"2", "3", "4"}) EXPECT_NE(traces.find(id), nullptr);
  EXPECT_EQ(traces.size(), 3u);
  TraceBuffer small(100, 2 * sizeof(Exchange) + 10);
  for (int i = 0; i < 10; ++i) {
    Exchange exchange{};
    exchange.id = RequestId(cat(i));
    small.keep(std::make_shared<const Exchange>(std::move(exchange)));
  }
  EXPECT_EQ(small.size(), 2u);
  EXPECT_NE(small.find("9"), nullptr);
  EXPECT_EQ(small.find("7"), nullptr);
}

}  // namespace
}  // namespace sallyport::gateway
