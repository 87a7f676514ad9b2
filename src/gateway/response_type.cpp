#include "gateway/response_type.hpp"

namespace sallyport::gateway {
namespace {

using enum ResponseType;
constexpr auto never = ResponseRow::Fallback::never;

// In the order of the enumeration. Texts and error names are recorded ones except where a comment says `inferred`.
constexpr std::array rows = {
    ResponseRow{access_denied, "ACCESS_DENIED", 403, "AccessDeniedException", ""},
    ResponseRow{api_configuration_error, "API_CONFIGURATION_ERROR", 500, "InternalServerErrorException", "Internal server error"},
    ResponseRow{authorizer_configuration_error, "AUTHORIZER_CONFIGURATION_ERROR", 500, "AuthorizerConfigurationException", std::nullopt},
    ResponseRow{authorizer_failure, "AUTHORIZER_FAILURE", 500, "AuthorizerFailureException", std::nullopt},  // inferred
    ResponseRow{bad_request_parameters, "BAD_REQUEST_PARAMETERS", 400, "BadRequestException", "Missing required request parameters"},
    ResponseRow{bad_request_body, "BAD_REQUEST_BODY", 400, "BadRequestException", "Invalid request body"},
    ResponseRow{default_4xx, "DEFAULT_4XX", 0, "", ""},
    ResponseRow{default_5xx, "DEFAULT_5XX", 0, "", ""},
    ResponseRow{expired_token, "EXPIRED_TOKEN", 403, "ExpiredTokenException",  // inferred
                "The security token included in the request is expired"},
    ResponseRow{integration_failure, "INTEGRATION_FAILURE", 504, "InternalServerErrorException",
                "Network error communicating with endpoint"},
    ResponseRow{integration_timeout, "INTEGRATION_TIMEOUT", 504, "InternalServerErrorException",  // error name inferred
                "Endpoint request timed out"},
    ResponseRow{invalid_api_key, "INVALID_API_KEY", 403, "ForbiddenException", "Forbidden"},
    ResponseRow{
        invalid_signature, "INVALID_SIGNATURE", 403, "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing "
        "method. Consult the service documentation for details."},
    ResponseRow{missing_authentication_token, "MISSING_AUTHENTICATION_TOKEN", 403, "MissingAuthenticationTokenException",
                "Missing Authentication Token"},
    ResponseRow{quota_exceeded, "QUOTA_EXCEEDED", 429, "LimitExceededException", "Limit Exceeded"},
    ResponseRow{request_too_large, "REQUEST_TOO_LARGE", 413, "RequestEntityTooLargeException", "Request Too Long", never},  // name inferred
    ResponseRow{resource_not_found, "RESOURCE_NOT_FOUND", 404, "NotFoundException", "Not Found"},                           // inferred
    ResponseRow{throttled, "THROTTLED", 429, "TooManyRequestsException", "Too Many Requests"},
    ResponseRow{unauthorized, "UNAUTHORIZED", 401, "UnauthorizedException", "Unauthorized"},
    ResponseRow{unsupported_media_type, "UNSUPPORTED_MEDIA_TYPE", 415, "BadRequestException", "Unsupported Media Type"},
    ResponseRow{waf_filtered, "WAF_FILTERED", 403, "ForbiddenException", "Forbidden"},
    ResponseRow{unknown_stage, "UNKNOWN_STAGE", 403, "ForbiddenException", "Forbidden", never},
    ResponseRow{incomplete_signature, "INCOMPLETE_SIGNATURE", 403, "IncompleteSignatureException", ""},
    ResponseRow{unrecognized_client, "UNRECOGNIZED_CLIENT", 403, "UnrecognizedClientException",
                "The security token included in the request is invalid."},
    ResponseRow{malformed_proxy_answer, "MALFORMED_PROXY_ANSWER", 502, "InternalServerErrorException", "Internal server error"},
    ResponseRow{uri_too_long, "URI_TOO_LONG", 414, "", "Request URI too long"},  // inferred: only the status is documented
    ResponseRow{body_too_large, "BODY_TOO_LARGE", 413, "", "HTTP content length exceeded 10485760 bytes.", never},
    ResponseRow{broken_request, "BROKEN_REQUEST", 400, "BadRequestException", "Bad Request", never},
};

constexpr bool in_order = [] {
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (static_cast<std::size_t>(rows[i].type) != i) return false;
  return rows[named_response_types - 1].type == waf_filtered;
}();
static_assert(in_order);

}  // namespace

const ResponseRow& row_of(ResponseType type) { return rows[static_cast<std::size_t>(type)]; }

std::optional<ResponseType> parse_response_type(std::string_view name) {
  for (std::size_t i = 0; i < named_response_types; ++i)
    if (rows[i].name == name) return rows[i].type;
  return std::nullopt;
}

}  // namespace sallyport::gateway
