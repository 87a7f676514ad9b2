#include "gateway/key_check.hpp"

#include "base/text.hpp"
#include "gateway/key_ring.hpp"
#include "gateway/stage.hpp"
#include "gateway/usage.hpp"

namespace sallyport::gateway {
namespace {

auto no_key(std::string why) { return fail(Refusal{ResponseType::invalid_api_key, std::nullopt, 0, std::move(why)}); }

std::optional<std::string_view> value_of(const Exchange& exchange) {
  if (exchange.stage->keys_from_authorizer) {
    const auto* grant = exchange.grant();
    if (!grant || !grant->usage_identifier_key) return std::nullopt;
    return *grant->usage_identifier_key;
  }
  const auto* header = exchange.request.find("X-API-Key");
  return header ? std::optional(*header) : std::nullopt;
}

/// The limit of this method in this plan, and the bucket it goes by: one for each key, and another where the method has its own.
struct KeyThrottle {
  ThrottleLimit limit;
  std::string bucket;
};
std::optional<KeyThrottle> throttle_of(const PlanRules& plan, const KeyRing::Key& key, const Exchange& exchange, std::string_view place) {
  const auto& methods = plan.stages.find(place)->second;
  const auto method = cat(exchange.method->resource_path, "/", exchange.method->http_method);
  if (const auto own = methods.find(method); own != methods.end())
    return KeyThrottle{own->second, cat("key/", plan.id, "/", key.id, "/", place, method)};
  if (plan.throttle) return KeyThrottle{*plan.throttle, cat("key/", plan.id, "/", key.id)};
  return std::nullopt;
}

}  // namespace

Result<void, Refusal> check_api_key(const Services& services, Exchange& exchange) {
  if (!exchange.method->api_key_required) return {};
  const auto& stage = *exchange.stage;
  const auto value = value_of(exchange);
  if (!value || value->empty())
    return no_key(stage.keys_from_authorizer ? "the method asks for an API key and the authorizer named none (usageIdentifierKey)"
                                             : "the method asks for an API key and there is no header X-API-Key");
  const auto ring = services.stages.keys_of(stage.account_id, stage.region);
  const auto* key = ring ? ring->find(*value) : nullptr;
  if (!key) return no_key("no API key has this value");
  exchange.api_key_id = key->id;
  if (!key->enabled) return no_key(cat("the API key ", key->id, " is disabled"));
  const auto place = cat(stage.api_id, "/", stage.name);
  const auto* plan = KeyRing::plan_for(*key, place);
  if (!plan) return no_key(cat("the API key ", key->id, " is in no usage plan with the stage ", place));
  exchange.usage_plan_id = plan->id;
  exchange.api_key = std::string(*value);
  if (const auto throttle = throttle_of(*plan, *key, exchange, place))
    if (!services.throttles.admit(throttle->bucket, throttle->limit, services.clock.monotonic_now()))
      return fail(
          Refusal{ResponseType::throttled, std::nullopt, 0, cat("the rate limit of the usage plan ", plan->id, " for the key ", key->id)});
  if (!services.usage.admit({stage.account_id, stage.region, plan->id, key->id}, plan->quota, services.clock.wall_now()))
    return fail(
        Refusal{ResponseType::quota_exceeded, std::nullopt, 0, cat("the quota of the usage plan ", plan->id, " for the key ", key->id)});
  return {};
}

}  // namespace sallyport::gateway
