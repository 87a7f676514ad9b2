// Invoker: how the rest of the house calls a function. Authorization of the call happens inside: a caller cannot forget it.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "aws/arn.hpp"
#include "aws/caller.hpp"
#include "base/name.hpp"
#include "base/result.hpp"
#include "base/task.hpp"

namespace sallyport::io {
class Loop;
}
namespace sallyport::control {
struct Call;
}

namespace sallyport::lambda {

/// A service that calls on behalf of a resource, e.g. API Gateway for one method. The function's resource policy must allow it
/// (`lambda:InvokeFunction`, Principal Service, conditions on aws:SourceArn and aws:SourceAccount).
struct ServiceCaller {
  std::string service;         // apigateway.amazonaws.com
  std::string source_arn;      // arn:aws:execute-api:…
  std::string source_account;  // twelve digits
};

struct State;
struct UrlTarget;

/// Proof that whoever calls was authorized for exactly this function and qualifier. Made by the doors that decide that, after they did.
class AuthorizedCall {
 public:
  /// By a function URL's own two permissions.
  static AuthorizedCall by_url(const UrlTarget&) { return {}; }
  /// By the control plane: every `Access` of this call was allowed.
  static AuthorizedCall by_control(const control::Call&) { return {}; }
  /// By the policies of a role that API Gateway acts as, or of its caller.
  static AuthorizedCall by_role(const aws::Caller&) { return {}; }

 private:
  AuthorizedCall() = default;
};

struct InvokeRequest {
  /// The functions as they were when the caller's own work began, so that it ends as it began; null: those that serve now.
  std::shared_ptr<const State> functions = nullptr;
  /// Unqualified or qualified function ARN (version number, alias or $LATEST).
  std::string function_arn;
  /// Asked about in the function's policy, unless the call was `authorized` elsewhere: nobody may who is neither.
  ServiceCaller caller;
  std::optional<AuthorizedCall> authorized = std::nullopt;
  /// JSON text of the event, at most 6 MiB.
  std::string payload;
  /// X-Ray header handed to the function (`Root=…;Parent=…;Sampled=…`).
  std::string trace_id;
  /// A UUID; empty: one is made.
  std::string request_id = {};
  /// JSON text on one line, or empty.
  std::string client_context = {};
  /// Keep the end of what the function logs for the answer?
  bool with_log = false;
};

/// The function ran. Whether it failed is in `function_error`, as on AWS (HTTP 200 with X-Amz-Function-Error).
struct InvokeResponse {
  RequestId request_id;
  std::string executed_version;
  std::optional<std::string> function_error;  // "Unhandled"
  std::string payload;                        // result or error object, as JSON text
  std::string log_tail = {};                  // the last 4 KB of the log, if asked for
};

/// What an ARN leads to, as permissions are asked about it: whatever the ARN's spelling, one function has one answer.
struct InvokeTarget {
  std::string arn;           // qualified; `$LATEST` is the function itself
  std::string function_arn;  // unqualified: lambda:FunctionArn
  std::string account_id;
  std::map<std::string, std::string, std::less<>> tags;  // aws:ResourceTag/…
};

class Invoker {
 public:
  virtual ~Invoker() = default;
  /// Nothing where no function of that ARN serves now.
  virtual std::optional<InvokeTarget> target_of(std::string_view) const { return std::nullopt; }
  /// Runs the function to its end or its timeout. The error is Lambda refusing the call: ResourceNotFoundException 404,
  /// AccessDeniedException 403, TooManyRequestsException 429, RequestEntityTooLargeException 413, InvalidRequestContentException 400.
  /// The task resumes on `loop`, which must be the loop it is awaited on.
  virtual Task<Result<InvokeResponse, aws::ApiError>> invoke(io::Loop& loop, InvokeRequest request) = 0;
};

}  // namespace sallyport::lambda
