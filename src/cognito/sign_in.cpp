#include "cognito/sign_in.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "cognito/choices.hpp"
#include "cognito/errors.hpp"
#include "cognito/lockout.hpp"
#include "cognito/operations.hpp"
#include "cognito/schema.hpp"
#include "cognito/sign_in_session.hpp"
#include "cognito/srp.hpp"
#include "crypto/digest.hpp"
#include "json/write.hpp"

namespace sallyport::cognito {
namespace {

using json::Value;

std::unexpected<aws::ApiError> wrong_credentials() { return not_authorized("Incorrect username or password."); }
std::unexpected<aws::ApiError> too_busy() { return refused("TooManyRequestsException", "Too many requests"); }

/// Bytes that look random, the same for the same name: a verifier of nobody.
std::string fake_verifier(std::string_view key, std::string_view pool_id, std::string_view username) {
  std::string bytes;
  for (int block = 0; bytes.size() < 383; ++block)
    bytes += crypto::hmac_sha256(key, cat("srp-verifier\n", block, "\n", pool_id, "\n", username));
  return to_hex(std::string_view(bytes).substr(0, 383));
}

/// What a user of a pool where addresses are names would be called inside, for a name of nobody.
std::string fake_id(const UserPool& pool, std::string_view key, std::string_view username) {
  if (pool.username_attributes.empty()) return std::string(username);
  auto digest = crypto::hmac_sha256(key, cat("user-id\n", pool.id, "\n", username)).substr(0, 16);
  digest[6] = static_cast<char>((digest[6] & 0x0f) | 0x40);
  digest[8] = static_cast<char>((digest[8] & 0x3f) | 0x80);
  const auto hex = to_hex(digest);
  return cat(hex.substr(0, 8), "-", hex.substr(8, 4), "-", hex.substr(12, 4), "-", hex.substr(16, 4), "-", hex.substr(20));
}

}  // namespace

const Client& client_of(const SignInAttempt& attempt) { return *attempt.place.pool->client(attempt.client_id); }

bool SignIn::renew(SignInAttempt& attempt) const {
  auto place = rooms_.directory.pool(attempt.place.pool->id);
  if (!place || !place->pool->client(attempt.client_id)) return false;
  attempt.place = std::move(*place);
  attempt.now = rooms_.clock.wall_now();
  return true;
}

SignIn::Who SignIn::who(const SignInAttempt& attempt, std::string_view typed) const {
  const auto* user = find_user(*attempt.place.pool, typed);
  return {user, user ? user->username : canonical_username(*attempt.place.pool, typed)};
}

TriggerCall SignIn::trigger_call(const SignInAttempt& attempt, const Who& who) const {
  return {attempt.loop,
          attempt.place.state,
          attempt.place.pool->id,
          attempt.client_id,
          who.name,
          who.user ? trigger_attributes(*who.user) : TextMap(),
          attempt.client_metadata};
}

Answer<> SignIn::check_may_be_unknown(const SignInAttempt& attempt, const Who& who) const {
  if (!who.user && !client_of(attempt).hides_user_existence) return no_such_user();
  return {};
}

// ---- passwords

Task<Answer<>> SignIn::count_failure(const SignInAttempt& attempt, const Who& who) {
  auto call = own_call(attempt.loop, attempt.place.state->scope, attempt.now);
  if (!who.user) {
    attempts_.unknown_failed(attempt.place.pool->id, who.name, attempt.now);
    co_await write_of_stranger(rooms_.ledger, call, attempt.place.pool->id);
    co_return Answer<>();
  }
  co_await rooms_.ledger.write(call, [&](State& draft) -> Answer<Value> {
    auto* pool = edit_pool(draft, attempt.place.pool->id);
    if (auto* user = pool ? edit_user(*pool, who.name) : nullptr) password_failed(*user, attempt.now);
    return Value();
  });
  co_return Answer<>();
}

Task<Answer<>> SignIn::check_password(const SignInAttempt& attempt, const Who& who, crypto::Secret password) {
  const auto turn = co_await attempts_.begin(attempt.place.pool->id, who.name, who.user, attempt.now);
  const auto same = co_await sallyport::attempt(
      rooms_.passwords.matches(attempt.loop, who.user ? who.user->password.hash : std::string(), std::move(password)));
  if (!same) co_return too_busy();
  if (*same) co_return Answer<>();
  co_await count_failure(attempt, who);
  co_return wrong_credentials();
}

Task<Answer<SignInStep>> SignIn::with_password(SignInAttempt attempt, std::string username, crypto::Secret password) {
  const auto migrated = co_await migrate(attempt, username, password);
  co_await check_may_be_unknown(attempt, who(attempt, username));
  {
    const auto known = who(attempt, username);
    co_await rooms_.triggers.pre_authentication(trigger_call(attempt, known), !known.user);
  }
  // The functions that come from here on are not told what the client said in InitiateAuth.
  attempt.client_metadata.clear();
  if (!renew(attempt)) co_return no_such_client(attempt.client_id);
  const auto known = who(attempt, username);
  // A function that migrated the user has seen the password.
  if (!migrated) co_await check_password(attempt, known, std::move(password));
  if (!known.user) co_return wrong_credentials();
  co_return co_await after_first_factor(attempt, known.user->username, known.user->sub);
}

Task<Answer<bool>> SignIn::migrate(SignInAttempt& attempt, std::string typed, const crypto::Secret& password) {
  const auto& pool = *attempt.place.pool;
  if (pool.settings->lambda.user_migration.empty() || find_user(pool, typed)) co_return false;
  auto call = trigger_call(attempt, {nullptr, typed});
  auto migrated = co_await sallyport::attempt(rooms_.triggers.migrate_signing_in(std::move(call), password));
  if (!migrated) {
    if (client_of(attempt).hides_user_existence) co_return wrong_credentials();
    co_return refused("UserNotFoundException", cat("Exception migrating user in app client ", attempt.client_id));
  }
  if (!*migrated) co_return false;
  auto& made = **migrated;
  const bool confirmed = made.final_user_status != "RESET_REQUIRED";
  AdminCreateUserRequest request;
  request.pool_id = pool.id;
  request.username = typed;
  request.sub = make_uuid(rooms_.random);
  request.attributes = std::move(made.attributes);
  request.attributes.erase("username");
  auto proof =
      co_await sallyport::attempt(rooms_.passwords.prove(attempt.loop, pool.id, kept_username(pool, typed, request.sub), password));
  if (!proof) co_return too_busy();
  request.password = std::move(*proof);
  auto own = own_call(attempt.loop, attempt.place.state->scope, attempt.now);
  co_await rooms_.ledger.write(own, [&](State& draft) -> Answer<Value> {
    Operations operations(draft, rooms_.random, attempt.now);
    auto created = operations.admin_create_user(std::move(request));
    if (!created) return std::unexpected(std::move(created.error()));
    auto* user = edit_user(*edit_pool(draft, pool.id), std::string((*created)->username));
    user->status = confirmed ? UserStatus::confirmed : UserStatus::reset_required;
    auto changed = *user;
    put_user(*edit_pool(draft, pool.id), std::move(changed));
    return Value();
  });
  if (!renew(attempt)) co_return no_such_client(attempt.client_id);
  co_return true;
}

// ---- SRP

Task<Answer<Challenge>> SignIn::offer_srp(const SignInAttempt& attempt, const Who& who, std::string client_public,
                                          std::optional<ChallengeHistory> history) {
  const auto& pool = *attempt.place.pool;
  const bool real = who.user && !who.user->password.hash.empty();
  const auto key = sealer_.disguise_key();
  const auto verifier = real ? std::string(who.user->password.srp_verifier.reveal()) : fake_verifier(key, pool.id, who.name);
  std::optional<srp::Ephemeral> ephemeral;
  if (!co_await rooms_.passwords.gate().run(attempt.loop, [&] {
        if (srp::is_client_public(client_public)) ephemeral = srp::make_ephemeral(rooms_.random, verifier);
      }))
    co_return too_busy();
  if (!ephemeral) co_return invalid_parameter("SRP_A is not a number of the group");
  const auto user_id = who.user ? who.name : fake_id(pool, key, who.name);
  Value sealed;
  sealed.set("pool", pool.id);
  sealed.set("client", attempt.client_id);
  sealed.set("name", who.name);
  sealed.set("id", user_id);
  sealed.set("sub", real ? who.user->sub : std::string());
  sealed.set("A", client_public);
  sealed.set("B", ephemeral->public_hex);
  sealed.set("b", ephemeral->secret_hex.reveal());
  if (history) sealed.set("history", to_value(*history));
  Challenge challenge{"PASSWORD_VERIFIER", {}, {}};
  challenge.parameters["USERNAME"] = user_id;
  challenge.parameters["USER_ID_FOR_SRP"] = user_id;
  challenge.parameters["SALT"] = real ? who.user->password.srp_salt : srp::fake_salt(key, pool.id, who.name);
  challenge.parameters["SRP_B"] = ephemeral->public_hex;
  challenge.parameters["SECRET_BLOCK"] =
      sealer_.seal(SealedKind::srp, sealed, attempt.now + std::chrono::minutes(client_of(attempt).auth_session_validity_minutes));
  co_return challenge;
}

Task<Answer<SignInStep>> SignIn::with_srp(SignInAttempt attempt, std::string username, std::string client_public) {
  const auto known = who(attempt, username);
  co_await check_may_be_unknown(attempt, known);
  co_await rooms_.triggers.pre_authentication(trigger_call(attempt, known), !known.user);
  attempt.client_metadata.clear();
  co_return co_await offer_srp(attempt, known, std::move(client_public), std::nullopt);
}

Task<Answer<SignInStep>> SignIn::answer_password_verifier(SignInAttempt& attempt, TextMap answers) {
  const auto block = answers["PASSWORD_CLAIM_SECRET_BLOCK"];
  const auto opened = sealer_.open(SealedKind::srp, block, attempt.now);
  if (!opened) co_return wrong_credentials();
  const auto text = [&](std::string_view name) {
    const auto* value = opened->value.find(name);
    return value && value->string() ? *value->string() : std::string();
  };
  if (text("pool") != attempt.place.pool->id || text("client") != attempt.client_id) co_return wrong_credentials();
  if (!sealer_.take(*opened, attempt.now)) co_return wrong_credentials();
  const auto answered_for = who(attempt, answers["USERNAME"]);
  if (answers["USERNAME"] != text("id") && answered_for.name != text("name")) co_return wrong_credentials();
  const auto sent = srp::parse_timestamp(answers["TIMESTAMP"]);
  if (!sent) co_return invalid_parameter("TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english.");
  if (*sent < attempt.now - choices.srp_clock_leeway || *sent > attempt.now + choices.srp_clock_leeway) co_return wrong_credentials();

  auto known = who(attempt, text("name"));
  // Somebody else of that name, or nobody any more: as if there had never been anybody.
  if (known.user && (known.user->sub != text("sub") || known.user->password.hash.empty())) known.user = nullptr;
  const auto turn = co_await attempts_.begin(attempt.place.pool->id, known.name, known.user, attempt.now);
  const auto verifier = known.user ? std::string(known.user->password.srp_verifier.reveal())
                                   : fake_verifier(sealer_.disguise_key(), attempt.place.pool->id, known.name);
  const srp::Ephemeral ephemeral{crypto::Secret(text("b")), text("B")};
  bool proven = false;
  if (!co_await rooms_.passwords.gate().run(attempt.loop, [&] {
        const auto key = srp::shared_key(text("A"), ephemeral, verifier);
        const auto bytes = from_base64(block), claimed = from_base64(answers["PASSWORD_CLAIM_SIGNATURE"]);
        if (!key || !bytes || !claimed) return;
        const auto expected = srp::claim_signature(*key, attempt.place.pool->id, text("id"), *bytes, answers["TIMESTAMP"]);
        proven = crypto::equals_in_constant_time(expected, *claimed);
      }))
    co_return too_busy();
  if (!proven || !known.user) {
    co_await count_failure(attempt, known);
    co_return wrong_credentials();
  }
  if (const auto* rounds = opened->value.find("history")) {
    auto history = read_history(*rounds);
    history.push_back({"PASSWORD_VERIFIER", true});
    co_return co_await next_round(attempt, known, std::move(history), std::nullopt);
  }
  co_return co_await after_first_factor(attempt, known.user->username, known.user->sub);
}

// ---- after the first factor

Task<Answer<SignInStep>> SignIn::after_first_factor(SignInAttempt& attempt, std::string username, std::string sub) {
  if (!renew(attempt)) co_return no_such_client(attempt.client_id);
  const auto& pool = *attempt.place.pool;
  const auto* user = pool.users.find(username);
  if (!user || user->sub != sub) co_return wrong_credentials();
  if (!user->enabled) co_return not_authorized("User is disabled.");
  switch (user->status) {
    case UserStatus::unconfirmed: co_return refused("UserNotConfirmedException", "User is not confirmed.");
    case UserStatus::reset_required: co_return refused("PasswordResetRequiredException", "Password reset required for the user");
    case UserStatus::force_change_password: {
      const auto validity = std::chrono::days(pool.settings->password_policy.temporary_password_validity_days);
      if (attempt.now >= user->password_set + validity)
        co_return not_authorized("Temporary password has expired and must be reset by an administrator.");
      co_return ask_for_new_password(attempt, *user);
    }
    case UserStatus::confirmed: break;
  }
  if (auto asked = ask_for_second_factor(attempt, *user, "TokenGeneration_Authentication")) co_return std::move(*asked);
  co_return co_await complete(attempt, std::move(username), std::move(sub), "TokenGeneration_Authentication");
}

Challenge SignIn::ask_for_new_password(const SignInAttempt& attempt, const User& user) const {
  const auto& pool = *attempt.place.pool;
  json::Object attributes;
  json::Array missing;
  for (const auto& [name, value] : user.attributes)
    if (name != "sub" && may_read(client_of(attempt), name)) attributes.emplace_back(name, value);
  for (const auto& attribute : *pool.schema)
    if (attribute.required && attribute.name != "sub" && !user.attribute(attribute.name))
      missing.emplace_back(cat("userAttributes.", attribute.name));
  SessionFacts facts;
  facts.challenge = "NEW_PASSWORD_REQUIRED";
  facts.username = user.username;
  facts.sub = user.sub;
  Challenge challenge{facts.challenge, seal_session(attempt, facts), {}};
  challenge.parameters["USER_ID_FOR_SRP"] = user.username;
  challenge.parameters["requiredAttributes"] = json::to_text(std::move(missing));
  challenge.parameters["userAttributes"] = json::to_text(std::move(attributes));
  return challenge;
}

std::optional<Challenge> SignIn::ask_for_second_factor(const SignInAttempt& attempt, const User& user,
                                                       std::string_view trigger_source) const {
  const auto mode = attempt.place.pool->settings->mfa;
  const bool has_token = !user.totp_secret.empty();
  SessionFacts facts;
  facts.username = user.username;
  facts.sub = user.sub;
  facts.trigger_source = std::string(trigger_source);
  if (has_token && (mode == MfaMode::on || (mode == MfaMode::optional && user.totp_enabled))) {
    facts.challenge = "SOFTWARE_TOKEN_MFA";
    Challenge challenge{facts.challenge, seal_session(attempt, facts), {}};
    challenge.parameters["USER_ID_FOR_SRP"] = user.username;
    if (!user.totp_device_name.empty()) challenge.parameters["FRIENDLY_DEVICE_NAME"] = user.totp_device_name;
    return challenge;
  }
  if (mode != MfaMode::on) return std::nullopt;
  facts.challenge = "MFA_SETUP";
  Challenge challenge{facts.challenge, seal_session(attempt, facts), {}};
  challenge.parameters["USER_ID_FOR_SRP"] = user.username;
  challenge.parameters["MFAS_CAN_SETUP"] = R"(["SOFTWARE_TOKEN_MFA"])";
  return challenge;
}

Task<Answer<SignInStep>> SignIn::complete(SignInAttempt& attempt, std::string username, std::string sub, std::string trigger_source) {
  if (!renew(attempt)) co_return no_such_client(attempt.client_id);
  const auto known = who(attempt, username);
  if (!known.user || known.user->sub != sub) co_return wrong_credentials();
  co_await rooms_.triggers.post_authentication(trigger_call(attempt, known));
  SignedIn signed_in;
  signed_in.pool_id = attempt.place.pool->id;
  signed_in.client_id = attempt.client_id;
  signed_in.username = std::move(username);
  signed_in.sub = std::move(sub);
  signed_in.authenticated = rooms_.clock.wall_now();
  signed_in.trigger_source = std::move(trigger_source);
  signed_in.client_metadata = attempt.client_metadata;
  co_return signed_in;
}

// ---- sign-in by functions

Task<Answer<SignInStep>> SignIn::with_functions(SignInAttempt attempt, std::string username, std::optional<std::string> client_public) {
  const auto& functions = attempt.place.pool->settings->lambda;
  if (functions.define_auth_challenge.empty() || functions.create_auth_challenge.empty() ||
      functions.verify_auth_challenge_response.empty())
    co_return invalid_parameter("Custom auth lambda trigger is not configured for the user pool.");
  const auto known = who(attempt, username);
  co_await check_may_be_unknown(attempt, known);
  co_await rooms_.triggers.pre_authentication(trigger_call(attempt, known), !known.user);
  attempt.client_metadata.clear();
  ChallengeHistory history;
  if (client_public) history.push_back({"SRP_A", true});
  co_return co_await next_round(attempt, known, std::move(history), std::move(client_public));
}

Task<Answer<SignInStep>> SignIn::next_round(SignInAttempt& attempt, Who known, ChallengeHistory history,
                                            std::optional<std::string> client_public) {
  if (history.size() > limits::custom_rounds_max) co_return not_authorized("Incorrect username or password.");
  const auto decision = co_await rooms_.triggers.define_auth_challenge(trigger_call(attempt, known), history, !known.user);
  if (decision.fail_authentication) co_return wrong_credentials();
  if (decision.issue_tokens) {
    if (!known.user) co_return wrong_credentials();
    const auto username = known.user->username, sub = known.user->sub;
    if (!known.user->enabled) co_return not_authorized("User is disabled.");
    if (known.user->status == UserStatus::unconfirmed) co_return refused("UserNotConfirmedException", "User is not confirmed.");
    co_return co_await complete(attempt, username, sub, "TokenGeneration_Authentication");
  }
  if (decision.challenge_name == "PASSWORD_VERIFIER" && client_public)
    co_return co_await offer_srp(attempt, known, std::move(*client_public), std::move(history));
  if (decision.challenge_name != "CUSTOM_CHALLENGE") co_return refused("InvalidLambdaResponseException", "Unrecognizable lambda output");
  auto created =
      co_await rooms_.triggers.create_auth_challenge(trigger_call(attempt, known), decision.challenge_name, history, !known.user);
  SessionFacts facts;
  facts.challenge = decision.challenge_name;
  facts.username = known.name;
  facts.sub = known.user ? known.user->sub : std::string();
  facts.history = std::move(history);
  facts.private_parameters = std::move(created.private_parameters);
  facts.metadata = std::move(created.metadata);
  Challenge challenge{facts.challenge, seal_session(attempt, facts), std::move(created.public_parameters)};
  challenge.parameters["USERNAME"] = known.user ? known.name : fake_id(*attempt.place.pool, sealer_.disguise_key(), known.name);
  co_return challenge;
}

Task<Answer<SignInStep>> SignIn::answer_custom_challenge(SignInAttempt& attempt, SessionFacts facts, TextMap answers) {
  auto known = who(attempt, facts.username);
  if (known.user && known.user->sub != facts.sub) known.user = nullptr;
  const auto turn = co_await attempts_.begin(attempt.place.pool->id, known.name, known.user, attempt.now);
  const auto correct = co_await rooms_.triggers.verify_auth_challenge(trigger_call(attempt, known), facts.private_parameters,
                                                                      answers["ANSWER"], !known.user);
  const bool passed = correct && known.user;
  if (!passed) co_await count_failure(attempt, known);
  facts.history.push_back({facts.challenge, passed, facts.metadata});
  co_return co_await next_round(attempt, known, std::move(facts.history), std::nullopt);
}

}  // namespace sallyport::cognito
