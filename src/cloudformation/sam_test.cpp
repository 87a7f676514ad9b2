#include <algorithm>

#include "cloudformation/testing.hpp"
#include "gateway/operations.hpp"
#include "lambda/operations.hpp"

namespace sallyport::cloudformation {
namespace {

constexpr std::string_view head = R"(
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Runtime: python3.12
    Handler: app.handler
    CodeUri: src
    Timeout: 5
    Environment: {Variables: {AA: global, BB: global}}
Resources:
  Auth: {Type: AWS::Serverless::Function}
)";

class Sam : public FolderTest {
 public:
  Stack of(std::string_view rest) { return loaded(cat(head, rest)); }
  std::string problems_of(std::string_view rest) { return problems(cat(head, rest)); }

  static const lambda::FunctionConfiguration& function(const Stack& stack, std::string_view logical_id) {
    static const lambda::FunctionConfiguration none;
    for (const auto& [name, function] : stack.lambda.functions)
      if (name == logical_id || name.starts_with(cat("sallyport-", logical_id, "-"))) return function->latest;
    ADD_FAILURE() << "no function " << logical_id;
    return none;
  }
  static const gateway::RestApi& only_api(const Stack& stack) {
    static const gateway::RestApi none;
    EXPECT_EQ(stack.gateway.apis.size(), 1u);
    return stack.gateway.apis.empty() ? none : *stack.gateway.apis.begin()->second;
  }
  static const gateway::AuthorizerSettings& authorizer(const Stack& stack, std::string_view name) {
    static const gateway::AuthorizerSettings none;
    for (const auto& [id, authorizer] : only_api(stack).draft->authorizers)
      if (authorizer.name == name) return authorizer;
    ADD_FAILURE() << "no authorizer " << name;
    return none;
  }
};

constexpr std::string_view api_with_events = R"(
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        List: {Type: Api, Properties: {Path: /pets, Method: get, RestApiId: !Ref Api}}
        One: {Type: Api, Properties: {Path: '/pets/{id}', Method: any, RestApiId: !Ref Api, Auth: {Authorizer: Req}}}
        Open: {Type: Api, Properties: {Path: /open, Method: post, RestApiId: !Ref Api, Auth: {Authorizer: NONE}}}
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: live
      Variables: {color: blue}
      BinaryMediaTypes: [image~1png]
      Auth:
        DefaultAuthorizer: Tok
        Authorizers:
          Tok: {FunctionArn: !GetAtt Auth.Arn, Identity: {ValidationExpression: '^Bearer .+$'}}
          Req:
            FunctionPayloadType: REQUEST
            FunctionArn: !GetAtt Auth.Arn
            Identity: {Headers: [X-Token], QueryStrings: [q], StageVariables: [color], Context: [path], ReauthorizeEvery: 0}
)";

TEST_F(Sam, GlobalsMergeIntoFunctions) {
  const auto stack = of(R"(
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: own
      Timeout: 7
      MemorySize: 256
      Environment: {Variables: {BB: own, CC: own}}
  Plain:
    Type: AWS::Serverless::Function
    IgnoreGlobals: [Environment]
)");
  const auto& own = function(stack, "own");
  EXPECT_EQ(own.timeout.count(), 7);
  EXPECT_EQ(own.memory_mb, 256);
  EXPECT_EQ(own.runtime, "python3.12");
  EXPECT_EQ(own.code_directory, folder + "/src");
  EXPECT_EQ(own.environment, (std::map<std::string, std::string>{{"AA", "global"}, {"BB", "own"}, {"CC", "own"}}));
  EXPECT_EQ(function(stack, "Auth").timeout.count(), 5);
  EXPECT_TRUE(function(stack, "Plain").environment.empty());
  EXPECT_TRUE(function(stack, "Auth").role.starts_with("arn:aws:iam::123456789012:role/sallyport-AuthRole-"));
}

