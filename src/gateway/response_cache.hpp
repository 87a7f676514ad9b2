// ResponseCache: answers of integrations that stages keep for a while. Source: API Gateway developer guide, "Cache settings for REST APIs".
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.hpp"
#include "http/message.hpp"

namespace sallyport::gateway {

namespace limits {
inline constexpr std::size_t cached_response_bytes_max = 1'048'576;  // AWS: what is larger is not kept
inline constexpr std::size_t cache_bytes_per_gigabyte = 64 << 20;    // of memory for each gigabyte a stage's cache is configured with
inline constexpr std::size_t cache_bytes_max = 256 << 20;            // of all stages together
}  // namespace limits

/// May be used from any thread. Each stage has its own part, of which the entry that was used longest ago goes first; when all parts
/// together are too large, the stage that was not asked for longest loses its own first.
class ResponseCache {
 public:
  using Response = std::shared_ptr<const http::Response>;

  /// Null when there is none, or its time is over. `stage` names the stage and its generation of cached answers.
  Response find(const std::string& stage, const std::string& key, MonotonicTime now);
  /// `bytes_max`: of that stage's part. What is too large is not kept.
  void keep(const std::string& stage, const std::string& key, Response response, MonotonicTime now, MonotonicTime until,
            std::size_t bytes_max);
  void forget(const std::string& stage, const std::string& key);
  std::size_t byte_count() const;

 private:
  struct Entry {
    std::string key;
    Response response;
    MonotonicTime until;
    std::size_t bytes = 0;
  };
  using Entries = std::list<Entry>;
  struct Part {
    Entries entries;  // the one used last is the first
    std::unordered_map<std::string, Entries::iterator> index;
    std::size_t bytes = 0;
    MonotonicTime used;
  };
  void drop(Part& part, Entries::iterator entry);
  void sweep(MonotonicTime now);

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Part> parts_;
  std::size_t bytes_ = 0;
  MonotonicTime swept_{};
};

}  // namespace sallyport::gateway
