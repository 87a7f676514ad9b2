// AWS integrations: what the function gets of a request, what the client gets of its answer, and as whom it is called.
#include "gateway/testing.hpp"

namespace sallyport::gateway {
namespace {

using testing::FakeInvoker;
using testing::World;

constexpr std::string_view json_body = "Content-Type: application/json";

std::string text(const auto& answer) {
  return answer ? "good" : cat(answer.error().code, " ", answer.error().status, " ", answer.error().message);
}

class AwsIntegrationTest : public ::testing::Test {
 public:
  AwsIntegrationTest() {
    world.invoker.functions["f"] = [this](const std::string& event) {
      last_event = event;
      return ending;
    };
    world.method("/m/{id}", "POST");
    resource = world.resource("/m/{id}");
    integration = {api, resource, "POST", "AWS", World::function_uri("f"), "POST"};
    response("200");
  }
  void response(std::string status, std::string pattern = {}, TextMap parameters = {}, TextMap templates = {}) {
    responses.push_back({api, resource, "POST", std::move(status), std::move(pattern), std::move(parameters), std::move(templates), {}});
  }
  void deploy(TextMap variables = {}) {
    EXPECT_EQ(text(world.operations.put_integration(integration)), "good");
    for (const auto& each : responses) {
      PutMethodResponseRequest declared{api, resource, "POST", each.status_code, {}, {}};
      for (const auto& [name, source] : each.response_parameters) declared.response_parameters[name] = true;
      world.operations.delete_method_response({api, resource, "POST"}, each.status_code);
      EXPECT_EQ(text(world.operations.put_method_response(declared)), "good");
      EXPECT_EQ(text(world.operations.put_integration_response(each)), "good");
    }
    world.deploy(std::move(variables));
  }
  testing::Answer send(std::string_view body = {}, std::vector<std::string> headers = {std::string(json_body)},
                       std::string_view target = "/m/7?q=1") {
    return world.send("POST", target, std::move(headers), body);
  }
  std::string answer(std::string_view body = {}, std::vector<std::string> headers = {std::string(json_body)}) {
    const auto got = send(body, std::move(headers));
    return cat(got.status, " ", got.body);
  }
  std::string detail(const testing::Answer& answer) { return world.trace(answer)->detail; }

  World world;
  const std::string& api = world.api_id;
  std::string resource, last_event;
  FakeInvoker::Ending ending{R"({"ok":true})"};
  PutIntegrationRequest integration;
  std::vector<PutIntegrationResponseRequest> responses;
};

TEST_F(AwsIntegrationTest, TheTemplateMakesTheEvent) {
  integration.request_templates = {
      {"application/json",
       R"t({"m":"$context.httpMethod","q":"$input.params('q')","id":"$input.params().path.id","h":"$input.params('x-h')",)t"
       R"t("name":$input.json('$.name'),"esc":"$util.escapeJavaScript($input.path('$.name'))","v":"$stageVariables.v",)t"
       R"t("ip":"$context.identity.sourceIp"#foreach($x in $input.path('$.list')),"k$foreach.count":$x#end})t"}};
  deploy({{"v", "1"}});
  const auto got = send(R"({"name":"a\"b","list":[5,6]})", {std::string(json_body), "X-H: h"});
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, R"({"ok":true})") << "without a template the function's result is the body";
  EXPECT_EQ(got.header("Content-Type"), "application/json");
  EXPECT_NE(got.header("X-Amzn-Trace-Id"), "");
  EXPECT_EQ(last_event, cat(R"({"m":"POST","q":"1","id":"7","h":"h","name":"a\"b","esc":"a\"b","v":"1","ip":")",
                            world.trace(got)->peer_address, R"(","k1":5,"k2":6})"));
}

