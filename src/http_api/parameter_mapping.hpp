// ParameterMapping: one change an integration makes to a request or to its backend's answer.
// Source: API Gateway developer guide, "Transforming API requests and responses for HTTP APIs".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "http_api/selection.hpp"

namespace sallyport::http_api {

struct ParameterMapping {
  enum class Action : std::uint8_t { append, overwrite, remove } action = Action::overwrite;
  enum class Target : std::uint8_t { header, query, path, status_code } target = Target::header;
  std::string name;               // of the header or query parameter; empty for the others
  std::vector<Selection> values;  // put one after another; none for `remove`
  bool operator==(const ParameterMapping&) const = default;
};

enum class MappingSide : std::uint8_t { request, response };

/// `append:header.x`, `remove:querystring.x`, `overwrite:path`; of a response `overwrite:statuscode` and headers. The error says what is
/// not understood or not allowed (reserved headers).
Result<ParameterMapping> parse_parameter_mapping(MappingSide side, std::string_view key, std::string_view value);

}  // namespace sallyport::http_api
