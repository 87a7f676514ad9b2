// Instance: one execution environment, that is one sandbox with the runtime of one function in it, which takes one event at a time.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "io/completion.hpp"
#include "io/stream.hpp"
#include "runtime/channel.hpp"
#include "runtime/environment.hpp"
#include "runtime/environment_log.hpp"
#include "runtime/launch.hpp"
#include "runtime/output.hpp"
#include "runtime/report.hpp"
#include "runtime/reserve.hpp"
#include "runtime/runtime_api.hpp"
#include "runtime/spec.hpp"
#include "runtime/surroundings.hpp"
#include "sandbox/sandbox.hpp"

namespace sallyport::runtime {

inline double milliseconds(std::chrono::nanoseconds time) { return std::chrono::duration<double, std::milli>(time).count(); }

/// Why an environment did not come up.
struct InitFault {
  std::string error_type, payload;  // payload: an error object the runtime sent, else the text of one
  bool took_too_long = false;
  double duration_ms = 0;
  long max_memory_mb = 0;
  std::string log_stream = {};
};

/// Lives on the loop that made it and is used there alone, except where it says so. Keeps itself alive until it has ended.
///
/// When its processes end (a crash, a timeout, a failing extension) the sandbox stays, with /tmp: the environment is `usable` but not
/// `warm`, and the next event starts the runtime anew inside it, as AWS does.
class Instance : public std::enable_shared_from_this<Instance> {
 public:
  /// Told on the loop.
  struct Owner {
    std::move_only_function<void(Instance*)> gone;           // once, at the end, whether or not it ever came up
    std::move_only_function<void(Instance*)> idle_too_long;  // it has rested for the whole of `Surroundings::idle_time`
  };
  /// Nothing runs yet. Whoever makes one calls `end`.
  static std::shared_ptr<Instance> make(io::Loop& loop, const Surroundings& surroundings, const FunctionSpec& spec,
                                        Initialization initialization, Owner owner);
  ~Instance();

  /// Makes the sandbox, unless it is there, starts the runtime and waits for the handler to be loaded, at most `time` for all of it. After
  /// a failure it may be tried again, and the next event does.
  Task<Result<void, InitFault>> init(std::chrono::milliseconds time);
  /// Runs one event to its answer or the function's timeout, with its START, END and REPORT lines, after an init if it is not warm. When
  /// `settling` afterwards, the event is not over and the environment not free before `settle`.
  Task<Outcome> invoke(const Invocation& invocation);
  bool settling() const { return settling_; }
  /// Whether the handler was loaded, if that was a part of the last event.
  std::optional<bool> init_in_event() const { return init_in_event_; }
  /// Waits for a runtime over HTTP to ask for its next event and for the extensions, which get what is left of the function's time, and
  /// reports the event. What ended meanwhile is reset.
  Task<void> settle();

  /// It waits for an event from here on.
  void rest();
  /// Ends it: extensions are told, then everything in it is killed. May be called again, and from any thread; no event may be under way.
  void end(ShutdownReason reason = ShutdownReason::spindown);

  /// Can it take an event?
  bool usable() const { return !ending_ && !broken_; }
  /// Is the handler loaded? From any thread.
  bool warm() const { return warm_; }
  bool provisioned() const { return initialization_ == Initialization::provisioned; }
  io::Loop& loop() const { return loop_; }
  /// Nothing lives for ever: credentials inside expire. From any thread, once it has come up.
  bool outlived(MonotonicTime now) const { return now - born_ > limits::environment_age_max; }
  /// What its processes held when somebody last looked. From any thread.
  long resident_mb() const { return resident_mb_; }
  /// The sandbox; null before it is made and after it has ended.
  std::shared_ptr<sandbox::Sandbox> sandbox() const { return sandbox_; }

