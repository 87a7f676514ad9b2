#include "cognito/contact.hpp"

#include <algorithm>

#include "cognito/codes.hpp"
#include "cognito/errors.hpp"
#include "cognito/operations.hpp"

namespace sallyport::cognito {
namespace {

bool is_verified(const User& user, std::string_view attribute) {
  const auto* verified = user.attribute(cat(attribute, "_verified"));
  return verified && *verified == "true";
}

bool contains(const std::vector<std::string>& list, std::string_view text) { return std::ranges::find(list, text) != list.end(); }

std::string or_else(const std::string& text, std::string_view otherwise) { return text.empty() ? std::string(otherwise) : text; }

/// The pool's own texts, `{####}` and `{username}` still in them.
CustomMessage texts_of(const PoolSettings& settings, bool invites) {
  if (invites) {
    constexpr std::string_view text = "Your username is {username} and temporary password is {####}. ";
    const auto& config = settings.admin_create_user;
    return {or_else(config.invite_sms_message, text), or_else(config.invite_email_message, text),
            or_else(config.invite_email_subject, "Your temporary password")};
  }
  constexpr std::string_view text = "Your verification code is {####}. ";
  const auto& verification = settings.verification;
  return {or_else(verification.sms_message, text), or_else(verification.email_message, text),
          or_else(verification.email_subject, "Your verification code")};
}

}  // namespace

Way verification_way(const UserPool& pool, const User& user) {
  for (const std::string_view attribute : {"phone_number", "email"})
    if (const auto* value = user.attribute(attribute); value && contains(pool.settings->auto_verified_attributes, attribute))
      return {std::string(attribute), *value};
  return {};
}

Answer<Way> recovery_way(const UserPool& pool, const User& user) {
  for (const auto& option : pool.settings->recovery) {
    if (option.name == "admin_only") return not_authorized("Contact administrator to reset password.");
    const std::string attribute = option.name == "verified_email" ? "email" : "phone_number";
    if (const auto* value = user.attribute(attribute); value && is_verified(user, attribute)) return Way{attribute, *value};
  }
  return invalid_parameter("Cannot reset password for the user as there is no registered/verified email or phone_number");
}

Answer<> confirm(UserPool& pool, User& user, bool force_alias, WallTime now) {
  if (user.status != UserStatus::unconfirmed)
    return not_authorized(cat("User cannot be confirmed. Current status is ", name_of(user.status)));
  user.status = UserStatus::confirmed;
  user.modified = now;
  std::erase_if(user.codes, [](const Code& code) { return code.purpose == CodePurpose::sign_up; });
  return claim_names(pool, user, force_alias);
}

Answer<> ask_to_verify(const UserPool& pool, User& user, const TextMap& written, Random& random, WallTime now,
                       std::vector<SentCode>& sent) {
  for (const std::string attribute : {"email", "phone_number"}) {
    const auto* value = user.attribute(attribute);
    if (!written.contains(attribute) || !value || is_verified(user, attribute)) continue;
    if (!contains(pool.settings->auto_verified_attributes, attribute)) continue;
    const auto code = issue_code(user, CodePurpose::attribute, attribute, *value, random, now);
    if (!code) return std::unexpected(code.error());
    sent.push_back(sent_code(pool, user, **code));
  }
  return {};
}

Task<Answer<>> deliver(const Parts& parts, io::Loop& loop, std::string client_id, TextMap metadata, std::string source, SentCode code) {
  const auto place = parts.directory.pool(code.pool_id);
  const auto* user = place ? place->pool->users.find(code.username) : nullptr;
  if (!user) co_return no_such_user();  // gone since
  auto texts = texts_of(*place->pool->settings, source == "CustomMessage_AdminCreateUser");
  const auto own = co_await parts.triggers.custom_message(
      {loop, place->state, code.pool_id, std::move(client_id), code.username, user->attributes, std::move(metadata)}, std::move(source));
  if (own) {
    if (!own->sms_message.empty()) texts.sms_message = own->sms_message;
    if (!own->email_message.empty()) texts.email_message = own->email_message;
    if (!own->email_subject.empty()) texts.email_subject = own->email_subject;
  }
  const auto fill = [&](std::string_view text) { return replace_all(replace_all(text, "{username}", code.username), "{####}", code.code); };
  const bool mails = code.attribute == "email";
  code.message = fill(mails ? texts.email_message : texts.sms_message);
  if (mails) code.subject = fill(texts.email_subject);
  if (!code.is_known) parts.codes.sent(code);
  co_return Answer<>();
}

Answer<> prefer_mfa(User& user, const wire::Parameters& in) {
  for (const std::string_view name : {"SMSMfaSettings", "EmailMfaSettings", "WebAuthnMfaSettings"}) {
    const auto given = in.structure(name);
    if (!given) continue;
    const bool enabled = given->boolean("Enabled").value_or(false), preferred = given->boolean("PreferredMfa").value_or(false);
    if (enabled || preferred) return unsupported(cat(name, ": one-time passwords by software token are the only second factor"));
  }
  const auto token = in.structure("SoftwareTokenMfaSettings");
  if (!token) return {};
  const bool enabled = token->boolean("Enabled").value_or(false), preferred = token->boolean("PreferredMfa").value_or(false);
  if ((enabled || preferred) && user.totp_secret.empty()) return invalid_parameter("User has not verified software token mfa");
  user.totp_enabled = enabled || preferred;
  user.totp_preferred = preferred;
  return {};
}

}  // namespace sallyport::cognito
