// What the server makes of an init that has been taken over.
#include <fcntl.h>
#include <sys/socket.h>

#include <future>

#include "sandbox/spawned_sandbox.hpp"
#include "sandbox/testing.hpp"

namespace sallyport::sandbox {
namespace {

using namespace testing;
using protocol::Answer;
using protocol::Exited;
using protocol::Request;
using protocol::Step;
using ::testing::HasSubstr;

class HostileInit : public ::testing::Test {
 protected:
  void SetUp() override { set_up(Network::host); }
  void set_up(Network network) {
    auto spawner = make_pair_of_sockets(), control = make_pair_of_sockets(), events = make_pair_of_sockets();
    ASSERT_TRUE(spawner && control && events);
    spawner_ = std::move(spawner->second);
    control_ = std::move(control->second);
    events_ = std::move(events->second);
    sandbox_ = std::make_unique<SpawnedSandbox>(SpawnedSandbox::Parts{.settings = {.level = Level::native, .network = network},
                                                                      .spawner = std::move(spawner->first),
                                                                      .init = std::move(control->first),
                                                                      .events = std::move(events->first),
                                                                      .runtime_directory = ""});
  }
  void be_born(std::span<const int> listeners = {}) {
    protocol::send(spawner_.get(), Answer{.value = getpid()});
    protocol::send(control_.get(), Answer{}, listeners);
  }
  /// Waits for a request and answers it.
  template <class Message>
  std::future<void> answer_with(Message message, std::vector<int> descriptors = {}) {
    return std::async(std::launch::async, [this, message, descriptors] {
      pollfd ready{control_.get(), POLLIN, 0};
      poll(&ready, 1, 5'000);
      std::array<char, 4096> buffer;
      (void)protocol::receive_bytes(control_.get(), buffer);
      protocol::send(control_.get(), message, descriptors);
    });
  }
  bool is_shut() {
    pollfd hung{control_.get(), POLLIN, 0};
    std::array<char, 4096> buffer;
    while (poll(&hung, 1, 1'000) > 0)
      if (protocol::receive_bytes(control_.get(), buffer).state == protocol::Received::State::end) return true;
    return false;
  }
  std::string dial_error() {
    auto dialled = sandbox_->dial(80);
    return dialled ? "" : dialled.error().message;
  }

  std::unique_ptr<SpawnedSandbox> sandbox_;
  Fd spawner_, control_, events_;
};

TEST_F(HostileInit, MayNotAnswerWithAnotherSize) {
  be_born();
  ASSERT_TRUE(sandbox_->await_birth());
  auto answering = answer_with(std::array<char, 3>{});
  EXPECT_THAT(dial_error(), HasSubstr("protocol"));
  answering.wait();
  EXPECT_TRUE(is_shut());
}

TEST_F(HostileInit, MayNotAnswerAtLength) {
  be_born();
  ASSERT_TRUE(sandbox_->await_birth());
  auto answering = answer_with(std::array<char, 9'000>{});
  EXPECT_THAT(dial_error(), HasSubstr("failed"));
  answering.wait();
  EXPECT_TRUE(is_shut());
}

TEST_F(HostileInit, MayNotAnswerWhatWasNotAsked) {
  be_born();
  ASSERT_TRUE(sandbox_->await_birth());
  auto answering = answer_with(Answer{.sequence = 77});
  EXPECT_THAT(dial_error(), HasSubstr("protocol"));
  answering.wait();
  EXPECT_FALSE(sandbox_->dial(80)) << "it is never listened to again";
  EXPECT_TRUE(sandbox_->gone()) << "nor is it handed out again";
  pollfd heard{sandbox_->events(), POLLIN, 0};
  EXPECT_EQ(poll(&heard, 1, 0), 1) << "and whoever watches hears of it";
}

TEST_F(HostileInit, MayNotSayMoreThanAnAnswer) {
  be_born();
  ASSERT_TRUE(sandbox_->await_birth());
  auto answering = answer_with(Request{.kind = protocol::Kind::answer, .sequence = 1});
  EXPECT_THAT(dial_error(), HasSubstr("failed"));
  answering.wait();
}

TEST_F(HostileInit, GivesAnyErrorNumberAndStep) {
  be_born();
  ASSERT_TRUE(sandbox_->await_birth());
  auto answering = answer_with(Answer{.sequence = 1, .value = 0, .trouble = {static_cast<Step>(0xdeadbeef), -2147483647 - 1}});
  EXPECT_THAT(dial_error(), HasSubstr("cannot do something: Unknown error"));
  answering.wait();
}

TEST_F(HostileInit, CannotPassAFileForAConnection) {
  be_born();
  ASSERT_TRUE(sandbox_->await_birth());
  const Fd file(open("/dev/null", O_RDWR | O_CLOEXEC));
  auto answering = answer_with(Answer{.sequence = 1}, {file.get()});
  EXPECT_THAT(dial_error(), HasSubstr("no connection"));
  answering.wait();
}

TEST_F(HostileInit, CannotPassAnotherSocketForAConnection) {
  be_born();
  ASSERT_TRUE(sandbox_->await_birth());
  auto pair = make_pair_of_sockets();
  ASSERT_TRUE(pair);
  const Fd datagrams(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  auto answering = answer_with(Answer{.sequence = 1}, {pair->first.get()});
  EXPECT_THAT(dial_error(), HasSubstr("no connection"));
  answering.wait();
  answering = answer_with(Answer{.sequence = 2}, {datagrams.get()});
  EXPECT_THAT(dial_error(), HasSubstr("no connection"));
  answering.wait();
  EXPECT_FALSE(sandbox_->gone()) << "one wrong descriptor is no reason";
}

TEST_F(HostileInit, CannotLeaveDescriptorsBehind) {
  be_born();
  ASSERT_TRUE(sandbox_->await_birth());
  const Fd file(open("/dev/null", O_RDWR | O_CLOEXEC)), before(dup(0));
  auto answering = answer_with(Answer{.sequence = 1}, std::vector<int>(protocol::descriptors_max, file.get()));
  EXPECT_THAT(dial_error(), HasSubstr("no connection"));
  answering.wait();
  const Fd after(dup(0));
  EXPECT_EQ(after.get(), before.get() + 1);
}

TEST_F(HostileInit, CannotPassAFileForAListener) {
  set_up(Network::isolated);
  const Fd file(open("/dev/null", O_RDWR | O_CLOEXEC)), socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int passed[] = {file.get(), socket.get()};
  be_born(passed);
  EXPECT_FALSE(sandbox_->await_birth());
}

TEST_F(HostileInit, CannotMakeAnExitOfNonsense) {
  be_born();
  ASSERT_TRUE(sandbox_->await_birth());
  protocol::send(events_.get(), Exited{.pid = 5, .code = 0x12345, .signal = 0x1009, .peak_kib = 2'000'000'000});
  const auto exit = sandbox_->next_exit();
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->code, 0x45);
  EXPECT_EQ(exit->signal, 9);
  EXPECT_EQ(exit->peak_kib, 0) << "no more than it was given";
  EXPECT_FALSE(sandbox_->next_exit());
  EXPECT_FALSE(sandbox_->gone());
  protocol::send(events_.get(), Exited{.pid = -1});
  EXPECT_FALSE(sandbox_->next_exit());
  EXPECT_TRUE(sandbox_->gone());
  EXPECT_TRUE(is_shut());
}

TEST_F(HostileInit, CannotHoldTheServerUpForLong) {
  be_born();
  ASSERT_TRUE(sandbox_->await_birth());
  const auto before = std::chrono::steady_clock::now();
  // The channel fills up, since nobody reads it.
  for (int i = 0; i < 20'000; ++i) sandbox_->freeze();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
  EXPECT_TRUE(is_shut()) << "who does not read is not written to";
  EXPECT_TRUE(sandbox_->gone());
}

TEST_F(HostileInit, ThatIsSilentIsGivenUp) {
  protocol::send(spawner_.get(), Answer{.value = getpid()});
  control_.reset();
  EXPECT_FALSE(sandbox_->await_birth());
}

}  // namespace
}  // namespace sallyport::sandbox
