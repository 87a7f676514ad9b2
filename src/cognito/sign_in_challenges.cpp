// Answers to challenges: a new password, a one-time password, and setting up the app that makes them.
#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hpp"
#include "cognito/errors.hpp"
#include "cognito/lockout.hpp"
#include "cognito/operations.hpp"
#include "cognito/password_policy.hpp"
#include "cognito/schema.hpp"
#include "cognito/sign_in.hpp"
#include "cognito/totp.hpp"

namespace sallyport::cognito {
namespace {

using json::Value;

constexpr std::array<std::string_view, 5> answered_here{"NEW_PASSWORD_REQUIRED", "SOFTWARE_TOKEN_MFA", "MFA_SETUP", "CUSTOM_CHALLENGE",
                                                        "SELECT_MFA_TYPE"};

std::unexpected<aws::ApiError> invalid_session() { return not_authorized("Invalid session for the user."); }
std::unexpected<aws::ApiError> missing(std::string_view parameter) {
  return invalid_parameter(cat("Missing required parameter ", parameter));
}

std::string text_of(const Value& value, std::string_view name) {
  const auto* found = value.find(name);
  return found && found->string() ? *found->string() : std::string();
}

/// `userAttributes.name` -> name.
TextMap written_attributes(const TextMap& answers) {
  constexpr std::string_view prefix = "userAttributes.";
  TextMap out;
  for (const auto& [name, value] : answers)
    if (name.starts_with(prefix)) out[name.substr(prefix.size())] = value;
  return out;
}

/// Puts the attributes of a first sign-in into the user, with the checks every client goes through.
Answer<> write_attributes(const UserPool& pool, const Client& client, User& user, TextMap written) {
  if (written.empty()) return {};
  if (auto good = check_attributes(pool, written, &client); !good) return good;
  if (auto good = check_mutable(pool, user, written); !good) return good;
  for (auto& [name, value] : written) {
    if ((name == "email" || name == "phone_number") && (!user.attribute(name) || *user.attribute(name) != value))
      user.attributes[cat(name, "_verified")] = "false";
    user.attributes[name] = value;
  }
  return {};
}

}  // namespace

std::string SignIn::seal_session(const SignInAttempt& attempt, const SessionFacts& facts) const {
  auto value = to_value(facts);
  const auto& pool = *attempt.place.pool;
  value.set("pool", pool.id);
  value.set("client", attempt.client_id);
  const auto minutes = pool.client(attempt.client_id)->auth_session_validity_minutes;
  return sealer_.seal(SealedKind::session, value, attempt.now + std::chrono::minutes(minutes));
}

Answer<SessionFacts> SignIn::open_session(const std::string& pool_id, const std::string& client_id, std::string_view session,
                                          std::string_view challenge_name, WallTime now) const {
  auto opened = sealer_.open(SealedKind::session, session, now);
  if (!opened && opened.error() == SealFault::expired) return not_authorized("Invalid session for the user, session is expired.");
  if (!opened || text_of(opened->value, "pool") != pool_id || text_of(opened->value, "client") != client_id) return invalid_session();
  auto facts = read_facts(opened->value);
  if (facts.challenge != challenge_name) return invalid_session();
  facts.sealed = std::move(*opened);
  return facts;
}

Task<Answer<SignInStep>> SignIn::respond(SignInAttempt attempt, std::string challenge_name, std::string session, TextMap answers) {
  if (answers["USERNAME"].empty()) co_return missing("USERNAME");
  if (challenge_name == "PASSWORD_VERIFIER") {
    for (const auto* name : {"PASSWORD_CLAIM_SECRET_BLOCK", "PASSWORD_CLAIM_SIGNATURE", "TIMESTAMP"})
      if (answers[name].empty()) co_return missing(name);
    co_return co_await answer_password_verifier(attempt, std::move(answers));
  }
  if (std::ranges::find(answered_here, challenge_name) == answered_here.end())
    co_return unsupported(
        cat("ChallengeName ", challenge_name,
            " is not implemented: a user pool here asks for PASSWORD_VERIFIER, NEW_PASSWORD_REQUIRED, SOFTWARE_TOKEN_MFA, "
            "MFA_SETUP and CUSTOM_CHALLENGE"));
  if (session.empty()) co_return missing("Session");
  auto facts = co_await open_session(attempt.place.pool->id, attempt.client_id, session, challenge_name, attempt.now);
  const auto answered_for = who(attempt, answers["USERNAME"]);
  if (answered_for.name != facts.username && !(facts.sub.empty() && !answered_for.user)) co_return invalid_session();
  const auto sealed = facts.sealed;
  if (!sealer_.take(sealed, attempt.now)) co_return invalid_session();
  auto step = co_await sallyport::attempt(answer(attempt, std::move(facts), std::move(answers)));
  if (!step) sealer_.give_back(sealed);
  co_return step;
}

Task<Answer<SignInStep>> SignIn::answer(SignInAttempt& attempt, SessionFacts facts, TextMap answers) {
  if (facts.challenge == "CUSTOM_CHALLENGE") co_return co_await answer_custom_challenge(attempt, std::move(facts), std::move(answers));
  const auto* user = attempt.place.pool->users.find(facts.username);
  if (!user || user->sub != facts.sub) co_return invalid_session();
  if (!user->enabled) co_return not_authorized("User is disabled.");
  if (facts.challenge == "NEW_PASSWORD_REQUIRED") co_return co_await answer_new_password(attempt, std::move(facts), std::move(answers));
  if (facts.challenge == "SOFTWARE_TOKEN_MFA") co_return co_await answer_software_token(attempt, std::move(facts), std::move(answers));
  if (!facts.token_is_set_up) co_return invalid_parameter("User has not set up software token mfa");
  co_return co_await complete(attempt, facts.username, facts.sub, facts.trigger_source);
}

Task<Answer<SignInStep>> SignIn::answer_new_password(SignInAttempt& attempt, SessionFacts facts, TextMap answers) {
  const auto& pool = *attempt.place.pool;
  auto password = crypto::Secret(std::move(answers["NEW_PASSWORD"]));
  if (password.empty()) co_return missing("NEW_PASSWORD");
  co_await cognito::check_password(pool.settings->password_policy, password.reveal());
  const auto* present = pool.users.find(facts.username);
  if (pool.settings->password_history_size > 0) {
    auto hashes = std::vector<std::string>{present->password.hash};
    for (const auto& each : present->password_history) hashes.push_back(each.hash);
    hashes.resize(std::min(hashes.size(), static_cast<std::size_t>(pool.settings->password_history_size)));
    for (auto& hash : hashes) {
      const auto same = co_await sallyport::attempt(rooms_.passwords.matches(attempt.loop, std::move(hash), password));
      if (!same) co_return refused("TooManyRequestsException", "Too many requests");
      if (*same) co_return refused("PasswordHistoryPolicyViolationException", "Password has previously been used.");
    }
  }
  auto proof = co_await sallyport::attempt(rooms_.passwords.prove(attempt.loop, pool.id, facts.username, password));
  if (!proof) co_return refused("TooManyRequestsException", "Too many requests");
  auto own = own_call(attempt.loop, attempt.place.state->scope, attempt.now);
  co_await rooms_.ledger.write(own, [&](State& draft) -> Answer<Value> {
    auto* changed_pool = edit_pool(draft, pool.id);
    const auto* user = changed_pool ? changed_pool->users.find(facts.username) : nullptr;
    const auto* client = changed_pool ? changed_pool->client(attempt.client_id) : nullptr;
    if (!user || !client || user->sub != facts.sub || user->status != UserStatus::force_change_password) return invalid_session();
    auto changed = *user;
    if (auto good = write_attributes(*changed_pool, *client, changed, written_attributes(answers)); !good)
      return std::unexpected(std::move(good.error()));
    if (auto good = check_required(*changed_pool, changed.attributes); !good) return std::unexpected(std::move(good.error()));
    if (auto good = claim_names(*changed_pool, changed, false); !good) return std::unexpected(std::move(good.error()));
    set_password(*changed_pool, changed, std::move(*proof), attempt.now);
    changed.status = UserStatus::confirmed;
    changed.modified = attempt.now;
    put_user(*changed_pool, std::move(changed));
    return Value();
  });
  if (!renew(attempt)) co_return invalid_session();
  const auto* user = attempt.place.pool->users.find(facts.username);
  if (!user) co_return invalid_session();
  if (auto asked = ask_for_second_factor(attempt, *user, "TokenGeneration_NewPasswordChallenge")) co_return std::move(*asked);
  co_return co_await complete(attempt, facts.username, facts.sub, "TokenGeneration_NewPasswordChallenge");
}

Task<Answer<SignInStep>> SignIn::answer_software_token(SignInAttempt& attempt, SessionFacts facts, TextMap answers) {
  const auto code = answers["SOFTWARE_TOKEN_MFA_CODE"];
  if (code.empty()) co_return missing("SOFTWARE_TOKEN_MFA_CODE");
  // The count of failures and the step of the last code are looked at and changed in one transaction.
  std::optional<aws::ApiError> wrong;
  auto own = own_call(attempt.loop, attempt.place.state->scope, attempt.now);
  co_await rooms_.ledger.write(own, [&](State& draft) -> Answer<Value> {
    auto* pool = edit_pool(draft, attempt.place.pool->id);
    auto* user = pool ? edit_user(*pool, facts.username) : nullptr;
    if (!user || user->sub != facts.sub) return invalid_session();
    if (auto open = check_not_locked(*user, attempt.now); !open) return std::unexpected(std::move(open.error()));
    const auto secret = user->totp_secret.reveal();
    if (const auto step = totp::verify(secret, code, attempt.now, user->totp_last_step)) {
      user->totp_last_step = *step;
      return Value();
    }
    wrong = totp::verify(secret, code, attempt.now, 0)
                ? aws::ApiError{"ExpiredCodeException", 400, "Your software token has already been used once."}
                : aws::ApiError{"CodeMismatchException", 400, "Invalid code received for user"};
    password_failed(*user, attempt.now);
    return Value();
  });
  if (wrong) co_return fail(std::move(*wrong));
  co_return co_await complete(attempt, facts.username, facts.sub, facts.trigger_source);
}

// ---- setting up an authenticator app

/// Whose software token it is, and how that was shown.
struct SignIn::TokenOwner {
  FoundPool place;
  std::string username;
  std::string sub;
  std::optional<SessionFacts> facts = std::nullopt;  // of who came with a session
  std::string client_id = {};
};

Answer<SignIn::TokenOwner> SignIn::token_owner(std::string_view access_token, std::string_view session, WallTime now) const {
  if (!access_token.empty()) {
    auto bearer = rooms_.tokens.verify(access_token, now);
    if (!bearer) return std::unexpected(std::move(bearer.error()));
    auto place = rooms_.directory.pool(bearer->pool_id);
    const auto* user = place ? place->pool->users.find(bearer->username) : nullptr;
    if (!user) return no_such_user();
    return TokenOwner{std::move(*place), user->username, user->sub};
  }
  if (session.empty()) return invalid_parameter("Either AccessToken or Session is required");
  const auto opened = sealer_.open(SealedKind::session, session, now);
  if (!opened && opened.error() == SealFault::expired) return not_authorized("Invalid session for the user, session is expired.");
  if (!opened) return invalid_session();
  const auto pool_id = text_of(opened->value, "pool"), client_id = text_of(opened->value, "client");
  auto place = rooms_.directory.pool(pool_id);
  if (!place || !place->pool->client(client_id)) return invalid_session();
  auto facts = open_session(pool_id, client_id, session, "MFA_SETUP", now);
  if (!facts) return std::unexpected(std::move(facts.error()));
  const auto* user = place->pool->users.find(facts->username);
  // Who has an app by now shows a code of it, whatever session was begun before.
  if (!user || user->sub != facts->sub || !user->enabled || !user->totp_secret.empty()) return invalid_session();
  return TokenOwner{std::move(*place), user->username, user->sub, std::move(*facts), client_id};
}

Task<Answer<SignIn::SoftwareToken>> SignIn::associate_software_token(io::Loop& loop, std::string access_token, std::string session,
                                                                     WallTime now) {
  auto owner = co_await token_owner(access_token, session, now);
  if (owner.facts && !sealer_.take(owner.facts->sealed, now)) co_return invalid_session();
  const auto secret = totp::make_secret(rooms_.random);
  auto own = own_call(loop, owner.place.state->scope, now);
  co_await rooms_.ledger.write(own, [&](State& draft) -> Answer<Value> {
    auto* pool = edit_pool(draft, owner.place.pool->id);
    auto* user = pool ? edit_user(*pool, owner.username) : nullptr;
    if (!user || user->sub != owner.sub) return no_such_user();
    user->pending_totp_secret = crypto::Secret(std::string(secret));
    return Value();
  });
  SoftwareToken out{totp::to_base32(secret), {}};
  if (owner.facts) out.session = seal_session({loop, owner.place, owner.client_id, now}, *owner.facts);
  co_return out;
}

Task<Answer<std::string>> SignIn::verify_software_token(io::Loop& loop, std::string access_token, std::string session, std::string code,
                                                        std::string device_name, WallTime now) {
  auto owner = co_await token_owner(access_token, session, now);
  if (owner.facts && !sealer_.take(owner.facts->sealed, now)) co_return invalid_session();
  std::optional<aws::ApiError> wrong;
  auto own = own_call(loop, owner.place.state->scope, now);
  co_await rooms_.ledger.write(own, [&](State& draft) -> Answer<Value> {
    auto* pool = edit_pool(draft, owner.place.pool->id);
    auto* user = pool ? edit_user(*pool, owner.username) : nullptr;
    if (!user || user->sub != owner.sub) return no_such_user();
    if (owner.facts && !user->totp_secret.empty()) return invalid_session();
    if (auto open = check_codes_not_exhausted(*user, now); !open) return std::unexpected(std::move(open.error()));
    if (user->pending_totp_secret.empty()) {
      wrong = aws::ApiError{"SoftwareTokenMFANotFoundException", 400, "No software token was associated"};
      return Value();
    }
    const auto step = totp::verify(user->pending_totp_secret.reveal(), code, now, 0);
    if (!step) {
      wrong = aws::ApiError{"EnableSoftwareTokenMFAException", 400, "Code mismatch"};
      code_failed(*user, now);
      return Value();
    }
    user->totp_secret = std::exchange(user->pending_totp_secret, crypto::Secret());
    user->totp_last_step = *step;
    user->totp_device_name = device_name;
    // Where a second factor is demanded there is nothing left to choose.
    if (owner.facts || pool->settings->mfa == MfaMode::on) user->totp_enabled = user->totp_preferred = true;
    return Value();
  });
  if (wrong) {
    if (owner.facts) sealer_.give_back(owner.facts->sealed);
    co_return fail(std::move(*wrong));
  }
  if (!owner.facts) co_return std::string();
  owner.facts->token_is_set_up = true;
  co_return seal_session({loop, owner.place, owner.client_id, now}, *owner.facts);
}

}  // namespace sallyport::cognito
