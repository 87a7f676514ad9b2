// Lockout: how often passwords and codes may be tried, and codes sent. All of it changes the user, so that a restart forgives nothing.
#pragma once

#include "base/clock.hpp"
#include "cognito/state.hpp"
#include "control/service.hpp"

namespace sallyport::cognito {

/// Refuses with NotAuthorizedException "Password attempts exceeded" while the account is locked. To be asked before the password is looked
/// at: a right one during the lock is not told from a wrong one.
control::Answer<> check_not_locked(const User& user, WallTime now);
/// Counts a wrong password.
void password_failed(User& user, WallTime now);
/// Forgets them; false when there was nothing to forget.
bool password_succeeded(User& user);

/// Refuses with LimitExceededException when there were too many wrong codes of late.
control::Answer<> check_codes_not_exhausted(const User& user, WallTime now);
void code_failed(User& user, WallTime now);
/// Counts a code that is sent; refuses with LimitExceededException when there were too many of late.
control::Answer<> count_code_sent(User& user, WallTime now);

}  // namespace sallyport::cognito
