// StreamedAnswer: one event's streamed answer on the channel's side, passed on or collected.
#pragma once

#include <memory>
#include <string>

#include "base/task.hpp"
#include "io/loop.hpp"
#include "runtime/channel.hpp"
#include "runtime/response_stream.hpp"

namespace sallyport::runtime {

/// With a stream the pieces go there, and nowhere once nobody reads them any more: the function may finish. Without one they are kept.
class StreamedAnswer {
 public:
  StreamedAnswer() = default;
  explicit StreamedAnswer(std::shared_ptr<ResponseStream> stream) : stream_(std::move(stream)) {}

  /// False when it has begun already.
  bool begin(std::string content_type) {
    if (std::exchange(begun_, true)) return false;
    if (stream_) stream_->begin({std::move(content_type)});
    return true;
  }
  bool begun() const { return begun_; }
  /// Waits until there is room.
  Task<void> add(io::Loop& loop, std::string bytes) {
    if (stream_) {
      if (reading_) reading_ = co_await stream_->write(loop, std::move(bytes));
      co_return;
    }
    // One byte too many is all it takes to refuse it.
    collected_.append(bytes, 0, limits::response_bytes_max + 1 - collected_.size());
  }
  /// The function has said all of it: whoever reads sees the end.
  RuntimeMessage finish(StreamEnd end) {
    if (stream_) {
      stream_->end(end);
      // It may have been ended before, for its size.
      end = stream_->how_it_ended();
    }
    if (!end.error_type.empty()) return Failed{std::move(end.error_type), std::move(end.error_payload)};
    return Answered{std::move(collected_)};
  }
  /// The process ended before all of its answer was passed on.
  bool was_cut() const { return stream_ && stream_->was_cut(); }
  /// `add` waits no more.
  void break_off() {
    if (stream_) stream_->break_off();
  }

 private:
  std::shared_ptr<ResponseStream> stream_;
  std::string collected_;
  bool begun_ = false;
  bool reading_ = true;  // does anybody
};

}  // namespace sallyport::runtime
