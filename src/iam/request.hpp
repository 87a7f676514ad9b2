// What IAM's operations read from calls and show in answers.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/encoding.hpp"
#include "iam/operations.hpp"
#include "iam/table.hpp"

namespace sallyport::iam {

/// Letters, digits and +=,.@_-. `member`: userName, roleName, ...
Answer<> check_name(std::string_view name, std::string_view member, std::size_t bytes_max);
/// `Path`, or `/`.
Answer<std::string> read_path(const Call& call, std::string_view member = "Path");
/// A list of Key and Value. Refuses keys twice, and keys beginning with `aws:`.
Answer<Tags> read_tags(const Call& call);
TagList read_tag_list(const Call& call);
/// The operations on a draft, as a call makes them.
Operations operations_of(const Parts& parts, State& state, const Call& call);
/// Puts `added` over `tags`. Refuses more than fifty.
Answer<> merge_tags(Tags& tags, const Tags& added);

/// AWS's own or the account's; null for another.
const ManagedPolicy* find_policy(const State& state, std::string_view arn);
/// That, of what may be attached: NoSuchEntity otherwise, ValidationError for what is no ARN.
Answer<const ManagedPolicy*> attachable_policy(const State& state, std::string_view arn);
/// That, of what may limit a user or role.
Answer<std::string> read_boundary(const State& state, std::string_view arn);

Answer<const User*> need_user(const State& state, std::string_view name);
Answer<const Group*> need_group(const State& state, std::string_view name);
Answer<const Role*> need_role(const State& state, std::string_view name);
Answer<const InstanceProfile*> need_instance_profile(const State& state, std::string_view name);

json::Value seconds_of(WallTime time);
/// As IAM shows policy documents: percent-encoded.
std::string shown_document(std::string_view document);
json::Value tags_json(const Tags& tags);
/// Without tags and boundary, as lists show it; `full` with them.
json::Value user_json(const User& user, bool full);
json::Value group_json(const Group& group);
json::Value role_json(const Directory& directory, const Role& role, bool full);
json::Value instance_profile_json(const Parts& parts, const State& state, const InstanceProfile& profile);
/// How often each managed policy is attached, and used as a boundary.
struct PolicyUse {
  std::size_t attached = 0, boundaries = 0;
};
std::map<std::string, PolicyUse, std::less<>> policy_uses(const State& state);
json::Value boundary_json(std::string_view arn);
json::Value attached_json(const std::vector<std::string>& attached);
/// The trust policy as it is shown: whoever it named and is gone stands there by its unique id.
std::string shown_trust_policy(const Directory& directory, const Role& role);

/// One page of a list, by Marker and MaxItems: `{member: [...], IsTruncated, Marker}`. `render` makes an item of a key and its value.
template <class Map, class Render>
Answer<json::Value> paged(const Call& call, std::string_view member, const Map& items, Render render);

/// Where a page begins and how many items it may have.
struct PageRequest {
  std::optional<std::string> after;
  std::size_t limit = 100;
};
Answer<PageRequest> read_page(const Call& call);

template <class Map, class Render>
Answer<json::Value> paged(const Call& call, std::string_view member, const Map& items, Render render) {
  const auto page = read_page(call);
  if (!page) return std::unexpected(page.error());
  json::Array shown;
  auto item = page->after ? items.upper_bound(*page->after) : items.begin();
  std::string last;
  for (; item != items.end() && shown.size() < page->limit; ++item) {
    last = item->first;
    shown.push_back(render(item->first, item->second));
  }
  json::Value out;
  out.set(member, std::move(shown));
  out.set("IsTruncated", item != items.end());
  if (item != items.end()) out.set("Marker", to_base64url(last));
  return out;
}

/// Those of `objects` whose path begins with PathPrefix, by name.
template <class T>
std::map<std::string, const T*> under_path(const Call& call, const Objects<T>& objects) {
  const auto prefix = call.in.text_or("PathPrefix", "/");
  std::map<std::string, const T*> out;
  for (const auto& [name, object] : objects)
    if (object->path.starts_with(prefix)) out.emplace(name, &*object);
  return out;
}

}  // namespace sallyport::iam