 private:
  /// Why the runtime is not there, or no more.
  struct Fault {
    std::string error_type, payload;
  };
  /// A process of the runtime.
  struct Process {
    int pid = 0;
    std::unique_ptr<io::Stream> events, frames;  // null: HTTP
    std::unique_ptr<Channel> channel;            // null: HTTP
    std::shared_ptr<OutputReader> output;
    std::optional<sandbox::Exit> exit;
    io::Completion<bool> ended;
  };
  struct Made {
    Plan plan;
    std::shared_ptr<sandbox::Sandbox> sandbox;
    std::optional<RuntimeProcess> waiting;  // an interpreter that waits in it
  };
  /// The event that runs.
  struct Event {
    std::string id;
    MonotonicTime begun;
    WallTime deadline;
    Outcome outcome;  // without the payload, once it is known
    std::size_t produced_bytes = 0;
    bool runtime_done = false;  // and telemetry was told
  };

  Instance(io::Loop& loop, const Surroundings& surroundings, const FunctionSpec& spec, Initialization initialization, Owner owner);

  // Coming up.
  Task<Result<void, InitFault>> come_up(Phase phase);
  Task<Result<void, Fault>> start_runtime(Phase phase);
  Task<Result<std::optional<RuntimeProcess>, Fault>> open();
  Result<Made, Fault> make_sandbox() const;
  std::vector<std::string> make_environment();
  Task<Result<void, Fault>> execute();
  Result<void, Fault> adopt(RuntimeProcess process);
  Task<Result<void, Fault>> wait_until_ready();
  Task<Result<void, Fault>> wait_for_extensions();

  // Events.
  Task<Outcome> run_event(const Invocation& invocation);
  Task<Outcome> ended_during(const Invocation& invocation);
  Outcome outcome_of(const InitFault& fault, const Invocation& invocation);
  void note_end();
  Ending ending() const;
  double duration_ms(MonotonicTime now) const;
  void runtime_done(MonotonicTime now);
  void report_event();
  void watch(std::chrono::milliseconds left, std::chrono::milliseconds look);
  bool look_at_memory();
  static Task<void> look_closer(std::shared_ptr<Instance> self);

  // Going down.
  void on_events();
  void on_exit(const sandbox::Exit& exit);
  void runtime_ended(const sandbox::Exit& exit);
  Fault fault_of_end() const;
  void kill();
  void kill_runtime();
  Task<void> reset();
  /// Of a runtime that was killed.
  Task<void> runtime_gone();
  static Task<void> live(std::shared_ptr<Instance> self);

  // Resting.
  void wake();
  void on_rest();
  void arm_rest(std::chrono::milliseconds after);

  void refresh_memory();
  void note_peak(long kib) { max_memory_mb_ = std::max(max_memory_mb_, (kib + 1023) / 1024); }
  Channel& channel() { return process_->channel ? *process_->channel : api_->runtime(); }
  bool has_extensions() const { return api_ && api_->extensions().any(); }
  bool running() const { return process_ && !process_->exit; }

  io::Loop& loop_;
  const Surroundings& surroundings_;
  const FunctionSpec spec_;
  const Initialization initialization_;
  const MonotonicTime born_;
  Owner owner_;
  EnvironmentLog log_;
  Plan plan_;
  std::shared_ptr<sandbox::Sandbox> sandbox_;
  std::unique_ptr<io::Watch> events_;
  std::unique_ptr<EnvironmentApi> api_;
  std::shared_ptr<void> inside_;  // serves the AWS APIs in an isolated network
  std::string endpoint_url_;
  std::vector<std::string> environment_;
  std::unique_ptr<Process> process_;
  std::vector<sandbox::Exit> unclaimed_;  // of processes whose start has not returned yet
  std::optional<io::Deadline> watch_, rest_;
  std::optional<Event> event_;
  MonotonicTime begun_{}, memory_read_{}, rests_since_{}, closer_look_from_{};
  std::chrono::milliseconds memory_check_pause_{0};  // at least, for what a look costs
  std::optional<double> init_ms_;                    // until the first event reports it
  std::optional<bool> init_in_event_;
  long max_memory_mb_ = 0;
  std::atomic<long> resident_mb_ = 0;
  std::atomic<bool> warm_ = false;
  bool busy_ = false, settling_ = false, killed_ = false, frozen_ = false;
  bool timed_out_ = false, out_of_memory_ = false, looking_closer_ = false;
  bool broken_ = false;  // the sandbox is gone or cannot be cleaned
  std::atomic<bool> ending_ = false;
  io::Completion<ShutdownReason> end_;
};

}  // namespace sallyport::runtime
