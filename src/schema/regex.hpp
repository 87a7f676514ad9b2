// The regular expressions of `pattern` and `patternProperties`: ECMA 262 as it is written, RE2 as it is run.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace sallyport::schema {

/// ECMA 262 to RE2's syntax, where the two differ: `.`, `\s`, `\uXXXX`, `\cX`, empty classes, anchors, names of properties. What RE2 cannot
/// do in linear time (look-around, back-references) and what ECMA 262 does not have is an error that names it.
Result<std::string> translate_regex(std::string_view pattern);

/// An immutable compiled expression; threads may share it.
class Regex {
 public:
  /// Refuses what cannot be translated, and what needs more than `memory_bytes_max`.
  static Result<Regex> compile(std::string_view pattern);

  /// Whether the expression matches anywhere in the text, which is UTF-8. Linear in the text.
  bool is_found_in(std::string_view text) const;
  /// How much a byte of text may cost, as a factor of at least one: when RE2's states outgrow the memory it walks the program instead.
  std::int64_t weight() const;

  static constexpr std::int64_t memory_bytes_max = 1 << 20;

 private:
  struct Compiled;
  explicit Regex(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace sallyport::schema
