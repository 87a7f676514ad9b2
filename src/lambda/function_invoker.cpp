#include "lambda/function_invoker.hpp"

#include <vector>

#include "base/text.hpp"
#include "io/loop.hpp"
#include "lambda/operations.hpp"

namespace sallyport::lambda {
namespace {

runtime::FunctionSpec spec_of(const FunctionConfiguration& configuration, const aws::Scope& scope) {
  runtime::FunctionSpec spec;
  spec.function_name = configuration.function_name;
  spec.version = configuration.version;
  spec.function_arn = configuration.function_arn;
  spec.runtime = configuration.runtime;
  spec.handler = configuration.handler;
  spec.code_directory = configuration.code_directory;
  spec.code_sha256 = configuration.code_sha256;
  spec.timeout = configuration.timeout;
  spec.memory_mb = configuration.memory_mb;
  spec.environment = configuration.environment;
  spec.region = scope.region;
  return spec;
}

}  // namespace

Task<Result<InvokeResponse, aws::ApiError>> FunctionInvoker::invoke(io::Loop& loop, InvokeRequest request) {
  const auto state = request.functions ? std::move(request.functions) : state_.pin();
  if (!state) co_return fail(aws::ApiError{"ResourceNotFoundException", 404, cat("Function not found: ", request.function_arn)});
  auto reference = parse_function_reference(state->scope, request.function_arn);
  if (!reference) co_return std::unexpected(reference.error());
  const auto function = state->functions.find(reference->function_name);
  const auto* configuration = function == state->functions.end() ? nullptr : resolve(function->second, reference->qualifier);
  if (!configuration) {
    const auto qualifier = reference->qualifier.empty() ? std::string("$LATEST") : reference->qualifier;
    co_return fail(aws::ApiError{"ResourceNotFoundException", 404,
                                 cat("Function not found: ", aws::function_arn(state->scope, reference->function_name, qualifier))});
  }
  if (!check_permission(*state, function->second, reference->qualifier, request.caller))
    co_return fail(aws::ApiError{"AccessDeniedException", 403,
                                 cat(request.caller.service, " is not authorized to perform: lambda:InvokeFunction on resource: ",
                                     request.function_arn, " because no resource-based policy allows the lambda:InvokeFunction action")});
  if (request.payload.size() > limits::event_bytes_max)
    co_return fail(aws::ApiError{"RequestEntityTooLargeException", 413,
                                 "Request must be smaller than 6291456 bytes for the InvokeFunction operation"});

  runtime::Invocation invocation{RequestId(make_uuid(surroundings_.random)), request.function_arn, std::move(request.trace_id),
                                 std::move(request.payload)};
  InvokeResponse response{invocation.request_id, configuration->version, std::nullopt, {}};
  auto outcome = co_await pool_of(state, *configuration)->invoke(loop, std::move(invocation));
  if (outcome.throttled)
    co_return fail(aws::ApiError{"TooManyRequestsException", 429, "Rate Exceeded.", "ConcurrentInvocationLimitExceeded"});
  if (outcome.failed) response.function_error = "Unhandled";
  response.payload = std::move(outcome.payload);
  co_return response;
}

std::shared_ptr<runtime::Pool> FunctionInvoker::pool_of(const std::shared_ptr<const State>& state,
                                                        const FunctionConfiguration& configuration) {
  std::scoped_lock lock(mutex_);
  auto spec = spec_of(configuration, state->scope);
  if (state != state_.pin()) {
    // Work that began before the functions changed ends with the old code, in an environment that nobody uses afterwards.
    const auto found = pools_.find({configuration.function_name, configuration.version});
    if (found != pools_.end() && found->second.pool && found->second.pool->spec() == spec) return found->second.pool;
    auto pool = std::make_shared<runtime::Pool>(std::move(spec), surroundings_, capacity_);
    pool->retire();
    return pool;
  }
  auto& entry = pools_[{configuration.function_name, configuration.version}];
  if (entry.state == state) return entry.pool;
  if (!entry.pool || !(entry.pool->spec() == spec)) {
    if (entry.pool) entry.pool->retire();
    entry.pool = std::make_shared<runtime::Pool>(std::move(spec), surroundings_, capacity_);
  }
  entry.state = state;
  return entry.pool;
}

void FunctionInvoker::publish(std::shared_ptr<const State> state) {
  std::vector<std::shared_ptr<runtime::Pool>> outdated;
  {
    std::scoped_lock lock(mutex_);
    for (auto it = pools_.begin(); it != pools_.end();) {
      const auto function = state->functions.find(it->first.first);
      const auto* configuration = function == state->functions.end() ? nullptr : resolve(function->second, it->first.second);
      if (configuration && spec_of(*configuration, state->scope) == it->second.pool->spec()) {
        ++it;
        continue;
      }
      outdated.push_back(std::move(it->second.pool));
      it = pools_.erase(it);
    }
    state_.publish(std::move(state));
  }
  for (auto& pool : outdated) pool->retire();
}

void FunctionInvoker::retire_all() {
  std::scoped_lock lock(mutex_);
  for (auto& [key, entry] : pools_) entry.pool->retire();
}

}  // namespace sallyport::lambda
