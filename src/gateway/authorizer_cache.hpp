// AuthorizerCache: answers of authorizer functions, kept for their time to live, and calls under way that equal requests wait for together.
#pragma once

#include <array>
#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "gateway/authorizer_call.hpp"
#include "io/completion.hpp"

namespace sallyport::gateway {

/// May be used from any thread. The policy is kept, never the decision. A key holds everything that makes two calls equal, is stored whole
/// and compared whole; the hash is keyed with a secret of the process, so that nobody outside can aim for one bucket.
class AuthorizerCache {
 public:
  using Call = std::shared_ptr<const AuthorizerCall>;
  using Waiting = io::Completion<Call>;

  static constexpr std::size_t bytes_max_default = 64 * 1024 * 1024;
  AuthorizerCache(Random& random, std::size_t bytes_max = bytes_max_default);
  ~AuthorizerCache();

  /// Exactly one of: an answer that is still good; a call under way to wait for; or neither, and then the asker has to make the call and
  /// end it with `finish`, whatever comes, and waits with the others.
  struct Found {
    Call hit;
    std::optional<Waiting> waiting;
    bool must_call = false;
  };
  Found find(std::string_view key, MonotonicTime now);

  /// Ends a call: wakes everyone who waits for it and, with `keep_until`, keeps the answer. An API that holds more than its share of the
  /// memory gives up its own oldest entries first.
  void finish(std::string_view key, std::string_view api_id, Call call, std::optional<MonotonicTime> keep_until);

  std::size_t byte_count() const;
  std::size_t entry_count() const;

 private:
  static constexpr std::size_t shard_count = 16;
  struct Hash {
    using is_transparent = void;
    std::array<std::uint64_t, 2> secret;
    std::size_t operator()(std::string_view key) const;
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
    std::unordered_map<std::string_view, Entries::iterator, Hash, std::equal_to<>> index;  // keys live in the entries
    std::unordered_map<std::string, std::vector<Waiting>, Hash, std::equal_to<>> flights;
    std::map<std::string, Owner, std::less<>> owners;
    std::size_t bytes = 0;
  };
  Shard& shard_of(std::string_view key);
  static void erase(Shard& shard, Entries::iterator entry);
  void make_room(Shard& shard, std::string_view api_id);

  Hash hash_;
  std::size_t shard_bytes_max_;
  std::array<std::unique_ptr<Shard>, shard_count> shards_;
};

}  // namespace sallyport::gateway
