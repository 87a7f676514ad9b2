// Integrations: what stands behind a route. The inner door: it opens for an Authorized value only.
#pragma once

#include "base/result.hpp"
#include "base/task.hpp"
#include "http/message.hpp"
#include "http_api/authorized.hpp"
#include "http_api/services.hpp"
#include "io/loop.hpp"
#include "serve/server.hpp"

namespace sallyport::http_api {

/// Calls the integration of the route `authorized` was made for and gives its response as the client gets it, mappings done, without the
/// headers every answer carries. Everything passed must outlive the task.
Task<Result<http::Response, Refusal>> call_integration(const Services& services, io::Loop& loop, const Authorized& authorized,
                                                       serve::BodyReader& body);

}  // namespace sallyport::http_api
