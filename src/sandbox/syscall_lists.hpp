// SyscallLists: what the filters say about each system call of this machine's architecture, by number.
#pragma once

#include <span>

namespace sallyport::sandbox {

/// Numbers above it are of kernels newer than this text (6.18).
inline constexpr int newest_syscall = 469;

/// What functions may call whatever the arguments, in no order.
std::span<const int> allowed_to_functions();
/// Of these, what can reach other processes by their number, or by System V keys.
std::span<const int> reaching_out();
/// What of them changes owners, modes, extended attributes and times of files.
std::span<const int> changing_attributes();
/// What the server process may never call.
std::span<const int> forbidden_to_server();
/// Numbers up to the newest that no kernel has given to anything here.
bool is_unassigned(int number);

}  // namespace sallyport::sandbox
