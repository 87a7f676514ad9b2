// Where the output of functions goes, line by line.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace sallyport::runtime {

/// One line of a function's log stream. `platform` lines are ours (START, END, REPORT, ...), the others the function's own.
struct LogLine {
  enum class Source { function, platform } source;
  std::string_view function_name;
  std::string_view request_id;         // empty before the first event
  std::string_view text;               // without the newline
  std::string_view function_arn = {};  // unqualified
  std::string_view log_stream = {};    // of the environment; empty for lines about one that did not come up
  std::string_view log_group = {};     // empty: /aws/lambda/<name>
};

/// May be called from any thread.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void write(const LogLine& line) = 0;
};

}  // namespace sallyport::runtime
