// OpenAPI definitions of templates: written into the template, or in a file beside it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cloudformation/handlers.hpp"
#include "openapi/document.hpp"
#include "openapi/findings.hpp"

namespace sallyport::cloudformation {

/// What `Body` or `BodyS3Location` says.
struct Body {
  bool given = false;
  std::string_view property;             // Body or BodyS3Location
  std::shared_ptr<const Node> document;  // null where it could not be read, which is reported then
  Location at;                           // of the property
  std::string file;                      // of BodyS3Location, as messages show it; empty: it stands in the template

  /// A place of the document in the template.
  Location place(Location in_document) const { return file.empty() ? in_document : at; }
  std::optional<std::string> title() const;
};

/// Reads both properties. `BodyS3Location` may be the path of a local file: there is no S3 here.
Body read_body(Workshop& workshop, Properties& properties);
/// Ids that are the same in every run.
openapi::MakeId body_ids(const Workshop& workshop, std::string_view api_id);
/// Reports what an import found; false when it stops. Warnings become warnings of the stack.
bool report_findings(Workshop& workshop, Properties& properties, const Body& body, const openapi::Findings& findings);
/// FailOnWarnings: false, with a problem, when there was one.
bool warnings_pass(const Workshop& workshop, Properties& properties, bool fails_on_warnings);

}  // namespace sallyport::cloudformation
