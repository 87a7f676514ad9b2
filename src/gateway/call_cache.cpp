#include "gateway/call_cache.hpp"

#include <bit>
#include <cstring>

namespace sallyport::gateway {
namespace {

struct SipState {
  std::uint64_t a, b, c, d;
  void round() {
    a += b, b = std::rotl(b, 13) ^ a, a = std::rotl(a, 32);
    c += d, d = std::rotl(d, 16) ^ c;
    a += d, d = std::rotl(d, 21) ^ a;
    c += b, b = std::rotl(b, 17) ^ c, c = std::rotl(c, 32);
  }
  void absorb(std::uint64_t word) {
    d ^= word;
    round();
    a ^= word;
  }
};

}  // namespace

std::uint64_t keyed_hash(const std::array<std::uint64_t, 2>& secret, std::string_view text) {
  SipState s{secret[0] ^ 0x736f6d6570736575, secret[1] ^ 0x646f72616e646f6d, secret[0] ^ 0x6c7967656e657261,
             secret[1] ^ 0x7465646279746573};
  const auto size = text.size();
  for (; text.size() >= 8; text.remove_prefix(8)) {
    std::uint64_t word;
    std::memcpy(&word, text.data(), 8);
    s.absorb(word);
  }
  std::uint64_t last = std::uint64_t{size} << 56;
  for (std::size_t i = 0; i < text.size(); ++i) last |= std::uint64_t{static_cast<unsigned char>(text[i])} << (8 * i);
  s.absorb(last);
  s.c ^= 0xff;
  for (int i = 0; i < 3; ++i) s.round();
  return s.a ^ s.b ^ s.c ^ s.d;
}

}  // namespace sallyport::gateway
