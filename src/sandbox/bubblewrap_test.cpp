// Level bwrap: what bubblewrap is told, as seen from inside; what all levels promise is in sandbox_test.cpp.
#include "sandbox/bubblewrap.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>

#include "sandbox/ask_child.hpp"
#include "sandbox/testing.hpp"

namespace sallyport::sandbox {
namespace {

using namespace testing;
using ::testing::HasSubstr;

// Inside, this very program is started again as the init.
[[gnu::constructor]] void become_init_if_asked(int argc, char** argv, char**) { run_init_if_asked(argc, argv); }

class Wrapped : public ::testing::TestWithParam<Network> {
 protected:
  void SetUp() override {
    if (find_program("bwrap").empty()) GTEST_SKIP() << "bubblewrap is not installed";
    auto spawner = Spawner::start({.level = Level::bwrap, .network = GetParam()});
    if (!spawner) GTEST_SKIP() << spawner.error().message;
    spawner_ = std::move(*spawner);
    code_.write("a", "code");
    layers_.write("b", "layer");
    runtime_.write("c", "runtime");
    auto sandbox = spawner_->create({.read_only = {}, .runtime_directory = runtime_.path()});
    ASSERT_TRUE(sandbox) << sandbox.error().message;
    sandbox_ = std::move(*sandbox);
    const auto assigned = sandbox_->assign({.code_directory = code_.path(), .layers_directory = layers_.path(), .tmp_mb = 20});
    if (!assigned) GTEST_SKIP() << "it does not work here: " << assigned.error().message;
  }
  Ran inside(const std::string& script) { return run(*sandbox_, script); }

  Folder code_, layers_, runtime_;
  std::unique_ptr<Spawner> spawner_;
  std::unique_ptr<Sandbox> sandbox_;
};

TEST_P(Wrapped, ShowsTheSameAsNative) {
  EXPECT_EQ(inside("cat /var/task/a /opt/b /var/runtime/c").output, "codelayerruntime");
  EXPECT_EQ(sandbox_->task_root(), "/var/task");
  for (const char* place : {"/var/task", "/opt", "/var/runtime", "/", "/etc", "/usr", "/dev", "/var"})
    EXPECT_NE(inside(cat("touch ", std::string_view(place), "/mine 2>/dev/null")).exit.code, 0) << place;
  EXPECT_EQ(inside(cat("ls ", code_.path(), " /root /home 2>/dev/null")).output, "");
  EXPECT_THAT(inside("cat /etc/passwd").output, HasSubstr("sbx_user1051:x:993:990"));
  EXPECT_EQ(inside("cat /etc/shadow 2>/dev/null").output, "");
  EXPECT_EQ(inside("uname -n").output, "sandbox\n");
  EXPECT_EQ(inside("ls -A /tmp").output, "");
  EXPECT_NE(inside("head -c 30000000 /dev/zero > /tmp/large").exit.code, 0) << "/tmp has its size";
}

TEST_P(Wrapped, IsNobodyAndMayNothing) {
  const auto status = inside("grep -E '^(Uid|Cap|NoNewPrivs|Seccomp:)' /proc/self/status").output;
  for (const auto* line : {"CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "CapBnd:\t0000000000000000",
                           "CapAmb:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"})
    EXPECT_THAT(status, HasSubstr(line));
  EXPECT_THAT(status, ::testing::Not(HasSubstr("Uid:\t0")));
  EXPECT_NE(inside("unshare --user true 2>/dev/null").exit.code, 0);
  EXPECT_THAT(inside("echo /proc/[0-9]*").output, ::testing::MatchesRegex("/proc/1 /proc/[0-9]+\n")) << "its own processes alone";
}

TEST_P(Wrapped, HasListenersWhereTheNetworkIsItsOwn) {
  const auto api = sandbox_->take_api_listener(), endpoint = sandbox_->take_endpoint_listener();
  EXPECT_EQ(bool(api), GetParam() == Network::isolated);
  EXPECT_EQ(bool(endpoint), GetParam() == Network::isolated);
  if (!api) return;
  auto [pid, output] = start_script(*sandbox_, "exec 3<>/dev/tcp/169.254.100.1/9001 || true");
  EXPECT_TRUE(pid);
  EXPECT_EQ(inside("cat /sys/class/net 2>/dev/null; grep -c : /proc/net/dev").output, "1\n") << "the loopback device alone";
}

TEST_P(Wrapped, EndsWithAllItHolds) {
  auto [pid, output] = start_script(*sandbox_, "sleep 1000 & setsid sleep 1000 & echo started; wait");
  ASSERT_TRUE(pid);
  char line[16];
  ASSERT_GT(read(output.get(), line, sizeof line), 0);
  sandbox_.reset();
  EXPECT_EQ(read_all(output.get()), "") << "nobody holds the output any more";
}

INSTANTIATE_TEST_SUITE_P(Networks, Wrapped, ::testing::Values(Network::host, Network::isolated),
                         [](const auto& one) { return one.param == Network::host ? "host" : "isolated"; });

}  // namespace
}  // namespace sallyport::sandbox
