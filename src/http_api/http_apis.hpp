// HttpApis: the data plane of HTTP APIs. One request in, one response out: address, CORS, route, authorization, integration, refusals, in
// AWS's order.
#pragma once

#include "base/recent.hpp"
#include "base/task.hpp"
#include "gateway/exchange.hpp"
#include "http/message.hpp"
#include "http_api/exchange.hpp"
#include "http_api/services.hpp"
#include "io/loop.hpp"
#include "json/value.hpp"
#include "serve/server.hpp"

namespace sallyport::http_api {

/// The last requests, for `explain`.
using HttpTraces = Recent<HttpExchange>;

/// Is told of every answered request. May be called on every loop.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void answered(const HttpExchange& exchange) = 0;
};

/// May be called on every loop. Holds no state of its own; everything it is given must outlive it.
class HttpApis {
 public:
  HttpApis(const Services& services, HttpTraces& traces, Observer& observer) : services_(services), traces_(traces), observer_(observer) {}

  /// Is it the id of an HTTP API? Any other is answered as one that does not exist.
  bool has(std::string_view api_id) const;

  /// Answers one request. `address` is what `gateway::locate` makes of it, or a custom domain's mapping: its `path` lies within the stage
  /// it names, `path_with_stage` is the whole path. Never throws for anything a client can send; every answer carries its request id.
  Task<http::Response> serve(io::Loop& loop, gateway::Address address, const http::Request& request, serve::BodyReader& body,
                             const serve::Peer& peer);

 private:
  const Services services_;
  HttpTraces& traces_;
  Observer& observer_;
};

/// The decision as JSON for people and programs: what was asked, the route, what identified the caller (values masked), the use of the
/// cache and which request filled it, what the authorizer answered, each statement matched or not and why, the final answer.
json::Value describe(const HttpExchange& exchange);

}  // namespace sallyport::http_api
