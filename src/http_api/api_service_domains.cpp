#include "http_api/api_service_domains.hpp"

#include "base/text.hpp"
#include "gateway/domain_operations.hpp"
#include "gateway/operations.hpp"
#include "http_api/api_binding.hpp"

namespace sallyport::http_api {
namespace {

using control::Call;
using gateway::ApiMapping;
using gateway::DomainName;
using gateway::DomainOperations;
using json::Value;
using wire::Parameters;

constexpr std::size_t endpoint_id_size = 10, mapping_id_size = 6;
constexpr std::string_view domain_mark = "::/domainnames/";

std::int64_t seconds(WallTime time) { return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count(); }

void add_text(json::Object& out, std::string_view name, std::string_view text) {
  if (!text.empty()) out.emplace_back(name, text);
}

Value describe_domain(const DomainName& domain, const aws::Scope& scope) {
  json::Object configuration{{"ApiGatewayDomainName", gateway::endpoint_name(domain, scope)},
                             {"CertificateUploadDate", seconds(domain.certificate_given)},
                             {"DomainNameStatus", "AVAILABLE"},
                             {"EndpointType", domain.endpoint_type},
                             {"HostedZoneId", domain.endpoint_type == "EDGE" ? gateway::hosted_zone_edge : gateway::hosted_zone_regional},
                             {"IpAddressType", "ipv4"},
                             {"SecurityPolicy", domain.security_policy}};
  add_text(configuration, "CertificateArn", domain.certificate_arn);
  add_text(configuration, "CertificateName", domain.certificate_name);
  add_text(configuration, "OwnershipVerificationCertificateArn", domain.ownership_certificate_arn);
  json::Object out{{"ApiMappingSelectionExpression", "$request.basepath"},
                   {"DomainName", domain.name},
                   {"DomainNameArn", cat("arn:", scope.partition, ":apigateway:", scope.region, "::/domainnames/", domain.name)},
                   {"DomainNameConfigurations", json::Array{std::move(configuration)}},
                   {"RoutingMode", "API_MAPPING_ONLY"}};
  if (domain.mutual_tls) {
    json::Object mutual{{"TruststoreUri", domain.mutual_tls->truststore_uri}};
    add_text(mutual, "TruststoreVersion", domain.mutual_tls->truststore_version);
    out.emplace_back("MutualTlsAuthentication", std::move(mutual));
  }
  json::Object tags;
  for (const auto& [key, value] : domain.tags) tags.emplace_back(key, value);
  out.emplace_back("Tags", std::move(tags));
  return out;
}

Value describe_mapping(const ApiMapping& mapping) {
  return json::Object{{"ApiId", mapping.api_id}, {"ApiMappingId", mapping.id}, {"ApiMappingKey", mapping.key}, {"Stage", mapping.stage}};
}

/// The one configuration a domain name has here.
Answer<gateway::DomainNameChange> read_configuration(const Parameters& in) {
  gateway::DomainNameChange change;
  if (in.text_or("RoutingMode", "API_MAPPING_ONLY") != "API_MAPPING_ONLY")
    return gateway::unsupported("routing rules of custom domain names are not supported by this version: use API mappings");
  if (const auto mutual = in.structure("MutualTlsAuthentication"); mutual && mutual->has("TruststoreUri"))
    change.mutual_tls = gateway::MutualTls{mutual->required("TruststoreUri"), mutual->text_or("TruststoreVersion", "")};
  const auto configurations = in.structures("DomainNameConfigurations").value_or(std::vector<Parameters>());
  if (configurations.size() > 1) return gateway::bad_request("A custom domain name has one domain name configuration");
  if (configurations.empty()) return change;
  const auto& configuration = configurations.front();
  // Of what an answer has and clients send back, these are AWS's to say.
  for (const auto* shown : {"ApiGatewayDomainName", "CertificateUploadDate", "DomainNameStatus", "DomainNameStatusMessage", "HostedZoneId"})
    configuration.value(shown);
  if (configuration.text_or("IpAddressType", "ipv4") != "ipv4")
    return gateway::unsupported("IpAddressType dualstack is not supported by this version: the addresses are those the server listens on");
  change.endpoint_type = configuration.text("EndpointType");
  change.certificate_arn = configuration.text("CertificateArn");
  change.certificate_name = configuration.text("CertificateName");
  change.ownership_certificate_arn = configuration.text("OwnershipVerificationCertificateArn");
  change.security_policy = configuration.text("SecurityPolicy");
  return change;
}

/// The ledgers and what the operations need besides.
struct Parts {
  gateway::Ledger& domains;
  Ledger& apis;
  const std::set<std::string, std::less<>>& truststores;
  Random& random;

