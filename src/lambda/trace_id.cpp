#include "lambda/trace_id.hpp"

#include <array>
#include <span>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace sallyport::lambda {

std::string make_trace_id(const std::string_view* sent, WallTime now, Random& random) {
  const auto random_hex = [&random](std::size_t bytes) {
    std::array<std::byte, 12> buffer{};
    random.fill(std::span(buffer).first(bytes));
    return to_hex({reinterpret_cast<const char*>(buffer.data()), bytes});
  };
  std::string root, parent, sampled;
  if (sent)
    for (auto part : split(*sent, ';')) {
      part = trim(part);
      if (part.starts_with("Root=")) root = part;
      if (part.starts_with("Parent=")) parent = part;
      if (part.starts_with("Sampled=")) sampled = part;
    }
  if (root.empty()) {
    std::string seconds;
    const auto time = static_cast<std::uint32_t>(to_epoch_ms(now) / 1000);
    for (int shift = 24; shift >= 0; shift -= 8) seconds.push_back(static_cast<char>(time >> shift));
    root = cat("Root=1-", to_hex(seconds), "-", random_hex(12));
    parent.clear();
  }
  if (parent.empty()) parent = cat("Parent=", random_hex(8));
  if (sampled.empty()) sampled = "Sampled=0";
  return cat(root, ";", parent, ";", sampled);
}

}  // namespace sallyport::lambda
