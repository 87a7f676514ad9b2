"""The attack program: a function that tries to get out.

Each probe is one attempt, in a process of its own with five seconds to live, and says `blocked` or `allowed` and in a word why. The event
names what there is to find outside ("targets"); everything is tried in a way that harms nothing where it succeeds, but for what is listed in
FLOODS, which are events of their own: they use up what there is to use up.

NEVER run it as root outside a sandbox: some of what it tries would succeed.
"""

import ctypes
import errno
import glob
import json
import mmap
import os
import platform
import select
import signal
import socket
import stat
import struct
import subprocess
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
PROBES = {}
FLOODS = {}
SECONDS = 5

ARM = platform.machine() == "aarch64"
# name: (x86_64, aarch64)
NUMBERS = {
    "ptrace": (101, 117), "syslog": (103, 116), "personality": (135, 92), "vhangup": (153, 58), "modify_ldt": (154, None),
    "pivot_root": (155, 41), "adjtimex": (159, 171), "chroot": (161, 51), "acct": (163, 89), "settimeofday": (164, 170),
    "mount": (165, 40), "umount2": (166, 39), "swapon": (167, 224), "swapoff": (168, 225), "reboot": (169, 142), "sethostname": (170, 161),
    "setdomainname": (171, 162), "iopl": (172, None), "ioperm": (173, None), "init_module": (175, 105), "delete_module": (176, 106),
    "quotactl": (179, 60), "io_setup": (206, 0), "lookup_dcookie": (212, 18), "clock_settime": (227, 112), "mbind": (237, 235),
    "kexec_load": (246, 104), "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "ioprio_set": (251, 30),
    "migrate_pages": (256, 238), "unshare": (272, 97), "move_pages": (279, 239), "perf_event_open": (298, 241),
    "fanotify_init": (300, 262), "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "setns": (308, 268),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272), "finit_module": (313, 273),
    "kexec_file_load": (320, 294), "bpf": (321, 280), "userfaultfd": (323, 282), "io_uring_setup": (425, 425), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "pidfd_open": (434, 434), "clone3": (435, 435), "pidfd_getfd": (438, 438),
    "process_madvise": (440, 440), "mount_setattr": (442, 442), "memfd_secret": (447, 447), "clone": (56, 220), "capset": (126, 91),
    "prlimit64": (302, 261), "sched_setaffinity": (203, 122), "statmount": (457, 457), "listmount": (458, 458),
}  # fmt: skip
NEW = {"mnt": 0x00020000, "cgroup": 0x02000000, "uts": 0x04000000, "ipc": 0x08000000, "user": 0x10000000, "pid": 0x20000000,
       "net": 0x40000000, "time": 0x80}  # fmt: skip


class Blocked(Exception):
    pass


class Allowed(Exception):
    pass


def probe(group, name, text):
    def keep(work):
        assert name not in PROBES, name
        PROBES[name] = (group, text, work)
        return work

    return keep


def flood(name, text):
    def keep(work):
        FLOODS[name] = (text, work)
        return work

    return keep


def call(name, *arguments):
    """A system call; its result, or an OSError."""
    number = NUMBERS[name][ARM]
    if number is None:
        raise Blocked("not on this processor")
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(one) if isinstance(one, int) else one for one in arguments])
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def refused(name, *arguments, reached=()):
    """Tries a call that must be refused. Error numbers in `reached` mean that it got past the guards."""
    try:
        call(name, *arguments)
    except OSError as problem:
        if problem.errno in reached:
            raise Allowed(f"reached the kernel: {errno.errorcode[problem.errno]}")
        raise
    raise Allowed("succeeded")


def must_not_open(path, flags=os.O_RDONLY, what="opened"):
    os.close(os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK))
    raise Allowed(f"{what} {path}")


def must_not_hold(path, secret):
    with open(path, "rb") as file:
        data = file.read(1 << 20)
    if secret.encode() in data:
        raise Allowed(f"read {path}")
    raise Blocked("another file")


def run_one(name, work, targets):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            try:
                work(targets)
                outcome = ("allowed", "nothing stopped it")
            except Blocked as told:
                outcome = ("blocked", str(told))
            except Allowed as told:
                outcome = ("allowed", str(told))
            except OSError as problem:
                outcome = ("blocked", errno.errorcode.get(problem.errno, str(problem)))
            except subprocess.SubprocessError as problem:
                outcome = ("blocked", str(problem))
            except Exception as problem:  # a probe that is broken must not look like one that was blocked
                outcome = ("broken", f"{type(problem).__name__}: {problem}")
            os.write(writer, json.dumps(outcome).encode()[:4000])
        finally:
            os._exit(0)
    os.close(writer)
    told = b""
    until = time.monotonic() + SECONDS
    while select.select([reader], [], [], max(0, until - time.monotonic()))[0]:
        part = os.read(reader, 4096)
        if not part:
            break
        told += part
    os.close(reader)
    ended, status = os.waitpid(child, os.WNOHANG)
    if not ended:
        time.sleep(0.01)
        try:
            os.kill(child, signal.SIGKILL)
        except OSError:
            pass
        _, status = os.waitpid(child, 0)
    if told:
        return tuple(json.loads(told))
    if os.WIFSIGNALED(status):
        return ("blocked", signal.Signals(os.WTERMSIG(status)).name)
    return ("broken", "said nothing")


# ---------------------------------------------------------------- files


@probe("files", "other_function_code", "read another function's code")
def _(t):
    must_not_hold(t["other_code"], t["secret"])


