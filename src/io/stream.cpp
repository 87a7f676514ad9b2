#include "io/stream.hpp"

namespace sallyport::io {

void Stream::consume(std::size_t count) {
  consumed_ += count;
  if (consumed_ == incoming_.size()) {
    consumed_ = 0;
    if (incoming_.capacity() > 64 * 1024)
      std::string().swap(incoming_);  // one large body must not pin its memory for the life of the connection
    else
      incoming_.clear();
  }
}

void Stream::compact() {
  if (consumed_ <= 4096 || consumed_ <= incoming_.size() / 2) return;
  incoming_.erase(0, consumed_);
  consumed_ = 0;
}

void Stream::arrived(std::string_view bytes) {
  compact();
  incoming_.append(bytes);
  if (tap_)
    tap_->on_arrived();
  else if (auto reader = std::exchange(reader_, nullptr))
    reader.resume();
}

void Stream::ended() {
  ended_ = true;
  if (tap_)
    tap_->on_ended();
  else if (auto reader = std::exchange(reader_, nullptr))
    reader.resume();
}

void Stream::written(bool good) {
  if (!good) broken_ = true;
  if (tap_)
    tap_->on_written(good);
  else if (auto writer = std::exchange(writer_, nullptr))
    writer.resume();
}

namespace {

// One end of an in-memory pair. What is written arrives at the peer through the loop, so neither side runs inside the other.
class MemoryStream final : public Stream {
 public:
  struct Link {
    MemoryStream* ends[2] = {nullptr, nullptr};
  };
  MemoryStream(Loop& loop, std::shared_ptr<Link> link, int side) : loop_(loop), link_(std::move(link)), side_(side) {
    link_->ends[side_] = this;
  }
  ~MemoryStream() override {
    close();
    link_->ends[side_] = nullptr;
  }
  void close() override {
    if (std::exchange(closed_, true)) return;
    end_writing();
    loop_.post([link = link_, side = side_] {
      if (auto* self = link->ends[side]) {
        self->broken_ = true;
        self->ended();
      }
    });
  }
  void end_writing() override {
    loop_.post([link = link_, side = side_] {
      if (auto* peer = link->ends[1 - side]) peer->ended();
    });
  }

 protected:
  void want_more() override {}
  bool start_write(std::string_view bytes) override {
    if (closed_ || !link_->ends[1 - side_]) {
      broken_ = true;
      return true;
    }
    loop_.post([link = link_, side = side_, text = std::string(bytes)] {
      if (auto* peer = link->ends[1 - side]; peer && !peer->closed_) peer->arrived(text);
    });
    return true;
  }

 private:
  Loop& loop_;
  std::shared_ptr<Link> link_;
  int side_;
  bool closed_ = false;
};

}  // namespace

std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> make_stream_pair(Loop& loop) {
  auto link = std::make_shared<MemoryStream::Link>();
  return {std::make_unique<MemoryStream>(loop, link, 0), std::make_unique<MemoryStream>(loop, link, 1)};
}

}  // namespace sallyport::io
