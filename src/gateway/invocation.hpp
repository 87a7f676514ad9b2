// Calling a function with a time limit.
#pragma once

#include <chrono>
#include <string_view>

#include "aws/arn.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "io/loop.hpp"
#include "lambda/invoker.hpp"

namespace sallyport::gateway {

/// The service principal of every call of the gateway.
inline constexpr std::string_view gateway_service = "apigateway.amazonaws.com";

/// Lambda refused the call, or the time was over.
struct InvocationFailure {
  enum class Kind : std::uint8_t { refused, timed_out } kind;
  aws::ApiError error = {};  // of `refused`
};
using Invocation = Result<lambda::InvokeResponse, InvocationFailure>;

/// When the time is over the function goes on, as on AWS, and its answer is thrown away. An exception inside counts as a ServiceException.
/// `invoker` must outlive the loop's tasks.
Task<Invocation> invoke_within(io::Loop& loop, lambda::Invoker& invoker, lambda::InvokeRequest request, std::chrono::milliseconds limit);

}  // namespace sallyport::gateway
