// What holds at every level; native_test.cpp has what only namespaces give.
#include "sandbox/sandbox.hpp"

#include <sys/resource.h>
#include <sys/wait.h>

#include "sandbox/family.hpp"
#include "sandbox/testing.hpp"

namespace sallyport::sandbox {
namespace {

using namespace testing;
using ::testing::HasSubstr;

class Levels : public ::testing::TestWithParam<Level> {
 protected:
  void SetUp() override {
    code_.write("hello", "hello from code\n");
    auto spawner = Spawner::start({.level = GetParam(), .network = Network::host});
    if (!spawner && GetParam() != Level::off) GTEST_SKIP() << "no such level here: " << spawner.error().message;
    ASSERT_TRUE(spawner) << spawner.error().message;
    spawner_ = std::move(*spawner);
  }
  std::unique_ptr<Sandbox> make(int tmp_mb = 512) {
    auto sandbox = spawner_->create({.read_only = {}, .runtime_directory = runtime_.path()});
    EXPECT_TRUE(sandbox) << sandbox.error().message;
    if (!sandbox) return nullptr;
    const auto assigned = (*sandbox)->assign({.code_directory = code_.path(), .layers_directory = layers_.path(), .tmp_mb = tmp_mb});
    EXPECT_TRUE(assigned) << assigned.error().message;
    return std::move(*sandbox);
  }

  Folder code_, layers_, runtime_;
  std::unique_ptr<Spawner> spawner_;
};

TEST_P(Levels, RunsAProgram) {
  auto sandbox = make();
  const auto ran = run(*sandbox, cat("cat ", sandbox->task_root(), "/hello; echo $NAME; pwd; exit 7"));
  EXPECT_EQ(ran.output, "hello from code\nvalue\n/\n");
  EXPECT_EQ(ran.exit.code, 7);
  EXPECT_EQ(ran.exit.signal, 0);
}

TEST_P(Levels, SaysWhatCannotBeStarted) {
  auto sandbox = make();
  code_.write("plain", "text");
  const auto start = [&](const std::string& path) {
    Program program = shell("", Fd(open("/dev/null", O_WRONLY)));
    program.arguments = {path};
    auto started = sandbox->start(std::move(program));
    return started ? "started" : started.error().message;
  };
  EXPECT_EQ(start("/usr/nowhere"), "cannot start /usr/nowhere: No such file or directory");
  const auto plain = cat(sandbox->task_root(), "/plain");
  EXPECT_EQ(start(plain), cat("cannot start ", plain, ": Permission denied"));
  EXPECT_EQ(run(*sandbox, "echo still here").output, "still here\n");
}

TEST_P(Levels, SaysWhenTheFolderIsMissing) {
  auto sandbox = make();
  Program program = shell("true", Fd(open("/dev/null", O_WRONLY)));
  program.directory = "/usr/nowhere";
  const auto started = sandbox->start(std::move(program));
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("working folder: No such file or directory"));
}

TEST_P(Levels, HandsDescriptorsOnAndNoOthers) {
  auto sandbox = make();
  int one[2], two[2], output[2];
  ASSERT_EQ(pipe2(one, O_CLOEXEC) | pipe2(two, O_CLOEXEC) | pipe2(output, O_CLOEXEC), 0);
  Program program = shell("echo three >&3; echo four >&4; ls /proc/self/fd | tr '\\n' ' '", Fd(output[1]));
  program.inherited.emplace_back(one[1]);
  program.inherited.emplace_back(two[1]);
  const auto pid = sandbox->start(std::move(program));
  ASSERT_TRUE(pid) << pid.error().message;
  EXPECT_EQ(read_all(Fd(one[0]).get()), "three\n");
  EXPECT_EQ(read_all(Fd(two[0]).get()), "four\n");
  EXPECT_EQ(read_all(Fd(output[0]).get()), "0 1 2 3 4 5 ") << "the last is the folder that is listed";
}

TEST_P(Levels, SignalsAndTellsTheSignal) {
  auto sandbox = make();
  auto [pid, output] = start_script(*sandbox, "echo ready; exec sleep 100");
  ASSERT_TRUE(pid);
  char text[6];
  ASSERT_EQ(read(output.get(), text, 6), 6);
  sandbox->signal(*pid, SIGTERM);
  const auto exit = wait_exit(*sandbox, *pid);
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->signal, SIGTERM);
}

