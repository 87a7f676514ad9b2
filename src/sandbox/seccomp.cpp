#include "sandbox/seccomp.hpp"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <map>

#include "sandbox/bpf.hpp"
#include "sandbox/syscall_lists.hpp"

namespace sallyport::sandbox {
namespace {

using Label = BpfProgram::Label;
using Test = BpfProgram::Test;

#ifdef __x86_64__
constexpr std::uint32_t own_architecture = AUDIT_ARCH_X86_64;
#elifdef __aarch64__
constexpr std::uint32_t own_architecture = AUDIT_ARCH_AARCH64;
#else
#error "no list of system calls for this architecture"
#endif

constexpr std::uint32_t new_namespaces =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
constexpr std::uint32_t tty_input = 0x5412, tty_linux = 0x541c, tty_console = 0x541d, tty_discipline = 0x5423;
constexpr std::uint32_t personality_query = 0xffffffff;
constexpr std::uint32_t socket_kinds = 0xf;  // the rest of the type is flags
constexpr std::uint32_t route_protocol = 0, tcp = 6, udp = 17;

// Where the low half of an argument lies; the kernel looks at no more of those that are asked here. Both architectures are little-endian.
constexpr std::uint32_t argument(unsigned index) { return offsetof(seccomp_data, args) + 8 * index; }

constexpr std::uint32_t error(int number) { return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(number); }

// One filter while it is being put together: what is decided for each number, then a binary search over the ranges of equal decisions.
class Assembly {
 public:
  explicit Assembly(std::uint32_t otherwise)
      : allow(program.answer(SECCOMP_RET_ALLOW)),
        refuse(program.answer(error(EPERM))),
        unknown(program.answer(error(ENOSYS))),
        foreign(program.answer(SECCOMP_RET_KILL_PROCESS)),
        decisions_(newest_syscall + 1, program.answer(otherwise)) {
    for (int number = 0; number <= newest_syscall; ++number)
      if (is_unassigned(number)) decide(number, unknown);
  }

  void decide(int number, Label what) { decisions_.at(static_cast<std::size_t>(number)) = what; }

  // Negative numbers and those of the x32 interface are large ones here, thus beyond the newest.
  SyscallFilter finish() {
    std::vector<Range> ranges;
    for (std::uint32_t number = 0; number <= newest_syscall; ++number)
      if (ranges.empty() || ranges.back().decision != decisions_[number]) ranges.push_back({number, decisions_[number]});
    ranges.push_back({newest_syscall + 1, unknown});
    const auto search = program.load(offsetof(seccomp_data, nr), tree(ranges, 0, ranges.size()));
    const auto start = program.load(offsetof(seccomp_data, arch), program.when(Test::equal, own_architecture, search, foreign));
    return SyscallFilter(program.finish(start));
  }

  // Allowed if the argument is one of these values.
  Label one_of(unsigned index, std::initializer_list<std::uint32_t> values, Label good, Label bad) {
    auto next = bad;
    for (const auto value : values) next = program.when(Test::equal, value, good, next);
    return program.load(argument(index), next);
  }
  Label without(unsigned index, std::uint32_t bits) {
    return program.load(argument(index), program.when(Test::any_bit, bits, refuse, allow));
  }

  BpfProgram program;
  const Label allow, refuse, unknown, foreign;

 private:
  struct Range {
    std::uint32_t first;
    Label decision;
  };
  Label tree(const std::vector<Range>& ranges, std::size_t from, std::size_t to) {
    if (to - from == 1) return ranges[from].decision;
    const auto middle = (from + to) / 2;
    const auto upper = tree(ranges, middle, to), lower = tree(ranges, from, middle);
    return program.when(Test::at_least, ranges[middle].first, upper, lower);
  }

