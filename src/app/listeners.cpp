#include "app/listeners.hpp"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "runtime/spec.hpp"

namespace sallyport::app {
namespace {

constexpr int control_port_default = 4567;
constexpr std::size_t descriptors_max = 1u << 20;

std::size_t raise_descriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return std::min<std::size_t>(limit.rlim_cur, descriptors_max);
}

/// The AWS APIs inside one sandbox. Lives on one loop.
class InsideDoor {
 public:
  InsideDoor(io::Loop& loop, const Clock& clock, serve::Handler& handler)
      : loop_(loop), server_(std::make_shared<serve::Server>(loop, clock, handler, limits::connections_of_sandbox_max)) {}
  // What the sandbox has asked for goes on without it; its connections are gone already.
  ~InsideDoor() {
    listener_.reset();
    auto& server = *server_;
    server.shut_down(std::chrono::milliseconds(0), [loop = &loop_, kept = server_]() mutable { loop->post([last = std::move(kept)] {}); });
  }
  bool listen(sandbox::Fd descriptor) {
    auto listener = io::Listener::adopt(
        loop_, descriptor.release(), [server = server_.get()](std::unique_ptr<io::Stream> stream) { server->accept(std::move(stream)); });
    if (listener) listener_ = std::move(*listener);
    return listener.has_value();
  }

 private:
  io::Loop& loop_;
  std::shared_ptr<serve::Server> server_;
  std::unique_ptr<io::Listener> listener_;
};

auto accept_with(serve::Server& server) {
  return [&server](std::unique_ptr<io::Stream> stream) { server.accept(std::move(stream)); };
}

}  // namespace

int processors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set)) return 1;
  return std::max(1, CPU_COUNT(&set));
}

ConnectionsMax connections_max(std::size_t descriptors, std::size_t environments, sandbox::Network network, bool control) {
  const std::size_t inside = network == sandbox::Network::isolated ? limits::connections_of_sandbox_max : 0;
  const auto used =
      limits::own_descriptors + environments * (limits::descriptors_of_environment + runtime::limits::api_connections_max + inside);
  const auto all = std::max(descriptors - std::min(used, descriptors), descriptors / 4);
  const auto of_control = control ? all / 8 : 0;
  return {all - of_control, of_control};
}

Result<> Listeners::make_loops(std::size_t environments, sandbox::Network network) {
  const int count = config_.loops ? config_.loops : processors();
  connections_max_ = app::connections_max(raise_descriptors(), environments, network, doors_.control != nullptr);
  const auto of_one = [count](std::size_t connections) { return std::max<std::size_t>(1, connections / static_cast<std::size_t>(count)); };
  for (int i = 0; i < count; ++i) {
    auto loop = io::Loop::make();
    if (!loop) return std::unexpected(loop.error());
    auto& room = rooms_.emplace_back();
    room.loop = std::move(*loop);
    room.server = std::make_unique<serve::Server>(*room.loop, clock_, doors_.front, of_one(connections_max_.front));
    if (doors_.control)
      room.control_server = std::make_unique<serve::Server>(*room.loop, clock_, *doors_.control, of_one(connections_max_.control));
  }
  return {};
}

std::vector<io::Loop*> Listeners::loops() {
  std::vector<io::Loop*> out;
  for (auto& room : rooms_) out.push_back(room.loop.get());
  return out;
}

Result<> Listeners::probe() const {
  for (const auto port : {config_.port, config_.tls_port.value_or(0)})
    if (port)
      if (auto free = io::Listener::check_free(config_.host, port); !free) return free;
  return {};
}

io::Listener::Port Listeners::sharing() const { return rooms_.size() > 1 ? io::Listener::Port::shared : io::Listener::Port::exclusive; }

Result<> Listeners::listen() {
  port_ = config_.port;
  for (auto& room : rooms_) {
    auto listener = io::Listener::open(*room.loop, config_.host, port_, accept_with(*room.server), sharing());
    if (!listener) return std::unexpected(listener.error());
    room.listener = std::move(*listener);
    port_ = room.listener->port();
  }
  if (auto secure = listen_with_tls(); !secure) return secure;
  return listen_for_control();
}

Result<> Listeners::listen_with_tls() {
  if (!config_.tls_port) return {};
  tls_port_ = *config_.tls_port;
  for (auto& room : rooms_) {
    auto listener = io::Listener::open(
        *room.loop, config_.host, tls_port_,
        [this, server = room.server.get()](std::unique_ptr<io::Stream> stream) {
          // Never in plain text here, whatever happens to the certificates.
          if (auto contexts = certificates_.pin()) server->accept(std::move(stream), std::move(contexts));
        },
        sharing());
    if (!listener) return std::unexpected(listener.error());
    room.tls_listener = std::move(*listener);
    tls_port_ = room.tls_listener->port();
  }
  return {};
}

Result<> Listeners::listen_for_control() {
  if (!doors_.control) return {};
  const auto address = config_.control_listen.value_or(ListenAddress{"127.0.0.1", control_port_default});
  control_port_ = address.port;
  for (auto& room : rooms_) {
    auto listener = io::Listener::open(*room.loop, address.host, control_port_, accept_with(*room.control_server), sharing());
    if (!listener) return std::unexpected(listener.error());
    room.control_listener = std::move(*listener);
    control_port_ = room.control_listener->port();
  }
  return {};
}

std::shared_ptr<void> Listeners::serve_inside(io::Loop& loop, sandbox::Fd listener) {
  auto door = std::make_shared<InsideDoor>(loop, clock_, doors_.inside);
  return door->listen(std::move(listener)) ? std::shared_ptr<void>(std::move(door)) : nullptr;
}

void Listeners::run() {
  for (std::size_t i = 1; i < rooms_.size(); ++i) threads_.emplace_back([this, i] { rooms_[i].loop->run(); });
  main_loop().run();
  for (auto& thread : threads_) thread.join();
}

void Listeners::stop() {
  for (auto& room : rooms_) room.loop->stop();
}

std::function<void()> Listeners::once_for_each(std::move_only_function<void()> done, std::size_t times) {
  struct Count {
    std::size_t left;
    std::move_only_function<void()> done;
  };
  auto count = std::make_shared<Count>(rooms_.size() * times, std::move(done));
  return [this, count] {
    main_loop().post([count] {
      if (--count->left == 0) count->done();
    });
  };
}

void Listeners::drain(std::chrono::milliseconds patience, std::move_only_function<void()> drained) {
  const bool two_doors = !rooms_.empty() && rooms_.front().control_server;
  const auto one_drained = once_for_each(std::move(drained), two_doors ? 2 : 1);
  for (auto& room : rooms_)
    room.loop->post([&room, patience, one_drained] {
      room.listener.reset();
      room.tls_listener.reset();
      room.control_listener.reset();
      if (room.control_server) room.control_server->shut_down(patience, one_drained);
      room.server->shut_down(patience, one_drained);
    });
}

void Listeners::when_idle(std::move_only_function<void()> idle) {
  const auto one_idle = once_for_each(std::move(idle));
  for (auto& room : rooms_) room.loop->post([&room, one_idle] { room.loop->scope().when_empty(one_idle); });
}

void Listeners::close() {
  for (auto& room : rooms_) room.server.reset(), room.control_server.reset();
}

}  // namespace sallyport::app
