// Roles, users, groups and policies of templates; function URLs, and methods that ask IAM.
#include "cloudformation/testing.hpp"
#include "gateway/operations.hpp"
#include "lambda/operations.hpp"

namespace sallyport::cloudformation {
namespace {

constexpr std::string_view trust = R"({Statement: {Effect: Allow, Action: sts:AssumeRole, Principal: {Service: lambda.amazonaws.com}}})";

constexpr std::string_view sam_head = R"(
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: python3.12, Handler: app.handler, CodeUri: src}}
Resources:
)";

class Identities : public FolderTest {
 public:
  static const iam::Role& role(const Stack& stack, std::string_view logical_id) {
    static const iam::Role none;
    for (const auto& [name, role] : stack.iam.roles)
      if (name == logical_id || name.starts_with(cat("sallyport-", logical_id, "-"))) return *role;
    ADD_FAILURE() << "no role " << logical_id;
    return none;
  }
  std::string role_problems(std::string_view properties) {
    return problems(cat("Resources:\n  R:\n    Type: AWS::IAM::Role\n    Properties:\n      RoleName: r\n", properties));
  }
};

TEST_F(Identities, ARoleIsMadeWithAllItHas) {
  const auto text = cat(R"(
Resources:
  Boundary:
    Type: AWS::IAM::ManagedPolicy
    Properties: {Path: /b/, Description: most, PolicyDocument: {Version: 2012-10-17, Statement: {Effect: Allow, Action: 's3:*', Resource: '*'}}}
  R:
    Type: AWS::IAM::Role
    Properties:
      RoleName: worker
      Path: /app/
      Description: works
      MaxSessionDuration: 7200
      PermissionsBoundary: !Ref Boundary
      ManagedPolicyArns: [arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole, !Ref Boundary]
      Policies:
        - PolicyName: own
          PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: 'lambda:InvokeFunction', Resource: '*'}]}
      Tags: [{Key: team, Value: blue}]
      AssumeRolePolicyDocument: )",
                        trust, R"(
Outputs:
  Name: {Value: !Ref R}
  Arn: {Value: !GetAtt R.Arn}
  Id: {Value: !GetAtt R.RoleId}
)");
  const auto stack = loaded(text);
  const auto& made = role(stack, "worker");
  EXPECT_EQ(made.arn, "arn:aws:iam::123456789012:role/app/worker");
  EXPECT_EQ(made.description, "works");
  EXPECT_EQ(made.max_session_s, 7'200);
  EXPECT_EQ(made.tags.at("team"), "blue");
  EXPECT_EQ(made.trust_policy,
            R"({"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"lambda.amazonaws.com"}}})");
  EXPECT_EQ(made.inline_policies.at("own"),
            R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"*"}]})");
  ASSERT_EQ(stack.iam.policies.size(), 1u);
  const auto& boundary = *stack.iam.policies.begin()->second;
  EXPECT_TRUE(boundary.arn.starts_with("arn:aws:iam::123456789012:policy/b/sallyport-Boundary-")) << boundary.arn;
  EXPECT_EQ(made.boundary, boundary.arn);
  EXPECT_EQ(made.attached, (std::vector<std::string>{"arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole", boundary.arn}));
  EXPECT_EQ(stack.outputs.at(0).value, "worker");
  EXPECT_EQ(stack.outputs.at(1).value, made.arn);
  EXPECT_EQ(stack.outputs.at(2).value, made.id);
  EXPECT_TRUE(made.id.starts_with("AROA"));
  EXPECT_EQ(made.id.size(), 21u);
  EXPECT_TRUE(stack.iam.scope.region.empty());

  const auto again = loaded(text);
  EXPECT_EQ(role(again, "worker"), made) << "a reload changes nothing";
  options.stack_name = "other";
  EXPECT_NE(role(loaded(text), "worker").id, made.id);
}

