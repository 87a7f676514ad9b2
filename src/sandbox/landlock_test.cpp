// Landlock: what a plan permits and refuses, in children that keep to it.
#include "sandbox/landlock.hpp"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/text.hpp"
#include "sandbox/testing.hpp"

namespace sallyport::sandbox {
namespace {

using testing::in_child;

class LandlockTest : public ::testing::Test {
 public:
  void SetUp() override {
    if (landlock_abi() == 0) GTEST_SKIP() << "this kernel has none";
    ASSERT_TRUE(mkdtemp(root.data()));
    for (const auto* name : {"/read", "/write", "/write/a", "/write/b", "/other"}) ASSERT_EQ(mkdir(cat(root, name).c_str(), 0755), 0);
    for (const auto* name : {"/read/file", "/write/file", "/other/file"}) {
      const Fd fd(open(cat(root, name).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0755));
      ASSERT_TRUE(fd);
    }
    plan.read_execute = {"/usr", "/lib", "/lib64", "/bin", root + "/read"};
    plan.read_write = {root + "/write"};
    plan.devices = {"/dev/null"};
  }
  void TearDown() override {
    if (root.ends_with('X')) return;
    EXPECT_EQ(in_child([&] { return execl("/bin/rm", "rm", "-rf", root.c_str(), nullptr); }), 0);
  }
  template <class Work>
  int kept(Work work, int abi = landlock_abi()) {
    const auto rules = LandlockRules::prepare(plan, abi);
    EXPECT_TRUE(rules) << rules.error().message;
    return in_child([&] { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || rules->enforce() ? 99 : work(); });
  }
  int error_of_open(const std::string& path, int flags) { return open(path.c_str(), flags | O_CLOEXEC, 0600) >= 0 ? 0 : errno; }

  std::string root = "/tmp/sallyport-landlock-XXXXXX";
  LandlockPlan plan;
};

TEST_F(LandlockTest, EachVersionRefusesWhatIsNotNamed) {
  for (int abi = 1; abi <= landlock_abi(); ++abi) {
    EXPECT_EQ(kept([&] { return error_of_open(root + "/read/file", O_RDONLY); }, abi), 0);
    EXPECT_EQ(kept([&] { return error_of_open(root + "/read/file", O_WRONLY); }, abi), EACCES);
    EXPECT_EQ(kept([&] { return error_of_open(root + "/read/new", O_WRONLY | O_CREAT); }, abi), EACCES);
    EXPECT_EQ(kept([&] { return error_of_open(root + "/write/new", O_WRONLY | O_CREAT); }, abi), 0);
    EXPECT_EQ(kept([&] { return error_of_open(root + "/other/file", O_RDONLY); }, abi), EACCES);
    EXPECT_EQ(kept([&] { return error_of_open("/etc/passwd", O_RDONLY); }, abi), EACCES);
    EXPECT_EQ(kept([&] { return error_of_open("/proc/self/environ", O_RDONLY); }, abi), EACCES);
    EXPECT_EQ(kept([&] { return error_of_open("/dev/null", O_RDWR); }, abi), 0);
    EXPECT_EQ(kept([&] { return execl("/bin/true", "true", nullptr); }, abi), 0);
    EXPECT_EQ(kept([&] { return mknod((root + "/write/device").c_str(), S_IFCHR | 0600, 0) ? errno : 0; }, abi), EACCES);
  }
}

TEST_F(LandlockTest, FilesMoveBetweenFoldersOfTheirOwn) {
  if (landlock_abi() < 2) GTEST_SKIP() << "from version 2";
  EXPECT_EQ(kept([&] { return rename((root + "/write/file").c_str(), (root + "/write/a/file").c_str()) ? errno : 0; }), 0);
  EXPECT_EQ(kept([&] { return link((root + "/read/file").c_str(), (root + "/write/link").c_str()) ? errno : 0; }), EXDEV);
  EXPECT_EQ(kept([&] { return truncate((root + "/read/file").c_str(), 0) ? errno : 0; }), EACCES);
}

TEST_F(LandlockTest, NothingReachesTheProcessesOutside) {
  if (landlock_abi() < 6) GTEST_SKIP() << "from version 6";
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{AF_UNIX, {}};
  const auto name = cat(std::string(1, '\0'), "sallyport-landlock-", getpid());
  name.copy(address.sun_path, sizeof address.sun_path);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), length), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  EXPECT_EQ(kept([&] {
              const int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
              return connect(client, reinterpret_cast<sockaddr*>(&address), length) ? errno : 0;
            }),
            EPERM);
  close(listener);
  EXPECT_EQ(kept([parent = getpid()] { return kill(parent, 0) ? errno : 0; }), EPERM);
  EXPECT_EQ(kept([] { return kill(getpid(), 0) ? errno : 0; }), 0);
}

TEST_F(LandlockTest, NothingIsMountedAfterwards) {
  EXPECT_EQ(kept([&] { return mount("none", (root + "/write").c_str(), "tmpfs", 0, nullptr) ? errno : 0; }), EPERM);
}

TEST_F(LandlockTest, WithoutItNothingIsKept) {
  EXPECT_EQ(kept([&] { return error_of_open(root + "/other/file", O_RDONLY); }, 0), 0);
}

TEST_F(LandlockTest, PathsThatAreMissingAreLeftOut) {
  plan.read_execute.push_back(root + "/missing");
  EXPECT_TRUE(LandlockRules::prepare(plan));
}

}  // namespace
}  // namespace sallyport::sandbox
