#include <gtest/gtest.h>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "runtime/interpreters.hpp"
#include "runtime/pool.hpp"

namespace sallyport::runtime {
namespace {

namespace fs = std::filesystem;

// A bootstrap for provided.al2023 that does what the event says, over the HTTP Runtime API.
constexpr std::string_view api_bootstrap = R"(#!/usr/bin/env python3
import http.client, json, os, signal, sys, time
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
def call(method, path, body=None, headers={}):
    api.request(method, "/2018-06-01/runtime/" + path, body, headers)
    answer = api.getresponse()
    return answer, answer.read()
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
    call("POST", "invocation/%s/response" % id, json.dumps({"count": count, "event": event, "pid": os.getpid(), "arn": head.getheader("Lambda-Runtime-Invoked-Function-Arn"),
         "deadline": int(head.getheader("Lambda-Runtime-Deadline-Ms")), "env": dict(os.environ), "cwd": os.getcwd()}))
)";

class CollectedLogs final : public LogSink {
 public:
  void write(const LogLine& line) override {
    std::scoped_lock lock(mutex);
    lines.emplace_back(line.text);
  }
  bool has(std::string_view part) {
    std::scoped_lock lock(mutex);
    for (const auto& line : lines)
      if (line.find(part) != line.npos) return true;
    return false;
  }
  std::mutex mutex;
  std::vector<std::string> lines;
};

class RuntimeTest : public testing::Test {
 public:
  void SetUp() override {
    char name[] = "/tmp/runtime-test-XXXXXX";
    folder = mkdtemp(name);
    ASSERT_TRUE(write_bootstraps(folder + "/scratch"));
    fs::create_directories(folder + "/code");
    spec.function_name = "f";
    spec.version = "$LATEST";
    spec.function_arn = "arn:aws:lambda:us-east-1:123456789012:function:f";
    spec.region = "us-east-1";
    spec.code_directory = folder + "/code";
    spec.memory_mb = 256;
  }
  void TearDown() override {
    if (pool) pool->retire();
    pool.reset();
    loop->scope().when_empty([this] { loop->stop(); });
    loop->run();
    fs::remove_all(folder);
  }
  void write(const std::string& name, std::string_view text) {
    std::ofstream(folder + "/code/" + name) << text;
    chmod((folder + "/code/" + name).c_str(), 0755);
  }
  void use_api_bootstrap() {
    write("bootstrap", api_bootstrap);
    spec.runtime = "provided.al2023";
  }
  Invocation invocation(std::string payload) {
    return {RequestId(make_uuid(random)), spec.function_arn + ":live", "Root=1-a", std::move(payload)};
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
  Outcome invoke(std::string payload) { return invoke_all({std::move(payload)}).front(); }
  json::Value result(std::string payload) {
    auto outcome = invoke(std::move(payload));
    EXPECT_FALSE(outcome.failed) << outcome.payload;
    return json::parse(outcome.payload).value_or(json::Value());
  }

  std::string folder;
  std::unique_ptr<io::Loop> loop = *io::Loop::make();
  SystemClock clock;
  SystemRandom random;
  CollectedLogs logs;
  Interpreters interpreters{{{}, false, split_search_path(getenv("PATH"))}};
  Surroundings surroundings{clock, random, logs, interpreters, {}};
  Capacity capacity{4, 2};
  FunctionSpec spec;
  std::shared_ptr<Pool> pool;
};

TEST_F(RuntimeTest, RunsABootstrapOverTheRuntimeApi) {
  use_api_bootstrap();
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

TEST_F(RuntimeTest, FunctionErrorsKeepTheEnvironment) {
  use_api_bootstrap();
  const auto failed = invoke(R"({"do":"error"})");
  EXPECT_TRUE(failed.failed);
  EXPECT_EQ(failed.payload, R"({"errorMessage":"boom","errorType":"Function.Boom"})");
  EXPECT_EQ(failed.error_type, "Function.Boom");
  EXPECT_EQ(result("{}").find("count")->integer(), 2);
}

TEST_F(RuntimeTest, ExitsAndSignalsHaveAwsTexts) {
  use_api_bootstrap();
  EXPECT_NE(invoke(R"({"do":"exit","code":0})").payload.find(R"({"errorType":"Runtime.ExitError","errorMessage":"RequestId: )"), std::string::npos);
  EXPECT_TRUE(invoke(R"({"do":"exit","code":0})").payload.ends_with("Error: Runtime exited without providing a reason\"}"));
  EXPECT_TRUE(invoke(R"({"do":"exit","code":127})").payload.ends_with("Error: Runtime exited with error: exit status 127\"}"));
  EXPECT_TRUE(invoke(R"({"do":"kill"})").payload.ends_with("Error: Runtime exited with error: signal: segmentation fault\"}"));
  EXPECT_EQ(result("{}").find("count")->integer(), 1) << "a fresh environment takes the next event";
}

TEST_F(RuntimeTest, ATimeoutKillsTheEnvironment) {
  use_api_bootstrap();
  spec.timeout = std::chrono::seconds(1);
  const auto outcome = invoke(R"({"do":"sleep"})");
  EXPECT_EQ(outcome.error_type, "Sandbox.Timedout");
  EXPECT_TRUE(outcome.payload.ends_with("Error: Task timed out after 1.00 seconds\"}")) << outcome.payload;
  EXPECT_TRUE(logs.has("Task timed out after 1.00 seconds"));
  EXPECT_TRUE(logs.has("\tStatus: timeout"));
  EXPECT_EQ(result("{}").find("count")->integer(), 1);
}

TEST_F(RuntimeTest, MoreMemoryThanConfiguredKillsTheEnvironment) {
  use_api_bootstrap();
  spec.timeout = std::chrono::seconds(20);
  EXPECT_EQ(invoke(R"({"do":"eat"})").error_type, "Runtime.OutOfMemory");
}

TEST_F(RuntimeTest, OversizedAnswersAreAFunctionError) {
  use_api_bootstrap();
  EXPECT_EQ(invoke(R"({"do":"big"})").payload,
            R"({"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"})");
  EXPECT_EQ(result("{}").find("count")->integer(), 2) << "the runtime goes on living";
}

TEST_F(RuntimeTest, OnlyTheLiveInvocationIsAcceptedAndOnce) {
  use_api_bootstrap();
  EXPECT_EQ(result(R"({"do":"wrong-id"})").find("wrong")->integer(), 400);
  EXPECT_TRUE(result(R"({"do":"again"})").find("event"));
  EXPECT_TRUE(result(R"({"do":"twice"})").find("first"));
  result("{}");
  EXPECT_TRUE(logs.has("second answer got 40"));
}

TEST_F(RuntimeTest, InitErrorsReachTheCaller) {
  use_api_bootstrap();
  write("broken", "");
  EXPECT_EQ(invoke("{}").payload, R"({"errorMessage":"no luck","errorType":"Function.Broken"})");
  fs::remove(folder + "/code/broken");
  write("exits", "");
  EXPECT_TRUE(invoke("{}").payload.ends_with("Error: Runtime exited with error: exit status 7\"}"));
  fs::remove(folder + "/code/exits");
  EXPECT_FALSE(invoke("{}").failed) << "a mended function recovers";
}

TEST_F(RuntimeTest, AMissingBootstrapIsNamed) {
  spec.runtime = "provided.al2023";
  const auto outcome = invoke("{}");
  EXPECT_EQ(outcome.error_type, "Runtime.InvalidEntrypoint");
  EXPECT_NE(outcome.payload.find("bootstrap"), std::string::npos);
}

TEST_F(RuntimeTest, LogLinesAreAwss) {
  use_api_bootstrap();
  result(R"({"do":"print"})");
  std::vector<std::string> kinds;
  for (const auto& line : logs.lines) kinds.push_back(line.substr(0, line.find(' ')));
  EXPECT_EQ(kinds, (std::vector<std::string>{"START", "one", "two", "END", "REPORT"}));
  const auto& report = logs.lines.back();
  for (const char* part : {"\tDuration: ", " ms\tBilled Duration: ", " ms\tMemory Size: 256 MB\tMax Memory Used: ", " MB\tInit Duration: "})
    EXPECT_NE(report.find(part), report.npos) << report;
  EXPECT_TRUE(report.ends_with(" ms\t"));
}

TEST_F(RuntimeTest, EventsWaitForAFreeEnvironmentAndNeverShareOne) {
  use_api_bootstrap();
  const auto outcomes = invoke_all(std::vector<std::string>(20, "{}"));
  std::map<std::int64_t, std::set<std::int64_t>> counts;
  for (const auto& outcome : outcomes) {
    ASSERT_FALSE(outcome.failed) << outcome.payload;
    const auto answer = *json::parse(outcome.payload);
    EXPECT_TRUE(counts[*answer.find("pid")->integer()].insert(*answer.find("count")->integer()).second);
  }
  EXPECT_LE(counts.size(), 4u) << "the capacity bounds the processes";
}

TEST_F(RuntimeTest, TheNewestIdleEnvironmentIsTakenFirst) {
  use_api_bootstrap();
  invoke_all({"{}", "{}", "{}"});
  const auto first = result("{}").find("pid")->integer();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(result("{}").find("pid")->integer(), first);
}

TEST_F(RuntimeTest, RunsPythonHandlersOverFrames) {
  spec.runtime = "python3.11";
  spec.handler = "app.handler";
  write("app.py", R"(
import os
calls = 0
def handler(event, context):
    global calls
    calls += 1
    print("hello from", context.function_name)
    if event == "raise": raise ValueError("boom")
    if event == "exit": os._exit(3)
    if event == "big": return "x" * 6291556
    return {"calls": calls, "event": event, "id": context.aws_request_id, "memory": context.memory_limit_in_mb, "arn": context.invoked_function_arn}
)");
  const auto answer = result(R"({"a":[1,2.50,"\u00e9"]})");
  EXPECT_EQ(answer.find("calls")->integer(), 1);
  EXPECT_EQ(*answer.find("memory")->string(), "256");
  EXPECT_EQ(*answer.find("arn")->string(), spec.function_arn + ":live");
  EXPECT_TRUE(logs.has("hello from f"));
  const auto raised = invoke(R"("raise")");
  EXPECT_TRUE(raised.failed);
  EXPECT_TRUE(raised.payload.starts_with(R"({"errorMessage": "boom", "errorType": "ValueError", "requestId": ")")) << raised.payload;
  EXPECT_EQ(invoke(R"("big")").error_type, "Function.ResponseSizeTooLarge");
  EXPECT_EQ(result("{}").find("calls")->integer(), 4);
  EXPECT_TRUE(invoke(R"("exit")").payload.ends_with("Runtime exited with error: exit status 3\"}"));
  EXPECT_EQ(result("{}").find("calls")->integer(), 1);
}

TEST_F(RuntimeTest, AnInterpreterOfAnotherVersionStandsInUnlessStrict) {
  const auto path = split_search_path(getenv("PATH"));
  Interpreters lenient({{}, false, path}), strict({{}, true, path}), mapped({{{"python3.9", "/usr/bin/env"}}, false, {}});
  const auto found = lenient.find("python3.14");
  ASSERT_TRUE(found);
  if (!found->exact) {
    const auto refused = strict.find("python3.14");
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("no python3.14 in "), std::string::npos);
  }
  EXPECT_EQ(mapped.find("python3.9")->path, "/usr/bin/env");
  EXPECT_FALSE(mapped.find("nodejs22.x"));
  EXPECT_FALSE(family_of("java21"));
  EXPECT_FALSE(family_of("python3.7"));
  EXPECT_FALSE(family_of("nodejs21.x"));
}

}  // namespace
}  // namespace sallyport::runtime