TEST_F(Identities, WhatIsWrongWithARoleIsSaidWhereItStands) {
  const auto line = [](std::string_view place, std::string_view text) { return cat("template.yaml:", place, ": ", text, "\n"); };
  EXPECT_EQ(role_problems(""), line("2:3", "Resources.R.Properties.AssumeRolePolicyDocument: missing"));
  EXPECT_EQ(
      role_problems("      AssumeRolePolicyDocument: {}\n"),
      line("6:7", "Resources.R.Properties.AssumeRolePolicyDocument: MalformedPolicyDocument: Syntax errors in policy. Statement: missing"));
  EXPECT_EQ(role_problems("      AssumeRolePolicyDocument: {Statement: {Effect: Allow, Action: 's3:Get*', Principal: '*'}}\n"),
            line("6:7",
                 "Resources.R.Properties.AssumeRolePolicyDocument: MalformedPolicyDocument: AssumeRole policy may only specify STS "
                 "AssumeRole actions."));
  EXPECT_EQ(role_problems("      AssumeRolePolicyDocument: {Statement: {Effect: Allow, Action: sts:AssumeRole, "
                          "Principal: {AWS: 'arn:aws:iam::123456789012:user/eve'}}}\n"),
            line("6:7",
                 "Resources.R.Properties.AssumeRolePolicyDocument: MalformedPolicyDocument: Invalid principal in policy: "
                 "\"AWS\":\"arn:aws:iam::123456789012:user/eve\""));
  const auto with = [&](std::string_view more) { return role_problems(cat("      AssumeRolePolicyDocument: ", trust, "\n", more)); };
  EXPECT_EQ(with("      Policies: [{PolicyName: p, PolicyDocument: {Statement: {Effect: Allow, Action: nothing, Resource: '*'}}}]\n"),
            line("7:34",
                 "Resources.R.Properties.Policies[0].PolicyDocument: MalformedPolicyDocument: Actions/Conditions must be prefaced by a "
                 "vendor, e.g., iam, sdb, ec2, etc."));
  EXPECT_EQ(
      with("      PermissionsBoundary: arn:aws:iam::123456789012:policy/none\n"),
      line("7:7",
           "Resources.R.Properties.PermissionsBoundary: NoSuchEntity: Scope ARN: arn:aws:iam::123456789012:policy/none does not exist "
           "or is not attachable."));
  EXPECT_EQ(with("      MaxSessionDuration: 60\n"),
            line("7:7", "Resources.R.Properties.MaxSessionDuration: 60 is not between 3600 and 43200"));
  EXPECT_EQ(
      with("      ManagedPolicyArns:\n      - arn:aws:iam::123456789012:policy/none\n"),
      line("8:9",
           "Resources.R.Properties.ManagedPolicyArns: NoSuchEntity: Policy arn:aws:iam::123456789012:policy/none does not exist or is "
           "not attachable."));
  EXPECT_NE(with("      ManagedPolicyArns: [arn:aws:iam::aws:policy/AmazonS3FullAccess]\n")
                .find("template.yaml:7:27: Resources.R.Properties.ManagedPolicyArns: the policy "
                      "arn:aws:iam::aws:policy/AmazonS3FullAccess is not known here"),
            std::string::npos);
}

TEST_F(Identities, AnUnknownPolicyIsPassedOverOnlyWhereItCanOnlyGrant) {
  options.unsupported = Unsupported::ignore;
  const auto with = [&](std::string_view policy) {
    return cat("Resources: {R: {Type: 'AWS::IAM::Role', Properties: {AssumeRolePolicyDocument: ", trust, ", ", policy, "}}}");
  };
  const auto stack = loaded(with("ManagedPolicyArns: ['arn:aws:iam::aws:policy/AmazonS3FullAccess']"));
  EXPECT_EQ(stack.ignored.size(), 1u);
  EXPECT_TRUE(stack.iam.roles.begin()->second->attached.empty());
  EXPECT_NE(problems(with("ManagedPolicyArns: ['arn:aws:iam::aws:policy/AWSDenyAll']")), "");
  EXPECT_NE(problems(with("PermissionsBoundary: 'arn:aws:iam::aws:policy/AmazonS3FullAccess'")), "");
}

