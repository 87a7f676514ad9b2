#include <gtest/gtest.h>

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/text.hpp"
#include "lambda/operations.hpp"

namespace sallyport::lambda {
namespace {

namespace fs = std::filesystem;

class LambdaTest : public testing::Test {
 public:
  void SetUp() override {
    char name[] = "/tmp/lambda-test-XXXXXX";
    folder = mkdtemp(name);
    fs::create_directories(folder + "/code");
    std::ofstream(folder + "/code/app.py") << "x";
    store.emplace(folder + "/store");
    operations.emplace(state, *store);
  }
  void TearDown() override { fs::remove_all(folder); }
  CreateFunctionRequest function(std::string name) {
    CreateFunctionRequest request;
    request.function_name = std::move(name);
    request.runtime = "python3.12";
    request.handler = "app.handler";
    request.code = DirectoryCode{folder + "/code"};
    return request;
  }
  std::string refusal(CreateFunctionRequest request) {
    auto made = operations->create_function(std::move(request));
    return made ? "" : made.error().code;
  }
  /// Makes a zip with Python's zipfile, in which anything can be written.
  std::string zip(const std::string& script) {
    const auto path = folder + "/package.zip";
    std::ofstream(folder + "/make.py")
        << "import zipfile\nz = zipfile.ZipFile('" << path << "', 'w', zipfile.ZIP_DEFLATED)\n"
        << "def link(name, to):\n    i = zipfile.ZipInfo(name); i.create_system = 3; i.external_attr = 0o120777 << 16; z.writestr(i, to)\n"
        << "def mode(name, m):\n    i = zipfile.ZipInfo(name); i.create_system = 3; i.external_attr = m << 16; z.writestr(i, 'x')\n"
        << script << "\nz.close()\n";
    EXPECT_EQ(std::system(("python3 -W ignore " + folder + "/make.py").c_str()), 0);
    return path;
  }
  std::string unpack_error(const std::string& script) {
    auto stored = store->unpack(zip(script));
    EXPECT_TRUE(fs::is_empty(folder + "/store")) << "a refused package leaves nothing behind";
    return stored ? "" : stored.error().message;
  }

