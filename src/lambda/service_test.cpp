#include "lambda/testing.hpp"

#include "base/encoding.hpp"
#include "crypto/digest.hpp"

namespace sallyport::lambda {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::ServiceTest;
using ::testing::StartsWith;

constexpr std::string_view echo = R"(
import json, os
count = 0
def handler(event, context):
    global count
    count += 1
    if event.get("fail"): raise ValueError("asked to")
    if event.get("print"): print(event["print"])
    if event.get("env"): return os.environ.get(event["env"])
    if event.get("client"): return context.client_context.custom if context.client_context else None
    if event.get("mark"): open(event["mark"], "a").write(context.aws_request_id + "\n"); raise ValueError("again")
    return {"event": event, "arn": context.invoked_function_arn, "id": context.aws_request_id, "count": count}
)";

json::Value with(json::Value value, std::string_view name, json::Value member) {
  value.set(name, std::move(member));
  return value;
}

TEST_F(ServiceTest, AFunctionIsMadeReadAndDeleted) {
  const auto package = zip("app.py", echo);
  auto input = with(function("f", package), "Tags", json::Object{{"team", "x"}});
  input = with(std::move(input), "Environment", json::Object{{"Variables", json::Object{{"A", "b"}}}});
  const auto made = good("CreateFunction", input);
  EXPECT_EQ(text(made, "FunctionArn"), arn("f"));
  EXPECT_EQ(text(made, "State"), "Pending");
  EXPECT_EQ(text(made, "StateReasonCode"), "Creating");
  EXPECT_EQ(text(made, "LastUpdateStatus"), "(absent)");
  EXPECT_EQ(text(made, "LastModified"), "2026-11-23T10:00:00.000+0000");
  EXPECT_EQ(text(made, "CodeSize"), std::to_string(package.size()));
  EXPECT_EQ(text(made, "CodeSha256"), to_base64(crypto::sha256(package)));
  EXPECT_EQ(text(made, "Version"), "$LATEST");
  EXPECT_EQ(text(made, "TracingConfig"), R"({"Mode":"PassThrough"})");
  EXPECT_EQ(text(made, "EphemeralStorage"), R"({"Size":512})");
  EXPECT_EQ(text(made, "SnapStart"), R"({"ApplyOn":"None","OptimizationStatus":"Off"})");
  EXPECT_EQ(text(made, "LoggingConfig"), R"({"LogFormat":"Text","LogGroup":"/aws/lambda/f"})");
  EXPECT_EQ(text(made, "Environment"), R"({"Variables":{"A":"b"}})");
  EXPECT_EQ(text(made, "Tags"), "(absent)");
  EXPECT_EQ(text(made, "RevisionId").size(), 36u);

  const auto read = good("GetFunction", named("f"));
  EXPECT_EQ(text(*read.find("Configuration"), "State"), "Active");
  EXPECT_EQ(text(*read.find("Configuration"), "LastUpdateStatus"), "Successful");
  EXPECT_EQ(text(read, "Tags"), R"({"team":"x"})");
  const auto location = text(*read.find("Code"), "Location");
  ASSERT_THAT(location, StartsWith("http://127.0.0.1:4566/_aws/lambda/packages/"));
  const auto target = location.substr(std::string_view("http://127.0.0.1:4566").size());
  const auto file = links->open(target, now);
  ASSERT_TRUE(file);
  EXPECT_EQ(fs::file_size(*file), package.size());
  EXPECT_FALSE(links->open(target, now + std::chrono::minutes(11))) << "a link ends";
  auto forged = target;
  forged.back() = forged.back() == '0' ? '1' : '0';
  EXPECT_FALSE(links->open(forged, now));

  EXPECT_EQ(bad("CreateFunction", input), "409 ResourceConflictException: Function already exist: f");
  EXPECT_EQ(text(good("DeleteFunction", named("f")), "StatusCode"), "204");
  EXPECT_EQ(bad("GetFunction", named("f")), cat("404 ResourceNotFoundException: Function not found: ", arn("f")));
  EXPECT_EQ(bad("DeleteFunction", named("f")), cat("404 ResourceNotFoundException: Function not found: ", arn("f")));
  EXPECT_EQ(bad("GetFunctionConfiguration", with(named("f"), "Qualifier", "1221")),
            cat("404 ResourceNotFoundException: Function not found: ", arn("f:1221")));
}

TEST_F(ServiceTest, WhatIsNotHonouredIsRefused) {
  const auto package = zip("app.py", echo);
  const auto refused = [&](std::string_view name, json::Value value) {
    return bad("CreateFunction", with(function("f", package), name, std::move(value)));
  };
  EXPECT_THAT(refused("TracingConfig", json::Object{{"Mode", "Active"}}),
              StartsWith("501 UnsupportedOperationException: CreateFunction: TracingConfig"));
  EXPECT_THAT(refused("SnapStart", json::Object{{"ApplyOn", "PublishedVersions"}}), HasSubstr("use provisioned concurrency"));
  for (const auto runtime : {"python3.9", "nodejs22.x", "provided.al2023"}) {
    auto snapped = with(function("f", package), "SnapStart", json::Object{{"ApplyOn", "PublishedVersions"}});
    EXPECT_EQ(bad("CreateFunction", with(std::move(snapped), "Runtime", runtime)),
              cat("400 InvalidParameterValueException: ", runtime, " is not supported for SnapStart enabled functions."));
  }
  EXPECT_THAT(refused("CodeSigningConfigArn", "arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-0123456789abcdef0"),
              HasSubstr("CodeSigningConfigArn is not supported"));
  EXPECT_THAT(refused("VpcConfig", json::Object{{"SubnetIds", json::Array{"subnet-1"}}}), HasSubstr("VpcConfig.SubnetIds"));
  EXPECT_THAT(refused("KMSKeyArn", "arn:aws:kms:us-east-1:123456789012:key/x"), StartsWith("501 "));
  EXPECT_THAT(refused("DeadLetterConfig", json::Object{{"TargetArn", "arn:aws:sqs:us-east-1:123456789012:q"}}), StartsWith("501 "));
  EXPECT_THAT(refused("PackageType", "Image"), StartsWith("501 "));
  EXPECT_THAT(refused("DurableConfig", json::Object{{"ExecutionTimeout", 5}}), HasSubstr("DurableConfig"));
  EXPECT_THAT(refused("Code", json::Object{{"S3Bucket", "b"}, {"S3Key", "k"}}), HasSubstr("Code.S3Bucket"));
  EXPECT_THAT(refused("Code", json::Object{{"ImageUri", "i"}}), HasSubstr("Code.ImageUri"));
  EXPECT_EQ(refused("Code", json::Object{{"ZipFile", ""}}), "400 InvalidParameterValueException: Uploaded file must be a non-empty zip");
  EXPECT_EQ(refused("Code", json::Object{{"ZipFile", "no zip"}}),
            "400 InvalidParameterValueException: Could not unzip uploaded file. Please check your file, then try to upload again.");
  EXPECT_EQ(refused("Code", json::Object{{"ZipFile", cat("PK\x05\x06", std::string(18, '\0'))}}),
            "400 InvalidParameterValueException: Uploaded file must be a non-empty zip");
  EXPECT_EQ(refused("Code", json::Object{{"ZipFile", std::string((50u << 20) + 1, 'x')}}),
            "413 RequestEntityTooLargeException: Zipped size must be smaller than 52428800 bytes");
  EXPECT_EQ(refused("Role", "arn:aws:iam::123456789012:role/unknown"),
            "400 InvalidParameterValueException: The role defined for the function cannot be assumed by Lambda.");
  EXPECT_THAT(refused("Role", "r1"), StartsWith("400 ValidationException: 1 validation error detected: Value 'r1' at 'role'"));
  EXPECT_THAT(refused("Runtime", "PYTHON3.9"), AllOf(StartsWith("400 InvalidParameterValueException: Value PYTHON3.9 at 'runtime' failed"),
                                                     ::testing::EndsWith("provided.al2, java8.al2] or be a valid ARN")));
  for (const auto runtime : {"java8", "python3.7"})
    EXPECT_EQ(refused("Runtime", runtime),
              cat("400 InvalidParameterValueException: The runtime parameter of ", runtime,
                  " is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while "
                  "creating or updating functions."));
  EXPECT_THAT(refused("Architectures", json::Array{"X86_64"}), StartsWith("400 ValidationException"));
  EXPECT_THAT(refused("FunctionName", std::string(65, 'a')), HasSubstr("Member must have length less than or equal to 64"));
  EXPECT_TRUE(store.records.empty()) << "a refused call leaves nothing";

  // What asks for nothing is taken.
  auto empty = with(function("f", package), "VpcConfig", json::Object{{"SubnetIds", json::Array{}}, {"SecurityGroupIds", json::Array{}}});
  empty = with(std::move(empty), "Layers", json::Array{});
  empty = with(std::move(empty), "SnapStart", json::Object{{"ApplyOn", "None"}});
  empty = with(std::move(empty), "KMSKeyArn", "");
  good("CreateFunction", with(std::move(empty), "DeadLetterConfig", json::Object{}));
}

