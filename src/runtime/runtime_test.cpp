// Environments, pools and the HTTP Runtime API, by way of a bootstrap for provided.al2023.
#include "runtime/testing.hpp"

#include <map>
#include <regex>
#include <set>
#include <thread>

namespace sallyport::runtime {
namespace {

// A bootstrap for provided.al2023 that does what the event says, over the HTTP Runtime API.
constexpr std::string_view api_bootstrap = R"(
import http.client, json, os, signal, sys, time
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
def call(method, path, body=None, headers={}):
    api.request(method, "/2018-06-01/runtime/" + path, body, headers)
    answer = api.getresponse()
    return answer, answer.read()
open("starts", "a").write("x")
if os.path.exists("broken"):
    call("POST", "init/error", '{"errorMessage":"no luck","errorType":"Function.Broken"}', {"Lambda-Runtime-Function-Error-Type": "Function.Broken"})
    sys.exit(1)
if os.path.exists("exits"):
    sys.exit(7)
count = 0
while True:
    head, body = call("GET", "invocation/next")
    event = json.loads(body)
    count += 1
    what = event.get("do", "echo")
    id = head.getheader("Lambda-Runtime-Aws-Request-Id")
    if what == "exit": os._exit(event["code"])
    if what == "kill": os.kill(os.getpid(), signal.SIGSEGV)
    if what == "sleep": time.sleep(60)
    if what == "eat": hog = bytearray(400 << 20); time.sleep(60)
    if what in ("read", "write"): open("meeting", what[0]).close()
    if what == "print": print("one\ntwo", flush=True)
    if what == "error":
        call("POST", "invocation/%s/error" % id, '{"errorMessage":"boom","errorType":"Function.Boom"}', {"Lambda-Runtime-Function-Error-Type": "Function.Boom"})
        continue
    if what == "again":
        head, body = call("GET", "invocation/next")
        assert head.getheader("Lambda-Runtime-Aws-Request-Id") == id
    if what == "wrong-id":
        wrong = call("POST", "invocation/nonsense/response", "{}")[0].status
        call("POST", "invocation/%s/response" % id, json.dumps({"wrong": wrong}))
        continue
    if what == "big":
        status = call("POST", "invocation/%s/response" % id, b"x" * 6291557)[0].status
        api.close()
        continue
    if what == "twice":
        call("POST", "invocation/%s/response" % id, json.dumps({"first": True}))
        second = call("POST", "invocation/%s/response" % id, "{}")[0].status
        print("second answer got", second, flush=True)
        continue
    if what in ("leave", "linger"):
        call("POST", "invocation/%s/response" % id, "{}")
        if what == "leave": os._exit(5)
        while not os.path.exists("go"): time.sleep(0.01)
        continue
    if what == "half":
        api.putrequest("POST", "/2018-06-01/runtime/invocation/%s/response" % id)
        api.putheader("Content-Length", "10")
        api.endheaders(b"abc")
        if event["then"] == "exit": os._exit(3)
        if event["then"] == "eat": hog = bytearray(400 << 20)
        time.sleep(60)
    call("POST", "invocation/%s/response" % id, json.dumps({"count": count, "event": event, "pid": os.getpid(), "arn": head.getheader("Lambda-Runtime-Invoked-Function-Arn"),
         "client": head.getheader("Lambda-Runtime-Client-Context"),
         "deadline": int(head.getheader("Lambda-Runtime-Deadline-Ms")), "env": dict(os.environ), "cwd": os.getcwd()}))
)";

class RuntimeApiTest : public RuntimeTest {
 public:
  void SetUp() override {
    RuntimeTest::SetUp();
    const auto python = interpreters.find("python3.12");
    if (!python) GTEST_SKIP() << missing("python3.12");
    write("bootstrap", cat("#!", python->path, api_bootstrap));
    spec.runtime = "provided.al2023";
  }
};

TEST_F(RuntimeApiTest, RunsABootstrapOverTheRuntimeApi) {
  spec.environment = {{"MINE", "yes"}, {"_PRIVATE", "dropped"}};
  setenv("SERVER_SECRET", "x", 1);
  const auto answer = result(R"({"a":1})");
  EXPECT_EQ(*answer.find("event"), *json::parse(R"({"a":1})"));
  EXPECT_EQ(*answer.find("arn")->string(), spec.function_arn + ":live");
  EXPECT_EQ(*answer.find("cwd")->string(), fs::canonical(spec.code_directory));
  const auto& environment = *answer.find("env");
  EXPECT_EQ(*environment.find("MINE")->string(), "yes");
  EXPECT_EQ(*environment.find("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")->string(), "256");
  for (const char* absent : {"_PRIVATE", "SERVER_SECRET", "HOME", "AWS_EXECUTION_ENV"}) EXPECT_FALSE(environment.find(absent)) << absent;
  EXPECT_EQ(result("{}").find("count")->integer(), 2) << "the second event goes to the warm environment";
}

TEST_F(RuntimeApiTest, FunctionErrorsKeepTheEnvironment) {
  const auto failed = invoke(R"({"do":"error"})");
  EXPECT_TRUE(failed.failed);
  EXPECT_EQ(failed.payload, R"({"errorMessage":"boom","errorType":"Function.Boom"})");
  EXPECT_EQ(failed.error_type, "Function.Boom");
  EXPECT_EQ(result("{}").find("count")->integer(), 2);
}

TEST_F(RuntimeApiTest, ExitsAndSignalsHaveAwsTexts) {
  EXPECT_EQ(failure(R"({"do":"exit","code":0})"), exit_error("Runtime exited without providing a reason"));
  EXPECT_EQ(failure(R"({"do":"exit","code":127})"), exit_error("Runtime exited with error: exit status 127"));
  EXPECT_TRUE(logs.has(cat("RequestId: ", last_id, " Error: Runtime exited with error: exit status 127\nRuntime.ExitError")));
  EXPECT_TRUE(logs.lines.back().text.ends_with(" MB\tStatus: error\tError Type: Runtime.ExitError")) << logs.lines.back().text;
  EXPECT_EQ(failure(R"({"do":"kill"})"), exit_error("Runtime exited with error: signal: segmentation fault"));
  EXPECT_EQ(result("{}").find("count")->integer(), 1) << "a fresh environment takes the next event";
}

TEST_F(RuntimeApiTest, ATimeoutKillsTheEnvironment) {
  spec.timeout = std::chrono::seconds(1);
  EXPECT_EQ(failure(R"({"do":"sleep"})"), service_error("Sandbox.Timedout", "Task timed out after 1.00 seconds"));
  EXPECT_EQ(last_type, "Sandbox.Timedout");
  EXPECT_TRUE(logs.has(cat("Z ", last_id, " Task timed out after 1.00 seconds")));
  EXPECT_TRUE(logs.has("\tStatus: timeout"));
  EXPECT_EQ(result_anew("{}").find("count")->integer(), 1);
}

TEST_F(RuntimeApiTest, AnExitAfterTheAnswerIsNotTheNextEvents) {
  for (int i = 0; i < 3; ++i) {
    answer(R"({"do":"leave"})");
    const auto left = last_id;
    EXPECT_EQ(result("{}").find("count")->integer(), 1) << "nobody got the event but a new process";
    EXPECT_TRUE(until([&] { return logs.has(cat("REPORT RequestId: ", left)); }));
    EXPECT_TRUE(logs.has(cat("RequestId: ", left, " Error: Runtime exited with error: exit status 5\nRuntime.ExitError")));
    EXPECT_THAT(logs.find(cat("REPORT RequestId: ", left))->text, testing::EndsWith("\tStatus: error\tError Type: Runtime.ExitError"));
  }
}

TEST_F(RuntimeApiTest, AnEnvironmentIsFreeWhenTheRuntimeAsksForMore) {
  surroundings.freeze_after = std::chrono::milliseconds(1);
  answer(R"({"do":"linger"})");
  const auto lingers = last_id;
  EXPECT_EQ(result("{}").find("count")->integer(), 1) << "another environment takes it";
  EXPECT_FALSE(logs.has(cat("REPORT RequestId: ", lingers)));
  EXPECT_TRUE(until([&] { return pool->idle_count() == 1; }));
  write("go", "");
  EXPECT_TRUE(until([&] { return pool->idle_count() == 2; })) << "it was not frozen";
  EXPECT_TRUE(logs.has(cat("REPORT RequestId: ", lingers)));
  EXPECT_FALSE(logs.has("Status: "));
}

TEST_F(RuntimeApiTest, WhatARuntimeDoesAfterTheAnswerCountsAgainstTheTimeout) {
  spec.timeout = std::chrono::seconds(1);
  answer(R"({"do":"linger"})");
  const auto lingers = last_id;
  EXPECT_TRUE(until([&] { return logs.has(cat("REPORT RequestId: ", lingers)); }));
  EXPECT_TRUE(logs.has(cat("Z ", lingers, " Task timed out after 1.00 seconds")));
  EXPECT_THAT(logs.find(cat("REPORT RequestId: ", lingers))->text, testing::EndsWith("\tStatus: timeout"));
  EXPECT_EQ(result_anew("{}").find("count")->integer(), 1);
}

TEST_F(RuntimeApiTest, OneThatEndsInTheMiddleOfItsAnswerIsReportedAsItEnded) {
  EXPECT_EQ(failure(R"({"do":"half","then":"exit"})"), exit_error("Runtime exited with error: exit status 3"));
  EXPECT_EQ(result("{}").find("count")->integer(), 1);
  EXPECT_EQ(failure(R"({"do":"half","then":"eat"})"), service_error("Runtime.OutOfMemory", "Runtime exited with error: signal: killed"));
  restart();
  spec.timeout = std::chrono::seconds(1);
  EXPECT_EQ(failure(R"({"do":"half","then":"sleep"})"), service_error("Sandbox.Timedout", "Task timed out after 1.00 seconds"));
  EXPECT_TRUE(logs.has("\tStatus: timeout"));
}

TEST_F(RuntimeApiTest, MoreMemoryThanConfiguredKillsTheEnvironment) {
  spec.timeout = std::chrono::seconds(20);
  EXPECT_EQ(failure(R"({"do":"eat"})"), service_error("Runtime.OutOfMemory", "Runtime exited with error: signal: killed"));
}

TEST_F(RuntimeApiTest, OversizedAnswersAreAFunctionError) {
  EXPECT_EQ(failure(R"({"do":"big"})"), too_large);
  EXPECT_EQ(result("{}").find("count")->integer(), 2) << "the runtime goes on living";
}

TEST_F(RuntimeApiTest, OnlyTheLiveInvocationIsAcceptedAndOnce) {
  EXPECT_EQ(result(R"({"do":"wrong-id"})").find("wrong")->integer(), 400);
  EXPECT_TRUE(result(R"({"do":"again"})").find("event"));
  EXPECT_TRUE(result(R"({"do":"twice"})").find("first"));
  result("{}");
  EXPECT_TRUE(logs.has("second answer got 40"));
}

TEST_F(RuntimeApiTest, InitErrorsReachTheCaller) {
  write("broken", "");
  EXPECT_EQ(failure("{}"), R"({"errorMessage":"no luck","errorType":"Function.Broken"})");
  const std::string init_start = "INIT_START Runtime Version: provided:al2023\tRuntime Version ARN: ";
  const auto init_report = [](std::string_view phase) {
    return testing::MatchesRegex(
        cat("INIT_REPORT Init Duration: [0-9]+\\.[0-9][0-9] ms\tPhase: ", phase, "\tStatus: error\tError Type: Function.Broken"));
  };
  EXPECT_THAT(logs.texts(), testing::ElementsAre(init_start, init_report("init"), cat("START RequestId: ", last_id, " Version: $LATEST"),
                                                 init_report("invoke"), cat("END RequestId: ", last_id),
                                                 testing::AllOf(testing::StartsWith(cat("REPORT RequestId: ", last_id, "\tDuration: ")),
                                                                testing::EndsWith(" MB\tStatus: error\tError Type: Function.Broken"))));
  fs::remove(folder + "/code/broken");
  write("exits", "");
  EXPECT_EQ(failure("{}"), exit_error("Runtime exited with error: exit status 7"));
  fs::remove(folder + "/code/exits");
  EXPECT_EQ(result("{}").find("count")->integer(), 1) << "a mended function recovers";
}

TEST_F(RuntimeApiTest, AnInitThatKeepsFailingFailsEveryEvent) {
  for (const char* way : {"broken", "exits"}) {
    restart();
    write("starts", "");
    write(way, "");
    for (const auto& outcome : invoke_all(std::vector<std::string>(6, "{}"))) EXPECT_TRUE(outcome.failed);
    pool->retire();  // those that failed early enough wait for another event
    drain();
    EXPECT_GE(read("starts").size(), 3u) << way;
    EXPECT_LE(read("starts").size(), 8u) << way << ": four environments at most, and once more in the first event of each";
    fs::remove(folder + "/code/" + way);
  }
}

TEST_F(RuntimeApiTest, CrashesUnderLoadLeaveNoProcess) {
  const auto outcomes = invoke_all(std::vector<std::string>(24, R"({"do":"kill"})"));
  for (const auto& outcome : outcomes) EXPECT_EQ(outcome.error_type, "Runtime.ExitError") << outcome.payload;
  pool->retire();
  pool.reset();
  drain();
  EXPECT_EQ(sandboxes_left_by(spawner), "");
  for (const auto& outcome : invoke_all(std::vector<std::string>(8, "{}"))) EXPECT_FALSE(outcome.failed) << "every place was given back";
}

TEST_F(RuntimeApiTest, AMissingBootstrapIsNamed) {
  fs::remove(spec.code_directory + "/bootstrap");
  const auto outcome = invoke("{}");
  EXPECT_EQ(outcome.error_type, "Runtime.InvalidEntrypoint");
  EXPECT_NE(outcome.payload.find("bootstrap"), std::string::npos);
}

TEST_F(RuntimeApiTest, LogLinesAreAwss) {
  wants_report = true;
  result(R"({"do":"print"})");
  const auto start = cat("START RequestId: ", last_id, " Version: $LATEST"), end = cat("END RequestId: ", last_id);
  const auto report =
      cat("REPORT RequestId: ", last_id,
          "\tDuration: [0-9]+\\.[0-9][0-9] ms\tBilled Duration: [0-9]+ ms\tMemory Size: 256 MB\tMax Memory Used: [1-9][0-9]* MB\t");
  EXPECT_THAT(logs.texts(), testing::ElementsAre(testing::StartsWith("INIT_START "), start, "one", "two", end,
                                                 testing::MatchesRegex(report + "Init Duration: [0-9]+\\.[0-9][0-9] ms\t")));
  for (const auto& line : logs.lines) EXPECT_EQ(line.request_id, line.text.starts_with("INIT_START") ? "" : last_id) << line.text;
  EXPECT_EQ(logs.lines[2].source, LogLine::Source::function);
  EXPECT_EQ(logs.lines[4].source, LogLine::Source::platform);
  result("{}");
  EXPECT_THAT(logs.lines.back().text,
              testing::MatchesRegex(std::regex_replace(report, std::regex("RequestId: [^\t]*"), "RequestId: " + last_id)))
      << "only a cold start has an init";
}

TEST_F(RuntimeApiTest, EventsWaitForAFreeEnvironmentAndNeverShareOne) {
  const auto outcomes = invoke_all(std::vector<std::string>(20, "{}"));
  std::map<std::int64_t, std::set<std::int64_t>> counts;
  for (const auto& outcome : outcomes) {
    ASSERT_FALSE(outcome.failed) << outcome.payload;
    const auto answer = *json::parse(outcome.payload);
    EXPECT_TRUE(counts[*answer.find("pid")->integer()].insert(*answer.find("count")->integer()).second);
  }
  EXPECT_LE(counts.size(), 4u) << "the capacity bounds the processes";
}

TEST_F(RuntimeApiTest, TheNewestIdleEnvironmentIsTakenFirst) {
  // Opening a FIFO waits for its other end: both events are under way at once, in the only two environments there are.
  ASSERT_EQ(mkfifo((spec.code_directory + "/meeting").c_str(), 0600), 0);
  const auto outcomes = invoke_all({R"({"do":"read"})", R"({"do":"write"})"});
  EXPECT_NE(*json::parse(outcomes[0].payload)->find("pid"), *json::parse(outcomes[1].payload)->find("pid"));
  const auto both_idle = [&] { return pool->idle_count() == 2; };
  EXPECT_TRUE(until(both_idle));
  const auto first = result("{}").find("pid")->integer();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(until(both_idle));
    EXPECT_EQ(result("{}").find("pid")->integer(), first);
  }
}

