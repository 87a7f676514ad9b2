#include "gateway/throttle.hpp"

#include <algorithm>
#include <chrono>
#include <functional>

namespace sallyport::gateway {
namespace {

using Seconds = std::chrono::duration<double>;
constexpr std::chrono::seconds sweep_every{60};
constexpr double seconds_to_fill_max = 86'400;

MonotonicTime after(MonotonicTime now, double seconds) {
  return now + std::chrono::duration_cast<MonotonicTime::duration>(Seconds(std::min(seconds, seconds_to_fill_max)));
}

}  // namespace

bool SharedBucket::admit(const ThrottleLimit& limit, MonotonicTime now) {
  constexpr double forever = 1e18;  // nanoseconds; thirty years
  if (limit.burst < 1) return false;
  const auto of_one = limit.rate > 0 ? std::min(1e9 / limit.rate, forever / limit.burst) : forever / limit.burst;
  const auto at = now.time_since_epoch().count();
  auto full_at = full_at_.load(std::memory_order_relaxed);
  for (;;) {
    const auto from = std::max(full_at, at);
    // As many tokens are missing as fit between now and then.
    if (static_cast<double>(from - at) > (limit.burst - 1) * of_one) return false;
    if (full_at_.compare_exchange_weak(full_at, from + static_cast<std::int64_t>(of_one), std::memory_order_relaxed)) return true;
  }
}

bool Throttles::admit(std::string_view key, const ThrottleLimit& limit, MonotonicTime now) {
  auto& shard = shards_[std::hash<std::string_view>()(key) % shard_count];
  std::scoped_lock lock(shard.mutex);
  if (now - shard.swept > sweep_every) {
    std::erase_if(shard.buckets, [now](const auto& entry) { return entry.second.full_at <= now; });
    shard.swept = now;
  }
  auto found = shard.buckets.find(key);
  if (found == shard.buckets.end()) found = shard.buckets.emplace(std::string(key), Bucket{limit.burst, now, now}).first;
  auto& bucket = found->second;
  if (now > bucket.at) bucket.tokens += limit.rate * std::chrono::duration_cast<Seconds>(now - bucket.at).count();
  bucket.tokens = std::min(bucket.tokens, limit.burst);
  bucket.at = std::max(bucket.at, now);
  const bool admitted = bucket.tokens >= 1;
  if (admitted) bucket.tokens -= 1;
  // A limit without a rate never fills again: it is remembered as long as it can be.
  bucket.full_at = after(now, limit.rate > 0 ? (limit.burst - bucket.tokens) / limit.rate : seconds_to_fill_max);
  return admitted;
}

std::size_t Throttles::size() const {
  std::size_t all = 0;
  for (const auto& shard : shards_) {
    std::scoped_lock lock(shard.mutex);
    all += shard.buckets.size();
  }
  return all;
}

}  // namespace sallyport::gateway
