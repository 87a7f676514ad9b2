#include "serve/server.hpp"

#include <algorithm>
#include <limits>
#include <list>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "http/parse.hpp"
#include "io/completion.hpp"
#include "serve/connection.hpp"
#include "serve/http2.hpp"

namespace sallyport::serve {
namespace {

constexpr std::chrono::milliseconds sweep_interval{250};
constexpr std::size_t write_piece_bytes = 256 * 1024;
constexpr std::size_t coalesce_bytes_max = 64 * 1024;
constexpr std::size_t pipelined_bytes_max = 64 * 1024;  // that are read while an answer is made

http::HeadLimits limits_of(const ServerSettings& settings) {
  auto out = head_limits;
  out.header_value_bytes_max = settings.header_value_bytes_max;
  out.head_bytes_max = settings.head_bytes_max;
  return out;
}

}  // namespace

http::Response plain_refusal(int status, std::string_view reason) {
  http::Response response;
  response.status = status;
  response.add("Content-Type", "application/json");
  std::string text(reason);
  response.body = cat("{\"message\":\"", text, "\"}");
  return response;
}

Task<Result<std::string, BodyError>> BodyReader::read_some() {
  if (std::exchange(given_, true)) co_return std::string();
  co_return co_await read_all(std::numeric_limits<std::size_t>::max());
}

struct Server::State : Surroundings {
  class Connection;

  State(io::Loop& the_loop, const Clock& the_clock, Handler& the_handler, std::size_t most, const ServerSettings& the_settings)
      : Surroundings{the_loop, the_clock, the_handler, the_settings}, connections_max(most) {}

  std::size_t connections_max;
  std::size_t held_bytes = 0;
  std::list<std::unique_ptr<Connection>> connections;  // oldest first
  io::Scope scope;
  std::optional<io::Deadline> sweep;
  std::optional<io::Deadline> patience;
  std::move_only_function<void()> drained;

  void sweep_deadlines();
  void arm_sweep();
  void finished(Connection& connection);
};

/// One connection: reads a request, has it answered, writes the answer, and again.
class Server::State::Connection final : public BodyReader {
 public:
  Connection(State& server, std::unique_ptr<io::Stream> stream, std::shared_ptr<const io::TlsContexts> contexts)
      : server_(server),
        stream_(std::move(stream)),
        peer_{stream_->peer_address(), stream_->peer_port()},
        parser_(limits_of(server.settings)) {
    if (!contexts) return;
    auto secure = io::TlsStream::server(server.loop, std::move(stream_), std::move(contexts));
    tls_ = secure.get();
    stream_ = std::move(secure);
  }

  Task<void> run() {
    if (!tls_ || co_await shake_hands()) {
      if (co_await speaks_http2()) {
        wait_for_ever();
        http2_ = Http2::make(server_, *stream_, peer_);
        co_await http2_->run();
      } else {
        while (co_await serve_one()) {
        }
      }
    }
    http2_.reset();
    hold(0);
    co_await linger();
    server_.finished(*this);
  }

  std::optional<std::size_t> declared_size() const override { return framing_.content_length; }

  Task<Result<std::string, BodyError>> read_all(std::size_t bytes_max) override {
    std::string body;
    if (body_done_) co_return body;
    if (framing_.content_length.value_or(0) > bytes_max) co_return body_failed(BodyError::Kind::too_large);
    co_await say_continue();
    if (!framing_.chunked) body.reserve(std::min(*framing_.content_length, std::size_t{1} << 20));
    while (!body_done_) {
      const auto before = body.size();
      if (auto error = take(body, bytes_max)) co_return body_failed(*error);
      if (body.size() == before && !body_done_ && !co_await wait_for_body()) co_return body_failed(BodyError::Kind::incomplete);
    }
    co_return body;
  }

  Task<Result<std::string, BodyError>> read_some() override {
    std::string piece;
    if (body_failed_) co_return fail(BodyError{BodyError::Kind::incomplete});
    co_await say_continue();
    while (piece.empty() && !body_done_) {
      if (auto error = take(piece, std::numeric_limits<std::size_t>::max())) co_return body_failed(*error);
      if (piece.empty() && !body_done_ && !co_await wait_for_body()) co_return body_failed(BodyError::Kind::incomplete);
    }
    co_return piece;
  }

  std::vector<http::Header> trailers() const override { return body_done_ ? decoder_.trailers() : std::vector<http::Header>(); }

