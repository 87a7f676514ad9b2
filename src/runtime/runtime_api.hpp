// The HTTP side of one execution environment: the Runtime API, the Extensions API, the Telemetry API and the Logs API on one listener
// (AWS Lambda developer guide, "Using the Lambda runtime API" and what follows it there).
#pragma once

#include <memory>

#include "base/clock.hpp"
#include "io/loop.hpp"
#include "runtime/channel.hpp"
#include "runtime/environment_log.hpp"
#include "runtime/extensions.hpp"
#include "runtime/spec.hpp"
#include "sandbox/sandbox.hpp"

namespace sallyport::runtime {

/// What the HTTP side of an environment is made from; all of it must outlive it.
struct EnvironmentFacts {
  io::Loop& loop;
  const Clock& clock;
  Random& random;
  const FunctionSpec& spec;
  EnvironmentLog& log;
  /// Where extensions start and listeners of telemetry are. Null in tests that run no process: then nothing starts, and 127.0.0.1 is
  /// dialled.
  sandbox::Sandbox* sandbox = nullptr;
  sandbox::Network network = sandbox::Network::host;
  /// Is the function run over HTTP (provided.*, official clients), or by frames and only the extensions are here?
  bool runtime_over_http = true;
};

/// Lives on the environment's loop, as long as its sandbox: processes come and go, the address stays. The socket is the identity of whoever
/// asks, so one environment's address is of no use to another where networks are isolated; no web page may use it in any case.
class EnvironmentApi {
 public:
  /// Listens: on the sandbox's own listener with an isolated network, else on 127.0.0.1 on a free port.
  static Result<std::unique_ptr<EnvironmentApi>> open(const EnvironmentFacts& facts);
  virtual ~EnvironmentApi() = default;

  /// For AWS_LAMBDA_RUNTIME_API, as seen inside.
  virtual std::string address() const = 0;
  /// Events and answers over HTTP. Both are valid until `start_over` is back; after `close` they are stopped, and stay.
  virtual Channel& runtime() = 0;
  virtual Extensions& extensions() = 0;

  /// After the answer to an event: waits until the runtime is done with it, that is (over HTTP) asks for its next event. False when that
  /// cannot happen any more: a process ended or an extension failed.
  virtual Task<bool> runtime_settled() = 0;
  /// Waits until the environment is free again: every extension that was told of the event asks for the next, too.
  virtual Task<bool> settled() = 0;
  /// The sandbox is frozen, or goes on: telemetry is not delivered to those who cannot take it.
  virtual void frozen(bool yes) = 0;
  /// Every process inside is gone: connections are cut, registrations and subscriptions forgotten, and a new runtime may begin.
  virtual Task<void> start_over() = 0;
  /// Stops listening; resolves when the last connection is gone. Must be awaited before destruction.
  virtual Task<void> close() = 0;
};

}  // namespace sallyport::runtime
