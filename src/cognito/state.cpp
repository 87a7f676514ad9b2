#include "cognito/state.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace sallyport::cognito {
namespace {

bool contains(const std::vector<std::string>& list, std::string_view text) { return std::ranges::find(list, text) != list.end(); }

bool is_verified(const User& user, std::string_view attribute) {
  const auto* verified = user.attribute(cat(attribute, "_verified"));
  return verified && *verified == "true";
}

void forget_names(UserPool& pool, const User& user) {
  for (const auto& name : names_of(pool, user))
    if (const auto* owner = pool.names.find(name); owner && *owner == user.username) pool.names.erase(name);
}

std::string session_of_user(std::string_view username, std::string_view id) { return cat(username, "\n", id); }

}  // namespace

bool Client::allows(std::string_view flow) const {
  if (contains(explicit_auth_flows, flow)) return true;
  // The names of before ALLOW_*: each of them let SRP, custom and refresh flows through, unless custom was to be the only one.
  const bool old_style = std::ranges::any_of(explicit_auth_flows, [](const auto& each) { return !each.starts_with("ALLOW_"); });
  if (!old_style) return false;
  if (flow == "ALLOW_REFRESH_TOKEN_AUTH" || flow == "ALLOW_CUSTOM_AUTH") return true;
  if (flow == "ALLOW_ADMIN_USER_PASSWORD_AUTH") return contains(explicit_auth_flows, "ADMIN_NO_SRP_AUTH");
  if (flow == "ALLOW_USER_PASSWORD_AUTH") return contains(explicit_auth_flows, "USER_PASSWORD_AUTH");
  return flow == "ALLOW_USER_SRP_AUTH" && !contains(explicit_auth_flows, "CUSTOM_AUTH_FLOW_ONLY");
}

Seconds lifetime_of(const TokenValidity& validity, std::string_view default_units, Seconds otherwise) {
  if (validity.amount == 0) return otherwise;
  const std::string_view units = validity.units.empty() ? default_units : std::string_view(validity.units);
  const int factor = units == "seconds" ? 1 : units == "minutes" ? 60 : units == "hours" ? 3600 : 86'400;
  return Seconds(static_cast<std::int64_t>(validity.amount) * factor);
}

bool UserPool::signs_in_with(std::string_view attribute) const {
  return contains(username_attributes, attribute) || contains(alias_attributes, attribute);
}

const UserPool* find_pool(const State& state, std::string_view pool_id) {
  const auto found = state.pools.find(pool_id);
  return found == state.pools.end() ? nullptr : &*found->second;
}

UserPool* edit_pool(State& state, std::string_view pool_id) {
  const auto found = state.pools.find(pool_id);
  return found == state.pools.end() ? nullptr : &found->second.edit();
}

const UserPool* find_pool_of_client(const State& state, std::string_view client_id) {
  const auto* pool_id = state.pools_of_clients.find(client_id);
  return pool_id ? find_pool(state, *pool_id) : nullptr;
}

const UserPool* find_pool_of_domain(const State& state, std::string_view domain) {
  const auto* pool_id = state.pools_of_domains.find(domain);
  return pool_id ? find_pool(state, *pool_id) : nullptr;
}

void put_client(State& state, std::string_view pool_id, Client client) {
  auto* pool = edit_pool(state, pool_id);
  if (!pool) return;
  state.pools_of_clients.put(client.id, std::string(pool_id));
  auto id = client.id;
  pool->clients.insert_or_assign(std::move(id), Shared<Client>(std::move(client)));
}

void erase_client(State& state, std::string_view pool_id, std::string_view client_id) {
  auto* pool = edit_pool(state, pool_id);
  if (!pool) return;
  state.pools_of_clients.erase(client_id);
  if (const auto found = pool->clients.find(client_id); found != pool->clients.end()) pool->clients.erase(found);
}

void put_domain(State& state, std::string_view pool_id, Domain domain) {
  auto* pool = edit_pool(state, pool_id);
  if (!pool) return;
  state.pools_of_domains.put(domain.name, std::string(pool_id));
  auto name = domain.name;
  pool->domains.insert_or_assign(std::move(name), Shared<Domain>(std::move(domain)));
}

void erase_domain(State& state, std::string_view pool_id, std::string_view domain) {
  auto* pool = edit_pool(state, pool_id);
  if (!pool) return;
  state.pools_of_domains.erase(domain);
  if (const auto found = pool->domains.find(domain); found != pool->domains.end()) pool->domains.erase(found);
}

