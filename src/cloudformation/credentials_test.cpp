// User pools, HTTP APIs, API keys, policies and domains of templates, written plainly and through SAM.
#include <algorithm>

#include "cloudformation/replace.hpp"
#include "cloudformation/testing.hpp"
#include "cognito/signing_keys.hpp"
#include "gateway/operations.hpp"
#include "json/write.hpp"

namespace sallyport::cloudformation {
namespace {

constexpr std::string_view pool = R"(
Resources:
  Pool:
    Type: AWS::Cognito::UserPool
    Properties:
      UserPoolName: people
      AutoVerifiedAttributes: [email]
      MfaConfiguration: OPTIONAL
      EnabledMfas: [SOFTWARE_TOKEN_MFA]
      Policies: {PasswordPolicy: {MinimumLength: 10, RequireNumbers: true}}
      Schema: [{Name: plan, AttributeDataType: String, Mutable: true}]
  Client:
    Type: AWS::Cognito::UserPoolClient
    Properties:
      UserPoolId: !Ref Pool
      GenerateSecret: true
      ExplicitAuthFlows: [ALLOW_USER_PASSWORD_AUTH, ALLOW_REFRESH_TOKEN_AUTH]
      AllowedOAuthFlowsUserPoolClient: true
      AllowedOAuthFlows: [code]
      AllowedOAuthScopes: [openid, pets/read]
      CallbackURLs: ['https://example.com/back']
  Server:
    Type: AWS::Cognito::UserPoolResourceServer
    Properties: {UserPoolId: !Ref Pool, Identifier: pets, Name: Pets, Scopes: [{ScopeName: read, ScopeDescription: reads}]}
  Domain: {Type: AWS::Cognito::UserPoolDomain, Properties: {UserPoolId: !Ref Pool, Domain: example-people}}
  Group: {Type: AWS::Cognito::UserPoolGroup, Properties: {UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1}}
  Ann:
    Type: AWS::Cognito::UserPoolUser
    Properties: {UserPoolId: !Ref Pool, Username: ann, UserAttributes: [{Name: email, Value: ann@example.com}]}
  Member:
    Type: AWS::Cognito::UserPoolUserToGroupAttachment
    Properties: {UserPoolId: !Ref Pool, Username: !Ref Ann, GroupName: !Ref Group}
)";

class Credentials : public FolderTest {
 public:
  static const cognito::UserPool& only_pool(const Stack& stack) {
    static const cognito::UserPool none;
    EXPECT_EQ(stack.cognito.pools.size(), 1u);
    return stack.cognito.pools.empty() ? none : *stack.cognito.pools.begin()->second;
  }
  static const http_api::Api& only_http_api(const Stack& stack) {
    static const http_api::Api none;
    EXPECT_EQ(stack.http_api.apis.size(), 1u);
    return stack.http_api.apis.empty() ? none : *stack.http_api.apis.begin()->second;
  }
  static std::string output(const Stack& stack, std::string_view name) {
    for (const auto& each : stack.outputs)
      if (each.name == name) return each.value;
    return "no output";
  }
  /// `GET /pets J [a b]`, sorted: routes of the draft with authorizers and scopes.
  static std::string routes_of(const http_api::Api& api) {
    std::vector<std::string> out;
    for (const auto& [id, route] : api.draft->routes) {
      const auto authorizer = route.authorizer_id ? api.draft->authorizers.find(*route.authorizer_id) : api.draft->authorizers.end();
      out.push_back(cat(route.key, " ", http_api::name_of(route.authorization),
                        authorizer == api.draft->authorizers.end() ? "" : cat(" ", authorizer->second.name),
                        route.scopes.empty() ? "" : cat(" [", join(route.scopes, " "), "]")));
    }
    std::ranges::sort(out);
    return join(out, "\n");
  }
  /// `GET /pets COGNITO_USER_POOLS Cog [a] key`
  static std::string methods_of(const Stack& stack) {
    std::vector<std::string> out;
    for (const auto& [id, api] : stack.gateway.apis)
      for (const auto& [resource_id, resource] : api->draft->resources)
        for (const auto& [verb, method] : resource.methods) {
          const auto authorizer =
              method.authorizer_id ? api->draft->authorizers.find(*method.authorizer_id) : api->draft->authorizers.end();
          out.push_back(cat(verb, " ", resource.path, " ", gateway::name_of(method.authorization),
                            authorizer == api->draft->authorizers.end() ? "" : cat(" ", authorizer->second.name),
                            method.authorization_scopes.empty() ? "" : cat(" [", join(method.authorization_scopes, " "), "]"),
                            method.api_key_required ? " key" : ""));
        }
    std::ranges::sort(out);
    return join(out, "\n");
  }
};

TEST_F(Credentials, AUserPoolWithAllThatBelongsToIt) {
  const auto stack = loaded(cat(pool, R"(
Outputs:
  Id: {Value: !Ref Pool}
  Arn: {Value: !GetAtt Pool.Arn}
  Url: {Value: !GetAtt Pool.ProviderURL}
  Name: {Value: !GetAtt Pool.ProviderName}
  Client: {Value: !Ref Client}
  Secret: {Value: !GetAtt Client.ClientSecret}
)"));
  const auto& made = only_pool(stack);
  EXPECT_EQ(made.name, "people");
  EXPECT_TRUE(made.id.starts_with("us-east-1_")) << made.id;
  EXPECT_EQ(output(stack, "Id"), made.id);
  EXPECT_EQ(output(stack, "Arn"), made.arn);
  EXPECT_EQ(output(stack, "Url"), cat("https://cognito-idp.us-east-1.amazonaws.com/", made.id));
  EXPECT_EQ(output(stack, "Name"), cat("cognito-idp.us-east-1.amazonaws.com/", made.id));
  EXPECT_EQ(made.settings->mfa, cognito::MfaMode::optional);
  EXPECT_TRUE(made.settings->software_token_mfa);
  EXPECT_EQ(made.settings->password_policy.minimum_length, 10);
  EXPECT_NE(made.schema_attribute("custom:plan"), nullptr);
  EXPECT_EQ(made.signing_keys.size(), 2u);
  ASSERT_EQ(made.clients.size(), 1u);
  const auto& client = *made.clients.begin()->second;
  EXPECT_EQ(output(stack, "Client"), client.id);
  EXPECT_EQ(client.id.size(), 26u);
  EXPECT_EQ(output(stack, "Secret"), client.secret.reveal());
  EXPECT_FALSE(client.secret.empty());
  EXPECT_EQ(client.oauth_scopes, (std::vector<std::string>{"openid", "pets/read"})) << "made after the resource server";
  EXPECT_TRUE(made.domains.contains("example-people"));
  const auto* ann = cognito::find_user(made, "ann");
  ASSERT_NE(ann, nullptr);
  EXPECT_TRUE(ann->in_group("admins"));
  EXPECT_TRUE(ann->password.hash.empty());
  EXPECT_EQ(stack.sources.user_pools.at(made.id).line, 3u);
}

TEST_F(Credentials, WhatAUserPoolCannotDoIsRefusedWhereItStands) {
  EXPECT_EQ(
      problems("Resources:\n  Pool:\n    Type: AWS::Cognito::UserPool\n    Properties:\n      DeviceConfiguration: "
               "{ChallengeRequiredOnNewDevice: true}\n"),
      "template.yaml:5:7: Resources.Pool.Properties.DeviceConfiguration: UnsupportedOperationException: DeviceConfiguration: devices are "
      "not remembered; leave it out\n");
  const std::string_view text =
      "Resources:\n  Pool:\n    Type: AWS::Cognito::UserPool\n    Properties:\n      UserPoolNam: x\n      MfaConfiguration: 'ON'\n      "
      "Policies: {PasswordPolicy: {MinimumLength: many}}\n";
  EXPECT_EQ(
      problems(text),
      "template.yaml:5:7: Resources.Pool.Properties.UserPoolNam: not a property of AWS::Cognito::UserPool that is known here (did you "
      "mean UserPoolName?)\n"
      "template.yaml:6:7: Resources.Pool.Properties.MfaConfiguration: means text messages without EnabledMfas: [SOFTWARE_TOKEN_MFA], "
      "and none are sent (add EnabledMfas: [SOFTWARE_TOKEN_MFA], or set it to OFF)\n"
      "template.yaml:7:50: Resources.Pool.Properties.Policies.PasswordPolicy.MinimumLength: must be a whole number, is a string\n");
  EXPECT_NE(problems(replace_all(text, "'ON'", "ON")).find("put it into quotes"), std::string::npos);
  EXPECT_NE(problems("Resources:\n  Pool: {Type: AWS::Cognito::UserPool, Properties: {LambdaConfig: {KMSKeyID: x}}}\n").find("KMSKeyID"),
            std::string::npos);
}

TEST_F(Credentials, SecretsStayFromLoadToLoad) {
  const auto first = loaded(pool);
  options.present_pools = &first.cognito;
  const auto second = loaded(pool);
  EXPECT_EQ(only_pool(first).signing_keys[0]->kid, only_pool(second).signing_keys[0]->kid);
  EXPECT_EQ(only_pool(first).clients.begin()->second->secret.reveal(), only_pool(second).clients.begin()->second->secret.reveal());
  options.present_pools = nullptr;
  const auto third = loaded(pool);
  EXPECT_NE(only_pool(first).clients.begin()->second->secret.reveal(), only_pool(third).clients.begin()->second->secret.reveal())
      << "nobody can work a secret out from names";
}

TEST_F(Credentials, AReloadKeepsUsersSessionsAndKeys) {
  const auto first = loaded(pool);
  cognito::State account;
  account.scope = first.cognito.scope;
  SystemRandom random;
  ASSERT_TRUE(replace_user_pools(account, {}, first.cognito, random, {}));
  const auto id = only_pool(first).id;
  cognito::Session session;
  session.id = "s1";
  session.username = "ann";
  cognito::put_session(*cognito::edit_pool(account, id), session);
  cognito::edit_user(*cognito::edit_pool(account, id), "ann")->status = cognito::UserStatus::confirmed;
  cognito::User other;
  other.username = "bob";
  other.sub = "b";
  cognito::put_user(*cognito::edit_pool(account, id), other);

  const auto second =
      loaded(replace_all(replace_all(pool, "UserPoolName: people", "UserPoolName: folk"), "example-people", "example-folk"));
  ASSERT_TRUE(replace_user_pools(account, first.cognito, second.cognito, random, {}));
  const auto& now = *cognito::find_pool(account, id);
  EXPECT_EQ(now.name, "folk");
  EXPECT_EQ(now.signing_keys[0]->kid, only_pool(first).signing_keys[0]->kid);
  EXPECT_EQ(now.users.find("ann")->status, cognito::UserStatus::confirmed);
  EXPECT_TRUE(now.users.find("ann")->in_group("admins"));
  EXPECT_TRUE(now.users.contains("bob")) << "nobody of the template";
  EXPECT_TRUE(now.sessions.contains("s1"));
  EXPECT_EQ(cognito::find_pool_of_domain(account, "example-people"), nullptr);
  EXPECT_NE(cognito::find_pool_of_domain(account, "example-folk"), nullptr);

  Stack nothing;
  ASSERT_TRUE(replace_user_pools(account, second.cognito, nothing.cognito, random, {}));
  EXPECT_TRUE(account.pools.empty());
}

TEST_F(Credentials, HowUsersAreNamedStays) {
  const auto stack = loaded(pool);
  SystemRandom random;
  cognito::State account;
  account.scope = stack.cognito.scope;
  ASSERT_TRUE(replace_user_pools(account, {}, stack.cognito, random, {}));
  const auto change = [&](const std::function<void(cognito::UserPool&)>& how) {
    auto after = stack.cognito;
    how(*cognito::edit_pool(after, only_pool(stack).id));
    auto draft = account;
    const auto done = replace_user_pools(draft, stack.cognito, after, random, {});
    return done ? std::string() : done.error().message;
  };
  EXPECT_EQ(change([](cognito::UserPool&) {}), "");
  EXPECT_NE(change([](cognito::UserPool& p) { p.case_sensitive = !p.case_sensitive; }).find("UsernameConfiguration"), std::string::npos);
  EXPECT_NE(change([](cognito::UserPool& p) { p.username_attributes = {"phone_number"}; }).find("UsernameAttributes"), std::string::npos);
  EXPECT_NE(change([](cognito::UserPool& p) { p.alias_attributes = {"phone_number"}; }).find("AliasAttributes"), std::string::npos);
}

TEST_F(Credentials, ADomainOfAnotherAccountIsNotTaken) {
  const auto stack = loaded(pool);
  SystemRandom random;
  const auto other = std::make_shared<cognito::State>(stack.cognito);
  other->scope.account_id = "999988887777";
  const std::vector<cognito::Snapshot> everybody{other};
  cognito::State account;
  account.scope = stack.cognito.scope;
  const auto done = replace_user_pools(account, {}, stack.cognito, random, {}, everybody);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "The domain example-people is already associated with another user pool");
  const std::vector<cognito::Snapshot> ours{std::make_shared<cognito::State>(stack.cognito)};
  cognito::State again;
  again.scope = stack.cognito.scope;
  EXPECT_TRUE(replace_user_pools(again, {}, stack.cognito, random, {}, ours));
}

constexpr std::string_view functions = R"(
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: python3.12, Handler: app.handler, CodeUri: src}}
)";

