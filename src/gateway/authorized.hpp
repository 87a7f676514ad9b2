// Authorized: the proof that one request passed its method's authorization. Only `authorize` makes one, for open methods too, and no
// integration can be called without it.
#pragma once

#include "base/result.hpp"
#include "base/task.hpp"
#include "gateway/exchange.hpp"
#include "gateway/services.hpp"
#include "serve/server.hpp"

namespace sallyport::gateway {

/// Bound to its exchange: it carries the request it was made for, so it cannot vouch for another. The exchange must outlive it.
class Authorized {
 public:
  Authorized(Authorized&&) = default;
  Authorized& operator=(Authorized&&) = delete;
  const RequestId& request_id() const { return exchange_->id; }
  Exchange& exchange() const { return *exchange_; }

 private:
  friend Task<Result<Authorized, Refusal>> authorize(const Services& services, io::Loop& loop, Exchange& exchange, serve::BodyReader& body);
  explicit Authorized(Exchange& exchange) : exchange_(&exchange) {}
  Exchange* exchange_;
};

/// For a method with AWS_IAM the signature and the caller's policies (`authorize_with_iam`); for one that is asked by a user pool or
/// another issuer the token (`authorize_with_token`), then the API's resource policy by itself; else identity sources, the API's resource
/// policy, the Lambda authorizer (cached, shared with equal calls under way, or called), and the decision over both policies. REQUIRES: the
/// exchange has its stage and method. Everything passed must outlive the task.
Task<Result<Authorized, Refusal>> authorize(const Services& services, io::Loop& loop, Exchange& exchange, serve::BodyReader& body);

/// arn:aws:execute-api:us-east-1:********9012:…: AWS shows strangers the account's last four digits.
std::string mask_account(std::string_view arn);

}  // namespace sallyport::gateway
