// How the gateway's own answers look: the API's gateway responses, or the built-in ones.
#pragma once

#include "gateway/exchange.hpp"
#include "http/message.hpp"

namespace sallyport::gateway {

/// The response for a refusal: of the exact type where the API customised it, else of DEFAULT_4XX or DEFAULT_5XX, else the built-in one.
/// Without a stage always the built-in one. Sets `exchange.response_type` and `detail`.
/// Source: API Gateway developer guide, "Gateway responses".
http::Response render_refusal(Exchange& exchange, Refusal refusal);

}  // namespace sallyport::gateway
