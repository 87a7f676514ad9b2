// What IAM makes, as operations on a draft: one function per AWS operation, with AWS's checks and error texts. Nothing here knows HTTP;
// templates come this way. Source: IAM API reference.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "control/service.hpp"
#include "iam/state.hpp"

namespace sallyport::iam {

/// What exists beside a draft, for what may be mentioned in it. A function that is not set knows nothing.
struct Surroundings {
  std::function<std::optional<std::string>(std::string_view arn)> unique_id;  // of users and roles, in any account
  std::function<bool(std::string_view arn)> has_policy;                       // managed policies of the account
};

using TagList = std::vector<std::pair<std::string, std::string>>;

struct CreateUserRequest {
  std::string name;
  std::string id;  // AIDA...: the caller's choice, as all ids are
  std::string path = "/";
  std::optional<std::string> boundary = std::nullopt;
  TagList tags = {};
};

struct CreateGroupRequest {
  std::string name;
  std::string id;  // AGPA...
  std::string path = "/";
};

struct CreateRoleRequest {
  std::string name;
  std::string id;  // AROA...
  std::string path = "/";
  std::string trust_policy;
  std::optional<std::string> description = std::nullopt;
  std::optional<std::int64_t> max_session_s = std::nullopt;
  std::optional<std::string> boundary = std::nullopt;
  TagList tags = {};
};

struct CreatePolicyRequest {
  std::string name;
  std::string id;  // ANPA...
  std::string path = "/";
  std::string document;
  std::string description = {};
  TagList tags = {};
};

enum class Holder { user, group, role };

/// Is it one of AWS's own policies that is not known here, and by its name denies nothing? AWS has a thousand of them, and most speak of
/// services that are not here: whoever does without one may do less. One that denies must not be passed over.
bool is_unknown_grant(std::string_view policy_arn);

/// Changes a draft of the state; the owner publishes it when all went well, and lets it go otherwise.
class Operations {
 public:
  /// `draft` must outlive this object. `now` dates what is made.
  Operations(State& draft, WallTime now, Surroundings surroundings = {})
      : state_(draft), now_(std::chrono::floor<std::chrono::seconds>(now)), surroundings_(std::move(surroundings)) {}

  control::Answer<const User*> create_user(CreateUserRequest request);
  control::Answer<const Group*> create_group(CreateGroupRequest request);
  /// Whom the trust policy names must exist.
  control::Answer<const Role*> create_role(CreateRoleRequest request);
  /// What is not given stays.
  control::Answer<> update_role(std::string_view name, std::optional<std::string> description, std::optional<std::int64_t> max_session_s);
  control::Answer<> update_assume_role_policy(std::string_view name, std::string trust_policy);
  control::Answer<const ManagedPolicy*> create_policy(CreatePolicyRequest request);
  control::Answer<> add_user_to_group(std::string_view user, std::string_view group);
  /// PutUserPolicy, PutGroupPolicy, PutRolePolicy. The inline policies of a holder share one allowance of bytes.
  control::Answer<> put_inline_policy(Holder kind, std::string_view holder, const std::string& name, std::string document);
  /// AttachUserPolicy, AttachGroupPolicy, AttachRolePolicy. Twice is once.
  control::Answer<> attach_policy(Holder kind, std::string_view holder, const std::string& policy_arn);

 private:
  control::Answer<Entity*> holder(Holder kind, std::string_view name);
  control::Answer<> check_attachable(std::string_view policy_arn) const;
  control::Answer<> check_boundary(const std::optional<std::string>& policy_arn) const;
  /// The ids of whom a trust policy names, once it is found good.
  control::Answer<TextMap> check_trust_policy(const std::string& text) const;
  control::Answer<TextMap> trusted_ids(std::string_view trust_policy) const;

  State& state_;
  const WallTime now_;
  const Surroundings surroundings_;
};

/// Puts what a template declares into its account; `before` is what it declared until now, and goes where `after` has it no more. What
/// stands under one of the names with another id is somebody else's: EntityAlreadyExists. What users and roles have gathered since they
/// were made stays: access keys, last uses, the time they were made.
control::Answer<> replace_declared(State& account, const State& before, const State& after);

}  // namespace sallyport::iam
