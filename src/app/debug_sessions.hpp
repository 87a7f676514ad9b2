// DebugSessions: debuggers that are let into functions, for `sallyport debug`. A session lasts as long as whoever asked for it renews it.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "app/log_ring.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "io/stream.hpp"
#include "lambda/function_invoker.hpp"

namespace sallyport::app {

namespace limits {
inline constexpr std::chrono::seconds debug_lease{10};  // without being renewed, after which a session ends
inline constexpr std::chrono::seconds debug_start{20};  // until the debugger listens
inline constexpr int debug_connections_max = 16;        // of one session
}  // namespace limits

/// Lives on one loop; `begin`, `renew` and `end` may be called on any.
class DebugSessions {
 public:
  struct Ground {
    lambda::FunctionInvoker& invoker;
    const LogRing& lines;
    Random& random;
    /// Environments have a network of their own, into which a port of this machine is forwarded.
    bool forwards;
  };
  struct Function {
    std::string name, arn, runtime;
    std::string logical_id = {};  // in the template; empty: it was made otherwise
  };
  struct Started {
    std::string id;
    int port;               // on this machine's loopback
    std::string_view tool;  // debugpy, or inspector
  };
  explicit DebugSessions(const Ground& ground) : ground_(ground) {}

  /// Before the first call.
  void live_on(io::Loop& loop) { home_ = &loop; }
  /// Starts the function's environment with a debugger in it; a session it has already ends. Without a port the language's usual one. The
  /// error says what to do: install debugpy, take another port.
  Task<Result<Started>> begin(io::Loop& loop, Function function, std::optional<int> port);
  /// False when there is no such session any more.
  Task<bool> renew(io::Loop& loop, std::string id);
  Task<bool> end(io::Loop& loop, std::string id);
  /// The server ends. On the loop the sessions live on.
  void end_all();

 private:
  struct Connection {
    std::unique_ptr<io::Stream> outside, inside;
    void close();
  };
  struct Session {
    std::string id;
    Function function;
    int port = 0;
    std::unique_ptr<io::Listener> listener;
    std::list<std::weak_ptr<Connection>> connections;
    std::optional<io::Deadline> lease;
    bool ended = false;
  };
  using Held = std::shared_ptr<Session>;

  Task<Result<Started>> begin_here(Function function, int port, std::string_view tool);
  Result<Held> open(Function function, int port);
  Task<Result<>> wait_until_it_listens(Held session, std::uint64_t lines_before);
  void forward(Held session, std::unique_ptr<io::Stream> stream);
  void renew_lease(const Held& session);
  void close(Session& session);
  Held find(std::string_view id) const;

  const Ground ground_;
  io::Loop* home_ = nullptr;
  std::list<Held> sessions_;
};

}  // namespace sallyport::app
