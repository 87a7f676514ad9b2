// JSON as a value that keeps what matters for pass-through and refusals: the order of members and the text of numbers.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sallyport::json {

class Value;
using Array = std::vector<Value>;
using Member = std::pair<std::string, Value>;
/// Members in the order of the text; names are unique (the parser refuses duplicates).
using Object = std::vector<Member>;
/// A number as it was written, e.g. `1.0` or `12345678901234567890`.
struct Number {
  std::string text;
  bool operator==(const Number&) const = default;
};

/// One JSON value (RFC 8259) that owns all below it. Accessors give null for another kind; their pointers last until the value changes.
/// `==` compares numbers as they are written and members in their order.
class Value {
 public:
  Value() = default;
  Value(std::nullptr_t) {}
  template <std::same_as<bool> B>  // nothing that merely converts: a pointer is no boolean
  Value(B b) : data_(b) {}
  Value(Number n) : data_(std::move(n)) {}
  Value(std::string s) : data_(std::move(s)) {}
  Value(std::string_view s) : data_(std::string(s)) {}
  Value(const char* s) : data_(std::string(s)) {}
  Value(Array a) : data_(std::move(a)) {}
  Value(Object o) : data_(std::move(o)) {}
  template <std::integral T>
    requires(!std::same_as<T, bool> && !std::same_as<T, char>)
  Value(T n) : data_(Number{std::to_string(n)}) {}

  bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
  const bool* boolean() const { return std::get_if<bool>(&data_); }
  const Number* number() const { return std::get_if<Number>(&data_); }
  const std::string* string() const { return std::get_if<std::string>(&data_); }
  const Array* array() const { return std::get_if<Array>(&data_); }
  const Object* object() const { return std::get_if<Object>(&data_); }
  std::string* string() { return std::get_if<std::string>(&data_); }
  Array* array() { return std::get_if<Array>(&data_); }
  Object* object() { return std::get_if<Object>(&data_); }

  /// The member of that name; null when this is no object or has no such member.
  const Value* find(std::string_view name) const;
  /// Replaces or appends a member. REQUIRES: this is an object, or null (which becomes an empty object).
  void set(std::string_view name, Value value);
  /// The number as an integer, when it is one and fits.
  std::optional<std::int64_t> integer() const;
  /// "null", "a boolean", "a number", "a string", "a list" or "an object": for messages.
  std::string_view kind() const;

  bool operator==(const Value&) const = default;

 private:
  std::variant<std::monostate, bool, Number, std::string, Array, Object> data_;
};

}  // namespace sallyport::json
