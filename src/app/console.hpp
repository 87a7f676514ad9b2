// Console: everything the server says while it runs. Lines for people on a terminal, one JSON object a line elsewhere.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "json/value.hpp"
#include "runtime/log.hpp"

namespace sallyport::app {

/// What one request left behind, for its log line.
struct AccessLine {
  std::string_view request_id, method, path, api_id, stage, route, response_type, peer;
  int status = 0;
  std::int64_t latency_us = 0;
};

/// May be used from any thread. Lines are gathered and written by `flush`, which the owner calls some times a second; a terminal is
/// written to at once.
class Console final : public runtime::LogSink {
 public:
  enum class Format { text, json };
  Console(int descriptor, Format format, bool terminal, const Clock& clock)
      : descriptor_(descriptor), format_(format), terminal_(terminal), clock_(clock) {}
  ~Console() override;

  void write(const runtime::LogLine& line) override;
  void access(const AccessLine& line);
  void info(std::string_view text);
  void warning(std::string_view text);
  /// Text as it is, for people: left out of JSON logs.
  void print(std::string_view text);
  /// The same for programs: a line of JSON logs, left out for people. REQUIRES: an object.
  void record(std::string_view kind, const json::Value& members);
  void flush();

 private:
  void emit(std::string line);
  void message(std::string_view level, std::string_view text);
  std::string_view color(std::string_view code) const;

  const int descriptor_;
  const Format format_;
  const bool terminal_;
  const Clock& clock_;
  std::mutex mutex_;
  std::string buffer_;
};

}  // namespace sallyport::app
