// Landlock: which files a sandbox's processes may touch, kept by the kernel for each of them however they got hold of a path.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "sandbox/sandbox.hpp"

namespace sallyport::sandbox {

/// The version this kernel speaks; 0: none.
int landlock_abi();

/// What is not named is refused. A path covers everything below it, what is mounted there later included, unless the later mount covers the
/// named path itself: so /tmp must be mounted before, and only be given another size afterwards.
struct LandlockPlan {
  std::vector<std::string> read_execute;  // programs, libraries, code
  std::vector<std::string> read_only;     // /proc
  std::vector<std::string> read_write;    // /tmp: all but devices
  std::vector<std::string> devices;       // /dev: existing files are read, written, controlled
  /// Neither signals nor abstract sockets reach processes outside; from version 6.
  bool keep_to_itself = true;
};

/// A plan looked up in the file system, ready to be enforced.
class LandlockRules {
 public:
  /// Opens the paths; those that do not exist are left out. Empty rules with a kernel that has no Landlock (`abi` 0).
  static Result<LandlockRules> prepare(const LandlockPlan& plan, int abi = landlock_abi());
  /// For the calling thread and what it starts, for good. Zero, or the error number. Async-signal-safe. Nothing may be mounted afterwards.
  /// REQUIRES: no_new_privs is set.
  int enforce() const;

 private:
  explicit LandlockRules(Fd rules) : rules_(std::move(rules)) {}
  Fd rules_;
};

}  // namespace sallyport::sandbox
