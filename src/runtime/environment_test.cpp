#include "runtime/environment.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/text.hpp"

namespace sallyport::runtime {
namespace {

class EnvironmentTest : public testing::Test {
 public:
  EnvironmentTest() {
    spec.function_name = "f";
    spec.runtime = "nodejs20.x";
    places.log_stream = "2026/11/24/[$LATEST]0";
  }
  std::string value(std::string_view name, const std::map<std::string, std::string>& service = {}) {
    const auto all = environment_of(spec, places, random, service);
    const auto start = cat(name, "=");
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& line) { return line.starts_with(start); });
    return found == all.end() ? "(absent)" : found->substr(start.size());
  }
  SystemRandom random;
  FunctionSpec spec;
  EnvironmentPlaces places;
};

TEST_F(EnvironmentTest, PlacesAreThoseOfTheSandbox) {
  EXPECT_EQ(value("LAMBDA_TASK_ROOT"), "/var/task");
  EXPECT_EQ(value("PWD"), "/var/task");
  EXPECT_EQ(value("PATH"), "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin");
  EXPECT_EQ(value("LD_LIBRARY_PATH"), "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib");
  EXPECT_EQ(value("NODE_PATH"),
            "/opt/nodejs/node20/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task");
  places = {"/code", "/layers", "127.0.0.1:5", "stream", {}, Initialization::provisioned};
  EXPECT_EQ(value("LAMBDA_TASK_ROOT"), "/code");
  EXPECT_TRUE(value("PATH").ends_with(":/layers/bin"));
  EXPECT_TRUE(value("LD_LIBRARY_PATH").ends_with(":/code:/code/lib:/layers/lib"));
  EXPECT_TRUE(value("NODE_PATH").starts_with("/layers/nodejs/node20/node_modules:"));
  EXPECT_EQ(value("AWS_LAMBDA_RUNTIME_API"), "127.0.0.1:5");
  EXPECT_EQ(value("AWS_LAMBDA_LOG_STREAM_NAME"), "stream");
  EXPECT_EQ(value("AWS_LAMBDA_INITIALIZATION_TYPE"), "provisioned-concurrency");
}

TEST_F(EnvironmentTest, AnOwnRuntimeIsShownNoInterpreters) {
  for (const auto runtime : {"provided.al2", "provided.al2023"}) {
    spec.runtime = runtime;
    EXPECT_EQ(value("PATH"), "/usr/local/bin:/usr/bin/:/bin:/opt/bin");
    EXPECT_EQ(value("LD_LIBRARY_PATH"), "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib");
  }
}

TEST_F(EnvironmentTest, LoggingShowsOnlyWhereItIsJson) {
  EXPECT_EQ(value("AWS_LAMBDA_LOG_GROUP_NAME"), "/aws/lambda/f");
  for (const char* format : {"", "Text"}) {
    spec.log_format = format;
    EXPECT_EQ(value("AWS_LAMBDA_LOG_FORMAT"), "(absent)");
    EXPECT_EQ(value("AWS_LAMBDA_LOG_LEVEL"), "(absent)");
  }
  spec.log_format = "JSON";
  spec.log_group = "/mine";
  EXPECT_EQ(value("AWS_LAMBDA_LOG_FORMAT"), "JSON");
  EXPECT_EQ(value("AWS_LAMBDA_LOG_LEVEL"), "INFO");
  EXPECT_EQ(value("AWS_LAMBDA_LOG_GROUP_NAME"), "/mine");
  spec.application_log_level = "DEBUG";
  EXPECT_EQ(value("AWS_LAMBDA_LOG_LEVEL"), "DEBUG");
}

TEST_F(EnvironmentTest, AnIsolatedFunctionFindsTheServicesInside) {
  places.endpoint_url = "http://169.254.100.1:4566";
  EXPECT_EQ(value("AWS_ENDPOINT_URL"), "(absent)") << "nobody gives it any";
  EXPECT_EQ(value("AWS_ENDPOINT_URL", {{"AWS_ENDPOINT_URL", "http://127.0.0.1:4566"}}), "http://169.254.100.1:4566");
  spec.environment["AWS_ENDPOINT_URL"] = "http://own";
  EXPECT_EQ(value("AWS_ENDPOINT_URL", {{"AWS_ENDPOINT_URL", "http://127.0.0.1:4566"}}), "http://own");
}

TEST_F(EnvironmentTest, ThePlatformsNamesWinButForSome) {
  spec.environment = {{"_X", "1"}, {"AWS_REGION", "mine"}, {"TZ", "Europe/Berlin"}, {"NODE_PATH", "/n"}, {"MINE", "1"}};
  spec.region = "eu-central-1";
  EXPECT_EQ(value("_X"), "(absent)");
  EXPECT_EQ(value("AWS_REGION"), "eu-central-1");
  EXPECT_EQ(value("TZ"), "Europe/Berlin");
  EXPECT_EQ(value("NODE_PATH"), "/n");
  EXPECT_EQ(value("MINE"), "1");
}

TEST_F(EnvironmentTest, AnInterpreterThatWaitsHasWhatIsReadAtTheStart) {
  spec.runtime = "python3.12";
  const auto own = environment_of(spec, places, random), nobodys = environment_of_nobody(RuntimeFamily::python, "/var/task", "/opt");
  for (const auto& line : nobodys) EXPECT_NE(std::find(own.begin(), own.end(), line), own.end()) << line;
}

}  // namespace
}  // namespace sallyport::runtime
