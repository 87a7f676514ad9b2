// Users, as administrators see and change them.
#include "cognito/api_binding.hpp"
#include "cognito/api_input.hpp"
#include "cognito/codes.hpp"
#include "cognito/contact.hpp"
#include "cognito/description.hpp"
#include "cognito/new_password.hpp"
#include "cognito/password_policy.hpp"
#include "cognito/schema.hpp"
#include "cognito/user_filter.hpp"

namespace sallyport::cognito {
namespace {

constexpr std::size_t limit_max = 60;

std::vector<std::string> list_of(const wire::Parameters& in, std::string_view name) {
  return in.texts(name).value_or(std::vector<std::string>());
}

/// One page of users that `keep` keeps. A page walks no further than it must, whatever the filter: what a token stands for is a username.
template <class Keep>
Answer<json::Value> page_of_users(const UserPool& pool, const wire::Parameters& in, std::string_view token_member,
                                  const std::vector<std::string>* only, Keep keep) {
  const auto page = read_page(in, "Limit", token_member, limit_max);
  if (!page) return std::unexpected(page.error());
  json::Array users;
  std::string last;
  bool more = false;
  pool.users.walk(page->after, [&](const std::string& username, const User& user) {
    if (!keep(user)) return true;
    if (users.size() == page->limit) {
      more = true;
      return false;
    }
    users.push_back(describe(user, "Attributes", only));
    last = username;
    return true;
  });
  json::Object out{{"Users", std::move(users)}};
  if (more) out.emplace_back(token_member, to_base64url(last));
  return json::Value(std::move(out));
}

Answer<json::Value> list_users(const State& state, const wire::Parameters& in) {
  const auto pool = need_pool(state, in);
  if (!pool) return std::unexpected(pool.error());
  const auto filter = UserFilter::parse(in.text_or("Filter", ""));
  if (!filter) return std::unexpected(filter.error());
  const auto only = in.texts("AttributesToGet");
  return page_of_users(**pool, in, "PaginationToken", only ? &*only : nullptr,
                       [&](const User& user) { return filter->matches(**pool, user); });
}

Answer<json::Value> list_users_in_group(const State& state, const wire::Parameters& in) {
  const auto pool = need_pool(state, in);
  if (!pool) return std::unexpected(pool.error());
  const auto group = in.required("GroupName");
  if (!(*pool)->groups.contains(group)) return resource_not_found("Group not found.");
  return page_of_users(**pool, in, "NextToken", nullptr, [&](const User& user) { return user.in_group(group); });
}

Answer<json::Value> list_groups_for_user(const State& state, const wire::Parameters& in) {
  const auto pool = need_pool(state, in);
  if (!pool) return std::unexpected(pool.error());
  const auto user = need_user(**pool, in);
  if (!user) return std::unexpected(user.error());
  std::map<std::string, Shared<Group>, std::less<>> groups;
  for (const auto& name : (*user)->groups)
    if (const auto found = (*pool)->groups.find(name); found != (*pool)->groups.end()) groups.insert(*found);
  return page_of(groups, in, "Limit", "NextToken", limit_max, "Groups",
                 [&](const auto&, const Group& group) { return describe(**pool, group); });
}

Answer<json::Value> get_user(const State& state, const wire::Parameters& in) {
  const auto pool = need_pool(state, in);
  if (!pool) return std::unexpected(pool.error());
  const auto user = need_user(**pool, in);
  if (!user) return std::unexpected(user.error());
  auto out = describe(**user, "UserAttributes");
  describe_mfa_of(**user, out);
  return out;
}

/// What AdminCreateUser was asked for, and what came of it on the way.
struct NewUser {
  std::string typed;
  std::string sub;
  TextMap attributes;
  crypto::Secret password;
  bool password_was_given = false;
  bool resends = false, suppresses = false, force_alias = false;
};

/// The invitation, as it would be sent: with the temporary password, which is told to nobody where the administrator chose it. Without a
/// wish it goes where the user can be reached.
Task<Answer<>> invite(const Parts& parts, io::Loop& loop, TextMap metadata, const UserPool& pool, const User& user,
                      std::vector<std::string> mediums, std::string_view password, bool password_was_given) {
  if (mediums.empty()) mediums = {user.attribute("email") || !user.attribute("phone_number") ? "EMAIL" : "SMS"};
  for (const auto& medium : mediums) {
    const std::string attribute = medium == "EMAIL" ? "email" : "phone_number";
    const auto* destination = user.attribute(attribute);
    SentCode code{
        pool.id, user.username, "temporary_password", attribute, destination ? *destination : std::string(), std::string(password)};
    code.is_known = password_was_given;
    co_await deliver(parts, loop, "", metadata, "CustomMessage_AdminCreateUser", std::move(code));
  }
  co_return Answer<>();
}

Task<Answer<json::Value>> admin_create_user(const Parts& parts, control::Call& call) {
  const auto state = parts.ledger.read(call.scope);
  const auto& pool = *co_await need_pool(*state, call.in);
  NewUser asked;
  asked.typed = call.in.required("Username");
  asked.sub = make_uuid(parts.random);
  asked.attributes = read_attributes(call.in, "UserAttributes");
  asked.force_alias = call.in.boolean("ForceAliasCreation").value_or(false);
  const auto action = call.in.text_or("MessageAction", "");
  asked.resends = action == "RESEND";
  asked.suppresses = action == "SUPPRESS";
  const auto mediums = list_of(call.in, "DesiredDeliveryMediums");
  auto validation_data = read_attributes(call.in, "ValidationData");
  auto metadata = call.in.text_map("ClientMetadata").value_or(TextMap());
  auto given = call.in.text_or("TemporaryPassword", "");
  asked.password_was_given = !given.empty();
  asked.password =
      crypto::Secret(asked.password_was_given ? std::move(given) : make_temporary_password(pool.settings->password_policy, parts.random));
  co_await control::refuse_unread(call);

  const auto* present = find_user(pool, asked.typed);
  if (asked.resends) {
    if (!present) co_return no_such_user();
    if (present->status != UserStatus::force_change_password)
      co_return refused("UnsupportedUserStateException",
                        cat("Resend not possible. ", present->username, " status is not FORCE_CHANGE_PASSWORD"));
  } else {
    co_await check_username(pool, asked.typed);
    if (present && pool.username_attributes.empty()) co_return refused("UsernameExistsException", "User account already exists");
    auto first = first_attributes(pool, asked.typed, asked.attributes);
    co_await check_attributes(pool, first, nullptr);
    co_await check_required(pool, first);
    const auto allowed =
        co_await parts.triggers.pre_sign_up({call.loop, state, pool.id, "", kept_username(pool, asked.typed, asked.sub), first, metadata},
                                            "PreSignUp_AdminCreateUser", std::move(validation_data));
    if (allowed.verify_email && first.contains("email")) asked.attributes.insert_or_assign("email_verified", "true");
    if (allowed.verify_phone_number && first.contains("phone_number")) asked.attributes.insert_or_assign("phone_number_verified", "true");
  }
  const auto username = asked.resends ? present->username : kept_username(pool, asked.typed, asked.sub);
  auto proof = co_await prove_new_password(parts, call.loop, pool, present, username, asked.password);

  std::optional<User> made;
  auto answer = co_await attempt(parts.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    Operations operations(draft, parts.random, call.now);
    if (asked.resends) {
      if (auto done = operations.admin_set_user_password(pool.id, username, std::move(proof), false); !done)
        return std::unexpected(std::move(done.error()));
    } else {
      auto done =
          operations.admin_create_user({pool.id, asked.typed, asked.sub, std::move(asked.attributes), std::move(proof), asked.force_alias});
      if (!done) return std::unexpected(std::move(done.error()));
    }
    made = *find_pool(draft, pool.id)->users.find(username);
    return json::Value(json::Object{{"User", describe(*made, "Attributes")}});
  }));
  if (answer && !asked.suppresses)
    co_await invite(parts, call.loop, std::move(metadata), pool, *made, mediums, asked.password.reveal(), asked.password_was_given);
  co_return answer;
}

