#include "gateway/domain_operations.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "gateway/lookup.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::size_t name_bytes_max = 253, key_bytes_max = 300, mappings_max = 200;
constexpr std::string_view plain_policy = "TLS_1_2";

std::unexpected<aws::ApiError> no_such_domain() { return not_found("Invalid domain name identifier specified"); }
std::unexpected<aws::ApiError> no_such_mapping() { return not_found("Invalid base path mapping identifier specified"); }

bool is_label(std::string_view label) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c); };
  return !label.empty() && label.size() <= 63 && plain(label.front()) && plain(label.back()) &&
         std::ranges::all_of(label, [&](char c) { return plain(c) || c == '-'; });
}

/// Names under which this server (or AWS) answers already must not be taken over by whoever may make domain names.
bool is_taken(const std::vector<std::string_view>& labels) {
  const auto is_service = [](std::string_view label) { return label == "execute-api" || label == "lambda-url"; };
  const auto last = labels.back();
  const bool numeric = std::ranges::all_of(last, is_digit);
  const bool of_aws =
      labels.size() >= 2 && last == "com" && (labels[labels.size() - 2] == "amazonaws" || labels[labels.size() - 2] == "amazoncognito");
  return numeric || of_aws || labels.size() < 2 || std::ranges::any_of(labels, is_service);
}

Answer<> check_name(std::string_view name) {
  if (name.size() > name_bytes_max) return bad_request("Domain name is too long");
  auto rest = name;
  if (rest.starts_with("*.")) rest.remove_prefix(2);
  const auto labels = split(rest, '.');
  if (!std::ranges::all_of(labels, is_label)) return bad_request(cat("Invalid domain name specified: ", name));
  if (is_taken(labels)) return bad_request(cat("The domain name you provided is not supported: ", name));
  return {};
}

Answer<> check_policy(std::string_view policy) {
  if (policy == plain_policy) return {};
  return unsupported(cat("securityPolicy ", policy, " is not supported by this version: every listener speaks TLS 1.2 and 1.3 with the ",
                         "ciphers of docs/tls.md; leave it out or say TLS_1_2"));
}

Answer<> check_key(std::string_view key, DomainOperations::Api api) {
  if (key.size() > key_bytes_max) return bad_request(cat("Base path is longer than ", key_bytes_max, " characters"));
  if (key.empty()) return {};
  if (api == DomainOperations::Api::rest && key.contains('/'))
    return bad_request(
        "API Gateway V1 doesn't support the slash character (/) in base path mappings. To create a multi-level base path mapping, use API "
        "Gateway V2.");
  for (const auto segment : split(key, '/')) {
    if (segment.empty()) return bad_request("API mapping key should not start with a '/' or have consecutive '/'s.");
    for (const char c : segment)
      if (!is_alpha(c) && !is_digit(c) && !std::string_view("$-_.+!*'()").contains(c))
        return bad_request("Base paths can contain only letters, numbers and one of the characters: $-_.+!*'()");
    if (segment == "." || segment == "..") return bad_request("A base path must not have dot segments");
  }
  if (key == "ping" || key == "sping") return bad_request("The base paths ping and sping are reserved");
  return {};
}

std::string key_of(std::string_view text) { return text == no_base_path ? std::string() : std::string(text); }

/// One of the two names a path has in AWS's patches.
PatchRule<DomainNameChange> text_rule(std::string_view path, std::optional<std::string> DomainNameChange::* member) {
  return {
      path, {PatchVerb::add, PatchVerb::replace, PatchVerb::remove}, [member](DomainNameChange& change, const PatchStep& step) -> Answer<> {
        change.*member = step.verb == PatchVerb::remove ? std::string() : step.value;
        return {};
      }};
}

std::string endpoint_types() {
  return "Endpoint types of custom domain names are REGIONAL and EDGE; PRIVATE is not supported by this version";
}

}  // namespace

