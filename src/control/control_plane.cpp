#include "control/control_plane.hpp"

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "identity/sigv4.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"
#include "wire/codec.hpp"

namespace sallyport::control {
namespace {

/// The answer of a call that is refused.
struct Refused {
  http::Response response;
};

/// What one call has come to know.
struct Progress {
  CallTrace& trace;
  const http::Request& request;
  const serve::Peer& peer;
};

std::unexpected<Refused> refuse(Progress& progress, const wire::ServiceModel& service, const aws::ApiError& error) {
  progress.trace.error_code = error.code;
  // Lambda's text on an environment that is too large quotes it, values and all: for its owner alone.
  progress.trace.error_message = error.message.substr(0, error.message.find(" String measured: "));
  if (!error.detail.empty()) progress.trace.error_message += cat(" (", error.detail, ")");
  return std::unexpected(Refused{wire::encode_error(service, error, progress.trace.id)});
}

std::unexpected<Refused> misrouted(Progress& progress, const wire::Misroute& misroute) {
  progress.trace.service = misroute.service;
  progress.trace.error_code = misroute.error.code;
  progress.trace.error_message = misroute.error.message;
  return std::unexpected(Refused{wire::encode_error(misroute, progress.trace.id)});
}

/// The services of the query protocol have shorter names for the same refusals, and IAM others.
std::string_view query_code(identity::SigV4Code code) {
  switch (code) {
    case identity::SigV4Code::missing_authentication_token: return "MissingAuthenticationToken";
    case identity::SigV4Code::incomplete_signature: return "IncompleteSignature";
    case identity::SigV4Code::invalid_signature: return "SignatureDoesNotMatch";
    case identity::SigV4Code::unrecognized_client: return "InvalidClientTokenId";
    case identity::SigV4Code::expired_token: return "ExpiredToken";
  }
  return "SignatureDoesNotMatch";
}

aws::ApiError error_of(const wire::ServiceModel& service, const identity::SigV4Refusal& refusal) {
  const bool query = service.protocol == wire::Protocol::query;
  const bool json = service.protocol == wire::Protocol::json_1_1;
  aws::ApiError error{std::string(query ? query_code(refusal.code) : identity::exception_name(refusal.code)), json ? 400 : 403,
                      refusal.message};
  if (query && refusal.code == identity::SigV4Code::incomplete_signature) error.status = 400;
  if (query && refusal.code == identity::SigV4Code::missing_authentication_token) error.message = "Request is missing Authentication Token";
  if (query && refusal.code == identity::SigV4Code::unrecognized_client)
    error.message = "The security token included in the request is invalid.";
  return error;
}

aws::ApiError denial(const wire::ServiceModel& service, std::string message) {
  const bool query = service.protocol == wire::Protocol::query;
  return {query ? "AccessDenied" : "AccessDeniedException", service.protocol == wire::Protocol::json_1_1 ? 400 : 403, std::move(message)};
}

aws::ApiError not_implemented(const wire::ServiceModel& service, std::string_view operation) {
  return {service.protocol == wire::Protocol::query ? "NotImplemented" : "NotImplementedException", 501,
          cat("Sallyport does not implement ", service.name, " ", operation, "; docs/coverage.md lists what it does")};
}

Circumstances circumstances_of(const Progress& progress, const aws::Scope& scope) {
  Circumstances out;
  out.now = progress.trace.at;
  out.peer_address = progress.peer.address;
  out.region = scope.region;
  out.secure_transport = progress.peer.tls != nullptr;
  if (const auto* agent = progress.request.find("User-Agent")) out.user_agent = std::string(*agent);
  if (const auto* referer = progress.request.find("Referer")) out.referer = std::string(*referer);
  return out;
}

/// A page in a browser may reach a loopback port and may even know a key; it cannot hide where it comes from.
bool comes_from_a_page_elsewhere(const http::Request& request) {
  if (const auto* site = request.find("Sec-Fetch-Site"); site && *site != "same-origin" && *site != "none") return true;
  const auto* origin = request.find("Origin");
  if (!origin) return false;
  const auto authority = origin->find("://");
  return authority == std::string_view::npos || origin->substr(authority + 3) != request.host;
}

/// The access key id a request names, verified or not.
std::string_view named_key(const identity::Authorization& authorization) {
  const auto scope = identity::split_credential(authorization.credential);
  return scope ? scope->access_key_id : std::string_view();
}

Result<identity::VerifiedCaller, identity::SigV4Refusal> verify(const ControlPlane::Parts& parts, const Progress& progress,
                                                                const wire::ServiceModel& service, std::string_view body) {
  const identity::SigV4Rules rules{std::string(service.signing_name), identity::RegionPolicy::any(), identity::PathMode::normalized,
                                   identity::UnsignedPayload::without_body, identity::Diagnosis::on};
  return identity::verify(progress.request, identity::Payload::of(body), rules, parts.credentials, progress.trace.at);
}

Task<Result<std::string, Refused>> read_body(const ControlPlane::Parts& parts, Progress& progress, serve::BodyReader& body) {
  // Only who names a key that exists may send much: everybody else is refused before long, whatever the body says.
  const auto presented = identity::parse_authorization(progress.request);
  const bool known = presented && parts.credentials.find(named_key(*presented));
  auto bytes = co_await attempt(body.read_all(known ? limits::body_bytes_max : limits::unsigned_body_bytes_max));
  if (bytes) co_return std::move(*bytes);
  const bool large = bytes.error().kind == serve::BodyError::Kind::too_large;
  http::Response response;
  response.status = large ? 413 : 400;
  response.add("Content-Type", "application/json");
  response.add("x-amzn-ErrorType", large ? "RequestEntityTooLargeException" : "BadRequestException");
  response.body = large ? R"({"message":"Request entity is too large"})" : R"({"message":"Bad Request"})";
  progress.trace.error_code = large ? "RequestEntityTooLargeException" : "BadRequestException";
  co_return std::unexpected(Refused{std::move(response)});
}

Result<void, Refused> authorize(const ControlPlane::Parts& parts, Progress& progress, const wire::ServiceModel& service,
                                const Operation& operation, const Call& call) {
  if (!operation.access) return {};
  const auto needed = operation.access(call);
  if (!needed) return refuse(progress, service, needed.error());
  const auto circumstances = circumstances_of(progress, call.scope);
  for (auto access : *needed) {
    if (access.resource_account_id.empty()) access.resource_account_id = call.scope.account_id;
    const auto verdict = parts.guard.decide(*call.caller, access, circumstances);
    if (verdict) continue;
    progress.trace.reasons = json::to_text(parts.guard.explain(*call.caller, access, circumstances));
    return refuse(progress, service, denial(service, denial_message(*call.caller, access, verdict)));
  }
  return {};
}

std::shared_ptr<const aws::Caller> nobody() {
  static const auto anonymous = std::make_shared<const aws::Caller>();
  return anonymous;
}

}  // namespace

void ControlPlane::add(Service service) {
  auto model = service.model();
  services_.insert_or_assign(std::move(model), std::move(service));
}

bool ControlPlane::is_call(const http::Request& request) {
  // The operation of a form post stands in its body.
  const auto* type = request.find("Content-Type");
  if (request.method == "POST" && request.path == "/" && type && starts_with_ignoring_case(*type, "application/x-www-form-urlencoded"))
    return true;
  const auto routed = wire::route(request, {});
  return routed || routed.error().kind != wire::MisrouteKind::no_call;
}

bool ControlPlane::is_public_call(const http::Request& request) {
  if (request.find("Authorization") || request.query.find("X-Amz-Signature=") != std::string_view::npos) return false;
  const auto routed = wire::route(request, {});
  return routed && routed->operation->is_unsigned;
}

bool ControlPlane::is_preflight(const http::Request& request) {
  const auto* method = request.find("Access-Control-Request-Method");
  return request.method == "OPTIONS" && request.path == "/" && request.find("Origin") && method && *method == "POST";
}

http::Response ControlPlane::preflight_answer() {
  http::Response response;
  response.status = 200;
  response.add("Access-Control-Allow-Origin", "*");
  response.add("Access-Control-Allow-Methods", "POST");
  response.add("Access-Control-Allow-Headers",
               "cache-control,content-type,x-amz-target,x-amz-user-agent,amz-sdk-invocation-id,amz-sdk-request");
  response.add("Access-Control-Max-Age", "172800");
  return response;
}

namespace {

Task<Answer<Streamed>> run(const Operation& operation, Call& call) {
  if (operation.run_streamed) co_return co_await operation.run_streamed(call);
  auto output = co_await operation.run(call);
  co_return Streamed{std::move(output)};
}

Task<Result<http::Response, Refused>> answer(const ControlPlane::Parts& parts, const wire::Validator& validator,
                                             const std::map<std::string, Service, std::less<>>& services, io::Loop& loop,
                                             Progress& progress, serve::BodyReader& reader) {
  auto& trace = progress.trace;
  if (comes_from_a_page_elsewhere(progress.request) && !ControlPlane::is_public_call(progress.request)) {
    http::Response response;
    response.status = 403;
    response.add("Content-Type", "application/json");
    response.add("x-amzn-ErrorType", "AccessDeniedException");
    response.body = R"({"message":"AWS API calls from web pages of another origin are refused"})";
    trace.error_code = "AccessDeniedException";
    trace.error_message = "the call comes from a web page of another origin";
    co_return std::unexpected(Refused{std::move(response)});
  }
  const auto body = co_await read_body(parts, progress, reader);
  const auto route = wire::route(progress.request, body);
  if (!route) co_return misrouted(progress, route.error());
  const auto& model = *route->service;
  trace.service = model.name;
  trace.operation = route->operation->name;

  aws::Scope scope;
  auto caller = nobody();
  const bool unsigned_call = route->operation->is_unsigned && !progress.request.find("Authorization");
  if (!unsigned_call) {
    auto verified = verify(parts, progress, model, body);
    if (!verified) {
      trace.signature = std::move(verified.error().detail);
      co_return refuse(progress, model, error_of(model, verified.error()));
    }
    caller = verified->credential().caller;
    if (!caller) co_return refuse(progress, model, denial(model, "The access key belongs to no principal."));
    trace.caller = caller;
    scope.account_id = caller->account_id;
    scope.region = verified->region();
    if (parts.used) parts.used(*caller, model.name, scope.region, trace.at);
  }
  const auto service = services.find(model.name);
  const auto* operation = service == services.end() ? nullptr : service->second.find(route->operation->name);
  if (!operation || !route->operation->has_shapes) co_return refuse(progress, model, not_implemented(model, route->operation->name));

  auto input = wire::decode(*route, progress.request, body);
  if (!input) co_return refuse(progress, model, input.error());
  if (auto valid = validator.check(model, *route->operation, *input); !valid) co_return refuse(progress, model, valid.error());
  const auto* trace_header = progress.request.find("X-Amzn-Trace-Id");
  Call call{loop,
            trace.operation,
            trace.id,
            scope,
            caller,
            trace.at,
            progress.peer.address,
            cat("http://", progress.request.host),
            wire::Parameters(std::move(*input)),
            std::string(trace_header ? *trace_header : "")};
  co_await authorize(parts, progress, model, *operation, call);
  auto output = co_await attempt(run(*operation, call));
  if (!output) co_return refuse(progress, model, output.error());
  // A write was checked before it took effect; what a read left unread it did not heed.
  if (auto honoured = refuse_unread(call); !honoured) co_return refuse(progress, model, honoured.error());
  auto response = wire::encode(model, *route->operation, std::move(output->output), trace.id);
  std::ranges::move(output->headers, std::back_inserter(response.headers));
  if (output->events) response.stream = wire::encode_events(std::move(output->events));
  co_return response;
}

}  // namespace

Task<http::Response> ControlPlane::handle(io::Loop& loop, const http::Request& request, serve::BodyReader& body, const serve::Peer& peer) {
  const auto trace = std::make_shared<CallTrace>();
  trace->id = make_uuid(parts_.random);
  trace->at = parts_.clock.wall_now();
  trace->began = parts_.clock.monotonic_now();
  trace->method = std::string(request.method);
  trace->path = std::string(request.path);
  trace->peer_address = peer.address;
  http::Response response;
  try {
    Progress progress{*trace, request, peer};
    auto outcome = co_await attempt(answer(parts_, validator_, services_, loop, progress, body));
    response = outcome ? std::move(*outcome) : std::move(outcome.error().response);
  } catch (const std::exception& broken) {
    trace->error_code = "InternalFailure";
    trace->error_message = broken.what();
    response = http::Response();
    response.status = 500;
    response.add("Content-Type", "application/json");
    response.add("x-amzn-ErrorType", "InternalFailure");
    response.add("x-amzn-RequestId", trace->id);
    response.body = R"({"message":"An internal fault; the server's log names it by the request id"})";
  }
  if (!response.find("x-amzn-RequestId")) response.add("x-amzn-RequestId", trace->id);
  trace->status = response.status;
  trace->latency = std::chrono::duration_cast<std::chrono::microseconds>(parts_.clock.monotonic_now() - trace->began);
  parts_.traces.keep(trace);
  parts_.observer.answered(*trace);
  co_return response;
}

std::size_t CallTrace::byte_count() const {
  return sizeof(CallTrace) + path.size() + reasons.size() + error_message.size() +
         (signature ? signature->canonical_request.size() + signature->string_to_sign.size() : 0);
}

json::Value describe(const CallTrace& trace) {
  json::Value out;
  out.set("request_id", trace.id);
  out.set("time", iso8601_millis(trace.at));
  out.set("request", cat(trace.method, " ", trace.path));
  out.set("peer", trace.peer_address);
  if (!trace.service.empty()) out.set("service", trace.service);
  if (!trace.operation.empty()) out.set("operation", trace.operation);
  if (const auto& signature = trace.signature) {
    json::Value shown;
    if (!signature->reason.empty()) shown.set("reason", signature->reason);
    if (!signature->canonical_request.empty()) shown.set("canonical_request", signature->canonical_request);
    if (!signature->string_to_sign.empty()) shown.set("string_to_sign", signature->string_to_sign);
    out.set("signature", std::move(shown));
  }
  if (trace.caller) out.set("caller", trace.caller->arn);
  if (!trace.reasons.empty()) out.set("decision", json::parse(trace.reasons).value_or(json::Value()));
  json::Value answer;
  answer.set("status", trace.status);
  if (!trace.error_code.empty()) answer.set("error", trace.error_code);
  if (!trace.error_message.empty()) answer.set("message", trace.error_message);
  answer.set("latency_us", trace.latency.count());
  out.set("answer", std::move(answer));
  return out;
}

}  // namespace sallyport::control