TEST_P(Levels, KillsAllButGoesOn) {
  auto sandbox = make();
  // A grandchild in a session of its own, whose parent has ended.
  auto [pid, output] = start_script(*sandbox, "(setsid sleep 100 &) ; setsid sh -c 'sleep 100 & echo ready; wait'");
  ASSERT_TRUE(pid);
  char text[6];
  ASSERT_EQ(read(output.get(), text, 6), 6);
  EXPECT_GE(descendants(sandbox->host_pid()).size(), 3u);
  sandbox->kill_all();
  const auto exit = wait_exit(*sandbox, *pid);
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->signal, SIGKILL);
  EXPECT_EQ(read_all(output.get()), "") << "everybody who could write has ended";
  EXPECT_TRUE(eventually([&] { return descendants(sandbox->host_pid()).empty(); }));
  EXPECT_EQ(run(*sandbox, "echo again").output, "again\n");
}

TEST_P(Levels, KillsAFloodOfForks) {
  auto sandbox = make();
  auto [pid, output] =
      start_script(*sandbox, "echo ready; f() { f | f & }; i=0; while [ $i -lt 60 ]; do (sleep 50 &) ; i=$((i+1)); done; wait; sleep 50");
  ASSERT_TRUE(pid);
  char text[6];
  ASSERT_EQ(read(output.get(), text, 6), 6);
  sandbox->kill_all();
  ASSERT_TRUE(wait_exit(*sandbox, *pid));
  EXPECT_EQ(run(*sandbox, "echo again").output, "again\n");
}