TEST_F(RuntimeApiTest, FunctionsGiveEachOtherRoom) {
  Capacity one(1, 2);
  auto first = std::make_shared<Pool>(spec, surroundings, one);
  spec.function_name = "g";
  auto second = std::make_shared<Pool>(spec, surroundings, one);
  // An idle environment ends for another function's event at once, a busy one after its own.
  for (int i = 0; i < 2; ++i)
    for (auto* each : {&first, &second}) {
      pool = *each;
      EXPECT_EQ(result("{}").find("count")->integer(), 1);
      EXPECT_EQ(result("{}").find("count")->integer(), 2) << "and stays while nobody else wants its place";
    }
  int left = 4;
  for (int i = 0; i < 4; ++i)
    loop->scope().spawn([](RuntimeApiTest& test, Pool& pool, int& count) -> Task<void> {
      const auto outcome = co_await pool.invoke(*test.loop, test.invocation("{}"));
      EXPECT_FALSE(outcome.failed) << outcome.error_type;
      if (--count == 0) test.loop->stop();
    }(*this, i % 2 ? *first : *second, left));
  loop->run();
  first->retire();
  pool = second;
  restart();
}

TEST_F(RuntimeApiTest, TheClientContextIsAHeader) {
  EXPECT_TRUE(result("{}").find("client")->is_null()) << "no header without one";
  client_context = R"({"custom":{"k":"v"}})";
  EXPECT_EQ(*result("{}").find("client")->string(), client_context);
}

