// Instance profiles: kept and shown for the tools that make them; nothing here runs on an instance.
#include "iam/errors.hpp"
#include "iam/ids.hpp"
#include "iam/request.hpp"

namespace sallyport::iam {
namespace {

constexpr std::size_t profile_name_bytes_max = 128;

Answer<json::Value> create_instance_profile(const Parts& parts, State& state, const Call& call) {
  InstanceProfile profile;
  profile.name = call.in.required("InstanceProfileName");
  if (auto named = check_name(profile.name, "instanceProfileName", profile_name_bytes_max); !named) return std::unexpected(named.error());
  auto path = read_path(call);
  if (!path) return std::unexpected(path.error());
  if (state.instance_profiles.contains(profile.name)) return already_exists(cat("Instance Profile ", profile.name, " already exists."));
  auto tags = read_tags(call);
  if (!tags) return std::unexpected(tags.error());
  profile.tags = std::move(*tags);
  profile.path = std::move(*path);
  profile.id = make_unique_id(parts.random, "AIPA");
  profile.arn = entity_arn(state.scope, "instance-profile", profile.path, profile.name);
  profile.created = std::chrono::floor<std::chrono::seconds>(call.now);
  json::Value out;
  out.set("InstanceProfile", instance_profile_json(parts, state, profile));
  state.instance_profiles.emplace(profile.name, std::move(profile));
  return out;
}

Answer<json::Value> get_instance_profile(const Parts& parts, const State& state, const Call& call) {
  const auto profile = need_instance_profile(state, call.in.required("InstanceProfileName"));
  if (!profile) return std::unexpected(profile.error());
  json::Value out;
  out.set("InstanceProfile", instance_profile_json(parts, state, **profile));
  return out;
}

Answer<json::Value> list_instance_profiles(const Parts& parts, const State& state, const Call& call) {
  return paged(call, "InstanceProfiles", under_path(call, state.instance_profiles),
               [&](const auto&, const InstanceProfile* profile) { return instance_profile_json(parts, state, *profile); });
}

Answer<json::Value> list_instance_profiles_for_role(const Parts& parts, const State& state, const Call& call) {
  const auto role = need_role(state, call.in.required("RoleName"));
  if (!role) return std::unexpected(role.error());
  std::map<std::string, const InstanceProfile*> profiles;
  for (const auto& [name, profile] : state.instance_profiles)
    if (profile->role == (*role)->name) profiles.emplace(name, &*profile);
  return paged(call, "InstanceProfiles", profiles,
               [&](const auto&, const InstanceProfile* profile) { return instance_profile_json(parts, state, *profile); });
}

Answer<json::Value> add_role_to_instance_profile(const Parts&, State& state, const Call& call) {
  const auto profile = need_instance_profile(state, call.in.required("InstanceProfileName"));
  if (!profile) return std::unexpected(profile.error());
  const auto role = need_role(state, call.in.required("RoleName"));
  if (!role) return std::unexpected(role.error());
  if ((*profile)->role) return over_quota("InstanceSessionsPerInstanceProfile", 1);
  edit(state.instance_profiles, (*profile)->name)->role = (*role)->name;
  return json::Value(json::Object());
}

Answer<json::Value> remove_role_from_instance_profile(const Parts&, State& state, const Call& call) {
  const auto profile = need_instance_profile(state, call.in.required("InstanceProfileName"));
  if (!profile) return std::unexpected(profile.error());
  const auto role = call.in.required("RoleName");
  if ((*profile)->role != role) return cannot_find("role", role);
  edit(state.instance_profiles, (*profile)->name)->role.reset();
  return json::Value(json::Object());
}

Answer<json::Value> delete_instance_profile(const Parts&, State& state, const Call& call) {
  const auto name = call.in.required("InstanceProfileName");
  const auto profile = need_instance_profile(state, name);
  if (!profile) return std::unexpected(profile.error());
  if ((*profile)->role) return delete_conflict("Cannot delete entity, must remove roles from instance profile first.");
  state.instance_profiles.erase(name);
  return json::Value(json::Object());
}

/// Who puts a role into a profile hands it on.
std::vector<Access> pass_role(const State& state, const Call& call) {
  const auto name = call.in.required("RoleName");
  const auto* role = find(state.roles, name);
  return {{.action = "iam:PassRole",
           .resource = role ? role->arn : entity_arn(state.scope, "role", "/", name),
           .context = {{"iam:PassedToService", {"ec2.amazonaws.com"}}}}};
}

}  // namespace

void add_instance_profile_operations(Table& table) {
  table.write("CreateInstanceProfile", Target::instance_profile, create_instance_profile);
  table.read("GetInstanceProfile", Target::instance_profile, get_instance_profile);
  table.read("ListInstanceProfiles", Target::account, list_instance_profiles);
  table.read("ListInstanceProfilesForRole", Target::role, list_instance_profiles_for_role);
  table.write("AddRoleToInstanceProfile", Target::instance_profile, add_role_to_instance_profile, pass_role);
  table.write("RemoveRoleFromInstanceProfile", Target::instance_profile, remove_role_from_instance_profile);
  table.write("DeleteInstanceProfile", Target::instance_profile, delete_instance_profile);
}

}  // namespace sallyport::iam
