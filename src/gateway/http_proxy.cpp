#include "gateway/http_proxy.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "gateway/events.hpp"
#include "gateway/header_rules.hpp"

namespace sallyport::gateway {
namespace {

std::string make_target(const HttpProxyIntegration& integration, const Exchange& exchange) {
  std::string target;
  for (const auto& piece : integration.path) {
    if (!piece.is_variable) {
      target += piece.text;
    } else if (piece.mapped) {
      // A piece of the request's path goes on as it came, escaped and free of dot segments; anything else stays one segment.
      const auto value = resolve(*piece.mapped, exchange).value_or("");
      target += piece.mapped->kind == Source::Kind::path ? value : percent_encode(value);
    } else if (const auto* value = exchange.path_value(piece.text)) {
      target += *value;  // of the request's path: escaped as it came
    }
  }
  if (target.empty() || target[0] != '/') target.insert(0, "/");
  std::string query = integration.query;
  const auto add = [&query](std::string_view part) {
    if (part.empty()) return;
    if (!query.empty()) query += '&';
    query += part;
  };
  add(exchange.request.query);
  for (const auto& [name, source] : integration.queries)
    if (const auto value = resolve(source, exchange)) add(cat(percent_encode(name), "=", percent_encode(*value)));
  return query.empty() ? target : cat(target, "?", query);
}

bool takes_no_body(std::string_view method) { return method == "GET" || method == "HEAD" || method == "OPTIONS"; }

}  // namespace

Result<serve::OutgoingRequest, Refusal> make_proxied_request(const HttpProxyIntegration& integration, const Exchange& exchange,
                                                             std::string body) {
  serve::OutgoingRequest out;
  out.method = integration.method == "ANY" ? std::string(exchange.request.method) : integration.method;
  out.host = integration.host;
  out.port = integration.port;
  out.target = make_target(integration, exchange);
  if (http::has_dot_segment(std::string_view(out.target).substr(0, out.target.find('?'))))
    return fail(Refusal{ResponseType::broken_request, std::nullopt, 0, "a mapped value makes a dot segment of the backend's path"});
  const auto is_mapped = [&](std::string_view name) {
    return std::any_of(integration.headers.begin(), integration.headers.end(),
                       [name](const auto& mapping) { return equals_ignoring_case(mapping.first, name); });
  };
  bool accepts = false, names_agent = false;
  for (const auto& [name, value] : exchange.request.headers) {
    if (rule_to_http(name) != HeaderRule::pass || is_mapped(name)) continue;
    if (equals_ignoring_case(name, "Authorization") && is_sigv4(value)) continue;
    accepts = accepts || equals_ignoring_case(name, "Accept");
    names_agent = names_agent || equals_ignoring_case(name, "User-Agent");
    out.headers.emplace_back(std::string(name), std::string(value));
  }
  for (const auto& [name, source] : integration.headers) {
    auto value = resolve(source, exchange);
    // A decoded query value may hold what no header may.
    if (value && http::is_field_value(*value)) out.headers.emplace_back(name, std::move(*value));
  }
  if (!accepts && !is_mapped("Accept")) out.headers.emplace_back("Accept", "application/json");
  if (!names_agent && !is_mapped("User-Agent")) out.headers.emplace_back("User-Agent", cat("AmazonAPIGateway_", exchange.address.api_id));
  out.headers.emplace_back("X-Forwarded-For", forwarded_for(exchange));
  out.headers.emplace_back("X-Forwarded-Port", std::string(forwarded_port(exchange)));
  out.headers.emplace_back("X-Forwarded-Proto", "http");
  out.headers.emplace_back("X-Amzn-Trace-Id", exchange.trace_id);
  out.headers.emplace_back("X-Amzn-Apigateway-Api-Id", exchange.address.api_id);
  if (!takes_no_body(out.method)) out.body = std::move(body);
  return out;
}

http::Response finish_backend_answer(http::Response response) {
  http::Response out;
  out.status = response.status;
  bool typed = false;
  for (auto& [name, value] : response.headers) {
    auto written = name_for_client(name, rule_from_http(name));
    if (!written) continue;
    typed = typed || equals_ignoring_case(name, "Content-Type");
    out.headers.emplace_back(std::move(*written), std::move(value));
  }
  if (!typed) out.add("Content-Type", "application/json");
  out.body = std::move(response.body);
  return out;
}

Refusal refusal_of(const serve::FetchError& error) {
  using Kind = serve::FetchError::Kind;
  switch (error.kind) {
    case Kind::timed_out: return {ResponseType::integration_timeout, std::nullopt, 0, error.message};
    case Kind::unreachable: return {ResponseType::integration_failure, std::nullopt, 0, error.message};
    case Kind::malformed:
    case Kind::too_large: break;
  }
  return {ResponseType::malformed_proxy_answer, std::nullopt, 0, cat("the backend's answer cannot be passed on: ", error.message)};
}

}  // namespace sallyport::gateway
