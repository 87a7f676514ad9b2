#include "iam/circumstances.hpp"

#include "base/text.hpp"
#include "base/time_text.hpp"

namespace sallyport::iam {
namespace {

std::string_view principal_type(aws::CallerKind kind) {
  switch (kind) {
    case aws::CallerKind::anonymous: return "Anonymous";
    case aws::CallerKind::root: return "Account";
    case aws::CallerKind::user: return "User";
    case aws::CallerKind::role_session: return "AssumedRole";
    case aws::CallerKind::federated_session: return "FederatedUser";
  }
  return "Anonymous";
}

}  // namespace

policy::Principal principal_of(const aws::Caller& caller) {
  using policy::PrincipalKind;
  const auto of_kind = [&](PrincipalKind kind) {
    return policy::Principal{.kind = kind, .arn = caller.arn, .role_arn = caller.role_arn, .account_id = caller.account_id};
  };
  switch (caller.kind) {
    case aws::CallerKind::anonymous: return {};
    case aws::CallerKind::root: return of_kind(PrincipalKind::root);
    case aws::CallerKind::user: return of_kind(PrincipalKind::user);
    case aws::CallerKind::role_session: return of_kind(PrincipalKind::role_session);
    case aws::CallerKind::federated_session: return of_kind(PrincipalKind::federated_session);
  }
  return {};
}

void ContextKeys::add(std::string_view name, std::string_view value) {
  auto& kept = values_[value_count_++];
  kept = value;
  keys_.push_back({name, {&kept, 1}});
}

ContextKeys::ContextKeys(const aws::Caller& caller, const control::Access& access, const control::Circumstances& circumstances) {
  std::size_t service_value_count = 0;
  for (const auto& [name, values] : access.context) service_value_count += values.size();
  keys_.reserve(global_max + access.context.size() + caller.tags.size());
  service_values_.reserve(service_value_count);

  current_time_ = iso8601_seconds(circumstances.now);
  epoch_time_ = cat(to_epoch_ms(circumstances.now) / 1000);
  add("aws:CurrentTime", current_time_);
  add("aws:EpochTime", epoch_time_);
  add("aws:SecureTransport", circumstances.secure_transport ? "true" : "false");
  if (!circumstances.region.empty()) add("aws:RequestedRegion", circumstances.region);
  if (!circumstances.peer_address.empty()) add("aws:SourceIp", circumstances.peer_address);
  if (!circumstances.user_agent.empty()) add("aws:UserAgent", circumstances.user_agent);
  if (!circumstances.referer.empty()) add("aws:Referer", circumstances.referer);
  add_principal(caller);

  for (const auto& [name, values] : access.context) {
    const auto from = service_values_.size();
    service_values_.insert(service_values_.end(), values.begin(), values.end());
    keys_.push_back({name, std::span(service_values_).subspan(from)});
  }
}

void ContextKeys::add_principal(const aws::Caller& caller) {
  add("aws:PrincipalType", principal_type(caller.kind));
  add("aws:PrincipalIsAWSService", "false");
  add("aws:ViaAWSService", "false");
  if (caller.kind == aws::CallerKind::anonymous) {
    add("aws:userid", "anonymous");
    return;
  }
  add("aws:PrincipalArn", caller.kind == aws::CallerKind::role_session ? caller.role_arn : caller.arn);
  add("aws:PrincipalAccount", caller.account_id);
  add("aws:userid", caller.user_id);
  if (!caller.user_name.empty()) add("aws:username", caller.user_name);
  if (caller.token_issued_at) {
    token_time_ = iso8601_seconds(*caller.token_issued_at);
    add("aws:TokenIssueTime", token_time_);
    add("aws:MultiFactorAuthPresent", "false");
  }
  tag_names_.reserve(caller.tags.size());
  tag_values_.reserve(caller.tags.size());
  for (const auto& [key, value] : caller.tags) {
    tag_names_.push_back(cat("aws:PrincipalTag/", key));
    tag_values_.push_back(value);
    keys_.push_back({tag_names_.back(), {&tag_values_.back(), 1}});
  }
}

}  // namespace sallyport::iam
