// Route keys, selections and parameter mappings. The input's first line is a route key, the second a mapping's key, the rest its value.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "base/text.hpp"
#include "http/message.hpp"
#include "http_api/parameter_mapping.hpp"
#include "http_api/route_key.hpp"

using namespace sallyport;

namespace {

void require(bool promise) {
  if (!promise) std::abort();
}

/// What was understood, written again, is the text.
void check_route(std::string_view text) {
  const auto key = http_api::parse_route_key(text);
  if (!key) return;
  if (key->is_default) return require(text == "$default");
  std::string path = "/";
  for (const auto& segment : key->segments) {
    if (path.size() > 1) path += '/';
    using Kind = http_api::RouteSegment::Kind;
    if (segment.kind == Kind::literal) require(segment.text.find_first_of("{}/? ") == std::string::npos);
    path += segment.kind == Kind::literal    ? segment.text
            : segment.kind == Kind::variable ? cat("{", segment.text, "}")
                                             : cat("{", segment.text, "+}");
  }
  if (key->ends_in_slash) path += '/';
  require(path == key->path);
  require(cat(key->method, " ", path) == text);
}

void check_mapping(http_api::MappingSide side, std::string_view key, std::string_view value) {
  const auto mapping = http_api::parse_parameter_mapping(side, key, value);
  if (!mapping) return;
  using Mapping = http_api::ParameterMapping;
  require((mapping->target == Mapping::Target::header) == key.substr(key.find(':') + 1).starts_with("header."));
  if (mapping->target != Mapping::Target::header) return;
  require(http::is_token(mapping->name));
  for (const auto& part : mapping->values)
    if (part.kind == http_api::Selection::Kind::text) require(http::is_field_value(part.name));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto line = [&] {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto text = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return text;
  };
  const auto route = line(), key = line();
  check_route(route);
  check_mapping(http_api::MappingSide::request, key, rest);
  check_mapping(http_api::MappingSide::response, key, rest);
  return 0;
}
