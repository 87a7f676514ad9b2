// What is exported is imported as the same again.
#include "openapi/export.hpp"

#include <random>

#include "json/parse.hpp"
#include "openapi/http_import.hpp"
#include "openapi/testing.hpp"

namespace sallyport::openapi {
namespace {

using testing::function_uri;
using testing::RestWorld;

constexpr auto first_model =
    R"({"type":"object","properties":{"next":{"$ref":"https://apigateway.amazonaws.com/restapis/a1b2c3d4e5/models/Two"}}})";

/// APIs of everything that both forms can say.
class Maker {
 public:
  Maker(RestWorld& world, std::uint32_t seed, bool for_swagger) : world_(world), random_(seed), for_swagger_(for_swagger) {}

  void make() {
    auto& api = world_.state.apis.at(world_.api_id).edit();
    api.version = "1";
    api.description = chance() ? "what it is" : "";
    api.api_key_source = chance() ? "HEADER" : "AUTHORIZER";
    auto& definition = api.draft.edit();
    definition.models.clear();
    if (chance()) definition.binary_media_types = {"image/png", "a/*"};
    definition.disable_execute_api_endpoint = chance();
    definition.models["One"] = {"m1", "One", "", "application/json", first_model};
    definition.models["Two"] = {"m2", "Two", "", "application/json", R"({"type":"array","items":{"type":"integer","minimum":1.50}})"};
    if (chance()) {
      gateway::PutGatewayResponseRequest response;
      response.rest_api_id = world_.api_id;
      response.response_type = one_of({"UNAUTHORIZED", "DEFAULT_5XX", "THROTTLED"});
      if (chance()) response.status_code = "418";
      response.response_parameters = {{"gatewayresponse.header.X", "'y'"}};
      response.response_templates = {{"application/json", "{\"a\": \"$context.error.message\"}\n"}};
      ASSERT_TRUE(operations_.put_gateway_response(response));
    }
    if (chance()) {
      const auto policy =
          R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*"}]})";
      ASSERT_TRUE(operations_.update_rest_api(world_.api_id, {{"replace", "/policy", policy, std::nullopt}}));
    }
    ASSERT_TRUE(operations_.create_request_validator({world_.api_id, "v1", "both parts", true, true}));
    ASSERT_TRUE(operations_.create_request_validator({world_.api_id, "v2", "none", false, false}));
    make_authorizers();
    for (const auto& path : {"/", "/a", "/a/{id}", "/a/{id}/b", "/files/{proxy+}"})
      if (chance()) make_resource(path);
  }

 private:
  bool chance() { return pick(2) == 0; }
  std::size_t pick(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }
  std::string one_of(const std::vector<std::string>& list) { return list[pick(list.size())]; }

  void make_authorizers() {
    gateway::CreateAuthorizerRequest token{world_.api_id, "a1", "tok en", "TOKEN", function_uri("t")};
    token.identity_source = "method.request.header.X-Token";
    token.identity_validation_expression = chance() ? "^[a-z]+$" : "";
    if (chance()) token.ttl_s = 0;
    ASSERT_TRUE(operations_.create_authorizer(token));
    gateway::CreateAuthorizerRequest request{world_.api_id, "a2", "api_key", "REQUEST", function_uri("r")};
    request.identity_source = chance() ? "method.request.header.A, context.stage" : "method.request.querystring.q";
    if (chance()) request.authorizer_credentials = "arn:aws:iam::123456789012:role/r";
    ASSERT_TRUE(operations_.create_authorizer(request));
    gateway::CreateAuthorizerRequest pool{world_.api_id, "a3", "pool", "COGNITO_USER_POOLS"};
    pool.identity_source = "method.request.header.Authorization";
    pool.provider_arns = {"arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_abc"};
    ASSERT_TRUE(operations_.create_authorizer(pool));
  }

  std::string ensure(std::string_view path) {
    std::string parent = "root", here;
    for (const auto part : split(path.substr(1), '/')) {
      if (part.empty()) continue;
      here += cat("/", part);
      if (const auto* known = world_.resource(here)) {
        parent = known->id;
        continue;
      }
      const auto id = cat("r", world_.definition().resources.size());
      EXPECT_TRUE(operations_.create_resource({world_.api_id, id, parent, std::string(part)}));
      parent = id;
    }
    return parent;
  }

  void make_resource(std::string_view path) {
    const auto id = ensure(path);
    for (const auto verb : {"GET", "POST", "ANY"})
      if (chance()) make_method(id, verb);
  }

