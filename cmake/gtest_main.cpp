#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdint>

// There where OpenSSL is linked.
extern "C" __attribute__((weak)) int OPENSSL_init_crypto(std::uint64_t options, const void* settings);

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
// libuv closes descriptors by a system call of its own, which the sanitizer does not see: a number that is given out again on another
// thread looks like a race of the two calls that made it.
extern "C" const char* __tsan_default_suppressions() { return "race:pipe2\nrace:socketpair\nrace:accept4\nrace:eventfd\nrace:recvmsg\n"; }
#endif
#endif

int main(int argc, char** argv) {
  // As the program does: a peer that is gone is an error of the write.
  std::signal(SIGPIPE, SIG_IGN);
  // OpenSSL frees what it keeps for a thread when the thread ends, unless it has cleaned up itself before: then worker threads, which end
  // after that, leave what the leak check reports.
  constexpr std::uint64_t no_clean_up_at_exit = 0x00080000;  // OPENSSL_INIT_NO_ATEXIT
  if (OPENSSL_init_crypto) OPENSSL_init_crypto(no_clean_up_at_exit, nullptr);
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
