// Console: everything the server says while it runs. Lines for people on a terminal, one JSON object a line elsewhere.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/clock.hpp"
#include "json/value.hpp"
#include "json/write.hpp"
#include "runtime/log.hpp"

namespace sallyport::app {

namespace limits {
inline constexpr std::size_t log_buffer_bytes_max = 4u << 20;  // lines nobody takes; beyond it they are dropped and counted
}  // namespace limits

/// What one request left behind, for its log line.
struct AccessLine {
  std::string_view request_id, method, path, api_id, stage, route, response_type, peer;
  int status = 0;
  std::int64_t latency_us = 0;
};

/// May be used from any thread; no caller ever waits for whoever reads the log. A thread of its own writes: to a terminal at once,
/// elsewhere in batches some times a second. The clock must outlive it.
class Console final : public runtime::LogSink {
 public:
  enum class Format { text, json };
  Console(int descriptor, Format format, bool terminal, const Clock& clock);
  ~Console() override;

  void write(const runtime::LogLine& line) override;
  void access(const AccessLine& line);
  void info(std::string_view text);
  void warning(std::string_view text);
  /// Text as it is, for people: left out of JSON logs.
  void print(std::string_view text);
  /// The same for programs: a line of JSON logs, left out for people. REQUIRES: an object.
  void record(std::string_view kind, const json::Value& members);
  /// Waits until what was said so far is written, for a moment at most: before the process ends or something else is written.
  void flush();

 private:
  void emit(std::string line);
  void message(std::string_view level, std::string_view text);
  void message_to(std::string& out, std::string_view level, std::string_view text) const;
  json::Writer begin(std::string& out, std::string_view kind) const;
  std::string_view color(std::string_view code) const;
  void write_lines();
  bool write_out(std::string_view lines);

  const int descriptor_;
  const Format format_;
  const bool terminal_;
  const Clock& clock_;
  const std::size_t piece_bytes_;  // written at once: what a pipe that is ready takes without making its writer wait; a file takes any
  std::mutex mutex_;
  std::condition_variable wake_, written_;
  std::string buffer_;
  std::size_t dropped_ = 0;
  bool hurry_ = false, writing_ = false;
  std::atomic<bool> ending_ = false;
  std::thread writer_;
};

}  // namespace sallyport::app
