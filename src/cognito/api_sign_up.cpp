// What people without an account, or without its password, may do: sign up, confirm, and find the way back to a forgotten password.
#include <memory>

#include "cognito/api_binding.hpp"
#include "cognito/api_input.hpp"
#include "cognito/attempts.hpp"
#include "cognito/choices.hpp"
#include "cognito/codes.hpp"
#include "cognito/contact.hpp"
#include "cognito/entrance.hpp"
#include "cognito/new_password.hpp"
#include "cognito/password_policy.hpp"
#include "cognito/schema.hpp"

namespace sallyport::cognito {
namespace {

std::unexpected<aws::ApiError> unknown_combination() {
  return refused("UserNotFoundException", "Username/client id combination not found.");
}

TriggerCall trigger_call(io::Loop& loop, const ClientCall& entered, const User& user, TextMap metadata) {
  return {loop, entered.place.state, entered.place.pool->id, entered.client->id, user.username, user.attributes, std::move(metadata)};
}

json::Value delivery_answer(json::Value details) { return json::Object{{"CodeDeliveryDetails", std::move(details)}}; }

/// A change of one user that may end in a refusal and is kept all the same: what was tried is counted.
template <class Work>
Task<Answer<json::Value>> change_user(const Parts& parts, control::Call& call, std::string pool_id, std::string username, Work work) {
  std::optional<aws::ApiError> refusal;
  auto answer = co_await attempt(parts.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    auto* pool = edit_pool(draft, pool_id);
    const auto* found = pool ? pool->users.find(username) : nullptr;
    if (!found) return no_such_user();
    auto user = *found;
    Answer<json::Value> done = work(*pool, user);
    if (!done) refusal = done.error();
    put_user(*pool, std::move(user));
    return done ? std::move(*done) : json::Value();
  }));
  if (answer && refusal) co_return std::unexpected(std::move(*refusal));
  co_return answer;
}

// ---- Signing up

struct SignUp {
  TextMap attributes;
  TextMap validation_data, metadata;
  crypto::Secret password;
};

Answer<> check_sign_up(const ClientCall& entered, const SignUp& asked, TextMap& first) {
  const auto& pool = *entered.place.pool;
  if (pool.settings->admin_create_user.admin_only) return not_authorized("SignUp is not permitted for this user pool");
  if (auto named = check_username(pool, entered.typed); !named) return named;
  auto given = asked.attributes;
  if (auto checked = check_attributes(pool, given, entered.client); !checked) return checked;
  first = first_attributes(pool, entered.typed, std::move(given));
  if (auto checked = check_required(pool, first); !checked) return checked;
  if (asked.password.empty()) return invalid_parameter("Password is required: users sign in with passwords alone");
  return check_password(pool.settings->password_policy, asked.password.reveal());
}

User make_user(const ClientCall& entered, const TextMap& attributes, const PreSignUpAnswer& allowed, std::string sub, WallTime now) {
  User user;
  user.sub = std::move(sub);
  user.username = kept_username(*entered.place.pool, entered.typed, user.sub);
  user.status = allowed.confirm_user ? UserStatus::confirmed : UserStatus::unconfirmed;
  user.created = user.modified = user.password_set = now;
  for (const auto& [name, value] : attributes)
    if (!value.empty()) user.attributes.insert_or_assign(name, value);
  user.attributes.insert_or_assign("sub", user.sub);
  if (allowed.verify_email && user.attribute("email")) user.attributes.insert_or_assign("email_verified", "true");
  if (allowed.verify_phone_number && user.attribute("phone_number")) user.attributes.insert_or_assign("phone_number_verified", "true");
  return user;
}

/// A name that leads to somebody already, in whatever way, is nobody else's.
Answer<> check_name_is_free(const ClientCall& entered) {
  if (!entered.user) return {};
  if (entered.place.pool->username_attributes.empty()) return refused("UsernameExistsException", "User already exists");
  return refused("UsernameExistsException",
                 cat("An account with the given ", is_phone_number(entered.typed) ? "phone_number" : "email", " already exists."));
}

