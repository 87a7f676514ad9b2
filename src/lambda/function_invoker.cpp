#include "lambda/function_invoker.hpp"

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/text.hpp"
#include "io/loop.hpp"
#include "lambda/operations.hpp"
#include "lambda/shapes.hpp"

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
  // A folder in place is the same folder with other files in it.
  for (const auto& layer : configuration.layers) spec.code_sha256 += cat(" ", layer.code_sha256);
  spec.layers_directory = layers_directory(configuration.layers, code_root_);
  spec.brings_sdk = configuration.brings_sdk || std::ranges::any_of(configuration.layers, &UsedLayer::brings_sdk);
  spec.tmp_mb = configuration.tmp_mb;
  if (configuration.logging.json) spec.log_format = "JSON";
  spec.application_log_level = configuration.logging.application_level;
  spec.system_log_level = configuration.logging.system_level;
  spec.log_group = configuration.logging.group;
  spec.timeout = configuration.timeout;
  spec.memory_mb = configuration.memory_mb;
  spec.environment = configuration.environment;
  spec.region = scope.region;
  if (const auto debugged = debugged_.find(configuration.function_arn); debugged != debugged_.end() && spec.version == "$LATEST")
    spec.debug = debugged->second;
  spec.role = configuration.role;
  spec.runtime_version_arn = runtime_version_arn(scope, configuration.runtime);
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
  return found == states_.end() ? nullptr : found->second.state;
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

Result<FunctionInvoker::Prepared, aws::ApiError> FunctionInvoker::prepare(InvokeRequest& request) {
  const auto state = state_for(request);
  if (!state) return fail(aws::ApiError{"ResourceNotFoundException", 404, cat("Function not found: ", request.function_arn)});
  auto reference = parse_function_reference(state->scope, request.function_arn);
  if (!reference) return std::unexpected(reference.error());
  const auto function = state->functions.find(reference->function_name);
  const auto* configuration =
      function == state->functions.end() ? nullptr : choose(*function->second, reference->qualifier, surroundings_.random);
  if (!configuration) {
    const auto qualifier = reference->qualifier.empty() ? std::string("$LATEST") : reference->qualifier;
    return fail(aws::ApiError{"ResourceNotFoundException", 404,
                              cat("Function not found: ", aws::function_arn(state->scope, reference->function_name, qualifier))});
  }
  if (!request.authorized && !check_permission(*state, *function->second, reference->qualifier, request.caller))
    return fail(aws::ApiError{"AccessDeniedException", 403,
                              cat(request.caller.service, " is not authorized to perform: lambda:InvokeFunction on resource: ",
                                  request.function_arn, " because no resource-based policy allows the lambda:InvokeFunction action")});
  if (request.payload.size() > limits::event_bytes_max)
    return fail(aws::ApiError{"RequestEntityTooLargeException", 413,
                              "Request must be smaller than 6291456 bytes for the InvokeFunction operation"});

  auto admitted = admit(*state, function->second, *configuration);
  if (!admitted) return std::unexpected(std::move(admitted.error()));
  if (request.request_id.empty()) request.request_id = make_uuid(surroundings_.random);
  const RequestId id(request.request_id);
  return Prepared{std::move(admitted->pool),
                  std::move(admitted->turn),
                  {id, request.function_arn, std::move(request.trace_id), std::move(request.payload), std::move(request.client_context)},
                  {id, configuration->version, std::nullopt, {}}};
}

Task<Result<InvokeResponse, aws::ApiError>> FunctionInvoker::run(io::Loop& loop, Prepared prepared, bool with_log) {
  auto& response = prepared.response;
  if (with_log) tails_.begin(response.request_id.text());
  prepared.invocation.wants_report = with_log;
  auto outcome = co_await prepared.pool->invoke(loop, std::move(prepared.invocation));
  if (with_log) response.log_tail = tails_.end(response.request_id.text());
  if (outcome.throttled)
    co_return fail(aws::ApiError{"TooManyRequestsException", 429, "Rate Exceeded.", "ConcurrentInvocationLimitExceeded"});
  if (outcome.failed) {
    response.function_error = "Unhandled";
    response.error_type = std::move(outcome.error_type);
  }
  response.payload = std::move(outcome.payload);
  co_return std::move(response);
}

Task<Result<InvokeResponse, aws::ApiError>> FunctionInvoker::invoke(io::Loop& loop, InvokeRequest request) {
  auto prepared = co_await prepare(request);
  co_return co_await attempt(run(loop, std::move(prepared), request.with_log));
}

Task<Result<StreamedResponse, aws::ApiError>> Invoker::invoke_streaming(io::Loop& loop, InvokeRequest request) {
  auto response = co_await invoke(loop, std::move(request));
  co_return StreamedResponse{std::move(response), "application/json"};
}

