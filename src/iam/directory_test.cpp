// What callers may do, as they come out of the real operations.
#include "iam/directory.hpp"

#include "iam/ids.hpp"
#include "iam/testing.hpp"

namespace sallyport::iam {
namespace {

using testing::World;

constexpr std::string_view bucket = "arn:aws:s3:::b/k";
constexpr std::string_view lambda_trust = R"({"Service":"lambda.amazonaws.com"})";

std::string granting(std::string_view principal) {
  return cat(R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get","Resource":"*","Principal":)", principal, "}]}");
}

TEST(Directory, AUserMayWhatItsPoliciesSay) {
  World world;
  const auto alice = world.user("alice", World::allow("s3:Get", "arn:aws:s3:::b/*"));
  EXPECT_TRUE(world.may(alice, "s3:Get", bucket));
  EXPECT_FALSE(world.may(alice, "s3:Put", bucket));
  EXPECT_EQ(world.decide(alice, "s3:Put", bucket).reason, "because no identity-based policy allows the s3:Put action");
}

TEST(Directory, EveryKindOfIdentityPolicyCountsAndADenyInAnyWins) {
  World world;
  const auto alice = world.user("alice");
  EXPECT_FALSE(world.may(alice, "s3:Get", bucket));
  world.must("CreateGroup", R"({"GroupName":"g"})");
  world.must("AddUserToGroup", R"({"GroupName":"g","UserName":"alice"})");
  const auto arn = world.managed("m", World::allow("s3:Get"));
  world.must("AttachGroupPolicy", cat(R"({"GroupName":"g","PolicyArn":")", arn, R"("})"));
  EXPECT_TRUE(world.may(alice, "s3:Get", bucket)) << "a managed policy of a group";

  world.must("CreatePolicyVersion",
             cat(R"({"PolicyArn":")", arn, R"(","SetAsDefault":true,"PolicyDocument":)", World::quoted(World::allow("s3:Put")), "}"));
  EXPECT_FALSE(world.may(alice, "s3:Get", bucket)) << "the default version counts";
  EXPECT_TRUE(world.may(alice, "s3:Put", bucket));

  world.must("PutGroupPolicy", cat(R"({"GroupName":"g","PolicyName":"d","PolicyDocument":)", World::quoted(World::deny("s3:*")), "}"));
  EXPECT_EQ(world.decide(alice, "s3:Put", bucket).reason, "with an explicit deny in an identity-based policy");
  EXPECT_FALSE(world.may(alice, "s3:Get", bucket, granting(R"("*")"))) << "over a resource policy too";
  world.must("RemoveUserFromGroup", R"({"GroupName":"g","UserName":"alice"})");
  EXPECT_FALSE(world.may(alice, "s3:Put", bucket));
  EXPECT_TRUE(world.may(alice, "s3:Get", bucket, granting(R"("*")")));
}

TEST(Directory, ABoundaryLimitsAndNeverGrants) {
  World world;
  const auto alice = world.user("alice", World::allow("*"));
  const auto arn = world.managed("limit", World::allow("s3:Get"));
  world.must("PutUserPermissionsBoundary", cat(R"({"UserName":"alice","PermissionsBoundary":")", arn, R"("})"));
  EXPECT_TRUE(world.may(alice, "s3:Get", bucket));
  EXPECT_EQ(world.decide(alice, "s3:Put", bucket).reason, "because no permissions boundary allows the s3:Put action");
  world.must("PutUserPolicy", cat(R"({"UserName":"alice","PolicyName":"p","PolicyDocument":)", World::quoted(World::allow("s3:Put")), "}"));
  EXPECT_FALSE(world.may(alice, "s3:Get", bucket));
  world.must("DeleteUserPermissionsBoundary", R"({"UserName":"alice"})");
  EXPECT_TRUE(world.may(alice, "s3:Put", bucket));
}

TEST(Directory, AGrantToTheRoleIsLimitedByItsBoundaryAndOneToTheSessionIsNot) {
  World world;
  const auto role = world.role("r", World::trust(R"({"AWS":"123456789012"})"));
  const auto alice = world.user("alice", World::allow("sts:AssumeRole"));
  const auto limit = world.managed("limit", World::allow("logs:*"));
  world.must("PutRolePermissionsBoundary", cat(R"({"RoleName":"r","PermissionsBoundary":")", limit, R"("})"));
  const auto session = world.session(world.call(alice, "AssumeRole", cat(R"({"RoleArn":")", role, R"(","RoleSessionName":"ses"})")));
  const auto to_role = granting(cat(R"({"AWS":")", role, R"("})"));
  const auto to_session = granting(R"({"AWS":"arn:aws:sts::123456789012:assumed-role/r/ses"})");
  EXPECT_EQ(world.decide(session, "s3:Get", bucket, to_role, "123456789012").reason,
            "because no permissions boundary allows the s3:Get action");
  EXPECT_TRUE(world.may(session, "s3:Get", bucket, to_session));
  world.must("DeleteRolePermissionsBoundary", R"({"RoleName":"r"})");
  EXPECT_TRUE(world.may(session, "s3:Get", bucket, to_role));
}

TEST(Directory, AGrantToTheAccountNeedsAnIdentityPolicyToo) {
  World world;
  const auto alice = world.user("alice");
  const auto to_account = granting(R"({"AWS":"arn:aws:iam::123456789012:root"})");
  EXPECT_FALSE(world.may(alice, "s3:Get", bucket, to_account));
  EXPECT_TRUE(world.may(alice, "s3:Get", bucket, granting(cat(R"({"AWS":")", alice.arn, R"("})"))));
  world.put_user_policy("alice", "p", World::allow("s3:Get"));
  EXPECT_TRUE(world.may(alice, "s3:Get", bucket, to_account));
}

TEST(Directory, AcrossAccountsBothSidesMustAllow) {
  World world;
  const auto alice = world.user("alice");
  const auto grant = granting(cat(R"({"AWS":")", alice.arn, R"("})"));
  EXPECT_EQ(world.decide(alice, "s3:Get", bucket, grant, "210987654321").reason,
            "because no identity-based policy allows the s3:Get action");
  world.put_user_policy("alice", "p", World::allow("s3:Get"));
  EXPECT_EQ(world.decide(alice, "s3:Get", bucket, {}, "210987654321").reason, "because no resource-based policy allows the s3:Get action");
  EXPECT_TRUE(world.decide(alice, "s3:Get", bucket, grant, "210987654321"));
  EXPECT_FALSE(world.decide(*world.root, "s3:Get", bucket, {}, "210987654321")) << "a root is root at home";
  EXPECT_TRUE(world.may(*world.root, "s3:Get", bucket));
}

TEST(Directory, ConditionsSeeTheCircumstances) {
  World world;
  const auto alice = world.user("alice");
  world.must("TagUser", R"({"UserName":"alice","Tags":[{"Key":"team","Value":"blue"}]})");
  const auto holds = [&](std::string_view condition) {
    world.put_user_policy("alice", "p", World::allow("s3:Get", "*", cat(R"(,"Condition":)", condition)));
    const auto key = world.must("ListAccessKeys", R"({"UserName":"alice"})").text("AccessKeyMetadata.0.AccessKeyId");
    return world.may(*world.directory.find(key)->caller, "s3:Get", bucket);
  };
  EXPECT_TRUE(holds(R"({"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}})"));
  EXPECT_FALSE(holds(R"({"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}})"));
  EXPECT_TRUE(holds(R"({"DateGreaterThan":{"aws:CurrentTime":"2027-01-01T00:00:00Z"},"NumericLessThan":{"aws:EpochTime":"1800000001"}})"));
  EXPECT_FALSE(holds(R"({"DateLessThan":{"aws:CurrentTime":"2027-01-01T00:00:00Z"}})"));
  EXPECT_TRUE(holds(R"({"Bool":{"aws:SecureTransport":"false"},"StringEquals":{"aws:RequestedRegion":"us-east-1"}})"));
  EXPECT_TRUE(holds(R"({"StringEquals":{"aws:PrincipalTag/TEAM":"blue","aws:username":"alice","aws:PrincipalType":"User"}})"));
  EXPECT_TRUE(holds(R"({"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::123456789012:user/alice"}})"));
  EXPECT_TRUE(holds(R"({"Null":{"aws:TokenIssueTime":"true","aws:MultiFactorAuthPresent":"true","aws:UserAgent":"true"}})"));
  EXPECT_TRUE(holds(R"({"Bool":{"aws:PrincipalIsAWSService":"false","aws:ViaAWSService":"false"}})"));
  EXPECT_FALSE(holds(R"({"StringEquals":{"aws:PrincipalTag/team":"red"}})"));
}