Task<Answer<json::Value>> sign_up(const Parts& parts, control::Call& call) {
  const auto entered = co_await enter_with_client(parts, call);
  const auto& pool = *entered.place.pool;
  SignUp asked{read_attributes(call.in, "UserAttributes"), read_attributes(call.in, "ValidationData"),
               call.in.text_map("ClientMetadata").value_or(TextMap()), crypto::Secret(call.in.text_or("Password", ""))};
  co_await control::refuse_unread(call);
  TextMap attributes;
  co_await check_sign_up(entered, asked, attributes);
  co_await check_name_is_free(entered);
  auto sub = make_uuid(parts.random);
  auto metadata = asked.metadata;
  const auto allowed = co_await parts.triggers.pre_sign_up({call.loop, entered.place.state, pool.id, entered.client->id,
                                                            kept_username(pool, entered.typed, sub), attributes, std::move(asked.metadata)},
                                                           "PreSignUp_SignUp", std::move(asked.validation_data));
  auto user = make_user(entered, attributes, allowed, std::move(sub), call.now);
  user.password = co_await prove_new_password(parts, call.loop, pool, nullptr, user.username, std::move(asked.password));
  const auto way = user.status == UserStatus::unconfirmed ? verification_way(pool, user) : Way{};
  std::optional<SentCode> sent;
  json::Value out;
  out.set("UserConfirmed", user.status == UserStatus::confirmed);
  if (!way.attribute.empty()) {
    const auto code = co_await issue_code(user, CodePurpose::sign_up, way.attribute, way.destination, parts.random, call.now);
    sent = sent_code(pool, user, *code);
    out.set("CodeDeliveryDetails", delivery_details(way.attribute, way.destination));
  }
  out.set("UserSub", user.sub);
  const auto kept = user;
  auto answer = co_await attempt(parts.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    auto* changed = edit_pool(draft, pool.id);
    if (!changed) return no_such_pool(pool.id);
    if (changed->users.contains(user.username)) return refused("UsernameExistsException", "User already exists");
    if (auto claimed = claim_names(*changed, user, false); !claimed) return std::unexpected(std::move(claimed.error()));
    put_user(*changed, std::move(user));
    return std::move(out);
  }));
  if (!answer) co_return answer;
  if (sent) co_await deliver(parts, call.loop, entered.client->id, metadata, "CustomMessage_SignUp", std::move(*sent));
  if (kept.status == UserStatus::confirmed)
    co_await parts.triggers.post_confirmation(trigger_call(call.loop, entered, kept, std::move(metadata)),
                                              "PostConfirmation_ConfirmSignUp");
  co_return answer;
}

/// What a code was sent to is the user's.
void mark_verified(User& user, const Code& code) {
  if (const auto* value = user.attribute(code.attribute); value && *value == code.destination)
    user.attributes.insert_or_assign(cat(code.attribute, "_verified"), "true");
}

/// How a code for nobody is answered.
Task<Answer<>> refuse_code_of_nobody(const Parts& parts, control::Call& call, const ClientCall& entered, Strangers& strangers) {
  if (!entered.client->hides_user_existence) co_return unknown_combination();
  co_await write_of_stranger(parts.ledger, call, entered.place.pool->id);
  co_await strangers.count_code_failed(entered.place.pool->id, canonical_username(*entered.place.pool, entered.typed), call.now);
  co_return choices.unknown_user_code_is_mismatch ? code_mismatch() : code_expired();
}

/// How a code is "sent" to nobody.
Task<Answer<json::Value>> pretend_to_send(const Parts& parts, control::Call& call, const ClientCall& entered, Strangers& strangers) {
  const auto name = canonical_username(*entered.place.pool, entered.typed);
  co_await write_of_stranger(parts.ledger, call, entered.place.pool->id);
  co_await strangers.count_code_sent(entered.place.pool->id, name, call.now);
  co_return delivery_answer(simulated_delivery(entered.client->id, name));
}

/// A user without a code, where the client hides who exists, is answered as one that does not exist.
Answer<Code> redeem(const ClientCall& entered, User& user, CodePurpose purpose, std::string_view given, WallTime now) {
  const bool none = std::ranges::find(user.codes, purpose, &Code::purpose) == user.codes.end();
  auto code = redeem_code(user, purpose, "", given, now);
  if (!code && none && entered.client->hides_user_existence && code.error().code == "ExpiredCodeException" &&
      choices.unknown_user_code_is_mismatch)
    return code_mismatch();
  return code;
}

