#include "crypto/digest.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <climits>
#include <stdexcept>

namespace sallyport::crypto {
namespace {

const unsigned char* raw(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

}  // namespace

std::string sha256(std::string_view bytes) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(raw(bytes), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

std::string hmac_sha256(std::string_view key, std::string_view message) {
  if (key.size() > INT_MAX) throw std::length_error("hmac_sha256: key too long");
  // With a null pointer OpenSSL would go on with the key of an earlier call, so an empty key needs an address.
  if (!key.data()) key = "";
  std::string code(SHA256_DIGEST_LENGTH, '\0');
  unsigned int size = 0;
  if (!HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), raw(message), message.size(),
            reinterpret_cast<unsigned char*>(code.data()), &size) ||
      size != code.size())
    throw std::runtime_error("hmac_sha256: OpenSSL refused");  // a code of zeros must never reach a comparison
  return code;
}

bool equals_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace sallyport::crypto
