// Admin: the local paths below /_sallyport/ that tell about the running server. Reads only.
#pragma once

#include <memory>
#include <string>

#include "base/published.hpp"
#include "gateway/trace.hpp"
#include "http/message.hpp"
#include "json/value.hpp"
#include "serve/server.hpp"

namespace sallyport::app {

inline constexpr std::string_view admin_prefix = "/_sallyport/";

/// Is this textual address one of this machine's own, which no other machine can reach?
bool is_loopback(std::string_view address);

/// May be called on every loop. `health` is for everyone. All else is answered only to peers on this machine that name it as their host and
/// come from no other web page: neither the network nor a page in the developer's browser may read traces.
class Admin {
 public:
  /// `traces` must outlive this object. `host` is the address listened on.
  Admin(gateway::TraceBuffer& traces, std::string host) : traces_(traces), host_(std::move(host)) {}

  http::Response answer(const http::Request& request, const serve::Peer& peer) const;
  /// What `/_sallyport/routes` shows from now on.
  void publish_routes(std::shared_ptr<const json::Value> routes) { routes_.publish(std::move(routes)); }

 private:
  bool is_local(std::string_view host) const;
  gateway::TraceBuffer& traces_;
  std::string host_;
  Published<json::Value> routes_;
};

}  // namespace sallyport::app
