#include "cognito/new_password.hpp"

#include "cognito/errors.hpp"
#include "cognito/password_policy.hpp"

namespace sallyport::cognito {
namespace {

std::unexpected<aws::ApiError> busy() { return refused("TooManyRequestsException", "Too many requests"); }

}  // namespace

Task<Answer<PasswordProof>> prove_new_password(const Parts& parts, io::Loop& loop, const UserPool& pool, const User* user,
                                               std::string username, crypto::Secret password) {
  co_await check_password(pool.settings->password_policy, password.reveal());
  if (user && pool.settings->password_history_size > 0) {
    std::vector<std::string> hashes;
    if (!user->password.hash.empty()) hashes.push_back(user->password.hash);
    for (const auto& each : user->password_history) hashes.push_back(each.hash);
    for (auto& hash : hashes) {
      const auto same = co_await attempt(parts.passwords.matches(loop, std::move(hash), password));
      if (!same) co_return busy();
      if (*same) co_return refused("PasswordHistoryPolicyViolationException", "Password has previously been used.");
    }
  }
  auto proof = co_await attempt(parts.passwords.prove(loop, pool.id, std::move(username), std::move(password)));
  if (!proof) co_return busy();
  co_return std::move(*proof);
}

}  // namespace sallyport::cognito
