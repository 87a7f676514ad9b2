// SRP-6a as Cognito has it: a user proves a password without sending it. The server's side; nothing here knows users or pools.
// Source: RFC 5054 (the 3072-bit group), RFC 2945, RFC 5869; what is hashed in which padding as the SDKs' clients do it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "crypto/secret.hpp"

namespace sallyport::cognito::srp {

/// The part of a pool's id after the underscore: what clients hash as the pool's name.
std::string_view pool_name(std::string_view pool_id);

/// 16 random bytes as hex; its first byte is never zero nor has its high bit, so that every client pads it alike.
std::string make_salt(Random& random);
/// The same for a user that does not exist: always the same one for the same name, unlike any other, and not to be told from a real one.
std::string fake_salt(std::string_view key, std::string_view pool_id, std::string_view username);

/// g^x mod N as hex, where x = H(salt | H(pool name | username | ":" | password)). Takes some milliseconds.
crypto::Secret make_verifier(std::string_view pool_id, std::string_view username, std::string_view password, std::string_view salt_hex);

/// The server's half of one exchange.
struct Ephemeral {
  crypto::Secret secret_hex;  // b
  std::string public_hex;     // B = k*v + g^b
};
/// REQUIRES: `verifier_hex` is hex. Takes some milliseconds.
Ephemeral make_ephemeral(Random& random, std::string_view verifier_hex);

/// Is `public_hex` (A) a number a client may send: hex of at most 3072 bits, and A mod N is not zero?
bool is_client_public(std::string_view public_hex);

/// The 16 bytes both sides come to share; nothing when A may not be used, or the exchange degenerates (u is zero).
std::optional<crypto::Secret> shared_key(std::string_view client_public_hex, const Ephemeral& ephemeral, std::string_view verifier_hex);

/// HMAC-SHA256 with the shared key over pool name, user id, the bytes of the secret block and the timestamp.
std::string claim_signature(const crypto::Secret& shared_key, std::string_view pool_id, std::string_view user_id,
                            std::string_view secret_block_bytes, std::string_view timestamp);

/// `Wed Nov 25 8:04:05 UTC 2026` as clients write it ("EEE MMM d HH:mm:ss UTC yyyy"): the day and the hour with or without a leading zero.
std::optional<WallTime> parse_timestamp(std::string_view text);
std::string timestamp(WallTime time);

}  // namespace sallyport::cognito::srp
