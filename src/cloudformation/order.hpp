// Which resource is made when: what is mentioned comes first.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cloudformation/node.hpp"
#include "cloudformation/sam.hpp"

namespace sallyport::cloudformation {

/// The resources of a template by the names that mention them.
class Names {
 public:
  /// All must outlive this object. `left_out` are the resources whose condition does not hold.
  Names(const Expanded& expanded, const std::set<std::string, std::less<>>& left_out, Report& report);

  /// Index of the resource that is mentioned; reports a mention of nothing.
  std::optional<std::size_t> find(const Mention& mention) const;
  /// Index of the resource of that logical id.
  std::optional<std::size_t> find(std::string_view logical_id) const;

 private:
  const Expanded& expanded_;
  const std::set<std::string, std::less<>>& left_out_;
  Report& report_;
  std::map<std::string_view, std::size_t, std::less<>> by_id_;
};

/// Indices of all resources but those of a cycle, which is reported with its members. Resources that do not depend on each other stay in
/// the order of the template. A deployment is put after all methods and gateway responses of its API; `warnings` says where the template
/// itself does not ask for that, for AWS makes them in any order then.
std::vector<std::size_t> order_resources(const Expanded& expanded, const Names& names, Report& report, Problems& warnings);

}  // namespace sallyport::cloudformation
