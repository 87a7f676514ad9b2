// Selection: a value of a request, its answer or its circumstances that an identity source or a parameter mapping names:
// `$request.header.X`, `${request.path.id}`, `$context.routeKey`, `$stageVariables.v`. Parsed once, read for every request.
// Source: API Gateway developer guide, "Transforming API requests and responses" and "Lambda authorizers" of HTTP APIs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace sallyport::http_api {

struct Selection {
  enum class Kind : std::uint8_t {
    text,            // `name` as it stands
    header,          // $request.header.X: names are compared without case
    query,           // $request.querystring.X: with case
    path,            // $request.path
    path_parameter,  // $request.path.X
    body,            // $request.body.X: a path of member names and indices into a JSON body; `name` may be empty: all of it
    context,         // $context.X
    stage_variable,  // $stageVariables.X
    response_header,
    response_body,
  };
  Kind kind = Kind::text;
  std::string name;
  bool operator==(const Selection&) const = default;
};

/// One `$…` or `${…}` and nothing else around it: an identity source.
Result<Selection> parse_selection(std::string_view text);
/// Text with selections in it: `${context.stage}/x`; or one `$…` as the whole text. What is not in braces inside of text is text.
Result<std::vector<Selection>> parse_selections(std::string_view text);

}  // namespace sallyport::http_api
