#include "lambda/function_invoker.hpp"

#include <vector>

#include "base/text.hpp"
#include "io/loop.hpp"
#include "lambda/operations.hpp"

namespace sallyport::lambda {

runtime::FunctionSpec FunctionInvoker::spec_of(const FunctionConfiguration& configuration, const aws::Scope& scope) const {
  runtime::FunctionSpec spec;
  spec.function_name = configuration.function_name;
  spec.version = configuration.version;
  spec.function_arn = configuration.function_arn;
  spec.runtime = configuration.runtime;
  spec.handler = configuration.handler;
  spec.code_directory =
      configuration.code_directory.starts_with('/') ? configuration.code_directory : cat(code_root_, "/", configuration.code_directory);
  spec.code_sha256 = configuration.code_sha256;
  spec.timeout = configuration.timeout;
  spec.memory_mb = configuration.memory_mb;
  spec.environment = configuration.environment;
  spec.region = scope.region;
  spec.role = configuration.role;
  return spec;
}

std::map<std::string, std::string> FunctionInvoker::service_variables(const runtime::FunctionSpec& spec) const {
  std::map<std::string, std::string> variables;
  if (!endpoint_url_.empty()) variables["AWS_ENDPOINT_URL"] = endpoint_url_;
  if (!credentials_ || spec.role.empty()) return variables;
  // Without a role it can assume a function still runs; the credentials it then finds sign for nobody.
  auto session = credentials_->credentials_for(spec.role, spec.function_name);
  if (!session) return variables;
  variables["AWS_ACCESS_KEY_ID"] = session->access_key_id;
  variables["AWS_SECRET_ACCESS_KEY"] = session->secret_access_key.reveal();
  variables["AWS_SESSION_TOKEN"] = session->session_token;
  return variables;
}

std::shared_ptr<const State> FunctionInvoker::state(std::string_view account_id, std::string_view region) const {
  std::scoped_lock lock(mutex_);
  const auto found = states_.find(std::pair(account_id, region));
  return found == states_.end() ? nullptr : found->second;
}

// The snapshot the caller brings is of its own account; another account's functions are as they are now.
std::shared_ptr<const State> FunctionInvoker::state_for(const InvokeRequest& request) const {
  const auto arn = aws::parse_arn(request.function_arn);
  if (request.functions && (!arn || arn->account_id == request.functions->scope.account_id)) return request.functions;
  return arn ? state(arn->account_id, arn->region) : nullptr;
}

std::optional<InvokeTarget> FunctionInvoker::target_of(std::string_view function_arn) const {
  const auto arn = aws::parse_arn(function_arn);
  const auto serving = arn ? state(arn->account_id, arn->region) : nullptr;
  if (!serving || arn->partition != serving->scope.partition) return std::nullopt;
  const auto reference = parse_function_reference(serving->scope, function_arn);
  if (!reference) return std::nullopt;
  const auto function = serving->functions.find(reference->function_name);
  if (function == serving->functions.end()) return std::nullopt;
  const auto qualifier = reference->qualifier == "$LATEST" ? std::string() : reference->qualifier;
  return InvokeTarget{aws::function_arn(serving->scope, reference->function_name, qualifier),
                      aws::function_arn(serving->scope, reference->function_name), serving->scope.account_id, function->second->tags};
}

Task<Result<InvokeResponse, aws::ApiError>> FunctionInvoker::invoke(io::Loop& loop, InvokeRequest request) {
  const auto state = state_for(request);
  if (!state) co_return fail(aws::ApiError{"ResourceNotFoundException", 404, cat("Function not found: ", request.function_arn)});
  auto reference = parse_function_reference(state->scope, request.function_arn);
  if (!reference) co_return std::unexpected(reference.error());
  const auto function = state->functions.find(reference->function_name);
  const auto* configuration = function == state->functions.end() ? nullptr : resolve(*function->second, reference->qualifier);
  if (!configuration) {
    const auto qualifier = reference->qualifier.empty() ? std::string("$LATEST") : reference->qualifier;
    co_return fail(aws::ApiError{"ResourceNotFoundException", 404,
                                 cat("Function not found: ", aws::function_arn(state->scope, reference->function_name, qualifier))});
  }
  if (!request.authorized && !check_permission(*state, *function->second, reference->qualifier, request.caller))
    co_return fail(aws::ApiError{"AccessDeniedException", 403,
                                 cat(request.caller.service, " is not authorized to perform: lambda:InvokeFunction on resource: ",
                                     request.function_arn, " because no resource-based policy allows the lambda:InvokeFunction action")});
  if (request.payload.size() > limits::event_bytes_max)
    co_return fail(aws::ApiError{"RequestEntityTooLargeException", 413,
                                 "Request must be smaller than 6291456 bytes for the InvokeFunction operation"});

  auto admitted = admit(*state, function->second, *configuration);
  if (!admitted) co_return std::unexpected(std::move(admitted.error()));
  if (request.request_id.empty()) request.request_id = make_uuid(surroundings_.random);
  runtime::Invocation invocation{RequestId(request.request_id), request.function_arn, std::move(request.trace_id),
                                 std::move(request.payload), std::move(request.client_context)};
  InvokeResponse response{invocation.request_id, configuration->version, std::nullopt, {}};
  if (request.with_log) tails_.begin(request.request_id);
  auto outcome = co_await admitted->pool->invoke(loop, std::move(invocation));
  if (request.with_log) response.log_tail = tails_.end(request.request_id);
  if (outcome.throttled)
    co_return fail(aws::ApiError{"TooManyRequestsException", 429, "Rate Exceeded.", "ConcurrentInvocationLimitExceeded"});
  if (outcome.failed) response.function_error = "Unhandled";
  response.payload = std::move(outcome.payload);
  co_return response;
}

Result<FunctionInvoker::Admitted, aws::ApiError> FunctionInvoker::admit(const State& state, const Shared<Function>& function,
                                                                        const FunctionConfiguration& configuration) {
  std::scoped_lock lock(mutex_);
  const auto place = states_.find(std::pair<std::string_view, std::string_view>(state.scope.account_id, state.scope.region));
  const Shared<Function>* serving = nullptr;
  if (place != states_.end()) {
    const auto found = place->second->functions.find(configuration.function_name);
    if (found != place->second->functions.end()) serving = &found->second;
  }
  const bool current = serving && serving->is(function);
  auto known = entries_.find(configuration.function_arn);
  // Work that began before the functions changed leaves no trace of a function that is gone.
  auto entry = known != entries_.end() ? known->second : std::make_shared<Entry>();
  if (known == entries_.end() && serving) entries_.emplace(configuration.function_arn, entry);

  const auto& reserved = serving ? (*serving)->reserved_concurrency : function->reserved_concurrency;
  if (reserved && entry->running >= *reserved)
    return fail(aws::ApiError{"TooManyRequestsException", 429, "Rate Exceeded.", "ReservedFunctionConcurrentInvocationLimitExceeded"});

  const auto version = entry->versions.find(configuration.version);
  if (version != entry->versions.end() && version->second.function.is(function)) return Admitted{version->second.pool, Running(entry)};
  auto spec = spec_of(configuration, state.scope);
  if (version != entry->versions.end() && version->second.pool->spec() == spec) {
    if (current) version->second.function = function;
    return Admitted{version->second.pool, Running(entry)};
  }
  auto pool = std::make_shared<runtime::Pool>(std::move(spec), surroundings_, capacity_);
  if (current) {
    if (version != entry->versions.end()) version->second.pool->retire();
    entry->versions.insert_or_assign(configuration.version, VersionPool{function, pool});
  } else {
    // It ends with the old code, in an environment that nobody uses afterwards.
    pool->retire();
  }
  return Admitted{std::move(pool), Running(entry)};
}

void FunctionInvoker::publish(std::shared_ptr<const State> state) {
  std::vector<std::shared_ptr<runtime::Pool>> outdated;
  std::shared_ptr<const State> before;  // both die outside the lock
  {
    std::scoped_lock lock(mutex_);
    const auto prefix = aws::function_arn(state->scope, "");
    for (auto entry = entries_.lower_bound(prefix); entry != entries_.end() && entry->first.starts_with(prefix);) {
      const auto function = state->functions.find(std::string_view(entry->first).substr(prefix.size()));
      auto& versions = entry->second->versions;
      for (auto version = versions.begin(); version != versions.end();) {
        auto& [compared, pool] = version->second;
        const auto* configuration = function == state->functions.end() ? nullptr : resolve(*function->second, version->first);
        if (configuration && (compared.is(function->second) || spec_of(*configuration, state->scope) == pool->spec())) {
          compared = function->second;
          ++version;
          continue;
        }
        outdated.push_back(std::move(pool));
        version = versions.erase(version);
      }
      entry = function == state->functions.end() ? entries_.erase(entry) : std::next(entry);
    }
    before = std::exchange(states_[{state->scope.account_id, state->scope.region}], std::move(state));
  }
  for (auto& pool : outdated) pool->retire();
}

void FunctionInvoker::retire_all() {
  std::scoped_lock lock(mutex_);
  for (auto& [arn, entry] : entries_)
    for (auto& [version, pool] : entry->versions) pool.pool->retire();
}

}  // namespace sallyport::lambda
