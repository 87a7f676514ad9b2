#include "runtime/launch.hpp"

#include <fcntl.h>
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

// Never a pair of Unix sockets: a descriptor that a function sends through one is closed by whoever reads, and closing one may take as long
// as its sender likes (SO_LINGER, a file without a name and many gigabytes). Nothing but bytes goes through a pipe.
struct Pipe {
  sandbox::Fd from, to;
};
Result<> make_pipe(Pipe& pipe) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC)) return fail(cat("cannot make a pipe: ", std::strerror(errno)));
  pipe = {sandbox::Fd(ends[0]), sandbox::Fd(ends[1])};
  return {};
}

}  // namespace

Result<Plan> plan_of(const FunctionSpec& spec, Interpreters& interpreters, const std::string& runtime_directory) {
  const auto family = family_of(spec.runtime);
  if (!family) return std::unexpected(family.error());
  Plan plan{*family, std::nullopt, true, external_extensions(spec.layers_directory)};
  if (plan.family == RuntimeFamily::provided) {
    if (!bootstrap_of(spec, "/var/task", "/opt").empty() || is_program(runtime_directory + "/bootstrap")) return plan;
    return fail("Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]");
  }
  auto interpreter = interpreters.find(spec.runtime);
  if (!interpreter) return std::unexpected(interpreter.error());
  plan.interpreter = std::move(*interpreter);
  plan.exec = spec.debug || needs_exec(spec.environment) || !plan.extensions.empty();
  return plan;
}

std::string runtime_version_of(const FunctionSpec& spec, const Plan& plan) {
  if (!plan.interpreter) return replace_all(spec.runtime, ".", ":");
  const bool python = plan.family == RuntimeFamily::python;
  const std::string_view release = plan.interpreter->release;
  auto dot = release.find('.');
  if (python && dot != std::string_view::npos) dot = release.find('.', dot + 1);
  return cat(python ? "python:" : "nodejs:", dot == std::string_view::npos ? std::string(plan.interpreter->version)
                                                                           : cat(release.substr(0, dot), ".v", release.substr(dot + 1)));
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

std::vector<std::string> environment_for_bootstrap(const FunctionSpec& spec, const Plan& plan, const sandbox::Sandbox& sandbox,
                                                   std::vector<std::string> environment) {
  if (plan.family == RuntimeFamily::python && !spec.layers_directory.empty())
    environment.push_back(cat("_SALLYPORT_LAYERS=", sandbox.layers_root()));
  return environment;
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
  Pipe output;
  if (auto made = make_pipe(output); !made) return std::unexpected(made.error());
  process.output = std::move(output.from);
  program.output = std::move(output.to);
  if (with_frames) {
    Pipe events, frames;
    if (auto made = make_pipe(events); !made) return std::unexpected(made.error());
    if (auto made = make_pipe(frames); !made) return std::unexpected(made.error());
    process.events = std::move(events.to);
    process.frames = std::move(frames.from);
    program.inherited.push_back(std::move(events.from));
    program.inherited.push_back(std::move(frames.to));
  }
  const auto pid = sandbox.start(std::move(program));
  if (!pid) return std::unexpected(pid.error());
  process.pid = *pid;
  return process;
}

}  // namespace sallyport::runtime
