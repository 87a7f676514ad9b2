#include "sandbox/cgroup.hpp"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <span>

#include "base/text.hpp"

namespace sallyport::sandbox {
namespace {

constexpr std::string_view prefix = "sallyport-";
constexpr std::string_view aside_suffix = "-server";  // where server and spawner are, which are killed by nobody
constexpr int removals_max = 100, removal_pause_ms = 5;
constexpr long cpu_period_us = 100'000, cpu_quota_us_min = 1'000;

std::string read_text(const std::string& path) {
  std::string text;
  const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 4096> buffer;
  for (ssize_t count; fd && (count = read(fd.get(), buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(count));
  return text;
}

Result<> write_text(const std::string& path, std::string_view text) {
  const Fd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (fd && write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size())) return {};
  return fail(cat("cannot write `", text, "` to ", path, ": ", strerror(errno)));
}

bool has_word(std::string_view text, std::string_view word) {
  for (const auto line : split(text, '\n'))
    for (const auto one : split(line, ' '))
      if (one == word) return true;
  return false;
}

template <class Visit>
void for_each_folder(const std::string& path, Visit visit) {
  DIR* folder = opendir(path.c_str());
  if (!folder) return;
  std::vector<std::string> names;
  while (const auto* entry = readdir(folder))
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  closedir(folder);
  for (const auto& name : names) visit(name);
}

// Processes of a group whose maker has died, or that should have ended: one by one where the kernel cannot do it at once.
void kill_in(const std::string& folder) {
  if (write_text(cat(folder, "/cgroup.kill"), "1")) return;
  const auto processes = read_text(cat(folder, "/cgroup.procs"));
  for (const auto line : split(processes, '\n'))
    if (const auto pid = parse_number<int>(line); pid && *pid > 1 && *pid != getpid()) ::kill(*pid, SIGKILL);
}

void remove_tree(const std::string& folder) {
  for_each_folder(folder, [&](const std::string& name) { remove_tree(cat(folder, "/", name)); });
  if (rmdir(folder.c_str()) == 0 || errno != EBUSY || folder.ends_with(aside_suffix)) return;
  kill_in(folder);
  // What was killed is counted until it has gone.
  for (int attempt = 0; attempt < removals_max && rmdir(folder.c_str()) && errno == EBUSY; ++attempt) poll(nullptr, 0, removal_pause_ms);
}

// A lock on the folder lives as long as its maker, however that ends and whatever process ids mean elsewhere.
Fd lock_folder(const std::string& folder) {
  Fd fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd && flock(fd.get(), LOCK_EX | LOCK_NB)) fd.reset();
  return fd;
}

void remove_leftovers(const std::string& parent) {
  for_each_folder(parent, [&](const std::string& name) {
    if (!name.starts_with(prefix)) return;
    const auto folder = cat(parent, "/", name);
    if (lock_folder(folder)) remove_tree(folder);
  });
}

// Nothing if this user may not.
std::string make_own(const std::string& parent, std::string_view suffix, std::vector<Fd>& locks) {
  auto folder = cat(parent, "/", prefix, getpid(), suffix);
  // Another server that starts right now may take what is not locked yet for a leftover.
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (mkdir(folder.c_str(), 0755) && errno != EEXIST) return {};
    auto lock = lock_folder(folder);
    if (!lock || access(folder.c_str(), F_OK)) continue;
    locks.push_back(std::move(lock));
    return folder;
  }
  return {};
}

bool enable_controllers(const std::string& file) {
  for (const auto* controller : {"+pids", "+cpu"}) (void)write_text(file, controller);
  return bool(write_text(file, "+memory"));
}

// Nobody but this process and its parent.
bool is_ours_alone(const std::string& folder) {
  const auto processes = read_text(cat(folder, "/cgroup.procs"));
  for (const auto line : split(processes, '\n'))
    if (const auto pid = parse_number<int>(line); pid && *pid != getpid() && *pid != getppid()) return false;
  return true;
}

}  // namespace

// ---- the tree

CgroupTree CgroupTree::open(Purpose purpose) {
  return open(find_cgroup_places(read_text("/proc/self/mountinfo"), read_text("/proc/self/cgroup")), purpose);
}

