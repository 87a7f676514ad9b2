// Concurrency: how many events run at the same time, and whether one more may. Source: Lambda developer guide, "Understanding Lambda
// function scaling": reserved, unreserved and provisioned concurrency.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "aws/arn.hpp"
#include "base/result.hpp"
#include "lambda/state.hpp"

namespace sallyport::lambda {

/// How many environments each version is to have ready: for itself and for the aliases that stand for it.
std::map<std::string, int, std::less<>> provisioned_versions(const Function& function);
/// What the function takes from what all share: its reservation, or else what is provisioned for it.
int set_aside(const Function& function);
/// What is left of an account's limit for functions without a reservation; they share it.
int unreserved_concurrency(const State& state, int account_limit);

/// Events of all functions without a reservation, of one account and region, that run now on what they share.
struct AccountLoad {
  std::atomic<int> unreserved = 0;
};

/// Events of one function that run now.
struct FunctionLoad {
  std::atomic<int> running = 0, on_demand = 0;                       // all; those on no provisioned environment
  std::map<std::string, std::atomic<int>, std::less<>> provisioned;  // by version; nothing is ever taken out
};

/// One event that runs: counted until it is let go.
class Turn {
 public:
  Turn() = default;
  Turn(Turn&& other) noexcept
      : account_(std::move(other.account_)),
        function_(std::move(other.function_)),
        provisioned_(std::exchange(other.provisioned_, nullptr)),
        unreserved_(std::exchange(other.unreserved_, false)) {}
  Turn& operator=(Turn&&) = delete;
  ~Turn();

 private:
  friend struct Admission;
  std::shared_ptr<AccountLoad> account_;
  std::shared_ptr<FunctionLoad> function_;
  std::atomic<int>* provisioned_ = nullptr;
  bool unreserved_ = false;
};

/// What decides about one event. `take` is called by one thread at a time for all loads; turns end on any.
struct Admission {
  const Function& function;
  std::string_view version;
  int unreserved_limit;  // `unreserved_concurrency` of its account

  /// TooManyRequestsException with AWS's reason when all that the function may have is taken.
  Result<Turn, aws::ApiError> take(std::shared_ptr<AccountLoad> account, std::shared_ptr<FunctionLoad> load) const;
};

}  // namespace sallyport::lambda