Answer<> DomainOperations::check(const DomainName& domain) const {
  if (domain.endpoint_type != "REGIONAL" && domain.endpoint_type != "EDGE") return unsupported(endpoint_types());
  if (domain.certificate_arn.empty() && domain.certificate_name.empty())
    return bad_request("A certificate ARN or name must be provided for the domain name's endpoint type");
  for (const auto& arn : {domain.certificate_arn, domain.ownership_certificate_arn})
    if (!arn.empty() && !aws::parse_arn(arn)) return bad_request(cat("Invalid certificate ARN: ", arn));
  if (auto good = check_policy(domain.security_policy); !good) return good;
  if (!domain.mutual_tls) return {};
  const auto& uri = domain.mutual_tls->truststore_uri;
  if (domain.endpoint_type != "REGIONAL") return bad_request("Mutual TLS is only supported for regional custom domain names");
  if (domain.name.starts_with('*')) return bad_request("Mutual TLS is not supported for wildcard custom domain names");
  if (!truststores_.contains(uri))
    return bad_request(cat("Failed to retrieve the truststore ", uri, ": start the server with --truststore ", uri, "=FILE.pem"));
  return {};
}

Answer<> DomainOperations::check(const ApiMapping& mapping) const {
  if (auto good = check_key(mapping.key, api_); !good) return good;
  const auto rest = state_.apis.find(mapping.api_id);
  if (rest == state_.apis.end()) {
    if (api_ == Api::rest || !other_stages_ || !other_stages_(mapping.api_id, {}))
      return bad_request(api_ == Api::rest ? "Invalid REST API identifier specified"
                                           : cat("Invalid API identifier specified ", state_.scope.account_id, ":", mapping.api_id));
    if (!other_stages_(mapping.api_id, mapping.stage)) return bad_request("Invalid stage identifier specified");
    return {};
  }
  if (mapping.stage.empty()) return api_ == Api::rest ? Answer<>() : bad_request("Invalid stage identifier specified");
  if (!rest->second->stages.contains(mapping.stage)) return bad_request("Invalid stage identifier specified");
  return {};
}

Answer<const DomainName*> DomainOperations::create_domain_name(CreateDomainNameRequest request) {
  DomainName domain;
  domain.name = lower(request.name);
  if (auto good = check_name(domain.name); !good) return std::unexpected(good.error());
  if (state_.domains.contains(domain.name)) return conflict("The domain name you provided already exists.");
  domain.certificate_arn = std::move(request.certificate_arn);
  domain.certificate_name = std::move(request.certificate_name);
  domain.ownership_certificate_arn = std::move(request.ownership_certificate_arn);
  domain.endpoint_type = std::move(request.endpoint_type);
  domain.endpoint_id = std::move(request.endpoint_id);
  domain.security_policy = std::move(request.security_policy);
  domain.mutual_tls = std::move(request.mutual_tls);
  domain.tags = std::move(request.tags);
  domain.created = domain.certificate_given = now_;
  if (auto good = check(domain); !good) return std::unexpected(good.error());
  auto& kept = state_.domains[domain.name];
  kept = std::move(domain);
  return &*kept;
}

Answer<> DomainOperations::change_domain_name(const std::string& name, const DomainNameChange& change) {
  const auto found = state_.domains.find(lower(name));
  if (found == state_.domains.end()) return no_such_domain();
  auto domain = *found->second;
  const auto set = [](std::string& member, const std::optional<std::string>& value) {
    if (value) member = *value;
  };
  if (change.certificate_arn && *change.certificate_arn != domain.certificate_arn) domain.certificate_given = now_;
  set(domain.endpoint_type, change.endpoint_type);
  set(domain.certificate_arn, change.certificate_arn);
  set(domain.certificate_name, change.certificate_name);
  set(domain.ownership_certificate_arn, change.ownership_certificate_arn);
  set(domain.security_policy, change.security_policy);
  if (change.mutual_tls) {
    domain.mutual_tls = change.mutual_tls;
    if (domain.mutual_tls->truststore_uri.empty()) domain.mutual_tls.reset();
  }
  if (auto good = check(domain); !good) return good;
  found->second.edit() = std::move(domain);
  return {};
}

