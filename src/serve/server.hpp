// HTTP/1.1 and HTTP/2 over streams, in plain text or TLS: connections with keep-alive, pipelining and streams, bodies as pull streams, and
// the deadlines of docs/limits.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "http/message.hpp"
#include "io/loop.hpp"
#include "io/stream.hpp"
#include "io/tls.hpp"

namespace sallyport::serve {

namespace limits {
inline constexpr std::size_t request_line_bytes_max = 10'240;
inline constexpr std::size_t header_value_bytes_max = 10'240;  // all values together
inline constexpr std::size_t header_fields_max = 128;
inline constexpr std::size_t head_bytes_max = 48 * 1024;
inline constexpr std::chrono::seconds handshake_time{5}, head_time{10}, idle_time{60}, write_stall_time{30}, body_time{10};
inline constexpr std::size_t body_bytes_per_second_min = 1024;  // after body_time
inline constexpr std::size_t trailer_bytes_max = 8 * 1024;      // of HTTP/1.1; of HTTP/2 as much as of a head
inline constexpr std::size_t piece_bytes_max = 64 * 1024;       // of a body that is read piece by piece
}  // namespace limits

/// Why a body could not be read. The connection is closed after the answer.
struct BodyError {
  enum class Kind { too_large, malformed, incomplete } kind;
};

/// The body of one request. Nothing is read (and no 100-continue sent) before it is asked for.
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  /// Declared Content-Length, if there is one.
  virtual std::optional<std::size_t> declared_size() const = 0;
  /// The whole body, or `too_large` as soon as it is known to exceed the limit. At most once.
  virtual Task<Result<std::string, BodyError>> read_all(std::size_t bytes_max) = 0;
  /// What has arrived, at least one byte and at most 64 KiB; empty at the end. In place of `read_all`, with no bound of its own.
  /// Nothing is read while nobody asks: a fast client waits for a slow handler.
  virtual Task<Result<std::string, BodyError>> read_some();
  /// Fields after a chunked body, once `read_some` has come to its end. They are nobody's headers: whoever asks knows what it asks for.
  virtual std::vector<http::Header> trailers() const { return {}; }

 private:
  bool given_ = false;  // by a reader that only knows `read_all`
};

/// What is known of the peer besides the request.
struct Peer {
  std::string address;
  int port = 0;
  std::shared_ptr<const io::TlsFacts> tls = nullptr;  // null: the request came in plain text
};

/// Answers requests. May be called on every loop at the same time.
class Handler {
 public:
  virtual ~Handler() = default;
  /// Never throws for anything a client can send. `request`, `body` and `peer` live until the task is done.
  virtual Task<http::Response> handle(io::Loop& loop, const http::Request& request, BodyReader& body, const Peer& peer) = 0;
  /// A message that was no request was answered with `status`, or with nothing (0: a TLS handshake that failed); for the log.
  virtual void refused(const Peer& peer, int status, std::string_view reason) = 0;
};

struct ServerSettings {
  /// False: clients may take as long as they like, for a body, an answer and between requests; a head that has begun has `head_time` in any
  /// case. For clients that are ours to end: a function's runtime may be stopped at any moment, and its answer is as slow as the function.
  bool deadlines = true;
  bool http2 = true;
  /// Heads, trailers and answers that are held for all connections of HTTP/1.1 together. One that would need more is cut.
  std::size_t held_bytes_max = std::numeric_limits<std::size_t>::max();
  // Of HTTP/1.1.
  std::size_t header_value_bytes_max = limits::header_value_bytes_max;  // all values together
  std::size_t head_bytes_max = limits::head_bytes_max;
  std::size_t trailer_bytes_max = limits::trailer_bytes_max;
};

/// All connections of one loop. Lives on the loop's thread.
class Server {
 public:
  Server(io::Loop& loop, const Clock& clock, Handler& handler, std::size_t connections_max, const ServerSettings& settings = {});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Takes over a connection. With contexts it begins with a TLS handshake; HTTP/2 is spoken where ALPN settles on it, in plain text where
  /// the client begins with it. With all places taken the connection that has been idle longest is cut for it; without such a one, or with
  /// as many that are still being cut, the new one is closed.
  void accept(std::unique_ptr<io::Stream> stream, std::shared_ptr<const io::TlsContexts> contexts = nullptr);
  /// Finishes requests in flight, closes idle connections at once, and calls `drained` when none is left (at the latest after `patience`,
  /// when the rest is cut).
  void shut_down(std::chrono::milliseconds patience, std::move_only_function<void()> drained);
  std::size_t connection_count() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sallyport::serve
