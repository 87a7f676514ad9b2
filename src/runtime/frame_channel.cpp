#include <cstring>
#include <utility>

#include "base/text.hpp"
#include "runtime/channel.hpp"

namespace sallyport::runtime {
namespace {

// A frame: kind, three zero bytes, header length, body length (32 bits, little-endian), header, body. Header fields are joined by NUL; what
// comes from the process has two, the id of the event it belongs to (empty before the first) and an error type.
constexpr std::size_t prefix_bytes = 12;
constexpr std::size_t header_bytes_max = 64 * 1024;
// What the bootstrap may send: an answer over the limit is cut off by the bootstrap's own check, this bound only guards memory.
constexpr std::size_t body_bytes_max = 64u << 20;

enum Kind : unsigned char { invoke = 1, ready = 17, result = 18, error = 19, fatal_error = 20 };

std::uint32_t little_endian(const char* bytes) {
  std::uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}
void append_little_endian(std::string& out, std::size_t value) {
  for (int i = 0; i < 4; ++i, value >>= 8) out.push_back(static_cast<char>(value & 0xff));
}

class FrameChannel final : public Channel {
 public:
  explicit FrameChannel(io::Stream& stream) : stream_(stream) {}

  Task<RuntimeMessage> next() override {
    for (;;) {
      const auto incoming = stream_.incoming();
      if (incoming.size() >= prefix_bytes) {
        const std::size_t header_size = little_endian(incoming.data() + 4), body_size = little_endian(incoming.data() + 8);
        if (header_size > header_bytes_max || body_size > body_bytes_max) co_return Gone{};
        const auto whole = prefix_bytes + header_size + body_size;
        if (incoming.size() >= whole) {
          const auto kind = static_cast<unsigned char>(incoming[0]);
          const auto header = incoming.substr(prefix_bytes, header_size);
          const auto end_of_id = header.find('\0');
          if (end_of_id == std::string_view::npos) co_return Gone{};
          const bool is_current = header.substr(0, end_of_id) == request_id_;
          std::string error_type(header.substr(end_of_id + 1));
          std::string body(incoming.substr(prefix_bytes + header_size, body_size));
          stream_.consume(whole);
          // An answer to an event that has its answer already (a process the handler left behind may send one) is nobody's answer.
          const bool is_answer = kind == Kind::result || kind == Kind::error;
          if (is_answer && (!is_current || std::exchange(answered_, true))) continue;
          switch (kind) {
            case Kind::ready: co_return Ready{};
            case Kind::result: co_return Answered{std::move(body)};
            case Kind::error: co_return Failed{std::move(error_type), std::move(body)};
            case Kind::fatal_error:
              if (is_current) co_return FailedForGood{std::move(error_type), std::move(body)};
              co_return Gone{};
            default: co_return Gone{};
          }
        }
      }
      if (!co_await stream_.read_more()) co_return Gone{};
    }
  }

  Task<bool> send(const Invocation& invocation, WallTime deadline) override {
    request_id_ = invocation.request_id.text();
    answered_ = false;
    const auto header = cat(invocation.request_id.text(), '\0', to_epoch_ms(deadline), '\0', invocation.invoked_function_arn, '\0',
                            invocation.trace_id, '\0', invocation.client_context, '\0');
    std::string frame;
    frame.reserve(prefix_bytes + header.size() + invocation.payload.size());
    frame.push_back(static_cast<char>(Kind::invoke));
    frame.append(3, '\0');
    append_little_endian(frame, header.size());
    append_little_endian(frame, invocation.payload.size());
    frame += header;
    frame += invocation.payload;
    co_return co_await stream_.write(frame);
  }

  void process_ended() override { stream_.close(); }  // whoever else holds the other end has nothing to say

 private:
  io::Stream& stream_;
  std::string request_id_;  // of the event sent last; empty before the first
  bool answered_ = true;
};

}  // namespace

std::unique_ptr<Channel> make_frame_channel(io::Stream& stream) { return std::make_unique<FrameChannel>(stream); }

}  // namespace sallyport::runtime
