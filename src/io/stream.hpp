// Byte streams, listeners and watches. All of it belongs to one loop and is used on that loop's thread alone.
#pragma once

#include <coroutine>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "io/loop.hpp"

namespace sallyport::io {

/// A two-way byte stream with one reader and one writer at a time.
class Stream {
 public:
  virtual ~Stream() = default;

  /// Bytes that arrived and were not consumed. Valid until the next wait or `consume`.
  std::string_view incoming() const { return std::string_view(incoming_).substr(consumed_); }
  void consume(std::size_t count);
  bool at_end() const { return ended_; }

  struct Read {
    Stream& stream;
    std::size_t before = 0;
    bool await_ready() const { return stream.ended_; }
    void await_suspend(std::coroutine_handle<> waiting) {
      stream.reader_ = waiting;
      stream.want_more();
    }
    /// False when the peer has ended or the stream was closed: no more bytes will come.
    bool await_resume() const { return !stream.ended_; }
  };
  /// Waits until more bytes have arrived, or for the end. What is there already does not count.
  Read read_more() { return {*this}; }

  struct Write {
    Stream& stream;
    bool done;
    bool await_ready() const { return done; }
    void await_suspend(std::coroutine_handle<> waiting) { stream.writer_ = waiting; }
    /// False when the stream broke; later writes fail too.
    bool await_resume() const { return !stream.broken_; }
  };
  /// Sends all bytes; the text is copied as far as the kernel does not take it at once.
  Write write(std::string_view bytes) { return {*this, start_write(bytes)}; }

  /// Stops both directions at once and wakes whoever waits. Safe to call twice.
  virtual void close() = 0;
  /// Ends our direction after everything was sent, the peer may go on sending.
  virtual void end_writing() = 0;
  virtual std::string peer_address() const { return "127.0.0.1"; }
  virtual int peer_port() const { return 0; }

  /// Stands between a stream and whoever reads and writes it (TLS does): is told at once, in place of a waiting coroutine. Each call may
  /// destroy the stream.
  class Tap {
   public:
    virtual void on_arrived() = 0;
    virtual void on_ended() = 0;
    /// Once for each `write` that was not done at once.
    virtual void on_written(bool good) = 0;

   protected:
    ~Tap() = default;
  };
  /// REQUIRES: nobody waits on the stream, now or later. `close` tells the tap nothing.
  void set_tap(Tap& tap) { tap_ = &tap; }
  /// Whoever waits in `read_more` goes on at once, as if bytes had arrived.
  void wake_reader() {
    if (auto reader = std::exchange(reader_, nullptr)) reader.resume();
  }
  /// Reading that paused because nobody consumed goes on.
  void resume_reading() { want_more(); }

 protected:
  virtual void want_more() = 0;
  /// True when done (or broken) at once; otherwise `written()` is called later.
  virtual bool start_write(std::string_view bytes) = 0;
  void arrived(std::string_view bytes);
  /// Makes room at the front of `incoming_`, so that appending does not grow it for ever.
  void compact();
  void ended();
  void written(bool good);

  std::string incoming_;
  std::size_t consumed_ = 0;
  bool ended_ = false;
  bool broken_ = false;
  std::coroutine_handle<> reader_;
  std::coroutine_handle<> writer_;
  Tap* tap_ = nullptr;
};

/// Accepts TCP connections.
class Listener {
 public:
  /// Whether several listeners may have the port, one a loop: the kernel spreads connections among them, and any process of this user may
  /// take a part.
  enum class Port { exclusive, shared };
  /// Port 0 takes a free one. `accepted` is called for every connection.
  static Result<std::unique_ptr<Listener>> open(Loop& loop, const std::string& host, int port,
                                                std::move_only_function<void(std::unique_ptr<Stream>)> accepted,
                                                Port sharing = Port::exclusive);
  /// Fails when anybody listens there already, other processes of this user included (a shared port would let them).
  static Result<> check_free(const std::string& host, int port);
  /// The same for a socket that is bound already; takes it over, in any case.
  static Result<std::unique_ptr<Listener>> adopt(Loop& loop, int descriptor,
                                                 std::move_only_function<void(std::unique_ptr<Stream>)> accepted);
  virtual ~Listener() = default;
  virtual int port() const = 0;
};

/// Which addresses a name may lead to. `public_only` leaves out what is only reachable from here: loopback, link-local, private and other
/// special ranges (RFC 6890), IPv4 within IPv6 included; looked at after the name was resolved.
enum class Addresses { any, public_only };

/// Connects to a host by name or address within `timeout`, trying its addresses in turn.
Task<Result<std::unique_ptr<Stream>>> connect(Loop& loop, std::string host, int port, std::chrono::milliseconds timeout,
                                              Addresses addresses = Addresses::any);

/// Is an IP address in text form one that anybody may reach? False for what is no address.
bool is_public_address(const std::string& address);

/// A stream over a connected socket or one end of a pipe that somebody else made. Takes the descriptor over, in any case.
Result<std::unique_ptr<Stream>> adopt_stream(Loop& loop, int descriptor);
/// What is read now without waiting is put to `incoming`: log lines written before a frame are seen before the frame is acted on. At most
/// `reads_max` buffers of 64 KiB: a writer that never stops holds nobody up. Whoever waits in `read_more` goes on in the loop's next turn,
/// never within this call. For streams of `adopt_stream`.
void drain(Stream& stream, int reads_max);

/// Calls `readable` on the loop whenever the descriptor can be read or was hung up, until destroyed. The descriptor stays its owner's, who
/// closes it after this object is gone.
class Watch {
 public:
  static Result<std::unique_ptr<Watch>> readable(Loop& loop, int descriptor, std::move_only_function<void()> readable);
  virtual ~Watch() = default;
};

/// Waits for a socket whose connection is being made. It stays its owner's.
Task<Result<>> await_connected(Loop& loop, int descriptor, std::chrono::milliseconds timeout);

/// Two in-memory streams, each the other's peer, for tests. Bytes arrive through the loop.
std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> make_stream_pair(Loop& loop);

/// Calls `changed` after files below the paths were written, created, moved or removed: at once for the first file that is whole, and again
/// after 50 ms of quiet when more followed. Skips node_modules, .git and __pycache__.
class FileWatcher {
 public:
  static Result<std::unique_ptr<FileWatcher>> watch(Loop& loop, std::vector<std::string> paths, std::move_only_function<void()> changed);
  virtual ~FileWatcher() = default;
  /// Watches these too. Those it watches already cost a look each.
  virtual void add(const std::vector<std::string>& paths) = 0;
};

/// Calls `received` for each of the signals, on the loop.
class SignalHandler {
 public:
  static Result<std::unique_ptr<SignalHandler>> handle(Loop& loop, std::vector<int> signals, std::move_only_function<void(int)> received);
  virtual ~SignalHandler() = default;
};

}  // namespace sallyport::io
