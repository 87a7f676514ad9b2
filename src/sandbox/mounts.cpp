#include "sandbox/mounts.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.hpp"

// <sys/mount.h> and <linux/mount.h> do not go together.
extern "C" int mount(const char*, const char*, const char*, unsigned long, const void*) noexcept;
extern "C" int umount2(const char*, int) noexcept;

namespace sallyport::sandbox {
namespace {

using protocol::Step;
using protocol::Trouble;

constexpr int detach = 2;                        // MNT_DETACH
constexpr unsigned long is_private = 1UL << 18;  // MS_PRIVATE
constexpr long copied_bytes_max = 1024 * 1024;   // of one small file

Trouble trouble(Step step) { return {step, errno ? errno : EIO}; }

// What exists of these is seen inside. Keys and passwords of the machine are in none of them.
constexpr const char* bound_folders[] = {
    "/usr", "/etc/ssl/certs", "/etc/ca-certificates", "/etc/pki/tls/certs", "/etc/pki/ca-trust", "/etc/alternatives"};
// Links on most machines, folders on some.
constexpr const char* usr_parts[] = {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"};
constexpr const char* copied_files[] = {
    "/etc/ld.so.cache",         "/etc/ld.so.conf", "/etc/nsswitch.conf", "/etc/localtime", "/etc/timezone", "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/openssl.cnf", "/etc/services",   "/etc/protocols",     "/etc/host.conf", "/etc/gai.conf", "/etc/mime.types"};
constexpr const char* devices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};

constexpr int java_versions[] = {8, 11, 17, 21, 25};

std::string java_folder(int version) { return cat("/etc/java-", version, "-openjdk"); }

// Each takes a kilobyte of the kernel's memory, however little is in it.
long tmp_files_max(int tmp_mb) { return std::max(65'536L, 128L * tmp_mb); }

bool is_folder(const char* path) {
  struct stat about{};
  return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

struct Pending {
  std::string path;
  Fd mount;
};

int clone_tree(const char* path) {
  return static_cast<int>(syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
}

int move_to(int mount, const char* path) {
  return static_cast<int>(syscall(SYS_move_mount, mount, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH));
}

Trouble take(std::vector<Pending>& pending, const char* path) {
  Fd mount;
  if (auto failed = open_mount(path, mount)) return failed;
  pending.push_back({path, std::move(mount)});
  return {};
}

bool read_small(const char* path, std::string& text) {
  const Fd file(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat about{};
  if (!file || fstat(file.get(), &about) || !S_ISREG(about.st_mode) || about.st_size > copied_bytes_max) return false;
  std::array<char, 16384> part;
  for (ssize_t size; (size = read(file.get(), part.data(), part.size())) > 0;) text.append(part.data(), static_cast<std::size_t>(size));
  return true;
}

// Below the working folder, which is the new root.
std::string inside(std::string_view path) { return std::string(path.substr(1)); }

bool make_folders(const std::string& path) {
  for (std::size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1))
    if (mkdir(path.substr(0, at).c_str(), 0755) && errno != EEXIST) return false;
  return mkdir(path.c_str(), 0755) == 0 || errno == EEXIST;
}

bool write_file(const std::string& path, std::string_view text, mode_t mode = 0444) {
  const auto folder = path.rfind('/');
  if (folder != std::string::npos && !make_folders(path.substr(0, folder))) return false;
  const Fd file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  return file && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

struct Sources {
  std::vector<Pending> mounts;                             // in the order they are attached
  std::vector<std::pair<std::string, std::string>> files;  // path, text
  std::vector<std::pair<std::string, std::string>> links;  // path, target
};

// What is below a folder by its name must be so in truth.
bool is_plain(const std::string& path) {
  const auto parts = split(path, '/');
  if (parts.size() < 2 || !parts[0].empty()) return false;
  return std::all_of(parts.begin() + 1, parts.end(), [](auto part) { return !part.empty() && part != "." && part != ".."; });
}

Trouble gather(const Blueprint& blueprint, Network network, Sources& sources) {
  for (const char* folder : bound_folders)
    if (is_folder(folder))
      if (auto failed = take(sources.mounts, folder)) return failed;
  for (const char* part : usr_parts) {
    char target[256];
    const ssize_t size = readlink(part, target, sizeof target);
    if (size > 0 && size < static_cast<ssize_t>(sizeof target)) {
      sources.links.emplace_back(part, std::string(target, static_cast<std::size_t>(size)));
    } else if (is_folder(part)) {
      if (auto failed = take(sources.mounts, part)) return failed;
    }
  }
  for (const int version : java_versions) {
    const auto folder = java_folder(version);
    if (is_folder(folder.c_str()))
      if (auto failed = take(sources.mounts, folder.c_str())) return failed;
  }
  for (const char* file : copied_files) {
    std::string text;
    if (read_small(file, text)) sources.files.emplace_back(file, std::move(text));
  }
  std::string names;
  if (network == Network::host && read_small("/etc/resolv.conf", names)) sources.files.emplace_back("/etc/resolv.conf", std::move(names));
  for (const char* device : devices) {
    Fd mount(clone_tree(device));
    if (!mount) return trouble(Step::sources);
    sources.mounts.push_back({device, std::move(mount)});
  }
  for (const auto& folder : blueprint.read_only) {
    if (!is_plain(folder)) return {Step::sources, EINVAL};
    if (folder.starts_with("/usr/")) continue;
    if (auto failed = take(sources.mounts, folder.c_str())) return failed;
  }
  if (!blueprint.runtime_directory.empty()) {
    Fd mount;
    if (auto failed = open_mount(blueprint.runtime_directory.c_str(), mount)) return failed;
    sources.mounts.push_back({"/var/runtime", std::move(mount)});
  }
  // An init may mount a /proc of its own only where one is to be seen already, with nothing over it.
  Fd proc(clone_tree("/proc"));
  if (!proc) return trouble(Step::proc);
  sources.mounts.push_back({"/proc", std::move(proc)});
  return {};
}

bool write_own_files() {
  for (const auto& [path, text] : own_files())
    if (!write_file(inside(path), text)) return false;
  return true;
}

bool add_links() {
  return symlink("/proc/self/fd", "dev/fd") == 0 && symlink("/proc/self/fd/0", "dev/stdin") == 0 &&
         symlink("/proc/self/fd/1", "dev/stdout") == 0 && symlink("/proc/self/fd/2", "dev/stderr") == 0;
}

bool is_file(const Fd& mount) {
  struct stat about{};
  return fstat(mount.get(), &about) == 0 && !S_ISDIR(about.st_mode);
}

Trouble fill(const Sources& sources) {
  for (const char* folder : {"etc", "dev", "proc", "tmp", "var", "var/task", "var/runtime", "opt"})
    if (mkdir(folder, 0755)) return trouble(Step::root);
  for (const auto& [path, target] : sources.links)
    if (symlink(target.c_str(), inside(path).c_str())) return trouble(Step::root);
  if (!add_links()) return trouble(Step::root);
  for (const auto& [path, mount] : sources.mounts) {
    const auto target = inside(path);
    // A folder may lie below one that is there already, read-only: then it can be seen.
    if (is_file(mount) ? !write_file(target, "", 0666) : !make_folders(target)) {
      if (errno == EROFS) continue;
      return trouble(Step::root);
    }
    if (move_to(mount.get(), target.c_str())) return trouble(Step::root);
  }
  for (const auto& [path, text] : sources.files) {
    if (!write_file(inside(path), text) && errno != EROFS) return trouble(Step::root);
  }
  return write_own_files() ? Trouble{} : trouble(Step::root);
}

}  // namespace

// The name by which listeners of telemetry are known leads to where they are dialled.
std::vector<std::pair<std::string, std::string>> own_files() {
  return {{"/etc/passwd",
           "root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n"
           "sbx_user1051:x:993:990::/home/sbx_user1051:/sbin/nologin\n"},
          {"/etc/group", "root:x:0:\nnobody:x:65534:\nsbx_user1051:x:990:\n"},
          {"/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n127.0.0.1 sandbox.localdomain sandbox\n"},
          {"/etc/hostname", "sandbox\n"}};
}

std::vector<std::string> system_places() {
  std::vector<std::string> found(std::begin(bound_folders), std::end(bound_folders));
  found.insert(found.end(), std::begin(usr_parts), std::end(usr_parts));
  found.insert(found.end(), std::begin(copied_files), std::end(copied_files));
  for (const auto version : java_versions) found.push_back(java_folder(version));
  for (const char* file : {"/etc/resolv.conf", "/etc/hosts", "/etc/hostname", "/etc/passwd", "/etc/group", "/etc/ld.so.conf.d"})
    found.emplace_back(file);
  return found;
}

Trouble open_mount(const char* path, Fd& mount) {
  // With everything below it, since what is hidden by a mount must stay hidden.
  mount = Fd(clone_tree(path));
  if (!mount) return trouble(Step::sources);
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  // What is mounted below it later would come along otherwise, with none of these.
  attributes.propagation = is_private;
  if (syscall(SYS_mount_setattr, mount.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof attributes))
    return trouble(Step::sources);
  return {};
}

Trouble build_root(const Blueprint& blueprint, Network network) {
  constexpr unsigned long recursive = 16384;  // MS_REC
  if (unshare(CLONE_NEWNS) || mount("none", "/", nullptr, recursive | is_private, nullptr)) return trouble(Step::namespaces);
  Sources sources;
  if (auto failed = gather(blueprint, network, sources)) return failed;
  // Any folder will do to begin on: all that is needed is open by now.
  constexpr unsigned long no_suid = 2, no_devices = 4;  // MS_NOSUID, MS_NODEV
  if (mount("tmpfs", "/usr", "tmpfs", no_suid | no_devices, "size=4m,mode=0755") || chdir("/usr")) return trouble(Step::root);
  const mode_t before = umask(0);
  auto failed = fill(sources);
  umask(before);
  if (failed) return failed;
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  if (syscall(SYS_mount_setattr, AT_FDCWD, ".", 0, &attributes, sizeof attributes)) return trouble(Step::root);
  if (syscall(SYS_pivot_root, ".", ".") || umount2(".", detach) || chdir("/")) return trouble(Step::root);
  return {};
}

Trouble mount_own_folders() {
  constexpr unsigned long no_suid = 2, no_devices = 4, no_execution = 8;  // MS_NOSUID, MS_NODEV, MS_NOEXEC
  // Only what a process could trace is shown to it, which leaves out this one.
  if (mount("proc", "/proc", "proc", no_suid | no_devices | no_execution, "hidepid=2")) return trouble(Step::proc);
  // The machine's own, which are not of this pid namespace.
  constexpr unsigned long bind = 4096;  // MS_BIND
  for (const char* of_the_machine : {"/proc/keys", "/proc/key-users", "/proc/kcore", "/proc/sysrq-trigger", "/proc/timer_list"})
    if (mount("/dev/null", of_the_machine, nullptr, bind, nullptr) && errno != ENOENT) return trouble(Step::proc);
  if (mount("tmpfs", "/tmp", "tmpfs", no_suid | no_devices, "size=512m,nr_inodes=64k,mode=1777")) return trouble(Step::tmp);
  return {};
}

Trouble attach(std::span<const Fd> mounts, int tmp_mb) {
  constexpr const char* places[] = {"/var/task", "/opt"};
  if (mounts.empty() || mounts.size() > std::size(places) || tmp_mb < 1) return {Step::request, EINVAL};
  for (std::size_t i = 0; i < mounts.size(); ++i)
    if (move_to(mounts[i].get(), places[i])) return trouble(Step::mounts);
  constexpr unsigned long no_suid = 2, no_devices = 4, again = 32;  // MS_NOSUID, MS_NODEV, MS_REMOUNT
  if (mount("tmpfs", "/tmp", nullptr, again | no_suid | no_devices, cat("size=", tmp_mb, "m,nr_inodes=", tmp_files_max(tmp_mb)).c_str()))
    return trouble(Step::tmp);
  return {};
}

}  // namespace sallyport::sandbox
