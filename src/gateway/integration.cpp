#include "gateway/integration.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "gateway/events.hpp"
#include "gateway/gateway.hpp"
#include "gateway/header_rules.hpp"
#include "gateway/http_proxy.hpp"
#include "gateway/mapping.hpp"
#include "gateway/mock.hpp"
#include "gateway/proxy_answer.hpp"
#include "gateway/request_body.hpp"
#include "gateway/role_call.hpp"
#include "gateway/stage.hpp"
#include "json/parse.hpp"
#include "lambda/trace_id.hpp"

namespace sallyport::gateway {
namespace {

constexpr int invoke_refused_status = 500;  // Lambda refuses the call: not the 504 of a backend that cannot be reached

using Answer = Result<http::Response, Refusal>;

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

/// The function's answer, whether it failed or not.
Task<Result<lambda::InvokeResponse, Refusal>> call_function(const Services& services, io::Loop& loop, const LambdaTarget& function,
                                                            Exchange& exchange, std::string payload) {
  lambda::InvokeRequest request;
  request.functions = exchange.functions;
  request.function_arn = function.function_arn;
  request.caller = {std::string(gateway_service), function.source_arn, exchange.stage->account_id};
  if (!function.credentials.empty()) {
    auto allowed = authorize_role_call(services, exchange, function.credentials, function.function_arn);
    if (!allowed) co_return fail(configuration_error(allowed.error().message));
    request.authorized = *allowed;
  }
  request.payload = std::move(payload);
  request.trace_id = exchange.trace_id;

  exchange.integration_called = true;
  auto invocation = co_await attempt(invoke_within(loop, services.invoker, std::move(request), function.timeout));
  if (!invocation) {
    if (invocation.error().kind == InvocationFailure::Kind::timed_out)
      co_return fail(
          Refusal{ResponseType::integration_timeout, std::nullopt, 0, "the function did not answer within the integration's timeout"});
    co_return fail(invoke_refused(exchange, invocation.error().error));
  }
  exchange.function_request_id = invocation->request_id;
  if (invocation->function_error) exchange.function_error = *invocation->function_error;
  co_return std::move(*invocation);
}

void begin_trace(const Services& services, Exchange& exchange) {
  if (exchange.trace_id.empty())
    exchange.trace_id = lambda::make_trace_id(exchange.request.find("X-Amzn-Trace-Id"), exchange.at, services.random);
}

Task<Answer> call_aws_proxy(const Services& services, io::Loop& loop, const AwsProxyIntegration& integration, Exchange& exchange,
                            serve::BodyReader& body) {
  const auto payload = co_await take_body(exchange, body);
  begin_trace(services, exchange);
  const auto* type = exchange.request.find("Content-Type");
  const auto form = exchange.stage->is_binary(type ? *type : std::string_view{}) ? BodyForm::base64 : BodyForm::text;
  const auto response = co_await call_function(services, loop, integration.function, exchange, make_proxy_event(exchange, payload, form));
  if (response.function_error)
    co_return fail(Refusal{ResponseType::malformed_proxy_answer, std::nullopt, 0,
                           cat("the function failed: ", std::string_view(response.payload).substr(0, 1024))});
  auto answer = parse_proxy_answer(response.payload, exchange.stage->choices);
  if (!answer)
    co_return fail(Refusal{ResponseType::malformed_proxy_answer, std::nullopt, 0,
                           cat("Execution failed due to configuration error: Malformed Lambda proxy response: ", answer.error().message)});
  co_return finish_proxy_answer(exchange, std::move(*answer));
}

/// What Lambda would not take as an event. Its parser lets the last of two equal names win.
bool is_event(std::string_view payload) {
  const auto parsed = json::parse(payload);
  return parsed || parsed.error().message.find("stands twice") != std::string::npos;
}

/// Templates can ask for an asynchronous call, which there is not: whoever wants one must not wait for the function without knowing.
bool wants_other_invocation(const vtl::Overrides& overrides) {
  const auto* headers = overrides.request.find("header");
  if (!headers || !headers->object()) return false;
  return std::ranges::any_of(*headers->object(), [](const json::Member& member) {
    return equals_ignoring_case(member.first, "X-Amz-Invocation-Type") && member.second != json::Value("RequestResponse");
  });
}

/// `errorMessage` of what the function gave back; empty when it has none.
std::string error_message_of(std::string_view payload) {
  const auto parsed = json::parse(payload);
  const auto* message = parsed ? parsed->find("errorMessage") : nullptr;
  return message && message->string() ? *message->string() : std::string();
}

/// The headers of Lambda's own answer.
std::vector<http::Header> headers_of(const lambda::InvokeResponse& response) {
  std::vector<http::Header> headers{{"Content-Type", "application/json"},
                                    {"Content-Length", cat(response.payload.size())},
                                    {"x-amzn-RequestId", response.request_id.text()},
                                    {"X-Amz-Executed-Version", response.executed_version}};
  if (response.function_error) headers.emplace_back("X-Amz-Function-Error", *response.function_error);
  return headers;
}

Task<Answer> call_aws(const Services& services, io::Loop& loop, const AwsIntegration& integration, Exchange& exchange,
                      serve::BodyReader& body) {
  auto sent = co_await take_body(exchange, body);
  begin_trace(services, exchange);
  auto mapped = co_await map_request(integration.request, exchange, std::move(sent));
  if (wants_other_invocation(mapped.overrides))
    co_return fail(configuration_error("functions are called with X-Amz-Invocation-Type RequestResponse and no other"));
  if (mapped.body.empty()) mapped.body = "{}";
  if (!is_event(mapped.body))
    co_return fail(invoke_refused(
        exchange, {"InvalidRequestContentException", 400, "Could not parse request body into json: the mapped body is not JSON"}));
  auto response = co_await call_function(services, loop, integration.function, exchange, std::move(mapped.body));
  const auto* chosen = select_response(integration.responses, error_message_of(response.payload));
  if (!chosen)
    co_return fail(
        configuration_error("No match for output mapping and no default output mapping configured. Endpoint Response Status Code: 200"));
  auto headers = headers_of(response);
  auto answer = co_await map_answer(*chosen, exchange, {std::move(response.payload), std::move(headers)}, std::move(mapped.overrides));
  answer.add("X-Amzn-Trace-Id", exchange.trace_id);
  co_return answer;
}

Task<Answer> call_http_proxy(const Services& services, io::Loop& loop, const HttpProxyIntegration& integration, Exchange& exchange,
                             serve::BodyReader& body) {
  auto payload = co_await take_body(exchange, body);
  begin_trace(services, exchange);
  auto request = co_await make_proxied_request(integration, exchange, std::move(payload));
  request.public_addresses_only = services.settings.wants_public_address(request.host);
  exchange.integration_called = true;
  auto answer = co_await attempt(serve::fetch(loop, std::move(request), integration.timeout, limits::backend_body_bytes_max));
  if (!answer) co_return fail(refusal_of(answer.error()));
  co_return finish_backend_answer(std::move(*answer));
}

Task<Answer> call_http(const Services& services, io::Loop& loop, const HttpIntegration& integration, Exchange& exchange,
                       serve::BodyReader& body) {
  auto sent = co_await take_body(exchange, body);
  begin_trace(services, exchange);
  auto mapped = co_await map_request(integration.request, exchange, std::move(sent));
  auto request = co_await make_mapped_request(integration.backend, exchange, std::move(mapped.body), mapped.overrides.request);
  request.public_addresses_only = services.settings.wants_public_address(request.host);
  exchange.integration_called = true;
  auto answer = co_await attempt(serve::fetch(loop, std::move(request), integration.backend.timeout, limits::backend_body_bytes_max));
  if (!answer) co_return fail(refusal_of(answer.error()));
  const auto* chosen = select_response(integration.responses, cat(answer->status));
  if (!chosen)
    co_return fail(configuration_error(
        cat("No match for output mapping and no default output mapping configured. Endpoint Response Status Code: ", answer->status)));
  co_return map_answer(*chosen, exchange, {std::move(answer->body), std::move(answer->headers)}, std::move(mapped.overrides));
}

Task<Answer> call_mock(const MockIntegration& mock, Exchange& exchange, serve::BodyReader& body) {
  exchange.integration_called = true;
  co_return answer_mock(mock, exchange, co_await take_body(exchange, body));
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
  if (const auto* http = std::get_if<HttpIntegration>(&integration)) co_return co_await call_http(services, loop, *http, exchange, body);
  if (const auto* mock = std::get_if<MockIntegration>(&integration)) co_return co_await call_mock(*mock, exchange, body);
  if (const auto* aws = std::get_if<AwsIntegration>(&integration)) co_return co_await call_aws(services, loop, *aws, exchange, body);
  co_return fail(configuration_error(std::get<BrokenIntegration>(integration).reason));
}

}  // namespace sallyport::gateway
