#include "openapi/http_import.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "base/text.hpp"
#include "http_api/operations.hpp"
#include "openapi/operation.hpp"

namespace sallyport::openapi {
namespace {

using http_api::AuthorizerInput;
using http_api::IntegrationInput;
using http_api::RouteInput;
using yaml::Node;

constexpr std::size_t id_size = 7;
constexpr std::string_view integration_extension = "x-amazon-apigateway-integration";

const yaml::Map no_entries;
const yaml::Map& entries_of(const Node* node) { return node != nullptr && node->map() != nullptr ? *node->map() : no_entries; }
std::string text_of(const Node* node) { return node ? node->scalar().value_or("") : ""; }

std::string upper(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  return out;
}

class HttpImporter {
 public:
  HttpImporter(const Node& root, const HttpImportOptions& options, http_api::State& draft, WallTime now, const MakeId& make_id,
               const Choices& choices)
      : document_(root, out_.findings),
        options_(options),
        draft_(draft),
        operations_(
            draft, [&make_id](std::size_t length) { return make_id("deployment", length); }, now),
        make_id_(make_id),
        choices_(choices) {}

  HttpImport run() {
    if (!document_.ok()) return std::move(out_);
    before_ = *draft_.apis.find(options_.api_id)->second->draft;
    if (auto cleared = operations_.clear(options_.api_id); !cleared) {
      findings().refused({}, {}, "Unable to import", cleared.error());
      return std::move(out_);
    }
    read_api();
    read_tags();
    read_schemes();
    std::size_t routes = 0;
    for (const auto& operation : list_operations(document_, options_.base_path)) {
      if (++routes > limits::resources_max) {
        findings().error(operation.at, operation.where, cat("the API has more than ", limits::resources_max, " routes"));
        break;
      }
      import(operation);
    }
    pass_over_documentation();
    document_.refuse_the_rest();
    operations_.auto_deploy();
    return std::move(out_);
  }

 private:
  Findings& findings() { return out_.findings; }

  template <class Map>
  std::string fresh_id(std::string what, const Map& taken) const {
    auto id = make_id_(what, id_size);
    while (taken.contains(id)) id = make_id_(what += '+', id_size);
    return id;
  }
  const http_api::Definition& definition() const { return *draft_.apis.find(options_.api_id)->second->draft; }
  bool keeps_ids() const { return choices_.ids_on_overwrite == Choices::IdsOnOverwrite::kept; }

  // The API as a whole

  void read_api() {
    http_api::ApiInput input;
    const auto* info = document_.root().find("info");
    if (options_.takes_name) {
      input.name = document_.info("title");
      if (input.name->empty()) {
        findings().error(info ? info->at : document_.root().at, "info.title", "Invalid OpenAPI input", "the API is named by info.title");
        input.name.reset();
      }
    }
    input.description = document_.info("description");
    input.version = document_.info("version");
    const auto read_endpoint = [&](const Node& owner) {
      const auto* endpoint = document_.extension(owner, "x-amazon-apigateway-endpoint-configuration");
      if (endpoint == nullptr) return;
      Members members(*endpoint, "x-amazon-apigateway-endpoint-configuration", findings());
      if (const auto off = members.boolean("disableExecuteApiEndpoint")) input.disable_execute_api_endpoint = *off;
      members.finish();
    };
    read_endpoint(document_.root());
    if (const auto* servers = document_.root().find("servers"); servers != nullptr && servers->list() != nullptr)
      for (const auto& server : *servers->list()) read_endpoint(server);
    if (const auto* cors = document_.extension(document_.root(), "x-amazon-apigateway-cors")) input.cors = read_cors(*cors);
    if (auto done = operations_.update_api(options_.api_id, std::move(input)); !done)
      findings().refused(document_.root().at, {}, "Unable to update the API", done.error());
  }

  http_api::Cors read_cors(const Node& node) {
    Members members(node, "x-amazon-apigateway-cors", findings());
    http_api::Cors cors;
    const auto list = [&](std::string_view name) -> std::optional<std::vector<std::string>> {
      const auto* value = node.find(name);
      if (value != nullptr && value->string() != nullptr) return std::vector<std::string>{members.text_or(name, "")};
      return members.texts(name);
    };
    cors.allow_credentials = members.boolean("allowCredentials");
    cors.allow_headers = list("allowHeaders");
    cors.allow_methods = list("allowMethods");
    cors.allow_origins = list("allowOrigins");
    cors.expose_headers = list("exposeHeaders");
    cors.max_age_s = members.integer("maxAge");
    members.finish();
    return cors;
  }

