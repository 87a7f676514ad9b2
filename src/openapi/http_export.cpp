#include <algorithm>
#include <map>
#include <set>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "http_api/operations.hpp"
#include "http_api/route_key.hpp"
#include "openapi/export.hpp"

namespace sallyport::openapi {
namespace {

using http_api::Definition;
using http_api::Integration;
using http_api::Route;
using json::Array;
using json::Object;
using json::Value;

constexpr std::chrono::milliseconds default_timeout{30'000};

void add_text(Object& out, std::string_view name, std::string_view text) {
  if (!text.empty()) out.emplace_back(name, text);
}

Array array_of(const std::vector<std::string>& list) { return Array(list.begin(), list.end()); }

Object object_of(const gateway::TextMap& map) {
  Object out;
  for (const auto& [key, value] : map) out.emplace_back(key, value);
  return out;
}

class HttpExporter {
 public:
  HttpExporter(const http_api::Api& api, const Definition& definition, const HttpExportOptions& options)
      : api_(api), definition_(definition), options_(options) {
    std::map<std::string_view, int> uses;
    for (const auto& [id, route] : definition.routes) ++uses[route.integration_id];
    for (const auto& [id, count] : uses)
      if (count > 1 && definition.integrations.contains(id)) shared_.insert(std::string(id));
  }

  Value run() const {
    Object out{{"openapi", "3.0.1"}, {"info", info()}};
    const auto host = cat(api_.id, ".execute-api.", options_.scope.region, ".amazonaws.com");
    const auto base = options_.stage == "$default" ? std::string() : options_.stage;
    out.emplace_back("servers", Array{Object{{"url", cat("https://", host, "/{basePath}")},
                                             {"variables", Object{{"basePath", Object{{"default", base}}}}}}});
    if (options_.extensions && !api_.tags.empty()) {
      Array tags;
      for (const auto& [name, value] : api_.tags) tags.push_back(Object{{"name", name}, {"x-amazon-apigateway-tag-value", value}});
      out.emplace_back("tags", std::move(tags));
    }
    out.emplace_back("paths", paths());
    add_components(out);
    if (!options_.extensions) return out;
    if (definition_.cors) out.emplace_back("x-amazon-apigateway-cors", cors(*definition_.cors));
    if (definition_.disable_execute_api_endpoint)
      out.emplace_back("x-amazon-apigateway-endpoint-configuration", Object{{"disableExecuteApiEndpoint", true}});
    out.emplace_back("x-amazon-apigateway-importexport-version", "1.0");
    return out;
  }

 private:
  Value info() const {
    Object out{{"title", api_.name}};
    add_text(out, "description", api_.description);
    out.emplace_back("version", api_.version.empty() ? iso8601_seconds(api_.created) : api_.version);
    return out;
  }

  Value paths() const {
    std::map<std::string, Object> items;
    for (const auto& [id, route] : definition_.routes) {
      const auto key = http_api::parse_route_key(route.key);
      if (!key) continue;
      const auto verb = key->is_default || key->method == "ANY" ? std::string("x-amazon-apigateway-any-method") : lower(key->method);
      items[key->is_default ? "/$default" : key->path].emplace_back(verb, operation(route, *key));
    }
    Object out;
    for (auto& [path, item] : items) {
      std::ranges::sort(item, {}, &json::Member::first);
      out.emplace_back(path, std::move(item));
    }
    return out;
  }

  Value operation(const Route& route, const http_api::RouteKey& key) const {
    Object out;
    add_text(out, "operationId", route.operation_name);
    Array parameters;
    for (const auto& segment : key.segments)
      if (segment.kind != http_api::RouteSegment::Kind::literal)
        parameters.push_back(Object{{"name", segment.text}, {"in", "path"}, {"required", true}, {"schema", Object{{"type", "string"}}}});
    if (!parameters.empty()) out.emplace_back("parameters", std::move(parameters));
    out.emplace_back("responses", Object{{"default", Object{{"description", cat("Default response for ", route.key)}}}});
    const auto authorizer = route.authorizer_id ? definition_.authorizers.find(*route.authorizer_id) : definition_.authorizers.end();
    if (authorizer != definition_.authorizers.end())
      out.emplace_back("security", Array{Object{{authorizer->second.name, array_of(route.scopes)}}});
    if (!options_.extensions) return out;
    if (route.authorization == http_api::AuthorizationType::aws_iam)
      out.emplace_back("x-amazon-apigateway-auth", Object{{"type", "AWS_IAM"}});
    const auto found = definition_.integrations.find(route.integration_id);
    if (found == definition_.integrations.end()) return out;
    out.emplace_back("x-amazon-apigateway-integration",
                     shared_.contains(found->first)
                         ? Value(Object{{"$ref", cat("#/components/x-amazon-apigateway-integrations/", found->first)}})
                         : integration(found->second));
    return out;
  }

  static Value integration(const Integration& integration) {
    Object out;
    add_text(out, "description", integration.description);
    out.emplace_back("payloadFormatVersion", name_of(integration.payload));
    out.emplace_back("type", lower(name_of(integration.type)));
    add_text(out, "httpMethod", integration.method);
    add_text(out, "uri", integration.uri);
    add_text(out, "credentials", integration.credentials);
    out.emplace_back("connectionType", "INTERNET");
    if (!integration.request_parameters.empty()) out.emplace_back("requestParameters", object_of(integration.request_parameters));
    if (!integration.response_parameters.empty()) {
      Object responses;
      for (const auto& [status, parameters] : integration.response_parameters) responses.emplace_back(status, object_of(parameters));
      out.emplace_back("responseParameters", std::move(responses));
    }
    if (integration.timeout != default_timeout) out.emplace_back("timeoutInMillis", integration.timeout.count());
    return out;
  }

  static Value cors(const http_api::Cors& cors) {
    Object out;
    const auto list = [&](std::string_view name, const std::optional<std::vector<std::string>>& values) {
      if (values) out.emplace_back(name, array_of(*values));
    };
    list("allowMethods", cors.allow_methods);
    list("allowHeaders", cors.allow_headers);
    list("exposeHeaders", cors.expose_headers);
    if (cors.max_age_s) out.emplace_back("maxAge", *cors.max_age_s);
    if (cors.allow_credentials) out.emplace_back("allowCredentials", *cors.allow_credentials);
    list("allowOrigins", cors.allow_origins);
    return out;
  }

  Value scheme(const http_api::Authorizer& authorizer) const {
    if (authorizer.type == http_api::AuthorizerType::jwt) {
      Object out{{"type", "oauth2"}, {"flows", Object{}}};
      if (options_.extensions)
        out.emplace_back("x-amazon-apigateway-authorizer",
                         Object{{"type", "jwt"},
                                {"identitySource", join(authorizer.identity_sources, ",")},
                                {"jwtConfiguration", Object{{"issuer", authorizer.issuer}, {"audience", array_of(authorizer.audiences)}}}});
      return out;
    }
    Object out{{"type", "apiKey"}, {"name", "Authorization"}, {"in", "header"}};
    if (!options_.extensions) return out;
    Object extension{{"type", "request"}, {"authorizerUri", authorizer.uri}};
    add_text(extension, "authorizerCredentials", authorizer.credentials);
    if (!authorizer.identity_sources.empty()) extension.emplace_back("identitySource", join(authorizer.identity_sources, ","));
    extension.emplace_back("authorizerPayloadFormatVersion", name_of(authorizer.payload));
    extension.emplace_back("authorizerResultTtlInSeconds", authorizer.ttl.count());
    extension.emplace_back("enableSimpleResponses", authorizer.simple_responses);
    out.emplace_back("x-amazon-apigateway-authorizer", std::move(extension));
    return out;
  }

  void add_components(Object& out) const {
    Object components;
    if (!definition_.authorizers.empty()) {
      Object schemes;
      for (const auto& [id, authorizer] : definition_.authorizers) schemes.emplace_back(authorizer.name, scheme(authorizer));
      components.emplace_back("securitySchemes", std::move(schemes));
    }
    if (options_.extensions && !shared_.empty()) {
      Object integrations;
      for (const auto& id : shared_) integrations.emplace_back(id, integration(definition_.integrations.find(id)->second));
      components.emplace_back("x-amazon-apigateway-integrations", std::move(integrations));
    }
    if (!components.empty()) out.emplace_back("components", std::move(components));
  }

  const http_api::Api& api_;
  const Definition& definition_;
  const HttpExportOptions& options_;
  std::set<std::string> shared_;  // integrations that several routes lead to
};

}  // namespace

Value export_http_api(const http_api::Api& api, const Definition& definition, const HttpExportOptions& options) {
  return HttpExporter(api, definition, options).run();
}

}  // namespace sallyport::openapi
