#include "gateway/api_service.hpp"

#include <algorithm>
#include <limits>

#include "base/encoding.hpp"
#include "gateway/api_binding.hpp"
#include "gateway/role_call.hpp"
#include "gateway/services.hpp"
#include "wire/model.hpp"

namespace sallyport::gateway {
namespace {

/// `/restapis/{restapi_id}/stages` with what the call sent for the labels.
std::string path_of(const wire::Operation& operation, const wire::Parameters& in) {
  const auto template_ = operation.uri.substr(0, operation.uri.find('?'));
  std::string path;
  for (const auto segment : split(template_.substr(1), '/')) {
    path += '/';
    if (!segment.starts_with('{')) {
      path += segment;
      continue;
    }
    const auto label = segment.substr(1, segment.size() - 2);
    for (const auto& member : operation.input->members)
      if (member.location == wire::Location::uri && member.wire_name == label) path += percent_encode(in.required(member.name));
  }
  return path;
}

/// The tags of what the call is about; none for what does not exist.
const TextMap* tags_of_target(const State& state, const wire::Parameters& in) {
  if (in.has("restApiId")) {
    const auto api = state.apis.find(in.required("restApiId"));
    if (api == state.apis.end()) return nullptr;
    if (in.has("stageName")) {
      const auto stage = api->second->stages.find(in.required("stageName"));
      if (stage != api->second->stages.end()) return &stage->second.tags;
    }
    return &api->second->tags;
  }
  if (in.has("apiKey")) {
    const auto key = state.api_keys.find(in.required("apiKey"));
    return key == state.api_keys.end() ? nullptr : &key->second->tags;
  }
  if (in.has("domainName")) {
    const auto domain = state.domains.find(lower(in.required("domainName")));
    return domain == state.domains.end() ? nullptr : &domain->second->tags;
  }
  if (in.has("usagePlanId")) {
    const auto plan = state.usage_plans.find(in.required("usagePlanId"));
    return plan == state.usage_plans.end() ? nullptr : &plan->second->tags;
  }
  return nullptr;
}

Task<Answer<json::Value>> run_read(const Ledger& ledger, const Binding::Read& handler, control::Call& call) {
  auto answer = handler(*ledger.read(call.scope), call.in);
  if (answer)
    if (auto honoured = control::refuse_unread(call); !honoured) co_return std::unexpected(std::move(honoured.error()));
  co_return answer;
}

Task<Answer<json::Value>> run_write(Ledger& ledger, Random& random, const Binding::Write& handler, control::Call& call) {
  co_return co_await attempt(ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    Change change{draft, Operations(draft, call.now), call.in, random};
    return handler(change);
  }));
}

/// Is the API's resource policy written by this call? That takes a permission of its own.
bool sets_policy(const wire::Parameters& in) {
  if (!in.text_or("policy", "").empty()) return true;
  for (const auto& patch : in.structures("patchOperations").value_or(std::vector<wire::Parameters>()))
    if (patch.text_or("path", "") == "/policy") return true;
  return false;
}

/// Roles that API Gateway is told to act as. Whoever tells it has to be allowed to pass them on.
std::vector<std::string> roles_given(const wire::Parameters& in) {
  std::vector<std::string> roles;
  const auto add = [&](std::string text) {
    if (!text.empty() && text != callers_own_credentials) roles.push_back(std::move(text));
  };
  add(in.text_or("credentials", ""));
  add(in.text_or("authorizerCredentials", ""));
  for (const auto& patch : in.structures("patchOperations").value_or(std::vector<wire::Parameters>())) {
    const auto path = patch.text_or("path", "");
    if (path == "/credentials" || path == "/authorizerCredentials" || path == "/cloudwatchRoleArn") add(patch.text_or("value", ""));
  }
  return roles;
}

}  // namespace

std::string Change::new_id(std::size_t length) const { return make_id(random, length, "abcdefghijklmnopqrstuvwxyz0123456789"); }

