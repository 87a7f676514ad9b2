#include "runtime/launch.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/text.hpp"
#include "runtime/environment.hpp"
#include "runtime/extensions.hpp"

namespace sallyport::runtime {
namespace {

namespace fs = std::filesystem;

bool is_program(const std::string& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && access(path.c_str(), X_OK) == 0;
}

// Where AWS looks for it, in order; nothing when it can only be the runtime folder's.
std::string bootstrap_of(const FunctionSpec& spec, const std::string& task_root, const std::string& layers_root) {
  if (is_program(spec.code_directory + "/bootstrap")) return task_root + "/bootstrap";
  if (!spec.layers_directory.empty() && is_program(spec.layers_directory + "/bootstrap")) return layers_root + "/bootstrap";
  return {};
}

std::string wrapper_of(const FunctionSpec& spec, RuntimeFamily family) {
  // A function of provided.* runs its wrapper itself, if it wants one.
  if (family == RuntimeFamily::provided) return {};
  const auto found = spec.environment.find("AWS_LAMBDA_EXEC_WRAPPER");
  return found == spec.environment.end() ? std::string() : found->second;
}

// Byte code is kept beside the bootstrap where functions may write there. Where they may not, nothing is written and what lies beside the
// modules is used, which nobody inside can have changed.
std::vector<std::string> python_flags(const sandbox::Sandbox& sandbox) {
  if (sandbox.level() == sandbox::Level::off) return {"-X", cat("pycache_prefix=", sandbox.runtime_root(), "/pycache")};
  return {"-B"};
}

}  // namespace

Result<Plan> plan_of(const FunctionSpec& spec, Interpreters& interpreters, const std::string& runtime_directory) {
  const auto family = family_of(spec.runtime);
  if (!family) return std::unexpected(family.error());
  Plan plan{*family, std::nullopt, true};
  if (plan.family == RuntimeFamily::provided) {
    if (!bootstrap_of(spec, "/var/task", "/opt").empty() || is_program(runtime_directory + "/bootstrap")) return plan;
    return fail("Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]");
  }
  auto interpreter = interpreters.find(spec.runtime);
  if (!interpreter) return std::unexpected(interpreter.error());
  plan.interpreter = std::move(*interpreter);
  plan.exec = spec.debug || needs_exec(spec.environment) || !external_extensions(spec.layers_directory).empty();
  return plan;
}

sandbox::Blueprint blueprint_of(const std::optional<Interpreter>& interpreter, const std::string& runtime_directory) {
  sandbox::Blueprint blueprint;
  if (interpreter) blueprint.read_only = interpreter->read_only;
  blueprint.runtime_directory = runtime_directory;
  return blueprint;
}

sandbox::Assignment assignment_of(const FunctionSpec& spec) {
  sandbox::Assignment assignment;
  assignment.code_directory = spec.code_directory;
  assignment.layers_directory = spec.layers_directory;
  assignment.tmp_mb = spec.tmp_mb;
  assignment.memory_mb = spec.memory_mb;
  assignment.cpu_share = static_cast<double>(spec.memory_mb) / limits::memory_mb_per_processor;
  return assignment;
}

std::string layers_root_of(const FunctionSpec& spec, const sandbox::Sandbox& sandbox) {
  return spec.layers_directory.empty() ? "/opt" : sandbox.layers_root();
}

std::vector<std::string> command_of(const FunctionSpec& spec, const Plan& plan, const sandbox::Sandbox& sandbox) {
  std::vector<std::string> command;
  if (plan.family == RuntimeFamily::provided) {
    auto bootstrap = bootstrap_of(spec, sandbox.task_root(), layers_root_of(spec, sandbox));
    return {bootstrap.empty() ? sandbox.runtime_root() + "/bootstrap" : std::move(bootstrap)};
  }
  if (const auto wrapper = wrapper_of(spec, plan.family); !wrapper.empty()) command.push_back(wrapper);
  command.push_back(plan.interpreter->path);
  if (plan.family == RuntimeFamily::python) {
    for (auto& flag : python_flags(sandbox)) command.push_back(std::move(flag));
    if (spec.debug)
      for (auto& word : {std::string("-X"), std::string("frozen_modules=off"), std::string("-m"), std::string("debugpy"),
                         std::string("--listen"), cat("127.0.0.1:", spec.debug->port)})
        command.push_back(word);
    command.push_back(sandbox.runtime_root() + "/bootstrap.py");
    command.push_back(cat("--layers=", spec.layers_directory.empty() ? std::string() : sandbox.layers_root()));
  } else {
    if (spec.debug) command.push_back(cat("--inspect=127.0.0.1:", spec.debug->port));
    command.push_back(sandbox.runtime_root() + "/bootstrap.mjs");
  }
  return command;
}

std::vector<std::string> generic_command_of(RuntimeFamily family, const Interpreter& interpreter, const sandbox::Sandbox& sandbox,
                                            bool with_sdk) {
  std::vector<std::string> command = {interpreter.path};
  const bool python = family == RuntimeFamily::python;
  if (python)
    for (auto& flag : python_flags(sandbox)) command.push_back(std::move(flag));
  command.push_back(sandbox.runtime_root() + (python ? "/bootstrap.py" : "/bootstrap.mjs"));
  command.push_back(with_sdk ? "--generic=sdk" : "--generic=");
  return command;
}

Result<RuntimeProcess> start_process(sandbox::Sandbox& sandbox, std::vector<std::string> command, std::vector<std::string> environment,
                                     std::string directory, bool with_frames) {
  sandbox::Program program{std::move(command), std::move(environment), std::move(directory), {}, {}};
  RuntimeProcess process;
  int pair[2];
  if (pipe2(pair, O_CLOEXEC)) return fail(cat("cannot make a pipe: ", std::strerror(errno)));
  process.output = sandbox::Fd(pair[0]);
  program.output = sandbox::Fd(pair[1]);
  if (with_frames) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) return fail(cat("cannot make a socket pair: ", std::strerror(errno)));
    process.frames = sandbox::Fd(pair[0]);
    program.inherited.emplace_back(pair[1]);
  }
  const auto pid = sandbox.start(std::move(program));
  if (!pid) return std::unexpected(pid.error());
  process.pid = *pid;
  return process;
}

}  // namespace sallyport::runtime
