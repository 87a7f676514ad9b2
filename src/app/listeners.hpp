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
}  // namespace limits

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

  /// As many loops as the settings say, or processors there are.
  Result<> make_loops();
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
  Result<> listen_with_tls();
  Result<> listen_for_control();

  const Config& config_;
  const Clock& clock_;
  Certificates& certificates_;
  const Doors doors_;
  std::deque<Room> rooms_;
  std::vector<std::thread> threads_;
  int port_ = 0, tls_port_ = 0, control_port_ = 0;
};

/// How many processors this process may use.
int processors();

}  // namespace sallyport::app
