#include "wire/validator.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "json/parse.hpp"

namespace sallyport::wire {
namespace {

/// "" when the input is right, else the message.
std::string checked(std::string_view service, std::string_view operation, std::string_view input) {
  static const Validator validator;
  const auto* model = find_model(service);
  const auto result = validator.check(*model, *model->find_operation(operation), *json::parse(input));
  if (result) return "";
  EXPECT_EQ(result.error().code, model->validation_code);
  EXPECT_EQ(result.error().status, 400);
  return result.error().message;
}

std::string one(std::string_view value, std::string_view path, std::string_view constraint) {
  return cat("1 validation error detected: Value ", value, " at '", path, "' failed to satisfy constraint: ", constraint);
}

std::string create_function(std::string_view more) {
  return checked("lambda", "CreateFunction", cat(R"({"FunctionName":"f","Code":{},"Role":"arn:aws:iam::123456789012:role/r")", more, "}"));
}

// The texts of this test were recorded on AWS.
TEST(Validator, SaysWhatAwsSays) {
  EXPECT_EQ(checked("lambda", "CreateFunction", R"({"FunctionName":"f","Code":{},"Role":"r1"})"),
            one("'r1'", "role",
                R"(Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+)"));
  EXPECT_EQ(create_function(R"(,"Architectures":["x86_64","arm64"])"),
            one("'[x86_64, arm64]'", "architectures", "Member must have length less than or equal to 1"));
  EXPECT_EQ(create_function(R"(,"Architectures":["X86_64"])"),
            one("'[X86_64]'", "architectures",
                "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]"));
  EXPECT_EQ(
      create_function(R"(,"Layers":["arn:aws:lambda:us-east-1:111111111111:layer:l"])"),
      one("'[arn:aws:lambda:us-east-1:111111111111:layer:l]'", "layers",
          R"(Member must satisfy constraint: [Member must have length less than or equal to 2048, Member must have length greater than or equal to 1, )"
          R"(Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:)"
          R"(layer:[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+), Member must not be null])"));
  EXPECT_EQ(checked("lambda", "CreateFunctionUrlConfig", R"({"FunctionName":"f","AuthType":"NONE","InvokeMode":"UNKNOWN"})"),
            one("'UNKNOWN'", "invokeMode", "Member must satisfy enum value set: [RESPONSE_STREAM, BUFFERED]"));
  EXPECT_EQ(checked("lambda", "CreateFunctionUrlConfig", R"({"FunctionName":"f","AuthType":"NONE","Qualifier":"1"})"),
            one("'1'", "qualifier", R"(Member must satisfy regular expression pattern: ((?!^\d+$)^[0-9a-zA-Z-_]+$))"));
  EXPECT_EQ(checked("lambda", "CreateAlias", R"({"FunctionName":"f","FunctionVersion":"1","Name":"2024"})"),
            one("'2024'", "name", "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"));
  EXPECT_EQ(checked("lambda", "ListFunctions", R"({"FunctionVersion":"invalid"})"),
            one("'invalid'", "functionVersion", "Member must satisfy enum value set: [ALL]"));
  EXPECT_EQ(
      checked("lambda", "PutProvisionedConcurrencyConfig", R"({"FunctionName":"f","Qualifier":"1","ProvisionedConcurrentExecutions":0})"),
      one("'0'", "provisionedConcurrentExecutions", "Member must have value greater than or equal to 1"));
  EXPECT_EQ(
      checked("apigateway", "GetIntegrationResponse", R"({"restApiId":"a","resourceId":"r","httpMethod":"GET","statusCode":"wrong"})"),
      one("'wrong'", "statusCode", R"(Member must satisfy regular expression pattern: [1-5]\d\d)"));
  EXPECT_EQ(
      checked("apigateway", "CreateRestApi", R"({"name":"a","endpointConfiguration":{"ipAddressType":"wrong"}})"),
      one("'wrong'", "createRestApiInput.endpointConfiguration.ipAddressType", "Member must satisfy enum value set: [ipv4, dualstack]"));
}

TEST(Validator, TellsAllViolationsAtOnce) {
  const std::string set = "Member must satisfy enum value set: [add, remove, move, test, replace, copy]";
  EXPECT_EQ(
      checked(
          "apigateway", "UpdateMethodResponse",
          R"({"restApiId":"a","resourceId":"r","httpMethod":"GET","statusCode":"200","patchOperations":[{"op":"wrong_op"},{"op":"add"},{"op":"wrong_op"}]})"),
      cat("2 validation errors detected: Value 'wrong_op' at 'updateMethodResponseInput.patchOperations.1.member.op' failed to satisfy "
          "constraint: ",
          set, "; Value 'wrong_op' at 'updateMethodResponseInput.patchOperations.3.member.op' failed to satisfy constraint: ", set));
  EXPECT_EQ(checked("lambda", "GetAlias", R"({"FunctionName":""})"),
            cat("3 validation errors detected: Value '' at 'functionName' failed to satisfy constraint: Member must have length greater "
                "than or equal to 1; "
                "Value '' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: ",
                find_model("lambda")->find_operation("GetAlias")->input->find("FunctionName")->shape->pattern->text,
                "; Value null at 'name' failed to satisfy constraint: Member must not be null"));
}

TEST(Validator, AcceptsWhatIsRight) {
  EXPECT_EQ(
      create_function(R"(,"Runtime":"python3.12","Handler":"app.handler","Timeout":3,"Environment":{"Variables":{"KEY":"v","A":""}})"), "");
  for (const auto* name : {"f", "f:1", "f:$LATEST", "123456789012:function:f", "arn:aws:lambda:us-east-1:123456789012:function:f:live"})
    EXPECT_EQ(checked("lambda", "GetFunction", cat(R"({"FunctionName":")", name, "\"}")), "") << name;
  EXPECT_EQ(checked("iam", "CreateRole",
                    R"({"RoleName":"r","AssumeRolePolicyDocument":"{}\n\u00e9","Path":"/a/b/","Tags":[{"Key":"\u00e4 b","Value":""}]})"),
            "");
  EXPECT_EQ(checked("sts", "AssumeRole", R"({"RoleArn":"arn:aws:iam::123456789012:role/r","RoleSessionName":"a@b"})"), "");
}

TEST(Validator, RequiredMembers) {
  EXPECT_EQ(checked("sts", "AssumeRole", R"({"RoleArn":"arn:aws:iam::123456789012:role/r"})"),
            one("null", "roleSessionName", "Member must not be null"));
  EXPECT_EQ(checked("iam", "TagRole", R"({"RoleName":"r","Tags":[{"Key":"k"}]})"),
            one("null", "tags.1.member.value", "Member must not be null"));
  EXPECT_EQ(create_function(R"(,"Layers":[null])").substr(0, 60), "1 validation error detected: Value '[null]' at 'layers' fail");
  EXPECT_EQ(checked("iam", "TagRole", R"({"RoleName":"r","Tags":[null]})"), one("null", "tags.1.member", "Member must not be null"));
}

TEST(Validator, Bounds) {
  EXPECT_EQ(create_function(R"(,"MemorySize":64)"), one("'64'", "memorySize", "Member must have value greater than or equal to 128"));
  EXPECT_EQ(create_function(R"(,"MemorySize":40000)"), one("'40000'", "memorySize", "Member must have value less than or equal to 32768"));
  EXPECT_EQ(checked("sts", "GetSessionToken", R"({"DurationSeconds":899})"),
            one("'899'", "durationSeconds", "Member must have value greater than or equal to 900"));
  EXPECT_EQ(create_function(cat(R"(,"Description":")", std::string(256, 'd'), "\"")), "");
  EXPECT_EQ(create_function(cat(R"(,"Description":")", std::string(257, 'd'), "\"")),
            one(cat("'", std::string(257, 'd'), "'"), "description", "Member must have length less than or equal to 256"));
}

