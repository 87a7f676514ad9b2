// Router: which method of an API a request means. Built once, then immutable. Finding costs the same for ten routes and a hundred thousand.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::gateway {

/// The verbs ANY stands for.
inline constexpr std::array<std::string_view, 7> verbs = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"};
bool is_verb(std::string_view text);

/// Is `/pets/` the same as `/pets`? To REST APIs it is, to HTTP APIs it is another path.
enum class TrailingSlash : std::uint8_t { ignored, counts };

class Router {
 public:
  explicit Router(TrailingSlash trailing_slash = TrailingSlash::ignored);
  /// `path` is a resource's template: literals, `{name}`, and `{name+}` as the last segment. `verb` is one of `verbs` or ANY.
  /// `method` is what `find` gives back. Slow enough only for building.
  void add(std::string_view path, std::string_view verb, std::uint32_t method);

  /// The most specific resource that has the verb: a literal segment before `{name}` before `{name+}`, going back where a branch has no
  /// such method; at one resource the verb before ANY. Nothing is decoded. Where trailing slashes are ignored, one does not count; empty
  /// segments match only inside `{name+}`. `values` are the variables' texts in the order of the template.
  std::optional<std::uint32_t> find(std::string_view verb, std::string_view path, std::vector<std::string_view>& values) const;

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  static constexpr std::size_t any = verbs.size();
  struct Node {
    std::uint32_t parent = none;
    std::string segment;  // of a literal
    std::uint32_t variable = none, greedy = none;
    std::array<std::uint32_t, verbs.size() + 1> methods;
  };
  std::uint32_t make_node(std::uint32_t parent, std::string_view segment);
  std::uint32_t child(std::uint32_t parent, std::string_view segment) const;
  void insert(std::uint32_t node);
  std::uint32_t method_at(std::uint32_t node, std::size_t verb) const;
  std::uint32_t descend(std::uint32_t node, std::string_view rest, std::size_t verb, std::vector<std::string_view>& values) const;

  TrailingSlash trailing_slash_;
  std::vector<Node> nodes_;           // 0 is the root
  std::vector<std::uint32_t> table_;  // literals by (parent, segment), open addressing, at most half full
  std::size_t literals_ = 0;
};

/// Of a template, in order: `/a/{b}/{c+}` has b and c.
std::vector<std::string> path_variables(std::string_view path);

}  // namespace sallyport::gateway
