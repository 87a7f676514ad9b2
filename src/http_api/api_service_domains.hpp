// Domain names and API mappings of the service `apigatewayv2`. They are kept with the REST APIs: both services see the same ones.
#pragma once

#include <set>
#include <string>

#include "gateway/api_service.hpp"
#include "http_api/api_service.hpp"

namespace sallyport::http_api {

/// Adds them to what `make_service` made, teaches its tag operations the ARNs of domain names, and keeps APIs and stages that a mapping
/// leads to from being deleted. All that is given must outlive the service. `truststores`: what mutual TLS may refer to.
void add_domain_operations(control::Service& service, gateway::Ledger& domains, Ledger& apis,
                           const std::set<std::string, std::less<>>& truststores, Random& random);

}  // namespace sallyport::http_api
