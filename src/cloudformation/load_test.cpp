#include "cloudformation/testing.hpp"
#include "gateway/operations.hpp"

namespace sallyport::cloudformation {
namespace {

using Load = FolderTest;

/// Everything by hand, as CloudFormation without SAM has it. The resources stand in the wrong order on purpose.
constexpr std::string_view by_hand = R"(AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Stage: {Type: String, Default: dev}
Resources:
  Stage:
    Type: AWS::ApiGateway::Stage
    Properties: {RestApiId: !Ref Api, DeploymentId: !Ref Deployment, StageName: !Ref Stage, Variables: {a: b}}
  Deployment:
    Type: AWS::ApiGateway::Deployment
    DependsOn: [Get, Denied]
    Properties: {RestApiId: !Ref Api}
  Get:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Api
      ResourceId: !Ref Pet
      HttpMethod: GET
      AuthorizationType: CUSTOM
      AuthorizerId: !Ref Authorizer
      Integration:
        Type: AWS_PROXY
        IntegrationHttpMethod: POST
        Uri: !Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Alias}/invocations
  Pet:
    Type: AWS::ApiGateway::Resource
    Properties: {RestApiId: !Ref Api, ParentId: !Ref Pets, PathPart: '{id}'}
  Pets:
    Type: AWS::ApiGateway::Resource
    Properties: {RestApiId: !Ref Api, ParentId: !GetAtt Api.RootResourceId, PathPart: pets}
  Authorizer:
    Type: AWS::ApiGateway::Authorizer
    Properties:
      RestApiId: !Ref Api
      Name: guard
      Type: REQUEST
      IdentitySource: method.request.header.X-Token, method.request.querystring.q
      AuthorizerResultTtlInSeconds: 60
      AuthorizerUri: !Join ['', ['arn:aws:apigateway:', !Ref AWS::Region, ':lambda:path/2015-03-31/functions/', !GetAtt Fn.Arn, /invocations]]
  Denied:
    Type: AWS::ApiGateway::GatewayResponse
    Properties: {RestApiId: !Ref Api, ResponseType: ACCESS_DENIED, StatusCode: 404}
  Api: {Type: AWS::ApiGateway::RestApi, Properties: {Name: by-hand}}
  MayCall:
    Type: AWS::Lambda::Permission
    Properties: {FunctionName: !Ref Alias, Action: lambda:InvokeFunction, Principal: apigateway.amazonaws.com, SourceArn: !Sub 'arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/GET/pets/*'}
  MayAsk:
    Type: AWS::Lambda::Permission
    Properties: {FunctionName: !GetAtt Fn.Arn, Action: lambda:InvokeFunction, Principal: apigateway.amazonaws.com, SourceArn: !Sub 'arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/authorizers/*'}
  Alias: {Type: AWS::Lambda::Alias, Properties: {FunctionName: !Ref Fn, FunctionVersion: !GetAtt Version.Version, Name: live}}
  Version: {Type: AWS::Lambda::Version, Properties: {FunctionName: !Ref Fn}}
  Fn:
    Type: AWS::Lambda::Function
    Properties: {FunctionName: fn, Runtime: python3.12, Handler: app.handler, Role: !GetAtt Role.Arn, Code: src, Timeout: 9}
  Role: {Type: AWS::IAM::Role, Properties: {RoleName: role, AssumeRolePolicyDocument: {Statement: {Effect: Allow, Action: sts:AssumeRole, Principal: {Service: lambda.amazonaws.com}}}}}
  Logs: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Sub '/aws/lambda/${Fn}', RetentionInDays: 7}}
Outputs:
  Url: {Value: !Sub 'https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/${Stage}'}
)";

