// What exists: user pools with their clients, users, groups, resource servers, domains, signing keys and sessions. A plain value that
// copies by sharing. Secrets are readable in it; they are sealed where it is written down (persistence.cpp).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/arn.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/shared.hpp"
#include "cognito/chunked_map.hpp"
#include "cognito/passwords.hpp"
#include "control/ledger.hpp"
#include "crypto/secret.hpp"
#include "store/store.hpp"

namespace sallyport::cognito {

using TextMap = std::map<std::string, std::string, std::less<>>;
using Seconds = std::chrono::seconds;

enum class AttributeType : std::uint8_t { string, number, date_time, boolean };
enum class MfaMode : std::uint8_t { off, on, optional };
enum class UserStatus : std::uint8_t { unconfirmed, confirmed, force_change_password, reset_required };
/// What a code proves. `attribute` is for one attribute's verification, its name is beside it.
enum class CodePurpose : std::uint8_t { sign_up, reset_password, attribute };

struct PasswordPolicy {
  int minimum_length = 8;
  bool require_uppercase = true;
  bool require_lowercase = true;
  bool require_numbers = true;
  bool require_symbols = true;
  int temporary_password_validity_days = 7;
  bool operator==(const PasswordPolicy&) const = default;
};

/// One attribute of a pool's schema. Custom attributes carry their prefix (`custom:plan`).
struct SchemaAttribute {
  std::string name;
  AttributeType type = AttributeType::string;
  bool developer_only = false;
  bool is_mutable = true;
  bool required = false;
  bool has_string_constraints = false;  // StringAttributeConstraints is shown, maybe empty
  bool has_number_constraints = false;
  std::string min_length, max_length;  // as given: decimal text; empty: not said
  std::string min_value, max_value;
  bool operator==(const SchemaAttribute&) const = default;
};

struct VerificationTemplate {
  std::string default_email_option = "CONFIRM_WITH_CODE";  // or CONFIRM_WITH_LINK, which is refused
  std::string sms_message, email_message, email_subject, email_message_by_link, email_subject_by_link;
  bool operator==(const VerificationTemplate&) const = default;
};

struct AdminCreateUserConfig {
  bool admin_only = false;  // SignUp is refused
  /// Nothing: not said. The password policy's TemporaryPasswordValidityDays is what is followed.
  std::optional<int> unused_account_validity_days;
  bool has_invite_template = false;
  std::string invite_sms_message, invite_email_message, invite_email_subject;
  bool operator==(const AdminCreateUserConfig&) const = default;
};

/// ARNs of the functions a pool calls; empty: none.
struct LambdaConfig {
  std::string pre_sign_up;
  std::string custom_message;
  std::string post_confirmation;
  std::string pre_authentication;
  std::string post_authentication;
  std::string define_auth_challenge;
  std::string create_auth_challenge;
  std::string verify_auth_challenge_response;
  std::string pre_token_generation;          // shown as PreTokenGeneration, and as PreTokenGenerationConfig.LambdaArn
  std::string pre_token_generation_version;  // V1_0, V2_0 or V3_0; empty without a function
  bool shows_pre_token_generation_config = false;
  std::string user_migration;
  bool operator==(const LambdaConfig&) const = default;
};

struct RecoveryOption {
  std::string name;  // verified_email, verified_phone_number or admin_only
  int priority = 1;
  bool operator==(const RecoveryOption&) const = default;
};

/// What CreateUserPool and UpdateUserPool set.
struct PoolSettings {
  PasswordPolicy password_policy;
  int password_history_size = 0;
  std::vector<std::string> first_auth_factors = {"PASSWORD"};  // SignInPolicy.AllowedFirstAuthFactors
  std::vector<std::string> auto_verified_attributes;           // email, phone_number
  std::vector<std::string> attributes_verified_before_update;  // UserAttributeUpdateSettings
  VerificationTemplate verification;
  bool has_legacy_messages = false;  // EmailVerificationMessage and its like were said at top level, and are shown there
  std::string sms_authentication_message;
  AdminCreateUserConfig admin_create_user;
  MfaMode mfa = MfaMode::off;
  bool software_token_mfa = false;
  LambdaConfig lambda;
  std::vector<RecoveryOption> recovery = {{"verified_email", 1}, {"verified_phone_number", 2}};
  bool deletion_protection = false;
  std::string tier = "ESSENTIALS";
  std::string email_sending_account = "COGNITO_DEFAULT";
  std::string email_reply_to, email_from, email_source_arn, email_configuration_set;
  std::string sms_caller_arn, sms_external_id, sms_region;  // SmsConfiguration; the ARN is empty without one
  bool has_add_ons = false;                                 // UserPoolAddOns OFF was said, and is shown
  TextMap tags;
  bool operator==(const PoolSettings&) const = default;
};

/// An RSA key pair that signs, or signed, a pool's tokens.
struct SigningKey {
  std::string kid;
  crypto::Secret private_key;  // PKCS#8, DER
  std::string modulus;         // base64url, as in a JWK
  std::string exponent;
  WallTime created;
  /// Not signed with any more, and published until then: its last tokens have expired. Nothing for the key in use.
  std::optional<WallTime> published_until;
};

/// What a number of a TokenValidityUnits member is in.
struct TokenValidity {
  int amount = 0;     // 0: not said
  std::string units;  // seconds, minutes, hours or days; empty: not said
  bool operator==(const TokenValidity&) const = default;
};

/// `otherwise` where nothing was said.
Seconds lifetime_of(const TokenValidity& validity, std::string_view default_units, Seconds otherwise);

struct Client {
  std::string id;  // 26 characters
  std::string name;
  crypto::Secret secret;  // empty: a public client
  WallTime created, modified;
  std::vector<std::string> explicit_auth_flows;  // ALLOW_USER_SRP_AUTH, ... as they are shown
  TokenValidity access_token, id_token;
  TokenValidity refresh_token;
  bool shows_validity_units = false;
  std::vector<std::string> read_attributes, write_attributes;
  bool limits_reading = false, limits_writing = false;  // the lists above were said; else standard attributes and all custom ones
  std::vector<std::string> supported_identity_providers;
  std::vector<std::string> callback_urls, logout_urls;
  std::string default_redirect_uri;
  std::vector<std::string> oauth_flows;   // code, implicit, client_credentials
  std::vector<std::string> oauth_scopes;  // openid, email, phone, profile, aws.cognito.signin.user.admin, server/scope
  bool oauth_enabled = false;             // AllowedOAuthFlowsUserPoolClient
  bool hides_user_existence = false;      // PreventUserExistenceErrors ENABLED
  std::string prevent_user_existence;     // as shown: ENABLED, LEGACY or empty
  bool revocation = true;                 // EnableTokenRevocation
  bool propagates_user_context = false;   // EnablePropagateAdditionalUserContextData
  int auth_session_validity_minutes = 3;
  bool rotates_refresh_tokens = false;
  bool shows_rotation = false;
  int rotation_grace_s = 0;

