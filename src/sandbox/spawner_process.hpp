// The spawner as a process: it makes sandboxes and ends what is left of them. It trusts what the server says, and reads nothing from inside
// a sandbox.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "sandbox/bubblewrap.hpp"
#include "sandbox/cgroup.hpp"
#include "sandbox/init.hpp"
#include "sandbox/native.hpp"
#include "sandbox/protocol.hpp"
#include "sandbox/sandbox.hpp"

namespace sallyport::sandbox {

/// What a fresh child of the server becomes. Says on the socket that it is ready, or why it cannot be.
[[noreturn]] void run_spawner(const Spawner::Settings& settings, int socket);

// A sandbox, or a program that is asked for its version.
struct Child {
  Fd channel, handle;
  int pid = 0;
  unsigned number = 0;
  bool sandbox = false;
  long ends_by = 0;  // 0: not asked to end
  std::string private_folder;
  Cgroup group;
};

class SpawnerProcess {
 public:
  SpawnerProcess(const Spawner::Settings& settings, int socket) : settings_(settings), socket_(socket) {}
  [[noreturn]] void run();

 private:
  protocol::Trouble prepare();
  void on_signal();
  void on_request();
  void on_channel(std::uint64_t id);
  void on_end(std::uint64_t id);
  void create(const protocol::Parsed& parsed, std::vector<Fd>& descriptors);
  protocol::Trouble make(const protocol::Parsed& parsed, InitSetup& setup, Child& child, Fd& go);
  protocol::Trouble fork_init(InitSetup setup, Child& child);
  void version(const protocol::Parsed& parsed, std::vector<Fd>& descriptors);
  protocol::Trouble limit(const protocol::Parsed& parsed, Child& child, std::vector<Fd>& mounts);
  protocol::Trouble put_in_group(Child& child, std::vector<Fd>& files);
  void answer(const Child& child, const protocol::Answer& answer, std::span<const Fd> descriptors = {});
  bool native() const { return settings_.level == Level::native; }
  /// What is inside ends with the first process.
  bool contained() const { return native() || settings_.level == Level::bwrap; }
  bool watch(int descriptor, std::uint64_t key);
  void adopt(Child child);
  void give_up(std::uint64_t id);
  void forget(std::map<std::uint64_t, Child>::iterator found);
  void remove_aside(const std::string& folder);
  void reap_removers();
  void end_late_ones();
  void end_strays();
  [[noreturn]] void end();

  const Spawner::Settings settings_;
  const int socket_;
  int epoll_ = -1, signals_ = -1;
  NativeMaker maker_;
  Bubblewrap bubblewrap_;
  std::optional<SyscallFilter> filter_;
  std::optional<CgroupTree> groups_;
  std::map<std::uint64_t, Child> children_;
  std::set<unsigned> numbers_;
  std::set<int> removers_;  // children that remove what sandboxes left
  std::uint64_t last_id_ = 0;
  unsigned groups_made_ = 0;
  std::array<char, protocol::message_bytes_max> buffer_;
};

}  // namespace sallyport::sandbox
