// OauthEndpoints: a user pool's own addresses: authorize, token, userInfo, revoke, sign-in page, logout, and the documents about its keys.
// Source: Cognito developer guide, "User pool endpoints and managed login reference"; RFC 6749, 7009, 7636.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cognito/sign_in.hpp"
#include "http/message.hpp"
#include "io/loop.hpp"
#include "serve/server.hpp"

namespace sallyport::cognito {

class CodeTable;

/// Which pool an address is of, and the path below it.
struct OauthAddress {
  /// What names the pool: a domain's prefix or name, or a pool's id.
  std::string name;
  std::string path;    // `/oauth2/token`, `/login`, ...
  std::string prefix;  // what stands in front of it in the path: empty, or `/_aws/cognito/NAME`
};

/// The address of a request that is for a pool; nothing for all others. `PREFIX.auth.REGION.amazoncognito.com` and
/// `PREFIX.auth.REGION.localhost`, with any port; `/_aws/cognito/NAME/...`; and `/POOL/.well-known/...` on any host.
std::optional<OauthAddress> oauth_address(std::string_view host, std::string_view path);

/// May be called on every loop.
class OauthEndpoints {
 public:
  /// `sign_in` must outlive it.
  explicit OauthEndpoints(SignIn& sign_in);
  ~OauthEndpoints();

  /// Is this request for a pool? Custom domains are looked up.
  bool is_ours(const http::Request& request) const;
  /// Answers it. `scheme`: how the client reached us, http or https. Never throws for anything a client can send.
  Task<http::Response> serve(io::Loop& loop, const http::Request& request, serve::BodyReader& body, const serve::Peer& peer);

 private:
  std::optional<OauthAddress> address_of(const http::Request& request) const;
  SignIn& sign_in_;
  std::unique_ptr<CodeTable> codes_;
};

}  // namespace sallyport::cognito
