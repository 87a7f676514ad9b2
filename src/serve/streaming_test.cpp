// Bodies read piece by piece, trailers, and answers that are made while they are sent.
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include "base/text.hpp"
#include "io/completion.hpp"
#include "io/testing.hpp"
#include "serve/server.hpp"

namespace sallyport::serve {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class TestClock final : public Clock {
 public:
  WallTime wall_now() const override { return WallTime(seconds(1'700'000'000)); }
  MonotonicTime monotonic_now() const override { return now; }
  MonotonicTime now{};
};

/// What a test lets out piece by piece; a `next` waits until there is one.
struct Tap {
  void give(std::string piece) {
    pieces.push_back(std::move(piece));
    if (bell) bell->deliver(true);
  }
  std::vector<std::string> pieces;
  std::size_t taken = 0;
  std::optional<io::Completion<bool>> bell;
  bool abandoned = false, destroyed = false;
};

class TapSource final : public http::BodySource {
 public:
  TapSource(io::Loop& loop, Tap& tap) : loop_(loop), tap_(tap) {}
  ~TapSource() override { tap_.destroyed = true; }
  Task<Result<std::string>> next() override {
    while (tap_.taken == tap_.pieces.size() && !tap_.abandoned) {
      co_await tap_.bell.emplace().wait_on(loop_);
      tap_.bell.reset();
    }
    if (tap_.abandoned) co_return std::string();
    co_return tap_.pieces[tap_.taken++];
  }
  void abandon() override {
    tap_.abandoned = true;
    if (tap_.bell) tap_.bell->deliver(true);
  }

 private:
  io::Loop& loop_;
  Tap& tap_;
};

class StreamingHandler final : public Handler {
 public:
  Task<http::Response> handle(io::Loop& loop, const http::Request& request, BodyReader& body, const Peer&) override {
    http::Response response;
    if (request.path == "/tap") {
      response.stream = std::make_unique<TapSource>(loop, tap);
      co_return response;
    }
    if (request.path == "/held") co_await hold.wait_on(loop);
    for (;;) {
      auto piece = co_await attempt(body.read_some());
      if (!piece) {
        response.status = piece.error().kind == BodyError::Kind::malformed ? 400 : 408;
        co_return response;
      }
      if (piece->empty()) break;
      largest = std::max(largest, piece->size());
      ++pieces;
      size += piece->size();
      response.body += *piece;
    }
    EXPECT_TRUE((co_await attempt(body.read_some())).value().empty()) << "the end stays the end";
    for (const auto& [name, value] : body.trailers()) response.add(cat("Was-", name), value);
    if (response.body.size() > 1000) response.body.clear();
    co_return response;
  }
  void refused(const Peer&, int, std::string_view) override {}
  Tap tap;
  io::Completion<bool> hold;
  std::size_t pieces = 0, largest = 0, size = 0;
};

class StreamingTest : public testing::Test {
 public:
  void TearDown() override {
    server->shut_down(milliseconds(0), [this] { loop->stop(); });
    loop->run();
  }
  void serve_with(const ServerSettings& settings) { server = std::make_unique<Server>(*loop, clock, handler, 16, settings); }
  void connect() {
    auto [mine, theirs] = io::make_stream_pair(*loop);
    client = std::move(mine);
    server->accept(std::move(theirs));
  }
  void run(Task<void> task) {
    loop->scope().spawn(std::move(task));
    loop->scope().when_empty([this] { loop->stop(); });
    loop->run();
  }
  /// Sends the pieces one after another and reads one whole answer.
  std::string exchange(std::vector<std::string> texts) {
    connect();
    std::string received;
    run([](StreamingTest& test, std::vector<std::string> all, std::string& out) -> Task<void> {
      for (const auto& text : all) {
        co_await test.client->write(text);
        co_await io::sleep_for(*test.loop, milliseconds(1));
      }
      test.client->end_writing();
      while (co_await test.client->read_more()) {
      }
      out = test.client->incoming();
    }(*this, std::move(texts), received));
    return received;
  }
  Task<void> until(std::string_view text) {
    while (client->incoming().find(text) == std::string_view::npos && co_await client->read_more()) {
    }
  }
  Task<void> settle() { return io::settle(*loop); }

  std::unique_ptr<io::Loop> loop = *io::Loop::make();
  TestClock clock;
  StreamingHandler handler;
  std::unique_ptr<Server> server = std::make_unique<Server>(*loop, clock, handler, 16);
  std::unique_ptr<io::Stream> client;
};

constexpr std::string_view chunked_head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";

TEST_F(StreamingTest, ADeclaredBodyComesInPieces) {
  const auto text =
      exchange({"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nab", "cd", "efGET /next HTTP/1.1\r\nHost: h\r\n\r\n"});
  EXPECT_TRUE(text.starts_with("HTTP/1.1 200 OK")) << text;
  EXPECT_NE(text.find("\r\n\r\nabcdef"), text.npos);
  EXPECT_EQ(handler.pieces, 3u);
  EXPECT_NE(text.find("HTTP/1.1 200", 10), text.npos) << "the connection is kept";
}

TEST_F(StreamingTest, AChunkedBodyComesInPiecesAndItsTrailersAfterIt) {
  const auto text = exchange({std::string(chunked_head), "3\r\nabc\r\n", "2;x=y\r\nd", "e\r\n0\r\nError-Type: ", "Some.Type\r\n", "\r\n"});
  EXPECT_TRUE(text.ends_with("\r\n\r\nabcde")) << text;
  EXPECT_NE(text.find("\r\nWas-Error-Type: Some.Type\r\n"), text.npos) << text;
  EXPECT_EQ(handler.pieces, 3u);
}

TEST_F(StreamingTest, ABodyWithoutAnythingEndsAtOnce) {
  EXPECT_TRUE(exchange({"POST / HTTP/1.1\r\nHost: h\r\n\r\n"}).starts_with("HTTP/1.1 200 OK"));
  EXPECT_TRUE(exchange({"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}).starts_with("HTTP/1.1 200 OK"));
  EXPECT_EQ(handler.pieces, 0u);
}

TEST_F(StreamingTest, BrokenAndUnfinishedBodiesAreErrors) {
  EXPECT_TRUE(exchange({std::string(chunked_head), "3\r\nabcX"}).starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(exchange({std::string(chunked_head), "0\r\nno colon\r\n\r\n"}).starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(exchange({std::string(chunked_head), "3\r\nab"}).starts_with("HTTP/1.1 408"));
  EXPECT_TRUE(exchange({"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nab"}).starts_with("HTTP/1.1 408"));
}

TEST_F(StreamingTest, LargeBodiesComeInPiecesOfBoundedSize) {
  std::string body(1 << 20, 'x');
  exchange({cat("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ", body.size(), "\r\n\r\n"), body});
  EXPECT_EQ(handler.size, body.size());
  EXPECT_LE(handler.largest, limits::piece_bytes_max);
}

TEST_F(StreamingTest, TimeInWhichNobodyAskedIsNotTheClients) {
  connect();
  run([](StreamingTest& test) -> Task<void> {
    co_await test.client->write("POST /held HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\na");
    co_await test.settle();
    test.clock.now += 10 * limits::body_time;
    co_await io::sleep_for(*test.loop, milliseconds(300));  // a sweep
    EXPECT_FALSE(test.client->at_end());
    test.handler.hold.deliver(true);
    co_await test.settle();
    test.clock.now += limits::body_time + seconds(1);
    EXPECT_FALSE(co_await test.client->read_more()) << "now it is";
  }(*this));
}

TEST_F(StreamingTest, WithoutDeadlinesNothingIsCutBetweenRequestsOrInABody) {
  serve_with({.deadlines = false});
  connect();
  run([](StreamingTest& test) -> Task<void> {
    for (const std::string_view part :
         {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n", "a\r\n", "0\r\n\r\n"}) {
      co_await test.client->write(part);
      co_await test.settle();
      test.clock.now += std::chrono::hours(1);
      co_await io::sleep_for(*test.loop, milliseconds(300));
      EXPECT_FALSE(test.client->at_end()) << part;
    }
    co_await test.until("\r\n\r\na");
    test.client->close();
  }(*this));
}

TEST_F(StreamingTest, HeadsAndTrailersMayBeLargerWhereThatIsSet) {
  const auto head =
      cat("POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nX: ", std::string(20'000, 'x'), "\r\n\r\n");
  const auto trailers = cat("0\r\nX: ", std::string(20'000, 'x'), "\r\n\r\n");
  EXPECT_TRUE(exchange({head, trailers}).starts_with("HTTP/1.1 431"));
  EXPECT_TRUE(exchange({std::string(chunked_head), trailers}).starts_with("HTTP/1.1 400"));
  serve_with({.header_value_bytes_max = 30'000, .head_bytes_max = 60'000, .trailer_bytes_max = 30'000});
  EXPECT_TRUE(exchange({head, trailers}).starts_with("HTTP/1.1 200"));
}

TEST_F(StreamingTest, ThePiecesOfAnAnswerAreSentAtOnce) {
  connect();
  run([](StreamingTest& test) -> Task<void> {
    co_await test.client->write("GET /tap HTTP/1.1\r\nHost: h\r\n\r\n");
    test.handler.tap.give("first");
    co_await test.until("5\r\nfirst\r\n");
    // A source that takes its time is nobody's fault.
    test.clock.now += 10 * limits::write_stall_time;
    co_await io::sleep_for(*test.loop, milliseconds(300));
    test.handler.tap.give("second");
    co_await test.until("6\r\nsecond\r\n");
    test.handler.tap.give("");
    co_await test.until("0\r\n\r\n");
    EXPECT_TRUE(test.handler.tap.destroyed);
    EXPECT_FALSE(test.handler.tap.abandoned);
    co_await test.client->write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nz");
    co_await test.until("\r\n\r\nz");
    test.client->close();
  }(*this));
}

TEST_F(StreamingTest, AClientThatGoesAwayIsNoticedWhileTheSourceWaits) {
  connect();
  run([](StreamingTest& test) -> Task<void> {
    co_await test.client->write("GET /tap HTTP/1.1\r\nHost: h\r\n\r\n");
    test.handler.tap.give("first");
    co_await test.until("first");
    test.client->close();
    co_await test.settle();
    EXPECT_TRUE(test.handler.tap.abandoned);
    EXPECT_TRUE(test.handler.tap.destroyed);
    EXPECT_EQ(test.server->connection_count(), 0u);
  }(*this));
}

TEST_F(StreamingTest, ShuttingDownEndsAnAnswerThatWaits) {
  connect();
  run([](StreamingTest& test) -> Task<void> {
    co_await test.client->write("GET /tap HTTP/1.1\r\nHost: h\r\n\r\n");
    test.handler.tap.give("first");
    co_await test.until("first");
    io::Completion<bool> drained;
    test.server->shut_down(milliseconds(1), [drained]() mutable { drained.deliver(true); });
    co_await drained.wait_on(*test.loop);
    EXPECT_TRUE(test.handler.tap.destroyed);
  }(*this));
}

TEST_F(StreamingTest, RequestsSentDuringAnAnswerAreAnsweredAfterIt) {
  connect();
  run([](StreamingTest& test) -> Task<void> {
    co_await test.client->write("GET /tap HTTP/1.1\r\nHost: h\r\n\r\n");
    test.handler.tap.give("first");
    co_await test.until("first");
    co_await test.client->write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nz");
    co_await test.settle();
    test.handler.tap.give("");
    co_await test.until("\r\n\r\nz");
    test.client->close();
  }(*this));
}

/// nghttp2's client, as much of it as these tests need: one request with a body in parts.
class Http2Client {
 public:
  explicit Http2Client(io::Stream& stream) : stream_(stream) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name, std::size_t name_size, const std::uint8_t* value,
                      std::size_t value_size, std::uint8_t, void* self) {
          static_cast<Http2Client*>(self)->received += cat(std::string_view(reinterpret_cast<const char*>(name), name_size), "=",
                                                           std::string_view(reinterpret_cast<const char*>(value), value_size), ";");
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks, [](nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* data, std::size_t size, void* self) {
          static_cast<Http2Client*>(self)->received.append(reinterpret_cast<const char*>(data), size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, [](nghttp2_session*, std::int32_t, std::uint32_t, void* self) {
      static_cast<Http2Client*>(self)->closed = true;
      return 0;
    });
    nghttp2_session_client_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
  }
  ~Http2Client() { nghttp2_session_del(session_); }

  std::int32_t request(std::string_view path, std::string body, std::vector<std::pair<std::string, std::string>> trailers = {}) {
    body_ = std::move(body);
    trailers_ = std::move(trailers);
    const std::pair<std::string_view, std::string_view> fields[] = {
        {":method", body_.empty() ? "GET" : "POST"}, {":scheme", "http"}, {":authority", "h"}, {":path", path}};
    std::vector<nghttp2_nv> pairs;
    for (const auto& [name, value] : fields) pairs.push_back(pair(name, value));
    nghttp2_data_provider provider{{.ptr = this},
                                   [](nghttp2_session* session, std::int32_t id, std::uint8_t* out, std::size_t size, std::uint32_t* flags,
                                      nghttp2_data_source* source, void*) -> ssize_t {
                                     return static_cast<Http2Client*>(source->ptr)->give(session, id, out, size, flags);
                                   }};
    return nghttp2_submit_request(session_, nullptr, pairs.data(), pairs.size(), body_.empty() ? nullptr : &provider, nullptr);
  }
  Task<void> talk(std::function<bool()> enough) {
    for (;;) {
      const std::uint8_t* data = nullptr;
      for (ssize_t size = 0; (size = nghttp2_session_mem_send(session_, &data)) > 0;)
        co_await stream_.write({reinterpret_cast<const char*>(data), static_cast<std::size_t>(size)});
      if (const auto text = stream_.incoming(); !text.empty()) {
        if (nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(text.data()), text.size()) < 0) co_return;
        stream_.consume(text.size());
        continue;
      }
      if (enough() || !co_await stream_.read_more()) co_return;
    }
  }
  nghttp2_session* session() { return session_; }
  std::string received;
  std::size_t sent = 0;
  bool closed = false;

 private:
  static nghttp2_nv pair(std::string_view name, std::string_view value) {
    return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
            reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
  }
  ssize_t give(nghttp2_session* session, std::int32_t id, std::uint8_t* out, std::size_t size, std::uint32_t* flags) {
    const auto count = std::min(size, body_.size() - sent);
    std::copy_n(body_.data() + sent, count, reinterpret_cast<char*>(out));
    sent += count;
    if (sent < body_.size()) return static_cast<ssize_t>(count);
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (!trailers_.empty()) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      std::vector<nghttp2_nv> pairs;
      for (const auto& [name, value] : trailers_) pairs.push_back(pair(name, value));
      nghttp2_submit_trailer(session, id, pairs.data(), pairs.size());
    }
    return static_cast<ssize_t>(count);
  }
  io::Stream& stream_;
  nghttp2_session* session_ = nullptr;
  std::string body_;
  std::vector<std::pair<std::string, std::string>> trailers_;
};

TEST_F(StreamingTest, AnHttp2BodyComesInPiecesAndItsTrailersAfterIt) {
  connect();
  Http2Client talker(*client);
  run([](StreamingTest& test, Http2Client& with) -> Task<void> {
    with.request("/", "hello", {{"error-type", "Some.Type"}});
    co_await with.talk([&] { return with.closed; });
    test.client->close();
  }(*this, talker));
  EXPECT_NE(talker.received.find(":status=200;was-error-type=Some.Type;"), std::string::npos) << talker.received;
  EXPECT_TRUE(talker.received.ends_with("hello")) << talker.received;
}

TEST_F(StreamingTest, AnHttp2ClientSendsNoMoreThanAWindowThatNobodyReads) {
  connect();
  Http2Client talker(*client);
  const std::size_t size = 2 << 20;
  run([](StreamingTest& test, Http2Client& with, std::size_t bytes) -> Task<void> {
    with.request("/held", std::string(bytes, 'x'));
    io::Completion<bool> waited;
    test.loop->scope().spawn([](StreamingTest& t, Http2Client& w, io::Completion<bool> done) -> Task<void> {
      co_await io::sleep_for(*t.loop, milliseconds(50));
      EXPECT_LE(w.sent, std::size_t{256 * 1024});
      t.handler.hold.deliver(true);
      done.deliver(true);
    }(test, with, waited));
    co_await with.talk([&] { return with.closed; });
    co_await waited.wait_on(*test.loop);
    test.client->close();
  }(*this, talker, size));
  EXPECT_EQ(handler.size, size);
  EXPECT_LE(handler.largest, limits::piece_bytes_max);
}

TEST_F(StreamingTest, AnHttp2StreamThatIsResetEndsItsSource) {
  connect();
  Http2Client talker(*client);
  run([](StreamingTest& test, Http2Client& with) -> Task<void> {
    const auto id = with.request("/tap", "");
    test.handler.tap.give("first");
    co_await with.talk([&] { return with.received.ends_with("first"); });
    nghttp2_submit_rst_stream(with.session(), NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    co_await with.talk([] { return true; });
    co_await test.settle();
    EXPECT_TRUE(test.handler.tap.abandoned);
    EXPECT_TRUE(test.handler.tap.destroyed);
    EXPECT_EQ(test.server->connection_count(), 1u);
    test.client->close();
  }(*this, talker));
}

TEST_F(StreamingTest, AnHttp2ConnectionThatGoesAwayEndsItsSources) {
  connect();
  Http2Client talker(*client);
  run([](StreamingTest& test, Http2Client& with) -> Task<void> {
    with.request("/tap", "");
    test.handler.tap.give("first");
    co_await with.talk([&] { return with.received.ends_with("first"); });
    test.client->close();
    co_await test.settle();
    EXPECT_TRUE(test.handler.tap.destroyed);
    EXPECT_EQ(test.server->connection_count(), 0u);
  }(*this, talker));
}

}  // namespace
}  // namespace sallyport::serve
