// Managed policies, their versions, and whom they are attached to.
#include <algorithm>

#include "iam/aws_managed.hpp"
#include "iam/document.hpp"
#include "iam/errors.hpp"
#include "iam/ids.hpp"
#include "iam/request.hpp"

namespace sallyport::iam {
namespace {

json::Value policy_json(const ManagedPolicy& policy, PolicyUse use, bool full) {
  json::Value out;
  out.set("PolicyName", policy.name);
  out.set("PolicyId", policy.id);
  out.set("Arn", policy.arn);
  out.set("Path", policy.path);
  out.set("DefaultVersionId", cat("v", policy.default_version));
  out.set("AttachmentCount", use.attached);
  out.set("PermissionsBoundaryUsageCount", use.boundaries);
  out.set("IsAttachable", true);
  if (full && !policy.description.empty()) out.set("Description", policy.description);
  out.set("CreateDate", seconds_of(policy.created));
  out.set("UpdateDate", seconds_of(policy.updated));
  if (full && !policy.tags.empty()) out.set("Tags", tags_json(policy.tags));
  return out;
}

json::Value version_json(const ManagedPolicy& policy, int number, bool with_document) {
  const auto& version = policy.versions.at(number);
  json::Value out;
  if (with_document) out.set("Document", shown_document(version.document));
  out.set("VersionId", cat("v", number));
  out.set("IsDefaultVersion", number == policy.default_version);
  out.set("CreateDate", seconds_of(version.created));
  return out;
}

PolicyUse use_of(const State& state, std::string_view arn) {
  const auto uses = policy_uses(state);
  const auto found = uses.find(arn);
  return found == uses.end() ? PolicyUse() : found->second;
}

Answer<const ManagedPolicy*> need_policy(const State& state, const Call& call) {
  const auto arn = call.in.required("PolicyArn");
  if (!aws::parse_arn(arn)) return validation_error("Invalid ARN:  Could not be parsed!");
  if (const auto* policy = find_policy(state, arn)) return policy;
  return no_such_entity(cat("Policy ", arn, " was not found."));
}

/// Of the account's own; AWS's cannot be changed.
Answer<ManagedPolicy*> edit_policy(State& state, const Call& call) {
  const auto policy = need_policy(state, call);
  if (!policy) return std::unexpected(policy.error());
  if (is_aws_managed((*policy)->arn)) return access_denied("Cannot perform the operation on the protected policy");
  return edit(state.policies, (*policy)->name);
}

/// The number of `v3`, when the policy has it.
Answer<int> version_of(const ManagedPolicy& policy, const Call& call) {
  const auto text = call.in.required("VersionId");
  const auto number = text.starts_with('v') ? parse_number<int>(std::string_view(text).substr(1)) : std::nullopt;
  if (!number || !policy.versions.contains(*number) || text != cat("v", *number))
    return no_such_entity(cat("Policy ", policy.arn, " version ", text, " does not exist or is not attachable."));
  return *number;
}

Answer<std::string> read_document(const Call& call) {
  auto text = call.in.required("PolicyDocument");
  if (auto document = check_document(text, policy::DocumentKind::identity); !document) return std::unexpected(document.error());
  if (counted_bytes(text) > limits::managed_policy_bytes) return over_quota("PolicySize", limits::managed_policy_bytes);
  return text;
}

Answer<json::Value> create_policy(const Parts& parts, State& state, const Call& call) {
  const auto policy = operations_of(parts, state, call)
                          .create_policy({.name = call.in.required("PolicyName"),
                                          .id = make_unique_id(parts.random, "ANPA"),
                                          .path = call.in.text_or("Path", "/"),
                                          .document = call.in.required("PolicyDocument"),
                                          .description = call.in.text_or("Description", ""),
                                          .tags = read_tag_list(call)});
  if (!policy) return std::unexpected(policy.error());
  auto shown = policy_json(**policy, {}, false);
  if (!(*policy)->tags.empty()) shown.set("Tags", tags_json((*policy)->tags));
  json::Value out;
  out.set("Policy", std::move(shown));
  return out;
}

Answer<json::Value> get_policy(const Parts&, const State& state, const Call& call) {
  const auto policy = need_policy(state, call);
  if (!policy) return std::unexpected(policy.error());
  json::Value out;
  out.set("Policy", policy_json(**policy, use_of(state, (*policy)->arn), true));
  return out;
}

Answer<json::Value> list_policies(const Parts&, const State& state, const Call& call) {
  const auto scope = call.in.text_or("Scope", "All");
  const auto prefix = call.in.text_or("PathPrefix", "/");
  const bool only_attached = call.in.boolean("OnlyAttached").value_or(false);
  const auto usage = call.in.text("PolicyUsageFilter");
  const auto uses = policy_uses(state);
  const auto use = [&](const ManagedPolicy& policy) {
    const auto found = uses.find(policy.arn);
    return found == uses.end() ? PolicyUse() : found->second;
  };
  std::map<std::string, const ManagedPolicy*> kept;
  const auto consider = [&](const ManagedPolicy& policy) {
    const auto now = use(policy);
    if (!policy.path.starts_with(prefix)) return;
    if (only_attached && now.attached + now.boundaries == 0) return;
    if (usage && (*usage == "PermissionsBoundary" ? now.boundaries : now.attached) == 0) return;
    kept.emplace(policy.arn, &policy);
  };
  if (scope != "AWS")
    for (const auto& [name, policy] : state.policies) consider(*policy);
  if (scope != "Local")
    for (const auto& policy : aws_managed_policies()) consider(policy);
  return paged(call, "Policies", kept, [&](const auto&, const ManagedPolicy* policy) { return policy_json(*policy, use(*policy), false); });
}

Answer<json::Value> delete_policy(const Parts&, State& state, const Call& call) {
  const auto policy = edit_policy(state, call);
  if (!policy) return std::unexpected(policy.error());
  const auto use = use_of(state, (*policy)->arn);
  if (use.attached + use.boundaries > 0) return delete_conflict("Cannot delete a policy attached to entities.");
  if ((*policy)->versions.size() > 1)
    return delete_conflict(
        "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is "
        "deleted with the policy.");
  const auto name = (*policy)->name;
  state.policies.erase(name);
  return json::Value(json::Object());
}

Answer<json::Value> create_policy_version(const Parts&, State& state, const Call& call) {
  const auto policy = edit_policy(state, call);
  if (!policy) return std::unexpected(policy.error());
  auto document = read_document(call);
  if (!document) return std::unexpected(document.error());
  if ((*policy)->versions.size() >= limits::versions_max)
    return limit_exceeded(
        "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.");
  const auto number = ++(*policy)->newest_version;
  const auto now = std::chrono::floor<std::chrono::seconds>(call.now);
  (*policy)->versions[number] = {std::move(*document), now};
  if (call.in.boolean("SetAsDefault").value_or(false)) (*policy)->default_version = number;
  (*policy)->updated = now;
  json::Value out;
  out.set("PolicyVersion", version_json(**policy, number, false));
  return out;
}

Answer<json::Value> get_policy_version(const Parts&, const State& state, const Call& call) {
  const auto policy = need_policy(state, call);
  if (!policy) return std::unexpected(policy.error());
  const auto number = version_of(**policy, call);
  if (!number) return std::unexpected(number.error());
  json::Value out;
  out.set("PolicyVersion", version_json(**policy, *number, true));
  return out;
}

Answer<json::Value> list_policy_versions(const Parts&, const State& state, const Call& call) {
  const auto policy = need_policy(state, call);
  if (!policy) return std::unexpected(policy.error());
  // Newest first; there are five at most, so that a page is cut by their place.
  std::map<std::string, int> versions;
  for (const auto& [number, version] : (*policy)->versions) versions.emplace(cat(1'000'000'000 - number), number);
  return paged(call, "Versions", versions, [&](const auto&, int number) { return version_json(**policy, number, false); });
}

Answer<json::Value> delete_policy_version(const Parts&, State& state, const Call& call) {
  const auto policy = edit_policy(state, call);
  if (!policy) return std::unexpected(policy.error());
  const auto number = version_of(**policy, call);
  if (!number) return std::unexpected(number.error());
  if (*number == (*policy)->default_version) return delete_conflict("Cannot delete the default version of a policy.");
  (*policy)->versions.erase(*number);
  return json::Value(json::Object());
}

Answer<json::Value> set_default_policy_version(const Parts&, State& state, const Call& call) {
  const auto policy = edit_policy(state, call);
  if (!policy) return std::unexpected(policy.error());
  const auto number = version_of(**policy, call);
  if (!number) return std::unexpected(number.error());
  (*policy)->default_version = *number;
  (*policy)->updated = std::chrono::floor<std::chrono::seconds>(call.now);
  return json::Value(json::Object());
}

Answer<json::Value> list_entities_for_policy(const Parts&, const State& state, const Call& call) {
  const auto policy = need_policy(state, call);
  if (!policy) return std::unexpected(policy.error());
  const auto filter = call.in.text_or("EntityFilter", "");
  const auto prefix = call.in.text_or("PathPrefix", "/");
  const auto usage = call.in.text_or("PolicyUsageFilter", "");
  const auto& arn = (*policy)->arn;
  struct Entry {
    std::string_view kind;
    const Entity* entity;
  };
  std::map<std::string, Entry> found;
  const auto look = [&](const auto& objects, std::string_view kind) {
    if (!filter.empty() && filter != kind) return;
    for (const auto& [name, object] : objects) {
      bool uses = usage != "PermissionsBoundary" && std::ranges::find(object->attached, arn) != object->attached.end();
      if constexpr (requires { object->boundary; }) uses = uses || (usage != "PermissionsPolicy" && object->boundary == arn);
      if (uses && object->path.starts_with(prefix)) found.emplace(cat(kind, "/", name), Entry{kind, &*object});
    }
  };
  look(state.groups, "Group");
  look(state.users, "User");
  look(state.roles, "Role");
  json::Array groups, users, roles;
  auto out = paged(call, "entities", found, [&](const auto&, const Entry& entry) {
    json::Value shown;
    shown.set(cat(entry.kind, "Name"), entry.entity->name);
    shown.set(cat(entry.kind, "Id"), entry.entity->id);
    (entry.kind == "Group" ? groups : entry.kind == "User" ? users : roles).push_back(std::move(shown));
    return json::Value();
  });
  if (!out) return out;
  std::erase_if(*out->object(), [](const json::Member& member) { return member.first == "entities"; });
  out->set("PolicyGroups", std::move(groups));
  out->set("PolicyUsers", std::move(users));
  out->set("PolicyRoles", std::move(roles));
  return out;
}

}  // namespace

void add_managed_policy_operations(Table& table) {
  table.write("CreatePolicy", Target::policy, create_policy);
  table.read("GetPolicy", Target::policy, get_policy);
  table.read("ListPolicies", Target::account, list_policies);
  table.write("DeletePolicy", Target::policy, delete_policy);
  table.write("CreatePolicyVersion", Target::policy, create_policy_version);
  table.read("GetPolicyVersion", Target::policy, get_policy_version);
  table.read("ListPolicyVersions", Target::policy, list_policy_versions);
  table.write("DeletePolicyVersion", Target::policy, delete_policy_version);
  table.write("SetDefaultPolicyVersion", Target::policy, set_default_policy_version);
  table.read("ListEntitiesForPolicy", Target::policy, list_entities_for_policy);
}

}  // namespace sallyport::iam
