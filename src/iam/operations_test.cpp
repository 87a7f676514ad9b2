#include "iam/operations.hpp"

#include <gtest/gtest.h>

namespace sallyport::iam {
namespace {

constexpr auto open = R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]})";
constexpr auto trust = R"({"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"lambda.amazonaws.com"}}]})";

State account() {
  State out;
  out.scope = {"123456789012", "", "aws"};
  return out;
}

/// What a template declares: a user in a group, a role and a policy.
State declared(WallTime now = {}) {
  auto out = account();
  Operations operations(out, now);
  EXPECT_TRUE(operations.create_group({.name = "team", .id = "AGPA1"}));
  EXPECT_TRUE(operations.create_user({.name = "ann", .id = "AIDA1"}));
  EXPECT_TRUE(operations.add_user_to_group("ann", "team"));
  EXPECT_TRUE(operations.create_role({.name = "worker", .id = "AROA1", .trust_policy = trust}));
  EXPECT_TRUE(operations.create_policy({.name = "most", .id = "ANPA1", .document = open}));
  EXPECT_TRUE(operations.attach_policy(Holder::role, "worker", "arn:aws:iam::123456789012:policy/most"));
  return out;
}

template <class T>
std::string code_of(const control::Answer<T>& answer) {
  return answer ? "" : answer.error().code;
}

