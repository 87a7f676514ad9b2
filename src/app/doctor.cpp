#include <cstdio>
#include <cstdlib>

#include "app/commands.hpp"
#include "app/sandboxing.hpp"
#include "base/text.hpp"
#include "json/value.hpp"
#include "json/write.hpp"
#include "runtime/interpreters.hpp"

namespace sallyport::app {
namespace {

constexpr std::string_view runtimes[] = {"python3.9",  "python3.10", "python3.11", "python3.12", "python3.13",
                                         "python3.14", "nodejs18.x", "nodejs20.x", "nodejs22.x", "nodejs24.x"};

/// One line of the table. `good` decides nothing: it is for the eye.
struct Row {
  std::string_view name;
  bool good;
  std::string text;
};

std::string yes_or_why(const std::string& why_not) { return why_not.empty() ? "yes" : why_not; }

std::vector<Row> rows_of(const sandbox::Facts& facts) {
  const auto program = [](const std::string& path, const std::string& why_not) {
    return path.empty() ? why_not : why_not.empty() ? path : cat(path, ", but ", why_not);
  };
  return {
      {"kernel", true, facts.kernel},
      {"user", true, facts.root ? "root" : "an ordinary user"},
      {"user namespaces", facts.no_user_namespaces.empty(), yes_or_why(facts.no_user_namespaces)},
      {"landlock", facts.landlock_abi > 0, facts.landlock_abi > 0 ? cat("ABI ", facts.landlock_abi) : "this kernel has none"},
      {"seccomp", facts.no_seccomp.empty(), yes_or_why(facts.no_seccomp)},
      {"memory limits", facts.memory != sandbox::MemoryMechanism::watchdog,
       cat(to_text(facts.memory), facts.memory_detail.empty() ? "" : cat(": ", facts.memory_detail))},
      {"process limits", true, facts.pids_controller ? "cgroup" : "RLIMIT_NPROC at native and bwrap, none at restricted and off"},
      {"cpu shares", facts.cpu_controller, facts.cpu_controller ? "cgroup" : "not possible: no cpu controller"},
      {"bubblewrap", facts.no_bwrap.empty(), program(facts.bwrap_program, facts.no_bwrap)},
      {"crun or runc", facts.no_oci.empty(), program(facts.oci_program, facts.no_oci)},
  };
}

struct Chosen {
  std::string level, why;  // level empty: the start is refused, why says it
  std::string warning;
};

Chosen chosen_for(const Config& config, const sandbox::Facts& facts, Profile profile) {
  const auto choice = sandbox::choose(facts, config.sandbox, profile == Profile::server);
  if (!choice) return {"", choice.error().message, ""};
  return {std::string(sandbox::to_text(choice->level)), choice->why, choice->warning};
}

std::vector<std::string_view> levels_of(const sandbox::Facts& facts) {
  std::vector<std::string_view> out;
  for (const auto level : {sandbox::Level::native, sandbox::Level::bwrap, sandbox::Level::oci, sandbox::Level::restricted})
    if (const auto possible = sandbox::choose(facts, level, true)) out.push_back(sandbox::to_text(level));
  return out;
}

struct FoundRuntime {
  std::string_view name;
  std::string path, version;  // empty: none
  bool exact = false, boto3 = false;
  std::string missing;
};

std::vector<FoundRuntime> interpreters_of(const Config& config) {
  sandbox::Spawner* asked = nullptr;
  // Only to ask programs for their version: whatever level there is.
  auto spawner = sandbox::Spawner::start({sandbox::Level::off, sandbox::Network::host, false});
  if (spawner) asked = spawner->get();
  const char* path = std::getenv("PATH");
  runtime::Interpreters found({config.runtimes, false, runtime::split_search_path(path && *path ? path : "/usr/local/bin:/usr/bin:/bin"),
                               [asked](const std::string& program) -> Result<std::string> {
                                 if (!asked) return fail("programs cannot be asked for their version");
                                 return asked->version_of(program);
                               }});
  std::vector<FoundRuntime> out;
  for (const auto name : runtimes) {
    auto& each = out.emplace_back();
    each.name = name;
    if (const auto interpreter = found.find(name)) {
      each.path = interpreter->path;
      each.version = interpreter->version;
      each.exact = interpreter->exact;
      each.boto3 = name.starts_with("python") && runtime::has_boto3(*interpreter);
    } else {
      each.missing = interpreter.error().message;
    }
  }
  return out;
}

void print_text(const sandbox::Facts& facts, const std::vector<Row>& rows, const Chosen& developer, const Chosen& server,
                const std::vector<FoundRuntime>& interpreters) {
  const auto line = [](std::string_view name, std::string_view text) {
    std::printf("  %-18s%s\n", std::string(name).c_str(), std::string(text).c_str());
  };
  std::puts("what this machine permits");
  for (const auto& row : rows) line(row.name, row.text);
  std::string possible;
  for (const auto level : levels_of(facts)) possible += cat(possible.empty() ? "" : ", ", level);
  line("levels", possible.empty() ? "none but off" : cat(possible, "; off by name"));
  std::puts("sandbox level");
  for (const auto& [profile, chosen] : {std::pair("developer", &developer), {"server", &server}}) {
    line(profile, chosen->level.empty() ? cat("does not start: ", chosen->why) : cat(chosen->level, ": ", chosen->why));
    if (!chosen->warning.empty()) line("", cat("warning: ", chosen->warning));
  }
  std::puts("interpreters");
  for (const auto& each : interpreters) {
    const auto what = each.path.empty() ? "none"
                      : each.exact      ? each.path
                                        : cat("not installed; ", each.path, " (", each.version, ") stands in");
    const bool python = each.name.starts_with("python");
    line(each.name, cat(what, each.path.empty() || !python ? "" : each.boto3 ? ", with boto3" : ", without boto3"));
  }
  line("provided.al2023", "needs none");
  line("AWS SDKs", "boto3 where the interpreter has it; @aws-sdk comes with the function or a layer");
}

json::Value as_json(const Chosen& chosen) {
  json::Value out = json::Object{{"level", chosen.level.empty() ? json::Value() : json::Value(chosen.level)}, {"why", chosen.why}};
  if (!chosen.warning.empty()) out.set("warning", chosen.warning);
  return out;
}

void print_json(const sandbox::Facts& facts, const Chosen& developer, const Chosen& server, const std::vector<FoundRuntime>& interpreters) {
  const auto or_null = [](const std::string& text) { return text.empty() ? json::Value() : json::Value(text); };
  constexpr std::string_view mechanisms[] = {"cgroup_v2", "cgroup_v1", "watchdog"};
  json::Array possible, found;
  for (const auto level : levels_of(facts)) possible.push_back(json::Value(level));
  for (const auto& each : interpreters)
    found.push_back(json::Object{{"runtime", json::Value(each.name)},
                                 {"path", or_null(each.path)},
                                 {"version", or_null(each.version)},
                                 {"exact", each.exact},
                                 {"boto3", each.boto3}});
  json::Value out = json::Object{{"kernel", facts.kernel}, {"root", facts.root}};
  out.set("no_user_namespaces", or_null(facts.no_user_namespaces));
  out.set("no_native", or_null(facts.no_native));
  out.set("no_seccomp", or_null(facts.no_seccomp));
  out.set("no_bwrap", or_null(facts.no_bwrap));
  out.set("no_oci", or_null(facts.no_oci));
  out.set("landlock_abi", facts.landlock_abi);
  out.set("bwrap", or_null(facts.bwrap_program));
  out.set("oci", or_null(facts.oci_program));
  out.set("memory", json::Value(mechanisms[static_cast<int>(facts.memory)]));
  out.set("memory_detail", or_null(facts.memory_detail));
  out.set("pids_controller", facts.pids_controller);
  out.set("cpu_controller", facts.cpu_controller);
  out.set("levels", std::move(possible));
  out.set("developer", as_json(developer));
  out.set("server", as_json(server));
  out.set("interpreters", std::move(found));
  std::printf("%s\n", json::to_text(out).c_str());
}

}  // namespace

int run_doctor(const Config& config) {
  const auto facts = sandbox::find_facts();
  const auto developer = chosen_for(config, facts, Profile::developer), server = chosen_for(config, facts, Profile::server);
  const auto interpreters = interpreters_of(config);
  if (config.json_output)
    print_json(facts, developer, server, interpreters);
  else
    print_text(facts, rows_of(facts), developer, server, interpreters);
  return levels_of(facts).empty() ? 1 : 0;
}

}  // namespace sallyport::app
