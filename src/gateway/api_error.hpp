// The refusals API Gateway's operations share, with AWS's codes and texts.
#pragma once

#include <string>
#include <string_view>

#include "aws/arn.hpp"
#include "base/result.hpp"
#include "base/text.hpp"

namespace sallyport::gateway {

inline std::unexpected<aws::ApiError> bad_request(std::string message) {
  return fail(aws::ApiError{"BadRequestException", 400, std::move(message)});
}
inline std::unexpected<aws::ApiError> not_found(std::string message) {
  return fail(aws::ApiError{"NotFoundException", 404, std::move(message)});
}
inline std::unexpected<aws::ApiError> conflict(std::string message) {
  return fail(aws::ApiError{"ConflictException", 409, std::move(message)});
}

/// What AWS has and this version does not: never stored and ignored.
inline std::unexpected<aws::ApiError> unsupported(std::string message) {
  return fail(aws::ApiError{"UnsupportedOperationException", 501, std::move(message)});
}

/// `constraint`: "Member must satisfy enum value set: [A, B]".
inline std::unexpected<aws::ApiError> invalid_value(std::string_view value, std::string_view member, std::string_view constraint) {
  return fail(
      aws::ApiError{"ValidationException", 400,
                    cat("1 validation error detected: Value '", value, "' at '", member, "' failed to satisfy constraint: ", constraint)});
}

inline std::unexpected<aws::ApiError> invalid_mapping(std::string_view text) {
  return bad_request(
      cat("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression specified: ", text,
          "]"));
}

}  // namespace sallyport::gateway
