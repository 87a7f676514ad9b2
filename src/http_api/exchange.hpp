// HttpExchange: everything that becomes known about one request to an HTTP API on its way. The pipeline fills it, logs and `explain` read
// it.
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
#include "gateway/exchange.hpp"
#include "http/message.hpp"
#include "http_api/authorizer_call.hpp"
#include "http_api/refusal.hpp"
#include "identity/jwt.hpp"
#include "identity/refusal.hpp"
#include "io/tls.hpp"

namespace sallyport::http_api {

struct ServedRoute;
struct ServedStage;

/// What the authorization stage came to.
enum class Verdict : std::uint8_t {
  none,
  preflight,
  open,
  allowed_by_token,
  allowed_by_authorizer,
  allowed_by_iam,
  denied_by_token,
  denied_by_authorizer,  // a simple response of false
  denied_explicitly,
  denied_implicitly,
};

/// What a step has not learned yet keeps its default. Views point into the storage of `request`. Changed by the request's own coroutine
/// only, and by nobody once it is answered.
struct HttpExchange {
  std::string id;  // apigw-requestid
  WallTime at;
  MonotonicTime began;
  http::Request request;
  std::string peer_address;
  gateway::Address address;
  std::shared_ptr<const io::TlsFacts> tls = nullptr;  // null: it came in plain text

  std::shared_ptr<const ServedStage> stage = nullptr;        // none: no such API or stage
  std::shared_ptr<const lambda::State> functions = nullptr;  // of the same snapshot; let go when the answer is made
  std::string_view path = "/";                               // within the stage
  std::string_view raw_path = "/";                           // as events have it: with the name of a stage that stands in it
  const ServedRoute* route = nullptr;                        // none: no route fits
  std::vector<std::string_view> path_values = {};            // of the route's path variables, in order
  std::string route_arn = {};                                // on routes that are authorized
  std::optional<std::string> body = std::nullopt;            // once it was read; let go when the answer is made
  std::string trace_id = {};                                 // once a function or backend was called

  gateway::CacheUse cache_use = gateway::CacheUse::not_asked;
  std::shared_ptr<const AuthorizerCall> authorizer_call = nullptr;
  identity::TokenPtr token = nullptr;                                // that was verified
  std::shared_ptr<const aws::Caller> caller = nullptr;               // who signed the request, once that is verified
  std::shared_ptr<const identity::SigV4Detail> signature = nullptr;  // of a signature that was refused
  std::shared_ptr<const std::string> iam_reasons = nullptr;          // why IAM denied, every statement, as JSON text
  Verdict verdict = Verdict::none;

  bool integration_called = false;
  int integration_status = 0;               // what it answered, before mappings
  RequestId function_request_id = {};       // of the integration's function: the id in its log lines
  std::string function_error = {};          // `errorType` of a function that failed, or Lambda's error code
  std::optional<RefusalKind> refused = {};  // why the gateway answered by itself
  std::string detail = {};                  // why, for logs and `explain`
  int status = 0;
  std::chrono::microseconds latency{0};

  /// `GET /pets/{id}`; empty without a route.
  std::string_view route_key() const;
  /// That was verified; null without one.
  const io::PeerCertificate* client_certificate() const { return tls ? tls->client_certificate.get() : nullptr; }
  std::string_view scheme() const { return tls ? "https" : "http"; }
  const std::string_view* path_value(std::string_view name) const;
  /// The grant this request was let in with, when an authorizer ran and answered.
  const Grant* grant() const;
  /// What it takes in memory, about.
  std::size_t byte_count() const;
};

}  // namespace sallyport::http_api
