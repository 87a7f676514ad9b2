#include "http_api/mapping.hpp"

#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "http_api/selection_value.hpp"

namespace sallyport::http_api {
namespace {

using Action = ParameterMapping::Action;
using MappingTarget = ParameterMapping::Target;

/// The parts one after another; nothing when the only part is absent, or nothing is to be put in.
std::optional<std::string> value_of(const ParameterMapping& mapping, const HttpExchange& exchange, const SelectionScope& scope) {
  if (mapping.action == Action::remove) return std::nullopt;
  if (mapping.values.size() == 1) return resolve(mapping.values.front(), exchange, scope);
  std::string text;
  for (const auto& part : mapping.values) text += resolve(part, exchange, scope).value_or("");
  return text;
}

void map_header(std::vector<http::Header>& headers, const ParameterMapping& mapping, std::optional<std::string> value) {
  if (mapping.action != Action::append)
    std::erase_if(headers, [&](const http::Header& header) { return equals_ignoring_case(header.first, mapping.name); });
  // A decoded query value may hold what no header may.
  if (value && http::is_field_value(*value)) headers.emplace_back(mapping.name, std::move(*value));
}

/// The parameters as the client wrote them, so that what no mapping touches arrives byte for byte.
std::vector<std::string> parameters_of(std::string_view query) {
  std::vector<std::string> parameters;
  while (!query.empty()) {
    const auto end = query.find_first_of("&;");
    if (end != 0) parameters.emplace_back(query.substr(0, end));
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
  }
  return parameters;
}

void map_query(std::vector<std::string>& parameters, const ParameterMapping& mapping, const std::optional<std::string>& value) {
  if (mapping.action != Action::append)
    std::erase_if(parameters, [&](const std::string& parameter) {
      const auto parsed = http::parse_query(parameter);
      return !parsed.empty() && parsed.front().first == mapping.name;
    });
  if (value) parameters.push_back(cat(percent_encode(mapping.name), "=", percent_encode(*value)));
}

/// What a client chose freely stays inside one segment; pieces of its path and what was configured go on as they are.
std::string path_of(const ParameterMapping& mapping, const HttpExchange& exchange, const SelectionScope& scope) {
  using Kind = Selection::Kind;
  std::string path;
  for (const auto& part : mapping.values) {
    const auto value = resolve(part, exchange, scope).value_or("");
    const bool as_it_is =
        part.kind == Kind::text || part.kind == Kind::path || part.kind == Kind::path_parameter || part.kind == Kind::stage_variable;
    path += percent_encode(value, as_it_is ? "/%!$&'()*+,;=:@" : "");
  }
  if (!path.starts_with('/')) path.insert(0, "/");
  return path;
}

}  // namespace

Result<MappedRequest, Refusal> map_request(const std::vector<ParameterMapping>& mappings, const HttpExchange& exchange,
                                           std::string_view body) {
  MappedRequest mapped;
  for (const auto& [name, value] : exchange.request.headers) mapped.headers.emplace_back(std::string(name), std::string(value));
  const SelectionScope scope{body, nullptr};
  auto parameters = parameters_of(exchange.request.query);
  bool query_changes = false;
  for (const auto& mapping : mappings) {
    switch (mapping.target) {
      case MappingTarget::header: map_header(mapped.headers, mapping, value_of(mapping, exchange, scope)); break;
      case MappingTarget::query:
        query_changes = true;
        map_query(parameters, mapping, value_of(mapping, exchange, scope));
        break;
      case MappingTarget::path: mapped.path = path_of(mapping, exchange, scope); break;
      case MappingTarget::status_code: break;
    }
  }
  mapped.query = query_changes ? join(parameters, "&") : std::string(exchange.request.query);
  if (mapped.path && http::has_dot_segment(*mapped.path))
    return fail(Refusal{RefusalKind::bad_request, "a mapped value makes a dot segment of the path"});
  return mapped;
}

void map_response(const std::vector<ParameterMapping>& mappings, const HttpExchange& exchange, http::Response& answer) {
  auto headers = answer.headers;
  auto status = answer.status;
  const SelectionScope scope{{}, &answer};
  for (const auto& mapping : mappings) {
    auto value = value_of(mapping, exchange, scope);
    if (mapping.target == MappingTarget::header) {
      map_header(headers, mapping, std::move(value));
    } else if (mapping.target == MappingTarget::status_code && value) {
      const auto wanted = parse_number<int>(*value);
      if (wanted && *wanted >= 200 && *wanted <= 599) status = *wanted;
    }
  }
  answer.headers = std::move(headers);
  answer.status = status;
}

}  // namespace sallyport::http_api
