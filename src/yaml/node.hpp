// A document as a value tree in which every node and every mapping key knows where it stands in the file.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "json/value.hpp"

namespace sallyport::yaml {

/// Line and column from 1; line 0 is "nowhere in the document".
struct Location {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  auto operator<=>(const Location&) const = default;
};

class Node;
struct Entry;
using List = std::vector<Node>;
/// In the order of the text, keys unique.
using Map = std::vector<Entry>;
/// Stands for a value whose problem has been reported already: nobody reports it again, and nothing is made from it.
struct Broken {};

class Node {
 public:
  using Data = std::variant<std::monostate, bool, json::Number, std::string, List, Map, Broken>;

  Node();
  Node(Location at, Data data);
  Node(Location at, std::string text);
  Node(Location at, const char* text);
  Node(Location at, std::string_view text);
  Node(const Node&);
  Node(Node&&) noexcept;
  Node& operator=(const Node&);
  Node& operator=(Node&&) noexcept;
  ~Node();

  Location at;

  bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
  bool is_broken() const { return std::holds_alternative<Broken>(data_); }
  const bool* boolean() const { return std::get_if<bool>(&data_); }
  const json::Number* number() const { return std::get_if<json::Number>(&data_); }
  const std::string* string() const { return std::get_if<std::string>(&data_); }
  const List* list() const { return std::get_if<List>(&data_); }
  const Map* map() const { return std::get_if<Map>(&data_); }
  List* list() { return std::get_if<List>(&data_); }
  Map* map() { return std::get_if<Map>(&data_); }

  /// A string, number or boolean as the text it stands for (`true`, `10`, ...); nothing for the rest.
  std::optional<std::string> scalar() const;
  /// The value under that key; null when this is no mapping or has no such key.
  const Node* find(std::string_view key) const;
  const Entry* entry(std::string_view key) const;
  /// Replaces or appends. REQUIRES: this is a mapping.
  void set(std::string_view key, Node value);
  /// "nothing", "a boolean", "a number", "a string", "a list" or "a mapping": for messages.
  std::string_view kind() const;
  json::Value to_json() const;

 private:
  Data data_;
};

struct Entry {
  std::string key;
  Location key_at;
  Node value;
};

/// A mapping written by a transform: everything in it stands where `at` says.
Node make_map(Location at, std::initializer_list<std::pair<std::string_view, Node>> entries);

/// About how many bytes a copy of the tree takes: what may multiply it is held to a budget.
std::size_t weight(const Node& node);

}  // namespace sallyport::yaml
