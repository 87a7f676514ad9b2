// API keys, usage plans, the account, tags.
#include "base/time_text.hpp"
#include "gateway/api_binding.hpp"
#include "gateway/description.hpp"
#include "gateway/services.hpp"
#include "gateway/usage.hpp"
#include "io/completion.hpp"

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
}

json::Array usage_list(const std::vector<DailyUsage>& days) {
  json::Array list;
  for (const auto& day : days) list.push_back(json::Array{day.used, day.remaining});
  return list;
}

/// By the ids of the keys, one pair of what was used and what was left for each day.
Answer<Value> show_usage(const State& state, const Usage& usage, const Parameters& in) {
  constexpr Day days_max = 90;  // AWS's
  const auto plan = look_up_plan(state, in.required("usagePlanId"));
  if (!plan) return std::unexpected(plan.error());
  const auto first = parse_day(in.required("startDate")), last = parse_day(in.required("endDate"));
  if (!first || !last) return bad_request("Usage dates must be of the form YYYY-MM-DD");
  if (*last < *first) return bad_request("Usage start date must not be after the end date");
  if (*last - *first >= days_max) return bad_request(cat("Usage data can be asked for at most ", days_max, " days"));
  const auto key_id = in.text_or("keyId", "");
  std::map<std::string, bool, std::less<>> keys;
  for (const auto& id : (*plan)->keys)
    if (key_id.empty() || id == key_id) keys.emplace(id, true);
  if (!key_id.empty() && keys.empty()) return not_found("Invalid API Key identifier specified");
  json::Object items;
  auto page = page_of(keys, in, [&](const std::string& id, bool) -> std::optional<Value> {
    items.emplace_back(
        id, usage_list(usage.report({state.scope.account_id, state.scope.region, (*plan)->id, id}, (*plan)->quota, *first, *last)));
    return Value();
  });
  if (!page) return page;
  json::Object out{{"usagePlanId", (*plan)->id},
                   {"startDate", in.required("startDate")},
                   {"endDate", in.required("endDate")},
                   {"items", std::move(items)}};
  if (const auto* position = page->find("position")) out.emplace_back("position", *position);
  return out;
}

/// What is left for a key in the period that runs.
Answer<std::int64_t> read_remaining(const Parameters& in) {
  struct Target {
    std::optional<std::int64_t> remaining;
  };
  const std::vector<PatchRule<Target>> rules = {{"/remaining", {PatchVerb::replace}, [](Target& target, const PatchStep& step) -> Answer<> {
                                                   const auto value = patch_integer(step);
                                                   if (!value) return std::unexpected(value.error());
                                                   if (*value < 0) return bad_request("The remaining quota must not be negative");
                                                   target.remaining = *value;
                                                   return {};
                                                 }}};
  Target target;
  if (auto good = apply_patch(target, patch_operations(in), rules); !good) return std::unexpected(good.error());
  if (!target.remaining) return bad_request("A patch operation for /remaining is required");
  return *target.remaining;
}

Task<Answer<Value>> update_usage(const Ledger& ledger, const Services& services, control::Call& call) {
  const auto state = ledger.read(call.scope);
  const auto& in = call.in;
  const auto* plan = co_await look_up_plan(*state, in.required("usagePlanId"));
  const auto* api_key = co_await look_up_plan_key(*state, plan->id, in.required("keyId"));
  if (!plan->quota) co_return bad_request("The Usage Plan has no quota");
  const auto remaining = co_await read_remaining(in);
  co_await control::refuse_unread(call);
  const UsageKey key{call.scope.account_id, call.scope.region, plan->id, api_key->id};
  services.usage.set_remaining(key, *plan->quota, remaining, call.now);
  io::Completion<Result<>> stored;
  services.usage.flush([stored](Result<> result) mutable { stored.deliver(std::move(result)); });
  if (auto durable = co_await stored.wait_on(call.loop); !durable)
    co_return fail(aws::ApiError{"ServiceException", 500, cat("The change could not be stored: ", durable.error().message)});
  const auto today = day_of(call.now);
  const auto date = iso8601_seconds(call.now).substr(0, 10);
  co_return json::Object{{"usagePlanId", plan->id},
                         {"startDate", date},
                         {"endDate", date},
                         {"items", json::Object{{api_key->id, usage_list(services.usage.report(key, plan->quota, today, today))}}}};
}

