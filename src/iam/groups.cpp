// Groups and who is in them.
#include <algorithm>

#include "iam/document.hpp"
#include "iam/errors.hpp"
#include "iam/ids.hpp"
#include "iam/request.hpp"

namespace sallyport::iam {
namespace {

constexpr std::size_t group_name_bytes_max = 128;

bool is_member(const User& user, std::string_view group) { return std::ranges::find(user.groups, group) != user.groups.end(); }

Answer<json::Value> create_group(const Parts& parts, State& state, const Call& call) {
  const auto group =
      operations_of(parts, state, call)
          .create_group(
              {.name = call.in.required("GroupName"), .id = make_unique_id(parts.random, "AGPA"), .path = call.in.text_or("Path", "/")});
  if (!group) return std::unexpected(group.error());
  json::Value out;
  out.set("Group", group_json(**group));
  return out;
}

Answer<json::Value> get_group(const Parts&, const State& state, const Call& call) {
  const auto group = need_group(state, call.in.required("GroupName"));
  if (!group) return std::unexpected(group.error());
  std::map<std::string, const User*> members;
  for (const auto& [name, user] : state.users)
    if (is_member(*user, (*group)->name)) members.emplace(name, &*user);
  auto out = paged(call, "Users", members, [](const auto&, const User* user) { return user_json(*user, false); });
  if (out) out->set("Group", group_json(**group));
  return out;
}

Answer<json::Value> list_groups(const Parts&, const State& state, const Call& call) {
  return paged(call, "Groups", under_path(call, state.groups), [](const auto&, const Group* group) { return group_json(*group); });
}

Answer<json::Value> list_groups_for_user(const Parts&, const State& state, const Call& call) {
  const auto user = need_user(state, call.in.required("UserName"));
  if (!user) return std::unexpected(user.error());
  std::map<std::string, const Group*> groups;
  for (const auto& name : (*user)->groups)
    if (const auto* group = find(state.groups, name)) groups.emplace(name, group);
  return paged(call, "Groups", groups, [](const auto&, const Group* group) { return group_json(*group); });
}

Answer<json::Value> update_group(const Parts&, State& state, const Call& call) {
  const auto name = call.in.required("GroupName");
  if (auto group = need_group(state, name); !group) return std::unexpected(group.error());
  const auto new_name = call.in.text_or("NewGroupName", name);
  if (auto named = check_name(new_name, "newGroupName", group_name_bytes_max); !named) return std::unexpected(named.error());
  std::optional<std::string> new_path;
  if (call.in.has("NewPath")) {
    auto path = read_path(call, "NewPath");
    if (!path) return std::unexpected(path.error());
    new_path = std::move(*path);
  }
  if (!equals_ignoring_case(new_name, name) && state.groups.contains(new_name))
    return already_exists(cat("Group with name ", new_name, " already exists."));
  auto group = *find(state.groups, name);
  state.groups.erase(name);
  group.name = new_name;
  if (new_path) group.path = std::move(*new_path);
  group.arn = entity_arn(state.scope, "group", group.path, group.name);
  state.groups.emplace(new_name, std::move(group));
  for (auto& [user_name, user] : state.users)
    if (is_member(*user, name)) std::ranges::replace(user.edit().groups, name, new_name);
  return json::Value(json::Object());
}

Answer<json::Value> delete_group(const Parts&, State& state, const Call& call) {
  const auto name = call.in.required("GroupName");
  const auto group = need_group(state, name);
  if (!group) return std::unexpected(group.error());
  if (std::ranges::any_of(state.users, [&](const auto& entry) { return is_member(*entry.second, name); }))
    return delete_conflict("Cannot delete entity, must remove users from group first.");
  if (!(*group)->attached.empty()) return delete_conflict("Cannot delete entity, must detach all policies first.");
  if (!(*group)->inline_policies.empty()) return delete_conflict("Cannot delete entity, must delete policies first.");
  state.groups.erase(name);
  return json::Value(json::Object());
}

Answer<json::Value> add_user_to_group(const Parts& parts, State& state, const Call& call) {
  auto added = operations_of(parts, state, call).add_user_to_group(call.in.required("UserName"), call.in.required("GroupName"));
  if (!added) return std::unexpected(std::move(added.error()));
  return json::Value(json::Object());
}

Answer<json::Value> remove_user_from_group(const Parts&, State& state, const Call& call) {
  const auto group = need_group(state, call.in.required("GroupName"));
  if (!group) return std::unexpected(group.error());
  const auto user = need_user(state, call.in.required("UserName"));
  if (!user) return std::unexpected(user.error());
  if (is_member(**user, (*group)->name)) std::erase(edit(state.users, (*user)->name)->groups, (*group)->name);
  return json::Value(json::Object());
}

}  // namespace

void add_group_operations(Table& table) {
  table.write("CreateGroup", Target::group, create_group);
  table.read("GetGroup", Target::group, get_group);
  table.read("ListGroups", Target::account, list_groups);
  table.read("ListGroupsForUser", Target::user, list_groups_for_user);
  table.write("UpdateGroup", Target::group, update_group, renamed_access("Group"));
  table.write("DeleteGroup", Target::group, delete_group);
  table.write("AddUserToGroup", Target::group, add_user_to_group);
  table.write("RemoveUserFromGroup", Target::group, remove_user_from_group);
}

}  // namespace sallyport::iam
