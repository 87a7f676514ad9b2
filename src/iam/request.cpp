#include "iam/request.hpp"

#include <algorithm>

#include "iam/aws_managed.hpp"
#include "iam/document.hpp"
#include "iam/errors.hpp"

namespace sallyport::iam {
namespace {

constexpr std::size_t path_bytes_max = 512, page_default = 100, page_max = 1'000;

json::Value entity_json(const Entity& entity, std::string_view kind) {
  json::Value out;
  out.set("Path", entity.path);
  out.set(cat(kind, "Name"), entity.name);
  out.set(cat(kind, "Id"), entity.id);
  out.set("Arn", entity.arn);
  out.set("CreateDate", seconds_of(entity.created));
  return out;
}

void add_bounds(json::Value& out, const BoundedEntity& entity) {
  if (entity.boundary) out.set("PermissionsBoundary", boundary_json(*entity.boundary));
  if (!entity.tags.empty()) out.set("Tags", tags_json(entity.tags));
}

}  // namespace

Answer<> check_name(std::string_view name, std::string_view member, std::size_t bytes_max) {
  const bool good = !name.empty() && name.size() <= bytes_max && std::ranges::all_of(name, [](char c) {
    return is_alpha(c) || is_digit(c) || std::string_view("+=,.@_-").find(c) != std::string_view::npos;
  });
  if (!good)
    return validation_error(
        cat("The specified value for ", member, " is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"));
  return {};
}

Answer<std::string> read_path(const Call& call, std::string_view member) {
  auto path = call.in.text_or(member, "/");
  const bool good = path.size() <= path_bytes_max && path.starts_with('/') && path.ends_with('/') &&
                    std::ranges::all_of(path, [](char c) { return c > ' ' && c < '\x7f'; });
  if (!good)
    return validation_error(
        "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / "
        "characters.");
  return path;
}

TagList read_tag_list(const Call& call) {
  TagList out;
  if (const auto tags = call.in.structures("Tags"))
    for (const auto& tag : *tags) out.emplace_back(tag.required("Key"), tag.required("Value"));
  return out;
}

Answer<Tags> read_tags(const Call& call) {
  Tags out;
  for (const auto& [key, value] : read_tag_list(call)) {
    if (lower(key).starts_with("aws:")) return invalid_input("Tag keys that begin with aws: are reserved for AWS");
    if (!out.emplace(key, value).second) return invalid_input("Duplicate tag keys found. Please note that Tag keys are case insensitive.");
  }
  if (out.size() > limits::tags_max) return limit_exceeded("The number of tags has reached the maximum limit.");
  return out;
}

Operations operations_of(const Parts& parts, State& state, const Call& call) {
  return Operations(state, call.now,
                    {.unique_id = [&directory = parts.directory](std::string_view arn) { return directory.unique_id(arn); }});
}

Answer<> merge_tags(Tags& tags, const Tags& added) {
  for (const auto& [key, value] : added) {
    tags.erase(key);  // the new one may be written in another case
    tags.emplace(key, value);
  }
  if (tags.size() > limits::tags_max) return limit_exceeded("The number of tags has reached the maximum limit.");
  return {};
}

const ManagedPolicy* find_policy(const State& state, std::string_view arn) {
  if (is_aws_managed(arn)) return find_aws_managed(arn);
  const auto* policy = find(state.policies, arn.substr(arn.rfind('/') + 1));
  return policy && policy->arn == arn ? policy : nullptr;
}

Answer<const ManagedPolicy*> attachable_policy(const State& state, std::string_view arn) {
  const auto parsed = aws::parse_arn(arn);
  if (!parsed) return validation_error(cat("Invalid ARN:  Could not be parsed!"));
  if (const auto* policy = find_policy(state, arn)) return policy;
  if (is_aws_managed(arn))
    return no_such_entity(
        cat("Policy ", arn, " does not exist or is not attachable. Of AWS's own policies Sallyport has those that docs/iam.md lists."));
  return no_such_entity(cat("Policy ", arn, " does not exist or is not attachable."));
}

Answer<std::string> read_boundary(const State& state, std::string_view arn) {
  if (!aws::parse_arn(arn)) return validation_error("Invalid ARN:  Could not be parsed!");
  if (!find_policy(state, arn)) return no_such_entity(cat("Scope ARN: ", arn, " does not exist or is not attachable."));
  return std::string(arn);
}

Answer<const User*> need_user(const State& state, std::string_view name) {
  if (const auto* user = find(state.users, name)) return user;
  return cannot_find("user", name);
}
Answer<const Group*> need_group(const State& state, std::string_view name) {
  if (const auto* group = find(state.groups, name)) return group;
  return cannot_find("group", name);
}
Answer<const Role*> need_role(const State& state, std::string_view name) {
  if (const auto* role = find(state.roles, name)) return role;
  return cannot_find("role", name);
}
Answer<const InstanceProfile*> need_instance_profile(const State& state, std::string_view name) {
  if (const auto* profile = find(state.instance_profiles, name)) return profile;
  return no_such_entity(cat("Instance Profile ", name, " cannot be found."));
}

json::Value seconds_of(WallTime time) { return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count(); }

std::string shown_document(std::string_view document) { return percent_encode(document); }

json::Value tags_json(const Tags& tags) {
  json::Array out;
  for (const auto& [key, value] : tags) {
    json::Value tag;
    tag.set("Key", key);
    tag.set("Value", value);
    out.push_back(std::move(tag));
  }
  return out;
}

json::Value boundary_json(std::string_view arn) {
  json::Value out;
  out.set("PermissionsBoundaryType", "Policy");
  out.set("PermissionsBoundaryArn", arn);
  return out;
}

json::Value attached_json(const std::vector<std::string>& attached) {
  json::Array out;
  for (const auto& arn : attached) {
    json::Value policy;
    policy.set("PolicyName", arn.substr(arn.rfind('/') + 1));
    policy.set("PolicyArn", arn);
    out.push_back(std::move(policy));
  }
  return out;
}

json::Value user_json(const User& user, bool full) {
  auto out = entity_json(user, "User");
  if (full) add_bounds(out, user);
  return out;
}

json::Value group_json(const Group& group) { return entity_json(group, "Group"); }

std::string shown_trust_policy(const Directory& directory, const Role& role) {
  TextMap gone;
  for (const auto& [arn, id] : role.trusted_ids)
    if (directory.unique_id(arn) != id) gone.emplace(arn, id);
  return gone.empty() ? role.trust_policy : with_principals_replaced(role.trust_policy, gone);
}

json::Value role_json(const Directory& directory, const Role& role, bool full) {
  auto out = entity_json(role, "Role");
  out.set("AssumeRolePolicyDocument", shown_document(shown_trust_policy(directory, role)));
  if (role.has_description) out.set("Description", role.description);
  out.set("MaxSessionDuration", role.max_session_s);
  if (!full) return out;
  add_bounds(out, role);
  json::Value used = json::Object();
  auto use = role.last_use;
  if (const auto since = directory.last_use(role.id); since && (!use || since->at > use->at)) use = since;
  if (use) {
    used.set("LastUsedDate", seconds_of(use->at));
    used.set("Region", use->region);
  }
  out.set("RoleLastUsed", std::move(used));
  return out;
}

json::Value instance_profile_json(const Parts& parts, const State& state, const InstanceProfile& profile) {
  json::Value out;
  out.set("Path", profile.path);
  out.set("InstanceProfileName", profile.name);
  out.set("InstanceProfileId", profile.id);
  out.set("Arn", profile.arn);
  out.set("CreateDate", seconds_of(profile.created));
  json::Array roles;
  if (profile.role)
    if (const auto* role = find(state.roles, *profile.role)) roles.push_back(role_json(parts.directory, *role, false));
  out.set("Roles", std::move(roles));
  if (!profile.tags.empty()) out.set("Tags", tags_json(profile.tags));
  return out;
}

std::map<std::string, PolicyUse, std::less<>> policy_uses(const State& state) {
  std::map<std::string, PolicyUse, std::less<>> out;
  const auto count = [&](const auto& objects) {
    for (const auto& [name, object] : objects) {
      for (const auto& arn : object->attached) ++out[arn].attached;
      if constexpr (requires { object->boundary; })
        if (object->boundary) ++out[*object->boundary].boundaries;
    }
  };
  count(state.users);
  count(state.groups);
  count(state.roles);
  return out;
}

Answer<PageRequest> read_page(const Call& call) {
  PageRequest out;
  const auto limit = call.in.integer("MaxItems");
  if (limit && (*limit < 1 || *limit > static_cast<std::int64_t>(page_max)))
    return validation_error(cat("1 validation error detected: Value '", *limit,
                                "' at 'maxItems' failed to satisfy constraint: Member must have value ", *limit < 1 ? "greater" : "less",
                                " than or equal to ", *limit < 1 ? std::size_t{1} : page_max));
  out.limit = limit ? static_cast<std::size_t>(*limit) : page_default;
  if (const auto marker = call.in.text("Marker")) {
    out.after = from_base64url(*marker);
    if (!out.after) return validation_error("Invalid Marker.");
  }
  return out;
}

}  // namespace sallyport::iam
