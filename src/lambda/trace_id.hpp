// The X-Ray header a call goes on with.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace sallyport::lambda {

/// What the client sent (`Root=…;Parent=…;Sampled=…`), completed with what is missing. Source: X-Ray developer guide, tracing header.
std::string make_trace_id(const std::string_view* sent, WallTime now, Random& random);

}  // namespace sallyport::lambda