Task<Answer<json::Value>> admin_set_user_password(const Parts& parts, control::Call& call) {
  const auto state = parts.ledger.read(call.scope);
  const auto& pool = *co_await need_pool(*state, call.in);
  const auto& user = *co_await need_user(pool, call.in);
  const bool permanent = call.in.boolean("Permanent").value_or(false);
  crypto::Secret password(call.in.required("Password"));
  co_await control::refuse_unread(call);
  auto proof = co_await prove_new_password(parts, call.loop, pool, &user, user.username, std::move(password));
  co_return co_await attempt(parts.ledger.write(call, [&](State& draft) {
    return then_nothing(
        Operations(draft, parts.random, call.now).admin_set_user_password(pool.id, user.username, std::move(proof), permanent));
  }));
}

Task<Answer<json::Value>> admin_update_attributes(const Parts& parts, control::Call& call) {
  const auto written = read_attributes(call.in, "UserAttributes");
  const auto metadata = call.in.text_map("ClientMetadata").value_or(TextMap());
  std::vector<SentCode> sent;
  auto answer = co_await attempt(parts.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    const auto pool_id = call.in.required("UserPoolId"), typed = call.in.required("Username");
    if (auto done = Operations(draft, parts.random, call.now).admin_update_user_attributes(pool_id, typed, written); !done)
      return std::unexpected(std::move(done.error()));
    auto* pool = edit_pool(draft, pool_id);
    auto user = *find_user(*pool, typed);
    if (auto issued = ask_to_verify(*pool, user, written, parts.random, call.now, sent); !issued)
      return std::unexpected(std::move(issued.error()));
    put_user(*pool, std::move(user));
    return nothing();
  }));
  if (answer)
    for (const auto& code : sent) co_await deliver(parts, call.loop, "", metadata, "CustomMessage_UpdateUserAttribute", code);
  co_return answer;
}

Answer<json::Value> delete_attributes(Change& change) {
  return then_nothing(change.operations.admin_delete_user_attributes(change.in.required("UserPoolId"), change.in.required("Username"),
                                                                     list_of(change.in, "UserAttributeNames")));
}

