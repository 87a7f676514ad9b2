#include "lambda/concurrency.hpp"

#include <gmock/gmock.h>
#include <string.h>

#include "lambda/testing.hpp"

namespace sallyport::lambda {
namespace {

using ::testing::HasSubstr;
using testing::ServiceTest;
using ::testing::StartsWith;

/// A function with versions 1 and 2.
Function two_versions() {
  Function function;
  function.latest.function_name = "f";
  for (const auto version : {"1", "2"}) function.versions.emplace(version, Shared(FunctionConfiguration()));
  return function;
}

class AdmissionTest : public ::testing::Test {
 public:
  /// The reason of the refusal; empty where the event runs, which it then does until the end of the test.
  std::string take(std::string_view version = "$LATEST", int unreserved = 10) {
    auto turn = Admission{function, version, unreserved}.take(account, load);
    if (!turn) {
      EXPECT_EQ(turn.error().code, "TooManyRequestsException");
      EXPECT_EQ(turn.error().message, "Rate Exceeded.");
      return turn.error().reason;
    }
    running.push_back(std::move(*turn));
    return {};
  }
  Function function = two_versions();
  std::shared_ptr<AccountLoad> account = std::make_shared<AccountLoad>();
  std::shared_ptr<FunctionLoad> load = std::make_shared<FunctionLoad>();
  std::vector<Turn> running;
};

constexpr auto own_limit = "ReservedFunctionConcurrentInvocationLimitExceeded", shared_limit = "ConcurrentInvocationLimitExceeded";

TEST_F(AdmissionTest, AReservationIsWhatAFunctionMayHave) {
  function.reserved_concurrency = 2;
  EXPECT_EQ(take("$LATEST", 0), "");
  EXPECT_EQ(take("1", 0), "");
  EXPECT_EQ(take("2", 0), own_limit);
  running.clear();
  EXPECT_EQ(take("2", 0), "") << "what ended counts no more";
  EXPECT_EQ(account->unreserved, 0) << "it takes nothing of what others share";
  function.reserved_concurrency = 0;
  running.clear();
  EXPECT_EQ(take(), own_limit);
}

TEST_F(AdmissionTest, FunctionsWithoutAReservationShareTheRest) {
  const auto others = std::make_shared<FunctionLoad>();
  EXPECT_EQ(take("$LATEST", 2), "");
  std::swap(load, const_cast<std::shared_ptr<FunctionLoad>&>(others));
  EXPECT_EQ(take("$LATEST", 2), "");
  EXPECT_EQ(take("$LATEST", 2), shared_limit);
  running.pop_back();
  EXPECT_EQ(take("$LATEST", 2), "");
}

TEST_F(AdmissionTest, WhatIsProvisionedIsOfTheReservation) {
  function.reserved_concurrency = 1;
  function.provisioned["1"] = {1, {}};
  EXPECT_EQ(take("$LATEST"), own_limit) << "all of it is kept for version 1";
  EXPECT_EQ(take("1"), "");
  EXPECT_EQ(take("1"), own_limit);
}

TEST_F(AdmissionTest, EventsBeyondWhatIsProvisionedUseTheSharedRest) {
  function.aliases["live"] = {"live", "2", "", ""};
  function.provisioned["live"] = {1, {}};
  EXPECT_EQ(take("2", 1), "");
  EXPECT_EQ(account->unreserved, 0);
  EXPECT_EQ(take("2", 1), "") << "spills over";
  EXPECT_EQ(account->unreserved, 1);
  EXPECT_EQ(take("2", 1), shared_limit);
  EXPECT_EQ(take("1", 1), shared_limit);
  running.clear();
  EXPECT_EQ(account->unreserved, 0);
  EXPECT_EQ(load->running, 0);
  EXPECT_EQ(load->on_demand, 0);
}

TEST(Concurrency, WhatIsLeftOfAnAccount) {
  State state;
  state.functions["a"].edit().reserved_concurrency = 100;
  auto& both = state.functions["b"].edit() = two_versions();
  both.reserved_concurrency = 50;
  both.provisioned["1"] = {20, {}};
  auto& provisioned = state.functions["c"].edit() = two_versions();
  provisioned.provisioned["1"] = {5, {}};
  provisioned.provisioned["2"] = {6, {}};
  EXPECT_EQ(unreserved_concurrency(state, 1000), 1000 - 100 - 50 - 11);
  EXPECT_EQ(unreserved_concurrency(state, 10), 0);
}

TEST(Concurrency, AliasesLendTheirEnvironmentsToTheirVersion) {
  auto function = two_versions();
  function.aliases["a"] = {"a", "1", "", ""};
  function.aliases["b"] = {"b", "1", "", ""};
  function.provisioned["a"] = {2, {}};
  function.provisioned["b"] = {3, {}};
  EXPECT_THAT(provisioned_versions(function), ::testing::ElementsAre(::testing::Pair("1", 5)));
  function.aliases["b"].function_version = "2";
  EXPECT_THAT(provisioned_versions(function), ::testing::ElementsAre(::testing::Pair("1", 2), ::testing::Pair("2", 3)));
}

constexpr std::string_view tells = R"(
import os
def handler(event, context):
    return {"version": context.function_version, "kind": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]}
)";

