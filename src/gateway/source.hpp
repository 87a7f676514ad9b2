// Source: a value that identity sources, parameter mappings, gateway responses and templates can name, e.g. `method.request.header.X`,
// `context.identity.sourceIp`, `stageVariables.v` or `'text'`. Compiled once, read for every request.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "gateway/state.hpp"

namespace sallyport::gateway {

struct Exchange;

/// A member of `$context`. Source: API Gateway developer guide, "$context variables".
enum class ContextField : std::uint8_t {
  account_id,
  api_id,
  api_key,
  api_key_id,
  authorizer_value,  // with a key: `context.authorizer.<key>`
  caller_access_key,
  caller_account_id,
  caller_arn,
  caller_id,
  client_issuer,  // of a certificate that mutual TLS verified, as the next five
  client_not_after,
  client_not_before,
  client_pem,
  client_serial,
  client_subject,
  deployment_id,
  domain_name,
  domain_prefix,
  error_message,
  error_message_string,
  error_response_type,
  error_validation,
  extended_request_id,
  http_method,
  path,
  protocol,
  request_id,
  request_time,
  request_time_epoch,
  resource_id,
  resource_path,
  source_ip,
  stage,
  user_agent,
  unset,  // documented, and never set for what this version serves: identity.caller, wafResponseCode, ...
};

struct Source {
  enum class Kind : std::uint8_t {
    text,
    nothing,  // a stage variable that does not exist
    context,
    header,
    multi_header,
    query,
    multi_query,
    path,
  };
  Kind kind = Kind::text;
  ContextField field = ContextField::unset;
  std::string name;  // the text itself, or the parameter's or authorizer key's name
};

/// `'text'`, `context.X`, `stageVariables.X`, `method.request.{header,querystring,path,multivalueheader,multivaluequerystring}.X`.
/// Stage variables are replaced at once. The error says what is not understood.
Result<Source> parse_source(std::string_view text, const TextMap& variables);
/// What follows `context.`. Nothing when AWS documents no such variable.
std::optional<Source> parse_context(std::string_view name);

/// The value for this request, or nothing when it is absent. `refusal` gives `context.error.*` its values.
std::optional<std::string> resolve(const Source& source, const Exchange& exchange, const Refusal* refusal = nullptr);

/// The member of `$context` of that name for mapping templates: `requestId`, or `identity` and `authorizer` with their members. Null when
/// there is nothing.
json::Value context_member(std::string_view name, const Exchange& exchange);

/// The refusal's message: its own, or its type's. Nothing is JSON's null.
std::optional<std::string_view> message_of(const Refusal& refusal);

}  // namespace sallyport::gateway
