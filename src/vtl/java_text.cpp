#include "vtl/java_text.hpp"

#include <string.h>

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace sallyport::vtl {
namespace {

bool is_ascii(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return (c & 0x80) != 0; });
}

bool continues(char c) { return (c & 0xc0) == 0x80; }
// A character of four bytes is two units, every other is one.
int units(char first) { return (first & 0xf8) == 0xf0 ? 2 : 1; }

struct Character {
  char32_t code;
  std::size_t size;
};

// REQUIRES: not empty. A byte that begins no character is itself.
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto more = [&](std::size_t count) {
    if (text.size() <= count) return false;
    for (std::size_t i = 1; i <= count; ++i)
      if (!continues(text[i])) return false;
    return true;
  };
  const auto first = byte(0);
  if (first >= 0xf0 && first < 0xf8 && more(3))
    return {static_cast<char32_t>((first & 7) << 18 | (byte(1) & 63) << 12 | (byte(2) & 63) << 6 | (byte(3) & 63)), 4};
  if (first >= 0xe0 && first < 0xf0 && more(2))
    return {static_cast<char32_t>((first & 15) << 12 | (byte(1) & 63) << 6 | (byte(2) & 63)), 3};
  if (first >= 0xc0 && first < 0xe0 && more(1)) return {static_cast<char32_t>((first & 31) << 6 | (byte(1) & 63)), 2};
  return {first, 1};
}

void append_character(std::string& out, char32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 63));
  } else {
    out += static_cast<char>(0xe0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 63));
    out += static_cast<char>(0x80 | (code & 63));
  }
}

bool between(char32_t code, char32_t from, char32_t to) { return code >= from && code <= to; }

char32_t upper(char32_t c) {
  if (between(c, 'a', 'z') || (between(c, 0xe0, 0xfe) && c != 0xf7) || between(c, 0x3b1, 0x3c1) || between(c, 0x3c3, 0x3cb) ||
      between(c, 0x430, 0x44f))
    return c - 32;
  if (between(c, 0x450, 0x45f)) return c - 80;
  return c == 0xff ? 0x178 : c == 0x3c2 ? 0x3a3 : c;
}

char32_t lower(char32_t c) {
  if (between(c, 'A', 'Z') || (between(c, 0xc0, 0xde) && c != 0xd7) || between(c, 0x391, 0x3a1) || between(c, 0x3a3, 0x3ab) ||
      between(c, 0x410, 0x42f))
    return c + 32;
  return between(c, 0x400, 0x40f) ? c + 80 : c == 0x178 ? 0xff : c;
}

template <class Change>
std::string change_each(std::string_view text, Change change) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto [code, size] = first_character(text);
    const auto changed = change(code);
    if (changed == code)
      out.append(text.substr(0, size));
    else
      append_character(out, changed);
    text.remove_prefix(size);
  }
  return out;
}

void append_unit(std::string& out, char32_t unit) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += digits[unit >> shift & 15];
}

}  // namespace

std::int64_t java_length(std::string_view text) { return java_position(text, text.size()); }

std::optional<std::size_t> java_offset(std::string_view text, std::int64_t position) {
  if (position < 0) return std::nullopt;
  if (is_ascii(text))
    return static_cast<std::size_t>(position) <= text.size() ? std::optional(static_cast<std::size_t>(position)) : std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (continues(text[i])) continue;
    if (position < units(text[i])) return i;
    position -= units(text[i]);
  }
  return position == 0 ? std::optional(text.size()) : std::nullopt;
}

std::int64_t java_position(std::string_view text, std::size_t offset) {
  std::int64_t position = 0;
  for (char c : text.substr(0, offset))
    if (!continues(c)) position += units(c);
  return position;
}

std::size_t find_text(std::string_view text, std::string_view part, std::size_t from) {
  if (from > text.size()) return text.npos;
  if (part.empty()) return from;
  const auto* found = static_cast<const char*>(memmem(text.data() + from, text.size() - from, part.data(), part.size()));
  return found ? static_cast<std::size_t>(found - text.data()) : text.npos;
}

std::size_t find_last_text(std::string_view text, std::string_view part, std::size_t from) {
  if (part.size() > text.size()) return text.npos;
  from = std::min(from, text.size() - part.size());
  // The first occurrence in the reversed text is the last one in the text.
  const std::string back(text.rend() - static_cast<std::ptrdiff_t>(from + part.size()), text.rend());
  const std::string part_back(part.rbegin(), part.rend());
  const auto found = find_text(back, part_back);
  return found == std::string::npos ? text.npos : from - found;
}

std::string java_upper(std::string_view text) {
  auto result = change_each(text, upper);
  constexpr std::string_view sharp_s = "\xc3\x9f";
  return result.find(sharp_s) == result.npos ? result : replace_all(result, sharp_s, "SS");
}

std::string java_lower(std::string_view text) {
  return change_each(text, [](char32_t c) { return lower(c); });
}

std::string_view java_trim(std::string_view text) {
  const auto blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::int32_t java_hash(std::string_view text) {
  std::uint32_t hash = 0;
  while (!text.empty()) {
    const auto [code, size] = first_character(text);
    if (code < 0x10000) {
      hash = hash * 31 + code;
    } else {
      hash = hash * 31 + (0xd800 + ((code - 0x10000) >> 10));
      hash = hash * 31 + (0xdc00 + ((code - 0x10000) & 0x3ff));
    }
    text.remove_prefix(size);
  }
  return static_cast<std::int32_t>(hash);
}

std::string escape_java_script(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  while (!text.empty()) {
    const auto [code, size] = first_character(text);
    text.remove_prefix(size);
    constexpr std::string_view named = "\b\t\n\f\r", names = "btnfr";
    if (code >= 0x10000) {
      append_unit(out, 0xd800 + ((code - 0x10000) >> 10));
      append_unit(out, 0xdc00 + ((code - 0x10000) & 0x3ff));
    } else if (code > 0x7f) {
      append_unit(out, code);
    } else if (const auto at = named.find(static_cast<char>(code)); at != named.npos) {
      out += '\\';
      out += names[at];
    } else if (code < 0x20) {
      append_unit(out, code);
    } else {
      if (code == '\'' || code == '"' || code == '\\' || code == '/') out += '\\';
      out += static_cast<char>(code);
    }
  }
  return out;
}

std::string form_encode(std::string_view text) {
  // `*` is kept, `~` is not; the space is written apart.
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    if (is_alpha(c) || is_digit(c) || c == '-' || c == '_' || c == '.' || c == '*') {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

std::optional<std::string> form_decode(std::string_view text) {
  auto decoded = percent_decode(text, Plus::is_space);
  if (!decoded) return std::nullopt;
  return well_formed(std::move(*decoded));
}

std::string well_formed(std::string text) {
  auto valid = valid_utf8_prefix(text);
  if (valid == text.size()) return text;
  std::string out;
  std::string_view rest = text;
  while (!rest.empty()) {
    valid = valid_utf8_prefix(rest);
    out.append(rest.substr(0, valid));
    rest.remove_prefix(valid);
    if (rest.empty()) break;
    out += "\xef\xbf\xbd";
    rest.remove_prefix(1);
  }
  return out;
}

}  // namespace sallyport::vtl
