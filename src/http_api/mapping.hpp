// Parameter mappings at work: the request as the integration gets it, and its answer as the client gets it.
// Source: API Gateway developer guide, "Transforming API requests and responses for HTTP APIs".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "http/message.hpp"
#include "http_api/exchange.hpp"
#include "http_api/parameter_mapping.hpp"

namespace sallyport::http_api {

struct MappedRequest {
  std::vector<http::Header> headers;  // all of them, the client's and the mapped
  std::string query;                  // without `?`, as it is sent
  std::optional<std::string> path;    // where a mapping overwrites it; begins with `/`, nothing in it needs escaping
};

/// Values that are absent append nothing; overwriting with one takes away what the client sent, so that it cannot stand in for the value.
/// What no header may hold is left out. Refuses what would make a `.` or `..` segment of a path.
Result<MappedRequest, Refusal> map_request(const std::vector<ParameterMapping>& mappings, const HttpExchange& exchange,
                                           std::string_view body);

/// The same for the answer, whose values all come from the answer as it arrived. A status that is none from 200 to 599 stays what it was.
void map_response(const std::vector<ParameterMapping>& mappings, const HttpExchange& exchange, http::Response& answer);

}  // namespace sallyport::http_api
