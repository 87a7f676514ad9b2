// The service as tools use it: pools, clients, users and groups, AWS's answers and its refusals; and what people do without a signature.
#include "cognito/api_service.hpp"

#include <gtest/gtest.h>

#include "cognito/codes.hpp"
#include "cognito/entrance.hpp"
#include "cognito/password_policy.hpp"
#include "cognito/testing.hpp"
#include "cognito/totp.hpp"
#include "wire/model.hpp"

namespace sallyport::cognito {
namespace {

using testing::FakeInvoker;
using testing::function_arn;
using testing::Reply;

class Sink final : public CodeSink {
 public:
  void sent(const SentCode& code) override { codes.push_back(code); }
  const SentCode& last() const { return codes.back(); }
  std::vector<SentCode> codes;
};

/// Everything, over the pool and the client of `SignInWorld` and whatever is made beside it.
class ApiTest : public ::testing::Test, public testing::SignInWorld {
 protected:
  ApiTest() {
    service = make_service(parts());
    add_sign_in_operations(service, sign_in);
  }
  Parts parts() { return {ledger, directory, clock, random, passwords, tokens, triggers, sink}; }

  /// A call on the pool `id` with the other members of `input`.
  Reply on(std::string_view id, const std::string& operation, std::string_view input = "{}") {
    auto value = json::parse(input).value();
    value.set("UserPoolId", id);
    return call(operation, std::move(value));
  }
  std::string make_pool(std::string_view input) {
    auto value = json::parse(input).value();
    value.set("PoolName", "p");
    const auto made = call("CreateUserPool", std::move(value));
    EXPECT_TRUE(made) << made.message();
    return made.text("UserPool.Id");
  }
  std::string make_client(std::string_view pool, std::string_view input = R"({"ClientName":"c"})") {
    const auto made = on(pool, "CreateUserPoolClient", input);
    EXPECT_TRUE(made) << made.message();
    return made.text("UserPoolClient.ClientId");
  }
  /// A call that names a client.
  Reply by(std::string_view client, const std::string& operation, std::string_view input) {
    auto value = json::parse(input).value();
    value.set("ClientId", client);
    return call(operation, std::move(value));
  }
  std::string token_of(std::string_view name, std::string_view its_password, std::string_view client = "app") {
    const auto signed_in = with_password(name, its_password, client);
    EXPECT_TRUE(signed_in) << signed_in.message();
    return signed_in.text("AuthenticationResult.AccessToken");
  }
  Reply with_token(const std::string& token, const std::string& operation, std::string_view input = "{}") {
    auto value = json::parse(input).value();
    value.set("AccessToken", token);
    return call(operation, std::move(value));
  }
  std::string attribute(std::string_view pool, std::string_view name, std::string_view wanted) {
    const auto found = directory.pool(pool);
    const auto* user = found ? find_user(*found->pool, name) : nullptr;
    const auto* value = user ? user->attribute(wanted) : nullptr;
    return value ? *value : "(none)";
  }
  Sink sink;
};

#define EXPECT_REFUSED(reply, the_code, the_message) \
  do {                                               \
    const auto& refused_reply = (reply);             \
    EXPECT_EQ(refused_reply.code(), the_code);       \
    EXPECT_EQ(refused_reply.message(), the_message); \
  } while (false)

// ---- Pools

TEST_F(ApiTest, ANewPoolHasAwsDefaults) {
  const auto id = make_pool("{}");
  EXPECT_TRUE(id.starts_with("us-east-1_"));
  EXPECT_EQ(id.size(), 19u);
  const auto shown = on(id, "DescribeUserPool");
  ASSERT_TRUE(shown) << shown.message();
  EXPECT_EQ(shown.text("UserPool.Arn"), cat("arn:aws:cognito-idp:us-east-1:123456789012:userpool/", id));
  EXPECT_EQ(shown.text("UserPool.Policies.PasswordPolicy"),
            R"({"MinimumLength":8,"RequireUppercase":true,"RequireLowercase":true,"RequireNumbers":true,"RequireSymbols":true,)"
            R"("TemporaryPasswordValidityDays":7})");
  EXPECT_EQ(shown.text("UserPool.Policies.SignInPolicy"), R"({"AllowedFirstAuthFactors":["PASSWORD"]})");
  EXPECT_EQ(shown.text("UserPool.VerificationMessageTemplate"), R"({"DefaultEmailOption":"CONFIRM_WITH_CODE"})");
  EXPECT_EQ(shown.text("UserPool.AdminCreateUserConfig"), R"({"AllowAdminCreateUserOnly":false,"UnusedAccountValidityDays":7})");
  EXPECT_EQ(shown.text("UserPool.EmailConfiguration"), R"({"EmailSendingAccount":"COGNITO_DEFAULT"})");
  EXPECT_EQ(shown.text("UserPool.AccountRecoverySetting"),
            R"({"RecoveryMechanisms":[{"Priority":1,"Name":"verified_email"},{"Priority":2,"Name":"verified_phone_number"}]})");
  EXPECT_EQ(shown.text("UserPool.MfaConfiguration"), "OFF");
  EXPECT_EQ(shown.text("UserPool.UserPoolTier"), "ESSENTIALS");
  EXPECT_EQ(shown.text("UserPool.DeletionProtection"), "INACTIVE");
  EXPECT_EQ(shown.text("UserPool.LambdaConfig"), "{}");
  EXPECT_EQ(shown.text("UserPool.EstimatedNumberOfUsers"), "0");
  EXPECT_EQ(shown.value.find("UserPool")->find("SchemaAttributes")->array()->size(), 21u);
  EXPECT_EQ(shown.value.find("UserPool")->find("UsernameConfiguration"), nullptr);
}

TEST_F(ApiTest, APoolWithoutKeysIsNeverMade) {
  const auto id = make_pool("{}");
  const auto found = directory.pool(id);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->pool->signing_keys.size(), 2u);
}

TEST_F(ApiTest, WhatIsNotThereIsRefusedByName) {
  for (const auto* input :
       {R"({"DeviceConfiguration":{"ChallengeRequiredOnNewDevice":true}})", R"({"UserPoolAddOns":{"AdvancedSecurityMode":"ENFORCED"}})",
        R"({"MfaConfiguration":"ON"})", R"({"VerificationMessageTemplate":{"DefaultEmailOption":"CONFIRM_WITH_LINK"}})",
        R"({"Policies":{"SignInPolicy":{"AllowedFirstAuthFactors":["PASSWORD","EMAIL_OTP"]}}})",
        R"({"LambdaConfig":{"CustomSMSSender":{"LambdaArn":"a","LambdaVersion":"V1_0"}}})", R"({"SomethingNew":"x"})"}) {
    auto value = json::parse(input).value();
    value.set("PoolName", "p");
    const auto refused = call("CreateUserPool", std::move(value));
    ASSERT_TRUE(refused.error) << input;
    EXPECT_EQ(refused.error->status, 501) << input;
  }
  EXPECT_EQ(
      on(pool_id, "CreateIdentityProvider", R"({"ProviderName":"G","ProviderType":"Google","ProviderDetails":{"a":"b"}})").error->status,
      501);
  EXPECT_EQ(on(pool_id, "ListIdentityProviders").text("Providers"), "[]");
}

TEST_F(ApiTest, AnUpdateReplacesSettingsAndKeepsWhatGuardsThePool) {
  const auto id = make_pool(R"({"AutoVerifiedAttributes":["email"],"DeletionProtection":"ACTIVE","UserPoolTags":{"a":"b"},)"
                            R"("Policies":{"PasswordPolicy":{"MinimumLength":12}}})");
  EXPECT_EQ(on(id, "DescribeUserPool").text("UserPool.Policies.PasswordPolicy.RequireSymbols"), "false");
  ASSERT_TRUE(on(id, "UpdateUserPool", R"({"PoolName":"q"})"));
  const auto shown = on(id, "DescribeUserPool");
  EXPECT_EQ(shown.text("UserPool.Name"), "q");
  EXPECT_EQ(shown.text("UserPool.Policies.PasswordPolicy.MinimumLength"), "8");
  EXPECT_EQ(shown.value.find("UserPool")->find("AutoVerifiedAttributes"), nullptr);
  EXPECT_EQ(shown.text("UserPool.DeletionProtection"), "ACTIVE");
  EXPECT_EQ(shown.text("UserPool.UserPoolTags"), R"({"a":"b"})");
  EXPECT_REFUSED(
      on(id, "DeleteUserPool"), "InvalidParameterException",
      "The user pool cannot be deleted because deletion protection is activated. Deletion protection must be inactivated first.");
  ASSERT_TRUE(on(id, "UpdateUserPool", R"({"DeletionProtection":"INACTIVE"})"));
  ASSERT_TRUE(on(id, "DeleteUserPool"));
  EXPECT_REFUSED(on(id, "DescribeUserPool"), "ResourceNotFoundException", cat("User pool ", id, " does not exist."));
}

TEST_F(ApiTest, SchemasTakeCustomAttributes) {
  const auto id = make_pool(
      R"({"Schema":[{"Name":"plan","AttributeDataType":"String","StringAttributeConstraints":{"MinLength":"1","MaxLength":"5"}},)"
      R"({"Name":"seats","AttributeDataType":"Number","NumberAttributeConstraints":{"MinValue":"1","MaxValue":"9"}},)"
      R"({"Name":"born","AttributeDataType":"String","Mutable":false},{"Name":"email","AttributeDataType":"String","Required":true}]})");
  const auto create = [&](std::string_view attributes) {
    return on(id, "AdminCreateUser", cat(R"({"Username":"u)", sink.codes.size(), R"(","UserAttributes":)", attributes, "}"));
  };
  EXPECT_REFUSED(create("[]"), "InvalidParameterException", "Attributes did not conform to the schema: email: The attribute is required\n");
  EXPECT_REFUSED(create(R"([{"Name":"email","Value":"nowhere"}])"), "InvalidParameterException", "Invalid email address format.");
  EXPECT_REFUSED(create(R"([{"Name":"email","Value":"a@b.cd"},{"Name":"custom:none","Value":"x"}])"), "InvalidParameterException",
                 "Attributes did not conform to the schema: Type for attribute {custom:none} could not be determined");
  EXPECT_EQ(create(R"([{"Name":"email","Value":"a@b.cd"},{"Name":"custom:plan","Value":"toolong"}])").code(), "InvalidParameterException");
  EXPECT_EQ(create(R"([{"Name":"email","Value":"a@b.cd"},{"Name":"custom:seats","Value":"10"}])").code(), "InvalidParameterException");
  EXPECT_EQ(create(R"([{"Name":"email","Value":"a@b.cd"},{"Name":"custom:seats","Value":"many"}])").code(), "InvalidParameterException");
  EXPECT_EQ(create(R"([{"Name":"sub","Value":"mine"},{"Name":"email","Value":"a@b.cd"}])").code(), "InvalidParameterException");
  ASSERT_TRUE(create(R"([{"Name":"email","Value":"a@b.cd"},{"Name":"custom:seats","Value":"9"},{"Name":"custom:born","Value":"1990"}])"));
  EXPECT_REFUSED(on(id, "AdminUpdateUserAttributes", R"({"Username":"u0","UserAttributes":[{"Name":"custom:born","Value":"1991"}]})"),
                 "InvalidParameterException", "user.custom:born: Attribute cannot be updated.\n");
  ASSERT_TRUE(on(id, "AdminUpdateUserAttributes", R"({"Username":"u0","UserAttributes":[{"Name":"custom:seats","Value":"3"}]})"));
  EXPECT_EQ(attribute(id, "u0", "custom:seats"), "3");

  ASSERT_TRUE(on(id, "AddCustomAttributes", R"({"CustomAttributes":[{"Name":"more","AttributeDataType":"Boolean"}]})"));
  EXPECT_REFUSED(on(id, "AddCustomAttributes", R"({"CustomAttributes":[{"Name":"more","AttributeDataType":"Boolean"}]})"),
                 "InvalidParameterException", "custom:more: Existing attribute already has name custom:more.");
  EXPECT_REFUSED(on(id, "AddCustomAttributes", R"({"CustomAttributes":[{"Name":"x","AttributeDataType":"String","Required":true}]})"),
                 "InvalidParameterException", "Required custom attributes are not supported currently.");
}

TEST_F(ApiTest, TagsAndMfaConfiguration) {
  const auto arn = cat("arn:aws:cognito-idp:us-east-1:123456789012:userpool/", pool_id);
  ASSERT_TRUE(call_text("TagResource", cat(R"({"ResourceArn":")", arn, R"(","Tags":{"a":"1","b":"2"}})")));
  ASSERT_TRUE(call_text("UntagResource", cat(R"({"ResourceArn":")", arn, R"(","TagKeys":["a"]})")));
  EXPECT_EQ(call_text("ListTagsForResource", cat(R"({"ResourceArn":")", arn, R"("})")).text("Tags"), R"({"b":"2"})");
  EXPECT_EQ(on(pool_id, "GetUserPoolMfaConfig").text("MfaConfiguration"), "OFF");
  ASSERT_TRUE(on(pool_id, "SetUserPoolMfaConfig", R"({"MfaConfiguration":"OPTIONAL","SoftwareTokenMfaConfiguration":{"Enabled":true}})"));
  const auto shown = on(pool_id, "GetUserPoolMfaConfig");
  EXPECT_EQ(shown.text("MfaConfiguration"), "OPTIONAL");
  EXPECT_EQ(shown.text("SoftwareTokenMfaConfiguration.Enabled"), "true");
  EXPECT_EQ(on(pool_id, "SetUserPoolMfaConfig", R"({"MfaConfiguration":"ON"})").code(), "InvalidParameterException");
  EXPECT_EQ(on(pool_id, "SetUserPoolMfaConfig", R"({"SmsMfaConfiguration":{"SmsAuthenticationMessage":"{####}"}})").error->status, 501);
}

TEST_F(ApiTest, ListsComeInPages) {
  change([](State& state, SignInWorld& world) {
    for (int i = 0; i < 5; ++i) {
      CreateUserPoolRequest request;
      request.name = "p";
      EXPECT_TRUE(Operations(state, world.random, world.clock.now).create_user_pool(std::move(request)));
    }
  });
  std::string token;
  std::size_t pools = 0;
  for (int pages = 0; pages < 10; ++pages) {
    const auto page =
        call_text("ListUserPools", token.empty() ? R"({"MaxResults":2})" : cat(R"({"MaxResults":2,"NextToken":")", token, R"("})"));
    ASSERT_TRUE(page);
    pools += page.value.find("UserPools")->array()->size();
    token = page.text("NextToken");
    if (token.empty()) break;
  }
  EXPECT_EQ(pools, 6u);
  EXPECT_EQ(call_text("ListUserPools", R"({"MaxResults":2,"NextToken":"?"})").code(), "InvalidParameterException");
}

TEST_F(ApiTest, WhatACallMustBeAllowed) {
  const auto needs = [&](const char* operation, std::string_view input) {
    control::Call made{*loop,
                       operation,
                       "r",
                       scope(),
                       std::make_shared<const aws::Caller>(),
                       clock.now,
                       "127.0.0.1",
                       {},
                       wire::Parameters(json::parse(input).value())};
    return access_of(*ledger.read(scope()), made).value();
  };
  const auto arn = cat("arn:aws:cognito-idp:us-east-1:123456789012:userpool/", pool_id);
  change_settings([](PoolSettings& settings) { settings.tags = {{"team", "red"}}; });
  const auto described = needs("DescribeUserPool", cat(R"({"UserPoolId":")", pool_id, R"("})"));
  ASSERT_EQ(described.size(), 1u);
  EXPECT_EQ(described[0].action, "cognito-idp:DescribeUserPool");
  EXPECT_EQ(described[0].resource, arn);
  EXPECT_EQ(described[0].context.at(0).first, "aws:ResourceTag/team");
  EXPECT_EQ(needs("ListUserPools", R"({"MaxResults":1})")[0].resource, "*");
  EXPECT_EQ(needs("ListTagsForResource", cat(R"({"ResourceArn":")", arn, R"("})"))[0].resource, arn);
  const auto made =
      needs("CreateUserPool",
            R"({"PoolName":"p","UserPoolTags":{"a":"b"},"SmsConfiguration":{"SnsCallerArn":"arn:aws:iam::123456789012:role/r"}})");
  ASSERT_EQ(made.size(), 2u);
  EXPECT_EQ(made[0].context.at(0).first, "aws:RequestTag/a");
  EXPECT_EQ(made[1].action, "iam:PassRole");
  // Nobody is asked for a permission that signs nothing, and everybody else is.
  for (const auto& [name, operation] : service.operations()) {
    const auto* model = wire::find_model("cognito-idp")->find_operation(name);
    ASSERT_TRUE(model) << name;
    EXPECT_EQ(operation.access == nullptr, model->is_unsigned) << name;
  }
}

// ---- Clients, groups, resource servers, domains

TEST_F(ApiTest, Clients) {
  const auto id = make_client(pool_id, R"({"ClientName":"c","GenerateSecret":true})");
  EXPECT_EQ(id.size(), 26u);
  const auto shown = on(pool_id, "DescribeUserPoolClient", cat(R"({"ClientId":")", id, R"("})"));
  EXPECT_GE(shown.text("UserPoolClient.ClientSecret").size(), 50u);
  EXPECT_EQ(shown.text("UserPoolClient.RefreshTokenValidity"), "30");
  EXPECT_EQ(shown.text("UserPoolClient.EnableTokenRevocation"), "true");
  EXPECT_EQ(shown.text("UserPoolClient.AuthSessionValidity"), "3");
  EXPECT_EQ(shown.text("UserPoolClient.ExplicitAuthFlows"), R"(["ALLOW_REFRESH_TOKEN_AUTH","ALLOW_USER_SRP_AUTH","ALLOW_CUSTOM_AUTH"])");
  // As Terraform updates one: everything, lists empty.
  const auto updated =
      on(pool_id, "UpdateUserPoolClient",
         cat(R"({"ClientId":")", id,
             R"(","ClientName":"d","AccessTokenValidity":10,"AllowedOAuthFlows":["code"],)"
             R"("AllowedOAuthFlowsUserPoolClient":true,"AllowedOAuthScopes":["openid"],"AuthSessionValidity":3,)"
             R"("CallbackURLs":["https://a/cb"],"EnablePropagateAdditionalUserContextData":false,"EnableTokenRevocation":true,)"
             R"("ExplicitAuthFlows":["ALLOW_USER_PASSWORD_AUTH"],"LogoutURLs":[],"ReadAttributes":[],)"
             R"("RefreshTokenValidity":30,"SupportedIdentityProviders":[],"WriteAttributes":[]})"));
  ASSERT_TRUE(updated) << updated.message();
  EXPECT_EQ(updated.text("UserPoolClient.ClientName"), "d");
  EXPECT_EQ(updated.text("UserPoolClient.ClientSecret"), shown.text("UserPoolClient.ClientSecret"));
  EXPECT_EQ(updated.text("UserPoolClient.AccessTokenValidity"), "10");
  EXPECT_EQ(updated.value.find("UserPoolClient")->find("ReadAttributes"), nullptr);
  ASSERT_TRUE(on(pool_id, "DeleteUserPoolClient", cat(R"({"ClientId":")", id, R"("})")));
  EXPECT_REFUSED(on(pool_id, "DescribeUserPoolClient", cat(R"({"ClientId":")", id, R"("})")), "ResourceNotFoundException",
                 cat("User pool client ", id, " does not exist."));
  EXPECT_FALSE(directory.pool_of_client(id));
}

TEST_F(ApiTest, ClientsThatMakeNoSenseAreRefused) {
  const auto refused_with = [&](std::string_view input) {
    auto value = json::parse(input).value();
    value.set("ClientName", "c");
    return on(pool_id, "CreateUserPoolClient", json::to_text(value));
  };
  EXPECT_EQ(refused_with(R"({"AllowedOAuthFlowsUserPoolClient":true})").code(), "InvalidParameterException");
  EXPECT_EQ(refused_with(R"({"AllowedOAuthFlows":["client_credentials"],"AllowedOAuthScopes":["openid"]})").code(),
            "InvalidOAuthFlowException");
  EXPECT_EQ(refused_with(R"({"GenerateSecret":true,"AllowedOAuthFlows":["client_credentials","code"]})").code(),
            "InvalidOAuthFlowException");
  EXPECT_EQ(refused_with(R"({"AllowedOAuthScopes":["nobody/knows"]})").code(), "ScopeDoesNotExistException");
  EXPECT_REFUSED(refused_with(R"({"CallbackURLs":["http://example.com/cb"]})"), "InvalidParameterException",
                 "http://example.com/cb cannot use the HTTP protocol.");
  EXPECT_TRUE(refused_with(R"({"CallbackURLs":["http://localhost:3000/cb","myapp://x"]})"));
  EXPECT_EQ(refused_with(R"({"CallbackURLs":["http://localhost.evil.com/cb"]})").code(), "InvalidParameterException");
  EXPECT_REFUSED(refused_with(R"({"SupportedIdentityProviders":["Google"]})"), "InvalidParameterException",
                 cat("The provider Google does not exist for User Pool ", pool_id));
  EXPECT_EQ(refused_with(R"({"AccessTokenValidity":2,"TokenValidityUnits":{"AccessToken":"days"}})").code(), "InvalidParameterException");
  EXPECT_EQ(refused_with(R"({"AccessTokenValidity":1,"TokenValidityUnits":{"AccessToken":"minutes"}})").code(),
            "InvalidParameterException");
  EXPECT_EQ(refused_with(R"({"WriteAttributes":["email_verified"]})").code(), "InvalidParameterException");
  EXPECT_EQ(refused_with(R"({"AnalyticsConfiguration":{"ApplicationId":"x"}})").error->status, 501);
}

TEST_F(ApiTest, GroupsAndTheirMembers) {
  ASSERT_TRUE(on(pool_id, "CreateGroup", R"({"GroupName":"admins","Precedence":0})"));
  EXPECT_EQ(on(pool_id, "GetGroup", R"({"GroupName":"admins"})").text("Group.Precedence"), "0");
  EXPECT_REFUSED(on(pool_id, "CreateGroup", R"({"GroupName":"admins"})"), "GroupExistsException", "A group with the name already exists.");
  EXPECT_REFUSED(on(pool_id, "GetGroup", R"({"GroupName":"none"})"), "ResourceNotFoundException", "Group not found.");
  ASSERT_TRUE(on(pool_id, "AdminAddUserToGroup", R"({"Username":"ann","GroupName":"admins"})"));
  EXPECT_REFUSED(on(pool_id, "AdminAddUserToGroup", R"({"Username":"none","GroupName":"admins"})"), "UserNotFoundException",
                 "User does not exist.");
  EXPECT_EQ(on(pool_id, "ListUsersInGroup", R"({"GroupName":"admins"})").value.find("Users")->array()->size(), 1u);
  EXPECT_EQ(on(pool_id, "AdminListGroupsForUser", R"({"Username":"ann"})").value.find("Groups")->array()->size(), 1u);
  ASSERT_TRUE(on(pool_id, "UpdateGroup", R"({"GroupName":"admins","Description":"d"})"));
  EXPECT_EQ(on(pool_id, "GetGroup", R"({"GroupName":"admins"})").text("Group.Precedence"), "0");
  ASSERT_TRUE(on(pool_id, "DeleteGroup", R"({"GroupName":"admins"})"));
  EXPECT_TRUE(user("ann").groups.empty());
}

TEST_F(ApiTest, ResourceServersAndDomains) {
  ASSERT_TRUE(on(pool_id, "CreateResourceServer", R"({"Identifier":"a","Name":"a","Scopes":[{"ScopeName":"b","ScopeDescription":"b"}]})"));
  EXPECT_REFUSED(on(pool_id, "CreateResourceServer", R"({"Identifier":"a","Name":"a"})"), "InvalidParameterException",
                 cat("a already exists in user pool ", pool_id, "."));
  ASSERT_TRUE(on(pool_id, "UpdateResourceServer", R"({"Identifier":"a","Name":"a","Scopes":[{"ScopeName":"b","ScopeDescription":"bb"}]})"));
  EXPECT_EQ(on(pool_id, "DescribeResourceServer", R"({"Identifier":"a"})").text("ResourceServer.Scopes"),
            R"([{"ScopeName":"b","ScopeDescription":"bb"}])");
  ASSERT_TRUE(on(pool_id, "CreateUserPoolClient",
                 R"({"ClientName":"m","GenerateSecret":true,"AllowedOAuthFlows":["client_credentials"],"AllowedOAuthScopes":["a/b"],)"
                 R"("AllowedOAuthFlowsUserPoolClient":true})"));
  ASSERT_TRUE(on(pool_id, "CreateUserPoolDomain", R"({"Domain":"dom"})"));
  const auto shown = call_text("DescribeUserPoolDomain", R"({"Domain":"dom"})");
  EXPECT_EQ(shown.text("DomainDescription.Status"), "ACTIVE");
  EXPECT_EQ(shown.text("DomainDescription.UserPoolId"), pool_id);
  EXPECT_EQ(on(pool_id, "DescribeUserPool").text("UserPool.Domain"), "dom");
  EXPECT_REFUSED(on(pool_id, "CreateUserPoolDomain", R"({"Domain":"other"})"), "InvalidParameterException",
                 "User pool already has a domain configured.");
  EXPECT_REFUSED(on(make_pool("{}"), "CreateUserPoolDomain", R"({"Domain":"dom"})"), "InvalidParameterException",
                 "Domain already associated with another user pool.");
  EXPECT_REFUSED(on(pool_id, "CreateUserPoolDomain", R"({"Domain":"my-cognito"})"), "InvalidParameterException",
                 "Domain cannot contain reserved word: cognito");
  EXPECT_REFUSED(on(pool_id, "DeleteUserPool"), "InvalidParameterException",
                 "User pool cannot be deleted. It has a domain configured that should be deleted first.");
  ASSERT_TRUE(on(pool_id, "DeleteUserPoolDomain", R"({"Domain":"dom"})"));
  EXPECT_EQ(call_text("DescribeUserPoolDomain", R"({"Domain":"dom"})").text("DomainDescription"), "{}");
}

// ---- Users, by administrators

TEST_F(ApiTest, AdministratorsMakeUsersWhoMustChangeTheirPassword) {
  const auto made = on(pool_id, "AdminCreateUser", R"({"Username":"bob","UserAttributes":[{"Name":"email","Value":"bob@example.com"}]})");
  ASSERT_TRUE(made) << made.message();
  EXPECT_EQ(made.text("User.UserStatus"), "FORCE_CHANGE_PASSWORD");
  ASSERT_EQ(sink.codes.size(), 1u);
  EXPECT_EQ(sink.last().purpose, "temporary_password");
  EXPECT_EQ(sink.last().destination, "bob@example.com");
  EXPECT_EQ(with_password("bob", sink.last().code).text("ChallengeName"), "NEW_PASSWORD_REQUIRED");
  EXPECT_REFUSED(on(pool_id, "AdminCreateUser", R"({"Username":"bob"})"), "UsernameExistsException", "User account already exists");
  const auto first = sink.last().code;
  ASSERT_TRUE(on(pool_id, "AdminCreateUser", R"({"Username":"bob","MessageAction":"RESEND"})"));
  EXPECT_NE(sink.last().code, first);
  EXPECT_EQ(with_password("bob", first).code(), "NotAuthorizedException");
  EXPECT_EQ(on(pool_id, "AdminCreateUser", R"({"Username":"none","MessageAction":"RESEND"})").code(), "UserNotFoundException");
  EXPECT_EQ(on(pool_id, "AdminCreateUser", R"({"Username":"ann","MessageAction":"RESEND"})").code(), "UnsupportedUserStateException");
  const auto before = sink.codes.size();
  ASSERT_TRUE(on(pool_id, "AdminCreateUser", R"({"Username":"quiet","MessageAction":"SUPPRESS","TemporaryPassword":"Temp-0rary"})"));
  EXPECT_EQ(sink.codes.size(), before);
  EXPECT_EQ(with_password("quiet", "Temp-0rary").text("ChallengeName"), "NEW_PASSWORD_REQUIRED");
  EXPECT_REFUSED(on(pool_id, "AdminCreateUser", R"({"Username":"weak","TemporaryPassword":"short"})"), "InvalidPasswordException",
                 "Password did not conform with policy: Password not long enough");
}

TEST_F(ApiTest, APasswordTheAdministratorChoseIsToldToNobody) {
  const auto create = R"({"Username":"bob","TemporaryPassword":"Temp-0rary","DesiredDeliveryMediums":["EMAIL","SMS"]})";
  ASSERT_TRUE(on(pool_id, "AdminCreateUser", create));
  ASSERT_TRUE(on(pool_id, "AdminCreateUser", R"({"Username":"bob","TemporaryPassword":"Temp-1rary","MessageAction":"RESEND"})"));
  EXPECT_TRUE(sink.codes.empty());
  EXPECT_EQ(with_password("bob", "Temp-1rary").text("ChallengeName"), "NEW_PASSWORD_REQUIRED");
}

TEST_F(ApiTest, AdministratorsSetPasswords) {
  ASSERT_TRUE(on(pool_id, "AdminCreateUser", R"({"Username":"bob"})"));
  ASSERT_TRUE(on(pool_id, "AdminSetUserPassword", R"({"Username":"bob","Password":"Passw0rd!","Permanent":true})"));
  EXPECT_EQ(on(pool_id, "AdminGetUser", R"({"Username":"bob"})").text("UserStatus"), "CONFIRMED");
  token_of("bob", "Passw0rd!");
  ASSERT_TRUE(on(pool_id, "AdminSetUserPassword", R"({"Username":"bob","Password":"Passw0rd!!","Permanent":false})"));
  EXPECT_EQ(with_password("bob", "Passw0rd!!").text("ChallengeName"), "NEW_PASSWORD_REQUIRED");
  EXPECT_REFUSED(on(pool_id, "AdminSetUserPassword", R"({"Username":"none","Password":"Passw0rd!"})"), "UserNotFoundException",
                 "User does not exist.");
  ASSERT_TRUE(on(pool_id, "AdminDisableUser", R"({"Username":"bob"})"));
  EXPECT_EQ(on(pool_id, "AdminGetUser", R"({"Username":"bob"})").text("Enabled"), "false");
  EXPECT_EQ(with_password("bob", "Passw0rd!!").code(), "NotAuthorizedException");
  ASSERT_TRUE(on(pool_id, "AdminEnableUser", R"({"Username":"bob"})"));
  ASSERT_TRUE(on(pool_id, "AdminDeleteUser", R"({"Username":"bob"})"));
  EXPECT_REFUSED(on(pool_id, "AdminGetUser", R"({"Username":"bob"})"), "UserNotFoundException", "User does not exist.");
}

TEST_F(ApiTest, UsersAreListedFilteredAndPaged) {
  change([](State& state, SignInWorld&) {
    for (int i = 0; i < 130; ++i) {
      User made;
      made.username = cat("user", i);
      made.sub = cat("sub", i);
      made.status = UserStatus::confirmed;
      made.attributes = {{"email", cat("user", i, "@example.com")}};
      put_user(*edit_pool(state, pool_id), std::move(made));
    }
  });
  const auto count = [&](std::string_view filter) {
    json::Value input;
    input.set("UserPoolId", pool_id);
    input.set("Filter", filter);
    const auto listed = call("ListUsers", std::move(input));
    EXPECT_TRUE(listed) << listed.message();
    return listed.value.find("Users")->array()->size();
  };
  EXPECT_EQ(count(R"(email = "user7@example.com")"), 1u);
  EXPECT_EQ(count(R"(username ^= "user12")"), 11u);
  EXPECT_EQ(count(R"(status="Enabled")"), 60u);
  EXPECT_EQ(count(R"(cognito:user_status = "UNCONFIRMED")"), 0u);
  EXPECT_REFUSED(on(pool_id, "ListUsers", R"({"Filter":"custom:x = \"1\""})"), "InvalidParameterException",
                 "Invalid search attribute: custom:x");
  EXPECT_EQ(on(pool_id, "ListUsers", R"({"Filter":"email"})").code(), "InvalidParameterException");
  std::set<std::string> seen;
  std::string token;
  do {
    const auto page =
        on(pool_id, "ListUsers", token.empty() ? R"({"Limit":50})" : cat(R"({"Limit":50,"PaginationToken":")", token, R"("})"));
    ASSERT_TRUE(page);
    for (const auto& each : *page.value.find("Users")->array()) seen.insert(*each.find("Username")->string());
    token = page.text("PaginationToken");
  } while (!token.empty());
  EXPECT_EQ(seen.size(), 131u);
  const auto narrow = on(pool_id, "ListUsers", R"({"Filter":"username = \"ann\"","AttributesToGet":["email"]})");
  EXPECT_EQ(narrow.value.find("Users")->array()->front().find("Attributes")->array()->size(), 1u);
}

TEST_F(ApiTest, AddressesCanBeNames) {
  const auto pool =
      make_pool(R"({"UsernameAttributes":["email"],"AutoVerifiedAttributes":["email"],"UsernameConfiguration":{"CaseSensitive":false}})");
  const auto client = make_client(pool);
  EXPECT_REFUSED(by(client, "SignUp", R"({"Username":"bob","Password":"Passw0rd!"})"), "InvalidParameterException",
                 "Username should be an email.");
  const auto made = by(client, "SignUp", R"({"Username":"Bob@Example.com","Password":"Passw0rd!"})");
  ASSERT_TRUE(made) << made.message();
  EXPECT_EQ(attribute(pool, "bob@example.com", "email"), "bob@example.com");
  EXPECT_EQ(on(pool, "AdminGetUser", R"({"Username":"BOB@example.com"})").text("Username"), made.text("UserSub"));
  EXPECT_REFUSED(by(client, "SignUp", R"({"Username":"bob@example.com","Password":"Passw0rd!"})"), "UsernameExistsException",
                 "An account with the given email already exists.");
  EXPECT_EQ(on(pool, "AdminCreateUser", R"({"Username":"bob@example.com"})").code(), "UsernameExistsException");
}

TEST_F(ApiTest, AnAliasIsItsOwnersAlone) {
  const auto pool = make_pool(R"({"AliasAttributes":["email"],"AutoVerifiedAttributes":["email"]})");
  const auto client = make_client(pool);
  const auto sign_up = [&](std::string_view name) {
    const auto made =
        by(client, "SignUp",
           cat(R"({"Username":")", name, R"(","Password":"Passw0rd!","UserAttributes":[{"Name":"email","Value":"a@b.cd"}]})"));
    EXPECT_TRUE(made) << made.message();
    return sink.last().code;
  };
  const auto confirm = [&](std::string_view name, std::string_view code, bool force) {
    return by(
        client, "ConfirmSignUp",
        cat(R"({"Username":")", name, R"(","ConfirmationCode":")", code, R"(","ForceAliasCreation":)", force ? "true" : "false", "}"));
  };
  const auto of_one = sign_up("one");
  // Nobody has proven it: it is nobody's.
  EXPECT_EQ(on(pool, "AdminGetUser", R"({"Username":"a@b.cd"})").code(), "UserNotFoundException");
  ASSERT_TRUE(confirm("one", of_one, false));
  EXPECT_EQ(on(pool, "AdminGetUser", R"({"Username":"a@b.cd"})").text("Username"), "one");
  const auto of_two = sign_up("two");
  EXPECT_REFUSED(confirm("two", of_two, false), "AliasExistsException", "An account with the email already exists.");
  EXPECT_EQ(on(pool, "AdminGetUser", R"({"Username":"a@b.cd"})").text("Username"), "one");
  ASSERT_TRUE(confirm("two", of_two, true));
  EXPECT_EQ(on(pool, "AdminGetUser", R"({"Username":"a@b.cd"})").text("Username"), "two");
  EXPECT_EQ(attribute(pool, "one", "email_verified"), "false");
  EXPECT_REFUSED(by(client, "SignUp", R"({"Username":"x@y.zz","Password":"Passw0rd!"})"), "InvalidParameterException",
                 "Username cannot be of email format, since user pool is configured for email alias.");
}

TEST_F(ApiTest, AnAliasIsNoWayIntoAnotherName) {
  const auto pool = make_pool(R"({"AliasAttributes":["preferred_username"]})");
  ASSERT_TRUE(on(pool, "AdminCreateUser", R"({"Username":"one","UserAttributes":[{"Name":"preferred_username","Value":"nick"}]})"));
  EXPECT_EQ(on(pool, "AdminGetUser", R"({"Username":"nick"})").text("Username"), "one");
  EXPECT_EQ(on(pool, "AdminCreateUser", R"({"Username":"nick"})").code(), "UsernameExistsException");
  ASSERT_TRUE(on(pool, "AdminCreateUser", R"({"Username":"two"})"));
  const auto rename = [&](std::string_view to) {
    return on(pool, "AdminUpdateUserAttributes",
              cat(R"({"Username":"two","UserAttributes":[{"Name":"preferred_username","Value":")", to, R"("}]})"));
  };
  EXPECT_EQ(rename("nick").code(), "AliasExistsException");
  EXPECT_EQ(rename("one").code(), "AliasExistsException");
  EXPECT_TRUE(rename("deux"));
  ASSERT_TRUE(on(pool, "AdminDeleteUserAttributes", R"({"Username":"one","UserAttributeNames":["preferred_username"]})"));
  EXPECT_TRUE(rename("nick"));
}

// ---- Signing up

class SignUpTest : public ApiTest {
 protected:
  SignUpTest() {
    change_settings([](PoolSettings& settings) { settings.auto_verified_attributes = {"email"}; });
  }
  Reply sign_up(std::string_view name, std::string_view more = "") {
    return by("app", "SignUp",
              cat(R"({"Username":")", name, R"(","Password":"Passw0rd!","UserAttributes":[{"Name":"email","Value":"bob@example.com"}])",
                  more, "}"));
  }
  Reply confirm(std::string_view name, std::string_view code) {
    return by("app", "ConfirmSignUp", cat(R"({"Username":")", name, R"(","ConfirmationCode":")", code, R"("})"));
  }
};

TEST_F(SignUpTest, FromSignUpToSignIn) {
  const auto made = sign_up("bob");
  ASSERT_TRUE(made) << made.message();
  EXPECT_EQ(made.text("UserConfirmed"), "false");
  EXPECT_EQ(made.text("CodeDeliveryDetails"), R"({"Destination":"b***@e***","DeliveryMedium":"EMAIL","AttributeName":"email"})");
  EXPECT_EQ(made.text("UserSub").size(), 36u);
  EXPECT_EQ(sink.last().message, cat("Your verification code is ", sink.last().code, ". "));
  EXPECT_REFUSED(with_password("bob", "Passw0rd!"), "UserNotConfirmedException", "User is not confirmed.");
  EXPECT_REFUSED(sign_up("bob"), "UsernameExistsException", "User already exists");
  const auto looked_up = codes_of(*ledger.read(scope()), pool_id, "bob", clock.now);
  EXPECT_EQ(*looked_up->array()->front().find("code")->string(), sink.last().code);
  EXPECT_REFUSED(confirm("bob", "nope"), "CodeMismatchException", "Invalid verification code provided, please try again.");
  ASSERT_TRUE(confirm("bob", sink.last().code));
  EXPECT_EQ(attribute(pool_id, "bob", "email_verified"), "true");
  token_of("bob", "Passw0rd!");
  EXPECT_REFUSED(confirm("bob", sink.last().code), "NotAuthorizedException", "User cannot be confirmed. Current status is CONFIRMED");
  EXPECT_REFUSED(by("app", "ResendConfirmationCode", R"({"Username":"bob"})"), "InvalidParameterException", "User is already confirmed.");
}

TEST_F(SignUpTest, ACodeEnds) {
  ASSERT_TRUE(sign_up("bob"));
  const auto first = sink.last().code;
  ASSERT_TRUE(by("app", "ResendConfirmationCode", R"({"Username":"bob"})"));
  if (sink.last().code != first) EXPECT_EQ(confirm("bob", first).code(), "CodeMismatchException");
  clock.now += std::chrono::hours(25);
  EXPECT_REFUSED(confirm("bob", sink.last().code), "ExpiredCodeException", "Invalid code provided, please request a code again.");
}

TEST_F(SignUpTest, CodesAreNotGuessed) {
  ASSERT_TRUE(sign_up("bob"));
  const auto right = sink.last().code;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(confirm("bob", "wrong!").code(), "CodeMismatchException");
  EXPECT_REFUSED(confirm("bob", right), "LimitExceededException", "Attempt limit exceeded, please try after some time.");
  clock.now += std::chrono::minutes(16);
  EXPECT_TRUE(confirm("bob", right));
}

TEST_F(SignUpTest, CodesAreNotSentWithoutEnd) {
  ASSERT_TRUE(sign_up("bob"));
  int sent = 1;
  while (sent < 100 && by("app", "ResendConfirmationCode", R"({"Username":"bob"})")) ++sent;
  EXPECT_EQ(sent, 10);
}

TEST_F(SignUpTest, WhoSignsUpSaysOnlyWhatTheClientMayWrite) {
  EXPECT_REFUSED(
      by("app", "SignUp", R"({"Username":"b","Password":"Passw0rd!","UserAttributes":[{"Name":"email_verified","Value":"true"}]})"),
      "NotAuthorizedException", "A client attempted to write unauthorized attribute");
  EXPECT_REFUSED(by("app", "SignUp", R"({"Username":"b","Password":"passw0rd!"})"), "InvalidPasswordException",
                 "Password did not conform with policy: Password must have uppercase characters");
  EXPECT_EQ(by("app", "SignUp", R"({"Username":"b"})").code(), "InvalidParameterException");
  EXPECT_REFUSED(by("none", "SignUp", R"({"Username":"b","Password":"Passw0rd!"})"), "ResourceNotFoundException",
                 "User pool client none does not exist.");
  change_settings([](PoolSettings& settings) { settings.admin_create_user.admin_only = true; });
  EXPECT_REFUSED(sign_up("bob"), "NotAuthorizedException", "SignUp is not permitted for this user pool");
}

TEST_F(SignUpTest, ASecretIsProven) {
  auto request = client_request("with-secret");
  request.secret = "the-secret-of-this-client";
  add_client(std::move(request));
  const auto* client = pool().client("with-secret");
  const auto sign_up_with = [&](std::string_view hash) {
    return by("with-secret", "SignUp", cat(R"({"Username":"sec","Password":"Passw0rd!")", hash, "}"));
  };
  EXPECT_REFUSED(sign_up_with(""), "NotAuthorizedException",
                 "Client with-secret is configured with secret but SECRET_HASH was not received");
  EXPECT_REFUSED(sign_up_with(R"(,"SecretHash":"bm9wZQ==")"), "NotAuthorizedException",
                 "Unable to verify secret hash for client with-secret");
  EXPECT_TRUE(sign_up_with(cat(R"(,"SecretHash":")", secret_hash(*client, "sec"), "\"")));
}

TEST_F(SignUpTest, FunctionsHaveTheirSay) {
  change_settings([](PoolSettings& settings) {
    settings.lambda.pre_sign_up = function_arn("pre");
    settings.lambda.post_confirmation = function_arn("post");
    settings.lambda.custom_message = function_arn("words");
  });
  bool allowed = false;
  invoker.functions["pre"] = [&](const json::Value& event) -> FakeInvoker::Ending {
    if (!allowed) return {R"({"errorMessage":"no robots"})", true};
    return FakeInvoker::responds(event, R"({"autoConfirmUser":false,"autoVerifyEmail":false,"autoVerifyPhone":false})");
  };
  invoker.functions["post"] = [](const json::Value& event) { return FakeInvoker::responds(event, "{}"); };
  invoker.functions["words"] = [](const json::Value& event) {
    return FakeInvoker::responds(event, R"({"emailMessage":"Hi, {####} it is","emailSubject":"Hi"})");
  };
  EXPECT_EQ(sign_up("bob").code(), "UserLambdaValidationException");
  EXPECT_EQ(find_user(pool(), "bob"), nullptr);
  allowed = true;
  ASSERT_TRUE(sign_up("bob", R"(,"ClientMetadata":{"k":"v"})"));
  EXPECT_EQ(sink.last().message, cat("Hi, ", sink.last().code, " it is"));
  EXPECT_EQ(sink.last().subject, "Hi");
  ASSERT_TRUE(confirm("bob", sink.last().code));
  EXPECT_EQ(text(invoker.events.back(), "triggerSource"), "PostConfirmation_ConfirmSignUp");
}

TEST_F(SignUpTest, WhoExistsIsHiddenWhereTheClientSaysSo) {
  auto request = client_request("hides");
  request.prevent_user_existence_errors = "ENABLED";
  add_client(std::move(request));
  EXPECT_EQ(by("app", "ForgotPassword", R"({"Username":"none"})").code(), "UserNotFoundException");
  const auto real = by("hides", "ForgotPassword", R"({"Username":"ann"})"),
             simulated = by("hides", "ForgotPassword", R"({"Username":"none"})");
  ASSERT_TRUE(real) << real.message();
  ASSERT_TRUE(simulated);
  EXPECT_EQ(real.text("CodeDeliveryDetails.DeliveryMedium"), simulated.text("CodeDeliveryDetails.DeliveryMedium"));
  EXPECT_EQ(simulated.text("CodeDeliveryDetails"), by("hides", "ForgotPassword", R"({"Username":"none"})").text("CodeDeliveryDetails"));
  // Wrong codes are answered alike, and limited alike, whether there is somebody or not.
  for (int i = 0; i < 8; ++i) {
    const auto wrong = [&](std::string_view name) {
      return by("hides", "ConfirmForgotPassword", cat(R"({"Username":")", name, R"(","ConfirmationCode":"000","Password":"Passw0rd!"})"));
    };
    const auto of_ann = wrong("ann"), of_none = wrong("none");
    EXPECT_EQ(of_ann.code(), of_none.code()) << i;
    EXPECT_EQ(of_ann.message(), of_none.message()) << i;
  }
}

TEST_F(SignUpTest, ACodeOfNobodyWaitsForTheStoreAsWell) {
  auto request = client_request("hides");
  request.prevent_user_existence_errors = "ENABLED";
  add_client(std::move(request));
  auto counted = pool().strangers;
  for (const auto& [operation, more] : {std::pair("ForgotPassword", ""),
                                        {"ResendConfirmationCode", ""},
                                        {"ConfirmSignUp", R"(,"ConfirmationCode":"000")"},
                                        {"ConfirmForgotPassword", R"(,"ConfirmationCode":"000","Password":"Passw0rd!")"}}) {
    by("hides", operation, cat(R"({"Username":"none")", more, "}"));
    EXPECT_EQ(pool().strangers, ++counted) << operation;
  }
}

TEST_F(SignUpTest, ANameOfNobodyIsOneNameHoweverItIsWritten) {
  auto request = client_request("hides");
  request.prevent_user_existence_errors = "ENABLED";
  add_client(std::move(request));
  change([](State& state, SignInWorld&) { edit_pool(state, pool_id)->case_sensitive = false; });
  const auto last_code = [&](std::initializer_list<std::string_view> names) {
    std::string code;
    for (const auto name : names)
      code = by("hides", "ConfirmForgotPassword", cat(R"({"Username":")", name, R"(","ConfirmationCode":"000","Password":"Passw0rd!"})"))
                 .code();
    return code;
  };
  EXPECT_EQ(last_code({"ann", "ANN", "Ann", "aNN", "anN", "aNn"}), "LimitExceededException");
  EXPECT_EQ(last_code({"bob", "BOB", "Bob", "bOB", "boB", "bOb"}), "LimitExceededException");
}

TEST(StrangersTest, OnlySoManyAreRememberedAndTheLatestAmongThem) {
  Strangers strangers;
  const WallTime now{std::chrono::seconds(1'795'000'000)};
  const auto is_limited = [&](std::string_view name) { return !strangers.count_code_failed("pool", name, now); };
  const auto others = [&](std::size_t count, std::string_view kind) {
    for (std::size_t i = 0; i < count; ++i) EXPECT_TRUE(strangers.count_code_failed("pool", cat(kind, i), now));
  };
  while (!is_limited("bob")) {
  }
  others(limits::strangers_max / 2, "a");
  EXPECT_TRUE(is_limited("bob"));
  others(limits::strangers_max / 2, "b");
  EXPECT_TRUE(is_limited("bob")) << "who was heard of lately stays";
  others(limits::strangers_max + 1, "c");
  EXPECT_FALSE(is_limited("bob"));
}

// ---- Forgotten passwords

TEST_F(ApiTest, AForgottenPasswordIsReplacedByWhoReadsTheMailbox) {
  const auto asked = by("app", "ForgotPassword", R"({"Username":"ann"})");
  ASSERT_TRUE(asked) << asked.message();
  EXPECT_EQ(sink.last().purpose, "reset_password");
  const auto reset = [&](std::string_view code, std::string_view its_password) {
    return by("app", "ConfirmForgotPassword",
              cat(R"({"Username":"ann","ConfirmationCode":")", code, R"(","Password":")", its_password, R"("})"));
  };
  EXPECT_EQ(reset("wrong!", "Another-1-horse").code(), "CodeMismatchException");
  EXPECT_EQ(reset(sink.last().code, "weak").code(), "InvalidPasswordException");
  ASSERT_TRUE(reset(sink.last().code, "Another-1-horse"));
  token_of("ann", "Another-1-horse");
  EXPECT_EQ(with_password("ann", password).code(), "NotAuthorizedException");
  EXPECT_EQ(reset(sink.last().code, "Third-1-horse").code(), "ExpiredCodeException");
  // Who has no proven address has no way back.
  change_user("ann", [](User& user) { user.attributes["email_verified"] = "false"; });
  EXPECT_REFUSED(by("app", "ForgotPassword", R"({"Username":"ann"})"), "InvalidParameterException",
                 "Cannot reset password for the user as there is no registered/verified email or phone_number");
  change_settings([](PoolSettings& settings) { settings.recovery = {{"admin_only", 1}}; });
  EXPECT_REFUSED(by("app", "ForgotPassword", R"({"Username":"ann"})"), "NotAuthorizedException",
                 "Contact administrator to reset password.");
}

/// Something happens while a password is hashed.
class Interrupted final : public Random {
 public:
  void fill(std::span<std::byte> out) override {
    if (auto now = std::exchange(happens, {})) now();
    random.fill(out);
  }
  SystemRandom random;
  std::function<void()> happens;
};

TEST_F(ApiTest, ACodeIsOfOneUserAndNotOfTheNextOfThatName) {
  ASSERT_TRUE(by("app", "ForgotPassword", R"({"Username":"ann"})"));
  Interrupted interrupted;
  Passwords slow(interrupted);
  service = make_service({ledger, directory, clock, random, slow, tokens, triggers, sink});
  interrupted.happens = [&] {
    change([](State& state, SignInWorld&) {
      auto& now_pool = *edit_pool(state, pool_id);
      auto other = *now_pool.users.find("ann");
      erase_user(now_pool, "ann");
      other.sub = "another";
      put_user(now_pool, std::move(other));
    });
  };
  const auto before = user("ann").password.hash;
  EXPECT_EQ(by("app", "ConfirmForgotPassword",
               cat(R"({"Username":"ann","ConfirmationCode":")", sink.last().code, R"(","Password":"Another-1-horse"})"))
                .code(),
            "ExpiredCodeException");
  EXPECT_EQ(user("ann").sub, "another") << "it did happen";
  EXPECT_EQ(user("ann").password.hash, before);
}

TEST_F(ApiTest, AnAdministratorResetsAPassword) {
  ASSERT_TRUE(on(pool_id, "AdminResetUserPassword", R"({"Username":"ann"})"));
  EXPECT_EQ(with_password("ann", password).code(), "PasswordResetRequiredException");
  ASSERT_TRUE(by("app", "ConfirmForgotPassword",
                 cat(R"({"Username":"ann","ConfirmationCode":")", sink.last().code, R"(","Password":"Another-1-horse"})")));
  token_of("ann", "Another-1-horse");
}

// ---- Signed-in users

TEST_F(ApiTest, UsersSeeAndChangeThemselves) {
  const auto token = token_of("ann", password);
  EXPECT_EQ(with_token(token, "GetUser").text("Username"), "ann");
  EXPECT_EQ(with_token("nonsense", "GetUser").code(), "NotAuthorizedException");
  ASSERT_TRUE(with_token(token, "UpdateUserAttributes", R"({"UserAttributes":[{"Name":"nickname","Value":"A"}]})"));
  EXPECT_EQ(attribute(pool_id, "ann", "nickname"), "A");
  EXPECT_REFUSED(with_token(token, "UpdateUserAttributes", R"({"UserAttributes":[{"Name":"email_verified","Value":"true"}]})"),
                 "NotAuthorizedException", "A client attempted to write unauthorized attribute");
  ASSERT_TRUE(with_token(token, "UpdateUserAttributes", R"({"UserAttributes":[{"Name":"email","Value":"new@example.com"}]})"));
  EXPECT_EQ(attribute(pool_id, "ann", "email_verified"), "false");
  ASSERT_TRUE(with_token(token, "GetUserAttributeVerificationCode", R"({"AttributeName":"email"})"));
  EXPECT_EQ(with_token(token, "VerifyUserAttribute", R"({"AttributeName":"email","Code":"wrong!"})").code(), "CodeMismatchException");
  ASSERT_TRUE(with_token(token, "VerifyUserAttribute", cat(R"({"AttributeName":"email","Code":")", sink.last().code, R"("})")));
  EXPECT_EQ(attribute(pool_id, "ann", "email_verified"), "true");
  ASSERT_TRUE(with_token(token, "DeleteUser"));
  EXPECT_EQ(find_user(pool(), "ann"), nullptr);
  EXPECT_NE(with_token(token, "GetUser").code(), "");
}

TEST_F(ApiTest, ANewAddressWaitsForItsProofWhereThePoolSaysSo) {
  change_settings(
      [](PoolSettings& settings) { settings.auto_verified_attributes = settings.attributes_verified_before_update = {"email"}; });
  const auto token = token_of("ann", password);
  const auto updated = with_token(token, "UpdateUserAttributes", R"({"UserAttributes":[{"Name":"email","Value":"new@example.com"}]})");
  ASSERT_TRUE(updated) << updated.message();
  EXPECT_EQ(updated.value.find("CodeDeliveryDetailsList")->array()->size(), 1u);
  EXPECT_EQ(attribute(pool_id, "ann", "email"), "ann@example.com");
  EXPECT_EQ(sink.last().destination, "new@example.com");
  ASSERT_TRUE(with_token(token, "VerifyUserAttribute", cat(R"({"AttributeName":"email","Code":")", sink.last().code, R"("})")));
  EXPECT_EQ(attribute(pool_id, "ann", "email"), "new@example.com");
  EXPECT_EQ(attribute(pool_id, "ann", "email_verified"), "true");
}

TEST_F(ApiTest, PasswordsAreChangedByWhoKnowsThem) {
  const auto token = token_of("ann", password);
  const auto change = [&](std::string_view from, std::string_view to) {
    return with_token(token, "ChangePassword", cat(R"({"PreviousPassword":")", from, R"(","ProposedPassword":")", to, R"("})"));
  };
  EXPECT_REFUSED(change("wrong", "Another-1-horse"), "NotAuthorizedException", "Incorrect username or password.");
  ASSERT_TRUE(change(password, "Another-1-horse"));
  EXPECT_EQ(user("ann").failed_passwords, 0);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(change("wrong", "Third-1-horse").message(), "Incorrect username or password.");
  EXPECT_REFUSED(change("Another-1-horse", "Third-1-horse"), "NotAuthorizedException", "Password attempts exceeded");
  clock.now += std::chrono::seconds(2);
  EXPECT_TRUE(change("Another-1-horse", "Third-1-horse"));
}

TEST_F(ApiTest, OldPasswordsStayOldWhereThePoolKeepsThem) {
  change_settings([](PoolSettings& settings) { settings.password_history_size = 2; });
  const auto set = [&](std::string_view its_password) {
    return on(pool_id, "AdminSetUserPassword", cat(R"({"Username":"ann","Permanent":true,"Password":")", its_password, R"("})"));
  };
  EXPECT_REFUSED(set(password), "PasswordHistoryPolicyViolationException", "Password has previously been used.");
  ASSERT_TRUE(set("Another-1-horse"));
  EXPECT_EQ(set(password).code(), "PasswordHistoryPolicyViolationException");
  ASSERT_TRUE(set("Third-1-horse"));
  EXPECT_TRUE(set(password));
}

TEST_F(ApiTest, APreferredFactorIsOneTheUserHas) {
  const auto token = token_of("ann", password);
  const auto* prefer = R"({"SoftwareTokenMfaSettings":{"Enabled":true,"PreferredMfa":true}})";
  EXPECT_REFUSED(with_token(token, "SetUserMFAPreference", prefer), "InvalidParameterException",
                 "User has not verified software token mfa");
  change_user("ann", [](User& user) { user.totp_secret = crypto::Secret("12345678901234567890"); });
  ASSERT_TRUE(with_token(token, "SetUserMFAPreference", prefer));
  EXPECT_EQ(with_token(token, "GetUser").text("PreferredMfaSetting"), "SOFTWARE_TOKEN_MFA");
  EXPECT_EQ(with_token(token, "SetUserMFAPreference", R"({"SMSMfaSettings":{"Enabled":true}})").error->status, 501);
  EXPECT_TRUE(with_token(token, "SetUserMFAPreference", R"({"SMSMfaSettings":{"Enabled":false}})"));
}

// ---- Parts

TEST(TotpTest, TheVectorsOfRfc6238) {
  const std::string secret = "12345678901234567890";
  const auto at = [](std::int64_t seconds) { return totp::step_of(WallTime(std::chrono::seconds(seconds))); };
  EXPECT_EQ(totp::code_at(secret, at(59)), "287082");
  EXPECT_EQ(totp::code_at(secret, at(1'111'111'109)), "081804");
  EXPECT_EQ(totp::code_at(secret, at(1'234'567'890)), "005924");
  EXPECT_EQ(totp::code_at(secret, at(20'000'000'000)), "353130");
  EXPECT_EQ(totp::to_base32("foobar"), "MZXW6YTBOI");
}

TEST(TotpTest, ACodeIsGoodForAMomentAndOnce) {
  const std::string secret = "12345678901234567890";
  const WallTime now{std::chrono::seconds(1'111'111'109)};
  const auto step = totp::step_of(now);
  EXPECT_EQ(totp::verify(secret, totp::code_at(secret, step), now, 0), step);
  EXPECT_EQ(totp::verify(secret, totp::code_at(secret, step - 1), now, 0), step - 1);
  EXPECT_FALSE(totp::verify(secret, totp::code_at(secret, step - 2), now, 0));
  EXPECT_FALSE(totp::verify(secret, totp::code_at(secret, step + 2), now, 0));
  EXPECT_FALSE(totp::verify(secret, totp::code_at(secret, step), now, step));
  EXPECT_FALSE(totp::verify("", totp::code_at("", step), now, 0));
}

TEST(PasswordPolicyTest, SaysWhatIsMissing) {
  const PasswordPolicy strict;
  const auto why = [&](std::string_view text) {
    const auto checked = check_password(strict, text);
    return checked ? "" : checked.error().message.substr(std::string("Password did not conform with policy: ").size());
  };
  EXPECT_EQ(why("Aa1!"), "Password not long enough");
  EXPECT_EQ(why("aaaaaa1!"), "Password must have uppercase characters");
  EXPECT_EQ(why("AAAAAA1!"), "Password must have lowercase characters");
  EXPECT_EQ(why("Aaaaaaa!"), "Password must have numeric characters");
  EXPECT_EQ(why("Aaaaaaa1"), "Password must have symbol characters");
  EXPECT_EQ(why("Aaaaaaa1 "), "Password must have symbol characters");
  EXPECT_EQ(why("Aaa aaa1"), "");
  EXPECT_EQ(why("Passw0rd!"), "");
  SystemRandom random;
  for (int i = 0; i < 200; ++i) EXPECT_EQ(why(make_temporary_password(strict, random)), "");
}

}  // namespace
}  // namespace sallyport::cognito
