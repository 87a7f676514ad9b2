// Layers, aliases with weights, and environments kept ready, from templates.
#include "cloudformation/replace.hpp"
#include "cloudformation/testing.hpp"

namespace sallyport::cloudformation {
namespace {

class Layers : public FolderTest {
 public:
  void SetUp() override {
    FolderTest::SetUp();
    write("shared/python/shared.py", "value = 1\n");
  }
  static std::string sam(std::string_view resources) {
    return cat(
        "Transform: AWS::Serverless-2016-10-31\nGlobals: {Function: {Runtime: python3.12, CodeUri: src, Handler: app.handler}}\n"
        "Resources:\n",
        resources);
  }
  static std::string arn(std::string_view name, int version) {
    return cat("arn:aws:lambda:us-east-1:123456789012:layer:", name, ":", version);
  }
};

constexpr std::string_view one_layer = R"(
  Shared:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: shared, Description: d, CompatibleRuntimes: [python3.12]}
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: fn
      Layers: [!Ref Shared]
      EphemeralStorage: {Size: 1024}
      LoggingConfig: {LogFormat: JSON, ApplicationLogLevel: WARN, LogGroup: mine}
      ReservedConcurrentExecutions: 3
)";

TEST_F(Layers, AFolderBecomesALayer) {
  const auto stack = loaded(sam(one_layer));
  const auto& function = stack.lambda.functions.at("fn")->latest;
  ASSERT_EQ(function.layers.size(), 1u);
  EXPECT_EQ(function.layers[0].arn, arn("Shared", 1));
  EXPECT_EQ(function.layers[0].directory, folder + "/shared") << "used in place";
  EXPECT_EQ(function.tmp_mb, 1024);
  EXPECT_TRUE(function.logging.json);
  EXPECT_EQ(function.logging.application_level, "WARN");
  EXPECT_EQ(function.logging.group, "mine");
  EXPECT_EQ(stack.lambda.functions.at("fn")->reserved_concurrency, 3);
  EXPECT_EQ(stack.lambda.layers.at("Shared")->versions.at(1).description, "d");
  EXPECT_NE(std::ranges::find(stack.watched, folder + "/shared"), stack.watched.end()) << "saved files are seen";
}

TEST_F(Layers, AChangeIsAnotherVersion) {
  const auto first = loaded(sam(one_layer));
  lambda::State account;
  add_layers(account, first.lambda);
  options.present_functions = &account;
  EXPECT_EQ(loaded(sam(one_layer)).lambda.functions.at("fn")->latest.layers[0].arn, arn("Shared", 1)) << "nothing changed";
  write("shared/python/more.py", "");
  const auto second = loaded(sam(one_layer));
  EXPECT_EQ(second.lambda.functions.at("fn")->latest.layers[0].arn, arn("Shared", 2));
  add_layers(account, second.lambda);
  remove_layers(account, first.lambda, second.lambda);
  EXPECT_EQ(account.layers.at("Shared")->versions.size(), 1u) << "what a folder held is gone, whatever RetentionPolicy says";
  remove_layers(account, second.lambda, {});
  EXPECT_EQ(account.layers.at("Shared")->versions.size(), 0u);
  EXPECT_EQ(account.layers.at("Shared")->newest_version, 2);
}

TEST_F(Layers, PackagesAreRetainedOrNot) {
  ASSERT_EQ(
      std::system(
          cat("cd ", folder, " && python3 -c \"import zipfile; zipfile.ZipFile('l.zip', 'w').writestr('python/a.py', 'x')\"").c_str()),
      0);
  const auto of = [&](std::string_view more) {
    return loaded(cat("Resources:\n  L:\n    Type: AWS::Lambda::LayerVersion\n", more, "    Properties: {LayerName: l, Content: l.zip}\n"));
  };
  const auto dropped = of(""), retained = of("    DeletionPolicy: Retain\n");
  for (const auto* stack : {&dropped, &retained}) {
    lambda::State account;
    add_layers(account, stack->lambda);
    remove_layers(account, stack->lambda, {});
    EXPECT_EQ(account.layers.at("l")->versions.size(), stack == &retained ? 1u : 0u);
  }
}

TEST_F(Layers, LayersOfTheAccountMayBeUsed) {
  lambda::State account;
  account.layers["theirs"].edit().versions[4].code_sha256 = "eA==";
  options.present_functions = &account;
  const auto text =
      sam(cat("  Fn: {Type: AWS::Serverless::Function, Properties: {FunctionName: fn, Layers: ['", arn("theirs", 4), "']}}\n"));
  EXPECT_EQ(loaded(text).lambda.functions.at("fn")->latest.layers[0].code_sha256, "eA==");
  options.present_functions = nullptr;
  EXPECT_EQ(problems(text), cat("template.yaml:4:72: Resources.Fn.Properties.Layers: Layer version ", arn("theirs", 4),
                                " does not exist. (publish its files as a layer here, or make it with an AWS::Lambda::LayerVersion)\n"));
}

TEST_F(Layers, WhatCannotBeALayerIsRefused) {
  const auto out = problems(sam(R"(
  None: {Type: AWS::Serverless::LayerVersion, Properties: {RetentionPolicy: Sometimes}}
  Missing: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: nowhere}}
  Away: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: {Bucket: b, Key: k}}}
  Fn: {Type: AWS::Serverless::Function, Properties: {Layers: [!Ref None, !Ref Away]}}
)"));
  EXPECT_EQ(std::ranges::count(out, '\n'), 4) << out;
  EXPECT_NE(out.find("Resources.None.Properties.ContentUri: missing"), std::string::npos) << out;
  EXPECT_NE(out.find("`Sometimes` is neither Retain nor Delete"), std::string::npos) << out;
  EXPECT_NE(out.find("`nowhere` is not there"), std::string::npos) << out;
  EXPECT_NE(out.find("a layer in S3 cannot be used"), std::string::npos) << out;
}

