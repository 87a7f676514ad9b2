// LogTails: passes log lines on, and keeps the end of the log of single invocations for their callers.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "runtime/log.hpp"

namespace sallyport::lambda {

namespace limits {
inline constexpr std::size_t log_tail_bytes_max = 4096;  // AWS: X-Amz-Log-Result
}  // namespace limits

/// May be used from any thread. `next` must outlive it.
class LogTails final : public runtime::LogSink {
 public:
  explicit LogTails(runtime::LogSink& next) : next_(next) {}
  void write(const runtime::LogLine& line) override;
  /// Keeps the lines of this invocation from here on.
  void begin(const std::string& request_id);
  /// The last 4 KB of them, each with its newline; kept no longer.
  std::string end(const std::string& request_id);

 private:
  runtime::LogSink& next_;
  std::atomic<int> wanted_ = 0;  // so that lines nobody wants cost no lock
  std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> tails_;
};

}  // namespace sallyport::lambda
