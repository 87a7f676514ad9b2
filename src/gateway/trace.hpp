// Trace: the last requests with everything that decided them, kept as they are and described when somebody asks.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "gateway/exchange.hpp"
#include "json/value.hpp"

namespace sallyport::gateway {

namespace limits {
inline constexpr std::size_t trace_records_max = 1'000;
inline constexpr std::size_t trace_bytes_max = 32u << 20;  // of the requests and their authorizers' answers; the oldest go first
}  // namespace limits

/// Bounded by count and by bytes. May be used from any thread; keeping a request costs one short lock.
class TraceBuffer {
 public:
  using Record = std::shared_ptr<const Exchange>;

  explicit TraceBuffer(std::size_t records_max = limits::trace_records_max, std::size_t bytes_max = limits::trace_bytes_max)
      : records_max_(records_max), bytes_max_(bytes_max) {}

  void keep(Record record);
  /// By the request's own id, else the newest that its client gave this name. Null when it is not remembered.
  Record find(std::string_view request_id) const;
  std::size_t size() const;

 private:
  const std::size_t records_max_, bytes_max_;
  mutable std::mutex mutex_;
  struct Place {
    Record record;
    std::size_t bytes = 0;
  };
  std::vector<Place> ring_;  // grows to records_max_, then `next_` is the oldest
  std::size_t next_ = 0, count_ = 0, bytes_ = 0;
};

/// The decision as JSON for people and programs: what was asked, the route, identity sources found (values masked), the use of the cache
/// and which request filled it, what the authorizer answered, each statement matched or not and why, the final answer.
json::Value describe(const Exchange& exchange);

}  // namespace sallyport::gateway
