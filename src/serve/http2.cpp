#include "serve/http2.hpp"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <list>

#include "base/text.hpp"
#include "serve/frame_budget.hpp"

namespace sallyport::serve {
namespace {

constexpr std::uint32_t streams_max = 128;
constexpr int handlers_max = 128;  // running at once, those of streams that are gone included
constexpr std::int32_t stream_window_bytes = 256 * 1024, connection_window_bytes = 4 << 20;
constexpr std::size_t header_list_bytes_max = 32 * 1024;     // as told to clients; more is answered 431
constexpr std::size_t header_list_bytes_fatal = 128 * 1024;  // unpacked: a few bytes that stand for many end the connection
constexpr std::size_t write_bytes = 64 * 1024;
constexpr std::size_t progress_bytes = 16 * 1024;  // that a client takes within write_stall_time, or the rest
constexpr std::chrono::seconds end_time{1};        // for the client to close, once we have

struct Free {
  void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  void operator()(nghttp2_session_callbacks* callbacks) const { nghttp2_session_callbacks_del(callbacks); }
  void operator()(nghttp2_option* option) const { nghttp2_option_del(option); }
};

nghttp2_nv pair_of(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view text) { return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data())); };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

/// Headers that belong to a connection have no place here (RFC 9113, 8.2.2); the rest is the connection's business.
bool is_left_out(std::string_view name) {
  for (const auto* each : {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "content-length", "date"})
    if (name == each) return true;
  return false;
}

/// Gathers a header block field by field: one text, and where in it each part is.
class Block {
 public:
  void add(std::string_view name, std::string_view value) {
    const auto counted = name.size() + value.size() + 32;  // as RFC 9113, 6.5.2 counts
    bytes_ += counted;
    if (bytes_ > header_list_bytes_max) return;
    if (name == "cookie") {
      if (!cookies_.empty()) cookies_ += "; ";
      cookies_ += value;
      return;
    }
    ends_.emplace_back(text_.size() + name.size(), text_.size() + name.size() + value.size());
    text_.append(name).append(value);
  }
  std::size_t bytes() const { return bytes_; }

  Result<http::Head, http::ParseError> finish() {
    if (bytes_ > header_list_bytes_max) return fail(http::ParseError{431, "header fields are too large"});
    if (!cookies_.empty()) {
      constexpr std::string_view name = "cookie";
      ends_.emplace_back(text_.size() + name.size(), text_.size() + name.size() + cookies_.size());
      text_.append(name).append(cookies_);
    }
    http::HeadParts parts;
    parts.storage = std::make_shared<const std::string>(std::move(text_));
    const std::string_view all = *parts.storage;
    parts.fields.reserve(ends_.size());
    bool regular = false;
    std::size_t begin = 0;
    for (const auto& [name_end, value_end] : ends_) {
      const auto name = all.substr(begin, name_end - begin), value = all.substr(name_end, value_end - name_end);
      begin = value_end;
      if (!name.starts_with(':')) {
        regular = true;
        parts.fields.push_back({name, value});
        continue;
      }
      auto* part = name == ":method"      ? &parts.method
                   : name == ":scheme"    ? &parts.scheme
                   : name == ":authority" ? &parts.authority
                   : name == ":path"      ? &parts.path
                                          : nullptr;
      if (!part || regular || part->data()) return fail(http::ParseError{400, "pseudo-header field that is unknown, late or twice there"});
      *part = value;
    }
    return http::assemble_head(std::move(parts), head_limits);
  }

 private:
  std::string text_, cookies_;
  std::vector<std::pair<std::size_t, std::size_t>> ends_;
  std::size_t bytes_ = 0;
};

class Connection;

/// One request and its answer. Lives until the stream is closed and its handler done, whichever is later.
class Exchange final : public BodyReader {
 public:
  Exchange(Connection& connection, std::int32_t stream_id) : connection_(connection), id(stream_id) {}
  std::optional<std::size_t> declared_size() const override { return head.framing.content_length; }
  Task<Result<std::string, BodyError>> read_all(std::size_t bytes_max) override;
  Task<Result<std::string, BodyError>> read_some() override;
  std::vector<http::Header> trailers() const override { return body_ended ? trailer_fields : std::vector<http::Header>(); }

