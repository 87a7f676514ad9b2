#include "cloudformation/replace.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace sallyport::cloudformation {
namespace {

/// One map of a state: entries of the old stack make place for those of the new one.
template <class Map>
void replace_entries(Map& draft, const Map& before, const Map& after) {
  for (const auto& [id, value] : before)
    if (!after.contains(id)) draft.erase(id);
  for (const auto& [id, value] : after) draft.insert_or_assign(id, value);
}

std::unexpected<aws::ApiError> refused(std::string message) {
  return std::unexpected(aws::ApiError{"InvalidParameterException", 400, std::move(message)});
}

/// How the users of a pool are named is settled when it is made: another way would give names to others than those who hold them.
control::Answer<> check_names_stay(const cognito::UserPool& present, const cognito::UserPool& after) {
  const auto is_same = [](std::vector<std::string> a, std::vector<std::string> b) {
    std::ranges::sort(a);
    std::ranges::sort(b);
    return a == b;
  };
  const auto changes = [&](std::string_view what) {
    return refused(cat("The user pool ", after.id, " cannot change its ", what,
                       ": that would be another pool. Give the resource another logical id to make one"));
  };
  if (present.case_sensitive != after.case_sensitive) return changes("UsernameConfiguration");
  if (!is_same(present.username_attributes, after.username_attributes)) return changes("UsernameAttributes");
  if (!is_same(present.alias_attributes, after.alias_attributes)) return changes("AliasAttributes");
  return {};
}

class PoolReplacement {
 public:
  PoolReplacement(cognito::State& draft, std::span<const cognito::Snapshot> everybody, Random& random, WallTime now)
      : draft_(draft), everybody_(everybody), operations_(draft, random, now) {}

  control::Answer<> add(const cognito::UserPool& pool) {
    auto made = pool;
    made.clients.clear();
    made.domains.clear();
    draft_.pools.insert_or_assign(pool.id, Shared(std::move(made)));
    return put_names(pool);
  }

  control::Answer<> change(const cognito::UserPool& before, const cognito::UserPool& after) {
    const auto& id = after.id;
    if (auto stay = check_names_stay(present(id), after); !stay) return stay;
    for (const auto& [name, client] : before.clients)
      if (!after.clients.contains(name))
        if (auto gone = operations_.delete_user_pool_client(id, name); !gone && present(id).client(name)) return gone;
    for (const auto& [name, domain] : before.domains)
      if (!after.domains.contains(name)) cognito::erase_domain(draft_, id, name);
    for (const auto& [name, group] : before.groups)
      if (!after.groups.contains(name) && present(id).groups.contains(name))
        if (auto gone = operations_.delete_group(id, name); !gone) return gone;
    if (auto put = put_names(after); !put) return put;

    auto& pool = *cognito::edit_pool(draft_, id);
    pool.name = after.name;
    pool.settings = after.settings;
    pool.schema = after.schema;
    pool.shows_username_configuration = after.shows_username_configuration;
    if (pool.signing_keys.empty()) pool.signing_keys = after.signing_keys;
    replace_entries(pool.groups, before.groups, after.groups);
    replace_entries(pool.resource_servers, before.resource_servers, after.resource_servers);
    replace_users(pool, before, after);
    return {};
  }

 private:
  const cognito::UserPool& present(const std::string& id) const { return *cognito::find_pool(draft_, id); }

  /// Clients and domains, whose names lead to one pool alone.
  control::Answer<> put_names(const cognito::UserPool& pool) {
    for (const auto& [name, domain] : pool.domains) {
      const auto* owner = cognito::find_pool_of_domain(draft_, name);
      if (owner && owner->id != pool.id) return refused(cat("The domain ", name, " belongs to the user pool ", owner->id));
      if (is_of_another_account(name)) return refused(cat("The domain ", name, " is already associated with another user pool"));
      cognito::put_domain(draft_, pool.id, *domain);
    }
    for (const auto& [name, client] : pool.clients) cognito::put_client(draft_, pool.id, *client);
    return {};
  }