Task<Answer<json::Value>> confirm_sign_up(const Parts& parts, Strangers& strangers, control::Call& call) {
  const auto entered = co_await enter_with_client(parts, call);
  const auto given = call.in.required("ConfirmationCode");
  const bool force = call.in.boolean("ForceAliasCreation").value_or(false);
  auto metadata = call.in.text_map("ClientMetadata").value_or(TextMap());
  co_await control::refuse_unread(call);
  if (!entered.user) co_await refuse_code_of_nobody(parts, call, entered, strangers);
  std::optional<User> confirmed;
  auto answer = co_await attempt(
      change_user(parts, call, entered.place.pool->id, entered.user->username, [&](UserPool& pool, User& user) -> Answer<json::Value> {
        if (user.status != UserStatus::unconfirmed)
          return not_authorized(cat("User cannot be confirmed. Current status is ", name_of(user.status)));
        auto tried = user;
        const auto code = redeem(entered, tried, CodePurpose::sign_up, given, call.now);
        if (!code) {
          user = std::move(tried);
          return std::unexpected(code.error());
        }
        mark_verified(tried, *code);
        // An alias that is somebody else's leaves the code good: the caller may come again and force it.
        if (auto done = confirm(pool, tried, force, call.now); !done) return std::unexpected(std::move(done.error()));
        user = std::move(tried);
        confirmed = user;
        return nothing();
      }));
  if (!answer) co_return answer;
  co_await parts.triggers.post_confirmation(trigger_call(call.loop, entered, *confirmed, std::move(metadata)),
                                            "PostConfirmation_ConfirmSignUp");
  co_return answer;
}

Task<Answer<json::Value>> resend_confirmation_code(const Parts& parts, Strangers& strangers, control::Call& call) {
  const auto entered = co_await enter_with_client(parts, call);
  auto metadata = call.in.text_map("ClientMetadata").value_or(TextMap());
  co_await control::refuse_unread(call);
  if (!entered.user || !entered.user->enabled) {
    if (!entered.client->hides_user_existence) {
      if (entered.user) co_return not_authorized("User is disabled.");
      co_return unknown_combination();
    }
    co_return co_await pretend_to_send(parts, call, entered, strangers);
  }
  std::optional<SentCode> sent;
  auto answer = co_await attempt(
      change_user(parts, call, entered.place.pool->id, entered.user->username, [&](UserPool& pool, User& user) -> Answer<json::Value> {
        if (user.status != UserStatus::unconfirmed) return invalid_parameter("User is already confirmed.");
        const auto way = verification_way(pool, user);
        if (way.attribute.empty()) return invalid_parameter("Cannot resend codes. Auto verification not turned on.");
        const auto code = issue_code(user, CodePurpose::sign_up, way.attribute, way.destination, parts.random, call.now);
        if (!code) return std::unexpected(code.error());
        sent = sent_code(pool, user, **code);
        return delivery_answer(delivery_details(way.attribute, way.destination));
      }));
  if (answer && sent)
    co_await deliver(parts, call.loop, entered.client->id, std::move(metadata), "CustomMessage_ResendCode", std::move(*sent));
  co_return answer;
}

// ---- Forgotten passwords

/// A user whom a migration function knows, made as it says; nothing where nobody knows one.
Task<Answer<std::optional<std::string>>> migrate(const Parts& parts, control::Call& call, const ClientCall& entered, TextMap metadata) {
  const auto& pool = *entered.place.pool;
  if (pool.settings->lambda.user_migration.empty()) co_return std::nullopt;
  auto migrated = co_await parts.triggers.migrate_forgotten(
      {call.loop, entered.place.state, pool.id, entered.client->id, entered.typed, {}, std::move(metadata)});
  if (!migrated) co_return std::nullopt;
  std::string username;
  AdminCreateUserRequest request{pool.id, entered.typed, make_uuid(parts.random), std::move(migrated->attributes), std::nullopt, false};
  request.attributes.erase("username");
  co_await parts.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    const auto made = Operations(draft, parts.random, call.now).admin_create_user(std::move(request));
    if (!made) return std::unexpected(made.error());
    auto user = **made;
    user.status = migrated->final_user_status == "CONFIRMED" ? UserStatus::confirmed : UserStatus::reset_required;
    username = user.username;
    put_user(*edit_pool(draft, pool.id), std::move(user));
    return nothing();
  });
  co_return username;
}

/// Why a user gets no code; nothing for one who does.
Answer<Way> way_back(const UserPool& pool, const User& user) {
  if (!user.enabled) return not_authorized("User is disabled.");
  if (user.status == UserStatus::force_change_password) return not_authorized("User password cannot be reset in the current state.");
  return recovery_way(pool, user);
}

