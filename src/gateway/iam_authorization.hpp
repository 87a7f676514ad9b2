// AWS_IAM: the caller signed the request, and a policy of its own or of the API lets it in.
// Source: API Gateway developer guide, "Control access to a REST API with IAM permissions", and the tables A and B of "How API Gateway
// resource policies affect authorization workflow".
#pragma once

#include "base/result.hpp"
#include "base/task.hpp"
#include "control/guard.hpp"
#include "gateway/exchange.hpp"
#include "gateway/services.hpp"
#include "serve/server.hpp"

namespace sallyport::gateway {

/// Verifies the signature (which covers the body, so that the body is read here; not before the request carries one), then decides
/// `execute-api:Invoke` on the method's ARN by the caller's policies and the API's resource policy. Sets the exchange's caller and
/// verdict. REQUIRES: `exchange.method_arn` is set.
Task<Result<void, Refusal>> authorize_with_iam(const Services& services, Exchange& exchange, serve::BodyReader& body);

/// What the conditions of a caller's policies are held against. REQUIRES: `exchange.stage` is set.
control::Circumstances circumstances_of(const Exchange& exchange);

/// What a request to no route is told: the answer comes out of the signature check, so what it sends in Authorization changes it.
Refusal refuse_unmatched(const Services& services, const Exchange& exchange);

}  // namespace sallyport::gateway