@probe("files", "other_function_tmp", "find what another function keeps in /tmp")
def _(t):
    for path in glob.glob("/tmp/**", recursive=True):
        if os.path.basename(path) == t["other_tmp_name"]:
            must_not_hold(path, t["secret"])
    raise Blocked("not there")


@probe("files", "host_passwd", "read this machine's /etc/passwd")
def _(t):
    must_not_hold("/etc/passwd", t["passwd_line"])


@probe("files", "host_shadow", "read /etc/shadow")
def _(t):
    must_not_open("/etc/shadow")


@probe("files", "host_machine_id", "read /etc/machine-id")
def _(t):
    must_not_open("/etc/machine-id")


@probe("files", "data_directory", "read the server's data folder")
def _(t):
    must_not_hold(t["data_file"], t["secret"])


@probe("files", "data_directory_list", "list the server's data folder")
def _(t):
    os.listdir(os.path.dirname(t["data_file"]))


@probe("files", "server_environment", "find the server's environment in /proc")
def _(t):
    looked = 0
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(path, "rb") as file:
                looked += 1
                if t["secret"].encode() in file.read():
                    raise Allowed(f"read {path}")
        except OSError:
            continue
    raise Blocked(f"not among {looked}")


@probe("files", "server_memory", "open the server's memory")
def _(t):
    must_not_open(f"/proc/{t['server_pid']}/mem")


@probe("files", "server_maps", "see where the server's memory is")
def _(t):
    with open(f"/proc/{t['server_pid']}/maps") as file:
        if not file.read(1):
            raise Blocked("empty")


@probe("files", "server_descriptors", "open the server's descriptors through /proc")
def _(t):
    folder = f"/proc/{t['server_pid']}/fd"
    for name in os.listdir(folder):
        os.readlink(f"{folder}/{name}")


@probe("files", "write_own_code", "change its own code")
def _(t):
    must_not_open(__file__, os.O_WRONLY | os.O_APPEND)


@probe("files", "add_own_code", "put a file beside its own code")
def _(t):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "added")
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o644))


@probe("files", "chmod_own_code", "make its own code writable")
def _(t):
    os.chmod(__file__, 0o777)


@probe("files", "write_opt", "write into /opt")
def _(t):
    must_not_open(t.get("opt", "/opt") + "/added", os.O_WRONLY | os.O_CREAT)


@probe("files", "write_runtime", "write into the runtime's folder")
def _(t):
    must_not_open(t.get("runtime", "/var/runtime") + "/added", os.O_WRONLY | os.O_CREAT)


@probe("files", "write_usr", "write into /usr")
def _(t):
    must_not_open("/usr/lib/added", os.O_WRONLY | os.O_CREAT)


@probe("files", "write_etc", "write into /etc")
def _(t):
    must_not_open("/etc/added", os.O_WRONLY | os.O_CREAT)


@probe("files", "write_root", "write into the root folder")
def _(t):
    must_not_open("/added", os.O_WRONLY | os.O_CREAT)


@probe("files", "homes", "read files of people who use this machine")
def _(t):
    for pattern in ("/root/.bashrc", "/root/.profile", "/root/.ssh/*", "/root/.aws/*", "/home/*/.bashrc", "/home/*/.ssh/*"):
        for path in glob.glob(pattern):
            must_not_open(path)
    raise Blocked("none there")


@probe("files", "symlink_out", "reach another function's code by a link")
def _(t):
    link = f"{t['tmp']}/link-{os.getpid()}"
    os.symlink(t["other_code"], link)
    try:
        must_not_hold(link, t["secret"])
    finally:
        os.unlink(link)


@probe("files", "hard_link_code", "link its own code to where it may write")
def _(t):
    link = f"{t['tmp']}/hard-{os.getpid()}"
    os.link(__file__, link)
    os.unlink(link)


@probe("files", "dots_out", "climb out with ..")
def _(t):
    must_not_hold("/tmp" + "/.." * 20 + t["other_code"], t["secret"])


@probe("files", "proc_self_root", "reach the machine by /proc/self/root")
def _(t):
    must_not_hold("/proc/self/root" + t["other_code"], t["secret"])


@probe("files", "proc_self_root_dots", "climb out with .. from /proc/self/root, /proc/self/cwd and the task's thread folder")
def _(t):
    for start in ("/proc/self/root", "/proc/self/cwd", "/proc/thread-self/root"):
        try:
            must_not_hold(start + "/.." * 20 + t["other_code"], t["secret"])
        except (OSError, Blocked):
            continue
    raise Blocked("not there")


@probe("files", "proc_1_root", "reach the machine by /proc/1/root")
def _(t):
    must_not_hold("/proc/1/root" + t["other_code"], t["secret"])


@probe("files", "proc_1_cwd", "reach the machine by /proc/1/cwd")
def _(t):
    os.listdir("/proc/1/cwd/")


@probe("files", "proc_1_environ", "read the environment of the first process")
def _(t):
    with open("/proc/1/environ", "rb") as file:
        if not file.read(1):
            raise Blocked("empty")


@probe("files", "proc_1_mem", "open the memory of the first process")
def _(t):
    must_not_open("/proc/1/mem", os.O_RDWR)


@probe("files", "proc_1_fd", "see the descriptors of the first process")
def _(t):
    os.listdir("/proc/1/fd")


@probe("files", "proc_1_exe", "open the program of the first process")
def _(t):
    must_not_open("/proc/1/exe")


@probe("files", "proc_sys_core_pattern", "have the kernel run a program, by core_pattern")
def _(t):
    must_not_open("/proc/sys/kernel/core_pattern", os.O_WRONLY)


