// Pattern: a Java regular expression, as far as it runs in linear time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace sallyport::vtl {

namespace limits {
inline constexpr std::size_t pattern_bytes_max = 4 * 1024;
}

/// An immutable compiled expression; copying shares it. Look-around, back-references and possessive quantifiers are refused.
class Pattern {
 public:
  static Result<Pattern> compile(std::string_view text);
  // Each takes from `allowance` what it looks at, in bytes, more for large expressions; when looking for a match may go beyond its end,
  // all that is left of the text for each match. An error when that is used up.

  /// The whole text, as String.matches.
  Result<bool> matches(std::string_view text, std::int64_t& allowance) const;
  /// As String.replaceAll and replaceFirst: `$1` and `${name}` are groups, `\` quotes. An error also when the replacement is wrong or the
  /// result longer than `size_max`.
  Result<std::string> replace(std::string_view text, std::string_view with, bool all, std::size_t size_max, std::int64_t& allowance) const;
  /// As String.split with its limit. Views into `text`.
  Result<std::vector<std::string_view>> split(std::string_view text, std::int64_t limit, std::int64_t& allowance) const;

 private:
  struct Compiled;
  explicit Pattern(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace sallyport::vtl
