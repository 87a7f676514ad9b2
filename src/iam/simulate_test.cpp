// Simulation, and what is read out of policy documents for it.
#include "iam/document.hpp"
#include "iam/testing.hpp"

namespace sallyport::iam {
namespace {

using testing::Reply;
using testing::World;

std::string decision(const Reply& reply, std::size_t i = 0) { return reply.text(cat("EvaluationResults.", i, ".EvalDecision")); }

Reply simulate(World& world, std::string_view policy, std::string_view more) {
  return world.as_root("SimulateCustomPolicy", cat(R"({"PolicyInputList":[)", World::quoted(policy), "]", more, "}"));
}

TEST(Simulate, CustomPolicies) {
  World world;
  const auto policy = World::allow("s3:Get*", "arn:aws:s3:::b/*");
  const auto reply =
      simulate(world, policy, R"(,"ActionNames":["s3:GetObject","s3:PutObject"],"ResourceArns":["arn:aws:s3:::b/k","arn:aws:s3:::c/k"])");
  ASSERT_TRUE(reply) << reply.message();
  EXPECT_EQ(reply.count("EvaluationResults"), 4u);
  EXPECT_EQ(decision(reply, 0), "allowed");
  EXPECT_EQ(decision(reply, 1), "implicitDeny");
  EXPECT_EQ(decision(reply, 2), "implicitDeny");
  EXPECT_EQ(reply.text("EvaluationResults.0.EvalActionName"), "s3:GetObject");
  EXPECT_EQ(reply.text("EvaluationResults.0.EvalResourceName"), "arn:aws:s3:::b/k");
  EXPECT_EQ(reply.text("EvaluationResults.0.MatchedStatements.0.SourcePolicyId"), "PolicyInputList.1");
  EXPECT_EQ(reply.text("EvaluationResults.0.MatchedStatements.0.StartPosition"), R"({"Line":1,"Column":38})");
  EXPECT_EQ(reply.count("EvaluationResults.1.MatchedStatements"), 0u);
  EXPECT_EQ(decision(simulate(world, policy, R"(,"ActionNames":["s3:GetObject"])")), "implicitDeny") << "no resource means *";
  EXPECT_EQ(simulate(world, policy, R"(,"ActionNames":["s3:*"])").code(), "InvalidInput");
  EXPECT_EQ(simulate(world, "{", R"(,"ActionNames":["s3:GetObject"])").code(), "InvalidInput");
  EXPECT_EQ(simulate(world, policy, R"(,"ActionNames":["s3:Get"],"ResourceHandlingOption":"EC2-VPC-InstanceStore")").code(),
            "UnsupportedOperationException");
}

TEST(Simulate, ContextValuesAndMissingOnes) {
  World world;
  const auto policy = World::allow("s3:Get", "*", R"(,"Condition":{"StringEquals":{"aws:UserAgent":"x","s3:Prefix":"${aws:Referer}"}})");
  const auto missing = simulate(world, policy, R"(,"ActionNames":["s3:Get"])");
  EXPECT_EQ(decision(missing), "implicitDeny");
  EXPECT_EQ(missing.text("EvaluationResults.0.MissingContextValues"), R"(["aws:Referer","aws:UserAgent","s3:Prefix"])");
  const auto given = simulate(world, policy,
                              R"(,"ActionNames":["s3:Get"],"ContextEntries":[)"
                              R"({"ContextKeyName":"AWS:useragent","ContextKeyType":"string","ContextKeyValues":["x"]},)"
                              R"({"ContextKeyName":"aws:Referer","ContextKeyType":"string","ContextKeyValues":["y"]},)"
                              R"({"ContextKeyName":"s3:Prefix","ContextKeyType":"string","ContextKeyValues":["y"]}])");
  EXPECT_EQ(decision(given), "allowed");
  EXPECT_EQ(given.count("EvaluationResults.0.MissingContextValues"), 0u);
}

TEST(Simulate, BoundariesAndResourcePolicies) {
  World world;
  const auto bounded =
      simulate(world, World::allow("*"),
               cat(R"(,"ActionNames":["s3:Get"],"PermissionsBoundaryPolicyInputList":[)", World::quoted(World::allow("logs:*")), "]"));
  EXPECT_EQ(decision(bounded), "implicitDeny");
  EXPECT_EQ(bounded.text("EvaluationResults.0.PermissionsBoundaryDecisionDetail.AllowedByPermissionsBoundary"), "false");
  const std::string resource =
      R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/alice"},"Action":"s3:Get","Resource":"*"}})";
  const auto more = cat(R"(,"ActionNames":["s3:Get"],"ResourcePolicy":)", World::quoted(resource));
  EXPECT_EQ(simulate(world, World::allow("logs:*"), more).code(), "InvalidInput") << "nobody is calling";
  const auto granted = simulate(world, World::allow("logs:*"), cat(more, R"(,"CallerArn":"arn:aws:iam::123456789012:user/alice")"));
  EXPECT_EQ(decision(granted), "allowed");
  EXPECT_EQ(granted.text("EvaluationResults.0.MatchedStatements.0.SourcePolicyId"), "ResourcePolicy");
  EXPECT_EQ(decision(simulate(world, World::allow("logs:*"), cat(more, R"(,"CallerArn":"arn:aws:iam::123456789012:user/bob")"))),
            "implicitDeny");
}

TEST(Simulate, PrincipalsWithAllThatIsAttachedToThem) {
  World world;
  const auto alice = world.user("alice", World::allow("s3:Get", "arn:aws:s3:::${aws:username}/*"));
  world.must("CreateGroup", R"({"GroupName":"g"})");
  world.must("AddUserToGroup", R"({"GroupName":"g","UserName":"alice"})");
  world.must("PutGroupPolicy", cat(R"({"GroupName":"g","PolicyName":"no","PolicyDocument":)", World::quoted(World::deny("s3:Put")), "}"));
  const auto ask = [&](std::string_view action, std::string_view more = {}) {
    return world.as_root("SimulatePrincipalPolicy", cat(R"({"PolicySourceArn":")", alice.arn, R"(","ActionNames":[")", action,
                                                        R"("],"ResourceArns":["arn:aws:s3:::alice/k"])", more, "}"));
  };
  EXPECT_EQ(decision(ask("s3:Get")), "allowed");
  EXPECT_EQ(ask("s3:Get").text("EvaluationResults.0.MatchedStatements.0.SourcePolicyId"), "user_alice_p");
  EXPECT_EQ(decision(ask("s3:Put", cat(R"(,"PolicyInputList":[)", World::quoted(World::allow("*")), "]"))), "explicitDeny");
  EXPECT_EQ(ask("s3:Put").text("EvaluationResults.0.MatchedStatements.0.SourcePolicyId"), "group_g_no");
  EXPECT_EQ(ask("s3:Put").count("EvaluationResults.0.MatchedStatements"), 1u) << "of a denial the denying statements alone";
  const auto limit = world.managed("limit", World::allow("logs:*"));
  world.must("PutUserPermissionsBoundary", cat(R"({"UserName":"alice","PermissionsBoundary":")", limit, R"("})"));
  EXPECT_EQ(decision(ask("s3:Get")), "implicitDeny");
  EXPECT_EQ(world.may(alice, "s3:Get", "arn:aws:s3:::alice/k"), false) << "as the guard decides";
  EXPECT_EQ(world.as_root("SimulatePrincipalPolicy", R"({"PolicySourceArn":"arn:aws:iam::123456789012:user/bob","ActionNames":["s3:Get"]})")
                .code(),
            "NoSuchEntity");
  EXPECT_EQ(world.as_root("SimulatePrincipalPolicy", R"({"PolicySourceArn":"arn:aws:s3:::b","ActionNames":["s3:Get"]})").code(),
            "InvalidInput");

