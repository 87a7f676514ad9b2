#include "cognito/description.hpp"

#include <algorithm>
#include <chrono>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "cognito/schema.hpp"
#include "crypto/digest.hpp"

namespace sallyport::cognito {
namespace {

json::Value list_of(const std::vector<std::string>& list) { return json::Array(list.begin(), list.end()); }

void set_text(json::Value& out, std::string_view name, const std::string& text) {
  if (!text.empty()) out.set(name, text);
}
void set_list(json::Value& out, std::string_view name, const std::vector<std::string>& list) {
  if (!list.empty()) out.set(name, list_of(list));
}

json::Value describe_policies(const PoolSettings& settings) {
  const auto& policy = settings.password_policy;
  json::Value password;
  password.set("MinimumLength", policy.minimum_length);
  password.set("RequireUppercase", policy.require_uppercase);
  password.set("RequireLowercase", policy.require_lowercase);
  password.set("RequireNumbers", policy.require_numbers);
  password.set("RequireSymbols", policy.require_symbols);
  if (settings.password_history_size > 0) password.set("PasswordHistorySize", settings.password_history_size);
  password.set("TemporaryPasswordValidityDays", policy.temporary_password_validity_days);
  json::Value sign_in;
  sign_in.set("AllowedFirstAuthFactors", list_of(settings.first_auth_factors));
  json::Value out;
  out.set("PasswordPolicy", std::move(password));
  out.set("SignInPolicy", std::move(sign_in));
  return out;
}

json::Value describe_attribute(const SchemaAttribute& attribute) {
  json::Value out;
  out.set("Name", attribute.name);
  out.set("AttributeDataType", name_of(attribute.type));
  out.set("DeveloperOnlyAttribute", attribute.developer_only);
  out.set("Mutable", attribute.is_mutable);
  out.set("Required", attribute.required);
  if (attribute.has_string_constraints) {
    json::Value constraints = json::Object{};
    set_text(constraints, "MinLength", attribute.min_length);
    set_text(constraints, "MaxLength", attribute.max_length);
    out.set("StringAttributeConstraints", std::move(constraints));
  }
  if (attribute.has_number_constraints) {
    json::Value constraints = json::Object{};
    set_text(constraints, "MinValue", attribute.min_value);
    set_text(constraints, "MaxValue", attribute.max_value);
    out.set("NumberAttributeConstraints", std::move(constraints));
  }
  return out;
}

json::Value describe_verification(const VerificationTemplate& verification) {
  json::Value out;
  set_text(out, "SmsMessage", verification.sms_message);
  set_text(out, "EmailMessage", verification.email_message);
  set_text(out, "EmailSubject", verification.email_subject);
  set_text(out, "EmailMessageByLink", verification.email_message_by_link);
  set_text(out, "EmailSubjectByLink", verification.email_subject_by_link);
  out.set("DefaultEmailOption", verification.default_email_option);
  return out;
}

json::Value describe_admin_create_user(const PoolSettings& settings) {
  const auto& config = settings.admin_create_user;
  json::Value out;
  out.set("AllowAdminCreateUserOnly", config.admin_only);
  out.set("UnusedAccountValidityDays", settings.password_policy.temporary_password_validity_days);
  if (config.has_invite_template) {
    json::Value invite = json::Object{};
    set_text(invite, "SMSMessage", config.invite_sms_message);
    set_text(invite, "EmailMessage", config.invite_email_message);
    set_text(invite, "EmailSubject", config.invite_email_subject);
    out.set("InviteMessageTemplate", std::move(invite));
  }
  return out;
}

json::Value describe_email(const PoolSettings& settings) {
  json::Value out;
  set_text(out, "SourceArn", settings.email_source_arn);
  set_text(out, "ReplyToEmailAddress", settings.email_reply_to);
  out.set("EmailSendingAccount", settings.email_sending_account);
  set_text(out, "From", settings.email_from);
  set_text(out, "ConfigurationSet", settings.email_configuration_set);
  return out;
}

json::Value describe_sms(const PoolSettings& settings) {
  json::Value out;
  out.set("SnsCallerArn", settings.sms_caller_arn);
  set_text(out, "ExternalId", settings.sms_external_id);
  set_text(out, "SnsRegion", settings.sms_region);
  return out;
}

json::Value describe_recovery(const PoolSettings& settings) {
  json::Array mechanisms;
  for (const auto& option : settings.recovery) {
    json::Value shown;
    shown.set("Priority", option.priority);
    shown.set("Name", option.name);
    mechanisms.push_back(std::move(shown));
  }
  json::Value out;
  out.set("RecoveryMechanisms", std::move(mechanisms));
  return out;
}

void describe_messages(const PoolSettings& settings, json::Value& out) {
  if (settings.has_legacy_messages) {
    set_text(out, "SmsVerificationMessage", settings.verification.sms_message);
    set_text(out, "EmailVerificationMessage", settings.verification.email_message);
    set_text(out, "EmailVerificationSubject", settings.verification.email_subject);
  }
  out.set("VerificationMessageTemplate", describe_verification(settings.verification));
  set_text(out, "SmsAuthenticationMessage", settings.sms_authentication_message);
  if (!settings.attributes_verified_before_update.empty()) {
    json::Value update;
    update.set("AttributesRequireVerificationBeforeUpdate", list_of(settings.attributes_verified_before_update));
    out.set("UserAttributeUpdateSettings", std::move(update));
  }
}

void describe_validity(const Client& client, json::Value& out) {
  out.set("RefreshTokenValidity", client.refresh_token.amount == 0 ? 30 : client.refresh_token.amount);
  if (client.access_token.amount > 0) out.set("AccessTokenValidity", client.access_token.amount);
  if (client.id_token.amount > 0) out.set("IdTokenValidity", client.id_token.amount);
  if (!client.shows_validity_units) return;
  json::Value units = json::Object{};
  set_text(units, "AccessToken", client.access_token.units);
  set_text(units, "IdToken", client.id_token.units);
  set_text(units, "RefreshToken", client.refresh_token.units);
  out.set("TokenValidityUnits", std::move(units));
}

}  // namespace

json::Value seconds_of(WallTime time) {
  const auto ms = to_epoch_ms(time);
  const auto thousandths = std::to_string(ms % 1000);
  return json::Number{cat(ms / 1000, ".", std::string(3 - thousandths.size(), '0'), thousandths)};
}

json::Value describe_lambda(const LambdaConfig& config) {
  json::Value out = json::Object{};
  set_text(out, "PreSignUp", config.pre_sign_up);
  set_text(out, "CustomMessage", config.custom_message);
  set_text(out, "PostConfirmation", config.post_confirmation);
  set_text(out, "PreAuthentication", config.pre_authentication);
  set_text(out, "PostAuthentication", config.post_authentication);
  set_text(out, "DefineAuthChallenge", config.define_auth_challenge);
  set_text(out, "CreateAuthChallenge", config.create_auth_challenge);
  set_text(out, "VerifyAuthChallengeResponse", config.verify_auth_challenge_response);
  set_text(out, "PreTokenGeneration", config.pre_token_generation);
  set_text(out, "UserMigration", config.user_migration);
  if (config.shows_pre_token_generation_config) {
    json::Value generation;
    generation.set("LambdaVersion", config.pre_token_generation_version);
    generation.set("LambdaArn", config.pre_token_generation);
    out.set("PreTokenGenerationConfig", std::move(generation));
  }
  return out;
}

json::Value describe(const UserPool& pool) {
  const auto& settings = *pool.settings;
  json::Value out;
  out.set("Id", pool.id);
  out.set("Name", pool.name);
  out.set("Policies", describe_policies(settings));
  out.set("DeletionProtection", settings.deletion_protection ? "ACTIVE" : "INACTIVE");
  out.set("LambdaConfig", describe_lambda(settings.lambda));
  out.set("LastModifiedDate", seconds_of(pool.modified));
  out.set("CreationDate", seconds_of(pool.created));
  json::Array schema;
  for (const auto& attribute : *pool.schema) schema.push_back(describe_attribute(attribute));
  out.set("SchemaAttributes", std::move(schema));
  set_list(out, "AutoVerifiedAttributes", settings.auto_verified_attributes);
  set_list(out, "AliasAttributes", pool.alias_attributes);
  set_list(out, "UsernameAttributes", pool.username_attributes);
  describe_messages(settings, out);
  out.set("MfaConfiguration", name_of(settings.mfa));
  out.set("EstimatedNumberOfUsers", static_cast<std::int64_t>(pool.users.size()));
  out.set("EmailConfiguration", describe_email(settings));
  if (!settings.sms_caller_arn.empty()) out.set("SmsConfiguration", describe_sms(settings));
  json::Object tags;
  for (const auto& [key, value] : settings.tags) tags.emplace_back(key, value);
  out.set("UserPoolTags", std::move(tags));
  for (const auto& [name, domain] : pool.domains) out.set(domain->is_custom() ? "CustomDomain" : "Domain", name);
  out.set("AdminCreateUserConfig", describe_admin_create_user(settings));
  if (settings.has_add_ons) out.set("UserPoolAddOns", json::Object{{"AdvancedSecurityMode", "OFF"}});
  if (pool.shows_username_configuration)
    out.set("UsernameConfiguration", json::Object{{"CaseSensitive", json::Value(pool.case_sensitive)}});
  out.set("Arn", pool.arn);
  out.set("AccountRecoverySetting", describe_recovery(settings));
  out.set("UserPoolTier", settings.tier);
  return out;
}

json::Value describe_briefly(const UserPool& pool) {
  json::Value out;
  out.set("Id", pool.id);
  out.set("Name", pool.name);
  out.set("LambdaConfig", describe_lambda(pool.settings->lambda));
  out.set("LastModifiedDate", seconds_of(pool.modified));
  out.set("CreationDate", seconds_of(pool.created));
  return out;
}

json::Value describe(const UserPool& pool, const Client& client) {
  json::Value out;
  out.set("UserPoolId", pool.id);
  out.set("ClientName", client.name);
  out.set("ClientId", client.id);
  if (!client.secret.empty()) out.set("ClientSecret", std::string(client.secret.reveal()));
  out.set("LastModifiedDate", seconds_of(client.modified));
  out.set("CreationDate", seconds_of(client.created));
  describe_validity(client, out);
  set_list(out, "ReadAttributes", client.read_attributes);
  set_list(out, "WriteAttributes", client.write_attributes);
  set_list(out, "ExplicitAuthFlows", client.explicit_auth_flows);
  set_list(out, "SupportedIdentityProviders", client.supported_identity_providers);
  set_list(out, "CallbackURLs", client.callback_urls);
  set_list(out, "LogoutURLs", client.logout_urls);
  set_text(out, "DefaultRedirectURI", client.default_redirect_uri);
  set_list(out, "AllowedOAuthFlows", client.oauth_flows);
  set_list(out, "AllowedOAuthScopes", client.oauth_scopes);
  out.set("AllowedOAuthFlowsUserPoolClient", client.oauth_enabled);
  set_text(out, "PreventUserExistenceErrors", client.prevent_user_existence);
  out.set("EnableTokenRevocation", client.revocation);
  out.set("EnablePropagateAdditionalUserContextData", client.propagates_user_context);
  out.set("AuthSessionValidity", client.auth_session_validity_minutes);
  if (client.shows_rotation) {
    json::Value rotation;
    rotation.set("Feature", client.rotates_refresh_tokens ? "ENABLED" : "DISABLED");
    rotation.set("RetryGracePeriodSeconds", client.rotation_grace_s);
    out.set("RefreshTokenRotation", std::move(rotation));
  }
  return out;
}

json::Value describe(const UserPool& pool, const Group& group) {
  json::Value out;
  out.set("GroupName", group.name);
  out.set("UserPoolId", pool.id);
  set_text(out, "Description", group.description);
  set_text(out, "RoleArn", group.role_arn);
  if (group.precedence) out.set("Precedence", *group.precedence);
  out.set("LastModifiedDate", seconds_of(group.modified));
  out.set("CreationDate", seconds_of(group.created));
  return out;
}

json::Value describe(const UserPool& pool, const ResourceServer& server) {
  json::Array scopes;
  for (const auto& scope : server.scopes) {
    json::Value shown;
    shown.set("ScopeName", scope.name);
    shown.set("ScopeDescription", scope.description);
    scopes.push_back(std::move(shown));
  }
  json::Value out;
  out.set("UserPoolId", pool.id);
  out.set("Identifier", server.identifier);
  out.set("Name", server.name);
  if (!scopes.empty()) out.set("Scopes", std::move(scopes));
  return out;
}

std::string distribution_of(std::string_view domain) {
  constexpr std::size_t length = 13;
  return cat("d", to_hex(crypto::sha256(domain)).substr(0, length), ".cloudfront.net");
}

json::Value describe(const aws::Scope& scope, const UserPool& pool, const Domain& domain) {
  json::Value out;
  out.set("UserPoolId", pool.id);
  out.set("AWSAccountId", scope.account_id);
  out.set("Domain", domain.name);
  out.set("S3Bucket", cat("aws-cognito-prod-", scope.region, "-assets"));
  out.set("CloudFrontDistribution", distribution_of(domain.name));
  // Of the moment it was made, `20261125223300`.
  std::string version;
  for (const char c : iso8601_millis(domain.created).substr(0, 19))
    if (is_digit(c)) version += c;
  out.set("Version", version);
  out.set("Status", "ACTIVE");
  json::Value custom = json::Object{};
  set_text(custom, "CertificateArn", domain.certificate_arn);
  out.set("CustomDomainConfig", std::move(custom));
  out.set("ManagedLoginVersion", domain.managed_login_version);
  return out;
}

json::Value describe_mfa(const PoolSettings& settings) {
  json::Value out;
  if (settings.software_token_mfa) out.set("SoftwareTokenMfaConfiguration", json::Object{{"Enabled", json::Value(true)}});
  out.set("MfaConfiguration", name_of(settings.mfa));
  return out;
}

json::Array describe_attributes(const User& user, const Client* reader, const std::vector<std::string>* only) {
  json::Array out;
  const auto show = [&](const std::string& name, const std::string& value) {
    if (reader && !may_read(*reader, name)) return;
    if (only && std::ranges::find(*only, name) == only->end()) return;
    out.push_back(json::Object{{"Name", name}, {"Value", value}});
  };
  for (const auto& [name, value] : user.attributes)
    if (name != "sub") show(name, value);
  show("sub", user.sub);
  return out;
}

json::Value describe(const User& user, std::string_view attributes_name, const std::vector<std::string>* only) {
  json::Value out;
  out.set("Username", user.username);
  out.set(attributes_name, describe_attributes(user, nullptr, only));
  out.set("UserCreateDate", seconds_of(user.created));
  out.set("UserLastModifiedDate", seconds_of(user.modified));
  out.set("Enabled", user.enabled);
  out.set("UserStatus", name_of(user.status));
  return out;
}

void describe_mfa_of(const User& user, json::Value& out) {
  if (!user.totp_enabled) return;
  out.set("UserMFASettingList", json::Array{"SOFTWARE_TOKEN_MFA"});
  if (user.totp_preferred) out.set("PreferredMfaSetting", "SOFTWARE_TOKEN_MFA");
}

}  // namespace sallyport::cognito
