// What the operations' files share: AWS's refusals and the checks of names.
#pragma once

#include <algorithm>
#include <expected>
#include <string>
#include <string_view>

#include "aws/arn.hpp"
#include "base/text.hpp"
#include "lambda/code_store.hpp"

namespace sallyport::lambda {

inline auto refuse(std::string code, int status, std::string message) {
  return std::unexpected(aws::ApiError{std::move(code), status, std::move(message)});
}
inline auto invalid(std::string message) { return refuse("InvalidParameterValueException", 400, std::move(message)); }
/// A refusal that AWS answers without `Type`.
inline auto invalid_untyped(std::string message) {
  auto refused = invalid(std::move(message));
  refused.error().untyped = true;
  return refused;
}
inline auto validation(std::string_view value, std::string_view member, std::string_view constraint) {
  return refuse("ValidationException", 400,
                cat("1 validation error detected: Value '", value, "' at '", member, "' failed to satisfy constraint: ", constraint));
}
inline auto not_found(std::string_view arn) { return refuse("ResourceNotFoundException", 404, cat("Function not found: ", arn)); }
inline auto no_such_resource() { return refuse("ResourceNotFoundException", 404, "The resource you requested does not exist."); }
/// What AWS says of a package, be it of a function or a layer.
inline std::string unpacked_too_large() { return cat("Unzipped size must be smaller than ", limits::unpacked_bytes_max, " bytes"); }
inline auto unsupported(std::string message) { return refuse("UnsupportedOperationException", 501, std::move(message)); }

/// Letters, digits, `-` and `_`, at least one.
inline bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '_'; });
}
inline bool is_number(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_digit); }

inline constexpr std::string_view stale_revision =
    "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id";
inline constexpr std::string_view latest_cannot_be_provisioned =
    "Provisioned Concurrency Configs cannot be applied to unpublished function versions.";
inline constexpr std::string_view version_is_provisioned =
    "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version";
inline constexpr std::string_view functions_only =
    "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a "
    "function name or an unqualified function ARN.";

}  // namespace sallyport::lambda
