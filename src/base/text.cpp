#include "base/text.hpp"

#include <cmath>

namespace sallyport {

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out) c = to_lower(c);
  return out;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  return true;
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && equals_ignoring_case(text.substr(0, prefix.size()), prefix);
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (const auto& part : parts) {
    if (&part != &parts.front()) out.append(separator);
    out.append(part);
  }
  return out;
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  for (;;) {
    const auto at = text.find(from);
    if (at == std::string_view::npos) return out.append(text);
    out.append(text.substr(0, at)).append(to);
    text.remove_prefix(at + from.size());
  }
}

void append_fixed2(std::string& out, double number) {
  const auto hundredths = static_cast<std::int64_t>(std::llround(number * 100));
  append(out, hundredths / 100);
  out.push_back('.');
  out.push_back(static_cast<char>('0' + hundredths / 10 % 10));
  out.push_back(static_cast<char>('0' + hundredths % 10));
}

std::size_t valid_utf8_prefix(std::string_view text) {
  std::size_t i = 0;
  const auto at = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
  while (i < text.size()) {
    const unsigned char c = at(i);
    std::size_t length = 0;
    unsigned char low = 0x80, high = 0xBF;
    if (c < 0x80) {
      ++i;
      continue;
    }
    if (c >= 0xC2 && c <= 0xDF)
      length = 1;
    else if (c == 0xE0) {
      length = 2;
      low = 0xA0;
    } else if (c == 0xED) {
      length = 2;
      high = 0x9F;
    } else if (c >= 0xE1 && c <= 0xEF)
      length = 2;
    else if (c == 0xF0) {
      length = 3;
      low = 0x90;
    } else if (c >= 0xF1 && c <= 0xF3)
      length = 3;
    else if (c == 0xF4) {
      length = 3;
      high = 0x8F;
    } else
      return i;
    if (i + length >= text.size()) return i;
    if (at(i + 1) < low || at(i + 1) > high) return i;
    for (std::size_t k = 2; k <= length; ++k)
      if (at(i + k) < 0x80 || at(i + k) > 0xBF) return i;
    i += length + 1;
  }
  return i;
}

}  // namespace sallyport