  struct Wait {
    Exchange& exchange;
    bool await_ready() const { return !exchange.received.empty() || exchange.body_ended || exchange.closed; }
    void await_suspend(std::coroutine_handle<> handle) { exchange.reader = handle; }
    void await_resume() const {}
  };

  // The request.
  Block block;
  http::Head head;
  std::string received;        // data that nobody has taken yet; at most a window of it
  std::size_t unconsumed = 0;  // that the client's window was not given back for
  std::size_t trailer_bytes = 0;
  std::vector<http::Header> trailer_fields;  // while they are no more than a head may have
  bool head_complete = false, body_ended = false, started = false, handled = false, closed = false;
  std::coroutine_handle<> reader;
  MonotonicTime body_deadline = MonotonicTime::max();
  BodyTime body_time;
  std::size_t body_taken = 0;

  // The answer.
  http::Response response;
  std::string status_text, length_text, date_text;
  std::string piece;  // of a response that is made while it is sent
  std::size_t sent = 0;
  bool answering = false, pulling = false, wants_piece = false, source_ended = false;
  MonotonicTime send_deadline = MonotonicTime::max();
  std::size_t progress_mark = 0;

  bool queued = false;
  std::list<std::unique_ptr<Exchange>>::iterator place;

 private:
  void say_continue();
  std::string take(std::size_t bytes_max);
  Task<bool> wait_for_body();
  Connection& connection_;

 public:
  const std::int32_t id;
};

class Connection final : public Http2 {
 public:
  Connection(Surroundings& server, io::Stream& stream, const Peer& peer) : server_(server), stream_(stream), peer_(peer) {}

  Task<void> run() override {
    last_busy_ = server_.clock.monotonic_now();
    head_deadline_ = last_busy_ + limits::head_time;
    bool more = set_up();
    while (more) {
      round([&] { more = receive(); });
      if (!more || over_ || !wants_more()) break;
      more = co_await stream_.read_more();
    }
    over_ = true;
    round([] {});
    // From here on nghttp2 knows no stream any more, so that none of its callbacks can ask for an exchange that is gone.
    session_.reset();
    round([this] { end_exchanges(); });
    co_await Drained{*this};
  }

  bool idle() const override { return exchanges_.empty(); }

