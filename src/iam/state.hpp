// What IAM and STS keep of one account: users, groups, roles, managed policies, instance profiles and sessions. A plain value; secrets are
// in it only as the store sealed them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/arn.hpp"
#include "aws/caller.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/shared.hpp"
#include "base/text.hpp"
#include "control/ledger.hpp"
#include "store/store.hpp"

namespace sallyport::iam {

struct CaseBlindLess {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return to_lower(x) < to_lower(y); });
  }
};

using TextMap = std::map<std::string, std::string, std::less<>>;
/// Tag keys are unique without regard to case; each keeps the case it was given.
using Tags = std::map<std::string, std::string, CaseBlindLess>;

/// When and where something was last used; nothing before the first time.
struct LastUse {
  WallTime at;
  std::string region;
  std::string service;
  bool operator==(const LastUse&) const = default;
};

struct AccessKey {
  std::string id;
  std::string sealed_secret;  // opens with the id
  bool active = true;
  WallTime created;
  std::optional<LastUse> last_use = std::nullopt;
  bool operator==(const AccessKey&) const = default;
};

/// What users, groups and roles have in common. Policy documents are kept as they were written.
struct Entity {
  std::string name;
  std::string id;    // AIDA..., AGPA... or AROA...
  std::string path;  // begins and ends with /
  std::string arn;
  WallTime created;
  TextMap inline_policies = {};       // name -> document
  std::vector<std::string> attached;  // ARNs of managed policies, in the order they were attached
  bool operator==(const Entity&) const = default;
};

/// What users and roles have in common.
struct BoundedEntity : Entity {
  std::optional<std::string> boundary = std::nullopt;  // ARN of a managed policy
  Tags tags = {};
  bool operator==(const BoundedEntity&) const = default;
};

struct User : BoundedEntity {
  std::vector<std::string> groups = {};
  std::vector<AccessKey> access_keys = {};
  bool operator==(const User&) const = default;
};

struct Group : Entity {
  bool operator==(const Group&) const = default;
};

struct Role : BoundedEntity {
  std::string trust_policy;
  /// Users and roles the trust policy named when it was stored -> their unique ids. Whoever is made later under the same name is somebody
  /// else, and is not trusted.
  TextMap trusted_ids = {};
  std::string description = {};
  bool has_description = false;
  int max_session_s = 3600;
  std::optional<LastUse> last_use = std::nullopt;
  bool operator==(const Role&) const = default;
};

struct PolicyVersion {
  std::string document;
  WallTime created;
  bool operator==(const PolicyVersion&) const = default;
};

struct ManagedPolicy {
  std::string name;
  std::string id;  // ANPA...
  std::string path;
  std::string arn;
  std::string description = {};
  WallTime created;
  WallTime updated;
  std::map<int, PolicyVersion> versions = {};
  int default_version = 1;
  int newest_version = 1;  // numbers are not used again
  Tags tags = {};
  bool operator==(const ManagedPolicy&) const = default;
  const std::string& document() const { return versions.at(default_version).document; }
};

struct InstanceProfile {
  std::string name;
  std::string id;  // AIPA...
  std::string path;
  std::string arn;
  WallTime created;
  std::optional<std::string> role = std::nullopt;  // name
  Tags tags = {};
  bool operator==(const InstanceProfile&) const = default;
};

/// Temporary credentials that STS gave out.
struct Session {
  std::string access_key_id;  // ASIA...
  std::string sealed_secret;  // opens with the id
  std::string sealed_token;   // opens with the id and "/token"
  aws::CallerKind kind = aws::CallerKind::role_session;
  /// The unique id of what it acts as: the role; the user that called GetSessionToken or GetFederationToken; the account id for root.
  std::string owner_id;
  std::string session_name = {};  // of the role session or the federated user
  WallTime issued;
  WallTime expires;
  bool has_session_policies = false;
  std::vector<std::string> session_policies = {};     // documents
  std::vector<std::string> session_policy_arns = {};  // managed policies
  Tags tags = {};                                     // session tags
  std::vector<std::string> transitive_tag_keys = {};
  bool operator==(const Session&) const = default;
};

template <class T>
using Objects = std::map<std::string, Shared<T>, CaseBlindLess>;

/// Names are unique without regard to case, and found only as they were written: `find`.
struct State {
  aws::Scope scope;  // region is empty
  Objects<User> users = {};
  Objects<Group> groups = {};
  Objects<Role> roles = {};
  Objects<ManagedPolicy> policies = {};  // by name
  Objects<InstanceProfile> instance_profiles = {};
  std::map<std::string, Shared<Session>, std::less<>> sessions = {};  // by access key id
};

/// Null unless the name is written as it was when the thing was made.
template <class T>
const T* find(const Objects<T>& objects, std::string_view name) {
  const auto found = objects.find(name);
  return found == objects.end() || found->first != name ? nullptr : &*found->second;
}
template <class T>
T* edit(Objects<T>& objects, std::string_view name) {
  const auto found = objects.find(name);
  return found == objects.end() || found->first != name ? nullptr : &found->second.edit();
}

/// arn:aws:iam::account:kind/path/name. `kind`: user, group, role, policy, instance-profile.
std::string entity_arn(const aws::Scope& scope, std::string_view kind, std::string_view path, std::string_view name);

/// See `control::Ledger`: the difference as records, and a record back. A record with members this version does not know is refused.
void save(const State& before, const State& after, store::Batch& batch);
Result<> restore(State& state, const store::Record& record);

using Ledger = control::Ledger<State>;

}  // namespace sallyport::iam
