// Whatever frames come over a connection: it ends or goes on, every handler ends, and no handler gets a request that HTTP/1.1 would not.
#include <cstdint>
#include <cstdlib>

#include "serve/http2.hpp"
#include "serve/server.hpp"

using namespace sallyport;

namespace {

class FuzzClock final : public Clock {
 public:
  WallTime wall_now() const override { return {}; }
  MonotonicTime monotonic_now() const override { return MonotonicTime(std::chrono::seconds(1000)); }
};

class CheckingHandler final : public serve::Handler {
 public:
  Task<http::Response> handle(io::Loop&, const http::Request& request, serve::BodyReader& body, const serve::Peer&) override {
    if (!http::is_token(request.method) || request.path.empty() || request.path.front() != '/' || request.host.empty()) std::abort();
    for (const auto& field : request.headers)
      if (!http::is_token(field.name) || !http::is_field_value(field.value)) std::abort();
    http::Response response;
    if (request.path.size() % 2) {
      auto bytes = co_await attempt(body.read_all(1000));
      if (bytes) response.body = *bytes;
      if (bytes && bytes->size() > 1000) std::abort();
    }
    if (request.path.size() % 4 == 0) {
      std::size_t total = 0;
      for (;;) {
        const auto piece = co_await attempt(body.read_some());
        if (!piece || piece->empty()) break;
        if (piece->size() > serve::limits::piece_bytes_max) std::abort();
        total += piece->size();
      }
      if (body.declared_size() && total > *body.declared_size()) std::abort();
      for (const auto& [name, value] : body.trailers())
        if (!http::is_token(name) || !http::is_field_value(value)) std::abort();
    }
    co_return response;
  }
  void refused(const serve::Peer&, int, std::string_view) override {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // One loop for all inputs: making one costs more than most connections.
  static auto* const loop = io::Loop::make()->release();
  static FuzzClock clock;
  static CheckingHandler handler;
  serve::Server server(*loop, clock, handler, 4);
  auto [mine, theirs] = io::make_stream_pair(*loop);
  server.accept(std::move(theirs));
  loop->scope().spawn([](io::Stream& stream, serve::Server& served, std::string bytes) -> Task<void> {
    co_await stream.write(serve::http2_preface);
    // In two pieces, so that frames are cut anywhere.
    const auto half = bytes.size() / 2;
    co_await stream.write(std::string_view(bytes).substr(0, half));
    co_await stream.write(std::string_view(bytes).substr(half));
    stream.end_writing();
    while (co_await stream.read_more()) stream.consume(stream.incoming().size());
    stream.close();
    served.shut_down(std::chrono::milliseconds(0), [] { loop->stop(); });
  }(*mine, server, std::string(reinterpret_cast<const char*>(data), size)));
  loop->run();
  return 0;
}