TEST_F(Sam, EventsBecomeRoutesWithTheirAuthorizers) {
  const auto stack = of(api_with_events);
  EXPECT_EQ(routes(stack, "live"), "POST /open\nGET /pets Tok\nANY /pets/{id} Req\n");
  EXPECT_EQ(routes(stack, "Stage"), routes(stack, "live")) << "the stage SAM makes beside the one asked for";
  for (const auto& route : stack.routes) EXPECT_EQ(route.extra_stage, route.stage == "Stage");

  const auto& token = authorizer(stack, "Tok");
  EXPECT_EQ(token.type, gateway::AuthorizerType::token);
  EXPECT_EQ(token.ttl.count(), 300);
  EXPECT_EQ(token.validation_expression, "^Bearer .+$");
  EXPECT_EQ(token.identity_sources, std::vector<std::string>{"method.request.header.Authorization"});
  EXPECT_EQ(gateway::function_arn_of_uri(token.uri), function(stack, "Auth").function_arn);
  const auto& request = authorizer(stack, "Req");
  EXPECT_EQ(request.type, gateway::AuthorizerType::request);
  EXPECT_EQ(request.ttl.count(), 0);
  EXPECT_EQ(request.identity_sources, (std::vector<std::string>{"method.request.header.X-Token", "method.request.querystring.q",
                                                                "stageVariables.color", "context.path"}));

  const auto& api = only_api(stack);
  EXPECT_EQ(api.name, "sallyport");
  EXPECT_EQ(api.draft->binary_media_types, std::vector<std::string>{"image/png"});
  EXPECT_EQ(api.stages.at("live").variables, (gateway::TextMap{{"color", "blue"}}));
  EXPECT_TRUE(api.stages.at("Stage").variables.empty());
  for (const auto& route : stack.routes) {
    EXPECT_EQ(route.token_header, route.authorizer == "Tok" ? "Authorization" : route.authorizer == "Req" ? "X-Token" : "");
    EXPECT_GT(route.at.line, 10u) << "where its event is declared";
  }
}

TEST_F(Sam, GeneratesThePermissionsApiGatewayNeeds) {
  const auto stack = of(api_with_events);
  EXPECT_EQ(warnings(stack), "");
  const auto& api = only_api(stack);
  const auto arn = [&](std::string_view rest) { return cat("arn:aws:execute-api:us-east-1:123456789012:", api.id, "/", rest); };
  const auto allowed = [&](std::string_view name, std::string_view rest) {
    const auto& one = *stack.lambda.functions.at(function(stack, name).function_name);
    return static_cast<bool>(lambda::check_permission(stack.lambda, one, "", {"apigateway.amazonaws.com", arn(rest), "123456789012"}));
  };
  EXPECT_TRUE(allowed("Auth", "authorizers/" + authorizer(stack, "Tok").id));
  EXPECT_FALSE(allowed("Auth", "live/GET/pets")) << "an authorizer's function is not thereby an integration";
  EXPECT_TRUE(allowed("Fn", "live/GET/pets"));
  EXPECT_TRUE(allowed("Fn", "Stage/ANY/pets/{id}"));
  EXPECT_FALSE(allowed("Fn", "live/DELETE/pets"));
  EXPECT_FALSE(allowed("Fn", "authorizers/" + authorizer(stack, "Tok").id));
}

TEST_F(Sam, CorsPreflightHasTheDefaultAuthorizerUnlessTold) {
  const auto with_cors = [](std::string_view auth) {
    return replace_all(replace_all(api_with_events, "      StageName: live", "      StageName: live\n      Cors: \"'*'\""),
                       "        DefaultAuthorizer: Tok", cat("        DefaultAuthorizer: Tok\n        ", auth));
  };
  const auto stack = of(with_cors(""));
  EXPECT_EQ(routes(stack, "live"),
            "OPTIONS /open Tok\nPOST /open\nGET /pets Tok\nOPTIONS /pets Tok\nANY /pets/{id} Req\nOPTIONS /pets/{id} Tok\n");
  for (const auto& route : stack.routes) EXPECT_EQ(route.preflight, route.method == "OPTIONS");

  const auto open = of(with_cors("AddDefaultAuthorizerToCorsPreflight: false"));
  EXPECT_EQ(routes(open, "live"), "OPTIONS /open\nPOST /open\nGET /pets Tok\nOPTIONS /pets\nANY /pets/{id} Req\nOPTIONS /pets/{id}\n");
  const auto& resources = only_api(open).draft->resources;
  const auto pets = std::ranges::find_if(resources, [](const auto& entry) { return entry.second.path == "/pets"; });
  ASSERT_NE(pets, resources.end());
  const auto& preflight = pets->second.methods.at("OPTIONS");
  EXPECT_EQ(preflight.integration->type, gateway::IntegrationType::mock);
  EXPECT_EQ(preflight.integration->responses.at("200").response_parameters,
            (gateway::TextMap{{"method.response.header.Access-Control-Allow-Methods", "'GET,OPTIONS'"},
                              {"method.response.header.Access-Control-Allow-Origin", "'*'"}}));
}

