#include "cognito/api_service.hpp"

#include "cognito/api_binding.hpp"
#include "wire/model.hpp"

namespace sallyport::cognito {
namespace {

Task<Answer<json::Value>> run_read(const Ledger& ledger, const Binding::Read& handler, control::Call& call) {
  auto answer = handler(*ledger.read(call.scope), call.in);
  if (answer)
    if (auto honoured = control::refuse_unread(call); !honoured) co_return std::unexpected(std::move(honoured.error()));
  co_return answer;
}

Task<Answer<json::Value>> run_write(const Parts& parts, const Binding::Write& handler, control::Call& call) {
  co_return co_await attempt(parts.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    Change change{draft, Operations(draft, parts.random, call.now), call.in, parts.random, call.now};
    return handler(change);
  }));
}

/// The pool a call is about; null when it names none, or one that is not there.
const UserPool* pool_of(const State& state, const wire::Parameters& in) {
  if (in.has("UserPoolId")) return find_pool(state, in.required("UserPoolId"));
  if (!in.has("ResourceArn")) return nullptr;
  const auto id = pool_id_of_arn(in.required("ResourceArn"));
  return id ? find_pool(state, *id) : nullptr;
}

std::string resource_of(const control::Call& call) {
  // Making a domain names a pool, and is asked for it; finding out whose a domain is names none.
  if (call.in.has("UserPoolId")) return pool_arn(call.scope, call.in.required("UserPoolId"));
  return call.in.text_or("ResourceArn", "*");
}

void add_tags(const State& state, const control::Call& call, control::Access& access) {
  std::vector<std::string> keys;
  for (const std::string_view member : {"Tags", "UserPoolTags"})
    if (const auto tags = call.in.text_map(member))
      for (const auto& [key, value] : *tags) {
        access.context.push_back({cat("aws:RequestTag/", key), {value}});
        keys.push_back(key);
      }
  if (const auto removed = call.in.texts("TagKeys")) keys.insert(keys.end(), removed->begin(), removed->end());
  if (!keys.empty()) access.context.push_back({"aws:TagKeys", std::move(keys)});
  if (const auto* pool = pool_of(state, call.in))
    for (const auto& [key, value] : pool->settings->tags) access.context.push_back({cat("aws:ResourceTag/", key), {value}});
}

}  // namespace

control::Answer<std::vector<control::Access>> access_of(const State& state, const control::Call& call) {
  control::Access access{cat("cognito-idp:", call.operation), resource_of(call)};
  add_tags(state, call, access);
  std::vector<control::Access> all{std::move(access)};
  // Whoever has a service act as a role must be allowed to pass it on.
  if (const auto* sms = call.in.has("SmsConfiguration") ? call.in.value("SmsConfiguration") : nullptr)
    if (const auto* role = sms->find("SnsCallerArn"); role && role->string() && !role->string()->empty()) {
      control::Access pass{"iam:PassRole", *role->string(), {{"iam:PassedToService", {"cognito-idp.amazonaws.com"}}}};
      if (const auto arn = aws::parse_arn(*role->string())) pass.resource_account_id = std::string(arn->account_id);
      all.push_back(std::move(pass));
    }
  return all;
}

void Binding::read(std::string operation, Read handler) {
  run(std::move(operation),
      [handler = std::move(handler)](const Parts& parts, control::Call& call) { return run_read(parts.ledger, handler, call); });
}

void Binding::write(std::string operation, Write handler) {
  run(std::move(operation),
      [handler = std::move(handler)](const Parts& parts, control::Call& call) { return run_write(parts, handler, call); });
}

void Binding::run(std::string operation, Run body) {
  auto access = [&ledger = parts_.ledger](const control::Call& call) { return access_of(*ledger.read(call.scope), call); };
  service_.on(std::move(operation), std::move(access),
              [parts = parts_, body = std::move(body)](control::Call& call) { return body(parts, call); });
}

void Binding::run_unsigned(std::string operation, Run body) {
  service_.on(std::move(operation), nullptr, [parts = parts_, body = std::move(body)](control::Call& call) { return body(parts, call); });
}

Answer<PageRequest> read_page(const wire::Parameters& in, std::string_view limit_member, std::string_view token_member,
                              std::size_t limit_max) {
  const auto limit = in.integer(limit_member).value_or(0);
  PageRequest page{{}, limit > 0 && static_cast<std::size_t>(limit) < limit_max ? static_cast<std::size_t>(limit) : limit_max};
  if (const auto token = in.text(token_member); token && !token->empty()) {
    auto after = from_base64url(*token);
    if (!after || after->empty()) return invalid_parameter("Invalid pagination token.");
    page.after = std::move(*after);
  }
  return page;
}

control::Service make_service(const Parts& parts) {
  control::Service service(service_name);
  Binding binding(service, parts);
  bind_pools(binding);
  bind_clients(binding);
  bind_users(binding);
  bind_sign_up(binding);
  bind_self_service(binding);
  return service;
}

}  // namespace sallyport::cognito
