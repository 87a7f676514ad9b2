// Admin: the local paths below /_sallyport/ that tell about the running server. They read, but for the rotation of a pool's
// keys and for debugging.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/debug_sessions.hpp"
#include "app/log_ring.hpp"
#include "base/published.hpp"
#include "base/result.hpp"
#include "control/control_plane.hpp"
#include "gateway/trace.hpp"
#include "http/message.hpp"
#include "http_api/http_apis.hpp"
#include "json/value.hpp"
#include "lambda/url_endpoints.hpp"
#include "serve/server.hpp"

namespace sallyport::app {

inline constexpr std::string_view admin_prefix = "/_sallyport/";

/// Is this textual address one of this machine's own, which no other machine can reach?
bool is_loopback(std::string_view address);

/// May be called on every loop. `health` is for everyone. All else is answered only to peers on this machine that name it as their host and
/// come from no other web page: neither the network nor a page in the developer's browser may read traces.
class Admin {
 public:
  /// What `can` is asked: condition keys beside who, what and on what.
  struct Question {
    std::string principal, action, resource;
    std::vector<std::pair<std::string, std::string>> context;
  };
  /// Everything must outlive this object.
  struct Sources {
    const gateway::TraceBuffer& requests;
    const http_api::HttpTraces& http_requests;
    const lambda::UrlTraces& url_requests;
    const control::CallTraces& calls;
    std::function<Result<json::Value>(const Question&)> can;
    /// The confirmation codes of a user of a pool; nothing when there is no such user.
    std::function<std::optional<json::Value>(std::string_view pool_id, std::string_view username)> codes;
    /// Gives a user pool new signing keys. Blocks.
    std::function<Result<>(std::string_view pool_id)> rotate_keys;
    /// Name, ARN and runtime of every function.
    std::function<std::vector<DebugSessions::Function>()> functions;
    LogRing& lines;
    DebugSessions* debugging;  // null: nothing can be debugged
  };
  /// `host` is the address listened on, `allowed_hosts` are further names of this server.
  Admin(Sources sources, std::string host, std::vector<std::string> allowed_hosts)
      : sources_(std::move(sources)), host_(std::move(host)), allowed_hosts_(std::move(allowed_hosts)) {}

  /// Any request below the prefix.
  Task<http::Response> serve(io::Loop& loop, const http::Request& request, const serve::Peer& peer) const;
  /// Those that only read.
  http::Response answer(const http::Request& request, const serve::Peer& peer) const;
  /// Is a Host header one of this server's names? A page of another origin can only name its own (DNS rebinding), so that AWS API calls
  /// are answered for ours alone.
  bool is_ours(std::string_view host) const;
  /// The answer for other hosts.
  http::Response misdirected() const;
  /// What `/_sallyport/routes` shows from now on.
  void publish_routes(std::shared_ptr<const json::Value> routes) { routes_.publish(std::move(routes)); }

 private:
  bool is_local(std::string_view host) const;
  http::Response explain(std::string_view request_id) const;
  http::Response can(std::string_view query) const;
  http::Response codes(std::string_view query) const;
  http::Response functions() const;
  Task<http::Response> rotate_keys(io::Loop& loop, std::string pool_id) const;
  Task<http::Response> logs(io::Loop& loop, std::string_view query) const;
  Task<http::Response> debug(io::Loop& loop, const http::Request& request, std::string_view session) const;
  /// Why this request is not answered at all, if it is not.
  std::optional<http::Response> turn_away(const http::Request& request, const serve::Peer& peer) const;
  const Sources sources_;
  const std::string host_;
  const std::vector<std::string> allowed_hosts_;
  Published<json::Value> routes_;
};

}  // namespace sallyport::app
