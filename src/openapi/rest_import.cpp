#include "openapi/rest_import.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "gateway/operations.hpp"
#include "json/write.hpp"
#include "openapi/operation.hpp"

namespace sallyport::openapi {
namespace {

using gateway::Definition;
using yaml::Node;

constexpr std::size_t id_size = 6;
constexpr std::string_view integration_extension = "x-amazon-apigateway-integration";

const yaml::Map no_entries;
const yaml::Map& entries_of(const Node* node) { return node != nullptr && node->map() != nullptr ? *node->map() : no_entries; }
std::string text_of(const Node* node) { return node ? node->scalar().value_or("") : ""; }
bool is_true(const Node* node) { return text_of(node) == "true"; }

std::string upper(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  return out;
}

bool is_status_code(std::string_view text) { return text.size() == 3 && std::all_of(text.begin(), text.end(), is_digit); }

/// A path of a patch operation: `/` within a name is written `~1`.
std::string patch_name(std::string_view name) { return replace_all(replace_all(name, "~", "~0"), "/", "~1"); }

class RestImporter {
 public:
  RestImporter(const Node& root, const RestImportOptions& options, gateway::State& draft, WallTime now, const MakeId& make_id,
               const Choices& choices)
      : document_(root, out_.findings), options_(options), draft_(draft), operations_(draft, now), make_id_(make_id), choices_(choices) {}

  RestImport run() {
    if (!document_.ok()) return std::move(out_);
    begin();
    read_info();
    read_policy();
    read_gateway_responses();
    read_validators();
    read_models();
    read_schemes();
    for (const auto& operation : list_operations(document_, options_.base_path)) import(operation);
    for (const auto& entry : document_.paths()) make_bare_resource(entry);
    pass_over_documentation();
    document_.refuse_the_rest();
    return std::move(out_);
  }

 private:
  Findings& findings() { return out_.findings; }
  gateway::RestApi& api() { return draft_.apis.find(options_.rest_api_id)->second.edit(); }
  Definition& definition() { return api().draft.edit(); }
  bool overwrites() const { return options_.mode == RestImportOptions::Mode::overwrite; }
  bool keeps_ids() const { return !overwrites() || choices_.ids_on_overwrite == Choices::IdsOnOverwrite::kept; }

  template <class Map>
  std::string fresh_id(std::string what, const Map& taken) const {
    auto id = make_id_(what, id_size);
    while (taken.contains(id)) id = make_id_(what += '+', id_size);
    return id;
  }

  void begin() {
    before_ = *api().draft;
    if (overwrites()) {
      auto& now = api();
      Definition fresh;
      fresh.resources.emplace(now.root_resource_id, gateway::Resource{now.root_resource_id, {}, {}, "/", {}});
      // Silence opens nothing: an endpoint that is off stays off.
      fresh.disable_execute_api_endpoint = before_.disable_execute_api_endpoint;
      now.draft = Shared<Definition>(std::move(fresh));
      now.description.clear();
      now.version.clear();
      now.api_key_source = "HEADER";
    }
    for (const auto& [id, resource] : before_.resources) known_ids_.emplace(resource.path, id);
    for (const auto& [id, resource] : api().draft->resources) resources_.emplace(resource.path, id);
  }

  // The API as a whole

  void patch(const Node* node, std::string_view where, std::string_view what, gateway::PatchOperations operations) {
    if (auto done = operations_.update_rest_api(options_.rest_api_id, operations); !done)
      findings().refused(node ? node->at : document_.root().at, std::string(where), what, done.error());
  }
  void replace(const Node* node, std::string_view where, const char* path, std::string value) {
    patch(node, where, "Unable to update the API", {{"replace", path, std::move(value), std::nullopt}});
  }

