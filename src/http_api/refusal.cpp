#include "http_api/refusal.hpp"

#include <array>

#include "base/text.hpp"

namespace sallyport::http_api {
namespace {

struct Row {
  RefusalKind kind;
  std::string_view name;
  int status;
  std::string_view message;
};

constexpr std::array rows = {
    Row{RefusalKind::bad_request, "BAD_REQUEST", 400, "Bad Request"},
    Row{RefusalKind::unauthorized, "UNAUTHORIZED", 401, "Unauthorized"},
    Row{RefusalKind::forbidden, "FORBIDDEN", 403, "Forbidden"},
    Row{RefusalKind::not_found, "NOT_FOUND", 404, "Not Found"},
    Row{RefusalKind::too_large, "REQUEST_TOO_LARGE", 413, "Request Entity Too Large"},
    Row{RefusalKind::throttled, "THROTTLED", 429, "Too Many Requests"},
    Row{RefusalKind::internal_error, "INTERNAL_SERVER_ERROR", 500, "Internal Server Error"},
    Row{RefusalKind::service_unavailable, "SERVICE_UNAVAILABLE", 503, "Service Unavailable"},
    Row{RefusalKind::gateway_timeout, "GATEWAY_TIMEOUT", 504, "Gateway Timeout"},
};
// The rows stand in the order of the kinds.
static_assert(rows.back().kind == RefusalKind::gateway_timeout &&
              rows.size() == static_cast<std::size_t>(RefusalKind::gateway_timeout) + 1);

const Row& row_of(RefusalKind kind) { return rows[static_cast<std::size_t>(kind)]; }

}  // namespace

std::string_view name_of(RefusalKind kind) { return row_of(kind).name; }

http::Response render_refusal(const Refusal& refusal) {
  const auto& row = row_of(refusal.kind);
  http::Response response;
  response.status = row.status;
  response.add("Content-Type", "application/json");
  if (!refusal.challenge.empty() && http::is_field_value(refusal.challenge)) response.add("www-authenticate", refusal.challenge);
  response.body = cat(R"({"message":")", row.message, R"("})");
  return response;
}

}  // namespace sallyport::http_api
