// UrlEndpoints: the second door. One request to a function URL in, one response out; the function runs only when the URL's authorization
// let the request in. Source: Lambda developer guide, "Control access to Lambda function URLs".
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "aws/caller.hpp"
#include "base/clock.hpp"
#include "base/recent.hpp"
#include "base/task.hpp"
#include "control/guard.hpp"
#include "http/message.hpp"
#include "identity/refusal.hpp"
#include "identity/sigv4.hpp"
#include "io/loop.hpp"
#include "json/value.hpp"
#include "lambda/invoker.hpp"
#include "lambda/url_index.hpp"
#include "serve/server.hpp"

namespace sallyport::lambda {

/// Which permissions a URL needs. AWS asks for both since November 2026; accounts with older URLs were exempted until then.
enum class UrlPermissions : std::uint8_t { both, invoke_function_url_only };

/// Everything that became known about one request to a URL. Changed by the request's own coroutine alone, and by nobody once answered.
struct UrlExchange {
  std::string id;
  WallTime at;
  MonotonicTime began;
  http::Request request;
  std::string peer_address;
  std::string_view scheme = "http";
  std::string url_id;
  std::string path;
  std::optional<UrlTarget> target;  // none: no such URL; let go when the answer is made
  std::string function_arn, auth_type;
  std::shared_ptr<const aws::Caller> caller;        // who signed, once that is verified
  std::optional<identity::SigV4Detail> signature;   // of one that was refused
  std::string reasons;                              // every statement of a denial, as JSON text
  std::string verdict = "no decision was reached";  // in words
  std::string detail;                               // why, for the log and `explain`
  std::string function_error;
  bool function_ran = false;
  bool streamed = false;  // the answer was on its way when this was written down: `latency` is to its first byte
  int status = 0;
  std::chrono::microseconds latency{0};

  /// What it takes in memory, about.
  std::size_t byte_count() const;
};

/// The last requests, for `explain`.
using UrlTraces = Recent<UrlExchange>;

/// For `explain`: holds no secrets beyond what the client itself sent in path and query.
json::Value describe(const UrlExchange& exchange);

/// Is told of every answered request. May be called on every loop.
class UrlObserver {
 public:
  virtual ~UrlObserver() = default;
  virtual void answered(const UrlExchange& exchange) = 0;
};

/// May be called on every loop. Everything it is given must outlive it.
class UrlEndpoints {
 public:
  struct Services {
    Invoker& invoker;
    const Clock& clock;
    Random& random;
    const UrlIndex& urls;
    const identity::CredentialSource& credentials;
    const control::Guard& guard;
    UrlTraces& traces;
    UrlObserver& observer;
    UrlPermissions permissions = UrlPermissions::both;
  };
  explicit UrlEndpoints(const Services& services) : services_(services) {}

  /// `path` is the part of the request's path below the URL, with its slash. Never throws for anything a client can send.
  Task<http::Response> serve(io::Loop& loop, std::string_view url_id, std::string_view path, const http::Request& request,
                             serve::BodyReader& body, const serve::Peer& peer);

 private:
  const Services services_;
};

}  // namespace sallyport::lambda
