// Sandboxing: the first thing of a server: which level this machine and the settings come to, and the process that makes sandboxes.
#pragma once

#include <memory>
#include <string>

#include "app/config.hpp"
#include "base/result.hpp"
#include "sandbox/facts.hpp"
#include "sandbox/sandbox.hpp"

namespace sallyport::app {

struct Sandboxing {
  sandbox::Facts facts;
  sandbox::Choice choice;
  std::unique_ptr<sandbox::Spawner> spawner;
};

/// The network functions get at a level: what was asked for, else the profile's own. The error says what does not go together.
Result<sandbox::Network> network_for(const Config& config, sandbox::Level level);

/// Looks, chooses and starts the spawner. The server profile falls back to nothing weaker by itself. REQUIRES: one thread, no secret in
/// memory, and no descriptor open that a function must not have.
Result<Sandboxing> set_up_sandboxes(const Config& config);

/// How memory limits are kept, in words.
std::string_view to_text(sandbox::MemoryMechanism mechanism);

}  // namespace sallyport::app