  /// `flow`: ALLOW_USER_SRP_AUTH and its like; the names from before them count as what they let through.
  bool allows(std::string_view flow) const;
  /// Of what it issues, with AWS's defaults: an hour, an hour, thirty days.
  Seconds access_token_lifetime() const { return lifetime_of(access_token, "hours", Seconds(3600)); }
  Seconds id_token_lifetime() const { return lifetime_of(id_token, "hours", Seconds(3600)); }
  Seconds refresh_token_lifetime() const { return lifetime_of(refresh_token, "days", Seconds(30 * 86400)); }
};

struct Code {
  CodePurpose purpose = CodePurpose::sign_up;
  std::string attribute;    // email or phone_number: what it was sent to, or what it verifies
  std::string destination;  // the whole address
  crypto::Secret value;
  WallTime created, expires;
};

/// A value that waits for its verification before it replaces the present one.
struct PendingAttribute {
  std::string name;
  std::string value;
};

/// Counts what a user may do only so often.
struct Allowance {
  int count = 0;
  WallTime since;  // of the first that is counted
};

struct User {
  std::string username;  // as kept: lower case in a pool without case sensitivity
  std::string sub;
  TextMap attributes;  // with sub, email_verified, phone_number_verified as text
  UserStatus status = UserStatus::unconfirmed;
  bool enabled = true;
  PasswordProof password;                       // its hash is empty: there is none
  std::vector<PasswordProof> password_history;  // newest first, without the present one
  WallTime password_set;                        // a temporary password's validity counts from here
  WallTime created, modified;
  std::vector<std::string> groups;  // in order of their names

