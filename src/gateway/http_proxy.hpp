// HTTP_PROXY: the request as the backend gets it, and the backend's answer as the client gets it.
#pragma once

#include <string>

#include "base/result.hpp"

#include "gateway/exchange.hpp"
#include "gateway/stage.hpp"
#include "http/message.hpp"
#include "json/value.hpp"
#include "serve/client.hpp"

namespace sallyport::gateway {

namespace limits {
inline constexpr std::size_t backend_body_bytes_max = 10'485'760;  // AWS: payload of a REST API, both ways
}  // namespace limits

/// Headers by the rules of `header_rules`, mapped ones replacing the client's; mapped query values follow the client's. No body for GET,
/// HEAD and OPTIONS. The host comes from the configuration alone. Refuses what would make a
/// `.` or `..` segment of the path.
Result<serve::OutgoingRequest, Refusal> make_proxied_request(const HttpProxyIntegration& integration, const Exchange& exchange,
                                                             std::string body);

/// The same for HTTP without proxy: the backend sees the body the template made, the mapped headers and query values and those the template
/// has set (`$context.requestOverride`), the client's Content-Type, and nothing else of the request.
Result<serve::OutgoingRequest, Refusal> make_mapped_request(const HttpProxyIntegration& backend, const Exchange& exchange, std::string body,
                                                            const json::Value& overrides);

/// The backend's response under the names the client sees.
http::Response finish_backend_answer(http::Response response);

/// What the client gets for a call that failed: 504 when it was late or the backend out of reach, 502 for an answer that cannot be passed
/// on. The error's text goes to the trace only. Source: API Gateway developer guide, "Gateway response types"; the 502 is our choice.
Refusal refusal_of(const serve::FetchError& error);

}  // namespace sallyport::gateway