@probe("files", "proc_sys_modprobe", "have the kernel run a program, by modprobe")
def _(t):
    must_not_open("/proc/sys/kernel/modprobe", os.O_WRONLY)


@probe("files", "proc_sys_vm", "change settings of the kernel's memory")
def _(t):
    must_not_open("/proc/sys/vm/overcommit_memory", os.O_WRONLY)


@probe("files", "proc_sys_net", "change settings of the network")
def _(t):
    must_not_open("/proc/sys/net/ipv4/ip_forward", os.O_WRONLY)


@probe("files", "proc_sys_namespaces", "change how many namespaces there may be")
def _(t):
    must_not_open("/proc/sys/user/max_user_namespaces", os.O_WRONLY)


@probe("files", "proc_sysrq", "open sysrq-trigger")
def _(t):
    must_not_open("/proc/sysrq-trigger", os.O_WRONLY)


@probe("files", "proc_kcore", "open the kernel's memory, /proc/kcore")
def _(t):
    must_not_open("/proc/kcore")


@probe("files", "proc_kallsyms", "learn addresses in the kernel")
def _(t):
    with open("/proc/kallsyms") as file:
        for line in file:
            if int(line.split()[0], 16):
                raise Allowed("addresses")
    raise Blocked("all zero")


@probe("files", "proc_keys", "learn of the machine's keys")
def _(t):
    with open("/proc/keys") as file:
        if not file.read(1):
            raise Blocked("empty")


@probe("files", "sys_write", "change something in /sys")
def _(t):
    if not os.path.isdir("/sys/kernel"):
        raise Blocked("no /sys")
    must_not_open("/sys/kernel/uevent_helper", os.O_WRONLY)


@probe("files", "sys_cgroup", "change its own limits in /sys/fs/cgroup")
def _(t):
    for pattern in ("/sys/fs/cgroup/**/cgroup.procs", "/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/memory/cgroup.procs"):
        for path in glob.glob(pattern):
            must_not_open(path, os.O_WRONLY)
    raise Blocked("not there")


@probe("files", "sys_debug", "read /sys/kernel/debug and /sys/kernel/security")
def _(t):
    if not os.listdir("/sys/kernel/debug"):
        raise Blocked("empty")


for device, path in {"mem": "/dev/mem", "kmsg": "/dev/kmsg", "ptmx": "/dev/ptmx", "tty": "/dev/tty", "console": "/dev/console",
                     "fuse": "/dev/fuse", "kvm": "/dev/kvm", "tun": "/dev/net/tun", "userfaultfd": "/dev/userfaultfd",
                     "loop": "/dev/loop-control", "shm": "/dev/shm/x"}.items():  # fmt: skip

    @probe("files", f"dev_{device}", f"open {path}")
    def _(t, path=path):
        must_not_open(path, os.O_RDWR | (os.O_CREAT if path == "/dev/shm/x" else 0))


@probe("files", "dev_disks", "open a disk")
def _(t):
    for pattern in ("/dev/vd*", "/dev/sd*", "/dev/nvme*", "/dev/dm-*", "/dev/loop[0-9]*"):
        for path in glob.glob(pattern):
            must_not_open(path)
    raise Blocked("none there")


for kind, mode in {"character": stat.S_IFCHR, "block": stat.S_IFBLK}.items():

    @probe("files", f"mknod_{kind}", f"make a {kind} device")
    def _(t, mode=mode):
        path = f"{t['tmp']}/device-{os.getpid()}"
        os.mknod(path, mode | 0o600, os.makedev(1, 1))
        os.unlink(path)


# ---------------------------------------------------------------- processes


@probe("processes", "signal_server", "send the server a signal")
def _(t):
    os.kill(t["server_pid"], 0)


@probe("processes", "signal_spawner", "send the spawner and everything of its group a signal")
def _(t):
    os.killpg(t["server_pid"], 0)


@probe("processes", "kill_first_process", "kill the first process of where it lives")
def _(t):
    os.kill(1, signal.SIGKILL)
    raise Blocked("it does not notice")


@probe("processes", "trace_server", "trace the server")
def _(t):
    refused("ptrace", 0x4206, t["server_pid"], 0, 0)


@probe("processes", "trace_first_process", "trace the first process of where it lives")
def _(t):
    refused("ptrace", 0x4206, 1, 0, 0)


@probe("processes", "read_server_memory", "read the server's memory with process_vm_readv")
def _(t):
    buffer = ctypes.create_string_buffer(64)
    local = struct.pack("PN", ctypes.addressof(buffer), 64)
    remote = struct.pack("PN", 0x400000, 64)
    refused("process_vm_readv", t["server_pid"], local, 1, remote, 1, 0, reached=(errno.EFAULT,))


@probe("processes", "write_server_memory", "write the server's memory with process_vm_writev")
def _(t):
    local = struct.pack("PN", 0, 0)
    refused("process_vm_writev", t["server_pid"], local, 1, local, 1, 0, reached=(errno.EFAULT,))


@probe("processes", "take_server_descriptor", "take a descriptor of the server with pidfd_getfd")
def _(t):
    handle = call("pidfd_open", t["server_pid"], 0)
    refused("pidfd_getfd", handle, 0, 0)


@probe("processes", "take_first_descriptor", "take a descriptor of the first process with pidfd_getfd")
def _(t):
    handle = call("pidfd_open", 1, 0)
    refused("pidfd_getfd", handle, 3, 0)


