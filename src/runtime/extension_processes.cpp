// The processes of external extensions: found, started, listened to, ended.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/text.hpp"
#include "json/write.hpp"
#include "runtime/extension_host.hpp"
#include "runtime/report.hpp"

namespace sallyport::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t early_exits_max = 64;

// What the runtime alone sees (AWS Lambda developer guide, "Lambda Extensions API", environment variables), besides names that begin with
// _.
constexpr std::string_view for_the_runtime_alone[] = {
    "AWS_EXECUTION_ENV",  "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_XRAY_CONTEXT_MISSING", "AWS_XRAY_DAEMON_ADDRESS",
    "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",          "AWS_LAMBDA_LOG_FORMAT",      "AWS_LAMBDA_LOG_LEVEL",     "AWS_LAMBDA_EXEC_WRAPPER"};

std::string text_of(const sandbox::Exit& exit) {
  if (exit.signal) return signal_text(exit.signal);
  return exit.code ? cat("exit status ", exit.code) : "exit code 0";
}

std::string shutdown_event(ShutdownReason reason, WallTime deadline) {
  const std::string_view text = reason == ShutdownReason::spindown ? "spindown" : reason == ShutdownReason::timeout ? "timeout" : "failure";
  std::string event;
  json::Writer(event)
      .begin_object()
      .key("eventType")
      .string("SHUTDOWN")
      .key("deadlineMs")
      .number(to_epoch_ms(deadline))
      .key("shutdownReason")
      .string(text)
      .end_object();
  return event;
}

}  // namespace

std::vector<std::string> external_extensions(const std::string& layers_directory) {
  std::vector<std::string> names;
  if (layers_directory.empty()) return names;
  const auto folder = layers_directory + "/extensions";
  std::error_code error;
  // Its owner may have made it a link to a folder that only the server may list.
  if (fs::symlink_status(folder, error).type() != fs::file_type::directory) return names;
  for (fs::directory_iterator at(folder, error), end; !error && at != end && names.size() <= limits::extensions_max; at.increment(error))
    if (at->symlink_status(error).type() == fs::file_type::regular) names.push_back(at->path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> environment_of_extensions(const std::vector<std::string>& environment) {
  std::vector<std::string> reduced;
  for (const auto& variable : environment) {
    const auto name = std::string_view(variable).substr(0, variable.find('='));
    const auto hidden = std::find(std::begin(for_the_runtime_alone), std::end(for_the_runtime_alone), name);
    if (!name.starts_with('_') && hidden == std::end(for_the_runtime_alone)) reduced.push_back(variable);
  }
  return reduced;
}

Task<bool> ExtensionHost::launch(std::vector<std::string> names, std::vector<std::string> environment) {
  if (names.empty() || !facts_.sandbox) co_return true;
  for (const auto& name : names) {
    auto extension = std::make_unique<Extension>();
    extension->name = name;
    extension->external = true;
    extensions_.push_back(std::move(extension));
  }
  if (names.size() > limits::extensions_max) {
    fail(*extensions_.back(), "Extension.LaunchError", cat("Extension limit (", limits::extensions_max, ") reached"));
    co_return false;
  }
  const auto reduced = environment_of_extensions(environment);
  launching_ = true;
  // By number: internal ones may come to the end of the list meanwhile.
  for (std::size_t i = 0; i < names.size() && !over(); ++i) co_await start_process(*extensions_[i], reduced);
  launching_ = false;
  const auto all_registered = [this] {
    return std::none_of(extensions_.begin(), extensions_.end(), [](const auto& each) { return each->state == State::started; });
  };
  while (!over() && !all_registered()) co_await changes_.next(facts_.loop);
  co_return !over();
}

Task<bool> ExtensionHost::start_process(Extension& extension, const std::vector<std::string>& environment) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC)) {
    extension.state = State::launch_error;
    fail(extension, "Extension.LaunchError", "no pipe for its output");
    co_return false;
  }
  const auto path = cat(facts_.sandbox->layers_root(), "/extensions/", extension.name);
  auto output = io::adopt_stream(facts_.loop, ends[0]);
  sandbox::Program program{{path}, environment, "/", sandbox::Fd(ends[1]), {}};
  Result<int> started = 0;
  co_await io::run_blocking(facts_.loop, [&] { started = facts_.sandbox->start(std::move(program)); });
  if (!started || !output) {
    if (output) (*output)->close();
    extension.state = State::launch_error;
    fail(extension, "Extension.LaunchError", cat("fork/exec ", path, ": ", started ? output.error().message : started.error().message));
    co_return false;
  }
  extension.pid = *started;
  extension.output = OutputReader::start(facts_.loop, facts_.clock, std::move(*output),
                                         [this](std::string_view line) { facts_.log.extension_line(line); });
  const auto early = std::find_if(early_exits_.begin(), early_exits_.end(), [&](const auto& exit) { return exit.pid == *started; });
  if (early != early_exits_.end()) {
    const auto exit = *early;
    early_exits_.erase(early);
    process_ended(exit);
  }
  co_return true;
}

