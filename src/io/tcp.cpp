#include <uv.h>

#include "io/uv_stream.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "base/text.hpp"
#include "io/completion.hpp"

namespace sallyport::io {
namespace {

enum class Port { shared, exclusive };

Result<int> bound_socket(const std::string& host, int port, Port sharing) {
  sockaddr_storage address{};
  if (uv_ip4_addr(host.c_str(), port, reinterpret_cast<sockaddr_in*>(&address)) &&
      uv_ip6_addr(host.c_str(), port, reinterpret_cast<sockaddr_in6*>(&address)))
    return fail(cat("`", host, "` is not an IP address to listen on"));
  const int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(cat("cannot open a socket: ", std::strerror(errno)));
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (sharing == Port::shared) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  const socklen_t size = address.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size)) {
    const auto error = fail(cat("cannot listen on ", host, ":", port, ": ", std::strerror(errno)));
    ::close(fd);
    return error;
  }
  return fd;
}

class UvListener final : public Listener {
 public:
  struct Handle {
    uv_tcp_t tcp;
    UvListener* owner;
  };
  UvListener(Loop& loop, std::move_only_function<void(std::unique_ptr<Stream>)> accepted)
      : loop_(loop), accepted_(std::move(accepted)), handle_(new Handle{{}, this}) {
    uv_tcp_init(loop.raw(), &handle_->tcp);
    handle_->tcp.data = handle_;
  }
  ~UvListener() override {
    handle_->owner = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&handle_->tcp), [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
  }
  int port() const override { return port_; }

  Result<> listen(int fd) {
    int error = uv_tcp_open(&handle_->tcp, fd);
    if (!error) error = uv_listen(reinterpret_cast<uv_stream_t*>(&handle_->tcp), 1024, on_connection);
    if (error) return fail(cat("cannot listen: ", uv_strerror(error)));
    sockaddr_storage address{};
    int size = sizeof address;
    uv_tcp_getsockname(&handle_->tcp, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&address)->sin6_port
                                                : reinterpret_cast<sockaddr_in*>(&address)->sin_port);
    return {};
  }

 private:
  static void on_connection(uv_stream_t* server, int status) {
    auto* self = static_cast<Handle*>(server->data)->owner;
    if (status || !self) return;
    auto stream = std::make_unique<UvStream>(self->loop_);
    uv_tcp_init(self->loop_.raw(), &stream->handle().tcp);
    if (uv_accept(server, &stream->handle().stream)) return;
    uv_tcp_nodelay(&stream->handle().tcp, 1);
    stream->learn_peer();
    stream->start();
    self->accepted_(std::move(stream));
  }

  Loop& loop_;
  std::move_only_function<void(std::unique_ptr<Stream>)> accepted_;
  Handle* handle_;
  int port_ = 0;
};

struct Connecting {
  uv_connect_t request{};
  Completion<int> connected;
};

/// Every address of the name, in the resolver's order.
Task<Result<std::vector<sockaddr_storage>>> resolve(Loop& loop, std::string host, int port, std::chrono::milliseconds timeout) {
  using Addresses = Result<std::vector<sockaddr_storage>>;
  struct Lookup {
    uv_getaddrinfo_t request{};
    Completion<Addresses> found;
  };
  auto* lookup = new Lookup;
  auto found = lookup->found;
  lookup->request.data = lookup;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  const int error = uv_getaddrinfo(
      loop.raw(), &lookup->request,
      [](uv_getaddrinfo_t* request, int status, addrinfo* addresses) {
        std::unique_ptr<Lookup> done(static_cast<Lookup*>(request->data));
        if (status) {
          done->found.deliver(fail(std::string(uv_strerror(status))));
          return;
        }
        std::vector<sockaddr_storage> all;
        for (const auto* each = addresses; each; each = each->ai_next)
          if (each->ai_family == AF_INET || each->ai_family == AF_INET6) std::memcpy(&all.emplace_back(), each->ai_addr, each->ai_addrlen);
        uv_freeaddrinfo(addresses);
        done->found.deliver(std::move(all));
      },
      host.c_str(), std::to_string(port).c_str(), &hints);
  if (error) {
    delete lookup;
    co_return fail(std::string(uv_strerror(error)));
  }
  Deadline deadline(loop, timeout, [found]() mutable { found.deliver(fail(std::string("the name was not resolved in time"))); });
  // Two steps: a Result that is awaited inside a task of a Result would leave it.
  auto waiting = found.wait_on(loop);
  co_return co_await waiting;
}

Task<Result<std::unique_ptr<Stream>>> connect_to(Loop& loop, sockaddr_storage address, std::chrono::milliseconds timeout) {
  auto stream = std::make_unique<UvStream>(loop);
  uv_tcp_init(loop.raw(), &stream->handle().tcp);
  auto* connecting = new Connecting;
  auto connected = connecting->connected;
  connecting->request.data = connecting;
  const int error = uv_tcp_connect(&connecting->request, &stream->handle().tcp, reinterpret_cast<sockaddr*>(&address),
                                   [](uv_connect_t* request, int status) {
                                     std::unique_ptr<Connecting> done(static_cast<Connecting*>(request->data));
                                     done->connected.deliver(status);
                                   });
  if (error) {
    delete connecting;
    co_return fail(std::string(uv_strerror(error)));
  }
  Deadline deadline(loop, timeout, [connected]() mutable { connected.deliver(UV_ETIMEDOUT); });
  const int status = co_await connected.wait_on(loop);
  if (status) co_return fail(std::string(uv_strerror(status)));
  uv_tcp_nodelay(&stream->handle().tcp, 1);
  stream->learn_peer();
  stream->start();
  co_return std::unique_ptr<Stream>(std::move(stream));
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(Loop& loop, const std::string& host, int port,
                                                 std::move_only_function<void(std::unique_ptr<Stream>)> accepted) {
  auto fd = bound_socket(host, port, Port::shared);
  if (!fd) return std::unexpected(fd.error());
  auto listener = std::make_unique<UvListener>(loop, std::move(accepted));
  if (auto listening = listener->listen(*fd); !listening) {
    ::close(*fd);
    return std::unexpected(listening.error());
  }
  return listener;
}

Result<> Listener::check_free(const std::string& host, int port) {
  auto fd = bound_socket(host, port, Port::exclusive);
  if (!fd) return std::unexpected(fd.error());
  ::close(*fd);
  return {};
}

Task<Result<std::unique_ptr<Stream>>> connect(Loop& loop, std::string host, int port, std::chrono::milliseconds timeout) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  const auto addresses = co_await resolve(loop, std::move(host), port, timeout);
  Result<std::unique_ptr<Stream>> last = fail(std::string("the name has no address"));
  // A name such as localhost may stand for addresses of which the server has only one.
  for (const auto& address : addresses) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0) break;
    last = co_await attempt(connect_to(loop, address, left));
    if (last) break;
  }
  co_return last;
}

}  // namespace sallyport::io
