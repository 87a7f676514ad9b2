// KeySet: the public keys of an issuer (JWKS), ready to verify with.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace sallyport::identity {

namespace limits {
inline constexpr std::size_t key_set_bytes_max = 150'000;  // AWS's figure
inline constexpr std::size_t key_set_keys_max = 100;
}  // namespace limits

/// Whether shared secrets (`kty` oct) are taken in. No door does: who can verify with one can sign with it.
enum class SymmetricKeys { left_out, taken };

/// Immutable, cheap to copy, usable from any thread.
class KeySet {
 public:
  struct Keys;  // defined for the files of this module alone
  KeySet() = default;
  explicit KeySet(std::shared_ptr<const Keys> keys) : keys_(std::move(keys)) {}

  /// Reads `{"keys": [...]}` (RFC 7517). Keys of unknown types, for encryption, symmetric, or too weak are left out; text that is no key
  /// set at all is an error. At most 100 keys and 150,000 bytes. Costs some microseconds a key: keep the set, and hand out copies of it.
  static Result<KeySet> parse(std::string_view jwks, SymmetricKeys symmetric = SymmetricKeys::left_out);

  bool has(std::string_view kid) const;
  bool empty() const;
  std::size_t size() const;
  /// The same for copies of one set; null for a set without keys that was never parsed.
  const Keys* keys() const { return keys_.get(); }

 private:
  std::shared_ptr<const Keys> keys_;
};

}  // namespace sallyport::identity
