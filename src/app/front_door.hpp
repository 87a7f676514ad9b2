// FrontDoor: takes any request that arrived on any listener and produces the one response. Says which door it is for, nothing more.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/admin.hpp"
#include "cognito/oauth.hpp"
#include "control/control_plane.hpp"
#include "gateway/domain_table.hpp"
#include "gateway/gateway.hpp"
#include "http_api/http_apis.hpp"
#include "lambda/package_links.hpp"
#include "lambda/url_endpoints.hpp"
#include "serve/server.hpp"

namespace sallyport::app {

/// `{api}.execute-api.localhost[:port]`, or any other domain after `{api}.execute-api.`: the API's id; nothing for another host.
std::optional<std::string_view> api_of_host(std::string_view host);
/// The same of function URLs: `{url-id}.lambda-url.{region}.localhost[:port]`.
std::optional<std::string_view> url_of_host(std::string_view host);

/// Who a request comes from: the peer, or, where the peer is one of the trusted proxies, the last address in X-Forwarded-For that is not.
std::string client_address(const http::Request& request, const serve::Peer& peer, const std::vector<std::string>& trusted_proxies);

/// Is told of messages that were no requests. May be called on every loop.
class RefusalLog {
 public:
  virtual ~RefusalLog() = default;
  virtual void refused(const serve::Peer& peer, int status, std::string_view reason) = 0;
};

/// Is told of what user pools' own pages and token endpoints answered. May be called on every loop.
class PageLog {
 public:
  virtual ~PageLog() = default;
  virtual void answered(const http::Request& request, const serve::Peer& peer, const http::Response& response,
                        std::chrono::microseconds latency) = 0;
};

/// Holds no state of its own; everything it talks to must outlive it. May be called on every loop.
class FrontDoor final : public serve::Handler {
 public:
  /// What a listener is for: the server profile keeps the AWS APIs away from the address functions are called at. `inside`: for functions
  /// in sandboxes, with all but the local paths, and without the documented pair of keys, which is this machine's own.
  enum class Doors { all, data_plane, control_plane, inside };
  struct Rooms {
    gateway::Gateway& gateway;
    http_api::HttpApis& http_apis;
    cognito::OauthEndpoints& sign_in_pages;
    const gateway::Domains& domains;
    Random& random;
    lambda::UrlEndpoints& urls;
    control::ControlPlane& control;
    const lambda::PackageLinks& packages;
    const Clock& clock;
    Admin& admin;
    RefusalLog& refusals;
    PageLog& pages;
  };
  FrontDoor(const Rooms& rooms, Doors doors, std::vector<std::string> trusted_proxies)
      : rooms_(rooms), doors_(doors), trusted_proxies_(std::move(trusted_proxies)) {}

  Task<http::Response> handle(io::Loop& loop, const http::Request& request, serve::BodyReader& body, const serve::Peer& peer) override;
  void refused(const serve::Peer& peer, int status, std::string_view reason) override { rooms_.refusals.refused(peer, status, reason); }

 private:
  http::Response package(const http::Request& request) const;
  bool may_be_custom_domain(std::string_view host) const;
  bool is_api_host(std::string_view host) const;
  Task<http::Response> from_inside(io::Loop& loop, const http::Request& request, serve::BodyReader& body);
  Task<http::Response> to_pool(io::Loop& loop, const http::Request& request, serve::BodyReader& body, const serve::Peer& peer);
  Task<http::Response> to_api(io::Loop& loop, gateway::Address address, const http::Request& request, serve::BodyReader& body,
                              const serve::Peer& peer);
  Task<http::Response> to_door(io::Loop& loop, const http::Request& request, serve::BodyReader& body, const serve::Peer& peer);
  const Rooms rooms_;
  const Doors doors_;
  const std::vector<std::string> trusted_proxies_;
};

}  // namespace sallyport::app
