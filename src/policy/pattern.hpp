// Text patterns of the policy language: wildcards, policy variables, and how far a wildcard reaches.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "policy/policy.hpp"

namespace sallyport::policy {

/// The key of that name; null when the request has none or it has no values. Names are case-blind.
const ContextKey* find_key(std::span<const ContextKey> context, std::string_view name);

/// What a pattern is compared with: a text and, for ARNs, where its header of five segments ends.
struct Subject {
  std::string_view text;
  std::size_t fifth_colon = std::string_view::npos;
  bool is_arn() const { return fifth_colon != std::string_view::npos; }
};
/// Finds the end of the header; `is_arn()` is false for a text with fewer than six segments.
Subject arn_subject(std::string_view text);

/// What `*` and `?` of a pattern are.
enum class Wildcards : std::uint8_t {
  none,      // ordinary characters
  free,      // any run, any one character
  arn,       // the same, but neither matches one of the value's first five colons
  resource,  // as `arn`, but a `*` before a colon or at the end of the pattern matches anything
};

/// A compiled pattern. Matching allocates nothing, does not recurse and is byte-wise.
class Pattern {
 public:
  struct Rules {
    Wildcards wildcards = Wildcards::none;
    bool variables = false;  // `${key}`, `${key, 'default'}` and the escapes `${*}`, `${?}`, `${$}` are read
    bool ignore_case = false;
  };
  /// Refuses a variable that does not end or has no name.
  static Result<Pattern> compile(std::string_view text, Rules rules);

  /// Substituted text is literal. A variable without a value matches nothing at all (IAM user guide, "Policy variables with no value"),
  /// and so does one whose key has several values.
  bool matches(const Subject& subject, std::span<const ContextKey> context) const;
  const std::string& text() const { return text_; }
  bool has_variables() const { return has_variables_; }

 private:
  enum class Kind : std::uint8_t { literal, variable, one, run, run_past };
  struct Token {
    Kind kind;
    std::string text = {};  // of a literal; the key of a variable
    std::string fallback = {};
    bool has_fallback = false;
  };
  struct Cursor;

  bool compile_variable(std::size_t& at);
  void add_text(std::string_view text);
  void add_run(Kind kind);
  static const std::string_view* value_of(const Token& token, std::span<const ContextKey> context);
  void settle(Cursor& cursor, std::span<const ContextKey> context) const;
  bool same(std::string_view a, std::string_view b) const;
  bool search(const Subject& subject, std::size_t from, std::span<const ContextKey> context) const;

  std::string text_;
  std::vector<Token> tokens_;
  Rules rules_;
  bool has_variables_ = false;
};

}  // namespace sallyport::policy
