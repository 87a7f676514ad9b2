// The refusals IAM's operations share, with AWS's codes, statuses and texts.
#pragma once

#include <string>
#include <string_view>

#include "aws/arn.hpp"
#include "base/result.hpp"
#include "base/text.hpp"

namespace sallyport::iam {

inline std::unexpected<aws::ApiError> no_such_entity(std::string message) {
  return fail(aws::ApiError{"NoSuchEntity", 404, std::move(message)});
}
inline std::unexpected<aws::ApiError> already_exists(std::string message) {
  return fail(aws::ApiError{"EntityAlreadyExists", 409, std::move(message)});
}
inline std::unexpected<aws::ApiError> delete_conflict(std::string message) {
  return fail(aws::ApiError{"DeleteConflict", 409, std::move(message)});
}
inline std::unexpected<aws::ApiError> limit_exceeded(std::string message) {
  return fail(aws::ApiError{"LimitExceeded", 409, std::move(message)});
}
/// "Cannot exceed quota for AccessKeysPerUser: 2"
inline std::unexpected<aws::ApiError> over_quota(std::string_view quota, std::size_t limit) {
  return limit_exceeded(cat("Cannot exceed quota for ", quota, ": ", limit));
}
inline std::unexpected<aws::ApiError> malformed_policy(std::string message) {
  return fail(aws::ApiError{"MalformedPolicyDocument", 400, std::move(message)});
}
inline std::unexpected<aws::ApiError> validation_error(std::string message) {
  return fail(aws::ApiError{"ValidationError", 400, std::move(message)});
}
inline std::unexpected<aws::ApiError> invalid_input(std::string message) {
  return fail(aws::ApiError{"InvalidInput", 400, std::move(message)});
}
inline std::unexpected<aws::ApiError> invalid_parameter(std::string message) {
  return fail(aws::ApiError{"InvalidParameterValue", 400, std::move(message)});
}
inline std::unexpected<aws::ApiError> access_denied(std::string message) {
  return fail(aws::ApiError{"AccessDenied", 403, std::move(message)});
}
/// As a signature by an unknown key is answered.
inline std::unexpected<aws::ApiError> invalid_token() {
  return fail(aws::ApiError{"InvalidClientTokenId", 403, "The security token included in the request is invalid"});
}

/// `kind`: "user", "role", "group", "user policy", "role policy", ...
inline std::unexpected<aws::ApiError> cannot_find(std::string_view kind, std::string_view name) {
  return no_such_entity(cat("The ", kind, " with name ", name, " cannot be found."));
}

}  // namespace sallyport::iam
