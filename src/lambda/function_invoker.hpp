// FunctionInvoker: the one door to running a function. Checks the permission, finds the version, hands the event to its pool.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lambda/concurrency.hpp"
#include "lambda/invoker.hpp"
#include "lambda/log_tails.hpp"
#include "lambda/role_credentials.hpp"
#include "lambda/state.hpp"
#include "runtime/pool.hpp"
#include "runtime/response_stream.hpp"

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
  Task<Result<StreamedResponse, aws::ApiError>> invoke_streaming(io::Loop& loop, InvokeRequest request) override;
  std::optional<InvokeTarget> target_of(std::string_view function_arn) const override;
  Readiness readiness(std::string_view function_arn, std::string_view version) const override;

  /// The new state of its account and region serves every call from now on. Environments of functions that are no longer the same end: idle
  /// ones at once, busy ones after their event; those of unchanged functions stay warm.
  void publish(std::shared_ptr<const State> state);
  /// As it serves; null where nothing was ever published.
  std::shared_ptr<const State> state(std::string_view account_id, std::string_view region) const;

  /// Names of the folders of the code store that environments use, and states that somebody still works with, whatever is configured by
  /// now.
  std::set<std::string> code_in_use() const;

  /// What functions find in AWS_ENDPOINT_URL: this server's address. Before the first call; empty: nothing.
  void set_endpoint_url(std::string url) { endpoint_url_ = std::move(url); }

  /// How many events of an account and region may run at the same time. Before the first call; AWS's default otherwise.
  void set_account_concurrency(int events_max) { account_concurrency_ = events_max; }
  /// Where environments that are kept ready are started. Once, before the loop runs; without it there are none.
  void set_background_loop(io::Loop& loop);

  /// From now on a function that ran and is changed gets an environment of its new self at once, so that what is wrong with it shows when
  /// it is saved. Once, before the loop of `set_background_loop` runs.
  void renew_at_once() { renews_ = true; }

  /// Lets a debugger into the function's unpublished code: one environment, started at once, without limits on time; nothing: as before.
  /// ResourceNotFoundException where there is no such function. Wants `set_background_loop`.
  Result<void, aws::ApiError> debug(std::string_view function_arn, std::optional<runtime::DebugSettings> settings);
  /// Where its unpublished code runs now; null when it does not.
  std::shared_ptr<runtime::Pool> pool_of(std::string_view function_arn) const;

  /// How fast streamed answers go. Before the first call; unlimited otherwise.
  void set_stream_pace(runtime::StreamPace pace) { stream_pace_ = pace; }

  /// Ends all environments.
  void retire_all();

 private:
  FunctionInvoker(const runtime::Surroundings& surroundings, runtime::Capacity& capacity, RoleCredentials* credentials,
                  std::string code_root)
      : tails_(surroundings.logs),
        surroundings_(runtime::with_logs(surroundings, tails_)),
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
    int provisioned = 0;  // as the pool was told
  };
  /// One function.
  struct Entry {
    std::shared_ptr<FunctionLoad> load = std::make_shared<FunctionLoad>();
    std::map<std::string, VersionPool, std::less<>> versions;
  };
  /// What serves in one account and region.
  struct Served {
    std::shared_ptr<const State> state;
    std::shared_ptr<AccountLoad> load = std::make_shared<AccountLoad>();
    int unreserved = 0;  // of its concurrency
  };
  struct Admitted {
    std::shared_ptr<runtime::Pool> pool;
    Turn turn;
  };
  /// An event that may run, and where. `response` has what is known before it did.
  struct Prepared {
    std::shared_ptr<runtime::Pool> pool;
    Turn turn;  // held until it ended
    runtime::Invocation invocation;
    InvokeResponse response;
  };
  struct Provisioning {
    std::shared_ptr<runtime::Pool> pool;
    int count;
  };

  /// Finds function and version, asks for the permission, counts the event: all that comes before it runs. Takes the event out of the
  /// request.
  Result<Prepared, aws::ApiError> prepare(InvokeRequest& request);
  Task<Result<InvokeResponse, aws::ApiError>> run(io::Loop& loop, Prepared prepared, bool with_log);
  std::shared_ptr<const State> state_for(const InvokeRequest& request) const;
  /// Counts the event and finds its pool, or refuses it: the concurrency of function or account is used up.
  Result<Admitted, aws::ApiError> admit(const State& state, const Shared<Function>& function, const FunctionConfiguration& configuration);
  runtime::FunctionSpec spec_of(const FunctionConfiguration& configuration, const aws::Scope& scope) const;
  std::map<std::string, std::string> service_variables(const runtime::FunctionSpec& spec) const;
  /// What pools of this state must be told of how many environments to keep ready. Under the lock.
  std::vector<Provisioning> provision(const State& state);
  void start_one(std::shared_ptr<runtime::Pool> pool);
  /// Under the lock.
  std::shared_ptr<runtime::Pool> make_pool(runtime::FunctionSpec spec);

  LogTails tails_;
  runtime::Surroundings surroundings_;
  runtime::Capacity& capacity_;
  RoleCredentials* const credentials_;
  const std::string code_root_;
  std::string endpoint_url_;
  int account_concurrency_ = 1000;
  runtime::StreamPace stream_pace_ = runtime::StreamPace::unlimited;
  io::Loop* background_ = nullptr;
  bool renews_ = false;
  mutable std::mutex mutex_;
  std::map<Place, Served, PlaceLess> states_;
  std::map<std::string, runtime::DebugSettings, std::less<>> debugged_;  // by function ARN
  std::map<std::string, std::shared_ptr<Entry>, std::less<>> entries_;   // by function ARN; functions that ran or are kept ready
  std::vector<std::weak_ptr<runtime::Pool>> pools_;                      // all there are, with those that only run to their end
  std::size_t pools_looked_at_ = 0;                                      // how many were left when the gone ones were taken out last
  std::vector<std::weak_ptr<const State>> published_;                    // all that somebody may still hold
};

}  // namespace sallyport::lambda
