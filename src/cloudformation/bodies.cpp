#include "cloudformation/bodies.hpp"

#include <filesystem>

#include "base/text.hpp"
#include "cloudformation/files.hpp"
#include "yaml/parse.hpp"

namespace sallyport::cloudformation {
namespace {

namespace fs = std::filesystem;

void read_file_of(Workshop& workshop, Properties& properties, const std::string& written, Body& body) {
  constexpr auto hint = "there is no S3 here: name a local file, relative to the template";
  if (written.find("://") != std::string::npos) return properties.refuse(body.property, cat("`", written, "` is not a local path"), hint);
  std::error_code error;
  const auto path = fs::weakly_canonical(fs::path(workshop.folder) / written, error);
  auto text = error || !fs::is_regular_file(path, error) ? std::nullopt : read_file(path.string(), yaml::limits::document_bytes_max + 1);
  if (!text) return properties.refuse(body.property, cat("`", written, "` is not there"), cat("looked at ", path.string()));
  workshop.stack.watched.push_back(path.string());
  auto parsed = yaml::parse(*text, yaml::Dialect::plain);
  body.file = display_path(path.string());
  if (!parsed) {
    parsed.error().file = body.file;
    return properties.refuse(body.property, yaml::to_text(parsed.error()));
  }
  body.document = std::make_shared<const Node>(std::move(*parsed));
}

}  // namespace

std::optional<std::string> Body::title() const {
  const auto* info = document ? document->find("info") : nullptr;
  const auto* title = info ? info->find("title") : nullptr;
  return title ? title->scalar() : std::nullopt;
}

Body read_body(Workshop& workshop, Properties& properties) {
  Body body;
  const auto* inside = properties.node("Body");
  const auto* elsewhere = properties.node("BodyS3Location");
  if (inside == nullptr && elsewhere == nullptr) return body;
  body.given = true;
  body.property = inside ? "Body" : "BodyS3Location";
  body.at = properties.at(body.property);
  if (inside && elsewhere) return properties.refuse("BodyS3Location", "cannot be given together with Body"), body;
  if (inside) {
    if (inside->map() != nullptr) return body.document = std::make_shared<const Node>(*inside), body;
    if (!inside->is_broken()) properties.refuse("Body", cat("must be a mapping, is ", inside->kind()));
    return body;
  }
  if (const auto* written = elsewhere->string()) return read_file_of(workshop, properties, *written, body), body;
  if (!elsewhere->is_broken())
    properties.refuse("BodyS3Location", "definitions in S3 cannot be used",
                      "there is no S3 here: name a local file, relative to the template");
  return body;
}

openapi::MakeId body_ids(const Workshop& workshop, std::string_view api_id) {
  return [&workshop, api_id = std::string(api_id)](std::string_view what, std::size_t length) {
    return workshop.physical_id(cat(api_id, "/", what), length);
  };
}

bool report_findings(Workshop& workshop, Properties& properties, const Body& body, const openapi::Findings& findings) {
  auto& report = properties.report();
  for (const auto& finding : findings.all()) {
    const auto& [file, in_document, inside, text, hint] = finding.problem;
    const auto at = body.place(in_document.line == 0 ? body.at : in_document);
    const auto where = cat(properties.where(), ".", body.property, inside.empty() ? "" : ".", inside);
    const auto message = body.file.empty() ? text : cat(body.file, ":", in_document.line, ":", in_document.column, ": ", text);
    switch (finding.severity) {
      case openapi::Severity::warning: workshop.stack.warnings.push_back({report.file(), at, where, message, hint}); break;
      case openapi::Severity::unsupported:
        report.unsupported(at, where, message, hint);
        if (!report.ignores_unsupported()) properties.give_up();
        break;
      case openapi::Severity::error:
        report.problem(at, where, message, hint);
        properties.give_up();
        break;
    }
  }
  return properties.ok();
}

bool warnings_pass(const Workshop& workshop, Properties& properties, bool fails_on_warnings) {
  const auto here = cat(properties.where(), ".Body");
  for (const auto& warning : workshop.stack.warnings)
    if (fails_on_warnings && warning.where.starts_with(here)) {
      properties.refuse("FailOnWarnings", cat("the definition has warnings: ", warning.message));
      return false;
    }
  return true;
}

}  // namespace sallyport::cloudformation
