// What signed-in users do with their own account, by access token.
#include "cognito/api_binding.hpp"
#include "cognito/api_input.hpp"
#include "cognito/codes.hpp"
#include "cognito/contact.hpp"
#include "cognito/description.hpp"
#include "cognito/entrance.hpp"
#include "cognito/lockout.hpp"
#include "cognito/new_password.hpp"
#include "cognito/password_policy.hpp"
#include "cognito/schema.hpp"

namespace sallyport::cognito {
namespace {

/// A change of the caller's own user. `kept_refusal`: a refusal beside which the change stays.
template <class Work>
Task<Answer<json::Value>> change_self(const Parts& parts, control::Call& call, const UserCall& entered, Work work) {
  std::optional<aws::ApiError> kept_refusal;
  auto answer = co_await attempt(parts.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    auto* pool = edit_pool(draft, entered.place.pool->id);
    const auto* found = pool ? pool->users.find(entered.user->username) : nullptr;
    // Somebody else may have the name by now.
    if (!found || found->sub != entered.user->sub) return no_such_user();
    auto user = *found;
    Answer<json::Value> done = work(*pool, user, kept_refusal);
    if (!done) return done;
    put_user(*pool, std::move(user));
    return done;
  }));
  if (answer && kept_refusal) co_return std::unexpected(std::move(*kept_refusal));
  co_return answer;
}

Task<Answer<json::Value>> get_user(const Parts& parts, control::Call& call) {
  const auto entered = co_await enter_with_token(parts, call);
  json::Value out;
  out.set("Username", entered.user->username);
  out.set("UserAttributes", describe_attributes(*entered.user, entered.client));
  describe_mfa_of(*entered.user, out);
  co_return out;
}

Task<Answer<json::Value>> delete_user(const Parts& parts, control::Call& call) {
  const auto entered = co_await enter_with_token(parts, call);
  co_return co_await attempt(parts.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    auto* pool = edit_pool(draft, entered.place.pool->id);
    const auto* found = pool ? pool->users.find(entered.user->username) : nullptr;
    if (!found || found->sub != entered.user->sub) return no_such_user();
    erase_user(*pool, entered.user->username);
    return nothing();
  }));
}

Task<Answer<json::Value>> change_password(const Parts& parts, control::Call& call) {
  const auto entered = co_await enter_with_token(parts, call);
  const auto& pool = *entered.place.pool;
  const auto& user = *entered.user;
  crypto::Secret previous(call.in.text_or("PreviousPassword", "")), proposed(call.in.required("ProposedPassword"));
  co_await control::refuse_unread(call);
  co_await check_password(pool.settings->password_policy, proposed.reveal());
  // Counted before it is looked at, so that many at once get no more tries than one after the other.
  co_await change_self(parts, call, entered, [&](UserPool&, User& changed, auto&) -> Answer<json::Value> {
    if (auto open = check_not_locked(changed, call.now); !open) return std::unexpected(std::move(open.error()));
    password_failed(changed, call.now);
    return nothing();
  });
  const auto right = co_await attempt(parts.passwords.matches(call.loop, user.password.hash, std::move(previous)));
  if (!right) co_return refused("TooManyRequestsException", "Too many requests");
  if (!*right) co_return not_authorized("Incorrect username or password.");
  auto proof = co_await attempt(prove_new_password(parts, call.loop, pool, &user, user.username, std::move(proposed)));
  co_return co_await attempt(
      change_self(parts, call, entered, [&](UserPool& now_pool, User& changed, auto& kept_refusal) -> Answer<json::Value> {
        password_succeeded(changed);
        if (!proof)
          kept_refusal = proof.error();
        else
          set_password(now_pool, changed, std::move(*proof), call.now);
        return nothing();
      }));
}

/// Takes new addresses that must be proven first out of what is written, and keeps them with the user.
void hold_back(const UserPool& pool, User& user, TextMap& written) {
  for (const auto& name : pool.settings->attributes_verified_before_update) {
    const auto found = written.find(name);
    const auto* before = user.attribute(name);
    if (found == written.end() || found->second.empty() || (before && *before == found->second)) continue;
    std::erase_if(user.pending_attributes, [&](const PendingAttribute& pending) { return pending.name == name; });
    user.pending_attributes.push_back({name, found->second});
    written.erase(found);
  }
}

/// Codes for the addresses that were written, and for those of `asked` that were held back.
Answer<json::Array> send_codes(const Parts& parts, const UserPool& pool, User& user, const TextMap& asked, const TextMap& written,
                               WallTime now, std::vector<SentCode>& sent) {
  if (auto issued = ask_to_verify(pool, user, written, parts.random, now, sent); !issued) return std::unexpected(std::move(issued.error()));
  for (const auto& pending : user.pending_attributes) {
    if (!asked.contains(pending.name)) continue;
    const auto code = issue_code(user, CodePurpose::attribute, pending.name, pending.value, parts.random, now);
    if (!code) return std::unexpected(code.error());
    sent.push_back(sent_code(pool, user, **code));
  }
  json::Array details;
  for (const auto& code : sent) details.push_back(delivery_details(code.attribute, code.destination));
  return details;
}