TEST_P(Levels, FreezesAndThaws) {
  auto sandbox = make();
  auto [pid, output] = start_script(*sandbox, "while :; do echo x; sleep 0.02; done");
  ASSERT_TRUE(pid);
  // T: stopped. D: waits for a child it shares its memory with until that executes something, and the child is stopped. Z: has ended, and
  // its parent is stopped.
  const auto frozen = [&] {
    for (const int one : descendants(sandbox->host_pid())) {
      std::string line;
      std::ifstream file(cat("/proc/", one, "/stat"));
      std::getline(file, line);
      const auto end = line.rfind(") ");
      if (end != std::string::npos && !std::string_view("TDZ").contains(line[end + 2])) return false;
    }
    return true;
  };
  const auto drain = [&] {
    pollfd ready{output.get(), POLLIN, 0};
    char text[256];
    while (poll(&ready, 1, 0) > 0 && read(output.get(), text, sizeof text) > 0) {
    }
  };
  const auto speaks_within = [&](int ms) {
    pollfd ready{output.get(), POLLIN, 0};
    return poll(&ready, 1, ms) > 0;
  };
  sandbox->freeze();
  EXPECT_TRUE(eventually(frozen));
  drain();
  EXPECT_FALSE(speaks_within(100));
  sandbox->thaw();
  EXPECT_TRUE(speaks_within(5'000));
  sandbox->freeze();
  sandbox->kill_all();
  EXPECT_TRUE(wait_exit(*sandbox, *pid)) << "what is frozen can be killed";
}

TEST_P(Levels, EndsWithItsObject) {
  auto sandbox = make();
  auto [pid, output] = start_script(*sandbox, "echo ready; (setsid sleep 100 &); exec sleep 100");
  ASSERT_TRUE(pid);
  char text[6];
  ASSERT_EQ(read(output.get(), text, 6), 6);
  const int first = sandbox->host_pid();
  sandbox.reset();
  EXPECT_EQ(read_all(output.get()), "") << "its writers have ended";
  EXPECT_TRUE(eventually([&] { return kill(first, 0) != 0 && errno == ESRCH; }));
  EXPECT_TRUE(eventually([&] { return children(spawner_->pid()).empty(); }));
}

TEST_P(Levels, EndsWithTheSpawner) {
  auto sandbox = make();
  auto [pid, output] = start_script(*sandbox, "echo ready; (setsid sleep 100 &); exec sleep 100");
  ASSERT_TRUE(pid);
  char text[6];
  ASSERT_EQ(read(output.get(), text, 6), 6);
  EXPECT_FALSE(sandbox->gone());
  kill(spawner_->pid(), SIGKILL);
  // Bubblewrap gave up root's right to end a process of another user. The server ends when its spawner does, and all it holds with it.
  const bool ends_with_the_server = GetParam() == Level::bwrap && geteuid() == 0;
  if (ends_with_the_server) sandbox.reset();
  EXPECT_EQ(read_all(output.get()), "");
  if (ends_with_the_server) return;
  EXPECT_TRUE(eventually([&] { return sandbox->gone(); }));
  EXPECT_FALSE(sandbox->next_exit() && sandbox->next_exit());
  EXPECT_FALSE(sandbox->start(shell("true", Fd(open("/dev/null", O_WRONLY)))));
  auto late = spawner_->create({});
  EXPECT_FALSE(late && (*late)->assign({.code_directory = code_.path(), .layers_directory = ""}));
}

TEST_P(Levels, EndsWithTheServer) {
  int report[2];
  ASSERT_EQ(pipe2(report, 0), 0);
  const int server = fork();
  if (server == 0) {
    auto spawner = Spawner::start({.level = GetParam(), .network = Network::host});
    if (!spawner) _exit(1);
    auto sandbox = (*spawner)->create({.read_only = {}, .runtime_directory = runtime_.path()});
    if (!sandbox || !(*sandbox)->assign({.code_directory = code_.path(), .layers_directory = ""})) _exit(2);
    auto started = start_script(**sandbox, "echo ready; exec sleep 100");
    char text[6];
    if (read(started.second.get(), text, 6) != 6) _exit(3);
    const int pids[] = {(*spawner)->pid(), (*sandbox)->host_pid()};
    (void)!write(report[1], pids, sizeof pids);
    kill(getpid(), SIGKILL);
  }
  int pids[2] = {}, status = 0;
  ASSERT_EQ(read(report[0], pids, sizeof pids), static_cast<ssize_t>(sizeof pids));
  ASSERT_EQ(waitpid(server, &status, 0), server);
  ASSERT_TRUE(WIFSIGNALED(status));
  for (const int pid : pids) EXPECT_TRUE(eventually([&] { return kill(pid, 0) != 0; })) << pid;
  close(report[0]);
  close(report[1]);
}

TEST_P(Levels, TellsMemory) {
  auto sandbox = make();
  auto [pid, output] = start_script(*sandbox, "x=$(head -c 30000000 /dev/zero | tr '\\0' x); echo ready; sleep 100");
  ASSERT_TRUE(pid);
  char text[6];
  ASSERT_EQ(read(output.get(), text, 6), 6);
  const auto memory = sandbox->memory();
  EXPECT_GT(memory.now_kib, 25'000);
  EXPECT_GE(memory.peak_kib, memory.now_kib);
  EXPECT_FALSE(memory.limit_hit);
}

// A process with 48 MiB and three that share them.
class SharingFamily {
 public:
  SharingFamily() {
    int told[2];
    if (pipe2(told, O_CLOEXEC)) std::abort();
    head_ = fork();
    if (head_ == 0) {
      std::vector<char> held(48 << 20, 'x');
      for (int i = 0; i < 3; ++i)
        if (fork() == 0) break;
      (void)!write(told[1], held.data(), 1);
      for (;;) pause();
    }
    char ready[4];
    for (std::size_t got = 0; got < sizeof ready;) got += static_cast<std::size_t>(std::max<ssize_t>(0, read(told[0], ready, 1)));
    close(told[0]);
    close(told[1]);
  }
  ~SharingFamily() {
    for (const int one : descendants(head_)) kill(one, SIGKILL);
    kill(head_, SIGKILL);
    waitpid(head_, nullptr, 0);
  }
  int above = getpid();

 private:
  int head_ = 0;
};

TEST(FamilyMemory, OfPagesThatSeveralShareIsTold) {
  const SharingFamily family;
  const auto memory = memory_of_family(family.above, 100 * 1024);
  EXPECT_GT(memory.now_kib, 4 * 48 * 1024);
  EXPECT_TRUE(memory.shares_counted_often);
  EXPECT_LT(memory.peak_kib, 2 * 48 * 1024) << "that is what one of them held";
  EXPECT_FALSE(memory_of_family(family.above, 1024 * 1024).shares_counted_often) << "nobody asks";
}

TEST(FamilyMemory, TakesNoMoreTimeThanItIsGiven) {
  const SharingFamily family;
  const auto exact = shared_memory_of_family(family.above, std::chrono::seconds(5));
  EXPECT_GT(exact, 47 * 1024);
  EXPECT_LT(exact, 2 * 48 * 1024);
  EXPECT_GT(shared_memory_of_family(family.above, std::chrono::seconds(0)), 4 * 48 * 1024) << "whom nobody looked at counts in full";
}

TEST_P(Levels, DialsWhatListens) {
  auto sandbox = make();
  EXPECT_FALSE(sandbox->dial(1));
  EXPECT_FALSE(sandbox->dial(0));
  if (access("/usr/bin/python3", X_OK)) GTEST_SKIP() << "no /usr/bin/python3 to listen with";
  auto [pid, output] = start_script(*sandbox,
                                    "exec /usr/bin/python3 -c 'import socket; s=socket.create_server((\"127.0.0.1\",0)); "
                                    "print(s.getsockname()[1],flush=True); c,_=s.accept(); c.sendall(b\"hi\")'");
  ASSERT_TRUE(pid);
  char text[8] = {};
  ASSERT_GT(read(output.get(), text, 7), 0);
  auto connection = sandbox->dial(atoi(text));
  ASSERT_TRUE(connection) << connection.error().message;
  pollfd ready{connection->get(), POLLIN, 0};
  poll(&ready, 1, 5'000);
  ASSERT_EQ(read(connection->get(), text, 2), 2);
  EXPECT_EQ(std::string_view(text, 2), "hi");
}

TEST_P(Levels, CannotGainPrivileges) {
  auto sandbox = make();
  const auto ran = run(*sandbox, "grep -E '^(NoNewPrivs|CapEff|CapPrm|CapBnd|CapAmb)' /proc/self/status");
  EXPECT_THAT(ran.output, HasSubstr("NoNewPrivs:\t1"));
  EXPECT_THAT(ran.output, HasSubstr("CapEff:\t0000000000000000"));
  EXPECT_THAT(ran.output, HasSubstr("CapPrm:\t0000000000000000"));
}

TEST_P(Levels, RefusesASecondAssignment) {
  auto sandbox = make();
  if (GetParam() == Level::native) {
    EXPECT_FALSE(sandbox->assign({.code_directory = code_.path(), .layers_directory = ""}));
  }
  EXPECT_EQ(run(*sandbox, "echo ok").output, "ok\n");
}

TEST_P(Levels, GivesAPlaceForFiles) {
  auto sandbox = make();
  const auto ran =
      run(*sandbox, "echo kept > ${TMPDIR:-/tmp}/sandbox-test-file && cat ${TMPDIR:-/tmp}/sandbox-test-file && echo ${TMPDIR:-/tmp}");
  EXPECT_THAT(ran.output, ::testing::StartsWith("kept\n"));
  const auto folder = ran.output.substr(5, ran.output.size() - 6);
  std::filesystem::remove("/tmp/sandbox-test-file");
  if (GetParam() != Level::restricted) return;
  EXPECT_TRUE(std::filesystem::exists(folder));
  sandbox.reset();
  EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(folder); })) << "it goes with the sandbox";
}

TEST_P(Levels, WhatAFunctionLeftIsRemovedAside) {
  if (GetParam() != Level::restricted) GTEST_SKIP() << "its place for files goes with its namespaces, or is everybody's";
  auto sandbox = make();
  const auto ran = run(*sandbox,
                       "cd $TMPDIR && mkdir -p a/b/c && i=0 && while [ $i -lt 3000 ]; do : > a/b/$i; i=$((i+1)); done; ln -s / a/link; "
                       "printf $TMPDIR");
  ASSERT_TRUE(std::filesystem::exists(ran.output + "/a/b/2999")) << ran.output;
  sandbox.reset();
  // The spawner has noticed its end when it answers this, and strays of others that end meanwhile do not take the remover with them.
  for (int i = 0; i < 3; ++i) EXPECT_EQ(run(*make(), "sleep 100 >/dev/null 2>&1 & echo on").output, "on\n");
  EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(ran.output); }));
  const auto removers = [&] { return children(spawner_->pid()).size(); };
  EXPECT_TRUE(eventually([&] { return removers() == 0; })) << "nobody is left behind";
}

