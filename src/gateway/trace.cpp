#include "gateway/trace.hpp"

#include <algorithm>
#include <optional>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "gateway/circumstances.hpp"
#include "gateway/claims.hpp"
#include "gateway/explanation.hpp"
#include "gateway/identity_source.hpp"
#include "gateway/operations.hpp"
#include "gateway/stage.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::gateway {
namespace {

std::size_t size_of(const Exchange& exchange) {
  // Claims came in the request's token: parsed they are a few times its size.
  const std::size_t claims = exchange.token && exchange.request.storage ? 4 * exchange.request.storage->size() : 0;
  const std::size_t answer = exchange.authorizer_call ? exchange.authorizer_call->byte_count() : 0;
  const std::size_t certificate = exchange.tls && exchange.tls->client_certificate ? 2 * exchange.tls->client_certificate->pem.size() : 0;
  return sizeof(Exchange) + answer + claims + certificate + (exchange.request.storage ? exchange.request.storage->size() : 0) +
         exchange.request.headers.size() * sizeof(http::Field) + exchange.detail.size() +
         (exchange.signature ? exchange.signature->canonical_request.size() + exchange.signature->string_to_sign.size() : 0) +
         (exchange.iam_reasons ? exchange.iam_reasons->size() : 0);
}

std::string_view text_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::none: return "no decision was reached";
    case Verdict::open: return "open: the method has no authorizer and the API no resource policy";
    case Verdict::allowed_by_resource_policy: return "allowed by the API's resource policy";
    case Verdict::allowed_by_authorizer: return "allowed by the authorizer's policy";
    case Verdict::allowed_by_token: return "allowed: the token is valid and fits the method";
    case Verdict::allowed_by_iam: return "allowed: the caller's policies or the API's resource policy let it in";
    case Verdict::denied_explicitly: return "denied explicitly: a Deny statement matched";
    case Verdict::denied_implicitly: return "denied implicitly: no statement allowed it";
  }
  return {};
}

json::Value describe_sources(const Authorizer& authorizer, const Exchange& exchange) {
  json::Array sources;
  for (std::size_t i = 0; i < authorizer.sources.size(); ++i) {
    json::Value one;
    one.set("source", authorizer.source_texts[i]);
    const auto value = resolve(authorizer.sources[i], exchange);
    one.set("value", value ? json::Value(masked(*value)) : json::Value());
    one.set("length", value ? value->size() : 0);
    sources.push_back(std::move(one));
  }
  return sources;
}

json::Value describe_authorizer(const Authorizer& authorizer, const Exchange& exchange) {
  json::Value out;
  out.set("name", authorizer.name);
  out.set("id", authorizer.id);
  out.set("type", authorizer.type == AuthorizerType::token ? "TOKEN" : "REQUEST");
  out.set("function", authorizer.function_arn);
  out.set("ttl_seconds", authorizer.ttl.count());
  out.set("identity_sources", describe_sources(authorizer, exchange));
  out.set("cache", text_of(exchange.cache_use));
  const auto& call = exchange.authorizer_call;
  if (!call) return out;
  out.set("answered_for_request", call->request_id.text());
  if (!call->function_request_id.empty()) out.set("function_request_id", call->function_request_id.text());
  out.set("call_latency_ms", call->latency.count());
  if (!call->answer.empty()) {
    const auto parsed = json::parse(call->answer);
    out.set("answer", parsed ? *parsed : json::Value(call->answer));
  }
  if (!call->outcome) {
    out.set("problem", call->outcome.error().detail);
    return out;
  }
  out.set("principal_id", call->outcome->principal_id);
  json::Array notes;
  for (const auto& note : call->outcome->policy.notes()) notes.emplace_back(note);
  if (!notes.empty()) out.set("notes", std::move(notes));
  return out;
}

/// Of the token nothing that could be used again.
json::Value describe_token_authorizer(const Authorizer& authorizer, const Exchange& exchange) {
  json::Value out;
  out.set("name", authorizer.name);
  out.set("id", authorizer.id);
  out.set("type", name_of(authorizer.type));
  json::Array issuers(authorizer.pool_issuers.begin(), authorizer.pool_issuers.end());
  for (const auto& each : authorizer.jwt.issuers) issuers.emplace_back(each.issuer);
  out.set("issuers", std::move(issuers));
  if (!exchange.method->scopes.empty())
    out.set("scopes_wanted", json::Array(exchange.method->scopes.begin(), exchange.method->scopes.end()));
  out.set("identity_sources", describe_sources(authorizer, exchange));
  if (!exchange.token) return out;
  const auto& token = *exchange.token;
  out.set("algorithm", token.algorithm);
  out.set("key_id", token.kid);
  out.set("expires", iso8601_seconds(token.expires));
  const auto scopes = token.scopes();
  if (!scopes.empty()) out.set("scopes", json::Array(scopes.begin(), scopes.end()));
  out.set("claims", claims_for_event(authorizer.type, token.claims));
  return out;
}

std::string_view text_of_response_cache(CacheUse use) {
  return use == CacheUse::hit ? "hit: the integration was not called" : "miss: the integration was called";
}

