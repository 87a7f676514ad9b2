#include "sandbox/native.hpp"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.hpp"
#include "sandbox/mounts.hpp"
#include "sandbox/network.hpp"

namespace sallyport::sandbox {
namespace {

using protocol::Step;
using protocol::Trouble;

// The user and group of a function, as AWS has them.
constexpr unsigned user_inside = 993, group_inside = 990;
constexpr std::size_t roots_max = 16;

Trouble trouble(Step step) { return {step, errno ? errno : EIO}; }

bool write_text(const std::string& path, std::string_view text) {
  const Fd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

Trouble map_user(std::string_view process, unsigned user_in, unsigned user_out, unsigned group_in, unsigned group_out) {
  const std::string folder = cat("/proc/", process);
  if (!write_text(cat(folder, "/setgroups"), "deny") || !write_text(cat(folder, "/uid_map"), cat(user_in, " ", user_out, " 1")) ||
      !write_text(cat(folder, "/gid_map"), cat(group_in, " ", group_out, " 1")))
    return trouble(Step::user_map);
  return {};
}

// The same folders, with another content, are another root.
std::string key_of(const Blueprint& blueprint) {
  std::string key;
  const auto add = [&](const std::string& folder) {
    struct stat about{};
    if (stat(folder.c_str(), &about)) about = {};
    append(key, cat(folder, "\n", about.st_dev, " ", about.st_ino, "\n"));
    return about;
  };
  // These are copied into a root, and may be written anew: another network, other libraries.
  for (const char* file : {"/etc/resolv.conf", "/etc/ld.so.cache"}) {
    const auto about = add(file);
    append(key, cat(about.st_size, " ", about.st_mtim.tv_sec, " ", about.st_mtim.tv_nsec, "\n"));
  }
  add(blueprint.runtime_directory);
  for (const auto& folder : blueprint.read_only) add(folder);
  return key;
}

// Keeps these alone, in a fixed order from 3 on.
bool keep_only(int& control, int& events, int& go) {
  const int moved[] = {fcntl(control, F_DUPFD_CLOEXEC, 10), fcntl(events, F_DUPFD_CLOEXEC, 10), fcntl(go, F_DUPFD_CLOEXEC, 10)};
  for (const int one : moved)
    if (one < 0) return false;
  control = dup3(moved[0], 3, O_CLOEXEC);
  events = dup3(moved[1], 4, O_CLOEXEC);
  go = dup3(moved[2], 5, O_CLOEXEC);
  return control == 3 && events == 4 && go == 5 && syscall(SYS_close_range, 6U, ~0U, 0U) == 0;
}

// What is watched counts for the user outside too, who has 128 instances on most machines. Kernels without it have no such files.
void bound_inotify() {
  (void)write_text("/proc/sys/user/max_inotify_instances", "16");
  (void)write_text("/proc/sys/user/max_inotify_watches", "8192");
}

Trouble settle(Network network, Fd& api, Fd& endpoint) {
  // The number of a process's user decides what follows, and a change of it clears the signal for the parent's death.
  if (setresgid(group_inside, group_inside, group_inside) || setresuid(user_inside, user_inside, user_inside))
    return trouble(Step::user_map);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL)) return trouble(Step::limits);
  umask(022);
  if (sethostname("sandbox", 7)) return trouble(Step::namespaces);
  if (unshare(CLONE_NEWCGROUP) && errno != EINVAL) return trouble(Step::namespaces);
  if (auto failed = mount_own_folders()) return failed;
  bound_inotify();
  const Fd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return trouble(Step::descriptors);
  for (int number = 0; number < 3; ++number)
    if (dup2(null.get(), number) < 0) return trouble(Step::descriptors);
  if (network == Network::host) return {};
  if (auto failed = raise_loopback()) return failed;
  if (auto failed = listen_inside(runtime_api_port, api)) return failed;
  return listen_inside(endpoint_port, endpoint);
}

[[noreturn]] void be_first_process(InitSetup setup, int go) {
  if (!keep_only(setup.control, setup.events, go)) _exit(1);
  char let_go;
  ssize_t size;
  do size = read(go, &let_go, 1);
  while (size < 0 && errno == EINTR);
  if (size != 1) _exit(1);
  close(go);
  Fd api, endpoint;
  if (const auto failed = settle(setup.network, api, endpoint)) give_up(setup.control, failed);
  const int listeners[] = {api.release(), endpoint.release()};
  run_init(setup, setup.network == Network::isolated ? std::span<const int>(listeners) : std::span<const int>());
}

}  // namespace

