// EnvironmentLog: everything that is said about one execution environment, by us and by what runs in it. Each of these goes to the log as a
// line (or, with LogFormat JSON, as a JSON object) and as an event to whoever subscribed to telemetry.
// Source: AWS Lambda developer guide, "Lambda Telemetry API Event schema reference" and "Configuring JSON and plain text log formats".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "runtime/log.hpp"
#include "runtime/spec.hpp"

namespace sallyport::runtime {

/// What the bootstraps write for a line break inside one record, so that it stays one event of the log: lines end at line breaks. Where AWS
/// has a framed log descriptor for this, records and what a function prints keep their order here.
inline constexpr std::string_view record_break = "\r\x1e";

/// When an environment comes up: before any event, or again in one whose predecessor failed.
enum class Phase : std::uint8_t { init, invoke };
/// failure: the function said so or left; error: something of ours or an extension broke.
enum class Ending : std::uint8_t { success, failure, error, timeout };
std::string_view to_text(Phase phase);
std::string_view to_text(Ending ending);

/// `initialization_type` is what AWS_LAMBDA_INITIALIZATION_TYPE says.
struct InitStart {
  std::string_view initialization_type = "on-demand";
  Phase phase = Phase::init;
  std::string_view runtime_version = {}, runtime_version_arn = {};  // left out when empty
};
struct InitDone {
  std::string_view initialization_type = "on-demand";
  Phase phase = Phase::init;
  Ending ending = Ending::success;
  std::string_view error_type = {};
  double duration_ms = 0;
};
struct RuntimeDone {
  std::string_view request_id;
  Ending ending = Ending::success;
  std::string_view error_type = {};
  double duration_ms = 0;
  std::optional<std::size_t> produced_bytes = {};
};
struct EventReport {
  std::string_view request_id;
  Ending ending = Ending::success;
  std::string_view error_type = {};
  double duration_ms = 0;
  long billed_ms = 0, max_memory_mb = 0;
  std::optional<double> init_ms = {};  // of a cold start
};

/// One event of the Telemetry API. `record` is JSON text; the Logs API has the same under other names, and some as plain text.
struct TelemetryEvent {
  enum class Category : std::uint8_t { platform, function, extension } category;
  std::string_view type;  // platform.start, function, ...
  std::string_view record;
  WallTime time;
};

/// Takes events to those who subscribed. Waits for nothing.
class TelemetrySink {
 public:
  virtual ~TelemetrySink() = default;
  /// False: nobody wants any, so none need be made.
  virtual bool wanted() const = 0;
  virtual void publish(const TelemetryEvent& event) = 0;
};

/// Of one environment, used on its loop alone. What it is made from must outlive it.
class EnvironmentLog {
 public:
  EnvironmentLog(LogSink& logs, const FunctionSpec& spec, std::string log_stream, const Clock& clock);

  /// Where events go besides the log; null: nowhere. `EnvironmentApi` does this.
  void attach(TelemetrySink* sink) { sink_ = sink; }
  const std::string& log_stream() const { return log_stream_; }

  /// A line of the function's own, or a record of several (see `record_break`). With LogFormat JSON a line that is a JSON object becomes
  /// the record of its event as it is.
  void function_line(std::string_view text);
  void extension_line(std::string_view text);
  /// A line of ours that is no event: `<time> <id> Task timed out after 3.00 seconds`. With LogFormat JSON it is a platform.fault.
  void platform_line(std::string_view text);

  /// INIT_START in the text format, which is of environments: a runtime that starts again within an event writes none.
  void init_start(const InitStart& facts);
  void init_runtime_done(const InitDone& facts);
  /// Writes no line in the text format: INIT_REPORT appears on failure alone, which `Pool` reports.
  void init_report(const InitDone& facts);
  /// START. Lines belong to this event until `report`.
  void start(const Invocation& invocation);
  void runtime_done(const RuntimeDone& facts);
  /// END and REPORT, the latter with `report_text` (see `report_line`) in the text format.
  void report(const EventReport& facts, std::string_view report_text);
  /// `events` as in [INVOKE,SHUTDOWN].
  void extension(std::string_view name, std::string_view state, std::string_view events, std::string_view error_type);
  /// `api`: telemetry or logs. `types`: platform, function, extension, separated by commas.
  void subscription(std::string_view api, std::string_view name, std::string_view types);

 private:
  enum class Level : std::uint8_t { debug, info, warn };
  void event(Level level, std::string_view type, std::string_view record, std::string_view text);
  void function_record(std::string_view text);
  void write(LogLine::Source source, std::string_view text);
  void publish(TelemetryEvent::Category category, std::string_view type, std::string_view record, WallTime now);
  bool listened_to() const { return sink_ && sink_->wanted(); }
  /// Does anybody read the JSON of an event?
  bool needs_record() const { return json_ || listened_to(); }

  LogSink& logs_;
  const FunctionSpec& spec_;
  const std::string log_stream_;
  const Clock& clock_;
  const bool json_;
  const Level loudness_;
  TelemetrySink* sink_ = nullptr;
  std::string request_id_;
};

}  // namespace sallyport::runtime
