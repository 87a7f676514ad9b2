// Circumstances: the condition keys of a request that IAM has not authenticated, and the question asked about it.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "gateway/exchange.hpp"
#include "policy/policy.hpp"

namespace sallyport::gateway {

/// The condition keys API Gateway gives for every authorization type (developer guide, "AWS condition keys that can be used in API Gateway
/// resource policies", rows for all types), and the access request they belong to. Holds what the request's views point into, so it stays
/// where it is made; the exchange must outlive it.
class Circumstances {
 public:
  /// What there is to know. All of it must outlive the circumstances.
  struct Facts {
    const http::Request& request;
    std::string_view peer_address, region, account_id;
    std::string_view resource;  // the ARN that is asked for
    WallTime at;
    bool secure = false;  // it came over TLS
  };
  explicit Circumstances(const Exchange& exchange);
  /// The same of a request to an API of another kind.
  explicit Circumstances(const Facts& facts);
  Circumstances(const Circumstances&) = delete;
  Circumstances& operator=(const Circumstances&) = delete;

  /// May an anonymous caller do `execute-api:Invoke` on the method's ARN?
  const policy::AccessRequest& question() const { return question_; }

 private:
  void add(std::string_view name, std::string_view value);

  static constexpr std::size_t keys_max = 8;
  std::string current_time_, epoch_time_;
  std::array<std::string_view, keys_max> values_;
  std::array<policy::ContextKey, keys_max> keys_;
  std::size_t count_ = 0;
  policy::AccessRequest question_;
};

}  // namespace sallyport::gateway
