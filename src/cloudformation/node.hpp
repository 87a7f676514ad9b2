// A template as a tree: the nodes of module yaml, and what intrinsic functions look like among them.
#pragma once

#include <optional>
#include <string_view>

#include "yaml/node.hpp"
#include "yaml/problem.hpp"

namespace sallyport::cloudformation {

using yaml::Broken;
using yaml::display_path;
using yaml::Entry;
using yaml::List;
using yaml::Location;
using yaml::make_map;
using yaml::Map;
using yaml::nearest;
using yaml::Node;
using yaml::Problem;
using yaml::Problems;
using yaml::Report;
using yaml::sort;
using yaml::to_text;
using yaml::Unsupported;
using yaml::weight;

/// A mapping with the one key `Ref` or `Fn::…`.
struct Intrinsic {
  std::string_view name;
  const Node& argument;
};
std::optional<Intrinsic> as_intrinsic(const Node& node);
/// Is there an intrinsic anywhere in the tree?
bool has_intrinsic(const Node& node);

Node make_ref(Location at, std::string_view logical_id);
Node make_get_att(Location at, std::string_view logical_id, std::string_view attribute);

}  // namespace sallyport::cloudformation
