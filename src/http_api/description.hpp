// What exists, as API Gateway's operations answer: by the model's member names, absent where nothing is set.
#pragma once

#include <string_view>

#include "http_api/state.hpp"
#include "json/value.hpp"

namespace sallyport::http_api {

/// `origin`: http://host:port as the caller addressed us, which the API's own address is made from.
json::Value describe(const Api& api, std::string_view origin);
json::Value describe(const Integration& integration);
json::Value describe(const Route& route);
json::Value describe(const Authorizer& authorizer);
json::Value describe(const Deployment& deployment);
json::Value describe(const Stage& stage);
json::Value describe(const TextMap& map);

}  // namespace sallyport::http_api
