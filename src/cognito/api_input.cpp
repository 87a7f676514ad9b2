#include "cognito/api_input.hpp"

#include <algorithm>

#include "cognito/choices.hpp"
#include "cognito/errors.hpp"
#include "cognito/schema.hpp"

namespace sallyport::cognito {
namespace {

using wire::Parameters;

int integer_or(const Parameters& in, std::string_view name, int otherwise) {
  const auto number = in.integer(name);
  return number ? static_cast<int>(*number) : otherwise;
}

bool has_any(const json::Value* value) {
  if (!value || value->is_null()) return false;
  if (const auto* object = value->object()) {
    for (const auto& [name, member] : *object)
      if (has_any(&member)) return true;
    return false;
  }
  if (const auto* array = value->array()) return !array->empty();
  if (const auto* text = value->string()) return !text->empty();
  return true;
}

Answer<MfaMode> read_mode(const Parameters& in, MfaMode otherwise) {
  const auto text = in.text("MfaConfiguration");
  if (!text || text->empty()) return otherwise;
  for (const auto mode : {MfaMode::off, MfaMode::on, MfaMode::optional})
    if (name_of(mode) == *text) return mode;
  return invalid_parameter("[MfaConfiguration] must be one of 'ON', 'OFF', or 'OPTIONAL'.");
}

void read_policies(const Parameters& in, PoolSettings& out) {
  const auto policies = in.structure("Policies");
  if (!policies) return;
  if (const auto given = policies->structure("PasswordPolicy")) {
    auto& policy = out.password_policy;
    policy.minimum_length = integer_or(*given, "MinimumLength", policy.minimum_length);
    // Who says anything of the policy says all of it.
    policy.require_uppercase = given->boolean("RequireUppercase").value_or(false);
    policy.require_lowercase = given->boolean("RequireLowercase").value_or(false);
    policy.require_numbers = given->boolean("RequireNumbers").value_or(false);
    policy.require_symbols = given->boolean("RequireSymbols").value_or(false);
    if (const int days = integer_or(*given, "TemporaryPasswordValidityDays", 0); days > 0) policy.temporary_password_validity_days = days;
    out.password_history_size = integer_or(*given, "PasswordHistorySize", 0);
  }
  if (const auto sign_in = policies->structure("SignInPolicy"))
    if (auto factors = sign_in->texts("AllowedFirstAuthFactors"); factors && !factors->empty())
      out.first_auth_factors = std::move(*factors);
}

Answer<> read_lambda(const Parameters& in, LambdaConfig& out) {
  const auto given = in.structure("LambdaConfig");
  if (!given) return {};
  out = {};
  out.pre_sign_up = given->text_or("PreSignUp", "");
  out.custom_message = given->text_or("CustomMessage", "");
  out.post_confirmation = given->text_or("PostConfirmation", "");
  out.pre_authentication = given->text_or("PreAuthentication", "");
  out.post_authentication = given->text_or("PostAuthentication", "");
  out.define_auth_challenge = given->text_or("DefineAuthChallenge", "");
  out.create_auth_challenge = given->text_or("CreateAuthChallenge", "");
  out.verify_auth_challenge_response = given->text_or("VerifyAuthChallengeResponse", "");
  out.user_migration = given->text_or("UserMigration", "");
  out.pre_token_generation = given->text_or("PreTokenGeneration", "");
  if (!out.pre_token_generation.empty()) out.pre_token_generation_version = "V1_0";
  if (const auto generation = given->structure("PreTokenGenerationConfig"); generation && generation->has("LambdaArn")) {
    const auto arn = generation->required("LambdaArn");
    if (!out.pre_token_generation.empty() && out.pre_token_generation != arn)
      return invalid_parameter("PreTokenGeneration and PreTokenGenerationConfig must name the same function.");
    out.pre_token_generation = arn;
    out.pre_token_generation_version = generation->text_or("LambdaVersion", "V1_0");
    out.shows_pre_token_generation_config = true;
  }
  return {};
}

Answer<> read_messages(const Parameters& in, PoolSettings& out) {
  const auto legacy = [&](std::string_view name, std::string& text) {
    if (auto given = in.text(name); given && !given->empty()) {
      text = std::move(*given);
      out.has_legacy_messages = true;
    }
  };
  auto& verification = out.verification;
  legacy("SmsVerificationMessage", verification.sms_message);
  legacy("EmailVerificationMessage", verification.email_message);
  legacy("EmailVerificationSubject", verification.email_subject);
  if (const auto given = in.structure("VerificationMessageTemplate")) {
    const auto take = [&](std::string_view name, std::string& text) {
      if (auto said = given->text(name)) text = std::move(*said);
    };
    take("SmsMessage", verification.sms_message);
    take("EmailMessage", verification.email_message);
    take("EmailSubject", verification.email_subject);
    take("EmailMessageByLink", verification.email_message_by_link);
    take("EmailSubjectByLink", verification.email_subject_by_link);
    take("DefaultEmailOption", verification.default_email_option);
  }
  out.sms_authentication_message = in.text_or("SmsAuthenticationMessage", "");
  if (const auto update = in.structure("UserAttributeUpdateSettings"))
    out.attributes_verified_before_update = update->texts("AttributesRequireVerificationBeforeUpdate").value_or(std::vector<std::string>());
  return {};
}

void read_senders(const Parameters& in, PoolSettings& out) {
  if (const auto email = in.structure("EmailConfiguration")) {
    out.email_sending_account = email->text_or("EmailSendingAccount", "COGNITO_DEFAULT");
    out.email_source_arn = email->text_or("SourceArn", "");
    out.email_reply_to = email->text_or("ReplyToEmailAddress", "");
    out.email_from = email->text_or("From", "");
    out.email_configuration_set = email->text_or("ConfigurationSet", "");
  }
  if (const auto sms = in.structure("SmsConfiguration")) {
    out.sms_caller_arn = sms->text_or("SnsCallerArn", "");
    out.sms_external_id = sms->text_or("ExternalId", "");
    out.sms_region = sms->text_or("SnsRegion", "");
  }
}

Answer<> read_admin_create_user(const Parameters& in, PoolSettings& out) {
  const auto given = in.structure("AdminCreateUserConfig");
  if (!given) return {};
  auto& config = out.admin_create_user;
  config = {};
  config.admin_only = given->boolean("AllowAdminCreateUserOnly").value_or(false);
  if (const int days = integer_or(*given, "UnusedAccountValidityDays", 0); days > 0) {
    // The older name of a member of the password policy.
    const auto policies = in.structure("Policies");
    const auto policy = policies ? policies->structure("PasswordPolicy") : std::nullopt;
    const bool said = policy && policy->has("TemporaryPasswordValidityDays");
    if (said && days != out.password_policy.temporary_password_validity_days)
      return invalid_parameter("Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays");
    out.password_policy.temporary_password_validity_days = days;
    config.unused_account_validity_days = days;
  }
  if (const auto invite = given->structure("InviteMessageTemplate")) {
    config.invite_sms_message = invite->text_or("SMSMessage", "");
    config.invite_email_message = invite->text_or("EmailMessage", "");
    config.invite_email_subject = invite->text_or("EmailSubject", "");
    config.has_invite_template = true;
  }
  return {};
}

Answer<> read_recovery(const Parameters& in, PoolSettings& out) {
  const auto given = in.structure("AccountRecoverySetting");
  const auto options = given ? given->structures("RecoveryMechanisms") : std::nullopt;
  if (!options || options->empty()) return {};
  out.recovery.clear();
  for (const auto& option : *options) out.recovery.push_back({option.required("Name"), integer_or(option, "Priority", 1)});
  std::ranges::sort(out.recovery, {}, &RecoveryOption::priority);
  if (out.recovery.size() == 2 && out.recovery[0].priority == out.recovery[1].priority)
    return invalid_parameter("Account Recovery Setting cannot have two recovery mechanisms of the same priority.");
  return {};
}

Answer<> refuse_what_is_not_there(const Parameters& in) {
  if (in.has("DeviceConfiguration") && in.value("DeviceConfiguration") && !in.value("DeviceConfiguration")->is_null())
    return unsupported("DeviceConfiguration: devices are not remembered; leave it out");
  if (const auto config = in.structure("LambdaConfig"))
    for (const std::string_view name : {"CustomSMSSender", "CustomEmailSender", "KMSKeyID", "InboundFederation"})
      if (config->has(name) && has_any(config->value(name)))
        return unsupported(cat("LambdaConfig.", name, ": nothing is sent, and there are no other identity providers; leave it out"));
  return {};
}

Answer<> read_add_ons(const Parameters& in, PoolSettings& out) {
  const auto given = in.structure("UserPoolAddOns");
  if (!given) return {};
  const auto mode = given->text_or("AdvancedSecurityMode", "OFF");
  if (mode != "OFF") return unsupported(cat("UserPoolAddOns.AdvancedSecurityMode ", mode, ": there is no threat protection; use OFF"));
  if (given->has("AdvancedSecurityAdditionalFlows") && has_any(given->value("AdvancedSecurityAdditionalFlows")))
    return unsupported("UserPoolAddOns.AdvancedSecurityAdditionalFlows: there is no threat protection; leave it out");
  out.has_add_ons = true;
  return {};
}

TokenValidity validity_of(const Parameters& in, std::string_view name, const std::optional<Parameters>& units, std::string_view token) {
  TokenValidity out;
  out.amount = integer_or(in, name, 0);
  if (units) out.units = units->text_or(token, "");
  return out;
}

std::vector<std::string> list_of(const Parameters& in, std::string_view name) {
  return in.texts(name).value_or(std::vector<std::string>());
}

}  // namespace

PoolSettings update_base(const PoolSettings& present) {
  PoolSettings base;
  base.software_token_mfa = present.software_token_mfa;
  if (choices.update_keeps_protection_tier_mfa_and_tags) {
    base.mfa = present.mfa;
    base.deletion_protection = present.deletion_protection;
    base.tier = present.tier;
    base.tags = present.tags;
  }
  return base;
}

Answer<PoolSettings> read_pool_settings(const Parameters& in, PoolSettings base) {
  if (auto there = refuse_what_is_not_there(in); !there) return std::unexpected(std::move(there.error()));
  read_policies(in, base);
  read_senders(in, base);
  for (const auto read : {read_messages, read_admin_create_user, read_recovery, read_add_ons})
    if (auto done = read(in, base); !done) return std::unexpected(std::move(done.error()));
  if (auto done = read_lambda(in, base.lambda); !done) return std::unexpected(std::move(done.error()));
  auto mode = read_mode(in, base.mfa);
  if (!mode) return std::unexpected(std::move(mode.error()));
  base.mfa = *mode;
  base.auto_verified_attributes = list_of(in, "AutoVerifiedAttributes");
  if (const auto protection = in.text("DeletionProtection")) base.deletion_protection = *protection == "ACTIVE";
  if (auto tier = in.text("UserPoolTier"); tier && !tier->empty()) base.tier = std::move(*tier);
  if (auto tags = in.text_map("UserPoolTags")) base.tags = std::move(*tags);
  return base;
}

Answer<std::vector<SchemaAttribute>> read_schema(const Parameters& in, std::string_view member) {
  std::vector<SchemaAttribute> out;
  for (const auto& given : in.structures(member).value_or(std::vector<Parameters>())) {
    auto& attribute = out.emplace_back();
    attribute.name = given.text_or("Name", "");
    // A standard attribute's type goes without saying.
    const auto& standard = standard_attributes();
    const auto known = std::ranges::find(standard, attribute.name, &SchemaAttribute::name);
    const auto otherwise = known == standard.end() ? std::string_view() : name_of(known->type);
    const auto type = given.text_or("AttributeDataType", otherwise);
    bool found = false;
    for (const auto each : {AttributeType::string, AttributeType::number, AttributeType::date_time, AttributeType::boolean})
      if (name_of(each) == type) attribute.type = each, found = true;
    if (!found) return invalid_parameter("Invalid AttributeDataType input, consider using the provided AttributeDataType enum.");
    attribute.developer_only = given.boolean("DeveloperOnlyAttribute").value_or(false);
    attribute.is_mutable = given.boolean("Mutable").value_or(true);
    attribute.required = given.boolean("Required").value_or(false);
    if (const auto text = given.structure("StringAttributeConstraints")) {
      attribute.min_length = text->text_or("MinLength", "");
      attribute.max_length = text->text_or("MaxLength", "");
    }
    if (const auto number = given.structure("NumberAttributeConstraints")) {
      attribute.min_value = number->text_or("MinValue", "");
      attribute.max_value = number->text_or("MaxValue", "");
    }
  }
  return out;
}

Answer<CreateUserPoolRequest> read_create_user_pool(const Parameters& in) {
  CreateUserPoolRequest request;
  auto settings = read_pool_settings(in, {});
  if (!settings) return std::unexpected(std::move(settings.error()));
  request.settings = std::move(*settings);
  auto schema = read_schema(in, "Schema");
  if (!schema) return std::unexpected(std::move(schema.error()));
  request.schema = std::move(*schema);
  request.username_attributes = list_of(in, "UsernameAttributes");
  request.alias_attributes = list_of(in, "AliasAttributes");
  if (const auto username = in.structure("UsernameConfiguration")) request.case_sensitive = username->boolean("CaseSensitive");
  return request;
}

Answer<MfaSettings> read_mfa(const Parameters& in, const PoolSettings& present) {
  auto mode = read_mode(in, present.mfa);
  if (!mode) return std::unexpected(std::move(mode.error()));
  if (in.has("SmsMfaConfiguration") && has_any(in.value("SmsMfaConfiguration")))
    return unsupported("SmsMfaConfiguration: text messages are not sent; use SoftwareTokenMfaConfiguration");
  if (in.has("EmailMfaConfiguration") && has_any(in.value("EmailMfaConfiguration")))
    return unsupported("EmailMfaConfiguration: nothing is mailed; use SoftwareTokenMfaConfiguration");
  if (in.has("WebAuthnConfiguration") && has_any(in.value("WebAuthnConfiguration")))
    return unsupported("WebAuthnConfiguration: there are no passkeys; leave it out");
  MfaSettings out{*mode, false};
  if (const auto token = in.structure("SoftwareTokenMfaConfiguration")) out.software_token = token->boolean("Enabled").value_or(false);
  return out;
}

Answer<ClientRequest> read_client(const Parameters& in) {
  ClientRequest request;
  request.pool_id = in.text_or("UserPoolId", "");
  request.name = in.text_or("ClientName", "");
  request.generate_secret = in.boolean("GenerateSecret").value_or(false);
  request.secret = in.text_or("ClientSecret", "");
  request.explicit_auth_flows = list_of(in, "ExplicitAuthFlows");
  const auto units = in.structure("TokenValidityUnits");
  request.access_token = validity_of(in, "AccessTokenValidity", units, "AccessToken");
  request.id_token = validity_of(in, "IdTokenValidity", units, "IdToken");
  request.refresh_token = validity_of(in, "RefreshTokenValidity", units, "RefreshToken");
  request.says_validity_units =
      !request.access_token.units.empty() || !request.id_token.units.empty() || !request.refresh_token.units.empty();
  request.read_attributes = list_of(in, "ReadAttributes");
  request.write_attributes = list_of(in, "WriteAttributes");
  request.supported_identity_providers = list_of(in, "SupportedIdentityProviders");
  request.callback_urls = list_of(in, "CallbackURLs");
  request.logout_urls = list_of(in, "LogoutURLs");
  request.default_redirect_uri = in.text_or("DefaultRedirectURI", "");
  request.oauth_flows = list_of(in, "AllowedOAuthFlows");
  request.oauth_scopes = list_of(in, "AllowedOAuthScopes");
  request.oauth_enabled = in.boolean("AllowedOAuthFlowsUserPoolClient").value_or(false);
  request.prevent_user_existence_errors = in.text_or("PreventUserExistenceErrors", "");
  request.token_revocation = in.boolean("EnableTokenRevocation").value_or(true);
  request.propagates_user_context = in.boolean("EnablePropagateAdditionalUserContextData").value_or(false);
  request.auth_session_validity_minutes = integer_or(in, "AuthSessionValidity", 3);
  if (const auto rotation = in.structure("RefreshTokenRotation"); rotation && rotation->has("Feature")) {
    request.refresh_token_rotation = rotation->text_or("Feature", "") == "ENABLED";
    request.rotation_grace_s = integer_or(*rotation, "RetryGracePeriodSeconds", 0);
  }
  if (in.has("AnalyticsConfiguration") && has_any(in.value("AnalyticsConfiguration")))
    return unsupported("AnalyticsConfiguration: there is no Pinpoint; leave it out");
  return request;
}

GroupRequest read_group(const Parameters& in) {
  GroupRequest request;
  request.pool_id = in.text_or("UserPoolId", "");
  request.name = in.text_or("GroupName", "");
  request.description = in.text("Description");
  request.role_arn = in.text("RoleArn");
  if (const auto precedence = in.integer("Precedence")) request.precedence = static_cast<int>(*precedence);
  return request;
}

ResourceServerRequest read_resource_server(const Parameters& in) {
  ResourceServerRequest request{in.text_or("UserPoolId", ""), in.text_or("Identifier", ""), in.text_or("Name", ""), {}};
  for (const auto& scope : in.structures("Scopes").value_or(std::vector<Parameters>()))
    request.scopes.push_back({scope.text_or("ScopeName", ""), scope.text_or("ScopeDescription", "")});
  return request;
}

DomainRequest read_domain(const Parameters& in) {
  DomainRequest request{in.text_or("UserPoolId", ""), in.text_or("Domain", ""), {}, {}};
  if (const auto custom = in.structure("CustomDomainConfig")) request.certificate_arn = custom->text_or("CertificateArn", "");
  if (const auto version = in.integer("ManagedLoginVersion")) request.managed_login_version = static_cast<int>(*version);
  return request;
}

TextMap read_attributes(const Parameters& in, std::string_view member) {
  TextMap out;
  for (const auto& each : in.structures(member).value_or(std::vector<Parameters>()))
    out.insert_or_assign(each.text_or("Name", ""), each.text_or("Value", ""));
  return out;
}

}  // namespace sallyport::cognito
