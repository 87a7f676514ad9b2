#include "app/front_door.hpp"

#include "base/text.hpp"

namespace sallyport::app {
namespace {

constexpr std::string_view path_form = "/_aws/execute-api/";

std::string_view without_port(std::string_view host) { return host.substr(0, host.find(':')); }

}  // namespace

std::optional<std::string_view> api_of_host(std::string_view host) {
  const auto dot = host.find('.');
  if (dot == std::string_view::npos || dot == 0 || !starts_with_ignoring_case(host.substr(dot), ".execute-api.")) return std::nullopt;
  return host.substr(0, dot);
}

Task<http::Response> FrontDoor::handle(io::Loop& loop, const http::Request& request, serve::BodyReader& body, const serve::Peer& peer) {
  if (const auto api = api_of_host(request.host))
    co_return co_await gateway_.serve(loop, gateway::locate(*api, request.path, without_port(request.host)), request, body, peer);
  if (request.path.starts_with(path_form)) {
    const auto rest = request.path.substr(path_form.size());
    const auto slash = rest.find('/');
    const auto api = rest.substr(0, slash);
    const auto path = slash == std::string_view::npos ? std::string_view("/") : rest.substr(slash);
    co_return co_await gateway_.serve(loop, gateway::locate(api, path, cat(api, ".execute-api.localhost")), request, body, peer);
  }
  if (request.path.starts_with(admin_prefix)) co_return admin_.answer(request, peer);
  // No door of this house: answered like an API that does not exist, with a request id like every answer.
  gateway::Address nowhere;
  nowhere.path = nowhere.path_with_stage = request.path;
  nowhere.domain_name = without_port(request.host);
  co_return co_await gateway_.serve(loop, std::move(nowhere), request, body, peer);
}

}  // namespace sallyport::app