  void read_info() {
    const auto* info = document_.root().find("info");
    const auto title = document_.info("title");
    if (options_.takes_name) {
      if (title.empty())
        findings().error(info ? info->at : document_.root().at, "info.title", "Invalid OpenAPI input", "the API is named by info.title");
      else
        api().name = title;
    }
    if (const auto text = document_.info("description"); !text.empty()) api().description = text;
    if (const auto text = document_.info("version"); !text.empty()) api().version = text;
    const auto& root = document_.root();
    if (const auto* source = document_.extension(root, "x-amazon-apigateway-api-key-source"))
      replace(source, "x-amazon-apigateway-api-key-source", "/apiKeySource", upper(text_of(source)));
    if (const auto* types = document_.extension(root, "x-amazon-apigateway-binary-media-types")) {
      if (types->list() == nullptr) findings().error(types->at, "x-amazon-apigateway-binary-media-types", "this has to be a list");
      for (const auto& type : types->list() ? *types->list() : yaml::List{})
        patch(&type, "x-amazon-apigateway-binary-media-types", "Unable to update the API",
              {{"add", cat("/binaryMediaTypes/", patch_name(text_of(&type))), std::nullopt, std::nullopt}});
    }
    if (const auto* size = document_.extension(root, "x-amazon-apigateway-minimum-compression-size"))
      replace(size, "x-amazon-apigateway-minimum-compression-size", "/minimumCompressionSize", text_of(size));
    read_endpoint(root, {});
    if (const auto* servers = root.find("servers"); servers != nullptr && servers->list() != nullptr)
      for (const auto& server : *servers->list()) read_endpoint(server, "servers");
  }

  void read_endpoint(const Node& owner, std::string_view place) {
    const auto* endpoint = document_.extension(owner, "x-amazon-apigateway-endpoint-configuration");
    if (endpoint == nullptr) return;
    Members members(*endpoint, below(place, "x-amazon-apigateway-endpoint-configuration"), findings());
    if (const auto off = members.boolean("disableExecuteApiEndpoint"))
      replace(endpoint, "x-amazon-apigateway-endpoint-configuration", "/disableExecuteApiEndpoint", *off ? "true" : "false");
    members.refuse("vpcEndpointIds", "private APIs are not served");
    members.finish();
  }

  void read_policy() {
    const auto* policy = document_.extension(document_.root(), "x-amazon-apigateway-policy");
    if (policy == nullptr) return;
    auto text = policy->string() ? *policy->string() : json::to_text(policy->to_json());
    patch(policy, "x-amazon-apigateway-policy", "Unable to set the resource policy",
          {{"replace", "/policy", std::move(text), std::nullopt}});
  }

  void read_gateway_responses() {
    const auto* responses = document_.extension(document_.root(), "x-amazon-apigateway-gateway-responses");
    if (responses == nullptr) return;
    if (responses->map() == nullptr) findings().error(responses->at, "x-amazon-apigateway-gateway-responses", "this has to be a mapping");
    for (const auto& entry : entries_of(responses)) {
      Members members(entry.value, below("x-amazon-apigateway-gateway-responses", entry.key), findings());
      gateway::PutGatewayResponseRequest request;
      request.rest_api_id = options_.rest_api_id;
      request.response_type = entry.key;
      request.status_code = members.text("statusCode");
      request.response_parameters = members.text_map("responseParameters");
      request.response_templates = members.text_map("responseTemplates");
      members.finish();
      if (auto done = operations_.put_gateway_response(std::move(request)); !done)
        findings().refused(entry.key_at, members.where({}), cat("Unable to put gateway response '", entry.key, "'"), done.error());
    }
  }

  // Validators and models

  void read_validators() {
    const auto* validators = document_.extension(document_.root(), "x-amazon-apigateway-request-validators");
    for (const auto& [id, validator] : before_.validators) {
      old_validators_.emplace(validator.name, id);
      if (!overwrites()) validators_.emplace(validator.name, id);
    }
    if (validators != nullptr && validators->map() == nullptr)
      findings().error(validators->at, "x-amazon-apigateway-request-validators", "this has to be a mapping");
    for (const auto& entry : entries_of(validators)) {
      Members members(entry.value, below("x-amazon-apigateway-request-validators", entry.key), findings());
      gateway::CreateRequestValidatorRequest request;
      request.rest_api_id = options_.rest_api_id;
      const auto old = old_validators_.find(entry.key);
      request.id =
          old != old_validators_.end() && keeps_ids() ? old->second : fresh_id(cat("validator ", entry.key), definition().validators);
      request.name = entry.key;
      request.validate_request_body = members.boolean("validateRequestBody").value_or(false);
      request.validate_request_parameters = members.boolean("validateRequestParameters").value_or(false);
      members.finish();
      definition().validators.erase(request.id);
      validators_.insert_or_assign(entry.key, request.id);
      if (auto done = operations_.create_request_validator(std::move(request)); !done)
        findings().refused(entry.key_at, members.where({}), cat("Unable to create request validator '", entry.key, "'"), done.error());
    }
    if (const auto* name = document_.extension(document_.root(), "x-amazon-apigateway-request-validator"))
      default_validator_ = validator_of(*name, "x-amazon-apigateway-request-validator");
  }