TEST_P(Levels, ConfinesToFiles) {
  if (GetParam() == Level::off) GTEST_SKIP() << "that is what off means";
  Folder other;
  const auto secret = other.write("secret", "secret");
  auto sandbox = make();
  EXPECT_EQ(run(*sandbox, cat("cat ", secret, " 2>/dev/null")).output, "");
  EXPECT_EQ(run(*sandbox, "cat /etc/shadow 2>/dev/null").output, "");
  EXPECT_NE(run(*sandbox, cat("touch ", sandbox->task_root(), "/mine 2>/dev/null")).exit.code, 0);
  EXPECT_NE(run(*sandbox, cat("touch ", other.path(), "/mine 2>/dev/null")).exit.code, 0);
  EXPECT_FALSE(std::filesystem::exists(cat(code_.path(), "/mine")) || std::filesystem::exists(cat(other.path(), "/mine")));
  EXPECT_EQ(run(*sandbox, cat("cat /proc/", getpid(), "/environ 2>/dev/null")).output, "");
  EXPECT_NE(run(*sandbox, cat("kill -0 ", getpid(), " 2>/dev/null")).exit.code, 0);
  EXPECT_NE(run(*sandbox, cat("kill -0 ", spawner_->pid(), " 2>/dev/null")).exit.code, 0);
}

