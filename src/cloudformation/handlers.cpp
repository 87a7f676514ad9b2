#include "cloudformation/handlers.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace sallyport::cloudformation {
namespace {

struct Row {
  std::string_view type;
  Handler handler;
};
constexpr Row rows[] = {
    {"AWS::ApiGateway::Account", keep_account},
    {"AWS::ApiGateway::ApiKey", make_api_key},
    {"AWS::ApiGateway::Authorizer", make_authorizer},
    {"AWS::ApiGateway::BasePathMapping", make_base_path_mapping},
    {"AWS::ApiGateway::ClientCertificate", refuse_client_certificate},
    {"AWS::ApiGateway::Deployment", make_deployment},
    {"AWS::ApiGateway::DocumentationPart", keep_documentation},
    {"AWS::ApiGateway::DocumentationVersion", keep_documentation},
    {"AWS::ApiGateway::DomainName", make_domain_name},
    {"AWS::ApiGateway::GatewayResponse", make_gateway_response},
    {"AWS::ApiGateway::Method", make_method},
    {"AWS::ApiGateway::Model", make_model},
    {"AWS::ApiGateway::RequestValidator", make_request_validator},
    {"AWS::ApiGateway::Resource", make_resource},
    {"AWS::ApiGateway::RestApi", make_rest_api},
    {"AWS::ApiGateway::Stage", make_stage},
    {"AWS::ApiGateway::UsagePlan", make_usage_plan},
    {"AWS::ApiGateway::UsagePlanKey", make_usage_plan_key},
    {"AWS::ApiGatewayV2::Api", make_http_api},
    {"AWS::ApiGatewayV2::ApiMapping", make_api_mapping},
    {"AWS::ApiGatewayV2::Authorizer", make_http_authorizer},
    {"AWS::ApiGatewayV2::Deployment", make_http_deployment},
    {"AWS::ApiGatewayV2::DomainName", make_http_domain_name},
    {"AWS::ApiGatewayV2::Integration", make_http_integration},
    {"AWS::ApiGatewayV2::Route", make_http_route},
    {"AWS::ApiGatewayV2::Stage", make_http_stage},
    {"AWS::Cognito::UserPool", make_user_pool},
    {"AWS::Cognito::UserPoolClient", make_user_pool_client},
    {"AWS::Cognito::UserPoolDomain", make_user_pool_domain},
    {"AWS::Cognito::UserPoolGroup", make_user_pool_group},
    {"AWS::Cognito::UserPoolResourceServer", make_resource_server},
    {"AWS::Cognito::UserPoolUser", make_user_pool_user},
    {"AWS::Cognito::UserPoolUserToGroupAttachment", add_user_to_pool_group},
    {"AWS::IAM::AccessKey", refuse_access_key},
    {"AWS::IAM::Group", make_group},
    {"AWS::IAM::GroupPolicy", make_group_policy},
    {"AWS::IAM::ManagedPolicy", make_managed_policy},
    {"AWS::IAM::Policy", make_policy},
    {"AWS::IAM::Role", make_role},
    {"AWS::IAM::RolePolicy", make_role_policy},
    {"AWS::IAM::User", make_user},
    {"AWS::IAM::UserPolicy", make_user_policy},
    {"AWS::IAM::UserToGroupAddition", add_users_to_group},
    {"AWS::Lambda::Alias", make_alias},
    {"AWS::Lambda::EventInvokeConfig", make_event_invoke_config},
    {"AWS::Lambda::Function", make_function},
    {"AWS::Lambda::LayerVersion", make_layer_version},
    {"AWS::Lambda::LayerVersionPermission", make_layer_permission},
    {"AWS::Lambda::Permission", make_permission},
    {"AWS::Lambda::Url", make_url},
    {"AWS::Lambda::Version", make_version},
    {"AWS::Logs::LogGroup", keep_log_group},
};

std::string digest_text(std::string_view stack_name, std::string_view logical_id, std::string_view alphabet, std::size_t length) {
  const auto bytes = crypto::sha256(cat(stack_name, "\n", logical_id));
  std::string out;
  for (std::size_t i = 0; i < length; ++i) out += alphabet[static_cast<unsigned char>(bytes[i]) % alphabet.size()];
  return out;
}

/// The member of that path anywhere in the tree, and the path that leads to it.
const Entry* find_path(const Node& node, std::string_view path, std::string& where) {
  const auto first = path.substr(0, path.find('.'));
  if (const auto* items = node.list()) {
    for (std::size_t i = 0; i < items->size(); ++i) {
      auto inside = cat(where, "[", i, "]");
      if (const auto* found = find_path((*items)[i], path, inside)) return where = std::move(inside), found;
    }
    return nullptr;
  }
  if (node.map() == nullptr) return nullptr;
  if (const auto* entry = node.entry(first)) {
    where += cat(".", first);
    if (first.size() == path.size()) return entry;
    const auto* deeper = find_path(entry->value, path.substr(first.size() + 1), where);
    return deeper == nullptr ? entry : deeper;
  }
  for (const auto& entry : *node.map()) {
    auto inside = cat(where, ".", entry.key);
    if (const auto* found = find_path(entry.value, path, inside)) return where = std::move(inside), found;
  }
  return nullptr;
}

Attributes kept(Workshop& workshop, const ResourceDeclaration& resource, const std::string& physical_id) {
  workshop.stack.kept.push_back({resource.logical_id, resource.type, physical_id, resource.at});
  return {Node(resource.at, std::string_view(physical_id)), {}};
}

}  // namespace

