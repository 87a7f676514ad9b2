// The X-Ray header a call goes on with.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace sallyport::lambda {

/// What the client sent (`Root=…;Parent=…;Sampled=…`), completed with what is missing. Source: X-Ray developer guide, tracing header.
std::string make_trace_id(const std::string_view* sent, WallTime now, Random& random);

/// As Invoke answers it: `root=…;sampled=…` of what `make_trace_id` made. Source: recorded answers.
std::string shown_trace_id(std::string_view made);

}  // namespace sallyport::lambda