@probe("processes", "see_others", "see processes that are not its own")
def _(t):
    seen = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                text = file.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if t["server_name"] in text.split(" ")[0]:
            seen.append(text[:60])
    if seen:
        raise Allowed(f"{len(seen)}: {seen[0]}")
    raise Blocked("only its own")


@probe("processes", "priority_of_server", "change the server's priority")
def _(t):
    os.setpriority(os.PRIO_PROCESS, t["server_pid"], os.getpriority(os.PRIO_PROCESS, t["server_pid"]))


@probe("processes", "limits_of_server", "change the server's limits")
def _(t):
    old = ctypes.create_string_buffer(16)
    refused("prlimit64", t["server_pid"], 7, 0, old)


@probe("processes", "processor_of_server", "keep the server to one processor")
def _(t):
    os.sched_setaffinity(t["server_pid"], os.sched_getaffinity(t["server_pid"]))


@probe("processes", "disk_priority_of_server", "change the server's disk priority")
def _(t):
    refused("ioprio_set", 1, t["server_pid"], (2 << 13) | 4)


@probe("processes", "compare_with_server", "learn of the server's objects with kcmp")
def _(t):
    refused("kcmp", t["server_pid"], os.getpid(), 1, 0, 0)


@probe("processes", "advise_server", "have the server's memory thrown out with process_madvise")
def _(t):
    handle = call("pidfd_open", t["server_pid"], 0)
    refused("process_madvise", handle, struct.pack("PN", 0x400000, 4096), 1, 21, 0)


@probe("processes", "real_time", "take a real-time priority")
def _(t):
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))


@probe("processes", "negative_nice", "raise its own priority")
def _(t):
    os.setpriority(os.PRIO_PROCESS, 0, -10)


@probe("processes", "oom_score", "keep itself from the out-of-memory killer")
def _(t):
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("-1000")


@probe("processes", "system_v_memory", "find a shared memory object of this machine")
def _(t):
    if libc.shmget(t["shm_key"], 0, 0) < 0:
        raise OSError(ctypes.get_errno(), "")


@probe("processes", "raise_limits", "raise its own limit of open files")
def _(t):
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard + 1, hard + 1))
    except ValueError as problem:  # what Python makes of EPERM
        raise Blocked(str(problem))


# ---------------------------------------------------------------- network


def connects(family, address, timeout=1.0):
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(timeout)
        try:
            client.connect(address)
        except socket.timeout:
            raise Blocked("timed out")
    raise Allowed("connected")


@probe("network", "host_loopback", "connect to the server's port on this machine's loopback")
def _(t):
    connects(socket.AF_INET, ("127.0.0.1", t["server_port"]))


@probe("network", "host_loopback_ipv6", "the same by IPv6")
def _(t):
    connects(socket.AF_INET6, ("::1", t["server_port"]))


@probe("network", "host_address", "connect to this machine by its own address")
def _(t):
    connects(socket.AF_INET, (t["host_address"], t["open_port"]))


@probe("network", "host_admin_port", "connect to another port of this machine")
def _(t):
    connects(socket.AF_INET, ("127.0.0.1", t["open_port"]))


@probe("network", "endpoint_other_ports", "connect to other ports of the address where the server's services are")
def _(t):
    connects(socket.AF_INET, ("169.254.100.1", t["open_port"]))


@probe("network", "metadata_address", "connect to a cloud's metadata service")
def _(t):
    connects(socket.AF_INET, ("169.254.169.254", 80))


@probe("network", "abstract_socket", "connect to an abstract socket of this machine")
def _(t):
    connects(socket.AF_UNIX, "\0" + t["abstract"])


@probe("network", "path_socket", "connect to a socket of this machine by its path")
def _(t):
    connects(socket.AF_UNIX, t["unix_path"])


@probe("network", "share_port", "take a share of the server's port (SO_REUSEPORT)")
def _(t):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as beside:
        beside.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        beside.bind(("127.0.0.1", t["server_port"]))
        connects(socket.AF_INET, ("127.0.0.1", t["server_port"]))  # in a network of its own nobody is there


@probe("network", "other_runtime_api", "reach the Runtime API of another function")
def _(t):
    if t["other_api"] in (os.environ.get("AWS_LAMBDA_RUNTIME_API"), None):
        raise Blocked("the same address is its own")
    host, _, port = t["other_api"].rpartition(":")
    connects(socket.AF_INET, (host, int(port)))


@probe("network", "outside", "connect to the internet")
def _(t):
    connects(socket.AF_INET, ("192.0.2.1", 443))


@probe("network", "outside_datagram", "send a datagram to the internet")
def _(t):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"x", ("192.0.2.1", 53))


@probe("network", "outside_ipv6", "send a datagram to the internet by IPv6")
def _(t):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client:
        client.sendto(b"x", ("2001:db8::1", 53))


@probe("network", "names", "ask this machine's name servers")
def _(t):
    try:
        socket.getaddrinfo("example.com", 80)
    except socket.gaierror as problem:
        raise Blocked(problem.strerror)


@probe("network", "change_addresses", "change a network device")
def _(t):
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14x", b"lo", 0x49)
        fcntl.ioctl(any_socket, 0x8914, request)  # SIOCSIFFLAGS: up, loopback, running, as it is


