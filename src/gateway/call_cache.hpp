// CallCache<T>: answers of calls, kept for their time to live, and calls under way that equal requests wait for together.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "io/completion.hpp"

namespace sallyport::gateway {

/// SipHash-1-3 (Aumasson and Bernstein): short-input keyed hash; enough rounds for a table that compares whole keys.
std::uint64_t keyed_hash(const std::array<std::uint64_t, 2>& secret, std::string_view text);

/// May be used from any thread. A key holds everything that makes two calls equal, is stored whole and compared whole; the hash is keyed
/// with a secret of the process, so that nobody outside can aim for one bucket. `T` has a function `std::size_t byte_count() const`.
template <class T>
class CallCache {
 public:
  using Call = std::shared_ptr<const T>;
  using Waiting = io::Completion<Call>;

  static constexpr std::size_t bytes_max_default = 64 * 1024 * 1024;
  explicit CallCache(Random& random, std::size_t bytes_max = bytes_max_default) : shard_bytes_max_(bytes_max / shard_count) {
    random.fill(std::as_writable_bytes(std::span(hash_.secret)));
    for (auto& shard : shards_) shard = std::make_unique<Shard>(hash_);
  }

  /// Exactly one of: an answer that is still good; a call under way to wait for; or neither, and then the asker has to make the call and
  /// end it with `finish`, whatever comes, and waits with the others.
  struct Found {
    Call hit;
    std::optional<Waiting> waiting;
    bool must_call = false;
  };
  Found find(std::string_view key, MonotonicTime now) {
    auto& shard = shard_of(key);
    std::scoped_lock lock(shard.mutex);
    if (const auto found = shard.index.find(key); found != shard.index.end()) {
      if (now < found->second->until) return {found->second->call, std::nullopt, false};
      erase(shard, found->second);
    }
    auto flight = shard.flights.find(key);
    const bool first = flight == shard.flights.end();
    if (first) flight = shard.flights.emplace(std::string(key), std::vector<Waiting>()).first;
    flight->second.emplace_back();
    return {nullptr, flight->second.back(), first};
  }

  /// Ends a call: wakes everyone who waits for it and, with `keep_until`, keeps the answer. An API that holds more than its share of the
  /// memory gives up its own oldest entries first.
  void finish(std::string_view key, std::string_view api_id, Call call, std::optional<MonotonicTime> keep_until) {
    std::vector<Waiting> waiting;
    {
      auto& shard = shard_of(key);
      std::scoped_lock lock(shard.mutex);
      if (const auto flight = shard.flights.find(key); flight != shard.flights.end()) {
        waiting = std::move(flight->second);
        shard.flights.erase(flight);
      }
      if (keep_until) keep(shard, key, api_id, call, *keep_until);
    }
    for (auto& one : waiting) one.deliver(call);
  }

  std::size_t byte_count() const {
    std::size_t bytes = 0;
    for (const auto& shard : shards_) {
      std::scoped_lock lock(shard->mutex);
      bytes += shard->bytes;
    }
    return bytes;
  }
  std::size_t entry_count() const {
    std::size_t count = 0;
    for (const auto& shard : shards_) {
      std::scoped_lock lock(shard->mutex);
      count += shard->index.size();
    }
    return count;
  }

  /// Ends a call that `find` told its owner to make, with `broken` should the owner not come to its end.
  class Flight {
   public:
    /// Everything passed must outlive the flight.
    Flight(CallCache& cache, std::string_view key, std::string_view api_id, Call broken)
        : cache_(cache), key_(key), api_id_(api_id), broken_(std::move(broken)) {}
    Flight(const Flight&) = delete;
    Flight& operator=(const Flight&) = delete;
    ~Flight() {
      if (broken_) cache_.finish(key_, api_id_, std::move(broken_), std::nullopt);
    }
    void land(Call call, std::optional<MonotonicTime> keep_until) {
      broken_ = nullptr;
      cache_.finish(key_, api_id_, std::move(call), keep_until);
    }

   private:
    CallCache& cache_;
    std::string_view key_, api_id_;
    Call broken_;  // null once it has landed
  };

 private:
  static constexpr std::size_t shard_count = 16;
  struct Hash {
    using is_transparent = void;
    std::array<std::uint64_t, 2> secret;
    std::size_t operator()(std::string_view key) const { return keyed_hash(secret, key); }
  };
  struct Entry {
    std::string key;
    std::string api_id;
    Call call;
    MonotonicTime until;
    std::size_t bytes;
  };
  using Entries = std::list<Entry>;  // one API's, oldest first
  struct Owner {
    Entries entries;
    std::size_t bytes = 0;
  };
  struct Shard {
    explicit Shard(const Hash& hash) : index(16, hash), flights(16, hash) {}
    mutable std::mutex mutex;
    std::unordered_map<std::string_view, typename Entries::iterator, Hash, std::equal_to<>> index;  // keys live in the entries
    std::unordered_map<std::string, std::vector<Waiting>, Hash, std::equal_to<>> flights;
    std::map<std::string, Owner, std::less<>> owners;
    std::size_t bytes = 0;
  };

  // The table inside a shard uses the low bits; the shard is chosen by the high ones.
  Shard& shard_of(std::string_view key) { return *shards_[hash_(key) >> 60]; }

  static void erase(Shard& shard, typename Entries::iterator entry) {
    auto owner = shard.owners.find(entry->api_id);
    shard.index.erase(entry->key);
    shard.bytes -= entry->bytes;
    owner->second.bytes -= entry->bytes;
    owner->second.entries.erase(entry);
    if (owner->second.entries.empty()) shard.owners.erase(owner);
  }

  void keep(Shard& shard, std::string_view key, std::string_view api_id, const Call& call, MonotonicTime until) {
    if (const auto old = shard.index.find(key); old != shard.index.end()) erase(shard, old->second);
    auto& owner = shard.owners[std::string(api_id)];
    const auto bytes = 2 * key.size() + call->byte_count();
    owner.entries.push_back({std::string(key), std::string(api_id), call, until, bytes});
    owner.bytes += bytes;
    shard.bytes += bytes;
    shard.index.emplace(owner.entries.back().key, std::prev(owner.entries.end()));
    make_room(shard, api_id);
  }

  // An equal share each: whoever is above it makes room, or else whoever holds most.
  void make_room(Shard& shard, std::string_view api_id) {
    while (shard.bytes > shard_bytes_max_ && !shard.owners.empty()) {
      const auto share = shard_bytes_max_ / shard.owners.size();
      auto own = shard.owners.find(api_id);
      if (own == shard.owners.end() || own->second.bytes <= share)
        own = std::max_element(shard.owners.begin(), shard.owners.end(),
                               [](const auto& one, const auto& other) { return one.second.bytes < other.second.bytes; });
      erase(shard, own->second.entries.begin());
    }
  }

  Hash hash_;
  std::size_t shard_bytes_max_;
  std::array<std::unique_ptr<Shard>, shard_count> shards_;
};

}  // namespace sallyport::gateway
