// ProxyAnswer: what a Lambda function behind AWS_PROXY answers, checked.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "gateway/choices.hpp"
#include "http/message.hpp"

namespace sallyport::gateway {

struct ProxyAnswer {
  int status = 200;
  std::vector<http::Header> headers;  // multi values first, then single ones; names and values that may be sent
  std::string body;
  bool is_base64 = false;
};

/// The error is for people; to the client every one is 502. Any member but statusCode, headers, multiValueHeaders, body and
/// isBase64Encoded is an error. Source: API Gateway developer guide, "Output format of a Lambda function for proxy integration", and
/// recorded answers.
Result<ProxyAnswer> parse_proxy_answer(std::string_view payload, const Choices& choices);

}  // namespace sallyport::gateway
