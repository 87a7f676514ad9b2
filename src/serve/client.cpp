#include "serve/client.hpp"

#include <optional>

#include "base/text.hpp"
#include "http/parse.hpp"
#include "io/stream.hpp"

namespace sallyport::serve {
namespace {

constexpr std::size_t response_head_bytes_max = 64 * 1024;

auto failed(FetchError::Kind kind, std::string message) { return std::unexpected(FetchError{kind, std::move(message)}); }

/// May a body that ends with the connection have been cut short? TLS says when the peer meant to end.
bool whole(const io::Stream& stream, const OutgoingRequest& request) {
  return !request.tls || static_cast<const io::TlsStream&>(stream).ended_cleanly();
}

Task<Result<http::Response, FetchError>> exchange(io::Stream& stream, const OutgoingRequest& request, std::size_t body_bytes_max) {
  std::string out = cat(request.method, " ", request.target, " HTTP/1.1\r\nHost: ", request.host);
  if (request.port != (request.tls ? 443 : 80)) out += cat(":", request.port);
  out += "\r\n";
  for (const auto& [name, value] : request.headers) out += cat(name, ": ", value, "\r\n");
  if (!request.body.empty() || (request.method != "GET" && request.method != "HEAD" && request.method != "OPTIONS"))
    out += cat("Content-Length: ", request.body.size(), "\r\n");
  out += "Connection: close\r\n\r\n";
  out += request.body;
  if (!co_await stream.write(out)) co_return failed(FetchError::Kind::unreachable, "connection lost while sending");

  std::optional<http::ResponseHead> head;
  for (;;) {
    auto parsed = http::parse_response_head(stream.incoming(), response_head_bytes_max);
    if (!parsed) co_return failed(FetchError::Kind::malformed, parsed.error().reason);
    head = std::move(*parsed);
    if (head) {
      stream.consume(head->size);
      if (head->response.status >= 200) break;  // 1xx answers precede the real one
      head.reset();
      continue;
    }
    if (!co_await stream.read_more()) co_return failed(FetchError::Kind::unreachable, "connection ended before an answer");
  }
  auto response = std::move(head->response);
  if (request.method == "HEAD" || response.status == 204 || response.status == 304) co_return response;
  http::ChunkDecoder decoder;
  for (;;) {
    const auto incoming = stream.incoming();
    if (head->chunked) {
      std::size_t used = 0;
      const auto state = decoder.decode(incoming, response.body, body_bytes_max, used);
      stream.consume(used);
      if (state == http::ChunkDecoder::State::done) co_return response;
      if (state == http::ChunkDecoder::State::malformed) co_return failed(FetchError::Kind::malformed, "bad chunked body");
      if (state == http::ChunkDecoder::State::too_large) co_return failed(FetchError::Kind::too_large, "answer is too large");
    } else {
      const auto take = head->content_length ? std::min(incoming.size(), *head->content_length - response.body.size()) : incoming.size();
      response.body.append(incoming.substr(0, take));
      stream.consume(take);
      if (response.body.size() > body_bytes_max) co_return failed(FetchError::Kind::too_large, "answer is too large");
      if (head->content_length && response.body.size() == *head->content_length) co_return response;
    }
    if (!co_await stream.read_more()) {
      if (!head->chunked && !head->content_length && whole(stream, request)) co_return response;
      co_return failed(FetchError::Kind::malformed, "answer was cut off");
    }
  }
}

}  // namespace

Task<Result<http::Response, FetchError>> fetch(io::Loop& loop, OutgoingRequest request, std::chrono::milliseconds timeout,
                                               std::size_t body_bytes_max) {
  bool late = false;
  io::Stream* open = nullptr;
  // Closing the stream wakes whoever waits on it, so one deadline covers every step; connecting has its own of the same length.
  io::Deadline deadline(loop, timeout, [&late, &open] {
    late = true;
    if (open) open->close();
  });
  auto name = request.host;
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  auto stream = co_await attempt(
      io::connect(loop, name, request.port, timeout, request.public_addresses_only ? io::Addresses::public_only : io::Addresses::any));
  if (late) co_return failed(FetchError::Kind::timed_out, "no connection in time");
  if (!stream) co_return failed(FetchError::Kind::unreachable, stream.error().message);
  open = stream->get();
  if (request.tls) {
    auto secure = io::TlsStream::client(loop, std::move(*stream), request.trust ? request.trust : io::TlsTrust::of_system(), request.host);
    open = secure.get();
    const auto agreed = co_await attempt(secure->handshake());
    *stream = std::move(secure);
    if (late) co_return failed(FetchError::Kind::timed_out, "no TLS handshake in time");
    if (!agreed) co_return failed(FetchError::Kind::unreachable, agreed.error().message);
  }
  auto response = co_await attempt(exchange(**stream, request, body_bytes_max));
  if (late) co_return failed(FetchError::Kind::timed_out, "no complete answer in time");
  co_return response;
}

}  // namespace sallyport::serve
