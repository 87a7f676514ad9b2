#include "sandbox/landlock.hpp"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "base/text.hpp"

namespace sallyport::sandbox {
namespace {

// The kernel's interface up to version 7, written out: headers of older systems lack the younger parts.
struct RulesetAttribute {
  std::uint64_t files = 0, network = 0, scoped = 0;
};
struct [[gnu::packed]] PathBeneath {
  std::uint64_t allowed = 0;
  std::int32_t parent = -1;
};
constexpr unsigned query_version = 1, rule_path_beneath = 1;
constexpr unsigned quiet_same_program = 1, quiet_below = 4;  // no line in the audit log for each refusal: hostile code would fill it

enum : std::uint64_t {
  execute = 1u << 0,
  write_file = 1u << 1,
  read_file = 1u << 2,
  read_dir = 1u << 3,
  make_char = 1u << 6,
  make_block = 1u << 11,
  up_to_version_1 = (1u << 13) - 1,
  refer = 1u << 13,      // 2: links and renames between folders
  truncate = 1u << 14,   // 3
  ioctl_dev = 1u << 15,  // 5
  on_files = execute | write_file | read_file | truncate | ioctl_dev,
};
enum : std::uint64_t { scope_abstract_unix = 1u << 0, scope_signal = 1u << 1 };  // 6

std::uint64_t handled(int abi) {
  std::uint64_t all = up_to_version_1;
  if (abi >= 2) all |= refer;
  if (abi >= 3) all |= truncate;
  if (abi >= 5) all |= ioctl_dev;
  return all;
}

struct Group {
  const std::vector<std::string>& paths;
  std::uint64_t access;
};

Result<> allow_below(int rules, const std::string& path, std::uint64_t access) {
  const Fd fd(open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!fd)
    return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? Result<>{} : fail(cat("cannot open ", path, ": ", strerror(errno)));
  struct stat info{};
  if (fstat(fd.get(), &info)) return fail(cat("cannot look at ", path, ": ", strerror(errno)));
  const PathBeneath rule{S_ISDIR(info.st_mode) ? access : access & on_files, fd.get()};
  if (!rule.allowed || syscall(SYS_landlock_add_rule, rules, rule_path_beneath, &rule, 0) == 0) return {};
  return fail(cat("Landlock does not take ", path, ": ", strerror(errno)));
}

}  // namespace

int landlock_abi() {
  const long version = syscall(SYS_landlock_create_ruleset, nullptr, 0, query_version);
  return version > 0 ? static_cast<int>(version) : 0;
}

Result<LandlockRules> LandlockRules::prepare(const LandlockPlan& plan, int abi) {
  if (abi <= 0) return LandlockRules(Fd());
  RulesetAttribute attribute;
  attribute.files = handled(abi);
  if (abi >= 6 && plan.keep_to_itself) attribute.scoped = scope_abstract_unix | scope_signal;
  Fd rules(static_cast<int>(syscall(SYS_landlock_create_ruleset, &attribute, sizeof attribute, 0)));
  if (!rules) return fail(cat("no Landlock rules: ", strerror(errno)));

  const std::uint64_t everything = handled(abi) & ~(make_char | make_block | ioctl_dev);
  const std::uint64_t use = (read_file | write_file | read_dir | truncate | ioctl_dev) & handled(abi);
  for (const auto& [paths, access] : {Group{plan.read_execute, execute | read_file | read_dir}, Group{plan.read_only, read_file | read_dir},
                                      Group{plan.read_write, everything}, Group{plan.devices, use}})
    for (const auto& path : paths)
      if (auto allowed = allow_below(rules.get(), path, access); !allowed) return std::unexpected(allowed.error());
  return LandlockRules(std::move(rules));
}

int LandlockRules::enforce() const {
  if (!rules_) return 0;
  // Kernels before version 7 refuse the flags, and have no such log.
  if (syscall(SYS_landlock_restrict_self, rules_.get(), quiet_same_program | quiet_below) == 0) return 0;
  if (errno != EINVAL) return errno;
  return syscall(SYS_landlock_restrict_self, rules_.get(), 0) ? errno : 0;
}

}  // namespace sallyport::sandbox
