// Import of a definition into a REST API: ImportRestApi, PutRestApi, and the bodies of templates. One engine for all of them.
// Source: API Gateway developer guide, "Develop REST APIs using OpenAPI" and "OpenAPI extensions"; recorded answers of the service.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "gateway/state.hpp"
#include "openapi/choices.hpp"
#include "openapi/document.hpp"
#include "openapi/findings.hpp"
#include "yaml/node.hpp"

namespace sallyport::openapi {

struct RestImportOptions {
  std::string rest_api_id;
  /// `overwrite`: what the document does not say goes, stages and deployments aside. `merge`: what it says is added or replaced.
  enum class Mode : std::uint8_t { merge, overwrite } mode = Mode::merge;
  BasePath base_path = BasePath::ignore;
  /// Does info.title become the API's name? A template may have said another.
  bool takes_name = true;
};

struct RestImport {
  Findings findings;
  /// Where things stand in the document, for messages about them: methods by resource id and verb, authorizers by id.
  std::map<std::pair<std::string, std::string>, yaml::Location> methods;
  std::map<std::string, yaml::Location> authorizers;
};

/// Changes the API in the draft through gateway::Operations. The draft is only good for something when `findings.ok()`; what was
/// unsupported has been left out of it. Resources keep their ids, for the document says nothing of ids. REQUIRES: the API exists.
RestImport import_rest_api(const yaml::Node& document, const RestImportOptions& options, gateway::State& draft, WallTime now,
                           const MakeId& make_id, const Choices& choices = {});

}  // namespace sallyport::openapi
