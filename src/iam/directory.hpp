// Directory: everybody there is, ready for decisions. Finds who an access key belongs to, says what a caller may do, and gives functions
// the credentials of their roles.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/published.hpp"
#include "control/guard.hpp"
#include "crypto/secret.hpp"
#include "iam/state.hpp"
#include "identity/credential.hpp"
#include "policy/policy.hpp"

namespace sallyport::iam {

/// A key of an account's root.
struct RootKey {
  std::string access_key_id;
  crypto::Secret secret_access_key;
  std::string account_id;
};

namespace limits {
inline constexpr std::size_t service_sessions_max = 50'000;  // of functions' roles, about 2 KiB each
}  // namespace limits

/// Comes from configuration and is nowhere in the state.
struct RootKeys {
  std::vector<RootKey> keys;
  /// An id of exactly twelve digits with the secret `test` is the root of that account, so that many accounts live side by side. For
  /// where the documented pair is accepted, and nowhere else.
  bool accounts_by_key = false;
};

/// Credentials as their holder needs them.
struct SessionCredentials {
  std::string access_key_id;
  crypto::Secret secret_access_key;
  crypto::Secret session_token;
  WallTime expiration;
};

/// A service that wants to act for a role.
struct RoleSessionRequest {
  std::string role_arn;
  std::string session_name;
  std::string service = "lambda.amazonaws.com";
  std::string source_arn = {};  // aws:SourceArn for the trust policy, where it asks; aws:SourceAccount is the role's account
  std::chrono::seconds duration = std::chrono::hours(12);
  /// For so long whoever asks for the same role and name gets the same session again. Environments come and go by the hundred thousand; a
  /// session each, for all its hours, would be without bound.
  std::chrono::seconds shared_for{0};
  std::optional<std::vector<policy::Document>> session_policies = std::nullopt;
};

/// What AssumeRole needs to know of a role.
struct RoleFacts {
  std::string account_id, name, id, arn;
  policy::Document trust_policy;  // names by unique id whom it named when it was stored
  Tags tags;
};

/// May be used from any thread. What is published is immutable, and a decision sees one state of each account to its end.
class Directory final : public identity::CredentialSource, public control::Guard {
 public:
  /// `store` opens the sealed secrets; it and `random` must outlive this object.
  Directory(const store::Store& store, Random& random, RootKeys root_keys);
  ~Directory() override;

  /// Takes the new state of one account: the ledger's callback.
  void publish(Ledger::Snapshot state);
  /// Access keys whose secret does not open with the store's key: they sign nothing. Worth stopping a start.
  std::vector<std::string> unopened_keys() const;

  /// Nothing for keys of principals that no longer exist. An inactive key is found, and says so.
  std::shared_ptr<const identity::Credential> find(std::string_view access_key_id) const override;

  control::Verdict decide(const aws::Caller& caller, const control::Access& access,
                          const control::Circumstances& circumstances) const override;
  json::Value explain(const aws::Caller& caller, const control::Access& access, const control::Circumstances& circumstances) const override;
  std::shared_ptr<const aws::Caller> assume(std::string_view role_arn, std::string_view service, std::string_view session_name,
                                            WallTime now) const override;

  /// Who an ARN of a root, a user or a role stands for, as a caller that has not signed. A role's session has the given name.
  std::shared_ptr<const aws::Caller> caller_of(std::string_view principal_arn, std::string_view session_name = "sallyport") const;
  std::optional<RoleFacts> role(std::string_view role_arn) const;
  /// The unique id of a user or role; nothing when there is none of that ARN.
  std::optional<std::string> unique_id(std::string_view principal_arn) const;

  /// Whether a role's trust policy lets a service assume it. An unknown role is refused with the same text:
  /// InvalidParameterValueException "The role defined for the function cannot be assumed by Lambda."
  control::Answer<> check_service_role(const RoleSessionRequest& request, WallTime now) const;
  /// Credentials of a role for a service that acts for it, after that check. They are kept in memory only, end with the process, and are
  /// void as soon as the role is gone. With `limits::service_sessions_max` of them the one that would end first ends.
  control::Answer<SessionCredentials> issue_role_session(const RoleSessionRequest& request, WallTime now);

  /// Remembers that a caller used its key (GetAccessKeyLastUsed, RoleLastUsed). In memory; IAM's writes take it into the state.
  void note_use(const aws::Caller& caller, std::string_view service, std::string_view region, WallTime now);
  struct Use {
    std::string name;           // of the user or role
    std::string access_key_id;  // empty for a role
    LastUse use;
  };
  std::vector<Use> uses_in(std::string_view account_id) const;
  /// By access key id or a role's unique id.
  std::optional<LastUse> last_use(std::string_view id) const;

 private:
  struct Documents;
  struct Principal;
  struct Key;
  struct Account;
  struct Index;
  struct Applicable;
  class Builder;

  std::shared_ptr<const Key> find_key(const Index& index, std::string_view access_key_id) const;
  std::shared_ptr<const Principal> find_principal(const Index& index, std::string_view principal_arn) const;
  control::Answer<std::shared_ptr<const Principal>> service_role(const Index& index, const RoleSessionRequest& request, WallTime now) const;
  Applicable applicable(const Index& index, const aws::Caller& caller) const;

  const store::Store& store_;
  Random& random_;
  std::vector<std::shared_ptr<const identity::Credential>> root_;
  const bool accounts_by_key_;
  std::mutex publishing_;
  Published<Index> index_;

  mutable std::mutex service_sessions_mutex_;
  struct SharedSession {
    SessionCredentials credentials;
    WallTime until;
  };
  void drop_service_sessions(WallTime now);
  std::map<std::string, std::shared_ptr<const Key>, std::less<>> service_sessions_;
  std::multimap<WallTime, std::string> service_sessions_by_end_;
  std::map<std::string, SharedSession, std::less<>> shared_sessions_;  // by the role's unique id, service and name
  mutable std::mutex uses_mutex_;
  std::map<std::string, LastUse, std::less<>> uses_;
};

}  // namespace sallyport::iam
