#include <uv.h>

#include "io/uv_stream.hpp"

#include <unistd.h>

#include <cerrno>

namespace sallyport::io {

struct UvStream::Pending {
  uv_write_t request;
  std::string rest;
  Handle* handle;
};

UvStream::~UvStream() { release_handle(); }

void UvStream::release_handle() {
  if (!handle_) return;
  handle_->owner = nullptr;
  handle_->handle.data = handle_;
  uv_close(&handle_->handle, [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
  handle_ = nullptr;
}

void UvStream::start() { want_more(); }

void UvStream::on_read(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
  auto* owner = reinterpret_cast<Handle*>(stream)->owner;
  if (!owner || count == 0) return;
  if (count < 0) {
    uv_read_stop(stream);
    owner->reading_ = false;
    owner->ended();
    return;
  }
  if (!owner->reader_ && owner->incoming().size() > incoming_bytes_max) {
    uv_read_stop(stream);
    owner->reading_ = false;
  }
  owner->arrived({buffer->base, static_cast<std::size_t>(count)});
}

void UvStream::want_more() {
  if (reading_ || !handle_) return;
  reading_ = true;
  uv_read_start(
      &handle_->stream,
      [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
        auto* state = static_cast<Loop::State*>(handle->loop->data);
        *buffer = uv_buf_init(state->scratch, sizeof state->scratch);
      },
      on_read);
}

bool UvStream::start_write(std::string_view bytes) {
  if (!handle_ || broken_) {
    broken_ = true;
    return true;
  }
  uv_buf_t buffer = uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
  const int sent = uv_try_write(&handle_->stream, &buffer, 1);
  if (sent == static_cast<int>(bytes.size())) return true;
  if (sent < 0 && sent != UV_EAGAIN) {
    broken_ = true;
    return true;
  }
  auto* pending = new Pending{{}, std::string(bytes.substr(sent > 0 ? static_cast<std::size_t>(sent) : 0)), handle_};
  pending->request.data = pending;
  buffer = uv_buf_init(pending->rest.data(), static_cast<unsigned>(pending->rest.size()));
  const int error = uv_write(&pending->request, &handle_->stream, &buffer, 1, [](uv_write_t* request, int status) {
    std::unique_ptr<Pending> done(static_cast<Pending*>(request->data));
    if (auto* owner = done->handle->owner) owner->written(status == 0);
  });
  if (error) {
    delete pending;
    broken_ = true;
    return true;
  }
  return false;
}

void UvStream::close() {
  if (!handle_) return;
  release_handle();
  broken_ = true;
  ended_ = true;
  // Whoever waits is woken through the loop, so that closing never runs their code inside ours.
  if (auto reader = std::exchange(reader_, nullptr)) loop_.post([reader] { reader.resume(); });
  if (auto writer = std::exchange(writer_, nullptr)) loop_.post([writer] { writer.resume(); });
}

void UvStream::end_writing() {
  if (!handle_) return;
  auto* request = new uv_shutdown_t;
  if (uv_shutdown(request, &handle_->stream, [](uv_shutdown_t* done, int) { delete done; })) delete request;
}

void UvStream::learn_peer() {
  sockaddr_storage address{};
  int size = sizeof address;
  if (!handle_ || uv_tcp_getpeername(&handle_->tcp, reinterpret_cast<sockaddr*>(&address), &size)) return;
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<sockaddr_in6*>(&address);
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
      uv_inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, text, sizeof text);
    else
      uv_ip6_name(v6, text, sizeof text);
    peer_port_ = ntohs(v6->sin6_port);
  } else {
    const auto* v4 = reinterpret_cast<sockaddr_in*>(&address);
    uv_ip4_name(v4, text, sizeof text);
    peer_port_ = ntohs(v4->sin_port);
  }
  peer_address_ = text;
}

void UvStream::drain(int reads_max) {
  uv_os_fd_t fd = -1;
  if (!handle_ || uv_fileno(&handle_->handle, &fd)) return;
  auto* state = static_cast<Loop::State*>(handle_->handle.loop->data);
  // Whoever waits is woken through the loop: the caller is in the middle of something that the reader may end.
  const auto reader = std::exchange(reader_, nullptr);
  bool any = false;
  for (int i = 0; i < reads_max; ++i) {
    const auto count = ::read(fd, state->scratch, sizeof state->scratch);
    if (count <= 0) break;  // the end is left for the loop to report
    arrived({state->scratch, static_cast<std::size_t>(count)});
    any = true;
  }
  if (reader && any)
    loop_.post([reader] { reader.resume(); });
  else
    reader_ = reader;
}

}  // namespace sallyport::io