  crypto::Secret totp_secret;          // raw bytes; empty: none
  crypto::Secret pending_totp_secret;  // associated, not yet verified
  std::string totp_device_name;
  bool totp_enabled = false;        // SOFTWARE_TOKEN_MFA is among the user's methods
  bool totp_preferred = false;      // and the preferred one
  std::int64_t totp_last_step = 0;  // of the newest one-time password that was taken: none is taken twice

  std::vector<Code> codes;
  std::vector<PendingAttribute> pending_attributes;
  int failed_passwords = 0;  // in a row, see lockout.hpp
  WallTime password_failed;  // the last time
  WallTime locked_until;
  Allowance codes_sent, codes_failed;

  /// Tokens of sign-ins before then are not taken any more (GlobalSignOut, AdminUserGlobalSignOut).
  WallTime signed_out_at;

  const std::string* attribute(std::string_view name) const {
    const auto found = attributes.find(name);
    return found == attributes.end() ? nullptr : &found->second;
  }
  bool in_group(std::string_view name) const {
    for (const auto& each : groups)
      if (each == name) return true;
    return false;
  }
};

struct Group {
  std::string name;
  std::string description;
  std::string role_arn;
  std::optional<int> precedence;
  WallTime created, modified;
};

struct Scope {
  std::string name;
  std::string description;
  bool operator==(const Scope&) const = default;
};

struct ResourceServer {
  std::string identifier;
  std::string name;
  std::vector<Scope> scopes;
};

/// Where a pool's pages and OAuth endpoints are: a prefix, or a whole host name with a certificate.
struct Domain {
  std::string name;
  std::string certificate_arn;  // custom domains only
  int managed_login_version = 1;
  bool shows_managed_login_version = false;
  WallTime created;
  bool is_custom() const { return !certificate_arn.empty(); }
};

/// One sign-in, for as long as its refresh token lives. Its id is the `origin_jti` of all its tokens.
struct Session {
  std::string id;
  std::string client_id;
  std::string username;
  std::string sub;
  crypto::Secret token_hash;           // SHA-256 of the refresh token that is good now
  crypto::Secret previous_token_hash;  // rotated away, and good for a grace period
  WallTime previous_until;
  WallTime authenticated;  // auth_time
  WallTime created, expires;
  bool revoked = false;
  std::string event_id;
  std::string scope;  // of its access tokens
  std::string nonce;  // of an OAuth sign-in, for its ID tokens
  bool by_oauth = false;
};

struct UserPool {
  std::string id;  // us-east-1_XXXXXXXXX
  std::string arn;
  std::string name;
  WallTime created, modified;
  Shared<std::vector<SchemaAttribute>> schema;  // standard ones first, in AWS's order
  std::vector<std::string> username_attributes;
  std::vector<std::string> alias_attributes;
  bool case_sensitive = true;
  bool shows_username_configuration = false;

  Shared<PoolSettings> settings;

  std::vector<Shared<SigningKey>> signing_keys;  // the one that signs first
  std::map<std::string, Shared<Client>, std::less<>> clients;
  std::map<std::string, Shared<Group>, std::less<>> groups;
  std::map<std::string, Shared<ResourceServer>, std::less<>> resource_servers;
  std::map<std::string, Shared<Domain>, std::less<>> domains;  // at most one of each sort
  ChunkedMap<User> users;                                      // by `username`
  ChunkedMap<Session> sessions;                                // by `id`
  /// Failures of names of nobody: kept only to be written, see `write_of_stranger`.
  std::int64_t strangers = 0;
  /// Derived, never written: `sub=<uuid>`, `email=<address>`, `phone_number=<number>`, `preferred_username=<name>` -> username, for the
  /// ways a user of this pool may be named. Kept true by `put_user` and `erase_user`.
  ChunkedMap<std::string> names;
  /// Derived, never written: `<username>\n<session id>`, to end all of a user's sessions.
  ChunkedMap<bool> sessions_of_users;

