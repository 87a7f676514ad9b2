// Channel: how events reach a running handler and how its answers come back. One implementation speaks frames over a socket pair (our
// Python and Node bootstraps), the other is the HTTP Runtime API (everything else).
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "io/stream.hpp"
#include "runtime/spec.hpp"

namespace sallyport::runtime {

/// Init is over, events may be sent.
struct Ready {};
/// The handler returned.
struct Answered {
  std::string payload;
};
/// The handler failed and said how; the process lives on. An answer over the size limit is one of these.
struct Failed {
  std::string error_type, payload;
};
/// The handler could not be loaded, or it failed in a way that leaves the process unfit for another event; the process is about to exit.
struct FailedForGood {
  std::string error_type, payload;
};
/// The process has closed its side: it exited, was killed, or broke the protocol.
struct Gone {};

using RuntimeMessage = std::variant<Ready, Answered, Failed, FailedForGood, Gone>;

/// Used on one loop. One message is waited for at a time.
class Channel {
 public:
  virtual ~Channel() = default;
  virtual Task<RuntimeMessage> next() = 0;
  /// `deadline` is the wall-clock time at which the event will have timed out.
  virtual Task<bool> send(const Invocation& invocation, WallTime deadline) = 0;
  /// The process is gone: `next` answers Gone from here on.
  virtual void process_ended() = 0;
};

/// `stream` must outlive the channel.
std::unique_ptr<Channel> make_frame_channel(io::Stream& stream);

}  // namespace sallyport::runtime
