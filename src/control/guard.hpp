// Guard: may this caller do this? Implemented by `iam`.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/caller.hpp"
#include "control/service.hpp"
#include "json/value.hpp"
#include "policy/policy.hpp"

namespace sallyport::control {

/// What surrounds a request: the source of the global condition keys.
struct Circumstances {
  WallTime now;
  std::string peer_address;  // aws:SourceIp
  std::string region;        // aws:RequestedRegion
  std::string user_agent;    // empty: not sent
  std::string referer;       // empty: not sent
  bool secure_transport = false;
};

struct Verdict {
  policy::Outcome outcome = policy::Outcome::denied_implicitly;
  /// For a denial, as newer services say why: "because no identity-based policy allows the lambda:InvokeFunction action",
  /// "with an explicit deny in an identity-based policy". Source: semantics of access-denied messages, IAM user guide.
  std::string reason = {};
  explicit operator bool() const { return outcome == policy::Outcome::allowed; }
};

/// May be called from any thread; waits for nothing.
class Guard {
 public:
  virtual ~Guard() = default;
  /// Decides by everything attached to the caller (identity policies of user, groups or role, permissions boundary, session policies) and
  /// the resource policy in `access`, same account or across accounts. A caller that no longer exists is denied.
  virtual Verdict decide(const aws::Caller& caller, const Access& access, const Circumstances& circumstances) const = 0;
  /// The same with every statement and why it matched or not, for `explain` and `can`.
  virtual json::Value explain(const aws::Caller& caller, const Access& access, const Circumstances& circumstances) const = 0;
  /// Who a service of AWS is that assumes a role for a customer; null when there is no such role or its trust policy does not let the
  /// service in.
  virtual std::shared_ptr<const aws::Caller> assume(std::string_view role_arn, std::string_view service, std::string_view session_name,
                                                    WallTime now) const = 0;
};

/// "User: ARN is not authorized to perform: ACTION on resource: RESOURCE REASON".
std::string denial_message(const aws::Caller& caller, const Access& access, const Verdict& verdict);

}  // namespace sallyport::control
