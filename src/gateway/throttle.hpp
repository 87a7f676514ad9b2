// Throttles: token buckets that say whether one more request may pass. Source: API Gateway developer guide, "Throttle requests to your REST
// APIs"; AWS calls its limits best effort, here they are exact.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace sallyport::gateway {

/// A bucket holds at most `burst` tokens and gains `rate` a second.
struct ThrottleLimit {
  double rate = 0;
  double burst = 0;
  bool operator==(const ThrottleLimit&) const = default;
};

/// One bucket that many threads take from at once, without a lock. It keeps the time at which it will be full again: the same as counting
/// tokens (generic cell rate algorithm, ITU-T I.371).
class SharedBucket {
 public:
  /// Takes a token, if there is one. A limit without a rate never fills again once its burst is taken.
  bool admit(const ThrottleLimit& limit, MonotonicTime now);

 private:
  std::atomic<std::int64_t> full_at_{std::numeric_limits<std::int64_t>::min()};
};

/// May be used from any thread. A bucket that was not asked for long enough to be full again is forgotten.
class Throttles {
 public:
  /// Takes a token from the bucket of that key, if there is one. A bucket is full when it is first asked, and keeps its tokens when its
  /// limit changes, as far as they fit.
  bool admit(std::string_view key, const ThrottleLimit& limit, MonotonicTime now);
  std::size_t size() const;

 private:
  struct Bucket {
    double tokens = 0;
    MonotonicTime at;
    MonotonicTime full_at;
  };
  struct Shard {
    mutable std::mutex mutex;
    std::map<std::string, Bucket, std::less<>> buckets;
    MonotonicTime swept{};
  };
  static constexpr std::size_t shard_count = 16;
  std::array<Shard, shard_count> shards_;
};

}  // namespace sallyport::gateway