TEST_F(Sam, CorsMappingSetsEveryHeader) {
  const auto cors = [](std::string_view more) {
    return replace_all(api_with_events, "      StageName: live",
                       cat("      StageName: live\n      Cors: {AllowOrigin: \"'https://a.example'\"", more, "}"));
  };
  const auto stack = of(cors(", AllowHeaders: \"'X-A'\", AllowMethods: \"'GET'\", MaxAge: \"'600'\", AllowCredentials: true"));
  for (const auto& [id, resource] : only_api(stack).draft->resources)
    if (resource.path == "/pets")
      EXPECT_EQ(resource.methods.at("OPTIONS").integration->responses.at("200").response_parameters,
                (gateway::TextMap{{"method.response.header.Access-Control-Allow-Credentials", "'true'"},
                                  {"method.response.header.Access-Control-Allow-Headers", "'X-A'"},
                                  {"method.response.header.Access-Control-Allow-Methods", "'GET'"},
                                  {"method.response.header.Access-Control-Allow-Origin", "'https://a.example'"},
                                  {"method.response.header.Access-Control-Max-Age", "'600'"}}));
  EXPECT_NE(problems_of(cors(", AllowHeader: x")).find("(did you mean AllowHeaders?)"), std::string::npos);
  EXPECT_NE(problems_of(cors(cat(", AllowHeaders: \"'", std::string(20'000, 'x'), "'\""))).find("is longer than 10240 bytes"),
            std::string::npos);
}

TEST_F(Sam, EventsWithoutAnApiMakeTheImplicitOne) {
  const auto stack = of(R"(
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Root: {Type: Api, Properties: {Path: /, Method: get}}
        Deep: {Type: Api, Properties: {Path: '/a/{proxy+}', Method: ANY}}
Outputs:
  Url: {Value: !Sub 'https://${ServerlessRestApi}/${ServerlessRestApi.Stage}', Description: where}
)");
  EXPECT_EQ(routes(stack, "Prod"), "GET /\nANY /a/{proxy+}\n");
  ASSERT_EQ(stack.outputs.size(), 1u);
  EXPECT_EQ(stack.outputs[0].value, cat("https://", only_api(stack).id, "/Prod"));
  EXPECT_EQ(stack.outputs[0].description, "where");
}

TEST_F(Sam, GlobalsReachTheImplicitApi) {
  const auto text =
      replace_all(head, "Globals:", "Globals:\n  Api: {Auth: {DefaultAuthorizer: T, Authorizers: {T: {FunctionArn: !GetAtt Auth.Arn}}}}");
  const auto stack = loaded(cat(text, R"(
  Fn: {Type: AWS::Serverless::Function, Properties: {Events: {E: {Type: Api, Properties: {Path: /a, Method: get}}}}}
)"));
  EXPECT_EQ(routes(stack, "Prod"), "GET /a T\n");
}

TEST_F(Sam, GatewayResponsesAreMade) {
  const auto stack = of(replace_all(api_with_events, "      StageName: live", R"(      StageName: live
      GatewayResponses:
        UNAUTHORIZED:
          StatusCode: 401
          ResponseTemplates: {application/json: '{"m":$context.error.messageString}'}
          ResponseParameters: {Headers: {WWW-Authenticate: "'Bearer'"}})"));
  const auto& response = only_api(stack).draft->gateway_responses.at(gateway::ResponseType::unauthorized);
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(response.parameters, (gateway::TextMap{{"gatewayresponse.header.WWW-Authenticate", "'Bearer'"}}));
}

TEST_F(Sam, AnAliasIsWhatTheApiCalls) {
  const auto stack = of(R"(
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: fn
      AutoPublishAlias: live
      Events: {E: {Type: Api, Properties: {Path: /a, Method: get}}}
Outputs:
  Alias: {Value: !Ref Fn.Alias}
  Version: {Value: !Ref Fn.Version}
)");
  const auto& fn = *stack.lambda.functions.at("fn");
  EXPECT_EQ(fn.aliases.at("live").function_version, "1");
  EXPECT_TRUE(fn.policies.contains("live"));
  EXPECT_FALSE(fn.policies.contains(""));
  EXPECT_EQ(stack.outputs[0].value, "arn:aws:lambda:us-east-1:123456789012:function:fn:live");
  EXPECT_EQ(stack.outputs[1].value, "arn:aws:lambda:us-east-1:123456789012:function:fn:1");
  EXPECT_EQ(warnings(stack), "") << "the permission is on the alias";
}

TEST_F(Sam, TextOfTheTemplateIsNeverTakenForFnSub) {
  const auto out = problems_of(R"(
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      AutoPublishAlias: 'li ve'
      Events: {E: {Type: Api, Properties: {Path: '/${x/${AWS::Region}', Method: get}}}
)");
  EXPECT_NE(out.find("Value 'li ve' at 'name' failed"), std::string::npos) << out;
  EXPECT_NE(out.find("Resource's path part only allow"), std::string::npos) << out;
  EXPECT_EQ(out.find("us-east-1"), std::string::npos) << out;
}

TEST_F(Sam, InlineCodeIsAFunction) {
  const auto stack = of(R"(
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: fn
      Handler: index.handler
      InlineCode: |
        def handler(event, context):
            return {}
)");
  EXPECT_TRUE(std::filesystem::exists(function(stack, "fn").code_directory + "/index.py"));
}

TEST_F(Sam, RefusesWhatSamRefuses) {
  EXPECT_EQ(problems_of(replace_all(api_with_events, "Authorizer: Req", "Authorizer: Rec")),
            "template.yaml:18:9: Resources.Fn.Properties.Events.One.Properties.Auth.Authorizer: the API has no authorizer `Rec` (did you "
            "mean Req?)\n");
  EXPECT_EQ(problems_of(replace_all(api_with_events, "        DefaultAuthorizer: Tok\n", "")),
            "template.yaml:19:9: Resources.Fn.Properties.Events.Open.Properties.Auth.Authorizer: NONE says nothing where the API has no "
            "DefaultAuthorizer "
            "(leave it out: the route is open already)\n");
  EXPECT_EQ(problems_of(replace_all(api_with_events, "DefaultAuthorizer: Tok", "DefaultAuthorizer: Tokk")),
            "template.yaml:27:9: Resources.Api.Properties.Auth.DefaultAuthorizer: `Tokk` is not among Authorizers (did you mean Tok?)\n");
  EXPECT_EQ(problems_of(replace_all(
                api_with_events,
                "        Open:", "        Again: {Type: Api, Properties: {Path: /pets, Method: GET, RestApiId: !Ref Api}}\n        Open:")),
            "template.yaml:19:9: Resources.Fn.Properties.Events.Again.Properties: GET /pets is declared twice for Api\n");
  EXPECT_EQ(problems(replace_all(cat(head, ""), "Timeout: 5", "TimeOut: 5")),
            "template.yaml:8:5: Globals.Function.TimeOut: SAM does not take this property in Globals (did you mean Timeout?)\n"
            "template.yaml:8:5: Resources.Auth.Properties.TimeOut: not a property of AWS::Serverless::Function that is known here (did you "
            "mean Timeout?)\n");
}

TEST_F(Sam, AGuardThatIsNotSupportedIsNeverIgnored) {
  options.unsupported = Unsupported::ignore;
  const auto with = [](std::string_view line) {
    return replace_all(api_with_events, "        DefaultAuthorizer: Tok", cat("        DefaultAuthorizer: Tok\n        ", line));
  };
  EXPECT_NE(problems_of(with("ResourcePolicy: {SourceVpcBlacklist: [everybody]}")).find("is neither a vpc-... nor a vpce-..."),
            std::string::npos);
  EXPECT_NE(problems_of(with("ResourcePolicy: {CustomStatements: [{Effect: Allow}]}")), "");
  EXPECT_NE(problems_of(replace_all(api_with_events, "Tok: {FunctionArn: !GetAtt Auth.Arn", "Tok: {UserPoolArn: x")), "");
}

TEST_F(Sam, OneRefusalDoesNotHideTheNext) {
  const auto out = problems_of(R"(
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      FunctionUrlConfig: {AuthType: NONE, InvokeMode: STREAM}
      Events: {E: {Type: SQS}}
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: live
      Auth: {Authorizers: {C: {UserPoolArn: x, FunctionArn: y}, T: {FunctionPayloadType: BOTH}, R: {FunctionArn: x, FunctionPayloadType: REQUEST}}}
)");
  for (const auto* part : {"FunctionUrlConfig.InvokeMode: `STREAM` is neither BUFFERED nor RESPONSE_STREAM", "events of type `SQS`",
                           "C.FunctionArn: is not for Cognito", "T.FunctionArn: missing", "T.FunctionPayloadType: `BOTH`",
                           "R: a REQUEST authorizer that caches needs an identity source"})
    EXPECT_NE(out.find(part), std::string::npos) << part << "\n" << out;
}

TEST_F(Sam, OtherEventsAreListedWhenIgnored) {
  constexpr std::string_view text = R"(
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Get: {Type: Api, Properties: {Path: /a, Method: get}}
        Tick: {Type: Schedule, Properties: {Schedule: rate(1 day)}}
)";
  EXPECT_EQ(problems_of(text),
            "template.yaml:18:16: Resources.Fn.Properties.Events.Tick.Type: events of type `Schedule` are not supported (Api, HttpApi "
            "and Cognito events are what brings calls here)\n");
  options.unsupported = Unsupported::ignore;
  const auto stack = of(text);
  EXPECT_EQ(stack.ignored.size(), 1u);
  EXPECT_EQ(routes(stack, "Prod"), "GET /a\n");
}

TEST_F(Sam, AFunctionThatMentionsItsOwnApiIsACycleAsOnAws) {
  EXPECT_EQ(problems_of(R"(
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Environment: {Variables: {URL: !Sub 'https://${ServerlessRestApi}'}}
      Events: {E: {Type: Api, Properties: {Path: /a, Method: get}}}
)"),
            "template.yaml:16:38: Resources.Fn: circular dependency: Fn -> ServerlessRestApi -> Fn (AWS refuses it as well: take one of "
            "the references out)\n");
}

}  // namespace
}  // namespace sallyport::cloudformation
