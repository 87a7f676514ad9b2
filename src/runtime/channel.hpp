// Channel: how events reach a running handler and how its answers come back. One implementation speaks frames over two pipes (our Python
// and Node bootstraps), the other is the HTTP Runtime API (everything else).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "io/stream.hpp"
#include "runtime/spec.hpp"

namespace sallyport::runtime {

/// Init is over, events may be sent.
struct Ready {
  bool uses_sdk = false;  // the handler has loaded the AWS SDK
};
/// The handler returned, or its stream is complete.
struct Answered {
  std::string payload;
};
/// The handler failed and said how, before its first byte or after; the process lives on. An answer over the size limit is one of these.
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
///
/// A streamed answer goes to the event's `ResponseStream` while `next` waits: the channel begins it and writes to it, and reads no more
/// from the process than the stream takes. It does not end it: whoever runs the event knows how it ended. Without a stream the answer is
/// collected into the payload of `Answered`, a byte over `limits::response_bytes_max` at most.
class Channel {
 public:
  virtual ~Channel() = default;
  virtual Task<RuntimeMessage> next() = 0;
  /// `deadline` is the wall-clock time at which the event will have timed out.
  virtual Task<bool> send(const Invocation& invocation, WallTime deadline) = 0;
  /// The process is gone: `next` answers Gone from here on, and is held up by no stream.
  virtual void process_ended() = 0;
};

/// Everything given must outlive the channel.
/// Reads what the process says from `frames` and writes events to `events`; one stream may be both.
std::unique_ptr<Channel> make_frame_channel(io::Loop& loop, io::Stream& frames, io::Stream& events);

/// What tells a waiting interpreter whose it is. `layers_root`: empty where the function has none.
std::string assign_frame(std::string_view task_root, std::string_view layers_root, const std::vector<std::string>& environment);
/// Its word that it waits: the whole frame, which has no body. `flag`: it has loaded the AWS SDK.
inline constexpr std::size_t booted_frame_bytes = 14;
std::optional<bool> read_booted_frame(std::string_view frame);

}  // namespace sallyport::runtime
