// Instance: one execution environment, that is one process that runs one function, one event at a time.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "io/completion.hpp"
#include "io/stream.hpp"
#include "runtime/channel.hpp"
#include "runtime/interpreters.hpp"
#include "runtime/log.hpp"
#include "runtime/spec.hpp"

namespace sallyport::runtime {

/// Everything instances need from outside; shared by all of them, must outlive them.
struct Surroundings {
  const Clock& clock;
  Random& random;
  LogSink& logs;
  Interpreters& interpreters;
  std::string scratch_directory;  // bootstraps and byte code are written below it
  /// Asked when an environment starts: variables from the service around it (credentials of the role, where the services are), which stand
  /// for the platform's own. Null: none. Called on the environment's loop; waits for nothing.
  std::function<std::map<std::string, std::string>(const FunctionSpec&)> service_variables = nullptr;
};

/// Why an environment did not come up.
struct InitFault {
  std::string error_type, payload;
  bool took_too_long = false;
  double duration_ms = 0;
  long max_memory_mb = 0;
};

/// Lives on the loop that started it and is used there alone. Kept alive by its own task until its process is gone and its output read.
class Instance : public std::enable_shared_from_this<Instance> {
 public:
  /// Starts the process. `gone` is called once, on the loop, when the process has ended for whatever reason.
  static Result<std::shared_ptr<Instance>> start(io::Loop& loop, const Surroundings& surroundings, const FunctionSpec& spec,
                                                 std::move_only_function<void(Instance*)> gone);
  ~Instance();

  /// Waits for the handler to be loaded, at most `time`. On failure the process is gone or about to be.
  Task<Result<void, InitFault>> init(std::chrono::milliseconds time);
  /// Runs one event to its end or the function's timeout, with its START, END and REPORT lines. After a failure `alive` says whether the
  /// instance can take another.
  Task<Outcome> invoke(const Invocation& invocation);
  bool alive() const { return alive_; }
  void kill();
  io::Loop& loop() const { return loop_; }
  /// Nothing lives for ever: credentials inside expire.
  bool outlived(MonotonicTime now) const { return now - started_ > limits::environment_age_max; }

 private:
  Instance(io::Loop& loop, const Surroundings& surroundings, const FunctionSpec& spec, std::move_only_function<void(Instance*)> gone)
      : loop_(loop), surroundings_(surroundings), spec_(spec), gone_(std::move(gone)) {}
  Task<void> live(std::shared_ptr<Instance> self);
  Task<void> pump_output();
  Task<Outcome> run_event(const Invocation& invocation);
  Task<Outcome> ended_during(const Invocation& invocation);
  void watch(std::chrono::milliseconds left);
  void log(LogLine::Source source, std::string_view text);
  void log_report(const Invocation& invocation, const Outcome& outcome, double duration_ms);
  void log_output_lines(bool ended);
  InitFault init_fault(std::string error_type, std::string payload, bool took_too_long = false);
  std::string fault_text(io::ExitStatus exit) const;
  void refresh_memory();
  Task<io::ExitStatus> exit_status();

  io::Loop& loop_;
  const Surroundings& surroundings_;
  const FunctionSpec spec_;
  std::move_only_function<void(Instance*)> gone_;
  std::unique_ptr<io::ChildProcess> process_;
  std::unique_ptr<Channel> channel_;
  class RuntimeApi* api_ = nullptr;        // the channel, when it is one
  io::Completion<io::ExitStatus> exited_;  // waited for by live() alone
  io::Completion<bool> ended_;             // waited for by whoever runs init or an event
  std::optional<io::ExitStatus> exit_;
  std::optional<io::Deadline> watch_;
  MonotonicTime started_, memory_read_{};
  std::optional<double> init_ms_;  // until the first event reports it
  std::string request_id_, log_stream_;
  long max_memory_mb_ = 0;
  bool alive_ = true, timed_out_ = false, out_of_memory_ = false;
};

/// The payload of an answer over the limit.
std::string response_too_large();

/// The last line of an event: what it took, on a cold start with the time of init, and how it ended if the environment ended with it.
std::string report_line(const FunctionSpec& spec, std::string_view request_id, double duration_ms, long max_memory_mb,
                        std::optional<double> init_ms, std::string_view fatal_error_type);

/// The whole environment of a function process, as on AWS (Lambda developer guide, "Defined runtime environment variables").
/// `service_variables` stand for what the platform would set under these names.
std::vector<std::string> environment_of(const FunctionSpec& spec, const std::string& runtime_api, const std::string& log_stream,
                                        Random& random, const std::map<std::string, std::string>& service_variables = {});
/// The name of a new environment's log stream: 2026/11/24/[$LATEST]<32 hex digits>.
std::string make_log_stream(const FunctionSpec& spec, WallTime now, Random& random);

/// Writes the embedded bootstraps below the folder; once at start.
Result<> write_bootstraps(const std::string& scratch_directory);

}  // namespace sallyport::runtime