for name, (family, kind, protocol, text) in {
    "packet": (17, 3, 0x0300, "a packet socket"),
    "raw": (2, 3, 1, "a raw socket"),
    "raw_ipv6": (10, 3, 58, "a raw socket of IPv6"),
    "ping": (2, 2, 1, "a ping socket"),
    "netlink_netfilter": (16, 3, 12, "a socket of the packet filter"),
    "netlink_uevent": (16, 3, 15, "a socket of the kernel's events"),
    "netlink_audit": (16, 3, 9, "a socket of the audit system"),
    "netlink_diagnosis": (16, 3, 4, "a socket that lists sockets"),
    "vsock": (40, 1, 0, "a socket to the hypervisor"),
    "alg": (38, 5, 0, "a socket of the kernel's cryptography"),
    "key": (15, 3, 2, "a socket of the kernel's IPsec keys"),
    "bluetooth": (31, 3, 1, "a Bluetooth socket"),
    "can": (29, 3, 1, "a CAN socket"),
    "tipc": (30, 5, 0, "a TIPC socket"),
    "rds": (21, 5, 0, "an RDS socket"),
    "xdp": (44, 3, 0, "an XDP socket"),
    "sctp": (2, 1, 132, "an SCTP socket"),
    "mptcp": (2, 1, 262, "a multipath TCP socket"),
}.items():

    @probe("network", f"socket_{name}", f"make {text}")
    def _(t, family=family, kind=kind, protocol=protocol):
        made = libc.socket(family, kind, protocol)
        if made < 0:
            raise OSError(ctypes.get_errno(), "")


# ---------------------------------------------------------------- interfaces of the kernel


@probe("kernel", "mount_tmpfs", "mount a file system")
def _(t):
    refused("mount", b"none", t["tmp"].encode(), b"tmpfs", 0, 0)


@probe("kernel", "remount_code", "make the mount of its code writable")
def _(t):
    refused("mount", b"none", t.get("task", "/var/task").encode(), 0, 32 | 4096, 0, reached=(errno.EINVAL,))


@probe("kernel", "bind_mount", "bind a folder to another place")
def _(t):
    refused("mount", b"/", t["tmp"].encode(), 0, 4096, 0)


@probe("kernel", "new_mount_calls", "mount with fsopen")
def _(t):
    refused("fsopen", b"tmpfs", 0)


@probe("kernel", "clone_tree", "take a copy of a mount with open_tree")
def _(t):
    refused("open_tree", -100, b"/", 1)


@probe("kernel", "move_mount", "move a mount")
def _(t):
    refused("move_mount", -100, b"/proc", -100, t["tmp"].encode(), 0, reached=(errno.EINVAL,))


@probe("kernel", "mount_setattr", "change a mount's attributes")
def _(t):
    refused("mount_setattr", -100, t.get("task", "/var/task").encode(), 0, struct.pack("QQQQ", 0, 1, 0, 0), 32, reached=(errno.EINVAL,))


@probe("kernel", "list_mounts", "list the mounts of this machine with listmount")
def _(t):
    request = struct.pack("IIQQQ", 32, 0, 0xFFFFFFFFFFFFFFFF, 0, 0)
    refused("listmount", request, ctypes.create_string_buffer(64), 8, 0)


@probe("kernel", "unmount_proc", "unmount /proc")
def _(t):
    refused("umount2", b"/proc", 2)


@probe("kernel", "unmount_code", "unmount its code")
def _(t):
    refused("umount2", t.get("task", "/var/task").encode(), 2, reached=(errno.EINVAL,))


@probe("kernel", "pivot_root", "change the root folder of all")
def _(t):
    refused("pivot_root", b".", b".", reached=(errno.EINVAL, errno.EBUSY))


@probe("kernel", "chroot", "change its own root folder")
def _(t):
    refused("chroot", t["tmp"].encode())


@probe("kernel", "enter_namespace", "enter the namespaces of the first process")
def _(t):
    for kind in ("user", "mnt", "net", "pid"):
        handle = os.open(f"/proc/1/ns/{kind}", os.O_RDONLY)
        refused("setns", handle, 0)


@probe("kernel", "enter_own_namespace", "enter a namespace at all")
def _(t):
    refused("setns", os.open("/proc/self/ns/net", os.O_RDONLY), 0)


for kind, flag in NEW.items():

    @probe("kernel", f"unshare_{kind}", f"make a {kind} namespace")
    def _(t, flag=flag):
        refused("unshare", flag)


@probe("kernel", "clone_user_namespace", "start a process in a user namespace")
def _(t):
    child = call("clone", NEW["user"] | signal.SIGCHLD, 0, 0, 0, 0)
    if child == 0:
        os._exit(0)
    raise Allowed("started")


@probe("kernel", "clone3_user_namespace", "the same with clone3")
def _(t):
    arguments = struct.pack("QQQQQQQQ", NEW["user"], 0, 0, 0, signal.SIGCHLD, 0, 0, 0)
    child = call("clone3", arguments, 64)
    if child == 0:
        os._exit(0)
    raise Allowed("started")


