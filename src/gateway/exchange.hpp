// Exchange: everything that becomes known about one request on its way. The pipeline fills it, templates and `explain` read it.
// Small values and shared pointers only: nothing is rendered before somebody asks.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/caller.hpp"
#include "base/clock.hpp"
#include "base/name.hpp"
#include "gateway/authorizer_call.hpp"
#include "gateway/response_type.hpp"
#include "http/message.hpp"
#include "identity/jwt.hpp"
#include "identity/refusal.hpp"
#include "io/tls.hpp"

namespace sallyport::gateway {

struct Stage;
struct Method;

/// Where a request was sent. The paths are views into the request's storage.
struct Address {
  std::string api_id;
  std::string stage;
  std::string_view path = "/";                           // within the stage, begins with exactly one slash
  std::string_view path_with_stage;                      // $context.path
  std::string domain_name;                               // without port
  std::shared_ptr<const std::string> storage = nullptr;  // of paths that the request does not hold in one piece
  bool by_custom_domain = false;                         // its mapping chose API and stage, the path did not
};
/// Splits `/stage/path`: slashes before the stage do not exist, several between stage and path are one for all but $context.path.
Address locate(std::string_view api_id, std::string_view path, std::string_view domain_name);

/// 15 characters and a `=`, as x-amz-apigw-id and apigw-requestid have them.
std::string make_extended_id(Random& random);

/// How the authorizer's answer was come by.
enum class CacheUse : std::uint8_t { not_asked, off, hit, miss, joined };

/// What the authorization stage came to.
enum class Verdict : std::uint8_t {
  none,
  open,
  allowed_by_resource_policy,
  allowed_by_authorizer,
  allowed_by_iam,
  allowed_by_token,
  denied_explicitly,
  denied_implicitly
};

/// One request from its arrival to its answer: what a step has not learned yet keeps its default. Views point into the storage of
/// `request`. Changed by the request's own coroutine only, and by nobody once it is answered.
struct Exchange {
  RequestId id;
  std::string extended_id;
  WallTime at;
  MonotonicTime began;
  http::Request request;
  std::string peer_address;
  Address address;
  std::shared_ptr<const io::TlsFacts> tls = nullptr;  // null: it came in plain text

  std::shared_ptr<const Stage> stage;                   // none: no such API or stage
  std::shared_ptr<const lambda::State> functions = {};  // of the same snapshot; let go when the answer is made
  const Method* method = nullptr;                       // none: no such route
  std::vector<std::string_view> path_values = {};       // of the method's path variables, in order
  std::string method_arn = {};                          // on methods that are authorized
  std::optional<std::string> body = std::nullopt;       // read before the integration asked for it; let go when the answer is made
  std::string trace_id = {};                            // once a function or backend was called

  CacheUse cache_use = CacheUse::not_asked;
  std::shared_ptr<const AuthorizerCall> authorizer_call = nullptr;
  std::shared_ptr<const aws::Caller> caller = nullptr;               // who signed the request, once that is verified
  std::shared_ptr<const identity::SigV4Detail> signature = nullptr;  // of a signature that was refused
  std::shared_ptr<const std::string> iam_reasons = nullptr;          // why IAM denied, every statement, as JSON text
  identity::TokenPtr token = nullptr;                                // that let the request in, where tokens do
  Verdict verdict = Verdict::none;

  std::string api_key_id = {};                        // of the key that was found, also when it was refused
  std::string usage_plan_id = {};                     // through which the key may call this stage
  std::optional<std::string> api_key = std::nullopt;  // its value, once it may; secret: for the backend and no log
  CacheUse response_cache_use = CacheUse::not_asked;
  bool invalidation_refused = false;  // the client asked for an answer past the cache and may not
  bool integration_called = false;
  RequestId function_request_id = {};  // of the integration's function: the id in its log lines
  std::string function_error = {};     // `errorType` of a function that failed, or Lambda's error code
  std::optional<ResponseType> response_type = std::nullopt;
  std::string detail = {};  // why, for logs and `explain`
  int status = 0;
  std::chrono::microseconds latency{0};

  /// `POST /my-lambda`, with the resource's template; empty without a method.
  std::string route() const;
  const std::string_view* path_value(std::string_view name) const;
  /// The grant this request was let in with, when an authorizer ran and answered.
  const Grant* grant() const;
  /// `$context.authorizer.claims.<name>`; nothing where no token let the request in.
  std::optional<std::string> claim(std::string_view name) const;
  std::string_view scheme() const { return tls ? "https" : "http"; }
  /// Verified, and asked for by a custom domain name with mutual TLS; null otherwise.
  const io::PeerCertificate* client_certificate() const { return tls ? tls->client_certificate.get() : nullptr; }
};

}  // namespace sallyport::gateway
