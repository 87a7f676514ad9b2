// Expression: a regular expression that runs in linear time.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace sallyport::gateway {

/// An immutable compiled expression; copying shares it. May be used from any thread.
/// RE2 syntax: all of Java's `Pattern` but look-around, back-references and possessive quantifiers, which are refused by name.
class Expression {
 public:
  static Result<Expression> compile(std::string_view text);
  bool matches_whole(std::string_view text) const;
  bool matches_somewhere(std::string_view text) const;

 private:
  struct Compiled;
  explicit Expression(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace sallyport::gateway
