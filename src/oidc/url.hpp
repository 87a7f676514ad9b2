// Addresses of issuers and of their documents, and which of them may be called at all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace sallyport::oidc {

/// An absolute http or https URL without user and fragment.
struct Url {
  bool tls = true;
  std::string host;  // lower case; an IPv6 address in brackets
  int port = 443;
  std::string target;  // path and query, `/` at least
  bool operator==(const Url&) const = default;
};

/// Strict: visible ASCII, a host of name characters or an address in brackets, a port from 1 to 65,535.
Result<Url> parse_url(std::string_view text);

/// What may be called beyond https to public addresses. Both are off unless the operator says otherwise.
struct Reach {
  /// http and https to `localhost`, 127.0.0.0/8 and [::1].
  bool loopback = false;
  /// Hosts, by their exact name in lower case, that https may reach wherever their name leads to.
  std::vector<std::string> private_hosts;
};

/// Whether only public addresses may be connected to (after the name was resolved), or the operator has vouched for the host.
enum class Addresses { public_only, any };

/// Refuses what may not be called, and says how far the connection may go.
Result<Addresses> check_reach(const Url& url, const Reach& reach);

/// An issuer's identifier as OpenID Connect has it: no query, no fragment; and it may be called.
Result<Url> check_issuer(std::string_view issuer, const Reach& reach);

/// `<issuer>/.well-known/openid-configuration`; a slash at the issuer's end does not count (OpenID Connect Discovery, 4.1).
std::string discovery_address(std::string_view issuer);

}  // namespace sallyport::oidc
