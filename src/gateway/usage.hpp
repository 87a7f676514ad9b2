// Usage: how much every API key has used of its usage plan, by day, and the quotas that go by it. Source: API Gateway developer guide,
// "Usage plans and API keys"; periods are those of the calendar, in UTC.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/arn.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "gateway/state.hpp"
#include "io/loop.hpp"
#include "store/store.hpp"

namespace sallyport::gateway {

/// Days since 1970-01-01.
using Day = std::int32_t;
Day day_of(WallTime time);
/// The first day of the period a day is in. A DAY is that day; a WEEK begins on Sunday, a MONTH on the first, `offset` days later.
Day period_start(const QuotaSettings& quota, Day day);
/// `2026-11-24` as a day; nothing for another text or a day that does not exist.
std::optional<Day> parse_day(std::string_view text);

/// One key in one plan of one account and region.
struct UsageKey {
  std::string account_id;
  std::string region;
  std::string plan_id;
  std::string key_id;
  auto operator<=>(const UsageKey&) const = default;
};

/// What was used on one day, and what was left of the quota at its end.
struct DailyUsage {
  std::int64_t used = 0;
  std::int64_t remaining = 0;
  bool operator==(const DailyUsage&) const = default;
};

/// May be used from any thread. Kept in memory and written behind: `flush` stores what changed since the last one, so that a crash forgets
/// at most what was counted in between.
class Usage {
 public:
  /// Counts one request, unless that would be more than the quota allows; then nothing is counted. Without a quota it only counts.
  bool admit(const UsageKey& key, const std::optional<QuotaSettings>& quota, WallTime now);
  /// One entry a day from the first to the last. Without a quota nothing remains.
  std::vector<DailyUsage> report(const UsageKey& key, const std::optional<QuotaSettings>& quota, Day first, Day last) const;
  /// What is left in the period of `now` becomes `remaining`, until that period ends.
  void set_remaining(const UsageKey& key, const QuotaSettings& quota, std::int64_t remaining, WallTime now);
  /// Forgets what belongs to plans and keys that are gone from this account and region.
  void keep_only(const State& state);

  /// Reads what was stored, and stores there from now on. Once, at the start; the store must outlive the last flush.
  Result<> load(store::Store& store);
  /// Queues what changed since the last call; `done` is told when it is durable. What could not be stored is tried again with the next one.
  /// Without a store there is nothing to do.
  void flush(std::move_only_function<void(Result<>)> done = {});

 private:
  struct Entry {
    std::map<Day, std::int64_t> used;
    Day extended_period = 0;     // the first day of the period the extension is for
    std::int64_t extension = 0;  // on top of the limit; may be below zero
    // used in the period that began then, so that a request costs no sum
    QuotaSettings summed_for = {};
    Day summed_from = 0, summed_on = -1;
    std::int64_t sum = 0;
    bool changed = false;

    std::int64_t used_between(Day first, Day last) const;
    std::int64_t limit_in(const QuotaSettings& quota, Day period) const;
  };
  struct Shard {
    mutable std::mutex mutex;
    std::map<UsageKey, Entry> entries;
    std::vector<UsageKey> gone;  // whose records are still there
  };
  static constexpr std::size_t shard_count = 16;
  Shard& shard_of(const UsageKey& key);
  const Shard& shard_of(const UsageKey& key) const;
  std::array<Shard, shard_count> shards_;
  store::Store* store_ = nullptr;
};

/// Flushes every `interval` on a loop, and once more when it goes. Lives on that loop's thread.
class UsageWriter {
 public:
  UsageWriter(io::Loop& loop, Usage& usage, std::chrono::milliseconds interval = std::chrono::seconds(1));
  ~UsageWriter();
  UsageWriter(const UsageWriter&) = delete;
  UsageWriter& operator=(const UsageWriter&) = delete;

 private:
  void arm();
  io::Loop& loop_;
  Usage& usage_;
  const std::chrono::milliseconds interval_;
  std::unique_ptr<io::Deadline> timer_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace sallyport::gateway
