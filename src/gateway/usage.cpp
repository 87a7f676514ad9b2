#include "gateway/usage.hpp"

#include <algorithm>
#include <functional>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::gateway {
namespace {

using namespace std::chrono;

// Not `apigateway`: those records belong to the ledger, which knows no other kinds.
constexpr std::string_view usage_service = "apigateway-usage", counter_kind = "counter";
constexpr Day days_kept = 100;  // GetUsage goes back 90 days on AWS

sys_days date_of(Day day) { return sys_days(days(day)); }
Day number_of(sys_days date) { return static_cast<Day>(date.time_since_epoch().count()); }

store::Key record_key(const UsageKey& key) {
  return {std::string(usage_service), key.account_id, key.region, std::string(counter_kind), cat(key.plan_id, "/", key.key_id)};
}

}  // namespace

Day day_of(WallTime time) { return number_of(floor<days>(time)); }

Day period_start(const QuotaSettings& quota, Day day) {
  if (quota.period == "WEEK") {
    const auto of_week = static_cast<Day>(weekday(date_of(day - quota.offset)).c_encoding());
    return day - of_week;
  }
  if (quota.period == "MONTH") {
    const year_month_day shifted(date_of(day - quota.offset));
    return number_of(sys_days(shifted.year() / shifted.month() / 1)) + quota.offset;
  }
  return day;
}

std::optional<Day> parse_day(std::string_view text) {
  if (text.size() != 10) return std::nullopt;
  const auto time = parse_iso8601(text);
  return time ? std::optional(day_of(*time)) : std::nullopt;
}

std::int64_t Usage::Entry::used_between(Day first, Day last) const {
  std::int64_t all = 0;
  for (auto at = used.lower_bound(first); at != used.end() && at->first <= last; ++at) all += at->second;
  return all;
}

std::int64_t Usage::Entry::limit_in(const QuotaSettings& quota, Day period) const {
  return quota.limit + (extension != 0 && extended_period == period ? extension : 0);
}

Usage::Shard& Usage::shard_of(const UsageKey& key) { return shards_[std::hash<std::string>()(key.key_id) % shard_count]; }
const Usage::Shard& Usage::shard_of(const UsageKey& key) const { return shards_[std::hash<std::string>()(key.key_id) % shard_count]; }

bool Usage::admit(const UsageKey& key, const std::optional<QuotaSettings>& quota, WallTime now) {
  const auto today = day_of(now);
  auto& shard = shard_of(key);
  std::scoped_lock lock(shard.mutex);
  auto& entry = shard.entries[key];
  if (quota) {
    if (entry.summed_on != today || entry.summed_for != *quota) {
      entry.summed_for = *quota;
      entry.summed_on = today;
      entry.summed_from = period_start(*quota, today);
      entry.sum = entry.used_between(entry.summed_from, today);
    }
    if (entry.sum >= entry.limit_in(*quota, entry.summed_from)) return false;
    ++entry.sum;
  } else {
    entry.summed_on = -1;  // the sum does not see what is counted here
  }
  if (++entry.used[today] == 1) entry.used.erase(entry.used.begin(), entry.used.lower_bound(today - days_kept));
  entry.changed = true;
  return true;
}

std::vector<DailyUsage> Usage::report(const UsageKey& key, const std::optional<QuotaSettings>& quota, Day first, Day last) const {
  static const Entry none;
  const auto& shard = shard_of(key);
  std::scoped_lock lock(shard.mutex);
  const auto found = shard.entries.find(key);
  const auto& entry = found == shard.entries.end() ? none : found->second;
  std::vector<DailyUsage> out;
  for (Day day = first; day <= last; ++day) {
    DailyUsage one{entry.used_between(day, day), 0};
    if (quota) {
      const auto period = period_start(*quota, day);
      one.remaining = std::max<std::int64_t>(0, entry.limit_in(*quota, period) - entry.used_between(period, day));
    }
    out.push_back(one);
  }
  return out;
}

