// Users, as administrators make and change them.
#include <algorithm>

#include "cognito/errors.hpp"
#include "cognito/operations.hpp"
#include "cognito/schema.hpp"

namespace sallyport::cognito {
namespace {

bool contains(const std::vector<std::string>& list, std::string_view text) { return std::ranges::find(list, text) != list.end(); }

/// The attribute a key of `UserPool::names` is about.
std::string_view attribute_of(std::string_view name) { return name.substr(0, name.find('=')); }
/// Whose username the name is.
const User* namesake(const UserPool& pool, std::string_view name) { return pool.users.find(name.substr(name.find('=') + 1)); }

/// Takes a name away from whoever has it.
void release_name(UserPool& pool, std::string_view owner, std::string_view attribute) {
  const auto* found = pool.users.find(owner);
  if (!found) return;
  auto other = *found;
  if (attribute == "preferred_username")
    other.attributes.erase(std::string(attribute));
  else
    other.attributes.insert_or_assign(cat(attribute, "_verified"), "false");
  put_user(pool, std::move(other));
}

/// What an address proved falls away when it changes, unless the same call says otherwise.
void note_verification(User& user, const TextMap& written) {
  for (const std::string_view attribute : {"email", "phone_number"}) {
    const auto found = written.find(attribute);
    if (found == written.end()) continue;
    const auto verified = cat(attribute, "_verified");
    const auto* before = user.attribute(attribute);
    if (found->second.empty())
      user.attributes.erase(verified);
    else if (!before || *before != found->second)
      user.attributes.insert_or_assign(verified, "false");
    std::erase_if(user.codes, [&](const Code& code) { return code.purpose == CodePurpose::attribute && code.attribute == attribute; });
    std::erase_if(user.pending_attributes, [&](const PendingAttribute& pending) { return pending.name == attribute; });
  }
}

}  // namespace

void write_attributes(User& user, const TextMap& written) {
  note_verification(user, written);
  for (const auto& [name, value] : written) {
    if (value.empty())
      user.attributes.erase(name);
    else
      user.attributes.insert_or_assign(name, value);
  }
}

std::string kept_username(const UserPool& pool, std::string_view typed, std::string_view sub) {
  return pool.username_attributes.empty() ? canonical_username(pool, typed) : std::string(sub);
}

Answer<> check_username(const UserPool& pool, std::string_view typed) {
  if (pool.username_attributes.empty()) {
    if (contains(pool.alias_attributes, "email") && is_email(typed))
      return invalid_parameter("Username cannot be of email format, since user pool is configured for email alias.");
    if (contains(pool.alias_attributes, "phone_number") && is_phone_number(typed))
      return invalid_parameter("Username cannot be of phone number format, since user pool is configured for phone number alias.");
    return {};
  }
  const bool email = contains(pool.username_attributes, "email"), phone = contains(pool.username_attributes, "phone_number");
  if ((email && is_email(typed)) || (phone && is_phone_number(typed))) return {};
  if (email && phone) return invalid_parameter("Username should be either an email or a phone number.");
  return invalid_parameter(email ? "Username should be an email." : "Username should be a phone number.");
}

TextMap first_attributes(const UserPool& pool, std::string_view typed, TextMap given) {
  if (pool.username_attributes.empty()) return given;
  const auto* attribute = is_phone_number(typed) ? "phone_number" : "email";
  given.insert_or_assign(attribute, pool.case_sensitive ? std::string(typed) : lower(typed));
  return given;
}

Answer<> claim_names(UserPool& pool, User& user, bool force) {
  for (const auto& name : names_of(pool, user)) {
    const auto attribute = attribute_of(name);
    // A username goes before every alias: who took one for an alias would never be found by it.
    if (const auto* other = namesake(pool, name); other && other->username != user.username && attribute != "sub")
      return refused("AliasExistsException", cat("An account with the ", attribute, " already exists."));
    const auto* owner = pool.names.find(name);
    if (!owner || *owner == user.username) continue;
    // Where addresses are names, nobody loses theirs.
    if (!pool.username_attributes.empty())
      return refused("UsernameExistsException", cat("An account with the given ", attribute, " already exists."));
    if (!force) return refused("AliasExistsException", cat("An account with the ", attribute, " already exists."));
    const auto other = *owner;
    release_name(pool, other, attribute);
  }
  return {};
}

void set_password(const UserPool& pool, User& user, PasswordProof password, WallTime now) {
  const auto kept = static_cast<std::size_t>(pool.settings->password_history_size);
  if (!user.password.hash.empty() && kept > 0) user.password_history.insert(user.password_history.begin(), std::move(user.password));
  // With the present one, the history has as many as the policy counts.
  const auto before = kept > 0 ? kept - 1 : 0;
  if (user.password_history.size() > before) user.password_history.resize(before);
  user.password = std::move(password);
  user.password_set = now;
  user.modified = now;
  user.failed_passwords = 0;
  user.locked_until = {};
}

Answer<User> Operations::find_user(std::string_view pool_id, std::string_view username) {
  auto pool = find_pool(pool_id);
  if (!pool) return std::unexpected(std::move(pool.error()));
  const auto* user = cognito::find_user(**pool, username);
  if (!user) return no_such_user();
  return *user;
}

Answer<const User*> Operations::admin_create_user(AdminCreateUserRequest request) {
  auto pool = find_pool(request.pool_id);
  if (!pool) return std::unexpected(std::move(pool.error()));
  if (auto named = check_username(**pool, request.username); !named) return std::unexpected(std::move(named.error()));
  auto attributes = first_attributes(**pool, request.username, std::move(request.attributes));
  if (auto checked = check_attributes(**pool, attributes, nullptr); !checked) return std::unexpected(std::move(checked.error()));
  if (auto checked = check_required(**pool, attributes); !checked) return std::unexpected(std::move(checked.error()));
  User user;
  user.username = kept_username(**pool, request.username, request.sub);
  if ((*pool)->users.contains(user.username) || ((*pool)->username_attributes.empty() && cognito::find_user(**pool, user.username)))
    return refused("UsernameExistsException", "User account already exists");
  user.sub = request.sub;
  user.status = UserStatus::force_change_password;
  user.created = user.modified = user.password_set = now_;
  for (auto& [name, value] : attributes)
    if (!value.empty()) user.attributes.insert_or_assign(name, value);
  user.attributes.insert_or_assign("sub", user.sub);
  if (request.password) user.password = std::move(*request.password);
  if (auto claimed = claim_names(**pool, user, request.force_alias_creation); !claimed) return std::unexpected(std::move(claimed.error()));
  const auto username = user.username;
  put_user(**pool, std::move(user));
  return (*pool)->users.find(username);
}

Answer<> Operations::admin_set_user_password(std::string_view pool_id, std::string_view username, PasswordProof password, bool permanent) {
  auto user = find_user(pool_id, username);
  if (!user) return std::unexpected(std::move(user.error()));
  auto* pool = edit_pool(state_, pool_id);
  set_password(*pool, *user, std::move(password), now_);
  user->status = permanent ? UserStatus::confirmed : UserStatus::force_change_password;
  std::erase_if(user->codes, [](const Code& code) { return code.purpose != CodePurpose::attribute; });
  put_user(*pool, std::move(*user));
  return {};
}

Answer<> Operations::admin_update_user_attributes(std::string_view pool_id, std::string_view username, TextMap attributes) {
  auto user = find_user(pool_id, username);
  if (!user) return std::unexpected(std::move(user.error()));
  auto* pool = edit_pool(state_, pool_id);
  if (auto checked = check_attributes(*pool, attributes, nullptr); !checked) return checked;
  if (auto checked = check_mutable(*pool, *user, attributes); !checked) return checked;
  write_attributes(*user, attributes);
  if (auto checked = check_required(*pool, user->attributes); !checked) return checked;
  if (auto claimed = claim_names(*pool, *user, false); !claimed) return claimed;
  user->modified = now_;
  put_user(*pool, std::move(*user));
  return {};
}

Answer<> Operations::admin_delete_user_attributes(std::string_view pool_id, std::string_view username,
                                                  const std::vector<std::string>& names) {
  TextMap written;
  for (const auto& name : names) written.insert_or_assign(name, "");
  return admin_update_user_attributes(pool_id, username, std::move(written));
}

Answer<> Operations::admin_delete_user(std::string_view pool_id, std::string_view username) {
  auto user = find_user(pool_id, username);
  if (!user) return std::unexpected(std::move(user.error()));
  erase_user(*edit_pool(state_, pool_id), user->username);
  return {};
}

Answer<> Operations::admin_set_enabled(std::string_view pool_id, std::string_view username, bool enabled) {
  auto user = find_user(pool_id, username);
  if (!user) return std::unexpected(std::move(user.error()));
  auto& pool = *edit_pool(state_, pool_id);
  // A user who is let in again signs in anew.
  if (!enabled)
    for (const auto& id : sessions_of(pool, user->username)) erase_session(pool, id);
  auto* kept = edit_user(pool, user->username);
  kept->enabled = enabled;
  kept->modified = now_;
  return {};
}

}  // namespace sallyport::cognito