Task<Result<StreamedResponse, aws::ApiError>> FunctionInvoker::invoke_streaming(io::Loop& loop, InvokeRequest request) {
  auto prepared = co_await prepare(request);
  const auto stream = runtime::make_response_stream(stream_pace_);
  prepared.invocation.stream = stream;
  StreamedResponse streamed{prepared.response, {}, stream, io::Completion<Result<InvokeResponse, aws::ApiError>>()};
  auto ended = *streamed.ended;
  loop.scope().spawn([](auto running, std::shared_ptr<runtime::ResponseStream> answer, auto told) -> Task<void> {
    Result<InvokeResponse, aws::ApiError> result = fail(aws::ApiError{"ServiceException", 500, "Internal error"});
    try {
      result = co_await attempt(std::move(running));
    } catch (const std::exception&) {
      // No memory, or a broken promise: one call fails, and no other.
      answer->end({"Sandbox.Failure", {}});
    }
    // Of an answer in one piece, or of none: whoever reads waits for nothing any more.
    answer->end({});
    told.deliver(std::move(result));
  }(run(loop, std::move(prepared), request.with_log), stream, ended));
  if (auto head = co_await stream->head(loop)) {
    streamed.content_type = std::move(head->content_type);
    co_return streamed;
  }
  auto result = co_await ended.wait_on(loop);
  if (!result) co_return std::unexpected(std::move(result.error()));
  co_return StreamedResponse{std::move(*result), "application/json"};
}

Result<FunctionInvoker::Admitted, aws::ApiError> FunctionInvoker::admit(const State& state, const Shared<Function>& function,
                                                                        const FunctionConfiguration& configuration) {
  std::scoped_lock lock(mutex_);
  auto place = states_.find(std::pair<std::string_view, std::string_view>(state.scope.account_id, state.scope.region));
  if (place == states_.end()) place = states_.emplace(Place(state.scope.account_id, state.scope.region), Served()).first;
  auto& served = place->second;
  if (!served.state) served.unreserved = account_concurrency_;
  const Shared<Function>* serving = nullptr;
  if (served.state) {
    const auto found = served.state->functions.find(configuration.function_name);
    if (found != served.state->functions.end()) serving = &found->second;
  }
  const bool current = serving && serving->is(function);
  auto known = entries_.find(configuration.function_arn);
  // Work that began before the functions changed leaves no trace of a function that is gone.
  auto entry = known != entries_.end() ? known->second : std::make_shared<Entry>();
  if (known == entries_.end() && serving) entries_.emplace(configuration.function_arn, entry);

  auto turn = Admission{serving ? **serving : *function, configuration.version, served.unreserved}.take(served.load, entry->load);
  if (!turn) return std::unexpected(std::move(turn.error()));

  const auto version = entry->versions.find(configuration.version);
  if (version != entry->versions.end() && version->second.function.is(function)) return Admitted{version->second.pool, std::move(*turn)};
  auto spec = spec_of(configuration, state.scope);
  if (version != entry->versions.end() && version->second.pool->spec() == spec) {
    if (current) version->second.function = function;
    return Admitted{version->second.pool, std::move(*turn)};
  }
  auto pool = make_pool(std::move(spec));
  if (current) {
    if (version != entry->versions.end()) version->second.pool->retire();
    entry->versions.insert_or_assign(configuration.version, VersionPool{function, pool});
  } else {
    // It ends with the old code, in an environment that nobody uses afterwards.
    pool->retire();
  }
  return Admitted{std::move(pool), std::move(*turn)};
}

std::shared_ptr<runtime::Pool> FunctionInvoker::make_pool(runtime::FunctionSpec spec) {
  if (pools_.size() > 2 * pools_looked_at_) {
    std::erase_if(pools_, [](const auto& each) { return each.expired(); });
    pools_looked_at_ = pools_.size() + 1;
  }
  auto pool = std::make_shared<runtime::Pool>(std::move(spec), surroundings_, capacity_);
  pools_.push_back(pool);
  return pool;
}

std::set<std::string> FunctionInvoker::code_in_use() const {
  std::vector<std::shared_ptr<const State>> states;
  std::vector<std::shared_ptr<runtime::Pool>> pools;
  {
    // Both at once: work that lets its state go has a pool by then.
    std::scoped_lock lock(mutex_);
    for (const auto& each : published_)
      if (auto living = each.lock()) states.push_back(std::move(living));
    for (const auto& each : pools_)
      if (auto living = each.lock()) pools.push_back(std::move(living));
  }
  auto used = lambda::code_in_use(states);
  const auto root = cat(code_root_, "/");
  for (const auto& pool : pools)
    for (const auto* folder : {&pool->spec().code_directory, &pool->spec().layers_directory})
      if (folder->starts_with(root)) used.insert(folder->substr(root.size()));
  return used;
}