class AliasTest : public ServiceTest {
 public:
  void SetUp() override {
    ServiceTest::SetUp();
    good("CreateFunction", function("f", zip("app.py", tells)));
    good("PublishVersion", named("f"));
    good("UpdateFunctionConfiguration", json::Object{{"FunctionName", "f"}, {"Description", "other"}});
    good("PublishVersion", named("f"));
  }
  json::Value alias(std::string name, std::string version, json::Object weights) {
    return json::Object{{"FunctionName", "f"},
                        {"Name", std::move(name)},
                        {"FunctionVersion", std::move(version)},
                        {"RoutingConfig", json::Object{{"AdditionalVersionWeights", std::move(weights)}}}};
  }
  json::Value provisioned(std::string qualifier, int count) {
    return json::Object{{"FunctionName", "f"}, {"Qualifier", std::move(qualifier)}, {"ProvisionedConcurrentExecutions", count}};
  }
  json::Value qualified(std::string qualifier) { return json::Object{{"FunctionName", "f"}, {"Qualifier", std::move(qualifier)}}; }
};

json::Number number(std::string text) { return {std::move(text)}; }

TEST_F(AliasTest, WeightsAreKeptAndTold) {
  const auto made = good("CreateAlias", alias("live", "1", {{"2", number("0.25")}}));
  EXPECT_EQ(text(made, "RoutingConfig"), R"({"AdditionalVersionWeights":{"2":0.25}})");
  stop();
  start();
  EXPECT_EQ(text(good("GetAlias", json::Object{{"FunctionName", "f"}, {"Name", "live"}}), "RoutingConfig"),
            R"({"AdditionalVersionWeights":{"2":0.25}})");
  EXPECT_EQ(good("ListAliases", json::Object{{"FunctionName", "f"}, {"FunctionVersion", "2"}}).find("Aliases")->array()->size(), 1u);
  EXPECT_EQ(bad("DeleteFunction", qualified("2")),
            "409 ResourceConflictException: Unable to delete version because the following aliases reference it: [live]");
  // What is not said stays, an empty RoutingConfig asks for none.
  const auto kept = good("UpdateAlias", json::Object{{"FunctionName", "f"}, {"Name", "live"}, {"Description", "d"}});
  EXPECT_EQ(text(kept, "RoutingConfig"), R"({"AdditionalVersionWeights":{"2":0.25}})");
  const auto cleared = good("UpdateAlias", json::Object{{"FunctionName", "f"}, {"Name", "live"}, {"RoutingConfig", json::Object{}}});
  EXPECT_EQ(text(cleared, "RoutingConfig"), "(absent)");
}