TEST_F(Load, MakesWhatATemplateWrittenByHandDeclares) {
  // The logical id `Stage` belongs to a parameter and a resource: CloudFormation refuses that, so it is renamed here.
  const auto text = replace_all(by_hand, "  Stage:\n    Type", "  Live:\n    Type");
  const auto stack = loaded(text);
  EXPECT_EQ(routes(stack, "dev"), "GET /pets/{id} guard\n");
  EXPECT_EQ(stack.routes.at(0).api_name, "by-hand");
  EXPECT_EQ(stack.routes.at(0).token_header, "X-Token");
  EXPECT_EQ(stack.routes.at(0).at.line, 12u);
  EXPECT_FALSE(stack.routes.at(0).extra_stage);
  const auto& api = *stack.gateway.apis.begin()->second;
  EXPECT_EQ(api.draft->gateway_responses.size(), 1u);
  EXPECT_EQ(api.deployments.begin()->second->definition->gateway_responses.size(), 1u);
  EXPECT_EQ(stack.lambda.functions.at("fn")->latest.timeout.count(), 9);
  EXPECT_EQ(stack.lambda.functions.at("fn")->latest.role, "arn:aws:iam::123456789012:role/role");
  ASSERT_EQ(stack.kept.size(), 1u);
  EXPECT_EQ(stack.kept[0].physical_id, "/aws/lambda/fn");
  EXPECT_EQ(stack.iam.roles.at("role")->arn, "arn:aws:iam::123456789012:role/role");
  EXPECT_EQ(stack.outputs.at(0).value, cat("https://", api.id, ".execute-api.us-east-1.amazonaws.com/dev"));
  EXPECT_TRUE(stack.warnings.empty()) << all_lines(stack.warnings);
  EXPECT_EQ(warnings(stack), "");
  EXPECT_EQ(stack.watched, (std::vector<std::string>{folder + "/src", folder + "/template.yaml"}));

  options.parameters["Stage"] = "prod";
  EXPECT_EQ(routes(loaded(text), "prod"), "GET /pets/{id} guard\n");
}

TEST_F(Load, AParameterAndAResourceCannotShareAName) {
  EXPECT_EQ(problems(by_hand), "template.yaml:5:3: Resources.Stage: a parameter has this name as well (rename one of them)\n");
}

TEST_F(Load, IdsAreTheSameInEveryRun) {
  const auto text = replace_all(by_hand, "  Stage:\n    Type", "  Live:\n    Type");
  const auto first = loaded(text);
  const auto second = loaded(replace_all(text, "pets", "animals"));
  EXPECT_EQ(first.routes.at(0).api_id, second.routes.at(0).api_id);
  EXPECT_EQ(first.routes.at(0).api_id.size(), 10u);
  EXPECT_EQ(first.gateway.apis.begin()->second->draft->authorizers.begin()->first,
            second.gateway.apis.begin()->second->draft->authorizers.begin()->first);
  options.stack_name = "other";
  EXPECT_NE(loaded(text).routes.at(0).api_id, first.routes.at(0).api_id);
}

TEST_F(Load, ADeploymentWaitsForItsMethodsAndSaysSo) {
  const auto text = replace_all(replace_all(by_hand, "  Stage:\n    Type", "  Live:\n    Type"), "    DependsOn: [Get, Denied]\n", "");
  const auto stack = loaded(text);
  EXPECT_EQ(routes(stack, "dev"), "GET /pets/{id} guard\n");
  ASSERT_EQ(stack.warnings.size(), 1u);
  EXPECT_EQ(replace_all(to_text(stack.warnings[0]), folder + "/", ""),
            "template.yaml:8:3: Resources.Deployment: does not depend on Get, Denied: AWS may make it before them, and it serves only what "
            "exists when it is "
            "made (add DependsOn: [Get, Denied])");
}

TEST_F(Load, FindsTheTemplateOfAFolder) {
  write("template.yml", R"(Resources: {Logs: {Type: "AWS::Logs::LogGroup"}})");
  auto stack = load(folder, options, *store);
  ASSERT_TRUE(stack) << all_lines(stack.error());
  EXPECT_EQ(stack->template_path, folder + "/template.yml");
  write("template.yaml", "Resources: 1");
  EXPECT_EQ(all_lines(load(folder, options, *store).error()),
            folder + "/template.yaml:1:12: Resources: a template has at least one resource\n");
  std::filesystem::remove(folder + "/template.yml");
  std::filesystem::remove(folder + "/template.yaml");
  write("template.json", R"({"Resources": {"Logs": {"Type": "AWS::Logs::LogGroup"}}})");
  EXPECT_TRUE(load(folder, options, *store));
  EXPECT_EQ(all_lines(load(folder + "/src", options, *store).error()),
            folder + "/src: this folder holds no template.yaml, template.yml or template.json\n");
  EXPECT_EQ(all_lines(load(folder + "/nothing", options, *store).error()),
            folder + "/nothing: there is no such file (name a template, or a folder that holds template.yaml)\n");
  EXPECT_EQ(all_lines(load("/dev/zero", options, *store).error()), "/dev/zero: is no regular file\n");
}

