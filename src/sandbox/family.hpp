// Families of processes: a process and all that descend from it, as /proc tells.
#pragma once

#include <chrono>
#include <span>
#include <vector>

#include "sandbox/sandbox.hpp"

namespace sallyport::sandbox {

std::vector<int> children(int pid);
/// Everything that descends from it, without itself; parents before their children. It may be out of date when it returns.
std::vector<int> descendants(int pid);

/// What the largest of these processes has held at most, in KiB, its mapped files included. Of very many only some are looked at.
long most_held_by_one(std::span<const int> processes);

/// What all that descend from a process hold together: resident memory now, and at most as far as one look can tell. Pages that several
/// share are counted for each, which is cheap; the answer says so when that comes to more than `enough_kib`, unless they are too many.
Memory memory_of_family(int pid, long enough_kib);
/// The same now, with the pages that several share counted once, in KiB. Whom this much time does not suffice for (and one process more) is
/// counted as above.
long shared_memory_of_family(int pid, std::chrono::nanoseconds processor_time);

}  // namespace sallyport::sandbox
