// Interpreters that wait: what a function finds when it gets one, and how many there are.
#include "runtime/testing.hpp"

#include <set>

namespace sallyport::runtime {
namespace {

class ReserveTest : public RuntimeTest {
 public:
  using RuntimeTest::RuntimeTest;
  void SetUp() override {
    RuntimeTest::SetUp();
    spec.runtime = "python3.12";
    spec.handler = "app.handler";
    if (const auto why = missing(spec.runtime); !why.empty()) GTEST_SKIP() << why;
    write("app.py", R"py(
import json, logging, os, sys
logging.getLogger().warning("loaded")
def handler(event, context):
    return {"pid": os.getpid(), "cwd": os.getcwd(), "env": dict(os.environ), "path": sys.path, "argv": sys.argv, "sdk": "botocore" in sys.modules}
)py");
  }
  void TearDown() override {
    if (pool) pool->retire();
    pool.reset();
    drain();
    reserve.reset();
    RuntimeTest::TearDown();
  }
  Reserve& keep(Reserve::Options options = {.least = 1, .most = 2, .total = 4}) {
    reserve.emplace(spawner, interpreters, surroundings.scratch_directory, options);
    surroundings.reserve = &*reserve;
    return *reserve;
  }
  std::optional<Reserve> reserve;
};

TEST(NextToStartTest, TheEmptiestIsFirst) {
  using Stocks = std::vector<ReserveStock>;
  EXPECT_EQ(next_to_start({}), std::nullopt);
  EXPECT_EQ(next_to_start(Stocks{{2, 2, 0}, {8, 8, 40}, {3, 0, 9}}), std::nullopt) << "none lacks any";
  EXPECT_EQ(next_to_start(Stocks{{2, 8, 40}, {1, 2, 1}}), 1u) << "what a burst took does not keep another empty";
  EXPECT_EQ(next_to_start(Stocks{{0, 2, 1}, {0, 2, 2}, {0, 2, 2}}), 1u) << "the one that is used";
  EXPECT_EQ(next_to_start(Stocks{{0, 0, 9}, {1, 2, 0}}), 1u) << "one that cannot be had keeps nobody waiting";
}

TEST_F(ReserveTest, KeepsNothingNobodyUses) {
  auto& all = keep();
  all.settle();
  EXPECT_EQ(all.count(), 0u);
  all.want("provided.al2023");
  all.want("python3.12");
  all.settle();
  EXPECT_EQ(all.count(), 1u);
  all.stop();
  EXPECT_EQ(all.count(), 0u);
  EXPECT_EQ(sandboxes_left_by(spawner), "");
}

TEST_F(ReserveTest, AFunctionCannotTell) {
  spec.environment = {{"MINE", "yes"}, {"NODE_ENV", "production"}};
  const auto own = result("{}");
  restart();
  ASSERT_EQ(sandboxes_left_by(spawner), "");
  keep().want(spec.runtime);
  reserve->settle();
  const auto waiting = sandboxes_of(spawner);
  const auto lent = result("{}");
  EXPECT_TRUE(sandboxes_of(spawner).starts_with(waiting)) << "its sandbox was there";
  EXPECT_EQ(*own.find("cwd"), *lent.find("cwd"));
  EXPECT_EQ(*own.find("path"), *lent.find("path"));
  EXPECT_EQ(*own.find("argv"), *lent.find("argv"));
  std::set<std::string> names[2];
  for (const auto* each : {&own, &lent})
    for (const auto& member : *each->find("env")->object()) names[each == &lent].insert(member.first);
  EXPECT_EQ(names[0], names[1]);
  EXPECT_TRUE(logs.has("[WARNING]\t")) << "logging is set up as usual";
  EXPECT_EQ(logs.count("loaded"), 1);
}

TEST_F(ReserveTest, WhatIsReadAtTheStartNeedsAProcessOfItsOwn) {
  keep().want(spec.runtime);
  reserve->settle();
  spec.environment = {{"PYTHONHASHSEED", "0"}};
  EXPECT_EQ(*result("{}").find("env")->find("PYTHONHASHSEED")->string(), "0");
  EXPECT_EQ(reserve->count(), 1u);
  for (const char* name : {"LD_PRELOAD", "TZ", "LANG", "LC_ALL", "NODE_OPTIONS", "AWS_LAMBDA_EXEC_WRAPPER", "MALLOC_ARENA_MAX"})
    EXPECT_TRUE(needs_exec({{name, "x"}})) << name;
  for (const char* name : {"MINE", "PATH", "NODE_ENV", "AWS_LAMBDA_LOG_LEVEL"}) EXPECT_FALSE(needs_exec({{name, "x"}})) << name;
}

TEST_F(ReserveTest, OneThatHasDiedIsNobodys) {
  keep().want(spec.runtime);
  reserve->settle();
  const auto init = parse_number<int>(split(sandboxes_of(spawner), ' ')[0]);
  ASSERT_TRUE(init);
  std::string text;
  std::getline(std::ifstream(cat("/proc/", *init, "/task/", *init, "/children")), text);
  const auto interpreter = parse_number<int>(split(text, ' ')[0]);
  ASSERT_TRUE(interpreter) << text;
  kill(*interpreter, SIGKILL);
  EXPECT_TRUE(ends(*interpreter));
  // The init has told of it once it waits again.
  for (std::string state; kill(*interpreter, 0) == 0 || state != "S";) {
    std::getline(std::ifstream(cat("/proc/", *init, "/stat")), text);
    state = text.substr(text.rfind(')') + 2, 1);
  }
  EXPECT_TRUE(result("{}").find("pid"));
}

TEST_F(ReserveTest, ColdStartsMakeItGrow) {
  auto& all = keep({.least = 1, .most = 3, .total = 8});
  for (int i = 0; i < 4; ++i) {
    result("{}");
    restart();
  }
  all.settle();
  EXPECT_EQ(all.count(), 3u);
}

TEST_F(ReserveTest, NodeWaitsToo) {
  spec.runtime = "nodejs20.x";
  spec.handler = "index.handler";
  if (const auto why = missing(spec.runtime); !why.empty()) GTEST_SKIP() << why;
  write("index.js", R"(exports.handler = async (event, context) => {
    console.log("line");
    return {cwd: process.cwd(), env: process.env, argv: process.argv.slice(2), name: context.functionName, roots: require("module").globalPaths};
  };)");
  spec.environment = {{"MINE", "yes"}};
  const auto own = result("{}");
  restart();
  ASSERT_EQ(sandboxes_left_by(spawner), "");
  keep().want(spec.runtime);
  reserve->settle();
  EXPECT_EQ(reserve->count(), 1u);
  const auto waiting = sandboxes_of(spawner);
  const auto lent = result("{}");
  EXPECT_TRUE(sandboxes_of(spawner).starts_with(waiting)) << "its sandbox was there";
  for (const char* part : {"cwd", "argv", "name", "roots"}) EXPECT_EQ(*own.find(part), *lent.find(part)) << part;
  std::set<std::string> names[2];
  for (const auto* each : {&own, &lent})
    for (const auto& member : *each->find("env")->object()) names[each == &lent].insert(member.first);
  EXPECT_EQ(names[0], names[1]);
  EXPECT_TRUE(logs.has("\tINFO\tline"));
}

// An interpreter that has the SDK is looked for where version managers keep theirs.
class SdkReserveTest : public ReserveTest {
 public:
  SdkReserveTest() : ReserveTest(prepare()) {}
  static sandbox::Spawner* prepare() {
    path = getenv("PATH");
    const char* home = getenv("HOME");
    std::error_code error;
    for (fs::directory_iterator it(cat(std::string_view(home ? home : "/"), "/.pyenv/versions"), error), end; !error && it != end;
         it.increment(error))
      for (int minor = 9; minor <= 14; ++minor) {
        std::error_code ignored;
        if (!fs::exists(it->path() / "lib" / cat("python3.", minor) / "site-packages" / "boto3", ignored)) continue;
        runtime = cat("python3.", minor);
        setenv("PATH", cat(it->path().string(), "/bin:", path).c_str(), 1);
      }
    return spawners->off.get();
  }
  void SetUp() override {
    ReserveTest::SetUp();
    if (!runtime.empty()) spec.runtime = runtime;
  }
  void TearDown() override {
    setenv("PATH", path.c_str(), 1);
    ReserveTest::TearDown();
  }
  inline static std::string path, runtime;
};

TEST_F(SdkReserveTest, WhoLoadsTheSdkGetsItLoaded) {
  write("app.py", R"py(
import sys
before = "botocore" in sys.modules
import boto3
def handler(event, context): return before
)py");
  if (invoke("{}").failed) GTEST_SKIP() << "the interpreter has no SDK";
  restart();
  auto& all = keep({.least = 1, .most = 1, .total = 4});
  all.settle();
  EXPECT_EQ(answer("{}"), "false") << "nobody knows yet";
  restart();
  EXPECT_EQ(answer("{}"), "false") << "none waits";
  restart();
  all.settle();
  EXPECT_EQ(all.count(), 2u) << "one of each kind";
  EXPECT_EQ(answer("{}"), "true");
  restart();
  all.settle();
  write("jmespath.py", "");
  write("app.py", "import sys\nbefore = 'botocore' in sys.modules\ndef handler(event, context): return before\n");
  EXPECT_EQ(answer("{}"), "false") << "a function that brings a part of it has none loaded";
}

}  // namespace
}  // namespace sallyport::runtime
