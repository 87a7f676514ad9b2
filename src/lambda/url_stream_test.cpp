#include "lambda/url_stream.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "lambda/url_response.hpp"
#include "runtime/response_stream.hpp"

namespace sallyport::lambda {
namespace {

const std::string delimiter(8, '\0');

class UrlStreamTest : public testing::Test {
 public:
  void run(Task<void> task) {
    loop->scope().spawn(std::move(task));
    loop->scope().when_empty([this] { loop->stop(); });
    loop->run();
  }
  /// The response of a stream whose pieces are all written before it is looked at.
  Result<http::Response> response(std::vector<std::string> pieces, runtime::StreamEnd end = {},
                                  std::string type = std::string(http_integration_type)) {
    Result<http::Response> out = fail("nothing");
    stream = runtime::make_response_stream();
    run([](UrlStreamTest& test, std::vector<std::string> all, runtime::StreamEnd ends, std::string content_type,
           Result<http::Response>& made) -> Task<void> {
      test.stream->begin({content_type});
      for (auto& piece : all) co_await test.stream->write(*test.loop, std::move(piece));
      test.stream->end(std::move(ends));
      StreamedResponse streamed{{RequestId("id"), "1", std::nullopt, {}}, content_type, test.stream};
      made = co_await attempt(response_of_stream(*test.loop, std::move(streamed)));
    }(*this, std::move(pieces), std::move(end), std::move(type), out));
    return out;
  }
  /// The body, and how it ended.
  std::string body(http::Response& response) {
    std::string out;
    run([](http::BodySource& source, std::string& all) -> Task<void> {
      for (;;) {
        auto piece = co_await attempt(source.next());
        if (!piece) all += cat("<", piece.error().message, ">");
        if (!piece || piece->empty()) co_return;
        all += *piece;
      }
    }(*response.stream, out));
    return out;
  }
  bool abandoned() {
    bool gone = false;
    run([](UrlStreamTest& test, bool& out) -> Task<void> { out = !co_await test.stream->write(*test.loop, "x"); }(*this, gone));
    return gone;
  }
  std::unique_ptr<io::Loop> loop = *io::Loop::make();
  std::shared_ptr<runtime::ResponseStream> stream;
};

TEST_F(UrlStreamTest, TheMetadataBecomesTheHead) {
  auto made =
      response({R"({"statusCode":201,"headers":{"Content-Type":"text/html","X-A":1},"cookies":["a=1","b=2"]})", delimiter, "<p>", "hi"});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->status, 201);
  EXPECT_EQ(made->headers,
            (std::vector<http::Header>{{"Content-Type", "text/html"}, {"X-A", "1"}, {"set-cookie", "a=1"}, {"set-cookie", "b=2"}}));
  EXPECT_EQ(body(*made), "<p>hi");
}

TEST_F(UrlStreamTest, TheTypeIsReadAsMediaTypesAre) {
  for (const auto type :
       {"application/vnd.awslambda.http-integration-response; charset=utf-8", "Application/vnd.awslambda.HTTP-integration-response",
        "application/vnd.awslambda.http-integration-response ;x"}) {
    auto made = response({R"({"statusCode":202})", delimiter, "x"}, {}, type);
    ASSERT_TRUE(made) << type << ": " << made.error().message;
    EXPECT_EQ(made->status, 202) << type;
    EXPECT_EQ(body(*made), "x") << type;
  }
  auto other = response({"{}"}, {}, "application/vnd.awslambda.http-integration-responses");
  ASSERT_TRUE(other);
  EXPECT_EQ(body(*other), "{}");
}

TEST_F(UrlStreamTest, TheDelimiterMayComeInAnyPieces) {
  const auto whole = cat(R"({"headers":{"a":"b"}})", delimiter, "body ", std::string("\0\0\0\0\0\0\0\0\0", 9), " more");
  for (std::size_t cut = 1; cut < whole.size(); ++cut) {
    auto made = response({whole.substr(0, cut), whole.substr(cut)});
    ASSERT_TRUE(made);
    EXPECT_EQ(made->status, 200);
    EXPECT_EQ(*made->find("Content-Type"), "application/octet-stream");
    EXPECT_EQ(body(*made), whole.substr(whole.find("body"))) << "later NUL bytes are the body's";
  }
}

TEST_F(UrlStreamTest, MetadataThatIsNoneIsRefusedAndTheStreamLetGo) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> bad = {
      {{"no json", delimiter}, "not JSON"},
      {{"[]", delimiter}, "not an object"},
      {{R"({"statusCode":99})", delimiter}, "no HTTP status"},
      {{R"({"statusCode":101})", delimiter}, "no HTTP status"},
      {{R"({"headers":{"a":"x\r\ny: z"}})", delimiter}, "header `a`"},
      {{R"({"headers":[]})", delimiter}, "`headers` is not an object"},
      {{R"({"cookies":["a\nb"]})", delimiter}, "cookie"},
      {{R"({"statusCode":200})", std::string(7, '\0'), "x"}, "ended before the end of the metadata"},
      {{R"({"statusCode":200})"}, "ended before the end of the metadata"},
      {{std::string(limits::prelude_bytes_max, ' ')}, "no end of the metadata"},
      {{cat(std::string(limits::prelude_bytes_max - 9, ' '), "{}"), delimiter}, "no end of the metadata"},
  };
  for (const auto& [pieces, reason] : bad) {
    const auto made = response(pieces);
    ASSERT_FALSE(made) << reason;
    EXPECT_NE(made.error().message.find(reason), std::string::npos) << made.error().message;
    EXPECT_TRUE(abandoned());
  }
  EXPECT_TRUE(response({cat(std::string(limits::prelude_bytes_max - 10, ' '), "{}"), delimiter}));
  EXPECT_FALSE(response({R"({"status)"}, {"Some.Error", "{}"}));
}

TEST_F(UrlStreamTest, HeadersOfTheConnectionAreLeftOut) {
  auto made = response(
      {R"({"headers":{"Transfer-Encoding":"chunked","Content-Length":"5","WWW-Authenticate":"Basic","Connection":"close"}})", delimiter});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->headers.size(), 2u);
  EXPECT_EQ(*made->find("x-amzn-Remapped-www-authenticate"), "Basic");
}

TEST_F(UrlStreamTest, OtherTypesAreTheBodyAsTheyAre) {
  auto made = response({R"({"statusCode":500})", delimiter}, {}, "text/event-stream");
  ASSERT_TRUE(made);
  EXPECT_EQ(made->status, 200);
  EXPECT_EQ(*made->find("Content-Type"), "text/event-stream");
  EXPECT_EQ(body(*made), R"({"statusCode":500})" + delimiter);
  EXPECT_EQ(*response({"x"}, {}, "a/b\r\nx: y")->find("Content-Type"), "application/octet-stream");
}

TEST_F(UrlStreamTest, AnErrorBehindTheBodyCutsIt) {
  auto made = response({"some"}, {"Some.Error", "{}"}, "text/plain");
  ASSERT_TRUE(made);
  EXPECT_EQ(body(*made), "some<the function failed: Some.Error>");
}

TEST_F(UrlStreamTest, WhoeverLetsTheResponseGoLetsTheStreamGo) {
  auto made = response({"some"}, {}, "text/plain");
  stream = runtime::make_response_stream();
  run([](UrlStreamTest& test, Result<http::Response>& out) -> Task<void> {
    test.stream->begin({"text/plain"});
    co_await test.stream->write(*test.loop, "some");
    out = co_await attempt(response_of_stream(*test.loop, {{RequestId("id"), "1", std::nullopt, {}}, "text/plain", test.stream}));
    EXPECT_TRUE(co_await test.stream->write(*test.loop, "more"));
    out->stream.reset();
    EXPECT_FALSE(co_await test.stream->write(*test.loop, "more"));
  }(*this, made));
}

TEST_F(UrlStreamTest, AnAnswerInOnePieceIsHandedOnAsItIs) {
  Result<http::Response> made = fail("nothing");
  run([](UrlStreamTest& test, Result<http::Response>& out) -> Task<void> {
    out = co_await attempt(
        response_of_stream(*test.loop, {{RequestId("id"), "1", std::nullopt, R"({"statusCode":201,"body":"x"})"}, "application/json"}));
  }(*this, made));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->status, 200);
  EXPECT_EQ(made->body, R"({"statusCode":201,"body":"x"})");
  EXPECT_EQ(*made->find("Content-Type"), "application/json");
}

}  // namespace
}  // namespace sallyport::lambda
