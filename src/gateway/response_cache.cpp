#include "gateway/response_cache.hpp"

#include <algorithm>
#include <chrono>

namespace sallyport::gateway {
namespace {

constexpr std::chrono::seconds sweep_every{60}, unused_for{3600};  // nothing lives longer than the longest TTL

std::size_t size_of(const http::Response& response) {
  std::size_t bytes = sizeof(http::Response) + response.body.size();
  for (const auto& [name, value] : response.headers) bytes += sizeof(http::Header) + name.size() + value.size();
  return bytes;
}

}  // namespace

void ResponseCache::drop(Part& part, Entries::iterator entry) {
  bytes_ -= entry->bytes;
  part.bytes -= entry->bytes;
  part.index.erase(entry->key);
  part.entries.erase(entry);
}

/// Stages that are gone or were deployed anew leave their parts behind.
void ResponseCache::sweep(MonotonicTime now) {
  if (now - swept_ < sweep_every) return;
  swept_ = now;
  std::erase_if(parts_, [&](const auto& part) {
    const bool over = now - part.second.used > unused_for;
    if (over) bytes_ -= part.second.bytes;
    return over;
  });
}

ResponseCache::Response ResponseCache::find(const std::string& stage, const std::string& key, MonotonicTime now) {
  std::scoped_lock lock(mutex_);
  const auto part = parts_.find(stage);
  if (part == parts_.end()) return nullptr;
  auto& [entries, index, bytes, used] = part->second;
  used = now;
  const auto found = index.find(key);
  if (found == index.end()) return nullptr;
  const auto entry = found->second;
  if (entry->until <= now) {
    drop(part->second, entry);
    return nullptr;
  }
  entries.splice(entries.begin(), entries, entry);
  return entry->response;
}

void ResponseCache::keep(const std::string& stage, const std::string& key, Response response, MonotonicTime now, MonotonicTime until,
                         std::size_t bytes_max) {
  if (response->body.size() > limits::cached_response_bytes_max) return;
  const auto bytes = size_of(*response) + sizeof(Entry) + 2 * key.size();
  if (bytes > std::min(bytes_max, limits::cache_bytes_max)) return;
  std::scoped_lock lock(mutex_);
  sweep(now);
  auto& part = parts_[stage];
  part.used = now;
  if (const auto found = part.index.find(key); found != part.index.end()) drop(part, found->second);
  part.entries.push_front({key, std::move(response), until, bytes});
  part.index.emplace(key, part.entries.begin());
  part.bytes += bytes;
  bytes_ += bytes;
  while (part.bytes > bytes_max) drop(part, std::prev(part.entries.end()));
  while (bytes_ > limits::cache_bytes_max) {
    const auto oldest =
        std::min_element(parts_.begin(), parts_.end(), [](const auto& a, const auto& b) { return a.second.used < b.second.used; });
    if (oldest->second.entries.empty())
      parts_.erase(oldest);
    else
      drop(oldest->second, std::prev(oldest->second.entries.end()));
  }
}

void ResponseCache::forget(const std::string& stage, const std::string& key) {
  std::scoped_lock lock(mutex_);
  const auto part = parts_.find(stage);
  if (part == parts_.end()) return;
  if (const auto found = part->second.index.find(key); found != part->second.index.end()) drop(part->second, found->second);
}

std::size_t ResponseCache::byte_count() const {
  std::scoped_lock lock(mutex_);
  return bytes_;
}

}  // namespace sallyport::gateway
