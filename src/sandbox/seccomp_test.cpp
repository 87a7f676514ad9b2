// The filters: what they decide for each call, in a model of the kernel's machine, and what the kernel makes of them.
#include "sandbox/seccomp.hpp"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstring>
#include <thread>

#include "sandbox/bpf.hpp"
#include "sandbox/sandbox.hpp"
#include "sandbox/syscall_lists.hpp"
#include "sandbox/testing.hpp"

namespace sallyport::sandbox {
namespace {

using testing::in_child;

#ifdef __x86_64__
constexpr std::uint32_t here = AUDIT_ARCH_X86_64, elsewhere = AUDIT_ARCH_I386;
#else
constexpr std::uint32_t here = AUDIT_ARCH_AARCH64, elsewhere = AUDIT_ARCH_ARM;
#endif

struct Outcome {
  std::uint32_t value = 0;
  int steps = 0;
};

// The machine, for the instructions the assembler writes. Anything else, or leaving the program, gives a value no filter has.
Outcome run(const std::vector<std::uint64_t>& program, const seccomp_data& data) {
  std::uint32_t accumulator = 0;
  int steps = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const auto one = std::bit_cast<sock_filter>(program[at]);
    ++steps;
    switch (one.code) {
      case BPF_RET | BPF_K: return {one.k, steps};
      case BPF_LD | BPF_W | BPF_ABS: std::memcpy(&accumulator, reinterpret_cast<const char*>(&data) + one.k, 4); break;
      case BPF_ALU | BPF_AND | BPF_K: accumulator &= one.k; break;
      case BPF_JMP | BPF_JA: at += one.k; break;
      case BPF_JMP | BPF_JEQ | BPF_K: at += accumulator == one.k ? one.jt : one.jf; break;
      case BPF_JMP | BPF_JGE | BPF_K: at += accumulator >= one.k ? one.jt : one.jf; break;
      case BPF_JMP | BPF_JSET | BPF_K: at += accumulator & one.k ? one.jt : one.jf; break;
      default: return {0xdead, steps};
    }
  }
  return {0xdead, steps};
}

seccomp_data call(long number, std::array<std::uint64_t, 3> arguments = {}, std::uint32_t architecture = here) {
  seccomp_data data{};
  data.nr = static_cast<int>(number);
  data.arch = architecture;
  std::memcpy(data.args, arguments.data(), sizeof arguments);
  return data;
}

constexpr std::uint32_t allowed = SECCOMP_RET_ALLOW;
constexpr std::uint32_t error(int number) { return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(number); }

std::uint32_t function_says(long number, std::array<std::uint64_t, 3> arguments = {}, Neighbours neighbours = Neighbours::own) {
  return run(function_filter(neighbours).program(), call(number, arguments)).value;
}
std::uint32_t server_says(long number, std::array<std::uint64_t, 3> arguments = {}) {
  return run(server_filter().program(), call(number, arguments)).value;
}

TEST(BpfProgram, JumpsFartherThanAByteHolds) {
  BpfProgram program;
  const auto yes = program.answer(1), no = program.answer(2);
  auto next = program.load(0, no);
  for (std::uint32_t value = 5'000; value >= 1'000; --value) next = program.when(BpfProgram::Test::equal, value, yes, next);
  const auto code = program.finish(program.load(0, next));
  for (const int number : {1'000, 2'500, 4'999, 5'000}) EXPECT_EQ(run(code, call(number)).value, 1u) << number;
  for (const int number : {0, 999, 5'001}) EXPECT_EQ(run(code, call(number)).value, 2u) << number;
}

TEST(FunctionFilter, SaysForEveryNumberWhatTheListsSay) {
  const auto program = function_filter(Neighbours::own).program();
  EXPECT_LT(program.size(), 1'000u);
  std::vector<bool> listed(newest_syscall + 1);
  for (const int number : allowed_to_functions()) listed.at(static_cast<std::size_t>(number)) = true;
  const std::vector<long> by_argument = {SYS_prlimit64,      SYS_sched_setaffinity,
                                         SYS_sched_setparam, SYS_sched_setscheduler,
                                         SYS_sched_setattr,  SYS_setpriority,
                                         SYS_clone,          SYS_socket,
                                         SYS_socketpair,     SYS_ioctl,
                                         SYS_setsockopt,     SYS_personality,
                                         SYS_mknodat,
#ifdef __x86_64__
                                         SYS_mknod,
#endif
                                         SYS_clone3,         SYS_sync,
                                         SYS_syncfs};
  int steps_max = 0;
  for (int number = 0; number <= newest_syscall; ++number) {
    if (std::find(by_argument.begin(), by_argument.end(), number) != by_argument.end()) continue;
    const auto outcome = run(program, call(number));
    steps_max = std::max(steps_max, outcome.steps);
    EXPECT_EQ(outcome.value, listed[static_cast<std::size_t>(number)] ? allowed
                             : is_unassigned(number)                  ? error(ENOSYS)
                                                                      : error(EPERM))
        << number;
  }
  EXPECT_LE(steps_max, 24) << "a binary search, not a walk";
}

TEST(FunctionFilter, NumbersBeyondTheNewestAndOfOtherInterfacesDoNotExist) {
  for (const long number : {newest_syscall + 1L, 1'000L, 0x40000000L + SYS_read, 0x40000000L + 520, -1L, 0x7fffffffL})
    EXPECT_EQ(function_says(number), error(ENOSYS)) << number;
  EXPECT_EQ(run(function_filter(Neighbours::own).program(), call(SYS_read, {}, elsewhere)).value, SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(function_says(SYS_clone3), error(ENOSYS)) << "so that the C library takes clone";
}

TEST(FunctionFilter, WhatReachesTheKernelsOtherRoomsIsRefused) {
  for (const long number : {SYS_mount,
                            SYS_umount2,
                            SYS_pivot_root,
                            SYS_chroot,
                            SYS_setns,
                            SYS_unshare,
                            SYS_ptrace,
                            SYS_process_vm_readv,
                            SYS_process_vm_writev,
                            SYS_kexec_load,
                            SYS_init_module,
                            SYS_finit_module,
                            SYS_delete_module,
                            SYS_bpf,
                            SYS_perf_event_open,
                            SYS_userfaultfd,
                            SYS_io_uring_setup,
                            SYS_io_uring_enter,
                            SYS_io_uring_register,
                            SYS_add_key,
                            SYS_request_key,
                            SYS_keyctl,
                            SYS_open_by_handle_at,
                            SYS_pidfd_getfd,
                            SYS_clock_settime,
                            SYS_settimeofday,
                            SYS_swapon,
                            SYS_reboot,
                            SYS_move_pages,
                            SYS_migrate_pages,
                            SYS_kcmp,
                            SYS_open_tree,
                            SYS_move_mount,
                            SYS_fsopen,
                            SYS_fsmount,
                            SYS_mount_setattr,
                            SYS_syslog,
                            SYS_acct,
                            SYS_sethostname,
                            SYS_fanotify_init,
                            SYS_mbind})
    EXPECT_EQ(function_says(number), error(EPERM)) << number;
#ifdef __x86_64__
  for (const long number : {SYS_iopl, SYS_ioperm, SYS_modify_ldt}) EXPECT_EQ(function_says(number), error(EPERM)) << number;
#endif
}

TEST(FunctionFilter, ThreadsAndProcessesButNoNamespaces) {
  constexpr std::uint64_t thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS;
  EXPECT_EQ(function_says(SYS_clone, {thread}), allowed);
  EXPECT_EQ(function_says(SYS_clone, {SIGCHLD}), allowed);
  for (const std::uint64_t flag : {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP})
    EXPECT_EQ(function_says(SYS_clone, {flag | SIGCHLD}), error(EPERM)) << flag;
  EXPECT_EQ(function_says(SYS_clone, {CLONE_NEWUSER | 0xffff'ffff'0000'0000}), error(EPERM)) << "the kernel ignores the high half";
}

TEST(FunctionFilter, SocketsOfTheInternetAndOfFilesOnly) {
  const auto socket_of = [](std::uint64_t family, std::uint64_t type, std::uint64_t protocol) {
    return function_says(SYS_socket, {family, type, protocol});
  };
  for (const std::uint64_t family : {AF_INET, AF_INET6}) {
    EXPECT_EQ(socket_of(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), allowed);
    EXPECT_EQ(socket_of(family, SOCK_DGRAM, 17), allowed);
    EXPECT_EQ(socket_of(family, SOCK_RAW, 1), error(EPERM));
    EXPECT_EQ(socket_of(family, SOCK_PACKET, 0), error(EPERM));
    EXPECT_EQ(socket_of(family, SOCK_STREAM, 262), error(EPROTONOSUPPORT)) << "multipath TCP, which Go tries first";
    EXPECT_EQ(socket_of(family, SOCK_STREAM, 132), error(EPROTONOSUPPORT));
  }
  EXPECT_EQ(socket_of(AF_UNIX, SOCK_SEQPACKET, 0), allowed);
  EXPECT_EQ(socket_of(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0), allowed) << "the table of addresses";
  EXPECT_EQ(socket_of(AF_NETLINK, SOCK_RAW, 12), error(EPROTONOSUPPORT)) << "the packet filter's";
  for (const std::uint64_t family : {AF_PACKET, AF_VSOCK, AF_ALG, AF_KEY, AF_BLUETOOTH, AF_TIPC, AF_XDP, AF_RDS, AF_CAN, AF_NFC, 0, 999})
    EXPECT_EQ(socket_of(family, SOCK_STREAM, 0), error(EAFNOSUPPORT)) << family;
  EXPECT_EQ(function_says(SYS_socketpair, {AF_UNIX}), allowed);
  EXPECT_EQ(function_says(SYS_socketpair, {AF_TIPC}), error(EAFNOSUPPORT));
}

TEST(FunctionFilter, ArgumentsThatMatter) {
  EXPECT_EQ(function_says(SYS_ioctl, {0, 0x5401}), allowed) << "is it a terminal?";
  EXPECT_EQ(function_says(SYS_ioctl, {0, 0x5412}), error(EPERM)) << "TIOCSTI";
  EXPECT_EQ(function_says(SYS_ioctl, {0, 0xffff'ffff'0000'5412}), error(EPERM)) << "the kernel ignores the high half";
  EXPECT_EQ(function_says(SYS_ioctl, {0, 0x541c}), error(EPERM)) << "TIOCLINUX";
  EXPECT_EQ(function_says(SYS_personality, {0}), allowed);
  EXPECT_EQ(function_says(SYS_personality, {0xffffffff}), allowed);
  EXPECT_EQ(function_says(SYS_personality, {0x0040000}), error(EPERM)) << "no address randomization";
  EXPECT_EQ(function_says(SYS_mknodat, {0, 0, S_IFIFO | 0600}), allowed);
  EXPECT_EQ(function_says(SYS_mknodat, {0, 0, S_IFCHR | 0600}), error(EPERM));
  EXPECT_EQ(function_says(SYS_mknodat, {0, 0, S_IFBLK | 0600}), error(EPERM));
  EXPECT_EQ(function_says(SYS_sync), error(0)) << "done, without waiting for this machine's disks";
}

TEST(FunctionFilter, AmongOthersOnlyItselfIsChanged) {
  const auto shared = [](long number, std::array<std::uint64_t, 3> arguments = {}) {
    return function_says(number, arguments, Neighbours::shared);
  };
  EXPECT_EQ(function_says(SYS_prlimit64, {1234}), allowed) << "in a namespace of its own";
  for (const long number : {SYS_prlimit64, SYS_sched_setaffinity, SYS_sched_setparam, SYS_sched_setscheduler, SYS_sched_setattr}) {
    EXPECT_EQ(function_says(number, {1}), error(EPERM)) << number << ": the init";
    EXPECT_EQ(function_says(number, {0}), allowed) << number;
  }
  EXPECT_EQ(function_says(SYS_setpriority, {PRIO_PROCESS, 0}), allowed);
  EXPECT_EQ(function_says(SYS_setpriority, {PRIO_PROCESS, 1}), error(EPERM));
  for (const std::uint64_t which : {PRIO_PGRP, PRIO_USER}) EXPECT_EQ(function_says(SYS_setpriority, {which, 0}), error(EPERM)) << which;
  EXPECT_EQ(shared(SYS_prlimit64, {0}), allowed);
  EXPECT_EQ(shared(SYS_prlimit64, {1234}), error(EPERM));
  EXPECT_EQ(shared(SYS_setpriority, {PRIO_PROCESS, 0}), allowed);
  EXPECT_EQ(shared(SYS_setpriority, {PRIO_PROCESS, 1234}), error(EPERM));
  EXPECT_EQ(shared(SYS_setpriority, {PRIO_USER, 0}), error(EPERM));
  EXPECT_EQ(shared(SYS_shmget), error(EPERM));
  EXPECT_EQ(shared(SYS_read), allowed);
}

TEST(FunctionFilter, AmongOthersNoSocketLeadsOut) {
  const auto pairs = [](long number, std::array<std::uint64_t, 3> arguments) {
    return run(function_filter(Neighbours::own, UnixSockets::pairs).program(), call(number, arguments)).value;
  };
  const auto shared = [](long number, std::array<std::uint64_t, 3> arguments) {
    return function_says(number, arguments, Neighbours::shared);
  };
  for (const std::uint64_t type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    EXPECT_EQ(shared(SYS_socket, {AF_UNIX, type | SOCK_CLOEXEC}), error(EPERM)) << type;
    EXPECT_EQ(pairs(SYS_socket, {AF_UNIX, type}), error(EPERM)) << type;
    const auto of_pairs = type == SOCK_DGRAM ? error(EPERM) : allowed;
    EXPECT_EQ(shared(SYS_socketpair, {AF_UNIX, type | SOCK_NONBLOCK}), of_pairs) << type;
    EXPECT_EQ(pairs(SYS_socketpair, {AF_UNIX, type}), of_pairs) << type;
  }
  EXPECT_EQ(shared(SYS_socket, {AF_INET, SOCK_STREAM}), allowed);
  EXPECT_EQ(shared(SYS_socketpair, {AF_TIPC, SOCK_STREAM}), error(EAFNOSUPPORT));
  EXPECT_EQ(unix_sockets_of(Network::host, 5), UnixSockets::pairs);
  EXPECT_EQ(unix_sockets_of(Network::host, 6), UnixSockets::all);
  EXPECT_EQ(unix_sockets_of(Network::isolated, 0), UnixSockets::all);
}

TEST(FunctionFilter, NoPortOfTheMachineIsShared) {
  const auto with = [](Ports ports, std::array<std::uint64_t, 3> arguments) {
    return run(function_filter(Neighbours::own, UnixSockets::all, ports).program(), call(SYS_setsockopt, arguments)).value;
  };
  constexpr std::uint64_t dirt = 7ULL << 32;  // the kernel does not look at it
  EXPECT_EQ(with(Ports::machine, {3, SOL_SOCKET, SO_REUSEPORT}), error(ENOPROTOOPT));
  EXPECT_EQ(with(Ports::machine, {3, dirt | SOL_SOCKET, dirt | SO_REUSEPORT}), error(ENOPROTOOPT));
  EXPECT_EQ(with(Ports::own, {3, SOL_SOCKET, SO_REUSEPORT}), allowed);
  EXPECT_EQ(function_says(SYS_setsockopt, {3, SOL_SOCKET, SO_REUSEPORT}, Neighbours::shared), error(ENOPROTOOPT));
  for (const std::uint64_t option : {SO_REUSEADDR, SO_KEEPALIVE, SO_LINGER, SO_SNDBUF})
    EXPECT_EQ(with(Ports::machine, {3, SOL_SOCKET, option}), allowed) << option;
  EXPECT_EQ(with(Ports::machine, {3, 6, SO_REUSEPORT}), allowed) << "another level's option of that number";
  EXPECT_EQ(ports_of(Network::host), Ports::machine);
  EXPECT_EQ(ports_of(Network::isolated), Ports::own);
}

TEST(FunctionFilter, AmongOthersNoAttributesAreChanged) {
  for (const int number : changing_attributes()) EXPECT_EQ(function_says(number, {}, Neighbours::shared), error(EPERM)) << number;
  EXPECT_EQ(function_says(SYS_fchmod), allowed);
  EXPECT_EQ(function_says(SYS_getxattr, {}, Neighbours::shared), allowed);
}

TEST(FunctionFilter, TheKernelTakesIt) {
  const auto filter = function_filter(Neighbours::own);
  EXPECT_EQ(in_child([&] {
              if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || filter.install()) return 1;
              if (unshare(CLONE_NEWUSER) == 0 || errno != EPERM) return 2;
              if (socket(AF_PACKET, SOCK_RAW, 0) >= 0 || errno != EAFNOSUPPORT) return 3;
              if (ptrace(PTRACE_TRACEME, 0, 0, 0) == 0 || errno != EPERM) return 4;
              int value = 0;
              std::thread([&] { value = 7; }).join();
              if (value != 7) return 5;
              const pid_t child = fork();
              if (child == 0) _exit(0);
              int status = 1;
              if (child < 0 || waitpid(child, &status, 0) != child || status) return 6;
              execl("/bin/true", "true", nullptr);
              return 7;
            }),
            0);
}

#ifdef __x86_64__
TEST(FunctionFilter, TheOldInterfaceEndsTheProcess) {
  const auto filter = function_filter(Neighbours::own);
  EXPECT_EQ(in_child([&] {
              if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || filter.install()) return 1;
              long result = 20;  // getpid
              asm volatile("int $0x80" : "+a"(result) : : "memory");
              return 2;
            }),
            128 + SIGSYS);
}
#endif

TEST(ServerFilter, ThreadsButNothingElseThatRuns) {
  constexpr std::uint64_t thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
  EXPECT_EQ(server_says(SYS_clone, {thread}), allowed);
  EXPECT_EQ(server_says(SYS_clone, {SIGCHLD}), error(EPERM));
  EXPECT_EQ(server_says(SYS_clone, {CLONE_VM | CLONE_VFORK | SIGCHLD}), error(EPERM));
  EXPECT_EQ(server_says(SYS_clone, {CLONE_THREAD | CLONE_NEWNET}), error(EPERM));
  EXPECT_EQ(server_says(SYS_clone3), error(ENOSYS));
  for (const int number : forbidden_to_server()) EXPECT_EQ(server_says(number), error(EPERM)) << number;
  for (const long number : {SYS_read, SYS_accept4, SYS_openat, SYS_mmap, SYS_futex, SYS_kill, SYS_fdatasync, SYS_inotify_add_watch})
    EXPECT_EQ(server_says(number), allowed) << number;
}

#if !__has_feature(address_sanitizer)
TEST(ConfineServer, HoldsForThreadsThatRunAndThreadsToCome) {
  EXPECT_EQ(in_child([] {
              std::atomic<bool> confined = false;
              std::atomic<int> forked = 0, later = 0;
              const auto try_it = [] {
                const pid_t child = fork();
                if (child == 0) _exit(0);
                return child > 0 ? 1 : errno;
              };
              std::thread early([&] {
                while (!confined) std::this_thread::yield();
                forked = try_it();
              });
              if (!confine_server()) return 1;
              confined = true;
              early.join();
              std::thread([&] { later = try_it(); }).join();
              if (forked != EPERM || later != EPERM) return 2;
              execl("/bin/true", "true", nullptr);
              if (errno != EPERM) return 3;
              if (unshare(CLONE_NEWUSER) == 0 || errno != EPERM) return 4;
              if (ptrace(PTRACE_TRACEME, 0, 0, 0) == 0 || errno != EPERM) return 5;
              return open("/proc/self/stat", O_RDONLY | O_CLOEXEC) >= 0 ? 0 : 6;
            }),
            0);
}
#endif

}  // namespace
}  // namespace sallyport::sandbox
