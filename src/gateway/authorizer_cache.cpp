#include "gateway/authorizer_cache.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace sallyport::gateway {
namespace {

// SipHash-1-3 (Aumasson and Bernstein): short-input keyed hash; enough rounds for a table that compares whole keys.
struct SipState {
  std::uint64_t a, b, c, d;
  void round() {
    a += b, b = std::rotl(b, 13) ^ a, a = std::rotl(a, 32);
    c += d, d = std::rotl(d, 16) ^ c;
    a += d, d = std::rotl(d, 21) ^ a;
    c += b, b = std::rotl(b, 17) ^ c, c = std::rotl(c, 32);
  }
  void absorb(std::uint64_t word) {
    d ^= word;
    round();
    a ^= word;
  }
};

std::uint64_t sip13(const std::array<std::uint64_t, 2>& key, std::string_view text) {
  SipState s{key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};
  const auto size = text.size();
  for (; text.size() >= 8; text.remove_prefix(8)) {
    std::uint64_t word;
    std::memcpy(&word, text.data(), 8);
    s.absorb(word);
  }
  std::uint64_t last = std::uint64_t{size} << 56;
  for (std::size_t i = 0; i < text.size(); ++i) last |= std::uint64_t{static_cast<unsigned char>(text[i])} << (8 * i);
  s.absorb(last);
  s.c ^= 0xff;
  for (int i = 0; i < 3; ++i) s.round();
  return s.a ^ s.b ^ s.c ^ s.d;
}

std::size_t size_of(std::string_view key, const AuthorizerCall& call) { return 2 * key.size() + call.byte_count(); }

}  // namespace

std::size_t AuthorizerCache::Hash::operator()(std::string_view key) const { return sip13(secret, key); }

AuthorizerCache::AuthorizerCache(Random& random, std::size_t bytes_max) : shard_bytes_max_(bytes_max / shard_count) {
  random.fill(std::as_writable_bytes(std::span(hash_.secret)));
  for (auto& shard : shards_) shard = std::make_unique<Shard>(hash_);
}

AuthorizerCache::~AuthorizerCache() = default;

// The table inside a shard uses the low bits; the shard is chosen by the high ones.
AuthorizerCache::Shard& AuthorizerCache::shard_of(std::string_view key) { return *shards_[hash_(key) >> 60]; }

void AuthorizerCache::erase(Shard& shard, Entries::iterator entry) {
  auto owner = shard.owners.find(entry->api_id);
  shard.index.erase(entry->key);
  shard.bytes -= entry->bytes;
  owner->second.bytes -= entry->bytes;
  owner->second.entries.erase(entry);
  if (owner->second.entries.empty()) shard.owners.erase(owner);
}

AuthorizerCache::Found AuthorizerCache::find(std::string_view key, MonotonicTime now) {
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

// An equal share each: whoever is above it makes room, or else whoever holds most.
void AuthorizerCache::make_room(Shard& shard, std::string_view api_id) {
  while (shard.bytes > shard_bytes_max_ && !shard.owners.empty()) {
    const auto share = shard_bytes_max_ / shard.owners.size();
    auto own = shard.owners.find(api_id);
    if (own == shard.owners.end() || own->second.bytes <= share)
      own = std::max_element(shard.owners.begin(), shard.owners.end(),
                             [](const auto& one, const auto& other) { return one.second.bytes < other.second.bytes; });
    erase(shard, own->second.entries.begin());
  }
}

void AuthorizerCache::finish(std::string_view key, std::string_view api_id, Call call, std::optional<MonotonicTime> keep_until) {
  std::vector<Waiting> waiting;
  {
    auto& shard = shard_of(key);
    std::scoped_lock lock(shard.mutex);
    if (const auto flight = shard.flights.find(key); flight != shard.flights.end()) {
      waiting = std::move(flight->second);
      shard.flights.erase(flight);
    }
    if (keep_until) {
      if (const auto old = shard.index.find(key); old != shard.index.end()) erase(shard, old->second);
      auto& owner = shard.owners[std::string(api_id)];
      const auto bytes = size_of(key, *call);
      owner.entries.push_back({std::string(key), std::string(api_id), call, *keep_until, bytes});
      owner.bytes += bytes;
      shard.bytes += bytes;
      shard.index.emplace(owner.entries.back().key, std::prev(owner.entries.end()));
      make_room(shard, api_id);
    }
  }
  for (auto& one : waiting) one.deliver(call);
}

std::size_t AuthorizerCache::byte_count() const {
  std::size_t bytes = 0;
  for (const auto& shard : shards_) {
    std::scoped_lock lock(shard->mutex);
    bytes += shard->bytes;
  }
  return bytes;
}

std::size_t AuthorizerCache::entry_count() const {
  std::size_t count = 0;
  for (const auto& shard : shards_) {
    std::scoped_lock lock(shard->mutex);
    count += shard->index.size();
  }
  return count;
}

}  // namespace sallyport::gateway
