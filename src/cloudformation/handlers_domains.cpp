// Custom domain names: AWS::ApiGateway::DomainName and BasePathMapping, AWS::ApiGatewayV2::DomainName and ApiMapping.
#include "base/text.hpp"
#include "cloudformation/handlers.hpp"

namespace sallyport::cloudformation {
namespace {

using Api = gateway::DomainOperations::Api;

constexpr std::size_t endpoint_id_size = 10, mapping_id_size = 6;

gateway::DomainOperations operations(Workshop& workshop, Api api) {
  const auto has_stage = [&state = workshop.stack.http_api](std::string_view api_id, std::string_view stage) {
    const auto found = state.apis.find(api_id);
    return found != state.apis.end() && (stage.empty() || found->second->stages.contains(stage));
  };
  return {workshop.stack.gateway, workshop.options.now, workshop.options.truststores, api, has_stage};
}

void read_mutual_tls(Properties& properties, gateway::CreateDomainNameRequest& request) {
  auto mutual = properties.object("MutualTlsAuthentication");
  if (!mutual) return;
  request.mutual_tls = gateway::MutualTls{mutual->required_text("TruststoreUri"), mutual->text("TruststoreVersion").value_or("")};
  mutual->finish();
}

std::optional<Attributes> make(Workshop& workshop, const ResourceDeclaration& resource, const Properties& properties, Api api,
                               gateway::CreateDomainNameRequest request) {
  request.endpoint_id = workshop.physical_id(resource.logical_id, endpoint_id_size);
  const auto made = operations(workshop, api).create_domain_name(std::move(request));
  if (!made) {
    const bool of_truststore = made.error().message.contains("truststore");
    auto error = made.error();
    if (of_truststore) error.message = cat("TruststoreUri: ", error.message);
    workshop.refused(resource, properties.whole(), error);
    return std::nullopt;
  }
  const auto& domain = **made;
  auto out = named(resource, domain.name);
  const auto endpoint = gateway::endpoint_name(domain, workshop.scope);
  const bool edge = domain.endpoint_type == "EDGE";
  const auto add = [&](std::string_view name, std::string_view value) { out.attributes.emplace(name, Node(resource.at, value)); };
  add(edge ? "DistributionDomainName" : "RegionalDomainName", endpoint);
  add(edge ? "DistributionHostedZoneId" : "RegionalHostedZoneId", edge ? gateway::hosted_zone_edge : gateway::hosted_zone_regional);
  add("DomainNameArn", cat("arn:", workshop.scope.partition, ":apigateway:", workshop.scope.region, "::/domainnames/", domain.name));
  return out;
}

std::optional<Attributes> map(Workshop& workshop, const ResourceDeclaration& resource, const Properties& properties, Api api,
                              gateway::CreateMappingRequest request) {
  request.id = workshop.physical_id(resource.logical_id, mapping_id_size);
  const auto made = operations(workshop, api).create_mapping(std::move(request));
  if (!made) {
    workshop.refused(resource, properties.whole(), made.error());
    return std::nullopt;
  }
  return named(resource, (*made)->id, {"ApiMappingId"});
}

}  // namespace

std::optional<Attributes> make_domain_name(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  gateway::CreateDomainNameRequest request;
  request.name = properties.required_text("DomainName");
  request.endpoint_type = "EDGE";
  if (auto configuration = properties.object("EndpointConfiguration")) {
    const auto types = configuration->texts("Types");
    configuration->only_default("IpAddressType", "ipv4", "the listener's address decides");
    configuration->finish();
    if (types.size() > 1) configuration->refuse("Types", "takes one type");
    if (!types.empty()) request.endpoint_type = types.front();
  }
  const bool edge = request.endpoint_type == "EDGE";
  const auto of_edge = properties.text("CertificateArn"), regional = properties.text("RegionalCertificateArn");
  if (edge ? regional.has_value() : of_edge.has_value())
    properties.refuse(edge ? "RegionalCertificateArn" : "CertificateArn", cat("is not for an endpoint of type ", request.endpoint_type),
                      "EndpointConfiguration.Types says which it is");
  request.certificate_arn = (edge ? of_edge : regional).value_or("");
  request.ownership_certificate_arn = properties.text("OwnershipVerificationCertificateArn").value_or("");
  request.security_policy = properties.text("SecurityPolicy").value_or(request.security_policy);
  read_mutual_tls(properties, request);
  properties.only_default("RoutingMode", "BASE_PATH_MAPPING_ONLY", "there are no routing rules");
  properties.no_effect({"Tags"});
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  return make(workshop, resource, properties, Api::rest, std::move(request));
}

std::optional<Attributes> make_base_path_mapping(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  gateway::CreateMappingRequest request;
  request.domain_name = properties.required_text("DomainName");
  request.key = properties.text("BasePath").value_or("");
  request.api_id = properties.required_text("RestApiId");
  request.stage = properties.text("Stage").value_or("");
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  return map(workshop, resource, properties, Api::rest, std::move(request));
}

std::optional<Attributes> make_http_domain_name(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  gateway::CreateDomainNameRequest request;
  request.name = properties.required_text("DomainName");
  auto configurations = properties.objects("DomainNameConfigurations");
  if (configurations.size() > 1) properties.refuse("DomainNameConfigurations", "takes one configuration");
  for (auto& configuration : configurations) {
    request.endpoint_type = configuration.text("EndpointType").value_or(request.endpoint_type);
    request.certificate_arn = configuration.text("CertificateArn").value_or("");
    request.certificate_name = configuration.text("CertificateName").value_or("");
    request.ownership_certificate_arn = configuration.text("OwnershipVerificationCertificateArn").value_or("");
    request.security_policy = configuration.text("SecurityPolicy").value_or(request.security_policy);
    configuration.only_default("IpAddressType", "ipv4", "the listener's address decides");
    configuration.finish();
  }
  read_mutual_tls(properties, request);
  properties.only_default("RoutingMode", "API_MAPPING_ONLY", "there are no routing rules");
  const auto tags = properties.text_map("Tags");
  request.tags = {tags.begin(), tags.end()};
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  return make(workshop, resource, properties, Api::v2, std::move(request));
}

std::optional<Attributes> make_api_mapping(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  gateway::CreateMappingRequest request;
  request.domain_name = properties.required_text("DomainName");
  request.key = properties.text("ApiMappingKey").value_or("");
  request.api_id = properties.required_text("ApiId");
  request.stage = properties.required_text("Stage");
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  return map(workshop, resource, properties, Api::v2, std::move(request));
}

}  // namespace sallyport::cloudformation
