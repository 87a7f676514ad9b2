// Launch: which program runs a function, and how it is started in a sandbox. Everything here may block.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "runtime/interpreters.hpp"
#include "runtime/spec.hpp"
#include "sandbox/sandbox.hpp"

namespace sallyport::runtime {

/// How a function is run, as far as this can be said without its sandbox.
struct Plan {
  RuntimeFamily family = RuntimeFamily::provided;
  std::optional<Interpreter> interpreter;  // none for provided.*
  /// Only a process of its own will do: an exec wrapper, extensions, a debugger, or variables that are read when a process starts.
  bool exec = true;
  std::vector<std::string> extensions = {};  // external ones, by name
};
/// Fails with the text for Runtime.InvalidEntrypoint.
Result<Plan> plan_of(const FunctionSpec& spec, Interpreters& interpreters, const std::string& runtime_directory);

/// As INIT_START names it: AWS's `python:3.11.v37`, with the release of the interpreter that is found for the number of AWS's build.
std::string runtime_version_of(const FunctionSpec& spec, const Plan& plan);

/// The empty sandbox that a plan needs.
sandbox::Blueprint blueprint_of(const std::optional<Interpreter>& interpreter, const std::string& runtime_directory);
/// What makes it the function's.
sandbox::Assignment assignment_of(const FunctionSpec& spec);
/// Where the function finds its layers; the folder need not exist.
std::string layers_root_of(const FunctionSpec& spec, const sandbox::Sandbox& sandbox);

/// The program and its arguments, as seen inside. The last one is the bootstrap: wrappers put options of the interpreter before it.
std::vector<std::string> command_of(const FunctionSpec& spec, const Plan& plan, const sandbox::Sandbox& sandbox);
/// The function's environment and what the bootstrap takes out of it before any code of the function runs.
std::vector<std::string> environment_for_bootstrap(const FunctionSpec& spec, const Plan& plan, const sandbox::Sandbox& sandbox,
                                                   std::vector<std::string> environment);
/// An interpreter that waits to be told whose it is. `with_sdk`: it loads the AWS SDK meanwhile, if it has one.
std::vector<std::string> generic_command_of(RuntimeFamily family, const Interpreter& interpreter, const sandbox::Sandbox& sandbox,
                                            bool with_sdk);

/// A process of a runtime; the descriptors are this server's ends.
struct RuntimeProcess {
  int pid = 0;  // as seen inside
  /// Where events are written, where frames are read, and what it prints. All are pipes; no events and frames for provided.*.
  sandbox::Fd events, frames, output;
};
/// Starts it: inside, descriptor 3 is where events come from and 4 where frames go. `directory` as seen inside.
Result<RuntimeProcess> start_process(sandbox::Sandbox& sandbox, std::vector<std::string> command, std::vector<std::string> environment,
                                     std::string directory, bool with_frames);

}  // namespace sallyport::runtime
