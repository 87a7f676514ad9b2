// Control groups: where they are looked for, what is read from them, and, where this user may, the kernel's limits themselves.
#include "sandbox/cgroup.hpp"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cstring>
#include <fstream>

#include "base/text.hpp"
#include "sandbox/testing.hpp"

namespace sallyport::sandbox {
namespace {

constexpr std::string_view hybrid_mounts =
    "31 30 0:27 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n"
    "32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "33 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
    "34 30 0:30 / /proc rw - proc proc rw\n";

TEST(CgroupPlaces, OfBothVersionsSideBySide) {
  const auto places = find_cgroup_places(hybrid_mounts, "4:memory:/a/b\n3:cpu,cpuacct:/\n1:name=systemd:/c\n0::/d\n");
  EXPECT_EQ(places.unified, "/sys/fs/cgroup/unified/d");
  EXPECT_EQ(places.unified_top, "/sys/fs/cgroup/unified");
  EXPECT_EQ(places.by_controller.at("memory"), "/sys/fs/cgroup/memory/a/b");
  EXPECT_EQ(places.by_controller.at("cpu"), "/sys/fs/cgroup/cpu,cpuacct");
  EXPECT_FALSE(places.by_controller.contains("name=systemd"));
}

TEST(CgroupPlaces, OfContainersThatSeeAPart) {
  const auto places = find_cgroup_places("9 8 0:1 /docker/x /sys/fs/cgroup ro - cgroup2 cgroup rw\n", "0::/docker/x/y\n");
  EXPECT_EQ(places.unified, "/sys/fs/cgroup/y");
  EXPECT_EQ(find_cgroup_places("9 8 0:1 /docker/x /sys/fs/cgroup ro - cgroup2 cgroup rw\n", "0::/elsewhere\n").unified, "");
  EXPECT_EQ(find_cgroup_places("", "0::/\n").unified, "");
}

class Folder {
 public:
  Folder() { EXPECT_TRUE(mkdtemp(path.data())); }
  ~Folder() {
    for (const auto& name : written) unlink(cat(path, "/", name).c_str());
    rmdir(path.c_str());
  }
  void write(const std::string& name, std::string_view text) {
    std::ofstream(cat(path, "/", name)) << text;
    written.push_back(name);
  }
  Fd open_file(const std::string& name, int flags = O_RDONLY) const { return Fd(open(cat(path, "/", name).c_str(), flags | O_CLOEXEC)); }
  std::string read(const std::string& name) const {
    std::ifstream file(cat(path, "/", name));
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  std::string path = "/tmp/sallyport-cgroup-XXXXXX";
  std::vector<std::string> written;
};

TEST(CgroupWatch, CountsNeitherTmpNorCachedFiles) {
  Folder folder;
  folder.write("memory.current", cat(300 << 20, "\n"));
  folder.write("cgroup.procs", cat(getpid(), "\n"));
  folder.write("memory.stat", cat("anon ", 90 << 20, "\nfile ", 200 << 20, "\nfile_mapped 7\nshmem ", 150 << 20, "\n"));
  folder.write("memory.events", "low 0\noom 1\noom_kill 1\noom_group_kill 0\n");
  folder.write("cgroup.freeze", "0");
  std::vector<Fd> files;
  for (const auto* name : {"memory.events", "memory.current", "cgroup.procs", "memory.stat"}) files.push_back(folder.open_file(name));
  files.push_back(folder.open_file("cgroup.freeze", O_WRONLY));
  CgroupWatch watch(std::move(files));
  ASSERT_TRUE(watch);
  rusage mine{};
  watch.begin(128, getpid());
  auto memory = watch.read();
  EXPECT_EQ(memory.now_kib, 100 << 10);
  EXPECT_EQ(memory.peak_kib, 100 << 10);
  EXPECT_FALSE(memory.limit_hit) << "that was before";
  EXPECT_FALSE(memory.enforced);
  folder.write("memory.events", "low 0\noom 2\noom_kill 2\noom_group_kill 0\n");
  EXPECT_TRUE(watch.read().limit_hit);
  EXPECT_EQ(watch.read().peak_kib, 128 << 10) << "all there was to use";
  watch.begin(1 << 20);
  folder.write("memory.current", cat(201 << 20, "\n"));
  memory = watch.read();
  EXPECT_FALSE(memory.limit_hit) << "that was before";
  EXPECT_EQ(memory.now_kib, 1 << 10);
  ASSERT_EQ(getrusage(RUSAGE_SELF, &mine), 0);
  EXPECT_GT(memory.peak_kib, 1 << 10) << "what the process in it has held";
  EXPECT_LT(memory.peak_kib, mine.ru_maxrss + 1024) << "as the kernel counts, which is not to the page";
  EXPECT_TRUE(watch.freeze());
  EXPECT_EQ(folder.read("cgroup.freeze"), "1");
  EXPECT_TRUE(watch.thaw());
  EXPECT_EQ(folder.read("cgroup.freeze"), "0");
  EXPECT_FALSE(watch.kill()) << "no such file";
}

TEST(CgroupWatch, NothingToWatch) {
  const CgroupWatch watch;
  EXPECT_FALSE(watch);
  EXPECT_EQ(watch.read().now_kib, 0);
  EXPECT_FALSE(watch.freeze() || watch.kill());
}

TEST(CgroupTree, WithoutGroupsEverythingIsLeftToOthers) {
  const auto tree = CgroupTree::open(CgroupPlaces{}, CgroupTree::Purpose::use);
  EXPECT_EQ(tree.mechanism(), MemoryMechanism::watchdog);
  EXPECT_EQ(tree.detail(), "control groups are not mounted");
  const auto group = tree.make(1);
  ASSERT_TRUE(group);
  EXPECT_FALSE(*group);
  EXPECT_TRUE(group->add(getpid()) && group->set({}));
  EXPECT_TRUE(group->watch_files()->empty());
}

class RealGroups : public ::testing::Test {
 public:
  void SetUp() override {
    if (tree.mechanism() == MemoryMechanism::watchdog) GTEST_SKIP() << tree.detail();
  }
  // A child that waits for a byte, then runs `work`.
  template <class Work>
  pid_t start(Work work) {
    EXPECT_EQ(pipe(gate), 0);
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);
      char byte;
      if (::read(gate[0], &byte, 1) != 1) _exit(90);
      close_range(3, ~0U, 0);  // the lock on the folders is the maker's
      _exit(work());
    }
    return child;
  }
  void go() { EXPECT_EQ(::write(gate[1], "g", 1), 1); }
  static int ended(pid_t child) {
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  int gate[2] = {-1, -1};
  CgroupTree tree = CgroupTree::open();
};

TEST_F(RealGroups, MemoryIsKept) {
  auto group = tree.make(1);
  ASSERT_TRUE(group) << group.error().message;
  const pid_t child = start([] {
    constexpr std::size_t size = 256u << 20;
    auto* memory = static_cast<char*>(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    std::memset(memory, 1, size);
    return 0;
  });
  ASSERT_TRUE(group->add(child));
  ASSERT_TRUE(group->set({32, 8, 50, 0.5}));
  ASSERT_TRUE(group->set({64, 8, 50, 0})) << "it may rise";
  ASSERT_TRUE(group->set({32, 8, 50, 0})) << "and fall";
  CgroupWatch watch(std::move(*group->watch_files()));
  watch.begin(32);
  EXPECT_FALSE(watch.read().limit_hit);
  go();
  EXPECT_EQ(ended(child), 128 + SIGKILL);
  EXPECT_TRUE(watch.read().limit_hit);
  EXPECT_EQ(watch.read().peak_kib, 32 << 10);
}

TEST_F(RealGroups, FilesThatAreGoneWereNoMemory) {
  auto group = tree.make(5);
  ASSERT_TRUE(group) << group.error().message;
  const pid_t child = start([] {
    const int file = open("/tmp", O_TMPFILE | O_RDWR, 0600);
    const std::string piece(1 << 20, 'x');
    for (int i = 0; i < 64; ++i)
      if (::write(file, piece.data(), piece.size()) != static_cast<ssize_t>(piece.size())) return 1;
    constexpr std::size_t size = 24u << 20;
    auto* memory = static_cast<char*>(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    std::memset(memory, 1, size);
    munmap(memory, size);
    close(file);
    raise(SIGSTOP);
    return 0;
  });
  ASSERT_TRUE(group->add(child));
  ASSERT_TRUE(group->set({128, 128, 50, 0}));
  CgroupWatch watch(std::move(*group->watch_files()));
  watch.begin(128);
  go();
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, WUNTRACED), child);
  ASSERT_TRUE(WIFSTOPPED(status)) << status;
  const auto memory = watch.read();
  EXPECT_GE(memory.peak_kib, 24 << 10) << "for a moment only, but held";
  EXPECT_LT(memory.peak_kib, 64 << 10);
  kill(child, SIGKILL);
  ended(child);
}

TEST_F(RealGroups, ProcessesAreCounted) {
  if (!tree.pids()) GTEST_SKIP() << "no such controller";
  auto group = tree.make(2);
  ASSERT_TRUE(group);
  const pid_t child = start([] {
    int made = 0;
    for (; made < 100; ++made) {
      const pid_t one = fork();
      if (one == 0) {
        pause();
        _exit(0);
      }
      if (one < 0) break;
    }
    return made;
  });
  ASSERT_TRUE(group->add(child));
  ASSERT_TRUE(group->set({64, 0, 10, 0}));
  go();
  EXPECT_EQ(ended(child), 10) << "ten beside the init, whose place this process takes";
  group->kill();
}

TEST_F(RealGroups, WhatDiedLeavesNothing) {
  auto group = tree.make(3);
  ASSERT_TRUE(group);
  const pid_t child = start([] { return 0; });
  ASSERT_TRUE(group->add(child));
  *group = Cgroup();  // too early: it is still in use
  go();
  EXPECT_EQ(ended(child), 0);
  auto again = tree.make(4);
  ASSERT_TRUE(again);
  EXPECT_TRUE(tree.make(3)) << "removed since";
}

}  // namespace
}  // namespace sallyport::sandbox
