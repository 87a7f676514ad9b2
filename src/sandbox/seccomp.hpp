// Seccomp: which system calls a function, and the process that serves the network, may make. A filter is assembled beforehand, where
// memory may be allocated, and installed later, where it may not.
#pragma once

#include <cstdint>
#include <vector>

#include "sandbox/sandbox.hpp"

namespace sallyport::sandbox {

/// A filter as the kernel takes it. Once installed it holds for the thread, what it starts and what it executes, and never goes away.
class SyscallFilter {
 public:
  /// Each element is one instruction of the kernel's classic BPF, eight bytes.
  explicit SyscallFilter(std::vector<std::uint64_t> program) : program_(std::move(program)) {}

  /// For the calling thread, or for all threads of the process. Zero, or the error number. Async-signal-safe.
  /// REQUIRES: no_new_privs is set.
  int install() const;
  int install_for_all_threads() const;

  const std::vector<std::uint64_t>& program() const { return program_; }

 private:
  std::vector<std::uint64_t> program_;
};

/// Which processes those of a sandbox could reach by their number.
enum class Neighbours : std::uint8_t {
  own,     // a pid and ipc namespace of its own
  shared,  // this machine's
};

/// Through a path or an abstract name one gets to whoever listens: D-Bus, a container engine, an agent for keys.
enum class UnixSockets : std::uint8_t {
  all,
  pairs,  // connected ones alone: socketpair of streams and packets
};

/// Whose ports those are that a function binds.
enum class Ports : std::uint8_t {
  own,      // of a network of its own
  machine,  // this server's lie among them, and its user may be the function's: what both may share, the function takes a part of
};

/// What functions may call, and the init of a sandbox once it is sealed: an allow-list. What exists and is not on it says EPERM, what is
/// newer than the list ENOSYS. With `own` neighbours the first of them, the init, is left alone. With `shared` ones, calls that change
/// another process, use System V objects or change owners, modes and attributes of files are refused too, times of files stay as they are
/// whatever is said, and of sockets of files there are `pairs` alone. Among the `machine`'s ports, which are those of `shared` neighbours
/// in any case, no port can be shared: SO_REUSEPORT is an option that is not known there.
SyscallFilter function_filter(Neighbours neighbours, UnixSockets unix_sockets = UnixSockets::all, Ports ports = Ports::machine);
Ports ports_of(Network network);
/// Whether abstract names lead out of a sandbox with a view of its own: in a network that is not, before Landlock's version 6.
UnixSockets unix_sockets_of(Network network, int landlock_abi);

/// What the process that serves the network may not call: everything but starting programs, tracing, mounting, loading, entering
/// namespaces. Threads can still be made.
SyscallFilter server_filter();

}  // namespace sallyport::sandbox
