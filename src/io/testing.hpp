// What the tests of everything that lives on a loop share.
#pragma once

#include "base/task.hpp"
#include "io/completion.hpp"

namespace sallyport::io {

/// Lets everything happen on this loop that happens by itself, in memory (`make_stream_pair`, completions, what is posted). It counts turns
/// and not time: after a sleep a timer comes before whatever else the turn would do, however little that is.
inline Task<void> settle(Loop& loop) {
  for (int turns = 0; turns < 50; ++turns) {
    Completion<bool> turned;
    loop.post([turned]() mutable { turned.deliver(true); });
    co_await turned.wait_on(loop);
  }
}

}  // namespace sallyport::io
