// User pools: their settings, schema, tags and domains; and what this version has none of, as far as tools ask for it.
#include <array>

#include "cognito/api_binding.hpp"
#include "cognito/api_input.hpp"
#include "cognito/description.hpp"
#include "cognito/signing_keys.hpp"

namespace sallyport::cognito {
namespace {

Task<Answer<json::Value>> create_user_pool(const Parts& parts, control::Call& call) {
  auto request = co_await read_create_user_pool(call.in);
  request.name = call.in.required("PoolName");
  // Making keys takes longer than anything may take on a loop: it is done before, and only for what will be taken.
  co_await control::refuse_unread(call);
  State trial = *parts.ledger.read(call.scope);
  co_await Operations(trial, parts.random, call.now).create_user_pool(request);
  if (!co_await parts.passwords.gate().run(call.loop, [&] {
        for (int i = 0; i < 2; ++i) request.signing_keys.push_back(make_signing_key(call.now));
      }))
    co_return refused("TooManyRequestsException", "Too many requests");
  co_return co_await attempt(parts.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    auto made = Operations(draft, parts.random, call.now).create_user_pool(std::move(request));
    if (!made) return std::unexpected(std::move(made.error()));
    return json::Value(json::Object{{"UserPool", describe(**made)}});
  }));
}

Answer<json::Value> describe_user_pool(const State& state, const wire::Parameters& in) {
  const auto pool = need_pool(state, in);
  if (!pool) return std::unexpected(pool.error());
  return json::Value(json::Object{{"UserPool", describe(**pool)}});
}

Answer<json::Value> list_user_pools(const State& state, const wire::Parameters& in) {
  constexpr std::size_t limit_max = 60;
  return page_of(state.pools, in, "MaxResults", "NextToken", limit_max, "UserPools",
                 [](const auto&, const UserPool& pool) { return describe_briefly(pool); });
}

Answer<json::Value> update_user_pool(Change& change) {
  const auto pool = need_pool(change.draft, change.in);
  if (!pool) return std::unexpected(pool.error());
  auto settings = read_pool_settings(change.in, update_base(*(*pool)->settings));
  if (!settings) return std::unexpected(std::move(settings.error()));
  const auto done = change.operations.update_user_pool((*pool)->id, change.in.text_or("PoolName", ""), std::move(*settings));
  if (!done) return std::unexpected(done.error());
  return nothing();
}

Answer<json::Value> delete_user_pool(Change& change) {
  return then_nothing(change.operations.delete_user_pool(change.in.required("UserPoolId")));
}

Answer<json::Value> set_mfa(Change& change) {
  const auto pool = need_pool(change.draft, change.in);
  if (!pool) return std::unexpected(pool.error());
  const auto mfa = read_mfa(change.in, *(*pool)->settings);
  if (!mfa) return std::unexpected(mfa.error());
  const auto done = change.operations.set_user_pool_mfa((*pool)->id, mfa->mode, mfa->software_token);
  if (!done) return std::unexpected(done.error());
  return describe_mfa(*(*done)->settings);
}

Answer<json::Value> get_mfa(const State& state, const wire::Parameters& in) {
  const auto pool = need_pool(state, in);
  if (!pool) return std::unexpected(pool.error());
  return describe_mfa(*(*pool)->settings);
}

Answer<json::Value> add_custom_attributes(Change& change) {
  const auto attributes = read_schema(change.in, "CustomAttributes");
  if (!attributes) return std::unexpected(attributes.error());
  return then_nothing(change.operations.add_custom_attributes(change.in.required("UserPoolId"), *attributes));
}

Answer<json::Value> tag_resource(Change& change) {
  return then_nothing(change.operations.tag_resource(change.in.required("ResourceArn"), change.in.text_map("Tags").value_or(TextMap())));
}

Answer<json::Value> untag_resource(Change& change) {
  return then_nothing(
      change.operations.untag_resource(change.in.required("ResourceArn"), change.in.texts("TagKeys").value_or(std::vector<std::string>())));
}

Answer<json::Value> list_tags(const State& state, const wire::Parameters& in) {
  const auto arn = in.required("ResourceArn");
  const auto id = pool_id_of_arn(arn);
  if (!id) return std::unexpected(id.error());
  const auto* pool = find_pool(state, *id);
  if (!pool || pool->arn != arn) return no_such_pool(*id);
  json::Object tags;
  for (const auto& [key, value] : pool->settings->tags) tags.emplace_back(key, value);
  return json::Value(json::Object{{"Tags", std::move(tags)}});
}

json::Value domain_answer(const Domain& domain) {
  json::Value out = json::Object{};
  if (domain.shows_managed_login_version) out.set("ManagedLoginVersion", domain.managed_login_version);
  if (domain.is_custom()) out.set("CloudFrontDomain", distribution_of(domain.name));
  return out;
}

