// Mounts: what a sandbox at level native sees of the file system. The root folder is built once for each blueprint, in a mount namespace of
// its own; sandboxes are born in copies of it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "sandbox/protocol.hpp"
#include "sandbox/sandbox.hpp"

namespace sallyport::sandbox {

/// Of this machine: programs, libraries and settings that every program may read. Not all of them exist.
std::vector<std::string> system_places();

/// Files that are ours inside, whatever this machine's say: path, text.
std::vector<std::pair<std::string, std::string>> own_files();

/// A folder of this machine as a mount that is attached nowhere: read-only, without device files and set-user-id programs.
protocol::Trouble open_mount(const char* path, Fd& mount);

/// Builds the root folder; the calling process is inside when it returns, and must go back with `setns` even after a failure.
/// REQUIRES: one thread, CAP_SYS_ADMIN over the mount namespace.
protocol::Trouble build_root(const Blueprint& blueprint, Network network);

/// For an init before it is sealed: code and layers go where functions look for them, and /tmp gets its size.
protocol::Trouble attach(std::span<const Fd> mounts, int tmp_mb);
/// A /proc that shows the processes of this pid namespace, and an empty /tmp. For an init.
protocol::Trouble mount_own_folders();

}  // namespace sallyport::sandbox
