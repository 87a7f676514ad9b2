#include "vtl/value.hpp"

#include <charconv>
#include <cmath>
#include <limits>

#include "base/text.hpp"

namespace sallyport::vtl {
namespace {

constexpr std::size_t indexed_from = 12;  // entries; below that looking at each is faster

bool is_integer_text(std::string_view number) { return number.find_first_of(".eE") == number.npos; }

/// Text that differs for different keys.
std::string key_of(const Value& key) {
  switch (key.kind) {
    case Value::Kind::text: return cat("t", key.view());
    case Value::Kind::big: return cat("n", key.view());
    case Value::Kind::integer: return cat("n", key.as.integer);
    case Value::Kind::real: return cat("r", java_text(key.as.real));
    case Value::Kind::boolean: return key.as.boolean ? "true" : "false";
    case Value::Kind::null: return "0";
    default: return cat("p", reinterpret_cast<std::uintptr_t>(key.as.chars));
  }
}

bool same_key(const Value& a, const Value& b) {
  if (a.kind != b.kind) return false;
  if (a.kind == Value::Kind::text) return a.view() == b.view();
  return key_of(a) == key_of(b);
}

}  // namespace

Value Heap::from_json(const json::Value& document) {
  if (const auto* text = document.string()) return Value::text(*text);
  if (const auto* b = document.boolean()) return Value::boolean(*b);
  if (const auto* number = document.number()) {
    if (is_integer_text(number->text)) {
      if (auto n = document.integer()) return Value::integer(*n);
      return Value::big(number->text);
    }
    double real = 0;
    std::from_chars(number->text.data(), number->text.data() + number->text.size(), real);
    return Value::real(real);
  }
  if (const auto* array = document.array()) {
    auto* made = list();
    made->source = array;
    made->is_json = true;
    return Value::list(made);
  }
  if (const auto* object = document.object()) {
    auto* made = map();
    made->source = object;
    return Value::map(made);
  }
  return {};
}

std::vector<Value>& Heap::items(List& list) {
  if (list.source) {
    list.items.reserve(list.source->size());
    for (const auto& item : *list.source) list.items.push_back(from_json(item));
    list.source = nullptr;
  }
  return list.items;
}

std::vector<Entry>& Heap::items(Map& map) {
  if (map.source) {
    map.items.reserve(map.source->size());
    for (const auto& [name, value] : *map.source) map.items.push_back({Value::text(name), from_json(value)});
    map.source = nullptr;
  }
  return map.items;
}

Value* Heap::find(Map& map, const Value& key) {
  auto& entries = items(map);
  if (entries.size() < indexed_from) {
    for (auto& entry : entries)
      if (same_key(entry.key, key)) return &entry.value;
    return nullptr;
  }
  if (map.places.empty())
    for (std::uint32_t i = 0; i < entries.size(); ++i) map.places.emplace(key_of(entries[i].key), i);
  const auto place = map.places.find(key_of(key));
  return place == map.places.end() ? nullptr : &entries[place->second].value;
}

void Heap::put(Map& map, const Value& key, const Value& value) {
  if (auto* present = find(map, key)) {
    *present = value;
    return;
  }
  if (!map.places.empty()) map.places.emplace(key_of(key), static_cast<std::uint32_t>(map.items.size()));
  map.items.push_back({key, value});
}

Value Heap::remove(Map& map, const Value& key) {
  auto* present = find(map, key);
  if (!present) return {};
  const Value former = *present;
  std::erase_if(map.items, [&](const Entry& entry) { return &entry.value == present; });
  map.places.clear();
  return former;
}

std::string java_text(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number < 0 ? "-Infinity" : "Infinity";
  if (number == 0) return std::signbit(number) ? "-0.0" : "0.0";
  // The shortest digits that read back as the same number: d.ddde±xx
  char buffer[40];
  const auto written = std::to_chars(buffer, buffer + sizeof buffer, std::fabs(number), std::chars_format::scientific);
  const std::string_view text(buffer, static_cast<std::size_t>(written.ptr - buffer));
  const auto e = text.find('e');
  std::string digits;
  for (char c : text.substr(0, e))
    if (c != '.') digits += c;
  const char* exponent_at = text.data() + e + 1 + (text[e + 1] == '+');
  int exponent = 0;
  std::from_chars(exponent_at, text.data() + text.size(), exponent);
  std::string result = number < 0 ? "-" : "";
  if (exponent < -3 || exponent >= 7) {
    if (digits.size() == 1) digits += '0';
    return result += cat(digits.substr(0, 1), ".", digits.substr(1), "E", exponent);
  }
  if (exponent < 0) return result += cat("0.", std::string(static_cast<std::size_t>(-exponent - 1), '0'), digits);
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() < whole + 1) digits.append(whole + 1 - digits.size(), '0');
  return result += cat(digits.substr(0, whole), ".", digits.substr(whole));
}

double to_real(const Value& number) {
  if (number.kind == Value::Kind::integer) return static_cast<double>(number.as.integer);
  if (number.kind == Value::Kind::real) return number.as.real;
  double real = 0;
  const auto text = number.view();
  if (std::from_chars(text.data(), text.data() + text.size(), real).ec != std::errc{})
    real = text.starts_with('-') ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  return real;
}

}  // namespace sallyport::vtl
