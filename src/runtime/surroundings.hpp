// Surroundings: what execution environments need from the program around them.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "io/loop.hpp"
#include "runtime/interpreters.hpp"
#include "runtime/log.hpp"
#include "runtime/spec.hpp"
#include "sandbox/sandbox.hpp"

namespace sallyport::runtime {

class Reserve;

/// Shared by all environments; what it refers to must outlive them.
struct Surroundings {
  const Clock& clock;
  Random& random;
  LogSink& logs;
  Interpreters& interpreters;
  sandbox::Spawner& spawner;
  std::string scratch_directory;  // holds the bootstraps; what functions see as /var/runtime
  /// Asked when an environment starts: variables from the service around it (credentials of the role, where the services are), which stand
  /// for the platform's own. Null: none. Called on the environment's loop; waits for nothing.
  std::function<std::map<std::string, std::string>(const FunctionSpec&)> service_variables = nullptr;
  /// Interpreters that wait for a function. Null: each environment starts its own.
  Reserve* reserve = nullptr;
  /// Takes over the listener on which functions in an isolated network find the AWS APIs (AWS_ENDPOINT_URL is its address then). Called on
  /// the environment's loop; what it returns is kept until the sandbox is gone. Null: nobody serves.
  std::function<std::shared_ptr<void>(io::Loop&, sandbox::Fd)> serve_inside = nullptr;
  /// After which an environment that has had no event ends, and after which it is stopped until the next. 0: never.
  std::chrono::milliseconds idle_time{0}, freeze_after{100};
  /// For an environment to come up ahead of its first event; what takes longer is repeated inside the event.
  std::chrono::milliseconds init_time = limits::init_time;
};

/// The same, but for where the lines go.
inline Surroundings with_logs(const Surroundings& all, LogSink& logs) {
  return {all.clock,   all.random,       logs,          all.interpreters, all.spawner,  all.scratch_directory, all.service_variables,
          all.reserve, all.serve_inside, all.idle_time, all.freeze_after, all.init_time};
}

}  // namespace sallyport::runtime
