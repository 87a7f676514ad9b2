// InvokeWithResponseStream: the answer as events, while the function makes it.
#include "base/encoding.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"
#include "lambda/function_invoker.hpp"
#include "lambda/handlers.hpp"
#include "runtime/response_stream.hpp"

namespace sallyport::lambda {
namespace {

constexpr std::size_t chunk_bytes_max = 64 * 1024;

/// What InvokeComplete says of an error: its own type where the environment was reset, and as in FunctionError of Invoke what the function
/// said itself. (Inferred.)
std::string error_code_of(std::string_view payload) {
  const auto error = json::parse(payload);
  const auto* type = error ? error->find("errorType") : nullptr;
  return type && type->string() && type->string()->starts_with("Sandbox.") ? *type->string() : std::string("Unhandled");
}

/// PayloadChunk as often as it takes, then InvokeComplete. An answer in one piece goes the same way.
class InvocationEvents final : public wire::EventSource {
 public:
  InvocationEvents(io::Loop& loop, StreamedResponse streamed, bool with_log)
      : loop_(loop), streamed_(std::move(streamed)), with_log_(with_log) {}
  ~InvocationEvents() override { abandon(); }

  void abandon() override {
    abandoned_ = true;
    if (streamed_.stream) streamed_.stream->abandon();
  }

  Task<Result<std::optional<wire::Event>>> next() override {
    if (completed_) co_return std::nullopt;
    if (auto chunk = co_await next_chunk(); !chunk.empty()) co_return wire::Event{"PayloadChunk", std::move(chunk)};
    completed_ = true;
    if (abandoned_) co_return fail("the client is gone");
    co_return co_await complete();
  }

 private:
  Task<std::string> next_chunk() {
    if (left_.empty()) {
      if (streamed_.stream)
        left_ = co_await streamed_.stream->next(loop_);
      else if (!streamed_.response.function_error)
        left_ = std::exchange(streamed_.response.payload, {});
    }
    if (left_.size() <= chunk_bytes_max) co_return std::exchange(left_, {});
    auto chunk = left_.substr(0, chunk_bytes_max);
    left_.erase(0, chunk_bytes_max);
    co_return chunk;
  }

  Task<wire::Event> complete() {
    json::Value out = json::Object{};
    const auto& response = streamed_.response;
    const auto end = streamed_.stream ? streamed_.stream->how_it_ended() : runtime::StreamEnd{response.error_type, response.payload};
    if (streamed_.stream ? !end.error_type.empty() : response.function_error.has_value()) {
      const auto& details = end.error_payload.empty() ? end.error_type : end.error_payload;
      out.set("ErrorCode", error_code_of(details));
      out.set("ErrorDetails", details);
    }
    if (with_log_) {
      // The last lines are those of the end, which may come later than the last byte.
      if (streamed_.ended)
        if (auto response = co_await streamed_.ended->wait_on(loop_)) streamed_.response.log_tail = std::move(response->log_tail);
      out.set("LogResult", to_base64(streamed_.response.log_tail));
    }
    co_return wire::Event{"InvokeComplete", json::to_text(out), "application/json"};
  }

  io::Loop& loop_;
  StreamedResponse streamed_;
  const bool with_log_;
  std::string left_;  // of a piece that is larger than an event
  bool completed_ = false, abandoned_ = false;
};

}  // namespace

Task<Answer<control::Streamed>> Handlers::invoke_with_response_stream(Call& call) {
  const auto type = call.in.text_or("InvocationType", "RequestResponse");
  auto request = co_await read_invocation(call, type);
  if (type == "DryRun") co_return control::Streamed{json::Object{{"StatusCode", 204}}};
  const bool with_log = request.with_log;
  auto streamed = co_await parts_.invoker.invoke_streaming(call.loop, std::move(request));
  control::Streamed out;
  out.output.set("StatusCode", 200);
  out.output.set("ExecutedVersion", streamed.response.executed_version);
  out.output.set("ResponseStreamContentType", std::string(wire::event_stream_type));
  if (http::is_field_value(streamed.content_type)) out.headers.emplace_back("X-Amzn-Remapped-Content-Type", streamed.content_type);
  out.events = std::make_unique<InvocationEvents>(call.loop, std::move(streamed), with_log);
  co_return out;
}

}  // namespace sallyport::lambda
