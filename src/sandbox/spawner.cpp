#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "base/text.hpp"
#include "sandbox/channel.hpp"
#include "sandbox/sandbox.hpp"
#include "sandbox/spawned_sandbox.hpp"
#include "sandbox/spawner_process.hpp"

namespace sallyport::sandbox {
namespace {

using protocol::Kind;
using protocol::Request;

// The descriptors are the spawner's when this returns.
template <std::size_t Count>
Result<> ask(const Fd& spawner, const Request& request, std::span<const std::string> strings, std::array<Fd, Count> descriptors) {
  auto message = protocol::pack(request, strings);
  if (!message) return fail(std::move(message.error()));
  std::array<int, Count> passed;
  for (std::size_t i = 0; i < Count; ++i) passed[i] = descriptors[i].get();
  if (const int error = protocol::send_bytes(spawner.get(), *message, passed))
    return fail(cat("the spawner cannot be reached: ", std::strerror(error)));
  return {};
}

class SpawnerHandle final : public Spawner {
 public:
  SpawnerHandle(const Settings& settings, int pid, Fd socket)
      : settings_(settings), pid_(pid), socket_(std::make_shared<Fd>(std::move(socket))) {}
  ~SpawnerHandle() override {
    // Sandboxes that were not made yet share it, and cannot be made any more.
    socket_->reset();
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  Result<> await_start();
  const Settings& settings() const override { return settings_; }
  Result<std::unique_ptr<Sandbox>> create(const Blueprint& blueprint) override;
  Result<std::string> version_of(const std::string& program) override;
  int pid() const override { return pid_; }

 private:
  const Settings settings_;
  const int pid_;
  const std::shared_ptr<Fd> socket_;
};

Result<> SpawnerHandle::await_start() {
  pollfd ready{socket_->get(), POLLIN, 0};
  constexpr int patience_ms = 20'000;
  if (poll(&ready, 1, patience_ms) <= 0) return fail("the spawner does not start");
  protocol::Answer answer;
  const auto received = protocol::receive_bytes(socket_->get(), {reinterpret_cast<char*>(&answer), sizeof answer});
  if (received.state != protocol::Received::State::message || received.size != sizeof answer) return fail("the spawner does not start");
  if (answer.trouble) return fail(cat("the spawner does not start: ", describe(answer.trouble)));
  return {};
}

Result<std::unique_ptr<Sandbox>> SpawnerHandle::create(const Blueprint& blueprint) {
  auto spawner = make_pair_of_sockets(), control = make_pair_of_sockets(), events = make_pair_of_sockets();
  for (auto* pair : {&spawner, &control, &events})
    if (!*pair) return fail(std::move(pair->error()));
  SpawnedSandbox::Parts parts{.settings = settings_,
                              .spawner = std::move(spawner->first),
                              .init = std::move(control->first),
                              .events = std::move(events->first),
                              .runtime_directory = blueprint.runtime_directory};
  Request request{.kind = Kind::create};
  request.numbers[1] = blueprint.gives_way;
  std::vector<std::string> strings{blueprint.runtime_directory};
  strings.insert(strings.end(), blueprint.read_only.begin(), blueprint.read_only.end());
  // So that the end of the others is seen as such, theirs are not kept here.
  std::array<Fd, 3> theirs{std::move(spawner->second), std::move(control->second), std::move(events->second)};
  if (settings_.level == Level::bwrap) {
    parts.make = [socket = socket_, request, strings, theirs = std::move(theirs)](const Assignment& assignment) mutable {
      strings.push_back(assignment.code_directory);
      strings.push_back(assignment.layers_directory);
      request.numbers[0] = assignment.tmp_mb;
      return ask(*socket, request, strings, std::exchange(theirs, {}));
    };
    return std::make_unique<SpawnedSandbox>(std::move(parts));
  }
  if (auto asked = ask(*socket_, request, strings, std::move(theirs)); !asked) return fail(std::move(asked.error()));
  auto sandbox = std::make_unique<SpawnedSandbox>(std::move(parts));
  if (auto born = sandbox->await_birth(); !born) return fail(std::move(born.error()));
  return sandbox;
}

// What arrives until the end of the first line.
Result<std::string> first_line(int output, std::chrono::milliseconds patience) {
  constexpr std::size_t line_bytes_max = 1024;
  const auto until = std::chrono::steady_clock::now() + patience;
  std::string text;
  while (text.size() < line_bytes_max && text.find('\n') == std::string::npos) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    pollfd ready{output, POLLIN, 0};
    if (left.count() <= 0 || poll(&ready, 1, static_cast<int>(left.count())) == 0) return fail("it does not say its version");
    std::array<char, 256> part;
    const ssize_t size = read(output, part.data(), part.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    text.append(part.data(), static_cast<std::size_t>(size));
  }
  return text.substr(0, text.find('\n'));
}

Result<std::string> SpawnerHandle::version_of(const std::string& program) {
  constexpr auto patience = std::chrono::seconds(5);
  auto channel = make_pair_of_sockets();
  if (!channel) return fail(std::move(channel.error()));
  int pipes[2];
  if (pipe2(pipes, O_CLOEXEC)) return fail(cat("cannot make a pipe: ", std::strerror(errno)));
  Fd output(pipes[0]), output_end(pipes[1]);
  std::array<Fd, 2> theirs{std::move(channel->second), std::move(output_end)};
  if (auto asked = ask(*socket_, {.kind = Kind::version}, std::array{program}, std::move(theirs)); !asked)
    return fail(std::move(asked.error()));
  Channel spawner(std::move(channel->first));
  const auto started = spawner.wait(patience);
  if (!started) {
    const auto& fault = started.error();
    return fail(cat("cannot start ", program, ": ", fault.trouble ? std::string(std::strerror(fault.trouble.error)) : fault.text));
  }
  auto line = first_line(output.get(), patience);
  if (!line || line->empty()) return fail(cat(program, " does not say its version"));
  return line;
}

}  // namespace

void Fd::reset() {
  if (value_ >= 0) ::close(std::exchange(value_, -1));
}

std::string_view to_text(Level level) {
  switch (level) {
    case Level::native: return "native";
    case Level::bwrap: return "bwrap";
    case Level::oci: return "oci";
    case Level::restricted: return "restricted";
    case Level::off: return "off";
  }
  return "unknown";
}

Result<std::unique_ptr<Spawner>> Spawner::start(const Settings& settings) {
  auto pair = make_pair_of_sockets();
  if (!pair) return fail(std::move(pair.error()));
  // A spawner that hangs must not hold those up who ask it.
  const timeval patience{.tv_sec = 10, .tv_usec = 0};
  setsockopt(pair->first.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  const int pid = fork();
  if (pid < 0) return fail(cat("cannot start a process: ", std::strerror(errno)));
  if (pid == 0) run_spawner(settings, pair->second.get());
  pair->second.reset();
  auto spawner = std::make_unique<SpawnerHandle>(settings, pid, std::move(pair->first));
  if (auto started = spawner->await_start(); !started) return fail(std::move(started.error()));
  return spawner;
}

}  // namespace sallyport::sandbox
