#include "app/access_log.hpp"

#include "base/text.hpp"

namespace sallyport::app {

void AccessLog::answered(const gateway::Exchange& exchange) {
  if (!wanted_) return;
  tell(exchange, exchange.id.text(), exchange.route(),
       exchange.response_type ? gateway::row_of(*exchange.response_type).name : std::string_view());
}

void AccessLog::answered(const http_api::HttpExchange& exchange) {
  if (!wanted_) return;
  tell(exchange, exchange.id, exchange.route_key(), exchange.refused ? http_api::name_of(*exchange.refused) : std::string_view());
}

template <class Exchange>
void AccessLog::tell(const Exchange& exchange, std::string_view request_id, std::string_view route, std::string_view response_type) {
  AccessLine line;
  line.request_id = request_id;
  line.method = exchange.request.method;
  line.path = exchange.request.path;
  line.api_id = exchange.address.api_id;
  line.stage = exchange.address.stage;
  line.route = route;
  line.response_type = response_type;
  line.peer = exchange.peer_address;
  line.status = exchange.status;
  line.latency_us = exchange.latency.count();
  console_.access(line);
}

void AccessLog::answered(const lambda::UrlExchange& exchange) {
  if (!wanted_) return;
  AccessLine line;
  line.request_id = exchange.id;
  line.method = exchange.request.method;
  line.path = exchange.path;
  line.api_id = exchange.url_id;
  line.route = exchange.function_arn;
  line.peer = exchange.peer_address;
  line.status = exchange.status;
  line.latency_us = exchange.latency.count();
  console_.access(line);
}

void AccessLog::answered(const control::CallTrace& trace) {
  if (trace.error_code == "InternalFailure") console_.warning(cat("call ", trace.id, " met an internal fault: ", trace.error_message));
  if (!wanted_) return;
  const auto route = cat(trace.service, " ", trace.operation);
  AccessLine line;
  line.request_id = trace.id;
  line.method = trace.method;
  line.path = trace.path;
  line.route = route;
  line.response_type = trace.error_code;
  line.peer = trace.peer_address;
  line.status = trace.status;
  line.latency_us = trace.latency.count();
  console_.access(line);
}

// Without the query: codes and states stand there.
void AccessLog::answered(const http::Request& request, const serve::Peer& peer, const http::Response& response,
                         std::chrono::microseconds latency) {
  if (!wanted_) return;
  AccessLine line;
  if (const auto* id = response.find("x-amz-cognito-request-id")) line.request_id = *id;
  line.method = request.method;
  line.path = request.path;
  line.route = "user pool";
  line.peer = peer.address;
  line.status = response.status;
  line.latency_us = latency.count();
  console_.access(line);
}

void AccessLog::refused(const serve::Peer& peer, int status, std::string_view reason) {
  if (!wanted_) return;
  AccessLine line;
  line.method = line.path = "-";
  line.response_type = reason;
  line.peer = peer.address;
  line.status = status;
  console_.access(line);
}

}  // namespace sallyport::app
