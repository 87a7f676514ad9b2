#include <cstring>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "runtime/channel.hpp"
#include "runtime/streamed_answer.hpp"

namespace sallyport::runtime {
namespace {

// A frame: kind, three zero bytes, header length, body length (32 bits, little-endian), header, body. Header fields are joined by NUL; what
// comes from the process has two, the id of the event it belongs to (empty before the first) and an error type.
constexpr std::size_t prefix_bytes = 12;
constexpr std::size_t header_bytes_max = 64 * 1024;
// The bootstraps cut an answer off one byte beyond the limit; what sends more is no bootstrap, and would have the server hold it.
constexpr std::size_t body_bytes_max = limits::response_bytes_max + 64 * 1024;
constexpr std::size_t kept_frame_bytes_max = 64 * 1024;   // one large event must not pin its memory for the life of the process
constexpr std::size_t stream_chunk_bytes_max = 1u << 20;  // the bootstrap sends 64 KiB at most

// A streamed answer begins (the second field is its content type), goes on for any number of chunks, and ends (the second field is an error
// type, the body the error object; empty when it is complete). With `stream_done` the process is ready for another event, which may be
// later: the handler may go on when its answer is complete. An error before the first chunk is an ordinary one.
enum Kind : unsigned char {
  invoke = 1,
  assign = 2,
  booted = 16,
  ready = 17,
  result = 18,
  error = 19,
  fatal_error = 20,
  stream_begin = 21,
  stream_chunk = 22,
  stream_end = 23,
  stream_done = 24
};

bool is_answer(unsigned char kind) { return kind == Kind::result || kind == Kind::error || kind == Kind::stream_end; }
bool is_stream_part(unsigned char kind) { return kind == Kind::stream_begin || kind == Kind::stream_chunk; }

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
  FrameChannel(io::Loop& loop, io::Stream& frames, io::Stream& events) : loop_(loop), frames_(frames), events_(events) {}

  Task<RuntimeMessage> next() override {
    for (;;) {
      const auto incoming = frames_.incoming();
      if (incoming.size() >= prefix_bytes) {
        const std::size_t header_size = little_endian(incoming.data() + 4), body_size = little_endian(incoming.data() + 8);
        if (header_size > header_bytes_max || body_size > body_bytes_max) co_return Gone{};
        const auto whole = prefix_bytes + header_size + body_size;
        if (incoming.size() >= whole) {
          const auto kind = static_cast<unsigned char>(incoming[0]);
          if (kind == Kind::stream_chunk && body_size > stream_chunk_bytes_max) co_return Gone{};
          const auto header = incoming.substr(prefix_bytes, header_size);
          const auto end_of_id = header.find('\0');
          if (end_of_id == std::string_view::npos) co_return Gone{};
          const bool is_current = header.substr(0, end_of_id) == request_id_;
          std::string error_type(header.substr(end_of_id + 1));
          std::string body(incoming.substr(prefix_bytes + header_size, body_size));
          frames_.consume(whole);
          // An answer to an event that has its answer already (a process the handler left behind may send one) is nobody's answer.
          if (is_answer(kind) && (!is_current || std::exchange(answered_, true))) continue;
          if (is_stream_part(kind) && (!is_current || answered_)) continue;
          if (kind == Kind::stream_done && (!is_current || !ended_)) continue;
          switch (kind) {
            case Kind::ready: co_return Ready{error_type == "sdk"};
            case Kind::result: co_return Answered{std::move(body)};
            case Kind::error: co_return Failed{std::move(error_type), std::move(body)};
            case Kind::stream_begin:
              if (!answer_.begin(std::move(error_type))) co_return Gone{};
              continue;
            case Kind::stream_chunk:
              if (!answer_.begun()) co_return Gone{};
              co_await answer_.add(loop_, std::move(body));
              if (answer_.was_cut()) co_return Gone{};
              continue;
            case Kind::stream_end:
              if (!answer_.begun()) co_return Gone{};
              ended_ = answer_.finish({std::move(error_type), std::move(body)});
              continue;
            case Kind::stream_done: co_return std::move(*std::exchange(ended_, std::nullopt));
            case Kind::fatal_error:
              if (is_current) co_return FailedForGood{std::move(error_type), std::move(body)};
              co_return Gone{};
            default: co_return Gone{};
          }
        }
      }
      if (!co_await frames_.read_more()) co_return Gone{};
    }
  }

  Task<bool> send(const Invocation& invocation, WallTime deadline) override {
    request_id_ = invocation.request_id.text();
    answered_ = false;
    answer_ = StreamedAnswer(invocation.stream);
    ended_.reset();
    make_frame(invocation, deadline);
    const bool sent = co_await events_.write(frame_);
    if (frame_.capacity() > kept_frame_bytes_max) std::string().swap(frame_);
    co_return sent;
  }

  void process_ended() override {
    answer_.break_off();
    // Whoever else holds the other ends has nothing to say.
    frames_.close();
    events_.close();
  }

 private:
  void make_frame(const Invocation& invocation, WallTime deadline) {
    const auto deadline_text = cat(to_epoch_ms(deadline));
    const std::string_view fields[] = {invocation.request_id.text(), deadline_text, invocation.invoked_function_arn, invocation.trace_id,
                                       invocation.client_context};
    std::size_t header_size = 0;
    for (const auto field : fields) header_size += field.size() + 1;
    frame_.clear();
    frame_.reserve(prefix_bytes + header_size + invocation.payload.size());
    frame_.push_back(static_cast<char>(Kind::invoke));
    frame_.append(3, '\0');
    append_little_endian(frame_, header_size);
    append_little_endian(frame_, invocation.payload.size());
    for (const auto field : fields) frame_.append(field).push_back('\0');
    frame_ += invocation.payload;
  }

  io::Loop& loop_;
  io::Stream &frames_, &events_;
  std::string frame_;       // of the event sent last: the next one finds its room
  std::string request_id_;  // of the event sent last; empty before the first
  bool answered_ = true;
  StreamedAnswer answer_;
  std::optional<RuntimeMessage> ended_;  // how a stream ended whose handler is not done
};

}  // namespace

std::unique_ptr<Channel> make_frame_channel(io::Loop& loop, io::Stream& frames, io::Stream& events) {
  return std::make_unique<FrameChannel>(loop, frames, events);
}

std::string assign_frame(std::string_view task_root, std::string_view layers_root, const std::vector<std::string>& environment) {
  const auto header = cat(task_root, '\0', layers_root);
  std::string body;
  for (const auto& variable : environment) body += cat(variable, '\0');
  std::string frame(1, static_cast<char>(Kind::assign));
  frame.append(3, '\0');
  append_little_endian(frame, header.size());
  append_little_endian(frame, body.size());
  return frame + header + body;
}

std::optional<bool> read_booted_frame(std::string_view frame) {
  // Its header is an empty event id and one character.
  if (frame.size() != booted_frame_bytes || frame[0] != static_cast<char>(Kind::booted)) return std::nullopt;
  if (little_endian(frame.data() + 4) != 2 || little_endian(frame.data() + 8) != 0) return std::nullopt;
  return frame.back() == 's';
}

}  // namespace sallyport::runtime