Task<Answer<json::Value>> update_attributes(const Parts& parts, control::Call& call) {
  const auto entered = co_await enter_with_token(parts, call);
  const auto asked = read_attributes(call.in, "UserAttributes");
  const auto metadata = call.in.text_map("ClientMetadata").value_or(TextMap());
  std::vector<SentCode> sent;
  auto answer = co_await attempt(change_self(parts, call, entered, [&](UserPool& pool, User& user, auto&) -> Answer<json::Value> {
    auto written = asked;
    if (auto checked = check_attributes(pool, written, entered.client); !checked) return std::unexpected(std::move(checked.error()));
    if (auto checked = check_mutable(pool, user, written); !checked) return std::unexpected(std::move(checked.error()));
    hold_back(pool, user, written);
    write_attributes(user, written);
    if (auto checked = check_required(pool, user.attributes); !checked) return std::unexpected(std::move(checked.error()));
    if (auto claimed = claim_names(pool, user, false); !claimed) return std::unexpected(std::move(claimed.error()));
    user.modified = call.now;
    auto details = send_codes(parts, pool, user, asked, written, call.now, sent);
    if (!details) return std::unexpected(std::move(details.error()));
    json::Value out = json::Object{};
    if (!details->empty()) out.set("CodeDeliveryDetailsList", std::move(*details));
    return out;
  }));
  if (answer)
    for (const auto& code : sent)
      co_await deliver(parts, call.loop, entered.client->id, metadata, "CustomMessage_UpdateUserAttribute", code);
  co_return answer;
}

/// The address of an attribute that a code is asked for: what waits to be proven before what is there.
std::string address_of(const User& user, std::string_view attribute) {
  for (const auto& pending : user.pending_attributes)
    if (pending.name == attribute) return pending.value;
  const auto* value = user.attribute(attribute);
  return value ? *value : std::string();
}

Answer<std::string> read_verifiable(const wire::Parameters& in) {
  auto name = in.required("AttributeName");
  if (name != "email" && name != "phone_number") return invalid_parameter(cat("Attribute ", name, " cannot be verified."));
  return name;
}

Task<Answer<json::Value>> get_verification_code(const Parts& parts, control::Call& call) {
  const auto entered = co_await enter_with_token(parts, call);
  const auto attribute = co_await read_verifiable(call.in);
  auto metadata = call.in.text_map("ClientMetadata").value_or(TextMap());
  std::optional<SentCode> sent;
  auto answer = co_await attempt(change_self(parts, call, entered, [&](UserPool& pool, User& user, auto&) -> Answer<json::Value> {
    const auto address = address_of(user, attribute);
    if (address.empty()) return invalid_parameter(cat("User has no attribute ", attribute, "."));
    const auto code = issue_code(user, CodePurpose::attribute, attribute, address, parts.random, call.now);
    if (!code) return std::unexpected(code.error());
    sent = sent_code(pool, user, **code);
    return json::Value(json::Object{{"CodeDeliveryDetails", delivery_details(attribute, address)}});
  }));
  if (answer && sent)
    co_await deliver(parts, call.loop, entered.client->id, std::move(metadata), "CustomMessage_VerifyUserAttribute", std::move(*sent));
  co_return answer;
}

Task<Answer<json::Value>> verify_attribute(const Parts& parts, control::Call& call) {
  const auto entered = co_await enter_with_token(parts, call);
  const auto attribute = co_await read_verifiable(call.in);
  const auto given = call.in.required("Code");
  co_return co_await attempt(change_self(parts, call, entered, [&](UserPool& pool, User& user, auto& kept_refusal) -> Answer<json::Value> {
    const auto code = redeem_code(user, CodePurpose::attribute, attribute, given, call.now);
    if (!code) {
      kept_refusal = code.error();
      return nothing();
    }
    // What the code was sent to is what it proves, whatever has been written since.
    std::erase_if(user.pending_attributes, [&](const PendingAttribute& pending) { return pending.name == attribute; });
    user.attributes.insert_or_assign(attribute, code->destination);
    user.attributes.insert_or_assign(cat(attribute, "_verified"), "true");
    user.modified = call.now;
    if (auto claimed = claim_names(pool, user, false); !claimed) return std::unexpected(std::move(claimed.error()));
    return nothing();
  }));
}

Task<Answer<json::Value>> set_mfa_preference(const Parts& parts, control::Call& call) {
  const auto entered = co_await enter_with_token(parts, call);
  co_return co_await attempt(change_self(
      parts, call, entered, [&](UserPool&, User& user, auto&) -> Answer<json::Value> { return then_nothing(prefer_mfa(user, call.in)); }));
}

}  // namespace

void bind_self_service(Binding& binding) {
  binding.run_unsigned("GetUser", get_user);
  binding.run_unsigned("DeleteUser", delete_user);
  binding.run_unsigned("ChangePassword", change_password);
  binding.run_unsigned("UpdateUserAttributes", update_attributes);
  binding.run_unsigned("GetUserAttributeVerificationCode", get_verification_code);
  binding.run_unsigned("VerifyUserAttribute", verify_attribute);
  binding.run_unsigned("SetUserMFAPreference", set_mfa_preference);
}

}  // namespace sallyport::cognito
