// FrameBudget: what one HTTP/2 connection may cost before a frame of it is looked at. Pure; reads frame heads only (RFC 9113, 4.1).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/clock.hpp"

namespace sallyport::serve {

/// Counts the frames of a client in windows of `period`. Beyond a limit the connection is ended with ENHANCE_YOUR_CALM.
class FrameBudget {
 public:
  static constexpr std::chrono::seconds period{10};
  /// SETTINGS, PING, PRIORITY, empty DATA and other frames that cost us work and the client nothing.
  static constexpr int control_frames_max = 100;
  static constexpr int resets_max = 100;
  static constexpr int window_updates_max = 1'000;  // and two for each DATA frame of ours
  static constexpr int unknown_frames_max = 1'000;
  static constexpr int header_frames_max = 8;  // of one header block
  static constexpr std::size_t header_block_bytes_max = 32 * 1024;

  enum class Verdict { fine, control_flood, reset_flood, window_flood, unknown_flood, header_flood };

  /// The client's bytes in order, in any pieces, without the preface.
  Verdict take(std::string_view bytes, MonotonicTime now);
  /// A stream that we had to reset counts like one of theirs.
  Verdict reset_sent(MonotonicTime now);
  void data_sent() { updates_earned_ += 2; }

 private:
  Verdict count_frame();
  void roll(MonotonicTime now);

  std::array<unsigned char, 9> head_{};
  std::size_t head_bytes_ = 0;
  std::size_t payload_left_ = 0;
  MonotonicTime window_began_{};
  int control_ = 0, resets_ = 0, updates_ = 0, unknown_ = 0;
  int updates_earned_ = 0;
  int block_frames_ = 0;
  std::size_t block_bytes_ = 0;
};

}  // namespace sallyport::serve
