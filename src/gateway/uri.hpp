// Integration URIs: Lambda invocation ARNs and http addresses, with stage variables in them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "gateway/state.hpp"

namespace sallyport::gateway {

/// `${stageVariables.x}` replaced; a variable that does not exist is the empty text.
std::string substitute_stage_variables(std::string_view text, const TextMap& variables);

struct HttpUri {
  std::string host;
  int port = 80;
  bool tls = false;
  std::string path;   // begins with `/`; `{name}` stands for a variable
  std::string query;  // without `?`
};
/// http and https, whose port is 443 unless the URI says another. Variables are allowed in the path alone: a client never chooses the host.
Result<HttpUri> parse_http_uri(std::string_view text);

}  // namespace sallyport::gateway
