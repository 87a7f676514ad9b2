#include <gtest/gtest.h>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/text.hpp"
#include "io/completion.hpp"
#include "io/stream.hpp"

namespace sallyport::io {
namespace {

using std::chrono::milliseconds;

/// A second loop on a thread of its own.
struct OtherLoop {
  std::unique_ptr<Loop> loop = *Loop::make();
  std::thread thread{[this] { loop->run(); }};
  ~OtherLoop() {
    loop->stop();
    thread.join();
  }
};

class IoTest : public testing::Test {
 public:
  void run(Task<void> task) {
    loop->scope().spawn(std::move(task));
    loop->scope().when_empty([this] { loop->stop(); });
    loop->run();
  }
  std::unique_ptr<Loop> loop = *Loop::make();
};

TEST_F(IoTest, ATaskMovesBetweenLoops) {
  OtherLoop other;
  run([](Loop& here, Loop& there) -> Task<void> {
    const auto home = std::this_thread::get_id();
    co_await there.switch_to();
    EXPECT_NE(std::this_thread::get_id(), home);
    EXPECT_TRUE(there.is_here());
    co_await here.switch_to();
    EXPECT_EQ(std::this_thread::get_id(), home);
  }(*loop, *other.loop));
}

TEST_F(IoTest, ACompletionResumesOnTheWaitersLoop) {
  OtherLoop other;
  run([](Loop& here, Loop& there) -> Task<void> {
    for (int i = 0; i < 1000; ++i) {
      Completion<int> completion;
      there.post([completion, i]() mutable {
        EXPECT_TRUE(completion.deliver(i));
        EXPECT_FALSE(completion.deliver(-1)) << "the first value counts";
      });
      EXPECT_EQ(co_await completion.wait_on(here), i);
      EXPECT_TRUE(here.is_here());
    }
  }(*loop, *other.loop));
}

TEST_F(IoTest, PostedWorkRunsInOrder) {
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) loop->post([&order, i] { order.push_back(i); });
  loop->stop();
  loop->run();
  EXPECT_EQ(order, (std::vector{0, 1, 2}));
}

TEST_F(IoTest, ADestroyedDeadlineDoesNotFire) {
  bool fired = false;
  run([](Loop& here, bool& flag) -> Task<void> {
    {
      Deadline deadline(here, milliseconds(1), [&flag] { flag = true; });
    }
    co_await sleep_for(here, milliseconds(5));
  }(*loop, fired));
  EXPECT_FALSE(fired);
}

TEST_F(IoTest, BlockingWorkRunsElsewhereAndResumesHere) {
  run([](Loop& here) -> Task<void> {
    std::thread::id worker;
    co_await run_blocking(here, [&worker] { worker = std::this_thread::get_id(); });
    EXPECT_NE(worker, std::this_thread::get_id());
    EXPECT_TRUE(here.is_here());
  }(*loop));
}

TEST_F(IoTest, BytesGoBothWaysOverTcp) {
  std::unique_ptr<Stream> accepted;
  Completion<bool> ready;
  auto listener = Listener::open(*loop, "127.0.0.1", 0, [&](std::unique_ptr<Stream> stream) {
    accepted = std::move(stream);
    ready.deliver(true);
  });
  ASSERT_TRUE(listener);
  run([](Loop& here, int port, std::unique_ptr<Stream>& server, Completion<bool> arrived) -> Task<void> {
    auto client = co_await attempt(connect(here, "127.0.0.1", port, milliseconds(1000)));
    EXPECT_TRUE(client);
    co_await arrived.wait_on(here);
    EXPECT_EQ(server->peer_address(), "127.0.0.1");
    // More than the kernel takes at once, so that the rest is written later.
    const std::string large(8 << 20, 'x');
    Completion<bool> written;
    here.scope().spawn([](Stream& to, const std::string& bytes, Completion<bool> done) -> Task<void> {
      done.deliver(co_await to.write(bytes));
    }(**client, large, written));
    std::size_t received = 0;
    while (received < large.size() && co_await server->read_more()) {
      received += server->incoming().size();
      server->consume(server->incoming().size());
    }
    EXPECT_EQ(received, large.size());
    EXPECT_TRUE(co_await written.wait_on(here));
    (*client)->close();
    EXPECT_FALSE(co_await server->read_more());
    EXPECT_FALSE(co_await (*client)->write("late"));
    server.reset();
  }(*loop, (*listener)->port(), accepted, ready));
}

TEST_F(IoTest, APortIsSharedWhereBothSidesWantIt) {
  using enum Listener::Port;
  const auto open = [this](int port, Listener::Port sharing) { return Listener::open(*loop, "127.0.0.1", port, [](auto) {}, sharing); };
  const auto alone = open(0, exclusive), first = open(0, shared);
  ASSERT_TRUE(alone && first);
  EXPECT_FALSE(open((*alone)->port(), shared)) << "what nobody shares, nobody gets a part of";
  EXPECT_FALSE(open((*first)->port(), exclusive));
  EXPECT_FALSE(Listener::check_free("127.0.0.1", (*first)->port()));
  EXPECT_TRUE(open((*first)->port(), shared));
}

TEST_F(IoTest, ConnectingToNobodyFails) {
  run([](Loop& here) -> Task<void> { EXPECT_FALSE(co_await attempt(connect(here, "127.0.0.1", 1, milliseconds(1000)))); }(*loop));
}

TEST_F(IoTest, AddressesOfThisMachineAndItsNetworkAreNotPublic) {
  for (const auto* address : {"127.0.0.1",
                              "127.9.9.9",
                              "10.1.2.3",
                              "172.16.0.1",
                              "172.31.255.255",
                              "192.168.1.1",
                              "169.254.169.254",
                              "0.0.0.0",
                              "100.64.0.1",
                              "224.0.0.1",
                              "255.255.255.255",
                              "192.0.2.1",
                              "198.18.0.1",
                              "::1",
                              "::",
                              "fe80::1",
                              "fd00::1",
                              "ff02::1",
                              "::ffff:127.0.0.1",
                              "::ffff:10.0.0.1",
                              "64:ff9b::7f00:1",
                              "2002:7f00:1::",
                              "2001:db8::1",
                              "name"})
    EXPECT_FALSE(is_public_address(address)) << address;
  for (const auto* address : {"8.8.8.8", "172.32.0.1", "192.0.1.1", "2600::1", "::ffff:8.8.8.8", "2002:808:808::"})
    EXPECT_TRUE(is_public_address(address)) << address;
  run([](Loop& here) -> Task<void> {
    const auto refused = co_await attempt(connect(here, "localhost", 1, milliseconds(1000), Addresses::public_only));
    EXPECT_FALSE(refused);
    if (!refused) EXPECT_EQ(refused.error().message, "the address is not a public one");
  }(*loop));
}

TEST_F(IoTest, ClosingAStreamWakesItsReader) {
  run([](Loop& here) -> Task<void> {
    auto [left, right] = make_stream_pair(here);
    Completion<bool> woken;
    here.scope().spawn(
        [](Stream& stream, Completion<bool> done) -> Task<void> { done.deliver(!co_await stream.read_more()); }(*left, woken));
    left->close();
    EXPECT_TRUE(co_await woken.wait_on(here));
  }(*loop));
}

TEST_F(IoTest, DescriptorsOfOthersBecomeStreams) {
  int pair[2], pipes[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  ASSERT_EQ(pipe2(pipes, O_CLOEXEC), 0);
  auto here = adopt_stream(*loop, pair[0]), there = adopt_stream(*loop, pair[1]), output = adopt_stream(*loop, pipes[0]);
  ASSERT_TRUE(here && there && output);
  run([](Stream& one, Stream& two, Stream& end, int writer) -> Task<void> {
    co_await one.write("hello");
    while (two.incoming().size() < 5) co_await two.read_more();
    EXPECT_EQ(two.incoming(), "hello");
    EXPECT_EQ(write(writer, "line\n", 5), 5);
    drain(end, 2);
    EXPECT_EQ(end.incoming(), "line\n") << "what is there already needs no waiting";
    close(writer);
    EXPECT_FALSE(co_await end.read_more());
  }(**here, **there, **output, pipes[1]));
}

// From here on the kernel has no room for watching this descriptor, as far as this thread is told.
bool refuse_to_watch(int descriptor) {
  constexpr auto argument = [](unsigned index) { return static_cast<unsigned>(offsetof(seccomp_data, args) + 8 * index); };
  sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_epoll_ctl, 0, 5),
                        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument(1)),
                        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, EPOLL_CTL_ADD, 0, 3),
                        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument(2)),
                        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(descriptor), 0, 1),
                        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSPC),
                        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  sock_fprog program{std::size(code), code};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

