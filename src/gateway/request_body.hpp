// The body of a request, which may be wanted twice: by a signature that covers it, and by the integration.
#pragma once

#include <string>

#include "base/result.hpp"
#include "base/task.hpp"
#include "gateway/exchange.hpp"
#include "serve/server.hpp"

namespace sallyport::gateway {

/// Reads the body into the exchange, once. Refused when it is larger than API Gateway takes, malformed or cut off.
Task<Result<void, Refusal>> read_body(Exchange& exchange, serve::BodyReader& body);

/// The same, and takes it out of the exchange. At most once a request.
Task<Result<std::string, Refusal>> take_body(Exchange& exchange, serve::BodyReader& body);

}  // namespace sallyport::gateway
