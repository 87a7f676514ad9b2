// What clients, functions and backends send, where mappings and authorizers look into it. The input's first line is a query, the second a
// path below a JSON body, the third a header's value, the rest the body.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "http_api/authorizer_call.hpp"
#include "http_api/mapping.hpp"
#include "http_api/selection_value.hpp"
#include "http_api/stage.hpp"

using namespace sallyport;
using namespace sallyport::http_api;

namespace {

void require(bool promise) {
  if (!promise) std::abort();
}

ParameterMapping mapping(ParameterMapping::Action action, ParameterMapping::Target target, Selection::Kind kind, std::string name) {
  return {action, target, "x-mapped", {{kind, std::move(name)}}};
}

void map(const HttpExchange& exchange, const std::string& inner, std::string_view body) {
  using enum ParameterMapping::Action;
  using Target = ParameterMapping::Target;
  using Kind = Selection::Kind;
  std::vector<ParameterMapping> mappings;
  for (const auto kind : {Kind::header, Kind::query, Kind::body, Kind::path, Kind::context}) {
    const auto name = kind == Kind::body ? inner : kind == Kind::context ? "identity.userAgent" : "x-mapped";
    mappings.push_back(mapping(append, Target::header, kind, name));
    mappings.push_back(mapping(append, Target::query, kind, name));
    mappings.push_back(mapping(overwrite, Target::path, kind, name));
    const auto mapped = map_request(mappings, exchange, body);
    if (!mapped) continue;
    for (const auto& [field, value] : mapped->headers) require(http::is_token(field) && http::is_field_value(value));
    require(mapped->query.find_first_of("\r\n # ") == mapped->query.npos);
    require(mapped->path && mapped->path->starts_with('/') && !http::has_dot_segment(*mapped->path));
    require(mapped->path->find_first_of("\r\n ?#") == mapped->path->npos);
  }
  http::Response answer;
  answer.body = body;
  map_response(
      {mapping(overwrite, Target::status_code, Kind::response_body, inner), mapping(overwrite, Target::header, Kind::response_body, inner)},
      exchange, answer);
  require(answer.status >= 200 && answer.status <= 599);
  for (const auto& [field, value] : answer.headers) require(http::is_field_value(value));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto line = [&] {
    const auto end = std::min(rest.find('\n'), rest.size());
    std::string text(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return text;
  };
  // What the parser of requests lets through.
  auto query = line();
  std::erase_if(query, [](unsigned char c) { return c <= 0x20 || c >= 0x7f || c == '#'; });
  const auto inner = line();
  auto header = line();
  std::erase_if(header, [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });

  HttpExchange exchange;
  exchange.request = http::assemble_request("POST", cat("/pets?", query), {{"Host", "a"}, {"X-Mapped", header}, {"User-Agent", header}});
  exchange.stage = std::make_shared<const ServedStage>();
  exchange.path = exchange.raw_path = exchange.request.path;
  map(exchange, inner, rest);

  for (const auto version : {PayloadVersion::v1, PayloadVersion::v2})
    for (const auto form : {ResponseForm::policy, ResponseForm::simple}) {
      const auto grant = parse_grant(rest, version, form);
      if (grant) require(grant->policy.has_value() == (form == ResponseForm::policy));
    }
  return 0;
}
