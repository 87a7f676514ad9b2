#include "gateway/router.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace sallyport::gateway {
namespace {

std::size_t verb_index(std::string_view verb) {
  return static_cast<std::size_t>(std::find(verbs.begin(), verbs.end(), verb) - verbs.begin());
}

std::size_t hash(std::uint32_t parent, std::string_view segment) {
  std::uint64_t h = 14695981039346656037u ^ (parent * std::uint64_t{0x9E3779B97F4A7C15});
  for (unsigned char c : segment) h = (h ^ c) * 1099511628211u;
  return h ^ (h >> 32);
}

bool is_variable(std::string_view segment) { return segment.starts_with('{') && segment.ends_with('}'); }
bool is_greedy(std::string_view segment) { return is_variable(segment) && segment.ends_with("+}"); }

}  // namespace

bool is_verb(std::string_view text) { return verb_index(text) < verbs.size(); }

Router::Router(TrailingSlash trailing_slash) : trailing_slash_(trailing_slash), table_(16, none) { make_node(none, {}); }

std::uint32_t Router::make_node(std::uint32_t parent, std::string_view segment) {
  Node node;
  node.parent = parent;
  node.segment = segment;
  node.methods.fill(none);
  nodes_.push_back(std::move(node));
  return static_cast<std::uint32_t>(nodes_.size() - 1);
}

std::uint32_t Router::child(std::uint32_t parent, std::string_view segment) const {
  const auto mask = table_.size() - 1;
  for (auto slot = hash(parent, segment) & mask; table_[slot] != none; slot = (slot + 1) & mask) {
    const auto& node = nodes_[table_[slot]];
    if (node.parent == parent && node.segment == segment) return table_[slot];
  }
  return none;
}

void Router::insert(std::uint32_t index) {
  const auto mask = table_.size() - 1;
  auto slot = hash(nodes_[index].parent, nodes_[index].segment) & mask;
  while (table_[slot] != none) slot = (slot + 1) & mask;
  table_[slot] = index;
}

void Router::add(std::string_view path, std::string_view verb, std::uint32_t method) {
  std::uint32_t at = 0;
  path = path == "/" ? std::string_view{} : path.substr(1);
  for (auto segment : path.empty() ? std::vector<std::string_view>{} : split(path, '/')) {
    const bool literal = !is_variable(segment);
    auto next = literal ? child(at, segment) : is_greedy(segment) ? nodes_[at].greedy : nodes_[at].variable;
    if (next == none) {
      next = make_node(at, literal ? segment : std::string_view{});
      if (!literal) {
        (is_greedy(segment) ? nodes_[at].greedy : nodes_[at].variable) = next;
      } else if (++literals_ * 2 > table_.size()) {
        const auto old = std::exchange(table_, std::vector<std::uint32_t>(table_.size() * 2, none));
        for (auto index : old)
          if (index != none) insert(index);
        insert(next);
      } else {
        insert(next);
      }
    }
    at = next;
  }
  nodes_[at].methods[verb_index(verb)] = method;
}

std::uint32_t Router::method_at(std::uint32_t node, std::size_t verb) const {
  const auto& methods = nodes_[node].methods;
  return methods[verb] != none ? methods[verb] : methods[any];
}

std::uint32_t Router::descend(std::uint32_t at, std::string_view rest, std::size_t verb, std::vector<std::string_view>& values) const {
  if (rest.empty()) return method_at(at, verb);
  const auto slash = rest.find('/', 1);
  const auto segment = rest.substr(1, slash == std::string_view::npos ? slash : slash - 1);
  const auto tail = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash);
  if (const auto literal = child(at, segment); literal != none)
    if (const auto found = descend(literal, tail, verb, values); found != none) return found;
  if (const auto variable = nodes_[at].variable; variable != none && !segment.empty()) {
    values.push_back(segment);
    if (const auto found = descend(variable, tail, verb, values); found != none) return found;
    values.pop_back();
  }
  if (const auto greedy = nodes_[at].greedy; greedy != none && rest.size() > 1) {
    const auto found = method_at(greedy, verb);
    if (found != none) values.push_back(rest.substr(1));
    return found;
  }
  return none;
}

std::optional<std::uint32_t> Router::find(std::string_view verb, std::string_view path, std::vector<std::string_view>& values) const {
  const auto index = verb_index(verb);
  if (index == any) return std::nullopt;
  // The root has no segment, so that its slash never counts.
  if (path.ends_with('/') && (trailing_slash_ == TrailingSlash::ignored || path.size() == 1)) path.remove_suffix(1);
  const auto found = descend(0, path, index, values);
  return found == none ? std::nullopt : std::optional(found);
}

std::vector<std::string> path_variables(std::string_view path) {
  std::vector<std::string> names;
  for (auto segment : split(path, '/')) {
    if (!is_variable(segment)) continue;
    segment = segment.substr(1, segment.size() - 2);
    if (segment.ends_with('+')) segment.remove_suffix(1);
    names.emplace_back(segment);
  }
  return names;
}

}  // namespace sallyport::gateway
