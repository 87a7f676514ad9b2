// What becomes of environments between events: resting, freezing, dying, coming back, and being there ahead of time.
#include <fcntl.h>

#include "runtime/testing.hpp"

namespace sallyport::runtime {
namespace {

constexpr std::string_view handler_text = R"py(
import os, socket, sys, time
count = 0
open("starts", "a").write("x")
if os.path.exists("broken"): raise ValueError("broken")
if os.path.exists("slow"): time.sleep(60)
def handler(event, context):
    global count
    count += 1
    if event == "crash": os._exit(3)
    if event == "hang": time.sleep(60)
    if event == "slow-init-next": open("slow", "w").close(); time.sleep(60)
    if event == "flood":
        line = b"x" * 1023 + b"\n"
        for i in range(100): os.write(1, line * 1024)
    if event == "meet":
        with open("meeting", "w"): pass
    if event == "listen":
        global listener
        listener = socket.create_server(("127.0.0.1", 0))
        return listener.getsockname()[1]
    return {"count": count, "pid": os.getpid(), "type": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], "log": os.environ.get("AWS_LAMBDA_LOG_FORMAT")}
)py";

char state_of(int pid) {
  std::string text;
  std::getline(std::ifstream(cat("/proc/", pid, "/stat")), text);
  const auto end = text.rfind(')');
  return end == std::string::npos || end + 2 >= text.size() ? '-' : text[end + 2];
}

class LifecycleTest : public RuntimeTest {
 public:
  void SetUp() override {
    RuntimeTest::SetUp();
    spec.runtime = "python3.12";
    spec.handler = "app.handler";
    if (const auto why = missing(spec.runtime); !why.empty()) GTEST_SKIP() << why;
    write("app.py", handler_text);
  }
  int pid() { return static_cast<int>(*result("{}").find("pid")->integer()); }
  long count() { return *result("{}").find("count")->integer(); }
  long count_anew() { return *result_anew("{}").find("count")->integer(); }
};

TEST_F(LifecycleTest, TheSandboxOutlivesItsProcess) {
  spec.timeout = std::chrono::seconds(3);
  EXPECT_EQ(count(), 1);
  const auto sandboxes = sandboxes_of(spawner);
  failure("\"hang\"");
  EXPECT_EQ(last_type, "Sandbox.Timedout");
  EXPECT_EQ(count_anew(), 1) << "a new process";
  EXPECT_FALSE(logs.lines.back().text.contains("Init Duration")) << "its init was part of the event: " << logs.lines.back().text;
  failure("\"crash\"");
  EXPECT_EQ(count_anew(), 1);
  EXPECT_EQ(count(), 2);
  EXPECT_EQ(sandboxes_of(spawner), sandboxes);
}

TEST_F(LifecycleTest, AnInitWithinAnEventHasTheEventsTime) {
  spec.timeout = std::chrono::seconds(1);
  failure("\"slow-init-next\"");
  EXPECT_EQ(failure("{}"), service_error("Sandbox.Timedout", "Task timed out after 1.00 seconds")) << "its time went into the init";
  EXPECT_TRUE(logs.has("\tPhase: invoke\tStatus: timeout"));
  fs::remove(folder + "/code/slow");
  write("broken", "");
  EXPECT_THAT(invoke_anew("{}").payload, testing::HasSubstr(R"("errorType": "ValueError")"));
  EXPECT_TRUE(logs.has("\tPhase: invoke\tStatus: error\tError Type: ValueError"));
  fs::remove(folder + "/code/broken");
  EXPECT_EQ(count_anew(), 1);
}

TEST_F(LifecycleTest, StartsThatFailAreSpacedOut) {
  write("broken", "");
  for (const auto& outcome : invoke_all(std::vector<std::string>(20, "{}"))) EXPECT_EQ(outcome.error_type, "ValueError");
  drain();
  EXPECT_GE(read("starts").size(), 3u);
  EXPECT_LE(read("starts").size(), 8u) << "after three in a row everybody who waits is told at once";
  fs::remove(folder + "/code/broken");
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(count(), 1) << "a mended function recovers";
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(8));
}

