#include "app/front_door.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "app/root_key.hpp"
#include "base/text.hpp"
#include "identity/authorization.hpp"
#include "sandbox/sandbox.hpp"

namespace sallyport::app {
namespace {

constexpr std::string_view api_path_form = "/_aws/execute-api/", url_path_form = "/_aws/lambda-url/";
constexpr std::string_view older_path_form = "/restapis/", older_path_mark = "_user_request_";

std::string_view without_port(std::string_view host) { return host.substr(0, host.find(':')); }

/// `first/rest` as its two halves; the second keeps its slash and is `/` when nothing follows.
std::pair<std::string_view, std::string_view> split_first(std::string_view path) {
  const auto slash = path.find('/');
  return {path.substr(0, slash), slash == std::string_view::npos ? std::string_view("/") : path.substr(slash)};
}

std::optional<std::string_view> label_before(std::string_view host, std::string_view rest) {
  const auto dot = host.find('.');
  if (dot == std::string_view::npos || dot == 0 || !starts_with_ignoring_case(host.substr(dot), rest)) return std::nullopt;
  return host.substr(0, dot);
}

/// `/restapis/{api}/{stage}/_user_request_/path`. The paths of control-plane calls begin alike and have another third segment.
std::optional<gateway::Address> older_address(std::string_view path) {
  if (!path.starts_with(older_path_form)) return std::nullopt;
  const auto [api, below_api] = split_first(path.substr(older_path_form.size()));
  const auto [stage, below_stage] = split_first(below_api.substr(1));
  const auto [mark, below_mark] = split_first(below_stage.substr(1));
  if (api.empty() || stage.empty() || mark != older_path_mark) return std::nullopt;
  const auto path_with_stage = std::make_shared<const std::string>(cat("/", stage, below_mark));
  auto address = gateway::locate(api, *path_with_stage, cat(api, ".execute-api.localhost"));
  address.storage = path_with_stage;
  return address;
}

/// 1.2.3.4:5555 and [::1]:5555 without their ports.
std::string_view bare_address(std::string_view text) {
  if (text.starts_with('[')) return text.substr(1, text.find(']') - 1);
  return std::ranges::count(text, ':') == 1 ? text.substr(0, text.find(':')) : text;
}

bool is_address(std::string_view text) {
  in6_addr ignored;
  const std::string address(text);
  return inet_pton(AF_INET, address.c_str(), &ignored) == 1 || inet_pton(AF_INET6, address.c_str(), &ignored) == 1;
}

}  // namespace

std::optional<std::string_view> api_of_host(std::string_view host) { return label_before(host, ".execute-api."); }
std::optional<std::string_view> url_of_host(std::string_view host) { return label_before(host, ".lambda-url."); }

std::string client_address(const http::Request& request, const serve::Peer& peer, const std::vector<std::string>& trusted_proxies) {
  const auto trusted = [&](std::string_view address) { return std::ranges::find(trusted_proxies, address) != trusted_proxies.end(); };
  if (!trusted(peer.address)) return peer.address;
  std::string_view found = peer.address;
  for (auto field = request.headers.rbegin(); field != request.headers.rend(); ++field) {
    if (!equals_ignoring_case(field->name, "X-Forwarded-For")) continue;
    auto parts = split(field->value, ',');
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
      found = bare_address(trim(*part));
      // What is no address could match no policy's range, a Deny's included.
      if (!is_address(found)) return peer.address;
      if (!trusted(found)) return std::string(found);
    }
  }
  return std::string(found);
}

Task<http::Response> FrontDoor::handle(io::Loop& loop, const http::Request& request, serve::BodyReader& body, const serve::Peer& peer) {
  if (doors_ == Doors::inside) co_return co_await from_inside(loop, request, body);
  if (trusted_proxies_.empty()) co_return co_await to_door(loop, request, body, peer);
  auto client = peer;
  client.address = client_address(request, peer, trusted_proxies_);
  co_return co_await to_door(loop, request, body, client);
}

// Whatever address a function connects from is one of its own network, its loopback among them, and says nothing.
Task<http::Response> FrontDoor::from_inside(io::Loop& loop, const http::Request& request, serve::BodyReader& body) {
  const auto presented = identity::parse_authorization(request);
  const auto credential = presented ? identity::split_credential(presented->credential) : std::nullopt;
  if (credential && is_documented_key(credential->access_key_id)) {
    http::Response response;
    response.status = 403;
    response.add("Content-Type", "application/json");
    response.add("x-amzn-ErrorType", "UnrecognizedClientException");
    response.body = R"({"__type":"UnrecognizedClientException","message":"The security token included in the request is invalid."})";
    co_return response;
  }
  const serve::Peer function{std::string(sandbox::inside_address)};
  co_return co_await to_door(loop, request, body, function);
}

bool FrontDoor::is_api_host(std::string_view host) const {
  return rooms_.admin.is_ours(host) || (doors_ == Doors::inside && without_port(host) == sandbox::inside_address);
}

