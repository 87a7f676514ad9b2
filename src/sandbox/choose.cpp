#include <array>
#include <utility>

#include "base/text.hpp"
#include "sandbox/facts.hpp"

namespace sallyport::sandbox {
namespace {

constexpr std::array all_levels = {Level::native, Level::bwrap, Level::oci, Level::restricted, Level::off};

// Empty, or why not.
std::string obstacle(const Facts& facts, Level level) {
  switch (level) {
    case Level::native:
      if (!facts.no_user_namespaces.empty()) return facts.no_user_namespaces;
      if (!facts.no_native.empty()) return facts.no_native;
      return facts.no_seccomp;
    case Level::bwrap: return facts.no_bwrap.empty() ? facts.no_seccomp : facts.no_bwrap;
    case Level::oci: return facts.no_oci.empty() ? facts.no_seccomp : facts.no_oci;
    case Level::restricted:
      if (!facts.no_seccomp.empty()) return facts.no_seccomp;
      if (facts.landlock_abi < 1)
        return "this kernel has no Landlock (it needs Linux 6.2 or later with `landlock` among its security modules)";
      // Before, files that may not be written can be cut off.
      return facts.landlock_abi >= 3 ? ""
                                     : cat("this kernel's Landlock (ABI ", facts.landlock_abi,
                                           ") does not keep files from being truncated (that needs Linux 6.2 or later, ABI 3)");
    case Level::off: return {};
  }
  return "unknown level";
}

// What else there is, as an "or" of a sentence; the first that is possible.
std::vector<std::string> ways_out(const Facts& facts, Level wanted) {
  std::vector<std::string> ways;
  const bool by_namespaces = wanted == Level::native || wanted == Level::bwrap || wanted == Level::oci;
  if (wanted == Level::native && !facts.no_user_namespaces.empty()) {
    if (!facts.root) ways.emplace_back("run as root");
    ways.emplace_back("enable them");
  }
  if (wanted != Level::native && obstacle(facts, Level::native).empty()) ways.emplace_back("set sandbox=native");
  if (by_namespaces && wanted != Level::bwrap) {
    if (obstacle(facts, Level::bwrap).empty())
      ways.emplace_back("set sandbox=bwrap");
    else if (facts.bwrap_program.empty())
      ways.emplace_back("install bubblewrap (setuid) and set sandbox=bwrap");
  }
  if (wanted != Level::restricted && obstacle(facts, Level::restricted).empty())
    ways.push_back(
        cat("accept weaker isolation with sandbox=restricted (Landlock ABI ", facts.landlock_abi, " and seccomp are available)"));
  if (ways.empty()) ways.emplace_back("accept none with sandbox=off");
  return ways;
}

std::string refusal(const Facts& facts, Level wanted, std::string_view why) {
  const auto ways = ways_out(facts, wanted);
  auto text = cat("sandbox=", to_text(wanted), " is not possible here: ", why, ". ");
  if (ways.size() == 1) {
    auto way = ways[0];
    way[0] = static_cast<char>(way[0] - 'a' + 'A');
    append(text, way);
  } else {
    append(text, cat("Either ", join(ways, ", or ")));
  }
  append(text, ". Details: run the doctor command.");
  return text;
}

std::string what_it_is(Level level) {
  switch (level) {
    case Level::native: return "namespaces of its own, a read-only root folder, Landlock and the system call filter";
    case Level::bwrap: return "the same view as native, made by bubblewrap";
    case Level::oci: return "the same view as native, made by a container runtime";
    case Level::restricted: return "Landlock and the system call filter, in this machine's own namespaces";
    case Level::off: return "no isolation: functions are processes of this user";
  }
  return {};
}

std::string warning_of(Level level) {
  if (level == Level::restricted)
    return "functions see this machine's processes and network: they are kept from files and from most of the kernel only "
           "(sandbox=restricted)";
  if (level == Level::off) return "functions are not isolated: they can do what this user can (sandbox=off)";
  return {};
}

}  // namespace

Result<Choice> choose(const Facts& facts, std::optional<Level> wanted, bool strict) {
  if (wanted) {
    if (const auto why = obstacle(facts, *wanted); !why.empty()) return fail(refusal(facts, *wanted, why));
    return Choice{*wanted, cat(what_it_is(*wanted), "; asked for"), warning_of(*wanted)};
  }
  for (const auto level : {Level::native, Level::bwrap})
    if (obstacle(facts, level).empty()) return Choice{level, cat(what_it_is(level), "; the strongest that is possible here"), {}};
  const auto why = obstacle(facts, Level::native);
  if (strict || !obstacle(facts, Level::restricted).empty()) return fail(refusal(facts, Level::native, why));
  return Choice{Level::restricted, cat(what_it_is(Level::restricted), "; native is not possible here: ", why),
                cat(warning_of(Level::restricted), ", because ", why)};
}

std::optional<Level> parse_level(std::string_view text) {
  for (const auto level : all_levels)
    if (to_text(level) == text) return level;
  return std::nullopt;
}

}  // namespace sallyport::sandbox
