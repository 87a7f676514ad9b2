// FunctionLogs: the lines of functions on their way to the store. Whoever writes a line never waits.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <vector>

#include "aws/arn.hpp"
#include "logs/event_store.hpp"

namespace sallyport::logs {

/// A thread of its own stores what was appended, a few times a second. What it cannot store, or has no room for, is dropped and counted.
class FunctionLogs {
 public:
  struct Choices {
    std::size_t buffer_bytes_max = 4u << 20;
    std::chrono::milliseconds flush_every{200};
    std::chrono::seconds tend_every{60};
  };
  struct Lines {
    aws::Scope scope;
    std::string group, stream;
    std::vector<NewEvent> events;
  };
  /// Called on the thread of its own. `keep` stores lines, blocks until they are durable, and says how many are lost; `tend` is called now
  /// and then.
  struct Work {
    std::function<std::size_t(std::vector<Lines> lines)> keep;
    std::function<void()> tend;
  };

  FunctionLogs(Choices choices, Work work);
  /// Stores what was appended before.
  ~FunctionLogs();
  FunctionLogs(const FunctionLogs&) = delete;

  /// Group and stream are made when they do not exist. May be called from any thread.
  void append(const aws::Scope& scope, std::string_view group, std::string_view stream, std::int64_t timestamp_ms, std::string message);
  /// Waits until what was appended before is stored or dropped.
  void flush();
  /// Lines lost since the start: no room, or the store failed.
  std::uint64_t dropped() const { return dropped_; }

 private:
  using Place = std::tuple<std::string, std::string, std::string, std::string>;  // account, region, group, stream
  struct Pending {
    std::map<Place, Lines, std::less<>> lines;
    std::size_t byte_count = 0, line_count = 0;
  };
  void run();
  Pending wait_for_lines();
  void store(Pending pending);

  const Choices choices_;
  const Work work_;
  std::atomic<std::uint64_t> dropped_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_, stored_;
  Pending pending_;
  std::uint64_t flushes_wanted_ = 0, flushes_done_ = 0;
  std::chrono::steady_clock::time_point tend_at_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sallyport::logs
