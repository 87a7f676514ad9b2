// STS: who may have which temporary credentials, and what these may do.
#include "iam/testing.hpp"

namespace sallyport::iam {
namespace {

using testing::Reply;
using testing::World;

constexpr std::string_view bucket = "arn:aws:s3:::b/k";

std::string error_of(const Reply& reply) { return reply ? "" : cat(reply.code(), " ", reply.error->status, ": ", reply.message()); }

Reply assume(World& world, const aws::Caller& caller, std::string_view role, std::string_view more = {}) {
  return world.call(caller, "AssumeRole", cat(R"({"RoleArn":")", role, R"(","RoleSessionName":"ses")", more, "}"));
}

/// The role trusts everybody, so that what is tested is something else.
std::string open_role(World& world, std::string_view name) {
  const auto arn = world.role(name, cat(R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",)",
                                        R"("Action":["sts:AssumeRole","sts:TagSession"]}]})"));
  world.put_role_policy(name, World::allow("*"));
  return arn;
}

TEST(Sts, WhoAmI) {
  World world;
  const auto alice = world.user("alice");
  const auto reply = world.call(alice, "GetCallerIdentity");
  EXPECT_EQ(reply.text("Arn"), "arn:aws:iam::123456789012:user/alice");
  EXPECT_EQ(reply.text("Account"), "123456789012");
  EXPECT_EQ(reply.text("UserId"), alice.user_id);
  EXPECT_EQ(world.as_root("GetCallerIdentity").text("UserId"), "123456789012");
  EXPECT_EQ(world.as_root("GetAccessKeyInfo", cat(R"({"AccessKeyId":")", alice.access_key_id, R"("})")).text("Account"), "123456789012");
  EXPECT_EQ(world.as_root("GetAccessKeyInfo", R"({"AccessKeyId":"nonsense-nonsense"})").code(), "ValidationError");
  EXPECT_EQ(world.as_root("DecodeAuthorizationMessage", R"({"EncodedMessage":"x"})").error->status, 501);
}

TEST(Sts, ATrustPolicyThatNamesTheCallerSuffices) {
  World world;
  const auto alice = world.user("alice"), bob = world.user("bob");
  const auto role = world.role("r", World::trust(cat(R"({"AWS":")", alice.arn, R"("})")));
  world.put_role_policy("r", World::allow("s3:Get"));
  const auto reply = assume(world, alice, role);
  ASSERT_TRUE(reply) << reply.message();
  EXPECT_EQ(reply.text("AssumedRoleUser.Arn"), "arn:aws:sts::123456789012:assumed-role/r/ses");
  EXPECT_TRUE(reply.text("AssumedRoleUser.AssumedRoleId").starts_with("AROA"));
  EXPECT_TRUE(reply.text("AssumedRoleUser.AssumedRoleId").ends_with(":ses"));
  EXPECT_TRUE(reply.text("Credentials.AccessKeyId").starts_with("ASIA"));
  EXPECT_EQ(reply.text("Credentials.Expiration"), "1800003600");
  EXPECT_FALSE(reply.find("PackedPolicySize"));
  const auto session = world.session(reply);
  EXPECT_EQ(session.user_id, reply.text("AssumedRoleUser.AssumedRoleId"));
  EXPECT_EQ(session.role_arn, role);
  EXPECT_TRUE(world.may(session, "s3:Get", bucket));
  EXPECT_FALSE(world.may(session, "s3:Put", bucket));
  EXPECT_EQ(assume(world, bob, role).code(), "AccessDenied");
  world.put_user_policy("bob", "p", World::allow("*"));
  EXPECT_EQ(assume(world, bob, role).message(), cat("User: ", bob.arn, " is not authorized to perform: sts:AssumeRole on resource: ", role,
                                                    " because no resource-based policy allows the sts:AssumeRole action"));
  EXPECT_EQ(assume(world, alice, "arn:aws:iam::123456789012:role/none").code(), "AccessDenied") << "whoever may not look is not told";
}

TEST(Sts, TheAccountsTrustDelegates) {
  World world;
  const auto alice = world.user("alice");
  const auto role = world.role("r", World::trust(R"({"AWS":"arn:aws:iam::123456789012:root"})"));
  EXPECT_EQ(assume(world, alice, role).code(), "AccessDenied");
  world.put_user_policy("alice", "p", World::allow("sts:AssumeRole", role));
  EXPECT_TRUE(assume(world, alice, role));
  EXPECT_EQ(error_of(assume(world, *world.root, role)), "AccessDenied 403: Roles may not be assumed by root accounts.");
}

TEST(Sts, AcrossAccountsBothSidesAllow) {
  World world;
  const auto other_root = *world.directory.find("210987654321")->caller;
  ASSERT_TRUE(world.call(other_root, "CreateUser", R"({"UserName":"eve"})"));
  const auto key = world.call(other_root, "CreateAccessKey", R"({"UserName":"eve"})").text("AccessKey.AccessKeyId");
  const auto eve = *world.directory.find(key)->caller;
  const auto role = world.role("r", World::trust(R"({"AWS":"210987654321"})", R"(,"Condition":{"StringEquals":{"sts:ExternalId":"x1"}})"));
  world.put_role_policy("r", World::allow("s3:Get"));
  EXPECT_EQ(assume(world, eve, role, R"(,"ExternalId":"x1")").code(), "AccessDenied") << "her own account has not allowed it";
  ASSERT_TRUE(
      world.call(other_root, "PutUserPolicy",
                 cat(R"({"UserName":"eve","PolicyName":"p","PolicyDocument":)", World::quoted(World::allow("sts:AssumeRole")), "}")));
  EXPECT_EQ(assume(world, eve, role).code(), "AccessDenied");
  EXPECT_EQ(assume(world, eve, role, R"(,"ExternalId":"x2")").code(), "AccessDenied");
  const auto reply = assume(world, eve, role, R"(,"ExternalId":"x1")");
  ASSERT_TRUE(reply) << reply.message();
  const auto session = world.session(reply);
  EXPECT_EQ(session.account_id, "123456789012") << "the session is of the role's account";
  EXPECT_TRUE(world.may(session, "s3:Get", bucket));
}

TEST(Sts, WhoComesLaterUnderATrustedNameIsNotTrusted) {
  World world;
  const auto alice = world.user("alice");
  const auto role = world.role("r", World::trust(cat(R"({"AWS":")", alice.arn, R"("})")));
  EXPECT_TRUE(assume(world, alice, role));
  world.must("DeleteAccessKey", cat(R"({"UserName":"alice","AccessKeyId":")", alice.access_key_id, R"("})"));
  world.must("DeleteUser", R"({"UserName":"alice"})");
  const auto impostor = world.user("alice", World::allow("*"));
  EXPECT_EQ(impostor.arn, alice.arn);
  EXPECT_EQ(assume(world, impostor, role).code(), "AccessDenied");
  world.must("UpdateAssumeRolePolicy",
             cat(R"({"RoleName":"r","PolicyDocument":)", World::quoted(World::trust(cat(R"({"AWS":")", alice.arn, R"("})"))), "}"));
  EXPECT_TRUE(assume(world, impostor, role)) << "named anew";
}

TEST(Sts, SessionPoliciesOnlyLimit) {
  World world;
  const auto alice = world.user("alice");
  const auto role = open_role(world, "r");
  const auto logs = world.managed("logs", World::allow("logs:*"));
  const auto reply =
      assume(world, alice, role, cat(R"(,"Policy":)", World::quoted(World::allow("s3:Get")), R"(,"PolicyArns":[{"arn":")", logs, R"("}])"));
  ASSERT_TRUE(reply) << reply.message();
  EXPECT_NE(reply.text("PackedPolicySize"), "");
  const auto session = world.session(reply);
  EXPECT_TRUE(world.may(session, "s3:Get", bucket));
  EXPECT_TRUE(world.may(session, "logs:Put", "*"));
  EXPECT_EQ(world.decide(session, "s3:Put", bucket).reason, "because no session policy allows the s3:Put action");
  world.put_role_policy("r", World::allow("s3:Put"));
  EXPECT_FALSE(world.may(session, "s3:Get", bucket)) << "a session policy grants nothing";

  EXPECT_EQ(error_of(assume(world, alice, role, R"(,"Policy":"{")")).substr(0, 27), "MalformedPolicyDocument 400");
  EXPECT_EQ(assume(world, alice, role, R"(,"PolicyArns":[{"arn":"arn:aws:iam::123456789012:policy/none"}])").code(), "NoSuchEntity");
  const auto big = World::allow("s3:Get", cat("arn:aws:s3:::", std::string(2'040, 'x')));
  EXPECT_EQ(assume(world, alice, role, cat(R"(,"Policy":)", World::quoted(big))).code(), "PackedPolicyTooLarge");
}

TEST(Sts, Durations) {
  World world;
  const auto alice = world.user("alice");
  const auto role = open_role(world, "r"), second = open_role(world, "second");
  EXPECT_EQ(error_of(assume(world, alice, role, R"(,"DurationSeconds":3601)")),
            "ValidationError 400: The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  EXPECT_EQ(assume(world, alice, role, R"(,"DurationSeconds":899)").code(), "ValidationError");
  world.must("UpdateRole", R"({"RoleName":"r","MaxSessionDuration":7200})");
  world.must("UpdateRole", R"({"RoleName":"second","MaxSessionDuration":7200})");
  const auto reply = assume(world, alice, role, R"(,"DurationSeconds":7200)");
  EXPECT_EQ(reply.text("Credentials.Expiration"), "1800007200");
  EXPECT_EQ(error_of(assume(world, world.session(reply), second, R"(,"DurationSeconds":3601)")),
            "ValidationError 400: The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.");
  EXPECT_TRUE(assume(world, world.session(reply), second, R"(,"DurationSeconds":3600)"));
}

TEST(Sts, SessionTags) {
  World world;
  const auto alice = world.user("alice");
  const auto role = open_role(world, "r"), second = open_role(world, "second");
  world.must("TagRole", R"({"RoleName":"r","Tags":[{"Key":"Team","Value":"role"},{"Key":"kept","Value":"role"}]})");
  const auto reply =
      assume(world, alice, role, R"(,"Tags":[{"Key":"team","Value":"session"},{"Key":"cost","Value":"1"}],"TransitiveTagKeys":["cost"])");
  ASSERT_TRUE(reply) << reply.message();
  const auto session = world.session(reply);
  EXPECT_EQ(session.tags, (std::map<std::string, std::string, std::less<>>{{"cost", "1"}, {"kept", "role"}, {"team", "session"}}));

  const auto chained = assume(world, session, second);
  ASSERT_TRUE(chained) << chained.message();
  EXPECT_EQ(world.session(chained).tags, (std::map<std::string, std::string, std::less<>>{{"cost", "1"}})) << "only what is transitive";
  EXPECT_EQ(
      error_of(assume(world, session, second, R"(,"Tags":[{"Key":"COST","Value":"2"}])")),
      "InvalidParameterValue 400: One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key "
      "from the calling session.");
  EXPECT_EQ(error_of(assume(world, alice, role, R"(,"Tags":[{"Key":"a","Value":"1"},{"Key":"A","Value":"2"}])")),
            "InvalidParameterValue 400: Duplicate tag keys found. Please note that Tag keys are case insensitive.");
  EXPECT_EQ(error_of(assume(world, alice, role, R"(,"TransitiveTagKeys":["a"])")),
            "InvalidParameterValue 400: The specified transitive tag key must be included in the requested tags.");

  const auto untagged = world.role("untagged", World::trust(R"("*")"));
  EXPECT_TRUE(assume(world, alice, untagged));
  EXPECT_NE(assume(world, alice, untagged, R"(,"Tags":[{"Key":"a","Value":"1"}])").message().find("sts:TagSession"), std::string::npos);
}

TEST(Sts, WhatIsNotEnforcedIsRefused) {
  World world;
  const auto alice = world.user("alice");
  const auto role = open_role(world, "r");
  for (const auto* member : {R"(,"SourceIdentity":"me")", R"(,"SerialNumber":"123456789","TokenCode":"123456")"})
    EXPECT_EQ(assume(world, alice, role, member).code(), "UnsupportedOperationException") << member;
  EXPECT_EQ(error_of(world.call(alice, "AssumeRole", R"({"RoleArn":"arn:aws:iam::x:role/r","RoleSessionName":"ses"})")),
            "ValidationError 400: arn:aws:iam::x:role/r is invalid");
  EXPECT_EQ(world.call(alice, "AssumeRole", cat(R"({"RoleArn":")", role, R"(","RoleSessionName":"a/b"})")).code(), "ValidationError");
}

TEST(Sts, AUsersSessionIsTheUserButNotForIam) {
  World world;
  const auto alice = world.user("alice", World::allow("*"));
  const auto reply = world.call(alice, "GetSessionToken");
  ASSERT_TRUE(reply) << reply.message();
  EXPECT_EQ(reply.text("Credentials.Expiration"), "1800043200");
  const auto session = world.session(reply);
  EXPECT_EQ(session.arn, alice.arn);
  EXPECT_TRUE(session.token_issued_at);
  EXPECT_TRUE(world.may(session, "s3:Get", bucket));
  EXPECT_EQ(world.call(session, "GetUser").code(), "InvalidClientTokenId");
  EXPECT_EQ(world.call(session, "GetSessionToken").code(), "AccessDenied");
  EXPECT_EQ(world.call(session, "GetFederationToken", R"({"Name":"fed"})").code(), "AccessDenied");
  EXPECT_EQ(world.call(session, "GetAccessKeyInfo", R"({"AccessKeyId":"ASIAIOSFODNN7EXAMPLE"})").code(), "AccessDenied");
  EXPECT_TRUE(world.call(session, "GetCallerIdentity"));
  EXPECT_EQ(world.as_root("GetSessionToken", R"({"DurationSeconds":43200})").text("Credentials.Expiration"), "1800003600")
      << "root: an hour";
}

TEST(Sts, AFederatedUserHasWhatBothSidesAllow) {
  World world;
  const auto alice = world.user("alice", World::allow("*"));
  const auto reply = world.call(alice, "GetFederationToken", cat(R"({"Name":"fed","Policy":)", World::quoted(World::allow("s3:Get")), "}"));
  ASSERT_TRUE(reply) << reply.message();
  EXPECT_EQ(reply.text("FederatedUser.Arn"), "arn:aws:sts::123456789012:federated-user/fed");
  EXPECT_EQ(reply.text("FederatedUser.FederatedUserId"), "123456789012:fed");
  const auto fed = world.session(reply);
  EXPECT_TRUE(world.may(fed, "s3:Get", bucket));
  EXPECT_FALSE(world.may(fed, "s3:Put", bucket));
  const auto bare = world.session(world.call(alice, "GetFederationToken", R"({"Name":"bare"})"));
  EXPECT_FALSE(world.may(bare, "s3:Get", bucket)) << "without a session policy nothing";
  const auto of_root =
      world.session(world.as_root("GetFederationToken", cat(R"({"Name":"fed","Policy":)", World::quoted(World::allow("s3:Get")), "}")));
  EXPECT_TRUE(world.may(of_root, "s3:Get", bucket));
  EXPECT_FALSE(world.may(of_root, "s3:Put", bucket));
  world.put_user_policy("alice", "p", World::allow("s3:Put"));
  EXPECT_FALSE(world.may(fed, "s3:Get", bucket));
  EXPECT_EQ(world.call(alice, "GetFederationToken", R"({"Name":"fed"})").code(), "AccessDenied");
}

TEST(Sts, ExpiredSessionsAreSweptByTheNextWrite) {
  World world;
  const auto alice = world.user("alice");
  const auto reply = world.call(alice, "GetSessionToken", R"({"DurationSeconds":900})");
  const auto id = reply.text("Credentials.AccessKeyId");
  EXPECT_EQ(world.directory.find(id)->expires, WallTime(std::chrono::seconds(1'800'000'900)));
  world.now += std::chrono::seconds(899);
  world.call(alice, "GetSessionToken");
  EXPECT_TRUE(world.directory.find(id));
  world.now += std::chrono::seconds(1);
  world.call(alice, "GetSessionToken");
  EXPECT_FALSE(world.directory.find(id));
  EXPECT_EQ(world.store->records().count({"iam", "123456789012", "", "session", id}), 0u);
}

TEST(Sts, NobodyVouchesForWebIdentities) {
  World world;
  const auto claims = to_base64url(R"({"iss":"https://issuer.example","sub":"x"})");
  const auto with = [&](std::string_view token) {
    return error_of(world.as_root(
        "AssumeRoleWithWebIdentity",
        cat(R"({"RoleArn":"arn:aws:iam::123456789012:role/r","RoleSessionName":"ses",)", R"("WebIdentityToken":")", token, R"("})")));
  };
  EXPECT_EQ(with(cat("e30.", claims, ".c2ln")),
            "InvalidIdentityToken 400: No OpenIDConnect provider found in your account for https://issuer.example");
  EXPECT_TRUE(with("nonsense").starts_with("InvalidIdentityToken 400: The ID Token provided is not a valid JWT."));
}

}  // namespace
}  // namespace sallyport::iam
