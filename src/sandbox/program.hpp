// Programs: how an init starts one.
#pragma once

#include "sandbox/landlock.hpp"
#include "sandbox/protocol.hpp"
#include "sandbox/seccomp.hpp"

namespace sallyport::sandbox {

/// All that is done to a program before it is executed; pointers and descriptors are the caller's.
struct Start {
  const char* directory = "";
  std::vector<char*> arguments, environment;  // each with a null at its end
  std::vector<int> descriptors;               // stdout and stderr, then 3, 4, ...
  bool drop = true;                           // capabilities; those of a user namespace of our own must all go
  bool must_drop = false;
  const LandlockRules* files = nullptr;
  const SyscallFilter* filter = nullptr;  // null: none, or in force already
  unsigned processes_max = 0;             // 0: no limit
};

/// The process id. Returns once the program has been executed, or with what stopped it.
protocol::Trouble start_program(const Start& start, int& pid);

/// Takes every capability for good and forbids to gain privileges. `all`: an error when one cannot be taken.
protocol::Trouble drop_privileges(bool all);

/// Neither a core file nor the kernel's handler for one, for this process and what it starts.
bool forbid_cores();

}  // namespace sallyport::sandbox