TEST_F(Identities, TheAccountsOwnMayBeMentioned) {
  const auto text = R"(
Resources:
  R:
    Type: AWS::IAM::Role
    Properties:
      RoleName: r
      ManagedPolicyArns: [arn:aws:iam::123456789012:policy/theirs]
      AssumeRolePolicyDocument: {Statement: {Effect: Allow, Action: sts:AssumeRole, Principal: {AWS: 'arn:aws:iam::123456789012:user/eve'}}}
)";
  options.surroundings.unique_id = [](std::string_view arn) -> std::optional<std::string> {
    return arn == "arn:aws:iam::123456789012:user/eve" ? std::optional<std::string>("AIDAEVE") : std::nullopt;
  };
  options.surroundings.has_policy = [](std::string_view arn) { return arn == "arn:aws:iam::123456789012:policy/theirs"; };
  const auto stack = loaded(text);
  EXPECT_EQ(role(stack, "r").trusted_ids, (iam::TextMap{{"arn:aws:iam::123456789012:user/eve", "AIDAEVE"}}));
  EXPECT_EQ(role(stack, "r").attached, std::vector<std::string>{"arn:aws:iam::123456789012:policy/theirs"});
}

TEST_F(Identities, UsersGroupsAndTheirPolicies) {
  const auto stack = loaded(R"(
Resources:
  Ann: {Type: AWS::IAM::User, Properties: {UserName: ann, Groups: [!Ref Team], ManagedPolicyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess']}}
  Bob: {Type: AWS::IAM::User, Properties: {UserName: bob}}
  Team: {Type: AWS::IAM::Group, Properties: {GroupName: team}}
  More: {Type: AWS::IAM::UserToGroupAddition, Properties: {GroupName: !Ref Team, Users: [!Ref Bob]}}
  Shared:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: shared
      PolicyDocument: {Statement: {Effect: Allow, Action: '*', Resource: '*'}}
      Groups: [!Ref Team]
      Users: [!Ref Ann]
  Own: {Type: AWS::IAM::UserPolicy, Properties: {UserName: !Ref Bob, PolicyName: own, PolicyDocument: {Statement: {Effect: Deny, Action: '*', Resource: '*'}}}}
Outputs:
  Ann: {Value: !GetAtt Ann.Arn}
)");
  const auto& ann = *stack.iam.users.at("ann");
  EXPECT_EQ(ann.arn, "arn:aws:iam::123456789012:user/ann");
  EXPECT_EQ(ann.groups, std::vector<std::string>{"team"});
  EXPECT_EQ(ann.attached, std::vector<std::string>{"arn:aws:iam::aws:policy/ReadOnlyAccess"});
  EXPECT_TRUE(ann.inline_policies.contains("shared"));
  EXPECT_TRUE(ann.access_keys.empty());
  EXPECT_EQ(stack.iam.users.at("bob")->groups, std::vector<std::string>{"team"});
  EXPECT_TRUE(stack.iam.users.at("bob")->inline_policies.contains("own"));
  EXPECT_TRUE(stack.iam.groups.at("team")->inline_policies.contains("shared"));
  EXPECT_EQ(stack.outputs.at(0).value, ann.arn);

  EXPECT_EQ(problems("Resources:\n  P:\n    Type: AWS::IAM::Policy\n    Properties:\n      PolicyName: p\n"
                     "      PolicyDocument: {Statement: {Effect: Allow, Action: '*', Resource: '*'}}\n      Roles: [nobody]\n"),
            "template.yaml:7:7: Resources.P.Properties.Roles: NoSuchEntity: The role with name nobody cannot be found.\n");
  EXPECT_NE(problems("Resources: {P: {Type: 'AWS::IAM::Policy', Properties: {PolicyName: p, PolicyDocument: "
                     "{Statement: {Effect: Allow, Action: '*', Resource: '*'}}}}}")
                .find("at least one of Groups, Roles and Users must be given"),
            std::string::npos);
}

TEST_F(Identities, AccessKeysAreNotMadeByTemplates) {
  options.unsupported = Unsupported::ignore;
  EXPECT_EQ(problems("Resources:\n  U: {Type: AWS::IAM::User}\n  K: {Type: AWS::IAM::AccessKey, Properties: {UserName: !Ref U}}\n"),
            "template.yaml:3:3: Resources.K: access keys are not made by templates: their secrets would stand in outputs and environments "
            "(take it out, and make one with `aws iam create-access-key`)\n");
}

// SAM

TEST_F(Identities, SamMakesAFunctionsRole) {
  const auto stack = loaded(cat(sam_head, R"(
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      RolePath: /app/
      Policies:
        - AWSLambda_ReadOnlyAccess
        - AWSLambdaBasicExecutionRole
        - arn:aws:iam::aws:policy/AdministratorAccess
        - {Version: 2012-10-17, Statement: [{Effect: Allow, Action: 'sts:*', Resource: !GetAtt Other.Arn}]}
        - LambdaInvokePolicy: {FunctionName: !Ref Other}
        - DynamoDBReadPolicy: {TableName: t}
  Other: {Type: AWS::Serverless::Function, Properties: {FunctionName: other, Policies: {Statement: {Effect: Allow, Action: '*', Resource: '*'}}}}
)"));
  const auto& made = role(stack, "FnRole");
  EXPECT_EQ(made.path, "/app/");
  EXPECT_EQ(made.attached,
            (std::vector<std::string>{"arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
                                      "arn:aws:iam::aws:policy/AWSLambda_ReadOnlyAccess", "arn:aws:iam::aws:policy/AdministratorAccess"}));
  EXPECT_EQ(made.inline_policies,
            (iam::TextMap{{"FnRolePolicy3", R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Resource":)"
                                            R"("arn:aws:lambda:us-east-1:123456789012:function:other"}]})"},
                          {"FnRolePolicy4", R"({"Statement":[{"Effect":"Allow","Action":["lambda:InvokeFunction"],"Resource":)"
                                            R"("arn:aws:lambda:us-east-1:123456789012:function:other*"}]})"}}));
  EXPECT_EQ(made.trust_policy, R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["lambda.amazonaws.com"]},)"
                               R"("Action":["sts:AssumeRole"]}]})");
  EXPECT_EQ(stack.lambda.functions.at("other")->latest.role, role(stack, "OtherRole").arn);
  EXPECT_TRUE(role(stack, "OtherRole").inline_policies.contains("OtherRolePolicy0"));
  EXPECT_EQ(warnings(stack), "");
}

TEST_F(Identities, PoliciesSamDoesNotKnowAreRefused) {
  const auto with = [&](std::string_view policies) {
    return problems(cat(sam_head, "  Fn: {Type: AWS::Serverless::Function, Properties: {Policies: ", policies, "}}\n"));
  };
  const auto has = [](const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; };
  EXPECT_TRUE(has(with("[LambdaInvokePolicys: {FunctionName: f}]"),
                  "Policies[0]: there is no policy template `LambdaInvokePolicys` (did you mean LambdaInvokePolicy?)"));
  EXPECT_TRUE(has(with("[LambdaInvokePolicy: {}]"), "Policies[0].LambdaInvokePolicy.FunctionName: missing"));
  EXPECT_TRUE(has(with("[LambdaInvokePolicy: {FunctionName: f, Other: g}]"), "Policies[0].LambdaInvokePolicy.Other"));
  EXPECT_TRUE(has(with("NoSuchPolicy"), "Policies[0]: `NoSuchPolicy` is none of AWS's own policies that are known here"));
  EXPECT_TRUE(has(with("[{Effect: Allow, Action: '*'}]"), "Policies[0]: is neither a policy document nor a policy template"));
  EXPECT_TRUE(has(with("[1]"), "Policies[0]: must be a name"));
  EXPECT_TRUE(has(with("[{Statement: {Effect: Allow, Principal: '*', Action: '*', Resource: '*'}}]"),
                  "MalformedPolicyDocument: Policy document should not specify a principal."));
  options.unsupported = Unsupported::ignore;
  EXPECT_EQ(with("[AmazonS3FullAccess]"), "");
  EXPECT_NE(with("[AWSDenyAll]"), "");
  EXPECT_NE(with("[LambdaInvokePolicys: {FunctionName: f}]"), "");
}

// AWS_IAM on methods

constexpr std::string_view iam_api = R"(  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Default: {Type: Api, Properties: {Path: /default, Method: get, RestApiId: !Ref Api}}
        Open: {Type: Api, Properties: {Path: /open, Method: get, RestApiId: !Ref Api, Auth: {Authorizer: NONE}}}
        Own: {Type: Api, Properties: {Path: /own, Method: get, RestApiId: !Ref Api, Auth: {Authorizer: AWS_IAM}}}
  Api:
    Type: AWS::Serverless::Api
    Properties: {StageName: live, Cors: "'*'", Auth: {DefaultAuthorizer: AWS_IAM, InvokeRole: NONE}}
)";

