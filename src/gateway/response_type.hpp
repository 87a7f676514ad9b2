// ResponseType: every answer the gateway gives by itself, with its status, error name and default text in one table.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sallyport::gateway {

/// The 21 types PutGatewayResponse knows, then the answers AWS gives that have no name of their own there.
enum class ResponseType : std::uint8_t {
  access_denied,
  api_configuration_error,
  authorizer_configuration_error,
  authorizer_failure,
  bad_request_parameters,
  bad_request_body,
  default_4xx,
  default_5xx,
  expired_token,
  integration_failure,
  integration_timeout,
  invalid_api_key,
  invalid_signature,
  missing_authentication_token,
  quota_exceeded,
  request_too_large,
  resource_not_found,
  throttled,
  unauthorized,
  unsupported_media_type,
  waf_filtered,
  // not customisable by name; DEFAULT_4XX and DEFAULT_5XX apply where the row says so
  unknown_stage,
  incomplete_signature,
  unrecognized_client,
  malformed_proxy_answer,
  uri_too_long,
  body_too_large,
  broken_request,
};
inline constexpr std::size_t named_response_types = 21;

/// One row of the table of answers.
struct ResponseRow {
  ResponseType type;
  std::string_view name;  // as PutGatewayResponse has it; for the rest a name for logs
  int status;             // 0: as the refused type has it
  std::string_view error_type;
  std::optional<std::string_view> message;  // none renders as JSON null
  enum class Fallback : std::uint8_t { by_class, never } fallback = Fallback::by_class;
};

/// Source: API Gateway developer guide, "Gateway response types", and recorded answers of the service.
const ResponseRow& row_of(ResponseType type);
/// One of the 21 names, e.g. `UNAUTHORIZED`.
std::optional<ResponseType> parse_response_type(std::string_view name);

/// Why the gateway itself answers instead of the integration. Rendered through the API's gateway responses.
struct Refusal {
  ResponseType type;
  std::optional<std::string> message = std::nullopt;  // $context.error.message, where it is not the row's own
  int status = 0;                                     // where it is not the row's own
  std::string detail = {};                            // for the log and `explain`, never for the client
  std::string validation_error = {};                  // $context.error.validationErrorString of a body that does not fit its model
  std::string_view message_key = {};                  // of the default body, where it is not the type's own
};

}  // namespace sallyport::gateway