TEST_F(AliasTest, WeightsThatAwsRefuses) {
  EXPECT_EQ(bad("CreateAlias", alias("a", "1", {{"2", number("0.1")}, {"3", number("0.1")}})),
            "400 InvalidParameterValueException: Number of items in AdditionalVersionWeights cannot be greater than 1");
  EXPECT_EQ(
      bad("CreateAlias", alias("a", "1", {{"1", number("0.1")}})),
      "400 InvalidParameterValueException: Invalid function version 1. Function version 1 is already included in routing configuration.");
  EXPECT_EQ(bad("CreateAlias", alias("a", "$LATEST", {{"1", number("0.1")}})),
            "400 InvalidParameterValueException: $LATEST is not supported for an alias pointing to more than 1 version");
  EXPECT_TRUE(call("CreateAlias", alias("a", "$LATEST", {{"1", number("0.1")}})).error().untyped);
  EXPECT_EQ(bad("CreateAlias", alias("a", "1", {{"9", number("0.1")}})),
            cat("404 ResourceNotFoundException: Function not found: ", arn("f:9")));
  EXPECT_THAT(
      bad("CreateAlias", alias("a", "1", {{"2", number("1.5")}})),
      StartsWith("400 ValidationException: 1 validation error detected: Value '{2=1.5}' at 'routingConfig.additionalVersionWeights' "
                 "failed to satisfy constraint: Map value must satisfy constraint: [Member must have value less than or equal to 1.0"));
  EXPECT_THAT(bad("CreateAlias", alias("a", "1", {{"x", number("0.5")}})), HasSubstr("Map keys must satisfy constraint"));
  good("CreateAlias", alias("live", "1", {{"2", number("0.5")}}));
  EXPECT_THAT(bad("UpdateAlias", json::Object{{"FunctionName", "f"}, {"Name", "live"}, {"FunctionVersion", "2"}}),
              HasSubstr("already included in routing configuration"))
      << "weights that stay must still fit";
}

/// Gives the numbers it is told to.
class ToldRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override {
    std::uint64_t bits = static_cast<std::uint64_t>(next * 0x1p53) << 11;
    memcpy(out.data(), &bits, std::min(out.size(), sizeof bits));
  }
  double next = 0;
};

