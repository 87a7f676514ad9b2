#include "wire/event_stream.hpp"

#include <array>

namespace sallyport::wire {
namespace {

constexpr std::array<std::uint32_t, 256> crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value & 1 ? value >> 1 ^ 0xedb88320u : value >> 1;
    table[i] = value;
  }
  return table;
}();

constexpr char text_header = 7;  // the type of a header's value
constexpr std::size_t framing_bytes = 16;

void append_big_endian(std::string& out, std::uint32_t value, int bytes = 4) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift & 0xff));
}

class EventBody final : public http::BodySource {
 public:
  explicit EventBody(std::unique_ptr<EventSource> events) : events_(std::move(events)) {}
  Task<Result<std::string>> next() override {
    const auto event = co_await events_->next();
    co_return event ? encode_event(*event) : std::string();
  }
  void abandon() override { events_->abandon(); }

 private:
  std::unique_ptr<EventSource> events_;
};

}  // namespace

std::uint32_t crc32(std::string_view bytes, std::uint32_t before) {
  auto value = ~before;
  for (const char c : bytes) value = crc_table[(value ^ static_cast<unsigned char>(c)) & 0xff] ^ value >> 8;
  return ~value;
}

std::string encode_message(const std::vector<std::pair<std::string_view, std::string_view>>& headers, std::string_view payload) {
  std::size_t header_bytes = 0;
  for (const auto& [name, value] : headers) header_bytes += 1 + name.size() + 1 + 2 + value.size();
  std::string out;
  out.reserve(framing_bytes + header_bytes + payload.size());
  append_big_endian(out, static_cast<std::uint32_t>(framing_bytes + header_bytes + payload.size()));
  append_big_endian(out, static_cast<std::uint32_t>(header_bytes));
  append_big_endian(out, crc32(out));
  for (const auto& [name, value] : headers) {
    out.push_back(static_cast<char>(name.size()));
    out += name;
    out.push_back(text_header);
    append_big_endian(out, static_cast<std::uint32_t>(value.size()), 2);
    out += value;
  }
  out += payload;
  append_big_endian(out, crc32(out));
  return out;
}

std::string encode_event(const Event& event) {
  return encode_message({{":event-type", event.name}, {":content-type", event.content_type}, {":message-type", "event"}}, event.payload);
}

std::unique_ptr<http::BodySource> encode_events(std::unique_ptr<EventSource> events) {
  return std::make_unique<EventBody>(std::move(events));
}

}  // namespace sallyport::wire
