#include "sandbox/spawner_process.hpp"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "sandbox/family.hpp"
#include "sandbox/landlock.hpp"
#include "sandbox/leave_server.hpp"

namespace sallyport::sandbox {

using protocol::Answer;
using protocol::Kind;
using protocol::Parsed;
using protocol::Step;
using protocol::Trouble;

namespace {

constexpr long ending_ms_max = 5'000;

long now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000 + now.tv_nsec / 1'000'000;
}

// What a descriptor that is ready belongs to: a child's number, and which of its two.
constexpr std::uint64_t key_of(std::uint64_t id, bool handle) { return id << 1 | (handle ? 1U : 0U); }
constexpr std::uint64_t socket_key = key_of(0, false), signals_key = key_of(0, true);

}  // namespace

[[noreturn]] void SpawnerProcess::run() {
  const auto failed = prepare();
  if (protocol::send(socket_, Answer{.value = getpid(), .trouble = failed}) || failed) _exit(1);
  for (;;) {
    epoll_event ready[64];
    const bool some_end = std::ranges::any_of(children_, [](const auto& one) { return one.second.ends_by != 0; });
    const int count = epoll_wait(epoll_, ready, std::size(ready), some_end ? 500 : -1);
    for (int i = 0; i < count; ++i) {
      const std::uint64_t key = ready[i].data.u64;
      if (key == socket_key) on_request();
      if (key == signals_key) on_signal();
      if (key == socket_key || key == signals_key) continue;
      if (key & 1)
        on_end(key >> 1);
      else
        on_channel(key >> 1);
    }
    if (some_end) end_late_ones();
  }
}

Trouble SpawnerProcess::prepare() {
  sigset_t watched;
  sigemptyset(&watched);
  sigaddset(&watched, SIGTERM);
  if (!native()) sigaddset(&watched, SIGCHLD);
  signals_ = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (signals_ < 0 || epoll_ < 0) return {Step::descriptors, errno};
  if (!watch(socket_, socket_key) || !watch(signals_, signals_key)) return {Step::descriptors, errno};
  groups_.emplace(CgroupTree::open());
  switch (settings_.level) {
    case Level::off: break;
    case Level::restricted: filter_ = function_filter(Neighbours::shared); break;
    case Level::native:
      filter_ = function_filter(Neighbours::own, unix_sockets_of(settings_.network, landlock_abi()), ports_of(settings_.network));
      if (auto failed = maker_.prepare(settings_.network)) return failed;
      break;
    case Level::bwrap:
      if (auto failed = bubblewrap_.prepare(settings_.network)) return failed;
      break;
    case Level::oci: return {Step::request, ENOSYS};
  }
  // What an init leaves behind when somebody kills it comes here.
  if (!native() && prctl(PR_SET_CHILD_SUBREAPER, 1)) return {Step::limits, errno};
  return {};
}

bool SpawnerProcess::watch(int descriptor, std::uint64_t key) {
  epoll_event wanted{};
  wanted.events = EPOLLIN;
  wanted.data.u64 = key;
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &wanted) == 0;
}

void SpawnerProcess::on_signal() {
  signalfd_siginfo signal{};
  while (read(signals_, &signal, sizeof signal) == sizeof signal)
    if (signal.ssi_signo == SIGTERM) end();
  reap_removers();
  if (!native()) end_strays();
}

void SpawnerProcess::on_request() {
  auto received = protocol::receive_bytes(socket_, buffer_);
  if (received.state == protocol::Received::State::end) end();
  Parsed parsed;
  if (received.state == protocol::Received::State::nothing || !protocol::parse({buffer_.data(), received.size}, parsed)) return;
  if (parsed.request.kind == Kind::create) create(parsed, received.descriptors);
  if (parsed.request.kind == Kind::version) version(parsed, received.descriptors);
}

void SpawnerProcess::adopt(Child child) {
  child.handle = child.handle ? std::move(child.handle) : Fd(static_cast<int>(syscall(SYS_pidfd_open, child.pid, 0)));
  const auto id = ++last_id_;
  const bool watched = child.handle && watch(child.channel.get(), key_of(id, false)) && watch(child.handle.get(), key_of(id, true));
  children_.emplace(id, std::move(child));
  if (!watched) give_up(id);
}

// Nobody would hear of its end, so it ends now, and the server hears that by the channel.
void SpawnerProcess::give_up(std::uint64_t id) {
  const int pid = children_.at(id).pid;
  for (const int below : descendants(pid)) kill(below, SIGKILL);
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, __WALL);
  forget(children_.find(id));
}

