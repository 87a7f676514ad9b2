#include "runtime/capacity.hpp"

#include <algorithm>

#include "runtime/pool.hpp"

namespace sallyport::runtime {

bool Capacity::take(bool turn) {
  std::scoped_lock lock(mutex_);
  if (used_ >= instances_max_ || (!turn && !line_.empty())) return false;
  ++used_;
  return true;
}

bool Capacity::take_to_keep() {
  std::scoped_lock lock(mutex_);
  if (used_ >= instances_max_ || kept_ >= kept_max()) return false;
  ++used_;
  ++kept_;
  return true;
}

void Capacity::give_back(bool kept) {
  {
    std::scoped_lock lock(mutex_);
    --used_;
    if (kept) --kept_;
  }
  call_next();
}

void Capacity::enroll(std::weak_ptr<Pool> pool) {
  std::scoped_lock lock(mutex_);
  std::erase_if(pools_, [](const auto& known) { return known.expired(); });
  pools_.push_back(std::move(pool));
}

std::vector<std::shared_ptr<Pool>> Capacity::pools() {
  std::vector<std::shared_ptr<Pool>> all;
  std::scoped_lock lock(mutex_);
  for (const auto& known : pools_)
    if (auto pool = known.lock()) all.push_back(std::move(pool));
  return all;
}

void Capacity::line_up(const std::shared_ptr<Pool>& pool, io::Loop& loop, MonotonicTime now) {
  bool free = false;
  {
    std::scoped_lock lock(mutex_);
    for (const auto& turn : line_)
      if (turn.pool.lock() == pool) return;
    // A place may have come free since it was asked for; then nobody would call.
    free = line_.empty() && used_ < instances_max_;
    line_.push_back({pool, &loop, now});
  }
  if (free) return call_next();
  const auto all = pools();
  if (all.empty()) return;
  const auto richest =
      std::max_element(all.begin(), all.end(), [](const auto& a, const auto& b) { return a->idle_count() < b->idle_count(); });
  (*richest)->give_up_idle();
}

void Capacity::leave_line(const Pool* pool) {
  std::scoped_lock lock(mutex_);
  std::erase_if(line_, [&](const Turn& turn) { return turn.pool.lock().get() == pool; });
}

bool Capacity::others_wait(const Pool* pool) {
  std::scoped_lock lock(mutex_);
  std::erase_if(line_, [&](const Turn& turn) { return turn.pool.lock().get() == pool; });
  return !line_.empty();
}

bool Capacity::others_starve(const Pool* pool, MonotonicTime now) {
  std::scoped_lock lock(mutex_);
  return std::any_of(line_.begin(), line_.end(),
                     [&](const Turn& turn) { return now - turn.since >= limits::starving_time && turn.pool.lock().get() != pool; });
}

void Capacity::call_next() {
  for (;;) {
    Turn turn;
    {
      std::scoped_lock lock(mutex_);
      if (line_.empty()) return;
      turn = std::move(line_.front());
      line_.pop_front();
    }
    auto pool = turn.pool.lock();
    if (!pool) continue;
    turn.loop->post([pool = std::move(pool), loop = turn.loop] { pool->on_place(*loop); });
    return;
  }
}

bool Capacity::has_room(const Pool* pool, std::size_t environments) {
  std::size_t room = 0;
  {
    std::scoped_lock lock(mutex_);
    room = static_cast<std::size_t>(std::max(0, instances_max_ - used_));
  }
  if (room >= environments) return true;
  for (const auto& other : pools())
    if (other.get() != pool) room += other->idle_count();
  return room >= environments;
}

void Capacity::count_memory(long mb) {
  long held = memory_mb_ += mb;
  if (!memory_mb_max_ || mb <= 0) return;
  while (held > memory_mb_max_) {
    std::shared_ptr<Pool> stalest;
    std::optional<MonotonicTime> since;
    for (auto& pool : pools())
      if (const auto rests = pool->idle_since(); rests && (!since || *rests < *since)) {
        since = rests;
        stalest = std::move(pool);
      }
    // Giving up counts its memory off.
    if (!stalest || !stalest->give_up_idle()) return;
    held = memory_mb_;
  }
}

}  // namespace sallyport::runtime
