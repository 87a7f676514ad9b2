// The operations of the services `apigateway` and `apigatewayv2` that read and write OpenAPI documents.
#pragma once

#include "base/clock.hpp"
#include "control/service.hpp"
#include "gateway/api_service.hpp"
#include "http_api/api_service.hpp"

namespace sallyport::openapi {

/// ImportRestApi, PutRestApi and GetExport. What is given must outlive the service.
void add_import_operations(control::Service& apigateway, gateway::Ledger& ledger, Random& random);

/// ImportApi, ReimportApi and ExportApi.
void add_import_operations(control::Service& apigatewayv2, http_api::Ledger& ledger, Random& random);

}  // namespace sallyport::openapi
