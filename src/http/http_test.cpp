#include <gtest/gtest.h>

#include "base/text.hpp"
#include "http/parse.hpp"

namespace sallyport::http {
namespace {

constexpr HeadLimits head_limits{10'240, 10'240, 128, 48 * 1024};

Result<std::optional<Head>, ParseError> parse_head(std::string_view text) { return RequestParser(head_limits).parse(text); }
int refusal(std::string_view text) {
  auto head = parse_head(text);
  return head ? 0 : head.error().status;
}

TEST(RequestParser, ReadsOneHead) {
  auto head = parse_head("POST /prod/a%20b?x=1&y=2 HTTP/1.1\r\nHost: api:4566\r\naUThorization:  t \r\nContent-Length: 3\r\n\r\nabc");
  ASSERT_TRUE(head && *head);
  const auto& request = (*head)->request;
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/prod/a%20b");
  EXPECT_EQ(request.query, "x=1&y=2");
  EXPECT_EQ(request.host, "api:4566");
  EXPECT_EQ(request.headers[1].name, "aUThorization");
  EXPECT_EQ(*request.find("authorization"), "t");
  EXPECT_EQ((*head)->framing.content_length, 3u);
  EXPECT_TRUE((*head)->framing.keep_alive);
  EXPECT_EQ(
      (*head)->size,
      std::string_view("POST /prod/a%20b?x=1&y=2 HTTP/1.1\r\nHost: api:4566\r\naUThorization:  t \r\nContent-Length: 3\r\n\r\n").size());
}

TEST(RequestParser, TakesBytesOneByOne) {
  const std::string text = "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
  RequestParser parser(head_limits);
  for (std::size_t i = 1; i < text.size(); ++i) {
    auto head = parser.parse(std::string_view(text).substr(0, i));
    ASSERT_TRUE(head) << i;
    ASSERT_FALSE(*head) << i;
  }
  auto head = parser.parse(text);
  ASSERT_TRUE(head && *head);
  EXPECT_EQ((*head)->request.headers.size(), 2u);
}

TEST(RequestParser, MovedRequestKeepsItsViews) {
  auto head = parse_head("GET /p HTTP/1.1\r\nHost: a\r\n\r\n");
  Request moved = std::move((*head)->request);
  head = std::nullopt;
  EXPECT_EQ(moved.path, "/p");
}

TEST(RequestParser, RefusesWhatCouldBeReadTwoWays) {
  const std::string start = "POST / HTTP/1.1\r\nHost: a\r\n";
  for (std::string_view bad :
       {"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "Content-Length: +1\r\n\r\n", "Content-Length: 1, 1\r\n\r\n", "Content-Length:\r\n\r\n",
        "Content-Length: 99999999999999999999\r\n\r\n", "X : y\r\n\r\n", "X\r\n\r\n", ": y\r\n\r\n", " X: y\r\n\r\n", "X: a\r\n b\r\n\r\n",
        "X: a\rb\r\n\r\n", "X: a\n\r\n", "X: \x01\r\n\r\n", "Host: b\r\n\r\n", "Connection: x-user\r\n\r\n"})
    EXPECT_EQ(refusal(start + std::string(bad)), 400) << bad;
  for (auto coding : {"gzip", "gzip, chunked", "identity", "chunked, chunked"})
    EXPECT_EQ(refusal(start + "Transfer-Encoding: " + coding + "\r\n\r\n"), 400) << coding;
  EXPECT_EQ(refusal(start + "Expect: magic\r\n\r\n"), 417);
}

TEST(RequestParser, RefusesBadRequestLines) {
  const std::string rest = "\r\nHost: a\r\n\r\n";
  for (std::string_view bad :
       {"GET /", "GET  / HTTP/1.1", "GET\t/ HTTP/1.1", "G(T / HTTP/1.1", "GET foo HTTP/1.1", "GET /#f HTTP/1.1", "GET /%zz HTTP/1.1",
        "GET /%00 HTTP/1.1", "GET /%c0%ae/ HTTP/1.1", "GET /../x HTTP/1.1", "GET /a/%2e%2E/x HTTP/1.1", "GET /./ HTTP/1.1",
        "GET /\xc3\xa9 HTTP/1.1", "GET http://evil/ HTTP/1.1", "GET /?a=%2 HTTP/1.1", "GET / HTTP/1.1x"})
    EXPECT_EQ(refusal(std::string(bad) + rest), 400) << bad;
  EXPECT_EQ(refusal("GET / HTTP/3.0" + rest), 505);
}

TEST(RequestParser, ABrokenLineIsRefusedBeforeTheHeadEnds) {
  EXPECT_EQ(refusal("GET /\r\n"), 400);
  EXPECT_EQ(refusal("GET / HTTP/1.1\nHost: a\n\n"), 400);
}

TEST(RequestParser, LimitsAreReached) {
  const auto line = [](std::size_t size) { return "GET /" + std::string(size - 1, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n"; };
  EXPECT_EQ(refusal(line(10'240)), 0);
  EXPECT_EQ(refusal(line(10'241)), 414);
  EXPECT_EQ(refusal("GET /" + std::string(60'000, 'a')), 414);
  const auto values = [](std::size_t size) { return "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(size, 'v') + "\r\n\r\n"; };
  EXPECT_EQ(refusal(values(10'239)), 0);
  EXPECT_EQ(refusal(values(10'240)), 431);
  std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 128; ++i) many += "X: 1\r\n";
  EXPECT_EQ(refusal(many + "\r\n"), 431);
}

TEST(RequestParser, HostMustBeAHost) {
  for (std::string_view bad : {"", "a, b", "a@b", "a/b", "a b", "a:b", "a:99999", "[::1", "a:"})
    EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: " + std::string(bad) + "\r\n\r\n"), 400) << bad;
  for (std::string_view good : {"a", "a.b-c:80", "127.0.0.1:4566", "[::1]:4566", "[fe80::1]"})
    EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: " + std::string(good) + "\r\n\r\n"), 0) << good;
}

TEST(RequestParser, KeepAliveFollowsVersionAndConnection) {
  EXPECT_FALSE((*parse_head("GET / HTTP/1.0\r\nHost: a\r\n\r\n"))->framing.keep_alive);
  EXPECT_TRUE((*parse_head("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"))->framing.keep_alive);
  EXPECT_FALSE((*parse_head("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))->framing.keep_alive);
}

std::pair<ChunkDecoder::State, std::string> decode(std::string_view bytes, std::size_t piece, std::size_t bytes_max = 1000) {
  ChunkDecoder decoder;
  std::string out;
  auto state = ChunkDecoder::State::more;
  while (!bytes.empty() && state == ChunkDecoder::State::more) {
    std::size_t used = 0;
    state = decoder.decode(bytes.substr(0, piece), out, bytes_max, used);
    bytes.remove_prefix(used);
  }
  return {state, out};
}

TEST(ChunkDecoder, DecodesInAnyPieces) {
  for (std::size_t piece : {1u, 2u, 7u, 100u}) {
    const auto [state, out] = decode("3;ext=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n", piece);
    EXPECT_EQ(state, ChunkDecoder::State::done);
    EXPECT_EQ(out, "abc0123456789");
  }
}

TEST(ChunkDecoder, RefusesBadGrammar) {
  for (std::string_view bad :
       {"0x3\r\nabc", "+3\r\n", " 3\r\n", "3 x\r\n", "3\nabc", "3\rabc", "3\r\nabc0\r\n", "\r\n", "10000000000000003\r\n", "3;a\nb\r\n",
        "0\r\n \r\n", "0\r\nname\r\n\r\n", "0\r\nname : x\r\n\r\n", "0\r\nname:x\ny:z\r\n\r\n", "0\r\nname:x\r\n y\r\n\r\n"})
    EXPECT_EQ(decode(bad, 100).first, ChunkDecoder::State::malformed) << bad;
}

TEST(ChunkDecoder, KeepsTrailersWithinTheirLimit) {
  const auto decode_trailers = [](std::string_view bytes, std::size_t bytes_max) {
    ChunkDecoder decoder(bytes_max);
    std::string out;
    std::size_t used = 0;
    const auto state = decoder.decode(bytes, out, 100, used);
    return std::pair(state, decoder.trailers());
  };
  const auto [state, trailers] = decode_trailers("1\r\na\r\n0\r\nFirst: one \r\nSecond:\r\n\r\n", 100);
  EXPECT_EQ(state, ChunkDecoder::State::done);
  EXPECT_EQ(trailers, (std::vector<Header>{{"First", "one"}, {"Second", ""}}));
  const auto large = cat("0\r\nName: ", std::string(100, 'x'), "\r\n\r\n");
  EXPECT_EQ(decode_trailers(large, 100).first, ChunkDecoder::State::malformed);
  EXPECT_EQ(decode_trailers(large, 200).first, ChunkDecoder::State::done);
  std::string many = "0\r\n";
  for (int i = 0; i < 100; ++i) many += "a:\r\n";
  EXPECT_EQ(decode_trailers(many + "\r\n", 1000).first, ChunkDecoder::State::malformed) << "each costs more than its text";
}

TEST(ChunkDecoder, KnowsTheLimitBeforeTheData) { EXPECT_EQ(decode("3e9\r\n", 100).first, ChunkDecoder::State::too_large); }

TEST(Query, IsDecodedFormStyle) {
  const auto pairs = parse_query("a=1+2&b=%2B;c&=x&a=3");
  const std::vector<std::pair<std::string, std::string>> wanted = {{"a", "1 2"}, {"b", "+"}, {"c", ""}, {"", "x"}, {"a", "3"}};
  EXPECT_EQ(pairs, wanted);
}

TEST(ResponseHead, ReadsStatusFramingAndHeaders) {
  auto head = parse_response_head("HTTP/1.1 204 No Content\r\nA: b\r\nContent-Length: 0\r\n\r\nrest", 1000);
  ASSERT_TRUE(head && *head);
  EXPECT_EQ((*head)->response.status, 204);
  EXPECT_EQ(*(*head)->response.find("a"), "b");
  EXPECT_EQ((*head)->content_length, 0u);
  EXPECT_FALSE(parse_response_head("SSH-2.0\r\n\r\n", 1000));
  EXPECT_FALSE(parse_response_head("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 1000));
}

/// An HTTP/2 head that is good but for what a test changes.
HeadParts parts(std::vector<Field> fields = {}) {
  HeadParts made;
  made.method = "GET";
  made.scheme = "https";
  made.authority = "api.example.com";
  made.path = "/prod/a?x=1";
  made.fields = std::move(fields);
  return made;
}
int refusal(HeadParts of) {
  auto head = assemble_head(std::move(of), head_limits);
  return head ? 0 : head.error().status;
}

TEST(AssembleHead, MakesTheRequestThatHttp1WouldMake) {
  const auto head = assemble_head(parts({{"accept", "*/*"}, {"content-length", "3"}}), head_limits);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->request.path, "/prod/a");
  EXPECT_EQ(head->request.query, "x=1");
  EXPECT_EQ(head->request.host, "api.example.com");
  EXPECT_EQ(*head->request.find("host"), "api.example.com");
  EXPECT_EQ(head->framing.content_length, 3u);
  EXPECT_EQ(refusal(parts({{"host", "API.example.com"}, {"te", "trailers"}})), 0);
  auto without_authority = parts({{"host", "h"}});
  without_authority.authority = {};
  EXPECT_EQ(refusal(without_authority), 0);
}

TEST(AssembleHead, RefusesWhatSmugglesOrConfuses) {
  const std::vector<std::vector<Field>> bad = {{{"host", "other"}},
                                               {{"host", "api.example.com"}, {"host", "api.example.com"}},
                                               {{"connection", "close"}},
                                               {{"keep-alive", "1"}},
                                               {{"proxy-connection", "x"}},
                                               {{"transfer-encoding", "chunked"}},
                                               {{"upgrade", "h2c"}},
                                               {{"te", "gzip"}},
                                               {{"Accept", "x"}},
                                               {{"a b", "x"}},
                                               {{"", "x"}},
                                               {{":path", "/x"}},
                                               {{"a", "x\r\nHost: y"}},
                                               {{"a", "x\ny"}},
                                               {{"a", std::string_view("x\0y", 3)}},
                                               {{"a", " x"}},
                                               {{"a", "x "}},
                                               {{"content-length", "+3"}},
                                               {{"content-length", "3"}, {"content-length", "3"}}};
  for (const auto& fields : bad) EXPECT_EQ(refusal(parts(fields)), 400) << fields.back().name << ": " << fields.back().value;
  const auto changed = [](auto change) {
    auto made = parts();
    change(made);
    return refusal(made);
  };
  EXPECT_EQ(changed([](auto& p) { p.method = "GE T"; }), 400);
  EXPECT_EQ(changed([](auto& p) { p.method = {}; }), 400);
  EXPECT_EQ(changed([](auto& p) { p.scheme = "ftp"; }), 400);
  EXPECT_EQ(changed([](auto& p) { p.authority = {}; }), 400);
  EXPECT_EQ(changed([](auto& p) { p.authority = "user@h"; }), 400);
  EXPECT_EQ(changed([](auto& p) { p.path = {}; }), 400);
  EXPECT_EQ(changed([](auto& p) { p.path = "*"; }), 400);
  EXPECT_EQ(changed([](auto& p) { p.path = "http://h/"; }), 400);
  EXPECT_EQ(changed([](auto& p) { p.path = "/a b"; }), 400);
  EXPECT_EQ(changed([](auto& p) { p.path = "/a/../b"; }), 400);
  EXPECT_EQ(changed([](auto& p) { p.path = "/a#b"; }), 400);
  EXPECT_EQ(refusal(parts(std::vector<Field>(129, {"a", "b"}))), 431);
}

}  // namespace
}  // namespace sallyport::http