TEST_F(AwsIntegrationTest, TheEventHasToBeJson) {
  integration.request_templates = {{"application/json", R"t({"esc":"$util.escapeJavaScript($input.path('$.name'))"})t"}};
  deploy();
  // The escape of an apostrophe is JavaScript's and not JSON's.
  EXPECT_EQ(answer(R"({"name":"a'b"})"), R"(500 {"message":"Internal server error"})");
  EXPECT_EQ(world.invoker.count("f"), 0);
  EXPECT_EQ(answer(R"({"name":"ab"})"), R"(200 {"ok":true})");
}

TEST_F(AwsIntegrationTest, BodiesWithoutATemplatePassThroughWhereTheyMay) {
  const std::string refused = R"(415 {"message":"Unsupported Media Type"})", good = R"(200 {"ok":true})";
  const auto with = [this](std::string passthrough, TextMap templates) {
    integration.passthrough_behavior = std::move(passthrough);
    integration.request_templates = std::move(templates);
    deploy();
  };
  const TextMap xml = {{"application/xml", "{}"}};
  with("WHEN_NO_MATCH", xml);
  EXPECT_EQ(answer("[1]"), good);
  EXPECT_EQ(last_event, "[1]");
  EXPECT_EQ(answer(), good);
  EXPECT_EQ(last_event, "{}") << "an event is never empty";
  EXPECT_EQ(answer("[1]", {"Content-Type: APPLICATION/xml; charset=utf-8"}), good);
  EXPECT_EQ(last_event, "{}") << "the template of that type";
  with("WHEN_NO_TEMPLATES", xml);
  EXPECT_EQ(answer("[1]"), refused);
  EXPECT_EQ(answer("[1]", {}), refused) << "no type is application/json";
  with("WHEN_NO_TEMPLATES", {});
  EXPECT_EQ(answer("[1]"), good);
  with("NEVER", {});
  EXPECT_EQ(answer("[1]"), refused);
}

TEST_F(AwsIntegrationTest, ErrorMessagesSelectTheResponse) {
  response("418", ".*teapot.*");
  response("422", ".+");
  deploy();
  ending = FakeInvoker::fails(R"({"errorMessage":"I am a teapot!","errorType":"T"})");
  EXPECT_EQ(answer(), R"(418 {"errorMessage":"I am a teapot!","errorType":"T"})") << "the lowest status that fits";
  ending = FakeInvoker::fails(R"({"errorMessage":"else"})");
  EXPECT_EQ(answer(), R"(422 {"errorMessage":"else"})");
  ending = FakeInvoker::fails(R"({"errorMessage":"two\nlines: teapot"})");
  EXPECT_EQ(answer(), R"(200 {"errorMessage":"two\nlines: teapot"})") << "a dot is no line break, and the pattern is the whole text";
  ending = {R"("plain")"};
  EXPECT_EQ(answer(), R"(200 "plain")");
}

TEST_F(AwsIntegrationTest, WithoutAResponseThatFitsTheConfigurationIsWrong) {
  const std::string wrong = R"(500 {"message":"Internal server error"})";
  responses.clear();
  response("418", ".*teapot.*");
  deploy();
  EXPECT_EQ(answer(), wrong);
  EXPECT_EQ(world.trace(send())->response_type, ResponseType::api_configuration_error);
  ending = FakeInvoker::fails(R"({"errorMessage":"teapot"})");
  EXPECT_TRUE(answer().starts_with("418"));
  ASSERT_TRUE(world.operations.delete_method_response({api, resource, "POST"}, "418"));
  world.deploy();
  EXPECT_EQ(answer(), wrong) << "the method has no such response";
}

TEST_F(AwsIntegrationTest, AnswersAreMapped) {
  responses.clear();
  response(
      "201", "",
      {{"method.response.header.X-Static", "'s'"},
       {"method.response.header.X-Body", "integration.response.body.a.b[1]"},
       {"method.response.header.X-Object", "integration.response.body.a"},
       {"method.response.header.X-None", "integration.response.body.none"},
       {"method.response.header.X-Type", "integration.response.header.content-type"},
       {"method.response.header.X-Stage", "context.stage"},
       {"method.response.header.X-Var", "stageVariables.v"},
       {"method.response.header.User-Agent", "'u'"}},
      {{"application/json", R"t({"got":$input.json('$.a.b'),"q":"$input.params('q')"})t"}, {"text/plain", "n=$input.path('$.a.b[0]')"}});
  deploy({{"v", "1"}});
  ending = {R"({"a":{"b":[5,"x"]}})"};
  auto got = send();
  EXPECT_EQ(got.status, 201);
  EXPECT_EQ(got.body, R"({"got":[5,"x"],"q":"1"})");
  EXPECT_EQ(got.header("X-Static"), "s");
  EXPECT_EQ(got.header("X-Body"), "x");
  EXPECT_EQ(got.header("X-Object"), R"({"b":[5,"x"]})");
  EXPECT_EQ(got.header("X-None"), "");
  EXPECT_EQ(got.header("X-Type"), "application/json");
  EXPECT_EQ(got.header("X-Stage"), "prod");
  EXPECT_EQ(got.header("X-Var"), "1");
  EXPECT_EQ(got.header("User-Agent"), "");
  EXPECT_EQ(got.header("x-amzn-Remapped-User-Agent"), "u");
  got = send({}, {"Accept: text/plain"});
  EXPECT_EQ(got.body, "n=5");
  EXPECT_EQ(got.header("Content-Type"), "text/plain");
}

TEST_F(AwsIntegrationTest, TemplatesOverrideStatusAndHeaders) {
  integration.request_templates = {{"application/json", "#set($context.responseOverride.header.X-Early = 'e')$input.body"}};
  responses.clear();
  response("200", "", {{"method.response.header.X-A", "'mapped'"}},
           {{"application/json",
             "#set($context.responseOverride.status = $input.path('$.status'))#set($context.responseOverride.header.x-a = 'over')"
             "#set($context.responseOverride.header.Transfer-Encoding = 'chunked')done"}});
  deploy();
  ending = {R"({"status":418})"};
  const auto got = send();
  EXPECT_EQ(got.status, 418);
  EXPECT_EQ(got.body, "done");
  EXPECT_EQ(got.header("X-A"), "over");
  EXPECT_EQ(got.header("X-Early"), "e") << "what the request's template set stays";
  EXPECT_EQ(got.header("Transfer-Encoding"), "");
  for (const auto* status : {R"({"status":"no"})", R"({"status":99})", R"({"status":600})", R"({"status":101})"}) {
    ending = {status};
    EXPECT_EQ(send().status, 200) << status;
  }
}

TEST_F(AwsIntegrationTest, ATemplateThatCannotBeRenderedIsAConfigurationError) {
  integration.request_templates = {{"application/json", "#foreach($i in [1..2000])#foreach($j in [1..2000])x#end#end"}};
  deploy();
  const auto got = send();
  EXPECT_EQ(got.status, 500);
  EXPECT_EQ(world.trace(got)->response_type, ResponseType::api_configuration_error) << detail(got);
  EXPECT_EQ(world.invoker.count("f"), 0);
}

TEST_F(AwsIntegrationTest, AFunctionThatCannotBeCalledIsOurError) {
  deploy();
  ending = FakeInvoker::refuses("TooManyRequestsException", 429);
  EXPECT_EQ(answer(), R"(500 {"message":"Internal server error"})");
  EXPECT_EQ(world.trace(send())->response_type, ResponseType::integration_failure);
  EXPECT_EQ(world.invoker.calls[0].request.caller.source_arn, "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/prod/POST/m/{id}");
}

TEST_F(AwsIntegrationTest, AsynchronousCallsAreRefusedAndNotMadeSynchronous) {
  integration.request_parameters = {{"integration.request.header.X-Amz-Invocation-Type", "'Event'"}};
  EXPECT_TRUE(text(world.operations.put_integration(integration)).starts_with("UnsupportedOperationException 501"));
  integration.request_parameters = {{"integration.request.header.X-Amz-Invocation-Type", "'RequestResponse'"}};
  integration.request_templates = {{"application/json", "#set($context.requestOverride.header.x-amz-invocation-type = 'Event'){}"}};
  deploy();
  EXPECT_EQ(send().status, 500);
  EXPECT_EQ(world.invoker.count("f"), 0);
}

TEST_F(AwsIntegrationTest, OnlyFunctionsAreThere) {
  const auto put = [this](auto change) {
    auto request = integration;
    change(request);
    return text(world.operations.put_integration(request));
  };
  EXPECT_TRUE(put([](auto& r) {
                r.uri = "arn:aws:apigateway:us-east-1:dynamodb:action/PutItem";
              }).starts_with("UnsupportedOperationException 501 an AWS integration with dynamodb"));
  EXPECT_EQ(put([](auto& r) { r.uri = "arn:aws:apigateway:us-east-1:lambda:x"; }),
            "BadRequestException 400 AWS ARN for integration must contain path or action");
  EXPECT_EQ(put([](auto& r) { r.integration_http_method.clear(); }),
            "BadRequestException 400 Enumeration value for HttpMethod must be non-empty");
  EXPECT_TRUE(put([](auto& r) {
                r.request_parameters = {{"integration.request.querystring.Qualifier", "'1'"}};
              }).starts_with("UnsupportedOperationException 501 integration.request.querystring.Qualifier"));
  EXPECT_TRUE(put([](auto& r) {
                r.request_templates = {{"application/json", "#if(true)"}};
              }).starts_with("UnsupportedOperationException 501 the mapping template for application/json"));
  EXPECT_EQ(put([](auto& r) { r.credentials = "someone"; }), "BadRequestException 400 Invalid ARN specified in the request");
  EXPECT_TRUE(put([](auto& r) {
                r.type = "MOCK";
                r.credentials = "arn:aws:iam::123456789012:role/r";
              }).starts_with("UnsupportedOperationException 501 credentials of an integration of type MOCK"));
}

// Credentials

class CredentialsTest : public AwsIntegrationTest, public ::testing::WithParamInterface<std::string_view> {
 public:
  CredentialsTest() {
    world.identity.roles["arn:aws:iam::123456789012:role/r"] =
        std::make_shared<const aws::Caller>(aws::Caller{.kind = aws::CallerKind::role_session,
                                                        .account_id = "123456789012",
                                                        .arn = session,
                                                        .role_arn = "arn:aws:iam::123456789012:role/r"});
    integration.type = GetParam();
    ending = {R"({"statusCode":200,"body":"ran"})"};
    if (integration.type == "AWS_PROXY") responses.clear();
  }
  const std::string session = "arn:aws:sts::123456789012:assumed-role/r/BackplaneAssumeRoleSession";
};
INSTANTIATE_TEST_SUITE_P(Both, CredentialsTest, ::testing::Values("AWS", "AWS_PROXY"));

TEST_P(CredentialsTest, TheRoleIsAskedInPlaceOfTheFunctionsPolicy) {
  integration.credentials = "arn:aws:iam::123456789012:role/r";
  deploy();
  EXPECT_EQ(answer(), R"(500 {"message":"Internal server error"})") << "the role may not";
  EXPECT_EQ(world.invoker.count("f"), 0);
  ASSERT_EQ(world.identity.asked.size(), 1u);
  EXPECT_EQ(world.identity.asked[0].action, "lambda:InvokeFunction");
  EXPECT_EQ(world.identity.asked[0].resource, "arn:aws:lambda:us-east-1:123456789012:function:f");
  world.identity.verdicts[session] = {policy::Outcome::allowed};
  EXPECT_EQ(send().status, 200);
  ASSERT_EQ(world.invoker.count("f"), 1);
  EXPECT_TRUE(world.invoker.calls[0].request.authorized);
}

TEST_P(CredentialsTest, ARoleThatCannotBeAssumedCallsNobody) {
  integration.credentials = "arn:aws:iam::123456789012:role/other";
  deploy();
  const auto got = send();
  EXPECT_EQ(got.status, 500);
  EXPECT_EQ(world.trace(got)->response_type, ResponseType::api_configuration_error);
  EXPECT_NE(detail(got).find("may not assume arn:aws:iam::123456789012:role/other"), std::string::npos) << detail(got);
  EXPECT_EQ(world.invoker.count("f"), 0);
}

TEST_P(CredentialsTest, TheCallersOwnNeedAnAuthenticatedCaller) {
  integration.credentials = "arn:aws:iam::*:user/*";
  deploy();
  EXPECT_EQ(send().status, 500) << "an open method knows no caller";
  EXPECT_EQ(world.invoker.count("f"), 0);
}

TEST_P(CredentialsTest, WithoutThemTheFunctionsPolicyIsAsked) {
  deploy();
  EXPECT_EQ(send().status, 200);
  ASSERT_EQ(world.invoker.count("f"), 1);
  EXPECT_FALSE(world.invoker.calls[0].request.authorized);
  EXPECT_TRUE(world.identity.asked.empty());
}

// MOCK goes through the same templates.

TEST(MockTemplatesTest, AreVelocityAndMayOverride) {
  World world;
  world.method("/mock", "POST");
  const auto resource = world.resource("/mock");
  ASSERT_TRUE(world.operations.put_method_response({world.api_id, resource, "POST", "200", {}, {}}));
  PutIntegrationRequest integration{world.api_id, resource, "POST", "MOCK"};
  integration.request_templates = {
      {"application/json",
       "#set($context.requestOverride.path.body = $input.body)#if($input.path('$.late') == true)#set($context.responseOverride.status "
       "= 444)#end{\"statusCode\": 200}"}};
  ASSERT_TRUE(world.operations.put_integration(integration));
  ASSERT_TRUE(
      world.operations.put_integration_response({world.api_id,
                                                 resource,
                                                 "POST",
                                                 "200",
                                                 "",
                                                 {},
                                                 {{"application/json", "#set($b = $context.requestOverride.path.body)$b|$input.body"}}}));
  world.deploy();
  auto answer = world.send("POST", "/mock", {}, R"({"a":1})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, R"({"a":1}|{})") << "a mock's answer has no body of its own";
  EXPECT_EQ(world.send("POST", "/mock", {}, R"({"late":true})").status, 444);
}

}  // namespace
}  // namespace sallyport::gateway
