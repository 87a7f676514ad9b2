#include "identity/canonical.hpp"

#include <algorithm>
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace sallyport::identity {
namespace {

/// Wider than HTTP's own: whoever signs may fold a line, and a line end must never reach the canonical request.
bool is_white_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string normalized(std::string_view path) {
  std::vector<std::string_view> kept;
  for (const auto segment : split(path, '/')) {
    if (segment.empty() || segment == ".") continue;
    if (segment != "..")
      kept.push_back(segment);
    else if (!kept.empty())
      kept.pop_back();
  }
  std::string out;
  for (const auto segment : kept) out.append("/").append(segment);
  if (kept.empty() || path.ends_with('/')) out += '/';
  return out;
}

}  // namespace

std::vector<QueryParameter> read_query(std::string_view query) {
  std::vector<QueryParameter> parameters;
  if (query.empty()) return parameters;
  const auto decoded = [](std::string_view text) {
    auto plain = percent_decode(text);
    return plain ? std::move(*plain) : std::string(text);
  };
  for (const auto part : split(query, '&')) {
    const auto equals = part.find('=');
    parameters.push_back({decoded(part.substr(0, equals)), equals == part.npos ? std::string() : decoded(part.substr(equals + 1))});
  }
  return parameters;
}

std::string canonical_path(std::string_view path, Segments segments) {
  if (path.empty()) return "/";
  return segments == Segments::normalized ? percent_encode(normalized(path), "/") : percent_encode(path, "/");
}

std::string canonical_query(std::span<const QueryParameter> query, std::span<const std::string_view> left_out) {
  std::vector<std::pair<std::string, std::string>> encoded;
  encoded.reserve(query.size());
  for (const auto& [name, value] : query)
    if (std::ranges::none_of(left_out, [&](std::string_view out) { return equals_ignoring_case(name, out); }))
      encoded.emplace_back(percent_encode(name), percent_encode(value));
  std::ranges::sort(encoded);
  std::string out;
  for (const auto& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    out.append(name).append("=").append(value);
  }
  return out;
}

void append_canonical_value(std::string& out, std::string_view value) {
  while (!value.empty() && is_white_space(value.front())) value.remove_prefix(1);
  while (!value.empty() && is_white_space(value.back())) value.remove_suffix(1);
  bool was_space = false;
  for (const char c : value) {
    const bool space = is_white_space(c);
    if (!space)
      out += c;
    else if (!was_space)
      out += ' ';
    was_space = space;
  }
}

std::string CanonicalParts::text() const {
  return cat(method, "\n", path, "\n", query, "\n", headers, "\n", signed_headers, "\n", payload_hash);
}

}  // namespace sallyport::identity
