// The service `apigateway`: API Gateway's REST API operations for SDKs and tools, over `Operations`.
#pragma once

#include "base/clock.hpp"
#include "control/ledger.hpp"
#include "control/service.hpp"
#include "gateway/persistence.hpp"
#include "gateway/state.hpp"

namespace sallyport::gateway {

struct Services;

using Ledger = control::Ledger<State>;

/// Every operation that exists here; the others answer 501. What is given must outlive the service. `services`: what test invocations run
/// with.
control::Service make_service(Ledger& ledger, const Services& services);

/// What a call of this operation needs: `apigateway:<HTTP method>` on `arn:aws:apigateway:<region>::<path>`, with the tags that are sent
/// and those of what is addressed. Source: API Gateway developer guide, "Control access to an API with IAM permissions".
control::Answer<std::vector<control::Access>> access_of(const State& state, const control::Call& call);

}  // namespace sallyport::gateway
