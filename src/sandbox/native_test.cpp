// What only a sandbox with namespaces of its own promises.
#include <arpa/inet.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <future>
#include <set>

#include "sandbox/cgroup_places.hpp"
#include "sandbox/family.hpp"
#include "sandbox/testing.hpp"

namespace sallyport::sandbox {
namespace {

using namespace testing;
using ::testing::HasSubstr;

TEST_F(Native, ShowsCodeLayersAndRuntimeReadOnly) {
  code_.write("a", "code");
  layers_.write("b", "layer");
  runtime_.write("c", "runtime");
  auto sandbox = make();
  EXPECT_EQ(sandbox->task_root(), "/var/task");
  EXPECT_EQ(sandbox->layers_root(), "/opt");
  EXPECT_EQ(sandbox->runtime_root(), "/var/runtime");
  EXPECT_EQ(run(*sandbox, "cat /var/task/a /opt/b /var/runtime/c").output, "codelayerruntime");
  for (const char* place : {"/var/task", "/opt", "/var/runtime", "/", "/etc", "/usr", "/dev", "/var", "/proc"}) {
    const auto ran = run(*sandbox, cat("touch ", std::string_view(place), "/mine 2>/dev/null"));
    EXPECT_NE(ran.exit.code, 0) << place;
  }
  EXPECT_NE(run(*sandbox, "echo x > /var/task/a").exit.code, 0);
}

TEST_F(Native, SeesCodeThatChanges) {
  auto sandbox = make();
  code_.write("late", "changed");
  EXPECT_EQ(run(*sandbox, "cat /var/task/late").output, "changed") << "the folder itself is mounted, for hot reload";
}

TEST_F(Native, HasNothingOfThisMachine) {
  auto sandbox = make();
  const std::set<std::string> expected{"bin", "dev", "etc", "lib", "lib32", "lib64", "libx32", "opt", "proc", "sbin", "tmp", "usr", "var"};
  const auto listed = run(*sandbox, "ls /").output;
  for (const auto name : split(std::string_view(listed).substr(0, listed.size() - 1), '\n'))
    EXPECT_TRUE(expected.contains(std::string(name))) << name;
  EXPECT_NE(run(*sandbox, "cat /etc/shadow 2>/dev/null").exit.code, 0);
  EXPECT_EQ(run(*sandbox, cat("ls ", code_.path(), " 2>/dev/null")).output, "");
  EXPECT_THAT(run(*sandbox, "cat /etc/passwd").output, HasSubstr("sbx_user1051:x:993:990"));
  EXPECT_EQ(run(*sandbox, "ls /dev | tr '\\n' ' '").output, "fd full null random stderr stdin stdout urandom zero ");
  EXPECT_EQ(run(*sandbox, "ls -A /tmp").output, "");
  EXPECT_EQ(run(*sandbox, "uname -n").output, "sandbox\n");
  EXPECT_THAT(run(*sandbox, "cat /etc/hosts").output, HasSubstr("127.0.0.1 sandbox.localdomain"));
}

TEST_F(Native, ShowsTheFoldersOfInterpreters) {
  // Not below /tmp, which is the sandbox's own.
  std::string name = "/var/tmp/sandbox-test-XXXXXX";
  ASSERT_TRUE(mkdtemp(name.data()));
  chmod(name.c_str(), 0755);
  std::ofstream(cat(name, "/program")) << "#!/bin/sh\necho interpreted\n";
  chmod(cat(name, "/program").c_str(), 0755);
  auto sandbox = spawner_->create({.read_only = {name}, .runtime_directory = runtime_.path()});
  ASSERT_TRUE(sandbox) << sandbox.error().message;
  ASSERT_TRUE((*sandbox)->assign({.code_directory = code_.path(), .layers_directory = ""}));
  EXPECT_EQ(run(**sandbox, cat(name, "/program")).output, "interpreted\n");
  EXPECT_NE(run(**sandbox, cat("touch ", name, "/x 2>/dev/null")).exit.code, 0);
  std::ofstream(cat(name, "/key")) << "secret\n";
  auto with_file = spawner_->create({.read_only = {cat(name, "/program")}, .runtime_directory = runtime_.path()});
  ASSERT_TRUE(with_file) << with_file.error().message;
  ASSERT_TRUE((*with_file)->assign({.code_directory = code_.path(), .layers_directory = ""}));
  EXPECT_EQ(run(**with_file, cat(name, "/program; ls ", name)).output, "interpreted\nprogram\n") << "a file without its folder";
  std::filesystem::remove_all(name);
  for (const char* path : {"/usr/../etc", "relative", "/no/such/folder", "/etc/"})
    EXPECT_FALSE(spawner_->create({.read_only = {path}, .runtime_directory = ""})) << path;
}

TEST_F(Native, CannotWatchAsMuchAsItsUserMay) {
  if (access("/proc/sys/user/max_inotify_instances", F_OK)) GTEST_SKIP() << "this kernel does not count them";
  auto sandbox = make();
  ASSERT_TRUE(sandbox);
  EXPECT_EQ(run(*sandbox, "cat /proc/sys/user/max_inotify_instances /proc/sys/user/max_inotify_watches").output, "16\n8192\n");
  EXPECT_NE(run(*sandbox, "echo 17 2>/dev/null >/proc/sys/user/max_inotify_instances").exit.code, 0);
}

TEST_F(Native, IsAnUnprivilegedUser) {
  auto sandbox = make();
  EXPECT_EQ(run(*sandbox, "id -u; id -g; id -un").output, "993\n990\nsbx_user1051\n");
  const auto status = run(*sandbox, "cat /proc/self/status").output;
  for (const char* name : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"})
    EXPECT_THAT(status, HasSubstr(cat(std::string_view(name), ":\t0000000000000000")));
  EXPECT_THAT(status, HasSubstr("NoNewPrivs:\t1"));
  EXPECT_THAT(status, HasSubstr("Seccomp:\t2"));
  EXPECT_THAT(status, HasSubstr("Seccomp_filters:\t1")) << "each one costs time at every call";
}

TEST_F(Native, BootsProgramsBeforeTheyKnowTheirFunction) {
  code_.write("late", "here\n");
  auto sandbox = create();
  int input[2], output[2];
  ASSERT_EQ(pipe2(input, O_CLOEXEC) | pipe2(output, O_CLOEXEC), 0);
  Program program = shell(
      "echo booted; read line <&3; cat /var/task/late; echo x > /tmp/x && cat /tmp/x; grep -E '^(CapEff|CapBnd|Seccomp_f)' "
      "/proc/self/status; "
      "touch /var/task/y || echo no",
      Fd(output[1]));
  program.inherited.emplace_back(input[0]);
  const auto pid = sandbox->start(std::move(program));
  ASSERT_TRUE(pid) << pid.error().message;
  char text[7];
  ASSERT_EQ(read(output[0], text, 7), 7);
  ASSERT_TRUE(sandbox->assign({.code_directory = code_.path(), .layers_directory = ""}));
  ASSERT_EQ(write(input[1], "go\n", 3), 3);
  const auto rest = read_all(Fd(output[0]).get());
  EXPECT_THAT(rest, HasSubstr("here\nx\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nSeccomp_filters:\t1\n"));
  EXPECT_THAT(rest, HasSubstr("no\n"));
  close(input[1]);
}

// What its group gets of the processors when they are short; nothing: groups do not share them out here.
std::string weight_of(const Sandbox& sandbox) {
  const auto text = [](const std::string& path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const auto places = find_cgroup_places(text("/proc/self/mountinfo"), text(cat("/proc/", sandbox.host_pid(), "/cgroup")));
  if (const auto cpu = places.by_controller.find("cpu"); cpu != places.by_controller.end()) return text(cpu->second + "/cpu.shares");
  return text(places.unified + "/cpu.weight");
}

TEST_F(Native, GivesWayUntilItIsAssigned) {
  auto ordinary = create();
  const auto normal = weight_of(*ordinary);
  if (normal.empty()) GTEST_SKIP() << "no cpu controller this user may use";
  auto ahead = spawner_->create({.read_only = {}, .runtime_directory = runtime_.path(), .gives_way = true});
  ASSERT_TRUE(ahead) << ahead.error().message;
  EXPECT_LT(std::stoi(weight_of(**ahead)), std::stoi(normal) / 4);
  ASSERT_TRUE((*ahead)->assign({.code_directory = code_.path(), .layers_directory = layers_.path()}));
  EXPECT_EQ(weight_of(**ahead), normal);
}

TEST_F(Native, SignalsWhatWasBootedBefore) {
  auto sandbox = create();
  auto [pid, output] = start_script(*sandbox, "echo ready; exec sleep 100");
  ASSERT_TRUE(pid);
  char text[6];
  ASSERT_EQ(read(output.get(), text, 6), 6);
  ASSERT_TRUE(sandbox->assign({.code_directory = code_.path(), .layers_directory = ""}));
  sandbox->signal(*pid, SIGKILL);
  const auto exit = wait_exit(*sandbox, *pid);
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->signal, SIGKILL);
}

TEST_F(Native, LimitsTmp) {
  auto sandbox = make(3);
  const auto ran = run(*sandbox, "head -c 5000000 /dev/zero > /tmp/big 2>/dev/null; wc -c < /tmp/big");
  EXPECT_EQ(ran.output, "3145728\n");
  EXPECT_EQ(run(*sandbox, "stat -c %a /tmp").output, "1777\n");
}

TEST_F(Native, KeepsTmpWhenAllIsKilled) {
  auto sandbox = make();
  run(*sandbox, "echo kept > /tmp/file");
  auto [pid, output] = start_script(*sandbox, "echo ready; sleep 100");
  ASSERT_TRUE(pid);
  char text[6];
  ASSERT_EQ(read(output.get(), text, 6), 6);
  sandbox->kill_all();
  ASSERT_TRUE(wait_exit(*sandbox, *pid));
  EXPECT_EQ(run(*sandbox, "cat /tmp/file").output, "kept\n");
}

TEST_F(Native, HidesOtherProcesses) {
  auto first = make(), second = make();
  auto [pid, output] = start_script(*first, "echo ready; exec sleep 100");
  ASSERT_TRUE(pid);
  EXPECT_EQ(run(*second, "set -- /proc/[0-9]*; echo $#; test -e /proc/1 || echo hidden").output, "1\nhidden\n") << "the shell alone";
  EXPECT_NE(run(*second, "cat /proc/1/environ 2>/dev/null").exit.code, 0);
  EXPECT_NE(run(*second, "ls /proc/1/fd 2>/dev/null").exit.code, 0);
  EXPECT_NE(run(*second, "cat /proc/1/cmdline 2>/dev/null").exit.code, 0);
  EXPECT_NE(run(*second, "kill -9 1 2>/dev/null && kill -15 1 && sleep 0.1 && exit 1; exit 2").exit.signal, SIGKILL);
  EXPECT_FALSE(second->gone()) << "nothing inside can end the first process";
  EXPECT_EQ(run(*second, "echo alive").output, "alive\n");
}

TEST_F(Native, HidesOtherSandboxesFiles) {
  auto first = make();
  Folder other;
  other.write("secret", "secret");
  auto second = create();
  ASSERT_TRUE(second->assign({.code_directory = other.path(), .layers_directory = ""}));
  run(*first, "echo mine > /tmp/mine");
  EXPECT_EQ(run(*second, "ls -A /tmp /opt; cat /var/task/secret").output, "/opt:\n\n/tmp:\nsecret");
  EXPECT_NE(run(*first, "cat /var/task/secret 2>/dev/null").exit.code, 0);
}

TEST_F(Native, GivesEachAUserOfItsOwn) {
  if (geteuid() != 0) GTEST_SKIP() << "only root has users to give";
  const auto user_of = [](const Sandbox& sandbox) {
    struct stat about{};
    stat(cat("/proc/", sandbox.host_pid()).c_str(), &about);
    std::ifstream file(cat("/proc/", sandbox.host_pid(), "/status"));
    for (std::string line; std::getline(file, line);)
      if (line.starts_with("Uid:")) return line;
    return std::string();
  };
  auto first = make(), second = make();
  EXPECT_THAT(user_of(*first), HasSubstr(cat(0x5A110000)));
  EXPECT_NE(user_of(*first), user_of(*second));
  const auto before = user_of(*first);
  const int pid = first->host_pid();
  first.reset();
  EXPECT_TRUE(eventually([&] { return kill(pid, 0) != 0; }));
  EXPECT_TRUE(eventually([&] { return user_of(*make()) == before; })) << "numbers come back";
}

TEST_F(Native, LimitsProcesses) {
  auto sandbox = create();
  Assignment assignment{.code_directory = code_.path(), .layers_directory = ""};
  assignment.processes_max = 20;
  ASSERT_TRUE(sandbox->assign(assignment));
  auto [pid, output] = start_script(*sandbox, "i=0; while [ $i -lt 40 ]; do sleep 100 & i=$((i+1)); done 2>/dev/null; echo all; sleep 100");
  ASSERT_TRUE(pid);
  EXPECT_TRUE(eventually([&] { return descendants(sandbox->host_pid()).size() >= 15; }));
  usleep(200'000);
  EXPECT_LE(descendants(sandbox->host_pid()).size(), 20u);
  sandbox->kill_all();
  EXPECT_EQ(run(*sandbox, "echo again").output, "again\n");
}

// Everything the kernel keeps for sandboxes: their processes, the user numbers, what the spawner holds open.
TEST_F(Native, LeavesNothingBehind) {
  const auto open_count = [](int pid) {
    std::error_code error;
    int count = 0;
    for (const auto& one : std::filesystem::directory_iterator(cat("/proc/", pid, "/fd"), error)) count += one.path().empty() ? 0 : 1;
    return count;
  };
  const auto mount_count = [](int pid) {
    std::ifstream file(cat("/proc/", pid, "/mountinfo"));
    int count = 0;
    for (std::string line; std::getline(file, line);) ++count;
    return count;
  };
  make().reset();
  EXPECT_TRUE(eventually([&] { return children(spawner_->pid()).empty(); }));
  const int ours = open_count(getpid()), theirs = open_count(spawner_->pid()), mounts = mount_count(getpid());
  for (int round = 0; round < 10; ++round) {
    auto sandbox = make();
    run(*sandbox, "sleep 100 >/dev/null 2>&1 & echo x > /tmp/x");
  }
  EXPECT_TRUE(eventually([&] { return children(spawner_->pid()).empty(); }));
  EXPECT_EQ(open_count(getpid()), ours);
  EXPECT_EQ(open_count(spawner_->pid()), theirs);
  EXPECT_EQ(mount_count(getpid()), mounts);
  EXPECT_EQ(mount_count(spawner_->pid()), mounts);
}

TEST_F(Native, MakesManyAtOnce) {
  std::vector<std::future<int>> makers;
  for (int maker = 0; maker < 4; ++maker)
    makers.push_back(std::async(std::launch::async, [&] {
      int right = 0;
      std::vector<std::unique_ptr<Sandbox>> kept;
      for (int round = 0; round < 10; ++round) {
        auto made = spawner_->create({.read_only = {}, .runtime_directory = runtime_.path()});
        if (!made || !(*made)->assign({.code_directory = code_.path(), .layers_directory = ""})) continue;
        if (run(**made, "cat /tmp/mine 2>/dev/null; echo mine | tee /tmp/mine").output == "mine\n") ++right;
        if (round % 2) kept.push_back(std::move(*made));
      }
      return right;
    }));
  for (auto& maker : makers) EXPECT_EQ(maker.get(), 10);
  EXPECT_TRUE(eventually([&] { return children(spawner_->pid()).empty(); }));
}

TEST_F(Native, SurvivesAFailedCreation) {
  EXPECT_FALSE(spawner_->create({.read_only = {"/no/such/folder"}, .runtime_directory = ""}));
  EXPECT_FALSE(spawner_->create({.read_only = {}, .runtime_directory = "/no/such/folder"}));
  auto sandbox = create();
  EXPECT_FALSE(sandbox->assign({.code_directory = "/no/such/folder", .layers_directory = ""}));
  EXPECT_EQ(run(*make(), "echo fine").output, "fine\n");
}

TEST_F(Native, FirstProcessHoldsOnlyItsChannels) {
  auto sandbox = make();
  const auto held = [&] {
    std::multiset<std::string> kinds;
    std::error_code error;
    for (const auto& one : std::filesystem::directory_iterator(cat("/proc/", sandbox->host_pid(), "/fd"), error))
      kinds.insert(std::filesystem::read_symlink(one.path(), error).string().substr(0, 8));
    return kinds;
  };
  if (geteuid() == 0) {
    // Besides: a descriptor for signals and the rules for files. It answers before it has closed what came with the question.
    EXPECT_TRUE(eventually([&] { return held().size() <= 7; })) << held().size();
    EXPECT_EQ(held().count("socket:["), 2u);
    EXPECT_EQ(held().count("/dev/nul"), 3u);
  }
  std::ifstream file(cat("/proc/", sandbox->host_pid(), "/environ"));
  std::string environment((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(environment.find_first_not_of('\0'), std::string::npos) << "nothing of the server's environment is left in it";
}

// The same in a process of an ordinary user, whose report is its exit.
TEST(NativeForEverybody, WorksWithoutRoot) {
  if (geteuid() != 0) GTEST_SKIP() << "the other tests have shown it";
  Folder code, runtime;
  code.write("hello", "hello\n");
  const int result = in_child([&] {
    if (setgroups(0, nullptr) || setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534)) return 1;
    auto spawner = Spawner::start({.level = Level::native, .network = Network::isolated});
    if (!spawner) return fprintf(stderr, "%s\n", spawner.error().message.c_str()), 2;
    auto sandbox = (*spawner)->create({.read_only = {}, .runtime_directory = runtime.path()});
    if (!sandbox) return fprintf(stderr, "%s\n", sandbox.error().message.c_str()), 3;
    if (!(*sandbox)->assign({.code_directory = code.path(), .layers_directory = "", .tmp_mb = 3})) return 4;
    const auto ran =
        run(**sandbox,
            "cat /var/task/hello; id -u; ls /proc | grep -c '^[0-9]'; head -c 5000000 /dev/zero > /tmp/x 2>/dev/null; wc -c < /tmp/x");
    if (ran.output != "hello\n993\n3\n3145728\n") return fprintf(stderr, "%s", ran.output.c_str()), 5;
    if (run(**sandbox, "grep -c '^Cap.*0000000000000000$' /proc/self/status").output != "5\n") return 6;
    if ((*sandbox)->memory().now_kib < 0) return 7;
    auto [pid, output] = start_script(**sandbox, "echo ready; exec sleep 100");
    char text[6];
    if (!pid || read(output.get(), text, 6) != 6) return 8;
    if (!eventually([&] { return (*sandbox)->memory().now_kib > 100; })) return 8;
    (*sandbox)->kill_all();
    if (!wait_exit(**sandbox, *pid)) return 9;
    return (*sandbox)->take_api_listener() ? 0 : 10;
  });
  EXPECT_EQ(result, 0);
}

}  // namespace
}  // namespace sallyport::sandbox
