// Why does a signature not match? The request is signed again in the ways clients commonly get wrong.
#pragma once

#include <functional>
#include <string>

#include "http/message.hpp"
#include "identity/authorization.hpp"
#include "identity/canonical.hpp"

namespace sallyport::identity {

/// The most likely reason, as one sentence. `matches` tells whether the client's signature is that of the given parts; it is asked a fixed
/// number of times at most, each at the price of one hash of the canonical request.
std::string likely_reason(const CanonicalParts& parts, const http::Request& request, const Authorization& authorization,
                          const std::function<bool(const CanonicalParts&)>& matches);

}  // namespace sallyport::identity
