#include "iam/operations.hpp"

#include <algorithm>

#include "iam/aws_managed.hpp"
#include "iam/document.hpp"
#include "iam/errors.hpp"
#include "iam/request.hpp"
#include "json/parse.hpp"

namespace sallyport::iam {
namespace {

using control::Answer;

constexpr std::size_t short_name_bytes_max = 64, long_name_bytes_max = 128, path_bytes_max = 512, description_bytes_max = 1'000;
constexpr std::int64_t session_min_s = 3'600, session_max_s = 43'200;

Answer<> check_path(std::string_view path) {
  const bool good = path.size() <= path_bytes_max && path.starts_with('/') && path.ends_with('/') &&
                    std::ranges::all_of(path, [](char c) { return c > ' ' && c < '\x7f'; });
  if (!good)
    return validation_error(
        "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / "
        "characters.");
  return {};
}

Answer<Tags> check_tags(const TagList& tags) {
  Tags out;
  for (const auto& [key, value] : tags) {
    if (lower(key).starts_with("aws:")) return invalid_input("Tag keys that begin with aws: are reserved for AWS");
    if (!out.emplace(key, value).second) return invalid_input("Duplicate tag keys found. Please note that Tag keys are case insensitive.");
  }
  if (out.size() > limits::tags_max) return limit_exceeded("The number of tags has reached the maximum limit.");
  return out;
}

Answer<> check_description(std::string_view text) {
  if (text.size() <= description_bytes_max) return {};
  return validation_error(
      "1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length less than or equal to "
      "1000");
}

Answer<> check_session_duration(std::int64_t seconds) {
  if (seconds >= session_min_s && seconds <= session_max_s) return {};
  return validation_error(cat("1 validation error detected: Value '", seconds,
                              "' at 'maxSessionDuration' failed to satisfy constraint: Member must have value ",
                              seconds < session_min_s ? "greater than or equal to 3600" : "less than or equal to 43200"));
}

Answer<> check_role_settings(const std::optional<std::string>& description, std::optional<std::int64_t> max_session_s) {
  if (description)
    if (auto good = check_description(*description); !good) return good;
  return max_session_s ? check_session_duration(*max_session_s) : Answer<>();
}

/// REQUIRES: the document compiles.
bool has_sts_actions_only(std::string_view document) {
  const auto value = json::parse(document, json::limits::document_depth_max);
  const auto is_sts = [](const json::Value& one) {
    return one.string() && (*one.string() == "*" || starts_with_ignoring_case(*one.string(), "sts:"));
  };
  const auto fits = [&](const json::Value& statement) {
    const auto* action = statement.find("Action");
    return !action || (action->array() ? std::ranges::all_of(*action->array(), is_sts) : is_sts(*action));
  };
  const auto* statements = value ? value->find("Statement") : nullptr;
  if (!statements) return false;
  return statements->array() ? std::ranges::all_of(*statements->array(), fits) : fits(*statements);
}

std::string_view name_of_arn(std::string_view arn) { return arn.substr(arn.rfind('/') + 1); }

template <class T>
void keep_history(T& declared, const T& existing) {
  declared.created = existing.created;
  if constexpr (requires { declared.access_keys; }) declared.access_keys = existing.access_keys;
  if constexpr (requires { declared.last_use; }) declared.last_use = existing.last_use;
}

void keep_history(ManagedPolicy& declared, const ManagedPolicy& existing) {
  declared.created = existing.created;
  if (existing.versions.size() != 1 || existing.document() != declared.document()) return;
  declared.updated = existing.updated;
  declared.versions = existing.versions;
  declared.default_version = existing.default_version;
  declared.newest_version = existing.newest_version;
}

template <class T>
Answer<> replace_objects(Objects<T>& account, const Objects<T>& before, const Objects<T>& after, std::string_view kind) {
  for (const auto& [name, object] : before)
    if (!after.contains(name)) {
      const auto* known = find(account, name);
      if (known && known->id == object->id) account.erase(name);
    }
  for (const auto& [name, object] : after) {
    const auto known = account.find(name);
    if (known == account.end()) {
      account.emplace(name, object);
      continue;
    }
    if (known->second->id != object->id)
      return already_exists(cat("The template's ", kind, " ", name, " would replace one of that name that it did not make."));
    auto declared = *object;
    keep_history(declared, *known->second);
    if (declared == *known->second) continue;
    account.erase(known);  // the new one may be written in another case
    account.emplace(name, std::move(declared));
  }
  return {};
}

}  // namespace

bool is_unknown_grant(std::string_view policy_arn) {
  const auto has = [&](std::string_view part) { return policy_arn.find(part) != std::string_view::npos; };
  return is_aws_managed(policy_arn) && !find_aws_managed(policy_arn) && !has("Deny") && !has("Quarantine");
}

Answer<> Operations::check_attachable(std::string_view policy_arn) const {
  auto known = attachable_policy(state_, policy_arn);
  if (known) return {};
  if (aws::parse_arn(policy_arn) && !is_aws_managed(policy_arn) && surroundings_.has_policy && surroundings_.has_policy(policy_arn))
    return {};
  return std::unexpected(std::move(known.error()));
}

Answer<> Operations::check_boundary(const std::optional<std::string>& policy_arn) const {
  if (!policy_arn || check_attachable(*policy_arn)) return {};
  auto known = read_boundary(state_, *policy_arn);
  if (known) return {};
  return std::unexpected(std::move(known.error()));
}

Answer<TextMap> Operations::trusted_ids(std::string_view trust_policy) const {
  TextMap out;
  for (const auto& text : named_principals(trust_policy)) {
    const auto arn = aws::parse_arn(text);
    if (arn->service != "iam") continue;  // a session has no id of its own
    std::optional<std::string> id;
    // What is being written counts before what is there.
    if (const auto* role = find(state_.roles, name_of_arn(text)); role && role->arn == text) id = role->id;
    if (const auto* user = find(state_.users, name_of_arn(text)); user && user->arn == text) id = user->id;
    if (!id && surroundings_.unique_id) id = surroundings_.unique_id(text);
    if (!id) return malformed_policy(cat("Invalid principal in policy: \"AWS\":\"", text, "\""));
    out.emplace(text, std::move(*id));
  }
  return out;
}

Answer<TextMap> Operations::check_trust_policy(const std::string& text) const {
  if (auto document = check_document(text, policy::DocumentKind::trust); !document) return std::unexpected(std::move(document.error()));
  if (!has_sts_actions_only(text)) return malformed_policy("AssumeRole policy may only specify STS AssumeRole actions.");
  if (counted_bytes(text) > limits::trust_policy_bytes) return over_quota("ACLSizePerRole", limits::trust_policy_bytes);
  return trusted_ids(text);
}

Answer<const User*> Operations::create_user(CreateUserRequest request) {
  if (auto named = check_name(request.name, "userName", short_name_bytes_max); !named) return std::unexpected(named.error());
  if (auto good = check_path(request.path); !good) return std::unexpected(good.error());
  if (state_.users.contains(request.name)) return already_exists(cat("User with name ", request.name, " already exists."));
  if (auto good = check_boundary(request.boundary); !good) return std::unexpected(good.error());
  auto tags = check_tags(request.tags);
  if (!tags) return std::unexpected(tags.error());
  User user;
  user.name = request.name;
  user.id = std::move(request.id);
  user.path = std::move(request.path);
  user.arn = entity_arn(state_.scope, "user", user.path, user.name);
  user.created = now_;
  user.boundary = std::move(request.boundary);
  user.tags = std::move(*tags);
  return &*state_.users.emplace(request.name, std::move(user)).first->second;
}

Answer<const Group*> Operations::create_group(CreateGroupRequest request) {
  if (auto named = check_name(request.name, "groupName", long_name_bytes_max); !named) return std::unexpected(named.error());
  if (auto good = check_path(request.path); !good) return std::unexpected(good.error());
  if (state_.groups.contains(request.name)) return already_exists(cat("Group with name ", request.name, " already exists."));
  Group group;
  group.name = request.name;
  group.id = std::move(request.id);
  group.path = std::move(request.path);
  group.arn = entity_arn(state_.scope, "group", group.path, group.name);
  group.created = now_;
  return &*state_.groups.emplace(request.name, std::move(group)).first->second;
}

Answer<const Role*> Operations::create_role(CreateRoleRequest request) {
  if (auto named = check_name(request.name, "roleName", short_name_bytes_max); !named) return std::unexpected(named.error());
  if (auto good = check_path(request.path); !good) return std::unexpected(good.error());
  if (state_.roles.contains(request.name)) return already_exists(cat("Role with name ", request.name, " already exists."));
  if (auto good = check_role_settings(request.description, request.max_session_s); !good) return std::unexpected(good.error());
  auto ids = check_trust_policy(request.trust_policy);
  if (!ids) return std::unexpected(ids.error());
  if (auto good = check_boundary(request.boundary); !good) return std::unexpected(good.error());
  auto tags = check_tags(request.tags);
  if (!tags) return std::unexpected(tags.error());
  Role role;
  role.name = request.name;
  role.id = std::move(request.id);
  role.path = std::move(request.path);
  role.arn = entity_arn(state_.scope, "role", role.path, role.name);
  role.created = now_;
  role.boundary = std::move(request.boundary);
  role.tags = std::move(*tags);
  role.trust_policy = std::move(request.trust_policy);
  role.trusted_ids = std::move(*ids);
  role.has_description = request.description.has_value();
  role.description = std::move(request.description).value_or("");
  if (request.max_session_s) role.max_session_s = static_cast<int>(*request.max_session_s);
  return &*state_.roles.emplace(request.name, std::move(role)).first->second;
}

Answer<> Operations::update_role(std::string_view name, std::optional<std::string> description, std::optional<std::int64_t> max_session_s) {
  auto* role = edit(state_.roles, name);
  if (!role) return cannot_find("role", name);
  if (auto good = check_role_settings(description, max_session_s); !good) return good;
  if (description) role->description = std::move(*description), role->has_description = true;
  if (max_session_s) role->max_session_s = static_cast<int>(*max_session_s);
  return {};
}

Answer<> Operations::update_assume_role_policy(std::string_view name, std::string trust_policy) {
  if (!find(state_.roles, name)) return cannot_find("role", name);
  auto ids = check_trust_policy(trust_policy);
  if (!ids) return std::unexpected(std::move(ids.error()));
  auto& role = *edit(state_.roles, name);
  role.trust_policy = std::move(trust_policy);
  role.trusted_ids = std::move(*ids);
  return {};
}

Answer<const ManagedPolicy*> Operations::create_policy(CreatePolicyRequest request) {
  if (auto named = check_name(request.name, "policyName", long_name_bytes_max); !named) return std::unexpected(named.error());
  if (auto good = check_path(request.path); !good) return std::unexpected(good.error());
  if (state_.policies.contains(request.name))
    return already_exists(cat("A policy called ", request.name, " already exists. Duplicate names are not allowed."));
  if (auto good = check_description(request.description); !good) return std::unexpected(good.error());
  if (auto document = check_document(request.document, policy::DocumentKind::identity); !document)
    return std::unexpected(std::move(document.error()));
  if (counted_bytes(request.document) > limits::managed_policy_bytes) return over_quota("PolicySize", limits::managed_policy_bytes);
  auto tags = check_tags(request.tags);
  if (!tags) return std::unexpected(tags.error());
  ManagedPolicy policy;
  policy.name = request.name;
  policy.id = std::move(request.id);
  policy.path = std::move(request.path);
  policy.arn = entity_arn(state_.scope, "policy", policy.path, policy.name);
  policy.description = std::move(request.description);
  policy.created = policy.updated = now_;
  policy.versions[1] = {std::move(request.document), now_};
  policy.tags = std::move(*tags);
  return &*state_.policies.emplace(request.name, std::move(policy)).first->second;
}

Answer<> Operations::add_user_to_group(std::string_view user, std::string_view group) {
  if (!find(state_.groups, group)) return cannot_find("group", group);
  auto* known = edit(state_.users, user);
  if (!known) return cannot_find("user", user);
  if (std::ranges::find(known->groups, group) != known->groups.end()) return {};
  if (known->groups.size() >= limits::groups_of_user_max) return over_quota("GroupsPerUser", limits::groups_of_user_max);
  known->groups.emplace_back(group);
  return {};
}

Answer<Entity*> Operations::holder(Holder kind, std::string_view name) {
  Entity* found = nullptr;
  switch (kind) {
    case Holder::user: found = edit(state_.users, name); break;
    case Holder::group: found = edit(state_.groups, name); break;
    case Holder::role: found = edit(state_.roles, name); break;
  }
  if (found) return found;
  return cannot_find(kind == Holder::user ? "user" : kind == Holder::group ? "group" : "role", name);
}

Answer<> Operations::put_inline_policy(Holder kind, std::string_view name, const std::string& policy_name, std::string document) {
  const auto found = holder(kind, name);
  if (!found) return std::unexpected(found.error());
  if (auto named = check_name(policy_name, "policyName", long_name_bytes_max); !named) return std::unexpected(named.error());
  if (auto compiled = check_document(document, policy::DocumentKind::identity); !compiled) return std::unexpected(compiled.error());
  auto bytes = counted_bytes(document);
  for (const auto& [other, text] : (*found)->inline_policies)
    if (other != policy_name) bytes += counted_bytes(text);
  const auto [word, bytes_max] = kind == Holder::user    ? std::pair("user", limits::user_policy_bytes)
                                 : kind == Holder::group ? std::pair("group", limits::group_policy_bytes)
                                                         : std::pair("role", limits::role_policy_bytes);
  if (bytes > bytes_max) return limit_exceeded(cat("Maximum policy size of ", bytes_max, " bytes exceeded for ", word, " ", name));
  (*found)->inline_policies.insert_or_assign(policy_name, std::move(document));
  return {};
}

Answer<> Operations::attach_policy(Holder kind, std::string_view name, const std::string& policy_arn) {
  const auto found = holder(kind, name);
  if (!found) return std::unexpected(found.error());
  if (auto good = check_attachable(policy_arn); !good) return good;
  auto& attached = (*found)->attached;
  if (std::ranges::find(attached, policy_arn) != attached.end()) return {};
  const auto quota = kind == Holder::user ? "PoliciesPerUser" : kind == Holder::group ? "PoliciesPerGroup" : "PoliciesPerRole";
  if (attached.size() >= limits::attached_max) return over_quota(quota, limits::attached_max);
  attached.push_back(policy_arn);
  return {};
}

Answer<> replace_declared(State& account, const State& before, const State& after) {
  if (auto done = replace_objects(account.policies, before.policies, after.policies, "policy"); !done) return done;
  if (auto done = replace_objects(account.groups, before.groups, after.groups, "group"); !done) return done;
  if (auto done = replace_objects(account.users, before.users, after.users, "user"); !done) return done;
  return replace_objects(account.roles, before.roles, after.roles, "role");
}

}  // namespace sallyport::iam