TEST_F(Load, EveryProblemIsReportedAtOnceAndByLine) {
  EXPECT_EQ(problems(R"(
Resources:
  Fn:
    Type: AWS::Lambda::Function
    Properties:
      Runtim: python3.12
      Handler: [app.handler]
      Role: !GetAtt Rol.Arn
      Code: nowhere
      Timeout: 901
      MemorySize: much
  Queue: {Type: AWS::SQS::Queue}
  Method: {Type: AWS::ApiGateway::Methode}
  Role: {Type: AWS::IAM::Role, Propertie: {}}
Outputs:
  A: {Value: !Ref Nothing}
  B: {Value: [1], Condition: Never}
)"),
            cat("template.yaml:3:3: Resources.Fn.Properties.Runtime: missing\n"
                "template.yaml:6:7: Resources.Fn.Properties.Runtim: not a property of AWS::Lambda::Function that is known here (did you "
                "mean Runtime?)\n"
                "template.yaml:7:16: Resources.Fn.Properties.Handler: must be a string, is a list\n"
                "template.yaml:8:13: Resources.Fn.Properties.Role: there is no resource `Rol` (did you mean `Role`?)\n"
                "template.yaml:9:7: Resources.Fn.Properties.Code: `nowhere` is not there (looked at nowhere)\n"
                "template.yaml:10:7: Resources.Fn.Properties.Timeout: 901 is not between 1 and 900\n"
                "template.yaml:11:19: Resources.Fn.Properties.MemorySize: must be a whole number, is a string\n"
                "template.yaml:12:17: Resources.Queue.Type: resources of type `AWS::SQS::Queue` are not supported (take it out, or pass "
                "--ignore-unsupported to "
                "serve the rest)\n"
                "template.yaml:13:18: Resources.Method.Type: resources of type `AWS::ApiGateway::Methode` are not supported (did you mean "
                "AWS::ApiGateway::Method?)\n"
                "template.yaml:14:3: Resources.Role.Properties.AssumeRolePolicyDocument: missing\n"
                "template.yaml:14:32: Resources.Role.Propertie: no such member of a resource (properties go under Properties)\n"
                "template.yaml:16:14: Outputs.A.Value: there is no resource or parameter `Nothing`\n"
                "template.yaml:17:30: Outputs.B.Condition: there is no condition `Never`\n"));
}

TEST_F(Load, WhatIsIgnoredIsListed) {
  options.unsupported = Unsupported::ignore;
  const auto stack = loaded(R"(
Resources:
  Table: {Type: AWS::DynamoDB::Table, Properties: {TableName: t}}
  Fn:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: fn
      Runtime: python3.12
      Handler: app.handler
      Role: arn:aws:iam::123456789012:role/r
      Code: src
      Layers: [arn:aws:lambda:us-east-1:123456789012:layer:l:1]
      Environment: {Variables: {TABLE: !Ref Table, ARN: !GetAtt Table.Arn}}
Outputs:
  Stream: {Value: !GetAtt Table.StreamArn}
)");
  EXPECT_EQ(replace_all(all_lines(stack.ignored), folder + "/", ""),
            "template.yaml:3:17: Resources.Table.Type: resources of type `AWS::DynamoDB::Table` are not supported (it is not made; what "
            "mentions it gets a made-up "
            "name)\n"
            "template.yaml:12:7: Resources.Fn.Properties.Layers: Layer version arn:aws:lambda:us-east-1:123456789012:layer:l:1 does not "
            "exist. (publish its files as a layer here, or make it with an AWS::Lambda::LayerVersion)\n");
  const auto& environment = stack.lambda.functions.at("fn")->latest.environment;
  EXPECT_TRUE(environment.at("TABLE").starts_with("sallyport-Table-")) << environment.at("TABLE");
  EXPECT_EQ(environment.at("ARN"), environment.at("TABLE"));
  EXPECT_EQ(stack.outputs.size(), 1u);
}