TEST(Directory, OnePolicyThatCannotBeReadDeniesEverything) {
  World world;
  const auto alice = world.user("alice", World::allow("*"));
  ASSERT_TRUE(world.may(alice, "s3:Get", bucket));
  auto state = *world.ledger.read({.account_id = "123456789012", .region = ""});
  edit(state.users, "alice")->inline_policies["q"] = R"({"Statement":[{"Effect":"Deny","Acton":"*","Resource":"*"}]})";
  world.directory.publish(std::make_shared<const State>(state));
  EXPECT_FALSE(world.may(alice, "s3:Get", bucket));
  EXPECT_FALSE(world.may(alice, "s3:Get", bucket, granting(R"("*")"))) << "it could have been the one with the Deny";
  const auto explained = world.directory.explain(alice, {.action = "s3:Get", .resource = std::string(bucket)}, world.circumstances());
  EXPECT_NE(explained.find("note")->string()->find("inline policy q of user alice"), std::string::npos);
}

TEST(Directory, KeysAreFoundWhileTheirUserLives) {
  World world;
  const auto alice = world.user("alice", World::allow("*"));
  const auto found = world.directory.find(alice.access_key_id);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->active);
  EXPECT_EQ(found->caller->arn, "arn:aws:iam::123456789012:user/alice");
  EXPECT_EQ(found->secret_access_key.reveal().size(), 40u);
  EXPECT_FALSE(world.directory.find("AKIAIOSFODNN7EXAMPLE"));
  EXPECT_FALSE(world.directory.find(""));
  EXPECT_FALSE(world.directory.find(std::string(5'000, 'A')));

  world.must("UpdateAccessKey", cat(R"({"UserName":"alice","Status":"Inactive","AccessKeyId":")", alice.access_key_id, R"("})"));
  EXPECT_FALSE(world.directory.find(alice.access_key_id)->active);
  world.must("DeleteAccessKey", cat(R"({"UserName":"alice","AccessKeyId":")", alice.access_key_id, R"("})"));
  EXPECT_FALSE(world.directory.find(alice.access_key_id));

  world.must("DeleteUserPolicy", R"({"UserName":"alice","PolicyName":"p"})");
  world.must("DeleteUser", R"({"UserName":"alice"})");
  EXPECT_FALSE(world.may(alice, "s3:Get", bucket, granting(R"("*")"))) << "who is gone may nothing, whoever else may";
  world.user("alice", World::allow("*"));
  EXPECT_FALSE(world.may(alice, "s3:Get", bucket)) << "the next of that name is somebody else";
}

TEST(Directory, RootKeysComeFromTheConfiguration) {
  World world;
  const auto root = world.directory.find("test");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->caller->kind, aws::CallerKind::root);
  EXPECT_EQ(root->caller->arn, "arn:aws:iam::123456789012:root");
  EXPECT_TRUE(root->secret_access_key.equals("test"));
  const auto other = world.directory.find("210987654321");
  ASSERT_TRUE(other);
  EXPECT_EQ(other->caller->account_id, "210987654321");
  EXPECT_TRUE(other->secret_access_key.equals("test"));
  EXPECT_FALSE(world.directory.find("21098765432")) << "eleven digits";
  EXPECT_FALSE(world.directory.find("21098765432x"));

  testing::MemoryStore store;
  Directory strict(store, world.random, {});
  EXPECT_FALSE(strict.find("test"));
  EXPECT_FALSE(strict.find("210987654321"));
}

TEST(Directory, AccountsAreApart) {
  World world;
  const auto alice = world.user("alice", World::allow("*"));
  const auto other_root = *world.directory.find("210987654321")->caller;
  EXPECT_EQ(world.call(other_root, "GetUser", R"({"UserName":"alice"})").code(), "NoSuchEntity");
  EXPECT_TRUE(world.call(other_root, "CreateUser", R"({"UserName":"alice"})"));
  const auto key = world.call(other_root, "CreateAccessKey", R"({"UserName":"alice"})").text("AccessKey.AccessKeyId");
  EXPECT_EQ(account_of_access_key_id(key), "210987654321");
  EXPECT_EQ(account_of_access_key_id(alice.access_key_id), "123456789012");
  EXPECT_EQ(world.directory.find(key)->caller->arn, "arn:aws:iam::210987654321:user/alice");
  EXPECT_FALSE(world.may(*world.directory.find(key)->caller, "s3:Get", bucket));
}

TEST(Directory, ARestartKeepsEverything) {
  World world;
  const auto alice = world.user("alice", World::allow("sts:AssumeRole"));
  const auto role = world.role("r", World::trust(cat(R"({"AWS":")", alice.arn, R"("})")));
  world.put_role_policy("r", World::allow("s3:Get"));
  world.must("CreateGroup", R"({"GroupName":"g","Path":"/x/"})");
  world.must("AddUserToGroup", R"({"GroupName":"g","UserName":"alice"})");
  world.must("CreateInstanceProfile", R"({"InstanceProfileName":"i","Tags":[{"Key":"a","Value":"b"}]})");
  world.must("AddRoleToInstanceProfile", R"({"InstanceProfileName":"i","RoleName":"r"})");
  world.must("TagRole", R"({"RoleName":"r","Tags":[{"Key":"team","Value":"blue"}]})");
  const auto arn = world.managed("m", World::allow("logs:*"));
  world.must("AttachUserPolicy", cat(R"({"UserName":"alice","PolicyArn":")", arn, R"("})"));
  const auto reply = world.call(alice, "AssumeRole",
                                cat(R"({"RoleArn":")", role, R"(","RoleSessionName":"ses","Tags":[],"Policy":)",
                                    World::quoted(World::allow("s3:*", "arn:aws:s3:::b/*")), "}"));
  ASSERT_TRUE(reply) << reply.message();
  const auto details = world.must("GetAccountAuthorizationDetails", "{}");

  const auto again = world.restarted();
  EXPECT_EQ(json::to_text(again->must("GetAccountAuthorizationDetails", "{}").value), json::to_text(details.value));
  EXPECT_EQ(again->must("GetInstanceProfile", R"({"InstanceProfileName":"i"})").text("InstanceProfile.Tags.0.Key"), "a");
  const auto key = again->directory.find(alice.access_key_id);
  ASSERT_TRUE(key);
  EXPECT_TRUE(key->secret_access_key.equals(world.directory.find(alice.access_key_id)->secret_access_key.reveal()));
  EXPECT_TRUE(again->may(*key->caller, "logs:x", bucket));
  const auto session = again->directory.find(reply.text("Credentials.AccessKeyId"));
  ASSERT_TRUE(session);
  EXPECT_TRUE(session->session_token->equals(reply.text("Credentials.SessionToken")));
  EXPECT_TRUE(session->secret_access_key.equals(reply.text("Credentials.SecretAccessKey")));
  EXPECT_EQ(session->caller->tags.at("team"), "blue");
  EXPECT_TRUE(again->may(*session->caller, "s3:Get", bucket));
  EXPECT_FALSE(again->may(*session->caller, "s3:Get", "arn:aws:s3:::other/k")) << "its session policy came back";
  EXPECT_TRUE(again->directory.unopened_keys().empty());
}

TEST(Directory, NoSecretIsStoredAsItIs) {
  World world;
  world.must("CreateUser", R"({"UserName":"alice"})");
  const auto secret = world.must("CreateAccessKey", R"({"UserName":"alice"})").text("AccessKey.SecretAccessKey");
  const auto token = world.must("GetSessionToken", "{}");
  for (const auto& [key, value] : world.store->records()) {
    EXPECT_EQ(value.find(secret), value.npos) << key.kind;
    EXPECT_EQ(value.find(token.text("Credentials.SecretAccessKey")), value.npos) << key.kind;
    EXPECT_EQ(value.find(token.text("Credentials.SessionToken")), value.npos) << key.kind;
    EXPECT_EQ(key.region, "") << "IAM is global";
  }
  world.store->key = 0x33;
  const auto again = world.restarted();
  EXPECT_EQ(again->directory.unopened_keys().size(), 2u);
  EXPECT_FALSE(again->directory.find(token.text("Credentials.AccessKeyId")));
}

TEST(Directory, ARecordThisVersionDoesNotKnowStopsTheStart) {
  State state;
  const store::Key key{"iam", "123456789012", "", "user", "a"};
  EXPECT_FALSE(restore(state, {key, R"({"name":"a"})"}));
  EXPECT_FALSE(restore(state, {{"iam", "123456789012", "", "dog", "a"}, "{}"}));
  World world;
  world.user("alice");
  auto text = world.store->records().at({"iam", "123456789012", "", "user", "alice"});
  EXPECT_TRUE(restore(state, {key, text}));
  text.insert(text.size() - 1, R"(,"paws":"4")");
  const auto refused = restore(state, {key, text});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "iam user `a` has `paws`, which this version does not know");
}

