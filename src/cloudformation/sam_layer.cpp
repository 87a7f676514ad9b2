// AWS::Serverless::LayerVersion.
#include "base/text.hpp"
#include "cloudformation/properties.hpp"
#include "cloudformation/sam_parts.hpp"

namespace sallyport::cloudformation::sam {

void expand_layer(const ResourceDeclaration& declaration, const Node& own, Output& out) {
  const auto& id = declaration.logical_id;
  Properties properties(&own, declaration.at, declaration.where, declaration.type, out.report());
  if (declaration.built_by_sam)
    out.report().unsupported(declaration.at, cat("Resources.", id, ".Metadata.BuildMethod"), "layers are not built here",
                             "build it first and point ContentUri at the result");
  Node layer(declaration.at, Map{});
  // SAM's own name for it, where it is given none.
  if (properties.has("LayerName"))
    copy(properties, "LayerName", layer);
  else
    layer.set("LayerName", Node(declaration.at, std::string_view(id)));
  for (const auto name : {"Description", "LicenseInfo", "CompatibleRuntimes", "CompatibleArchitectures"}) copy(properties, name, layer);
  if (properties.has("ContentUri")) {
    copy(properties, "ContentUri", layer, "Content");
  } else {
    properties.refuse("ContentUri", "missing", "a local folder or .zip file, relative to the template");
    layer.set("Content", Node(declaration.at, Broken{}));
  }
  const auto retention = properties.text("RetentionPolicy").value_or("Retain");
  if (retention != "Retain" && retention != "Delete")
    properties.refuse("RetentionPolicy", cat("`", retention, "` is neither Retain nor Delete"));
  properties.finish();
  auto& made = out.add(id, "AWS::Lambda::LayerVersion", declaration.at, declaration.where, std::move(layer));
  made.depends_on = declaration.depends_on;
  made.retained = retention == "Retain" || declaration.retained;
}

}  // namespace sallyport::cloudformation::sam