TEST_F(Load, CyclesAreNamed) {
  EXPECT_EQ(
      problems(R"(
Resources:
  A: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Ref B}}
  B: {Type: AWS::Logs::LogGroup, DependsOn: C}
  C: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Sub '${A}'}}
  D: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Ref A}}
  E: {Type: AWS::Logs::LogGroup, DependsOn: [E]}
)"),
      "template.yaml:3:61: Resources.A: circular dependency: A -> B -> C -> A (AWS refuses it as well: take one of the references out)\n"
      "template.yaml:7:46: Resources.E: circular dependency: E -> E (AWS refuses it as well: take one of the references out)\n");
}

TEST_F(Load, ConditionsLeaveResourcesOut) {
  constexpr std::string_view text = R"(
Parameters: {Prod: {Type: String, Default: 'no'}}
Conditions: {IsProd: !Equals [!Ref Prod, 'yes']}
Resources:
  A: {Type: AWS::Logs::LogGroup, Condition: IsProd}
  B: {Type: AWS::Logs::LogGroup, DependsOn: A, Properties: {LogGroupName: !If [IsProd, !Ref A, b]}}
Outputs:
  A: {Condition: IsProd, Value: !Ref A}
)";
  EXPECT_EQ(loaded(text).kept.size(), 1u);
  EXPECT_TRUE(loaded(text).outputs.empty());
  options.parameters["Prod"] = "yes";
  EXPECT_EQ(loaded(text).kept.size(), 2u);
  EXPECT_EQ(loaded(text).outputs.size(), 1u);
  options.parameters.clear();
  EXPECT_EQ(problems(replace_all(text, "!If [IsProd, !Ref A, b]", "!Ref A")),
            "template.yaml:6:75: Resources.B.Properties.LogGroupName: `A` is not made: its condition does not hold (put the mention into "
            "an Fn::If)\n");
}

TEST_F(Load, SectionsAreChecked) {
  EXPECT_EQ(problems("- a\n"), "template.yaml:1:1: a template is a mapping, this is a list\n");
  EXPECT_EQ(problems("AWSTemplateFormatVersion: 2010-09-10\nResource: {}\nTransform: [AWS::Include]\nGlobals: {}\nResources: {a-b: {Type: "
                     "AWS::Logs::LogGroup}, C: 1, D: {}}\n"),
            "template.yaml:1:27: AWSTemplateFormatVersion: the only version is 2010-09-09\n"
            "template.yaml:2:1: Resource: a template has no such section\n"
            "template.yaml:3:13: Transform: `AWS::Include` does not run here (only AWS::Serverless-2016-10-31 does)\n"
            "template.yaml:4:1: Globals: needs `Transform: AWS::Serverless-2016-10-31`\n"
            "template.yaml:5:13: Resources.a-b: a logical id is made of letters and digits\n"
            "template.yaml:5:47: Resources.C: must be a mapping, is a number\n"
            "template.yaml:5:53: Resources.D.Type: missing or not a string\n");
  EXPECT_EQ(problems("Resources: {F: {Type: AWS::Serverless::Function}}\n"),
            "template.yaml:1:23: Resources.F.Type: `AWS::Serverless::Function` needs the SAM transform (add `Transform: "
            "AWS::Serverless-2016-10-31` at the top of "
            "the template)\n");
  std::string many = "Resources:\n";
  for (int i = 0; i <= 500; ++i) many += cat("  R", i, ": {Type: AWS::Logs::LogGroup}\n");
  EXPECT_EQ(problems(many), "template.yaml:2:3: Resources: has more than 500 resources, as many as AWS takes\n");
}

TEST_F(Load, GlobalsCannotMultiplyWithoutEnd) {
  std::string text =
      "Transform: AWS::Serverless-2016-10-31\nGlobals: {Function: {Handler: '" + std::string(1'000'000, 'x') + "'}}\nResources:\n";
  for (int i = 0; i < 400; ++i) text += cat("  R", i, ": {Type: AWS::Serverless::Function}\n");
  EXPECT_EQ(problems(text), "template.yaml:2:10: Globals: is too large for 400 resources\n");
}

TEST_F(Load, WhatAnOperationRefusesIsReportedAtTheResource) {
  EXPECT_EQ(problems(R"(
Resources:
  Api: {Type: AWS::ApiGateway::RestApi, Properties: {Name: a}}
  R: {Type: AWS::ApiGateway::Resource, Properties: {RestApiId: !Ref Api, ParentId: nowhere, PathPart: a}}
)"),
            "template.yaml:4:3: Resources.R: NotFoundException: Invalid Resource identifier specified\n");
  EXPECT_EQ(problems(R"(
Resources:
  Api: {Type: AWS::ApiGateway::RestApi, Properties: {Name: a}}
  D: {Type: AWS::ApiGateway::Deployment, Properties: {RestApiId: !Ref Api}}
)"),
            "template.yaml:4:3: Resources.D: BadRequestException: The REST API doesn't contain any methods\n");
}