bool ExtensionHost::process_ended(const sandbox::Exit& exit) {
  const auto found =
      std::find_if(extensions_.begin(), extensions_.end(), [&](const auto& each) { return each->pid && each->pid == exit.pid; });
  if (found == extensions_.end()) {
    if (launching_ && early_exits_.size() < early_exits_max) early_exits_.push_back(exit);
    return launching_;
  }
  auto& extension = **found;
  extension.pid = 0;
  if (!exits_expected_ && !stopped_) {
    extension.output->drain();
    const auto type = extension.state == State::init_error   ? "Extension.InitError"
                      : extension.state == State::exit_error ? "Extension.ExitError"
                                                             : "Extension.Crash";
    fail(extension, type, text_of(exit));
  }
  extension.state = State::exited;
  changes_.ring();
  return true;
}

// It said that it failed, and stayed.
void ExtensionHost::end_process(Extension& extension) {
  if (over()) return;
  if (extension.pid && facts_.sandbox)
    facts_.sandbox->signal(extension.pid, SIGKILL);
  else
    fail(extension, extension.state == State::init_error ? "Extension.InitError" : "Extension.ExitError", *extension.reported);
}

bool ExtensionHost::externals_alive() const {
  return std::any_of(extensions_.begin(), extensions_.end(), [](const auto& extension) { return extension->pid != 0; });
}

Task<void> ExtensionHost::shut_down(ShutdownReason reason, int runtime_pid) {
  closed_ = exits_expected_ = true;
  if (extensions_.empty() || !facts_.sandbox) co_return;
  const auto total = externals_alive() ? limits::shutdown_time : limits::shutdown_time_internal;
  const auto deadline = facts_.clock.wall_now() + total;
  hooks_.ending();
  bool runtime_late = false, late = false;
  const auto share = std::chrono::duration_cast<std::chrono::milliseconds>(total * limits::shutdown_runtime_share);
  io::Deadline for_runtime(facts_.loop, externals_alive() ? share : total, [&] {
    runtime_late = true;
    changes_.ring();
  });
  io::Deadline for_all(facts_.loop, total, [&] {
    late = true;
    changes_.ring();
  });
  if (runtime_pid && !runtime_gone_) {
    facts_.sandbox->signal(runtime_pid, SIGTERM);
    while (!runtime_gone_ && !runtime_late && !stopped_) co_await changes_.next(facts_.loop);
    if (!runtime_gone_) facts_.sandbox->signal(runtime_pid, SIGKILL);
  }
  for (const auto& extension : extensions_) {
    if (!extension->pid) continue;
    if (extension->wants.shutdown)
      extension->event = shutdown_event(reason, deadline);
    else
      facts_.sandbox->signal(extension->pid, SIGKILL);
  }
  changes_.ring();
  while (externals_alive() && !late && !stopped_) co_await changes_.next(facts_.loop);
}

void ExtensionHost::stop() {
  stopped_ = true;
  for (const auto& extension : extensions_)
    if (extension->output) extension->output->close();
  changes_.ring();
}

}  // namespace sallyport::runtime
