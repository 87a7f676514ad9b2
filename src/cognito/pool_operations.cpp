// User pools: their settings, schema and tags.
#include <algorithm>

#include "cognito/choices.hpp"
#include "cognito/errors.hpp"
#include "cognito/operations.hpp"
#include "cognito/schema.hpp"

namespace sallyport::cognito {
namespace {

constexpr std::size_t pools_max = 1000, tags_max = 50;
constexpr const char* alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

bool contains(const std::vector<std::string>& list, std::string_view text) { return std::ranges::find(list, text) != list.end(); }

Answer<> check_what_is_not_there(const PoolSettings& settings) {
  if (settings.first_auth_factors != std::vector<std::string>{"PASSWORD"})
    return unsupported("SignInPolicy.AllowedFirstAuthFactors: users sign in with passwords alone; leave out all but PASSWORD");
  if (settings.verification.default_email_option != "CONFIRM_WITH_CODE")
    return unsupported("VerificationMessageTemplate.DefaultEmailOption: nothing is mailed, so there are no links; use CONFIRM_WITH_CODE");
  if (settings.mfa != MfaMode::off && !settings.software_token_mfa)
    return unsupported(
        "MfaConfiguration: without software tokens that means text messages, which are not sent. Make the pool with OFF and call "
        "SetUserPoolMfaConfig with SoftwareTokenMfaConfiguration.Enabled");
  return {};
}

Answer<> check_settings(const PoolSettings& settings) {
  if (auto there = check_what_is_not_there(settings); !there) return there;
  for (const auto& name : settings.attributes_verified_before_update)
    if (!contains(settings.auto_verified_attributes, name))
      return invalid_parameter("AttributesRequireVerificationBeforeUpdate must be a subset of AutoVerifiedAttributes.");
  if (settings.recovery.size() > 1)
    for (const auto& option : settings.recovery)
      if (option.name == "admin_only")
        return invalid_parameter("Account Recovery Setting cannot use admin_only setting with any other recovery mechanisms.");
  if (settings.tags.size() > tags_max) return refused("UserPoolTaggingException", "A user pool can have at most 50 tags");
  for (const auto& [key, value] : settings.tags)
    if (starts_with_ignoring_case(key, "aws:"))
      return refused("UserPoolTaggingException", "Invalid tag key. Tag keys beginning with \"aws:\" are reserved for AWS use");
  return {};
}

}  // namespace

std::string pool_arn(const aws::Scope& scope, std::string_view pool_id) {
  return cat("arn:", scope.partition, ":cognito-idp:", scope.region, ":", scope.account_id, ":userpool/", pool_id);
}

Answer<std::string> pool_id_of_arn(std::string_view arn) {
  constexpr std::string_view prefix = "userpool/";
  const auto parts = aws::parse_arn(arn);
  if (!parts || parts->service != "cognito-idp" || !parts->resource.starts_with(prefix))
    return invalid_parameter(cat("Invalid ARN: ", arn));
  return std::string(parts->resource.substr(prefix.size()));
}

Answer<UserPool*> Operations::find_pool(std::string_view pool_id) {
  auto* pool = edit_pool(state_, pool_id);
  if (!pool) return no_such_pool(pool_id);
  return pool;
}

Answer<const UserPool*> Operations::create_user_pool(CreateUserPoolRequest request) {
  if (state_.pools.size() >= pools_max) return refused("LimitExceededException", cat("The account has ", pools_max, " user pools already"));
  if (!request.username_attributes.empty() && !request.alias_attributes.empty())
    return invalid_parameter("Only one of the aliasAttributes or usernameAttributes can be set in a user pool.");
  if (auto checked = check_settings(request.settings); !checked) return std::unexpected(std::move(checked.error()));
  auto schema = make_schema(request.schema);
  if (!schema) return std::unexpected(std::move(schema.error()));
  UserPool pool;
  do {
    pool.id = request.id.empty() ? cat(state_.scope.region, "_", make_id(random_, 9, alphanumeric)) : request.id;
  } while (request.id.empty() && state_.pools.contains(pool.id));
  if (state_.pools.contains(pool.id)) return invalid_parameter(cat("User pool ", pool.id, " already exists."));
  pool.arn = pool_arn(state_.scope, pool.id);
  pool.name = std::move(request.name);
  pool.created = pool.modified = now_;
  pool.schema = Shared(std::move(*schema));
  pool.username_attributes = std::move(request.username_attributes);
  pool.alias_attributes = std::move(request.alias_attributes);
  pool.case_sensitive = request.case_sensitive.value_or(true);
  pool.shows_username_configuration = request.case_sensitive.has_value();
  pool.settings = Shared(std::move(request.settings));
  for (auto& key : request.signing_keys) pool.signing_keys.emplace_back(std::move(key));
  const auto id = pool.id;
  return &*state_.pools.emplace(id, std::move(pool)).first->second;
}

Answer<const UserPool*> Operations::update_user_pool(std::string_view pool_id, std::string_view name, PoolSettings settings) {
  auto pool = find_pool(pool_id);
  if (!pool) return std::unexpected(std::move(pool.error()));
  if (auto checked = check_settings(settings); !checked) return std::unexpected(std::move(checked.error()));
  if (!name.empty()) (*pool)->name = name;
  (*pool)->settings = Shared(std::move(settings));
  (*pool)->modified = now_;
  return *pool;
}

Answer<> Operations::delete_user_pool(std::string_view pool_id) {
  const auto* pool = cognito::find_pool(state_, pool_id);
  if (!pool) return no_such_pool(pool_id);
  if (pool->settings->deletion_protection)
    return invalid_parameter(
        "The user pool cannot be deleted because deletion protection is activated. Deletion protection must be inactivated first.");
  if (!pool->domains.empty())
    return invalid_parameter("User pool cannot be deleted. It has a domain configured that should be deleted first.");
  erase_pool(state_, pool_id);
  return {};
}

Answer<const UserPool*> Operations::set_user_pool_mfa(std::string_view pool_id, MfaMode mode, bool software_token) {
  auto pool = find_pool(pool_id);
  if (!pool) return std::unexpected(std::move(pool.error()));
  if (mode != MfaMode::off && !software_token)
    return invalid_parameter("At least one of [SmsMfaConfiguration] or [SoftwareTokenMfaConfiguration] must be provided.");
  auto settings = *(*pool)->settings;
  settings.mfa = mode;
  settings.software_token_mfa = software_token;
  (*pool)->settings = Shared(std::move(settings));
  (*pool)->modified = now_;
  return *pool;
}

Answer<> Operations::add_custom_attributes(std::string_view pool_id, const std::vector<SchemaAttribute>& attributes) {
  auto pool = find_pool(pool_id);
  if (!pool) return std::unexpected(std::move(pool.error()));
  auto schema = *(*pool)->schema;
  if (auto added = cognito::add_custom_attributes(schema, attributes); !added) return added;
  (*pool)->schema = Shared(std::move(schema));
  (*pool)->modified = now_;
  return {};
}

Answer<> Operations::tag_resource(std::string_view arn, const TextMap& tags) {
  const auto id = pool_id_of_arn(arn);
  if (!id) return std::unexpected(id.error());
  auto pool = find_pool(*id);
  if (!pool || (*pool)->arn != arn) return no_such_pool(*id);
  auto settings = *(*pool)->settings;
  for (const auto& [key, value] : tags) settings.tags.insert_or_assign(key, value);
  if (auto checked = check_settings(settings); !checked) return checked;
  (*pool)->settings = Shared(std::move(settings));
  return {};
}

Answer<> Operations::untag_resource(std::string_view arn, const std::vector<std::string>& keys) {
  const auto id = pool_id_of_arn(arn);
  if (!id) return std::unexpected(id.error());
  auto pool = find_pool(*id);
  if (!pool || (*pool)->arn != arn) return no_such_pool(*id);
  auto settings = *(*pool)->settings;
  for (const auto& key : keys) settings.tags.erase(key);
  (*pool)->settings = Shared(std::move(settings));
  return {};
}

}  // namespace sallyport::cognito
