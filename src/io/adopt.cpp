// Streams and watches over descriptors that somebody else made.
#include <uv.h>

#include "io/uv_stream.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/text.hpp"
#include "io/completion.hpp"

namespace sallyport::io {
namespace {

bool is_tcp(int descriptor) {
  int domain = 0;
  socklen_t size = sizeof domain;
  return !getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size) && (domain == AF_INET || domain == AF_INET6);
}

class UvWatch final : public Watch {
 public:
  struct Handle {
    uv_poll_t poll;
    UvWatch* owner;
  };
  explicit UvWatch(std::move_only_function<void()> ready) : ready_(std::move(ready)), handle_(new Handle{{}, this}) {}
  ~UvWatch() override {
    handle_->owner = nullptr;
    if (!watching_) {
      delete handle_;
      return;
    }
    // Stopped at once: the descriptor may be closed as soon as this object is gone.
    uv_poll_stop(&handle_->poll);
    uv_close(reinterpret_cast<uv_handle_t*>(&handle_->poll), [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
  }
  int start(Loop& loop, int descriptor, int wanted) {
    if (const int error = uv_poll_init(loop.raw(), &handle_->poll, descriptor)) return error;
    watching_ = true;
    handle_->poll.data = handle_;
    return uv_poll_start(&handle_->poll, wanted | UV_DISCONNECT, [](uv_poll_t* poll, int, int) {
      if (auto* self = static_cast<Handle*>(poll->data)->owner) self->ready_();
    });
  }

 private:
  std::move_only_function<void()> ready_;
  Handle* handle_;
  bool watching_ = false;
};

}  // namespace

Result<std::unique_ptr<Stream>> adopt_stream(Loop& loop, int descriptor) {
  auto stream = std::make_unique<UvStream>(loop);
  int error;
  if (is_tcp(descriptor)) {
    uv_tcp_init(loop.raw(), &stream->handle().tcp);
    error = uv_tcp_open(&stream->handle().tcp, descriptor);
    if (!error) uv_tcp_nodelay(&stream->handle().tcp, 1);
  } else {
    uv_pipe_init(loop.raw(), &stream->handle().pipe, 0);
    error = uv_pipe_open(&stream->handle().pipe, descriptor);
  }
  if (error) {
    ::close(descriptor);
    stream->close();
    return fail(cat("cannot use a descriptor: ", uv_strerror(error)));
  }
  stream->start();
  return stream;
}

void drain(Stream& stream, int reads_max) { static_cast<UvStream&>(stream).drain(reads_max); }

Result<std::unique_ptr<Watch>> Watch::readable(Loop& loop, int descriptor, std::move_only_function<void()> readable) {
  auto watch = std::make_unique<UvWatch>(std::move(readable));
  if (const int error = watch->start(loop, descriptor, UV_READABLE)) return fail(cat("cannot watch a descriptor: ", uv_strerror(error)));
  return watch;
}

Task<Result<>> await_connected(Loop& loop, int descriptor, std::chrono::milliseconds timeout) {
  Completion<int> over;
  auto watch = std::make_unique<UvWatch>([over]() mutable { over.deliver(0); });
  if (const int error = watch->start(loop, descriptor, UV_WRITABLE)) co_return fail(cat("cannot watch a descriptor: ", uv_strerror(error)));
  Deadline deadline(loop, timeout, [over]() mutable { over.deliver(ETIMEDOUT); });
  int error = co_await over.wait_on(loop);
  socklen_t size = sizeof error;
  if (!error && getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size)) error = errno;
  if (error) co_return fail(cat("cannot connect: ", std::string_view(std::strerror(error))));
  co_return Result<>{};
}

}  // namespace sallyport::io
