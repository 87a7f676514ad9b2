#include "policy/condition.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace sallyport::policy {
namespace {

enum class Family : std::uint8_t { text, text_blind, text_like, number, date, boolean, binary, address, arn, null };
enum class Order : std::uint8_t { equal, less, less_equal, greater, greater_equal };

}  // namespace

struct OperatorRow {
  std::string_view name;
  Family family;
  bool negated = false;
  Order order = Order::equal;
};

namespace {

constexpr OperatorRow operators[] = {
    {"StringEquals", Family::text},
    {"StringNotEquals", Family::text, true},
    {"StringEqualsIgnoreCase", Family::text_blind},
    {"StringNotEqualsIgnoreCase", Family::text_blind, true},
    {"StringLike", Family::text_like},
    {"StringNotLike", Family::text_like, true},
    {"NumericEquals", Family::number},
    {"NumericNotEquals", Family::number, true},
    {"NumericLessThan", Family::number, false, Order::less},
    {"NumericLessThanEquals", Family::number, false, Order::less_equal},
    {"NumericGreaterThan", Family::number, false, Order::greater},
    {"NumericGreaterThanEquals", Family::number, false, Order::greater_equal},
    {"DateEquals", Family::date},
    {"DateNotEquals", Family::date, true},
    {"DateLessThan", Family::date, false, Order::less},
    {"DateLessThanEquals", Family::date, false, Order::less_equal},
    {"DateGreaterThan", Family::date, false, Order::greater},
    {"DateGreaterThanEquals", Family::date, false, Order::greater_equal},
    {"Bool", Family::boolean},
    {"BinaryEquals", Family::binary},
    {"IpAddress", Family::address},
    {"NotIpAddress", Family::address, true},
    {"ArnEquals", Family::arn},
    {"ArnLike", Family::arn},
    {"ArnNotEquals", Family::arn, true},
    {"ArnNotLike", Family::arn, true},
    {"Null", Family::null},
};

const OperatorRow* find_operator(std::string_view name) {
  for (const auto& row : operators)
    if (equals_ignoring_case(row.name, name)) return &row;
  return nullptr;
}

template <class T>
bool ordered(const T& a, Order order, const T& b) {
  switch (order) {
    case Order::equal: return a == b;
    case Order::less: return a < b;
    case Order::less_equal: return a <= b;
    case Order::greater: return a > b;
    case Order::greater_equal: return a >= b;
  }
  return false;
}

bool ordered(const Address& a, Order, const Network& network) { return network.contains(a); }

bool is_blank(const ContextKey* key) {
  return !key || std::ranges::all_of(key->values, [](std::string_view value) { return value.empty(); });
}

}  // namespace

Result<Condition::Operand> Condition::compile_operand(const OperatorRow& row, std::string_view text, bool variables) {
  Operand operand{std::string(text), {}};
  const auto read = [&](auto value, std::string_view what) -> Result<Operand> {
    if (!value) return fail(cat("`", text, "` is not ", what));
    operand.value = *value;
    return std::move(operand);
  };
  Pattern::Rules rules{.variables = variables};
  switch (row.family) {
    case Family::number: return read(parse_decimal(text), "a number");
    case Family::date: return read(parse_date(text), "an ISO 8601 date with time zone or a number of seconds");
    case Family::boolean:
    case Family::null: return read(parse_boolean(text), "true or false");
    case Family::address: return read(parse_network(text), "an IP address or a CIDR block");
    case Family::binary:
      if (!from_base64(text)) return fail(cat("`", text, "` is not base64"));
      return operand;
    case Family::text_blind: rules.ignore_case = true; break;
    case Family::text_like: rules.wildcards = Wildcards::free; break;
    case Family::arn: rules.wildcards = Wildcards::arn; break;
    case Family::text: break;
  }
  auto pattern = Pattern::compile(text, rules);
  if (!pattern) return fail(pattern.error().message);
  if (row.family == Family::arn && !pattern->has_variables() && !arn_subject(text).is_arn())
    return fail(cat("`", text, "` is not an ARN of six parts"));
  operand.value = std::move(*pattern);
  return operand;
}

