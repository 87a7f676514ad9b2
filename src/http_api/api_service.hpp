// The service `apigatewayv2`: API Gateway's HTTP API operations for SDKs and tools, over `Operations`.
#pragma once

#include "base/clock.hpp"
#include "control/ledger.hpp"
#include "control/service.hpp"
#include "http_api/persistence.hpp"
#include "http_api/state.hpp"

namespace sallyport::http_api {

using Ledger = control::Ledger<State>;

/// Every operation on HTTP APIs themselves; imports, exports, domain names and mappings are added by those who have them. What is given
/// must outlive the service. `random`: where identifiers come from.
control::Service make_service(Ledger& ledger, Random& random);

/// What a call of this operation needs: `apigateway:<HTTP method>` on `arn:aws:apigateway:<region>::<path>`, the path without its `/v2`,
/// with the tags that are sent and those of what is addressed; and `iam:PassRole` for roles it hands on.
/// Source: API Gateway developer guide, "Control access to an API with IAM permissions"; service authorization reference, "API Gateway
/// Management V2".
control::Answer<std::vector<control::Access>> access_of(const State& state, const control::Call& call);

}  // namespace sallyport::http_api
