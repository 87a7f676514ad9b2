#include "cognito/oauth_pages.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace sallyport::cognito::pages {
namespace {

constexpr std::string_view style =
    "body{font-family:sans-serif;max-width:24rem;margin:3rem auto;padding:0 1rem;color:#222}"
    "label{display:block;margin-top:1rem}input{width:100%;padding:.5rem;box-sizing:border-box}"
    "button{margin-top:1.5rem;padding:.6rem 1rem;width:100%}.problem{color:#a00}code{word-break:break-all}";

std::string page(std::string_view title, std::string_view content) {
  return cat(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>",
      escape(title), "</title><style>", style, "</style></head><body><main><h1>", escape(title), "</h1>", content,
      "</main></body></html>\n");
}

/// Scheme and host of an address, where they may stand in a policy as they are.
std::string origin_of(std::string_view uri) {
  const auto scheme = uri.find("://");
  if (scheme == std::string_view::npos) return {};
  const auto end = uri.find_first_of("/?#", scheme + 3);
  const auto origin = uri.substr(0, end);
  const bool plain = std::ranges::all_of(
      origin, [](char c) { return is_alpha(c) || is_digit(c) || std::string_view("-._:/[]+").find(c) != std::string_view::npos; });
  if (!plain) return {};
  // An app's own scheme has no host a policy could name.
  return origin.starts_with("http") ? std::string(origin) : std::string(uri.substr(0, scheme + 1));
}

}  // namespace

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

void add_security_headers(http::Response& response, std::string_view redirect_uri) {
  // Browsers hold redirects after a form against this policy too.
  const auto origin = origin_of(redirect_uri);
  response.add("Content-Security-Policy",
               cat("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
                   origin.empty() ? "" : " ", origin));
  response.add("X-Frame-Options", "DENY");
  response.add("X-Content-Type-Options", "nosniff");
  response.add("Referrer-Policy", "no-referrer");
  response.add("Cache-Control", "no-store");
}

http::Response form_page(const Form& form, int status, std::string_view redirect_uri) {
  std::string content;
  if (!form.text.empty()) content += cat("<p>", escape(form.text), "</p>");
  if (!form.problem.empty()) content += cat("<p class=\"problem\" role=\"alert\">", escape(form.problem), "</p>");
  content += cat("<form method=\"post\" action=\"", escape(form.action), "\">");
  for (const auto& [name, value] : form.hidden)
    content += cat("<input type=\"hidden\" name=\"", escape(name), "\" value=\"", escape(value), "\">");
  for (const auto& field : form.fields)
    content += cat("<label>", escape(field.label), "<input name=\"", escape(field.name), "\" type=\"", escape(field.type), "\" value=\"",
                   escape(field.value), "\" autocomplete=\"", escape(field.autocomplete.empty() ? "off" : field.autocomplete),
                   "\" required></label>");
  content += cat("<button type=\"submit\">", escape(form.button), "</button></form>");
  http::Response response;
  response.status = status;
  response.add("Content-Type", "text/html; charset=utf-8");
  add_security_headers(response, redirect_uri);
  response.body = page(form.title, content);
  return response;
}

http::Response error_page(std::string_view text, int status) {
  http::Response response;
  response.status = status;
  response.add("Content-Type", "text/html; charset=utf-8");
  add_security_headers(response, {});
  response.body = page("An error was encountered", cat("<p class=\"problem\">", escape(text), "</p>"));
  return response;
}

}  // namespace sallyport::cognito::pages
