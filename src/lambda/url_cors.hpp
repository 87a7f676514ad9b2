// CORS of function URLs: the service answers preflights by itself and writes its own headers over the function's.
#pragma once

#include <vector>

#include "http/message.hpp"
#include "lambda/url_config.hpp"

namespace sallyport::lambda {

/// Is it a preflight: OPTIONS with Origin and Access-Control-Request-Method?
bool is_preflight(const http::Request& request);

/// The answer to a preflight. Neither authorizes nor runs anything. An origin or method the configuration does not name gets no headers,
/// which a browser takes for a no.
http::Response answer_preflight(const UrlCors& cors, const http::Request& request);

/// Sets the configured headers on any other answer; what the function wrote under these names goes.
void apply_cors(const UrlCors& cors, const http::Request& request, http::Response& response);

}  // namespace sallyport::lambda