  void drain() override {
    if (std::exchange(drained_, true) || !session_) return;
    nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_.get()), NGHTTP2_NO_ERROR,
                          nullptr, 0);
    flush_soon();
  }

  bool keep(MonotonicTime now) override {
    if (!server_.settings.deadlines) return now < end_deadline_;
    if (writing_ && now >= write_deadline_) return false;
    if (exchanges_.empty() && now - last_busy_ >= limits::idle_time) return false;
    if (now >= end_deadline_ || now >= head_deadline_) return false;
    for (auto& each : exchanges_) {
      if (each->closed) continue;
      if (now < each->body_deadline && !(is_stalled(*each) && now >= each->send_deadline)) continue;
      reset(*each, NGHTTP2_CANCEL);
    }
    flush_soon();
    return true;
  }

  // For exchanges.
  void take_back(Exchange& exchange, std::size_t bytes) {
    exchange.unconsumed -= bytes;
    if (!session_ || over_) return;
    if (exchange.closed)
      nghttp2_session_consume_connection(session_.get(), bytes);
    else
      nghttp2_session_consume(session_.get(), exchange.id, bytes);
    flush_soon();
  }
  void say_continue(Exchange& exchange) {
    if (!session_ || over_) return;
    const auto status = pair_of(":status", "100");
    nghttp2_submit_headers(session_.get(), NGHTTP2_FLAG_NONE, exchange.id, nullptr, &status, 1, nullptr);
    flush_soon();
  }
  Surroundings& server() { return server_; }

 private:
  struct Drained {
    Connection& connection;
    bool await_ready() const { return connection.scope_.empty(); }
    void await_suspend(std::coroutine_handle<> handle) {
      connection.scope_.when_empty([this, handle] { connection.server_.loop.post([handle] { handle.resume(); }); });
    }
    void await_resume() const {}
  };

  bool set_up();
  static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* self);
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size, std::uint8_t flags, void* self);
  static int on_invalid_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                               const std::uint8_t* value, std::size_t value_size, std::uint8_t flags, void* self);
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* self);
  static int on_data(nghttp2_session*, std::uint8_t flags, std::int32_t id, const std::uint8_t* data, std::size_t size, void* self);
  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* self);
  static int on_sent(nghttp2_session*, const nghttp2_frame* frame, void* self);
  static ssize_t on_wanted(nghttp2_session*, std::int32_t id, std::uint8_t* out, std::size_t size, std::uint32_t* flags,
                           nghttp2_data_source* source, void* self);

  Exchange* find(std::int32_t id) const { return static_cast<Exchange*>(nghttp2_session_get_stream_user_data(session_.get(), id)); }

  bool wants_more() const {
    return (nghttp2_session_want_read(session_.get()) || nghttp2_session_want_write(session_.get())) && !(drained_ && exchanges_.empty());
  }

  // Everything that has arrived. False when the connection is to end.
  bool receive() {
    const auto bytes = stream_.incoming();
    if (bytes.empty()) return true;
    const auto now = server_.clock.monotonic_now();
    const auto preface = std::min(preface_left_, bytes.size());
    preface_left_ -= preface;
    if (const auto verdict = budget_.take(bytes.substr(preface), now); verdict != FrameBudget::Verdict::fine) return flooded(verdict);
    const auto used = nghttp2_session_mem_recv(session_.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    if (used < 0) {
      // Header blocks that unpack beyond all measure come here too; the others nghttp2 has answered with a GOAWAY of its own.
      if (used == NGHTTP2_ERR_CALLBACK_FAILURE) nghttp2_session_terminate_session(session_.get(), NGHTTP2_ENHANCE_YOUR_CALM);
      server_.handler.refused(peer_, 400, cat("HTTP/2: ", nghttp2_strerror(static_cast<int>(used))));
      return false;
    }
    stream_.consume(static_cast<std::size_t>(used));
    if (preface_left_ == 0) head_deadline_ = open_block_ ? std::min(head_deadline_, now + limits::head_time) : MonotonicTime::max();
    return !resets_flood_ || flooded(FrameBudget::Verdict::reset_flood);
  }

  bool flooded(FrameBudget::Verdict verdict) {
    static constexpr std::string_view names[] = {"", "control frames", "resets", "window updates", "unknown frames", "header frames"};
    server_.handler.refused(peer_, 400, cat("HTTP/2: too many ", names[static_cast<std::size_t>(verdict)]));
    nghttp2_session_terminate_session(session_.get(), NGHTTP2_ENHANCE_YOUR_CALM);
    return false;
  }

  void queue(Exchange& exchange) {
    if (std::exchange(exchange.queued, true)) return;
    queue_.push_back(&exchange);
  }

  // What callbacks found is acted on here: nothing of ours runs inside nghttp2.
  void work() {
    while (!queue_.empty()) {
      auto batch = std::exchange(queue_, {});
      for (auto* exchange : batch) {
        exchange->queued = false;
        step(*exchange);
      }
    }
  }

  void step(Exchange& exchange) {
    if (exchange.closed && !exchange.started) {
      retire(exchange);
      return;
    }
    if (exchange.head_complete && !exchange.started && !over_) {
      start(exchange);
      return;
    }
    if (std::exchange(exchange.wants_piece, false) && !exchange.closed && !exchange.pulling) {
      exchange.pulling = true;
      scope_.spawn(pull(exchange));
      return;
    }
    if (exchange.closed && exchange.pulling) exchange.response.stream->abandon();
    if (!exchange.received.empty() || exchange.body_ended || exchange.closed)
      if (auto reader = std::exchange(exchange.reader, nullptr)) {
        reader.resume();
        return;
      }
    if (exchange.closed && exchange.handled && !exchange.pulling) retire(exchange);
  }

  void start(Exchange& exchange) {
    if (handlers_ >= handlers_max) {
      exchange.started = exchange.handled = true;
      reset(exchange, NGHTTP2_REFUSED_STREAM);
      return;
    }
    exchange.started = true;
    auto head = exchange.block.finish();
    if (!head) {
      exchange.handled = true;
      server_.handler.refused(peer_, head.error().status, head.error().reason);
      exchange.response = plain_refusal(head.error().status, head.error().reason);
      submit(exchange);
      return;
    }
    exchange.head = std::move(*head);
    ++handlers_;
    scope_.spawn(serve(exchange));
  }

  Task<void> serve(Exchange& exchange) {
    auto response = co_await answer(exchange);
    --handlers_;
    exchange.handled = true;
    exchange.body_deadline = MonotonicTime::max();
    exchange.response = std::move(response);
    if (!exchange.closed && !over_) submit(exchange);
    if (!exchange.closed) co_return;
    queue(exchange);
    flush_soon();
  }

  Task<http::Response> answer(Exchange& exchange) {
    try {
      co_return co_await server_.handler.handle(server_.loop, exchange.head.request, exchange, peer_);
    } catch (const std::exception&) {
      // A broken promise of ours (or no memory): this request fails, the connection goes on.
    }
    co_return plain_refusal(500, "Internal server error");
  }

  void submit(Exchange& exchange) {
    auto& response = exchange.response;
    const bool bodyless = response.status == 204 || response.status == 304 || response.status < 200;
    const bool head_only = exchange.head.request.method == "HEAD";
    auto& fields = fields_;
    fields.clear();
    exchange.status_text = cat(response.status);
    fields.push_back(pair_of(":status", exchange.status_text));
    for (auto& [name, value] : response.headers) {
      for (auto& c : name) c = to_lower(c);
      if (!is_left_out(name)) fields.push_back(pair_of(name, value));
    }
    if (!bodyless && !response.stream) {
      exchange.length_text = cat(response.body.size());
      fields.push_back(pair_of("content-length", exchange.length_text));
    }
    exchange.date_text = server_.date_now();
    fields.push_back(pair_of("date", exchange.date_text));
    const bool has_data = !bodyless && !head_only && (response.stream || !response.body.empty());
    if (!response.stream) exchange.piece = std::move(response.body), exchange.source_ended = true;
    nghttp2_data_provider provider{{.ptr = &exchange}, on_wanted};
    exchange.answering = has_data;
    exchange.send_deadline = server_.clock.monotonic_now() + limits::write_stall_time;
    if (nghttp2_submit_response(session_.get(), exchange.id, fields.data(), fields.size(), has_data ? &provider : nullptr))
      reset(exchange, NGHTTP2_INTERNAL_ERROR);
    flush_soon();
  }

  Task<void> pull(Exchange& exchange) {
    auto piece = co_await attempt(exchange.response.stream->next());
    exchange.pulling = false;
    if (exchange.closed || over_) {
      queue(exchange);
      flush_soon();
      co_return;
    }
    if (!piece) {
      reset(exchange, NGHTTP2_INTERNAL_ERROR);
    } else {
      exchange.piece = std::move(*piece);
      exchange.sent = exchange.progress_mark = 0;
      exchange.source_ended = exchange.piece.empty();
      exchange.send_deadline = server_.clock.monotonic_now() + limits::write_stall_time;
      nghttp2_session_resume_data(session_.get(), exchange.id);
    }
    flush_soon();
  }

  /// Has the client's window been shut while there was something to send?
  static bool is_stalled(const Exchange& exchange) { return exchange.answering && exchange.sent < exchange.piece.size(); }

  void reset(Exchange& exchange, std::uint32_t code) {
    if (exchange.closed) return;
    exchange.body_deadline = exchange.send_deadline = MonotonicTime::max();
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, exchange.id, code);
    flush_soon();
  }

  void retire(Exchange& exchange) {
    if (exchange.unconsumed) take_back(exchange, exchange.unconsumed);
    exchanges_.erase(exchange.place);
    if (exchanges_.empty()) last_busy_ = server_.clock.monotonic_now();
  }

  void end_exchanges() {
    for (auto& each : exchanges_) {
      each->closed = true;
      queue(*each);
    }
  }

  /// Does something, acts on what came of it, and sends what is there to be sent.
  template <class Step>
  void round(const Step& step) {
    in_round_ = true;
    step();
    flush();
    in_round_ = false;
  }

  // Once for all that becomes ready in one turn of the loop: answers share writes.
  void flush_soon() {
    if (in_round_ || std::exchange(flush_posted_, true)) return;
    server_.loop.post([alive = std::weak_ptr(alive_)] {
      const auto self = alive.lock();
      if (!self) return;
      (*self)->flush_posted_ = false;
      (*self)->round([] {});
    });
  }

  void flush() {
    for (;;) {
      work();
      if (!session_ || writing_ || broken_) return;
      out_.clear();
      while (out_.size() < write_bytes) {
        const std::uint8_t* data = nullptr;
        const auto size = nghttp2_session_mem_send(session_.get(), &data);
        if (size <= 0) break;
        out_.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
      }
      if (out_.empty()) {
        if (queue_.empty()) break;
        continue;
      }
      const auto writing = stream_.write(out_);
      if (!writing.done) {
        writing_ = true;
        write_deadline_ = server_.clock.monotonic_now() + limits::write_stall_time;
        scope_.spawn(finish_writing(writing));
        return;
      }
      if (!writing.await_resume()) {
        broke();
        return;
      }
    }
    if (!over_ && !wants_more()) end();
  }

  Task<void> finish_writing(io::Stream::Write writing) {
    const bool good = co_await writing;
    writing_ = false;
    if (!good) {
      broke();
      co_return;
    }
    flush_soon();
  }

  // All is said: the client is to close, and is cut when it does not.
  void end() {
    if (end_deadline_ != MonotonicTime::max()) return;
    end_deadline_ = server_.clock.monotonic_now() + end_time;
    stream_.end_writing();
  }

  // Closing wakes `run`, which waits for bytes.
  void broke() {
    broken_ = over_ = true;
    stream_.close();
  }

  Surroundings& server_;
  io::Stream& stream_;
  const Peer& peer_;
  std::unique_ptr<nghttp2_session, Free> session_;
  std::list<std::unique_ptr<Exchange>> exchanges_;
  std::vector<Exchange*> queue_;
  std::vector<nghttp2_nv> fields_;
  io::Scope scope_;
  FrameBudget budget_;
  std::string out_;
  std::size_t preface_left_ = http2_preface.size();
  int handlers_ = 0;
  bool in_round_ = false, writing_ = false, flush_posted_ = false, over_ = false, broken_ = false, drained_ = false;
  bool open_block_ = false, resets_flood_ = false;
  MonotonicTime last_busy_{}, write_deadline_{}, head_deadline_ = MonotonicTime::max(), end_deadline_ = MonotonicTime::max();
  std::shared_ptr<Connection*> alive_ = std::make_shared<Connection*>(this);
};

