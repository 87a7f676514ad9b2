#include "lambda/concurrency.hpp"

#include <algorithm>

#include "lambda/checks.hpp"

namespace sallyport::lambda {
namespace {

auto throttled(std::string reason) {
  return std::unexpected(aws::ApiError{"TooManyRequestsException", 429, "Rate Exceeded.", std::move(reason)});
}

}  // namespace

std::map<std::string, int, std::less<>> provisioned_versions(const Function& function) {
  std::map<std::string, int, std::less<>> out;
  for (const auto& [qualifier, provisioned] : function.provisioned) {
    const auto alias = function.aliases.find(qualifier);
    const auto& version = alias == function.aliases.end() ? qualifier : alias->second.function_version;
    if (function.versions.contains(version)) out[version] += provisioned.requested;
  }
  return out;
}

int set_aside(const Function& function) {
  if (function.reserved_concurrency) return *function.reserved_concurrency;
  int sum = 0;
  for (const auto& [qualifier, provisioned] : function.provisioned) sum += provisioned.requested;
  return sum;
}

int unreserved_concurrency(const State& state, int account_limit) {
  int left = account_limit;
  for (const auto& [name, function] : state.functions) left -= set_aside(*function);
  return std::max(left, 0);
}

Turn::~Turn() {
  if (!function_) return;
  if (unreserved_) --account_->unreserved;
  provisioned_ ? --*provisioned_ : --function_->on_demand;
  --function_->running;
}

Result<Turn, aws::ApiError> Admission::take(std::shared_ptr<AccountLoad> account, std::shared_ptr<FunctionLoad> load) const {
  const auto& reserved = function.reserved_concurrency;
  constexpr auto own_limit = "ReservedFunctionConcurrentInvocationLimitExceeded";
  if (reserved && load->running >= *reserved) return throttled(own_limit);
  Turn turn;
  int provisioned_in_all = 0;
  if (!function.provisioned.empty()) {
    const auto provisioned = provisioned_versions(function);
    for (const auto& [each, count] : provisioned) provisioned_in_all += count;
    const auto own = provisioned.find(version);
    auto& running = load->provisioned[std::string(version)];
    if (own != provisioned.end() && running < own->second) turn.provisioned_ = &running;
  }
  if (!turn.provisioned_) {
    if (reserved && load->on_demand >= *reserved - provisioned_in_all) return throttled(own_limit);
    if (!reserved && account->unreserved >= unreserved_limit) return throttled("ConcurrentInvocationLimitExceeded");
    turn.unreserved_ = !reserved;
  }
  if (turn.unreserved_) ++account->unreserved;
  turn.provisioned_ ? ++*turn.provisioned_ : ++load->on_demand;
  ++load->running;
  turn.account_ = std::move(account);
  turn.function_ = std::move(load);
  return turn;
}

}  // namespace sallyport::lambda