ZEROS = bytes(128)
for name, arguments, reached, text in (
    ("bpf", (0, ZEROS, 72), (errno.EINVAL,), "load a program into the kernel with bpf"),
    ("perf_event_open", (struct.pack("II", 1, 112) + bytes(104), 0, -1, -1, 0), (errno.EACCES,), "count the kernel's events"),
    ("userfaultfd", (1,), (), "handle page faults itself"),
    ("io_uring_setup", (8, ctypes.create_string_buffer(120)), (), "make an io_uring"),
    ("keyctl", (0, -3, 1), (), "use the kernel's keys"),
    ("add_key", (b"user", b"attack", b"x", 1, -3), (), "keep a key in the kernel"),
    ("request_key", (b"user", b"attack", 0, 0), (errno.ENOKEY,), "ask for a key"),
    ("open_by_handle_at", (-100, struct.pack("II", 8, 1) + bytes(8), 0), (errno.ESTALE, errno.EBADF), "open a file by its number"),
    ("name_to_handle_at", (-100, b"/", struct.pack("II", 0, 0), ctypes.create_string_buffer(8), 0), (errno.EOVERFLOW,), "learn a file's number"),
    ("init_module", (0, 0, b""), (errno.ENOEXEC, errno.EFAULT), "load a kernel module"),
    ("finit_module", (0, b"", 0), (errno.ENOEXEC, errno.EBADF, errno.EINVAL), "load a kernel module from a file"),
    ("delete_module", (b"no-such-module", 0), (errno.ENOENT,), "unload a kernel module"),
    ("kexec_load", (0, 0, 0, 0), (errno.EINVAL,), "load another kernel"),
    ("kexec_file_load", (-1, -1, 0, 0, 0), (errno.EBADF, errno.EINVAL), "load another kernel from a file"),
    ("reboot", (0, 0, 0, 0), (errno.EINVAL,), "restart the machine"),
    ("swapon", (b"/no-such-file", 0), (errno.ENOENT,), "add swap space"),
    ("swapoff", (b"/no-such-file",), (errno.ENOENT,), "take swap space away"),
    ("acct", (b"/no-such-file",), (errno.ENOENT,), "log the machine's processes"),
    ("quotactl", (0x80000700, b"/no-such-file", 0, 0), (errno.ENOENT, errno.ENOTBLK), "change disk quotas"),
    ("syslog", (3, ctypes.create_string_buffer(256), 256), (), "read the kernel's log"),
    ("fanotify_init", (0x200, 0), (errno.EINVAL,), "watch all files of a file system"),
    ("move_pages", (1, 0, 0, 0, 0, 0), (errno.ESRCH,), "move another's memory between nodes"),
    ("migrate_pages", (1, 8, ZEROS, ZEROS), (errno.EINVAL,), "move all of another's memory"),
    ("mbind", (0, 0, 0, 0, 0, 0), (), "choose the memory node"),
    ("sethostname", (b"attack", 6), (), "rename the machine"),
    ("setdomainname", (b"attack", 6), (), "rename its domain"),
    ("vhangup", (), (), "hang the terminal up"),
    ("lookup_dcookie", (0, ZEROS, 64), (errno.EINVAL,), "profile others"),
    ("memfd_secret", (0,), (), "hide memory from the kernel"),
    ("io_setup", (8, ctypes.create_string_buffer(8)), (), "use the kernel's old asynchronous files"),
    ("iopl", (3,), (), "reach the hardware's ports"),
    ("ioperm", (0x80, 1, 1), (), "reach one of the hardware's ports"),
    ("modify_ldt", (0, ctypes.create_string_buffer(64), 64), (), "change its segment table"),
):  # fmt: skip

    @probe("kernel", name, text)
    def _(t, name=name, arguments=arguments, reached=reached):
        refused(name, *arguments, reached=reached)


@probe("kernel", "set_clock", "set the clock")
def _(t):
    time.clock_settime(time.CLOCK_REALTIME, time.clock_gettime(time.CLOCK_REALTIME))


@probe("kernel", "settimeofday", "set the clock the old way")
def _(t):
    now = time.time()
    refused("settimeofday", struct.pack("ll", int(now), int(now % 1 * 1e6)), 0)


@probe("kernel", "adjtimex", "bend the clock")
def _(t):
    refused("adjtimex", struct.pack("I", 0x4000) + bytes(252))


@probe("kernel", "personality", "switch off the randomization of addresses")
def _(t):
    refused("personality", 0x0040000)


@probe("kernel", "terminal_input", "put words into the mouth of a terminal (TIOCSTI)")
def _(t):
    import fcntl

    try:
        fcntl.ioctl(0, 0x5412, b"x")
    except OSError as problem:
        if problem.errno == errno.ENOTTY:
            raise Allowed("reached the kernel: ENOTTY")
        raise


@probe("kernel", "interface_32_bits", "use the kernel's interface of 32 bits")
def _(t):
    if ARM:
        raise Blocked("not on this processor")
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # mov eax, 20 (getpid); int 0x80; ret
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    if ctypes.CFUNCTYPE(ctypes.c_int)(address)() > 0:
        raise Allowed("answered")
    raise Blocked("an error")


@probe("kernel", "interface_x32", "use the kernel's interface for x32")
def _(t):
    if ARM:
        raise Blocked("not on this processor")
    if libc.syscall(ctypes.c_long(0x40000000 + 39)) > 0:
        raise Allowed("answered")
    raise OSError(ctypes.get_errno(), "")


# ---------------------------------------------------------------- descriptors


@probe("descriptors", "inherited", "find a descriptor that is not its own")
def _(t):
    strange = []
    for name in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
        if int(name) <= 3 or target.startswith(("/proc/", "pipe:", "/dev/null", "anon_inode:[eventpoll]", "/var/task")):
            continue
        strange.append(f"{name} {target}")
    if strange:
        raise Allowed(", ".join(strange))
    raise Blocked("none there")


@probe("descriptors", "foreign_sockets", "find listening sockets among its descriptors")
def _(t):
    for number in range(256):
        try:
            with socket.socket(fileno=os.dup(number)) as found:
                if found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    raise Allowed(f"descriptor {number} listens")
        except OSError:
            continue
    raise Blocked("none there")


