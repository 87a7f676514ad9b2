// Level bwrap: the view of level native made by bubblewrap, whose first process is this very program as an init.
#pragma once

#include <string>
#include <vector>

#include "sandbox/init.hpp"
#include "sandbox/protocol.hpp"
#include "sandbox/sandbox.hpp"

namespace sallyport::sandbox {

/// What there is to know before one can be made: nothing is attached later.
struct Wrapping {
  Blueprint blueprint;
  std::string code_directory, layers_directory;
  int tmp_mb = 512;
  Network network = Network::host;
  unsigned user = 0;              // on this machine; for root alone
  int control = -1, events = -1;  // the init's ends of the channels
};

/// In the spawner. REQUIRES: one thread.
class Bubblewrap {
 public:
  /// Finds the program. A set-user-id one cannot give a sandbox the address of an isolated network: refused.
  protocol::Trouble prepare(Network network);
  /// The process that will run it once it is let go, so that it can be put where it belongs; the sandbox ends with it.
  protocol::Trouble make(const Wrapping& wrapping, int& pid, Fd& go);
  bool users_of_their_own() const { return root_; }

 private:
  std::vector<std::string> arguments(const Wrapping& wrapping, std::vector<Fd>& files) const;
  std::string program_;
  bool root_ = false, set_user_id_ = false;
};

/// Where this program was started as the init inside, it becomes that and never returns. Call it first in `main`.
void run_init_if_asked(int argc, char** argv);

}  // namespace sallyport::sandbox
