// Header rules: what happens to headers on the way to an integration and back. One table.
// Source: API Gateway developer guide, "Important notes", header table; recorded answers where they differ.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/state.hpp"

namespace sallyport::gateway {

/// `rename`: to `x-amzn-Remapped-<name>`. Names compare case-blind; a name the table does not list passes.
enum class HeaderRule : std::uint8_t { pass, drop, rename };

/// Into the events of functions. (Authorization with a SigV4 signature is dropped besides; see `is_sigv4`.)
HeaderRule rule_to_function(std::string_view name);
/// Into the request to an HTTP backend. Host, Content-Length, trace and forwarded headers are written anew, so a client's are dropped.
HeaderRule rule_to_http(std::string_view name);
/// From a function's proxy answer to the client.
HeaderRule rule_from_function(std::string_view name);
/// From an HTTP backend's answer to the client.
HeaderRule rule_from_http(std::string_view name);

/// The name under which a header reaches the client: itself, `x-amzn-Remapped-<name>`, or nothing.
std::optional<std::string> name_for_client(std::string_view name, HeaderRule rule);
/// The same for a header that a response mapping of a non-proxy integration sets.
std::optional<std::string> name_for_client_when_mapped(std::string_view name);

/// Is it an Authorization value that carries an AWS signature?
bool is_sigv4(std::string_view authorization);

/// `integration.request.header.X` with an X no mapping may set: AWS takes the mapping and answers every call with 500.
bool is_illegal_request_header(std::string_view target, IntegrationType type);
/// `integration.request.header.X` with an X that the connection to the backend or the gateway itself writes: refused for HTTP_PROXY.
bool is_owned_request_header(std::string_view target);
/// A header a gateway response cannot set: it belongs to the connection or identifies the answer.
bool is_reserved_response_header(std::string_view name);

}  // namespace sallyport::gateway
