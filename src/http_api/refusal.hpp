// Refusal: why an HTTP API answers by itself instead of its integration. Nothing of it can be customised.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace sallyport::http_api {

enum class RefusalKind : std::uint8_t {
  bad_request,
  unauthorized,
  forbidden,
  not_found,
  too_large,
  throttled,
  internal_error,
  service_unavailable,
  gateway_timeout,
};

struct Refusal {
  RefusalKind kind;
  std::string detail = {};     // for the log and `explain`, never for the client
  std::string challenge = {};  // www-authenticate; empty: the header is left out
};

/// For logs: `UNAUTHORIZED`.
std::string_view name_of(RefusalKind kind);

/// `{"message":"Not Found"}` and its like. Source: API Gateway developer guide, "HTTP APIs", and recorded answers.
http::Response render_refusal(const Refusal& refusal);

}  // namespace sallyport::http_api
