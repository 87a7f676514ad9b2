// RouteKey: what a route says it answers: `GET /pets/{id}`, `ANY /{proxy+}`, `$default`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace sallyport::http_api {

/// A segment of a route's path.
struct RouteSegment {
  enum class Kind : std::uint8_t { literal, variable, greedy } kind = Kind::literal;
  std::string text;  // the literal, or the variable's name
  bool operator==(const RouteSegment&) const = default;
};

struct RouteKey {
  bool is_default = false;             // `$default`; then there is nothing else
  std::string method;                  // a verb, or ANY
  std::string path;                    // as written, with its leading slash
  std::vector<RouteSegment> segments;  // none for `/`; the path's are as written, nothing is decoded
  bool ends_in_slash = false;          // `/pets/` is not `/pets`
  bool operator==(const RouteKey&) const = default;
};

/// The error says what is wrong with it, without naming the key.
Result<RouteKey> parse_route_key(std::string_view text);

}  // namespace sallyport::http_api
