#include "sandbox/init.hpp"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/text.hpp"
#include "sandbox/family.hpp"
#include "sandbox/mounts.hpp"
#include "sandbox/program.hpp"

namespace sallyport::sandbox {
namespace {

using protocol::Answer;
using protocol::Exited;
using protocol::Kind;
using protocol::Parsed;
using protocol::Request;
using protocol::Step;
using protocol::Trouble;

constexpr long killing_ms_max = 2'000;
constexpr std::size_t arguments_max = 4'096;

long now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000 + now.tv_nsec / 1'000'000;
}

// The kernel counts what a process held before it executed its program, which is what this one holds.
std::int32_t own_peak(const rusage& used) {
  rusage mine{};
  if (getrusage(RUSAGE_SELF, &mine) || used.ru_maxrss <= mine.ru_maxrss) return 0;
  return static_cast<std::int32_t>(std::min<long>(used.ru_maxrss, std::numeric_limits<std::int32_t>::max()));
}

class Init {
 public:
  explicit Init(const InitSetup& setup) : setup_(setup) {}
  [[noreturn]] void run(std::span<const int> listeners);

 private:
  Trouble prepare();
  void wait();
  void serve();
  void handle(const Parsed& parsed, std::span<const Fd> descriptors);
  Trouble seal(const Parsed& parsed, std::span<const Fd> descriptors);
  Trouble confine_files(const Parsed& parsed);
  Trouble execute(const Parsed& parsed, std::span<const Fd> descriptors, int& pid);
  void signal_one(int pid, int number);
  void signal_all(int number);
  void kill_all();
  bool kill_everything();
  bool reap();
  void tell_exits();
  void answer(const Request& request, int value, Trouble trouble, std::span<const int> descriptors = {});
  [[noreturn]] void end();

  const InitSetup& setup_;
  int signals_ = -1;
  bool sealed_ = false, frozen_ = false;
  unsigned processes_max_ = limits::processes_max;
  std::optional<LandlockRules> files_;
  std::vector<int> running_;    // what `execute` started and has not ended
  std::vector<Exited> untold_;  // the server has not read fast enough
  std::array<char, protocol::message_bytes_max> buffer_;
};

[[noreturn]] void Init::run(std::span<const int> listeners) {
  if (const auto failed = prepare()) give_up(setup_.control, failed);
  if (protocol::send(setup_.control, Answer{}, listeners)) end();
  for (const int listener : listeners) close(listener);
  for (;;) {
    wait();
    serve();
    reap();
    tell_exits();
  }
}

Trouble Init::prepare() {
  // Without processes of its own it must be asked to end, since what it started would outlive it. Within, anybody could ask.
  sigset_t watched;
  sigemptyset(&watched);
  sigaddset(&watched, SIGCHLD);
  if (!setup_.own_processes) sigaddset(&watched, SIGTERM);
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  signals_ = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals_ < 0) return {Step::descriptors, errno};
  if (!setup_.own_processes && (prctl(PR_SET_CHILD_SUBREAPER, 1) || prctl(PR_SET_PDEATHSIG, SIGTERM))) return {Step::limits, errno};
  if (prctl(PR_SET_DUMPABLE, 0)) return {Step::limits, errno};
  if (!setup_.own_processes) return {};
  auto files = LandlockRules::prepare(LandlockPlan{.read_execute = {"/"},
                                                   .read_only = {},
                                                   .read_write = {"/tmp"},
                                                   .devices = {"/dev"},
                                                   .keep_to_itself = setup_.network == Network::host});
  if (!files) return {Step::landlock, EINVAL};
  files_ = std::move(*files);
  return {};
}

void Init::wait() {
  pollfd watched[] = {
      {setup_.control, POLLIN, 0}, {signals_, POLLIN, 0}, {setup_.events, static_cast<short>(untold_.empty() ? 0 : POLLOUT), 0}};
  poll(watched, std::size(watched), -1);
  if (watched[2].revents & (POLLHUP | POLLERR)) end();
  signalfd_siginfo signal{};
  while (read(signals_, &signal, sizeof signal) == sizeof signal)
    if (signal.ssi_signo == SIGTERM) end();
}

