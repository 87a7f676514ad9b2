#include "sandbox/channel.hpp"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstring>

#include "base/text.hpp"

namespace sallyport::sandbox {

using protocol::Answer;
using protocol::Received;

Result<Reply, CallFault> Channel::call(protocol::Request request, std::span<const std::string> strings, std::span<const int> descriptors,
                                       std::chrono::milliseconds patience) {
  const std::lock_guard lock(mutex_);
  request.sequence = ++sequence_;
  const auto message = protocol::pack(request, strings);
  if (!message) return fail(CallFault{{}, message.error().message});
  if (const int error = protocol::send_bytes(socket_.get(), *message, descriptors, false))
    return fail(broken(cat("it cannot be reached: ", std::strerror(error))));
  return await(request.sequence, patience);
}

Result<Reply, CallFault> Channel::wait(std::chrono::milliseconds patience) {
  const std::lock_guard lock(mutex_);
  return await(0, patience);
}

Result<Reply, CallFault> Channel::await(std::uint32_t sequence, std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    char buffer[sizeof(Answer)];
    auto received = protocol::receive_bytes(socket_.get(), buffer);
    if (received.state == Received::State::end) return fail(broken("it has ended"));
    if (received.state == Received::State::nothing) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
      if (left.count() <= 0) return fail(broken("it does not answer"));
      pollfd ready{socket_.get(), POLLIN, 0};
      poll(&ready, 1, static_cast<int>(left.count()));
      continue;
    }
    Answer answer;
    if (received.size != sizeof answer) return fail(broken("it does not keep to the protocol"));
    std::memcpy(&answer, buffer, sizeof answer);
    if (answer.kind != protocol::Kind::answer || answer.sequence != sequence) return fail(broken("it does not keep to the protocol"));
    if (answer.trouble) return fail(CallFault{answer.trouble, describe(answer.trouble)});
    return Reply{answer.value, std::move(received.descriptors)};
  }
}

CallFault Channel::broken(std::string text) {
  shut();
  return {.trouble = {}, .text = std::move(text), .ended = true};
}

bool Channel::tell(protocol::Request request) { return protocol::send(socket_.get(), request, {}, false) == 0; }

void Channel::shut() { ::shutdown(socket_.get(), SHUT_RDWR); }

Result<std::pair<Fd, Fd>> make_pair_of_sockets() {
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets)) return fail(cat("cannot make a socket pair: ", std::strerror(errno)));
  return std::pair(Fd(sockets[0]), Fd(sockets[1]));
}

std::string describe(const protocol::Trouble& trouble) {
  return cat("cannot ", protocol::to_text(trouble.step), ": ", std::string_view(std::strerror(trouble.error)));
}

}  // namespace sallyport::sandbox