Trouble NativeMaker::prepare(Network network) {
  network_ = network;
  root_ = geteuid() == 0;
  if (root_) {
    if (setgroups(0, nullptr)) return trouble(Step::user_map);
  } else {
    const unsigned user = geteuid(), group = getegid();
    // A process that has changed its user has /proc files that are another's, and this one must write its own and its children's.
    if (prctl(PR_SET_DUMPABLE, 1)) return trouble(Step::user_map);
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS)) return trouble(Step::namespaces);
    if (auto failed = map_user("self", 0, user, 0, group)) return failed;
    if (setresgid(0, 0, 0) || setresuid(0, 0, 0)) return trouble(Step::user_map);
    if (prctl(PR_SET_DUMPABLE, 1)) return trouble(Step::user_map);
  }
  home_ = Fd(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  return home_ ? Trouble{} : trouble(Step::namespaces);
}

Trouble NativeMaker::find_root(const Blueprint& blueprint, int& root) {
  const auto key = key_of(blueprint);
  if (const auto known = roots_.find(key); known != roots_.end()) {
    root = known->second.get();
    return {};
  }
  auto failed = build_root(blueprint, network_);
  Fd made;
  if (!failed) {
    made = Fd(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
    if (!made) failed = trouble(Step::root);
  }
  // Half a root must not be where the next sandbox begins.
  if (setns(home_.get(), CLONE_NEWNS)) _exit(1);
  if (failed) return failed;
  if (roots_.size() >= roots_max) roots_.clear();
  root = made.get();
  roots_.emplace(key, std::move(made));
  return {};
}

Trouble NativeMaker::make(const Blueprint& blueprint, unsigned user, InitSetup setup, Newborn& newborn) {
  int root = -1, pipes[2], handle = -1;
  if (auto failed = find_root(blueprint, root)) return failed;
  if (pipe2(pipes, O_CLOEXEC)) return trouble(Step::descriptors);
  const Fd go(pipes[0]);
  newborn.go = Fd(pipes[1]);
  setup.network = network_;
  setup.own_processes = setup.mounts = true;
  clone_args wanted{};
  wanted.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_PIDFD;
  if (network_ == Network::isolated) wanted.flags |= CLONE_NEWNET;
  wanted.exit_signal = SIGCHLD;
  wanted.pidfd = reinterpret_cast<std::uint64_t>(&handle);
  // The child begins in a copy of the mount namespace its parent is in.
  if (setns(root, CLONE_NEWNS)) return trouble(Step::namespaces);
  const long pid = syscall(SYS_clone3, &wanted, sizeof wanted);
  const int error = errno;
  if (pid == 0) be_first_process(std::move(setup), go.get());
  if (setns(home_.get(), CLONE_NEWNS)) _exit(1);
  if (pid < 0) return {Step::namespaces, error};
  newborn.pid = static_cast<int>(pid);
  newborn.handle = Fd(handle);
  const std::string number = cat(pid);
  if (auto failed = map_user(number, user_inside, user, group_inside, user)) {
    kill(newborn.pid, SIGKILL);
    waitpid(newborn.pid, nullptr, __WALL);
    return failed;
  }
  return {};
}

}  // namespace sallyport::sandbox
