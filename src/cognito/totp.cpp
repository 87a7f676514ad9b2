#include "cognito/totp.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <chrono>
#include <span>

#include "crypto/digest.hpp"

namespace sallyport::cognito::totp {
namespace {

constexpr std::size_t secret_bytes = 32;
constexpr std::int64_t step_s = 30;
constexpr std::uint32_t modulus = 1'000'000;

}  // namespace

std::string make_secret(Random& random) {
  std::string secret(secret_bytes, '\0');
  random.fill(std::as_writable_bytes(std::span(secret)));
  return secret;
}

std::string to_base32(std::string_view bytes) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string out;
  std::uint32_t buffer = 0;
  int bits = 0;
  for (const char c : bytes) {
    buffer = (buffer << 8) | static_cast<unsigned char>(c);
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out += alphabet[(buffer >> bits) & 31u];
    }
  }
  if (bits > 0) out += alphabet[(buffer << (5 - bits)) & 31u];
  return out;
}

std::int64_t step_of(WallTime now) { return std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count() / step_s; }

std::string code_at(std::string_view secret, std::int64_t step) {
  std::array<unsigned char, 8> counter;
  for (std::size_t i = 0; i < counter.size(); ++i) counter[i] = static_cast<unsigned char>(step >> (56 - 8 * i));
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac;
  unsigned length = 0;
  if (!HMAC(EVP_sha1(), secret.data(), static_cast<int>(secret.size()), counter.data(), counter.size(), mac.data(), &length)) return {};
  const std::size_t offset = mac[length - 1] & 15u;
  const std::uint32_t number = (static_cast<std::uint32_t>(mac[offset] & 0x7Fu) << 24) |
                               (static_cast<std::uint32_t>(mac[offset + 1]) << 16) | (static_cast<std::uint32_t>(mac[offset + 2]) << 8) |
                               mac[offset + 3];
  auto digits = std::to_string(number % modulus);
  return std::string(6 - digits.size(), '0') + digits;
}

std::optional<std::int64_t> verify(std::string_view secret, std::string_view code, WallTime now, std::int64_t last_step) {
  if (secret.empty() || code.size() != 6) return std::nullopt;
  const auto present = step_of(now);
  std::optional<std::int64_t> found;
  for (auto step = present - 1; step <= present + 1; ++step)
    if (crypto::equals_in_constant_time(code_at(secret, step), code) && step > last_step) found = step;
  return found;
}

}  // namespace sallyport::cognito::totp