Result<Condition> Condition::compile(std::string_view operator_name, std::string_view key, std::span<const std::string> values,
                                     bool variables) {
  Condition condition;
  condition.operator_name_ = operator_name;
  auto name = operator_name;
  for (const auto& [prefix, quantifier] :
       {std::pair{std::string_view("ForAllValues:"), Quantifier::all}, {"ForAnyValue:", Quantifier::any}})
    if (starts_with_ignoring_case(name, prefix)) {
      condition.quantifier_ = quantifier;
      name.remove_prefix(prefix.size());
      break;
    }
  constexpr std::string_view suffix = "IfExists";
  if (name.size() > suffix.size() && equals_ignoring_case(name.substr(name.size() - suffix.size()), suffix)) {
    condition.if_exists_ = true;
    name.remove_suffix(suffix.size());
  }
  condition.row_ = find_operator(name);
  const bool is_null = condition.row_ && condition.row_->family == Family::null;
  if (!condition.row_ || (is_null && (condition.if_exists_ || condition.quantifier_ != Quantifier::none)))
    return fail(cat("unknown condition operator `", operator_name, "`"));
  if (key.find(':') == key.npos) return fail(cat("`", key, "` is no condition key: it has no service prefix"));
  condition.key_ = lower(key);
  for (const auto& value : values) {
    auto operand = compile_operand(*condition.row_, value, variables);
    if (!operand) return fail(operand.error().message);
    condition.operands_.push_back(std::move(*operand));
  }
  return condition;
}

template <class T>
bool Condition::compares_with_any(const std::optional<T>& value) const {
  using Compared = std::conditional_t<std::is_same_v<T, Address>, Network, T>;
  return value && std::ranges::any_of(operands_, [&](const Operand& operand) {
           return ordered(*value, row_->order, *std::get_if<Compared>(&operand.value));
         });
}

bool Condition::equals_any(std::string_view value, std::span<const ContextKey> context) const {
  const auto matches_any = [&](const Subject& subject) {
    return std::ranges::any_of(operands_,
                               [&](const Operand& operand) { return std::get_if<Pattern>(&operand.value)->matches(subject, context); });
  };
  switch (row_->family) {
    case Family::text:
    case Family::text_blind:
    case Family::text_like: return matches_any({value});
    case Family::arn: {
      const auto subject = arn_subject(value);
      return subject.is_arn() && matches_any(subject);
    }
    case Family::number: return compares_with_any(parse_decimal(value));
    case Family::date: return compares_with_any(parse_date(value));
    case Family::boolean: return compares_with_any(parse_boolean(value));
    case Family::address: return compares_with_any(parse_address(value));
    // Both sides are base64, which has one spelling for given bytes.
    case Family::binary: return std::ranges::any_of(operands_, [&](const Operand& operand) { return operand.text == value; });
    case Family::null: return false;
  }
  return false;
}

bool Condition::test(std::span<const ContextKey> context) const {
  const auto* key = find_key(context, key_);
  const bool negated = row_->negated;
  if (row_->family == Family::null) return compares_with_any(std::optional(is_blank(key)));
  switch (quantifier_) {
    case Quantifier::none:
      if (!key) return negated || if_exists_;
      return negated != std::ranges::any_of(key->values, [&](std::string_view value) { return equals_any(value, context); });
    case Quantifier::all:
      return is_blank(key) ||
             std::ranges::all_of(key->values, [&](std::string_view value) { return negated != equals_any(value, context); });
    case Quantifier::any:
      return !is_blank(key) &&
             std::ranges::any_of(key->values, [&](std::string_view value) { return negated != equals_any(value, context); });
  }
  return false;
}

std::string Condition::mismatch(std::span<const ContextKey> context) const {
  std::string wanted = "[";
  for (const auto& operand : operands_) wanted += cat(wanted.size() > 1 ? ", " : "", operand.text);
  wanted += "]";
  auto text = cat("condition ", operator_name_, " ", key_, ": ");
  const auto* key = find_key(context, key_);
  if (row_->family == Family::null) return text += cat("the request ", key ? "has" : "does not have", " the key, wanted absent ", wanted);
  if (!key) return text += cat("the request does not have the key, wanted ", wanted);
  std::string got;
  for (const auto value : key->values) got += cat(got.empty() ? "`" : ", `", value, "`");
  const bool block = row_->family == Family::address, like = row_->family == Family::text_like || row_->family == Family::arn;
  std::string_view relation = block ? "in" : like ? "like any of" : "among";
  switch (row_->order) {
    case Order::equal: break;
    case Order::less: relation = "less than"; break;
    case Order::less_equal: relation = "at most"; break;
    case Order::greater: relation = "greater than"; break;
    case Order::greater_equal: relation = "at least"; break;
  }
  return text += cat(got, row_->negated ? " is " : " is not ", relation, " ", wanted);
}

}  // namespace sallyport::policy
