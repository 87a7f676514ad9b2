#include "app/console.hpp"

#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "app/log_text.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "json/write.hpp"

namespace sallyport::app {
namespace {

constexpr std::size_t batch_bytes = 64 * 1024;
constexpr std::chrono::milliseconds batch_time{50}, poll_time{100}, flush_patience{1000};
constexpr std::size_t text_bytes_max = 16 * 1024;
constexpr std::size_t members_bytes = 128;  // of a line, beside its texts

bool is_regular_file(int descriptor) {
  struct stat status;
  return !fstat(descriptor, &status) && S_ISREG(status.st_mode);
}

}  // namespace

Console::Console(int descriptor, Format format, bool terminal, const Clock& clock)
    : descriptor_(descriptor),
      format_(format),
      terminal_(terminal),
      clock_(clock),
      piece_bytes_(is_regular_file(descriptor) ? limits::log_buffer_bytes_max : PIPE_BUF),
      writer_([this] { write_lines(); }) {}

Console::~Console() {
  flush();
  {
    std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  writer_.join();
}

json::Writer Console::begin(std::string& out, std::string_view kind) const {
  json::Writer writer(out);
  writer.begin_object().key("time").string(iso8601_millis(clock_.wall_now())).key("kind").string(kind);
  return writer;
}

std::string_view Console::color(std::string_view code) const { return terminal_ ? code : std::string_view{}; }

void Console::write(const runtime::LogLine& line) {
  std::string out;
  const bool platform = line.source == runtime::LogLine::Source::platform;
  if (format_ == Format::json) {
    out.reserve(members_bytes + line.function_name.size() + line.request_id.size() + std::min(line.text.size(), text_bytes_max));
    begin(out, platform ? "platform" : "function")
        .key("function")
        .string(line.function_name)
        .key("request_id")
        .string(line.request_id)
        .key("text")
        .string(line.text.substr(0, text_bytes_max))
        .end_object();
  } else {
    out = log_text({platform, line.function_name, line.request_id, line.text}, terminal_);
  }
  emit(std::move(out));
}

void Console::access(const AccessLine& line) {
  std::string out;
  if (format_ == Format::json) {
    out.reserve(4 * members_bytes);
    auto w = begin(out, "request");
    if (!line.request_id.empty()) w.key("request_id").string(line.request_id);
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

void Console::message_to(std::string& out, std::string_view level, std::string_view text) const {
  if (format_ == Format::json) {
    begin(out, level).key("text").string(text).end_object();
  } else {
    if (level == "warning") append(out, cat(color("\x1b[33m"), "warning: ", color("\x1b[0m")));
    append(out, text);
  }
  out.push_back('\n');
}

void Console::message(std::string_view level, std::string_view text) {
  std::string out;
  message_to(out, level, text);
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
  auto writer = begin(out, kind);
  for (const auto& [name, value] : *members.object()) writer.key(name).value(value);
  writer.end_object();
  emit(std::move(out));
}

void Console::emit(std::string line) {
  if (!line.ends_with('\n')) line.push_back('\n');
  bool wanted = false;
  {
    std::scoped_lock lock(mutex_);
    if (buffer_.size() + line.size() > limits::log_buffer_bytes_max) {
      ++dropped_;
      return;
    }
    wanted = buffer_.empty() || terminal_ || buffer_.size() >= batch_bytes;
    buffer_ += line;
  }
  if (wanted) wake_.notify_one();
}

void Console::flush() {
  std::unique_lock lock(mutex_);
  hurry_ = true;
  wake_.notify_one();
  written_.wait_for(lock, flush_patience, [this] { return buffer_.empty() && !writing_; });
}

void Console::write_lines() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return !buffer_.empty() || ending_; });
    if (buffer_.empty()) return;
    if (!terminal_) wake_.wait_for(lock, batch_time, [this] { return buffer_.size() >= batch_bytes || hurry_ || ending_; });
    hurry_ = false;
    auto lines = std::exchange(buffer_, {});
    if (const auto count = std::exchange(dropped_, 0))
      message_to(lines, "warning", cat(count, " log lines were dropped: nobody read them"));
    writing_ = true;
    lock.unlock();
    const bool gone_on = write_out(lines);
    lock.lock();
    writing_ = false;
    written_.notify_all();
    if (!gone_on) return;
  }
}

// False when the console ends while nobody reads.
bool Console::write_out(std::string_view lines) {
  while (!lines.empty()) {
    pollfd ready{descriptor_, POLLOUT, 0};
    const int count = poll(&ready, 1, static_cast<int>(poll_time.count()));
    if (count == 0 && ending_) return false;
    if (count <= 0) continue;
    const auto written = ::write(descriptor_, lines.data(), std::min(lines.size(), piece_bytes_));
    if (written > 0)
      lines.remove_prefix(static_cast<std::size_t>(written));
    else if (errno != EINTR && errno != EAGAIN)
      return true;  // the reader is gone: the lines are lost, the server is not
  }
  return true;
}

}  // namespace sallyport::app
