#include "serve/http2.hpp"

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <map>

#include "base/text.hpp"
#include "io/testing.hpp"
#include "serve/frame_budget.hpp"
#include "serve/server.hpp"

namespace sallyport::serve {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;
using std::chrono::milliseconds;
using std::chrono::seconds;

class TestClock final : public Clock {
 public:
  WallTime wall_now() const override { return WallTime(seconds(1'700'000'000)); }
  MonotonicTime monotonic_now() const override { return now; }
  MonotonicTime now{};
};

class Pieces final : public http::BodySource {
 public:
  explicit Pieces(io::Loop& loop, bool breaks) : loop_(loop), breaks_(breaks) {}
  Task<Result<std::string>> next() override {
    co_await io::sleep_for(loop_, milliseconds(1));
    if (breaks_ && left_ == 1) co_return fail("broken");
    co_return left_-- > 0 ? std::string("piece") : std::string();
  }

 private:
  io::Loop& loop_;
  bool breaks_;
  int left_ = 2;
};

/// Echoes the body; the path says what else is done.
class EchoHandler final : public Handler {
 public:
  Task<http::Response> handle(io::Loop& loop, const http::Request& request, BodyReader& body, const Peer&) override {
    ++calls;
    ++running;
    most = std::max(most, running);
    http::Response response;
    response.add("X-Path", request.path);
    response.add("Connection", "close");
    for (const auto& [name, value] : request.headers) seen[std::string(name)] = value;
    if (request.path == "/slow") co_await io::sleep_for(loop, milliseconds(30));
    if (request.path == "/throw") throw std::runtime_error("broken");
    if (request.path == "/stream" || request.path == "/breaks") {
      response.stream = std::make_unique<Pieces>(loop, request.path == "/breaks");
    } else if (request.path == "/large") {
      response.body.assign(1 << 20, 'x');
    } else if (request.path == "/empty") {
      response.status = 204;
    } else if (request.path != "/quiet") {
      auto bytes = co_await attempt(body.read_all(300'000));
      if (!bytes) {
        ++failed_bodies;
        response.status = bytes.error().kind == BodyError::Kind::too_large ? 413 : 400;
      } else {
        response.body = *bytes;
      }
    }
    --running;
    co_return response;
  }
  void refused(const Peer&, int status, std::string_view reason) override { refusals.push_back(cat(status, " ", reason)); }
  int calls = 0, running = 0, most = 0, failed_bodies = 0;
  std::map<std::string, std::string> seen;
  std::vector<std::string> refusals;
};

/// nghttp2's client on one end of a stream pair.
class Client {
 public:
  struct Answer {
    std::string status, body;
    std::map<std::string, std::string> headers;
    bool ended = false;
    std::optional<std::uint32_t> reset;
  };
  explicit Client(io::Stream& stream, bool own_rules = false, bool gives_window = true) : stream_(stream) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                      const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* self) {
          auto& answer = static_cast<Client*>(self)->answers[frame->hd.stream_id];
          const std::string key(reinterpret_cast<const char*>(name), name_size), text(reinterpret_cast<const char*>(value), value_size);
          if (key == ":status")
            answer.status += answer.status.empty() ? text : cat(",", text);
          else
            answer.headers[key] = text;
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data, std::size_t size, void* self) {
          static_cast<Client*>(self)->answers[id].body.append(reinterpret_cast<const char*>(data), size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* data) {
      auto& self = *static_cast<Client*>(data);
      if (frame->hd.type == NGHTTP2_GOAWAY) self.goaway = frame->goaway.error_code;
      if (frame->hd.type == NGHTTP2_RST_STREAM) self.answers[frame->hd.stream_id].reset = frame->rst_stream.error_code;
      if (frame->hd.stream_id && frame->hd.flags & NGHTTP2_FLAG_END_STREAM) self.answers[frame->hd.stream_id].ended = true;
      return 0;
    });
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_http_messaging(option, own_rules);
    nghttp2_option_set_no_auto_window_update(option, !gives_window);
    nghttp2_session_client_new2(&session_, callbacks, this, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
  }
  ~Client() { nghttp2_session_del(session_); }

  void settings(std::vector<nghttp2_settings_entry> entries = {}) {
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries.data(), entries.size());
  }
  std::int32_t request(std::string path, Fields fields = {}, std::string body = {}, std::string method = "GET", bool ends = true) {
    Fields all = {{":method", body.empty() ? method : "POST"}, {":scheme", "http"}, {":authority", "h:1"}, {":path", std::move(path)}};
    for (auto& each : fields) all.push_back(std::move(each));
    return request_raw(all, std::move(body), ends);
  }
  std::int32_t request_raw(const Fields& fields, std::string body = {}, bool ends = true) {
    std::vector<nghttp2_nv> pairs;
    for (const auto& [name, value] : fields)
      pairs.push_back({reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                       reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    bodies_.push_back(std::make_unique<Body>(Body{std::move(body), 0, ends}));
    nghttp2_data_provider provider{{.ptr = bodies_.back().get()},
                                   [](nghttp2_session*, std::int32_t, std::uint8_t* out, std::size_t size, std::uint32_t* flags,
                                      nghttp2_data_source* source, void*) -> ssize_t {
                                     auto& from = *static_cast<Body*>(source->ptr);
                                     const auto count = std::min(size, from.text.size() - from.at);
                                     std::copy_n(from.text.data() + from.at, count, reinterpret_cast<char*>(out));
                                     from.at += count;
                                     if (from.at == from.text.size()) {
                                       if (!from.ends && count == 0) return NGHTTP2_ERR_DEFERRED;
                                       if (from.ends) *flags |= NGHTTP2_DATA_FLAG_EOF;
                                     }
                                     return static_cast<ssize_t>(count);
                                   }};
    const bool has_body = !bodies_.back()->text.empty() || !ends;
    return nghttp2_submit_request(session_, nullptr, pairs.data(), pairs.size(), has_body ? &provider : nullptr, nullptr);
  }
  std::string bytes() {
    std::string all;
    const std::uint8_t* data = nullptr;
    for (ssize_t size = 0; (size = nghttp2_session_mem_send(session_, &data)) > 0;)
      all.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    return all;
  }
  /// Sends what there is to send and reads until `enough` or the end.
  Task<void> talk(std::function<bool()> enough) {
    for (;;) {
      if (const auto all = bytes(); !all.empty()) co_await stream_.write(all);
      if (!stream_.incoming().empty()) {
        const auto text = stream_.incoming();
        if (nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(text.data()), text.size()) < 0) co_return;
        stream_.consume(text.size());
        continue;
      }
      if (enough() || !co_await stream_.read_more()) co_return;
    }
  }
  bool all_ended() const {
    for (const auto& [id, answer] : answers)
      if (!answer.ended && !answer.reset) return false;
    return answers.size() == bodies_.size();
  }
  nghttp2_session* session() { return session_; }

  std::map<std::int32_t, Answer> answers;
  std::optional<std::uint32_t> goaway;

 private:
  struct Body {
    std::string text;
    std::size_t at = 0;
    bool ends = true;
  };
  io::Stream& stream_;
  nghttp2_session* session_ = nullptr;
  std::vector<std::unique_ptr<Body>> bodies_;
};

std::string frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view payload) {
  std::string made;
  for (const int shift : {16, 8, 0}) made += static_cast<char>(payload.size() >> shift & 0xff);
  made += static_cast<char>(type);
  made += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) made += static_cast<char>(stream >> shift & 0xff);
  return made.append(payload);
}
const std::string opening = std::string(http2_preface) + frame(NGHTTP2_SETTINGS, 0, 0, "");
// :method GET, :scheme http, :path /, :authority h; from HPACK's static table.
const std::string small_head = std::string("\x82\x86\x84\x41\x01h", 6);

class Http2Test : public testing::Test {
 public:
  void SetUp() override {
    auto [mine, theirs] = io::make_stream_pair(*loop);
    stream = std::move(mine);
    server.accept(std::move(theirs));
  }
  void TearDown() override {
    stream->close();
    server.shut_down(milliseconds(0), [this] { loop->stop(); });
    loop->run();
  }
  void run(Task<void> task) {
    loop->scope().spawn(std::move(task));
    loop->scope().when_empty([this] { loop->stop(); });
    loop->run();
  }
  /// Talks until every request was answered.
  void talk(Client& client) {
    run([](Client& with) -> Task<void> { co_await with.talk([&with] { return with.all_ended() || with.goaway; }); }(client));
  }
  /// Sends raw bytes; what the server's GOAWAY says, if it sends one before it closes or falls silent.
  std::optional<std::uint32_t> goaway_after(std::string bytes) {
    Client listener(*stream);
    (void)listener.bytes();
    run([](Http2Test& test, Client& with, std::string text) -> Task<void> {
      co_await test.stream->write(text);
      bool late = false;
      io::Deadline patience(*test.loop, milliseconds(300), [&] {
        late = true;
        test.stream->close();
      });
      // What the listener itself would send is of no interest.
      while (!with.goaway && !late) {
        const auto came = test.stream->incoming();
        if (nghttp2_session_mem_recv(with.session(), reinterpret_cast<const std::uint8_t*>(came.data()), came.size()) < 0) break;
        test.stream->consume(came.size());
        if (with.goaway || !co_await test.stream->read_more()) break;
      }
      const auto came = test.stream->incoming();
      nghttp2_session_mem_recv(with.session(), reinterpret_cast<const std::uint8_t*>(came.data()), came.size());
    }(*this, listener, std::move(bytes)));
    return listener.goaway;
  }

  std::unique_ptr<io::Loop> loop = *io::Loop::make();
  TestClock clock;
  EchoHandler handler;
  Server server{*loop, clock, handler, 16};
  std::unique_ptr<io::Stream> stream;
};

TEST_F(Http2Test, AnswersManyStreamsOfOneConnection) {
  Client client(*stream);
  client.settings();
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 50; ++i) ids.push_back(client.request(cat("/", i), {{"a", "b"}}, i % 2 ? cat("body ", i) : ""));
  talk(client);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto& answer = client.answers[ids[i]];
    EXPECT_EQ(answer.status, "200");
    EXPECT_EQ(answer.headers.at("x-path"), cat("/", i));
    EXPECT_EQ(answer.headers.at("date"), "Tue, 14 Nov 2023 22:13:20 GMT");
    EXPECT_FALSE(answer.headers.contains("connection"));
    EXPECT_EQ(answer.body, i % 2 ? cat("body ", i) : "");
    EXPECT_EQ(answer.headers.at("content-length"), cat(answer.body.size()));
  }
  EXPECT_EQ(handler.calls, 50);
  EXPECT_EQ(handler.seen.at("Host"), "h:1");
}

TEST_F(Http2Test, ASlowRequestHoldsNobodyUp) {
  Client client(*stream);
  client.settings();
  const auto slow = client.request("/slow"), quick = client.request("/quick");
  run([](Client& with, std::int32_t first) -> Task<void> { co_await with.talk([&] { return with.answers[first].ended; }); }(client, quick));
  EXPECT_FALSE(client.answers[slow].ended);
  talk(client);
  EXPECT_EQ(client.answers[slow].status, "200");
}

TEST_F(Http2Test, LargeBodiesGoBothWaysThroughTheWindows) {
  Client client(*stream);
  client.settings();
  const std::string text(290'000, 'y');
  const auto up = client.request("/echo", {}, text), down = client.request("/large");
  talk(client);
  EXPECT_EQ(client.answers[up].body, text);
  EXPECT_EQ(client.answers[down].body, std::string(1 << 20, 'x'));
}

TEST_F(Http2Test, StreamedAnswersComeInPiecesAndABrokenOneIsReset) {
  Client client(*stream);
  client.settings();
  const auto whole = client.request("/stream"), broken = client.request("/breaks");
  talk(client);
  EXPECT_EQ(client.answers[whole].body, "piecepiece");
  EXPECT_TRUE(client.answers[whole].ended);
  EXPECT_FALSE(client.answers[whole].headers.contains("content-length"));
  EXPECT_EQ(client.answers[broken].reset, NGHTTP2_INTERNAL_ERROR);
  EXPECT_FALSE(client.answers[broken].ended);
}

TEST_F(Http2Test, HeadAndEmptyAnswersHaveNoData) {
  Client client(*stream);
  client.settings();
  const auto head = client.request("/large", {}, "", "HEAD"), empty = client.request("/empty");
  talk(client);
  EXPECT_EQ(client.answers[head].headers.at("content-length"), cat(1 << 20));
  EXPECT_EQ(client.answers[head].body, "");
  EXPECT_EQ(client.answers[empty].status, "204");
  EXPECT_FALSE(client.answers[empty].headers.contains("content-length"));
}

TEST_F(Http2Test, CookiesInPiecesAreOneField) {
  Client client(*stream);
  client.settings();
  client.request("/", {{"cookie", "a=1"}, {"x", "y"}, {"cookie", "b=2"}});
  talk(client);
  EXPECT_EQ(handler.seen.at("cookie"), "a=1; b=2");
}

TEST_F(Http2Test, ABodyIsAskedForWhenItIsWanted) {
  Client client(*stream);
  client.settings();
  const auto id = client.request("/echo", {{"expect", "100-continue"}, {"content-length", "3"}}, "abc");
  talk(client);
  EXPECT_TRUE(client.answers[id].status == "100,200" || client.answers[id].status == "200") << client.answers[id].status;
  EXPECT_EQ(client.answers[id].body, "abc");
}

TEST_F(Http2Test, AnAnswerDoesNotWaitForABodyNobodyReads) {
  Client client(*stream);
  client.settings();
  const auto id = client.request("/quiet", {}, std::string(100, 'x'), "POST", false);
  talk(client);
  EXPECT_EQ(client.answers[id].status, "200");
  run([](Client& with, std::int32_t of) -> Task<void> { co_await with.talk([&] { return with.answers[of].reset.has_value(); }); }(client,
                                                                                                                                  id));
  EXPECT_EQ(client.answers[id].reset, NGHTTP2_NO_ERROR);
}

TEST_F(Http2Test, AnOversizedBodyIsRefusedAndOthersGoOn) {
  Client client(*stream);
  client.settings();
  const auto declared = client.request("/a", {{"content-length", "300001"}}, std::string(300'001, 'x'));
  const auto undeclared = client.request("/b", {}, std::string(300'001, 'x'));
  const auto good = client.request("/c", {}, "x");
  talk(client);
  EXPECT_EQ(client.answers[declared].status, "413");
  EXPECT_EQ(client.answers[undeclared].status, "413");
  EXPECT_EQ(client.answers[good].body, "x");
}

TEST_F(Http2Test, AThrowingHandlerFailsItsRequestOnly) {
  Client client(*stream);
  client.settings();
  const auto bad = client.request("/throw"), good = client.request("/good");
  talk(client);
  EXPECT_EQ(client.answers[bad].status, "500");
  EXPECT_EQ(client.answers[good].status, "200");
}

TEST_F(Http2Test, WhatSmugglesNeverReachesTheHandler) {
  const Fields good = {{":method", "POST"}, {":scheme", "http"}, {":authority", "h"}, {":path", "/"}};
  const auto with = [&](Fields more) {
    auto all = good;
    for (auto& each : more) all.push_back(each);
    return all;
  };
  const auto without = [&](std::string name) {
    Fields all;
    for (const auto& each : good)
      if (each.first != name) all.push_back(each);
    return all;
  };
  const std::vector<Fields> bad = {with({{"transfer-encoding", "chunked"}}),
                                   with({{"connection", "x"}}),
                                   with({{"upgrade", "h2c"}}),
                                   with({{"keep-alive", "1"}}),
                                   with({{"te", "gzip"}}),
                                   with({{"a", "b\r\nhost: other"}}),
                                   with({{"a", "b\nc"}}),
                                   with({{"a", std::string("b\0c", 3)}}),
                                   with({{"a b", "c"}}),
                                   with({{"host", "other"}}),
                                   with({{"a", "b"}, {":path", "/late"}}),
                                   with({{":path", "/twice"}}),
                                   with({{":unknown", "x"}}),
                                   with({{"content-length", "1"}, {"content-length", "2"}}),
                                   with({{"content-length", "x"}}),
                                   without(":method"),
                                   without(":path"),
                                   without(":scheme"),
                                   without(":authority"),
                                   {{":method", "GET"}, {":scheme", "http"}, {":authority", "h"}, {":path", "/a b"}},
                                   {{":method", "GET"}, {":scheme", "http"}, {":authority", "h"}, {":path", "/a/%2e%2e/b"}},
                                   {{":method", "GET"}, {":scheme", "http"}, {":authority", "user@h"}, {":path", "/"}},
                                   {{":method", "G\r\nT"}, {":scheme", "http"}, {":authority", "h"}, {":path", "/"}},
                                   {{":method", "CONNECT"}, {":authority", "h"}}};
  Client client(*stream, true);
  client.settings();
  for (const auto& fields : bad) client.request_raw(fields);
  const auto last = client.request("/good");
  talk(client);
  EXPECT_EQ(client.answers[last].status, "200");
  EXPECT_EQ(handler.calls, 1);
  for (const auto& [id, answer] : client.answers)
    if (id != last) EXPECT_TRUE(answer.reset == NGHTTP2_PROTOCOL_ERROR || answer.status == "400") << id << " " << answer.status;
}

TEST_F(Http2Test, AnUpperCaseNameIsRefused) {
  // Raw, because nghttp2 writes lower case.
  goaway_after(opening + frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1,
                               small_head + std::string("\x40\x01X\x01y", 5)));
  EXPECT_EQ(handler.calls, 0);
}

TEST_F(Http2Test, ABodyOfAnotherLengthThanDeclaredIsNoBody) {
  Client client(*stream, true);
  client.settings();
  client.request("/short", {{"content-length", "5"}}, "abc");
  client.request("/long", {{"content-length", "2"}}, "abc");
  talk(client);
  EXPECT_EQ(handler.failed_bodies, handler.calls);
  for (const auto& [id, answer] : client.answers) EXPECT_NE(answer.status, "200") << id;
}

TEST_F(Http2Test, TooManyHeaderBytesAre431) {
  Client client(*stream);
  client.settings();
  const auto values = client.request("/", {{"a", std::string(10'300, 'x')}});
  Fields many;
  for (int i = 0; i < 129; ++i) many.emplace_back(cat("a", i), "b");
  const auto fields = client.request("/", many);
  talk(client);
  EXPECT_EQ(client.answers[values].status, "431");
  EXPECT_EQ(client.answers[fields].status, "431");
  EXPECT_EQ(handler.calls, 0);
}

TEST_F(Http2Test, AHeaderBombEndsTheConnection) {
  // One entry of 4,000 bytes in the dynamic table, and references to it of a byte each.
  std::string block = small_head;
  block += std::string("\x40\x01x\x7f\xa1\x1e", 6) + std::string(4'000, 'y');
  block += std::string(100, '\xbe');
  EXPECT_EQ(goaway_after(opening + frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1, block)),
            NGHTTP2_ENHANCE_YOUR_CALM);
  EXPECT_EQ(handler.calls, 0);
}

TEST_F(Http2Test, AContinuationFloodEndsTheConnection) {
  auto bytes = opening + frame(NGHTTP2_HEADERS, 0, 1, small_head);
  for (int i = 0; i < 10; ++i) bytes += frame(NGHTTP2_CONTINUATION, 0, 1, "");
  EXPECT_TRUE(goaway_after(bytes));
  EXPECT_EQ(handler.calls, 0);
}

TEST_F(Http2Test, RapidResetsEndTheConnectionAndStartNothing) {
  auto bytes = opening;
  for (std::uint32_t i = 0; i < 200; ++i)
    bytes += frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 2 * i + 1, small_head) +
             frame(NGHTTP2_RST_STREAM, 0, 2 * i + 1, std::string("\0\0\0\x08", 4));
  EXPECT_EQ(goaway_after(bytes), NGHTTP2_ENHANCE_YOUR_CALM);
  EXPECT_EQ(handler.calls, 0);
}

TEST_F(Http2Test, ControlFloodsEndTheConnection) {
  const std::string eight(8, 'p');
  std::string bytes = opening;
  for (int i = 0; i < 150; ++i) bytes += frame(NGHTTP2_PING, 0, 0, eight);
  EXPECT_EQ(goaway_after(bytes), NGHTTP2_ENHANCE_YOUR_CALM);
}

TEST_F(Http2Test, SettingsFloodsEndTheConnection) {
  std::string bytes = opening;
  for (int i = 0; i < 150; ++i) bytes += frame(NGHTTP2_SETTINGS, 0, 0, "");
  EXPECT_EQ(goaway_after(bytes), NGHTTP2_ENHANCE_YOUR_CALM);
}

TEST_F(Http2Test, EmptyDataFloodsEndTheConnection) {
  std::string bytes = opening + frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, small_head);
  for (int i = 0; i < 150; ++i) bytes += frame(NGHTTP2_DATA, 0, 1, "");
  EXPECT_EQ(goaway_after(bytes), NGHTTP2_ENHANCE_YOUR_CALM);
}

TEST_F(Http2Test, MoreStreamsThanAllowedAreRefused) {
  Client client(*stream);
  client.settings({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1}});
  std::string bytes = opening;
  nghttp2_session_set_next_stream_id(client.session(), 1);
  // Raw, because a client of nghttp2 keeps to the server's limit.
  for (std::uint32_t i = 0; i < 140; ++i) bytes += frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 2 * i + 1, small_head);
  goaway_after(bytes);
  EXPECT_LE(handler.most, 128);
  EXPECT_EQ(handler.calls, 128);
}

TEST_F(Http2Test, BytesThatAreNoFramesEndTheConnection) {
  EXPECT_TRUE(goaway_after(opening + frame(NGHTTP2_DATA, 0, 0, "data on stream 0")));
}

TEST_F(Http2Test, AClientThatTakesNothingIsReset) {
  Client client(*stream, false, false);
  client.settings({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1}});
  const auto id = client.request("/large");
  run([](Http2Test& test, Client& with, std::int32_t of) -> Task<void> {
    co_await with.talk([&] { return with.answers[of].status == "200"; });
    test.clock.now += limits::write_stall_time + seconds(1);
    nghttp2_submit_ping(with.session(), NGHTTP2_FLAG_NONE, nullptr);
    co_await with.talk([&] { return with.answers[of].reset.has_value(); });
  }(*this, client, id));
  EXPECT_EQ(client.answers[id].reset, NGHTTP2_CANCEL);
  EXPECT_LE(client.answers[id].body.size(), 1u);
}

TEST_F(Http2Test, ABodyThatDoesNotComeIsReset) {
  Client client(*stream);
  client.settings();
  const auto id = client.request("/echo", {}, "a", "POST", false);
  run([](Http2Test& test, Client& with, std::int32_t of) -> Task<void> {
    bool sent = false;
    co_await with.talk([&] { return std::exchange(sent, true); });
    co_await io::settle(*test.loop);
    test.clock.now += limits::body_time + seconds(2);
    co_await with.talk([&] { return with.answers[of].reset.has_value(); });
  }(*this, client, id));
  EXPECT_EQ(client.answers[id].reset, NGHTTP2_CANCEL);
  EXPECT_EQ(handler.failed_bodies, 1);
}

TEST_F(Http2Test, IdleConnectionsAndHalfHeadsAreCut) {
  run([](Http2Test& test) -> Task<void> {
    co_await test.stream->write(opening + frame(NGHTTP2_HEADERS, 0, 1, small_head));
    co_await io::settle(*test.loop);
    test.clock.now += limits::head_time + seconds(1);
    while (co_await test.stream->read_more()) {
    }
  }(*this));
  EXPECT_EQ(handler.calls, 0);
}

TEST_F(Http2Test, DrainingFinishesWhatIsInFlightAndSaysGoaway) {
  Client client(*stream);
  client.settings();
  const auto id = client.request("/slow");
  bool drained = false;
  run([](Http2Test& test, Client& with, std::int32_t of, bool& done) -> Task<void> {
    bool sent = false;
    co_await with.talk([&] { return std::exchange(sent, true); });
    co_await io::settle(*test.loop);
    test.server.shut_down(seconds(5), [&done] { done = true; });
    co_await with.talk([&] { return with.answers[of].ended && with.goaway; });
    test.stream->close();
    while (!done) co_await io::sleep_for(*test.loop, milliseconds(5));
  }(*this, client, id, drained));
  EXPECT_EQ(client.answers[id].status, "200");
  EXPECT_EQ(client.goaway, NGHTTP2_NO_ERROR);
  EXPECT_EQ(server.connection_count(), 0u);
}

TEST_F(Http2Test, ACutConnectionWaitsForItsHandlers) {
  Client client(*stream);
  client.settings();
  client.request("/slow");
  run([](Http2Test& test, Client& with) -> Task<void> {
    bool sent = false;
    co_await with.talk([&] { return std::exchange(sent, true); });
    co_await io::settle(*test.loop);
    test.stream->close();
    while (test.server.connection_count()) co_await io::sleep_for(*test.loop, milliseconds(5));
  }(*this, client));
  EXPECT_EQ(handler.running, 0);
}

TEST_F(Http2Test, AClientThatEndsWithAnswersUnderWayLeavesNothingBehind) {
  Client client(*stream, false, false);
  client.settings({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 100}});
  const auto id = client.request("/large");
  client.request("/slow", {}, "x");
  client.request("/stream");
  client.request("/echo", {}, "a", "POST", false);
  run([](Http2Test& test, Client& with, std::int32_t of) -> Task<void> {
    co_await with.talk([&] { return with.answers[of].status == "200"; });
    test.stream->end_writing();
    while (test.server.connection_count()) {
      test.clock.now += seconds(1);
      co_await io::sleep_for(*test.loop, milliseconds(10));
    }
  }(*this, client, id));
  EXPECT_EQ(handler.running, 0);
}

TEST(FrameBudget, CountsAcrossAnyPiecesAndForgetsWithTime) {
  FrameBudget budget;
  const auto ping = frame(NGHTTP2_PING, 0, 0, "12345678");
  MonotonicTime now{seconds(100)};
  for (int i = 0; i < FrameBudget::control_frames_max; ++i)
    for (const char c : ping) ASSERT_EQ(budget.take({&c, 1}, now), FrameBudget::Verdict::fine);
  EXPECT_EQ(budget.take(ping, now), FrameBudget::Verdict::control_flood);
  now += FrameBudget::period;
  EXPECT_EQ(budget.take(ping, now), FrameBudget::Verdict::fine);
}

TEST(FrameBudget, WindowUpdatesAreEarnedByData) {
  FrameBudget budget;
  const auto update = frame(NGHTTP2_WINDOW_UPDATE, 0, 0, std::string("\0\0\0\1", 4));
  const MonotonicTime now{seconds(100)};
  budget.take("", now);
  for (int i = 0; i < 10; ++i) budget.data_sent();
  for (int i = 0; i < FrameBudget::window_updates_max + 20; ++i) ASSERT_EQ(budget.take(update, now), FrameBudget::Verdict::fine);
  EXPECT_EQ(budget.take(update, now), FrameBudget::Verdict::window_flood);
}

}  // namespace
}  // namespace sallyport::serve