TEST_F(Identities, SamMethodsAskIam) {
  const auto stack = loaded(cat(sam_head, iam_api));
  EXPECT_EQ(routes(stack, "live"),
            "GET /default AWS_IAM\nOPTIONS /default AWS_IAM\nGET /open\nOPTIONS /open AWS_IAM\nGET /own AWS_IAM\nOPTIONS /own AWS_IAM\n");
  for (const auto& [id, resource] : stack.gateway.apis.begin()->second->draft->resources)
    if (resource.path == "/own") EXPECT_EQ(resource.methods.at("GET").authorization, gateway::AuthorizationType::aws_iam);
  EXPECT_EQ(warnings(stack), "");
  const auto implicit = loaded(cat(sam_head, R"(
  Fn:
    Type: AWS::Serverless::Function
    Properties: {Events: {E: {Type: Api, Properties: {Path: /a, Method: get, Auth: {Authorizer: AWS_IAM, InvokeRole: NONE}}}}}
)"));
  EXPECT_EQ(routes(implicit, "Prod"), "GET /a AWS_IAM\n");
}

TEST_F(Identities, SamCallsFunctionsBehindIamAsTheCallerOrARole) {
  const auto credentials = [&](std::string_view from, std::string_view to, std::string_view path) {
    const auto stack = loaded(cat(sam_head, replace_all(iam_api, from, to)));
    for (const auto& [id, resource] : stack.gateway.apis.begin()->second->draft->resources)
      if (resource.path == path) return resource.methods.at("GET").integration->credentials;
    return std::string("no such path");
  };
  const std::string own = "arn:aws:iam::*:user/*", role = "arn:aws:iam::123456789012:role/r";
  const auto of_api = ", InvokeRole: NONE", of_event = "Authorizer: AWS_IAM}";
  for (const auto* path : {"/own", "/default"}) {
    EXPECT_EQ(credentials(of_api, of_api, path), "") << path;
    EXPECT_EQ(credentials(of_api, "", path), own) << path;
    EXPECT_EQ(credentials(of_api, ", InvokeRole: CALLER_CREDENTIALS", path), own) << path;
    EXPECT_EQ(credentials(of_api, cat(", InvokeRole: '", role, "'"), path), role) << path;
  }
  EXPECT_EQ(credentials(of_api, "", "/open"), "") << "nobody is asked who calls";
  EXPECT_EQ(credentials(of_event, "Authorizer: AWS_IAM, InvokeRole: CALLER_CREDENTIALS}", "/own"), own);
  EXPECT_EQ(credentials(of_event, cat("Authorizer: AWS_IAM, InvokeRole: '", role, "'}"), "/own"), role);
  EXPECT_EQ(credentials(of_event, "Authorizer: AWS_IAM, InvokeRole: CALLER_CREDENTIALS}", "/default"), "");
  EXPECT_NE(problems(cat(sam_head, replace_all(iam_api, of_api, ", InvokeRole: somebody"))).find("Invalid ARN specified"),
            std::string::npos);
}

TEST_F(Identities, MethodsByHandAskIam) {
  const std::string text = R"(
Resources:
  Api: {Type: AWS::ApiGateway::RestApi, Properties: {Name: a}}
  Get:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Api
      ResourceId: !GetAtt Api.RootResourceId
      HttpMethod: GET
      AuthorizationType: AWS_IAM
      Integration: {Type: MOCK}
  D: {Type: AWS::ApiGateway::Deployment, DependsOn: Get, Properties: {RestApiId: !Ref Api, StageName: live}}
)";
  EXPECT_EQ(routes(loaded(text), "live"), "GET / AWS_IAM\n");
  EXPECT_NE(problems(replace_all(text, "{Type: MOCK}", "{Type: MOCK, Credentials: 'arn:aws:iam::*:user/*'}"))
                .find("credentials of an integration of type MOCK have no effect"),
            std::string::npos);
  const auto function = R"({Type: AWS, IntegrationHttpMethod: POST, Credentials: 'arn:aws:iam::*:user/*',
        Uri: 'arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:f/invocations',
        RequestTemplates: {application/json: '#set($x = 1){"x": $x}'}, IntegrationResponses: [{StatusCode: 200}]}
      MethodResponses: [{StatusCode: 200}])";
  EXPECT_EQ(routes(loaded(replace_all(text, "{Type: MOCK}", function)), "live"), "GET / AWS_IAM\n");
  EXPECT_NE(
      problems(replace_all(text, "{Type: MOCK}", replace_all(function, "lambda:path", "sqs:path"))).find("an AWS integration with sqs"),
      std::string::npos);
}