control::Answer<std::vector<control::Access>> access_of(const State& state, const control::Call& call) {
  const auto* model = wire::find_model(service_name);
  const auto* operation = model ? model->find_operation(call.operation) : nullptr;
  if (!operation) return fail(aws::ApiError{"UnsupportedOperationException", 501, cat(call.operation, " is not known")});
  control::Access access;
  access.action = cat("apigateway:", operation->method);
  access.resource = cat("arn:", call.scope.partition, ":apigateway:", call.scope.region, "::", path_of(*operation, call.in));
  std::vector<std::string> keys;
  if (const auto tags = call.in.text_map("tags"))
    for (const auto& [key, value] : *tags) {
      access.context.push_back({cat("aws:RequestTag/", key), {value}});
      keys.push_back(key);
    }
  if (const auto removed = call.in.texts("tagKeys")) keys = *removed;
  if (!keys.empty()) access.context.push_back({"aws:TagKeys", std::move(keys)});
  TextMap tags;
  if (call.in.has("resourceArn")) {
    if (auto found = tags_of(state, call.in.required("resourceArn"))) tags = std::move(*found);
  } else if (const auto* found = tags_of_target(state, call.in)) {
    tags = *found;
  }
  for (const auto& [key, value] : tags) access.context.push_back({cat("aws:ResourceTag/", key), {value}});
  std::vector<control::Access> all;
  const bool makes_tags = operation->name.starts_with("Create") && call.in.text_map("tags") && !call.in.text_map("tags")->empty();
  if (makes_tags) {
    auto tagging = access;
    tagging.action = "apigateway:PUT";
    tagging.resource = cat("arn:", call.scope.partition, ":apigateway:", call.scope.region, "::/tags/*");
    all.push_back(std::move(tagging));
  }
  if (sets_policy(call.in)) {
    auto policy = access;
    policy.action = "apigateway:UpdateRestApiPolicy";
    all.push_back(std::move(policy));
  }
  for (const auto& role : roles_given(call.in)) {
    control::Access pass{"iam:PassRole", role, {{"iam:PassedToService", {"apigateway.amazonaws.com"}}}};
    if (const auto arn = aws::parse_arn(role)) pass.resource_account_id = std::string(arn->account_id);
    all.push_back(std::move(pass));
  }
  all.insert(all.begin(), std::move(access));
  return all;
}

void Binding::run(std::string operation, std::function<Task<Answer<json::Value>>(control::Call&)> body) {
  auto access = [&ledger = ledger_](const control::Call& call) { return access_of(*ledger.read(call.scope), call); };
  service_.on(std::move(operation), std::move(access), std::move(body));
}

void Binding::read(std::string operation, Read handler) {
  run(std::move(operation),
      [&ledger = ledger_, handler = std::move(handler)](control::Call& call) { return run_read(ledger, handler, call); });
}

void Binding::write(std::string operation, Write handler) {
  run(std::move(operation), [&ledger = ledger_, &random = random_, handler = std::move(handler)](control::Call& call) {
    return run_write(ledger, random, handler, call);
  });
}

MethodAddress method_address(const wire::Parameters& in) {
  return {in.required("restApiId"), in.required("resourceId"), in.required("httpMethod")};
}

PatchOperations patch_operations(const wire::Parameters& in) {
  PatchOperations out;
  for (const auto& one : in.structures("patchOperations").value_or(std::vector<wire::Parameters>()))
    out.push_back({one.required("op"), one.required("path"), one.text("value"), one.text("from")});
  return out;
}

std::map<std::string, bool, std::less<>> flag_map(const wire::Parameters& in, std::string_view name) {
  std::map<std::string, bool, std::less<>> out;
  if (const auto* map = in.value(name); map && map->object())
    for (const auto& [key, value] : *map->object()) out.emplace(key, value.boolean() && *value.boolean());
  return out;
}

std::optional<int> integer_of(const wire::Parameters& in, std::string_view name) {
  const auto number = in.integer(name);
  if (!number) return std::nullopt;
  return static_cast<int>(std::clamp<std::int64_t>(*number, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()));
}

Answer<> refuse_true(const wire::Parameters& in, std::string_view name, std::string_view why) {
  if (in.boolean(name).value_or(false)) return unsupported(cat(name, " is not supported by this version: ", why));
  return {};
}

control::Service make_service(Ledger& ledger, const Services& services) {
  control::Service service(service_name);
  Binding binding(service, ledger, services.random);
  bind_apis(binding);
  bind_methods(binding);
  bind_authorizer_changes(binding, ledger, services);
  bind_keys(binding, ledger, services);
  bind_domains(binding, ledger, services);
  bind_tests(binding, ledger, services);
  return service;
}

}  // namespace sallyport::gateway
