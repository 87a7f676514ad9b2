// Small text helpers every room uses. ASCII only: protocol text is ASCII, and locale must not matter.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport {

inline char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// A to Z become a to z; every other byte stays, those of UTF-8 too.
std::string lower(std::string_view text);
/// Case-blind for A to Z alone, as HTTP compares field names (RFC 9110, 5.1).
bool equals_ignoring_case(std::string_view a, std::string_view b);
/// The same for the first bytes of `text`; true for an empty `prefix`.
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix);
/// Without spaces and tabs at both ends (OWS, RFC 9110, 5.6.3). A view into `text`.
std::string_view trim(std::string_view text);
/// Always at least one part; neighbouring separators give empty parts. Views into `text`.
std::vector<std::string_view> split(std::string_view text, char separator);
/// The parts with the separator between each two; empty without parts.
std::string join(const std::vector<std::string>& parts, std::string_view separator);
/// Every occurrence, from left to right; what was put in is not looked at again. REQUIRES: `from` is not empty.
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

/// The whole text as a decimal number, or nothing.
template <std::integral T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

inline void append(std::string& out, std::string_view part) { out.append(part); }
inline void append(std::string& out, char part) { out.push_back(part); }
template <std::integral T>
  requires(!std::same_as<T, char> && !std::same_as<T, bool>)
void append(std::string& out, T number) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}
/// Two digits after the point, as AWS prints durations.
void append_fixed2(std::string& out, double number);

/// cat("stage ", name, " has ", 3, " routes")
template <class... Parts>
std::string cat(const Parts&... parts) {
  std::string out;
  (append(out, parts), ...);
  return out;
}

/// Length of the longest prefix that is well-formed UTF-8; equals text.size() when all of it is.
std::size_t valid_utf8_prefix(std::string_view text);

}  // namespace sallyport