TEST(Choose, AWeightIsTheShareOfCalls) {
  auto function = two_versions();
  function.versions.at("1").edit().version = "1";
  function.versions.at("2").edit().version = "2";
  function.aliases["live"] = {"live", "1", "", "", {{"2", 0.25}}};
  ToldRandom told;
  const auto version_at = [&](double share) {
    told.next = share;
    return choose(function, "live", told)->version;
  };
  EXPECT_EQ(version_at(0), "2");
  EXPECT_EQ(version_at(0.2499), "2");
  EXPECT_EQ(version_at(0.25), "1");
  EXPECT_EQ(version_at(0.9999), "1");
  function.aliases["live"].weights = {{"2", 1.0}};
  EXPECT_EQ(version_at(0.9999), "2");
  function.aliases["live"].weights = {{"2", 0.0}};
  EXPECT_EQ(version_at(0), "1");

  SystemRandom random;
  function.aliases["live"].weights = {{"2", 0.5}};
  int second = 0;
  for (int i = 0; i < 10'000; ++i) second += choose(function, "live", random)->version == "2";
  EXPECT_NEAR(second, 5000, 300) << "six standard deviations";
  EXPECT_EQ(choose(function, "1", random)->version, "1");
  EXPECT_EQ(choose(function, "none", random), nullptr);
}

TEST_F(AliasTest, ProvisionedConcurrencyInAwsWords) {
  EXPECT_EQ(bad("PutProvisionedConcurrencyConfig", provisioned("$LATEST", 1)),
            "400 InvalidParameterValueException: Provisioned Concurrency Configs cannot be applied to unpublished function versions.");
  EXPECT_EQ(bad("PutProvisionedConcurrencyConfig", provisioned("9", 1)),
            cat("404 ResourceNotFoundException: Function not found: ", arn("f:9")));
  EXPECT_EQ(bad("PutProvisionedConcurrencyConfig", provisioned("none", 1)),
            cat("404 ResourceNotFoundException: Cannot find alias arn: ", arn("f:none")));
  EXPECT_THAT(bad("PutProvisionedConcurrencyConfig", provisioned("1", 0)),
              StartsWith("400 ValidationException: 1 validation error detected: Value '0' at 'provisionedConcurrentExecutions'"));
  EXPECT_EQ(bad("GetProvisionedConcurrencyConfig", qualified("1")),
            "404 ProvisionedConcurrencyConfigNotFoundException: No Provisioned Concurrency Config found for this function");
  EXPECT_EQ(bad("GetProvisionedConcurrencyConfig", qualified("$LATEST")),
            "400 InvalidParameterValueException: The function resource provided must be an alias or a published version.");
  EXPECT_EQ(bad("GetProvisionedConcurrencyConfig", json::Object{{"FunctionName", "none"}, {"Qualifier", "noalias"}}),
            cat("404 ResourceNotFoundException: Cannot find alias arn: ", arn("none:noalias")));
  EXPECT_EQ(bad("DeleteProvisionedConcurrencyConfig", qualified("$LATEST")),
            "400 InvalidParameterValueException: The function resource provided must be an alias or a published version.");
  good("DeleteProvisionedConcurrencyConfig", qualified("1"));

  EXPECT_EQ(
      bad("PutProvisionedConcurrencyConfig", provisioned("1", 1001)),
      "400 InvalidParameterValueException: Specified ConcurrentExecutions for function is greater than account's unreserved concurrency "
      "[1000].");
  EXPECT_EQ(
      bad("PutProvisionedConcurrencyConfig", provisioned("1", 901)),
      "400 InvalidParameterValueException: Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
      "below its minimum value of [100].");
  for (const int too_many : {1001, 901})
    EXPECT_TRUE(call("PutProvisionedConcurrencyConfig", provisioned("1", too_many)).error().untyped) << too_many;
  EXPECT_FALSE(call("GetProvisionedConcurrencyConfig", qualified("$LATEST")).error().untyped);
  stop();
  limits.provisioned_max = 48;
  start();
  EXPECT_EQ(bad("PutProvisionedConcurrencyConfig", provisioned("1", 49)),
            "400 InvalidParameterValueException: Specified ConcurrentExecutions for function is greater than what this server can keep "
            "initialised [48]: three quarters of --max-instances, for all functions together.");
  good("PutFunctionConcurrency", json::Object{{"FunctionName", "f"}, {"ReservedConcurrentExecutions", 2}});
  EXPECT_EQ(bad("PutProvisionedConcurrencyConfig", provisioned("1", 3)),
            "400 InvalidParameterValueException: Requested Provisioned Concurrency should not be greater than the "
            "reservedConcurrentExecution for function");
  const auto made = good("PutProvisionedConcurrencyConfig", provisioned("1", 2));
  EXPECT_EQ(text(made, "Status"), "IN_PROGRESS");
  EXPECT_EQ(text(made, "RequestedProvisionedConcurrentExecutions"), "2");
  EXPECT_EQ(text(made, "AllocatedProvisionedConcurrentExecutions"), "0");
  EXPECT_EQ(text(made, "LastModified").size(), std::string_view("2026-11-23T10:00:00+0000").size());
  EXPECT_EQ(bad("PutFunctionConcurrency", json::Object{{"FunctionName", "f"}, {"ReservedConcurrentExecutions", 1}}),
            "400 InvalidParameterValueException:  ReservedConcurrentExecutions  1 should not be lower than function's total provisioned "
            "concurrency [2].");
  EXPECT_TRUE(call("PutFunctionConcurrency", json::Object{{"FunctionName", "f"}, {"ReservedConcurrentExecutions", 1}}).error().untyped);
  good("CreateAlias", alias("live", "1", {}));
  EXPECT_EQ(
      bad("PutProvisionedConcurrencyConfig", provisioned("live", 1)),
      "409 ResourceConflictException: Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version");
  good("DeleteProvisionedConcurrencyConfig", qualified("1"));
  good("PutProvisionedConcurrencyConfig", provisioned("live", 1));
  EXPECT_EQ(bad("PutProvisionedConcurrencyConfig", provisioned("1", 1)),
            "409 ResourceConflictException: Version is pointed by a Provisioned Concurrency alias");
  const auto listed = good("ListProvisionedConcurrencyConfigs", named("f"));
  EXPECT_EQ(listed.find("ProvisionedConcurrencyConfigs")->array()->size(), 1u);
  EXPECT_EQ(text(listed.find("ProvisionedConcurrencyConfigs")->array()->front(), "FunctionArn"), arn("f:live"));
  good("DeleteAlias", json::Object{{"FunctionName", "f"}, {"Name", "live"}});
  EXPECT_EQ(text(good("ListProvisionedConcurrencyConfigs", named("f")), "ProvisionedConcurrencyConfigs"), "[]");
  EXPECT_EQ(bad("GetProvisionedConcurrencyConfig", qualified("live")),
            cat("404 ResourceNotFoundException: Cannot find alias arn: ", arn("f:live")));
}

TEST_F(AliasTest, ProvisionedEnvironmentsComeUpAndAnswer) {
  if (const auto why = missing("python3.12"); !why.empty()) GTEST_SKIP() << why;
  good("PutProvisionedConcurrencyConfig", provisioned("1", 1));
  const auto ready = [&](json::Value of) {
    for (int i = 0; i < 2000; ++i) {
      const auto state = good("GetProvisionedConcurrencyConfig", of);
      if (text(state, "Status") != "IN_PROGRESS") return state;
      loop->scope().spawn([](io::Loop& on) -> Task<void> {
        co_await io::sleep_for(on, std::chrono::milliseconds(5));
        on.stop();
      }(*loop));
      loop->run();
    }
    return json::Value();
  };
  const auto state = ready(qualified("1"));
  EXPECT_EQ(text(state, "Status"), "READY");
  EXPECT_EQ(text(state, "AvailableProvisionedConcurrentExecutions"), "1");
  const auto answer = good("Invoke", qualified("1"));
  EXPECT_EQ(text(answer, "Payload"), R"({"version": "1", "kind": "provisioned-concurrency"})");
  EXPECT_EQ(text(good("Invoke", qualified("2")), "Payload"), R"({"version": "2", "kind": "on-demand"})");
  stop();
  start();
  EXPECT_EQ(text(ready(qualified("1")), "Status"), "READY") << "after a restart as well";
}

TEST_F(AliasTest, AnEnvironmentThatDoesNotComeUpIsTold) {
  if (const auto why = missing("python3.12"); !why.empty()) GTEST_SKIP() << why;
  good("UpdateFunctionCode", json::Object{{"FunctionName", "f"}, {"ZipFile", zip("app.py", "raise ValueError('no')")}, {"Publish", true}});
  good("PutProvisionedConcurrencyConfig", provisioned("3", 1));
  std::string status, reason;
  for (int i = 0; i < 2000 && status != "FAILED"; ++i) {
    const auto state = good("GetProvisionedConcurrencyConfig", qualified("3"));
    status = text(state, "Status");
    reason = text(state, "StatusReason");
    loop->scope().spawn([](io::Loop& on) -> Task<void> {
      co_await io::sleep_for(on, std::chrono::milliseconds(5));
      on.stop();
    }(*loop));
    loop->run();
  }
  EXPECT_EQ(status, "FAILED");
  EXPECT_EQ(reason, "FUNCTION_ERROR_INIT_FAILURE");
  good("DeleteProvisionedConcurrencyConfig", qualified("3"));
}

TEST_F(AliasTest, AccountSettingsCountWhatIsTaken) {
  good("PutFunctionConcurrency", json::Object{{"FunctionName", "f"}, {"ReservedConcurrentExecutions", 7}});
  const auto limit = *good("GetAccountSettings", json::Object{}).find("AccountLimit");
  EXPECT_EQ(text(limit, "ConcurrentExecutions"), "1000");
  EXPECT_EQ(text(limit, "UnreservedConcurrentExecutions"), "993");
}

}  // namespace
}  // namespace sallyport::lambda