TEST(Directory, AFailedWriteChangesNothing) {
  World world;
  world.store->failing = true;
  EXPECT_EQ(world.as_root("CreateUser", R"({"UserName":"alice"})").code(), "ServiceException");
  world.store->failing = false;
  EXPECT_EQ(world.as_root("GetUser", R"({"UserName":"alice"})").code(), "NoSuchEntity");
  EXPECT_TRUE(world.as_root("CreateUser", R"({"UserName":"alice"})"));
}

TEST(Directory, FunctionsGetTheirRolesCredentials) {
  World world;
  const auto arn = world.role("fn", World::trust(lambda_trust));
  world.put_role_policy("fn", World::allow("s3:Get"));
  const RoleSessionRequest request{.role_arn = arn, .session_name = "my-function"};
  const auto issued = world.directory.issue_role_session(request, world.now);
  ASSERT_TRUE(issued) << issued.error().message;
  EXPECT_TRUE(issued->access_key_id.starts_with("ASIA"));
  const auto credential = world.directory.find(issued->access_key_id);
  ASSERT_TRUE(credential);
  EXPECT_TRUE(credential->session_token->equals(issued->session_token.reveal()));
  EXPECT_EQ(credential->expires, issued->expiration);
  const auto caller = *credential->caller;
  EXPECT_EQ(caller.arn, "arn:aws:sts::123456789012:assumed-role/fn/my-function");
  EXPECT_TRUE(world.may(caller, "s3:Get", bucket));
  EXPECT_FALSE(world.may(caller, "s3:Put", bucket));
  EXPECT_EQ(world.call(caller, "GetCallerIdentity").text("Arn"), caller.arn);

  world.must("DeleteRolePolicy", R"({"RoleName":"fn","PolicyName":"p"})");
  EXPECT_FALSE(world.may(caller, "s3:Get", bucket)) << "what the role loses, its sessions lose";
  world.must("DeleteRole", R"({"RoleName":"fn"})");
  EXPECT_FALSE(world.directory.find(issued->access_key_id));
  const auto next = world.role("fn", World::trust(lambda_trust));
  world.put_role_policy("fn", World::allow("s3:Get"));
  EXPECT_FALSE(world.directory.find(issued->access_key_id)) << "the next role of that name is another";
  EXPECT_FALSE(world.may(caller, "s3:Get", bucket));
}

