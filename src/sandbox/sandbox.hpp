// Sandbox: what a function process may see and use. A `Spawner` is the small process that makes them; a `Sandbox` is one of them, with the
// processes inside. Everything that starts functions goes through here; the process that serves the network neither forks nor executes.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace sallyport::sandbox {

namespace limits {
inline constexpr unsigned open_files_max = 1024;  // AWS: file descriptors of an execution environment
inline constexpr unsigned processes_max = 1024;   // AWS: processes and threads of an execution environment
}  // namespace limits

/// How far a function is kept from the machine, strongest first. Source: docs/isolation.md.
///  native      namespaces of its own (user, pid, mount, net, ipc, uts), minimal read-only root, Landlock, system call filter
///  bwrap       the same view made by bubblewrap; nothing is made before `assign`
///  oci         by a container runtime; a name that is refused so far
///  restricted  Landlock and the system call filter in this machine's own namespaces
///  off         a process of this user
enum class Level : std::uint8_t { native, bwrap, oci, restricted, off };
std::string_view to_text(Level level);

/// `isolated`: nothing but the Runtime API and this server's own AWS APIs. `host`: this machine's network.
enum class Network : std::uint8_t { isolated, host };

/// An owned file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int value) : value_(value) {}
  Fd(Fd&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      value_ = std::exchange(other.value_, -1);
    }
    return *this;
  }
  ~Fd() { reset(); }
  void reset();
  int get() const { return value_; }
  int release() { return std::exchange(value_, -1); }
  explicit operator bool() const { return value_ >= 0; }

 private:
  int value_ = -1;
};

/// What an empty sandbox is made with, before anybody knows which function it will run.
struct Blueprint {
  // Folders and files of this machine, seen at the same path: what an interpreter needs that is not below /usr. Absolute, without `.` and
  // `..`.
  std::vector<std::string> read_only;
  std::string runtime_directory;  // becomes /var/runtime, read-only
  // Gives way to the other sandboxes, where the kernel shares processors out, until it is assigned: nobody waits for it.
  bool gives_way = false;
};

/// What makes it one function's.
struct Assignment {
  std::string code_directory;    // becomes /var/task, read-only
  std::string layers_directory;  // becomes /opt, read-only; empty: nothing there
  int tmp_mb = 512;              // size of /tmp
  int memory_mb = 128;           // limit where the level can enforce one (see Memory)
  unsigned processes_max = limits::processes_max;
  double cpu_share = 0;  // processors' time it may use, 1.0 is one; 0: no limit
};

/// What to run inside. The environment is complete: nothing of the server's is added.
struct Program {
  std::vector<std::string> arguments;    // the program first, an absolute path as seen inside
  std::vector<std::string> environment;  // NAME=value
  std::string directory;                 // as seen inside
  Fd output;                             // becomes stdout and stderr; stdin is /dev/null
  std::vector<Fd> inherited;             // become 3, 4, ...
};

/// How a process ended.
struct Exit {
  int pid = 0;     // as `start` gave it
  int code = 0;    // when it exited
  int signal = 0;  // when it was killed
  /// The most that it, or a child it waited for, held in memory; 0: not known.
  long peak_kib = 0;
};

struct Memory {
  /// Of all processes inside together: what they hold now, and at most since `begin_anew` as far as can be told. The latter is never more
  /// than they held: it is what they hold now, or what the largest of those that live has held.
  long now_kib = 0, peak_kib = 0;
  bool limit_hit = false;             // the kernel killed something inside for want of memory since `assign` or `begin_anew`
  bool enforced = false;              // the kernel keeps the limit; otherwise somebody must look and kill
  bool shares_counted_often = false;  // they hold less: ask `shared_memory_kib`
};

/// One sandbox and what runs in it. May be used from any thread; calls that say so block, for milliseconds at most. Destroying it ends
/// every process inside at once and removes it.
class Sandbox {
 public:
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;
  virtual ~Sandbox() = default;

