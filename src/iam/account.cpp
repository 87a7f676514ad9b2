// The account as a whole: everything in one list, how much of everything there is, and its aliases, of which there are none.
#include <algorithm>
#include <set>

#include "iam/aws_managed.hpp"
#include "iam/document.hpp"
#include "iam/request.hpp"

namespace sallyport::iam {
namespace {

json::Value inline_policies_json(const Entity& entity) {
  json::Array out;
  for (const auto& [name, document] : entity.inline_policies) {
    json::Value policy;
    policy.set("PolicyName", name);
    policy.set("PolicyDocument", shown_document(document));
    out.push_back(std::move(policy));
  }
  return out;
}

json::Value user_detail(const User& user) {
  auto out = user_json(user, true);
  if (!user.inline_policies.empty()) out.set("UserPolicyList", inline_policies_json(user));
  out.set("GroupList", json::Array(user.groups.begin(), user.groups.end()));
  out.set("AttachedManagedPolicies", attached_json(user.attached));
  return out;
}

json::Value group_detail(const Group& group) {
  auto out = group_json(group);
  out.set("GroupPolicyList", inline_policies_json(group));
  out.set("AttachedManagedPolicies", attached_json(group.attached));
  return out;
}

json::Value role_detail(const Parts& parts, const State& state, const Role& role) {
  auto out = role_json(parts.directory, role, true);
  // A role's detail has neither of these.
  std::erase_if(*out.object(),
                [](const json::Member& member) { return member.first == "Description" || member.first == "MaxSessionDuration"; });
  json::Array profiles;
  for (const auto& [name, profile] : state.instance_profiles)
    if (profile->role == role.name) profiles.push_back(instance_profile_json(parts, state, *profile));
  out.set("InstanceProfileList", std::move(profiles));
  out.set("RolePolicyList", inline_policies_json(role));
  out.set("AttachedManagedPolicies", attached_json(role.attached));
  return out;
}

json::Value policy_detail(const ManagedPolicy& policy, PolicyUse use) {
  json::Value out;
  out.set("PolicyName", policy.name);
  out.set("PolicyId", policy.id);
  out.set("Arn", policy.arn);
  out.set("Path", policy.path);
  out.set("DefaultVersionId", cat("v", policy.default_version));
  out.set("AttachmentCount", use.attached);
  out.set("PermissionsBoundaryUsageCount", use.boundaries);
  out.set("IsAttachable", true);
  if (!policy.description.empty()) out.set("Description", policy.description);
  out.set("CreateDate", seconds_of(policy.created));
  out.set("UpdateDate", seconds_of(policy.updated));
  json::Array versions;
  for (const auto& [number, version] : policy.versions) {
    json::Value shown;
    shown.set("Document", shown_document(version.document));
    shown.set("VersionId", cat("v", number));
    shown.set("IsDefaultVersion", number == policy.default_version);
    shown.set("CreateDate", seconds_of(version.created));
    versions.push_back(std::move(shown));
  }
  out.set("PolicyVersionList", std::move(versions));
  return out;
}

Answer<json::Value> get_account_authorization_details(const Parts& parts, const State& state, const Call& call) {
  std::set<std::string> filter;
  for (auto& each : call.in.texts("Filter").value_or(std::vector<std::string>())) filter.insert(std::move(each));
  const auto wanted = [&](const char* kind) { return filter.empty() || filter.contains(kind); };
  const auto uses = policy_uses(state);
  const auto use = [&](const std::string& arn) {
    const auto found = uses.find(arn);
    return found == uses.end() ? PolicyUse() : found->second;
  };

  // One list of everything, so that a page may hold some of each.
  struct Entry {
    const User* user = nullptr;
    const Group* group = nullptr;
    const Role* role = nullptr;
    const ManagedPolicy* policy = nullptr;
  };
  std::map<std::string, Entry> all;
  if (wanted("User"))
    for (const auto& [name, user] : state.users) all.emplace(cat("1/", name), Entry{.user = &*user});
  if (wanted("Group"))
    for (const auto& [name, group] : state.groups) all.emplace(cat("2/", name), Entry{.group = &*group});
  if (wanted("Role"))
    for (const auto& [name, role] : state.roles) all.emplace(cat("3/", name), Entry{.role = &*role});
  if (wanted("LocalManagedPolicy"))
    for (const auto& [name, policy] : state.policies) all.emplace(cat("4/", policy->arn), Entry{.policy = &*policy});
  // Those of AWS's that somebody has.
  if (wanted("AWSManagedPolicy"))
    for (const auto& policy : aws_managed_policies())
      if (uses.contains(policy.arn)) all.emplace(cat("5/", policy.arn), Entry{.policy = &policy});

  json::Array users, groups, roles, policies;
  auto out = paged(call, "all", all, [&](const auto&, const Entry& entry) {
    if (entry.user) users.push_back(user_detail(*entry.user));
    if (entry.group) groups.push_back(group_detail(*entry.group));
    if (entry.role) roles.push_back(role_detail(parts, state, *entry.role));
    if (entry.policy) policies.push_back(policy_detail(*entry.policy, use(entry.policy->arn)));
    return json::Value();
  });
  if (!out) return out;
  std::erase_if(*out->object(), [](const json::Member& member) { return member.first == "all"; });
  out->set("UserDetailList", std::move(users));
  out->set("GroupDetailList", std::move(groups));
  out->set("RoleDetailList", std::move(roles));
  out->set("Policies", std::move(policies));
  return out;
}

Answer<json::Value> get_account_summary(const Parts&, const State& state, const Call&) {
  std::size_t versions = 0;
  for (const auto& [name, policy] : state.policies) versions += policy->versions.size();
  json::Value map;
  map.set("Users", state.users.size());
  map.set("Groups", state.groups.size());
  map.set("Roles", state.roles.size());
  map.set("Policies", state.policies.size());
  map.set("InstanceProfiles", state.instance_profiles.size());
  map.set("PolicyVersionsInUse", versions);
  map.set("Providers", 0);
  map.set("ServerCertificates", 0);
  map.set("MFADevices", 0);
  map.set("MFADevicesInUse", 0);
  map.set("AccountMFAEnabled", 0);
  map.set("AccountPasswordPresent", 0);
  map.set("AccountSigningCertificatesPresent", 0);
  map.set("AccessKeysPerUserQuota", limits::access_keys_max);
  map.set("GroupsPerUserQuota", limits::groups_of_user_max);
  map.set("AttachedPoliciesPerUserQuota", limits::attached_max);
  map.set("AttachedPoliciesPerGroupQuota", limits::attached_max);
  map.set("AttachedPoliciesPerRoleQuota", limits::attached_max);
  map.set("VersionsPerPolicyQuota", limits::versions_max);
  map.set("PolicySizeQuota", limits::managed_policy_bytes);
  map.set("UserPolicySizeQuota", limits::user_policy_bytes);
  map.set("GroupPolicySizeQuota", limits::group_policy_bytes);
  map.set("RolePolicySizeQuota", limits::role_policy_bytes);
  map.set("AssumeRolePolicySizeQuota", limits::trust_policy_bytes);
  json::Value out;
  out.set("SummaryMap", std::move(map));
  return out;
}

Answer<json::Value> list_account_aliases(const Parts&, const State&, const Call& call) {
  return paged(call, "AccountAliases", TextMap(), [](const auto& alias, const auto&) { return json::Value(alias); });
}

}  // namespace

void add_account_operations(Table& table) {
  table.read("GetAccountAuthorizationDetails", Target::account, get_account_authorization_details);
  table.read("GetAccountSummary", Target::account, get_account_summary);
  table.read("ListAccountAliases", Target::account, list_account_aliases);
}

}  // namespace sallyport::iam
