// FilterPattern: which messages FilterLogEvents returns. Source: CloudWatch Logs user guide, filter and pattern syntax.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace sallyport::logs {

/// Immutable; may be used from any thread. Understood are terms (`ERROR`, `"a phrase"`, `-without`, `?any ?of`) and JSON patterns
/// (`{ $.a.b[0] = "x*" && ($.n > 3 || $.c IS NULL || $.d NOT EXISTS) }`). Regular expressions, space-delimited patterns and `?` beside
/// other terms are refused.
class FilterPattern {
 public:
  static Result<FilterPattern> parse(std::string_view text);
  bool matches(std::string_view message) const;
  /// Does it match everything?
  bool is_empty() const { return !compiled_; }

  struct Compiled;  // defined in pattern.cpp

 private:
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace sallyport::logs
