// Events: the JSON a function gets from the gateway. Key by key as AWS sends them; absent maps are `null` for a proxy integration and `{}`
// for an authorizer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/exchange.hpp"
#include "io/tls.hpp"
#include "json/write.hpp"

namespace sallyport::gateway {

enum class BodyForm : std::uint8_t { text, base64 };

/// AWS_PROXY, payload format 1.0. `body` as it came; `form` base64 encodes it here.
std::string make_proxy_event(const Exchange& exchange, std::string_view body, BodyForm form);
/// A TOKEN authorizer's event: three keys, the token verbatim.
std::string make_token_event(std::string_view token, std::string_view method_arn);
/// A REQUEST authorizer's event.
std::string make_request_event(const Exchange& exchange);

/// The headers as events have them, each with its last value.
std::vector<http::Header> event_headers(const Exchange& exchange);

/// The member `clientCert`, as identities and authentications have it.
void write_client_certificate(json::Writer& json, const io::PeerCertificate& certificate);

/// The client's X-Forwarded-For with the peer's address behind it.
std::string forwarded_for(const Exchange& exchange);
std::string forwarded_for(const http::Request& request, std::string_view peer_address);
/// The port of the Host header, or the scheme's.
std::string_view forwarded_port(const Exchange& exchange);
std::string_view forwarded_port(const http::Request& request, std::string_view scheme = "http");

}  // namespace sallyport::gateway
