// KeySet: the public keys of an issuer (JWKS), ready to verify with.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace sallyport::identity {

/// Immutable, cheap to copy, usable from any thread.
class KeySet {
 public:
  struct Keys;  // defined for the files of this module alone
  KeySet() = default;
  explicit KeySet(std::shared_ptr<const Keys> keys) : keys_(std::move(keys)) {}

  /// Reads `{"keys": [...]}` (RFC 7517). Keys of unknown types, for encryption, symmetric, or too weak are left out; text that is no key
  /// set at all is an error. At most 100 keys and 150,000 bytes.
  static Result<KeySet> parse(std::string_view jwks);

  bool has(std::string_view kid) const;
  bool empty() const;
  const Keys* keys() const { return keys_.get(); }

 private:
  std::shared_ptr<const Keys> keys_;
};

}  // namespace sallyport::identity
