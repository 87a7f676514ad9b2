#include "gateway/cached_integration.hpp"

#include "base/text.hpp"
#include "gateway/iam_authorization.hpp"
#include "gateway/integration.hpp"
#include "gateway/response_cache.hpp"
#include "gateway/stage.hpp"

namespace sallyport::gateway {
namespace {

/// A parameter that was sent twice counts with all its values: backends differ in which of them they take, and an answer to one must not
/// be kept as the answer to another.
std::vector<std::string> values_of(const Source& source, const Exchange& exchange) {
  std::vector<std::string> values;
  if (source.kind == Source::Kind::header) {
    for (const auto& field : exchange.request.headers)
      if (equals_ignoring_case(field.name, source.name)) values.emplace_back(field.value);
  } else if (source.kind == Source::Kind::query) {
    for (auto& [name, value] : http::parse_query(exchange.request.query))
      if (name == source.name) values.push_back(std::move(value));
  } else if (auto value = resolve(source, exchange)) {
    values.push_back(std::move(*value));
  }
  return values;
}

/// Each part with its length, so that no two lists of values are one key.
std::string key_of(const MethodCache& cache, const Exchange& exchange) {
  auto key = cat(cache.key, exchange.request.method, ";");
  if (const auto* accept = cache.varies_by_accept ? exchange.request.find("Accept") : nullptr) key += cat(accept->size(), ":", *accept);
  for (const auto& source : cache.parameters) {
    for (const auto& value : values_of(source, exchange)) key += cat(value.size(), ":", value);
    key += ';';  // no number begins so: the end of this parameter's values
  }
  return key;
}

bool asks_past_the_cache(const Exchange& exchange) {
  for (const auto& field : exchange.request.headers) {
    if (!equals_ignoring_case(field.name, "Cache-Control")) continue;
    for (const auto part : split(field.value, ','))
      if (equals_ignoring_case(trim(part), "max-age=0")) return true;
  }
  return false;
}

bool may_invalidate(const Services& services, const MethodCache& cache, const Exchange& exchange) {
  if (!cache.requires_authorization) return true;
  if (!exchange.caller) return false;
  control::Access access{"execute-api:InvalidateCache", exchange.method_arn};
  access.resource_account_id = exchange.stage->account_id;
  return static_cast<bool>(services.guard.decide(*exchange.caller, access, circumstances_of(exchange)));
}

http::Response copy_of(const http::Response& response) {
  http::Response copy;
  copy.status = response.status;
  copy.headers = response.headers;
  copy.body = response.body;
  return copy;
}

bool is_kept(const Exchange& exchange, const http::Response& response) {
  if (response.stream) return false;
  return exchange.stage->choices.kept_answers == Choices::KeptAnswers::all || (response.status >= 200 && response.status < 300);
}

}  // namespace

Task<Result<http::Response, Refusal>> call_cached_integration(const Services& services, io::Loop& loop, const Authorized& authorized,
                                                              serve::BodyReader& body) {
  auto& exchange = authorized.exchange();
  const auto& cache = exchange.method->cache;
  if (!cache) co_return co_await call_integration(services, loop, authorized, body);
  const auto key = key_of(*cache, exchange);
  bool fresh = false, warned = false;
  if (asks_past_the_cache(exchange)) {
    fresh = may_invalidate(services, *cache, exchange);
    exchange.invalidation_refused = !fresh;
    if (!fresh && cache->unauthorized == MethodCache::Unauthorized::fail_with_403)
      co_return fail(Refusal{ResponseType::access_denied, "User is not authorized to access this resource", 0,
                             "the client asks for an answer past the cache and is not allowed execute-api:InvalidateCache"});
    warned = !fresh && cache->unauthorized == MethodCache::Unauthorized::succeed_with_header;
  }
  const auto warn = [warned](http::Response& response) {
    if (warned) response.add("Warning", "199 Cache-control header received, but user is not authorized to invalidate the cache");
  };
  if (!fresh) {
    if (const auto kept = services.responses.find(cache->part, key, services.clock.monotonic_now())) {
      exchange.response_cache_use = CacheUse::hit;
      auto response = copy_of(*kept);
      warn(response);
      co_return response;
    }
  }
  exchange.response_cache_use = CacheUse::miss;
  auto response = co_await call_integration(services, loop, authorized, body);
  const auto now = services.clock.monotonic_now();
  if (is_kept(exchange, response))
    services.responses.keep(cache->part, key, std::make_shared<const http::Response>(copy_of(response)), now, now + cache->ttl,
                            cache->bytes_max);
  warn(response);
  co_return response;
}

}  // namespace sallyport::gateway
