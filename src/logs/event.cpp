#include "logs/event.hpp"

#include <array>
#include <charconv>
#include <optional>

#include "base/text.hpp"

namespace sallyport::logs {
namespace {

std::string padded(std::uint64_t number, std::size_t width) {
  const auto digits = std::to_string(number);
  return std::string(width - std::min(width, digits.size()), '0') + digits;
}

// "1 2 3 4" before the first line feed; takes it off the text.
std::optional<std::array<std::uint64_t, 4>> take_head(std::string_view& text) {
  const auto end = text.find('\n');
  if (end == text.npos) return std::nullopt;
  const auto parts = split(text.substr(0, end), ' ');
  std::array<std::uint64_t, 4> numbers{};
  if (parts.size() != numbers.size()) return std::nullopt;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto number = parse_number<std::uint64_t>(parts[i]);
    if (!number) return std::nullopt;
    numbers[i] = *number;
  }
  text.remove_prefix(end + 1);
  return numbers;
}

}  // namespace

std::string event_id(Position position) {
  return padded(static_cast<std::uint64_t>(position.timestamp_ms), 28) + padded(position.sequence, 28);
}

void append_event(std::string& text, const Event& event) {
  append(text, event.position.timestamp_ms);
  for (const auto number : {static_cast<std::uint64_t>(event.ingestion_ms), event.position.sequence, std::uint64_t{event.message.size()}}) {
    append(text, ' ');
    append(text, number);
  }
  append(text, '\n');
  append(text, event.message);
  append(text, '\n');
}

Result<> read_events(std::string_view text, const std::function<void(Position, std::int64_t, std::string_view)>& each) {
  while (!text.empty()) {
    const auto head = take_head(text);
    if (!head || text.size() < (*head)[3] || text.substr((*head)[3]).empty() || text[(*head)[3]] != '\n')
      return fail("log events are damaged");
    const auto [timestamp, ingestion, sequence, length] = *head;
    each({static_cast<std::int64_t>(timestamp), sequence}, static_cast<std::int64_t>(ingestion), text.substr(0, length));
    text.remove_prefix(length + 1);
  }
  return {};
}

}  // namespace sallyport::logs
