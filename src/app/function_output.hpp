// FunctionOutput: where what functions write goes: the console, CloudWatch Logs, and whoever follows it with `sallyport logs`.
#pragma once

#include "app/console.hpp"
#include "app/log_ring.hpp"
#include "base/clock.hpp"
#include "logs/logs.hpp"
#include "runtime/log.hpp"

namespace sallyport::app {

/// May be called from any thread. Everything must outlive it.
class FunctionOutput final : public runtime::LogSink {
 public:
  FunctionOutput(Console& console, logs::FunctionLogs& logs, LogRing& ring, const Clock& clock)
      : console_(console), logs_(logs), ring_(ring), clock_(clock) {}
  void write(const runtime::LogLine& line) override;

 private:
  Console& console_;
  logs::FunctionLogs& logs_;
  LogRing& ring_;
  const Clock& clock_;
};

}  // namespace sallyport::app
