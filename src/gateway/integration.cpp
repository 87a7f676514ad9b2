#include "gateway/integration.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "gateway/events.hpp"
#include "gateway/gateway.hpp"
#include "gateway/header_rules.hpp"
#include "gateway/http_proxy.hpp"
#include "gateway/mock.hpp"
#include "gateway/proxy_answer.hpp"
#include "gateway/stage.hpp"

namespace sallyport::gateway {
namespace {

constexpr int invoke_refused_status = 500;  // Lambda refuses the call: not the 504 of a backend that cannot be reached

using Answer = Result<http::Response, Refusal>;

Task<Result<std::string, Refusal>> read_body(serve::BodyReader& body) {
  auto bytes = co_await attempt(body.read_all(limits::request_body_bytes_max));
  if (bytes) co_return std::move(*bytes);
  if (bytes.error().kind == serve::BodyError::Kind::too_large) co_return fail(Refusal{ResponseType::body_too_large});
  co_return fail(Refusal{ResponseType::broken_request, std::nullopt, 0, "the request's body is malformed or was cut off"});
}

std::string_view first_media_type(const std::string_view* accept) {
  if (!accept) return {};
  return trim(accept->substr(0, accept->find_first_of(",;")));
}

/// Lambda refused the call. The event that is too large for it is the client's doing, everything else the configuration's or ours.
Refusal invoke_refused(Exchange& exchange, const aws::ApiError& error) {
  exchange.function_error = error.code;
  exchange.integration_called = false;  // nothing ran
  if (error.code == "RequestEntityTooLargeException") return {ResponseType::request_too_large, std::nullopt, 0, error.message};
  return {ResponseType::integration_failure, "Internal server error", invoke_refused_status,
          cat("Lambda refused the call: ", error.code, ": ", error.message)};
}

Answer finish_proxy_answer(const Exchange& exchange, ProxyAnswer answer) {
  http::Response response;
  response.status = answer.status;
  response.headers.reserve(answer.headers.size() + 4);
  bool typed = false;
  for (auto& [name, value] : answer.headers) {
    auto written = name_for_client(name, rule_from_function(name));
    if (!written) continue;
    typed = typed || equals_ignoring_case(name, "Content-Type");
    response.headers.emplace_back(std::move(*written), std::move(value));
  }
  if (!typed) response.add("Content-Type", "application/json");
  response.add("X-Amzn-Trace-Id", exchange.trace_id);
  response.body = std::move(answer.body);
  // Without a binary media type on the API's list, and first in Accept, the base64 text itself goes out.
  if (answer.is_base64 && exchange.stage->is_binary(first_media_type(exchange.request.find("Accept")))) {
    auto bytes = from_base64(response.body);
    if (!bytes)
      return fail(Refusal{ResponseType::api_configuration_error, std::nullopt, 0,
                          "the function's body is not base64 though isBase64Encoded is true"});
    response.body = std::move(*bytes);
  }
  return response;
}

Task<Answer> call_aws_proxy(const Services& services, io::Loop& loop, const AwsProxyIntegration& integration, Exchange& exchange,
                            serve::BodyReader& body) {
  const auto payload = co_await read_body(body);
  if (exchange.trace_id.empty()) exchange.trace_id = make_trace_id(exchange.request.find("X-Amzn-Trace-Id"), exchange.at, services.random);
  const auto* type = exchange.request.find("Content-Type");
  const auto form = exchange.stage->is_binary(type ? *type : std::string_view{}) ? BodyForm::base64 : BodyForm::text;
  lambda::InvokeRequest request;
  request.functions = exchange.functions;
  request.function_arn = integration.function_arn;
  request.caller = {std::string(gateway_service), integration.source_arn, exchange.stage->account_id};
  request.payload = make_proxy_event(exchange, payload, form);
  request.trace_id = exchange.trace_id;

  exchange.integration_called = true;
  auto invocation = co_await attempt(invoke_within(loop, services.invoker, std::move(request), integration.timeout));
  if (!invocation) {
    if (invocation.error().kind == InvocationFailure::Kind::timed_out)
      co_return fail(
          Refusal{ResponseType::integration_timeout, std::nullopt, 0, "the function did not answer within the integration's timeout"});
    co_return fail(invoke_refused(exchange, invocation.error().error));
  }
  exchange.function_request_id = invocation->request_id;
  if (invocation->function_error) {
    exchange.function_error = *invocation->function_error;
    co_return fail(Refusal{ResponseType::malformed_proxy_answer, std::nullopt, 0,
                           cat("the function failed: ", std::string_view(invocation->payload).substr(0, 1024))});
  }
  auto answer = parse_proxy_answer(invocation->payload, exchange.stage->choices);
  if (!answer)
    co_return fail(Refusal{ResponseType::malformed_proxy_answer, std::nullopt, 0,
                           cat("Execution failed due to configuration error: Malformed Lambda proxy response: ", answer.error().message)});
  co_return finish_proxy_answer(exchange, std::move(*answer));
}

Task<Answer> call_http_proxy(const Services& services, io::Loop& loop, const HttpProxyIntegration& integration, Exchange& exchange,
                             serve::BodyReader& body) {
  auto payload = co_await read_body(body);
  if (exchange.trace_id.empty()) exchange.trace_id = make_trace_id(exchange.request.find("X-Amzn-Trace-Id"), exchange.at, services.random);
  auto request = co_await make_proxied_request(integration, exchange, std::move(payload));
  exchange.integration_called = true;
  auto answer = co_await attempt(serve::fetch(loop, std::move(request), integration.timeout, limits::backend_body_bytes_max));
  if (!answer) co_return fail(refusal_of(answer.error()));
  co_return finish_backend_answer(std::move(*answer));
}

Task<Answer> call_mock(const MockIntegration& mock, Exchange& exchange, serve::BodyReader& body) {
  exchange.integration_called = true;
  const auto* chosen = co_await pick_request_template(mock, exchange);
  if (chosen && chosen->status) co_return answer_mock(mock, exchange, chosen->status);
  if (chosen) co_return answer_mock(mock, exchange, mock_status(chosen->body.render(exchange)));
  const auto payload = co_await read_body(body);
  co_return answer_mock(mock, exchange, mock_status(payload));
}

}  // namespace

Task<Result<http::Response, Refusal>> call_integration(const Services& services, io::Loop& loop, const Authorized& authorized,
                                                       serve::BodyReader& body) {
  auto& exchange = authorized.exchange();
  const auto& integration = exchange.method->integration;
  if (const auto* lambda_proxy = std::get_if<AwsProxyIntegration>(&integration))
    co_return co_await call_aws_proxy(services, loop, *lambda_proxy, exchange, body);
  if (const auto* http_proxy = std::get_if<HttpProxyIntegration>(&integration))
    co_return co_await call_http_proxy(services, loop, *http_proxy, exchange, body);
  if (const auto* mock = std::get_if<MockIntegration>(&integration)) co_return co_await call_mock(*mock, exchange, body);
  const auto& broken = std::get<BrokenIntegration>(integration);
  co_return fail(
      Refusal{ResponseType::api_configuration_error, std::nullopt, 0, cat("Execution failed due to configuration error: ", broken.reason)});
}

}  // namespace sallyport::gateway
