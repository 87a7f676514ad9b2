// Control groups: the kernel's own limits on memory, processes and processor time, where this user may set them. The spawner makes a group
// for each sandbox; the server gets the descriptors that tell and steer.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "sandbox/cgroup_places.hpp"
#include "sandbox/facts.hpp"
#include "sandbox/sandbox.hpp"

namespace sallyport::sandbox {

/// What a group is held to. /tmp lies in memory, and the kernel counts its pages in the group of who wrote them, so its size is added: the
/// kernel kills above memory and /tmp together, and whoever watches `Memory::now_kib` above the memory alone.
struct CgroupLimits {
  int memory_mb = 128, tmp_mb = 512;
  unsigned processes_max = limits::processes_max;
  double cpu_share = 0;  // 1.0 is one processor; 0: no limit
};

/// Folders whose processes had not ended when they should have been removed.
using CgroupLeftovers = std::vector<std::string>;

/// One sandbox's group, as its maker has it. Removed with the object; REQUIRES: its processes have ended, else it is removed later.
class Cgroup {
 public:
  Cgroup() = default;  // no group: everything succeeds and does nothing
  Cgroup(Cgroup&&) noexcept = default;
  Cgroup& operator=(Cgroup&& other) noexcept;
  ~Cgroup() { remove(); }

  /// Of a process, with all its threads; what it starts is in it too.
  Result<> add(int pid) const;
  /// May be called again. Limits without a controller are left out.
  Result<> set(const CgroupLimits& limits) const;
  /// Where processors are short, gets a sixteenth of what the other groups get; false: as much as they.
  Result<> give_way(bool gives_way);
  /// Kills the processes that are in it now.
  void kill() const;
  /// Fresh descriptors for a `CgroupWatch`; none without a group.
  Result<std::vector<Fd>> watch_files() const;
  explicit operator bool() const { return !folders_.empty(); }

 private:
  friend class CgroupTree;
  void remove();
  Result<> write(std::string_view controller, std::string_view file, std::string_view text) const;
  std::string file(std::string_view controller, std::string_view name) const;

  bool unified_ = false, gives_way_ = false;
  std::map<std::string, std::string, std::less<>> folders_;  // by controller; version 2: the same for all
  std::shared_ptr<CgroupLeftovers> leftovers_;
};

/// Where a spawner's groups lie: `sallyport-<process id>` in each hierarchy.
class CgroupTree {
 public:
  /// Takes the first of: version 2, in our own group or, as root, at the top; version 1; nothing. Removes what servers that died left
  /// behind. With version 2 this process and its parent move into a group of their own if they have to; to `look` is to say what would be,
  /// and to leave them where they are. REQUIRES: one thread.
  enum class Purpose : std::uint8_t { use, look };
  static CgroupTree open(Purpose purpose = Purpose::use);
  /// The same with these places.
  static CgroupTree open(const CgroupPlaces& places, Purpose purpose);
  CgroupTree(CgroupTree&&) noexcept = default;
  CgroupTree& operator=(CgroupTree&&) = delete;
  ~CgroupTree();

  MemoryMechanism mechanism() const { return mechanism_; }
  bool pids() const { return folders_.contains("pids"); }
  bool cpu() const { return folders_.contains("cpu"); }
  /// Where the groups are, or why there are none.
  const std::string& detail() const { return detail_; }

  /// A group of this number, which should be used once: what is still there keeps its peak. An empty one where there is no mechanism.
  Result<Cgroup> make(unsigned number) const;

 private:
  CgroupTree() = default;
  bool take_unified(const std::string& parent, Purpose purpose);
  bool name_unified(const std::string& folder);
  bool take_version_1(const CgroupPlaces& places);

  MemoryMechanism mechanism_ = MemoryMechanism::watchdog;
  std::string detail_;
  std::map<std::string, std::string, std::less<>> folders_;  // ours, by controller
  std::vector<Fd> locks_;                                    // who holds one is alive
  std::shared_ptr<CgroupLeftovers> leftovers_ = std::make_shared<CgroupLeftovers>();
};

/// The same group as the server has it, by descriptors alone. May be used from any thread.
class CgroupWatch {
 public:
  CgroupWatch() = default;  // nothing to watch
  /// What `Cgroup::watch_files` gave, in any order.
  explicit CgroupWatch(std::vector<Fd> files);
  explicit operator bool() const { return usage_ || freezer_; }

  /// When limits have been set, or others come to run in the same group: what was killed before does not count. `init`: whose memory is
  /// not the function's.
  void begin(int memory_mb, int init = 0);
  /// Neither /tmp nor the cache of files is counted. Never `enforced`: see `CgroupLimits`. The kernel's own peak is of no use here: it
  /// counts files, and how many there were at the time nobody knows afterwards.
  Memory read() const;
  /// False: not possible, use signals. With version 1, what is frozen must be thawed before it can be killed.
  bool freeze() const;
  bool thaw() const;
  bool kill() const;

 private:
  long used_kib() const;
  std::vector<int> processes() const;

  Fd usage_, processes_, statistics_, events_, freezer_, killer_;
  bool unified_ = false;
  std::atomic<int> memory_mb_ = 0, init_ = 0;
  std::atomic<long> kills_before_ = 0;
};

}  // namespace sallyport::sandbox