TEST_F(ServiceTest, AnUpdateIsRefusedForWhatTheFunctionIs) {
  const json::Value image = json::Object{{"FunctionName", "f"}, {"ImageUri", "i"}};
  EXPECT_EQ(bad("UpdateFunctionCode", image), cat("404 ResourceNotFoundException: Function not found: ", arn("f")));
  good("CreateFunction", with(function("f", zip("app.py", echo)), "Runtime", "python3.9"));
  EXPECT_EQ(bad("UpdateFunctionCode", image),
            "400 InvalidParameterValueException: Please don't provide ImageUri when updating a function with packageType Zip.");
  const auto snapped = with(named("f"), "SnapStart", json::Object{{"ApplyOn", "PublishedVersions"}});
  EXPECT_EQ(bad("UpdateFunctionConfiguration", snapped),
            "400 InvalidParameterValueException: python3.9 is not supported for SnapStart enabled functions.");
  EXPECT_THAT(bad("UpdateFunctionConfiguration", with(snapped, "Runtime", "python3.12")), StartsWith("501 "));
}

TEST_F(ServiceTest, NamesComeInAllForms) {
  good("CreateFunction", function("123456789012:function:f", zip("app.py", echo)));
  for (const std::string_view name : {"f", "function:f", "123456789012:function:f", "arn:aws:lambda:us-east-1:123456789012:function:f"})
    EXPECT_EQ(text(good("GetFunctionConfiguration", named(name)), "FunctionArn"), arn("f")) << name;
  EXPECT_EQ(text(good("GetFunctionConfiguration", named("f:$LATEST")), "FunctionArn"), arn("f:$LATEST"));
  EXPECT_EQ(bad("GetFunctionConfiguration", with(named("f:1"), "Qualifier", "2")),
            "400 InvalidParameterValueException: The derived qualifier from the function name does not match the specified qualifier.");
  EXPECT_EQ(bad("GetFunctionConfiguration", named("arn:aws:lambda:eu-west-1:123456789012:function:f")),
            "404 ResourceNotFoundException: Functions from 'eu-west-1' are not reachable in this region ('us-east-1')");
  EXPECT_THAT(bad("GetFunctionConfiguration", named("invalid:function:name")), StartsWith("400 ValidationException"));
}

TEST_F(ServiceTest, UpdatesChangeTheRevisionAndTheCode) {
  const auto now_is = [&] { return text(good("GetFunctionConfiguration", named("f")), "RevisionId"); };
  const auto made = good("CreateFunction", function("f", zip("app.py", echo)));
  const auto revision = now_is();
  EXPECT_NE(text(made, "RevisionId"), revision) << "becoming Active is another revision";
  EXPECT_EQ(now_is(), revision) << "and the last one";
  const auto second = zip("app.py", "def handler(e, c): return 2");
  EXPECT_EQ(bad("UpdateFunctionCode", json::Object{{"FunctionName", "f"}, {"ZipFile", second}, {"RevisionId", "old"}}),
            cat("412 PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the "
                "GetFunction/GetAlias API "
                "to retrieve the latest Revision Id"));
  const auto commits = store.commits;
  const auto dry = good("UpdateFunctionCode", json::Object{{"FunctionName", "f"}, {"ZipFile", second}, {"DryRun", true}});
  EXPECT_EQ(text(dry, "CodeSha256"), to_base64(crypto::sha256(second)));
  EXPECT_EQ(store.commits, commits) << "a dry run changes nothing";
  EXPECT_EQ(now_is(), revision);
  EXPECT_THAT(bad("UpdateFunctionCode", json::Object{{"FunctionName", "f"}, {"ZipFile", second}, {"RevisionId", text(made, "RevisionId")}}),
              StartsWith("412 "))
      << "what CreateFunction answered is no longer the revision";

  const auto updated = good("UpdateFunctionCode", json::Object{{"FunctionName", "f"}, {"ZipFile", second}, {"RevisionId", revision}});
  EXPECT_EQ(text(updated, "LastUpdateStatus"), "InProgress");
  EXPECT_NE(text(updated, "RevisionId"), revision);
  EXPECT_NE(text(updated, "RevisionId"), now_is()) << "the update is through";
  const auto published =
      good("UpdateFunctionCode",
           json::Object{{"FunctionName", "f"}, {"ZipFile", zip("app.py", "def handler(e, c): return 3")}, {"Publish", true}});
  EXPECT_EQ(text(published, "State"), "Pending");
  EXPECT_EQ(text(published, "StateReasonCode"), "Creating");
  EXPECT_EQ(published.find("LastUpdateStatus"), nullptr) << "a version is new: there was nothing to update";
  EXPECT_EQ(text(published, "RevisionId"), text(good("GetFunctionConfiguration", with(named("f"), "Qualifier", "1")), "RevisionId"))
      << "a version keeps its own";
  EXPECT_NE(text(published, "RevisionId"), now_is());
  const auto configured =
      good("UpdateFunctionConfiguration",
           json::Object{
               {"FunctionName", "f"}, {"MemorySize", 256}, {"Timeout", 10}, {"Environment", json::Object{{"Variables", json::Object{}}}}});
  EXPECT_NE(text(configured, "RevisionId"), now_is());
  EXPECT_EQ(text(configured, "MemorySize"), "256");
  EXPECT_EQ(text(configured, "Timeout"), "10");
  EXPECT_EQ(text(configured, "Environment"), R"({"Variables":{}})") << "set, though empty";
  EXPECT_EQ(text(configured, "Handler"), "app.handler") << "what is not sent stays";
  EXPECT_EQ(bad("UpdateFunctionConfiguration", json::Object{{"FunctionName", "f"}, {"Timeout", 901}}),
            "400 ValidationException: 1 validation error detected: Value '901' at 'timeout' failed to satisfy constraint: Member must have "
            "value less "
            "than or equal to 900");
}

TEST_F(ServiceTest, VersionsAreNumberedAndListed) {
  const auto made = good("CreateFunction", with(function("f", zip("app.py", echo)), "Publish", true));
  EXPECT_EQ(text(made, "Version"), "1");
  EXPECT_EQ(text(made, "FunctionArn"), arn("f"));
  const auto again = good("PublishVersion", named("f"));
  EXPECT_EQ(text(again, "Version"), "1") << "unchanged";
  EXPECT_NE(text(again, "RevisionId"), text(made, "RevisionId")) << "the version settled since";
  EXPECT_THAT(bad("PublishVersion", with(named("f"), "CodeSha256", "x")), StartsWith("400 InvalidParameterValueException: CodeSHA256 (x)"));
  for (int memory = 129; memory < 139; ++memory) {
    good("UpdateFunctionConfiguration", json::Object{{"FunctionName", "f"}, {"MemorySize", memory}});
    good("PublishVersion", with(named("f"), "Description", std::to_string(memory)));
  }
  const auto list = good("ListVersionsByFunction", with(named("f"), "MaxItems", 10000));
  std::string versions;
  for (const auto& version : *list.find("Versions")->array()) versions += text(version, "Version") + " ";
  EXPECT_EQ(versions, "$LATEST 1 2 3 4 5 6 7 8 9 10 11 ");
  const auto page = good("ListVersionsByFunction", with(named("f"), "MaxItems", 3));
  EXPECT_EQ(page.find("Versions")->array()->size(), 3u);
  const auto rest = good("ListVersionsByFunction", with(with(named("f"), "MaxItems", 50), "Marker", text(page, "NextMarker")));
  EXPECT_EQ(text(rest.find("Versions")->array()->front(), "Version"), "3");
  EXPECT_EQ(text(good("GetFunctionConfiguration", with(named(arn("f:2")), "Qualifier", "2")), "Description"), "129");

  good("DeleteFunction", with(named("f"), "Qualifier", "11"));
  good("UpdateFunctionConfiguration", json::Object{{"FunctionName", "f"}, {"MemorySize", 300}});
  EXPECT_EQ(text(good("PublishVersion", named("f")), "Version"), "12") << "numbers are never given twice";
  EXPECT_THAT(bad("DeleteFunction", with(named("f"), "Qualifier", "$LATEST")), StartsWith("400 InvalidParameterValueException"));
}

TEST_F(ServiceTest, FunctionsAreListedPageByPage) {
  const auto package = zip("app.py", echo);
  for (int i = 0; i < 5; ++i) good("CreateFunction", with(function(cat("f", i), package), "Publish", i == 1));
  std::string names;
  json::Value input{json::Object{{"MaxItems", 2}}};
  for (;;) {
    const auto page = good("ListFunctions", input);
    EXPECT_LE(page.find("Functions")->array()->size(), 2u);
    for (const auto& each : *page.find("Functions")->array()) names += text(each, "FunctionName") + " ";
    if (!page.find("NextMarker")) break;
    input.set("Marker", text(page, "NextMarker"));
  }
  EXPECT_EQ(names, "f0 f1 f2 f3 f4 ");
  const auto all = good("ListFunctions", json::Object{{"FunctionVersion", "ALL"}});
  std::string arns;
  for (const auto& each : *all.find("Functions")->array()) arns += text(each, "FunctionArn").substr(arn("").size()) + " ";
  EXPECT_EQ(arns, "f0:$LATEST f1:$LATEST f1:1 f2:$LATEST f3:$LATEST f4:$LATEST ");
  EXPECT_EQ(bad("ListFunctions", json::Object{{"FunctionVersion", "invalid"}}),
            "400 ValidationException: 1 validation error detected: Value 'invalid' at 'functionVersion' failed to satisfy constraint: "
            "Member must "
            "satisfy enum value set: [ALL]");
  EXPECT_EQ(text(good("GetAccountSettings", json::Object{}), "AccountUsage"),
            cat(R"({"TotalCodeSize":)", 6 * package.size(), R"(,"FunctionCount":5})"));
}