Answer<> DomainOperations::update_domain_name(const std::string& name, const PatchOperations& patch) {
  const auto found = state_.domains.find(lower(name));
  if (found == state_.domains.end()) return no_such_domain();
  const auto before = found->second->mutual_tls.value_or(MutualTls{});
  const auto set_type = [](DomainNameChange& change, const PatchStep& step) -> Answer<> {
    change.endpoint_type = step.value;
    return {};
  };
  const auto set_mutual = [&before](std::string MutualTls::* member) {
    return [&before, member](DomainNameChange& change, const PatchStep& step) -> Answer<> {
      if (!change.mutual_tls) change.mutual_tls = before;
      (*change.mutual_tls).*member = step.verb == PatchVerb::remove ? std::string() : step.value;
      return {};
    };
  };
  using enum PatchVerb;
  const std::vector<PatchRule<DomainNameChange>> rules = {
      text_rule("/certificateName", &DomainNameChange::certificate_name),
      text_rule("/certificateArn", &DomainNameChange::certificate_arn),
      text_rule("/regionalCertificateName", &DomainNameChange::certificate_name),
      text_rule("/regionalCertificateArn", &DomainNameChange::certificate_arn),
      text_rule("/ownershipVerificationCertificateArn", &DomainNameChange::ownership_certificate_arn),
      {"/securityPolicy",
       {replace},
       [](DomainNameChange& change, const PatchStep& step) -> Answer<> {
         change.security_policy = step.value;
         return {};
       }},
      {"/endpointConfiguration/types/{type}", {add, replace}, set_type},
      {"/endpointConfiguration/types", {add, replace}, set_type},
      {"/mutualTlsAuthentication/truststoreUri", {add, replace, remove}, set_mutual(&MutualTls::truststore_uri)},
      {"/mutualTlsAuthentication/truststoreVersion", {add, replace, remove}, set_mutual(&MutualTls::truststore_version)},
      {"/mutualTlsAuthentication",
       {replace, remove},
       [](DomainNameChange& change, const PatchStep& step) -> Answer<> {
         if (!step.value.empty()) return bad_request("Name the members of mutualTlsAuthentication one by one");
         change.mutual_tls = MutualTls{};
         return {};
       }},
      {"/routingMode",
       {replace},
       [](DomainNameChange&, const PatchStep& step) -> Answer<> {
         if (step.value == "BASE_PATH_MAPPING_ONLY") return {};
         return unsupported("routing rules of custom domain names are not supported by this version: use base path mappings");
       }},
  };
  DomainNameChange change;
  if (auto good = apply_patch(change, patch, rules); !good) return good;
  return change_domain_name(name, change);
}

Answer<> DomainOperations::delete_domain_name(const std::string& name) {
  if (state_.domains.erase(lower(name)) == 0) return no_such_domain();
  return {};
}

Answer<const ApiMapping*> DomainOperations::create_mapping(CreateMappingRequest request) {
  const auto domain = state_.domains.find(lower(request.domain_name));
  if (domain == state_.domains.end()) return no_such_domain();
  ApiMapping mapping{std::move(request.id), key_of(request.key), std::move(request.api_id), std::move(request.stage)};
  if (auto good = check(mapping); !good) return std::unexpected(good.error());
  if (domain->second->mappings.contains(mapping.key))
    return conflict(api_ == Api::rest ? "Base path already exists for this domain name"
                                      : "ApiMapping key already exists for this domain name");
  if (domain->second->mappings.size() >= mappings_max)
    return fail(aws::ApiError{"LimitExceededException", 429, cat("A domain name can have at most ", mappings_max, " mappings")});
  const auto key = mapping.key;
  return &domain->second.edit().mappings.emplace(key, std::move(mapping)).first->second;
}