  void make_method(const std::string& resource, const std::string& verb) {
    gateway::PutMethodRequest method{world_.api_id, resource, verb};
    switch (pick(5)) {
      case 0: method.authorization_type = "AWS_IAM"; break;
      case 1:
        method.authorization_type = "CUSTOM";
        method.authorizer_id = one_of({"a1", "a2"});
        break;
      case 2:
        method.authorization_type = "COGNITO_USER_POOLS";
        method.authorizer_id = "a3";
        if (chance()) method.authorization_scopes = {"a/read", "b"};
        break;
      default: break;
    }
    method.api_key_required = chance();
    if (chance()) method.operation_name = "doIt";
    if (chance()) method.request_parameters = {{"method.request.querystring.q", chance()}, {"method.request.header.X-H", chance()}};
    if (chance()) {
      method.request_models = {{"application/json", "One"}};
      if (chance()) method.request_models["text/xml"] = for_swagger_ ? "One" : "Two";
    }
    if (chance()) method.request_validator_id = one_of({"v1", "v2"});
    ASSERT_TRUE(operations_.put_method(method));
    gateway::PutMethodResponseRequest response{world_.api_id, resource, verb, "200", {{"method.response.header.X-R", false}}, {}};
    if (chance()) response.response_models = {{"application/json", "Two"}};
    ASSERT_TRUE(operations_.put_method_response(response));
    if (chance()) make_integration(resource, verb);
  }

  void make_integration(const std::string& resource, const std::string& verb) {
    gateway::PutIntegrationRequest integration;
    integration.rest_api_id = world_.api_id;
    integration.resource_id = resource;
    integration.http_method = verb;
    integration.type = one_of({"MOCK", "AWS_PROXY", "AWS", "HTTP_PROXY", "HTTP"});
    const bool is_proxy = integration.type.ends_with("_PROXY");
    if (integration.type != "MOCK") integration.integration_http_method = "POST";
    if (integration.type.starts_with("AWS")) {
      integration.uri = function_uri();
      if (chance()) integration.connection_type = "INTERNET";
      if (chance()) integration.credentials = "arn:aws:iam::123456789012:role/r";
    }
    if (integration.type.starts_with("HTTP")) {
      integration.uri = "http://127.0.0.1:8080/${stageVariables.x}";
      integration.connection_type = "INTERNET";
      if (chance()) integration.request_parameters = {{"integration.request.header.X-Q", "method.request.querystring.q"}};
    }
    if (!is_proxy) integration.request_templates = {{"application/json", "{\"statusCode\": 200}"}};
    if (chance()) integration.passthrough_behavior = one_of({"NEVER", "WHEN_NO_TEMPLATES"});
    if (chance()) integration.timeout_ms = 1'000;
    const auto type = integration.type;
    const auto put = operations_.put_integration(integration);
    ASSERT_TRUE(put) << type << " " << put.error().message;
    if (is_proxy) return;
    gateway::PutIntegrationResponseRequest answer{world_.api_id, resource, verb, "200"};
    answer.selection_pattern = chance() && type != "MOCK" ? ".*bad.*" : "";
    answer.response_parameters = {{"method.response.header.X-R", "'v'"}};
    if (chance()) answer.response_templates = {{"text/html", "<p>'\"#: é</p>\n"}};
    ASSERT_TRUE(operations_.put_integration_response(answer));
  }

