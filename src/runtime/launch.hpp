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
};
/// Fails with the text for Runtime.InvalidEntrypoint.
Result<Plan> plan_of(const FunctionSpec& spec, Interpreters& interpreters, const std::string& runtime_directory);

/// The empty sandbox that a plan needs.
sandbox::Blueprint blueprint_of(const std::optional<Interpreter>& interpreter, const std::string& runtime_directory);
/// What makes it the function's.
sandbox::Assignment assignment_of(const FunctionSpec& spec);
/// Where the function finds its layers; the folder need not exist.
std::string layers_root_of(const FunctionSpec& spec, const sandbox::Sandbox& sandbox);

/// The program and its arguments, as seen inside.
std::vector<std::string> command_of(const FunctionSpec& spec, const Plan& plan, const sandbox::Sandbox& sandbox);
/// An interpreter that waits to be told whose it is. `with_sdk`: it loads the AWS SDK meanwhile, if it has one.
std::vector<std::string> generic_command_of(RuntimeFamily family, const Interpreter& interpreter, const sandbox::Sandbox& sandbox,
                                            bool with_sdk);

/// A process of a runtime; the descriptors are this server's ends.
struct RuntimeProcess {
  int pid = 0;                 // as seen inside
  sandbox::Fd frames, output;  // frames: none for provided.*
};
/// Starts it. `directory` as seen inside.
Result<RuntimeProcess> start_process(sandbox::Sandbox& sandbox, std::vector<std::string> command, std::vector<std::string> environment,
                                     std::string directory, bool with_frames);

}  // namespace sallyport::runtime
