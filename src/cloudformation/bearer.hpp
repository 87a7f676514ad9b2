// Can an identity validation expression let a bearer token through?
#pragma once

#include <cstddef>
#include <string_view>

namespace sallyport::cloudformation {

namespace limits {
inline constexpr int expression_depth_max = 50;
inline constexpr std::size_t expression_states_max = 20'000;
}  // namespace limits

/// Is there a header value `Bearer TOKEN` (RFC 6750, `Bearer` in any case) that the expression matches as a whole? Exact for literals,
/// classes, groups, alternatives, repetitions and anchors; true for an expression with anything else in it.
bool can_match_bearer(std::string_view expression);

}  // namespace sallyport::cloudformation
