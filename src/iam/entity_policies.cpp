// Policies of users, groups and roles: inline ones, attached ones, permissions boundaries. The same operations three times, so they are
// written once.
#include "iam/errors.hpp"
#include "iam/request.hpp"

namespace sallyport::iam {
namespace {

/// How one kind of entity differs from the others.
template <class T>
struct Kind;

template <>
struct Kind<User> {
  static constexpr std::string_view Word = "User", word = "user";
  static constexpr Target target = Target::user;
  static constexpr Holder holder = Holder::user;
  static auto& objects(auto& state) { return state.users; }
  static auto need(const State& state, std::string_view name) { return need_user(state, name); }
};
template <>
struct Kind<Group> {
  static constexpr std::string_view Word = "Group", word = "group";
  static constexpr Target target = Target::group;
  static constexpr Holder holder = Holder::group;
  static auto& objects(auto& state) { return state.groups; }
  static auto need(const State& state, std::string_view name) { return need_group(state, name); }
};
template <>
struct Kind<Role> {
  static constexpr std::string_view Word = "Role", word = "role";
  static constexpr Target target = Target::role;
  static constexpr Holder holder = Holder::role;
  static auto& objects(auto& state) { return state.roles; }
  static auto need(const State& state, std::string_view name) { return need_role(state, name); }
};

template <class T>
Answer<const T*> need(const State& state, const Call& call) {
  return Kind<T>::need(state, call.in.required(cat(Kind<T>::Word, "Name")));
}

template <class T>
Answer<T*> need_for_edit(State& state, const Call& call) {
  const auto found = need<T>(state, call);
  if (!found) return std::unexpected(found.error());
  return edit(Kind<T>::objects(state), (*found)->name);
}

template <class T>
Answer<json::Value> put_policy(const Parts& parts, State& state, const Call& call) {
  auto put = operations_of(parts, state, call)
                 .put_inline_policy(Kind<T>::holder, call.in.required(cat(Kind<T>::Word, "Name")), call.in.required("PolicyName"),
                                    call.in.required("PolicyDocument"));
  if (!put) return std::unexpected(std::move(put.error()));
  return json::Value(json::Object());
}

template <class T>
Answer<json::Value> get_policy(const Parts&, const State& state, const Call& call) {
  const auto entity = need<T>(state, call);
  if (!entity) return std::unexpected(entity.error());
  const auto name = call.in.required("PolicyName");
  const auto found = (*entity)->inline_policies.find(name);
  if (found == (*entity)->inline_policies.end()) return cannot_find(cat(Kind<T>::word, " policy"), name);
  json::Value out;
  out.set(cat(Kind<T>::Word, "Name"), (*entity)->name);
  out.set("PolicyName", name);
  out.set("PolicyDocument", shown_document(found->second));
  return out;
}

template <class T>
Answer<json::Value> delete_policy(const Parts&, State& state, const Call& call) {
  const auto entity = need_for_edit<T>(state, call);
  if (!entity) return std::unexpected(entity.error());
  const auto name = call.in.required("PolicyName");
  if ((*entity)->inline_policies.erase(name) == 0) return cannot_find(cat(Kind<T>::word, " policy"), name);
  return json::Value(json::Object());
}

template <class T>
Answer<json::Value> list_policies(const Parts&, const State& state, const Call& call) {
  const auto entity = need<T>(state, call);
  if (!entity) return std::unexpected(entity.error());
  return paged(call, "PolicyNames", (*entity)->inline_policies, [](const auto& name, const auto&) { return json::Value(name); });
}

template <class T>
Answer<json::Value> attach_policy(const Parts& parts, State& state, const Call& call) {
  auto attached = operations_of(parts, state, call)
                      .attach_policy(Kind<T>::holder, call.in.required(cat(Kind<T>::Word, "Name")), call.in.required("PolicyArn"));
  if (!attached) return std::unexpected(std::move(attached.error()));
  return json::Value(json::Object());
}

template <class T>
Answer<json::Value> detach_policy(const Parts&, State& state, const Call& call) {
  const auto entity = need_for_edit<T>(state, call);
  if (!entity) return std::unexpected(entity.error());
  const auto arn = call.in.required("PolicyArn");
  if (!aws::parse_arn(arn)) return validation_error("Invalid ARN:  Could not be parsed!");
  if (std::erase((*entity)->attached, arn) == 0) return no_such_entity(cat("Policy ", arn, " was not found."));
  return json::Value(json::Object());
}

template <class T>
Answer<json::Value> list_attached(const Parts&, const State& state, const Call& call) {
  const auto entity = need<T>(state, call);
  if (!entity) return std::unexpected(entity.error());
  const auto prefix = call.in.text_or("PathPrefix", "/");
  std::map<std::string, const ManagedPolicy*> attached;
  for (const auto& arn : (*entity)->attached)
    if (const auto* policy = find_policy(state, arn); policy && policy->path.starts_with(prefix)) attached.emplace(arn, policy);
  return paged(call, "AttachedPolicies", attached, [](const auto& arn, const ManagedPolicy* policy) {
    json::Value out;
    out.set("PolicyName", policy->name);
    out.set("PolicyArn", arn);
    return out;
  });
}

template <class T>
Answer<json::Value> put_boundary(const Parts&, State& state, const Call& call) {
  const auto known = need<T>(state, call);
  if (!known) return std::unexpected(known.error());
  auto boundary = read_boundary(state, call.in.required("PermissionsBoundary"));
  if (!boundary) return std::unexpected(boundary.error());
  edit(Kind<T>::objects(state), (*known)->name)->boundary = std::move(*boundary);
  return json::Value(json::Object());
}

template <class T>
Answer<json::Value> delete_boundary(const Parts&, State& state, const Call& call) {
  const auto entity = need_for_edit<T>(state, call);
  if (!entity) return std::unexpected(entity.error());
  (*entity)->boundary.reset();
  return json::Value(json::Object());
}

template <class T>
void add_for(Table& table) {
  constexpr auto word = Kind<T>::Word;
  constexpr auto target = Kind<T>::target;
  table.write(cat("Put", word, "Policy"), target, put_policy<T>);
  table.read(cat("Get", word, "Policy"), target, get_policy<T>);
  table.write(cat("Delete", word, "Policy"), target, delete_policy<T>);
  table.read(cat("List", word, "Policies"), target, list_policies<T>);
  table.write(cat("Attach", word, "Policy"), target, attach_policy<T>);
  table.write(cat("Detach", word, "Policy"), target, detach_policy<T>);
  table.read(cat("ListAttached", word, "Policies"), target, list_attached<T>);
  if constexpr (requires(T entity) { entity.boundary; }) {
    table.write(cat("Put", word, "PermissionsBoundary"), target, put_boundary<T>);
    table.write(cat("Delete", word, "PermissionsBoundary"), target, delete_boundary<T>);
  }
}

}  // namespace

void add_entity_policy_operations(Table& table) {
  add_for<User>(table);
  add_for<Group>(table);
  add_for<Role>(table);
}

}  // namespace sallyport::iam