TEST(Validator, LengthsCountAsJavaDoes) {
  std::string two_each;
  for (int i = 0; i < 128; ++i) two_each += "\xF0\x9F\x98\x80";
  EXPECT_EQ(create_function(cat(R"(,"Description":")", two_each, "\"")), "");
  EXPECT_NE(create_function(cat(R"(,"Description":")", two_each, "\xC3\xA9\"")), "");
}

TEST(Validator, MapsTellKeysAndValues) {
  EXPECT_EQ(checked("lambda", "CreateAlias",
                    R"({"FunctionName":"f","FunctionVersion":"1","Name":"n","RoutingConfig":{"AdditionalVersionWeights":{"2":2}}})"),
            one("'{2=2.0}'", "routingConfig.additionalVersionWeights",
                "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than "
                "or equal to 0.0, "
                "Member must not be null]"));
  EXPECT_EQ(checked("lambda", "CreateAlias",
                    R"({"FunctionName":"f","FunctionVersion":"1","Name":"n","RoutingConfig":{"AdditionalVersionWeights":{"x":0.5}}})"),
            one("'{x=0.5}'", "routingConfig.additionalVersionWeights",
                "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater "
                "than or equal to 1, "
                "Member must satisfy regular expression pattern: [0-9]+, Member must not be null]"));
}