bool Connection::set_up() {
  static const nghttp2_session_callbacks* const callbacks = [] {
    nghttp2_session_callbacks* made = nullptr;
    if (nghttp2_session_callbacks_new(&made)) return made;
    nghttp2_session_callbacks_set_on_begin_headers_callback(made, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(made, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(made, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(made, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(made, on_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(made, on_sent);
    return made;
  }();
  nghttp2_option* made = nullptr;
  if (!callbacks || nghttp2_option_new(&made)) return false;
  const std::unique_ptr<nghttp2_option, Free> option(made);
  nghttp2_option_set_no_auto_window_update(made, 1);
  nghttp2_option_set_no_closed_streams(made, 1);
  nghttp2_option_set_max_continuations(made, FrameBudget::header_frames_max);
  nghttp2_session* session = nullptr;
  if (nghttp2_session_server_new2(&session, callbacks, this, made)) return false;
  session_.reset(session);
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, streams_max},
                                             {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, stream_window_bytes},
                                             {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, header_list_bytes_max},
                                             {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}};
  return !nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, std::size(settings)) &&
         !nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, connection_window_bytes);
}

int Connection::on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* data) {
  auto& self = *static_cast<Connection*>(data);
  self.open_block_ = true;
  if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  auto& exchange = self.exchanges_.emplace_back(std::make_unique<Exchange>(self, frame->hd.stream_id));
  exchange->place = std::prev(self.exchanges_.end());
  nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, exchange.get());
  return 0;
}

