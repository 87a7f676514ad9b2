// An outgoing HTTP/1.1 call, for HTTP_PROXY integrations.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"
#include "http/message.hpp"
#include "io/loop.hpp"

namespace sallyport::serve {

struct OutgoingRequest {
  std::string method;
  std::string host;
  int port = 80;
  std::string target;                 // path and query
  std::vector<http::Header> headers;  // Host, Content-Length and Connection are added
  std::string body;
};

struct FetchError {
  enum class Kind { unreachable, timed_out, malformed, too_large } kind;
  std::string message;
};

/// One call on a connection of its own: no redirects, no retries. The whole answer within `timeout` and `body_bytes_max`. The response's
/// headers are as received, hop-by-hop ones included.
Task<Result<http::Response, FetchError>> fetch(io::Loop& loop, OutgoingRequest request, std::chrono::milliseconds timeout,
                                               std::size_t body_bytes_max);

}  // namespace sallyport::serve