  /// One that is being cut makes no more room.
  bool idle() const { return !cut_ && (http2_ ? http2_->idle() : idle_); }
  void cut() {
    cut_ = true;
    stream_->close();
  }
  void drain() {
    if (http2_)
      http2_->drain();
    else if (idle_)
      cut();
  }
  bool keep(MonotonicTime now) { return deadline_ > now && (!http2_ || http2_->keep(now)); }

 private:
  friend class Server;
  friend struct Server::State;

  void wait_at_most(std::chrono::nanoseconds time) {
    if (server_.settings.deadlines) deadline_ = server_.clock.monotonic_now() + time;
  }
  void wait_for_head() { deadline_ = server_.clock.monotonic_now() + limits::head_time; }
  void wait_for_ever() { deadline_ = MonotonicTime::max(); }

  /// From now on so many bytes are held for this connection. False when they are too many together with all others'.
  bool hold(std::size_t bytes) {
    server_.held_bytes += bytes - held_bytes_;
    held_bytes_ = bytes;
    return server_.held_bytes <= server_.settings.held_bytes_max;
  }

  Task<bool> shake_hands() {
    wait_at_most(limits::handshake_time);
    auto agreed = co_await attempt(tls_->handshake());
    if (!agreed) {
      server_.handler.refused(peer_, 0, cat("TLS: ", agreed.error().message));
      co_return false;
    }
    peer_.tls = tls_->facts();
    co_return true;
  }

  // With TLS the handshake has settled it; in plain text the first bytes say it.
  Task<bool> speaks_http2() {
    if (tls_) co_return peer_.tls->protocol == "h2";
    if (!server_.settings.http2) co_return false;
    wait_at_most(limits::idle_time);
    for (;;) {
      const auto begun = stream_->incoming().substr(0, http2_preface.size());
      if (!http2_preface.starts_with(begun)) co_return false;
      if (begun.size() == http2_preface.size()) co_return true;
      if (std::exchange(idle_, begun.empty()) && !idle_) wait_for_head();
      if (server_.draining && idle_) co_return false;
      if (!co_await stream_->read_more()) co_return false;
    }
  }

  // False when the connection is to be closed.
  Task<bool> serve_one() {
    parser_.reset();
    idle_ = stream_->incoming().empty();
    if (idle_)
      wait_at_most(limits::idle_time);
    else
      wait_for_head();
    hold(0);
    std::optional<http::Head> head;
    for (;;) {
      if (!stream_->incoming().empty()) {
        if (std::exchange(idle_, false)) wait_for_head();
        if (!hold(stream_->incoming().size())) co_return false;
        auto parsed = parser_.parse(stream_->incoming());
        if (!parsed) {
          server_.handler.refused(peer_, parsed.error().status, parsed.error().reason);
          co_await send(plain_refusal(parsed.error().status, parsed.error().reason), false, false);
          co_return false;
        }
        head = std::move(*parsed);
        if (head) break;
      }
      if (server_.draining && idle_) co_return false;
      if (!co_await stream_->read_more()) co_return false;
    }
    stream_->consume(head->size);
    hold(head->size);
    framing_ = head->framing;
    body_done_ = !framing_.has_body();
    body_failed_ = false;
    continue_owed_ = framing_.expects_continue;
    body_left_ = framing_.content_length.value_or(0);
    decoder_ = http::ChunkDecoder(server_.settings.trailer_bytes_max);
    trailer_bytes_ = 0;
    body_time_ = {};
    wait_for_ever();

    http::Response response = co_await answer(head->request);
    bool keep = framing_.keep_alive && !server_.draining && !body_failed_;
    if (!body_done_ && !body_failed_) keep = keep && skip_arrived_body();
    co_return co_await send(std::move(response), keep, head->request.method == "HEAD") && keep;
  }

  Task<http::Response> answer(const http::Request& request) {
    try {
      co_return co_await server_.handler.handle(server_.loop, request, *this, peer_);
    } catch (const std::exception&) {
      // A broken promise of ours (or no memory): this request fails, the server goes on.
      body_failed_ = !body_done_;
    }
    co_return plain_refusal(500, "Internal server error");
  }

  // A body nobody asked for: one that has arrived is thrown away so that the connection can be kept. The answer waits for no other.
  bool skip_arrived_body() {
    if (framing_.chunked || body_left_ > stream_->incoming().size()) return false;
    stream_->consume(body_left_);
    return body_done_ = true;
  }

