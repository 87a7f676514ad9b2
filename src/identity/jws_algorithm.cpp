#include "identity/jws_algorithm.hpp"

#include <array>

namespace sallyport::identity {
namespace {

constexpr std::array<std::string_view, jws_algorithm_count> names = {"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256",
                                                                     "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"};

}  // namespace

std::optional<JwsAlgorithm> parse_jws_algorithm(std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return static_cast<JwsAlgorithm>(i);
  return std::nullopt;
}

std::string_view name_of(JwsAlgorithm algorithm) { return names[static_cast<std::size_t>(algorithm)]; }

bool is_symmetric(JwsAlgorithm algorithm) { return algorithm <= JwsAlgorithm::HS512; }

}  // namespace sallyport::identity
