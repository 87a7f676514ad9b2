#include "yaml/node.hpp"

#include <algorithm>

namespace sallyport::yaml {

Node::Node() = default;
Node::Node(Location at, Data data) : at(at), data_(std::move(data)) {}
Node::Node(Location at, std::string text) : at(at), data_(std::move(text)) {}
Node::Node(Location at, const char* text) : at(at), data_(std::string(text)) {}
Node::Node(Location at, std::string_view text) : at(at), data_(std::string(text)) {}
Node::Node(const Node&) = default;
Node::Node(Node&&) noexcept = default;
Node& Node::operator=(const Node&) = default;
Node& Node::operator=(Node&&) noexcept = default;
Node::~Node() = default;

std::optional<std::string> Node::scalar() const {
  if (const auto* text = string()) return *text;
  if (const auto* n = number()) return n->text;
  if (const auto* b = boolean()) return *b ? "true" : "false";
  return std::nullopt;
}

const Entry* Node::entry(std::string_view key) const {
  const auto* entries = map();
  if (entries == nullptr) return nullptr;
  const auto found = std::ranges::find(*entries, key, &Entry::key);
  return found == entries->end() ? nullptr : &*found;
}

const Node* Node::find(std::string_view key) const {
  const auto* found = entry(key);
  return found == nullptr ? nullptr : &found->value;
}

void Node::set(std::string_view key, Node value) {
  auto& entries = std::get<Map>(data_);
  const auto found = std::ranges::find(entries, key, &Entry::key);
  if (found != entries.end())
    found->value = std::move(value);
  else
    entries.push_back({std::string(key), value.at, std::move(value)});
}

std::string_view Node::kind() const {
  static constexpr std::string_view names[] = {"nothing", "a boolean", "a number", "a string", "a list", "a mapping", "a broken value"};
  return names[data_.index()];
}

json::Value Node::to_json() const {
  if (const auto* b = boolean()) return *b;
  if (const auto* n = number()) return *n;
  if (const auto* text = string()) return *text;
  if (const auto* items = list()) {
    json::Array out;
    out.reserve(items->size());
    for (const auto& item : *items) out.push_back(item.to_json());
    return out;
  }
  if (const auto* entries = map()) {
    json::Object out;
    out.reserve(entries->size());
    for (const auto& [key, key_at, value] : *entries) out.emplace_back(key, value.to_json());
    return out;
  }
  return {};
}

Node make_map(Location at, std::initializer_list<std::pair<std::string_view, Node>> entries) {
  Map map;
  map.reserve(entries.size());
  for (const auto& [key, value] : entries) map.push_back({std::string(key), at, value});
  return {at, std::move(map)};
}

std::size_t weight(const Node& node) {
  std::size_t bytes = sizeof(Node);
  if (const auto* text = node.string()) bytes += text->size();
  if (const auto* items = node.list())
    for (const auto& item : *items) bytes += weight(item);
  if (const auto* entries = node.map())
    for (const auto& entry : *entries) bytes += sizeof(Entry) - sizeof(Node) + entry.key.size() + weight(entry.value);
  return bytes;
}

}  // namespace sallyport::yaml