TEST_F(LifecycleTest, AnInitThatFailedIsRepeatedInTheFirstEvent) {
  write("app.py", R"py(
import os
open("starts", "a").write("x")
if os.path.getsize("starts") == 1: raise ValueError("the first time")
def handler(event, context): return context.get_remaining_time_in_millis()
)py");
  answer("{}");
  EXPECT_EQ(read("starts"), "xx");
  EXPECT_TRUE(logs.has("\tPhase: init\tStatus: error\tError Type: ValueError"));
  EXPECT_FALSE(logs.has("\tInit Duration: ")) << "it was part of the event";
  restart();
  write("app.py", "import nothing_of_this_name\n");
  EXPECT_THAT(failure("{}"), testing::HasSubstr("Runtime.ImportModuleError"));
  std::vector<std::string> in_event;
  for (const auto& line : logs.lines)
    if (line.request_id == last_id) in_event.push_back(line.text.substr(0, 11));
  EXPECT_THAT(in_event, testing::ElementsAre("START Reque", "[ERROR] Run", "INIT_REPORT", "END Request", "REPORT Requ"))
      << "whoever asks for the event's log is told why";
}

TEST_F(LifecycleTest, AnInitThatOverranIsRepeatedInTheEventsTime) {
  surroundings.init_time = std::chrono::milliseconds(300);
  spec.timeout = std::chrono::seconds(10);
  write("app.py", R"py(
import time
time.sleep(0.8)
def handler(event, context):
    time.sleep(event)
    return context.get_remaining_time_in_millis()
)py");
  const auto left = parse_number<int>(answer("0"));
  ASSERT_TRUE(left);
  EXPECT_LE(*left, 9'200) << "the init took its part";
  EXPECT_TRUE(logs.has("\tPhase: init\tStatus: timeout"));
  EXPECT_THAT(logs.lines.back().text, testing::MatchesRegex("REPORT.*\tDuration: ([89]|[1-9][0-9])[0-9][0-9]\\..*Used: [0-9]+ MB\t"));
  spec.timeout = std::chrono::seconds(2);
  restart();
  EXPECT_EQ(failure("1.5"), service_error("Sandbox.Timedout", "Task timed out after 2.00 seconds"));
  EXPECT_THAT(logs.lines.back().text, testing::HasSubstr("\tDuration: 2000.00 ms\tBilled Duration: 2000 ms\t"));
}

TEST_F(LifecycleTest, MaxMemoryUsedIsWhatProcessesHeld) {
  write("app.py", R"py(
import os, subprocess, sys, time
def hold(megabytes): return bytearray(megabytes << 20)
def handler(event, context):
    if event == "files":
        name = "/tmp/runtime-test-%d" % os.getpid()
        with open(name, "wb") as file:
            for _ in range(160): file.write(b"x" * (1 << 20))
        os.remove(name)
    if event == "child": subprocess.run([sys.executable, "-S", "-c", "b = bytearray(120 << 20); import time; time.sleep(0.4)"])
    if event == "moment": hold(120)
    if event == "crash":
        kept = hold(140)
        os._exit(1)
)py");
  const auto used = [&](std::string_view event) {
    const auto outcome = invoke(cat('"', event, '"'));
    EXPECT_EQ(outcome.failed, event == "crash") << outcome.payload;
    const auto& report = logs.lines.back().text;
    const auto at = report.find("Max Memory Used: ") + 17;
    return parse_number<long>(report.substr(at, report.find(' ', at) - at)).value_or(-1);
  };
  const auto little = used("nothing");
  EXPECT_GT(little, 5);
  EXPECT_LT(little, 60);
  EXPECT_LT(used("files"), 60) << "they are gone, and were no memory of a process";
  EXPECT_GT(used("child"), 115);
  EXPECT_GT(used("crash"), 140);
  EXPECT_LT(used("nothing"), 60) << "the process before it is no concern of this one";
  EXPECT_GT(used("moment"), 120);
  EXPECT_LT(used("moment"), 180);
}

TEST_F(LifecycleTest, AnIdleEnvironmentIsFrozenAfterAWhile) {
  surroundings.freeze_after = std::chrono::milliseconds(20);
  const auto its = pid();
  EXPECT_TRUE(until([&] { return state_of(its) == 'T'; }));
  EXPECT_EQ(pid(), its);
  EXPECT_NE(state_of(its), 'T');
  EXPECT_TRUE(until([&] { return state_of(its) == 'T'; })) << "and again";
  spec.debug = DebugSettings{1};  // never frozen
}

TEST_F(LifecycleTest, AnIdleEnvironmentEndsAfterItsTime) {
  surroundings.idle_time = std::chrono::milliseconds(50);
  const auto its = pid();
  EXPECT_TRUE(until([&] { return sandboxes_of(spawner).empty(); }));
  EXPECT_EQ(state_of(its), '-');
  EXPECT_EQ(count(), 1);
}

TEST_F(LifecycleTest, AnEnvironmentThatDiesIdleIsUsedAgain) {
  const auto its = pid();
  const auto sandboxes = sandboxes_of(spawner);
  const auto init = parse_number<int>(split(sandboxes, ' ')[0]);
  ASSERT_TRUE(init);
  ASSERT_EQ(kill(its, SIGKILL), 0);
  // The init has told of it once it waits again.
  EXPECT_TRUE(until([&] { return state_of(its) == '-' && state_of(*init) == 'S'; }));
  EXPECT_NE(pid(), its);
  EXPECT_EQ(sandboxes_of(spawner), sandboxes);
}

TEST_F(LifecycleTest, WhoeverHasWaitedTooLongTakesNoRoom) {
  Capacity none(0, 2);
  pool = std::make_shared<Pool>(spec, surroundings, none, std::chrono::milliseconds(1));
  for (const auto& outcome : invoke_all(std::vector<std::string>(3, "{}"))) EXPECT_TRUE(outcome.throttled);
  EXPECT_FALSE(none.others_wait(nullptr)) << "its pool left the line";
  pool->retire();
  pool.reset();
  drain();
}

TEST_F(LifecycleTest, ProvisionedConcurrencyLeavesPlacesToOthers) {
  Capacity few(4, 2);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(few.take_to_keep());
  EXPECT_FALSE(few.take_to_keep());
  EXPECT_TRUE(few.take(false));
  EXPECT_FALSE(few.take(false));
  few.give_back(false);
  EXPECT_FALSE(few.take_to_keep());
  few.give_back(true);
  EXPECT_TRUE(few.take_to_keep());
  EXPECT_TRUE(Capacity(1, 1).take_to_keep());
}

TEST_F(LifecycleTest, ProvisionedEnvironmentsAreThereAheadAndReplaced) {
  pool = std::make_shared<Pool>(spec, surroundings, capacity);
  pool->provision(*loop, 2);
  ASSERT_TRUE(until([&] { return pool->provisioned().ready == 2; })) << pool->provisioned().failure;
  EXPECT_EQ(read("starts"), "xx");
  EXPECT_EQ(pool->idle_count(), 0u) << "nobody may take them";
  const auto first = result("{}");
  EXPECT_EQ(*first.find("type")->string(), "provisioned-concurrency");
  failure("\"crash\"");
  EXPECT_TRUE(until([&] { return pool->provisioned().ready == 2; })) << "no event pays for the init";
  EXPECT_EQ(read("starts"), "xxx");

  ASSERT_EQ(mkfifo((spec.code_directory + "/meeting").c_str(), 0600), 0);
  sandbox::Fd meeting;
  loop->scope().spawn([](LifecycleTest& test, sandbox::Fd& meeting) -> Task<void> {
    co_await io::run_blocking(*test.loop, [&] {
      while (test.read("starts").size() < 4) usleep(1000);
    });
    // Both ends stay open, so that whoever comes to the meeting late finds somebody there.
    meeting = sandbox::Fd(open((test.spec.code_directory + "/meeting").c_str(), O_RDWR | O_CLOEXEC));
  }(*this, meeting));
  int on_demand = 0;
  for (const auto& outcome : invoke_all({R"("meet")", R"("meet")", R"("meet")"})) on_demand += outcome.payload.contains("on-demand");
  EXPECT_EQ(on_demand, 1) << "what is beyond them goes to others";
  pool->provision(*loop, 0);
  EXPECT_TRUE(until([&] { return pool->provisioned().ready == 0; }));
}

TEST_F(LifecycleTest, ProvisioningSaysWhyItFails) {
  write("broken", "");
  pool = std::make_shared<Pool>(spec, surroundings, capacity);
  pool->provision(*loop, 1);
  EXPECT_TRUE(until([&] { return !pool->provisioned().failure.empty(); }));
  EXPECT_THAT(pool->provisioned().failure, testing::StartsWith("ValueError: "));
  fs::remove(folder + "/code/broken");
  EXPECT_TRUE(until([&] { return pool->provisioned().ready == 1; }));
  EXPECT_EQ(pool->provisioned().failure, "");
}

TEST_F(LifecycleTest, AFullMachineMayRefuseAtOnce) {
  Capacity one(1, 1, Capacity::WhenFull::throttle);
  pool = std::make_shared<Pool>(spec, surroundings, one);
  ASSERT_EQ(mkfifo((spec.code_directory + "/meeting").c_str(), 0600), 0);
  sandbox::Fd meeting;
  loop->scope().spawn([](LifecycleTest& test, sandbox::Fd& meeting) -> Task<void> {
    while (test.read("starts").empty()) co_await io::sleep_for(*test.loop, std::chrono::milliseconds(5));
    const auto refused = co_await test.pool->invoke(*test.loop, test.invocation("{}"));
    EXPECT_TRUE(refused.throttled);
    // Both ends stay open, so that whoever comes to the meeting late finds somebody there.
    meeting = sandbox::Fd(open((test.spec.code_directory + "/meeting").c_str(), O_RDWR | O_CLOEXEC));
  }(*this, meeting));
  EXPECT_FALSE(invoke("\"meet\"").throttled);
  EXPECT_FALSE(invoke("{}").throttled);
  restart();
}

TEST_F(LifecycleTest, IdleEnvironmentsEndWhenTheyHoldTooMuchMemory) {
  Capacity little(4, 2, Capacity::WhenFull::queue, 1);
  pool = std::make_shared<Pool>(spec, surroundings, little);
  EXPECT_EQ(count(), 1);
  EXPECT_EQ(count(), 1) << "one megabyte holds none";
  restart();
  EXPECT_EQ(count(), 1);
  EXPECT_EQ(count(), 2);
}

TEST_F(LifecycleTest, AFloodOfOutputIsCutNotKept) {
  spec.timeout = std::chrono::seconds(60);
  EXPECT_EQ(count(), 1);
  answer("\"flood\"");
  EXPECT_TRUE(logs.has("bytes of output were dropped here"));
  std::size_t kept = 0;
  for (const auto& line : logs.lines) kept += line.text.size();
  EXPECT_LT(kept, 100u << 20);
  EXPECT_GT(kept, 16u << 20);
  EXPECT_EQ(count(), 3);
}

TEST_F(LifecycleTest, EnvironmentsCanBeStartedAheadAndDialled) {
  pool = std::make_shared<Pool>(spec, surroundings, capacity);
  pool->start_ahead(*loop, 2);
  EXPECT_TRUE(until([&] { return pool->idle_count() == 2; }));
  const auto port = parse_number<int>(answer("\"listen\""));
  ASSERT_TRUE(port);
  loop->scope().spawn([](LifecycleTest& test, int where) -> Task<void> {
    const auto connection = co_await attempt(test.pool->dial(*test.loop, where));
    EXPECT_TRUE(connection) << connection.error().message;
    test.loop->stop();
  }(*this, *port));
  loop->run();
}

TEST_F(LifecycleTest, AnEventWaitsForTheOneThatIsStartedAhead) {
  pool = std::make_shared<Pool>(spec, surroundings, capacity);
  pool->start_ahead(*loop, 1);
  std::string sandboxes;
  loop->post([&] {
    loop->scope().spawn([](LifecycleTest& test, std::string& found) -> Task<void> {
      const auto outcome = co_await test.pool->invoke(*test.loop, test.invocation("\"count\""));
      EXPECT_FALSE(outcome.failed) << outcome.payload;
      found = sandboxes_of(test.spawner);
      test.loop->stop();
    }(*this, sandboxes));
  });
  loop->run();
  EXPECT_EQ(split(sandboxes, ' ').size(), 2u) << "one, and what follows its blank: " << sandboxes;
}

TEST_F(LifecycleTest, WhoeverDrainsWaitsForTheLast) {
  EXPECT_EQ(count(), 1);
  pool->retire();
  loop->scope().spawn([](LifecycleTest& test) -> Task<void> {
    co_await test.pool->drained(*test.loop);
    EXPECT_EQ(test.pool->idle_count(), 0u);
    test.loop->stop();
  }(*this));
  loop->run();
}

TEST_F(LifecycleTest, AWrapperIsRunWithTheCommandLine) {
  write("wrapper", "#!/bin/sh\nexport WRAPPED=\"$2\"\nexec \"$@\"\n");
  write("app.py", "import os\ndef handler(event, context): return os.environ['WRAPPED']\n");
  spec.environment["AWS_LAMBDA_EXEC_WRAPPER"] = folder + "/code/wrapper";
  EXPECT_EQ(answer("{}"), "\"-X\"");
  restart();
  spec.environment["AWS_LAMBDA_EXEC_WRAPPER"] = "/opt/nothing";
  EXPECT_EQ(failure("{}"), exit_error("Runtime exited with error: exit status 127")) << "as a shell says it";
  restart();
  chmod((folder + "/code/wrapper").c_str(), 0644);
  spec.environment["AWS_LAMBDA_EXEC_WRAPPER"] = folder + "/code/wrapper";
  EXPECT_EQ(failure("{}"), exit_error("Runtime exited with error: exit status 126")) << "there, but not to be executed";
}

// The script of AWS's documentation ("Modifying the runtime environment"), which puts options of the interpreter before the last word.
std::string documented_wrapper(std::string_view options) {
  return cat("#!/bin/bash\nargs=(\"$@\")\nextra_args=(", options,
             ")\nargs=(\"${args[@]:0:$#-1}\" \"${extra_args[@]}\" \"${args[@]: -1}\")\nexec \"${args[@]}\"\n");
}

TEST_F(LifecycleTest, TheDocumentedWrapperGivesPythonOptions) {
  if (!fs::exists("/bin/bash")) GTEST_SKIP() << "skipped: no bash";
  spec.layers_directory = folder + "/layers";
  fs::create_directories(spec.layers_directory + "/python");
  std::ofstream(spec.layers_directory + "/python/from_layer.py") << "name = 'layer'\n";
  write("wrapper", documented_wrapper(R"("-X" "importtime")"));
  write("app.py",
        "import os, sys, from_layer\ndef handler(event, context):\n"
        "    return [from_layer.name, sys.argv[1:], '_SALLYPORT_LAYERS' in os.environ, str(sys._xoptions.get('importtime'))]\n");
  spec.environment["AWS_LAMBDA_EXEC_WRAPPER"] = folder + "/code/wrapper";
  EXPECT_EQ(answer("{}"), R"(["layer", [], false, "True"])");
  EXPECT_TRUE(logs.has("import time:"));
}

TEST_F(LifecycleTest, TheDocumentedWrapperGivesNodeOptions) {
  if (!fs::exists("/bin/bash")) GTEST_SKIP() << "skipped: no bash";
  spec.runtime = "nodejs22.x";
  if (const auto why = missing(spec.runtime); !why.empty()) GTEST_SKIP() << why;
  write("wrapper", documented_wrapper(R"("--enable-source-maps" "--no-warnings")"));
  write("app.js", "exports.handler = async () => [process.execArgv.join(' '), process.argv.length];\n");
  spec.environment["AWS_LAMBDA_EXEC_WRAPPER"] = folder + "/code/wrapper";
  EXPECT_EQ(answer("{}"), R"(["--enable-source-maps --no-warnings",2])");
}

TEST_F(LifecycleTest, LoggingSettingsReachTheFunction) {
  spec.log_format = "JSON";
  spec.application_log_level = "WARN";
  EXPECT_EQ(*result("{}").find("log")->string(), "JSON");
  EXPECT_TRUE(logs.has(R"("type":"platform.report")"));
}

}  // namespace
}  // namespace sallyport::runtime
