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
    {"AWS::ApiGateway::Authorizer", make_authorizer},
    {"AWS::ApiGateway::Deployment", make_deployment},
    {"AWS::ApiGateway::GatewayResponse", make_gateway_response},
    {"AWS::ApiGateway::Method", make_method},
    {"AWS::ApiGateway::Resource", make_resource},
    {"AWS::ApiGateway::RestApi", make_rest_api},
    {"AWS::ApiGateway::Stage", make_stage},
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
    {"AWS::Lambda::Function", make_function},
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
  report.problem(resource.at, cat("Resources.", resource.logical_id), cat(error.code, ": ", error.message));
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
