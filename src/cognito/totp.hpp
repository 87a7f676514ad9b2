// One-time passwords by time (RFC 6238): six digits, steps of 30 seconds, SHA-1, as authenticator apps have it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace sallyport::cognito::totp {

/// 32 random bytes.
std::string make_secret(Random& random);
/// As apps take a secret: base32 (RFC 4648) without padding.
std::string to_base32(std::string_view bytes);

std::int64_t step_of(WallTime now);
std::string code_at(std::string_view secret, std::int64_t step);
/// The step the code belongs to: the present one, the one before or the one after, and later than `last_step`, so that no code is good
/// twice. Nothing when it belongs to none.
std::optional<std::int64_t> verify(std::string_view secret, std::string_view code, WallTime now, std::int64_t last_step);

}  // namespace sallyport::cognito::totp