Answer<json::Value> delete_user(Change& change) {
  return then_nothing(change.operations.admin_delete_user(change.in.required("UserPoolId"), change.in.required("Username")));
}

Answer<json::Value> disable_user(Change& change) {
  return then_nothing(change.operations.admin_set_enabled(change.in.required("UserPoolId"), change.in.required("Username"), false));
}

Answer<json::Value> enable_user(Change& change) {
  return then_nothing(change.operations.admin_set_enabled(change.in.required("UserPoolId"), change.in.required("Username"), true));
}

Answer<json::Value> add_to_group(Change& change) {
  return then_nothing(change.operations.add_user_to_group(change.in.required("UserPoolId"), change.in.required("Username"),
                                                          change.in.required("GroupName")));
}

Answer<json::Value> remove_from_group(Change& change) {
  return then_nothing(change.operations.remove_user_from_group(change.in.required("UserPoolId"), change.in.required("Username"),
                                                               change.in.required("GroupName")));
}

Task<Answer<json::Value>> admin_confirm_sign_up(const Parts& parts, control::Call& call) {
  const auto state = parts.ledger.read(call.scope);
  const auto& pool = *co_await need_pool(*state, call.in);
  const auto username = (*co_await need_user(pool, call.in)).username;
  auto metadata = call.in.text_map("ClientMetadata").value_or(TextMap());
  std::optional<User> confirmed;
  auto answer = co_await attempt(parts.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    auto& changed_pool = *edit_pool(draft, pool.id);
    const auto* found = changed_pool.users.find(username);
    if (!found) return no_such_user();
    auto user = *found;
    if (auto done = confirm(changed_pool, user, false, call.now); !done) return std::unexpected(std::move(done.error()));
    confirmed = user;
    put_user(changed_pool, std::move(user));
    return nothing();
  }));
  if (!answer) co_return answer;
  co_await parts.triggers.post_confirmation({call.loop, state, pool.id, "", username, confirmed->attributes, std::move(metadata)},
                                            "PostConfirmation_ConfirmSignUp");
  co_return answer;
}

Task<Answer<json::Value>> admin_reset_password(const Parts& parts, control::Call& call) {
  auto metadata = call.in.text_map("ClientMetadata").value_or(TextMap());
  std::optional<SentCode> sent;
  auto answer = co_await attempt(parts.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    const auto pool = need_pool(draft, call.in);
    if (!pool) return std::unexpected(pool.error());
    const auto found = need_user(**pool, call.in);
    if (!found) return std::unexpected(found.error());
    auto user = **found;
    if (!user.enabled) return not_authorized("User is disabled.");
    if (user.status == UserStatus::force_change_password || user.status == UserStatus::unconfirmed)
      return not_authorized("User password cannot be reset in the current state.");
    const auto way = recovery_way(**pool, user);
    if (!way) return std::unexpected(way.error());
    const auto code = issue_code(user, CodePurpose::reset_password, way->attribute, way->destination, parts.random, call.now);
    if (!code) return std::unexpected(code.error());
    sent = sent_code(**pool, user, **code);
    user.status = UserStatus::reset_required;
    user.modified = call.now;
    put_user(*edit_pool(draft, call.in.required("UserPoolId")), std::move(user));
    return nothing();
  }));
  if (answer && sent) co_await deliver(parts, call.loop, "", std::move(metadata), "CustomMessage_ForgotPassword", std::move(*sent));
  co_return answer;
}

Answer<json::Value> set_mfa_preference(Change& change) {
  const auto pool = need_pool(change.draft, change.in);
  if (!pool) return std::unexpected(pool.error());
  const auto found = need_user(**pool, change.in);
  if (!found) return std::unexpected(found.error());
  const auto username = (*found)->username;
  return then_nothing(prefer_mfa(*edit_user(*edit_pool(change.draft, (*pool)->id), username), change.in));
}

}  // namespace

void bind_users(Binding& binding) {
  binding.read("ListUsers", list_users);
  binding.read("ListUsersInGroup", list_users_in_group);
  binding.read("AdminListGroupsForUser", list_groups_for_user);
  binding.read("AdminGetUser", get_user);
  binding.run("AdminCreateUser", admin_create_user);
  binding.run("AdminSetUserPassword", admin_set_user_password);
  binding.run("AdminUpdateUserAttributes", admin_update_attributes);
  binding.write("AdminDeleteUserAttributes", delete_attributes);
  binding.write("AdminDeleteUser", delete_user);
  binding.write("AdminDisableUser", disable_user);
  binding.write("AdminEnableUser", enable_user);
  binding.write("AdminAddUserToGroup", add_to_group);
  binding.write("AdminRemoveUserFromGroup", remove_from_group);
  binding.run("AdminConfirmSignUp", admin_confirm_sign_up);
  binding.run("AdminResetUserPassword", admin_reset_password);
  binding.write("AdminSetUserMFAPreference", set_mfa_preference);
}

}  // namespace sallyport::cognito
