#include "app/estate.hpp"

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "cloudformation/replace.hpp"
#include "gateway/api_service.hpp"
#include "http_api/api_service_domains.hpp"
#include "iam/operations.hpp"
#include "iam/service.hpp"
#include "lambda/service.hpp"
#include "logs/service.hpp"
#include "openapi/api_service.hpp"

namespace sallyport::app {
namespace {

/// The resource policy of what an ARN names, as the doors would read it.
std::optional<policy::Document> policy_of_function(const lambda::State& state, std::string_view resource) {
  const auto parts = split(resource, ':');  // function:name[:qualifier]
  if (parts.size() < 2) return std::nullopt;
  const auto function = state.functions.find(parts[1]);
  if (function == state.functions.end()) return std::nullopt;
  const auto policy = function->second->policies.find(parts.size() > 2 ? std::string(parts[2]) : std::string());
  return policy == function->second->policies.end() ? std::nullopt : policy->second.document;
}

std::optional<policy::Document> policy_of_api(const gateway::Stages& stages, std::string_view resource) {
  const auto parts = split(resource, '/');  // api/stage/verb/path
  if (parts.size() < 2) return std::nullopt;
  const auto pinned = stages.pin(parts[0], parts[1]);
  return pinned.stage && pinned.stage->resource_policy ? pinned.stage->resource_policy->document : std::nullopt;
}

/// A condition key of a question. What the request or the principal settles is not said twice.
Result<> take_key(const std::string& key, const std::string& value, control::Circumstances& circumstances, control::Access& access) {
  struct Row {
    std::string_view name;
    std::string control::Circumstances::* field;
  };
  static constexpr Row rows[] = {{"aws:SourceIp", &control::Circumstances::peer_address},
                                 {"aws:UserAgent", &control::Circumstances::user_agent},
                                 {"aws:Referer", &control::Circumstances::referer},
                                 {"aws:RequestedRegion", &control::Circumstances::region}};
  for (const auto& row : rows)
    if (equals_ignoring_case(key, row.name)) return circumstances.*row.field = value, Result<>();
  if (equals_ignoring_case(key, "aws:SecureTransport")) return circumstances.secure_transport = value == "true", Result<>();
  if (equals_ignoring_case(key, "aws:CurrentTime")) {
    const auto time = parse_iso8601(value);
    if (!time) return fail("aws:CurrentTime must look like 2026-11-25T10:00:00Z");
    circumstances.now = *time;
    return {};
  }
  for (const auto settled : {"aws:EpochTime", "aws:username", "aws:userid", "aws:TokenIssueTime", "aws:MultiFactorAuthPresent"})
    if (equals_ignoring_case(key, settled)) return fail(cat(key, " follows from the principal or from aws:CurrentTime"));
  if (starts_with_ignoring_case(key, "aws:Principal")) return fail(cat(key, " follows from the principal"));
  access.context.push_back({key, {value}});
  return {};
}

}  // namespace

Estate::Estate(const Ground& ground)
    : ground_(ground),
      iam_("iam", ground.store, [this](auto state) { ground_.directory.publish(std::move(state)); }),
      lambda_("lambda", ground.store,
              [this](auto state) {
                ground_.urls.publish(state);
                for (const auto& [name, function] : state->functions) ground_.reserve->want(function->latest.runtime);
                ground_.invoker.publish(std::move(state));
                if (sweeper_) sweeper_->wake();
              }),
      gateway_("apigateway", ground.store,
               [this](auto state) {
                 ground_.stages.publish(*state);
                 ground_.usage.keep_only(*state);
                 ground_.domains.publish(std::move(state));
               }),
      http_apis_("apigatewayv2", ground.store, [this](auto state) { ground_.http_stages.publish(*state); }) {}

Result<> Estate::load() {
  if (auto read = iam_.load(); !read) return read;
  if (const auto unopened = ground_.directory.unopened_keys(); !unopened.empty())
    return fail(cat("the secrets of ", unopened.size(), " access keys do not open with this folder's master key, ", unopened.front(),
                    " among them"));
  if (auto read = lambda_.load(); !read) return read;
  if (auto read = ground_.usage.load(ground_.store); !read) return read;
  if (auto read = gateway_.load(); !read) return read;
  if (auto read = http_apis_.load(); !read) return read;
  if (auto read = ground_.user_pools.load(); !read) return read;
  if (auto read = ground_.logs.load(); !read) return read;
  ground_.code.sweep(lambda::code_in_use(lambda_.all()));
  sweeper_.emplace(ground_.code,
                   [this] { return lambda::CodeStore::Uses{lambda::code_in_use(lambda_.all()), ground_.invoker.code_in_use()}; });
  return {};
}

void Estate::serve(control::ControlPlane& control_plane, const gateway::Services& gateway_services) {
  const iam::Parts iam_parts{iam_, ground_.directory, ground_.store, ground_.random};
  control_plane.add(iam::make_iam_service(iam_parts));
  control_plane.add(iam::make_sts_service(iam_parts));
  control_plane.add(lambda::make_service({lambda_, ground_.code, ground_.invoker, ground_.events, ground_.package_links, ground_.roles,
                                          ground_.random, ground_.lambda_limits}));
  auto rest_apis = gateway::make_service(gateway_, gateway_services);
  openapi::add_import_operations(rest_apis, gateway_, ground_.random);
  control_plane.add(std::move(rest_apis));
  auto http_apis = http_api::make_service(http_apis_, ground_.random);
  http_api::add_domain_operations(http_apis, gateway_, http_apis_, gateway_services.settings.truststores, ground_.random);
  openapi::add_import_operations(http_apis, http_apis_, ground_.random);
  control_plane.add(std::move(http_apis));
  ground_.user_pools.serve(control_plane);
  control_plane.add(logs::make_service(ground_.logs));
}

Estate::Present Estate::present(const aws::Scope& scope) const {
  return {ground_.user_pools.ledger().read(scope), gateway_.read(scope), lambda_.read(scope)};
}

control::Answer<> Estate::replace_stack(const cloudformation::Stack& before, const cloudformation::Stack& after) {
  const auto& scope = after.lambda.scope;
  const auto principals = iam_.write_and_wait(after.iam.scope, [&](iam::State& draft) -> control::Answer<json::Value> {
    if (auto replaced = iam::replace_declared(draft, before.iam, after.iam); !replaced) return std::unexpected(replaced.error());
    return json::Value();
  });
  if (!principals) return principals;
  // What the new APIs call is there before they are, and what the old ones call until they are gone.
  auto functions = lambda_.write_and_wait(scope, [&](lambda::State& draft) -> control::Answer<json::Value> {
    cloudformation::add_layers(draft, after.lambda);
    for (const auto& [name, function] : after.lambda.functions) draft.functions.insert_or_assign(name, function);
    return json::Value();
  });
  if (!functions) return functions;
  remember_logical_ids(after);
  const auto none = json::Value();
  // Pools before the APIs whose authorizers name them. A domain is one pool's in all accounts.
  const auto everybody = ground_.user_pools.ledger().all();
  auto pools = ground_.user_pools.ledger().write_and_wait(scope, [&](cognito::State& draft) -> control::Answer<json::Value> {
    auto replaced =
        cloudformation::replace_user_pools(draft, before.cognito, after.cognito, ground_.random, ground_.clock.wall_now(), everybody);
    if (!replaced) return std::unexpected(std::move(replaced.error()));
    return none;
  });
  if (!pools) return pools;
  auto apis = gateway_.write_and_wait(scope, [&](gateway::State& draft) -> control::Answer<json::Value> {
    if (auto replaced = cloudformation::replace_apis(draft, before.gateway, after.gateway); !replaced)
      return std::unexpected(std::move(replaced.error()));
    return none;
  });
  if (!apis) return apis;
  auto http_apis = http_apis_.write_and_wait(scope, [&](http_api::State& draft) -> control::Answer<json::Value> {
    cloudformation::replace_http_apis(draft, before.http_api, after.http_api);
    return none;
  });
  if (!http_apis) return http_apis;
  return lambda_.write_and_wait(scope, [&](lambda::State& draft) -> control::Answer<json::Value> {
    for (const auto& [name, function] : before.lambda.functions)
      if (!after.lambda.functions.contains(name)) draft.functions.erase(name);
    cloudformation::remove_layers(draft, before.lambda, after.lambda);
    return json::Value();
  });
}

void Estate::remember_logical_ids(const cloudformation::Stack& stack) {
  std::map<std::string, std::string, std::less<>> ids;
  for (const auto& [name, id] : stack.sources.function_ids)
    if (const auto function = stack.lambda.functions.find(name); function != stack.lambda.functions.end())
      ids.emplace(function->second->latest.function_arn, id);
  std::scoped_lock lock(mutex_);
  logical_ids_ = std::move(ids);
}

std::vector<DebugSessions::Function> Estate::functions() const {
  std::vector<DebugSessions::Function> out;
  for (const auto& state : lambda_.all())
    for (const auto& [name, function] : state->functions) out.push_back({name, function->latest.function_arn, function->latest.runtime});
  std::scoped_lock lock(mutex_);
  for (auto& each : out)
    if (const auto known = logical_ids_.find(each.arn); known != logical_ids_.end()) each.logical_id = known->second;
  return out;
}

Result<json::Value> Estate::can(const Admin::Question& question) const {
  const auto caller = ground_.directory.caller_of(question.principal);
  if (!caller) return fail(cat("there is no principal ", question.principal, "; give the ARN of a user or role"));
  const auto arn = aws::parse_arn(question.resource);
  if (!arn && question.resource != "*") return fail(cat("`", question.resource, "` is no ARN"));
  control::Access access{question.action, question.resource};
  access.resource_account_id = arn && !arn->account_id.empty() ? std::string(arn->account_id) : caller->account_id;
  control::Circumstances circumstances;
  circumstances.now = ground_.clock.wall_now();
  circumstances.peer_address = "127.0.0.1";
  if (arn) circumstances.region = std::string(arn->region);
  for (const auto& [key, value] : question.context)
    if (auto taken = take_key(key, value, circumstances, access); !taken) return std::unexpected(taken.error());
  if (arn) {
    const aws::Scope scope{access.resource_account_id, std::string(arn->region), std::string(arn->partition)};
    if (arn->service == "lambda") access.resource_policy = policy_of_function(*lambda_.read(scope), arn->resource);
    if (arn->service == "execute-api") access.resource_policy = policy_of_api(ground_.stages, arn->resource);
  }
  const auto verdict = ground_.directory.decide(*caller, access, circumstances);
  json::Value out;
  out.set("allowed", static_cast<bool>(verdict));
  out.set("principal", caller->arn);
  out.set("action", access.action);
  out.set("resource", access.resource);
  if (!verdict) out.set("message", control::denial_message(*caller, access, verdict));
  out.set("decision", ground_.directory.explain(*caller, access, circumstances));
  return out;
}

}  // namespace sallyport::app
