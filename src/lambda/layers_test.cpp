#include "lambda/layers.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/encoding.hpp"
#include "lambda/code_sweeper.hpp"
#include "lambda/folder.hpp"
#include "lambda/testing.hpp"

namespace sallyport::lambda {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::ServiceTest;
using ::testing::StartsWith;

class FolderTest : public ::testing::Test {
 public:
  void SetUp() override {
    char name[] = "/tmp/lambda-folder-XXXXXX";
    folder = mkdtemp(name);
  }
  void TearDown() override { fs::remove_all(folder); }
  void write(const std::string& name, std::string_view text) {
    fs::create_directories(fs::path(folder + "/" + name).parent_path());
    std::ofstream(folder + "/" + name) << text;
  }
  std::string read(const std::string& name) {
    std::string text;
    std::getline(std::ifstream(folder + "/" + name), text, '\0');
    return text;
  }
  static unsigned mode(const std::string& path) {
    struct stat status{};
    stat(path.c_str(), &status);
    return status.st_mode & 07777;
  }
  std::string folder;
};

TEST_F(FolderTest, AnyChangeGivesAnotherFingerprint) {
  write("a/x.py", "1");
  std::set<std::string> seen;
  const auto fresh = [&] { return seen.insert(survey(folder).fingerprint).second; };
  EXPECT_TRUE(fresh());
  EXPECT_FALSE(fresh());
  write("a/x.py", "22");
  EXPECT_TRUE(fresh()) << "another size";
  write("a/y.py", "");
  EXPECT_TRUE(fresh()) << "another file";
  fs::last_write_time(folder + "/a/y.py", fs::last_write_time(folder + "/a/y.py") + std::chrono::nanoseconds(1'000));
  EXPECT_TRUE(fresh()) << "another time";
  fs::rename(folder + "/a/y.py", folder + "/a/z.py");
  EXPECT_TRUE(fresh()) << "another name";
  fs::remove(folder + "/a/z.py");
  EXPECT_FALSE(fresh()) << "as before";
  write("a/__pycache__/x.pyc", "1");
  write(".git/index", "1");
  EXPECT_FALSE(fresh()) << "what nobody runs does not count";
}

TEST_F(FolderTest, SeesAnSdkOfItsOwn) {
  write("app.py", "import boto3");
  EXPECT_FALSE(survey(folder).brings_sdk);
  EXPECT_EQ(survey(folder).bytes, 12);
  for (const auto name : {"boto3/__init__.py", "python/lib/python3.12/site-packages/botocore/a.py",
                          "node_modules/@aws-sdk/client-s3/index.js", "nodejs/node_modules/aws-sdk/index.js"}) {
    write(name, "1");
    EXPECT_TRUE(survey(folder).brings_sdk) << name;
    fs::remove_all(folder + "/" + std::string(name).substr(0, std::string_view(name).find('/')));
  }
  write("aws-sdk.js", "1");
  EXPECT_FALSE(survey(folder).brings_sdk) << "a file is no package";
}

TEST_F(FolderTest, LaterFilesTakeThePlaceOfEarlierOnes) {
  const auto before = umask(077);
  write("one/lib/a", "1");
  write("one/lib/b", "1");
  write("one/file-or-folder", "1");
  write("one/other/inner", "1");
  fs::create_symlink("../../outside", folder + "/one/link");
  write("outside/secret", "1");
  write("two/lib/b", "2");
  write("two/file-or-folder/c", "2");
  write("two/other", "2");
  write("two/link/d", "2");
  chmod((folder + "/two/lib/b").c_str(), 0700);
  fs::create_directory(folder + "/all");
  ASSERT_TRUE(overlay(folder + "/one", folder + "/all", false));
  ASSERT_TRUE(overlay(folder + "/two", folder + "/all", false));
  umask(before);
  EXPECT_EQ(read("all/lib/a"), "1");
  EXPECT_EQ(read("all/lib/b"), "2");
  EXPECT_EQ(read("all/file-or-folder/c"), "2");
  EXPECT_EQ(read("all/other"), "2");
  EXPECT_EQ(read("all/link/d"), "2");
  EXPECT_FALSE(fs::exists(folder + "/outside/d")) << "nothing is written through a link";
  EXPECT_EQ(mode(folder + "/all/lib"), 0755u);
  EXPECT_EQ(mode(folder + "/all/lib/a"), 0644u) << "readable inside a sandbox, whatever the umask";
  EXPECT_EQ(mode(folder + "/all/lib/b"), 0755u);
}

TEST_F(FolderTest, SharedFilesAreTheSame) {
  write("one/a", "1");
  fs::create_directory(folder + "/all");
  ASSERT_TRUE(overlay(folder + "/one", folder + "/all", true));
  EXPECT_EQ(fs::hard_link_count(folder + "/all/a"), 2u);
}

TEST(Layers, SizeOfCodeAndLayersTogether) {
  UsedLayer layer;
  layer.unpacked_bytes = 262'144'000 - 10;
  EXPECT_TRUE(check_unpacked_size(10, {layer}));
  const auto over = check_unpacked_size(11, {layer});
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().message,
            "Function code combined with layers exceeds the maximum allowed size of 262144000 bytes. The actual size is 262144001 bytes.");
}

class LayersTest : public ServiceTest {
 public:
  json::Value publish(std::string name, std::string_view file, std::string_view content) {
    return good("PublishLayerVersion",
                json::Object{{"LayerName", std::move(name)}, {"Content", json::Object{{"ZipFile", zip(file, content)}}}});
  }
  std::string layer(std::string_view name, int version) { return cat("arn:aws:lambda:us-east-1:123456789012:layer:", name, ":", version); }
  json::Value with_layers(std::string name, json::Array layers) {
    auto input = function(std::move(name), zip("app.py", "def handler(e, c):\n  import shared\n  return shared.value\n"));
    input.set("Layers", std::move(layers));
    return input;
  }
  std::string layers_folder(std::string_view name) {
    const auto& used = ledger->read(scope)->functions.at(std::string(name))->latest.layers;
    return layers_directory(used, code->root());
  }
  std::string value_of(const std::string& function) { return text(good("Invoke", named(function)), "Payload"); }
};

TEST_F(LayersTest, AFunctionUsesLayersInTheirOrder) {
  const auto first = publish("a", "python/shared.py", "value = 'a'");
  publish("b", "python/shared.py", "value = 'b'");
  const auto made = good("CreateFunction", with_layers("f", {layer("a", 1), layer("b", 1)}));
  const auto& shown = *made.find("Layers")->array();
  ASSERT_EQ(shown.size(), 2u);
  EXPECT_EQ(text(shown[0], "Arn"), layer("a", 1));
  EXPECT_EQ(text(shown[0], "CodeSize"), text(*first.find("Content"), "CodeSize"));
  const auto read = [&] {
    std::string line;
    std::getline(std::ifstream(layers_folder("f") + "/python/shared.py"), line);
    return line;
  };
  EXPECT_EQ(read(), "value = 'b'");
  good("UpdateFunctionConfiguration", json::Object{{"FunctionName", "f"}, {"Layers", json::Array{layer("b", 1), layer("a", 1)}}});
  EXPECT_EQ(read(), "value = 'a'") << "the order decides";
  good("PublishVersion", named("f"));
  good("UpdateFunctionConfiguration", json::Object{{"FunctionName", "f"}, {"Layers", json::Array{}}});
  EXPECT_EQ(text(good("GetFunctionConfiguration", named("f")), "Layers"), "(absent)");
  EXPECT_EQ(layers_folder("f"), "");
  EXPECT_EQ(good("GetFunctionConfiguration", json::Object{{"FunctionName", "f"}, {"Qualifier", "1"}}).find("Layers")->array()->size(), 2u)
      << "a version keeps its own";
}

TEST_F(LayersTest, ADeletedVersionGoesOnWorkingForThoseWhoUseIt) {
  publish("a", "python/shared.py", "value = 'a'");
  publish("b", "python/other.py", "");
  good("CreateFunction", with_layers("one", {layer("a", 1)}));
  good("CreateFunction", with_layers("two", {layer("a", 1), layer("b", 1)}));
  good("DeleteLayerVersion", json::Object{{"LayerName", "a"}, {"VersionNumber", 1}});
  const auto folder_of_one = layers_folder("one"), folder_of_two = layers_folder("two");
  EXPECT_EQ(bad("CreateFunction", with_layers("three", {layer("a", 1)})),
            cat("400 InvalidParameterValueException: Layer version ", layer("a", 1), " does not exist."));
  stop();
  start();
  code->sweep(code_in_use(ledger->all()));
  EXPECT_TRUE(fs::exists(folder_of_one + "/python/shared.py"));
  EXPECT_TRUE(fs::exists(folder_of_two + "/python/shared.py"));
  if (const auto why = missing("python3.12"); !why.empty()) GTEST_SKIP() << why;
  EXPECT_EQ(value_of("one"), R"("a")");
  EXPECT_EQ(value_of("two"), R"("a")");
  good("DeleteFunction", named("one"));
  good("DeleteFunction", named("two"));
  code->sweep(code_in_use(ledger->all()));
  EXPECT_FALSE(fs::exists(folder_of_one)) << "nobody uses it any more";
  EXPECT_FALSE(fs::exists(folder_of_two));
}

TEST_F(LayersTest, WhatIsDeletedCountsNoLonger) {
  const auto used = [&] {
    return *parse_number<long>(text(*good("GetAccountSettings", json::Object{}).find("AccountUsage"), "TotalCodeSize"));
  };
  const auto package = static_cast<long>(zip("python/shared.py", std::string(1'000, 'x')).size());
  const auto small = static_cast<long>(zip("app.py", "1").size());
  limits.code_bytes_max = 2 * package + small;
  stop();
  start();
  publish("a", "python/shared.py", std::string(1'000, 'x'));
  publish("a", "python/shared.py", std::string(1'000, 'y'));
  auto input = function("f", zip("app.py", "1"));
  input.set("Layers", json::Array{layer("a", 1)});
  good("CreateFunction", input);
  EXPECT_EQ(used(), limits.code_bytes_max);
  const auto third =
      json::Object{{"LayerName", "a"}, {"Content", json::Object{{"ZipFile", zip("python/shared.py", std::string(1'000, 'z'))}}}};
  EXPECT_EQ(bad("PublishLayerVersion", third), "400 CodeStorageExceededException: Code storage limit exceeded.");
  good("UpdateFunctionCode", json::Object{{"FunctionName", "f"}, {"ZipFile", zip("app.py", "2")}});
  EXPECT_EQ(bad("PublishVersion", named("f")), "400 CodeStorageExceededException: Code storage limit exceeded.");
  good("DeleteLayerVersion", json::Object{{"LayerName", "a"}, {"VersionNumber", 1}});
  EXPECT_EQ(used(), package + small) << "also while a function uses it";
  good("PublishLayerVersion", third);
  good("DeleteLayerVersion", json::Object{{"LayerName", "a"}, {"VersionNumber", 3}});
  good("PublishVersion", named("f"));
  good("UpdateFunctionCode", json::Object{{"FunctionName", "f"}, {"ZipFile", zip("app.py", "3")}});
  EXPECT_EQ(used(), package + 2 * small);
  good("DeleteFunction", json::Object{{"FunctionName", "f"}, {"Qualifier", "1"}});
  EXPECT_EQ(used(), package + small);
  good("DeleteFunction", named("f"));
  EXPECT_EQ(used(), package);
}

TEST_F(LayersTest, FilesGoWhenNobodyUsesThemAnyMore) {
  const auto uses = [&] { return CodeStore::Uses{code_in_use(ledger->all()), invoker->code_in_use()}; };
  const auto on_disk = [&] { return std::distance(fs::directory_iterator(code->root()), {}); };
  publish("a", "python/shared.py", "value = 'a'");
  publish("b", "python/other.py", "");
  good("CreateFunction", with_layers("f", {layer("a", 1), layer("b", 1)}));
  const auto of_function = ledger->read(scope)->functions.at("f")->latest.code_directory, merged = layers_folder("f");
  const auto of_layer = layers_directory({ledger->read(scope)->functions.at("f")->latest.layers.front()}, code->root());
  good("DeleteLayerVersion", json::Object{{"LayerName", "a"}, {"VersionNumber", 1}});
  EXPECT_TRUE(code->remove_unused(uses));
  for (const auto& folder : {of_function, of_layer, merged}) EXPECT_TRUE(fs::exists(folder)) << "the function uses it: " << folder;

  auto snapshot = invoker->state(scope.account_id, scope.region);
  good("UpdateFunctionCode", json::Object{{"FunctionName", "f"}, {"ZipFile", zip("app.py", "other")}});
  EXPECT_FALSE(code->remove_unused(uses)) << "a request goes on with the functions of its beginning";
  EXPECT_TRUE(fs::exists(of_function));
  snapshot.reset();
  {
    const auto pin = code->pin();
    EXPECT_FALSE(code->remove_unused(uses)) << "somebody takes in what may be the same";
    EXPECT_TRUE(fs::exists(of_function));
  }
  const int backup = open(code->root().c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(flock(backup, LOCK_SH), 0);
  EXPECT_FALSE(code->remove_unused(uses)) << "a backup has copied the database, and copies the files now";
  EXPECT_TRUE(fs::exists(of_function));
  close(backup);
  EXPECT_TRUE(code->remove_unused(uses));
  EXPECT_FALSE(fs::exists(of_function));
  EXPECT_FALSE(fs::exists(of_function + ".zip"));
  EXPECT_TRUE(fs::exists(merged));
  good("DeleteFunction", named("f"));
  good("DeleteLayerVersion", json::Object{{"LayerName", "b"}, {"VersionNumber", 1}});
  CodeSweeper sweeper(*code, uses, std::chrono::milliseconds(5));
  sweeper.wake();
  for (int i = 0; i < 1'000 && on_disk(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(on_disk(), 0);
}

TEST_F(LayersTest, FilesStayForAsLongAsAnEnvironmentHasThem) {
  if (const auto why = missing("python3.12"); !why.empty()) GTEST_SKIP() << why;
  const auto uses = [&] { return CodeStore::Uses{code_in_use(ledger->all()), invoker->code_in_use()}; };
  publish("a", "python/shared.py", "value = 'a'");
  good("CreateFunction", with_layers("f", {layer("a", 1)}));
  const auto of_layer = layers_folder("f");
  EXPECT_EQ(value_of("f"), R"("a")");
  auto pool = invoker->pool_of(arn("f"));
  ASSERT_TRUE(pool);
  good("DeleteFunction", named("f"));
  good("DeleteLayerVersion", json::Object{{"LayerName", "a"}, {"VersionNumber", 1}});
  EXPECT_FALSE(code->remove_unused(uses));
  EXPECT_TRUE(fs::exists(of_layer + "/python/shared.py"));
  loop->scope().spawn([](ServiceTest& test, std::shared_ptr<runtime::Pool> ending) -> Task<void> {
    co_await ending->drained(*test.loop);
    test.loop->stop();
  }(*this, std::exchange(pool, nullptr)));
  loop->run();
  stop();
  EXPECT_TRUE(code->remove_unused(uses));
  EXPECT_FALSE(fs::exists(of_layer));
  start();
}

TEST_F(LayersTest, WhatAwsRefuses) {
  publish("a", "x", "1");
  publish("a", "x", "2");
  const auto refused = [&](json::Array layers) { return bad("CreateFunction", with_layers("f", std::move(layers))); };
  EXPECT_EQ(refused({layer("a", 1), layer("a", 2)}),
            cat("400 InvalidParameterValueException: Two different versions of the same layer are not allowed to be referenced in the same "
                "function. ",
                layer("a", 1), " and ", layer("a", 2), " are versions of the same layer."));
  EXPECT_THAT(refused({layer("a", 1), layer("a", 1)}), HasSubstr(cat(layer("a", 1), " and ", layer("a", 1), " are versions")));
  EXPECT_EQ(refused({layer("none", 1)}), cat("400 InvalidParameterValueException: Layer version ", layer("none", 1), " does not exist."));
  EXPECT_EQ(refused({layer("a", 9)}), cat("400 InvalidParameterValueException: Layer version ", layer("a", 9), " does not exist."));
  EXPECT_EQ(refused({"arn:aws:lambda:eu-west-1:123456789012:layer:a:1"}),
            "400 InvalidParameterValueException: Layers are not in the same region as the function. Layers are expected to be in region "
            "us-east-1.");
  json::Array six;
  for (int i = 1; i <= 6; ++i) six.push_back(layer(cat("l", i), 1));
  EXPECT_EQ(refused(std::move(six)), "400 InvalidParameterValueException: Cannot reference more than 5 layers.");
  EXPECT_TRUE(ledger->read(scope)->functions.empty());
}

TEST_F(LayersTest, WhoMayUseALayer) {
  publish("a", "x", "1");
  const json::Object version{{"LayerName", "a"}, {"VersionNumber", 1}};
  const auto with = [&](json::Object more) {
    json::Value out = version;
    for (auto& [name, value] : more) out.set(name, std::move(value));
    return out;
  };
  EXPECT_EQ(bad("GetLayerVersionPolicy", version), "404 ResourceNotFoundException: No policy is associated with the given resource.");
  const json::Object everybody{{"StatementId", "s1"}, {"Action", "lambda:GetLayerVersion"}, {"Principal", "*"}};
  const auto made = good("AddLayerVersionPermission", with(everybody));
  EXPECT_EQ(text(made, "Statement"),
            cat(R"({"Sid":"s1","Effect":"Allow","Principal":"*","Action":"lambda:GetLayerVersion","Resource":")", layer("a", 1), "\"}"));
  EXPECT_EQ(
      bad("AddLayerVersionPermission", with(everybody)),
      "409 ResourceConflictException: The statement id (s1) provided already exists. Please provide a new statement id, or remove the "
      "existing statement.");
  EXPECT_THAT(bad("AddLayerVersionPermission",
                  with({{"StatementId", "s2"}, {"Action", "lambda:GetLayerVersion"}, {"Principal", "*"}, {"RevisionId", "no"}})),
              StartsWith("412 PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the "
                         "GetLayerPolicy API"));
  EXPECT_EQ(bad("GetLayerVersionPolicy", json::Object{{"LayerName", "a"}, {"VersionNumber", 2}}),
            cat("404 ResourceNotFoundException: Layer version ", layer("a", 2), " does not exist."));
  stop();
  start();
  const auto read = good("GetLayerVersionPolicy", version);
  EXPECT_EQ(text(read, "RevisionId"), text(made, "RevisionId"));
  EXPECT_THAT(text(read, "Policy"), StartsWith(R"({"Version":"2012-10-17","Id":"default","Statement":[{"Sid":"s1")"));
  const auto needed = access("CreateFunction", with_layers("f", {layer("a", 1)}));
  ASSERT_EQ(needed.size(), 3u);
  EXPECT_EQ(needed[0].context.back().first, "lambda:Layer");
  EXPECT_EQ(needed[2].action, "lambda:GetLayerVersion");
  EXPECT_EQ(needed[2].resource, layer("a", 1));
  EXPECT_TRUE(needed[2].resource_policy);

  // Another account may, now that everybody may.
  auto other = scope;
  other.account_id = "210987654321";
  std::swap(scope, other);
  auto input = with_layers("theirs", {layer("a", 1)});
  good("CreateFunction", input);
  EXPECT_EQ(text(good("GetLayerVersionByArn", json::Object{{"Arn", layer("a", 1)}}), "LayerVersionArn"), layer("a", 1));
  EXPECT_THAT(bad("DeleteLayerVersion", json::Object{{"LayerName", "arn:aws:lambda:us-east-1:123456789012:layer:a"}, {"VersionNumber", 1}}),
              StartsWith("403 AccessDeniedException"));
  std::swap(scope, other);
  EXPECT_EQ(bad("RemoveLayerVersionPermission", with({{"StatementId", "none"}})),
            "404 ResourceNotFoundException: Statement none is not found in resource policy.");
  good("RemoveLayerVersionPermission", with({{"StatementId", "s1"}}));
  EXPECT_EQ(bad("GetLayerVersionPolicy", version), "404 ResourceNotFoundException: No policy is associated with the given resource.");
}

class SettingsTest : public ServiceTest {};

TEST_F(SettingsTest, EphemeralStorageAndLoggingAreKept) {
  auto input = function("f", zip("app.py", "1"));
  input.set("EphemeralStorage", json::Object{{"Size", 1024}});
  input.set("LoggingConfig", json::Object{{"LogFormat", "JSON"}, {"SystemLogLevel", "DEBUG"}});
  const auto made = good("CreateFunction", input);
  EXPECT_EQ(text(made, "EphemeralStorage"), R"({"Size":1024})");
  EXPECT_EQ(text(made, "LoggingConfig"),
            R"({"LogFormat":"JSON","ApplicationLogLevel":"INFO","SystemLogLevel":"DEBUG","LogGroup":"/aws/lambda/f"})");
  const auto update = [&](json::Object logging) {
    return text(good("UpdateFunctionConfiguration", json::Object{{"FunctionName", "f"}, {"LoggingConfig", std::move(logging)}}),
                "LoggingConfig");
  };
  EXPECT_EQ(update({{"LogGroup", "cba"}}),
            R"({"LogFormat":"JSON","ApplicationLogLevel":"INFO","SystemLogLevel":"DEBUG","LogGroup":"cba"})");
  stop();
  start();
  EXPECT_EQ(update({{"LogFormat", "JSON"}, {"ApplicationLogLevel", "ERROR"}}),
            R"({"LogFormat":"JSON","ApplicationLogLevel":"ERROR","SystemLogLevel":"INFO","LogGroup":"cba"})");
  EXPECT_EQ(update({{"LogFormat", "Text"}}), R"({"LogFormat":"Text","LogGroup":"cba"})");
  EXPECT_EQ(update({{"LogGroup", "/aws/lambda/f"}}), R"({"LogFormat":"Text","LogGroup":"/aws/lambda/f"})");
  EXPECT_EQ(
      bad("UpdateFunctionConfiguration", json::Object{{"FunctionName", "f"}, {"LoggingConfig", json::Object{{"SystemLogLevel", "WARN"}}}}),
      "400 InvalidParameterValueException: ApplicationLogLevel and SystemLogLevel can be set only when LogFormat is JSON.");
  EXPECT_EQ(text(good("GetFunctionConfiguration", named("f")), "EphemeralStorage"), R"({"Size":1024})");
  EXPECT_THAT(bad("UpdateFunctionConfiguration", json::Object{{"FunctionName", "f"}, {"EphemeralStorage", json::Object{{"Size", 511}}}}),
              StartsWith("400 ValidationException: 1 validation error detected: Value '511' at 'ephemeralStorage.size'"));
}

TEST_F(SettingsTest, APackageIsReadableWhateverTheUmask) {
  const auto before = umask(077);
  const auto stored = code->unpack_bytes(zip("deep/er/app.py", "1"));
  umask(before);
  ASSERT_TRUE(stored);
  struct stat status{};
  for (const auto name : {"", "/deep", "/deep/er"}) {
    ASSERT_EQ(stat((stored->directory + name).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0755u) << name;
  }
  ASSERT_EQ(stat((stored->directory + "/deep/er/app.py").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0644u);
  EXPECT_EQ(stored->unpacked_bytes, 1);
}

}  // namespace
}  // namespace sallyport::lambda
