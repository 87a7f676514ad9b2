#include "openapi/rest_import.hpp"

#include <set>

#include "openapi/testing.hpp"

namespace sallyport::openapi {
namespace {

using testing::function_uri;
using testing::RestWorld;
using Mode = RestImportOptions::Mode;

/// A document with these paths, and what else.
std::string oas(std::string_view paths, std::string_view rest = "") {
  return cat("openapi: 3.0.1\ninfo: {title: t, version: '1'}\npaths:\n", paths, rest);
}

std::string mock(std::string_view more = "") {
  return cat("x-amazon-apigateway-integration: {type: mock, requestTemplates: {application/json: '{\"statusCode\": 200}'}", more, "}");
}

TEST(RestImport, ReadsSwaggerAsRecordedOfAws) {
  RestWorld world;
  const auto findings =
      world.import(cat(R"({"swagger":"2.0","info":{"description":"Your first API","title":"PetStore","version":"1.0"},
 "paths":{"/":{"get":{"tags":["pets"],"produces":["text/html"],"responses":{"200":{"description":"ok","headers":{"Content-Type":{"type":"string"}}}},
   "security":[{"test-authorizer":[]}],
   "x-amazon-apigateway-integration":{"responses":{"default":{"statusCode":"200","responseParameters":{"method.response.header.Content-Type":"'text/html'"},
     "responseTemplates":{"text/html":"<html></html>"}}},"passthroughBehavior":"when_no_match","requestTemplates":{"application/json":"{\"statusCode\": 200}"},"type":"mock"}}},
  "/pets":{"post":{"operationId":"CreatePet","parameters":[{"in":"body","name":"NewPet","required":true,"schema":{"$ref":"#/definitions/NewPet"}},
     {"in":"query","name":"page","type":"string"},{"in":"header","name":"X-Need","type":"string","required":true}],
   "responses":{"200":{"description":"ok","schema":{"$ref":"#/definitions/Pets"},"headers":{"Access-Control-Allow-Origin":{"type":"string"}}}},
   "x-amazon-apigateway-integration":{"responses":{"default":{"statusCode":"200"}},"uri":"http://127.0.0.1:1/pets","httpMethod":"POST","type":"http"}}}},
 "securityDefinitions":{"test-authorizer":{"type":"apiKey","name":"Authorization","in":"header","x-amazon-apigateway-authtype":"oauth2",
   "x-amazon-apigateway-authorizer":{"type":"token","authorizerUri":")",
                       function_uri(), R"(","identityValidationExpression":"^x-[a-z]+","authorizerResultTtlInSeconds":60}}},
 "definitions":{"Pets":{"type":"array","items":{"$ref":"#/definitions/Pet"}},"Pet":{"type":"object","properties":{"id":{"type":"integer"}}},
   "NewPet":{"type":"object"}},
 "x-amazon-apigateway-documentation":{"version":"v2.1","documentationParts":[]}})"));
  EXPECT_TRUE(findings.ok()) << findings.to_error().message;
  EXPECT_EQ(world.api().name, "PetStore");
  EXPECT_EQ(world.api().description, "Your first API");
  EXPECT_EQ(world.api().version, "1.0");
  EXPECT_EQ(world.methods(), "/ GET, /pets POST");

  const auto& models = world.definition().models;
  EXPECT_EQ(models.size(), 3u) << "an import brings its own models and no default ones";
  EXPECT_EQ(models.at("Pets").schema,
            R"({"type":"array","items":{"$ref":"https://apigateway.amazonaws.com/restapis/a1b2c3d4e5/models/Pet"}})");
  ASSERT_EQ(world.definition().authorizers.size(), 1u);
  const auto& authorizer = world.definition().authorizers.begin()->second;
  EXPECT_EQ(authorizer.name, "test-authorizer");
  EXPECT_EQ(authorizer.type, gateway::AuthorizerType::token);
  EXPECT_EQ(authorizer.identity_source, "method.request.header.Authorization");
  EXPECT_EQ(authorizer.validation_expression, "^x-[a-z]+");
  EXPECT_EQ(authorizer.ttl.count(), 60);

  const auto get = world.method("/", "GET");
  EXPECT_EQ(get.authorization, gateway::AuthorizationType::custom);
  EXPECT_EQ(get.authorizer_id, authorizer.id);
  ASSERT_TRUE(get.integration);
  EXPECT_EQ(get.integration->type, gateway::IntegrationType::mock);
  EXPECT_FALSE(get.integration->names_connection);
  EXPECT_EQ(get.integration->responses.at("200").response_templates.at("text/html"), "<html></html>");
  EXPECT_EQ(get.responses.at("200").response_parameters.count("method.response.header.Content-Type"), 1u);
  EXPECT_TRUE(get.responses.at("200").response_models.empty());

  const auto post = world.method("/pets", "POST");
  EXPECT_EQ(post.authorization, gateway::AuthorizationType::none);
  EXPECT_EQ(post.operation_name, "CreatePet");
  EXPECT_EQ(post.request_models, (gateway::TextMap{{"application/json", "NewPet"}}));
  EXPECT_EQ(post.request_parameters,
            (std::map<std::string, bool, std::less<>>{{"method.request.header.X-Need", true}, {"method.request.querystring.page", false}}));
  EXPECT_EQ(post.responses.at("200").response_models, (gateway::TextMap{{"application/json", "Pets"}}));
  EXPECT_EQ(post.integration->type, gateway::IntegrationType::http);
  EXPECT_TRUE(post.integration->names_connection) << "AWS shows INTERNET for imported HTTP integrations";
}

TEST(RestImport, ReadsOpenApi3) {
  RestWorld world;
  const auto findings = world.import(oas(cat(R"(
  /pets/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: string}}
      - $ref: '#/components/parameters/Trace'
    put:
      requestBody: {$ref: '#/components/requestBodies/Pet'}
      responses:
        '200': {description: ok, content: {application/json: {schema: {type: object, properties: {ok: {type: boolean}}}}}}
        default: {description: else}
      x-amazon-apigateway-request-validator: params
      )",
                                             mock(", responses: {default: {statusCode: 200}, '5..': {statusCode: '200'}}"), R"(
    x-amazon-apigateway-any-method:
      x-amazon-apigateway-integration: {$ref: '#/components/x-amazon-apigateway-integrations/fn'}
components:
  parameters: {Trace: {name: X-Trace, in: header, schema: {type: string}}}
  requestBodies: {Pet: {content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}, text/xml: {schema: {$ref: '#/components/schemas/Pet'}}}}}
  schemas:
    Pet: {type: object, properties: {friend: {$ref: '#/components/schemas/Pet'}, age: {type: integer, example: 3, nullable: true}}}
  x-amazon-apigateway-integrations:
    fn: {type: aws_proxy, httpMethod: POST, uri: ')",
                                             function_uri(), R"(', passthroughBehavior: when_no_match}
x-amazon-apigateway-request-validators:
  all: {validateRequestBody: true, validateRequestParameters: true}
  params: {validateRequestBody: false, validateRequestParameters: true}
x-amazon-apigateway-request-validator: all
x-amazon-apigateway-gateway-responses:
  DEFAULT_4XX: {statusCode: 418, responseParameters: {gatewayresponse.header.X: "'y'"}, responseTemplates: {application/json: '{}'}}
x-amazon-apigateway-binary-media-types: [image/png, '*/*']
x-amazon-apigateway-api-key-source: authorizer
x-amazon-apigateway-policy: {Version: '2012-10-17', Statement: [{Effect: Allow, Principal: '*', Action: 'execute-api:Invoke', Resource: 'execute-api:/*'}]}
x-amazon-apigateway-importexport-version: '1.0'
servers:
  - url: https://x/{basePath}
    variables: {basePath: {default: /v1}}
    x-amazon-apigateway-endpoint-configuration: {disableExecuteApiEndpoint: true}
)")));
  EXPECT_TRUE(findings.ok()) << findings.to_error().message;
  EXPECT_EQ(findings.warnings().size(), 2u) << "nullable, and two responses of one status";
  EXPECT_EQ(world.methods(), "/pets/{id} ANY, /pets/{id} PUT");
  const auto put = world.method("/pets/{id}", "PUT");
  EXPECT_EQ(put.request_parameters,
            (std::map<std::string, bool, std::less<>>{{"method.request.path.id", true}, {"method.request.header.X-Trace", false}}));
  EXPECT_EQ(put.request_models, (gateway::TextMap{{"application/json", "Pet"}, {"text/xml", "Pet"}}));
  EXPECT_EQ(world.definition().validators.at(put.request_validator_id).name, "params");
  EXPECT_EQ(put.integration->responses.at("200").selection_pattern, "5..");
  const auto& inline_model = put.responses.at("200").response_models.at("application/json");
  EXPECT_TRUE(inline_model.starts_with("MODEL")) << inline_model;
  EXPECT_EQ(world.definition().models.at(inline_model).schema, R"({"type":"object","properties":{"ok":{"type":"boolean"}}})");
  EXPECT_EQ(world.definition().models.at("Pet").schema,
            R"({"type":"object","properties":{"friend":{"$ref":"https://apigateway.amazonaws.com/restapis/a1b2c3d4e5/models/Pet"},)"
            R"("age":{"type":"integer"}}})");
  const auto any = world.method("/pets/{id}", "ANY");
  EXPECT_EQ(any.integration->uri, function_uri());
  EXPECT_EQ(world.definition().validators.at(any.request_validator_id).name, "all");
  EXPECT_EQ(world.definition().gateway_responses.at(gateway::ResponseType::default_4xx).status, 418);
  EXPECT_EQ(world.definition().binary_media_types, (std::vector<std::string>{"image/png", "*/*"}));
  EXPECT_EQ(world.api().api_key_source, "AUTHORIZER");
  EXPECT_TRUE(world.definition().resource_policy);
  EXPECT_TRUE(world.definition().disable_execute_api_endpoint);
}

TEST(RestImport, AnEndpointThatIsOffStaysOffWhereTheDocumentIsSilent) {
  testing::RestWorld world;
  const auto switched = [&](std::string_view value) {
    return world.import(cat("openapi: 3.0.0\ninfo: {title: t}\npaths: {}\n", value)).ok();
  };
  ASSERT_TRUE(switched("x-amazon-apigateway-endpoint-configuration: {disableExecuteApiEndpoint: true}"));
  ASSERT_TRUE(switched(""));
  EXPECT_TRUE(world.definition().disable_execute_api_endpoint);
  ASSERT_TRUE(switched("x-amazon-apigateway-endpoint-configuration: {disableExecuteApiEndpoint: false}"));
  EXPECT_FALSE(world.definition().disable_execute_api_endpoint);
}

TEST(RestImport, BasePathsGoInFrontOrAreSplit) {
  const auto paths = [](std::string_view head, BasePath how) {
    RestWorld world;
    const auto findings =
        world.import(cat(head, "\ninfo: {title: t, version: '1'}\npaths: {/test: {get: {", mock(), "}}, /: {get: {", mock(), "}}}"),
                     Mode::overwrite, how);
    EXPECT_TRUE(findings.ok()) << findings.to_error().message;
    return world.methods();
  };
  const auto variable = "openapi: 3.0.0\nservers: [{url: 'https://h/{basePath}', variables: {basePath: {default: base-var}}}]";
  const auto url = "openapi: 3.0.0\nservers: [{url: 'https://h/base-url/part/'}]";
  const auto swagger = "swagger: '2.0'\nbasePath: /base/a";
  EXPECT_EQ(paths(variable, BasePath::ignore), "/ GET, /test GET");
  EXPECT_EQ(paths(variable, BasePath::prepend), "/base-var GET, /base-var/test GET");
  EXPECT_EQ(paths(variable, BasePath::split), "/ GET, /test GET");
  EXPECT_EQ(paths(url, BasePath::prepend), "/base-url/part GET, /base-url/part/test GET");
  EXPECT_EQ(paths(url, BasePath::split), "/part GET, /part/test GET");
  EXPECT_EQ(paths(swagger, BasePath::prepend), "/base/a GET, /base/a/test GET");
  EXPECT_EQ(paths(swagger, BasePath::split), "/a GET, /a/test GET");
  EXPECT_EQ(paths("openapi: 3.0.0", BasePath::prepend), "/ GET, /test GET");
}

constexpr auto schemes = R"(
components:
  securitySchemes:
    key: {type: apiKey, name: X-API-Key, in: header}
    iam: {type: apiKey, name: Authorization, in: header, x-amazon-apigateway-authtype: awsSigv4}
    pool:
      type: apiKey
      name: Authorization
      in: header
      x-amazon-apigateway-authtype: cognito_user_pools
      x-amazon-apigateway-authorizer: {type: cognito_user_pools, providerARNs: ['arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_abc']}
    other: {type: apiKey, name: X-Other, in: header}
    oauth: {type: oauth2, flows: {}}
)";