void Init::serve() {
  const auto received = protocol::receive_bytes(setup_.control, buffer_);
  if (received.state == protocol::Received::State::end) end();
  if (received.state == protocol::Received::State::nothing) return;
  Parsed parsed;
  if (!protocol::parse({buffer_.data(), received.size}, parsed)) end();
  handle(parsed, received.descriptors);
}

void Init::handle(const Parsed& parsed, std::span<const Fd> descriptors) {
  const Request& request = parsed.request;
  switch (request.kind) {
    case Kind::seal: return answer(request, 0, seal(parsed, descriptors));
    case Kind::execute: {
      int pid = 0;
      const auto failed = execute(parsed, descriptors, pid);
      return answer(request, pid, failed);
    }
    case Kind::signal: return signal_one(request.numbers[0], request.numbers[1]);
    case Kind::kill_all: return kill_all();
    case Kind::freeze: frozen_ = true; return signal_all(SIGSTOP);
    case Kind::thaw: frozen_ = false; return signal_all(SIGCONT);
    case Kind::dial: {
      const Fd connecting(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      sockaddr_in address{
          .sin_family = AF_INET, .sin_port = htons(static_cast<std::uint16_t>(request.numbers[0])), .sin_addr = {htonl(INADDR_LOOPBACK)}};
      if (!connecting) return answer(request, 0, {Step::dial, errno});
      // Whether it succeeds is for the server to wait for.
      if (connect(connecting.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) && errno != EINPROGRESS)
        return answer(request, 0, {Step::dial, errno});
      const int passed = connecting.get();
      return answer(request, 0, {}, {&passed, 1});
    }
    default: return answer(request, 0, {Step::request, ENOSYS});
  }
}

Trouble Init::seal(const Parsed& parsed, std::span<const Fd> descriptors) {
  if (sealed_ || parsed.strings.size() != 2) return {Step::request, EINVAL};
  processes_max_ = static_cast<unsigned>(std::max(1, parsed.request.numbers[1]));
  if (setup_.mounts) {
    if (const auto failed = attach(descriptors, parsed.request.numbers[0])) return failed;
  } else if (setup_.level == Level::restricted) {
    if (const auto failed = confine_files(parsed)) return failed;
  }
  if (setup_.own_processes) {
    if (const auto failed = drop_privileges(true)) return failed;
    if (setup_.filter)
      if (const int error = setup_.filter->install()) return {Step::filter, error};
  }
  sealed_ = true;
  return {};
}

Trouble Init::confine_files(const Parsed& parsed) {
  LandlockPlan plan{.read_execute = system_places(),
                    .read_only = {"/proc"},
                    .read_write = {setup_.private_folder},
                    .devices = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"},
                    .keep_to_itself = true};
  for (const char* folder : parsed.strings)
    if (*folder) plan.read_execute.emplace_back(folder);
  for (const auto& folder : setup_.readable) plan.read_execute.push_back(folder);
  auto files = LandlockRules::prepare(plan);
  if (!files) return {Step::landlock, EINVAL};
  files_ = std::move(*files);
  return {};
}

Trouble Init::execute(const Parsed& parsed, std::span<const Fd> descriptors, int& pid) {
  const int arguments = parsed.request.numbers[0], variables = parsed.request.numbers[1];
  const auto fits = [](int count) { return count >= 0 && static_cast<std::size_t>(count) <= arguments_max; };
  if (!fits(arguments) || !fits(variables) || arguments < 1 || descriptors.empty()) return {Step::request, EINVAL};
  if (parsed.strings.size() != 1U + static_cast<unsigned>(arguments) + static_cast<unsigned>(variables)) return {Step::request, EINVAL};
  // Landlock can only keep to folders that are known.
  if (setup_.level == Level::restricted && !sealed_) return {Step::request, EPERM};
  Start start;
  start.directory = parsed.strings[0];
  const auto first = parsed.strings.begin() + 1, middle = first + arguments;
  for (auto one = first; one != middle; ++one) start.arguments.push_back(const_cast<char*>(*one));
  std::string temporary = cat("TMPDIR=", setup_.private_folder);
  for (auto one = middle; one != parsed.strings.end(); ++one)
    if (setup_.private_folder.empty() || std::strncmp(*one, "TMPDIR=", 7) != 0) start.environment.push_back(const_cast<char*>(*one));
  if (!setup_.private_folder.empty()) start.environment.push_back(temporary.data());
  start.arguments.push_back(nullptr);
  start.environment.push_back(nullptr);
  for (const auto& descriptor : descriptors) start.descriptors.push_back(descriptor.get());
  start.drop = !sealed_ || !setup_.own_processes;
  start.must_drop = setup_.own_processes;
  start.files = files_ ? &*files_ : nullptr;
  start.filter = sealed_ && setup_.own_processes ? nullptr : setup_.filter;
  start.processes_max = setup_.own_processes ? processes_max_ : 0;
  const auto failed = start_program(start, pid);
  if (!failed) running_.push_back(pid);
  return failed;
}

void Init::signal_one(int pid, int number) {
  // A number that has been given back may be another's by now.
  if (std::ranges::find(running_, pid) != running_.end()) kill(pid, number);
}

void Init::signal_all(int number) {
  if (setup_.own_processes) {
    kill(-1, number);
    return;
  }
  for (const int pid : descendants(getpid())) kill(pid, number);
}

void Init::kill_all() {
  // What cannot be killed in time ends with the sandbox.
  if (!kill_everything()) _exit(1);
  frozen_ = false;
  tell_exits();
}

// False: something is still there.
bool Init::kill_everything() {
  const long until = now_ms() + killing_ms_max;
  for (;;) {
    signal_all(SIGKILL);
    if (!reap()) return true;
    if (now_ms() > until) return false;
    pollfd child{signals_, POLLIN, 0};
    poll(&child, 1, 5);
    signalfd_siginfo signal{};
    while (read(signals_, &signal, sizeof signal) == sizeof signal) {
    }
  }
}

// False: no child is left, and with that nothing that descends from one, since orphans become this process's.
bool Init::reap() {
  int status = 0, pid;
  rusage used{};
  while ((pid = wait4(-1, &status, WNOHANG | __WALL, &used)) > 0) {
    const auto one = std::ranges::find(running_, pid);
    if (one == running_.end()) continue;
    running_.erase(one);
    Exited exited;
    exited.pid = pid;
    if (WIFEXITED(status)) exited.code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) exited.signal = WTERMSIG(status);
    exited.peak_kib = own_peak(used);
    untold_.push_back(exited);
  }
  return pid == 0;
}

void Init::tell_exits() {
  while (!untold_.empty()) {
    const int error = protocol::send(setup_.events, untold_.front(), {}, false);
    if (error == EAGAIN) return;
    if (error) end();
    untold_.erase(untold_.begin());
  }
}

void Init::answer(const Request& request, int value, Trouble trouble, std::span<const int> descriptors) {
  const Answer answer{.sequence = request.sequence, .value = value, .trouble = trouble};
  if (protocol::send(setup_.control, answer, descriptors, false)) end();
}

[[noreturn]] void Init::end() {
  if (!setup_.own_processes) {
    signal_all(SIGSTOP);  // so that none starts others while the list is walked
    kill_everything();
  }
  _exit(0);
}

}  // namespace

[[noreturn]] void run_init(const InitSetup& setup, std::span<const int> listeners) {
  Init init(setup);
  init.run(listeners);
}

[[noreturn]] void give_up(int control, Trouble trouble) {
  protocol::send(control, Answer{.trouble = trouble}, {}, false);
  _exit(1);
}

}  // namespace sallyport::sandbox
