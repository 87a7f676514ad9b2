#include "gateway/usage.hpp"

#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "gateway/api_testing.hpp"

namespace sallyport::gateway {
namespace {

using namespace std::chrono;

WallTime at(int y, unsigned m, unsigned d, int hour = 12) { return WallTime(sys_days(year(y) / month(m) / day(d)) + hours(hour)); }
Day day(int y, unsigned m, unsigned d) { return day_of(at(y, m, d)); }

TEST(QuotaPeriodTest, CalendarDaysWeeksAndMonths) {
  EXPECT_EQ(period_start({1, 0, "DAY"}, day(2026, 11, 25)), day(2026, 11, 25));
  EXPECT_EQ(period_start({1, 0, "WEEK"}, day(2026, 11, 25)), day(2026, 11, 22)) << "Sunday";
  EXPECT_EQ(period_start({1, 0, "WEEK"}, day(2026, 11, 22)), day(2026, 11, 22));
  EXPECT_EQ(period_start({1, 1, "WEEK"}, day(2026, 11, 22)), day(2026, 11, 16)) << "Monday";
  EXPECT_EQ(period_start({1, 0, "MONTH"}, day(2026, 11, 25)), day(2026, 11, 1));
  EXPECT_EQ(period_start({1, 27, "MONTH"}, day(2026, 11, 25)), day(2026, 10, 28));
  EXPECT_EQ(period_start({1, 27, "MONTH"}, day(2026, 11, 28)), day(2026, 11, 28));
  EXPECT_EQ(day_of(WallTime(microseconds(-1))), -1) << "the day before";
}

// Against a reading of the calendar that goes back day by day.
TEST(QuotaPeriodTest, EveryDayOfManyYears) {
  for (Day of = day(2023, 12, 1); of < day(2029, 2, 1); ++of)
    for (const auto& [period, offsets] : {std::pair{"WEEK", 7}, std::pair{"MONTH", 28}})
      for (int offset = 0; offset < offsets; ++offset) {
        const auto begins = [&](Day one) {
          const sys_days shifted{days(one - offset)};
          return std::string_view(period) == "WEEK" ? weekday(shifted) == Sunday : year_month_day(shifted).day() == std::chrono::day(1);
        };
        auto start = of;
        while (!begins(start)) --start;
        ASSERT_EQ(period_start({1, offset, period}, of), start) << of << period << offset;
      }
}

TEST(QuotaPeriodTest, Dates) {
  EXPECT_EQ(parse_day("2026-11-25"), day(2026, 11, 25));
  for (const auto text : {"", "2026-11-31", "2026-1-1", "26-11-25", "2026-11-25T00:00:00Z", "x"}) EXPECT_FALSE(parse_day(text)) << text;
}

const UsageKey key{"123456789012", "us-east-1", "plan", "key"};

TEST(UsageTest, WhatIsRefusedUsesNothing) {
  Usage usage;
  const QuotaSettings quota{3, 0, "DAY"};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(usage.admit(key, quota, at(2026, 11, 25)));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(usage.admit(key, quota, at(2026, 11, 25, 23)));
  EXPECT_TRUE(usage.admit(key, quota, at(2026, 11, 26, 0))) << "a new day";
  EXPECT_EQ(usage.report(key, quota, day(2026, 11, 24), day(2026, 11, 26)), (std::vector<DailyUsage>{{0, 3}, {3, 0}, {1, 2}}));
  EXPECT_TRUE(usage.admit({"123456789012", "us-east-1", "plan", "other"}, quota, at(2026, 11, 25))) << "each key has its own";
}

TEST(UsageTest, MoreCanBeGrantedUntilThePeriodEnds) {
  Usage usage;
  const QuotaSettings quota{2, 0, "WEEK"};
  const auto use = [&](WallTime when, int times) {
    int admitted = 0;
    for (int i = 0; i < times; ++i) admitted += usage.admit(key, quota, when);
    return admitted;
  };
  EXPECT_EQ(use(at(2026, 11, 23), 5), 2);
  usage.set_remaining(key, quota, 4, at(2026, 11, 25));
  EXPECT_EQ(usage.report(key, quota, day(2026, 11, 25), day(2026, 11, 25)), (std::vector<DailyUsage>{{0, 4}}));
  EXPECT_EQ(use(at(2026, 11, 25), 9), 4);
  EXPECT_EQ(use(at(2026, 11, 29), 9), 2) << "the next week has its own quota and no more";
  usage.set_remaining(key, quota, 0, at(2026, 11, 30));
  EXPECT_EQ(use(at(2026, 11, 30), 1), 0);
}

TEST(UsageTest, AChangedQuotaCountsWhatWasUsed) {
  Usage usage;
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(usage.admit(key, QuotaSettings{10, 0, "DAY"}, at(2026, 11, 24)));
  EXPECT_TRUE(usage.admit(key, std::nullopt, at(2026, 11, 24))) << "without a quota it is counted all the same";
  EXPECT_FALSE(usage.admit(key, QuotaSettings{5, 0, "MONTH"}, at(2026, 11, 25)));
  EXPECT_TRUE(usage.admit(key, QuotaSettings{6, 0, "MONTH"}, at(2026, 11, 25)));
}

// Against counting all requests that were admitted in the period, each time.
TEST(UsageTest, AgreesWithCounting) {
  std::mt19937 random(3);
  const auto pick = [&](int below) { return std::uniform_int_distribution<int>(0, below - 1)(random); };
  for (int round = 0; round < 200; ++round) {
    Usage usage;
    QuotaSettings quota{1 + pick(20), 0, std::array{"DAY", "WEEK", "MONTH"}[pick(3)]};
    quota.offset = quota.period == "WEEK" ? pick(7) : quota.period == "MONTH" ? pick(28) : 0;
    std::vector<WallTime> admitted;
    auto now = at(2026, 1, 1);
    for (int i = 0; i < 200; ++i) {
      now += hours(pick(12));
      if (pick(40) == 0) quota.limit = 1 + pick(20);
      const auto period = period_start(quota, day_of(now));
      const auto used = std::count_if(admitted.begin(), admitted.end(), [&](WallTime each) { return day_of(each) >= period; });
      const bool expected = used < quota.limit;
      ASSERT_EQ(usage.admit(key, quota, now), expected) << round << " " << i;
      if (expected) admitted.push_back(now);
    }
  }
}

TEST(UsageTest, OutlivesARestart) {
  const auto loop = *io::Loop::make();
  testing::LoopStore store(*loop);
  const QuotaSettings quota{5, 0, "DAY"};
  const auto settle = [&] {
    loop->post([&] { loop->stop(); });
    loop->run();
  };
  Usage before;
  ASSERT_TRUE(before.load(store));
  for (int i = 0; i < 3; ++i) before.admit(key, quota, at(2026, 11, 25));
  before.set_remaining(key, quota, 1, at(2026, 11, 25));
  store.failing = true;
  before.flush();
  settle();
  EXPECT_TRUE(store.records.empty());
  store.failing = false;
  bool done = false;
  before.flush([&](Result<> stored) { done = stored.has_value(); });
  settle();
  EXPECT_TRUE(done) << "what could not be stored is tried again";
  ASSERT_EQ(store.records.size(), 1u);
  before.flush();
  settle();

  Usage after;
  ASSERT_TRUE(after.load(store));
  EXPECT_EQ(after.report(key, quota, day(2026, 11, 25), day(2026, 11, 25)), (std::vector<DailyUsage>{{3, 1}}));
  EXPECT_TRUE(after.admit(key, quota, at(2026, 11, 25)));
  EXPECT_FALSE(after.admit(key, quota, at(2026, 11, 25)));
  State state;
  state.scope = {"123456789012", "us-east-1"};
  after.keep_only(state);
  after.flush();
  settle();
  EXPECT_TRUE(store.records.empty()) << "the plan and the key are gone";
}

TEST(UsageTest, ManyThreadsNeverGetMoreThanTheQuota) {
  Usage usage;
  const QuotaSettings quota{1000, 0, "DAY"};
  std::atomic<int> admitted = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) admitted += usage.admit(key, quota, at(2026, 11, 25));
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(admitted, 1000);
}

}  // namespace
}  // namespace sallyport::gateway