  std::string id(std::size_t size) const { return new_id(random)(size); }

  control::Answer<std::vector<control::Access>> access(const Call& call) const {
    auto all = access_of(*apis.read(call.scope), call);
    if (!all || !call.in.has("DomainName")) return all;
    const auto state = domains.read(call.scope);
    const auto domain = state->domains.find(lower(call.in.required("DomainName")));
    if (domain == state->domains.end()) return all;
    for (const auto& [key, value] : domain->second->tags)
      for (auto& each : *all) each.context.push_back({cat("aws:ResourceTag/", key), {value}});
    return all;
  }

  /// Which stages HTTP APIs have.
  DomainOperations::HasStage stages(const aws::Scope& scope) const {
    return [state = apis.read(scope)](std::string_view api_id, std::string_view stage) {
      const auto api = state->apis.find(api_id);
      return api != state->apis.end() && (stage.empty() || api->second->stages.contains(stage));
    };
  }
};

using Read = std::function<Answer<Value>(const gateway::State&, const Parameters&)>;
using Write = std::function<Answer<Value>(gateway::State&, DomainOperations&, const Parameters&)>;

void on_read(control::Service& service, const Parts& parts, std::string operation, Read handler) {
  service.on(
      std::move(operation), [parts](const Call& call) { return parts.access(call); },
      [parts, handler = std::move(handler)](Call& call) -> Task<Answer<Value>> {
        auto answer = handler(*parts.domains.read(call.scope), call.in);
        if (answer)
          if (auto honoured = control::refuse_unread(call); !honoured) co_return std::unexpected(std::move(honoured.error()));
        co_return answer;
      });
}

void on_write(control::Service& service, const Parts& parts, std::string operation, Write handler) {
  service.on(
      std::move(operation), [parts](const Call& call) { return parts.access(call); },
      [parts, handler = std::move(handler)](Call& call) -> Task<Answer<Value>> {
        auto stages = parts.stages(call.scope);
        co_return co_await attempt(parts.domains.write(call, [&](gateway::State& draft) -> Answer<Value> {
          DomainOperations operations(draft, call.now, parts.truststores, DomainOperations::Api::v2, stages);
          return handler(draft, operations, call.in);
        }));
      });
}

Answer<Value> show_domain(const gateway::State& state, const Parameters& in) {
  const auto domain = gateway::look_up_domain(state, in.required("DomainName"));
  if (!domain) return std::unexpected(domain.error());
  return describe_domain(**domain, state.scope);
}

Answer<Value> show_mapping(const gateway::State& state, const Parameters& in) {
  const auto mapping = gateway::look_up_mapping_by_id(state, in.required("DomainName"), in.required("ApiMappingId"));
  if (!mapping) return std::unexpected(mapping.error());
  return describe_mapping(**mapping);
}

Answer<Value> create_domain(const Parts& parts, gateway::State& state, DomainOperations& operations, const Parameters& in) {
  auto configuration = read_configuration(in);
  if (!configuration) return std::unexpected(configuration.error());
  gateway::CreateDomainNameRequest request;
  request.name = in.required("DomainName");
  request.endpoint_id = parts.id(endpoint_id_size);
  request.endpoint_type = configuration->endpoint_type.value_or(request.endpoint_type);
  if (request.endpoint_type != "REGIONAL") return gateway::bad_request("Endpoint type must be REGIONAL for a domain name of this API");
  request.certificate_arn = configuration->certificate_arn.value_or("");
  request.certificate_name = configuration->certificate_name.value_or("");
  request.ownership_certificate_arn = configuration->ownership_certificate_arn.value_or("");
  request.security_policy = configuration->security_policy.value_or(request.security_policy);
  request.mutual_tls = configuration->mutual_tls;
  request.tags = in.text_map("Tags").value_or(gateway::TextMap());
  const auto made = operations.create_domain_name(std::move(request));
  if (!made) return std::unexpected(made.error());
  return describe_domain(**made, state.scope);
}

Answer<Value> change_domain(gateway::State& state, DomainOperations& operations, const Parameters& in) {
  const auto change = read_configuration(in);
  if (!change) return std::unexpected(change.error());
  if (auto done = operations.change_domain_name(in.required("DomainName"), *change); !done) return std::unexpected(done.error());
  return show_domain(state, in);
}

Answer<Value> change_mapping(gateway::State& state, DomainOperations& operations, const Parameters& in) {
  const auto name = in.required("DomainName");
  const auto mapping = gateway::look_up_mapping_by_id(state, name, in.required("ApiMappingId"));
  if (!mapping) return std::unexpected(mapping.error());
  gateway::MappingChange change{in.text("ApiMappingKey"), in.text("ApiId"), in.text("Stage")};
  const auto key = (*mapping)->key;
  const auto changed = operations.change_mapping(name, key, change);
  if (!changed) return std::unexpected(changed.error());
  return describe_mapping(**changed);
}

void bind_domains(control::Service& service, const Parts& parts) {
  on_write(service, parts, "CreateDomainName", [parts](gateway::State& state, DomainOperations& operations, const Parameters& in) {
    return create_domain(parts, state, operations, in);
  });
  on_read(service, parts, "GetDomainName", show_domain);
  on_read(service, parts, "GetDomainNames", [](const gateway::State& state, const Parameters& in) {
    return page_of(state.domains, in, [&](const auto&, const Shared<DomainName>& domain) { return describe_domain(*domain, state.scope); });
  });
  on_write(service, parts, "UpdateDomainName", change_domain);
  on_write(service, parts, "DeleteDomainName", [](gateway::State&, DomainOperations& operations, const Parameters& in) -> Answer<Value> {
    if (auto done = operations.delete_domain_name(in.required("DomainName")); !done) return std::unexpected(done.error());
    return json::Object{};
  });
}

void bind_mappings(control::Service& service, const Parts& parts) {
  on_write(service, parts, "CreateApiMapping",
           [parts](gateway::State&, DomainOperations& operations, const Parameters& in) -> Answer<Value> {
             const auto made = operations.create_mapping({in.required("DomainName"), parts.id(mapping_id_size),
                                                          in.text_or("ApiMappingKey", ""), in.required("ApiId"), in.required("Stage")});
             if (!made) return std::unexpected(made.error());
             return describe_mapping(**made);
           });
  on_read(service, parts, "GetApiMapping", show_mapping);
  on_read(service, parts, "GetApiMappings", [](const gateway::State& state, const Parameters& in) -> Answer<Value> {
    const auto domain = gateway::look_up_domain(state, in.required("DomainName"));
    if (!domain) return std::unexpected(domain.error());
    return page_of((*domain)->mappings, in, [](const auto&, const ApiMapping& mapping) { return describe_mapping(mapping); });
  });
  on_write(service, parts, "UpdateApiMapping", change_mapping);
  on_write(service, parts, "DeleteApiMapping",
           [](gateway::State& state, DomainOperations& operations, const Parameters& in) -> Answer<Value> {
             const auto mapping = gateway::look_up_mapping_by_id(state, in.required("DomainName"), in.required("ApiMappingId"));
             if (!mapping) return std::unexpected(mapping.error());
             const auto key = (*mapping)->key;
             if (auto done = operations.delete_mapping(in.required("DomainName"), key); !done) return std::unexpected(done.error());
             return json::Object{};
           });
}

/// Does something before, and where that answers, instead of what the service does by itself.
template <class Before>
void put_before(control::Service& service, std::string_view operation, Before before) {
  const auto* own = service.find(operation);
  if (!own) return;
  auto access = own->access;
  service.on(std::string(operation), std::move(access), [before, run = own->run](Call& call) -> Task<Answer<Value>> {
    std::optional<Answer<Value>> instead = co_await before(call);
    if (instead) co_return std::move(*instead);
    co_return co_await attempt(run(call));
  });
}

void bind_tags(control::Service& service, const Parts& parts) {
  const auto is_domain = [](const Call& call) { return call.in.text_or("ResourceArn", "").contains(domain_mark); };
  put_before(service, "GetTags", [parts, is_domain](Call& call) -> Task<std::optional<Answer<Value>>> {
    if (!is_domain(call)) co_return std::nullopt;
    const auto tags = gateway::tags_of(*parts.domains.read(call.scope), call.in.required("ResourceArn"));
    if (!tags) co_return Answer<Value>(std::unexpected(tags.error()));
    json::Object shown;
    for (const auto& [key, value] : *tags) shown.emplace_back(key, value);
    co_return Answer<Value>(json::Object{{"Tags", std::move(shown)}});
  });
  const auto change = [parts, is_domain](auto body) {
    return [parts, is_domain, body](Call& call) -> Task<std::optional<Answer<Value>>> {
      if (!is_domain(call)) co_return std::nullopt;
      co_return co_await attempt(parts.domains.write(call, [&](gateway::State& draft) -> Answer<Value> {
        gateway::Operations operations(draft, call.now);
        if (auto done = body(operations, call.in); !done) return std::unexpected(done.error());
        return json::Object{};
      }));
    };
  };
  put_before(service, "TagResource", change([](gateway::Operations& operations, const Parameters& in) {
               return operations.tag_resource(in.required("ResourceArn"), in.text_map("Tags").value_or(gateway::TextMap()));
             }));
  put_before(service, "UntagResource", change([](gateway::Operations& operations, const Parameters& in) {
               return operations.untag_resource(in.required("ResourceArn"), in.texts("TagKeys").value_or(std::vector<std::string>()));
             }));
}

void guard_deletions(control::Service& service, const Parts& parts) {
  const auto refuse_mapped = [parts](std::string_view what, std::string_view stage_member) {
    return [parts, what, stage_member](Call& call) -> Task<std::optional<Answer<Value>>> {
      const auto stage = stage_member.empty() ? std::string() : call.in.required(stage_member);
      const auto domains = gateway::domains_of(*parts.domains.read(call.scope), call.in.required("ApiId"), stage);
      if (domains.empty()) co_return std::nullopt;
      co_return Answer<Value>(
          gateway::bad_request(cat("Please remove all base path mappings related to the ", what, " in your domains: ", domains)));
    };
  };
  put_before(service, "DeleteApi", refuse_mapped("API", ""));
  put_before(service, "DeleteStage", refuse_mapped("stage", "StageName"));
}

}  // namespace

void add_domain_operations(control::Service& service, gateway::Ledger& domains, Ledger& apis,
                           const std::set<std::string, std::less<>>& truststores, Random& random) {
  const Parts parts{domains, apis, truststores, random};
  bind_domains(service, parts);
  bind_mappings(service, parts);
  bind_tags(service, parts);
  guard_deletions(service, parts);
}

}  // namespace sallyport::http_api
