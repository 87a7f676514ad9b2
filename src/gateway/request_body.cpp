#include "gateway/request_body.hpp"

#include "gateway/gateway.hpp"

namespace sallyport::gateway {

Task<Result<void, Refusal>> read_body(Exchange& exchange, serve::BodyReader& body) {
  if (exchange.body) co_return Result<void, Refusal>();
  auto bytes = co_await attempt(body.read_all(limits::request_body_bytes_max));
  if (!bytes) {
    if (bytes.error().kind == serve::BodyError::Kind::too_large) co_return fail(Refusal{ResponseType::body_too_large});
    co_return fail(Refusal{ResponseType::broken_request, std::nullopt, 0, "the request's body is malformed or was cut off"});
  }
  exchange.body = std::move(*bytes);
  co_return Result<void, Refusal>();
}

Task<Result<std::string, Refusal>> take_body(Exchange& exchange, serve::BodyReader& body) {
  co_await read_body(exchange, body);
  auto bytes = std::move(*exchange.body);
  exchange.body.reset();
  co_return bytes;
}

}  // namespace sallyport::gateway
