// What the APIs of an execution environment answer, in AWS's shapes. For the files of this module alone.
#pragma once

#include <string>
#include <string_view>

#include "base/text.hpp"
#include "http/message.hpp"
#include "json/write.hpp"

namespace sallyport::runtime {

inline http::Response answer(int status, std::string body, std::string_view content_type = "application/json") {
  http::Response response;
  response.status = status;
  response.add("Content-Type", content_type);
  response.body = std::move(body);
  return response;
}

inline http::Response accepted() { return answer(202, "{\"status\":\"OK\"}\n"); }

inline http::Response refusal(int status, std::string_view type, std::string_view message) {
  std::string body;
  json::Writer(body).begin_object().key("errorMessage").string(message).key("errorType").string(type).end_object();
  return answer(status, body + "\n");
}

/// The value of a header, trimmed; empty when it is absent.
inline std::string_view header_of(const http::Request& request, std::string_view name) {
  const auto* value = request.find(name);
  return value ? trim(*value) : std::string_view();
}

}  // namespace sallyport::runtime
