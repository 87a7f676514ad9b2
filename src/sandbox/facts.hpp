// Facts: what this kernel permits, and which level follows from it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "sandbox/sandbox.hpp"

namespace sallyport::sandbox {

/// How a memory limit is kept.
enum class MemoryMechanism : std::uint8_t { cgroup_v2, cgroup_v1, watchdog };

struct Facts {
  bool root = false;
  /// Empty, or why not, in words an operator can act on.
  std::string no_user_namespaces, no_native, no_seccomp, no_bwrap, no_oci, no_overlay;
  int landlock_abi = 0;  // 0: none
  bool seccomp_user_notify = false;
  std::string bwrap_program, oci_program;  // found, or empty
  MemoryMechanism memory = MemoryMechanism::watchdog;
  std::string memory_detail;  // where the cgroups are, or why there are none
  bool pids_controller = false, cpu_controller = false;
  std::string kernel;  // 6.18.44
};

enum class Thoroughness : std::uint8_t {
  native_first,  // the others only if native is impossible; some 30 ms
  all_levels,    // for the doctor, and when another level is asked for; some 100 ms
};
/// Tries everything in children of its own. REQUIRES: one thread.
Facts find_facts(Thoroughness thoroughness = Thoroughness::all_levels);

/// What a level costs in safety, and whether it is to be warned of.
struct Choice {
  Level level = Level::off;
  std::string why;      // one sentence
  std::string warning;  // empty, or one sentence
};

/// `wanted` nothing: auto. `strict` (the server profile) refuses to fall back. The error says what is missing, what to do, and that
/// `doctor` tells more.
Result<Choice> choose(const Facts& facts, std::optional<Level> wanted, bool strict);

/// The name a setting has: native, bwrap, ...; nothing for another word.
std::optional<Level> parse_level(std::string_view text);

}  // namespace sallyport::sandbox
