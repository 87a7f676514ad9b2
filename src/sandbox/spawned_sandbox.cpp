#include "sandbox/spawned_sandbox.hpp"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "base/text.hpp"
#include "sandbox/family.hpp"

namespace sallyport::sandbox {
namespace {

using protocol::Kind;
using protocol::Request;
using protocol::Step;

bool is_listener(const Fd& socket) {
  int listens = 0;
  socklen_t size = sizeof listens;
  return getsockopt(socket.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens;
}

// Whatever else an init may hand up, a file or a socket to somewhere, is not for the server to read and write.
bool is_stream(const Fd& socket) {
  const auto option = [&](int name) {
    int value = -1;
    socklen_t size = sizeof value;
    return getsockopt(socket.get(), SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
  };
  const int domain = option(SO_DOMAIN);
  return (domain == AF_INET || domain == AF_INET6) && option(SO_TYPE) == SOCK_STREAM;
}

}  // namespace

SpawnedSandbox::SpawnedSandbox(Parts parts)
    : settings_(parts.settings),
      spawner_(std::move(parts.spawner)),
      init_(std::move(parts.init)),
      events_(std::move(parts.events)),
      runtime_directory_(std::move(parts.runtime_directory)),
      make_(std::move(parts.make)) {}

Result<> SpawnedSandbox::await_birth() {
  constexpr auto patience = std::chrono::seconds(20);
  auto made = spawner_.wait(patience);
  if (!made) return fail(cat("cannot make a sandbox: ", made.error().text));
  host_pid_ = made->value;
  if (!made->descriptors.empty()) group_.emplace(std::move(made->descriptors));
  auto ready = init_.wait(patience);
  if (!ready) return fail(cat("cannot make a sandbox: ", ready.error().text));
  // There the spawner's child is bubblewrap, which stays outside and waits for its one.
  if (settings_.level == Level::bwrap)
    if (const auto inside = children(host_pid_); !inside.empty()) host_pid_ = inside.front();
  if (settings_.network == Network::host || !has_own_view()) return {};
  if (ready->descriptors.size() != 2 || !std::ranges::all_of(ready->descriptors, is_listener))
    return fail("cannot make a sandbox: it has no listeners");
  api_ = std::move(ready->descriptors[0]);
  endpoint_ = std::move(ready->descriptors[1]);
  return {};
}

Result<> SpawnedSandbox::assign(const Assignment& assignment) {
  if (make_) {
    if (auto made = make_(assignment); !made) return made;
    make_ = nullptr;
    if (auto born = await_birth(); !born) return born;
  }
  const std::string folders[] = {assignment.code_directory, assignment.layers_directory};
  Request limit{.kind = Kind::limit};
  limit.numbers[0] = assignment.memory_mb;
  limit.numbers[1] = assignment.tmp_mb;
  limit.numbers[2] = static_cast<std::int32_t>(assignment.processes_max);
  limit.numbers[3] = settings_.cpu_shares ? static_cast<std::int32_t>(assignment.cpu_share * 1000) : 0;
  auto limited = spawner_.call(limit, folders);
  if (!limited) return failed(limited.error());
  if (group_) group_->begin(assignment.memory_mb, host_pid_);
  std::vector<int> passed;
  for (const auto& descriptor : limited->descriptors) passed.push_back(descriptor.get());
  Request seal{.kind = Kind::seal};
  seal.numbers[0] = assignment.tmp_mb;
  seal.numbers[1] = static_cast<std::int32_t>(assignment.processes_max);
  if (auto sealed = init_.call(seal, folders, passed); !sealed) return failed(sealed.error());
  const std::lock_guard lock(mutex_);
  code_directory_ = assignment.code_directory;
  layers_directory_ = assignment.layers_directory;
  memory_kib_ = assignment.memory_mb * 1024L;
  return {};
}

Result<int> SpawnedSandbox::start(Program program) {
  if (program.arguments.empty() || !program.output) return fail("a program needs a name and an output");
  Request request{.kind = Kind::execute};
  request.numbers[0] = static_cast<std::int32_t>(program.arguments.size());
  request.numbers[1] = static_cast<std::int32_t>(program.environment.size());
  std::vector<std::string> strings{program.directory};
  std::ranges::copy(program.arguments, std::back_inserter(strings));
  std::ranges::copy(program.environment, std::back_inserter(strings));
  std::vector<int> passed{program.output.get()};
  for (const auto& inherited : program.inherited) passed.push_back(inherited.get());
  const auto started = init_.call(request, strings, passed);
  if (started) return started->value;
  const auto& fault = started.error();
  if (fault.ended) lose();
  const bool plain = fault.trouble && fault.trouble.step == Step::execute;
  return fail(cat("cannot start ", program.arguments[0], ": ", plain ? std::string(std::strerror(fault.trouble.error)) : fault.text));
}

void SpawnedSandbox::tell(Request request) {
  if (!init_.tell(request)) lose();  // an init that does not read any more is of no use
}

// A channel that is shut never speaks again, so the environment must not be handed out again. Whoever watches `events` hears of it.
void SpawnedSandbox::lose() {
  gone_ = true;
  init_.shut();
  ::shutdown(events_.get(), SHUT_RDWR);
}

std::unexpected<Error> SpawnedSandbox::failed(const CallFault& fault) {
  if (fault.ended) lose();
  return fail(cat("the sandbox failed: ", fault.text));
}

void SpawnedSandbox::signal(int pid, int number) {
  Request request{.kind = Kind::signal};
  request.numbers[0] = pid;
  request.numbers[1] = number;
  tell(request);
}

void SpawnedSandbox::kill_all() { tell({.kind = Kind::kill_all}); }
void SpawnedSandbox::freeze() { tell({.kind = Kind::freeze}); }
void SpawnedSandbox::thaw() { tell({.kind = Kind::thaw}); }

std::optional<Exit> SpawnedSandbox::next_exit() {
  protocol::Exited exited;
  const auto received = protocol::receive_bytes(events_.get(), {reinterpret_cast<char*>(&exited), sizeof exited});
  if (received.state == protocol::Received::State::nothing) return std::nullopt;
  const bool sound = received.state == protocol::Received::State::message && received.size == sizeof exited &&
                     exited.kind == Kind::exited && exited.pid > 0;
  if (sound) return Exit{exited.pid, exited.code & 0xff, exited.signal & 0x7f, peak_of(exited)};
  gone_ = true;
  init_.shut();
  return std::nullopt;
}

bool SpawnedSandbox::gone() const {
  pollfd hung{events_.get(), 0, 0};
  if (!gone_ && poll(&hung, 1, 0) > 0 && (hung.revents & (POLLHUP | POLLERR))) gone_ = true;
  return gone_;
}

Memory SpawnedSandbox::memory() const {
  if (group_) return group_->read();
  const auto limit = [&] {
    const std::lock_guard lock(mutex_);
    return memory_kib_;
  };
  Memory memory = memory_of_family(host_pid_, limit());
  const std::lock_guard lock(mutex_);
  memory.peak_kib = peak_kib_ = std::max(peak_kib_, memory.peak_kib);
  return memory;
}

long SpawnedSandbox::shared_memory_kib() const {
  constexpr std::chrono::milliseconds processor_time{250};
  return group_ ? group_->read().now_kib : shared_memory_of_family(host_pid_, processor_time);
}

void SpawnedSandbox::begin_anew() {
  const std::lock_guard lock(mutex_);
  peak_kib_ = 0;
  if (group_) group_->begin(static_cast<int>(memory_kib_ / 1024), host_pid_);
}

// No more than there was to use, whatever an init says.
long SpawnedSandbox::peak_of(const protocol::Exited& exited) const {
  const std::lock_guard lock(mutex_);
  return std::clamp<long>(exited.peak_kib, 0, memory_kib_);
}

Result<Fd> SpawnedSandbox::dial(int port) {
  if (port < 1 || port > 65'535) return fail("no such port");
  Request request{.kind = Kind::dial};
  request.numbers[0] = port;
  auto connecting = init_.call(request);
  if (!connecting) return failed(connecting.error());
  if (connecting->descriptors.size() != 1 || !is_stream(connecting->descriptors[0]))
    return fail("the sandbox failed: it gave no connection");
  Fd connection = std::move(connecting->descriptors[0]);
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(connection.get(), SOL_SOCKET, SO_ERROR, &error, &size)) error = errno;
  if (error) return fail(cat("cannot connect to port ", port, ": ", std::string_view(std::strerror(error))));
  return connection;
}

Fd SpawnedSandbox::take_api_listener() {
  const std::lock_guard lock(mutex_);
  return std::move(api_);
}

Fd SpawnedSandbox::take_endpoint_listener() {
  const std::lock_guard lock(mutex_);
  return std::move(endpoint_);
}

std::string SpawnedSandbox::task_root() const {
  const std::lock_guard lock(mutex_);
  return has_own_view() ? "/var/task" : code_directory_;
}

std::string SpawnedSandbox::layers_root() const {
  const std::lock_guard lock(mutex_);
  return has_own_view() ? "/opt" : layers_directory_;
}

std::string SpawnedSandbox::runtime_root() const { return has_own_view() ? "/var/runtime" : runtime_directory_; }

}  // namespace sallyport::sandbox
