// The refusals of CloudWatch Logs, in its words.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "control/service.hpp"

namespace sallyport::logs {

inline std::unexpected<aws::ApiError> refuse(std::string code, std::string message) {
  return fail(aws::ApiError{std::move(code), 400, std::move(message)});
}
inline std::unexpected<aws::ApiError> invalid(std::string message) { return refuse("InvalidParameterException", std::move(message)); }
inline std::unexpected<aws::ApiError> no_such_group() {
  return refuse("ResourceNotFoundException", "The specified log group does not exist.");
}
inline std::unexpected<aws::ApiError> no_such_stream() {
  return refuse("ResourceNotFoundException", "The specified log stream does not exist.");
}
inline std::unexpected<aws::ApiError> unavailable(std::string_view why) {
  return fail(aws::ApiError{"ServiceUnavailableException", 500, cat("The service cannot complete the request: ", why)});
}
inline std::unexpected<aws::ApiError> unsupported(std::string_view what) {
  return fail(aws::ApiError{"UnsupportedOperationException", 501, cat(what, " is not supported by Sallyport")});
}

}  // namespace sallyport::logs
