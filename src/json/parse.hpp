// Text to JSON value: strict RFC 8259, with a depth limit and no duplicate names.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "json/value.hpp"

namespace sallyport::json {

namespace limits {
inline constexpr int payload_depth_max = 512;
inline constexpr int document_depth_max = 64;  // policies, control plane
}  // namespace limits

/// One value and nothing after it. Refuses invalid UTF-8, duplicate member names and more than `depth_max` nested lists or objects;
/// the message says what is wrong and at which byte.
Result<Value> parse(std::string_view text, int depth_max = limits::payload_depth_max);

}  // namespace sallyport::json
