// VerificationKey: one key of a key set, checked and made ready when it was read, so that verifying does nothing but mathematics.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "identity/jws_algorithm.hpp"
#include "identity/key_set.hpp"
#include "json/value.hpp"

namespace sallyport::identity {

/// Immutable; may be used from any thread.
class VerificationKey {
 public:
  /// Reads one JWK. Nothing for a key that must not be used: malformed, of an unknown type or curve, not for verifying signatures (`use`,
  /// `key_ops`), weak, or whose `alg` does not belong to it. Private members are not looked at.
  static std::optional<VerificationKey> from_jwk(const json::Value& jwk, SymmetricKeys symmetric);

  VerificationKey(VerificationKey&&) noexcept;
  VerificationKey& operator=(VerificationKey&&) noexcept;
  ~VerificationKey();

  const std::optional<std::string>& kid() const { return kid_; }
  /// Whether this key may verify that algorithm: the type and the curve belong to it, and so does the key's `alg`, where it has one.
  bool fits(JwsAlgorithm algorithm) const;
  /// REQUIRES: `fits(algorithm)`.
  bool verify(JwsAlgorithm algorithm, std::string_view message, std::string_view signature) const;

 private:
  struct Material;
  VerificationKey(std::optional<std::string> kid, std::unique_ptr<Material> material);
  std::optional<std::string> kid_;
  std::unique_ptr<Material> material_;
};

struct KeySet::Keys {
  std::vector<VerificationKey> list;
};

}  // namespace sallyport::identity
