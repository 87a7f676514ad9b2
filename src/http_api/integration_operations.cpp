// What routes lead to.
#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hpp"
#include "gateway/api_error.hpp"
#include "gateway/role_call.hpp"
#include "gateway/uri.hpp"
#include "http_api/lookup.hpp"
#include "http_api/operations.hpp"
#include "http_api/parameter_mapping.hpp"

namespace sallyport::http_api {
namespace {

using gateway::bad_request;
using gateway::conflict;
using gateway::unsupported;

constexpr std::size_t integration_id_size = 7;
constexpr int timeout_ms_min = 50, timeout_ms_max = 30'000;

Answer<> change_type(Integration& integration, std::string_view type) {
  if (type == "AWS_PROXY")
    integration.type = IntegrationType::aws_proxy;
  else if (type == "HTTP_PROXY")
    integration.type = IntegrationType::http_proxy;
  else if (type == "AWS" || type == "HTTP" || type == "MOCK")
    return bad_request(
        "Currently, an API with a protocol type of HTTP may only be associated with proxy integrations (AWS_PROXY, HTTP_PROXY)");
  else
    return bad_request("Invalid integration type specified. Must be one of [AWS, AWS_PROXY, HTTP, HTTP_PROXY, MOCK]");
  return {};
}

Answer<PayloadVersion> read_payload(std::string_view version) {
  if (version == "1.0") return PayloadVersion::v1;
  if (version == "2.0") return PayloadVersion::v2;
  return bad_request(cat("Invalid PayloadFormatVersion specified: ", version, ". Must be one of [1.0, 2.0]"));
}

Answer<> check_function(const Integration& integration) {
  if (!function_arn_of(integration.uri)) return bad_request("Invalid function ARN or invalid uri");
  if (integration.credentials.empty() || integration.credentials == gateway::callers_own_credentials) return {};
  const auto role = aws::parse_arn(integration.credentials);
  if (!role || role->service != "iam" || role->account_id.size() != 12 || !role->resource.starts_with("role/"))
    return bad_request("Invalid ARN specified in the request");
  return {};
}

Answer<> check_backend(const Integration& integration) {
  if (integration.payload != PayloadVersion::v1)
    return bad_request("PayloadFormatVersion 2.0 is not supported for HTTP_PROXY integrations");
  if (!integration.credentials.empty()) return unsupported("credentialsArn of an integration of type HTTP_PROXY has no effect: remove it");
  if (integration.uri.contains("${stageVariables.")) return {};
  if (starts_with_ignoring_case(integration.uri, "arn:"))
    return unsupported("integrationUri: load balancers and services behind VPC links do not exist here: use http://…");
  if (const auto uri = gateway::parse_http_uri(integration.uri); !uri) {
    if (starts_with_ignoring_case(integration.uri, "https://")) return unsupported(uri.error().message);
    return bad_request(cat("Invalid HTTP endpoint specified for URI: ", uri.error().message));
  }
  return {};
}

Answer<> check_method(std::string_view method) {
  constexpr std::array<std::string_view, 8> known = {"ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"};
  if (std::find(known.begin(), known.end(), method) == known.end())
    return bad_request(
        cat("Invalid integration method specified: ", method, ". Must be one of [", join({known.begin(), known.end()}, ", "), "]"));
  return {};
}

Answer<> check_mappings(MappingSide side, const TextMap& mappings) {
  for (const auto& [key, value] : mappings)
    if (const auto good = parse_parameter_mapping(side, key, value); !good)
      return gateway::invalid_mapping(cat(key, ": ", good.error().message));
  return {};
}

/// A value that is empty takes its key away.
template <class Map>
void merge(Map& kept, Map&& given) {
  for (auto& [key, value] : given) {
    if (value.empty())
      kept.erase(key);
    else
      kept.insert_or_assign(key, std::move(value));
  }
}

Answer<> change_mappings(Integration& integration, IntegrationInput& input) {
  if (input.request_parameters) merge(integration.request_parameters, std::move(*input.request_parameters));
  if (auto good = check_mappings(MappingSide::request, integration.request_parameters); !good) return good;
  if (input.response_parameters) merge(integration.response_parameters, std::move(*input.response_parameters));
  for (const auto& [status, mappings] : integration.response_parameters) {
    const auto number = parse_number<int>(status);
    if (!number || status.size() != 3 || *number < 200 || *number > 599) return bad_request(cat("Invalid status code specified: ", status));
    if (auto good = check_mappings(MappingSide::response, mappings); !good) return good;
  }
  return {};
}

Answer<> change_integration(Integration& integration, IntegrationInput input) {
  if (input.connection_type && !input.connection_type->empty() && *input.connection_type != "INTERNET")
    return unsupported(cat("connectionType ", *input.connection_type, " is not supported: VPC links do not exist here"));
  if (input.type)
    if (auto good = change_type(integration, *input.type); !good) return good;
  if (input.description) integration.description = std::move(*input.description);
  if (input.uri) integration.uri = std::move(*input.uri);
  if (input.credentials) integration.credentials = std::move(*input.credentials);
  if (input.method) integration.method = std::move(*input.method);
  if (integration.type == IntegrationType::aws_proxy && integration.method.empty()) integration.method = "POST";
  if (integration.method.empty()) return bad_request("HttpMethod must be specified for HTTP_PROXY integrations");
  if (auto good = check_method(integration.method); !good) return good;
  if (input.payload_format_version) {
    const auto payload = read_payload(*input.payload_format_version);
    if (!payload) return std::unexpected(payload.error());
    integration.payload = *payload;
  }
  if (input.timeout_ms) {
    if (*input.timeout_ms < timeout_ms_min || *input.timeout_ms > timeout_ms_max)
      return bad_request("Timeout should be between 50 ms and 30000 ms");
    integration.timeout = std::chrono::milliseconds(*input.timeout_ms);
  }
  if (auto good = integration.type == IntegrationType::aws_proxy ? check_function(integration) : check_backend(integration); !good)
    return good;
  return change_mappings(integration, input);
}

}  // namespace

Answer<const Integration*> Operations::create_integration(const std::string& api_id, std::string id, IntegrationInput input) {
  const auto definition = find_definition(api_id);
  if (!definition) return std::unexpected(definition.error());
  if (!input.type) return bad_request("IntegrationType is a required parameter for integration");
  if (!input.payload_format_version) return bad_request("PayloadFormatVersion is a required parameter for integration");
  Integration integration;
  integration.id = id_or_new(std::move(id), integration_id_size);
  auto& integrations = (*definition)->integrations;
  if (integrations.contains(integration.id)) return conflict(cat("An integration with the identifier ", integration.id, " already exists"));
  // Nothing is there that an empty value could take away: `remove:header.x` needs none.
  integration.request_parameters = std::exchange(input.request_parameters, std::nullopt).value_or(TextMap());
  if (auto good = change_integration(integration, std::move(input)); !good) return std::unexpected(good.error());
  auto& kept = integrations[integration.id];
  kept = std::move(integration);
  return &kept;
}

Answer<> Operations::update_integration(const std::string& api_id, const std::string& id, IntegrationInput input) {
  const auto definition = find_definition(api_id);
  if (!definition) return std::unexpected(definition.error());
  const auto found = (*definition)->integrations.find(id);
  if (found == (*definition)->integrations.end()) return no_such_integration();
  return change_integration(found->second, std::move(input));
}

Answer<> Operations::delete_integration(const std::string& api_id, const std::string& id) {
  const auto definition = find_definition(api_id);
  if (!definition) return std::unexpected(definition.error());
  const auto found = (*definition)->integrations.find(id);
  if (found == (*definition)->integrations.end()) return no_such_integration();
  std::vector<std::string> routes;
  for (const auto& [route_id, route] : (*definition)->routes)
    if (route.integration_id == id) routes.push_back(route_id);
  if (!routes.empty())
    return conflict(cat("Cannot delete Integration because it is referenced by the following Routes with Ids: [", join(routes, ", "), "]"));
  (*definition)->integrations.erase(found);
  return {};
}

}  // namespace sallyport::http_api
