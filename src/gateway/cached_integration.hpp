// Integrations whose answers a stage keeps: looked for first, called where there is none.
#pragma once

#include "base/result.hpp"
#include "base/task.hpp"
#include "gateway/authorized.hpp"
#include "gateway/services.hpp"
#include "http/message.hpp"
#include "io/loop.hpp"
#include "serve/server.hpp"

namespace sallyport::gateway {

/// `call_integration`, past which a kept answer goes. A client that sends `Cache-Control: max-age=0` gets a new answer, which replaces the
/// kept one, when it may: where the stage asks for it, IAM must allow execute-api:InvalidateCache. Source: API Gateway developer guide,
/// "Cache settings for REST APIs". Everything passed must outlive the task.
Task<Result<http::Response, Refusal>> call_cached_integration(const Services& services, io::Loop& loop, const Authorized& authorized,
                                                              serve::BodyReader& body);

}  // namespace sallyport::gateway
