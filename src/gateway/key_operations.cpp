// API keys, usage plans, the account, tags.
#include <algorithm>

#include "gateway/api_error.hpp"
#include "gateway/operations.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::size_t key_value_bytes_min = 20, key_value_bytes_max = 128, tags_max = 50;

std::unexpected<aws::ApiError> no_such_key() { return not_found("Invalid API Key identifier specified"); }
std::unexpected<aws::ApiError> no_such_plan() { return not_found("Invalid Usage Plan ID specified"); }

Answer<> check_quota(const QuotaSettings& quota) {
  if (quota.period != "DAY" && quota.period != "WEEK" && quota.period != "MONTH")
    return bad_request("Usage Plan quota period must be one of: [DAY, WEEK, MONTH]");
  if (quota.limit <= 0) return bad_request("Usage Plan quota limit must be greater than 0");
  const int offset_max = quota.period == "DAY" ? 0 : quota.period == "WEEK" ? 6 : 27;
  if (quota.offset < 0 || quota.offset > offset_max)
    return bad_request(cat("Usage Plan quota offset must be between 0 and ", offset_max, " for the period ", quota.period));
  return {};
}

Answer<> check_throttle(const ThrottleSettings& throttle) {
  if (throttle.rate_limit < 0 || throttle.burst_limit < 0) return bad_request("Usage Plan throttle limits must not be negative");
  return {};
}

/// rateLimit or burstLimit.
Answer<> patch_throttle(ThrottleSettings& throttle, const PatchStep& step, std::string_view member) {
  if (member == "burstLimit") {
    const auto value = patch_integer(step);
    if (!value) return std::unexpected(value.error());
    throttle.burst_limit = *value;
    return {};
  }
  if (member != "rateLimit") return bad_request(cat("Invalid patch path  '", step.path, "' specified for op '", name_of(step.verb), "'"));
  const auto value = patch_number(step);
  if (!value) return std::unexpected(value.error());
  throttle.rate_limit = *value;
  return {};
}

Answer<> patch_quota(UsagePlan& plan, const PatchStep& step) {
  auto quota = plan.quota.value_or(QuotaSettings{});
  if (step.names[0] == "period") {
    quota.period = step.value;
  } else {
    const auto value = patch_integer(step);
    if (!value) return std::unexpected(value.error());
    if (step.names[0] == "limit")
      quota.limit = *value;
    else if (step.names[0] == "offset")
      quota.offset = *value;
    else
      return bad_request(cat("Invalid patch path  '", step.path, "' specified for op '", name_of(step.verb), "'"));
  }
  plan.quota = std::move(quota);
  return {};
}

}  // namespace

Answer<const ApiKey*> Operations::create_api_key(CreateApiKeyRequest request) {
  if (request.value.size() < key_value_bytes_min)
    return bad_request(cat("API Key value should be at least ", key_value_bytes_min, " characters"));
  if (request.value.size() > key_value_bytes_max)
    return bad_request(cat("API Key value exceeds maximum size of ", key_value_bytes_max, " characters"));
  for (const auto& [id, key] : state_.api_keys)
    if (key->value == request.value) return conflict("API Key already exists");
  ApiKey key;
  key.id = request.id;
  key.value = std::move(request.value);
  key.name = std::move(request.name);
  key.description = std::move(request.description);
  key.customer_id = std::move(request.customer_id);
  key.enabled = request.enabled;
  key.tags = std::move(request.tags);
  key.created = key.updated = now_;
  auto& kept = state_.api_keys[request.id];
  kept = std::move(key);
  return &*kept;
}

Answer<> Operations::update_api_key(const std::string& id, const PatchOperations& patch) {
  const auto found = state_.api_keys.find(id);
  if (found == state_.api_keys.end()) return no_such_key();
  using enum PatchVerb;
  const std::vector<PatchRule<ApiKey>> rules = {
      {"/name", {replace}, patch_text(&ApiKey::name)},
      {"/description", {replace}, patch_text(&ApiKey::description)},
      {"/enabled", {replace}, patch_flag(&ApiKey::enabled)},
      {"/customerId", {replace}, patch_text(&ApiKey::customer_id)},
      {"/stages",
       {add, remove},
       [](ApiKey&, const PatchStep&) -> Answer<> { return unsupported("stages of API keys are not supported: use a usage plan"); }},
  };
  auto& key = found->second.edit();
  key.updated = now_;
  return apply_patch(key, patch, rules);
}

Answer<> Operations::delete_api_key(const std::string& id) {
  if (state_.api_keys.erase(id) == 0) return no_such_key();
  for (auto& [plan_id, plan] : state_.usage_plans)
    if (std::find(plan->keys.begin(), plan->keys.end(), id) != plan->keys.end()) std::erase(plan.edit().keys, id);
  return {};
}