  void read_tags() {
    const auto* list = document_.root().find("tags");
    if (list == nullptr || list->list() == nullptr) return;
    for (const auto& tag : *list->list()) (void)document_.extension(tag, "x-amazon-apigateway-tag-value");
    const auto tags = tags_of(document_.root());
    if (tags.empty()) return;
    const auto arn = cat("arn:", draft_.scope.partition, ":apigateway:", draft_.scope.region, "::/apis/", options_.api_id);
    if (auto done = operations_.tag_resource(arn, tags); !done) findings().refused(list->at, "tags", "Unable to tag the API", done.error());
  }

  // Authorizers

  void read_schemes() {
    const auto root = document_.dialect() == Dialect::swagger ? "securityDefinitions" : "components.securitySchemes";
    for (const auto& entry : entries_of(document_.security_schemes())) {
      const auto where = below(root, entry.key);
      const auto* node = document_.resolve(entry.value, where);
      if (node == nullptr) continue;
      auto scheme = read_scheme(document_, *node);
      // HTTP APIs have no API keys.
      scheme.is_api_key = false;
      if (const auto* extension = document_.extension(*node, "x-amazon-apigateway-authorizer"))
        make_authorizer(entry, *extension, below(where, "x-amazon-apigateway-authorizer"), scheme);
      schemes_.insert_or_assign(entry.key, std::move(scheme));
    }
  }

  void make_authorizer(const yaml::Entry& entry, const Node& extension, const std::string& where, Scheme& scheme) {
    Members members(extension, where, findings());
    AuthorizerInput input;
    input.name = entry.key;
    input.type = upper(members.text_or("type", ""));
    input.identity_sources = read_sources(members);
    if (const auto* jwt = members.find("jwtConfiguration")) {
      Members configuration(*jwt, members.where("jwtConfiguration"), findings());
      input.issuer = configuration.text("issuer");
      const auto* audience = jwt->find("audience");
      if (audience != nullptr && audience->string() != nullptr)
        input.audiences = std::vector<std::string>{configuration.text_or("audience", "")};
      else
        input.audiences = configuration.texts("audience");
      configuration.finish();
    }
    input.uri = members.text("authorizerUri");
    input.credentials = members.text("authorizerCredentials");
    input.payload_format_version = members.text("authorizerPayloadFormatVersion");
    input.simple_responses = members.boolean("enableSimpleResponses");
    input.ttl_s = members.integer("authorizerResultTtlInSeconds");
    members.finish();
    scheme.authorization = input.type == "JWT" ? "JWT" : "CUSTOM";
    if (input.type == "JWT" && !input.identity_sources) input.identity_sources = std::vector<std::string>{"$request.header.Authorization"};
    const auto old = std::find_if(before_.authorizers.begin(), before_.authorizers.end(),
                                  [&](const auto& known) { return known.second.name == entry.key; });
    scheme.authorizer_id =
        old != before_.authorizers.end() && keeps_ids() ? old->first : fresh_id(cat("authorizer ", entry.key), definition().authorizers);
    if (auto made = operations_.create_authorizer(options_.api_id, scheme.authorizer_id, std::move(input)); made) {
      out_.authorizers.emplace(scheme.authorizer_id, entry.key_at);
    } else {
      scheme.is_broken = true;
      findings().refused(extension.at, where, cat("Unable to create authorizer '", entry.key, "'"), made.error());
    }
  }

  /// A list, or a text with commas.
  static std::optional<std::vector<std::string>> read_sources(Members& members) {
    const auto* value = members.find("identitySource");
    if (value == nullptr || value->string() == nullptr) return members.texts("identitySource");
    std::vector<std::string> out;
    for (const auto part : split(*value->string(), ','))
      if (!trim(part).empty()) out.emplace_back(trim(part));
    return out;
  }

  // Routes

  static std::string key_of(const Operation& operation) {
    const bool is_default = operation.path == "/$default" || operation.path == "$default";
    if (is_default && operation.verb == "ANY") return "$default";
    return cat(operation.verb, " ", operation.path);
  }

