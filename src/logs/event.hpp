// One log event, and the text in which many are kept.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace sallyport::logs {

/// Where an event stands: by its time, and among equals by when it came. No two events have the same.
struct Position {
  std::int64_t timestamp_ms = 0;
  std::uint64_t sequence = 0;
  auto operator<=>(const Position&) const = default;
};

struct Event {
  Position position;
  std::int64_t ingestion_ms = 0;
  std::string message;
};

/// 56 digits that sort like positions, as AWS's event ids have them.
std::string event_id(Position position);

/// Appends `TIMESTAMP INGESTION SEQUENCE LENGTH\nMESSAGE\n`.
void append_event(std::string& text, const Event& event);

/// Calls `each` for every event of a text, in its order. The message is a view into the text.
Result<> read_events(std::string_view text, const std::function<void(Position, std::int64_t ingestion_ms, std::string_view message)>& each);

}  // namespace sallyport::logs
