#define OPENSSL_SUPPRESS_DEPRECATED  // the block function of SHA-256 is all that is wanted here
#include "crypto/digest.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

namespace sallyport::crypto {
namespace {

constexpr unsigned char inner_pad = 0x36, outer_pad = 0x5c;  // RFC 2104

const unsigned char* raw(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

}  // namespace

std::string sha256(std::string_view bytes) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(raw(bytes), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

// RFC 2104 over OpenSSL's block function. HMAC() looks its algorithm up by name in every call, which costs ten times the hashing of texts
// as short as those of request signatures, and five of them are made for each signed request.
std::string hmac_sha256(std::string_view key, std::string_view message) {
  std::array<unsigned char, SHA256_CBLOCK> pad{};
  if (key.size() > pad.size()) {
    SHA256(raw(key), key.size(), pad.data());
  } else {
    std::copy(key.begin(), key.end(), pad.begin());
  }
  for (auto& byte : pad) byte ^= inner_pad;
  std::string code(SHA256_DIGEST_LENGTH, '\0');
  auto* digest = reinterpret_cast<unsigned char*>(code.data());
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, pad.data(), pad.size());
  SHA256_Update(&context, message.data(), message.size());
  SHA256_Final(digest, &context);
  for (auto& byte : pad) byte ^= inner_pad ^ outer_pad;
  SHA256_Init(&context);
  SHA256_Update(&context, pad.data(), pad.size());
  SHA256_Update(&context, digest, code.size());
  SHA256_Final(digest, &context);
  OPENSSL_cleanse(pad.data(), pad.size());
  OPENSSL_cleanse(&context, sizeof context);
  return code;
}

bool equals_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace sallyport::crypto
