// AWS::IAM::Role, User, Group, ManagedPolicy, the inline policies and UserToGroupAddition.
#include "base/text.hpp"
#include "cloudformation/handlers.hpp"
#include "json/write.hpp"

namespace sallyport::cloudformation {
namespace {

Node text_node(const ResourceDeclaration& resource, std::string_view text) { return {resource.at, text}; }

/// Reported at a property, in the words of the operation.
void refuse_at(Properties& properties, std::string_view name, const aws::ApiError& error) {
  properties.refuse(name, cat(error.code, ": ", error.message));
}

std::string read_document(Properties& properties, std::string_view name) {
  const auto* node = properties.node(name);
  if (node == nullptr)
    properties.refuse(name, "missing");
  else if (node->map() == nullptr && !node->is_broken())
    properties.refuse(name, cat("must be a policy document, is ", node->kind()));
  return node == nullptr || node->map() == nullptr ? std::string() : json::to_text(node->to_json());
}

iam::TagList read_tags(Properties& properties) {
  iam::TagList out;
  for (auto& tag : properties.objects("Tags")) {
    out.emplace_back(tag.required_text("Key"), tag.required_text("Value"));
    tag.finish();
  }
  return out;
}

struct InlinePolicy {
  std::string name;
  std::string document;
  Properties place;
};

struct NamedPolicy {
  std::string arn;
  Location at;
};

/// What users, groups and roles hold.
struct Holdings {
  std::vector<InlinePolicy> written;
  std::vector<NamedPolicy> managed;
};

Holdings read_holdings(Properties& properties) {
  Holdings out;
  for (auto& each : properties.objects("Policies")) {
    auto name = each.required_text("PolicyName");
    auto document = read_document(each, "PolicyDocument");
    each.finish();
    out.written.push_back({std::move(name), std::move(document), each});
  }
  auto arns = properties.texts("ManagedPolicyArns");
  const auto* node = properties.node("ManagedPolicyArns");
  for (std::size_t i = 0; i < arns.size(); ++i) out.managed.push_back({std::move(arns[i]), (*node->list())[i].at});
  return out;
}

bool give(Workshop& workshop, iam::Holder kind, const std::string& name, Holdings& holdings, Properties& properties) {
  for (auto& each : holdings.written)
    if (auto put = workshop.identities.put_inline_policy(kind, name, each.name, std::move(each.document)); !put)
      refuse_at(each.place, put.error().code == "MalformedPolicyDocument" ? "PolicyDocument" : "", put.error());
  for (const auto& [arn, at] : holdings.managed) {
    const auto where = cat(properties.where(), ".ManagedPolicyArns");
    if (iam::is_unknown_grant(arn)) {
      workshop.report.unsupported(at, where, cat("the policy ", arn, " is not known here"),
                                  "docs/iam.md lists those of AWS's own policies that are; write the statements as Policies instead");
      if (!workshop.report.ignores_unsupported()) properties.give_up();
    } else if (const auto attached = workshop.identities.attach_policy(kind, name, arn); !attached) {
      workshop.report.problem(at, where, cat(attached.error().code, ": ", attached.error().message));
      properties.give_up();
    }
  }
  return properties.ok();
}

/// Roles, Users and Groups of a policy resource: who gets it.
struct Receivers {
  std::vector<std::pair<iam::Holder, std::string>> holders;
};

Receivers read_receivers(Properties& properties) {
  Receivers out;
  for (const auto& [name, kind] : {std::pair{"Roles", iam::Holder::role}, {"Users", iam::Holder::user}, {"Groups", iam::Holder::group}})
    for (auto& holder : properties.texts(name)) out.holders.emplace_back(kind, std::move(holder));
  return out;
}

std::string_view property_of(iam::Holder kind) {
  return kind == iam::Holder::role ? "Roles" : kind == iam::Holder::user ? "Users" : "Groups";
}

std::optional<Attributes> make_holders_policy(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties,
                                              iam::Holder kind, std::string_view member) {
  const auto holder = properties.required_text(member);
  const auto name = properties.required_text("PolicyName");
  auto document = read_document(properties, "PolicyDocument");
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  if (auto put = workshop.identities.put_inline_policy(kind, holder, name, std::move(document)); !put) {
    refuse_at(properties, put.error().code == "MalformedPolicyDocument" ? "PolicyDocument" : member, put.error());
    return std::nullopt;
  }
  return Attributes{text_node(resource, cat(name, "|", holder)), {}};
}

}  // namespace

std::optional<Attributes> make_role(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  iam::CreateRoleRequest request;
  request.name = properties.text("RoleName").value_or(workshop.physical_name(resource.logical_id));
  request.id = workshop.unique_id(resource.logical_id, "AROA");
  request.path = properties.text("Path").value_or("/");
  request.trust_policy = read_document(properties, "AssumeRolePolicyDocument");
  request.description = properties.text("Description");
  request.max_session_s = properties.integer("MaxSessionDuration", 3'600, 43'200);
  request.boundary = properties.text("PermissionsBoundary");
  request.tags = read_tags(properties);
  auto holdings = read_holdings(properties);
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  const auto made = workshop.identities.create_role(std::move(request));
  if (!made) {
    const auto& code = made.error().code;
    refuse_at(properties,
              code == "MalformedPolicyDocument" ? "AssumeRolePolicyDocument"
              : code == "NoSuchEntity"          ? "PermissionsBoundary"
                                                : "",
              made.error());
    return std::nullopt;
  }
  const auto role = **made;
  if (!give(workshop, iam::Holder::role, role.name, holdings, properties)) return std::nullopt;
  return Attributes{text_node(resource, role.name), {{"Arn", text_node(resource, role.arn)}, {"RoleId", text_node(resource, role.id)}}};
}

std::optional<Attributes> make_user(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  iam::CreateUserRequest request;
  request.name = properties.text("UserName").value_or(workshop.physical_name(resource.logical_id));
  request.id = workshop.unique_id(resource.logical_id, "AIDA");
  request.path = properties.text("Path").value_or("/");
  request.boundary = properties.text("PermissionsBoundary");
  request.tags = read_tags(properties);
  const auto groups = properties.texts("Groups");
  auto holdings = read_holdings(properties);
  if (properties.node("LoginProfile") != nullptr)
    properties.refuse("LoginProfile", "there is no console to sign in to", "take it out; access keys are made with the aws CLI");
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  const auto made = workshop.identities.create_user(std::move(request));
  if (!made) {
    refuse_at(properties, made.error().code == "NoSuchEntity" ? "PermissionsBoundary" : "", made.error());
    return std::nullopt;
  }
  const auto user = **made;
  for (const auto& group : groups)
    if (const auto added = workshop.identities.add_user_to_group(user.name, group); !added) refuse_at(properties, "Groups", added.error());
  if (!give(workshop, iam::Holder::user, user.name, holdings, properties)) return std::nullopt;
  return Attributes{text_node(resource, user.name), {{"Arn", text_node(resource, user.arn)}}};
}

std::optional<Attributes> make_group(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  iam::CreateGroupRequest request;
  request.name = properties.text("GroupName").value_or(workshop.physical_name(resource.logical_id, 128));
  request.id = workshop.unique_id(resource.logical_id, "AGPA");
  request.path = properties.text("Path").value_or("/");
  auto holdings = read_holdings(properties);
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  const auto made = workshop.identities.create_group(std::move(request));
  if (!made) {
    workshop.refused(resource, made.error());
    return std::nullopt;
  }
  const auto group = **made;
  if (!give(workshop, iam::Holder::group, group.name, holdings, properties)) return std::nullopt;
  return Attributes{text_node(resource, group.name), {{"Arn", text_node(resource, group.arn)}}};
}

std::optional<Attributes> make_managed_policy(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  iam::CreatePolicyRequest request;
  request.name = properties.text("ManagedPolicyName").value_or(workshop.physical_name(resource.logical_id, 128));
  request.id = workshop.unique_id(resource.logical_id, "ANPA");
  request.path = properties.text("Path").value_or("/");
  request.description = properties.text("Description").value_or("");
  request.document = read_document(properties, "PolicyDocument");
  const auto receivers = read_receivers(properties);
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  const auto made = workshop.identities.create_policy(std::move(request));
  if (!made) {
    refuse_at(properties, made.error().code == "MalformedPolicyDocument" ? "PolicyDocument" : "", made.error());
    return std::nullopt;
  }
  const auto arn = (*made)->arn;
  for (const auto& [kind, name] : receivers.holders)
    if (const auto attached = workshop.identities.attach_policy(kind, name, arn); !attached)
      refuse_at(properties, property_of(kind), attached.error());
  if (!properties.ok()) return std::nullopt;
  return Attributes{text_node(resource, arn),
                    {{"PolicyArn", text_node(resource, arn)},
                     {"PolicyId", text_node(resource, (*made)->id)},
                     {"DefaultVersionId", text_node(resource, "v1")}}};
}

std::optional<Attributes> make_policy(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  const auto name = properties.required_text("PolicyName");
  const auto document = read_document(properties, "PolicyDocument");
  const auto receivers = read_receivers(properties);
  if (properties.ok() && receivers.holders.empty()) properties.refuse("", "at least one of Groups, Roles and Users must be given");
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  for (const auto& [kind, holder] : receivers.holders)
    if (const auto put = workshop.identities.put_inline_policy(kind, holder, name, document); !put)
      refuse_at(properties, put.error().code == "MalformedPolicyDocument" ? "PolicyDocument" : property_of(kind), put.error());
  if (!properties.ok()) return std::nullopt;
  const auto id = text_node(resource, workshop.physical_name(resource.logical_id));
  return Attributes{id, {{"Id", id}}};
}

std::optional<Attributes> make_role_policy(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  return make_holders_policy(workshop, resource, properties, iam::Holder::role, "RoleName");
}
std::optional<Attributes> make_user_policy(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  return make_holders_policy(workshop, resource, properties, iam::Holder::user, "UserName");
}
std::optional<Attributes> make_group_policy(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  return make_holders_policy(workshop, resource, properties, iam::Holder::group, "GroupName");
}

std::optional<Attributes> add_users_to_group(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  const auto group = properties.required_text("GroupName");
  const auto users = properties.texts("Users");
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  for (const auto& user : users)
    if (const auto added = workshop.identities.add_user_to_group(user, group); !added)
      refuse_at(properties, added.error().message.starts_with("The group") ? "GroupName" : "Users", added.error());
  if (!properties.ok()) return std::nullopt;
  const auto id = text_node(resource, workshop.physical_name(resource.logical_id));
  return Attributes{id, {{"Id", id}}};
}

std::optional<Attributes> refuse_access_key(Workshop& workshop, const ResourceDeclaration& resource, Properties&) {
  workshop.report.problem(resource.at, cat("Resources.", resource.logical_id),
                          "access keys are not made by templates: their secrets would stand in outputs and environments",
                          "take it out, and make one with `aws iam create-access-key`");
  return std::nullopt;
}

}  // namespace sallyport::cloudformation