  std::unexpected<BodyError> body_failed(BodyError::Kind kind) {
    body_failed_ = true;
    return fail(BodyError{kind});
  }

  Task<void> say_continue() {
    if (std::exchange(continue_owed_, false) && !body_done_ && stream_->incoming().empty())
      co_await stream_->write("HTTP/1.1 100 Continue\r\n\r\n");
  }

  // What has arrived of the body, a piece at most.
  std::optional<BodyError::Kind> take(std::string& body, std::size_t bytes_max) {
    const auto incoming = stream_->incoming().substr(0, limits::piece_bytes_max);
    const auto before = body.size();
    if (framing_.chunked) {
      std::size_t used = 0;
      const auto state = decoder_.decode(incoming, body, bytes_max, used);
      stream_->consume(used);
      if (state == http::ChunkDecoder::State::malformed) return BodyError::Kind::malformed;
      if (state == http::ChunkDecoder::State::too_large) return BodyError::Kind::too_large;
      body_done_ = state == http::ChunkDecoder::State::done;
      if (!hold(held_bytes_ - trailer_bytes_ + decoder_.trailer_bytes())) return BodyError::Kind::too_large;
      trailer_bytes_ = decoder_.trailer_bytes();
    } else {
      const auto size = std::min(incoming.size(), body_left_);
      body.append(incoming.substr(0, size));
      stream_->consume(size);
      body_left_ -= size;
      body_done_ = body_left_ == 0;
    }
    body_time_.arrived(body.size() - before);
    return std::nullopt;
  }

  Task<bool> wait_for_body() {
    if (!stream_->incoming().empty()) co_return true;
    const auto deadline = body_time_.begin(server_.clock.monotonic_now());
    if (server_.settings.deadlines) deadline_ = deadline;
    const bool more = co_await stream_->read_more();
    body_time_.end(server_.clock.monotonic_now());
    wait_for_ever();
    co_return more;
  }

  Task<bool> send(http::Response response, bool keep, bool head_only) {
    const bool bodyless = response.status == 204 || response.status == 304 || response.status < 200;
    const bool chunked = response.stream && !bodyless && !head_only;
    if (!hold(held_bytes_ + response.body.size())) co_return false;
    std::string& out = out_;
    out.clear();
    http::append_head(out, response);
    if (chunked)
      append(out, "Transfer-Encoding: chunked\r\n");
    else if (!bodyless && !response.stream)
      append(out, "Content-Length: "), append(out, response.body.size()), append(out, "\r\n");
    append(out, "Date: ");
    append(out, server_.date_now());
    append(out, keep ? "\r\nConnection: keep-alive\r\n\r\n" : "\r\nConnection: close\r\n\r\n");
    std::string_view body = bodyless || head_only ? std::string_view{} : std::string_view(response.body);
    if (chunked) body = {};
    if (body.size() <= coalesce_bytes_max) {
      append(out, body);
      body = {};
    }
    if (!co_await write(out)) co_return false;
    if (!body.empty() && !co_await write(body)) co_return false;
    if (chunked) co_return co_await send_chunks(*response.stream);
    co_return true;
  }

  // A client that goes away is noticed while the source has nothing to send, too.
  Task<bool> send_chunks(http::BodySource& source) {
    bool sending = true;
    io::Completion<bool> watched;
    server_.scope.spawn(watch_for_end(source, sending, watched));
    const bool good = co_await send_pieces(source);
    sending = false;
    stream_->wake_reader();
    co_await watched.wait_on(server_.loop);
    co_return good;
  }

  Task<void> watch_for_end(http::BodySource& source, const bool& sending, io::Completion<bool> watched) {
    while (sending && stream_->incoming().size() < pipelined_bytes_max && co_await stream_->read_more()) {
    }
    if (sending && stream_->at_end()) source.abandon();
    watched.deliver(true);
  }

  Task<bool> send_pieces(http::BodySource& source) {
    static constexpr char digits[] = "0123456789abcdef";
    for (;;) {
      auto piece = co_await attempt(source.next());
      if (!piece) co_return false;
      std::string chunk;
      char size[16];
      int at = 16;
      for (auto left = piece->size(); at == 16 || left; left >>= 4) size[--at] = digits[left & 15];
      chunk.append(size + at, static_cast<std::size_t>(16 - at)).append("\r\n").append(*piece).append("\r\n");
      if (!co_await write(chunk)) co_return false;
      if (piece->empty()) co_return true;
    }
  }

