#include "serve/server.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "io/completion.hpp"
#include "io/testing.hpp"
#include "serve/client.hpp"

namespace sallyport::serve {
namespace {

class TestClock final : public Clock {
 public:
  WallTime wall_now() const override { return WallTime(std::chrono::seconds(1'700'000'000)); }
  MonotonicTime monotonic_now() const override { return now; }
  MonotonicTime now{};
};

/// Echoes the body; `/quiet` does not look at it; `/held` waits until it is let go; `/stream` answers in pieces; `/throw` breaks a promise.
class EchoHandler final : public Handler {
 public:
  Task<http::Response> handle(io::Loop& loop, const http::Request& request, BodyReader& body, const Peer&) override {
    ++calls;
    http::Response response;
    if (request.path == "/throw") throw std::runtime_error("broken");
    if (request.path == "/slow") co_await io::sleep_for(loop, std::chrono::milliseconds(50));
    if (request.path == "/held") co_await hold.wait_on(loop);
    if (request.path == "/stream") {
      response.stream = std::make_unique<Pieces>();
    } else if (request.path != "/quiet") {
      auto bytes = co_await attempt(body.read_all(100));
      if (!bytes) {
        response.status = bytes.error().kind == BodyError::Kind::too_large ? 413 : 400;
        co_return response;
      }
      response.body = *bytes;
    }
    response.add("X-Path", request.path);
    co_return response;
  }
  class Pieces final : public http::BodySource {
   public:
    Task<Result<std::string>> next() override { co_return left_-- > 0 ? std::string("piece") : std::string(); }
    int left_ = 2;
  };
  void refused(const Peer&, int status, std::string_view reason) override { refusals.push_back(cat(status, " ", reason)); }
  int calls = 0;
  io::Completion<bool> hold;
  std::vector<std::string> refusals;
};

class ServerTest : public testing::Test {
 public:
  void TearDown() override {
    server.shut_down(std::chrono::milliseconds(0), [this] { loop->stop(); });
    loop->run();
  }
  /// Sends raw text on a fresh connection, ends our side, and returns everything that came back.
  std::string exchange(std::vector<std::string> pieces) {
    auto [client, theirs] = io::make_stream_pair(*loop);
    server.accept(std::move(theirs));
    std::string received;
    loop->scope().spawn([](ServerTest& test, io::Stream& stream, std::vector<std::string> texts, std::string& out) -> Task<void> {
      for (const auto& text : texts) {
        co_await stream.write(text);
        co_await io::sleep_for(*test.loop, std::chrono::milliseconds(1));
      }
      stream.end_writing();
      while (co_await stream.read_more()) {
      }
      out = stream.incoming();
      test.loop->stop();
    }(*this, *client, std::move(pieces), received));
    loop->run();
    return received;
  }
  static int count(std::string_view text, std::string_view what) {
    int n = 0;
    for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++n;
    return n;
  }

  std::unique_ptr<io::Loop> loop = *io::Loop::make();
  TestClock clock;
  EchoHandler handler;
  Server server{*loop, clock, handler, 16};
};

TEST_F(ServerTest, AnswersAndKeepsTheConnection) {
  const auto text =
      exchange({"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", "GET /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"});
  EXPECT_EQ(text,
            "HTTP/1.1 200 OK\r\nX-Path: /a\r\nContent-Length: 3\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\nConnection: keep-alive\r\n\r\nabc"
            "HTTP/1.1 200 OK\r\nX-Path: /b\r\nContent-Length: 0\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\nConnection: close\r\n\r\n");
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  const auto text = exchange(
      {"POST /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n1GET /2 HTTP/1.1\r\nHost: h\r\n\r\nGET /3 HTTP/1.1\r\nHost: h\r\n\r\n"});
  EXPECT_LT(text.find("/slow"), text.find("/2"));
  EXPECT_LT(text.find("/2"), text.find("/3"));
  EXPECT_EQ(handler.calls, 3);
}

TEST_F(ServerTest, ReadsChunkedBodiesInPieces) {
  const auto text = exchange({"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", "c\r\n2\r\nde\r\n0\r\n", "\r\n"});
  EXPECT_TRUE(text.ends_with("\r\n\r\nabcde")) << text;
}

TEST_F(ServerTest, SendsStreamsChunked) {
  const auto text = exchange({"GET /stream HTTP/1.1\r\nHost: h\r\n\r\n"});
  EXPECT_NE(text.find("Transfer-Encoding: chunked\r\n"), text.npos);
  EXPECT_TRUE(text.ends_with("\r\n\r\n5\r\npiece\r\n5\r\npiece\r\n0\r\n\r\n")) << text;
}

TEST_F(ServerTest, AsksForABodyOnlyWhenItIsWanted) {
  const std::string head = " HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
  EXPECT_TRUE(exchange({"POST /" + head, "abc"}).starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"));
  const auto quiet = exchange({"POST /quiet" + head});
  EXPECT_EQ(quiet.find("100 Continue"), quiet.npos);
  EXPECT_NE(quiet.find("Connection: close"), quiet.npos);
}

TEST_F(ServerTest, AnUnwantedSmallBodyIsSkipped) {
  const auto text = exchange({"POST /quiet HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET /next HTTP/1.1\r\nHost: h\r\n\r\n"});
  EXPECT_NE(text.find("X-Path: /next"), text.npos);
}

TEST_F(ServerTest, RefusesOversizedBodiesAndCloses) {
  const auto text = exchange({"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n", "GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n"});
  EXPECT_TRUE(text.starts_with("HTTP/1.1 413"));
  EXPECT_EQ(count(text, "HTTP/1.1 "), 1);
}

TEST_F(ServerTest, AnAnswerDoesNotWaitForABodyNobodyReads) {
  auto [client, theirs] = io::make_stream_pair(*loop);
  server.accept(std::move(theirs));
  std::string received;
  loop->scope().spawn([](ServerTest& test, io::Stream& stream, std::string& out) -> Task<void> {
    co_await stream.write("POST /quiet HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n");
    while (stream.incoming().find("\r\n\r\n") == std::string_view::npos && co_await stream.read_more()) {
    }
    out = stream.incoming();
    stream.close();
    test.loop->stop();
  }(*this, *client, received));
  loop->run();
  EXPECT_TRUE(received.starts_with("HTTP/1.1 200 OK")) << received;
  EXPECT_NE(received.find("Connection: close"), received.npos);
}

TEST_F(ServerTest, AMalformedRequestGetsOneAnswerAndTheConnectionEnds) {
  const auto text =
      exchange({"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /hidden "
                "HTTP/1.1\r\nHost: h\r\n\r\n"});
  EXPECT_TRUE(text.starts_with("HTTP/1.1 400"));
  EXPECT_EQ(handler.refusals.size(), 1u);
  EXPECT_EQ(count(text, "HTTP/1.1 "), 1);
  EXPECT_EQ(handler.calls, 0);
}

TEST_F(ServerTest, ABrokenChunkIsRefusedAndNothingAfterItIsRead) {
  const auto text = exchange(
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\nGET /hidden HTTP/1.1\r\nHost: h\r\n\r\n"});
  EXPECT_TRUE(text.starts_with("HTTP/1.1 400"));
  EXPECT_EQ(handler.calls, 1);
}

TEST_F(ServerTest, AThrowingHandlerFailsItsRequestOnly) {
  const auto text = exchange({"GET /throw HTTP/1.1\r\nHost: h\r\n\r\nGET /next HTTP/1.1\r\nHost: h\r\n\r\n"});
  EXPECT_TRUE(text.starts_with("HTTP/1.1 500"));
  EXPECT_NE(text.find("X-Path: /next"), text.npos);
}

TEST_F(ServerTest, HeadHasNoBody) {
  const auto text = exchange({"HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n"});
  EXPECT_TRUE(text.ends_with("\r\n\r\n"));
}

TEST_F(ServerTest, ASlowHeadIsCutAtItsDeadline) {
  auto [client, theirs] = io::make_stream_pair(*loop);
  server.accept(std::move(theirs));
  loop->scope().spawn([](ServerTest& test, io::Stream& stream) -> Task<void> {
    co_await stream.write("GET / HTTP/1.1\r\nHos");
    co_await io::settle(*test.loop);
    test.clock.now += limits::head_time + std::chrono::seconds(1);
    EXPECT_FALSE(co_await stream.read_more());
    test.loop->stop();
  }(*this, *client));
  loop->run();
  EXPECT_EQ(handler.calls, 0);
}

TEST_F(ServerTest, TheOldestIdleConnectionMakesRoom) {
  std::vector<std::unique_ptr<io::Stream>> clients;
  for (int i = 0; i < 17; ++i) {
    auto [client, theirs] = io::make_stream_pair(*loop);
    server.accept(std::move(theirs));
    clients.push_back(std::move(client));
  }
  loop->scope().spawn([](ServerTest& test, io::Stream& oldest) -> Task<void> {
    EXPECT_FALSE(co_await oldest.read_more());
    test.loop->stop();
  }(*this, *clients.front()));
  loop->run();
  EXPECT_FALSE(clients.back()->at_end());
}

TEST_F(ServerTest, ABurstFindsNoMorePlacesThanThereAre) {
  std::vector<std::unique_ptr<io::Stream>> clients;
  for (int i = 0; i < 1'000; ++i) {
    auto [client, theirs] = io::make_stream_pair(*loop);
    server.accept(std::move(theirs));
    clients.push_back(std::move(client));
    ASSERT_LE(server.connection_count(), 32u) << "what is cut in this turn counts too";
  }
  loop->scope().spawn([](ServerTest& test) -> Task<void> {
    co_await io::settle(*test.loop);
    test.loop->stop();
  }(*this));
  loop->run();
  EXPECT_LE(server.connection_count(), 16u);
}

TEST_F(ServerTest, AHalfSentHeadHasItsTimeWhereNothingElseHas) {
  Server patient(*loop, clock, handler, 16, {.deadlines = false});
  auto [client, theirs] = io::make_stream_pair(*loop);
  auto [idle, theirs_too] = io::make_stream_pair(*loop);
  patient.accept(std::move(theirs));
  patient.accept(std::move(theirs_too));
  loop->scope().spawn([](ServerTest& test, Server& its, io::Stream& stream, io::Stream& other) -> Task<void> {
    co_await stream.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(co_await stream.read_more());
    co_await stream.write("GET / HTTP/1.1\r\nHos");
    co_await io::settle(*test.loop);
    test.clock.now += limits::head_time + std::chrono::seconds(1);
    EXPECT_FALSE(co_await stream.read_more());
    EXPECT_FALSE(other.at_end()) << "has begun nothing";
    its.shut_down(std::chrono::milliseconds(0), [&test] { test.loop->stop(); });
  }(*this, patient, *client, *idle));
  loop->run();
  EXPECT_EQ(handler.calls, 1);
}

TEST_F(ServerTest, ConnectionsShareWhatMayBeHeld) {
  Server narrow(*loop, clock, handler, 16, {.held_bytes_max = 1'000});
  std::vector<std::unique_ptr<io::Stream>> clients;
  for (int i = 0; i < 3; ++i) {
    auto [client, theirs] = io::make_stream_pair(*loop);
    narrow.accept(std::move(theirs));
    clients.push_back(std::move(client));
  }
  loop->scope().spawn([](ServerTest& test, Server& its, auto& all) -> Task<void> {
    const auto half = cat("POST / HTTP/1.1\r\nHost: h\r\nX: ", std::string(550, 'x'));
    co_await all[0]->write(half);
    co_await io::settle(*test.loop);
    co_await all[1]->write(half);
    EXPECT_FALSE(co_await all[1]->read_more()) << "two are too many";
    // Trailers count like heads.
    co_await all[2]->write("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    co_await io::settle(*test.loop);
    co_await all[2]->write(cat("0\r\nX: ", std::string(600, 'x')));
    EXPECT_FALSE(co_await all[2]->read_more());
    co_await all[0]->write("\r\nContent-Length: 1\r\n\r\n1");
    EXPECT_TRUE(co_await all[0]->read_more()) << "the first one goes on";
    EXPECT_TRUE(all[0]->incoming().starts_with("HTTP/1.1 200"));
    // What was held is free again.
    co_await all[0]->write(half);
    co_await io::settle(*test.loop);
    EXPECT_FALSE(all[0]->at_end());
    its.shut_down(std::chrono::milliseconds(0), [&test] { test.loop->stop(); });
  }(*this, narrow, clients));
  loop->run();
  EXPECT_EQ(handler.calls, 2);
}

TEST_F(ServerTest, HttpTwoCanBeLeftOut) {
  Server old(*loop, clock, handler, 16, {.http2 = false});
  auto [client, theirs] = io::make_stream_pair(*loop);
  old.accept(std::move(theirs));
  loop->scope().spawn([](ServerTest& test, Server& its, io::Stream& stream) -> Task<void> {
    co_await stream.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    EXPECT_TRUE(co_await stream.read_more());
    EXPECT_TRUE(stream.incoming().starts_with("HTTP/1.1 "));
    its.shut_down(std::chrono::milliseconds(0), [&test] { test.loop->stop(); });
  }(*this, old, *client));
  loop->run();
}

TEST_F(ServerTest, ShuttingDownFinishesWhatIsInFlight) {
  auto [client, theirs] = io::make_stream_pair(*loop);
  server.accept(std::move(theirs));
  std::string received;
  loop->scope().spawn([](ServerTest& test, io::Stream& stream, std::string& out) -> Task<void> {
    co_await stream.write("POST /held HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx");
    co_await io::settle(*test.loop);
    test.server.shut_down(std::chrono::minutes(1), [&test] { test.loop->stop(); });
    test.handler.hold.deliver(true);
    while (co_await stream.read_more()) {
    }
    out = stream.incoming();
    stream.close();
  }(*this, *client, received));
  loop->run();
  EXPECT_TRUE(received.starts_with("HTTP/1.1 200 OK"));
  EXPECT_NE(received.find("Connection: close"), received.npos);
  EXPECT_EQ(server.connection_count(), 0u);
}

TEST_F(ServerTest, FetchTalksToARealSocket) {
  auto listener =
      io::Listener::open(*loop, "127.0.0.1", 0, [this](std::unique_ptr<io::Stream> stream) { server.accept(std::move(stream)); });
  ASSERT_TRUE(listener);
  Result<http::Response, FetchError> echoed = fail(FetchError{}), streamed = fail(FetchError{}), refused = fail(FetchError{});
  loop->scope().spawn([](ServerTest& test, int port, auto& echo, auto& stream, auto& none) -> Task<void> {
    const auto call = [&](std::string target, int to) {
      OutgoingRequest request{"POST", "127.0.0.1", to, std::move(target), {}, "abc"};
      return attempt(fetch(*test.loop, std::move(request), std::chrono::seconds(5), 1000));
    };
    echo = co_await call("/e", port);
    stream = co_await call("/stream", port);
    none = co_await call("/e", 1);
    test.loop->stop();
  }(*this, (*listener)->port(), echoed, streamed, refused));
  loop->run();
  ASSERT_TRUE(echoed);
  EXPECT_EQ(echoed->body, "abc");
  ASSERT_TRUE(streamed);
  EXPECT_EQ(streamed->body, "piecepiece");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, FetchError::Kind::unreachable);
}

}  // namespace
}  // namespace sallyport::serve
