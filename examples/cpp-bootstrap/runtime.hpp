// A Lambda runtime client in one header: takes events from the Runtime API, hands them to a function, sends back what it returns.
// No library beyond the standard one and POSIX sockets. https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <exception>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

namespace lambda {

struct Event {
  std::string payload;     // JSON text
  std::string request_id;  // of this invocation
  std::string function_arn;
  long long deadline_ms = 0;  // since the epoch
};

namespace detail {

struct Reply {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

// One connection to the Runtime API, opened again when the other side has closed it.
class Client {
 public:
  Client() {
    const char* api = std::getenv("AWS_LAMBDA_RUNTIME_API");
    if (!api) throw std::runtime_error("AWS_LAMBDA_RUNTIME_API is not set: this program runs as a Lambda function");
    address_ = api;
  }
  ~Client() { disconnect(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Reply call(std::string_view method, const std::string& path, std::string_view body = {}, const std::string& headers = {}) {
    if (socket_ < 0) connect();
    std::string request(method);
    request += " /2018-06-01/runtime/" + path + " HTTP/1.1\r\nHost: " + address_ + "\r\n" + headers;
    if (method == "POST") request += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    request += "\r\n";
    request += body;
    for (std::string_view rest = request; !rest.empty();) {
      const auto sent = send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent <= 0) throw std::runtime_error("the Runtime API is gone");
      rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    return read_reply();
  }

 private:
  void connect() {
    const auto colon = address_.rfind(':');
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(static_cast<unsigned short>(std::atoi(address_.c_str() + colon + 1)));
    if (inet_pton(AF_INET, address_.substr(0, colon).c_str(), &where.sin_addr) != 1) throw std::runtime_error("no such address: " + address_);
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool good = socket_ >= 0 && ::connect(socket_, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0;
    if (!good) throw std::runtime_error("cannot connect to " + address_);
  }
  void disconnect() {
    if (socket_ >= 0) close(socket_);
    socket_ = -1;
    read_.clear();
  }
  void read_more() {
    char buffer[64 * 1024];
    const auto count = recv(socket_, buffer, sizeof buffer, 0);
    if (count <= 0) throw std::runtime_error("the Runtime API is gone");
    read_.append(buffer, static_cast<std::size_t>(count));
  }
  Reply read_reply() {
    std::size_t end;
    while ((end = read_.find("\r\n\r\n")) == std::string::npos) read_more();
    Reply reply;
    std::string_view head(read_.data(), end);
    reply.status = std::atoi(std::string(head.substr(head.find(' ') + 1, 3)).c_str());
    for (auto at = head.find("\r\n"); at != std::string_view::npos;) {
      const auto start = at + 2;
      at = head.find("\r\n", start);
      const auto line = head.substr(start, at - start);
      const auto colon = line.find(':');
      if (colon == std::string_view::npos) continue;
      std::string name(line.substr(0, colon));
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      auto value = line.substr(colon + 1);
      value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
      reply.headers[name] = value;
    }
    const auto size = static_cast<std::size_t>(std::atoll(reply.headers["content-length"].c_str()));
    while (read_.size() < end + 4 + size) read_more();
    reply.body = read_.substr(end + 4, size);
    read_.erase(0, end + 4 + size);
    if (reply.headers["connection"] == "close") disconnect();
    return reply;
  }

  std::string address_, read_;
  int socket_ = -1;
};

inline std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const unsigned char c : text) {
    constexpr const char* digits = "0123456789abcdef";
    if (c == '"' || c == '\\')
      out += {'\\', static_cast<char>(c)};
    else if (c < 0x20)
      out += {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    else
      out += static_cast<char>(c);
  }
  return out + '"';
}

}  // namespace detail

/// Runs `handler` for each event until the environment ends. What it returns is JSON text; what it throws becomes an error of the function.
inline void run(const std::function<std::string(const Event&)>& handler) {
  detail::Client api;
  for (;;) {
    auto next = api.call("GET", "invocation/next");
    if (next.status != 200) throw std::runtime_error("no next event: status " + std::to_string(next.status));
    const Event event{std::move(next.body), next.headers["lambda-runtime-aws-request-id"], next.headers["lambda-runtime-invoked-function-arn"],
                      std::atoll(next.headers["lambda-runtime-deadline-ms"].c_str())};
    if (const auto& trace = next.headers["lambda-runtime-trace-id"]; !trace.empty())
      setenv("_X_AMZN_TRACE_ID", trace.c_str(), 1);
    else
      unsetenv("_X_AMZN_TRACE_ID");
    const auto path = "invocation/" + event.request_id;
    try {
      api.call("POST", path + "/response", handler(event));
    } catch (const std::invalid_argument& error) {
      const auto body = "{\"errorMessage\":" + detail::quoted(error.what()) + ",\"errorType\":\"InvalidArgument\"}";
      api.call("POST", path + "/error", body, "Lambda-Runtime-Function-Error-Type: Function.InvalidArgument\r\n");
    }
  }
}

}  // namespace lambda