  Task<bool> write(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto piece = bytes.substr(0, write_piece_bytes);
      auto writing = stream_->write(piece);
      if (!writing.done) wait_at_most(limits::write_stall_time);
      const bool good = co_await writing;
      wait_for_ever();
      if (!good) co_return false;
      bytes.remove_prefix(piece.size());
    }
    co_return true;
  }

  // Closing with unread bytes in the kernel would reset the connection and could take the answer with it.
  Task<void> linger() {
    if (!stream_->at_end()) {
      stream_->end_writing();
      deadline_ = server_.clock.monotonic_now() + std::chrono::seconds(1);
      stream_->consume(stream_->incoming().size());
      while (co_await stream_->read_more()) stream_->consume(stream_->incoming().size());
    }
    stream_->close();
  }

  State& server_;
  std::unique_ptr<io::Stream> stream_;
  io::TlsStream* tls_ = nullptr;  // the same, where it is one
  Peer peer_;
  std::unique_ptr<Http2> http2_;
  http::RequestParser parser_;
  http::Framing framing_;
  std::string out_;
  MonotonicTime deadline_ = MonotonicTime::max();
  bool idle_ = true, cut_ = false;
  std::size_t held_bytes_ = 0, trailer_bytes_ = 0;
  bool body_done_ = true, body_failed_ = false, continue_owed_ = false;
  std::size_t body_left_ = 0;  // of a declared length
  http::ChunkDecoder decoder_;
  BodyTime body_time_;
  std::list<std::unique_ptr<Connection>>::iterator place_;
};

std::string_view Surroundings::date_now() {
  const auto now = clock.wall_now();
  const auto second = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch());
  if (second != date_second || date.empty()) {
    date_second = second;
    date = http_date(now);
  }
  return date;
}

void Server::State::sweep_deadlines() {
  const auto now = clock.monotonic_now();
  for (auto& connection : connections)
    if (!connection->keep(now)) connection->cut();
  arm_sweep();
}

void Server::State::arm_sweep() {
  if (connections.empty()) {
    sweep.reset();
    return;
  }
  sweep.emplace(loop, sweep_interval, [this] { sweep_deadlines(); });
}

void Server::State::finished(Connection& connection) {
  // The connection's own task is still on the stack of its last statement, so it is destroyed a step later.
  loop.post([this, place = connection.place_] {
    connections.erase(place);
    if (draining && connections.empty() && drained) {
      patience.reset();
      auto done = std::exchange(drained, nullptr);
      done();
    }
  });
}

Server::Server(io::Loop& loop, const Clock& clock, Handler& handler, std::size_t connections_max, const ServerSettings& settings)
    : state_(new State(loop, clock, handler, connections_max, settings)) {}

Server::~Server() = default;

std::size_t Server::connection_count() const { return state_->connections.size(); }

void Server::accept(std::unique_ptr<io::Stream> stream, std::shared_ptr<const io::TlsContexts> contexts) {
  auto& state = *state_;
  if (state.draining) return;
  if (state.connections.size() >= state.connections_max) {
    // Those that are cut are there for another turn of the loop, in which any number may come.
    if (state.connections.size() >= 2 * state.connections_max) return;
    const auto idle = std::find_if(state.connections.begin(), state.connections.end(), [](const auto& c) { return c->idle(); });
    if (idle == state.connections.end()) return;
    (*idle)->cut();
  }
  auto place =
      state.connections.insert(state.connections.end(), std::make_unique<State::Connection>(state, std::move(stream), std::move(contexts)));
  (*place)->place_ = place;
  if (!state.sweep) state.arm_sweep();
  state.scope.spawn((*place)->run());
}

void Server::shut_down(std::chrono::milliseconds patience, std::move_only_function<void()> drained) {
  auto& state = *state_;
  state.draining = true;
  if (state.connections.empty()) {
    drained();
    return;
  }
  state.drained = std::move(drained);
  for (auto& connection : state.connections) connection->drain();
  state.patience.emplace(state.loop, patience, [&state] {
    for (auto& connection : state.connections) connection->cut();
  });
}

}  // namespace sallyport::serve