TEST_F(Credentials, ARestApiBehindAUserPool) {
  const auto stack = loaded(cat(functions, pool, R"(
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        A: {Type: Api, Properties: {Path: /a, Method: get, RestApiId: !Ref Api}}
        B: {Type: Api, Properties: {Path: /b, Method: get, RestApiId: !Ref Api, Auth: {AuthorizationScopes: [pets/read]}}}
        C: {Type: Api, Properties: {Path: /c, Method: get, RestApiId: !Ref Api, Auth: {Authorizer: NONE, ApiKeyRequired: false}}}
        D: {Type: Api, Properties: {Path: /d, Method: any, RestApiId: !Ref Api, Auth: {Authorizer: AWS_IAM}}}
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: live
      Auth:
        DefaultAuthorizer: Cog
        ApiKeyRequired: true
        Authorizers: {Cog: {UserPoolArn: !GetAtt Pool.Arn, Identity: {Header: X-Token, ValidationExpression: '.+'}}}
        UsagePlan: {CreateUsagePlan: PER_API, Quota: {Limit: 10, Period: DAY}, Throttle: {RateLimit: 1.5, BurstLimit: 2}}
)"));
  EXPECT_EQ(methods_of(stack),
            "ANY /d AWS_IAM key\n"
            "GET /a COGNITO_USER_POOLS Cog key\n"
            "GET /b COGNITO_USER_POOLS Cog [pets/read] key\n"
            "GET /c NONE");
  const auto& api = *stack.gateway.apis.begin()->second;
  const auto& authorizer = api.draft->authorizers.begin()->second;
  EXPECT_EQ(authorizer.provider_arns, std::vector<std::string>{only_pool(stack).arn});
  EXPECT_EQ(authorizer.identity_source, "method.request.header.X-Token");
  EXPECT_EQ(authorizer.validation_expression, ".+");
  ASSERT_EQ(stack.gateway.usage_plans.size(), 1u);
  const auto& plan = *stack.gateway.usage_plans.begin()->second;
  ASSERT_EQ(plan.stages.size(), 1u);
  EXPECT_EQ(plan.stages[0].api_id, api.id);
  EXPECT_EQ(plan.stages[0].stage, "live");
  EXPECT_EQ(plan.quota->limit, 10);
  EXPECT_EQ(plan.throttle->rate_limit, 1.5);
  ASSERT_EQ(stack.gateway.api_keys.size(), 1u);
  EXPECT_EQ(plan.keys, std::vector<std::string>{stack.gateway.api_keys.begin()->first});
  const auto& key = *stack.gateway.api_keys.begin()->second;
  EXPECT_TRUE(key.enabled);
  EXPECT_GE(key.value.size(), 20u);
  options.present_apis = &stack.gateway;
}

TEST_F(Credentials, SharedPlansHoldAllApis) {
  const auto text = cat(functions, R"(
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        A: {Type: Api, Properties: {Path: /a, Method: get, RestApiId: !Ref One}}
        B: {Type: Api, Properties: {Path: /b, Method: get, RestApiId: !Ref Two}}
  One: {Type: AWS::Serverless::Api, Properties: {StageName: a, Auth: {ApiKeyRequired: true, UsagePlan: {CreateUsagePlan: SHARED}}}}
  Two: {Type: AWS::Serverless::Api, Properties: {StageName: b, Auth: {ApiKeyRequired: true, UsagePlan: {CreateUsagePlan: SHARED}}}}
Outputs: {Key: {Value: !Ref ServerlessApiKey}}
)");
  const auto stack = loaded(text);
  ASSERT_EQ(stack.gateway.usage_plans.size(), 1u);
  EXPECT_EQ(stack.gateway.usage_plans.begin()->second->stages.size(), 2u);
  options.present_apis = &stack.gateway;
  EXPECT_EQ(loaded(text).gateway.api_keys.begin()->second->value, stack.gateway.api_keys.begin()->second->value);
}

TEST_F(Credentials, ListsOfAResourcePolicyAreSamsStatements) {
  const auto stack = loaded(cat(functions, R"(
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Events: {A: {Type: Api, Properties: {Path: '/a/{id}', Method: get, RestApiId: !Ref Api}}}
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: live
      Auth:
        ResourcePolicy:
          AwsAccountWhitelist: ['123456789012']
          IpRangeBlacklist: [10.0.0.0/8]
          CustomStatements: [{Effect: Allow, Principal: '*', Action: execute-api:Invoke, Resource: execute-api:/*}]
)"));
  const auto& policy = stack.gateway.apis.begin()->second->draft->resource_policy;
  ASSERT_TRUE(policy);
  const auto text = json::to_text(*policy);
  EXPECT_NE(text.find(R"("Principal":{"AWS":["123456789012"]})"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("Condition":{"IpAddress":{"aws:SourceIp":["10.0.0.0/8"]}})"), std::string::npos) << text;
  EXPECT_NE(text.find("/live/GET/a/*"), std::string::npos) << text;
  EXPECT_EQ(policy->find("Statement")->array()->size(), 4u) << text;
}

TEST_F(Credentials, WhatEveryRouteWouldCopyIsHeldToALength) {
  std::string many;
  for (int i = 0; i < 2'000; ++i) many += cat(i == 0 ? "" : ", ", "'10.0.", i / 250, ".", i % 250, "/32'");
  const auto text = [&](std::string_view auth) {
    return problems(cat(functions, R"(
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties: {Events: {A: {Type: Api, Properties: {Path: /a, Method: get, RestApiId: !Ref Api}}}}
  Api: {Type: AWS::Serverless::Api, Properties: {StageName: live, Auth: {)",
                        auth, "}}}\n"));
  };
  EXPECT_NE(text(cat("ResourcePolicy: {IpRangeBlacklist: [", many, "]}")).find("is longer than 65536 bytes"), std::string::npos);
  EXPECT_NE(text(cat("Authorizers: {C: {UserPoolArn: x, AuthorizationScopes: [", many, "]}}")).find("is longer than 10240 bytes"),
            std::string::npos);
}

TEST_F(Credentials, MisspeltGuardsAreNeverIgnored) {
  options.unsupported = Unsupported::ignore;
  EXPECT_NE(problems(cat(functions, R"(
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties: {Events: {A: {Type: HttpApi, Properties: {Path: /a, Method: get, ApiId: !Ref Http}}}}
  Http: {Type: AWS::Serverless::HttpApi, Properties: {Auth: {DefaultAuthoriser: Nobody}}}
)"))
                .find("did you mean DefaultAuthorizer?"),
            std::string::npos);
  EXPECT_NE(problems(R"(
Resources:
  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: a, ProtocolType: HTTP}}
  Route: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: GET /a, AuthorisationType: AWS_IAM}}
)")
                .find("did you mean AuthorizationType?"),
            std::string::npos);
}

TEST_F(Credentials, AnHttpApiOfSam) {
  const auto stack = loaded(cat(functions, pool, R"(
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        A: {Type: HttpApi, Properties: {Path: /a, Method: get, ApiId: !Ref Http}}
        B: {Type: HttpApi, Properties: {Path: '/b/{id}', Method: any, ApiId: !Ref Http, Auth: {Authorizer: Fun}, PayloadFormatVersion: '1.0', TimeoutInMillis: 1000}}
        C: {Type: HttpApi, Properties: {Path: /c, Method: post, ApiId: !Ref Http, Auth: {Authorizer: NONE}}}
        D: {Type: HttpApi, Properties: {Path: /d, Method: post, ApiId: !Ref Http, Auth: {Authorizer: AWS_IAM}}}
        E: {Type: HttpApi, Properties: {Path: /e, Method: get, ApiId: !Ref Http, Auth: {AuthorizationScopes: [pets/read]}, RouteSettings: {ThrottlingBurstLimit: 5}}}
        Rest: {Type: HttpApi}
  Http:
    Type: AWS::Serverless::HttpApi
    Properties:
      StageName: live
      CorsConfiguration: {AllowOrigins: ['https://a.example'], AllowCredentials: true}
      Auth:
        EnableIamAuthorizer: true
        DefaultAuthorizer: Jwt
        Authorizers:
          Jwt: {IdentitySource: $request.header.Authorization, JwtConfiguration: {issuer: !GetAtt Pool.ProviderURL, audience: [!Ref Client]}, AuthorizationScopes: [openid]}
          Fun: {FunctionArn: !GetAtt Fn.Arn, AuthorizerPayloadFormatVersion: '2.0', EnableSimpleResponses: true, EnableFunctionDefaultPermissions: true, Identity: {Headers: [X-Key], ReauthorizeEvery: 60}}
)"));
  ASSERT_EQ(stack.http_api.apis.size(), 2u);
  const http_api::Api* http = nullptr;
  const http_api::Api* implicit = nullptr;
  for (const auto& [id, api] : stack.http_api.apis) (api->stages.contains("live") ? http : implicit) = &*api;
  ASSERT_TRUE(http && implicit);
  EXPECT_EQ(routes_of(*http),
            "ANY /b/{id} CUSTOM Fun\n"
            "GET /a JWT Jwt [openid]\n"
            "GET /e JWT Jwt [pets/read]\n"
            "POST /c NONE\n"
            "POST /d AWS_IAM");
  EXPECT_EQ(routes_of(*implicit), "$default NONE");
  EXPECT_TRUE(implicit->stages.contains("$default"));
  EXPECT_FALSE(http->stages.at("live").deployment_id.empty()) << "deployed";
  EXPECT_EQ(http->stages.at("live").route_settings.at("GET /e").throttling_burst_limit, 5);
  EXPECT_EQ(http->draft->cors->allow_credentials, true);
  for (const auto& [id, authorizer] : http->draft->authorizers) {
    if (authorizer.name == "Jwt") {
      EXPECT_EQ(authorizer.issuer, cognito::issuer_of(only_pool(stack)));
      EXPECT_EQ(authorizer.audiences, std::vector<std::string>{only_pool(stack).clients.begin()->first});
    } else {
      EXPECT_TRUE(authorizer.simple_responses);
      EXPECT_EQ(authorizer.ttl.count(), 60);
    }
  }
  std::size_t permissions = 0;
  for (const auto& [name, function] : stack.lambda.functions)
    for (const auto& [qualifier, policy] : function->policies) permissions += policy.statements.size();
  EXPECT_EQ(permissions, 7u) << "one for each event, one for the authorizer";
  EXPECT_EQ(routes(stack, "$default"), "ANY $default\n");
}

TEST_F(Credentials, RoutesWithoutTheirAuthorizerAreNotMade) {
  const auto http = [&](std::string_view event, std::string_view auth) {
    return problems(cat(functions, R"(
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        A: {Type: HttpApi, Properties: {Path: /a, Method: get, ApiId: !Ref Http, Auth: {)",
                        event, R"(}}}
  Http:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth: {)",
                        auth, "}\n"));
  };
  EXPECT_NE(http("Authorizer: Nobody", "").find("the API has no authorizer `Nobody`"), std::string::npos);
  EXPECT_NE(http("Authorizer: AWS_IAM", "").find("set Auth.EnableIamAuthorizer: true"), std::string::npos);
  EXPECT_NE(http("AuthorizationScopes: [a]", "").find("the API has no DefaultAuthorizer"), std::string::npos);
  EXPECT_NE(http("Authorizer: NONE", "").find("NONE says nothing"), std::string::npos);
  EXPECT_NE(
      http("Authorizer: J", "Authorizers: {J: {JwtConfiguration: {issuer: 'https://i.example', audience: [a]}}}").find("IdentitySource"),
      std::string::npos);
}

TEST_F(Credentials, AnHttpApiWrittenPlainly) {
  const std::string_view text = R"(
Resources:
  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: plain, ProtocolType: HTTP}}
  Jwt:
    Type: AWS::ApiGatewayV2::Authorizer
    Properties: {ApiId: !Ref Api, Name: j, AuthorizerType: JWT, IdentitySource: [$request.header.Authorization], JwtConfiguration: {Issuer: 'https://i.example', Audience: [a]}}
  Backend:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {ApiId: !Ref Api, IntegrationType: HTTP_PROXY, IntegrationMethod: GET, IntegrationUri: 'http://127.0.0.1:1/', PayloadFormatVersion: '1.0', ResponseParameters: {'200': {ResponseParameters: [{Destination: 'overwrite:statuscode', Source: '204'}]}}}
  Stage: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Api, StageName: $default, AutoDeploy: true, DefaultRouteSettings: {ThrottlingRateLimit: 2.5}}}
  Route:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: GET /a, Target: !Sub 'integrations/${Backend}', AuthorizationType: JWT, AuthorizerId: !Ref Jwt, AuthorizationScopes: [s]}
  Open: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: $default, Target: !Sub 'integrations/${Backend}'}}
Outputs: {Url: {Value: !GetAtt Api.ApiEndpoint}}
)";
  const auto stack = loaded(text);
  const auto& api = only_http_api(stack);
  EXPECT_EQ(routes_of(api), "$default NONE\nGET /a JWT j [s]");
  EXPECT_EQ(output(stack, "Url"), cat("http://", api.id, ".execute-api.localhost:4566"));
  EXPECT_EQ(api.stages.at("$default").default_route_settings->throttling_rate_limit, 2.5);
  EXPECT_EQ(api.draft->integrations.begin()->second.response_parameters.at("200").at("overwrite:statuscode"), "204");
  EXPECT_EQ(routes(stack, "$default"), "ANY $default\nGET /a j\n");
  EXPECT_EQ(warnings(stack),
            "template.yaml:14:3: route $default: says nothing of who may call it, beside routes that are guarded: everybody may (name its "
            "authorizer, or say that it is open (AuthorizationType: NONE; in a definition `security: []`))\n");
  EXPECT_EQ(warnings(loaded(replace_all(text, "RouteKey: $default,", "RouteKey: $default, AuthorizationType: NONE,"))), "");
  EXPECT_NE(problems(replace_all(text, "ProtocolType: HTTP", "ProtocolType: WEBSOCKET")), "");
  EXPECT_NE(
      problems(replace_all(text, "RouteKey: GET /a,", "RouteKey: GET /a, ApiKeyRequired: true,")).find("Route.Properties.ApiKeyRequired"),
      std::string::npos);
}

TEST_F(Credentials, DefinitionsAreImported) {
  const std::string_view text = R"(
Resources:
  Api:
    Type: AWS::ApiGateway::RestApi
    Properties:
      Body:
        swagger: '2.0'
        info: {title: written, version: '1'}
        paths:
          /a:
            get:
              security: [{iam: []}]
              x-amazon-apigateway-integration: {type: http_proxy, httpMethod: GET, uri: 'http://127.0.0.1:1/'}
        securityDefinitions:
          iam: {type: apiKey, name: Authorization, in: header, x-amazon-apigateway-authtype: awsSigv4}
  Deployment: {Type: AWS::ApiGateway::Deployment, Properties: {RestApiId: !Ref Api, StageName: live}}
)";
  const auto stack = loaded(text);
  EXPECT_EQ(methods_of(stack), "GET /a AWS_IAM");
  EXPECT_EQ(stack.gateway.apis.begin()->second->name, "written");
  EXPECT_EQ(routes(stack, "live"), "GET /a AWS_IAM\n");
  EXPECT_EQ(stack.routes.front().at.line, 11u);
  const auto broken = problems(replace_all(text, "security: [{iam: []}]", "security: [{nobody: []}]"));
  EXPECT_NE(broken.find("template.yaml:12:"), std::string::npos) << broken;

  write("api.yaml",
        "openapi: 3.0.1\ninfo: {title: filed, version: '1'}\npaths:\n  /f:\n    get:\n      x-amazon-apigateway-integration: "
        "{type: http_proxy, httpMethod: GET, uri: 'http://127.0.0.1:1/', payloadFormatVersion: '1.0'}\n");
  const auto filed = loaded("Resources:\n  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {BodyS3Location: api.yaml}}\n");
  EXPECT_EQ(routes_of(only_http_api(filed)), "GET /f NONE");
  EXPECT_NE(problems("Resources:\n  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {BodyS3Location: {Bucket: b, Key: k}}}\n")
                .find("Api.Properties.BodyS3Location"),
            std::string::npos);
}

TEST_F(Credentials, StagesHaveSettingsForMethods) {
  const auto stack = loaded(R"(
Resources:
  Api: {Type: AWS::ApiGateway::RestApi, Properties: {Name: x}}
  Pets: {Type: AWS::ApiGateway::Resource, Properties: {RestApiId: !Ref Api, ParentId: !GetAtt Api.RootResourceId, PathPart: pets}}
  Get:
    Type: AWS::ApiGateway::Method
    Properties: {RestApiId: !Ref Api, ResourceId: !Ref Pets, HttpMethod: GET, AuthorizationType: NONE, ApiKeyRequired: true, Integration: {Type: MOCK}}
  Deployment: {Type: AWS::ApiGateway::Deployment, DependsOn: Get, Properties: {RestApiId: !Ref Api}}
  Stage:
    Type: AWS::ApiGateway::Stage
    Properties:
      RestApiId: !Ref Api
      DeploymentId: !Ref Deployment
      StageName: live
      MethodSettings:
        - {ResourcePath: /*, HttpMethod: '*', ThrottlingRateLimit: 1.5, ThrottlingBurstLimit: 3}
        - {ResourcePath: /pets, HttpMethod: GET, ThrottlingRateLimit: 2}
  Plan: {Type: AWS::ApiGateway::UsagePlan, Properties: {UsagePlanName: p, ApiStages: [{ApiId: !Ref Api, Stage: live}]}}
  Key: {Type: AWS::ApiGateway::ApiKey, Properties: {Enabled: true, Value: abcdefghijklmnopqrstuvwxyz}}
  InPlan: {Type: AWS::ApiGateway::UsagePlanKey, Properties: {KeyId: !Ref Key, KeyType: API_KEY, UsagePlanId: !Ref Plan}}
)");
  const auto& settings = stack.gateway.apis.begin()->second->stages.at("live").method_settings;
  EXPECT_EQ(settings.at("*/*").throttling_rate_limit, 1.5);
  EXPECT_EQ(settings.at("*/*").throttling_burst_limit, 3);
  EXPECT_EQ(settings.at("~1pets/GET").throttling_rate_limit, 2);
  EXPECT_EQ(stack.gateway.usage_plans.begin()->second->keys.size(), 1u);
}

TEST_F(Credentials, TriggersOfAUserPool) {
  const auto stack = loaded(cat(functions, R"(
Resources:
  Pool: {Type: AWS::Cognito::UserPool}
  Fn:
    Type: AWS::Serverless::Function
    Properties: {Events: {T: {Type: Cognito, Properties: {UserPool: !Ref Pool, Trigger: [PreSignUp, PostConfirmation]}}}}
)"));
  const auto& function = *stack.lambda.functions.begin()->second;
  EXPECT_EQ(only_pool(stack).settings->lambda.pre_sign_up, function.latest.function_arn);
  EXPECT_EQ(only_pool(stack).settings->lambda.post_confirmation, function.latest.function_arn);
  EXPECT_EQ(function.policies.size(), 1u);
}

TEST_F(Credentials, DomainsLeadToStages) {
  const auto text = cat(functions, R"(
Resources:
  Fn: {Type: AWS::Serverless::Function, Properties: {Events: {A: {Type: Api, Properties: {Path: /a, Method: get, RestApiId: !Ref Api}}}}}
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: live
      Domain: {DomainName: api.example.com, CertificateArn: 'arn:aws:acm:us-east-1:123456789012:certificate/a', BasePath: [pets]}
)");
  const auto stack = loaded(text);
  ASSERT_TRUE(stack.gateway.domains.contains("api.example.com"));
  const auto& domain = *stack.gateway.domains.at("api.example.com");
  EXPECT_EQ(domain.mappings.at("pets").stage, "live");
  const auto refused = problems(replace_all(text, "BasePath: [pets]", "MutualTlsAuthentication: {TruststoreUri: 's3://b/k'}"));
  EXPECT_NE(refused.find("--truststore"), std::string::npos) << refused;
}

TEST_F(Credentials, LintKnowsWhatNoTokenCanShow) {
  const auto of = [&](std::string_view audience, std::string_view scope) {
    return warnings(loaded(cat(pool, R"(
  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: a, ProtocolType: HTTP}}
  Jwt:
    Type: AWS::ApiGatewayV2::Authorizer
    Properties: {ApiId: !Ref Api, Name: j, AuthorizerType: JWT, IdentitySource: [$request.header.Authorization], JwtConfiguration: {Issuer: !GetAtt Pool.ProviderURL, Audience: [)",
                               audience, R"(]}}
  Backend:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {ApiId: !Ref Api, IntegrationType: HTTP_PROXY, IntegrationMethod: GET, IntegrationUri: 'http://127.0.0.1:1/', PayloadFormatVersion: '1.0'}
  Stage: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Api, StageName: $default, AutoDeploy: true}}
  Route:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: GET /a, Target: !Sub 'integrations/${Backend}', AuthorizationType: JWT, AuthorizerId: !Ref Jwt, AuthorizationScopes: [)",
                               scope, "]}\n")));
  };
  EXPECT_EQ(of("!Ref Client", "pets/read"), "");
  EXPECT_NE(of("another", "pets/read").find("its audience another is no client of its user pool"), std::string::npos);
  EXPECT_NE(of("!Ref Client", "pets/write").find("asks for the scope pets/write, which no client of its user pool may ask for"),
            std::string::npos);
}

TEST_F(Credentials, LintKnowsPoliciesThatLetNobodyIn) {
  const std::string_view text = R"(
Resources:
  Api:
    Type: AWS::ApiGateway::RestApi
    Properties:
      Name: closed
      Policy: {Version: '2012-10-17', Statement: [{Effect: Allow, Principal: {AWS: 'arn:aws:iam::123456789012:root'}, Action: execute-api:Invoke, Resource: execute-api:/*}]}
  Get:
    Type: AWS::ApiGateway::Method
    Properties: {RestApiId: !Ref Api, ResourceId: !GetAtt Api.RootResourceId, HttpMethod: GET, AuthorizationType: NONE, Integration: {Type: MOCK}}
  Deployment: {Type: AWS::ApiGateway::Deployment, DependsOn: Get, Properties: {RestApiId: !Ref Api, StageName: live}}
)";
  EXPECT_NE(warnings(loaded(text)).find("GET / asks nobody to sign"), std::string::npos);
  EXPECT_EQ(warnings(loaded(replace_all(text, "AuthorizationType: NONE", "AuthorizationType: AWS_IAM"))), "");
  EXPECT_EQ(warnings(loaded(replace_all(text, "{AWS: 'arn:aws:iam::123456789012:root'}", "'*'"))), "");
}

}  // namespace
}  // namespace sallyport::cloudformation
