#include "cloudformation/node.hpp"

#include <algorithm>

namespace sallyport::cloudformation {

std::optional<Intrinsic> as_intrinsic(const Node& node) {
  const auto* entries = node.map();
  if (entries == nullptr || entries->size() != 1) return std::nullopt;
  const auto& only = entries->front();
  if (only.key != "Ref" && !only.key.starts_with("Fn::")) return std::nullopt;
  return Intrinsic{only.key, only.value};
}

bool has_intrinsic(const Node& node) {
  if (as_intrinsic(node)) return true;
  if (const auto* items = node.list()) return std::ranges::any_of(*items, has_intrinsic);
  if (const auto* entries = node.map()) return std::ranges::any_of(*entries, [](const Entry& e) { return has_intrinsic(e.value); });
  return false;
}

Node make_ref(Location at, std::string_view logical_id) { return make_map(at, {{"Ref", Node(at, logical_id)}}); }

Node make_get_att(Location at, std::string_view logical_id, std::string_view attribute) {
  return make_map(at, {{"Fn::GetAtt", Node(at, List{Node(at, logical_id), Node(at, attribute)})}});
}

}  // namespace sallyport::cloudformation
