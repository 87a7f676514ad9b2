#include <uv.h>

#include "io/uv_stream.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/text.hpp"

namespace sallyport::io {
namespace {

struct Descriptor {
  int fd = -1;
  Descriptor() = default;
  explicit Descriptor(int value) : fd(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  int release() { return std::exchange(fd, -1); }
};

// Between fork and exec only async-signal-safe calls are allowed; everything was prepared before.
[[noreturn]] void become_child(const ChildProcess::Options& options, char* const* argv, char* const* environment, int frames, int output,
                               int null) {
  setsid();
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  // The descriptors may sit on each other's targets, so they are moved out of the way first.
  const int high_frames = fcntl(frames, F_DUPFD, 10), high_output = fcntl(output, F_DUPFD, 10), high_null = fcntl(null, F_DUPFD, 10);
  if (dup2(high_null, 0) < 0 || dup2(high_output, 1) < 0 || dup2(high_output, 2) < 0 || dup2(high_frames, 3) < 0) _exit(127);
  syscall(SYS_close_range, 4u, ~0u, 0u);
  if (!options.directory.empty() && chdir(options.directory.c_str())) _exit(127);
  if (options.prepare && options.prepare(options.prepare_argument)) _exit(127);
  execve(options.program.c_str(), argv, environment);
  _exit(127);
}

class UvProcess final : public ChildProcess {
 public:
  struct Handle {
    uv_poll_t poll;
    UvProcess* owner;
    int pidfd;
  };

  UvProcess(Loop& loop, int pid, int pidfd, std::move_only_function<void(ExitStatus)> exited)
      : pid_(pid), exited_(std::move(exited)), frames_(loop), output_(loop), handle_(new Handle{{}, this, pidfd}) {
    uv_poll_init(loop.raw(), &handle_->poll, pidfd);
    handle_->poll.data = handle_;
    uv_poll_start(&handle_->poll, UV_READABLE, [](uv_poll_t* poll, int, int) {
      if (auto* self = static_cast<Handle*>(poll->data)->owner) self->reap();
    });
  }
  ~UvProcess() override {
    if (!reaped_) {
      kill();
      int status = 0;
      while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
      }
    }
    handle_->owner = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&handle_->poll), [](uv_handle_t* handle) {
      auto* done = static_cast<Handle*>(handle->data);
      ::close(done->pidfd);
      delete done;
    });
  }
  void adopt(Loop& loop, int frames, int output) {
    uv_pipe_init(loop.raw(), &frames_.handle().pipe, 0);
    uv_pipe_open(&frames_.handle().pipe, frames);
    frames_.start();
    uv_pipe_init(loop.raw(), &output_.handle().pipe, 0);
    uv_pipe_open(&output_.handle().pipe, output);
    output_.start();
  }
  int pid() const override { return pid_; }
  Stream& frames() override { return frames_; }
  Stream& output() override { return output_; }
  void kill() override {
    // After reaping the number may be another's; the group has been killed then.
    if (reaped_) return;
    ::kill(-pid_, SIGKILL);  // the group of the session, so that what the child started dies with it
    ::kill(pid_, SIGKILL);
  }
  void drain_output() override { output_.drain(2); }
  void drain_frames() override { frames_.drain(64); }

 private:
  void reap() {
    int status = 0;
    if (reaped_ || waitpid(pid_, &status, WNOHANG) != pid_) return;
    ::kill(-pid_, SIGKILL);  // what the child left behind in its group
    reaped_ = true;
    uv_poll_stop(&handle_->poll);
    ExitStatus exit;
    if (WIFEXITED(status)) exit.code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) exit.signal = WTERMSIG(status);
    auto exited = std::move(exited_);
    exited(exit);
  }

  int pid_;
  std::move_only_function<void(ExitStatus)> exited_;
  UvStream frames_, output_;
  Handle* handle_;
  bool reaped_ = false;
};

}  // namespace

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(Loop& loop, const Options& options,
                                                          std::move_only_function<void(ExitStatus)> exited) {
  int sockets[2], pipes[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets)) return fail(cat("cannot make a socket pair: ", std::strerror(errno)));
  Descriptor ours(sockets[0]), theirs(sockets[1]);
  if (pipe2(pipes, O_CLOEXEC)) return fail(cat("cannot make a pipe: ", std::strerror(errno)));
  Descriptor output(pipes[0]), output_end(pipes[1]);
  Descriptor null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (null.fd < 0) return fail(cat("cannot open /dev/null: ", std::strerror(errno)));

  std::vector<char*> argv, environment;
  for (const auto& argument : options.arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  for (const auto& variable : options.environment) environment.push_back(const_cast<char*>(variable.c_str()));
  argv.push_back(nullptr);
  environment.push_back(nullptr);

  const pid_t pid = fork();
  if (pid < 0) return fail(cat("cannot start a process: ", std::strerror(errno)));
  if (pid == 0) become_child(options, argv.data(), environment.data(), theirs.fd, output_end.fd, null.fd);
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) {
    ::kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return fail(cat("cannot watch a process: ", std::strerror(errno)));
  }
  auto process = std::make_unique<UvProcess>(loop, pid, pidfd, std::move(exited));
  process->adopt(loop, ours.release(), output.release());
  return process;
}

}  // namespace sallyport::io
