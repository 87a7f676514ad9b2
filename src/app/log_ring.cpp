#include "app/log_ring.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace sallyport::app {
namespace {

std::size_t bytes_of(const LogRing::Line& line) {
  return sizeof line + line.function.size() + line.request_id.size() + line.stream.size() + line.text.size();
}

}  // namespace

void LogRing::add(WallTime time, const runtime::LogLine& line) {
  Line kept{0,
            time,
            line.source == runtime::LogLine::Source::platform,
            std::string(line.function_name),
            std::string(line.request_id),
            std::string(line.log_stream),
            std::string(line.text)};
  std::vector<Waiter> waiting;
  {
    std::scoped_lock lock(mutex_);
    kept.number = ++last_;
    bytes_ += bytes_of(kept);
    lines_.push_back(std::move(kept));
    while (bytes_ > limits::remembered_log_bytes_max) {
      bytes_ -= bytes_of(lines_.front());
      lines_.pop_front();
    }
    waiting.swap(waiting_);
  }
  for (auto& each : waiting) each->deliver(true);
}

LogRing::Lines LogRing::after(std::uint64_t after, std::string_view function, std::size_t last) const {
  std::scoped_lock lock(mutex_);
  Lines out;
  out.next = last_;
  const auto fits = [&](const Line& line) { return function.empty() || line.function == function; };
  const auto first = std::ranges::upper_bound(lines_, after, {}, &Line::number);
  if (last) {
    for (auto line = lines_.end(); line != first && out.lines.size() < last;)
      if (fits(*--line)) out.lines.push_back(*line);
    std::ranges::reverse(out.lines);
    return out;
  }
  for (auto line = first; line != lines_.end(); ++line) {
    if (!fits(*line)) continue;
    if (out.lines.size() == limits::lines_told_max) {
      out.next = out.lines.back().number;
      break;
    }
    out.lines.push_back(*line);
  }
  return out;
}

Task<LogRing::Lines> LogRing::wait_after(io::Loop& loop, std::uint64_t number, std::string function, std::chrono::milliseconds patience) {
  // One deadline for all waits: whichever wait is under way when it expires ends with false.
  const auto current = std::make_shared<Waiter>();
  io::Deadline deadline(loop, patience, [current] { (*current)->deliver(false); });
  for (bool go_on = true; go_on;) {
    auto told = after(number, function);
    if (!told.lines.empty()) co_return told;
    const auto woken = *current = std::make_shared<io::Completion<bool>>();
    {
      std::scoped_lock lock(mutex_);
      if (closed_) break;
      if (last_ > told.next) continue;  // a line came in between
      waiting_.push_back(woken);
    }
    number = told.next;
    go_on = co_await woken->wait_on(loop);
  }
  {
    std::scoped_lock lock(mutex_);
    std::erase(waiting_, *current);
  }
  co_return after(number, function);
}

void LogRing::close() {
  std::vector<Waiter> waiting;
  {
    std::scoped_lock lock(mutex_);
    closed_ = true;
    waiting.swap(waiting_);
  }
  for (auto& each : waiting) each->deliver(false);
}

}  // namespace sallyport::app