// `api:stage`, as patches have it.
Answer<PlanStage> Operations::find_plan_stage(std::string_view api_and_stage) const {
  const auto colon = api_and_stage.find(':');
  PlanStage stage{std::string(api_and_stage.substr(0, colon)),
                  colon == std::string_view::npos ? std::string() : std::string(api_and_stage.substr(colon + 1)),
                  {}};
  const auto api = state_.apis.find(stage.api_id);
  if (api == state_.apis.end() || !api->second->stages.contains(stage.stage)) return not_found(cat("API Stage not found: ", api_and_stage));
  return stage;
}

Answer<> Operations::check_plan_stages(const std::vector<PlanStage>& stages) const {
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (auto found = find_plan_stage(cat(stages[i].api_id, ":", stages[i].stage)); !found) return std::unexpected(found.error());
    for (std::size_t j = 0; j < i; ++j)
      if (stages[j].api_id == stages[i].api_id && stages[j].stage == stages[i].stage)
        return conflict(cat("API Stage ", stages[i].api_id, ":", stages[i].stage, " is in the Usage Plan already"));
    for (const auto& [method, throttle] : stages[i].throttles)
      if (auto good = check_throttle(throttle); !good) return good;
  }
  return {};
}

void Operations::leave_plans(const std::string& api_id, const std::string& stage) {
  const auto is_it = [&](const PlanStage& each) { return each.api_id == api_id && (stage.empty() || each.stage == stage); };
  for (auto& [id, plan] : state_.usage_plans)
    if (std::any_of(plan->stages.begin(), plan->stages.end(), is_it)) std::erase_if(plan.edit().stages, is_it);
}

// Otherwise it would be anyone's guess by which plan a key is held.
Answer<> Operations::check_keys_of(const UsagePlan& plan) const {
  const auto has_stage_of = [&](const UsagePlan& other) {
    return std::any_of(other.stages.begin(), other.stages.end(), [&](const PlanStage& theirs) {
      return std::any_of(plan.stages.begin(), plan.stages.end(),
                         [&](const PlanStage& ours) { return ours.api_id == theirs.api_id && ours.stage == theirs.stage; });
    });
  };
  for (const auto& [id, other] : state_.usage_plans) {
    if (id == plan.id || !has_stage_of(*other)) continue;
    for (const auto& key : other->keys)
      if (std::find(plan.keys.begin(), plan.keys.end(), key) != plan.keys.end())
        return conflict(cat("API Key ", key, " is in the Usage Plan ", id, " already, which has one of the same API Stages"));
  }
  return {};
}

Answer<const UsagePlan*> Operations::create_usage_plan(CreateUsagePlanRequest request) {
  if (request.name.empty()) return bad_request("Usage Plan name cannot be empty");
  if (auto good = check_plan_stages(request.stages); !good) return std::unexpected(good.error());
  if (request.throttle)
    if (auto good = check_throttle(*request.throttle); !good) return std::unexpected(good.error());
  if (request.quota)
    if (auto good = check_quota(*request.quota); !good) return std::unexpected(good.error());
  UsagePlan plan;
  plan.id = request.id;
  plan.name = std::move(request.name);
  plan.description = std::move(request.description);
  plan.stages = std::move(request.stages);
  plan.throttle = request.throttle;
  plan.quota = std::move(request.quota);
  plan.tags = std::move(request.tags);
  auto& kept = state_.usage_plans[request.id];
  kept = std::move(plan);
  return &*kept;
}

