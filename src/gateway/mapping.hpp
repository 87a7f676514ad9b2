// Mapping: what integrations that are no proxy make of requests, and of their backend's answers. MOCK and AWS.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "gateway/exchange.hpp"
#include "gateway/stage.hpp"
#include "http/message.hpp"
#include "vtl/template.hpp"

namespace sallyport::gateway {

/// The template for the request's content type; null when the body goes on as it is. An error when that is not allowed.
/// Source: API Gateway developer guide, "Integration passthrough behaviors".
Result<const vtl::Template*, Refusal> pick_request_template(const RequestMapping& mapping, const Exchange& exchange);

struct MappedRequest {
  std::string body;
  vtl::Overrides overrides = {};  // what the template set
};
/// The body for the backend, turned between text and binary first where the integration says so. An error too when the template cannot be
/// rendered: 500.
Result<MappedRequest, Refusal> map_request(const RequestMapping& mapping, const Exchange& exchange, std::string body);

/// The first response whose pattern is all of `selector`, else the default; null when there is none. The first is the one of the lowest
/// status.
const ResponseMapping* select_response(const std::vector<ResponseMapping>& responses, std::string_view selector);

/// The answer the client gets, turned between text and binary as the response says, or as its own type and the client's Accept ask for.
/// Source: API Gateway developer guide, "Content type conversions in API Gateway".
///  `overrides`: what the request's template set, which the response's may go on with. An error when the method
/// has no response of that status, or the template cannot be rendered.
Result<http::Response, Refusal> map_answer(const ResponseMapping& mapping, const Exchange& exchange, BackendAnswer answer,
                                           vtl::Overrides overrides);

/// 500, with the reason for the log as AWS has it there: `Execution failed due to configuration error: ...`.
Refusal configuration_error(std::string_view why);

}  // namespace sallyport::gateway
