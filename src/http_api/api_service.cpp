#include "http_api/api_service.hpp"

#include <algorithm>
#include <limits>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "gateway/role_call.hpp"
#include "http_api/api_binding.hpp"
#include "wire/model.hpp"

namespace sallyport::http_api {
namespace {

/// `/v2/apis/{apiId}/stages` with what the call sent for the labels, and without `/v2`, which ARNs do not have.
std::string path_of(const wire::Operation& operation, const wire::Parameters& in) {
  constexpr std::string_view version = "/v2";
  auto pattern = operation.uri.substr(0, operation.uri.find('?'));
  if (pattern.starts_with(version)) pattern.remove_prefix(version.size());
  std::string path;
  for (const auto segment : split(pattern.substr(1), '/')) {
    path += '/';
    if (!segment.starts_with('{')) {
      path += segment;
      continue;
    }
    const auto label = segment.substr(1, segment.size() - 2);
    for (const auto& member : operation.input->members)
      if (member.location == wire::Location::uri && member.wire_name == label) path += percent_encode(in.required(member.name), "$");
  }
  return path;
}

/// The tags of what the call is about; none for what does not exist.
TextMap tags_of_target(const State& state, const wire::Parameters& in) {
  if (in.has("ResourceArn")) return tags_of(state, in.required("ResourceArn")).value_or(TextMap());
  if (!in.has("ApiId")) return {};
  const auto api = look_up_api(state, in.required("ApiId"));
  if (!api) return {};
  if (in.has("StageName")) {
    const auto stage = (*api)->stages.find(in.required("StageName"));
    if (stage != (*api)->stages.end()) return stage->second.tags;
  }
  return (*api)->tags;
}

/// Whoever tells API Gateway to act as a role has to be allowed to pass it on.
void add_pass_role(std::vector<control::Access>& all, const std::string& role) {
  if (role.empty() || role == gateway::callers_own_credentials) return;
  control::Access pass{"iam:PassRole", role, {{"iam:PassedToService", {"apigateway.amazonaws.com"}}}};
  if (const auto arn = aws::parse_arn(role)) pass.resource_account_id = std::string(arn->account_id);
  all.push_back(std::move(pass));
}

Task<Answer<json::Value>> run_read(const Ledger& ledger, const Binding::Read& handler, control::Call& call) {
  auto answer = handler(*ledger.read(call.scope), call);
  if (answer)
    if (auto honoured = control::refuse_unread(call); !honoured) co_return std::unexpected(std::move(honoured.error()));
  co_return answer;
}

Task<Answer<json::Value>> run_write(Ledger& ledger, Random& random, const Binding::Write& handler, control::Call& call) {
  co_return co_await attempt(ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    Change change{draft, Operations(draft, new_id(random), call.now), call, call.in};
    return handler(change);
  }));
}

}  // namespace

NewId new_id(Random& random) {
  return [&random](std::size_t length) { return make_id(random, length, "abcdefghijklmnopqrstuvwxyz0123456789"); };
}

std::optional<int> integer_of(const wire::Parameters& in, std::string_view name) {
  const auto number = in.integer(name);
  if (!number) return std::nullopt;
  return static_cast<int>(std::clamp<std::int64_t>(*number, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()));
}

control::Answer<std::vector<control::Access>> access_of(const State& state, const control::Call& call) {
  const auto* model = wire::find_model(service_name);
  const auto* operation = model ? model->find_operation(call.operation) : nullptr;
  if (!operation) return fail(aws::ApiError{"UnsupportedOperationException", 501, cat(call.operation, " is not known")});
  const auto arn = cat("arn:", call.scope.partition, ":apigateway:", call.scope.region, "::");
  control::Access access;
  access.action = cat("apigateway:", operation->method);
  access.resource = cat(arn, path_of(*operation, call.in));
  std::vector<std::string> keys;
  if (const auto tags = call.in.text_map("Tags"))
    for (const auto& [key, value] : *tags) {
      access.context.push_back({cat("aws:RequestTag/", key), {value}});
      keys.push_back(key);
    }
  if (const auto removed = call.in.texts("TagKeys")) keys = *removed;
  if (!keys.empty()) access.context.push_back({"aws:TagKeys", keys});
  for (const auto& [key, value] : tags_of_target(state, call.in)) access.context.push_back({cat("aws:ResourceTag/", key), {value}});
  std::vector<control::Access> all;
  if (operation->name.starts_with("Create") && !keys.empty()) {
    auto tagging = access;
    tagging.action = "apigateway:POST";
    tagging.resource = cat(arn, "/tags/*");
    all.push_back(std::move(tagging));
  }
  for (const auto* member : {"CredentialsArn", "AuthorizerCredentialsArn"}) add_pass_role(all, call.in.text_or(member, ""));
  all.insert(all.begin(), std::move(access));
  return all;
}

void Binding::read(std::string operation, Read handler) {
  auto access = [&ledger = ledger_](const control::Call& call) { return access_of(*ledger.read(call.scope), call); };
  service_.on(std::move(operation), std::move(access),
              [&ledger = ledger_, handler = std::move(handler)](control::Call& call) { return run_read(ledger, handler, call); });
}

void Binding::write(std::string operation, Write handler) {
  auto access = [&ledger = ledger_](const control::Call& call) { return access_of(*ledger.read(call.scope), call); };
  service_.on(std::move(operation), std::move(access),
              [&ledger = ledger_, &random = random_, handler = std::move(handler)](control::Call& call) {
                return run_write(ledger, random, handler, call);
              });
}

control::Service make_service(Ledger& ledger, Random& random) {
  control::Service service(service_name);
  Binding binding(service, ledger, random);
  bind_apis(binding);
  bind_routes(binding);
  bind_stages(binding);
  return service;
}

}  // namespace sallyport::http_api
