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
#include "io/completion.hpp"

namespace sallyport::control {
struct Call;
}
namespace sallyport::runtime {
class ResponseStream;
}

namespace sallyport::lambda {

/// A service that calls on behalf of a resource, e.g. API Gateway for one method. The function's resource policy must allow it
/// (`lambda:InvokeFunction`, Principal Service, conditions on aws:SourceArn and aws:SourceAccount).
struct ServiceCaller {
  std::string service;         // apigateway.amazonaws.com
  std::string source_arn;      // arn:aws:execute-api:…
  std::string source_account;  // twelve digits
};

struct AcceptedEvent;
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
  /// When the event was accepted, which only happens to what was authorized.
  static AuthorizedCall by_event(const AcceptedEvent&) { return {}; }

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
  std::string error_type = {};                // of one that failed: Runtime.ExitError, Sandbox.Timedout, or what it reported
};

/// What an ARN leads to, as permissions are asked about it: whatever the ARN's spelling, one function has one answer.
struct InvokeTarget {
  std::string arn;           // qualified; `$LATEST` is the function itself
  std::string function_arn;  // unqualified: lambda:FunctionArn
  std::string account_id;
  std::map<std::string, std::string, std::less<>> tags;  // aws:ResourceTag/…
};

/// A function's answer while it is made. `response.payload` is empty when there is a `stream`.
struct StreamedResponse {
  InvokeResponse response;  // of a function that answered in one piece, as `invoke` gives it
  std::string content_type;
  std::shared_ptr<runtime::ResponseStream> stream = nullptr;  // null: it answered in one piece
  /// With a stream: what `invoke` would have said, once the event has ended, which may be later than its stream. Nobody has to wait for it.
  std::optional<io::Completion<Result<InvokeResponse, aws::ApiError>>> ended = std::nullopt;
};

/// How far the environments kept ready for one version have come.
struct Readiness {
  int ready = 0;
  std::string failure;  // why none comes up; empty: nothing failed
};

class Invoker {
 public:
  virtual ~Invoker() = default;
  virtual Readiness readiness(std::string_view /*function_arn*/, std::string_view /*version*/) const { return {}; }
  /// Nothing where no function of that ARN serves now.
  virtual std::optional<InvokeTarget> target_of(std::string_view) const { return std::nullopt; }
  /// Runs the function to its end or its timeout. The error is Lambda refusing the call: ResourceNotFoundException 404,
  /// AccessDeniedException 403, TooManyRequestsException 429, RequestEntityTooLargeException 413, InvalidRequestContentException 400.
  /// The task resumes on `loop`, which must be the loop it is awaited on.
  virtual Task<Result<InvokeResponse, aws::ApiError>> invoke(io::Loop& loop, InvokeRequest request) = 0;
  /// The same for callers that take an answer piece by piece: is back when the first byte is there or the function has ended. The caller
  /// reads the stream to its end or abandons it; the function goes on in either case. An invoker that knows no streams answers in one
  /// piece.
  virtual Task<Result<StreamedResponse, aws::ApiError>> invoke_streaming(io::Loop& loop, InvokeRequest request);
};

}  // namespace sallyport::lambda
