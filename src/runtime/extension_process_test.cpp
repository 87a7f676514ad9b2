// Extensions as processes beside a function, at the levels there are here.
#include "runtime/testing.hpp"

namespace sallyport::runtime {
namespace {

// Subscribes to everything, listens, and does what the variable MODE says when an event comes.
constexpr std::string_view extension = R"(
import http.client, http.server, json, os, sys, threading, time
mode = os.environ.get("MODE", "")
def say(*words): print(*words, flush=True)
def call(method, path, body=None, **headers):
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    api.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = api.getresponse()
    return answer, answer.read()
def extension(method, path, body=None, **headers): return call(method, "/2020-01-01/extension/" + path, body, **headers)
if mode == "leave": sys.exit(0)
answer, body = extension("POST", "register", '{"events":["INVOKE","SHUTDOWN"]}', Lambda_Extension_Name=os.path.basename(__file__))
say("registered for", json.loads(body)["functionName"], "handler" in os.environ, "_HANDLER" in os.environ)
id = answer.getheader("Lambda-Extension-Identifier")
if mode in ("init-error", "stays"):
    extension("POST", "init/error", "{}", Lambda_Extension_Identifier=id, Lambda_Extension_Function_Error_Type="Extension.NoLuck")
    time.sleep(60 if mode == "stays" else 0)
    sys.exit(1)
told, news = set(), threading.Condition()
def wait_until_told(*what):
    with news: return news.wait_for(lambda: what in told, 1.5)
class Listener(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        for event in json.loads(self.rfile.read(int(self.headers["Content-Length"]))):
            record = event["record"]
            say("heard", event["type"], record if event["type"] == "function" else record.get("status", ""))
            if event["type"] == "function": continue
            with news:
                told.add((event["type"], record.get("requestId")))
                news.notify_all()
        self.send_response(200)
        self.end_headers()
    def log_message(self, *ignored): pass
listener = http.server.HTTPServer(("0.0.0.0", 0), Listener)
threading.Thread(target=listener.serve_forever, daemon=True).start()
wanted = {"schemaVersion": "2022-12-13", "types": ["platform", "function"], "buffering": {"timeoutMs": 25},
          "destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:%d/" % listener.server_port}}
say("subscription", call("PUT", "/2022-07-01/telemetry", json.dumps(wanted), Lambda_Extension_Identifier=id)[0].status)
if mode == "follow": say("told of init", wait_until_told("platform.initRuntimeDone", None))
event = {}
while True:
    before = event.get("requestId")
    event = json.loads(extension("GET", "event/next", Lambda_Extension_Identifier=id)[1])
    say("event", event["eventType"], event.get("requestId", ""), event.get("shutdownReason", ""))
    if event["eventType"] == "SHUTDOWN":
        wait_until_told("platform.report", before)
        break
    if mode == "crash": os._exit(3)
    if mode == "signal": os.kill(os.getpid(), 15)
    if mode == "follow": say("told of the event", wait_until_told("platform.runtimeDone", event["requestId"]))
    if mode == "hang": time.sleep(60)
    if mode == "slow":
        while not os.path.exists(os.path.dirname(os.path.dirname(__file__)) + "/go"): time.sleep(0.01)
        say("slowly done")
say("leaves")
)";

constexpr std::string_view handler = R"(
import json, os, time
starts = 0
def handler(event, context):
    global starts
    starts += 1
    print("function says", json.dumps(event))
    if "sleep" in event: time.sleep(event["sleep"])
    if "exit" in event: os._exit(event["exit"])
    return starts
)";

// Registers from within the runtime, and waits for events in a thread of its own.
constexpr std::string_view internal_handler = R"(
import http.client, json, os, threading, urllib.request
api = os.environ["AWS_LAMBDA_RUNTIME_API"]
def call(method, path, body=None, headers={}):
    connection = http.client.HTTPConnection(api)
    connection.request(method, "/2020-01-01/extension/" + path, body, headers)
    answer = connection.getresponse()
    return answer, answer.read()
