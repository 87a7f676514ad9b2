// Streamed answers in frames.
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "io/completion.hpp"
#include "runtime/channel.hpp"
#include "runtime/response_stream.hpp"

namespace sallyport::runtime {
namespace {

using std::chrono::milliseconds;

constexpr char result = 18, begin = 21, chunk = 22, end = 23, done = 24;
const std::string id = "8f507cfc-xmpl-4697-b07a-ac58fc914c95";

std::string frame(char kind, std::string_view event, std::string_view field, std::string_view body) {
  std::string out{kind, 0, 0, 0};
  const auto header = cat(event, '\0', field);
  for (auto size : {header.size(), body.size()})
    for (int i = 0; i < 4; ++i, size >>= 8) out.push_back(static_cast<char>(size & 0xff));
  return out + header + std::string(body);
}

class FrameStreamTest : public testing::Test {
 public:
  FrameStreamTest() {
    auto [ours, theirs] = io::make_stream_pair(*loop);
    near = std::move(ours);
    process = std::move(theirs);
    channel = make_frame_channel(*loop, *near, *near);
  }
  void TearDown() override {
    process->close();
    channel.reset();
    near.reset();
    loop->scope().when_empty([this] { loop->stop(); });
    loop->run();
  }
  /// Sends an event, then the frames of the process; what the channel makes of them.
  RuntimeMessage message_after(std::shared_ptr<ResponseStream> stream, std::string frames) {
    RuntimeMessage out = Gone{};
    loop->scope().spawn([](FrameStreamTest& test, std::shared_ptr<ResponseStream> to, std::string all, RuntimeMessage& got) -> Task<void> {
      Invocation invocation{RequestId(id), "arn", "", "{}"};
      invocation.stream = std::move(to);
      co_await test.channel->send(invocation, {});
      co_await test.process->write(all);
      got = co_await test.channel->next();
      test.loop->stop();
    }(*this, std::move(stream), std::move(frames), out));
    loop->run();
    return out;
  }
  std::string read_all(ResponseStream& stream) {
    std::string out;
    loop->scope().spawn([](FrameStreamTest& test, ResponseStream& from, std::string& all) -> Task<void> {
      for (;;) {
        const auto some = co_await from.next(*test.loop);
        if (some.empty()) break;
        all += some;
      }
      test.loop->stop();
    }(*this, stream, out));
    loop->run();
    return out;
  }
  std::unique_ptr<io::Loop> loop = *io::Loop::make();
  std::unique_ptr<io::Stream> near, process;
  std::unique_ptr<Channel> channel;
};

const std::string whole = frame(begin, id, "text/plain", "") + frame(chunk, id, "", "one") + frame(chunk, id, "", "two");

TEST_F(FrameStreamTest, PiecesGoToTheStream) {
  const auto stream = make_response_stream();
  const auto message = message_after(stream, whole + frame(end, id, "", "") + frame(done, id, "", ""));
  ASSERT_TRUE(std::holds_alternative<Answered>(message));
  EXPECT_EQ(std::get<Answered>(message).payload, "");
  EXPECT_EQ(read_all(*stream), "onetwo");
  EXPECT_EQ(stream->how_it_ended().error_type, "");
}

TEST_F(FrameStreamTest, WithoutAStreamTheyAreCollected) {
  auto message = message_after(nullptr, whole + frame(end, id, "", "") + frame(done, id, "", ""));
  ASSERT_TRUE(std::holds_alternative<Answered>(message));
  EXPECT_EQ(std::get<Answered>(message).payload, "onetwo");

  std::string large = frame(begin, id, "text/plain", "");
  for (int i = 0; i < 8; ++i) large += frame(chunk, id, "", std::string(1 << 20, 'x'));
  message = message_after(nullptr, large + frame(end, id, "", "") + frame(done, id, "", ""));
  ASSERT_TRUE(std::holds_alternative<Answered>(message));
  EXPECT_EQ(std::get<Answered>(message).payload.size(), limits::response_bytes_max + 1) << "enough to refuse it";
}

TEST_F(FrameStreamTest, WhatNoBootstrapSendsIsNotWaitedFor) {
  const auto begun = [](std::size_t size) { return frame(result, id, "", std::string(size, 'x')).substr(0, 12); };
  EXPECT_TRUE(std::holds_alternative<Gone>(message_after(nullptr, begun(limits::response_bytes_max + 64 * 1024 + 1))));
}

TEST_F(FrameStreamTest, AnErrorBehindTheChunksEndsTheStreamWithIt) {
  const auto stream = make_response_stream();
  const auto message = message_after(stream, whole + frame(end, id, "TypeError", R"({"errorType":"TypeError"})") + frame(done, id, "", ""));
  ASSERT_TRUE(std::holds_alternative<Failed>(message));
  EXPECT_EQ(std::get<Failed>(message).error_type, "TypeError");
  EXPECT_EQ(read_all(*stream), "onetwo");
  EXPECT_EQ(stream->how_it_ended().error_payload, R"({"errorType":"TypeError"})");
}

TEST_F(FrameStreamTest, TheReaderSeesTheEndBeforeTheHandlerIsDone) {
  const auto stream = make_response_stream();
  bool answered = false;
  loop->scope().spawn([](FrameStreamTest& test, std::shared_ptr<ResponseStream> to, bool& over) -> Task<void> {
    Invocation invocation{RequestId(id), "arn", "", "{}"};
    invocation.stream = std::move(to);
    co_await test.channel->send(invocation, {});
    (void)co_await test.channel->next();
    over = true;
    test.loop->stop();
  }(*this, stream, answered));
  loop->scope().spawn([](FrameStreamTest& test, ResponseStream& from, const bool& over) -> Task<void> {
    co_await test.process->write(whole + frame(end, id, "", ""));
    while (!(co_await from.next(*test.loop)).empty()) {
    }
    EXPECT_FALSE(over);
    co_await test.process->write(frame(done, id, "", ""));
  }(*this, *stream, answered));
  loop->run();
  EXPECT_TRUE(answered);
}

TEST_F(FrameStreamTest, ASlowReaderHoldsTheChannelUpAndTheEndOfTheProcessFreesIt) {
  const auto stream = make_response_stream();
  std::string flood = frame(begin, id, "text/plain", "");
  for (int i = 0; i < 16; ++i) flood += frame(chunk, id, "", std::string(64 * 1024, 'x'));
  bool held = false;
  std::optional<io::Deadline> ending;
  ending.emplace(*loop, milliseconds(20), [&] {
    held = true;
    channel->process_ended();
  });
  const auto message = message_after(stream, flood);
  EXPECT_TRUE(held);
  EXPECT_TRUE(std::holds_alternative<Gone>(message));
  stream->end({"Sandbox.Timedout", "{}"});
  EXPECT_LE(read_all(*stream).size(), limits::stream_window_bytes + 64 * 1024);
}

TEST_F(FrameStreamTest, AfterTheReaderIsGoneTheFunctionFinishes) {
  const auto stream = make_response_stream();
  stream->abandon();
  std::string flood = frame(begin, id, "text/plain", "");
  for (int i = 0; i < 16; ++i) flood += frame(chunk, id, "", std::string(64 * 1024, 'x'));
  EXPECT_TRUE(std::holds_alternative<Answered>(message_after(stream, flood + frame(end, id, "", "") + frame(done, id, "", ""))));
}

TEST_F(FrameStreamTest, FramesOfOtherEventsAreNobodys) {
  const auto stream = make_response_stream();
  const auto stray =
      frame(begin, "other", "x/y", "") + frame(chunk, "other", "", "stray") + frame(end, "other", "", "") + frame(done, "other", "", "");
  EXPECT_TRUE(
      std::holds_alternative<Answered>(message_after(stream, stray + whole + stray + frame(end, id, "", "") + frame(done, id, "", ""))));
  EXPECT_EQ(read_all(*stream), "onetwo");
  const auto next = make_response_stream();
  EXPECT_TRUE(std::holds_alternative<Answered>(message_after(next, frame(result, id, "", "{}")))) << "a function that answers in one piece";
}

TEST_F(FrameStreamTest, NonsenseEndsTheChannel) {
  for (const auto& bad : {frame(chunk, id, "", "no begin"), frame(end, id, "", ""), whole + frame(begin, id, "", ""),
                          frame(begin, id, "", "") + frame(chunk, id, "", std::string((1 << 20) + 1, 'x'))}) {
    FrameStreamTest::TearDown();
    loop = *io::Loop::make();
    auto [ours, theirs] = io::make_stream_pair(*loop);
    near = std::move(ours);
    process = std::move(theirs);
    channel = make_frame_channel(*loop, *near, *near);
    EXPECT_TRUE(std::holds_alternative<Gone>(message_after(make_response_stream(), bad)));
  }
}

}  // namespace
}  // namespace sallyport::runtime
