#include "cognito/lockout.hpp"

#include <algorithm>

#include "cognito/choices.hpp"
#include "cognito/errors.hpp"

namespace sallyport::cognito {
namespace {

bool is_over(const Allowance& allowance, Seconds window, WallTime now) {
  // A clock that was set back must not lock anybody out for good.
  return now - allowance.since >= window || now < allowance.since;
}

bool is_exhausted(const Allowance& allowance, int most, Seconds window, WallTime now) {
  return allowance.count >= most && !is_over(allowance, window, now);
}

void count(Allowance& allowance, Seconds window, WallTime now) {
  if (allowance.count == 0 || is_over(allowance, window, now)) allowance = {0, now};
  ++allowance.count;
}

}  // namespace

control::Answer<> check_not_locked(const User& user, WallTime now) {
  if (now < user.locked_until && user.locked_until - now <= choices.lock_max) return not_authorized("Password attempts exceeded");
  return {};
}

void password_failed(User& user, WallTime now) {
  if (now - user.password_failed >= choices.lock_forgotten) user.failed_passwords = 0;
  user.password_failed = now;
  ++user.failed_passwords;
  if (user.failed_passwords < choices.passwords_free) return;
  const int doublings = std::min(user.failed_passwords - choices.passwords_free, 20);
  user.locked_until = now + std::min(Seconds(1LL << doublings), Seconds(choices.lock_max));
}

bool password_succeeded(User& user) {
  if (user.failed_passwords == 0) return false;
  user.failed_passwords = 0;
  user.locked_until = {};
  return true;
}

control::Answer<> check_codes_not_exhausted(const User& user, WallTime now) {
  if (is_exhausted(user.codes_failed, choices.codes_failed_max, choices.codes_failed_window, now)) return too_many_attempts();
  return {};
}

void code_failed(User& user, WallTime now) { count(user.codes_failed, choices.codes_failed_window, now); }

control::Answer<> count_code_sent(User& user, WallTime now) {
  if (is_exhausted(user.codes_sent, choices.codes_sent_max, choices.codes_sent_window, now)) return too_many_attempts();
  count(user.codes_sent, choices.codes_sent_window, now);
  return {};
}

}  // namespace sallyport::cognito
