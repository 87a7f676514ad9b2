// JSON Web Signatures in compact form (RFC 7515): a header, a payload, and whether a key of the set signed them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "identity/jws_algorithm.hpp"
#include "identity/key_set.hpp"
#include "json/value.hpp"

namespace sallyport::identity {

namespace limits {
inline constexpr std::size_t token_bytes_max = 8 * 1024;
inline constexpr int token_depth_max = 16;
}  // namespace limits

/// Why a token is not believed.
enum class TokenFault : std::uint8_t {
  malformed,      // no JWS in compact form, or its parts are not what they must be
  segments,       // not three parts: AWS has a text of its own for this
  algorithm,      // none, symmetric, not among the allowed, or not the key's
  unknown_key,    // no key of that `kid`: the caller may fetch anew
  signature,      // the key did not sign this
  issuer,         // somebody else's token
  expired,        // `exp` is now or earlier
  not_yet_valid,  // nbf or iat lies ahead
  claims,         // exp is missing, or a claim has the wrong type
  audience,
  scope,
  token_use,
  keys_unavailable,  // the issuer's keys could not be read
};

struct TokenRefusal {
  TokenFault fault;
  std::string detail;  // for traces, one sentence, lower case, never the token itself
};

/// The parts of a JWS, decoded and checked for form; nothing is verified. Views last as long as the text they were read from.
struct CompactJws {
  JwsAlgorithm algorithm;
  std::string kid;  // empty when the header has none
  bool has_kid = false;
  std::string payload;
  std::string signature;
  std::string_view signed_text;  // the first two parts with their point, as they came
};

/// Strict: three parts of base64url without padding, the header an object without duplicate names, at most 8 KiB in all. What would let a
/// token bring its own key (`jwk`, `jku`, `x5u`, `x5c`) or change how it is read (`crit`, `b64`, `zip`, `enc`) is refused and not ignored.
Result<CompactJws, TokenRefusal> parse_compact(std::string_view jws);

/// Whether a header without `kid` is tried with each key that fits.
enum class KeyId : std::uint8_t { required, optional };

/// The signature holds under a key of the set that has the header's `kid` and fits its `alg`. At most four keys are tried.
Result<void, TokenRefusal> verify_signature(const CompactJws& jws, const KeySet& keys, KeyId kid);

}  // namespace sallyport::identity
