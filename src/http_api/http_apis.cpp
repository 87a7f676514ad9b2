#include "http_api/http_apis.hpp"

#include <exception>

#include "base/text.hpp"
#include "gateway/gateway.hpp"
#include "http_api/authorized.hpp"
#include "http_api/integration.hpp"
#include "http_api/stage.hpp"
#include "lambda/url_cors.hpp"

namespace sallyport::http_api {
namespace {

constexpr int preflight_status = 204;

/// Which stage is meant, and what of the path lies within it.
void find_stage(const Services& services, HttpExchange& exchange) {
  const auto& address = exchange.address;
  exchange.raw_path = address.path_with_stage;
  auto pinned =
      address.by_custom_domain ? services.stages.pin(address.api_id, address.stage) : services.stages.select(address.api_id, address.stage);
  if (pinned.stage && pinned.stage->endpoint_disabled && !address.by_custom_domain) {
    exchange.detail = "the API is served under custom domain names alone";
    return;
  }
  exchange.stage = std::move(pinned.stage);
  exchange.functions = std::move(pinned.functions);
  exchange.path = pinned.by_path || address.by_custom_domain ? address.path : address.path_with_stage;
}

/// The order of checks of docs/semantics.md, one line each.
Task<Result<http::Response, Refusal>> answer(const Services& services, io::Loop& loop, HttpExchange& exchange, serve::BodyReader& body) {
  find_stage(services, exchange);
  if (!exchange.stage)
    co_return fail(Refusal{RefusalKind::not_found, exchange.detail.empty() ? "no such API or stage is deployed" : exchange.detail});
  if (exchange.stage->cors && lambda::is_preflight(exchange.request)) {
    exchange.verdict = Verdict::preflight;
    auto response = lambda::answer_preflight(*exchange.stage->cors, exchange.request);
    response.status = preflight_status;
    co_return response;
  }
  if (body.declared_size().value_or(0) > gateway::limits::request_body_bytes_max)
    co_return fail(Refusal{RefusalKind::too_large, "the request's body is too large"});
  exchange.route = exchange.stage->find(exchange.request.method, exchange.path, exchange.path_values);
  if (!exchange.route) co_return fail(Refusal{RefusalKind::not_found, cat("no route for ", exchange.request.method, " ", exchange.path)});
  if (const auto& throttle = exchange.route->throttle)
    if (!services.throttles.admit(throttle->key, throttle->limit, services.clock.monotonic_now()))
      co_return fail(Refusal{RefusalKind::throttled, "the route's rate limit"});
  const auto authorized = co_await authorize(services, loop, exchange, body);
  co_return co_await call_integration(services, loop, authorized, body);
}

http::Response refuse(HttpExchange& exchange, Refusal refusal) {
  exchange.refused = refusal.kind;
  exchange.detail = std::move(refusal.detail);
  return render_refusal(refusal);
}

void set_cors(const HttpExchange& exchange, http::Response& response) {
  if (!exchange.stage || !exchange.stage->cors || exchange.verdict == Verdict::preflight) return;
  if (exchange.refused && exchange.stage->choices.cors_on_errors == Choices::CorsOnErrors::left_out) return;
  lambda::apply_cors(*exchange.stage->cors, exchange.request, response);
}

}  // namespace

bool HttpApis::has(std::string_view api_id) const { return services_.stages.has(api_id); }

Task<http::Response> HttpApis::serve(io::Loop& loop, gateway::Address address, const http::Request& request, serve::BodyReader& body,
                                     const serve::Peer& peer) {
  const auto exchange =
      std::make_shared<HttpExchange>(HttpExchange{gateway::make_extended_id(services_.random), services_.clock.wall_now(),
                                                  services_.clock.monotonic_now(), request, peer.address, std::move(address), peer.tls});
  http::Response response;
  try {
    auto outcome = co_await attempt(answer(services_, loop, *exchange, body));
    response = outcome ? std::move(*outcome) : refuse(*exchange, std::move(outcome.error()));
  } catch (const std::exception& broken) {
    // A broken promise of ours, or no memory: never an answer of the integration.
    response = refuse(*exchange, {RefusalKind::internal_error, cat("an internal fault: ", std::string_view(broken.what()))});
  }
  set_cors(*exchange, response);
  std::erase_if(response.headers, [](const http::Header& header) { return equals_ignoring_case(header.first, "apigw-requestid"); });
  response.add("apigw-requestid", exchange->id);
  exchange->status = response.status;
  exchange->functions.reset();
  exchange->body.reset();
  exchange->latency = std::chrono::duration_cast<std::chrono::microseconds>(services_.clock.monotonic_now() - exchange->began);
  traces_.keep(exchange);
  observer_.answered(*exchange);
  co_return response;
}

}  // namespace sallyport::http_api
