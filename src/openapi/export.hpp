// Export of APIs as OpenAPI 3.0 and Swagger 2.0: what GetExport and ExportApi answer, and what imports again as the same API.
// Source: API Gateway developer guide, "Export a REST API", "OpenAPI extensions"; recorded answers of the service.
#pragma once

#include <string>

#include "base/clock.hpp"
#include "gateway/state.hpp"
#include "http_api/state.hpp"
#include "json/value.hpp"
#include "openapi/document.hpp"

namespace sallyport::openapi {

struct RestExportOptions {
  Dialect dialect = Dialect::oas30;
  bool integrations = false;  // x-amazon-apigateway-integration
  bool authorizers = false;   // x-amazon-apigateway-authorizer
  bool whole = false;         // everything: both, and the settings of the API
  aws::Scope scope;
};

/// What a stage serves. Descriptions of things other than the API are not part of it. REQUIRES: `definition` is of that API.
json::Value export_rest_api(const gateway::RestApi& api, const gateway::Definition& definition, const std::string& stage, WallTime deployed,
                            const RestExportOptions& options);

struct HttpExportOptions {
  bool extensions = true;
  std::string stage;  // the base path of the address; empty: the API as it is now
  aws::Scope scope;
};

/// REQUIRES: `definition` is of that API.
json::Value export_http_api(const http_api::Api& api, const http_api::Definition& definition, const HttpExportOptions& options);

/// `value` as YAML in block style. Texts that a reader would take for something else are quoted.
std::string to_yaml(const json::Value& value);

}  // namespace sallyport::openapi
