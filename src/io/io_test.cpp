#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/socket.h>
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
  const std::string folder = ::testing::TempDir() + "sallyport-save";
  fs::create_directories(folder);
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
