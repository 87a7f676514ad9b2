// ResponseStream: the answer of a function on its way to whoever asked, piece by piece, with back-pressure.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/task.hpp"
#include "io/loop.hpp"

namespace sallyport::runtime {

namespace limits {
inline constexpr std::size_t stream_bytes_max = 200u << 20;     // AWS: of one streamed answer
inline constexpr std::size_t stream_window_bytes = 256 * 1024;  // sent by the function and not taken yet, after which it waits
// AWS: what goes at full speed, and the speed of the rest.
inline constexpr std::size_t stream_burst_bytes = 6u << 20;
inline constexpr std::size_t stream_bytes_per_second = 2u << 20;
}  // namespace limits

/// What was said before the first byte.
struct StreamHead {
  std::string content_type;  // application/octet-stream unless the function says otherwise
};

/// How a stream ended: with an error type, or well.
struct StreamEnd {
  std::string error_type = {}, error_payload = {};  // payload: the error object as JSON text
};

/// One writer (the environment, on its loop) and one reader (the caller's door, on another). May be used from any loop. Whoever goes first
/// tells the other: a writer whose reader is gone gets false, a reader whose writer is gone gets an error.
class ResponseStream {
 public:
  virtual ~ResponseStream() = default;
  // The writer's side.
  /// Once, before the first `write`. Nobody calls it when the function answers in one piece.
  virtual void begin(StreamHead head) = 0;
  /// Waits while the window is full. False: nobody reads any more, or over `stream_bytes_max`, which ends the stream with
  /// Function.ResponseSizeTooLarge.
  virtual Task<bool> write(io::Loop& loop, std::string bytes) = 0;
  /// No write waits any more, now or later: what there is no room for is refused, and all after it. `end` is still to come. For whoever has
  /// to stop a writer that a slow reader holds up.
  virtual void break_off() = 0;
  /// Were bytes refused because of `break_off`? Then what was read is not the whole answer.
  virtual bool was_cut() const = 0;
  /// The first one counts; nothing is written afterwards.
  virtual void end(StreamEnd end) = 0;
  /// Bytes written so far.
  virtual std::size_t size() const = 0;
  // The reader's side.
  /// The head, once there is a first byte or the stream has ended well; nothing when the writer ended without a stream or failed before the
  /// first byte: that is an error like any other.
  virtual Task<std::optional<StreamHead>> head(io::Loop& loop) = 0;
  /// The next piece; empty at the end, after which `how_it_ended` is known.
  virtual Task<std::string> next(io::Loop& loop) = 0;
  virtual StreamEnd how_it_ended() const = 0;
  /// The reader wants no more. A `next` that waits comes back with nothing.
  virtual void abandon() = 0;
};

/// Unlimited, or as slow as AWS sends what is beyond `stream_burst_bytes`.
enum class StreamPace : std::uint8_t { unlimited, aws };

std::shared_ptr<ResponseStream> make_response_stream(StreamPace pace = StreamPace::unlimited);

}  // namespace sallyport::runtime
