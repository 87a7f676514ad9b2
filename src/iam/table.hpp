// How IAM's operations are put into their service: what each needs to be allowed, and reading or changing the state of the account.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "iam/service.hpp"

namespace sallyport::iam {

using control::Access;
using control::Answer;
using control::Call;

/// What an operation is about, and so which ARN its permission is asked for.
enum class Target {
  account,   // `*`
  user,      // UserName
  own_user,  // UserName, or the caller
  group,
  role,
  policy,  // PolicyArn, or PolicyName and Path while it is made
  instance_profile,
  source,  // PolicySourceArn
  key,     // AccessKeyId: whose it is
};

using ReadOperation = std::function<Answer<json::Value>(const Parts&, const State&, const Call&)>;
using WriteOperation = std::function<Answer<json::Value>(const Parts&, State&, const Call&)>;
using ExtraAccess = std::function<std::vector<Access>(const State&, const Call&)>;

class Table {
 public:
  explicit Table(Parts parts) : parts_(parts), service_("iam") {}
  void read(std::string operation, Target target, ReadOperation run);
  /// `extra`: what else must be allowed.
  void write(std::string operation, Target target, WriteOperation run, ExtraAccess extra = {});
  control::Service take() { return std::move(service_); }

 private:
  Parts parts_;
  control::Service service_;
};

/// Each adds its operations.
void add_user_operations(Table& table);
void add_group_operations(Table& table);
void add_role_operations(Table& table);
void add_instance_profile_operations(Table& table);
void add_managed_policy_operations(Table& table);
void add_entity_policy_operations(Table& table);
void add_tag_operations(Table& table);
void add_account_operations(Table& table);
void add_simulation_operations(Table& table);

/// For a change of name or path: the same action on the ARN the thing will have.
ExtraAccess renamed_access(std::string kind);

/// UserName, or the caller's own. Refuses callers that are no users.
Answer<std::string> user_name_of(const Call& call);

/// The scope without its region: where IAM's objects of a call live.
aws::Scope global(const aws::Scope& scope);

/// An answer that is there already, as a task.
Task<Answer<json::Value>> answer_now(Answer<json::Value> answer);

}  // namespace sallyport::iam
