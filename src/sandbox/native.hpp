// Level native: a first process in user, pid, mount, ipc, uts and, where wanted, network namespaces of its own.
#pragma once

#include <map>
#include <string>

#include "sandbox/init.hpp"
#include "sandbox/protocol.hpp"
#include "sandbox/sandbox.hpp"

namespace sallyport::sandbox {

/// A first process that waits to be let go, so that it can be put where it belongs.
struct Newborn {
  int pid = 0;
  Fd handle;  // its pidfd
  Fd go;      // one byte lets it go on; closed without, it ends
};

/// Makes them, in the spawner. REQUIRES: one thread.
class NativeMaker {
 public:
  /// An ordinary user's process enters a user and mount namespace here, in which it may do what follows.
  protocol::Trouble prepare(Network network);
  /// The child never returns: it runs the init. `user` is its number in the parent namespace; see `users_of_their_own`.
  protocol::Trouble make(const Blueprint& blueprint, unsigned user, InitSetup setup, Newborn& newborn);
  /// Each sandbox may have a user of its own; otherwise all have ours.
  bool users_of_their_own() const { return root_; }

 private:
  protocol::Trouble find_root(const Blueprint& blueprint, int& root);

  Network network_ = Network::host;
  bool root_ = false;
  Fd home_;                          // our own mount namespace
  std::map<std::string, Fd> roots_;  // mount namespaces with a root folder ready, by blueprint
};

}  // namespace sallyport::sandbox
