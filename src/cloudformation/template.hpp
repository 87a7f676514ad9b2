// The sections of a template, and its resources as declarations.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cloudformation/evaluate.hpp"
#include "cloudformation/node.hpp"

namespace sallyport::cloudformation {

namespace limits {
inline constexpr std::size_t resources_max = 500;  // AWS
}  // namespace limits

struct Dependency {
  std::string logical_id;
  Location at;
};

/// One resource whose condition holds. Mentions of parameters are values already, mentions of resources still intrinsics.
struct ResourceDeclaration {
  std::string logical_id;
  std::string type;
  Location at;
  Node properties;    // a mapping, or nothing
  std::string where;  // path of the properties in the template, for messages
  std::vector<Dependency> depends_on = {};
  std::optional<Node> ignore_globals = {};  // SAM's attribute
  bool retained = false;                    // DeletionPolicy or UpdateReplacePolicy: Retain
  bool built_by_sam = false;                // Metadata.BuildMethod: `sam build` makes the code
};

struct Declarations {
  std::vector<ResourceDeclaration> resources;
  std::set<std::string, std::less<>> left_out;  // their condition does not hold
};

enum class Transform { none, serverless };

/// Refuses unknown sections and transforms.
Transform check_sections(const Node& sections, Report& report);
Declarations read_resources(const Node& sections, Transform transform, Evaluator& evaluator, Report& report);

struct Output {
  std::string name;
  std::string value;
  std::string description;
  Location at;
};
/// REQUIRES: every resource is in `made`.
std::vector<Output> read_outputs(const Node& sections, Evaluator& evaluator, const AttributesByName& made, Report& report);

}  // namespace sallyport::cloudformation
