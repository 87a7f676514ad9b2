// Extensions: programs and libraries that watch an execution environment (AWS Lambda developer guide, "Using the Lambda Extensions API to
// create extensions"). External ones are the files in <layers>/extensions, each a process of its own; internal ones register from the
// runtime.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "runtime/spec.hpp"
#include "sandbox/sandbox.hpp"

namespace sallyport::runtime {

namespace limits {
inline constexpr std::size_t extensions_max = 10;  // AWS: external and internal together
inline constexpr std::chrono::milliseconds shutdown_time{2'000},
    shutdown_time_internal{500};                       // AWS: with external ones; with internal alone
inline constexpr double shutdown_runtime_share = 0.3;  // AWS: of it, for the runtime's SIGTERM
}  // namespace limits

enum class ShutdownReason : std::uint8_t { spindown, timeout, failure };

/// How an extension broke its environment.
struct ExtensionFault {
  std::string error_type;  // Extension.InitError, .ExitError, .Crash, .LaunchError
  std::string text;        // what follows `RequestId: <id> Error: `
};

/// The external extensions of a layers folder by name: every regular file directly in `extensions`, as AWS does it, in order of name. Of
/// more than there may be, one more than that. A folder that is a link has none. Reads the disk.
std::vector<std::string> external_extensions(const std::string& layers_directory);
/// What extensions see of a function's environment (NAME=value): without what belongs to the runtime alone.
std::vector<std::string> environment_of_extensions(const std::vector<std::string>& environment);

/// The extensions of one environment, on its loop. The order of an environment's life:
///   launch -> (the runtime starts and is ready) -> ready -> (announce -> answer -> EnvironmentApi::settled)* -> shut_down
/// Waits end with false when an extension fails or `process_ended` says that one is gone; then `fault` says why, and the environment is to
/// be reset: kill everything, `EnvironmentApi::start_over`, launch again. Whoever kills everything reports the exits here as well, which
/// ends all waits.
class Extensions {
 public:
  virtual ~Extensions() = default;
  /// Starts the external extensions of these names and waits until every one has registered. `environment`: the function's, see
  /// `environment_of_extensions`.
  virtual Task<bool> launch(std::vector<std::string> names, std::vector<std::string> environment) = 0;
  /// The runtime is ready for events (an HTTP runtime that asks for one calls this itself, too): nobody may register any more.
  /// Waits until every extension has asked for its first event, after which nobody may subscribe to telemetry; logs the state of each.
  virtual Task<bool> ready() = 0;
  /// Tells those that want INVOKE.
  virtual void announce(const Invocation& invocation, WallTime deadline) = 0;
  /// True when it was an extension's process.
  virtual bool process_ended(const sandbox::Exit& exit) = 0;
  virtual void runtime_ended() = 0;
  /// Everything is being killed: exits from here on are nobody's fault.
  virtual void expect_exits() = 0;
  /// Called when an extension of this generation has failed, once: whoever waits for the runtime must not wait any longer.
  virtual void on_fault(std::move_only_function<void()> failed) = 0;
  virtual const std::optional<ExtensionFault>& fault() const = 0;
  /// Has any registered or been started?
  virtual bool any() const = 0;
  /// The end of an environment as AWS does it: SIGTERM to the runtime (0: it is gone already), then SHUTDOWN to those that want it, within
  /// the time there is for it; none without extensions. What still runs afterwards is to be killed.
  virtual Task<void> shut_down(ShutdownReason reason, int runtime_pid) = 0;
};

}  // namespace sallyport::runtime
