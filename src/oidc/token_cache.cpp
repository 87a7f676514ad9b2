#include "oidc/token_cache.hpp"

#include <algorithm>
#include <cstring>

#include "crypto/digest.hpp"

namespace sallyport::oidc {
namespace {

// The text of a token is three quarters claims, and a parsed claim takes several times its text.
std::size_t size_of(std::size_t token_bytes) { return 512 + 8 * token_bytes; }

}  // namespace

// Nobody can aim for a bucket: what gets in was signed by an issuer, and a digest cannot be chosen without changing the token.
std::size_t TokenCache::Hash::operator()(const Digest& digest) const {
  std::size_t out;
  std::memcpy(&out, digest.data(), sizeof out);
  return out;
}

TokenCache::TokenCache(Limits limits) : limits_(limits) {}

TokenCache::Digest TokenCache::digest_of(std::string_view token) {
  Digest out;
  std::ranges::copy(crypto::sha256(token), out.begin());
  return out;
}

TokenCache::Shard& TokenCache::shard_of(const Digest& digest) { return shards_[static_cast<unsigned char>(digest.back()) % shard_count]; }

void TokenCache::move_out(Shard& shard, Entries::iterator entry, Entries& out) {
  shard.index.erase(entry->digest);
  shard.bytes -= entry->bytes;
  out.splice(out.end(), shard.entries, entry);
}

identity::TokenPtr TokenCache::find(const Digest& token, const identity::KeySet& keys) {
  Entries dropped;  // die outside the lock
  auto& shard = shard_of(token);
  std::scoped_lock lock(shard.mutex);
  const auto found = shard.index.find(token);
  if (found == shard.index.end()) return nullptr;
  if (found->second->keys.keys() != keys.keys()) {
    move_out(shard, found->second, dropped);
    return nullptr;
  }
  shard.entries.splice(shard.entries.begin(), shard.entries, found->second);
  return found->second->token;
}

void TokenCache::keep(const Digest& token, std::size_t token_bytes, const identity::KeySet& keys, identity::TokenPtr verified) {
  Entries dropped;
  auto& shard = shard_of(token);
  std::scoped_lock lock(shard.mutex);
  if (const auto old = shard.index.find(token); old != shard.index.end()) move_out(shard, old->second, dropped);
  shard.entries.push_front({token, keys, std::move(verified), size_of(token_bytes)});
  shard.index.emplace(token, shard.entries.begin());
  shard.bytes += shard.entries.front().bytes;
  while (shard.entries.size() > 1 &&
         (shard.entries.size() > limits_.entries_max / shard_count || shard.bytes > limits_.bytes_max / shard_count))
    move_out(shard, std::prev(shard.entries.end()), dropped);
}

void TokenCache::drop(const Digest& token) {
  Entries dropped;
  auto& shard = shard_of(token);
  std::scoped_lock lock(shard.mutex);
  if (const auto found = shard.index.find(token); found != shard.index.end()) move_out(shard, found->second, dropped);
}

std::size_t TokenCache::entry_count() const {
  std::size_t count = 0;
  for (const auto& shard : shards_) {
    std::scoped_lock lock(shard.mutex);
    count += shard.entries.size();
  }
  return count;
}

}  // namespace sallyport::oidc
