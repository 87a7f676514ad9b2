#include "sandbox/bubblewrap.hpp"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/text.hpp"
#include "sandbox/ask_child.hpp"
#include "sandbox/mounts.hpp"
#include "sandbox/network.hpp"
#include "sandbox/program.hpp"

namespace sallyport::sandbox {
namespace {

using protocol::Step;
using protocol::Trouble;

constexpr std::string_view init_word = "init-of-a-sandbox";
constexpr unsigned user_inside = 993, group_inside = 990;  // AWS's numbers
constexpr int control_fd = 3, events_fd = 4, program_fd = 5, first_file_fd = 6;

Trouble trouble(Step step) { return {step, errno ? errno : EIO}; }

// Files of ours, whose places bubblewrap fills.
Fd in_memory(std::string_view text) {
  Fd file(memfd_create("sallyport", MFD_CLOEXEC));
  if (file && (write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) || lseek(file.get(), 0, SEEK_SET)))
    file.reset();
  return file;
}

void add(std::vector<std::string>& to, std::initializer_list<std::string_view> words) {
  for (const auto word : words) to.emplace_back(word);
}

// Below 3: nothing to read, nowhere to write. From 3 on: these, in this order.
bool place(std::vector<int> wanted) {
  constexpr int out_of_the_way = 64;
  for (auto& one : wanted)
    if ((one = fcntl(one, F_DUPFD_CLOEXEC, out_of_the_way)) < 0) return false;
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int number = 0; number < 3; ++number)
    if (null < 0 || dup2(null, number) < 0) return false;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (dup2(wanted[i], control_fd + static_cast<int>(i)) < 0) return false;
  return syscall(SYS_close_range, static_cast<unsigned>(control_fd) + wanted.size(), ~0U, 0U) == 0;
}

}  // namespace

Trouble Bubblewrap::prepare(Network network) {
  program_ = find_program("bwrap");
  if (program_.empty()) return {Step::execute, ENOENT};
  root_ = geteuid() == 0;
  struct stat info{};
  if (stat(program_.c_str(), &info)) return trouble(Step::execute);
  set_user_id_ = info.st_mode & S_ISUID && !root_;
  if (set_user_id_ && network == Network::isolated) return {Step::address, EPERM};
  return {};
}

