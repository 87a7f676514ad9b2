// What a function process may see and use. This release has one level, `off`: a process and session of its own, no new privileges,
// resource limits, nothing inherited. Everything that starts functions goes through here, so stronger levels have one place to grow.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "io/stream.hpp"

namespace sallyport::sandbox {

namespace limits {
inline constexpr unsigned open_files_max = 1024;  // AWS: file descriptors of an execution environment
}  // namespace limits

/// What to run. The environment is complete: nothing of the server's is added.
struct Launch {
  std::string program;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  std::string directory;
};

/// Starts a function process: dies with the server, leads its own session, cannot gain privileges, has AWS's descriptor limit and no core
/// files. `exited` is called once, on the loop.
Result<std::unique_ptr<io::ChildProcess>> launch(io::Loop& loop, const Launch& what, std::move_only_function<void(io::ExitStatus)> exited);

}  // namespace sallyport::sandbox
