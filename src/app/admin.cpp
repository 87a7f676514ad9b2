#include "app/admin.hpp"

#include "base/text.hpp"
#include "json/write.hpp"

namespace sallyport::app {
namespace {

http::Response json_answer(int status, const json::Value& value) {
  http::Response response;
  response.status = status;
  response.add("Content-Type", "application/json");
  response.body = json::to_text(value);
  return response;
}
http::Response refusal(int status, std::string_view message) {
  return json_answer(status, json::Object{{"message", json::Value(message)}});
}

}  // namespace

// A name that begins like an address (127.evil.example) is none, and may stand for any machine.
bool is_loopback(std::string_view address) {
  if (address == "::1") return true;
  if (address.starts_with("::ffff:")) address.remove_prefix(7);
  return address.starts_with("127.") && address.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool Admin::is_local(std::string_view host) const {
  auto name = host;
  if (name.starts_with('['))
    name = name.substr(1, name.find(']') - 1);
  else
    name = name.substr(0, name.find(':'));
  return equals_ignoring_case(name, "localhost") || is_loopback(name) || name == host_;
}

http::Response Admin::answer(const http::Request& request, const serve::Peer& peer) const {
  if (request.method != "GET" && request.method != "HEAD") return refusal(405, "only GET is answered here");
  const auto what = request.path.substr(admin_prefix.size());
  if (what == "health") return json_answer(200, json::Object{{"status", "ok"}, {"version", SALLYPORT_VERSION}});
  // Whoever calls from the very address listened on is this machine.
  if (!is_loopback(peer.address) && peer.address != host_)
    return refusal(403, "the local paths of this server are answered on this machine only");
  if (!is_local(request.host)) return refusal(421, "the local paths of this server are answered for this machine's names only");
  const auto* site = request.find("Sec-Fetch-Site");
  if (request.find("Origin") || (site && *site != "same-origin" && *site != "none"))
    return refusal(403, "the local paths of this server are not for web pages");
  if (what == "routes") {
    const auto routes = routes_.pin();
    return json_answer(200, json::Object{{"routes", routes ? *routes : json::Value(json::Array{})}});
  }
  if (what.starts_with("explain/")) {
    const auto record = traces_.find(what.substr(8));
    if (!record)
      return refusal(404, cat("no request with the id ", what.substr(8), " is remembered; the last ", gateway::limits::trace_records_max,
                              " are, fewer when they are large"));
    return json_answer(200, gateway::describe(*record));
  }
  return refusal(404, "no such path; there are health, routes and explain/REQUEST-ID");
}

}  // namespace sallyport::app
