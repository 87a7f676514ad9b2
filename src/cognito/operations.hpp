// Operations on user pools: the same for AWS's API and for templates. Each has AWS's checks and error texts.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cognito/passwords.hpp"
#include "cognito/state.hpp"
#include "control/service.hpp"

namespace sallyport::cognito {

using control::Answer;

// Requests: names and defaults are AWS's. Ids may be the caller's choice; an empty one is drawn.

struct CreateUserPoolRequest {
  std::string id;
  std::string name;
  std::vector<SchemaAttribute> schema;  // names without `custom:`
  std::vector<std::string> username_attributes;
  std::vector<std::string> alias_attributes;
  std::optional<bool> case_sensitive;
  PoolSettings settings;
  std::vector<SigningKey> signing_keys;  // two, from `make_signing_key`
};

/// What CreateUserPoolClient and UpdateUserPoolClient set. An update replaces all of it; id and secret stay.
struct ClientRequest {
  std::string pool_id;
  std::string id;
  std::string name;
  bool generate_secret = false;
  std::string secret;  // the caller's choice
  std::vector<std::string> explicit_auth_flows;
  TokenValidity access_token, id_token, refresh_token;
  bool says_validity_units = false;
  std::vector<std::string> read_attributes, write_attributes;
  std::vector<std::string> supported_identity_providers;
  std::vector<std::string> callback_urls, logout_urls;
  std::string default_redirect_uri;
  std::vector<std::string> oauth_flows, oauth_scopes;
  bool oauth_enabled = false;
  std::string prevent_user_existence_errors;  // ENABLED, LEGACY or empty
  bool token_revocation = true;
  bool propagates_user_context = false;
  int auth_session_validity_minutes = 3;
  std::optional<bool> refresh_token_rotation;
  int rotation_grace_s = 0;
};

struct GroupRequest {
  std::string pool_id;
  std::string name;
  std::optional<std::string> description;
  std::optional<std::string> role_arn;
  std::optional<int> precedence;
};

struct ResourceServerRequest {
  std::string pool_id;
  std::string identifier;
  std::string name;
  std::vector<Scope> scopes;
};

struct DomainRequest {
  std::string pool_id;
  std::string domain;
  std::string certificate_arn;  // with it, the domain is a custom one
  std::optional<int> managed_login_version;
};

/// AdminCreateUser. The password is proven beforehand for `kept_username(pool, username, sub)`; without one the user has none to sign in
/// with.
struct AdminCreateUserRequest {
  std::string pool_id;
  std::string username;  // as typed: an address in a pool with username attributes
  std::string sub;       // a UUID
  TextMap attributes;
  std::optional<PasswordProof> password;
  bool force_alias_creation = false;
};

/// The name a user is kept under: `typed` in the pool's case, or the sub in a pool where addresses are names.
std::string kept_username(const UserPool& pool, std::string_view typed, std::string_view sub);
/// Refuses a name of the wrong sort: an address where names are wanted, a name where addresses are.
Answer<> check_username(const UserPool& pool, std::string_view typed);
/// The attributes with which a user of this name begins: those given, and the name where it is an address.
TextMap first_attributes(const UserPool& pool, std::string_view typed, TextMap given);

/// Changes a draft of the state. A draft of which an operation was refused is thrown away.
class Operations {
 public:
  /// `draft` and `random` must outlive this object. `now` dates what is made.
  Operations(State& draft, Random& random, WallTime now) : state_(draft), random_(random), now_(now) {}

  Answer<const UserPool*> create_user_pool(CreateUserPoolRequest request);
  /// Replaces all settings; `name` empty: it stays.
  Answer<const UserPool*> update_user_pool(std::string_view pool_id, std::string_view name, PoolSettings settings);
  Answer<> delete_user_pool(std::string_view pool_id);
  Answer<const UserPool*> set_user_pool_mfa(std::string_view pool_id, MfaMode mode, bool software_token);
  Answer<> add_custom_attributes(std::string_view pool_id, const std::vector<SchemaAttribute>& attributes);
  /// `arn`: arn:aws:cognito-idp:<region>:<account>:userpool/<id>.
  Answer<> tag_resource(std::string_view arn, const TextMap& tags);
  Answer<> untag_resource(std::string_view arn, const std::vector<std::string>& keys);

  Answer<const Client*> create_user_pool_client(ClientRequest request);
  Answer<const Client*> update_user_pool_client(ClientRequest request);
  /// With its sessions.
  Answer<> delete_user_pool_client(std::string_view pool_id, std::string_view client_id);

  Answer<const Group*> create_group(GroupRequest request);
  Answer<const Group*> update_group(GroupRequest request);
  Answer<> delete_group(std::string_view pool_id, std::string_view name);
  Answer<> add_user_to_group(std::string_view pool_id, std::string_view username, std::string_view group);
  Answer<> remove_user_from_group(std::string_view pool_id, std::string_view username, std::string_view group);

  Answer<const ResourceServer*> create_resource_server(ResourceServerRequest request);
  Answer<const ResourceServer*> update_resource_server(ResourceServerRequest request);
  Answer<> delete_resource_server(std::string_view pool_id, std::string_view identifier);

  Answer<const Domain*> create_user_pool_domain(DomainRequest request);
  Answer<const Domain*> update_user_pool_domain(DomainRequest request);
  Answer<> delete_user_pool_domain(std::string_view pool_id, std::string_view domain);

  Answer<const User*> admin_create_user(AdminCreateUserRequest request);
  /// `permanent`: the user is confirmed with it; else it has to be changed at the next sign-in.
  Answer<> admin_set_user_password(std::string_view pool_id, std::string_view username, PasswordProof password, bool permanent);
  Answer<> admin_update_user_attributes(std::string_view pool_id, std::string_view username, TextMap attributes);
  Answer<> admin_delete_user_attributes(std::string_view pool_id, std::string_view username, const std::vector<std::string>& names);
  Answer<> admin_delete_user(std::string_view pool_id, std::string_view username);
  Answer<> admin_set_enabled(std::string_view pool_id, std::string_view username, bool enabled);

 private:
  Answer<UserPool*> find_pool(std::string_view pool_id);
  Answer<User> find_user(std::string_view pool_id, std::string_view username);
  Answer<Client> make_client(const UserPool& pool, const ClientRequest& request) const;
  State& state_;
  Random& random_;
  WallTime now_;
};

/// Writes attributes that were checked; an empty value takes one away. An address that changes is not verified any more, unless `written`
/// says so too.
void write_attributes(User& user, const TextMap& written);

/// Takes the new password in the place of the present one, which joins the user's history where the pool keeps one.
void set_password(const UserPool& pool, User& user, PasswordProof password, WallTime now);

/// Asks whether nobody else has a name that this user is about to have. Refuses with AliasExistsException, or UsernameExistsException in a
/// pool where addresses are names; `force`: the other one loses an alias.
Answer<> claim_names(UserPool& pool, User& user, bool force);

/// The pool an ARN names; refuses what is none.
Answer<std::string> pool_id_of_arn(std::string_view arn);
std::string pool_arn(const aws::Scope& scope, std::string_view pool_id);

}  // namespace sallyport::cognito
