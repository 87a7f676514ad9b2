// Tags of users, roles, managed policies and instance profiles.
#include "iam/aws_managed.hpp"
#include "iam/errors.hpp"
#include "iam/request.hpp"

namespace sallyport::iam {
namespace {

/// Finds the tags of what a call names, for reading in a `const State` and for changing in a `State`.
template <class S>
using TagsOf = Answer<std::conditional_t<std::is_const_v<S>, const Tags, Tags>*>;

template <class S, class Objects>
TagsOf<S> tags_in(Objects& objects, std::string_view name) {
  if constexpr (std::is_const_v<S>)
    return &find(objects, name)->tags;
  else
    return &edit(objects, name)->tags;
}

struct OfUser {
  static constexpr Target target = Target::user;
  template <class S>
  static TagsOf<S> find(S& state, const Call& call) {
    const auto user = need_user(state, call.in.required("UserName"));
    if (!user) return std::unexpected(user.error());
    return tags_in<S>(state.users, (*user)->name);
  }
};
struct OfRole {
  static constexpr Target target = Target::role;
  template <class S>
  static TagsOf<S> find(S& state, const Call& call) {
    const auto role = need_role(state, call.in.required("RoleName"));
    if (!role) return std::unexpected(role.error());
    return tags_in<S>(state.roles, (*role)->name);
  }
};
struct OfInstanceProfile {
  static constexpr Target target = Target::instance_profile;
  template <class S>
  static TagsOf<S> find(S& state, const Call& call) {
    const auto profile = need_instance_profile(state, call.in.required("InstanceProfileName"));
    if (!profile) return std::unexpected(profile.error());
    return tags_in<S>(state.instance_profiles, (*profile)->name);
  }
};
struct OfPolicy {
  static constexpr Target target = Target::policy;
  template <class S>
  static TagsOf<S> find(S& state, const Call& call) {
    const auto arn = call.in.required("PolicyArn");
    if (is_aws_managed(arn)) return access_denied("Cannot perform the operation on the protected policy");
    const auto* policy = find_policy(state, arn);
    if (!policy) return no_such_entity(cat("Policy ", arn, " was not found."));
    return tags_in<S>(state.policies, policy->name);
  }
};

template <class Of>
Answer<json::Value> tag(const Parts&, State& state, const Call& call) {
  const auto tags = Of::find(state, call);
  if (!tags) return std::unexpected(tags.error());
  const auto added = read_tags(call);
  if (!added) return std::unexpected(added.error());
  if (auto merged = merge_tags(**tags, *added); !merged) return std::unexpected(merged.error());
  return json::Value(json::Object());
}

template <class Of>
Answer<json::Value> untag(const Parts&, State& state, const Call& call) {
  const auto tags = Of::find(state, call);
  if (!tags) return std::unexpected(tags.error());
  for (const auto& key : call.in.texts("TagKeys").value_or(std::vector<std::string>())) (*tags)->erase(key);
  return json::Value(json::Object());
}

template <class Of>
Answer<json::Value> list_tags(const Parts&, const State& state, const Call& call) {
  const auto tags = Of::find(state, call);
  if (!tags) return std::unexpected(tags.error());
  return paged(call, "Tags", **tags, [](const auto& key, const auto& value) {
    json::Value out;
    out.set("Key", key);
    out.set("Value", value);
    return out;
  });
}

template <class Of>
void add_for(Table& table, std::string_view word) {
  table.write(cat("Tag", word), Of::target, tag<Of>);
  table.write(cat("Untag", word), Of::target, untag<Of>);
  table.read(cat("List", word, "Tags"), Of::target, list_tags<Of>);
}

}  // namespace

void add_tag_operations(Table& table) {
  add_for<OfUser>(table, "User");
  add_for<OfRole>(table, "Role");
  add_for<OfPolicy>(table, "Policy");
  add_for<OfInstanceProfile>(table, "InstanceProfile");
}

}  // namespace sallyport::iam
