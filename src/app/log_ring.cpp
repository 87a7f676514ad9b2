#include "app/log_ring.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace sallyport::app {
namespace {

constexpr std::size_t block_bytes = 64 * 1024;  // a longer line has one of its own

}  // namespace

// Under the lock. The newest block, where it has room. A block that makes room is used again: lines that come and go take no memory anew.
LogRing::Block& LogRing::block_for(std::size_t bytes) {
  if (!blocks_.empty() && blocks_.back().size() + bytes <= block_bytes) return blocks_.back();
  Block next;
  while (!blocks_.empty() && bytes_ + std::max(bytes, block_bytes) > limits::remembered_log_bytes_max) {
    next = std::move(blocks_.front());
    blocks_.pop_front();
    bytes_ -= next.size();
  }
  if (next.bytes.capacity() > 2 * block_bytes) next = {};
  next.first = last_ + 1;
  next.places.clear();
  next.bytes.clear();
  next.bytes.reserve(std::max(bytes, block_bytes));
  return blocks_.emplace_back(std::move(next));
}

void LogRing::add(WallTime time, const runtime::LogLine& line) {
  std::vector<Waiter> waiting;
  {
    std::scoped_lock lock(mutex_);
    const auto size = sizeof(Place) + line.function_name.size() + line.request_id.size() + line.log_stream.size() + line.text.size();
    auto& block = block_for(size);
    Place place{time, line.source == runtime::LogLine::Source::platform};
    const auto put = [&block](std::string_view text) {
      const auto at = block.bytes.size();
      block.bytes.append(text);
      return at;
    };
    place.function = put(line.function_name);
    place.request_id = put(line.request_id);
    place.stream = put(line.log_stream);
    place.text = put(line.text);
    block.places.push_back(place);
    bytes_ += size;
    ++last_;
    waiting.swap(waiting_);
  }
  for (auto& each : waiting) each->deliver(true);
}

// Under the lock. The line of a number that is there, if it is that function's; `function` empty: anybody's.
std::optional<LogRing::Line> LogRing::find(std::uint64_t number, std::string_view function) const {
  const auto& block = *std::prev(std::ranges::upper_bound(blocks_, number, {}, &Block::first));
  const auto index = static_cast<std::size_t>(number - block.first);
  const auto& place = block.places[index];
  const auto end = index + 1 < block.places.size() ? block.places[index + 1].function : block.bytes.size();
  const auto part = [&block](std::size_t from, std::size_t to) { return std::string_view(block.bytes).substr(from, to - from); };
  const auto its_function = part(place.function, place.request_id);
  if (!function.empty() && its_function != function) return std::nullopt;
  return Line{number,
              place.time,
              place.platform,
              std::string(its_function),
              std::string(part(place.request_id, place.stream)),
              std::string(part(place.stream, place.text)),
              std::string(part(place.text, end))};
}

LogRing::Lines LogRing::after(std::uint64_t after, std::string_view function, std::size_t last) const {
  std::scoped_lock lock(mutex_);
  Lines out;
  out.next = last_;
  if (blocks_.empty() || after >= last_) return out;
  const auto first = std::max(after + 1, blocks_.front().first);
  if (last) {
    for (auto number = last_; number >= first && out.lines.size() < last; --number)
      if (auto line = find(number, function)) out.lines.push_back(std::move(*line));
    std::ranges::reverse(out.lines);
    return out;
  }
  for (auto number = first; number <= last_; ++number) {
    auto line = find(number, function);
    if (!line) continue;
    if (out.lines.size() == limits::lines_told_max) {
      out.next = out.lines.back().number;
      break;
    }
    out.lines.push_back(std::move(*line));
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