  std::string validator_of(const Node& name, const std::string& where) {
    const auto found = validators_.find(text_of(&name));
    if (found != validators_.end()) return found->second;
    findings().error(name.at, where, cat("the request validator '", text_of(&name), "' is not defined"),
                     "x-amazon-apigateway-request-validators defines them");
    return {};
  }

  void add_model(const std::string& name, const Node& schema, const std::string& where) {
    auto& models = definition().models;
    const auto old = before_.models.find(name);
    gateway::Model model;
    model.id = old != before_.models.end() && keeps_ids() ? old->second.id : make_id_(cat("model ", name), id_size);
    model.name = name;
    if (!overwrites() && old != before_.models.end()) model.description = old->second.description;
    model.content_type = "application/json";
    model.schema = json::to_text(to_model_schema(schema, options_.rest_api_id, where, findings()));
    models.insert_or_assign(name, std::move(model));
  }

  /// Models may refer to each other, in circles too: all are put in their place before any is checked.
  void read_models() {
    const auto root = document_.dialect() == Dialect::swagger ? "definitions" : "components.schemas";
    for (const auto& entry : entries_of(document_.schemas())) add_model(entry.key, entry.value, below(root, entry.key));
    for (const auto& entry : entries_of(document_.schemas())) check_model(entry.key, entry.key_at, below(root, entry.key));
  }

  bool check_model(const std::string& name, yaml::Location at, const std::string& where) {
    auto good = operations_.update_model(options_.rest_api_id, name, {});
    if (!good) findings().refused(at, where, cat("Unable to create model for '", name, "'"), good.error());
    return good.has_value();
  }

  /// The model of a body: the schema's own, or one made for a schema that stands where it is used.
  std::optional<std::string> model_of(const Node& schema, const std::string& where) {
    if (const auto* reference = schema.find("$ref"); reference != nullptr && reference->string() != nullptr) {
      auto name = schema_name(*reference->string());
      if (!name)
        findings().error(reference->at, where, cat("the reference `", *reference->string(), "` is not to a schema of this document"));
      return name;
    }
    const auto text = json::to_text(to_model_schema(schema, options_.rest_api_id, where, findings()));
    constexpr std::size_t digits = 8;
    auto name = cat("MODEL", to_hex(crypto::sha256(text)).substr(0, digits));
    if (!made_models_.insert(name).second) return name;
    add_model(name, schema, where);
    if (!check_model(name, schema.at, where)) return std::nullopt;
    return name;
  }

  // Security

  void read_schemes() {
    const auto root = document_.dialect() == Dialect::swagger ? "securityDefinitions" : "components.securitySchemes";
    for (const auto& entry : entries_of(document_.security_schemes())) {
      const auto where = below(root, entry.key);
      const auto* node = document_.resolve(entry.value, where);
      if (node == nullptr) continue;
      auto scheme = read_scheme(document_, *node);
      if (const auto* authorizer = document_.extension(*node, "x-amazon-apigateway-authorizer"))
        make_authorizer(entry, *node, *authorizer, where, scheme);
      schemes_.insert_or_assign(entry.key, std::move(scheme));
    }
  }

  void make_authorizer(const yaml::Entry& entry, const Node& node, const Node& extension, const std::string& where, Scheme& scheme) {
    Members members(extension, below(where, "x-amazon-apigateway-authorizer"), findings());
    gateway::CreateAuthorizerRequest request;
    request.rest_api_id = options_.rest_api_id;
    request.name = entry.key;
    request.type = upper(members.text_or("type", ""));
    request.authorizer_uri = members.text_or("authorizerUri", "");
    request.authorizer_credentials = members.text("authorizerCredentials");
    request.identity_validation_expression = members.text_or("identityValidationExpression", "");
    request.ttl_s = members.integer("authorizerResultTtlInSeconds");
    request.provider_arns = members.texts("providerARNs").value_or(std::vector<std::string>());
    // A token stands in the header the scheme names.
    request.identity_source = members.text_or("identitySource", "");
    const bool takes_token = request.type == "TOKEN" || request.type == "COGNITO_USER_POOLS";
    if (request.identity_source.empty() && takes_token) request.identity_source = cat("method.request.header.", text_of(node.find("name")));
    members.finish();
    scheme.authorization = request.type == "COGNITO_USER_POOLS" ? request.type : "CUSTOM";
    const auto old = std::find_if(before_.authorizers.begin(), before_.authorizers.end(),
                                  [&](const auto& known) { return known.second.name == entry.key; });
    request.id =
        old != before_.authorizers.end() && keeps_ids() ? old->first : fresh_id(cat("authorizer ", entry.key), definition().authorizers);
    definition().authorizers.erase(request.id);
    scheme.authorizer_id = request.id;
    if (request.type == "JWT") {
      scheme.is_broken = true;
      // Not to be passed over: without the methods it guards a greedy resource, an open one perhaps, would answer in their place.
      return findings().error(members.at("type"), members.where("type"), "JWT authorizers of REST APIs are not supported in definitions",
                              "make it with CreateAuthorizer, or import the document as an HTTP API");
    }
    auto made = operations_.create_authorizer(std::move(request));
    if (made) {
      out_.authorizers.emplace(scheme.authorizer_id, entry.key_at);
    } else {
      scheme.is_broken = true;
      findings().refused(extension.at, members.where({}), cat("Unable to create authorizer '", entry.key, "'"), made.error());
    }
  }

