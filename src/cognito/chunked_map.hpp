// ChunkedMap<T>: a sorted map that copies by sharing, for the collections that grow without bound (users, sessions). A change clones one
// chunk of at most 128 pointers, the value it touches, and the list of chunks; whoever compares two copies skips the chunks they share.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/shared.hpp"

namespace sallyport::cognito {

/// Reading may be done from any thread; changing by the owner of this object alone. Pointers to values live until the next change of this
/// object.
template <class T>
class ChunkedMap {
 public:
  struct Entry {
    std::string key;
    T value;
  };

  const T* find(std::string_view key) const {
    const auto* entry = find_entry(key);
    return entry ? &entry->value : nullptr;
  }
  bool contains(std::string_view key) const { return find_entry(key) != nullptr; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  /// The value for changing, a clone of its own; null when there is none.
  T* edit(std::string_view key) {
    if (!contains(key)) return nullptr;
    auto& chunk = chunks_.edit()[chunk_of(key)].edit();
    auto& entry = chunk[lower_bound(chunk, key)];
    if (entry.use_count() > 1) entry = std::make_shared<Entry>(*entry);
    return &entry->value;
  }

  /// Puts the value in, or in the place of the one that is there.
  T& put(std::string key, T value) {
    auto entry = std::make_shared<Entry>(Entry{std::move(key), std::move(value)});
    auto& made = entry->value;
    auto& chunks = chunks_.edit();
    if (chunks.empty()) chunks.emplace_back();
    const auto at = std::min(chunk_of(entry->key), chunks.size() - 1);
    auto& chunk = chunks[at].edit();
    const auto place = lower_bound(chunk, entry->key);
    if (place < chunk.size() && chunk[place]->key == entry->key) {
      chunk[place] = std::move(entry);
      return made;
    }
    chunk.insert(chunk.begin() + static_cast<std::ptrdiff_t>(place), std::move(entry));
    ++size_;
    if (chunk.size() > most) {
      const auto middle = chunk.begin() + static_cast<std::ptrdiff_t>(chunk.size() / 2);
      Chunk second(middle, chunk.end());
      chunk.erase(middle, chunk.end());
      chunks.insert(chunks.begin() + static_cast<std::ptrdiff_t>(at) + 1, Shared<Chunk>(std::move(second)));
    }
    return made;
  }

  /// Whether it was there.
  bool erase(std::string_view key) {
    if (!contains(key)) return false;
    auto& chunks = chunks_.edit();
    const auto at = chunk_of(key);
    auto& chunk = chunks[at].edit();
    const auto place = lower_bound(chunk, key);
    chunk.erase(chunk.begin() + static_cast<std::ptrdiff_t>(place));
    if (chunk.empty()) chunks.erase(chunks.begin() + static_cast<std::ptrdiff_t>(at));
    --size_;
    return true;
  }

  /// Calls `each(key, value)` in order of the keys, from the first key behind `after`, until it answers false.
  template <class Each>
  void walk(std::string_view after, Each each) const {
    for (auto at = chunk_of(after); at < chunks_->size(); ++at) {
      const auto& chunk = *(*chunks_)[at];
      for (auto place = after.empty() ? 0 : lower_bound(chunk, after); place < chunk.size(); ++place) {
        if (!after.empty() && chunk[place]->key <= after) continue;
        if (!each(chunk[place]->key, chunk[place]->value)) return;
      }
    }
  }
  template <class Each>
  void walk(Each each) const {
    for (const auto& chunk : *chunks_)
      for (const auto& entry : *chunk)
        if (!each(entry->key, entry->value)) return;
  }

  /// Calls `each(key, before or null, after or null)` for what was touched between two copies, in order of the keys.
  template <class Each>
  static void compare(const ChunkedMap& before, const ChunkedMap& after, Each each) {
    if (before.chunks_.is(after.chunks_)) return;
    const T* const none = nullptr;
    Cursor b{*before.chunks_}, a{*after.chunks_};
    while (!b.at_end() || !a.at_end()) {
      if (!b.at_end() && !a.at_end() && b.place == 0 && a.place == 0 && b.chunks[b.chunk].is(a.chunks[a.chunk])) {
        b.next_chunk(), a.next_chunk();
      } else if (a.at_end() || (!b.at_end() && b.entry().key < a.entry().key)) {
        each(b.entry().key, &b.entry().value, none);
        b.next();
      } else if (b.at_end() || a.entry().key < b.entry().key) {
        each(a.entry().key, none, &a.entry().value);
        a.next();
      } else {
        if (&b.entry() != &a.entry()) each(a.entry().key, &b.entry().value, &a.entry().value);
        b.next(), a.next();
      }
    }
  }

 private:
  using Chunk = std::vector<std::shared_ptr<Entry>>;  // never empty but for a moment in `put`
  static constexpr std::size_t most = 128;

  struct Cursor {
    const std::vector<Shared<Chunk>>& chunks;
    std::size_t chunk = 0, place = 0;
    bool at_end() const { return chunk == chunks.size(); }
    const Entry& entry() const { return *(*chunks[chunk])[place]; }
    void next_chunk() { ++chunk, place = 0; }
    void next() {
      if (++place == chunks[chunk]->size()) next_chunk();
    }
  };

  static std::size_t lower_bound(const Chunk& chunk, std::string_view key) {
    const auto found =
        std::lower_bound(chunk.begin(), chunk.end(), key, [](const auto& entry, std::string_view k) { return entry->key < k; });
    return static_cast<std::size_t>(found - chunk.begin());
  }
  /// The chunk a key is in or belongs into: the first whose last key is not before it; the number of chunks when there is none.
  std::size_t chunk_of(std::string_view key) const {
    const auto found = std::lower_bound(chunks_->begin(), chunks_->end(), key, [](const Shared<Chunk>& chunk, std::string_view k) {
      return !chunk->empty() && chunk->back()->key < k;
    });
    return static_cast<std::size_t>(found - chunks_->begin());
  }
  const Entry* find_entry(std::string_view key) const {
    const auto at = chunk_of(key);
    if (at == chunks_->size()) return nullptr;
    const auto& chunk = *(*chunks_)[at];
    const auto place = lower_bound(chunk, key);
    return place < chunk.size() && chunk[place]->key == key ? chunk[place].get() : nullptr;
  }

  Shared<std::vector<Shared<Chunk>>> chunks_;  // shared as a whole too: whoever copies many maps and changes one of them copies one list
  std::size_t size_ = 0;
};

}  // namespace sallyport::cognito
