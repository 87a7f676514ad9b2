// Saver and Loader: states as records of JSON text. One description of each type serves both directions: a template beside it,
//   template <class A, class T> requires std::same_as<std::remove_const_t<T>, Thing> void fields(A& archive, T& x),
// names its members to an archive that writes or reads them. Enumerations go by `name_of`, empty for a value that is none.
#pragma once

#include <charconv>
#include <chrono>
#include <concepts>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/clock.hpp"
#include "base/shared.hpp"
#include "base/text.hpp"
#include "json/value.hpp"

namespace sallyport::control {

template <class E>
concept NamedEnum = std::is_enum_v<E> && requires(E e) {
  { name_of(e) } -> std::same_as<std::string_view>;
};

class Saver {
 public:
  json::Object out;

  /// Members that are empty or zero are left out. One whose default is something else is written with `always`: zero would come back as
  /// the default.
  template <class T>
  void operator()(std::string_view name, const T& member) {
    if constexpr (std::equality_comparable<T>)
      if (member == T{}) return;
    always(name, member);
  }
  template <class T>
  void always(std::string_view name, const T& member) {
    out.emplace_back(name, write(member));
  }

  static json::Value write(const std::string& text) { return text; }
  static json::Value write(bool flag) { return flag; }
  static json::Value write(int number) { return number; }
  static json::Value write(double number) {
    char text[32];
    return json::Number{std::string(text, std::to_chars(text, text + sizeof text, number).ptr)};
  }
  static json::Value write(WallTime time) { return time.time_since_epoch().count(); }
  template <class Rep, class Period>
  static json::Value write(std::chrono::duration<Rep, Period> time) {
    return time.count();
  }
  template <NamedEnum E>
  static json::Value write(E value) {
    return name_of(value);
  }
  template <class T>
  static json::Value write(const std::optional<T>& member) {
    return member ? write(*member) : json::Value();
  }
  template <class T>
  static json::Value write(const Shared<T>& member) {
    return write(*member);
  }
  template <class T>
  static json::Value write(const std::shared_ptr<const T>& member) {
    return write(*member);
  }
  template <class T>
  static json::Value write(const std::vector<T>& list) {
    json::Array array;
    for (const auto& each : list) array.push_back(write(each));
    return array;
  }
  template <class T>
  static json::Value write(const std::map<std::string, T, std::less<>>& map) {
    json::Object object;
    for (const auto& [key, member] : map) object.emplace_back(key, write(member));
    return object;
  }
  template <class T>
    requires requires(Saver& saver, const T& x) { fields(saver, x); }
  static json::Value write(const T& x) {
    Saver inner;
    fields(inner, x);
    return std::move(inner.out);
  }
};

class Loader {
 public:
  explicit Loader(const json::Value& value) : value_(value) {}
  bool good = true;

  template <class T>
  void operator()(std::string_view name, T& member) {
    if (const auto* found = value_.find(name)) good = read(*found, member) && good;
  }
  /// Of what must not fall back to a default.
  template <class T>
  void always(std::string_view name, T& member) {
    const auto* found = value_.find(name);
    good = found && read(*found, member) && good;
  }

  static bool read(const json::Value& value, std::string& text) {
    if (value.string()) text = *value.string();
    return value.string() != nullptr;
  }
  static bool read(const json::Value& value, bool& flag) {
    if (value.boolean()) flag = *value.boolean();
    return value.boolean() != nullptr;
  }
  static bool read(const json::Value& value, int& number) {
    const auto found = value.number() ? parse_number<int>(value.number()->text) : std::nullopt;
    number = found.value_or(number);
    return found.has_value();
  }
  static bool read(const json::Value& value, double& number) {
    if (!value.number()) return false;
    const auto& text = value.number()->text;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
    return result.ec == std::errc() && result.ptr == text.data() + text.size();
  }
  static bool read(const json::Value& value, WallTime& time) {
    const auto count = value.integer();
    time = WallTime(WallTime::duration(count.value_or(0)));
    return count.has_value();
  }
  template <class Rep, class Period>
  static bool read(const json::Value& value, std::chrono::duration<Rep, Period>& time) {
    const auto count = value.integer();
    time = std::chrono::duration<Rep, Period>(count.value_or(0));
    return count.has_value();
  }
  template <NamedEnum E>
  static bool read(const json::Value& value, E& out) {
    if (!value.string()) return false;
    for (int i = 0; !name_of(static_cast<E>(i)).empty(); ++i)
      if (name_of(static_cast<E>(i)) == *value.string()) {
        out = static_cast<E>(i);
        return true;
      }
    return false;
  }
  template <class T>
  static bool read(const json::Value& value, std::optional<T>& member) {
    return read(value, member.emplace());
  }
  template <class T>
  static bool read(const json::Value& value, Shared<T>& member) {
    return read(value, member.edit());
  }
  template <class T>
  static bool read(const json::Value& value, std::shared_ptr<const T>& member) {
    auto made = std::make_shared<T>();
    const bool good = read(value, *made);
    member = std::move(made);
    return good;
  }
  template <class T>
  static bool read(const json::Value& value, std::vector<T>& list) {
    if (!value.array()) return false;
    bool good = true;
    for (const auto& each : *value.array()) good = read(each, list.emplace_back()) && good;
    return good;
  }
  template <class T>
  static bool read(const json::Value& value, std::map<std::string, T, std::less<>>& map) {
    if (!value.object()) return false;
    bool good = true;
    for (const auto& [key, each] : *value.object()) good = read(each, map[key]) && good;
    return good;
  }
  template <class T>
    requires requires(Loader& loader, T& x) { fields(loader, x); }
  static bool read(const json::Value& value, T& x) {
    if (!value.object()) return false;
    Loader inner(value);
    fields(inner, x);
    return inner.good;
  }

 private:
  const json::Value& value_;
};

/// Walks two ordered maps together: calls `each(key, before or null, after or null)`.
template <class Map, class Each>
void compare(const Map& before, const Map& after, Each each) {
  const typename Map::mapped_type* const none = nullptr;
  auto b = before.begin();
  auto a = after.begin();
  while (b != before.end() || a != after.end()) {
    if (a == after.end() || (b != before.end() && b->first < a->first)) {
      each(b->first, &b->second, none);
      ++b;
    } else if (b == before.end() || a->first < b->first) {
      each(a->first, none, &a->second);
      ++a;
    } else {
      each(a->first, &b->second, &a->second);
      ++a, ++b;
    }
  }
}

}  // namespace sallyport::control
