// Integrations: what stands behind a method. The inner door: it opens for an Authorized value only.
#pragma once

#include "base/result.hpp"
#include "base/task.hpp"
#include "gateway/authorized.hpp"
#include "gateway/services.hpp"
#include "http/message.hpp"
#include "io/loop.hpp"
#include "serve/server.hpp"

namespace sallyport::gateway {

/// Calls the integration of the method `authorized` was made for and gives its response as the client gets it, without the headers every
/// answer carries. Reads the body only where the integration needs it. Everything passed must outlive the task.
Task<Result<http::Response, Refusal>> call_integration(const Services& services, io::Loop& loop, const Authorized& authorized,
                                                       serve::BodyReader& body);

}  // namespace sallyport::gateway