  /// A domain leads to one pool, whoever asks and wherever.
  bool is_of_another_account(const std::string& domain) const {
    return std::ranges::any_of(everybody_, [&](const cognito::Snapshot& state) {
      const bool is_ours = state->scope.account_id == draft_.scope.account_id && state->scope.region == draft_.scope.region;
      return !is_ours && cognito::find_pool_of_domain(*state, domain);
    });
  }

  static void replace_users(cognito::UserPool& pool, const cognito::UserPool& before, const cognito::UserPool& after) {
    std::vector<std::string> gone;
    before.users.walk([&](const std::string& name, const cognito::User&) {
      if (!after.users.contains(name)) gone.push_back(name);
      return true;
    });
    for (const auto& name : gone) cognito::erase_user(pool, name);
    after.users.walk([&](const std::string& name, const cognito::User& user) {
      if (!pool.users.contains(name)) return cognito::put_user(pool, user), true;
      // Signed in, confirmed, with a password: only the template's own groups are the template's to say.
      const auto* was = before.users.find(name);
      auto& groups = cognito::edit_user(pool, name)->groups;
      std::erase_if(groups, [&](const std::string& group) { return was && was->in_group(group) && !user.in_group(group); });
      for (const auto& group : user.groups)
        if (std::ranges::find(groups, group) == groups.end()) groups.push_back(group);
      std::ranges::sort(groups);
      return true;
    });
  }

  cognito::State& draft_;
  const std::span<const cognito::Snapshot> everybody_;
  cognito::Operations operations_;
};

}  // namespace

void add_layers(lambda::State& draft, const lambda::State& after) {
  for (const auto& [name, layer] : after.layers) {
    auto& present = draft.layers[name].edit();
    present.newest_version = std::max(present.newest_version, layer->newest_version);
    for (const auto& [number, version] : layer->versions) present.versions.insert_or_assign(number, version);
  }
}

void remove_layers(lambda::State& draft, const lambda::State& before, const lambda::State& after) {
  for (const auto& [name, layer] : before.layers)
    for (const auto& [number, version] : layer->versions) {
      const auto kept = after.layers.find(name);
      if (kept != after.layers.end() && kept->second->versions.contains(number)) continue;
      if (version.retained && version.directory.empty()) continue;
      if (const auto present = draft.layers.find(name); present != draft.layers.end()) present->second.edit().versions.erase(number);
    }
}

gateway::Answer<> replace_apis(gateway::State& draft, const gateway::State& before, const gateway::State& after) {
  for (const auto& [name, domain] : after.domains)
    if (!before.domains.contains(name) && draft.domains.contains(name))
      return std::unexpected(aws::ApiError{"ConflictException", 409, cat("The domain name ", name, " exists already")});
  replace_entries(draft.apis, before.apis, after.apis);
  replace_entries(draft.api_keys, before.api_keys, after.api_keys);
  replace_entries(draft.usage_plans, before.usage_plans, after.usage_plans);
  replace_entries(draft.domains, before.domains, after.domains);
  return {};
}

void replace_http_apis(http_api::State& draft, const http_api::State& before, const http_api::State& after) {
  replace_entries(draft.apis, before.apis, after.apis);
}

control::Answer<> replace_user_pools(cognito::State& draft, const cognito::State& before, const cognito::State& after, Random& random,
                                     WallTime now, std::span<const cognito::Snapshot> everybody) {
  PoolReplacement replacement(draft, everybody, random, now);
  static const cognito::UserPool nothing;
  for (const auto& [id, pool] : before.pools)
    if (!after.pools.contains(id) && !pool->settings->deletion_protection) cognito::erase_pool(draft, id);
  for (const auto& [id, pool] : after.pools) {
    const auto was = before.pools.find(id);
    const bool exists = cognito::find_pool(draft, id) != nullptr;
    auto done = exists ? replacement.change(was == before.pools.end() ? nothing : *was->second, *pool) : replacement.add(*pool);
    if (!done) return done;
  }
  return {};
}

}  // namespace sallyport::cloudformation
