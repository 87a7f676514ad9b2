#include "base/clock.hpp"

#include <sys/random.h>

#include <array>
#include <cstdlib>
#include <cstring>

namespace sallyport {

WallTime SystemClock::wall_now() const { return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now()); }
MonotonicTime SystemClock::monotonic_now() const { return std::chrono::steady_clock::now(); }

void SystemRandom::fill(std::span<std::byte> out) {
  // A block a thread: bytes are handed out once and wiped, so an id costs a copy and not a system call.
  thread_local std::array<std::byte, 1024> block;
  thread_local std::size_t used = block.size();
  while (!out.empty()) {
    if (used == block.size()) {
      std::size_t have = 0;
      while (have < block.size()) {
        const auto got = getrandom(block.data() + have, block.size() - have, 0);
        if (got > 0)
          have += static_cast<std::size_t>(got);
        else if (errno != EINTR)
          std::abort();
      }
      used = 0;
    }
    const auto take = std::min(out.size(), block.size() - used);
    std::memcpy(out.data(), block.data() + used, take);
    std::memset(block.data() + used, 0, take);
    used += take;
    out = out.subspan(take);
  }
}

std::string make_uuid(Random& random) {
  std::array<std::byte, 16> bytes;
  random.fill(bytes);
  bytes[6] = (bytes[6] & std::byte{0x0f}) | std::byte{0x40};
  bytes[8] = (bytes[8] & std::byte{0x3f}) | std::byte{0x80};
  static constexpr char digits[] = "0123456789abcdef";
  std::string text(36, '-');
  std::size_t at = 0;
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) ++at;
    text[at++] = digits[std::to_integer<unsigned>(bytes[i]) >> 4];
    text[at++] = digits[std::to_integer<unsigned>(bytes[i]) & 15];
  }
  return text;
}

std::string make_id(Random& random, std::size_t count, const char* alphabet) {
  const std::size_t size = std::strlen(alphabet);
  const unsigned bound = 256 - 256 % static_cast<unsigned>(size);  // bytes at or above it would favour the first characters
  std::string text;
  while (text.size() < count) {
    std::array<std::byte, 32> bytes;
    random.fill(bytes);
    for (auto byte : bytes) {
      const auto value = std::to_integer<unsigned>(byte);
      if (value < bound && text.size() < count) text.push_back(alphabet[value % size]);
    }
  }
  return text;
}

std::int64_t to_epoch_ms(WallTime time) { return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count(); }

}  // namespace sallyport