Answer<> Operations::update_usage_plan(const std::string& id, const PatchOperations& patch) {
  const auto found = state_.usage_plans.find(id);
  if (found == state_.usage_plans.end()) return no_such_plan();
  using enum PatchVerb;
  const auto stage_of = [](UsagePlan& plan, std::string_view name) -> PlanStage* {
    for (auto& stage : plan.stages)
      if (cat(stage.api_id, ":", stage.stage) == name) return &stage;
    return nullptr;
  };
  const std::vector<PatchRule<UsagePlan>> rules = {
      {"/name", {replace}, patch_text(&UsagePlan::name)},
      {"/description", {replace}, patch_text(&UsagePlan::description)},
      {"/productCode", {replace, remove}, patch_text(&UsagePlan::product_code)},
      {"/throttle/{limit}",
       {add, replace},
       [](UsagePlan& plan, const PatchStep& step) {
         if (!plan.throttle) plan.throttle.emplace();
         return patch_throttle(*plan.throttle, step, step.names[0]);
       }},
      {"/throttle", {remove}, [](UsagePlan& plan, const PatchStep&) { return plan.throttle.reset(), Answer<>(); }},
      {"/quota/{member}", {add, replace}, patch_quota},
      {"/quota", {remove}, [](UsagePlan& plan, const PatchStep&) { return plan.quota.reset(), Answer<>(); }},
      {"/apiStages",
       {add, remove},
       [&](UsagePlan& plan, const PatchStep& step) -> Answer<> {
         if (step.verb == remove) {
           const auto* there = stage_of(plan, step.value);
           if (!there) return not_found(cat("API Stage not found: ", step.value));
           plan.stages.erase(plan.stages.begin() + (there - plan.stages.data()));
           return {};
         }
         auto stage = find_plan_stage(step.value);
         if (!stage) return std::unexpected(stage.error());
         plan.stages.push_back(std::move(*stage));
         return {};
       }},
      // `/apiStages/api:stage/throttle/path~1to/GET/rateLimit`; removed with all limits of the stage or of one method.
      {"/apiStages/{api_stage}/throttle",
       {remove},
       [&](UsagePlan& plan, const PatchStep& step) -> Answer<> {
         auto* stage = stage_of(plan, step.names[0]);
         if (!stage) return not_found(cat("API Stage not found: ", step.names[0]));
         stage->throttles.clear();
         return {};
       }},
      {"/apiStages/{api_stage}/throttle/{method}",
       {add, replace, remove},
       [&](UsagePlan& plan, const PatchStep& step) -> Answer<> {
         auto* stage = stage_of(plan, step.names[0]);
         if (!stage) return not_found(cat("API Stage not found: ", step.names[0]));
         const std::string_view rest = step.names[1];
         if (step.verb == remove) {
           if (stage->throttles.erase(std::string(rest)) == 0) return not_found(cat("Method throttle not found: ", rest));
           return {};
         }
         const auto slash = rest.rfind('/');
         if (slash == std::string_view::npos)
           return bad_request(cat("Invalid patch path  '", step.path, "' specified for op '", name_of(step.verb), "'"));
         return patch_throttle(stage->throttles[std::string(rest.substr(0, slash))], step, rest.substr(slash + 1));
       }},
  };
  auto& plan = found->second.edit();
  if (auto good = apply_patch(plan, patch, rules); !good) return good;
  if (plan.throttle)
    if (auto good = check_throttle(*plan.throttle); !good) return good;
  if (plan.quota)
    if (auto good = check_quota(*plan.quota); !good) return good;
  if (auto good = check_plan_stages(plan.stages); !good) return good;
  return check_keys_of(plan);
}

Answer<> Operations::delete_usage_plan(const std::string& id) {
  const auto found = state_.usage_plans.find(id);
  if (found == state_.usage_plans.end()) return no_such_plan();
  if (!found->second->stages.empty())
    return bad_request(cat("Cannot delete Usage Plan ", id, " because API Stages are associated with it."));
  state_.usage_plans.erase(found);
  return {};
}

Answer<const ApiKey*> Operations::create_usage_plan_key(const std::string& usage_plan_id, const std::string& key_id,
                                                        const std::string& key_type) {
  const auto plan = state_.usage_plans.find(usage_plan_id);
  if (plan == state_.usage_plans.end()) return no_such_plan();
  if (key_type != "API_KEY") return bad_request("Usage plan key type must be API_KEY");
  const auto key = state_.api_keys.find(key_id);
  if (key == state_.api_keys.end()) return no_such_key();
  if (std::find(plan->second->keys.begin(), plan->second->keys.end(), key_id) != plan->second->keys.end())
    return conflict(cat("Usage Plan Key ", key_id, " already exists"));
  auto with_key = *plan->second;
  with_key.keys.push_back(key_id);
  if (auto good = check_keys_of(with_key); !good) return std::unexpected(good.error());
  plan->second.edit() = std::move(with_key);
  return &*key->second;
}

Answer<> Operations::delete_usage_plan_key(const std::string& usage_plan_id, const std::string& key_id) {
  const auto plan = state_.usage_plans.find(usage_plan_id);
  if (plan == state_.usage_plans.end()) return no_such_plan();
  if (std::erase(plan->second.edit().keys, key_id) == 0) return not_found("Invalid Usage Plan Key identifier specified");
  return {};
}

Answer<> Operations::update_account(const PatchOperations& patch) {
  using enum PatchVerb;
  const std::vector<PatchRule<AccountSettings>> rules = {
      {"/cloudwatchRoleArn",
       {replace, remove},
       [](AccountSettings& account, const PatchStep& step) -> Answer<> {
         if (step.verb == replace && !step.value.empty() && !aws::parse_arn(step.value))
           return bad_request(
               "The role ARN does not have required permissions configured. Please grant trust permission for API Gateway "
               "and add the required role policy.");
         account.cloudwatch_role_arn = step.verb == remove ? std::string() : step.value;
         return {};
       }},
      // UsagePlans is a feature every account has.
      {"/features",
       {add, remove},
       [](AccountSettings&, const PatchStep& step) -> Answer<> {
         if (step.verb == add && step.value == "UsagePlans") return {};
         return bad_request("Only the feature UsagePlans exists, and it cannot be removed");
       }},
  };
  return apply_patch(state_.account, patch, rules);
}