int Connection::on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                          const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* data) {
  auto* exchange = static_cast<Connection*>(data)->find(frame->hd.stream_id);
  if (!exchange) return 0;
  const std::string_view name_text(reinterpret_cast<const char*>(name), name_size),
      value_text(reinterpret_cast<const char*>(value), value_size);
  if (exchange->head_complete) {
    exchange->trailer_bytes += name_size + value_size + 32;
    if (exchange->trailer_bytes <= header_list_bytes_max) exchange->trailer_fields.emplace_back(name_text, value_text);
  } else {
    exchange->block.add(name_text, value_text);
  }
  return exchange->block.bytes() + exchange->trailer_bytes > header_list_bytes_fatal ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

int Connection::on_invalid_header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t*, std::size_t,
                                  const std::uint8_t*, std::size_t, std::uint8_t, void* data) {
  auto& self = *static_cast<Connection*>(data);
  self.server_.handler.refused(self.peer_, 400, "HTTP/2: character in a header field");
  nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_PROTOCOL_ERROR);
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

int Connection::on_frame(nghttp2_session*, const nghttp2_frame* frame, void* data) {
  auto& self = *static_cast<Connection*>(data);
  if (frame->hd.type == NGHTTP2_HEADERS) self.open_block_ = false;
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
  auto* exchange = self.find(frame->hd.stream_id);
  if (!exchange) return 0;
  if (frame->hd.type == NGHTTP2_HEADERS) exchange->head_complete = true;
  if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) exchange->body_ended = true;
  self.queue(*exchange);
  return 0;
}