  // Resources and methods

  const std::string* ensure_resource(const std::string& path, yaml::Location at, const std::string& where) {
    if (!path.starts_with('/')) {
      findings().error(at, where, cat("Unable to create resource at path '", path, "': a path begins with `/`"));
      return nullptr;
    }
    auto id = &resources_.find("/")->second;
    if (path == "/") return id;
    std::size_t end = 0;
    while (end < path.size()) {
      const auto begin = end + 1;
      end = std::min(path.find('/', begin), path.size());
      const auto here = path.substr(0, end);
      const auto known = resources_.find(here);
      if (known != resources_.end()) {
        id = &known->second;
        continue;
      }
      if (resources_.size() >= limits::resources_max) {
        findings().error(at, where, cat("the API has more than ", limits::resources_max, " resources"));
        return nullptr;
      }
      const auto old = known_ids_.find(here);
      auto own = old != known_ids_.end() ? old->second : fresh_id(cat("resource ", here), definition().resources);
      auto made = operations_.create_resource({options_.rest_api_id, own, *id, path.substr(begin, end - begin)});
      if (!made) {
        findings().refused(at, where, cat("Unable to create resource at path '", here, "'"), made.error());
        return nullptr;
      }
      id = &resources_.emplace(here, std::move(own)).first->second;
    }
    return id;
  }

  /// A path without methods is a resource all the same.
  void make_bare_resource(const yaml::Entry& entry) {
    if (entry.key.starts_with("x-") || entry.key.size() > limits::path_bytes_max) return;
    const auto path = document_.place(entry.key, options_.base_path);
    if (!refused_paths_.contains(path)) (void)ensure_resource(path, entry.key_at, below("paths", entry.key));
  }

  void import(const Operation& operation) {
    if (refused_paths_.contains(operation.path)) return document_.pass_over(*operation.node);
    const auto* resource = ensure_resource(operation.path, operation.at, below("paths", operation.path));
    if (resource == nullptr) {
      refused_paths_.insert(operation.path);
      return document_.pass_over(*operation.node);
    }
    if (const auto* function = operation.node->find("x-sallyport-function"))
      findings().unsupported(function->at, below(operation.where, "x-sallyport-function"),
                             "x-sallyport-function is for `sallyport up` of the document itself");
    gateway::PutMethodRequest request{options_.rest_api_id, *resource, operation.verb};
    auto access = read_access(document_, operation, schemes_, choices_);
    read_parameters(operation, request);
    read_bodies(operation, request);
    request.operation_name = text_of(operation.node->find("operationId"));
    request.request_validator_id = default_validator_;
    if (const auto* name = document_.extension(*operation.node, "x-amazon-apigateway-request-validator"))
      request.request_validator_id = validator_of(*name, below(operation.where, "x-amazon-apigateway-request-validator"));
    if (!access) return document_.pass_over(*operation.node);
    request.authorization_type = access->authorization;
    request.authorizer_id = access->authorizer_id;
    request.authorization_scopes = access->scopes;
    request.api_key_required = access->api_key_required;
    definition().resources.find(*resource)->second.methods.erase(operation.verb);
    if (auto done = operations_.put_method(std::move(request)); !done) {
      document_.pass_over(*operation.node);
      return findings().refused(operation.at, operation.where, unable("put method", operation), done.error());
    }
    out_.methods.insert_or_assign(std::pair(*resource, operation.verb), operation.at);
    read_responses(operation, *resource);
    read_integration(operation, *resource);
  }

