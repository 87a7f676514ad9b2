#include "runtime/environment_log.hpp"

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::runtime {
namespace {

constexpr std::int64_t bytes_per_mib = 1 << 20;

std::string fixed2(double number) {
  std::string text;
  append_fixed2(text, number);
  return text;
}

void write_tracing(json::Writer& writer, std::string_view trace_id) {
  if (trace_id.empty()) return;
  writer.key("tracing").begin_object().key("type").string("X-Amzn-Trace-Id").key("value").string(trace_id).end_object();
}

void write_status(json::Writer& writer, Ending ending, std::string_view error_type) {
  writer.key("status").string(to_text(ending));
  if (ending != Ending::success && !error_type.empty()) writer.key("errorType").string(error_type);
}

void write_list(json::Writer& writer, std::string_view name, std::string_view commas) {
  writer.key(name).begin_array();
  if (!commas.empty())
    for (const auto part : split(commas, ',')) writer.string(part);
  writer.end_array();
}

std::string envelope(std::string_view type, std::string_view record, WallTime now) {
  std::string out;
  json::Writer(out).begin_object().key("time").string(iso8601_millis(now)).key("type").string(type).key("record").raw(record).end_object();
  return out;
}

bool is_json_object(std::string_view text) {
  if (!trim(text).starts_with('{')) return false;
  const auto value = json::parse(text, json::limits::document_depth_max);
  return value && value->object();
}

}  // namespace

std::string_view to_text(Phase phase) { return phase == Phase::init ? "init" : "invoke"; }

std::string_view to_text(Ending ending) {
  switch (ending) {
    case Ending::success: return "success";
    case Ending::failure: return "failure";
    case Ending::error: return "error";
    case Ending::timeout: return "timeout";
  }
  return {};
}

EnvironmentLog::EnvironmentLog(LogSink& logs, const FunctionSpec& spec, std::string log_stream, const Clock& clock)
    : logs_(logs),
      spec_(spec),
      log_stream_(std::move(log_stream)),
      clock_(clock),
      json_(spec.log_format == "JSON"),
      loudness_(spec.system_log_level == "DEBUG"  ? Level::debug
                : spec.system_log_level == "WARN" ? Level::warn
                                                  : Level::info) {}

void EnvironmentLog::write(LogLine::Source source, std::string_view text) {
  logs_.write({source, spec_.function_name, request_id_, text, spec_.function_arn, log_stream_, spec_.log_group});
}

void EnvironmentLog::publish(TelemetryEvent::Category category, std::string_view type, std::string_view record, WallTime now) {
  if (listened_to()) sink_->publish({category, type, record, now});
}

// `text` is the line of the text format; empty: none. `record` is only read where it is needed.
void EnvironmentLog::event(Level level, std::string_view type, std::string_view record, std::string_view text) {
  const auto now = clock_.wall_now();
  if (json_) {
    if (level >= loudness_) write(LogLine::Source::platform, envelope(type, record, now));
  } else if (!text.empty()) {
    write(LogLine::Source::platform, text);
  }
  publish(TelemetryEvent::Category::platform, type, record, now);
}

void EnvironmentLog::function_line(std::string_view text) {
  if (text.find(record_break) != std::string_view::npos) return function_record(replace_all(text, record_break, "\n"));
  function_record(text);
}

void EnvironmentLog::function_record(std::string_view text) {
  write(LogLine::Source::function, text);
  if (!listened_to()) return;
  std::string record;
  if (json_ && is_json_object(text))
    record = text;
  else
    json::append_string(record, text);
  publish(TelemetryEvent::Category::function, "function", record, clock_.wall_now());
}

void EnvironmentLog::extension_line(std::string_view text) {
  write(LogLine::Source::function, text);
  if (!listened_to()) return;
  std::string record;
  json::append_string(record, text);
  publish(TelemetryEvent::Category::extension, "extension", record, clock_.wall_now());
}

void EnvironmentLog::platform_line(std::string_view text) {
  std::string record;
  if (needs_record()) json::append_string(record, text);
  event(Level::warn, "platform.fault", record, text);
}

void EnvironmentLog::init_start(const InitStart& facts) {
  std::string record, text;
  json::Writer writer(record);
  writer.begin_object().key("initializationType").string(facts.initialization_type).key("phase").string(to_text(facts.phase));
  if (!facts.runtime_version.empty()) writer.key("runtimeVersion").string(facts.runtime_version);
  if (!facts.runtime_version_arn.empty()) writer.key("runtimeVersionArn").string(facts.runtime_version_arn);
  writer.key("functionName").string(spec_.function_name).key("functionVersion").string(spec_.version);
  writer.key("instanceId").string(log_stream_).key("instanceMaxMemory").number(spec_.memory_mb * bytes_per_mib).end_object();
  if (!facts.runtime_version.empty() && facts.phase == Phase::init)
    text = cat("INIT_START Runtime Version: ", facts.runtime_version, "\tRuntime Version ARN: ", facts.runtime_version_arn);
  event(facts.runtime_version.empty() ? Level::debug : Level::info, "platform.initStart", record, text);
}

void EnvironmentLog::init_runtime_done(const InitDone& facts) {
  std::string record;
  json::Writer writer(record);
  writer.begin_object().key("initializationType").string(facts.initialization_type).key("phase").string(to_text(facts.phase));
  write_status(writer, facts.ending, facts.error_type);
  writer.end_object();
  event(facts.ending == Ending::success ? Level::debug : Level::warn, "platform.initRuntimeDone", record, {});
}

void EnvironmentLog::init_report(const InitDone& facts) {
  std::string record;
  json::Writer writer(record);
  writer.begin_object().key("initializationType").string(facts.initialization_type).key("phase").string(to_text(facts.phase));
  write_status(writer, facts.ending, facts.error_type);
  writer.key("metrics").begin_object().key("durationMs").raw(fixed2(facts.duration_ms)).end_object().end_object();
  const auto quiet = facts.initialization_type == "on-demand" ? Level::debug : Level::info;
  event(facts.ending == Ending::success ? quiet : Level::warn, "platform.initReport", record, {});
}

void EnvironmentLog::start(const Invocation& invocation) {
  request_id_ = invocation.request_id.text();
  std::string record, text;
  if (needs_record()) {
    json::Writer writer(record);
    writer.begin_object().key("requestId").string(request_id_).key("version").string(spec_.version);
    write_tracing(writer, invocation.trace_id);
    writer.end_object();
  }
  if (!json_) {
    text.reserve(request_id_.size() + spec_.version.size() + 32);
    text.append("START RequestId: ").append(request_id_).append(" Version: ").append(spec_.version);
  }
  event(Level::info, "platform.start", record, text);
}

void EnvironmentLog::runtime_done(const RuntimeDone& facts) {
  if (!needs_record()) return;
  std::string record;
  json::Writer writer(record);
  writer.begin_object().key("requestId").string(facts.request_id);
  write_status(writer, facts.ending, facts.error_type);
  writer.key("metrics").begin_object().key("durationMs").raw(fixed2(facts.duration_ms));
  if (facts.produced_bytes) writer.key("producedBytes").number(*facts.produced_bytes);
  writer.end_object().end_object();
  event(facts.ending == Ending::success ? Level::debug : Level::warn, "platform.runtimeDone", record, {});
}

void EnvironmentLog::report(const EventReport& facts, std::string_view report_text) {
  const auto now = clock_.wall_now();
  if (!json_) write(LogLine::Source::platform, cat("END RequestId: ", facts.request_id));
  std::string record;
  if (listened_to()) {
    json::Writer(record).begin_object().key("requestId").string(facts.request_id).end_object();
    publish(TelemetryEvent::Category::platform, "platform.end", record, now);
    record.clear();
  }
  if (needs_record()) {
    json::Writer writer(record);
    writer.begin_object().key("requestId").string(facts.request_id);
    write_status(writer, facts.ending, facts.error_type);
    writer.key("metrics").begin_object().key("durationMs").raw(fixed2(facts.duration_ms)).key("billedDurationMs").number(facts.billed_ms);
    writer.key("memorySizeMB").number(spec_.memory_mb).key("maxMemoryUsedMB").number(facts.max_memory_mb);
    if (facts.init_ms) writer.key("initDurationMs").raw(fixed2(*facts.init_ms));
    writer.end_object().end_object();
  }
  event(facts.ending == Ending::success ? Level::info : Level::warn, "platform.report", record, report_text);
  request_id_.clear();
}

void EnvironmentLog::extension(std::string_view name, std::string_view state, std::string_view events, std::string_view error_type) {
  std::string record;
  json::Writer writer(record);
  writer.begin_object().key("name").string(name).key("state").string(state);
  write_list(writer, "events", events);
  auto text = cat("EXTENSION\tName: ", name, "\tState: ", state, "\tEvents: [", events, "]");
  if (!error_type.empty()) {
    writer.key("errorType").string(error_type);
    text += cat("\tError Type: ", error_type);
  }
  writer.end_object();
  event(error_type.empty() ? Level::info : Level::warn, "platform.extension", record, text);
}

void EnvironmentLog::subscription(std::string_view api, std::string_view name, std::string_view types) {
  std::string record, text;
  json::Writer writer(record);
  writer.begin_object().key("name").string(name).key("state").string("Subscribed");
  write_list(writer, "types", types);
  writer.end_object();
  const bool logs = api == "logs";
  text = cat(logs ? "LOGS" : "TELEMETRY", "\tName: ", name, "\tState: Subscribed\tTypes: [", types, "]");
  event(Level::info, logs ? "platform.logsSubscription" : "platform.telemetrySubscription", record, text);
}

}  // namespace sallyport::runtime