namespace {

enum class TaggedKind : std::uint8_t { rest_api, stage, api_key, usage_plan, domain_name };
struct Tagged {
  TaggedKind kind;
  std::string id;
  std::string stage = {};
};

Answer<Tagged> find_tagged(const State& state, std::string_view text) {
  const auto arn = aws::parse_arn(text);
  if (!arn || arn->service != "apigateway" || arn->region != state.scope.region || !arn->account_id.empty() ||
      !arn->resource.starts_with('/'))
    return bad_request("Invalid ARN specified in the request");
  const auto parts = split(arn->resource.substr(1), '/');
  const auto is = [&](std::string_view collection, std::size_t count) { return parts[0] == collection && parts.size() == count; };
  if (is("restapis", 2) || (is("restapis", 4) && parts[2] == "stages")) {
    const auto api = state.apis.find(parts[1]);
    if (api == state.apis.end()) return not_found(cat("Invalid API identifier specified ", state.scope.account_id, ":", parts[1]));
    if (parts.size() == 2) return Tagged{TaggedKind::rest_api, std::string(parts[1])};
    if (api->second->stages.find(parts[3]) == api->second->stages.end()) return not_found("Invalid stage identifier specified");
    return Tagged{TaggedKind::stage, std::string(parts[1]), std::string(parts[3])};
  }
  if (is("apikeys", 2)) {
    if (!state.api_keys.contains(parts[1])) return no_such_key();
    return Tagged{TaggedKind::api_key, std::string(parts[1])};
  }
  if (is("usageplans", 2)) {
    if (!state.usage_plans.contains(parts[1])) return no_such_plan();
    return Tagged{TaggedKind::usage_plan, std::string(parts[1])};
  }
  if (is("domainnames", 2)) {
    if (!state.domains.contains(parts[1])) return not_found("Invalid domain name identifier specified");
    return Tagged{TaggedKind::domain_name, std::string(parts[1])};
  }
  return bad_request("Invalid ARN specified in the request");
}

Answer<TextMap*> find_tags(State& state, std::string_view arn) {
  const auto tagged = find_tagged(state, arn);
  if (!tagged) return std::unexpected(tagged.error());
  switch (tagged->kind) {
    case TaggedKind::rest_api: return &state.apis.at(tagged->id).edit().tags;
    case TaggedKind::stage: return &state.apis.at(tagged->id).edit().stages.at(tagged->stage).tags;
    case TaggedKind::api_key: return &state.api_keys.at(tagged->id).edit().tags;
    case TaggedKind::usage_plan: return &state.usage_plans.at(tagged->id).edit().tags;
    case TaggedKind::domain_name: return &state.domains.at(tagged->id).edit().tags;
  }
  return bad_request("Invalid ARN specified in the request");
}

}  // namespace

Answer<TextMap> tags_of(const State& state, std::string_view arn) {
  const auto tagged = find_tagged(state, arn);
  if (!tagged) return std::unexpected(tagged.error());
  switch (tagged->kind) {
    case TaggedKind::rest_api: return state.apis.at(tagged->id)->tags;
    case TaggedKind::stage: return state.apis.at(tagged->id)->stages.at(tagged->stage).tags;
    case TaggedKind::api_key: return state.api_keys.at(tagged->id)->tags;
    case TaggedKind::usage_plan: return state.usage_plans.at(tagged->id)->tags;
    case TaggedKind::domain_name: return state.domains.at(tagged->id)->tags;
  }
  return TextMap();
}

Answer<> Operations::tag_resource(std::string_view arn, const TextMap& tags) {
  const auto found = find_tags(state_, arn);
  if (!found) return std::unexpected(found.error());
  for (const auto& [key, value] : tags) (*found)->insert_or_assign(key, value);
  if ((*found)->size() > tags_max)
    return fail(aws::ApiError{"LimitExceededException", 429, cat("A resource can have at most ", tags_max, " tags")});
  return {};
}

Answer<> Operations::untag_resource(std::string_view arn, const std::vector<std::string>& keys) {
  const auto found = find_tags(state_, arn);
  if (!found) return std::unexpected(found.error());
  for (const auto& key : keys) (*found)->erase(key);
  return {};
}

}  // namespace sallyport::gateway