TEST(IamOperations, AreRefusedInAwsWords) {
  auto state = declared();
  Operations operations(state, {});
  EXPECT_EQ(code_of(operations.create_user({.name = "ANN", .id = "x"})), "EntityAlreadyExists");
  EXPECT_EQ(code_of(operations.create_role({.name = "a b", .id = "x", .trust_policy = trust})), "ValidationError");
  EXPECT_EQ(code_of(operations.create_role({.name = "r", .id = "x", .path = "no", .trust_policy = trust})), "ValidationError");
  EXPECT_EQ(code_of(operations.create_role({.name = "r", .id = "x", .trust_policy = open})), "MalformedPolicyDocument");
  EXPECT_EQ(code_of(operations.create_role({.name = "r", .id = "x", .trust_policy = trust, .max_session_s = 60})), "ValidationError");
  EXPECT_EQ(code_of(operations.create_role({.name = "r", .id = "x", .trust_policy = trust, .tags = {{"k", ""}, {"K", ""}}})),
            "InvalidInput");
  EXPECT_EQ(code_of(operations.create_policy({.name = "p", .id = "x", .document = trust})), "MalformedPolicyDocument");
  EXPECT_EQ(code_of(operations.put_inline_policy(Holder::user, "ann", "big", std::string(open) + std::string(9'000, ' '))), "")
      << "white space does not count";
  const auto big = cat(R"({"Statement":[{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::)", std::string(1'500, 'a'), R"("}]})");
  EXPECT_TRUE(operations.put_inline_policy(Holder::user, "ann", "one", big));
  EXPECT_EQ(code_of(operations.put_inline_policy(Holder::user, "ann", "two", big)), "LimitExceeded") << "they share 2,048 bytes";
  EXPECT_TRUE(operations.put_inline_policy(Holder::user, "ann", "one", big)) << "the one it replaces does not count";
  EXPECT_EQ(code_of(operations.put_inline_policy(Holder::role, "nobody", "p", open)), "NoSuchEntity");
  EXPECT_EQ(code_of(operations.attach_policy(Holder::user, "ann", "arn:aws:iam::123456789012:policy/none")), "NoSuchEntity");
  EXPECT_EQ(code_of(operations.attach_policy(Holder::user, "ann", "most")), "ValidationError");
  EXPECT_EQ(code_of(operations.add_user_to_group("ann", "none")), "NoSuchEntity");
}

TEST(IamOperations, ATrustPolicyNamesWhoExists) {
  auto state = declared();
  const auto naming = [](std::string_view arn) {
    return cat(R"({"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":")", arn, R"("}}]})");
  };
  Operations operations(state, {},
                        {.unique_id = [](std::string_view arn) -> std::optional<std::string> {
                           return arn == "arn:aws:iam::210987654321:user/bob" ? std::optional<std::string>("AIDABOB") : std::nullopt;
                         },
                         .has_policy = {}});
  EXPECT_EQ((*operations.create_role({.name = "a", .id = "x", .trust_policy = naming("arn:aws:iam::123456789012:user/ann")}))->trusted_ids,
            (TextMap{{"arn:aws:iam::123456789012:user/ann", "AIDA1"}}));
  EXPECT_EQ((*operations.create_role({.name = "b", .id = "x", .trust_policy = naming("arn:aws:iam::210987654321:user/bob")}))->trusted_ids,
            (TextMap{{"arn:aws:iam::210987654321:user/bob", "AIDABOB"}}));
  EXPECT_EQ(code_of(operations.create_role({.name = "c", .id = "x", .trust_policy = naming("arn:aws:iam::123456789012:user/eve")})),
            "MalformedPolicyDocument");
}

TEST(IamDeclared, IsPutInChangedAndTakenOut) {
  auto state = account();
  Operations(state, {}).create_user({.name = "own", .id = "AIDAOWN"}).value();
  const auto first = declared();
  ASSERT_TRUE(replace_declared(state, account(), first));
  EXPECT_TRUE(find(state.users, "own"));
  EXPECT_EQ(find(state.users, "ann")->groups, std::vector<std::string>{"team"});

  // Ann gets a key and the role is used; then the template drops the policy and gives Ann a tag.
  edit(state.users, "ann")->access_keys.push_back({.id = "AKIA1", .sealed_secret = "s"});
  edit(state.roles, "worker")->last_use = LastUse{{}, "us-east-1", "lambda"};
  auto second = declared(WallTime(std::chrono::hours(9)));
  second.policies.clear();
  edit(second.roles, "worker")->attached.clear();
  edit(second.users, "ann")->tags.emplace("k", "v");
  const auto group = state.groups.at("team");
  ASSERT_TRUE(replace_declared(state, first, second));
  EXPECT_FALSE(find(state.policies, "most"));
  const auto& ann = *find(state.users, "ann");
  EXPECT_EQ(ann.tags.at("k"), "v");
  EXPECT_EQ(ann.access_keys.size(), 1u);
  EXPECT_EQ(ann.created, WallTime());
  EXPECT_TRUE(find(state.roles, "worker")->last_use);
  EXPECT_TRUE(state.groups.at("team").is(group)) << "what did not change is not touched";

  ASSERT_TRUE(replace_declared(state, second, account()));
  EXPECT_FALSE(find(state.users, "ann"));
  EXPECT_FALSE(find(state.roles, "worker"));
  EXPECT_TRUE(find(state.users, "own"));
}

TEST(IamDeclared, NeverReplacesWhatIsSomebodyElses) {
  auto state = account();
  Operations(state, {}).create_user({.name = "Ann", .id = "AIDAOTHER"}).value();
  EXPECT_EQ(code_of(replace_declared(state, account(), declared())), "EntityAlreadyExists");

  // A user of that name that was made after the template's was deleted is not the template's to delete.
  auto later = account();
  Operations(later, {}).create_user({.name = "ann", .id = "AIDAOTHER"}).value();
  ASSERT_TRUE(replace_declared(later, declared(), account()));
  EXPECT_TRUE(find(later.users, "ann"));
}

TEST(IamOperations, OnlyGrantsMayBePassedOver) {
  EXPECT_TRUE(is_unknown_grant("arn:aws:iam::aws:policy/AmazonS3FullAccess"));
  EXPECT_FALSE(is_unknown_grant("arn:aws:iam::aws:policy/AWSDenyAll"));
  EXPECT_FALSE(is_unknown_grant("arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV2"));
  EXPECT_FALSE(is_unknown_grant("arn:aws:iam::aws:policy/AdministratorAccess")) << "it is known";
  EXPECT_FALSE(is_unknown_grant("arn:aws:iam::123456789012:policy/p"));
}

}  // namespace
}  // namespace sallyport::iam