  void import(const Operation& operation) {
    const auto key = key_of(operation);
    const auto access = read_access(document_, operation, schemes_, choices_);
    const auto* extension = document_.extension(*operation.node, integration_extension);
    if (const auto* function = operation.node->find("x-sallyport-function"))
      findings().unsupported(function->at, below(operation.where, "x-sallyport-function"),
                             "x-sallyport-function is for `sallyport up` of the document itself");
    if (!access) return document_.pass_over(*operation.node);
    const auto old = std::find_if(before_.routes.begin(), before_.routes.end(), [&](const auto& known) { return known.second.key == key; });
    RouteInput input;
    input.key = key;
    // The route stays when its integration cannot be had: without it a less specific one, an open one perhaps, would answer in its place.
    if (extension != nullptr)
      if (const auto made = integration_of(operation, *extension, old == before_.routes.end() ? "" : old->second.integration_id))
        input.target = cat("integrations/", *made);
    input.authorization_type = access->authorization;
    input.authorizer_id = access->authorizer_id;
    if (!access->scopes.empty()) input.scopes = access->scopes;
    if (auto name = text_of(operation.node->find("operationId")); !name.empty()) input.operation_name = std::move(name);
    auto id = old != before_.routes.end() && keeps_ids() ? old->first : fresh_id(cat("route ", key), definition().routes);
    if (auto made = operations_.create_route(options_.api_id, id, std::move(input)); !made)
      return findings().refused(operation.at, operation.where, cat("Unable to create route '", key, "'"), made.error());
    out_.routes.emplace(std::move(id), operation.at);
  }

  /// Routes whose extensions refer to the same place share one integration.
  std::optional<std::string> integration_of(const Operation& operation, const Node& extension, const std::string& old) {
    const auto where = below(operation.where, integration_extension);
    const auto* node = document_.resolve(extension, where);
    if (node == nullptr) return std::nullopt;
    if (const auto known = integrations_.find(node); known != integrations_.end()) return known->second;
    Members members(*node, where, findings());
    IntegrationInput input;
    input.type = upper(members.text_or("type", ""));
    input.uri = members.text("uri");
    if (auto method = members.text("httpMethod")) input.method = upper(*method);
    input.credentials = members.text("credentials");
    input.payload_format_version = members.text("payloadFormatVersion");
    if (!input.payload_format_version && input.type == "HTTP_PROXY") input.payload_format_version = "1.0";
    if (auto connection = members.text("connectionType")) input.connection_type = upper(*connection);
    input.description = members.text("description");
    input.timeout_ms = members.integer("timeoutInMillis");
    input.request_parameters = members.text_map("requestParameters");
    if (const auto* responses = members.find("responseParameters")) {
      Members by_status(*responses, members.where("responseParameters"), findings());
      std::map<std::string, gateway::TextMap, std::less<>> parameters;
      for (const auto& entry : entries_of(responses)) parameters.emplace(entry.key, by_status.text_map(entry.key));
      input.response_parameters = std::move(parameters);
    }
    members.refuse("connectionId", "VPC links do not exist here");
    members.refuse("tlsConfig", "certificates of integrations are always checked");
    members.refuse("integrationSubtype", "integrations with other services of AWS do not exist here");
    members.refuse("passthroughBehavior", "HTTP APIs pass every body through", "when_no_match");
    members.finish();
    auto id = !old.empty() && keeps_ids() && !definition().integrations.contains(old)
                  ? old
                  : fresh_id(cat("integration ", operation.verb, " ", operation.path), definition().integrations);
    if (auto made = operations_.create_integration(options_.api_id, id, std::move(input)); !made) {
      findings().refused(extension.at, where, cat("Unable to create integration for '", key_of(operation), "'"), made.error());
      return std::nullopt;
    }
    return integrations_.emplace(node, std::move(id)).first->second;
  }

  void pass_over_documentation() {
    const auto& root = document_.root();
    (void)document_.extension(root, "x-amazon-apigateway-importexport-version");
    if (const auto* components = root.find("components")) (void)document_.extension(*components, "x-amazon-apigateway-integrations");
  }

  HttpImport out_;
  Document document_;
  const HttpImportOptions& options_;
  http_api::State& draft_;
  http_api::Operations operations_;
  const MakeId& make_id_;
  const Choices& choices_;

  http_api::Definition before_;
  Schemes schemes_;
  std::map<const Node*, std::string> integrations_;  // by where they stand
};

}  // namespace

HttpImport import_http_api(const yaml::Node& document, const HttpImportOptions& options, http_api::State& draft, WallTime now,
                           const MakeId& make_id, const Choices& choices) {
  return HttpImporter(document, options, draft, now, make_id, choices).run();
}

gateway::TextMap tags_of(const yaml::Node& document) {
  gateway::TextMap out;
  const auto* list = document.find("tags");
  if (list == nullptr || list->list() == nullptr) return out;
  for (const auto& tag : *list->list())
    if (const auto* value = tag.find("x-amazon-apigateway-tag-value"))
      out.insert_or_assign(text_of(tag.find("name")), value->scalar().value_or(""));
  return out;
}

}  // namespace sallyport::openapi
