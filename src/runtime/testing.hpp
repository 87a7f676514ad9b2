// What the tests of this module share: a function in a folder of its own, a pool that runs it, and the log lines it leaves.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "runtime/interpreters.hpp"
#include "runtime/pool.hpp"

namespace sallyport::runtime {

namespace fs = std::filesystem;

class CollectedLogs final : public LogSink {
 public:
  struct Line {
    LogLine::Source source;
    std::string request_id, text;
  };
  void write(const LogLine& line) override {
    std::scoped_lock lock(mutex);
    lines.push_back({line.source, std::string(line.request_id), std::string(line.text)});
  }
  const Line* find(std::string_view part) const {
    for (const auto& line : lines)
      if (line.text.find(part) != std::string::npos) return &line;
    return nullptr;
  }
  bool has(std::string_view part) const { return find(part); }
  long count(std::string_view part) const {
    return std::count_if(lines.begin(), lines.end(), [&](const auto& line) { return line.text.find(part) != std::string::npos; });
  }
  std::vector<std::string> texts() const {
    std::vector<std::string> all;
    for (const auto& line : lines) all.push_back(line.text);
    return all;
  }
  std::mutex mutex;
  std::vector<Line> lines;  // to be read while no loop runs
};

/// Waits until a process that is no child of ours has ended.
inline bool ends(int pid) {
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return errno == ESRCH;
  pollfd waiting{fd, POLLIN, 0};
  const bool ended = poll(&waiting, 1, 20'000) == 1;
  close(fd);
  return ended;
}

/// The processes that make sandboxes. They are started before the first test: a process that has threads cannot start one.
class Spawners final : public testing::Environment {
 public:
  void SetUp() override {
    auto started = sandbox::Spawner::start({});
    ASSERT_TRUE(started) << started.error().message;
    off = std::move(*started);
    if (auto made = sandbox::Spawner::start({sandbox::Level::native, sandbox::Network::isolated}); made && (*made)->create({}))
      native = std::move(*made);
  }
  void TearDown() override {
    off.reset();
    native.reset();
  }
  std::unique_ptr<sandbox::Spawner> off, native;  // native: null where this machine does not allow it
};
inline Spawners* const spawners = static_cast<Spawners*>(testing::AddGlobalTestEnvironment(new Spawners));

/// The sandboxes a spawner has now, ended ones it has not noticed yet included.
inline std::string sandboxes_of(const sandbox::Spawner& spawner) {
  std::string all;
  for (const auto& thread : fs::directory_iterator(cat("/proc/", spawner.pid(), "/task"))) {
    std::string line;
    std::getline(std::ifstream(thread.path() / "children"), line);
    all += line;
  }
  return all;
}
/// Waits until there is none, for some seconds at most; those that are left.
inline std::string sandboxes_left_by(const sandbox::Spawner& spawner) {
  for (int i = 0; i < 500 && !sandboxes_of(spawner).empty(); ++i) usleep(10'000);
  return sandboxes_of(spawner);
}

/// The system's time, set forward.
class ShiftedClock final : public Clock {
 public:
  WallTime wall_now() const override { return system_.wall_now() + ahead.load(); }
  MonotonicTime monotonic_now() const override { return system_.monotonic_now() + ahead.load(); }
  std::atomic<std::chrono::minutes> ahead{};

 private:
  SystemClock system_;
};

class RuntimeTest : public testing::Test {
 public:
  explicit RuntimeTest(sandbox::Spawner* spawner = spawners->off.get()) : spawner(*spawner) {}
  void SetUp() override {
    char name[] = "/tmp/runtime-test-XXXXXX";
    folder = fs::canonical(mkdtemp(name));
    surroundings.scratch_directory = folder + "/scratch";
    ASSERT_TRUE(write_bootstraps(surroundings.scratch_directory));
    fs::create_directories(folder + "/code");
    spec.function_name = "f";
    spec.version = "$LATEST";
    spec.function_arn = "arn:aws:lambda:us-east-1:123456789012:function:f";
    spec.region = "us-east-1";
    spec.code_directory = folder + "/code";
    spec.memory_mb = 256;
    spec.timeout = std::chrono::seconds(30);
  }
  void TearDown() override {
    if (pool) pool->retire();
    pool.reset();
    drain();
    EXPECT_EQ(sandboxes_left_by(spawner), "") << "no process outlives its pool";
    fs::remove_all(folder);
  }
  /// Runs the loop until nothing is left to do; with a live environment that is never.
  void drain() {
    loop->scope().when_empty([this] { loop->stop(); });
    loop->run();
  }
  /// Gives up the environments; the next event starts a pool of the spec as it is now.
  void restart() {
    if (pool) pool->retire();
    pool.reset();
    drain();
    logs.lines.clear();
  }
  void write(const std::string& name, std::string_view text) {
    const auto path = folder + "/code/" + name;
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path) << text;
    chmod(path.c_str(), 0755);
  }
  std::string read(const std::string& name) {
    std::string text;
    std::getline(std::ifstream(folder + "/code/" + name), text, '\0');
    return text;
  }
  /// Empty, or why functions of this runtime cannot be tested here.
  std::string missing(std::string_view runtime) {
    auto found = interpreters.find(runtime);
    return found ? std::string() : "skipped: " + found.error().message;
  }
  Invocation invocation(std::string payload) {
    last_id = make_uuid(random);
    Invocation event{RequestId(last_id), spec.function_arn + ":live", "Root=1-a", std::move(payload), client_context};
    event.wants_report = wants_report;
    return event;
  }
  std::vector<Outcome> invoke_all(std::vector<std::string> payloads) {
    if (!pool) pool = std::make_shared<Pool>(spec, surroundings, capacity);
    std::vector<Outcome> outcomes(payloads.size());
    std::size_t left = payloads.size();
    for (std::size_t i = 0; i < payloads.size(); ++i)
      loop->scope().spawn([](RuntimeTest& test, std::string payload, Outcome& out, std::size_t& count) -> Task<void> {
        out = co_await test.pool->invoke(*test.loop, test.invocation(std::move(payload)));
        if (--count == 0) test.loop->stop();
      }(*this, payloads[i], outcomes[i], left));
    loop->run();
    return outcomes;
  }
  /// Runs the loop until that is so, for some seconds at most; whether it is.
  bool until(const std::function<bool()>& condition) {
    loop->scope().spawn([](RuntimeTest& test, const std::function<bool()>& done) -> Task<void> {
      for (int i = 0; i < 2'000 && !done(); ++i) co_await io::sleep_for(*test.loop, std::chrono::milliseconds(5));
      test.loop->stop();
    }(*this, condition));
    loop->run();
    return condition();
  }
  Outcome invoke(std::string payload) { return invoke_all({std::move(payload)}).front(); }
  /// The payload of an event that went well.
  std::string answer(std::string payload) {
    auto outcome = invoke(std::move(payload));
    EXPECT_FALSE(outcome.failed) << outcome.payload;
    return outcome.payload;
  }
  json::Value result(std::string payload) { return json::parse(answer(std::move(payload))).value_or(json::Value()); }
  /// An event that finds its environment killed: init is part of its time, which on a busy machine may not do for both. The next one tries
  /// again; a third that failed would end the sandbox.
  Outcome invoke_anew(const std::string& payload) {
    auto outcome = invoke(payload);
    for (int more = 2; more && outcome.error_type == "Sandbox.Timedout"; --more) outcome = invoke(payload);
    return outcome;
  }
  json::Value result_anew(const std::string& payload) {
    const auto outcome = invoke_anew(payload);
    EXPECT_FALSE(outcome.failed) << outcome.payload;
    return json::parse(outcome.payload).value_or(json::Value());
  }
  /// The payload of an event that failed.
  std::string failure(std::string payload) {
    auto outcome = invoke(std::move(payload));
    EXPECT_TRUE(outcome.failed) << outcome.payload;
    last_type = outcome.error_type;
    return outcome.payload;
  }
  /// The error object the service makes when an environment ends during an event.
  std::string service_error(std::string_view type, std::string_view text) {
    return cat(R"({"errorType":")", type, R"(","errorMessage":"RequestId: )", last_id, " Error: ", text, R"("})");
  }
  std::string exit_error(std::string_view text) { return service_error("Runtime.ExitError", text); }

  std::string folder, last_id, last_type, client_context;
  bool wants_report = false;
  std::unique_ptr<io::Loop> loop = *io::Loop::make();
  ShiftedClock clock;
  SystemRandom random;
  CollectedLogs logs;
  sandbox::Spawner& spawner;
  Interpreters interpreters{
      {{}, false, split_search_path(getenv("PATH")), [this](const auto& program) { return spawner.version_of(program); }}};
  Surroundings surroundings{clock, random, logs, interpreters, spawner, {}};
  Capacity capacity{4, 2};
  FunctionSpec spec;
  std::shared_ptr<Pool> pool;
};

inline constexpr std::string_view too_large =
    R"({"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"})";

}  // namespace sallyport::runtime
