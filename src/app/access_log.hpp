// AccessLog: one line for each request, at whichever door it came.
#pragma once

#include "app/console.hpp"
#include "app/front_door.hpp"
#include "control/control_plane.hpp"
#include "gateway/gateway.hpp"
#include "http_api/http_apis.hpp"
#include "lambda/url_endpoints.hpp"

namespace sallyport::app {

/// May be used on every loop. Without `wanted` it tells of internal faults alone. The console must outlive it.
class AccessLog final : public gateway::Observer,
                        public http_api::Observer,
                        public lambda::UrlObserver,
                        public control::CallObserver,
                        public RefusalLog,
                        public PageLog {
 public:
  AccessLog(Console& console, bool wanted) : console_(console), wanted_(wanted) {}
  void answered(const gateway::Exchange& exchange) override;
  void answered(const http_api::HttpExchange& exchange) override;
  void answered(const lambda::UrlExchange& exchange) override;
  void answered(const control::CallTrace& trace) override;
  void answered(const http::Request& request, const serve::Peer& peer, const http::Response& response,
                std::chrono::microseconds latency) override;
  void refused(const serve::Peer& peer, int status, std::string_view reason) override;

 private:
  /// Of a request to an API of either kind.
  template <class Exchange>
  void tell(const Exchange& exchange, std::string_view request_id, std::string_view route, std::string_view response_type);

  Console& console_;
  const bool wanted_;
};

}  // namespace sallyport::app
