// What a look at an environment's memory leads to where the kernel keeps no limit. Environments are real, what they hold is made up.
#include "runtime/testing.hpp"

namespace sallyport::runtime {
namespace {

/// What every sandbox says it holds.
struct Scale {
  std::atomic<long> now_kib = 0, shared_kib = 0;
  std::atomic<int> closer_looks = 0;
  std::atomic<std::thread::id> looked_closer_on = {};
};

class WeighedSandbox final : public sandbox::Sandbox {
 public:
  WeighedSandbox(std::unique_ptr<sandbox::Sandbox> real, Scale& scale) : real_(std::move(real)), scale_(scale) {}
  sandbox::Level level() const override { return real_->level(); }
  Result<> assign(const sandbox::Assignment& assignment) override { return real_->assign(assignment); }
  Result<int> start(sandbox::Program program) override { return real_->start(std::move(program)); }
  void signal(int pid, int number) override { real_->signal(pid, number); }
  void kill_all() override { real_->kill_all(); }
  void freeze() override { real_->freeze(); }
  void thaw() override { real_->thaw(); }
  int events() const override { return real_->events(); }
  std::optional<sandbox::Exit> next_exit() override { return real_->next_exit(); }
  bool gone() const override { return real_->gone(); }
  sandbox::Memory memory() const override {
    return {.now_kib = scale_.now_kib, .peak_kib = 1024, .shares_counted_often = scale_.shared_kib < scale_.now_kib};
  }
  long shared_memory_kib() const override {
    scale_.looked_closer_on = std::this_thread::get_id();
    ++scale_.closer_looks;
    return scale_.shared_kib;
  }
  void begin_anew() override { real_->begin_anew(); }
  Result<sandbox::Fd> dial(int port) override { return real_->dial(port); }
  sandbox::Fd take_api_listener() override { return real_->take_api_listener(); }
  sandbox::Fd take_endpoint_listener() override { return real_->take_endpoint_listener(); }
  std::string task_root() const override { return real_->task_root(); }
  std::string layers_root() const override { return real_->layers_root(); }
  std::string runtime_root() const override { return real_->runtime_root(); }
  int host_pid() const override { return real_->host_pid(); }

 private:
  const std::unique_ptr<sandbox::Sandbox> real_;
  Scale& scale_;
};

class WeighingSpawner final : public sandbox::Spawner {
 public:
  const Settings& settings() const override { return spawners->off->settings(); }
  Result<std::unique_ptr<sandbox::Sandbox>> create(const sandbox::Blueprint& blueprint) override {
    auto made = spawners->off->create(blueprint);
    if (!made) return std::unexpected(made.error());
    return std::make_unique<WeighedSandbox>(std::move(*made), scale);
  }
  Result<std::string> version_of(const std::string& program) override { return spawners->off->version_of(program); }
  int pid() const override { return spawners->off->pid(); }
  Scale scale;
};

struct Weighing {
  WeighingSpawner weighing;
};

class MemoryLookTest : private Weighing, public RuntimeTest {
 public:
  MemoryLookTest() : RuntimeTest(&weighing) {}
  void SetUp() override {
    RuntimeTest::SetUp();
    spec.runtime = "python3.12";
    spec.handler = "app.handler";
    spec.memory_mb = 128;
    if (const auto why = missing(spec.runtime); !why.empty()) GTEST_SKIP() << why;
    write("app.py", "import time\ndef handler(event, context):\n    time.sleep(event)\n    return event\n");
    result("0");  // it has come up
  }
  Scale& scale() { return weighing.scale; }
};

TEST_F(MemoryLookTest, WhoHoldsTooMuchIsKilled) {
  scale().now_kib = scale().shared_kib = 200 * 1024;
  failure("20");
  EXPECT_EQ(last_type, "Runtime.OutOfMemory");
  EXPECT_EQ(scale().closer_looks, 0);
}

TEST_F(MemoryLookTest, PagesThatSeveralShareAreCountedOnceAndElsewhere) {
  scale().now_kib = 200 * 1024;
  scale().shared_kib = 100 * 1024;
  EXPECT_EQ(answer("0.5"), "0.5") << "it is left alone";
  EXPECT_GT(scale().closer_looks, 0);
}

TEST_F(MemoryLookTest, WhoHoldsTooMuchWithoutThemIsKilled) {
  scale().now_kib = 300 * 1024;
  scale().shared_kib = 200 * 1024;
  failure("20");
  EXPECT_EQ(last_type, "Runtime.OutOfMemory");
  EXPECT_GT(scale().closer_looks, 0);
  EXPECT_NE(scale().looked_closer_on.load(), std::this_thread::get_id()) << "the loop does not wait for it";
  scale().now_kib = scale().shared_kib = 0;
  result("0");
}

}  // namespace
}  // namespace sallyport::runtime