  std::string folder;
  State state;
  std::optional<CodeStore> store;
  std::optional<Operations> operations;
};

TEST_F(LambdaTest, CreatesAFunctionFromAFolderInPlace) {
  auto made = operations->create_function(function("f"));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->function_arn, "arn:aws:lambda:us-east-1:123456789012:function:f");
  EXPECT_EQ(made->code_directory, fs::canonical(folder + "/code"));
  const auto before = made->code_sha256;
  std::ofstream(folder + "/code/app.py") << "changed";
  EXPECT_NE(operations->create_function(function("g"))->code_sha256, before) << "a saved file changes the fingerprint";
}

TEST_F(LambdaTest, RefusesWhatAwsRefuses) {
  EXPECT_EQ(refusal(function("f")), "");
  EXPECT_EQ(refusal(function("f")), "ResourceConflictException");
  EXPECT_EQ(refusal(function("a b")), "ValidationException");
  const auto with = [&](auto change) {
    auto request = function("h");
    change(request);
    return refusal(request);
  };
  EXPECT_EQ(with([](auto& r) { r.runtime = "java21"; }), "InvalidParameterValueException");
  EXPECT_EQ(with([](auto& r) { r.handler = ""; }), "InvalidParameterValueException");
  EXPECT_EQ(with([](auto& r) { r.timeout_s = 0; }), "ValidationException");
  EXPECT_EQ(with([](auto& r) { r.timeout_s = 901; }), "ValidationException");
  EXPECT_EQ(with([](auto& r) { r.memory_mb = 127; }), "ValidationException");
  EXPECT_EQ(with([](auto& r) { r.memory_mb = 10241; }), "ValidationException");
  EXPECT_EQ(with([](auto& r) { r.environment = {{"AWS_REGION", "x"}}; }), "InvalidParameterValueException");
  EXPECT_EQ(with([](auto& r) { r.environment = {{"A-B", "x"}}; }), "ValidationException");
  EXPECT_EQ(with([](auto& r) { r.environment = {{"BIG", std::string(4094, 'x')}}; }), "InvalidParameterValueException");
  EXPECT_EQ(with([](auto& r) { r.code = DirectoryCode{"/nowhere"}; }), "InvalidParameterValueException");
}

TEST_F(LambdaTest, ReferencesComeInAllTheirForms) {
  const aws::Scope scope;
  const auto read = [&](std::string_view text) {
    auto reference = parse_function_reference(scope, text);
    return reference ? cat(reference->function_name, "/", reference->qualifier) : reference.error().code;
  };
  EXPECT_EQ(read("f"), "f/");
  EXPECT_EQ(read("f:live"), "f/live");
  EXPECT_EQ(read("123456789012:function:f"), "f/");
  EXPECT_EQ(read("arn:aws:lambda:us-east-1:123456789012:function:f"), "f/");
  EXPECT_EQ(read("arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST"), "f/$LATEST");
  EXPECT_EQ(read("arn:aws:lambda:eu-west-1:123456789012:function:f"), "ResourceNotFoundException");
  EXPECT_EQ(read("arn:aws:lambda:us-east-1:210987654321:function:f"), "ResourceNotFoundException");
  EXPECT_EQ(read("arn:aws:s3:::bucket"), "ValidationException");
  EXPECT_EQ(read("f:a:b"), "ValidationException");
  EXPECT_EQ(read("f/g"), "ValidationException");
}

TEST_F(LambdaTest, PermissionsAreEvaluatedWithTheirSource) {
  ASSERT_TRUE(operations->create_function(function("f")));
  const ServiceCaller gateway{"apigateway.amazonaws.com", "arn:aws:execute-api:us-east-1:123456789012:api/prod/GET/pets", "123456789012"};
  const auto allowed = [&](const ServiceCaller& caller, std::string_view qualifier = "") {
    return static_cast<bool>(check_permission(state, *state.functions["f"], qualifier, caller));
  };
  EXPECT_FALSE(allowed(gateway)) << "without a policy nobody may call";
  AddPermissionRequest request;
  request.function_name = "f";
  request.statement_id = "s1";
  request.action = "lambda:InvokeFunction";
  request.principal = "apigateway.amazonaws.com";
  request.source_arn = "arn:aws:execute-api:us-east-1:123456789012:api/*/GET/pets";
  ASSERT_TRUE(operations->add_permission(request));
  EXPECT_TRUE(allowed(gateway));
  EXPECT_TRUE(allowed(gateway, "$LATEST"));
  EXPECT_FALSE(allowed({"s3.amazonaws.com", gateway.source_arn, gateway.source_account}));
  EXPECT_FALSE(allowed({gateway.service, "arn:aws:execute-api:us-east-1:123456789012:api/prod/POST/pets", gateway.source_account}));
  EXPECT_FALSE(allowed({gateway.service, "arn:aws:execute-api:us-east-1:123456789012:api/authorizers/a1", gateway.source_account}));
  EXPECT_EQ(operations->add_permission(request).error().code, "ResourceConflictException");
}

TEST_F(LambdaTest, AGrantOnTheFunctionDoesNotCoverItsAlias) {
  ASSERT_TRUE(operations->create_function(function("f")));
  ASSERT_EQ(operations->publish_version({"f", ""})->version, "1");
  ASSERT_EQ(operations->publish_version({"f", ""})->version, "1") << "unchanged code publishes no new version";
  ASSERT_TRUE(operations->create_alias({"f", "live", "1", ""}));
  EXPECT_EQ(operations->create_alias({"f", "other", "7", ""}).error().code, "ResourceNotFoundException");
  EXPECT_EQ(operations->create_alias({"f", "12", "1", ""}).error().code, "ValidationException");
  AddPermissionRequest request{"f", "", "s1", "lambda:InvokeFunction", "apigateway.amazonaws.com", {}, {}};
  ASSERT_TRUE(operations->add_permission(request));
  const ServiceCaller gateway{"apigateway.amazonaws.com", "arn:aws:execute-api:us-east-1:123456789012:api/prod/GET/", "123456789012"};
  EXPECT_TRUE(check_permission(state, *state.functions["f"], "", gateway));
  EXPECT_FALSE(check_permission(state, *state.functions["f"], "live", gateway));
  request.qualifier = "live";
  ASSERT_TRUE(operations->add_permission(request));
  EXPECT_TRUE(check_permission(state, *state.functions["f"], "live", gateway));
  EXPECT_FALSE(check_permission(state, *state.functions["f"], "1", gateway));
  request.qualifier = "$LATEST";
  EXPECT_EQ(operations->add_permission(request).error().message, "We currently do not support adding policies for $LATEST.");
}

TEST_F(LambdaTest, UnpacksAPackage) {
  auto stored = store->unpack(
      zip("z.writestr('app.py', 'code')\nz.writestr('pkg/deep/x.txt', 'y')\nmode('run', 0o100755)\nlink('pkg/l', '../app.py')"));
  ASSERT_TRUE(stored) << stored.error().message;
  std::string text;
  std::ifstream(stored->directory + "/pkg/l") >> text;
  EXPECT_EQ(text, "code");
  EXPECT_TRUE(fs::status(stored->directory + "/run").permissions() != fs::status(stored->directory + "/app.py").permissions());
  EXPECT_EQ(store->unpack(folder + "/package.zip")->directory, stored->directory) << "the same package is the same folder";
}

TEST_F(LambdaTest, RefusesHostilePackages) {
  fs::create_directories(folder + "/store");
  EXPECT_NE(unpack_error("z.writestr('../evil', 'x')").find("leaves the folder"), std::string::npos);
  EXPECT_NE(unpack_error("z.writestr('a/../../evil', 'x')").find("leaves the folder"), std::string::npos);
  EXPECT_NE(unpack_error("z.writestr('/etc/evil', 'x')").find("absolute"), std::string::npos);
  EXPECT_NE(unpack_error("z.writestr('a\\\\b', 'x')").find("backslash"), std::string::npos);
  EXPECT_NE(unpack_error("z.writestr('a', 'x')\nz.writestr('a', 'y')"), "");
  EXPECT_NE(unpack_error("z.writestr('a/', '')\nz.writestr('a', 'y')").find("twice"), std::string::npos);
  EXPECT_NE(unpack_error("link('l', '/etc/passwd')").find("leaves the folder"), std::string::npos);
  EXPECT_NE(unpack_error("link('d/l', '../../x')").find("leaves the folder"), std::string::npos);
  EXPECT_NE(unpack_error("link('d', '.'); link('x', 'd/..')").find("leaves the folder"), std::string::npos) << "by way of another link";
  EXPECT_NE(unpack_error("mode('s', 0o104755)").find("setuid"), std::string::npos);
  EXPECT_NE(unpack_error("mode('d', 0o060644)").find("device"), std::string::npos);
  EXPECT_NE(unpack_error("z.writestr('/'.join('d' * 40), 'x')").find("too deep"), std::string::npos);
  EXPECT_NE(unpack_error("for i in range(20001): z.writestr(str(i), '')").find("entries"), std::string::npos);
  EXPECT_NE(unpack_error("for i in range(26): z.writestr(str(i), b'0' * (10 << 20))").find("when unpacked"), std::string::npos);
  for (const auto prefix : {"", "package.zip: "}) {
    const auto refused = code_refused({cat(prefix, "the package is larger than 262144000 bytes when unpacked")});
    EXPECT_EQ(refused.message, "Unzipped size must be smaller than 262144000 bytes");
    EXPECT_EQ(refused.code, "InvalidParameterValueException");
    EXPECT_NE(refused.detail.find("when unpacked"), std::string::npos);
  }
  std::ofstream(folder + "/not.zip") << "PK nonsense";
  EXPECT_NE(store->unpack(folder + "/not.zip").error().message.find("no proper zip"), std::string::npos);
}

TEST_F(LambdaTest, ALinkIsNeverWrittenThrough) {
  fs::create_directories(folder + "/store");
  EXPECT_NE(unpack_error("link('d', '.')\nz.writestr('d/../../evil', 'x')"), "");
  // A folder and a link of the same name cannot both be there.
  EXPECT_NE(unpack_error("link('d', 'e')\nz.writestr('d/x', 'y')"), "");
}

TEST_F(LambdaTest, InlineCodeBecomesAFile) {
  auto request = function("inline");
  request.code = InlineCode{"def handler(event, context): return 1"};
  const auto made = operations->create_function(request);
  ASSERT_TRUE(made);
  EXPECT_TRUE(fs::exists(made->code_directory + "/index.py"));
  request.function_name = "module";
  request.runtime = "nodejs22.x";
  request.code = InlineCode{"export const handler = async () => 1"};
  EXPECT_TRUE(fs::exists(operations->create_function(request)->code_directory + "/index.mjs"));
}

}  // namespace
}  // namespace sallyport::lambda
