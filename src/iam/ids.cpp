#include "iam/ids.hpp"

#include <array>
#include <span>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace sallyport::iam {
namespace {

constexpr const char* base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::size_t account_digits = 12, key_characters = 16, prefix_characters = 4;

}  // namespace

std::string make_unique_id(Random& random, std::string_view prefix) { return cat(prefix, make_id(random, 17, base32)); }

// 80 bits: a one, the account in 40 bits, 39 random ones. Nobody can guess a secret by its id, so the id only has to be unique, and its
// maker looks whether it is.
std::string make_access_key_id(Random& random, std::string_view prefix, std::string_view account_id) {
  std::array<std::byte, 10> bytes;
  random.fill(bytes);
  const auto account = parse_number<std::uint64_t>(account_id).value_or(0);
  const std::uint64_t head = std::uint64_t{1} << 47 | account << 7 | (std::to_integer<std::uint64_t>(bytes[5]) & 0x7f);
  for (std::size_t i = 0; i < 6; ++i) bytes[i] = static_cast<std::byte>(head >> (40 - 8 * i));
  std::string out(prefix);
  for (std::size_t bit = 0; bit < 80; bit += 5) {
    unsigned value = 0;
    for (std::size_t i = bit; i < bit + 5; ++i) value = value << 1 | (std::to_integer<unsigned>(bytes[i / 8]) >> (7 - i % 8) & 1);
    out += base32[value];
  }
  return out;
}

std::optional<std::string> account_of_access_key_id(std::string_view access_key_id) {
  if (access_key_id.size() != prefix_characters + key_characters) return std::nullopt;
  if (!access_key_id.starts_with("AKIA") && !access_key_id.starts_with("ASIA")) return std::nullopt;
  const std::string_view alphabet = base32;
  std::uint64_t head = 0;  // ten characters are 50 bits, of which the first 48 count
  for (std::size_t i = prefix_characters; i < access_key_id.size(); ++i) {
    const auto value = alphabet.find(access_key_id[i]);
    if (value == alphabet.npos) return std::nullopt;
    if (i < prefix_characters + 10) head = head << 5 | value;
  }
  const auto account = head >> 9 & 0xff'ffff'ffff;
  auto digits = cat(account);
  if (digits.size() > account_digits) return std::nullopt;
  return std::string(account_digits - digits.size(), '0') + digits;
}

std::string make_secret_access_key(Random& random) {
  return make_id(random, 40, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
}

std::string make_session_token(Random& random) {
  std::string bytes(192, '\0');
  random.fill(std::as_writable_bytes(std::span(bytes)));
  return cat("IQoJb3JpZ2lu", to_base64(bytes));
}

}  // namespace sallyport::iam
