// ExtensionHost: the Extensions API and the processes behind it. For the files of this module alone.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/message.hpp"
#include "runtime/changes.hpp"
#include "runtime/extensions.hpp"
#include "runtime/output.hpp"
#include "runtime/runtime_api.hpp"
#include "serve/server.hpp"

namespace sallyport::runtime {

/// What an extension asked for when it registered.
struct Registration {
  bool invoke = false, shutdown = false;
};
/// Why a registration is refused: AWS's type and our text.
struct RegistrationError {
  std::string type, message;
};
/// The body of a registration. `external` may ask for SHUTDOWN.
Result<Registration, RegistrationError> parse_registration(std::string_view body, bool external);

/// One generation of extensions: from `launch` to the end of all processes.
class ExtensionHost final : public Extensions {
 public:
  struct Hooks {
    std::move_only_function<void()> init_over;
    std::move_only_function<void()> ending;  // what is to be told should be told now
  };
  ExtensionHost(const EnvironmentFacts& facts, Hooks hooks) : facts_(facts), hooks_(std::move(hooks)) {}

  Task<bool> launch(std::vector<std::string> names, std::vector<std::string> environment) override;
  Task<bool> ready() override;
  void announce(const Invocation& invocation, WallTime deadline) override;
  bool process_ended(const sandbox::Exit& exit) override;
  void runtime_ended() override;
  void expect_exits() override;
  void on_fault(std::move_only_function<void()> failed) override { failed_ = std::move(failed); }
  const std::optional<ExtensionFault>& fault() const override { return fault_; }
  bool any() const override { return !extensions_.empty(); }
  Task<void> shut_down(ShutdownReason reason, int runtime_pid) override;

  /// A call below /2020-01-01/extension/; `what` is the rest of its path.
  Task<http::Response> handle(std::string_view what, const http::Request& request, serve::BodyReader& body);
  /// The name of the extension that asks, or the refusal.
  Result<std::string, http::Response> name_of(const http::Request& request) const;
  /// Nobody may register any more.
  void close_registration() { closed_ = true; }
  /// Has every extension asked for its first event? Until then they may subscribe to telemetry.
  bool init_over() const { return init_over_; }
  /// Has every extension that was told of the event asked for the next?
  bool settled() const;
  /// Nothing can be waited for any more: something failed, ended or is being killed.
  bool over() const { return fault_ || exits_expected_ || stopped_; }
  /// Rung when an answer of the above may have changed. Whoever else changes something that is waited for rings it.
  Changes& changes() { return changes_; }
  /// Ends all waits, soon, and listens to nobody any more.
  void stop();

 private:
  // States and their names are those of AWS's Runtime Interface Emulator.
  enum class State { started, registered, ready, running, init_error, exit_error, launch_error, exited };
  struct Extension {
    std::string name, id;
    bool external = false;
    int pid = 0;  // while its process lives
    State state = State::started;
    Registration wants;
    std::optional<std::string> event;     // to be handed out
    std::optional<std::string> reported;  // the error type it told us of
    std::shared_ptr<OutputReader> output;
    std::optional<io::Deadline> leaving;  // after its report of an error
  };
  static std::string_view name_of(State state);
  static std::string events_of(const Extension& extension);
  static http::Response no_transition(const Extension& extension, State to);

  Result<Extension*, http::Response> caller(const http::Request& request) const;
  Task<http::Response> register_extension(const http::Request& request, serve::BodyReader& body);
  http::Response registered(const Extension& extension, std::string_view features) const;
  Task<http::Response> next_event(Extension& extension);
  http::Response report_error(Extension& extension, const http::Request& request, State to);

  Task<bool> start_process(Extension& extension, const std::vector<std::string>& environment);
  void end_process(Extension& extension);
  void fail(Extension& extension, std::string type, std::string text);
  bool externals_alive() const;

  const EnvironmentFacts facts_;
  Hooks hooks_;
  std::move_only_function<void()> failed_;
  std::vector<std::unique_ptr<Extension>> extensions_;
  std::vector<sandbox::Exit> early_exits_;  // of processes whose number is not known yet
  std::optional<ExtensionFault> fault_;
  Changes changes_;
  bool launching_ = false, closed_ = false, init_over_ = false, runtime_gone_ = false, exits_expected_ = false, stopped_ = false;
};

}  // namespace sallyport::runtime