TEST_F(ServiceTest, AliasesPointAtVersions) {
  good("CreateFunction", with(function("f", zip("app.py", echo)), "Publish", true));
  const auto made =
      good("CreateAlias",
           json::Object{
               {"FunctionName", "f"}, {"Name", "live"}, {"FunctionVersion", "1"}, {"Description", ""}, {"RoutingConfig", json::Object{}}});
  EXPECT_EQ(text(made, "AliasArn"), arn("f:live"));
  EXPECT_EQ(text(good("GetAlias", json::Object{{"FunctionName", "f"}, {"Name", "live"}}), "RevisionId"), text(made, "RevisionId"));
  EXPECT_EQ(text(good("GetFunctionConfiguration", with(named("f"), "Qualifier", "live")), "FunctionArn"), arn("f:live"));
  EXPECT_EQ(bad("GetAlias", json::Object{{"FunctionName", "f"}, {"Name", "no"}}),
            cat("404 ResourceNotFoundException: Cannot find alias arn: ", arn("f:no")));
  EXPECT_EQ(bad("GetAlias", json::Object{{"FunctionName", "doesnotexist"}, {"Name", "noalias"}}),
            cat("404 ResourceNotFoundException: Cannot find alias arn: ", arn("doesnotexist:noalias")));
  EXPECT_THAT(bad("CreateAlias", json::Object{{"FunctionName", "f"},
                                              {"Name", "x"},
                                              {"FunctionVersion", "1"},
                                              {"RoutingConfig", json::Object{{"AdditionalVersionWeights", json::Object{{"2", 1}}}}}}),
              StartsWith("404 ResourceNotFoundException"))
      << "there is no version 2";
  EXPECT_THAT(bad("DeleteFunction", with(named("f"), "Qualifier", "1")), StartsWith("409 ResourceConflictException"));
  EXPECT_EQ(bad("UpdateAlias", json::Object{{"FunctionName", "f"}, {"Name", "live"}, {"FunctionVersion", "7"}}),
            cat("404 ResourceNotFoundException: Function not found: ", arn("f:7")));
  EXPECT_THAT(bad("UpdateAlias", json::Object{{"FunctionName", "f"}, {"Name", "live"}, {"RevisionId", "old"}}), StartsWith("412 "));
  EXPECT_EQ(
      text(good("UpdateAlias", json::Object{{"FunctionName", "f"}, {"Name", "live"}, {"FunctionVersion", "$LATEST"}}), "FunctionVersion"),
      "$LATEST");
  EXPECT_EQ(good("ListAliases", named("f")).find("Aliases")->array()->size(), 1u);
  EXPECT_EQ(good("ListAliases", with(named("f"), "FunctionVersion", "1")).find("Aliases")->array()->size(), 0u);
  good("DeleteAlias", json::Object{{"FunctionName", "f"}, {"Name", "live"}});
  good("DeleteAlias", json::Object{{"FunctionName", "f"}, {"Name", "live"}});
  EXPECT_THAT(bad("GetAlias", json::Object{{"FunctionName", "f"}, {"Name", "live"}}), StartsWith("404 "));
}

