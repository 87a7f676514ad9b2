// Identity sources: what of a request an authorizer recognises its caller by.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "gateway/exchange.hpp"
#include "gateway/stage.hpp"

namespace sallyport::gateway {

/// Every source must be there and not empty, and a TOKEN authorizer's must match its expression; else 401 without a call. The result is the
/// token, verbatim; empty for a REQUEST authorizer.
/// Source: API Gateway developer guide, "Use API Gateway Lambda authorizers"; CreateAuthorizer's identitySource.
Result<std::string_view, Refusal> check_identity_sources(const Authorizer& authorizer, const Exchange& exchange);

/// Everything that makes two calls of this authorizer equal: its stage, generation and id, and all values of each source, each counted, so
/// that no two tuples of values share a key.
std::string cache_key(const Authorizer& authorizer, const Exchange& exchange);

/// For people: a secret's last characters at most, and never enough of a short one.
std::string masked(std::string_view value);

}  // namespace sallyport::gateway
