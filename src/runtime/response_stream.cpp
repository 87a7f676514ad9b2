#include "runtime/response_stream.hpp"

#include <chrono>
#include <mutex>

#include "base/clock.hpp"
#include "io/completion.hpp"
#include "json/write.hpp"

namespace sallyport::runtime {
namespace {

using Bell = std::optional<io::Completion<bool>>;

/// Whoever waits goes on, and looks what there is.
void ring(Bell& bell) {
  if (auto waiting = std::exchange(bell, std::nullopt)) waiting->deliver(true);
}

StreamEnd too_large() {
  StreamEnd out{"Function.ResponseSizeTooLarge", {}};
  json::Writer(out.error_payload)
      .begin_object()
      .key("errorMessage")
      .string("Response payload size exceeded maximum allowed payload size (209715200 bytes).")
      .key("errorType")
      .string(out.error_type)
      .end_object();
  return out;
}

/// How long the next bytes have to wait.
class Throttle {
 public:
  explicit Throttle(StreamPace pace) : pace_(pace) {}
  std::chrono::milliseconds wait_for(std::size_t sent) {
    if (pace_ == StreamPace::unlimited || sent <= limits::stream_burst_bytes) return {};
    const auto now = SystemClock().monotonic_now();
    if (!burst_over_) burst_over_ = now;
    const auto due = *burst_over_ + std::chrono::milliseconds((sent - limits::stream_burst_bytes) * 1000 / limits::stream_bytes_per_second);
    return std::max(std::chrono::milliseconds(0), std::chrono::ceil<std::chrono::milliseconds>(due - now));
  }

 private:
  const StreamPace pace_;
  std::optional<MonotonicTime> burst_over_;
};

/// Pieces between the two sides are one text: the reader takes all of it at once.
class Window final : public ResponseStream {
 public:
  explicit Window(StreamPace pace) : throttle_(pace) {}

  void begin(StreamHead head) override {
    std::scoped_lock lock(mutex_);
    if (head_ || end_) return;
    head_ = std::move(head);
  }

  Task<bool> write(io::Loop& loop, std::string bytes) override {
    for (;;) {
      Bell full;
      std::chrono::milliseconds pause{};
      {
        std::scoped_lock lock(mutex_);
        if (is_over()) co_return false;
        if (total_ + bytes.size() > limits::stream_bytes_max) {
          end_ = too_large();
          ring(reader_);
          co_return false;
        }
        if (kept_.size() >= limits::stream_window_bytes)
          full = writer_.emplace();
        else
          pause = throttle_.wait_for(total_ + bytes.size());
        if (broken_off_ && (cut_ || full || pause.count() > 0)) {
          cut_ = true;
          co_return false;
        }
        if (!full && pause.count() == 0) {
          total_ += bytes.size();
          if (kept_.empty())
            kept_ = std::move(bytes);
          else
            kept_ += bytes;
          ring(reader_);
          co_return true;
        }
      }
      if (full)
        co_await full->wait_on(loop);
      else
        co_await io::sleep_for(loop, pause);
    }
  }

  void break_off() override {
    std::scoped_lock lock(mutex_);
    broken_off_ = true;
    ring(writer_);
  }

  bool was_cut() const override {
    std::scoped_lock lock(mutex_);
    return cut_;
  }

  void end(StreamEnd end) override {
    std::scoped_lock lock(mutex_);
    if (end_) return;
    end_ = std::move(end);
    ring(reader_);
    ring(writer_);
  }

  std::size_t size() const override {
    std::scoped_lock lock(mutex_);
    return total_;
  }

  Task<std::optional<StreamHead>> head(io::Loop& loop) override {
    for (;;) {
      Bell nothing;
      {
        std::scoped_lock lock(mutex_);
        if (end_ && !end_->error_type.empty() && total_ == 0) co_return std::nullopt;
        if (total_ > 0 || end_ || abandoned_) co_return head_;
        nothing = reader_.emplace();
      }
      co_await nothing->wait_on(loop);
    }
  }

  Task<std::string> next(io::Loop& loop) override {
    for (;;) {
      Bell nothing;
      {
        std::scoped_lock lock(mutex_);
        if (!kept_.empty()) {
          ring(writer_);
          co_return std::exchange(kept_, {});
        }
        if (end_ || abandoned_) co_return std::string();
        nothing = reader_.emplace();
      }
      co_await nothing->wait_on(loop);
    }
  }

  StreamEnd how_it_ended() const override {
    std::scoped_lock lock(mutex_);
    return end_.value_or(StreamEnd());
  }

  void abandon() override {
    std::scoped_lock lock(mutex_);
    abandoned_ = true;
    std::string().swap(kept_);
    ring(reader_);
    ring(writer_);
  }

 private:
  bool is_over() const { return abandoned_ || end_; }

  mutable std::mutex mutex_;
  std::string kept_;
  std::size_t total_ = 0;
  std::optional<StreamHead> head_;
  std::optional<StreamEnd> end_;
  bool abandoned_ = false, broken_off_ = false, cut_ = false;
  Throttle throttle_;
  Bell reader_, writer_;
};

}  // namespace

std::shared_ptr<ResponseStream> make_response_stream(StreamPace pace) { return std::make_shared<Window>(pace); }

}  // namespace sallyport::runtime
