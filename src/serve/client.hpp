// An outgoing HTTP/1.1 call, for HTTP_PROXY integrations.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"
#include "http/message.hpp"
#include "io/loop.hpp"
#include "io/tls.hpp"

namespace sallyport::serve {

struct OutgoingRequest {
  std::string method;
  std::string host;
  int port = 80;
  std::string target;                 // path and query
  std::vector<http::Header> headers;  // Host, Content-Length and Connection are added
  std::string body;
  bool tls = false;                                     // https: the certificate must be for `host`
  std::shared_ptr<const io::TlsTrust> trust = nullptr;  // whom to believe; the system's authorities when null
  bool public_addresses_only = false;                   // the host must not lead to an address of this machine or its network
};

struct FetchError {
  enum class Kind { unreachable, timed_out, malformed, too_large } kind;  // unreachable also when the TLS handshake failed
  std::string message;
};

/// One call on a connection of its own, HTTP/1.1 in plain text or over TLS: no redirects, no retries. The whole answer within `timeout` and
/// `body_bytes_max`. The response's headers are as received, hop-by-hop ones included.
Task<Result<http::Response, FetchError>> fetch(io::Loop& loop, OutgoingRequest request, std::chrono::milliseconds timeout,
                                               std::size_t body_bytes_max);

}  // namespace sallyport::serve
