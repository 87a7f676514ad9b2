// Greeting: what a server says of itself and of what it serves: addresses, routes with curl lines, keys. For people as text, for programs
// as JSON lines.
#pragma once

#include <string>

#include "app/config.hpp"
#include "app/console.hpp"
#include "app/sandboxing.hpp"
#include "cloudformation/load.hpp"
#include "iam/directory.hpp"
#include "json/value.hpp"

namespace sallyport::app {

/// The ports listened on; 0: not listened.
struct Ports {
  int front = 0, tls = 0, control = 0;
};

class Greeting {
 public:
  /// Both must outlive this object.
  Greeting(const Config& config, Console& console) : config_(config), console_(console) {}

  void set_ports(const Ports& ports) { ports_ = ports; }
  /// HOST:PORT of the front door.
  std::string origin() const { return origin_at(ports_.front); }
  /// The lines of a start.
  void start(const Sandboxing& sandboxing) const;
  /// A root key is shown once, when it is made; what a log keeps of it is up to whoever keeps the log.
  void root_key(const iam::RootKey& key) const;
  /// Routes, function URLs, outputs of a stack.
  void stack(const cloudformation::Stack& stack) const;
  /// The table of routes, those nobody looks for last.
  json::Value routes(const cloudformation::Stack& stack) const;

 private:
  std::string origin_at(int port) const;
  std::string path_url(const cloudformation::Route& route) const;
  std::string host_url(const cloudformation::Route& route) const;
  void show(const cloudformation::Route& route) const;
  void show(const cloudformation::Url& url) const;
  json::Value describe_route(const cloudformation::Route& route) const;

  const Config& config_;
  Console& console_;
  Ports ports_;
};

}  // namespace sallyport::app