  const auto role = world.role("r", World::trust(R"({"Service":"lambda.amazonaws.com"})"));
  world.must("AttachRolePolicy", R"({"RoleName":"r","PolicyArn":"arn:aws:iam::aws:policy/service-role/AWSLambdaRole"})");
  const auto of_role =
      world.as_root("SimulatePrincipalPolicy", cat(R"({"PolicySourceArn":")", role, R"(","ActionNames":["lambda:InvokeFunction"]})"));
  EXPECT_EQ(decision(of_role), "allowed");
  EXPECT_EQ(of_role.text("EvaluationResults.0.MatchedStatements.0.SourcePolicyId"), "AWSLambdaRole");
}

TEST(Simulate, ContextKeysOfPolicies) {
  World world;
  const auto policy =
      World::allow("s3:Get", "arn:aws:s3:::${aws:username}/${*}", R"(,"Condition":{"Bool":{"aws:SecureTransport":"true"}})");
  const auto reply = world.as_root("GetContextKeysForCustomPolicy", cat(R"({"PolicyInputList":[)", World::quoted(policy), "]}"));
  EXPECT_EQ(reply.text("ContextKeyNames"), R"(["aws:SecureTransport","aws:username"])");
  const auto alice = world.user("alice", World::allow("s3:Get", "*", R"(,"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}})"));
  const auto of_alice = world.as_root("GetContextKeysForPrincipalPolicy", cat(R"({"PolicySourceArn":")", alice.arn, R"("})"));
  EXPECT_EQ(of_alice.text("ContextKeyNames"), R"(["aws:SourceIp"])");
}

TEST(Documents, VariablesCountOnlyInTheNewerVersion) {
  EXPECT_EQ(
      context_keys(R"({"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:username}"}})")
          .size(),
      0u);
  EXPECT_EQ(
      context_keys(R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:username, 'x'}"}})")
          .size(),
      1u);
  EXPECT_EQ(context_keys("nonsense").size(), 0u);
}

TEST(Documents, StatementsAreFoundInTheText) {
  const auto places = [](std::string_view text) {
    std::vector<std::string> out;
    for (const auto& [begin, end] : statement_places(text)) out.emplace_back(text.substr(begin, end - begin));
    return out;
  };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(places(R"({"Id":"Statement","Statement":[{"a":{"b":[{}]}} , {"c":"}\"]"}],"Version":"x"})"),
            (Texts{R"({"a":{"b":[{}]}})", R"({"c":"}\"]"})"}));
  EXPECT_EQ(places(R"({"Statement":{"Condition":{"x":{"y":"z"}}},"Other":{"a":{}}})"), (Texts{R"({"Condition":{"x":{"y":"z"}}})"}));
  EXPECT_EQ(places(R"({"Version":"x"})"), Texts());
  EXPECT_EQ(places("{"), Texts());
}

}  // namespace
}  // namespace sallyport::iam
