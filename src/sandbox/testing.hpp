// Testing: what the tests of this module share: work in a child, and a spawner whose sandboxes run the shell.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>

#include "base/text.hpp"
#include "sandbox/sandbox.hpp"

namespace sallyport::sandbox::testing {

/// What `work` gives, run in a child of its own that it may ruin; 128 + signal when it was killed.
template <class Work>
int in_child(Work work) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    _exit(work());
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// A folder that functions may read, gone at the end.
class Folder {
 public:
  Folder() {
    char name[] = "/tmp/sandbox-test-XXXXXX";
    path_ = mkdtemp(name);
    chmod(name, 0755);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }
  std::string write(const std::string& name, std::string_view text, mode_t mode = 0644) const {
    const std::string path = cat(path_, "/", name);
    std::ofstream(path) << text;
    chmod(path.c_str(), mode);
    return path;
  }

 private:
  std::string path_;
};

struct Ran {
  Exit exit;
  std::string output;
};

inline std::string read_all(int descriptor) {
  std::string text;
  std::array<char, 4096> part;
  for (ssize_t size; (size = read(descriptor, part.data(), part.size())) > 0;) text.append(part.data(), static_cast<std::size_t>(size));
  return text;
}

/// Nothing after ten seconds, or when the sandbox is gone.
inline std::optional<Exit> wait_exit(Sandbox& sandbox, int pid) {
  for (int round = 0; round < 100; ++round) {
    while (const auto exit = sandbox.next_exit())
      if (exit->pid == pid) return exit;
    if (sandbox.gone()) return std::nullopt;
    pollfd ready{sandbox.events(), POLLIN, 0};
    poll(&ready, 1, 100);
  }
  return std::nullopt;
}

inline Program shell(const std::string& script, Fd output) {
  Program program;
  program.arguments = {"/bin/sh", "-c", script};
  program.environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "NAME=value"};
  program.directory = "/";
  program.output = std::move(output);
  return program;
}

/// Starts a script; what it writes can be read at the second.
inline std::pair<Result<int>, Fd> start_script(Sandbox& sandbox, const std::string& script) {
  int pipes[2];
  if (pipe2(pipes, O_CLOEXEC)) return {fail("no pipe"), Fd()};
  Fd output(pipes[0]);
  return {sandbox.start(shell(script, Fd(pipes[1]))), std::move(output)};
}

/// Runs a script to its end.
inline Ran run(Sandbox& sandbox, const std::string& script) {
  auto [pid, output] = start_script(sandbox, script);
  if (!pid) return {{}, pid.error().message};
  Ran ran;
  ran.output = read_all(output.get());
  if (const auto exit = wait_exit(sandbox, *pid))
    ran.exit = *exit;
  else
    ran.output += "(it did not end)";
  return ran;
}

template <class Condition>
bool eventually(Condition condition) {
  for (int round = 0; round < 500; ++round) {
    if (condition()) return true;
    usleep(10'000);
  }
  return false;
}

/// A spawner of level native with a network of its own, and three folders.
class Native : public ::testing::Test {
 protected:
  static constexpr Network network = Network::isolated;
  void SetUp() override {
    auto spawner = Spawner::start({.level = Level::native, .network = network});
    if (!spawner) GTEST_SKIP() << "no level native here: " << spawner.error().message;
    spawner_ = std::move(*spawner);
  }
  std::unique_ptr<Sandbox> create() {
    auto sandbox = spawner_->create({.read_only = {}, .runtime_directory = runtime_.path()});
    EXPECT_TRUE(sandbox) << sandbox.error().message;
    return sandbox ? std::move(*sandbox) : nullptr;
  }
  std::unique_ptr<Sandbox> make(int tmp_mb = 512) {
    auto sandbox = create();
    const auto assigned = sandbox->assign({.code_directory = code_.path(), .layers_directory = layers_.path(), .tmp_mb = tmp_mb});
    EXPECT_TRUE(assigned) << assigned.error().message;
    return sandbox;
  }

  Folder code_, layers_, runtime_;
  std::unique_ptr<Spawner> spawner_;
};

}  // namespace sallyport::sandbox::testing
