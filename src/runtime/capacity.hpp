// Capacity: how many execution environments this machine holds, over all functions, and whose turn it is when it is full.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.hpp"
#include "io/loop.hpp"

namespace sallyport::runtime {

class Pool;

/// Shared by all pools of the server, and outlives them. A pool that finds no place left lines up here: the pool with most idle
/// environments gives one up for it, or else the next environment that would go idle ends. May be used from any thread.
class Capacity {
 public:
  /// Events that find no environment and no place for one: wait for some time, or are refused at once as on AWS.
  enum class WhenFull : std::uint8_t { queue, throttle };

  /// `memory_mb_max`: what idle environments may hold together, beyond which those that rested longest end. 0: no limit.
  Capacity(int instances_max, int starts_max, WhenFull when_full = WhenFull::queue, long memory_mb_max = 0)
      : instances_max_(instances_max), starts_max_(starts_max), when_full_(when_full), memory_mb_max_(memory_mb_max) {}
  /// At the same time, per function: more starts than processors only make all of them slower.
  int starts_max() const { return starts_max_; }
  WhenFull when_full() const { return when_full_; }
  /// False when no place is left, or when others wait for it and it is not this one's `turn`.
  bool take(bool turn);
  /// A place for as long as its owner likes, before all who wait. Such places are at most `kept_max`: the rest goes round among functions.
  bool take_to_keep();
  int kept_max() const { return kept_max(instances_max_); }
  static constexpr int kept_max(int instances_max) { return std::max(1, instances_max * 3 / 4); }
  int instances_max() const { return instances_max_; }
  /// The place goes to whoever is first in line. `kept`: it was taken with `take_to_keep`.
  void give_back(bool kept);
  /// Makes a pool known, so that it can be asked for idle environments.
  void enroll(std::weak_ptr<Pool> pool);
  /// Lines up; `Pool::on_place` is called on the loop when it is the pool's turn.
  void line_up(const std::shared_ptr<Pool>& pool, io::Loop& loop, MonotonicTime now);
  /// Nobody waits in that pool any more.
  void leave_line(const Pool* pool);
  /// For a pool with no events waiting, which leaves the line by that: does any other wait?
  bool others_wait(const Pool* pool);
  /// For a pool that could use its environment itself: has another waited so long that it is its turn?
  bool others_starve(const Pool* pool, MonotonicTime now);
  /// Whoever was first in line has no use for the place any more.
  void call_next();
  /// Could so many more environments come up, those others can give up included?
  bool has_room(const Pool* pool, std::size_t environments);

  /// An environment went idle with so much memory (positive), or is idle no more (negative).
  void count_memory(long mb);

 private:
  struct Turn {
    std::weak_ptr<Pool> pool;
    io::Loop* loop;
    MonotonicTime since;
  };
  std::vector<std::shared_ptr<Pool>> pools();

  const int instances_max_, starts_max_;
  const WhenFull when_full_;
  const long memory_mb_max_;
  std::atomic<long> memory_mb_ = 0;  // of idle environments
  std::mutex mutex_;                 // may be taken while a pool's is held, never the other way round
  int used_ = 0, kept_ = 0;
  std::vector<std::weak_ptr<Pool>> pools_;
  std::deque<Turn> line_;
};

}  // namespace sallyport::runtime
