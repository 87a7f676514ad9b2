#include "cognito/entrance.hpp"

#include <utility>

#include "cognito/errors.hpp"
#include "cognito/secret_hash.hpp"

namespace sallyport::cognito {

Answer<ClientCall> enter_with_client(const Parts& parts, control::Call& call) {
  call.in.value("UserContextData");
  call.in.value("AnalyticsMetadata");
  const auto client_id = call.in.required("ClientId");
  auto typed = call.in.required("Username");
  auto place = parts.directory.pool_of_client(client_id);
  const auto* client = place ? place->pool->client(client_id) : nullptr;
  if (!client) return no_such_client(client_id);
  if (auto checked = check_secret_hash(*client, typed, call.in.text("SecretHash")); !checked)
    return std::unexpected(std::move(checked.error()));
  call.scope = place->state->scope;
  const auto* user = find_user(*place->pool, typed);
  return ClientCall{std::move(*place), client, std::move(typed), user};
}

Answer<UserCall> enter_with_token(const Parts& parts, control::Call& call) {
  auto bearer = parts.tokens.verify(call.in.required("AccessToken"), call.now);
  if (!bearer) return std::unexpected(std::move(bearer.error()));
  auto place = parts.directory.pool(bearer->pool_id);
  const auto* user = place ? place->pool->users.find(bearer->username) : nullptr;
  if (!user) return no_such_user();
  if (!user->enabled) return not_authorized("User is disabled.");
  const auto* client = place->pool->client(bearer->client_id);
  if (!client) return no_such_client(bearer->client_id);
  call.scope = place->state->scope;
  return UserCall{std::move(*place), std::move(*bearer), user, client};
}

User& Strangers::find(std::string_view pool_id, std::string_view name) {
  const auto key = cat(pool_id, "\n", name);
  if (const auto found = recent_.find(key); found != recent_.end()) return found->second;
  // No looking for the oldest: names cost nothing, and each of them would cost a walk through all.
  if (recent_.size() >= limits::strangers_max / 2) older_ = std::exchange(recent_, {});
  auto& counters = recent_[key];
  if (auto before = older_.extract(key)) counters = std::move(before.mapped());
  return counters;
}

Answer<> Strangers::count_code_sent(std::string_view pool_id, std::string_view name, WallTime now) {
  std::scoped_lock lock(mutex_);
  return cognito::count_code_sent(find(pool_id, name), now);
}

Answer<> Strangers::count_code_failed(std::string_view pool_id, std::string_view name, WallTime now) {
  std::scoped_lock lock(mutex_);
  auto& counters = find(pool_id, name);
  if (auto allowed = check_codes_not_exhausted(counters, now); !allowed) return allowed;
  code_failed(counters, now);
  return {};
}

}  // namespace sallyport::cognito