std::string Workshop::physical_id(std::string_view logical_id, std::size_t length) const {
  return digest_text(stack.name, logical_id, "abcdefghijklmnopqrstuvwxyz0123456789", length);
}

std::string Workshop::unique_id(std::string_view logical_id, std::string_view prefix) const {
  return cat(prefix, digest_text(stack.name, logical_id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 17));
}

std::string Workshop::physical_name(std::string_view logical_id, std::size_t longest) const {
  const auto suffix = digest_text(stack.name, logical_id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 12);
  auto front = cat(stack.name, "-", logical_id);
  if (front.size() + 13 > longest) front.resize(longest - 13);
  return cat(front, "-", suffix);
}

void Workshop::refused(const ResourceDeclaration& resource, const aws::ApiError& error) const {
  report.problem(resource.at, cat("Resources.", resource.logical_id),
                 cat(error.code, ": ", error.message, error.detail.empty() ? "" : cat(" (", error.detail, ")")));
}

void Workshop::refused(const ResourceDeclaration& resource, const Node* properties, const aws::ApiError& error) const {
  const std::string_view message = error.message;
  const auto end = std::ranges::find_if(message, [](char c) { return !is_alpha(c) && !is_digit(c) && c != '.'; });
  const std::string_view path(message.begin(), end);
  auto where = resource.where;
  const auto* entry = properties == nullptr || path.empty() ? nullptr : find_path(*properties, path, where);
  if (entry == nullptr) return refused(resource, error);
  report.problem(entry->key_at, where, cat(error.code, ": ", error.message));
}

std::string Workshop::api_endpoint(std::string_view api_id) const {
  const std::string_view origin = endpoint;
  const auto scheme_end = origin.find("://");
  const auto port_at = origin.rfind(':');
  const bool has_port = port_at != std::string_view::npos && port_at != scheme_end;
  return cat(scheme_end == std::string_view::npos ? std::string_view("http") : origin.substr(0, scheme_end), "://", api_id,
             ".execute-api.localhost", has_port ? origin.substr(port_at) : std::string_view());
}

Attributes named(const ResourceDeclaration& resource, std::string_view physical_id, std::initializer_list<std::string_view> same) {
  const Node id(resource.at, physical_id);
  Attributes out{id, {}};
  for (const auto name : same) out.attributes.emplace(name, id);
  return out;
}

Handler find_handler(std::string_view type) {
  const auto found = std::ranges::find(rows, type, &Row::type);
  return found == std::end(rows) ? nullptr : found->handler;
}

std::vector<std::string_view> handled_types() {
  std::vector<std::string_view> out;
  for (const auto& row : rows) out.push_back(row.type);
  return out;
}

std::optional<Attributes> keep_account(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  properties.text("CloudWatchRoleArn");
  properties.finish();
  return kept(workshop, resource, workshop.physical_name(resource.logical_id));
}

std::optional<Attributes> keep_documentation(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  properties.no_effect({"Location", "Properties", "RestApiId", "DocumentationVersion", "Description"});
  properties.finish();
  return kept(workshop, resource, workshop.physical_id(resource.logical_id, 6));
}

std::optional<Attributes> keep_log_group(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  const auto name = properties.text("LogGroupName").value_or(workshop.physical_name(resource.logical_id, 512));
  properties.no_effect({"RetentionInDays", "KmsKeyId", "DataProtectionPolicy", "LogGroupClass", "FieldIndexPolicies", "Tags"});
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  auto out = kept(workshop, resource, name);
  out.attributes.emplace("Arn", Node(resource.at, cat("arn:", workshop.scope.partition, ":logs:", workshop.scope.region, ":",
                                                      workshop.scope.account_id, ":log-group:", name, ":*")));
  return out;
}

}  // namespace sallyport::cloudformation
