// Who makes a call, in AWS's words.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/clock.hpp"

namespace sallyport::aws {

enum class CallerKind : std::uint8_t { anonymous, root, user, role_session, federated_session };

/// The principal behind an access key. Immutable once made.
struct Caller {
  CallerKind kind = CallerKind::anonymous;
  std::string account_id;
  std::string arn;            // iam::…:root, iam::…:user/x, sts::…:assumed-role/Role/Session, sts::…:federated-user/x
  std::string user_id;        // aws:userid: account id (root), AIDA… (user), AROA…:session, account:name (federated)
  std::string user_name;      // aws:username: users only
  std::string role_arn;       // role sessions only
  std::string access_key_id;  // empty for a principal that did not sign (a service of ours that acts for a role)
  std::map<std::string, std::string, std::less<>> tags = {};  // aws:PrincipalTag/…: of the user or role, session tags over them
  std::optional<WallTime> token_issued_at = std::nullopt;     // temporary credentials only
};

}  // namespace sallyport::aws
