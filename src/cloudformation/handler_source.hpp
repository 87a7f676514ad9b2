// What a function's own source says about the event it reads: enough to notice mistakes, and silent where it cannot tell.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "cloudformation/node.hpp"
#include "lambda/state.hpp"

namespace sallyport::cloudformation {

namespace limits {
inline constexpr std::size_t source_bytes_max = 1u << 20;
inline constexpr std::size_t functions_followed_max = 20;
}  // namespace limits

/// Of a handler in Python or JavaScript, together with the functions of the same file it hands its whole event to.
struct HandlerSource {
  std::string path;  // absolute
  /// Members of the event that are read, and where first: `event["headers"]`, `event.get("headers")`, `event.headers`, `{ headers }`.
  std::map<std::string, Location, std::less<>> reads;
  bool names_token = false;      // `authorizationToken` stands somewhere in the file
  bool writes_resource = false;  // `Resource`: it builds policies
  /// A string with `*` in it, or an ARN taken apart: what it allows may be wider than the one method.
  bool widens = false;
};

/// Nothing for other runtimes, and where file or function is not found.
std::optional<HandlerSource> read_handler_source(const lambda::FunctionConfiguration& function);

}  // namespace sallyport::cloudformation
