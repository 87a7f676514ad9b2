// The resource policy of an API, in which a resource may be written without the API's ARN.
#pragma once

#include <string_view>

#include "aws/arn.hpp"
#include "json/value.hpp"

namespace sallyport::gateway {

/// `execute-api:/stage/GET/path` as the whole ARN it stands for. Source: API Gateway developer guide, "API Gateway resource policies".
json::Value write_out_resources(json::Value policy, const aws::Scope& scope, std::string_view api_id);

}  // namespace sallyport::gateway