TEST(RestImport, SecurityBecomesAuthorization) {
  RestWorld world;
  const auto findings = world.import(oas(cat(R"(
  /iam: {get: {security: [{iam: []}], )",
                                             mock(), R"(}}
  /key: {get: {security: [{key: []}], )",
                                             mock(), R"(}}
  /both: {get: {security: [{pool: [a/read, a/write]}, {key: []}], )",
                                             mock(), R"(}}
  /open: {get: {security: [], )",
                                             mock(), R"(}}
  /opted: {get: {security: [{NONE: []}], )",
                                             mock(), R"(}}
  /auth: {get: {security: [], x-amazon-apigateway-auth: {type: AWS_IAM}, )",
                                             mock(), R"(}}
  /global: {get: {)",
                                             mock(), "}}"),
                                         cat(schemes, "security: [{pool: []}]\n")));
  EXPECT_TRUE(findings.ok()) << findings.to_error().message;
  using enum gateway::AuthorizationType;
  EXPECT_EQ(world.method("/iam", "GET").authorization, aws_iam);
  EXPECT_EQ(world.method("/auth", "GET").authorization, aws_iam);
  EXPECT_EQ(world.method("/key", "GET").authorization, none);
  EXPECT_TRUE(world.method("/key", "GET").api_key_required);
  const auto both = world.method("/both", "GET");
  EXPECT_EQ(both.authorization, cognito_user_pools);
  EXPECT_EQ(both.authorization_scopes, (std::vector<std::string>{"a/read", "a/write"}));
  EXPECT_TRUE(both.api_key_required);
  EXPECT_EQ(world.method("/open", "GET").authorization, none);
  EXPECT_EQ(world.method("/opted", "GET").authorization, none);
  EXPECT_EQ(world.method("/global", "GET").authorization, cognito_user_pools);
}

TEST(RestImport, NoMethodIsMoreOpenThanItsDocument) {
  const auto refusal = [](std::string_view security, const Choices& choices = {}) {
    RestWorld world;
    auto text = world.problems(oas(cat("  /a: {get: {security: ", security, ", ", mock(), "}}"), schemes), choices);
    EXPECT_EQ(text.empty(), world.methods() == "/a GET") << text;
    return text;
  };
  const std::string lead = "Unable to put method 'GET' on resource at path '/a': ";
  EXPECT_EQ(refusal("[{oauth: []}]"), cat("4:26: ", lead, "the security scheme 'oauth' is not one that API Gateway enforces\n"));
  EXPECT_EQ(refusal("[{other: []}]"), cat("4:26: ", lead, "the security scheme 'other' is not one that API Gateway enforces\n"));
  EXPECT_EQ(refusal("[{typo: []}]"), cat("4:26: ", lead, "the security scheme 'typo' is not defined\n"));
  EXPECT_EQ(refusal("[{iam: []}, {pool: []}]"), cat("4:37: ", lead, "a method has one authorizer, `security` names several\n"));
  EXPECT_EQ(refusal("{pool: []}"), cat("4:24: ", lead, "`security` has to be a list\n"));
  EXPECT_EQ(refusal("[{pool: []}], x-amazon-apigateway-auth: {type: NONE}"),
            cat("4:64: ", lead, "its authorization is NONE by extension and COGNITO_USER_POOLS by `security`\n"));
  Choices as_aws;
  as_aws.unenforced_scheme = Choices::UnenforcedScheme::left_open;
  EXPECT_EQ(refusal("[{oauth: []}]", as_aws), "");

  RestWorld world;
  EXPECT_EQ(world.problems(oas(cat("  /a: {get: {security: [{tok: []}], ", mock(), "}}"), R"(
components: {securitySchemes: {tok: {type: apiKey, name: A, in: header, x-amazon-apigateway-authorizer: {type: token, authorizerUri: nonsense}}}}
)")),
            "5:105: Unable to create authorizer 'tok': Invalid Authorizer URI: it must be the invocation ARN of a Lambda function\n");
  EXPECT_EQ(world.methods(), "") << "a method whose authorizer could not be made is not made";

  const auto jwt = world.problems(oas(cat("  /a: {get: {security: [{tok: []}], ", mock(), "}}"), R"(
components: {securitySchemes: {tok: {type: oauth2, x-amazon-apigateway-authorizer: {type: jwt}}}}
)"));
  EXPECT_FALSE(jwt.empty());
  EXPECT_FALSE(jwt.starts_with("unsupported")) << "nothing that --ignore-unsupported passes over: " << jwt;
}

TEST(RestImport, WhatIsNotHonouredIsRefusedWithItsLine) {
  RestWorld world;
  const auto text = world.problems(oas(R"(  /a:
    get:
      x-amazon-apigateway-integration:
        type: mock
        connectionId: abc
        tlsConfig: {insecureSkipVerification: true}
        speed: high
      x-amazon-apigateway-authorizer: {}
    x-amazon-apigateway-cors: {}
)",
                                       R"(x-amazon-apigateway-endpoint-access-mode: STRICT
x-amazon-apigateway-minimum-compression-size: 10
x-other: {x-amazon-apigateway-speed: 1}
)"));
  EXPECT_EQ(
      text,
      "unsupported 14:47: Unable to update the API: minimumCompressionSize is not supported by this version: answers are not compressed\n"
      "unsupported 8:9: `connectionId` is not supported by this version\n"
      "unsupported 9:9: `tlsConfig` is not supported by this version\n"
      "unsupported 10:9: `speed` is not supported here by this version\n"
      "unsupported 11:7: the extension `x-amazon-apigateway-authorizer` is not supported here by this version\n"
      "unsupported 12:5: the extension `x-amazon-apigateway-cors` is not supported here by this version\n"
      "unsupported 13:1: the extension `x-amazon-apigateway-endpoint-access-mode` is not supported here by this version\n"
      "unsupported 15:11: the extension `x-amazon-apigateway-speed` is not supported here by this version\n");
  const auto error = world.import("{openapi: 3.0.0, info: {title: a}, paths: {}, x-amazon-apigateway-speed: 1}").to_error();
  EXPECT_EQ(
      cat(error.code, " ", error.status, " ", error.message),
      "UnsupportedOperationException 501 Errors found during import:\n\tthe extension `x-amazon-apigateway-speed` is not supported here "
      "by this version: it would have no effect: remove it (line 1)");
}

TEST(RestImport, BrokenDocumentsAreRefusedWithTheirPlace) {
  const auto problems = [](std::string_view text) { return RestWorld().problems(text); };
  EXPECT_EQ(problems("[]"), "1:1: Invalid OpenAPI input\n");
  EXPECT_EQ(problems("{a: b}"), "1:1: Invalid OpenAPI input\n");
  EXPECT_EQ(problems("{openapi: 3.1.0}"), "1:11: Invalid OpenAPI input\n");
  EXPECT_EQ(problems("{swagger: '1.2'}"), "1:11: Invalid OpenAPI input\n");
  EXPECT_EQ(problems("{openapi: 3.0.0, paths: {}}"), "1:1: Invalid OpenAPI input\n") << "no title";
  EXPECT_EQ(problems(oas("  /a: []")), "4:7: a path has to be a mapping, this is a list\n");
  EXPECT_EQ(problems(oas("  /a: {get: [1]}")), "4:13: an operation has to be a mapping, this is a list\n");
  EXPECT_EQ(problems(oas("  a: {get: {}}")), "4:7: Unable to create resource at path 'a': a path begins with `/`\n");
  EXPECT_EQ(
      problems(oas("  /{a}: {get: {}}\n  /{b}: {get: {}}\n")),
      "5:10: Unable to create resource at path '/{b}': A sibling ({a}) of this resource already has a variable path part -- only one is "
      "allowed\n");
  EXPECT_EQ(problems(oas("  /a/: {get: {}}")).substr(0, 50), "4:9: Unable to create resource at path '/a/': Reso");
  EXPECT_EQ(problems(oas("  /a: {$ref: 'http://h/a.yaml'}")), "4:14: the reference `http://h/a.yaml` leaves the document\n");
  EXPECT_EQ(problems(oas("  /a: {$ref: '#/paths/~1b'}\n  /b: {$ref: '#/paths/~1a'}\n")),
            "4:7: the reference goes round in circles\n5:7: the reference goes round in circles\n");
  EXPECT_EQ(problems(oas("  /a: {$ref: '#/paths/~1none'}")), "4:14: the reference `#/paths/~1none` names nothing\n");
  EXPECT_EQ(problems(oas("  /a: {get: {requestBody: {content: {application/json: {schema: {$ref: '#/x/y'}}}}}}")),
            "4:72: the reference `#/x/y` is not to a schema of this document\n");
  EXPECT_EQ(
      problems(oas("  {}", "\ncomponents: {schemas: {my.Pet: {type: object}, Bad: {type: 3}, Sub: {$ref: '#/components/schemas/None'}}}")),
      "5:24: Unable to create model for 'my.Pet': Model name must be alphanumeric: my.Pet\n"
      "5:48: Unable to create model for 'Bad': Invalid model specified: Validation Result: warnings : [], errors : [Invalid model schema "
      "specified. type names a number]\n"
      "5:64: Unable to create model for 'Sub': Invalid model specified: Validation Result: warnings : [], errors : [Invalid model schema "
      "specified. the reference `https://apigateway.amazonaws.com/restapis/a1b2c3d4e5/models/None` is to a model that does not exist]\n");
  EXPECT_EQ(problems(oas("  /a: {get: {x-amazon-apigateway-request-validator: v}}")), "4:53: the request validator 'v' is not defined\n");
}

TEST(RestImport, MergeAddsAndReplacesAndOverwriteTakesAway) {
  RestWorld world;
  EXPECT_TRUE(world
                  .import(oas(cat("  /a/b: {get: {operationId: one, ", mock(), "}, post: {", mock(), "}}\n"),
                              cat("x-amazon-apigateway-request-validators: {v: {}}", schemes, "  schemas: {M: {type: object}}\n")))
                  .ok());
  const auto before = world.definition();
  const auto id = world.resource("/a/b")->id;

  EXPECT_TRUE(world.import(oas(cat("  /a/b: {get: {operationId: two, ", mock(), "}}\n  /c: {get: {", mock(), "}}")), Mode::merge).ok());
  EXPECT_EQ(world.methods(), "/a/b GET, /a/b POST, /c GET");
  EXPECT_EQ(world.method("/a/b", "GET").operation_name, "two");
  EXPECT_TRUE(world.definition().models.contains("M"));
  EXPECT_EQ(world.definition().authorizers, before.authorizers);

  EXPECT_TRUE(world.import(oas(cat("  /a/b: {get: {", mock(), "}}"))).ok());
  EXPECT_EQ(world.methods(), "/a/b GET");
  EXPECT_EQ(world.resource("/a/b")->id, id) << "recorded: a path keeps its id";
  EXPECT_EQ(world.api().root_resource_id, "root");
  EXPECT_TRUE(world.definition().models.empty());
  EXPECT_TRUE(world.definition().authorizers.empty());
  EXPECT_TRUE(world.definition().validators.empty());
}

TEST(RestImport, TheBodyOfATerraformStackComesIn) {
  RestWorld world;
  const auto findings = world.import(cat(
      R"({"components":{"securitySchemes":{"tok":{"in":"header","name":"Authorization","type":"apiKey","x-amazon-apigateway-authorizer":{"authorizerUri":")",
      function_uri(),
      R"(","type":"token"},"x-amazon-apigateway-authtype":"custom"}}},"info":{"title":"body","version":"1"},"openapi":"3.0.1",)",
      R"("paths":{"/p":{"get":{"responses":{"200":{"description":"ok"}},"security":[{"tok":[]}],"x-amazon-apigateway-integration":)",
      R"({"httpMethod":"POST","passthroughBehavior":"when_no_match","type":"aws_proxy","uri":")", function_uri(), R"("}}}}})"));
  EXPECT_TRUE(findings.ok()) << findings.to_error().message;
  EXPECT_EQ(world.method("/p", "GET").authorization, gateway::AuthorizationType::custom);
}

TEST(RestImport, AModelThatAnotherRefersToStays) {
  RestWorld world;
  ASSERT_TRUE(
      world
          .import(oas("  {}",
                      "\ncomponents: {schemas: {Pet: {properties: {self: {$ref: '#/components/schemas/Pet'}}}, Pets: {items: {$ref: "
                      "'#/components/schemas/Pet'}}}}"))
          .ok());
  gateway::Operations operations(world.state);
  const auto refused = operations.delete_model(world.api_id, "Pet");
  ASSERT_FALSE(refused);
  EXPECT_EQ(cat(refused.error().code, " ", refused.error().message),
            "ConflictException Cannot delete model 'Pet', is referenced in model: Pets");
  EXPECT_TRUE(operations.delete_model(world.api_id, "Pets"));
  EXPECT_TRUE(operations.delete_model(world.api_id, "Pet")) << "itself is no other";
}

TEST(RestImport, SizesAreBounded) {
  RestWorld world;
  std::string many;
  for (int i = 0; i < 3'100; ++i) many += cat("  /p", i, ": {get: {}}\n");
  EXPECT_NE(world.problems(oas(many)).find("more than 3000 resources"), std::string::npos);
  EXPECT_NE(world.problems(oas(cat("  ? \"/", std::string(5'000, 'a'), "\"\n  : {get: {}}"))).find("a path is longer than 4096 bytes"),
            std::string::npos);
  // A megabyte that a hundred paths refer to.
  std::string repeated;
  for (int i = 0; i < 100; ++i) repeated += cat("  /p", i, ": {$ref: '#/components/x'}\n");
  EXPECT_NE(world.problems(oas(repeated, cat("components: {x: {get: {operationId: ", std::string(1u << 20, 'x'), "}}}")))
                .find("what the references stand for is larger than 32 MB"),
            std::string::npos);
}

}  // namespace
}  // namespace sallyport::openapi
