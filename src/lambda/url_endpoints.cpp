#include "lambda/url_endpoints.hpp"

#include <exception>
#include <utility>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"
#include "lambda/function_invoker.hpp"
#include "lambda/http_event.hpp"
#include "lambda/trace_id.hpp"
#include "lambda/url_cors.hpp"
#include "lambda/url_response.hpp"
#include "lambda/url_stream.hpp"

namespace sallyport::lambda {
namespace {

constexpr std::string_view forbidden_text =
    "Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html";

/// A response made here instead of by the function.
struct Refused {
  http::Response response;
};
template <class T = void>
using Outcome = Result<T, Refused>;

enum class MessageKey : std::uint8_t { message, Message };

http::Response json_answer(int status, std::string_view error_type, MessageKey key, std::optional<std::string_view> message) {
  http::Response response;
  response.status = status;
  response.add("Content-Type", "application/json");
  response.add("x-amzn-ErrorType", error_type);
  json::Writer json(response.body);
  json.begin_object().key(key == MessageKey::message ? "message" : "Message");
  if (message)
    json.string(*message);
  else
    json.null();
  json.end_object();
  return response;
}

std::unexpected<Refused> refused(http::Response response) { return std::unexpected(Refused{std::move(response)}); }

std::unexpected<Refused> forbidden() { return refused(json_answer(403, "AccessDeniedException", MessageKey::Message, forbidden_text)); }

/// 502 as recorded: plain text.
std::unexpected<Refused> bad_gateway() {
  http::Response response;
  response.status = 502;
  response.add("Content-Type", "text/plain");
  response.body = "Internal Server Error";
  return refused(std::move(response));
}

std::unexpected<Refused> too_large() {
  return refused(json_answer(413, "RequestEntityTooLargeException", MessageKey::Message,
                             cat("Request must be smaller than ", limits::event_bytes_max, " bytes for the InvokeFunction operation")));
}

Task<Outcome<std::string>> read_body(UrlExchange& exchange, serve::BodyReader& body) {
  auto bytes = co_await attempt(body.read_all(limits::event_bytes_max));
  if (bytes) co_return std::move(*bytes);
  if (bytes.error().kind == serve::BodyError::Kind::too_large) co_return too_large();
  exchange.detail = "the request's body is malformed or was cut off";
  co_return refused(json_answer(400, "BadRequestException", MessageKey::message, "Bad Request"));
}

Outcome<> signature_refused(UrlExchange& exchange, identity::SigV4Refusal refusal) {
  exchange.verdict = "denied: the signature was refused";
  exchange.detail = refusal.detail.reason.empty() ? std::string(identity::exception_name(refusal.code)) : refusal.detail.reason;
  exchange.signature = std::move(refusal.detail);
  // An unsigned request is told what one without permission is told.
  if (refusal.code == identity::SigV4Code::missing_authentication_token) return forbidden();
  return refused(json_answer(403, identity::exception_name(refusal.code), MessageKey::message, refusal.message));
}

Outcome<> authenticate(const UrlEndpoints::Services& services, UrlExchange& exchange, std::string_view body) {
  const identity::SigV4Rules rules{"lambda", identity::RegionPolicy::only(exchange.target->state->scope.region),
                                   identity::PathMode::normalized, identity::UnsignedPayload::without_body, identity::Diagnosis::on};
  auto verified = identity::verify(exchange.request, identity::Payload::of(body), rules, services.credentials, exchange.at);
  if (!verified) return signature_refused(exchange, std::move(verified.error()));
  exchange.caller = verified->credential().caller;
  if (exchange.caller) return {};
  exchange.verdict = "denied: the access key belongs to no principal";
  return forbidden();
}

/// The two questions of a URL: both must be answered with yes.
Outcome<> authorize(const UrlEndpoints::Services& services, UrlExchange& exchange) {
  const auto& target = *exchange.target;
  static const aws::Caller anonymous;
  const auto& caller = exchange.caller ? *exchange.caller : anonymous;
  control::Circumstances circumstances;
  circumstances.now = exchange.at;
  circumstances.peer_address = exchange.peer_address;
  circumstances.region = target.state->scope.region;
  circumstances.secure_transport = exchange.scheme == "https";
  if (const auto* agent = exchange.request.find("User-Agent")) circumstances.user_agent = std::string(*agent);
  if (const auto* referer = exchange.request.find("Referer")) circumstances.referer = std::string(*referer);

  const auto may = [&](std::string action, std::string key, std::string value) {
    control::Access access{std::move(action), exchange.function_arn};
    access.resource_account_id = target.state->scope.account_id;
    if (const auto policy = target.function->policies.find(target.config->qualifier); policy != target.function->policies.end())
      access.resource_policy = policy->second.document;
    access.context.push_back({std::move(key), {std::move(value)}});
    access.context.push_back({"lambda:FunctionArn", {target.function->latest.function_arn}});
    for (const auto& [tag, text] : target.function->tags) access.context.push_back({cat("aws:ResourceTag/", tag), {text}});
    const auto verdict = services.guard.decide(caller, access, circumstances);
    if (verdict) return true;
    exchange.verdict = verdict.outcome == policy::Outcome::denied_explicitly ? "denied explicitly: a Deny statement matched"
                                                                             : "denied implicitly: no statement allowed it";
    exchange.detail = control::denial_message(caller, access, verdict);
    exchange.reasons = json::to_text(services.guard.explain(caller, access, circumstances));
    return false;
  };
  const bool signed_by_caller = target.config->auth_type == UrlAuthType::aws_iam;
  if (!may("lambda:InvokeFunctionUrl", "lambda:FunctionUrlAuthType", signed_by_caller ? "AWS_IAM" : "NONE")) return forbidden();
  if (services.permissions == UrlPermissions::both && !may("lambda:InvokeFunction", "lambda:InvokedViaFunctionUrl", "true"))
    return forbidden();
  exchange.verdict = signed_by_caller ? "allowed: the caller's policies or the function's let it in"
                                      : "allowed: the function's resource policy lets everyone in";
  return {};
}

/// Lambda would not run the function.
Outcome<http::Response> not_invoked(UrlExchange& exchange, const aws::ApiError& error) {
  exchange.detail = cat("Lambda refused the call: ", error.code, ": ", error.message);
  exchange.function_ran = false;
  if (error.code == "RequestEntityTooLargeException") return too_large();
  if (error.code == "AccessDeniedException" || error.code == "ResourceNotFoundException") return forbidden();
  if (error.code == "TooManyRequestsException") {
    http::Response response;
    response.status = 429;
    response.add("Content-Type", "application/json");
    response.add("x-amzn-ErrorType", error.code);
    json::Writer(response.body)
        .begin_object()
        .key("Reason")
        .string(error.reason)
        .key("Type")
        .string("User")
        .key("message")
        .string(error.message)
        .end_object();
    return refused(std::move(response));
  }
  return bad_gateway();
}

Task<Result<StreamedResponse, aws::ApiError>> call(Invoker& invoker, io::Loop& loop, InvokeRequest request, UrlInvokeMode mode) {
  if (mode == UrlInvokeMode::response_stream) co_return co_await invoker.invoke_streaming(loop, std::move(request));
  auto response = co_await invoker.invoke(loop, std::move(request));
  co_return StreamedResponse{std::move(response), {}};
}

Task<Outcome<http::Response>> run(const UrlEndpoints::Services& services, io::Loop& loop, UrlExchange& exchange, std::string body) {
  const auto& target = *exchange.target;
  const auto trace_id = make_trace_id(exchange.request.find("X-Amzn-Trace-Id"), exchange.at, services.random);
  const auto domain = cat(target.config->url_id, ".lambda-url.", target.state->scope.region, ".localhost");
  InvokeRequest request;
  request.functions = target.state;
  request.function_arn = exchange.function_arn;
  request.authorized = AuthorizedCall::by_url(target);
  request.request_id = exchange.id;
  request.trace_id = trace_id;
  const auto authorizer = exchange.caller ? describe_iam_caller(*exchange.caller) : std::string();
  HttpEventParts event{exchange.request, exchange.request.headers, exchange.path, exchange.request.query, body};
  event.account_id = exchange.caller ? std::string_view(exchange.caller->account_id) : "anonymous";
  event.api_id = event.domain_prefix = target.config->url_id;
  event.domain_name = domain;
  event.peer_address = exchange.peer_address;
  event.scheme = exchange.scheme;
  event.request_id = exchange.id;
  event.trace_id = trace_id;
  event.at = exchange.at;
  event.authorizer = authorizer;
  request.payload = make_http_event(event);
  exchange.function_ran = true;
  auto streamed = co_await attempt(call(services.invoker, loop, std::move(request), target.config->invoke_mode));
  if (!streamed) co_return not_invoked(exchange, streamed.error());
  exchange.streamed = streamed->stream != nullptr;
  if (const auto& answer = streamed->response; answer.function_error) {
    exchange.function_error = *answer.function_error;
    exchange.detail = cat("the function failed: ", std::string_view(answer.payload).substr(0, 1024));
    co_return bad_gateway();
  }
  auto response = target.config->invoke_mode == UrlInvokeMode::buffered ? response_of_result(streamed->response.payload)
                                                                        : Result<http::Response>(http::Response());
  if (target.config->invoke_mode == UrlInvokeMode::response_stream)
    response = co_await attempt(response_of_stream(loop, std::move(*streamed)));
  if (!response) {
    exchange.detail = response.error().message;
    co_return bad_gateway();
  }
  response->add("X-Amzn-Trace-Id", trace_id);
  co_return std::move(*response);
}

Task<Outcome<http::Response>> answer(const UrlEndpoints::Services& services, io::Loop& loop, UrlExchange& exchange,
                                     serve::BodyReader& body) {
  exchange.target = services.urls.find(exchange.url_id);
  if (!exchange.target) {
    exchange.detail = "no such function URL";
    co_return refused(json_answer(403, "AccessDeniedException", MessageKey::Message, std::nullopt));
  }
  const auto& target = *exchange.target;
  exchange.function_arn = target.function_arn();
  exchange.auth_type = to_text(target.config->auth_type);
  if (target.config->cors && is_preflight(exchange.request)) {
    exchange.verdict = "a CORS preflight: answered without authorization, the function did not run";
    co_return answer_preflight(*target.config->cors, exchange.request);
  }
  if (body.declared_size().value_or(0) > limits::event_bytes_max) co_return too_large();
  if (target.config->auth_type == UrlAuthType::aws_iam) {
    // A request without a signature costs no body.
    if (auto presented = identity::parse_authorization(exchange.request); !presented)
      co_await signature_refused(exchange, std::move(presented.error()));
    auto bytes = co_await read_body(exchange, body);
    co_await authenticate(services, exchange, bytes);
    co_await authorize(services, exchange);
    co_return co_await run(services, loop, exchange, std::move(bytes));
  }
  co_await authorize(services, exchange);
  auto bytes = co_await read_body(exchange, body);
  co_return co_await run(services, loop, exchange, std::move(bytes));
}

}  // namespace

Task<http::Response> UrlEndpoints::serve(io::Loop& loop, std::string_view url_id, std::string_view path, const http::Request& request,
                                         serve::BodyReader& body, const serve::Peer& peer) {
  const auto exchange = std::make_shared<UrlExchange>();
  exchange->id = make_uuid(services_.random);
  exchange->at = services_.clock.wall_now();
  exchange->began = services_.clock.monotonic_now();
  exchange->request = request;
  exchange->peer_address = peer.address;
  exchange->scheme = peer.tls ? "https" : "http";
  exchange->url_id = lower(url_id);
  exchange->path = std::string(path);
  http::Response response;
  try {
    auto outcome = co_await attempt(answer(services_, loop, *exchange, body));
    response = outcome ? std::move(*outcome) : std::move(outcome.error().response);
  } catch (const std::exception& broken) {
    // A broken promise of ours, or no memory: never an answer of the function.
    exchange->detail = cat("an internal fault: ", std::string_view(broken.what()));
    response = std::move(bad_gateway().error().response);
  }
  if (exchange->target && exchange->target->config->cors && !is_preflight(request))
    apply_cors(*exchange->target->config->cors, request, response);
  response.add("x-amzn-RequestId", exchange->id);
  exchange->target.reset();
  exchange->status = response.status;
  exchange->latency = std::chrono::duration_cast<std::chrono::microseconds>(services_.clock.monotonic_now() - exchange->began);
  services_.traces.keep(exchange);
  services_.observer.answered(*exchange);
  co_return response;
}

std::size_t UrlExchange::byte_count() const {
  return sizeof(UrlExchange) + (request.storage ? request.storage->size() : 0) + request.headers.size() * sizeof(http::Field) +
         path.size() + reasons.size() + detail.size() +
         (signature ? signature->canonical_request.size() + signature->string_to_sign.size() : 0);
}

json::Value describe(const UrlExchange& exchange) {
  json::Value out;
  out.set("request_id", exchange.id);
  out.set("time", iso8601_millis(exchange.at));
  out.set("request", cat(exchange.request.method, " ", exchange.path));
  out.set("peer", exchange.peer_address);
  out.set("function_url", exchange.url_id);
  if (!exchange.function_arn.empty()) {
    out.set("function", exchange.function_arn);
    out.set("auth_type", exchange.auth_type);
  }
  if (const auto& signature = exchange.signature) {
    json::Value shown;
    if (!signature->reason.empty()) shown.set("reason", signature->reason);
    if (!signature->canonical_request.empty()) shown.set("canonical_request", signature->canonical_request);
    if (!signature->string_to_sign.empty()) shown.set("string_to_sign", signature->string_to_sign);
    out.set("signature", std::move(shown));
  }
  if (exchange.caller) out.set("caller", exchange.caller->arn);
  if (!exchange.reasons.empty()) out.set("decision", json::parse(exchange.reasons).value_or(json::Value()));
  out.set("verdict", exchange.verdict);
  out.set("function_ran", exchange.function_ran);
  if (exchange.streamed) out.set("streamed", true);
  if (!exchange.function_error.empty()) out.set("function_error", exchange.function_error);
  json::Value answer;
  answer.set("status", exchange.status);
  if (!exchange.detail.empty()) answer.set("why", exchange.detail);
  answer.set("latency_us", exchange.latency.count());
  out.set("answer", std::move(answer));
  return out;
}

}  // namespace sallyport::lambda
