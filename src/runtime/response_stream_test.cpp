#include "runtime/response_stream.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "base/clock.hpp"
#include "io/completion.hpp"
#include "io/testing.hpp"

namespace sallyport::runtime {
namespace {

using std::chrono::milliseconds;

/// A loop with a thread of its own.
class Runner {
 public:
  ~Runner() {
    loop->post([this] { loop->scope().when_empty([this] { loop->stop(); }); });
    thread_.join();
  }
  void spawn(std::function<Task<void>()> start) {
    loop->post([this, start = std::move(start)] { loop->scope().spawn(keep(start)); });
  }
  std::unique_ptr<io::Loop> loop = *io::Loop::make();

 private:
  static Task<void> keep(std::function<Task<void>()> start) { co_await start(); }
  std::thread thread_{[this] { loop->run(); }};
};

class ResponseStreamTest : public testing::Test {
 public:
  void run(Task<void> task) {
    loop->scope().spawn(std::move(task));
    loop->scope().when_empty([this] { loop->stop(); });
    loop->run();
  }
  std::unique_ptr<io::Loop> loop = *io::Loop::make();
  std::shared_ptr<ResponseStream> stream = make_response_stream();
};

TEST_F(ResponseStreamTest, WhatIsWrittenIsReadAndThenTheEnd) {
  run([](ResponseStreamTest& test) -> Task<void> {
    auto& stream = *test.stream;
    stream.begin({"text/plain"});
    EXPECT_TRUE(co_await stream.write(*test.loop, "one"));
    EXPECT_EQ((co_await stream.head(*test.loop))->content_type, "text/plain");
    EXPECT_TRUE(co_await stream.write(*test.loop, "two"));
    EXPECT_EQ(co_await stream.next(*test.loop), "onetwo");
    EXPECT_EQ(stream.size(), 6u);
    EXPECT_TRUE(co_await stream.write(*test.loop, "three"));
    stream.end({"Some.Error", "{}"});
    stream.end({});
    EXPECT_FALSE(co_await stream.write(*test.loop, "more"));
    EXPECT_EQ(co_await stream.next(*test.loop), "three");
    EXPECT_EQ(co_await stream.next(*test.loop), "");
    EXPECT_EQ(co_await stream.next(*test.loop), "");
    EXPECT_EQ(stream.how_it_ended().error_type, "Some.Error") << "the first end counts";
  }(*this));
}

TEST_F(ResponseStreamTest, TheHeadComesWithTheFirstByte) {
  run([](ResponseStreamTest& test) -> Task<void> {
    bool known = false;
    io::Completion<bool> done;
    test.loop->scope().spawn([](ResponseStreamTest& t, bool& told, io::Completion<bool> end) -> Task<void> {
      EXPECT_EQ((co_await t.stream->head(*t.loop))->content_type, "a/b");
      told = true;
      end.deliver(true);
    }(test, known, done));
    test.stream->begin({"a/b"});
    co_await io::settle(*test.loop);
    EXPECT_FALSE(known);
    co_await test.stream->write(*test.loop, "x");
    co_await done.wait_on(*test.loop);
  }(*this));
}

TEST_F(ResponseStreamTest, WithoutAStreamThereIsNoHead) {
  run([](ResponseStreamTest& test) -> Task<void> {
    test.stream->end({});
    EXPECT_FALSE(co_await test.stream->head(*test.loop));
    EXPECT_EQ(co_await test.stream->next(*test.loop), "");
    const auto failed = make_response_stream(), empty = make_response_stream();
    failed->begin({"a/b"});
    failed->end({"Some.Error", "{}"});
    EXPECT_FALSE(co_await failed->head(*test.loop)) << "an error before the first byte is no stream";
    empty->begin({"a/b"});
    empty->end({});
    EXPECT_TRUE(co_await empty->head(*test.loop));
  }(*this));
}

TEST_F(ResponseStreamTest, AFullWindowHoldsTheWriterUpUntilItIsRead) {
  run([](ResponseStreamTest& test) -> Task<void> {
    auto& stream = *test.stream;
    const std::string piece(64 * 1024, 'x');
    std::size_t written = 0;
    bool through = false;
    io::Completion<bool> done;
    test.loop->scope().spawn(
        [](ResponseStreamTest& t, const std::string& each, std::size_t& count, bool& over, io::Completion<bool> end) -> Task<void> {
          for (int i = 0; i < 20; ++i) {
            EXPECT_TRUE(co_await t.stream->write(*t.loop, each));
            count += each.size();
          }
          over = true;
          t.stream->end({});
          end.deliver(true);
        }(test, piece, written, through, done));
    co_await io::settle(*test.loop);
    EXPECT_FALSE(through);
    EXPECT_LE(written, limits::stream_window_bytes + piece.size());
    std::size_t read = 0;
    for (;;) {
      const auto some = co_await stream.next(*test.loop);
      if (some.empty()) break;
      read += some.size();
    }
    EXPECT_EQ(read, 20 * piece.size());
    co_await done.wait_on(*test.loop);
  }(*this));
}

TEST_F(ResponseStreamTest, AbandoningAndBreakingOffFreeAWriterThatWaits) {
  for (const bool by_reader : {true, false}) {
    stream = make_response_stream();
    loop = *io::Loop::make();
    run([](ResponseStreamTest& test, bool reader) -> Task<void> {
      std::optional<bool> result;
      test.loop->scope().spawn([](ResponseStreamTest& t, std::optional<bool>& out) -> Task<void> {
        EXPECT_TRUE(co_await t.stream->write(*t.loop, std::string(limits::stream_window_bytes, 'x')));
        out = co_await t.stream->write(*t.loop, "more");
      }(test, result));
      co_await io::settle(*test.loop);
      EXPECT_FALSE(result);
      if (reader)
        test.stream->abandon();
      else
        test.stream->break_off();
      co_await io::settle(*test.loop);
      EXPECT_EQ(result, false);
      EXPECT_FALSE(co_await test.stream->write(*test.loop, "still more"));
      EXPECT_EQ(test.stream->was_cut(), !reader);
      test.stream->end({"Sandbox.Timedout", "{}"});
      // What was written before it was broken off arrives.
      EXPECT_EQ((co_await test.stream->next(*test.loop)).size(), reader ? 0 : limits::stream_window_bytes);
      EXPECT_EQ(co_await test.stream->next(*test.loop), "");
    }(*this, by_reader));
  }
}

TEST_F(ResponseStreamTest, WhatThereIsRoomForIsTakenAfterBreakingOff) {
  run([](ResponseStreamTest& test) -> Task<void> {
    test.stream->break_off();
    EXPECT_TRUE(co_await test.stream->write(*test.loop, "last words"));
    test.stream->end({});
    EXPECT_FALSE(test.stream->was_cut());
    EXPECT_EQ(co_await test.stream->next(*test.loop), "last words");
  }(*this));
}

TEST_F(ResponseStreamTest, NothingIsTakenAfterAGap) {
  run([](ResponseStreamTest& test) -> Task<void> {
    EXPECT_TRUE(co_await test.stream->write(*test.loop, std::string(limits::stream_window_bytes, 'x')));
    test.stream->break_off();
    EXPECT_FALSE(co_await test.stream->write(*test.loop, "lost"));
    EXPECT_EQ((co_await test.stream->next(*test.loop)).size(), limits::stream_window_bytes);
    EXPECT_FALSE(co_await test.stream->write(*test.loop, "there is room again"));
    EXPECT_TRUE(test.stream->was_cut());
  }(*this));
}

TEST_F(ResponseStreamTest, AbandoningFreesAReaderThatWaits) {
  run([](ResponseStreamTest& test) -> Task<void> {
    int back = 0;
    const auto other = make_response_stream();
    test.loop->scope().spawn([](ResponseStreamTest& t, int& count) -> Task<void> {
      EXPECT_EQ(co_await t.stream->next(*t.loop), "");
      ++count;
    }(test, back));
    test.loop->scope().spawn([](io::Loop& l, std::shared_ptr<ResponseStream> s, int& count) -> Task<void> {
      EXPECT_FALSE(co_await s->head(l));
      ++count;
    }(*test.loop, other, back));
    co_await io::settle(*test.loop);
    EXPECT_EQ(back, 0);
    test.stream->abandon();
    other->abandon();
    co_await io::settle(*test.loop);
    EXPECT_EQ(back, 2);
  }(*this));
}

TEST_F(ResponseStreamTest, MoreThanAwsStreamsEndsIt) {
  run([](ResponseStreamTest& test) -> Task<void> {
    auto& stream = *test.stream;
    const std::size_t piece = 1 << 20;
    std::size_t read = 0;
    for (std::size_t i = 0; i < limits::stream_bytes_max / piece; ++i) {
      EXPECT_TRUE(co_await stream.write(*test.loop, std::string(piece, 'x')));
      read += (co_await stream.next(*test.loop)).size();
    }
    EXPECT_EQ(read, limits::stream_bytes_max);
    EXPECT_FALSE(co_await stream.write(*test.loop, "x"));
    EXPECT_EQ(co_await stream.next(*test.loop), "");
    EXPECT_EQ(stream.how_it_ended().error_type, "Function.ResponseSizeTooLarge");
  }(*this));
}

TEST_F(ResponseStreamTest, AtTheSpeedOfAwsTheRestIsSlow) {
  stream = make_response_stream(StreamPace::aws);
  run([](ResponseStreamTest& test) -> Task<void> {
    const SystemClock clock;
    const auto send = [&test](std::size_t bytes) -> Task<void> {
      EXPECT_TRUE(co_await test.stream->write(*test.loop, std::string(bytes, 'x')));
      EXPECT_EQ((co_await test.stream->next(*test.loop)).size(), bytes);
    };
    for (std::size_t sent = 0; sent < limits::stream_burst_bytes; sent += 1 << 20) co_await send(1 << 20);
    const auto before = clock.monotonic_now();
    co_await send(limits::stream_bytes_per_second / 20);
    EXPECT_GE(clock.monotonic_now() - before, milliseconds(40));
  }(*this));
}

TEST(ResponseStreamLoops, WriterAndReaderMayBeOnDifferentLoops) {
  constexpr int pieces = 2000;
  for (int round = 0; round < 3; ++round) {
    const auto stream = make_response_stream();
    std::size_t read = 0;
    io::Completion<bool> done;
    Runner writer, reader;
    writer.spawn([&]() -> Task<void> {
      stream->begin({"a/b"});
      for (int i = 0; i < pieces; ++i) EXPECT_TRUE(co_await stream->write(*writer.loop, std::string(1000, 'x')));
      stream->end({});
    });
    reader.spawn([&]() -> Task<void> {
      EXPECT_TRUE(co_await stream->head(*reader.loop));
      for (;;) {
        const auto some = co_await stream->next(*reader.loop);
        if (some.empty()) break;
        read += some.size();
      }
      done.deliver(true);
    });
    done.wait();
    EXPECT_EQ(read, pieces * 1000u);
  }
}

TEST(ResponseStreamLoops, EitherSideMayLeaveAtAnyMoment) {
  for (int round = 0; round < 200; ++round) {
    const auto stream = make_response_stream();
    io::Completion<bool> written, read;
    Runner writer, reader;
    writer.spawn([&]() -> Task<void> {
      stream->begin({"a/b"});
      for (int i = 0; i < 50 && co_await stream->write(*writer.loop, std::string(10'000, 'x')); ++i) {
      }
      stream->end({"Some.Error", "{}"});
      written.deliver(true);
    });
    reader.spawn([&]() -> Task<void> {
      for (int i = 0; i < round % 7; ++i) (void)co_await stream->next(*reader.loop);
      stream->abandon();
      EXPECT_EQ(co_await stream->next(*reader.loop), "");
      read.deliver(true);
    });
    if (round % 3 == 0) stream->break_off();
    written.wait();
    read.wait();
  }
}

}  // namespace
}  // namespace sallyport::runtime
