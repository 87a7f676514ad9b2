// UvStream: a Stream over any libuv stream handle; for the files of this module alone (they include <uv.h> first).
#pragma once

#include <string>

#include "io/loop_state.hpp"
#include "io/stream.hpp"

namespace sallyport::io {

#ifdef UV_VERSION_MAJOR

/// Bytes nobody asked for yet, after which reading pauses.
inline constexpr std::size_t incoming_bytes_max = 256 * 1024;

class UvStream final : public Stream {
 public:
  /// The handle lives on until libuv has closed it, which may be after the stream is gone.
  struct Handle {
    union {
      uv_handle_t handle;
      uv_stream_t stream;
      uv_tcp_t tcp;
      uv_pipe_t pipe;
    };
    UvStream* owner = nullptr;
  };

  explicit UvStream(Loop& loop) : loop_(loop), handle_(new Handle{}) { handle_->owner = this; }
  ~UvStream() override;

  Handle& handle() { return *handle_; }
  /// Must be called once after the handle is connected.
  void start();
  void close() override;
  void end_writing() override;
  std::string peer_address() const override { return peer_address_; }
  int peer_port() const override { return peer_port_; }
  void learn_peer();
  /// Reads what the descriptor holds now, at most `reads_max` buffers of it, without waiting.
  void drain(int reads_max);

 protected:
  void want_more() override;
  bool start_write(std::string_view bytes) override;

 private:
  struct Pending;
  static void on_read(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer);
  void release_handle();

  Loop& loop_;
  Handle* handle_;
  bool reading_ = false;
  std::string peer_address_ = "127.0.0.1";
  int peer_port_ = 0;
};

#endif

}  // namespace sallyport::io