  RestWorld& world_;
  std::mt19937 random_;
  const bool for_swagger_;
  gateway::Operations operations_{world_.state};
};

TEST(Export, ImportsAsTheSameApi) {
  for (const auto dialect : {Dialect::oas30, Dialect::swagger})
    for (std::uint32_t seed = 0; seed < 150; ++seed) {
      RestWorld world;
      Maker(world, seed, dialect == Dialect::swagger).make();
      const auto before = world.api();
      RestExportOptions options;
      options.dialect = dialect;
      options.whole = true;
      const auto document = export_rest_api(before, *before.draft, "prod", {}, options);
      const auto text = seed % 2 == 0 ? json::to_text(document) : to_yaml(document);
      const auto findings = world.import(text);
      ASSERT_TRUE(findings.ok()) << seed << " " << findings.to_error().message << "\n" << text;
      ASSERT_EQ(world.definition(), *before.draft) << seed << "\n"
                                                   << text << "\n"
                                                   << json::to_text(export_rest_api(world.api(), world.definition(), "prod", {}, options));
      ASSERT_EQ(world.api().api_key_source, before.api_key_source);
      ASSERT_EQ(world.api().description, before.description);
    }
}

TEST(Export, LooksAsRecordedOfAws) {
  RestWorld world;
  EXPECT_TRUE(world
                  .import(R"({swagger: '2.0', info: {title: PetStore, version: '1.0'}, paths: {/pets: {post: {operationId: CreatePet,
    parameters: [{in: body, name: NewPet, schema: {$ref: '#/definitions/NewPet'}}], responses: {'200': {description: x, schema: {$ref: '#/definitions/NewPet'},
    headers: {Access-Control-Allow-Origin: {type: string}}}},
    x-amazon-apigateway-integration: {type: http, httpMethod: POST, uri: 'http://127.0.0.1/pets', responses: {default: {statusCode: '200'}}}}}},
    definitions: {NewPet: {type: object}}})")
                  .ok());
  RestExportOptions options;
  options.dialect = Dialect::oas30;
  const auto text = [&] { return json::to_text(export_rest_api(world.api(), world.definition(), "local", {}, options)); };
  EXPECT_EQ(
      text(),
      R"({"openapi":"3.0.1","info":{"title":"PetStore","version":"1.0"},"servers":[{"url":"https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/{basePath}",)"
      R"("variables":{"basePath":{"default":"local"}}}],"paths":{"/pets":{"post":{"operationId":"CreatePet","requestBody":{"content":{"application/json":)"
      R"({"schema":{"$ref":"#/components/schemas/NewPet"}}},"required":true},"responses":{"200":{"description":"200 response","headers":)"
      R"({"Access-Control-Allow-Origin":{"schema":{"type":"string"}}},"content":{"application/json":{"schema":{"$ref":"#/components/schemas/NewPet"}}}}}}}},)"
      R"("components":{"schemas":{"NewPet":{"type":"object"}}}})");
  options.dialect = Dialect::swagger;
  options.integrations = true;
  EXPECT_EQ(
      text(),
      R"({"swagger":"2.0","info":{"title":"PetStore","version":"1.0"},"host":"a1b2c3d4e5.execute-api.us-east-1.amazonaws.com","basePath":"/local",)"
      R"("schemes":["https"],"paths":{"/pets":{"post":{"operationId":"CreatePet","consumes":["application/json"],"produces":["application/json"],)"
      R"("parameters":[{"in":"body","name":"NewPet","required":true,"schema":{"$ref":"#/definitions/NewPet"}}],"responses":{"200":{"description":)"
      R"("200 response","schema":{"$ref":"#/definitions/NewPet"},"headers":{"Access-Control-Allow-Origin":{"type":"string"}}}},)"
      R"("x-amazon-apigateway-integration":{"type":"http","httpMethod":"POST","uri":"http://127.0.0.1/pets","responses":{"default":{"statusCode":"200"}},)"
      R"("passthroughBehavior":"when_no_match"}}}},"definitions":{"NewPet":{"type":"object"}}})");
}

TEST(Export, YamlHasLongKeys) {
  const json::Value value = json::Object{{std::string(3'000, 'k'), json::Object{{std::string(2'000, '#'), "a"}}},
                                         {"b", json::Array{json::Object{{std::string(1'500, '-'), 1}}}}};
  const auto again = yaml::parse(to_yaml(value), yaml::Dialect::plain);
  ASSERT_TRUE(again) << yaml::to_text(again.error());
  EXPECT_EQ(again->to_json(), value);
}

TEST(Export, YamlKeepsEveryText) {
  std::mt19937 random(7);
  constexpr std::string_view pieces[] = {"yes", "null", "1", "0x1", "a", "-", ": ", "#", "'", "\"", "\n", "\t",
                                         "é",   "😀",   "{", "[",   "*", "&", "!",  "%", "@", "~",  "\\", "  "};
  for (int round = 0; round < 2'000; ++round) {
    std::string text;
    for (std::size_t i = random() % 5; i > 0; --i) text += pieces[random() % std::size(pieces)];
    const json::Value value = json::Object{{"k", text},
                                           {"list", json::Array{text, json::Array{}, json::Object{{"x", json::Array{1, true, nullptr}}}}},
                                           {"~" + text, json::Object{}}};
    const auto again = yaml::parse(to_yaml(value), yaml::Dialect::plain);
    ASSERT_TRUE(again) << yaml::to_text(again.error()) << to_yaml(value);
    ASSERT_EQ(again->to_json(), value) << to_yaml(value);
  }
}

}  // namespace
}  // namespace sallyport::openapi