  static std::string unable(std::string_view what, const Operation& operation) {
    return cat("Unable to ", what, " on '", operation.verb, "' for resource at path '", operation.path, "'");
  }

  void read_parameters(const Operation& operation, gateway::PutMethodRequest& request) {
    for (const auto* owner : {operation.path_item, operation.node}) {
      const auto* list = owner->find("parameters");
      if (list == nullptr || list->list() == nullptr) continue;
      for (const auto& item : *list->list()) {
        const auto where = below(operation.where, "parameters");
        const auto* parameter = document_.resolve(item, where);
        if (parameter == nullptr) continue;
        const auto in = text_of(parameter->find("in"));
        const auto name = text_of(parameter->find("name"));
        if (in == "body") {
          if (const auto* schema = parameter->find("schema"))
            if (const auto model = model_of(*schema, below(where, name)))
              for (auto& type : media_types(operation, "consumes")) request.request_models.insert_or_assign(std::move(type), *model);
          continue;
        }
        const std::string_view place = in == "query" ? "querystring" : in == "header" ? "header" : in == "path" ? "path" : "";
        if (place.empty()) {
          findings().warning(item.at, where, cat("Parse issue: the parameter '", name, "' in '", in, "' is not one of a method"));
          continue;
        }
        request.request_parameters.insert_or_assign(cat("method.request.", place, ".", name), is_true(parameter->find("required")));
      }
    }
  }

  /// `consumes` or `produces` of Swagger: of the operation, else of the document.
  std::vector<std::string> media_types(const Operation& operation, std::string_view member) {
    for (const auto* owner : {operation.node, &document_.root()}) {
      const auto* list = owner->find(member);
      if (list == nullptr || list->list() == nullptr || list->list()->empty()) continue;
      std::vector<std::string> out;
      for (const auto& item : *list->list()) out.push_back(text_of(&item));
      return out;
    }
    return {"application/json"};
  }

  void read_bodies(const Operation& operation, gateway::PutMethodRequest& request) {
    const auto* body = operation.node->find("requestBody");
    const auto where = below(operation.where, "requestBody");
    body = body ? document_.resolve(*body, where) : nullptr;
    for (const auto& content : entries_of(body ? body->find("content") : nullptr))
      if (const auto* schema = content.value.find("schema"))
        if (const auto model = model_of(*schema, below(where, content.key))) request.request_models.insert_or_assign(content.key, *model);
  }

  void read_responses(const Operation& operation, const std::string& resource) {
    for (const auto& entry : entries_of(operation.node->find("responses"))) {
      if (entry.key.starts_with("x-")) continue;
      const auto where = below(below(operation.where, "responses"), entry.key);
      if (!is_status_code(entry.key)) {
        if (entry.key != "default")
          findings().warning(entry.key_at, where, cat("Parse issue: the response '", entry.key, "' is not one status code"));
        continue;
      }
      const auto* response = document_.resolve(entry.value, where);
      if (response == nullptr) continue;
      gateway::PutMethodResponseRequest request{options_.rest_api_id, resource, operation.verb, entry.key, {}, {}};
      for (const auto& header : entries_of(response->find("headers")))
        request.response_parameters.emplace(cat("method.response.header.", header.key), is_true(header.value.find("required")));
      for (const auto& content : entries_of(response->find("content")))
        if (const auto* schema = content.value.find("schema"))
          if (const auto model = model_of(*schema, below(where, content.key)))
            request.response_models.insert_or_assign(content.key, *model);
      if (const auto* schema = response->find("schema"); schema != nullptr && document_.dialect() == Dialect::swagger)
        if (const auto model = model_of(*schema, below(where, "schema")))
          for (auto& type : media_types(operation, "produces")) request.response_models.insert_or_assign(std::move(type), *model);
      if (auto done = operations_.put_method_response(std::move(request)); !done)
        findings().refused(entry.key_at, where, unable(cat("put method response '", entry.key, "'"), operation), done.error());
    }
  }

