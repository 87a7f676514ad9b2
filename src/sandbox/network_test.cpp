// What a function can connect to.
#include <arpa/inet.h>
#include <sys/socket.h>

#include "sandbox/testing.hpp"

namespace sallyport::sandbox {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(Native, HandsListenersUp) {
  auto sandbox = make();
  const auto api = sandbox->take_api_listener(), endpoint = sandbox->take_endpoint_listener();
  ASSERT_TRUE(api && endpoint);
  EXPECT_FALSE(sandbox->take_api_listener()) << "once";
  const auto port_of = [](const Fd& listener) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
  };
  EXPECT_EQ(port_of(api), runtime_api_port);
  EXPECT_EQ(port_of(endpoint), endpoint_port);
  auto [pid, output] = start_script(*sandbox, "exec bash -c 'exec 5<>/dev/tcp/169.254.100.1/9001; echo asked >&5; cat <&5'");
  ASSERT_TRUE(pid);
  pollfd ready{api.get(), POLLIN, 0};
  ASSERT_EQ(poll(&ready, 1, 5'000), 1);
  Fd connection(accept4(api.get(), nullptr, nullptr, SOCK_CLOEXEC));
  char text[6];
  ASSERT_EQ(recv(connection.get(), text, 6, MSG_WAITALL), 6);
  ASSERT_EQ(write(connection.get(), "told\n", 5), 5);
  connection.reset();
  EXPECT_EQ(read_all(output.get()), "told\n");
}

TEST_F(Native, ReachesNoOtherNetwork) {
  const Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener.get(), 1), 0);
  getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
  auto sandbox = make();
  const auto port = ntohs(address.sin_port);
  EXPECT_NE(run(*sandbox, cat("bash -c 'exec 5<>/dev/tcp/127.0.0.1/", port, "' 2>/dev/null")).exit.code, 0);
  EXPECT_THAT(run(*sandbox, "cat /proc/net/dev").output, Not(HasSubstr("eth")));
  EXPECT_NE(run(*sandbox, "bash -c 'exec 5<>/dev/tcp/192.0.2.1/80' 2>/dev/null").exit.code, 0);
}

class NativeOnHostNetwork : public ::testing::Test {};

TEST_F(NativeOnHostNetwork, SharesTheNetwork) {
  auto spawner = Spawner::start({.level = Level::native, .network = Network::host});
  if (!spawner) GTEST_SKIP() << "no level native here: " << spawner.error().message;
  Folder code;
  auto sandbox = (*spawner)->create({.read_only = {}, .runtime_directory = ""});
  ASSERT_TRUE(sandbox) << sandbox.error().message;
  ASSERT_TRUE((*sandbox)->assign({.code_directory = code.path(), .layers_directory = ""}));
  EXPECT_FALSE((*sandbox)->take_api_listener());
  EXPECT_THAT(run(**sandbox, "cat /etc/hosts").output, HasSubstr("127.0.0.1 sandbox.localdomain"));
  EXPECT_EQ(run(**sandbox, "readlink /proc/self/ns/net").output, cat(std::filesystem::read_symlink("/proc/self/ns/net").string(), "\n"));
}

}  // namespace
}  // namespace sallyport::sandbox
