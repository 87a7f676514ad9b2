// Init: the first process of a sandbox. It starts programs, tells how they ended, and kills all of them; nothing inside outlives it.
#pragma once

#include "sandbox/protocol.hpp"
#include "sandbox/sandbox.hpp"
#include "sandbox/seccomp.hpp"

namespace sallyport::sandbox {

/// What a process is before it becomes an init.
struct InitSetup {
  int control = -1, events = -1;  // its ends of the channels; it keeps no other descriptor
  Level level = Level::off;
  Network network = Network::host;
  bool own_processes = false;             // it is number 1 of a pid namespace: whatever is in it ends with this process
  bool mounts = false;                    // code and layers come as mounts, and /tmp is to be resized
  const SyscallFilter* filter = nullptr;  // for what it starts, and for itself where its processes are its own
  std::vector<std::string> readable;      // restricted: what programs may read besides the system's folders
  std::string private_folder;             // restricted: where they may write; becomes TMPDIR
};

/// Says that it is ready, or what went wrong, with the listeners as descriptors; then serves until the server closes the channel.
[[noreturn]] void run_init(const InitSetup& setup, std::span<const int> listeners);
/// For what fails before.
[[noreturn]] void give_up(int control, protocol::Trouble trouble);

}  // namespace sallyport::sandbox
