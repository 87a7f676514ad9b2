#include "lambda/url_cors.hpp"

#include <algorithm>
#include <string_view>

#include "base/text.hpp"

namespace sallyport::lambda {
namespace {

constexpr std::string_view prefix = "access-control-";

bool begins_ignoring_case(std::string_view text, std::string_view start) {
  return text.size() >= start.size() && equals_ignoring_case(text.substr(0, start.size()), start);
}

/// `*` stands for any run of characters: `https://*.example.com`.
bool matches(std::string_view pattern, std::string_view text) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  const auto before = pattern.substr(0, star), after = pattern.substr(star + 1);
  return text.size() >= before.size() + after.size() && text.starts_with(before) && text.ends_with(after);
}

bool names(const std::vector<std::string>& list, std::string_view text) {
  return std::ranges::any_of(list, [text](const std::string& item) { return item == "*" || equals_ignoring_case(item, text); });
}

/// The value of Access-Control-Allow-Origin; empty when the origin is not allowed. With credentials a `*` would be refused by browsers.
std::string allowed_origin(const UrlCors& cors, std::string_view origin) {
  for (const auto& item : cors.allow_origins) {
    if (item == "*") return cors.allow_credentials ? std::string(origin) : "*";
    if (matches(item, origin)) return std::string(origin);
  }
  return {};
}

void add_common(const UrlCors& cors, const std::string& origin, http::Response& response) {
  response.add("Access-Control-Allow-Origin", origin);
  if (origin != "*") response.add("Vary", "Origin");
  if (cors.allow_credentials) response.add("Access-Control-Allow-Credentials", "true");
}

}  // namespace

bool is_preflight(const http::Request& request) {
  return request.method == "OPTIONS" && request.find("Origin") && request.find("Access-Control-Request-Method");
}

http::Response answer_preflight(const UrlCors& cors, const http::Request& request) {
  http::Response response;
  const auto origin = allowed_origin(cors, *request.find("Origin"));
  if (origin.empty() || !names(cors.allow_methods, *request.find("Access-Control-Request-Method"))) return response;
  add_common(cors, origin, response);
  response.add("Access-Control-Allow-Methods", join(cors.allow_methods, ","));
  if (!cors.allow_headers.empty()) response.add("Access-Control-Allow-Headers", join(cors.allow_headers, ","));
  if (cors.max_age_s) response.add("Access-Control-Max-Age", cat(*cors.max_age_s));
  return response;
}

void apply_cors(const UrlCors& cors, const http::Request& request, http::Response& response) {
  std::erase_if(response.headers, [](const http::Header& header) { return begins_ignoring_case(header.first, prefix); });
  const auto* sent = request.find("Origin");
  if (!sent) return;
  const auto origin = allowed_origin(cors, *sent);
  if (origin.empty()) return;
  add_common(cors, origin, response);
  if (!cors.expose_headers.empty()) response.add("Access-Control-Expose-Headers", join(cors.expose_headers, ","));
}

}  // namespace sallyport::lambda
