#include "cognito/directory.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "cognito/signing_keys.hpp"

namespace sallyport::cognito {
namespace {

template <class Map>
std::vector<std::string> names_of(const Map& map) {
  std::vector<std::string> names;
  for (const auto& [name, ignored] : map) names.push_back(name);
  return names;
}

template <class Map>
bool has_names(const Map& map, const std::vector<std::string>& names) {
  return map.size() == names.size() &&
         std::ranges::equal(map, names, {}, [](const auto& entry) -> const std::string& { return entry.first; });
}

bool same_keys(const std::vector<Shared<SigningKey>>& a, const std::vector<Shared<SigningKey>>& b) {
  return std::ranges::equal(a, b, [](const auto& x, const auto& y) { return x.is(y); });
}

void enter(std::map<std::string, std::string, std::less<>>& index, std::vector<std::string>& entered, std::vector<std::string> names,
           const std::string& pool_id) {
  for (const auto& name : entered)
    if (const auto old = index.find(name); old != index.end() && old->second == pool_id) index.erase(old);
  for (const auto& name : names) index[name] = pool_id;
  entered = std::move(names);
}

}  // namespace

void Directory::read_keys(const Entry& entry, const UserPool& pool) const {
  const auto now = clock_.wall_now();
  entry.key_set = identity::KeySet::parse(key_set_text(pool, now)).value_or(identity::KeySet());
  entry.key_set_ends.reset();
  for (const auto& key : pool.signing_keys)
    if (key->published_until && *key->published_until > now)
      entry.key_set_ends = std::min(entry.key_set_ends.value_or(*key->published_until), *key->published_until);
}

void Directory::publish(Snapshot state) {
  std::scoped_lock lock(mutex_);
  const Place place{state->scope.account_id, state->scope.region};
  auto& kept = states_[place];
  for (const auto& [id, pool] : state->pools) {
    // Most changes are of users and sessions and touch nothing that is indexed.
    if (kept)
      if (const auto before = kept->pools.find(id); before != kept->pools.end() && before->second.is(pool)) continue;
    auto& entry = pools_[id];
    entry.place = place;
    if (!has_names(pool->clients, entry.clients)) enter(clients_, entry.clients, names_of(pool->clients), id);
    if (!has_names(pool->domains, entry.domains)) enter(domains_, entry.domains, names_of(pool->domains), id);
    if (!same_keys(pool->signing_keys, entry.keys)) {
      entry.keys = pool->signing_keys;
      read_keys(entry, *pool);
    }
  }
  if (kept)
    for (const auto& [id, pool] : kept->pools)
      if (!state->pools.contains(id)) {
        auto& gone = pools_[id];
        enter(clients_, gone.clients, {}, id);
        enter(domains_, gone.domains, {}, id);
        pools_.erase(id);
      }
  kept = std::move(state);
}

std::optional<FoundPool> Directory::found(const std::string& pool_id) const {
  const auto entry = pools_.find(pool_id);
  if (entry == pools_.end()) return std::nullopt;
  const auto& state = states_.at(entry->second.place);
  return FoundPool{state, &*state->pools.find(pool_id)->second};
}

std::optional<FoundPool> Directory::pool(std::string_view id) const {
  std::scoped_lock lock(mutex_);
  return found(std::string(id));
}

std::optional<FoundPool> Directory::pool_of_client(std::string_view client_id) const {
  std::scoped_lock lock(mutex_);
  const auto entry = clients_.find(client_id);
  return entry == clients_.end() ? std::nullopt : found(entry->second);
}

std::optional<FoundPool> Directory::pool_of_domain(std::string_view domain) const {
  std::scoped_lock lock(mutex_);
  const auto entry = domains_.find(lower(domain));
  return entry == domains_.end() ? std::nullopt : found(entry->second);
}

std::optional<identity::KeySet> Directory::issuer_keys(std::string_view issuer) const {
  std::scoped_lock lock(mutex_);
  const auto slash = issuer.rfind('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto entry = pools_.find(issuer.substr(slash + 1));
  if (entry == pools_.end()) return std::nullopt;
  const auto pool = found(entry->first);
  if (issuer_of(*pool->pool) != issuer) return std::nullopt;
  if (entry->second.key_set_ends && *entry->second.key_set_ends <= clock_.wall_now()) read_keys(entry->second, *pool->pool);
  return entry->second.key_set;
}

}  // namespace sallyport::cognito
