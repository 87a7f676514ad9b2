// The event of a function URL: payload format 2.0. Source: Lambda developer guide, "Invoking function URLs", and recorded events.
#pragma once

#include <string>
#include <string_view>

#include "aws/caller.hpp"
#include "base/clock.hpp"
#include "http/message.hpp"

namespace sallyport::lambda {

/// All an event is made of. Views and pointers are the caller's.
struct UrlEventParts {
  const http::Request& request;
  std::string_view path;  // below the URL, as the client sent it, begins with `/`
  std::string_view body;
  std::string_view url_id;
  std::string_view domain_name;  // without port
  std::string_view peer_address;
  std::string_view account_id;  // of the function
  std::string_view request_id;
  std::string_view trace_id;
  WallTime at;
  const aws::Caller* caller = nullptr;  // AWS_IAM only
};

std::string make_url_event(const UrlEventParts& parts);

/// May a body of this media type stand in an event as text? No media type: if it is well-formed UTF-8.
bool is_text_body(const std::string_view* content_type, std::string_view body);

}  // namespace sallyport::lambda