std::vector<std::string> Bubblewrap::arguments(const Wrapping& wrapping, std::vector<Fd>& files) const {
  std::vector<std::string> words{program_};
  add(words, {"--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "sandbox", "--die-with-parent",
              "--as-pid-1", "--new-session", "--clearenv", "--dir", "/etc", "--dir", "/var"});
  if (wrapping.network == Network::isolated) add(words, {"--unshare-net"});
  if (!root_) add(words, {"--unshare-user", "--uid", cat(user_inside), "--gid", cat(group_inside)});
  if (root_) add(words, {"--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"});
  if (!set_user_id_) add(words, {"--cap-add", "CAP_NET_ADMIN", "--cap-add", "CAP_SETPCAP"});

  const std::set<std::string> ours{"/etc/passwd", "/etc/group", "/etc/hosts", "/etc/hostname"};
  for (const auto& place : system_places()) {
    std::array<char, PATH_MAX> target;
    const auto length = readlink(place.c_str(), target.data(), target.size());
    if (ours.contains(place) || (place == "/etc/resolv.conf" && wrapping.network == Network::isolated)) continue;
    if (length > 0)
      add(words, {"--symlink", std::string_view(target.data(), static_cast<std::size_t>(length)), place});
    else
      add(words, {"--ro-bind-try", place, place});
  }
  for (const auto& [path, text] : own_files()) {
    files.push_back(in_memory(text));
    add(words, {"--perms", "0444", "--ro-bind-data", cat(first_file_fd + static_cast<int>(files.size()) - 1), path});
  }
  for (const auto& folder : wrapping.blueprint.read_only)
    if (!folder.starts_with("/usr/")) add(words, {"--ro-bind", folder, folder});
  add(words, {"--tmpfs", "/dev"});
  for (const auto* device : {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"})
    add(words, {"--dev-bind", device, device});
  add(words, {"--symlink", "/proc/self/fd", "/dev/fd", "--remount-ro", "/dev", "--proc", "/proc"});
  for (const auto* of_the_machine : {"/proc/keys", "/proc/key-users", "/proc/kcore", "/proc/timer_list"})
    if (access(of_the_machine, F_OK) == 0) add(words, {"--ro-bind", "/dev/null", of_the_machine});
  add(words, {"--perms", "1777", "--size", cat(static_cast<std::uint64_t>(wrapping.tmp_mb) << 20), "--tmpfs", "/tmp"});
  add(words, {"--ro-bind", wrapping.code_directory, "/var/task"});
  if (!wrapping.blueprint.runtime_directory.empty()) add(words, {"--ro-bind", wrapping.blueprint.runtime_directory, "/var/runtime"});
  if (wrapping.layers_directory.empty())
    add(words, {"--dir", "/opt"});
  else
    add(words, {"--ro-bind", wrapping.layers_directory, "/opt"});
  add(words, {"--remount-ro", "/", "--chdir", "/", "--", cat("/proc/self/fd/", program_fd), init_word,
              wrapping.network == Network::isolated ? "isolated" : "host", cat(wrapping.user)});
  return words;
}

Trouble Bubblewrap::make(const Wrapping& wrapping, int& pid, Fd& go) {
  std::vector<Fd> files;
  const auto words = arguments(wrapping, files);
  const Fd self(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  if (!self || std::ranges::any_of(files, [](const Fd& file) { return !file; })) return trouble(Step::descriptors);
  int pipes[2];
  if (pipe2(pipes, O_CLOEXEC)) return trouble(Step::descriptors);
  const Fd let_go(pipes[0]);
  go = Fd(pipes[1]);
  pid = fork();
  if (pid < 0) return trouble(Step::fork);
  if (pid) return {};
  go.reset();
  std::vector<int> kept{wrapping.control, wrapping.events, self.get()};
  for (const auto& file : files) kept.push_back(file.get());
  std::vector<char*> pointers;
  for (const auto& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  char* const none[] = {nullptr};
  sigset_t nothing;
  sigemptyset(&nothing);
  sigprocmask(SIG_SETMASK, &nothing, nullptr);
  char byte;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) || read(let_go.get(), &byte, 1) != 1 || !place(std::move(kept))) _exit(1);
  execve(pointers[0], pointers.data(), none);
  _exit(127);
}

namespace {

Trouble settle(Network network, unsigned user, Fd& api, Fd& endpoint) {
  umask(022);
  if (network == Network::isolated) {
    if (auto failed = raise_loopback()) return failed;
    if (auto failed = listen_inside(runtime_api_port, api)) return failed;
    if (auto failed = listen_inside(endpoint_port, endpoint)) return failed;
  }
  if (!user) return {};
  // What the change of user takes away could not give up the rest afterwards.
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability)
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)) return trouble(Step::capabilities);
  if (syscall(SYS_setgroups, 0, nullptr) || setresgid(user, user, user) || setresuid(user, user, user)) return trouble(Step::user_map);
  return prctl(PR_SET_PDEATHSIG, SIGKILL) ? trouble(Step::limits) : Trouble{};
}

}  // namespace

void run_init_if_asked(int argc, char** argv) {
  if (argc != 4 || argv[1] != init_word) return;
  const auto network = std::string_view(argv[2]) == "isolated" ? Network::isolated : Network::host;
  const auto user = parse_number<unsigned>(argv[3]);
  // Only bubblewrap starts it with these descriptors, as the first process of a namespace.
  if (!user || getpid() != 1 || fcntl(control_fd, F_SETFD, FD_CLOEXEC) || fcntl(events_fd, F_SETFD, FD_CLOEXEC)) _exit(1);
  syscall(SYS_close_range, static_cast<unsigned>(program_fd), ~0U, 0U);
  Fd api, endpoint;
  if (const auto failed = settle(network, *user, api, endpoint)) give_up(control_fd, failed);
  static const SyscallFilter filter = function_filter(Neighbours::own, unix_sockets_of(network, landlock_abi()), ports_of(network));
  InitSetup setup;
  setup.control = control_fd;
  setup.events = events_fd;
  setup.level = Level::bwrap;
  setup.network = network;
  setup.own_processes = true;
  setup.filter = &filter;
  const int listeners[] = {api.release(), endpoint.release()};
  run_init(setup, network == Network::isolated ? std::span<const int>(listeners) : std::span<const int>());
}

}  // namespace sallyport::sandbox
