// Families of processes: a process and all that descend from it, as /proc tells.
#pragma once

#include <vector>

#include "sandbox/sandbox.hpp"

namespace sallyport::sandbox {

std::vector<int> children(int pid);
/// Everything that descends from it, without itself; parents before their children. It may be out of date when it returns.
std::vector<int> descendants(int pid);

/// What all that descend from a process hold together: resident memory now, and what a single one held at most. Pages that several share
/// are counted for each, which is cheap, unless that comes to more than `exact_above_kib`: then once, where the processes are few enough to
/// look at all of them.
Memory memory_of_family(int pid, long exact_above_kib);

}  // namespace sallyport::sandbox