int Connection::on_data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes, std::size_t size, void* data) {
  auto& self = *static_cast<Connection*>(data);
  auto* exchange = self.find(id);
  if (!exchange) return 0;
  exchange->unconsumed += size;
  // What comes after the answer is thrown away; the window is given back with the stream.
  if (exchange->handled) return 0;
  exchange->received.append(reinterpret_cast<const char*>(bytes), size);
  self.queue(*exchange);
  return 0;
}

int Connection::on_close(nghttp2_session*, std::int32_t id, std::uint32_t, void* data) {
  auto& self = *static_cast<Connection*>(data);
  auto* exchange = self.find(id);
  if (!exchange) return 0;
  exchange->closed = true;
  exchange->body_deadline = exchange->send_deadline = MonotonicTime::max();
  self.queue(*exchange);
  return 0;
}

int Connection::on_sent(nghttp2_session* session, const nghttp2_frame* frame, void* data) {
  auto& self = *static_cast<Connection*>(data);
  if (frame->hd.type == NGHTTP2_DATA) self.budget_.data_sent();
  if (frame->hd.type == NGHTTP2_RST_STREAM && frame->rst_stream.error_code != NGHTTP2_NO_ERROR &&
      self.budget_.reset_sent(self.server_.clock.monotonic_now()) != FrameBudget::Verdict::fine)
    self.resets_flood_ = true;
  const bool answer = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
  if (!answer || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) return 0;
  auto* exchange = self.find(frame->hd.stream_id);
  if (!exchange) return 0;
  exchange->answering = false;
  // The answer is whole; the rest of the request is not wanted (RFC 9113, 8.1).
  if (!exchange->body_ended) nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
  return 0;
}

