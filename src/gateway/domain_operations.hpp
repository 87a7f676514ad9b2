// Custom domain names and what their paths lead to: the checks and changes behind both APIs, REST's and HTTP's.
// Source: API Gateway REST API reference (DomainName, BasePathMapping); API Gateway V2 API reference (DomainNames, ApiMappings); developer
// guide, "Custom domain names".
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "gateway/patch.hpp"
#include "gateway/state.hpp"

namespace sallyport::gateway {

struct CreateDomainNameRequest {
  std::string name;
  std::string endpoint_id;  // ten lower-case letters and digits
  std::string endpoint_type = "REGIONAL";
  std::string certificate_arn, certificate_name, ownership_certificate_arn;
  std::string security_policy = "TLS_1_2";
  std::optional<MutualTls> mutual_tls = std::nullopt;
  TextMap tags = {};
};

/// What of a domain name changes; what is not there stays.
struct DomainNameChange {
  std::optional<std::string> endpoint_type, certificate_arn, certificate_name, ownership_certificate_arn, security_policy;
  std::optional<MutualTls> mutual_tls;  // with an empty URI: none any more
};

struct CreateMappingRequest {
  std::string domain_name;
  std::string id;
  std::string key;  // `(none)` and empty are the same
  std::string api_id;
  std::string stage;
};

struct MappingChange {
  std::optional<std::string> key, api_id, stage;
};

/// Changes a draft. Pointers last until the next change.
class DomainOperations {
 public:
  /// Which stages exist besides those of the state's REST APIs; empty stage: does the API?
  using HasStage = std::function<bool(std::string_view api_id, std::string_view stage)>;
  /// Who asks: base paths of REST's API have one segment, and lead to REST APIs alone.
  enum class Api : std::uint8_t { rest, v2 };

  DomainOperations(State& state, WallTime now, const std::set<std::string, std::less<>>& truststores, Api api, HasStage other_stages = {})
      : state_(state), now_(now), truststores_(truststores), api_(api), other_stages_(std::move(other_stages)) {}

  Answer<const DomainName*> create_domain_name(CreateDomainNameRequest request);
  Answer<> change_domain_name(const std::string& name, const DomainNameChange& change);
  Answer<> update_domain_name(const std::string& name, const PatchOperations& patch);
  /// With its mappings.
  Answer<> delete_domain_name(const std::string& name);

  Answer<const ApiMapping*> create_mapping(CreateMappingRequest request);
  Answer<const ApiMapping*> change_mapping(const std::string& domain_name, const std::string& key, const MappingChange& change);
  /// Of a base path mapping; answers with it, whose key may be another one now.
  Answer<const ApiMapping*> update_mapping(const std::string& domain_name, const std::string& key, const PatchOperations& patch);
  Answer<> delete_mapping(const std::string& domain_name, const std::string& key);

 private:
  Answer<> check(const DomainName& domain) const;
  Answer<> check(const ApiMapping& mapping) const;
  State& state_;
  WallTime now_;
  const std::set<std::string, std::less<>>& truststores_;
  Api api_;
  HasStage other_stages_;
};

Answer<const DomainName*> look_up_domain(const State& state, const std::string& name);
/// By base path, `(none)` for the empty one.
Answer<const ApiMapping*> look_up_mapping(const State& state, const std::string& domain_name, const std::string& key);
Answer<const ApiMapping*> look_up_mapping_by_id(const State& state, const std::string& domain_name, const std::string& id);

/// The domain names with a mapping to the API (and, where one is named, the stage), with commas between; empty when there is none.
std::string domains_of(const State& state, std::string_view api_id, std::string_view stage = {});

/// The name AWS gives the endpoint behind a domain name: what a DNS record would point at.
std::string endpoint_name(const DomainName& domain, const aws::Scope& scope);
inline constexpr std::string_view hosted_zone_regional = "Z1UJRXOUMOOFQ8", hosted_zone_edge = "Z2FDTNDATAQYW2";
inline constexpr std::string_view no_base_path = "(none)";

}  // namespace sallyport::gateway
