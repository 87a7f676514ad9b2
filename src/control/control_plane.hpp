// ControlPlane: one AWS API call from its bytes to its answer: which operation, who calls, what it says, may it, do it, answer.
// Source of the order: docs/semantics.md, "A call of the AWS APIs".
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/recent.hpp"
#include "base/task.hpp"
#include "control/guard.hpp"
#include "control/service.hpp"
#include "http/message.hpp"
#include "identity/credential.hpp"
#include "identity/refusal.hpp"
#include "io/loop.hpp"
#include "serve/server.hpp"
#include "wire/router.hpp"
#include "wire/validator.hpp"

namespace sallyport::control {

namespace limits {
inline constexpr std::size_t body_bytes_max = 72u << 20;           // a package of 50 MiB in base64, and what stands around it
inline constexpr std::size_t unsigned_body_bytes_max = 64 * 1024;  // from callers nobody knows
}  // namespace limits

/// Everything that became known about one call. Nobody changes it once it is answered.
struct CallTrace {
  std::string id;
  WallTime at;
  MonotonicTime began;
  std::string method, path, peer_address;
  std::string service, operation;                  // empty: not found out
  std::shared_ptr<const aws::Caller> caller;       // who signed, once that is verified
  std::optional<identity::SigV4Detail> signature;  // of one that was refused
  std::string reasons;                             // every statement of a denial, as JSON text
  std::string error_code, error_message;           // of a refused call
  int status = 0;
  std::chrono::microseconds latency{0};

  std::size_t byte_count() const;
};
using CallTraces = Recent<CallTrace>;
/// For `explain`.
json::Value describe(const CallTrace& trace);

/// Is told of every answered call. May be called on every loop.
class CallObserver {
 public:
  virtual ~CallObserver() = default;
  virtual void answered(const CallTrace& trace) = 0;
};

/// May be called on every loop once its services have been added.
class ControlPlane {
 public:
  /// Everything given must outlive it.
  struct Parts {
    const Clock& clock;
    Random& random;
    const identity::CredentialSource& credentials;
    const Guard& guard;
    CallTraces& traces;
    CallObserver& observer;
    /// Told of every verified caller (last use of access keys and roles). Empty: nobody is.
    std::function<void(const aws::Caller&, std::string_view service, std::string_view region, WallTime now)> used = {};
  };
  explicit ControlPlane(const Parts& parts) : parts_(parts) {}

  void add(Service service);
  const std::map<std::string, Service, std::less<>>& services() const { return services_; }

  /// Does anything about the head of the request say that it is a call of an AWS API? Which, and whether it is served, is `handle`'s
  /// matter.
  static bool is_call(const http::Request& request);
  /// Is it a call that AWS serves without a signature, and has none? Users of a user pool make them from anywhere, pages in browsers
  /// included: nothing but what the call itself says speaks for them.
  static bool is_public_call(const http::Request& request);
  /// Is it a browser's question whether a page may make such a call? `preflight_answer` is the answer to all of them.
  static bool is_preflight(const http::Request& request);
  static http::Response preflight_answer();

  /// Answers one call. Never throws for anything a client can send; what is no call is answered as API Gateway answers it.
  Task<http::Response> handle(io::Loop& loop, const http::Request& request, serve::BodyReader& body, const serve::Peer& peer);

 private:
  const Parts parts_;
  const wire::Validator validator_;
  std::map<std::string, Service, std::less<>> services_;
};

}  // namespace sallyport::control