Task<Answer<json::Value>> forgot_password(const Parts& parts, Strangers& strangers, control::Call& call) {
  const auto entered = co_await enter_with_client(parts, call);
  auto metadata = call.in.text_map("ClientMetadata").value_or(TextMap());
  co_await control::refuse_unread(call);
  std::optional<std::string> username;
  if (entered.user)
    username = entered.user->username;
  else
    username = co_await migrate(parts, call, entered, metadata);
  const bool hides = entered.client->hides_user_existence;
  if (!username && !hides) co_return unknown_combination();
  if (!username || (entered.user && hides && !way_back(*entered.place.pool, *entered.user))) {
    co_return co_await pretend_to_send(parts, call, entered, strangers);
  }
  std::optional<SentCode> sent;
  auto answer =
      co_await attempt(change_user(parts, call, entered.place.pool->id, *username, [&](UserPool& pool, User& user) -> Answer<json::Value> {
        const auto way = way_back(pool, user);
        if (!way) return std::unexpected(way.error());
        const auto code = issue_code(user, CodePurpose::reset_password, way->attribute, way->destination, parts.random, call.now);
        if (!code) return std::unexpected(code.error());
        sent = sent_code(pool, user, **code);
        return delivery_answer(delivery_details(way->attribute, way->destination));
      }));
  if (answer && sent)
    co_await deliver(parts, call.loop, entered.client->id, std::move(metadata), "CustomMessage_ForgotPassword", std::move(*sent));
  co_return answer;
}

Task<Answer<json::Value>> confirm_forgot_password(const Parts& parts, Strangers& strangers, control::Call& call) {
  const auto entered = co_await enter_with_client(parts, call);
  const auto& pool = *entered.place.pool;
  const auto given = call.in.required("ConfirmationCode");
  crypto::Secret password(call.in.required("Password"));
  auto metadata = call.in.text_map("ClientMetadata").value_or(TextMap());
  co_await control::refuse_unread(call);
  co_await check_password(pool.settings->password_policy, password.reveal());
  const bool unusable = !entered.user || (!entered.user->enabled && entered.client->hides_user_existence);
  if (unusable) co_await refuse_code_of_nobody(parts, call, entered, strangers);
  if (!entered.user->enabled) co_return not_authorized("User is disabled.");
  // The code is looked at first: a wrong one must not cost the time of a hash, nor tell by the password's history.
  const auto username = entered.user->username;
  std::optional<Code> redeemed;
  std::string sub;
  co_await change_user(parts, call, pool.id, username, [&](UserPool&, User& user) -> Answer<json::Value> {
    const auto code = redeem(entered, user, CodePurpose::reset_password, given, call.now);
    if (!code) return std::unexpected(code.error());
    redeemed = *code;
    sub = user.sub;
    return nothing();
  });
  auto proof = co_await attempt(prove_new_password(parts, call.loop, pool, entered.user, username, std::move(password)));
  std::optional<User> changed;
  auto answer = co_await attempt(change_user(parts, call, pool.id, username, [&](UserPool& now_pool, User& user) -> Answer<json::Value> {
    // Somebody else of that name by now: the code was not theirs.
    if (user.sub != sub) return code_expired();
    if (!proof) {
      // The password was not taken: the code is good for another one.
      user.codes.push_back(std::move(*redeemed));
      return std::unexpected(proof.error());
    }
    auto reset = user;
    set_password(now_pool, reset, std::move(*proof), call.now);
    mark_verified(reset, *redeemed);
    reset.status = UserStatus::confirmed;
    if (auto claimed = claim_names(now_pool, reset, false); !claimed) return std::unexpected(std::move(claimed.error()));
    user = std::move(reset);
    changed = user;
    return nothing();
  }));
  if (!answer) co_return answer;
  co_await parts.triggers.post_confirmation(trigger_call(call.loop, entered, *changed, std::move(metadata)),
                                            "PostConfirmation_ConfirmForgotPassword");
  co_return answer;
}

}  // namespace

void bind_sign_up(Binding& binding) {
  const auto strangers = std::make_shared<Strangers>();
  const auto with_strangers = [&](std::string operation, auto body) {
    binding.run_unsigned(std::move(operation),
                         [strangers, body](const Parts& parts, control::Call& call) { return body(parts, *strangers, call); });
  };
  binding.run_unsigned("SignUp", sign_up);
  with_strangers("ConfirmSignUp", confirm_sign_up);
  with_strangers("ResendConfirmationCode", resend_confirmation_code);
  with_strangers("ForgotPassword", forgot_password);
  with_strangers("ConfirmForgotPassword", confirm_forgot_password);
}

}  // namespace sallyport::cognito
