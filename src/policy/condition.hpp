// One line of a Condition element: an operator, a key and the values it is compared with, read into their types once.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "policy/pattern.hpp"
#include "policy/scalar.hpp"

namespace sallyport::policy {

struct OperatorRow;  // the table of operators, in condition.cpp

/// A compiled condition. Testing allocates nothing.
class Condition {
 public:
  /// Operator names are case-blind. Refuses unknown operators, and values that the operator cannot read.
  static Result<Condition> compile(std::string_view operator_name, std::string_view key, std::span<const std::string> values,
                                   bool variables);

  /// A key that the request lacks makes positive operators false, negated and `...IfExists` ones true (IAM user guide, "Condition
  /// operators"). `ForAllValues:` is true and `ForAnyValue:` false for a lacking or empty key, with `IfExists` too. A key with several
  /// values under an operator without such a prefix: one value has to match, or under a negated operator none may.
  bool test(std::span<const ContextKey> context) const;

  /// Why `test` is false, for people.
  std::string mismatch(std::span<const ContextKey> context) const;

 private:
  enum class Quantifier : std::uint8_t { none, all, any };
  struct Operand {
    std::string text;
    std::variant<std::monostate, Pattern, double, WallTime, bool, Network> value;
  };

  static Result<Operand> compile_operand(const OperatorRow& row, std::string_view text, bool variables);
  bool equals_any(std::string_view value, std::span<const ContextKey> context) const;
  template <class T>
  bool compares_with_any(const std::optional<T>& value) const;

  const OperatorRow* row_ = nullptr;
  Quantifier quantifier_ = Quantifier::none;
  bool if_exists_ = false;
  std::string operator_name_;
  std::string key_;
  std::vector<Operand> operands_;
};

}  // namespace sallyport::policy
