// Custom domain names and base path mappings.
#include "gateway/api_binding.hpp"
#include "gateway/domain_operations.hpp"
#include "gateway/services.hpp"

namespace sallyport::gateway {
namespace {

using json::Value;
using wire::Parameters;

constexpr std::size_t endpoint_id_size = 10, mapping_id_size = 6;

std::int64_t seconds(WallTime time) { return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count(); }

void add_text(json::Object& out, std::string_view name, std::string_view text) {
  if (!text.empty()) out.emplace_back(name, text);
}

Value describe(const DomainName& domain, const aws::Scope& scope) {
  const bool edge = domain.endpoint_type == "EDGE";
  json::Object out{{"domainName", domain.name},
                   {"domainNameArn", cat("arn:", scope.partition, ":apigateway:", scope.region, "::/domainnames/", domain.name)},
                   {"certificateUploadDate", seconds(domain.certificate_given)},
                   {"endpointConfiguration", json::Object{{"types", json::Array{domain.endpoint_type}}, {"ipAddressType", "ipv4"}}},
                   {"domainNameStatus", "AVAILABLE"},
                   {"securityPolicy", domain.security_policy},
                   {"routingMode", "BASE_PATH_MAPPING_ONLY"}};
  add_text(out, edge ? "certificateArn" : "regionalCertificateArn", domain.certificate_arn);
  add_text(out, edge ? "certificateName" : "regionalCertificateName", domain.certificate_name);
  add_text(out, "ownershipVerificationCertificateArn", domain.ownership_certificate_arn);
  out.emplace_back(edge ? "distributionDomainName" : "regionalDomainName", endpoint_name(domain, scope));
  out.emplace_back(edge ? "distributionHostedZoneId" : "regionalHostedZoneId", edge ? hosted_zone_edge : hosted_zone_regional);
  if (domain.mutual_tls) {
    json::Object mutual{{"truststoreUri", domain.mutual_tls->truststore_uri}};
    add_text(mutual, "truststoreVersion", domain.mutual_tls->truststore_version);
    out.emplace_back("mutualTlsAuthentication", std::move(mutual));
  }
  json::Object tags;
  for (const auto& [key, value] : domain.tags) tags.emplace_back(key, value);
  if (!tags.empty()) out.emplace_back("tags", std::move(tags));
  return out;
}

Value describe(const ApiMapping& mapping) {
  json::Object out{{"basePath", mapping.key.empty() ? no_base_path : std::string_view(mapping.key)}, {"restApiId", mapping.api_id}};
  add_text(out, "stage", mapping.stage);
  return out;
}

Answer<Value> show_domain(const State& state, const Parameters& in) {
  const auto domain = look_up_domain(state, in.required("domainName"));
  if (!domain) return std::unexpected(domain.error());
  return describe(**domain, state.scope);
}

Answer<Value> show_mapping(const State& state, const Parameters& in) {
  const auto mapping = look_up_mapping(state, in.required("domainName"), in.required("basePath"));
  if (!mapping) return std::unexpected(mapping.error());
  return describe(**mapping);
}

Answer<CreateDomainNameRequest> read_domain(const Parameters& in) {
  CreateDomainNameRequest request;
  request.name = in.required("domainName");
  for (const auto* member : {"certificateBody", "certificatePrivateKey", "certificateChain"})
    if (in.has(member))
      return unsupported(
          cat(member, " is not supported by this version: start the server with --certificate ARN=CERT.pem:KEY.pem and name the ARN"));
  if (in.text_or("endpointAccessMode", "BASIC") != "BASIC")
    return unsupported("endpointAccessMode STRICT is not supported by this version");
  if (in.text_or("routingMode", "BASE_PATH_MAPPING_ONLY") != "BASE_PATH_MAPPING_ONLY")
    return unsupported("routing rules of custom domain names are not supported by this version: use base path mappings");
  request.endpoint_type = "EDGE";  // AWS's default here; REST's API is the only one with it
  if (const auto endpoint = in.structure("endpointConfiguration")) {
    const auto types = endpoint->texts("types").value_or(std::vector<std::string>());
    if (types.size() > 1) return bad_request("A custom domain name has one endpoint type");
    if (!types.empty()) request.endpoint_type = types.front();
    if (endpoint->text_or("ipAddressType", "ipv4") != "ipv4")
      return unsupported("ipAddressType dualstack is not supported by this version: the addresses are those the server listens on");
  }
  const bool regional = request.endpoint_type == "REGIONAL";
  request.certificate_arn = in.text_or(regional ? "regionalCertificateArn" : "certificateArn", "");
  request.certificate_name = in.text_or(regional ? "regionalCertificateName" : "certificateName", "");
  request.ownership_certificate_arn = in.text_or("ownershipVerificationCertificateArn", "");
  request.security_policy = in.text_or("securityPolicy", request.security_policy);
  if (const auto mutual = in.structure("mutualTlsAuthentication"); mutual && mutual->has("truststoreUri"))
    request.mutual_tls = MutualTls{mutual->required("truststoreUri"), mutual->text_or("truststoreVersion", "")};
  request.tags = in.text_map("tags").value_or(TextMap());
  return request;
}

}  // namespace

void bind_domains(Binding& binding, Ledger& ledger, const Services& services) {
  using Handler = std::function<Answer<Value>(State&, DomainOperations&, const Parameters&)>;
  const auto write = [&](std::string operation, Handler handler) {
    binding.run(
        std::move(operation),
        [&ledger, truststores = services.settings.truststores, handler = std::move(handler)](control::Call& call) -> Task<Answer<Value>> {
          co_return co_await attempt(ledger.write(call, [&](State& draft) -> Answer<Value> {
            DomainOperations operations(draft, call.now, truststores, DomainOperations::Api::rest);
            return handler(draft, operations, call.in);
          }));
        });
  };
  const auto new_id = [&random = services.random](std::size_t size) {
    return make_id(random, size, "abcdefghijklmnopqrstuvwxyz0123456789");
  };
  write("CreateDomainName", [new_id](State& state, DomainOperations& operations, const Parameters& in) -> Answer<Value> {
    auto request = read_domain(in);
    if (!request) return std::unexpected(request.error());
    request->endpoint_id = new_id(endpoint_id_size);
    const auto made = operations.create_domain_name(std::move(*request));
    if (!made) return std::unexpected(made.error());
    return describe(**made, state.scope);
  });
  binding.read("GetDomainName", show_domain);
  binding.read("GetDomainNames", [](const State& state, const Parameters& in) -> Answer<Value> {
    if (in.text_or("resourceOwner", "SELF") != "SELF")
      return unsupported("domain names of other accounts are not supported by this version");
    return page_of(state.domains, in,
                   [&](const auto&, const Shared<DomainName>& domain) { return std::optional(describe(*domain, state.scope)); });
  });
  write("UpdateDomainName", [](State& state, DomainOperations& operations, const Parameters& in) -> Answer<Value> {
    if (auto done = operations.update_domain_name(in.required("domainName"), patch_operations(in)); !done)
      return std::unexpected(done.error());
    return show_domain(state, in);
  });
  write("DeleteDomainName", [](State&, DomainOperations& operations, const Parameters& in) {
    return then_nothing(operations.delete_domain_name(in.required("domainName")));
  });
  write("CreateBasePathMapping", [new_id](State&, DomainOperations& operations, const Parameters& in) -> Answer<Value> {
    const auto made = operations.create_mapping({in.required("domainName"), new_id(mapping_id_size), in.text_or("basePath", ""),
                                                 in.required("restApiId"), in.text_or("stage", "")});
    if (!made) return std::unexpected(made.error());
    return describe(**made);
  });
  binding.read("GetBasePathMapping", show_mapping);
  binding.read("GetBasePathMappings", [](const State& state, const Parameters& in) -> Answer<Value> {
    const auto domain = look_up_domain(state, in.required("domainName"));
    if (!domain) return std::unexpected(domain.error());
    return page_of((*domain)->mappings, in, [](const auto&, const ApiMapping& mapping) { return std::optional(describe(mapping)); });
  });
  write("UpdateBasePathMapping", [](State&, DomainOperations& operations, const Parameters& in) -> Answer<Value> {
    const auto done = operations.update_mapping(in.required("domainName"), in.required("basePath"), patch_operations(in));
    if (!done) return std::unexpected(done.error());
    return describe(**done);
  });
  write("DeleteBasePathMapping", [](State&, DomainOperations& operations, const Parameters& in) {
    return then_nothing(operations.delete_mapping(in.required("domainName"), in.required("basePath")));
  });
}

}  // namespace sallyport::gateway
