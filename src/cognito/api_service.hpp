// The service `cognito-idp`: user pools for SDKs and tools, over `Operations`; all but signing in and out, which `add_sign_in_operations`
// adds.
#pragma once

#include <vector>

#include "cognito/parts.hpp"
#include "control/service.hpp"

namespace sallyport::cognito {

/// What is given must outlive the service.
control::Service make_service(const Parts& parts);

/// What a call needs: `cognito-idp:<operation>` on the pool's ARN, or on `*` where it names no pool, with the tags that are sent and those
/// of the pool. Operations that AWS serves without a signature need nothing.
control::Answer<std::vector<control::Access>> access_of(const State& state, const control::Call& call);

}  // namespace sallyport::cognito
