// API keys, usage plans, the account, tags.
#include "gateway/api_binding.hpp"
#include "gateway/description.hpp"

namespace sallyport::gateway {
namespace {

using json::Value;
using wire::Parameters;

constexpr std::size_t key_id_size = 10, plan_id_size = 6, key_value_size = 40;

Answer<Value> show_key(const State& state, const Parameters& in, bool with_value) {
  const auto key = look_up_key(state, in.required("apiKey"));
  if (!key) return std::unexpected(key.error());
  return describe(**key, with_value);
}

Answer<Value> show_plan(const State& state, const Parameters& in) {
  const auto plan = look_up_plan(state, in.required("usagePlanId"));
  if (!plan) return std::unexpected(plan.error());
  return describe(**plan);
}

ThrottleSettings throttle_of(const Parameters& in) {
  return {in.number("rateLimit").value_or(0), integer_of(in, "burstLimit").value_or(0)};
}

Answer<Value> create_key(Change& change) {
  const auto& in = change.in;
  CreateApiKeyRequest request;
  request.id = change.new_id(key_id_size);
  request.value = in.text_or("value", "");
  if (request.value.empty())
    request.value = make_id(change.random, key_value_size, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
  request.name = in.text_or("name", "");
  request.description = in.text_or("description", "");
  request.customer_id = in.text_or("customerId", "");
  request.enabled = in.boolean("enabled").value_or(false);
  request.tags = in.text_map("tags").value_or(TextMap());
  in.boolean("generateDistinctId");  // ids and values are always distinct
  const auto made = change.operations.create_api_key(std::move(request));
  if (!made) return std::unexpected(made.error());
  return describe(**made, true);
}

Answer<Value> create_plan(Change& change) {
  const auto& in = change.in;
  CreateUsagePlanRequest request;
  request.id = change.new_id(plan_id_size);
  request.name = in.required("name");
  request.description = in.text_or("description", "");
  request.tags = in.text_map("tags").value_or(TextMap());
  for (const auto& one : in.structures("apiStages").value_or(std::vector<Parameters>())) {
    PlanStage stage{one.required("apiId"), one.required("stage"), {}};
    if (const auto throttles = one.structure_map("throttle"))
      for (const auto& [method, throttle] : *throttles) stage.throttles.emplace(method, throttle_of(throttle));
    request.stages.push_back(std::move(stage));
  }
  if (const auto throttle = in.structure("throttle")) request.throttle = throttle_of(*throttle);
  if (const auto quota = in.structure("quota"))
    request.quota =
        QuotaSettings{integer_of(*quota, "limit").value_or(0), integer_of(*quota, "offset").value_or(0), quota->text_or("period", "")};
  const auto made = change.operations.create_usage_plan(std::move(request));
  if (!made) return std::unexpected(made.error());
  return describe(**made);
}

void bind_api_keys(Binding& binding) {
  binding.write("CreateApiKey", create_key);
  binding.read("GetApiKey",
               [](const State& state, const Parameters& in) { return show_key(state, in, in.boolean("includeValue").value_or(false)); });
  binding.read("GetApiKeys", [](const State& state, const Parameters& in) {
    const auto name = in.text_or("nameQuery", ""), customer = in.text_or("customerId", "");
    const bool with_values = in.boolean("includeValues").value_or(false);
    return page_of(state.api_keys, in, [&](const auto&, const Shared<ApiKey>& key) -> std::optional<Value> {
      if (!key->name.contains(name) || (!customer.empty() && key->customer_id != customer)) return std::nullopt;
      return describe(*key, with_values);
    });
  });
  binding.write("UpdateApiKey", [](Change& change) {
    return then_show(change.operations.update_api_key(change.in.required("apiKey"), patch_operations(change.in)), change,
                     [](const State& state, const Parameters& in) { return show_key(state, in, false); });
  });
  binding.write("DeleteApiKey",
                [](Change& change) { return then_nothing(change.operations.delete_api_key(change.in.required("apiKey"))); });
}

void bind_plans(Binding& binding) {
  binding.write("CreateUsagePlan", create_plan);
  binding.read("GetUsagePlan", show_plan);
  binding.read("GetUsagePlans", [](const State& state, const Parameters& in) {
    const auto key = in.text_or("keyId", "");
    return page_of(state.usage_plans, in, [&](const auto&, const Shared<UsagePlan>& plan) -> std::optional<Value> {
      if (!key.empty() && std::find(plan->keys.begin(), plan->keys.end(), key) == plan->keys.end()) return std::nullopt;
      return describe(*plan);
    });
  });
  binding.write("UpdateUsagePlan", [](Change& change) {
    return then_show(change.operations.update_usage_plan(change.in.required("usagePlanId"), patch_operations(change.in)), change,
                     show_plan);
  });
  binding.write("DeleteUsagePlan",
                [](Change& change) { return then_nothing(change.operations.delete_usage_plan(change.in.required("usagePlanId"))); });

  binding.write("CreateUsagePlanKey", [](Change& change) -> Answer<Value> {
    const auto& in = change.in;
    const auto key = change.operations.create_usage_plan_key(in.required("usagePlanId"), in.required("keyId"), in.required("keyType"));
    if (!key) return std::unexpected(key.error());
    return describe_plan_key(**key);
  });
  binding.read("GetUsagePlanKey", [](const State& state, const Parameters& in) -> Answer<Value> {
    const auto key = look_up_plan_key(state, in.required("usagePlanId"), in.required("keyId"));
    if (!key) return std::unexpected(key.error());
    return describe_plan_key(**key);
  });
  // An unknown plan has no keys, on AWS too.
  binding.read("GetUsagePlanKeys", [](const State& state, const Parameters& in) {
    std::map<std::string, const ApiKey*, std::less<>> keys;
    if (const auto plan = look_up_plan(state, in.required("usagePlanId")))
      for (const auto& id : (*plan)->keys)
        if (const auto key = look_up_key(state, id)) keys.emplace(id, *key);
    const auto name = in.text_or("nameQuery", "");
    return page_of(keys, in, [&](const auto&, const ApiKey* key) -> std::optional<Value> {
      if (!key->name.contains(name)) return std::nullopt;
      return describe_plan_key(*key);
    });
  });
  binding.write("DeleteUsagePlanKey", [](Change& change) {
    return then_nothing(change.operations.delete_usage_plan_key(change.in.required("usagePlanId"), change.in.required("keyId")));
  });
  // No method asks for a key, so that nothing is ever used.
  binding.read("GetUsage", [](const State& state, const Parameters& in) -> Answer<Value> {
    const auto id = in.required("usagePlanId");
    if (const auto plan = look_up_plan(state, id); !plan) return std::unexpected(plan.error());
    for (const auto name : {"keyId", "position", "limit"}) in.value(name);
    return json::Object{
        {"usagePlanId", id}, {"startDate", in.required("startDate")}, {"endDate", in.required("endDate")}, {"items", json::Object{}}};
  });
}

}  // namespace

void bind_keys(Binding& binding) {
  bind_api_keys(binding);
  bind_plans(binding);
  binding.read("GetAccount", [](const State& state, const Parameters&) -> Answer<Value> { return describe(state.account); });
  binding.write("UpdateAccount", [](Change& change) {
    return then_show(change.operations.update_account(patch_operations(change.in)), change,
                     [](const State& state, const Parameters&) -> Answer<Value> { return describe(state.account); });
  });
  binding.read("GetTags", [](const State& state, const Parameters& in) -> Answer<Value> {
    for (const auto name : {"position", "limit"}) in.value(name);  // tags are few: they come at once
    const auto tags = tags_of(state, in.required("resourceArn"));
    if (!tags) return std::unexpected(tags.error());
    return json::Object{{"tags", describe(*tags)}};
  });
  binding.write("TagResource", [](Change& change) {
    const auto& in = change.in;
    return then_nothing(change.operations.tag_resource(in.required("resourceArn"), in.text_map("tags").value_or(TextMap())));
  });
  binding.write("UntagResource", [](Change& change) {
    const auto& in = change.in;
    return then_nothing(
        change.operations.untag_resource(in.required("resourceArn"), in.texts("tagKeys").value_or(std::vector<std::string>())));
  });
}

}  // namespace sallyport::gateway
