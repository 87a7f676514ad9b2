// Handlers that stream, through our Node.js bootstrap.
#include "runtime/response_stream.hpp"
#include "runtime/testing.hpp"

namespace sallyport::runtime {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class NodeStreamTest : public RuntimeTest {
 public:
  void SetUp() override {
    RuntimeTest::SetUp();
    spec.runtime = "nodejs22.x";
    spec.handler = "app.handler";
    if (const auto why = missing(spec.runtime); !why.empty()) GTEST_SKIP() << why;
  }
  /// The body of a streaming handler of `event`, `stream` and `context`.
  void streams(std::string_view body, std::string_view options = "undefined") {
    write(
        "app.js",
        cat("const fs = require('node:fs'), { pipeline } = require('node:stream/promises'), { Readable } = require('node:stream');\n"
            "const file = async (name) => { while (!fs.existsSync(__dirname + '/' + name)) await new Promise((r) => setTimeout(r, 2)); };\n"
            "exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {",
            body, "}, ", options, ");"));
  }
  struct Streamed {
    std::optional<std::string> type;  // nothing: there was no stream
    std::string body;
    StreamEnd end;
    Outcome outcome;
  };
  /// Runs an event and reads its stream; `seen` is told of every piece, and false from it ends the reading.
  Streamed stream(std::function<bool(const std::string&)> seen = [](const auto&) { return true; }) {
    if (!pool) pool = std::make_shared<Pool>(spec, surroundings, capacity);
    Streamed out;
    const auto answer = make_response_stream();
    int left = 2;
    loop->scope().spawn([](RuntimeTest& test, std::shared_ptr<ResponseStream> to, Outcome& outcome, int& running) -> Task<void> {
      auto event = test.invocation("{}");
      event.stream = std::move(to);
      outcome = co_await test.pool->invoke(*test.loop, std::move(event));
      if (--running == 0) test.loop->stop();
    }(*this, answer, out.outcome, left));
    loop->scope().spawn([](RuntimeTest& test, std::shared_ptr<ResponseStream> from, Streamed& to, auto told, int& running) -> Task<void> {
      if (auto head = co_await from->head(*test.loop)) {
        to.type = head->content_type;
        for (;;) {
          const auto piece = co_await from->next(*test.loop);
          to.body += piece;
          if (piece.empty()) break;
          if (!told(to.body)) {
            from->abandon();
            break;
          }
        }
      }
      to.end = from->how_it_ended();
      if (--running == 0) test.loop->stop();
    }(*this, answer, out, std::move(seen), left));
    loop->run();
    return out;
  }
};

TEST_F(NodeStreamTest, BytesArriveBeforeTheHandlerIsDone) {
  streams("stream.setContentType('text/plain'); stream.write('first '); await file('go'); stream.end('last');");
  const auto got = stream([&](const std::string& body) {
    if (body == "first ") write("go", "");
    return true;
  });
  EXPECT_EQ(got.type, "text/plain");
  EXPECT_EQ(got.body, "first last");
  EXPECT_EQ(got.end.error_type, "");
  EXPECT_FALSE(got.outcome.failed);
  EXPECT_TRUE(logs.has("END RequestId: " + last_id));
}

TEST_F(NodeStreamTest, WhatIsNoTextAndNoBytesIsJson) {
  streams(
      "stream.write({ a: [1] }); stream.write(new Uint8Array([98])); stream.write(Buffer.from('c')); stream.write(null); stream.end();");
  const auto got = stream();
  EXPECT_EQ(got.type, "application/octet-stream");
  EXPECT_EQ(got.body, R"({"a":[1]}bcnull)");
}

TEST_F(NodeStreamTest, MetadataGoesBeforeTheFirstWrite) {
  streams(
      "const http = awslambda.HttpResponseStream.from(stream, { statusCode: 201, cookies: ['a=b'] });"
      "await pipeline(Readable.from(['one', 'two']), http);");
  const auto got = stream();
  EXPECT_EQ(got.type, "application/vnd.awslambda.http-integration-response");
  EXPECT_EQ(got.body, R"({"statusCode":201,"cookies":["a=b"]})" + std::string(8, '\0') + "onetwo");
}

TEST_F(NodeStreamTest, ABufferedCallerGetsItInOnePiece) {
  streams("stream.write('one '); await new Promise((r) => setImmediate(r)); stream.end('two');");
  EXPECT_EQ(answer("{}"), "one two");
  streams("stream.write(Buffer.alloc(6291557)); stream.end();");
  restart();
  EXPECT_EQ(failure("{}"), too_large);
}

TEST_F(NodeStreamTest, AnErrorBeforeTheFirstByteIsAnOrdinaryOne) {
  streams("throw new TypeError('early');");
  const auto got = stream();
  EXPECT_FALSE(got.type);
  EXPECT_TRUE(got.outcome.failed);
  EXPECT_EQ(got.outcome.error_type, "TypeError");
  EXPECT_THAT(got.outcome.payload, StartsWith(R"({"errorType":"TypeError","errorMessage":"early","trace":["TypeError: early")"));
  EXPECT_TRUE(logs.has("\tERROR\tInvoke Error \t{"));
}

TEST_F(NodeStreamTest, AnErrorLaterEndsTheStreamAndTheEnvironmentLivesOn) {
  streams("stream.write('some'); throw new TypeError('late');");
  for (int i = 0; i < 2; ++i) {
    const auto got = stream();
    EXPECT_EQ(got.body, "some");
    EXPECT_EQ(got.end.error_type, "TypeError");
    EXPECT_THAT(got.end.error_payload, HasSubstr(R"("errorMessage":"late")"));
    EXPECT_TRUE(got.outcome.failed);
  }
  EXPECT_EQ(logs.count("Init Duration"), 1) << "one environment";
}

TEST_F(NodeStreamTest, ASourceThatBreaksEndsTheStreamWithItsError) {
  streams(
      "await pipeline(Readable.from((async function* () { yield 'a'; await file('go'); throw new RangeError('source'); })()), stream);");
  const auto got = stream([&](const std::string&) {
    write("go", "");
    return true;
  });
  EXPECT_EQ(got.body, "a");
  EXPECT_EQ(got.end.error_type, "RangeError");
}

TEST_F(NodeStreamTest, MistakesHaveTheTextsOfAws) {
  streams(
      "stream.write('x'); try { stream.setContentType('a/b'); } catch (error) { stream.end(`${error.name}: ${error.message}`); } return "
      "1;");
  EXPECT_EQ(stream().body, "xRuntime.InvalidStreamingOperation: Cannot set content-type, too late.");
  EXPECT_TRUE(logs.has("\tWARN\tStreaming handlers ignore return values."));
  restart();
  write("app.js", "exports.handler = awslambda.streamifyResponse((event, stream) => { stream.end('x'); });");
  EXPECT_THAT(stream().end.error_payload, HasSubstr("Streaming does not support non-async handlers."));
  restart();
  write("app.js", "exports.handler = async () => {}; exports.handler[Symbol.for('aws.lambda.runtime.handler.streaming')] = 'request';");
  EXPECT_THAT(failure("{}"), HasSubstr("Only response streaming is supported."));
}

TEST_F(NodeStreamTest, WhatAHandlerGetsIsWhatItIsOnAws) {
  streams(
      "stream.end(JSON.stringify([Object.keys(context).includes('succeed'), context.callbackWaitsForEmptyEventLoop, context.awsRequestId,"
      " stream.writableHighWaterMark, typeof context.getRemainingTimeInMillis()]));",
      "{ highWaterMark: 7 }");
  EXPECT_EQ(stream().body, cat(R"([false,true,")", last_id, R"(",7,"number"])"));
}

TEST_F(NodeStreamTest, ASlowReaderHoldsTheHandlerUpAndNotItsEventLoop) {
  streams(
      "let ticks = 0, waits = 0; const timer = setInterval(() => { if (++ticks == 5) fs.writeFileSync(__dirname + '/ticking', ''); }, 1);"
      "for (let i = 0; i < 200; i++) if (!stream.write(Buffer.alloc(65536))) { waits++; await new Promise((r) => stream.once('drain', r)); "
      "}"
      "clearInterval(timer); fs.writeFileSync(__dirname + '/written', ''); stream.end();");
  std::size_t size = 0;
  bool ticked = false;
  const auto got = stream([&](const std::string& body) {
    if (size == 0) {
      // Nothing is taken meanwhile: the pipe is full, and timers still run.
      for (int i = 0; i < 2'000 && !(ticked = fs::exists(folder + "/code/ticking")); ++i) usleep(2'000);
      EXPECT_FALSE(fs::exists(folder + "/code/written"));
    }
    size = body.size();
    return true;
  });
  EXPECT_TRUE(ticked);
  EXPECT_EQ(got.body.size(), 200u * 65536);
}

TEST_F(NodeStreamTest, AReaderThatLeavesDoesNotEndTheFunction) {
  streams(
      "for (let i = 0; i < 100; i++) if (!stream.write(Buffer.alloc(65536))) await new Promise((r) => stream.once('drain', r));"
      "stream.end(); console.log('finished');");
  const auto got = stream([](const std::string&) { return false; });
  EXPECT_FALSE(got.outcome.failed);
  EXPECT_TRUE(logs.has("finished"));
  streams("stream.end('again');");
  EXPECT_EQ(stream().body.size(), 100u * 65536) << "the same environment, with the code it has loaded";
  EXPECT_EQ(logs.count("Init Duration"), 1);
}

TEST_F(NodeStreamTest, TimeEndsAStreamThatASlowReaderHoldsUp) {
  spec.timeout = std::chrono::seconds(1);
  streams(
      "stream.setContentType('text/plain'); for (;;) if (!stream.write(Buffer.alloc(65536, 'x'))) await new Promise((r) => "
      "stream.once('drain', r));");
  if (!pool) pool = std::make_shared<Pool>(spec, surroundings, capacity);
  const auto answer = make_response_stream();
  Outcome outcome;
  loop->scope().spawn([](RuntimeTest& test, std::shared_ptr<ResponseStream> to, Outcome& out) -> Task<void> {
    auto event = test.invocation("{}");
    event.stream = std::move(to);
    out = co_await test.pool->invoke(*test.loop, std::move(event));  // nobody reads
    test.loop->stop();
  }(*this, answer, outcome));
  loop->run();
  EXPECT_EQ(outcome.error_type, "Sandbox.Timedout");
  EXPECT_EQ(outcome.payload, service_error("Sandbox.Timedout", "Task timed out after 1.00 seconds"));
  EXPECT_EQ(answer->how_it_ended().error_type, "Sandbox.Timedout");
  EXPECT_EQ(answer->how_it_ended().error_payload, outcome.payload);
  ASSERT_TRUE(logs.find("REPORT RequestId"));
  EXPECT_THAT(logs.find("REPORT RequestId")->text, EndsWith("Status: timeout"));
}

TEST_F(NodeStreamTest, ACrashEndsTheStreamWithItsReason) {
  streams("stream.write('some'); await file('go'); process.exit(3);");
  const auto exited = stream([&](const std::string&) {
    write("go", "");
    return true;
  });
  EXPECT_EQ(exited.body, "some");
  EXPECT_EQ(exited.end.error_type, "Runtime.ExitError");
  EXPECT_EQ(exited.end.error_payload, exit_error("Runtime exited with error: exit status 3"));
  restart();
  streams("stream.write('x'.repeat(1 << 20)); setImmediate(() => { throw new Error('boom'); }); await new Promise(() => {});");
  const auto thrown = stream();
  EXPECT_EQ(thrown.end.error_type, "Error");
  EXPECT_THAT(thrown.end.error_payload, HasSubstr("boom"));
}

TEST_F(NodeStreamTest, TheCallerSeesTheEndBeforeTheHandlerIsDone) {
  streams("stream.end('all'); await file('go'); console.log('after the answer');");
  std::string body;
  if (!pool) pool = std::make_shared<Pool>(spec, surroundings, capacity);
  const auto answer = make_response_stream();
  bool ended = false, ended_early = false;
  loop->scope().spawn([](RuntimeTest& test, std::shared_ptr<ResponseStream> to, bool& over) -> Task<void> {
    auto event = test.invocation("{}");
    event.stream = std::move(to);
    (void)co_await test.pool->invoke(*test.loop, std::move(event));
    over = true;
    test.loop->stop();
  }(*this, answer, ended));
  loop->scope().spawn(
      [](NodeStreamTest& test, std::shared_ptr<ResponseStream> from, std::string& all, bool& over, bool& early) -> Task<void> {
        for (;;) {
          const auto piece = co_await from->next(*test.loop);
          if (piece.empty()) break;
          all += piece;
        }
        early = over;
        test.write("go", "");
      }(*this, answer, body, ended, ended_early));
  loop->run();
  EXPECT_EQ(body, "all");
  EXPECT_FALSE(ended_early);
  EXPECT_TRUE(logs.has("after the answer"));
}

TEST_F(NodeStreamTest, AnAnswerThatNobodyEndsTimesOut) {
  spec.timeout = std::chrono::seconds(1);
  streams("stream.write('some');");
  const auto got = stream();
  EXPECT_EQ(got.body, "some");
  EXPECT_EQ(got.end.error_type, "Sandbox.Timedout");
}

TEST_F(NodeStreamTest, OneEnvironmentStreamsManyTimes) {
  streams("stream.write('x'.repeat(100000)); stream.end();");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(stream().body.size(), 100'000u);
  EXPECT_EQ(logs.count("Init Duration"), 1);
}

}  // namespace
}  // namespace sallyport::runtime