// Function URLs

class Urls : public FolderTest {};

TEST_F(Urls, SamMakesAnOpenUrlWithBothPermissions) {
  options.endpoint = "http://127.0.0.1:4999";
  const auto text = cat(sam_head, R"(
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: fn
      FunctionUrlConfig: {AuthType: NONE, Cors: {AllowOrigins: ['https://a.example'], AllowMethods: [GET], AllowCredentials: true, MaxAge: 60}}
Outputs:
  Url: {Value: !GetAtt FnUrl.FunctionUrl}
  Arn: {Value: !Ref FnUrl}
)");
  const auto stack = loaded(text);
  const auto& fn = *stack.lambda.functions.at("fn");
  ASSERT_EQ(stack.urls.size(), 1u);
  const auto& url = stack.urls[0];
  EXPECT_EQ(url.function, "fn");
  EXPECT_EQ(url.alias, "");
  EXPECT_EQ(url.auth_type, "NONE");
  EXPECT_EQ(url.at.line, 10u);
  EXPECT_EQ(url.url_id.size(), 32u);
  EXPECT_EQ(url.url_id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789"), std::string::npos);
  EXPECT_EQ(stack.outputs.at(1).value, fn.latest.function_arn);
  EXPECT_EQ(stack.outputs.at(0).value, cat("http://", url.url_id, ".lambda-url.us-east-1.localhost:4999/"));
  const auto& config = fn.urls.at("");
  EXPECT_EQ(config.auth_type, lambda::UrlAuthType::none);
  ASSERT_TRUE(config.cors);
  EXPECT_EQ(config.cors->allow_origins, std::vector<std::string>{"https://a.example"});
  EXPECT_EQ(config.cors->max_age_s, 60);
  EXPECT_TRUE(config.cors->allow_credentials);
  EXPECT_EQ(config.cors_given.object()->size(), 4u);

  ASSERT_TRUE(fn.policies.contains(""));
  std::vector<std::string> actions;
  for (const auto& statement : fn.policies.at("").statements) {
    EXPECT_EQ(statement.principal, "*");
    actions.push_back(cat(statement.action, " ", statement.function_url_auth_type.value_or("-"), " ",
                          statement.invoked_via_function_url.value_or(false) ? "via URL" : "-"));
  }
  std::ranges::sort(actions);
  EXPECT_EQ(actions, (std::vector<std::string>{"lambda:InvokeFunction - via URL", "lambda:InvokeFunctionUrl NONE -"}));

  EXPECT_EQ(loaded(text).urls.at(0).url_id, url.url_id);
  options.stack_name = "other";
  EXPECT_NE(loaded(text).urls.at(0).url_id, url.url_id);
}

TEST_F(Urls, AnAliasHasItsOwnAndIamNeedsNoPermission) {
  const auto stack = loaded(cat(sam_head, R"(
  Fn:
    Type: AWS::Serverless::Function
    Properties: {FunctionName: fn, AutoPublishAlias: live, FunctionUrlConfig: {AuthType: AWS_IAM, InvokeMode: RESPONSE_STREAM}}
)"));
  ASSERT_EQ(stack.urls.size(), 1u);
  EXPECT_EQ(stack.urls[0].alias, "live");
  EXPECT_EQ(stack.urls[0].auth_type, "AWS_IAM");
  EXPECT_EQ(stack.lambda.functions.at("fn")->urls.at("live").invoke_mode, lambda::UrlInvokeMode::response_stream);
  EXPECT_TRUE(stack.lambda.functions.at("fn")->policies.empty());
}

constexpr std::string_view url_by_hand = R"(
Resources:
  Fn:
    Type: AWS::Lambda::Function
    Properties: {FunctionName: fn, Runtime: python3.12, Handler: app.handler, Role: arn:aws:iam::123456789012:role/r, Code: src}
  Url:
    Type: AWS::Lambda::Url
    Properties: {TargetFunctionArn: !GetAtt Fn.Arn, AuthType: AWS_IAM}
  May:
    Type: AWS::Lambda::Permission
    Properties: {FunctionName: !Ref Fn, Action: lambda:InvokeFunctionUrl, Principal: '210987654321', FunctionUrlAuthType: AWS_IAM, PrincipalOrgID: o-1, EventSourceToken: t}
Outputs:
  Arn: {Value: !GetAtt Url.FunctionArn}
)";

TEST_F(Urls, ByHand) {
  const auto stack = loaded(url_by_hand);
  const auto& fn = *stack.lambda.functions.at("fn");
  EXPECT_EQ(fn.urls.at("").auth_type, lambda::UrlAuthType::aws_iam);
  EXPECT_FALSE(fn.urls.at("").cors);
  EXPECT_EQ(fn.urls.at("").invoke_mode, lambda::UrlInvokeMode::buffered);
  EXPECT_EQ(stack.outputs.at(0).value, fn.latest.function_arn);
  const auto& statement = fn.policies.at("").statements.at(0);
  EXPECT_EQ(statement.function_url_auth_type, "AWS_IAM");
  EXPECT_EQ(statement.principal_org_id, "o-1");
  EXPECT_EQ(statement.event_source_token, "t");
}

TEST_F(Urls, WhatCannotBeIsRefused) {
  const auto with = [&](std::string_view from, std::string_view to) { return problems(replace_all(url_by_hand, from, to)); };
  const auto has = [](const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; };
  EXPECT_TRUE(has(with("AuthType: AWS_IAM}", "AuthType: JWT}"), "Properties.AuthType: `JWT` is neither NONE nor AWS_IAM"));
  EXPECT_TRUE(has(with(", AuthType: AWS_IAM}", "}"), "Properties.AuthType: missing"));
  EXPECT_TRUE(has(with("AuthType: AWS_IAM}", "AuthType: NONE, InvokeMode: STREAM}"), "`STREAM` is neither BUFFERED nor"));
  EXPECT_TRUE(has(with("AuthType: AWS_IAM}", "AuthType: NONE, Cors: {AllowMethods: [OPTIONS]}}"), "`OPTIONS` is longer than 6"));
  EXPECT_TRUE(has(with("AuthType: AWS_IAM}", "AuthType: NONE, Cors: {MaxAge: 90000}}"), "90000 is not between 0 and 86400"));
  EXPECT_TRUE(has(with("AuthType: AWS_IAM}", "AuthType: NONE, Qualifier: live}"), "ResourceNotFoundException"));
  EXPECT_TRUE(has(with("InvokeFunctionUrl,", "InvokeFunction,"), "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl"));
}

// The lint of roles

TEST_F(Urls, ARoleNobodyMadeIsWarnedOf) {
  constexpr auto missing =
      "template.yaml:5:79: function fn: there is no role arn:aws:iam::123456789012:role/r: AWS does not create the function, and here it "
      "runs "
      "without credentials (make it an AWS::IAM::Role of this template that lambda.amazonaws.com may assume, and refer to it with !GetAtt "
      "Role.Arn)\n";
  EXPECT_EQ(warnings(loaded(url_by_hand)), missing);
  options.surroundings.unique_id = [](std::string_view) { return std::optional<std::string>("AROAX"); };
  EXPECT_EQ(warnings(loaded(url_by_hand)), "");
  options.surroundings.unique_id = [](std::string_view) { return std::optional<std::string>(); };
  EXPECT_EQ(warnings(loaded(url_by_hand)), missing);
}

TEST_F(Urls, ARoleThatKeepsLambdaOutIsWarnedOf) {
  const auto with = [&](std::string_view service) {
    return warnings(loaded(replace_all(url_by_hand, "Resources:\n",
                                       cat("Resources:\n  R: {Type: AWS::IAM::Role, Properties: {RoleName: r, AssumeRolePolicyDocument: ",
                                           replace_all(trust, "lambda.amazonaws.com", service), "}}\n"))));
  };
  EXPECT_EQ(with("lambda.amazonaws.com"), "");
  EXPECT_NE(with("ec2.amazonaws.com").find("the trust policy of arn:aws:iam::123456789012:role/r does not let Lambda in"),
            std::string::npos);
}

}  // namespace
}  // namespace sallyport::cloudformation