@probe("descriptors", "pass_by_channel", "send a descriptor through the channel to the server")
def _(t):
    # The function's own process has it; in those it forks, other files are in its place.
    for number in range(5):
        if not os.readlink(f"/proc/{os.getppid()}/fd/{number}").startswith(("pipe:", "/dev/null")):
            raise Allowed(f"descriptor {number} is no pipe")
    raise Blocked("pipes take bytes only")


# ---------------------------------------------------------------- privileges


@probe("privileges", "setuid_program", "become root by a set-user-id program")
def _(t):
    for path in ("/usr/bin/su", "/bin/su", "/usr/bin/sudo", "/usr/bin/newgrp", "/usr/bin/chsh", "/usr/bin/passwd"):
        try:
            if not os.stat(path).st_mode & stat.S_ISUID:
                continue
        except OSError:
            continue
        child = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(0.1)
            with open(f"/proc/{child.pid}/status") as file:
                user = next(line for line in file if line.startswith("Uid:")).split()[2]
            if user == "0" and os.geteuid() != 0:
                raise Allowed(path)
            raise Blocked(f"{path} runs as {user}")
        finally:
            child.kill()
            child.wait()
    raise Blocked("none there")


@probe("privileges", "own_setuid_program", "make a set-user-id program of its own")
def _(t):
    path = f"{t['tmp']}/own-{os.getpid()}"
    with open("/bin/true", "rb") as source, open(path, "wb") as copy:
        copy.write(source.read())
    os.chmod(path, 0o4755)
    flags = os.statvfs(path).f_flag
    os.unlink(path)
    if not flags & os.ST_NOSUID and "NoNewPrivs:\t1" not in open("/proc/self/status").read():
        raise Allowed("it would count")
    raise Blocked("it does not count")


@probe("privileges", "capset", "take all capabilities")
def _(t):
    header = struct.pack("Ii", 0x20080522, 0)
    refused("capset", header, struct.pack("IIIIII", *([0xFFFFFFFF, 0xFFFFFFFF, 0] * 2)))


@probe("privileges", "has_capabilities", "use capabilities it may have been left")
def _(t):
    for line in open("/proc/self/status"):
        if line.startswith(("CapEff:", "CapPrm:", "CapInh:", "CapAmb:")) and int(line.split()[1], 16):
            raise Allowed(line.strip())
    raise Blocked("none left")


@probe("privileges", "bounding_set", "find capabilities in its bounding set")
def _(t):
    for line in open("/proc/self/status"):
        if line.startswith("CapBnd:") and int(line.split()[1], 16) and "NoNewPrivs:\t1" not in open("/proc/self/status").read():
            raise Allowed(line.strip())
    raise Blocked("of no use")


@probe("privileges", "setuid_root", "become root")
def _(t):
    if os.geteuid() == 0:
        raise Allowed("it is root")
    os.setuid(0)


@probe("privileges", "setgid_root", "become a member of root's group")
def _(t):
    os.setgid(0)


@probe("privileges", "setgroups", "join groups")
def _(t):
    os.setgroups([0])


@probe("privileges", "ambient", "keep a capability for what it starts")
def _(t):
    if libc.prctl(47, 2, 21, 0, 0) < 0:
        raise OSError(ctypes.get_errno(), "")


@probe("privileges", "new_privileges", "allow itself new privileges again")
def _(t):
    libc.prctl(38, 0, 0, 0, 0)
    if libc.prctl(39, 0, 0, 0, 0) == 1:
        raise Blocked("still forbidden")


@probe("privileges", "no_filter", "leave the system call filter")
def _(t):
    if libc.prctl(22, 0, 0, 0, 0) == 0 or libc.prctl(21, 0, 0, 0, 0) == 0:
        raise Allowed("no filter in force")
    raise Blocked("still in force")


# ---------------------------------------------------------------- events of their own


def children_until_refused(limit):
    made = []
    try:
        for _ in range(limit):
            child = os.fork()
            if child == 0:
                try:
                    signal.pause()
                finally:
                    os._exit(0)
            made.append(child)
    except OSError:
        pass
    count = len(made)
    for child in made:
        os.kill(child, signal.SIGKILL)
    for child in made:
        os.waitpid(child, 0)
    return count


@flood("forks", "start processes until it is refused")
def _(t):
    return {"count": children_until_refused(3000)}


@flood("threads", "start threads until it is refused")
def _(t):
    import threading

    threading.stack_size(64 * 1024)
    end = threading.Event()
    made = []
    try:
        for _ in range(3000):
            one = threading.Thread(target=end.wait)
            one.start()
            made.append(one)
    except (RuntimeError, MemoryError):
        pass
    finally:
        end.set()
    for one in made:
        one.join()
    return {"count": len(made)}


@flood("fork_bomb", "start processes that start processes, and never stop")
def _(t):
    while True:
        try:
            os.fork()
        except OSError:
            pass


@flood("memory", "use memory until it is killed")
def _(t):
    kept = []
    while True:
        kept.append(bytearray(os.urandom(1) * (16 << 20)))


@flood("disk", "fill /tmp")
def _(t):
    written, block = 0, b"x" * (1 << 20)
    path = f"{t['tmp']}/filler"
    try:
        with open(path, "wb", buffering=0) as file:
            while written < 700 << 20:
                written += file.write(block)
        stopped = None
    except OSError as problem:
        stopped = errno.errorcode[problem.errno]
    os.unlink(path)
    return {"megabytes": written >> 20, "stopped": stopped}