TEST_F(RuntimeApiTest, NoEnvironmentOutlivesItsCredentials) {
  const auto first = *result("{}").find("pid")->integer();
  clock.ahead = std::chrono::hours(9);
  EXPECT_EQ(*result("{}").find("pid")->integer(), first);
  clock.ahead = std::chrono::hours(11);
  EXPECT_NE(*result("{}").find("pid")->integer(), first);
  EXPECT_EQ(*result("{}").find("count")->integer(), 2) << "its successor stays";
}

TEST_F(RuntimeApiTest, TheServiceAroundGivesVariables) {
  surroundings.service_variables = [](const FunctionSpec& asked) {
    return std::map<std::string, std::string>{{"AWS_ACCESS_KEY_ID", asked.role}, {"AWS_ENDPOINT_URL", "http://here"}};
  };
  spec.role = "arn:aws:iam::123456789012:role/r";
  const auto variables = *result("{}").find("env");
  EXPECT_EQ(*variables.find("AWS_ACCESS_KEY_ID")->string(), spec.role);
  EXPECT_EQ(*variables.find("AWS_ENDPOINT_URL")->string(), "http://here");
  restart();
  spec.environment = {{"AWS_ENDPOINT_URL", "http://own"}, {"AWS_ACCESS_KEY_ID", "own"}};
  const auto configured = *result("{}").find("env");
  EXPECT_EQ(*configured.find("AWS_ENDPOINT_URL")->string(), "http://own") << "the function's own wins";
  EXPECT_EQ(*configured.find("AWS_ACCESS_KEY_ID")->string(), spec.role) << "but never over credentials";
}

