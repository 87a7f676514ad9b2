// Request validation: what reaches the integration, and what is answered instead.
#include "gateway/request_validation.hpp"

#include "gateway/testing.hpp"

namespace sallyport::gateway {
namespace {

using testing::World;

class RequestValidationTest : public ::testing::Test {
 public:
  RequestValidationTest() {
    world.invoker.functions["f"] = [](const std::string&) { return testing::FakeInvoker::Ending{R"({"statusCode":200,"body":"ran"})"}; };
  }
  /// POST /v/{id} with a validator.
  void deploy(bool parameters, bool body) {
    auto& operations = world.operations;
    ASSERT_TRUE(operations.create_model(
        {api, "m", "Pet", {}, "application/json", R"({"type":"object","required":["name"],"properties":{"age":{"type":"integer"}}})"}));
    ASSERT_TRUE(operations.create_request_validator({api, "v", "both", body, parameters}));
    PutMethodRequest method{api, world.resource("/v/{id}"), "POST"};
    method.request_parameters = {{"method.request.header.x-need", true},
                                 {"method.request.querystring.qs1", true},
                                 {"method.request.path.issuer", true},
                                 {"method.request.querystring.maybe", false}};
    if (!parameters) method.request_parameters.clear();
    method.request_models = {{"application/json", "Pet"}};
    method.request_validator_id = "v";
    ASSERT_TRUE(operations.put_method(method));
    ASSERT_TRUE(operations.put_integration({api, world.resource("/v/{id}"), "POST", "AWS_PROXY", World::function_uri("f"), "POST"}));
    world.deploy();
  }
  std::string send(std::string_view target, std::vector<std::string> headers, std::string_view body) {
    const auto answer = world.send("POST", target, std::move(headers), body);
    return cat(answer.status, " ", answer.body);
  }
  World world;
  const std::string& api = world.api_id;
};

TEST_F(RequestValidationTest, MissingParametersAreListedByTheirFullNames) {
  deploy(true, true);
  const std::string missing_path = R"(400 {"message":"Missing required request parameters: [issuer]"})";
  EXPECT_EQ(send("/v/1", {}, "nonsense"), R"(400 {"message":"Missing required request parameters: [x-need, issuer, qs1]"})")
      << "parameters come before the body";
  EXPECT_EQ(send("/v/1?qs1=a", {"X-Need: 1"}, "{}"), missing_path);
  EXPECT_EQ(send("/v/1?qs1=a", {"X-Need:  "}, "{}"), R"(400 {"message":"Missing required request parameters: [x-need, issuer]"})")
      << "blank is missing";
  EXPECT_EQ(world.invoker.count("f"), 0);
}

TEST_F(RequestValidationTest, BodiesFitTheirModel) {
  deploy(false, true);
  const std::string invalid = R"(400 {"message":"Invalid request body"})";
  const auto json = [](std::string_view more = "") { return std::vector<std::string>{cat("Content-Type: application/json", more)}; };
  EXPECT_EQ(send("/v/1", json(), R"({"name":"a","age":1})"), "200 ran");
  EXPECT_EQ(send("/v/1", json("; charset=utf-8"), R"({"name":"a","age":"1"})"), invalid);
  EXPECT_EQ(send("/v/1", json(), "{}"), invalid);
  EXPECT_EQ(send("/v/1", json(), "{"), invalid);
  EXPECT_EQ(send("/v/1", {}, ""), invalid) << "no body counts as {}";
  EXPECT_EQ(send("/v/1", {"Content-Type: text/plain"}, "anything"), "200 ran") << "a model describes JSON";
  EXPECT_EQ(send("/v/1", {"Content-Type: application/x+json"}, "[]"), invalid);
  EXPECT_EQ(world.invoker.count("f"), 2);
  EXPECT_NE(world.invoker.calls[0].request.payload.find(R"("body":"{\"name\":\"a\",\"age\":1}")"), std::string::npos)
      << "the integration gets the body that was looked at";
}

TEST_F(RequestValidationTest, NothingIsAskedForWithoutTheSwitches) {
  deploy(false, false);
  EXPECT_EQ(send("/v/1", {}, "nonsense"), "200 ran");
}

TEST_F(RequestValidationTest, ModelsReferToModels) {
  auto& operations = world.operations;
  const auto schema = [&](std::string_view text) {
    return operations.update_model(api, "Pet", {{"replace", "/schema", std::string(text), {}}});
  };
  deploy(false, true);
  ASSERT_TRUE(
      operations.create_model({api,
                               "s",
                               "Status",
                               {},
                               "application/json",
                               R"({"oneOf":[{"enum":["open"]},{"$ref":"#/definitions/c"}],"definitions":{"c":{"enum":["closed"]}}})"}));
  const auto reference = R"({"properties":{"status":{"$ref":"https://apigateway.amazonaws.com/restapis/a1b2c3d4e5/models/Status"}}})";
  ASSERT_TRUE(schema(reference));
  world.deploy();
  EXPECT_EQ(send("/v/1", {}, R"({"status":"closed"})"), "200 ran");
  EXPECT_TRUE(send("/v/1", {}, R"({"status":"lost"})").starts_with("400"));
  EXPECT_FALSE(schema(replace_all(reference, "a1b2c3d4e5", "other")));
  const auto self = R"({"properties":{"next":{"$ref":"https://apigateway.amazonaws.com/restapis/a1b2c3d4e5/models/Tree"}}})";
  EXPECT_TRUE(operations.create_model({api, "t", "Tree", {}, "application/json", self}));
}

TEST_F(RequestValidationTest, ModelsThatCannotBeCheckedAreNotTaken) {
  auto& operations = world.operations;
  const auto made = [&](std::string_view schema) {
    const auto answer = operations.create_model({api, "m", "M", {}, "application/json", std::string(schema)});
    EXPECT_FALSE(answer) << schema;
    return answer ? std::string() : cat(answer.error().status, " ", answer.error().message);
  };
  const std::string head = "400 Invalid model specified: Validation Result: warnings : [], errors : [Invalid model schema specified";
  EXPECT_EQ(made(R"({"$id":"x","const":1})"), cat(head, R"(. Unsupported keyword(s): ["$id","const"]])"));
  for (const auto* schema : {"[]", "{", R"({"type":"thing"})", R"({"required":"a"})", R"({"pattern":"("})", R"({"$ref":"#/definitions/x"})",
                             R"({"$ref":"https://example.com/x"})", R"({"minimum":"1"})", R"({"$ref":"#"})"})
    EXPECT_TRUE(made(schema).starts_with(head)) << schema;
  EXPECT_FALSE(operations.delete_model(api, "M")) << "nothing is left of them";
  ASSERT_TRUE(operations.create_model({api, "m", "M", {}, "application/json", R"({"type":"object"})"}));
  EXPECT_FALSE(operations.update_model(api, "M", {{"replace", "/schema", R"({"if":{}})", {}}}));
}

TEST_F(RequestValidationTest, TheReasonsAreInTheGatewayResponse) {
  ASSERT_TRUE(world.operations.put_gateway_response(
      {api, "BAD_REQUEST_BODY", {}, {}, {{"application/json", R"({"why":"$context.error.validationErrorString"})"}}}));
  deploy(false, true);
  EXPECT_EQ(send("/v/1", {}, "{}"), R"(400 {"why":"[object has missing required properties (["name"])]"})");
}

TEST_F(RequestValidationTest, AModelThatCannotBeCheckedStopsTheDeployment) {
  deploy(false, true);
  // The operations take no such model; a state of old may hold one.
  world.state.apis.at(api).edit().draft.edit().models.at("Pet").schema = R"({"const":1})";
  const auto made = world.operations.create_deployment({api, "next", {}, {}, {}, {}});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().status, 501);
}

}  // namespace
}  // namespace sallyport::gateway