  const SchemaAttribute* schema_attribute(std::string_view name) const {
    for (const auto& each : *schema)
      if (each.name == name) return &each;
    return nullptr;
  }
  const Client* client(std::string_view id_of_client) const {
    const auto found = clients.find(id_of_client);
    return found == clients.end() ? nullptr : &*found->second;
  }
  bool signs_in_with(std::string_view attribute) const;
};

struct State {
  aws::Scope scope;
  std::map<std::string, Shared<UserPool>, std::less<>> pools;  // by id
  /// Derived, never written: client id -> pool id, domain -> pool id. Kept true by `put_client`, `put_domain` and those that erase.
  ChunkedMap<std::string> pools_of_clients, pools_of_domains;
};

inline constexpr const char* service_name = "cognito-idp";

/// What it takes to make a store that holds `before` hold `after`. What the two share is not looked at. Found by control::Ledger, as is
/// `restore`: see persistence.cpp.
void save(const State& before, const State& after, store::Batch& batch, const store::Store& store);
/// Puts what a record holds back into the state; records of one state may come in any order. An error names the record: a store that cannot
/// be read whole must not be served from.
Result<> restore(State& state, const store::Record& record, const store::Store& store);

using Ledger = control::Ledger<State>;
using Snapshot = Ledger::Snapshot;

const UserPool* find_pool(const State& state, std::string_view pool_id);
/// For changing; null when there is none.
UserPool* edit_pool(State& state, std::string_view pool_id);
/// The pool of a client. Client ids are unique in a scope; for all scopes ask each snapshot of `Ledger::all`.
const UserPool* find_pool_of_client(const State& state, std::string_view client_id);
/// The pool a domain belongs to, by its prefix or its host name.
const UserPool* find_pool_of_domain(const State& state, std::string_view domain);

/// Clients and domains are put in and taken out through these.
void put_client(State& state, std::string_view pool_id, Client client);
void erase_client(State& state, std::string_view pool_id, std::string_view client_id);
void put_domain(State& state, std::string_view pool_id, Domain domain);
void erase_domain(State& state, std::string_view pool_id, std::string_view domain);
void erase_pool(State& state, std::string_view pool_id);

/// As the pool writes a name that somebody typed: lower case where case does not matter.
std::string canonical_username(const UserPool& pool, std::string_view typed);
/// The user with this username, sub, or (where the pool signs in with it) verified e-mail address, phone number or preferred user name.
const User* find_user(const UserPool& pool, std::string_view typed);
/// Who has this e-mail address, phone number or preferred user name as a name to be found by.
const User* find_user_by_attribute(const UserPool& pool, std::string_view attribute, std::string_view value);
/// By its username alone, for changing everything but `username`, `sub` and `attributes`.
User* edit_user(UserPool& pool, std::string_view username);

/// New users, and those whose attributes change: keeps `UserPool::names` true.
void put_user(UserPool& pool, User user);
void erase_user(UserPool& pool, std::string_view username);
/// What this user may be named by beside the username, as keys of `UserPool::names`.
std::vector<std::string> names_of(const UserPool& pool, const User& user);
/// Sessions of a user end with `erase_user` too.
void put_session(UserPool& pool, Session session);  // new or changed
void erase_session(UserPool& pool, std::string_view id);
/// Ids of the sessions of a user.
std::vector<std::string> sessions_of(const UserPool& pool, std::string_view username);

// Names as AWS writes them.
std::string_view name_of(AttributeType type);   // String
std::string_view name_of(MfaMode mode);         // OFF
std::string_view name_of(UserStatus status);    // UNCONFIRMED
std::string_view name_of(CodePurpose purpose);  // sign_up

}  // namespace sallyport::cognito
