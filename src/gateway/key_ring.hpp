// KeyRing: the API keys of one account and region and the usage plans they are in, compiled. Immutable: requests look a key up by its value
// while the next ring is made.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/state.hpp"
#include "gateway/throttle.hpp"

namespace sallyport::gateway {

/// A usage plan as requests see it.
struct PlanRules {
  std::string id;
  std::optional<ThrottleLimit> throttle;
  std::optional<QuotaSettings> quota;
  /// By `api/stage`: limits of single methods there, by `/path/METHOD`, in place of the plan's own.
  std::map<std::string, std::map<std::string, ThrottleLimit, std::less<>>, std::less<>> stages;
};

class KeyRing {
 public:
  struct Key {
    std::string id;
    bool enabled = false;
    std::vector<std::shared_ptr<const PlanRules>> plans;
  };

  /// `before`: a ring of the same account and region, of which the digests of untouched keys are taken. May be null.
  static std::shared_ptr<const KeyRing> make(const State& state, const KeyRing* before);
  /// Would a ring of this state be the same?
  bool is_of(const State& state) const;

  /// Null when no key has that value. Looked up by the value's SHA-256, so that the time it takes says nothing of how much of a value was
  /// right.
  const Key* find(std::string_view value) const;
  /// The plan through which a key may call a stage; null when there is none. `api_and_stage` as `api/stage`.
  static const PlanRules* plan_for(const Key& key, std::string_view api_and_stage);

 private:
  std::unordered_map<std::string, Key> keys_;             // by digest
  std::unordered_map<std::string, std::string> digests_;  // by id
  std::map<std::string, Shared<ApiKey>, std::less<>> made_of_keys_;
  std::map<std::string, Shared<UsagePlan>, std::less<>> made_of_plans_;
};

}  // namespace sallyport::gateway
