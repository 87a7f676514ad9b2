// JSONPath as `$input.path` and `$input.json` have it (the dialect of Jayway's library).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "json/value.hpp"

namespace sallyport::vtl {

namespace limits {
inline constexpr std::size_t path_bytes_max = 4 * 1024;
}

/// An immutable compiled path; copying shares it.
///
/// `$`, `.name`, `['name']`, `[0]`, `[-1]`, `[0,2]`, `[1:3]`, `[*]`, `.*`, `..name`, `..[0]`, `..*`, and filters `[?(@.a == 'x' && @.b)]`
/// with == != < <= > >= && || ! and parentheses. Functions, regular expressions and several names at once are refused.
class JsonPath {
 public:
  static Result<JsonPath> compile(std::string_view text);
  /// A definite path leads to one value or none; any other to a list.
  bool definite() const;
  /// The values, in the order of the document; pointers into it. Nothing when more than `steps` values had to be looked at; what was
  /// looked at is taken off.
  std::optional<std::vector<const json::Value*>> find(const json::Value& document, std::int64_t& steps) const;

 private:
  struct Compiled;
  explicit JsonPath(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace sallyport::vtl
