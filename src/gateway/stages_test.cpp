// Publishing: what is new is compiled, what is not is kept, and scopes do not touch each other.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "base/text.hpp"
#include "gateway/operations.hpp"
#include "gateway/stage.hpp"

namespace sallyport::gateway {
namespace {

void add_api(State& state, const std::string& id) {
  Operations operations(state);
  ASSERT_TRUE(operations.create_rest_api({id, "root", id}));
  ASSERT_TRUE(operations.put_method({id, "root", "GET"}));
  ASSERT_TRUE(operations.put_integration({id, "root", "GET", "MOCK"}));
  ASSERT_TRUE(operations.create_deployment({id, "d", {}, "dev", {}, {}}));
}

TEST(Stages, AnApiThatIsTheSameIsNotCompiledAgain) {
  State state;
  for (int i = 0; i < 20; ++i) add_api(state, cat("api", i));
  Stages stages;
  stages.publish(state);
  const auto first = stages.pin("api1", "dev").stage, other = stages.pin("api2", "dev").stage;
  auto next = state;
  ASSERT_TRUE(Operations(next).update_stage("api1", "dev", {{"replace", "/variables/v", "1", {}}}));
  stages.publish(next);
  EXPECT_EQ(stages.pin("api2", "dev").stage, other);
  EXPECT_NE(stages.pin("api1", "dev").stage, first);
  EXPECT_GT(stages.pin("api1", "dev").stage->generation, first->generation);
}

TEST(Stages, AChangeOfTheDraftLeavesWhatIsDeployed) {
  State state;
  add_api(state, "api");
  Stages stages;
  stages.publish(state);
  const auto before = stages.pin("api", "dev").stage;
  ASSERT_TRUE(Operations(state).create_resource({"api", "r", "root", "more"}));
  stages.publish(state);
  EXPECT_EQ(stages.pin("api", "dev").stage, before) << "its generation, and so its cached authorizations, must stay";
}

TEST(Stages, ScopesStandSideBySide) {
  State here, there;
  there.scope.account_id = "111122223333";
  there.scope.region = "eu-west-1";
  add_api(here, "here");
  add_api(there, "there");
  Stages stages;
  stages.publish(here);
  stages.publish(there);
  ASSERT_TRUE(stages.pin("here", "dev").stage);
  ASSERT_TRUE(stages.pin("there", "dev").stage);
  EXPECT_EQ(stages.pin("there", "dev").stage->arn_prefix, "arn:aws:execute-api:eu-west-1:111122223333:there/dev/");
  ASSERT_TRUE(Operations(there).delete_rest_api("there"));
  stages.publish(there);
  EXPECT_FALSE(stages.pin("there", "dev").stage);
  EXPECT_TRUE(stages.pin("here", "dev").stage);
  stages.publish(State{here.scope, {}, {}, {}, {}});
  EXPECT_FALSE(stages.pin("here", "dev").stage);
}

TEST(Stages, ManyApisComeAndGo) {
  State state;
  Stages stages;
  std::set<int> there;
  std::mt19937 random(1);
  for (int round = 0; round < 60; ++round) {
    const int i = static_cast<int>(random() % 30);
    if (there.contains(i)) {
      ASSERT_TRUE(Operations(state).delete_rest_api(cat("api", i)));
      there.erase(i);
    } else {
      add_api(state, cat("api", i));
      there.insert(i);
    }
    if (round % 3 != 0) continue;
    stages.publish(state);
    for (int each = 0; each < 30; ++each)
      ASSERT_EQ(stages.pin(cat("api", each), "dev").stage != nullptr, there.contains(each)) << round << " " << each;
  }
}

TEST(Stages, OtherChoicesAreAnotherStage) {
  State state;
  add_api(state, "api");
  Stages stages;
  stages.publish(state);
  Choices choices;
  choices.null_context = Choices::NullContext::left_out;
  stages.publish(state, nullptr, choices);
  EXPECT_EQ(stages.pin("api", "dev").stage->choices, choices);
}

}  // namespace
}  // namespace sallyport::gateway
