// LogRing: the last lines that functions wrote, for `sallyport logs`.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "io/completion.hpp"
#include "runtime/log.hpp"

namespace sallyport::app {

namespace limits {
inline constexpr std::size_t remembered_log_bytes_max = 4u << 20;  // beyond it the oldest lines go, a block of them at a time
inline constexpr std::size_t lines_told_max = 1'000;               // in one answer
}  // namespace limits

/// May be used from any thread.
class LogRing {
 public:
  struct Line {
    std::uint64_t number = 0;  // from 1, one more each
    WallTime time;
    bool platform = false;
    std::string function, request_id, stream, text;
  };
  /// What there is after a number; `next` is what to ask with the next time.
  struct Lines {
    std::vector<Line> lines;
    std::uint64_t next = 0;
  };

  void add(WallTime time, const runtime::LogLine& line);
  /// The lines after `after` of one function, or of all when it is empty. `last` of them at most when it is not 0, else the oldest
  /// `lines_told_max`.
  Lines after(std::uint64_t after, std::string_view function, std::size_t last = 0) const;
  /// The same, and waits for a line that fits, `patience` at most.
  Task<Lines> wait_after(io::Loop& loop, std::uint64_t after, std::string function, std::chrono::milliseconds patience);
  /// Whoever waits is answered now, and nobody waits any more: the server ends.
  void close();

 private:
  using Waiter = std::shared_ptr<io::Completion<bool>>;
  /// A line in its block: where its texts begin, one behind the other.
  struct Place {
    WallTime time;
    bool platform = false;
    std::size_t function = 0, request_id = 0, stream = 0, text = 0;
  };
  /// Lines whose numbers follow each other, `first` and on.
  struct Block {
    std::uint64_t first = 0;
    std::vector<Place> places;
    std::string bytes;
    std::size_t size() const { return bytes.size() + places.size() * sizeof(Place); }
  };
  Block& block_for(std::size_t bytes);
  std::optional<Line> find(std::uint64_t number, std::string_view function) const;

  mutable std::mutex mutex_;
  std::deque<Block> blocks_;  // the oldest first
  std::size_t bytes_ = 0;
  std::uint64_t last_ = 0;
  std::vector<Waiter> waiting_;
  bool closed_ = false;
};

}  // namespace sallyport::app