Task<Answer<json::Value>> create_domain(const Parts& parts, control::Call& call) {
  co_return co_await attempt(parts.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    auto request = read_domain(call.in);
    // Domains are unique beyond account and region: a name leads to one pool.
    if (parts.directory.pool_of_domain(request.domain)) return invalid_parameter("Domain already associated with another user pool.");
    const auto made = Operations(draft, parts.random, call.now).create_user_pool_domain(std::move(request));
    if (!made) return std::unexpected(made.error());
    return domain_answer(**made);
  }));
}

Answer<json::Value> update_domain(Change& change) {
  const auto done = change.operations.update_user_pool_domain(read_domain(change.in));
  if (!done) return std::unexpected(done.error());
  return domain_answer(**done);
}

Answer<json::Value> delete_domain(Change& change) {
  return then_nothing(change.operations.delete_user_pool_domain(change.in.required("UserPoolId"), change.in.required("Domain")));
}

Answer<json::Value> describe_domain(const State& state, const wire::Parameters& in) {
  const auto name = in.required("Domain");
  const auto* pool = find_pool_of_domain(state, name);
  if (!pool) return json::Value(json::Object{{"DomainDescription", json::Object{}}});
  return json::Value(json::Object{{"DomainDescription", describe(state.scope, *pool, *pool->domains.find(name)->second)}});
}

/// There are no other identity providers: lists are empty, one by name is not there, and none can be made.
Answer<json::Value> list_identity_providers(const State& state, const wire::Parameters& in) {
  if (const auto pool = need_pool(state, in); !pool) return std::unexpected(pool.error());
  if (const auto page = read_page(in, "MaxResults", "NextToken", 60); !page) return std::unexpected(page.error());
  return json::Value(json::Object{{"Providers", json::Array{}}});
}

Answer<json::Value> no_identity_provider(const State& state, const wire::Parameters& in) {
  if (const auto pool = need_pool(state, in); !pool) return std::unexpected(pool.error());
  return resource_not_found(cat("Identity provider ", in.required("ProviderName"), " does not exist."));
}

Answer<json::Value> refuse_identity_provider(const State&, const wire::Parameters& in) {
  in.value("ProviderDetails");
  return unsupported("Users sign in with the pool's own passwords; other identity providers are not supported");
}

Answer<json::Value> describe_risk(const State& state, const wire::Parameters& in) {
  const auto pool = need_pool(state, in);
  if (!pool) return std::unexpected(pool.error());
  json::Value risk;
  risk.set("UserPoolId", (*pool)->id);
  if (auto client = in.text("ClientId")) risk.set("ClientId", std::move(*client));
  return json::Value(json::Object{{"RiskConfiguration", std::move(risk)}});
}

Answer<json::Value> get_ui_customization(const State& state, const wire::Parameters& in) {
  const auto pool = need_pool(state, in);
  if (!pool) return std::unexpected(pool.error());
  json::Value customization = json::Object{};
  if (const auto client = in.text_or("ClientId", "ALL"); client != "ALL" && !(*pool)->client(client)) return no_such_client(client);
  return json::Value(json::Object{{"UICustomization", std::move(customization)}});
}

}  // namespace

void bind_pools(Binding& binding) {
  binding.run("CreateUserPool", create_user_pool);
  binding.read("DescribeUserPool", describe_user_pool);
  binding.read("ListUserPools", list_user_pools);
  binding.write("UpdateUserPool", update_user_pool);
  binding.write("DeleteUserPool", delete_user_pool);
  binding.write("SetUserPoolMfaConfig", set_mfa);
  binding.read("GetUserPoolMfaConfig", get_mfa);
  binding.write("AddCustomAttributes", add_custom_attributes);
  binding.write("TagResource", tag_resource);
  binding.write("UntagResource", untag_resource);
  binding.read("ListTagsForResource", list_tags);
  binding.run("CreateUserPoolDomain", create_domain);
  binding.write("UpdateUserPoolDomain", update_domain);
  binding.write("DeleteUserPoolDomain", delete_domain);
  binding.read("DescribeUserPoolDomain", describe_domain);
  binding.read("ListIdentityProviders", list_identity_providers);
  binding.read("DescribeIdentityProvider", no_identity_provider);
  binding.read("DeleteIdentityProvider", no_identity_provider);
  binding.read("CreateIdentityProvider", refuse_identity_provider);
  binding.read("UpdateIdentityProvider", refuse_identity_provider);
  binding.read("DescribeRiskConfiguration", describe_risk);
  binding.read("GetUICustomization", get_ui_customization);
}

}  // namespace sallyport::cognito
