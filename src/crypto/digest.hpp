// Digests and message authentication codes.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::crypto {

/// 32 raw bytes.
std::string sha256(std::string_view bytes);

/// 32 raw bytes (RFC 2104 with SHA-256).
std::string hmac_sha256(std::string_view key, std::string_view message);

/// Takes the same time wherever the texts differ; only their lengths may show.
bool equals_in_constant_time(std::string_view a, std::string_view b);

}  // namespace sallyport::crypto
