// Algorithms of RFC 7518 and RFC 8037 that a signature may be made with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sallyport::identity {

enum class JwsAlgorithm : std::uint8_t { HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA };
inline constexpr std::size_t jws_algorithm_count = 13;

/// By its exact name; nothing for `none` and for what nobody here verifies (ES256K among them).
std::optional<JwsAlgorithm> parse_jws_algorithm(std::string_view name);
std::string_view name_of(JwsAlgorithm algorithm);
bool is_symmetric(JwsAlgorithm algorithm);

}  // namespace sallyport::identity