TEST(Validator, SecretsAreNotShown) {
  const auto message = create_function(R"(,"Environment":{"Variables":{"1":"secret"}})");
  EXPECT_EQ(message,
            "1 validation error detected: Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: "
            "[Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+, Member must not be null]");
}

TEST(Validator, ASecretAloneIsNotShownEither) {
  EXPECT_EQ(checked("sts", "AssumeRoleWithWebIdentity",
                    R"({"RoleArn":"arn:aws:iam::123456789012:role/r","RoleSessionName":"session","WebIdentityToken":"abc"})"),
            "1 validation error detected: Value at 'webIdentityToken' failed to satisfy constraint: Member must have length greater than "
            "or equal to 4");
}

TEST(Validator, IamHasAnotherTextForNames) {
  EXPECT_EQ(checked("iam", "GetRole", R"({"RoleName":"a/b"})"),
            "The specified value for roleName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-");
  EXPECT_EQ(checked("iam", "GetRole", cat(R"({"RoleName":"/)", std::string(64, 'a'), "\"}")),
            one(cat("'/", std::string(64, 'a'), "'"), "roleName", "Member must have length less than or equal to 64"));
}

TEST(Validator, LogsRefuseWithInvalidParameter) {
  EXPECT_EQ(find_model("logs")->validation_code, "InvalidParameterException");
  EXPECT_EQ(checked("logs", "CreateLogGroup", R"({"logGroupName":"a b"})"),
            one("'a b'", "logGroupName", R"(Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+)"));
}

TEST(Validator, AnAnswerTellsAHundredViolationsAtMost) {
  std::string tags = R"({"RoleName":"r","Tags":[{})";
  for (int i = 0; i < 1000; ++i) tags += ",{}";
  EXPECT_TRUE(checked("iam", "TagRole", tags + "]}").starts_with("100 validation errors detected: "));
}

/// A pattern that does not compile matches nothing, and every value would be refused.
TEST(Validator, EveryPatternOfTheModelsCompilesAndMatchesSomething) {
  std::size_t count = 0;
  for (const auto* model : all_models())
    for (const auto& shape : model->shapes) {
      if (!shape.pattern) continue;
      ++count;
      EXPECT_TRUE(pattern_compiles(*shape.pattern)) << model->name << " " << shape.name << " " << shape.pattern->match;
    }
  EXPECT_GT(count, 80u);
}

TEST(Validator, PatternsWithLookAroundAreTakenApart) {
  const auto alias = [](std::string_view name) { return checked("iam", "CreateAccountAlias", cat(R"({"AccountAlias":")", name, "\"}")); };
  EXPECT_EQ(alias("my-alias-1"), "");
  EXPECT_NE(alias("my--alias"), "");
  EXPECT_NE(alias("-alias"), "");
  const auto bucket = [](std::string_view name) {
    return checked("lambda", "UpdateFunctionCode", cat(R"({"FunctionName":"f","S3Bucket":")", name, R"(","S3Key":"k"})"));
  };
  EXPECT_EQ(bucket("my.bucket"), "");
  EXPECT_NE(bucket("bucket."), "");
}

}  // namespace
}  // namespace sallyport::wire