TEST(Directory, EnvironmentsOfOneFunctionShareASessionForAWhile) {
  World world;
  const auto arn = world.role("fn", World::trust(lambda_trust));
  const auto issue = [&](std::string name, WallTime now) {
    const auto issued =
        world.directory.issue_role_session({.role_arn = arn, .session_name = std::move(name), .shared_for = std::chrono::minutes(10)}, now);
    EXPECT_TRUE(issued) << issued.error().message;
    EXPECT_GE(issued->expiration, now + std::chrono::hours(12));
    return issued->access_key_id;
  };
  const auto first = issue("f", world.now);
  EXPECT_EQ(issue("f", world.now + std::chrono::minutes(9)), first);
  EXPECT_NE(issue("g", world.now), first) << "each is named like its function";
  const auto later = issue("f", world.now + std::chrono::minutes(10));
  EXPECT_NE(later, first);
  EXPECT_TRUE(world.directory.find(first)) << "whoever has it uses it to its end";
  issue("f", world.now + std::chrono::hours(13));
  EXPECT_FALSE(world.directory.find(first));
  const auto before = issue("f", world.now);
  world.must("DeleteRole", R"({"RoleName":"fn"})");
  world.role("fn", World::trust(lambda_trust));
  EXPECT_NE(issue("f", world.now), before) << "the next role of that name is another";
}

