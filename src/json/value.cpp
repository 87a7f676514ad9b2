#include "json/value.hpp"

#include "base/text.hpp"

namespace sallyport::json {

const Value* Value::find(std::string_view name) const {
  if (const auto* members = object())
    for (const auto& member : *members)
      if (member.first == name) return &member.second;
  return nullptr;
}

void Value::set(std::string_view name, Value value) {
  if (is_null()) data_ = Object{};
  auto& members = std::get<Object>(data_);
  for (auto& member : members)
    if (member.first == name) {
      member.second = std::move(value);
      return;
    }
  members.emplace_back(std::string(name), std::move(value));
}

std::optional<std::int64_t> Value::integer() const {
  const auto* n = number();
  return n ? parse_number<std::int64_t>(n->text) : std::nullopt;
}

std::string_view Value::kind() const {
  static constexpr std::string_view names[] = {"null", "a boolean", "a number", "a string", "a list", "an object"};
  return names[data_.index()];
}

}  // namespace sallyport::json
