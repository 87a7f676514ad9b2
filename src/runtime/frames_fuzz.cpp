// Whatever a function's process sends in frames: the channel makes messages of it or ends, and never passes on more than a stream may have.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "runtime/channel.hpp"
#include "runtime/response_stream.hpp"

using namespace sallyport;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Nobody reads the stream before its end.
  if (size > runtime::limits::stream_window_bytes) return 0;
  // One loop for all inputs: making one costs more than most channels.
  static auto* const loop = io::Loop::make()->release();
  auto [near, process] = io::make_stream_pair(*loop);
  const auto channel = runtime::make_frame_channel(*loop, *near, *near);
  const auto stream = size % 2 ? runtime::make_response_stream() : nullptr;
  loop->scope().spawn([](runtime::Channel& frames, io::Stream& from, auto answer, std::string bytes) -> Task<void> {
    runtime::Invocation invocation{RequestId("id"), "arn", "", "{}"};
    invocation.stream = answer;
    co_await frames.send(invocation, {});
    // In two pieces, so that frames are cut anywhere.
    co_await from.write(std::string_view(bytes).substr(0, bytes.size() / 2));
    co_await from.write(std::string_view(bytes).substr(bytes.size() / 2));
    from.end_writing();
    for (;;) {
      const auto message = co_await frames.next();
      if (std::holds_alternative<runtime::Gone>(message)) break;
      if (const auto* answered = std::get_if<runtime::Answered>(&message); answered && answered->payload.size() > bytes.size())
        std::abort();
    }
    frames.process_ended();
    if (answer) {
      answer->end({});
      std::size_t read = 0;
      for (;;) {
        const auto piece = co_await answer->next(*loop);
        if (piece.empty()) break;
        read += piece.size();
      }
      if (read > bytes.size()) std::abort();
    }
    from.close();
    loop->post([] { loop->scope().when_empty([] { loop->stop(); }); });
  }(*channel, *process, stream, std::string(reinterpret_cast<const char*>(data), size)));
  loop->run();
  return 0;
}
