// Listeners: the event loops, and what each of them listens with: for everybody, for AWS's APIs, with TLS, and inside sandboxes.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "app/certificates.hpp"
#include "app/config.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "io/loop.hpp"
#include "io/stream.hpp"
#include "sandbox/sandbox.hpp"
#include "serve/server.hpp"

namespace sallyport::app {

namespace limits {
inline constexpr std::size_t connections_of_sandbox_max = 128;  // to the AWS APIs, from inside one sandbox
// Descriptors, all in all: the store, logs, listeners, loops and the reserve's interpreters; and of one environment, channels, control
// group, pipes, listeners and the output of extensions (its connections come on top).
inline constexpr std::size_t own_descriptors = 256, descriptors_of_environment = 26;
inline constexpr std::size_t few_connections = 1'024;  // less is worth a warning
}  // namespace limits

/// How many connections are taken at the same time, over all loops.
struct ConnectionsMax {
  std::size_t front = 0, control = 0;
};
/// What `descriptors` suffice for when each of `environments` uses all it may. Connections have a quarter of them in any case; where the
/// AWS APIs have a listener of their own, it has an eighth of the connections.
ConnectionsMax connections_max(std::size_t descriptors, std::size_t environments, sandbox::Network network, bool control);

/// Lives on the main thread, whose loop is the first one. What is not said to be for any loop is for that thread.
class Listeners {
 public:
  /// Everything must outlive this object.
  struct Doors {
    serve::Handler& front;
    serve::Handler* control;  // null: AWS's APIs have no listener of their own
    serve::Handler& inside;
  };
  Listeners(const Config& config, const Clock& clock, Certificates& certificates, const Doors& doors)
      : config_(config), clock_(clock), certificates_(certificates), doors_(doors) {}

  /// As many loops as the settings say, or processors there are. Raises the limit of open files as far as it goes.
  Result<> make_loops(std::size_t environments, sandbox::Network network);
  ConnectionsMax connections_max() const { return connections_max_; }
  std::vector<io::Loop*> loops();
  io::Loop& main_loop() { return *rooms_.front().loop; }
  /// Fails when another server has the ports: with a port shared among our loops the kernel would not notice.
  Result<> probe() const;
  Result<> listen();
  int port() const { return port_; }
  int tls_port() const { return tls_port_; }          // 0: none
  int control_port() const { return control_port_; }  // 0: none of its own

  /// Serves what a sandbox connects to as a door of its own, on any loop, which it is called on and the handle is destroyed on.
  std::shared_ptr<void> serve_inside(io::Loop& loop, sandbox::Fd listener);

  /// Runs all loops until `stop`.
  void run();
  /// From any loop.
  void stop();
  /// Takes no more connections, finishes what is in flight within `patience`, and calls `drained` on the main loop.
  void drain(std::chrono::milliseconds patience, std::move_only_function<void()> drained);
  /// Calls `idle` on the main loop when no loop has a task left.
  void when_idle(std::move_only_function<void()> idle);
  /// After `run`: connections are gone.
  void close();

 private:
  struct Room {
    std::unique_ptr<io::Loop> loop;
    std::unique_ptr<serve::Server> server, control_server;
    std::unique_ptr<io::Listener> listener, tls_listener, control_listener;
  };
  /// Calls `done` on the main loop when it was called once for each loop.
  std::function<void()> once_for_each(std::move_only_function<void()> done, std::size_t times = 1);
  io::Listener::Port sharing() const;
  Result<> listen_with_tls();
  Result<> listen_for_control();

  const Config& config_;
  const Clock& clock_;
  Certificates& certificates_;
  const Doors doors_;
  ConnectionsMax connections_max_;
  std::deque<Room> rooms_;
  std::vector<std::thread> threads_;
  int port_ = 0, tls_port_ = 0, control_port_ = 0;
};

/// How many processors this process may use.
int processors();

}  // namespace sallyport::app
