// Authorized: the proof that one request passed its route's authorization. Only `authorize` makes one, for open routes too, and no
// integration can be called without it.
#pragma once

#include "base/result.hpp"
#include "base/task.hpp"
#include "gateway/circumstances.hpp"
#include "http_api/exchange.hpp"
#include "http_api/services.hpp"
#include "serve/server.hpp"

namespace sallyport::http_api {

/// Bound to its exchange: it carries the request it was made for, so it cannot vouch for another. The exchange must outlive it.
class Authorized {
 public:
  Authorized(Authorized&&) = default;
  Authorized& operator=(Authorized&&) = delete;
  HttpExchange& exchange() const { return *exchange_; }

 private:
  friend Task<Result<Authorized, Refusal>> authorize(const Services& services, io::Loop& loop, HttpExchange& exchange,
                                                     serve::BodyReader& body);
  explicit Authorized(HttpExchange& exchange) : exchange_(&exchange) {}
  HttpExchange* exchange_;
};

/// By the route's authorization: nothing, a token, a function (cached, shared with equal calls under way, or called), or IAM. REQUIRES: the
/// exchange has its stage and route. Everything passed must outlive the task.
Task<Result<Authorized, Refusal>> authorize(const Services& services, io::Loop& loop, HttpExchange& exchange, serve::BodyReader& body);

/// Reads the body into the exchange, once. Refused when it is larger than API Gateway takes, malformed or cut off.
Task<Result<void, Refusal>> read_body(HttpExchange& exchange, serve::BodyReader& body);

/// What is asked of the policy of the request's authorizer. The exchange must outlive it.
gateway::Circumstances circumstances_of(const HttpExchange& exchange);

}  // namespace sallyport::http_api
