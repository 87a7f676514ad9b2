#include "sandbox/program.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sallyport::sandbox {
namespace {

using protocol::Step;
using protocol::Trouble;

Trouble trouble(Step step) { return {step, errno ? errno : EIO}; }

// Stdin, stdout, stderr and what the program inherits; after them the pipe for bad news, which the execution closes. Nothing else stays.
Trouble arrange_descriptors(const Start& start, int& news) {
  const int count = static_cast<int>(start.descriptors.size()), first_free = 2 + count;
  // They may sit on each other's targets, so all are moved out of the way first.
  int moved[protocol::descriptors_max];
  for (int i = 0; i < count; ++i)
    if ((moved[i] = fcntl(start.descriptors[static_cast<std::size_t>(i)], F_DUPFD, first_free + 1)) < 0) return trouble(Step::descriptors);
  const int high_news = fcntl(news, F_DUPFD_CLOEXEC, first_free + 1);
  if (high_news < 0) return trouble(Step::descriptors);
  news = high_news;
  const int null = open("/dev/null", O_RDONLY);
  if (null < 0 || dup2(null, 0) < 0 || dup2(moved[0], 1) < 0 || dup2(moved[0], 2) < 0) return trouble(Step::descriptors);
  for (int i = 1; i < count; ++i)
    if (dup2(moved[i], 2 + i) < 0) return trouble(Step::descriptors);
  if (dup3(high_news, first_free, O_CLOEXEC) < 0) return trouble(Step::descriptors);
  news = first_free;
  if (syscall(SYS_close_range, static_cast<unsigned>(first_free + 1), ~0U, 0U)) return trouble(Step::descriptors);
  return {};
}

Trouble set_limits(unsigned processes_max) {
  const rlimit files{limits::open_files_max, limits::open_files_max}, processes{processes_max, processes_max};
  if (setrlimit(RLIMIT_NOFILE, &files) || !forbid_cores()) return trouble(Step::limits);
  if (processes_max && setrlimit(RLIMIT_NPROC, &processes)) return trouble(Step::limits);
  return {};
}

// In the memory of the process that started it, which sleeps until this one has executed something or ended: nothing may be allocated,
// and nothing of the other's changed.
Trouble become(const Start& start, int& news) {
  setsid();
  if (prctl(PR_SET_PDEATHSIG, SIGKILL)) return trouble(Step::limits);
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  umask(022);
  // Before the descriptors go: the rules are one. Landlock and the filter want the privileges gone.
  if (auto failed = start.drop ? drop_privileges(start.must_drop) : Trouble{}) return failed;
  if (start.directory[0] && chdir(start.directory)) return trouble(Step::directory);
  if (start.files)
    if (const int error = start.files->enforce()) return {Step::landlock, error};
  if (auto failed = arrange_descriptors(start, news)) return failed;
  if (auto failed = set_limits(start.processes_max)) return failed;
  if (start.filter)
    if (const int error = start.filter->install()) return {Step::filter, error};
  execve(start.arguments[0], start.arguments.data(), start.environment.data());
  return trouble(Step::execute);
}

// Copying the page tables would cost more than all else that is done for a start.
[[gnu::noinline]] int start_and_report(const Start& start, int news) {
  const int pid = vfork();
  if (pid != 0) return pid;
  int end = news;
  const Trouble failed = become(start, end);
  (void)!write(end, &failed, sizeof failed);
  _exit(127);
}

}  // namespace

bool forbid_cores() {
  // Where core_pattern is a pipe, 0 is ignored, and the kernel runs its handler as root for each crash; 1 alone keeps it from that
  // (core(5)).
  const rlimit one{1, 1}, none{0, 0};
  return setrlimit(RLIMIT_CORE, &one) == 0 || setrlimit(RLIMIT_CORE, &none) == 0;  // the server may have been started with less
}

Trouble drop_privileges(bool all) {
  for (int capability = 0; capability <= 63; ++capability) {
    const int kept = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
    if (kept < 0) break;  // beyond the last one
    if (kept && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) && all) return trouble(Step::capabilities);
  }
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) && all) return trouble(Step::capabilities);
  if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) && all) return trouble(Step::capabilities);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  if (syscall(SYS_capset, &header, none)) return trouble(Step::capabilities);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return trouble(Step::capabilities);
  return {};
}

Trouble start_program(const Start& start, int& pid) {
  if (start.descriptors.empty() || start.descriptors.size() > protocol::descriptors_max) return {Step::request, EINVAL};
  int pipes[2];
  if (pipe2(pipes, O_CLOEXEC)) return trouble(Step::descriptors);
  const Fd news(pipes[0]);
  Fd news_end(pipes[1]);
  pid = start_and_report(start, news_end.get());
  if (pid < 0) return trouble(Step::fork);
  news_end.reset();
  Trouble failed;
  ssize_t size;
  do size = read(news.get(), &failed, sizeof failed);
  while (size < 0 && errno == EINTR);
  return size == sizeof failed ? failed : Trouble{};
}

}  // namespace sallyport::sandbox
