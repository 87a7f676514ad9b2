// TokenCache: tokens that were verified, so that the same token again costs a look-up and no signature.
#pragma once

#include <array>
#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "identity/jwt.hpp"
#include "identity/key_set.hpp"

namespace sallyport::oidc {

/// May be used from any thread. An entry says that one set of keys vouches for one token, and nothing else: issuer, algorithm and times are
/// the asker's to look at again (`identity::check_again`). Tokens are kept as their SHA-256, since a token is a secret and a cache is no
/// place for one. Only what was signed gets in, so nobody without keys can fill it. The least recently used make room.
class TokenCache {
 public:
  struct Limits {
    std::size_t entries_max = 16'384;
    std::size_t bytes_max = 32 * 1024 * 1024;  // about: what a parsed token takes is estimated from its length
  };
  TokenCache() : TokenCache(Limits()) {}
  explicit TokenCache(Limits limits);

  using Digest = std::array<char, 32>;
  static Digest digest_of(std::string_view token);

  /// Null unless the token was verified with this very set. An entry of other keys is dropped.
  identity::TokenPtr find(const Digest& token, const identity::KeySet& keys);
  void keep(const Digest& token, std::size_t token_bytes, const identity::KeySet& keys, identity::TokenPtr verified);
  void drop(const Digest& token);
  std::size_t entry_count() const;

 private:
  static constexpr std::size_t shard_count = 16;
  struct Hash {
    std::size_t operator()(const Digest& digest) const;
  };
  struct Entry {
    Digest digest;
    identity::KeySet keys;
    identity::TokenPtr token;
    std::size_t bytes;
  };
  using Entries = std::list<Entry>;  // the most recently used first
  struct Shard {
    mutable std::mutex mutex;
    Entries entries;
    std::unordered_map<Digest, Entries::iterator, Hash> index;
    std::size_t bytes = 0;
  };
  Shard& shard_of(const Digest& digest);
  static void move_out(Shard& shard, Entries::iterator entry, Entries& out);

  const Limits limits_;
  std::array<Shard, shard_count> shards_;
};

}  // namespace sallyport::oidc
