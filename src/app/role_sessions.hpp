// RoleSessions: what `lambda` asks about execution roles, answered by `iam`.
#pragma once

#include "base/clock.hpp"
#include "iam/directory.hpp"
#include "lambda/role_credentials.hpp"

namespace sallyport::app {

/// Everything must outlive it.
class RoleSessions final : public lambda::RoleCredentials {
 public:
  RoleSessions(iam::Directory& directory, const Clock& clock) : directory_(directory), clock_(clock) {}
  Result<Session> credentials_for(std::string_view role_arn, std::string_view session_name) override;
  Result<> check_role(std::string_view role_arn) const override;

 private:
  iam::Directory& directory_;
  const Clock& clock_;
};

}  // namespace sallyport::app
