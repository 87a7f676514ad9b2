#include "app/log_ring.hpp"

#include <gtest/gtest.h>

#include "app/log_text.hpp"
#include "base/text.hpp"
#include "io/loop.hpp"

namespace sallyport::app {
namespace {

using std::chrono::milliseconds;
using Source = runtime::LogLine::Source;

void add(LogRing& ring, std::string_view function, std::string_view text) {
  ring.add(WallTime(), {Source::function, function, "id", text});
}

std::string texts(const LogRing::Lines& told) {
  std::string out;
  for (const auto& line : told.lines) out += cat(out.empty() ? "" : " ", line.text);
  return out;
}

TEST(LogRingTest, TellsWhatCameAfterANumber) {
  LogRing ring;
  EXPECT_EQ(ring.after(0, "").next, 0u);
  add(ring, "f", "1");
  add(ring, "g", "2");
  add(ring, "f", "3");
  EXPECT_EQ(texts(ring.after(0, "")), "1 2 3");
  EXPECT_EQ(texts(ring.after(1, "")), "2 3");
  EXPECT_EQ(texts(ring.after(0, "f")), "1 3");
  EXPECT_EQ(texts(ring.after(0, "", 2)), "2 3") << "the last two";
  EXPECT_EQ(texts(ring.after(0, "f", 1)), "3");
  EXPECT_EQ(ring.after(0, "g").next, 3u) << "what does not fit is not looked at twice";
  EXPECT_EQ(texts(ring.after(3, "")), "");
}

TEST(LogRingTest, OneAnswerHoldsSoManyAndGoesOnWhereItStopped) {
  LogRing ring;
  const auto count = limits::lines_told_max + 10;
  for (std::size_t i = 1; i <= count; ++i) add(ring, "f", cat(i));
  const auto first = ring.after(0, "f");
  EXPECT_EQ(first.lines.size(), limits::lines_told_max);
  const auto second = ring.after(first.next, "f");
  EXPECT_EQ(second.lines.size(), 10u);
  EXPECT_EQ(second.lines.back().text, cat(count));
}

TEST(LogRingTest, TheOldestGoWhenItIsFull) {
  LogRing ring;
  const std::string large(100'000, 'x');
  for (int i = 0; i < 100; ++i) add(ring, "f", large);
  add(ring, "f", "last");
  const auto told = ring.after(0, "f");
  EXPECT_LT(told.lines.size(), 50u);
  EXPECT_GT(told.lines.size(), 30u);
  EXPECT_EQ(told.lines.back().text, "last");
  EXPECT_EQ(told.lines.back().number, 101u);
}

TEST(LogRingTest, LinesAreWholeOverManyBlocks) {
  LogRing ring;
  const auto text_of = [](std::size_t i) { return cat(i, std::string(i % 700, 'x')); };
  constexpr std::size_t count = 30'000;
  for (std::size_t i = 1; i <= count; ++i) {
    const auto function = cat("f", i % 3), id = cat("id", i), stream = cat("s", i % 5), text = text_of(i);
    ring.add(WallTime(milliseconds(i)), {i % 2 ? Source::platform : Source::function, function, id, text, {}, stream});
  }
  std::uint64_t number = 0, seen = 0, bytes = 0;
  for (;;) {
    const auto told = ring.after(number, "");
    if (told.lines.empty()) break;
    for (const auto& line : told.lines) {
      if (seen) {
        ASSERT_EQ(line.number, number + 1) << "none is left out";
      }
      number = line.number;
      ASSERT_EQ(line.text, text_of(number));
      ASSERT_EQ(line.function, cat("f", number % 3));
      ASSERT_EQ(line.request_id, cat("id", number));
      ASSERT_EQ(line.stream, cat("s", number % 5));
      ASSERT_EQ(line.platform, number % 2 == 1);
      ASSERT_EQ(line.time, WallTime(milliseconds(number)));
      ++seen;
      bytes += line.text.size();
    }
  }
  EXPECT_EQ(number, count);
  EXPECT_LT(bytes, limits::remembered_log_bytes_max);
  EXPECT_GT(bytes, limits::remembered_log_bytes_max / 2);
  EXPECT_EQ(ring.after(count, "").next, count);
  EXPECT_TRUE(ring.after(count + 5, "").lines.empty());
}

TEST(LogRingTest, WaitingEndsWithALineThatFitsOrWithPatience) {
  LogRing ring;
  auto loop = *io::Loop::make();
  add(ring, "f", "before");
  std::string waited, impatient, closed;
  loop->scope().spawn([](io::Loop& here, LogRing& lines, std::string& out) -> Task<void> {
    out = texts(co_await lines.wait_after(here, 1, "f", milliseconds(10'000)));
  }(*loop, ring, waited));
  loop->scope().spawn([](io::Loop& here, LogRing& lines, std::string& out) -> Task<void> {
    out = cat("[", texts(co_await lines.wait_after(here, 1, "h", milliseconds(20))), "]");
    lines.close();
  }(*loop, ring, impatient));
  loop->scope().spawn([](io::Loop& here, LogRing& lines, std::string& out) -> Task<void> {
    out = cat("[", texts(co_await lines.wait_after(here, 1, "k", milliseconds(10'000))), "]");
    here.stop();
  }(*loop, ring, closed));
  loop->post([&] {
    add(ring, "g", "another's");
    add(ring, "f", "mine");
  });
  loop->run();
  EXPECT_EQ(waited, "mine");
  EXPECT_EQ(impatient, "[]");
  EXPECT_EQ(closed, "[]") << "the server ends: nobody is kept waiting";
}

TEST(LogTextTest, LinesForPeople) {
  EXPECT_EQ(log_text({false, "hello", "1-2", "text"}, false), "[hello 1-2] text");
  EXPECT_EQ(log_text({false, "hello", "", "text"}, false), "[hello] text");
  EXPECT_EQ(log_text({false, "f", "", "a\x1b[31m\tb\x0b\nc\rd"}, false), "[f] a\\x1b[31m\tb\\x0b\n    c\n    d")
      << "nothing forges a line or a colour";
  const auto coloured = log_text({false, "hello", "1234-5678", "text"}, true);
  EXPECT_TRUE(coloured.ends_with("[hello 1234] \x1b[0mtext")) << coloured;
  EXPECT_EQ(coloured, log_text({false, "hello", "1234-5678", "text"}, true));
  EXPECT_EQ(log_text({true, "hello", "1234-5678", "END"}, true), "\x1b[90m[hello 1234] END\x1b[0m");
}

}  // namespace
}  // namespace sallyport::app
