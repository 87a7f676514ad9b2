#include "lambda/url_stream.hpp"

#include "base/text.hpp"
#include "lambda/url_response.hpp"
#include "runtime/response_stream.hpp"

namespace sallyport::lambda {
namespace {

constexpr std::string_view delimiter{"\0\0\0\0\0\0\0\0", 8};

class StreamBody final : public http::BodySource {
 public:
  StreamBody(io::Loop& loop, std::shared_ptr<runtime::ResponseStream> stream) : loop_(loop), stream_(std::move(stream)) {}
  ~StreamBody() override { stream_->abandon(); }

  Task<Result<std::string>> next() override {
    if (!kept_.empty()) co_return std::exchange(kept_, {});
    auto piece = co_await stream_->next(loop_);
    if (!piece.empty()) co_return piece;
    // What was cut must not look whole to a client that still reads.
    if (abandoned_) co_return fail("the client is gone");
    if (const auto end = stream_->how_it_ended(); !end.error_type.empty()) co_return fail(cat("the function failed: ", end.error_type));
    co_return std::string();
  }
  void abandon() override {
    abandoned_ = true;
    stream_->abandon();
  }

  /// The text before the delimiter, which is taken away with it.
  Task<Result<std::string>> prelude() {
    std::string text;
    for (;;) {
      const auto end = text.find(delimiter);
      if (end != std::string::npos && end + delimiter.size() <= limits::prelude_bytes_max) {
        kept_ = text.substr(end + delimiter.size());
        text.resize(end);
        co_return text;
      }
      if (end != std::string::npos || text.size() >= limits::prelude_bytes_max)
        co_return fail(cat("no end of the metadata (8 NUL bytes) in the first ", limits::prelude_bytes_max, " bytes"));
      const auto piece = co_await next();
      if (piece.empty()) co_return fail("the stream ended before the end of the metadata (8 NUL bytes)");
      text += piece;
    }
  }

 private:
  io::Loop& loop_;
  const std::shared_ptr<runtime::ResponseStream> stream_;
  std::string kept_;
  bool abandoned_ = false;
};

}  // namespace

Task<Result<http::Response>> response_of_stream(io::Loop& loop, StreamedResponse streamed) {
  http::Response response;
  if (!streamed.stream) {
    if (streaming_urls_read_whole_answers) co_return response_of_result(streamed.response.payload);
    response.add("Content-Type", streamed.content_type);
    response.body = std::move(streamed.response.payload);
    co_return response;
  }
  auto body = std::make_unique<StreamBody>(loop, std::move(streamed.stream));
  const auto media_type = trim(std::string_view(streamed.content_type).substr(0, streamed.content_type.find(';')));
  if (equals_ignoring_case(media_type, http_integration_type)) {
    const auto prelude = co_await body->prelude();
    response = co_await response_of_prelude(prelude);
  } else {
    response.add("Content-Type", http::is_field_value(streamed.content_type) ? std::string_view(streamed.content_type)
                                                                             : std::string_view("application/octet-stream"));
  }
  response.stream = std::move(body);
  co_return response;
}

}  // namespace sallyport::lambda
