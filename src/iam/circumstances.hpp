// The condition keys of a request: the global ones, and those of its service.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "control/guard.hpp"
#include "policy/policy.hpp"

namespace sallyport::iam {

/// Views into what it was made of, which must outlive it. Source of the keys and of when they are there: IAM user guide, "AWS global
/// condition context keys".
class ContextKeys {
 public:
  ContextKeys(const aws::Caller& caller, const control::Access& access, const control::Circumstances& circumstances);
  ContextKeys(const ContextKeys&) = delete;
  ContextKeys& operator=(const ContextKeys&) = delete;
  std::span<const policy::ContextKey> keys() const { return keys_; }

 private:
  void add(std::string_view name, std::string_view value);
  void add_principal(const aws::Caller& caller);

  static constexpr std::size_t global_max = 20;
  std::array<std::string_view, global_max> values_;
  std::size_t value_count_ = 0;
  std::vector<policy::ContextKey> keys_;
  std::vector<std::string_view> service_values_;
  std::vector<std::string> tag_names_;
  std::vector<std::string_view> tag_values_;
  std::string current_time_, epoch_time_, token_time_;
};

/// Who asks, in the words of the policy language.
policy::Principal principal_of(const aws::Caller& caller);

}  // namespace sallyport::iam
