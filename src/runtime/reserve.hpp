// Reserve: interpreters that have started in sandboxes of their own and wait to be told whose they are. A cold start that finds one takes
// milliseconds.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <tuple>

#include "runtime/interpreters.hpp"
#include "runtime/launch.hpp"
#include "runtime/spec.hpp"
#include "sandbox/sandbox.hpp"

namespace sallyport::runtime {

/// How many of one kind wait, should wait, and were taken in the last minute.
struct ReserveStock {
  int waiting = 0, target = 0, taken = 0;
};
/// The kind of which one is to be started next, nothing where none lacks any: the one of which fewest wait, of those the one taken most
/// often. What one kind lacks after a burst must not keep another empty.
std::optional<std::size_t> next_to_start(std::span<const ReserveStock> stocks);

/// Keeps as many of each kind as the last minute's cold starts ask for, none of a kind that nobody uses. May be used from any thread;
/// starts what is missing on one of its own.
class Reserve {
 public:
  struct Options {
    int least = 2, most = 8;  // of each kind, once it is used
    int total = 16;           // of all kinds; 0: keeps nothing
    std::chrono::milliseconds boot_time{10'000};
  };
  /// What it is given must outlive it. `runtime_directory` holds the bootstraps.
  Reserve(sandbox::Spawner& spawner, Interpreters& interpreters, std::string runtime_directory, Options options);
  Reserve(sandbox::Spawner& spawner, Interpreters& interpreters, std::string runtime_directory)
      : Reserve(spawner, interpreters, std::move(runtime_directory), Options{}) {}
  ~Reserve();
  Reserve(const Reserve&) = delete;
  Reserve& operator=(const Reserve&) = delete;

  /// A function of that runtime exists: its first cold start shall find something. Never waits.
  void want(std::string_view runtime);

  struct Waiting {
    std::unique_ptr<sandbox::Sandbox> sandbox;
    RuntimeProcess process;
  };
  /// One that waits for a function of that runtime, or nothing. Whether the function is known to load the AWS SDK, and does not bring its
  /// own, decides whether one is taken that has it loaded. Never waits.
  std::optional<Waiting> take(const FunctionSpec& spec, RuntimeFamily family, const Interpreter& interpreter);
  /// The function's handler has loaded the SDK that comes with the interpreter: the next one gets it sooner.
  void note_sdk_use(const FunctionSpec& spec);

  /// Ends all that wait, and the thread.
  void stop();

  /// For tests and for whoever shows it.
  std::size_t count() const;
  /// Blocks until nothing is missing, or nothing more can be had; for tests.
  void settle();

 private:
  struct Kind {
    std::string program;
    bool with_sdk = false;
    auto operator<=>(const Kind&) const = default;
  };
  struct Shelf {
    RuntimeFamily family = RuntimeFamily::python;
    Interpreter interpreter;
    std::deque<Waiting> waiting;
    std::deque<MonotonicTime> taken;  // in the last minute
    int failures = 0;                 // in a row
    MonotonicTime not_before{};
    bool useless = false;  // of those with the SDK: the interpreter has none
  };

  bool possible() const;
  Shelf& shelf(RuntimeFamily family, const Interpreter& interpreter, bool with_sdk);
  void run();
  int target(Shelf& shelf, MonotonicTime now) const;
  /// The shelf to start one for, if anything may be started now.
  std::map<Kind, Shelf>::iterator next_shelf(MonotonicTime now);
  void look_up_wanted(std::unique_lock<std::mutex>& lock);
  void discard_surplus(std::unique_lock<std::mutex>& lock);
  void boot(std::unique_lock<std::mutex>& lock, std::map<Kind, Shelf>::iterator where);
  Result<std::pair<Waiting, bool>> start_one(RuntimeFamily family, const Interpreter& interpreter, bool with_sdk);

  sandbox::Spawner& spawner_;
  Interpreters& interpreters_;
  const std::string runtime_directory_;
  const Options options_;
  const SystemClock clock_;
  mutable std::mutex mutex_;
  std::condition_variable changed_, settled_;
  std::map<Kind, Shelf> shelves_;
  std::set<std::string, std::less<>> wanted_, known_;  // runtimes whose interpreter is still to be looked up, and those done
  std::set<std::string, std::less<>> sdk_users_;       // function ARNs
  MonotonicTime quiet_until_{};                        // whoever was given one has the processors for itself
  bool stopping_ = false, busy_ = false;
  std::thread thread_;
};

}  // namespace sallyport::runtime
