#include "gateway/authorized.hpp"

#include "base/text.hpp"
#include "gateway/authorizer_cache.hpp"
#include "gateway/circumstances.hpp"
#include "gateway/events.hpp"
#include "gateway/gateway.hpp"
#include "gateway/iam_authorization.hpp"
#include "gateway/identity_source.hpp"
#include "gateway/role_call.hpp"
#include "gateway/stage.hpp"
#include "gateway/token_authorization.hpp"
#include "lambda/trace_id.hpp"

namespace sallyport::gateway {
namespace {

/// Source: recorded answers of the service; the short texts are those of before 2025.
Refusal denied(const Exchange& exchange, const policy::Decision& decision) {
  const bool is_explicit = decision.outcome == policy::Outcome::denied_explicitly;
  const bool brief = exchange.stage->choices.denial_text == Choices::DenialText::brief;
  const bool by_resource_policy = decision.policy_type == policy::PolicyType::resource;
  auto text = by_resource_policy
                  ? cat("User: anonymous is not authorized to perform: execute-api:Invoke on resource: ", mask_account(exchange.method_arn))
                  : std::string("User is not authorized to access this resource");
  const std::string_view kind = by_resource_policy ? "resource-based" : "identity-based";
  if (is_explicit)
    text += brief ? std::string(" with an explicit deny")
                  : cat(" with an explicit deny in ", by_resource_policy ? "a " : "an ", kind, " policy");
  else if (!brief)
    text += cat(" because no ", kind, " policy allows the execute-api:Invoke action");
  return {ResponseType::access_denied, std::move(text), 0,
          cat(by_resource_policy ? "the API's resource policy" : "the authorizer's policy",
              is_explicit ? " denies this method" : " does not allow this method")};
}

/// A resource policy that is broken, or that names principals IAM would have to authenticate, lets nobody in.
bool lets_somebody_in(const ResourcePolicy& policy) { return policy.document && !policy.names_principals; }

policy::Decision silent_resource_policy() { return {policy::Outcome::denied_implicitly, policy::PolicyType::resource}; }

/// What everyone who waits for a call gets, should its maker not come to its end.
AuthorizerCache::Call broken_call(const Exchange& exchange) {
  Refusal refusal{ResponseType::authorizer_failure, std::nullopt, 0, "the call that was waited for did not come to its end"};
  return std::make_shared<const AuthorizerCall>(AuthorizerCall{fail(std::move(refusal)), exchange.id, {}, {}, {}});
}

Task<AuthorizerCache::Call> call_authorizer(const Services& services, io::Loop& loop, const Authorizer& authorizer, std::string_view token,
                                            Exchange& exchange) {
  if (authorizer.function_arn.empty()) {
    Refusal refusal{ResponseType::authorizer_configuration_error, std::nullopt, 0,
                    "the authorizer's configuration names no function that can be called"};
    co_return std::make_shared<const AuthorizerCall>(AuthorizerCall{fail(std::move(refusal)), exchange.id, {}, {}, {}});
  }
  if (exchange.trace_id.empty())
    exchange.trace_id = lambda::make_trace_id(exchange.request.find("X-Amzn-Trace-Id"), exchange.at, services.random);
  lambda::InvokeRequest request;
  request.functions = exchange.functions;
  request.function_arn = authorizer.function_arn;
  request.caller = {std::string(gateway_service), authorizer.source_arn, exchange.stage->account_id};
  if (!authorizer.credentials.empty()) {
    auto allowed = authorize_role_call(services, exchange, authorizer.credentials, authorizer.function_arn);
    if (!allowed) {
      Refusal refusal{ResponseType::authorizer_configuration_error, std::nullopt, 0, allowed.error().message};
      co_return std::make_shared<const AuthorizerCall>(AuthorizerCall{fail(std::move(refusal)), exchange.id, {}, {}, {}});
    }
    request.authorized = *allowed;
  }
  request.payload = authorizer.type == AuthorizerType::token ? make_token_event(token, exchange.method_arn) : make_request_event(exchange);
  request.trace_id = exchange.trace_id;
  const auto began = services.clock.monotonic_now();
  const auto invocation = co_await attempt(invoke_within(loop, services.invoker, std::move(request), limits::authorizer_time));
  AuthorizerCall call{judge(invocation, exchange.stage->choices), exchange.id, {}, {}, {}};
  call.latency = std::chrono::duration_cast<std::chrono::milliseconds>(services.clock.monotonic_now() - began);
  if (invocation) call.function_request_id = invocation->request_id;
  if (invocation) call.answer = invocation->payload.substr(0, limits::authorizer_answer_bytes_max);
  co_return std::make_shared<const AuthorizerCall>(std::move(call));
}

/// The authorizer's answer: from the cache, from an equal call under way, or from a call of its own.
Task<AuthorizerCache::Call> ask_authorizer(const Services& services, io::Loop& loop, const Authorizer& authorizer, std::string_view token,
                                           Exchange& exchange) {
  if (authorizer.ttl.count() == 0) {
    exchange.cache_use = CacheUse::off;
    co_return co_await call_authorizer(services, loop, authorizer, token, exchange);
  }
  const auto key = cache_key(authorizer, exchange);
  auto found = services.cache.find(key, services.clock.monotonic_now());
  if (found.hit) {
    exchange.cache_use = CacheUse::hit;
    co_return std::move(found.hit);
  }
  if (!found.must_call) {
    exchange.cache_use = CacheUse::joined;
    co_return co_await found.waiting->wait_on(loop);
  }
  exchange.cache_use = CacheUse::miss;
  AuthorizerCache::Flight flight(services.cache, key, exchange.address.api_id, broken_call(exchange));
  auto call = co_await call_authorizer(services, loop, authorizer, token, exchange);
  // Errors and 401s are not kept; neither is the answer to a question of a stage that has been replaced meanwhile.
  const auto now_serving = services.stages.pin(exchange.address.api_id, exchange.address.stage).stage;
  const bool keep = call->outcome && now_serving && now_serving->generation == exchange.stage->generation;
  flight.land(call, keep ? std::optional(services.clock.monotonic_now() + authorizer.ttl) : std::nullopt);
  co_return call;
}

policy::Decision decide(const Exchange& exchange, const Grant* grant, const ResourcePolicy* resource) {
  policy::PolicySet policies;
  if (grant) policies.identity = {&grant->policy, 1};
  if (resource) policies.resource = resource->document;
  const bool reads = (grant && grant->policy_reads_circumstances) || (resource && resource->reads_circumstances);
  if (reads) return policy::decide(policies, Circumstances(exchange).question());
  policy::AccessRequest question;
  question.action = "execute-api:Invoke";
  question.resource = exchange.method_arn;
  question.resource_account_id = exchange.stage->account_id;
  return policy::decide(policies, question);
}

Verdict verdict_of(policy::Outcome outcome, Verdict allowed) {
  switch (outcome) {
    case policy::Outcome::allowed: return allowed;
    case policy::Outcome::denied_explicitly: return Verdict::denied_explicitly;
    case policy::Outcome::denied_implicitly: return Verdict::denied_implicitly;
  }
  return Verdict::denied_implicitly;
}

}  // namespace

std::string mask_account(std::string_view arn) {
  const auto parsed = aws::parse_arn(arn);
  if (!parsed || parsed->account_id.size() != 12) return std::string(arn);
  std::string out(arn);
  out.replace(static_cast<std::size_t>(parsed->account_id.data() - arn.data()), 8, 8, '*');
  return out;
}

Task<Result<Authorized, Refusal>> authorize(const Services& services, io::Loop& loop, Exchange& exchange, serve::BodyReader& body) {
  const auto& stage = *exchange.stage;
  const auto* authorizer = exchange.method->authorizer;
  const auto* resource = stage.resource_policy ? &*stage.resource_policy : nullptr;
  const bool by_iam = exchange.method->authorization == AuthorizationType::aws_iam;
  const bool is_open = exchange.method->authorization == AuthorizationType::none;
  if (!authorizer && !is_open && !by_iam)
    co_return fail(Refusal{ResponseType::authorizer_configuration_error, std::nullopt, 0, "the method's authorizer is not there"});
  if (is_open && !authorizer && !resource) {
    exchange.verdict = Verdict::open;
    co_return Authorized(exchange);
  }
  exchange.method_arn = cat(stage.arn_prefix, exchange.request.method, exchange.address.path);
  if (exchange.method_arn.size() > limits::method_arn_bytes_max) co_return fail(Refusal{ResponseType::uri_too_long});
  if (by_iam) {
    co_await authorize_with_iam(services, exchange, body);
    co_return Authorized(exchange);
  }

  if (authorizer && authorizer->reads_tokens()) {
    exchange.token = co_await authorize_with_token(services, loop, *authorizer, exchange.method->scopes, exchange);
    exchange.verdict = Verdict::allowed_by_token;
    if (!resource) co_return Authorized(exchange);
    // The token says who it is and the policy, by itself, whether they may: silence denies.
    const auto decision = lets_somebody_in(*resource) ? decide(exchange, nullptr, resource) : silent_resource_policy();
    exchange.verdict = verdict_of(decision.outcome, Verdict::allowed_by_resource_policy);
    if (!lets_somebody_in(*resource) || !decision) co_return fail(denied(exchange, decision));
    co_return Authorized(exchange);
  }
  std::string_view token;
  if (authorizer) {
    auto found = check_identity_sources(*authorizer, exchange);
    if (!found) co_return fail(std::move(found.error()));
    token = *found;
  }
  if (resource) {
    // An explicit deny comes before the authorizer is called; a method without one needs an explicit allow.
    const auto decision = lets_somebody_in(*resource) ? decide(exchange, nullptr, resource) : silent_resource_policy();
    const bool refused =
        decision.outcome == policy::Outcome::denied_explicitly || !lets_somebody_in(*resource) || (!authorizer && !decision);
    exchange.verdict = verdict_of(decision.outcome, Verdict::allowed_by_resource_policy);
    if (refused) co_return fail(denied(exchange, decision));
    if (!authorizer) co_return Authorized(exchange);
    exchange.verdict = Verdict::none;
  }
  exchange.authorizer_call = co_await ask_authorizer(services, loop, *authorizer, token, exchange);
  if (!exchange.authorizer_call->outcome) co_return fail(Refusal(exchange.authorizer_call->outcome.error()));
  const auto decision = decide(exchange, exchange.grant(), resource);
  exchange.verdict = verdict_of(decision.outcome, decision.policy_type == policy::PolicyType::resource ? Verdict::allowed_by_resource_policy
                                                                                                       : Verdict::allowed_by_authorizer);
  if (!decision) co_return fail(denied(exchange, decision));
  co_return Authorized(exchange);
}

}  // namespace sallyport::gateway
