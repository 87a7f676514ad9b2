// Gateway: the data plane. One request in, one response out: address, route, authorization, integration, refusals, in AWS's order.
#pragma once

#include "base/clock.hpp"
#include "base/task.hpp"
#include "gateway/exchange.hpp"
#include "gateway/services.hpp"
#include "http/message.hpp"
#include "io/loop.hpp"
#include "serve/server.hpp"

namespace sallyport::gateway {

class TraceBuffer;

namespace limits {
inline constexpr std::size_t request_body_bytes_max = 10'485'760;  // AWS: payload of a REST API
inline constexpr std::size_t method_arn_bytes_max = 1600;          // AWS
}  // namespace limits

/// Is told of every answered request.
class Observer {
 public:
  virtual ~Observer() = default;
  /// May be called on every loop.
  virtual void answered(const Exchange& exchange) = 0;
};

/// May be called on every loop. Holds no state of its own; everything it is given must outlive it.
class Gateway {
 public:
  Gateway(const Services& services, TraceBuffer& traces, Observer& observer) : services_(services), traces_(traces), observer_(observer) {}

  /// Answers one request of the data plane. Never throws for anything a client can send; every answer carries its request id.
  Task<http::Response> serve(io::Loop& loop, Address address, const http::Request& request, serve::BodyReader& body,
                             const serve::Peer& peer);

 private:
  const Services services_;
  TraceBuffer& traces_;
  Observer& observer_;
};

}  // namespace sallyport::gateway