  std::vector<Label> decisions_;
};

// Unix, internet and, for the tables of addresses every C library asks for, route sockets; streams and datagrams; no protocols beside TCP
// and UDP. What a program takes as "not built in" is said of the others, so that it does without.
Label socket_check(Assembly& a, UnixSockets unix_sockets) {
  const auto no_family = a.program.answer(error(EAFNOSUPPORT));
  const auto no_protocol = a.program.answer(error(EPROTONOSUPPORT));
  const auto protocol = a.one_of(2, {0, tcp, udp}, a.allow, no_protocol);
  auto kind = a.program.when(Test::equal, SOCK_STREAM, protocol, a.program.when(Test::equal, SOCK_DGRAM, protocol, a.refuse));
  kind = a.program.load(argument(1), a.program.mask(socket_kinds, kind));
  const auto route = a.one_of(2, {route_protocol}, a.allow, no_protocol);
  auto family = a.program.when(Test::equal, AF_NETLINK, route, no_family);
  family = a.program.when(Test::equal, AF_UNIX, unix_sockets == UnixSockets::all ? a.allow : a.refuse, family);
  family = a.program.when(Test::equal, AF_INET6, kind, family);
  family = a.program.when(Test::equal, AF_INET, kind, family);
  return a.program.load(argument(0), family);
}

// Datagram sockets of a pair can be sent to any other address.
Label pair_check(Assembly& a, UnixSockets unix_sockets) {
  auto kind = a.allow;
  if (unix_sockets == UnixSockets::pairs) {
    kind = a.program.when(Test::equal, SOCK_STREAM, a.allow, a.program.when(Test::equal, SOCK_SEQPACKET, a.allow, a.refuse));
    kind = a.program.load(argument(1), a.program.mask(socket_kinds, kind));
  }
  return a.program.load(argument(0), a.program.when(Test::equal, AF_UNIX, kind, a.program.answer(error(EAFNOSUPPORT))));
}

Label option_check(Assembly& a) {
  const auto no_option = a.program.answer(error(ENOPROTOOPT));
  const auto option = a.one_of(2, {SO_REUSEPORT}, no_option, a.allow);
  return a.program.load(argument(1), a.program.when(Test::equal, SOL_SOCKET, option, a.allow));
}

Label mknod_check(Assembly& a, unsigned mode_index) {
  auto kind = a.program.when(Test::equal, S_IFCHR, a.refuse, a.program.when(Test::equal, S_IFBLK, a.refuse, a.allow));
  kind = a.program.mask(S_IFMT, kind);
  return a.program.load(argument(mode_index), kind);
}

// The init is a process of the same user, and a limit of its processor time would end it. Groups and users have it among them.
void spare_the_init(Assembly& a) {
  constexpr std::uint32_t priority_of_process = 0, init = 1;
  const auto other = a.one_of(0, {init}, a.refuse, a.allow);
  for (const int number : {SYS_prlimit64, SYS_sched_setaffinity, SYS_sched_setparam, SYS_sched_setscheduler, SYS_sched_setattr})
    a.decide(number, other);
  a.decide(SYS_setpriority, a.one_of(0, {priority_of_process}, a.one_of(1, {init}, a.refuse, a.allow), a.refuse));
}

// No rule of Landlock covers these, and files outside may belong to the same user.
void leave_attributes(Assembly& a) {
  for (const int number : changing_attributes()) a.decide(number, a.refuse);
}

// Only about itself: number 0 as the process, and for the two that can mean a user, processes as what is meant.
void keep_to_oneself(Assembly& a) {
  constexpr std::uint32_t priority_of_process = 0, io_of_process = 1;
  for (const int number : reaching_out()) a.decide(number, a.refuse);
  const auto own = a.one_of(0, {0}, a.allow, a.refuse);
  for (const int number : {SYS_prlimit64, SYS_sched_setaffinity, SYS_sched_setparam, SYS_sched_setscheduler, SYS_sched_setattr})
    a.decide(number, own);
  const auto who = a.one_of(1, {0}, a.allow, a.refuse);
  a.decide(SYS_setpriority, a.one_of(0, {priority_of_process}, who, a.refuse));
  a.decide(SYS_ioprio_set, a.one_of(0, {io_of_process}, who, a.refuse));
}

int install_filter(const std::vector<std::uint64_t>& program, unsigned long flags) {
  sock_fprog code{};
  code.len = static_cast<unsigned short>(program.size());
  code.filter = reinterpret_cast<sock_filter*>(const_cast<std::uint64_t*>(program.data()));
  const long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &code);
  if (result > 0) return EBUSY;  // a thread that has another filter already
  return result ? errno : 0;
}

}  // namespace

SyscallFilter function_filter(Neighbours neighbours, UnixSockets unix_sockets, Ports ports) {
  if (neighbours == Neighbours::shared) {
    unix_sockets = UnixSockets::pairs;
    ports = Ports::machine;
  }
  Assembly a(error(EPERM));
  for (const int number : allowed_to_functions()) a.decide(number, a.allow);

  // Nothing a function keeps would survive the sandbox, and waiting for all of this machine's disks would harm others: done already.
  const auto done = a.program.answer(error(0));
  a.decide(SYS_sync, done);
  a.decide(SYS_syncfs, done);
  a.decide(SYS_clone3, a.unknown);  // its flags lie in memory; the C library then takes clone
  a.decide(SYS_clone, a.without(0, new_namespaces));
  a.decide(SYS_socket, socket_check(a, unix_sockets));
  a.decide(SYS_socketpair, pair_check(a, unix_sockets));
  if (ports == Ports::machine) a.decide(SYS_setsockopt, option_check(a));
  a.decide(SYS_ioctl, a.one_of(1, {tty_input, tty_linux, tty_console, tty_discipline}, a.refuse, a.allow));
  a.decide(SYS_personality, a.one_of(0, {0, personality_query}, a.allow, a.refuse));
  a.decide(SYS_mknodat, mknod_check(a, 2));
#ifdef __x86_64__
  a.decide(SYS_mknod, mknod_check(a, 1));
#endif
  if (neighbours == Neighbours::own) {
    spare_the_init(a);
  } else {
    keep_to_oneself(a);
    leave_attributes(a);
  }
  return a.finish();
}

UnixSockets unix_sockets_of(Network network, int landlock_abi) {
  return network == Network::isolated || landlock_abi >= 6 ? UnixSockets::all : UnixSockets::pairs;
}

Ports ports_of(Network network) { return network == Network::isolated ? Ports::own : Ports::machine; }

SyscallFilter server_filter() {
  Assembly a(SECCOMP_RET_ALLOW);
  for (const int number : forbidden_to_server()) a.decide(number, a.refuse);
  a.decide(SYS_clone3, a.unknown);
  const auto thread = a.program.when(Test::any_bit, CLONE_THREAD, a.without(0, new_namespaces), a.refuse);
  a.decide(SYS_clone, a.program.load(argument(0), thread));
  return a.finish();
}

int SyscallFilter::install() const { return install_filter(program_, 0); }
int SyscallFilter::install_for_all_threads() const { return install_filter(program_, SECCOMP_FILTER_FLAG_TSYNC); }

}  // namespace sallyport::sandbox
