#include <cstdio>
#include <cstdlib>

#include "app/commands.hpp"
#include "app/config.hpp"
#include "app/machine.hpp"
#include "sandbox/bubblewrap.hpp"

int main(int argc, char** argv) {
  sallyport::sandbox::run_init_if_asked(argc, argv);
  using namespace sallyport::app;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
  const auto config = parse_config(arguments, environment);
  if (!config) {
    std::fprintf(stderr, "sallyport: %s\nTry `sallyport --help`.\n", config.error().message.c_str());
    return 2;
  }
  switch (config->command) {
    case Command::help: std::fputs(help_text(config->help_topic).c_str(), stdout); return 0;
    case Command::version: std::puts("sallyport " SALLYPORT_VERSION); return 0;
    case Command::vectors: return run_vectors();
    case Command::doctor: return run_doctor(*config);
    case Command::invoke: return run_invoke(*config);
    case Command::logs: return run_logs(*config);
    case Command::debug: return run_debug(*config);
    case Command::explain: return run_explain(*config);
    case Command::whoami: return run_whoami(*config);
    case Command::can: return run_can(*config);
    case Command::codes: return run_codes(*config);
    case Command::rotate_keys: return run_rotate_keys(*config);
    case Command::backup:
    case Command::restore: return run_backup(*config);
    case Command::operations: return run_operations();
    case Command::up:
    case Command::serve: return run_machine(*config);
  }
  return 2;
}
