#include "gateway/gateway.hpp"

#include <exception>

#include "base/text.hpp"
#include "gateway/authorized.hpp"
#include "gateway/cached_integration.hpp"
#include "gateway/iam_authorization.hpp"
#include "gateway/key_check.hpp"
#include "gateway/refusal.hpp"
#include "gateway/request_validation.hpp"
#include "gateway/stage.hpp"
#include "gateway/trace.hpp"

namespace sallyport::gateway {
namespace {

/// The order of checks of docs/semantics.md, one line each.
Task<Result<http::Response, Refusal>> answer(const Services& services, io::Loop& loop, Exchange& exchange, serve::BodyReader& body) {
  auto pinned = services.stages.pin(exchange.address.api_id, exchange.address.stage);
  exchange.stage = std::move(pinned.stage);
  exchange.functions = std::move(pinned.functions);
  if (!exchange.stage) co_return fail(Refusal{ResponseType::unknown_stage, std::nullopt, 0, "no such API or stage is deployed"});
  if (exchange.stage->definition->disable_execute_api_endpoint && !exchange.address.by_custom_domain) {
    exchange.stage.reset();
    co_return fail(Refusal{ResponseType::unknown_stage, std::nullopt, 0, "the API is served under custom domain names alone"});
  }
  if (body.declared_size().value_or(0) > limits::request_body_bytes_max) co_return fail(Refusal{ResponseType::body_too_large});
  const auto method = exchange.stage->router.find(exchange.request.method, exchange.address.path, exchange.path_values);
  if (!method) co_return fail(refuse_unmatched(services, exchange));
  exchange.method = &exchange.stage->methods[*method];
  if (const auto& limit = services.settings.account_throttle; limit && pinned.account)
    if (!pinned.account->admit(*limit, services.clock.monotonic_now()))
      co_return fail(Refusal{ResponseType::throttled, std::nullopt, 0, "the account's rate limit in this region"});
  if (const auto& throttle = exchange.method->throttle)
    if (!services.throttles.admit(throttle->key, throttle->limit, services.clock.monotonic_now()))
      co_return fail(Refusal{ResponseType::throttled, std::nullopt, 0, "the method's rate limit"});
  const auto authorized = co_await authorize(services, loop, exchange, body);
  co_await check_api_key(services, exchange);
  co_await validate_request(exchange, body);
  co_return co_await call_cached_integration(services, loop, authorized, body);
}

}  // namespace

Task<http::Response> Gateway::serve(io::Loop& loop, Address address, const http::Request& request, serve::BodyReader& body,
                                    const serve::Peer& peer) {
  const auto exchange = std::make_shared<Exchange>(Exchange{RequestId(make_uuid(services_.random)), make_extended_id(services_.random),
                                                            services_.clock.wall_now(), services_.clock.monotonic_now(), request,
                                                            peer.address, std::move(address), peer.tls});
  http::Response response;
  try {
    auto outcome = co_await attempt(answer(services_, loop, *exchange, body));
    response = outcome ? std::move(*outcome) : render_refusal(*exchange, std::move(outcome.error()));
  } catch (const std::exception& broken) {
    // A broken promise of ours, or no memory: never an answer of the integration.
    response = render_refusal(*exchange, {ResponseType::integration_failure, "Internal server error", 500,
                                          cat("an internal fault: ", std::string_view(broken.what()))});
  }
  // A client may name its request; the name goes back to it and is used for nothing else.
  const auto* sent_id = request.find("x-amzn-RequestId");
  response.add("x-amzn-RequestId", sent_id && !sent_id->empty() ? *sent_id : std::string_view(exchange->id.text()));
  response.add("x-amz-apigw-id", exchange->extended_id);
  exchange->status = response.status;
  exchange->functions.reset();
  exchange->body.reset();
  exchange->latency = std::chrono::duration_cast<std::chrono::microseconds>(services_.clock.monotonic_now() - exchange->began);
  traces_.keep(exchange);
  observer_.answered(*exchange);
  co_return response;
}

}  // namespace sallyport::gateway
