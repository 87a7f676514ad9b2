// What a schema compiles to: one node for each subschema, referring to each other by index.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "schema/decimal.hpp"
#include "schema/format.hpp"
#include "schema/regex.hpp"

namespace sallyport::schema {

using NodeIndex = std::uint32_t;
inline constexpr NodeIndex no_node = UINT32_MAX;

/// The keywords that say something about a value itself, in the order in which they are checked and told: by their name's bytes.
enum class Keyword : std::uint8_t {
  additional_items,
  additional_properties,
  all_of,
  any_of,
  dependencies,
  enumeration,
  format,
  max_items,
  max_length,
  max_properties,
  maximum,
  min_items,
  min_length,
  min_properties,
  minimum,
  multiple_of,
  negation,
  one_of,
  pattern,
  required,
  type,
  unique_items,
};

/// The types of instances, in the order in which messages list them.
enum class Type : std::uint8_t { array, boolean, integer, null, number, object, string };
inline constexpr std::string_view type_names[] = {"array", "boolean", "integer", "null", "number", "object", "string"};
constexpr std::uint8_t bit(Type type) { return static_cast<std::uint8_t>(1u << static_cast<unsigned>(type)); }

/// A bound or divisor, and how the schema writes it.
struct Quantity {
  Decimal value;
  std::string text;
  bool is_exclusive = false;
};

struct Dependency {
  std::string property;
  std::vector<std::string> required;  // sorted
  NodeIndex schema = no_node;         // instead of `required`
};

/// What holds for items or members that no other keyword names.
struct Additional {
  bool is_allowed = true;
  NodeIndex schema = no_node;
};

struct Node {
  std::vector<Keyword> keywords;  // sorted
  NodeIndex reference = no_node;  // instead of everything else

  std::uint8_t types = 0;
  std::vector<std::string> enumeration;  // canonical texts, sorted
  std::size_t enumeration_longest = 0;
  std::string enumeration_text;

  std::optional<Quantity> minimum, maximum, multiple_of;
  std::uint64_t min_length = 0, max_length = 0, min_items = 0, max_items = 0, min_properties = 0, max_properties = 0;
  std::string pattern_text;
  std::optional<Regex> pattern;
  Format format = {};

  NodeIndex items = no_node;
  bool has_tuple = false;
  std::vector<NodeIndex> tuple;
  Additional additional_items;

  std::vector<std::pair<std::string, NodeIndex>> properties;  // sorted
  std::vector<std::pair<Regex, NodeIndex>> pattern_properties;
  Additional additional_properties;
  std::vector<std::string> required;  // sorted
  std::vector<Dependency> dependencies;

  std::vector<NodeIndex> all_of, any_of, one_of;
  NodeIndex negated = no_node;

  bool looks_into_lists() const { return items != no_node || has_tuple || additional_items.schema != no_node; }
  bool looks_into_objects() const { return !properties.empty() || !pattern_properties.empty() || additional_properties.schema != no_node; }
};

/// The first node is the document's own. No index is of a node with a reference.
struct Program {
  std::vector<Node> nodes;
  NodeIndex root = 0;
  std::vector<std::string> unknown_keywords;
};

}  // namespace sallyport::schema
