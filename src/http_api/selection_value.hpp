// What a selection means for one request.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"
#include "http_api/exchange.hpp"
#include "http_api/selection.hpp"

namespace sallyport::http_api {

namespace limits {
/// A larger body is not looked into, and gives no value. Source: API Gateway developer guide, "Transforming API requests and responses".
inline constexpr std::size_t selected_body_bytes_max = 100 * 1024;
}  // namespace limits

/// What stands around a selection besides the request. Views are the caller's.
struct SelectionScope {
  std::string_view request_body = {};      // empty before it was read
  const http::Response* answer = nullptr;  // of the integration; null before it came
};

/// The value, or nothing when it is absent. Of repeated headers and query parameters all values, with commas between.
std::optional<std::string> resolve(const Selection& selection, const HttpExchange& exchange, const SelectionScope& scope = {});

/// The same for identity sources: every value for itself, in the order of the request; empty when there is none.
std::vector<std::string> resolve_all(const Selection& selection, const HttpExchange& exchange);

/// `a.b[0].c` in a JSON text: strings as they are, everything else as JSON. Nothing for what is not there, no JSON or too large. An empty
/// path is the text itself.
std::optional<std::string> select_in_json(std::string_view text, std::string_view path);

/// A member of `$context` by its name: `requestId`, `identity.sourceIp`, `authorizer.claims.sub`. Nothing where it is not set.
std::optional<std::string> context_value(std::string_view name, const HttpExchange& exchange);

/// A claim as AWS hands it on: text; lists as `[a b]`, objects as `map[a:b]`.
std::string claim_text(const json::Value& claim);

}  // namespace sallyport::http_api
