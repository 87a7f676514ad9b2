// AuthorizerCache: answers of the authorizer functions of REST APIs.
#pragma once

#include "gateway/authorizer_call.hpp"
#include "gateway/call_cache.hpp"

namespace sallyport::gateway {

/// The policy is kept, never the decision.
class AuthorizerCache final : public CallCache<AuthorizerCall> {
 public:
  using CallCache::CallCache;
};

}  // namespace sallyport::gateway