void FunctionInvoker::publish(std::shared_ptr<const State> state) {
  std::vector<std::shared_ptr<runtime::Pool>> outdated, renewed;
  std::vector<Provisioning> provisioning;
  std::shared_ptr<const State> before;  // all die outside the lock
  {
    std::scoped_lock lock(mutex_);
    const auto prefix = aws::function_arn(state->scope, "");
    for (auto entry = entries_.lower_bound(prefix); entry != entries_.end() && entry->first.starts_with(prefix);) {
      const auto function = state->functions.find(std::string_view(entry->first).substr(prefix.size()));
      auto& versions = entry->second->versions;
      for (auto version = versions.begin(); version != versions.end();) {
        auto& compared = version->second.function;
        auto& pool = version->second.pool;
        const auto* configuration = function == state->functions.end() ? nullptr : resolve(*function->second, version->first);
        if (configuration && (compared.is(function->second) || spec_of(*configuration, state->scope) == pool->spec())) {
          compared = function->second;
          ++version;
          continue;
        }
        outdated.push_back(std::move(pool));
        if (configuration && (renews_ || debugged_.contains(entry->first))) {
          version->second = {function->second, make_pool(spec_of(*configuration, state->scope))};
          renewed.push_back(version->second.pool);
          ++version;
          continue;
        }
        version = versions.erase(version);
      }
      entry = function == state->functions.end() ? entries_.erase(entry) : std::next(entry);
    }
    auto& served = states_[{state->scope.account_id, state->scope.region}];
    served.unreserved = unreserved_concurrency(*state, account_concurrency_);
    provisioning = provision(*state);
    std::erase_if(published_, [](const auto& each) { return each.expired(); });
    published_.push_back(state);
    before = std::exchange(served.state, std::move(state));
  }
  for (auto& pool : outdated) pool->retire();
  for (auto& [pool, count] : provisioning) pool->provision(*background_, count);
  for (auto& pool : renewed) start_one(std::move(pool));
}

std::vector<FunctionInvoker::Provisioning> FunctionInvoker::provision(const State& state) {
  std::vector<Provisioning> out;
  if (!background_) return out;
  for (const auto& [name, function] : state.functions)
    for (const auto& [version, count] : provisioned_versions(*function)) {
      const auto arn = aws::function_arn(state.scope, name);
      auto known = entries_.find(arn);
      if (known == entries_.end()) known = entries_.emplace(arn, std::make_shared<Entry>()).first;
      auto& pool = known->second->versions[version];
      if (!pool.pool) pool = {function, make_pool(spec_of(*resolve(*function, version), state.scope))};
      if (std::exchange(pool.provisioned, count) != count) out.push_back({pool.pool, count});
    }
  // And those that no longer are.
  const auto prefix = aws::function_arn(state.scope, "");
  for (auto entry = entries_.lower_bound(prefix); entry != entries_.end() && entry->first.starts_with(prefix); ++entry)
    for (auto& [version, pool] : entry->second->versions) {
      if (pool.provisioned == 0) continue;
      const auto function = state.functions.find(std::string_view(entry->first).substr(prefix.size()));
      if (function != state.functions.end() && provisioned_versions(*function->second).contains(version)) continue;
      pool.provisioned = 0;
      out.push_back({pool.pool, 0});
    }
  return out;
}

void FunctionInvoker::set_background_loop(io::Loop& loop) {
  std::vector<Provisioning> provisioning;
  {
    std::scoped_lock lock(mutex_);
    background_ = &loop;
    for (const auto& [place, served] : states_)
      if (served.state) std::ranges::move(provision(*served.state), std::back_inserter(provisioning));
  }
  for (auto& [pool, count] : provisioning) pool->provision(loop, count);
}

Readiness FunctionInvoker::readiness(std::string_view function_arn, std::string_view version) const {
  std::shared_ptr<runtime::Pool> pool;
  {
    std::scoped_lock lock(mutex_);
    const auto entry = entries_.find(function_arn);
    if (entry == entries_.end()) return {};
    const auto found = entry->second->versions.find(version);
    if (found == entry->second->versions.end()) return {};
    pool = found->second.pool;
  }
  auto state = pool->provisioned();
  return {state.ready, std::move(state.failure)};
}

void FunctionInvoker::retire_all() {
  std::scoped_lock lock(mutex_);
  for (auto& [arn, entry] : entries_)
    for (auto& [version, pool] : entry->versions) pool.pool->retire();
}

}  // namespace sallyport::lambda
