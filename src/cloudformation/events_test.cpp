// EventInvokeConfig in templates, and queues that are not there.
#include <gmock/gmock.h>

#include "cloudformation/testing.hpp"

namespace sallyport::cloudformation {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view told = "arn:aws:lambda:us-east-1:123456789012:function:told";

class EventsTest : public FolderTest {
 public:
  static std::string with(std::string_view config, std::string_view more = "") {
    return cat(R"(Transform: AWS::Serverless-2016-10-31
Resources:
  Told: {Type: AWS::Serverless::Function, Properties: {FunctionName: told, Runtime: python3.12, Handler: app.handler, CodeUri: src}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: f
      Runtime: python3.12
      Handler: app.handler
      CodeUri: src
      EventInvokeConfig: )",
               config, "\n", more);
  }
  static const lambda::EventInvokeConfig* config_of(const Stack& stack, const std::string& qualifier = "") {
    const auto found = stack.lambda.functions.find("f");
    if (found == stack.lambda.functions.end()) return nullptr;
    const auto config = found->second->event_invoke_configs.find(qualifier);
    return config == found->second->event_invoke_configs.end() ? nullptr : &config->second;
  }
};

TEST_F(EventsTest, SamMakesTheConfigurationAndLetsTheRoleCallTheDestination) {
  const auto stack =
      loaded(with("{MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60, DestinationConfig: "
                  "{OnFailure: {Type: Lambda, Destination: !GetAtt Told.Arn}}}"));
  const auto* config = config_of(stack);
  ASSERT_NE(config, nullptr);
  EXPECT_EQ(config->retries, 0);
  EXPECT_EQ(config->age_s, 60);
  EXPECT_EQ(config->on_failure, told);
  EXPECT_EQ(config->on_success, "");
  bool allowed = false;
  for (const auto& [name, role] : stack.iam.roles)
    for (const auto& [policy, document] : role->inline_policies) allowed = allowed || policy == "FEventInvokeConfigOnFailureLambdaPolicy";
  EXPECT_TRUE(allowed);
}

TEST_F(EventsTest, ItBelongsToTheAliasThatIsCalled) {
  const auto stack = loaded(with("{MaximumRetryAttempts: 1}", "      AutoPublishAlias: live\n"));
  ASSERT_NE(config_of(stack, "live"), nullptr);
  EXPECT_EQ(config_of(stack, "live")->retries, 1);
  EXPECT_EQ(config_of(stack), nullptr);
}

TEST_F(EventsTest, OtherDestinationsAreRefusedByName) {
  const auto config = "{DestinationConfig: {OnSuccess: {Type: SQS, Destination: 'arn:aws:sqs:us-east-1:123456789012:q'}}}";
  EXPECT_THAT(problems(with(config)), HasSubstr("EventInvokeConfig.DestinationConfig.OnSuccess.Type: not supported"));
  EXPECT_THAT(problems(with("{DestinationConfig: {OnSuccess: {Type: Lambda}}}")), HasSubstr("OnSuccess.Destination: missing"));
  EXPECT_THAT(problems(with("{MaximumRetryAttempts: 3}")), HasSubstr("MaximumRetryAttempts"));
  EXPECT_THAT(problems(with("{Retries: 1}")), HasSubstr("EventInvokeConfig.Retries"));
  options.unsupported = Unsupported::ignore;
  const auto stack = loaded(with(config));
  ASSERT_NE(config_of(stack), nullptr);
  EXPECT_EQ(config_of(stack)->on_success, "");
}

constexpr std::string_view by_hand = R"(Resources:
  Role: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {Statement: {Effect: Allow, Action: sts:AssumeRole, Principal: {Service: lambda.amazonaws.com}}}}}
  Told: {Type: AWS::Lambda::Function, Properties: {FunctionName: told, Runtime: python3.12, Handler: app.handler, Role: !GetAtt Role.Arn, Code: src}}
  F:
    Type: AWS::Lambda::Function
    Properties: {FunctionName: f, Runtime: python3.12, Handler: app.handler, Role: !GetAtt Role.Arn, Code: src, DeadLetterConfig: {TargetArn: ''}}
  Config:
    Type: AWS::Lambda::EventInvokeConfig
    Properties:
      FunctionName: !Ref F
      Qualifier: $LATEST
      DestinationConfig: {OnSuccess: {Destination: !GetAtt Told.Arn}}
)";

TEST_F(EventsTest, CloudFormationMakesItToo) {
  const auto stack = loaded(by_hand);
  ASSERT_NE(config_of(stack), nullptr);
  EXPECT_EQ(config_of(stack)->on_success, told);
  EXPECT_THAT(problems(replace_all(by_hand, "!GetAtt Told.Arn}}", "!GetAtt F.Arn}}")),
              HasSubstr("You can't specify the function as a destination for itself."));
  EXPECT_THAT(problems(replace_all(by_hand, "!GetAtt Told.Arn}}", "'arn:aws:sns:us-east-1:123456789012:t'}}")),
              HasSubstr("Config.Properties.DestinationConfig.OnSuccess.Destination: not supported"));
  EXPECT_THAT(problems(replace_all(by_hand, "TargetArn: ''", "TargetArn: 'arn:aws:sqs:us-east-1:123456789012:q'")),
              HasSubstr("DeadLetterConfig.TargetArn: not supported"));
  EXPECT_THAT(problems(replace_all(by_hand, "      Qualifier: $LATEST\n", "")), HasSubstr("Qualifier"));
}

}  // namespace
}  // namespace sallyport::cloudformation
