#include "app/sandboxing.hpp"

#include "base/text.hpp"

namespace sallyport::app {
namespace {

bool has_network_namespace(sandbox::Level level) { return level != sandbox::Level::restricted && level != sandbox::Level::off; }

}  // namespace

Result<sandbox::Network> network_for(const Config& config, sandbox::Level level) {
  const bool can = has_network_namespace(level);
  if (!config.network) return config.profile == Profile::server && can ? sandbox::Network::isolated : sandbox::Network::host;
  if (*config.network == sandbox::Network::isolated && !can)
    return fail(cat("--network isolated is not possible with --sandbox ", sandbox::to_text(level),
                    ", which has no network of its own for a function: take a stronger level, or --network host"));
  return *config.network;
}

Result<Sandboxing> set_up_sandboxes(const Config& config) {
  Sandboxing made;
  const bool native_first = !config.sandbox || *config.sandbox == sandbox::Level::native;
  made.facts = sandbox::find_facts(native_first ? sandbox::Thoroughness::native_first : sandbox::Thoroughness::all_levels);
  if (config.cpu_shares && !made.facts.cpu_controller)
    return fail(
        "--cpu-shares is not possible here: there is no cpu controller this user may use (cgroups). Details: run the doctor command.");
  auto choice = sandbox::choose(made.facts, config.sandbox, config.profile == Profile::server);
  if (!choice) return std::unexpected(choice.error());
  made.choice = std::move(*choice);
  const auto network = network_for(config, made.choice.level);
  if (!network) return std::unexpected(network.error());
  auto spawner = sandbox::Spawner::start({made.choice.level, *network, config.cpu_shares});
  if (!spawner) return std::unexpected(spawner.error());
  made.spawner = std::move(*spawner);
  return made;
}

std::string_view to_text(sandbox::MemoryMechanism mechanism) {
  switch (mechanism) {
    case sandbox::MemoryMechanism::cgroup_v2: return "cgroup v2";
    case sandbox::MemoryMechanism::cgroup_v1: return "cgroup v1";
    case sandbox::MemoryMechanism::watchdog: return "a watchdog";
  }
  return {};
}

}  // namespace sallyport::app
