#include "http_api/route_key.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace sallyport::http_api {
namespace {

constexpr std::array<std::string_view, 8> methods = {"ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"};

bool is_name_char(char c) { return is_alpha(c) || is_digit(c) || c == '_' || c == '-' || c == '.' || c == ':'; }
/// What may stand in a path as it is (RFC 3986, pchar), and escapes.
bool is_path_char(char c) { return is_name_char(c) || std::string_view("~!$&'()*+,;=@%").find(c) != std::string_view::npos; }

Result<RouteSegment> parse_segment(std::string_view text) {
  if (text.empty()) return fail("the path has an empty segment");
  if (text.front() != '{') {
    if (!std::all_of(text.begin(), text.end(), is_path_char))
      return fail("the path has a character that no path has, or braces inside a segment");
    return RouteSegment{RouteSegment::Kind::literal, std::string(text)};
  }
  if (text.back() != '}') return fail("a variable is a whole segment: {name}");
  auto name = text.substr(1, text.size() - 2);
  const bool greedy = name.ends_with('+');
  if (greedy) name.remove_suffix(1);
  if (name.empty() || !std::all_of(name.begin(), name.end(), is_name_char))
    return fail("the name of a variable has letters, digits and ._-: alone");
  return RouteSegment{greedy ? RouteSegment::Kind::greedy : RouteSegment::Kind::variable, std::string(name)};
}

}  // namespace

Result<RouteKey> parse_route_key(std::string_view text) {
  RouteKey key;
  if (text == "$default") {
    key.is_default = true;
    return key;
  }
  const auto space = text.find(' ');
  if (space == std::string_view::npos) return fail("a method and a path are wanted, or $default");
  key.method = text.substr(0, space);
  if (std::find(methods.begin(), methods.end(), key.method) == methods.end()) return fail("the method is none that HTTP APIs have");
  auto path = text.substr(space + 1);
  if (!path.starts_with('/')) return fail("the path does not begin with a slash");
  key.path = path;
  path.remove_prefix(1);
  if (path.empty()) return key;
  if (path.ends_with('/')) {
    key.ends_in_slash = true;
    path.remove_suffix(1);
  }
  for (const auto part : split(path, '/')) {
    if (!key.segments.empty() && key.segments.back().kind == RouteSegment::Kind::greedy)
      return fail("nothing can follow a greedy variable");
    auto segment = parse_segment(part);
    if (!segment) return std::unexpected(std::move(segment.error()));
    if (segment->kind != RouteSegment::Kind::literal)
      for (const auto& before : key.segments)
        if (before.kind != RouteSegment::Kind::literal && before.text == segment->text) return fail("two variables have one name");
    key.segments.push_back(std::move(*segment));
  }
  if (key.ends_in_slash && key.segments.back().kind == RouteSegment::Kind::greedy) return fail("nothing can follow a greedy variable");
  return key;
}

}  // namespace sallyport::http_api
