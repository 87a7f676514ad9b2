// Password policy: which passwords a pool takes, and temporary ones that it takes.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "cognito/state.hpp"
#include "control/service.hpp"

namespace sallyport::cognito {

/// Refuses with InvalidPasswordException and AWS's texts.
control::Answer<> check_password(const PasswordPolicy& policy, std::string_view password);

/// As long as the policy asks for and at least 12 characters, of every kind.
std::string make_temporary_password(const PasswordPolicy& policy, Random& random);

}  // namespace sallyport::cognito
