// RoleCredentials: what lets a function's code act as its execution role.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "crypto/secret.hpp"

namespace sallyport::lambda {

/// Implemented where `iam` is known. May be called from any thread; waits for nothing.
class RoleCredentials {
 public:
  struct Session {
    std::string access_key_id;
    crypto::Secret secret_access_key;
    std::string session_token;
  };
  virtual ~RoleCredentials() = default;
  /// A session of the role, valid for at least twelve hours. Fails when there is no such role, or Lambda may not assume it.
  virtual Result<Session> credentials_for(std::string_view role_arn, std::string_view session_name) = 0;
  /// May Lambda assume the role?
  virtual Result<> check_role(std::string_view role_arn) const = 0;
};

}  // namespace sallyport::lambda
