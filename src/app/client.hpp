// What the commands that ask a running server have in common.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "http/message.hpp"
#include "json/value.hpp"
#include "serve/client.hpp"

namespace sallyport::app {

struct Endpoint {
  std::string host;
  int port = 80;
  std::string authority() const;  // host:port
};
/// http://HOST:PORT
Endpoint parse_endpoint(std::string_view url);

inline constexpr std::chrono::seconds usual_patience{5};

/// One request, on a loop of its own. The error is a sentence for people.
Result<http::Response> ask(serve::OutgoingRequest request, std::chrono::seconds patience = usual_patience);

/// Asks a local path of the server and gives its JSON; an answer other than 200 is the error it tells.
Result<json::Value> ask_admin(const Endpoint& endpoint, std::string target, std::string method = "GET",
                              std::chrono::seconds patience = usual_patience);

/// JSON as an outline: a name and its value on a line, what is inside indented, a dash for each element of a list.
void outline(std::string& out, const json::Value& value, int indent);

}  // namespace sallyport::app
