#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "gateway/operations.hpp"
#include "json/parse.hpp"
#include "openapi/export.hpp"

namespace sallyport::openapi {
namespace {

using gateway::Definition;
using gateway::MethodSettings;
using json::Array;
using json::Object;
using json::Value;

constexpr std::string_view json_type = "application/json";
constexpr std::chrono::milliseconds default_timeout{29'000};

void add_text(Object& out, std::string_view name, std::string_view text) {
  if (!text.empty()) out.emplace_back(name, text);
}

Object object_of(const gateway::TextMap& map) {
  Object out;
  for (const auto& [key, value] : map) out.emplace_back(key, value);
  return out;
}

void add_map(Object& out, std::string_view name, const gateway::TextMap& map) {
  if (!map.empty()) out.emplace_back(name, object_of(map));
}

void add_handling(Object& out, gateway::ContentHandling handling) {
  if (handling != gateway::ContentHandling::as_it_comes) out.emplace_back("contentHandling", gateway::name_of(handling));
}

Array array_of(const std::vector<std::string>& list) { return Array(list.begin(), list.end()); }

class RestExporter {
 public:
  RestExporter(const gateway::RestApi& api, const Definition& definition, const RestExportOptions& options)
      : api_(api), definition_(definition), options_(options), is_swagger_(options.dialect == Dialect::swagger) {}

  Value run(const std::string& stage, WallTime deployed) {
    Object out;
    if (is_swagger_)
      out.emplace_back("swagger", "2.0");
    else
      out.emplace_back("openapi", "3.0.1");
    out.emplace_back("info", info(deployed));
    add_address(out, stage);
    out.emplace_back("paths", paths());
    add_components(out);
    if (options_.integrations || options_.whole) add_settings(out);
    if (options_.whole) add_whole(out);
    return out;
  }

 private:
  Value info(WallTime deployed) const {
    Object out{{"title", api_.name}};
    add_text(out, "description", api_.description);
    out.emplace_back("version", api_.version.empty() ? iso8601_seconds(deployed) : api_.version);
    return out;
  }

  void add_address(Object& out, const std::string& stage) const {
    const auto host = cat(api_.id, ".execute-api.", options_.scope.region, ".amazonaws.com");
    if (is_swagger_) {
      out.emplace_back("host", host);
      out.emplace_back("basePath", cat("/", stage));
      out.emplace_back("schemes", Array{"https"});
      return;
    }
    Object server{{"url", cat("https://", host, "/{basePath}")}, {"variables", Object{{"basePath", Object{{"default", stage}}}}}};
    out.emplace_back("servers", Array{std::move(server)});
  }

  std::string schema_reference(std::string_view model) const {
    return cat(is_swagger_ ? "#/definitions/" : "#/components/schemas/", model);
  }

  Value schema_of(std::string_view model) const { return Object{{"$ref", schema_reference(model)}}; }

  // Paths

  Value paths() {
    std::vector<const gateway::Resource*> resources;
    for (const auto& [id, resource] : definition_.resources)
      if (!resource.methods.empty() || options_.whole) resources.push_back(&resource);
    std::ranges::sort(resources, {}, &gateway::Resource::path);
    Object out;
    for (const auto* resource : resources) {
      Object item;
      for (const auto& [verb, method] : resource->methods)
        item.emplace_back(verb == "ANY" ? "x-amazon-apigateway-any-method" : lower(verb), operation(*resource, method));
      // Those above others come by themselves.
      const bool stands_alone = resource->methods.empty() && resource->path != "/" && !has_children(*resource);
      if (!item.empty() || stands_alone) out.emplace_back(resource->path, std::move(item));
    }
    return out;
  }

  bool has_children(const gateway::Resource& resource) const {
    return std::any_of(definition_.resources.begin(), definition_.resources.end(),
                       [&](const auto& other) { return other.second.parent_id == resource.id; });
  }

  Value operation(const gateway::Resource& resource, const MethodSettings& method) const {
    Object out;
    add_text(out, "operationId", method.operation_name);
    if (is_swagger_) add_media_types(out, method);
    add_parameters(out, method);
    out.emplace_back("responses", responses(method));
    if (auto security = security_of(method); !security.empty()) out.emplace_back("security", std::move(security));
    const auto validator = definition_.validators.find(method.request_validator_id);
    if ((options_.integrations || options_.whole) && validator != definition_.validators.end())
      out.emplace_back("x-amazon-apigateway-request-validator", validator->second.name);
    if (method.integration && (options_.integrations || options_.whole))
      out.emplace_back("x-amazon-apigateway-integration", integration(resource, *method.integration));
    return out;
  }

  void add_media_types(Object& out, const MethodSettings& method) const {
    Array consumes;
    for (const auto& [type, model] : method.request_models) consumes.push_back(type);
    if (!consumes.empty()) out.emplace_back("consumes", std::move(consumes));
    std::set<std::string> produced;
    for (const auto& [status, response] : method.responses)
      for (const auto& [type, model] : response.response_models) produced.insert(type);
    if (!produced.empty()) out.emplace_back("produces", Array(produced.begin(), produced.end()));
  }

  void add_parameters(Object& out, const MethodSettings& method) const {
    Array list;
    constexpr std::string_view prefix = "method.request.";
    for (const auto& [name, required] : method.request_parameters) {
      if (!name.starts_with(prefix)) continue;
      const auto rest = std::string_view(name).substr(prefix.size());
      const auto dot = rest.find('.');
      if (dot == std::string_view::npos) continue;
      const auto place = rest.substr(0, dot);
      Object parameter{{"name", rest.substr(dot + 1)}, {"in", place == "querystring" ? std::string_view("query") : place}};
      if (required) parameter.emplace_back("required", true);
      add_string_type(parameter);
      list.push_back(std::move(parameter));
    }
    if (is_swagger_ && !method.request_models.empty()) {
      // Swagger has one body for all media types.
      const auto found = method.request_models.find(json_type);
      const auto& model = found != method.request_models.end() ? found->second : method.request_models.begin()->second;
      list.push_back(Object{{"in", "body"}, {"name", model}, {"required", true}, {"schema", schema_of(model)}});
    }
    if (!list.empty()) out.emplace_back("parameters", std::move(list));
    if (!is_swagger_ && !method.request_models.empty())
      out.emplace_back("requestBody", Object{{"content", content(method.request_models)}, {"required", true}});
  }

  void add_string_type(Object& out) const {
    if (is_swagger_)
      out.emplace_back("type", "string");
    else
      out.emplace_back("schema", Object{{"type", "string"}});
  }

  Value content(const gateway::TextMap& models) const {
    Object out;
    for (const auto& [type, model] : models) out.emplace_back(type, Object{{"schema", schema_of(model)}});
    return out;
  }

  Value responses(const MethodSettings& method) const {
    Object out;
    for (const auto& [status, response] : method.responses) {
      Object shown{{"description", cat(status, " response")}};
      if (is_swagger_ && !response.response_models.empty()) {
        const auto found = response.response_models.find(json_type);
        shown.emplace_back("schema",
                           schema_of(found != response.response_models.end() ? found->second : response.response_models.begin()->second));
      }
      Object headers;
      constexpr std::string_view prefix = "method.response.header.";
      for (const auto& [name, required] : response.response_parameters) {
        Object header;
        add_string_type(header);
        // Swagger's headers cannot be required; OpenAPI's can.
        if (required && !is_swagger_) header.emplace_back("required", true);
        headers.emplace_back(std::string_view(name).substr(std::min(prefix.size(), name.size())), std::move(header));
      }
      if (!headers.empty()) shown.emplace_back("headers", std::move(headers));
      if (!is_swagger_) shown.emplace_back("content", content(response.response_models));
      out.emplace_back(status, std::move(shown));
    }
    return out;
  }

  Value integration(const gateway::Resource& resource, const gateway::IntegrationSettings& settings) const {
    using gateway::IntegrationType;
    Object out{{"type", lower(name_of(settings.type))}};
    add_text(out, "httpMethod", settings.http_method);
    add_text(out, "uri", settings.uri);
    add_text(out, "credentials", settings.credentials);
    const bool is_http = settings.type == IntegrationType::http || settings.type == IntegrationType::http_proxy;
    if (settings.names_connection && !is_http) out.emplace_back("connectionType", "INTERNET");
    Object responses;
    for (const auto& [status, response] : settings.responses) {
      Object shown{{"statusCode", status}};
      add_map(shown, "responseParameters", response.response_parameters);
      add_map(shown, "responseTemplates", response.response_templates);
      add_handling(shown, response.content_handling);
      responses.emplace_back(response.selection_pattern.empty() ? "default" : response.selection_pattern, std::move(shown));
    }
    if (!responses.empty()) out.emplace_back("responses", std::move(responses));
    add_map(out, "requestParameters", settings.request_parameters);
    add_map(out, "requestTemplates", settings.request_templates);
    out.emplace_back("passthroughBehavior", lower(name_of(settings.passthrough)));
    add_handling(out, settings.content_handling);
    if (settings.timeout != default_timeout) out.emplace_back("timeoutInMillis", settings.timeout.count());
    if (settings.cache_namespace != resource.id) add_text(out, "cacheNamespace", settings.cache_namespace);
    if (!settings.cache_key_parameters.empty()) out.emplace_back("cacheKeyParameters", array_of(settings.cache_key_parameters));
    return out;
  }

  // Who may call

  std::string key_scheme() const { return scheme_name("api_key"); }
  std::string iam_scheme() const { return scheme_name("sigv4"); }
  /// Not one of an authorizer.
  std::string scheme_name(std::string name) const {
    const auto taken = [&] {
      return std::any_of(definition_.authorizers.begin(), definition_.authorizers.end(),
                         [&](const auto& entry) { return entry.second.name == name; });
    };
    while (taken()) name += '_';
    return name;
  }

  Array security_of(const MethodSettings& method) const {
    Array out;
    if (method.authorization == gateway::AuthorizationType::aws_iam) out.push_back(Object{{iam_scheme(), Array{}}});
    const auto authorizer = method.authorizer_id ? definition_.authorizers.find(*method.authorizer_id) : definition_.authorizers.end();
    if (authorizer != definition_.authorizers.end())
      out.push_back(Object{{authorizer->second.name, array_of(method.authorization_scopes)}});
    if (method.api_key_required) out.push_back(Object{{key_scheme(), Array{}}});
    return out;
  }

  template <class Test>
  bool any_method(Test test) const {
    for (const auto& [id, resource] : definition_.resources)
      for (const auto& [verb, method] : resource.methods)
        if (test(method)) return true;
    return false;
  }

  Object schemes() const {
    Object out;
    const auto api_key = [](std::string_view name) { return Object{{"type", "apiKey"}, {"name", name}, {"in", "header"}}; };
    if (any_method([](const auto& method) { return method.api_key_required; })) out.emplace_back(key_scheme(), api_key("x-api-key"));
    if (any_method([](const auto& method) { return method.authorization == gateway::AuthorizationType::aws_iam; })) {
      auto scheme = api_key("Authorization");
      scheme.emplace_back("x-amazon-apigateway-authtype", "awsSigv4");
      out.emplace_back(iam_scheme(), std::move(scheme));
    }
    for (const auto& [id, settings] : definition_.authorizers) out.emplace_back(settings.name, authorizer_scheme(settings));
    return out;
  }

  Value authorizer_scheme(const gateway::AuthorizerSettings& settings) const {
    using gateway::AuthorizerType;
    constexpr std::string_view header = "method.request.header.";
    const bool reads_header = settings.identity_source.starts_with(header) && settings.identity_sources.size() == 1;
    Object out{{"type", "apiKey"},
               {"name", reads_header ? settings.identity_source.substr(header.size()) : std::string("Unused")},
               {"in", "header"},
               {"x-amazon-apigateway-authtype", settings.type == AuthorizerType::cognito_user_pools ? "cognito_user_pools" : "custom"}};
    if (!options_.authorizers && !options_.whole) return out;
    Object extension{{"type", lower(name_of(settings.type))}};
    add_text(extension, "authorizerUri", settings.uri);
    add_text(extension, "authorizerCredentials", settings.credentials);
    if (settings.type == AuthorizerType::request || !reads_header) add_text(extension, "identitySource", settings.identity_source);
    add_text(extension, "identityValidationExpression", settings.validation_expression);
    constexpr std::chrono::seconds default_ttl{300};
    if (settings.ttl != default_ttl) extension.emplace_back("authorizerResultTtlInSeconds", settings.ttl.count());
    if (!settings.provider_arns.empty()) extension.emplace_back("providerARNs", array_of(settings.provider_arns));
    out.emplace_back("x-amazon-apigateway-authorizer", std::move(extension));
    return out;
  }

  // Components and settings

  Object models() const {
    Object out;
    const auto address = model_address(api_.id);
    for (const auto& [name, model] : definition_.models) {
      auto parsed = json::parse(model.schema.empty() ? std::string_view("{}") : std::string_view(model.schema));
      if (!parsed || !parsed->object()) continue;
      std::erase_if(*parsed->object(), [](const auto& member) { return member.first == "$schema"; });
      local_references(*parsed, address);
      out.emplace_back(name, std::move(*parsed));
    }
    return out;
  }

  void local_references(Value& value, const std::string& address) const {
    if (auto* items = value.array())
      for (auto& item : *items) local_references(item, address);
    if (auto* members = value.object())
      for (auto& [name, member] : *members) {
        auto* text = member.string();
        if (name != "$ref" || !text || !text->starts_with(address)) {
          local_references(member, address);
          continue;
        }
        auto rest = text->substr(address.size());
        if (const auto hash = rest.find('#'); hash != std::string::npos) rest.erase(hash, 1);
        *text = schema_reference(rest);
      }
  }

  void add_components(Object& out) const {
    auto models = this->models();
    auto schemes = this->schemes();
    if (is_swagger_) {
      if (!schemes.empty()) out.emplace_back("securityDefinitions", std::move(schemes));
      if (!models.empty()) out.emplace_back("definitions", std::move(models));
      return;
    }
    Object components;
    if (!models.empty()) components.emplace_back("schemas", std::move(models));
    if (!schemes.empty()) components.emplace_back("securitySchemes", std::move(schemes));
    if (!components.empty()) out.emplace_back("components", std::move(components));
  }

  void add_settings(Object& out) const {
    Object responses;
    for (const auto& [type, settings] : definition_.gateway_responses) {
      Object shown;
      if (settings.status) shown.emplace_back("statusCode", cat(*settings.status));
      add_map(shown, "responseParameters", settings.parameters);
      add_map(shown, "responseTemplates", settings.templates);
      responses.emplace_back(gateway::row_of(type).name, std::move(shown));
    }
    if (!responses.empty()) out.emplace_back("x-amazon-apigateway-gateway-responses", std::move(responses));
    Object validators;
    for (const auto& [id, validator] : definition_.validators)
      validators.emplace_back(validator.name, Object{{"validateRequestParameters", validator.validates_parameters},
                                                     {"validateRequestBody", validator.validates_body}});
    if (!validators.empty()) out.emplace_back("x-amazon-apigateway-request-validators", std::move(validators));
    if (!definition_.binary_media_types.empty())
      out.emplace_back("x-amazon-apigateway-binary-media-types", array_of(definition_.binary_media_types));
  }

  void add_whole(Object& out) const {
    if (api_.api_key_source != "HEADER") out.emplace_back("x-amazon-apigateway-api-key-source", api_.api_key_source);
    if (definition_.resource_policy) out.emplace_back("x-amazon-apigateway-policy", *definition_.resource_policy);
    if (definition_.disable_execute_api_endpoint)
      out.emplace_back("x-amazon-apigateway-endpoint-configuration", Object{{"disableExecuteApiEndpoint", true}});
  }

  const gateway::RestApi& api_;
  const Definition& definition_;
  const RestExportOptions& options_;
  const bool is_swagger_;
};

}  // namespace

Value export_rest_api(const gateway::RestApi& api, const Definition& definition, const std::string& stage, WallTime deployed,
                      const RestExportOptions& options) {
  return RestExporter(api, definition, options).run(stage, deployed);
}

}  // namespace sallyport::openapi
