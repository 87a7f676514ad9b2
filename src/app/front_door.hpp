// FrontDoor: takes any request that arrived on any listener and produces the one response. Says which door it is for, nothing more.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "app/admin.hpp"
#include "gateway/gateway.hpp"
#include "serve/server.hpp"

namespace sallyport::app {

/// `{api}.execute-api.localhost[:port]`, or any other domain after `{api}.execute-api.`: the API's id; nothing for another host.
std::optional<std::string_view> api_of_host(std::string_view host);

/// Holds no state of its own; everything it talks to must outlive it. May be called on every loop.
class FrontDoor final : public serve::Handler {
 public:
  FrontDoor(gateway::Gateway& gateway, Admin& admin) : gateway_(gateway), admin_(admin) {}

  Task<http::Response> handle(io::Loop& loop, const http::Request& request, serve::BodyReader& body, const serve::Peer& peer) override;

 private:
  gateway::Gateway& gateway_;
  Admin& admin_;
};

}  // namespace sallyport::app
