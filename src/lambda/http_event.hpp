// Payload format 2.0: what a function gets of an HTTP request, from function URLs and from HTTP APIs.
// Source: Lambda developer guide, "Invoking function URLs"; API Gateway developer guide, "Lambda proxy integrations for HTTP APIs";
// recorded events.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "aws/caller.hpp"
#include "base/clock.hpp"
#include "http/message.hpp"
#include "json/write.hpp"

namespace sallyport::lambda {

/// All an event is made of. Views and pointers are the caller's.
struct HttpEventParts {
  const http::Request& request;         // method, protocol and host are read from it
  std::span<const http::Field> fields;  // the headers; the request's own where nothing changed them
  std::string_view path;                // as the client sent it, begins with `/`
  std::string_view query;               // without `?`, not decoded
  std::string_view body;
  std::string_view account_id, api_id, domain_name, domain_prefix;  // domain names without port
  std::string_view route_key = "$default", stage = "$default";
  std::string_view peer_address, request_id, trace_id;
  WallTime at;
  std::string_view authentication = {};  // JSON text of the client's certificate; empty: the member is left out
  std::string_view authorizer = {};      // JSON text; empty: the member is left out
  std::span<const std::pair<std::string_view, std::string_view>> path_parameters = {};  // left out when there are none
  const std::map<std::string, std::string, std::less<>>* stage_variables = nullptr;     // the same
  std::string_view scheme = "http";
  bool names_length = false;      // HTTP APIs say Content-Length, and 0 where the client said nothing
  bool forms_are_binary = false;  // application/x-www-form-urlencoded arrives in base64, as HTTP APIs have it
  bool keeps_signature = false;   // an Authorization header with an AWS signature: authorizers see it, integrations do not
};

std::string make_http_event(const HttpEventParts& parts);

/// The members from `routeKey` to `stageVariables`, which an HTTP API's authorizers get as well.
void write_http_request(json::Writer& json, const HttpEventParts& parts);

/// `{"iam": {...}}`, as `authorizer` has it for a caller IAM has authenticated.
std::string describe_iam_caller(const aws::Caller& caller);

/// May a body of this media type stand in an event as text? No media type: if it is well-formed UTF-8.
bool is_text_body(const std::string_view* content_type, std::string_view body);

/// The same for the body of an event, where bytes that are no UTF-8 cannot stand as text whatever their type says.
bool is_text_event_body(const std::string_view* content_type, std::string_view body, bool forms_are_binary);

}  // namespace sallyport::lambda