void erase_pool(State& state, std::string_view pool_id) {
  const auto found = state.pools.find(pool_id);
  if (found == state.pools.end()) return;
  for (const auto& [id, client] : found->second->clients) state.pools_of_clients.erase(id);
  for (const auto& [name, domain] : found->second->domains) state.pools_of_domains.erase(name);
  state.pools.erase(found);
}

std::string canonical_username(const UserPool& pool, std::string_view typed) {
  return pool.case_sensitive ? std::string(typed) : lower(typed);
}

const User* find_user(const UserPool& pool, std::string_view typed) {
  const auto name = canonical_username(pool, typed);
  if (const auto* user = pool.users.find(name)) return user;
  for (const std::string_view kind : {"sub", "email", "phone_number", "preferred_username"})
    if (const auto* username = pool.names.find(cat(kind, "=", name))) return pool.users.find(*username);
  return nullptr;
}

const User* find_user_by_attribute(const UserPool& pool, std::string_view attribute, std::string_view value) {
  const auto* username = pool.names.find(cat(attribute, "=", canonical_username(pool, value)));
  return username ? pool.users.find(*username) : nullptr;
}

User* edit_user(UserPool& pool, std::string_view username) { return pool.users.edit(username); }

std::vector<std::string> names_of(const UserPool& pool, const User& user) {
  std::vector<std::string> names{cat("sub=", user.sub)};
  for (const std::string_view attribute : {"email", "phone_number", "preferred_username"}) {
    const auto* value = user.attribute(attribute);
    if (!value || value->empty()) continue;
    // An alias is nobody's until it is proven; with an address in place of a username there is nothing else to be found by.
    const bool counts = contains(pool.username_attributes, attribute) ||
                        (contains(pool.alias_attributes, attribute) &&
                         (attribute == "preferred_username" ? user.status != UserStatus::unconfirmed : is_verified(user, attribute)));
    if (counts) names.push_back(cat(attribute, "=", canonical_username(pool, *value)));
  }
  return names;
}

void put_user(UserPool& pool, User user) {
  if (const auto* before = pool.users.find(user.username)) forget_names(pool, *before);
  for (auto& name : names_of(pool, user)) pool.names.put(std::move(name), user.username);
  auto username = user.username;
  pool.users.put(std::move(username), std::move(user));
}

void erase_user(UserPool& pool, std::string_view username) {
  const auto* user = pool.users.find(username);
  if (!user) return;
  for (const auto& id : sessions_of(pool, username)) erase_session(pool, id);
  forget_names(pool, *user);
  pool.users.erase(username);
}

void put_session(UserPool& pool, Session session) {
  pool.sessions_of_users.put(session_of_user(session.username, session.id), true);
  auto id = session.id;
  pool.sessions.put(std::move(id), std::move(session));
}

void erase_session(UserPool& pool, std::string_view id) {
  const auto* session = pool.sessions.find(id);
  if (!session) return;
  pool.sessions_of_users.erase(session_of_user(session->username, id));
  pool.sessions.erase(id);
}

std::vector<std::string> sessions_of(const UserPool& pool, std::string_view username) {
  std::vector<std::string> ids;
  const auto prefix = session_of_user(username, "");
  pool.sessions_of_users.walk(prefix, [&](const std::string& key, bool) {
    if (!key.starts_with(prefix)) return false;
    ids.push_back(key.substr(prefix.size()));
    return true;
  });
  return ids;
}

std::string_view name_of(AttributeType type) {
  switch (type) {
    case AttributeType::string: return "String";
    case AttributeType::number: return "Number";
    case AttributeType::date_time: return "DateTime";
    case AttributeType::boolean: return "Boolean";
  }
  return {};
}

std::string_view name_of(MfaMode mode) {
  switch (mode) {
    case MfaMode::off: return "OFF";
    case MfaMode::on: return "ON";
    case MfaMode::optional: return "OPTIONAL";
  }
  return {};
}

std::string_view name_of(UserStatus status) {
  switch (status) {
    case UserStatus::unconfirmed: return "UNCONFIRMED";
    case UserStatus::confirmed: return "CONFIRMED";
    case UserStatus::force_change_password: return "FORCE_CHANGE_PASSWORD";
    case UserStatus::reset_required: return "RESET_REQUIRED";
  }
  return {};
}

std::string_view name_of(CodePurpose purpose) {
  switch (purpose) {
    case CodePurpose::sign_up: return "sign_up";
    case CodePurpose::reset_password: return "reset_password";
    case CodePurpose::attribute: return "attribute";
  }
  return {};
}

}  // namespace sallyport::cognito
