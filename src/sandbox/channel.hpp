// Channel: the server's end of a conversation with a spawner or an init: one question at a time, each with a deadline.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>

#include "sandbox/protocol.hpp"

namespace sallyport::sandbox {

struct Reply {
  std::int32_t value = 0;
  std::vector<Fd> descriptors;
};

/// What went wrong. `trouble` is the other side's own word for it; without one the other side is gone or broke the rules.
struct CallFault {
  protocol::Trouble trouble;
  std::string text;    // for an `Error`
  bool ended = false;  // nothing will be answered on this channel any more
};

/// May be used from any thread. Whatever does not answer in time, or not as agreed, is never listened to again.
class Channel {
 public:
  Channel() = default;
  explicit Channel(Fd socket) : socket_(std::move(socket)) {}

  /// Blocks until there is an answer, for `patience` at most.
  Result<Reply, CallFault> call(protocol::Request request, std::span<const std::string> strings = {}, std::span<const int> descriptors = {},
                                std::chrono::milliseconds patience = std::chrono::seconds(10));
  /// The answer to something that was not asked here.
  Result<Reply, CallFault> wait(std::chrono::milliseconds patience);
  /// Without an answer; never waits. False: it could not be said.
  bool tell(protocol::Request request);
  /// Nothing is said or heard any more.
  void shut();

 private:
  Result<Reply, CallFault> await(std::uint32_t sequence, std::chrono::milliseconds patience);
  CallFault broken(std::string text);

  Fd socket_;
  std::mutex mutex_;
  std::uint32_t sequence_ = 0;
};

/// Two ends of a SOCK_SEQPACKET pair.
Result<std::pair<Fd, Fd>> make_pair_of_sockets();

/// A sentence for an error of the other side.
std::string describe(const protocol::Trouble& trouble);

}  // namespace sallyport::sandbox
