#include "sandbox/leave_server.hpp"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "base/text.hpp"
#include "sandbox/program.hpp"
#include "sandbox/sandbox.hpp"

namespace sallyport::sandbox {
namespace {

// The server's arguments and environment are no business of what is forked from here, and may name secrets.
void forget_origin() {
  const Fd file(open("/proc/self/stat", O_RDONLY | O_CLOEXEC));
  std::array<char, 4096> text;
  const ssize_t size = file ? read(file.get(), text.data(), text.size()) : -1;
  if (size <= 0) return;
  const std::string_view whole(text.data(), static_cast<std::size_t>(size));
  const auto after_name = whole.rfind(')');
  if (after_name == std::string_view::npos) return;
  const auto fields = split(whole.substr(after_name + 2), ' ');  // the third of the whole line is the first of these
  const auto address = [&](std::size_t field) {
    return field - 3 < fields.size() ? parse_number<std::uintptr_t>(trim(fields[field - 3])).value_or(0) : 0;
  };
  const auto wipe = [](std::uintptr_t from, std::uintptr_t to) {
    constexpr std::uintptr_t most = 4 * 1024 * 1024;
    if (from && to > from && to - from < most) std::memset(reinterpret_cast<void*>(from), 0, to - from);
  };
  constexpr std::size_t arguments_start = 48, arguments_end = 49, environment_start = 50, environment_end = 51;
  clearenv();
  wipe(address(environment_start), address(environment_end));
  wipe(address(arguments_start), address(arguments_end));
  constexpr std::string_view title = "sallyport spawner";
  if (address(arguments_end) > address(arguments_start) + title.size())
    std::memcpy(reinterpret_cast<void*>(address(arguments_start)), title.data(), title.size());
}

}  // namespace

bool leave_server(int& socket) {
  forget_origin();
  setsid();  // what is typed at the server's terminal is for the server
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  const int moved = fcntl(socket, F_DUPFD_CLOEXEC, 10), null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (moved < 0 || null < 0) return false;
  for (int number = 0; number < 3; ++number)
    if (dup2(null, number) < 0) return false;
  socket = dup3(moved, 3, O_CLOEXEC);
  if (socket != 3 || syscall(SYS_close_range, 4U, ~0U, 0U)) return false;
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  forbid_cores();
  umask(077);
  return prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && prctl(PR_SET_NAME, "spawner") == 0;
}

}  // namespace sallyport::sandbox