TEST(Directory, ServiceSessionsAreSoAndSoMany) {
  World world;
  const auto arn = world.role("fn", World::trust(lambda_trust));
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < limits::service_sessions_max + 2; ++i) {
    world.now += std::chrono::milliseconds(500);
    keys.push_back(world.directory.issue_role_session({.role_arn = arn, .session_name = "f"}, world.now)->access_key_id);
  }
  std::size_t there = 0;
  for (const auto& key : keys) there += world.directory.find(key) != nullptr;
  EXPECT_EQ(there, limits::service_sessions_max);
  EXPECT_FALSE(world.directory.find(keys.front())) << "the oldest went";
  EXPECT_TRUE(world.directory.find(keys.back()));
}

TEST(Directory, OnlyARoleThatTrustsLambdaIsAFunctionsRole) {
  World world;
  const auto refusal = [&](std::string arn, std::string source = {}) {
    const auto checked =
        world.directory.check_service_role({.role_arn = std::move(arn), .session_name = "f", .source_arn = source}, world.now);
    return checked ? "" : cat(checked.error().code, ": ", checked.error().message);
  };
  const std::string refused = "InvalidParameterValueException: The role defined for the function cannot be assumed by Lambda.";
  EXPECT_EQ(refusal("arn:aws:iam::123456789012:role/nobody"), refused);
  EXPECT_EQ(refusal("nonsense"), refused);
  EXPECT_EQ(refusal(world.role("other", World::trust(R"({"Service":"apigateway.amazonaws.com"})"))), refused);
  EXPECT_EQ(refusal(world.role("users", World::trust(R"({"AWS":"123456789012"})"))), refused);
  EXPECT_EQ(refusal(world.role("good", World::trust(lambda_trust))), "");
  const auto picky =
      world.role("picky", World::trust(lambda_trust, R"(,"Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:lambda:*:*:function:f"}})"));
  EXPECT_EQ(refusal(picky), refused);
  EXPECT_EQ(refusal(picky, "arn:aws:lambda:us-east-1:123456789012:function:f"), "");
}

