#include "app/admin.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "json/write.hpp"

namespace sallyport::app {
namespace {

constexpr std::uint64_t log_wait_seconds_max = 20;

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

std::optional<http::Response> Admin::turn_away(const http::Request& request, const serve::Peer& peer) const {
  // Whoever calls from the very address listened on is this machine.
  if (!is_loopback(peer.address) && peer.address != host_)
    return refusal(403, "the local paths of this server are answered on this machine only");
  if (!is_local(request.host)) return refusal(421, "the local paths of this server are answered for this machine's names only");
  if (request.find("X-Forwarded-For") || request.find("Forwarded"))
    return refusal(403, "the local paths of this server are not answered through a proxy");
  const auto* site = request.find("Sec-Fetch-Site");
  if (request.find("Origin") || (site && *site != "same-origin" && *site != "none"))
    return refusal(403, "the local paths of this server are not for web pages");
  return std::nullopt;
}

http::Response Admin::answer(const http::Request& request, const serve::Peer& peer) const {
  if (request.method != "GET" && request.method != "HEAD") return refusal(405, "only GET is answered here");
  const auto what = request.path.substr(admin_prefix.size());
  if (what == "health") return json_answer(200, json::Object{{"status", "ok"}, {"version", SALLYPORT_VERSION}});
  if (auto refused = turn_away(request, peer)) return std::move(*refused);
  if (what == "routes") {
    const auto routes = routes_.pin();
    return json_answer(200, json::Object{{"routes", routes ? *routes : json::Value(json::Array{})}});
  }
  if (what.starts_with("explain/")) return explain(what.substr(8));
  if (what == "can") return can(request.query);
  if (what == "codes") return codes(request.query);
  if (what == "functions") return functions();
  return refusal(404, "no such path; there are health, routes, functions, logs, can, codes and explain/REQUEST-ID");
}

Task<http::Response> Admin::serve(io::Loop& loop, const http::Request& request, const serve::Peer& peer) const {
  constexpr std::string_view rotate_path = "rotate-keys/", debug_path = "debug";
  const auto what = request.path.substr(admin_prefix.size());
  const bool rotates = what.starts_with(rotate_path), debugs = what == debug_path || what.starts_with("debug/");
  if (!rotates && !debugs && !(what == "logs" && request.method == "GET")) co_return answer(request, peer);
  if (auto refused = turn_away(request, peer)) co_return std::move(*refused);
  if (what == "logs") co_return co_await logs(loop, request.query);
  if (request.method != "POST" && !(debugs && request.method == "DELETE")) co_return refusal(405, "only POST is answered here");
  if (rotates) co_return co_await rotate_keys(loop, std::string(what.substr(rotate_path.size())));
  co_return co_await debug(loop, request, what == debug_path ? std::string_view() : what.substr(debug_path.size() + 1));
}

Task<http::Response> Admin::rotate_keys(io::Loop& loop, std::string pool_id) const {
  Result<> done;
  co_await io::run_blocking(loop, [&] { done = sources_.rotate_keys(pool_id); });
  co_return done ? json_answer(200, json::Object{{"pool_id", pool_id}, {"rotated", true}}) : refusal(404, done.error().message);
}

http::Response Admin::explain(std::string_view encoded_id) const {
  const auto request_id = percent_decode(encoded_id).value_or(std::string(encoded_id));
  if (const auto record = sources_.requests.find(request_id)) return json_answer(200, gateway::describe(*record));
  if (const auto record = sources_.http_requests.find(request_id)) return json_answer(200, http_api::describe(*record));
  if (const auto record = sources_.url_requests.find(request_id)) return json_answer(200, lambda::describe(*record));
  if (const auto record = sources_.calls.find(request_id)) return json_answer(200, control::describe(*record));
  return refusal(404, cat("no request with the id ", request_id, " is remembered; the last ", gateway::limits::trace_records_max,
                          " are, fewer when they are large"));
}

http::Response Admin::can(std::string_view query) const {
  Question question;
  for (auto& [name, value] : http::parse_query(query)) {
    if (name == "principal")
      question.principal = std::move(value);
    else if (name == "action")
      question.action = std::move(value);
    else if (name == "resource")
      question.resource = std::move(value);
    else if (name.starts_with("context."))
      question.context.emplace_back(name.substr(8), std::move(value));
    else
      return refusal(400, cat("unknown parameter ", name));
  }
  auto answer = sources_.can(question);
  return answer ? json_answer(200, *answer) : refusal(400, answer.error().message);
}

http::Response Admin::codes(std::string_view query) const {
  std::string pool, user;
  for (auto& [name, value] : http::parse_query(query)) {
    if (name != "pool" && name != "user") return refusal(400, cat("unknown parameter ", name));
    (name == "pool" ? pool : user) = std::move(value);
  }
  const auto found = sources_.codes(pool, user);
  return found ? json_answer(200, *found) : refusal(404, cat("there is no user ", user, " in a user pool ", pool));
}

http::Response Admin::functions() const {
  json::Array rows;
  for (const auto& function : sources_.functions()) {
    json::Value row = json::Object{{"name", function.name}, {"arn", function.arn}, {"runtime", function.runtime}};
    if (!function.logical_id.empty()) row.set("logical_id", function.logical_id);
    rows.push_back(std::move(row));
  }
  return json_answer(200, json::Object{{"functions", std::move(rows)}});
}

Task<http::Response> Admin::logs(io::Loop& loop, std::string_view query) const {
  std::string function;
  std::uint64_t after = 0;
  int wait = 0, last = 0;
  for (auto& [name, value] : http::parse_query(query)) {
    const auto number = parse_number<std::uint64_t>(value);
    if (name == "function")
      function = std::move(value);
    else if (name == "after" && number)
      after = *number;
    else if (name == "wait" && number && *number <= log_wait_seconds_max)
      wait = static_cast<int>(*number);
    else if (name == "last" && number && *number <= limits::lines_told_max)
      last = static_cast<int>(*number);
    else
      co_return refusal(400, cat("the parameter ", name, " is unknown or its value not understood"));
  }
  const auto told = wait ? co_await sources_.lines.wait_after(loop, after, function, std::chrono::seconds(wait))
                         : sources_.lines.after(after, function, static_cast<std::size_t>(last));
  json::Array rows;
  for (const auto& line : told.lines)
    rows.push_back(json::Object{{"time", iso8601_millis(line.time)},
                                {"kind", line.platform ? "platform" : "function"},
                                {"function", line.function},
                                {"request_id", line.request_id},
                                {"stream", line.stream},
                                {"text", line.text}});
  co_return json_answer(200, json::Object{{"lines", std::move(rows)}, {"next", cat(told.next)}});
}

Task<http::Response> Admin::debug(io::Loop& loop, const http::Request& request, std::string_view session) const {
  if (!sources_.debugging) co_return refusal(404, "nothing can be debugged here");
  if (!session.empty()) {
    std::string id(session);
    const bool there = co_await (request.method == "DELETE" ? sources_.debugging->end(loop, id) : sources_.debugging->renew(loop, id));
    co_return there ? json_answer(200, json::Object{{"id", id}}) : refusal(404, "the debugging session has ended");
  }
  std::string wanted;
  std::optional<int> port;
  for (auto& [name, value] : http::parse_query(request.query)) {
    if (name == "function")
      wanted = std::move(value);
    else if (name == "port")
      port = parse_number<int>(value);
    else
      co_return refusal(400, cat("unknown parameter ", name));
  }
  if (port && (*port < 1 || *port > 65'535)) co_return refusal(400, "a port is a number from 1 to 65535");
  for (auto& function : sources_.functions()) {
    if (function.arn != wanted && function.name != wanted) continue;
    const auto started = co_await attempt(sources_.debugging->begin(loop, std::move(function), port));
    if (!started) co_return refusal(409, started.error().message);
    co_return json_answer(200, json::Object{{"id", started->id}, {"port", started->port}, {"tool", json::Value(started->tool)}});
  }
  co_return refusal(404, cat("there is no function ", wanted));
}

bool Admin::is_ours(std::string_view host) const {
  if (is_local(host)) return true;
  const auto name = lower(host.substr(0, host.find(':')));
  // AWS's own names lead here only where somebody who owns the machine's name resolution says so.
  if (name.ends_with(".localhost") || name.ends_with(".amazonaws.com")) return true;
  return std::ranges::find(allowed_hosts_, name) != allowed_hosts_.end();
}

http::Response Admin::misdirected() const {
  return refusal(421, "AWS API calls are answered for this machine's own names; --allowed-host NAME adds one");
}

}  // namespace sallyport::app
