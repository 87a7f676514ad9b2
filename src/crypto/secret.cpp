#include "crypto/secret.hpp"

#include <openssl/crypto.h>

#include <utility>

#include "crypto/digest.hpp"

namespace sallyport::crypto {

Secret::Secret(std::string&& text) : bytes_(text.begin(), text.end()) {
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

Secret::Secret(Secret&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

Secret& Secret::operator=(Secret other) noexcept {
  bytes_.swap(other.bytes_);  // what was here before is wiped with `other`
  return *this;
}

Secret::~Secret() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

bool Secret::equals(std::string_view text) const { return equals_in_constant_time(reveal(), text); }

}  // namespace sallyport::crypto