  virtual Level level() const = 0;
  /// Attaches code, layers and /tmp and sets the limits. Once; nothing inside can mount or change anything afterwards. Blocks.
  virtual Result<> assign(const Assignment& assignment) = 0;
  /// Starts a program; its process id as seen inside. ENOENT and the like are errors that say so. Before `assign` only programs of the
  /// server's own may run, and with `restricted` none. Blocks until the program has been executed; its exit may be readable before this
  /// returns.
  virtual Result<int> start(Program program) = 0;
  /// To one process `start` gave; nothing happens when it has ended.
  virtual void signal(int pid, int number) = 0;
  /// Kills everything inside but keeps the sandbox and /tmp, for another `start`. The processes' exits are reported.
  virtual void kill_all() = 0;
  /// Stops everything inside, as AWS does between events, and lets it go on. Never waits.
  virtual void freeze() = 0;
  virtual void thaw() = 0;
  /// Readable when `next_exit` may have something, or when the sandbox is gone.
  virtual int events() const = 0;
  /// The exit of a process that `start` gave; nothing when there is none now. Never waits.
  virtual std::optional<Exit> next_exit() = 0;
  /// True once the sandbox itself has died, which nothing in it should be able to bring about.
  virtual bool gone() const = 0;
  virtual Memory memory() const = 0;
  /// What all processes inside hold now, with the pages that several share counted once; for when `memory` has not done so. Blocks, and
  /// takes a quarter of a second of processor time at most, and what the kernel takes over one process.
  virtual long shared_memory_kib() const { return memory().now_kib; }
  /// After `kill_all`, before another `start`: what was used and hit until now says nothing of what comes.
  virtual void begin_anew() = 0;
  /// A connection to a port inside, which may still be in the making: it can be written to once it is there. Blocks, and never waits for
  /// who should accept it.
  virtual Result<Fd> dial(int port) = 0;

  /// Listening sockets in the sandbox's network, given once; only with Network::isolated. The addresses are as seen inside.
  virtual Fd take_api_listener() = 0;       // of the Runtime API: 169.254.100.1:9001
  virtual Fd take_endpoint_listener() = 0;  // of the AWS APIs: 169.254.100.1:4566

  /// Where things are, as seen inside: /var/task, /opt, /var/runtime, or the folders themselves where nothing can be mounted.
  virtual std::string task_root() const = 0;
  virtual std::string layers_root() const = 0;
  virtual std::string runtime_root() const = 0;
  /// Of its first process, as this machine sees it; for watching and tests.
  virtual int host_pid() const = 0;

 protected:
  Sandbox() = default;
};

inline constexpr std::string_view inside_address = "169.254.100.1";  // of the services a sandbox sees, with Network::isolated
inline constexpr int runtime_api_port = 9001, endpoint_port = 4566;

/// The process that makes sandboxes. May be used from any thread.
class Spawner {
 public:
  struct Settings {
    Level level = Level::off;
    Network network = Network::host;
    bool cpu_shares = false;  // keep Assignment::cpu_share
  };
  /// REQUIRES: the process has one thread; the child is a copy of it that holds no descriptor but its own. It ends, with all it made, when
  /// this object or the whole process does.
  static Result<std::unique_ptr<Spawner>> start(const Settings& settings);
  virtual ~Spawner() = default;

  virtual const Settings& settings() const = 0;
  /// An empty sandbox. Blocks (native: about 5 ms).
  virtual Result<std::unique_ptr<Sandbox>> create(const Blueprint& blueprint) = 0;
  /// What a program says to `--version`, its first line. Blocks, for five seconds at most.
  virtual Result<std::string> version_of(const std::string& program) = 0;
  virtual int pid() const = 0;
};

/// What the server process must never do again: fork, execute, trace, mount, load. For all its threads, those to come included. Call it
/// after `Spawner::start`.
Result<> confine_server();

}  // namespace sallyport::sandbox
