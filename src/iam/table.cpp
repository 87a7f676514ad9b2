#include "iam/table.hpp"

#include <utility>

#include "iam/aws_managed.hpp"
#include "iam/errors.hpp"
#include "iam/request.hpp"

namespace sallyport::iam {
namespace {

/// AWS shows last uses to a quarter of an hour, and so often they are written.
constexpr auto last_use_grain = std::chrono::minutes(15);

using Context = std::vector<std::pair<std::string, std::vector<std::string>>>;

void add_resource_tags(const Tags& tags, Context& out) {
  for (const auto& [key, value] : tags) {
    out.push_back({cat("aws:ResourceTag/", key), {value}});
    out.push_back({cat("iam:ResourceTag/", key), {value}});
  }
}

/// Tags and TagKeys of the call itself.
void add_request_tags(const Call& call, Context& out) {
  std::vector<std::string> keys;
  if (const auto tags = call.in.structures("Tags"))
    for (const auto& tag : *tags) {
      keys.push_back(tag.required("Key"));
      out.push_back({cat("aws:RequestTag/", keys.back()), {tag.required("Value")}});
    }
  if (const auto removed = call.in.texts("TagKeys")) keys.insert(keys.end(), removed->begin(), removed->end());
  if (!keys.empty()) out.push_back({"aws:TagKeys", std::move(keys)});
}

/// The ARN of what exists, else the one it would have without a path.
template <class T>
std::string arn_of(const State& state, const Objects<T>& objects, std::string_view kind, std::string_view name, std::string_view path) {
  const auto* found = find(objects, name);
  return found ? found->arn : entity_arn(state.scope, kind, path.empty() ? "/" : path, name);
}

template <class T>
const Tags* tags_of(const Objects<T>& objects, std::string_view name) {
  const auto* found = find(objects, name);
  return found ? &found->tags : nullptr;
}

std::string owner_arn(const State& state, std::string_view access_key_id) {
  for (const auto& [name, user] : state.users)
    for (const auto& key : user->access_keys)
      if (key.id == access_key_id) return user->arn;
  return "*";
}

Access access_to(const State& state, const Call& call, Target target) {
  Access access{.action = cat("iam:", call.operation), .resource = "*"};
  const Tags* tags = nullptr;
  const BoundedEntity* bounded = nullptr;
  // Where it is made, the path is in the call.
  const auto path = call.operation.starts_with("Create") && call.operation != "CreatePolicyVersion" ? call.in.text_or("Path", "/") : "/";
  switch (target) {
    case Target::account: break;
    case Target::user:
    case Target::own_user: {
      const auto name = call.in.text_or("UserName", call.caller->user_name);
      if (name.empty()) {
        access.resource = call.caller->arn;
        break;
      }
      access.resource = arn_of(state, state.users, "user", name, path);
      tags = tags_of(state.users, name);
      bounded = find(state.users, name);
      break;
    }
    case Target::group: access.resource = arn_of(state, state.groups, "group", call.in.required("GroupName"), path); break;
    case Target::role: {
      const auto name = call.in.required("RoleName");
      access.resource = arn_of(state, state.roles, "role", name, path);
      tags = tags_of(state.roles, name);
      bounded = find(state.roles, name);
      break;
    }
    case Target::policy:
      if (call.in.has("PolicyArn")) {
        access.resource = call.in.required("PolicyArn");
        if (const auto* policy = find_policy(state, access.resource)) tags = &policy->tags;
      } else {
        access.resource = arn_of(state, state.policies, "policy", call.in.required("PolicyName"), path);
      }
      break;
    case Target::instance_profile: {
      const auto name = call.in.required("InstanceProfileName");
      access.resource = arn_of(state, state.instance_profiles, "instance-profile", name, path);
      tags = tags_of(state.instance_profiles, name);
      break;
    }
    case Target::source: access.resource = call.in.required("PolicySourceArn"); break;
    case Target::key: access.resource = owner_arn(state, call.in.required("AccessKeyId")); break;
  }
  if (tags) add_resource_tags(*tags, access.context);
  add_request_tags(call, access.context);
  if (target != Target::policy && call.in.has("PolicyArn")) access.context.push_back({"iam:PolicyARN", {call.in.required("PolicyArn")}});
  if (call.in.has("PermissionsBoundary"))
    access.context.push_back({"iam:PermissionsBoundary", {call.in.required("PermissionsBoundary")}});
  else if (bounded && bounded->boundary)
    access.context.push_back({"iam:PermissionsBoundary", {*bounded->boundary}});
  return access;
}

/// Sessions of users and roots come without a second factor here, and without one AWS lets them call nothing of IAM.
bool may_call_iam(const aws::Caller& caller) { return !caller.token_issued_at || caller.kind == aws::CallerKind::role_session; }

/// Takes what was used since into the state that is written anyway.
void take_uses(const Directory& directory, State& state) {
  const auto is_news = [](const std::optional<LastUse>& kept, const LastUse& use) { return !kept || use.at - kept->at >= last_use_grain; };
  for (const auto& [name, access_key_id, use] : directory.uses_in(state.scope.account_id)) {
    if (access_key_id.empty()) {
      const auto* role = find(state.roles, name);
      if (role && is_news(role->last_use, use)) edit(state.roles, name)->last_use = use;
      continue;
    }
    const auto* user = find(state.users, name);
    if (!user) continue;
    for (std::size_t i = 0; i < user->access_keys.size(); ++i)
      if (user->access_keys[i].id == access_key_id && is_news(user->access_keys[i].last_use, use)) {
        edit(state.users, name)->access_keys[i].last_use = use;
        break;
      }
  }
}

Task<Answer<json::Value>> read_now(ReadOperation run, Parts parts, Call& call) {
  auto answer = run(parts, *parts.ledger.read(global(call.scope)), call);
  if (answer)
    if (auto honoured = control::refuse_unread(call); !honoured) co_return std::unexpected(std::move(honoured.error()));
  co_return answer;
}

std::function<Answer<std::vector<Access>>(const Call&)> access_of(Parts parts, Target target, ExtraAccess extra) {
  return [parts, target, extra = std::move(extra)](const Call& call) -> Answer<std::vector<Access>> {
    if (!may_call_iam(*call.caller)) return invalid_token();
    const auto state = parts.ledger.read(global(call.scope));
    std::vector<Access> out{access_to(*state, call, target)};
    // What is tagged while it is made needs the permission to tag as well: tags decide what others may do.
    if (const auto tags = call.in.structures("Tags"); call.operation.starts_with("Create") && tags && !tags->empty()) {
      out.push_back(out.front());
      out.back().action = cat("iam:Tag", std::string_view(call.operation).substr(std::string_view("Create").size()));
    }
    if (extra)
      for (auto& each : extra(*state, call)) out.push_back(std::move(each));
    return out;
  };
}

}  // namespace

aws::Scope global(const aws::Scope& scope) {
  auto out = scope;
  out.region.clear();
  return out;
}

Task<Answer<json::Value>> answer_now(Answer<json::Value> answer) { co_return answer; }

ExtraAccess renamed_access(std::string kind) {
  return [kind](const State& state, const Call& call) -> std::vector<Access> {
    if (!call.in.has("NewPath") && !call.in.has(cat("New", kind, "Name"))) return {};
    const auto name = call.in.required(cat(kind, "Name"));
    const auto path_of = [](const auto* found) { return found ? found->path : std::string("/"); };
    const auto path = kind == "User" ? path_of(find(state.users, name)) : path_of(find(state.groups, name));
    return {{.action = cat("iam:", call.operation),
             .resource =
                 entity_arn(state.scope, lower(kind), call.in.text_or("NewPath", path), call.in.text_or(cat("New", kind, "Name"), name))}};
  };
}

Answer<std::string> user_name_of(const Call& call) {
  if (auto name = call.in.text("UserName")) return std::move(*name);
  if (call.caller->kind == aws::CallerKind::user) return call.caller->user_name;
  return validation_error("Must specify userName when calling with non-User credentials");
}

void Table::read(std::string operation, Target target, ReadOperation run) {
  service_.on(std::move(operation), access_of(parts_, target, {}),
              [parts = parts_, run = std::move(run)](Call& call) { return read_now(run, parts, call); });
}

void Table::write(std::string operation, Target target, WriteOperation run, ExtraAccess extra) {
  service_.on(std::move(operation), access_of(parts_, target, std::move(extra)), [parts = parts_, run = std::move(run)](Call& call) {
    call.scope.region.clear();
    return parts.ledger.write(call, [parts, run, &call](State& state) {
      auto answer = run(parts, state, call);
      if (answer) take_uses(parts.directory, state);
      return answer;
    });
  });
}

control::Service make_iam_service(Parts parts) {
  Table table(parts);
  add_user_operations(table);
  add_group_operations(table);
  add_role_operations(table);
  add_instance_profile_operations(table);
  add_managed_policy_operations(table);
  add_entity_policy_operations(table);
  add_tag_operations(table);
  add_account_operations(table);
  add_simulation_operations(table);
  return table.take();
}

}  // namespace sallyport::iam
