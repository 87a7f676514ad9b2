#include "logs/function_logs.hpp"

#include <utility>

namespace sallyport::logs {
namespace {

constexpr std::size_t line_overhead = 64;

}  // namespace

FunctionLogs::FunctionLogs(Choices choices, Work work)
    : choices_(choices), work_(std::move(work)), tend_at_(std::chrono::steady_clock::now() + choices_.tend_every) {
  thread_ = std::thread([this] { run(); });
}

FunctionLogs::~FunctionLogs() {
  {
    std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void FunctionLogs::append(const aws::Scope& scope, std::string_view group, std::string_view stream, std::int64_t timestamp_ms,
                          std::string message) {
  // An event has at least one character.
  if (message.empty()) message = "\n";
  bool first = false;
  {
    std::scoped_lock lock(mutex_);
    const auto size = message.size() + line_overhead;
    if (pending_.byte_count + size > choices_.buffer_bytes_max) {
      ++dropped_;
      return;
    }
    first = pending_.line_count == 0;
    pending_.byte_count += size;
    ++pending_.line_count;
    const std::tuple place(std::string_view(scope.account_id), std::string_view(scope.region), group, stream);
    auto found = pending_.lines.find(place);
    if (found == pending_.lines.end())
      found = pending_.lines.emplace(Place(place), Lines{scope, std::string(group), std::string(stream), {}}).first;
    found->second.events.push_back({timestamp_ms, std::move(message)});
  }
  if (first) wake_.notify_all();
}

void FunctionLogs::flush() {
  std::unique_lock lock(mutex_);
  const auto mine = ++flushes_wanted_;
  wake_.notify_all();
  stored_.wait(lock, [&] { return flushes_done_ >= mine; });
}

// Waits a little longer once there is a line: more will follow, and one write takes them all.
FunctionLogs::Pending FunctionLogs::wait_for_lines() {
  std::unique_lock lock(mutex_);
  const auto hurry = [this] { return stopping_ || flushes_wanted_ > flushes_done_; };
  if (wake_.wait_until(lock, tend_at_, [&] { return hurry() || pending_.line_count > 0; }))
    wake_.wait_for(lock, choices_.flush_every, hurry);
  return std::exchange(pending_, {});
}

void FunctionLogs::run() {
  for (;;) {
    std::uint64_t wanted = 0;
    bool last = false;
    {
      std::scoped_lock lock(mutex_);
      wanted = flushes_wanted_;
      last = stopping_;
    }
    store(wait_for_lines());
    {
      std::scoped_lock lock(mutex_);
      flushes_done_ = wanted;
    }
    stored_.notify_all();
    if (last) return;
    if (const auto now = std::chrono::steady_clock::now(); now >= tend_at_) {
      work_.tend();
      tend_at_ = now + choices_.tend_every;
    }
  }
}

void FunctionLogs::store(Pending pending) {
  if (pending.line_count == 0) return;
  std::vector<Lines> lines;
  for (auto& [place, each] : pending.lines) lines.push_back(std::move(each));
  dropped_ += work_.keep(std::move(lines));
}

}  // namespace sallyport::logs
