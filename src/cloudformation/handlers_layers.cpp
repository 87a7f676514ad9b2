// AWS::Lambda::LayerVersion and LayerVersionPermission.
#include "base/text.hpp"
#include "cloudformation/handlers.hpp"

namespace sallyport::cloudformation {
namespace {

/// What the account has under this name, whoever made it.
const lambda::Layer* present_layer(const Workshop& workshop, const std::string& name) {
  const auto* present = workshop.options.present_functions;
  if (present == nullptr) return nullptr;
  const auto layer = present->layers.find(name);
  return layer == present->layers.end() ? nullptr : &*layer->second;
}

}  // namespace

std::optional<Attributes> make_layer_version(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  lambda::PublishLayerVersionRequest request;
  request.name = properties.text("LayerName").value_or(workshop.physical_name(resource.logical_id));
  request.version.description = properties.text("Description").value_or("");
  request.version.license = properties.text("LicenseInfo").value_or("");
  request.version.runtimes = properties.texts("CompatibleRuntimes");
  request.version.architectures = properties.texts("CompatibleArchitectures");
  request.version.retained = resource.retained;
  std::optional<lambda::Code> code;
  const auto* content = properties.node("Content");
  if (content == nullptr)
    properties.refuse("Content", "missing", "a local folder or .zip file, relative to the template");
  else if (const auto* written = content->string())
    code = local_code(workshop, properties, "Content", *written);
  else if (!content->is_broken())
    properties.refuse("Content", "a layer in S3 cannot be used",
                      "there is no S3 here: name a local folder or .zip file, relative to the template");
  properties.finish();
  if (!properties.ok() || !code) return std::nullopt;

  request.code = std::move(*code);
  request.before = present_layer(workshop, request.name);
  const auto name = request.name;
  const auto made = workshop.functions.publish_layer_version(std::move(request));
  if (!made) {
    workshop.refused(resource, made.error());
    return std::nullopt;
  }
  return named(resource, lambda::layer_arn(workshop.scope, name, *made), {"LayerVersionArn"});
}

std::optional<Attributes> make_layer_permission(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  lambda::AddLayerPermissionRequest request;
  const auto arn = properties.required_text("LayerVersionArn");
  request.statement.sid = workshop.physical_name(resource.logical_id, 100);
  request.statement.action = properties.required_text("Action");
  request.statement.principal = properties.required_text("Principal");
  request.statement.principal_org_id = properties.text("OrganizationId");
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  const auto reference = lambda::parse_own_layer(workshop.scope, arn);
  if (!reference || !reference->version) {
    properties.refuse("LayerVersionArn", reference ? cat("`", arn, "` names no version") : reference.error().message);
    return std::nullopt;
  }
  if (request.statement.action != "lambda:GetLayerVersion") {
    properties.refuse("Action", "lambda:GetLayerVersion is what can be allowed");
    return std::nullopt;
  }
  request.name = reference->name;
  request.number = *reference->version;
  const auto sid = request.statement.sid;
  if (const auto made = workshop.functions.add_layer_permission(std::move(request)); !made) {
    workshop.refused(resource, made.error());
    return std::nullopt;
  }
  return named(resource, cat(arn, "#", sid), {"Id"});
}

}  // namespace sallyport::cloudformation
