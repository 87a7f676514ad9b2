// Changes: coroutines that wait for something about a state to change, and the state that tells them. For the files of this module alone.
#pragma once

#include <utility>
#include <vector>

#include "io/completion.hpp"

namespace sallyport::runtime {

/// Used on one loop. Whoever waits looks at the state anew afterwards:
///   while (!done()) co_await changes.next(loop);
/// It must be rung before it is destroyed, or the waiting coroutines stay for ever.
class Changes {
 public:
  void ring() {
    for (auto& bell : std::exchange(bells_, {})) bell.deliver(true);
  }
  auto next(io::Loop& loop) { return bells_.emplace_back().wait_on(loop); }

 private:
  std::vector<io::Completion<bool>> bells_;
};

}  // namespace sallyport::runtime
