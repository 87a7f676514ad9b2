#include <gtest/gtest.h>

#include "cognito/srp.hpp"
#include "cognito/testing.hpp"
#include "cognito/totp.hpp"

namespace sallyport::cognito {
namespace {

using testing::function_arn;
using testing::Reply;
using testing::SignInWorld;
using testing::SrpClient;

class SignInTest : public ::testing::Test, public SignInWorld {
 protected:
  Reply with_srp(const std::string& name, const std::string& its_password, WallTime at) {
    const SrpClient client(pool_id, its_password);
    const auto asked = initiate("USER_SRP_AUTH", {{"USERNAME", name}, {"SRP_A", client.srp_a()}});
    if (!asked) return asked;
    EXPECT_EQ(asked.text("ChallengeName"), "PASSWORD_VERIFIER");
    last_answer = client.answer(*asked.value.find("ChallengeParameters"), srp::timestamp(at));
    return respond("PASSWORD_VERIFIER", "", last_answer);
  }
  json::Value last_answer;
};

json::Value object(std::vector<std::pair<std::string, std::string>> members) {
  json::Value out{json::Object{}};
  for (auto& [name, value] : members) out.set(name, std::move(value));
  return out;
}

// ---- passwords

TEST_F(SignInTest, TokensHaveAwsClaims) {
  change_user("ann", [](User& user) { user.groups = {"admins"}; });
  change([](State& state, SignInWorld&) {
    Group group;
    group.name = "admins";
    group.role_arn = "arn:aws:iam::123456789012:role/admin";
    edit_pool(state, pool_id)->groups.insert_or_assign("admins", Shared<Group>(group));
  });
  const auto signed_in = with_password("ann", password);
  ASSERT_TRUE(signed_in) << signed_in.message();
  EXPECT_EQ(signed_in.text("ChallengeParameters"), "{}");
  EXPECT_EQ(signed_in.text("AuthenticationResult.TokenType"), "Bearer");
  EXPECT_EQ(signed_in.text("AuthenticationResult.ExpiresIn"), "3600");
  const auto access = claims(signed_in.text("AuthenticationResult.AccessToken")),
             id = claims(signed_in.text("AuthenticationResult.IdToken"));
  EXPECT_EQ(text(access, "iss"), "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_test00001");
  EXPECT_EQ(text(access, "token_use"), "access");
  EXPECT_EQ(text(access, "client_id"), "app");
  EXPECT_EQ(text(access, "username"), "ann");
  EXPECT_EQ(text(access, "scope"), "aws.cognito.signin.user.admin");
  EXPECT_EQ(text(access, "version"), "(none)");
  EXPECT_EQ(text(access, "cognito:groups"), R"(["admins"])");
  EXPECT_EQ(text(access, "exp"), "1795003600");
  EXPECT_EQ(text(access, "auth_time"), "1795000000");
  EXPECT_EQ(text(access, "aud"), "(none)");
  EXPECT_EQ(text(id, "token_use"), "id");
  EXPECT_EQ(text(id, "aud"), "app");
  EXPECT_EQ(text(id, "cognito:username"), "ann");
  EXPECT_EQ(text(id, "email"), "ann@example.com");
  EXPECT_EQ(text(id, "email_verified"), "true");
  EXPECT_TRUE(id.find("email_verified")->boolean());
  EXPECT_EQ(text(id, "cognito:roles"), R"(["arn:aws:iam::123456789012:role/admin"])");
  EXPECT_EQ(text(id, "cognito:preferred_role"), "arn:aws:iam::123456789012:role/admin");
  EXPECT_EQ(text(id, "origin_jti"), text(access, "origin_jti"));
  EXPECT_EQ(text(id, "event_id"), text(access, "event_id"));
  EXPECT_NE(text(id, "jti"), text(access, "jti"));
  EXPECT_EQ(text(id, "sub"), user("ann").sub);
  EXPECT_EQ(text(id, "client_id"), "(none)");
}

TEST_F(SignInTest, TheClientSeesOnlyItsAttributes) {
  change([](State& state, SignInWorld&) {
    auto& client = edit_pool(state, pool_id)->clients.at("app").edit();
    client.limits_reading = true;
    client.read_attributes = {"email_verified"};
  });
  const auto id = claims(with_password("ann", password).text("AuthenticationResult.IdToken"));
  EXPECT_EQ(text(id, "email"), "(none)");
  EXPECT_EQ(text(id, "email_verified"), "true");
}

TEST_F(SignInTest, WrongPasswordsAreCountedAndLock) {
  for (int i = 0; i < 5; ++i) {
    const auto reply = with_password("ann", "wrong");
    EXPECT_EQ(reply.code(), "NotAuthorizedException");
    EXPECT_EQ(reply.message(), "Incorrect username or password.");
  }
  EXPECT_EQ(user("ann").failed_passwords, 5);
  EXPECT_EQ(with_password("ann", password).message(), "Password attempts exceeded");
  clock.now += std::chrono::seconds(2);
  EXPECT_TRUE(with_password("ann", password));
  EXPECT_EQ(user("ann").failed_passwords, 0);
}

TEST_F(SignInTest, SrpFailuresCountAsWell) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(with_srp("ann", "wrong", clock.now).message(), "Incorrect username or password.");
  EXPECT_EQ(with_password("ann", password).message(), "Password attempts exceeded");
  EXPECT_EQ(with_srp("ann", password, clock.now).message(), "Password attempts exceeded");
}

TEST_F(SignInTest, UnknownUsersShowOnlyWhereTheClientLetsThem) {
  EXPECT_EQ(with_password("bob", "x").code(), "UserNotFoundException");
  EXPECT_EQ(with_password("bob", "x").message(), "User does not exist.");
  EXPECT_EQ(with_srp("bob", "x", clock.now).code(), "UserNotFoundException");
  auto request = client_request("hiding");
  request.prevent_user_existence_errors = "ENABLED";
  add_client(request);
  for (int i = 0; i < 5; ++i) {
    const auto unknown = with_password("bob", "x", "hiding");
    EXPECT_EQ(unknown.code(), "NotAuthorizedException");
    EXPECT_EQ(unknown.message(), "Incorrect username or password.");
  }
  // And a name of nobody locks like any other.
  EXPECT_EQ(with_password("bob", "x", "hiding").message(), "Password attempts exceeded");
  const SrpClient one(pool_id, "x");
  const auto first = initiate("USER_SRP_AUTH", {{"USERNAME", "carl"}, {"SRP_A", one.srp_a()}}, "hiding"),
             second = initiate("USER_SRP_AUTH", {{"USERNAME", "carl"}, {"SRP_A", one.srp_a()}}, "hiding"),
             real = initiate("USER_SRP_AUTH", {{"USERNAME", "ann"}, {"SRP_A", one.srp_a()}}, "hiding");
  EXPECT_EQ(first.text("ChallengeParameters.SALT"), second.text("ChallengeParameters.SALT"));
  EXPECT_EQ(first.text("ChallengeParameters.SALT").size(), real.text("ChallengeParameters.SALT").size());
  EXPECT_EQ(first.text("ChallengeParameters.USERNAME"), "carl");
  EXPECT_NE(first.text("ChallengeParameters.SRP_B"), second.text("ChallengeParameters.SRP_B"));
  const auto refused =
      respond("PASSWORD_VERIFIER", "", one.answer(*first.value.find("ChallengeParameters"), srp::timestamp(clock.now)), "hiding");
  EXPECT_EQ(refused.message(), "Incorrect username or password.");
}

TEST_F(SignInTest, FlowsAndParametersAreChecked) {
  auto request = client_request("narrow");
  request.explicit_auth_flows = {"ALLOW_REFRESH_TOKEN_AUTH"};
  add_client(request);
  EXPECT_EQ(with_password("ann", password, "narrow").code(), "InvalidParameterException");
  EXPECT_EQ(with_password("ann", password, "narrow").message(), "USER_PASSWORD_AUTH flow not enabled for this client");
  EXPECT_EQ(initiate("USER_SRP_AUTH", {{"USERNAME", "ann"}, {"SRP_A", "2"}}, "narrow").message(),
            "USER_SRP_AUTH is not enabled for the client.");
  EXPECT_EQ(initiate("ADMIN_USER_PASSWORD_AUTH", {{"USERNAME", "ann"}}).message(), "Initiate Auth method not supported.");
  EXPECT_EQ(
      call_text("AdminInitiateAuth", cat(R"({"UserPoolId":")", pool_id, R"(","ClientId":"narrow","AuthFlow":"ADMIN_USER_PASSWORD_AUTH",)",
                                         R"("AuthParameters":{"USERNAME":"ann","PASSWORD":"x"}})"))
          .message(),
      "Auth flow not enabled for this client");
  EXPECT_EQ(initiate("USER_PASSWORD_AUTH", {{"USERNAME", "ann"}}).message(), "Missing required parameter PASSWORD");
  EXPECT_EQ(initiate("USER_PASSWORD_AUTH", {{"PASSWORD", "x"}}).message(), "Missing required parameter USERNAME");
  EXPECT_EQ(initiate("USER_AUTH", {{"USERNAME", "ann"}}).error->status, 501);
  EXPECT_EQ(with_password("ann", password, "nobody").code(), "ResourceNotFoundException");
  EXPECT_EQ(call_text("InitiateAuth", R"({"ClientId":"app","AuthFlow":"USER_PASSWORD_AUTH","Session":"x"})").error->status, 501);
}

TEST_F(SignInTest, AdministratorsSignInUsersOfTheirOwnPools) {
  const auto input = [&](std::string_view id) {
    return cat(R"({"UserPoolId":")", id, R"(","ClientId":"app","AuthFlow":"ADMIN_USER_PASSWORD_AUTH","AuthParameters":{"USERNAME":"ann",)",
               R"("PASSWORD":")", password, R"("}})");
  };
  EXPECT_TRUE(call_text("AdminInitiateAuth", input(pool_id)));
  EXPECT_EQ(call_text("AdminInitiateAuth", input("us-east-1_other0001")).code(), "ResourceNotFoundException");
}

TEST_F(SignInTest, ClientsWithASecretProveIt) {
  auto request = client_request("secretive");
  request.secret = "s3cret-of-the-client-that-is-long-enough-000000000000";
  add_client(request);
  const auto& client = *pool().client("secretive");
  EXPECT_EQ(with_password("ann", password, "secretive").code(), "NotAuthorizedException");
  const auto hash = secret_hash(client, "ann");
  const auto signed_in = initiate("USER_PASSWORD_AUTH", {{"USERNAME", "ann"}, {"PASSWORD", password}, {"SECRET_HASH", hash}}, "secretive");
  ASSERT_TRUE(signed_in) << signed_in.message();
  const auto token = signed_in.text("AuthenticationResult.RefreshToken");
  EXPECT_EQ(initiate("REFRESH_TOKEN_AUTH", {{"REFRESH_TOKEN", token}}, "secretive").code(), "NotAuthorizedException");
  EXPECT_TRUE(initiate("REFRESH_TOKEN_AUTH", {{"REFRESH_TOKEN", token}, {"SECRET_HASH", hash}}, "secretive"));
  EXPECT_TRUE(
      initiate("REFRESH_TOKEN_AUTH", {{"REFRESH_TOKEN", token}, {"SECRET_HASH", secret_hash(client, user("ann").sub)}}, "secretive"));
}

TEST_F(SignInTest, StatusesHaveTheirTexts) {
  add_user("new", "Temporary-1-x", UserStatus::unconfirmed);
  add_user("reset", "Temporary-1-x", UserStatus::reset_required);
  EXPECT_EQ(with_password("new", "Temporary-1-x").code(), "UserNotConfirmedException");
  EXPECT_EQ(with_password("new", "Temporary-1-x").message(), "User is not confirmed.");
  EXPECT_EQ(with_password("new", "wrong").code(), "NotAuthorizedException");
  EXPECT_EQ(with_password("reset", "Temporary-1-x").code(), "PasswordResetRequiredException");
  change_user("ann", [](User& user) { user.enabled = false; });
  EXPECT_EQ(with_password("ann", password).message(), "User is disabled.");
}

// ---- SRP

TEST_F(SignInTest, SrpIsReallyVerified) {
  const auto signed_in = with_srp("ann", password, clock.now);
  ASSERT_TRUE(signed_in) << signed_in.message();
  EXPECT_EQ(text(claims(signed_in.text("AuthenticationResult.AccessToken")), "username"), "ann");
  // The same proof again, and the same block with another proof.
  EXPECT_EQ(respond("PASSWORD_VERIFIER", "", last_answer).message(), "Incorrect username or password.");
  EXPECT_EQ(with_srp("ann", "wrong", clock.now).message(), "Incorrect username or password.");
  EXPECT_EQ(respond("PASSWORD_VERIFIER", "", last_answer).message(), "Incorrect username or password.");
}

TEST_F(SignInTest, SrpTimestampsAndBlocksExpire) {
  EXPECT_EQ(with_srp("ann", password, clock.now - std::chrono::minutes(6)).message(), "Incorrect username or password.");
  EXPECT_EQ(with_srp("ann", password, clock.now + std::chrono::minutes(6)).message(), "Incorrect username or password.");
  const SrpClient client(pool_id, password);
  const auto asked = initiate("USER_SRP_AUTH", {{"USERNAME", "ann"}, {"SRP_A", client.srp_a()}});
  clock.now += std::chrono::minutes(4);
  EXPECT_EQ(respond("PASSWORD_VERIFIER", "", client.answer(*asked.value.find("ChallengeParameters"), srp::timestamp(clock.now))).message(),
            "Incorrect username or password.");
  EXPECT_EQ(initiate("USER_SRP_AUTH", {{"USERNAME", "ann"}, {"SRP_A", "00"}}).code(), "InvalidParameterException");
}

TEST_F(SignInTest, ASecretBlockIsOfOneClient) {
  add_client(client_request("other"));
  const SrpClient client(pool_id, password);
  const auto asked = initiate("USER_SRP_AUTH", {{"USERNAME", "ann"}, {"SRP_A", client.srp_a()}});
  const auto answer = client.answer(*asked.value.find("ChallengeParameters"), srp::timestamp(clock.now));
  EXPECT_EQ(respond("PASSWORD_VERIFIER", "", answer, "other").code(), "NotAuthorizedException");
  EXPECT_TRUE(respond("PASSWORD_VERIFIER", "", answer));
}

// ---- challenges

TEST_F(SignInTest, ATemporaryPasswordIsReplaced) {
  add_user("new", "Temporary-1-x", UserStatus::force_change_password);
  const auto asked = with_password("new", "Temporary-1-x");
  ASSERT_EQ(asked.text("ChallengeName"), "NEW_PASSWORD_REQUIRED");
  EXPECT_EQ(asked.text("ChallengeParameters.requiredAttributes"), "[]");
  EXPECT_EQ(asked.text("ChallengeParameters.USER_ID_FOR_SRP"), "new");
  EXPECT_NE(asked.text("ChallengeParameters.userAttributes").find(R"("email":"new@example.com")"), std::string::npos);
  const auto session = asked.text("Session");
  EXPECT_EQ(respond("NEW_PASSWORD_REQUIRED", session, object({{"USERNAME", "new"}, {"NEW_PASSWORD", "weak"}})).code(),
            "InvalidPasswordException");
  EXPECT_EQ(respond("NEW_PASSWORD_REQUIRED", session, object({{"USERNAME", "ann"}, {"NEW_PASSWORD", "Better-1-horse"}})).message(),
            "Invalid session for the user.");
  const auto done = respond("NEW_PASSWORD_REQUIRED", session,
                            object({{"USERNAME", "new"}, {"NEW_PASSWORD", "Better-1-horse"}, {"userAttributes.given_name", "Neo"}}));
  ASSERT_TRUE(done) << done.message();
  EXPECT_EQ(text(claims(done.text("AuthenticationResult.IdToken")), "given_name"), "Neo");
  EXPECT_EQ(user("new").status, UserStatus::confirmed);
  EXPECT_EQ(respond("NEW_PASSWORD_REQUIRED", session, object({{"USERNAME", "new"}, {"NEW_PASSWORD", "Other-1-horse"}})).message(),
            "Invalid session for the user.");
  EXPECT_FALSE(with_password("new", "Temporary-1-x"));
  EXPECT_TRUE(with_password("new", "Better-1-horse"));
  EXPECT_TRUE(with_srp("new", "Better-1-horse", clock.now));
}

TEST_F(SignInTest, TemporaryPasswordsAndSessionsExpire) {
  add_user("new", "Temporary-1-x", UserStatus::force_change_password);
  const auto asked = with_password("new", "Temporary-1-x");
  clock.now += std::chrono::minutes(4);
  EXPECT_EQ(
      respond("NEW_PASSWORD_REQUIRED", asked.text("Session"), object({{"USERNAME", "new"}, {"NEW_PASSWORD", "Better-1-horse"}})).message(),
      "Invalid session for the user, session is expired.");
  clock.now += std::chrono::days(7);
  EXPECT_EQ(with_password("new", "Temporary-1-x").message(), "Temporary password has expired and must be reset by an administrator.");
}

TEST_F(SignInTest, OneTimePasswordsAreGoodOnce) {
  const std::string secret = "12345678901234567890";
  change_settings([](PoolSettings& settings) {
    settings.mfa = MfaMode::optional;
    settings.software_token_mfa = true;
  });
  change_user("ann", [&](User& user) {
    user.totp_secret = crypto::Secret(std::string(secret));
    user.totp_enabled = true;
  });
  const auto code = totp::code_at(secret, totp::step_of(clock.now));
  const auto asked = with_password("ann", password);
  ASSERT_EQ(asked.text("ChallengeName"), "SOFTWARE_TOKEN_MFA");
  const auto answer = [&](const Reply& to, std::string_view given) {
    return respond("SOFTWARE_TOKEN_MFA", to.text("Session"),
                   object({{"USERNAME", "ann"}, {"SOFTWARE_TOKEN_MFA_CODE", std::string(given)}}));
  };
  EXPECT_EQ(answer(asked, code == "000000" ? "111111" : "000000").code(), "CodeMismatchException");
  EXPECT_EQ(user("ann").failed_passwords, 1);
  EXPECT_TRUE(answer(asked, code));
  EXPECT_EQ(user("ann").failed_passwords, 0);
  const auto again = with_password("ann", password);
  EXPECT_EQ(answer(again, code).message(), "Your software token has already been used once.");
  EXPECT_EQ(answer(asked, code).message(), "Invalid session for the user.");
  // Guessing is bounded, whatever the password: a right one does not forgive wrong codes.
  for (int i = 0; i < 4; ++i) answer(with_password("ann", password), "999999");
  EXPECT_EQ(with_password("ann", password).message(), "Password attempts exceeded");
}

TEST_F(SignInTest, SettingUpAnAuthenticator) {
  change_settings([](PoolSettings& settings) {
    settings.mfa = MfaMode::on;
    settings.software_token_mfa = true;
  });
  const auto early = with_password("ann", password), asked = with_password("ann", password);
  ASSERT_EQ(asked.text("ChallengeName"), "MFA_SETUP");
  EXPECT_EQ(asked.text("ChallengeParameters.MFAS_CAN_SETUP"), R"(["SOFTWARE_TOKEN_MFA"])");
  // Nobody skips it.
  EXPECT_EQ(respond("MFA_SETUP", asked.text("Session"), object({{"USERNAME", "ann"}})).code(), "InvalidParameterException");
  const auto associated = call("AssociateSoftwareToken", object({{"Session", asked.text("Session")}}));
  ASSERT_TRUE(associated) << associated.message();
  EXPECT_EQ(associated.text("SecretCode"), totp::to_base32(user("ann").pending_totp_secret.reveal()));
  const auto code = totp::code_at(user("ann").pending_totp_secret.reveal(), totp::step_of(clock.now));
  EXPECT_EQ(
      call("VerifySoftwareToken", object({{"Session", associated.text("Session")}, {"UserCode", code == "000000" ? "111111" : "000000"}}))
          .code(),
      "EnableSoftwareTokenMFAException");
  const auto verified = call("VerifySoftwareToken", object({{"Session", associated.text("Session")}, {"UserCode", code}}));
  ASSERT_TRUE(verified) << verified.message();
  EXPECT_EQ(verified.text("Status"), "SUCCESS");
  EXPECT_TRUE(respond("MFA_SETUP", verified.text("Session"), object({{"USERNAME", "ann"}})));
  EXPECT_EQ(with_password("ann", password).text("ChallengeName"), "SOFTWARE_TOKEN_MFA");
  // A session from before cannot put another app in the place of this one.
  EXPECT_EQ(call("AssociateSoftwareToken", object({{"Session", early.text("Session")}})).message(), "Invalid session for the user.");
  EXPECT_EQ(respond("MFA_SETUP", early.text("Session"), object({{"USERNAME", "ann"}})).code(), "InvalidParameterException");
}

// ---- tokens

TEST_F(SignInTest, RefreshTokensGoOnInTheirSession) {
  const auto first = with_password("ann", password);
  const auto token = first.text("AuthenticationResult.RefreshToken");
  clock.now += std::chrono::hours(5);
  for (const auto* flow : {"REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"}) {
    const auto next = initiate(flow, {{"REFRESH_TOKEN", token}});
    ASSERT_TRUE(next) << next.message();
    EXPECT_EQ(next.text("AuthenticationResult.RefreshToken"), "");
    const auto access = claims(next.text("AuthenticationResult.AccessToken"));
    EXPECT_EQ(text(access, "auth_time"), "1795000000");
    EXPECT_EQ(text(access, "iat"), "1795018000");
  }
  for (const auto& wrong : {token + "x", token.substr(0, token.size() - 1), std::string("x"), std::string("a.b.c"), std::string()})
    EXPECT_FALSE(initiate("REFRESH_TOKEN_AUTH", {{"REFRESH_TOKEN", wrong}})) << wrong;
  add_client(client_request("other"));
  EXPECT_EQ(initiate("REFRESH_TOKEN_AUTH", {{"REFRESH_TOKEN", token}}, "other").message(), "Invalid Refresh Token");
  clock.now += std::chrono::days(30);
  EXPECT_EQ(initiate("REFRESH_TOKEN_AUTH", {{"REFRESH_TOKEN", token}}).message(), "Refresh Token has expired");
}

TEST_F(SignInTest, ReplacedRefreshTokensEndTheSession) {
  auto request = client_request("rotating");
  request.explicit_auth_flows = {"ALLOW_USER_PASSWORD_AUTH"};
  request.refresh_token_rotation = true;
  request.rotation_grace_s = 10;
  add_client(request);
  const auto refresh = [&](const std::string& token) {
    return call("GetTokensFromRefreshToken", object({{"ClientId", "rotating"}, {"RefreshToken", token}}));
  };
  const auto first = with_password("ann", password, "rotating").text("AuthenticationResult.RefreshToken");
  const auto second = refresh(first);
  ASSERT_TRUE(second) << second.message();
  const auto second_token = second.text("AuthenticationResult.RefreshToken");
  EXPECT_NE(second_token, first);
  // Within the grace period the old one is still good, after it the session ends for everybody.
  EXPECT_TRUE(refresh(first));
  clock.now += std::chrono::seconds(11);
  const auto third = refresh(second_token);
  EXPECT_EQ(third.code(), "RefreshTokenReuseException") << "the second one was replaced when the first was used again";
  const auto access = second.text("AuthenticationResult.AccessToken");
  EXPECT_EQ(tokens.verify(access, clock.now).error().message, "Access Token has been revoked");

  const auto one = with_password("ann", password, "rotating").text("AuthenticationResult.RefreshToken");
  auto newest = one;
  for (int i = 0; i < 4; ++i) newest = refresh(newest).text("AuthenticationResult.RefreshToken");
  EXPECT_EQ(refresh(one).code(), "RefreshTokenReuseException");
  EXPECT_EQ(refresh(newest).message(), "Refresh Token has been revoked");
}

TEST_F(SignInTest, AMadeUpTokenEndsNoSession) {
  const auto signed_in = with_password("ann", password);
  const auto token = signed_in.text("AuthenticationResult.RefreshToken");
  const auto session = token.substr(0, token.find('.'));
  EXPECT_FALSE(initiate("REFRESH_TOKEN_AUTH", {{"REFRESH_TOKEN", cat(session, ".AAAA.AAAA")}}));
  EXPECT_TRUE(initiate("REFRESH_TOKEN_AUTH", {{"REFRESH_TOKEN", token}}));
}

TEST_F(SignInTest, SigningOutEndsEverySession) {
  const auto one = with_password("ann", password), two = with_password("ann", password);
  const auto access = one.text("AuthenticationResult.AccessToken");
  EXPECT_TRUE(tokens.verify(access, clock.now));
  clock.now += std::chrono::seconds(5);
  EXPECT_TRUE(call("GlobalSignOut", object({{"AccessToken", access}})));
  EXPECT_EQ(call("GlobalSignOut", object({{"AccessToken", access}})).message(), "Access Token has been revoked");
  EXPECT_FALSE(tokens.verify(two.text("AuthenticationResult.AccessToken"), clock.now));
  EXPECT_FALSE(initiate("REFRESH_TOKEN_AUTH", {{"REFRESH_TOKEN", two.text("AuthenticationResult.RefreshToken")}}));
  clock.now += std::chrono::seconds(1);
  const auto three = with_password("ann", password);
  EXPECT_TRUE(tokens.verify(three.text("AuthenticationResult.AccessToken"), clock.now));
  EXPECT_TRUE(call("AdminUserGlobalSignOut", object({{"UserPoolId", pool_id}, {"Username", "ann"}})));
  EXPECT_FALSE(tokens.verify(three.text("AuthenticationResult.AccessToken"), clock.now));
  EXPECT_EQ(call("AdminUserGlobalSignOut", object({{"UserPoolId", pool_id}, {"Username", "x"}})).code(), "UserNotFoundException");
}

TEST_F(SignInTest, RevokingEndsOneSession) {
  const auto one = with_password("ann", password), two = with_password("ann", password);
  const auto revoke = [&](const std::string& token) { return call("RevokeToken", object({{"ClientId", "app"}, {"Token", token}})); };
  EXPECT_EQ(revoke(one.text("AuthenticationResult.AccessToken")).code(), "UnsupportedTokenTypeException");
  EXPECT_TRUE(revoke(one.text("AuthenticationResult.RefreshToken")));
  EXPECT_TRUE(revoke(one.text("AuthenticationResult.RefreshToken")));
  EXPECT_TRUE(revoke("unknown"));
  EXPECT_EQ(tokens.verify(one.text("AuthenticationResult.AccessToken"), clock.now).error().message, "Access Token has been revoked");
  EXPECT_EQ(initiate("REFRESH_TOKEN_AUTH", {{"REFRESH_TOKEN", one.text("AuthenticationResult.RefreshToken")}}).message(),
            "Refresh Token has been revoked");
  EXPECT_TRUE(tokens.verify(two.text("AuthenticationResult.AccessToken"), clock.now));
  add_client(client_request("other"));
  EXPECT_EQ(call("RevokeToken", object({{"ClientId", "other"}, {"Token", two.text("AuthenticationResult.RefreshToken")}})).code(),
            "UnauthorizedException");
  EXPECT_TRUE(tokens.verify(two.text("AuthenticationResult.AccessToken"), clock.now));
}

TEST_F(SignInTest, AccessTokensAreVerifiedWithAwsTexts) {
  const auto signed_in = with_password("ann", password);
  const auto access = signed_in.text("AuthenticationResult.AccessToken");
  EXPECT_EQ(tokens.verify(access, clock.now)->username, "ann");
  EXPECT_EQ(tokens.verify(signed_in.text("AuthenticationResult.IdToken"), clock.now).error().message, "Invalid Access Token");
  EXPECT_EQ(tokens.verify("x", clock.now).error().message, "Invalid Access Token");
  auto broken = access;
  broken[access.size() - 10] = broken[access.size() - 10] == 'A' ? 'B' : 'A';
  EXPECT_EQ(tokens.verify(broken, clock.now).error().message, "Invalid Access Token");
  EXPECT_EQ(tokens.verify(access, clock.now + std::chrono::hours(1)).error().message, "Access Token has expired");
  change_user("ann", [](User& user) { user.enabled = false; });
  EXPECT_EQ(tokens.verify(access, clock.now).error().message, "User is disabled.");
  change_user("ann", [](User& user) {
    user.enabled = true;
    user.sub = "somebody else of that name";
  });
  EXPECT_EQ(tokens.verify(access, clock.now).error().code, "UserNotFoundException");
}

TEST_F(SignInTest, ReplacedKeysStayPublished) {
  const auto before = with_password("ann", password).text("AuthenticationResult.AccessToken");
  change([](State& state, SignInWorld& world) {
    replace_signing_keys(*edit_pool(state, pool_id), make_signing_key(world.clock.now), make_signing_key(world.clock.now), world.clock.now);
  });
  const auto after = with_password("ann", password).text("AuthenticationResult.AccessToken");
  EXPECT_NE(before.substr(0, before.find('.')), after.substr(0, after.find('.')));
  claims(before);
  claims(after);
  EXPECT_EQ(json::parse(key_set_text(pool(), clock.now))->find("keys")->array()->size(), 4u);
  EXPECT_EQ(json::parse(key_set_text(pool(), clock.now + std::chrono::hours(25)))->find("keys")->array()->size(), 2u);
}

TEST_F(SignInTest, ReplacedKeysAreBelievedNoLongerThanTheyArePublished) {
  change([](State& state, SignInWorld& world) {
    replace_signing_keys(*edit_pool(state, pool_id), make_signing_key(world.clock.now), make_signing_key(world.clock.now), world.clock.now);
  });
  const auto issuer = issuer_of(pool());
  EXPECT_EQ(directory.issuer_keys(issuer)->size(), 4u);
  // Nothing is published meanwhile.
  clock.now += std::chrono::hours(25);
  EXPECT_EQ(directory.issuer_keys(issuer)->size(), 2u);
  EXPECT_EQ(directory.issuer_keys(issuer)->keys(), directory.issuer_keys(issuer)->keys());
}

TEST_F(SignInTest, WhoIsSignedOutWhileAFunctionRunsGetsNoNewTokens) {
  const auto token = with_password("ann", password).text("AuthenticationResult.RefreshToken");
  change_settings([](PoolSettings& settings) {
    settings.lambda.pre_token_generation = function_arn("tokens");
    settings.lambda.pre_token_generation_version = "V1_0";
  });
  std::function<void(UserPool&)> meanwhile = [](UserPool&) {};
  invoker.functions["tokens"] = [&](const json::Value& event) {
    change([&](State& state, SignInWorld&) { meanwhile(*edit_pool(state, pool_id)); });
    return testing::FakeInvoker::responds(event, "{}");
  };
  ASSERT_TRUE(initiate("REFRESH_TOKEN_AUTH", {{"REFRESH_TOKEN", token}}));
  meanwhile = [](UserPool& pool) { pool.users.edit("ann")->enabled = false; };
  EXPECT_EQ(initiate("REFRESH_TOKEN_AUTH", {{"REFRESH_TOKEN", token}}).message(), "User is disabled.");
  change_user("ann", [](User& user) { user.enabled = true; });
  meanwhile = [](UserPool& pool) {
    for (const auto& id : sessions_of(pool, "ann")) erase_session(pool, id);
  };
  EXPECT_EQ(initiate("REFRESH_TOKEN_AUTH", {{"REFRESH_TOKEN", token}}).message(), "Refresh Token has been revoked");
}

TEST(SealerTest, AFullTableIsSweptNowAndThen) {
  SystemRandom random;
  Sealer sealer(random);
  const WallTime begin{std::chrono::seconds(1'795'000'000)};
  const auto named = [&](std::string nonce, std::chrono::milliseconds life) { return Unsealed{{}, std::move(nonce), begin + life}; };
  ASSERT_TRUE(sealer.take(named("short", std::chrono::milliseconds(100)), begin));
  for (std::size_t i = 1; i < limits::remembered_uses_max; ++i)
    ASSERT_TRUE(sealer.take(named(std::to_string(i), std::chrono::minutes(10)), begin));
  const auto one_more = named("more", std::chrono::minutes(10));
  EXPECT_FALSE(sealer.take(one_more, begin)) << "nobody goes on while the table is full";
  EXPECT_FALSE(sealer.take(one_more, begin + std::chrono::milliseconds(500))) << "nor is it looked through for everybody who asks";
  EXPECT_TRUE(sealer.take(one_more, begin + std::chrono::seconds(1)));
}

TEST_F(SignInTest, AFailureOfNobodyWaitsForTheStoreAsWell) {
  auto request = client_request("hides");
  request.prevent_user_existence_errors = "ENABLED";
  add_client(request);
  const auto counted = pool().strangers;
  EXPECT_EQ(with_password("bob", "x", "hides").code(), "NotAuthorizedException");
  EXPECT_EQ(pool().strangers, counted + 1) << "published, and so durable, before the answer";
  EXPECT_EQ(with_password("ann", "x", "hides").code(), "NotAuthorizedException");
  EXPECT_EQ(pool().strangers, counted + 1);
  EXPECT_EQ(user("ann").failed_passwords, 1);
}

TEST(AttemptsTest, ALongNameIsRememberedAsShortAsAnother) {
  EXPECT_EQ(Attempts::key_of("pool", std::string(100'000, 'x')).size(), Attempts::key_of("pool", "x").size());
  EXPECT_NE(Attempts::key_of("pool", "x"), Attempts::key_of("pool", "y"));
}

// ---- triggers

TEST_F(SignInTest, FunctionsAreAskedInTheirOrder) {
  change_settings([](PoolSettings& settings) {
    settings.lambda.pre_authentication = function_arn("pre");
    settings.lambda.post_authentication = function_arn("post");
    settings.lambda.pre_token_generation = function_arn("token");
    settings.lambda.pre_token_generation_version = "V1_0";
  });
  const auto fine = [](const json::Value& event) { return testing::FakeInvoker::responds(event, "{}"); };
  invoker.functions["pre"] = invoker.functions["post"] = fine;
  invoker.functions["token"] = [](const json::Value& event) {
    return testing::FakeInvoker::responds(event,
                                          R"({"claimsOverrideDetails":{"claimsToAddOrOverride":{"plan":"gold","sub":"forged"},)"
                                          R"("claimsToSuppress":["email"],"groupOverrideDetails":{"groupsToOverride":["g1","g2"]}}})");
  };
  const auto signed_in = with_password("ann", password);
  ASSERT_TRUE(signed_in) << signed_in.message();
  std::vector<std::string> sources;
  for (const auto& event : invoker.events) sources.push_back(text(event, "triggerSource"));
  EXPECT_EQ(sources, (std::vector<std::string>{"PreAuthentication_Authentication", "PostAuthentication_Authentication",
                                               "TokenGeneration_Authentication"}));
  const auto& event = invoker.events.front();
  EXPECT_EQ(text(event, "version"), "1");
  EXPECT_EQ(text(event, "userPoolId"), pool_id);
  EXPECT_EQ(text(event, "userName"), "ann");
  EXPECT_EQ(text(event, "region"), "us-east-1");
  EXPECT_EQ(text(*event.find("callerContext"), "clientId"), "app");
  EXPECT_EQ(text(*event.find("request")->find("userAttributes"), "cognito:user_status"), "CONFIRMED");
  EXPECT_EQ(invoker.callers.front().service, "cognito-idp.amazonaws.com");
  EXPECT_EQ(invoker.callers.front().source_arn, pool().arn);
  const auto id = claims(signed_in.text("AuthenticationResult.IdToken"));
  EXPECT_EQ(text(id, "plan"), "gold");
  EXPECT_EQ(text(id, "email"), "(none)");
  EXPECT_EQ(text(id, "sub"), user("ann").sub);
  EXPECT_EQ(text(id, "cognito:groups"), R"(["g1","g2"])");
}

TEST_F(SignInTest, TheSecondVersionChangesAccessTokensToo) {
  change_settings([](PoolSettings& settings) {
    settings.lambda.pre_token_generation = function_arn("token");
    settings.lambda.pre_token_generation_version = "V2_0";
  });
  invoker.functions["token"] = [](const json::Value& event) {
    EXPECT_EQ(text(event, "version"), "2");
    EXPECT_EQ(text(*event.find("request"), "scopes"), R"(["aws.cognito.signin.user.admin"])");
    return testing::FakeInvoker::responds(
        event, R"({"claimsAndScopeOverrideDetails":{"accessTokenGeneration":{"claimsToAddOrOverride":{"tenant":7,"client_id":"x"},)"
               R"("scopesToAdd":["pets/read"],"scopesToSuppress":["aws.cognito.signin.user.admin"]}}})");
  };
  const auto access = claims(with_password("ann", password).text("AuthenticationResult.AccessToken"));
  EXPECT_EQ(text(access, "tenant"), "7");
  EXPECT_EQ(text(access, "client_id"), "app");
  EXPECT_EQ(text(access, "scope"), "pets/read");
}

TEST_F(SignInTest, FailuresOfFunctionsHaveAwsTexts) {
  change_settings([](PoolSettings& settings) { settings.lambda.pre_authentication = function_arn("pre"); });
  const auto ends = [&](testing::FakeInvoker::Ending ending) {
    invoker.functions["pre"] = [ending](const json::Value&) { return ending; };
    return with_password("ann", password);
  };
  auto reply = ends({R"({"errorMessage":"go away","errorType":"Error"})", true});
  EXPECT_EQ(reply.code(), "UserLambdaValidationException");
  EXPECT_EQ(reply.message(), "PreAuthentication failed with error go away.");
  reply = ends({"{}", false, aws::ApiError{"AccessDeniedException", 403, "no"}});
  EXPECT_EQ(reply.code(), "UnexpectedLambdaException");
  EXPECT_EQ(reply.message(), "PreAuthentication invocation failed due to error AccessDeniedException.");
  for (const auto* answer : {"null", "[]", "{}", R"({"response":1})"}) {
    reply = ends({answer});
    EXPECT_EQ(reply.code(), "InvalidLambdaResponseException") << answer;
    EXPECT_EQ(reply.message(), "Unrecognizable lambda output");
  }
  reply = ends({"{}", false, std::nullopt, true});
  EXPECT_EQ(reply.code(), "UnexpectedLambdaException");
}

TEST_F(SignInTest, UsersMigrateWithTheirPassword) {
  change_settings([](PoolSettings& settings) { settings.lambda.user_migration = function_arn("migrate"); });
  invoker.functions["migrate"] = [](const json::Value& event) -> testing::FakeInvoker::Ending {
    if (text(*event.find("request"), "password") != "Old-1-password") return {R"({"errorMessage":"bad"})", true};
    return testing::FakeInvoker::responds(
        event,
        R"({"userAttributes":{"email":"old@example.com","email_verified":"true"},"finalUserStatus":"CONFIRMED","messageAction":"SUPPRESS"})");
  };
  EXPECT_EQ(with_password("old", "wrong").message(), "Exception migrating user in app client app");
  const auto signed_in = with_password("old", "Old-1-password");
  ASSERT_TRUE(signed_in) << signed_in.message();
  EXPECT_EQ(user("old").status, UserStatus::confirmed);
  invoker.functions.clear();
  EXPECT_TRUE(with_password("old", "Old-1-password"));
  EXPECT_TRUE(with_srp("old", "Old-1-password", clock.now));
}

TEST_F(SignInTest, CustomSignIn) {
  change_settings([](PoolSettings& settings) {
    settings.lambda.define_auth_challenge = function_arn("define");
    settings.lambda.create_auth_challenge = function_arn("create");
    settings.lambda.verify_auth_challenge_response = function_arn("verify");
  });
  invoker.functions["define"] = [](const json::Value& event) {
    const auto& rounds = *event.find("request")->find("session")->array();
    const bool last_passed = !rounds.empty() && *rounds.back().find("challengeResult")->boolean();
    if (last_passed) return testing::FakeInvoker::responds(event, R"({"issueTokens":true,"failAuthentication":false})");
    if (rounds.size() >= 3) return testing::FakeInvoker::responds(event, R"({"issueTokens":false,"failAuthentication":true})");
    return testing::FakeInvoker::responds(event, R"({"challengeName":"CUSTOM_CHALLENGE","issueTokens":false,"failAuthentication":false})");
  };
  invoker.functions["create"] = [](const json::Value& event) {
    return testing::FakeInvoker::responds(
        event,
        R"({"publicChallengeParameters":{"question":"6*7"},"privateChallengeParameters":{"answer":"42"},"challengeMetadata":"SUM"})");
  };
  invoker.functions["verify"] = [](const json::Value& event) {
    const auto& request = *event.find("request");
    const bool right = text(*request.find("privateChallengeParameters"), "answer") == text(request, "challengeAnswer");
    return testing::FakeInvoker::responds(event, right ? R"({"answerCorrect":true})" : R"({"answerCorrect":false})");
  };
  const auto asked = initiate("CUSTOM_AUTH", {{"USERNAME", "ann"}});
  ASSERT_EQ(asked.text("ChallengeName"), "CUSTOM_CHALLENGE") << asked.message();
  EXPECT_EQ(asked.text("ChallengeParameters.question"), "6*7");
  EXPECT_EQ(asked.text("ChallengeParameters.USERNAME"), "ann");
  EXPECT_EQ(asked.text("ChallengeParameters.answer"), "");
  const auto answer = [&](const Reply& to, std::string given) {
    return respond("CUSTOM_CHALLENGE", to.text("Session"), object({{"USERNAME", "ann"}, {"ANSWER", std::move(given)}}));
  };
  const auto again = answer(asked, "41");
  ASSERT_EQ(again.text("ChallengeName"), "CUSTOM_CHALLENGE") << again.message();
  EXPECT_EQ(answer(asked, "42").message(), "Invalid session for the user.");
  const auto done = answer(again, "42");
  ASSERT_TRUE(done) << done.message();
  claims(done.text("AuthenticationResult.AccessToken"));
  auto failing = initiate("CUSTOM_AUTH", {{"USERNAME", "ann"}});
  for (int i = 0; i < 3; ++i) failing = answer(failing, "0");
  EXPECT_EQ(failing.message(), "Incorrect username or password.");
}

TEST_F(SignInTest, CustomSignInForNobodyEndsWithoutTokens) {
  auto request = client_request("hiding");
  request.prevent_user_existence_errors = "ENABLED";
  add_client(request);
  change_settings([](PoolSettings& settings) {
    settings.lambda.define_auth_challenge = settings.lambda.create_auth_challenge = settings.lambda.verify_auth_challenge_response =
        function_arn("all");
  });
  invoker.functions["all"] = [](const json::Value& event) {
    return testing::FakeInvoker::responds(event, R"({"issueTokens":true,"failAuthentication":false,"answerCorrect":true})");
  };
  EXPECT_EQ(initiate("CUSTOM_AUTH", {{"USERNAME", "nobody"}}, "hiding").message(), "Incorrect username or password.");
  EXPECT_EQ(text(*invoker.events.back().find("request"), "userNotFound"), "true");
}

}  // namespace
}  // namespace sallyport::cognito