TEST_F(RuntimeApiTest, ABurstLeavesItsEnvironmentsWarm) {
  for (int burst = 0; burst < 4; ++burst) invoke_all(std::vector<std::string>(20, "{}"));
  EXPECT_LE(read("starts").size(), 4u) << "who waited for a place and needs it no more takes none away";
}

TEST_F(RuntimeApiTest, LoopsShareAPool) {
  // Events come in on two loops at once; an environment serves both, whichever started it.
  pool = std::make_shared<Pool>(spec, surroundings, capacity);
  auto other = *io::Loop::make();
  std::atomic<int> left = 40, failed = 0;
  const auto caller = [](RuntimeApiTest& test, io::Loop& here, io::Loop& one, io::Loop& two, std::atomic<int>& left,
                         std::atomic<int>& failed) -> Task<void> {
    for (int i = 0; i < 10; ++i) {
      Invocation invocation{RequestId(make_uuid(test.random)), test.spec.function_arn, {}, "{}"};
      auto outcome = co_await test.pool->invoke(here, std::move(invocation));
      if (outcome.failed) ++failed;
      if (--left) continue;
      test.pool->retire();
      for (auto* loop : {&one, &two}) loop->post([loop] { loop->scope().when_empty([loop] { loop->stop(); }); });
    }
  };
  const auto run = [&](io::Loop& here) {
    here.post([&] {
      for (int i = 0; i < 2; ++i) here.scope().spawn(caller(*this, here, *loop, *other, left, failed));
    });
    here.run();
  };
  std::thread thread([&] { run(*other); });
  run(*loop);
  thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(logs.count("REPORT "), 40);
}

}  // namespace
}  // namespace sallyport::runtime
