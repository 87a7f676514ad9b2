#include "sandbox/facts.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>

#include "base/text.hpp"
#include "sandbox/ask_child.hpp"
#include "sandbox/cgroup.hpp"
#include "sandbox/landlock.hpp"
#include "sandbox/seccomp.hpp"

namespace sallyport::sandbox {
namespace {

std::string first_word(const std::string& path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return word;
}

bool is_under_a_filter() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("Seccomp:")) return line.ends_with("2");
  return false;
}

// Why a call that makes namespaces was refused, in words of what can be changed.
std::string cause_of(int error, bool root) {
  if (error == ENOSPC || first_word("/proc/sys/user/max_user_namespaces") == "0")
    return cat(root ? "" : "unprivileged ",
               "user namespaces are disabled (user.max_user_namespaces = ", first_word("/proc/sys/user/max_user_namespaces"), ")");
  if (!root && first_word("/proc/sys/kernel/unprivileged_userns_clone") == "0")
    return "unprivileged user namespaces are disabled (kernel.unprivileged_userns_clone = 0)";
  if (!root && first_word("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1")
    return "unprivileged user namespaces are disabled by AppArmor (kernel.apparmor_restrict_unprivileged_userns = 1)";
  if (error == EINVAL || error == ENOSYS) return "this kernel was built without user namespaces";
  if (is_under_a_filter()) return "a system call filter around this process forbids user namespaces (a container; see its seccomp profile)";
  return cat("user namespaces are refused (", strerror(error), ")");
}

bool write_file(const std::string& path, std::string_view text) {
  const Fd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return fd && write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// In a child: a user namespace in which this user is root and may mount. Zero, or the error number.
int become_root_of_a_namespace() {
  const auto user = cat("0 ", geteuid(), " 1"), group = cat("0 ", getegid(), " 1");
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS)) return errno;
  if (!write_file("/proc/self/setgroups", "deny") || !write_file("/proc/self/uid_map", user) || !write_file("/proc/self/gid_map", group))
    return errno;
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr)) return errno;
  return mount("none", "/tmp", "tmpfs", 0, nullptr) ? errno : 0;
}

int mount_overlay() {
  if (const int error = become_root_of_a_namespace()) return error;
  for (const auto* name : {"/tmp/a", "/tmp/b", "/tmp/c"})
    if (mkdir(name, 0755)) return errno;
  return mount("none", "/tmp/c", "overlay", MS_RDONLY, "lowerdir=/tmp/a:/tmp/b") ? errno : 0;
}

// The error number a child brings back.
int tried(int (*work)()) {
  const auto told = ask_child([&] { return std::vector{cat(work())}; });
  return told.size() == 1 ? parse_number<int>(told[0]).value_or(EIO) : EIO;
}

int install_function_filter() {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return errno;
  return function_filter(Neighbours::own).install();
}

// All the way, as functions will have it.
std::string make_one(Level level) {
  const auto told = ask_child([&] {
    std::vector<std::string> texts;
    auto spawner = Spawner::start({.level = level, .network = Network::isolated});
    if (!spawner) return std::vector{spawner.error().message};
    const auto sandbox = (*spawner)->create(Blueprint{});
    if (!sandbox) return std::vector{sandbox.error().message};
    const auto assigned = (*sandbox)->assign(Assignment{.code_directory = "/usr"});
    return std::vector{assigned ? std::string("made") : assigned.error().message};
  });
  if (told.empty()) return "making a sandbox does not end";
  return told[0] == "made" ? std::string() : told[0];
}

void find_memory(Facts& facts) {
  const auto told = ask_child([] {
    const auto tree = CgroupTree::open(CgroupTree::Purpose::look);
    return std::vector{cat(static_cast<int>(tree.mechanism())), tree.detail(), std::string(tree.pids() ? "y" : ""),
                       std::string(tree.cpu() ? "y" : "")};
  });
  if (told.size() != 4) return;
  facts.memory = static_cast<MemoryMechanism>(parse_number<int>(told[0]).value_or(static_cast<int>(MemoryMechanism::watchdog)));
  facts.memory_detail = told[1];
  facts.pids_controller = !told[2].empty();
  facts.cpu_controller = !told[3].empty();
}

void find_bubblewrap(Facts& facts) {
  facts.bwrap_program = find_program("bwrap");
  if (facts.bwrap_program.empty()) {
    facts.no_bwrap = "bubblewrap is not installed";
    return;
  }
  facts.no_bwrap = make_one(Level::bwrap);
}

// Found for the doctor to say; see docs/isolation.md for why nothing is made with it.
void find_container_runtime(Facts& facts) {
  for (const auto* name : {"crun", "runc"})
    if (facts.oci_program.empty()) facts.oci_program = find_program(name);
  facts.no_oci = facts.oci_program.empty() ? "neither crun nor runc is installed, and this version makes no sandboxes with them"
                                           : cat("this version makes no sandboxes with container runtimes (", facts.oci_program, ")");
}

}  // namespace

Facts find_facts(Thoroughness thoroughness) {
  Facts facts;
  facts.root = geteuid() == 0;
  utsname name{};
  if (uname(&name) == 0) facts.kernel = name.release;
  facts.landlock_abi = landlock_abi();
  constexpr std::uint32_t notify = SECCOMP_RET_USER_NOTIF;
  facts.seccomp_user_notify = syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &notify) == 0;
  if (const int error = tried(install_function_filter)) facts.no_seccomp = cat("system call filters are refused (", strerror(error), ")");
  if (const int error = tried(become_root_of_a_namespace)) facts.no_user_namespaces = cause_of(error, facts.root);
  facts.no_native = facts.no_user_namespaces.empty() ? make_one(Level::native) : facts.no_user_namespaces;
  find_memory(facts);
  const bool all = thoroughness == Thoroughness::all_levels;
  if (all)
    if (const int error = tried(mount_overlay)) facts.no_overlay = cat("overlay mounts are refused (", strerror(error), ")");
  if (all || !facts.no_native.empty())
    find_bubblewrap(facts);
  else
    facts.no_bwrap = "it was not tried";
  find_container_runtime(facts);
  return facts;
}

}  // namespace sallyport::sandbox
