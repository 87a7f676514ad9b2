// One HTTP/2 connection: streams as requests to the same Handler, within the budgets of docs/limits.md. For the files of this module alone.
#pragma once

#include <memory>
#include <string_view>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "io/stream.hpp"
#include "serve/connection.hpp"

namespace sallyport::serve {

/// What a client that speaks HTTP/2 sends first (RFC 9113, 3.4).
inline constexpr std::string_view http2_preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

class Http2 {
 public:
  virtual ~Http2() = default;
  /// All arguments outlive it. The preface has not been consumed.
  static std::unique_ptr<Http2> make(Surroundings& server, io::Stream& stream, const Peer& peer);

  /// Until the connection has ended and every handler of it too.
  virtual Task<void> run() = 0;
  /// No request is being received or answered.
  virtual bool idle() const = 0;
  /// Takes no new requests, says so, and ends with the last answer.
  virtual void drain() = 0;
  /// Resets the streams that are too slow. False when the connection is to be cut.
  virtual bool keep(MonotonicTime now) = 0;
};

}  // namespace sallyport::serve