id = call("POST", "register", '{"events":["INVOKE"]}', {"Lambda-Extension-Name": "inside"})[0].getheader("Lambda-Extension-Identifier")
def follow():
    while True:
        print("inside hears", json.loads(call("GET", "event/next", None, {"Lambda-Extension-Identifier": id})[1])["requestId"], flush=True)
threading.Thread(target=follow, daemon=True).start()
def handler(event, context): return context.aws_request_id
)";

class ExtensionProcessTest : public RuntimeTest, public testing::WithParamInterface<sandbox::Level> {
 public:
  ExtensionProcessTest() : RuntimeTest(GetParam() == sandbox::Level::off ? spawners->off.get() : spawners->native.get()) {}
  void SetUp() override {
    if (GetParam() != sandbox::Level::off && !spawners->native) GTEST_SKIP() << "skipped: level native is not possible here";
    RuntimeTest::SetUp();
    const auto python = interpreters.find("python3.12");
    if (!python) GTEST_SKIP() << missing("python3.12");
    spec.runtime = "python3.12";
    spec.handler = "app.handler";
    spec.layers_directory = folder + "/layers";
    surroundings.freeze_after = std::chrono::milliseconds(0);  // what is heard after an event is heard at once
    write("app.py", handler);
    bring("watcher", cat("#!", python->path, extension));
  }
  void bring(const std::string& name, std::string_view text, int mode = 0755) {
    const auto path = folder + "/layers/extensions/" + name;
    fs::create_directories(fs::path(path).parent_path());
    for (const auto& directory : {folder, folder + "/layers", folder + "/layers/extensions", folder + "/code"})
      chmod(directory.c_str(), 0755);
    std::ofstream(path) << text;
    chmod(path.c_str(), mode);
  }
  /// Runs on until a line has been logged so many times.
  void until_logged(std::string_view part, long times = 1) {
    loop->scope().spawn([](ExtensionProcessTest& test, std::string_view what, long count) -> Task<void> {
      for (int i = 0; i < 2'000 && test.logs.count(what) < count; ++i) co_await io::sleep_for(*test.loop, std::chrono::milliseconds(5));
      EXPECT_GE(test.logs.count(what), count) << what << " in\n" << testing::PrintToString(test.logs.texts());
      test.loop->stop();
    }(*this, part, times));
    loop->run();
  }
};

TEST_P(ExtensionProcessTest, AnExtensionHearsOfEveryEventOfTelemetryAndOfTheEnd) {
  EXPECT_EQ(answer(R"({"a":1})"), "1");
  EXPECT_TRUE(logs.has("registered for f False False"));
  EXPECT_TRUE(logs.has("subscription 200"));
  EXPECT_TRUE(logs.has("TELEMETRY\tName: watcher\tState: Subscribed\tTypes: [platform,function]"));
  EXPECT_TRUE(logs.has("EXTENSION\tName: watcher\tState: Ready\tEvents: [INVOKE,SHUTDOWN]"));
  until_logged(cat("event INVOKE ", last_id));
  for (const char* heard :
       {"heard platform.initStart", "heard platform.start", R"(heard function function says {"a": 1})", "heard platform.report"})
    until_logged(heard);
  pool->retire();
  until_logged("event SHUTDOWN  spindown");
  until_logged("leaves");
}

TEST_P(ExtensionProcessTest, TheAnswerDoesNotWaitForASlowExtensionButTheEnvironmentDoes) {
  spec.environment["MODE"] = "slow";
  EXPECT_EQ(answer("{}"), "1");
  EXPECT_FALSE(logs.has("slowly done"));
  EXPECT_FALSE(logs.has("REPORT RequestId"));
  std::ofstream(spec.layers_directory + "/go") << "";
  until_logged("REPORT RequestId");
  EXPECT_TRUE(logs.has("slowly done"));
  EXPECT_EQ(answer("{}"), "2");
}

TEST_P(ExtensionProcessTest, ACrashEndsTheEventAndTheNextFindsEverythingNew) {
  spec.environment["MODE"] = "crash";
  EXPECT_EQ(failure(R"({"sleep":20})"), service_error("Extension.Crash", "exit status 3"));
  EXPECT_EQ(last_type, "Extension.Crash");
  EXPECT_EQ(failure(R"({"sleep":20})"), service_error("Extension.Crash", "exit status 3"));
  EXPECT_EQ(logs.count("registered for"), 2);
}

TEST_P(ExtensionProcessTest, ASignalHasItsName) {
  spec.environment["MODE"] = "signal";
  EXPECT_EQ(failure(R"({"sleep":20})"), service_error("Extension.Crash", "signal: terminated"));
}

TEST_P(ExtensionProcessTest, OneThatWaitsForTheRuntimeToBeDoneHearsOfIt) {
  spec.environment["MODE"] = "follow";
  for (int event = 1; event <= 2; ++event) {
    EXPECT_EQ(answer("{}"), cat(event));
    until_logged("told of the event True", event);
    until_logged("REPORT RequestId", event);
  }
  EXPECT_TRUE(logs.has("told of init True"));
}

TEST_P(ExtensionProcessTest, AnExtensionThatNeverComesBackUsesUpTheFunctionsTime) {
  spec.environment["MODE"] = "hang";
  spec.timeout = std::chrono::seconds(1);
  EXPECT_EQ(answer("{}"), "1");
  until_logged("Task timed out after 1.00 seconds");
  until_logged("Status: timeout");
}

TEST_P(ExtensionProcessTest, ItHearsThatTheFunctionTookTooLongBeforeItIsKilled) {
  spec.timeout = std::chrono::seconds(1);
  failure(R"({"sleep":20})");
  EXPECT_EQ(last_type, "Sandbox.Timedout");
  until_logged("event SHUTDOWN  timeout");
  until_logged("heard platform.runtimeDone timeout");
  until_logged("heard platform.report timeout");
  until_logged("leaves");
  EXPECT_EQ(invoke_anew("{}").payload, "1");
}

TEST_P(ExtensionProcessTest, ItHearsThatTheRuntimeDiedBeforeItIsKilled) {
  failure(R"({"exit":1})");
  EXPECT_EQ(last_type, "Runtime.ExitError");
  until_logged("event SHUTDOWN  failure");
  until_logged("heard platform.runtimeDone failure");
  until_logged("heard platform.report failure");
  until_logged("leaves");
  EXPECT_EQ(answer("{}"), "1");
}

TEST_P(ExtensionProcessTest, OneThatReportsAnErrorInInitFailsIt) {
  spec.environment["MODE"] = "init-error";
  EXPECT_EQ(failure("{}"), service_error("Extension.InitError", "exit status 1"));
  EXPECT_TRUE(logs.has("\tError Type: Extension.NoLuck"));
}

TEST_P(ExtensionProcessTest, OneThatReportsAnErrorAndStaysIsEnded) {
  spec.environment["MODE"] = "stays";
  EXPECT_EQ(failure("{}"), service_error("Extension.InitError", "signal: killed"));
}

TEST_P(ExtensionProcessTest, OneThatLeavesWithoutAWordFailsInit) {
  spec.environment["MODE"] = "leave";
  EXPECT_EQ(failure("{}"), service_error("Extension.Crash", "exit code 0"));
}

TEST_P(ExtensionProcessTest, WhatCannotBeExecutedIsALaunchError) {
  bring("broken", "no program", 0644);
  failure("{}");
  EXPECT_EQ(last_type, "Extension.LaunchError");
}

TEST_P(ExtensionProcessTest, AnInternalExtensionHearsOfEventsToo) {
  spec.layers_directory.clear();
  write("app.py", internal_handler);
  answer("{}");
  until_logged(cat("inside hears ", last_id));
  answer("{}");
  until_logged(cat("inside hears ", last_id));
  EXPECT_EQ(logs.count("EXTENSION\tName: inside\tState: Ready\tEvents: [INVOKE]"), 1);
}

INSTANTIATE_TEST_SUITE_P(Levels, ExtensionProcessTest, testing::Values(sandbox::Level::off, sandbox::Level::native),
                         [](const auto& level) { return std::string(sandbox::to_text(level.param)); });

}  // namespace
}  // namespace sallyport::runtime