/// The fields of one line of comma-separated values; quotes around a field may hold commas, two of them are one.
std::vector<std::string> csv_fields(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') {
      if (quoted && i + 1 < line.size() && line[i + 1] == '"')
        fields.back() += line[++i];
      else
        quoted = !quoted;
    } else if (line[i] == ',' && !quoted) {
      fields.emplace_back();
    } else if (line[i] != '\r') {
      fields.back() += line[i];
    }
  }
  for (auto& field : fields) field = std::string(trim(field));
  return fields;
}

/// Source: API Gateway developer guide, "API Gateway API key file format".
Answer<Value> import_keys(Change& change) {
  constexpr std::size_t rows_max = 10'000;
  const auto& in = change.in;
  if (in.required("format") != "csv") return bad_request("Invalid API key file format specified. Must be one of: [csv]");
  const bool strict = in.boolean("failOnWarnings").value_or(false);
  const auto text = in.required("body");
  const auto lines = split(text, '\n');
  std::map<std::string, std::size_t, std::less<>> columns;
  const auto names = csv_fields(lines.front());
  for (std::size_t i = 0; i < names.size(); ++i) columns.emplace(lower(names[i]), i);
  if (!columns.contains("key") || !columns.contains("name"))
    return bad_request("The first line of an API key file names its columns, Name and Key at least");
  if (lines.size() > rows_max) return bad_request(cat("An API key file has at most ", rows_max, " lines"));
  json::Array ids, warnings;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    if (trim(lines[i]).empty() || lines[i] == "\r") continue;
    const auto fields = csv_fields(lines[i]);
    const auto field = [&](std::string_view name) {
      const auto column = columns.find(name);
      return column == columns.end() || column->second >= fields.size() ? std::string() : fields[column->second];
    };
    CreateApiKeyRequest request;
    request.id = change.new_id(key_id_size);
    request.value = field("key");
    request.name = field("name");
    request.description = field("description");
    request.enabled = !columns.contains("enabled") || equals_ignoring_case(field("enabled"), "true");
    const auto id = request.id;
    const auto warn = [&](const aws::ApiError& error) { warnings.emplace_back(cat("line ", i + 1, ": ", error.message)); };
    if (const auto made = change.operations.create_api_key(std::move(request)); !made) {
      if (strict) return std::unexpected(made.error());
      warn(made.error());
      continue;
    }
    ids.emplace_back(id);
    for (const auto plan : split(field("usageplanids"), ',')) {
      if (trim(plan).empty()) continue;
      const auto added = change.operations.create_usage_plan_key(std::string(trim(plan)), id, "API_KEY");
      if (added) continue;
      if (strict) return std::unexpected(added.error());
      warn(added.error());
    }
  }
  return json::Object{{"ids", std::move(ids)}, {"warnings", std::move(warnings)}};
}

}  // namespace

void bind_keys(Binding& binding, Ledger& ledger, const Services& services) {
  bind_api_keys(binding);
  bind_plans(binding);
  binding.write("ImportApiKeys", import_keys);
  binding.read("GetUsage", [&usage = services.usage](const State& state, const Parameters& in) { return show_usage(state, usage, in); });
  binding.run("UpdateUsage", [&ledger, services](control::Call& call) { return update_usage(ledger, services, call); });
  const auto show_account = [limit = services.settings.account_throttle](const State& state, const Parameters&) -> Answer<Value> {
    return describe(state.account, limit);
  };
  binding.read("GetAccount", show_account);
  binding.write("UpdateAccount", [show_account](Change& change) {
    return then_show(change.operations.update_account(patch_operations(change.in)), change, show_account);
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