class Package : public FolderTest {
 public:
  /// Makes code.zip with Python's zipfile, in which anything can be written.
  void zip(const std::string& script) {
    write("make.py",
          cat("import zipfile\nz = zipfile.ZipFile('", folder, "/code.zip', 'w', zipfile.ZIP_DEFLATED)\n", script, "\nz.close()\n"));
    ASSERT_EQ(std::system(cat("python3 -W ignore ", folder, "/make.py").c_str()), 0);
  }
  static constexpr std::string_view text = R"(Transform: AWS::Serverless-2016-10-31
Resources:
  Fn: {Type: AWS::Serverless::Function, Properties: {FunctionName: fn, Runtime: python3.12, Handler: app.handler, CodeUri: code.zip}}
)";
};

TEST_F(Package, IsUnpackedAndWatched) {
  zip("z.writestr('app.py', 'def handler(event, context): return {}')");
  const auto stack = loaded(text);
  EXPECT_TRUE(std::filesystem::exists(stack.lambda.functions.at("fn")->latest.code_directory + "/app.py"));
  EXPECT_EQ(stack.watched.at(0), folder + "/code.zip");
}

TEST_F(Package, WithEvilEntriesIsRefused) {
  const auto refusal = [&](const std::string& script, std::string_view words = "Could not unzip uploaded file. ") {
    zip(script);
    const auto out = problems(text);
    EXPECT_TRUE(out.starts_with(cat("template.yaml:3:3: Resources.Fn: InvalidParameterValueException: ", words))) << out;
    return out;
  };
  EXPECT_NE(refusal("z.writestr('../evil.py', 'x')").find("entry `../evil.py` leaves the folder"), std::string::npos);
  EXPECT_NE(refusal("z.writestr('/etc/evil', 'x')").find("absolute"), std::string::npos);
  EXPECT_NE(refusal("i = zipfile.ZipInfo('l'); i.create_system = 3; i.external_attr = 0o120777 << 16; z.writestr(i, '../../etc/passwd')")
                .find("link `l`"),
            std::string::npos);
  const auto bomb = refusal("z.writestr('bomb', b'0' * (260 << 20))", "Unzipped size must be smaller than 262144000 bytes");
  EXPECT_NE(bomb.find("larger than"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder + "/evil.py"));
  write("code.zip", "no zip at all");
  EXPECT_NE(problems(text).find("Could not unzip"), std::string::npos);
}

TEST_F(Load, CodeThatIsElsewhereIsRefused) {
  const auto with = [&](std::string_view code) {
    return problems(
        cat("Transform: AWS::Serverless-2016-10-31\nResources:\n  Fn:\n    Type: AWS::Serverless::Function\n    Properties:\n      "
            "Runtime: python3.12\n      Handler: a.b\n",
            code));
  };
  constexpr std::string_view hint = " (there is no S3 here: name a local folder or .zip file, relative to the template)\n";
  EXPECT_EQ(with("      CodeUri: s3://b/k\n"),
            cat("template.yaml:8:7: Resources.Fn.Properties.Code: `s3://b/k` is not a local path", hint));
  EXPECT_EQ(with("      CodeUri: {Bucket: b, Key: k}\n"),
            cat("template.yaml:8:17: Resources.Fn.Properties.Code.S3Bucket: code in S3 cannot be used", hint));
  EXPECT_EQ(with("      PackageType: Image\n      ImageUri: x\n").substr(0, 16), "template.yaml:3:");
}

TEST_F(Load, ABrokenTemplateChangesNothing) {
  const auto stack = loaded("Resources: {L: {Type: AWS::Logs::LogGroup}}\n");
  EXPECT_EQ(problems("Resources: {L: {Type: AWS::Logs::LogGroup}\n").substr(0, 17), "template.yaml:2:1");
  EXPECT_EQ(stack.kept.size(), 1u);
}

}  // namespace
}  // namespace sallyport::cloudformation
