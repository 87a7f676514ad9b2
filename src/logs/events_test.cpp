#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>

#include "logs/testing.hpp"

namespace sallyport::logs {
namespace {

using testing::messages;
using testing::pluck;
using testing::string_of;
using testing::World;
using Strings = std::vector<std::string>;

constexpr std::int64_t day_ms = 86'400'000;

class EventsTest : public ::testing::Test {
 public:
  EventsTest() { world.make("g", {"s", "t"}); }
  control::Answer<json::Value> get(json::Object in = {}) {
    in.emplace_back("logGroupName", "g");
    in.emplace_back("logStreamName", "s");
    return world.call("GetLogEvents", std::move(in));
  }
  control::Answer<json::Value> filter(json::Object in = {}) {
    in.emplace_back("logGroupName", "g");
    return world.call("FilterLogEvents", std::move(in));
  }
  World world;
  const std::int64_t now = world.clock.now_ms;
};

TEST_F(EventsTest, PutAndGet) {
  EXPECT_EQ(world.put("g", "s", now, {"one", "two"}).find("Exception"), std::string::npos);
  const auto answer = get();
  EXPECT_EQ(json::to_text(*answer->find("events")), R"([{"timestamp":1700000000000,"message":"one","ingestionTime":1700000000000},)"
                                                    R"({"timestamp":1700000000001,"message":"two","ingestionTime":1700000000000}])");
  EXPECT_EQ(string_of(answer, "nextForwardToken").substr(0, 2), "f/");
  EXPECT_EQ(string_of(answer, "nextBackwardToken").substr(0, 2), "b/");
  const auto streams = world.text("DescribeLogStreams", R"({"logGroupName":"g"})");
  EXPECT_NE(streams.find(R"("firstEventTimestamp":1700000000000,"lastEventTimestamp":1700000000001,"lastIngestionTime":1700000000000)"),
            std::string::npos)
      << streams;
}

TEST_F(EventsTest, PutChecksWhatAwsChecks) {
  const auto put = [&](json::Array events) {
    return world.text("PutLogEvents", json::Object{{"logGroupName", "g"}, {"logStreamName", "s"}, {"logEvents", std::move(events)}});
  };
  const auto event = [](std::int64_t time, std::string message) {
    return json::Object{{"timestamp", time}, {"message", std::move(message)}};
  };
  EXPECT_EQ(put({event(now, "a"), event(now - 1, "b")}),
            "InvalidParameterException: Log events in a single PutLogEvents request must be in chronological order.");
  EXPECT_NE(put({event(now - day_ms - 1, "a"), event(now, "b")}).find("span more than 24 hours"), std::string::npos);
  EXPECT_EQ(put({event(now, std::string(1'048'551, 'x'))}),
            "InvalidParameterException: Upload too large: 1048577 bytes exceeds limit of 1048576");
  EXPECT_EQ(put({event(now, std::string(1'048'550, 'x'))}).find("Exception"), std::string::npos);
  EXPECT_EQ(world.put("nothing", "s", now, {"x"}), "ResourceNotFoundException: The specified log group does not exist.");
  EXPECT_EQ(world.put("g", "nothing", now, {"x"}), "ResourceNotFoundException: The specified log stream does not exist.");
}

TEST_F(EventsTest, EventsOutOfTimeAreLeftOut) {
  EXPECT_NE(
      world.put("g", "s", now - 14 * day_ms - 1, {"too old", "just in"}).find(R"("rejectedLogEventsInfo":{"tooOldLogEventEndIndex":1})"),
      std::string::npos);
  EXPECT_NE(
      world.put("g", "s", now + 7'200'000, {"just in too", "too new"}).find(R"("rejectedLogEventsInfo":{"tooNewLogEventStartIndex":1})"),
      std::string::npos);
  EXPECT_EQ(world.text("PutRetentionPolicy", R"({"logGroupName":"g","retentionInDays":1})"), "{}");
  EXPECT_NE(world.put("g", "s", now - day_ms - 2, {"x", "y", "kept"}).find(R"("expiredLogEventEndIndex":2)"), std::string::npos);
  EXPECT_NE(world.put("g", "s", now - 20 * day_ms, {"x"}).find("tooOld"), std::string::npos) << "none left is no error";
  EXPECT_EQ(world.text("DeleteRetentionPolicy", R"({"logGroupName":"g"})"), "{}");
  EXPECT_EQ(messages(get()), (Strings{"just in", "kept", "just in too"}));
}

TEST_F(EventsTest, TheNewestPageComesFirstUnlessAskedOtherwise) {
  world.put("g", "s", now, {"1", "2", "3", "4", "5"});
  EXPECT_EQ(messages(get({{"limit", 2}})), (Strings{"4", "5"}));
  EXPECT_EQ(messages(get({{"limit", 2}, {"startFromHead", true}})), (Strings{"1", "2"}));
  EXPECT_EQ(messages(get({{"startTime", now + 1}, {"endTime", now + 3}})), (Strings{"2", "3"})) << "the end is not included";
}

TEST_F(EventsTest, TokensWalkBothWaysAndStopAtTheEnds) {
  world.put("g", "s", now, {"1", "2", "3", "4", "5"});
  auto page = get({{"limit", 2}, {"startFromHead", true}});
  const auto forward = [&] { page = get({{"limit", 2}, {"nextToken", string_of(page, "nextForwardToken")}}); };
  const auto backward = [&] { page = get({{"limit", 2}, {"nextToken", string_of(page, "nextBackwardToken")}}); };
  forward();
  EXPECT_EQ(messages(page), (Strings{"3", "4"}));
  backward();
  EXPECT_EQ(messages(page), (Strings{"1", "2"}));
  forward();
  forward();
  EXPECT_EQ(messages(page), (Strings{"5"}));
  const auto last = string_of(page, "nextForwardToken");
  forward();
  EXPECT_EQ(messages(page), Strings());
  EXPECT_EQ(string_of(page, "nextForwardToken"), last) << "the same token says: the end";
  world.put("g", "s", now + 10, {"6"});
  forward();
  EXPECT_EQ(messages(page), (Strings{"6"})) << "and goes on where it stood";
  backward();
  EXPECT_EQ(messages(page), (Strings{"4", "5"}));
  backward();
  backward();
  EXPECT_EQ(messages(page), (Strings{"1"}));
  const auto first = string_of(page, "nextBackwardToken");
  backward();
  EXPECT_EQ(messages(page), Strings());
  EXPECT_EQ(string_of(page, "nextBackwardToken"), first);
  for (const auto* token : {"x", "f/12", "b/", "f/", "c/00000000000000000000000000000000000000000000000000000000"})
    EXPECT_EQ(messages(get({{"nextToken", token}})), Strings{"InvalidParameterException"}) << token;
}

TEST_F(EventsTest, EqualTimesKeepTheirOrderAndLoseNothing) {
  json::Array events;
  for (int i = 0; i < 50; ++i) events.push_back(json::Object{{"timestamp", now}, {"message", std::to_string(i)}});
  world.call("PutLogEvents", json::Object{{"logGroupName", "g"}, {"logStreamName", "s"}, {"logEvents", std::move(events)}});
  auto page = get({{"limit", 7}, {"startFromHead", true}});
  Strings all = messages(page);
  for (int i = 0; i < 20; ++i) {
    page = get({{"limit", 7}, {"nextToken", string_of(page, "nextForwardToken")}});
    for (auto& each : messages(page)) all.push_back(each);
  }
  ASSERT_EQ(all.size(), 50u);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST_F(EventsTest, FilterMergesStreamsByTime) {
  world.put("g", "s", now, {"s0"});
  world.put("g", "t", now + 1, {"t1"});
  world.put("g", "s", now + 2, {"s2"});
  world.put("g", "t", now + 1, {"t1 again"});
  const auto all = filter();
  EXPECT_EQ(messages(all), (Strings{"s0", "t1", "t1 again", "s2"}));
  EXPECT_EQ(pluck(all, "events", "logStreamName"), (Strings{"s", "t", "t", "s"}));
  EXPECT_EQ(json::to_text(*all->find("searchedLogStreams")), "[]");
  EXPECT_EQ(all->find("nextToken"), nullptr);
  const auto ids = pluck(all, "events", "eventId");
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 4u);
  EXPECT_TRUE(std::ranges::is_sorted(ids));
  EXPECT_EQ(messages(filter({{"logStreamNames", json::Array{"t"}}})), (Strings{"t1", "t1 again"}));
  EXPECT_EQ(messages(filter({{"logStreamNamePrefix", "s"}})), (Strings{"s0", "s2"}));
  EXPECT_EQ(messages(filter({{"logStreamNames", json::Array{"u"}}})), Strings{"ResourceNotFoundException"});
  EXPECT_EQ(messages(filter({{"logStreamNames", json::Array{"s"}}, {"logStreamNamePrefix", "s"}})), Strings{"InvalidParameterException"});
  EXPECT_EQ(messages(filter({{"startTime", now + 1}, {"endTime", now + 2}})), (Strings{"t1", "t1 again", "s2"})) << "the end is included";
  EXPECT_EQ(messages(filter({{"filterPattern", "again"}, {"interleaved", true}})), Strings{"t1 again"});
  EXPECT_EQ(messages(filter({{"filterPattern", "[a]"}})), Strings{"InvalidParameterException"});
}

TEST_F(EventsTest, FilterIsPaged) {
  for (int i = 0; i < 10; ++i) world.put("g", i % 2 ? "s" : "t", now + i, {std::to_string(i)});
  Strings all;
  json::Object in{{"limit", 3}};
  int pages = 0;
  for (;;) {
    auto page = filter(in);
    ++pages;
    for (auto& each : messages(page)) all.push_back(each);
    const auto next = string_of(page, "nextToken");
    if (next.empty()) break;
    in = {{"limit", 3}, {"nextToken", next}};
  }
  EXPECT_EQ(all, (Strings{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}));
  EXPECT_EQ(pages, 4);
  EXPECT_EQ(messages(filter({{"nextToken", "!"}})), Strings{"InvalidParameterException"});
}

TEST_F(EventsTest, APageHasAMegabyteAtMost) {
  for (int i = 0; i < 5; ++i) world.put("g", "s", now + i, {std::string(300'000, static_cast<char>('0' + i))});
  auto page = filter();
  EXPECT_EQ(messages(page).size(), 3u);
  page = filter({{"nextToken", string_of(page, "nextToken")}});
  ASSERT_EQ(messages(page).size(), 2u);
  EXPECT_EQ(messages(page)[0][0], '3');
  EXPECT_EQ(messages(get()).size(), 3u);
  EXPECT_EQ(messages(get())[0][0], '2') << "the newest";
}

TEST_F(EventsTest, TailFindsWhatCameSince) {
  // What `aws logs tail --follow` does: it asks again from the time of the last event on, and skips the ids it has.
  std::set<std::string> seen;
  std::int64_t from = now;
  const auto poll = [&] {
    Strings fresh;
    const auto page = filter({{"startTime", from}, {"interleaved", true}});
    const auto ids = pluck(page, "events", "eventId");
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (seen.insert(ids[i]).second) fresh.push_back(messages(page)[i]);
      from = *(*page->find("events")->array())[i].find("timestamp")->integer();
    }
    return fresh;
  };
  world.put("g", "s", now, {"1"});
  EXPECT_EQ(poll(), Strings{"1"});
  EXPECT_EQ(poll(), Strings());
  world.put("g", "t", now, {"2"});
  EXPECT_EQ(poll(), Strings{"2"}) << "of the same millisecond";
  world.put("g", "s", now + 5, {"3", "4"});
  EXPECT_EQ(poll(), (Strings{"3", "4"}));
}

TEST_F(EventsTest, LookingForLittleInMuchGoesOnPageByPage) {
  // 40 MB in 400 segments, of which a call looks at 32 MB.
  for (int i = 0; i < 40; ++i) world.put("g", "s", now + i, {std::string(1'000'000, 'x')});
  world.put("g", "s", now + 100, {"needle"});
  auto page = filter({{"filterPattern", "needle"}});
  EXPECT_EQ(messages(page), Strings());
  EXPECT_NE(string_of(page, "nextToken"), "");
  page = filter({{"filterPattern", "needle"}, {"nextToken", string_of(page, "nextToken")}});
  EXPECT_EQ(messages(page), Strings{"needle"});
  EXPECT_EQ(string_of(page, "nextToken"), "");
}

TEST_F(EventsTest, SurviveARestart) {
  world.put("g", "s", now, {"one\nline two", "\xc3\xa4"});
  world.put("g", "t", now + 1, {"t"});
  const auto before = world.text("FilterLogEvents", R"({"logGroupName":"g"})");
  world.start();
  EXPECT_EQ(world.text("FilterLogEvents", R"({"logGroupName":"g"})"), before);
  world.put("g", "s", now, {"later"});
  const auto ids = pluck(filter(), "events", "eventId");
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 4u) << "ids are not given twice";
}

TEST_F(EventsTest, ADeletedStreamTakesItsEventsAlong) {
  world.put("g", "s", now, {"old"});
  EXPECT_EQ(world.text("DeleteLogStream", R"({"logGroupName":"g","logStreamName":"s"})"), "{}");
  EXPECT_TRUE(world.logs->events().stream_ids().empty()) << "at once";
  EXPECT_EQ(world.text("CreateLogStream", R"({"logGroupName":"g","logStreamName":"s"})"), "{}");
  EXPECT_EQ(messages(get()), Strings());
  world.put("g", "t", now, {"old"});
  EXPECT_EQ(world.text("DeleteLogGroup", R"({"logGroupName":"g"})"), "{}");
  EXPECT_TRUE(world.logs->events().stream_ids().empty());
  world.make("g", {"s", "t"});
  EXPECT_EQ(messages(filter()), Strings());
  world.start();
  EXPECT_EQ(messages(filter()), Strings());
  EXPECT_TRUE(world.logs->events().stream_ids().empty());
}

TEST_F(EventsTest, EventsWithoutAStreamAreSwept) {
  // As a crash between the two writes of a deletion leaves them.
  std::atomic<bool> written = false;
  world.logs->events().append({world.scope.account_id, world.scope.region, "nobody"}, {{now, "x"}}, now, [&](Result<>) { written = true; });
  while (!written) std::this_thread::yield();
  EXPECT_EQ(world.logs->events().stream_ids().size(), 1u);
  world.start();
  EXPECT_TRUE(world.logs->events().stream_ids().empty());
}

TEST_F(EventsTest, RetentionIsKeptAtOnceAndSweptLater) {
  world.put("g", "s", now, {"old"});
  EXPECT_EQ(world.text("PutRetentionPolicy", R"({"logGroupName":"g","retentionInDays":1})"), "{}");
  world.clock.now_ms += day_ms - 10;
  world.put("g", "s", world.clock.now_ms, std::vector<std::string>(1, std::string(20'000, 'y')));
  EXPECT_EQ(messages(filter()).size(), 2u);
  world.clock.now_ms += 20;
  EXPECT_EQ(messages(filter()).size(), 1u) << "not shown, although the segment is still there";
  EXPECT_EQ(messages(get()).size(), 1u);
  world.clock.now_ms += 2 * day_ms;
  world.logs->sweep();
  EXPECT_TRUE(world.logs->events().stream_ids().empty());
  world.start();
  EXPECT_TRUE(world.logs->events().stream_ids().empty()) << "gone from the store too";
}

TEST_F(EventsTest, APutThatCannotBeStoredSaysSoAndLeavesNothing) {
  world.put("g", "s", now, {"1"});
  world.store.fails = true;
  EXPECT_EQ(world.put("g", "s", now + 1, {"2"}).substr(0, 27), "ServiceUnavailableException");
  world.store.fails = false;
  EXPECT_EQ(messages(get()), Strings{"1"});
  world.put("g", "s", now + 2, {"3"});
  EXPECT_EQ(messages(get()), (Strings{"1", "3"}));
  for (int i = 0; i < 20; ++i) world.put("g", "s", now + 3, {"x"});
  world.store.reads = 0;
  EXPECT_EQ(messages(get()).size(), 22u);
  EXPECT_LE(world.store.reads, 2) << "the stream's segment grows again";
}

TEST_F(EventsTest, WhatIsNotHonouredIsRefused) {
  EXPECT_EQ(world
                .text("PutLogEvents", json::Object{{"logGroupName", "g"},
                                                   {"logStreamName", "s"},
                                                   {"sequenceToken", "any"},
                                                   {"entity", json::Object{{"attributes", json::Object{{"a", "b"}}}}},
                                                   {"logEvents", json::Array{json::Object{{"timestamp", now}, {"message", "x"}}}}})
                .substr(0, 29),
            "UnsupportedOperationException");
  EXPECT_EQ(messages(get()), Strings()) << "and nothing was kept";
  EXPECT_EQ(messages(get({{"other", 1}})), Strings{"UnsupportedOperationException"});
  EXPECT_EQ(messages(filter({{"other", 1}})), Strings{"UnsupportedOperationException"});
}

TEST_F(EventsTest, APageHasNoGapWhereALargeEventDidNotFit) {
  for (const std::size_t size : {600'000u, 300'000u, 300'000u, 1u}) world.put("g", "s", now, {std::string(size, 'x')});
  auto page = filter();
  EXPECT_EQ(messages(page).size(), 2u);
  EXPECT_EQ(messages(filter({{"nextToken", string_of(page, "nextToken")}})).size(), 2u);
}

TEST_F(EventsTest, APageReadsNoMoreSegmentsThanItNeeds) {
  for (int i = 0; i < 20; ++i) world.put("g", "s", now + i, {std::string(20'000, 'x')});
  world.store.reads = 0;
  EXPECT_EQ(messages(get({{"limit", 1}})).size(), 1u);
  EXPECT_EQ(messages(get({{"limit", 1}, {"startFromHead", true}})).size(), 1u);
  EXPECT_LE(world.store.reads, 6);
}

TEST_F(EventsTest, FewLinesAtATimeDoNotMakeManySegments) {
  for (int i = 0; i < 100; ++i) world.put("g", "s", now + i, {"a short line"});
  world.store.reads = 0;
  EXPECT_EQ(messages(get()).size(), 100u);
  EXPECT_EQ(world.store.reads, 1);
}

TEST(Events, TheOldestGoWhenThereIsTooMuch) {
  World world({.kept_bytes_max = 10'000'000});
  world.make("g", {"s", "t"});
  const auto now = world.clock.now_ms.load();
  for (int i = 0; i < 30; ++i) world.put("g", i % 2 ? "s" : "t", now + i, {std::string(1'000'000, 'x')});
  std::uint64_t kept = 0;
  for (const auto& id : world.logs->events().stream_ids()) kept += world.logs->events().summary(id)->byte_count;
  EXPECT_LE(kept, 10'000'000u);
  EXPECT_GE(kept, 8'000'000u);
  const auto first = world.call("FilterLogEvents", R"({"logGroupName":"g"})");
  EXPECT_GE(*(*first->find("events")->array())[0].find("timestamp")->integer(), now + 20);
  world.start();
  EXPECT_EQ(json::to_text(*world.call("FilterLogEvents", R"({"logGroupName":"g"})")), json::to_text(*first))
      << "as in memory so in the store";
}

// --- the lines of functions

TEST(FunctionLines, ArriveAndMakeTheirGroup) {
  World world;
  auto& functions = world.logs->functions();
  const auto now = world.clock.now_ms.load();
  functions.append(world.scope, "/aws/lambda/f", "2026/01/02/[$LATEST]ab", now, "START");
  functions.append(world.scope, "/aws/lambda/f", "2026/01/02/[$LATEST]ab", now, "END");
  functions.append(world.scope, "/aws/lambda/f", "2026/01/02/[$LATEST]cd", now + 1, "");
  functions.flush();
  const auto answer = world.call("FilterLogEvents", R"({"logGroupName":"/aws/lambda/f"})");
  EXPECT_EQ(messages(answer), (Strings{"START", "END", "\n"}));
  EXPECT_EQ(functions.dropped(), 0u);
  world.start();
  EXPECT_EQ(messages(world.call("FilterLogEvents", R"({"logGroupName":"/aws/lambda/f"})")).size(), 3u);
}

TEST(FunctionLines, ArriveWithoutBeingAskedFor) {
  World world({.functions = {.flush_every = std::chrono::milliseconds(5)}});
  world.logs->functions().append(world.scope, "g", "s", world.clock.now_ms, "x");
  std::size_t count = 0;
  for (int i = 0; i < 2000 && count == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (auto answer = world.call("FilterLogEvents", R"({"logGroupName":"g"})")) count = answer->find("events")->array()->size();
  }
  EXPECT_EQ(count, 1u);
}

TEST(FunctionLines, AreKeptWhenTheServerStops) {
  World world;
  world.logs->functions().append(world.scope, "g", "s", world.clock.now_ms, "last words");
  world.start();
  EXPECT_EQ(messages(world.call("FilterLogEvents", R"({"logGroupName":"g"})")), Strings{"last words"});
}

TEST(FunctionLines, AreDroppedAndCountedWhenTheStoreFails) {
  World world;
  auto& functions = world.logs->functions();
  world.store.fails = true;
  for (int i = 0; i < 3; ++i) functions.append(world.scope, "g", "s", world.clock.now_ms, "x");
  functions.flush();
  EXPECT_EQ(functions.dropped(), 3u);
  world.store.fails = false;
  functions.append(world.scope, "g", "s", world.clock.now_ms, "y");
  functions.flush();
  EXPECT_EQ(messages(world.call("FilterLogEvents", R"({"logGroupName":"g"})")), Strings{"y"});
}

TEST(FunctionLines, NeverTakeMoreThanTheirMemory) {
  World world({.functions = {.buffer_bytes_max = 10'000, .flush_every = std::chrono::hours(1)}});
  auto& functions = world.logs->functions();
  for (int i = 0; i < 100; ++i) functions.append(world.scope, "g", "s", world.clock.now_ms, std::string(936, 'x'));
  EXPECT_EQ(functions.dropped(), 90u);
  functions.flush();
  functions.append(world.scope, "g", "s", world.clock.now_ms, "room again");
  EXPECT_EQ(functions.dropped(), 90u);
}

TEST(FunctionLines, ComeFromManyThreads) {
  World world({.functions = {.flush_every = std::chrono::milliseconds(1)}});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) world.logs->functions().append(world.scope, "g", cat("s", t), world.clock.now_ms, std::to_string(i));
    });
  for (auto& thread : threads) thread.join();
  world.logs->functions().flush();
  EXPECT_EQ(world.logs->functions().dropped(), 0u);
  for (int t = 0; t < 4; ++t) {
    const auto all = messages(world.call("GetLogEvents", json::Object{{"logGroupName", "g"}, {"logStreamName", cat("s", t)}}));
    ASSERT_EQ(all.size(), 500u);
    for (std::size_t i = 0; i < 500; ++i) ASSERT_EQ(all[i], std::to_string(i));
  }
}

TEST(FunctionLines, SpentStreamsGo) {
  World world({.kept_bytes_max = 1'000'000});
  world.make("g", {"made by hand"});
  auto& functions = world.logs->functions();
  functions.append(world.scope, "g", "made on demand", world.clock.now_ms, "x");
  functions.flush();
  EXPECT_EQ(world.text("PutRetentionPolicy", R"({"logGroupName":"g","retentionInDays":1})"), "{}");
  world.logs->sweep();
  EXPECT_EQ(pluck(world.call("DescribeLogStreams", R"({"logGroupName":"g"})"), "logStreams", "logStreamName").size(), 2u);
  world.clock.now_ms += 3 * day_ms;
  world.logs->sweep();
  EXPECT_EQ(pluck(world.call("DescribeLogStreams", R"({"logGroupName":"g"})"), "logStreams", "logStreamName"), Strings{"made by hand"});
}

TEST(FunctionLines, SpentStreamsGoAtOnceWhereThereAreTooMany) {
  World world({.kept_bytes_max = 1'000'000, .function_streams_max = 12});
  world.make("g", {"made by hand"});
  auto& functions = world.logs->functions();
  const auto fill = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      functions.append(world.scope, "g", cat("s", i), world.clock.now_ms, std::string(200'000, 'x'));
      functions.flush();
    }
    world.clock.now_ms += 60'000;
    world.logs->sweep();
    return world.logs->ledger().read(world.scope)->groups.find("g")->second->streams.size();
  };
  EXPECT_EQ(fill(0, 12), 13u) << "a day is not over";
  const auto left = fill(12, 14);
  EXPECT_LE(left, 6u) << "those with events, and the one that was made by hand";
  EXPECT_EQ(left, world.logs->events().stream_ids().size() + 1);
  EXPECT_TRUE(world.logs->ledger().read(world.scope)->groups.find("g")->second->streams.contains("s13"));
}

}  // namespace
}  // namespace sallyport::logs
