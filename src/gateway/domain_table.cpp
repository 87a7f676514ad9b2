#include "gateway/domain_table.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace sallyport::gateway {
namespace {

std::string_view without_port(std::string_view host) {
  const auto colon = host.rfind(':');
  return host.starts_with('[') || colon == std::string_view::npos ? host : host.substr(0, colon);
}

/// What follows `key` in `path` when its segments begin with those of the key.
std::optional<std::string_view> below(std::string_view path, std::string_view key) {
  if (key.empty()) return path;
  auto rest = path.substr(std::min(path.size(), path.find_first_not_of('/')));
  if (!rest.starts_with(key)) return std::nullopt;
  rest.remove_prefix(key.size());
  if (rest.empty()) return std::string_view("/");
  return rest.front() == '/' ? std::optional(rest) : std::nullopt;
}

}  // namespace

DomainTable::DomainTable(const std::vector<std::shared_ptr<const State>>& states) {
  std::map<std::string, WallTime, std::less<>> made;
  for (const auto& state : states)
    for (const auto& [name, domain] : state->domains) {
      const auto other = made.find(name);
      if (other != made.end() && other->second <= domain->created) continue;
      made[name] = domain->created;
      Domain entry{name, domain->mutual_tls.has_value(), {}};
      for (const auto& [key, mapping] : domain->mappings) entry.mappings.push_back(mapping);
      std::ranges::sort(entry.mappings, [](const auto& a, const auto& b) { return a.key.size() > b.key.size(); });
      domains_.insert_or_assign(name, std::move(entry));
    }
}

DomainTable::Found DomainTable::find(std::string_view host, std::string_view path) const {
  if (domains_.empty()) return {};
  const auto name = lower(host);
  auto found = domains_.find(name);
  if (found == domains_.end())
    if (const auto dot = name.find('.'); dot != std::string::npos && dot > 0)
      found = domains_.find(cat("*", std::string_view(name).substr(dot)));
  if (found == domains_.end()) return {};
  const auto& domain = found->second;
  for (const auto& mapping : domain.mappings)
    if (const auto rest = below(path, mapping.key)) return {&domain, Target{&mapping, *rest}};
  return {&domain, std::nullopt};
}

void Domains::publish(std::shared_ptr<const State> state) {
  if (changed_) changed_(state);
  std::scoped_lock lock(mutex_);
  auto& kept = states_[{state->scope.account_id, state->scope.region}];
  const bool had = kept && !kept->domains.empty();
  kept = std::move(state);
  if (!had && kept->domains.empty()) return;
  std::vector<std::shared_ptr<const State>> all;
  for (const auto& [scope, each] : states_) all.push_back(each);
  table_.publish(std::make_shared<const DomainTable>(all));
}

DomainDecision Domains::decide(const http::Request& request, const serve::Peer& peer) const {
  const auto table = table_.pin();
  const auto host = without_port(request.host);
  const auto found = table->find(host, request.path);
  using enum DomainDecision::Kind;
  if (!found.domain) return {};
  const bool other_name = peer.tls && !equals_ignoring_case(peer.tls->server_name, host);
  if (found.domain->needs_client_certificate) {
    // The certificate counts only when it was asked for under this very name, and held against this name's truststore.
    if (!peer.tls) return {forbidden, "mutual TLS is asked for, and the request came in plain text", {}};
    if (other_name || peer.tls->served_as != found.domain->name)
      return {forbidden, "mutual TLS is asked for, and the connection was made for another name", {}};
    if (!peer.tls->client_certificate) return {forbidden, "no client certificate that the truststore knows", {}};
  }
  if (other_name) return {misdirected, "the connection was made for another name", {}};
  if (!found.target) return {forbidden, "no mapping of the domain name takes the path", {}};

  Address address;
  address.by_custom_domain = true;
  address.api_id = found.target->mapping->api_id;
  address.stage = found.target->mapping->stage;
  address.path = found.target->path;
  if (address.stage.empty()) {
    auto located = locate(address.api_id, address.path, host);
    address.stage = std::move(located.stage);
    address.path = located.path;
  }
  // Exactly one slash at the front, as for other addresses.
  address.path.remove_prefix(std::min(address.path.size() - 1, address.path.find_first_not_of('/') - 1));
  address.path_with_stage = request.path;
  address.domain_name = lower(host);
  return {routed, {}, std::move(address)};
}

http::Response refuse_by_domain(const DomainDecision& decision, Random& random) {
  http::Response response;
  const bool forbidden = decision.kind == DomainDecision::Kind::forbidden;
  response.status = forbidden ? 403 : 421;
  response.add("Content-Type", "application/json");
  response.add("x-amzn-ErrorType", forbidden ? "ForbiddenException" : "MisdirectedRequestException");
  response.add("x-amzn-RequestId", make_uuid(random));
  response.add("x-amz-apigw-id", make_extended_id(random));
  response.body = forbidden ? R"({"message":"Forbidden"})" : R"({"message":"Misdirected Request"})";
  return response;
}

}  // namespace sallyport::gateway