TEST_F(ServiceTest, StatementsHaveAwsShapes) {
  good("CreateFunction", with(function("f", zip("app.py", echo)), "Publish", true));
  const auto add = [&](json::Value more) {
    json::Value input{json::Object{{"FunctionName", "f"}, {"StatementId", "s"}, {"Action", "lambda:InvokeFunction"}}};
    for (auto& [name, value] : *more.object()) input.set(name, value);
    auto answer = call("AddPermission", input);
    if (!answer) return cat(answer.error().code, ": ", answer.error().message);
    call("RemovePermission",
         json::Object{{"FunctionName", "f"}, {"StatementId", text(json::parse(text(*answer, "Statement")).value(), "Sid")}});
    return text(*answer, "Statement");
  };
  const auto begin = R"({"Sid":"s","Effect":"Allow","Principal":)";
  const auto rest = cat(R"(,"Action":"lambda:InvokeFunction","Resource":")", arn("f"), "\"");
  EXPECT_EQ(add(json::Object{{"Principal", "apigateway.amazonaws.com"}, {"SourceArn", "arn:aws:execute-api:us-east-1:123456789012:a/*/*"}}),
            cat(begin, R"({"Service":"apigateway.amazonaws.com"})", rest,
                R"(,"Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:execute-api:us-east-1:123456789012:a/*/*"}}})"));
  EXPECT_EQ(add(json::Object{{"Principal", "*"}}), cat(begin, R"("*")", rest, "}"));
  EXPECT_EQ(add(json::Object{{"Principal", "210987654321"}}), cat(begin, R"({"AWS":"arn:aws:iam::210987654321:root"})", rest, "}"));
  EXPECT_EQ(add(json::Object{{"Principal", "arn:aws:iam::210987654321:user/u"}}),
            cat(begin, R"({"AWS":"arn:aws:iam::210987654321:user/u"})", rest, "}"));
  EXPECT_EQ(add(json::Object{{"Principal", "*"}, {"InvokedViaFunctionUrl", true}}),
            cat(begin, R"("*")", rest, R"(,"Condition":{"Bool":{"lambda:InvokedViaFunctionUrl":"true"}}})"));
  EXPECT_EQ(
      add(json::Object{
          {"Principal", "*"}, {"SourceAccount", "123456789012"}, {"EventSourceToken", "t"}, {"PrincipalOrgID", "o-0123456789"}}),
      cat(begin, R"("*")", rest,
          R"(,"Condition":{"StringEquals":{"AWS:SourceAccount":"123456789012","lambda:EventSourceToken":"t","aws:PrincipalOrgID":"o-0123456789"}}})"));
  EXPECT_THAT(add(json::Object{{"Action", "lambda:InvokeFunctionUrl"}, {"Principal", "*"}, {"FunctionUrlAuthType", "NONE"}}),
              HasSubstr(R"("Condition":{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}})"));
  EXPECT_THAT(add(json::Object{{"Principal", "nobody"}}),
              StartsWith("InvalidParameterValueException: The provided principal was invalid."));
  EXPECT_EQ(add(json::Object{{"Principal", "invalid.nonaws.com"}}),
            "InvalidParameterValueException: The provided principal was invalid. Please check the principal and try again.");
  EXPECT_THAT(add(json::Object{{"Principal", "alexa-appkit.amazon.com"}}),
              StartsWith(cat(begin, R"({"Service":"alexa-appkit.amazon.com"})")));
  EXPECT_THAT(add(json::Object{{"Principal", "*"}, {"FunctionUrlAuthType", "NONE"}}),
              StartsWith("InvalidParameterValueException: FunctionUrlAuthType"));
  EXPECT_THAT(add(json::Object{{"Principal", "*"}, {"Qualifier", "$LATEST"}}),
              HasSubstr("We currently do not support adding policies for $LATEST."));
}

TEST_F(ServiceTest, PoliciesComeAndGo) {
  good("CreateFunction", with(function("f", zip("app.py", echo)), "Publish", true));
  EXPECT_EQ(bad("GetPolicy", named("f")), "404 ResourceNotFoundException: The resource you requested does not exist.");
  const json::Value one{json::Object{{"FunctionName", "f"}, {"StatementId", "a"}, {"Action", "lambda:InvokeFunction"}, {"Principal", "*"}}};
  good("AddPermission", one);
  EXPECT_EQ(bad("AddPermission", one),
            "409 ResourceConflictException: The statement id (a) provided already exists. Please provide a new statement id, or remove the "
            "existing "
            "statement.");
  const auto policy = good("GetPolicy", named("f"));
  const auto document = json::parse(text(policy, "Policy"));
  EXPECT_EQ(text(*document, "Version"), "2012-10-17");
  EXPECT_EQ(text(*document, "Id"), "default");
  EXPECT_EQ(text(policy, "RevisionId"), text(good("GetFunctionConfiguration", named("f")), "RevisionId"));
  EXPECT_THAT(bad("AddPermission", with(with(one, "StatementId", "b"), "RevisionId", "old")), StartsWith("412 "));
  good("AddPermission", with(with(one, "StatementId", "b"), "RevisionId", text(policy, "RevisionId")));
  EXPECT_THAT(bad("GetPolicy", with(named("f"), "Qualifier", "1")), StartsWith("404 ")) << "each version has its own";
  EXPECT_EQ(bad("RemovePermission", json::Object{{"FunctionName", "f"}, {"StatementId", "c"}}),
            "404 ResourceNotFoundException: Statement c is not found in resource policy.");
  good("RemovePermission", json::Object{{"FunctionName", "f"}, {"StatementId", "a"}});
  EXPECT_THAT(text(good("GetPolicy", named("f")), "Policy"), HasSubstr("\"Sid\":\"b\""));
  good("RemovePermission", json::Object{{"FunctionName", "f"}, {"StatementId", "b"}});
  EXPECT_THAT(bad("GetPolicy", named("f")), StartsWith("404 ")) << "the last statement went";
}

TEST_F(ServiceTest, PermissionsOfWhatIsNotThere) {
  good("CreateFunction", with(function("f", zip("app.py", echo)), "Publish", true));
  const auto add = [&](std::string_view name) {
    return bad(
        "AddPermission",
        json::Object{{"FunctionName", name}, {"StatementId", "a"}, {"Action", "lambda:InvokeFunction"}, {"Principal", "s3.amazonaws.com"}});
  };
  const auto remove = [&](std::string_view name) {
    return bad("RemovePermission", json::Object{{"FunctionName", name}, {"StatementId", "a"}});
  };
  const auto no_alias = cat("404 ResourceNotFoundException: Cannot find alias arn: ", arn("f:alias-doesnotexist"));
  const auto no_version = cat("404 ResourceNotFoundException: Function not found: ", arn("f:42"));
  EXPECT_EQ(add("f:alias-doesnotexist"), no_alias);
  EXPECT_EQ(add("f:42"), no_version);
  EXPECT_EQ(bad("AddPermission", json::Object{{"FunctionName", "f"},
                                              {"Qualifier", "valid-with-$-but-doesnotexist"},
                                              {"StatementId", "a"},
                                              {"Action", "lambda:InvokeFunction"},
                                              {"Principal", "s3.amazonaws.com"}}),
            cat("404 ResourceNotFoundException: Function not found: ", arn("f:valid-with-$-but-doesnotexist")));
  EXPECT_EQ(add("doesnotexist"), cat("404 ResourceNotFoundException: Function not found: ", arn("doesnotexist")));
  EXPECT_EQ(remove("f:alias-doesnotexist"), no_alias);
  EXPECT_EQ(remove("f:42"), no_version);
  EXPECT_EQ(remove("f"), "404 ResourceNotFoundException: No policy is associated with the given resource.");
  EXPECT_EQ(remove("f:1"), "404 ResourceNotFoundException: No policy is associated with the given resource.");
  EXPECT_EQ(remove("doesnotexist"), cat("404 ResourceNotFoundException: No policy found for: ", arn("doesnotexist")));
  EXPECT_EQ(bad("GetPolicy", with(named("f"), "Qualifier", "77")),
            "404 ResourceNotFoundException: The resource you requested does not exist.");
  EXPECT_EQ(bad("GetPolicy", named("doesnotexist")), cat("404 ResourceNotFoundException: Function not found: ", arn("doesnotexist")));
}

TEST_F(ServiceTest, PagesGoOnAfterWhatHasNoQualifier) {
  good("CreateFunction", with(function("f", zip("app.py", echo)), "Publish", true));
  good("CreateAlias", json::Object{{"FunctionName", "f"}, {"Name", "live"}, {"FunctionVersion", "1"}});
  for (const std::string_view name : {"f", "f:live"}) {
    good("CreateFunctionUrlConfig", json::Object{{"FunctionName", name}, {"AuthType", "NONE"}});
    good("PutFunctionEventInvokeConfig", with(named(name), "MaximumRetryAttempts", 0));
  }
  const auto paged = [&](std::string_view operation, std::string_view list) {
    std::vector<std::string> arns;
    auto input = with(named("f"), "MaxItems", 1);
    for (int pages = 0; pages < 5; ++pages) {
      const auto page = good(std::string(operation), input);
      for (const auto& each : *page.find(list)->array()) arns.push_back(text(each, "FunctionArn"));
      const auto* marker = page.find("NextMarker");
      if (!marker || marker->string()->empty()) return arns;  // as the paginators of SDKs do
      input.set("Marker", *marker);
    }
    ADD_FAILURE() << operation << " does not end";
    return arns;
  };
  EXPECT_THAT(paged("ListFunctionUrlConfigs", "FunctionUrlConfigs"), ::testing::ElementsAre(arn("f"), arn("f:live")));
  EXPECT_THAT(paged("ListFunctionEventInvokeConfigs", "FunctionEventInvokeConfigs"),
              ::testing::ElementsAre(arn("f:$LATEST"), arn("f:live")));
}

TEST_F(ServiceTest, UrlsLiveAsOnAws) {
  good("CreateFunction", with(function("f", zip("app.py", echo)), "Publish", true));
  good("CreateAlias", json::Object{{"FunctionName", "f"}, {"Name", "live"}, {"FunctionVersion", "1"}});
  const json::Value cors{json::Object{
      {"AllowCredentials", false}, {"AllowMethods", json::Array{"POST", "GET"}}, {"AllowOrigins", json::Array{"*"}}, {"MaxAge", 60}}};
  const auto made = good("CreateFunctionUrlConfig", json::Object{{"FunctionName", "f"}, {"AuthType", "AWS_IAM"}, {"Cors", cors}});
  const auto url = text(made, "FunctionUrl");
  EXPECT_THAT(url, ::testing::MatchesRegex("http://[a-z0-9]{32}\\.lambda-url\\.us-east-1\\.localhost:4566/"));
  EXPECT_EQ(text(made, "Cors"), json::to_text(cors)) << "as it was set";
  EXPECT_EQ(text(made, "InvokeMode"), "(absent)");
  EXPECT_EQ(text(good("GetFunctionUrlConfig", named("f")), "InvokeMode"), "BUFFERED");
  EXPECT_EQ(bad("CreateFunctionUrlConfig", json::Object{{"FunctionName", "f"}, {"AuthType", "NONE"}}),
            cat("409 ResourceConflictException: Failed to create function url config for [functionArn = ", arn("f"),
                "]. Error message:  FunctionUrlConfig exists for this Lambda function"));
  const auto target = urls->find(url.substr(7, 32));
  ASSERT_TRUE(target);
  EXPECT_EQ(target->function_arn(), arn("f"));
  EXPECT_EQ(target->config->auth_type, UrlAuthType::aws_iam);
  EXPECT_EQ(target->config->cors->max_age_s, 60);

  const auto updated = good("UpdateFunctionUrlConfig", json::Object{{"FunctionName", "f"}, {"AuthType", "NONE"}});
  EXPECT_EQ(text(updated, "FunctionUrl"), url);
  EXPECT_EQ(text(updated, "Cors"), json::to_text(cors));
  EXPECT_NE(text(updated, "LastModifiedTime"), text(updated, "CreationTime"));
  EXPECT_EQ(urls->find(url.substr(7, 32))->config->auth_type, UrlAuthType::none);

  const auto aliased = good("CreateFunctionUrlConfig",
                            json::Object{{"FunctionName", "f"}, {"Qualifier", "live"}, {"AuthType", "NONE"}, {"InvokeMode", "BUFFERED"}});
  EXPECT_EQ(text(aliased, "FunctionArn"), arn("f:live"));
  EXPECT_EQ(text(aliased, "InvokeMode"), "BUFFERED");
  EXPECT_EQ(good("ListFunctionUrlConfigs", named("f")).find("FunctionUrlConfigs")->array()->size(), 2u);
  good("UpdateFunctionUrlConfig", json::Object{{"FunctionName", "f"}, {"Qualifier", "live"}, {"InvokeMode", "RESPONSE_STREAM"}});
  good("UpdateFunctionUrlConfig", json::Object{{"FunctionName", "f"}, {"Qualifier", "live"}, {"AuthType", "NONE"}});
  EXPECT_EQ(text(good("GetFunctionUrlConfig", json::Object{{"FunctionName", "f"}, {"Qualifier", "live"}}), "InvokeMode"), "RESPONSE_STREAM")
      << "what is not said stays";
  EXPECT_EQ(urls->find(text(aliased, "FunctionUrl").substr(7, 32))->config->invoke_mode, UrlInvokeMode::response_stream);
  for (const std::string_view qualifier : {"1", "$LATEST"})
    EXPECT_EQ(
        bad("CreateFunctionUrlConfig", json::Object{{"FunctionName", "f"}, {"Qualifier", qualifier}, {"AuthType", "NONE"}}),
        cat("400 ValidationException: 1 validation error detected: Value '", qualifier,
            "' at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression pattern: ((?!^\\d+$)^[0-9a-zA-Z-_]+$)"));
  EXPECT_EQ(bad("CreateFunctionUrlConfig", json::Object{{"FunctionName", "f"}, {"Qualifier", "no"}, {"AuthType", "NONE"}}),
            "404 ResourceNotFoundException: Function does not exist");
  EXPECT_EQ(bad("CreateFunctionUrlConfig", json::Object{{"FunctionName", "g"}, {"AuthType", "NONE"}}),
            "404 ResourceNotFoundException: Function does not exist");
  EXPECT_EQ(bad("GetFunctionUrlConfig", named("g")), "404 ResourceNotFoundException: The resource you requested does not exist.");
  EXPECT_EQ(bad("UpdateFunctionUrlConfig", json::Object{{"FunctionName", "g"}, {"AuthType", "NONE"}}),
            "404 ResourceNotFoundException: Function does not exist");
  good("DeleteFunctionUrlConfig", named("f"));
  EXPECT_FALSE(urls->find(url.substr(7, 32)));
  EXPECT_EQ(bad("DeleteFunctionUrlConfig", named("f")), "404 ResourceNotFoundException: The resource you requested does not exist.");
  good("DeleteFunction", named("f"));
  EXPECT_FALSE(urls->find(text(aliased, "FunctionUrl").substr(7, 32)));
}

TEST_F(ServiceTest, TagsAreOnFunctions) {
  good("CreateFunction", with(function("f", zip("app.py", echo)), "Publish", true));
  good("TagResource", json::Object{{"Resource", arn("f")}, {"Tags", json::Object{{"a", "1"}, {"b", "2"}}}});
  EXPECT_EQ(text(good("ListTags", json::Object{{"Resource", arn("f")}}), "Tags"), R"({"a":"1","b":"2"})");
  good("UntagResource", json::Object{{"Resource", arn("f")}, {"TagKeys", json::Array{"a", "no"}}});
  EXPECT_EQ(text(good("ListTags", json::Object{{"Resource", arn("f")}}), "Tags"), R"({"b":"2"})");
  EXPECT_EQ(bad("TagResource", json::Object{{"Resource", arn("f:1")}, {"Tags", json::Object{{"a", "1"}}}}),
            "400 InvalidParameterValueException: Tags on function aliases and versions are not supported. Please specify a function ARN.");
  EXPECT_EQ(bad("TagResource", json::Object{{"Resource", arn("f")}, {"Tags", json::Object{}}}),
            "400 InvalidParameterValueException: An error occurred and the request cannot be processed.");
  EXPECT_EQ(bad("ListTags", json::Object{{"Resource", arn("g")}}), cat("404 ResourceNotFoundException: Function not found: ", arn("g")));
  json::Object many;
  for (int i = 0; i < 51; ++i) many.emplace_back(cat("k", i), "v");
  EXPECT_THAT(bad("TagResource", json::Object{{"Resource", arn("f")}, {"Tags", many}}), StartsWith("400 "));
}

TEST_F(ServiceTest, WhatCallsNeed) {
  good("CreateFunction", with(with(function("f", zip("app.py", echo)), "Publish", true), "Tags", json::Object{{"team", "x"}}));
  const auto create = access("CreateFunction", with(function("g", ""), "Tags", json::Object{{"team", "y"}}));
  ASSERT_EQ(create.size(), 3u);
  EXPECT_EQ(create[2].action, "lambda:TagResource") << "tags decide what others may do";
  EXPECT_EQ(create[2].resource, arn("g"));
  EXPECT_EQ(create[0].action, "lambda:CreateFunction");
  EXPECT_EQ(create[0].resource, arn("g"));
  EXPECT_THAT(create[0].context, ::testing::Contains(::testing::Pair("aws:RequestTag/team", std::vector<std::string>{"y"})));
  EXPECT_EQ(create[1].action, "iam:PassRole");
  EXPECT_EQ(create[1].resource, "arn:aws:iam::123456789012:role/r");
  EXPECT_THAT(create[1].context,
              ::testing::Contains(::testing::Pair("iam:PassedToService", std::vector<std::string>{"lambda.amazonaws.com"})));

  good("AddPermission",
       json::Object{
           {"FunctionName", "f"}, {"Qualifier", "1"}, {"StatementId", "a"}, {"Action", "lambda:InvokeFunction"}, {"Principal", "*"}});
  const auto plain = access("Invoke", named("f"));
  ASSERT_EQ(plain.size(), 1u);
  EXPECT_EQ(plain[0].action, "lambda:InvokeFunction");
  EXPECT_EQ(plain[0].resource, arn("f"));
  EXPECT_FALSE(plain[0].resource_policy);
  EXPECT_THAT(plain[0].context, ::testing::Contains(::testing::Pair("aws:ResourceTag/team", std::vector<std::string>{"x"})));
  EXPECT_EQ(access("Invoke", with(named("f"), "Qualifier", "$LATEST"))[0].resource, arn("f"));
  const auto versioned = access("Invoke", with(named("f"), "Qualifier", "1"));
  EXPECT_EQ(versioned[0].resource, arn("f:1"));
  EXPECT_TRUE(versioned[0].resource_policy);
  const auto foreign = access("Invoke", named("arn:aws:lambda:us-east-1:210987654321:function:f"));
  EXPECT_EQ(foreign[0].resource_account_id, "210987654321");
  EXPECT_FALSE(foreign[0].resource_policy) << "another account's function of the same name";
  EXPECT_EQ(access("ListFunctions", json::Object{})[0].resource, "*");
  const auto url = access("CreateFunctionUrlConfig", json::Object{{"FunctionName", "f"}, {"AuthType", "NONE"}});
  EXPECT_THAT(url[0].context, ::testing::Contains(::testing::Pair("lambda:FunctionUrlAuthType", std::vector<std::string>{"NONE"})));
  good("CreateFunctionUrlConfig", json::Object{{"FunctionName", "f"}, {"AuthType", "AWS_IAM"}});
  EXPECT_THAT(access("DeleteFunctionUrlConfig", named("f"))[0].context,
              ::testing::Contains(::testing::Pair("lambda:FunctionUrlAuthType", std::vector<std::string>{"AWS_IAM"})));
  EXPECT_THAT(access("AddPermission", json::Object{{"FunctionName", "f"}, {"Principal", "*"}, {"FunctionUrlAuthType", "NONE"}})[0].context,
              ::testing::IsSupersetOf({::testing::Pair("lambda:Principal", std::vector<std::string>{"*"}),
                                       ::testing::Pair("lambda:FunctionUrlAuthType", std::vector<std::string>{"NONE"})}));
  EXPECT_EQ(access("UpdateFunctionConfiguration", named("f")).size(), 1u);
  EXPECT_EQ(access("UpdateFunctionConfiguration", with(named("f"), "Role", "arn:aws:iam::123456789012:role/q"))[1].action, "iam:PassRole");
}

TEST_F(ServiceTest, EverythingSurvivesARestart) {
  auto input = with(function("f", zip("app.py", echo)), "Publish", true);
  input = with(std::move(input), "Environment", json::Object{{"Variables", json::Object{{"PASSWORD", "opensesame"}}}});
  good("CreateFunction", with(std::move(input), "Tags", json::Object{{"team", "x"}}));
  good("CreateAlias", json::Object{{"FunctionName", "f"}, {"Name", "live"}, {"FunctionVersion", "1"}, {"Description", "d"}});
  good("AddPermission", json::Object{{"FunctionName", "f"},
                                     {"Qualifier", "live"},
                                     {"StatementId", "a"},
                                     {"Action", "lambda:InvokeFunction"},
                                     {"Principal", "apigateway.amazonaws.com"},
                                     {"SourceArn", "arn:aws:execute-api:us-east-1:123456789012:a/*"}});
  good("CreateFunctionUrlConfig",
       json::Object{{"FunctionName", "f"}, {"Qualifier", "live"}, {"AuthType", "NONE"}, {"Cors", json::Object{{"MaxAge", 5}}}});
  good("PutFunctionConcurrency", json::Object{{"FunctionName", "f"}, {"ReservedConcurrentExecutions", 3}});
  for (const auto& [key, value] : store.records) EXPECT_EQ(value.find("opensesame"), std::string::npos) << key.kind << " is not sealed";
  const auto look = [&] {
    std::string all;
    for (const std::string_view operation :
         {"GetFunctionConfiguration", "ListVersionsByFunction", "ListAliases", "ListFunctionUrlConfigs", "GetFunctionConcurrency"})
      all += json::to_text(good(std::string(operation), named("f"))) + "\n";
    all += json::to_text(good("GetPolicy", with(named("f"), "Qualifier", "live"))) + "\n";
    all += json::to_text(good("ListTags", json::Object{{"Resource", arn("f")}}));
    return all;
  };
  const auto before = look();
  stop();
  fs::rename(folder + "/code", folder + "/elsewhere");
  fs::rename(folder + "/elsewhere", folder + "/code");
  start();
  EXPECT_EQ(look(), before);
  const auto state = ledger->read(scope);
  EXPECT_TRUE(check_permission(*state, *state->functions.at("f"), "live",
                               {"apigateway.amazonaws.com", "arn:aws:execute-api:us-east-1:123456789012:a/x", "123456789012"}));
  EXPECT_FALSE(check_permission(*state, *state->functions.at("f"), "",
                                {"apigateway.amazonaws.com", "arn:aws:execute-api:us-east-1:123456789012:a/x", "123456789012"}));
  if (auto reason = missing("python3.12"); !reason.empty()) GTEST_SKIP() << reason;
  EXPECT_EQ(text(good("Invoke", with(named("f"), "Payload", R"({"env": "PASSWORD"})")), "Payload"), "\"opensesame\"");
}

TEST_F(ServiceTest, LayersAreKeptNumberedAndGivenOut) {
  const auto package = zip("python/lib.py", "x = 1");
  const json::Value input = json::Object{{"LayerName", "l"},
                                         {"Content", json::Object{{"ZipFile", package}}},
                                         {"Description", "d"},
                                         {"CompatibleRuntimes", json::Array{"python3.12"}}};
  const auto layer = "arn:aws:lambda:us-east-1:123456789012:layer:l";
  const auto first = good("PublishLayerVersion", input);
  EXPECT_EQ(text(first, "LayerVersionArn"), cat(layer, ":1"));
  EXPECT_EQ(text(first, "LayerArn"), layer);
  EXPECT_EQ(text(*first.find("Content"), "CodeSha256"), to_base64(crypto::sha256(package)));
  EXPECT_EQ(text(good("PublishLayerVersion", input), "Version"), "2");
  stop();
  start();
  EXPECT_EQ(text(good("GetLayerVersion", json::Object{{"LayerName", "l"}, {"VersionNumber", 1}}), "Description"), "d");
  EXPECT_EQ(text(good("GetLayerVersionByArn", json::Object{{"Arn", cat(layer, ":2")}}), "Version"), "2");
  EXPECT_EQ(good("ListLayerVersions", json::Object{{"LayerName", "l"}}).find("LayerVersions")->array()->size(), 2u);
  EXPECT_EQ(good("ListLayers", json::Object{{"CompatibleRuntime", "nodejs22.x"}}).find("Layers")->array()->size(), 0u);
  const auto listed = good("ListLayers", json::Object{});
  EXPECT_EQ(text(*listed.find("Layers")->array()->front().find("LatestMatchingVersion"), "Version"), "2");
  good("DeleteLayerVersion", json::Object{{"LayerName", "l"}, {"VersionNumber", 2}});
  EXPECT_THAT(bad("GetLayerVersion", json::Object{{"LayerName", "l"}, {"VersionNumber", 2}}), StartsWith("404 ResourceNotFoundException"));
  for (const int number : {0, -1})
    for (const auto operation : {"GetLayerVersion", "DeleteLayerVersion"})
      EXPECT_EQ(bad(operation, json::Object{{"LayerName", "l"}, {"VersionNumber", number}}),
                "400 InvalidParameterValueException: Layer Version Cannot be less than 1");
  for (const auto operation : {"ListLayers", "ListLayerVersions"})
    EXPECT_THAT(bad(operation, json::Object{{"LayerName", "l"}, {"CompatibleRuntime", "cobol"}}),
                StartsWith("400 ValidationException: 1 validation error detected: Value 'cobol' at 'compatibleRuntime' failed to satisfy "
                           "constraint: Member must satisfy enum value set: [nodejs, "));
  EXPECT_EQ(text(good("PublishLayerVersion", input), "Version"), "3") << "numbers are not given twice";
  EXPECT_THAT(
      bad("PublishLayerVersion", with(input, "CompatibleRuntimes", json::Array{"python3.12", "cobol"})),
      StartsWith("400 ValidationException: 1 validation error detected: Value '[python3.12, cobol]' at 'compatibleRuntimes' failed to "
                 "satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [nodejs, "));
  EXPECT_THAT(
      bad("PublishLayerVersion",
          with(with(input, "CompatibleRuntimes", json::Array{"cobol"}), "CompatibleArchitectures", json::Array{"vax"})),
      AllOf(StartsWith("400 ValidationException: 2 validation errors detected: Value '[cobol]' at 'compatibleRuntimes'"),
            HasSubstr("Member must not be null]; Value '[vax]' at 'compatibleArchitectures' failed to satisfy constraint: Member must "
                      "satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]")));
  EXPECT_THAT(bad("PublishLayerVersion", json::Object{{"LayerName", "l"}, {"Content", json::Object{{"S3Bucket", "b"}}}}),
              HasSubstr("Content.S3Bucket"));
}

TEST_F(ServiceTest, HowEventsAreTriedIsConfigured) {
  good("CreateFunction", with(function("f", zip("app.py", echo)), "Publish", true));
  good("CreateAlias", json::Object{{"FunctionName", "f"}, {"Name", "live"}, {"FunctionVersion", "1"}});
  const auto none = [&](std::string_view name) {
    return cat("404 ResourceNotFoundException: The function ", arn(name), " doesn't have an EventInvokeConfig");
  };
  EXPECT_EQ(bad("GetFunctionEventInvokeConfig", named("f")), none("f:$LATEST"));
  EXPECT_EQ(bad("GetFunctionEventInvokeConfig", named("nobody")), none("nobody:$LATEST"));
  EXPECT_EQ(bad("DeleteFunctionEventInvokeConfig", named("nobody")), none("nobody:$LATEST"));
  EXPECT_EQ(bad("UpdateFunctionEventInvokeConfig", with(named("f:live"), "MaximumRetryAttempts", 0)), none("f:live"));
  for (const auto operation : {"PutFunctionEventInvokeConfig", "UpdateFunctionEventInvokeConfig"}) {
    EXPECT_EQ(bad(operation, named("f")),
              "400 InvalidParameterValueException: You must specify at least one of error handling or destination setting.");
    EXPECT_EQ(bad(operation, with(named("nobody"), "MaximumRetryAttempts", 0)),
              "404 ResourceNotFoundException: The function doesn't exist.");
    EXPECT_EQ(bad(operation, with(named("f:nothing"), "MaximumRetryAttempts", 0)),
              "404 ResourceNotFoundException: The function doesn't exist.");
    EXPECT_EQ(bad(operation, with(with(named("f:live"), "Qualifier", "1"), "MaximumRetryAttempts", 0)),
              "400 InvalidParameterValueException: The derived qualifier from the function name does not match the specified qualifier.");
  }
  EXPECT_EQ(bad("ListFunctionEventInvokeConfigs", named("nobody")), "404 ResourceNotFoundException: The function doesn't exist.");
  const auto made = good("PutFunctionEventInvokeConfig", with(named("f"), "MaximumRetryAttempts", 0));
  EXPECT_EQ(text(made, "FunctionArn"), arn("f:$LATEST"));
  EXPECT_EQ(text(made, "MaximumRetryAttempts"), "0");
  EXPECT_EQ(text(made, "MaximumEventAgeInSeconds"), "(absent)");
  EXPECT_EQ(text(made, "DestinationConfig"), R"({"OnSuccess":{},"OnFailure":{}})");
  good("UpdateFunctionEventInvokeConfig", with(named("f"), "MaximumEventAgeInSeconds", 60));
  good("PutFunctionEventInvokeConfig", with(named("f:live"), "MaximumRetryAttempts", 1));
  good("PutFunctionEventInvokeConfig", with(with(named("f"), "Qualifier", "1"), "MaximumRetryAttempts", 1));
  stop();
  start();
  const auto read = good("GetFunctionEventInvokeConfig", named("f"));
  EXPECT_EQ(text(read, "MaximumRetryAttempts"), "0") << "an update keeps what it does not name";
  EXPECT_EQ(text(read, "MaximumEventAgeInSeconds"), "60");
  const auto listed = good("ListFunctionEventInvokeConfigs", named("f"));
  std::vector<std::string> arns;
  for (const auto& each : *listed.find("FunctionEventInvokeConfigs")->array()) arns.push_back(text(each, "FunctionArn"));
  EXPECT_THAT(arns, ::testing::ElementsAre(arn("f:$LATEST"), arn("f:1"), arn("f:live")));
  good("DeleteFunctionEventInvokeConfig", named("f"));
  EXPECT_EQ(bad("DeleteFunctionEventInvokeConfig", named("f")), none("f:$LATEST"));
}

TEST_F(ServiceTest, DestinationsAreOtherFunctions) {
  good("CreateFunction", function("f", zip("app.py", echo)));
  good("CreateFunction", function("told", zip("app.py", echo)));
  const auto put = [&](std::string_view side, std::string destination) {
    return with(named("f"), "DestinationConfig", json::Object{{std::string(side), json::Object{{"Destination", std::move(destination)}}}});
  };
  const auto refused = [&](std::string destination) {
    return bad("PutFunctionEventInvokeConfig", put("OnSuccess", std::move(destination)));
  };
  EXPECT_EQ(refused(arn("doesnotexist")),
            cat("400 InvalidParameterValueException: The destination ARN ", arn("doesnotexist"), " is invalid."));
  EXPECT_EQ(refused(arn("told:nothing")),
            cat("400 InvalidParameterValueException: The destination ARN ", arn("told:nothing"), " is invalid."));
  EXPECT_EQ(refused(arn("f:$LATEST")), "400 InvalidParameterValueException: You can't specify the function as a destination for itself.");
  EXPECT_EQ(refused("arn:aws:iam:us-east-1:123456789012:function:f"),
            "400 InvalidParameterValueException: The provided destination config DestinationConfig(onSuccess=OnSuccess(destination="
            "arn:aws:iam:us-east-1:123456789012:function:f), onFailure=null) is invalid.");
  for (const auto other : {"arn:aws:sqs:us-east-1:123456789012:q", "arn:aws:sns:us-east-1:123456789012:t",
                           "arn:aws:events:us-east-1:123456789012:event-bus/b", "arn:aws:s3:::b", "kafka://topic"})
    EXPECT_THAT(bad("PutFunctionEventInvokeConfig", put("OnFailure", other)),
                StartsWith("501 UnsupportedOperationException: DestinationConfig.OnFailure.Destination "));
  EXPECT_THAT(refused("arn:aws:lambda:us-east-1:210987654321:function:told"), StartsWith("501 UnsupportedOperationException"));

  const auto made = good("PutFunctionEventInvokeConfig", put("OnSuccess", arn("told")));
  EXPECT_EQ(text(made, "DestinationConfig"), cat(R"({"OnSuccess":{"Destination":")", arn("told"), R"("},"OnFailure":{}})"));
  good("UpdateFunctionEventInvokeConfig", with(named("f"), "MaximumRetryAttempts", 1));
  stop();
  start();
  EXPECT_EQ(text(good("GetFunctionEventInvokeConfig", named("f")), "DestinationConfig"),
            cat(R"({"OnSuccess":{"Destination":")", arn("told"), R"("},"OnFailure":{}})"));
  // Empty ones ask for nothing, and are something asked all the same.
  const auto emptied = good("PutFunctionEventInvokeConfig", put("OnSuccess", ""));
  EXPECT_EQ(text(emptied, "DestinationConfig"), R"({"OnSuccess":{},"OnFailure":{}})");
  EXPECT_EQ(text(emptied, "MaximumRetryAttempts"), "(absent)") << "a put replaces everything";
}

TEST_F(ServiceTest, AWriteStoresWhatItChanged) {
  const auto package = zip("app.py", echo);
  for (int i = 0; i < 20; ++i) good("CreateFunction", with(function(cat("f", i), package), "Publish", true));
  store.changes = 0;
  good("UpdateFunctionConfiguration", json::Object{{"FunctionName", "f7"}, {"MemorySize", 256}});
  EXPECT_EQ(store.changes, 1) << "neither other functions nor versions that stayed";
  good("GetFunction", named("f7"));
  EXPECT_EQ(store.changes, 1);
  store.changes = 0;
  good("DeleteFunction", named("f7"));
  EXPECT_EQ(store.changes, 2) << "the function and its version";
}

TEST_F(ServiceTest, SweepingLeavesWhatIsInUse) {
  good("CreateFunction", with(function("f", zip("app.py", "one = 1")), "Publish", true));
  good("UpdateFunctionCode", json::Object{{"FunctionName", "f"}, {"ZipFile", zip("app.py", "two = 2")}});
  good("CreateFunction", function("g", zip("app.py", "three = 3")));
  good("DeleteFunction", named("g"));
  const auto count = [&] { return std::distance(fs::directory_iterator(folder + "/code"), fs::directory_iterator()); };
  EXPECT_EQ(count(), 6);
  code->sweep(code_in_use(ledger->all()));
  EXPECT_EQ(count(), 4) << "two packages, each with its folder";
}

// ---- running

class InvokeTest : public ServiceTest {
 public:
  void SetUp() override {
    ServiceTest::SetUp();
    if (auto reason = missing("python3.12"); !reason.empty()) GTEST_SKIP() << reason;
    good("CreateFunction", with(function("f", zip("app.py", echo)), "Publish", true));
  }
  json::Value invoke(std::string payload, json::Value more = json::Object{}) {
    auto input = with(named("f"), "Payload", std::move(payload));
    for (auto& [name, value] : *more.object()) input.set(name, value);
    return good("Invoke", std::move(input));
  }
};

TEST_F(InvokeTest, AnswersWithTheResult) {
  const auto answer = invoke("");
  EXPECT_EQ(text(answer, "StatusCode"), "200");
  EXPECT_EQ(text(answer, "ExecutedVersion"), "$LATEST");
  EXPECT_EQ(text(answer, "FunctionError"), "(absent)");
  EXPECT_EQ(text(answer, "LogResult"), "(absent)");
  const auto result = json::parse(text(answer, "Payload"));
  EXPECT_EQ(text(*result, "event"), "{}") << "no payload is an empty event";
  EXPECT_EQ(text(*result, "arn"), arn("f"));
  EXPECT_EQ(text(*result, "id"), last_id) << "the call's id is the function's";
  EXPECT_EQ(text(invoke("{}", json::Object{{"Qualifier", "1"}}), "ExecutedVersion"), "1");
  EXPECT_EQ(text(invoke(R"({"fail": true})"), "FunctionError"), "Unhandled");
  EXPECT_EQ(bad("Invoke", named("g")), cat("404 ResourceNotFoundException: Function not found: ", arn("g:$LATEST")));
  EXPECT_EQ(bad("Invoke", with(named("f"), "Qualifier", "$latest")),
            cat("404 ResourceNotFoundException: Function not found: ", arn("f:$latest")));
}

TEST_F(InvokeTest, EveryAnswerSaysHowItIsTraced) {
  for (const auto type : {"RequestResponse", "Event", "DryRun"}) {
    invoke("{}", json::Object{{"InvocationType", type}});
    ASSERT_EQ(last_headers.size(), 2u) << type;
    EXPECT_EQ(last_headers[0], http::Header("x-amzn-Remapped-Content-Length", "0"));
    EXPECT_EQ(last_headers[1].first, "X-Amzn-Trace-Id");
    EXPECT_THAT(last_headers[1].second, ::testing::MatchesRegex("root=1-[0-9a-f]{8}-[0-9a-f]{24};sampled=0"));
  }
}

TEST_F(InvokeTest, TheLogsEndComesAlong) {
  const auto answer = invoke(R"({"print": "said this"})", json::Object{{"LogType", "Tail"}});
  const auto log = from_base64(text(answer, "LogResult"));
  ASSERT_TRUE(log);
  EXPECT_THAT(*log, StartsWith(cat("START RequestId: ", last_id, " Version: $LATEST\nsaid this\nEND RequestId: ", last_id, "\nREPORT ")));
  const auto long_answer = invoke(cat(R"({"print": ")", std::string(9000, 'x'), "\"}"), json::Object{{"LogType", "Tail"}});
  EXPECT_EQ(from_base64(text(long_answer, "LogResult"))->size(), 4096u);
  EXPECT_THAT(lines.lines, ::testing::Contains(StartsWith(cat(arn("f"), " stream START RequestId"))));
}

TEST_F(InvokeTest, BadCallsAreRefusedAndRunNothing) {
  const auto count = lines.lines.size();
  EXPECT_EQ(
      bad("Invoke", with(named("f"), "Payload", "\x99\xeb,j\x07\xa1zYh")),
      "400 InvalidRequestContentException: Could not parse request body into json: Could not parse payload into json: Unexpected character "
      "((CTRL-CHAR, code 153)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')\n at "
      "[Source: "
      "REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 1]");
  EXPECT_EQ(bad("Invoke", with(named("f"), "Payload", cat("\"", std::string(6'291'456, 'x'), "\""))),
            "413 RequestEntityTooLargeException: Request must be smaller than 6291456 bytes for the InvokeFunction operation");
  EXPECT_EQ(bad("Invoke", with(with(named("f"), "Payload", cat("\"", std::string(1'048'576, 'x'), "\"")), "InvocationType", "Event")),
            "413 RequestEntityTooLargeException: Request must be smaller than 1048576 bytes for the InvokeFunction operation");
  EXPECT_THAT(bad("Invoke", with(named("f"), "ClientContext", "bm9uc2Vuc2U=")),
              StartsWith("400 InvalidRequestContentException: Client context"));
  EXPECT_THAT(bad("Invoke", with(named("f"), "TenantId", "t")), StartsWith("501 "));
  EXPECT_EQ(text(good("Invoke", with(named("f"), "InvocationType", "DryRun")), "StatusCode"), "204");
  EXPECT_EQ(bad("Invoke", with(named("g"), "InvocationType", "Event")),
            cat("404 ResourceNotFoundException: Function not found: ", arn("g:$LATEST")));
  EXPECT_EQ(lines.lines.size(), count) << "no function ran";
}

TEST_F(InvokeTest, TheClientContextArrives) {
  const auto context = to_base64("{\"custom\": {\"k\":\n \"v\"}}");
  EXPECT_EQ(text(invoke(R"({"client": true})", json::Object{{"ClientContext", context}}), "Payload"), R"({"k": "v"})");
  EXPECT_EQ(text(invoke(R"({"client": true})"), "Payload"), "null");
}

TEST_F(InvokeTest, CodeActsAsItsRole) {
  EXPECT_EQ(text(invoke(R"({"env": "AWS_ACCESS_KEY_ID"})"), "Payload"), "\"ASIAROLE\"");
  EXPECT_EQ(text(invoke(R"({"env": "AWS_SECRET_ACCESS_KEY"})"), "Payload"), "\"role-secret\"");
  EXPECT_EQ(text(invoke(R"({"env": "AWS_SESSION_TOKEN"})"), "Payload"), "\"token of f\"");
  EXPECT_EQ(text(invoke(R"({"env": "AWS_REGION"})"), "Payload"), "\"us-east-1\"");
  EXPECT_EQ(text(invoke(R"({"env": "AWS_ENDPOINT_URL"})"), "Payload"), "\"http://127.0.0.1:4566\"");
  good("UpdateFunctionConfiguration",
       json::Object{{"FunctionName", "f"}, {"Environment", json::Object{{"Variables", json::Object{{"AWS_ENDPOINT_URL", "http://own"}}}}}});
  EXPECT_EQ(text(invoke(R"({"env": "AWS_ENDPOINT_URL"})"), "Payload"), "\"http://own\"");
}

TEST_F(InvokeTest, EnvironmentsStayWarmOverOtherChanges) {
  const auto count = [&] { return text(*json::parse(text(invoke("{}"), "Payload")), "count"); };
  EXPECT_EQ(count(), "1");
  good("CreateFunction", function("other", zip("app.py", echo)));
  good("TagResource", json::Object{{"Resource", arn("f")}, {"Tags", json::Object{{"a", "1"}}}});
  good("AddPermission", json::Object{{"FunctionName", "f"}, {"StatementId", "a"}, {"Action", "lambda:InvokeFunction"}, {"Principal", "*"}});
  EXPECT_EQ(count(), "2") << "nothing about the function itself has changed";
  good("UpdateFunctionConfiguration", json::Object{{"FunctionName", "f"}, {"MemorySize", 256}});
  EXPECT_EQ(count(), "1") << "a changed function starts anew";
}

TEST_F(InvokeTest, ScopesDoNotTouchEachOther) {
  const auto count = [&] { return text(*json::parse(text(invoke("{}"), "Payload")), "count"); };
  EXPECT_EQ(count(), "1");
  scope.region = "eu-west-1";
  EXPECT_EQ(bad("Invoke", named("f")),
            "404 ResourceNotFoundException: Function not found: arn:aws:lambda:eu-west-1:123456789012:function:f:$LATEST");
  good("CreateFunction", function("f", zip("app.py", "def handler(e, c): return 'elsewhere'")));
  EXPECT_EQ(text(invoke("{}"), "Payload"), "\"elsewhere\"");
  scope.region = "us-east-1";
  EXPECT_EQ(count(), "2") << "the other region's function left this one warm";
}

TEST_F(InvokeTest, ReservedConcurrencyIsEnforced) {
  good("PutFunctionConcurrency", json::Object{{"FunctionName", "f"}, {"ReservedConcurrentExecutions", 0}});
  auto refused = call("Invoke", named("f"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status, 429);
  EXPECT_EQ(refused.error().message, "Rate Exceeded.");
  EXPECT_EQ(refused.error().reason, "ReservedFunctionConcurrentInvocationLimitExceeded");
  EXPECT_EQ(text(good("GetFunctionConcurrency", named("f")), "ReservedConcurrentExecutions"), "0");
  EXPECT_EQ(text(good("GetFunction", named("f")), "Concurrency"), R"({"ReservedConcurrentExecutions":0})");
  good("DeleteFunctionConcurrency", named("f"));
  EXPECT_EQ(text(good("GetFunctionConcurrency", named("f")), "ReservedConcurrentExecutions"), "(absent)");
  invoke("{}");
  EXPECT_EQ(bad("PutFunctionConcurrency", json::Object{{"FunctionName", "f"}, {"ReservedConcurrentExecutions", 901}}),
            "400 InvalidParameterValueException: Specified ReservedConcurrentExecutions for function decreases account's "
            "UnreservedConcurrentExecution "
            "below its minimum value of [100].");
  EXPECT_TRUE(call("PutFunctionConcurrency", json::Object{{"FunctionName", "f"}, {"ReservedConcurrentExecutions", 1001}}).error().untyped);
  EXPECT_THAT(bad("PutFunctionConcurrency", json::Object{{"FunctionName", "f:1"}, {"ReservedConcurrentExecutions", 1}}),
              StartsWith("400 InvalidParameterValueException: This operation is permitted on Lambda functions only."));
  EXPECT_THAT(bad("PutFunctionConcurrency", json::Object{{"FunctionName", arn("f:$LATEST")}, {"ReservedConcurrentExecutions", 0}}),
              StartsWith("400 InvalidParameterValueException: This operation is permitted on Lambda functions only."));
  EXPECT_EQ(bad("PutFunctionConcurrency", json::Object{{"FunctionName", "g"}, {"ReservedConcurrentExecutions", 1}}),
            cat("404 ResourceNotFoundException: Function not found: ", arn("g:$LATEST")));

  // One at a time: of two that come together one is refused.
  good("PutFunctionConcurrency", json::Object{{"FunctionName", "f"}, {"ReservedConcurrentExecutions", 1}});
  int ran = 0, throttled = 0;
  const auto one = [&]() -> Task<void> {
    control::Call made{*loop, "Invoke", make_uuid(random),           scope, std::make_shared<const aws::Caller>(), now,
                       "",    "",       wire::Parameters(named("f"))};
    auto answer = co_await attempt(service->find("Invoke")->run_streamed(made));
    ++(answer ? ran : throttled);
    if (ran + throttled == 2) loop->stop();
  };
  loop->scope().spawn(one());
  loop->scope().spawn(one());
  loop->run();
  EXPECT_EQ(ran, 1);
  EXPECT_EQ(throttled, 1);
  invoke("{}");
}

TEST_F(InvokeTest, AnEventIsTriedThreeTimesUnderOneId) {
  const auto mark = folder + "/mark";
  EXPECT_EQ(text(invoke(cat(R"({"mark": ")", mark, "\"}"), json::Object{{"InvocationType", "Event"}}), "StatusCode"), "202");
  const auto id = last_id;
  const auto wait = [&]() -> Task<void> {
    while (events->size() > 0) co_await io::sleep_for(*loop, std::chrono::milliseconds(5));
    loop->stop();
  };
  loop->scope().spawn(wait());
  loop->run();
  std::ifstream in(mark);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), cat(id, "\n", id, "\n", id, "\n"));
}

TEST_F(InvokeTest, AnEventsEndIsToldToItsDestination) {
  const auto mark = folder + "/mark";
  good("CreateFunction",
       function("told", zip("app.py", cat("def handler(event, context):\n    open('", mark, "', 'a').write(repr(event))\n"))));
  good("PutFunctionEventInvokeConfig",
       with(named("f"), "DestinationConfig", json::Object{{"OnSuccess", json::Object{{"Destination", arn("told")}}}}));
  EXPECT_EQ(text(invoke(R"({"a": 1})", json::Object{{"InvocationType", "Event"}}), "StatusCode"), "202");
  const auto wait = [&]() -> Task<void> {
    while (events->size() > 0) co_await io::sleep_for(*loop, std::chrono::milliseconds(5));
    loop->stop();
  };
  loop->scope().spawn(wait());
  loop->run();
  std::ifstream in(mark);
  const std::string record(std::istreambuf_iterator<char>(in), {});
  EXPECT_THAT(record, HasSubstr("'condition': 'Success'"));
  EXPECT_THAT(record, HasSubstr("'requestPayload': {'a': 1}"));
  EXPECT_THAT(guard.asked, ::testing::Contains(HasSubstr(cat("lambda:InvokeFunction ", arn("told")))));
}

TEST_F(InvokeTest, TheOldWayOfAskingForAnEvent) {
  EXPECT_EQ(text(good("InvokeAsync", with(named("f"), "InvokeArgs", "{}")), "Status"), "202");
  EXPECT_THAT(bad("InvokeAsync", with(named("f"), "InvokeArgs", "nonsense")), StartsWith("400 InvalidRequestContentException"));
  EXPECT_EQ(bad("InvokeAsync", with(named("f"), "InvokeArgs", cat("\"", std::string(262'144, 'x'), "\""))),
            "413 RequestEntityTooLargeException: Request must be smaller than 262144 bytes for the InvokeFunction operation");
  EXPECT_EQ(bad("InvokeAsync", with(named("g"), "InvokeArgs", "{}")),
            cat("404 ResourceNotFoundException: Function not found: ", arn("g:$LATEST")));
  EXPECT_EQ(access("InvokeAsync", with(named("f"), "InvokeArgs", "{}")).at(0).action, "lambda:InvokeAsync");
}

TEST_F(InvokeTest, AServiceNeedsTheFunctionsPolicy) {
  std::optional<Result<InvokeResponse, aws::ApiError>> answer;
  const auto run = [&](std::string service_name) -> Task<void> {
    InvokeRequest request;
    request.function_arn = arn("f");
    request.caller = {std::move(service_name), "arn:aws:execute-api:us-east-1:123456789012:a/x", "123456789012"};
    request.payload = "{}";
    answer.emplace(co_await attempt(invoker->invoke(*loop, std::move(request))));
    loop->stop();
  };
  const auto status = [&](std::string service_name) {
    loop->scope().spawn(run(std::move(service_name)));
    loop->run();
    return *answer ? 200 : answer->error().status;
  };
  EXPECT_EQ(status("apigateway.amazonaws.com"), 403);
  EXPECT_EQ(status(""), 403) << "nobody in particular may not either";
  good("AddPermission",
       json::Object{
           {"FunctionName", "f"}, {"StatementId", "a"}, {"Action", "lambda:InvokeFunction"}, {"Principal", "apigateway.amazonaws.com"}});
  EXPECT_EQ(status("apigateway.amazonaws.com"), 200);
  EXPECT_EQ(status("s3.amazonaws.com"), 403);
}

}  // namespace
}  // namespace sallyport::lambda