void SpawnerProcess::on_channel(std::uint64_t id) {
  const auto found = children_.find(id);
  if (found == children_.end()) return;
  Child& child = found->second;
  auto received = protocol::receive_bytes(child.channel.get(), buffer_);
  if (received.state == protocol::Received::State::nothing) return;
  if (received.state == protocol::Received::State::end) {
    child.channel.reset();
    child.ends_by = now_ms() + ending_ms_max;
    // An init that has no pid namespace ends by itself, and must, since only it can end all it started.
    if (contained() || !child.sandbox) syscall(SYS_pidfd_send_signal, child.handle.get(), SIGKILL, nullptr, 0);
    if (!child.sandbox) kill(-child.pid, SIGKILL);
    return;
  }
  Parsed parsed;
  if (!protocol::parse({buffer_.data(), received.size}, parsed) || parsed.request.kind != Kind::limit) return;
  Answer answer{.sequence = parsed.request.sequence};
  std::vector<Fd> mounts;
  answer.trouble = limit(parsed, child, mounts);
  this->answer(child, answer, mounts);
}

void SpawnerProcess::on_end(std::uint64_t id) {
  const auto found = children_.find(id);
  if (found == children_.end()) return;
  if (waitpid(found->second.pid, nullptr, WNOHANG | __WALL) == 0) return;
  forget(found);
}

void SpawnerProcess::forget(std::map<std::uint64_t, Child>::iterator found) {
  Child& child = found->second;
  child.group.kill();
  if (child.sandbox) numbers_.erase(child.number);
  const std::string folder = child.private_folder;
  children_.erase(found);
  if (!native()) end_strays();
  if (!folder.empty()) remove_aside(folder);
}

// Whoever wrote there may have made it take long, and the other sandboxes do not wait for that.
void SpawnerProcess::remove_aside(const std::string& folder) {
  std::error_code ignored;
  const int pid = fork();
  if (pid > 0) removers_.insert(pid);
  if (pid > 0) return;
  if (pid == 0) syscall(SYS_close_range, 3U, ~0U, 0U);
  std::filesystem::remove_all(folder, ignored);
  if (pid == 0) _exit(0);
}

void SpawnerProcess::reap_removers() {
  std::erase_if(removers_, [](int pid) { return waitpid(pid, nullptr, WNOHANG) == pid; });
}

void SpawnerProcess::end_late_ones() {
  for (auto& [id, child] : children_) {
    if (!child.ends_by || now_ms() < child.ends_by) continue;
    for (const int pid : descendants(child.pid)) kill(pid, SIGKILL);
    syscall(SYS_pidfd_send_signal, child.handle.get(), SIGKILL, nullptr, 0);
  }
}

// Whatever is a child of this process and not one it made.
void SpawnerProcess::end_strays() {
  auto known = removers_;
  for (const auto& [id, child] : children_) known.insert(child.pid);
  for (const int pid : children(getpid())) {
    if (known.contains(pid)) continue;
    for (const int below : descendants(pid)) kill(below, SIGKILL);
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, WNOHANG | __WALL);
  }
}

[[noreturn]] void SpawnerProcess::end() {
  for (auto& [id, child] : children_)
    syscall(SYS_pidfd_send_signal, child.handle.get(), contained() || !child.sandbox ? SIGKILL : SIGTERM, nullptr, 0);
  const long until = now_ms() + ending_ms_max;
  while (!(children_.empty() && removers_.empty()) && now_ms() < until) {
    epoll_event ready[64];
    const int count = epoll_wait(epoll_, ready, std::size(ready), 50);
    for (int i = 0; i < count; ++i) {
      signalfd_siginfo signal{};
      if (ready[i].data.u64 == socket_key) epoll_ctl(epoll_, EPOLL_CTL_DEL, socket_, nullptr);
      if (ready[i].data.u64 == signals_key) (void)!read(signals_, &signal, sizeof signal);
      const std::uint64_t id = ready[i].data.u64 >> 1;
      if (id && (ready[i].data.u64 & 1))
        on_end(id);
      else if (const auto found = children_.find(id); found != children_.end())
        epoll_ctl(epoll_, EPOLL_CTL_DEL, found->second.channel.get(), nullptr);
    }
    reap_removers();
  }
  children_.clear();
  groups_.reset();
  _exit(0);
}

[[noreturn]] void run_spawner(const Spawner::Settings& settings, int socket) {
  if (!leave_server(socket)) _exit(1);
  auto* process = new SpawnerProcess(settings, socket);
  process->run();
}

}  // namespace sallyport::sandbox
