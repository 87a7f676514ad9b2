// IAM's operations: what they answer, and what they refuse with which words.
#include "iam/aws_managed.hpp"
#include "iam/document.hpp"
#include "iam/ids.hpp"
#include "iam/testing.hpp"

namespace sallyport::iam {
namespace {

using testing::Reply;
using testing::World;

std::string error_of(const Reply& reply) { return reply ? "" : cat(reply.code(), " ", reply.error->status, ": ", reply.message()); }

std::string decoded(std::string_view text) { return percent_decode(text).value_or("broken"); }

constexpr std::string_view lambda_trust = R"({"Service":"lambda.amazonaws.com"})";

TEST(Iam, Users) {
  World world;
  const auto made = world.must("CreateUser", R"({"UserName":"Alice","Path":"/dev/","Tags":[{"Key":"team","Value":"blue"}]})");
  EXPECT_EQ(made.text("User.Arn"), "arn:aws:iam::123456789012:user/dev/Alice");
  EXPECT_EQ(made.text("User.UserId").size(), 21u);
  EXPECT_TRUE(made.text("User.UserId").starts_with("AIDA"));
  EXPECT_EQ(made.text("User.CreateDate"), "1800000000");
  EXPECT_EQ(made.text("User.Tags.0.Value"), "blue");
  EXPECT_EQ(error_of(world.as_root("CreateUser", R"({"UserName":"alice"})")),
            "EntityAlreadyExists 409: User with name alice already exists.");
  EXPECT_EQ(error_of(world.as_root("GetUser", R"({"UserName":"alice"})")), "NoSuchEntity 404: The user with name alice cannot be found.");
  EXPECT_EQ(world.as_root("CreateUser", R"({"UserName":"a b"})").code(), "ValidationError");
  EXPECT_EQ(world.as_root("CreateUser", R"({"UserName":"x","Path":"dev"})").code(), "ValidationError");
  EXPECT_EQ(world.as_root("CreateUser", R"({"UserName":"x","Tags":[{"Key":"a","Value":""},{"Key":"A","Value":""}]})").code(),
            "InvalidInput");

  world.must("CreateUser", R"({"UserName":"bob"})");
  EXPECT_EQ(world.must("ListUsers", "{}").count("Users"), 2u);
  EXPECT_EQ(world.must("ListUsers", R"({"PathPrefix":"/dev/"})").text("Users.0.UserName"), "Alice");
  EXPECT_FALSE(world.must("ListUsers", "{}").find("Users.0.Tags")) << "lists show no tags";

  EXPECT_EQ(error_of(world.as_root("UpdateUser", R"({"UserName":"bob","NewUserName":"ALICE"})")),
            "EntityAlreadyExists 409: User with name ALICE already exists.");
  world.must("UpdateUser", R"({"UserName":"Alice","NewUserName":"alice","NewPath":"/"})");
  EXPECT_EQ(world.must("GetUser", R"({"UserName":"alice"})").text("User.UserId"), made.text("User.UserId"));
  EXPECT_EQ(world.must("GetUser", R"({"UserName":"alice"})").text("User.Arn"), "arn:aws:iam::123456789012:user/alice");
  const auto again = world.restarted();
  EXPECT_EQ(again->must("ListUsers", "{}").count("Users"), 2u) << "the old spelling is gone from the store";
}

TEST(Iam, AUserIsDeletedWhenNothingIsLeftOfIt) {
  World world;
  world.user("alice", World::allow("*"));
  const auto refusal = [&] { return error_of(world.as_root("DeleteUser", R"({"UserName":"alice"})")); };
  EXPECT_EQ(refusal(), "DeleteConflict 409: Cannot delete entity, must delete access keys first.");
  const auto key = world.must("ListAccessKeys", R"({"UserName":"alice"})").text("AccessKeyMetadata.0.AccessKeyId");
  world.must("DeleteAccessKey", cat(R"({"UserName":"alice","AccessKeyId":")", key, R"("})"));
  EXPECT_EQ(refusal(), "DeleteConflict 409: Cannot delete entity, must delete policies first.");
  world.must("DeleteUserPolicy", R"({"UserName":"alice","PolicyName":"p"})");
  world.must("AttachUserPolicy", R"({"UserName":"alice","PolicyArn":"arn:aws:iam::aws:policy/ReadOnlyAccess"})");
  EXPECT_EQ(refusal(), "DeleteConflict 409: Cannot delete entity, must detach all policies first.");
  world.must("DetachUserPolicy", R"({"UserName":"alice","PolicyArn":"arn:aws:iam::aws:policy/ReadOnlyAccess"})");
  world.must("CreateGroup", R"({"GroupName":"g"})");
  world.must("AddUserToGroup", R"({"UserName":"alice","GroupName":"g"})");
  EXPECT_EQ(refusal(), "DeleteConflict 409: Cannot delete entity, must remove users from group first.");
  EXPECT_EQ(error_of(world.as_root("DeleteGroup", R"({"GroupName":"g"})")),
            "DeleteConflict 409: Cannot delete entity, must remove users from group first.");
  world.must("RemoveUserFromGroup", R"({"UserName":"alice","GroupName":"g"})");
  EXPECT_EQ(refusal(), "");
  EXPECT_EQ(refusal(), "NoSuchEntity 404: The user with name alice cannot be found.");
  EXPECT_TRUE(world.as_root("DeleteGroup", R"({"GroupName":"g"})"));
  EXPECT_TRUE(world.store->records().empty());
}

TEST(Iam, AccessKeys) {
  World world;
  world.must("CreateUser", R"({"UserName":"alice"})");
  const auto made = world.must("CreateAccessKey", R"({"UserName":"alice"})");
  EXPECT_EQ(made.text("AccessKey.AccessKeyId").size(), 20u);
  EXPECT_EQ(made.text("AccessKey.Status"), "Active");
  EXPECT_EQ(made.text("AccessKey.SecretAccessKey").size(), 40u);
  world.must("CreateAccessKey", R"({"UserName":"alice"})");
  EXPECT_EQ(error_of(world.as_root("CreateAccessKey", R"({"UserName":"alice"})")),
            "LimitExceeded 409: Cannot exceed quota for AccessKeysPerUser: 2");
  EXPECT_EQ(world.must("ListAccessKeys", R"({"UserName":"alice"})").text("IsTruncated"), "false");
  EXPECT_EQ(json::to_text(world.must("ListAccessKeys", R"({"UserName":"alice"})").value).find("Secret"), std::string::npos);
  EXPECT_EQ(error_of(world.as_root("DeleteAccessKey", R"({"UserName":"alice","AccessKeyId":"AKIAIOSFODNN7EXAMPLE"})")),
            "NoSuchEntity 404: The Access Key with id AKIAIOSFODNN7EXAMPLE cannot be found.");
  EXPECT_EQ(error_of(world.as_root("CreateAccessKey")),
            "ValidationError 400: Must specify userName when calling with non-User credentials");
}

TEST(Iam, ToolsThatDeleteAUserFindNothingElseOfIt) {
  World world;
  world.must("CreateUser", R"({"UserName":"alice"})");
  EXPECT_EQ(world.must("ListMFADevices", R"({"UserName":"alice"})").text("IsTruncated"), "false");
  EXPECT_EQ(world.must("ListSSHPublicKeys", R"({"UserName":"alice"})").count("SSHPublicKeys"), 0u);
  EXPECT_EQ(world.must("ListSigningCertificates", R"({"UserName":"alice"})").count("Certificates"), 0u);
  EXPECT_EQ(error_of(world.as_root("DeleteLoginProfile", R"({"UserName":"alice"})")),
            "NoSuchEntity 404: Login Profile for User alice cannot be found.");
  EXPECT_EQ(world.as_root("ListMFADevices", R"({"UserName":"bob"})").code(), "NoSuchEntity");
}

TEST(Iam, ACallerWithoutANameMeansItself) {
  World world;
  const auto alice = world.user("alice", World::allow("iam:*", "arn:aws:iam::123456789012:user/alice"));
  EXPECT_EQ(world.call(alice, "GetUser").text("User.UserName"), "alice");
  EXPECT_EQ(world.call(alice, "ListAccessKeys").count("AccessKeyMetadata"), 1u);
  EXPECT_EQ(world.as_root("GetUser").text("User.Arn"), "arn:aws:iam::123456789012:root");
  EXPECT_EQ(error_of(world.call(alice, "GetUser", R"({"UserName":"bob"})")),
            "AccessDenied 403: User: arn:aws:iam::123456789012:user/alice is not authorized to perform: iam:GetUser on resource: "
            "arn:aws:iam::123456789012:user/bob because no identity-based policy allows the iam:GetUser action");
}

TEST(Iam, Roles) {
  World world;
  const auto trust = World::trust(lambda_trust);
  const auto made = world.must("CreateRole", cat(R"({"RoleName":"r","Path":"/p/","AssumeRolePolicyDocument":)", World::quoted(trust), "}"));
  EXPECT_EQ(made.text("Role.Arn"), "arn:aws:iam::123456789012:role/p/r");
  EXPECT_EQ(decoded(made.text("Role.AssumeRolePolicyDocument")), trust);
  EXPECT_EQ(made.text("Role.AssumeRolePolicyDocument").find_first_of("{\": "), std::string::npos) << "percent-encoded";
  EXPECT_FALSE(made.find("Role.MaxSessionDuration"));
  const auto shown = world.must("GetRole", R"({"RoleName":"r"})");
  EXPECT_EQ(shown.text("Role.MaxSessionDuration"), "3600");
  EXPECT_EQ(shown.text("Role.RoleLastUsed"), "{}");
  EXPECT_FALSE(shown.find("Role.Description"));
  world.must("UpdateRole", R"({"RoleName":"r","Description":"d","MaxSessionDuration":7200})");
  EXPECT_EQ(world.must("GetRole", R"({"RoleName":"r"})").text("Role.Description"), "d");
  EXPECT_EQ(world.must("UpdateRoleDescription", R"({"RoleName":"r","Description":"e"})").text("Role.Description"), "e");
  EXPECT_EQ(world.as_root("UpdateRole", R"({"RoleName":"r","MaxSessionDuration":43201})").code(), "ValidationError");
  EXPECT_EQ(world.must("GetRole", R"({"RoleName":"r"})").text("Role.MaxSessionDuration"), "7200")
      << "a refused change leaves nothing behind";
  EXPECT_EQ(error_of(world.as_root("GetRole", R"({"RoleName":"x"})")), "NoSuchEntity 404: The role with name x cannot be found.");
  EXPECT_EQ(world.as_root("CreateRole", cat(R"({"RoleName":"R","AssumeRolePolicyDocument":)", World::quoted(trust), "}")).message(),
            "Role with name R already exists.");
  EXPECT_EQ(world.must("ListRoles", "{}").text("Roles.0.RoleName"), "r");

  world.must("CreateInstanceProfile", R"({"InstanceProfileName":"i"})");
  world.must("AddRoleToInstanceProfile", R"({"InstanceProfileName":"i","RoleName":"r"})");
  EXPECT_EQ(world.must("ListInstanceProfilesForRole", R"({"RoleName":"r"})").text("InstanceProfiles.0.InstanceProfileName"), "i");
  EXPECT_EQ(error_of(world.as_root("DeleteRole", R"({"RoleName":"r"})")),
            "DeleteConflict 409: Cannot delete entity, must remove roles from instance profile first.");
  EXPECT_EQ(error_of(world.as_root("AddRoleToInstanceProfile", R"({"InstanceProfileName":"i","RoleName":"r"})")),
            "LimitExceeded 409: Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1");
  world.must("RemoveRoleFromInstanceProfile", R"({"InstanceProfileName":"i","RoleName":"r"})");
  world.must("DeleteInstanceProfile", R"({"InstanceProfileName":"i"})");
  EXPECT_EQ(error_of(world.as_root("GetInstanceProfile", R"({"InstanceProfileName":"i"})")),
            "NoSuchEntity 404: Instance Profile i cannot be found.");
  EXPECT_TRUE(world.as_root("DeleteRole", R"({"RoleName":"r"})"));
}

TEST(Iam, MalformedPoliciesAreRefusedInAwsWords) {
  World world;
  world.must("CreateUser", R"({"UserName":"u"})");
  const auto trust = [&](std::string_view document) {
    return error_of(world.as_root("CreateRole", cat(R"({"RoleName":"r","AssumeRolePolicyDocument":)", World::quoted(document), "}")));
  };
  EXPECT_EQ(trust("{'Version"), "MalformedPolicyDocument 400: This policy contains invalid Json");
  EXPECT_EQ(trust("[]"), "MalformedPolicyDocument 400: This policy contains invalid Json");
  EXPECT_EQ(trust(World::allow("sts:AssumeRole")), "MalformedPolicyDocument 400: Has prohibited field Resource");
  EXPECT_EQ(trust(R"({"Statement":{"Effect":"Allow","Action":"sts:AssumeRole"}})"),
            "MalformedPolicyDocument 400: Missing required field Principal");
  EXPECT_EQ(trust(World::trust(R"("*")", "", "s3:Get")),
            "MalformedPolicyDocument 400: AssumeRole policy may only specify STS AssumeRole actions.");
  EXPECT_EQ(trust(World::trust(R"({"AWS":"arn:aws:iam::123456789012:user/nobody"})")),
            R"(MalformedPolicyDocument 400: Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:user/nobody")");
  EXPECT_TRUE(
      trust(World::trust(R"({"AWS":"arn:aws:iam::123456789012:user/*"})")).starts_with("MalformedPolicyDocument 400: Invalid principal"));
  EXPECT_EQ(trust(World::trust(R"({"AWS":"arn:aws:iam::123456789012:user/u"})")), "");

  const auto inline_policy = [&](std::string_view document) {
    return error_of(
        world.as_root("PutUserPolicy", cat(R"({"UserName":"u","PolicyName":"p","PolicyDocument":)", World::quoted(document), "}")));
  };
  EXPECT_EQ(inline_policy(World::trust(R"("*")")), "MalformedPolicyDocument 400: Policy document should not specify a principal.");
  EXPECT_EQ(inline_policy(R"({"Statement":[{"Effect":"Allow","Resource":"*"}]})"),
            "MalformedPolicyDocument 400: Policy statement must contain actions.");
  EXPECT_EQ(inline_policy(R"({"Statement":[{"Effect":"Allow","Action":"s3:Get"}]})"),
            "MalformedPolicyDocument 400: Policy statement must contain resources.");
  EXPECT_EQ(inline_policy(World::allow("s3:Get", "bucket")),
            R"(MalformedPolicyDocument 400: Resource bucket must be in ARN format or "*".)");
  EXPECT_EQ(inline_policy(World::allow("Get")),
            "MalformedPolicyDocument 400: Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.");
  EXPECT_TRUE(inline_policy(World::allow("s3:Get", "*", R"(,"Condition":{"StringIs":{"a":"b"}})"))
                  .starts_with("MalformedPolicyDocument 400: Syntax errors in policy."));
  EXPECT_TRUE(inline_policy(R"({"Version":"2012-10-17","Statement":[]})").starts_with("MalformedPolicyDocument"));
  EXPECT_EQ(inline_policy(World::allow("s3:Get")), "");
}

TEST(Iam, SizesAreCountedWithoutWhiteSpace) {
  World world;
  world.must("CreateUser", R"({"UserName":"u"})");
  const auto put = [&](std::string_view name, std::string_view document) {
    return error_of(world.as_root("PutUserPolicy",
                                  cat(R"({"UserName":"u","PolicyName":")", name, R"(","PolicyDocument":)", World::quoted(document), "}")));
  };
  const auto small = World::allow("s3:Get");
  const auto sized = [&](std::size_t bytes) {
    return World::allow("s3:Get", cat("arn:aws:s3:::", std::string(bytes - small.size() - 12, 'x')));
  };
  ASSERT_EQ(counted_bytes(sized(2'048)), 2'048u);
  EXPECT_EQ(put("p", cat(std::string(10'000, ' '), sized(2'048))), "");
  EXPECT_EQ(put("q", small), "LimitExceeded 409: Maximum policy size of 2048 bytes exceeded for user u") << "all inline policies together";
  EXPECT_EQ(put("p", sized(2'049)), "LimitExceeded 409: Maximum policy size of 2048 bytes exceeded for user u");
  EXPECT_EQ(put("p", small), "");
  EXPECT_EQ(error_of(world.as_root("CreatePolicy", cat(R"({"PolicyName":"m","PolicyDocument":)", World::quoted(sized(6'145)), "}"))),
            "LimitExceeded 409: Cannot exceed quota for PolicySize: 6144");
}

TEST(Iam, InlinePoliciesComeBackAsTheyWereWritten) {
  World world;
  world.must("CreateGroup", R"({"GroupName":"g"})");
  const std::string document =
      "{ \"Version\":\"2012-10-17\",\n\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"s3:Get*\",\"Resource\":\"*\"} }";
  world.must("PutGroupPolicy", cat(R"({"GroupName":"g","PolicyName":"p","PolicyDocument":)", World::quoted(document), "}"));
  const auto shown = world.must("GetGroupPolicy", R"({"GroupName":"g","PolicyName":"p"})");
  EXPECT_EQ(decoded(shown.text("PolicyDocument")), document);
  EXPECT_EQ(shown.text("GroupName"), "g");
  EXPECT_EQ(world.must("ListGroupPolicies", R"({"GroupName":"g"})").text("PolicyNames"), R"(["p"])");
  EXPECT_EQ(error_of(world.as_root("GetGroupPolicy", R"({"GroupName":"g","PolicyName":"q"})")),
            "NoSuchEntity 404: The group policy with name q cannot be found.");
}

TEST(Iam, ManagedPolicies) {
  World world;
  const auto made = world.must("CreatePolicy", cat(R"({"PolicyName":"m","Path":"/x/","Description":"d","PolicyDocument":)",
                                                   World::quoted(World::allow("s3:Get")), "}"));
  const auto arn = made.text("Policy.Arn");
  EXPECT_EQ(arn, "arn:aws:iam::123456789012:policy/x/m");
  EXPECT_EQ(made.text("Policy.DefaultVersionId"), "v1");
  EXPECT_EQ(made.text("Policy.AttachmentCount"), "0");
  const auto with = [&](std::string_view more) { return cat(R"({"PolicyArn":")", arn, R"(")", more, "}"); };
  EXPECT_EQ(
      world.as_root("CreatePolicy", cat(R"({"PolicyName":"m","PolicyDocument":)", World::quoted(World::allow("s3:Get")), "}")).message(),
      "A policy called m already exists. Duplicate names are not allowed.");
  world.must("CreateUser", R"({"UserName":"u"})");
  world.must("AttachUserPolicy", with(R"(,"UserName":"u")"));
  world.must("AttachUserPolicy", with(R"(,"UserName":"u")"));
  EXPECT_EQ(world.must("GetPolicy", with("")).text("Policy.AttachmentCount"), "1");
  EXPECT_EQ(world.must("GetPolicy", with("")).text("Policy.Description"), "d");
  EXPECT_EQ(world.must("ListAttachedUserPolicies", R"({"UserName":"u"})").text("AttachedPolicies.0.PolicyArn"), arn);
  EXPECT_EQ(world.must("ListEntitiesForPolicy", with("")).text("PolicyUsers.0.UserName"), "u");
  EXPECT_EQ(world.must("ListEntitiesForPolicy", with(R"(,"EntityFilter":"Role")")).count("PolicyUsers"), 0u);
  EXPECT_EQ(error_of(world.as_root("DeletePolicy", with(""))), "DeleteConflict 409: Cannot delete a policy attached to entities.");
  world.must("DetachUserPolicy", with(R"(,"UserName":"u")"));
  EXPECT_EQ(error_of(world.as_root("DetachUserPolicy", with(R"(,"UserName":"u")"))),
            cat("NoSuchEntity 404: Policy ", arn, " was not found."));

  const auto version = cat(R"(,"PolicyDocument":)", World::quoted(World::allow("s3:Put")));
  EXPECT_EQ(world.must("CreatePolicyVersion", with(version)).text("PolicyVersion.VersionId"), "v2");
  EXPECT_EQ(world.must("GetPolicy", with("")).text("Policy.DefaultVersionId"), "v1");
  EXPECT_EQ(decoded(world.must("GetPolicyVersion", with(R"(,"VersionId":"v2")")).text("PolicyVersion.Document")), World::allow("s3:Put"));
  EXPECT_EQ(error_of(world.as_root("GetPolicyVersion", with(R"(,"VersionId":"v02")"))),
            cat("NoSuchEntity 404: Policy ", arn, " version v02 does not exist or is not attachable."));
  for (int i = 0; i < 3; ++i) world.must("CreatePolicyVersion", with(version));
  EXPECT_EQ(world.as_root("CreatePolicyVersion", with(version)).code(), "LimitExceeded");
  EXPECT_EQ(error_of(world.as_root("DeletePolicyVersion", with(R"(,"VersionId":"v1")"))),
            "DeleteConflict 409: Cannot delete the default version of a policy.");
  world.must("SetDefaultPolicyVersion", with(R"(,"VersionId":"v5")"));
  world.must("DeletePolicyVersion", with(R"(,"VersionId":"v1")"));
  EXPECT_EQ(world.must("CreatePolicyVersion", with(version)).text("PolicyVersion.VersionId"), "v6") << "numbers are not used again";
  EXPECT_EQ(world.must("ListPolicyVersions", with("")).text("Versions.0.VersionId"), "v6");
  EXPECT_TRUE(world.as_root("DeletePolicy", with("")).message().starts_with("This policy has more than one version."));
  for (const auto* id : {"v2", "v3", "v4", "v6"}) world.must("DeletePolicyVersion", with(cat(R"(,"VersionId":")", id, R"(")")));
  world.must("DeletePolicy", with(""));
  EXPECT_EQ(error_of(world.as_root("GetPolicy", with(""))), cat("NoSuchEntity 404: Policy ", arn, " was not found."));
}

TEST(Iam, AttachingAsksForWhatExists) {
  World world;
  world.role("r", World::trust(lambda_trust));
  const auto attach = [&](std::string_view arn) {
    return error_of(world.as_root("AttachRolePolicy", cat(R"({"RoleName":"r","PolicyArn":")", arn, R"("})")));
  };
  EXPECT_EQ(attach("longpolicynamebutnoarn"), "ValidationError 400: Invalid ARN:  Could not be parsed!");
  EXPECT_EQ(attach("arn:aws:iam::123456789012:policy/none"),
            "NoSuchEntity 404: Policy arn:aws:iam::123456789012:policy/none does not exist or is not attachable.");
  EXPECT_TRUE(
      attach("arn:aws:iam::aws:policy/AmazonEC2FullAccess").starts_with("NoSuchEntity 404: Policy arn:aws:iam::aws:policy/AmazonEC2"));
  EXPECT_EQ(attach("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"), "");
  for (int i = 0; i < 9; ++i) EXPECT_EQ(attach(world.managed(cat("m", i), World::allow("s3:Get"))), "");
  EXPECT_EQ(attach(world.managed("m9", World::allow("s3:Get"))), "LimitExceeded 409: Cannot exceed quota for PoliciesPerRole: 10");
  EXPECT_EQ(error_of(world.as_root("PutRolePermissionsBoundary",
                                   R"({"RoleName":"r","PermissionsBoundary":"arn:aws:iam::123456789012:policy/none"})")),
            "NoSuchEntity 404: Scope ARN: arn:aws:iam::123456789012:policy/none does not exist or is not attachable.");
}

TEST(Iam, AwsOwnPoliciesCompileAndCannotBeChanged) {
  World world;
  EXPECT_EQ(aws_managed_policies().size(), 16u);
  for (const auto& policy : aws_managed_policies()) {
    const auto document = check_document(policy.document(), policy::DocumentKind::identity);
    EXPECT_TRUE(document) << policy.arn << ": " << document.error().message;
    EXPECT_EQ(find_aws_managed(policy.arn), &policy);
    EXPECT_GT(policy.created.time_since_epoch().count(), 0) << policy.arn;
  }
  EXPECT_EQ(world.must("ListPolicies", R"({"Scope":"AWS"})").count("Policies"), 16u);
  EXPECT_EQ(world.must("ListPolicies", R"({"Scope":"AWS","OnlyAttached":true})").count("Policies"), 0u);
  EXPECT_EQ(world.as_root("DeletePolicy", R"({"PolicyArn":"arn:aws:iam::aws:policy/ReadOnlyAccess"})").code(), "AccessDenied");
  const auto power = world.user("power");
  world.must("AttachUserPolicy", R"({"UserName":"power","PolicyArn":"arn:aws:iam::aws:policy/PowerUserAccess"})");
  EXPECT_TRUE(world.may(power, "lambda:CreateFunction", "*"));
  EXPECT_FALSE(world.may(power, "iam:CreateUser", "*"));
}

TEST(Iam, Pages) {
  World world;
  for (const auto* name : {"a", "b", "c", "d", "e"}) world.must("CreateUser", cat(R"({"UserName":")", name, R"("})"));
  std::string seen, marker;
  int pages = 0;
  do {
    const auto page = world.must("ListUsers", marker.empty() ? R"({"MaxItems":2})" : cat(R"({"MaxItems":2,"Marker":")", marker, R"("})"));
    for (std::size_t i = 0; i < page.count("Users"); ++i) seen += page.text(cat("Users.", i, ".UserName"));
    EXPECT_EQ(page.text("IsTruncated"), page.text("Marker").empty() ? "false" : "true");
    marker = page.text("Marker");
  } while (!marker.empty() && ++pages < 9);
  EXPECT_EQ(seen, "abcde");
  EXPECT_EQ(pages, 2);
  EXPECT_EQ(world.as_root("ListUsers", R"({"Marker":"!"})").code(), "ValidationError");
  EXPECT_EQ(world.as_root("ListUsers", R"({"MaxItems":0})").code(), "ValidationError");
}

TEST(Iam, Tags) {
  World world;
  world.role("r", World::trust(lambda_trust));
  world.must("TagRole", R"({"RoleName":"r","Tags":[{"Key":"Team","Value":"blue"},{"Key":"x","Value":""}]})");
  world.must("TagRole", R"({"RoleName":"r","Tags":[{"Key":"team","Value":"red"}]})");
  EXPECT_EQ(world.must("ListRoleTags", R"({"RoleName":"r"})").text("Tags"), R"([{"Key":"team","Value":"red"},{"Key":"x","Value":""}])");
  world.must("UntagRole", R"({"RoleName":"r","TagKeys":["TEAM"]})");
  EXPECT_EQ(world.must("GetRole", R"({"RoleName":"r"})").text("Role.Tags"), R"([{"Key":"x","Value":""}])");
  std::string many = "[";
  for (int i = 0; i < 50; ++i) many += cat(i ? "," : "", R"({"Key":"k)", i, R"(","Value":"v"})");
  EXPECT_EQ(world.as_root("TagRole", cat(R"({"RoleName":"r","Tags":)", many, "]}")).code(), "LimitExceeded");
  EXPECT_EQ(world.as_root("TagRole", R"({"RoleName":"r","Tags":[{"Key":"aws:x","Value":"v"}]})").code(), "InvalidInput");
  const auto arn = world.managed("m", World::allow("s3:Get"));
  world.must("TagPolicy", cat(R"({"PolicyArn":")", arn, R"(","Tags":[{"Key":"a","Value":"b"}]})"));
  EXPECT_EQ(world.must("ListPolicyTags", cat(R"({"PolicyArn":")", arn, R"("})")).text("Tags.0.Value"), "b");
}

TEST(Iam, TagsAndBoundariesAreConditionKeys) {
  World world;
  world.role("mine", World::trust(lambda_trust));
  world.must("TagRole", R"({"RoleName":"mine","Tags":[{"Key":"owner","Value":"alice"}]})");
  world.role("other", World::trust(lambda_trust));
  const auto alice =
      world.user("alice", World::allow("iam:GetRole", "*", R"(,"Condition":{"StringEquals":{"aws:ResourceTag/owner":"${aws:username}"}})"));
  EXPECT_TRUE(world.call(alice, "GetRole", R"({"RoleName":"mine"})"));
  EXPECT_EQ(world.call(alice, "GetRole", R"({"RoleName":"other"})").code(), "AccessDenied");

  const auto limit = world.managed("limit", World::allow("s3:*"));
  const auto bob = world.user(
      "bob", World::allow("iam:CreateUser", "*", cat(R"(,"Condition":{"StringEquals":{"iam:PermissionsBoundary":")", limit, R"("}})")));
  EXPECT_EQ(world.call(bob, "CreateUser", R"({"UserName":"x"})").code(), "AccessDenied");
  EXPECT_TRUE(world.call(bob, "CreateUser", cat(R"({"UserName":"x","PermissionsBoundary":")", limit, R"("})")));

  const auto carol = world.user(
      "carol", World::allow("iam:AttachRolePolicy", "*", cat(R"(,"Condition":{"ArnEquals":{"iam:PolicyARN":")", limit, R"("}})")));
  EXPECT_TRUE(world.call(carol, "AttachRolePolicy", cat(R"({"RoleName":"mine","PolicyArn":")", limit, R"("})")));
  EXPECT_EQ(
      world.call(carol, "AttachRolePolicy", R"({"RoleName":"mine","PolicyArn":"arn:aws:iam::aws:policy/AdministratorAccess"})").code(),
      "AccessDenied");
  const auto dave =
      world.user("dave", World::allow("iam:TagUser", "*", R"(,"Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["team"]}})"));
  EXPECT_TRUE(world.call(dave, "TagUser", R"({"UserName":"dave","Tags":[{"Key":"team","Value":"x"}]})"));
  EXPECT_EQ(world.call(dave, "TagUser", R"({"UserName":"dave","Tags":[{"Key":"admin","Value":"x"}]})").code(), "AccessDenied");
}

TEST(Iam, APermissionIsForTheArnWithItsPath) {
  World world;
  world.must("CreateUser", R"({"UserName":"x","Path":"/dev/"})");
  world.must("CreateUser", R"({"UserName":"y"})");
  const auto alice = world.user("alice", World::allow("iam:*", "arn:aws:iam::123456789012:user/dev/*"));
  EXPECT_TRUE(world.call(alice, "GetUser", R"({"UserName":"x"})"));
  EXPECT_EQ(world.call(alice, "GetUser", R"({"UserName":"y"})").code(), "AccessDenied");
  EXPECT_TRUE(world.call(alice, "CreateUser", R"({"UserName":"z","Path":"/dev/"})"));
  EXPECT_EQ(world.call(alice, "CreateUser", R"({"UserName":"w"})").code(), "AccessDenied");
  EXPECT_EQ(world.call(alice, "UpdateUser", R"({"UserName":"x","NewPath":"/"})").code(), "AccessDenied") << "the new ARN counts too";
  EXPECT_EQ(world.call(alice, "ListUsers").code(), "AccessDenied");
}

TEST(Iam, WhoeverPutsARoleIntoAProfilePassesIt) {
  World world;
  world.role("r", World::trust(R"({"Service":"ec2.amazonaws.com"})"));
  world.must("CreateInstanceProfile", R"({"InstanceProfileName":"i"})");
  const auto alice = world.user("alice", World::allow("iam:AddRoleToInstanceProfile"));
  const auto add = R"({"InstanceProfileName":"i","RoleName":"r"})";
  EXPECT_NE(world.call(alice, "AddRoleToInstanceProfile", add).message().find("iam:PassRole"), std::string::npos);
  world.put_user_policy("alice", "q", World::allow("iam:PassRole", "arn:aws:iam::123456789012:role/r"));
  EXPECT_TRUE(world.call(alice, "AddRoleToInstanceProfile", add));
}

TEST(Iam, ATrustedUserThatIsGoneIsShownByItsId) {
  World world;
  const auto arn = world.user("alice", "").arn;
  const auto id = world.must("GetUser", R"({"UserName":"alice"})").text("User.UserId");
  world.role("r", World::trust(cat(R"({"AWS":")", arn, R"("})")));
  const auto shown = [&] { return decoded(world.must("GetRole", R"({"RoleName":"r"})").text("Role.AssumeRolePolicyDocument")); };
  EXPECT_NE(shown().find(arn), std::string::npos);
  const auto key = world.must("ListAccessKeys", R"({"UserName":"alice"})").text("AccessKeyMetadata.0.AccessKeyId");
  world.must("DeleteAccessKey", cat(R"({"UserName":"alice","AccessKeyId":")", key, R"("})"));
  world.must("DeleteUser", R"({"UserName":"alice"})");
  EXPECT_EQ(shown().find(arn), std::string::npos);
  EXPECT_NE(shown().find(id), std::string::npos);
}

TEST(Iam, WhatIsNotHonouredIsRefused) {
  World world;
  const auto refused = world.as_root("CreateUser", R"({"UserName":"alice","Password":"x"})");
  EXPECT_EQ(refused.code(), "UnsupportedOperationException");
  EXPECT_NE(refused.message().find("Password"), std::string::npos);
  EXPECT_EQ(world.as_root("GetUser", R"({"UserName":"alice"})").code(), "NoSuchEntity");
}

TEST(Iam, RenamingAGroupKeepsItsMembers) {
  World world;
  const auto alice = world.user("alice");
  world.must("CreateGroup", R"({"GroupName":"g"})");
  world.must("PutGroupPolicy", cat(R"({"GroupName":"g","PolicyName":"p","PolicyDocument":)", World::quoted(World::allow("s3:Get")), "}"));
  world.must("AddUserToGroup", R"({"GroupName":"g","UserName":"alice"})");
  world.must("UpdateGroup", R"({"GroupName":"g","NewGroupName":"h"})");
  EXPECT_EQ(world.must("GetGroup", R"({"GroupName":"h"})").text("Users.0.UserName"), "alice");
  EXPECT_EQ(world.must("ListGroupsForUser", R"({"UserName":"alice"})").text("Groups.0.Arn"), "arn:aws:iam::123456789012:group/h");
  EXPECT_TRUE(world.may(alice, "s3:Get", "*"));
  EXPECT_TRUE(world.restarted()->may(alice, "s3:Get", "*"));
}

TEST(Iam, TheAccountInOneList) {
  World world;
  world.user("alice", World::allow("s3:Get"));
  world.role("r", World::trust(lambda_trust));
  world.must("CreateGroup", R"({"GroupName":"g"})");
  world.managed("m", World::allow("s3:Get"));
  world.must("AttachRolePolicy", R"({"RoleName":"r","PolicyArn":"arn:aws:iam::aws:policy/service-role/AWSLambdaRole"})");
  const auto all = world.must("GetAccountAuthorizationDetails", "{}");
  EXPECT_EQ(all.count("UserDetailList"), 1u);
  EXPECT_EQ(all.count("GroupDetailList"), 1u);
  EXPECT_EQ(all.count("RoleDetailList"), 1u);
  EXPECT_EQ(all.count("Policies"), 2u) << "the account's own, and AWS's that are in use";
  EXPECT_EQ(decoded(all.text("UserDetailList.0.UserPolicyList.0.PolicyDocument")), World::allow("s3:Get"));
  const auto some = world.must("GetAccountAuthorizationDetails", R"({"Filter":["Role"]})");
  EXPECT_EQ(some.count("UserDetailList"), 0u);
  EXPECT_EQ(some.count("RoleDetailList"), 1u);
  const auto summary = world.must("GetAccountSummary", "{}");
  EXPECT_EQ(summary.text("SummaryMap.Users"), "1");
  EXPECT_EQ(summary.text("SummaryMap.VersionsPerPolicyQuota"), "5");
  EXPECT_EQ(world.must("ListAccountAliases", "{}").count("AccountAliases"), 0u);
}

TEST(Iam, AnAccessKeyIdNamesItsAccount) {
  SystemRandom random;
  for (const auto* account : {"000000000000", "000000000001", "123456789012", "999999999999"})
    for (int i = 0; i < 100; ++i) {
      const auto id = make_access_key_id(random, i % 2 ? "AKIA" : "ASIA", account);
      EXPECT_EQ(id.size(), 20u);
      EXPECT_EQ(account_of_access_key_id(id), account) << id;
    }
  EXPECT_FALSE(account_of_access_key_id("AKIA"));
  EXPECT_FALSE(account_of_access_key_id("AKIAaaaaaaaaaaaaaaaa"));
  EXPECT_FALSE(account_of_access_key_id("BKIAIOSFODNN7EXAMPLE"));
}

TEST(Iam, EveryOperationOfTheFirstTierIsThere) {
  World world;
  for (const auto* name : {"AddUserToGroup",
                           "AttachGroupPolicy",
                           "AttachRolePolicy",
                           "AttachUserPolicy",
                           "CreateAccessKey",
                           "CreateGroup",
                           "CreatePolicy",
                           "CreatePolicyVersion",
                           "CreateRole",
                           "CreateUser",
                           "DeleteAccessKey",
                           "DeleteGroup",
                           "DeleteGroupPolicy",
                           "DeletePolicy",
                           "DeletePolicyVersion",
                           "DeleteRole",
                           "DeleteRolePermissionsBoundary",
                           "DeleteRolePolicy",
                           "DeleteUser",
                           "DeleteUserPermissionsBoundary",
                           "DeleteUserPolicy",
                           "DetachGroupPolicy",
                           "DetachRolePolicy",
                           "DetachUserPolicy",
                           "GetAccessKeyLastUsed",
                           "GetAccountAuthorizationDetails",
                           "GetContextKeysForCustomPolicy",
                           "GetContextKeysForPrincipalPolicy",
                           "GetGroup",
                           "GetGroupPolicy",
                           "GetPolicy",
                           "GetPolicyVersion",
                           "GetRole",
                           "GetRolePolicy",
                           "GetUser",
                           "GetUserPolicy",
                           "ListAccessKeys",
                           "ListAttachedGroupPolicies",
                           "ListAttachedRolePolicies",
                           "ListAttachedUserPolicies",
                           "ListEntitiesForPolicy",
                           "ListGroupPolicies",
                           "ListGroups",
                           "ListGroupsForUser",
                           "ListInstanceProfilesForRole",
                           "ListPolicies",
                           "ListPolicyTags",
                           "ListPolicyVersions",
                           "ListRolePolicies",
                           "ListRoleTags",
                           "ListRoles",
                           "ListUserPolicies",
                           "ListUserTags",
                           "ListUsers",
                           "PutGroupPolicy",
                           "PutRolePermissionsBoundary",
                           "PutRolePolicy",
                           "PutUserPermissionsBoundary",
                           "PutUserPolicy",
                           "RemoveUserFromGroup",
                           "SetDefaultPolicyVersion",
                           "SimulateCustomPolicy",
                           "SimulatePrincipalPolicy",
                           "TagPolicy",
                           "TagRole",
                           "TagUser",
                           "UntagPolicy",
                           "UntagRole",
                           "UntagUser",
                           "UpdateAccessKey",
                           "UpdateAssumeRolePolicy",
                           "UpdateRole",
                           "UpdateRoleDescription",
                           "UpdateUser"}) {
    const auto* operation = world.iam.find(name);
    ASSERT_TRUE(operation) << name;
    EXPECT_TRUE(operation->access) << name << " is open to every caller";
  }
}

}  // namespace
}  // namespace sallyport::iam
