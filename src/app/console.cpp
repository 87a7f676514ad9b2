#include "app/console.hpp"

#include <unistd.h>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "json/write.hpp"

namespace sallyport::app {
namespace {

constexpr std::size_t buffer_bytes_max = 64 * 1024;
constexpr std::size_t text_bytes_max = 16 * 1024;

// A log line is one line: control characters of clients and functions must not forge another.
void append_printable(std::string& out, std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  for (char c : text.substr(0, text_bytes_max)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f)
      out.push_back(c);
    else if (c == '\t')
      out.push_back(c);
    else if (c == '\r')
      out.append("\n    ");  // how runtimes mark line breaks inside one event
    else
      out.append("\\x").push_back(digits[byte >> 4]), out.push_back(digits[byte & 15]);
  }
}

}  // namespace

Console::~Console() { flush(); }

std::string_view Console::color(std::string_view code) const { return terminal_ ? code : std::string_view{}; }

void Console::write(const runtime::LogLine& line) {
  std::string out;
  const bool platform = line.source == runtime::LogLine::Source::platform;
  if (format_ == Format::json) {
    json::Writer(out)
        .begin_object()
        .key("time")
        .string(iso8601_millis(clock_.wall_now()))
        .key("kind")
        .string(platform ? "platform" : "function")
        .key("function")
        .string(line.function_name)
        .key("request_id")
        .string(line.request_id)
        .key("text")
        .string(line.text.substr(0, text_bytes_max))
        .end_object();
  } else {
    append(out, color(platform ? "\x1b[2m" : "\x1b[36m"));
    append(out, cat("[", line.function_name, line.request_id.empty() ? "" : " ", line.request_id, "] "));
    if (!platform) append(out, color("\x1b[0m"));
    append_printable(out, line.text);
    if (platform) append(out, color("\x1b[0m"));
  }
  emit(std::move(out));
}

void Console::access(const AccessLine& line) {
  std::string out;
  if (format_ == Format::json) {
    json::Writer w(out);
    w.begin_object()
        .key("time")
        .string(iso8601_millis(clock_.wall_now()))
        .key("kind")
        .string("request")
        .key("request_id")
        .string(line.request_id);
    w.key("method")
        .string(line.method)
        .key("path")
        .string(line.path)
        .key("status")
        .number(line.status)
        .key("latency_us")
        .number(line.latency_us);
    w.key("peer").string(line.peer);
    for (const auto& [name, value] :
         {std::pair{"api_id", line.api_id}, {"stage", line.stage}, {"route", line.route}, {"response_type", line.response_type}})
      if (!value.empty()) w.key(name).string(value);
    w.end_object();
  } else {
    append(out, color(line.status >= 500 ? "\x1b[31m" : line.status >= 400 ? "\x1b[33m" : "\x1b[32m"));
    append(out, line.status);
    append(out, color("\x1b[0m"));
    append(out, cat(" ", line.method, " "));
    append_printable(out, line.path);
    append(out, " ");
    append_fixed2(out, static_cast<double>(line.latency_us) / 1000);
    append(out, cat(" ms ", line.request_id));
    if (!line.response_type.empty()) append(out, cat(" ", line.response_type));
  }
  emit(std::move(out));
}

void Console::message(std::string_view level, std::string_view text) {
  std::string out;
  if (format_ == Format::json) {
    json::Writer(out)
        .begin_object()
        .key("time")
        .string(iso8601_millis(clock_.wall_now()))
        .key("kind")
        .string(level)
        .key("text")
        .string(text)
        .end_object();
  } else {
    if (level == "warning") append(out, cat(color("\x1b[33m"), "warning: ", color("\x1b[0m")));
    append(out, text);
  }
  emit(std::move(out));
}

void Console::info(std::string_view text) { message("info", text); }
void Console::warning(std::string_view text) { message("warning", text); }
void Console::print(std::string_view text) {
  if (format_ == Format::text) emit(std::string(text));
}

void Console::record(std::string_view kind, const json::Value& members) {
  if (format_ != Format::json) return;
  std::string out;
  json::Writer writer(out);
  writer.begin_object().key("time").string(iso8601_millis(clock_.wall_now())).key("kind").string(kind);
  for (const auto& [name, value] : *members.object()) writer.key(name).value(value);
  writer.end_object();
  emit(std::move(out));
}

void Console::emit(std::string line) {
  line.push_back('\n');
  std::string full;
  {
    std::scoped_lock lock(mutex_);
    buffer_ += line;
    if (!terminal_ && buffer_.size() < buffer_bytes_max) return;
  }
  flush();
}

void Console::flush() {
  std::scoped_lock lock(mutex_);
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const auto count = ::write(descriptor_, rest.data(), rest.size());
    if (count <= 0) break;  // nobody reads any more: the lines are lost, the server is not
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  buffer_.clear();
}

}  // namespace sallyport::app
