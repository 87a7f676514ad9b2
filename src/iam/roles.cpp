// Roles and who may assume them.
#include <algorithm>

#include "iam/errors.hpp"
#include "iam/ids.hpp"
#include "iam/request.hpp"

namespace sallyport::iam {
namespace {

Answer<json::Value> create_role(const Parts& parts, State& state, const Call& call) {
  const auto role = operations_of(parts, state, call)
                        .create_role({.name = call.in.required("RoleName"),
                                      .id = make_unique_id(parts.random, "AROA"),
                                      .path = call.in.text_or("Path", "/"),
                                      .trust_policy = call.in.required("AssumeRolePolicyDocument"),
                                      .description = call.in.text("Description"),
                                      .max_session_s = call.in.integer("MaxSessionDuration"),
                                      .boundary = call.in.text("PermissionsBoundary"),
                                      .tags = read_tag_list(call)});
  if (!role) return std::unexpected(role.error());
  auto shown = role_json(parts.directory, **role, true);
  // AWS shows these only when the role is read.
  std::erase_if(*shown.object(), [&](const json::Member& member) {
    return member.first == "RoleLastUsed" || (member.first == "MaxSessionDuration" && !call.in.has("MaxSessionDuration"));
  });
  json::Value out;
  out.set("Role", std::move(shown));
  return out;
}

Answer<json::Value> get_role(const Parts& parts, const State& state, const Call& call) {
  const auto role = need_role(state, call.in.required("RoleName"));
  if (!role) return std::unexpected(role.error());
  json::Value out;
  out.set("Role", role_json(parts.directory, **role, true));
  return out;
}

Answer<json::Value> list_roles(const Parts& parts, const State& state, const Call& call) {
  return paged(call, "Roles", under_path(call, state.roles),
               [&](const auto&, const Role* role) { return role_json(parts.directory, *role, false); });
}

Answer<json::Value> update_role(const Parts& parts, State& state, const Call& call) {
  auto updated = operations_of(parts, state, call)
                     .update_role(call.in.required("RoleName"), call.in.text("Description"), call.in.integer("MaxSessionDuration"));
  if (!updated) return std::unexpected(std::move(updated.error()));
  return json::Value(json::Object());
}

Answer<json::Value> update_role_description(const Parts& parts, State& state, const Call& call) {
  const auto name = call.in.required("RoleName");
  if (auto updated = update_role(parts, state, call); !updated) return updated;
  json::Value out;
  out.set("Role", role_json(parts.directory, *find(state.roles, name), false));
  return out;
}

Answer<json::Value> update_assume_role_policy(const Parts& parts, State& state, const Call& call) {
  auto updated =
      operations_of(parts, state, call).update_assume_role_policy(call.in.required("RoleName"), call.in.required("PolicyDocument"));
  if (!updated) return std::unexpected(std::move(updated.error()));
  return json::Value(json::Object());
}

Answer<json::Value> delete_role(const Parts&, State& state, const Call& call) {
  const auto name = call.in.required("RoleName");
  const auto role = need_role(state, name);
  if (!role) return std::unexpected(role.error());
  if (std::ranges::any_of(state.instance_profiles, [&](const auto& entry) { return entry.second->role == name; }))
    return delete_conflict("Cannot delete entity, must remove roles from instance profile first.");
  if (!(*role)->attached.empty()) return delete_conflict("Cannot delete entity, must detach all policies first.");
  if (!(*role)->inline_policies.empty()) return delete_conflict("Cannot delete entity, must delete policies first.");
  state.roles.erase(name);
  return json::Value(json::Object());
}

}  // namespace

void add_role_operations(Table& table) {
  table.write("CreateRole", Target::role, create_role);
  table.read("GetRole", Target::role, get_role);
  table.read("ListRoles", Target::account, list_roles);
  table.write("UpdateRole", Target::role, update_role);
  table.write("UpdateRoleDescription", Target::role, update_role_description);
  table.write("UpdateAssumeRolePolicy", Target::role, update_assume_role_policy);
  table.write("DeleteRole", Target::role, delete_role);
}

}  // namespace sallyport::iam
