#include "app/debug_sessions.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "runtime/interpreters.hpp"

namespace sallyport::app {
namespace {

constexpr int python_port = 5678, node_port = 9229;  // where editors look unless told otherwise
constexpr std::chrono::milliseconds look_again{100};
constexpr std::string_view no_debugpy = "No module named debugpy";

Task<void> pump(io::Stream& from, io::Stream& to) {
  do {
    while (!from.incoming().empty()) {
      const std::string bytes(from.incoming());
      from.consume(bytes.size());
      if (!co_await to.write(bytes)) co_return;
    }
  } while (co_await from.read_more());
  to.end_writing();
}

}  // namespace

void DebugSessions::Connection::close() {
  if (outside) outside->close();
  if (inside) inside->close();
}

DebugSessions::Held DebugSessions::find(std::string_view id) const {
  const auto found = std::ranges::find(sessions_, id, [](const Held& session) -> std::string_view { return session->id; });
  return found == sessions_.end() ? nullptr : *found;
}

Task<Result<DebugSessions::Started>> DebugSessions::begin(io::Loop& loop, Function function, std::optional<int> port) {
  const auto family = runtime::family_of(function.runtime);
  if (!family) co_return std::unexpected(family.error());
  if (*family == runtime::RuntimeFamily::provided)
    co_return fail(cat(function.name, " runs its own program (", function.runtime, "): a debugger is let into Python and Node alone"));
  const bool python = *family == runtime::RuntimeFamily::python;
  co_await home_->switch_to();
  auto started =
      co_await attempt(begin_here(std::move(function), port.value_or(python ? python_port : node_port), python ? "debugpy" : "inspector"));
  co_await loop.switch_to();
  co_return started;
}

Task<Result<DebugSessions::Started>> DebugSessions::begin_here(Function function, int port, std::string_view tool) {
  const auto lines_before = ground_.lines.after(0, function.name, 1).next;
  for (const auto& each : std::list<Held>(sessions_))
    if (each->function.arn == function.arn) close(*each);
  auto session = open(std::move(function), port);
  if (!session) co_return std::unexpected(session.error());
  auto listening = co_await attempt(wait_until_it_listens(*session, lines_before));
  if (!listening) {
    close(**session);
    co_return std::unexpected(listening.error());
  }
  renew_lease(*session);
  co_return Started{(*session)->id, port, tool};
}

Result<DebugSessions::Held> DebugSessions::open(Function function, int port) {
  auto session = std::make_shared<Session>();
  session->id = make_uuid(ground_.random);
  session->function = std::move(function);
  session->port = port;
  if (ground_.forwards) {
    auto listener =
        io::Listener::open(*home_, "127.0.0.1", port, [this, weak = std::weak_ptr(session)](std::unique_ptr<io::Stream> stream) {
          if (auto held = weak.lock()) forward(std::move(held), std::move(stream));
        });
    if (!listener) return std::unexpected(listener.error());
    session->listener = std::move(*listener);
  } else if (auto free = io::Listener::check_free("127.0.0.1", port); !free) {
    return std::unexpected(free.error());
  }
  if (auto begun = ground_.invoker.debug(session->function.arn, runtime::DebugSettings{port}); !begun) return fail(begun.error().message);
  sessions_.push_back(session);
  return session;
}

Task<Result<>> DebugSessions::wait_until_it_listens(Held session, std::uint64_t lines_before) {
  for (auto left = std::chrono::milliseconds(limits::debug_start); left.count() > 0 && !session->ended; left -= look_again) {
    const auto pool = ground_.invoker.pool_of(session->function.arn);
    if (pool && co_await pool->listens(*home_, session->port)) co_return Result<>();
    for (const auto& line : ground_.lines.after(lines_before, session->function.name).lines)
      if (line.text.find(no_debugpy) != std::string::npos)
        co_return fail(
            cat("debugpy is not there: install it for the interpreter (pip install debugpy) or into the function's package (pip "
                "install --target FOLDER debugpy)"));
    co_await io::sleep_for(*home_, look_again);
  }
  co_return fail(cat("no debugger listens in ", session->function.name, "; its log says why (sallyport logs)"));
}

void DebugSessions::forward(Held session, std::unique_ptr<io::Stream> stream) {
  session->connections.remove_if([](const auto& connection) { return connection.expired(); });
  if (session->ended || session->connections.size() >= limits::debug_connections_max) return;
  auto connection = std::make_shared<Connection>();
  connection->outside = std::move(stream);
  session->connections.push_back(connection);
  home_->scope().spawn([](DebugSessions& self, Held held, std::shared_ptr<Connection> pair) -> Task<void> {
    // A saved change has made another pool of it.
    const auto pool = self.ground_.invoker.pool_of(held->function.arn);
    auto descriptor = pool ? co_await attempt(pool->dial(*self.home_, held->port)) : fail("");
    auto inside = descriptor ? io::adopt_stream(*self.home_, descriptor->release()) : fail("");
    if (!inside || held->ended) {
      pair->close();
      co_return;
    }
    pair->inside = std::move(*inside);
    self.home_->scope().spawn([](std::shared_ptr<Connection> both) -> Task<void> {
      co_await pump(*both->inside, *both->outside);
      both->close();
    }(pair));
    co_await pump(*pair->outside, *pair->inside);
    pair->close();
  }(*this, std::move(session), std::move(connection)));
}

void DebugSessions::renew_lease(const Held& session) {
  session->lease.emplace(*home_, limits::debug_lease, [this, weak = std::weak_ptr(session)] {
    if (const auto held = weak.lock()) close(*held);
  });
}

// The function gets ordinary environments again.
void DebugSessions::close(Session& session) {
  if (std::exchange(session.ended, true)) return;
  session.listener.reset();
  for (const auto& connection : session.connections)
    if (const auto held = connection.lock()) held->close();
  std::ignore = ground_.invoker.debug(session.function.arn, std::nullopt);
  sessions_.remove_if([&](const Held& each) { return each.get() == &session; });
}

Task<bool> DebugSessions::renew(io::Loop& loop, std::string id) {
  co_await home_->switch_to();
  const auto session = find(id);
  if (session) renew_lease(session);
  co_await loop.switch_to();
  co_return session != nullptr;
}

Task<bool> DebugSessions::end(io::Loop& loop, std::string id) {
  co_await home_->switch_to();
  const auto session = find(id);
  if (session) close(*session);
  co_await loop.switch_to();
  co_return session != nullptr;
}

void DebugSessions::end_all() {
  for (const auto& each : std::list<Held>(sessions_)) close(*each);
}

}  // namespace sallyport::app
