// Groups, resource servers and domains of user pools.
#include <algorithm>

#include "cognito/errors.hpp"
#include "cognito/operations.hpp"

namespace sallyport::cognito {
namespace {

constexpr std::size_t groups_max = 10'000, groups_of_user_max = 100, resource_servers_max = 300, prefix_length_max = 63;

std::unexpected<aws::ApiError> no_such_group() { return resource_not_found("Group not found."); }
std::unexpected<aws::ApiError> no_such_domain() { return invalid_parameter("No such domain or user pool exists."); }

Answer<> check_role(const std::optional<std::string>& role) {
  if (!role || role->empty()) return {};
  const auto arn = aws::parse_arn(*role);
  if (!arn || arn->service != "iam" || !arn->resource.starts_with("role/")) return invalid_parameter(cat("Invalid role ARN: ", *role));
  return {};
}

Answer<> check_prefix(std::string_view prefix) {
  for (const std::string_view word : {"aws", "amazon", "cognito"})
    if (prefix.find(word) != std::string_view::npos) return invalid_parameter(cat("Domain cannot contain reserved word: ", word));
  const bool plain = std::ranges::all_of(prefix, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-'; });
  if (!plain || prefix.empty() || prefix.size() > prefix_length_max || prefix.front() == '-' || prefix.back() == '-')
    return invalid_parameter(cat("Invalid domain prefix: ", prefix));
  return {};
}

Answer<> check_custom_domain(std::string_view name, std::string_view certificate) {
  const bool plain = std::ranges::all_of(name, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '.'; });
  if (!plain || name.find('.') == std::string_view::npos || name.front() == '.' || name.back() == '.' ||
      name.find("..") != std::string_view::npos)
    return invalid_parameter(cat("Invalid custom domain: ", name));
  const auto arn = aws::parse_arn(certificate);
  if (!arn || (arn->service != "acm" && arn->service != "iam")) return invalid_parameter(cat("Invalid certificate ARN: ", certificate));
  return {};
}

}  // namespace

Answer<const Group*> Operations::create_group(GroupRequest request) {
  auto pool = find_pool(request.pool_id);
  if (!pool) return std::unexpected(std::move(pool.error()));
  auto& groups = (*pool)->groups;
  if (groups.contains(request.name)) return refused("GroupExistsException", "A group with the name already exists.");
  if (groups.size() >= groups_max) return refused("LimitExceededException", cat("The user pool has ", groups_max, " groups already"));
  if (auto checked = check_role(request.role_arn); !checked) return std::unexpected(std::move(checked.error()));
  Group group{request.name, request.description.value_or(""), request.role_arn.value_or(""), request.precedence, now_, now_};
  return &*groups.emplace(request.name, std::move(group)).first->second;
}

Answer<const Group*> Operations::update_group(GroupRequest request) {
  auto pool = find_pool(request.pool_id);
  if (!pool) return std::unexpected(std::move(pool.error()));
  const auto found = (*pool)->groups.find(request.name);
  if (found == (*pool)->groups.end()) return no_such_group();
  if (auto checked = check_role(request.role_arn); !checked) return std::unexpected(std::move(checked.error()));
  auto& group = found->second.edit();
  if (request.description) group.description = std::move(*request.description);
  if (request.role_arn) group.role_arn = std::move(*request.role_arn);
  if (request.precedence) group.precedence = request.precedence;
  group.modified = now_;
  return &group;
}

Answer<> Operations::delete_group(std::string_view pool_id, std::string_view name) {
  auto pool = find_pool(pool_id);
  if (!pool) return std::unexpected(std::move(pool.error()));
  const auto found = (*pool)->groups.find(name);
  if (found == (*pool)->groups.end()) return no_such_group();
  (*pool)->groups.erase(found);
  std::vector<std::string> members;
  (*pool)->users.walk([&](const std::string& username, const User& user) {
    if (user.in_group(name)) members.push_back(username);
    return true;
  });
  for (const auto& username : members) std::erase((*pool)->users.edit(username)->groups, name);
  return {};
}

Answer<> Operations::add_user_to_group(std::string_view pool_id, std::string_view username, std::string_view group) {
  auto pool = find_pool(pool_id);
  if (!pool) return std::unexpected(std::move(pool.error()));
  const auto* user = cognito::find_user(**pool, username);
  if (!user) return no_such_user();
  if (!(*pool)->groups.contains(group)) return no_such_group();
  if (user->in_group(group)) return {};
  if (user->groups.size() >= groups_of_user_max)
    return refused("LimitExceededException", cat("The user is in ", groups_of_user_max, " groups already"));
  auto& groups = edit_user(**pool, user->username)->groups;
  groups.insert(std::ranges::lower_bound(groups, group), std::string(group));
  return {};
}

Answer<> Operations::remove_user_from_group(std::string_view pool_id, std::string_view username, std::string_view group) {
  auto pool = find_pool(pool_id);
  if (!pool) return std::unexpected(std::move(pool.error()));
  const auto* user = cognito::find_user(**pool, username);
  if (!user) return no_such_user();
  if (!(*pool)->groups.contains(group)) return no_such_group();
  if (user->in_group(group)) std::erase(edit_user(**pool, user->username)->groups, group);
  return {};
}

Answer<const ResourceServer*> Operations::create_resource_server(ResourceServerRequest request) {
  auto pool = find_pool(request.pool_id);
  if (!pool) return std::unexpected(std::move(pool.error()));
  auto& servers = (*pool)->resource_servers;
  if (servers.contains(request.identifier))
    return invalid_parameter(cat(request.identifier, " already exists in user pool ", request.pool_id, "."));
  if (servers.size() >= resource_servers_max)
    return refused("LimitExceededException", cat("The user pool has ", resource_servers_max, " resource servers already"));
  ResourceServer server{request.identifier, std::move(request.name), std::move(request.scopes)};
  return &*servers.emplace(request.identifier, std::move(server)).first->second;
}

Answer<const ResourceServer*> Operations::update_resource_server(ResourceServerRequest request) {
  auto pool = find_pool(request.pool_id);
  if (!pool) return std::unexpected(std::move(pool.error()));
  const auto found = (*pool)->resource_servers.find(request.identifier);
  if (found == (*pool)->resource_servers.end()) return resource_not_found(cat("Resource server ", request.identifier, " does not exist."));
  auto& server = found->second.edit();
  server.name = std::move(request.name);
  server.scopes = std::move(request.scopes);
  return &server;
}

Answer<> Operations::delete_resource_server(std::string_view pool_id, std::string_view identifier) {
  auto pool = find_pool(pool_id);
  if (!pool) return std::unexpected(std::move(pool.error()));
  const auto found = (*pool)->resource_servers.find(identifier);
  if (found == (*pool)->resource_servers.end()) return resource_not_found(cat("Resource server ", identifier, " does not exist."));
  (*pool)->resource_servers.erase(found);
  return {};
}

Answer<const Domain*> Operations::create_user_pool_domain(DomainRequest request) {
  const auto* pool = cognito::find_pool(state_, request.pool_id);
  if (!pool) return no_such_pool(request.pool_id);
  const bool custom = !request.certificate_arn.empty();
  auto checked = custom ? check_custom_domain(request.domain, request.certificate_arn) : check_prefix(request.domain);
  if (!checked) return std::unexpected(std::move(checked.error()));
  if (find_pool_of_domain(state_, request.domain)) return invalid_parameter("Domain already associated with another user pool.");
  for (const auto& [name, domain] : pool->domains)
    if (domain->is_custom() == custom) return invalid_parameter("User pool already has a domain configured.");
  Domain domain;
  domain.name = request.domain;
  domain.certificate_arn = std::move(request.certificate_arn);
  domain.managed_login_version = request.managed_login_version.value_or(1);
  domain.shows_managed_login_version = request.managed_login_version.has_value();
  domain.created = now_;
  put_domain(state_, request.pool_id, std::move(domain));
  return &*cognito::find_pool(state_, request.pool_id)->domains.find(request.domain)->second;
}

Answer<const Domain*> Operations::update_user_pool_domain(DomainRequest request) {
  auto pool = find_pool(request.pool_id);
  if (!pool) return no_such_domain();
  const auto found = (*pool)->domains.find(request.domain);
  if (found == (*pool)->domains.end()) return no_such_domain();
  auto& domain = found->second.edit();
  if (!request.certificate_arn.empty()) {
    if (!domain.is_custom()) return invalid_parameter("CustomDomainConfig can only be given for custom domains");
    if (auto checked = check_custom_domain(request.domain, request.certificate_arn); !checked)
      return std::unexpected(std::move(checked.error()));
    domain.certificate_arn = std::move(request.certificate_arn);
  }
  if (request.managed_login_version) {
    domain.managed_login_version = *request.managed_login_version;
    domain.shows_managed_login_version = true;
  }
  return &domain;
}

Answer<> Operations::delete_user_pool_domain(std::string_view pool_id, std::string_view domain) {
  const auto* pool = cognito::find_pool(state_, pool_id);
  if (!pool || !pool->domains.contains(domain)) return no_such_domain();
  erase_domain(state_, pool_id, domain);
  return {};
}

}  // namespace sallyport::cognito