TEST(Directory, ExplainShowsEveryStatement) {
  World world;
  const auto alice = world.user("alice", World::allow("s3:Get", "arn:aws:s3:::other/*"));
  const auto explained = world.directory.explain(alice, {.action = "s3:Get", .resource = std::string(bucket)}, world.circumstances());
  const auto text = json::to_text(explained);
  EXPECT_EQ(*explained.find("decision")->string(), "implicitDeny");
  EXPECT_NE(text.find("inline policy p of user alice"), text.npos);
  EXPECT_NE(text.find("is not among [arn:aws:s3:::other/*]"), text.npos) << text;
  EXPECT_NE(text.find(R"("aws:username":["alice"])"), text.npos);
}

TEST(Directory, CallersByTheirArn) {
  World world;
  world.user("alice", World::allow("s3:Get"));
  const auto role = world.role("r", World::trust(lambda_trust));
  world.put_role_policy("r", World::allow("s3:Put"));
  EXPECT_TRUE(world.may(*world.directory.caller_of("arn:aws:iam::123456789012:user/alice"), "s3:Get", bucket));
  const auto caller = world.directory.caller_of(role, "BackplaneAssumeRoleSession");
  EXPECT_EQ(caller->arn, "arn:aws:sts::123456789012:assumed-role/r/BackplaneAssumeRoleSession");
  EXPECT_TRUE(world.may(*caller, "s3:Put", bucket));
  EXPECT_FALSE(world.directory.caller_of("arn:aws:iam::123456789012:user/bob"));
}

TEST(Directory, LastUsesAreShownAndThenStored) {
  World world;
  const auto alice = world.user("alice");
  const auto asked = cat(R"({"AccessKeyId":")", alice.access_key_id, R"("})");
  EXPECT_EQ(world.must("GetAccessKeyLastUsed", asked).text("AccessKeyLastUsed.Region"), "N/A");
  world.directory.note_use(alice, "lambda", "eu-west-1", world.now);
  EXPECT_EQ(world.must("GetAccessKeyLastUsed", asked).text("AccessKeyLastUsed.Region"), "eu-west-1");
  EXPECT_EQ(world.restarted()->must("GetAccessKeyLastUsed", asked).text("AccessKeyLastUsed.Region"), "N/A");
  world.must("CreateUser", R"({"UserName":"bob"})");
  const auto kept = world.restarted()->must("GetAccessKeyLastUsed", asked);
  EXPECT_EQ(kept.text("AccessKeyLastUsed.ServiceName"), "lambda");
  EXPECT_EQ(kept.text("AccessKeyLastUsed.LastUsedDate"), "1800000000");
}

}  // namespace
}  // namespace sallyport::iam
