#include <cstdio>

#include "app/machine.hpp"
#include "store/backup.hpp"

namespace sallyport::app {

int run_backup(const Config& config) {
  const bool saving = config.command == Command::backup;
  const auto done = saving ? store::back_up(config.data_directory, config.operand) : store::restore(config.operand, config.data_directory);
  if (!done) {
    std::fprintf(stderr, "sallyport: %s\n", done.error().message.c_str());
    return 1;
  }
  std::printf("%s %s\n", saving ? "saved to" : "restored to", (saving ? config.operand : config.data_directory).c_str());
  return 0;
}

}  // namespace sallyport::app