CgroupTree CgroupTree::open(const CgroupPlaces& places, Purpose purpose) {
  CgroupTree tree;
  if (!places.unified.empty() && tree.take_unified(places.unified, purpose)) return tree;
  if (!places.unified.empty() && geteuid() == 0 && places.unified_top != places.unified && tree.take_unified(places.unified_top, purpose))
    return tree;
  if (tree.take_version_1(places)) return tree;
  if (places.unified.empty() && places.by_controller.empty())
    tree.detail_ = "control groups are not mounted";
  else
    tree.detail_ =
        "this user may not make control groups with a memory controller (systemd: run the server as a service with Delegate=yes)";
  return tree;
}

bool CgroupTree::take_unified(const std::string& parent, Purpose purpose) {
  if (!has_word(read_text(cat(parent, "/cgroup.controllers")), "memory")) return false;
  remove_leftovers(parent);
  const auto control = cat(parent, "/cgroup.subtree_control");
  if (!has_word(read_text(control), "memory") && !enable_controllers(control)) {
    // A group that holds processes cannot pass controllers on. If we are all there is in it, we step aside.
    if (!is_ours_alone(parent)) return false;
    if (purpose == Purpose::look) return access(control.c_str(), W_OK) == 0 && access(parent.c_str(), W_OK) == 0 && name_unified(parent);
    const auto aside = make_own(parent, aside_suffix, locks_);
    if (aside.empty()) return false;
    for (const int pid : {getpid(), getppid()}) (void)write_text(cat(aside, "/cgroup.procs"), cat(pid));
    if (!enable_controllers(control)) return false;
  }
  const auto folder = make_own(parent, "", locks_);
  if (folder.empty()) return false;
  if (!enable_controllers(cat(folder, "/cgroup.subtree_control"))) {
    rmdir(folder.c_str());
    return false;
  }
  const auto enabled = read_text(cat(folder, "/cgroup.subtree_control"));
  for (const auto* controller : {"memory", "pids", "cpu"})
    if (has_word(enabled, controller)) folders_[controller] = folder;
  return name_unified(folder);
}

bool CgroupTree::name_unified(const std::string& folder) {
  mechanism_ = MemoryMechanism::cgroup_v2;
  detail_ = cat("version 2, ", folder);
  return true;
}

bool CgroupTree::take_version_1(const CgroupPlaces& places) {
  if (!places.by_controller.contains("memory")) return false;
  for (const auto* controller : {"memory", "pids", "cpu", "freezer"}) {
    const auto found = places.by_controller.find(controller);
    if (found == places.by_controller.end()) continue;
    remove_leftovers(found->second);
    // Controllers mounted together share a folder.
    std::string folder;
    for (const auto& [other, theirs] : folders_)
      if (places.by_controller.at(other) == found->second) folder = theirs;
    if (folder.empty()) folder = make_own(found->second, "", locks_);
    if (!folder.empty()) folders_[controller] = folder;
    if (!folders_.contains("memory")) return false;
  }
  mechanism_ = MemoryMechanism::cgroup_v1;
  detail_ = cat("version 1, ", folders_.at("memory"));
  return true;
}

CgroupTree::~CgroupTree() {
  for (const auto& [controller, folder] : folders_)
    if (mechanism_ != MemoryMechanism::watchdog) remove_tree(folder);
}

Result<Cgroup> CgroupTree::make(unsigned number) const {
  std::erase_if(*leftovers_, [](const std::string& folder) { return rmdir(folder.c_str()) == 0 || errno == ENOENT; });
  Cgroup group;
  group.unified_ = mechanism_ == MemoryMechanism::cgroup_v2;
  group.leftovers_ = leftovers_;
  for (const auto& [controller, parent] : folders_) {
    auto folder = cat(parent, "/", number);
    if (mkdir(folder.c_str(), 0755) && errno != EEXIST) return fail(cat("cannot make ", folder, ": ", strerror(errno)));
    group.folders_[controller] = std::move(folder);
  }
  return group;
}

// ---- one group

Cgroup& Cgroup::operator=(Cgroup&& other) noexcept {
  if (this == &other) return *this;
  remove();
  unified_ = other.unified_;
  gives_way_ = other.gives_way_;
  folders_ = std::exchange(other.folders_, {});
  leftovers_ = std::move(other.leftovers_);
  return *this;
}

