#include "http_api/integration.hpp"

#include <algorithm>
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "gateway/header_rules.hpp"
#include "gateway/http_proxy.hpp"
#include "gateway/proxy_answer.hpp"
#include "gateway/role_call.hpp"
#include "http_api/events.hpp"
#include "http_api/mapping.hpp"
#include "http_api/stage.hpp"
#include "lambda/trace_id.hpp"
#include "lambda/url_response.hpp"
#include "serve/client.hpp"

namespace sallyport::http_api {
namespace {

using Answer = Result<http::Response, Refusal>;

constexpr int final_status_min = 200;  // 1xx would be read as an interim answer and leave the client waiting

Refusal late(const HttpExchange& exchange, std::string why) {
  const bool timeout = exchange.stage->choices.late == Choices::Late::gateway_timeout;
  return {timeout ? RefusalKind::gateway_timeout : RefusalKind::service_unavailable, std::move(why)};
}

Refusal internal(std::string why) { return {RefusalKind::internal_error, std::move(why)}; }

void begin_trace(const Services& services, HttpExchange& exchange) {
  if (exchange.trace_id.empty())
    exchange.trace_id = lambda::make_trace_id(exchange.request.find("X-Amzn-Trace-Id"), exchange.at, services.random);
}

/// Nothing where nothing is mapped, so that the request is not copied.
Result<std::optional<MappedRequest>, Refusal> mapped_request(const HttpExchange& exchange, std::string_view body) {
  if (exchange.route->request_mappings.empty()) return std::nullopt;
  auto mapped = map_request(exchange.route->request_mappings, exchange, body);
  if (!mapped) return std::unexpected(std::move(mapped.error()));
  return std::optional(std::move(*mapped));
}

// ---- functions

/// Lambda refused the call. The event that is too large for it is the client's doing, everything else the configuration's or ours.
Refusal invoke_refused(HttpExchange& exchange, const aws::ApiError& error) {
  exchange.function_error = error.code;
  exchange.integration_called = false;  // nothing ran
  if (error.code == "RequestEntityTooLargeException") return {RefusalKind::too_large, error.message};
  return internal(cat("Lambda refused the call: ", error.code, ": ", error.message));
}

/// An answer of format 1.0, under the names the client sees.
Answer answer_of_format_1(std::string_view payload) {
  auto answer = gateway::parse_proxy_answer(payload, {});
  if (!answer) return fail(internal(cat("the function's answer breaks payload format 1.0: ", answer.error().message)));
  http::Response response;
  response.status = answer->status;
  bool typed = false;
  for (auto& [name, value] : answer->headers) {
    auto written = gateway::name_for_client(name, gateway::rule_from_function(name));
    if (!written) continue;
    typed = typed || equals_ignoring_case(name, "Content-Type");
    response.headers.emplace_back(std::move(*written), std::move(value));
  }
  if (!typed) response.add("Content-Type", "application/json");
  response.body = std::move(answer->body);
  if (answer->is_base64) {
    auto bytes = from_base64(response.body);
    if (!bytes) return fail(internal("the function's body is not base64 though isBase64Encoded is true"));
    response.body = std::move(*bytes);
  }
  return response;
}

Answer answer_of_format_2(std::string_view payload) {
  auto response = lambda::response_of_result(payload);
  if (!response) return fail(internal(cat("the function's answer breaks payload format 2.0: ", response.error().message)));
  if (response->status < final_status_min) return fail(internal("the function's statusCode is no final status"));
  return std::move(*response);
}

Task<Answer> call_function(const Services& services, io::Loop& loop, const FunctionIntegration& integration, HttpExchange& exchange) {
  const auto& function = integration.function;
  auto mapped = co_await mapped_request(exchange, *exchange.body);
  lambda::InvokeRequest request;
  request.functions = exchange.functions;
  request.function_arn = function.function_arn;
  request.caller = {std::string(gateway::gateway_service), function.source_arn, exchange.stage->account_id};
  if (!function.credentials.empty()) {
    auto allowed = gateway::authorize_role_call(services.guard, services.invoker,
                                                {function.credentials, function.function_arn, exchange.stage->account_id,
                                                 exchange.stage->region, exchange.caller, exchange.peer_address, exchange.at});
    if (!allowed) co_return fail(internal(allowed.error().message));
    request.authorized = *allowed;
  }
  request.payload = make_proxy_event(exchange, integration.payload, *exchange.body, mapped ? &*mapped : nullptr);
  request.trace_id = exchange.trace_id;
  exchange.body.reset();

  exchange.integration_called = true;
  auto invocation = co_await attempt(gateway::invoke_within(loop, services.invoker, std::move(request), function.timeout));
  if (!invocation) {
    if (invocation.error().kind == gateway::InvocationFailure::Kind::timed_out)
      co_return fail(late(exchange, "the function did not answer within the integration's timeout"));
    co_return fail(invoke_refused(exchange, invocation.error().error));
  }
  exchange.function_request_id = invocation->request_id;
  if (invocation->function_error) {
    exchange.function_error = *invocation->function_error;
    co_return fail(internal(cat("the function failed: ", std::string_view(invocation->payload).substr(0, 1024))));
  }
  co_return integration.payload == PayloadVersion::v2 ? answer_of_format_2(invocation->payload) : answer_of_format_1(invocation->payload);
}

// ---- HTTP backends

std::string target_of(const HttpIntegration& integration, const HttpExchange& exchange, const MappedRequest* mapped) {
  std::string target;
  if (mapped && mapped->path) {
    target = *mapped->path;
  } else {
    for (const auto& piece : integration.path) {
      if (!piece.is_variable)
        target += piece.text;
      else if (const auto* value = exchange.path_value(piece.text))
        target += *value;  // of the request's path: escaped as it came
    }
    if (!target.starts_with('/')) target.insert(0, "/");
  }
  std::string query = integration.uri.query;
  const auto sent = mapped ? std::string_view(mapped->query) : exchange.request.query;
  if (!query.empty() && !sent.empty()) query += '&';
  query += sent;
  return query.empty() ? target : cat(target, "?", query);
}

/// Source: recorded requests of HTTP APIs to their backends; RFC 7239.
std::string forwarded(const HttpExchange& exchange) {
  const bool is_v6 = exchange.peer_address.find(':') != std::string::npos;
  const auto peer = is_v6 ? cat("\"[", exchange.peer_address, "]\"") : exchange.peer_address;
  const auto host = exchange.request.host.find(':') == std::string_view::npos ? std::string(exchange.request.host)
                                                                              : cat("\"", exchange.request.host, "\"");
  return cat("for=", peer, ";host=", host, ";proto=", exchange.scheme());
}

Result<serve::OutgoingRequest, Refusal> outgoing_request(const HttpIntegration& integration, HttpExchange& exchange,
                                                         const MappedRequest* mapped) {
  serve::OutgoingRequest out;
  out.method = integration.method == "ANY" ? std::string(exchange.request.method) : integration.method;
  out.host = integration.uri.host;
  out.port = integration.uri.port;
  out.tls = integration.uri.tls;
  out.target = target_of(integration, exchange, mapped);
  if (http::has_dot_segment(std::string_view(out.target).substr(0, out.target.find('?'))))
    return fail(Refusal{RefusalKind::bad_request, "a value makes a dot segment of the backend's path"});
  const auto pass = [&](std::string_view name, std::string_view value) {
    if (gateway::rule_to_http(name) != gateway::HeaderRule::pass || equals_ignoring_case(name, "Forwarded")) return;
    if (equals_ignoring_case(name, "Authorization") && gateway::is_sigv4(value)) return;
    out.headers.emplace_back(std::string(name), std::string(value));
  };
  if (mapped)
    for (const auto& [name, value] : mapped->headers) pass(name, value);
  else
    for (const auto& [name, value] : exchange.request.headers) pass(name, value);
  out.headers.emplace_back("Forwarded", forwarded(exchange));
  out.headers.emplace_back("Via", "HTTP/1.1 AmazonAPIGateway");
  out.headers.emplace_back("X-Amzn-Trace-Id", exchange.trace_id);
  out.body = std::move(*exchange.body);
  exchange.body.reset();
  return out;
}

Task<Answer> call_backend(const Services& services, io::Loop& loop, const HttpIntegration& integration, HttpExchange& exchange) {
  auto mapped = co_await mapped_request(exchange, *exchange.body);
  auto request = co_await outgoing_request(integration, exchange, mapped ? &*mapped : nullptr);
  const auto& listed = services.private_hosts;
  request.public_addresses_only = services.public_backends_only && std::ranges::find(listed, lower(request.host)) == listed.end();
  exchange.integration_called = true;
  auto answer = co_await attempt(serve::fetch(loop, std::move(request), integration.timeout, gateway::limits::backend_body_bytes_max));
  if (answer) co_return gateway::finish_backend_answer(std::move(*answer));
  using Kind = serve::FetchError::Kind;
  const bool away = answer.error().kind == Kind::timed_out || answer.error().kind == Kind::unreachable;
  if (away) co_return fail(late(exchange, answer.error().message));
  co_return fail(internal(cat("the backend's answer cannot be passed on: ", answer.error().message)));
}

Task<Answer> call_target(const Services& services, io::Loop& loop, HttpExchange& exchange) {
  const auto& target = exchange.route->integration;
  if (const auto* broken = std::get_if<gateway::BrokenIntegration>(&target)) co_return fail(internal(broken->reason));
  begin_trace(services, exchange);
  if (const auto* function = std::get_if<FunctionIntegration>(&target))
    co_return co_await call_function(services, loop, *function, exchange);
  co_return co_await call_backend(services, loop, std::get<HttpIntegration>(target), exchange);
}

}  // namespace

Task<Result<http::Response, Refusal>> call_integration(const Services& services, io::Loop& loop, const Authorized& authorized,
                                                       serve::BodyReader& body) {
  auto& exchange = authorized.exchange();
  co_await read_body(exchange, body);
  auto response = co_await call_target(services, loop, exchange);
  exchange.integration_status = response.status;
  const auto& mappings = exchange.route->response_mappings;
  if (const auto found = mappings.find(response.status); found != mappings.end()) map_response(found->second, exchange, response);
  co_return response;
}

}  // namespace sallyport::http_api