TEST_P(Levels, RefusesZeroBytes) {
  auto sandbox = make();
  Program program = shell("true", Fd(open("/dev/null", O_WRONLY)));
  program.environment.push_back(std::string("A=b\0C=d", 7));
  EXPECT_FALSE(sandbox->start(std::move(program)));
  EXPECT_EQ(run(*sandbox, "echo ok").output, "ok\n");
}

TEST_P(Levels, TakesALargeEnvironmentAndRefusesATooLarge) {
  auto sandbox = make();
  int output[2];
  ASSERT_EQ(pipe2(output, O_CLOEXEC), 0);
  Program program = shell("echo ${#BIG}", Fd(output[1]));
  program.environment.push_back(cat("BIG=", std::string(100'000, 'x')));
  ASSERT_TRUE(sandbox->start(std::move(program)));
  EXPECT_EQ(read_all(Fd(output[0]).get()), "100000\n");
  program = shell("true", Fd(open("/dev/null", O_WRONLY)));
  for (int i = 0; i < 3; ++i) program.environment.push_back(cat("BIG", i, "=", std::string(100'000, 'x')));
  const auto started = sandbox->start(std::move(program));
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("too long"));
  EXPECT_EQ(run(*sandbox, "echo ok").output, "ok\n");
}

TEST_P(Levels, TellsVersions) {
  const auto version = spawner_->version_of("/bin/bash");
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_THAT(*version, HasSubstr("GNU bash"));
  const auto missing = spawner_->version_of("/usr/nowhere");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "cannot start /usr/nowhere: No such file or directory");
}

TEST_P(Levels, LimitsDescriptorsAndCores) {
  auto sandbox = make();
  EXPECT_EQ(run(*sandbox, "ulimit -n; ulimit -Hn; umask").output, "1024\n1024\n0022\n");
  rlimit core{};
  ASSERT_EQ(getrlimit(RLIMIT_CORE, &core), 0);
  EXPECT_EQ(run(*sandbox, "sed -n 's/^Max core file size *\\([0-9]*\\) *\\([0-9]*\\) .*/\\1 \\2/p' /proc/self/limits").output,
            core.rlim_max || geteuid() == 0 ? "1 1\n" : "0 0\n")
      << "0 does not keep the kernel from a handler behind a pipe";
}

INSTANTIATE_TEST_SUITE_P(All, Levels, ::testing::Values(Level::off, Level::restricted, Level::native, Level::bwrap),
                         [](const auto& level) { return std::string(to_text(level.param)); });

}  // namespace
}  // namespace sallyport::sandbox
