#include "gateway/key_ring.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace sallyport::gateway {
namespace {

ThrottleLimit limit_of(const ThrottleSettings& settings) { return {settings.rate_limit, static_cast<double>(settings.burst_limit)}; }

/// `/pets/{id}/GET`: as plans name methods, with or without the slash, or escaped.
std::string method_name(std::string_view text) {
  auto name = replace_all(replace_all(text, "~1", "/"), "~0", "~");
  return name.starts_with('/') ? name : cat("/", name);
}

std::shared_ptr<const PlanRules> compile_plan(const UsagePlan& plan) {
  auto rules = std::make_shared<PlanRules>();
  rules->id = plan.id;
  if (plan.throttle) rules->throttle = limit_of(*plan.throttle);
  rules->quota = plan.quota;
  for (const auto& stage : plan.stages) {
    auto& methods = rules->stages[cat(stage.api_id, "/", stage.stage)];
    for (const auto& [method, throttle] : stage.throttles) methods[method_name(method)] = limit_of(throttle);
  }
  return rules;
}

template <class T>
bool is_same(const std::map<std::string, Shared<T>, std::less<>>& a, const std::map<std::string, Shared<T>, std::less<>>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return x.first == y.first && x.second.is(y.second); });
}

}  // namespace

bool KeyRing::is_of(const State& state) const {
  return is_same(made_of_keys_, state.api_keys) && is_same(made_of_plans_, state.usage_plans);
}

std::shared_ptr<const KeyRing> KeyRing::make(const State& state, const KeyRing* before) {
  auto ring = std::make_shared<KeyRing>();
  ring->made_of_keys_ = state.api_keys;
  ring->made_of_plans_ = state.usage_plans;
  ring->keys_.reserve(state.api_keys.size());
  for (const auto& [id, key] : state.api_keys) {
    std::string digest;
    if (before)
      if (const auto known = before->made_of_keys_.find(id); known != before->made_of_keys_.end() && known->second.is(key))
        digest = before->digests_.at(id);
    if (digest.empty()) digest = crypto::sha256(key->value);
    ring->digests_.emplace(id, digest);
    ring->keys_.emplace(std::move(digest), Key{id, key->enabled, {}});
  }
  for (const auto& [id, plan] : state.usage_plans) {
    const auto rules = compile_plan(*plan);
    for (const auto& key_id : plan->keys)
      if (const auto digest = ring->digests_.find(key_id); digest != ring->digests_.end())
        ring->keys_.at(digest->second).plans.push_back(rules);
  }
  return ring;
}

const KeyRing::Key* KeyRing::find(std::string_view value) const {
  const auto found = keys_.find(crypto::sha256(value));
  return found == keys_.end() ? nullptr : &found->second;
}

const PlanRules* KeyRing::plan_for(const Key& key, std::string_view api_and_stage) {
  for (const auto& plan : key.plans)
    if (plan->stages.contains(api_and_stage)) return plan.get();
  return nullptr;
}

}  // namespace sallyport::gateway
