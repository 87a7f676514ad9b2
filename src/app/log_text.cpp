#include "app/log_text.hpp"

#include <array>
#include <cstdint>

#include "base/text.hpp"

namespace sallyport::app {
namespace {

constexpr std::size_t text_bytes_max = 16 * 1024;
constexpr std::string_view grey = "\x1b[90m", plain = "\x1b[0m";
// Those that can be read on light and dark ground; red and yellow mean something else in this log.
constexpr std::array<std::string_view, 6> colours_of_functions{"\x1b[36m", "\x1b[32m", "\x1b[35m", "\x1b[34m", "\x1b[96m", "\x1b[95m"};

std::string_view colour_of(std::string_view function) {
  std::uint32_t hash = 2'166'136'261;  // FNV-1a: a function keeps its colour from run to run
  for (const char c : function) hash = (hash ^ static_cast<unsigned char>(c)) * 16'777'619;
  return colours_of_functions[hash % colours_of_functions.size()];
}

}  // namespace

void append_printable(std::string& out, std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  // A log line is one line: control characters of clients and functions must not forge another.
  for (char c : text.substr(0, text_bytes_max)) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte >= 0x20 && byte != 0x7f) || c == '\t')
      out.push_back(c);
    else if (c == '\r' || c == '\n')
      out.append("\n    ");
    else
      out.append("\\x").push_back(digits[byte >> 4]), out.push_back(digits[byte & 15]);
  }
}

std::string log_text(const ShownLine& line, bool colours) {
  std::string out;
  const auto id = colours ? line.request_id.substr(0, line.request_id.find('-')) : line.request_id;
  if (colours) out += line.platform ? grey : colour_of(line.function);
  out += cat("[", line.function, id.empty() ? "" : " ", id, "] ");
  if (colours && !line.platform) out += plain;
  append_printable(out, line.text);
  if (colours && line.platform) out += plain;
  return out;
}

}  // namespace sallyport::app
