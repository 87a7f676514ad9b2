// The API key of a request: is it one, may it call this stage, and how often? Source: API Gateway developer guide, "Usage plans and API
// keys for REST APIs" and "Throttle requests to your REST APIs".
#pragma once

#include "base/result.hpp"
#include "gateway/exchange.hpp"
#include "gateway/services.hpp"

namespace sallyport::gateway {

/// For a method that asks for a key; every other passes. After the authorizer, which may be who says the key. What is refused uses nothing
/// of the quota: the throttle is asked first. REQUIRES: the exchange has its stage and method.
Result<void, Refusal> check_api_key(const Services& services, Exchange& exchange);

}  // namespace sallyport::gateway
