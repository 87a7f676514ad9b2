// Test invocations: a method or an authorizer of the draft is run without being deployed, for whoever IAM lets do it.
#pragma once

#include "gateway/api_service.hpp"
#include "gateway/services.hpp"

namespace sallyport::gateway {

/// TestInvokeMethod: validation and integration of the method as it is drafted. Its authorizer and the API's resource policy are not asked,
/// as on AWS. The function must allow the call from the stage `test-invoke-stage`. What is passed must outlive the task.
Task<control::Answer<json::Value>> test_invoke_method(const Ledger& ledger, const Services& services, control::Call& call);

/// TestInvokeAuthorizer: what the authorizer would say, with 401 or 500 where a client would get them. A policy that denies is reported
/// with 200. What is passed must outlive the task.
Task<control::Answer<json::Value>> test_invoke_authorizer(const Ledger& ledger, const Services& services, control::Call& call);

}  // namespace sallyport::gateway