Answer<const ApiMapping*> DomainOperations::change_mapping(const std::string& domain_name, const std::string& key,
                                                           const MappingChange& change) {
  const auto domain = state_.domains.find(lower(domain_name));
  if (domain == state_.domains.end()) return no_such_domain();
  const auto found = domain->second->mappings.find(key_of(key));
  if (found == domain->second->mappings.end()) return no_such_mapping();
  auto mapping = found->second;
  if (change.key) mapping.key = key_of(*change.key);
  if (change.api_id) mapping.api_id = *change.api_id;
  if (change.stage) mapping.stage = *change.stage;
  if (auto good = check(mapping); !good) return std::unexpected(good.error());
  if (mapping.key != found->first && domain->second->mappings.contains(mapping.key))
    return conflict("Base path already exists for this domain name");
  const auto old_key = found->first;
  auto& mappings = domain->second.edit().mappings;
  mappings.erase(old_key);
  const auto new_key = mapping.key;
  return &mappings.emplace(new_key, std::move(mapping)).first->second;
}

Answer<const ApiMapping*> DomainOperations::update_mapping(const std::string& domain_name, const std::string& key,
                                                           const PatchOperations& patch) {
  const auto set = [](std::optional<std::string> MappingChange::* member) {
    return [member](MappingChange& change, const PatchStep& step) -> Answer<> {
      change.*member = step.verb == PatchVerb::remove ? std::string() : step.value;
      return {};
    };
  };
  using enum PatchVerb;
  // AWS's documents and Terraform spell them in these ways.
  const std::vector<PatchRule<MappingChange>> rules = {{"/basePath", {add, replace, remove}, set(&MappingChange::key)},
                                                       {"/basepath", {add, replace, remove}, set(&MappingChange::key)},
                                                       {"/restapiId", {replace}, set(&MappingChange::api_id)},
                                                       {"/restApiId", {replace}, set(&MappingChange::api_id)},
                                                       {"/stage", {add, replace, remove}, set(&MappingChange::stage)}};
  MappingChange change;
  if (auto good = apply_patch(change, patch, rules); !good) return std::unexpected(good.error());
  return change_mapping(domain_name, key, change);
}

Answer<> DomainOperations::delete_mapping(const std::string& domain_name, const std::string& key) {
  const auto domain = state_.domains.find(lower(domain_name));
  if (domain == state_.domains.end()) return no_such_domain();
  if (!domain->second->mappings.contains(key_of(key))) return no_such_mapping();
  domain->second.edit().mappings.erase(key_of(key));
  return {};
}

Answer<const DomainName*> look_up_domain(const State& state, const std::string& name) {
  const auto found = state.domains.find(lower(name));
  if (found == state.domains.end()) return no_such_domain();
  return &*found->second;
}

Answer<const ApiMapping*> look_up_mapping(const State& state, const std::string& domain_name, const std::string& key) {
  const auto domain = look_up_domain(state, domain_name);
  if (!domain) return std::unexpected(domain.error());
  const auto found = (*domain)->mappings.find(key_of(key));
  if (found == (*domain)->mappings.end()) return no_such_mapping();
  return &found->second;
}

Answer<const ApiMapping*> look_up_mapping_by_id(const State& state, const std::string& domain_name, const std::string& id) {
  const auto domain = look_up_domain(state, domain_name);
  if (!domain) return std::unexpected(domain.error());
  for (const auto& [key, mapping] : (*domain)->mappings)
    if (mapping.id == id) return &mapping;
  return not_found("Invalid API mapping identifier specified");
}

std::string domains_of(const State& state, std::string_view api_id, std::string_view stage) {
  std::vector<std::string> names;
  for (const auto& [name, domain] : state.domains)
    for (const auto& [key, mapping] : domain->mappings)
      if (mapping.api_id == api_id && (stage.empty() || mapping.stage == stage)) {
        names.push_back(name);
        break;
      }
  return join(names, ", ");
}

std::string endpoint_name(const DomainName& domain, const aws::Scope& scope) {
  if (domain.endpoint_type == "EDGE") return cat("d", domain.endpoint_id, ".cloudfront.net");
  return cat("d-", domain.endpoint_id, ".execute-api.", scope.region, ".amazonaws.com");
}

}  // namespace sallyport::gateway
