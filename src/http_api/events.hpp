// Events: the JSON that functions get from an HTTP API, key by key as AWS sends them.
// Source: API Gateway developer guide, "Lambda proxy integrations" and "Lambda authorizers" of HTTP APIs, and recorded events.
#pragma once

#include <string>
#include <string_view>

#include "http_api/exchange.hpp"
#include "http_api/mapping.hpp"
#include "http_api/state.hpp"

namespace sallyport::http_api {

/// AWS_PROXY. `mapped`: the request after its mappings; null: as it came.
std::string make_proxy_event(const HttpExchange& exchange, PayloadVersion version, std::string_view body, const MappedRequest* mapped);

/// A REQUEST authorizer's event; `sources` are the values of its identity sources.
std::string make_authorizer_event(const HttpExchange& exchange, PayloadVersion version, const std::vector<std::string>& sources);

}  // namespace sallyport::http_api
