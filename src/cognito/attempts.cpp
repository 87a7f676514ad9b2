#include "cognito/attempts.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "cognito/errors.hpp"
#include "cognito/lockout.hpp"
#include "crypto/digest.hpp"

namespace sallyport::cognito {

std::string Attempts::key_of(std::string_view pool_id, std::string_view name) { return crypto::sha256(cat(pool_id, "\n", name)); }

control::Answer<Attempts::Turn> Attempts::begin(std::string_view pool_id, std::string_view name, const User* user, WallTime now) {
  auto key = key_of(pool_id, name);
  std::scoped_lock lock(mutex_);
  if (!user)
    if (const auto found = unknown_.find(key); found != unknown_.end()) user = &found->second;
  if (user)
    if (auto open = check_not_locked(*user, now); !open) return std::unexpected(std::move(open.error()));
  const bool has_failed = user && user->failed_passwords > 0;
  auto& running = running_[key];
  if (running >= (has_failed ? limits::attempts_at_once_after_failure : limits::attempts_at_once))
    return not_authorized("Password attempts exceeded");
  ++running;
  return Turn(*this, std::move(key));
}

void Attempts::unknown_failed(std::string_view pool_id, std::string_view name, WallTime now) {
  const auto key = key_of(pool_id, name);
  std::scoped_lock lock(mutex_);
  if (!unknown_.contains(key) && unknown_.size() >= limits::unknown_names_max)
    unknown_.erase(std::ranges::min_element(unknown_, {}, [](const auto& entry) { return entry.second.password_failed; }));
  password_failed(unknown_[key], now);
}

void Attempts::end(const std::string& name) {
  std::scoped_lock lock(mutex_);
  const auto running = running_.find(name);
  if (running != running_.end() && --running->second == 0) running_.erase(running);
}

Task<control::Answer<>> write_of_stranger(Ledger& ledger, control::Call& call, std::string pool_id) {
  co_await ledger.write(call, [&](State& draft) -> control::Answer<json::Value> {
    if (auto* pool = edit_pool(draft, pool_id)) ++pool->strangers;
    return json::Value();
  });
  co_return control::Answer<>();
}

}  // namespace sallyport::cognito
