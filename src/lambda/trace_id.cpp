#include "lambda/trace_id.hpp"

#include <array>
#include <span>

#include "base/text.hpp"

namespace sallyport::lambda {
namespace {

constexpr std::size_t made_bytes_max = 96;

void append_hex(std::string& out, std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(digits[byte >> 4]);
    out.push_back(digits[byte & 15]);
  }
}

}  // namespace

std::string make_trace_id(const std::string_view* sent, WallTime now, Random& random) {
  std::string_view root, parent, sampled;
  if (sent)
    for (auto part : split(*sent, ';')) {
      part = trim(part);
      if (part.starts_with("Root=")) root = part;
      if (part.starts_with("Parent=")) parent = part;
      if (part.starts_with("Sampled=")) sampled = part;
    }
  std::string out;
  out.reserve(root.size() + parent.size() + sampled.size() + made_bytes_max);
  const auto append_random = [&](std::size_t bytes) {
    std::array<std::byte, 12> buffer;
    random.fill(std::span(buffer).first(bytes));
    append_hex(out, {reinterpret_cast<const char*>(buffer.data()), bytes});
  };
  if (root.empty()) {
    std::array<char, 4> seconds;
    auto time = static_cast<std::uint32_t>(to_epoch_ms(now) / 1000);
    for (auto byte = seconds.rbegin(); byte != seconds.rend(); ++byte, time >>= 8) *byte = static_cast<char>(time);
    out += "Root=1-";
    append_hex(out, {seconds.data(), seconds.size()});
    out += '-';
    append_random(12);
    parent = {};
  } else {
    out += root;
  }
  out += ';';
  if (parent.empty()) {
    out += "Parent=";
    append_random(8);
  } else {
    out += parent;
  }
  return out.append(";").append(sampled.empty() ? std::string_view("Sampled=0") : sampled);
}

std::string shown_trace_id(std::string_view made) {
  std::string out;
  for (const auto part : split(made, ';')) {
    if (!part.starts_with("Root=") && !part.starts_with("Sampled=")) continue;
    if (!out.empty()) out += ';';
    const auto value = part.find('=');
    out.append(lower(part.substr(0, value))).append(part.substr(value));
  }
  return out;
}

}  // namespace sallyport::lambda