TEST(Loop, GoesOnWhereTheKernelHasNoRoomForAnotherWatch) {
  const auto child = fork();
  if (child == 0) {
    constexpr int unlucky = 700;
    int poor[2], rich[2];
    if (pipe2(poor, O_CLOEXEC) || pipe2(rich, O_CLOEXEC) || dup2(poor[0], unlucky) != unlucky || !refuse_to_watch(unlucky)) _exit(2);
    const auto loop = *Loop::make();
    int code = 3;
    auto one = adopt_stream(*loop, unlucky), two = adopt_stream(*loop, rich[0]);
    if (!one || !two || write(poor[1], "x", 1) != 1) _exit(4);
    loop->scope().spawn([](Loop& here, Stream& waits, Stream& works, int writer, int& result) -> Task<void> {
      for (int i = 0; i < 3; ++i) {
        co_await sleep_for(here, milliseconds(60));
        if (write(writer, "x", 1) != 1 || !co_await works.read_more()) co_return;
      }
      if (!waits.incoming().empty()) co_return;
      waits.close();
      works.close();
      result = 0;
    }(*loop, **one, **two, rich[1], code));
    loop->scope().when_empty([&] { loop->stop(); });
    loop->run();
    _exit(code);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST_F(IoTest, DrainingNeverRunsTheReaderWithin) {
  int pipes[2];
  ASSERT_EQ(pipe2(pipes, O_CLOEXEC), 0);
  auto output = adopt_stream(*loop, pipes[0]);
  ASSERT_TRUE(output);
  run([](Loop& here, Stream& end, int writer) -> Task<void> {
    bool woken = false;
    Completion<bool> done;
    here.scope().spawn([](Stream& stream, bool& flag, Completion<bool> told) -> Task<void> {
      EXPECT_TRUE(co_await stream.read_more());
      flag = true;
      told.deliver(true);
    }(end, woken, done));
    drain(end, 2);
    EXPECT_EQ(write(writer, "line\n", 5), 5);
    drain(end, 2);
    EXPECT_FALSE(woken) << "whoever drains is in the middle of something";
    EXPECT_EQ(end.incoming(), "line\n");
    EXPECT_TRUE(co_await done.wait_on(here));
    close(writer);
  }(*loop, **output, pipes[1]));
}

TEST_F(IoTest, AWatchCallsWhenThereIsSomethingAndWhenItHangsUp) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
  std::string got;
  auto watch = Watch::readable(*loop, pair[0], [&] {
    char buffer[16];
    const auto count = recv(pair[0], buffer, sizeof buffer, MSG_DONTWAIT);
    if (count > 0) got.append(buffer, static_cast<std::size_t>(count));
    if (count == 0) loop->stop();
  });
  ASSERT_TRUE(watch);
  ASSERT_EQ(send(pair[1], "one", 3, 0), 3);
  close(pair[1]);
  loop->run();
  EXPECT_EQ(got, "one");
  watch->reset();
  close(pair[0]);
}

TEST_F(IoTest, AConnectionInTheMakingIsWaitedForOnTheLoop) {
  const auto connecting = [](int port) {
    const int made = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(static_cast<std::uint16_t>(port)), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    (void)::connect(made, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    return made;
  };
  // Room for one that nobody accepts; what comes after it waits.
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(listener, reinterpret_cast<const sockaddr*>(&address), size) | listen(listener, 0), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const int port = ntohs(address.sin_port);
  const int first = connecting(port), second = connecting(port);
  run([](Loop& here, int accepted, int waiting) -> Task<void> {
    EXPECT_TRUE(co_await attempt(await_connected(here, accepted, std::chrono::seconds(1))));
    const auto late = co_await attempt(await_connected(here, waiting, milliseconds(50)));
    EXPECT_FALSE(late);
    if (!late) EXPECT_EQ(late.error().message, "cannot connect: Connection timed out");
  }(*loop, first, second));
  close(listener);
  const int nobody = connecting(port);
  run([](Loop& here, int refused) -> Task<void> {
    EXPECT_FALSE(co_await attempt(await_connected(here, refused, std::chrono::seconds(1))));
  }(*loop, nobody));
  for (const int each : {first, second, nobody}) close(each);
}

TEST_F(IoTest, ASavedFileIsNoticedAlsoInANewFolder) {
  namespace fs = std::filesystem;
  char name[] = "/tmp/watch-test-XXXXXX";
  const std::string folder = mkdtemp(name);
  fs::create_directories(folder + "/node_modules");
  Completion<bool> first, second;
  int changes = 0;
  auto watcher = FileWatcher::watch(*loop, {folder}, [&] { (changes++ ? second : first).deliver(true); });
  ASSERT_TRUE(watcher);
  run([](Loop& here, std::string path, Completion<bool> one, Completion<bool> two, int& count) -> Task<void> {
    std::ofstream(path + "/node_modules/x.js") << "ignored";
    co_await sleep_for(here, milliseconds(100));
    EXPECT_EQ(count, 0);
    fs::create_directories(path + "/new");
    co_await one.wait_on(here);
    std::ofstream(path + "/new/app.py") << "saved";
    co_await two.wait_on(here);
  }(*loop, folder, first, second, changes));
  fs::remove_all(folder);
}

TEST_F(IoTest, WhatFollowsASaveIsToldOnceMore) {
  namespace fs = std::filesystem;
  char name[] = "/tmp/save-test-XXXXXX";
  const std::string folder = mkdtemp(name);
  int changes = 0;
  Completion<bool> first, second, third;
  auto watcher = FileWatcher::watch(*loop, {folder}, [&] {
    ++changes;
    (changes == 1 ? first : changes == 2 ? second : third).deliver(true);
  });
  ASSERT_TRUE(watcher);
  run([](Loop& here, std::string path, Completion<bool> one, Completion<bool> two, Completion<bool> three, int& count) -> Task<void> {
    std::ofstream(path + "/app.py") << "saved";
    co_await one.wait_on(here);
    for (int i = 0; i < 20; ++i) std::ofstream(cat(path, "/other", i)) << "saved with it";
    co_await two.wait_on(here);
    EXPECT_EQ(count, 2) << "twenty files are one change";
    // Moved away and written anew, as editors do; a file that only goes is told too.
    fs::rename(path + "/app.py", path + "/app.py~");
    std::ofstream(path + "/app.py") << "saved again";
    co_await three.wait_on(here);
  }(*loop, folder, first, second, third, changes));
  fs::remove_all(folder);
}

TEST_F(IoTest, SignalsArriveOnTheLoop) {
  int received = 0;
  auto handler = SignalHandler::handle(*loop, {SIGHUP, SIGUSR1}, [&](int number) {
    received = number;
    loop->stop();
  });
  ASSERT_TRUE(handler);
  raise(SIGUSR1);
  loop->run();
  EXPECT_EQ(received, SIGUSR1);
}

}  // namespace
}  // namespace sallyport::io