ssize_t Connection::on_wanted(nghttp2_session*, std::int32_t, std::uint8_t* out, std::size_t size, std::uint32_t* flags,
                              nghttp2_data_source* source, void* data) {
  auto& self = *static_cast<Connection*>(data);
  auto& exchange = *static_cast<Exchange*>(source->ptr);
  const auto count = std::min(size, exchange.piece.size() - exchange.sent);
  std::copy_n(exchange.piece.data() + exchange.sent, count, reinterpret_cast<char*>(out));
  exchange.sent += count;
  const bool piece_done = exchange.sent == exchange.piece.size();
  if (piece_done || exchange.sent - exchange.progress_mark >= progress_bytes) {
    exchange.progress_mark = exchange.sent;
    exchange.send_deadline = self.server_.clock.monotonic_now() + limits::write_stall_time;
  }
  if (piece_done && exchange.source_ended) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(count);
  }
  if (count) return static_cast<ssize_t>(count);
  exchange.wants_piece = true;
  self.queue(exchange);
  return NGHTTP2_ERR_DEFERRED;
}

void Exchange::say_continue() {
  if (head.framing.expects_continue && body_taken == 0 && received.empty() && !body_ended && !closed) connection_.say_continue(*this);
  head.framing.expects_continue = false;
}

// What has arrived; the client may send as much again.
std::string Exchange::take(std::size_t bytes_max) {
  std::string bytes;
  if (received.size() <= bytes_max) {
    bytes = std::exchange(received, {});
  } else {
    bytes = received.substr(0, bytes_max);
    received.erase(0, bytes_max);
  }
  body_taken += bytes.size();
  body_time.arrived(bytes.size());
  connection_.take_back(*this, bytes.size());
  return bytes;
}

Task<bool> Exchange::wait_for_body() {
  if (closed) co_return false;
  body_deadline = body_time.begin(connection_.server().clock.monotonic_now());
  co_await Wait{*this};
  body_time.end(connection_.server().clock.monotonic_now());
  body_deadline = MonotonicTime::max();
  co_return !closed || body_ended || !received.empty();
}

Task<Result<std::string, BodyError>> Exchange::read_all(std::size_t bytes_max) {
  std::string body;
  const auto& framing = head.framing;
  if (framing.content_length.value_or(0) > bytes_max) co_return fail(BodyError{BodyError::Kind::too_large});
  say_continue();
  for (;;) {
    if (received.size() > bytes_max - body.size()) co_return fail(BodyError{BodyError::Kind::too_large});
    if (!received.empty()) {
      if (body.empty())
        body = take(received.size());
      else
        body += take(received.size());
    }
    if (body_ended) break;
    if (!co_await wait_for_body()) co_return fail(BodyError{BodyError::Kind::incomplete});
  }
  if (framing.content_length && *framing.content_length != body_taken) co_return fail(BodyError{BodyError::Kind::malformed});
  co_return body;
}

Task<Result<std::string, BodyError>> Exchange::read_some() {
  say_continue();
  while (received.empty() && !body_ended)
    if (!co_await wait_for_body()) co_return fail(BodyError{BodyError::Kind::incomplete});
  if (!received.empty()) co_return take(limits::piece_bytes_max);
  const auto& framing = head.framing;
  if (framing.content_length && *framing.content_length != body_taken) co_return fail(BodyError{BodyError::Kind::malformed});
  if (trailer_bytes > header_list_bytes_max) co_return fail(BodyError{BodyError::Kind::malformed});
  co_return std::string();
}

}  // namespace

std::unique_ptr<Http2> Http2::make(Surroundings& server, io::Stream& stream, const Peer& peer) {
  return std::make_unique<Connection>(server, stream, peer);
}

}  // namespace sallyport::serve
