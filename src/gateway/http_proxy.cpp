#include "gateway/http_proxy.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "gateway/events.hpp"
#include "gateway/header_rules.hpp"
#include "gateway/services.hpp"
#include "json/write.hpp"

namespace sallyport::gateway {
namespace {

/// A member of what a template has set, by its name; nothing when it set none of that name.
std::optional<std::string> overridden(const json::Value& overrides, std::string_view place, std::string_view name) {
  const auto* members = overrides.find(place);
  const auto* value = members ? members->find(name) : nullptr;
  if (!value || value->is_null()) return std::nullopt;
  return value->string() ? *value->string() : json::to_text(*value);
}

std::string make_path(const HttpProxyIntegration& integration, const Exchange& exchange, const json::Value& overrides) {
  std::string target;
  for (const auto& piece : integration.path) {
    if (!piece.is_variable) {
      target += piece.text;
    } else if (const auto set = overridden(overrides, "path", piece.text)) {
      target += percent_encode(*set);
    } else if (piece.mapped) {
      // A piece of the request's path goes on as it came, escaped and free of dot segments; anything else stays one segment.
      const auto value = resolve(*piece.mapped, exchange).value_or("");
      target += piece.mapped->kind == Source::Kind::path ? value : percent_encode(value);
    } else if (const auto* value = exchange.path_value(piece.text)) {
      target += *value;  // of the request's path: escaped as it came
    }
  }
  if (target.empty() || target[0] != '/') target.insert(0, "/");
  return target;
}

void add_to_query(std::string& query, std::string_view part) {
  if (part.empty()) return;
  if (!query.empty()) query += '&';
  query += part;
}

std::string pair_text(std::string_view name, std::string_view value) { return cat(percent_encode(name), "=", percent_encode(value)); }

std::string with_query(std::string path, const std::string& query) { return query.empty() ? path : cat(path, "?", query); }

std::string make_target(const HttpProxyIntegration& integration, const Exchange& exchange) {
  std::string query = integration.query;
  add_to_query(query, exchange.request.query);
  for (const auto& [name, source] : integration.queries)
    if (const auto value = resolve(source, exchange)) add_to_query(query, pair_text(name, *value));
  return with_query(make_path(integration, exchange, {}), query);
}

std::string make_mapped_target(const HttpProxyIntegration& integration, const Exchange& exchange, const json::Value& overrides) {
  std::string query = integration.query;
  const auto* set = overrides.find("querystring");
  for (const auto& [name, source] : integration.queries)
    if (!overridden(overrides, "querystring", name))
      if (const auto value = resolve(source, exchange)) add_to_query(query, pair_text(name, *value));
  if (set && set->object())
    for (const auto& [name, value] : *set->object())
      if (const auto text = overridden(overrides, "querystring", name)) add_to_query(query, pair_text(name, *text));
  return with_query(make_path(integration, exchange, overrides), query);
}

Result<void, Refusal> check_target(const std::string& target) {
  if (http::has_dot_segment(std::string_view(target).substr(0, target.find('?'))))
    return fail(Refusal{ResponseType::broken_request, std::nullopt, 0, "a mapped value makes a dot segment of the backend's path"});
  return {};
}

/// Replaces a header of that name. What no header may hold is left out: a decoded query value may hold anything.
void set_header(std::vector<http::Header>& headers, std::string_view name, std::string value) {
  if (!http::is_token(name) || !http::is_field_value(value)) return;
  std::erase_if(headers, [&](const http::Header& header) { return equals_ignoring_case(header.first, name); });
  headers.emplace_back(std::string(name), std::move(value));
}

bool has_header(const std::vector<http::Header>& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(), [name](const auto& header) { return equals_ignoring_case(header.first, name); });
}

/// What the gateway says of itself to every HTTP backend.
void add_own_headers(std::vector<http::Header>& headers, const Exchange& exchange) {
  headers.emplace_back("X-Amzn-Trace-Id", exchange.trace_id);
  headers.emplace_back("X-Amzn-Apigateway-Api-Id", exchange.address.api_id);
}

bool takes_no_body(std::string_view method) { return method == "GET" || method == "HEAD" || method == "OPTIONS"; }

}  // namespace

bool Settings::wants_public_address(std::string_view host) const {
  return public_backends_only && std::find(private_hosts.begin(), private_hosts.end(), lower(host)) == private_hosts.end();
}

Result<serve::OutgoingRequest, Refusal> make_proxied_request(const HttpProxyIntegration& integration, const Exchange& exchange,
                                                             std::string body) {
  serve::OutgoingRequest out;
  out.method = integration.method == "ANY" ? std::string(exchange.request.method) : integration.method;
  out.host = integration.host;
  out.port = integration.port;
  out.tls = integration.tls;
  out.target = make_target(integration, exchange);
  if (auto good = check_target(out.target); !good) return std::unexpected(std::move(good.error()));
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
  out.headers.emplace_back("X-Forwarded-Proto", std::string(exchange.scheme()));
  add_own_headers(out.headers, exchange);
  if (!takes_no_body(out.method)) out.body = std::move(body);
  return out;
}

Result<serve::OutgoingRequest, Refusal> make_mapped_request(const HttpProxyIntegration& backend, const Exchange& exchange, std::string body,
                                                            const json::Value& overrides) {
  serve::OutgoingRequest out;
  out.method = backend.method == "ANY" ? std::string(exchange.request.method) : backend.method;
  out.host = backend.host;
  out.port = backend.port;
  out.tls = backend.tls;
  out.target = make_mapped_target(backend, exchange, overrides);
  if (auto good = check_target(out.target); !good) return std::unexpected(std::move(good.error()));
  for (const auto& [name, source] : backend.headers)
    if (auto value = resolve(source, exchange)) set_header(out.headers, name, std::move(*value));
  if (const auto* set = overrides.find("header"); set && set->object())
    for (const auto& [name, value] : *set->object()) {
      // A template cannot set what a mapping could not have.
      const auto target = cat("integration.request.header.", name);
      if (is_illegal_request_header(target, IntegrationType::http) || is_owned_request_header(target)) continue;
      if (auto text = overridden(overrides, "header", name)) set_header(out.headers, name, std::move(*text));
    }
  if (!takes_no_body(out.method)) out.body = std::move(body);
  if (!out.body.empty() && !has_header(out.headers, "Content-Type")) {
    const auto* type = exchange.request.find("Content-Type");
    out.headers.emplace_back("Content-Type", type ? std::string(*type) : std::string("application/json"));
  }
  if (!has_header(out.headers, "Accept")) out.headers.emplace_back("Accept", "application/json");
  if (!has_header(out.headers, "User-Agent")) out.headers.emplace_back("User-Agent", cat("AmazonAPIGateway_", exchange.address.api_id));
  add_own_headers(out.headers, exchange);
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
