// Event streams: answers that are a sequence of events, as application/vnd.amazon.eventstream. Source: AWS's "Event stream encoding"
// (Amazon Transcribe developer guide), and what its SDKs read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"
#include "http/message.hpp"

namespace sallyport::wire {

inline constexpr std::string_view event_stream_type = "application/vnd.amazon.eventstream";

/// One event of a stream, by the model's member name.
struct Event {
  std::string name;  // PayloadChunk
  std::string payload;
  std::string content_type = "application/octet-stream";
};

/// Events that are made while they are sent.
class EventSource {
 public:
  virtual ~EventSource() = default;
  /// Nothing at the end. An error cuts the connection.
  virtual Task<Result<std::optional<Event>>> next() = 0;
  /// As of http::BodySource.
  virtual void abandon() {}
};

/// One message: its length, headers and payload between their checksums.
std::string encode_event(const Event& event);
/// The same from any headers, all of them texts of at most 64 KiB.
std::string encode_message(const std::vector<std::pair<std::string_view, std::string_view>>& headers, std::string_view payload);

/// The body of a response.
std::unique_ptr<http::BodySource> encode_events(std::unique_ptr<EventSource> events);

/// CRC-32 as of IEEE 802.3 and zlib.
std::uint32_t crc32(std::string_view bytes, std::uint32_t before = 0);

}  // namespace sallyport::wire
