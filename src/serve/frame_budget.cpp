#include "serve/frame_budget.hpp"

#include <algorithm>

namespace sallyport::serve {
namespace {

enum Type : unsigned char { data, headers, priority, rst_stream, settings, push_promise, ping, goaway, window_update, continuation };
constexpr unsigned char end_stream = 0x1;

}  // namespace

void FrameBudget::roll(MonotonicTime now) {
  if (now - window_began_ < period) return;
  window_began_ = now;
  control_ = resets_ = updates_ = unknown_ = updates_earned_ = 0;
}

FrameBudget::Verdict FrameBudget::take(std::string_view bytes, MonotonicTime now) {
  roll(now);
  while (!bytes.empty()) {
    if (payload_left_) {
      const auto skipped = std::min(payload_left_, bytes.size());
      payload_left_ -= skipped;
      bytes.remove_prefix(skipped);
      continue;
    }
    head_[head_bytes_++] = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    if (head_bytes_ < head_.size()) continue;
    head_bytes_ = 0;
    payload_left_ = static_cast<std::size_t>(head_[0]) << 16 | static_cast<std::size_t>(head_[1]) << 8 | head_[2];
    if (const auto verdict = count_frame(); verdict != Verdict::fine) return verdict;
  }
  return Verdict::fine;
}

FrameBudget::Verdict FrameBudget::count_frame() {
  const auto flags = head_[4];
  switch (head_[3]) {
    case headers:
    case continuation:
      if (head_[3] == headers) block_frames_ = 0, block_bytes_ = 0;
      block_bytes_ += payload_left_;
      if (++block_frames_ > header_frames_max || block_bytes_ > header_block_bytes_max) return Verdict::header_flood;
      return Verdict::fine;
    case data:
      if (payload_left_ || flags & end_stream) return Verdict::fine;
      return ++control_ > control_frames_max ? Verdict::control_flood : Verdict::fine;
    case rst_stream: return ++resets_ > resets_max ? Verdict::reset_flood : Verdict::fine;
    case window_update: return ++updates_ > window_updates_max + updates_earned_ ? Verdict::window_flood : Verdict::fine;
    case priority:
    case settings:
    case push_promise:
    case ping:
    case goaway: return ++control_ > control_frames_max ? Verdict::control_flood : Verdict::fine;
    default: return ++unknown_ > unknown_frames_max ? Verdict::unknown_flood : Verdict::fine;
  }
}

FrameBudget::Verdict FrameBudget::reset_sent(MonotonicTime now) {
  roll(now);
  return ++resets_ > resets_max ? Verdict::reset_flood : Verdict::fine;
}

}  // namespace sallyport::serve
