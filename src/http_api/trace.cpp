// describe(HttpExchange): a decision for people.
#include <optional>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "gateway/explanation.hpp"
#include "gateway/identity_source.hpp"
#include "http_api/authorized.hpp"
#include "http_api/http_apis.hpp"
#include "http_api/selection_value.hpp"
#include "http_api/stage.hpp"
#include "json/parse.hpp"

namespace sallyport::http_api {
namespace {

std::string_view text_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::none: return "no decision was reached";
    case Verdict::preflight: return "a CORS preflight: answered without authorization, the integration was not called";
    case Verdict::open: return "open: the route has no authorization";
    case Verdict::allowed_by_token: return "allowed: the token is good for this route";
    case Verdict::allowed_by_authorizer: return "allowed by the authorizer";
    case Verdict::allowed_by_iam: return "allowed: the caller's policies let it in";
    case Verdict::denied_by_token: return "denied: the token is missing or not good for this route";
    case Verdict::denied_by_authorizer: return "denied: the authorizer answered isAuthorized false";
    case Verdict::denied_explicitly: return "denied explicitly: a Deny statement matched";
    case Verdict::denied_implicitly: return "denied implicitly: no statement allowed it";
  }
  return {};
}

json::Value describe_sources(const ServedAuthorizer& authorizer, const HttpExchange& exchange) {
  json::Array sources;
  for (std::size_t i = 0; i < authorizer.sources.size(); ++i) {
    json::Value one;
    one.set("source", authorizer.source_texts[i]);
    const auto value = resolve(authorizer.sources[i], exchange);
    one.set("value", value ? json::Value(gateway::masked(*value)) : json::Value());
    one.set("length", value ? value->size() : 0);
    sources.push_back(std::move(one));
  }
  return sources;
}

void describe_token(json::Value& out, const ServedAuthorizer& authorizer, const HttpExchange& exchange) {
  out.set("issuer", authorizer.rules.issuer);
  json::Array audiences, scopes;
  for (const auto& audience : authorizer.audiences) audiences.emplace_back(audience);
  for (const auto& scope : exchange.route->scopes) scopes.emplace_back(scope);
  out.set("audiences", std::move(audiences));
  out.set("wanted_scopes", std::move(scopes));
  if (!exchange.token) return;
  json::Value token;
  token.set("kid", exchange.token->kid);
  for (const auto* claim : {"sub", "aud", "client_id", "scope", "scp", "exp"})
    if (const auto* value = exchange.token->claims.find(claim)) token.set(claim, *value);
  out.set("verified_token", std::move(token));
}

void describe_call(json::Value& out, const ServedAuthorizer& authorizer, const HttpExchange& exchange) {
  out.set("function", authorizer.function_arn);
  out.set("ttl_seconds", authorizer.ttl.count());
  out.set("responses", authorizer.simple_responses ? "simple" : "policy");
  out.set("cache", gateway::text_of(exchange.cache_use));
  const auto& call = exchange.authorizer_call;
  if (!call) return;
  out.set("answered_for_request", call->request_id);
  if (!call->function_request_id.empty()) out.set("function_request_id", call->function_request_id.text());
  out.set("call_latency_ms", call->latency.count());
  if (!call->answer.empty()) {
    const auto parsed = json::parse(call->answer);
    out.set("answer", parsed ? *parsed : json::Value(call->answer));
  }
  if (!call->outcome) out.set("problem", call->outcome.error().detail);
}

json::Value describe_authorizer(const ServedAuthorizer& authorizer, const HttpExchange& exchange) {
  json::Value out;
  out.set("name", authorizer.name);
  out.set("id", authorizer.id);
  out.set("type", name_of(authorizer.type));
  out.set("identity_sources", describe_sources(authorizer, exchange));
  if (authorizer.type == AuthorizerType::jwt)
    describe_token(out, authorizer, exchange);
  else
    describe_call(out, authorizer, exchange);
  return out;
}

/// Nothing where no policy was asked.
std::optional<json::Value> describe_decision(const HttpExchange& exchange) {
  if (exchange.iam_reasons) return json::parse(*exchange.iam_reasons).value_or(json::Value());
  const auto* grant = exchange.grant();
  if (!grant || !grant->policy) return std::nullopt;
  policy::PolicySet policies;
  policies.identity = {&*grant->policy, 1};
  const auto circumstances = circumstances_of(exchange);
  json::Value out, keys;
  out.set("action", circumstances.question().action);
  out.set("resource", exchange.route_arn);
  for (const auto& key : circumstances.question().context) keys.set(key.name, key.values.empty() ? std::string_view{} : key.values.front());
  out.set("condition_keys", std::move(keys));
  json::Array statements;
  for (const auto& reason : policy::explain(policies, circumstances.question())) statements.push_back(gateway::describe_statement(reason));
  out.set("statements", std::move(statements));
  return out;
}

}  // namespace

json::Value describe(const HttpExchange& exchange) {
  json::Value out;
  out.set("request_id", exchange.id);
  out.set("time", iso8601_millis(exchange.at));
  out.set("request", cat(exchange.request.method, " ", exchange.raw_path));
  out.set("peer", exchange.peer_address);
  out.set("http_api", exchange.address.api_id);
  if (exchange.stage) {
    out.set("stage", exchange.stage->name);
    out.set("deployment", exchange.stage->deployment_id);
  }
  if (exchange.route) {
    out.set("route", exchange.route->key);
    out.set("authorization", name_of(exchange.route->authorization));
    if (exchange.route->authorizer) out.set("authorizer", describe_authorizer(*exchange.route->authorizer, exchange));
  }
  if (exchange.signature) out.set("signature", gateway::describe_signature(*exchange.signature));
  if (exchange.caller) out.set("caller", exchange.caller->arn);
  if (auto decision = describe_decision(exchange)) out.set("decision", std::move(*decision));
  out.set("verdict", text_of(exchange.verdict));
  out.set("integration_called", exchange.integration_called);
  if (exchange.integration_status) out.set("integration_status", exchange.integration_status);
  if (!exchange.function_request_id.empty()) out.set("function_request_id", exchange.function_request_id.text());
  if (!exchange.function_error.empty()) out.set("function_error", exchange.function_error);
  json::Value answer;
  answer.set("status", exchange.status);
  if (exchange.refused) answer.set("response_type", name_of(*exchange.refused));
  if (!exchange.detail.empty()) answer.set("why", exchange.detail);
  answer.set("latency_us", exchange.latency.count());
  out.set("answer", std::move(answer));
  return out;
}

}  // namespace sallyport::http_api
