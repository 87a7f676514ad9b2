// FunctionInvoker: the one door to running a function. Checks the permission, finds the version, hands the event to its pool.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "lambda/invoker.hpp"
#include "lambda/log_tails.hpp"
#include "lambda/role_credentials.hpp"
#include "lambda/state.hpp"
#include "runtime/pool.hpp"

namespace sallyport::lambda {

namespace limits {
inline constexpr std::size_t event_bytes_max = 6'291'456;        // AWS: synchronous invocation
inline constexpr std::size_t async_event_bytes_max = 1'048'576;  // AWS: asynchronous invocation
}  // namespace limits

/// Serves all accounts and regions. May be used from any loop; must outlive all environments it starts.
class FunctionInvoker final : public Invoker {
 public:
  /// `credentials` are the functions' own. `code_root` is where packages are unpacked, for states that were read back from a store.
  FunctionInvoker(const runtime::Surroundings& surroundings, runtime::Capacity& capacity, RoleCredentials& credentials,
                  std::string code_root = {})
      : FunctionInvoker(surroundings, capacity, &credentials, std::move(code_root)) {}
  /// Functions get credentials that sign for nobody.
  FunctionInvoker(const runtime::Surroundings& surroundings, runtime::Capacity& capacity)
      : FunctionInvoker(surroundings, capacity, nullptr, {}) {}

  Task<Result<InvokeResponse, aws::ApiError>> invoke(io::Loop& loop, InvokeRequest request) override;
  std::optional<InvokeTarget> target_of(std::string_view function_arn) const override;

  /// The new state of its account and region serves every call from now on. Environments of functions that are no longer the same end: idle
  /// ones at once, busy ones after their event; those of unchanged functions stay warm.
  void publish(std::shared_ptr<const State> state);
  /// As it serves; null where nothing was ever published.
  std::shared_ptr<const State> state(std::string_view account_id, std::string_view region) const;

  /// What functions find in AWS_ENDPOINT_URL: this server's address. Before the first call; empty: nothing.
  void set_endpoint_url(std::string url) { endpoint_url_ = std::move(url); }

  /// Ends all environments.
  void retire_all();

 private:
  FunctionInvoker(const runtime::Surroundings& surroundings, runtime::Capacity& capacity, RoleCredentials* credentials,
                  std::string code_root)
      : tails_(surroundings.logs),
        surroundings_{surroundings.clock, surroundings.random, tails_, surroundings.interpreters, surroundings.scratch_directory},
        capacity_(capacity),
        credentials_(credentials),
        code_root_(std::move(code_root)) {
    surroundings_.service_variables = [this](const runtime::FunctionSpec& spec) { return service_variables(spec); };
  }
  using Place = std::pair<std::string, std::string>;  // account, region
  struct PlaceLess {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      const std::string_view a_account = a.first, b_account = b.first, a_region = a.second, b_region = b.second;
      return a_account != b_account ? a_account < b_account : a_region < b_region;
    }
  };
  struct VersionPool {
    Shared<Function> function;  // the last one whose configuration was compared with the pool's
    std::shared_ptr<runtime::Pool> pool;
  };
  /// One function. Whoever runs it holds it, so that events are counted over a change of the function.
  struct Entry {
    std::atomic<int> running = 0;
    std::map<std::string, VersionPool, std::less<>> versions;
  };
  /// An event that runs: counted until it is let go.
  class Running {
   public:
    explicit Running(std::shared_ptr<Entry> entry) : entry_(std::move(entry)) { ++entry_->running; }
    Running(Running&& other) noexcept = default;
    Running& operator=(Running&&) = delete;
    ~Running() {
      if (entry_) --entry_->running;
    }

   private:
    std::shared_ptr<Entry> entry_;
  };
  struct Admitted {
    std::shared_ptr<runtime::Pool> pool;
    Running running;
  };

  std::shared_ptr<const State> state_for(const InvokeRequest& request) const;
  /// Counts the event and finds its pool, or refuses it for the function's reserved concurrency.
  Result<Admitted, aws::ApiError> admit(const State& state, const Shared<Function>& function, const FunctionConfiguration& configuration);
  runtime::FunctionSpec spec_of(const FunctionConfiguration& configuration, const aws::Scope& scope) const;
  std::map<std::string, std::string> service_variables(const runtime::FunctionSpec& spec) const;

  LogTails tails_;
  runtime::Surroundings surroundings_;
  runtime::Capacity& capacity_;
  RoleCredentials* const credentials_;
  const std::string code_root_;
  std::string endpoint_url_;
  mutable std::mutex mutex_;
  std::map<Place, std::shared_ptr<const State>, PlaceLess> states_;
  std::map<std::string, std::shared_ptr<Entry>, std::less<>> entries_;  // by function ARN; functions that ran
};

}  // namespace sallyport::lambda
