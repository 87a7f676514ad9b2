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

Result<int> bound_socket(const std::string& host, int port, Listener::Port sharing) {
  sockaddr_storage address{};
  if (uv_ip4_addr(host.c_str(), port, reinterpret_cast<sockaddr_in*>(&address)) &&
      uv_ip6_addr(host.c_str(), port, reinterpret_cast<sockaddr_in6*>(&address)))
    return fail(cat("`", host, "` is not an IP address to listen on"));
  const int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(cat("cannot open a socket: ", std::strerror(errno)));
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (sharing == Listener::Port::shared) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
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

struct Range {
  std::uint32_t first;
  int bits;
};
// Source: RFC 6890 and IANA's special-purpose registry; multicast and the rest above it too.
constexpr Range special_v4[] = {{0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},  {0xa9fe0000, 16},
                                {0xac100000, 12}, {0xc0000000, 24}, {0xc0000200, 24}, {0xc0586300, 24}, {0xc0a80000, 16},
                                {0xc6120000, 15}, {0xc6336400, 24}, {0xcb007100, 24}, {0xe0000000, 3}};

bool is_public_v4(std::uint32_t address) {
  for (const auto& [first, bits] : special_v4)
    if ((address ^ first) >> (32 - bits) == 0) return false;
  return true;
}

std::uint32_t v4_at(const unsigned char* bytes) {
  return static_cast<std::uint32_t>(bytes[0]) << 24 | static_cast<std::uint32_t>(bytes[1]) << 16 |
         static_cast<std::uint32_t>(bytes[2]) << 8 | bytes[3];
}

bool is_public_v6(const unsigned char (&bytes)[16]) {
  static constexpr unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, nat64[12] = {0x00, 0x64, 0xff, 0x9b};
  if (!std::memcmp(bytes, mapped, 12)) return is_public_v4(v4_at(bytes + 12));
  if (!std::memcmp(bytes, nat64, 12)) return is_public_v4(v4_at(bytes + 12));
  if (bytes[0] == 0x20 && bytes[1] == 0x02) return is_public_v4(v4_at(bytes + 2));  // 6to4
  if (bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] < 0x02) return false;        // protocol assignments, Teredo
  if (bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] == 0x0d && bytes[3] == 0xb8) return false;
  return (bytes[0] & 0xe0) == 0x20;  // 2000::/3 is all that is given out; loopback, link-local and unique local are outside
}

bool is_public(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) return is_public_v4(ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr));
  if (address.ss_family == AF_INET6) return is_public_v6(reinterpret_cast<const sockaddr_in6&>(address).sin6_addr.s6_addr);
  return false;
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
                                                 std::move_only_function<void(std::unique_ptr<Stream>)> accepted, Port sharing) {
  auto fd = bound_socket(host, port, sharing);
  if (!fd) return std::unexpected(fd.error());
  auto listener = std::make_unique<UvListener>(loop, std::move(accepted));
  if (auto listening = listener->listen(*fd); !listening) {
    ::close(*fd);
    return std::unexpected(listening.error());
  }
  return listener;
}

Result<std::unique_ptr<Listener>> Listener::adopt(Loop& loop, int descriptor,
                                                  std::move_only_function<void(std::unique_ptr<Stream>)> accepted) {
  auto listener = std::make_unique<UvListener>(loop, std::move(accepted));
  if (auto listening = listener->listen(descriptor); !listening) {
    ::close(descriptor);
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

bool is_public_address(const std::string& address) {
  sockaddr_storage parsed{};
  if (uv_ip4_addr(address.c_str(), 0, reinterpret_cast<sockaddr_in*>(&parsed)) &&
      uv_ip6_addr(address.c_str(), 0, reinterpret_cast<sockaddr_in6*>(&parsed)))
    return false;
  return is_public(parsed);
}

Task<Result<std::unique_ptr<Stream>>> connect(Loop& loop, std::string host, int port, std::chrono::milliseconds timeout,
                                              Addresses addresses) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  const auto found = co_await resolve(loop, std::move(host), port, timeout);
  Result<std::unique_ptr<Stream>> last = fail(std::string("the name has no address"));
  // A name such as localhost may stand for addresses of which the server has only one.
  for (const auto& address : found) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0) break;
    if (addresses == Addresses::public_only && !is_public(address)) {
      last = fail(std::string("the address is not a public one"));
      continue;
    }
    last = co_await attempt(connect_to(loop, address, left));
    if (last) break;
  }
  co_return last;
}

}  // namespace sallyport::io