TEST_F(Layers, PermissionsOfALayer) {
  const auto stack = loaded(R"(
Resources:
  L: {Type: AWS::Lambda::LayerVersion, Properties: {LayerName: l, Content: shared}}
  P:
    Type: AWS::Lambda::LayerVersionPermission
    Properties: {LayerVersionArn: !Ref L, Action: 'lambda:GetLayerVersion', Principal: '210987654321'}
)");
  const auto& policy = stack.lambda.layers.at("l")->versions.at(1).policy;
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->statements.at(0).principal, "210987654321");
}

TEST_F(Layers, AliasesHaveWeightsAndEnvironmentsKeptReady) {
  const auto stack = loaded(R"(
Resources:
  Fn:
    Type: AWS::Lambda::Function
    Properties: {FunctionName: fn, Runtime: python3.12, Handler: app.handler, Code: src, Role: 'arn:aws:iam::123456789012:role/r'}
  One:
    Type: AWS::Lambda::Version
    Properties: {FunctionName: !Ref Fn, ProvisionedConcurrencyConfig: {ProvisionedConcurrentExecutions: 2}}
  Live:
    Type: AWS::Lambda::Alias
    Properties: {FunctionName: !Ref Fn, Name: live, FunctionVersion: !GetAtt One.Version, RoutingConfig: {AdditionalVersionWeights: []}}
)");
  const auto& function = *stack.lambda.functions.at("fn");
  EXPECT_EQ(function.provisioned.at("1").requested, 2);
  EXPECT_TRUE(function.aliases.at("live").weights.empty());
  const auto out = problems(R"(
Resources:
  Fn:
    Type: AWS::Lambda::Function
    Properties: {FunctionName: fn, Runtime: python3.12, Handler: app.handler, Code: src, Role: 'arn:aws:iam::123456789012:role/r'}
  One: {Type: AWS::Lambda::Version, Properties: {FunctionName: !Ref Fn}}
  Live:
    Type: AWS::Lambda::Alias
    Properties:
      FunctionName: !Ref Fn
      Name: live
      FunctionVersion: !GetAtt One.Version
      RoutingConfig: {AdditionalVersionWeights: [{FunctionVersion: '1', FunctionWeight: 0.5}]}
)");
  EXPECT_NE(out.find("already included in routing configuration"), std::string::npos) << out;
}

TEST_F(Layers, SamKeepsEnvironmentsReadyForTheAlias) {
  const std::string function = R"(
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: fn
      AutoPublishAlias: live
      ProvisionedConcurrencyConfig: {ProvisionedConcurrentExecutions: 3}
)";
  EXPECT_EQ(loaded(sam(function)).lambda.functions.at("fn")->provisioned.at("live").requested, 3);
  const auto out = problems(sam(replace_all(function, "      AutoPublishAlias: live\n", "")));
  EXPECT_NE(out.find("needs an AutoPublishAlias"), std::string::npos) << out;
  EXPECT_EQ(out.find("not a property"), std::string::npos) << "said once: " << out;
  EXPECT_TRUE(loaded(sam(function + "      RecursiveLoop: Terminate\n")).lambda.functions.contains("fn"));
  EXPECT_NE(problems(sam(function + "      RecursiveLoop: Allow\n")).find("nothing looks for"), std::string::npos);
  const auto with = [&](std::string_view preference) { return sam(cat(function, "      DeploymentPreference: ", preference, "\n")); };
  for (const auto* taken :
       {"{Type: AllAtOnce}", "{Enabled: false}", "{Enabled: 'false', Type: Canary10Percent5Minutes, Hooks: {PreTraffic: f}}",
        "{Type: AllAtOnce, Role: arn:aws:iam::123456789012:role/deploys}"})
    EXPECT_TRUE(loaded(with(taken)).lambda.functions.contains("fn")) << taken;
  const auto refused = [&](std::string_view preference, std::string_view name) {
    const auto said = problems(with(preference));
    EXPECT_NE(said.find(cat("DeploymentPreference.", name)), std::string::npos) << said;
  };
  refused("{Type: Linear10PercentEvery1Minute}", "Type");
  refused("{Type: AllAtOnce, Hooks: {PreTraffic: f}}", "Hooks");
  refused("{Type: AllAtOnce, Alarms: [a]}", "Alarms");
  refused("{Type: AllAtOnce, Speed: high}", "Speed");
  EXPECT_TRUE(loaded(sam(function + "      RuntimeManagementConfig: {UpdateRuntimeOn: Auto}\n")).lambda.functions.contains("fn"));
  const auto manual = problems(sam(function + "      RuntimeManagementConfig: {UpdateRuntimeOn: Manual, RuntimeVersionArn: a}\n"));
  EXPECT_NE(manual.find("RuntimeManagementConfig.UpdateRuntimeOn"), std::string::npos) << manual;
  options.lambda_limits.concurrent_executions = 3;
  EXPECT_NE(problems(sam(replace_all(function, "tions: 3", "tions: 4"))).find("unreserved concurrency [3]"), std::string::npos);
}

}  // namespace
}  // namespace sallyport::cloudformation
