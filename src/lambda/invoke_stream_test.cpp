// InvokeWithResponseStream, with functions that are made up here.
#include "base/encoding.hpp"
#include "io/testing.hpp"
#include "lambda/testing.hpp"
#include "runtime/response_stream.hpp"

namespace sallyport::lambda {
namespace {

using ::testing::HasSubstr;

/// Answers as the test says.
class MadeUpFunction final : public Invoker {
 public:
  Task<Result<InvokeResponse, aws::ApiError>> invoke(io::Loop&, InvokeRequest request) override {
    last = std::move(request);
    if (refusal) co_return fail(*refusal);
    co_return whole;
  }
  Task<Result<StreamedResponse, aws::ApiError>> invoke_streaming(io::Loop& loop, InvokeRequest request) override {
    if (!stream) co_return co_await Invoker::invoke_streaming(loop, std::move(request));
    last = std::move(request);
    StreamedResponse out{whole, "text/plain", stream, ended};
    co_return out;
  }
  InvokeRequest last;
  std::optional<aws::ApiError> refusal;
  InvokeResponse whole{RequestId("id"), "7", std::nullopt, {}};
  std::shared_ptr<runtime::ResponseStream> stream;
  io::Completion<Result<InvokeResponse, aws::ApiError>> ended;
};

class InvokeStreamTest : public testing::ServiceTest {
 public:
  void SetUp() override {
    ServiceTest::SetUp();
    good("CreateFunction", function("f", zip("app.py", "def handler(e, c): return 1")));
    service.emplace(make_service({*ledger, *code, made_up, *events, *links, roles, random, limits}));
  }
  control::Answer<control::Streamed> start(json::Value input) {
    std::optional<control::Answer<control::Streamed>> answer;
    control::Call made{
        *loop,       "InvokeWithResponseStream", "8f507cfc-xmpl-4697-b07a-ac58fc914c95", scope, std::make_shared<const aws::Caller>(), now,
        "127.0.0.1", "http://127.0.0.1:4566",    wire::Parameters(std::move(input))};
    const auto run = [&]() -> Task<void> {
      answer.emplace(co_await attempt(service->find("InvokeWithResponseStream")->run_streamed(made)));
      loop->stop();
    };
    loop->scope().spawn(run());
    loop->run();
    return std::move(*answer);
  }
  /// `Name: payload` of each event.
  std::vector<std::string> events_of(control::Streamed& streamed) {
    std::vector<std::string> out;
    const auto run = [&]() -> Task<void> {
      for (;;) {
        auto event = co_await attempt(streamed.events->next());
        if (!event || !*event) break;
        out.push_back(cat((*event)->name, ": ", (*event)->payload));
      }
      loop->stop();
    };
    loop->scope().spawn(run());
    loop->run();
    return out;
  }
  MadeUpFunction made_up;
};

TEST_F(InvokeStreamTest, AStreamBecomesEvents) {
  made_up.stream = runtime::make_response_stream();
  auto answer = start(json::Object{{"FunctionName", "f"}, {"Payload", R"({"a":1})"}});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(text(answer->output, "StatusCode"), "200");
  EXPECT_EQ(text(answer->output, "ExecutedVersion"), "7");
  EXPECT_EQ(text(answer->output, "ResponseStreamContentType"), "application/vnd.amazon.eventstream");
  EXPECT_EQ(answer->headers, (std::vector<http::Header>{{"X-Amzn-Remapped-Content-Type", "text/plain"}}));
  EXPECT_EQ(made_up.last.payload, R"({"a":1})");
  EXPECT_TRUE(made_up.last.authorized);
  loop->scope().spawn([](io::Loop& l, runtime::ResponseStream& stream) -> Task<void> {
    stream.begin({"text/plain"});
    co_await stream.write(l, "one");
    co_await io::settle(l);
    co_await stream.write(l, std::string(100'000, 'x'));
    stream.end({});
  }(*loop, *made_up.stream));
  EXPECT_EQ(events_of(*answer),
            (std::vector<std::string>{"PayloadChunk: one", cat("PayloadChunk: ", std::string(65'536, 'x')),
                                      cat("PayloadChunk: ", std::string(100'000 - 65'536, 'x')), "InvokeComplete: {}"}));
}

TEST_F(InvokeStreamTest, AnErrorBehindTheBytesIsInTheLastEvent) {
  made_up.stream = runtime::make_response_stream();
  auto answer = start(json::Object{{"FunctionName", "f"}, {"LogType", "Tail"}});
  ASSERT_TRUE(answer);
  EXPECT_TRUE(made_up.last.with_log);
  made_up.stream->begin({"text/plain"});
  made_up.stream->end({"Sandbox.Timedout", R"({"errorType":"Sandbox.Timedout"})"});
  auto last = made_up.whole;
  last.log_tail = "the log";
  made_up.ended.deliver(last);
  EXPECT_EQ(events_of(*answer),
            (std::vector<std::string>{
                cat(R"(InvokeComplete: {"ErrorCode":"Sandbox.Timedout","ErrorDetails":"{\"errorType\":\"Sandbox.Timedout\"}",)",
                    R"("LogResult":")", to_base64("the log"), "\"}")}));
}

TEST_F(InvokeStreamTest, AFunctionThatDoesNotStreamIsOnePieceAndItsErrorNone) {
  made_up.whole.payload = R"({"x":1})";
  auto answer = start(named("f"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(made_up.last.payload, "{}");
  EXPECT_EQ(events_of(*answer), (std::vector<std::string>{R"(PayloadChunk: {"x":1})", "InvokeComplete: {}"}));

  made_up.whole.payload = R"({"errorType":"ValueError"})";
  made_up.whole.function_error = "Unhandled";
  answer = start(named("f"));
  EXPECT_EQ(events_of(*answer),
            (std::vector<std::string>{R"(InvokeComplete: {"ErrorCode":"Unhandled","ErrorDetails":"{\"errorType\":\"ValueError\"}"})"}));

  made_up.whole.payload = "";
  made_up.whole.error_type = "Runtime.Unknown";
  answer = start(named("f"));
  EXPECT_EQ(events_of(*answer), (std::vector<std::string>{R"(InvokeComplete: {"ErrorCode":"Unhandled","ErrorDetails":"Runtime.Unknown"})"}))
      << "an error without a text is one";
}

TEST_F(InvokeStreamTest, WhatIsRefusedIsNoStream) {
  const auto refused = [&](json::Value input) {
    auto answer = start(std::move(input));
    return answer ? std::string("went well") : cat(answer.error().status, " ", answer.error().code);
  };
  EXPECT_EQ(refused(named("g")), "404 ResourceNotFoundException");
  EXPECT_EQ(refused(json::Object{{"FunctionName", "f"}, {"Payload", "no json"}}), "400 InvalidRequestContentException");
  EXPECT_EQ(refused(json::Object{{"FunctionName", "f"}, {"Payload", std::string(6'291'457, ' ')}}), "413 RequestEntityTooLargeException");
  EXPECT_EQ(refused(json::Object{{"FunctionName", "f"}, {"TenantId", "t"}}), "501 UnsupportedOperationException");
  made_up.refusal = aws::ApiError{"TooManyRequestsException", 429, "Rate Exceeded."};
  EXPECT_EQ(refused(named("f")), "429 TooManyRequestsException");
  auto dry = start(json::Object{{"FunctionName", "f"}, {"InvocationType", "DryRun"}});
  ASSERT_TRUE(dry);
  EXPECT_EQ(text(dry->output, "StatusCode"), "204");
  EXPECT_FALSE(dry->events);
  EXPECT_EQ(access("InvokeWithResponseStream", named("f")).at(0).action, "lambda:InvokeFunction");
}

TEST_F(InvokeStreamTest, WhoeverGoesAwayLetsTheStreamGo) {
  made_up.stream = runtime::make_response_stream();
  auto answer = start(named("f"));
  ASSERT_TRUE(answer);
  answer->events.reset();
  bool writes = true;
  loop->scope().spawn([](io::Loop& l, runtime::ResponseStream& stream, bool& out) -> Task<void> {
    out = co_await stream.write(l, "x");
    l.stop();
  }(*loop, *made_up.stream, writes));
  loop->run();
  EXPECT_FALSE(writes);
}

}  // namespace
}  // namespace sallyport::lambda
