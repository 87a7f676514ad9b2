// A new password of a user: is it one the pool takes, and what is kept of it.
#pragma once

#include <string>

#include "base/task.hpp"
#include "cognito/parts.hpp"
#include "crypto/secret.hpp"
#include "io/loop.hpp"

namespace sallyport::cognito {

/// Refuses with InvalidPasswordException what breaks the policy, and with PasswordHistoryPolicyViolationException what the user had before.
/// `user` is null for a new one; `username` is the one it is, or will be, kept under. `pool` and `user` must outlive the task.
Task<Answer<PasswordProof>> prove_new_password(const Parts& parts, io::Loop& loop, const UserPool& pool, const User* user,
                                               std::string username, crypto::Secret password);

}  // namespace sallyport::cognito
