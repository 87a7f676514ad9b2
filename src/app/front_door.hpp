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

/// Is told of messages that were no requests. May be called on every loop.
class RefusalLog {
 public:
  virtual ~RefusalLog() = default;
  virtual void refused(const serve::Peer& peer, int status, std::string_view reason) = 0;
};

/// Holds no state of its own; everything it talks to must outlive it. May be called on every loop.
class FrontDoor final : public serve::Handler {
 public:
  FrontDoor(gateway::Gateway& gateway, Admin& admin, RefusalLog& refusals) : gateway_(gateway), admin_(admin), refusals_(refusals) {}

  Task<http::Response> handle(io::Loop& loop, const http::Request& request, serve::BodyReader& body, const serve::Peer& peer) override;
  void refused(const serve::Peer& peer, int status, std::string_view reason) override { refusals_.refused(peer, status, reason); }

 private:
  gateway::Gateway& gateway_;
  Admin& admin_;
  RefusalLog& refusals_;
};

}  // namespace sallyport::app
