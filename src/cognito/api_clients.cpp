// Clients, groups and resource servers of user pools.
#include "cognito/api_binding.hpp"
#include "cognito/api_input.hpp"
#include "cognito/description.hpp"

namespace sallyport::cognito {
namespace {

constexpr std::size_t limit_max = 60, resource_servers_limit_max = 50;

Answer<json::Value> shown(const UserPool& pool, const Answer<const Client*>& client) {
  if (!client) return std::unexpected(client.error());
  return json::Value(json::Object{{"UserPoolClient", describe(pool, **client)}});
}

Answer<json::Value> create_client(Change& change) {
  auto request = read_client(change.in);
  if (!request) return std::unexpected(std::move(request.error()));
  const auto pool_id = request->pool_id;
  const auto made = change.operations.create_user_pool_client(std::move(*request));
  if (!made) return std::unexpected(made.error());
  return shown(*find_pool(change.draft, pool_id), made);
}

Answer<json::Value> update_client(Change& change) {
  auto request = read_client(change.in);
  if (!request) return std::unexpected(std::move(request.error()));
  request->id = change.in.required("ClientId");
  const auto pool_id = request->pool_id;
  const auto done = change.operations.update_user_pool_client(std::move(*request));
  if (!done) return std::unexpected(done.error());
  return shown(*find_pool(change.draft, pool_id), done);
}

Answer<json::Value> describe_client(const State& state, const wire::Parameters& in) {
  const auto pool = need_pool(state, in);
  if (!pool) return std::unexpected(pool.error());
  const auto id = in.required("ClientId");
  const auto* client = (*pool)->client(id);
  if (!client) return no_such_client(id);
  return shown(**pool, client);
}

Answer<json::Value> list_clients(const State& state, const wire::Parameters& in) {
  const auto pool = need_pool(state, in);
  if (!pool) return std::unexpected(pool.error());
  return page_of((*pool)->clients, in, "MaxResults", "NextToken", limit_max, "UserPoolClients", [&](const auto& id, const Client& client) {
    return json::Value(json::Object{{"ClientId", id}, {"UserPoolId", (*pool)->id}, {"ClientName", client.name}});
  });
}

Answer<json::Value> delete_client(Change& change) {
  return then_nothing(change.operations.delete_user_pool_client(change.in.required("UserPoolId"), change.in.required("ClientId")));
}

Answer<json::Value> shown(const State& state, const std::string& pool_id, const Answer<const Group*>& group) {
  if (!group) return std::unexpected(group.error());
  return json::Value(json::Object{{"Group", describe(*find_pool(state, pool_id), **group)}});
}

Answer<json::Value> create_group(Change& change) {
  auto request = read_group(change.in);
  const auto pool_id = request.pool_id;
  return shown(change.draft, pool_id, change.operations.create_group(std::move(request)));
}

Answer<json::Value> update_group(Change& change) {
  auto request = read_group(change.in);
  const auto pool_id = request.pool_id;
  return shown(change.draft, pool_id, change.operations.update_group(std::move(request)));
}

Answer<json::Value> get_group(const State& state, const wire::Parameters& in) {
  const auto pool = need_pool(state, in);
  if (!pool) return std::unexpected(pool.error());
  const auto found = (*pool)->groups.find(in.required("GroupName"));
  if (found == (*pool)->groups.end()) return resource_not_found("Group not found.");
  return json::Value(json::Object{{"Group", describe(**pool, *found->second)}});
}

Answer<json::Value> list_groups(const State& state, const wire::Parameters& in) {
  const auto pool = need_pool(state, in);
  if (!pool) return std::unexpected(pool.error());
  return page_of((*pool)->groups, in, "Limit", "NextToken", limit_max, "Groups",
                 [&](const auto&, const Group& group) { return describe(**pool, group); });
}

Answer<json::Value> delete_group(Change& change) {
  return then_nothing(change.operations.delete_group(change.in.required("UserPoolId"), change.in.required("GroupName")));
}

Answer<json::Value> shown(const State& state, const std::string& pool_id, const Answer<const ResourceServer*>& server) {
  if (!server) return std::unexpected(server.error());
  return json::Value(json::Object{{"ResourceServer", describe(*find_pool(state, pool_id), **server)}});
}

Answer<json::Value> create_resource_server(Change& change) {
  auto request = read_resource_server(change.in);
  const auto pool_id = request.pool_id;
  return shown(change.draft, pool_id, change.operations.create_resource_server(std::move(request)));
}

Answer<json::Value> update_resource_server(Change& change) {
  auto request = read_resource_server(change.in);
  const auto pool_id = request.pool_id;
  return shown(change.draft, pool_id, change.operations.update_resource_server(std::move(request)));
}

Answer<json::Value> describe_resource_server(const State& state, const wire::Parameters& in) {
  const auto pool = need_pool(state, in);
  if (!pool) return std::unexpected(pool.error());
  const auto id = in.required("Identifier");
  const auto found = (*pool)->resource_servers.find(id);
  if (found == (*pool)->resource_servers.end()) return resource_not_found(cat("Resource server ", id, " does not exist."));
  return json::Value(json::Object{{"ResourceServer", describe(**pool, *found->second)}});
}

Answer<json::Value> list_resource_servers(const State& state, const wire::Parameters& in) {
  const auto pool = need_pool(state, in);
  if (!pool) return std::unexpected(pool.error());
  return page_of((*pool)->resource_servers, in, "MaxResults", "NextToken", resource_servers_limit_max, "ResourceServers",
                 [&](const auto&, const ResourceServer& server) { return describe(**pool, server); });
}

Answer<json::Value> delete_resource_server(Change& change) {
  return then_nothing(change.operations.delete_resource_server(change.in.required("UserPoolId"), change.in.required("Identifier")));
}

}  // namespace

void bind_clients(Binding& binding) {
  binding.write("CreateUserPoolClient", create_client);
  binding.write("UpdateUserPoolClient", update_client);
  binding.read("DescribeUserPoolClient", describe_client);
  binding.read("ListUserPoolClients", list_clients);
  binding.write("DeleteUserPoolClient", delete_client);
  binding.write("CreateGroup", create_group);
  binding.write("UpdateGroup", update_group);
  binding.read("GetGroup", get_group);
  binding.read("ListGroups", list_groups);
  binding.write("DeleteGroup", delete_group);
  binding.write("CreateResourceServer", create_resource_server);
  binding.write("UpdateResourceServer", update_resource_server);
  binding.read("DescribeResourceServer", describe_resource_server);
  binding.read("ListResourceServers", list_resource_servers);
  binding.write("DeleteResourceServer", delete_resource_server);
}

}  // namespace sallyport::cognito
