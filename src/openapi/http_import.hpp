// Import of a definition into an HTTP API: ImportApi, ReimportApi, and the bodies of templates.
// Source: API Gateway developer guide, "Working with OpenAPI definitions for HTTP APIs" and "OpenAPI extensions".
#pragma once

#include <map>
#include <string>

#include "http_api/state.hpp"
#include "openapi/choices.hpp"
#include "openapi/document.hpp"
#include "openapi/findings.hpp"
#include "yaml/node.hpp"

namespace sallyport::openapi {

struct HttpImportOptions {
  std::string api_id;
  BasePath base_path = BasePath::ignore;
  /// Does info.title become the API's name? A template may have said another.
  bool takes_name = true;
};

struct HttpImport {
  Findings findings;
  /// Where things stand in the document, for messages about them, by id.
  std::map<std::string, yaml::Location> routes;
  std::map<std::string, yaml::Location> authorizers;
};

/// Writes the API in the draft anew, through http_api::Operations: what the document does not say goes, stages and deployments aside, and
/// stages that deploy by themselves get the result. The draft is only good for something when `findings.ok()`; what was unsupported has
/// been left out of it. Routes and authorizers that come again keep their ids. REQUIRES: the API exists.
HttpImport import_http_api(const yaml::Node& document, const HttpImportOptions& options, http_api::State& draft, WallTime now,
                           const MakeId& make_id, const Choices& choices = {});

/// `tags` with their x-amazon-apigateway-tag-value.
gateway::TextMap tags_of(const yaml::Node& document);

}  // namespace sallyport::openapi