std::string Cgroup::file(std::string_view controller, std::string_view name) const {
  const auto found = folders_.find(controller);
  return found == folders_.end() ? std::string() : cat(found->second, "/", name);
}

Result<> Cgroup::write(std::string_view controller, std::string_view name, std::string_view text) const {
  const auto path = file(controller, name);
  return path.empty() ? Result<>{} : write_text(path, text);
}

Result<> Cgroup::add(int pid) const {
  std::string last;
  for (const auto& [controller, folder] : folders_) {
    if (folder == last) continue;
    last = folder;
    if (auto added = write_text(cat(folder, "/cgroup.procs"), cat(pid)); !added) return added;
  }
  return {};
}

Result<> Cgroup::set(const CgroupLimits& limits) const {
  if (folders_.empty()) return {};
  const auto bytes = cat((static_cast<std::uint64_t>(limits.memory_mb) + static_cast<std::uint64_t>(limits.tmp_mb)) << 20);
  const auto quota = limits.cpu_share > 0 ? std::max(cpu_quota_us_min, static_cast<long>(limits.cpu_share * cpu_period_us)) : 0;
  const auto processes = cat(limits.processes_max + 1);  // and the init
  if (auto set = write("pids", "pids.max", processes); !set) return set;
  // Kernels without accounting of swap have no file for it.
  if (unified_) {
    (void)write("memory", "memory.swap.max", "0");
    (void)write("memory", "memory.oom.group", "0");
    if (auto set = write("cpu", "cpu.max", cat(quota ? cat(quota) : "max", " ", cpu_period_us)); !set) return set;
    return write("memory", "memory.max", bytes);
  }
  if (auto set = write("cpu", "cpu.cfs_quota_us", quota ? cat(quota) : "-1"); !set) return set;
  // Neither of the two may be above or below the other in between, whether they rise or fall.
  (void)write("memory", "memory.limit_in_bytes", bytes);
  (void)write("memory", "memory.memsw.limit_in_bytes", bytes);
  return write("memory", "memory.limit_in_bytes", bytes);
}

Result<> Cgroup::give_way(bool gives_way) {
  if (std::exchange(gives_way_, gives_way) == gives_way) return {};
  // What the kernel gives a new group, and a sixteenth of it.
  if (unified_) return write("cpu", "cpu.weight", gives_way ? "6" : "100");
  return write("cpu", "cpu.shares", gives_way ? "64" : "1024");
}

void Cgroup::kill() const {
  if (const auto memory = folders_.find("memory"); memory != folders_.end()) kill_in(memory->second);
}

Result<std::vector<Fd>> Cgroup::watch_files() const {
  struct File {
    const char* controller;
    const char* name;
    int flags;
    bool needed;
  };
  static constexpr File unified[] = {{"memory", "memory.current", O_RDONLY, true}, {"memory", "cgroup.procs", O_RDONLY, false},
                                     {"memory", "memory.stat", O_RDONLY, true},    {"memory", "memory.events", O_RDONLY, true},
                                     {"memory", "cgroup.freeze", O_WRONLY, false}, {"memory", "cgroup.kill", O_WRONLY, false}};
  static constexpr File separate[] = {{"memory", "memory.usage_in_bytes", O_RDONLY, true},
                                      {"memory", "cgroup.procs", O_RDONLY, false},
                                      {"memory", "memory.stat", O_RDONLY, true},
                                      {"memory", "memory.oom_control", O_RDONLY, true},
                                      {"freezer", "freezer.state", O_WRONLY, false}};
  std::vector<Fd> files;
  if (folders_.empty()) return files;
  for (const auto& wanted : unified_ ? std::span<const File>(unified) : std::span<const File>(separate)) {
    const auto path = file(wanted.controller, wanted.name);
    Fd fd(path.empty() ? -1 : open(path.c_str(), wanted.flags | O_CLOEXEC));
    if (fd)
      files.push_back(std::move(fd));
    else if (wanted.needed)
      return fail(cat("cannot open ", path, ": ", strerror(errno)));
  }
  return files;
}

void Cgroup::remove() {
  for (const auto& [controller, folder] : folders_)
    if (rmdir(folder.c_str()) && errno != ENOENT && leftovers_) leftovers_->push_back(folder);
  folders_.clear();
}

}  // namespace sallyport::sandbox