/// Nothing where no policy was asked.
std::optional<json::Value> describe_decision(const Exchange& exchange) {
  policy::PolicySet policies;
  if (const auto* grant = exchange.grant()) policies.identity = {&grant->policy, 1};
  const auto& resource = exchange.stage->resource_policy;
  if (resource) policies.resource = resource->document;
  if (exchange.method_arn.empty() || (policies.identity.empty() && !resource)) return std::nullopt;
  const Circumstances circumstances(exchange);
  json::Value out;
  out.set("action", circumstances.question().action);
  out.set("resource", exchange.method_arn);
  json::Value keys;
  for (const auto& key : circumstances.question().context) keys.set(key.name, key.values.empty() ? std::string_view{} : key.values.front());
  out.set("condition_keys", std::move(keys));
  json::Array statements;
  for (const auto& reason : policy::explain(policies, circumstances.question())) statements.push_back(describe_statement(reason));
  out.set("statements", std::move(statements));
  if (resource && !resource->document) out.set("resource_policy", "the API's resource policy is not usable, so nobody is let in");
  if (resource && resource->names_principals)
    out.set("resource_policy", "the API's resource policy names AWS principals, so it lets in only callers IAM has authenticated");
  return out;
}

}  // namespace

void TraceBuffer::keep(Record record) {
  const auto size = size_of(*record);
  Record dropped;                         // dies outside the lock, as do
  std::vector<Record> dropped_for_bytes;  // those that only large records cost
  std::scoped_lock lock(mutex_);
  bytes_ += size;
  const auto take_oldest = [&] {
    auto& oldest = ring_[(next_ + ring_.size() - count_) % ring_.size()];
    bytes_ -= oldest.bytes;
    --count_;
    return std::move(oldest.record);
  };
  if (ring_.size() < records_max_ && next_ == ring_.size()) {
    ring_.push_back({std::move(record), size});
    next_ = ring_.size() == records_max_ ? 0 : ring_.size();
  } else {
    if (count_ == ring_.size()) dropped = take_oldest();
    ring_[next_] = {std::move(record), size};
    if (++next_ == ring_.size()) next_ = 0;
  }
  ++count_;
  while (bytes_ > bytes_max_ && count_ > 1) dropped_for_bytes.push_back(take_oldest());
}

TraceBuffer::Record TraceBuffer::find(std::string_view request_id) const {
  std::scoped_lock lock(mutex_);
  for (const auto& place : ring_)
    if (place.record && place.record->id.text() == request_id) return place.record;
  for (std::size_t back = 1; back <= count_; ++back) {
    const auto& record = ring_[(next_ + ring_.size() - back) % ring_.size()].record;
    const auto* name = record ? record->request.find("x-amzn-RequestId") : nullptr;
    if (name && *name == request_id) return record;
  }
  return nullptr;
}

std::size_t TraceBuffer::size() const {
  std::scoped_lock lock(mutex_);
  return count_;
}

json::Value describe(const Exchange& exchange) {
  json::Value out;
  out.set("request_id", exchange.id.text());
  out.set("extended_request_id", exchange.extended_id);
  out.set("time", iso8601_millis(exchange.at));
  out.set("request", cat(exchange.request.method, " ", exchange.request.path));
  out.set("peer", exchange.peer_address);
  out.set("api", exchange.address.api_id);
  out.set("stage", exchange.address.stage);
  if (exchange.stage) out.set("deployment", exchange.stage->deployment_id);
  out.set("route", exchange.method ? json::Value(cat(exchange.method->http_method, " ", exchange.method->resource_path)) : json::Value());
  if (exchange.method && exchange.method->authorizer) {
    const auto& authorizer = *exchange.method->authorizer;
    out.set("authorizer",
            authorizer.reads_tokens() ? describe_token_authorizer(authorizer, exchange) : describe_authorizer(authorizer, exchange));
  }
  if (exchange.method && exchange.method->api_key_required) {
    json::Value key;
    key.set("source", exchange.stage->keys_from_authorizer ? "the authorizer's usageIdentifierKey" : "the header X-API-Key");
    if (!exchange.api_key_id.empty()) key.set("id", exchange.api_key_id);
    if (!exchange.usage_plan_id.empty()) key.set("usage_plan", exchange.usage_plan_id);
    out.set("api_key", std::move(key));
  }
  if (exchange.response_cache_use != CacheUse::not_asked) out.set("response_cache", text_of_response_cache(exchange.response_cache_use));
  if (exchange.invalidation_refused) out.set("cache_invalidation", "asked for and not allowed: execute-api:InvalidateCache");
  if (exchange.signature) out.set("signature", describe_signature(*exchange.signature));
  if (exchange.caller) out.set("caller", exchange.caller->arn);
  if (exchange.iam_reasons)
    out.set("decision", json::parse(*exchange.iam_reasons).value_or(json::Value()));
  else if (exchange.stage && !exchange.caller)
    if (auto decision = describe_decision(exchange)) out.set("decision", std::move(*decision));
  out.set("verdict", text_of(exchange.verdict));
  out.set("integration_called", exchange.integration_called);
  if (!exchange.function_request_id.empty()) out.set("function_request_id", exchange.function_request_id.text());
  if (!exchange.function_error.empty()) out.set("function_error", exchange.function_error);
  json::Value answer;
  answer.set("status", exchange.status);
  if (exchange.response_type) answer.set("response_type", row_of(*exchange.response_type).name);
  if (!exchange.detail.empty()) answer.set("why", exchange.detail);
  answer.set("latency_us", exchange.latency.count());
  out.set("answer", std::move(answer));
  return out;
}

}  // namespace sallyport::gateway