@flood("files", "make files until it is refused")
def _(t):
    folder = f"{t['tmp']}/many"
    os.mkdir(folder)
    made = 0
    try:
        until = time.monotonic() + 3
        while time.monotonic() < until:
            os.close(os.open(f"{folder}/{made}", os.O_CREAT | os.O_WRONLY))
            made += 1
        stopped = None
    except OSError as problem:
        stopped = errno.errorcode[problem.errno]
    return {"count": made, "stopped": stopped}


@flood("descriptors", "open files until it is refused")
def _(t):
    made = []
    try:
        while len(made) < 100_000:
            made.append(os.open("/dev/null", os.O_RDONLY))
        stopped = None
    except OSError as problem:
        stopped = errno.errorcode[problem.errno]
    for one in made:
        os.close(one)
    return {"count": len(made), "stopped": stopped}


@flood("sockets", "make sockets until it is refused")
def _(t):
    made = []
    try:
        while len(made) < 100_000:
            made.append(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        stopped = None
    except OSError as problem:
        stopped = errno.errorcode[problem.errno]
    return {"count": len(made), "stopped": stopped}


@flood("inotify", "watch folders until it is refused")
def _(t):
    made = []
    try:
        while len(made) < 100_000:
            one = libc.inotify_init()
            if one < 0:
                raise OSError(ctypes.get_errno(), "")
            made.append(one)
        stopped = None
    except OSError as problem:
        stopped = errno.errorcode[problem.errno]
    for one in made:
        os.close(one)
    return {"count": len(made), "stopped": stopped}


@flood("pipes", "fill the kernel's pipe buffers")
def _(t):
    made, block = [], b"x" * 65536
    try:
        while len(made) < 100_000:
            made += os.pipe()
            os.set_blocking(made[-1], False)
            os.write(made[-1], block)
        stopped = None
    except OSError as problem:
        stopped = errno.errorcode[problem.errno]
    for one in made:
        os.close(one)
    return {"count": len(made) // 2, "stopped": stopped}


@flood("log", "write a gigabyte of log")
def _(t):
    line = b"x" * 1023 + b"\n"
    block = line * 1024
    for _ in range(t.get("log_megabytes", 1024)):
        left = memoryview(block)
        while left:
            left = left[os.write(1, left) :]
    return {"written": True}


@flood("log_without_end", "write a log line that does not end")
def _(t):
    block = b"x" * (1 << 20)
    for _ in range(t.get("log_megabytes", 64)):
        left = memoryview(block)
        while left:
            left = left[os.write(1, left) :]
    return {"written": True}


@flood("spin", "use the processor for ever")
def _(t):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        pass


@flood("sleep", "ignore all signals and wait for ever, and leave a child that does too")
def _(t):
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    os.fork()
    while True:
        time.sleep(1000)


@flood("kill_all", "kill everything it can see")
def _(t):
    os.kill(-1, signal.SIGKILL)
    time.sleep(30)
    return {}


@flood("garbage", "write garbage into the channel to the server")
def _(t):
    os.write(4, os.urandom(4096))
    time.sleep(1)
    return "after garbage"


@flood("huge_frame", "announce an answer of 4 GB in the channel")
def _(t):
    os.write(4, bytes([18, 0, 0, 0]) + struct.pack("<II", 1, 0xFFFFFFFF) + b"\0" * 64)
    time.sleep(1)
    return "after a huge frame"


def frame(kind, request_id, body, error_type=b""):
    header = request_id.encode() + b"\0" + error_type
    return bytes([kind, 0, 0, 0]) + struct.pack("<II", len(header), len(body)) + header + body


@flood("forged_answer", "answer an event that is not its own")
def _(t):
    os.write(4, frame(18, "00000000-0000-0000-0000-000000000000", b'"forged"'))
    os.write(4, frame(18, t["dead_id"], b'"forged"'))
    return "its own"


@flood("two_answers", "answer its event twice, the second time for the next one")
def _(t):
    os.write(4, frame(18, t["request_id"], b'"first"') + frame(18, t["request_id"], b'"second"'))
    return "third"


@flood("half_answer", "begin an answer and end")
def _(t):
    os.write(4, frame(18, t["request_id"], b'"cut off"')[:-4])
    os._exit(0)


@flood("late_child", "leave a child that answers the next event")
def _(t):
    if os.fork() == 0:
        time.sleep(0.2)
        try:
            os.write(4, frame(18, t["request_id"], b'"late"'))
        finally:
            os._exit(0)
    return "in time"


@flood("big_answer", "answer 6 MB and a byte")
def _(t):
    return "x" * (6_291_556 + 1)


@flood("nothing", "nothing")
def _(t):
    return "nothing"


@flood("tell", "say who and where it is")
def _(t):
    return {
        "pid": os.getpid(), "uid": os.getuid(), "file": os.path.abspath(__file__), "api": os.environ.get("AWS_LAMBDA_RUNTIME_API"),
        "tmp": os.environ.get("TMPDIR", "/tmp"), "python": sys.version.split()[0],
    }  # fmt: skip


def handler(event, context):
    targets = event.get("targets", {})
    targets.setdefault("tmp", os.environ.get("TMPDIR", "/tmp"))
    targets["request_id"] = getattr(context, "aws_request_id", "")
    if "flood" in event:
        return FLOODS[event["flood"]][1](targets)
    wanted = event.get("probes") or list(PROBES)
    return [[name, PROBES[name][0], PROBES[name][1], *run_one(name, PROBES[name][2], targets)] for name in wanted]


if __name__ == "__main__":
    assert os.geteuid() != 0, "never as root outside a sandbox"
    print(json.dumps(handler(json.loads(sys.argv[1]), None), indent=1))
