// The refusals Cognito's operations share, with AWS's codes and texts.
#pragma once

#include <string>
#include <string_view>

#include "aws/arn.hpp"
#include "base/result.hpp"
#include "base/text.hpp"

namespace sallyport::cognito {

inline std::unexpected<aws::ApiError> refused(std::string code, std::string message) {
  return fail(aws::ApiError{std::move(code), 400, std::move(message)});
}
inline std::unexpected<aws::ApiError> invalid_parameter(std::string message) {
  return refused("InvalidParameterException", std::move(message));
}
inline std::unexpected<aws::ApiError> not_authorized(std::string message) { return refused("NotAuthorizedException", std::move(message)); }
inline std::unexpected<aws::ApiError> resource_not_found(std::string message) {
  return refused("ResourceNotFoundException", std::move(message));
}
inline std::unexpected<aws::ApiError> no_such_pool(std::string_view pool_id) {
  return resource_not_found(cat("User pool ", pool_id, " does not exist."));
}
inline std::unexpected<aws::ApiError> no_such_client(std::string_view client_id) {
  return resource_not_found(cat("User pool client ", client_id, " does not exist."));
}
inline std::unexpected<aws::ApiError> no_such_user() { return refused("UserNotFoundException", "User does not exist."); }
inline std::unexpected<aws::ApiError> code_mismatch() {
  return refused("CodeMismatchException", "Invalid verification code provided, please try again.");
}
inline std::unexpected<aws::ApiError> code_expired() {
  return refused("ExpiredCodeException", "Invalid code provided, please request a code again.");
}
inline std::unexpected<aws::ApiError> too_many_attempts() {
  return refused("LimitExceededException", "Attempt limit exceeded, please try after some time.");
}
/// What AWS has and this version does not: never stored and ignored.
inline std::unexpected<aws::ApiError> unsupported(std::string message) {
  return fail(aws::ApiError{"UnsupportedOperationException", 501, std::move(message)});
}

}  // namespace sallyport::cognito
