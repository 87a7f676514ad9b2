#include "sandbox/sandbox.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

namespace sallyport::sandbox {
namespace {

// Runs between fork and exec: async-signal-safe calls only.
int confine(const void*) {
  // A child whose parent died in between would never get the signal; its socket pair then reads end-of-file, which ends it as well.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL)) return 1;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return 1;
  const rlimit files{limits::open_files_max, limits::open_files_max}, core{0, 0};
  if (setrlimit(RLIMIT_NOFILE, &files) || setrlimit(RLIMIT_CORE, &core)) return 1;
  umask(022);
  return 0;
}

}  // namespace

Result<std::unique_ptr<io::ChildProcess>> launch(io::Loop& loop, const Launch& what, std::move_only_function<void(io::ExitStatus)> exited) {
  io::ChildProcess::Options options;
  options.program = what.program;
  options.arguments = what.arguments;
  options.environment = what.environment;
  options.directory = what.directory;
  options.prepare = confine;
  return io::ChildProcess::start(loop, options, std::move(exited));
}

}  // namespace sallyport::sandbox
