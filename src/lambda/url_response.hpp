// What a function behind a URL returned, as an HTTP response. Source: Lambda developer guide, "Response payload format", and recorded
// answers.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "http/message.hpp"

namespace sallyport::lambda {

/// An object with `statusCode` is the response; any other value is the body of a 200. The error says what is wrong with it, for the log:
/// the client gets 502.
Result<http::Response> response_of_result(std::string_view result);

/// What a function that streams says before the body: `statusCode` (200 when absent), `headers`, `cookies`. Nothing else is read.
Result<http::Response> response_of_prelude(std::string_view prelude);

}  // namespace sallyport::lambda