void Usage::set_remaining(const UsageKey& key, const QuotaSettings& quota, std::int64_t remaining, WallTime now) {
  const auto today = day_of(now);
  auto& shard = shard_of(key);
  std::scoped_lock lock(shard.mutex);
  auto& entry = shard.entries[key];
  entry.extended_period = period_start(quota, today);
  entry.extension = remaining + entry.used_between(entry.extended_period, today) - quota.limit;
  entry.changed = true;
}

void Usage::keep_only(const State& state) {
  const auto is_there = [&](const UsageKey& key) {
    const auto plan = state.usage_plans.find(key.plan_id);
    return plan != state.usage_plans.end() && state.api_keys.contains(key.key_id);
  };
  for (auto& shard : shards_) {
    std::scoped_lock lock(shard.mutex);
    for (auto at = shard.entries.begin(); at != shard.entries.end();) {
      const auto& key = at->first;
      if (key.account_id != state.scope.account_id || key.region != state.scope.region || is_there(key)) {
        ++at;
        continue;
      }
      shard.gone.push_back(key);
      at = shard.entries.erase(at);
    }
  }
}

Result<> Usage::load(store::Store& store) {
  store_ = &store;
  return store.load(usage_service, [&](const store::Record& record) -> Result<> {
    const auto slash = record.key.name.find('/');
    const auto value = json::parse(record.value);
    const auto* days = value ? value->find("days") : nullptr;
    if (slash == std::string::npos || !days || !days->object())
      return fail(cat("the record ", record.key.name, " of ", usage_service, " cannot be read"));
    const UsageKey key{record.key.account_id, record.key.region, record.key.name.substr(0, slash), record.key.name.substr(slash + 1)};
    auto& shard = shard_of(key);
    std::scoped_lock lock(shard.mutex);
    auto& entry = shard.entries[key];
    for (const auto& [day, count] : *days->object()) entry.used[parse_number<Day>(day).value_or(0)] = count.integer().value_or(0);
    const auto number = [&](std::string_view name) {
      const auto* found = value->find(name);
      return found ? found->integer().value_or(0) : 0;
    };
    entry.extended_period = static_cast<Day>(number("extended"));
    entry.extension = number("extension");
    return {};
  });
}

void Usage::flush(std::move_only_function<void(Result<>)> done) {
  if (!store_) {
    if (done) done({});
    return;
  }
  store::Batch batch;
  auto written = std::make_shared<std::vector<UsageKey>>();
  for (auto& shard : shards_) {
    std::scoped_lock lock(shard.mutex);
    for (const auto& key : shard.gone)
      if (!shard.entries.contains(key)) batch.erase(record_key(key));
    shard.gone.clear();
    for (auto& [key, entry] : shard.entries) {
      if (!std::exchange(entry.changed, false)) continue;
      json::Object days;
      for (const auto& [day, count] : entry.used) days.emplace_back(cat(day), count);
      json::Object record{{"days", std::move(days)}};
      if (entry.extension != 0) {
        record.emplace_back("extended", entry.extended_period);
        record.emplace_back("extension", entry.extension);
      }
      batch.put(record_key(key), json::to_text(json::Value(std::move(record))));
      written->push_back(key);
    }
  }
  if (batch.empty()) {
    if (done) done({});
    return;
  }
  store_->commit(std::move(batch), [this, written, done = std::move(done)](Result<> stored) mutable {
    if (!stored)
      for (const auto& key : *written) {
        auto& shard = shard_of(key);
        std::scoped_lock lock(shard.mutex);
        if (const auto found = shard.entries.find(key); found != shard.entries.end()) found->second.changed = true;
      }
    if (done) done(std::move(stored));
  });
}

UsageWriter::UsageWriter(io::Loop& loop, Usage& usage, std::chrono::milliseconds interval)
    : loop_(loop), usage_(usage), interval_(interval) {
  arm();
}

UsageWriter::~UsageWriter() { usage_.flush(); }

void UsageWriter::arm() {
  timer_ = std::make_unique<io::Deadline>(loop_, interval_, [this] {
    usage_.flush();
    // Not from within the timer that would be destroyed by it.
    loop_.post([this, alive = std::weak_ptr<char>(alive_)] {
      if (!alive.expired()) arm();
    });
  });
}

}  // namespace sallyport::gateway