  void read_integration(const Operation& operation, const std::string& resource) {
    const auto* extension = document_.extension(*operation.node, integration_extension);
    if (extension == nullptr) return;
    const auto where = below(operation.where, integration_extension);
    const auto* node = document_.resolve(*extension, where);
    if (node == nullptr) return;
    Members members(*node, where, findings());
    gateway::PutIntegrationRequest request;
    request.rest_api_id = options_.rest_api_id;
    request.resource_id = resource;
    request.http_method = operation.verb;
    request.type = upper(members.text_or("type", "HTTP"));
    request.uri = members.text_or("uri", "");
    request.integration_http_method = upper(members.text_or("httpMethod", ""));
    request.credentials = members.text("credentials");
    request.request_parameters = members.text_map("requestParameters");
    request.request_templates = members.text_map("requestTemplates");
    request.passthrough_behavior = upper(members.text_or("passthroughBehavior", ""));
    request.timeout_ms = members.integer("timeoutInMillis");
    if (auto handling = members.text("contentHandling")) request.content_handling = upper(*handling);
    request.connection_type = upper(members.text_or("connectionType", ""));
    request.cache_namespace = members.text_or("cacheNamespace", "");
    request.cache_key_parameters = members.texts("cacheKeyParameters").value_or(std::vector<std::string>());
    members.refuse("connectionId", "VPC links do not exist here");
    members.refuse("tlsConfig", "certificates of integrations are always checked");
    members.refuse("responseTransferMode", "answers are buffered", "BUFFERED");
    // Written by some tools for HTTP APIs; REST has but one.
    members.refuse("payloadFormatVersion", "REST APIs have version 1.0", "1.0");
    const auto* responses = members.find("responses");
    members.finish();
    // As AWS shows what it imported.
    const bool is_http = request.type == "HTTP" || request.type == "HTTP_PROXY";
    if (is_http && request.connection_type.empty()) request.connection_type = "INTERNET";
    if (request.type == "MOCK") request.integration_http_method.clear();
    if (auto done = operations_.put_integration(std::move(request)); !done)
      return findings().refused(extension->at, where, unable("put integration", operation), done.error());
    std::set<std::string> statuses;
    for (const auto& entry : entries_of(responses))
      read_integration_response(operation, resource, entry, below(where, "responses"), statuses);
  }

  void read_integration_response(const Operation& operation, const std::string& resource, const yaml::Entry& entry,
                                 const std::string& where, std::set<std::string>& statuses) {
    Members members(entry.value, below(where, entry.key), findings());
    gateway::PutIntegrationResponseRequest request;
    request.rest_api_id = options_.rest_api_id;
    request.resource_id = resource;
    request.http_method = operation.verb;
    request.status_code = members.text_or("statusCode", "");
    request.selection_pattern = entry.key == "default" ? "" : entry.key;
    request.response_parameters = members.text_map("responseParameters");
    request.response_templates = members.text_map("responseTemplates");
    if (auto handling = members.text("contentHandling")) request.content_handling = upper(*handling);
    members.finish();
    if (!statuses.insert(request.status_code).second)
      findings().warning(entry.key_at, members.where({}),
                         cat("the status ", request.status_code, " has several integration responses: the last one is kept"));
    if (auto done = operations_.put_integration_response(std::move(request)); !done)
      findings().refused(entry.key_at, members.where({}), unable("put integration response", operation), done.error());
  }

  /// Read by people, and of no effect on any request.
  void pass_over_documentation() {
    const auto& root = document_.root();
    (void)document_.extension(root, "x-amazon-apigateway-documentation");
    (void)document_.extension(root, "x-amazon-apigateway-importexport-version");
    if (const auto* components = root.find("components")) (void)document_.extension(*components, "x-amazon-apigateway-integrations");
  }

  RestImport out_;
  Document document_;
  const RestImportOptions& options_;
  gateway::State& draft_;
  gateway::Operations operations_;
  const MakeId& make_id_;
  const Choices& choices_;

  Definition before_;
  std::map<std::string, std::string, std::less<>> known_ids_;  // of resources, by path, before the import
  std::map<std::string, std::string, std::less<>> resources_;  // as it is now
  std::map<std::string, std::string, std::less<>> old_validators_;
  std::map<std::string, std::string, std::less<>> validators_;  // by name
  std::string default_validator_;
  std::set<std::string> made_models_;
  Schemes schemes_;
  std::set<std::string> refused_paths_;
};

}  // namespace

RestImport import_rest_api(const yaml::Node& document, const RestImportOptions& options, gateway::State& draft, WallTime now,
                           const MakeId& make_id, const Choices& choices) {
  return RestImporter(document, options, draft, now, make_id, choices).run();
}

}  // namespace sallyport::openapi
