// Users and their access keys.
#include <algorithm>

#include "iam/document.hpp"
#include "iam/errors.hpp"
#include "iam/ids.hpp"
#include "iam/request.hpp"

namespace sallyport::iam {
namespace {

constexpr std::size_t user_name_bytes_max = 64;

Answer<json::Value> create_user(const Parts& parts, State& state, const Call& call) {
  const auto user = operations_of(parts, state, call)
                        .create_user({.name = call.in.required("UserName"),
                                      .id = make_unique_id(parts.random, "AIDA"),
                                      .path = call.in.text_or("Path", "/"),
                                      .boundary = call.in.text("PermissionsBoundary"),
                                      .tags = read_tag_list(call)});
  if (!user) return std::unexpected(user.error());
  json::Value out;
  out.set("User", user_json(**user, true));
  return out;
}

/// The account's root, which is no user and has nobody else's name.
json::Value root_json(const Call& call) {
  json::Value user;
  user.set("Path", "/");
  user.set("UserName", "root");
  user.set("UserId", call.caller->account_id);
  user.set("Arn", call.caller->arn);
  user.set("CreateDate", std::int64_t{0});
  return user;
}

Answer<json::Value> get_user(const Parts&, const State& state, const Call& call) {
  json::Value out;
  if (!call.in.has("UserName") && call.caller->kind == aws::CallerKind::root) {
    out.set("User", root_json(call));
    return out;
  }
  const auto name = user_name_of(call);
  if (!name) return std::unexpected(name.error());
  const auto user = need_user(state, *name);
  if (!user) return std::unexpected(user.error());
  out.set("User", user_json(**user, true));
  return out;
}

Answer<json::Value> list_users(const Parts&, const State& state, const Call& call) {
  return paged(call, "Users", under_path(call, state.users), [](const auto&, const User* user) { return user_json(*user, false); });
}

Answer<json::Value> update_user(const Parts&, State& state, const Call& call) {
  const auto name = call.in.required("UserName");
  if (auto user = need_user(state, name); !user) return std::unexpected(user.error());
  const auto new_name = call.in.text_or("NewUserName", name);
  if (auto named = check_name(new_name, "newUserName", user_name_bytes_max); !named) return std::unexpected(named.error());
  std::optional<std::string> new_path;
  if (call.in.has("NewPath")) {
    auto path = read_path(call, "NewPath");
    if (!path) return std::unexpected(path.error());
    new_path = std::move(*path);
  }
  if (!equals_ignoring_case(new_name, name) && state.users.contains(new_name))
    return already_exists(cat("User with name ", new_name, " already exists."));
  auto user = *find(state.users, name);
  state.users.erase(name);
  user.name = new_name;
  if (new_path) user.path = std::move(*new_path);
  user.arn = entity_arn(state.scope, "user", user.path, user.name);
  state.users.emplace(new_name, std::move(user));
  return json::Value(json::Object());
}

Answer<json::Value> delete_user(const Parts&, State& state, const Call& call) {
  const auto name = call.in.required("UserName");
  const auto user = need_user(state, name);
  if (!user) return std::unexpected(user.error());
  if (!(*user)->access_keys.empty()) return delete_conflict("Cannot delete entity, must delete access keys first.");
  if (!(*user)->attached.empty()) return delete_conflict("Cannot delete entity, must detach all policies first.");
  if (!(*user)->inline_policies.empty()) return delete_conflict("Cannot delete entity, must delete policies first.");
  if (!(*user)->groups.empty()) return delete_conflict("Cannot delete entity, must remove users from group first.");
  state.users.erase(name);
  return json::Value(json::Object());
}

std::string_view status_of(const AccessKey& key) { return key.active ? "Active" : "Inactive"; }

Answer<json::Value> create_access_key(const Parts& parts, State& state, const Call& call) {
  const auto name = user_name_of(call);
  if (!name) return std::unexpected(name.error());
  const auto known = need_user(state, *name);
  if (!known) return std::unexpected(known.error());
  if ((*known)->access_keys.size() >= limits::access_keys_max) return over_quota("AccessKeysPerUser", limits::access_keys_max);
  AccessKey key;
  do {
    key.id = make_access_key_id(parts.random, "AKIA", state.scope.account_id);
  } while (parts.directory.find(key.id));
  auto secret = make_secret_access_key(parts.random);
  key.sealed_secret = parts.store.seal(secret, key.id);
  key.created = std::chrono::floor<std::chrono::seconds>(call.now);
  json::Value shown;
  shown.set("UserName", *name);
  shown.set("AccessKeyId", key.id);
  shown.set("Status", status_of(key));
  shown.set("SecretAccessKey", std::move(secret));
  shown.set("CreateDate", seconds_of(key.created));
  edit(state.users, *name)->access_keys.push_back(std::move(key));
  json::Value out;
  out.set("AccessKey", std::move(shown));
  return out;
}

/// The user and the place of the key of the call among its keys.
Answer<std::pair<std::string, std::size_t>> key_of(const State& state, const Call& call) {
  const auto name = user_name_of(call);
  if (!name) return std::unexpected(name.error());
  const auto user = need_user(state, *name);
  if (!user) return std::unexpected(user.error());
  const auto id = call.in.required("AccessKeyId");
  const auto& keys = (*user)->access_keys;
  const auto found = std::ranges::find(keys, id, &AccessKey::id);
  if (found == keys.end()) return no_such_entity(cat("The Access Key with id ", id, " cannot be found."));
  return std::pair(*name, static_cast<std::size_t>(found - keys.begin()));
}

Answer<json::Value> update_access_key(const Parts&, State& state, const Call& call) {
  const auto place = key_of(state, call);
  if (!place) return std::unexpected(place.error());
  const auto status = call.in.required("Status");
  if (status != "Active" && status != "Inactive")
    return validation_error(
        cat("1 validation error detected: Value '", status,
            "' at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive, Expired]"));
  edit(state.users, place->first)->access_keys[place->second].active = status == "Active";
  return json::Value(json::Object());
}

Answer<json::Value> delete_access_key(const Parts&, State& state, const Call& call) {
  const auto place = key_of(state, call);
  if (!place) return std::unexpected(place.error());
  auto& keys = edit(state.users, place->first)->access_keys;
  keys.erase(keys.begin() + static_cast<std::ptrdiff_t>(place->second));
  return json::Value(json::Object());
}

Answer<json::Value> list_access_keys(const Parts&, const State& state, const Call& call) {
  const auto name = user_name_of(call);
  if (!name) return std::unexpected(name.error());
  const auto user = need_user(state, *name);
  if (!user) return std::unexpected(user.error());
  std::map<std::string, const AccessKey*> keys;
  for (const auto& key : (*user)->access_keys) keys.emplace(key.id, &key);
  return paged(call, "AccessKeyMetadata", keys, [&](const auto&, const AccessKey* key) {
    json::Value shown;
    shown.set("UserName", *name);
    shown.set("AccessKeyId", key->id);
    shown.set("Status", status_of(*key));
    shown.set("CreateDate", seconds_of(key->created));
    return shown;
  });
}

Answer<json::Value> get_access_key_last_used(const Parts& parts, const State& state, const Call& call) {
  const auto id = call.in.required("AccessKeyId");
  for (const auto& [name, user] : state.users)
    for (const auto& key : user->access_keys) {
      if (key.id != id) continue;
      auto use = key.last_use;
      if (const auto since = parts.directory.last_use(id); since && (!use || since->at > use->at)) use = since;
      json::Value used;
      if (use) used.set("LastUsedDate", seconds_of(use->at));
      used.set("ServiceName", use ? use->service : "N/A");
      used.set("Region", use ? use->region : "N/A");
      json::Value out;
      out.set("UserName", name);
      out.set("AccessKeyLastUsed", std::move(used));
      return out;
    }
  return no_such_entity(cat("The Access Key with id ", id, " cannot be found."));
}

/// What a user could have and nobody has here: there is no operation that makes one.
ReadOperation none_of(std::string member) {
  return [member](const Parts&, const State& state, const Call& call) -> Answer<json::Value> {
    const auto name = user_name_of(call);
    if (!name) return std::unexpected(name.error());
    if (const auto user = need_user(state, *name); !user) return std::unexpected(user.error());
    return paged(call, member, TextMap(), [](const auto& key, const auto&) { return json::Value(key); });
  };
}

Answer<json::Value> no_login_profile(const State& state, const Call& call) {
  const auto name = user_name_of(call);
  if (!name) return std::unexpected(name.error());
  if (const auto user = need_user(state, *name); !user) return std::unexpected(user.error());
  return no_such_entity(cat("Login Profile for User ", *name, " cannot be found."));
}

}  // namespace

void add_user_operations(Table& table) {
  table.write("CreateUser", Target::user, create_user);
  table.read("GetUser", Target::own_user, get_user);
  table.read("ListUsers", Target::account, list_users);
  table.write("UpdateUser", Target::user, update_user, renamed_access("User"));
  table.write("DeleteUser", Target::user, delete_user);
  table.write("CreateAccessKey", Target::own_user, create_access_key);
  table.write("UpdateAccessKey", Target::own_user, update_access_key);
  table.write("DeleteAccessKey", Target::own_user, delete_access_key);
  table.read("ListAccessKeys", Target::own_user, list_access_keys);
  table.read("GetAccessKeyLastUsed", Target::key, get_access_key_last_used);
  // Tools look for these before they delete a user.
  table.read("ListMFADevices", Target::own_user, none_of("MFADevices"));
  table.read("ListSSHPublicKeys", Target::own_user, none_of("SSHPublicKeys"));
  table.read("ListSigningCertificates", Target::own_user, none_of("Certificates"));
  table.read("GetLoginProfile", Target::own_user,
             [](const Parts&, const State& state, const Call& call) { return no_login_profile(state, call); });
  table.write("DeleteLoginProfile", Target::own_user,
              [](const Parts&, State& state, const Call& call) { return no_login_profile(state, call); });
}

}  // namespace sallyport::iam
