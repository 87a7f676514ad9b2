#include "http_api/parameter_mapping.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "http/message.hpp"

namespace sallyport::http_api {
namespace {

using Action = ParameterMapping::Action;
using Target = ParameterMapping::Target;

/// Headers no mapping may touch: the connection's, the gateway's own, credentials.
/// Source: API Gateway developer guide, "Reserved headers" of parameter mappings for HTTP APIs.
bool is_reserved_header(std::string_view name) {
  constexpr std::array<std::string_view, 4> prefixes = {"access-control-", "apigw-", "x-amz-", "x-amzn-"};
  constexpr std::array<std::string_view, 19> names = {"authorization",
                                                      "connection",
                                                      "content-encoding",
                                                      "content-length",
                                                      "content-location",
                                                      "forwarded",
                                                      "host",
                                                      "keep-alive",
                                                      "origin",
                                                      "proxy-authenticate",
                                                      "proxy-authorization",
                                                      "te",
                                                      "trailer",
                                                      "trailers",
                                                      "transfer-encoding",
                                                      "upgrade",
                                                      "x-forwarded-for",
                                                      "x-forwarded-host",
                                                      "x-forwarded-proto"};
  return equals_ignoring_case(name, "via") ||
         std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view prefix) { return starts_with_ignoring_case(name, prefix); }) ||
         std::any_of(names.begin(), names.end(), [&](std::string_view reserved) { return equals_ignoring_case(name, reserved); });
}

bool is_of_answer(Selection::Kind kind) { return kind == Selection::Kind::response_header || kind == Selection::Kind::response_body; }
bool is_of_request(Selection::Kind kind) {
  using enum Selection::Kind;
  return kind == header || kind == query || kind == path || kind == path_parameter || kind == body;
}

Result<ParameterMapping> parse_key(MappingSide side, std::string_view key) {
  ParameterMapping mapping;
  const auto colon = key.find(':');
  const auto action = key.substr(0, colon), target = colon == std::string_view::npos ? std::string_view() : key.substr(colon + 1);
  if (action == "append")
    mapping.action = Action::append;
  else if (action == "overwrite")
    mapping.action = Action::overwrite;
  else if (action == "remove")
    mapping.action = Action::remove;
  else
    return fail("a mapping begins with append:, overwrite: or remove:");
  constexpr std::string_view header = "header.", query = "querystring.";
  if (target.starts_with(header)) {
    mapping.target = Target::header;
    mapping.name = target.substr(header.size());
    if (!http::is_token(mapping.name)) return fail("the name of the header is none");
    if (is_reserved_header(mapping.name)) return fail(cat("the header ", mapping.name, " is reserved"));
    return mapping;
  }
  if (side == MappingSide::request && target.starts_with(query) && target.size() > query.size()) {
    mapping.target = Target::query;
    mapping.name = target.substr(query.size());
    return mapping;
  }
  if (side == MappingSide::request && target == "path")
    mapping.target = Target::path;
  else if (side == MappingSide::response && target == "statuscode")
    mapping.target = Target::status_code;
  else
    return fail("the target of the mapping is unknown");
  if (mapping.action != Action::overwrite) return fail("the target can only be overwritten");
  return mapping;
}

}  // namespace

Result<ParameterMapping> parse_parameter_mapping(MappingSide side, std::string_view key, std::string_view value) {
  auto mapping = parse_key(side, key);
  if (!mapping || mapping->action == Action::remove) return mapping;
  auto values = parse_selections(value);
  if (!values) return std::unexpected(std::move(values.error()));
  for (const auto& part : *values) {
    if (side == MappingSide::request ? is_of_answer(part.kind) : is_of_request(part.kind))
      return fail("the value is not to be had on this side of the integration");
    if (part.kind == Selection::Kind::text && mapping->target == Target::header && !http::is_field_value(part.name))
      return fail("the value has a character that no header has");
  }
  if (mapping->target == Target::status_code && values->size() == 1 && values->front().kind == Selection::Kind::text) {
    const auto status = parse_number<int>(values->front().name);
    if (!status || *status < 200 || *status > 599) return fail("the status is none from 200 to 599");
  }
  if (values->empty() && mapping->target != Target::header && mapping->target != Target::query) return fail("the value is empty");
  mapping->values = std::move(*values);
  return mapping;
}

}  // namespace sallyport::http_api