http::Response FrontDoor::package(const http::Request& request) const {
  http::Response response;
  const auto path = rooms_.packages.open(request.target, rooms_.clock.wall_now());
  std::ifstream file(path.value_or(""), std::ios::binary);
  if (!path || !file) {
    response.status = 403;
    response.add("Content-Type", "application/json");
    response.body = R"({"message":"The link is not one of this server's, or has expired"})";
    return response;
  }
  response.add("Content-Type", "application/zip");
  response.body.assign(std::istreambuf_iterator<char>(file), {});
  return response;
}

/// The names this server has by itself cannot be taken over by a domain name; names below .localhost may be one.
bool FrontDoor::may_be_custom_domain(std::string_view host) const {
  if (api_of_host(host) || url_of_host(host)) return false;
  return !is_api_host(host) || lower(without_port(host)).ends_with(".localhost");
}

Task<http::Response> FrontDoor::to_pool(io::Loop& loop, const http::Request& request, serve::BodyReader& body, const serve::Peer& peer) {
  const auto began = rooms_.clock.monotonic_now();
  auto response = co_await rooms_.sign_in_pages.serve(loop, request, body, peer);
  rooms_.pages.answered(request, peer, response,
                        std::chrono::duration_cast<std::chrono::microseconds>(rooms_.clock.monotonic_now() - began));
  co_return response;
}

Task<http::Response> FrontDoor::to_api(io::Loop& loop, gateway::Address address, const http::Request& request, serve::BodyReader& body,
                                       const serve::Peer& peer) {
  if (rooms_.http_apis.has(address.api_id)) co_return co_await rooms_.http_apis.serve(loop, std::move(address), request, body, peer);
  co_return co_await rooms_.gateway.serve(loop, std::move(address), request, body, peer);
}

Task<http::Response> FrontDoor::to_door(io::Loop& loop, const http::Request& request, serve::BodyReader& body, const serve::Peer& peer) {
  if (doors_ != Doors::control_plane) {
    if (may_be_custom_domain(request.host)) {
      using Kind = gateway::DomainDecision::Kind;
      auto decision = rooms_.domains.decide(request, peer);
      if (decision.kind == Kind::routed) co_return co_await to_api(loop, std::move(decision.address), request, body, peer);
      if (decision.kind != Kind::not_ours) co_return gateway::refuse_by_domain(decision, rooms_.random);
    }
    if (const auto api = api_of_host(request.host))
      co_return co_await to_api(loop, gateway::locate(*api, request.path, without_port(request.host)), request, body, peer);
    if (const auto url = url_of_host(request.host)) co_return co_await rooms_.urls.serve(loop, *url, request.path, request, body, peer);
    if (rooms_.sign_in_pages.is_ours(request)) co_return co_await to_pool(loop, request, body, peer);
    if (request.path.starts_with(api_path_form)) {
      const auto [api, path] = split_first(request.path.substr(api_path_form.size()));
      co_return co_await to_api(loop, gateway::locate(api, path, cat(api, ".execute-api.localhost")), request, body, peer);
    }
    if (request.path.starts_with(url_path_form)) {
      const auto [url, path] = split_first(request.path.substr(url_path_form.size()));
      co_return co_await rooms_.urls.serve(loop, url, path, request, body, peer);
    }
    if (auto address = older_address(request.path)) co_return co_await to_api(loop, std::move(*address), request, body, peer);
  }
  if (doors_ != Doors::data_plane && request.path.starts_with(lambda::PackageLinks::path_prefix)) co_return package(request);
  // Where only functions are served, nothing tells of them but that the server lives.
  const bool tells = (doors_ != Doors::data_plane && doors_ != Doors::inside) || request.path == cat(admin_prefix, "health");
  if (tells && request.path.starts_with(admin_prefix)) co_return co_await rooms_.admin.serve(loop, request, peer);
  // Users sign in to a user pool from wherever they are.
  if (control::ControlPlane::is_preflight(request)) co_return control::ControlPlane::preflight_answer();
  if (control::ControlPlane::is_public_call(request)) {
    auto response = co_await rooms_.control.handle(loop, request, body, peer);
    response.add("Access-Control-Allow-Origin", "*");
    response.add("Access-Control-Expose-Headers", "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date");
    co_return response;
  }
  if (doors_ != Doors::data_plane && control::ControlPlane::is_call(request)) {
    if (!is_api_host(request.host)) co_return rooms_.admin.misdirected();
    co_return co_await rooms_.control.handle(loop, request, body, peer);
  }
  // No door of this house: answered like an API that does not exist, with a request id like every answer.
  gateway::Address nowhere;
  nowhere.path = nowhere.path_with_stage = request.path;
  nowhere.domain_name = without_port(request.host);
  co_return co_await rooms_.gateway.serve(loop, std::move(nowhere), request, body, peer);
}

}  // namespace sallyport::app
