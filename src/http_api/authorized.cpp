#include "http_api/authorized.hpp"

#include "base/text.hpp"
#include "gateway/gateway.hpp"
#include "gateway/invocation.hpp"
#include "gateway/role_call.hpp"
#include "http_api/authorizer_call.hpp"
#include "http_api/events.hpp"
#include "http_api/selection_value.hpp"
#include "http_api/stage.hpp"
#include "identity/sigv4.hpp"
#include "json/write.hpp"
#include "lambda/trace_id.hpp"

namespace sallyport::http_api {
namespace {

// ---- tokens

/// Source: RFC 6750, section 3, written as AWS writes it: spaces where the RFC has commas.
std::string challenge(const ServedRoute& route, std::string_view error, std::string_view description) {
  return cat("Bearer scope=\"", join(route.scopes, " "), "\" error=\"", error, "\" error_description=\"", description, "\"");
}

std::string_view description_of(identity::TokenFault fault) {
  // As recorded of issuers that do not answer.
  if (fault == identity::TokenFault::keys_unavailable) return "OIDC discovery endpoint communication error";
  return identity::error_description(fault);
}

Refusal token_refused(HttpExchange& exchange, identity::TokenFault fault, std::string detail) {
  exchange.verdict = Verdict::denied_by_token;
  using enum Choices::KeysUnavailable;
  if (fault == identity::TokenFault::keys_unavailable && exchange.stage->choices.keys_unavailable == internal_error)
    return {RefusalKind::internal_error, std::move(detail)};
  return {RefusalKind::unauthorized, std::move(detail), challenge(*exchange.route, "invalid_token", description_of(fault))};
}

Task<Result<void, Refusal>> authorize_with_token(const Services& services, io::Loop& loop, HttpExchange& exchange) {
  const auto& route = *exchange.route;
  const auto& authorizer = *route.authorizer;
  const auto presented = resolve_all(authorizer.sources.front(), exchange);
  // Two tokens are none: which of them is looked at must not be a matter of taste.
  const auto token = presented.size() == 1 ? identity::bare_token(presented.front()) : std::string_view();
  if (token.empty()) {
    exchange.verdict = Verdict::denied_by_token;
    co_return fail(Refusal{RefusalKind::unauthorized, cat("there is no token in ", authorizer.source_texts.front()), "Bearer"});
  }
  auto verified = co_await attempt(services.issuers.verify(loop, token, authorizer.rules));
  if (!verified) co_return fail(token_refused(exchange, verified.error().fault, std::move(verified.error().detail)));
  exchange.token = std::move(*verified);
  if (!identity::fits_audience(*exchange.token, authorizer.audiences))
    co_return fail(
        token_refused(exchange, identity::TokenFault::audience, "neither aud nor client_id is one of the authorizer's audiences"));
  if (!identity::has_scope(*exchange.token, route.scopes)) {
    exchange.verdict = Verdict::denied_by_token;
    co_return fail(Refusal{RefusalKind::forbidden, cat("the token has none of the route's scopes: ", join(route.scopes, " ")),
                           challenge(route, "insufficient_scope", identity::error_description(identity::TokenFault::scope))});
  }
  exchange.verdict = Verdict::allowed_by_token;
  co_return Result<void, Refusal>();
}

// ---- functions

AuthorizerCache::Call failed_call(const HttpExchange& exchange, std::string why) {
  return std::make_shared<const AuthorizerCall>(
      AuthorizerCall{fail(Refusal{RefusalKind::internal_error, std::move(why)}), exchange.id, {}});
}

void begin_trace(const Services& services, HttpExchange& exchange) {
  if (exchange.trace_id.empty())
    exchange.trace_id = lambda::make_trace_id(exchange.request.find("X-Amzn-Trace-Id"), exchange.at, services.random);
}

Task<AuthorizerCache::Call> call_authorizer(const Services& services, io::Loop& loop, const ServedAuthorizer& authorizer,
                                            const std::vector<std::string>& sources, HttpExchange& exchange) {
  begin_trace(services, exchange);
  lambda::InvokeRequest request;
  request.functions = exchange.functions;
  request.function_arn = authorizer.function_arn;
  request.caller = {std::string(gateway::gateway_service), authorizer.source_arn, exchange.stage->account_id};
  if (!authorizer.credentials.empty()) {
    auto allowed = gateway::authorize_role_call(services.guard, services.invoker,
                                                {authorizer.credentials, authorizer.function_arn, exchange.stage->account_id,
                                                 exchange.stage->region, nullptr, exchange.peer_address, exchange.at});
    if (!allowed) co_return failed_call(exchange, allowed.error().message);
    request.authorized = *allowed;
  }
  request.payload = make_authorizer_event(exchange, authorizer.payload, sources);
  request.trace_id = exchange.trace_id;
  const auto began = services.clock.monotonic_now();
  const auto invocation = co_await attempt(gateway::invoke_within(loop, services.invoker, std::move(request), limits::authorizer_time));
  const auto form = authorizer.simple_responses ? ResponseForm::simple : ResponseForm::policy;
  AuthorizerCall call{judge(invocation, authorizer.payload, form, exchange.stage->choices), exchange.id, {}};
  call.latency = std::chrono::duration_cast<std::chrono::milliseconds>(services.clock.monotonic_now() - began);
  if (invocation) call.function_request_id = invocation->request_id;
  if (invocation) call.answer = invocation->payload.substr(0, gateway::limits::authorizer_answer_bytes_max);
  co_return std::make_shared<const AuthorizerCall>(std::move(call));
}

/// Everything that makes two calls of this authorizer equal: its stage, generation and id, and all values of each source, each counted, so
/// that no two tuples of values share a key. The route is not in it unless $context.routeKey is a source.
std::string cache_key(const ServedAuthorizer& authorizer, const HttpExchange& exchange) {
  std::string key = authorizer.key_prefix;
  for (const auto& source : authorizer.sources) {
    for (const auto& value : resolve_all(source, exchange)) key += cat(value.size(), ":", value);
    key += ';';  // no number begins so: the end of this source's values
  }
  return key;
}

/// The authorizer's answer: from the cache, from an equal call under way, or from a call of its own.
Task<AuthorizerCache::Call> ask_authorizer(const Services& services, io::Loop& loop, const ServedAuthorizer& authorizer,
                                           const std::vector<std::string>& sources, HttpExchange& exchange) {
  if (authorizer.ttl.count() == 0) {
    exchange.cache_use = gateway::CacheUse::off;
    co_return co_await call_authorizer(services, loop, authorizer, sources, exchange);
  }
  const auto key = cache_key(authorizer, exchange);
  auto found = services.cache.find(key, services.clock.monotonic_now());
  if (found.hit) {
    exchange.cache_use = gateway::CacheUse::hit;
    co_return std::move(found.hit);
  }
  if (!found.must_call) {
    exchange.cache_use = gateway::CacheUse::joined;
    co_return co_await found.waiting->wait_on(loop);
  }
  exchange.cache_use = gateway::CacheUse::miss;
  AuthorizerCache::Flight flight(services.cache, key, exchange.address.api_id,
                                 failed_call(exchange, "the call that was waited for did not come to its end"));
  auto call = co_await call_authorizer(services, loop, authorizer, sources, exchange);
  // Errors and 401s are not kept; neither is the answer to a question of a stage that has been replaced meanwhile.
  const auto now_serving = services.stages.pin(exchange.stage->api_id, exchange.stage->name).stage;
  const bool keep = call->outcome && now_serving && now_serving->generation == exchange.stage->generation;
  flight.land(call, keep ? std::optional(services.clock.monotonic_now() + authorizer.ttl) : std::nullopt);
  co_return call;
}

policy::Decision decide(const HttpExchange& exchange, const Grant& grant) {
  policy::PolicySet policies;
  policies.identity = {&*grant.policy, 1};
  if (grant.policy_reads_circumstances) return policy::decide(policies, circumstances_of(exchange).question());
  policy::AccessRequest question;
  question.action = "execute-api:Invoke";
  question.resource = exchange.route_arn;
  question.resource_account_id = exchange.stage->account_id;
  return policy::decide(policies, question);
}

Task<Result<void, Refusal>> authorize_with_function(const Services& services, io::Loop& loop, HttpExchange& exchange) {
  const auto& authorizer = *exchange.route->authorizer;
  std::vector<std::string> sources;
  for (std::size_t i = 0; i < authorizer.sources.size(); ++i) {
    auto value = resolve(authorizer.sources[i], exchange).value_or("");
    if (value.empty())
      co_return fail(Refusal{RefusalKind::unauthorized, cat("the identity source ", authorizer.source_texts[i],
                                                            " is missing or empty; the authorizer was not called")});
    sources.push_back(std::move(value));
  }
  exchange.authorizer_call = co_await ask_authorizer(services, loop, authorizer, sources, exchange);
  if (!exchange.authorizer_call->outcome) co_return fail(Refusal(exchange.authorizer_call->outcome.error()));
  const auto& grant = *exchange.grant();
  exchange.verdict = Verdict::allowed_by_authorizer;
  if (!grant.policy) {
    if (grant.is_authorized) co_return Result<void, Refusal>();
    exchange.verdict = Verdict::denied_by_authorizer;
    co_return fail(Refusal{RefusalKind::forbidden, "the authorizer's answer is isAuthorized: false"});
  }
  const auto decision = decide(exchange, grant);
  if (decision) co_return Result<void, Refusal>();
  const bool is_explicit = decision.outcome == policy::Outcome::denied_explicitly;
  exchange.verdict = is_explicit ? Verdict::denied_explicitly : Verdict::denied_implicitly;
  co_return fail(
      Refusal{RefusalKind::forbidden, cat("the authorizer's policy ", is_explicit ? "denies" : "does not allow", " ", exchange.route_arn)});
}

// ---- IAM

control::Circumstances guard_circumstances(const HttpExchange& exchange) {
  control::Circumstances out;
  out.now = exchange.at;
  out.peer_address = exchange.peer_address;
  out.region = exchange.stage->region;
  out.secure_transport = exchange.tls != nullptr;
  if (const auto* agent = exchange.request.find("User-Agent")) out.user_agent = std::string(*agent);
  if (const auto* referer = exchange.request.find("Referer")) out.referer = std::string(*referer);
  return out;
}

Refusal signature_refused(HttpExchange& exchange, identity::SigV4Refusal refused) {
  exchange.verdict = Verdict::denied_implicitly;
  Refusal refusal{RefusalKind::forbidden,
                  cat(identity::exception_name(refused.code), ": ", refused.message.substr(0, refused.message.find('\n')))};
  if (!refused.detail.reason.empty()) refusal.detail += cat(" (", refused.detail.reason, ")");
  exchange.signature = std::make_shared<const identity::SigV4Detail>(std::move(refused.detail));
  return refusal;
}

Task<Result<void, Refusal>> authorize_with_iam(const Services& services, HttpExchange& exchange, serve::BodyReader& body) {
  // A request without a signature costs no body.
  if (auto presented = identity::parse_authorization(exchange.request); !presented)
    co_return fail(signature_refused(exchange, std::move(presented.error())));
  co_await read_body(exchange, body);
  const identity::SigV4Rules rules{"execute-api", identity::RegionPolicy::only(exchange.stage->region), identity::PathMode::normalized,
                                   identity::UnsignedPayload::refused, identity::Diagnosis::on};
  auto verified = identity::verify(exchange.request, identity::Payload::of(*exchange.body), rules, services.credentials, exchange.at);
  if (!verified) co_return fail(signature_refused(exchange, std::move(verified.error())));
  exchange.caller = verified->credential().caller;
  if (!exchange.caller) co_return fail(Refusal{RefusalKind::forbidden, "the access key belongs to no principal"});

  control::Access access{"execute-api:Invoke", exchange.route_arn};
  access.resource_account_id = exchange.stage->account_id;
  const auto circumstances = guard_circumstances(exchange);
  const auto verdict = services.guard.decide(*exchange.caller, access, circumstances);
  exchange.verdict = verdict                                                 ? Verdict::allowed_by_iam
                     : verdict.outcome == policy::Outcome::denied_explicitly ? Verdict::denied_explicitly
                                                                             : Verdict::denied_implicitly;
  if (verdict) co_return Result<void, Refusal>();
  exchange.iam_reasons =
      std::make_shared<const std::string>(json::to_text(services.guard.explain(*exchange.caller, access, circumstances)));
  co_return fail(Refusal{RefusalKind::forbidden, control::denial_message(*exchange.caller, access, verdict)});
}

}  // namespace

gateway::Circumstances circumstances_of(const HttpExchange& exchange) {
  return gateway::Circumstances(gateway::Circumstances::Facts{exchange.request, exchange.peer_address, exchange.stage->region,
                                                              exchange.stage->account_id, exchange.route_arn, exchange.at,
                                                              exchange.tls != nullptr});
}

Task<Result<void, Refusal>> read_body(HttpExchange& exchange, serve::BodyReader& body) {
  if (exchange.body) co_return Result<void, Refusal>();
  auto bytes = co_await attempt(body.read_all(gateway::limits::request_body_bytes_max));
  if (!bytes) {
    if (bytes.error().kind == serve::BodyError::Kind::too_large)
      co_return fail(Refusal{RefusalKind::too_large, "the request's body is too large"});
    co_return fail(Refusal{RefusalKind::bad_request, "the request's body is malformed or was cut off"});
  }
  exchange.body = std::move(*bytes);
  co_return Result<void, Refusal>();
}

Task<Result<Authorized, Refusal>> authorize(const Services& services, io::Loop& loop, HttpExchange& exchange, serve::BodyReader& body) {
  const auto& route = *exchange.route;
  if (route.authorization == AuthorizationType::none) {
    exchange.verdict = Verdict::open;
    co_return Authorized(exchange);
  }
  exchange.route_arn = cat(exchange.stage->arn_prefix, exchange.request.method, exchange.path);
  if (exchange.route_arn.size() > gateway::limits::method_arn_bytes_max)
    co_return fail(Refusal{RefusalKind::bad_request, "the route's ARN would be too long"});
  if (route.authorization == AuthorizationType::aws_iam) {
    co_await authorize_with_iam(services, exchange, body);
    co_return Authorized(exchange);
  }
  if (!route.authorizer) co_return fail(Refusal{RefusalKind::internal_error, "the route's authorizer does not exist"});
  if (!route.authorizer->problem.empty()) co_return fail(Refusal{RefusalKind::internal_error, route.authorizer->problem});
  if (route.authorization == AuthorizationType::jwt)
    co_await authorize_with_token(services, loop, exchange);
  else
    co_await authorize_with_function(services, loop, exchange);
  co_return Authorized(exchange);
}

}  // namespace sallyport::http_api
